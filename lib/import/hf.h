/* SPDX-License-Identifier: MIT */
/* Hugging Face's names and files, shared by reader and writer. For this room. */
#ifndef IMPORT_HF_H
#define IMPORT_HF_H

#include "jsonl/jsonl.h"
#include "model/config.h"

/* "blk.0.attn_q.weight" to "model.layers.0.self_attn.q_proj.weight"; out is cleared first, and stays
 * empty for a name that no architecture has. */
void hf_name(enum arch arch, const char *ours, struct buf *out);
/* Reads dir/file, an object of at most cap bytes; JS_NONE if it is optional and absent. */
MUST_CHECK int hf_json(const char *dir, const char *file, size_t cap, int optional, struct js *out, struct err *e);
/* config.json as a model_config. */
MUST_CHECK int hf_config(const char *dir, struct model_config *out, struct err *e);

#endif
