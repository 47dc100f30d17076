/* SPDX-License-Identifier: MIT */
/*
 * queue: runs dialogues through the engine. A record becomes n dialogues; each waits for a place in
 * the batch and for memory, writes its turns, and leaves as a record, in input order. Files and
 * options are left to score-sample.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "rollout/dialogue.h"
#include "policy/policy.h"

struct queue_rules {
	struct dialogue_rules dialogue;
	int samples;                 /* dialogues per record */
	size_t turns, batch;         /* turns of a finished dialogue; sequences decoded together */
	const int *max_new;          /* [n_max_new] tokens per turn, the last repeats; borrowed */
	size_t n_max_new;
	uint64_t seed;
	uint64_t kv_memory;          /* limit in bytes for all caches together */
};

struct queue;

/* p is borrowed until queue_free. */
struct queue *queue_new(const struct policy *p, const struct queue_rules *r);
void queue_free(struct queue *q);
/* True if another record should be added. */
int queue_wants(const struct queue *q);
/* Adds a record's dialogues. -1: the record cannot be continued (the message names the field);
 * dialogues before the bad one are kept. share: fraction of the input read up to this record. */
MUST_CHECK int queue_add(struct queue *q, const struct traj *t, double share, struct err *e);
/* Admits waiting dialogues to the batch while there are places and memory. */
void queue_admit(struct queue *q);
/* queue_admit, then one forward: one more token of each dialogue, or more of its prompt. Returns
 * the number of tokens in responses that ended. */
size_t queue_forward(struct queue *q);
/* Number of sequences in the engine. */
size_t queue_active(const struct queue *q);
/* The next finished record (owned by the caller) and its share; 0: none yet. */
int queue_take(struct queue *q, struct js *rec, double *share);
/* True if no more records can come out. */
int queue_done(const struct queue *q);
/* True if a dialogue has failed: *line is its record's line, e says why. Later records do not come
 * out. */
int queue_failed(const struct queue *q, size_t *line, struct err *e);

#endif
