/* SPDX-License-Identifier: MIT */
/* One token from one row of logits. */
#include "model/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512 };            /* logits summed at once when looking for where u falls */

struct candidate {
	float x;
	int id;
};

size_t sample_scratch(size_t vocab)
{
	size_t blocks = (vocab / BLOCK + 1) * sizeof(float);

	return vocab * (sizeof(float) + sizeof(struct candidate)) + blocks + 64;
}

int sampling_plain(const struct sampling *s)
{
	return s->temperature == 1 && s->top_p >= 1 && s->top_k == 0 && !s->greedy;
}

static int argmax(const float *x, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (x[i] > x[best])
			best = i;
	return (int)best;
}

/* Inverse of the cumulative softmax at u: first the block in which u falls, then the token. */
static int draw_all(const float *x, size_t n, float inv_t, double u, float *blocks)
{
	size_t nb = (n + BLOCK - 1) / BLOCK, b, i, end;
	float top = -HUGE_VALF;
	double total = 0, sum = 0, target, part = 0;
	int last = -1;

	for (b = 0; b < nb; b++) {
		blocks[b] = kern->lse(x + b * BLOCK, b + 1 < nb ? BLOCK : n - b * BLOCK, inv_t);
		if (blocks[b] > top)
			top = blocks[b];
	}
	for (b = 0; b < nb; b++)
		total += exp((double)blocks[b] - top);
	target = u * total;
	for (b = 0; b + 1 < nb; b++) {
		part = exp((double)blocks[b] - top);
		if (sum + part > target)
			break;
		sum += part;
	}
	for (end = (b + 1) * BLOCK < n ? (b + 1) * BLOCK : n, i = b * BLOCK; i < end; i++) {
		double p = exp((double)x[i] * inv_t - top);

		if (p > 0)
			last = (int)i;
		sum += p;
		if (sum > target && p > 0)
			return (int)i;
	}
	/* rounding left u beyond the last token: that one, or the likeliest if the block is empty */
	return last >= 0 ? last : argmax(x, n);
}

static int by_logit(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->x != b->x)
		return a->x < b->x ? 1 : -1;
	return a->id < b->id ? -1 : 1;
}

/* Top-k, then top-p of what is left. *log_mass: log of the kept part of the softmax at this temperature. */
static int draw_filtered(const float *x, size_t n, const struct sampling *s, float inv_t, float lse, double u,
                         struct candidate *c, double *log_mass)
{
	size_t count = 0, keep;
	double sum = 0, mass = 0, target, top_mass;
	/* tokens rarer than (1 - p) / V cannot be needed to reach the mass p */
	double floor_logp = s->top_p < 1 ? log((1 - s->top_p) / (double)n) : -HUGE_VAL;

	if (s->top_k > 0)
		floor_logp = -HUGE_VAL;
	for (size_t i = 0; i < n; i++)
		if ((double)x[i] * inv_t - lse >= floor_logp && x[i] > -HUGE_VALF)
			c[count++] = (struct candidate){x[i], (int)i};
	qsort(c, count, sizeof *c, by_logit);
	keep = s->top_k > 0 && (size_t)s->top_k < count ? (size_t)s->top_k : count;
	for (size_t i = 0; i < keep; i++)
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
	for (size_t i = 0, j = keep; i < j; i++) {
		target -= exp((double)c[i].x * inv_t - lse);
		if (target < 0)
			return c[i].id;
	}
	return c[keep - 1].id;
}

int sample_token(const float *logits, size_t n, const struct sampling *s, double u, const int *banned,
                 size_t n_banned, float *logprob, float *sample_logprob, void *scratch)
{
	float *copy = scratch, *blocks = copy + n, lse1 = kern->lse(logits, n, 1), lse, inv_t;
	struct candidate *c = (struct candidate *)(blocks + n / BLOCK + 2);
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
		id = draw_filtered(x, n, s, inv_t, lse, u, c, &log_mass);
	else
		id = draw_all(x, n, inv_t, u, blocks);
	*logprob = logits[id] - lse1;
	*sample_logprob = x == logits && inv_t == 1 && log_mass == 0 ? *logprob :
	                  (float)((double)x[id] * inv_t - lse - log_mass);
	return id;
}
