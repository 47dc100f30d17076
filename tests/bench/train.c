/* SPDX-License-Identifier: MIT */
/*
 * A training step's forward and backward by part, on random weights of SmolLM2-135M's shape (or Qwen2.5-0.5B's):
 * make build/release/tests/bench/train.t && build/release/tests/bench/train.t [NAME=VALUE ...]
 *   n=8 sequences, len=256 tokens each, prompt=0 of them without loss, group=1 sequences that share the prompt,
 *   ref=0 reference and KL, micro=0 rows of one forward (0: by memory), memory=0 MiB for activations (0: the default),
 *   rounds=3, qwen=0, layers=0 (the model's own), threads=0
 * Prints one line of JSON: seconds of the best round by part, and a sum of all results' bits, which tells whether a
 * change of the code changed a result.
 */
#include <stdlib.h>
#include <string.h>

#include "rl/rl.h"

static struct { const char *name; long value; } options[] = {
	{"n", 8}, {"len", 256}, {"prompt", 0}, {"group", 1}, {"ref", 0}, {"micro", 0}, {"rounds", 3}, {"qwen", 0},
	{"layers", 0}, {"threads", 0}, {"memory", 0},
};

static size_t option(const char *name)
{
	for (size_t i = 0; i < LEN(options); i++)
		if (!strcmp(options[i].name, name))
			return (size_t)options[i].value;
	abort();
}

static int option_set(const char *arg)
{
	for (size_t i = 0; i < LEN(options); i++) {
		size_t n = strlen(options[i].name);

		if (!strncmp(arg, options[i].name, n) && arg[n] == '=') {
			options[i].value = strtol(arg + n + 1, NULL, 10);
			return 0;
		}
	}
	fprintf(stderr, "no option %s\n", arg);
	return -1;
}

static struct model_config config(void)
{
	struct model_config smol = {
		.arch = ARCH_LLAMA, .layers = 30, .width = 576, .heads = 9, .kv_heads = 3, .head_size = 64, .ffn = 1536,
		.vocab = 49152, .context = 8192, .norm_eps = 1e-5f, .rope_theta = 1e5, .tied = 1,
	}, qwen = {
		.arch = ARCH_QWEN2, .layers = 24, .width = 896, .heads = 14, .kv_heads = 2, .head_size = 64, .ffn = 4864,
		.vocab = 151936, .context = 8192, .norm_eps = 1e-6f, .rope_theta = 1e6, .tied = 0,
	}, c = option("qwen") ? qwen : smol;

	if (option("layers"))
		c.layers = (uint32_t)option("layers");
	return c;
}

/* A cheap generator: what the weights are does not matter to speed, that they are no subnormals does. */
static int random_tensor(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	bf16 **keep = ctx, *w;
	uint32_t x = (uint32_t)p->rows * 7 + (uint32_t)p->cols + (uint32_t)strlen(p->name);

	(void)e;
	w = *keep = xrealloc(*keep, p->rows * p->cols * sizeof *w);
	for (size_t j = 0; j < p->rows * p->cols; j++) {
		x = x * 1664525 + 1013904223;
		w[j] = act_of(p->rank == 1 ? 1 : (float)(int32_t)x * 0x1p-31f * 0.05f);
	}
	*data = w;
	return 0;
}

static struct rl_seq sequence(const struct model_config *c, size_t i)
{
	size_t len = option("len"), prompt = option("prompt"), group = option("group");
	struct rl_seq s = {.ids = xcalloc(len + 1, sizeof *s.ids), .n_ids = len + 1, .n_rows = len,
		.parts = xcalloc(1, sizeof *s.parts), .n_parts = 1};
	struct rl_part *p = s.parts;

	for (size_t j = 0; j <= len; j++)
		s.ids[j] = (int)((j * j * 31 + j * 7 + (j <= prompt ? i / group : i) * 1009) % c->vocab);
	*p = (struct rl_part){.first = prompt + 1, .n = len - prompt, .use = 1, .c_logp = i % 2 ? -1e-3 : 2e-3, .c_kl = 1e-3,
		.logp = xcalloc(len, sizeof *p->logp), .ref_logp = xcalloc(len, sizeof *p->ref_logp)};
	return s;
}

static uint64_t bits(uint64_t h, const void *p, size_t n)
{
	return (h ^ hash_bytes(p, n)) * 0x9e3779b97f4a7c15u;
}

int main(int argc, char **argv)
{
	struct model_config c;
	struct model *policy, *ref = NULL;
	struct rl_want want = {.kl = RL_EXACT};
	struct rl_times best = {0};
	struct rl_pass *pass;
	struct rl_seq *s;
	struct grads g;
	bf16 *b = NULL;
	struct err e;
	uint64_t logp = 0, grad = 0;
	double least = 0;
	size_t n;

	for (int i = 1; i < argc; i++)
		if (option_set(argv[i]))
			return 2;
	c = config();
	n = option("n");
	want.ref = want.entropy = option("ref") != 0;
	if (kern_init((int)option("threads"), &e) || model_new(&c, random_tensor, &b, &policy, &e) ||
	    (want.ref && model_new(&c, random_tensor, &b, &ref, &e))) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	free(b);
	grads_init(&g, &c);
	s = xcalloc(n, sizeof *s);
	for (size_t i = 0; i < n; i++)
		s[i] = sequence(&c, i);
	pass = rl_pass_new(policy, ref, option("micro"), (uint64_t)option("memory") << 20);
	for (size_t r = 0; r < option("rounds"); r++) {
		struct rl_times t = {0};
		double start = now_seconds(), all;

		grads_zero(&g, &c);
		start = now_seconds();
		rl_pass_run(pass, s, n, &want, &g, &t);
		all = now_seconds() - start;
		if (!r || all < least) {
			least = all;
			best = t;
		}
	}
	for (size_t i = 0; i < n; i++)
		logp = bits(logp, s[i].parts[0].logp, s[i].parts[0].n * sizeof(float));
	for (size_t i = 0; i < g.n; i++) {
		struct param p;

		model_param(&c, i, &p);
		grad = bits(grad, g.g[i], p.rows * p.cols * sizeof(float));
	}
	printf("{\"isa\":\"%s\",\"threads\":%d,\"tokens\":%zu,\"seconds\":%.3f,\"tok_s\":%.1f,\"forward\":%.3f,"
	       "\"reference\":%.3f,\"head\":%.3f,\"backward\":%.3f,\"rss_anon_mb\":%.0f,\"logp\":\"%016llx\","
	       "\"grad\":\"%016llx\"}\n", kern->isa, kern_threads(), n * option("len"), least,
	       (double)(n * option("len")) / least, best.forward, best.reference, best.head, best.backward,
	       (double)best.rss / 1e6, (unsigned long long)logp, (unsigned long long)grad);
	for (size_t i = 0; i < n; i++)
		rl_seq_release(&s[i]);
	free(s);
	rl_pass_free(pass);
	grads_release(&g);
	model_free(policy);
	model_free(ref);
	return 0;
}
