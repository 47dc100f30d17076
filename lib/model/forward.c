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

static void chunk_reserve(struct model *m, size_t n)
{
	const struct model_config *c = &m->c;
	struct scratch *s = &m->s;

	n = n < MODEL_CHUNK ? n : MODEL_CHUNK;
	if (n <= s->chunk)
		return;
	regrow(&s->qkv, n * m->layers[0].qkv.n, sizeof(float));
	regrow(&s->tmp, n * c->width, sizeof(float));
	regrow(&s->gu, n * m->layers[0].gateup.n, sizeof(float));
	regrow(&s->xn, n * c->width, sizeof(act));
	regrow(&s->h, n * c->ffn, sizeof(act));
	s->chunk = n;
}

/* What acts have otherwise. */
static void whole_reserve(struct model *m, size_t n)
{
	size_t hs = (size_t)m->c.heads * m->c.head_size;
	struct scratch *s = &m->s;

	if (n <= s->whole)
		return;
	regrow(&s->x, n * m->c.width, sizeof(float));
	regrow(&s->q, n * hs, sizeof(act));
	regrow(&s->att, n * hs, sizeof(act));
	s->whole = n;
}

static void attn_reserve(struct model *m, size_t keys)
{
	size_t n;

	keys = (keys + 255) / 256 * 256;
	n = attn_scratch(keys, m->c.head_size);
	n = (n + 15) / 16 * 16;          /* every thread's part 64-byte aligned */
	if (n <= m->s.keys && m->threads >= (size_t)kern_threads())
		return;
	m->threads = (size_t)kern_threads();
	m->s.keys = n > m->s.keys ? n : m->s.keys;
	regrow(&m->s.attn, m->threads * m->s.keys, sizeof(float));
}

/* Positions [0, n) of both tables. */
static void rope_reserve(struct model *m, size_t n)
{
	size_t half = m->c.head_size / 2, from = m->rope_rows;

	if (n <= from)
		return;
	n = (n + 255) / 256 * 256;
	for (int t = 0; t < (m->c.window ? 2 : 1); t++) {
		struct rope_table *y = &m->rope[t];

		y->cos = xreallocarray(y->cos, n * half, sizeof *y->cos);
		y->sin = xreallocarray(y->sin, n * half, sizeof *y->sin);
		for (size_t i = from * half; i < n * half; i++) {
			double a = (double)(i / half) * y->freq[i % half];

			y->cos[i] = (float)cos(a);
			y->sin[i] = (float)sin(a);
		}
	}
	m->rope_rows = n;
}

static ptrdiff_t span_of(const struct scratch *s, const struct row *rows, const struct kv *kv)
{
	for (size_t i = 0; i < s->n_spans; i++)
		if (rows[s->spans[i].row].kv == kv)
			return (ptrdiff_t)i;
	return -1;
}

static void spans_reserve(struct scratch *s, size_t n)
{
	if (n <= s->rows)
		return;
	regrow(&s->spans, n, sizeof *s->spans);
	regrow(&s->blocks, n, sizeof *s->blocks);
	s->rows = n;
}

void model_reserve(struct model *m, size_t rows, size_t positions)
{
	chunk_reserve(m, rows);
	whole_reserve(m, rows);
	spans_reserve(&m->s, rows);
	attn_reserve(m, positions);
	rope_reserve(m, positions);
}

void model_spans(struct model *m, const struct row *rows, size_t n)
{
	struct scratch *s = &m->s;
	size_t positions = 0;

	spans_reserve(s, n);
	s->n_spans = s->n_blocks = s->n_keys = 0;
	s->common = 0;
	for (size_t i = 0; i < n; i++) {
		int begins = i == 0 || rows[i].kv != rows[i - 1].kv;

		if (begins) {
			ptrdiff_t base = rows[i].kv->base ? span_of(s, rows, rows[i].kv->base) : -1;

			s->spans[s->n_spans++] = (struct span){i, 0, rows[i].pos, s->n_keys, base};
			s->n_keys += rows[i].pos;
			s->common |= base >= 0;
		}
		if (begins || s->blocks[s->n_blocks - 1].n == ATTN_ROWS)
			s->blocks[s->n_blocks++] = (struct span){.row = i, .pos = rows[i].pos};
		s->spans[s->n_spans - 1].n++;
		s->blocks[s->n_blocks - 1].n++;
		s->n_keys++;
		if (rows[i].pos + 1 > positions)
			positions = rows[i].pos + 1;
	}
	attn_reserve(m, positions);
	rope_reserve(m, positions);
}

/* ---- the steps of a layer ---- */

/* The residual stream through a layer: rows before attention, before the feed-forward, after it. out NULL: the layer is
 * computed again, for its acts. Without acts the three are one. */
struct stream {
	float *in, *mid, *out;
};

/* A step of a layer, shared by threads. Rows that steps are given count from `from`, the chunk's first. */
struct step {
	struct model *m;
	size_t l, from;
	const struct row *rows;
	struct stream x;
	struct layer_acts *save;     /* NULL: nothing is kept */
	act *q, *att;
	_Atomic size_t taken;        /* attention's tasks */
};

/* x[R][D] = embedding of the rows' tokens. */
struct embed_step {
	const struct model *m;
	const struct row *rows;
	float *x;
};

static void embed(void *ctx, size_t first, size_t end)
{
	const struct embed_step *t = ctx;
	const struct model *m = t->m;
	size_t d = m->c.width, pairs = (d + 1) / 2;
	float scale = m->c.arch == ARCH_GEMMA3 ? act_f32(act_of(sqrtf((float)d))) : 1;

	for (size_t r = first; r < end; r++) {
		size_t token = (size_t)t->rows[r].token;
		float *x = t->x + r * d;
		const act *p = m->embed ? m->embed + token * d :
		               m->head.p + (token / KERN_PANEL * pairs * KERN_PANEL + token % KERN_PANEL) * 2;

		if (m->embed)
			kern->from_act(x, p, d);
		else                     /* a row of the packed head */
			for (size_t j = 0; j < d; j++)
				x[j] = act_f32(p[j / 2 * KERN_PANEL * 2 + j % 2]);
		if (scale != 1)
			for (size_t j = 0; j < d; j++)
				x[j] *= scale;
	}
}

struct norm_step {
	const struct model_config *c;
	act *out;
	const float *x, *w;
	float *copy;
};

static void norm_some(void *ctx, size_t first, size_t end)
{
	const struct norm_step *t = ctx;
	size_t d = t->c->width;

	for (size_t i = first; i < end; i++) {
		kern->rmsnorm(t->out + i * d, t->x + i * d, t->w, d, t->c->norm_eps);
		if (t->copy)
			memcpy(t->copy + i * d, t->x + i * d, d * sizeof *t->x);
	}
}

/* copy: where x goes as it is, too (NULL or x: nowhere). */
static void norm_rows(struct model *m, act *out, const float *x, const float *w, size_t n, float *copy)
{
	struct norm_step t = {&m->c, out, x, w, copy == x ? NULL : copy};

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

/* From the fused GEMM's output: bias, head norms, rotation; queries to q, keys and values to the cache. */
static void queries_keys_values(void *ctx, size_t begin, size_t end)
{
	const struct step *t = ctx;
	const struct model *m = t->m;
	const struct model_config *c = &m->c;
	const struct layer *y = &m->layers[t->l];
	struct layer_acts *save = t->save;
	size_t l = t->l, s = c->head_size, hs = c->heads * s, gs = c->kv_heads * s, ld = y->qkv.n;
	const struct rope_table *rope = &m->rope[layer_windowed(c, l)];

	for (size_t i = begin; i < end; i++) {
		float *row = m->s.qkv + i * ld, *k = row + y->k.col, *v = row + y->v.col;
		size_t r = t->from + i, pos = t->rows[r].pos;
		const float *cs = rope->cos + pos * (s / 2), *sn = rope->sin + pos * (s / 2);
		const struct kv *kv = t->rows[r].kv;

		if (y->bias)
			kern->add(row, y->bias, ld);
		if (y->norm[NORM_Q])
			head_norms(m, y, row, k, save ? save->qk_pre + r * (hs + gs) : NULL,
			           save ? save->qk_r + r * (c->heads + c->kv_heads) : NULL);
		kern->rope(row, c->heads, s, cs, sn);
		kern->rope(k, c->kv_heads, s, cs, sn);
		kern->to_act(t->q + r * hs, row, hs);
		for (size_t g = 0; g < c->kv_heads; g++) {
			kern->to_act(kv_at(kv, c, l, g, 0) + pos * s, k + g * s, s);
			kern->to_act(kv_at(kv, c, l, g, 1) + pos * s, v + g * s, s);
		}
	}
}

/* Keys and values of what a sequence has in common with an earlier one; spans in order, as that one may have a base, too.
 * Counts key/value heads. */
static void common_keys_values(void *ctx, size_t first, size_t end)
{
	const struct step *t = ctx;
	const struct model_config *c = &t->m->c;

	for (size_t g = first; g < end; g++)
		for (size_t i = 0; i < t->m->s.n_spans; i++) {
			const struct span *sp = &t->m->s.spans[i];
			const struct kv *kv = t->rows[sp->row].kv;

			for (int value = 0; value < 2 && sp->base >= 0; value++)
				memcpy(kv_at(kv, c, t->l, g, value), kv_at(kv->base, c, t->l, g, value),
				       sp->pos * c->head_size * sizeof(act));
		}
}

/* One task is a key/value head of up to ATTN_ROWS queries of one sequence. */
static void attention(void *ctx, size_t thread)
{
	struct step *t = ctx;
	const struct model_config *c = &t->m->c;
	size_t s = c->head_size, hs = c->heads * s, grp = c->heads / c->kv_heads, task;
	size_t window = layer_windowed(c, t->l) ? c->window : 0;
	float *lse = t->save ? t->save->lse : NULL;

	while ((task = atomic_fetch_add(&t->taken, 1)) < t->m->s.n_blocks * c->kv_heads) {
		size_t g = task % c->kv_heads;
		struct span b = t->m->s.blocks[task / c->kv_heads];
		const struct kv *kv = t->rows[b.row].kv;
		size_t at = b.row * hs + g * grp * s;

		kern->attn(t->att + at, hs, lse ? lse + b.row * c->heads + g * grp : NULL, c->heads, t->q + at, hs,
		           kv_at(kv, c, t->l, g, 0), kv_at(kv, c, t->l, g, 1), s, b.n, b.pos, grp, s,
		           attn_scale(c), window, t->m->s.attn + thread * t->m->s.keys);
	}
}

struct post_step {
	const struct model *m;
	const float *w;
	float *x, *pre, *r;
};

static void post_norm(void *ctx, size_t first, size_t end)
{
	const struct post_step *t = ctx;
	size_t d = t->m->c.width;

	for (size_t i = first; i < end; i++) {
		float *y = t->m->s.tmp + i * d, inv;

		if (t->pre)
			memcpy(t->pre + i * d, y, d * sizeof *y);
		inv = kern->rmsnorm_f32(y, t->w, d, t->m->c.norm_eps);
		if (t->r)
			t->r[i] = inv;
		if (t->x)
			kern->add(t->x + i * d, y, d);
	}
}

/* x += in W', for n rows of a chunk; gemma3 norms it first, and keeps for the backward pre and r (or NULL; x may be
 * NULL, too, then). */
static void project(struct model *m, float *x, const act *in, const struct packed *w, size_t n,
                    const float *post, float *pre, float *r)
{
	struct post_step t = {m, post, x, pre, r};
	size_t d = m->c.width;

	if (!post) {
		gemm(x, d, in, w->k, w, n, 1);
		return;
	}
	gemm(m->s.tmp, d, in, w->k, w, n, 0);
	kern_rows(post_norm, &t, n, 2 * d);
}

static void attention_part(struct step *t, size_t n)
{
	struct model *m = t->m;
	const struct layer *y = &m->layers[t->l];
	size_t d = m->c.width, hs = (size_t)m->c.heads * m->c.head_size, parts = model_chunks(n);
	struct layer_acts *a = t->save;

	for (size_t i = 0; i < parts; i++) {
		size_t r = t->from = n * i / parts, count = n * (i + 1) / parts - r;

		norm_rows(m, m->s.xn, t->x.in + r * d, y->norm[NORM_ATTN], count, t->x.mid + r * d);
		gemm(m->s.qkv, y->qkv.n, m->s.xn, d, &y->qkv, count, 0);
		kern_rows(queries_keys_values, t, count, 2 * y->qkv.n);
	}
	if (m->s.common)
		kern_rows(common_keys_values, t, m->c.kv_heads, 1 << 14);
	kern_run(attention, t);
	for (size_t i = 0; i < parts; i++) {
		size_t r = n * i / parts, count = n * (i + 1) / parts - r;

		project(m, t->x.mid + r * d, t->att + r * hs, &y->out, count, y->norm[NORM_POST_ATTN],
		        a && a->post[0] ? a->post[0] + r * d : NULL, a && a->post[0] ? a->post_r[0] + r : NULL);
	}
}

/* The gate applied to what it lets through. */
static void gated(void *ctx, size_t first, size_t end)
{
	const struct step *t = ctx;
	const struct layer *y = &t->m->layers[t->l];
	size_t f = t->m->c.ffn;

	for (size_t i = first; i < end; i++) {
		const float *gate = t->m->s.gu + i * y->gateup.n, *up = gate + y->up.col;

		if (t->x.out || y->norm[NORM_POST_FFN])
			kern->glu(t->m->s.h + i * f, gate, up, f, uses_gelu(&t->m->c));
		if (t->save && t->save->gate) {
			kern->to_act(t->save->gate + (t->from + i) * f, gate, f);
			kern->to_act(t->save->up + (t->from + i) * f, up, f);
		}
	}
}

static void feed_forward(struct step *t, size_t n)
{
	struct model *m = t->m;
	const struct layer *y = &m->layers[t->l];
	size_t d = m->c.width, r = t->from;
	float *out = t->x.out ? t->x.out + r * d : NULL;
	struct layer_acts *a = t->save;

	norm_rows(m, m->s.xn, t->x.mid + r * d, y->norm[NORM_FFN], n, out);
	gemm(m->s.gu, y->gateup.n, m->s.xn, d, &y->gateup, n, 0);
	kern_rows(gated, t, n, 2 * m->c.ffn);
	if (out || y->norm[NORM_POST_FFN])
		project(m, out, m->s.h, &y->down, n, y->norm[NORM_POST_FFN], a && a->post[1] ? a->post[1] + r * d : NULL,
		        a && a->post[1] ? a->post_r[1] + r : NULL);
}

static void layer_forward(struct model *m, size_t l, const struct row *rows, size_t n, struct stream x, struct layer_acts *a)
{
	struct step t = {.m = m, .l = l, .rows = rows, .x = x, .save = a, .q = a ? a->q : m->s.q, .att = a ? a->att : m->s.att};
	size_t parts = model_chunks(n);

	attention_part(&t, n);
	for (size_t i = 0; i < parts; i++) {
		t.from = n * i / parts;
		feed_forward(&t, n * (i + 1) / parts - t.from);
	}
}

void model_layer_again(struct model *m, size_t l, const struct row *rows, size_t n, struct layer_acts *a)
{
	layer_forward(m, l, rows, n, (struct stream){a->x_in, a->x_mid, NULL}, a);
}

void model_forward(struct model *m, const struct row *rows, size_t n, act *hidden, struct acts *save)
{
	const struct model_config *c = &m->c;
	struct embed_step first = {m, rows, NULL};

	if (!n)
		return;
	chunk_reserve(m, n);
	model_spans(m, rows, n);
	if (save)
		acts_prepare(save, c, n);
	else
		whole_reserve(m, n);
	first.x = save ? save->layers[0].x_in : m->s.x;
	kern_rows(embed, &first, n, c->width);
	for (size_t l = 0; l < c->layers; l++) {
		struct layer_acts a;

		if (!save) {
			layer_forward(m, l, rows, n, (struct stream){m->s.x, m->s.x, m->s.x}, NULL);
			continue;
		}
		a = save->layers[l];
		if (save->recompute)
			a.gate = a.up = NULL;
		layer_forward(m, l, rows, n, (struct stream){
			a.x_in, a.x_mid, l + 1 < c->layers ? save->layers[l + 1].x_in : save->x}, &a);
	}
	norm_rows(m, hidden, save ? save->x : m->s.x, m->norm, n, NULL);
	for (size_t i = 0; i < m->s.n_spans; i++) {
		struct span sp = m->s.spans[i];

		rows[sp.row].kv->len = sp.pos + sp.n;
	}
}

void model_logits(struct model *m, const act *hidden, size_t n, float *logits)
{
	gemm(logits, m->c.vocab, hidden, m->c.width, &m->head, n, 0);
}
