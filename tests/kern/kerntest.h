/* SPDX-License-Identifier: MIT */
/* For the kernel tests: numbers to compute on, and the levels to be had here. */
#ifndef KERNTEST_H
#define KERNTEST_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"
#include "tap.h"

__attribute__((unused)) static const char *const isas[] = {"ref", "avx2", "avx512", "avx512bf16", "amx"};

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

/* dW[n][k] += sum_t dY[t][n] X[t][k], as the backward makes it. */
__attribute__((unused))
static void gemm_dw(float *dw, size_t ldw, const act *dy, size_t lddy, const act *x, size_t ldx, size_t t, size_t n, size_t k)
{
	struct packed w = {0};

	pack(&w, x, k, t, ldx, 1);
	gemm_t(dw, ldw, dy, lddy, &w, n, 1);
	pack_free(&w);
}

#endif
