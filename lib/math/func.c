/* SPDX-License-Identifier: MIT */
/* Powers, roots and functions on their way into the graph: what is exact is done, the rest becomes a node. */
#include "math/expr.h"

#include <stdlib.h>

/* ---- powers ---- */

static xid rational_power(struct xs *s, xid a, int64_t k)
{
	const fmpq *q = x_value(s, a);
	uint64_t times = k < 0 ? (uint64_t)-(k + 1) + 1 : (uint64_t)k;
	uint64_t bits = fmpz_bits(fmpq_numref(q)) > fmpz_bits(fmpq_denref(q)) ? fmpz_bits(fmpq_numref(q)) :
	                fmpz_bits(fmpq_denref(q));
	fmpq_t r;
	xid out;

	if (fmpq_is_zero(q))
		return k < 0 ? x_leaf(s, X_UNDEF) : a;
	if (fmpq_is_one(q))
		return a;
	if (fmpz_equal_si(fmpq_numref(q), -1) && fmpz_is_one(fmpq_denref(q)))
		return k % 2 ? a : x_int(s, 1);
	/* bits <= X_MAX_BITS, so that the product cannot run over before it is too big */
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
		/* 0^0 is none: as 1/a would, a has to have a value that is not zero */
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

/* ---- what a constant's ball tells ---- */

static int constant(const struct xs *s, xid a)
{
	return a >= 0 && !(x_at(s, a)->flags & (XF_VAR | XF_OPAQUE)) && !x_is(s, a, X_UNDEF);
}

/* The sign of a constant that is real and plainly not zero: 1, -1; else 0. */
static int quick_sign(struct xs *s, xid a)
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

/* The integer that is floor or ceiling of a constant, if its ball tells; else X_NONE. */
static xid quick_step(struct xs *s, enum math_func f, xid a)
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

/* A constant that is surely real and positive, seen from its shape. */
static int positive(const struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);

	switch (x->kind) {
	case X_RAT:
		return fmpq_sgn(x_value(s, a)) > 0;
	case X_PI:
		return 1;
	case X_ROOT: case X_POWI:
		return positive(s, x_kid(s, a, 0));
	case X_MUL: case X_ADD:
		for (size_t i = 0; i < x->n; i++)
			if (!positive(s, x_kid(s, a, i)))
				return 0;
		return 1;
	case X_FUNC:
		return x->op == MF_EXP && !(x->flags & (XF_I | XF_VAR | XF_OPAQUE));
	}
	return 0;
}

/* The exact kth root of a rational that is positive: 1 if it has one. */
static int exact_root(fmpq_t r, const fmpq_t q, slong k)
{
	return fmpz_root(fmpq_numref(r), fmpq_numref(q), k) && fmpz_root(fmpq_denref(r), fmpq_denref(q), k);
}

/* sqrt(12) as 2 sqrt(3): powers of small primes leave a root. Only for what fits a word. */
static xid small_root(struct xs *s, const fmpq_t q, int64_t k)
{
	ulong v = fmpz_get_ui(fmpq_numref(q)), d = fmpz_get_ui(fmpq_denref(q)), out = 1, under = d, power;
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
		return k == 2 ? x_mul2(s, x_leaf(s, X_I), x_root(s, x_neg(s, a), 2)) : x_node(s, X_ROOT, 0, 0, k, &a, 1);
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
		int sign = quick_sign(s, x_kid(s, a, 0));

		if (sign)
			return x_powi(s, sign > 0 ? x_kid(s, a, 0) : x_neg(s, x_kid(s, a, 0)), x_at(s, a)->k / 2);
	}
	if (x_is(s, a, X_ROOT) && positive(s, a) && k * x_at(s, a)->k <= INT32_MAX)
		return x_root(s, x_kid(s, a, 0), k * x_at(s, a)->k);
	return x_node(s, X_ROOT, 0, 0, k, &a, 1);
}

/* ---- exponentials and logarithms ---- */

/* The logarithm of a positive rational: of its small primes, and of what is left. */
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
		fmpq_t rest;
		xid r;

		fmpq_init(rest);
		fmpz_set(fmpq_numref(rest), v);
		r = x_rat(s, rest);
		fmpq_clear(rest);
		ids[n++] = r < 0 ? X_NONE : x_node(s, X_FUNC, MF_LN, 0, 0, &r, 1);
	}
	fmpz_clear(v);
	return x_add(s, ids, n);
}

static xid ln(struct xs *s, xid a)
{
	const struct x *x = x_at(s, a);

	if (x->kind == X_RAT && fmpq_is_zero(x_value(s, a)))
		return x_leaf(s, X_UNDEF);
	if (x->kind == X_RAT && fmpq_sgn(x_value(s, a)) > 0)
		return rational_log(s, a);
	if (positive(s, a)) {
		if (x->kind == X_FUNC)
			return x_kid(s, a, 0);
		if (x->kind == X_ROOT || x->kind == X_POWI) {
			xid times = x->kind == X_ROOT ? x_frac(s, 1, x->k) : x_int(s, x->k);

			return x_mul2(s, times, ln(s, x_kid(s, a, 0)));
		}
		if (x->kind == X_MUL) {
			size_t n = x->n;
			xid sum = x_int(s, 0);

			for (size_t i = 0; i < n && sum >= 0; i++)
				sum = x_add2(s, sum, ln(s, x_kid(s, a, i)));
			return sum;
		}
	}
	return x_node(s, X_FUNC, MF_LN, 0, 0, &a, 1);
}

/* r ln b in a sum leaves the exponent as b^r. Returns that factor, or X_NONE. */
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
		/* b^r needs its root: only where b > 0 are both the same */
		if ((fmpz_is_one(fmpq_denref(r)) || positive(s, base)) && fmpz_fits_si(fmpq_numref(r)) &&
		    fmpz_fits_si(fmpq_denref(r)))
			out = x_powi(s, x_root(s, base, fmpz_get_si(fmpq_denref(r))), fmpz_get_si(fmpq_numref(r)));
	}
	fmpq_clear(r);
	return out;
}

/* e^(r pi i) for whole 2r, else X_NONE. */
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

static xid exponential(struct xs *s, xid a)
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

		/* beyond: not exact, but a ball may still tell */
		if (fmpz_bits(fmpq_numref(q)) < 31 && fmpz_bits(fmpq_denref(q)) < 31)
			return x_powi(s, x_root(s, a, fmpz_get_si(fmpq_denref(q))), fmpz_get_si(fmpq_numref(q)));
		return x_node(s, X_POW, 0, 0, 0, (xid[]){a, b}, 2);
	}
	if (x->kind == X_FUNC && x->op == MF_EXP && x_is(s, x_kid(s, a, 0), X_RAT))
		return x_func(s, MF_EXP, (xid[]){x_mul2(s, x_kid(s, a, 0), b)}, 1);
	if (!positive(s, a))
		return x_node(s, X_POW, 0, 0, 0, (xid[]){a, b}, 2);
	/* a^(u+v) = e^(u ln a + v ln a) */
	if (e->kind == X_ADD) {
		size_t n = e->n;

		sum = x_int(s, 0);
		for (size_t i = 0; i < n && sum >= 0; i++)
			sum = x_add2(s, sum, x_mul2(s, x_kid(s, b, i), ln(s, a)));
	} else
		sum = x_mul2(s, b, ln(s, a));
	return x_func(s, MF_EXP, &sum, 1);
}

/* ---- whole numbers ---- */

/* An integer that fits: 1. */
static int whole(const struct xs *s, xid a, int64_t *v)
{
	if (!x_is(s, a, X_RAT) || !fmpz_is_one(fmpq_denref(x_value(s, a))) || !fmpz_fits_si(fmpq_numref(x_value(s, a))))
		return 0;
	*v = fmpz_get_si(fmpq_numref(x_value(s, a)));
	return 1;
}

static xid from_fmpz(struct xs *s, const fmpz_t v)
{
	fmpq_t q;
	xid r;

	fmpq_init(q);
	fmpz_set(fmpq_numref(q), v);
	r = x_rat(s, q);
	fmpq_clear(q);
	return r;
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
	/* log2 n! < n log2 n: 2,800! has some 28,000 bits */
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
	out = from_fmpz(s, f);
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
		out = from_fmpz(s, f);
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

/* gcd, lcm, min, max of rationals (gcd and lcm: of integers), folded; X_NONE if they are something else. */
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

/* Functions of a rational that are rational. */
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
		out = from_fmpz(s, v);
		fmpz_clear(v);
		return out;
	case MF_SIN: case MF_TAN: case MF_ASIN: case MF_ATAN: case MF_SINH: case MF_TANH: case MF_ASINH: case MF_ATANH:
		return fmpq_is_zero(q) ? a : X_NONE;
	case MF_COS: case MF_SEC: case MF_COSH: case MF_SECH:
		return fmpq_is_zero(q) ? x_int(s, 1) : X_NONE;
	case MF_CSC: case MF_COT: case MF_CSCH: case MF_COTH:
		return fmpq_is_zero(q) ? x_leaf(s, X_UNDEF) : X_NONE;
	default:
		return X_NONE;
	}
}

/* sin(r pi) where that is 0, 1/2, sqrt(2)/2, sqrt(3)/2 or 1 up to sign; else X_NONE. */
static xid known_sine(struct xs *s, const fmpq_t r)
{
	static const struct { int t, under, radicand; } table[] = {{0, 1, 0}, {2, 2, 1}, {3, 2, 2}, {4, 2, 3}, {6, 1, 1}};
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
			out = x_mul2(s, x_frac(s, sign, table[i].under), x_root(s, x_int(s, table[i].radicand), 2));
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
		r = quick_step(s, f, a);
	if (r >= 0)
		return r;
	if (f == MF_ABS && (sign = quick_sign(s, a)))
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
		return n == 1 ? ln(s, a[0]) : X_NONE;
	case MF_LOG:
		if (n == 2)
			return x_div(s, ln(s, a[0]), ln(s, a[1]));
		/* \log x = ln x / ln b for a base that nobody wrote: a factor of its own */
		base = x_var(s, " log base");
		if (base < 0)
			return X_NONE;
		s->x[base].flags |= XF_LOGBASE;
		return x_mul2(s, ln(s, a[0]), x_powi(s, base, -1));
	case MF_EXP:
		return n == 1 ? exponential(s, a[0]) : X_NONE;
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
	/* its values lie in (0, pi) */
	case MF_ACOT: return x_sub(s, x_mul2(s, x_frac(s, 1, 2), x_leaf(s, X_PI)), x_func(s, MF_ATAN, a, 1));
	default:
		return n == 1 && f < MF_N ? plain(s, f, a[0]) : X_NONE;
	}
}
