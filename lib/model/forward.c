/* SPDX-License-Identifier: MIT */
/* The forward pass: whole-batch operations of dev.h in textbook order. */
#include "model/inside.h"

#include <math.h>
#include <stdlib.h>

/* ---- memory and the plan ---- */

struct mem model_f32(struct model *m, enum scratch which, size_t n)
{
	mem_fit(&m->scratch[which], n * sizeof(float));
	return m->scratch[which];
}

struct mem model_act(struct model *m, enum scratch which, size_t n)
{
	mem_fit(&m->scratch[which], n * sizeof(act));
	return m->scratch[which];
}

/* Grows the buffers that layers need besides the residual stream. */
static void scratch_fit(struct model *m, size_t rows)
{
	const struct model_config *c = &m->c;
	size_t n = model_part_rows(rows);

	model_f32(m, QKV, n * m->layers[0].qkv.n);
	model_f32(m, TMP, n * c->width);
	model_f32(m, GU, n * m->layers[0].gateup.n);
	model_act(m, Q, n * q_width(c));
	model_act(m, ATT, n * q_width(c));
	model_act(m, XN, n * c->width);
	model_act(m, HIDDEN, n * c->ffn);
}

static void plan_fit(struct model *m, size_t n)
{
	if (n <= m->plan_cap)
		return;
	free(m->plan.rows);
	free(m->plan.spans);
	m->plan.rows = xreallocarray(NULL, n, sizeof *m->plan.rows);
	m->plan.spans = xreallocarray(NULL, n, sizeof *m->plan.spans);
	m->plan_cap = n;
}

/* Extends both rope tables to positions [0, n). */
static void rope_fit(struct model *m, size_t n)
{
	size_t half = m->c.head_size / 2, bytes;
	float *cs, *sn;

	if (n <= m->rope_rows)
		return;
	n = n < 2 * m->rope_rows ? 2 * m->rope_rows : (n + 255) / 256 * 256;
	bytes = n * half * sizeof *cs;
	cs = xmalloc(bytes);
	sn = xmalloc(bytes);
	for (int t = 0; t < (m->c.window ? 2 : 1); t++) {
		struct rope_table *y = &m->rope[t];

		for (size_t i = 0; i < n * half; i++) {
			double a = (double)(i / half) * y->freq[i % half];

			cs[i] = (float)cos(a);
			sn[i] = (float)sin(a);
		}
		mem_fit(&y->cos, bytes);
		mem_fit(&y->sin, bytes);
		dev->upload(y->cos, cs, bytes);
		dev->upload(y->sin, sn, bytes);
	}
	free(cs);
	free(sn);
	m->rope_rows = n;
}

void model_reserve(struct model *m, size_t rows, size_t positions)
{
	scratch_fit(m, rows);
	model_f32(m, X, rows * m->c.width);
	plan_fit(m, rows);
	rope_fit(m, positions);
	dev->reserve(rows, positions, m->c.head_size);
}

static ptrdiff_t span_of(const struct plan *p, const struct row *rows, const struct kv *kv)
{
	for (size_t i = 0; i < p->n_spans; i++)
		if (rows[p->spans[i].row].kv == kv)
			return (ptrdiff_t)i;
	return -1;
}

void model_plan(struct model *m, const struct row *rows, size_t n)
{
	struct plan *p = &m->plan;

	plan_fit(m, n);
	p->n = n;
	p->n_spans = p->n_keys = p->positions = 0;
	p->common = 0;
	for (size_t i = 0; i < n; i++) {
		const struct kv *kv = rows[i].kv;
		struct span *s;

		if (!i || kv != rows[i - 1].kv) {
			ptrdiff_t base = kv->base ? span_of(p, rows, kv->base) : -1;

			p->spans[p->n_spans++] = (struct span){
				.row = i, .pos = rows[i].pos, .keys = p->n_keys, .base = base,
				.cache = kv->cache,
			};
			p->n_keys += rows[i].pos;
			p->common |= base >= 0;
		}
		s = &p->spans[p->n_spans - 1];
		s->n++;
		p->n_keys++;
		if (rows[i].pos + 1 > p->positions)
			p->positions = rows[i].pos + 1;
		p->rows[i] = (struct plan_row){
			rows[i].token, (int32_t)rows[i].pos, (int32_t)(p->n_spans - 1),
			(int32_t)(s->keys + rows[i].pos),
		};
	}
	rope_fit(m, p->positions);
	dev->plan(p, m->c.head_size);
}

/* ---- a layer ---- */

struct attn model_attn(const struct model *m, size_t l, const struct row *rows)
{
	const struct model_config *c = &m->c;
	const struct layer *y = &m->layers[l];
	int local = model_windowed(c, l), rotated = model_rotated(c, l);

	return (struct attn){
		.heads = c->heads, .kv_heads = c->kv_heads, .size = c->head_size,
		.ld = y->qkv.n, .k = y->w[W_K].col, .v = y->w[W_V].col,
		.layer = rows[0].kv->brief ? 0 : l, .window = local ? c->window : 0,
		.scale = (float)(c->attn_scale ? c->attn_scale : 1 / sqrt(c->head_size)),
		.eps = c->norm_eps, .bias = y->bias, .norm = {y->norm[NORM_Q], y->norm[NORM_K]},
		.norm_size = {head_norm_size(c, NORM_Q), head_norm_size(c, NORM_K)},
		.cos = rotated ? m->rope[local].cos : none,
		.sin = rotated ? m->rope[local].sin : none,
	};
}

/* The residual stream before attention, before the feed-forward and after it; the three may be the
 * same memory. out none: the layer is recomputed only for its activations. */
struct stream {
	struct mem in, mid, out;
};

/* out = x + in W', or x + norm(in W'), saving pre and r for the backward. */
static void project(struct model *m, struct mem out, struct mem x, struct mem in,
                    const struct mat *w, struct mem norm, struct mem pre, struct mem r, size_t n)
{
	size_t d = m->c.width;

	if (mem_there(norm)) {
		dev->gemm(m->scratch[TMP], d, none, in, w->k, w, n);
		dev->post(out, pre, r, x, m->scratch[TMP], norm, n, d, m->c.norm_eps);
	} else if (mem_there(out)) {
		dev->gemm(out, d, x, in, w->k, w, n);
	}
}

static void layer_forward(struct model *m, const struct layer *y, const struct attn *a,
                          const struct part *p, struct stream x, const struct layer_acts *k)
{
	struct mem xn = m->scratch[XN], qkv = m->scratch[QKV], gu = m->scratch[GU],
		h = m->scratch[HIDDEN];
	size_t n = p->n, d = m->c.width, f = m->c.ffn;
	float eps = m->c.norm_eps;
	int last = mem_there(x.out) || mem_there(y->norm[NORM_POST_FFN]);

	dev->norm(xn, none, x.in, y->norm[NORM_ATTN], n, d, eps);
	dev->gemm(qkv, a->ld, none, xn, d, &y->qkv, n);
	dev->heads(k->q, k->qk_pre, k->qk_r, qkv, p, a);
	dev->share(p, a);
	dev->attend(k->att, k->lse, k->q, p, a);
	project(m, x.mid, x.in, k->att, &y->out, y->norm[NORM_POST_ATTN], k->post[0], k->post_r[0],
	        n);

	dev->norm(xn, none, x.mid, y->norm[NORM_FFN], n, d, eps);
	dev->glu(last ? h : none, k->gate, k->up, gu, xn, &y->gateup, n, f, model_glu(&m->c));
	project(m, x.out, x.mid, h, &y->down, y->norm[NORM_POST_FFN], k->post[1], k->post_r[1], n);
}

/* Layer l over all rows; save NULL: no activations are saved. */
static void layer_rows(struct model *m, size_t l, const struct row *rows, struct stream x,
                       const struct layer_acts *save)
{
	struct layer_acts nothing = {.q = m->scratch[Q], .att = m->scratch[ATT]};
	struct attn a = model_attn(m, l, rows);

	for (size_t i = 0; i < model_parts(m->plan.n); i++) {
		struct part p = model_part(&m->plan, i);
		struct layer_acts keep = save ? acts_from(save, &m->c, p.row) : nothing;
		size_t at = p.row * m->c.width;
		struct stream here = {mem_f32(x.in, at), mem_f32(x.mid, at), mem_f32(x.out, at)};

		layer_forward(m, &m->layers[l], &a, &p, here, &keep);
	}
}

void model_layer_again(struct model *m, size_t l, const struct row *rows,
                       const struct layer_acts *a)
{
	layer_rows(m, l, rows, (struct stream){a->x_in, a->x_mid, none}, a);
}

/* ---- the whole pass ---- */

static void layers(struct model *m, const struct row *rows, struct acts *save)
{
	struct stream all = {m->scratch[X], m->scratch[X], m->scratch[X]};

	for (size_t l = 0; l < m->c.layers; l++) {
		struct layer_acts a;

		if (!save) {
			layer_rows(m, l, rows, all, NULL);
			continue;
		}
		a = save->layers[l];
		if (save->recompute)
			a.gate = a.up = none;
		layer_rows(m, l, rows, (struct stream){
			a.x_in, a.x_mid, l + 1 < m->c.layers ? save->layers[l + 1].x_in : save->x},
				&a);
	}
}

void model_forward(struct model *m, const struct row *rows, size_t n, struct mem hidden,
                   struct acts *save)
{
	const struct model_config *c = &m->c;
	const struct mat *table = mem_there(m->embed.mem) ? &m->embed : &m->head;
	struct part all = {&m->plan, 0, n};

	if (!n)
		return;
	scratch_fit(m, n);
	model_plan(m, rows, n);
	if (save)
		acts_prepare(save, c, n);
	else
		model_f32(m, X, n * c->width);
	dev->embed(save ? save->layers[0].x_in : m->scratch[X], &all, table, embed_scale(c));
	layers(m, rows, save);
	dev->norm(hidden, none, save ? save->x : m->scratch[X], m->norm, n, c->width, c->norm_eps);
	for (size_t i = 0; i < m->plan.n_spans; i++) {
		struct span s = m->plan.spans[i];

		rows[s.row].kv->len = s.pos + s.n;
	}
}

void model_logits(struct model *m, struct mem hidden, size_t n, struct mem logits, size_t ld)
{
	dev->gemm(logits, ld, none, hidden, m->c.width, &m->head, n);
}
