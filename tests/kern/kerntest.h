/* SPDX-License-Identifier: MIT */
/* For the kernel tests: numbers to compute on, and the levels to be had here. */
#ifndef KERNTEST_H
#define KERNTEST_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/levels.h"
#include "levels.h"
#include "tap.h"

/* The test's numbers: a stream of its own for each seed. */
struct numbers {
	struct rng r;
	uint64_t at;
};

__attribute__((unused))
static struct numbers numbers(uint64_t seed)
{
	return (struct numbers){rng_stream(seed, "kern test", 0, "", 0, 0), 0};
}

__attribute__((unused))
static float uniform(struct numbers *n, float lo, float hi)
{
	return lo + (hi - lo) * (float)rng_uniform(&n->r, n->at++);
}

__attribute__((unused))
static float *floats(struct numbers *r, size_t n, float lo, float hi)
{
	float *x = xreallocarray(NULL, n ? n : 1, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = uniform(r, lo, hi);
	return x;
}

__attribute__((unused))
static act *acts(struct numbers *r, size_t n, float lo, float hi)
{
	act *x = xreallocarray(NULL, n ? n : 1, sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = act_of(uniform(r, lo, hi));
	return x;
}

__attribute__((unused))
static void *copy(const void *p, size_t bytes)
{
	return xmemdup(p, bytes);
}

/* Largest |a - b| over `scale`; infinity where one is NaN and the other not. */
__attribute__((unused))
static double worst(const float *a, const float *b, size_t n, double scale)
{
	double w = 0;

	for (size_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - b[i]) / scale;

		if (a[i] == b[i] || (isnan(a[i]) && isnan(b[i])))
			continue;
		if (!(d <= w))
			w = isnan(d) ? HUGE_VAL : d;
	}
	return w;
}

__attribute__((unused))
static double magnitude(const float *a, size_t n)
{
	double m = 1e-30;

	for (size_t i = 0; i < n; i++)
		if (isfinite(a[i]) && fabsf(a[i]) > m)
			m = fabsf(a[i]);
	return m;
}

/* C = A W' of a level on this thread, of packed W or with k as rows. */
__attribute__((unused)) static void alone(const struct kern *level, float *c, size_t ldc,
                                          const act *a, size_t lda, const struct packed *w,
                                          size_t m, int add)
{
	struct product j = {.c = c,
	                    .a = a,
	                    .w = w->p,
	                    .m = m,
	                    .n = w->n,
	                    .k = w->k,
	                    .ldc = ldc,
	                    .lda = lda,
	                    .add = add};

	product_alone(level, &j);
}

__attribute__((unused)) static void alone_by_k(const struct kern *level, float *c, size_t ldc,
                                               const act *a, size_t lda, const act *w, size_t ldw,
                                               size_t m, size_t n, size_t k, int add)
{
	struct product j = {.c = c,
	                    .a = a,
	                    .w = w,
	                    .m = m,
	                    .n = n,
	                    .k = k,
	                    .ldc = ldc,
	                    .lda = lda,
	                    .ldw = ldw,
	                    .add = add,
	                    .by_k = 1};

	product_alone(level, &j);
}

/* rows[k][n] of w[n][k]. */
__attribute__((unused))
static act *by_k(const act *w, size_t n, size_t k)
{
	act *t = xcalloc(n * k, sizeof *t);

	for (size_t i = 0; i < n * k; i++)
		t[i % k * n + i / k] = w[i];
	return t;
}

#endif
