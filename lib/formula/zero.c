/* SPDX-License-Identifier: MIT */
/*
 * Decides whether a constant is zero. Balls first: one that excludes zero proves it nonzero. An
 * algebraic number whose ball is smaller than its separation bound is zero (bound.c). Otherwise
 * polynomials in its transcendental parts with algebraic coefficients, then Calcium.
 */
#include "formula/inside.h"

/* 1: surely not zero. -1: no value was found. */
static int nonzero(struct xs *s, xid a, slong prec, acb_t v)
{
	if (!x_eval(s, a, NULL, prec, v) || !acb_is_finite(v))
		return -1;
	return !acb_contains_zero(v);
}

static int below(const acb_t v, slong bits)
{
	mag_t m, limit;
	int r;

	mag_init(m);
	mag_init(limit);
	acb_get_mag(m, v);
	mag_set_ui_2exp_si(limit, 1, -bits);
	r = mag_cmp(m, limit) < 0;
	mag_clear(m);
	mag_clear(limit);
	return r;
}

static enum math_verdict algebraic_zero(struct xs *s, xid a, slong bits, acb_t v)
{
	for (slong prec = bits + 64; prec <= 2 * X_MAX_PREC; prec *= 2) {
		int n = nonzero(s, a, prec, v);

		if (xs_broke(s))
			break;
		if (n > 0)
			return MATH_UNEQUAL;
		if (!n && below(v, bits))
			return MATH_EQUAL;
	}
	return MATH_UNKNOWN;
}

static enum math_verdict other_zero(struct xs *s, xid a, acb_t v)
{
	enum math_verdict r;
	int finite = 0;

	for (slong prec = 512; prec <= X_CONST_PREC; prec *= prec < 1000 ? 2 : 4) {
		int n = nonzero(s, a, prec, v);

		if (n > 0)
			return MATH_UNEQUAL;
		finite |= !n;
		/* between precisions, try methods that cost about as much */
		if (!finite || prec != 1024)
			continue;
		r = x_rational_zero(s, a);
		if (r == MATH_UNKNOWN)
			r = x_calcium_zero(s, a);
		if (r != MATH_UNKNOWN)
			return r;
	}
	return MATH_UNKNOWN;
}

enum math_verdict x_zero(struct xs *s, xid a)
{
	enum math_verdict r = MATH_UNKNOWN;
	acb_t v;
	slong bits;

	if (a < 0)
		return MATH_UNKNOWN;
	if (x_is(s, a, X_RAT))
		return fmpq_is_zero(x_value(s, a)) ? MATH_EQUAL : MATH_UNEQUAL;
	if (x_is(s, a, X_UNDEF) || x_at(s, a)->flags & (XF_VAR | XF_OPAQUE))
		return MATH_UNKNOWN;
	acb_init(v);
	if (nonzero(s, a, 64, v) > 0 || nonzero(s, a, 192, v) > 0)
		r = MATH_UNEQUAL;
	else if (!xs_broke(s))
		r = x_bound(s, a, X_MAX_PREC, &bits) ? algebraic_zero(s, a, bits, v) : other_zero(s, a, v);
	acb_clear(v);
	return r;
}

int x_sign(struct xs *s, xid a)
{
	acb_t v;
	int sign = 2;

	if (a < 0)
		return 2;
	if (x_is(s, a, X_RAT))
		return fmpq_sgn(x_value(s, a));
	if (x_is(s, a, X_UNDEF) || x_at(s, a)->flags & (XF_VAR | XF_OPAQUE))
		return 2;
	acb_init(v);
	for (slong prec = 64; prec <= 1024 && sign == 2; prec *= 4) {
		if (!x_eval(s, a, NULL, prec, v) || !acb_is_finite(v))
			continue;
		if (!arb_is_zero(acb_imagref(v)))
			break;
		if (!arb_contains_zero(acb_realref(v)))
			sign = arb_is_positive(acb_realref(v)) ? 1 : -1;
	}
	acb_clear(v);
	return sign == 2 && x_zero(s, a) == MATH_EQUAL ? 0 : sign;
}
