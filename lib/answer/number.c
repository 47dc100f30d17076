/* SPDX-License-Identifier: MIT */
/* Numbers, exactly: digits are text all the way, only fractions up to 18 digits are reduced. */
#include "answer/inside.h"

#include <string.h>

enum { MAX_REDUCED = 18 };

static int digit(const char *s, size_t n, size_t at)
{
	return at < n && s[at] >= '0' && s[at] <= '9';
}

static int letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ---- reading ---- */

/* A thousands separator and exactly three digits: returns the separator's length. */
static size_t separator(const char *s, size_t n, size_t at)
{
	static const char *const marks[] = {"{,}", ",\\!", ","};

	for (size_t i = 0; i < LEN(marks); i++) {
		size_t len = strlen(marks[i]), d = at + len;

		if (text_starts(s, n, at, marks[i]) && digit(s, n, d) && digit(s, n, d + 1) &&
		    digit(s, n, d + 2) && !digit(s, n, d + 3))
			return len;
	}
	return 0;
}

/* Digits from at: with separators (the first group of one to three), a point and decimals. Returns
 * the end. */
size_t num_digits(const char *s, size_t n, size_t at, struct decimal *d)
{
	size_t start = at, len;

	while (digit(s, n, at))
		buf_addc(&d->whole, s[at++]);
	if (at - start >= 1 && at - start <= 3 && s[start] != '0')
		while ((len = separator(s, n, at))) {
			buf_add(&d->whole, s + at + len, 3);
			at += len + 3;
		}
	if (at < n && s[at] == '.' && digit(s, n, at + 1))
		for (at++; digit(s, n, at); at++)
			buf_addc(&d->part, s[at]);
	return at;
}

/* Moves the point one place: to the left, or to the right. */
void num_shift(struct decimal *d, int left)
{
	char c = '0';

	if (left) {
		if (d->whole.len)
			c = d->whole.data[--d->whole.len];
		buf_addc(&d->part, c);
		memmove(d->part.data + 1, d->part.data, d->part.len - 1);
		d->part.data[0] = c;
	} else {
		if (d->part.len) {
			c = d->part.data[0];
			memmove(d->part.data, d->part.data + 1, --d->part.len);
		}
		buf_addc(&d->whole, c);
	}
}

/* e5, E-3 after the digits. Returns the end; at itself where there is no exponent. */
size_t num_exponent(const char *s, size_t n, size_t at, struct decimal *d)
{
	size_t p = at + 1;
	int minus = 0, value = 0;

	if (at >= n || (s[at] != 'e' && s[at] != 'E'))
		return at;
	if (p < n && (s[p] == '+' || s[p] == '-'))
		minus = s[p++] == '-';
	if (!digit(s, n, p))
		return at;
	for (; digit(s, n, p); p++)
		if (value <= NUM_MAX_EXPONENT)
			value = value * 10 + s[p] - '0';
	if (value > NUM_MAX_EXPONENT)
		return 0;
	if (p < n && letter(s[p]))
		return at;
	while (value--)
		num_shift(d, minus);
	return p;
}

void num_release(struct decimal *d)
{
	buf_release(&d->whole);
	buf_release(&d->part);
}

/* ---- canonical text ---- */

static void strip(struct decimal *d)
{
	size_t zeros = 0;

	while (zeros < d->whole.len && d->whole.data[zeros] == '0')
		zeros++;
	if (zeros) {
		memmove(d->whole.data, d->whole.data + zeros, d->whole.len - zeros);
		d->whole.len -= zeros;
	}
	while (d->part.len && d->part.data[d->part.len - 1] == '0')
		d->part.len--;
}

void num_put(struct decimal *d, struct buf *out)
{
	strip(d);
	if (d->negative && (d->whole.len || d->part.len))
		buf_addc(out, '-');
	if (d->whole.len)
		buf_add(out, d->whole.data, d->whole.len);
	else
		buf_addc(out, '0');
	if (d->part.len) {
		buf_addc(out, '.');
		buf_add(out, d->part.data, d->part.len);
	}
}

/* A stripped decimal times 10^places as an integer: 0 where that has more than 18 digits. */
static int as_u64(const struct decimal *d, size_t places, uint64_t *out)
{
	uint64_t v = 0;

	if (d->whole.len + places > MAX_REDUCED)
		return 0;
	for (size_t i = 0; i < d->whole.len; i++)
		v = v * 10 + (uint64_t)(d->whole.data[i] - '0');
	for (size_t i = 0; i < places; i++)
		v = v * 10 + (uint64_t)(i < d->part.len ? d->part.data[i] - '0' : 0);
	*out = v;
	return 1;
}

uint64_t num_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* a/b by long division; b has no prime factor but 2 and 5, so it ends. */
static void divide(uint64_t a, uint64_t b, struct buf *out)
{
	uint64_t rest = a % b;

	buf_addf(out, "%llu", (unsigned long long)(a / b));
	if (rest)
		buf_addc(out, '.');
	while (rest) {
		__uint128_t ten = (__uint128_t)rest * 10;

		buf_addc(out, (char)('0' + (int)(ten / b)));
		rest = (uint64_t)(ten % b);
	}
}

/* over/under; 0 if under is zero. */
int num_put_fraction(struct decimal *over, struct decimal *under, struct buf *out)
{
	int negative = over->negative != under->negative;
	uint64_t a, b, g, rest;
	size_t places;

	strip(over);
	strip(under);
	if (!under->whole.len && !under->part.len)
		return 0;
	places = over->part.len > under->part.len ? over->part.len : under->part.len;
	if (!as_u64(over, places, &a) || !as_u64(under, places, &b)) {
		/* too long to reduce: as written */
		over->negative = negative;
		under->negative = 0;
		num_put(over, out);
		buf_addc(out, '/');
		num_put(under, out);
		return 1;
	}
	g = num_gcd(a, b);
	a /= g;
	b /= g;
	if (negative && a)
		buf_addc(out, '-');
	for (rest = b; rest % 2 == 0; rest /= 2)
		;
	for (; rest % 5 == 0; rest /= 5)
		;
	if (rest == 1)
		divide(a, b, out);
	else
		buf_addf(out, "%llu/%llu", (unsigned long long)a, (unsigned long long)b);
	return 1;
}

/* ---- one number at a place ---- */

/* Sign and currency before the digits: "-", "$-", "-$", "+", U+2212, U+2013. Returns where the
 * digits start. */
size_t num_sign(const char *s, size_t n, size_t at, int *negative)
{
	static const struct { const char *text; int sign; } marks[] = {
		{"-", -1}, {"\xe2\x88\x92", -1}, {"\xe2\x80\x93", -1}, {"+", 1}, {"\\$", 0},
		{"$", 0}, {"\xe2\x82\xac", 0}, {"\xc2\xa3", 0},
	};
	int seen_sign = 0, seen_money = 0, again = 1;

	*negative = 0;
	while (again) {
		again = 0;
		for (size_t i = 0; i < LEN(marks) && !again; i++) {
			int *seen = marks[i].sign ? &seen_sign : &seen_money;

			if (*seen || !text_starts(s, n, at, marks[i].text))
				continue;
			*seen = again = 1;
			*negative |= marks[i].sign < 0;
			at += strlen(marks[i].text);
		}
	}
	return at;
}

int num_starts(const char *s, size_t n, size_t at)
{
	return digit(s, n, at) || (at < n && s[at] == '.' && digit(s, n, at + 1));
}

/* One number, in braces or a single digit; a sign adds to the one that half has. Returns the end,
 * or 0. */
static size_t read_half(const char *s, size_t n, size_t at, struct decimal *half)
{
	int negative;

	while (at < n && s[at] == ' ')
		at++;
	if (digit(s, n, at)) {
		buf_addc(&half->whole, s[at]);
		return at + 1;
	}
	if (at >= n || s[at] != '{')
		return 0;
	at = num_sign(s, n, at + 1, &negative);
	half->negative ^= negative;
	at = num_starts(s, n, at) ? num_digits(s, n, at, half) : n;
	return at < n && s[at] == '}' ? at + 1 : 0;
}

size_t num_frac(const char *s, size_t n, size_t at, struct decimal *over, struct decimal *under)
{
	static const char *const names[] = {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"};
	size_t p = 0;

	for (size_t i = 0; i < LEN(names); i++)
		if (text_starts(s, n, at, names[i]))
			p = at + strlen(names[i]);
	p = p ? read_half(s, n, p, over) : 0;
	return p ? read_half(s, n, p, under) : 0;
}

/* The number that starts at at, canonical in out (which was empty): its end, or 0 if none does. */
static size_t read_number(const char *s, size_t n, size_t at, struct buf *out)
{
	struct decimal d = {{0}, {0}, 0}, under = {{0}, {0}, 0};
	size_t p = num_sign(s, n, at, &d.negative), end = num_frac(s, n, p, &d, &under), after;

	after = end && num_put_fraction(&d, &under, out) ? end : 0;
	if (end || !num_starts(s, n, p))
		goto out;
	end = num_digits(s, n, p, &d);
	after = num_exponent(s, n, end, &d);
	if (!after)
		goto out;
	/* 1/2/2020 is a date: three numbers; and nothing is divided by zero */
	if (after == end && (!at || s[at - 1] != '/') && text_starts(s, n, end, "/") &&
	    digit(s, n, end + 1)) {
		after = num_digits(s, n, end + 1, &under);
		if (text_starts(s, n, after, "/") || !num_put_fraction(&d, &under, out))
			after = end;
	}
	if (!out->len)
		num_put(&d, out);
out:
	num_release(&d);
	num_release(&under);
	return after;
}

int math_number(const char *s, size_t n, struct buf *out)
{
	size_t at = 0;

	buf_clear(out);
	while (n && text_space(s[n - 1]))
		n--;
	while (at < n && text_space(s[at]))
		at++;
	if (at < n && read_number(s, n, at, out) == n)
		return 1;
	buf_clear(out);
	return 0;
}
