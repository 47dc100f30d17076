/* SPDX-License-Identifier: MIT */
/* One forward: log-probabilities and hidden states are the same bits however the rows are cut,
 * batched and threaded; and the engine's log-probabilities are those of a fresh forward. */
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "kern/kern.h"
#include "rollout/engine.h"
#include "levels.h"
#include "tap.h"

enum { SEQS = 5, MAXLEN = 40, V = 131, D = 72 };

static int get(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	bf16 **buf = ctx;
	struct rng r = rng_stream(3, "model test", 0, p->name, 0, 0);

	(void)e;
	*buf = xrealloc(*buf, p->rows * p->cols * sizeof **buf);
	for (size_t j = 0; j < p->rows * p->cols; j++)
		(*buf)[j] = act_of((float)(rng_normal(&r, j) * 0.2 + (strstr(p->name, "norm") ? 1 : 0)));
	*data = *buf;
	return 0;
}

static struct model_config config(enum arch a)
{
	struct model_config c = {
		.arch = a,
		.layers = 3,
		.width = D,
		.heads = 6,
		.kv_heads = 2,
		.head_size = 24,
		.ffn = 100,
		.vocab = V,
		.context = 128,
		.norm_eps = 1e-5f,
		.rope_theta = 1e4,
		.tied = a != ARCH_QWEN2,
	};

	if (a == ARCH_GEMMA3)
		c.window = 7, c.window_every = 3, c.rope_local_theta = 100;
	if (a == ARCH_MISTRAL)
		c.window = 9, c.window_every = c.layers + 1, c.rope_local_theta = c.rope_theta;
	if (a == ARCH_SMOLLM3)
		c.rope_skip = 2;
	return c;
}

static int token(size_t s, size_t i)
{
	return (int)((s * 37 + i * 11 + i * i) % V);
}

static size_t length(size_t s)
{
	return 1 + (s * 17) % MAXLEN;
}

/* All sequences, `chunk` rows of each at a time; hidden[s][i][D]. */
static void run(struct model *m, size_t chunk, size_t first, size_t last, act *hidden)
{
	const struct model_config *c = model_config(m);
	struct kv kv[SEQS];
	struct row rows[SEQS * MAXLEN];
	act *out = xmalloc(sizeof *out * SEQS * MAXLEN * D);
	size_t at = 0, n;

	for (size_t s = first; s < last; s++)
		kv_init(&kv[s], c, MAXLEN);
	do {
		n = 0;
		for (size_t s = first; s < last; s++)
			for (size_t i = at; i < at + chunk && i < length(s); i++)
				rows[n++] = (struct row){token(s, i), i, &kv[s]};
		model_forward(m, rows, n, OVER(out, SEQS * MAXLEN * D), NULL);
		for (size_t r = 0; r < n; r++)
			for (size_t s = first; s < last; s++)
				if (rows[r].kv == &kv[s])
					memcpy(hidden + (s * MAXLEN + rows[r].pos) * D, out + r * D, D * sizeof *out);
		at += chunk;
	} while (n);
	for (size_t s = first; s < last; s++)
		kv_release(&kv[s]);
	free(out);
}

static int same(const act *a, const act *b)
{
	for (size_t s = 0; s < SEQS; s++)
		if (memcmp(a + s * MAXLEN * D, b + s * MAXLEN * D, length(s) * D * sizeof *a))
			return 0;
	return 1;
}

static void invariance(const char *isa, enum arch a, struct model *m, act *all)
{
	act *other = xcalloc(SEQS * MAXLEN * D, sizeof *other);

	for (size_t chunk = 1; chunk <= 16; chunk = chunk * 2 + 1) {
		run(m, chunk, 0, SEQS, other);
		ok(same(all, other), "%s %s: chunks of %zu", isa, arch_name(a), chunk);
	}
	for (size_t s = 0; s < SEQS; s++)
		run(m, MAXLEN, s, s + 1, other);
	ok(same(all, other), "%s %s: each sequence alone", isa, arch_name(a));
	free(other);
}

enum { HEAD = 150, STEPS = 9, GROUP = 7 };

/* GROUP sequences with the same first HEAD tokens, of which `common` positions are stored once,
 * then go on in STEPS passes, the last with three rows each; hidden[STEPS + 2][GROUP][D]. */
static void group(struct model *m, size_t common, act *hidden)
{
	const struct model_config *c = model_config(m);
	struct kv first, kv[GROUP];
	struct row rows[HEAD];
	act *out = xmalloc(HEAD * D * sizeof *out);

	kv_init(&first, c, CACHE_UNIT + common);         /* larger than what is used */
	for (size_t s = 0; s < GROUP; s++) {
		kv_init(&kv[s], c, HEAD + STEPS + 2 - common);
		if (common)
			kv_common(&kv[s], &first, common);
	}
	for (size_t i = 0; i < HEAD; i++)
		rows[i] = (struct row){token(0, i), i, &kv[0]};
	model_forward(m, rows, HEAD, OVER(out, HEAD * D), NULL);
	for (size_t s = 1; s < GROUP; s++)
		kv_copy(&kv[s], &kv[0], HEAD, c);
	for (size_t i = 0, n; i < STEPS + 2; i += n) {
		n = i + 1 < STEPS ? 1 : 3;
		for (size_t r = 0; r < GROUP * n; r++)
			rows[r] = (struct row){token(r / n + 1, i + r % n), HEAD + i + r % n, &kv[r / n]};
		model_forward(m, rows, GROUP * n, OVER(hidden + i * GROUP * D, GROUP * n * D), NULL);
	}
	for (size_t s = 0; s < GROUP; s++)
		kv_release(&kv[s]);
	kv_release(&first);
	free(out);
}

static void common_memory(const char *isa, enum arch a, struct model *m)
{
	size_t n = (STEPS + 2) * GROUP * D;
	act *want = xcalloc(n, sizeof *want), *got = xcalloc(n, sizeof *got);

	group(m, 0, want);
	for (size_t common = CACHE_UNIT; common < HEAD; common += CACHE_UNIT) {
		group(m, common, got);
		ok(!memcmp(want, got, n * sizeof *got), "%s %s: %zu positions stored once for %d sequences",
		   isa, arch_name(a), common, GROUP);
	}
	free(want);
	free(got);
}

/* Sampled log-probabilities against a forward over the whole sequence. */
static void sampling(const char *isa, struct model *m)
{
	struct engine *en = engine_new(m, (int[]){5}, 1, 3);
	const struct model_config *c = model_config(m);
	struct gen g[SEQS] = {{0}};
	struct kv kv[SEQS];
	int feed[SEQS][MAXLEN], tokens[SEQS][24], bad = 0, count = 0, started = 0;
	float lp[SEQS][24], slp[SEQS][24], *logits = xmalloc(64 * V * sizeof *logits);
	act *hidden = xmalloc(64 * D * sizeof *hidden);

	for (size_t s = 0; s < SEQS; s++) {
		size_t n = 1 + length(s) % 20;

		for (size_t i = 0; i < n; i++)
			feed[s][i] = token(s < 2 ? 0 : s, i);    /* 0 and 1 are twins */
		if (s == 1)
			n = 1 + length(0) % 20;
		kv_init(&kv[s], c, 64);
		g[s] = (struct gen){.kv = &kv[s], .feed = feed[s], .n_feed = n, .sampling = {1, 1, 0, 0},
			.rng = rng_stream(9, "t", 0, "x", s, 0), .max_new = 24, .tokens = tokens[s],
			.logprobs = lp[s], .sample_logprobs = slp[s]};
	}
	g[0].twins = &g[1];
	while (started < SEQS || engine_active(en)) {
		while (started < SEQS && engine_places(en) >= (started ? 1 : 2)) {
			engine_add(en, &g[started]);
			started += started ? 1 : 2;
		}
		engine_forward(en);
	}
	for (size_t s = 0; s < SEQS; s++) {
		size_t nf = s == 1 ? 1 + length(0) % 20 : 1 + length(s) % 20, n = nf + g[s].n - 1;
		struct row rows[64];

		kv[s].len = 0;
		for (size_t i = 0; i < n; i++)
			rows[i] = (struct row){i < nf ? feed[s][i] : tokens[s][i - nf], i, &kv[s]};
		model_forward(m, rows, n, OVER(hidden, 64 * D), NULL);
		model_logits(m, OVER(hidden, 64 * D), n, OVER(logits, 64 * V), V);
		for (size_t i = 0; i < g[s].n; i++) {
			const float *x = logits + (nf - 1 + i) * V;

			count++;
			bad += x[tokens[s][i]] - kern->lse(x, V, 1) != lp[s][i];
		}
		kv_release(&kv[s]);
	}
	ok(count > SEQS && !bad, "%s: %d sampled log-probabilities, %d differ from a whole forward",
	   isa, count, bad);
	engine_free(en);
	free(logits);
	free(hidden);
}

int main(void)
{
	static const enum arch archs[] = {
		ARCH_LLAMA, ARCH_QWEN2, ARCH_QWEN3, ARCH_GEMMA3, ARCH_MISTRAL, ARCH_OLMO2,
			ARCH_SMOLLM3,
	};
	struct err e;

	for (size_t i = 0; i < LEN(levels); i++) {
		if (kern_init(1, &e) || !kern_level(levels[i])) {
			skip("%s: not on this machine", levels[i]);
			continue;
		}
		setenv("SCORE_ISA", levels[i], 1);
		for (size_t a = 0; a < LEN(archs); a++) {
			struct model_config c = config(archs[a]);
			struct model *one, *three;
			bf16 *buf = NULL;
			act *all = xcalloc(SEQS * MAXLEN * D, sizeof *all),
			    *again = xcalloc(SEQS * MAXLEN * D, sizeof *again);

			if (kern_init(1, &e) || model_new(&c, get, &buf, &one, &e)) {
				ok(0, "%s", e.msg);
				return 1;
			}
			run(one, MAXLEN, 0, SEQS, all);
			invariance(levels[i], archs[a], one, all);
			sampling(levels[i], one);
			common_memory(levels[i], archs[a], one);
			if (kern_init(3, &e) || model_new(&c, get, &buf, &three, &e)) {
				ok(0, "%s", e.msg);
				return 1;
			}
			run(three, MAXLEN, 0, SEQS, again);
			ok(same(all, again), "%s %s: three threads give the bits of one", levels[i],
			   arch_name(archs[a]));
			model_free(one);
			model_free(three);
			free(buf);
			free(all);
			free(again);
		}
		unsetenv("SCORE_ISA");
	}
	return done();
}
