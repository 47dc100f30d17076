/* SPDX-License-Identifier: MIT */
/* Inside lib/math only: what the ways of looking for an answer share. */
#ifndef MATH_EXTRACT_H
#define MATH_EXTRACT_H

#include <stddef.h>

struct span {
	size_t from, to;             /* the content */
	size_t start, end;           /* with what encloses it */
};

/* ---- boxes.c ---- */
/* The length of \boxed, \fbox or \framebox at a backslash; also of \\boxed, which is one escaped twice. */
size_t box_name(const char *s, size_t n, size_t at);
/* Every closed box that is in no other closed one, in order; owned by the caller. */
size_t boxes(const char *s, size_t n, struct span **out);

/* ---- around.c ---- */
/* Without the marks of its end that a model's text may carry (</s>, <|im_end|>). */
size_t without_end_marks(const char *s, size_t n);
/* What stands in the last <answer></answer>, if no box follows it: 1, else 0. */
int answer_element(const char *s, size_t n, struct span *x);
/* Where an answer begins behind a name for it: "Answer:", \text{Answer: }, "Option" before a letter, "either". */
size_t behind_label(const char *s, size_t from, size_t to);

#endif
