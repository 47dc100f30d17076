/* SPDX-License-Identifier: MIT */
/* The graph of formulas: its nodes. */
#include "formula/inside.h"

#include <stdlib.h>
#include <string.h>

enum { REFUSED = 1000 };

struct xs *xs_new(void)
{
	struct xs *s = xcalloc(1, sizeof *s);

	s->budget = MATH_MAX_WORK;
	return s;
}

void xs_free(struct xs *s)
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
	free(s);
}

int xs_spend(struct xs *s, uint64_t units)
{
	if (units > s->budget - s->spent) {
		/* refused, but the attempt is charged */
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

uint64_t xs_spent(const struct xs *s)
{
	return s->spent;
}

void xs_begin(struct xs *s)
{
	s->n_finite = 0;
}

int xs_cancelled(const struct xs *s)
{
	return s->n_finite > 0;
}

int xs_join(struct xs *s, const char *p, const char *q)
{
	xid same;

	if (s->n_bound + 2 > X_MAX_BOUND)
		return 0;
	same = x_var(s, " parameter");
	s->bound[s->n_bound].name = p;
	s->bound[s->n_bound++].value = same;
	s->bound[s->n_bound].name = q;
	s->bound[s->n_bound++].value = same;
	return 1;
}

void xs_part(struct xs *s)
{
	s->n_bound -= 2;
}

/* ---- properties ---- */

int x_is(const struct xs *s, xid a, enum x_kind k)
{
	return s->x[a].kind == k;
}

unsigned x_flags(const struct xs *s, xid a)
{
	return s->x[a].flags;
}

int x_is_rational(const struct xs *s, xid a)
{
	return x_is(s, a, X_RAT);
}

int x_is_whole(const struct xs *s, xid a)
{
	return x_is(s, a, X_RAT) && fmpz_is_one(fmpq_denref(x_value(s, a)));
}

int x_is_zero(const struct xs *s, xid a)
{
	return x_is(s, a, X_RAT) && fmpq_is_zero(x_value(s, a));
}

int x_small(const struct xs *s, xid a, unsigned bits, int64_t *out)
{
	if (!x_is_whole(s, a) || fmpz_bits(fmpq_numref(x_value(s, a))) > bits)
		return 0;
	*out = fmpz_get_si(fmpq_numref(x_value(s, a)));
	return 1;
}

/* ---- nodes ---- */

static uint32_t mix(uint32_t h, uint64_t v)
{
	uint64_t x = (h ^ v) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(x >> 32) ^ (uint32_t)x;
}

/* A hash of the whole integer, since low limbs are often equal. */
static uint64_t residue(const fmpz_t v)
{
	return COEFF_IS_MPZ(*v) ? fmpz_fdiv_ui(v, 0xffffffffffffffc5u) : (uint64_t)*v;
}

static uint32_t rat_hash(uint32_t h, const fmpq_t q)
{
	return mix(mix(h, residue(fmpq_numref(q))), residue(fmpq_denref(q)));
}

static int same(const struct xs *s, const struct x *a, const struct x *b, const xid *kids)
{
	if (a->hash != b->hash || a->kind != b->kind || a->op != b->op || a->n != b->n || a->k != b->k)
		return 0;
	if (a->n)
		return !memcmp(s->kids + a->at, kids, a->n * sizeof *kids) &&
		       (a->kind != X_APPLY || a->k == b->k);
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

xid x_node(struct xs *s, enum x_kind kind, int op, uint32_t at, int64_t k, const xid *kids,
           size_t n)
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
		h = rat_hash(h, &s->rat[at]);
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

int x_too_big(const fmpq_t q)
{
	return fmpz_bits(fmpq_numref(q)) > X_MAX_BITS || fmpz_bits(fmpq_denref(q)) > X_MAX_BITS;
}

/* Each rational is stored once: looks for an equal one by its hash. */
xid x_rat(struct xs *s, const fmpq_t q)
{
	uint32_t h = mix(mix(0x811c9dc5u, X_RAT * 256u), 0);
	fmpq *mine;

	if (x_too_big(q))
		return X_NONE;
	h = rat_hash(h, q);
	for (size_t at = h & (s->cap_table - 1); s->cap_table && s->table[at] >= 0;
	     at = (at + 1) & (s->cap_table - 1)) {
		const struct x *x = &s->x[s->table[at]];

		if (!xs_spend(s, 10))
			return X_NONE;
		if (x->hash == h && x->kind == X_RAT && fmpq_equal(&s->rat[x->at], q))
			return s->table[at];
	}
	/* charge for its memory */
	if (!xs_spend(s, (fmpz_bits(fmpq_numref(q)) + fmpz_bits(fmpq_denref(q))) / 2))
		return X_NONE;
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

xid x_fmpz(struct xs *s, const fmpz_t v)
{
	fmpq_t q;
	xid r;

	fmpq_init(q);
	fmpz_set(fmpq_numref(q), v);
	r = x_rat(s, q);
	fmpq_clear(q);
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
	if (x->kind != X_MUL || x->n != 2 || !x_is(s, x_kid(s, a, 0), X_RAT) ||
	    !x_is(s, x_kid(s, a, 1), X_PI))
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
