/* SPDX-License-Identifier: MIT */
/*
 * The tables: what a token's divergence from the reference is, and its slope (--kl); what a token
 * counts that another distribution drew (--importance).
 */
#include "rl/rl.h"

#include <math.h>
#include <string.h>

static double k1(double d)
{
	return d;
}

static double k2(double d)
{
	return d * d / 2;
}

static double k3(double d)
{
	return expm1(-d) + d;
}

static double k3_slope(double d)
{
	return -expm1(-d);
}

const struct rl_kl_kind rl_kls[] = {
	[RL_EXACT] = {.name = "exact", .vocabulary = 1},
	[RL_K1] = {.name = "k1", .value = k1, .advantage = 1},
	[RL_K2] = {.name = "k2", .value = k2, .slope = k1},
	[RL_K3] = {.name = "k3", .value = k3, .slope = k3_slope},
};

static double truncated(double r, double advantage, double c)
{
	(void)advantage;
	return r < c ? r : c;
}

/* The slope of min(r A, clip(r) A) by log pi, over A. */
static double clipped(double r, double advantage, double c)
{
	return (advantage > 0 ? r > 1 + c : r < 1 - c) ? 0 : r;
}

const struct rl_estimator rl_estimators[] = {
	[RL_NONE] = {.name = "none"},
	[RL_TOKEN] = {.name = "token", .weight = truncated, .c = 2, .least = 1},
	[RL_TURN] = {.name = "turn", .weight = truncated, .c = 2, .least = 1, .turn = 1},
	[RL_PPO] = {.name = "ppo", .weight = clipped, .c = 0.2},
};

double rl_token_weight(enum rl_importance i, double clip_ratio, const struct rl_part *p, size_t j)
{
	const struct rl_estimator *s = &rl_estimators[i];

	if (!s->weight || s->turn || !p->sampled)
		return 1;
	return s->weight(exp((double)p->logp[j] - p->sampled[j]), -p->c_logp, clip_ratio);
}

int rl_importance_by_name(const char *name, enum rl_importance *out, struct err *e)
{
	for (size_t i = 0; i < LEN(rl_estimators); i++)
		if (!strcmp(name, rl_estimators[i].name)) {
			*out = (enum rl_importance)i;
			return 0;
		}
	return err_set(e, "expected none, token, turn or ppo, got '%s'", name);
}

int rl_kl_by_name(const char *name, enum rl_kl *out, struct err *e)
{
	for (size_t i = 0; i < LEN(rl_kls); i++)
		if (!strcmp(name, rl_kls[i].name)) {
			*out = (enum rl_kl)i;
			return 0;
		}
	return err_set(e, "expected exact, k1, k2 or k3, got '%s'", name);
}
