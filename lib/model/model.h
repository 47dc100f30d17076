/* SPDX-License-Identifier: MIT */
/*
 * model: the transformer's forward, shared by sampling, scoring and training, its backward, and the
 * KV cache. Weights come in as plain bf16 tensors; the store, files and text are not known here.
 * See config.h for the letters; B sequences, R rows.
 *
 * A row is one position of one sequence. The operations compute each row independently of the
 * others (dev.h), so chunking, batching and threads do not change any bit. Hidden states, logits
 * and gradients are device memory.
 */
#ifndef MODEL_H
#define MODEL_H

#include "dev/dev.h"
#include "model/config.h"

struct model;

/* Gives tensor `p` as bf16 [rows][cols]; *data must stay valid during the next two calls. For an
 * adapter's tensor *data may be NULL: no adapter. */
typedef int (*model_tensor_fn)(void *ctx, const struct param *p, const bf16 **data, struct err *e);

/* Packs all weights (the tensors are not needed afterwards). dev_init must have been called. */
MUST_CHECK int model_new(const struct model_config *c, model_tensor_fn get, void *ctx,
                         struct model **out, struct err *e);
void model_free(struct model *m);
const struct model_config *model_config(const struct model *m);
/* Replaces the values (act) of parameter i, in model_param's order, and repacks it. */
void model_set(struct model *m, size_t i, struct mem values);

/* The same for a layer's matrix with an adapter: the weights become act(w + lora_alpha / lora_rank
 * b a), and model_backward computes the gradients of a and b. */
void model_adapt(struct model *m, size_t i, struct mem w, struct mem a, struct mem b);
/* The same matrix without its adapter, which is kept, or with it again. w: as it was given to
 * model_adapt. */
void model_adapter_off(struct model *m, size_t i, struct mem w);
void model_adapter_on(struct model *m, size_t i, struct mem w);
/* On host memory: out[n][k] = act(w + scale b a), of w[n][k], b[n][r], a[r][k]; the same bits at
 * every ISA level. */
void lora_merge(act *out, const act *w, const act *a, const act *b, size_t n, size_t k, size_t r,
                float scale);
float lora_scale(const struct model_config *c);

/* ---- KV cache ----------------------------------------------------------------- */

/* Keys and values of one sequence. */
struct kv {
	struct cache cache;
	size_t len;                  /* positions filled */
	/* holds only the layer being computed; must be the same for all of a call */
	int brief;
	/* NULL, or a sequence (borrowed) with the same positions before this one's first row in the
	 * call; they are computed once for both, by earlier rows of the same call. */
	const struct kv *base;
};

size_t kv_bytes(const struct model_config *c, size_t cap);
void kv_init(struct kv *kv, const struct model_config *c, size_t cap);
void kv_release(struct kv *kv);
/* kv, which has filled nothing and has no positions in common yet, gets its first n from the memory
 * of common (borrowed; n <= common's cap, a multiple of CACHE_UNIT) in addition to its own. */
void kv_common(struct kv *kv, const struct kv *common, size_t n);
/* kv without what it has in common: empty, with its own memory only. */
struct kv kv_own(const struct kv *kv);
/* dst's first n positions become src's (dst->cache.cap >= n); dst->len = n. Those that they have in
 * common are not copied. */
void kv_copy(struct kv *dst, const struct kv *src, size_t n, const struct model_config *c);

/* ---- forward --------------------------------------------------------------------- */

struct row {
	int token;                   /* [0, V) */
	size_t pos;                  /* position in its sequence: kv->len at the call, +1, ... */
	struct kv *kv;
};

struct acts;                         /* what the backward needs; see acts_new */

/*
 * Runs rows through all layers, appends to their caches (kv->len grows) and writes hidden[R][D]
 * (act), the final norm's output. Rows of one sequence must be adjacent, their positions
 * consecutive from kv->len. save non-NULL: every sequence must start at position 0, or have a base
 * in this call. Does not allocate after a call with as many rows and as long a sequence, or after
 * model_reserve.
 */
void model_reserve(struct model *m, size_t rows, size_t positions);
void model_forward(struct model *m, const struct row *rows, size_t n, struct mem hidden,
                   struct acts *save);

/* logits[R][V] ld of hidden[R][D]. The caller chooses R, and ld, best by mem_stride. */
void model_logits(struct model *m, struct mem hidden, size_t n, struct mem logits, size_t ld);

/* ---- backward ------------------------------------------------------------------------ */

/* fp32 gradients, one struct mem per parameter in model_param's order; none: not computed. */
struct grads {
	struct mem *g;               /* owned, and so is each memory */
	size_t n;
};

void grads_init(struct grads *g, const struct model_config *c);      /* zeros */
void grads_zero(struct grads *g, const struct model_config *c);
void grads_release(struct grads *g);

struct acts *acts_new(void);
void acts_free(struct acts *a);
/* From the next forward on, only the layers' inputs are saved and the backward recomputes each
 * layer: the same bits, at the cost of three quarters of a forward. Caches may then be brief;
 * otherwise the backward needs all layers. */
void acts_recompute(struct acts *a, int yes);
/* Bytes for saving n rows and for their backward's scratch, without caches. */
size_t acts_bytes(const struct model_config *c, size_t n, int recompute);

/*
 * The head's backward for some rows: given dlogits[R][V] (act; row stride ld, ideally not a
 * multiple of the page size), dhidden[R][D] = dlogits W_head (fp32), and the head's gradient +=
 * dlogits' hidden. Every call reads and writes the head's whole gradient and transposes its
 * weights, so pass hundreds of rows at a time.
 */
void model_logits_bwd(struct model *m, struct mem dlogits, size_t ld, struct mem hidden, size_t n,
                      struct mem dhidden, struct grads *g);
/* Backward of the forward that filled save, from dhidden[R][D]; adds to g. The rows' caches must be
 * unchanged since. */
void model_backward(struct model *m, const struct row *rows, size_t n, struct acts *save,
                    struct mem dhidden, struct grads *g);

#endif
