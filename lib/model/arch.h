/* SPDX-License-Identifier: MIT */
/*
 * arch: what the model, importers and exporters know about architectures: one row each in arch.c,
 * and the tensors that each set of traits implies. Adding an architecture with existing traits
 * means adding a row; other code tests traits, never names.
 */
#ifndef MODEL_ARCH_H
#define MODEL_ARCH_H

#include "base/base.h"

enum arch {
	ARCH_LLAMA = 1, ARCH_QWEN2, ARCH_QWEN3, ARCH_GEMMA3, ARCH_MISTRAL, ARCH_OLMO2, ARCH_SMOLLM3,
		ARCHS
};

enum arch_trait {
	/* norms */
	NORMS_BEFORE = 1 << 0,       /* on the inputs of attention and feed-forward */
	NORMS_AFTER = 1 << 1,        /* on their outputs, before the residual addition */
	NORMS_QK = 1 << 2,           /* on each head of q and k */
	NORMS_WHOLE = 1 << 3,        /* instead: one norm over all heads of q, one over all of k */
	/* norms multiply by 1 + w. The tensor stores w, since 1 + w needs more than bf16's 8
	 * bits */
	NORMS_PLUS_ONE = 1 << 4,
	/* the rest of a layer */
	QKV_BIAS = 1 << 5,
	GELU = 1 << 6,               /* tanh form; otherwise SiLU */
	EMBED_SCALED = 1 << 7,       /* embeddings are multiplied by bf16(sqrt(width)) */
	/* some layers may have a sliding window, with their own rope angles */
	WINDOWS = 1 << 8,
	/* all layers may have a sliding window, with the usual rope angles */
	WINDOW = 1 << 9,
	NO_ROPE_LAYERS = 1 << 10,    /* every n-th layer may have no rope */
	/* files */
	/* GGUF stores q and k rows that rotate together next to each other */
	GGUF_PAIRS = 1 << 11,
	/* traits of tensors, not of architectures */
	NOT_TIED = 1 << 12,          /* present unless the head is tied to the embedding */
};

struct arch_row {
	const char *name;            /* ours */
	const char *gguf;            /* general.architecture */
	const char *hf, *hf_type;    /* config.json: architectures[0], model_type */
	const char *act_key, *act;   /* config.json: key and required value of the activation */
	unsigned traits;
	/* Defaults of transformers for keys missing from config.json. */
	double theta, eps;
	uint32_t head_size;          /* 0: width / heads */
	uint32_t kv_heads;           /* 0: heads */
	int tied;
	uint32_t pad;                /* the padding token, which must be in the vocabulary */
};

/* The row of a supported architecture. */
const struct arch_row *arch_row(enum arch a);
/* True if it has any of these traits. */
static inline int arch_has(enum arch a, unsigned traits)
{
	return (arch_row(a)->traits & traits) != 0;
}


const char *arch_name(enum arch a);              /* "llama"; "unknown" */
enum arch arch_by_name(const char *name);        /* 0 if unsupported */
enum arch arch_by_gguf(const char *name);        /* likewise; if several match, the plainest */
const char *arch_list(void);                     /* "llama, qwen2, ..." for messages */

/* ---- tensors ---- */

/* The role of a tensor in its layer or in the model. */
enum role { ROLE_MATRIX, ROLE_NORM, ROLE_BIAS, ROLE_EMBED, ROLE_HEAD, ROLE_ADAPTER };
enum matrix_kind { W_Q, W_K, W_V, W_O, W_GATE, W_UP, W_DOWN, MATRICES };
enum norm_kind {
	NORM_ATTN, NORM_POST_ATTN, NORM_FFN, NORM_POST_FFN, NORM_Q, NORM_K, NORMS,
	NORM_FINAL = NORMS
};

/* Dimensions, in the letters of config.h. NONE: columns of a vector. NORM_*: S, or with NORMS_WHOLE
 * the values of all heads. */
enum size { SIZE_NONE, SIZE_D, SIZE_F, SIZE_V, SIZE_HS, SIZE_GS, SIZE_NORM_Q, SIZE_NORM_K };

struct arch_tensor {
	/* GGUF and Hugging Face names; for a layer's tensors, the part after "blk.7.",
	 * "model.layers.7." */
	const char *name, *hf;
	enum size rows, cols;
	/* present if all `with` traits are set and no `without` trait */
	unsigned with, without;
	enum role role;
	int kind;                    /* enum matrix_kind (also for biases) or enum norm_kind */
};

enum tensor_place { BEFORE_LAYERS, IN_LAYER, AFTER_LAYERS };
/* The *n tensors of a place, in order, for all architectures. */
const struct arch_tensor *arch_tensors(enum tensor_place p, size_t *n);

#endif
