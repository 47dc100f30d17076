/* SPDX-License-Identifier: MIT */
/*
 * LoRA (arXiv 2106.09685): a matrix W [N][K] that is not trained itself gets the product of two thin ones,
 * B [N][r] and A [r][K], which are. The forward never sees them apart: its weights are act(W + alpha/r B A), made when a
 * model is loaded and after each update. So sampling costs nothing more, log-probabilities stay the same bits
 * everywhere, and an exported model is the very one that was sampled from.
 */
#include "model/model_internal.h"

#include <stdlib.h>

struct merge {
	act *out;
	const act *w, *b;
	const float *a;
	size_t k, r;
	float scale;
};

/* Each product and sum is rounded by itself, in order of r: the same bits at every level of instructions. */
static void merge_rows(void *ctx, size_t first, size_t end)
{
	const struct merge *t = ctx;
	size_t k = t->k;
	float *sum = xaligned(2 * k * sizeof *sum), *row = sum + k;

	for (size_t j = first; j < end; j++) {
		memset(sum, 0, k * sizeof *sum);
		for (size_t i = 0; i < t->r; i++)
			kern->axpy(sum, act_f32(t->b[j * t->r + i]), t->a + i * k, k);
		kern->from_act(row, t->w + j * k, k);
		kern->axpy(row, t->scale, sum, k);
		kern->to_act(t->out + j * k, row, k);
	}
	free(sum);
}

float lora_scale(const struct model_config *c)
{
	return (float)(c->lora_alpha / c->lora_rank);
}

void lora_merge(act *out, const act *w, const act *a, const act *b, size_t n, size_t k, size_t r, float scale)
{
	float *wide = xaligned(r * k * sizeof *wide);
	struct merge t = {out, w, b, wide, k, r, scale};

	kern->from_act(wide, a, r * k);
	kern_rows(merge_rows, &t, n, r * k);
	free(wide);
}

void model_adapt(struct model *m, size_t i, const act *w, const act *a, const act *b)
{
	struct matrix *x = model_matrix(m, i);
	size_t r = m->c.lora_rank;
	act *merged = xaligned(x->n * x->k * sizeof *merged);

	lora_merge(merged, w, a, b, x->n, x->k, r, lora_scale(&m->c));
	model_set(m, i, merged);
	free(merged);
	if (!x->lora_a) {
		x->lora_a = xaligned(r * x->k * sizeof *x->lora_a);
		x->lora_b = xaligned(x->n * r * sizeof *x->lora_b);
	}
	memcpy(x->lora_a, a, r * x->k * sizeof *a);
	memcpy(x->lora_b, b, x->n * r * sizeof *b);
	x->lora_param = model_adapter(&m->c, i);
}

/* ---- gradients ---- */

/* Grows, never shrinks. */
static void *room(struct model *m, int which, size_t bytes)
{
	if (bytes > m->lora[which].bytes) {
		free(m->lora[which].p);
		m->lora[which].p = xaligned(bytes);
		m->lora[which].bytes = bytes;
	}
	return m->lora[which].p;
}

/* w[r][k], or of w[k][r] its transpose, as a weight of r outputs. Borrowed until the next call. */
static struct packed thin(struct model *m, const act *w, size_t r, size_t k, int transposed)
{
	act *p = room(m, 0, panels_up(r) * ((k + 1) / 2 * 2) * sizeof *p);

	pack_into(p, w, r, k, transposed ? r : k, transposed);
	return (struct packed){p, r, k};
}

/* act(scale x w'): n rows of r. Borrowed likewise. */
static act *through(struct model *m, const act *x, size_t ldx, const struct packed *w, size_t n)
{
	size_t r = w->n;
	float *y = room(m, 1, n * r * sizeof *y), scale = lora_scale(&m->c);
	act *out = room(m, 2, n * r * sizeof *out);

	gemm(y, r, x, ldx, w, n, 0);
	for (size_t i = 0; i < n * r; i++)
		y[i] *= scale;
	kern->to_act(out, y, n * r);
	return out;
}

/* With W's gradient dW = dy' in: dB = s dW A' = dy' (s in A') and dA = s B' dW = (s dy B)' in, without dW. */
void lora_bwd(struct model *m, const struct matrix *x, const act *dy, size_t ld, const act *in, size_t n, struct grads *g)
{
	size_t r = m->c.lora_rank;
	struct packed w = thin(m, x->lora_a, r, x->k, 0);
	const act *y = through(m, in, x->k, &w, n);

	gemm_dw(g->g[x->lora_param + 1], r, dy, ld, y, r, n, x->n, r);
	w = thin(m, x->lora_b, r, x->n, 1);
	y = through(m, dy, ld, &w, n);
	gemm_dw(g->g[x->lora_param], x->k, y, r, in, x->k, n, r, x->k);
}
