/* SPDX-License-Identifier: MIT */
/* Compares two formulas: cheap tests first, then the methods that can decide. */
#include "formula/inside.h"

static struct math_result result(enum math_verdict v, enum math_method m)
{
	return (struct math_result){.verdict = v, .method = v == MATH_UNKNOWN ? MATH_BY_NOTHING : m};
}

/* True if all cancelled constants have a value. */
static int all_finite(struct xs *s)
{
	acb_t v;
	int good = 1;

	if (!s->n_finite)
		return 1;
	acb_init(v);
	for (size_t i = 0; i < s->n_finite && good; i++) {
		xid a = s->finite[i];

		good = 0;
		for (slong prec = 64; prec <= 1024 && !good; prec *= 4)
			good = a >= 0 && !(x_at(s, a)->flags & (XF_VAR | XF_OPAQUE)) &&
			       x_eval(s, a, NULL, prec, v) && acb_is_finite(v);
	}
	acb_clear(v);
	return good;
}

int x_infinite(const struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);

	if (x->kind == X_INF)
		return 1;
	return x->kind == X_MUL && x->n == 2 && x_is(s, x_kid(s, a, 1), X_INF) &&
	               x_is(s, x_kid(s, a, 0), X_RAT)
	           ? fmpq_sgn(x_value(s, x_kid(s, a, 0)))
	           : 0;
}

static struct math_result against_infinity(struct xs *s, int a_sign, int b_sign, xid finite)
{
	acb_t v;
	int good;

	if (a_sign && b_sign)
		return result(a_sign == b_sign ? MATH_EQUAL : MATH_UNEQUAL, MATH_BY_EXACT);
	if (x_at(s, finite)->flags & XF_OPAQUE)
		return result(MATH_UNKNOWN, MATH_BY_NOTHING);
	if (x_at(s, finite)->flags & XF_VAR)
		return result(MATH_UNEQUAL, MATH_BY_ALGEBRAIC);
	acb_init(v);
	good = x_eval(s, finite, NULL, 64, v) && acb_is_finite(v);
	acb_clear(v);
	return result(good ? MATH_UNEQUAL : MATH_UNKNOWN, MATH_BY_CERTIFIED);
}

/* True if a has a value at some point: fractions may be equal with a denominator of zero. */
static int defined_somewhere(struct xs *s, xid a)
{
	struct math_result r;

	if (!(x_at(s, a)->flags & XF_VAR) || x_at(s, a)->flags & XF_OPAQUE)
		return 1;
	r = x_points(s, a, a);
	return r.verdict == MATH_EQUAL;
}

static struct math_result with_variables(struct xs *s, xid a, xid b, xid d)
{
	enum math_verdict v = x_rational_zero(s, d);

	if (v == MATH_EQUAL && defined_somewhere(s, a) && defined_somewhere(s, b))
		return result(MATH_EQUAL, MATH_BY_ALGEBRAIC);
	if (v == MATH_UNEQUAL)
		return result(MATH_UNEQUAL, MATH_BY_ALGEBRAIC);
	return xs_broke(s) ? result(MATH_UNKNOWN, MATH_BY_NOTHING) : x_points(s, a, b);
}

static struct math_result decide(struct xs *s, xid a, xid b)
{
	uint8_t flags = x_at(s, a)->flags | x_at(s, b)->flags;
	enum math_method exact = flags & XF_VAR ? MATH_BY_ALGEBRAIC : MATH_BY_EXACT;
	xid d;

	if (x_is(s, a, X_UNDEF) || x_is(s, b, X_UNDEF))
		return result(MATH_UNKNOWN, MATH_BY_NOTHING);
	if (a == b)
		return result(MATH_EQUAL, exact);
	if (x_is(s, a, X_RAT) && x_is(s, b, X_RAT))
		return result(MATH_UNEQUAL, MATH_BY_EXACT);
	if (x_infinite(s, a) || x_infinite(s, b))
		return against_infinity(s, x_infinite(s, a), x_infinite(s, b), x_infinite(s, a) ? b : a);
	d = x_sub(s, a, b);
	if (d < 0)
		return flags & XF_VAR ? x_points(s, a, b) : result(MATH_UNKNOWN, MATH_BY_NOTHING);
	if (x_is(s, d, X_RAT))
		return result(fmpq_is_zero(x_value(s, d)) ? MATH_EQUAL : MATH_UNEQUAL, exact);
	if (flags & XF_OPAQUE)
		return result(x_rational_zero(s, d) == MATH_EQUAL ? MATH_EQUAL : MATH_UNKNOWN,
		              MATH_BY_ALGEBRAIC);
	if (flags & XF_VAR)
		return with_variables(s, a, b, d);
	return result(x_zero(s, d), MATH_BY_CERTIFIED);
}

struct math_result x_equal(struct xs *s, xid a, xid b)
{
	struct math_result r;

	if (a < 0 || b < 0)
		return result(MATH_UNKNOWN, MATH_BY_NOTHING);
	r = decide(s, a, b);
	if (r.verdict != MATH_UNKNOWN && !all_finite(s))
		r = result(MATH_UNKNOWN, MATH_BY_NOTHING);
	/* it might be equal with another base */
	if (r.verdict == MATH_UNEQUAL && (x_at(s, a)->flags | x_at(s, b)->flags) & XF_LOGBASE)
		r = result(MATH_UNKNOWN, MATH_BY_NOTHING);
	return r;
}

struct math_result x_rounds(struct xs *s, xid a, xid got, int64_t decimals)
{
	xid half, d;
	int below, above;

	if (a < 0 || got < 0 || decimals > 4000)
		return result(MATH_UNKNOWN, MATH_BY_NOTHING);
	half = x_mul2(s, x_frac(s, 1, 2), x_powi(s, x_int(s, 10), -decimals));
	d = x_sub(s, a, got);
	below = x_sign(s, x_sub(s, half, d));
	above = x_sign(s, x_add2(s, half, d));
	if (below == 2 || above == 2)
		return result(MATH_UNKNOWN, MATH_BY_NOTHING);
	return result(below >= 0 && above >= 0 ? MATH_EQUAL : MATH_UNEQUAL, MATH_BY_CERTIFIED);
}
