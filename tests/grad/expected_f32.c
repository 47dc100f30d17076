/* SPDX-License-Identifier: MIT */
/*
 * The gradient on average, exactly: every response of two letters is in the batch, its advantage
 * times its probability under what is said to have drawn it. The batch's gradient is then that of
 * the expected reward, which is differentiated by itself.
 */
#include "toy.h"

enum { N = V * V, PROBES = 6 };

struct scene {
	const char *name;
	struct rl_loss l;
	double temperature;
	int both;                    /* the second letter earns something, too */
};

static const int context[] = {3, 11};
static struct traj all[N];

static double reward(const struct scene *c, int a, int b)
{
	double first = (a * 7 + 3) % V % 5 / 4.0;

	return c->both ? first + (a * 5 + b * 11) % V % 4 / 3.0 : first;
}

/* log p of all responses: the first letter's and the second's. */
static void responses(struct model *m, double temperature, double out[V][V])
{
	double first[V], second[V];
	float x[MOST][V];
	int ids[MOST], token;
	struct turn u = {
		.context = (int *)(uintptr_t)context, .n_context = LEN(context), .tokens = &token,
		.n_tokens = 1,
	};
	struct traj t = {.turns = &u, .n_turns = 1};

	for (token = 0; token < V; token++) {
		size_t n = toy_logits(m, &t, x, ids);

		log_softmax(x[n - 2], temperature, first);
		log_softmax(x[n - 1], temperature, second);
		for (int b = 0; b < V; b++)
			out[token][b] = first[token] + second[b];
	}
}

/* What the loss is on average: less the expected reward. */
static double expected(const void *ctx)
{
	const struct scene *c = ctx;
	double logp[V][V], sum = 0;

	responses(policy, c->temperature, logp);
	for (int a = 0; a < V; a++)
		for (int b = 0; b < V; b++)
			sum -= exp(logp[a][b]) * reward(c, a, b);
	return sum;
}

static void batch_make(const struct scene *c)
{
	double logp[V][V];

	responses(policy, c->temperature, logp);
	for (int i = 0; i < N; i++) {
		int a = i / V, b = i % V, ids[] = {context[0], context[1], a, b};
		struct turn *u = xcalloc(1, sizeof *u);

		*u = (struct turn){
			.context = xmalloc(2 * sizeof(int)), .n_context = 2,
			.tokens = xmalloc(2 * sizeof(int)), .n_tokens = 2,
			.has_tokens = 1, .has_context = 1, .has_reward = 1, .has_return = 1, .weight = 1,
			.temperature = c->temperature,
			.advantage = N * exp(logp[a][b]) * reward(c, a, b),
		};
		memcpy(u->context, ids, 2 * sizeof(int));
		memcpy(u->tokens, ids + 2, 2 * sizeof(int));
		all[i] = (struct traj){
			.rec = js_object(), .id = xstrdup("p"), .has_batch = 1, .size = 1, .group = N,
			.sample = i, .stage = 2, .turns = u, .n_turns = 1,
		};
	}
}

static int gradient(const struct scene *c, struct grads *g, struct rl_stats *s)
{
	struct rl_pass *p = rl_pass_new(policy, reference, 0, 0);
	struct traj *t[N];
	struct err e = {""};
	int rc;

	batch_make(c);
	for (int i = 0; i < N; i++)
		t[i] = &all[i];
	grads_init(g, &config);
	rc = rl_step(&c->l, p, t, N, g, s, NULL, &e);
	if (rc)
		diag("%s", e.msg);
	rl_pass_free(p);
	for (int i = 0; i < N; i++)
		traj_release(&all[i]);
	return rc;
}

/* The same tolerance as in loss_f32.c, for the same differences. */
static void compare(const struct scene *c)
{
	struct rl_stats s;
	struct grads g;
	double worst = 0;
	size_t bad = 0;
	int rc = gradient(c, &g, &s);

	for (size_t i = 0; i < g.n; i++) {
		struct param p;
		double num = 0, den = 0;

		model_param(&config, i, &p);
		for (size_t k = 0; k < PROBES; k++) {
			size_t j = (k * 7919 + i * 13) % (p.rows * p.cols);
			double fd = slope(expected, c, i, j);

			num += pow(fd - floats_of(g.g[i])[j], 2);
			den += fd * fd;
		}
		worst = den > 0 ? fmax(worst, sqrt(num / den)) : worst;
		bad += sqrt(num) > 1e-3 * sqrt(den) + 2e-4;
	}
	ok(!rc && !bad, "%s: the gradient is the expected reward's (%.2g off)", c->name, worst);
	grads_release(&g);
}

int main(void)
{
	static const struct scene scenes[] = {
		{"temperature 1", {.objective = RL_PG}, 1, 1},
		{"temperature 0.3", {.objective = RL_PG}, 0.3, 1},
		{"temperature 0.3, the first letter earns all", {.objective = RL_PG}, 0.3, 0},
		{"temperature 1.7", {.objective = RL_PG}, 1.7, 1},
	};
	struct err e;

	if (kern_init(1, &e)) {
		printf("Bail out! %s\n", e.msg);
		return 1;
	}
	policy = model_made(1, &w);
	reference = model_made(2, NULL);
	for (size_t i = 0; i < LEN(scenes); i++)
		compare(&scenes[i]);
	for (size_t i = 0; i < model_params(&config); i++)
		free(w[i]);
	free(w);
	model_free(policy);
	model_free(reference);
	return done();
}
