/* SPDX-License-Identifier: MIT */
/*
 * policy: a store's snapshot loaded for use: model and tokenizer. The one place that joins store,
 * model and tok, for the tools that need all three.
 */
#ifndef POLICY_H
#define POLICY_H

#include "model/model.h"
#include "store/store.h"
#include "tok/tok.h"

struct policy {
	struct model_config config;
	struct model *model;
	struct vocab vocab;
	struct tok *tok;             /* NULL unless asked for */
	int64_t step;                /* the snapshot's */
};

/* Loads a snapshot; ref as in snap_open. The snapshot is closed before this returns, so nothing
 * stays pinned. */
MUST_CHECK int policy_load(struct store *s, const char *ref, int want_tok, struct policy *out,
                           struct err *e);
/* The same with adapters of this rank and alpha (model/config.h): the store's, or, if it has none,
 * new ones whose product is zero. Values that differ from the store's are an error. rank 0: as in
 * the store. */
struct policy_lora {
	uint32_t rank;
	double alpha;                /* 0: the store's, or 32 for new ones */
};
MUST_CHECK int policy_load_lora(struct store *s, const char *ref, const struct policy_lora *lora,
                                int want_tok, struct policy *out, struct err *e);
void policy_release(struct policy *p);
/* The store's model configuration and (v not NULL; initialised here, vocab_release frees it) its
 * tokenizer. */
MUST_CHECK int policy_docs(struct store *s, struct model_config *c, struct vocab *v, struct err *e);
/* A model_tensor_fn over an open snapshot (ctx: struct snap); checks type and shape. *data is NULL
 * for an adapter that the snapshot does not have. */
int policy_tensor(void *ctx, const struct param *p, const bf16 **data, struct err *e);
/* An export_tensor_fn: a base tensor with its adapter, if any, merged. ctx: struct policy_merge,
 * whose buffer holds the data until the next call; free it after the last call. */
struct policy_merge {
	struct snap *snap;
	const struct model_config *config;   /* the store's */
	act *buffer;
};
int policy_merged(void *ctx, const struct param *p, const bf16 **data, struct err *e);

/* The seed given to init or import. */
MUST_CHECK int policy_seed(struct store *s, uint64_t *seed, struct err *e);
/* Rewrites the store's configuration in a commit. */
MUST_CHECK int policy_config_commit(struct commit *k, const struct model_config *c, struct err *e);

/* ---- as JSON ------------------------------------------------------------------ */

/* Reads a new model's configuration: an object with model_config's field names (or Hugging Face's
 * names of the same). layers, width, heads, ffn and context are required; the rest has defaults:
 * llama, 258 tokens, ... */
MUST_CHECK int policy_config_read(const char *path, struct model_config *out, struct err *e);
/* One snapshot: its description, tags, configuration, tokenizer, sizes. */
MUST_CHECK int policy_snapshot_js(struct store *s, const char *ref, struct js *out, struct err *e);
/* {tensor, dtype, shape, bytes}, and {tensor, differs, ...} for a difference. Owned by the
 * caller. */
struct js policy_tensor_js(const struct tensor *t);
struct js policy_diff_js(const struct tensor_diff *d);
/* The description of one entry of store_list, with tags and bytes. */
MUST_CHECK int policy_info_js(const struct snap_info *in, struct js *out, struct err *e);

/* ---- the first step ----------------------------------------------------------- */

/* Writes parameter i into dst[rows][cols]. */
typedef int (*policy_fill_fn)(void *ctx, size_t i, const struct param *p, bf16 *dst, struct err *e);

/* Commits step 0 of a new store (opened with STORE_CREATE): configuration, tokenizer, seed and all
 * tensors in one transaction. meta: as in commit_finish. */
MUST_CHECK int policy_first(struct store *s, const struct model_config *c, const struct vocab *v,
                            uint64_t seed, const char *meta, policy_fill_fn fill, void *ctx,
                            struct err *e);

/* A policy_fill_fn for random weights: normal with deviation sqrt(0.4 / inputs), divided by sqrt(2
 * layers) for output projections (attn_output, ffn_down); norm factors are 1, biases and lora_b 0.
 * ctx: struct policy_random. */
struct policy_random {
	uint64_t seed;
	uint32_t layers;
	enum arch arch;
};
int policy_random(void *ctx, size_t i, const struct param *p, bf16 *dst, struct err *e);

#endif
