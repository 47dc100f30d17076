/* SPDX-License-Identifier: MIT */
/*
 * A safetensors file: u64 header bytes, a JSON object from names to {dtype, shape, data_offsets
 * [begin, end)} and optionally __metadata__, then the data, which the tensors cover without gap or
 * overlap. Tensors are views into the mapping. Private to this room.
 */
#ifndef IMPORT_SAFETENSORS_H
#define IMPORT_SAFETENSORS_H

#include "import/map.h"

struct st_tensor {
	char *name;                  /* owned */
	uint32_t type;               /* enum ggml_type: F32, F16 or BF16 */
	int rank;                    /* 0..4 */
	uint64_t shape[4];           /* outermost first; 1 beyond rank */
	size_t at, bytes;            /* position and size in the file */
	int used;                    /* for the caller's use */
};

struct safetensors {
	struct map map;
	struct st_tensor *tensors;   /* [n] in name order */
	size_t n, cap;
};

MUST_CHECK int st_open(const char *path, struct safetensors *out, struct err *e);
/* The same for a mapping, which out takes ownership of (on error it is closed). */
MUST_CHECK int st_read(struct map m, struct safetensors *out, struct err *e);
void st_close(struct safetensors *s);
/* NULL if absent. */
struct st_tensor *st_find(const struct safetensors *s, const char *name);

#endif
