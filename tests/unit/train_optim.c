/* SPDX-License-Identifier: MIT */
/* AdamW, clipping and schedules against the same in double, written from the formulas. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "kern/kern.h"
#include "tap.h"
#include "train/optim.h"

static const struct model_config config = {
	.arch = ARCH_LLAMA, .layers = 1, .width = 300, .heads = 2, .kv_heads = 1, .head_size = 8,
	.ffn = 24, .vocab = 301,
	.context = 16, .norm_eps = 1e-5f, .rope_theta = 10000,
};

static void schedules(void)
{
	struct adam flat = {.lr = 2, .warmup = 4}, none = {.lr = 3}, cosine = {
		.lr = 1, .min_lr = 0.2, .cosine = 1, .warmup = 2, .total = 10,
	};

	ok(adam_lr(&none, 0) == 3 && adam_lr(&none, 1000000) == 3, "constant");
	ok(adam_lr(&flat, 0) == 0.5 && adam_lr(&flat, 1) == 1 && adam_lr(&flat, 3) == 2 &&
	   adam_lr(&flat, 4) == 2,
	   "warm-up: a quarter, a half, ... all of it");
	ok(adam_lr(&cosine, 0) == 0.5 && adam_lr(&cosine, 1) == 1 && adam_lr(&cosine, 2) == 1,
	   "cosine: warm-up, then the top");
	ok(fabs(adam_lr(&cosine, 6) - 0.6) < 1e-12, "cosine: half-way");
	ok(fabs(adam_lr(&cosine, 4) - (0.2 + 0.4 * (1 + sqrt(0.5)))) < 1e-12,
	   "cosine: a quarter of the way");
	ok(fabs(adam_lr(&cosine, 10) - 0.2) < 1e-12 && fabs(adam_lr(&cosine, 99) - 0.2) < 1e-12,
	   "cosine: the floor");
}

static size_t size_of(size_t i, struct param *p)
{
	model_param(&config, i, p);
	return p->rows * p->cols;
}

static void fill(struct grads *g, uint64_t step, double scale)
{
	struct param p;

	for (size_t i = 0; i < g->n; i++) {
		struct rng r = rng_stream(1, "optim test", step, "g", i, 0);
		size_t n = size_of(i, &p);

		for (size_t j = 0; j < n; j++)
			floats_of(g->g[i])[j] = (float)(scale * rng_normal(&r, j));
	}
}

/* A tensor's state; the second one is where a step goes to. */
struct state {
	float *p[2], *m[2], *v[2];
};

static struct state *states(size_t n)
{
	struct state *all = xcalloc(n, sizeof *all);
	struct param p;

	for (size_t i = 0; i < n; i++) {
		struct rng r = rng_stream(2, "optim test", 0, "w", i, 0);
		size_t size = size_of(i, &p);

		for (int k = 0; k < 2; k++) {
			all[i].p[k] = xcalloc(size, sizeof(float));
			all[i].m[k] = xcalloc(size, sizeof(float));
			all[i].v[k] = xcalloc(size, sizeof(float));
		}
		for (size_t j = 0; j < size; j++)
			all[i].p[0][j] = (float)rng_normal(&r, j);
	}
	return all;
}

static void states_free(struct state *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 2; k++) {
			free(all[i].p[k]);
			free(all[i].m[k]);
			free(all[i].v[k]);
		}
	free(all);
}

/* Step s, from one half of the states to the other. */
static void step(struct state *all, const struct grads *g, const struct adam_update *u, uint64_t s)
{
	int from = s % 2, to = !from;
	struct param p;

	for (size_t i = 0; i < g->n; i++) {
		size_t n = size_of(i, &p);
		struct adamw rate = adam_update_rate(u, p.rank);
		act *w = xcalloc(n, sizeof *w);

		kern->adamw(&rate, n, floats_of(g->g[i]), all[i].p[from], s ? all[i].m[from] : NULL,
		            s ? all[i].v[from] : NULL, w, all[i].p[to], all[i].m[to], all[i].v[to]);
		free(w);
	}
}

/* Five updates; the state afterwards against doubles. */
static void updates(const struct adam *a, double scale, int must_clip, const char *name)
{
	struct state *all;
	struct grads g;
	struct err e;
	double worst_x = 0, worst_m = 0, worst_v = 0, worst_norm = 0, gnorm[5];
	int clipped = 0, rc = 0;
	struct param p;

	grads_init(&g, &config);
	all = states(g.n);
	for (uint64_t s = 0; s < 5; s++) {
		struct adam_update u;
		double sum = 0;

		fill(&g, s, scale);
		for (size_t i = 0; i < g.n; i++)
			for (size_t j = 0; j < size_of(i, &p); j++)
				sum += pow(floats_of(g.g[i])[j], 2);
		gnorm[s] = sqrt(sum);
		rc |= adam_update_init(&u, a, s, &g, &config, &e);
		step(all, &g, &u, s);
		worst_norm = fmax(worst_norm, fabs(u.norm / gnorm[s] - 1));
		clipped += a->clip > 0 && u.norm > a->clip;
		rc |= fabs(u.lr - adam_lr(a, s)) > 0;
	}
	for (size_t i = 0; i < g.n; i++) {
		struct rng w = rng_stream(2, "optim test", 0, "w", i, 0);
		size_t n = size_of(i, &p);
		double decay = p.rank == 2 ? a->decay : 0;

		for (size_t j = 0; j < n; j += 7) {
			double x = (float)rng_normal(&w, j), m = 0, v = 0;

			for (uint64_t s = 0; s < 5; s++) {
				struct rng r = rng_stream(1, "optim test", s, "g", i, 0);
				double gr = (float)(scale * rng_normal(&r, j)), t = (double)s + 1;

				gr *= a->clip > 0 && gnorm[s] > a->clip ? a->clip / gnorm[s] : 1;
				m = a->beta1 * m + (1 - a->beta1) * gr;
				v = a->beta2 * v + (1 - a->beta2) * gr * gr;
				x -= adam_lr(a, s) * (m / (1 - pow(a->beta1, t)) /
				     (sqrt(v / (1 - pow(a->beta2, t))) + a->eps) + decay * x);
			}
			worst_x = fmax(worst_x, fabs(all[i].p[1][j] - x));
			worst_m = fmax(worst_m, fabs(all[i].m[1][j] - m) / scale);
			worst_v = fmax(worst_v, fabs(all[i].v[1][j] - v) / (scale * scale));
		}
	}
	ok(!rc && worst_x < 2e-6 && worst_m < 1e-6 && worst_v < 1e-6 && worst_norm < 1e-6 &&
	   !clipped == !must_clip,
	   "%s: weights %.1g, moments %.1g %.1g off; clipped %d times", name, worst_x, worst_m,
	   worst_v, clipped);
	states_free(all, g.n);
	grads_release(&g);
}

static void gradients(void)
{
	struct adam a = {.lr = 1, .beta1 = 0.9, .beta2 = 0.9, .eps = 1e-8};
	struct adam_update all, some, u = {.norm = -1};
	struct grads g;
	struct err e = {""};
	struct mem kept;
	double without;

	grads_init(&g, &config);
	fill(&g, 0, 1);
	ok(!adam_update_init(&all, &a, 0, &g, &config, &e), "a gradient");
	kept = g.g[3];
	g.g[3] = (struct mem){0};
	ok(!adam_update_init(&some, &a, 0, &g, &config, &e) && some.norm < all.norm,
	   "one parameter is not trained: a smaller norm");
	g.g[3] = kept;
	without = kern->sumsq(floats_of(kept), size_of(3, &(struct param){0}));
	ok(fabs(sqrt(some.norm * some.norm + without) / all.norm - 1) < 1e-12, "by what it had");
	floats_of(kept)[1] = (float)NAN;
	ok(adam_update_init(&u, &a, 0, &g, &config, &e) == -1 && u.norm < 0,
	   "a gradient that is not a number: %s", e.msg);
	grads_release(&g);
}

int main(void)
{
	struct adam plain = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8};
	struct adam all = {.lr = 0.01, .beta1 = 0.8, .beta2 = 0.99, .eps = 1e-6, .decay = 0.1,
		.clip = 1, .cosine = 1,
	                      .warmup = 2, .total = 6, .min_lr = 1e-4};
	struct err e;

	schedules();
	if (kern_init(2, &e)) {
		printf("Bail out! %s\n", e.msg);
		return 1;
	}
	updates(&plain, 0.1, 0, "plain");
	updates(&all, 0.1, 1, "decay, clipping, cosine");
	all.clip = 1e9;
	updates(&all, 1e-3, 0, "a norm below the limit");
	gradients();
	return done();
}
