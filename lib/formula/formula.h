/* SPDX-License-Identifier: MIT */
/*
 * formula: what formulas mean, and whether two are the same. The only room that includes FLINT.
 *
 * A formula is a graph in which equal nodes are one node. A comparison owns one struct xs: both
 * sides are built into it, so that most equal formulas end as the same node; whatever else is asked
 * of a node (balls, bounds, polynomials, Calcium) is asked here too.
 *
 * Building folds rational arithmetic exactly, flattens and sorts sums and products, collects like
 * terms and powers, and knows a few identities that hold wherever both sides are defined. It never
 * expands.
 *
 * Work is counted, never clocked: xs_spend takes units (about a nanosecond each on a machine of
 * 2020) from one budget; when it is used up, every question is answered "unknown". Sizes are
 * bounded before a library is called.
 */
#ifndef FORMULA_H
#define FORMULA_H

#include "base/base.h"
#include "latex/tree.h"

/* The answer to whether two things are the same; EQUAL and UNEQUAL are proven unless the method
 * says less. */
enum math_verdict { MATH_UNEQUAL, MATH_EQUAL, MATH_UNKNOWN };
enum math_method {               /* how that is known; of a structure's parts, the weakest */
	MATH_BY_NOTHING,             /* it is not known */
	MATH_BY_EXACT,               /* rational arithmetic, structure */
	MATH_BY_CERTIFIED,           /* constants: balls, separation bounds, Calcium */
	MATH_BY_ALGEBRAIC,           /* identities of formulas with variables */
	MATH_BY_PROBABILISTIC,       /* equal at points */
	MATH_BY_TEXT,                /* the same words, or the same text */
};
#define MATH_MAX_WORK 20000000   /* units that a comparison may use: about as many nanoseconds */
struct math_result {
	enum math_verdict verdict;
	enum math_method method;
	uint64_t work;               /* counted: the same for the same input, whatever the machine
	                              * does */
};

enum x_kind {
	X_UNDEF,                     /* 1/0 and what contains it */
	X_RAT,                       /* at: its rational */
	X_PI, X_I, X_INF,
	X_VAR,                       /* at: its name */
	X_ADD, X_MUL,                /* kids sorted; a rational first */
	X_POWI,                      /* kid ^ k, k neither 0 nor 1 */
	X_ROOT,                      /* kth root, k >= 2: the real one of a negative real for odd k,
	                              * else principal */
	X_POW,                       /* base, exponent: exp(exponent log base), principal */
	X_FUNC,                      /* op: enum math_func, or: */
	X_APPLY,                     /* at: the name of an unknown function */
};

/* What is somewhere in a node. */
enum {
	XF_VAR = 1,                  /* a variable */
	XF_I = 2,                    /* the imaginary unit, Re, Im, conj, arg: variables may be
	                              * complex */
	XF_OPAQUE = 4,               /* something without a value: unknown functions, infinity */
	XF_LOGBASE = 8,              /* \log without a base, which is 10 to some and e to others */
	XF_STEP = 16,                /* gcd, factorial, ...: variables may be whole numbers only */
	XF_JUMP = 32,                /* floor, ceil, sgn: no points show that two of them are equal */
};

typedef int32_t xid;
enum { X_NONE = -1 };            /* no formula, or too big */

/* ---- a comparison's formulas ---- */

struct xs;

struct xs *xs_new(void);
void xs_free(struct xs *s);
/* Takes units of work: 1, or 0 once the budget is used up. */
int xs_spend(struct xs *s, uint64_t units);
int xs_broke(const struct xs *s);
/* Units taken so far. */
uint64_t xs_spent(const struct xs *s);
/* A new question: whatever was cancelled before does not concern it. */
void xs_begin(struct xs *s);
/* Have constants been cancelled since then? An equality holds only if they have a value. */
int xs_cancelled(const struct xs *s);
/* From now on two names stand for one and the same unknown; xs_part ends that. 0: too many names
 * do. */
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
/* pm: which sign a \pm takes (+1 or -1). X_NONE where the tree is no formula. */
xid x_build(struct xs *s, const struct math_node *t, int pm);
/* The tree with a variable set to a value. */
xid x_build_at(struct xs *s, const struct math_node *t, int pm, const char *name, xid value);
/* A unit as written in a tree. 0: something in it is no unit that is known. */
struct measure {
	int16_t dim[128];            /* the powers of its base units, by their letters */
	xid factor;                  /* how many of them it is */
};
int x_measure(struct xs *s, const char *unit, struct measure *out);

/* ---- looking ---- */

int x_is(const struct xs *s, xid a, enum x_kind k);
/* XF_ of all that is in it. */
unsigned x_flags(const struct xs *s, xid a);
/* Is it a rational number; a whole one; zero? */
int x_is_rational(const struct xs *s, xid a);
int x_is_whole(const struct xs *s, xid a);
int x_is_zero(const struct xs *s, xid a);
/* A whole number of at most so many bits (62): 1. */
int x_small(const struct xs *s, xid a, unsigned bits, int64_t *out);
/* Infinity: 1, its negative: -1; else 0. */
int x_infinite(const struct xs *s, xid a);
/* The sign of a constant that is real and plainly not zero: 1, -1; else 0. */
int x_quick_sign(struct xs *s, xid a);
/* Total degree in the variables of the numerator, -1 if it is not a polynomial. */
int x_degree(struct xs *s, xid a);

/* ---- deciding ---- */

/* The sign of a real constant: -1, 0, 1; or 2 if it is not known. */
int x_sign(struct xs *s, xid a);
/* a as a fraction of polynomials in whatever is no rational arithmetic. EQUAL: identically zero. */
enum math_verdict x_rational_zero(struct xs *s, xid a);
/* EQUAL: a and b, as functions, differ by a constant factor; its sign (0: not known) in *sign. */
enum math_verdict x_proportional(struct xs *s, xid a, xid b, int *sign);
/* The whole question for two formulas. */
struct math_result x_equal(struct xs *s, xid a, xid b);
/* Lenient: is the decimal got = v / 10^decimals a rounding of the constant a to so many digits? */
struct math_result x_rounds(struct xs *s, xid a, xid got, int64_t decimals);

#endif
