/* SPDX-License-Identifier: MIT */
/*
 * answer: from a response to its final answer, and the graders that compare it with a reference.
 * Knows no model, no JSON and no process. Everything here works on text of any size in linear
 * space, counts its work rather than timing it, and never computes in floating point.
 *
 * Canonical numbers: an optional minus, digits without leading zeros, and
 * either a point and decimals without trailing zeros, or a slash and a
 * denominator (lowest terms, not expressible as a decimal). Two numbers are
 * equal exactly when their canonical texts are.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include "equal/equal.h"

/* Where the answer of a response begins: behind the last of its reasoning in <think></think> or
 * another pair of tags that score-verify(1) lists, 0 if there is none, n if the reasoning never
 * ends. */
size_t answer_after_thinking(const char *s, size_t n);

/* The last number in a text, canonical: signs, thousands separators (1,234 and 1{,}234), currency
 * before it, decimals, fractions (3/4, \frac34), mixed numbers (2 1/2), exponents (1e5), powers
 * (10^6), scales (2 million). A digit right after a letter (H2O) starts none. What is no plain
 * number (2\pi, x^6) or no value (more than 100, 5 or 6) leaves none, "not 14" the one before.
 * Replaces what is in out: 1, or 0 if there is none. */
int math_last_number(const char *s, size_t n, struct buf *out);
/* The whole text, white space aside, as one number: 1, or 0 if it is something else. */
int math_number(const char *s, size_t n, struct buf *out);
/* Also as a mixed number, a power or with a scale. */
int math_quantity(const char *s, size_t n, struct buf *out);

enum math_found {
	MATH_NONE,
	MATH_BOXED,                  /* the last \boxed{} or \fbox{}; several in one breath are a
	                              * list */
	MATH_PHRASE,                 /* after the last "answer is", "answer:" or "####" */
	MATH_WHOLE,                  /* the response is nothing but an answer */
	MATH_FORMULA,                /* none of these: the last formula, if no number follows it */
	MATH_LAST_NUMBER,            /* else the last number */
};

/* A response's final answer as it was written. */
enum math_found math_extract(const char *s, size_t n, struct buf *out);
const char *math_found_name(enum math_found f);
/* A reference, which may be a bare answer, one in dollar signs, or a whole solution. */
void math_reference(const char *s, size_t n, struct buf *out);
/* What an answer written as a chain comes to: x = 5 + 6 = 11 is x = 11, 2 + 2 = 4 is 4, 1/3 \approx
 * 0.33 is 1/3. Everything else stays. */
void math_settle(const char *s, size_t n, struct buf *out);

/* Equality where a side may be a choice with its text: (E) 12 is E, and is 12. */
struct math_result math_equal_choice(const char *gold, size_t n_gold, const char *got, size_t n_got,
                                     const struct math_opts *o);

/* Equality as the MATH data set's first grader has it, for comparable tables: equal strings after
 * the rewriting that score-verify(1) lists. */
int math_hendrycks(const char *gold, size_t n_gold, const char *got, size_t n_got);

/*
 * The canonical text of an answer, for people and for votes: sqrt(3)/2, 3/4, x^2+1, (1, 2], {1, 2}.
 * Numbers as above; sums, products, sets and lists in an order of their own; notations of one thing
 * as one text. It is its own canonical text, and the answer is math_equal to it; many that are
 * equal have different ones, since nothing is worked out but arithmetic of numbers. What cannot be
 * read is written without spacing; where no such text is certain, the answer stays as it is.
 * Replaces what is in out.
 */
void math_canonical(const char *s, size_t n, struct buf *out);
/* The same without the units that equality passes over where the other side has none: 1; 0 if there
 * are none of them. */
int math_bare(const char *s, size_t n, struct buf *out);

/* ---- grading (grade.c) ---- */

enum math_grader {
	MATH_STRICT,                 /* equivalence, certain or not at all */
	MATH_LENIENT,                /* and roundings of the reference */
	MATH_HENDRYCKS,              /* the MATH data set's first grader: rewritten strings */
};

struct math_grade {
	const char *status;          /* pass, fail, unknown, unparsed */
	const char *method;          /* how that is known; none: it is not, or there is no answer */
	enum math_found found;       /* what was taken for the answer */
	uint64_t work;               /* of the comparison, as in math_result */
	struct buf gold, got;        /* reference and answer as they were compared */
	struct buf canonical;        /* the answer's; a unit that the reference lacks is left out
	                              * where that makes no difference to the status */
};

/* A response, or an answer by itself (read as a reference is), against a reference. *g was {0} or
 * graded before. */
void math_grade_response(const char *reference, size_t n_reference, const char *response, size_t n,
                         enum math_grader grader, struct math_grade *g);
void math_grade_answer(const char *reference, size_t n_reference, const char *answer, size_t n,
                       enum math_grader grader, struct math_grade *g);
void math_grade_release(struct math_grade *g);

#endif
