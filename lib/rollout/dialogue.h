/* SPDX-License-Identifier: MIT */
/*
 * dialogue: a record as the sequence of tokens that the model reads and writes. The
 * sequence only ever grows: context, response, context, response; no text is
 * tokenised twice. score-sample's middle part.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include "rollout/engine.h"
#include "tok/tok.h"
#include "traj/traj.h"

/* What all dialogues of a run share. Borrowed parts. */
struct dialogue_rules {
	struct tok *tok;
	struct chat *chat;
	struct jqp *prompts;         /* from the record so far to the next user message */
	const char *system;          /* NULL: none */
	int64_t snapshot;            /* step of the weights */
	struct sampling sampling;
	size_t min_new;
};

struct dialogue {
	struct js rec;               /* owned; .turns grows */
	struct ids all;              /* the sequence so far */
	size_t turns;                /* in the record, the open one not counted */
	int cut;                     /* the last response lacks an end token */
	int sampled;                 /* a model wrote one of the turns */
	size_t asked;                /* length of all before the open turn's context */
	struct js open;              /* the turn being written: prompt and context; JS_NONE between
	                              * turns */
};

/* Takes a checked trajectory's record (shared by reference). Turns it already has are read: sampled
 * ones as their ids stand, given ones tokenised (context and tokens filled in). */
MUST_CHECK int dialogue_init(struct dialogue *d, const struct traj *t,
                             const struct dialogue_rules *r, struct err *e);
void dialogue_release(struct dialogue *d);
/* Asks for the next user message and appends its context to all. */
MUST_CHECK int dialogue_ask(struct dialogue *d, const struct dialogue_rules *r, struct err *e);
/* Closes the turn without a response, as an error (reward null): the model's own earlier words left
 * no room for its context. Not the input's fault, so the run goes on and the trajectory is excluded
 * and counted. */
void dialogue_no_room(struct dialogue *d, const struct dialogue_rules *r, size_t limit);
/* Appends the finished response to all and the turn to the record. */
void dialogue_answer(struct dialogue *d, const struct dialogue_rules *r, const struct gen *g);

#endif
