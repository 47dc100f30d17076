/* SPDX-License-Identifier: MIT */
/*
 * What is known of architectures: a row for each (arch.c), and the tensors of any by their traits.
 * A new one that is made of traits which exist is a row; everybody else asks for traits.
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
	NORMS_BEFORE = 1 << 0,       /* of attention's and the feed-forward's inputs */
	NORMS_AFTER = 1 << 1,        /* of their outputs, before these are added */
	NORMS_QK = 1 << 2,           /* of each head of q and k */
	NORMS_WHOLE = 1 << 3,        /* of all of q's heads together, and of k's, instead */
	/* they multiply by 1 + w. The tensor is w: bf16 has eight bits, and 1 + w needs more */
	NORMS_PLUS_ONE = 1 << 4,
	/* the rest of a layer */
	QKV_BIAS = 1 << 5,
	GELU = 1 << 6,               /* in its tanh form; else SiLU */
	EMBED_SCALED = 1 << 7,       /* embeddings are multiplied by bf16(sqrt(width)) */
	/* some layers may have a sliding window, with angles of their own */
	WINDOWS = 1 << 8,
	WINDOW = 1 << 9,             /* all layers may have one, with everybody's angles */
	NO_ROPE_LAYERS = 1 << 10,    /* every n-th layer may be without rotation */
	/* files */
	/* q's and k's rows that rotate together lie side by side in GGUF */
	GGUF_PAIRS = 1 << 11,
	/* of tensors, not of architectures */
	NOT_TIED = 1 << 12,          /* there unless the head is the embedding */
};

struct arch_row {
	const char *name;            /* ours */
	const char *gguf;            /* general.architecture */
	const char *hf, *hf_type;    /* config.json: architectures[0], model_type */
	const char *act_key, *act;   /* config.json: the only activation that is right */
	unsigned traits;
	/* What transformers takes for a key that config.json lacks; 0: see there. */
	double theta, eps;
	uint32_t head_size;          /* 0: width / heads */
	uint32_t kv_heads;           /* 0: heads */
	int tied;
	uint32_t pad;                /* the padding token, which must be in the vocabulary */
};

/* The row of an architecture that is one. */
const struct arch_row *arch_row(enum arch a);
/* Has it any of these traits? */
static inline int arch_has(enum arch a, unsigned traits)
{
	return (arch_row(a)->traits & traits) != 0;
}


const char *arch_name(enum arch a);              /* "llama"; "unknown" */
enum arch arch_by_name(const char *name);        /* 0 if unsupported */
enum arch arch_by_gguf(const char *name);        /* likewise; of several, the plainest */
const char *arch_list(void);                     /* "llama, qwen2, ..." for messages */

/* ---- tensors ---- */

/* What a tensor is in its layer, or in the model. */
enum role { ROLE_MATRIX, ROLE_NORM, ROLE_BIAS, ROLE_EMBED, ROLE_HEAD, ROLE_ADAPTER };
enum matrix_kind { W_Q, W_K, W_V, W_O, W_GATE, W_UP, W_DOWN, MATRICES };
enum norm_kind {
	NORM_ATTN, NORM_POST_ATTN, NORM_FFN, NORM_POST_FFN, NORM_Q, NORM_K, NORMS,
	NORM_FINAL = NORMS
};

/* Its sizes in the letters of config.h; NONE: a vector has no columns. NORM_*: S, or with
 * NORMS_WHOLE all heads' values. */
enum size { SIZE_NONE, SIZE_D, SIZE_F, SIZE_V, SIZE_HS, SIZE_GS, SIZE_NORM_Q, SIZE_NORM_K };

struct arch_tensor {
	/* in GGUF and Hugging Face; of a layer's: after "blk.7.", "model.layers.7." */
	const char *name, *hf;
	enum size rows, cols;
	unsigned with, without;      /* traits: there with all of these, not with those */
	enum role role;
	int kind;                    /* enum matrix_kind, also of biases; enum norm_kind */
};

enum tensor_place { BEFORE_LAYERS, IN_LAYER, AFTER_LAYERS };
/* The tensors of a place in their order, of all architectures; *n of them. */
const struct arch_tensor *arch_tensors(enum tensor_place p, size_t *n);

#endif
