/* SPDX-License-Identifier: MIT */
/*
 * import: reads and writes models in other formats: GGUF files (v2, v3) and Hugging Face
 * directories (config.json, safetensors, tokenizer.json). Called by score-weights. All input is
 * untrusted: files are mapped, every offset, count, length and product is checked before use, and
 * errors say what is wrong and where. Knows only shapes (model/config.h) and vocabularies
 * (tok/tok.h), not kernels or the forward.
 *
 * Tensors come out as bf16 (bits in a uint16_t), rounded to nearest even, in the
 * layout of model/config.h: [rows][columns] row-major, Q and K rows in half-split order
 * (GGUF's permutation of some architectures is undone), gemma3's norms as w where the
 * factor is 1 + w (as in a Hugging Face file; GGUF has the factor).
 *
 * If another process truncates a mapped file while it is read, this process dies (SIGBUS): files
 * must not change while they are imported.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "model/config.h"
#include "tok/tok.h"

struct import;

/*
 * path: a .gguf file, or a directory with config.json. Reads and checks everything but the tensors'
 * values: when it returns 0, each of model_params(config) tensors is present with its shape and
 * lies within its file. Unsupported types, architectures and tokenizers are named in the error (and
 * *out is NULL).
 */
MUST_CHECK int import_open(const char *path, struct import **out, struct err *e);
void import_close(struct import *im);                        /* NULL is allowed */
/* borrowed until import_close */
const struct model_config *import_config(const struct import *im);
/* borrowed until import_close */
const struct vocab *import_vocab(const struct import *im);
/* Tensor i in model_param's order: dst[rows * cols] bf16. Fails on a value that is not
 * finite in bf16 (NaN, infinity, overflow), naming tensor and index. */
MUST_CHECK int import_param(struct import *im, size_t i, uint16_t *dst, struct err *e);

/* Reads only the tokenizer, from a .gguf file (possibly without tensors), a directory with
 * tokenizer.json, or a tokenizer.json. out is initialised here; vocab_release frees it. */
MUST_CHECK int import_vocab_open(const char *path, struct vocab *out, struct err *e);

/* Gives tensor p as bf16 [rows][cols], valid until the next call. The same type as
 * model_tensor_fn. */
typedef int (*export_tensor_fn)(void *ctx, const struct param *p, const uint16_t **data,
                                struct err *e);

/* Writes a GGUF v3 file: matrices BF16, vectors F32, as llama.cpp expects. Written beside path and
 * renamed when complete. v may be NULL: no tokenizer (llama.cpp will not load such a file). */
MUST_CHECK int export_gguf(const char *path, const struct model_config *c, const struct vocab *v,
                           export_tensor_fn get, void *ctx, struct err *e);
/* Writes a directory (created if absent; an existing one must be empty) with config.json,
 * generation_config.json, model.safetensors (BF16), tokenizer.json and tokenizer_config.json; a
 * SentencePiece-like vocabulary is also written as tokenizer.json (BPE with byte fallback). */
MUST_CHECK int export_hf(const char *dir, const struct model_config *c, const struct vocab *v,
                         export_tensor_fn get, void *ctx, struct err *e);

#endif
