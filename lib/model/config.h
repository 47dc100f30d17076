/* SPDX-License-Identifier: MIT */
/*
 * A model's shape, and the list of its tensors: what importers must fill and the
 * store holds. Letters: L layers, D width, H heads, G key/value heads, S head size,
 * F feed-forward, V vocabulary.
 *
 * Tensor names follow GGUF ("token_embd.weight", "blk.0.attn_q.weight", "output.weight");
 * matrices are [outputs][inputs], row-major. Q and K rows are in half-split ("neox") RoPE order:
 * importers of GGUF's llama architecture undo its permutation.
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "model/arch.h"

struct model_config {
	enum arch arch;
	uint32_t layers, width, heads, kv_heads, head_size, ffn, vocab, context;
	float norm_eps;
	double rope_theta;
	/* Llama 3 scaling: factor 0 = none. Wavelengths beyond orig/low are stretched by factor,
	 * those below orig/high kept, a linear blend between. */
	double rope_factor, rope_low, rope_high;
	uint32_t rope_orig;
	double rope_linear;          /* linear scaling: positions divided by this; 0 or 1: none */
	int tied;                    /* the head shares the embedding's weights */
	uint32_t window, window_every;   /* sliding window; every n-th layer is global; 0: none */
	double rope_local_theta;         /* rope base of the windowed layers */
	double attn_scale;               /* 0: 1/sqrt(head_size) */
	/* LoRA: every layer's matrix is act(W + lora_alpha / lora_rank * B A). Rank 0: there are no
	 * adapters. */
	uint32_t lora_rank;
	double lora_alpha;
	uint32_t rope_skip;              /* every n-th layer has no rope; 0: none */
};

/* The store's "config" document: lines "name value" for every field (LoRA's and rope_skip only if
 * set). */
void model_config_print(const struct model_config *c, struct buf *out);
/* Every field but LoRA's and rope_skip must be present and in range (sizes that could overflow are
 * refused). */
MUST_CHECK int model_config_parse(const char *text, struct model_config *out, struct err *e);
/* Sets one field from its text form; range checked. Errors name the field. */
MUST_CHECK int model_config_set(struct model_config *c, const char *name, const char *value,
                                struct err *e);
/* Name of the i-th required field, in print order; NULL past the end. */
const char *model_config_field(size_t i);
/* Checks divisibility and ranges, so that nothing later can overflow. */
MUST_CHECK int model_config_check(const struct model_config *c, struct err *e);

struct param {
	char name[64];
	int rank;                    /* 1: vector [rows]; 2: [rows][cols] */
	uint64_t rows, cols;         /* cols 1 for vectors */
	enum role role;
	int kind;                    /* which matrix or norm of its layer: see arch.h */
	int layer;                   /* -1: in none */
	/* its name in Hugging Face files; in a layer, without "model.layers.7." */
	const char *hf;
};

/* True if this norm multiplies by 1 + w (NORMS_PLUS_ONE). */
int model_norm_plus_one(enum arch a, const struct param *p);
/* True if layer l has a sliding window; if its q and k are rotated. */
int model_windowed(const struct model_config *c, size_t l);
int model_rotated(const struct model_config *c, size_t l);
/* The model's tensors, in a fixed order: the base's, then the adapters' (NAME.lora_a [rank][K],
 * NAME.lora_b [N][rank]). */
size_t model_params(const struct model_config *c);
void model_param(const struct model_config *c, size_t i, struct param *out);
/* Number of base tensors: the same with and without adapters. */
size_t model_base_params(const struct model_config *c);
/* The parameter that holds lora_a of matrix i (lora_b is the next one); 0 if it has no adapter. */
size_t model_adapter(const struct model_config *c, size_t i);
/* The base matrix that adapter tensor i belongs to. */
size_t model_adapted(const struct model_config *c, size_t i);
/* Total number of values. */
uint64_t model_size(const struct model_config *c);

#endif
