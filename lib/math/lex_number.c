/* SPDX-License-Identifier: MIT */
/* Numbers: thousands, decimals, what recurs, exponents. */
#include <string.h>

#include "base/base.h"
#include "math/lex.h"

static int digits_at(const struct lexer *l, size_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_digit(char_at(l, at + i)))
			return 0;
	return !is_digit(char_at(l, at + count));
}

/* The bytes of what separates thousands at this place, 0: none. *plain: a mere comma. */
static size_t separator(const struct lexer *l, size_t at, int *plain)
{
	static const char *const always[] = {"{,}", "\\,", "\\;", "\\:", "\\ ", "~", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};
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

		for (n += 1 - at; is_space(char_at(l, at + n)) || (char_at(l, at + n) == '\\' && char_at(l, at + n + 1) == '!'); )
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

/* \overline{3} or \bar{3} after decimals: how many digits recur. */
static size_t recurring(struct lexer *l)
{
	static const char *const marks[] = {"\\overline{", "\\bar{", "\\overline ", "\\overline", "\\dot{"};

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

/* The exponent's bytes if what follows the number is one. */
static size_t exponent(const struct lexer *l, int point)
{
	size_t n = 1, digits;
	int c = char_at(l, l->at), sign;

	if (c != 'e' && c != 'E')
		return 0;
	sign = char_at(l, l->at + 1);
	n += sign == '+' || sign == '-';
	digits = run_of_digits(l, l->at + n);
	if (!digits || is_alpha(char_at(l, l->at + n + digits)) || (n == 2 && c == 'e' && digits < 2 && !point))
		return 0;
	return n + digits;
}

int lex_number(struct lexer *l)
{
	struct parser *p = l->p;
	size_t start = p->n_chr, first = run_of_digits(l, l->at), decimals = 0, repeat = 0, n, zeros = 0;
	int plain, grouped = 0, point = 0;
	struct tok *t;

	if (p->chr_cap - p->n_chr < l->n - l->at + 8)
		return -1;
	add_digits(l, first);
	if (first && first <= 3 && p->chr[start] != '0')
		while ((n = separator(l, l->at, &plain))) {
			grouped |= plain;
			l->at += n;
			add_digits(l, 3);
		}
	if (char_at(l, l->at) == '.' && (is_digit(char_at(l, l->at + 1)) || (first && char_at(l, l->at + 1) == '\\'))) {
		size_t back = l->at++;

		point = 1;
		n = run_of_digits(l, l->at);
		decimals = n;
		add_digits(l, n);
		repeat = recurring(l);
		decimals += repeat;
		if (!decimals) {
			l->at = back;
			point = 0;
		}
	}
	n = p->n_chr - start;
	while (zeros + 1 < n && p->chr[start + zeros] == '0')
		zeros++;
	p->chr[p->n_chr++] = 0;
	repeat = repeat > n - zeros ? n - zeros : repeat;
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
	if (lex_emits(l, TK_MUL, 0, "*") || lex_emits(l, TK_NUM, 0, "10") || lex_emits(l, TK_POW, 0, "^") || lex_emits(l, TK_OPEN, '{', "{") ||
	    (minus && lex_emits(l, TK_MINUS, 0, "-")) || lex_number(l) || lex_emits(l, TK_CLOSE, '{', "}") || lex_emits(l, TK_CLOSE, '{', "}"))
		return -1;
	return 0;
}
