/* SPDX-License-Identifier: MIT */
/* The parts of tokenizer.json around its model, recognised and written. For this room. */
#ifndef IMPORT_HF_PRE_H
#define IMPORT_HF_PRE_H

#include "tok/tok.h"

/* Sets kind, pre, add_space_prefix and ignore_merges from normalizer, pre_tokenizer and the model's
 * switches; anything not recognised is an error that shows it. */
MUST_CHECK int pre_kind(struct js root, struct vocab *v, struct err *e);
/* The token that the post-processor puts first, -1 if none. */
int pre_first_token(struct js root, const struct vocab *v);
/* The parts as JSON objects (null where there is none), for the writer. */
struct js pre_normalizer(const struct vocab *v);
struct js pre_tokenizer(const struct vocab *v);
struct js pre_decoder(const struct vocab *v);
struct js pre_post(const struct vocab *v);

#endif
