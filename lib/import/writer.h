/* SPDX-License-Identifier: MIT */
/* A file written in one pass, which gets its name only when complete. Private to this room. */
#ifndef IMPORT_WRITER_H
#define IMPORT_WRITER_H

#include "base/base.h"

struct writer {
	FILE *f;
	char *path, *tmp;            /* owned */
	uint64_t at;                 /* bytes written */
	int failed;                  /* errno of the first failure */
};

MUST_CHECK int writer_open(struct writer *w, const char *path, struct err *e);
/* Errors are remembered and reported by writer_finish. Integers are little-endian. */
void writer_add(struct writer *w, const void *p, size_t n);
void writer_u32(struct writer *w, uint32_t x);
void writer_u64(struct writer *w, uint64_t x);
void writer_pad(struct writer *w, size_t align);
/* bf16 values, as they are or widened to F32 with `add` added. */
void writer_bf16(struct writer *w, const uint16_t *p, size_t n);
void writer_f32(struct writer *w, const uint16_t *p, size_t n, float add);
/* Syncs and renames; the writer is closed either way. */
MUST_CHECK int writer_finish(struct writer *w, struct err *e);
/* Removes what was written. */
void writer_abort(struct writer *w);

#endif
