/* SPDX-License-Identifier: MIT */
/*
 * LoRA (arXiv 2106.09685): to a frozen matrix W [N][K] is added the product of two trained thin
 * ones, B [N][r] and A [r][K]. The forward only ever uses the merged weights act(W + alpha/r B A),
 * computed when a model is loaded and after each update. So sampling costs nothing extra,
 * log-probabilities have the same bits everywhere, and an exported model is exactly the one that
 * was sampled from.
 */
#include "model/inside.h"

#include <stdlib.h>

float lora_scale(const struct model_config *c)
{
	return (float)(c->lora_alpha / c->lora_rank);
}

void lora_merge(act *out, const act *w, const act *a, const act *b, size_t n, size_t k, size_t r,
                float scale)
{
	struct mem merged = mem_new(n * k * sizeof *out);
	struct mem from[] = {
		mem_borrow(w, n * k * sizeof *w), mem_borrow(a, r * k * sizeof *a),
			mem_borrow(b, n * r * sizeof *b),
	};

	dev->merge(merged, from[0], from[1], from[2], n, k, r, scale);
	dev->download(out, merged, n * k * sizeof *out);
	for (size_t i = 0; i < LEN(from); i++)
		mem_return(&from[i]);
	mem_free(&merged);
}

void model_adapt(struct model *m, size_t i, struct mem w, struct mem a, struct mem b)
{
	struct matrix *x = model_matrix(m, i);
	size_t r = m->c.lora_rank;

	mem_fit(&x->lora_a, r * x->k * sizeof(act));
	mem_fit(&x->lora_b, x->n * r * sizeof(act));
	dev->copy(x->lora_a, a, r * x->k * sizeof(act));
	dev->copy(x->lora_b, b, x->n * r * sizeof(act));
	x->lora_param = model_adapter(&m->c, i);
	model_adapter_on(m, i, w);
}

void model_adapter_on(struct model *m, size_t i, struct mem w)
{
	struct matrix *x = model_matrix(m, i);
	struct mem merged = model_act(m, WT, x->n * x->k);

	dev->merge(merged, w, x->lora_a, x->lora_b, x->n, x->k, m->c.lora_rank, lora_scale(&m->c));
	dev->mat_set(x->w, x->col, merged, x->n);
}

void model_adapter_off(struct model *m, size_t i, struct mem w)
{
	struct matrix *x = model_matrix(m, i);

	dev->mat_set(x->w, x->col, w, x->n);
}

/* With W's gradient dW = dy' in: dB = s dW A' = dy' (s in A') and dA = s B' dW = (s dy B)' in,
 * without dW. */
void lora_bwd(struct model *m, const struct matrix *x, struct mem dy, size_t ld, struct mem in,
              size_t n, struct grads *g)
{
	size_t r = m->c.lora_rank;
	float scale = lora_scale(&m->c);
	struct mem y = model_act(m, LORA, n * r);

	dev->thin(y, in, x->k, x->lora_a, r, x->k, 0, scale, n);
	dev->gemm_dw(g->g[x->lora_param + 1], dy, ld, y, r, n, x->n, r);
	dev->thin(y, dy, ld, x->lora_b, r, x->n, 1, scale, n);
	dev->gemm_dw(g->g[x->lora_param], y, r, in, x->k, n, r, x->k);
}
