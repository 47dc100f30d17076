/* SPDX-License-Identifier: MIT */
/*
 * A pass over sequences that have their beginnings in common, whole and in parts: log-probabilities
 * are the same bits however it is cut; gradients are, too, from recomputed activations, any number
 * of threads and with gradients left out, and within rounding where sums are taken in another
 * order. For both builds of the library.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "kern/kern.h"
#include "rl/rl.h"
#include "tap.h"

enum { V = 83, PROMPT = 150, MOST_SEQS = 10 };

static struct model_config config(enum arch a)
{
	struct model_config c = {
		.arch = a, .layers = 4, .width = 40, .heads = 4, .kv_heads = 2, .head_size = 12, .ffn = 72,
		.vocab = V,
		.context = 1024, .norm_eps = 1e-5f, .rope_theta = 1e4, .tied = a != ARCH_QWEN2,
	};

	if (a == ARCH_GEMMA3)
		c.window = 7, c.window_every = 3, c.rope_local_theta = 100;
	return c;
}

static int tensor(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	bf16 **keep = ctx;
	struct rng r = rng_stream(11, "pass test", 0, p->name, 0, 0);

	(void)e;
	*keep = xrealloc(*keep, p->rows * p->cols * sizeof **keep);
	for (size_t j = 0; j < p->rows * p->cols; j++) {
		float mean = strstr(p->name, "norm") ? 1 : 0;
		union { float f; uint32_t u; } x = {(float)(rng_normal(&r, j) * 0.15 + (double)mean)};

		(*keep)[j] = (bf16)(x.u >> 16);
	}
	*data = *keep;
	return 0;
}

/* ---- sequences: prompt, then turns of context and response ------------------------------ */

struct shape {
	int prompt, salt;            /* tokens, and which; the responses' tokens go by `answer` */
	int answer;
	struct { int tokens, use, context; } turn[3];    /* context follows the response */
};

/* Two groups with a prompt, one of whose samples are equal or end early, one with a given turn;
 * a prompt of one token, alone and twice; one that has no use at all. */
static const struct shape mixed[] = {
	{9, 1, 1, {{6, 1, 3}, {5, 1, 0}}},
	{9, 1, 2, {{4, 1, 2}, {7, 1, 2}, {3, 1, 0}}},
	{9, 1, 2, {{4, 1, 2}, {2, 1, 0}}},
	{9, 1, 2, {{4, 1, 2}, {7, 1, 2}, {3, 1, 0}}},
	{12, 2, 3, {{5, 0, 3}, {6, 1, 0}}},
	{12, 2, 4, {{5, 0, 3}, {1, 1, 4}, {9, 0, 0}}},
	{1, 3, 5, {{8, 1, 0}}},
	{1, 3, 6, {{1, 1, 0}}},
	{1, 4, 7, {{3, 1, 0}}},
	{7, 5, 8, {{3, 0, 0}}},
};
/* One long prompt. */
static const struct shape longer[] = {
	{PROMPT, 1, 1, {{7, 1, 0}}}, {PROMPT, 1, 2, {{5, 1, 2}, {4, 1, 0}}},
	{PROMPT, 1, 3, {{20, 1, 0}}}, {PROMPT, 1, 4, {{1, 1, 0}}},
};

/* More rows than pass through a layer together. */
static const struct shape many[] = {
	{PROMPT, 1, 1, {{7, 1, 0}}}, {PROMPT, 1, 2, {{5, 1, 2}, {4, 1, 0}}},
	{PROMPT - 31, 2, 3, {{9, 1, 0}}},
	{PROMPT - 31, 2, 4, {{1, 1, 0}}}, {PROMPT - 9, 3, 5, {{2, 1, 3}, {3, 0, 3}, {3, 1, 0}}},
	{PROMPT - 9, 3, 6, {{6, 1, 0}}},
};

static int token(int salt, size_t i)
{
	return (int)(hash_bytes((int[]){salt, (int)i}, 2 * sizeof(int)) % V);
}

static struct rl_seq sequence(const struct shape *s)
{
	struct rl_seq q = {.ids = xcalloc(PROMPT + 64, sizeof *q.ids),
		.parts = xcalloc(3, sizeof *q.parts)};

	for (int i = 0; i < s->prompt; i++)
		q.ids[q.n_ids++] = token(s->salt, (size_t)i);
	for (int k = 0; k < 3 && s->turn[k].tokens; k++) {
		struct rl_part *p = &q.parts[q.n_parts++];
		size_t n = (size_t)s->turn[k].tokens;

		*p = (struct rl_part){
			.first = q.n_ids, .n = n, .use = s->turn[k].use, .temperature = 1,
			.c_logp = 0.3 * (k + 1) - 0.1 * s->answer, .c_kl = 0.05,
			.logp = xcalloc(n, sizeof *p->logp),
			.ref_logp = xcalloc(n, sizeof *p->ref_logp),
		};
		for (size_t i = 0; i < n + (size_t)s->turn[k].context; i++, q.n_ids++)
			q.ids[q.n_ids] = token(100 + s->answer, q.n_ids);
		if (p->use)
			q.n_rows = p->first + p->n - 1;
	}
	return q;
}

/* ---- runs ------------------------------------------------------------------------------- */

static struct {
	struct model_config c;
	struct model *policy, *ref;
	const struct shape *shapes;
	size_t n;
} fix;

struct result {
	struct grads g;
	float logp[MOST_SEQS][3][64], ref[MOST_SEQS][3][64];
};

/* together 0: every sequence by itself. without: parameters whose gradient is left out, every
 * other one. */
static struct result *run(size_t micro, uint64_t memory, int together, int without)
{
	struct rl_pass *p = rl_pass_new(fix.policy, fix.ref, micro, memory);
	struct rl_want want = {.kl = RL_EXACT, .ref = 1, .entropy = 1};
	struct result *r = xcalloc(1, sizeof *r);
	struct rl_seq s[MOST_SEQS];

	grads_init(&r->g, &fix.c);
	for (size_t i = 0; without && i < r->g.n; i += 2)
		mem_free(&r->g.g[i]);
	for (size_t i = 0; i < fix.n; i++)
		s[i] = sequence(&fix.shapes[i]);
	for (size_t i = 0; i < fix.n; i += together ? fix.n : 1)
		rl_pass_run(p, s + i, together ? fix.n : 1, &want, &r->g, NULL);
	for (size_t i = 0; i < fix.n; i++) {
		for (size_t k = 0; k < s[i].n_parts && s[i].parts[k].use; k++) {
			memcpy(r->logp[i][k], s[i].parts[k].logp, s[i].parts[k].n * sizeof(float));
			memcpy(r->ref[i][k], s[i].parts[k].ref_logp, s[i].parts[k].n * sizeof(float));
		}
		rl_seq_release(&s[i]);
	}
	rl_pass_free(p);
	return r;
}

static void result_free(struct result *r)
{
	grads_release(&r->g);
	free(r);
}

static int same_logp(const struct result *a, const struct result *b)
{
	return !memcmp(a->logp, b->logp, sizeof a->logp) && !memcmp(a->ref, b->ref, sizeof a->ref);
}

/* Largest relative distance of a tensor that both have; *bits: all equal, and how many tensors
 * there were. */
static double distance(const struct result *a, const struct result *b, size_t *bits)
{
	double worst = 0;
	size_t equal = 0;

	for (size_t i = 0; i < a->g.n; i++) {
		struct param p;
		double num = 0, den = 0;

		model_param(&fix.c, i, &p);
		if (!mem_there(a->g.g[i]) || !mem_there(b->g.g[i]))
			continue;
		for (size_t j = 0; j < p.rows * p.cols; j++) {
			double d = (double)floats_of(a->g.g[i])[j] - floats_of(b->g.g[i])[j];

			num += d * d;
			den += (double)floats_of(a->g.g[i])[j] * floats_of(a->g.g[i])[j];
		}
		equal += !memcmp(a->g.g[i].p, b->g.g[i].p, p.rows * p.cols * sizeof(float));
		if (!(den > 0))
			worst = HUGE_VAL;
		else if (sqrt(num / den) > worst)
			worst = sqrt(num / den);
	}
	*bits = equal;
	return worst;
}

static void models_make(enum arch a)
{
	bf16 *buf = NULL;
	struct err e;

	fix.c = config(a);
	if (model_new(&fix.c, tensor, &buf, &fix.policy, &e)) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	fix.c.norm_eps = 2e-2f;      /* the same weights, another model */
	if (model_new(&fix.c, tensor, &buf, &fix.ref, &e)) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	free(buf);
}

static void compare(const char *name, const char *how, const struct result *want,
                    struct result *got, double tolerance)
{
	size_t equal, all;
	double d = distance(want, got, &equal);

	distance(got, got, &all);
	if (!ok(same_logp(want, got), "%s, %s: the same log-probabilities", name, how))
		diag("of the sequences before, other bits");
	if (tolerance == 0)
		ok(equal == all && all > 2, "%s, %s: the same gradient in %zu of %zu tensors", name, how,
		   equal, all);
	else
		ok(d <= tolerance, "%s, %s: gradient off by %.2g (%.2g)", name, how, d, tolerance);
	result_free(got);
}

/* within: what sums in another order, or of rounded parts, may differ by. */
static void scene(const char *name, const struct shape *shapes, size_t n, double within)
{
	struct result *alone, *whole;
	struct err e;

	fix.shapes = shapes;
	fix.n = n;
	alone = run(0, 0, 0, 0);
	whole = run(0, 0, 1, 0);
	compare(name, "in common", alone, run(0, 0, 1, 0), within);
	for (size_t micro = 1; micro < 20; micro += 17) {
		char how[32];

		snprintf(how, sizeof how, "micro-batches of %zu", micro);
		compare(name, how, alone, run(micro, 0, 1, 0), within);
	}
	compare(name, "recomputed, each alone", alone, run(0, 1, 0, 0), 0);
	compare(name, "every other gradient left out", whole, run(0, 0, 1, 1), 0);
	if (kern_init(3, &e))
		ok(0, "%s", e.msg);
	compare(name, "three threads", whole, run(0, 0, 1, 0), 0);
	if (kern_init(16, &e))
		ok(0, "%s", e.msg);
	compare(name, "sixteen threads", whole, run(0, 0, 1, 0), 0);
	if (kern_init(1, &e))
		ok(0, "%s", e.msg);
	compare(name, "one thread", whole, run(0, 0, 1, 0), 0);
	result_free(alone);
	result_free(whole);
}

/* Memory that the prompt fits into when recomputed, not with what follows: those that share it
 * come with it all the same. */
static void recomputed_together(const char *name)
{
	size_t n = LEN(longer);
	uint64_t memory = acts_bytes(&fix.c, PROMPT, 1) + kv_bytes(&fix.c, PROMPT) / fix.c.layers;
	struct result *whole;

	fix.shapes = longer;
	fix.n = n;
	whole = run(0, 0, 1, 0);
	ok(acts_bytes(&fix.c, PROMPT, 0) > memory, "%s: saving takes more", name);
	compare(name, "recomputed, in common", whole, run(0, memory, 1, 0), 0);
	result_free(whole);
}

static void checks(const char *isa, double within)
{
	/* between them: biases, a head of its own; norms of heads, of outputs, windows; no norms of
	 * inputs, norms of all heads */
	static const enum arch archs[] = {ARCH_QWEN2, ARCH_GEMMA3, ARCH_OLMO2};

	for (size_t i = 0; i < LEN(archs); i++) {
		char name[64];

		models_make(archs[i]);
		snprintf(name, sizeof name, "%s %s", isa, arch_name(archs[i]));
		scene(name, mixed, LEN(mixed), within);
		snprintf(name, sizeof name, "%s %s, many rows", isa, arch_name(archs[i]));
		scene(name, many, LEN(many), within);
		recomputed_together(name);
		model_free(fix.policy);
		model_free(fix.ref);
	}
}
