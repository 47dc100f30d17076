/* SPDX-License-Identifier: MIT */
/*
 * A strict RFC 8259 parser that checks and builds in one pass. libjq's own parser accepts more than
 * JSON (nan, bad UTF-8, duplicate keys) and clamps numbers that overflow.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "jsonl/inside.h"

struct parser {
	const unsigned char *at, *end, *start;
	struct buf text;             /* the string or number being read */
	int depth;
	int foreign;                 /* see js_parse_foreign */
	struct err *e;
};

static jv parse_value(struct parser *p);
static jv parse_python(struct parser *p, const unsigned char *from);

/* Returns an invalid value. Bytes are counted from 1, like columns. */
static jv fail(struct parser *p, const unsigned char *at, const char *what)
{
	err_set(p->e, "byte %zu: %s", (size_t)(at - p->start) + 1, what);
	return jv_invalid();
}

static void skip_space(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
		p->at++;
}

/* Length of the UTF-8 character at s (RFC 3629: no overlong form, no surrogate, at most U+10FFFF),
 * 0 if none. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	n = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (left < n)
		return 0;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	return n;
}

static void add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(b, (char)c);
	} else if (c < 0x800) {
		buf_addc(b, (char)(0xC0 | c >> 6));
		buf_addc(b, (char)(0x80 | (c & 0x3F)));
	} else if (c < 0x10000) {
		buf_addc(b, (char)(0xE0 | c >> 12));
		buf_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_addc(b, (char)(0x80 | (c & 0x3F)));
	} else {
		buf_addc(b, (char)(0xF0 | c >> 18));
		buf_addc(b, (char)(0x80 | (c >> 12 & 0x3F)));
		buf_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_addc(b, (char)(0x80 | (c & 0x3F)));
	}
}

/* Reads the four hexadecimal digits after "\u"; -1 if they are missing. */
static int hex4(struct parser *p)
{
	int v = 0;

	if (p->end - p->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = p->at[i], digit = c >= '0' && c <= '9' ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	p->at += 4;
	return v;
}

/* Parses what follows a backslash. NULL, or what is wrong with it. */
static const char *parse_escape(struct parser *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *simple;
	int c, low;

	if (p->at == p->end)
		return "string without its closing quote";
	c = *p->at++;
	if (c != 'u') {
		simple = c ? strchr(from, c) : NULL;
		if (!simple)
			return "unknown escape in string";
		buf_addc(&p->text, to[simple - from]);
		return NULL;
	}
	c = hex4(p);
	if (c < 0)
		return "\\u without four hexadecimal digits";
	if (c >= 0xDC00 && c <= 0xDFFF)
		return "lone surrogate";
	if (c >= 0xD800 && c <= 0xDBFF) {
		if (p->end - p->at < 6 || p->at[0] != '\\' || p->at[1] != 'u')
			return "lone surrogate";
		p->at += 2;
		low = hex4(p);
		if (low < 0xDC00 || low > 0xDFFF)
			return "lone surrogate";
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
	}
	add_utf8(&p->text, (uint32_t)c);
	return NULL;
}

static jv parse_string(struct parser *p)
{
	const unsigned char *open = p->at++;

	buf_clear(&p->text);
	while (p->at < p->end && *p->at != '"') {
		const unsigned char *run = p->at;

		while (p->at < p->end && *p->at != '"' && *p->at != '\\') {
			size_t n = utf8_length(p->at, (size_t)(p->end - p->at));

			if (*p->at < 0x20)
				return fail(p, p->at, "control character in string");
			if (!n)
				return fail(p, p->at, "invalid UTF-8");
			p->at += n;
		}
		buf_add(&p->text, run, (size_t)(p->at - run));
		if (p->at < p->end && *p->at == '\\') {
			const unsigned char *at = p->at++;
			const char *wrong = parse_escape(p);

			if (wrong)
				return fail(p, at, wrong);
		}
	}
	if (p->at == p->end)
		return fail(p, open, "string without its closing quote");
	p->at++;
	return jv_string_sized(p->text.data ? p->text.data : "", (int)p->text.len);
}

const double js_pow10[JS_EXACT_POWERS + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* Reads digits from p->at on into *v, which saturates at UINT64_MAX / 10 or above. Returns how
 * many. */
static size_t digits(struct parser *p, uint64_t *v)
{
	const unsigned char *from = p->at;

	for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++)
		if (*v < UINT64_MAX / 10 - 1)
			*v = *v * 10 + (uint64_t)(*p->at - '0');
	return (size_t)(p->at - from);
}

/* The number at from..p->at, which is mantissa * 10^exponent unless these overflowed. */
static jv to_number(struct parser *p, const unsigned char *from, uint64_t mantissa,
                    int64_t exponent)
{
	double v;

	if (mantissa <= (uint64_t)JS_MAX_WHOLE && exponent >= -JS_EXACT_POWERS &&
	    exponent <= JS_EXACT_POWERS) {
		v = exponent < 0 ? (double)mantissa / js_pow10[-exponent]
		                 : (double)mantissa * js_pow10[exponent];
		return jv_number(*from == '-' ? -v : v);
	}
	buf_clear(&p->text);
	buf_add(&p->text, from, (size_t)(p->at - from));
	v = strtod(p->text.data, NULL);
	if (!isfinite(v))
		return fail(p, from, "number too large");
	return jv_number(v);
}

static jv parse_number(struct parser *p)
{
	const unsigned char *from = p->at, *first;
	uint64_t mantissa = 0, power = 0;
	int64_t exponent = 0;
	int whole = 1, negative = 0;

	if (*p->at == '-')
		p->at++;
	first = p->at;
	if (p->at < p->end && *p->at == 'I')
		return parse_python(p, from);
	if (!digits(p, &mantissa))
		return fail(p, from, "expected a value");
	if (*first == '0' && p->at > first + 1)
		return fail(p, from, "number with a leading zero");
	if (p->at < p->end && *p->at == '.') {
		whole = 0;
		p->at++;
		exponent = -(int64_t)digits(p, &mantissa);
		if (!exponent)
			return fail(p, from, "number without digits after its point");
	}
	if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
		whole = 0;
		p->at++;
		if (p->at < p->end && (*p->at == '+' || *p->at == '-'))
			negative = *p->at++ == '-';
		if (!digits(p, &power))
			return fail(p, from, "number without digits in its exponent");
		if (power > 1000000)
			power = 1000000;     /* large enough not to be exact */
		exponent += negative ? -(int64_t)power : (int64_t)power;
	}
	if (whole && mantissa > (uint64_t)JS_MAX_WHOLE && !p->foreign)
		return fail(p, from, "whole number beyond 2^53");
	return to_number(p, from, mantissa, exponent);
}

static jv parse_array(struct parser *p)
{
	const unsigned char *open = p->at++;
	jv a = jv_array();

	skip_space(p);
	if (p->at < p->end && *p->at == ']') {
		p->at++;
		return a;
	}
	for (;;) {
		jv v = parse_value(p);

		if (!jv_is_valid(v)) {
			jv_free(a);
			return v;
		}
		a = jv_array_append(a, v);
		skip_space(p);
		if (p->at < p->end && *p->at == ',') {
			p->at++;
			continue;
		}
		if (p->at < p->end && *p->at == ']')
			break;
		jv_free(a);
		return p->at < p->end ? fail(p, p->at, "expected , or ]")
		                      : fail(p, open, "array without its closing ]");
	}
	p->at++;
	return a;
}

/* Parses "key": value and adds it to *o. 0, or -1 with the error set. */
static int parse_member(struct parser *p, jv *o)
{
	const unsigned char *at;
	jv key, v;

	skip_space(p);
	at = p->at;
	if (at == p->end || *at != '"') {
		jv_free(fail(p, at, "expected a key in quotes"));
		return -1;
	}
	key = parse_string(p);
	if (!jv_is_valid(key)) {
		jv_free(key);
		return -1;
	}
	if (jv_object_has(jv_copy(*o), jv_copy(key))) {
		err_set(p->e, "byte %zu: key \"%.60s\" twice in one object", (size_t)(at - p->start) + 1,
		        jv_string_value(key));
		jv_free(key);
		return -1;
	}
	skip_space(p);
	if (p->at == p->end || *p->at != ':') {
		jv_free(key);
		jv_free(fail(p, p->at, "expected : after the key"));
		return -1;
	}
	p->at++;
	v = parse_value(p);
	if (!jv_is_valid(v)) {
		jv_free(key);
		jv_free(v);
		return -1;
	}
	*o = jv_object_set(*o, key, v);
	return 0;
}

static jv parse_object(struct parser *p)
{
	const unsigned char *open = p->at++;
	jv o = jv_object();

	skip_space(p);
	if (p->at < p->end && *p->at == '}') {
		p->at++;
		return o;
	}
	for (;;) {
		if (parse_member(p, &o)) {
			jv_free(o);
			return jv_invalid();
		}
		skip_space(p);
		if (p->at < p->end && *p->at == ',') {
			p->at++;
			continue;
		}
		if (p->at < p->end && *p->at == '}')
			break;
		jv_free(o);
		return p->at < p->end ? fail(p, p->at, "expected , or }")
		                      : fail(p, open, "object without its closing }");
	}
	p->at++;
	return o;
}

static int word(struct parser *p, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(p->end - p->at) < n || memcmp(p->at, w, n))
		return 0;
	p->at += n;
	return 1;
}

/* NaN and Infinity, as written by Python: null in foreign documents. */
static jv parse_python(struct parser *p, const unsigned char *from)
{
	if (word(p, "NaN") || word(p, "Infinity"))
		return p->foreign ? jv_null() : fail(p, from, "NaN and Infinity are not JSON");
	return fail(p, from, "expected a value");
}

static jv parse_value(struct parser *p)
{
	jv v;

	skip_space(p);
	if (p->at == p->end)
		return fail(p, p->at, "expected a value, found the end");
	switch (*p->at) {
	case '"':
		return parse_string(p);
	case '[':
	case '{':
		if (p->depth == JS_MAX_DEPTH)
			return fail(p, p->at, "nested deeper than 200");
		p->depth++;
		v = *p->at == '[' ? parse_array(p) : parse_object(p);
		p->depth--;
		return v;
	case 't':
		if (word(p, "true"))
			return jv_true();
		break;
	case 'f':
		if (word(p, "false"))
			return jv_false();
		break;
	case 'n':
		if (word(p, "null"))
			return jv_null();
		break;
	case 'N':
	case 'I':
		return parse_python(p, p->at);
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return parse_number(p);
	}
	return fail(p, p->at, "expected a value");
}

static int parse(const char *text, size_t n, int foreign, struct js *out, struct err *e)
{
	const unsigned char *s = (const unsigned char *)text;
	struct parser p = {.at = s, .start = s, .end = s + n, .foreign = foreign, .e = e};
	jv v = parse_value(&p);

	buf_release(&p.text);
	*out = js_none();
	if (jv_is_valid(v)) {
		skip_space(&p);
		if (p.at != p.end) {
			jv_free(v);
			v = fail(&p, p.at, "more text after the value");
		}
	}
	*out = to_js(v);
	return js_kind(*out) == JS_NONE ? -1 : 0;
}

int js_parse(const char *text, size_t n, struct js *out, struct err *e)
{
	return parse(text, n, 0, out, e);
}

int js_parse_foreign(const char *text, size_t n, struct js *out, struct err *e)
{
	if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		n -= 3;
	}
	return parse(text, n, 1, out, e);
}
