/* SPDX-License-Identifier: MIT */
/*
 * engine: batched sampling. Many sequences are decoded together; when one finishes, the next takes
 * its place (continuous batching). Deals with token ids only; text and records belong to
 * score-sample.
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include "model/model.h"

/* One response to sample: reads `feed` into the cache, then draws up to max_new tokens. */
struct gen {
	/* set by the caller */
	/* kv->len positions are already filled; cap >= len + n_feed + max_new */
	struct kv *kv;
	/* [n_feed], at least 1; borrowed until done. NULL for a twin */
	const int *feed;
	size_t n_feed;
	struct sampling sampling;
	struct rng rng;              /* its number i draws token i */
	size_t min_new, max_new;     /* max_new >= 1 */
	int *tokens;                 /* [max_new] out */
	float *logprobs, *sample_logprobs;   /* [max_new] out */
	/* share this sequence so far: their kv is copied from this one's, but for what both have in
	 * common memory */
	struct gen *twins;
	void *owner;                 /* for the caller */
	/* results */
	size_t n;                    /* tokens drawn */
	int ended;                   /* the last one is an end token; else cut off at max_new */
	/* private to the engine */
	size_t fed;
	int done;
	struct gen *next;
};

struct engine;

/* ends: ids that end a response. batch: sequences decoded together. */
struct engine *engine_new(struct model *m, const int *ends, size_t n_ends, size_t batch);
void engine_free(struct engine *e);
/* Number of sequences that can be added now (a gen and each of its twins count as one). */
size_t engine_places(const struct engine *e);
/* Adds g and its twins. */
void engine_add(struct engine *e, struct gen *g);
/* One forward for all sequences. Returns those that finished, linked by next, or NULL if none;
 * returns NULL at once if there is no sequence. */
struct gen *engine_forward(struct engine *e);
size_t engine_active(const struct engine *e);

#endif
