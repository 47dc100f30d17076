/* SPDX-License-Identifier: MIT */
/* What all tensors have in common in an AdamW update: clipping, schedule, bias correction. */
#include "train/optim.h"

#include <math.h>
#include <stdlib.h>

double adam_lr(const struct adam *a, uint64_t u)
{
	double p;

	if (u < a->warmup)
		return a->lr * (double)(u + 1) / (double)a->warmup;
	if (!a->cosine || a->total <= a->warmup)
		return a->lr;
	p = u >= a->total ? 1 : (double)(u - a->warmup) / (double)(a->total - a->warmup);
	return a->min_lr + (a->lr - a->min_lr) * (1 + cos(p * 3.14159265358979323846)) / 2;
}

/* Of all gradients; one wait for the device. */
static double square_sum(const struct grads *g, const struct model_config *c)
{
	struct mem sums = mem_new((g->n + 1) * sizeof(double));
	double *part = xcalloc(g->n + 1, sizeof *part), sum = 0;
	struct param p;

	for (size_t i = 0; i < g->n; i++) {
		model_param(c, i, &p);
		if (mem_there(g->g[i]))
			dev->sumsq(mem_at(sums, i, sizeof sum), g->g[i], p.rows * p.cols);
	}
	dev->download(part, sums, g->n * sizeof *part);
	for (size_t i = 0; i < g->n; i++)
		if (mem_there(g->g[i]))
			sum += part[i];
	free(part);
	mem_free(&sums);
	return sum;
}

int adam_update_init(struct adam_update *u, const struct adam *a, uint64_t updates,
                     const struct grads *g, const struct model_config *c, struct err *e)
{
	double sum = square_sum(g, c), t = (double)updates + 1;

	if (!isfinite(sum))
		return err_set(e, "the gradient is not finite");
	u->norm = sqrt(sum);
	u->lr = adam_lr(a, updates);
	u->rate = (struct adamw){
		.gscale = a->clip > 0 && u->norm > a->clip ? (float)(a->clip / u->norm) : 1,
		.lr = (float)u->lr, .b1 = (float)a->beta1, .b2 = (float)a->beta2,
		.c1 = (float)(1 / (1 - pow(a->beta1, t))), .c2 = (float)(1 / (1 - pow(a->beta2, t))),
		.eps = (float)a->eps, .decay = (float)a->decay,
	};
	return 0;
}

struct adamw adam_update_rate(const struct adam_update *u, int rank)
{
	struct adamw rate = u->rate;

	if (rank != 2)
		rate.decay = 0;
	return rate;
}
