/* SPDX-License-Identifier: MIT */
/* Exact intervals of shares and rates and of their differences, and the incomplete beta function
 * under them. */
#include "stat/stat.h"

#include <math.h>

enum { TERMS = 300, HALVINGS = 60 };

/* The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22);
 * x < (a + 1) / (a + b + 2). */
static double fraction(double x, double a, double b)
{
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;

	d = 1 / d;
	f = d;
	for (int k = 1; k <= TERMS; k++) {
		double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
		double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)), step;

		d = 1 / (1 + even * d);
		c = 1 + even / c;
		f *= c * d;
		d = 1 / (1 + odd * d);
		c = 1 + odd / c;
		step = c * d;
		f *= step;
		if (fabs(step - 1) < 1e-15)
			break;
	}
	return f;
}

double beta_below(double x, double a, double b)
{
	double front;

	if (x <= 0 || x >= 1)
		return x >= 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * fraction(x, a, b) / a;
	return 1 - front * fraction(1 - x, b, a) / b;
}

/* Where beta_below is p. */
static double beta_at(double p, double a, double b)
{
	double lo = 0, hi = 1;

	for (int i = 0; i < HALVINGS; i++) {
		double mid = (lo + hi) / 2;

		if (beta_below(mid, a, b) < p)
			lo = mid;
		else
			hi = mid;
	}
	return (lo + hi) / 2;
}

/* Square of the two-sided 95 % point of Student's t. */
static double t_squared(double freedom)
{
	double x = beta_at(0.05, freedom / 2, 0.5);

	return freedom * (1 - x) / x;
}

/* How many independent yes-or-no trials would give a mean p of n values the variance it has: n
 * at least, trials at most. */
static double effective(double p, double variance, double n, double trials)
{
	double e = variance > 0 ? p * (1 - p) / variance : trials;

	if (p <= 0 || p >= 1 || n < 2 || e <= n)
		return n;
	e = e < trials ? e : trials;
	return e > n ? fmax(n, e * t_squared(e - 1) / t_squared(n - 1)) : n;
}

struct moments {
	double n, mean, square;      /* how many numbers, their mean, their mean square */
};

static struct moments moments(const double *x, size_t n, size_t stride, double scale)
{
	struct moments s = {0};

	for (size_t i = 0; i < n; i++) {
		double v = x[i * stride] * scale;

		if (isnan(v))
			continue;
		v = v > 0 ? v : 0;
		s.n++;
		s.mean += v;
		s.square += v * v;
	}
	if (s.n > 0) {
		s.mean /= s.n;
		s.square /= s.n;
	}
	return s;
}

static double variance(const struct moments *s)
{
	double v = s->square - s->mean * s->mean;

	return v > 1e-12 ? v : 0;
}

/* Share p of n trials. */
static struct interval exact(double p, double n)
{
	struct interval out = {p, 0, 1};

	if (p > 0)
		out.lo = beta_at(0.025, n * p, n - n * p + 1);
	if (p < 1)
		out.hi = beta_at(0.975, n * p + 1, n - n * p);
	return out;
}

static struct interval exact_mean(const struct moments *s, double trials)
{
	return exact(s->mean, effective(s->mean, variance(s) / s->n, s->n, trials));
}

struct interval share_interval(const double *x, size_t n, size_t stride, double trials)
{
	struct moments s = moments(x, n, stride, 1);

	return s.n > 0 ? exact_mean(&s, trials) : (struct interval){NAN, NAN, NAN};
}

/* Half an interval of a - b: a and b are that far from its end, and correlated by rho. */
static double joined(double a, double b, double rho)
{
	return sqrt(a * a + b * b - 2 * rho * a * b);
}

struct interval difference_interval(const double *x, size_t n, size_t stride, double range,
                                    double trials)
{
	struct moments up = moments(x, n, stride, 1 / range), down = moments(x, n, stride, -1 / range);
	struct interval u, d, out;
	double both = variance(&up) * variance(&down), rho;

	if (!(up.n > 0))
		return (struct interval){NAN, NAN, NAN};
	u = exact_mean(&up, range * trials);
	d = exact_mean(&down, range * trials);
	/* where one part is, the other is 0 */
	rho = both > 0 ? -up.mean * down.mean / sqrt(both) : 0;
	out.value = range * (u.value - d.value);
	out.lo = fmax(out.value - range * joined(u.value - u.lo, d.hi - d.value, rho), -range);
	out.hi = fmin(out.value + range * joined(u.hi - u.value, d.value - d.lo, rho), range);
	return out;
}

/* Sum of y, y[stride], ... over that of the numbers beside them. Equally heavy denominators count
 * as one trial each at least, others as what they weigh together (Kish). */
static struct interval rate(const double *y, size_t n, size_t stride, double trials)
{
	double sum = 0, all = 0, squares = 0, rest = 0, p;

	for (size_t i = 0; i < n * stride; i += stride) {
		sum += y[i];
		all += y[i + 1];
		squares += y[i + 1] * y[i + 1];
	}
	if (!(all > 0))
		return (struct interval){NAN, NAN, NAN};
	p = fmin(sum / all, 1);
	for (size_t i = 0; i < n * stride; i += stride)
		rest += (y[i] - p * y[i + 1]) * (y[i] - p * y[i + 1]);
	return exact(p, effective(p, rest / (all * all), all * all / squares,
	                          trials * all / (double)n));
}

struct interval rate_interval(const double *x, size_t n, double trials)
{
	return rate(x, n, 2, trials);
}

/* Correlation of two rates: that of what the rows add to each beyond its mean. */
static double rates_together(const double *x, size_t n, double a, double b)
{
	double aa = 0, bb = 0, ab = 0;

	for (const double *r = x; r < x + 4 * n; r += 4) {
		double u = r[0] - a * r[1], v = r[2] - b * r[3];

		aa += u * u;
		bb += v * v;
		ab += u * v;
	}
	return aa > 1e-12 && bb > 1e-12 ? ab / sqrt(aa * bb) : 0;
}

struct interval rate_difference(const double *x, size_t n, double trials)
{
	struct interval a = rate(x, n, 4, trials), b = rate(x + 2, n, 4, trials), out;
	double rho;

	if (isnan(a.value) || isnan(b.value))
		return (struct interval){NAN, NAN, NAN};
	rho = rates_together(x, n, a.value, b.value);
	out.value = a.value - b.value;
	out.lo = fmax(out.value - joined(a.value - a.lo, b.hi - b.value, rho), -1);
	out.hi = fmin(out.value + joined(a.hi - a.value, b.value - b.lo, rho), 1);
	return out;
}
