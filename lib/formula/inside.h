/* SPDX-License-Identifier: MIT */
/* Private to this room: the graph itself, with FLINT's numbers in it. */
#ifndef FORMULA_INSIDE_H
#define FORMULA_INSIDE_H

#include <flint/fmpq.h>
/* Arb and Calcium are part of FLINT 3. */
#if __has_include(<flint/acb.h>)
#include <flint/acb.h>
#else
#include <acb.h>
#endif

#include "formula/formula.h"

enum {
	X_MAX_NODES = 16384,
	X_MAX_BITS = 1 << 15,        /* of an exact numerator or denominator: about 9,800 digits */
	X_MAX_PREC = 12288,          /* bits of a ball */
	X_MAX_BOUND = 8,             /* sums within sums */
	X_MAX_TERMS = 4096,          /* of a sum or product that is computed term by term */
	X_CONST_PREC = 4096,         /* highest precision if no bound says that more would decide */
};

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
	/* cancelled constants: an equality holds only if they have a value */
	xid *finite;
	size_t n_finite, cap_finite;
	/* variables bound to a value, innermost last */
	struct { const char *name; xid value; } bound[X_MAX_BOUND];
	size_t n_bound;
	uint64_t spent, budget;
};

xid x_rat(struct xs *s, const fmpq_t q);
xid x_fmpz(struct xs *s, const fmpz_t v);
xid x_add(struct xs *s, const xid *a, size_t n);
xid x_mul(struct xs *s, const xid *a, size_t n);
xid x_pow(struct xs *s, xid a, xid b);
xid x_func(struct xs *s, enum math_func f, const xid *a, size_t n);
xid x_apply(struct xs *s, const char *name, const xid *a, size_t n);
/* Makes or finds a node (hash-consed); for the builders. */
xid x_node(struct xs *s, enum x_kind kind, int op, uint32_t at, int64_t k, const xid *kids,
           size_t n);

/* Natural logarithm and exponential, as in x_func. */
xid x_ln(struct xs *s, xid a);
xid x_exp(struct xs *s, xid a);
/* True for a constant that is real and positive by its structure. */
int x_positive(struct xs *s, xid a);
/* Floor or ceiling of a constant if its ball determines it; else X_NONE. */
xid x_quick_step(struct xs *s, enum math_func f, xid a);
int x_too_big(const fmpq_t q);

/* series.c: \sum and \prod. */
xid x_series(struct xs *s, const struct math_node *t, int pm);

static inline const struct x *x_at(const struct xs *s, xid a) { return &s->x[a]; }
static inline xid x_kid(const struct xs *s, xid a, size_t i) { return s->kids[s->x[a].at + i]; }
static inline const fmpq *x_value(const struct xs *s, xid a) { return &s->rat[s->x[a].at]; }

/* a = r pi (zero included) */
int x_pi_multiple(const struct xs *s, xid a, fmpq_t r);
/* a = r pi i */
int x_pi_i_multiple(const struct xs *s, xid a, fmpq_t r);

/* ---- balls (ball.c) ---- */

struct x_env {
	/* values by index of the variable's name; NULL: no variables */
	acb_srcptr value;
	int real;                    /* anything without a real value is undefined */
};
/* An enclosure of a's value; not finite if a has none or none was found. 0 if the budget is used
 * up. */
int x_eval(struct xs *s, xid a, const struct x_env *env, slong prec, acb_t out);

/* ---- decisions ---- */

/* Whether a constant is zero. EQUAL and UNEQUAL are both proven. */
enum math_verdict x_zero(struct xs *s, xid a);
/* bound.c: if a is algebraic and not zero, |a| > 2^-bits: 1. 0: not known to be algebraic. */
int x_bound(struct xs *s, xid a, slong max_bits, slong *bits);
/* calcium.c */
enum math_verdict x_calcium_zero(struct xs *s, xid a);
/* points.c: compares two formulas with variables at points. */
struct math_result x_points(struct xs *s, xid a, xid b);

#endif
