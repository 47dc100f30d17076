/* SPDX-License-Identifier: MIT */
/*
 * Batched sampling: many sequences decoded together, each finished one's place taken by the
 * next (continuous batching). Token ids only; text and records are score-sample's.
 */
#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include "model/model.h"

struct sampling {
	double temperature, top_p;   /* 1, 1: the model's own distribution */
	int top_k, greedy;           /* 0: off. greedy: the likeliest token, lowest id on a tie */
};

/* True if every token is drawn from the model's full softmax at temperature 1. */
int sampling_plain(const struct sampling *s);

/*
 * Draws one token from logits[V] with the uniform number u in [0, 1). banned[0..n_banned) cannot be drawn.
 * *logprob: natural log under the full softmax at temperature 1 (the trainer's number, bit for bit);
 * *sample_logprob: under what was drawn from (may equal logprob). scratch: what sample_scratch(V) says.
 */
int sample_token(const float *logits, size_t vocab, const struct sampling *s, double u, const int *banned,
                 size_t n_banned, float *logprob, float *sample_logprob, void *scratch);
size_t sample_scratch(size_t vocab);

/* One response to write: read `feed` into the cache, then draw up to max_new tokens. */
struct gen {
	/* set by the caller */
	struct kv *kv;               /* kv->len positions already there; cap >= len + n_feed + max_new */
	const int *feed;             /* [n_feed], at least 1; borrowed until done. NULL for a twin */
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
