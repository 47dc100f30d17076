/* SPDX-License-Identifier: MIT */
/* Activations that the forward saves for the backward. Outputs of norms and the feed-forward's h
 * are not saved, since they are cheap to recompute. */
#include "model/inside.h"

#include <stdlib.h>

/* Takes the next 64-byte aligned piece of a block; if base is none, only advances *at. */
static struct mem take(struct mem base, size_t *at, size_t n, size_t size)
{
	size_t here = *at;

	*at += (n * size + 63) / 64 * 64;
	return mem_at(base, here, 1);
}

/* Number of head norms per row. */
static size_t head_norms(const struct model_config *c)
{
	return arch_has(c->arch, NORMS_WHOLE) ? 2 : (size_t)c->heads + c->kv_heads;
}

/* All fields but x_in. */
static struct layer_acts one_layer(const struct model_config *c, size_t n, struct mem base,
                                   size_t *at)
{
	size_t d = c->width, hs = q_width(c), gs = kv_width(c);
	int qk = arch_has(c->arch, NORMS_QK), post = arch_has(c->arch, NORMS_AFTER);
	struct layer_acts y = {0};

	y.x_mid = take(base, at, n * d, sizeof(float));
	y.q = take(base, at, n * hs, sizeof(act));
	y.att = take(base, at, n * hs, sizeof(act));
	y.lse = take(base, at, n * c->heads, sizeof(float));
	y.gate = take(base, at, n * c->ffn, sizeof(act));
	y.up = take(base, at, n * c->ffn, sizeof(act));
	y.qk_pre = qk ? take(base, at, n * (hs + gs), sizeof(float)) : none;
	y.qk_r = qk ? take(base, at, n * head_norms(c), sizeof(float)) : none;
	for (int i = 0; i < 2; i++) {
		y.post[i] = post ? take(base, at, n * d, sizeof(float)) : none;
		y.post_r[i] = post ? take(base, at, n, sizeof(float)) : none;
	}
	return y;
}

struct layer_acts acts_from(const struct layer_acts *a, const struct model_config *c, size_t r)
{
	size_t d = r * c->width, hs = r * q_width(c), f = r * c->ffn;

	return (struct layer_acts){
		.x_in = mem_f32(a->x_in, d), .x_mid = mem_f32(a->x_mid, d), .q = mem_act(a->q, hs),
		.att = mem_act(a->att, hs), .lse = mem_f32(a->lse, r * c->heads),
		.gate = mem_act(a->gate, f), .up = mem_act(a->up, f),
		.qk_pre = mem_f32(a->qk_pre, hs + r * kv_width(c)),
		.qk_r = mem_f32(a->qk_r, r * head_norms(c)), .post = {mem_f32(a->post[0], d),
			mem_f32(a->post[1], d)},
		.post_r = {mem_f32(a->post_r[0], r), mem_f32(a->post_r[1], r)},
	};
}

static size_t lay_out(struct acts *a, const struct model_config *c, size_t n, struct mem base)
{
	struct layer_acts shared = {0};
	size_t at = 0;

	if (a->recompute)
		shared = one_layer(c, n, base, &at);
	for (size_t l = 0; l < c->layers; l++) {
		a->layers[l] = a->recompute ? shared : one_layer(c, n, base, &at);
		a->layers[l].x_in = take(base, &at, n * c->width, sizeof(float));
	}
	a->x = take(base, &at, n * c->width, sizeof(float));
	return at;
}

size_t acts_bytes(const struct model_config *c, size_t n, int recompute)
{
	struct acts a = {.layers = xcalloc(c->layers, sizeof *a.layers), .recompute = recompute};
	size_t need = lay_out(&a, c, n, none);

	free(a.layers);
	return need + model_backward_bytes(c, n);
}

void acts_prepare(struct acts *a, const struct model_config *c, size_t n)
{
	if (!a->layers)
		a->layers = xcalloc(c->layers, sizeof *a->layers);
	mem_fit(&a->block, lay_out(a, c, n, none));
	lay_out(a, c, n, a->block);
}

struct acts *acts_new(void)
{
	return xcalloc(1, sizeof(struct acts));
}

void acts_recompute(struct acts *a, int yes)
{
	a->recompute = yes;
}

void acts_free(struct acts *a)
{
	if (!a)
		return;
	mem_free(&a->block);
	free(a->layers);
	free(a);
}
