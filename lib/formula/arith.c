/* SPDX-License-Identifier: MIT */
/* Adds sums and products to the graph: flattened, sorted, with like terms and powers collected. */
#include "formula/inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists of terms and factors ---- */

/* Sums: coefficient times id. Products: id to the power. */
struct part {
	xid id;
	int64_t k;
	fmpq q;
};

struct parts {
	struct part *p;
	size_t n, cap;
};

static void parts_release(struct parts *l)
{
	for (size_t i = 0; i < l->n; i++)
		fmpq_clear(&l->p[i].q);
	free(l->p);
}

static struct part *parts_add(struct parts *l, xid id)
{
	struct part *p = &VEC_PUSH(l->p, l->n, l->cap);

	p->id = id;
	p->k = 1;
	fmpq_init(&p->q);
	fmpq_one(&p->q);
	return p;
}

static int by_id(const void *a, const void *b)
{
	xid x = ((const struct part *)a)->id, y = ((const struct part *)b)->id;

	return (x > y) - (x < y);
}

static int xid_cmp(const void *a, const void *b)
{
	xid x = *(const xid *)a, y = *(const xid *)b;

	return (x > y) - (x < y);
}

/* Records that a cancelled constant must have a value; with variables it has one almost
 * everywhere. */
static void need_value(struct xs *s, xid a)
{
	const struct x *x;

	if (a < 0)
		return;
	x = x_at(s, a);
	if (!(x->flags & (XF_VAR | XF_OPAQUE)) && x->kind != X_PI && x->kind != X_I && x->kind != X_RAT)
		VEC_PUSH(s->finite, s->n_finite, s->cap_finite) = a;
}

static xid sorted_node(struct xs *s, enum x_kind kind, xid *ids, size_t n)
{
	qsort(ids, n, sizeof *ids, xid_cmp);
	/* the rational is kept first */
	for (size_t i = 1; i < n; i++)
		if (x_is(s, ids[i], X_RAT)) {
			xid r = ids[i];

			memmove(ids + 1, ids, i * sizeof *ids);
			ids[0] = r;
			break;
		}
	return x_node(s, kind, 0, 0, 0, ids, n);
}

/* c * a, where a has no rational factor */
static xid scaled(struct xs *s, const fmpq_t c, xid a)
{
	const struct x *x = x_at(s, a);
	xid r, out, *ids;
	size_t n;

	if (fmpq_is_one(c))
		return a;
	r = x_rat(s, c);
	if (r < 0)
		return X_NONE;
	x = x_at(s, a);
	if (x->kind != X_MUL)
		return x_node(s, X_MUL, 0, 0, 0, (xid[]){r, a}, 2);
	n = x->n;
	ids = xmalloc((n + 1) * sizeof *ids);
	ids[0] = r;
	memcpy(ids + 1, s->kids + x->at, n * sizeof *ids);
	out = x_node(s, X_MUL, 0, 0, 0, ids, n + 1);
	free(ids);
	return out;
}

/* a = *c times the returned id */
static xid unscaled(struct xs *s, xid a, fmpq_t c)
{
	const struct x *x = x_at(s, a);
	xid first, out, *rest;

	fmpq_one(c);
	if (x->kind != X_MUL || !x_is(s, first = x_kid(s, a, 0), X_RAT))
		return a;
	fmpq_set(c, x_value(s, first));
	if (x->n == 2)
		return x_kid(s, a, 1);
	rest = xmemdup(s->kids + x->at + 1, (x->n - 1) * sizeof *rest);
	out = x_node(s, X_MUL, 0, 0, 0, rest, x->n - 1);
	free(rest);
	return out;
}

/* Adds the terms of c a to the list, its rational part to sum; 0: undefined, -1: none. */
static int add_terms(struct xs *s, struct parts *l, fmpq_t sum, const fmpq_t c, xid a)
{
	const struct x *x;
	struct part *p;
	fmpq_t q;
	xid rest;
	int good = 1;

	if (a < 0 || !xs_spend(s, 100))
		return -1;
	x = x_at(s, a);
	if (x->kind == X_UNDEF)
		return 0;
	fmpq_init(q);
	if (x->kind == X_RAT) {
		good = xs_spend(s, fmpz_bits(fmpq_denref(sum)) / 4 + fmpz_bits(fmpq_numref(x_value(s, a))));
		fmpq_mul(q, x_value(s, a), c);
		fmpq_add(sum, sum, q);
		good = good && !x_too_big(sum) ? 1 : -1;
	} else if (x->kind == X_ADD) {
		for (size_t i = 0, n = x->n; i < n && good > 0; i++)
			good = add_terms(s, l, sum, c, x_kid(s, a, i));
	} else {
		rest = unscaled(s, a, q);
		fmpq_mul(q, q, c);
		if (rest < 0 || x_too_big(q))
			good = -1;
		else if (x_is(s, rest, X_ADD))
			good = add_terms(s, l, sum, q, rest);
		else {
			p = parts_add(l, rest);
			fmpq_swap(&p->q, q);
		}
	}
	fmpq_clear(q);
	return good;
}

/* Collects like terms and removes those that cancel. */
static void merge_terms(struct xs *s, struct parts *l)
{
	size_t out = 0;

	if (l->n > 1)
		qsort(l->p, l->n, sizeof *l->p, by_id);
	for (size_t i = 0; i < l->n; i++) {
		if (out && l->p[out - 1].id == l->p[i].id) {
			fmpq_add(&l->p[out - 1].q, &l->p[out - 1].q, &l->p[i].q);
			fmpq_clear(&l->p[i].q);
		} else
			l->p[out++] = l->p[i];
		if (fmpq_is_zero(&l->p[out - 1].q)) {
			need_value(s, l->p[out - 1].id);
			if (i + 1 == l->n || l->p[i + 1].id != l->p[out - 1].id)
				fmpq_clear(&l->p[--out].q);
		}
	}
	l->n = out;
}

xid x_add(struct xs *s, const xid *a, size_t n)
{
	struct parts l = {0};
	fmpq_t sum, one;
	xid out = X_NONE, *ids = NULL;
	size_t m = 0;
	int good = 1;

	fmpq_init(sum);
	fmpq_init(one);
	fmpq_one(one);
	for (size_t i = 0; i < n && good > 0; i++)
		good = add_terms(s, &l, sum, one, a[i]);
	fmpq_clear(one);
	if (good <= 0) {
		out = good ? X_NONE : x_leaf(s, X_UNDEF);
		goto done;
	}
	merge_terms(s, &l);
	ids = xmalloc((l.n + 1) * sizeof *ids);
	if (!fmpq_is_zero(sum) || !l.n)
		ids[m++] = x_rat(s, sum);
	for (size_t i = 0; i < l.n; i++)
		ids[m++] = scaled(s, &l.p[i].q, l.p[i].id);
	for (size_t i = 0; i < m; i++)
		if (ids[i] < 0)
			goto done;
	out = m == 1 ? ids[0] : sorted_node(s, X_ADD, ids, m);
done:
	free(ids);
	parts_release(&l);
	fmpq_clear(sum);
	return out;
}

/* ---- products ---- */

/* Adds the factors of a to the list, rational ones to coef; 0: undefined, -1: none. */
static int add_factors(struct xs *s, struct parts *l, fmpq_t coef, xid a)
{
	const struct x *x;
	struct part *p;

	if (a < 0)
		return -1;
	x = x_at(s, a);
	if (x->kind == X_UNDEF)
		return 0;
	if (x->kind == X_RAT) {
		fmpq_mul(coef, coef, x_value(s, a));
		return xs_spend(s, 20 + fmpz_bits(fmpq_denref(coef)) / 4) && !x_too_big(coef) ? 1 : -1;
	}
	if (x->kind == X_MUL) {
		for (size_t i = 0, n = x->n; i < n; i++)
			if (add_factors(s, l, coef, x_kid(s, a, i)) < 0)
				return -1;
		return 1;
	}
	if (!xs_spend(s, 100))
		return -1;
	p = parts_add(l, x->kind == X_POWI ? x_kid(s, a, 0) : a);
	p->k = x->kind == X_POWI ? x->k : 1;
	return 1;
}

/* e^a e^b = e^(a+b): all exponentials of a product become one factor. */
static xid merge_exp(struct xs *s, struct parts *l)
{
	xid *ids = NULL, out = X_NONE;
	size_t n = 0, cap = 0, keep = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct x *x = x_at(s, l->p[i].id);

		if (x->kind == X_FUNC && x->op == MF_EXP) {
			xid e = x_mul2(s, x_kid(s, l->p[i].id, 0), x_int(s, l->p[i].k));

			VEC_PUSH(ids, n, cap) = e;
			fmpq_clear(&l->p[i].q);
		} else
			l->p[keep++] = l->p[i];
	}
	l->n = keep;
	if (n)
		out = x_func(s, MF_EXP, (xid[]){x_add(s, ids, n)}, 1);
	free(ids);
	return out;
}

static int merge_factors(struct xs *s, struct parts *l)
{
	size_t out = 0;
	int good = 1;

	if (l->n > 1)
		qsort(l->p, l->n, sizeof *l->p, by_id);
	for (size_t i = 0; i < l->n; i++) {
		if (out && l->p[out - 1].id == l->p[i].id) {
			if (l->p[out - 1].k < 0 || l->p[i].k < 0)
				need_value(s, x_node(s, X_POWI, 0, 0, -1, &l->p[i].id, 1));
			good &= !__builtin_add_overflow(l->p[out - 1].k, l->p[i].k, &l->p[out - 1].k);
			fmpq_clear(&l->p[i].q);
		} else
			l->p[out++] = l->p[i];
	}
	l->n = out;
	return good;
}

static int has_exp(const struct xs *s, const struct parts *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (x_is(s, l->p[i].id, X_FUNC) && x_at(s, l->p[i].id)->op == MF_EXP)
			return 1;
	return 0;
}

/* Adds the factors of a power unchanged; rational ones go to coef. */
static int flat_factor(struct xs *s, fmpq_t coef, xid f, xid **ids, size_t *n, size_t *cap)
{
	const struct x *x;

	if (f < 0)
		return 0;
	x = x_at(s, f);
	if (x->kind == X_RAT) {
		fmpq_mul(coef, coef, x_value(s, f));
		return !x_too_big(coef);
	}
	if (x->kind != X_MUL)
		VEC_PUSH(*ids, *n, *cap) = f;
	else
		for (size_t i = 0, m = x->n; i < m; i++)
			if (!flat_factor(s, coef, x_kid(s, f, i), ids, n, cap))
				return 0;
	return 1;
}

xid x_mul(struct xs *s, const xid *a, size_t n)
{
	struct parts l = {0};
	fmpq_t coef;
	xid out = X_NONE, *ids = NULL, exps = X_NONE;
	size_t m = 0, cap = 0;
	int good = 1;

	fmpq_init(coef);
	fmpq_one(coef);
	for (size_t i = 0; i < n && good > 0; i++)
		good = add_factors(s, &l, coef, a[i]);
	if (good <= 0) {
		out = good ? X_NONE : x_leaf(s, X_UNDEF);
		goto done;
	}
	if (has_exp(s, &l)) {
		exps = merge_exp(s, &l);
		if (exps < 0 || !flat_factor(s, coef, exps, &ids, &m, &cap))
			goto done;
	}
	if (!merge_factors(s, &l))
		goto done;
	for (size_t i = 0; i < l.n; i++) {
		xid f = l.p[i].k ? x_powi(s, l.p[i].id, l.p[i].k) : x_int(s, 1);

		if (f >= 0 && x_is(s, f, X_UNDEF)) {
			out = f;
			goto done;
		}
		if (!flat_factor(s, coef, f, &ids, &m, &cap))
			goto done;
	}
	if (fmpq_is_zero(coef)) {
		for (size_t i = 0; i < m; i++)
			need_value(s, ids[i]);
		out = x_int(s, 0);
	} else if (!m)
		out = x_rat(s, coef);
	else {
		if (m > 1)
			qsort(ids, m, sizeof *ids, xid_cmp);
		out = m == 1 ? ids[0] : x_node(s, X_MUL, 0, 0, 0, ids, m);
		if (out >= 0)
			out = scaled(s, coef, out);
	}
done:
	free(ids);
	parts_release(&l);
	fmpq_clear(coef);
	return out;
}

xid x_add2(struct xs *s, xid a, xid b) { return x_add(s, (xid[]){a, b}, 2); }
xid x_mul2(struct xs *s, xid a, xid b) { return x_mul(s, (xid[]){a, b}, 2); }
xid x_neg(struct xs *s, xid a) { return x_mul2(s, x_int(s, -1), a); }
xid x_sub(struct xs *s, xid a, xid b) { return x_add2(s, a, x_neg(s, b)); }
xid x_div(struct xs *s, xid a, xid b) { return x_mul2(s, a, x_powi(s, b, -1)); }
