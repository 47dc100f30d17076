/* SPDX-License-Identifier: MIT */
/*
 * Baselines where the policy decides how many turns there are: the estimator's mean, over every
 * outcome of a group, against the exact gradient of the expected sum of rewards. A tabular policy:
 * the first turn ends the dialogue or goes on in one of two ways, the second one has two answers.
 */
#include <math.h>
#include <stdlib.h>

#include "shape/shape.h"
#include "tap.h"

/* Logits: of the first turn's three acts, then of the second one's two after each way on. */
enum {
	FIRST = 3, SECOND = 2, LOGITS = FIRST + 2 * SECOND, OUTCOMES = 1 + 2 * SECOND,
	MOST = 4                     /* samples in a group */
};

static const double rewards[OUTCOMES][2] = {{0.3, 0}, {0.5, 1}, {0.5, 0.25}, {0, 0.75}, {0, 0}};

/* Act of turn k in an outcome: its first logit, how many, which it took; 0: no such turn. */
static size_t act_of_turn(int outcome, size_t k, size_t *first, size_t *took)
{
	int way = outcome ? 1 + (outcome - 1) / SECOND : 0;

	if (k == 0) {
		*first = 0;
		*took = (size_t)way;
		return FIRST;
	}
	if (!way)
		return 0;
	*first = FIRST + (size_t)(way - 1) * SECOND;
	*took = (size_t)((outcome - 1) % SECOND);
	return SECOND;
}

/* d log p(outcome's turn k), times a, is added to g; returns p. */
static double score(const double *z, int outcome, size_t k, double a, double *g)
{
	size_t at, took, n = act_of_turn(outcome, k, &at, &took);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += exp(z[at + i]);
	for (size_t i = 0; i < n; i++)
		g[at + i] += a * ((i == took) - exp(z[at + i]) / sum);
	return n ? exp(z[at + took]) / sum : 1;
}

static double probability(const double *z, int outcome)
{
	double none[LOGITS];

	return score(z, outcome, 0, 0, none) * score(z, outcome, 1, 0, none);
}

/* The gradient of the expected sum of both turns' rewards. */
static void exact(const double *z, double *g)
{
	for (int o = 0; o < OUTCOMES; o++)
		for (size_t k = 0; k < 2; k++)
			score(z, o, k, probability(z, o) * (rewards[o][0] + rewards[o][1]), g);
}

/* Adds one group's estimate, times its probability: its members' outcomes are o[n]. */
static void group(const double *z, const int *o, size_t n, enum shape_baseline b, double *g)
{
	struct shaping s = {.stage = 2, .gamma = 1, .baseline = b};
	struct traj t[MOST], *all[MOST];
	struct turn u[MOST][2] = {{{0}}};
	size_t unpaired = 0;
	double p = 1;

	for (size_t i = 0; i < n; i++) {
		t[i] = (struct traj){.has_batch = 1, .sample = (int64_t)i, .turns = u[i],
		                     .n_turns = o[i] ? 2 : 1};
		all[i] = &t[i];
		u[i][1].ret = rewards[o[i]][1];
		u[i][0].ret = rewards[o[i]][0] + rewards[o[i]][1];
		p *= probability(z, o[i]);
	}
	shape_advantages(&s, all, n, &unpaired);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t[i].n_turns; k++)
			score(z, o[i], k, p * u[i][k].advantage / (double)n, g);
}

/* The mean estimate over all groups of n. */
static void estimate(const double *z, size_t n, enum shape_baseline b, double *g)
{
	int o[MOST] = {0};
	size_t i;

	do {
		group(z, o, n, b, g);
		for (i = 0; i < n && ++o[i] == OUTCOMES; i++)
			o[i] = 0;
	} while (i < n);
}

static double distance(const double *a, const double *b)
{
	double num = 0, den = 0;

	for (size_t i = 0; i < LOGITS; i++) {
		num += pow(a[i] - b[i], 2);
		den += b[i] * b[i];
	}
	return sqrt(num / den);
}

int main(void)
{
	/* goes on often, seldom, hardly ever */
	static const double policies[][LOGITS] = {
		{0, 1, 0.5, 0.2, -0.4, 0, 0.7}, {2, 0, -1, 0.2, -0.4, 0, 0.7}, {5, 0, -1, 1, -1, 0.3, 0},
	};

	for (size_t i = 0; i < LEN(policies); i++) {
		double want[LOGITS] = {0};

		exact(policies[i], want);
		for (size_t n = 2; n <= MOST; n++) {
			double loo[LOGITS] = {0}, all[LOGITS] = {0};

			estimate(policies[i], n, SHAPE_LOO, loo);
			estimate(policies[i], n, SHAPE_GROUP, all);
			ok(distance(loo, want) < 1e-12, "policy %zu, groups of %zu: loo is exact (%.2g off)",
			   i, n, distance(loo, want));
			ok(distance(all, want) > 0.1, "policy %zu, groups of %zu: the mean of all is not", i,
			   n);
		}
	}
	return done();
}
