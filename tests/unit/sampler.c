/* SPDX-License-Identifier: MIT */
/* sample_token against the distribution written out in double: each token as often as it should be
 * over evenly spread uniform numbers, what top-k and top-p keep, the log-probabilities, ties,
 * banned tokens, rows of odd lengths. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dev/inside.h"
#include "levels.h"
#include "tap.h"

enum { DRAWS = 2000 };

struct row_of {
	size_t n;
	float *x;
	double *p, kept;             /* what is to be drawn; the part of the softmax that top-k and
	                              * top-p keep */
	int *order;                  /* likeliest first, ties by id */
};

static const float *sorting;

static int likelier(const void *pa, const void *pb)
{
	int a = *(const int *)pa, b = *(const int *)pb;

	if (sorting[a] != sorting[b])
		return sorting[a] < sorting[b] ? 1 : -1;
	return a - b;
}

/* Logits with a spread of about `width`, some of them equal. */
static struct row_of row_new(size_t n, double width, uint32_t seed)
{
	struct row_of r = {n, xcalloc(n, sizeof *r.x), xcalloc(n, sizeof *r.p), 1,
	                   xcalloc(n, sizeof *r.order)};

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		r.x[i] = (float)(width * floor((double)(seed >> 8) / 0x1p24 * 4000) / 4000);
		r.order[i] = (int)i;
	}
	sorting = r.x;
	qsort(r.order, n, sizeof *r.order, likelier);
	return r;
}

static void row_free(struct row_of *r)
{
	free(r->x), free(r->p), free(r->order);
}

static int is_banned(int id, const int *banned, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (banned[i] == id)
			return 1;
	return 0;
}

/* The rule of the manual, straight. */
static void expect(struct row_of *r, const struct sampling *s, const int *banned, size_t n_banned)
{
	double sum = 0, kept = 0, goal = s->top_p;
	size_t taken = 0;

	for (size_t i = 0; i < r->n; i++) {
		r->p[i] = is_banned((int)i, banned, n_banned)
		              ? 0
		              : exp(((double)r->x[i] - r->x[r->order[0]]) / s->temperature);
		sum += r->p[i];
	}
	for (size_t i = 0; i < r->n; i++)
		r->p[i] /= sum;
	if (s->top_k > 0) {
		goal = 0;
		for (size_t i = 0; i < r->n; i++)
			if (r->p[r->order[i]] > 0 && taken < (size_t)s->top_k) {
				goal += r->p[r->order[i]];
				taken++;
			} else {
				r->p[r->order[i]] = 0;
			}
		goal *= s->top_p;
	}
	for (size_t i = 0; i < r->n; i++) {
		double *p = &r->p[r->order[i]];

		if (s->top_p < 1 && kept >= goal)
			*p = 0;
		kept += *p;
	}
	r->kept = kept;
	for (size_t i = 0; i < r->n; i++)
		r->p[i] /= kept;
}

static void draws(const char *what, struct row_of *r, struct sampling s, const int *banned,
                  size_t n_banned)
{
	void *scratch = xaligned(sample_scratch(r->n));
	int *count = xcalloc(r->n, sizeof *count);
	double often = 0, off = 0;
	float lse1 = kern->lse(r->x, r->n, 1), lp, slp;
	int wrong_lp = 0;

	expect(r, &s, banned, n_banned);
	for (int i = 0; i < DRAWS; i++) {
		int id =
			sample_token(r->x, r->n, &s, (i + 0.5) / DRAWS, banned, n_banned, &lp, &slp, scratch);

		count[id]++;
		wrong_lp += lp != r->x[id] - lse1;
		off = fmax(off, fabs(slp - log(r->p[id])));
	}
	/* evenly spread numbers: no count is off by more than one or two */
	for (size_t i = 0; i < r->n; i++)
		often = fmax(often, fabs(count[i] - DRAWS * r->p[i]) / (r->p[i] > 0 ? 1 : 1e-9));
	ok(often < 2 && !wrong_lp && off < 2e-5,
	   "%s, %zu tokens: counts off by %.2g at most, log-probabilities by %.2g", what, r->n, often,
	   off);
	free(count);
	free(scratch);
}

static void edges(void)
{
	float x[40], lp, slp;
	struct sampling plain = {1, 1, 0, 0}, greedy = {1, 1, 0, 1}, k1 = {1, 1, 1, 0},
	                cold = {1e-3, 1, 0, 0};
	void *scratch = xaligned(sample_scratch(LEN(x)));
	int first = 17, above = 0;

	for (size_t i = 0; i < LEN(x); i++)
		x[i] = i == 17 || i == 33 || i == 39 ? 5 : -1;
	ok(sample_token(x, LEN(x), &greedy, 0.9, NULL, 0, &lp, &slp, scratch) == 17 && slp == 0,
	   "greedy: the first of equals");
	ok(sample_token(x, LEN(x), &greedy, 0.9, &first, 1, &lp, &slp, scratch) == 33,
	   "greedy: a banned token is passed over");
	ok(sample_token(x, LEN(x), &k1, 0.99, NULL, 0, &lp, &slp, scratch) == 17 && fabsf(slp) < 1e-6f,
	   "top-k 1 of equals: the first");
	ok(sample_token(x, LEN(x), &cold, 0.5, NULL, 0, &lp, &slp, scratch) == 33,
	   "nearly cold: the middle one of three equals");
	for (size_t i = 0; i < LEN(x); i++)
		x[i] = i < 20 ? 3 : -HUGE_VALF;
	ok(sample_token(x, LEN(x), &plain, 0x1.fffffffffffffp-1, NULL, 0, &lp, &slp, scratch) == 19,
	   "the largest number below 1: the last token that has a probability");
	ok(sample_token(x, LEN(x), &plain, 0, NULL, 0, &lp, &slp, scratch) == 0, "0: the first");
	for (size_t k = 0; k < 200; k++) {
		struct sampling how = {0.01 + 0.003 * (double)k, 1, 0, 0};

		for (size_t i = 0; i < LEN(x); i++)
			x[i] = i == k % LEN(x) ? 20 + (float)k / 7 : (float)i / 9;
		sample_token(x, LEN(x), &how, 0.5, NULL, 0, &lp, &slp, scratch);
		above += slp > 0 || lp > 0;
	}
	ok(!above, "no probability is above 1 by rounding (%d of 200)", above);
	free(scratch);
}

int main(void)
{
	static const size_t sizes[] = {1, 3, 17, 511, 512, 513, 1500};
	struct err e;

	for (size_t l = 0; l < LEN(levels); l++) {
		if (kern_init(1, &e) || !kern_level(levels[l])) {
			skip("%s: not on this machine", levels[l]);
			continue;
		}
		setenv("SCORE_ISA", levels[l], 1);
		if (kern_init(1, &e)) {
			ok(0, "%s", e.msg);
			return 1;
		}
		unsetenv("SCORE_ISA");
		for (size_t i = 0; i < LEN(sizes); i++) {
			struct row_of r = row_new(sizes[i], i % 2 ? 12 : 3, (uint32_t)(i + 1));
			int ban[] = {r.order[0], (int)sizes[i] / 2};
			size_t bans = sizes[i] > 3 && ban[0] != ban[1] ? 2 : 0;

			draws("plain", &r, (struct sampling){1, 1, 0, 0}, NULL, 0);
			draws("temperature 0.6", &r, (struct sampling){0.6, 1, 0, 0}, NULL, 0);
			draws("temperature 3, two banned", &r, (struct sampling){3, 1, 0, 0}, ban, bans);
			draws("top-k 7", &r, (struct sampling){1, 1, 7, 0}, NULL, 0);
			draws("top-p 0.9", &r, (struct sampling){1, 0.9, 0, 0}, NULL, 0);
			draws("top-k 40 and top-p 0.7 at 0.8, two banned", &r,
			      (struct sampling){0.8, 0.7, 40, 0}, ban, bans);
			row_free(&r);
		}
		edges();
	}
	return done();
}
