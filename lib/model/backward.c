/* SPDX-License-Identifier: MIT */
/* The forward's gradient, layer by layer from the top, from what acts kept. Gradients of GEMM
 * inputs are rounded to act like the inputs themselves; sums are fp32. Threads share rows where a row stands alone,
 * and blocks of BLOCK rows where rows are summed (then the blocks' sums are added in order), so that the number of
 * threads changes no bit. */
#include "model/model_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ---- gradients ---- */

void grads_init(struct grads *g, const struct model_config *c)
{
	g->n = model_params(c);
	g->g = xcalloc(g->n, sizeof *g->g);
	for (size_t i = 0; i < g->n; i++) {
		struct param p;

		if (c->lora_rank && i < model_base_params(c))
			continue;        /* frozen */
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

/* ---- scratch ---- */

/* C rows are a chunk, B = ceil(C / BLOCK) the blocks of one, E m->s.n_keys. */
enum {
	DX,                          /* [R][D] gradient of the residual stream */
	DATT, DQ,                    /* [R][H*S] */
	DK, DV,                      /* [E][G*S] */
	DH, DN, DPOST,               /* [C][F], [C][D], [C][D] */
	INV,                         /* [C] r of a norm */
	SUMS,                        /* [B][sums_width] */
	TWO,                         /* [threads][2F] a row's gate and up, or their gradients */
	DY, WIDE, H, XN,             /* act [R][D], [R][max(qkv.n, gateup.n)], [R][F], [R][D] */
	WT,                          /* act: a weight transposed */
	ROOMS
};
enum { BLOCK = 64 };             /* rows that one thread sums */
_Static_assert(ROOMS == LEN(((struct model *)0)->b.room), "one for each");

static size_t max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void *room(struct model *m, int which, size_t n, size_t size)
{
	if (n * size > m->b.room[which].bytes) {
		free(m->b.room[which].p);
		m->b.room[which].p = xaligned(n * size);
		m->b.room[which].bytes = n * size;
	}
	return m->b.room[which].p;
}

/* Sums of a block: a norm's weights, or qkv's biases and then the weights of the heads' norms. */
static size_t sums_width(const struct model *m)
{
	return max(m->c.width, m->layers[0].qkv.n + 2 * m->c.head_size);
}

/* Floats of what is wanted; R rows. */
static float *floats(struct model *m, int which, size_t n)
{
	const struct model_config *c = &m->c;
	size_t d = c->width, hs = (size_t)c->heads * c->head_size, gs = (size_t)c->kv_heads * c->head_size, f = c->ffn;
	size_t rows = n < MODEL_CHUNK ? n : MODEL_CHUNK, blocks = (rows + BLOCK - 1) / BLOCK;
	size_t count[] = {n * d, n * hs, n * hs, m->s.n_keys * gs, m->s.n_keys * gs, rows * f, rows * d, rows * d, rows,
	                  blocks * sums_width(m), m->threads * 2 * f};

	return room(m, which, count[which], sizeof(float));
}

static act *acts(struct model *m, int which, size_t n)
{
	const struct model_config *c = &m->c;
	size_t wide = max(m->layers[0].qkv.n, m->layers[0].gateup.n);
	size_t count[] = {n * c->width, n * wide, n * c->ffn, n * c->width};

	return room(m, which, count[which - DY], sizeof(act));
}

size_t model_backward_bytes(const struct model_config *c, size_t n)
{
	size_t d = c->width, hs = (size_t)c->heads * c->head_size, gs = (size_t)c->kv_heads * c->head_size, f = c->ffn;
	size_t wide = max(panels_up(hs) + 2 * panels_up(gs), 2 * panels_up(f));

	return n * ((d + 2 * hs + 2 * gs) * sizeof(float) + (2 * d + wide + f) * sizeof(act));
}

/* ---- pieces ---- */

struct embed_step {
	const struct model *m;
	const struct row *rows;
	size_t n;
	const float *dx;
	float *g;
};

enum { STRIP = 64 };

/* The embedding's gradient, strips of columns: rows that share a token add to the same place, in row order. */
static void embed_bwd(void *ctx, size_t first, size_t end)
{
	const struct embed_step *t = ctx;
	size_t d = t->m->c.width;
	float scale = t->m->c.arch == ARCH_GEMMA3 ? act_f32(act_of(__builtin_sqrtf((float)d))) : 1;

	for (size_t j = first * STRIP; j < d && j < end * STRIP; j += STRIP)
		for (size_t r = 0; r < t->n; r++)
			kern->axpy(t->g + (size_t)t->rows[r].token * d + j, scale, t->dx + r * d + j, d - j < STRIP ? d - j : STRIP);
}

/* Rows of a norm and what goes with them. */
struct norm_step {
	const struct model_config *c;
	const float *x, *w, *dy, *r;
	act *out;
	float *inv, *dx, *sums;
	size_t n;
};

static void norm_some(void *ctx, size_t first, size_t end)
{
	const struct norm_step *t = ctx;
	size_t d = t->c->width;

	for (size_t r = first; r < end; r++)
		t->inv[r] = kern->rmsnorm(t->out + r * d, t->x + r * d, t->w, d, t->c->norm_eps);
}

/* A norm's output again, of a chunk; returns its r. */
static const float *norm_again(struct model *m, act *out, const float *x, const float *w, size_t n)
{
	struct norm_step t = {.c = &m->c, .x = x, .w = w, .out = out, .inv = floats(m, INV, n)};

	kern_rows(norm_some, &t, n, m->c.width);
	return t.inv;
}

static void norm_blocks(void *ctx, size_t first, size_t end)
{
	const struct norm_step *t = ctx;
	size_t d = t->c->width;

	for (size_t b = first; b < end; b++) {
		float *sum = t->sums ? t->sums + b * d : NULL;

		if (sum)
			memset(sum, 0, d * sizeof *sum);
		for (size_t i = b * BLOCK; i < t->n && i < (b + 1) * BLOCK; i++)
			kern->rmsnorm_bwd(t->dx + i * d, sum, t->dy + i * d, t->x + i * d, t->w, d, t->r[i]);
	}
}

/* dx += gradient through a norm of a chunk's rows; dw likewise (or NULL). */
static void norm_bwd(struct model *m, float *dx, float *dw, const float *dy, const float *x, const float *w,
                     const float *r, size_t n)
{
	size_t d = m->c.width, blocks = (n + BLOCK - 1) / BLOCK;
	struct norm_step t = {.c = &m->c, .x = x, .w = w, .dy = dy, .dx = dx, .r = r, .n = n};

	t.sums = dw ? floats(m, SUMS, n) : NULL;
	kern_rows(norm_blocks, &t, blocks, 2 * BLOCK * d);
	for (size_t b = 0; dw && b < blocks; b++)
		kern->add(dw, t.sums + b * d, d);
}

/* Outputs [n0, n0 + n) of w transposed: k outputs, n inputs. Borrowed until the next call: one matrix at a time is
 * transposed when it is needed, which costs a hundredth of its use and no memory. */
static struct packed transposed(struct model *m, const struct packed *w, size_t n0, size_t n)
{
	act *p = room(m, WT, panels_up(w->k) * ((n + 1) / 2 * 2), sizeof *p);

	pack_transposed(p, w, n0, n);
	return (struct packed){p, w->k, n};
}

/* dW += dy' in (or the gradients of an adapter) of matrices that are fused: part i's dy begins at its column of a row of ld; which: their index in
 * matrix_param. */
static void weights_bwd(struct model *m, const struct layer *y, int which, int count, const act *dy, size_t ld,
                        const act *in, size_t n, struct grads *g)
{
	const struct matrix *all[] = {&y->q, &y->k, &y->v, &y->o, &y->gate, &y->up, &y->dn};

	for (int i = which; i < which + count; i++) {
		float *dw = g->g[y->matrix_param[i]];

		if (!dw && !all[i]->lora_a)
			continue;
		if (all[i]->lora_a)
			lora_bwd(m, all[i], dy + all[i]->col, ld, in, n, g);
		else
			gemm_dw(dw, all[i]->k, dy + all[i]->col, ld, in, all[i]->k, n, all[i]->n, all[i]->k);
	}
}

static float *norm_grad(const struct layer *y, int norm, struct grads *g)
{
	return y->norm_param[norm] < 0 ? NULL : g->g[y->norm_param[norm]];
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
	if (dw)
		gemm_dw(dw, d, dlogits, ld, hidden, d, n, v, d);
}

/* ---- a layer ---- */

struct rounding {
	act *out;
	const float *x;
	size_t d;
};

static void round_rows(void *ctx, size_t first, size_t end)
{
	const struct rounding *t = ctx;

	kern->to_act(t->out + first * t->d, t->x + first * t->d, (end - first) * t->d);
}

/* dy of a chunk: the gradient that reaches a projection's output, which is dx, or what gemma3's post norm makes of it. */
static void post_bwd(struct model *m, const struct layer *y, int which, const struct layer_acts *a, const float *dx,
                     size_t r, size_t n, act *dy, struct grads *g)
{
	int norm = which ? NORM_POST_FFN : NORM_POST_ATTN;
	size_t d = m->c.width;
	struct rounding t = {dy + r * d, dx + r * d, d};

	if (y->norm[norm]) {
		float *through = floats(m, DPOST, n);

		memset(through, 0, n * d * sizeof *through);
		norm_bwd(m, through, norm_grad(y, norm, g), t.x, a->post[which] + r * d, y->norm[norm], a->post_r[which] + r, n);
		t.x = through;
	}
	kern_rows(round_rows, &t, n, d);
}

/* What a layer's threads share; see the functions for what they need of it. */
struct step {
	struct model *m;
	size_t l, r0, n;             /* a chunk: n rows from r0 on */
	const struct row *rows;
	const size_t *key;           /* [R] where a row is among the spans' positions */
	const struct layer_acts *a;
	float *dh, *two, *datt, *dq, *dk, *dv, *sums;
	act *out, *h;
	_Atomic size_t taken;        /* attention's tasks */
};

/* From dh of a chunk: dgate and dup, side by side as in the fused matrix, and h once more. A share of the rows. */
static void glu_rows(void *ctx, size_t thread)
{
	const struct step *t = ctx;
	const struct model *m = t->m;
	const struct layer *y = &m->layers[t->l];
	size_t f = m->c.ffn, ld = y->gateup.n, col = y->up.col, team = (size_t)kern_threads();
	float *x = t->two + thread * 2 * f;
	int gelu = uses_gelu(&m->c);

	for (size_t i = t->n * thread / team; i < t->n * (thread + 1) / team; i++) {
		const act *gate = t->a->gate + (t->r0 + i) * f, *up = t->a->up + (t->r0 + i) * f;
		act *out = t->out + (t->r0 + i) * ld;

		kern->from_act(x, gate, f);
		kern->from_act(x + f, up, f);
		kern->glu(t->h + (t->r0 + i) * f, x, x + f, f, gelu);
		kern->glu_bwd(x, x + f, t->dh + i * f, gate, up, f, gelu);
		memset(out + f, 0, (col - f) * sizeof *out);
		memset(out + col + f, 0, (ld - col - f) * sizeof *out);
		kern->to_act(out, x, f);
		kern->to_act(out + col, x + f, f);
	}
}

/* dx: of the layer's output, then of x_mid. */
static void feed_forward_bwd(struct model *m, size_t l, const struct layer_acts *a, float *dx, size_t n, struct grads *g)
{
	const struct layer *y = &m->layers[l];
	size_t d = m->c.width, f = m->c.ffn, ld = y->gateup.n, parts = model_chunks(n);
	act *dy = acts(m, DY, n), *dgu = acts(m, WIDE, n), *h = acts(m, H, n), *xn = acts(m, XN, n);
	float *dn = floats(m, DN, n);
	struct step t = {.m = m, .l = l, .a = a, .dh = floats(m, DH, n), .two = floats(m, TWO, 0), .out = dgu, .h = h};
	struct packed wt = transposed(m, &y->down, 0, d);
	const float *inv;

	for (size_t i = 0; i < parts; i++) {
		size_t r = n * i / parts, count = n * (i + 1) / parts - r;

		post_bwd(m, y, 1, a, dx, r, count, dy, g);
		gemm(t.dh, f, dy + r * d, d, &wt, count, 0);
		t.r0 = r;
		t.n = count;
		kern_run(glu_rows, &t);
	}
	weights_bwd(m, y, 6, 1, dy, d, h, n, g);
	wt = transposed(m, &y->gateup, 0, ld);
	for (size_t i = 0; i < parts; i++) {
		size_t r = n * i / parts, count = n * (i + 1) / parts - r;

		gemm(dn, d, dgu + r * ld, ld, &wt, count, 0);
		inv = norm_again(m, xn + r * d, a->x_mid + r * d, y->norm[NORM_FFN], count);
		norm_bwd(m, dx + r * d, norm_grad(y, NORM_FFN, g), dn, a->x_mid + r * d, y->norm[NORM_FFN], inv, count);
	}
	weights_bwd(m, y, 4, 2, dgu, ld, xn, n, g);
}

/* dq of all rows; dk, dv of all positions of all spans, what they have in common included. A task is a span's head. */
static void attention_bwd(void *ctx, size_t thread)
{
	struct step *t = ctx;
	const struct model *m = t->m;
	const struct model_config *c = &m->c;
	const struct layer_acts *a = t->a;
	size_t s = c->head_size, hs = c->heads * s, gs = c->kv_heads * s, grp = c->heads / c->kv_heads, task;
	size_t window = layer_windowed(c, t->l) ? c->window : 0;

	while ((task = atomic_fetch_add(&t->taken, 1)) < m->s.n_spans * c->kv_heads) {
		struct span sp = m->s.spans[task / c->kv_heads];
		size_t h = task % c->kv_heads, r = sp.row, q = r * hs + h * grp * s, k = sp.keys * gs + h * s;
		const struct kv *kv = t->rows[r].kv;

		for (size_t j = 0; j < sp.n; j++)
			memset(t->dq + q + j * hs, 0, grp * s * sizeof *t->dq);
		for (size_t j = 0; j < sp.pos + sp.n; j++) {
			memset(t->dk + k + j * gs, 0, s * sizeof *t->dk);
			memset(t->dv + k + j * gs, 0, s * sizeof *t->dv);
		}
		kern->attn_bwd(t->dq + q, t->dk + k, t->dv + k, gs, t->datt + q, a->att + q, a->lse + r * c->heads + h * grp,
		               c->heads, a->q + q, hs, kv_at(kv, c, t->l, h, 0), kv_at(kv, c, t->l, h, 1), s, sp.n, sp.pos,
		               grp, s, attn_scale(c), window, m->s.attn + thread * m->s.keys);
	}
}

/* What several sequences have in common gets the sum over them: each adds to its base, the last one first. Counts
 * key/value heads. */
static void common_keys_bwd(void *ctx, size_t first, size_t end)
{
	const struct step *t = ctx;
	const struct scratch *c = &t->m->s;
	size_t s = t->m->c.head_size, gs = t->m->c.kv_heads * s;

	for (size_t i = c->n_spans; i-- > 0;) {
		const struct span *sp = &c->spans[i];

		for (size_t j = 0; sp->base >= 0 && j < sp->pos; j++) {
			size_t to = (c->spans[sp->base].keys + j) * gs + first * s, from = (sp->keys + j) * gs + first * s;

			kern->add(t->dk + to, t->dk + from, (end - first) * s);
			kern->add(t->dv + to, t->dv + from, (end - first) * s);
		}
	}
}

/* One row's heads through their norms, in place; the norm's own gradient is added to dw. */
static void heads_bwd(const struct model *m, float *dh, size_t heads, const float *w, const float *pre, const float *r, float *dw)
{
	size_t s = m->c.head_size;
	float in[s];

	for (size_t h = 0; h < heads; h++) {
		memset(in, 0, sizeof in);
		kern->rmsnorm_bwd(in, dw, dh + h * s, pre + h * s, w, s, r[h]);
		memcpy(dh + h * s, in, sizeof in);
	}
}

/* Row r's dq, dk, dv from the attention to the outputs of the projections, in the layout of the fused matrix. sum:
 * biases' gradients in that layout, then those of the heads' norms. */
static void row_bwd(const struct step *t, size_t r, float *sum)
{
	const struct model_config *c = &t->m->c;
	const struct layer *y = &t->m->layers[t->l];
	const struct rope_table *rope = &t->m->rope[layer_windowed(c, t->l)];
	size_t s = c->head_size, half = s / 2, hs = c->heads * s, gs = c->kv_heads * s, width[] = {hs, gs, gs};
	size_t ld = y->qkv.n, at = t->rows[r].pos * half;
	const struct matrix *parts[] = {&y->q, &y->k, &y->v};
	float minus[half], *d[] = {t->dq + r * hs, t->dk + t->key[r] * gs, t->dv + t->key[r] * gs};

	for (size_t i = 0; i < half; i++)
		minus[i] = -rope->sin[at + i];
	kern->rope(d[0], c->heads, s, rope->cos + at, minus);
	kern->rope(d[1], c->kv_heads, s, rope->cos + at, minus);
	if (y->norm[NORM_Q]) {
		const float *pre = t->a->qk_pre + r * (hs + gs), *inv = t->a->qk_r + r * (c->heads + c->kv_heads);

		heads_bwd(t->m, d[0], c->heads, y->norm[NORM_Q], pre, inv, sum + ld);
		heads_bwd(t->m, d[1], c->kv_heads, y->norm[NORM_K], pre + hs, inv + c->heads, sum + ld + s);
	}
	for (int i = 0; i < 3; i++) {
		size_t col = parts[i]->col, end = i < 2 ? parts[i + 1]->col : ld;
		act *out = t->out + r * ld;

		if (y->bias)
			kern->add(sum + col, d[i], width[i]);
		kern->to_act(out + col, d[i], width[i]);
		memset(out + col + width[i], 0, (end - col - width[i]) * sizeof *out);
	}
}

static void row_blocks(void *ctx, size_t first, size_t end)
{
	const struct step *t = ctx;
	size_t width = t->m->layers[t->l].qkv.n + 2 * t->m->c.head_size;

	for (size_t b = first; b < end; b++) {
		memset(t->sums + b * width, 0, width * sizeof *t->sums);
		for (size_t i = b * BLOCK; i < t->n && i < (b + 1) * BLOCK; i++)
			row_bwd(t, t->r0 + i, t->sums + b * width);
	}
}

/* The same for a chunk. */
static void rows_bwd(struct step *t, struct grads *g)
{
	const struct layer *y = &t->m->layers[t->l];
	const struct matrix *parts[] = {&y->q, &y->k, &y->v};
	size_t s = t->m->c.head_size, ld = y->qkv.n, blocks = (t->n + BLOCK - 1) / BLOCK;

	t->sums = floats(t->m, SUMS, t->n);
	kern_rows(row_blocks, t, blocks, 4 * BLOCK * ld);
	for (size_t b = 0; b < blocks; b++) {
		const float *sum = t->sums + b * (ld + 2 * s);

		for (int i = 0; y->bias && i < 3; i++)
			if (g->g[y->bias_param[i]])
				kern->add(g->g[y->bias_param[i]], sum + parts[i]->col, parts[i]->n);
		for (int i = 0; i < 2; i++)
			if (norm_grad(y, NORM_Q + i, g))
				kern->add(norm_grad(y, NORM_Q + i, g), sum + ld + (size_t)i * s, s);
	}
}

/* dx: of x_mid, then of x_in. */
static void attention_part_bwd(struct model *m, size_t l, const struct row *rows, const size_t *key,
                               const struct layer_acts *a, float *dx, size_t n, struct grads *g)
{
	const struct layer *y = &m->layers[l];
	size_t d = m->c.width, hs = (size_t)m->c.heads * m->c.head_size, ld = y->qkv.n, parts = model_chunks(n);
	act *dy = acts(m, DY, n), *dqkv = acts(m, WIDE, n), *xn = acts(m, XN, n);
	float *dn = floats(m, DN, n);
	struct step t = {
		.m = m, .l = l, .rows = rows, .key = key, .a = a, .datt = floats(m, DATT, n), .dq = floats(m, DQ, n),
		.dk = floats(m, DK, n), .dv = floats(m, DV, n), .out = dqkv,
	};
	struct packed wt = transposed(m, &y->out, 0, d);
	const float *inv;

	for (size_t i = 0; i < parts; i++) {
		size_t r = n * i / parts, count = n * (i + 1) / parts - r;

		post_bwd(m, y, 0, a, dx, r, count, dy, g);
		gemm(t.datt + r * hs, hs, dy + r * d, d, &wt, count, 0);
	}
	weights_bwd(m, y, 3, 1, dy, d, a->att, n, g);
	kern_run(attention_bwd, &t);
	if (m->s.common)
		kern_rows(common_keys_bwd, &t, m->c.kv_heads, 1 << 14);
	wt = transposed(m, &y->qkv, 0, ld);
	for (size_t i = 0; i < parts; i++) {
		size_t r = n * i / parts, count = n * (i + 1) / parts - r;

		t.r0 = r;
		t.n = count;
		rows_bwd(&t, g);
		gemm(dn, d, dqkv + r * ld, ld, &wt, count, 0);
		inv = norm_again(m, xn + r * d, a->x_in + r * d, y->norm[NORM_ATTN], count);
		norm_bwd(m, dx + r * d, norm_grad(y, NORM_ATTN, g), dn, a->x_in + r * d, y->norm[NORM_ATTN], inv, count);
	}
	weights_bwd(m, y, 0, 3, dqkv, ld, xn, n, g);
}

void model_backward(struct model *m, const struct row *rows, size_t n, struct acts *save,
                    const float *dhidden, struct grads *g)
{
	size_t d = m->c.width, parts = model_chunks(n), *key;
	struct embed_step t = {.m = m, .rows = rows, .n = n};
	const float *inv;
	float *dx;

	if (!n)
		return;
	model_spans(m, rows, n);
	key = xreallocarray(NULL, n, sizeof *key);
	for (size_t i = 0; i < m->s.n_spans; i++) {
		struct span sp = m->s.spans[i];

		for (size_t j = 0; j < sp.n; j++)
			key[sp.row + j] = sp.keys + sp.pos + j;
	}
	t.dx = dx = floats(m, DX, n);
	memset(dx, 0, n * d * sizeof *dx);
	for (size_t i = 0; i < parts; i++) {
		size_t r = n * i / parts, count = n * (i + 1) / parts - r;

		inv = norm_again(m, acts(m, XN, n), save->x + r * d, m->norm, count);
		norm_bwd(m, dx + r * d, g->g[m->norm_param], dhidden + r * d, save->x + r * d, m->norm, inv, count);
	}
	for (size_t l = m->c.layers; l-- > 0;) {
		struct layer_acts *a = &save->layers[l];

		if (save->recompute)
			model_layer_again(m, l, rows, n, a);
		feed_forward_bwd(m, l, a, dx, n, g);
		attention_part_bwd(m, l, rows, key, a, dx, n, g);
	}
	free(key);
	t.g = g->g[m->embed_param];
	if (t.g)
		kern_rows(embed_bwd, &t, (d + STRIP - 1) / STRIP, n * STRIP);
}
