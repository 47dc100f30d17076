/* SPDX-License-Identifier: MIT */
/*
 * Between the table (table.c, in C, which knows dev.h) and the device (the .cu files, which know
 * CUDA): operations on device addresses. Each is put on the one stream and returns at once; fetch
 * waits. Letters, layouts and meanings are dev.h's, where each operation is described; act is bf16.
 *
 * What the kernels do not take, and the table refuses: heads of more than DEVICE_HEAD values.
 *
 * A row's sums run in an order that depends on nothing but its own positions: a warp's or a block's
 * threads take values in turn, and their sums are added as a tree of fixed shape. There are no
 * atomics.
 */
#ifndef CUDA_DEVICE_H
#define CUDA_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { DEVICE_HEAD = 256, DEVICE_SUM = 64 };         /* rows summed at a time, as on the CPU */

/* ---- the machine (runtime.cu, or shim/runtime.cc) ---- */

/* NULL, or why there is no device. level: "sm_90", ... */
const char *device_open(const char **level);
void *device_alloc(size_t bytes);                    /* ends by device_full if there is no room */
void device_free(void *p);
/* Ends the program: of all bytes, left are free, too few for these (table.c). */
void device_full(size_t bytes, size_t left, size_t all) __attribute__((noreturn));
void device_zero(void *p, size_t bytes);
void device_copy(void *to, const void *from, size_t bytes);
void device_send(void *to, const void *host, size_t bytes);     /* host is read on return */
void device_fetch(void *host, const void *from, size_t bytes);  /* after all that came before */
/*
 * C[m][n] ldc = A B + beta C, fp32, of bf16 A and B; a_by_k: A is [k][m], else [m][k]; b_by_k: B
 * is [k][n], else [n][k]; ld are row strides of what is in memory. The bits of a row of C do not
 * depend on m.
 */
void device_gemm(float *c, size_t ldc, float beta, const uint16_t *a, size_t lda, int a_by_k,
                 const uint16_t *b, size_t ldb, int b_by_k, size_t m, size_t n, size_t k);

/* ---- rows (rows.cu) ---- */

struct device_row { int32_t token, pos, span, key; };   /* struct plan_row */

struct device_span {
	uint16_t *mem, *common;
	size_t cap, common_cap, from, row, n, pos, keys;
	ptrdiff_t base;
};

void device_to_act(uint16_t *out, const float *x, size_t n);
void device_from_act(float *out, const uint16_t *x, size_t n);
/* rows of n values, at these strides */
void device_copy_rows(float *to, const float *from, size_t ld, size_t rows, size_t n);
void device_embed(float *x, const struct device_row *rows, const uint16_t *table, float scale,
                  size_t n, size_t d);
void device_norm(uint16_t *out, float *r, const float *x, const float *w, size_t n, size_t d,
                 float eps);
void device_post(float *out, float *pre, float *r, const float *x, float *y, const float *w,
                 size_t n, size_t d, float eps);
/* gate and up at columns 0 and half of gu[n][2 half] */
void device_glu(uint16_t *h, uint16_t *gate, uint16_t *up, const float *gu, size_t half, size_t n,
                size_t f, int gelu);
void device_gather(uint16_t *out, const uint16_t *in, const int32_t *index, size_t n, size_t d);
void device_transpose(uint16_t *out, const uint16_t *in, size_t rows, size_t cols);
void device_merge(uint16_t *out, const uint16_t *w, const uint16_t *a, const uint16_t *b, size_t n,
                  size_t k, size_t r, float scale);
void device_scale_to_act(uint16_t *out, const float *x, float scale, size_t n);

void device_scatter(float *out, const float *in, const int32_t *index, size_t n, size_t d);
/* sums: [ceil(n / DEVICE_SUM)][d] of scratch */
void device_norm_bwd(float *dx, float *dw, const float *dy, const float *x, const float *w,
                     const float *r, float *sums, size_t n, size_t d);
void device_glu_bwd(uint16_t *dgu, uint16_t *h, const float *dh, const uint16_t *gate,
                    const uint16_t *up, size_t ld, size_t n, size_t f, int gelu);
void device_embed_bwd(float *g, const float *dx, const struct device_row *rows, size_t n, size_t d,
                      float scale);
struct adamw;
void device_adamw(const struct adamw *rate, size_t n, const float *g, const float *p0,
                  const float *m0, const float *v0, uint16_t *w, float *p, float *m, float *v);
/* sums: [ceil(n / 65536)] of scratch */
void device_sumsq(double *out, const float *x, double *sums, size_t n);

/* ---- attention (attend.cu) ---- */

struct device_attn {
	size_t heads, kv_heads, size, ld, k, v, layer, window;
	float scale, eps;
	const float *bias, *norm[2], *cos, *sin;
	size_t norm_size[2];
};

/* rows and spans are the plan's; the operation is on rows [row, row + n). */
struct device_part {
	const struct device_row *rows;
	const struct device_span *spans;
	size_t row, n, n_spans, n_keys, positions;
};

void device_heads(uint16_t *q, float *pre, float *r, float *qkv, const struct device_part *p,
                  const struct device_attn *a);
/* For one span with a base, whose first `positions` positions it shares. */
void device_share(const struct device_part *p, const struct device_attn *a, size_t span,
                  size_t positions);
void device_attend(uint16_t *att, float *lse, const uint16_t *q, const struct device_part *p,
                   const struct device_attn *a);
/* delta: [n][H] of scratch */
void device_attend_bwd(float *dq, float *dk, float *dv, const float *datt, const uint16_t *att,
                       const float *lse, const uint16_t *q, float *delta,
                       const struct device_part *p, const struct device_attn *a, int common);
/* sums: [ceil(n / DEVICE_SUM)][largest of H S, G S] of scratch */
void device_heads_bwd(uint16_t *dqkv, float *const dbias[3], float *const dnorm[2], float *dq,
                      float *dk, float *dv, const float *pre, const float *r, float *sums,
                      const struct device_part *p, const struct device_attn *a);
void device_cache_copy(struct device_span to, struct device_span from, size_t both, size_t n,
                       size_t heads, size_t size);

/* ---- logits (logits.cu) ---- */

struct device_scored { float lse, logp, ref_lse, ref_logp, kl, entropy; };   /* struct scored */
struct device_draw {
	size_t row;
	double u;
	float inv_t, top_p;          /* inv_t 0: greedy */
	int32_t top_k, banned;
};
struct device_drawn { int32_t id; float logprob, sample_logprob; };          /* struct drawn */

void device_score(struct device_scored *out, float *x, float *y, size_t ld, const int32_t *token,
                  const float *inv_t, size_t n, size_t v, int want);
void device_dlogits(uint16_t *dx, size_t ld, const float *x, const float *y, size_t ldx,
                    const struct device_scored *s, const float *c, const int32_t *token, size_t n,
                    size_t v);
/* scratch: [n][v]; banned[n_banned] */
void device_sample(struct device_drawn *out, const float *logits, size_t ld, size_t v,
                   const struct device_draw *draws, float *scratch, size_t n,
                   const int32_t *banned, size_t n_banned);

#ifdef __cplusplus
}
#endif

#endif
