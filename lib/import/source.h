/* SPDX-License-Identifier: MIT */
/* What an opened model is, whichever format it came from. For this room. */
#ifndef IMPORT_SOURCE_H
#define IMPORT_SOURCE_H

#include "import/gguf.h"
#include "import/import.h"
#include "import/safetensors.h"

/* Where a parameter's values are: rows * cols of a ggml type, whole blocks a row. */
struct source {
	const unsigned char *data;   /* borrowed from a mapping; NULL: not found yet */
	uint32_t type;
	int interleaved;             /* rows of a head are in GGUF llama's RoPE order */
	float add;                   /* to every value: gemma3's norms in a GGUF file are 1 + w */
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

/* Each fills im (zeroed, path set, vocabulary initialised); import_close releases it also after an error. */
MUST_CHECK int open_gguf(struct import *im, struct map m, struct err *e);
MUST_CHECK int open_hf(struct import *im, struct err *e);
/* The tokenizer of a Hugging Face directory, or of one tokenizer.json. size: the embedding's rows, to which
 * the vocabulary is cut or padded; 0: what config.json says, else as many as there are. Initialises out. */
MUST_CHECK int hf_vocab(const char *dir, size_t size, struct vocab *out, struct err *e);
MUST_CHECK int hf_vocab_file(const char *tokenizer_json, struct vocab *out, struct err *e);

#endif
