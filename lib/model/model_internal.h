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
	float *cos, *sin;            /* [rows][S/2] of the current forward */
};

/* Scratch of one forward or backward; grows, never shrinks. */
struct scratch {
	size_t rows;                 /* capacity in rows */
	float *x, *qkv, *tmp, *gu;   /* [R][D], [R][qkv.n], [R][D], [R][gateup.n] */
	act *xn, *q, *att, *h;       /* [R][D], [R][H*S], [R][H*S], [R][F] */
	size_t keys;                 /* floats of attn per thread (attn_scratch) */
	float *attn;                 /* [threads][keys], scratch of kern->attn */
	struct span { size_t row, n; } *spans;   /* rows of one sequence */
	struct span *blocks;         /* the same in pieces for attention */
	size_t n_spans, n_blocks;
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
	struct scratch s;
	struct {
		size_t rows;
		float *f[6];
		act *a[2];
		act *wt, *xt;        /* a weight transposed, activations packed for dW */
		size_t wt_cap, xt_cap;
	} b;                         /* backward's scratch, see backward.c */
};

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
	float *r_in, *r_mid;         /* [R] of the two norms */
	act *xn_in, *xn_mid;         /* [R][D] norms' outputs */
	act *q, *att;                /* [R][H*S] */
	float *lse;                  /* [R][H] */
	act *gate, *up, *h;          /* [R][F] */
	float *qk_pre, *qk_r;        /* qk norm: inputs [R][(H+G)*S], r [R][H+G]; NULL: none */
	float *post[2], *post_r[2];  /* gemma3: inputs [R][D] and r [R] of the post norms; NULL: none */
};

struct acts {
	void *block;
	size_t bytes, rows;
	struct layer_acts *layers;   /* [L] */
	float *x, *r;                /* input [R][D] and r [R] of the final norm */
};

/* Lays the acts of n rows out in a->block (allocated here, reused when large enough). */
void acts_prepare(struct acts *a, const struct model_config *c, size_t n);
/* Finds the spans of rows that belong to one sequence; fills m->s.spans. */
void model_spans(struct model *m, const struct row *rows, size_t n);
/* Fills cos and sin of the rows for both tables. */
void model_rope_rows(struct model *m, const struct row *rows, size_t n);
/* Key (0) or value (1) cache of layer l's head g: [cap][S]. */
static inline act *kv_at(const struct kv *kv, const struct model_config *c, size_t l, size_t g, int value)
{
	return kv->data + (2 * (l * c->kv_heads + g) + (size_t)value) * kv->cap * c->head_size;
}

#endif
