/* SPDX-License-Identifier: MIT */
/* Private to this room: an opened model in either format; functions shared by the writers;
 * tokenizer.json. */
#ifndef IMPORT_INSIDE_H
#define IMPORT_INSIDE_H

#include "import/gguf.h"
#include "import/import.h"
#include "import/safetensors.h"
#include "jsonl/jsonl.h"
#include "model/config.h"
#include "tok/tok.h"

/* Where a parameter's values are: rows * cols values of a ggml type, each row in whole blocks. */
struct source {
	const unsigned char *data;   /* borrowed from a mapping; NULL: not found yet */
	uint32_t type;
	int interleaved;             /* a head's rows are in the rope order of GGUF's llama */
	/* added to every value: gemma3's norms in a GGUF file are 1 + w */
	float add;
};

struct import {
	char *path;
	struct model_config config;
	struct vocab vocab;
	struct source *params;       /* [model_params(&config)] */
	struct gguf gguf;            /* a GGUF file, or */
	struct safetensors *shards;  /* [n_shards] a Hugging Face directory's files */
	size_t n_shards, shards_cap;
};

/* Each fills in im (zeroed, path set, vocabulary initialised); import_close also releases it after
 * an error. */
MUST_CHECK int open_gguf(struct import *im, struct map m, struct err *e);
MUST_CHECK int open_hf(struct import *im, struct err *e);
/* The tokenizer of a Hugging Face directory, or of one tokenizer.json. size: the embedding's number
 * of rows, to which the vocabulary is cut or padded; 0: as in config.json, else the number of
 * tokens. Initialises out. */
MUST_CHECK int hf_vocab(const char *dir, size_t size, struct vocab *out, struct err *e);
MUST_CHECK int hf_vocab_file(const char *tokenizer_json, struct vocab *out, struct err *e);

/* ---- writing a Hugging Face directory ---- */

/* dir/file, one line. v is borrowed. */
MUST_CHECK int write_json(const char *dir, const char *file, struct js v, struct err *e);
/* tokenizer.json and tokenizer_config.json. */
MUST_CHECK int write_tokenizer(const char *dir, const struct model_config *c, const struct vocab *v,
                               struct err *e);

/* ---- hf_pre.c: the parts of tokenizer.json around its model ---- */

/* Sets kind, pre, add_space_prefix and ignore_merges from normalizer, pre_tokenizer and the model's
 * flags; the error for anything not recognised quotes it. */
MUST_CHECK int pre_kind(struct js root, struct vocab *v, struct err *e);
/* The token that the post-processor puts in front, -1 if none. */
int pre_first_token(struct js root, const struct vocab *v);
/* The parts as JSON objects (null where there is none), for the writer. */
struct js pre_normalizer(const struct vocab *v);
struct js pre_tokenizer(const struct vocab *v);
struct js pre_decoder(const struct vocab *v);
struct js pre_post(const struct vocab *v);

#endif
