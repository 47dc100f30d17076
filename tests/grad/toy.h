/* SPDX-License-Identifier: MIT */
/*
 * A toy for the gradient tests of the fp32 build: two small models with random weights, their
 * logits for a trajectory, and central differences of any function of the policy.
 */
#include "host.h"
#include "kern/kern.h"
#include "rl/rl.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { V = 19, D = 12, MOST = 32 };

/* ---- two models: policy and reference ------------------------------------- */

static const struct model_config config = {
	.arch = ARCH_LLAMA, .layers = 2, .width = D, .heads = 4, .kv_heads = 2, .head_size = 4,
	.ffn = 20, .vocab = V,
	.context = 64, .norm_eps = 1e-5f, .rope_theta = 100,
};
static float **w;                    /* the policy's parameters */
static struct model *policy, *reference;

static int zero(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	static bf16 zeros[V * 20];

	(void)ctx, (void)p, (void)e;
	*data = zeros;
	return 0;
}

static struct model *model_made(uint64_t seed, float ***keep)
{
	struct model *m;
	struct err e;

	if (model_new(&config, zero, NULL, &m, &e)) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	if (keep)
		*keep = xcalloc(model_params(&config), sizeof **keep);
	for (size_t i = 0; i < model_params(&config); i++) {
		struct param p;
		struct rng r;
		float *x;

		model_param(&config, i, &p);
		r = rng_stream(seed, "loss test", 0, p.name, 0, 0);
		x = xmalloc(p.rows * p.cols * sizeof *x);
		for (size_t j = 0; j < p.rows * p.cols; j++)
			x[j] = (float)(rng_normal(&r, j) * 0.4 + (strstr(p.name, "norm") ? 1 : 0));
		model_set(m, i, OVER(x, p.rows * p.cols));
		if (keep)
			(*keep)[i] = x;
		else
			free(x);
	}
	return m;
}

/* ---- their logits ------------------------------------------------------------- */

/* Of every position of t: out[row][V]; its tokens. */
static size_t toy_logits(struct model *m, const struct traj *t, float out[MOST][V], int *ids)
{
	struct row rows[MOST];
	struct kv kv;
	act hidden[MOST * D];
	size_t n = 0;

	for (size_t k = 0; k < t->n_turns; k++) {
		for (size_t j = 0; j < t->turns[k].n_context; j++)
			ids[n++] = t->turns[k].context[j];
		for (size_t j = 0; j < t->turns[k].n_tokens; j++)
			ids[n++] = t->turns[k].tokens[j];
	}
	kv_init(&kv, &config, n);
	for (size_t r = 0; r < n; r++)
		rows[r] = (struct row){ids[r], r, &kv};
	model_forward(m, rows, n, OVER(hidden, MOST * D), NULL);
	model_logits(m, OVER(hidden, n * D), n, OVER(&out[0][0], n * V), V);
	kv_release(&kv);
	return n;
}

/* Log-softmax of x / temperature. */
static void log_softmax(const float *x, double temperature, double *out)
{
	double sum = 0, max = -1e30;

	for (size_t v = 0; v < V; v++)
		max = fmax(max, (double)x[v] / temperature);
	for (size_t v = 0; v < V; v++)
		sum += exp((double)x[v] / temperature - max);
	for (size_t v = 0; v < V; v++)
		out[v] = (double)x[v] / temperature - max - log(sum);
}

/* ---- differences -------------------------------------------------------------- */

/* A function of the policy's weights. */
typedef double (*toy_fn)(const void *ctx);

/* The policy gets parameter i. */
static void put(size_t i, const float *x)
{
	struct param p;

	model_param(&config, i, &p);
	model_set(policy, i, OVER(x, p.rows * p.cols));
}

static double value_at(toy_fn f, const void *ctx, size_t i, size_t j, float value)
{
	float old = w[i][j];
	double x;

	w[i][j] = value;
	put(i, w[i]);
	x = f(ctx);
	w[i][j] = old;
	return x;
}

/*
 * Central difference of fourth order. At this h the formula's own error (it falls 16-fold when h is
 * halved: seen from 2^-6 to 2^-8) is under 1e-3, and what fp32 leaves in the loss, divided by h,
 * about 2e-4.
 */
static double slope(toy_fn f, const void *ctx, size_t i, size_t j)
{
	float h = 0x1p-8f, x = w[i][j];
	double d1 = value_at(f, ctx, i, j, x + h) - value_at(f, ctx, i, j, x - h);
	double d2 = value_at(f, ctx, i, j, x + 2 * h) - value_at(f, ctx, i, j, x - 2 * h);

	put(i, w[i]);
	return (8 * d1 - d2) / (12 * (double)h);
}
