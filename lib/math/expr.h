/* SPDX-License-Identifier: MIT */
/*
 * expr: what an answer's formula means, as a graph in which equal nodes are one node. The inside of equality
 * (equal.c); nobody else includes this. A comparison owns one struct xs: both sides are built into it, so that
 * most equal formulas end as the same node; whatever else is asked of a node (balls, bounds, polynomials,
 * Calcium) is asked here too.
 *
 * Building folds rational arithmetic exactly, flattens and sorts sums and products, collects like terms and
 * powers, and knows a few identities that hold wherever both sides are defined. It never expands.
 *
 * Work is counted, never clocked: xs_spend takes units (about a nanosecond each on a machine of 2020) from one
 * budget; when it is used up, every question is answered "unknown". Sizes are bounded before a library is called.
 */
#ifndef MATH_EXPR_H
#define MATH_EXPR_H

#include <acb.h>
#include <flint/fmpq.h>

#include "base/base.h"
#include "math/math.h"
#include "math/tree.h"

enum {
	X_MAX_NODES = 16384,
	X_MAX_BITS = 1 << 15,        /* of an exact numerator or denominator: about 9,800 digits */
	X_MAX_PREC = 12288,          /* bits of a ball */
	X_MAX_BOUND = 8,             /* sums within sums */
	X_MAX_TERMS = 4096,          /* of a sum or product that is worked out */
	X_CONST_PREC = 4096,         /* the last precision where no bound says that more would decide */
};

enum x_kind {
	X_UNDEF,                     /* 1/0 and what contains it */
	X_RAT,                       /* at: its rational */
	X_PI, X_I, X_INF,
	X_VAR,                       /* at: its name */
	X_ADD, X_MUL,                /* kids sorted; a rational first */
	X_POWI,                      /* kid ^ k, k neither 0 nor 1 */
	X_ROOT,                      /* kth root, k >= 2: the real one of a negative real for odd k, else principal */
	X_POW,                       /* base, exponent: exp(exponent log base), principal */
	X_FUNC,                      /* op: enum math_func, or: */
	X_APPLY,                     /* at: the name of an unknown function */
};

/* What is somewhere in a node. */
enum {
	XF_VAR = 1,                  /* a variable */
	XF_I = 2,                    /* the imaginary unit, Re, Im, conj, arg: variables may be complex */
	XF_OPAQUE = 4,               /* something without a value: unknown functions, infinity */
	XF_LOGBASE = 8,              /* \log without a base, which is 10 to some and e to others */
	XF_STEP = 16,                /* gcd, factorial, ...: variables may be whole numbers only */
	XF_JUMP = 32,                /* floor, ceil, sgn: no points show that two of them are equal */
};

typedef int32_t xid;
enum { X_NONE = -1 };            /* no formula, or too big */

struct x {
	uint8_t kind, op, flags;
	uint32_t n, at, hash;
	int64_t k;
};

struct xs {
	struct x *x;
	size_t n, cap;
	xid *kids;
	size_t n_kids, cap_kids;
	fmpq *rat;
	size_t n_rat, cap_rat;
	char **name;
	size_t n_name, cap_name;
	xid *table;
	size_t cap_table;
	xid *finite;                 /* constants that were cancelled: an equality holds only if they have a value */
	size_t n_finite, cap_finite;
	struct { const char *name; xid value; } bound[X_MAX_BOUND];    /* variables that stand for a value, innermost last */
	size_t n_bound;
	uint64_t spent, budget;
};

void xs_init(struct xs *s);
void xs_release(struct xs *s);
/* Takes units of work: 1, or 0 once the budget is used up. */
int xs_spend(struct xs *s, uint64_t units);
int xs_broke(const struct xs *s);

/* Every builder takes X_NONE for X_NONE. */
xid x_rat(struct xs *s, const fmpq_t q);
xid x_int(struct xs *s, int64_t v);
xid x_fmpz(struct xs *s, const fmpz_t v);
xid x_frac(struct xs *s, int64_t p, int64_t q);
xid x_leaf(struct xs *s, enum x_kind kind);
xid x_var(struct xs *s, const char *name);
xid x_add(struct xs *s, const xid *a, size_t n);
xid x_mul(struct xs *s, const xid *a, size_t n);
xid x_add2(struct xs *s, xid a, xid b);
xid x_sub(struct xs *s, xid a, xid b);
xid x_mul2(struct xs *s, xid a, xid b);
xid x_neg(struct xs *s, xid a);
xid x_div(struct xs *s, xid a, xid b);
xid x_powi(struct xs *s, xid a, int64_t k);
xid x_root(struct xs *s, xid a, int64_t k);
xid x_pow(struct xs *s, xid a, xid b);
xid x_func(struct xs *s, enum math_func f, const xid *a, size_t n);
xid x_apply(struct xs *s, const char *name, const xid *a, size_t n);
/* The node itself, hash-consed; for the builders. */
xid x_node(struct xs *s, enum x_kind kind, int op, uint32_t at, int64_t k, const xid *kids, size_t n);

/* Natural logarithm and exponential, as x_func has them. */
xid x_ln(struct xs *s, xid a);
xid x_exp(struct xs *s, xid a);
/* A constant that is surely real and positive, seen from its shape. */
int x_positive(struct xs *s, xid a);
/* The sign of a constant that is real and plainly not zero: 1, -1; else 0. */
int x_quick_sign(struct xs *s, xid a);
/* The integer that is floor or ceiling of a constant, if its ball tells; else X_NONE. */
xid x_quick_step(struct xs *s, enum math_func f, xid a);
int x_too_big(const fmpq_t q);

/* The tree with a variable set to a value. */
xid x_build_at(struct xs *s, const struct math_node *t, int pm, const char *name, xid value);
/* series.c: \sum and \prod. */
xid x_series(struct xs *s, const struct math_node *t, int pm);
/* pm: which sign a \pm takes (+1 or -1). X_NONE where the tree is no formula. */
xid x_build(struct xs *s, const struct math_node *t, int pm);

static inline const struct x *x_at(const struct xs *s, xid a) { return &s->x[a]; }
static inline xid x_kid(const struct xs *s, xid a, size_t i) { return s->kids[s->x[a].at + i]; }
static inline int x_is(const struct xs *s, xid a, enum x_kind k) { return s->x[a].kind == k; }
static inline const fmpq *x_value(const struct xs *s, xid a) { return &s->rat[s->x[a].at]; }

/* a = r pi (zero included) */
int x_pi_multiple(const struct xs *s, xid a, fmpq_t r);
/* a = r pi i */
int x_pi_i_multiple(const struct xs *s, xid a, fmpq_t r);

/* Infinity: 1, its negative: -1; else 0. */
int x_infinite(const struct xs *s, xid a);

/* measure.c: a unit as written in a tree. 0: something in it is no unit that is known. */
struct measure {
	int16_t dim[128];            /* the powers of its base units, by their letters */
	xid factor;                  /* how many of them it is */
};
int x_measure(struct xs *s, const char *unit, struct measure *out);

/* ---- balls (ball.c) ---- */

struct x_env {
	acb_srcptr value;            /* by the number of a variable's name; NULL: there are no variables */
	int real;                    /* what has no real value is undefined */
};
/* An enclosure of a's value; not finite where it has none, or none was found. 0 when the budget is used up. */
int x_eval(struct xs *s, xid a, const struct x_env *env, slong prec, acb_t out);

/* ---- deciding ---- */

/* Is the constant zero? EQUAL is proven, and so is UNEQUAL. */
enum math_verdict x_zero(struct xs *s, xid a);
/* The sign of a real constant: -1, 0, 1; or 2 if it is not known. */
int x_sign(struct xs *s, xid a);
/* bound.c: if a is algebraic and not zero, |a| > 2^-bits: 1. 0: it is not known to be algebraic. */
int x_bound(struct xs *s, xid a, slong max_bits, slong *bits);
/* algebra.c: a as a fraction of polynomials in whatever is no rational arithmetic. EQUAL: identically zero. */
enum math_verdict x_rational_zero(struct xs *s, xid a);
/* EQUAL: a and b, as functions, differ by a constant factor; its sign (0: not known) in *sign. */
enum math_verdict x_proportional(struct xs *s, xid a, xid b, int *sign);
/* Total degree in the variables of the numerator, -1 if it is not a polynomial. */
int x_degree(struct xs *s, xid a);
/* calcium.c */
enum math_verdict x_calcium_zero(struct xs *s, xid a);
/* points.c: two formulas with variables, at points. */
struct math_result x_points(struct xs *s, xid a, xid b);
/* value.c: the whole question for two formulas. */
struct math_result x_equal(struct xs *s, xid a, xid b);
/* Lenient: is the decimal got = v / 10^decimals a rounding of the constant a to so many digits? */
struct math_result x_rounds(struct xs *s, xid a, xid got, int64_t decimals);

#endif
