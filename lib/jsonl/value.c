/* SPDX-License-Identifier: MIT */
/* JSON values: libjq's, with borrowed arguments instead of consumed ones. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "jsonl/inside.h"

enum js_kind js_kind(struct js v)
{
	switch (jv_get_kind(to_jv(v))) {
	case JV_KIND_NULL:
		return JS_NULL;
	case JV_KIND_FALSE:
		return JS_FALSE;
	case JV_KIND_TRUE:
		return JS_TRUE;
	case JV_KIND_NUMBER:
		return JS_NUMBER;
	case JV_KIND_STRING:
		return JS_STRING;
	case JV_KIND_ARRAY:
		return JS_ARRAY;
	case JV_KIND_OBJECT:
		return JS_OBJECT;
	case JV_KIND_INVALID:
		break;
	}
	return JS_NONE;
}

const char *js_kind_name(enum js_kind k)
{
	static const char *const names[] = {
		[JS_NONE] = "nothing", [JS_NULL] = "null", [JS_FALSE] = "false", [JS_TRUE] = "true",
		[JS_NUMBER] = "number", [JS_STRING] = "string", [JS_ARRAY] = "array",
		[JS_OBJECT] = "object",
	};

	return k < LEN(names) ? names[k] : "nothing";
}

struct js js_none(void)
{
	return (struct js){{0, 0}};
}

struct js js_null(void)
{
	return to_js(jv_null());
}

struct js js_bool(int b)
{
	return to_js(jv_bool(!!b));
}

struct js js_num(double x)
{
	return to_js(jv_number(x));
}

/*
 * True if a decimal whose nearest double is d reads back as x, both through the double and
 * directly. Midpoints between neighbouring floats are doubles, and a decimal on one side of a
 * midpoint has its double on that side or on the midpoint. So both ways agree unless d is a
 * midpoint, and also there if d equals the decimal.
 */
static int reads_as(double d, float x)
{
	if ((float)d == x && d == floor(d) && fabs(d) <= JS_MAX_WHOLE)
		return 1;
	return (float)d == x && d != ((double)x + (double)nextafterf(x, INFINITY)) / 2
	    && d != ((double)x + (double)nextafterf(x, -INFINITY)) / 2;
}

struct js js_f32(float x)
{
	double size = fabs((double)x), d;
	char text[32];

	if (!isfinite(x) || size == 0)
		return js_num((double)x);
	if (size >= 1e-4 && size < 1e6) {
		for (int k = 0; k <= 13; k++) {
			d = copysign(nearbyint(size * js_pow10[k]) / js_pow10[k], (double)x);
			if (reads_as(d, x))
				return js_num(d);
		}
	}
	/* Any 6-digit decimal survives a round trip through a normal float32; 9 digits identify
	 * every float32. */
	for (int digits = size < (double)FLT_MIN ? 1 : 6; digits <= 9; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, (double)x);
		d = strtod(text, NULL);
		if (reads_as(d, x))
			return js_num(d);
	}
	return js_num((double)x);
}

struct js js_strn(const char *s, size_t n)
{
	if (n > INT_MAX / 4)
		die(EXIT_ERROR, "out of memory (string of %zu bytes)", n);
	return to_js(jv_string_sized(s, (int)n));
}

struct js js_str(const char *s)
{
	return js_strn(s, strlen(s));
}

struct js js_array(void)
{
	return to_js(jv_array());
}

struct js js_object(void)
{
	return to_js(jv_object());
}

struct js js_copy(struct js v)
{
	return js_kind(v) == JS_NONE ? js_none() : to_js(jv_copy(to_jv(v)));
}

void js_free(struct js v)
{
	if (js_kind(v) != JS_NONE)
		jv_free(to_jv(v));
}

int js_equal(struct js a, struct js b)
{
	if (js_kind(a) == JS_NONE || js_kind(b) == JS_NONE)
		return js_kind(a) == js_kind(b);
	return jv_equal(jv_copy(to_jv(a)), jv_copy(to_jv(b)));
}

/* ---- objects ---- */

struct js js_get(struct js obj, const char *key)
{
	if (js_kind(obj) != JS_OBJECT)
		return js_none();
	return to_js(jv_object_get(jv_copy(to_jv(obj)), jv_string(key)));
}

int js_has(struct js obj, const char *key)
{
	return js_kind(obj) == JS_OBJECT && jv_object_has(jv_copy(to_jv(obj)), jv_string(key));
}

void js_set(struct js *obj, const char *key, struct js value)
{
	if (js_kind(value) == JS_NONE) {
		js_del(obj, key);
		return;
	}
	if (js_kind(*obj) != JS_OBJECT) {
		js_free(*obj);
		*obj = js_object();
	}
	*obj = to_js(jv_object_set(to_jv(*obj), jv_string(key), to_jv(value)));
}

void js_del(struct js *obj, const char *key)
{
	if (js_kind(*obj) == JS_OBJECT)
		*obj = to_js(jv_object_delete(to_jv(*obj), jv_string(key)));
}

struct js_iter js_begin(struct js obj)
{
	return (struct js_iter){js_kind(obj) == JS_OBJECT ? jv_object_iter(to_jv(obj)) : -1};
}

int js_next(struct js obj, struct js_iter *it, const char **key, struct js *value)
{
	jv o = to_jv(obj), k;

	if (js_kind(obj) != JS_OBJECT || !jv_object_iter_valid(o, it->at))
		return 0;
	k = jv_object_iter_key(o, it->at);
	*key = jv_string_value(k);
	jv_free(k);     /* the object holds another reference to it */
	*value = to_js(jv_object_iter_value(o, it->at));
	it->at = jv_object_iter_next(o, it->at);
	return 1;
}

/* ---- arrays ---- */

size_t js_len(struct js v)
{
	if (js_kind(v) == JS_ARRAY)
		return (size_t)jv_array_length(jv_copy(to_jv(v)));
	if (js_kind(v) == JS_OBJECT)
		return (size_t)jv_object_length(jv_copy(to_jv(v)));
	return 0;
}

struct js js_at(struct js arr, size_t i)
{
	if (js_kind(arr) != JS_ARRAY || i >= js_len(arr))
		return js_none();
	return to_js(jv_array_get(jv_copy(to_jv(arr)), (int)i));
}

void js_push(struct js *arr, struct js value)
{
	js_put(arr, js_len(*arr), value);
}

void js_put(struct js *arr, size_t i, struct js value)
{
	if (js_kind(*arr) != JS_ARRAY) {
		js_free(*arr);
		*arr = js_array();
	}
	if (js_kind(value) == JS_NONE)
		value = js_null();
	if (i > INT_MAX / 64)
		die(EXIT_ERROR, "out of memory (array of %zu values)", i);
	*arr = to_js(jv_array_set(to_jv(*arr), (int)i, to_jv(value)));
}

/* ---- scalars ---- */

double js_number(struct js v)
{
	return js_kind(v) == JS_NUMBER ? jv_number_value(to_jv(v)) : 0;
}

const char *js_string(struct js v)
{
	return js_kind(v) == JS_STRING ? jv_string_value(to_jv(v)) : "";
}

size_t js_string_len(struct js v)
{
	return js_kind(v) == JS_STRING ? (size_t)jv_string_length_bytes(jv_copy(to_jv(v))) : 0;
}

int js_int(struct js v, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	double d = js_number(v);

	if (js_kind(v) != JS_NUMBER)
		return err_set(e, "expected whole number, got %s", js_kind_name(js_kind(v)));
	if (!(fabs(d) <= JS_MAX_WHOLE) || d != floor(d))
		return err_set(e, "expected whole number, got %.17g", d);
	if ((int64_t)d < min)
		return err_set(e, "expected whole number of at least %lld, got %.0f", (long long)min, d);
	if ((int64_t)d > max)
		return err_set(e, "expected whole number of at most %lld, got %.0f", (long long)max, d);
	*out = (int64_t)d;
	return 0;
}

int js_ints(struct js v, int64_t min, int64_t max, int **out, size_t *n, struct err *e)
{
	size_t len = js_len(v);
	int *p;

	*out = NULL;
	*n = 0;
	if (js_kind(v) != JS_ARRAY)
		return err_set(e, "expected array, got %s", js_kind_name(js_kind(v)));
	if (!len)
		return 0;
	p = xreallocarray(NULL, len, sizeof *p);
	for (size_t i = 0; i < len; i++) {
		struct js x = js_at(v, i);
		int64_t k;
		int bad = js_int(x, min < INT_MIN ? INT_MIN : min, max > INT_MAX ? INT_MAX : max, &k, e);

		js_free(x);
		if (bad) {
			free(p);
			return err_prefix(e, "[%zu]: ", i);
		}
		p[i] = (int)k;
	}
	*out = p;
	*n = len;
	return 0;
}

int js_floats(struct js v, float **out, size_t *n, struct err *e)
{
	size_t len = js_len(v);
	float *p;

	*out = NULL;
	*n = 0;
	if (js_kind(v) != JS_ARRAY)
		return err_set(e, "expected array, got %s", js_kind_name(js_kind(v)));
	if (!len)
		return 0;
	p = xreallocarray(NULL, len, sizeof *p);
	for (size_t i = 0; i < len; i++) {
		struct js x = js_at(v, i);
		enum js_kind kind = js_kind(x);
		double d = js_number(x);

		js_free(x);
		p[i] = (float)d;
		if (kind != JS_NUMBER || !isfinite(p[i])) {
			free(p);
			return kind != JS_NUMBER
				? err_set(e, "[%zu]: expected number, got %s", i, js_kind_name(kind))
				: err_set(e, "[%zu]: %.17g is too large", i, d);
		}
	}
	*out = p;
	*n = len;
	return 0;
}

struct js js_from_ints(const int *p, size_t n)
{
	struct js a = js_array();

	for (size_t i = 0; i < n; i++)
		js_push(&a, js_num(p[i]));
	return a;
}

struct js js_from_floats(const float *p, size_t n)
{
	struct js a = js_array();

	for (size_t i = 0; i < n; i++)
		js_push(&a, js_f32(p[i]));
	return a;
}
