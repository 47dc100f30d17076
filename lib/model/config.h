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

#include "base/base.h"

enum arch { ARCH_LLAMA = 1, ARCH_QWEN2, ARCH_QWEN3, ARCH_GEMMA3 };

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
	int tied;                    /* the head is the embedding */
	/* gemma3 */
	uint32_t window, window_every;   /* sliding window; every n-th layer is global; 0: none */
	double rope_local_theta;         /* of the windowed layers */
	double attn_scale;               /* 0: 1/sqrt(head_size) */
	/* LoRA: every layer's matrix is act(W + lora_alpha / lora_rank * B A). Rank 0: there are no adapters. */
	uint32_t lora_rank;
	double lora_alpha;
};

const char *arch_name(enum arch a);              /* "llama" */
enum arch arch_by_name(const char *name);        /* 0 if unsupported */

/* Lines "name value", every field (those of LoRA only where there are adapters); the store's "config" document. */
void model_config_print(const struct model_config *c, struct buf *out);
/* Every field must be there but for LoRA's, in range (a size that could overflow is refused). */
MUST_CHECK int model_config_parse(const char *text, struct model_config *out, struct err *e);
/* Sets one field from its text form; range checked. -1 naming the field. */
MUST_CHECK int model_config_set(struct model_config *c, const char *name, const char *value, struct err *e);
/* Name of the i-th field in the order of printing, NULL at the end. */
const char *model_config_field(size_t i);
/* Divisibility and ranges, so that nothing later can overflow. */
MUST_CHECK int model_config_check(const struct model_config *c, struct err *e);

struct param {
	char name[64];
	int rank;                    /* 1: vector [rows]; 2: [rows][cols] */
	uint64_t rows, cols;         /* cols 1 for vectors */
};

/* Does this norm multiply by 1 + w (gemma3's do)? The tensor is w: bf16 has eight bits, and 1 + w needs more. */
int model_norm_plus_one(enum arch a, const char *param);
/* The model's tensors, in a fixed order: the base's, then the adapters' (NAME.lora_a [rank][K], NAME.lora_b [N][rank]). */
size_t model_params(const struct model_config *c);
void model_param(const struct model_config *c, size_t i, struct param *out);
/* Of these, the base's: the same with and without adapters. */
size_t model_base_params(const struct model_config *c);
/* The parameter that is lora_a of matrix i (lora_b is the next one); 0: it has no adapter. */
size_t model_adapter(const struct model_config *c, size_t i);
/* The base matrix that adapter tensor i belongs to. */
size_t model_adapted(const struct model_config *c, size_t i);
/* Total number of values. */
uint64_t model_size(const struct model_config *c);

#endif
