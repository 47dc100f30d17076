/* SPDX-License-Identifier: MIT */
/* Inside answer: boxes and labels, numbers in text, and what words do to an answer. */
#ifndef ANSWER_INSIDE_H
#define ANSWER_INSIDE_H

#include "answer/answer.h"
#include "base/ascii.h"
#include "latex/tree.h"

struct span {
	size_t from, to;             /* the content */
	size_t start, end;           /* with what encloses it */
};

/* ---- boxes.c ---- */
/* The length of \boxed, \fbox or \framebox at a backslash; also of \\boxed, which is one escaped
 * twice. */
size_t box_name(const char *s, size_t n, size_t at);
/* Every closed box that is in no other closed one, in order; owned by the caller. */
size_t boxes(const char *s, size_t n, struct span **out);

/* ---- around.c ---- */
/* Without the marks of its end that a model's text may carry (</s>, <|im_end|>). */
size_t without_end_marks(const char *s, size_t n);
/* What stands in the last <answer></answer>, if no box follows it: 1, else 0. */
int answer_element(const char *s, size_t n, struct span *x);
/* Where an answer begins behind a name for it: "Answer:", \text{Answer: }, "Option" before a
 * letter, "either". */
size_t behind_label(const char *s, size_t from, size_t to);

/* ---- number.c reads and writes numbers digit by digit, quantity.c finds them ---- */

/* A decimal as it was written: digits of the whole and the fractional part. */
struct decimal {
	struct buf whole, part;
	int negative;
};

enum { NUM_MAX_EXPONENT = 400 };

void num_release(struct decimal *d);
uint64_t num_gcd(uint64_t a, uint64_t b);
/* Moves the point one place: to the left, or to the right. */
void num_shift(struct decimal *d, int left);
/* Sign and currency before the digits. Returns where the digits start. */
size_t num_sign(const char *s, size_t n, size_t at, int *negative);
int num_starts(const char *s, size_t n, size_t at);
/* Digits from at: with separators (the first group of one to three), a point and decimals. Returns
 * the end. */
size_t num_digits(const char *s, size_t n, size_t at, struct decimal *d);
/* e5, E-3 after the digits. Returns the end: at itself where there is no exponent, 0 where it is
 * too large. */
size_t num_exponent(const char *s, size_t n, size_t at, struct decimal *d);
/* \frac{3}{4} and \frac34 at at (one number in each place): its end, or 0. */
size_t num_frac(const char *s, size_t n, size_t at, struct decimal *over, struct decimal *under);
/* Canonical text, added to out. A fraction: 0 if under is zero. */
void num_put(struct decimal *d, struct buf *out);
int num_put_fraction(struct decimal *over, struct decimal *under, struct buf *out);

/* ---- canon.c, term.c: trees as canonical text ---- */

/* How tightly a text binds. */
enum canon_level {
	CANON_LIST,                  /* commas */
	CANON_RELATION,
	CANON_SET,                   /* unions, ratios, residues, \pm */
	CANON_SUM,                   /* and what begins with a minus */
	CANON_PRODUCT,
	CANON_POWER,                 /* and what has a sign behind it: 5!, 5% */
	CANON_ATOM,
};

/* The text of a node, or of a part of one. */
struct canon {
	struct buf s;
	enum canon_level level;
	int number;                  /* it is a canonical number */
	int degree;                  /* as a term's: of its powers of names, added up */
	int bad;                     /* something in it cannot be written */
};

struct canons {
	struct canon *v;
	size_t n, cap;
};

/* Fills out, which was {0}. */
void canon_node(const struct math_node *n, struct canon *out);
/* The same, appended to out: in brackets where it binds less than level. */
void canon_put(const struct math_node *n, enum canon_level level, struct canon *out);
void canon_append(const struct canon *c, enum canon_level level, struct canon *out);
/* The next of several; filled by the caller. */
struct canon *canon_next(struct canons *l);
/* By text. */
void canons_sort(struct canons *l);
/* Everything, with sign between each two of them. */
void canons_join(const struct canons *l, const char *sign, enum canon_level level,
                 struct canon *out);
void canons_release(struct canons *l);

/* term.c: numbers, what is added, what is multiplied and divided. */
void canon_number(const struct math_node *n, struct canon *out);
void canon_mixed(const struct math_node *n, struct canon *out);
void canon_sum(const struct math_node *n, struct canon *out);
void canon_product(const struct math_node *n, struct canon *out);
void canon_power(const struct math_node *n, struct canon *out);

/* ---- connect.c ---- */
enum connective {
	CONNECT_NOT,                 /* none */
	CONNECT_JOINS,               /* or, and, when, if: two statements, neither of them the whole */
	CONNECT_LEADS,               /* so, gives, \Rightarrow: what follows is what it comes to */
};
/* The connective at at, where `begins` says that nothing but spacing is before it. *len: of it, or
 * of what was looked at to see that it is none (at least 1). */
enum connective math_connective(const char *s, size_t n, size_t at, int begins, size_t *len);

/* ---- hedge.c ---- */
enum hedge {
	HEDGE_NONE,
	HEDGE_NOT,                   /* denied: "not 14" */
	HEDGE_BOUND,                 /* a bound, a range, one of several: "more than 100", "5 or 6" */
};
/* What the words right before and right behind the value s[from, to) do to it. */
enum hedge math_hedge(const char *s, size_t n, size_t from, size_t to);
/* Do they deny it right there: "not \boxed{14}", "\boxed{14} is wrong"? Not so in "those that are
 * not odd are \boxed{14}". */
int math_denied(const char *s, size_t n, size_t from, size_t to);

#endif
