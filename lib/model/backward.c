/* SPDX-License-Identifier: MIT */
/* The forward's gradient, layer by layer from the top, from what acts kept. Gradients of GEMM
 * inputs are rounded to act like the inputs themselves; sums are fp32. Rows are shared among threads where a
 * row stands alone, columns where rows are summed, so that the number of threads changes no bit. */
#include "model/model_internal.h"

#include <omp.h>
#include <stdlib.h>

/* ---- gradients ---- */

void grads_init(struct grads *g, const struct model_config *c)
{
	g->n = model_params(c);
	g->g = xcalloc(g->n, sizeof *g->g);
	for (size_t i = 0; i < g->n; i++) {
		struct param p;

		model_param(c, i, &p);
		g->g[i] = xaligned(p.rows * p.cols * sizeof **g->g);
	}
	grads_zero(g, c);
}

void grads_zero(struct grads *g, const struct model_config *c)
{
	for (size_t i = 0; i < g->n; i++) {
		struct param p;

		model_param(c, i, &p);
		if (g->g[i])
			memset(g->g[i], 0, p.rows * p.cols * sizeof **g->g);
	}
}

void grads_release(struct grads *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->g[i]);
	free(g->g);
	*g = (struct grads){0};
}

/* ---- sums over rows, a strip of columns per thread ---- */

enum { STRIP = 64 };

/* sum[j] += sum_r a[r][j] (* b[r][j] * scale[r] where b is given); nothing where sum is NULL. */
static void column_sums(struct model *m, float *sum, const float *a, size_t lda, const float *b, size_t ldb,
                        const float *scale, size_t n, size_t d)
{
	if (!sum)
		return;
	#pragma omp parallel for schedule(static) num_threads((int)m->threads)
	for (size_t j0 = 0; j0 < d; j0 += STRIP) {
		size_t j1 = j0 + STRIP < d ? j0 + STRIP : d;

		for (size_t r = 0; r < n; r++)
			for (size_t j = j0; j < j1; j++)
				sum[j] += b ? a[r * lda + j] * b[r * ldb + j] * scale[r] : a[r * lda + j];
	}
}

/* The embedding's gradient: rows that share a token add to the same place, in row order. */
static void embed_bwd(struct model *m, const struct row *rows, size_t n, const float *dx, float *g)
{
	size_t d = m->c.width;
	float scale = m->c.arch == ARCH_GEMMA3 ? act_f32(act_of(__builtin_sqrtf((float)d))) : 1;

	if (!g)
		return;
	#pragma omp parallel for schedule(static) num_threads((int)m->threads)
	for (size_t j0 = 0; j0 < d; j0 += STRIP)
		for (size_t r = 0; r < n; r++)
			for (size_t j = j0; j < j0 + STRIP && j < d; j++)
				g[(size_t)rows[r].token * d + j] += scale * dx[r * d + j];
}

/* ---- scratch: names for the arrays in m->b ---- */

enum { F_DX, F_DQKV, F_DMID, F_DFF, F_DNORM, F_WIDE };   /* see backward_reserve for shapes */
enum { A_ROW, A_WIDE };

static size_t max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void backward_reserve(struct model *m, size_t n)
{
	const struct model_config *c = &m->c;
	size_t d = c->width, hs = (size_t)c->heads * c->head_size, gs = (size_t)c->kv_heads * c->head_size;
	size_t f = c->ffn, sizes[] = {d, hs + 2 * gs, max(d, hs), 2 * (size_t)f, d, f};

	if (n <= m->b.rows)
		return;
	for (size_t i = 0; i < LEN(sizes); i++) {
		free(m->b.f[i]);
		m->b.f[i] = xaligned(n * sizes[i] * sizeof(float));
	}
	for (size_t i = 0; i < LEN(m->b.a); i++) {
		free(m->b.a[i]);
		m->b.a[i] = xaligned(n * (i == A_ROW ? d : max(hs + 2 * gs, 2 * f)) * sizeof(act));
	}
	m->b.rows = n;
}

static void to_act_rows(struct model *m, act *out, const float *x, size_t n, size_t d)
{
	#pragma omp parallel for schedule(static) num_threads((int)m->threads)
	for (size_t r = 0; r < n; r++)
		kern->to_act(out + r * d, x + r * d, d);
}

/* dx += gradient through a norm over rows of d; dw likewise. */
static void norm_bwd(struct model *m, float *dx, float *dw, const float *dy, const float *x,
                     const float *w, const float *r, size_t n, size_t d)
{
	#pragma omp parallel for schedule(static) num_threads((int)m->threads)
	for (size_t i = 0; i < n; i++)
		kern->rmsnorm_bwd(dx + i * d, NULL, dy + i * d, x + i * d, w, d, r[i]);
	column_sums(m, dw, dy, d, x, d, r, n, d);
}

static void reserve(act **p, size_t *cap, size_t n)
{
	if (n <= *cap)
		return;
	free(*p);
	*p = xaligned(n * sizeof **p);
	*cap = n;
}

/* Outputs [n0, n0 + n) of w transposed: k outputs, n inputs. Borrowed until the next call: one matrix at a time is
 * transposed when it is needed, which costs a hundredth of its use and no memory. */
static struct packed transposed(struct model *m, const struct packed *w, size_t n0, size_t n)
{
	reserve(&m->b.wt, &m->b.wt_cap, panels_up(w->k) * ((n + 1) / 2 * 2));
	pack_transposed(m->b.wt, w, n0, n);
	return (struct packed){m->b.wt, w->k, n};
}

/* Rows in[n][k] as the weights of dW: k outputs, n inputs. Borrowed likewise. */
static struct packed inputs(struct model *m, const act *in, size_t n, size_t k)
{
	reserve(&m->b.xt, &m->b.xt_cap, panels_up(k) * ((n + 1) / 2 * 2));
	pack_into(m->b.xt, in, k, n, k, 1);
	return (struct packed){m->b.xt, k, n};
}

/* din (+)= dy W, dW += dy' in. dy as act with row stride ld. */
static void matrix_bwd(struct model *m, const struct matrix *x, float *din, int add, float *dw, const act *dy, size_t ld,
                       const act *in, size_t n)
{
	struct packed wt = transposed(m, x->w, x->col, x->n), xt;

	gemm(din, x->k, dy, ld, &wt, n, add);
	if (!dw)
		return;
	xt = inputs(m, in, n, x->k);
	gemm_t(dw, x->k, dy, ld, &xt, x->n, 1);
}

/* ---- the head ---- */

enum { HEAD_PART = 4096 };           /* outputs transposed at a time */

void model_logits_bwd(struct model *m, const act *dlogits, size_t ld, const act *hidden, size_t n,
                      float *dhidden, struct grads *g)
{
	size_t v = m->c.vocab, d = m->c.width;
	float *dw = g->g[m->head_param];

	for (size_t v0 = 0; v0 < v; v0 += HEAD_PART) {
		size_t part = v - v0 < HEAD_PART ? v - v0 : HEAD_PART;
		struct packed wt = transposed(m, &m->head, v0, part);

		gemm(dhidden, d, dlogits + v0, ld, &wt, n, v0 > 0);
	}
	if (dw) {
		struct packed xt = inputs(m, hidden, n, d);

		gemm_t(dw, d, dlogits, ld, &xt, v, 1);
	}
}

/* ---- a layer ---- */

/* The gradient that reaches a projection's output: dx itself, or through gemma3's post norm. */
static const float *post_bwd(struct model *m, const struct layer *y, int which, const struct layer_acts *a,
                             const float *dx, size_t n, struct grads *g)
{
	int norm = which ? NORM_POST_FFN : NORM_POST_ATTN;
	size_t d = m->c.width;

	if (!y->norm[norm])
		return dx;
	memset(m->b.f[F_DNORM], 0, n * d * sizeof(float));
	norm_bwd(m, m->b.f[F_DNORM], g->g[y->norm_param[norm]], dx, a->post[which], y->norm[norm],
	         a->post_r[which], n, d);
	return m->b.f[F_DNORM];
}

static void feed_forward_bwd(struct model *m, const struct layer *y, const struct layer_acts *a, float *dx,
                             size_t n, struct grads *g)
{
	size_t d = m->c.width, f = m->c.ffn;
	act *dy = m->b.a[A_ROW], *dgu = m->b.a[A_WIDE];
	float *dh = m->b.f[F_WIDE], *dgate = m->b.f[F_DFF], *dup = dgate + n * f, *dn = m->b.f[F_DNORM];

	to_act_rows(m, dy, post_bwd(m, y, 1, a, dx, n, g), n, d);
	matrix_bwd(m, &y->dn, dh, 0, g->g[y->matrix_param[6]], dy, d, a->h, n);
	#pragma omp parallel for schedule(static) num_threads((int)m->threads)
	for (size_t r = 0; r < n; r++) {
		kern->glu_bwd(dgate + r * f, dup + r * f, dh + r * f, a->gate + r * f, a->up + r * f, f,
		              uses_gelu(&m->c));
		kern->to_act(dgu + r * f, dgate + r * f, f);
		kern->to_act(dgu + (n + r) * f, dup + r * f, f);
	}
	matrix_bwd(m, &y->gate, dn, 0, g->g[y->matrix_param[4]], dgu, f, a->xn_mid, n);
	matrix_bwd(m, &y->up, dn, 1, g->g[y->matrix_param[5]], dgu + n * f, f, a->xn_mid, n);
	norm_bwd(m, dx, g->g[y->norm_param[NORM_FFN]], dn, a->x_mid, y->norm[NORM_FFN], a->r_mid, n, d);
}

/* Through the head norms of one row, in place; which = NORM_Q or NORM_K. */
static void heads_bwd(struct model *m, const struct layer *y, float *dh, size_t heads, int which,
                      const float *pre, const float *r)
{
	size_t s = m->c.head_size;
	float in[s];

	for (size_t h = 0; h < heads; h++) {
		memset(in, 0, sizeof in);
		kern->rmsnorm_bwd(in, NULL, dh + h * s, pre + h * s, y->norm[which], s, r[h]);
		memcpy(dh + h * s, in, sizeof in);
	}
}

/* The head norms' own gradients; dh is what reaches the norms' outputs. Serial: 2 * S values. dw NULL: none. */
static void head_norm_dw(float *dw, const float *dh, const float *pre, const float *r, size_t heads, size_t s)
{
	for (size_t h = 0; dw && h < heads; h++)
		for (size_t j = 0; j < s; j++)
			dw[j] += dh[h * s + j] * pre[h * s + j] * r[h];
}

static void attention_bwd(struct model *m, size_t l, const struct row *rows, const struct layer_acts *a,
                          const float *datt, size_t n, float *dq, float *dk, float *dv)
{
	const struct model_config *c = &m->c;
	size_t s = c->head_size, hs = c->heads * s, gs = c->kv_heads * s, grp = c->heads / c->kv_heads;
	size_t window = layer_windowed(c, l) ? c->window : 0;

	memset(dq, 0, n * hs * sizeof *dq);
	memset(dk, 0, n * gs * sizeof *dk);
	memset(dv, 0, n * gs * sizeof *dv);
	#pragma omp parallel for schedule(dynamic) collapse(2) num_threads((int)m->threads)
	for (size_t i = 0; i < m->s.n_spans; i++)
		for (size_t h = 0; h < c->kv_heads; h++) {
			size_t r = m->s.spans[i].row, q = r * hs + h * grp * s, k = r * gs + h * s;
			const struct kv *kv = rows[r].kv;

			kern->attn_bwd(dq + q, dk + k, dv + k, gs, datt + q, a->att + q, a->lse + r * c->heads + h * grp,
			               c->heads, a->q + q, hs, kv_at(kv, c, l, h, 0), kv_at(kv, c, l, h, 1),
			               s, m->s.spans[i].n, 0, grp, s, attn_scale(c), window,
			               m->s.attn + (size_t)omp_get_thread_num() * m->s.keys);
		}
}

/* From the attention's dq, dk, dv to the gradients of the projections and of their input dn. */
static void projections_bwd(struct model *m, size_t l, const struct layer_acts *a, size_t n,
                            float *dq, float *dk, float *dv, float *dn, struct grads *g)
{
	const struct model_config *c = &m->c;
	struct layer *y = &m->layers[l];
	size_t s = c->head_size, half = s / 2, hs = c->heads * s, gs = c->kv_heads * s;
	const struct rope_table *rope = &m->rope[layer_windowed(c, l)];
	struct matrix *parts[] = {&y->q, &y->k, &y->v};
	float *d[] = {dq, dk, dv};
	act *dy = m->b.a[A_WIDE];

	#pragma omp parallel for schedule(static) num_threads((int)m->threads)
	for (size_t r = 0; r < n; r++) {
		float minus[half];

		for (size_t i = 0; i < half; i++)
			minus[i] = -rope->sin[r * half + i];
		/* turned back first: head_norm_dw below needs the gradient at the norms' outputs */
		kern->rope(dq + r * hs, c->heads, s, rope->cos + r * half, minus);
		kern->rope(dk + r * gs, c->kv_heads, s, rope->cos + r * half, minus);
	}
	if (y->norm[NORM_Q])
		for (size_t r = 0; r < n; r++) {
			const float *pre = a->qk_pre + r * (hs + gs), *inv = a->qk_r + r * (c->heads + c->kv_heads);

			head_norm_dw(g->g[y->norm_param[NORM_Q]], dq + r * hs, pre, inv, c->heads, s);
			head_norm_dw(g->g[y->norm_param[NORM_K]], dk + r * gs, pre + hs, inv + c->heads, c->kv_heads, s);
			heads_bwd(m, y, dq + r * hs, c->heads, NORM_Q, pre, inv);
			heads_bwd(m, y, dk + r * gs, c->kv_heads, NORM_K, pre + hs, inv + c->heads);
		}
	for (int i = 0; i < 3; i++) {
		size_t width = i ? gs : hs;

		if (y->bias)
			column_sums(m, g->g[y->bias_param[i]], d[i], width, NULL, 0, NULL, n, width);
		to_act_rows(m, dy, d[i], n, width);
		matrix_bwd(m, parts[i], dn, i > 0, g->g[y->matrix_param[i]], dy, width, a->xn_in, n);
	}
}

void model_backward(struct model *m, const struct row *rows, size_t n, const struct acts *save,
                    const float *dhidden, struct grads *g)
{
	const struct model_config *c = &m->c;
	size_t d = c->width, hs = (size_t)c->heads * c->head_size, gs = (size_t)c->kv_heads * c->head_size;
	float *dx, *dq, *dk, *dv;

	if (!n)
		return;
	backward_reserve(m, n);
	model_spans(m, rows, n);
	model_rope_rows(m, rows, n);
	dx = m->b.f[F_DX];
	dq = m->b.f[F_DQKV];
	dk = dq + n * hs;
	dv = dk + n * gs;
	memset(dx, 0, n * d * sizeof *dx);
	norm_bwd(m, dx, g->g[m->norm_param], dhidden, save->x, m->norm, save->r, n, d);
	for (size_t l = c->layers; l-- > 0;) {
		const struct layer_acts *a = &save->layers[l];
		struct layer *y = &m->layers[l];
		act *dy = m->b.a[A_ROW];
		float *datt = m->b.f[F_DMID], *dn = m->b.f[F_DNORM];

		feed_forward_bwd(m, y, a, dx, n, g);
		to_act_rows(m, dy, post_bwd(m, y, 0, a, dx, n, g), n, d);
		matrix_bwd(m, &y->o, datt, 0, g->g[y->matrix_param[3]], dy, d, a->att, n);
		attention_bwd(m, l, rows, a, datt, n, dq, dk, dv);
		projections_bwd(m, l, a, n, dq, dk, dv, dn, g);
		norm_bwd(m, dx, g->g[y->norm_param[NORM_ATTN]], dn, a->x_in, y->norm[NORM_ATTN], a->r_in, n, d);
	}
	embed_bwd(m, rows, n, dx, g->g[m->embed_param]);
}
