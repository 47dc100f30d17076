/* SPDX-License-Identifier: MIT */
/* Column means with paired bootstrap confidence intervals. */
#include "stat/stat.h"

#include <math.h>
#include <stdlib.h>

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

	return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
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
