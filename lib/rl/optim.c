/* SPDX-License-Identifier: MIT */
/* What all tensors have in common in an AdamW update: clipping, schedule, bias correction. */
#include "rl/rl.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK = 1 << 16 };            /* values: the unit of threads and of the norm's sum, fixed */

double rl_lr(const struct rl_adam *a, uint64_t u)
{
	double p;

	if (u < a->warmup)
		return a->lr * (double)(u + 1) / (double)a->warmup;
	if (!a->cosine || a->total <= a->warmup)
		return a->lr;
	p = u >= a->total ? 1 : (double)(u - a->warmup) / (double)(a->total - a->warmup);
	return a->min_lr + (a->lr - a->min_lr) * (1 + cos(p * 3.14159265358979323846)) / 2;
}

/* Sum of squares; the order of the additions is that of the chunks. */
static double square_sum(const float *g, size_t n)
{
	size_t chunks = (n + CHUNK - 1) / CHUNK;
	double *part = xcalloc(chunks + 1, sizeof *part), sum = 0;

#pragma omp parallel for num_threads(kern_threads()) schedule(static) if (chunks > 1)
	for (size_t i = 0; i < chunks; i++)
		part[i] = kern->sumsq(g + i * CHUNK, n - i * CHUNK < CHUNK ? n - i * CHUNK : CHUNK);
	for (size_t i = 0; i < chunks; i++)
		sum += part[i];
	free(part);
	return sum;
}

int rl_update_init(struct rl_update *u, const struct rl_adam *a, uint64_t updates, const struct grads *g,
                   const struct model_config *c, struct err *e)
{
	double sum = 0, t = (double)updates + 1;
	struct param p;

	for (size_t i = 0; i < g->n; i++) {
		model_param(c, i, &p);
		if (g->g[i])
			sum += square_sum(g->g[i], p.rows * p.cols);
	}
	if (!isfinite(sum))
		return err_set(e, "the gradient is not finite");
	u->norm = sqrt(sum);
	u->lr = rl_lr(a, updates);
	u->rate = (struct adamw){
		.gscale = a->clip > 0 && u->norm > a->clip ? (float)(a->clip / u->norm) : 1,
		.lr = (float)u->lr, .b1 = (float)a->beta1, .b2 = (float)a->beta2,
		.c1 = (float)(1 / (1 - pow(a->beta1, t))), .c2 = (float)(1 / (1 - pow(a->beta2, t))),
		.eps = (float)a->eps, .decay = (float)a->decay,
	};
	return 0;
}

struct adamw rl_update_rate(const struct rl_update *u, int rank)
{
	struct adamw rate = u->rate;

	if (rank != 2)
		rate.decay = 0;
	return rate;
}
