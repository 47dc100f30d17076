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

enum { KERN_PANEL = 64, KERN_HALF = KERN_PANEL / 2 };

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
	/* NULL, or what becomes of the result: called on the thread that made them as soon as rows
	 * [m0, m0 + m) of outputs [n0, n0 + n) are final, n0 a multiple of 64, n at most 64. With c
	 * NULL they exist only for that call, in memory of the thread's own, at c[row * ldc +
	 * output] of the product that it is given; only if k <= kern->whole, without add. */
	void (*then)(const struct product *j, size_t m0, size_t m, size_t n0, size_t n);
	void *ctx;                   /* then's */
};

/* Units of work [0, n) divided among threads; see kern_share. */
struct share;
/* Takes the next units [*first, *end) for this thread; 0 if none are left. */
int share_take(struct share *s, size_t thread, size_t *first, size_t *end);

/* Attention goes through keys in blocks at absolute multiples of KERN_KEYS; sequences share memory
 * in multiples of KERN_SHARED keys. */
enum { KERN_KEYS = 128, KERN_SHARED = 64 };

/* `rows` consecutive queries of one sequence, the first at position pos0. */
struct attn_seq {
	act *out;                    /* [rows][ldo] */
	float *lse;                  /* [rows][ldl], or NULL */
	const act *q;                /* [rows][ldq] */
	const act *k, *v;            /* [..][ldkv] of positions attn_job.shared, shared + 1, ... */
	size_t rows, pos0;
};

/*
 * Causal attention of one key/value head and its H/G query heads (grp of them, side by side in a
 * row of q, out and lse), of sequences that have the keys and values of positions [0, shared) in
 * common. The query at position pos sees keys first..pos, first = window ? max(0, pos - window + 1)
 * : 0. Scores, softmax and the sum over keys go in the order of absolute key position; the result
 * of a query has the same bits in whatever company, and whether or not its keys are shared. s is
 * even.
 */
struct attn_job {
	const struct attn_seq *seqs;
	size_t n;
	const act *k, *v;            /* [shared][ldkv] */
	size_t shared;               /* a multiple of KERN_SHARED; 0: nothing is shared */
	size_t ldo, ldl, ldq, ldkv, grp, s, window;
	float scale;
};

/*
 * Backward of attn for `rows` queries of one sequence at pos0 .. pos0 + rows - 1, one kv head, and
 * keys [key0, key1). Per query: dout, out, dq[rows][ldq] (dout, dq fp32), lse[rows][ldl], out and
 * lse from the forward; k, v[..][ldkv], dk, dv[..][ldd] (fp32) from position 0 on. dq, dk, dv are
 * added to: each row of dq in the order of keys, of dk and dv in the order of queries, so that
 * bits depend neither on where the call's rows begin nor on how keys are divided among calls (in
 * order, for dq). dq NULL, or dk and dv NULL: not wanted.
 */
struct attn_grad {
	float *dq, *dk, *dv;
	const float *dout, *lse;
	const act *out, *q, *k, *v;
	size_t rows, pos0, key0, key1;
	size_t ldd, ldl, ldq, ldkv, grp, s, window;
	float scale;
};

struct kern {
	const char *isa;             /* "ref", "avx2", "avx512", "avx512bf16", "amx", "amx-model" */

	size_t block;                /* maximum rows of A that a thread holds at once */
	size_t whole;                /* inputs up to which c may be NULL; 0: never */
	size_t tile;                 /* rows of a tile, the least that a part has */
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
	 * up; h is computed again from these. */
	void (*glu_bwd)(act *dgate, act *dup, act *h, const float *dh, const act *gate,
	                const act *up, size_t n, int gelu);

	void (*to_act)(act *out, const float *x, size_t n);
	void (*from_act)(float *out, const act *x, size_t n);
	void (*add)(float *y, const float *x, size_t n);              /* y += x */
	void (*axpy)(float *y, float a, const float *x, size_t n);    /* y += a x */

	/* scratch: attn_scratch(s) floats, 64-byte aligned, one per thread. */
	void (*attn)(const struct attn_job *j, float *scratch);
	void (*attn_bwd)(const struct attn_grad *j, float *scratch);

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

/* Floats of scratch for attention with head size s, over any number of keys. */
static inline size_t attn_scratch(size_t s)
{
	return 512 * (s + 64);
}

/*
 * Chooses the table, once: SCORE_ISA=ref|avx2|avx512|avx512bf16|amx from the environment, else by
 * the rule of cpu.c among the levels that the CPU and the operating system (XGETBV) support.
 * threads 0: one per core in the affinity mask. Returns -1 with a message if the level is unknown
 * or not available on this machine.
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
/* The same for one of two matrices of n outputs that share their panels, 32 outputs each: the one
 * (second 0) comes first in every panel. The other's outputs are left as they are. */
void pack_half(act *p, const act *w, size_t n, size_t k, int second);
/* Packs (W')^T from packed W into the caller's memory: W' is W's n outputs from n0 on, n0 a
 * multiple of 64; the result has w->k outputs and n inputs: ceil(k/64) * ceil(n/2) * 128 values.
 * The padding in W's panels must be zero. halves: W is of pack_half, n0 is 0, n is W's outputs; the
 * first matrix's come before all of the second's. */
void pack_transposed(act *p, const struct packed *w, size_t n0, size_t n, int halves);
void pack_free(struct packed *p);
/* C[m][n] = (add ? C : 0) + A W', on all threads. */
void gemm(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m,
          int add);
/* The same without add, and then (struct product) with what comes out. c NULL: if w->k <=
 * kern->whole. */
void gemm_then(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m,
               void (*then)(const struct product *j, size_t m0, size_t m, size_t n0, size_t n),
               void *ctx);
/* Weight gradient, likewise: dW[n][k] += sum_t dY[t][n] X[t][k]. */
void gemm_dw(float *dw, size_t lddw, const act *dy, size_t lddy, const act *x, size_t ldx, size_t t,
             size_t n, size_t k);

#endif
