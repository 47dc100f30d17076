/* SPDX-License-Identifier: MIT */
/*
 * dialogue: a record as the token sequence that the model reads and writes. The sequence only
 * grows: context, response, context, response; no text is tokenised twice. Sits between
 * score-sample's records and the engine.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include "rollout/engine.h"
#include "tok/tok.h"
#include "traj/traj.h"

/* Settings shared by all dialogues of a run. Pointers are borrowed. */
struct dialogue_rules {
	struct tok *tok;
	struct chat *chat;
	struct jqp *prompts;         /* maps the record so far to the next user message */
	const char *system;          /* NULL: none */
	int64_t snapshot;            /* step of the weights */
	struct sampling sampling;
	size_t min_new;
};

struct dialogue {
	struct js rec;               /* owned; .turns grows */
	struct ids all;              /* the sequence so far */
	size_t turns;                /* turns in the record, without the open one */
	int cut;                     /* the last response has no end token */
	int sampled;                 /* at least one turn was written by a model */
	size_t asked;                /* length of `all` before the open turn's context */
	/* the open turn: prompt and context; JS_NONE between turns */
	struct js open;
};

/* Takes a checked trajectory's record (shared by reference) and reads the turns it already has:
 * sampled ones keep their ids, given ones are tokenised (context and tokens are filled in). */
MUST_CHECK int dialogue_init(struct dialogue *d, const struct traj *t,
                             const struct dialogue_rules *r, struct err *e);
void dialogue_release(struct dialogue *d);
/* Asks for the next user message and appends its context to all: 1. 0: the prompts program ends the
 * dialogue. -1: an error. */
MUST_CHECK int dialogue_ask(struct dialogue *d, const struct dialogue_rules *r, struct err *e);
/* Closes the turn without a response, with reward 0 and status context-limit: after the model's own
 * earlier responses its context exceeds the limit. That is the model's failure, not the input's. */
void dialogue_too_long(struct dialogue *d, const struct dialogue_rules *r, size_t limit);
/* Appends the finished response to all and the turn to the record. */
void dialogue_answer(struct dialogue *d, const struct dialogue_rules *r, const struct gen *g);

#endif
