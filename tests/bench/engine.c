/* SPDX-License-Identifier: MIT */
/*
 * Speed of the engine on a store's model: JSON lines with prompt tokens read and tokens decoded a second.
 *     make build/release/tests/bench/engine.t && build/release/tests/bench/engine.t STORE [PROMPT NEW BATCH...]
 * The prompts are all read first, each sequence's own (or, with a leading g as in g32, one for all), then all
 * are decoded together; ends are not recognised.
 */
#include <stdlib.h>
#include <string.h>

#include "model/engine.h"
#include "policy/policy.h"

struct seq {
	struct kv kv;
	struct gen g;
	int *feed;
};

static double run_all(struct engine *en)
{
	double t = now_seconds();

	while (engine_active(en))
		engine_step(en);
	return now_seconds() - t;
}

static void measure(struct policy *p, size_t prompt, size_t fresh, size_t batch, int group)
{
	const struct model_config *c = &p->config;
	struct engine *en = engine_new(p->model, NULL, 0, batch);
	struct seq *s = xcalloc(batch, sizeof *s);
	double read, wrote;

	for (size_t i = 0; i < batch; i++) {
		kv_init(&s[i].kv, c, prompt + fresh + 2);
		s[i].feed = xcalloc(prompt + 1, sizeof *s[i].feed);
		for (size_t j = 0; j <= prompt; j++)
			s[i].feed[j] = (int)((j * 7919 + (group ? 0 : i) * 104729 + 17) % (c->vocab - 1000));
		s[i].g = (struct gen){
			.kv = &s[i].kv, .feed = s[i].feed, .n_feed = prompt, .sampling = {1, 1, 0, 0},
			.rng = rng_stream(1, "bench", 0, "x", i, 0), .max_new = 1,
			.tokens = xcalloc(fresh + 1, sizeof(int)), .logprobs = xcalloc(fresh + 1, sizeof(float)),
			.sample_logprobs = xcalloc(fresh + 1, sizeof(float)),
		};
	}
	for (size_t i = batch; group && i-- > 1; ) {
		s[i].g.twins = s[0].g.twins;
		s[0].g.twins = &s[i].g;
	}
	for (size_t i = 0; i < (group ? 1 : batch); i++)
		engine_add(en, &s[i].g);
	read = run_all(en);
	for (size_t i = 0; i < batch; i++) {
		struct gen *g = &s[i].g;

		*g = (struct gen){
			.kv = g->kv, .feed = s[i].feed + prompt, .n_feed = 1, .sampling = g->sampling, .rng = g->rng,
			.max_new = fresh, .tokens = g->tokens, .logprobs = g->logprobs, .sample_logprobs = g->sample_logprobs,
		};
		engine_add(en, g);
	}
	wrote = run_all(en);
	printf("{\"batch\":%zu,\"group\":%s,\"threads\":%d,\"prompt\":%zu,\"new\":%zu,\"prefill\":%.1f,\"decode\":%.1f}\n", batch,
	       group ? "true" : "false", kern_threads(), prompt, fresh,
	       (double)(prompt * (group ? 1 : batch)) / read, (double)(fresh * batch) / wrote);
	fflush(stdout);
	for (size_t i = 0; i < batch; i++) {
		kv_release(&s[i].kv);
		free(s[i].feed);
		free(s[i].g.tokens);
		free(s[i].g.logprobs);
		free(s[i].g.sample_logprobs);
	}
	free(s);
	engine_free(en);
}

int main(int argc, char **argv)
{
	static const char *const batches[] = {"1", "8", "32", "64", "g32"};
	size_t prompt = argc > 2 ? strtoul(argv[2], NULL, 10) : 128, fresh = argc > 3 ? strtoul(argv[3], NULL, 10) : 128;
	const char *threads = getenv("OMP_NUM_THREADS");
	struct store *store;
	struct policy p;
	struct err e;
	double t = now_seconds();

	if (argc < 2) {
		fprintf(stderr, "usage: engine.t STORE [PROMPT NEW BATCH...]\n");
		return 2;
	}
	if (kern_init(threads ? atoi(threads) : 0, &e) || store_open(argv[1], STORE_READ, &store, &e) ||
	    policy_load(store, NULL, 1, &p, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	store_close(store);
	printf("{\"isa\":\"%s\",\"load_s\":%.3f}\n", kern->isa, now_seconds() - t);
	for (size_t i = 0; i < (argc > 4 ? (size_t)argc - 4 : LEN(batches)); i++) {
		const char *b = argc > 4 ? argv[i + 4] : batches[i];

		measure(&p, prompt, fresh, strtoul(b + (*b == 'g'), NULL, 10), *b == 'g');
	}
	policy_release(&p);
	return 0;
}
