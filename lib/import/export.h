/* SPDX-License-Identifier: MIT */
/* What the two halves of the Hugging Face writer share. For this room. */
#ifndef IMPORT_EXPORT_H
#define IMPORT_EXPORT_H

#include "jsonl/jsonl.h"
#include "model/config.h"
#include "tok/tok.h"

/* dir/file, one line. v is borrowed. */
MUST_CHECK int write_json(const char *dir, const char *file, struct js v, struct err *e);
/* tokenizer.json and tokenizer_config.json. */
MUST_CHECK int write_tokenizer(const char *dir, const struct model_config *c, const struct vocab *v, struct err *e);

#endif
