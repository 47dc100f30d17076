/* SPDX-License-Identifier: MIT */
/* Answers and the trees they are: a table, what must be one tree, what must not, bounds, and all
 * answers of MATH and GSM8K. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "jsonl/jsonl.h"
#include "latex/tree.h"
#include "tap.h"
#include "unit/math_parse.h"

/* All texts of a line are one tree. */
static const char *const same[][6] = {
	{"\\frac{1}{2}", "\\dfrac12", "1/2", "\\tfrac{1}2", "\xc2\xbd", "$\\cfrac 1 2$"},
	{"1234567", "1\\;234\\;567", "1{,}234{,}567", "1,\\!234,\\! 567", "1\\,234\\,567", "1 234 567"},
	{"x^2", "x^{2}", "x**2", "x\xc2\xb2", "\\left(x\\right)^2", "{x}^2"},
	{"3\\sqrt{2}", "3\\sqrt2", "3 sqrt(2)", "3\\cdot\\sqrt{2}", "3\xe2\x88\x9a" "2", "3*sqrt 2"},
	{"(-\\infty, 3]", "\\left(-\\infty,3\\right]", "(-oo, 3]", "(-\xe2\x88\x9e,3]", "(-inf,3]",
	 "\\big( -\\infty , 3 \\big]"},
	{"12\\text{ cm}^2", "12 cm^2", "12\\mbox{ square centimeters}", "12 sq. cm",
	 "12\\,\\mathrm{cm}^{2}", "12 \\textrm{ sq cm}"},
	{"\\$5.50", "$5.50", "5.50 dollars", "5.50\\$", "\\textdollar 5.50", "5.50\\text{ dollars}"},
	{"x \\le 3", "x <= 3", "x\\leq3", "x \xe2\x89\xa4 3", "x\\leqslant 3", "x \\leqq 3"},
	{"\\sin^{-1} x", "\\arcsin x", "arcsin(x)", "asin x", "sin^-1(x)", "\\operatorname{arcsin} x"},
	{"90^\\circ", "90\xc2\xb0", "90 degrees", "90\\degree", "90^{\\circ}", "90\\text{ degrees}"},
	{"\\text{B}", "\\text{(B)}", "(B)", "\\textbf{(B)}", "\\mathrm{B}", "\\mbox{B}"},
	{"2, 3", "2 and 3", "2; 3", "2\\text{ and }3", "2,\\ 3", "2 \\quad 3"},
};

/* Neither one tree nor one plain text. */
static const char *const different[][2] = {
	{"x \\ne 3", "x! = 3"}, {"12", "1 2"}, {"5.3", "5. 3"}, {"0.05", "0.5"},
	{"0.\\overline{3}", "0.3"}, {"(0,1)", "[0,1]"}, {"\\{1,2\\}", "(1,2)"}, {"x_1", "x^1"},
	{"10_2", "10_3"}, {"2^{10}", "2^1 0"}, {"x y", "x+y"}, {"-1", "1"}, {"1/2", "2/1"},
	{"\\overline{z}", "z"}, {"5 cm", "5 m"}, {"3:4", "3/4"}, {"\\sin 2x", "\\sin 2 + x"},
	{"\\pm 1", "1"}, {"|x|", "x"}, {"1e5", "1e6"}, {"\\sqrt[3]{2}", "\\sqrt{2}"},
	{"\\lfloor x \\rfloor", "\\lceil x \\rceil"}, {"x < 1", "x > 1"}, {"3 am", "3 pm"},
	{"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}"},
	{"1000", "1.000"}, {"f(x)", "g(x)"}, {"x'", "x"},
	{"\\text{about us: }11.5", "\\text{about us: }115"}, {"\\text{May }0.05", "\\text{May }0.5"},
	{"x \\quad y", "xy"},
};

static char *printed(const char *s, size_t n, char **plain)
{
	struct math_tree *t = math_parse(s, n);
	struct buf b = {0};

	math_tree_print(t->root, &b);
	if (plain)
		*plain = xstrdup(t->plain);
	math_tree_free(t);
	return b.data;
}

static void check_table(void)
{
	for (size_t i = 0; i < LEN(table); i++) {
		char *got = printed(table[i].text, strlen(table[i].text), NULL);

		if (!ok(!strcmp(got, table[i].tree), "%s", table[i].text))
			diag("is %s, not %s", got, table[i].tree);
		free(got);
	}
}

static void check_same(void)
{
	for (size_t i = 0; i < LEN(same); i++) {
		char *first = printed(same[i][0], strlen(same[i][0]), NULL);

		for (size_t k = 1; k < LEN(same[i]); k++) {
			char *got = printed(same[i][k], strlen(same[i][k]), NULL);

			if (!ok(strcmp(got, "unparsed") && !strcmp(got, first), "%s is %s", same[i][k],
			        same[i][0]))
				diag("%s, not %s", got, first);
			free(got);
		}
		free(first);
	}
}

static void check_different(void)
{
	for (size_t i = 0; i < LEN(different); i++) {
		const char *const *d = different[i];
		char *plain[2], *got[2] = {printed(d[0], strlen(d[0]), &plain[0]),
		                           printed(d[1], strlen(d[1]), &plain[1])};

		ok((strcmp(got[0], got[1]) || !strcmp(got[0], "unparsed")) && strcmp(plain[0], plain[1]),
		   "%s is not %s", d[0], d[1]);
		for (int k = 0; k < 2; k++) {
			free(plain[k]);
			free(got[k]);
		}
	}
}

/* piece, piece, ..., middle, end, end, ... */
static char *nested(const char *piece, const char *middle, const char *end, size_t times, size_t *n)
{
	struct buf b = {0};

	for (size_t i = 0; i < times; i++)
		buf_adds(&b, piece);
	buf_adds(&b, middle);
	for (size_t i = 0; i < times; i++)
		buf_adds(&b, end);
	*n = b.len;
	return b.data;
}

static void check_bounds(void)
{
	static const struct { const char *piece, *middle, *end; size_t times; int parses; } all[] = {
		{"(", "1", ")", 50, 1}, {"(", "1", ")", 4000, 0}, {"{", "1", "}", 100, 0},
		{"\\sqrt{", "x", "}", 20, 1}, {"\\sqrt{", "x", "}", 500, 0}, {"x^", "x", "", 20, 1},
		{"x^", "x", "", 4000, 0}, {"", "x", "!", 100, 1}, {"", "x", "!", 4000, 0},
		{"", "1", "/2", 150, 1}, {"", "1", "/2", 2000, 0}, {"", "1", "+1", 4000, 1},
		{"-", "1", "", 8000, 1}, {"", "1", ",1", 4000, 1}, {"", "x", "", 1, 1},
		{"", "", "7", 8192, 1}, {"", "", "7", 8193, 0}, {"\\frac", "", "", 1600, 0},
		{"\\text{", "a", "}", 31, 1}, {"\\text{", "a", "}", 500, 0}, {"|", "", "", 8000, 0},
		{"\\{", "", "", 4000, 0}, {"\\begin{pmatrix}", "", "", 500, 0}, {"$", "5", "", 61, 1},
		{"\\left", "(", "", 1000, 0}, {"3\\frac{", "1", "}{2}", 15, 1},
		{"3\\frac{", "1", "}{2}", 600, 0}, {"sin ", "x", "", 50, 1}, {"sin ", "x", "", 1000, 0},
	};

	for (size_t i = 0; i < LEN(all); i++) {
		size_t n;
		char *s = nested(all[i].piece, all[i].middle, all[i].end, all[i].times, &n);
		struct math_tree *t = math_parse(s, n);

		ok(!!t->root == all[i].parses, "%zu times %s%s%s is%s read", all[i].times, all[i].piece,
		   all[i].middle, all[i].end, all[i].parses ? "" : " not");
		math_tree_free(t);
		free(s);
	}
}

/* Every beginning and every end of a text, in memory of that size. */
static void check_cuts(void)
{
	size_t count = 0;

	for (size_t i = 0; i < LEN(table); i++) {
		size_t n = strlen(table[i].text);

		for (size_t k = 0; k < 2 * n; k++) {
			size_t from = k < n ? 0 : k - n, len = k < n ? k : n - from;
			char *s = xmemdup(table[i].text + from, len);

			free(printed(s, len, NULL));
			free(s);
			count++;
		}
	}
	ok(count > 5000, "%zu pieces of texts end well", count);
}

/* Of a data set's answers, how many are mathematics, words, neither. */
static void check_answers(const char *path, int gsm, size_t want, size_t words_most,
                          size_t unread_most)
{
	size_t count = 0, words = 0, unread = 0;
	struct jl_in *in;
	struct js v;
	struct err e;
	int r;

	if (access(path, R_OK)) {
		if (getenv("CI"))
			ok(0, "%s must be there where CI is set", path);
		else
			skip("%s is not there", path);
		return;
	}
	if (jl_open(path, &in, &e)) {
		ok(0, "%s", e.msg);
		return;
	}
	while ((r = jl_read(in, &v, &e)) > 0) {
		struct js answer = js_get(v, "answer");
		const char *s = js_string(answer), *mark = gsm ? strstr(s, "#### ") : s;
		struct math_tree *t = math_parse(mark + (gsm ? 5 : 0), strlen(mark + (gsm ? 5 : 0)));

		count++;
		words += t->root && t->root->kind == MT_TEXT;
		unread += !t->root;
		if (gsm && t->root && t->root->kind != MT_NUMBER && t->root->kind != MT_NEG)
			unread++;
		math_tree_free(t);
		js_free(answer);
		js_free(v);
	}
	jl_close(in);
	ok(!r && count == want && words <= words_most && unread <= unread_most,
	   "%s: %zu answers, %zu words, %zu unread", path, count, words, unread);
}

int main(void)
{
	check_table();
	check_same();
	check_different();
	check_bounds();
	check_cuts();
	check_answers("../shared/data/math_train.jsonl", 0, 12000, 59, 2);
	check_answers("../shared/data/math500.jsonl", 0, 500, 5, 0);
	check_answers("../shared/data/gsm8k_train.jsonl", 1, 7473, 0, 0);
	check_answers("../shared/data/gsm8k_test.jsonl", 1, 1319, 0, 0);
	return done();
}
