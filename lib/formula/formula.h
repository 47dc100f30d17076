/* SPDX-License-Identifier: MIT */
/*
 * formula: the meaning of formulas, and whether two are equal. The only room that includes FLINT.
 *
 * A formula is a graph in which equal nodes are shared. A comparison owns one struct xs, into which
 * both sides are built, so that most equal formulas become the same node. The other decisions about
 * nodes (balls, bounds, polynomials, Calcium) are made here too.
 *
 * Building does exact rational arithmetic, flattens and sorts sums and products, collects like
 * terms and powers, and applies a few identities that hold wherever both sides are defined. It
 * never expands products.
 *
 * Work is counted, not timed: xs_spend takes units (about a nanosecond each on a machine of 2020)
 * from one budget; once it is used up, every answer is "unknown". Sizes are bounded before a
 * library is called.
 */
#ifndef FORMULA_H
#define FORMULA_H

#include "base/base.h"
#include "latex/tree.h"

/* Whether two things are equal; EQUAL and UNEQUAL are proven unless the method says otherwise. */
enum math_verdict { MATH_UNEQUAL, MATH_EQUAL, MATH_UNKNOWN };
/* how it was decided; for a structure, the weakest method of its parts */
enum math_method {
	MATH_BY_NOTHING,             /* it is not known */
	MATH_BY_EXACT,               /* rational arithmetic, structure */
	MATH_BY_CERTIFIED,           /* constants: balls, separation bounds, Calcium */
	MATH_BY_ALGEBRAIC,           /* identities of formulas with variables */
	MATH_BY_PROBABILISTIC,       /* equal at points */
	MATH_BY_TEXT,                /* the same words, or the same text */
};
#define MATH_MAX_WORK 20000000   /* units per comparison: about as many nanoseconds */
struct math_result {
	enum math_verdict verdict;
	enum math_method method;
	/* units used: the same on every machine for the same input */
	uint64_t work;
};

enum x_kind {
	X_UNDEF,                     /* 1/0 and anything that contains it */
	X_RAT,                       /* at: index of its rational */
	X_PI, X_I, X_INF,
	X_VAR,                       /* at: index of its name */
	X_ADD, X_MUL,                /* kids sorted; a rational first */
	X_POWI,                      /* kid ^ k, k neither 0 nor 1 */
	X_ROOT,                      /* kth root, k >= 2: the real one of a negative real for odd k,
	                              * else principal */
	X_POW,                       /* base, exponent: exp(exponent log base), principal */
	X_FUNC,                      /* op: enum math_func, or: */
	X_APPLY,                     /* at: the name of an unknown function */
};

/* What a node contains. */
enum {
	XF_VAR = 1,                  /* a variable */
	/* the imaginary unit, Re, Im, conj or arg: variables may be complex */
	XF_I = 2,
	XF_OPAQUE = 4,               /* something without a value: unknown functions, infinity */
	XF_LOGBASE = 8,              /* \log without a base, which is 10 to some and e to others */
	XF_STEP = 16,                /* gcd, factorial, ...: variables may only be integers */
	XF_JUMP = 32,                /* floor, ceil, sgn: equality cannot be shown at points */
};

typedef int32_t xid;
enum { X_NONE = -1 };            /* not a formula, or too large */

/* ---- a comparison's formulas ---- */

struct xs;

struct xs *xs_new(void);
void xs_free(struct xs *s);
/* Takes units of work: 1, or 0 once the budget is used up. */
int xs_spend(struct xs *s, uint64_t units);
int xs_broke(const struct xs *s);
/* Units taken so far. */
uint64_t xs_spent(const struct xs *s);
/* Starts a new question: forgets which constants were cancelled before. */
void xs_begin(struct xs *s);
/* True if constants were cancelled since xs_begin. An equality holds only if they have a value. */
int xs_cancelled(const struct xs *s);
/* Makes two names stand for the same unknown until xs_part. 0: too many names are joined. */
int xs_join(struct xs *s, const char *p, const char *q);
void xs_part(struct xs *s);

/* ---- building; every builder takes X_NONE for X_NONE ---- */

xid x_int(struct xs *s, int64_t v);
xid x_frac(struct xs *s, int64_t p, int64_t q);
xid x_leaf(struct xs *s, enum x_kind kind);
xid x_var(struct xs *s, const char *name);
xid x_add2(struct xs *s, xid a, xid b);
xid x_sub(struct xs *s, xid a, xid b);
xid x_mul2(struct xs *s, xid a, xid b);
xid x_neg(struct xs *s, xid a);
xid x_div(struct xs *s, xid a, xid b);
xid x_powi(struct xs *s, xid a, int64_t k);
xid x_root(struct xs *s, xid a, int64_t k);
/* pm: the sign of \pm (+1 or -1). X_NONE if the tree is not a formula. */
xid x_build(struct xs *s, const struct math_node *t, int pm);
/* The tree with a variable set to a value. */
xid x_build_at(struct xs *s, const struct math_node *t, int pm, const char *name, xid value);
/* A unit as written in a tree. x_measure returns 0 if part of it is not a known unit. */
struct measure {
	int16_t dim[128];            /* powers of base units, by letter */
	xid factor;                  /* its size in base units */
};
int x_measure(struct xs *s, const char *unit, struct measure *out);

/* ---- properties ---- */

int x_is(const struct xs *s, xid a, enum x_kind k);
/* XF_ flags of everything in it. */
unsigned x_flags(const struct xs *s, xid a);
/* True for a rational; for an integer; for zero. */
int x_is_rational(const struct xs *s, xid a);
int x_is_whole(const struct xs *s, xid a);
int x_is_zero(const struct xs *s, xid a);
/* 1 for an integer of at most `bits` bits (up to 62), stored in *out. */
int x_small(const struct xs *s, xid a, unsigned bits, int64_t *out);
/* 1 for infinity, -1 for its negative, else 0. */
int x_infinite(const struct xs *s, xid a);
/* The sign (1, -1) of a constant that is clearly real and nonzero, else 0. */
int x_quick_sign(struct xs *s, xid a);
/* Total degree in the variables of the numerator, -1 if it is not a polynomial. */
int x_degree(struct xs *s, xid a);

/* ---- decisions ---- */

/* The sign of a real constant: -1, 0, 1; 2 if unknown. */
int x_sign(struct xs *s, xid a);
/* Tests a as a fraction of polynomials in variables and whatever is not rational arithmetic. EQUAL:
 * identically zero. */
enum math_verdict x_rational_zero(struct xs *s, xid a);
/* EQUAL: a and b, as functions, differ by a constant factor; its sign (0: not known) in *sign. */
enum math_verdict x_proportional(struct xs *s, xid a, xid b, int *sign);
/* Decides whether two formulas are equal, by all methods. */
struct math_result x_equal(struct xs *s, xid a, xid b);
/* For --lenient: whether got = v / 10^decimals is the constant a rounded to that many decimals. */
struct math_result x_rounds(struct xs *s, xid a, xid got, int64_t decimals);

#endif
