/* SPDX-License-Identifier: MIT */
/* Draws one token from one row of logits, on the CPU. */
#include "dev/inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK = 512,                 /* logits summed at a time when locating u */
	LANES = 16,
	BINS = 2048, NAT = 32        /* bins of 1/32 nat, from the most likely token down */
};

struct candidate {
	float x;
	int id;
};

size_t sample_scratch(size_t vocab)
{
	return vocab * (sizeof(float) + sizeof(struct candidate)) + BINS * sizeof(uint32_t) + 64;
}

/* Index of the first maximum; NaN never wins. */
static int argmax(const float *x, size_t n)
{
	float top[LANES], best = -HUGE_VALF;
	size_t i = 0;

	for (size_t j = 0; j < LANES; j++)
		top[j] = -HUGE_VALF;
	/* independent lanes, so the compiler can vectorise */
	for (; i + LANES <= n; i += LANES)
		for (size_t j = 0; j < LANES; j++)
			top[j] = x[i + j] > top[j] ? x[i + j] : top[j];
	for (; i < n; i++)
		best = x[i] > best ? x[i] : best;
	for (size_t j = 0; j < LANES; j++)
		best = top[j] > best ? top[j] : best;
	for (i = 0; i < n; i++)
		if (x[i] == best)
			return (int)i;
	return 0;
}

/* The token at which the cumulative softmax exceeds u; n if it never does, with the total in
 * *total. Blocks that do not contain u are skipped by their sum. */
static size_t passes(const float *x, size_t n, float inv_t, float lse, double u, double *total)
{
	double sum = 0, part;

	for (size_t b = 0, end; b < n; b = end) {
		end = n - b < BLOCK ? n : b + BLOCK;
		part = exp((double)kern->lse(x + b, end - b, inv_t) - lse);
		if (sum + part <= u) {
			sum += part;
			continue;
		}
		for (size_t i = b; i < end; i++) {
			double p = exp((double)x[i] * inv_t - lse);

			sum += p;
			if (sum > u && p > 0)
				return i;
		}
	}
	*total = sum;
	return n;
}

static int draw_all(const float *x, size_t n, float inv_t, float lse, double u)
{
	double total;
	size_t i = passes(x, n, inv_t, lse, u, &total);

	/* fp32 probabilities need not sum to 1, and u may lie beyond their sum */
	if (i == n)
		i = passes(x, n, inv_t, lse, u * total * (1 - 1e-9), &total);
	return i < n ? (int)i : argmax(x, n);
}

static int by_logit(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->x != b->x)
		return a->x < b->x ? 1 : -1;
	return a->id < b->id ? -1 : 1;
}

static size_t bin_of(float x, float top, float inv_t)
{
	float d = (top - x) * inv_t * NAT;

	return d < BINS - 1 ? (size_t)d : BINS - 1;
}

/* Collects all tokens that top-k or top-p can keep, and possibly a few more, sorted by decreasing
 * probability; the rest need no sorting. */
static size_t likeliest(const float *x, size_t n, const struct sampling *s, float inv_t, float lse,
                        struct candidate *c, uint32_t *bins)
{
	float top = x[argmax(x, n)];
	size_t last = 0, count = 0;
	double mass = 0;

	memset(bins, 0, BINS * sizeof *bins);
	for (size_t i = 0; i < n; i++)
		if (x[i] > -HUGE_VALF)
			bins[bin_of(x[i], top, inv_t)]++;
	for (; last < BINS - 1; last++) {
		count += bins[last];
		/* every token in a bin is at least as likely as its far edge */
		mass += bins[last] * exp((double)top * inv_t - lse - (double)(last + 1) / NAT);
		if ((s->top_k > 0 && count >= (size_t)s->top_k) ||
		    (s->top_p < 1 && s->top_k <= 0 && mass > s->top_p))
			break;
	}
	count = 0;
	for (size_t i = 0; i < n; i++)
		if (x[i] > -HUGE_VALF && bin_of(x[i], top, inv_t) <= last)
			c[count++] = (struct candidate){x[i], (int)i};
	qsort(c, count, sizeof *c, by_logit);
	return count;
}

/* Top-k, then top-p on what remains. *log_mass: log of the softmax mass kept, at this
 * temperature. */
static int draw_filtered(const float *x, size_t n, const struct sampling *s, float inv_t, float lse,
                         double u, struct candidate *c, uint32_t *bins, double *log_mass)
{
	size_t count = likeliest(x, n, s, inv_t, lse, c, bins), keep;
	double sum = 0, mass = 0, target, top_mass;

	keep = s->top_k > 0 && (size_t)s->top_k < count ? (size_t)s->top_k : count;
	for (size_t i = 0; i < keep && s->top_k > 0; i++)
		mass += exp((double)c[i].x * inv_t - lse);
	top_mass = s->top_p * (s->top_k > 0 ? mass : 1);
	for (size_t i = 0; i < keep; i++) {
		sum += exp((double)c[i].x * inv_t - lse);
		if (sum >= top_mass) {
			keep = i + 1;
			break;
		}
	}
	*log_mass = log(sum);
	target = u * sum;
	for (size_t i = 0; i < keep; i++) {
		target -= exp((double)c[i].x * inv_t - lse);
		if (target < 0)
			return c[i].id;
	}
	return keep ? c[keep - 1].id : argmax(x, n);
}

int sample_token(const float *logits, size_t n, const struct sampling *s, double u,
                 const int *banned, size_t n_banned, float *logprob, float *sample_logprob,
                 void *scratch)
{
	float *copy = scratch, lse1 = kern->lse(logits, n, 1), lse, inv_t;
	struct candidate *c = (struct candidate *)(copy + n);
	const float *x = logits;
	double log_mass = 0;
	int id;

	if (n_banned) {
		memcpy(copy, logits, n * sizeof *copy);
		for (size_t i = 0; i < n_banned; i++)
			copy[banned[i]] = -HUGE_VALF;
		x = copy;
	}
	if (s->greedy || s->temperature <= 0) {
		id = argmax(x, n);
		*logprob = logits[id] - lse1;
		*sample_logprob = 0;
		return id;
	}
	inv_t = (float)(1 / s->temperature);
	lse = n_banned || inv_t != 1 ? kern->lse(x, n, inv_t) : lse1;
	if (s->top_k > 0 || s->top_p < 1)
		id = draw_filtered(x, n, s, inv_t, lse, u, c, (uint32_t *)(c + n), &log_mass);
	else
		id = draw_all(x, n, inv_t, lse, u);
	*logprob = logits[id] - lse1;
	*sample_logprob = x == logits && inv_t == 1 && log_mass == 0 ? *logprob :
	                  (float)((double)x[id] * inv_t - lse - log_mass);
	if (*sample_logprob > 0)                 /* by rounding */
		*sample_logprob = 0;
	return id;
}
