/* SPDX-License-Identifier: MIT */
/* The one forward. Every step below works row by row (or by column panels of a GEMM),
 * so the number of rows, their neighbours and the threads change no bit of any row. */
#include "model/model_internal.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ATTN_ROWS = 32 };         /* queries of one attention task */

/* ---- scratch ---- */

static void regrow(void *slot, size_t n, size_t size)
{
	void **p = slot;

	free(*p);
	*p = xaligned(n * size);
}

static void scratch_reserve(struct model *m, size_t n)
{
	const struct model_config *c = &m->c;
	struct scratch *s = &m->s;
	size_t hs = (size_t)c->heads * c->head_size;

	if (n <= s->rows)
		return;
	regrow(&s->x, n * c->width, sizeof(float));
	regrow(&s->qkv, n * m->layers[0].qkv.n, sizeof(float));
	regrow(&s->tmp, n * c->width, sizeof(float));
	regrow(&s->gu, n * m->layers[0].gateup.n, sizeof(float));
	regrow(&s->xn, n * c->width, sizeof(act));
	regrow(&s->q, n * hs, sizeof(act));
	regrow(&s->att, n * hs, sizeof(act));
	regrow(&s->h, n * c->ffn, sizeof(act));
	regrow(&s->spans, n, sizeof *s->spans);
	regrow(&s->blocks, n, sizeof *s->blocks);
	for (int i = 0; i < 2; i++) {
		regrow(&m->rope[i].cos, n * (c->head_size / 2), sizeof(float));
		regrow(&m->rope[i].sin, n * (c->head_size / 2), sizeof(float));
	}
	s->rows = n;
}

static void attn_reserve(struct model *m, size_t keys)
{
	size_t n;

	keys = (keys + 255) / 256 * 256;
	n = attn_scratch(keys, m->c.heads / m->c.kv_heads, m->c.head_size);
	n = (n + 15) / 16 * 16;          /* every thread's part 64-byte aligned */
	if (n <= m->s.keys && m->threads >= (size_t)kern_threads())
		return;
	m->threads = (size_t)kern_threads();
	m->s.keys = n > m->s.keys ? n : m->s.keys;
	regrow(&m->s.attn, m->threads * m->s.keys, sizeof(float));
}

void model_spans(struct model *m, const struct row *rows, size_t n)
{
	struct scratch *s = &m->s;
	size_t keys = 0;

	s->n_spans = s->n_blocks = 0;
	for (size_t i = 0; i < n; i++) {
		int begins = i == 0 || rows[i].kv != rows[i - 1].kv;

		if (begins)
			s->spans[s->n_spans++] = (struct span){i, 0};
		if (begins || s->blocks[s->n_blocks - 1].n == ATTN_ROWS)
			s->blocks[s->n_blocks++] = (struct span){i, 0};
		s->spans[s->n_spans - 1].n++;
		s->blocks[s->n_blocks - 1].n++;
		if (rows[i].pos + 1 > keys)
			keys = rows[i].pos + 1;
	}
	attn_reserve(m, keys);
}

void model_rope_rows(struct model *m, const struct row *rows, size_t n)
{
	size_t half = m->c.head_size / 2;
	int tables = m->c.window ? 2 : 1;

	for (int t = 0; t < tables; t++)
		for (size_t r = 0; r < n; r++)
			for (size_t i = 0; i < half; i++) {
				double a = (double)rows[r].pos * m->rope[t].freq[i];

				m->rope[t].cos[r * half + i] = (float)cos(a);
				m->rope[t].sin[r * half + i] = (float)sin(a);
			}
}

/* ---- acts ---- */

/* Hands out 64-byte aligned pieces of one block; base NULL only measures. */
static void *take(char *base, size_t *at, size_t n, size_t size)
{
	size_t here = *at;

	*at += (n * size + 63) / 64 * 64;
	return base ? base + here : NULL;
}

static size_t lay_out(struct acts *a, const struct model_config *c, size_t n, char *base)
{
	size_t at = 0, d = c->width, hs = (size_t)c->heads * c->head_size;
	size_t gs = (size_t)c->kv_heads * c->head_size;
	int qk = c->arch == ARCH_QWEN3 || c->arch == ARCH_GEMMA3, post = c->arch == ARCH_GEMMA3;

	for (size_t l = 0; l < c->layers; l++) {
		struct layer_acts *y = &a->layers[l];

		y->x_in = take(base, &at, n * d, sizeof(float));
		y->x_mid = take(base, &at, n * d, sizeof(float));
		y->r_in = take(base, &at, n, sizeof(float));
		y->r_mid = take(base, &at, n, sizeof(float));
		y->xn_in = take(base, &at, n * d, sizeof(act));
		y->xn_mid = take(base, &at, n * d, sizeof(act));
		y->q = take(base, &at, n * hs, sizeof(act));
		y->att = take(base, &at, n * hs, sizeof(act));
		y->lse = take(base, &at, n * c->heads, sizeof(float));
		y->gate = take(base, &at, n * c->ffn, sizeof(act));
		y->up = take(base, &at, n * c->ffn, sizeof(act));
		y->h = take(base, &at, n * c->ffn, sizeof(act));
		y->qk_pre = qk ? take(base, &at, n * (hs + gs), sizeof(float)) : NULL;
		y->qk_r = qk ? take(base, &at, n * (c->heads + c->kv_heads), sizeof(float)) : NULL;
		for (int i = 0; i < 2; i++) {
			y->post[i] = post ? take(base, &at, n * d, sizeof(float)) : NULL;
			y->post_r[i] = post ? take(base, &at, n, sizeof(float)) : NULL;
		}
	}
	a->x = take(base, &at, n * d, sizeof(float));
	a->r = take(base, &at, n, sizeof(float));
	return at;
}

size_t acts_bytes(const struct model_config *c, size_t n)
{
	struct acts a = {.layers = xcalloc(c->layers, sizeof *a.layers)};
	size_t need = lay_out(&a, c, n, NULL);

	free(a.layers);
	return need;
}

void acts_prepare(struct acts *a, const struct model_config *c, size_t n)
{
	size_t need;

	if (!a->layers)
		a->layers = xcalloc(c->layers, sizeof *a->layers);
	need = lay_out(a, c, n, NULL);
	if (need > a->bytes) {
		free(a->block);
		a->block = xaligned(need);
		a->bytes = need;
	}
	lay_out(a, c, n, a->block);
	a->rows = n;
}

struct acts *acts_new(void)
{
	return xcalloc(1, sizeof(struct acts));
}

void acts_free(struct acts *a)
{
	if (!a)
		return;
	free(a->block);
	free(a->layers);
	free(a);
}

/* ---- the steps of a layer ---- */

/* x[R][D] = embedding of the rows' tokens. */
static void embed(struct model *m, const struct row *rows, size_t n, float *x)
{
	size_t d = m->c.width, pairs = (d + 1) / 2;
	float scale = m->c.arch == ARCH_GEMMA3 ? act_f32(act_of(sqrtf((float)d))) : 1;

	for (size_t r = 0; r < n; r++) {
		size_t t = (size_t)rows[r].token;
		const act *p = m->embed ? m->embed + t * d :
		               m->head.p + (t / KERN_PANEL * pairs * KERN_PANEL + t % KERN_PANEL) * 2;

		if (m->embed)
			kern->from_act(x + r * d, p, d);
		else                     /* row t of the packed head */
			for (size_t j = 0; j < d; j++)
				x[r * d + j] = act_f32(p[j / 2 * KERN_PANEL * 2 + j % 2]);
		if (scale != 1)
			for (size_t j = 0; j < d; j++)
				x[r * d + j] *= scale;
	}
}

struct norm_step {
	const struct model_config *c;
	act *out;
	const float *x;
	const float *w;
	float *r;
};

static void norm_some(void *ctx, size_t first, size_t end)
{
	const struct norm_step *t = ctx;
	size_t d = t->c->width;

	for (size_t i = first; i < end; i++) {
		float k = kern->rmsnorm(t->out + i * d, t->x + i * d, t->w, d, t->c->norm_eps);

		if (t->r)
			t->r[i] = k;
	}
}

static void norm_rows(struct model *m, act *out, const float *x, const float *w, size_t n, float *r)
{
	struct norm_step t = {&m->c, out, x, w, r};

	kern_rows(norm_some, &t, n, m->c.width);
}

/* Norm of heads in place; pre and r keep what the backward needs. */
static void head_norms(const struct model *m, const struct layer *y, float *q, float *k, float *pre, float *r)
{
	const struct model_config *c = &m->c;
	size_t s = c->head_size;

	for (size_t h = 0; h < c->heads + c->kv_heads; h++) {
		float *x = h < c->heads ? q + h * s : k + (h - c->heads) * s;
		float inv;

		if (pre)
			memcpy(pre + h * s, x, s * sizeof *x);
		inv = kern->rmsnorm_f32(x, y->norm[h < c->heads ? NORM_Q : NORM_K], s, c->norm_eps);
		if (r)
			r[h] = inv;
	}
}

/* A layer's step, shared by threads. */
struct step {
	struct model *m;
	size_t l, tasks;
	const struct row *rows;
	act *q, *out;
	float *lse;
	struct layer_acts *save;
	_Atomic size_t taken;
};

/* From the fused GEMM's output: bias, head norms, rotation; queries to q, keys and values to the cache. */
static void queries_keys_values(void *ctx, size_t begin, size_t end)
{
	const struct step *t = ctx;
	const struct model *m = t->m;
	const struct model_config *c = &m->c;
	const struct layer *y = &m->layers[t->l];
	const struct row *rows = t->rows;
	struct layer_acts *save = t->save;
	size_t l = t->l, s = c->head_size, hs = c->heads * s, gs = c->kv_heads * s, ld = y->qkv.n;
	const struct rope_table *rope = &m->rope[layer_windowed(c, l)];

	for (size_t i = begin; i < end; i++) {
		float *row = m->s.qkv + i * ld, *k = row + y->k.col, *v = row + y->v.col;
		const float *cs = rope->cos + i * (s / 2), *sn = rope->sin + i * (s / 2);
		struct kv *kv = rows[i].kv;

		if (y->bias)
			kern->add(row, y->bias, ld);
		if (y->norm[NORM_Q])
			head_norms(m, y, row, k, save ? save->qk_pre + i * (hs + gs) : NULL,
			           save ? save->qk_r + i * (c->heads + c->kv_heads) : NULL);
		kern->rope(row, c->heads, s, cs, sn);
		kern->rope(k, c->kv_heads, s, cs, sn);
		kern->to_act(t->q + i * hs, row, hs);
		for (size_t g = 0; g < c->kv_heads; g++) {
			kern->to_act(kv_at(kv, c, l, g, 0) + rows[i].pos * s, k + g * s, s);
			kern->to_act(kv_at(kv, c, l, g, 1) + rows[i].pos * s, v + g * s, s);
		}
	}
}

/* One task is a key/value head of up to ATTN_ROWS queries of one sequence. */
static void attention(void *ctx, size_t thread)
{
	struct step *t = ctx;
	const struct model_config *c = &t->m->c;
	size_t s = c->head_size, hs = c->heads * s, grp = c->heads / c->kv_heads, task;
	size_t window = layer_windowed(c, t->l) ? c->window : 0;

	while ((task = atomic_fetch_add(&t->taken, 1)) < t->tasks) {
		size_t g = task % c->kv_heads;
		struct span b = t->m->s.blocks[task / c->kv_heads];
		const struct row *first = t->rows + b.row;
		size_t at = b.row * hs + g * grp * s;

		kern->attn(t->out + at, hs, t->lse ? t->lse + b.row * c->heads + g * grp : NULL, c->heads, t->q + at, hs,
		           kv_at(first->kv, c, t->l, g, 0), kv_at(first->kv, c, t->l, g, 1), s, b.n, first->pos, grp, s,
		           attn_scale(c), window, t->m->s.attn + thread * t->m->s.keys);
	}
}

/* y = x W' added to the residual; gemma3 norms it first. */
static void project(struct model *m, float *x, const act *in, const struct packed *w, size_t n,
                    const float *post, float *pre, float *r)
{
	size_t d = m->c.width;

	if (!post) {
		gemm(x, d, in, w->k, w, n, 1);
		return;
	}
	gemm(m->s.tmp, d, in, w->k, w, n, 0);
	if (pre)
		memcpy(pre, m->s.tmp, n * d * sizeof *pre);
	for (size_t i = 0; i < n; i++) {
		float inv = kern->rmsnorm_f32(m->s.tmp + i * d, post, d, m->c.norm_eps);

		if (r)
			r[i] = inv;
	}
	kern->add(x, m->s.tmp, n * d);
}

/* The gate applied to what it lets through. */
static void gated(void *ctx, size_t first, size_t end)
{
	const struct step *t = ctx;
	const struct layer *y = &t->m->layers[t->l];
	size_t f = t->m->c.ffn;

	for (size_t i = first; i < end; i++) {
		const float *gate = t->m->s.gu + i * y->gateup.n, *up = gate + y->up.col;

		kern->glu(t->out + i * f, gate, up, f, uses_gelu(&t->m->c));
		if (t->save) {
			kern->to_act(t->save->gate + i * f, gate, f);
			kern->to_act(t->save->up + i * f, up, f);
		}
	}
}

static void feed_forward(struct model *m, size_t l, float *x, size_t n, struct layer_acts *save)
{
	const struct layer *y = &m->layers[l];
	act *xn = save ? save->xn_mid : m->s.xn, *h = save ? save->h : m->s.h;
	struct step t = {.m = m, .l = l, .out = h, .save = save};

	norm_rows(m, xn, x, y->norm[NORM_FFN], n, save ? save->r_mid : NULL);
	gemm(m->s.gu, y->gateup.n, xn, m->c.width, &y->gateup, n, 0);
	kern_rows(gated, &t, n, 2 * m->c.ffn);
	project(m, x, h, &y->down, n, y->norm[NORM_POST_FFN], save ? save->post[1] : NULL,
	        save ? save->post_r[1] : NULL);
}

void model_forward(struct model *m, const struct row *rows, size_t n, act *hidden, struct acts *save)
{
	const struct model_config *c = &m->c;
	size_t d = c->width;
	float *x;

	if (!n)
		return;
	scratch_reserve(m, n);
	model_spans(m, rows, n);
	model_rope_rows(m, rows, n);
	if (save)
		acts_prepare(save, c, n);
	x = m->s.x;
	embed(m, rows, n, x);
	for (size_t l = 0; l < c->layers; l++) {
		const struct layer *y = &m->layers[l];
		struct layer_acts *a = save ? &save->layers[l] : NULL;
		act *xn = a ? a->xn_in : m->s.xn, *att = a ? a->att : m->s.att;
		struct step t = {
			.m = m, .l = l, .rows = rows, .q = a ? a->q : m->s.q, .out = att, .lse = a ? a->lse : NULL, .save = a,
			.tasks = m->s.n_blocks * c->kv_heads,
		};

		if (a)
			memcpy(a->x_in, x, n * d * sizeof *x);
		norm_rows(m, xn, x, y->norm[NORM_ATTN], n, a ? a->r_in : NULL);
		gemm(m->s.qkv, y->qkv.n, xn, d, &y->qkv, n, 0);
		kern_rows(queries_keys_values, &t, n, 2 * y->qkv.n);
		kern_run(attention, &t);
		project(m, x, att, &y->out, n, y->norm[NORM_POST_ATTN], a ? a->post[0] : NULL,
		        a ? a->post_r[0] : NULL);
		if (a)
			memcpy(a->x_mid, x, n * d * sizeof *x);
		feed_forward(m, l, x, n, a);
	}
	if (save)
		memcpy(save->x, x, n * d * sizeof *x);
	norm_rows(m, hidden, x, m->norm, n, save ? save->r : NULL);
	for (size_t i = 0; i < m->s.n_spans; i++) {
		struct span sp = m->s.spans[i];

		rows[sp.row].kv->len = rows[sp.row + sp.n - 1].pos + 1;
	}
}

void model_logits(struct model *m, const act *hidden, size_t n, float *logits)
{
	gemm(logits, m->c.vocab, hidden, m->c.width, &m->head, n, 0);
}
