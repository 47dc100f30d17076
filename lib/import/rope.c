/* SPDX-License-Identifier: MIT */
/*
 * Llama 3's rope scaling as divisors, and back. Pair i turns once in w = 2 pi theta^(2i/S)
 * positions. With a = orig/high and b = orig/low: its divisor is 1 if w < a, factor if w > b, and
 * between 1 / ((1 - t) / factor + t) with t = (orig / w - low) / (high - low).
 */
#include "import/rope.h"

#include <math.h>
#include <stdlib.h>

enum { PAIRS_MAX = 512 };

static double wavelength(const struct model_config *c, uint32_t i)
{
	return 6.283185307179586 * pow(c->rope_theta, 2.0 * i / c->head_size);
}

static double divisor(const struct model_config *c, uint32_t i)
{
	double w = wavelength(c, i), orig = c->rope_orig, t;

	if (c->rope_factor == 0 || w < orig / c->rope_high)
		return 1;
	if (w > orig / c->rope_low)
		return c->rope_factor;
	t = (orig / w - c->rope_low) / (c->rope_high - c->rope_low);
	return 1 / ((1 - t) / c->rope_factor + t);
}

void rope_divisors(const struct model_config *c, float *out)
{
	for (uint32_t i = 0; i < c->head_size / 2; i++)
		out[i] = (float)divisor(c, i);
}

/* Converters compute in float32, so a wavelength near an edge may fall on its other side; the
 * formula is continuous there, so a relative bound is enough. */
static int fits(const struct model_config *c, const float *want)
{
	for (uint32_t i = 0; i < c->head_size / 2; i++)
		if (fabs(divisor(c, i) - want[i]) > 1e-4 * want[i])
			return 0;
	return 1;
}

static int try_scaling(struct model_config *c, double high, double orig, const float *want)
{
	struct model_config t = *c;

	if (!(high > 1 && high <= 1e6 && orig >= 1 && orig <= 1 << 24))
		return 0;
	t.rope_low = 1;
	t.rope_high = high;
	t.rope_orig = (uint32_t)lround(orig);
	if (!fits(&t, want))
		return 0;
	*c = t;
	return 1;
}

/*
 * With low = 1, t = x / w - y for x = orig / (high - 1), y = 1 / (high - 1): a line through the
 * blended pairs. The outermost two determine it best.
 */
static int solve(struct model_config *c, const float *want)
{
	double t[2] = {0}, w[2] = {0}, f = c->rope_factor, x, y, high;
	int n = 0;

	for (uint32_t i = 0; i < c->head_size / 2; i++) {
		if (want[i] < 1.0001 || want[i] > f * 0.9999)
			continue;
		n += n < 2;
		t[n - 1] = (1 / (double)want[i] - 1 / f) / (1 - 1 / f);
		w[n - 1] = wavelength(c, i);
	}
	if (n < 2)
		return 0;
	x = (t[0] - t[1]) / (1 / w[0] - 1 / w[1]);
	y = x / w[0] - t[0];
	high = 1 + 1 / y;
	/* Originally written by hand: prefer a multiple of a quarter if that fits. */
	return try_scaling(c, round(high * 4) / 4, x * (round(high * 4) / 4 - 1), want) ||
	       try_scaling(c, high, x * (high - 1), want);
}

int rope_derive(struct model_config *c, const float *divisors, struct err *e)
{
	double most = 1;

	if (c->head_size / 2 > PAIRS_MAX)
		return err_set(e, "head size %u is too large", c->head_size);
	for (uint32_t i = 0; i < c->head_size / 2; i++) {
		if (!(divisors[i] >= 1 && divisors[i] <= 1e6f))
			return err_set(e, "divisor %u is %g, not within 1..1000000", i, (double)divisors[i]);
		if (divisors[i] > most)
			most = divisors[i];
	}
	c->rope_factor = 0;
	c->rope_low = c->rope_high = 0;
	c->rope_orig = 0;
	if (most == 1)
		return 0;
	c->rope_factor = most;
	/* Try what published models use, then powers of two, then whatever fits. */
	if (try_scaling(c, 4, 8192, divisors))
		return 0;
	for (uint32_t orig = 16; orig <= 1 << 20; orig *= 2)
		if (try_scaling(c, 4, orig, divisors))
			return 0;
	if (solve(c, divisors))
		return 0;
	return err_set(e, "not a Llama 3 rope scaling (factor %g)", most);
}
