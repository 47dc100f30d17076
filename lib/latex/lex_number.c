/* SPDX-License-Identifier: MIT */
/* The lexer's numbers: thousands, decimals, recurring decimals, exponents. */
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

static int digits_at(const struct lexer *l, size_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_digit(char_at(l, at + i)))
			return 0;
	return !is_digit(char_at(l, at + count));
}

/* Length of the thousands separator here, 0: none. *plain: it is a plain comma. */
static size_t separator(const struct lexer *l, size_t at, int *plain)
{
	static const char *const always[] = {
		"{,}", "\\,", "\\;", "\\:", "\\ ", "~", "_", "'", "\xc2\xa0", "\xe2\x80\xaf",
		"\xe2\x80\x89",
	};
	size_t n;

	*plain = 0;
	for (size_t i = 0; i < LEN(always); i++) {
		n = strlen(always[i]);
		if (at + n <= l->n && !memcmp(l->s + at, always[i], n) && digits_at(l, at + n, 3))
			return n;
	}
	for (n = at; char_at(l, n) == ' '; )
		n++;
	if (char_at(l, n) == ',') {
		int thin = 0;

		for (n += 1 - at; is_space(char_at(l, at + n)) ||
		                  (char_at(l, at + n) == '\\' && char_at(l, at + n + 1) == '!');)
			if (char_at(l, at + n) == '\\') {
				n += 2;
				thin = 1;
			} else {
				n++;
			}
		if (digits_at(l, at + n, 3) && (thin || (n == 1 && !l->bracket))) {
			*plain = !thin;
			return n;
		}
	}
	if (char_at(l, at) == ' ' && digits_at(l, at + 1, 3) && char_at(l, at + 4) != '/')
		return 1;
	return 0;
}

static void add_digits(struct lexer *l, size_t count)
{
	memcpy(l->p->chr + l->p->n_chr, l->s + l->at, count);
	l->p->n_chr += count;
	l->at += count;
}

static size_t run_of_digits(const struct lexer *l, size_t at)
{
	size_t n = 0;

	while (is_digit(char_at(l, at + n)))
		n++;
	return n;
}

/* \dot{1}42\dot{8}: number of digits from the first dotted one to the second. */
static size_t between_dots(struct lexer *l)
{
	size_t at = l->at + 6, n;

	if (l->n - l->at < 15 || memcmp(l->s + l->at, "\\dot{", 5) || !is_digit(char_at(l, at - 1)) ||
	    char_at(l, at) != '}')
		return 0;
	n = run_of_digits(l, at + 1);
	if (l->n - at - 1 - n < 7 || memcmp(l->s + at + 1 + n, "\\dot{", 5) ||
	    !is_digit(char_at(l, at + 6 + n)) || char_at(l, at + 7 + n) != '}')
		return 0;
	l->at += 5;
	add_digits(l, 1);
	l->at++;
	add_digits(l, n);
	l->at += 5;
	add_digits(l, 1);
	l->at++;
	return n + 2;
}

/* \overline{3} or \bar{3} after decimals: number of recurring digits. */
static size_t recurring(struct lexer *l)
{
	static const char *const marks[] = {"\\overline{", "\\bar{", "\\overline ", "\\overline",
	                                    "\\dot{"};
	size_t between = between_dots(l);

	if (between)
		return between;
	for (size_t i = 0; i < LEN(marks); i++) {
		size_t n = strlen(marks[i]), digits;
		int braced = marks[i][n - 1] == '{';

		if (l->at + n > l->n || memcmp(l->s + l->at, marks[i], n))
			continue;
		digits = run_of_digits(l, l->at + n);
		if (!digits || (braced && char_at(l, l->at + n + digits) != '}'))
			continue;
		if (!braced || marks[i][1] == 'd')
			digits = 1;
		if (marks[i][1] == 'd' && char_at(l, l->at + n + 1) != '}')
			continue;
		l->at += n;
		add_digits(l, digits);
		l->at += (size_t)braced;
		return digits;
	}
	return 0;
}

/* Length of the exponent after the number, 0: none. */
static size_t exponent(const struct lexer *l, int point)
{
	size_t n = 1, digits;
	int c = char_at(l, l->at), sign;

	if (c != 'e' && c != 'E')
		return 0;
	sign = char_at(l, l->at + 1);
	n += sign == '+' || sign == '-';
	digits = run_of_digits(l, l->at + n);
	if (!digits || is_alpha(char_at(l, l->at + n + digits)) ||
	    (n == 2 && c == 'e' && digits < 2 && !point))
		return 0;
	return n + digits;
}

/* Length of the decimal mark here, 0: none. {,} is one if it cannot separate thousands. */
static size_t decimal_mark(const struct lexer *l, int whole)
{
	int c = char_at(l, l->at + 1);

	if (char_at(l, l->at) == '.')
		return is_digit(c) || (whole && (c == '\\' || c == '(')) ? 1 : 0;
	return whole && char_at(l, l->at) == '{' && c == ',' && char_at(l, l->at + 2) == '}' &&
	               is_digit(char_at(l, l->at + 3))
	           ? 3
	           : 0;
}

/* Number of recurring digits in 0.(3), or in 0.333... if unambiguous: a block that occurs three
 * times. */
static size_t recurring_plain(struct lexer *l, size_t decimals)
{
	static const char *const dots[] = {"...", "\\ldots", "\\dots", "\\cdots", "\xe2\x80\xa6"};
	const char *end = l->p->chr + l->p->n_chr;
	size_t n = run_of_digits(l, l->at + 1), mark = 0;

	if (!decimals && char_at(l, l->at) == '(' && n && char_at(l, l->at + 1 + n) == ')') {
		l->at++;
		add_digits(l, n);
		l->at++;
		return n;
	}
	for (size_t i = 0; i < LEN(dots) && !mark; i++)
		if (l->n - l->at >= strlen(dots[i]) && !memcmp(l->s + l->at, dots[i], strlen(dots[i])))
			mark = strlen(dots[i]);
	for (size_t block = 1; mark && 3 * block <= decimals && block <= 32; block++)
		if (!memcmp(end - block, end - 2 * block, block) &&
		    !memcmp(end - block, end - 3 * block, block)) {
			l->at += mark;
			return block;
		}
	return 0;
}

/* Adds the digits after the point; *repeat: how many recur. 0: there are none, so the point is not
 * one. */
static size_t decimals_of(struct lexer *l, size_t *repeat)
{
	size_t n = run_of_digits(l, l->at);

	add_digits(l, n);
	*repeat = recurring(l);
	if (*repeat)
		return n + *repeat;
	*repeat = recurring_plain(l, n);
	return n ? n : *repeat;
}

/* Digits, with thousands separators or not; 1.234.567 uses points for that. *plain: they are plain
 * commas. */
static int whole_digits(struct lexer *l, size_t start)
{
	size_t first = run_of_digits(l, l->at), n;
	int plain, grouped = 0;

	add_digits(l, first);
	if (!first || first > 3 || l->p->chr[start] == '0')
		return 0;
	if (char_at(l, l->at) == '.' && digits_at(l, l->at + 1, 3) && char_at(l, l->at + 4) == '.' &&
	    digits_at(l, l->at + 5, 3)) {
		while (char_at(l, l->at) == '.' && digits_at(l, l->at + 1, 3)) {
			l->at++;
			add_digits(l, 3);
		}
		return 0;
	}
	while ((n = separator(l, l->at, &plain))) {
		grouped |= plain;
		l->at += n;
		add_digits(l, 3);
	}
	return grouped;
}

int lex_number(struct lexer *l)
{
	struct parser *p = l->p;
	size_t start = p->n_chr, decimals = 0, repeat = 0, n, zeros = 0, mark;
	int grouped, point = 0;
	struct tok *t;

	if (p->chr_cap - p->n_chr < l->n - l->at + 8)
		return -1;
	grouped = whole_digits(l, start);
	mark = decimal_mark(l, p->n_chr > start);
	if (mark) {
		size_t back = l->at;

		l->at += mark;
		decimals = decimals_of(l, &repeat);
		point = decimals > 0;
		if (!point)
			l->at = back;
	}
	n = p->n_chr - start;
	while (zeros + 1 < n && p->chr[start + zeros] == '0')
		zeros++;
	p->chr[p->n_chr++] = 0;
	t = lex_emit(l, TK_NUM, 0, p->chr + start + zeros, n - zeros);
	if (!t)
		return -1;
	t->decimals = (uint32_t)decimals;
	t->repeat = (uint32_t)repeat;
	t->width = (uint32_t)n;
	t->flags |= grouped ? TF_GROUPED : 0;
	n = exponent(l, point);
	if (!n || grouped || last_kind(l) != TK_NUM)
		return 0;
	/* {2*10^{-5}} */
	struct tok mantissa = *t;
	int minus = char_at(l, l->at + 1) == '-';

	p->n_tok--;
	if (lex_emits(l, TK_OPEN, '{', "{") || !(t = lex_emit(l, TK_NUM, 0, "", 0)))
		return -1;
	mantissa.flags &= (uint8_t)~TF_SPACE;
	*t = mantissa;
	l->at += 1 + (size_t)(minus || char_at(l, l->at + 1) == '+');
	if (lex_emits(l, TK_MUL, 0, "*") || lex_emits(l, TK_NUM, 0, "10") ||
	    lex_emits(l, TK_POW, 0, "^") || lex_emits(l, TK_OPEN, '{', "{") ||
	    (minus && lex_emits(l, TK_MINUS, 0, "-")) || lex_number(l) ||
	    lex_emits(l, TK_CLOSE, '{', "}") || lex_emits(l, TK_CLOSE, '{', "}"))
		return -1;
	return 0;
}
