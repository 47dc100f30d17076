/* SPDX-License-Identifier: MIT */
/*
 * The library's side of `make bench`: a model is loaded once, then every line on stdin is a
 * measurement, answered by one line of JSON. So the driver can measure in turn with other programs
 * that do the same (peers.py).
 *
 *     peak                 {of, flops, fma}: operations a second, peak.h
 *     memory               {bytes_s}
 *     gemm SECONDS         [{name, n, k, rows, seconds, flop}, ..]: the model's shapes
 *     decode B PROMPT NEW {prefill: {seconds, tokens}, decode: {seconds, tokens}, peak}: B
 *     sequences with
 *                          prompts of their own; then NEW tokens each, drawn from the full softmax
 *
 * usage: measure STORE [THREADS]
 */
#include "peak.h"
#include "policy/policy.h"
#include "kern/kern.h"
#include "rollout/engine.h"

static struct policy policy;
static const struct model_config *config;

/* ---- sampling ---------------------------------------------------------------- */

/* Runs what was added to its end; seconds. */
static double drain(struct engine *e)
{
	double t = now_seconds();

	while (engine_active(e))
		engine_forward(e);
	return now_seconds() - t;
}

static void decode(size_t batch, size_t prompt, size_t new)
{
	struct rng rng = rng_stream(0, "bench", 0, "", 0, 0);
	struct engine *e = engine_new(policy.model, policy.vocab.ends, policy.vocab.n_ends, batch);
	struct gen *g = xcalloc(batch, sizeof *g);
	struct kv *kv = xcalloc(batch, sizeof *kv);
	int *ids = xreallocarray(NULL, batch * prompt, sizeof *ids),
	    *out = xreallocarray(NULL, batch * (new + 1), sizeof *out);
	float *logp = xreallocarray(NULL, 2 * batch * new, sizeof *logp);
	double first, rest, peak;
	const char *of;

	for (size_t i = 0; i < batch * prompt; i++)
		ids[i] = (int)rng_below(&rng, i, config->vocab);
	for (size_t i = 0; i < batch; i++) {
		int *tokens = out + i * (new + 1);

		kv_init(&kv[i], config, prompt + new);
		g[i] = (struct gen){
		    .kv = &kv[i],
		    .feed = ids + i * prompt,
		    .n_feed = prompt,
		    .sampling = {.temperature = 1, .top_p = 1},
		    .rng = rng_stream(0, "sample", 0, "bench", i, 0),
		    .min_new = 1,
		    .max_new = 1,
		    .tokens = tokens,
		    .logprobs = logp + i * new,
		    .sample_logprobs = logp + (batch + i) * new,
		};
	}
	peak = peak_level(&of);
	for (size_t i = 0; i < batch; i++)
		engine_add(e, &g[i]);
	first = drain(e);
	/* go on from the token that the prefill drew, as a second response would */
	for (size_t i = 0; i < batch; i++) {
		int *tokens = out + i * (new + 1);

		g[i] = (struct gen){
			.kv = &kv[i], .feed = tokens, .n_feed = 1, .sampling = g[i].sampling, .rng = g[i].rng,
			.min_new = new, .max_new = new, .tokens = tokens + 1,
			.logprobs = g[i].logprobs, .sample_logprobs = g[i].sample_logprobs,
		};
		engine_add(e, &g[i]);
	}
	rest = drain(e);
	printf("{\"prefill\":{\"seconds\":%.6f,\"tokens\":%zu},\"decode\":{\"seconds\":%.6f,\"tokens\":"
	       "%zu},\"peak\":%.6g}\n",
	       first, batch * prompt, rest, batch * new, isnan(peak) ? 0 : peak);
	for (size_t i = 0; i < batch; i++)
		kv_release(&kv[i]);
	engine_free(e);
	free(g), free(kv), free(ids), free(out), free(logp);
}

/* ---- GEMM ---------------------------------------------------------------------- */

/* Best of three, seconds a call. Weights are cycled through more memory than caches hold, as a
 * model's are. */
static double time_gemm(const struct packed *w, size_t copies, float *c, const act *a, size_t rows,
                        double budget)
{
	size_t reps = 1, at = 0;
	double best = 1e9;

	for (int try = 0; try < 4; try++) {
		double t = now_seconds();

		for (size_t i = 0; i < reps; i++)
			gemm(c, w->n, a, w->k, &w[at++ % copies], rows, 0);
		t = (now_seconds() - t) / (double)reps;
		if (try)
			best = t < best ? t : best;
		else            /* the first one says how often */
			reps = (size_t)(budget / (t + 1e-7)) + 1;
	}
	return best;
}

static act *noise(size_t n)
{
	act *p = xaligned(n * sizeof *p);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = act_of((float)(int32_t)x * 0x1p-31f);
	}
	return p;
}

static void shape(const char *name, size_t n, size_t k, double budget, const char *before)
{
	static const size_t rows[] = {1, 32, 512};
	size_t copies = ((size_t)64 << 20) / (n * k * sizeof(act)) + 1, most = rows[LEN(rows) - 1];
	act *w = noise(n * k), *a = noise(most * k);
	float *c = xaligned(most * n * sizeof *c);
	struct packed *p = xcalloc(copies, sizeof *p);

	for (size_t i = 0; i < copies; i++)
		pack(&p[i], w, n, k, k, 0);
	for (size_t i = 0; i < LEN(rows); i++) {
		printf(
			"%s{\"name\":\"%s\",\"n\":%zu,\"k\":%zu,\"rows\":%zu,\"flop\":%.6g,\"seconds\":%.6g}",
		    i ? "," : before, name, n, k, rows[i], 2.0 * (double)(n * k * rows[i]),
		    time_gemm(p, copies, c, a, rows[i], budget));
	}
	for (size_t i = 0; i < copies; i++)
		pack_free(&p[i]);
	free(w), free(a), free(c), free(p);
}

static void gemms(double budget)
{
	size_t d = config->width, q = (size_t)config->heads * config->head_size,
	       kv = (size_t)config->kv_heads * config->head_size;

	putchar('[');
	shape("qkv", q + 2 * kv, d, budget, "");
	shape("out", d, q, budget, ",");
	shape("gate, up", 2 * (size_t)config->ffn, d, budget, ",");
	shape("down", d, config->ffn, budget, ",");
	shape("head", config->vocab, d, budget, ",");
	puts("]");
}

/* ---- the conversation ------------------------------------------------------------- */

static void answer(const char *line)
{
	size_t batch, prompt, new;
	double budget, peak, fma;
	const char *of;

	if (!strcmp(line, "peak\n")) {
		peak = peak_level(&of);
		fma = peak_fma();
		printf("{\"of\":\"%s\",\"flops\":%.6g,\"fma\":%.6g}\n", of, isnan(peak) ? 0 : peak,
		       isnan(fma) ? 0 : fma);
	} else if (!strcmp(line, "memory\n")) {
		printf("{\"bytes_s\":%.6g}\n", peak_read());
	} else if (sscanf(line, "gemm %lf", &budget) == 1) {
		gemms(budget);
	} else if (sscanf(line, "decode %zu %zu %zu", &batch, &prompt, &new) == 3 && batch && prompt &&
	           new &&batch <= 4096 && prompt + new <= config->context) {
		decode(batch, prompt, new);
	} else {
		die(EXIT_ERROR, "no such measurement, or beyond the model's context: %s", line);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	uint64_t threads = 0;
	struct store *store;
	struct err e;
	char line[256];

	prog_init(argv[0]);
	if (argc < 2 || argc > 3)
		die(EXIT_USAGE, "usage: measure STORE [THREADS]");
	if ((argc > 2 && parse_u64(argv[2], 0, 1024, &threads, &e)) || kern_init((int)threads, &e) ||
	    store_open(argv[1], STORE_READ, &store, &e) || policy_load(store, "base", 1, &policy, &e))
		die(EXIT_ERROR, "%s", e.msg);
	store_close(store);
	config = model_config(policy.model);
	printf("{\"isa\":\"%s\",\"threads\":%d}\n", kern->isa, kern_threads());
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		answer(line);
	policy_release(&policy);
	return EXIT_DONE;
}
