/* SPDX-License-Identifier: MIT */
/*
 * dev: the seam between the model and the machine. Above it, lib/model, lib/rl and lib/train say
 * what to compute, as whole-batch operations on device memory; below it, a table of functions
 * (dev/cpu*.c, on kern and its threads) says how. It must not know model configurations, tensor
 * names or the store.
 *
 * Rules that hold for every function in the table:
 *
 * - Operands are struct mem; code above the seam never dereferences their address. Lists of rows,
 *   positions and caches go to the device once per pass (plan); no function is called row by row.
 * - Operations return nothing and may be asynchronous: they take effect in call order, as if each
 *   finished before the next began. Only download, map and unmap wait. Host memory passed to an
 *   operation has been read by the time it returns.
 * - No operation allocates once it has run with sizes at least as large (or after reserve).
 * - Each row of a result depends only on its own input row, and its sums run in an order fixed by
 *   absolute positions: its bits do not depend on how many rows are computed together, its place
 *   among them, threads or blocks. Where rows are summed (weight gradients), the order is stated.
 *   Orders may differ between devices and between levels.
 * - Device failures (out of memory, device lost) end the program as xmalloc does.
 *
 * Letters: R rows of a pass, n rows of a part of a pass, D width, F feed-forward, V vocabulary, H
 * query heads, G key/value heads, S head size, T positions, N outputs and K inputs of a matrix. act
 * is the input type of products: bf16. Everything else is fp32 unless stated. x[n][D] is
 * contiguous; [n][D] ld has a row stride of ld values. "or none": struct mem {0}. Row 0 of every
 * operand is the first row of the part.
 */
#ifndef DEV_H
#define DEV_H

#include "base/base.h"
#include "kern/types.h"

/* ---- memory --------------------------------------------------------------------- */

/*
 * Device memory, or a view into it; passed by value and freely copied. The caller of mem_new owns
 * the memory and calls mem_free; views are valid until then. All weights, caches, activations and
 * gradients live in such memory. {0}: none.
 */
struct mem {
	char *p;                     /* device address */
	size_t bytes;                /* from p on */
};

struct mem mem_new(size_t bytes);            /* values undefined; 64-byte aligned at least */
void mem_free(struct mem *m);                /* *m becomes {0} */
/* Grows *m to at least this many bytes: reallocated (values undefined) if it is smaller. */
void mem_fit(struct mem *m, size_t bytes);
static inline int mem_there(struct mem m) { return m.p != NULL; }

/* A row stride for n values of this size: whole cache lines, an odd number of them, so that a
 * column of many rows does not meet in one set of a cache. */
static inline size_t mem_stride(size_t n, size_t size)
{
	return ((n * size + 63) / 64 | 1) * 64 / size;
}

/* View starting at value i; none if m is none. */
static inline struct mem mem_at(struct mem m, size_t i, size_t size)
{
	return m.p ? (struct mem){m.p + i * size, m.bytes - i * size} : m;
}
static inline struct mem mem_f32(struct mem m, size_t i) { return mem_at(m, i, sizeof(float)); }
static inline struct mem mem_act(struct mem m, size_t i) { return mem_at(m, i, sizeof(act)); }

/*
 * Host access to the first `bytes` of m: the memory itself where the host can address it, else a
 * copy. The device must not use those bytes between map and unmap; wrote: the host may have changed
 * them.
 */
void *mem_map(struct mem m, size_t bytes);
void mem_unmap(struct mem m, void *p, size_t bytes, int wrote);
/* The reverse: host memory for use by the device, read-only; it must not change until mem_return.
 * The memory itself where the device can address it, else a copy. */
struct mem mem_borrow(const void *host, size_t bytes);
void mem_return(struct mem *m);

/* ---- matrices -------------------------------------------------------------------- */

/* MAT_PACKED: W[N][K] in the device's own layout, for gemm; MAT_ROWS: row-major, for embed only;
 * MAT_GLU: gates, from output 0 on, and ups, from N/2 on, for glu; N is a multiple of twice half a
 * panel. */
enum mat_kind { MAT_PACKED, MAT_ROWS, MAT_GLU };
struct mat {
	struct mem mem;              /* owned, except in the result of transpose */
	size_t n, k;
	enum mat_kind kind;
};

/* ---- a pass ---------------------------------------------------------------------- */

/*
 * Keys and values of one sequence: each head's keys, then its values. Positions before `from` are
 * in memory that several sequences have in common, act [layers][G][2][common_cap][S] (borrowed):
 * one of them computes such a position and stores it there, in an earlier pass than any in which
 * the others attend to it. from is a multiple of CACHE_UNIT; 0: all positions are the sequence's
 * own.
 */
struct cache {
	struct mem mem;              /* positions from `from` on, act [layers][G][2][cap - from][S] */
	size_t cap;                  /* positions */
	struct mem common;
	size_t common_cap, from;
};

enum { CACHE_UNIT = 64 };

/* Rows [row, row + n) of a pass are positions pos .. pos + n - 1 of one sequence. keys: index of
 * the span's position 0 when the positions of all spans are numbered from 0 in order; it indexes
 * the gradients of keys and values. */
struct span {
	size_t row, n, pos, keys;
	/* earlier span that shares its first pos positions with this one; -1: none */
	ptrdiff_t base;
	struct cache cache;          /* already holds positions before pos if base is -1 */
};

struct plan_row {
	int32_t token, pos;          /* [0, V), position in the sequence */
	int32_t span, key;           /* its span; span's keys + pos */
};

/* The rows of one pass. The caller fills it in and calls dev->plan. */
struct plan {
	struct plan_row *rows;       /* [n] */
	struct span *spans;          /* [n_spans], rows contiguous and in order */
	/* n_keys: positions of all spans together; positions: largest position + 1 */
	size_t n, n_spans, n_keys, positions;
	int common;                  /* at least one span has a base */
	void *own;                   /* the device's copy; {0} before the first dev->plan */
};

/* Rows [row, row + n) of a plan. */
struct part {
	const struct plan *plan;
	size_t row, n;
};

/* Parameters shared by the attention operations of one layer. */
struct attn {
	size_t heads, kv_heads, size;        /* H, G, S */
	/* fused projections: row stride, first column of k and of v; q is at column 0 */
	size_t ld, k, v;
	size_t layer;                /* index of the layer in the caches */
	size_t window;               /* keys that a query sees, including its own; 0: all */
	float scale, eps;            /* scale of scores; eps of the norms */
	struct mem bias;             /* [ld], or none */
	struct mem norm[2];          /* weights of q's and k's norms, [norm_size]; or none */
	size_t norm_size[2];         /* S: one norm per head; H*S or G*S: one over all heads */
	struct mem cos, sin;         /* [T][S/2], or none: no rotation */
};

/* Number of q and k norms per row. */
static inline size_t attn_norms(const struct attn *a)
{
	return a->heads * a->size / a->norm_size[0] + a->kv_heads * a->size / a->norm_size[1];
}

enum glu { GLU_SILU, GLU_GELU };     /* gelu in its tanh form */

/* ---- from logits to tokens -------------------------------------------------------- */

struct sampling {
	double temperature, top_p;   /* 1, 1: the model's own distribution */
	/* top_k 0: off. greedy: most likely token, lowest id on a tie */
	int top_k, greedy;
};

/* True if every token is drawn from the model's full softmax at temperature 1. */
int sampling_plain(const struct sampling *s);

struct draw {
	size_t row;                  /* row of the logits; draws may share one */
	double u;                    /* uniform in [0, 1) */
	struct sampling how;
	int banned;                  /* banned ids cannot be drawn */
};

/* logprob: natural log under the full softmax at temperature 1, bit-identical to score's;
 * sample_logprob: under the distribution drawn from. */
struct drawn {
	int32_t id;
	float logprob, sample_logprob;
};

/* Scores of a row's token under logits x, and under reference logits y. kl and entropy are 0 unless
 * requested. */
struct scored {
	float lse, logp, ref_lse, ref_logp;
	/* sum p (log p - log q), -sum p log p: p, q the softmax of x, y */
	float kl, entropy;
};

enum score_want { SCORE_TOKENS, SCORE_ENTROPY, SCORE_KL };   /* each includes those before it */

/* ---- the table ---------------------------------------------------------------------- */

struct dev {
	const char *name;            /* "cpu", "cuda" */
	/* Makes the device ready: NULL, or why it cannot be had. */
	const char *(*open)(void);
	size_t chunk;                /* preferred number of rows per layer call */
	/* parts of a fused matrix start at multiples of this many outputs; MAT_GLU's are rounded up
	 * to half of it */
	size_t panel;
	size_t head_part;            /* preferred number of head outputs per transpose */
	/* level at which results are reproducible; recorded in snapshots */
	const char *(*level)(void);
	int (*threads)(void);        /* host threads best used with this device */

	/* memory: see the mem_ functions above */
	struct mem (*alloc)(size_t bytes);
	void (*release)(struct mem *m);
	void *(*map)(struct mem m, size_t bytes);
	void (*unmap)(struct mem m, void *p, size_t bytes, int wrote);
	struct mem (*borrow)(const void *host, size_t bytes);
	void (*give_back)(struct mem *m);
	void (*upload)(struct mem to, const void *host, size_t bytes);
	void (*download)(void *host, struct mem from, size_t bytes);
	void (*copy)(struct mem to, struct mem from, size_t bytes);
	void (*zero)(struct mem m, size_t bytes);

	/* Allocates a matrix, values undefined. The caller owns it. */
	struct mat (*mat_new)(size_t n, size_t k, enum mat_kind kind);
	/* Outputs [first, first + n) of w become rows[n][K] (act); first is a multiple of panel, or
	 * in MAT_GLU 0 or N/2. If n is not a multiple of panel (MAT_GLU: half of it), outputs up to
	 * the next one become zero. */
	void (*mat_set)(const struct mat *w, size_t first, struct mem rows, size_t n);
	/* (W')^T, W' being W's outputs [first, first + n), first a multiple of panel, of MAT_GLU all
	 * N: K outputs, n inputs. The result may use scratch, which is grown as needed: valid
	 * until scratch is reused or w changes. */
	struct mat (*transpose)(struct mem *scratch, const struct mat *w, size_t first, size_t n);
	/* out[N][K] = act(w + scale b a) of w[N][K], b[N][r], a[r][K], all act. Each product and
	 * each sum is rounded, in order of r: the same bits on every device. out may be w. */
	void (*merge)(struct mem out, struct mem w, struct mem a, struct mem b, size_t n, size_t k,
	              size_t r, float scale);

	/* ---- a pass ---- */

	/* Uploads the plan's lists: once per pass, before any operation uses the plan. */
	void (*plan)(struct plan *p, size_t head_size);
	void (*plan_release)(struct plan *p);
	/* After this, plans of up to `rows` rows with positions below `positions` allocate
	 * nothing. */
	void (*reserve)(size_t rows, size_t positions, size_t head_size);
	/* dst's first n positions become src's, except those that both have in common anyway;
	 * heads: layers * G. */
	void (*cache_copy)(struct cache dst, struct cache src, size_t n, size_t heads, size_t size);

	/* ---- forward ---- */

	/* x[n][D] = scale * row `token` of table (a matrix of V outputs and D inputs). */
	void (*embed)(struct mem x, const struct part *p, const struct mat *table, float scale);
	/* out[n][D] (act) = x * r * w, r = 1 / sqrt(mean(x^2) + eps); r[n] saves r, or none. w
	 * none: out = act(x), and no r. */
	void (*norm)(struct mem out, struct mem r, struct mem x, struct mem w, size_t n, size_t d,
	             float eps);
	/* c[n][N] ldc = from + a W': a[n][K] (act) lda; from[n][N] ldc, c itself or none (0). Sums
	 * over k in fp32; the device adds from either first or last. */
	void (*gemm)(struct mem c, size_t ldc, struct mem from, struct mem a, size_t lda,
	             const struct mat *w, size_t n);
	/* From qkv[n][ld], which is overwritten: add bias; norms of heads (pre[n][(H+G)*S] saves
	 * their inputs, r[n][attn_norms] their factors, or none); rotate pairs (x[i], x[i + S/2])
	 * by position; q[n][H*S] (act) gets the queries, the rows' caches get keys and values. */
	void (*heads)(struct mem q, struct mem pre, struct mem r, struct mem qkv,
	              const struct part *p, const struct attn *a);
	/* For each span that starts in the part and has a base, copies positions before pos from
	 * the base's cache, for this layer. In order of spans, since a base may itself have one.
	 * These caches have no common memory. */
	void (*share)(const struct part *p, const struct attn *a);
	/* att[n][H*S] (act) = softmax(scale q k') v, causal and within the window; H/G query heads
	 * per key/value head. lse[n][H]: log-sum-exp of the scores, or none. Sums over keys in the
	 * order of positions, with the same bits wherever these are. Neighbouring spans with common
	 * memory let the device read it once for all of them. */
	void (*attend)(struct mem att, struct mem lse, struct mem q, const struct part *p,
	               const struct attn *a);
	/* h[n][F] (act; or none) = silu or gelu (gate) * up; gate, up of a W', a[n][K] (act), W of
	 * MAT_GLU, as gemm has them. keep_gate, keep_up[n][F] (act) save gate and up, or none.
	 * scratch: [n][N] fp32. */
	void (*glu)(struct mem h, struct mem keep_gate, struct mem keep_up, struct mem scratch,
	            struct mem a, const struct mat *w, size_t n, size_t f, enum glu kind);
	/* out[n][D] (or none) = x + y r w, r as in norm; y[n][D] is overwritten. pre[n][D] saves y,
	 * r[n] its factors, or none. out may be x. */
	void (*post)(struct mem out, struct mem pre, struct mem r, struct mem x, struct mem y,
	             struct mem w, size_t n, size_t d, float eps);
	/* out[n][D] = in[index[i]], both act; index[n] (int32). */
	void (*gather)(struct mem out, struct mem in, struct mem index, size_t n, size_t d);
	/* out[n] (struct scored) of logits x[n][V] ld, y[n][V] ld or none (ref_lse, ref_logp 0),
	 * token[n]. inv_t[n] (fp32) or none: 1 / temperature of each row; the rows of x and y
	 * become x * inv_t, y * inv_t, and the result is theirs: logp is sample's sample_logprob
	 * for that temperature, bit for bit. */
	void (*score)(struct mem out, struct mem x, struct mem y, size_t ld, struct mem token,
	              struct mem inv_t, size_t n, size_t v, enum score_want want);
	/* out[n] (struct drawn): draws[i] from row draws[i].row of logits[..][V] ld, with top-k,
	 * then top-p on what remains. */
	void (*sample)(struct mem out, struct mem logits, size_t ld, size_t v,
	               const struct draw *draws, size_t n, const int *banned, size_t n_banned);

	/* ---- backward: gradients are added to, unless it says "=" ---- */

	/* dx[n][V] ld (act) = gradient of c_logp * log p(token) + c_kl * KL(p || q) for x, y ldx as
	 * in score, whose results are s[n]; c[n][2] are c_logp, c_kl. y none: c_kl is ignored. */
	void (*dlogits)(struct mem dx, size_t ld, struct mem x, struct mem y, size_t ldx,
	                struct mem s, struct mem c, struct mem token, size_t n, size_t v);
	/* out[index[i]] += in[i], rows of D, in the order of i where an index occurs twice. */
	void (*scatter)(struct mem out, struct mem in, struct mem index, size_t n, size_t d);
	/* dw[N][K] += sum_t dy[t][N]' x[t][K], both act; summed over all n rows in order, then
	 * added to dw. */
	void (*gemm_dw)(struct mem dw, struct mem dy, size_t ldy, struct mem x, size_t ldx,
	                size_t n, size_t outputs, size_t inputs);
	/* Through norm: dx[n][D] += ..; dw[D] += .. (or none): summed in blocks of 64 rows from the
	 * part's first, then over the blocks, each in order. w none: dx += dy. */
	void (*norm_bwd)(struct mem dx, struct mem dw, struct mem dy, struct mem x, struct mem w,
	                 struct mem r, size_t n, size_t d);
	/* Through the product that reads h, dh[n][F] = dy W' of dy[n][K] (act) and W [F][K], then
	 * through glu: dgu[n][ld] (act) =, gates at column 0, ups at ld/2, unused columns 0; h[n][F]
	 * (act) again, of the saved gate and up. scratch: [n][F] fp32. */
	void (*glu_bwd)(struct mem dgu, struct mem h, struct mem scratch, struct mem dy,
	                const struct mat *w, struct mem gate, struct mem up, size_t ld, size_t n,
	                enum glu kind);
	/* Through attend, of all rows: dq[R][H*S] =; dk, dv[n_keys][G*S] =, indexed by span.keys +
	 * position. Shared positions get the sum over spans: each span adds its gradient to its
	 * base's, last span first. The caches have no common memory. */
	void (*attend_bwd)(struct mem dq, struct mem dk, struct mem dv, struct mem datt,
	                   struct mem att, struct mem lse, struct mem q, const struct plan *p,
	                   const struct attn *a);
	/* Through heads: dqkv[n][ld] (act, unused columns 0) =, from the part's dq and all spans'
	 * dk, dv (all overwritten). pre, r from heads. dbias of q, k, v and dnorm of q's and k's
	 * norms, each may be none: summed as in norm_bwd. */
	void (*heads_bwd)(struct mem dqkv, const struct mem dbias[3], const struct mem dnorm[2],
	                  struct mem dq, struct mem dk, struct mem dv, struct mem pre, struct mem r,
	                  const struct part *p, const struct attn *a);
	/* Through embed, of all rows: g[V][D] += scale dx[R][D], in the order of rows. */
	void (*embed_bwd)(struct mem g, struct mem dx, const struct plan *p, size_t d, float scale);
	/* LoRA: out[n][r] (act) = act(scale in w'): in[n][k] (act) ld, w[r][k] (act) or,
	 * transposed, w[k][r]. */
	void (*thin)(struct mem out, struct mem in, size_t ld, struct mem w, size_t r, size_t k,
	             int transposed, float scale, size_t n);

	/* ---- the optimiser: runs on the calling thread; several threads may call at once ---- */

	/* One step over n values, from p0, m0, v0 to p, m, v (in place is allowed); w = act(p). m =
	 * b1 m0 + (1-b1) g; v = b2 v0 + (1-b2) g^2; p = p0 - lr (mhat/(sqrt(vhat)+eps) + decay p0),
	 * mhat = m * c1, vhat = v * c2. g is scaled by gscale first. m0, v0 none: zeros. */
	void (*adamw)(const struct adamw *rate, size_t n, struct mem g, struct mem p0,
	              struct mem m0, struct mem v0, struct mem w, struct mem p, struct mem m,
	              struct mem v);
	void (*to_act)(struct mem out, struct mem x, size_t n);
	void (*from_act)(struct mem out, struct mem x, size_t n);
	/* out[0] (double) = sum of squares, in blocks of 65,536 values. Not thread-safe. */
	void (*sumsq)(struct mem out, struct mem x, size_t n);
};

/*
 * Selects a device (--device: DEVICE_CPU, DEVICE_CUDA, or DEVICE_AUTO for a GPU where there is one,
 * which is said on stderr) and starts the host's threads (0: one per core in the affinity mask).
 * Until it is called the device is the CPU, which needs kern_init. Returns -1 with a message if the
 * device is not available.
 */
MUST_CHECK int dev_init(int device, int threads, struct err *e);
extern const struct dev *dev;
extern const struct dev dev_cpu;
extern const struct dev dev_cuda;        /* where it is linked: make CUDA=1, or on its shim */
/* Calls f(ctx, i, thread) for i = 0 .. n - 1 on the host's threads, each taking the next i as it
 * becomes free; thread < dev->threads(), and no two calls at a time have the same. */
void dev_each(void (*f)(void *ctx, size_t i, size_t thread), void *ctx, size_t n);

#endif
