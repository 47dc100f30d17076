/* SPDX-License-Identifier: MIT */
/* Choices with their text: "(E) 12", "E. 12", "\textbf{(E)}\ 12" are E, and 12. */
#include <string.h>

#include "answer/inside.h"

struct choice {
	char letter;
	const char *rest;
	size_t n;
};

static int space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '~';
}

static int starts(const char *s, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && !memcmp(s, word, len);
}

static size_t text_name(const char *s, size_t n)
{
	static const char *const names[] = {"\\text{",   "\\textbf{", "\\mathbf{", "\\mathrm{",
	                                    "\\textrm{", "\\textit{", "\\mbox{"};

	for (size_t i = 0; i < LEN(names); i++)
		if (starts(s, n, names[i]))
			return strlen(names[i]);
	return 0;
}

static void trim(const char **s, size_t *n)
{
	for (;;) {
		if (*n && space(**s))
			++*s, --*n;
		else if (*n > 1 && **s == '\\' && (space((*s)[1]) || (*s)[1] == ',' || (*s)[1] == ';'))
			*s += 2, *n -= 2;
		else if (*n && space((*s)[*n - 1]))
			--*n;
		else
			return;
	}
}

/* A to J, as (E), E), E. or E: with a space behind: how many bytes, 0 if it is none. */
static size_t mark(const char *s, size_t n, char *which)
{
	size_t open = n && s[0] == '(', at = open;

	if (at + 1 >= n || s[at] < 'A' || s[at] > 'J')
		return 0;
	*which = s[at++];
	if (s[at] == ')')
		return at + 1;
	return !open && (s[at] == '.' || s[at] == ':') &&
	               (at + 1 == n || space(s[at + 1]) || s[at + 1] == '\\' || s[at + 1] == '}')
	           ? at + 1
	           : 0;
}

/* Another choice in the text of one makes a list of it. */
static int holds_mark(const char *s, size_t n)
{
	char which;

	for (size_t at = 0; at < n; at++)
		if ((!at || !text_letter(s[at - 1])) && mark(s + at, n - at, &which))
			return 1;
	return 0;
}

/* Is this the text of a choice, rather than what a formula goes on with, another choice or a
 * denial? */
static int choice_text(const char *s, size_t n, int apart)
{
	static const char *const joints[] = {
		"and", "or", "but", "\\cdot", "\\times", "\\le", "\\ge", "\\ne", "\\to", "\\in", "\\cup",
		"\\cap", "\\Right", "\\Long",
		"\\land", "\\lor", "\\vee", "\\wedge", "\\text{ or", "\\text{ and", "\\text{or",
		"\\text{and",
	};

	if (!n || !apart || strchr("+*/^_=<>!,;:|&", *s))
		return 0;
	for (size_t i = 0; i < LEN(joints); i++)
		if (starts(s, n, joints[i]) &&
		    (*s == '\\' || n == strlen(joints[i]) || !text_letter(s[strlen(joints[i])])))
			return 0;
	return !holds_mark(s, n) && math_hedge(s, n, 0, 0) == HEDGE_NONE;
}

static int split(const char *s, size_t n, struct choice *c)
{
	size_t name, len;
	const char *end;

	trim(&s, &n);
	name = text_name(s, n);
	if (name && memchr(s, '}', n) == s + n - 1) {
		/* all of it in \text */
		s += name;
		n -= name + 1;
		name = 0;
		trim(&s, &n);
	}
	s += name;
	n -= name;
	len = mark(s, n, &c->letter);
	if (!len)
		return 0;
	s += len;
	n -= len;
	end = s;
	if (name) {
		trim(&s, &n);
		if (!n || *s != '}')
			return 0;
		s++, n--;
	}
	trim(&s, &n);
	c->rest = s;
	c->n = n;
	return choice_text(s, n, s > end);
}

/* The letter that is all of it, in brackets or not, named or not; 0: it is something else. */
static char alone(const char *s, size_t n)
{
	static const char *const names[] = {
		"Option ", "option ", "Choice ", "choice ", "Answer ", "Answer: ",
	};
	size_t name;

	trim(&s, &n);
	name = text_name(s, n);
	if (name && s[n - 1] == '}')
		s += name, n -= name + 1;
	for (size_t i = 0; name && i < LEN(names); i++)
		if (starts(s, n, names[i])) {
			s += strlen(names[i]), n -= strlen(names[i]);
			break;
		}
	if (n == 3 && s[0] == '(' && s[2] == ')')
		s++, n = 1;
	return n == 1 && *s >= 'A' && *s <= 'J' ? *s : 0;
}

/* BAC and CAB: three capital letters or more, alone: an order or a name, not a product. */
static int spelled_apart(const char *a, size_t na, const char *b, size_t nb)
{
	trim(&a, &na);
	trim(&b, &nb);
	if (na != nb || na < 3 || !memcmp(a, b, na))
		return 0;
	for (size_t i = 0; i < na; i++)
		if (a[i] < 'A' || a[i] > 'Z' || b[i] < 'A' || b[i] > 'Z')
			return 0;
	return 1;
}

struct math_result math_equal_choice(const char *gold, size_t n_gold, const char *got, size_t n_got,
                                     const struct math_opts *o)
{
	struct math_result r = math_equal(gold, n_gold, got, n_got, o);
	struct choice a, b;
	int in_gold, in_got;
	char one;

	if (r.verdict == MATH_EQUAL) {
		if (spelled_apart(gold, n_gold, got, n_got)) {
			r.verdict = MATH_UNKNOWN;
			r.method = MATH_BY_NOTHING;
		}
		return r;
	}
	one = alone(gold, n_gold);
	if (one && one == alone(got, n_got)) {
		r.verdict = MATH_EQUAL;
		r.method = MATH_BY_TEXT;
		return r;
	}
	in_gold = split(gold, n_gold, &a);
	in_got = split(got, n_got, &b);
	one = in_gold ? alone(got, n_got) : alone(gold, n_gold);
	if (in_gold != in_got && one) {
		r.verdict = one == (in_gold ? a.letter : b.letter) ? MATH_EQUAL : MATH_UNEQUAL;
		r.method = MATH_BY_TEXT;
	} else if (in_gold && in_got && a.letter == b.letter) {
		r = math_equal(a.rest, a.n, b.rest, b.n, o);
	} else if (in_gold != in_got) {
		struct math_result rest = math_equal(in_gold ? a.rest : gold, in_gold ? a.n : n_gold,
		                                     in_got ? b.rest : got, in_got ? b.n : n_got, o);

		r = rest.verdict == MATH_EQUAL ? rest : r;
	}
	return r;
}
