/* SPDX-License-Identifier: MIT */
/* The backward pass: gradients layer by layer from the top, from the saved activations. */
#include "model/inside.h"

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
		g->g[i] = mem_new(p.rows * p.cols * sizeof(float));
	}
	grads_zero(g, c);
}

void grads_zero(struct grads *g, const struct model_config *c)
{
	for (size_t i = 0; i < g->n; i++) {
		struct param p;

		model_param(c, i, &p);
		if (mem_there(g->g[i]))
			dev->zero(g->g[i], p.rows * p.cols * sizeof(float));
	}
}

void grads_release(struct grads *g)
{
	for (size_t i = 0; i < g->n; i++)
		mem_free(&g->g[i]);
	free(g->g);
	*g = (struct grads){0};
}

/* Gradient of the parameter with this index; none for -1. */
static struct mem grad(const struct grads *g, int param)
{
	return param < 0 ? none : g->g[param];
}

/* ---- memory ---- */

/* Columns of the wider fused matrix. */
static size_t wide(const struct model_config *c)
{
	size_t qkv = panels_up(q_width(c)) + 2 * panels_up(kv_width(c)),
		gateup = 2 * halves_up(c->ffn);

	return qkv > gateup ? qkv : gateup;
}

size_t model_backward_bytes(const struct model_config *c, size_t n)
{
	size_t d = c->width, hs = q_width(c), gs = kv_width(c), f = c->ffn;

	return n * ((d + 2 * hs + 2 * gs) * sizeof(float) + (2 * d + wide(c) + f) * sizeof(act));
}

/* ---- pieces ---- */

/* dx += gradient through a norm of n rows with inputs x; out (act) gets the norm's output,
 * recomputed. */
static void norm_bwd(struct model *m, struct mem dx, struct mem dw, struct mem dy, struct mem x,
                     struct mem w, struct mem out, size_t n)
{
	size_t d = m->c.width;
	struct mem r = model_f32(m, INV, n);

	dev->norm(out, r, x, w, n, d, m->c.norm_eps);
	dev->norm_bwd(dx, dw, dy, x, w, r, n, d);
}

/* dy (act) of n rows: gradient of a branch's output, which is dx, or dx through the branch's output
 * norm; pre, r: what that norm saved. */
static void post_bwd(struct model *m, struct mem dy, struct mem dw, struct mem dx, struct mem w,
                     struct mem pre, struct mem r, size_t n)
{
	size_t d = m->c.width;

	if (mem_there(w)) {
		struct mem through = model_f32(m, DPOST, n * d);

		dev->zero(through, n * d * sizeof(float));
		dev->norm_bwd(through, dw, dx, pre, w, r, n, d);
		dx = through;
	}
	dev->norm(dy, none, dx, none, n, d, 0);
}

static struct mat transposed(struct model *m, const struct mat *w)
{
	return dev->transpose(&m->scratch[WT], w, 0, w->n);
}

/* dW += dy' in (or the adapter's gradients) for matrices [first, end) of a layer, which are fused:
 * the dy of each starts at its column of a row of ld values. */
static void weights_bwd(struct model *m, const struct layer *y, int first, int end, struct mem dy,
                        size_t ld, struct mem in, struct grads *g)
{
	size_t n = m->plan.n;

	for (int i = first; i < end; i++) {
		const struct matrix *w = &y->w[i];
		struct mem dw = grad(g, y->matrix_param[i]), its = mem_act(dy, w->col);

		if (mem_there(w->lora_a))
			lora_bwd(m, w, its, ld, in, n, g);
		else if (mem_there(dw))
			dev->gemm_dw(dw, its, ld, in, w->k, n, w->n, w->k);
	}
}

/* ---- the head ---- */

void model_logits_bwd(struct model *m, struct mem dlogits, size_t ld, struct mem hidden, size_t n,
                      struct mem dhidden, struct grads *g)
{
	size_t v = m->c.vocab, d = m->c.width;
	struct mem dw = grad(g, m->head_param);

	for (size_t v0 = 0; v0 < v; v0 += dev->head_part) {
		size_t part = v - v0 < dev->head_part ? v - v0 : dev->head_part;
		struct mat wt = dev->transpose(&m->scratch[WT], &m->head, v0, part);

		dev->gemm(dhidden, d, v0 ? dhidden : none, mem_act(dlogits, v0), ld, &wt, n);
	}
	if (mem_there(dw))
		dev->gemm_dw(dw, dlogits, ld, hidden, d, n, v, d);
}

/* ---- a layer ---- */

/* dx: gradient of the layer's output on entry, of x_mid on return. */
static void feed_forward_bwd(struct model *m, const struct layer *y, const struct layer_acts *all,
                             struct mem dx, struct grads *g)
{
	const struct model_config *c = &m->c;
	size_t n = m->plan.n, most = model_part_rows(n), d = c->width, f = c->ffn, ld = y->gateup.n;
	struct mem dy = model_act(m, DY, n * d), dgu = model_act(m, WIDE, n * wide(c)),
		h = model_act(m, HIDDEN, n * f);
	struct mem xn = model_act(m, XN, n * d), dh = model_f32(m, DH, most * f),
		dn = model_f32(m, DN, most * d);
	struct mat wt = transposed(m, &y->down);

	for (size_t i = 0; i < model_parts(n); i++) {
		struct part p = model_part(&m->plan, i);
		struct layer_acts a = acts_from(all, c, p.row);
		struct mem its = mem_act(dy, p.row * d);

		post_bwd(m, its, grad(g, y->norm_param[NORM_POST_FFN]), mem_f32(dx, p.row * d),
		         y->norm[NORM_POST_FFN], a.post[1], a.post_r[1], p.n);
		dev->glu_bwd(mem_act(dgu, p.row * ld), mem_act(h, p.row * f), dh, its, &wt, a.gate,
		             a.up, ld, p.n, model_glu(c));
	}
	weights_bwd(m, y, W_DOWN, W_DOWN + 1, dy, d, h, g);
	wt = transposed(m, &y->gateup);
	for (size_t i = 0; i < model_parts(n); i++) {
		struct part p = model_part(&m->plan, i);
		size_t at = p.row * d;

		dev->gemm(dn, d, none, mem_act(dgu, p.row * ld), ld, &wt, p.n);
		norm_bwd(m, mem_f32(dx, at), grad(g, y->norm_param[NORM_FFN]), dn,
		         mem_f32(all->x_mid, at), y->norm[NORM_FFN], mem_act(xn, at), p.n);
	}
	weights_bwd(m, y, W_GATE, W_UP + 1, dgu, ld, xn, g);
}

/* Takes a part's dq, dk, dv back to the outputs of the projections. */
static void heads_bwd(struct model *m, const struct layer *y, const struct attn *at,
                      const struct layer_acts *all, const struct part *p, struct mem dqkv,
                      struct grads *g)
{
	size_t hs = q_width(&m->c);
	struct layer_acts a = acts_from(all, &m->c, p->row);
	struct mem bias[3], norm[] = {grad(g, y->norm_param[NORM_Q]),
		grad(g, y->norm_param[NORM_K])};

	for (int i = 0; i < 3; i++)
		bias[i] = grad(g, y->bias_param[i]);
	dev->heads_bwd(mem_act(dqkv, p->row * at->ld), bias, norm,
	               mem_f32(m->scratch[DQ], p->row * hs), m->scratch[DK], m->scratch[DV],
	               a.qk_pre, a.qk_r, p, at);
}

/* dx: gradient of x_mid on entry, of x_in on return. */
static void attention_bwd(struct model *m, const struct layer *y, const struct attn *at,
                          const struct layer_acts *all, struct mem dx, struct grads *g)
{
	const struct model_config *c = &m->c;
	size_t n = m->plan.n, e = m->plan.n_keys, d = c->width, hs = q_width(c), gs = kv_width(c),
		ld = at->ld;
	struct mem dy = model_act(m, DY, n * d), dqkv = model_act(m, WIDE, n * wide(c)),
		xn = model_act(m, XN, n * d);
	struct mem dn = model_f32(m, DN, model_part_rows(n) * d), datt = model_f32(m, DATT, n * hs);
	struct mem dq = model_f32(m, DQ, n * hs), dk = model_f32(m, DK, e * gs),
		dv = model_f32(m, DV, e * gs);
	struct mat wt = transposed(m, &y->out);

	for (size_t i = 0; i < model_parts(n); i++) {
		struct part p = model_part(&m->plan, i);
		struct layer_acts a = acts_from(all, c, p.row);
		struct mem its = mem_act(dy, p.row * d);

		post_bwd(m, its, grad(g, y->norm_param[NORM_POST_ATTN]), mem_f32(dx, p.row * d),
		         y->norm[NORM_POST_ATTN], a.post[0], a.post_r[0], p.n);
		dev->gemm(mem_f32(datt, p.row * hs), hs, none, its, d, &wt, p.n);
	}
	weights_bwd(m, y, W_O, W_O + 1, dy, d, all->att, g);
	dev->attend_bwd(dq, dk, dv, datt, all->att, all->lse, all->q, &m->plan, at);
	wt = transposed(m, &y->qkv);
	for (size_t i = 0; i < model_parts(n); i++) {
		struct part p = model_part(&m->plan, i);
		size_t x = p.row * d;

		heads_bwd(m, y, at, all, &p, dqkv, g);
		dev->gemm(dn, d, none, mem_act(dqkv, p.row * ld), ld, &wt, p.n);
		norm_bwd(m, mem_f32(dx, x), grad(g, y->norm_param[NORM_ATTN]), dn,
		         mem_f32(all->x_in, x), y->norm[NORM_ATTN], mem_act(xn, x), p.n);
	}
	weights_bwd(m, y, W_Q, W_V + 1, dqkv, ld, xn, g);
}

void model_backward(struct model *m, const struct row *rows, size_t n, struct acts *save,
                    struct mem dhidden, struct grads *g)
{
	size_t d = m->c.width;
	struct mem dx, embed = grad(g, m->embed_param);

	if (!n)
		return;
	model_plan(m, rows, n);
	dx = model_f32(m, DX, n * d);
	dev->zero(dx, n * d * sizeof(float));
	for (size_t i = 0; i < model_parts(n); i++) {
		struct part p = model_part(&m->plan, i);
		size_t at = p.row * d;

		norm_bwd(m, mem_f32(dx, at), grad(g, m->norm_param), mem_f32(dhidden, at),
		         mem_f32(save->x, at), m->norm, model_act(m, XN, n * d), p.n);
	}
	for (size_t l = m->c.layers; l-- > 0;) {
		struct attn at = model_attn(m, l, rows);

		if (save->recompute)
			model_layer_again(m, l, rows, &save->layers[l]);
		feed_forward_bwd(m, &m->layers[l], &save->layers[l], dx, g);
		attention_bwd(m, &m->layers[l], &at, &save->layers[l], dx, g);
	}
	if (mem_there(embed))
		dev->embed_bwd(embed, dx, &m->plan, d, embed_scale(&m->c));
}
