/* SPDX-License-Identifier: MIT */
/*
 * A lower bound on the absolute value of a nonzero algebraic number.
 *
 * A constant made of rationals by + - * /, roots, i, and sines, cosines and exponentials of
 * rational multiples of pi is U / L with algebraic integers U and L of one number field of degree D
 * at most. If all conjugates of U are at most u in absolute value, and those of L at most l, then U
 * != 0 has a norm of at least 1, so |U / L| >= 1 / (u^(D-1) l). u and l follow from the formula
 * (Burnikel, Funke, Mehlhorn, Schirra, Schmitt: A separation bound for real algebraic expressions,
 * 2001), D is the product of the degrees of the roots that occur, each counted once, and of the
 * cyclotomic field that holds the roots of unity. A ball around the number that is smaller than the
 * bound and contains zero proves it to be zero.
 */
#include "formula/inside.h"

#include <stdlib.h>

enum { MAX_DEGREE = 1 << 14, MAX_CYCLOTOMIC = 1 << 12 };

struct limits {
	mag_t u, l;
	int known;
};

struct field {
	/* degree of the roots; common multiple of the orders of roots of unity */
	uint64_t degree, order;
};

static int adjoin_unity(struct field *f, const fmpz_t order)
{
	uint64_t v, a = f->order, b;

	if (fmpz_cmp_ui(order, MAX_CYCLOTOMIC) > 0)
		return 0;
	v = b = fmpz_get_ui(order);
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	f->order = f->order / a * v;
	return f->order <= MAX_CYCLOTOMIC;
}

/* For the angle r pi: e^(r pi i) has order 2 denominator(r) at most, and i has order 4. */
static int adjoin_angle(struct field *f, const fmpq_t r)
{
	fmpz_t order;
	int good;

	fmpz_init(order);
	fmpz_mul_ui(order, fmpq_denref(r), 4);
	good = adjoin_unity(f, order);
	fmpz_clear(order);
	return good;
}

static void set_abs_fmpz(mag_t m, const fmpz_t v)
{
	mag_set_fmpz(m, v);
	if (mag_is_zero(m))
		mag_one(m);
}

static void sum(struct limits *out, const struct limits *b)
{
	mag_t t;

	mag_init(t);
	mag_mul(t, out->l, b->u);
	mag_mul(out->u, out->u, b->l);
	mag_add(out->u, out->u, t);
	mag_mul(out->l, out->l, b->l);
	mag_clear(t);
}

static void product(struct limits *out, const struct limits *b)
{
	mag_mul(out->u, out->u, b->u);
	mag_mul(out->l, out->l, b->l);
}

/* root(U/L) = root(U L^(k-1)) / L */
static void root(struct limits *out, const struct limits *a, ulong k)
{
	mag_t t;

	mag_init(t);
	mag_pow_ui(t, a->l, k - 1);
	mag_mul(t, t, a->u);
	mag_root(out->u, t, k);
	mag_set(out->l, a->l);
	mag_clear(t);
}

static int angle(struct xs *s, struct field *f, xid a, struct limits *out)
{
	const struct x *x = x_at(s, a);
	fmpq_t r;
	int good = 0;

	fmpq_init(r);
	if (x->op == MF_EXP) {
		good = x_pi_i_multiple(s, x_kid(s, a, 0), r) && adjoin_angle(f, r);
		mag_one(out->u);
		mag_one(out->l);
	} else if (x->op == MF_SIN || x->op == MF_COS) {
		/* (z + 1/z) / 2 */
		good = x_pi_multiple(s, x_kid(s, a, 0), r) && adjoin_angle(f, r);
		mag_set_ui(out->u, 2);
		mag_set_ui(out->l, 2);
	}
	fmpq_clear(r);
	return good;
}

/* True if a is surely real: |a| is then a or -a. */
static int surely_real(struct xs *s, xid a)
{
	acb_t v;
	int good;

	acb_init(v);
	good = x_eval(s, a, NULL, 64, v) && acb_is_finite(v) && arb_is_zero(acb_imagref(v));
	acb_clear(v);
	return good;
}

static int node(struct xs *s, struct field *f, xid a, struct limits *m, const xid *slot)
{
	const struct x *x = x_at(s, a);
	struct limits *out = m + slot[a], *first = x->n ? m + slot[x_kid(s, a, 0)] : NULL;
	int64_t k = x->k;

	switch (x->kind) {
	case X_RAT:
		set_abs_fmpz(out->u, fmpq_numref(x_value(s, a)));
		set_abs_fmpz(out->l, fmpq_denref(x_value(s, a)));
		return 1;
	case X_I: {
		fmpz_t four = {4};

		mag_one(out->u);
		mag_one(out->l);
		return adjoin_unity(f, four);
	}
	case X_ADD: case X_MUL:
		mag_set(out->u, first->u);
		mag_set(out->l, first->l);
		for (uint32_t i = 1; i < x->n; i++)
			(x->kind == X_ADD ? sum : product)(out, m + slot[x_kid(s, a, i)]);
		return 1;
	case X_POWI:
		mag_pow_ui(out->u, first->u, (ulong)llabs(k));
		mag_pow_ui(out->l, first->l, (ulong)llabs(k));
		if (k < 0)
			mag_swap(out->u, out->l);
		return 1;
	case X_ROOT:
		if (k > MAX_DEGREE || (f->degree *= (uint64_t)k) > MAX_DEGREE)
			return 0;
		root(out, first, (ulong)k);
		return 1;
	case X_FUNC:
		if (x->op == MF_ABS && surely_real(s, x_kid(s, a, 0))) {
			mag_set(out->u, first->u);
			mag_set(out->l, first->l);
			return 1;
		}
		return angle(s, f, a, out);
	default:
		return 0;
	}
}

/* Marks the nodes that the bound of a needs: not the arguments of sines. */
static size_t mark(struct xs *s, xid a, xid *slot)
{
	size_t used = 0;

	slot[a] = 1;
	for (size_t i = (size_t)a + 1; i-- > 0; ) {
		const struct x *x = &s->x[i];

		if (!slot[i])
			continue;
		used++;
		if (x->kind != X_FUNC || x->op == MF_ABS)
			for (uint32_t j = 0; j < x->n; j++)
				slot[x_kid(s, (xid)i, j)] = 1;
	}
	return used;
}

static uint64_t totient(uint64_t n)
{
	uint64_t phi = n;

	for (uint64_t p = 2; p * p <= n; p++)
		if (n % p == 0) {
			phi -= phi / p;
			while (n % p == 0)
				n /= p;
		}
	return n > 1 ? phi - phi / n : phi;
}

int x_bound(struct xs *s, xid a, slong max_bits, slong *bits)
{
	size_t n = (size_t)a + 1, used, next = 0;
	xid *slot = xcalloc(n, sizeof *slot);
	struct limits *m;
	struct field f = {1, 1};
	int good;

	used = mark(s, a, slot);
	good = xs_spend(s, used * 300 + 2000);
	m = xcalloc(used, sizeof *m);
	for (size_t i = 0; i < n; i++)
		slot[i] = slot[i] ? (xid)next++ : -1;
	for (size_t i = 0; i < used; i++) {
		mag_init(m[i].u);
		mag_init(m[i].l);
	}
	for (size_t i = 0; i < n && good; i++)
		if (slot[i] >= 0)
			good = node(s, &f, (xid)i, m, slot);
	if (good) {
		struct limits *top = m + slot[a];
		uint64_t degree = f.degree * totient(f.order);

		good = degree <= MAX_DEGREE;
		if (good) {
			mag_pow_ui(top->u, top->u, degree - 1);
			mag_mul(top->u, top->u, top->l);
			good =
				!mag_is_inf(top->u) && !COEFF_IS_MPZ(MAG_EXP(top->u)) && MAG_EXP(top->u) < max_bits;
			*bits = good && MAG_EXP(top->u) > 1 ? MAG_EXP(top->u) : 1;
		}
	}
	for (size_t i = 0; i < used; i++) {
		mag_clear(m[i].u);
		mag_clear(m[i].l);
	}
	free(m);
	free(slot);
	return good;
}
