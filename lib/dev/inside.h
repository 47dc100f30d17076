/* SPDX-License-Identifier: MIT */
/* Shared by the files of the CPU device; private to this room. */
#ifndef DEV_INSIDE_H
#define DEV_INSIDE_H

#include "dev/dev.h"
#include "kern/kern.h"

enum { CPU_BLOCK = 64 };             /* rows summed by one thread */

static inline float *f32(struct mem m) { return (float *)(void *)m.p; }
static inline act *acts(struct mem m) { return (act *)(void *)m.p; }
static inline struct packed packed(const struct mat *w)
{
	return (struct packed){acts(w->mem), w->n, w->k};
}

static inline size_t panels_up(size_t n)
{
	return (n + KERN_PANEL - 1) / KERN_PANEL * KERN_PANEL;
}

/* A panel's piece of each row, strided, is what no cache foresees: n values at p come next. */
static inline void soon(const act *p, size_t n)
{
	for (size_t i = 0; p && i < n; i += 64 / sizeof *p)
		__builtin_prefetch(p + i, 1, 2);
}

/* Scratch memory of running operations; grows, never freed. */
enum cpu_scratch {
	SCRATCH_ATTN,                   /* fp32 [threads][cpu_attn_stride] */
	SCRATCH_BLOCKS,                 /* attention tasks of a part */
	SCRATCH_PIECES,                 /* pieces of attention's backward */
	SCRATCH_SUMS,                   /* fp32: sums of blocks of rows */
	SCRATCH_THIN, SCRATCH_THIN_OUT,    /* packed LoRA matrix; fp32 [n][r] */
	SCRATCH_SAMPLE,                 /* [threads] of sample_scratch bytes */
	SCRATCH_SQUARES,                /* double: sums of blocks */
	SCRATCHES
};
void *cpu_scratch(enum cpu_scratch which, size_t bytes);
/* One thread's part of SCRATCH_ATTN, sized by dev->plan. */
float *cpu_attn_scratch(size_t thread);

/* Position pos of head i of 2 * layers * G, keys and values in turn; *end, if given, is lowered to
 * the end of those that follow it in memory. */
static inline act *cache_at(const struct cache *c, size_t i, size_t pos, size_t size, size_t *end)
{
	if (pos >= c->from)
		return acts(c->mem) + (i * (c->cap - c->from) + pos - c->from) * size;
	if (end && *end > c->from)
		*end = c->from;
	return acts(c->common) + (i * c->common_cap + pos) * size;
}

/* The same for the key (0) or value (1) of head g of a's layer. */
static inline act *cpu_cache(const struct span *s, const struct attn *a, size_t g, int value,
                             size_t pos)
{
	size_t i = 2 * (a->layer * a->kv_heads + g) + (size_t)value;

	return cache_at(&s->cache, i, pos, a->size, NULL);
}

/*
 * Draws one token from logits[V] with the uniform number u in [0, 1). banned[0..n_banned) cannot be
 * drawn. *logprob, *sample_logprob: see struct drawn. scratch: sample_scratch(V) bytes.
 */
int sample_token(const float *logits, size_t vocab, const struct sampling *s, double u,
                 const int *banned, size_t n_banned, float *logprob, float *sample_logprob,
                 void *scratch);
size_t sample_scratch(size_t vocab);

/* ---- the table's functions, by file ---- */

void cpu_embed(struct mem x, const struct part *p, const struct mat *table, float scale);
void cpu_norm(struct mem out, struct mem r, struct mem x, struct mem w, size_t n, size_t d,
              float eps);
void cpu_gemm(struct mem c, size_t ldc, struct mem from, struct mem a, size_t lda,
              const struct mat *w, size_t n);
void cpu_heads(struct mem q, struct mem pre, struct mem r, struct mem qkv, const struct part *p,
               const struct attn *a);
void cpu_share(const struct part *p, const struct attn *a);
void cpu_attend(struct mem att, struct mem lse, struct mem q, const struct part *p,
                const struct attn *a);
void cpu_glu(struct mem h, struct mem keep_gate, struct mem keep_up, struct mem scratch,
             struct mem a, const struct mat *w, size_t n, size_t f, enum glu kind);
void cpu_post(struct mem out, struct mem pre, struct mem r, struct mem x, struct mem y,
              struct mem w, size_t n, size_t d, float eps);

void cpu_gather(struct mem out, struct mem in, struct mem index, size_t n, size_t d);
void cpu_score(struct mem out, struct mem x, struct mem y, size_t ld, struct mem token,
               struct mem inv_t, size_t n, size_t v, enum score_want want);
void cpu_sample(struct mem out, struct mem logits, size_t ld, size_t v, const struct draw *draws,
                size_t n, const int *banned, size_t n_banned);
void cpu_dlogits(struct mem dx, size_t ld, struct mem x, struct mem y, size_t ldx, struct mem s,
                 struct mem c, struct mem token, size_t n, size_t v);
void cpu_scatter(struct mem out, struct mem in, struct mem index, size_t n, size_t d);

void cpu_gemm_dw(struct mem dw, struct mem dy, size_t ldy, struct mem x, size_t ldx, size_t n,
                 size_t outputs, size_t inputs);
void cpu_norm_bwd(struct mem dx, struct mem dw, struct mem dy, struct mem x, struct mem w,
                  struct mem r, size_t n, size_t d);
void cpu_glu_bwd(struct mem dgu, struct mem h, struct mem scratch, struct mem dy,
                 const struct mat *w, struct mem gate, struct mem up, size_t ld, size_t n,
                 enum glu kind);
void cpu_attend_bwd(struct mem dq, struct mem dk, struct mem dv, struct mem datt, struct mem att,
                    struct mem lse, struct mem q, const struct plan *p, const struct attn *a);
void cpu_heads_bwd(struct mem dqkv, const struct mem dbias[3], const struct mem dnorm[2],
                   struct mem dq, struct mem dk, struct mem dv, struct mem pre, struct mem r,
                   const struct part *p, const struct attn *a);
void cpu_embed_bwd(struct mem g, struct mem dx, const struct plan *p, size_t d, float scale);
void cpu_thin(struct mem out, struct mem in, size_t ld, struct mem w, size_t r, size_t k,
              int transposed, float scale, size_t n);

void cpu_merge(struct mem out, struct mem w, struct mem a, struct mem b, size_t n, size_t k,
               size_t r, float scale);
void cpu_adamw(const struct adamw *rate, size_t n, struct mem g, struct mem p0, struct mem m0,
               struct mem v0, struct mem w, struct mem p, struct mem m, struct mem v);
void cpu_to_act(struct mem out, struct mem x, size_t n);
void cpu_from_act(struct mem out, struct mem x, size_t n);
void cpu_sumsq(struct mem out, struct mem x, size_t n);

#endif
