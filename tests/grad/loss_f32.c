/* SPDX-License-Identifier: MIT */
/*
 * The gradient of rl_step against central differences of J, in the fp32 build. J is written here a
 * second time, from its definition: one sequence after the other, log-softmax in double,
 * the sums as the formula has them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "toy.h"

enum { TRAJS = 6, TURNS = 3, PROBES = 6 };

/* ---- a batch: two groups, two or three turns, unequal lengths, given turns, an error ---- */

struct shape {
	int index, sample, error;
	struct {
		int context, tokens, given;
		double advantage, weight;
	} turn[TURNS];
};

static const struct shape shapes[TRAJS] = {
	{0, 0, 0, {{5, 3, 0, 1.5, 1}, {2, 6, 0, -0.75, 2}}},
	{0, 1, 0, {{5, 4, 0, -0.5, 0}, {2, 1, 0, 2, 1}}},
	{0, 2, 1, {{5, 2, 0, 9, 1}, {3, 5, 0, 9, 1}}},
	{1, 0, 0, {{4, 2, 1, 7, 1}, {2, 4, 0, 0.25, 0.5}}},
	{1, 1, 0, {{4, 6, 0, -1, 1}, {2, 2, 0, 0.5, 1}, {1, 3, 0, 1, 3}}},
	{1, 2, 0, {{3, 2, 0, 0, 1}, {2, 2, 0, -2, 1}, {1, 2, 1, 5, 1}}},
};

static struct traj batch[TRAJS];

static int *some_ids(size_t n, uint64_t salt)
{
	struct rng r = rng_stream(5, "ids", salt, "", 0, 0);
	int *ids = xcalloc(n + 1, sizeof *ids);

	for (size_t i = 0; i < n; i++)
		ids[i] = (int)rng_below(&r, i, V);
	return ids;
}

static void batch_make(int stage, double hotter)
{
	for (size_t i = 0; i < TRAJS; i++) {
		const struct shape *s = &shapes[i];
		struct traj *t = &batch[i];

		*t = (struct traj){
			.rec = js_object(), .id = xstrdup("p"), .has_batch = 1, .size = 2, .index = s->index,
			.group = 3, .sample = s->sample, .stage = stage,
			.turns = xcalloc(TURNS, sizeof *t->turns),
		};
		for (size_t k = 0; k < TURNS && s->turn[k].tokens; k++) {
			t->turns[k] = (struct turn){
				.n_context = (size_t)s->turn[k].context, .n_tokens = (size_t)s->turn[k].tokens,
				.context = some_ids((size_t)s->turn[k].context, 100 * i + k),
				.tokens = some_ids((size_t)s->turn[k].tokens, 100 * i + k + 50),
				.has_tokens = 1, .has_context = 1, .given = s->turn[k].given, .snapshot = 0,
				.weight = s->turn[k].weight, .has_reward = 1, .error = s->error && k == 1,
				.temperature = hotter > 0 ? 0.6 * pow(hotter, (double)k) : 1,
				.has_return = 1, .advantage = s->turn[k].advantage, .ret = s->turn[k].advantage,
			};
			t->n_turns++;
		}
	}
}

static void batch_free(void)
{
	for (size_t i = 0; i < TRAJS; i++)
		traj_release(&batch[i]);
}

/* ---- J once more ------------------------------------------------------------ */

struct sums {
	double logp, exact, k1, k2, k3;
};

/* A turn's sums over its tokens. The reference does not move: its side is kept. */
static void turn_sums(const struct traj *t, struct sums out[TURNS])
{
	static float p[MOST][V], ref[TRAJS][MOST][V];
	static int known[TRAJS];
	size_t at = 0, which = (size_t)(t - batch);
	int ids[MOST];

	toy_logits(policy, t, p, ids);
	if (!known[which])
		toy_logits(reference, t, ref[which], ids);
	known[which] = 1;
	for (size_t k = 0; k < t->n_turns; k++) {
		out[k] = (struct sums){0};
		at += t->turns[k].n_context;
		for (size_t j = 0; j < t->turns[k].n_tokens; j++, at++) {
			double a[V], b[V], d;

			log_softmax(p[at - 1], t->turns[k].temperature, a);
			log_softmax(ref[which][at - 1], t->turns[k].temperature, b);
			d = a[ids[at]] - b[ids[at]];
			out[k].logp += a[ids[at]];
			for (size_t v = 0; v < V; v++)
				out[k].exact += exp(a[v]) * (a[v] - b[v]);
			out[k].k1 += d;
			out[k].k2 += d * d / 2;
			out[k].k3 += exp(-d) - 1 + d;
		}
	}
}

struct scene {
	const char *name;
	struct rl_loss l;
	int stage;
	/* the first turn's temperature is 0.6, each next one's so much times that; 0: all 1 */
	double hotter;
};

/* k1's detached term for every turn, at the unperturbed weights. */
static double detached[TRAJS][TURNS];

static double beta_of(const struct scene *c, const struct traj *t, size_t k)
{
	return c->stage == 1 && k != t->n_turns - 1 ? c->l.beta2 : c->l.beta1;
}

static void detach(const struct scene *c)
{
	double s[TRAJS][TURNS];

	for (size_t i = 0; i < TRAJS; i++) {
		struct sums u[TURNS];

		turn_sums(&batch[i], u);
		for (size_t k = 0; k < batch[i].n_turns; k++)
			s[i][k] = u[k].k1 / (c->l.per_token ? (double)batch[i].turns[k].n_tokens : 1);
	}
	for (size_t i = 0; i < TRAJS; i++)
		for (size_t k = 0; k < batch[i].n_turns; k++) {
			double others = 0;
			int n = 0;

			for (size_t j = 0; j < TRAJS; j++)
				if (j != i && shapes[j].index == shapes[i].index && !shapes[j].error &&
				    k < batch[j].n_turns && !batch[j].turns[k].given) {
					others += s[j][k];
					n++;
				}
			detached[i][k] = beta_of(c, &batch[i], k) * (s[i][k] - (n ? others / n : 0));
		}
}

/* Of a turn's sum of log pi: 1, or over the turn's tokens, or the batch's for each trajectory. */
static double policy_scale(const struct scene *c, const struct turn *t)
{
	double tokens = 0, n = 0;

	for (size_t i = 0; i < TRAJS; i++) {
		n += !shapes[i].error;
		for (size_t k = 0; k < batch[i].n_turns; k++)
			if (!shapes[i].error && !batch[i].turns[k].given)
				tokens += (double)batch[i].turns[k].n_tokens;
	}
	return c->l.policy_scale == RL_MEAN ? 1 / (double)t->n_tokens :
	       c->l.policy_scale == RL_BATCH ? n / tokens : 1;
}

/* The loss that is minimised; for k1 the surrogate whose gradient is the estimate. */
static double loss(const void *ctx)
{
	const struct scene *c = ctx;
	double j = 0, weights = 0;

	for (size_t i = 0; i < TRAJS; i++) {
		struct sums u[TURNS];

		if (shapes[i].error)
			continue;
		turn_sums(&batch[i], u);
		for (size_t k = 0; k < batch[i].n_turns; k++) {
			const struct turn *t = &batch[i].turns[k];
			double kl[] = {u[k].exact, 0, u[k].k2, u[k].k3}, a = t->advantage;
			double scale = c->l.per_token ? 1 / (double)t->n_tokens : 1;

			if (c->l.objective == RL_NLL) {
				j -= t->weight * u[k].logp;
				weights += t->weight * (double)t->n_tokens;
			} else if (!t->given) {
				if (c->l.kl == RL_K1)
					a -= detached[i][k];
				a *= policy_scale(c, t);
				j -= (a * u[k].logp - beta_of(c, &batch[i], k) * scale * kl[c->l.kl]) / 5;
			}
		}
	}
	return c->l.objective == RL_NLL ? j / weights : j;
}

/* ---- checks --------------------------------------------------------------------- */

static int gradient(const struct scene *c, size_t micro, int reversed, struct grads *g,
                    struct rl_stats *s)
{
	struct rl_pass *p = rl_pass_new(policy, reference, micro, 0);
	struct traj *t[TRAJS];
	struct err e = {""};
	int rc;

	for (size_t i = 0; i < TRAJS; i++)
		t[i] = &batch[reversed ? TRAJS - 1 - i : i];
	grads_init(g, &config);
	rc = rl_step(&c->l, p, t, TRAJS, g, s, NULL, &e);
	if (rc)
		diag("%s", e.msg);
	rl_pass_free(p);
	return rc;
}

static void differences(const struct scene *c)
{
	struct grads g;
	struct rl_stats s;
	double worst = 0;
	size_t bad = 0;

	if (!ok(!gradient(c, 1000, 0, &g, &s), "%s: a step", c->name))
		return;
	if (c->l.kl != RL_K1)
		ok(fabs(s.loss - loss(c)) < 1e-5 * (1 + fabs(s.loss)),
		   "%s: loss %.7g, from the formula %.7g", c->name,
		   s.loss, loss(c));
	for (size_t i = 0; i < g.n; i++) {
		struct param p;
		double num = 0, den = 0;

		model_param(&config, i, &p);
		for (size_t k = 0; k < PROBES; k++) {
			size_t j = (k * 7919 + i * 13) % (p.rows * p.cols);
			double fd = slope(loss, c, i, j);

			num += pow(fd - floats_of(g.g[i])[j], 2);
			den += fd * fd;
		}
		worst = den > 0 ? fmax(worst, sqrt(num / den)) : worst;
		if (sqrt(num) > 1e-3 * sqrt(den) + 2e-4) {
			diag("%s: difference %g of %g", p.name, sqrt(num), sqrt(den));
			bad++;
		}
	}
	ok(!bad, "%s: gradient = differences of J (largest relative difference %.2g)", c->name, worst);
	grads_release(&g);
}

/* Relative distance of two gradients, the largest over tensors; *same: all bits equal. */
static double distance(const struct grads *a, const struct grads *b, int *same)
{
	double worst = 0;

	*same = 1;
	for (size_t i = 0; i < a->n; i++) {
		struct param p;
		double num = 0, den = 0;

		model_param(&config, i, &p);
		for (size_t j = 0; j < p.rows * p.cols; j++) {
			double d = (double)floats_of(a->g[i])[j] - floats_of(b->g[i])[j];

			num += d * d;
			den += (double)floats_of(a->g[i])[j] * floats_of(a->g[i])[j];
			*same = *same && !memcmp(&floats_of(a->g[i])[j], &floats_of(b->g[i])[j],
			                         sizeof(float));
		}
		worst = fmax(worst, den > 0 ? sqrt(num / den) : num);
	}
	return worst;
}

static void splits(const struct scene *c)
{
	static const size_t micro[] = {1, 8, 12, 25, 40};
	struct grads whole, part;
	struct rl_stats s, ps;
	int same, rc = gradient(c, 1000, 0, &whole, &s);

	for (size_t i = 0; !rc && i < LEN(micro); i++) {
		double d;

		rc = gradient(c, micro[i], 0, &part, &ps);
		d = distance(&whole, &part, &same);
		ok(!rc && d <= 1e-5 && ps.loss == s.loss,
		   "%s: --micro-tokens %zu: relative difference %.2g", c->name,
		   micro[i], d);
		grads_release(&part);
	}
	rc = rc || gradient(c, 1000, 1, &part, &ps);
	distance(&whole, &part, &same);
	ok(!rc && same && ps.loss == s.loss, "%s: another order of lines gives the same bits", c->name);
	grads_release(&part);
	grads_release(&whole);
}

/* The gradient is linear in each advantage, so a change of turn 2's must change it by the
 * gradient of turn 2's own log-probability and nothing else; here that is shown on the whole
 * gradient, not on samples of it. */
static void no_leak(void)
{
	struct scene c = {"leak", {.objective = RL_PG}, 2, 0};
	struct grads a, b, only;
	struct rl_stats s;
	double num = 0, den = 0, first = 0;
	int rc;

	batch_make(2, 0);
	rc = gradient(&c, 1000, 0, &a, &s);
	batch[0].turns[1].advantage += 3;
	rc = rc || gradient(&c, 1000, 0, &b, &s);
	/* the same change alone: everything else weighs nothing */
	for (size_t i = 0; i < TRAJS; i++)
		for (size_t k = 0; k < batch[i].n_turns; k++)
			batch[i].turns[k].advantage = i == 0 && k == 1 ? 3 : 0;
	rc = rc || gradient(&c, 1000, 0, &only, &s);
	for (size_t i = 0; !rc && i < a.n; i++) {
		struct param p;

		model_param(&config, i, &p);
		for (size_t j = 0; j < p.rows * p.cols; j++) {
			double sum = (double)floats_of(a.g[i])[j] + floats_of(only.g[i])[j];
			double d = floats_of(b.g[i])[j] - sum;

			num += d * d;
			den += (double)floats_of(only.g[i])[j] * floats_of(only.g[i])[j];
		}
	}
	ok(!rc && sqrt(num / den) < 1e-5, "turn 2's advantage moves turn 2's gradient only (%.2g)",
	   sqrt(num / den));
	grads_release(&only);
	/* and a trajectory whose only weight is on turn 1 does not see turn 2's tokens at all */
	batch[0].turns[1].advantage = 0;
	batch[0].turns[0].advantage = 1;
	rc = gradient(&c, 1000, 0, &only, &s);
	batch[0].turns[1].tokens[5] = (batch[0].turns[1].tokens[5] + 1) % V;
	grads_release(&b);
	rc = rc || gradient(&c, 1000, 0, &b, &s);
	for (size_t i = 0; !rc && i < b.n; i++) {
		struct param p;

		model_param(&config, i, &p);
		for (size_t j = 0; j < p.rows * p.cols; j++)
			first = fmax(first,
			             fabs((double)floats_of(b.g[i])[j] - floats_of(only.g[i])[j]));
	}
	ok(!rc && first == 0, "turn 2's tokens are nothing to turn 1's gradient");
	grads_release(&a);
	grads_release(&b);
	grads_release(&only);
	batch_free();
}

/* A given turn: neither its advantage nor its KL reach the gradient, but it is context. */
static void given(void)
{
	struct scene c = {"given", {.objective = RL_PG, .beta1 = 0.3, .beta2 = 0.7}, 1, 0};
	struct grads a, b;
	struct rl_stats s;
	int rc, same;

	batch_make(1, 0);
	rc = gradient(&c, 1000, 0, &a, &s);
	batch[3].turns[0].advantage = -40;
	batch[5].turns[2].tokens[1] = (batch[5].turns[2].tokens[1] + 1) % V;
	rc = rc || gradient(&c, 1000, 0, &b, &s);
	distance(&a, &b, &same);
	ok(!rc && same, "a given turn's advantage and last token change no bit of the gradient");
	grads_release(&b);
	for (size_t i = 0; i < TRAJS; i++)
		for (size_t k = 0; k < batch[i].n_turns; k++)
			batch[i].turns[k].given = 1;
	rc = gradient(&c, 1000, 0, &b, &s);
	for (size_t i = 0; i < b.n; i++) {
		struct param p;

		model_param(&config, i, &p);
		for (size_t j = 0; j < p.rows * p.cols; j++)
			same = same && floats_of(b.g[i])[j] == 0;
	}
	ok(!rc && same && !s.tokens, "all turns given: the gradient is 0");
	grads_release(&a);
	grads_release(&b);
	batch_free();
}

int main(void)
{
	static const struct scene scenes[] = {
		{"policy term", {.objective = RL_PG}, 2, 0},
		{"exact, Stage II", {.objective = RL_PG, .kl = RL_EXACT, .beta1 = 0.4, .beta2 = 3}, 2, 0},
		{"exact, Stage I", {.objective = RL_PG, .kl = RL_EXACT, .beta1 = 0.1, .beta2 = 0.6}, 1, 0},
		{"exact, per token", {.objective = RL_PG, .kl = RL_EXACT, .per_token = 1, .beta1 = 0.4,
			.beta2 = 2}, 1, 0},
		{"k1", {.objective = RL_PG, .kl = RL_K1, .beta1 = 0.2, .beta2 = 0.5}, 1, 0},
		{"k1, per token", {.objective = RL_PG, .kl = RL_K1, .per_token = 1, .beta1 = 0.9}, 2, 0},
		{"k2", {.objective = RL_PG, .kl = RL_K2, .beta1 = 0.2, .beta2 = 0.5}, 1, 0},
		{"k3", {.objective = RL_PG, .kl = RL_K3, .beta1 = 0.2, .beta2 = 0.5}, 1, 0},
		{"a mean over the turn's tokens",
			{.objective = RL_PG, .policy_scale = RL_MEAN, .beta1 = 0.2}, 2, 0},
		{"a mean over the batch's tokens",
			{.objective = RL_PG, .policy_scale = RL_BATCH, .kl = RL_K1, .beta1 = 0.2}, 2, 0},
		{"nll", {.objective = RL_NLL}, 0, 0},
		{"policy term, temperatures", {.objective = RL_PG}, 2, 1.7},
		{"exact, temperatures", {.objective = RL_PG, .beta1 = 0.4, .beta2 = 2}, 1, 1.7},
		{"k1, temperatures", {.objective = RL_PG, .kl = RL_K1, .beta1 = 0.3}, 2, 1.7},
		{"k2, temperatures", {.objective = RL_PG, .kl = RL_K2, .beta1 = 0.3}, 2, 1.7},
		{"k3, temperatures", {.objective = RL_PG, .kl = RL_K3, .beta1 = 0.3}, 2, 1.7},
	};
	struct err e;

	if (kern_init(1, &e)) {
		printf("Bail out! %s\n", e.msg);
		return 1;
	}
	policy = model_made(1, &w);
	reference = model_made(2, NULL);
	for (size_t i = 0; i < LEN(scenes); i++) {
		batch_make(scenes[i].stage, scenes[i].hotter);
		detach(&scenes[i]);
		differences(&scenes[i]);
		splits(&scenes[i]);
		batch_free();
	}
	no_leak();
	given();
	for (size_t i = 0; i < model_params(&config); i++)
		free(w[i]);
	free(w);
	model_free(policy);
	model_free(reference);
	return done();
}
