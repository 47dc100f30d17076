/* SPDX-License-Identifier: MIT */
/*
 * Reads a GGUF file: magic "GGUF", u32 version, u64 tensors, u64 keys; the keys (string name, u32
 * type, value); the tensors (string name, u32 rank, u64 dimensions, u32 type, u64 offset); padding
 * to general.alignment; the data, to whose start the offsets are relative. A string is u64 bytes
 * and the bytes; an array u32 element type, u64 count and the elements.
 *
 * Every length is checked against the rest of the file before it is used, so the work is bounded by
 * the file's size, whatever its counts claim.
 */
#include "import/gguf.h"

#include "import/quant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAY_DEPTH = 8, NAME_MAX_BYTES = 65535, ALIGN_MAX = 1 << 20 };

/* A position in the file, and what is being read, for messages. */
struct cursor {
	const struct map *m;
	size_t at;
	struct label what;
};

static int fail(const struct cursor *c, struct err *e, const char *why)
{
	return err_set(e, "%s: byte %zu: %s: %s", c->m->path, c->at, c->what.s, why);
}

static int take(struct cursor *c, uint64_t n, size_t *at, struct err *e)
{
	*at = c->at;
	if (n > c->m->n - c->at)
		return fail(c, e, "runs past the end of the file");
	c->at += n;
	return 0;
}

static int take_u32(struct cursor *c, uint32_t *out, struct err *e)
{
	size_t at;

	if (take(c, 4, &at, e))
		return -1;
	*out = le32(c->m->p + at);
	return 0;
}

static int take_u64(struct cursor *c, uint64_t *out, struct err *e)
{
	size_t at;

	if (take(c, 8, &at, e))
		return -1;
	*out = le64(c->m->p + at);
	return 0;
}

static int take_string(struct cursor *c, size_t *at, uint64_t *n, struct err *e)
{
	return take_u64(c, n, e) || take(c, *n, at, e) ? -1 : 0;
}

/* Bytes of a scalar type, 0 for strings, arrays and unknown numbers. */
static size_t scalar_bytes(uint32_t type)
{
	static const unsigned char bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

	return type < sizeof bytes ? bytes[type] : 0;
}

static int skip_array(struct cursor *c, uint32_t elem, uint64_t count, int depth, struct err *e)
{
	size_t size = scalar_bytes(elem), at;
	uint64_t n;
	uint32_t inner;

	if (size) {
		if (count > (c->m->n - c->at) / size)
			return fail(c, e, "runs past the end of the file");
		return take(c, count * size, &at, e);
	}
	if (elem != GGUF_STRING && elem != GGUF_ARRAY)
		return fail(c, e, "array of an unknown type");
	if (depth >= ARRAY_DEPTH)
		return fail(c, e, "arrays nested too deep");
	for (uint64_t i = 0; i < count; i++) {
		if (elem == GGUF_STRING) {
			if (take_string(c, &at, &n, e))
				return -1;
		} else if (take_u32(c, &inner, e) || take_u64(c, &n, e) ||
		           skip_array(c, inner, n, depth + 1, e)) {
			return -1;
		}
	}
	return 0;
}

static int read_name(struct cursor *c, const char **name, size_t *len, struct err *e)
{
	size_t at;
	uint64_t n;

	if (take_string(c, &at, &n, e))
		return -1;
	if (!n || n > NAME_MAX_BYTES)
		return fail(c, e, n ? "name is too long" : "name is empty");
	*name = (const char *)c->m->p + at;
	*len = n;
	c->what = label(*name, n);
	return 0;
}

static int read_key(struct cursor *c, struct gguf_key *k, struct err *e)
{
	size_t bytes;

	if (read_name(c, &k->name, &k->len, e) || take_u32(c, &k->type, e))
		return -1;
	bytes = scalar_bytes(k->type);
	if (bytes)
		return take(c, bytes, &k->at, e);
	if (k->type == GGUF_STRING)
		return take_string(c, &k->at, &k->count, e);
	if (k->type != GGUF_ARRAY)
		return fail(c, e, "unknown value type");
	if (take_u32(c, &k->elem, e) || take_u64(c, &k->count, e))
		return -1;
	k->at = c->at;
	return skip_array(c, k->elem, k->count, 0, e);
}

/* at is relative to the data until place_tensors. */
static int read_tensor(struct cursor *c, struct gguf_tensor *t, uint32_t align, struct err *e)
{
	uint64_t values = 1, rows, bytes, offset;
	size_t block, block_bytes;
	uint32_t rank;

	if (read_name(c, &t->name, &t->len, e) || take_u32(c, &rank, e))
		return -1;
	if (rank < 1 || rank > 4)
		return fail(c, e, "number of dimensions is not within 1..4");
	t->rank = (int)rank;
	for (uint32_t i = 0; i < 4; i++) {
		t->ne[i] = 1;
		if (i < rank && take_u64(c, &t->ne[i], e))
			return -1;
		if (!t->ne[i])
			return fail(c, e, "a dimension is 0");
		if (__builtin_mul_overflow(values, t->ne[i], &values) || values > INT64_MAX)
			return fail(c, e, "dimensions overflow");
	}
	if (take_u32(c, &t->type, e) || take_u64(c, &offset, e))
		return -1;
	if (quant_block(t->type, &block, &block_bytes)) {
		const char *name = quant_name(t->type);

		return err_set(e, "%s: tensor %s: type %s (%u) is not supported", c->m->path, c->what.s,
		               name ? name : "unknown", t->type);
	}
	if (t->ne[0] % block)
		return fail(c, e, "rows are not whole blocks of the tensor's type");
	rows = values / t->ne[0];
	if (__builtin_mul_overflow(t->ne[0] / block * block_bytes, rows, &bytes) ||
	    t->ne[0] / block > INT64_MAX / block_bytes)
		return fail(c, e, "dimensions overflow");
	if (offset % align)
		return fail(c, e, "offset is not aligned");
	if (offset > c->m->n || bytes > c->m->n)
		return fail(c, e, "data runs past the end of the file");
	t->at = offset;
	t->bytes = bytes;
	return 0;
}

static int compare(const char *a, size_t na, const char *b, size_t nb)
{
	int r = memcmp(a, b, na < nb ? na : nb);

	return r ? r : (na > nb) - (na < nb);
}

static int key_order(const void *a, const void *b)
{
	const struct gguf_key *x = a, *y = b;

	return compare(x->name, x->len, y->name, y->len);
}

static int tensor_order(const void *a, const void *b)
{
	const struct gguf_tensor *x = a, *y = b;

	return compare(x->name, x->len, y->name, y->len);
}

static int place_order(const void *a, const void *b)
{
	const struct gguf_tensor *x = *(struct gguf_tensor *const *)a,
	                         *y = *(struct gguf_tensor *const *)b;

	return (x->at > y->at) - (x->at < y->at);
}

const struct gguf_key *gguf_key(const struct gguf *g, const char *name)
{
	struct gguf_key want = {.name = name, .len = strlen(name)};

	return g->n_keys ? bsearch(&want, g->keys, g->n_keys, sizeof *g->keys, key_order) : NULL;
}

const struct gguf_tensor *gguf_tensor(const struct gguf *g, const char *name)
{
	struct gguf_tensor want = {.name = name, .len = strlen(name)};

	return g->n_tensors ? bsearch(&want, g->tensors, g->n_tensors, sizeof *g->tensors, tensor_order)
	                    : NULL;
}

/* Turns offsets into file positions; checks that no tensor ends beyond the file and that none
 * overlap. */
static int place_tensors(struct gguf *g, size_t data, struct err *e)
{
	struct gguf_tensor **by_place = xreallocarray(NULL, g->n_tensors + 1, sizeof *by_place);
	int rc = -1;

	for (size_t i = 0; i < g->n_tensors; i++) {
		struct gguf_tensor *t = &g->tensors[i];

		/* both terms are at most the file's size: no overflow */
		t->at += data;
		if (t->at > g->map.n || t->bytes > g->map.n - t->at) {
			err_set(
				e,
			    "%s: tensor %s: data (%zu bytes at %zu) runs past the end of the file (%zu bytes)",
			    g->map.path, label(t->name, t->len).s, t->bytes, t->at, g->map.n);
			goto out;
		}
		by_place[i] = t;
	}
	qsort(by_place, g->n_tensors, sizeof *by_place, place_order);
	for (size_t i = 1; i < g->n_tensors; i++) {
		struct gguf_tensor *a = by_place[i - 1], *b = by_place[i];

		if (a->at + a->bytes > b->at) {
			err_set(e, "%s: tensors %s and %s overlap at byte %zu", g->map.path,
			        label(a->name, a->len).s, label(b->name, b->len).s, b->at);
			goto out;
		}
	}
	rc = 0;
out:
	free(by_place);
	return rc;
}

static int read_keys(struct gguf *g, struct cursor *c, uint64_t count, struct err *e)
{
	size_t cap = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct gguf_key k = {0};

		c->what = label("key", 3);
		if (read_key(c, &k, e))
			return -1;
		VEC_PUSH(g->keys, g->n_keys, cap) = k;
	}
	if (g->n_keys)
		qsort(g->keys, g->n_keys, sizeof *g->keys, key_order);
	for (size_t i = 1; i < g->n_keys; i++)
		if (!key_order(&g->keys[i - 1], &g->keys[i]))
			return err_set(e, "%s: key %s appears twice", g->map.path,
			               label(g->keys[i].name, g->keys[i].len).s);
	return 0;
}

static int read_tensors(struct gguf *g, struct cursor *c, uint64_t count, struct err *e)
{
	uint64_t align = 32;
	size_t cap = 0, data;

	if (gguf_uint(g, "general.alignment", ALIGN_MAX, &align, e) < 0)
		return -1;
	if (align < 8 || align & (align - 1))
		return err_set(e, "%s: general.alignment: %llu is not a power of two from 8", g->map.path,
		               (unsigned long long)align);
	for (uint64_t i = 0; i < count; i++) {
		struct gguf_tensor t = {0};

		c->what = label("tensor", 6);
		if (read_tensor(c, &t, (uint32_t)align, e))
			return -1;
		VEC_PUSH(g->tensors, g->n_tensors, cap) = t;
	}
	if (!g->n_tensors)
		return 0;
	qsort(g->tensors, g->n_tensors, sizeof *g->tensors, tensor_order);
	for (size_t i = 1; i < g->n_tensors; i++)
		if (!tensor_order(&g->tensors[i - 1], &g->tensors[i]))
			return err_set(e, "%s: tensor %s appears twice", g->map.path,
			               label(g->tensors[i].name, g->tensors[i].len).s);
	data = (c->at + align - 1) / align * align;
	if (data > g->map.n)
		return err_set(e, "%s: byte %zu: the tensors' data begins past the end of the file",
		               g->map.path, data);
	return place_tensors(g, data, e);
}

static int read_all(struct gguf *g, struct err *e)
{
	struct cursor c = {.m = &g->map, .what = label("header", 6)};
	uint64_t tensors, keys;
	const char *arch;
	size_t at, n;
	int found;

	if (take(&c, 4, &at, e))
		return -1;
	if (memcmp(g->map.p, "GGUF", 4)) {
		const char *what = bytes_are(g->map.p, g->map.n);

		return err_set(e, "%s: not a GGUF file%s%s", g->map.path, what ? " but " : "",
		               what ? what : "");
	}
	if (take_u32(&c, &g->version, e))
		return -1;
	if (g->version && !(g->version & 0xffff))
		return err_set(e, "%s: big-endian GGUF is not supported", g->map.path);
	if (g->version != 2 && g->version != 3)
		return err_set(e, "%s: GGUF version %u is not supported (2 and 3 are)", g->map.path,
		               g->version);
	if (take_u64(&c, &tensors, e) || take_u64(&c, &keys, e) || read_keys(g, &c, keys, e))
		return -1;
	found = gguf_string(g, "general.architecture", &arch, &n, e);
	if (found < 0)
		return -1;
	if (found && (n >= sizeof g->arch || !text_valid(arch, n)))
		return err_set(e, "%s: general.architecture: '%s' is not a name", g->map.path,
		               label(arch, n).s);
	if (found)
		memcpy(g->arch, arch, n);
	return read_tensors(g, &c, tensors, e);
}

int gguf_read(struct map m, struct gguf *out, struct err *e)
{
	*out = (struct gguf){.map = m};
	if (read_all(out, e)) {
		gguf_close(out);
		return -1;
	}
	return 0;
}

int gguf_open(const char *path, struct gguf *out, struct err *e)
{
	struct map m;

	*out = (struct gguf){0};
	return map_open(path, &m, e) ? -1 : gguf_read(m, out, e);
}

void gguf_close(struct gguf *g)
{
	free(g->keys);
	free(g->tensors);
	map_close(&g->map);
	*g = (struct gguf){0};
}

/* ---- values ---- */

static const struct gguf_key *find(const struct gguf *g, const char *name)
{
	char full[160];

	if (*name != '.')
		return gguf_key(g, name);
	snprintf(full, sizeof full, "%s%s", g->arch, name);
	return gguf_key(g, full);
}

static int wrong(const struct gguf *g, const struct gguf_key *k, struct err *e, const char *want)
{
	return err_set(e, "%s: key %s: expected %s", g->map.path, label(k->name, k->len).s, want);
}

int gguf_uint(const struct gguf *g, const char *name, uint64_t max, uint64_t *out, struct err *e)
{
	const struct gguf_key *k = find(g, name);
	const unsigned char *p = k ? g->map.p + k->at : NULL;
	int64_t v;

	if (!k)
		return 0;
	switch (k->type) {
	case GGUF_U8: v = p[0]; break;
	case GGUF_I8: v = (signed char)p[0]; break;
	case GGUF_U16: v = le16(p); break;
	case GGUF_I16: v = (int16_t)le16(p); break;
	case GGUF_U32: v = le32(p); break;
	case GGUF_I32: v = (int32_t)le32(p); break;
	case GGUF_U64:
	case GGUF_I64: v = (int64_t)le64(p); break;
	default: return wrong(g, k, e, "a whole number");
	}
	if (v < 0 || (uint64_t)v > max)
		return err_set(e, "%s: key %s: %lld is not within 0..%llu", g->map.path,
		               label(k->name, k->len).s, (long long)v, (unsigned long long)max);
	*out = (uint64_t)v;
	return 1;
}

int gguf_float(const struct gguf *g, const char *name, double *out, struct err *e)
{
	const struct gguf_key *k = find(g, name);
	union { uint64_t u; double d; } v;

	if (!k)
		return 0;
	if (k->type == GGUF_F32) {
		v.d = f32_of_bits(le32(g->map.p + k->at));
	} else if (k->type == GGUF_F64) {
		v.u = le64(g->map.p + k->at);
	} else {
		return wrong(g, k, e, "a floating-point number");
	}
	if (!isfinite(v.d))
		return wrong(g, k, e, "a finite number");
	*out = v.d;
	return 1;
}

int gguf_bool(const struct gguf *g, const char *name, int *out, struct err *e)
{
	const struct gguf_key *k = find(g, name);

	if (!k)
		return 0;
	if (k->type != GGUF_BOOL || g->map.p[k->at] > 1)
		return wrong(g, k, e, "true or false");
	*out = g->map.p[k->at];
	return 1;
}

int gguf_string(const struct gguf *g, const char *name, const char **out, size_t *n, struct err *e)
{
	const struct gguf_key *k = find(g, name);

	if (!k)
		return 0;
	if (k->type != GGUF_STRING)
		return wrong(g, k, e, "a string");
	*out = (const char *)g->map.p + k->at;
	*n = k->count;
	return 1;
}

int gguf_words(const struct gguf *g, const char *name, uint32_t elem, const unsigned char **out,
               uint64_t *n, struct err *e)
{
	const struct gguf_key *k = find(g, name);

	if (!k)
		return 0;
	if (k->type != GGUF_ARRAY || k->elem != elem)
		return wrong(g, k, e,
		             elem == GGUF_F32 ? "an array of float32" : "an array of 32-bit integers");
	*out = g->map.p + k->at;
	*n = k->count;
	return 1;
}

int gguf_strings(const struct gguf *g, const char *name, size_t *at, uint64_t *n, struct err *e)
{
	const struct gguf_key *k = find(g, name);

	if (!k)
		return 0;
	if (k->type != GGUF_ARRAY || k->elem != GGUF_STRING)
		return wrong(g, k, e, "an array of strings");
	*at = k->at;
	*n = k->count;
	return 1;
}

const char *gguf_next(const struct gguf *g, size_t *at, size_t *n)
{
	const char *p = (const char *)g->map.p + *at + 8;

	*n = le64(g->map.p + *at);
	*at += 8 + *n;
	return p;
}
