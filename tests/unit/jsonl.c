/* SPDX-License-Identifier: MIT */
/* JSON values, the strict parser, the printer and jq programs. Lines are in tests/unit/lines.c. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jsonl/jsonl.h"
#include "tap.h"

static const struct {
	const char *text, *message;      /* message: a part of the error's */
} refused[] = {
	{"", "byte 1: expected a value, found the end"},
	{" \t\r\n", "byte 5: expected a value, found the end"},
	{"nan", "byte 1: expected a value"},
	{"NaN", "byte 1: NaN and Infinity are not JSON"},
	{"Infinity", "byte 1: NaN and Infinity are not JSON"},
	{"-Infinity", "byte 1: NaN and Infinity are not JSON"},
	{"-In", "byte 1: expected a value"},
	{"NaNs", "byte 1: NaN"},
	{"[1,nan]", "byte 4: expected a value"},
	{"'a'", "byte 1: expected a value"},
	{"{'a':1}", "byte 2: expected a key"},
	{"{a:1}", "byte 2: expected a key"},
	{"{1:1}", "byte 2: expected a key"},
	{"tru", "byte 1: expected a value"},
	{"truee", "byte 5: more text"},
	{"nul", "byte 1: expected a value"},
	{"True", "byte 1: expected a value"},
	{"1 2", "byte 3: more text"},
	{"{} {}", "byte 4: more text"},
	{"[1,]", "byte 4: expected a value"},
	{"[,1]", "byte 2: expected a value"},
	{"[1 2]", "byte 4: expected , or ]"},
	{"[1", "byte 1: array without"},
	{"[1,", "byte 4: expected a value, found the end"},
	{"[", "expected a value, found the end"},
	{"[1}", "byte 3: expected , or ]"},
	{"{\"a\":1,}", "byte 8: expected a key"},
	{"{\"a\":1", "byte 1: object without"},
	{"{\"a\"}", "byte 5: expected :"},
	{"{\"a\" 1}", "byte 6: expected :"},
	{"{\"a\":}", "byte 6: expected a value"},
	{"{\"a\":1]", "byte 7: expected , or }"},
	{"{", "expected a key"},
	{"{\"a", "byte 2: string without"},
	{"]", "byte 1: expected a value"},
	{"// c\n1", "byte 1: expected a value"},
	{"/**/1", "byte 1: expected a value"},
	{"\xef\xbb\xbf{}", "byte 1: expected a value"},     /* byte order mark */
	{"\f1", "byte 1: expected a value"},
	{"1\v", "byte 2: more text"},
	/* numbers */
	{"+1", "byte 1: expected a value"},
	{"-", "byte 1: expected a value"},
	{"--1", "byte 1: expected a value"},
	{"-a", "byte 1: expected a value"},
	{".5", "byte 1: expected a value"},
	{"01", "leading zero"},
	{"-01", "leading zero"},
	{"00", "leading zero"},
	{"1.", "after its point"},
	{"1.e1", "after its point"},
	{"1e", "in its exponent"},
	{"1e+", "in its exponent"},
	{"1E-", "in its exponent"},
	{"0x10", "byte 2: more text"},
	{"1_000", "byte 2: more text"},
	{"1e999", "number too large"},
	{"-1e999", "number too large"},
	{"1.8e308", "number too large"},
	{"9007199254740993", "beyond 2^53"},
	{"-9007199254740993", "beyond 2^53"},
	{"[0,9007199254740993]", "byte 4: whole number beyond 2^53"},
	{"18446744073709551615", "beyond 2^53"},
	{"100000000000000000000000000000000000000000", "beyond 2^53"},
	/* strings */
	{"\"", "byte 1: string without"},
	{"\"abc", "byte 1: string without"},
	{"\"\\", "byte 2: string without"},
	{"\"\\\"", "byte 1: string without"},
	{"\"\\a\"", "byte 2: unknown escape"},
	{"\"\\x41\"", "byte 2: unknown escape"},
	{"\"\\'\"", "byte 2: unknown escape"},
	{"\"\\U0041\"", "byte 2: unknown escape"},
	{"\"\\u\"", "four hexadecimal"},
	{"\"\\u12\"", "four hexadecimal"},
	{"\"\\u12g4\"", "four hexadecimal"},
	{"\"\\u 123\"", "four hexadecimal"},
	{"\"\\u-123\"", "four hexadecimal"},
	{"\"a\nb\"", "byte 3: control character"},
	{"\"\x01\"", "byte 2: control character"},
	{"\"\x1f\"", "byte 2: control character"},
	{"\"\\ud800\"", "byte 2: lone surrogate"},
	{"\"\\udc00\"", "byte 2: lone surrogate"},
	{"\"\\ud800\\ud800\"", "byte 2: lone surrogate"},
	{"\"\\ud800\\u0041\"", "byte 2: lone surrogate"},
	{"\"\\ud800x\"", "byte 2: lone surrogate"},
	{"\"\\ud83d\\n\"", "byte 2: lone surrogate"},
	{"\"\\udfff\\ud800\"", "byte 2: lone surrogate"},
	/* UTF-8: stray, cut, overlong, surrogate, too large */
	{"\"\x80\"", "byte 2: invalid UTF-8"},
	{"\"a\xff\"", "byte 3: invalid UTF-8"},
	{"\"\xc3\"", "byte 2: invalid UTF-8"},
	{"\"\xc3(\"", "byte 2: invalid UTF-8"},
	{"\"\xc0\xaf\"", "byte 2: invalid UTF-8"},
	{"\"\xc1\xbf\"", "byte 2: invalid UTF-8"},
	{"\"\xe0\x9f\xbf\"", "byte 2: invalid UTF-8"},
	{"\"\xe2\x82\"", "byte 2: invalid UTF-8"},
	{"\"\xed\xa0\x80\"", "byte 2: invalid UTF-8"},
	{"\"\xed\xbf\xbf\"", "byte 2: invalid UTF-8"},
	{"\"\xf0\x8f\xbf\xbf\"", "byte 2: invalid UTF-8"},
	{"\"\xf0\x9f\x98\"", "byte 2: invalid UTF-8"},
	{"\"\xf4\x90\x80\x80\"", "byte 2: invalid UTF-8"},
	{"\"\xf5\x80\x80\x80\"", "byte 2: invalid UTF-8"},
	{"{\"\xff\":1}", "byte 3: invalid UTF-8"},
	/* a key twice, however it is written */
	{"{\"a\":1,\"a\":1}", "byte 8: key \"a\" twice"},
	{"{\"a\":1,\"\\u0061\":2}", "byte 8: key \"a\" twice"},
	{"{\"b\":{\"\":1,\"\":2}}", "key \"\" twice"},
};

static const struct {
	const char *text, *printed;      /* NULL: as it came */
} accepted[] = {
	{"null", NULL}, {"true", NULL}, {"false", NULL}, {" [ ] ", "[]"}, {"\t{\r\n}", "{}"},
	{"0", NULL}, {"-0", NULL}, {"-0.0", "-0"}, {"0e5", "0"}, {"1", NULL}, {"-1", NULL},
	{"10", NULL}, {"3.0", "3"}, {"1e2", "100"}, {"1E+2", "100"}, {"1.5e-3", "0.0015"},
	{"0.1", NULL}, {"0.30000000000000004", NULL}, {"1e-7", "1e-07"}, {"9007199254740992", NULL},
	{"-9007199254740992", NULL}, {"9007199254740991.5", "9007199254740992"},
	/* beyond 2^53: never as an integer, always the same double */
	{"9007199254740994.0", "9007199254740994e0"}, {"1e16", "1e+16"}, {"1e300", "1e+300"},
	{"-1e300", "-1e+300"}, {"1152921504606846976e0", "1.152921504606847e+18"},
	{"1.7976931348623157e308", "1.7976931348623157e+308"}, {"2.2250738585072014e-308", NULL},
	{"4.9406564584124654e-324", "4.94065645841247e-324"}, {"1e-400", "0"}, {"\"\"", NULL},
	{"\"a\\u0000b\"", NULL}, {"\"\\/\"", "\"/\""}, {"\"\\\"\\\\\\b\\f\\n\\r\\t\"", NULL},
	{"\"\\u001f\\u007f\"", "\"\\u001f\\u007f\""}, {"\"\\u00e9\"", "\"\xc3\xa9\""},
	{"\"\\u20AC\"", "\"\xe2\x82\xac\""}, {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
	{"\"\\uDBFF\\uDFFF\"", "\"\xf4\x8f\xbf\xbf\""},
	{"\"\\ufffe\\uffff\"", "\"\xef\xbf\xbe\xef\xbf\xbf\""},
	{"\"\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\"", NULL},
	{"{\"b\":1,\"a\":{\"\":[null,{}]},\"A\":2}", NULL},
	{"{\"a\\u0000b\":1,\"a\\u0000c\":2,\"a\":3}", NULL},
	{" { \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}"},
};

static void parsing(void)
{
	struct err e = {0};
	struct js v;
	struct buf b = {0};

	for (size_t i = 0; i < LEN(refused); i++) {
		int rc = js_parse(refused[i].text, strlen(refused[i].text), &v, &e);

		if (!ok(rc && strstr(e.msg, refused[i].message) && js_kind(v) == JS_NONE, "refused: %s",
		        refused[i].message))
			diag("case %zu: %s", i, rc ? e.msg : "accepted");
		js_free(v);
	}
	for (size_t i = 0; i < LEN(accepted); i++) {
		const char *want = accepted[i].printed ? accepted[i].printed : accepted[i].text;
		int rc = js_parse(accepted[i].text, strlen(accepted[i].text), &v, &e);
		struct js again = js_none();

		buf_clear(&b);
		rc = rc || js_print(v, &b, &e) || js_parse(b.data, b.len, &again, &e);
		if (!ok(!rc && !strcmp(b.data, want) && js_equal(v, again), "accepted: case %zu", i))
			diag("%s: %s", accepted[i].text, rc ? e.msg : b.data);
		js_free(v);
		js_free(again);
	}
	ok(js_parse("\"\0\"", 3, &v, &e) && strstr(e.msg, "byte 2: control"),
	   "a raw NUL in a string is refused");
	ok(js_parse("1\0", 2, &v, &e) && strstr(e.msg, "byte 2: more text"),
	   "a raw NUL behind a value is refused");
	ok(!js_parse("12345", 2, &v, &e) && js_number(v) == 12, "the length counts, not a terminator");
	buf_release(&b);
}

static void depth(void)
{
	struct err e = {0};
	struct js v, deep = js_num(1);
	struct buf b = {0};

	for (int n = 200; n <= 201; n++) {
		buf_clear(&b);
		for (int i = 0; i < n; i++)
			buf_adds(&b, i % 2 ? "[" : "{\"k\":");
		buf_addc(&b, '1');
		for (int i = n; i-- > 0;)
			buf_addc(&b, i % 2 ? ']' : '}');
		ok((js_parse(b.data, b.len, &v, &e) == 0) == (n == 200), "%d levels", n);
		js_free(v);
	}
	ok(strstr(e.msg, "nested deeper than 200") != NULL, "%s", e.msg);
	buf_clear(&b);
	for (int i = 0; i < 1000000; i++)
		buf_addc(&b, '[');
	ok(js_parse(b.data, b.len, &v, &e) == -1, "a million brackets do not end the process");
	for (int i = 0; i < 201; i++) {
		struct js outer = js_array();

		js_push(&outer, deep);
		deep = outer;
	}
	b.len = 0;
	buf_adds(&b, "x");
	ok(js_print(deep, &b, &e) == -1 && strstr(e.msg, "nested deeper"), "not printed either");
	ok(!strcmp(b.data, "x"), "a failed print leaves the buffer as it was");
	js_free(deep);
	buf_release(&b);
}

/* Significant digits of a printed number. */
static int significant(const char *s)
{
	int n = 0, zeros = 0;

	for (; *s && *s != 'e'; s++) {
		if (*s < '0' || *s > '9')
			continue;
		zeros = *s == '0' ? zeros + 1 : 0;
		n += n || *s != '0';
	}
	return n - zeros > 0 ? n - zeros : 1;
}

/* Decimals of all lengths and exponents read as strtod reads them; floats are written with the
 * fewest digits. */
static void decimals(void)
{
	struct rng r = rng_stream(2, "test", 0, "decimals", 0, 0);
	struct err e = {0};
	struct buf b = {0};
	struct js v;
	int bad = 0, long_ones = 0, read = 0;

	for (int i = 0; i < 40000; i++) {
		uint32_t w[4];
		double want;

		rng_bits(&r, (uint64_t)i, w);
		buf_clear(&b);
		buf_addf(&b, "%s%.*s", w[0] & 1 ? "-" : "", (int)(1 + w[0] / 2 % 9),
		         &"123456789"[0] + w[3] % 3);
		if (w[0] & 64)
			buf_addf(&b, "%u", w[1]);
		if (w[0] & 128) {
			buf_addf(&b, ".%.*s%u", (int)(w[3] / 4 % 8), "00000000", w[2]);
			if (w[0] & 256)
				buf_addf(&b, "%u%u", w[1], w[3]);
		}
		if (w[0] & 512)
			buf_addf(&b, "%c%s%u", w[3] & 1 ? 'e' : 'E', (const char *[]){"", "+", "-"}[w[3] % 3],
			         w[3] / 8 % (w[0] & 1024 ? 30 : 330));
		want = strtod(b.data, NULL);
		if (js_parse(b.data, b.len, &v, &e))
			continue;
		read++;
		if (js_number(v) != want || signbit(js_number(v)) != signbit(want)) {
			bad++;
			diag("%s", b.data);
		}
	}
	ok(!bad && read > 20000, "%d decimals are the doubles that strtod says", read);
	for (int i = 0; i < 20000; i++) {
		float x = ldexpf((float)rng_uniform(&r, (uint64_t)i + 50000) + 0.001f,
		                 (int)rng_below(&r, (uint64_t)i + 80000, 60) - 30);
		char text[32];
		int n = 0;

		do
			snprintf(text, sizeof text, "%.*g", ++n, (double)x);
		while (strtof(text, NULL) != x);
		buf_clear(&b);
		v = js_f32(-x);
		bad += js_print(v, &b, &e) || strtof(b.data, NULL) != -x ||
		       strtod(b.data, NULL) != js_number(v);
		long_ones += significant(b.data) > n;
	}
	ok(!bad && !long_ones, "floats are written with the fewest digits");
	buf_release(&b);
}

static double bits(uint64_t u)
{
	double d;

	memcpy(&d, &u, sizeof d);
	return d;
}

static void numbers(void)
{
	struct rng r = rng_stream(1, "test", 0, "numbers", 0, 0);
	struct err e = {0};
	struct buf b = {0};
	struct js v;
	int bad = 0, bad32 = 0, longest = 0, integers = 0;
	const char *shortest[][2] = {{"0.1", "0.1"},
	                             {"16777216", "16777216"},
	                             {"1e-45", "1e-45"},
	                             {"3.4028235e38", "3.4028235e+38"},
	                             {"-0.69314718", "-0.6931472"},
	                             {"-0", "-0"},
	                             {"1.1754944e-38", "1.1754944e-38"},
	                             {"33554432", "33554432"}};

	for (int i = 0; i < 20000; i++) {
		uint32_t w[4];
		double d;
		float f;

		rng_bits(&r, (uint64_t)i, w);
		d = i % 2 ? bits((uint64_t)w[0] << 32 | w[1])
		          : ldexp((double)w[0] * w[1], (int)(w[2] % 64) - 40);
		if (isfinite(d)) {
			buf_clear(&b);
			v = js_num(d);
			bad += js_print(v, &b, &e) || js_parse(b.data, b.len, &v, &e) || js_number(v) != d;
			integers += fabs(d) > 0x1p53 && strspn(b.data, "-0123456789") == b.len;
		}
		memcpy(&f, &w[3], sizeof f);
		if (isfinite(f)) {
			buf_clear(&b);
			v = js_f32(f);
			bad32 += js_print(v, &b, &e) || js_parse(b.data, b.len, &v, &e) ||
			         (float)js_number(v) != f || signbit((float)js_number(v)) != signbit(f);
			bad32 += strtof(b.data, NULL) != f;
			if (fabsf(f) < 1e6f)
				longest = (int)b.len > longest ? (int)b.len : longest;
		}
	}
	ok(!bad, "every double reads back exactly");
	ok(!integers, "none beyond 2^53 is written as an integer");
	ok(!bad32, "every float32 reads back exactly, by way of a double or straight");
	ok(longest <= 15, "in nine digits at most (%d characters)", longest);
	for (size_t i = 0; i < LEN(shortest); i++) {
		buf_clear(&b);
		v = js_f32(strtof(shortest[i][0], NULL));
		ok(!js_print(v, &b, &e) && !strcmp(b.data, shortest[i][1]), "float32 %s", b.data);
	}
	v = js_num(NAN);
	ok(js_print(v, &b, &e) && !strcmp(e.msg, "NaN is not a JSON number"), "NaN is not written");
	v = js_f32(-INFINITY);
	ok(js_print(v, &b, &e) && !strcmp(e.msg, "Infinity is not a JSON number"), "nor Infinity");
	v = js_object();
	{
		struct js a = js_array();

		js_push(&a, js_num(1));
		js_push(&a, js_num(NAN));
		js_set(&v, "loss", a);
	}
	ok(js_print(v, &b, &e) && !strcmp(e.msg, ".loss[1]: NaN is not a JSON number"), "%s", e.msg);
	js_free(v);
	buf_release(&b);
}

static void values(void)
{
	struct err e = {0};
	struct js o = js_none(), v, w, a = js_array();
	struct buf b = {0};
	struct js_iter it;
	const char *key;
	int64_t k;
	int *ids, order = 1, seen = 0;
	float *f;
	size_t n;

	js_set(&o, "a", js_num(1));
	js_set(&o, "b", js_str("x\xffy"));
	js_set(&o, "c", js_bool(1));
	js_set(&o, "d", js_null());
	js_del(&o, "b");
	js_set(&o, "a", js_num(2));
	js_set(&o, "e", js_strn("p\0q", 3));
	ok(!js_print(o, &b, &e) &&
	       !strcmp(b.data, "{\"a\":2,\"c\":true,\"d\":null,\"e\":\"p\\u0000q\"}"),
	   "objects keep their order");
	w = js_copy(o);
	js_set(&w, "a", js_num(3));
	v = js_get(o, "a");
	ok(js_number(v) == 2 && !js_equal(o, w), "a copy is a value of its own");
	js_set(&w, "a", js_num(2));
	ok(js_equal(o, w), "equal again");
	js_free(w);
	ok(js_kind(js_get(o, "zz")) == JS_NONE && !js_has(o, "zz") && js_has(o, "d"),
	   "missing is not null");
	js_set(&o, "c", js_none());
	ok(!js_has(o, "c") && js_len(o) == 3, "setting nothing deletes");
	for (it = js_begin(o); js_next(o, &it, &key, &v); seen++) {
		order = order && !strcmp(key, seen == 0 ? "a" : seen == 1 ? "d" : "e");
		js_free(v);
	}
	ok(order && seen == 3, "an object is walked in its order");
	it = js_begin(a);
	ok(!js_next(a, &it, &key, &v), "what is no object has nothing to walk");
	js_free(o);
	v = js_str("a\xff\xc3\xa9");
	ok(!strcmp(js_string(v), "a\xef\xbf\xbd\xc3\xa9") && js_string_len(v) == 6,
	   "invalid UTF-8 becomes U+FFFD");
	js_free(v);

	js_push(&a, js_num(1));
	js_put(&a, 3, js_num(4));
	js_put(&a, 0, js_num(7));
	buf_clear(&b);
	ok(!js_print(a, &b, &e) && !strcmp(b.data, "[7,null,null,4]") && js_len(a) == 4, "arrays");
	ok(js_kind(js_at(a, 4)) == JS_NONE && js_kind(js_get(a, "x")) == JS_NONE,
	   "out of range is nothing");
	ok(js_ints(a, 0, 9, &ids, &n, &e) && !strcmp(e.msg, "[1]: expected whole number, got null") &&
	       !ids,
	   "%s", e.msg);
	js_put(&a, 1, js_num(2.5));
	js_put(&a, 2, js_num(1e39));
	ok(js_floats(a, &f, &n, &e) && !strcmp(e.msg, "[2]: 9.9999999999999994e+38 is too large"), "%s",
	   e.msg);
	js_put(&a, 2, js_num(9));
	ok(!js_floats(a, &f, &n, &e) && n == 4 && f[1] == 2.5f && f[3] == 4, "floats");
	ok(js_ints(a, 0, 9, &ids, &n, &e) && strstr(e.msg, "[1]: expected whole number, got 2.5"), "%s",
	   e.msg);
	js_free(a);
	a = js_from_floats(f, 4);
	buf_clear(&b);
	ok(!js_print(a, &b, &e) && !strcmp(b.data, "[7,2.5,9,4]"), "from floats");
	free(f);
	js_free(a);
	a = js_array();
	ok(!js_ints(a, 0, 9, &ids, &n, &e) && !ids && !n, "an empty array of ids");
	js_free(a);
	v = js_str("x");
	ok(js_ints(v, 0, 9, &ids, &n, &e) && !strcmp(e.msg, "expected array, got string"), "%s", e.msg);
	js_free(v);

	ok(!js_int(js_num(-3), -3, 5, &k, &e) && k == -3, "int");
	ok(js_int(js_num(-4), -3, 5, &k, &e) &&
	       !strcmp(e.msg, "expected whole number of at least -3, got -4"),
	   "%s", e.msg);
	ok(js_int(js_num(6), -3, 5, &k, &e) &&
	       !strcmp(e.msg, "expected whole number of at most 5, got 6"),
	   "%s", e.msg);
	ok(js_int(js_num(0x1p54), 0, INT64_MAX, &k, &e) && js_int(js_num(NAN), 0, 1, &k, &e)
	   && js_int(js_num(INFINITY), 0, INT64_MAX, &k, &e), "beyond 2^53, NaN, Infinity are no ints");
	ok(!js_int(js_num(0x1p53), 0, INT64_MAX, &k, &e) && k == INT64_C(1) << 53, "2^53 is");
	js_free(js_none());
	ok(js_equal(js_none(), js_none()) && js_kind((struct js){{0, 0}}) == JS_NONE,
	   "a zeroed js is nothing");
	buf_release(&b);
}

static const struct {
	const char *program, *result, *message;     /* one of the two; message is the whole one */
} programs[] = {
	{".a + 1", "3", NULL},
	{"{turn: .a, x: $x}", "{\"turn\":2,\"x\":\"arg\"}", NULL},
	{"[limit(3; range(10))]", "[0,1,2]", NULL},
	{"\"\\(.a)\" | test(\"^[0-9]+$\")", "true", NULL},
	{".a | debug", "2", NULL},
	{"[inputs]", "[]", NULL},
	{"$ENV | type", "\"object\"", NULL},
	{"try error(\"x\") catch .", "\"x\"", NULL},
	{"null", "null", NULL},
	{"empty", NULL, "prog: gave no result"},
	{"1, 2", NULL, "prog: gave more than one result"},
	{"1, error(\"late\")", NULL, "prog: late"},
	{"error(\"no\")", NULL, "prog: no"},
	{"error({a: 1})", NULL, "prog: {\"a\":1}"},
	{".a.b", NULL, "prog: Cannot index number with string \"b\""},
	{"halt", NULL, "prog: halted"},
	{"1, halt", NULL, "prog: halted"},
	{"input", NULL, "prog: break"},
	{"{a:1;}", NULL,
	 "prog: syntax error, unexpected ';', expecting '}' at <top-level>, line 1: {a:1;}"},
	{"foo", NULL, "prog: foo/0 is not defined at <top-level>, line 1: foo"},
	{"$y", NULL, "prog: $y is not defined at <top-level>, line 1: $y"},
	{"import \"m\" as m; .", NULL, "prog: module not found: m"},
	{"include \"m\"; .", NULL, "prog: module not found: m"},
};

static void jq_programs(void)
{
	struct err e = {0};
	struct js in = js_object(), args = js_object(), r;
	struct buf b = {0};
	struct jqp *p;

	js_set(&in, "a", js_num(2));
	js_set(&args, "x", js_str("arg"));
	for (size_t i = 0; i < LEN(programs); i++) {
		const char *got = e.msg;
		int good = 1, rc = jqp_new(programs[i].program, "prog", args, &p, &e);

		/* twice: a program is used for every record, whatever became of the last one */
		for (int k = 0; k < 2; k++) {
			buf_clear(&b);
			if (!rc && !jqp_run(p, in, &r, &e)) {
				if (js_print(r, &b, &e))
					buf_adds(&b, e.msg);
				js_free(r);
				got = b.data;
				good = good && programs[i].result && !strcmp(got, programs[i].result);
			} else {
				good = good && programs[i].message && !strcmp(e.msg, programs[i].message);
			}
		}
		if (!ok(good, "jq: %s", programs[i].program))
			diag("%s", got);
		if (!rc)
			jqp_free(p);
	}
	ok(!jqp_new("nan", "prog", js_none(), &p, &e) && !jqp_run(p, in, &r, &e) && js_print(r, &b, &e),
	   "a program's NaN is not printed");
	js_free(r);
	jqp_free(p);
	ok(!jqp_new(".", "prog", js_none(), &p, &e) && !jqp_run(p, js_none(), &r, &e) &&
	       js_kind(r) == JS_NULL,
	   "no input is null");
	js_free(r);
	jqp_free(p);
	ok(jqp_load("/nonexistent/x.jq", js_none(), &p, &e) &&
	       !strcmp(e.msg, "/nonexistent/x.jq: No such file or directory"),
	   "%s", e.msg);
	js_free(in);
	js_free(args);
	buf_release(&b);
}

static void foreign(void)
{
	static const char big[] =
		"{\"model_max_length\":1000000000000000019884624838656,\"n\":-9007199254740993}";
	struct js v, x, y;
	struct err e;

	ok(js_parse(big, sizeof big - 1, &v, &e), "a document with 10^30 is not ours");
	js_free(v);
	if (!ok(!js_parse_foreign(big, sizeof big - 1, &v, &e), "but somebody's"))
		return;
	x = js_get(v, "model_max_length");
	y = js_get(v, "n");
	ok(js_number(x) == 1e30 && js_number(y) == -9007199254740992.0,
	   "its whole numbers are the nearest doubles");
	js_free(x);
	js_free(y);
	js_free(v);
	ok(js_parse_foreign("[1e999]", 7, &v, &e) && js_parse_foreign("[nan]", 5, &v, &e) &&
	       js_parse_foreign("[01]", 4, &v, &e) && js_parse_foreign("NaNs", 4, &v, &e),
	   "all else is refused there too");
	if (!ok(!js_parse_foreign("\xef\xbb\xbf[NaN, -Infinity]", 19, &v, &e),
	        "but a byte order mark, and what Python writes: %s", e.msg))
		return;
	x = js_at(v, 0);
	y = js_at(v, 1);
	ok(js_kind(x) == JS_NULL && js_kind(y) == JS_NULL, "NaN and -Infinity are null");
	js_free(x);
	js_free(y);
	js_free(v);
}

int main(void)
{
	parsing();
	foreign();
	depth();
	numbers();
	decimals();
	values();
	jq_programs();
	return done();
}
