/* SPDX-License-Identifier: MIT */
/* What a token's divergence from the reference is, and its slope: a row for each --kl. */
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

int rl_kl_by_name(const char *name, enum rl_kl *out, struct err *e)
{
	for (size_t i = 0; i < LEN(rl_kls); i++)
		if (!strcmp(name, rl_kls[i].name)) {
			*out = (enum rl_kl)i;
			return 0;
		}
	return err_set(e, "expected exact, k1, k2 or k3, got '%s'", name);
}
