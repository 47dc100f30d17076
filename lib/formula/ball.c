/* SPDX-License-Identifier: MIT */
/*
 * Encloses formulas in complex balls. Real values have an imaginary part of exactly zero, so that
 * the right branches are taken: principal values, and the real root for odd roots of negative
 * reals.
 */
#include "formula/inside.h"

#include <stdlib.h>
#include <string.h>

/* The cost of an operation at a precision, in units of work: measured, rounded up. */
static uint64_t cost(const struct x *x, slong prec)
{
	uint64_t p = (uint64_t)prec, mul = 400 + p * p / 2048, slow = 2000 + p * p / 120;

	switch (x->kind) {
	case X_ADD: return x->n * (100 + p / 20);
	case X_MUL: return x->n * mul;
	case X_POWI: return mul * 4 + mul * 2 * (64 - (uint64_t)__builtin_clzll((uint64_t)llabs(x->k)));
	case X_ROOT: return x->k == 2 ? 2 * mul + 1000 : 2 * slow;
	case X_POW: return 2 * slow;
	case X_FUNC: return x->op == MF_FACT || x->op == MF_BINOM ? 1000000 : slow;
	default: return 200 + p;
	}
}

/* An exponent of 2 above |z|, or INT32_MAX if there is none. */
static slong magnitude(const acb_t z)
{
	mag_t m;
	slong e;

	mag_init(m);
	acb_get_mag(m, z);
	if (mag_is_inf(m) || COEFF_IS_MPZ(MAG_EXP(m)))
		e = mag_is_inf(m) || fmpz_sgn(MAG_EXPREF(m)) > 0 ? INT32_MAX : -INT32_MAX;
	else
		e = mag_is_special(m) ? -INT32_MAX : MAG_EXP(m) > INT32_MAX ? INT32_MAX : MAG_EXP(m);
	mag_clear(m);
	return e;
}

static int real(const acb_t z)
{
	return arb_is_zero(acb_imagref(z));
}

static void undefined(acb_t out)
{
	acb_indeterminate(out);
}

/* [-r, r] with r the kth root of the largest |x| */
static void root_around_zero(arb_t out, const arb_t x, ulong k)
{
	mag_t m;

	mag_init(m);
	arb_get_mag(m, x);
	mag_root(m, m, k);
	arb_zero(out);
	arb_add_error_mag(out, m);
	mag_clear(m);
}

static void root(acb_t out, const acb_t z, ulong k, int want_real, slong prec)
{
	arb_ptr x = acb_realref(out);

	if (!real(z)) {
		if (k == 2)
			acb_sqrt(out, z, prec);
		else
			acb_root_ui(out, z, k, prec);
		return;
	}
	arb_zero(acb_imagref(out));
	if (arb_is_zero(acb_realref(z)))
		arb_zero(x);
	else if (arb_is_positive(acb_realref(z)))
		arb_root_ui(x, acb_realref(z), k, prec);
	else if (k % 2 && arb_is_negative(acb_realref(z))) {
		arb_neg(x, acb_realref(z));
		arb_root_ui(x, x, k, prec);
		arb_neg(x, x);
	} else if (k % 2)
		root_around_zero(x, acb_realref(z), k);
	else if (want_real || !arb_is_negative(acb_realref(z)))
		undefined(out);
	else if (k == 2) {
		arb_neg(x, acb_realref(z));
		arb_sqrt(acb_imagref(out), x, prec);
		arb_zero(x);
	} else
		acb_root_ui(out, z, k, prec);
}

static void logarithm(acb_t out, const acb_t z, int want_real, slong prec)
{
	if (real(z) && arb_is_positive(acb_realref(z))) {
		arb_log(acb_realref(out), acb_realref(z), prec);
		arb_zero(acb_imagref(out));
	} else if ((real(z) && want_real) || acb_contains_zero(z))
		undefined(out);
	else
		acb_log(out, z, prec);
}

static void power(acb_t out, const acb_t b, const acb_t e, int want_real, slong prec)
{
	if (acb_is_int(e) && magnitude(e) < 32 && !acb_contains_zero(b)) {
		fmpz_t k;

		fmpz_init(k);
		arf_get_fmpz(k, arb_midref(acb_realref(e)), ARF_RND_DOWN);
		acb_pow_fmpz(out, b, k, prec);
		fmpz_clear(k);
	} else if (acb_contains_zero(b))
		undefined(out);
	else {
		acb_t l;

		acb_init(l);
		logarithm(l, b, want_real, prec);
		acb_mul(l, l, e, prec);
		if (magnitude(l) < 40)
			acb_exp(out, l, prec);
		else
			undefined(out);
		acb_clear(l);
	}
}

/* Inverse sine or cosine, of an argument between -1 and 1, or complex. */
static void inverse_sine(acb_t out, const acb_t z, int op, int want_real, slong prec)
{
	if (real(z)) {
		arb_t one;
		int inside;

		arb_init(one);
		arb_abs(one, acb_realref(z));
		arb_sub_ui(one, one, 1, prec);
		inside = arb_is_nonpositive(one);
		if (!inside && (want_real || arb_contains_zero(one))) {
			undefined(out);
			arb_clear(one);
			return;
		}
		arb_clear(one);
		if (inside) {
			(op == MF_ASIN ? arb_asin : arb_acos)(acb_realref(out), acb_realref(z), prec);
			arb_zero(acb_imagref(out));
			return;
		}
	}
	(op == MF_ASIN ? acb_asin : acb_acos)(out, z, prec);
}

/* n! as Gamma(n + 1), for reals that are not too big. */
static void gamma_plus(acb_t out, const acb_t z, slong prec)
{
	acb_t w;

	acb_init(w);
	acb_add_ui(w, z, 1, prec);
	if (real(w) && magnitude(w) < 40)
		acb_gamma(out, w, prec > 256 ? 256 : prec);
	else
		undefined(out);
	acb_clear(w);
}

static void binomial(acb_t out, const acb_t n, const acb_t k, slong prec)
{
	acb_t a, b;

	acb_init(a);
	acb_init(b);
	gamma_plus(a, n, prec);
	gamma_plus(b, k, prec);
	acb_div(a, a, b, prec);
	acb_sub(b, n, k, prec);
	gamma_plus(b, b, prec);
	acb_div(out, a, b, prec);
	acb_clear(a);
	acb_clear(b);
}

static void extreme(acb_t out, const acb_t z, int op, slong prec)
{
	if (!real(z) || !real(out))
		undefined(out);
	else
		(op == MF_MIN ? arb_min : arb_max)(acb_realref(out), acb_realref(out), acb_realref(z),
		                                   prec);
}

/* gcd and lcm, which have values only at integers. */
static void common(acb_t out, const acb_t z, int op)
{
	fmpz_t a, b;

	fmpz_init(a);
	fmpz_init(b);
	if (acb_is_int(z) && acb_is_int(out) && magnitude(z) < 256 && magnitude(out) < 256) {
		arf_get_fmpz(a, arb_midref(acb_realref(z)), ARF_RND_DOWN);
		arf_get_fmpz(b, arb_midref(acb_realref(out)), ARF_RND_DOWN);
		if (op == MF_GCD)
			fmpz_gcd(a, a, b);
		else
			fmpz_lcm(a, a, b);
		acb_set_fmpz(out, a);
	} else
		undefined(out);
	fmpz_clear(a);
	fmpz_clear(b);
}

static void sign(acb_t out, const acb_t z)
{
	if (!real(z) || (arb_contains_zero(acb_realref(z)) && !arb_is_zero(acb_realref(z))))
		undefined(out);
	else
		acb_set_si(out, arb_is_zero(acb_realref(z)) ? 0 : arb_is_positive(acb_realref(z)) ? 1 : -1);
}

static void step(acb_t out, const acb_t z, int op, slong prec)
{
	if (!real(z) || magnitude(z) > prec) {
		undefined(out);
		return;
	}
	(op == MF_FLOOR ? arb_floor : arb_ceil)(acb_realref(out), acb_realref(z), prec);
	arb_zero(acb_imagref(out));
}

static void function(acb_t out, int op, const acb_t z, int want_real, slong prec)
{
	switch (op) {
	case MF_SIN: acb_sin(out, z, prec); break;
	case MF_COS: acb_cos(out, z, prec); break;
	case MF_ASIN: case MF_ACOS: inverse_sine(out, z, op, want_real, prec); break;
	case MF_ATAN: acb_atan(out, z, prec); break;
	case MF_SINH: acb_sinh(out, z, prec); break;
	case MF_COSH: acb_cosh(out, z, prec); break;
	case MF_ASINH: acb_asinh(out, z, prec); break;
	case MF_ACOSH: acb_acosh(out, z, prec); break;
	case MF_ATANH: acb_atanh(out, z, prec); break;
	case MF_LN: logarithm(out, z, want_real, prec); break;
	case MF_EXP: acb_exp(out, z, prec); break;
	case MF_ABS:
		acb_abs(acb_realref(out), z, prec);
		arb_zero(acb_imagref(out));
		break;
	case MF_FLOOR: case MF_CEIL: step(out, z, op, prec); break;
	case MF_FACT: gamma_plus(out, z, prec); break;
	case MF_RE: acb_set_arb(out, acb_realref(z)); break;
	case MF_IM: acb_set_arb(out, acb_imagref(z)); break;
	case MF_CONJ: acb_conj(out, z); break;
	case MF_ARG:
		if (acb_contains_zero(z))
			undefined(out);
		else {
			acb_arg(acb_realref(out), z, prec);
			arb_zero(acb_imagref(out));
		}
		break;
	case MF_SGN: sign(out, z); break;
	default: undefined(out); break;
	}
	/* real functions that leave the reals */
	if (want_real && !real(out))
		undefined(out);
}

/* For functions that reduce their argument or grow fast: 0 if the argument is too large to try. */
static int reducible(struct xs *s, int op, const acb_t z, slong prec)
{
	slong m = magnitude(z);
	uint64_t p;

	switch (op) {
	case MF_SIN: case MF_COS:
		if (m <= 0)
			return 1;
		if (m > 20000 || (!real(z) && m > 40))
			return 0;
		p = (uint64_t)(prec + m);
		return m < 64 || xs_spend(s, p * p / 60);
	case MF_EXP: case MF_SINH: case MF_COSH:
		return m <= 40;
	default:
		return m < INT32_MAX;
	}
}

static void one(struct xs *s, xid a, const struct x_env *env, slong prec, acb_ptr v,
                const xid *slot)
{
	const struct x *x = x_at(s, a);
	acb_ptr out = v + slot[a], z = x->n ? v + slot[x_kid(s, a, 0)] : NULL;

	switch (x->kind) {
	case X_RAT: acb_set_fmpq(out, x_value(s, a), prec); break;
	case X_PI: acb_const_pi(out, prec); break;
	case X_I: acb_onei(out); break;
	case X_VAR:
		if (env->value)
			acb_set(out, env->value + x->at);
		else
			undefined(out);
		break;
	case X_ADD: case X_MUL:
		acb_set(out, z);
		for (uint32_t i = 1; i < x->n; i++)
			(x->kind == X_ADD ? acb_add : acb_mul)(out, out, v + slot[x_kid(s, a, i)], prec);
		break;
	case X_POWI:
		if (x->k < 0 && acb_contains_zero(z))
			undefined(out);
		else
			acb_pow_si(out, z, (slong)x->k, prec);
		break;
	case X_ROOT: root(out, z, (ulong)x->k, env->real, prec); break;
	case X_POW: power(out, z, v + slot[x_kid(s, a, 1)], env->real, prec); break;
	case X_FUNC:
		if (x->op == MF_BINOM)
			binomial(out, z, v + slot[x_kid(s, a, 1)], prec);
		else if (x->op >= MF_GCD && x->op <= MF_MAX) {
			acb_set(out, z);
			for (uint32_t i = 1; i < x->n; i++)
				if (x->op == MF_GCD || x->op == MF_LCM)
					common(out, v + slot[x_kid(s, a, i)], x->op);
				else
					extreme(out, v + slot[x_kid(s, a, i)], x->op, prec);
		} else if (!reducible(s, x->op, z, prec))
			undefined(out);
		else
			function(out, x->op, z, env->real, prec);
		break;
	default: undefined(out); break;
	}
}

int x_eval(struct xs *s, xid a, const struct x_env *env, slong prec, acb_t out)
{
	static const struct x_env none = {NULL, 0};
	size_t n = (size_t)a + 1, used = 0;
	xid *slot = xcalloc(n, sizeof *slot);
	acb_ptr v;
	int good;
	uint64_t total = 0;

	/* kids precede their parents: one pass downwards marks, one pass upwards evaluates */
	slot[a] = 1;
	for (size_t i = n; i-- > 0; )
		if (slot[i]) {
			used++;
			total += cost(&s->x[i], prec) + 100;
			for (uint32_t j = 0; j < s->x[i].n; j++)
				slot[x_kid(s, (xid)i, j)] = 1;
		}
	/* limit memory: a ball takes about prec / 4 bytes */
	good = used * (size_t)prec / 4 <= (8u << 20) && xs_spend(s, total);
	if (!good) {
		acb_indeterminate(out);
		free(slot);
		return 0;
	}
	used = 0;
	for (size_t i = 0; i < n; i++)
		slot[i] = slot[i] ? (xid)used++ : -1;
	v = _acb_vec_init((slong)used);
	for (size_t i = 0; i < n; i++)
		if (slot[i] >= 0)
			one(s, (xid)i, env ? env : &none, prec, v, slot);
	acb_swap(out, v + slot[a]);
	_acb_vec_clear(v, (slong)used);
	free(slot);
	return 1;
}
