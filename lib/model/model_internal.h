/* SPDX-License-Identifier: MIT */
/* Shared by model.c (weights), forward.c and backward.c; not for other rooms. */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include <string.h>

#include "model/model.h"

/* A weight matrix. */
struct matrix {
	struct packed *w;            /* fused matrix it is a part of */
	size_t col;                  /* its first output column there, a multiple of KERN_PANEL */
	size_t n, k;
	act *lora_a, *lora_b;        /* [r][k], [n][r], owned; NULL: none */
	size_t lora_param;           /* lora_a's index in model_param's order; lora_b's is the next */
};

enum norm_kind { NORM_ATTN, NORM_POST_ATTN, NORM_FFN, NORM_POST_FFN, NORM_Q, NORM_K, NORMS };

/* q, k, v (and gate, up) are one GEMM: each part starts on a panel, so that a row of
 * the fused output is [q, pad, k, pad, v, pad]. */
struct layer {
	struct packed qkv, out, gateup, down;
	struct matrix q, k, v, o, gate, up, dn;
	float *bias;                 /* [qkv.n] in the fused layout, NULL: none */
	float *norm[NORMS];          /* the factors, NULL where the architecture has none */
	int norm_param[NORMS], bias_param[3], matrix_param[7];   /* index in model_param's order, -1: none */
};

struct rope_table {
	double *freq;                /* [S/2] radians per position */
	float *cos, *sin;            /* [rope_rows][S/2] by position */
};

/* Rows that pass through a layer's GEMMs together: what they leave behind is still in cache for the next step. */
enum { MODEL_CHUNK = 384 };

/* Rows [n i / parts, n (i + 1) / parts), parts = model_chunks(n), are chunk i of n rows. */
static inline size_t model_chunks(size_t n)
{
	return (n + MODEL_CHUNK - 1) / MODEL_CHUNK;
}

/* Scratch of a forward; grows, never shrinks. C rows are a chunk. */
struct scratch {
	size_t rows, chunk, whole;   /* capacity in rows: of spans, of the chunk's arrays, of what is for all rows */
	float *qkv, *tmp, *gu;       /* [C][qkv.n], [C][D], [C][gateup.n] */
	act *xn, *h;                 /* [C][D], [C][F] */
	float *x;                    /* [R][D], and these where no acts are kept: */
	act *q, *att;                /* [R][H*S] */
	size_t keys;                 /* floats of attn per thread (attn_scratch) */
	float *attn;                 /* [threads][keys], scratch of kern->attn */
	/* Rows of one sequence: they begin at position pos; base: the span whose first pos positions are this
	 * one's, too (-1: they were there before); keys: the spans' positions counted from 0, in this order, up to here. */
	struct span { size_t row, n, pos, keys; ptrdiff_t base; } *spans;
	struct span *blocks;         /* the same in pieces for attention: row, n, pos */
	size_t n_spans, n_blocks;
	size_t n_keys;               /* sum over spans of pos + n */
	int common;                  /* some span has a base */
};

struct model {
	struct model_config c;
	size_t threads;              /* that scratch is there for */
	struct layer *layers;        /* [L] */
	struct packed head;          /* [V][D] */
	struct matrix head_m;
	act *embed;                  /* [V][D], NULL when tied: rows are read from head */
	float *norm;                 /* [D] final norm's factors */
	int embed_param, head_param, norm_param;   /* head_param == embed_param when tied */
	struct rope_table rope[2];   /* global, local (windowed layers) */
	size_t rope_rows;
	struct scratch s;
	struct {
		struct { void *p; size_t bytes; } room[16];
	} b;                         /* backward's scratch, see backward.c */
	struct { void *p; size_t bytes; } lora[3];       /* lora.c's */
};

/* Adds the gradients of x's adapter: dy[n] with row stride ld, the inputs in[n][k]. */
void lora_bwd(struct model *m, const struct matrix *x, const act *dy, size_t ld, const act *in, size_t n, struct grads *g);

/* The layers' matrix that is parameter i; NULL if that is something else. */
struct matrix *model_matrix(struct model *m, size_t i);

static inline size_t panels_up(size_t n)
{
	return (n + KERN_PANEL - 1) / KERN_PANEL * KERN_PANEL;
}

static inline int layer_windowed(const struct model_config *c, size_t l)
{
	return c->window && c->window_every && (l + 1) % c->window_every != 0;
}

static inline float attn_scale(const struct model_config *c)
{
	return (float)(c->attn_scale ? c->attn_scale : 1 / __builtin_sqrt(c->head_size));
}

static inline int uses_gelu(const struct model_config *c)
{
	return c->arch == ARCH_GEMMA3;
}

/* What one layer's backward needs, for R rows. */
struct layer_acts {
	float *x_in, *x_mid;         /* [R][D] residual before attention, before the feed-forward */
	act *q, *att;                /* [R][H*S] */
	float *lse;                  /* [R][H] */
	act *gate, *up;              /* [R][F] */
	float *qk_pre, *qk_r;        /* qk norm: inputs [R][(H+G)*S], r [R][H+G]; NULL: none */
	float *post[2], *post_r[2];  /* gemma3: inputs [R][D] and r [R] of the post norms; NULL: none */
};

struct acts {
	void *block;
	size_t bytes;
	int recompute;               /* all layers share everything but x_in: the backward computes it again */
	struct layer_acts *layers;   /* [L] */
	float *x;                    /* [R][D] input of the final norm */
};

/* Lays the acts of n rows out in a->block (allocated here, reused when large enough). */
void acts_prepare(struct acts *a, const struct model_config *c, size_t n);
/* The backward's scratch for n rows, less what is not in proportion to them. */
size_t model_backward_bytes(const struct model_config *c, size_t n);
/* Fills m->s.spans; the attention's scratch and the rotation tables then suffice for these rows. */
void model_spans(struct model *m, const struct row *rows, size_t n);
/* Layer l's acts once more, from its x_in; rows as in the forward, of which model_spans was called. */
void model_layer_again(struct model *m, size_t l, const struct row *rows, size_t n, struct layer_acts *a);
/* Key (0) or value (1) cache of layer l's head g: [cap][S]. */
static inline act *kv_at(const struct kv *kv, const struct model_config *c, size_t l, size_t g, int value)
{
	return kv->data + (2 * ((kv->brief ? 0 : l) * c->kv_heads + g) + (size_t)value) * kv->cap * c->head_size;
}

#endif
