/* SPDX-License-Identifier: MIT */
/* Files mapped for reading, and labels made from their bytes for messages. Private to this room. */
#ifndef IMPORT_MAP_H
#define IMPORT_MAP_H

#include "base/base.h"

struct map {
	const unsigned char *p;      /* [n], NULL when n is 0 */
	size_t n;
	char *path;                  /* owned */
	int heap;                    /* p is from malloc: see map_copy */
};

/* Regular files only. The descriptor is closed; the mapping lives until map_close. */
MUST_CHECK int map_open(const char *path, struct map *out, struct err *e);
/* The same from bytes in memory, copied to a heap block of exactly that size, so that the
 * sanitizers see accesses beyond the end (a mapping would extend to the end of its last page). */
void map_copy(const char *name, const void *p, size_t n, struct map *out);
void map_close(struct map *m);

/* Bytes from a file for a message: control bytes become '?', long ones end in "...". */
struct label {
	char s[72];
};
struct label label(const void *p, size_t n);

static inline uint16_t le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t le64(const unsigned char *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static inline float f32_of_bits(uint32_t u)
{
	union { uint32_t u; float f; } v = {u};

	return v.f;
}

static inline uint32_t bits_of_f32(float f)
{
	union { float f; uint32_t u; } v = {f};

	return v.u;
}

/* Well-formed UTF-8 without NUL: what a vocabulary's C strings can hold. */
int text_valid(const void *p, size_t n);

#endif
