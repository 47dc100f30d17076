/* SPDX-License-Identifier: MIT */
/* Shared by the files of this room; private to it. */
#ifndef MODEL_INSIDE_H
#define MODEL_INSIDE_H

#include <string.h>

#include "model/model.h"

static const struct mem none;

/* A weight matrix. */
struct matrix {
	struct mat *w;               /* the fused matrix that contains it */
	size_t col;                  /* its first output in w */
	size_t n, k;
	struct mem lora_a, lora_b;   /* act [r][k], [n][r], owned; or none */
	/* lora_a's index in model_param's order; lora_b's is the next */
	size_t lora_param;
};

/* q, k, v are one product. Each part starts on a panel: a row of the fused output is [q, pad, k,
 * pad, v, pad]. gate and up are one, too (MAT_GLU). */
struct layer {
	struct mat qkv, out, gateup, down;
	struct matrix w[MATRICES];
	struct mem bias;             /* [qkv.n] in the fused layout, or none */
	struct mem norm[NORMS];      /* factors; none if the architecture has no such norm */
	/* index in model_param's order, -1: none */
	int norm_param[NORMS], bias_param[3], matrix_param[MATRICES];
};

struct rope_table {
	double *freq;                /* [S/2] radians per position */
	struct mem cos, sin;         /* [rope_rows][S/2] by position */
};

/* Scratch memory of a pass: grows, never shrinks. C: rows of a part, E: the plan's n_keys. */
enum scratch {
	QKV, TMP, GU,                /* [C][qkv.n], [C][D], [C][gateup.n] */
	X,                           /* [R][D] residual stream when no activations are saved */
	Q, ATT,                      /* act [C][H*S], when no activations are saved */
	/* act [C][D], [C][F]: output of a norm, of glu; all rows in the backward */
	XN, HIDDEN,
	DX,                          /* [R][D] gradient of the residual stream */
	DATT, DQ,                    /* [R][H*S] */
	DK, DV,                      /* [E][G*S] */
	DH, DN, DPOST,               /* [C][F], [C][D], [C][D] */
	INV,                         /* [C] r of a norm */
	DY, WIDE,                    /* act [R][D], [R][max(qkv.n, gateup.n)] */
	WT,                          /* a matrix transposed, or merged with its adapter */
	LORA,                        /* act [R][r] */
	SCRATCHES
};

/* Scratch memory of at least n values. */
struct mem model_f32(struct model *m, enum scratch which, size_t n);
struct mem model_act(struct model *m, enum scratch which, size_t n);

struct model {
	struct model_config c;
	struct layer *layers;        /* [L] */
	struct mat head;             /* [V][D] */
	struct mat embed;            /* [V][D], none if tied: rows are read from head */
	struct mem norm;             /* [D] final norm's factors */
	int embed_param, head_param, norm_param;     /* head_param == embed_param when tied */
	struct rope_table rope[2];   /* global, local (windowed layers) */
	size_t rope_rows;
	struct plan plan;            /* rows of the current pass */
	size_t plan_cap;
	struct mem scratch[SCRATCHES];
};

/* Fills in m->plan and uploads it to the device. */
void model_plan(struct model *m, const struct row *rows, size_t n);

/* A plan's rows go through a layer in parts of about equal size. */
static inline size_t model_parts(size_t n)
{
	return (n + dev->chunk - 1) / dev->chunk;
}

static inline struct part model_part(const struct plan *p, size_t i)
{
	size_t parts = model_parts(p->n), row = p->n * i / parts;

	return (struct part){p, row, p->n * (i + 1) / parts - row};
}

/* Rows of the largest part. */
static inline size_t model_part_rows(size_t n)
{
	return n < dev->chunk ? n : dev->chunk;
}

/* Parameters of layer l's attention; rows as in the plan. */
struct attn model_attn(const struct model *m, size_t l, const struct row *rows);

static inline enum glu model_glu(const struct model_config *c)
{
	return arch_has(c->arch, GELU) ? GLU_GELU : GLU_SILU;
}

/* Factor on embeddings. */
static inline float embed_scale(const struct model_config *c)
{
	return arch_has(c->arch,
	                EMBED_SCALED) ? act_f32(act_of(__builtin_sqrtf((float)c->width))) : 1;
}

/* Adds the gradients of x's adapter: dy[n] (act) with row stride ld, the inputs in[n][k] (act). */
void lora_bwd(struct model *m, const struct matrix *x, struct mem dy, size_t ld, struct mem in,
              size_t n, struct grads *g);

/* The layer matrix that is parameter i; NULL if i is another kind of parameter. */
struct matrix *model_matrix(struct model *m, size_t i);

/* Activations of one layer saved for the backward, for R rows. */
struct layer_acts {
	struct mem x_in, x_mid;      /* [R][D] residual before attention, before the feed-forward */
	struct mem q, att;           /* act [R][H*S] */
	struct mem lse;              /* [R][H] */
	struct mem gate, up;         /* act [R][F] */
	/* head norms: inputs [R][(H+G)*S], r [R][attn_norms]; or none */
	struct mem qk_pre, qk_r;
	/* output norms of the branches: inputs [R][D], r [R]; or none */
	struct mem post[2], post_r[2];
};

struct acts {
	struct mem block;
	/* layers share all fields but x_in, which the backward recomputes */
	int recompute;
	struct layer_acts *layers;   /* [L] */
	struct mem x;                /* [R][D] input of the final norm */
};

/* Lays out the acts of n rows in a->block (allocated here, reused if large enough). */
void acts_prepare(struct acts *a, const struct model_config *c, size_t n);
/* The same, from row r on. */
struct layer_acts acts_from(const struct layer_acts *a, const struct model_config *c, size_t r);
/* Bytes of backward memory for n rows, counting only what is proportional to n. */
size_t model_backward_bytes(const struct model_config *c, size_t n);
/* Recomputes layer l's acts from its x_in; rows as in the forward, already in m->plan. */
void model_layer_again(struct model *m, size_t l, const struct row *rows,
                       const struct layer_acts *a);

static inline size_t panels_up(size_t n)
{
	return (n + dev->panel - 1) / dev->panel * dev->panel;
}

/* The gates, or ups, of a MAT_GLU. */
static inline size_t halves_up(size_t n)
{
	size_t half = dev->panel / 2;

	return (n + half - 1) / half * half;
}

/* Size of one q or k norm. */
static inline size_t head_norm_size(const struct model_config *c, enum norm_kind which)
{
	size_t heads = which == NORM_Q ? c->heads : c->kv_heads;

	return arch_has(c->arch, NORMS_WHOLE) ? heads * c->head_size : c->head_size;
}

static inline size_t q_width(const struct model_config *c)
{
	return (size_t)c->heads * c->head_size;
}

static inline size_t kv_width(const struct model_config *c)
{
	return (size_t)c->kv_heads * c->head_size;
}

#endif
