/* SPDX-License-Identifier: MIT */
/* What a forward keeps for the backward. Norms' outputs and the feed-forward's h are not kept: they cost
 * next to nothing to compute again. */
#include "model/model_internal.h"

#include <stdlib.h>

/* Hands out 64-byte aligned pieces of one block; base NULL only measures. */
static void *take(char *base, size_t *at, size_t n, size_t size)
{
	size_t here = *at;

	*at += (n * size + 63) / 64 * 64;
	return base ? base + here : NULL;
}

/* All but x_in. */
static struct layer_acts one_layer(const struct model_config *c, size_t n, char *base, size_t *at)
{
	size_t d = c->width, hs = (size_t)c->heads * c->head_size, gs = (size_t)c->kv_heads * c->head_size;
	int qk = c->arch == ARCH_QWEN3 || c->arch == ARCH_GEMMA3, post = c->arch == ARCH_GEMMA3;
	struct layer_acts y = {0};

	y.x_mid = take(base, at, n * d, sizeof(float));
	y.q = take(base, at, n * hs, sizeof(act));
	y.att = take(base, at, n * hs, sizeof(act));
	y.lse = take(base, at, n * c->heads, sizeof(float));
	y.gate = take(base, at, n * c->ffn, sizeof(act));
	y.up = take(base, at, n * c->ffn, sizeof(act));
	y.qk_pre = qk ? take(base, at, n * (hs + gs), sizeof(float)) : NULL;
	y.qk_r = qk ? take(base, at, n * (c->heads + c->kv_heads), sizeof(float)) : NULL;
	for (int i = 0; i < 2; i++) {
		y.post[i] = post ? take(base, at, n * d, sizeof(float)) : NULL;
		y.post_r[i] = post ? take(base, at, n, sizeof(float)) : NULL;
	}
	return y;
}

static size_t lay_out(struct acts *a, const struct model_config *c, size_t n, char *base)
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
	size_t need = lay_out(&a, c, n, NULL);

	free(a.layers);
	return need + model_backward_bytes(c, n);
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
	free(a->block);
	free(a->layers);
	free(a);
}
