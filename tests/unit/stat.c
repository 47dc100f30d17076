/* SPDX-License-Identifier: MIT */
/* edit distance against the plain table, word diffs put back together, bootstrap against theory,
 * intervals of shares against simulation. */
#include "stat/stat.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t table(const char *a, size_t m, const char *b, size_t n)
{
	size_t *d = xcalloc((m + 1) * (n + 1), sizeof *d), r;

	for (size_t i = 0; i <= m; i++)
		for (size_t j = 0; j <= n; j++) {
			size_t best = i + j;

			if (i && j) {
				best = d[(i - 1) * (n + 1) + j - 1] + (a[i - 1] != b[j - 1]);
				if (d[(i - 1) * (n + 1) + j] + 1 < best)
					best = d[(i - 1) * (n + 1) + j] + 1;
				if (d[i * (n + 1) + j - 1] + 1 < best)
					best = d[i * (n + 1) + j - 1] + 1;
			}
			d[i * (n + 1) + j] = best;
		}
	r = d[m * (n + 1) + n];
	free(d);
	return r;
}

static size_t random_text(struct rng *r, uint64_t *at, char *out, size_t max, int letters)
{
	size_t n = rng_below(r, (*at)++, max + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = (char)('a' + rng_below(r, (*at)++, letters));
	return n;
}

static void distances(void)
{
	struct rng r = rng_stream(1, "test", 0, "edit", 0, 0);
	uint64_t at = 0;
	size_t bad = 0, most = 0;
	char a[400], b[400];

	for (int k = 0; k < 600; k++) {
		size_t m = random_text(&r, &at, a, k % 3 ? 60 : 399, 2 + k % 5), n;

		if (k % 2) {                     /* an edited copy: the usual case */
			n = m;
			memcpy(b, a, m);
			for (size_t e = 0; m && e < 5; e++)
				b[rng_below(&r, at++, m)] = 'z';
		} else {
			n = random_text(&r, &at, b, k % 3 ? 130 : 399, 2 + k % 5);
		}
		bad += edit_distance(a, m, b, n, NULL) != table(a, m, b, n);
		most = m > most ? m : most;
	}
	ok(bad == 0 && most > 256,
	   "600 random pairs of up to %zu characters: %zu differ from the plain table", most, bad);
	ok(edit_distance("", 0, "", 0, NULL) == 0 && edit_ratio("", 0, "", 0) == 0, "two empty texts");
	ok(edit_ratio("abc", 3, "", 0) == 1, "one empty text: 1");
	ok(edit_ratio("abcd", 4, "wxyz", 4) == 0.5, "all replaced: 0.5");
	ok(edit_distance("na\xc3\xafve", 6, "naive", 5, NULL) == 1, "an accent is one edit");
	ok(edit_distance("\xff\xfe", 2, "\xff", 1, NULL) == 1 &&
	       edit_distance("\xc3", 1, "\xe2\x82", 2, NULL) == 2,
	   "broken UTF-8 counts by bytes");
}

static int rebuilds(const char *a, const char *b)
{
	struct diff_span *s;
	struct buf x = {0}, y = {0};
	size_t n, good;

	diff_words(a, strlen(a), b, strlen(b), &s, &n);
	for (size_t i = 0; i < n; i++) {
		if (s[i].kind != DIFF_INSERT)
			buf_add(&x, a + s[i].at, s[i].len);
		if (s[i].kind == DIFF_KEEP)
			buf_add(&y, a + s[i].at, s[i].len);
		if (s[i].kind == DIFF_INSERT)
			buf_add(&y, b + s[i].at, s[i].len);
	}
	good = x.len == strlen(a) && y.len == strlen(b) && !memcmp(x.data ? x.data : "", a, x.len) &&
	       !memcmp(y.data ? y.data : "", b, y.len);
	free(s);
	buf_release(&x);
	buf_release(&y);
	return (int)good;
}

static void diffs(void)
{
	struct rng r = rng_stream(2, "test", 0, "diff", 0, 0);
	struct diff_span *s;
	uint64_t at = 0;
	size_t n, bad = 0;
	char a[80], b[80];

	for (int k = 0; k < 500; k++) {
		static const char signs[] = "a b=\n";

		a[0] = b[0] = 0;
		for (char *t = a; t; t = t == a ? b : NULL) {
			size_t len = rng_below(&r, at++, 40);

			for (size_t i = 0; i < len; i++)
				t[i] = signs[rng_below(&r, at++, 5)];
			t[len] = 0;
		}
		bad += !rebuilds(a, b);
	}
	ok(bad == 0, "500 random pairs: both texts come back from the diff");
	diff_words("the sum is 793 .", 16, "the sum is 803 .", 16, &s, &n);
	ok(n == 4 && s[0].kind == DIFF_KEEP && s[0].len == 11 && s[1].kind == DIFF_DELETE &&
	       s[1].len == 3 && s[2].kind == DIFF_INSERT && s[2].at == 11 && s[3].kind == DIFF_KEEP,
	   "one changed word is one deletion, one insertion");
	free(s);
	diff_words("", 0, "", 0, &s, &n);
	ok(n == 0, "nothing differs from nothing");
	free(s);
}

static void intervals(void)
{
	enum { N = 400, M = 4 };
	double *x = xmalloc(N * M * sizeof *x), se;
	struct interval a[M], b[M];
	struct rng r = rng_stream(3, "test", 0, "boot", 0, 0);

	for (size_t i = 0; i < N; i++) {
		double u = rng_uniform(&r, i);

		x[i * M] = u < 0.3;
		x[i * M + 1] = 1 - x[i * M];
		x[i * M + 2] = i % 2 ? NAN : 5;
		x[i * M + 3] = u;
	}
	bootstrap(x, N, M, 7, 2000, a);
	bootstrap(x, N, M, 7, 2000, b);
	ok(!memcmp(a, b, sizeof a), "the same seed gives the same intervals");
	bootstrap(x, N, M, 8, 2000, b);
	ok(a[3].value == b[3].value && a[3].lo != b[3].lo && a[3].hi != b[3].hi,
	   "another seed moves only the interval");
	se = sqrt(a[0].value * (1 - a[0].value) / N);
	ok(fabs(a[0].hi - a[0].lo - 2 * 1.96 * se) < 0.1 * 2 * 1.96 * se,
	   "width %.4f, by the normal approximation %.4f", a[0].hi - a[0].lo, 2 * 1.96 * se);
	ok(fabs(a[0].lo + a[1].hi - 1) < 1e-12 && fabs(a[0].hi + a[1].lo - 1) < 1e-12,
	   "columns are resampled together");
	ok(a[2].value == 5 && a[2].lo == 5 && a[2].hi == 5,
	   "missing rows are left out of a column's mean");
	x[2] = NAN;
	bootstrap(x, 1, M, 7, 10, a);
	ok(a[0].lo == a[0].value && a[0].hi == a[0].value && isnan(a[2].value) && isnan(a[2].lo),
	   "one row: no width; no number at all: NaN");
	free(x);
}

/* ---- intervals of shares ---- */

static double uniform(struct rng *r, uint64_t *at)
{
	return (double)rng_below(r, (*at)++, 1 << 30) / (1 << 30);
}

/* P(k or more of n) by adding up. */
static double at_least(int k, int n, double p)
{
	double sum = 0;

	for (int i = k; i <= n; i++)
		sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) +
		           (n - i) * log1p(-p));
	return sum;
}

static void beta(void)
{
	double worst = 0;

	for (int n = 1; n <= 400; n = n * 2 + 1)
		for (int k = 1; k <= n; k += 1 + n / 7)
			for (double p = 0.01; p < 1; p += 0.14)
				worst = fmax(worst, fabs(beta_below(p, k, n - k + 1) - at_least(k, n, p)));
	ok(worst < 1e-11, "incomplete beta: binomial tails, to %.0e", worst);
	ok(beta_below(0, 2, 3) == 0 && beta_below(1, 2, 3) == 1 &&
	   fabs(beta_below(0.3, 1, 1) - 0.3) < 1e-15 &&
	   fabs(beta_below(0.25, 0.5, 0.5) - 1.0 / 3) < 1e-14, "and known values");
}

/* n problems of s samples, which mend with probability up and break with down; where there are
 * several, in half of the problems with twice that and else never. Rows of (mended, broken,
 * their difference). */
static void draw(double *x, size_t n, int s, double up, double down, struct rng *r, uint64_t *at)
{
	for (size_t i = 0; i < n; i++) {
		double factor = s == 1 ? 1 : uniform(r, at) < 0.5 ? 2 : 0, a = 0, b = 0;

		for (int k = 0; k < s; k++) {
			double u = uniform(r, at);

			a += u < factor * up;
			b += u >= factor * up && u < factor * (up + down);
		}
		x[3 * i] = a / s;
		x[3 * i + 1] = b / s;
		x[3 * i + 2] = (a - b) / s;
	}
}

static int covers(struct interval v, double truth)
{
	return v.lo <= truth && truth <= v.hi;
}

/* 800 runs of a case have a standard error of 0.8 %. */
static void coverage(void)
{
	static const size_t sizes[] = {20, 100, 500};
	static const double rates[][2] = {
		{0.01, 0.01}, {0.02, 0.05}, {0.1, 0.03}, {0.2, 0.02}, {0.3, 0.1},
	};
	enum { RUNS = 800 };
	struct rng r = rng_stream(3, "test", 0, "coverage", 0, 0);
	double *x = xreallocarray(NULL, 500 * 3, sizeof *x), least[3] = {1, 1, 1};
	uint64_t at = 0;

	for (size_t c = 0; c < LEN(sizes) * LEN(rates) * 2; c++) {
		size_t n = sizes[c % LEN(sizes)];
		const double *rate = rates[c / LEN(sizes) % LEN(rates)];
		int s = c < LEN(sizes) * LEN(rates) ? 1 : 4, hits[3] = {0};

		for (int run = 0; run < RUNS; run++) {
			double trials = (double)n * s;

			draw(x, n, s, rate[0], rate[1], &r, &at);
			hits[0] += covers(share_interval(x, n, 3, trials), rate[0]);
			hits[1] += covers(share_interval(x + 1, n, 3, trials), rate[1]);
			hits[2] += covers(difference_interval(x + 2, n, 3, 1, trials), rate[0] - rate[1]);
		}
		for (int k = 0; k < 3; k++)
			least[k] = fmin(least[k], (double)hits[k] / RUNS);
	}
	ok(least[0] >= 0.93 && least[1] >= 0.93,
	   "i->c, c->i at n = 20 .. 500, 1 and 4 samples: 95 %% intervals cover %.1f, %.1f %% at least",
	   100 * least[0], 100 * least[1]);
	ok(least[2] >= 0.93, "delta's: %.1f %% at least", 100 * least[2]);
	free(x);
}

static void shares(void)
{
	double x[40] = {0}, halves[40], gaps[4] = {NAN, 1, NAN, 0};
	struct interval v = share_interval(x, 40, 1, 160), w;

	ok(v.value == 0 && v.lo == 0 && fabs(v.hi - (1 - pow(0.025, 1.0 / 40))) < 1e-12,
	   "no event in 40: up to %.4f", v.hi);
	v = difference_interval(x, 40, 1, 1, 40);
	ok(v.value == 0 && v.lo < -0.08 && v.hi > 0.08, "no difference in 40 is not none");
	for (int i = 0; i < 40; i++)
		halves[i] = i % 2;
	v = share_interval(halves, 40, 1, 40);
	w = share_interval(halves, 40, 1, 400);
	ok(v.lo == w.lo && v.hi == w.hi,
	   "what differs only between problems is as sure as their number");
	for (int i = 0; i < 40; i++)
		halves[i] = 0.4 + 0.2 * (i % 2);
	w = share_interval(halves, 40, 1, 400);
	ok(w.hi - w.lo < 0.4 * (v.hi - v.lo), "what differs between samples is surer");
	v = share_interval(gaps, 4, 1, 4);
	ok(v.value == 0.5 && v.lo < 0.02 && v.hi > 0.98, "a NaN says nothing");
	v = share_interval(gaps, 1, 1, 4);
	ok(isnan(v.value) && isnan(v.lo) && isnan(difference_interval(gaps, 1, 1, 1, 4).hi),
	   "and alone gives NaN");
	v = difference_interval(gaps + 1, 1, 1, 2, 4);
	ok(v.value == 1 && v.lo >= -2 && v.hi > 1.9 && v.hi <= 2, "in a range of 2");
}

/* ---- rates ---- */

/* Attempts of n problems, s each: wrong with probability 0.9 or 0.1, and the same again with
 * probability p of these. Rows of (again, wrong). */
static void draw_rates(double *x, size_t n, size_t stride, int s, double p, struct rng *r,
                       uint64_t *at)
{
	for (size_t i = 0; i < n; i++, x += stride) {
		double hard = uniform(r, at) < 0.5 ? 0.9 : 0.1;

		x[0] = x[1] = 0;
		for (int k = 0; k < s; k++) {
			double u = uniform(r, at);

			x[0] += u < hard * p;
			x[1] += u < hard;
		}
		x[0] /= s;
		x[1] /= s;
	}
}

static void rate_coverage(void)
{
	enum { RUNS = 800, MOST = 200 };
	static const double rates[][2] = {{0.02, 0.02}, {0.1, 0.3}, {0.5, 0.4}, {0.9, 0.95}};
	struct rng r = rng_stream(5, "test", 0, "rates", 0, 0);
	double *x = xreallocarray(NULL, MOST * 4, sizeof *x), least[2] = {1, 1};
	double *y = xreallocarray(NULL, MOST * 2, sizeof *y);
	uint64_t at = 0;

	for (size_t c = 0; c < LEN(rates) * 4; c++) {
		const double *p = rates[c % LEN(rates)];
		size_t n = c / LEN(rates) % 2 ? MOST : 30;
		int s = c < LEN(rates) * 2 ? 1 : 4, hits[2] = {0};

		for (int run = 0; run < RUNS; run++) {
			double trials = (double)n * s;

			draw_rates(x, n, 4, s, p[0], &r, &at);
			draw_rates(x + 2, n, 4, s, p[1], &r, &at);
			for (size_t i = 0; i < n; i++)
				memcpy(y + 2 * i, x + 4 * i, 2 * sizeof *y);
			hits[0] += covers(rate_interval(y, n, trials), p[0]);
			hits[1] += covers(rate_difference(x, n, trials), p[0] - p[1]);
		}
		for (int k = 0; k < 2; k++)
			least[k] = fmin(least[k], (double)hits[k] / RUNS);
	}
	ok(least[0] >= 0.93 && least[1] >= 0.93,
	   "rates at n = 30, 200, 1 and 4 samples: 95 %% intervals cover %.1f %% at least, those of "
	   "differences %.1f %%", 100 * least[0], 100 * least[1]);
	free(x);
	free(y);
}

static void ratios(void)
{
	enum { N = 60 };
	double x[N * 2] = {0}, y[N * 4], alone[N];
	struct interval v, w;
	size_t n = 0;

	for (size_t i = 0; i < N; i++) {
		x[2 * i + 1] = i % 3 != 0;
		x[2 * i] = i % 6 == 1;
		if (i % 3)
			alone[n++] = x[2 * i];
		y[4 * i] = y[4 * i + 2] = x[2 * i];
		y[4 * i + 1] = y[4 * i + 3] = x[2 * i + 1];
	}
	v = rate_interval(x, N, N);
	w = share_interval(alone, n, 1, (double)n);
	ok(v.value == w.value && fabs(v.lo - w.lo) < 1e-9 && fabs(v.hi - w.hi) < 1e-9,
	   "a rate of yes or no is the share of those concerned: %.3f [%.3f, %.3f]", v.value, v.lo,
	   v.hi);
	w = rate_difference(y, N, N);
	ok(w.value == 0 && fabs(w.hi - fabs(v.hi + v.lo - 2 * v.value)) < 1e-9 && w.lo == -w.hi,
	   "a rate less itself: as far as its interval is skew, %.3f", w.hi);
	for (size_t i = 0; i < N; i++)
		x[2 * i] = 0;
	v = rate_interval(x, N, N);
	ok(v.lo == 0 && fabs(v.hi - (1 - pow(0.025, 1.0 / 40))) < 1e-9, "no event in the 40 concerned");
	for (size_t i = 0; i < N; i++)
		x[2 * i + 1] = 0;
	v = rate_interval(x, N, N);
	ok(isnan(v.value) && isnan(v.lo) && isnan(v.hi), "none concerned: NaN");
}

static void bootstrap_of_ratios(void)
{
	enum { N = 400 };
	double *x = xmalloc(N * 4 * sizeof *x), r, e = 0, se;
	struct rng g = rng_stream(6, "test", 0, "ratio", 0, 0);
	struct interval v;

	for (size_t i = 0; i < N; i++) {
		x[2 * i] = 10 + 20 * rng_uniform(&g, 2 * i);
		x[2 * i + 1] = rng_uniform(&g, 2 * i + 1) < 0.4;
	}
	v = bootstrap_ratio(x, N, 2, 1, 2000);
	r = v.value;
	for (size_t i = 0; i < N; i++)
		e += (x[2 * i] - r * x[2 * i + 1]) * (x[2 * i] - r * x[2 * i + 1]);
	se = sqrt(e) / (0.4 * N);
	ok(fabs(r - 50) < 4 * se && fabs(v.hi - v.lo - 2 * 1.96 * se) < 0.15 * 2 * 1.96 * se,
	   "ratio %.1f, width %.2f, by linearisation %.2f", r, v.hi - v.lo, 2 * 1.96 * se);
	for (size_t i = N; i-- > 0;) {
		x[4 * i] = x[4 * i + 2] = x[2 * i];
		x[4 * i + 1] = x[4 * i + 3] = x[2 * i + 1];
	}
	v = bootstrap_ratio(x, N, 4, 1, 200);
	ok(v.value == 0 && v.lo == 0 && v.hi == 0, "the same rows for both ratios of a difference");
	for (size_t i = 0; i < N; i++)
		x[4 * i + 1] = i == 0;
	v = bootstrap_ratio(x, N, 4, 1, 200);
	ok(isfinite(v.lo) && v.hi > 0 && isinf(v.hi), "a denominator that may be 0: no upper bound");
	for (size_t i = 0; i < N; i++)
		x[4 * i + 3] = i == 0;
	v = bootstrap_ratio(x, N, 4, 1, 200);
	ok(!isfinite(v.lo) && !isfinite(v.hi), "two of them: no bound at all");
	free(x);
}

int main(void)
{
	distances();
	diffs();
	intervals();
	beta();
	shares();
	coverage();
	ratios();
	rate_coverage();
	bootstrap_of_ratios();
	return done();
}
