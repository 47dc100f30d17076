/* SPDX-License-Identifier: MIT */
/* Inside lib/math only: numbers in text, digit by digit; number.c reads and writes them, quantity.c finds them. */
#ifndef MATH_NUMBER_H
#define MATH_NUMBER_H

#include "base/base.h"

/* A decimal as it was written: digits of the whole and the fractional part. */
struct decimal {
	struct buf whole, part;
	int negative;
};

enum { NUM_MAX_EXPONENT = 400 };

void num_release(struct decimal *d);
/* Moves the point one place: to the left, or to the right. */
void num_shift(struct decimal *d, int left);
/* Sign and currency before the digits. Returns where the digits start. */
size_t num_sign(const char *s, size_t n, size_t at, int *negative);
int num_starts(const char *s, size_t n, size_t at);
/* Digits from at: with separators (the first group of one to three), a point and decimals. Returns the end. */
size_t num_digits(const char *s, size_t n, size_t at, struct decimal *d);
/* e5, E-3 after the digits. Returns the end: at itself where there is no exponent, 0 where it is too large. */
size_t num_exponent(const char *s, size_t n, size_t at, struct decimal *d);
/* \frac{3}{4} and \frac34 at at (one number in each place): its end, or 0. */
size_t num_frac(const char *s, size_t n, size_t at, struct decimal *over, struct decimal *under);
/* Canonical text, added to out. A fraction: 0 if under is zero. */
void num_put(struct decimal *d, struct buf *out);
int num_put_fraction(struct decimal *over, struct decimal *under, struct buf *out);

#endif
