/* SPDX-License-Identifier: MIT */
/*
 * dev: the seam between the model and the machine. Above it lib/model, lib/rl and lib/train say
 * what is computed, in whole-batch operations over memory of the device; below it a table of
 * functions (dev/cpu*.c over kern and its threads; one day dev/cuda) says how. Knows no
 * configuration, no tensor's name, no store.
 *
 * Rules of the contract, for all of the table:
 *
 * - Operands are struct mem: nobody above the seam looks behind their address. Lists of rows,
 *   positions and caches go to the device once for each pass (plan); nothing is called row by row.
 * - An operation returns nothing and may return early: work is done in the order of the calls, as
 *   if each were done before the next. Only download, map and unmap wait. Host memory that is given
 *   to an operation has been read when it returns.
 * - No operation allocates once it has run with sizes as large (or after reserve).
 * - A result's row depends on its own row alone, its sums have an order that is fixed by absolute
 *   positions: rows' bits depend neither on how many rows are computed together nor on their place
 *   among them, nor on threads or blocks. Where rows are summed (gradients of weights), the order
 *   is stated. The order may differ from device to device and from level to level.
 * - What the device cannot do (no memory left, device lost) ends the program as xmalloc does.
 *
 * Letters: R rows of a pass, n rows of a part of it, D width, F feed-forward, V vocabulary, H query
 * heads, G key/value heads, S head size, T positions, N outputs and K inputs of a matrix. act is
 * what products take in: bf16. All else is fp32 unless it says otherwise. x[n][D] has rows of D
 * values one after the other; [n][D] ld: a row begins ld values after the one before. "or none":
 * struct mem {0}. Row 0 of every operand is the first row of the part.
 */
#ifndef DEV_H
#define DEV_H

#include "base/base.h"
#include "kern/types.h"

/* ---- memory --------------------------------------------------------------------- */

/*
 * Memory of the device, or a view of some of it: values, freely copied. Whoever called mem_new owns
 * it and calls mem_free; views last as long as that. It is the only owner of weights, caches,
 * activations, gradients. {0}: none.
 */
struct mem {
	char *p;                     /* the device's address */
	size_t bytes;                /* from p on */
};

struct mem mem_new(size_t bytes);            /* values undefined; 64-byte aligned at least */
void mem_free(struct mem *m);                /* leaves none */
/* At least so many bytes: a new memory (values undefined) if it has fewer. */
void mem_fit(struct mem *m, size_t bytes);
static inline int mem_there(struct mem m) { return m.p != NULL; }

/* The view from value i on; of none, none. */
static inline struct mem mem_at(struct mem m, size_t i, size_t size)
{
	return m.p ? (struct mem){m.p + i * size, m.bytes - i * size} : m;
}
static inline struct mem mem_f32(struct mem m, size_t i) { return mem_at(m, i, sizeof(float)); }
static inline struct mem mem_act(struct mem m, size_t i) { return mem_at(m, i, sizeof(act)); }

/*
 * The host's access to the first `bytes` of m: an address with its values, the memory itself where
 * the host sees it, else a copy. Between map and unmap the device must not use them; wrote: they
 * may have changed.
 */
void *mem_map(struct mem m, size_t bytes);
void mem_unmap(struct mem m, void *p, size_t bytes, int wrote);
/* The reverse: host memory as the device's. Its values are read only, and stay as they are until
 * mem_return: the memory itself where the device sees it, else a copy. */
struct mem mem_borrow(const void *host, size_t bytes);
void mem_return(struct mem *m);

/* ---- matrices -------------------------------------------------------------------- */

/* W[N][K] in the device's own layout, for gemm; MAT_ROWS: as it is, for embed only. */
enum mat_kind { MAT_PACKED, MAT_ROWS };
struct mat {
	struct mem mem;              /* owned, but of what transpose gives */
	size_t n, k;
	enum mat_kind kind;
};

/* ---- a pass ---------------------------------------------------------------------- */

/* Keys and values of one sequence, act [layers][G][2][cap][S]: a head's keys, then its values. */
struct cache {
	struct mem mem;
	size_t cap;                  /* positions */
};

/* Rows [row, row + n) of a pass are positions pos .. of one sequence. Positions of all spans,
 * counted from 0 in this order, begin at `keys`: gradients of keys and values are kept by that. */
struct span {
	size_t row, n, pos, keys;
	/* the earlier span whose first pos positions are this one's, too */
	ptrdiff_t base;
	struct cache cache;          /* which has those before pos already, if base is -1 */
};

struct plan_row {
	int32_t token, pos;          /* [0, V), position in the sequence */
	int32_t span, key;           /* its span; span's keys + pos */
};

/* What a pass is about. The caller fills it and calls dev->plan. */
struct plan {
	struct plan_row *rows;       /* [n] */
	struct span *spans;          /* [n_spans], their rows adjacent and in order */
	/* n_keys: all spans'; positions: largest + 1 */
	size_t n, n_spans, n_keys, positions;
	int common;                  /* some span has a base */
	void *own;                   /* the device's copy; {0} before the first dev->plan */
};

/* Rows [row, row + n) of it. */
struct part {
	const struct plan *plan;
	size_t row, n;
};

/* What the operations of one layer's attention have in common. */
struct attn {
	size_t heads, kv_heads, size;        /* H, G, S */
	/* fused projections: row stride, first column of k, of v; q at 0 */
	size_t ld, k, v;
	size_t layer;                /* which of the layers that caches hold */
	size_t window;               /* keys that a query sees, with its own; 0: all */
	float scale, eps;            /* of scores; of the norms */
	struct mem bias;             /* [ld], or none */
	struct mem norm[2];          /* q's, k's weights, [norm_size]; or none */
	size_t norm_size[2];         /* S: a norm for each head; H*S, G*S: one for all */
	struct mem cos, sin;         /* [T][S/2], or none: no rotation */
};

/* Norms of a row: of q's and k's heads. */
static inline size_t attn_norms(const struct attn *a)
{
	return a->heads * a->size / a->norm_size[0] + a->kv_heads * a->size / a->norm_size[1];
}

enum glu { GLU_SILU, GLU_GELU };     /* gelu in its tanh form */

/* ---- from logits to tokens -------------------------------------------------------- */

struct sampling {
	double temperature, top_p;   /* 1, 1: the model's own distribution */
	int top_k, greedy;           /* 0: off. greedy: the likeliest token, lowest id on a tie */
};

/* True if every token is drawn from the model's full softmax at temperature 1. */
int sampling_plain(const struct sampling *s);

struct draw {
	size_t row;                  /* of the logits; several draws may have the same */
	double u;                    /* uniform in [0, 1) */
	struct sampling how;
	int banned;                  /* the banned ids cannot be drawn */
};

/* logprob: natural log under the full softmax at temperature 1, score's number bit for bit;
 * sample_logprob: under what was drawn from. */
struct drawn {
	int32_t id;
	float logprob, sample_logprob;
};

/* What a row of logits x says of its token, and y's of the same. kl, entropy: 0 where not asked
 * for. */
struct scored {
	float lse, logp, ref_lse, ref_logp;
	/* sum p (log p - log q), -sum p log p: p, q the softmax of x, y */
	float kl, entropy;
};

enum score_want { SCORE_TOKENS, SCORE_ENTROPY, SCORE_KL };   /* each with what is before it */

/* ---- the table ---------------------------------------------------------------------- */

struct dev {
	const char *name;            /* "cpu", "cuda" */
	size_t chunk;                /* rows that go through a layer together at best */
	/* a fused matrix's parts begin at multiples of so many outputs */
	size_t panel;
	size_t head_part;            /* outputs of the head that are best transposed together */
	const char *(*level)(void);  /* what results are promised for: recorded in snapshots */
	int (*threads)(void);        /* the host's that are best used beside it */

	/* memory: see above, where these have functions of their own */
	struct mem (*alloc)(size_t bytes);
	void (*release)(struct mem *m);
	void *(*map)(struct mem m, size_t bytes);
	void (*unmap)(struct mem m, void *p, size_t bytes, int wrote);
	struct mem (*borrow)(const void *host, size_t bytes);
	void (*give_back)(struct mem *m);
	void (*upload)(struct mem to, const void *host, size_t bytes);
	void (*download)(void *host, struct mem from, size_t bytes);
	void (*copy)(struct mem to, struct mem from, size_t bytes);
	void (*zero)(struct mem m, size_t bytes);

	/* A matrix's memory, its values undefined. The caller owns it. */
	struct mat (*mat_new)(size_t n, size_t k, enum mat_kind kind);
	/* Outputs [first, first + n) of w become rows[n][K] (act); first is a multiple of panel.
	 * Where n is none, the outputs up to the next multiple become zero. */
	void (*mat_set)(const struct mat *w, size_t first, struct mem rows, size_t n);
	/* (W')^T, W' being W's outputs [first, first + n), first a multiple of panel: K outputs, n
	 * inputs. May lie in scratch, which grows: valid until that is used again or w changes. */
	struct mat (*transpose)(struct mem *scratch, const struct mat *w, size_t first, size_t n);
	/* out[N][K] = act(w + scale b a) of w[N][K], b[N][r], a[r][K], all act. Each product and
	 * sum is rounded by itself, in order of r: the same bits on every device. out may be w. */
	void (*merge)(struct mem out, struct mem w, struct mem a, struct mem b, size_t n, size_t k,
	              size_t r, float scale);

	/* ---- a pass ---- */

	/* Takes the plan's lists to the device: once for each pass, before operations are given
	 * it. */
	void (*plan)(struct plan *p, size_t head_size);
	void (*plan_release)(struct plan *p);
	/* Plans of so many rows whose positions are below this allocate nothing from now on. */
	void (*reserve)(size_t rows, size_t positions, size_t head_size);
	/* dst's first n positions become src's; heads: layers * G. */
	void (*cache_copy)(struct cache dst, struct cache src, size_t n, size_t heads, size_t size);

	/* ---- forward ---- */

	/* x[n][D] = scale * row `token` of table (a matrix of V outputs and D inputs). */
	void (*embed)(struct mem x, const struct part *p, const struct mat *table, float scale);
	/* out[n][D] (act) = x * r * w, r = 1 / sqrt(mean(x^2) + eps); r[n] or none: kept.
	 * w none: out = act(x), and no r. */
	void (*norm)(struct mem out, struct mem r, struct mem x, struct mem w, size_t n, size_t d,
	             float eps);
	/* c[n][N] ldc = from + a W': a[n][K] (act) lda; from[n][N] ldc, c itself or none (0). Sum
	 * over k in fp32; from is the last or the first summand, as the device has it. */
	void (*gemm)(struct mem c, size_t ldc, struct mem from, struct mem a, size_t lda,
	             const struct mat *w, size_t n);
	/* From qkv[n][ld], which is used up: + bias; the norms of heads (pre[n][(H+G)*S] keeps
	 * their inputs, r[n][attn_norms] their factors, or none); rotation of pairs (x[i], x[i +
	 * S/2]) by position; q[n][H*S] (act) are the queries, keys and values go to the rows'
	 * caches. */
	void (*heads)(struct mem q, struct mem pre, struct mem r, struct mem qkv,
	              const struct part *p, const struct attn *a);
	/* Positions before pos of each span that begins in the part and has a base: copied from
	 * there, in this layer. In order of spans, since the base may have one, too. */
	void (*share)(const struct part *p, const struct attn *a);
	/* att[n][H*S] (act) = softmax(scale q k') v, causal and within the window; H/G query heads
	 * to a key/value head. lse[n][H] of the scores, or none. Sums over keys in the order of
	 * positions. */
	void (*attend)(struct mem att, struct mem lse, struct mem q, const struct part *p,
	               const struct attn *a);
	/* h[n][F] (act; or none) = silu or gelu (gate) * up, of gu[n][ld]: gate at column 0, up at
	 * column `up`. keep_gate, keep_up[n][F] (act) are what they were, or none. */
	void (*glu)(struct mem h, struct mem keep_gate, struct mem keep_up, struct mem gu,
	            size_t ld, size_t up, size_t n, size_t f, enum glu kind);
	/* out[n][D] (or none) = x + y r w, r as in norm; y[n][D] is used up. pre[n][D] keeps y,
	 * r[n] its factors, or none. out may be x. */
	void (*post)(struct mem out, struct mem pre, struct mem r, struct mem x, struct mem y,
	             struct mem w, size_t n, size_t d, float eps);
	/* out[n][D] = in[index[i]], both act; index[n] (int32). */
	void (*gather)(struct mem out, struct mem in, struct mem index, size_t n, size_t d);
	/* out[n] (struct scored) of logits x[n][V], y[n][V] or none (ref_lse, ref_logp 0),
	 * token[n]. */
	void (*score)(struct mem out, struct mem x, struct mem y, struct mem token, size_t n,
	              size_t v, enum score_want want);
	/* out[n] (struct drawn): top-k, then top-p of what is left, of logits at draws[i].row,
	 * [..][V]. */
	void (*sample)(struct mem out, struct mem logits, size_t v, const struct draw *draws,
	               size_t n, const int *banned, size_t n_banned);

	/* ---- backward: gradients are added to, unless it says "=" ---- */

	/* dx[n][V] ld (act) = gradient of  c_logp * log p(token) + c_kl * KL(p || q)  for x, y as
	 * in score, whose results are s[n]; c[n][2] are c_logp, c_kl. y none: c_kl counts
	 * nothing. */
	void (*dlogits)(struct mem dx, size_t ld, struct mem x, struct mem y, struct mem s,
	                struct mem c, struct mem token, size_t n, size_t v);
	/* out[index[i]] += in[i], rows of D, in the order of i where an index occurs twice. */
	void (*scatter)(struct mem out, struct mem in, struct mem index, size_t n, size_t d);
	/* dw[N][K] += sum_t dy[t][N]' x[t][K], both act; over all n rows in order, then to dw. */
	void (*gemm_dw)(struct mem dw, struct mem dy, size_t ldy, struct mem x, size_t ldx,
	                size_t n, size_t outputs, size_t inputs);
	/* Through norm: dx[n][D] += ..; dw[D] += .. (or none): 64 rows at a time from the part's
	 * first on are summed in order, then these sums. w none: dx += dy. */
	void (*norm_bwd)(struct mem dx, struct mem dw, struct mem dy, struct mem x, struct mem w,
	                 struct mem r, size_t n, size_t d);
	/* Through glu: dgu[n][ld] (act, the columns that are nobody's 0) =, from dh[n][F]; h as in
	 * glu. */
	void (*glu_bwd)(struct mem dgu, struct mem h, struct mem dh, struct mem gate, struct mem up,
	                size_t ld, size_t up_at, size_t n, size_t f, enum glu kind);
	/* Through attend, of all rows: dq[R][H*S] =; dk, dv[n_keys][G*S] =, by the spans'
	 * positions. What spans have in common gets the sum over them: each adds its own to its
	 * base's, the last first. */
	void (*attend_bwd)(struct mem dq, struct mem dk, struct mem dv, struct mem datt,
	                   struct mem att, struct mem lse, struct mem q, const struct plan *p,
	                   const struct attn *a);
	/* Through heads: dqkv[n][ld] (act, the columns that are nobody's 0) =, from dq (used up) of
	 * the part, dk, dv (used up) of all. pre, r from heads. dbias of q, k, v, dnorm of q's and
	 * k's norms, each or none: summed as in norm_bwd. */
	void (*heads_bwd)(struct mem dqkv, const struct mem dbias[3], const struct mem dnorm[2],
	                  struct mem dq, struct mem dk, struct mem dv, struct mem pre, struct mem r,
	                  const struct part *p, const struct attn *a);
	/* Through embed, of all rows: g[V][D] += scale dx[R][D], in the order of rows. */
	void (*embed_bwd)(struct mem g, struct mem dx, const struct plan *p, size_t d, float scale);
	/* LoRA: out[n][r] (act) = act(scale in w'): in[n][k] (act) ld, w[r][k] (act) or,
	 * transposed, w[k][r]. */
	void (*thin)(struct mem out, struct mem in, size_t ld, struct mem w, size_t r, size_t k,
	             int transposed, float scale, size_t n);

	/* ---- the optimiser: on the calling thread, several may call at once ---- */

	/* One step over n values, from p0, m0, v0 to p, m, v (in place is allowed); w = act(p).
	 * m = b1 m0 + (1-b1) g; v = b2 v0 + (1-b2) g^2; p = p0 - lr (mhat/(sqrt(vhat)+eps) + decay
	 * p0), mhat = m * c1, vhat = v * c2. g is scaled by gscale first. m0, v0 none: zero. */
	void (*adamw)(const struct adamw *rate, size_t n, struct mem g, struct mem p0,
	              struct mem m0, struct mem v0, struct mem w, struct mem p, struct mem m,
	              struct mem v);
	void (*to_act)(struct mem out, struct mem x, size_t n);
	void (*from_act)(struct mem out, struct mem x, size_t n);
	/* out[0] (double) = sum of squares; not from several threads. In pieces of 65,536
	 * values. */
	void (*sumsq)(struct mem out, struct mem x, size_t n);
};

/*
 * Takes a device (--device: DEVICE_CPU, DEVICE_CUDA or DEVICE_AUTO, the best there is), and makes
 * the host's threads ready: 0: one per core of the affinity mask. Before it, the device is the CPU,
 * which needs kern_init.
 * -1 naming what is wrong if there is no such device here.
 */
MUST_CHECK int dev_init(int device, int threads, struct err *e);
extern const struct dev *dev;
extern const struct dev dev_cpu;

#endif
