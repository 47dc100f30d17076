/* SPDX-License-Identifier: MIT */
/*
 * The last resort for constants with logarithms, exponentials and inverse functions: Calcium, which
 * proves relations between them. It does not count work, so it is given only small formulas, with
 * its own limits set low, at a flat price.
 */
#include "formula/inside.h"

#if __has_include(<flint/ca.h>)
#include <flint/ca.h>
#else
#include <calcium/ca.h>
#endif
#include <stdlib.h>

enum {
	MAX_NODES = 40, MAX_DEGREE = 24, MAX_FUNCTIONS = 5, MAX_RAT_BITS = 64, MAX_POWER = 12,
	HEAVY_NODES = 20, HEAVY_FUNCTIONS = 3, HEAVY_DEGREE = 6,
};
#define PRICE 9000000

static int algebraic_angle(struct xs *s, xid a)
{
	slong bits;

	return x_at(s, a)->op != MF_ABS && x_bound(s, a, X_MAX_PREC, &bits);
}

/* True for roots and inverse functions of transcendental constants, on which Calcium is slowest. */
static int heavy(const struct xs *s, xid a, const char *transcendental)
{
	const struct x *x = x_at(s, a);

	switch (x->kind) {
	case X_ROOT:
		return transcendental[x_kid(s, a, 0)];
	case X_POW:
		return 1;
	case X_FUNC:
		return x->op >= MF_ASIN && x->op <= MF_ACOT;
	default:
		return 0;
	}
}

/* True if the formula is small enough. */
static int admitted(struct xs *s, const char *needed, size_t n)
{
	uint64_t degree = 1;
	size_t nodes = 0, functions = 0, weight = 0;
	char *transcendental = xcalloc(n, 1);

	for (size_t i = 0; i < n; i++) {
		if (!needed[i])
			continue;
		transcendental[i] = s->x[i].kind == X_FUNC || s->x[i].kind == X_PI || s->x[i].kind == X_POW;
		for (uint32_t j = 0; j < s->x[i].n; j++)
			transcendental[i] |= transcendental[x_kid(s, (xid)i, j)];
		weight += (size_t)heavy(s, (xid)i, transcendental);
	}
	free(transcendental);
	for (size_t i = 0; i < n; i++) {
		const struct x *x = &s->x[i];
		fmpq_t r;

		if (!needed[i])
			continue;
		nodes++;
		switch (x->kind) {
		case X_RAT:
			if (fmpz_bits(fmpq_numref(&s->rat[x->at])) > MAX_RAT_BITS ||
			    fmpz_bits(fmpq_denref(&s->rat[x->at])) > MAX_RAT_BITS)
				return 0;
			break;
		case X_POWI:
			if (llabs(x->k) > (x_is(s, x_kid(s, (xid)i, 0), X_ADD) ? 3 : MAX_POWER))
				return 0;
			break;
		case X_ROOT:
			if (x->k > MAX_DEGREE || (degree *= (uint64_t)x->k) > MAX_DEGREE)
				return 0;
			break;
		case X_FUNC:
			if (x->op < MF_GCD || x->op > MF_MAX)
				functions++;
			/* a sine of a rational angle needs a field of that degree */
			fmpq_init(r);
			if (algebraic_angle(s, (xid)i) && (x_pi_multiple(s, x_kid(s, (xid)i, 0), r) ||
			                                   x_pi_i_multiple(s, x_kid(s, (xid)i, 0), r)))
				degree *= fmpz_cmp_ui(fmpq_denref(r), MAX_DEGREE) > 0 ? MAX_DEGREE + 1 :
				          fmpz_get_ui(fmpq_denref(r));
			fmpq_clear(r);
			if (degree > MAX_DEGREE)
				return 0;
			break;
		}
	}
	if (weight && (nodes > HEAVY_NODES || functions > HEAVY_FUNCTIONS || degree > HEAVY_DEGREE))
		return 0;
	return nodes <= MAX_NODES && functions <= MAX_FUNCTIONS;
}

static void limits(ca_ctx_t ctx)
{
	ca_ctx_set_option(ctx, CA_OPT_PREC_LIMIT, 512);
	ca_ctx_set_option(ctx, CA_OPT_QQBAR_DEG_LIMIT, 24);
	ca_ctx_set_option(ctx, CA_OPT_LOW_PREC, 64);
	ca_ctx_set_option(ctx, CA_OPT_SMOOTH_LIMIT, 16);
	ca_ctx_set_option(ctx, CA_OPT_LLL_PREC, 128);
	ca_ctx_set_option(ctx, CA_OPT_POW_LIMIT, 8);
	ca_ctx_set_option(ctx, CA_OPT_GROEBNER_LENGTH_LIMIT, 20);
	ca_ctx_set_option(ctx, CA_OPT_GROEBNER_POLY_LENGTH_LIMIT, 200);
	ca_ctx_set_option(ctx, CA_OPT_GROEBNER_POLY_BITS_LIMIT, 2000);
	ca_ctx_set_option(ctx, CA_OPT_VIETA_LIMIT, 4);
}

/* The real root of a negative real, else the principal one. */
static int root(struct xs *s, xid a, ca_t out, const ca_t v, ca_ctx_t ctx)
{
	const struct x *x = x_at(s, a);
	fmpq_t e;
	int sign = x->k % 2 ? x_sign(s, x_kid(s, a, 0)) : 1;

	if (x->k == 2) {
		ca_sqrt(out, v, ctx);
		return 1;
	}
	if (sign == 2 && ca_check_is_real(v, ctx) != T_FALSE)
		return 0;
	fmpq_init(e);
	fmpq_set_si(e, 1, (ulong)x->k);
	if (sign == -1) {
		ca_neg(out, v, ctx);
		ca_pow_fmpq(out, out, e, ctx);
		ca_neg(out, out, ctx);
	} else
		ca_pow_fmpq(out, v, e, ctx);
	fmpq_clear(e);
	return 1;
}

/* (e^z + sign e^-z) / 2 */
static void hyperbolic(ca_t out, const ca_t z, int sign, ca_ctx_t ctx)
{
	ca_t t;

	ca_init(t, ctx);
	ca_exp(out, z, ctx);
	ca_inv(t, out, ctx);
	if (sign < 0)
		ca_sub(out, out, t, ctx);
	else
		ca_add(out, out, t, ctx);
	ca_div_ui(out, out, 2, ctx);
	ca_clear(t, ctx);
}

static int function(int op, ca_t out, const ca_t z, ca_ctx_t ctx)
{
	switch (op) {
	case MF_SIN: ca_sin(out, z, ctx); return 1;
	case MF_COS: ca_cos(out, z, ctx); return 1;
	case MF_ASIN: ca_asin(out, z, ctx); return 1;
	case MF_ACOS: ca_acos(out, z, ctx); return 1;
	case MF_ATAN: ca_atan(out, z, ctx); return 1;
	case MF_SINH: hyperbolic(out, z, -1, ctx); return 1;
	case MF_COSH: hyperbolic(out, z, 1, ctx); return 1;
	case MF_LN: ca_log(out, z, ctx); return 1;
	case MF_EXP: ca_exp(out, z, ctx); return 1;
	case MF_ABS: ca_abs(out, z, ctx); return 1;
	case MF_RE: ca_re(out, z, ctx); return 1;
	case MF_IM: ca_im(out, z, ctx); return 1;
	case MF_CONJ: ca_conj(out, z, ctx); return 1;
	case MF_ARG: ca_arg(out, z, ctx); return 1;
	case MF_FLOOR: ca_floor(out, z, ctx); return 1;
	case MF_CEIL: ca_ceil(out, z, ctx); return 1;
	case MF_SGN: ca_sgn(out, z, ctx); return 1;
	default: return 0;
	}
}

static int one(struct xs *s, xid a, ca_ptr v, ca_ctx_t ctx)
{
	const struct x *x = x_at(s, a);
	ca_ptr out = v + a, z = x->n ? v + x_kid(s, a, 0) : NULL;

	switch (x->kind) {
	case X_RAT: ca_set_fmpq(out, x_value(s, a), ctx); return 1;
	case X_PI: ca_pi(out, ctx); return 1;
	case X_I: ca_i(out, ctx); return 1;
	case X_ADD: case X_MUL:
		ca_set(out, z, ctx);
		for (uint32_t i = 1; i < x->n; i++)
			(x->kind == X_ADD ? ca_add : ca_mul)(out, out, v + x_kid(s, a, i), ctx);
		return 1;
	case X_POWI: ca_pow_si(out, z, (slong)x->k, ctx); return 1;
	case X_ROOT: return root(s, a, out, z, ctx);
	case X_POW: ca_pow(out, z, v + x_kid(s, a, 1), ctx); return 1;
	case X_FUNC: return x->n == 1 && function(x->op, out, z, ctx);
	default: return 0;
	}
}

enum math_verdict x_calcium_zero(struct xs *s, xid a)
{
	enum math_verdict r = MATH_UNKNOWN;
	size_t n = (size_t)a + 1;
	char *needed = xcalloc(n, 1);
	ca_ctx_t ctx;
	ca_ptr v;
	int good = 1;

	needed[a] = 1;
	for (size_t i = n; i-- > 0; )
		for (uint32_t j = 0; needed[i] && j < s->x[i].n; j++)
			needed[x_kid(s, (xid)i, j)] = 1;
	if (!admitted(s, needed, n) || !xs_spend(s, PRICE)) {
		free(needed);
		return r;
	}
	ca_ctx_init(ctx);
	limits(ctx);
	v = xcalloc(n, sizeof *v);
	for (size_t i = 0; i < n; i++)
		ca_init(v + i, ctx);
	for (size_t i = 0; i < n && good; i++)
		if (needed[i])
			good = one(s, (xid)i, v, ctx) && !ca_is_special(v + i, ctx);
	if (good)
		switch (ca_check_is_zero(v + a, ctx)) {
		case T_TRUE: r = MATH_EQUAL; break;
		case T_FALSE: r = MATH_UNEQUAL; break;
		default: break;
		}
	for (size_t i = 0; i < n; i++)
		ca_clear(v + i, ctx);
	free(v);
	ca_ctx_clear(ctx);
	free(needed);
	return r;
}
