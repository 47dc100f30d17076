/* SPDX-License-Identifier: MIT */
/* The backward against central differences of the forward, every tensor of every architecture
 * and of adapters, in the fp32 build. The loss mixes what training uses: log-probabilities and
 * KL to other logits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "kern/kern.h"
#include "model/model.h"
#include "tap.h"

enum { SEQS = 3, ROWS = 17, PROBES = 12 };

static const size_t lengths[SEQS] = {7, 1, 9};

struct fixture {
	struct model_config c;
	float **w;                   /* parameters */
	bf16 *buf;
};

static struct fixture fix;

static int get(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	(void)ctx;
	(void)e;
	fix.buf = xrealloc(fix.buf, p->rows * p->cols * sizeof *fix.buf);
	memset(fix.buf, 0, p->rows * p->cols * sizeof *fix.buf);
	*data = fix.buf;
	return 0;
}

static struct model_config config(enum arch a, int tied)
{
	struct model_config c = {
		.arch = a, .layers = 2, .width = 12, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 20,
		.vocab = 23,
		.context = 64, .norm_eps = 1e-5f, .rope_theta = 100, .tied = tied,
	};

	if (a == ARCH_LLAMA) {
		c.rope_factor = 4, c.rope_low = 1, c.rope_high = 4, c.rope_orig = 32;
	} else if (a == ARCH_GEMMA3) {
		c.window = 3, c.window_every = 2, c.rope_local_theta = 50, c.attn_scale = 0.3;
	} else if (a == ARCH_MISTRAL) {
		c.window = 3, c.window_every = 3, c.rope_local_theta = 100;
	} else if (a == ARCH_SMOLLM3) {
		c.rope_skip = 2;
	}
	return c;
}

static struct kv kvs[SEQS];
static struct row rows[ROWS];
static act hidden[ROWS * 12];

static void forward(struct model *m, struct acts *acts)
{
	size_t n = 0;

	for (size_t s = 0; s < SEQS; s++) {
		kvs[s].len = 0;
		for (size_t i = 0; i < lengths[s]; i++, n++)
			rows[n] = (struct row){(int)((n * 7 + s) % 23), i, &kvs[s]};
	}
	model_forward(m, rows, n, OVER(hidden, ROWS * 12), acts);
}

/* Some rows score a token, some a KL to fixed other logits; the rest nothing. */
static double loss(struct model *m, struct grads *g, struct acts *acts)
{
	size_t v = m ? 23 : 0;
	float *logits = xmalloc(ROWS * v * sizeof *logits), *dh = xcalloc(ROWS * 12, sizeof *dh);
	act *dl = xcalloc(ROWS * v, sizeof *dl);
	double sum = 0;

	forward(m, acts);
	model_logits(m, OVER(hidden, ROWS * 12), ROWS, OVER(logits, ROWS * v), v);
	for (size_t r = 0; r < ROWS; r++) {
		float *x = logits + r * v, lse = kern->lse(x, v, 1), other[23], lse_o, kl, h;
		float cp = r % 3 == 0 ? 0.7f : 0, ck = r % 4 == 1 ? -0.5f : 0;
		int token = (int)(r * 5 % 23);

		for (size_t j = 0; j < v; j++)
			other[j] = (float)sin((double)(r * 31 + j));
		lse_o = kern->lse(other, v, 1);
		kern->kl(x, lse, other, lse_o, v, &kl, &h);
		sum += cp * (double)(x[token] - lse) + ck * (double)kl;
		if (g)
			kern->dlogits(dl + r * v, x, lse, other, lse_o, kl, v, token, cp, ck);
	}
	if (g) {
		model_logits_bwd(m, OVER(dl, ROWS * v), v, OVER(hidden, ROWS * 12), ROWS,
		                 OVER(dh, ROWS * 12), g);
		model_backward(m, rows, ROWS, acts, OVER(dh, ROWS * 12), g);
	}
	free(logits);
	free(dh);
	free(dl);
	return sum;
}

static struct mem values(size_t i)
{
	struct param p;

	model_param(&fix.c, i, &p);
	return OVER(fix.w[i], p.rows * p.cols);
}

/* The model gets parameter i, with what belongs to it. */
static void put(struct model *m, size_t i)
{
	size_t at;

	if (i >= model_base_params(&fix.c))
		i = model_adapted(&fix.c, i);
	at = model_adapter(&fix.c, i);
	if (at)
		model_adapt(m, i, values(i), values(at), values(at + 1));
	else
		model_set(m, i, values(i));
}

static double loss_at(struct model *m, size_t i, size_t j, float value, struct acts *acts)
{
	float old = fix.w[i][j];
	double x;

	fix.w[i][j] = value;
	put(m, i);
	x = loss(m, NULL, acts);
	fix.w[i][j] = old;
	return x;
}

/* Central difference of fourth order. */
static double slope(struct model *m, size_t i, size_t j, struct acts *acts)
{
	float w = fix.w[i][j], h = 0x1p-7f;
	double d1 = loss_at(m, i, j, w + h, acts) - loss_at(m, i, j, w - h, acts);
	double d2 = loss_at(m, i, j, w + 2 * h, acts) - loss_at(m, i, j, w - 2 * h, acts);

	put(m, i);
	return (8 * d1 - d2) / (12 * (double)h);
}

static void check(enum arch a, int tied, uint32_t rank)
{
	struct model *m;
	struct grads g;
	struct err e = {{0}};
	struct acts *acts = acts_new();
	double worst = 0;
	size_t params, frozen = 0;

	fix.c = config(a, tied);
	fix.c.lora_rank = rank;
	fix.c.lora_alpha = 5;
	if (!ok(!model_new(&fix.c, get, NULL, &m, &e), "%s: made %s", arch_name(a), e.msg))
		return;
	params = model_params(&fix.c);
	fix.w = xcalloc(params, sizeof *fix.w);
	for (size_t s = 0; s < SEQS; s++)
		kv_init(&kvs[s], &fix.c, 16);
	for (size_t i = 0; i < params; i++) {
		struct rng r = rng_stream(1, "grad test", 0, "w", i, 0);
		struct param p;

		model_param(&fix.c, i, &p);
		fix.w[i] = xmalloc(p.rows * p.cols * sizeof **fix.w);
		for (size_t j = 0; j < p.rows * p.cols; j++)
			fix.w[i][j] = (float)(rng_normal(&r, j) * 0.3 + (strstr(p.name, "norm") ? 1 : 0));
	}
	for (size_t i = 0; i < params; i++)
		put(m, i);
	grads_init(&g, &fix.c);
	loss(m, &g, acts);
	for (size_t i = 0; i < params; i++) {
		struct param p;
		double num = 0, den = 0;

		if (!mem_there(g.g[i])) {
			frozen++;
			continue;
		}
		model_param(&fix.c, i, &p);
		for (size_t k = 0; k < PROBES; k++) {
			size_t j = (k * 7919 + i * 13) % (p.rows * p.cols);
			double fd = slope(m, i, j, acts);

			num += pow(fd - floats_of(g.g[i])[j], 2);
			den += fd * fd;
		}
		if (!ok(sqrt(num) <= 2e-3 * sqrt(den) + 1e-5, "%s%s: %s", arch_name(a), tied ? " tied" : "",
		        p.name))
			diag("difference %g of %g", sqrt(num), sqrt(den));
		if (den > 0 && sqrt(num / den) > worst)
			worst = sqrt(num / den);
	}
	ok(frozen == (rank ? model_base_params(&fix.c) : 0), "%s: %zu parameters are not trained",
	   arch_name(a), frozen);
	diag("%s: largest relative difference %.2g", arch_name(a), worst);
	for (size_t i = 0; i < params; i++)
		free(fix.w[i]);
	free(fix.w);
	grads_release(&g);
	acts_free(acts);
	model_free(m);
	for (size_t s = 0; s < SEQS; s++)
		kv_release(&kvs[s]);
}

int main(void)
{
	struct err e;

	if (kern_init(2, &e)) {
		diag("%s", e.msg);
		return 1;
	}
	check(ARCH_LLAMA, 1, 0);
	check(ARCH_LLAMA, 0, 0);
	check(ARCH_QWEN2, 1, 0);
	check(ARCH_QWEN3, 0, 0);
	check(ARCH_GEMMA3, 1, 0);
	check(ARCH_MISTRAL, 0, 0);
	check(ARCH_OLMO2, 0, 0);
	check(ARCH_SMOLLM3, 1, 0);
	check(ARCH_QWEN2, 1, 3);
	check(ARCH_GEMMA3, 1, 4);
	free(fix.buf);
	return done();
}
