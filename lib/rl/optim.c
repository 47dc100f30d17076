/* SPDX-License-Identifier: MIT */
/* AdamW over all tensors, its clipping and its schedule. */
#include "rl/rl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16 };            /* values: the unit of threads and of the norm's sum, fixed */

static size_t param_size(const struct model_config *c, size_t i, struct param *p)
{
	model_param(c, i, p);
	return p->rows * p->cols;
}

static void *zeros(size_t n, size_t size)
{
	void *p = xaligned(n * size);

	memset(p, 0, n * size);
	return p;
}

void rl_optim_init(struct rl_optim *o, const struct model_config *c)
{
	struct param p;

	*o = (struct rl_optim){.n = model_params(c)};
	o->master = xcalloc(o->n, sizeof *o->master);
	o->m = xcalloc(o->n, sizeof *o->m);
	o->v = xcalloc(o->n, sizeof *o->v);
	for (size_t i = 0; i < o->n; i++) {
		size_t n = param_size(c, i, &p);

		o->master[i] = zeros(n, sizeof(float));
		o->m[i] = zeros(n, sizeof(float));
		o->v[i] = zeros(n, sizeof(float));
	}
}

void rl_optim_reset(struct rl_optim *o, const struct model_config *c)
{
	struct param p;

	for (size_t i = 0; i < o->n; i++) {
		size_t n = param_size(c, i, &p);

		memset(o->m[i], 0, n * sizeof(float));
		memset(o->v[i], 0, n * sizeof(float));
	}
	o->updates = 0;
}

void rl_optim_release(struct rl_optim *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->master[i]);
		free(o->m[i]);
		free(o->v[i]);
	}
	free(o->master);
	free(o->m);
	free(o->v);
	*o = (struct rl_optim){0};
}

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

int rl_optim_step(struct rl_optim *o, const struct rl_adam *a, struct model *m, struct grads *g,
                  double *norm, double *lr, struct err *e)
{
	const struct model_config *c = model_config(m);
	double sum = 0, t = (double)o->updates + 1;
	float c1 = (float)(1 / (1 - pow(a->beta1, t))), c2 = (float)(1 / (1 - pow(a->beta2, t))), gscale;
	struct param p;
	size_t most = 0;
	act *w;

	for (size_t i = 0; i < o->n; i++) {
		size_t n = param_size(c, i, &p);

		sum += square_sum(g->g[i], n);
		most = n > most ? n : most;
	}
	if (!isfinite(sum))
		return err_set(e, "the gradient is not finite");
	*norm = sqrt(sum);
	*lr = rl_lr(a, o->updates);
	gscale = a->clip > 0 && *norm > a->clip ? (float)(a->clip / *norm) : 1;
	w = xaligned(most * sizeof *w);
	for (size_t i = 0; i < o->n; i++) {
		size_t n = param_size(c, i, &p), chunks = (n + CHUNK - 1) / CHUNK;
		struct adamw rate = {gscale, (float)*lr, (float)a->beta1, (float)a->beta2, c1, c2, (float)a->eps,
		                     p.rank == 2 ? (float)a->decay : 0};

#pragma omp parallel for num_threads(kern_threads()) schedule(static) if (chunks > 1)
		for (size_t j = 0; j < chunks; j++) {
			size_t at = j * CHUNK, len = n - at < CHUNK ? n - at : CHUNK;

			kern->adamw(&rate, len, g->g[i] + at, o->master[i] + at, o->m[i] + at, o->v[i] + at, w + at,
			            o->master[i] + at, o->m[i] + at, o->v[i] + at);
		}
		model_set(m, i, w);
	}
	free(w);
	o->updates++;
	return 0;
}
