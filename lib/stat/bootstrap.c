/* SPDX-License-Identifier: MIT */
/* Column means, and ratios of them, with paired bootstrap confidence intervals. */
#include "stat/stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

/* Quantile q of sorted v[n], with linear interpolation. */
static double quantile(const double *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t i = (size_t)at;

	if (i + 1 == n || v[i] == v[i + 1])      /* they may be infinite */
		return v[i];
	return v[i] + (at - (double)i) * (v[i + 1] - v[i]);
}

static void add_row(const double *row, size_t m, double *sum, double *count)
{
	for (size_t c = 0; c < m; c++)
		if (!isnan(row[c])) {
			sum[c] += row[c];
			count[c] += 1;
		}
}

void bootstrap(const double *x, size_t n, size_t m, uint64_t seed, size_t resamples,
               struct interval *out)
{
	double *sum = xcalloc(2 * m, sizeof *sum), *count = sum + m;
	double *means = xreallocarray(NULL, resamples * m, sizeof *means);

	for (size_t i = 0; i < n; i++)
		add_row(x + i * m, m, sum, count);
	for (size_t c = 0; c < m; c++)
		out[c].value = count[c] ? sum[c] / count[c] : NAN;
	for (size_t b = 0; b < resamples; b++) {
		struct rng r = rng_stream(seed, "bootstrap", 0, "", b, 0);

		for (size_t c = 0; c < 2 * m; c++)
			sum[c] = 0;
		for (size_t i = 0; i < n; i++)
			add_row(x + rng_below(&r, i, n) * m, m, sum, count);
		for (size_t c = 0; c < m; c++)
			means[c * resamples + b] = count[c] ? sum[c] / count[c] : out[c].value;
	}
	for (size_t c = 0; c < m; c++) {
		double *v = means + c * resamples;

		out[c].lo = out[c].hi = out[c].value;
		if (isnan(out[c].value) || !resamples)
			continue;
		qsort(v, resamples, sizeof *v, ascending);
		out[c].lo = quantile(v, resamples, 0.025);
		out[c].hi = quantile(v, resamples, 0.975);
	}
	free(sum);
	free(means);
}

/* s[0] / s[1], with m = 4 less s[2] / s[3]. */
static double ratio(const double *s, size_t m)
{
	double r = s[1] > 0 ? s[0] / s[1] : INFINITY;

	return m == 4 ? r - ratio(s + 2, 2) : r;
}

/* Quantile q of v[n], which it sorts, and what is not a number as `unknown`. */
static double quantile_or(double *v, size_t n, double q, double unknown)
{
	for (size_t i = 0; i < n; i++)
		v[i] = isnan(v[i]) ? unknown : v[i];
	qsort(v, n, sizeof *v, ascending);
	return quantile(v, n, q);
}

struct interval bootstrap_ratio(const double *x, size_t n, size_t m, uint64_t seed,
                                size_t resamples)
{
	double *v = xreallocarray(NULL, 2 * resamples, sizeof *v), *copy = v + resamples;
	double sum[4] = {0}, count[4] = {0};
	struct interval out;

	for (size_t i = 0; i < n; i++)
		add_row(x + i * m, m, sum, count);
	out.value = n ? ratio(sum, m) : NAN;
	for (size_t b = 0; b < resamples; b++) {
		struct rng r = rng_stream(seed, "bootstrap", 0, "", b, 0);

		memset(sum, 0, sizeof sum);
		for (size_t i = 0; i < n; i++)
			add_row(x + rng_below(&r, i, n) * m, m, sum, count);
		v[b] = n ? ratio(sum, m) : NAN;
	}
	memcpy(copy, v, resamples * sizeof *v);
	out.lo = quantile_or(v, resamples, 0.025, -INFINITY);
	out.hi = quantile_or(copy, resamples, 0.975, INFINITY);
	free(v);
	return out;
}
