/* SPDX-License-Identifier: MIT */
/* The graph of formulas: nodes, and the sums and products that are built into it. */
#include "math/expr.h"

#include <stdlib.h>
#include <string.h>

enum { REFUSED = 1000 };

void xs_init(struct xs *s)
{
	memset(s, 0, sizeof *s);
	s->budget = MATH_MAX_WORK;
}

void xs_release(struct xs *s)
{
	for (size_t i = 0; i < s->n_rat; i++)
		fmpq_clear(&s->rat[i]);
	for (size_t i = 0; i < s->n_name; i++)
		free(s->name[i]);
	free(s->x);
	free(s->kids);
	free(s->rat);
	free(s->name);
	free(s->table);
	free(s->finite);
	memset(s, 0, sizeof *s);
}

int xs_spend(struct xs *s, uint64_t units)
{
	if (units > s->budget - s->spent) {
		/* it is not done; asking was not free */
		s->spent += s->budget - s->spent < REFUSED ? s->budget - s->spent : REFUSED;
		return 0;
	}
	s->spent += units;
	return 1;
}

int xs_broke(const struct xs *s)
{
	return s->spent >= s->budget;
}

/* ---- nodes ---- */

static uint32_t mix(uint32_t h, uint64_t v)
{
	uint64_t x = (h ^ v) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(x >> 32) ^ (uint32_t)x;
}

static int same(const struct xs *s, const struct x *a, const struct x *b, const xid *kids)
{
	if (a->hash != b->hash || a->kind != b->kind || a->op != b->op || a->n != b->n || a->k != b->k)
		return 0;
	if (a->n)
		return !memcmp(s->kids + a->at, kids, a->n * sizeof *kids) && (a->kind != X_APPLY || a->k == b->k);
	return a->at == b->at;
}

static void rehash(struct xs *s)
{
	size_t cap = s->cap_table ? s->cap_table * 2 : 64;

	free(s->table);
	s->table = xmalloc(cap * sizeof *s->table);
	s->cap_table = cap;
	memset(s->table, 0xff, cap * sizeof *s->table);
	for (size_t i = 0; i < s->n; i++) {
		size_t at = s->x[i].hash & (cap - 1);

		while (s->table[at] >= 0)
			at = (at + 1) & (cap - 1);
		s->table[at] = (xid)i;
	}
}

static uint8_t own_flags(enum x_kind kind, int op)
{
	switch (kind) {
	case X_VAR: return XF_VAR;
	case X_I: return XF_I;
	case X_INF: case X_APPLY: return XF_OPAQUE;
	case X_FUNC: break;
	default: return 0;
	}
	switch (op) {
	case MF_RE: case MF_IM: case MF_CONJ: case MF_ARG: return XF_I;
	case MF_FLOOR: case MF_CEIL: case MF_SGN: return XF_JUMP;
	case MF_FACT: case MF_FACT2: case MF_BINOM: case MF_GCD: case MF_LCM: return XF_STEP;
	default: return 0;
	}
}

xid x_node(struct xs *s, enum x_kind kind, int op, uint32_t at, int64_t k, const xid *kids, size_t n)
{
	struct x new = {.kind = (uint8_t)kind, .op = (uint8_t)op, .n = (uint32_t)n, .at = at, .k = k};
	uint32_t h = mix(mix(0x811c9dc5u, kind * 256u + (uint32_t)op), (uint64_t)k);
	size_t slot;

	for (size_t i = 0; i < n; i++) {
		if (kids[i] < 0)
			return X_NONE;
		h = mix(h, s->x[kids[i]].hash);
		new.flags |= s->x[kids[i]].flags;
	}
	if (!n && kind == X_RAT)
		h = mix(mix(h, fmpz_get_ui(fmpq_numref(&s->rat[at])) * 2 + (fmpq_sgn(&s->rat[at]) < 0)),
		        fmpz_get_ui(fmpq_denref(&s->rat[at])));
	else if (!n && kind == X_VAR)
		h = mix(h, hash_bytes(s->name[at], strlen(s->name[at])));
	new.hash = h;
	new.flags |= own_flags(kind, op);
	if (s->n * 2 >= s->cap_table)
		rehash(s);
	for (slot = h & (s->cap_table - 1); s->table[slot] >= 0; slot = (slot + 1) & (s->cap_table - 1))
		if (same(s, &s->x[s->table[slot]], &new, kids))
			return s->table[slot];
	if (s->n >= X_MAX_NODES || !xs_spend(s, 100 + 10 * n))
		return X_NONE;
	if (n) {
		size_t from = s->n_kids;

		for (size_t i = 0; i < n; i++)
			VEC_PUSH(s->kids, s->n_kids, s->cap_kids) = kids[i];
		new.at = (uint32_t)from;
	}
	s->table[slot] = (xid)s->n;
	VEC_PUSH(s->x, s->n, s->cap) = new;
	return (xid)s->n - 1;
}

static int too_big(const fmpq_t q)
{
	return fmpz_bits(fmpq_numref(q)) > X_MAX_BITS || fmpz_bits(fmpq_denref(q)) > X_MAX_BITS;
}

/* A rational is entered once: its index is found by looking for an equal one under its hash. */
xid x_rat(struct xs *s, const fmpq_t q)
{
	uint32_t h = mix(mix(0x811c9dc5u, X_RAT * 256u), 0);
	fmpq *mine;

	if (too_big(q))
		return X_NONE;
	h = mix(mix(h, fmpz_get_ui(fmpq_numref(q)) * 2 + (fmpq_sgn(q) < 0)), fmpz_get_ui(fmpq_denref(q)));
	for (size_t at = h & (s->cap_table - 1); s->cap_table && s->table[at] >= 0; at = (at + 1) & (s->cap_table - 1)) {
		const struct x *x = &s->x[s->table[at]];

		if (x->hash == h && x->kind == X_RAT && fmpq_equal(&s->rat[x->at], q))
			return s->table[at];
	}
	mine = &VEC_PUSH(s->rat, s->n_rat, s->cap_rat);
	fmpq_init(mine);
	fmpq_set(mine, q);
	return x_node(s, X_RAT, 0, (uint32_t)s->n_rat - 1, 0, NULL, 0);
}

xid x_frac(struct xs *s, int64_t p, int64_t q)
{
	fmpq_t v;
	xid r;

	fmpq_init(v);
	fmpq_set_si(v, p, (ulong)q);
	r = x_rat(s, v);
	fmpq_clear(v);
	return r;
}

xid x_int(struct xs *s, int64_t v)
{
	return x_frac(s, v, 1);
}

xid x_leaf(struct xs *s, enum x_kind kind)
{
	return x_node(s, kind, 0, 0, 0, NULL, 0);
}

static uint32_t name_of(struct xs *s, const char *name)
{
	for (size_t i = 0; i < s->n_name; i++)
		if (!strcmp(s->name[i], name))
			return (uint32_t)i;
	VEC_PUSH(s->name, s->n_name, s->cap_name) = xstrdup(name);
	return (uint32_t)s->n_name - 1;
}

xid x_var(struct xs *s, const char *name)
{
	return x_node(s, X_VAR, 0, name_of(s, name), 0, NULL, 0);
}

xid x_apply(struct xs *s, const char *name, const xid *a, size_t n)
{
	return n ? x_node(s, X_APPLY, 0, 0, name_of(s, name), a, n) : X_NONE;
}

int x_pi_multiple(const struct xs *s, xid a, fmpq_t r)
{
	const struct x *x = x_at(s, a);

	if (x->kind == X_PI)
		return fmpq_one(r), 1;
	if (x->kind == X_RAT && fmpq_is_zero(x_value(s, a)))
		return fmpq_zero(r), 1;
	if (x->kind != X_MUL || x->n != 2 || !x_is(s, x_kid(s, a, 0), X_RAT) || !x_is(s, x_kid(s, a, 1), X_PI))
		return 0;
	fmpq_set(r, x_value(s, x_kid(s, a, 0)));
	return 1;
}

int x_pi_i_multiple(const struct xs *s, xid a, fmpq_t r)
{
	const struct x *x = x_at(s, a);
	int pi = 0, i = 0;

	fmpq_one(r);
	if (x->kind != X_MUL)
		return 0;
	for (size_t j = 0; j < x->n; j++) {
		xid k = x_kid(s, a, j);

		if (x_is(s, k, X_RAT))
			fmpq_set(r, x_value(s, k));
		else if (x_is(s, k, X_PI))
			pi++;
		else if (x_is(s, k, X_I))
			i++;
		else
			return 0;
	}
	return pi == 1 && i == 1;
}

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

/* What is cancelled must have had a value; with variables that is so almost everywhere. */
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
	/* the rational first: it is found there */
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
		good = good && !too_big(sum) ? 1 : -1;
	} else if (x->kind == X_ADD) {
		for (size_t i = 0, n = x->n; i < n && good > 0; i++)
			good = add_terms(s, l, sum, c, x_kid(s, a, i));
	} else {
		rest = unscaled(s, a, q);
		fmpq_mul(q, q, c);
		if (rest < 0 || too_big(q))
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

/* Like terms together; those that cancel go. */
static void merge_terms(struct xs *s, struct parts *l)
{
	size_t out = 0;

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

/* The factors of a to the list, rational ones into coef; 0: undefined, -1: none. */
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
		return xs_spend(s, 20 + fmpz_bits(fmpq_denref(coef)) / 4) && !too_big(coef) ? 1 : -1;
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

/* The factors of a power, as they are; rational ones into coef. */
static int flat_factor(struct xs *s, fmpq_t coef, xid f, xid **ids, size_t *n, size_t *cap)
{
	const struct x *x;

	if (f < 0)
		return 0;
	x = x_at(s, f);
	if (x->kind == X_RAT) {
		fmpq_mul(coef, coef, x_value(s, f));
		return !too_big(coef);
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
