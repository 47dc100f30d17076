/* SPDX-License-Identifier: MIT */
/*
 * policy: a snapshot of a store made ready to run: model and tokenizer. The one place
 * that joins store, model and tok, for the tools that need all three.
 */
#ifndef POLICY_H
#define POLICY_H

#include "model/model.h"
#include "store/store.h"
#include "tok/tok.h"

struct policy {
	struct model_config config;
	struct model *model;
	struct vocab vocab;
	struct tok *tok;             /* NULL unless asked for */
	int64_t step;                /* of the snapshot */
};

/* ref as in snap_open. The snapshot is closed again before this returns: nothing stays pinned. */
MUST_CHECK int policy_load(struct store *s, const char *ref, int trainable, int want_tok,
                           struct policy *out, struct err *e);
void policy_release(struct policy *p);

#endif
