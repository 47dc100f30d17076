/* SPDX-License-Identifier: MIT */
/*
 * equal: whether two answers are the same. Input may be any bytes; linear space, counted work, no
 * floating point. See score-verify(1), EQUIVALENCE.
 */
#ifndef EQUAL_H
#define EQUAL_H

#include "formula/formula.h"

struct math_opts {
	int lenient;                 /* a number may be a rounding of the reference */
	int repeats;                 /* an answer may repeat members of its list */
};
/* Compares the reference with an answer, both as extracted. Symmetric without options, except for a
 * reference with a decimal comma. Work and memory are bounded; what would need more is unknown. */
struct math_result math_equal(const char *gold, size_t n_gold, const char *got, size_t n_got,
                              const struct math_opts *o);
const char *math_verdict_name(enum math_verdict v);
const char *math_method_name(enum math_method m);

#endif
