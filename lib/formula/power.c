/* SPDX-License-Identifier: MIT */
/* Adds powers, roots, exponentials and logarithms to the graph. */
#include "formula/inside.h"

#include <stdlib.h>

/* ---- powers ---- */

static xid rational_power(struct xs *s, xid a, int64_t k)
{
	const fmpq *q = x_value(s, a);
	uint64_t times = k < 0 ? (uint64_t)-(k + 1) + 1 : (uint64_t)k;
	uint64_t bits = fmpz_bits(fmpq_numref(q)) > fmpz_bits(fmpq_denref(q))
	                    ? fmpz_bits(fmpq_numref(q))
	                    : fmpz_bits(fmpq_denref(q));
	fmpq_t r;
	xid out;

	if (fmpq_is_zero(q))
		return k < 0 ? x_leaf(s, X_UNDEF) : a;
	if (fmpq_is_one(q))
		return a;
	if (fmpz_equal_si(fmpq_numref(q), -1) && fmpz_is_one(fmpq_denref(q)))
		return k % 2 ? a : x_int(s, 1);
	/* bits <= X_MAX_BITS, so the product cannot overflow if times is in range */
	if (times > X_MAX_BITS || times * bits > X_MAX_BITS + 64)
		return x_node(s, X_POWI, 0, 0, k, &a, 1);
	if (!xs_spend(s, 50 + times * bits))
		return X_NONE;
	fmpq_init(r);
	fmpq_pow_si(r, q, (slong)k);
	out = x_rat(s, r);
	if (out < 0)
		out = x_node(s, X_POWI, 0, 0, k, &a, 1);
	fmpq_clear(r);
	return out;
}

static xid product_power(struct xs *s, xid a, int64_t k)
{
	size_t n = x_at(s, a)->n;
	xid *ids = xmalloc(n * sizeof *ids), out;

	for (size_t i = 0; i < n; i++)
		ids[i] = x_powi(s, x_kid(s, a, i), k);
	out = x_mul(s, ids, n);
	free(ids);
	return out;
}

xid x_powi(struct xs *s, xid a, int64_t k)
{
	const struct x *x;
	int64_t m;

	if (a < 0 || !xs_spend(s, 50) || k > INT32_MAX || k < -INT32_MAX)
		return X_NONE;
	x = x_at(s, a);
	if (x->kind == X_UNDEF || k == 1)
		return a;
	if (x->kind == X_RAT && fmpq_is_zero(x_value(s, a)) && !k)
		return x_leaf(s, X_UNDEF);
	if (!k) {
		/* 0^0 is undefined: a must have a nonzero value, as for 1/a */
		if (!(x->flags & (XF_VAR | XF_OPAQUE)) && x->kind != X_RAT)
			VEC_PUSH(s->finite, s->n_finite, s->cap_finite) = x_node(s, X_POWI, 0, 0, -1, &a, 1);
		return x_int(s, 1);
	}
	switch (x->kind) {
	case X_RAT:
		return rational_power(s, a, k);
	case X_I:
		m = ((k % 4) + 4) % 4;
		return m == 0 ? x_int(s, 1) : m == 1 ? a : m == 2 ? x_int(s, -1) : x_neg(s, a);
	case X_MUL:
		return product_power(s, a, k);
	case X_POWI:
		if (__builtin_mul_overflow(x->k, k, &m))
			return X_NONE;
		return x_powi(s, x_kid(s, a, 0), m);
	case X_ROOT: {
		int64_t index = x->k, over = k / index, rest = k % index;
		xid base = x_kid(s, a, 0), whole;

		if (rest < 0) {
			rest += index;
			over--;
		}
		if (!over)
			break;
		whole = x_powi(s, base, over);
		return rest ? x_mul2(s, whole, x_powi(s, a, rest)) : whole;
	}
	case X_FUNC:
		if (x->op == MF_EXP)
			return x_func(s, MF_EXP, (xid[]){x_mul2(s, x_kid(s, a, 0), x_int(s, k))}, 1);
		break;
	}
	return x_node(s, X_POWI, 0, 0, k, &a, 1);
}

/* ---- properties of a constant from its ball ---- */

static int constant(const struct xs *s, xid a)
{
	return a >= 0 && !(x_at(s, a)->flags & (XF_VAR | XF_OPAQUE)) && !x_is(s, a, X_UNDEF);
}

int x_quick_sign(struct xs *s, xid a)
{
	acb_t v;
	int sign = 0;

	if (!constant(s, a))
		return 0;
	acb_init(v);
	if (x_eval(s, a, NULL, 64, v) && acb_is_finite(v) && arb_is_zero(acb_imagref(v)))
		sign = arb_is_positive(acb_realref(v)) - arb_is_negative(acb_realref(v));
	acb_clear(v);
	return sign;
}

xid x_quick_step(struct xs *s, enum math_func f, xid a)
{
	acb_t v;
	fmpz_t k;
	fmpq_t q;
	xid out = X_NONE;

	if (!constant(s, a))
		return X_NONE;
	acb_init(v);
	fmpz_init(k);
	fmpq_init(q);
	if (x_eval(s, a, NULL, 256, v) && acb_is_finite(v) && arb_is_zero(acb_imagref(v)) &&
	    arb_rel_accuracy_bits(acb_realref(v)) > 32) {
		(f == MF_FLOOR ? arb_floor : arb_ceil)(acb_realref(v), acb_realref(v), 256);
		if (arb_get_unique_fmpz(k, acb_realref(v)) && fmpz_bits(k) < 256) {
			fmpz_set(fmpq_numref(q), k);
			out = x_rat(s, q);
		}
	}
	fmpq_clear(q);
	fmpz_clear(k);
	acb_clear(v);
	return out;
}

/* ---- roots ---- */

static int surely_real(struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);

	/* shared nodes are visited once per parent */
	if (!xs_spend(s, 20))
		return 0;
	switch (x->kind) {
	case X_RAT: case X_PI:
		return 1;
	case X_ADD: case X_MUL: case X_POWI:
		for (size_t i = 0; i < x->n; i++)
			if (!surely_real(s, x_kid(s, a, i)))
				return 0;
		return 1;
	case X_ROOT:
		return x_positive(s, x_kid(s, a, 0)) || (x->k % 2 && surely_real(s, x_kid(s, a, 0)));
	case X_FUNC:
		if (x->op == MF_LN)
			return x_positive(s, x_kid(s, a, 0));
		return (x->op == MF_EXP || x->op == MF_SIN || x->op == MF_COS || x->op == MF_ATAN) &&
		       surely_real(s, x_kid(s, a, 0));
	}
	return 0;
}

int x_positive(struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);

	if (!xs_spend(s, 20))
		return 0;
	switch (x->kind) {
	case X_RAT:
		return fmpq_sgn(x_value(s, a)) > 0;
	case X_PI:
		return 1;
	case X_ROOT: case X_POWI:
		return x_positive(s, x_kid(s, a, 0));
	case X_MUL: case X_ADD:
		for (size_t i = 0; i < x->n; i++)
			if (!x_positive(s, x_kid(s, a, i)))
				return 0;
		return 1;
	case X_FUNC:
		return x->op == MF_EXP && surely_real(s, x_kid(s, a, 0));
	}
	return 0;
}

/* The exact kth root of a positive rational: 1 if it has one. */
static int exact_root(fmpq_t r, const fmpq_t q, slong k)
{
	return fmpz_root(fmpq_numref(r), fmpq_numref(q), k) &&
	       fmpz_root(fmpq_denref(r), fmpq_denref(q), k);
}

/* sqrt(12) as 2 sqrt(3): extracts powers of small primes. Only for numbers that fit in a word. */
static xid small_root(struct xs *s, const fmpq_t q, int64_t k)
{
	ulong v = fmpz_get_ui(fmpq_numref(q)), d = fmpz_get_ui(fmpq_denref(q)), out = 1, under = d,
	      power;
	fmpq_t rest;
	xid r, node;

	/* (v/d)^(1/k) = (v d^(k-1))^(1/k) / d */
	for (int64_t i = 1; i < k; i++)
		if (d != 1 && __builtin_mul_overflow(v, d, &v))
			return X_NONE;
	for (ulong p = 2; p < 1000 && p <= v; p++) {
		int fits = 1;

		for (power = 1, r = 0; r < k && fits; r++)
			fits = !__builtin_mul_overflow(power, p, &power);
		while (fits && v % power == 0) {
			v /= power;
			out *= p;
		}
	}
	if (v > COEFF_MAX || !xs_spend(s, 3000))
		return X_NONE;
	fmpq_init(rest);
	fmpq_set_ui(rest, v, 1);
	r = x_rat(s, rest);
	node = v == 1 ? r : x_node(s, X_ROOT, 0, 0, k, &r, 1);
	fmpz_set_ui(fmpq_numref(rest), out);
	fmpz_set_ui(fmpq_denref(rest), under);
	fmpq_canonicalise(rest);
	r = x_rat(s, rest);
	fmpq_clear(rest);
	return x_mul2(s, r, node);
}

static xid rational_root(struct xs *s, xid a, int64_t k)
{
	const fmpq *q = x_value(s, a);
	fmpq_t r;
	xid out = X_NONE;

	if (fmpq_sgn(q) < 0) {
		if (k % 2)
			return x_neg(s, x_root(s, x_neg(s, a), k));
		return k == 2 ? x_mul2(s, x_leaf(s, X_I), x_root(s, x_neg(s, a), 2))
		              : x_node(s, X_ROOT, 0, 0, k, &a, 1);
	}
	if (fmpq_is_zero(q) || fmpq_is_one(q))
		return a;
	if (!xs_spend(s, 200 + 4 * (fmpz_bits(fmpq_numref(q)) + fmpz_bits(fmpq_denref(q)))))
		return X_NONE;
	fmpq_init(r);
	if (k < X_MAX_BITS && exact_root(r, q, (slong)k))
		out = x_rat(s, r);
	else if (k < 16 && fmpz_abs_fits_ui(fmpq_numref(q)) && fmpz_abs_fits_ui(fmpq_denref(q)))
		out = small_root(s, q, k);
	fmpq_clear(r);
	return out >= 0 ? out : x_node(s, X_ROOT, 0, 0, k, &a, 1);
}

xid x_root(struct xs *s, xid a, int64_t k)
{
	if (a < 0 || !k || k > INT32_MAX || k < -INT32_MAX)
		return X_NONE;
	if (k < 0)
		return x_powi(s, x_root(s, a, -k), -1);
	if (k == 1 || x_is(s, a, X_UNDEF))
		return a;
	if (x_is(s, a, X_RAT))
		return rational_root(s, a, k);
	/* sqrt(a^2m) = |a|^m */
	if (k == 2 && x_is(s, a, X_POWI) && x_at(s, a)->k % 2 == 0) {
		int sign = x_quick_sign(s, x_kid(s, a, 0));

		if (sign)
			return x_powi(s, sign > 0 ? x_kid(s, a, 0) : x_neg(s, x_kid(s, a, 0)),
			              x_at(s, a)->k / 2);
	}
	if (x_is(s, a, X_ROOT) && x_positive(s, a) && k * x_at(s, a)->k <= INT32_MAX)
		return x_root(s, x_kid(s, a, 0), k * x_at(s, a)->k);
	return x_node(s, X_ROOT, 0, 0, k, &a, 1);
}

/* ---- exponentials and logarithms ---- */

/* The logarithm of a positive rational, as logarithms of its small primes and of the rest. */
static xid rational_log(struct xs *s, xid a)
{
	fmpz_t v;
	xid ids[64];
	size_t n = 0;

	if (fmpq_is_one(x_value(s, a)))
		return x_int(s, 0);
	if (!fmpz_is_one(fmpq_denref(x_value(s, a)))) {
		fmpq_t part;
		xid over, under;

		fmpq_init(part);
		fmpz_set(fmpq_numref(part), fmpq_numref(x_value(s, a)));
		over = x_rat(s, part);
		fmpz_set(fmpq_numref(part), fmpq_denref(x_value(s, a)));
		under = x_rat(s, part);
		fmpq_clear(part);
		return x_sub(s, x_func(s, MF_LN, &over, 1), x_func(s, MF_LN, &under, 1));
	}
	fmpz_init(v);
	fmpz_set(v, fmpq_numref(x_value(s, a)));
	if (fmpz_bits(v) <= 4096 && xs_spend(s, 20000 + fmpz_bits(v) * 20))
		for (ulong p = 2; p < 200 && n < LEN(ids) - 1; p++) {
			fmpz_t f;
			slong times;
			xid prime = X_NONE;

			if (!fmpz_divisible_si(v, (slong)p))
				continue;
			fmpz_init_set_ui(f, p);
			times = fmpz_remove(v, v, f);
			fmpz_clear(f);
			prime = x_int(s, (int64_t)p);
			if (prime < 0)
				break;
			ids[n++] = x_mul2(s, x_int(s, times), x_node(s, X_FUNC, MF_LN, 0, 0, &prime, 1));
		}
	if (!fmpz_is_one(v)) {
		xid r = x_fmpz(s, v);

		ids[n++] = r < 0 ? X_NONE : x_node(s, X_FUNC, MF_LN, 0, 0, &r, 1);
	}
	fmpz_clear(v);
	return x_add(s, ids, n);
}

xid x_ln(struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);

	if (x->kind == X_RAT && fmpq_is_zero(x_value(s, a)))
		return x_leaf(s, X_UNDEF);
	if (x->kind == X_RAT && fmpq_sgn(x_value(s, a)) > 0)
		return rational_log(s, a);
	if (x_positive(s, a)) {
		if (x->kind == X_FUNC)
			return x_kid(s, a, 0);
		if (x->kind == X_ROOT || x->kind == X_POWI) {
			xid times = x->kind == X_ROOT ? x_frac(s, 1, x->k) : x_int(s, x->k);

			return x_mul2(s, times, x_ln(s, x_kid(s, a, 0)));
		}
		if (x->kind == X_MUL) {
			size_t n = x->n;
			xid sum = x_int(s, 0);

			for (size_t i = 0; i < n && sum >= 0; i++)
				sum = x_add2(s, sum, x_ln(s, x_kid(s, a, i)));
			return sum;
		}
	}
	return x_node(s, X_FUNC, MF_LN, 0, 0, &a, 1);
}

/* A term r ln b of an exponent gives a factor b^r. Returns that factor, or X_NONE. */
static xid leaves(struct xs *s, xid term)
{
	const struct x *x = x_at(s, term);
	xid log = term, base;
	fmpq_t r;
	xid out = X_NONE;

	fmpq_init(r);
	fmpq_one(r);
	if (x->kind == X_MUL && x->n == 2 && x_is(s, x_kid(s, term, 0), X_RAT)) {
		fmpq_set(r, x_value(s, x_kid(s, term, 0)));
		log = x_kid(s, term, 1);
	}
	if (x_is(s, log, X_FUNC) && x_at(s, log)->op == MF_LN) {
		base = x_kid(s, log, 0);
		/* for fractional r, e^(r ln b) equals the root b^r only if b > 0 */
		if ((fmpz_is_one(fmpq_denref(r)) || x_positive(s, base)) && fmpz_fits_si(fmpq_numref(r)) &&
		    fmpz_fits_si(fmpq_denref(r)))
			out = x_powi(s, x_root(s, base, fmpz_get_si(fmpq_denref(r))),
			             fmpz_get_si(fmpq_numref(r)));
	}
	fmpq_clear(r);
	return out;
}

/* e^(r pi i) for integer 2r, else X_NONE. */
static xid root_of_unity(struct xs *s, xid a)
{
	fmpq_t r;
	xid out = X_NONE;

	fmpq_init(r);
	if (x_pi_i_multiple(s, a, r) && fmpz_cmp_ui(fmpq_denref(r), 2) <= 0) {
		ulong quarters;

		fmpq_mul_2exp(r, r, 1);
		quarters = fmpz_fdiv_ui(fmpq_numref(r), 4);
		out = x_powi(s, x_leaf(s, X_I), (int64_t)quarters + 4);
	}
	fmpq_clear(r);
	return out;
}

xid x_exp(struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);
	xid factor, rest, out;
	xid *terms;
	size_t n = x->n, kept = 0;

	if (x->kind == X_RAT && fmpq_is_zero(x_value(s, a)))
		return x_int(s, 1);
	factor = root_of_unity(s, a);
	if (factor >= 0)
		return factor;
	x = x_at(s, a);
	if (x->kind != X_ADD) {
		factor = leaves(s, a);
		return factor >= 0 ? factor : x_node(s, X_FUNC, MF_EXP, 0, 0, &a, 1);
	}
	terms = xmemdup(s->kids + x->at, n * sizeof *terms);
	out = x_int(s, 1);
	for (size_t i = 0; i < n; i++) {
		factor = leaves(s, terms[i]);
		if (factor >= 0)
			out = x_mul2(s, out, factor);
		else
			terms[kept++] = terms[i];
	}
	if (kept == n)
		out = x_node(s, X_FUNC, MF_EXP, 0, 0, &a, 1);
	else if (kept) {
		rest = x_add(s, terms, kept);
		out = x_mul2(s, out, rest < 0 ? X_NONE : x_node(s, X_FUNC, MF_EXP, 0, 0, &rest, 1));
	}
	free(terms);
	return out;
}

xid x_pow(struct xs *s, xid a, xid b)
{
	const struct x *e, *x;
	xid sum;

	if (a < 0 || b < 0)
		return X_NONE;
	e = x_at(s, b);
	x = x_at(s, a);
	if (x->kind == X_UNDEF || e->kind == X_UNDEF)
		return x_leaf(s, X_UNDEF);
	if (e->kind == X_RAT) {
		const fmpq *q = x_value(s, b);

		/* too large to be exact, but a ball may still decide */
		if (fmpz_bits(fmpq_numref(q)) < 31 && fmpz_bits(fmpq_denref(q)) < 31)
			return x_powi(s, x_root(s, a, fmpz_get_si(fmpq_denref(q))),
			              fmpz_get_si(fmpq_numref(q)));
		return x_node(s, X_POW, 0, 0, 0, (xid[]){a, b}, 2);
	}
	if (x->kind == X_FUNC && x->op == MF_EXP && x_is(s, x_kid(s, a, 0), X_RAT))
		return x_func(s, MF_EXP, (xid[]){x_mul2(s, x_kid(s, a, 0), b)}, 1);
	if (!x_positive(s, a))
		return x_node(s, X_POW, 0, 0, 0, (xid[]){a, b}, 2);
	/* a^(u+v) = e^(u ln a + v ln a) */
	if (e->kind == X_ADD) {
		size_t n = e->n;

		sum = x_int(s, 0);
		for (size_t i = 0; i < n && sum >= 0; i++)
			sum = x_add2(s, sum, x_mul2(s, x_kid(s, b, i), x_ln(s, a)));
	} else
		sum = x_mul2(s, b, x_ln(s, a));
	return x_func(s, MF_EXP, &sum, 1);
}
