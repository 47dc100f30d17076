/* SPDX-License-Identifier: MIT */
/*
 * What the words about a value do to it: "not 14" is not 14, and "more than 100", "between 3 and
 * 4", "5 or 6" name no value at all. "About 5" is 5, as \approx 5 is.
 */
#include "answer/inside.h"

#include <string.h>

#include "base/base.h"

enum { WINDOW = 72 };            /* bytes looked at, before and behind */

struct window {
	char s[WINDOW + 1];          /* lower case words, one space between them */
	size_t n;
	char barrier;                /* what stands before the first of them: punctuation, a digit '0',
	                              * or 0 */
};

static int letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'';
}

static void add(struct window *w, char c)
{
	if (c == ' ' && (!w->n || w->s[w->n - 1] == ' '))
		return;
	if (w->n < WINDOW)
		w->s[w->n++] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
	w->s[w->n] = 0;
}

/* What is neither word nor punctuation: spacing, emphasis, delimiters. A command's name is none
 * either. */
static size_t skipped(const char *s, size_t n, size_t at)
{
	size_t p = at + 1;

	if (s[at] == '\\') {
		while (p < n && ((s[p] >= 'a' && s[p] <= 'z') || (s[p] >= 'A' && s[p] <= 'Z')))
			p++;
		return p == at + 1 && p < n ? p + 1 : p;
	}
	return s[at] && strchr(" \t\r*_$({[\"~`})]", s[at]) ? p : at;
}

/* The words between the last barrier and from. */
static void before(const char *s, size_t from, struct window *w)
{
	size_t at = from > WINDOW ? from - WINDOW : 0, p;

	/* not from within a word */
	while (at && at < from && letter(s[at]) && letter(s[at - 1]))
		at++;
	while (at < from) {
		if (letter(s[at])) {
			add(w, s[at++]);
		} else if ((p = skipped(s, from, at)) > at) {
			add(w, ' ');
			at = p;
		} else if (from - at >= 3 && !memcmp(s + at, "\xe2\x80\x99", 3)) {
			add(w, '\'');
			at += 3;
		} else {
			w->barrier = text_digit(s[at]) ? '0' : s[at];
			w->n = 0;
			w->s[0] = 0;
			at++;
		}
	}
	while (w->n && w->s[w->n - 1] == ' ')
		w->s[--w->n] = 0;
}

/* The words from to to the next barrier. */
static void behind(const char *s, size_t n, size_t to, struct window *w)
{
	size_t end = n - to > WINDOW ? to + WINDOW : n, p;

	while (to < end) {
		if (letter(s[to]))
			add(w, s[to++]);
		else if ((p = skipped(s, end, to)) > to) {
			add(w, ' ');
			to = p;
		} else
			break;
	}
	w->barrier = to < end ? s[to] : 0;
}

/* Do the words end in these? */
static int ends(const struct window *w, const char *words)
{
	size_t len = strlen(words);

	return w->n >= len && !memcmp(w->s + w->n - len, words, len) &&
	       (w->n == len || w->s[w->n - len - 1] == ' ');
}

static int holds(const struct window *w, const char *words)
{
	size_t len = strlen(words);
	const char *hit = w->s;

	while ((hit = strstr(hit, words))) {
		if ((hit == w->s || hit[-1] == ' ') && (!hit[len] || hit[len] == ' '))
			return 1;
		hit++;
	}
	return 0;
}

static int any_ends(const struct window *w, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ends(w, list[i]))
			return 1;
	return 0;
}

/* Is one of the last three words a negation? */
static int negated(const struct window *w)
{
	static const char *const words[] = {"not", "never",  "cannot", "neither",
	                                    "nor", "unlike", "except"};
	static const char *const phrases[] = {"rather than", "instead of", "rather than the",
	                                      "instead of the"};
	struct window last = *w;

	if (any_ends(w, phrases, LEN(phrases)))
		return 1;
	for (int i = 0; i < 3 && last.n; i++) {
		if (any_ends(&last, words, LEN(words)) ||
		    (last.n >= 3 && !memcmp(last.s + last.n - 3, "n't", 3)))
			return 1;
		while (last.n && last.s[last.n - 1] != ' ')
			last.n--;
		last.n -= last.n > 0;
		last.s[last.n] = 0;
	}
	return 0;
}

/* between 3 and 4, at the 4 */
static int in_range(const char *s, size_t from, const struct window *w)
{
	static const char word[] = "etween";
	size_t at = from > WINDOW ? from - WINDOW : 0;

	if (strcmp(w->s, "and") || w->barrier != '0')
		return 0;
	for (size_t i = from; i-- > at && s[i] != '\n'; )
		if (from - i > sizeof word && !memcmp(s + i, word, sizeof word - 1))
			return 1;
	return 0;
}

/* x > 5 and x \ge 5; not the > of a tag, an arrow or a quotation. */
static int compared(const char *s, size_t at)
{
	static const char *const signs[] = {
		"<", ">", "\\le", "\\leq", "\\ge", "\\geq", "\\lt", "\\gt", "\\ne", "\\neq", "\xe2\x89\xa4",
		"\xe2\x89\xa5", "\xe2\x89\xa0",
		"<=", ">=", "!=",
	};
	size_t p = at, len = 0;

	while (p && strchr(" $", s[p - 1]) && s[p - 1])
		p--;
	for (size_t i = 0; i < LEN(signs); i++) {
		size_t one = strlen(signs[i]);

		if (one > len && p >= one && !memcmp(s + p - one, signs[i], one))
			len = one;
	}
	if (!len || (len == 1 && s[p - 1] == '>')) {
		size_t from = p - len;

		if (!len || !from || strchr("-=\n", s[from - 1]))
			return 0;
		while (from && p - from < 40 &&
		       (letter(s[from - 1]) || text_digit(s[from - 1]) || strchr("/|_:\"-", s[from - 1])))
			from--;
		return !(from && s[from - 1] == '<');
	}
	return 1;
}

int math_denied(const char *s, size_t n, size_t from, size_t to)
{
	static const char *const nots[] = {"not", "never", "not equal", "not equal to"};
	static const char *const denials[] = {
		"is wrong", "is incorrect", "is not correct", "is not right", "is not the answer",
		"isn't correct", "isn't right", "isn't the answer", "was wrong", "would be wrong",
	};
	static const char *const signs[] = {"\\ne", "\\neq", "\xe2\x89\xa0"};
	struct window w = {.n = 0}, v = {.n = 0};

	before(s, from, &w);
	behind(s, n, to, &v);
	if (any_ends(&w, nots, LEN(nots)) || (w.n >= 3 && !memcmp(w.s + w.n - 3, "n't", 3)))
		return 1;
	for (size_t i = 0; i < LEN(denials); i++)
		if (!strncmp(v.s + (v.s[0] == ' '), denials[i], strlen(denials[i])))
			return 1;
	while (from && s[from - 1] == ' ')
		from--;
	for (size_t i = 0; i < LEN(signs); i++) {
		size_t len = strlen(signs[i]);

		if (from >= len && !memcmp(s + from - len, signs[i], len))
			return 1;
	}
	return 0;
}

/* Do the words behind a value make another of it: 5 and a half, 5 to the second power, 5 or 6? */
static int changed(const struct window *v)
{
	static const char *const words[] = {
		"repeating", "recurring", "and a half", "and one half", "and a third",
		"and a quarter", "point", "excluded", "exclusive", "not included", "below zero",
		"degrees below zero",
		"choose", "to the power", "to the second power", "to the third power", "raised to",
		"remainder", "with remainder", "in base", "base", "times itself", "times x",
		"backwards",
		"negative", "and up", "and above", "and below", "plus or minus", "percent of",
		"squared", "cubed", "pi",
	};
	for (size_t i = 0; i < LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (!strncmp(v->s, words[i], len) && (!v->s[len] || v->s[len] == ' '))
			return 1;
	}
	return text_digit(v->barrier) && (!strcmp(v->s, "or ") || !strcmp(v->s, "and "));
}

enum hedge math_hedge(const char *s, size_t n, size_t from, size_t to)
{
	static const char *const bounds[] = {
		"than", "than or equal to", "than the", "at least", "at most", "at the least",
		"at the most", "up to", "over",
		"under", "above", "below", "exceed", "exceeds", "exceeding", "nearly", "almost", "close to",
		"closer to",
		"between", "minimum of", "maximum of", "beyond", "within", "near", "upwards of",
		"as many as", "as much as",
		"either", "or", "less or equal to", "greater or equal to",
		/* another value altogether */
		"root of", "square of", "cube of", "half of", "half", "twice", "double", "triple",
		"thrice", "negative of", "opposite of", "reciprocal of", "inverse of",
		"logarithm of", "factorial of", "divisible by", "coprime to", "base", "mod",
		"modulo",
		"log", "ln", "sine of", "cosine of", "tangent of", "out of",
		"third of", "quarter of", "power of", "multiple of", "multiples of",
	};
	static const char *const more[] = {
		"or more", "or less", "or fewer", "or greater", "or higher", "or lower", "or above",
		"or below", "or so",
		"or larger", "or smaller", "or over", "or under", "at most", "at least", "at the most",
		"at the least",
		"at minimum", "at maximum",
	};
	static const char *const denials[] = {"is not",       "isn't",     "is wrong",
	                                      "is incorrect", "was wrong", "would be wrong"};
	struct window w = {.n = 0}, v = {.n = 0};

	before(s, from, &w);
	behind(s, n, to, &v);
	if (negated(&w))
		return HEDGE_NOT;
	for (size_t i = 0; i < LEN(denials); i++)
		if (!strncmp(v.s + (v.s[0] == ' '), denials[i], strlen(denials[i])))
			return HEDGE_NOT;
	if (any_ends(&w, bounds, LEN(bounds)) || in_range(s, from, &w) || compared(s, from))
		return HEDGE_BOUND;
	for (size_t i = 0; i < LEN(more); i++)
		if (holds(&v, more[i]))
			return HEDGE_BOUND;
	if (from < to && changed(&v))
		return HEDGE_BOUND;
	return to < n && s[to] == '+' && (to + 1 == n || strchr(" \t\n.,$*", s[to + 1])) ? HEDGE_BOUND
	                                                                                 : HEDGE_NONE;
}
