/* SPDX-License-Identifier: MIT */
/*
 * Final answers in mathematical text. The comparison is a conservative one:
 * numbers exactly, everything else letter by letter after what does not
 * change a meaning has been taken out. Equivalence of expressions is the
 * LaTeX grader's business, which will stand behind the same calls.
 */
#include "answer/inside.h"

#include <string.h>

enum { MAX_ANSWER = 4096 };      /* a longer answer is cut: it equals no reference */

/* From the { at at to behind its }; 0 where it is not closed. */
static size_t braces(const char *s, size_t n, size_t at)
{
	int depth = 0;

	for (; at < n; at++) {
		if (s[at] == '\\' && at + 1 < n)
			at++;
		else if (s[at] == '{')
			depth++;
		else if (s[at] == '}' && !--depth)
			return at + 1;
	}
	return 0;
}

/* ---- canonical text ---- */

/* A \text{...} at the end, after something else, is a unit; anywhere else its content counts. */
static size_t cut_unit(const char *s, size_t n)
{
	static const char *const names[] = {"\\text{", "\\mbox{", "\\textrm{", "\\mathrm{"};

	while (n && text_space(s[n - 1]))
		n--;
	for (size_t at = 1; at < n; at++)
		for (size_t i = 0; s[at] == '\\' && i < LEN(names); i++)
			if (text_starts(s, n, at, names[i]) && braces(s, n, at + strlen(names[i]) - 1) == n &&
			    s[at - 1] != '=' && s[at - 1] != '{')
				return at;
	return n;
}

struct rewrite {
	const char *from, *to;
	int word;                    /* a control word: no letter may follow */
};

/* The longest matching rewrite at at, or NULL. */
static const struct rewrite *rewrite_at(const char *s, size_t n, size_t at)
{
	static const struct rewrite table[] = {
		{"\\dfrac", "\\frac", 1}, {"\\tfrac", "\\frac", 1}, {"\\left", "", 1}, {"\\right", "", 1},
		{"\\bigl", "", 1}, {"\\bigr", "", 1}, {"\\big", "", 1}, {"\\Big", "", 1},
		{"\\displaystyle", "", 1}, {"\\quad", "", 1}, {"\\qquad", "", 1}, {"\\!", "", 0},
		{"\\,", "", 0}, {"\\;", "", 0}, {"\\:", "", 0}, {"\\ ", "", 0}, {"~", "", 0},
		{"\\$", "", 0}, {"$", "", 0}, {"\\%", "", 0}, {"%", "", 0}, {"\\(", "", 0}, {"\\)", "", 0},
		{"\\[", "", 0}, {"\\]", "", 0}, {"^{\\circ}", "", 0}, {"^\\circ", "", 1},
		{"\xc2\xb0", "", 0}, {"\\le", "\\leq", 1}, {"\\ge", "\\geq", 1}, {"\\ne", "\\neq", 1},
		{"\xe2\x88\x92", "-", 0}, {"\\text", "", 1}, {"\\mathrm", "", 1}, {"\\mbox", "", 1},
		{"\\textbf", "", 1}, {"\\textrm", "", 1}, {"\\mathbf", "", 1}, {"\xcf\x80", "\\pi", 0},
	};

	for (size_t i = 0; i < LEN(table); i++) {
		size_t end = at + strlen(table[i].from);

		if (text_starts(s, n, at, table[i].from) &&
		    (!table[i].word || end >= n || !text_letter(s[end])))
			return &table[i];
	}
	return NULL;
}

static void rewrite(const char *s, size_t n, struct buf *out)
{
	for (size_t at = 0; at < n; ) {
		const struct rewrite *r = rewrite_at(s, n, at);

		if (r) {
			buf_adds(out, r->to);
			at += strlen(r->from);
		} else if (text_space(s[at])) {
			/* white space separates a control word from a letter, and means nothing else */
			size_t p = out->len;

			while (at < n && text_space(s[at]))
				at++;
			while (p && text_letter(out->data[p - 1]))
				p--;
			if (p && p < out->len && out->data[p - 1] == '\\' && at < n && text_letter(s[at]))
				buf_addc(out, ' ');
		} else
			buf_addc(out, s[at++]);
	}
}

/* \frac12 as \frac{1}{2}, x^{2} as x^2, one pair of braces around everything dropped. */
static void tidy_braces(struct buf *in, struct buf *out)
{
	const char *s = in->data;
	size_t n = in->len, at = 0;

	while (n >= 2 && s[0] == '{' && braces(s, n, 0) == n) {
		s++;
		n -= 2;
	}
	while (at < n) {
		if (text_starts(s, n, at, "\\frac") && n - at >= 7 && s[at + 5] >= '0' &&
		    s[at + 5] <= '9' &&
		    ((s[at + 6] >= '0' && s[at + 6] <= '9') || text_letter(s[at + 6]))) {
			buf_addf(out, "\\frac{%c}{%c}", s[at + 5], s[at + 6]);
			at += 7;
		} else if ((s[at] == '^' || s[at] == '_') && n - at >= 4 && s[at + 1] == '{' &&
		           s[at + 3] == '}') {
			buf_addc(out, s[at]);
			buf_addc(out, s[at + 2]);
			at += 4;
		} else
			buf_addc(out, s[at++]);
	}
}

int math_canonical(const char *s, size_t n, struct buf *out)
{
	struct buf plain = {0}, tidy = {0};
	int number;

	if (n > MAX_ANSWER)
		n = MAX_ANSWER;
	n = cut_unit(s, n);
	buf_clear(out);
	buf_addc(&plain, 0);
	plain.len = 0;
	rewrite(s, n, &plain);
	while (plain.len && (plain.data[plain.len - 1] == '.' || plain.data[plain.len - 1] == ','))
		plain.len--;
	buf_addc(&tidy, 0);
	tidy.len = 0;
	tidy_braces(&plain, &tidy);
	number = math_number(tidy.data, tidy.len, out);
	if (!number)
		buf_add(out, tidy.data, tidy.len);
	buf_release(&plain);
	buf_release(&tidy);
	return number;
}
