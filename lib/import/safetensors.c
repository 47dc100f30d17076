/* SPDX-License-Identifier: MIT */
/* Reads and checks a safetensors file. */
#include "import/safetensors.h"

#include "import/quant.h"
#include "jsonl/jsonl.h"

#include <stdlib.h>
#include <string.h>

/* Also the reference implementation's limit. */
enum { HEADER_MAX = 100 * 1000 * 1000 };

static const struct {
	const char *name;
	uint32_t type;
	size_t bytes;
} dtypes[] = {
	{"F32", GGML_F32, 4}, {"F16", GGML_F16, 2}, {"BF16", GGML_BF16, 2},
};

static int bad(const struct safetensors *s, const char *name, struct err *e, const char *why)
{
	return err_set(e, "%s: tensor %s: %s", s->map.path, label(name, strlen(name)).s, why);
}

static int read_shape(const struct safetensors *s, struct js shape, struct st_tensor *t,
                      uint64_t *values, struct err *e)
{
	size_t n = js_len(shape);

	*values = 1;
	if (js_kind(shape) != JS_ARRAY || n > 4)
		return bad(s, t->name, e, "shape: expected an array of at most 4 numbers");
	t->rank = (int)n;
	for (size_t i = 0; i < 4; i++) {
		struct js v = i < n ? js_at(shape, i) : js_num(1);
		int64_t x;
		int rc = js_int(v, 0, INT64_C(1) << 53, &x, e);

		js_free(v);
		if (rc)
			return err_prefix(e, "%s: tensor %s: shape: ", s->map.path,
			                  label(t->name, strlen(t->name)).s);
		t->shape[i] = (uint64_t)x;
		if (__builtin_mul_overflow(*values, t->shape[i], values))
			return bad(s, t->name, e, "shape overflows");
	}
	return 0;
}

/* Offsets are relative to the data, which starts at `data`. */
static int read_place(const struct safetensors *s, struct js offsets, struct st_tensor *t,
                      size_t data, struct err *e)
{
	int64_t at[2];

	if (js_kind(offsets) != JS_ARRAY || js_len(offsets) != 2)
		return bad(s, t->name, e, "data_offsets: expected two numbers");
	for (size_t i = 0; i < 2; i++) {
		struct js v = js_at(offsets, i);
		int rc = js_int(v, 0, INT64_C(1) << 53, &at[i], e);

		js_free(v);
		if (rc)
			return err_prefix(e, "%s: tensor %s: data_offsets: ", s->map.path,
			                  label(t->name, strlen(t->name)).s);
	}
	if (at[0] > at[1])
		return bad(s, t->name, e, "data_offsets: the end lies before the beginning");
	if ((uint64_t)at[1] > s->map.n - data)
		return bad(s, t->name, e, "data runs past the end of the file");
	t->at = data + (size_t)at[0];
	t->bytes = (size_t)(at[1] - at[0]);
	return 0;
}

static int read_tensor(const struct safetensors *s, struct js v, struct st_tensor *t, size_t data,
                       struct err *e)
{
	struct js dtype = js_get(v, "dtype"), shape = js_get(v, "shape"),
	          offsets = js_get(v, "data_offsets");
	uint64_t values, bytes;
	size_t k = LEN(dtypes);
	int rc = -1;

	if (js_kind(v) != JS_OBJECT || js_kind(dtype) != JS_STRING) {
		bad(s, t->name, e, "expected an object with dtype, shape and data_offsets");
		goto out;
	}
	for (size_t i = 0; i < LEN(dtypes); i++)
		if (!strcmp(js_string(dtype), dtypes[i].name))
			k = i;
	if (k == LEN(dtypes)) {
		err_set(e, "%s: tensor %s: dtype %s is not supported (BF16, F16 and F32 are)", s->map.path,
		        label(t->name, strlen(t->name)).s, label(js_string(dtype), js_string_len(dtype)).s);
		goto out;
	}
	t->type = dtypes[k].type;
	if (read_shape(s, shape, t, &values, e) || read_place(s, offsets, t, data, e))
		goto out;
	if (__builtin_mul_overflow(values, dtypes[k].bytes, &bytes) || bytes != t->bytes) {
		bad(s, t->name, e, "shape and data_offsets disagree");
		goto out;
	}
	rc = 0;
out:
	js_free(dtype);
	js_free(shape);
	js_free(offsets);
	return rc;
}

static int name_order(const void *a, const void *b)
{
	const struct st_tensor *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int place_order(const void *a, const void *b)
{
	const struct st_tensor *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? 1 : -1;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Checks that the tensors cover the data without gap or overlap, as the format requires. */
static int check_cover(struct safetensors *s, size_t data, struct err *e)
{
	size_t at = data;

	if (s->n)
		qsort(s->tensors, s->n, sizeof *s->tensors, place_order);
	for (size_t i = 0; i < s->n; i++) {
		const struct st_tensor *t = &s->tensors[i];

		if (t->at < at)
			return bad(s, t->name, e, "overlaps another tensor");
		if (t->at > at)
			return bad(s, t->name, e, "a gap before its data");
		at += t->bytes;
	}
	if (at != s->map.n)
		return err_set(e, "%s: %zu bytes after the last tensor", s->map.path, s->map.n - at);
	if (s->n)
		qsort(s->tensors, s->n, sizeof *s->tensors, name_order);
	return 0;
}

static int read_header(struct safetensors *s, struct err *e)
{
	struct js header = js_none(), v;
	struct js_iter it;
	const char *name;
	const char *what = bytes_are(s->map.p, s->map.n);
	uint64_t n;
	int rc = -1;

	if (what)
		return err_set(e, "%s: not a safetensors file but %s", s->map.path, what);
	if (s->map.n < 8)
		return err_set(e, "%s: too short for a safetensors file", s->map.path);
	n = le64(s->map.p);
	if (n > HEADER_MAX || n > s->map.n - 8)
		return err_set(e, "%s: header of %llu bytes runs past %s", s->map.path,
		               (unsigned long long)n,
		               n > HEADER_MAX ? "the limit of 100 MB" : "the end of the file");
	if (js_parse((const char *)s->map.p + 8, n, &header, e))
		return err_prefix(e, "%s: header: ", s->map.path);
	if (js_kind(header) != JS_OBJECT) {
		err_set(e, "%s: header: expected an object", s->map.path);
		goto out;
	}
	it = js_begin(header);
	while (js_next(header, &it, &name, &v)) {
		struct st_tensor t = {0};
		int wrong = 0;

		if (strcmp(name, "__metadata__")) {
			t.name = xstrdup(name);
			wrong = read_tensor(s, v, &t, 8 + n, e);
			VEC_PUSH(s->tensors, s->n, s->cap) = t;
		}
		js_free(v);
		if (wrong)
			goto out;
	}
	rc = check_cover(s, 8 + n, e);
out:
	js_free(header);
	return rc;
}

int st_read(struct map m, struct safetensors *out, struct err *e)
{
	*out = (struct safetensors){.map = m};
	if (read_header(out, e)) {
		st_close(out);
		return -1;
	}
	return 0;
}

int st_open(const char *path, struct safetensors *out, struct err *e)
{
	struct map m;

	*out = (struct safetensors){0};
	return map_open(path, &m, e) ? -1 : st_read(m, out, e);
}

void st_close(struct safetensors *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->tensors[i].name);
	free(s->tensors);
	map_close(&s->map);
	*s = (struct safetensors){0};
}

struct st_tensor *st_find(const struct safetensors *s, const char *name)
{
	struct st_tensor want = {.name = (char *)name};

	return s->n ? bsearch(&want, s->tensors, s->n, sizeof *s->tensors, name_order) : NULL;
}
