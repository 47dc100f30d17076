/* SPDX-License-Identifier: MIT */
/*
 * Prints compact JSON. Numbers are printed here and not by libjq, which prints NaN as null and
 * clamps Infinity: with the fewest of 15, 16 or 17 digits that read back as the same double. An
 * integer beyond 2^53 gets an exponent, so that it never looks like an exact integer and js_parse
 * accepts it.
 */
#include <math.h>
#include <stdlib.h>

#include "jsonl/inside.h"

/* Prints an integer with a decimal point before its last `decimals` digits. */
static void print_decimal(int negative, uint64_t m, int decimals, struct buf *out)
{
	char text[40], *p = text + sizeof text;
	int n = 0;

	do {
		*--p = (char)('0' + m % 10);
		m /= 10;
		if (++n == decimals)
			*--p = '.';
	} while (m || n <= decimals);
	if (negative)
		*--p = '-';
	buf_add(out, p, (size_t)(text + sizeof text - p));
}

/* Prints numbers of few digits and moderate size, with the fewest decimals that read back as x. 1:
 * printed. */
static int print_short(double x, struct buf *out)
{
	double size = fabs(x);

	if (size == floor(size) && size <= JS_MAX_WHOLE) {
		print_decimal(signbit(x), (uint64_t)size, 0, out);
		return 1;
	}
	if (size < 1e-4 || size > 1e9)
		return 0;
	for (int k = 1; k <= JS_EXACT_POWERS; k++) {
		double m = nearbyint(size * js_pow10[k]);

		if (m > 1e15)
			return 0;
		if (m / js_pow10[k] == size) {
			print_decimal(signbit(x), (uint64_t)m, k, out);
			return 1;
		}
	}
	return 0;
}

static int print_number(double x, struct buf *out, struct err *e)
{
	char text[40];

	if (isfinite(x) && print_short(x, out))
		return 0;
	if (!isfinite(x))
		return err_set(e, ": %s is not a JSON number", isnan(x) ? "NaN" : "Infinity");
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	if (!strpbrk(text, ".e"))
		strcat(text, "e0");
	buf_adds(out, text);
	return 0;
}

static void print_string(jv s, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)jv_string_value(s);
	size_t n = (size_t)jv_string_length_bytes(jv_copy(s)), from = 0;
	static const char plain[] = "\"\\\b\f\n\r\t", escape[] = "\"\\bfnrt";

	buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		const char *known;

		/* also escapes DEL as jq does, so that a jq between two filters does not change any
		 * byte */
		if (p[i] >= 0x20 && p[i] != 0x7f && p[i] != '"' && p[i] != '\\')
			continue;
		buf_add(out, p + from, i - from);
		from = i + 1;
		known = p[i] ? strchr(plain, p[i]) : NULL;
		if (known)
			buf_addf(out, "\\%c", escape[known - plain]);
		else
			buf_addf(out, "\\u%04x", p[i]);
	}
	buf_add(out, p + from, n - from);
	buf_addc(out, '"');
}

static int print_value(jv v, int depth, struct buf *out, struct err *e);

static int print_array(jv a, int depth, struct buf *out, struct err *e)
{
	int n = jv_array_length(jv_copy(a)), rc = 0;

	buf_addc(out, '[');
	for (int i = 0; i < n && !rc; i++) {
		jv v = jv_array_get(jv_copy(a), i);

		if (i)
			buf_addc(out, ',');
		rc = print_value(v, depth + 1, out, e);
		jv_free(v);
		if (rc)
			err_prefix(e, "[%d]", i);
	}
	buf_addc(out, ']');
	return rc;
}

static int print_object(jv o, int depth, struct buf *out, struct err *e)
{
	int rc = 0;

	buf_addc(out, '{');
	for (int it = jv_object_iter(o), first = 1; !rc && jv_object_iter_valid(o, it); first = 0) {
		jv key = jv_object_iter_key(o, it), v = jv_object_iter_value(o, it);

		if (!first)
			buf_addc(out, ',');
		print_string(key, out);
		buf_addc(out, ':');
		rc = print_value(v, depth + 1, out, e);
		if (rc)
			err_prefix(e, ".%.60s", jv_string_value(key));
		jv_free(key);
		jv_free(v);
		it = jv_object_iter_next(o, it);
	}
	buf_addc(out, '}');
	return rc;
}

static int print_value(jv v, int depth, struct buf *out, struct err *e)
{
	switch (jv_get_kind(v)) {
	case JV_KIND_NULL:
		buf_adds(out, "null");
		return 0;
	case JV_KIND_FALSE:
		buf_adds(out, "false");
		return 0;
	case JV_KIND_TRUE:
		buf_adds(out, "true");
		return 0;
	case JV_KIND_NUMBER:
		return print_number(jv_number_value(v), out, e);
	case JV_KIND_STRING:
		print_string(v, out);
		return 0;
	case JV_KIND_ARRAY:
	case JV_KIND_OBJECT:
		if (depth == JS_MAX_DEPTH)
			return err_set(e, ": nested deeper than %d", JS_MAX_DEPTH);
		return jv_get_kind(v) == JV_KIND_ARRAY ? print_array(v, depth, out, e)
		                                       : print_object(v, depth, out, e);
	case JV_KIND_INVALID:
		break;
	}
	return err_set(e, ": nothing to print");
}

int js_print(struct js v, struct buf *out, struct err *e)
{
	size_t before = out->len;

	if (!print_value(to_jv(v), 0, out, e))
		return 0;
	out->len = before;
	if (out->data)
		out->data[before] = 0;
	if (e && e->msg[0] == ':')     /* no path: the error is in the value itself */
		memmove(e->msg, e->msg + 2, strlen(e->msg) - 1);
	return -1;
}
