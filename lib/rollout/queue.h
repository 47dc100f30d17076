/* SPDX-License-Identifier: MIT */
/*
 * queue: dialogues on their way through the engine. A record comes in and becomes n dialogues; each
 * waits for a place in the batch and for memory, writes turn after turn, and leaves as a record, in
 * the order they came. Knows no files and no options: those are score-sample's.
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
	uint64_t kv_memory;          /* bytes that all caches together may take */
};

struct queue;

/* p is borrowed until queue_free. */
struct queue *queue_new(const struct policy *p, const struct queue_rules *r);
void queue_free(struct queue *q);
/* Is there room for another record's dialogues? */
int queue_wants(const struct queue *q);
/* Adds a record's dialogues. -1: the record cannot be continued (the message names the field); of
 * its dialogues, those before the bad one are kept. share: of the input up to this record. */
MUST_CHECK int queue_add(struct queue *q, const struct traj *t, double share, struct err *e);
/* Lets waiting dialogues into the batch while there is room and memory. */
void queue_admit(struct queue *q);
/* The same, and one token more of each (or more of its prompt read). Returns the tokens of
 * responses that ended. */
size_t queue_step(struct queue *q);
/* Sequences in the engine. */
size_t queue_active(const struct queue *q);
/* The next finished record (owned by the caller) and its share; 0: none yet. */
int queue_take(struct queue *q, struct js *rec, double *share);
/* Is there nothing left that could still come out? */
int queue_done(const struct queue *q);
/* Has a dialogue failed on its way? Its record's line, and why. Records after it do not come
 * out. */
int queue_failed(const struct queue *q, size_t *line, struct err *e);

#endif
