/* SPDX-License-Identifier: MIT */
/*
 * From a response to the text of its final answer. One pass over the response for each way of
 * looking, with bounded looks ahead: linear in time and space, whatever is written.
 */
#include "answer/inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_BY_VALUE = 4,            /* boxes that may be one value, written in several ways */
	MAX_GAP = 64,                /* between two boxed values of one list */
	MAX_SENTENCE = 1000,         /* after a phrase */
	MAX_WHOLE = 200,             /* a response that is nothing but an answer */
	MAX_AFTER = 100,             /* after a formula that is one because it comes last */
};

static struct span trimmed(const char *s, struct span x)
{
	while (x.from < x.to && text_space(s[x.from]))
		x.from++;
	while (x.from < x.to && text_space(s[x.to - 1]))
		x.to--;
	return x;
}

/* ---- what stands between the values of a list ---- */

/* "x =" and the like: the length, or 0. */
static size_t name_equals(const char *s, size_t n, size_t at)
{
	size_t p = at;

	if (p < n && s[p] == '\\')
		p++;
	if (p >= n || !text_letter(s[p]))
		return 0;
	for (p++; s[at] == '\\' && p < n && text_letter(s[p]); p++)
		;
	if (p + 1 < n && s[p] == '_')
		p += 2;
	while (p < n && s[p] == ' ')
		p++;
	return p < n && s[p] == '=' ? p + 1 - at : 0;
}

/* Is s[from, to) nothing but what joins the values of a list, in one paragraph? */
static int joins(const char *s, size_t from, size_t to)
{
	static const char *const words[] = {
		" ", "\t", "\r", "\n", ",", ";", "$", "*", "\"", "\\,", "\\;", "\\ ", "\\quad", "\\qquad",
		"\\(", "\\)", "\\[", "\\]", "\\text{and}", "\\text{ and }", "\\text{or}", "\\text{ or }",
		"and", "or",
	};
	int lines = 0;

	if (to - from > MAX_GAP)
		return 0;
	while (from < to) {
		size_t len = 0;

		for (size_t i = 0; i < LEN(words) && !len; i++)
			if (text_starts(s, to, from, words[i]) &&
			    (!text_letter(words[i][strlen(words[i]) - 1]) || from + strlen(words[i]) >= to ||
			     !text_letter(s[from + strlen(words[i])])))
				len = strlen(words[i]);
		if (!len && !(len = name_equals(s, to, from)))
			return 0;
		lines = s[from] == '\n' ? lines + 1 : s[from] == ' ' ? lines : 0;
		if (lines > 1)
			return 0;
		from += len;
	}
	return 1;
}

/* The content of one value: \boxed within it taken off, and what is no part of an answer at its
 * ends. */
static void put(const char *s, struct span x, struct buf *out)
{
	static const char *const drop[] = {"\\boxed", "\\fbox", "\\framebox"};
	size_t from = out->len;

	x = trimmed(s, x);
	x.from = behind_label(s, x.from, x.to);
	while (x.from < x.to) {
		size_t len = 0;

		for (size_t i = 0; i < LEN(drop) && s[x.from] == '\\'; i++)
			if (text_starts(s, x.to, x.from, drop[i]) &&
			    (x.from + strlen(drop[i]) >= x.to || !text_letter(s[x.from + strlen(drop[i])])))
				len = strlen(drop[i]);
		if (!len)
			buf_addc(out, s[x.from]);
		x.from += len ? len : 1;
	}
	while (out->len > from &&
	       !(out->len - from > 2 && !memcmp(out->data + out->len - 3, "...", 3)) &&
	       (text_space(out->data[out->len - 1]) ||
	        (strchr(".,;:", out->data[out->len - 1]) &&
	         (out->len - from < 2 || out->data[out->len - 2] != '\\'))))
		out->len--;
	if (out->data)
		out->data[out->len] = 0;
}

static int same(const char *s, struct span a, struct span b, int by_value)
{
	const struct math_opts o = {0};

	a = trimmed(s, a);
	b = trimmed(s, b);
	if (a.to - a.from == b.to - b.from && !memcmp(s + a.from, s + b.from, a.to - a.from))
		return 1;
	return by_value &&
	       math_equal(s + a.from, a.to - a.from, s + b.from, b.to - b.from, &o).verdict ==
	           MATH_EQUAL;
}

/* The last of n spans and those before it that are joined to it, as a list; one if all are the
 * same, as \boxed{1\frac12} or \boxed{\frac32} are. */
static void put_list(const char *s, const struct span *x, size_t n, struct buf *out)
{
	size_t first = n - 1, all_same = 1;

	while (first && joins(s, x[first - 1].end, x[first].start))
		first--;
	for (size_t i = first; i < n - 1; i++)
		all_same = all_same && same(s, x[i], x[n - 1], n - first <= MAX_BY_VALUE);
	if (all_same)
		first = n - 1;
	for (size_t i = first; i < n; i++) {
		if (i > first)
			buf_adds(out, ", ");
		put(s, x[i], out);
	}
}

/* ---- formulas ---- */

static int holds_word(const char *s, size_t from, size_t to)
{
	int command = 0;

	for (; from < to; from++) {
		command = s[from] == '\\' || (command && text_letter(s[from]));
		if (!command && from + 1 < to && text_letter(s[from]) && text_letter(s[from + 1]))
			return 1;
	}
	return 0;
}

/* The formula in $ $, $$ $$, \( \) or \[ \] that starts at at, within limit bytes: 1, else 0. A
 * closing dollar sign has no digit behind it, and no word before it and a space: $5 and $10 are
 * money. */
static int formula(const char *s, size_t n, size_t at, size_t limit, struct span *x)
{
	static const char *const open[] = {"$$", "$", "\\(", "\\["}, *const close[] = {"$$", "$", "\\)",
	                                                                               "\\]"};
	size_t kind = 0, end = n - at > limit ? at + limit : n, len, p;

	while (kind < LEN(open) && !text_starts(s, n, at, open[kind]))
		kind++;
	if (kind == LEN(open))
		return 0;
	len = strlen(open[kind]);
	for (p = at + len; p < end && !text_starts(s, end, p, close[kind]); p++) {
		if (s[p] == '\n' && p + 1 < end && s[p + 1] == '\n')
			return 0;
		/* they do not nest */
		if (s[p] == '\\' && p + 1 < end && (s[++p] == '(' || s[p] == '['))
			return 0;
	}
	if (p >= end || p == at + len)
		return 0;
	if (len == 1 && ((p + 1 < n && text_digit(s[p + 1])) ||
	                 (text_space(s[p - 1]) && text_digit(s[at + 1]) && holds_word(s, at, p))))
		return 0;
	*x = (struct span){at + len, p, at, p + len};
	return 1;
}

/* Formulas from at on that are joined, as a list. Returns where they end, or at if none starts
 * there. */
static size_t formulas(const char *s, size_t n, size_t at, struct buf *out)
{
	struct span x[8];
	size_t found = 0, p = at;

	while (found < LEN(x) && p < n && formula(s, n, p, MAX_SENTENCE, &x[found])) {
		size_t next = x[found++].end;

		for (p = next; p < n && p - next < MAX_GAP && s[p] != '$' && !text_starts(s, n, p, "\\(") &&
		               !text_starts(s, n, p, "\\[");
		     p++)
			;
		if (p >= n || !joins(s, next, p))
			break;
	}
	if (!found)
		return at;
	put_list(s, x, found, out);
	return x[found - 1].end;
}

/* The last formulas that are joined; *end is where they end. *cut: where a formula begins that the
 * text leaves off in, else n. */
static int last_formula(const char *s, size_t n, struct buf *out, size_t *end, size_t *cut)
{
	struct span last[8], x;
	size_t found = 0;

	*cut = n;
	for (size_t at = 0; at < n; at++) {
		if ((s[at] == '$' || s[at] == '\\') && formula(s, n, at, MAX_SENTENCE, &x)) {
			if (found == LEN(last))
				memmove(last, last + 1, --found * sizeof *last);
			last[found++] = x;
			at = x.end - 1;
			*cut = n;
		} else if (s[at] == '\\') {
			if (*cut == n && n - at <= MAX_SENTENCE &&
			    (text_starts(s, n, at, "\\(") || text_starts(s, n, at, "\\[")))
				*cut = at;
			at++;
		}
	}
	if (!found || math_hedge(s, n, last[found - 1].start, last[found - 1].end) != HEDGE_NONE)
		return 0;
	put_list(s, last, found, out);
	*end = last[found - 1].end;
	return 1;
}

/* ---- phrases ---- */

/* Words of two letters and more that are not part of mathematics. */
static size_t words(const char *s, size_t n)
{
	static const char *const math[] = {"and", "or",  "sin", "cos", "tan",  "cot", "sec",
	                                   "csc", "log", "ln",  "exp", "sqrt", "pi",  "mod"};
	size_t count = 0;

	for (size_t at = 0; at < n; ) {
		size_t from = at, known = 0;

		if (s[at] == '\\' || !text_letter(s[at])) {
			for (at++; s[from] == '\\' && at < n && text_letter(s[at]); at++)
				;
			/* \text{ } may hold as many as it likes */
			if (at < n && s[at] == '{' &&
			    (text_starts(s, n, from, "\\text") || text_starts(s, n, from, "\\mbox") ||
			     text_starts(s, n, from, "\\mathrm")))
				while (at < n && s[at] != '}')
					at++;
			continue;
		}
		while (at < n && text_letter(s[at]))
			at++;
		for (size_t i = 0; i < LEN(math); i++)
			known |= at - from == strlen(math[i]) && text_starts(s, n, from, math[i]);
		count += at - from > 1 && !known;
	}
	return count;
}

/* Is it a sentence rather than an answer? After a number a few words may be units. */
static int prose(const char *s, size_t n)
{
	int mathy = n && (text_digit(s[0]) || strchr("\\$-+.([{|", s[0]));

	return words(s, n) > (mathy ? 3u : 1u);
}

static int has_digit(const char *s, size_t n)
{
	size_t at = 0;

	while (at < n && !text_digit(s[at]))
		at++;
	return at < n;
}

/* Nothing before it on its line but marks of a heading, a list or emphasis. */
static int heads_line(const char *s, size_t at)
{
	while (at && s[at - 1] && strchr(" *#_>-", s[at - 1]))
		at--;
	return !at || s[at - 1] == '\n';
}

/* "final answer is" counts more than "answer is"; a heading is one too. 0: no phrase at at; else
 * its length. */
static size_t phrase(const char *s, size_t n, size_t at, int *final)
{
	static const char *const phrases[] = {
		"answer is", "answer:", "answer**:", "answer:**", "answer =", "answers are", "answer**\n",
		"answer\n", "answer would be", "answer should be", "ans:", "choice is", "option is",
		"respuesta es", "respuesta:", "reponse est", "r\xc3\xa9ponse est", "antwort ist",
		"antwort lautet", "antwort:", "\xe7\xad\x94\xe6\xa1\x88\xe6\x98\xaf",
		"\xe7\xad\x94\xe6\xa1\x88\xe4\xb8\xba", "\xe7\xad\x94\xe6\xa1\x88\xef\xbc\x9a",
		"\xe7\xad\x94\xe6\xa1\x88:",
	};

	for (size_t i = 0; i < LEN(phrases); i++) {
		size_t len = strlen(phrases[i]);

		if (n - at < len || strncasecmp(s + at, phrases[i], len))
			continue;
		*final = (at >= 6 && !strncasecmp(s + at - 6, "final ", 6)) ||
		         (strchr(phrases[i], ':') && heads_line(s, at));
		return phrases[i][len - 1] == '\n' && !*final ? 0 : len;
	}
	return 0;
}

/* The sentence's end: a line's, a full stop's, or where reasons begin. */
static size_t sentence(const char *s, size_t n, size_t at)
{
	static const char *const stops[] = {
		" because ", " since ", " which ", ", which ", ", so ", " but ", " I hope ", ", not ",
		" not ", " rather than ", " instead of ",
	};
	size_t limit = n - at > MAX_SENTENCE ? at + MAX_SENTENCE : n;

	for (; at < limit && s[at] != '\n'; at++) {
		if (s[at] == '.' && (at + 1 == n || text_space(s[at + 1])) && (!at || s[at - 1] != '.'))
			break;
		for (size_t i = 0; i < LEN(stops); i++)
			if (s[at] == stops[i][0] && text_starts(s, n, at, stops[i]))
				return at;
	}
	return at;
}

/* 13, not 14: where what is denied begins. */
static size_t before_denial(const char *s, size_t from, size_t to)
{
	static const char *const stops[] = {", not ", " not ", " rather than ", " instead of ",
	                                    " (not "};

	for (size_t at = from; at < to; at++)
		for (size_t i = 0; i < LEN(stops); i++)
			if (text_starts(s, to, at, stops[i]))
				return at;
	return to;
}

/* D, (D): of a single capital letter */
static int is_choice(const char *s, struct span x)
{
	if (x.to - x.from == 3 && s[x.from] == '(' && s[x.to - 1] == ')')
		x.from++, x.to--;
	return x.to - x.from == 1 && s[x.from] >= 'A' && s[x.from] <= 'Z';
}

/* Is the formula that ends at at only a part of what is said? $5$ million, $5$ out of $6$ */
static int goes_on(const char *s, size_t n, size_t at)
{
	static const char *const after[] = {
		"squared", "cubed", "factorial", "hundred", "thousand", "million", "billion",
		"trillion", "dozen", "tenths", "hundredths", "thousandths", "halves", "thirds",
		"quarters", "fourths", "fifths", "sixths", "eighths", "pi",
	};
	static const char *const between[] = {
		"plus", "minus", "times", "over", "to", "out of", "divided by", "mod", "modulo",
	};

	while (at < n && s[at] == ' ')
		at++;
	for (size_t i = 0; i < LEN(after); i++) {
		size_t end = at + strlen(after[i]);

		if (text_starts(s, n, at, after[i]) && (end >= n || !text_letter(s[end])))
			return 1;
	}
	for (size_t i = 0; i < LEN(between); i++) {
		size_t end = at + strlen(between[i]);

		if (text_starts(s, n, at, between[i]) && end + 1 < n && s[end] == ' ' &&
		    (text_digit(s[end + 1]) || s[end + 1] == '$' || s[end + 1] == '\\'))
			return 1;
	}
	return text_starts(s, n, at, "\xcf\x80");
}

/* What a phrase that ends at at says; strict: only what looks like mathematics. */
static int said(const char *s, size_t n, size_t at, int strict, struct buf *out)
{
	static const char *const empty[] = {"correct", "incorrect", "wrong",
	                                    "right",   "not",       "yes, correct"};
	struct span x;
	size_t ignored, mark;

	while (at < n && s[at] &&
	       (text_space(s[at]) || strchr(":*\"=_", s[at]) || text_starts(s, n, at, "\\\"")))
		at++;
	if (at >= n)
		return 0;
	mark = formulas(s, n, at, out);
	if (mark > at && math_hedge(s, n, at, mark) == HEDGE_NONE && !goes_on(s, n, mark))
		return out->len > 0;
	buf_clear(out);
	x = (struct span){at, sentence(s, n, at), at, at};
	while (x.to > x.from && (text_space(s[x.to - 1]) || strchr("*\"_", s[x.to - 1])))
		x.to--;
	/* left off as it began */
	for (mark = x.from; mark < x.to && strchr("\\[($ \n", s[mark]) && s[mark]; mark++)
		;
	if (mark == x.to)
		return 0;
	if (strict && (prose(s + x.from, x.to - x.from) ||
	               (!has_digit(s + x.from, x.to - x.from) && !is_choice(s, x))))
		return 0;
	for (size_t i = 0; i < LEN(empty); i++)
		if (x.to - x.from == strlen(empty[i]) && !strncasecmp(s + x.from, empty[i], x.to - x.from))
			return 0;
	if (!prose(s + x.from, x.to - x.from))
		put(s, x, out);
	else if (!last_formula(s + x.from, x.to - x.from, out, &ignored, &mark) &&
	         !math_last_number(s + x.from, x.to - x.from, out))
		put(s, x, out);
	return out->len > 0;
}

/* GSM8K's "#### 72", which is also a heading's mark: a line that is an answer and no prose. */
static int hashes(const char *s, size_t n, size_t at, struct buf *out)
{
	struct span x = {at, at, at, at};

	while (x.to < n && s[x.to] != '\n' && x.to - at < MAX_WHOLE)
		x.to++;
	x = trimmed(s, x);
	if (x.from == x.to || words(s + x.from, x.to - x.from) > (text_digit(s[x.from]) ? 1u : 0u))
		return 0;
	if (formulas(s, x.to, x.from, out) == x.from)
		put(s, x, out);
	return out->len > 0;
}

/* The last phrase from `from` on that says something; only final ones if final is set. */
static int after_phrase(const char *s, size_t n, size_t from, int final, struct buf *out)
{
	for (size_t at = n; at-- > from; ) {
		int is_final = 0;
		size_t len = s[at] && strchr("aAcCoOrR\xe7", s[at]) ? phrase(s, n, at, &is_final) : 0;

		buf_clear(out);
		if (len && (is_final || !final) && said(s, n, at + len, final, out))
			return 1;
		if (s[at] == '#' && !final && text_starts(s, n, at, "####") && (!at || s[at - 1] == '\n') &&
		    hashes(s, n, at + 4, out))
			return 1;
	}
	buf_clear(out);
	return 0;
}

/* What a formula goes on with behind its last box, as a list does: \boxed{5}, 7. Returns where it
 * ends, or at. */
static size_t more_values(const char *s, size_t n, size_t at, struct span *x)
{
	static const char *const joints[] = {
		",", "\\text{ and }", "\\text{and}", "\\text{ or }", "\\text{or}", "and ", "or "};
	size_t from = at, to;

	while (from < n && s[from] == ' ')
		from++;
	for (to = from; to < n && to - from < MAX_GAP && !strchr("$\n", s[to]) &&
	                !text_starts(s, n, to, "\\)") && !text_starts(s, n, to, "\\]");)
		to++;
	for (size_t i = 0; i < LEN(joints); i++) {
		struct span rest = {from + strlen(joints[i]), to, from, to};

		if (!text_starts(s, to, from, joints[i]))
			continue;
		rest = trimmed(s, rest);
		if (rest.from == rest.to || words(s + rest.from, rest.to - rest.from) ||
		    memmem(s + rest.from, rest.to - rest.from, "\\text", 5) ||
		    !has_digit(s + rest.from, rest.to - rest.from) || name_equals(s, to, rest.from))
			return at;
		*x = rest;
		return to;
	}
	return at;
}

/* ---- the whole ---- */

/* A response that is nothing but an answer. */
static int whole(const char *s, size_t n, struct buf *out)
{
	struct span x = trimmed(s, (struct span){0, n, 0, n}), f;

	while (x.to - x.from > 2 && s[x.from] == '*' && s[x.to - 1] == '*')
		x.from++, x.to--;
	if (x.to - x.from > MAX_WHOLE || x.from == x.to)
		return 0;
	if (formula(s, x.to, x.from, MAX_WHOLE, &f) && f.end == x.to) {
		put(s, f, out);
		return out->len > 0;
	}
	for (size_t i = x.from; i < x.to; i++)
		if (s[i] == '\n' || ((s[i] == '$' || s[i] == '\\') && formula(s, x.to, i, MAX_WHOLE, &f)))
			return 0;
	x.to = before_denial(s, x.from, x.to);
	if (x.from == x.to || prose(s + x.from, x.to - x.from))
		return 0;
	while (x.from < x.to && s[x.from] == '=')
		x.from++;
	put(s, x, out);
	return out->len > 0;
}

/* Is the last formula what the response comes to? A number is, and a calculation of one; of others,
 * what is taken up again in another paragraph may be the question's own. */
static int concluding(const char *s, size_t n, size_t end, const struct buf *formula_text)
{
	struct buf settled = {0}, number = {0};
	int bare;

	math_settle(formula_text->data, formula_text->len, &settled);
	bare = settled.len && math_number(settled.data, settled.len, &number);
	buf_release(&settled);
	buf_release(&number);
	while (n > end && text_space(s[n - 1]))
		n--;
	return bare || (n - end <= MAX_AFTER && !memmem(s + end, n - end, "\n\n", 2));
}

enum math_found math_extract(const char *s, size_t n, struct buf *out)
{
	struct span *x, more;
	size_t from = answer_after_thinking(s, n), n_boxed, end = 0, cut, denied = 0;
	struct buf last = {0}, number = {0};
	enum math_found found = MATH_NONE;

	s += from;
	n = without_end_marks(s, n - from);
	if (answer_element(s, n, &more)) {
		s += more.from;
		n = more.to - more.from;
	}
	cut = n;
	n_boxed = boxes(s, n, &x);
	for (; n_boxed && math_denied(s, n, x[n_boxed - 1].start, x[n_boxed - 1].end); n_boxed--)
		denied = x[n_boxed - 1].end;
	buf_clear(out);
	if (denied && !n_boxed) {
		/* not this: what is said after it, if anything is */
		found = after_phrase(s, n, denied, 0, out) ? MATH_PHRASE : MATH_NONE;
	} else if (n_boxed) {
		/* what is boxed may be a step on the way to what is called final after it */
		found = after_phrase(s, n, x[n_boxed - 1].end, 1, out) ? MATH_PHRASE : MATH_BOXED;
		if (found == MATH_BOXED) {
			put_list(s, x, n_boxed, out);
			if (more_values(s, n, x[n_boxed - 1].end, &more) > x[n_boxed - 1].end) {
				buf_adds(out, ", ");
				put(s, more, out);
			}
		}
	} else if (after_phrase(s, n, 0, 0, out)) {
		found = MATH_PHRASE;
	} else {
		int formulas = last_formula(s, n, &last, &end, &cut);

		if (cut < n)
			;                    /* it leaves off in a formula: nothing was said yet */
		else if (whole(s, n, out))
			found = MATH_WHOLE;
		else if (!formulas || math_last_number(s + end, n - end, &number))
			found = math_last_number(s, n, out) ? MATH_LAST_NUMBER : MATH_NONE;
		else if (last.len && concluding(s, n, end, &last)) {
			buf_add(out, last.data, last.len);
			found = MATH_FORMULA;
		}
	}
	free(x);
	buf_release(&last);
	buf_release(&number);
	return found;
}

const char *math_found_name(enum math_found f)
{
	static const char *const names[] = {"none",  "boxed",   "phrase",
	                                    "whole", "formula", "last-number"};

	return names[f];
}
