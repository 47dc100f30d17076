/* SPDX-License-Identifier: MIT */
/*
 * kern: the arithmetic on the CPU, as one table of functions per instruction set. ref.c is the
 * reference; x86/ has the same functions per ISA. Called by dev/cpu*.c. Must not know models, JSON
 * or the store.
 *
 * The promise (man/score-engine.7): every function computes each output row (or element)
 * independently, in an order fixed by absolute position. So a row's bits do not depend on how many
 * rows are computed with it or on the number of threads. They may differ between ISA levels, within
 * rounding.
 *
 * Letters: M rows of activations, N outputs, K inputs, H query heads, G key/value
 * heads, S head size, D width, F feed-forward, V vocabulary, T positions.
 */
#ifndef KERN_H
#define KERN_H

#include "kern/types.h"

/* A weight matrix W[N][K] laid out for gemm: panels of 64 outputs, pairs of inputs,
 * [ceil(N/64)][ceil(K/2)][64][2], zero padded. */
struct packed {
	act *p;                      /* owned, 64-byte aligned */
	size_t n, k;
};

enum { KERN_PANEL = 64 };

/*
 * C[m][n] = (add ? C : 0) + sum_k A[m][k] W[n][k], fp32 accumulation over k in order. ld: row
 * stride in elements. Forward: A is [M][K], W packed. Weight gradient (by_k): rows run over k, A is
 * [K][M], W is [K][N]. The work is cut into blocks x panels x parts units, in this order: a block
 * of rows of A (block b has rows [m b / blocks, m (b+1) / blocks)), a panel of 64 outputs, a part
 * of the block's tiles.
 */
struct product {
	float *c;
	const act *a, *w;
	size_t m, n, k, ldc, lda, ldw;       /* ldw is not used if W is packed */
	int add, by_k;               /* by_k: rows of A and W run over k */
	size_t blocks, parts;
};

/* Units of work [0, n) divided among threads; see kern_share. */
struct share;
/* Takes the next units [*first, *end) for this thread; 0 if none are left. */
int share_take(struct share *s, size_t thread, size_t *first, size_t *end);

struct kern {
	const char *isa;             /* "ref", "avx2", "avx512", "avx512bf16", "amx" */

	size_t block;                /* maximum rows of A that a thread holds at once */
	/* One thread's share of a GEMM. */
	void (*product)(const struct product *j, struct share *s, size_t thread);

	/* out[d] = act(x[d] * r * w[d]), r = 1/sqrt(mean(x^2) + eps). Returns r. */
	float (*rmsnorm)(act *out, const float *x, const float *w, size_t d, float eps);
	/* Given dy[d] (gradient of out): dx[d] += ..., dw[d] += ... (dw may be NULL). r from the
	 * forward. */
	void (*rmsnorm_bwd)(float *dx, float *dw, const float *dy, const float *x, const float *w,
	                    size_t d, float r);
	/* The same norm in place on fp32 (q and k heads of qwen3, gemma3). Returns r. */
	float (*rmsnorm_f32)(float *x, const float *w, size_t d, float eps);

	/* Rotates heads in place: pairs (x[i], x[i + s/2]) by (cos[i], sin[i]), i < s/2.
	 * x[heads][s]. */
	void (*rope)(float *x, size_t heads, size_t s, const float *cos, const float *sin);

	/* h = act(silu(gate) * up) with gate, up fp32; gelu (tanh form) instead of silu if gelu. */
	void (*glu)(act *h, const float *gate, const float *up, size_t n, int gelu);
	/* Gradients of gate and up from dh (overwritten, not added to), given the saved gate and
	 * up. */
	void (*glu_bwd)(float *dgate, float *dup, const float *dh, const act *gate, const act *up,
	                size_t n, int gelu);

	void (*to_act)(act *out, const float *x, size_t n);
	void (*from_act)(float *out, const act *x, size_t n);
	void (*add)(float *y, const float *x, size_t n);              /* y += x */
	void (*axpy)(float *y, float a, const float *x, size_t n);    /* y += a x */

	/*
	 * Causal attention of `rows` consecutive queries of one sequence, one key/value head and
	 * its H/G query heads (grp of them): query r is at position pos0 + r and sees keys
	 * first..pos0 + r, first = window ? max(0, pos - window + 1) : 0. q[rows][ldq], the grp
	 * heads side by side (grp * s); k, v[T][ldkv] this head's first element; out[rows][ldo];
	 * lse[rows][ldl] (grp values a row) or NULL. scratch: attn_scratch(pos0 + rows, s) floats,
	 * 64-byte aligned, one per thread. Scores, softmax and the sum over keys go in the order of
	 * absolute key position. s is even.
	 */
	void (*attn)(act *out, size_t ldo, float *lse, size_t ldl, const act *q, size_t ldq,
	             const act *k, const act *v, size_t ldkv, size_t rows, size_t pos0,
	             size_t grp, size_t s, float scale, size_t window, float *scratch);
	/* Backward of attn: `rows` queries at pos0 .. pos0 + rows - 1, one kv head. Per query:
	 * dout, out, dq[rows][ldq] (dout, dq fp32), lse[rows][ldl]; for all keys: dk, dv[pos0 +
	 * rows][ldd] fp32. dq, dk, dv are added to, each row of dq in the order of keys, so its
	 * bits do not depend on where the call's rows begin. out, lse from the forward. scratch:
	 * attn_scratch(pos0 + rows, s). */
	void (*attn_bwd)(float *dq, float *dk, float *dv, size_t ldd, const float *dout, const act *out,
	                 const float *lse, size_t ldl, const act *q, size_t ldq, const act *k,
	                 const act *v, size_t ldkv, size_t rows, size_t pos0, size_t grp, size_t s,
	                 float scale, size_t window, float *scratch);

	/* log sum_v exp(x[v] * inv_t), with the maximum subtracted, in fixed order. */
	float (*lse)(const float *x, size_t n, float inv_t);
	/* kl = sum_v p (log p - log q), entropy = -sum_v p log p; p, q the softmax of x, y with
	 * their lse. y NULL: kl is 0. */
	void (*kl)(const float *x, float lse_x, const float *y, float lse_y, size_t n, float *kl,
	           float *entropy);
	/* Gradient of  c_logp * log p(token) + c_kl * KL(p || q)  with respect to x, as act:
	 * c_logp * (onehot - p) + c_kl * p * (log p - log q - kl). y NULL: c_kl is ignored. */
	void (*dlogits)(act *dx, const float *x, float lse_x, const float *y, float lse_y, float kl,
	                size_t n, int token, float c_logp, float c_kl);

	/* One AdamW step over n values, from p0, m0, v0 to p, m, v (in place is allowed); w = act(p).
	 * m = b1 m0 + (1-b1) g; v = b2 v0 + (1-b2) g^2; p = p0 - lr (mhat/(sqrt(vhat)+eps) + decay p0),
	 * with mhat = m * c1, vhat = v * c2. g is scaled by gscale first. m0, v0 NULL: zero. */
	void (*adamw)(const struct adamw *a, size_t n, const float *g, const float *p0, const float *m0,
	              const float *v0, act *w, float *p, float *m, float *v);
	/* Sum of squares in double, fixed order. */
	double (*sumsq)(const float *x, size_t n);
};

/* Floats of scratch for attention over up to t keys with head size s, for any group size. */
static inline size_t attn_scratch(size_t t, size_t s)
{
	return (t + 128) * 64 + 512 * (s + 16);
}

/*
 * Chooses the table, once: SCORE_ISA=ref|avx2|avx512|avx512bf16|amx from the environment, else the
 * best level that the CPU and the operating system (XGETBV) support. threads 0: one per core in the
 * affinity mask. Returns -1 with a message if the level is unknown or not available on this
 * machine.
 */
MUST_CHECK int kern_init(int threads, struct err *e);
extern const struct kern *kern;                           /* set by kern_init, NULL before */
/* A level's table, NULL if not built or not supported here (for tests). */
const struct kern *kern_level(const char *isa);
int kern_threads(void);
/* Calls f(ctx, i) for i = 0 .. kern_threads() - 1, each on its own thread (0: the caller's), and
 * returns when all have returned. One caller at a time; if called from within f, runs all parts on
 * the calling thread. */
void kern_run(void (*f)(void *ctx, size_t thread), void *ctx);
/* Calls f(ctx, share, thread) likewise. Threads take units [0, n) from the share: first from a
 * range of their own, then from what others have left, since cores are seldom equally fast for
 * long. n < 2^32. */
void kern_share(void (*f)(void *ctx, struct share *s, size_t thread), void *ctx, size_t n);
/* Calls f(ctx, first, end) over parts of [0, n), in parallel if n items of `work` operations each
 * are worth it. */
void kern_rows(void (*f)(void *ctx, size_t first, size_t end), void *ctx, size_t n, size_t work);

/* ---- on top of the table (threads inside) -------------------------------- */

/* out is {0} or an earlier result, whose memory is reused if the shape is the same. Packs W[n][k]
 * (row stride ldw) or, if transposed, from W^T: element (n, k) at w[k * ldw + n]. */
void pack(struct packed *out, const act *w, size_t n, size_t k, size_t ldw, int transposed);
/* The same into the caller's memory: ceil(n/64) * ceil(k/2) * 128 values. */
void pack_into(act *p, const act *w, size_t n, size_t k, size_t ldw, int transposed);
/* Packs (W')^T from packed W into the caller's memory: W' is W's n outputs from n0 on, n0 a
 * multiple of 64; the result has w->k outputs and n inputs: ceil(k/64) * ceil(n/2) * 128 values.
 * The padding in W's panels must be zero. */
void pack_transposed(act *p, const struct packed *w, size_t n0, size_t n);
void pack_free(struct packed *p);
/* C[m][n] = (add ? C : 0) + A W', on all threads. */
void gemm(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m,
          int add);
/* Weight gradient, likewise: dW[n][k] += sum_t dY[t][n] X[t][k]. */
void gemm_dw(float *dw, size_t lddw, const act *dy, size_t lddy, const act *x, size_t ldx, size_t t,
             size_t n, size_t k);

#endif
