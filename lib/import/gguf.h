/* SPDX-License-Identifier: MIT */
/*
 * A GGUF file (ggml's docs/gguf.md, versions 2 and 3, little endian) parsed: keys and tensors as
 * views into the mapping. gguf_model.c and gguf_vocab.c interpret the keys. Private to this room.
 */
#ifndef IMPORT_GGUF_H
#define IMPORT_GGUF_H

#include "import/map.h"
#include "model/config.h"
#include "tok/tok.h"

enum gguf_value {
	GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL,
	GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
};

struct gguf_key {
	const char *name;            /* [len], borrowed from the mapping, no NUL at the end */
	size_t len;
	uint32_t type, elem;         /* elem: element type of an array */
	uint64_t count;              /* elements of an array; bytes of a string */
	/* file position of the value; of an array or string: of its first element */
	size_t at;
};

struct gguf_tensor {
	const char *name;
	size_t len;
	uint32_t type;
	int rank;
	uint64_t ne[4];              /* ne[0] is the inner dimension; 1 beyond rank */
	size_t at, bytes;            /* position and size in the file */
};

struct gguf {
	struct map map;
	uint32_t version;
	struct gguf_key *keys;       /* [n_keys] in name order */
	size_t n_keys;
	struct gguf_tensor *tensors; /* [n_tensors] in name order */
	size_t n_tensors;
	char arch[64];               /* general.architecture */
};

/* Checks the whole structure: lengths, types, duplicate names, shapes, offsets, overlaps. */
MUST_CHECK int gguf_open(const char *path, struct gguf *out, struct err *e);
/* The same for a mapping, which out takes ownership of (on error it is closed). */
MUST_CHECK int gguf_read(struct map m, struct gguf *out, struct err *e);
void gguf_close(struct gguf *g);
/* NULL if absent. */
const struct gguf_key *gguf_key(const struct gguf *g, const char *name);
const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name);

/*
 * Values. Each returns 1: found, 0: absent, -1: of another type or out of range. A name that begins
 * with '.' is prefixed with the architecture (".block_count": "llama.block_count").
 */
MUST_CHECK int gguf_uint(const struct gguf *g, const char *name, uint64_t max, uint64_t *out,
                         struct err *e);
MUST_CHECK int gguf_float(const struct gguf *g, const char *name, double *out, struct err *e);
MUST_CHECK int gguf_bool(const struct gguf *g, const char *name, int *out, struct err *e);
/* Borrowed from the mapping. */
MUST_CHECK int gguf_string(const struct gguf *g, const char *name, const char **out, size_t *n,
                           struct err *e);
/* An array of 32-bit elements (u32, i32, f32): the position of its first element. */
MUST_CHECK int gguf_words(const struct gguf *g, const char *name, uint32_t elem,
                          const unsigned char **out, uint64_t *n, struct err *e);
/* An array of strings: read it with gguf_next, *n times, starting at *at. */
MUST_CHECK int gguf_strings(const struct gguf *g, const char *name, size_t *at, uint64_t *n,
                            struct err *e);
const char *gguf_next(const struct gguf *g, size_t *at, size_t *n);

/* ---- meaning ---------------------------------------------------------------- */

/* The model's shape from the keys; also refuses settings that our model does not implement. */
MUST_CHECK int gguf_config(const struct gguf *g, struct model_config *out, struct err *e);
/* out is initialised here. Released again on error. */
MUST_CHECK int gguf_vocab(const struct gguf *g, struct vocab *out, struct err *e);

/* Layers without rope: the format has no key, its readers assume every fourth. */
enum { GGUF_ROPE_SKIP = 4 };

#endif
