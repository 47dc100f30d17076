/* SPDX-License-Identifier: MIT */
/* The metrics row of an update (schemas/metrics.json). */
#include "rl/rl.h"

#include <math.h>

static struct js ratio(double sum, size_t n)
{
	return n ? js_num(sum / (double)n) : js_null();
}

enum per_turn { REWARD, RETURN, KL, LENGTH, TRUNCATED, FLAT };

static struct js turns(const struct rl_stats *s, enum per_turn what)
{
	struct js a = js_array();

	for (size_t k = 0; k < s->turns; k++) {
		const struct rl_turn_stats *t = &s->turn[k];

		switch (what) {
		case REWARD:
			js_push(&a, ratio(t->reward, t->n));
			break;
		case RETURN:
			js_push(&a, ratio(t->ret, t->trained));
			break;
		case KL:
			js_push(&a, s->has_ref ? ratio(t->kl, t->trained) : js_null());
			break;
		case LENGTH:
			js_push(&a, ratio(t->length, t->n));
			break;
		case TRUNCATED:
			js_push(&a, ratio(t->cut, t->n));
			break;
		case FLAT:
			js_push(&a, ratio((double)t->flat, t->groups));
			break;
		}
	}
	return a;
}

static void pg_metrics(const struct rl_stats *s, struct js *o)
{
	double ess = s->weight * s->weight / s->weight2 / (double)s->weighed;
	struct js r = js_object();
	size_t unpaired = 0;

	for (size_t k = 0; k < s->turns; k++)
		unpaired += s->turn[k].unpaired;
	js_set(o, "reward", turns(s, REWARD));
	js_set(o, "return", turns(s, RETURN));
	js_set(o, "kl", turns(s, KL));
	js_set(o, "entropy", ratio(s->entropy, s->tokens));
	js_set(&r, "max", s->compared ? js_num(s->ratio_max) : js_null());
	js_set(&r, "outside", ratio((double)s->outside, s->compared));
	js_set(&r, "k1", ratio(s->k1, s->compared));
	js_set(&r, "k3", ratio(s->k3, s->compared));
	js_set(o, "ratio", r);
	js_set(o, "ess", s->weight2 > 0 ? js_num(fmin(ess, 1)) : js_null());
	js_set(o, "clipped", s->importance ? ratio((double)s->clipped, s->weighed) : js_null());
	js_set(o, "zero_variance", turns(s, FLAT));
	js_set(o, "unpaired", js_num((double)unpaired));
	js_set(o, "changed", ratio((double)s->changed, s->pairs));
}

struct js rl_metrics(const struct rl_stats *s, int64_t step, double grad_norm, double lr)
{
	int pg = s->objective == RL_PG;
	struct js o = js_object();

	js_set(&o, "step", js_num((double)step));
	js_set(&o, "batch_step", s->written < 0 ? js_null() : js_num((double)s->written));
	js_set(&o, "objective", js_str(pg ? "pg" : "nll"));
	js_set(&o, "stage", pg && s->stage ? js_num(s->stage) : js_null());
	js_set(&o, "n", js_num((double)s->n));
	js_set(&o, "errors", js_num((double)s->errors));
	js_set(&o, "loss", js_num(s->loss));
	js_set(&o, "grad_norm", js_num(grad_norm));
	js_set(&o, "lr", js_num(lr));
	js_set(&o, "tokens", js_num((double)s->tokens));
	if (pg)
		pg_metrics(s, &o);
	js_set(&o, "length", turns(s, LENGTH));
	js_set(&o, "truncated", turns(s, TRUNCATED));
	return o;
}
