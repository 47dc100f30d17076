/* SPDX-License-Identifier: MIT */
/*
 * Batched sampling: many sequences decoded together, each finished one's place taken by the
 * next (continuous batching). Token ids only; text and records are score-sample's.
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include "model/model.h"

/* One response to write: read `feed` into the cache, then draw up to max_new tokens. */
struct gen {
	/* set by the caller */
	/* kv->len positions already there; cap >= len + n_feed + max_new */
	struct kv *kv;
	/* [n_feed], at least 1; borrowed until done. NULL for a twin */
	const int *feed;
	size_t n_feed;
	struct sampling sampling;
	struct rng rng;              /* number i of it draws token i */
	size_t min_new, max_new;     /* max_new >= 1 */
	int *tokens;                 /* [max_new] out */
	float *logprobs, *sample_logprobs;   /* [max_new] out */
	struct gen *twins;           /* same sequence so far: their kv is copied from this one's */
	void *owner;                 /* the caller's */
	/* results */
	size_t n;                    /* tokens drawn */
	int ended;                   /* the last one is an end token; else cut off at max_new */
	/* the engine's own */
	size_t fed;
	int done;
	struct gen *next;
};

struct engine;

/* ends: ids that end a response. batch: sequences decoded together. */
struct engine *engine_new(struct model *m, const int *ends, size_t n_ends, size_t batch);
void engine_free(struct engine *e);
/* Sequences that can still be added now (a gen and each of its twins count one). */
size_t engine_room(const struct engine *e);
/* Adds g and its twins. */
void engine_add(struct engine *e, struct gen *g);
/* One forward for all sequences; those that finished are linked (next) from the result, NULL
 * if none. Calls nothing back. Returns NULL at once if there is no sequence. */
struct gen *engine_step(struct engine *e);
size_t engine_active(const struct engine *e);

#endif
