/* SPDX-License-Identifier: MIT */
/* Adds functions to the graph: exact values are computed, the rest become nodes. */
#include "formula/inside.h"

/* ---- whole numbers ---- */

/* 1 for an integer that fits in *v. */
static int whole(const struct xs *s, xid a, int64_t *v)
{
	if (!x_is(s, a, X_RAT) || !fmpz_is_one(fmpq_denref(x_value(s, a))) ||
	    !fmpz_fits_si(fmpq_numref(x_value(s, a))))
		return 0;
	*v = fmpz_get_si(fmpq_numref(x_value(s, a)));
	return 1;
}

static xid factorial(struct xs *s, xid a, int step)
{
	int64_t v;
	fmpz_t f;
	xid out;

	if (!whole(s, a, &v))
		return x_node(s, X_FUNC, step == 1 ? MF_FACT : MF_FACT2, 0, 0, &a, 1);
	if (v < 0)
		return x_leaf(s, X_UNDEF);
	/* log2 n! < n log2 n: 2,800! has about 28,000 bits */
	if (v > 2800 * step)
		return x_node(s, X_FUNC, step == 1 ? MF_FACT : MF_FACT2, 0, 0, &a, 1);
	if (!xs_spend(s, 100 + (uint64_t)v * 50))
		return X_NONE;
	fmpz_init(f);
	if (step == 1)
		fmpz_fac_ui(f, (ulong)v);
	else
		for (fmpz_one(f); v > 1; v -= 2)
			fmpz_mul_ui(f, f, (ulong)v);
	out = x_fmpz(s, f);
	fmpz_clear(f);
	return out;
}

static xid binomial(struct xs *s, xid n, xid k)
{
	int64_t m, j;
	xid out, over;

	if (!whole(s, k, &j))
		return x_node(s, X_FUNC, MF_BINOM, 0, 0, (xid[]){n, k}, 2);
	if (j < 0)
		return x_int(s, 0);
	if (whole(s, n, &m) && m >= 0 && m <= X_MAX_BITS) {
		fmpz_t f;

		/* C(n,k) < 2^n */
		if (!xs_spend(s, 100 + (uint64_t)m * 20))
			return X_NONE;
		fmpz_init(f);
		fmpz_bin_uiui(f, (ulong)m, (ulong)j);
		out = x_fmpz(s, f);
		fmpz_clear(f);
		return out;
	}
	if (j > 20)
		return x_node(s, X_FUNC, MF_BINOM, 0, 0, (xid[]){n, k}, 2);
	out = x_int(s, 1);
	for (int64_t i = 0; i < j; i++) {
		over = x_add2(s, n, x_int(s, -i));
		out = x_mul(s, (xid[]){out, over, x_frac(s, 1, i + 1)}, 3);
	}
	return out;
}

/* gcd, lcm, min or max of rationals (gcd and lcm: of integers), computed; X_NONE for other
 * arguments. */
static xid fold(struct xs *s, enum math_func f, const xid *a, size_t n)
{
	fmpq_t acc;
	xid out = X_NONE;

	fmpq_init(acc);
	for (size_t i = 0; i < n; i++) {
		const fmpq *q;

		if (!x_is(s, a[i], X_RAT) || !xs_spend(s, 100 + fmpz_bits(fmpq_numref(x_value(s, a[i])))))
			goto done;
		q = x_value(s, a[i]);
		if ((f == MF_GCD || f == MF_LCM) && !fmpz_is_one(fmpq_denref(q)))
			goto done;
		if (!i)
			fmpq_set(acc, q);
		else if (f == MF_GCD)
			fmpz_gcd(fmpq_numref(acc), fmpq_numref(acc), fmpq_numref(q));
		else if (f == MF_LCM)
			fmpz_lcm(fmpq_numref(acc), fmpq_numref(acc), fmpq_numref(q));
		else if ((fmpq_cmp(q, acc) < 0) == (f == MF_MIN))
			fmpq_set(acc, q);
		if (fmpz_bits(fmpq_numref(acc)) > X_MAX_BITS)
			goto done;
	}
	out = x_rat(s, acc);
done:
	fmpq_clear(acc);
	return out;
}

/* a \bmod m for integers; otherwise an opaque node. */
static xid remainder_of(struct xs *s, xid a, xid m)
{
	fmpz_t r;
	xid out;

	if (!x_is(s, a, X_RAT) || !x_is(s, m, X_RAT) || !fmpz_is_one(fmpq_denref(x_value(s, a))) ||
	    !fmpz_is_one(fmpq_denref(x_value(s, m))) || fmpq_sgn(x_value(s, m)) <= 0)
		return x_apply(s, " mod", (xid[]){a, m}, 2);
	if (!xs_spend(s, 100 + fmpz_bits(fmpq_numref(x_value(s, a)))))
		return X_NONE;
	fmpz_init(r);
	fmpz_fdiv_r(r, fmpq_numref(x_value(s, a)), fmpq_numref(x_value(s, m)));
	out = x_fmpz(s, r);
	fmpz_clear(r);
	return out;
}

/* Functions of a rational with a rational value. */
static xid of_rational(struct xs *s, enum math_func f, xid a)
{
	const fmpq *q = x_value(s, a);
	fmpz_t v;
	xid out;

	switch (f) {
	case MF_ABS:
		return fmpq_sgn(q) < 0 ? x_neg(s, a) : a;
	case MF_RE: case MF_CONJ:
		return a;
	case MF_IM:
		return x_int(s, 0);
	case MF_SGN:
		return x_int(s, fmpq_sgn(q));
	case MF_FLOOR: case MF_CEIL:
		fmpz_init(v);
		if (f == MF_FLOOR)
			fmpz_fdiv_q(v, fmpq_numref(q), fmpq_denref(q));
		else
			fmpz_cdiv_q(v, fmpq_numref(q), fmpq_denref(q));
		out = x_fmpz(s, v);
		fmpz_clear(v);
		return out;
	case MF_SIN: case MF_TAN: case MF_ASIN: case MF_ATAN: case MF_SINH: case MF_TANH: case MF_ASINH:
	case MF_ATANH:
		return fmpq_is_zero(q) ? a : X_NONE;
	case MF_COS: case MF_SEC: case MF_COSH: case MF_SECH:
		return fmpq_is_zero(q) ? x_int(s, 1) : X_NONE;
	case MF_CSC: case MF_COT: case MF_CSCH: case MF_COTH:
		return fmpq_is_zero(q) ? x_leaf(s, X_UNDEF) : X_NONE;
	default:
		return X_NONE;
	}
}

/* sin(r pi) if it is 0, 1/2, sqrt(2)/2, sqrt(3)/2 or 1 up to sign; else X_NONE. */
static xid known_sine(struct xs *s, const fmpq_t r)
{
	static const struct {
		int t, under, radicand;
	} table[] = {{0, 1, 0}, {2, 2, 1}, {3, 2, 2}, {4, 2, 3}, {6, 1, 1}};
	fmpz_t t;
	xid out = X_NONE;
	long at;
	int sign = 1;

	if (!fmpz_fits_si(fmpq_denref(r)) || 12 % fmpz_get_si(fmpq_denref(r)))
		return X_NONE;
	/* in twelfths of pi, within one turn */
	fmpz_init(t);
	fmpz_mul_si(t, fmpq_numref(r), 12 / fmpz_get_si(fmpq_denref(r)));
	at = (long)fmpz_fdiv_ui(t, 24);
	fmpz_clear(t);
	if (at >= 12) {
		sign = -1;
		at -= 12;
	}
	if (at > 6)
		at = 12 - at;
	for (size_t i = 0; i < LEN(table); i++)
		if (table[i].t == at)
			out = x_mul2(s, x_frac(s, sign, table[i].under),
			             x_root(s, x_int(s, table[i].radicand), 2));
	return out;
}

/* Sine and cosine of multiples of pi. */
static xid known_angle(struct xs *s, enum math_func f, xid a)
{
	fmpq_t r;
	xid out = X_NONE;

	if (f != MF_SIN && f != MF_COS)
		return X_NONE;
	fmpq_init(r);
	if (x_pi_multiple(s, a, r)) {
		fmpq_t half;

		fmpq_init(half);
		fmpq_set_si(half, 1, 2);
		if (f == MF_COS)
			fmpq_add(r, r, half);
		out = known_sine(s, r);
		fmpq_clear(half);
	}
	fmpq_clear(r);
	return out;
}

static int negative(const struct xs *s, xid a)
{
	if (x_is(s, a, X_MUL))
		a = x_kid(s, a, 0);
	return x_is(s, a, X_RAT) && fmpq_sgn(x_value(s, a)) < 0;
}

static xid plain(struct xs *s, enum math_func f, xid a)
{
	xid r = x_is(s, a, X_RAT) ? of_rational(s, f, a) : known_angle(s, f, a);
	int sign;

	if (r < 0 && (f == MF_FLOOR || f == MF_CEIL))
		r = x_quick_step(s, f, a);
	if (r >= 0)
		return r;
	if (f == MF_ABS && (sign = x_quick_sign(s, a)))
		return sign > 0 ? a : x_neg(s, a);
	if (negative(s, a))
		switch (f) {
		case MF_COS: case MF_COSH: case MF_ABS:
			a = x_neg(s, a);
			break;
		case MF_SIN: case MF_ASIN: case MF_ATAN: case MF_SINH: case MF_ASINH: case MF_ATANH:
			return x_neg(s, x_func(s, f, (xid[]){x_neg(s, a)}, 1));
		default:
			break;
		}
	return x_node(s, X_FUNC, f, 0, 0, &a, 1);
}

xid x_func(struct xs *s, enum math_func f, const xid *a, size_t n)
{
	xid r, base;

	for (size_t i = 0; i < n; i++) {
		if (a[i] < 0)
			return X_NONE;
		if (x_is(s, a[i], X_UNDEF))
			return a[i];
	}
	if (!n || !xs_spend(s, 50))
		return X_NONE;
	switch (f) {
	case MF_LN:
		return n == 1 ? x_ln(s, a[0]) : X_NONE;
	case MF_LOG:
		if (n == 2)
			return x_div(s, x_ln(s, a[0]), x_ln(s, a[1]));
		/* \log x = ln x / ln b with an unwritten base b: an unknown factor */
		base = x_var(s, " log base");
		if (base < 0)
			return X_NONE;
		s->x[base].flags |= XF_LOGBASE;
		return x_mul2(s, x_ln(s, a[0]), x_powi(s, base, -1));
	case MF_EXP:
		return n == 1 ? x_exp(s, a[0]) : X_NONE;
	case MF_REM:
		return n == 2 ? remainder_of(s, a[0], a[1]) : X_NONE;
	case MF_TRANSPOSE:
		return X_NONE;
	case MF_FACT: case MF_FACT2:
		return n == 1 ? factorial(s, a[0], f == MF_FACT ? 1 : 2) : X_NONE;
	case MF_BINOM:
		return n == 2 ? binomial(s, a[0], a[1]) : X_NONE;
	case MF_GCD: case MF_LCM: case MF_MIN: case MF_MAX:
		r = fold(s, f, a, n);
		return r >= 0 ? r : x_node(s, X_FUNC, f, 0, 0, a, n);
	/* 1/f, so that a product of both cancels */
	case MF_SEC: return x_powi(s, x_func(s, MF_COS, a, 1), -1);
	case MF_CSC: return x_powi(s, x_func(s, MF_SIN, a, 1), -1);
	case MF_COT: return x_div(s, x_func(s, MF_COS, a, 1), x_func(s, MF_SIN, a, 1));
	case MF_TAN: return x_div(s, x_func(s, MF_SIN, a, 1), x_func(s, MF_COS, a, 1));
	case MF_SECH: return x_powi(s, x_func(s, MF_COSH, a, 1), -1);
	case MF_CSCH: return x_powi(s, x_func(s, MF_SINH, a, 1), -1);
	case MF_COTH: return x_div(s, x_func(s, MF_COSH, a, 1), x_func(s, MF_SINH, a, 1));
	case MF_TANH: return x_div(s, x_func(s, MF_SINH, a, 1), x_func(s, MF_COSH, a, 1));
	case MF_ASEC: return x_func(s, MF_ACOS, (xid[]){x_powi(s, a[0], -1)}, 1);
	case MF_ACSC: return x_func(s, MF_ASIN, (xid[]){x_powi(s, a[0], -1)}, 1);
	/* its values are in (0, pi) */
	case MF_ACOT:
		return x_sub(s, x_mul2(s, x_frac(s, 1, 2), x_leaf(s, X_PI)), x_func(s, MF_ATAN, a, 1));
	default:
		return n == 1 && f < MF_N ? plain(s, f, a[0]) : X_NONE;
	}
}
