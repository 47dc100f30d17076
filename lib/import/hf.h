/* SPDX-License-Identifier: MIT */
/* Hugging Face names and files, shared by reader and writer. Private to this room. */
#ifndef IMPORT_HF_H
#define IMPORT_HF_H

#include "jsonl/jsonl.h"
#include "model/config.h"

/* "model.layers.0.self_attn.q_proj.weight"; out is cleared first. */
void hf_name(const struct param *p, struct buf *out);
/* Reads dir/file, a JSON object of at most cap bytes; JS_NONE if it is optional and absent. */
MUST_CHECK int hf_json(const char *dir, const char *file, size_t cap, int optional, struct js *out,
                       struct err *e);
/* config.json as a model_config. */
MUST_CHECK int hf_config(const char *dir, struct model_config *out, struct err *e);

#endif
