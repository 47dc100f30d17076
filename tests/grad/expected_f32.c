/* SPDX-License-Identifier: MIT */
/*
 * The gradient on average, exactly: every response of two letters is in the batch, its advantage
 * times its probability under what is said to have drawn it, the policy or another model. The
 * batch's gradient is then that of the expected reward, which is differentiated by itself; where
 * weights are truncated or of single tokens, that of the formula of these weights.
 */
#include "toy.h"

enum { N = V * V, PROBES = 6 };

struct scene {
	const char *name;
	struct rl_loss l;
	double temperature;
	int both;                    /* the second letter earns something, too */
	int off;                     /* the reference drew the responses, at temperature 1.2 */
};

static const int context[] = {3, 11};
static struct traj all[N];
/* Of what drew the responses, of the policy as it is before it is moved: log p of both letters. */
static double drawn[2][V][V], before[2][V][V];

static double reward(const struct scene *c, int a, int b)
{
	double first = (a * 7 + 3) % V % 5 / 4.0;

	return c->both ? first + (a * 5 + b * 11) % V % 4 / 3.0 - 1 : first;
}

/* log p of the first letter of all responses, and of the second one. */
static void responses(struct model *m, double temperature, double out[2][V][V])
{
	double first[V];
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
		log_softmax(x[n - 1], temperature, out[1][token]);
		for (int b = 0; b < V; b++)
			out[0][token][b] = first[token];
	}
}

/* What is maximised for a response with reward r, over its probability under what drew it. */
static double objective(const struct rl_loss *l, double p[2][V][V], int a, int b, double r)
{
	double c = l->clip_ratio, sum = 0, both, was;

	both = exp(before[0][a][b] + before[1][a][b] - drawn[0][a][b] - drawn[1][a][b]);
	if (l->importance == RL_TURN)
		return r * fmin(both, c) * (p[0][a][b] + p[1][a][b]);
	for (int t = 0; t < 2; t++) {
		was = exp(before[t][a][b] - drawn[t][a][b]);
		/* ppo: min(ratio r, clip(ratio) r), on the side of its kink where the policy was */
		if (l->importance != RL_PPO)
			sum += r * fmin(was, c) * p[t][a][b];
		else if (was * r <= fmax(1 - c, fmin(was, 1 + c)) * r)
			sum += r * exp(p[t][a][b] - drawn[t][a][b]);
	}
	return sum;
}

/* What the loss is on average: where every weight is the whole ratio, less the expected reward. */
static double expected(const void *ctx)
{
	const struct scene *c = ctx;
	double p[2][V][V], sum = 0;
	int exact = !c->off || (c->l.importance == RL_TURN && c->l.clip_ratio > 1e9);

	responses(policy, c->temperature, p);
	for (int a = 0; a < V; a++)
		for (int b = 0; b < V; b++)
			sum -= exact ? exp(p[0][a][b] + p[1][a][b]) * reward(c, a, b)
			             : exp(drawn[0][a][b] + drawn[1][a][b]) *
			               objective(&c->l, p, a, b, reward(c, a, b));
	return sum;
}

static void batch_make(const struct scene *c)
{
	responses(policy, c->temperature, before);
	responses(c->off ? reference : policy, c->off ? 1.2 : c->temperature, drawn);
	for (int i = 0; i < N; i++) {
		int a = i / V, b = i % V, ids[] = {context[0], context[1], a, b};
		struct turn *u = xcalloc(1, sizeof *u);

		*u = (struct turn){
			.context = xmalloc(2 * sizeof(int)), .n_context = 2,
			.tokens = xmalloc(2 * sizeof(int)), .n_tokens = 2,
			.has_tokens = 1, .has_context = 1, .has_reward = 1, .has_return = 1, .weight = 1,
			.temperature = c->temperature,
			.advantage = N * exp(drawn[0][a][b] + drawn[1][a][b]) * reward(c, a, b),
			.sample_logprobs = xmalloc(2 * sizeof(float)),
		};
		for (int t = 0; t < 2; t++)
			u->sample_logprobs[t] = (float)drawn[t][a][b];
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
	ok(!rc && !bad, "%s: the gradient is the expected one (%.2g off)", c->name, worst);
	if (c->off && c->l.clip_ratio < 1e9)
		ok(s.clipped > N / 10 && s.clipped < s.weighed - N / 10,
		   "%s: %zu of %zu weights are clipped",
		   c->name, s.clipped, s.weighed);
	else if (!c->off)
		ok(!s.clipped && fabs(s.weight * s.weight / s.weight2 / (double)s.weighed - 1) < 1e-6,
		   "%s: nothing is clipped, all of the sample is effective", c->name);
	grads_release(&g);
}

int main(void)
{
	static const struct scene scenes[] = {
		{"temperature 1", {0}, 1, 1, 0},
		{"temperature 0.3", {0}, 0.3, 1, 0},
		{"temperature 0.3, the first letter earns all", {0}, 0.3, 0, 0},
		{"temperature 1.7", {0}, 1.7, 1, 0},
		{"on-policy, token", {.importance = RL_TOKEN, .clip_ratio = 2}, 0.7, 1, 0},
		{"on-policy, turn", {.importance = RL_TURN, .clip_ratio = 2}, 0.7, 1, 0},
		{"on-policy, ppo", {.importance = RL_PPO, .clip_ratio = 0.2}, 0.7, 1, 0},
		{"turn, whole ratio", {.importance = RL_TURN, .clip_ratio = 1e30}, 1, 1, 1},
		{"turn, whole ratio, temperature 0.7", {.importance = RL_TURN, .clip_ratio = 1e30}, 0.7, 1,
			1},
		{"turn", {.importance = RL_TURN, .clip_ratio = 1.5}, 0.7, 1, 1},
		{"token", {.importance = RL_TOKEN, .clip_ratio = 1.5}, 0.7, 1, 1},
		{"token, whole ratio", {.importance = RL_TOKEN, .clip_ratio = 1e30}, 0.7, 1, 1},
		{"ppo", {.importance = RL_PPO, .clip_ratio = 0.3}, 0.7, 1, 1},
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
