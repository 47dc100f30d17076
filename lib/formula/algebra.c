/* SPDX-License-Identifier: MIT */
/*
 * Formulas as fractions of polynomials: the generators are variables and whatever is not rational
 * arithmetic (a root, pi, sin x). Fractions are never reduced, since the cost of a product is known
 * beforehand and that of a gcd is not: N1/D1 = N2/D2 if N1 D2 - N2 D1 is the zero polynomial.
 */
#include "formula/inside.h"

#include <flint/fmpz_mpoly.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GENERATORS = 24, MAX_TERMS = 4096 };

struct frac {
	fmpz_mpoly_t num, den;
};

struct ring {
	struct xs *s;
	fmpz_mpoly_ctx_t ctx;
	xid gen[MAX_GENERATORS];
	size_t n_gen;
	xid *slot;                   /* by node: index of its fraction, -1: not needed */
	struct frac *f;
	size_t n_f;
	size_t n_slot;
};

static int arithmetic(const struct x *x)
{
	return x->kind == X_ADD || x->kind == X_MUL || x->kind == X_POWI || x->kind == X_RAT;
}

/* Finds generators and the nodes above them. 0: too many. */
static int ring_init(struct ring *r, struct xs *s, xid a, xid b)
{
	size_t n = (size_t)(a > b ? a : b) + 1, next = 0;
	int good = 1;

	memset(r, 0, sizeof *r);
	r->s = s;
	r->slot = xcalloc(n, sizeof *r->slot);
	r->n_slot = n;
	r->slot[a] = r->slot[b] = 1;
	for (size_t i = n; i-- > 0 && good; ) {
		if (!r->slot[i])
			continue;
		r->n_f++;
		if (arithmetic(&s->x[i]))
			for (uint32_t j = 0; j < s->x[i].n; j++)
				r->slot[x_kid(s, (xid)i, j)] = 1;
		else if (r->n_gen < MAX_GENERATORS)
			r->gen[r->n_gen++] = (xid)i;
		else
			good = 0;
	}
	for (size_t i = 0; i < n; i++)
		r->slot[i] = r->slot[i] ? (xid)next++ : -1;
	fmpz_mpoly_ctx_init(r->ctx, r->n_gen ? (slong)r->n_gen : 1, ORD_LEX);
	r->f = xcalloc(r->n_f + 1, sizeof *r->f);
	for (size_t i = 0; i < r->n_f; i++) {
		fmpz_mpoly_init(r->f[i].num, r->ctx);
		fmpz_mpoly_init(r->f[i].den, r->ctx);
	}
	return good && xs_spend(s, 2000 + n * 10 + r->n_f * 100);
}

static void ring_release(struct ring *r)
{
	for (size_t i = 0; i < r->n_f; i++) {
		fmpz_mpoly_clear(r->f[i].num, r->ctx);
		fmpz_mpoly_clear(r->f[i].den, r->ctx);
	}
	fmpz_mpoly_ctx_clear(r->ctx);
	free(r->f);
	free(r->slot);
}

static uint64_t length(struct ring *r, const fmpz_mpoly_t a)
{
	return (uint64_t)fmpz_mpoly_length(a, r->ctx);
}

static uint64_t bits(const fmpz_mpoly_t a)
{
	return (uint64_t)llabs(fmpz_mpoly_max_bits(a));
}

/* The cost of a copy. */
static uint64_t weight(struct ring *r, const fmpz_mpoly_t a)
{
	return length(r, a) * (60 + bits(a) / 8);
}

/* out = a b, if small enough. */
static int multiply(struct ring *r, fmpz_mpoly_t out, const fmpz_mpoly_t a, const fmpz_mpoly_t b)
{
	uint64_t la = length(r, a), lb = length(r, b), wa = bits(a), wb = bits(b);

	if (wa + wb > X_MAX_BITS || (la && lb > MAX_TERMS * 16 / la * 16) ||
	    !xs_spend(r->s, 200 + la * lb * (60 + (wa + wb) / 8 + wa / 64 * (wb / 64))))
		return 0;
	if (la * lb * (wa + wb) / 8 > (64u << 20))
		return 0;
	fmpz_mpoly_mul(out, a, b, r->ctx);
	return length(r, out) <= MAX_TERMS;
}

static int power(struct ring *r, fmpz_mpoly_t out, const fmpz_mpoly_t a, uint64_t k)
{
	fmpz_mpoly_t base;
	int good = 1;

	if (length(r, a) == 1 && bits(a) * k <= X_MAX_BITS && k < INT32_MAX) {
		if (!xs_spend(r->s, 500 + bits(a) * k))
			return 0;
		return fmpz_mpoly_pow_ui(out, a, (ulong)k, r->ctx);
	}
	if (k > MAX_TERMS)
		return 0;
	fmpz_mpoly_init(base, r->ctx);
	fmpz_mpoly_set(base, a, r->ctx);
	fmpz_mpoly_one(out, r->ctx);
	for (; k && good; k >>= 1) {
		if (k & 1)
			good = multiply(r, out, out, base);
		if (k > 1)
			good = good && multiply(r, base, base, base);
	}
	fmpz_mpoly_clear(base, r->ctx);
	return good;
}

/* f += g */
static int plus(struct ring *r, struct frac *f, const struct frac *g)
{
	fmpz_mpoly_t t;
	int good;

	if (!xs_spend(r->s, 200 + weight(r, f->num) + weight(r, g->num)))
		return 0;
	if (fmpz_mpoly_equal(f->den, g->den, r->ctx)) {
		fmpz_mpoly_add(f->num, f->num, g->num, r->ctx);
		return 1;
	}
	fmpz_mpoly_init(t, r->ctx);
	good = multiply(r, f->num, f->num, g->den) && multiply(r, t, g->num, f->den) &&
	       multiply(r, f->den, f->den, g->den);
	if (good)
		fmpz_mpoly_add(f->num, f->num, t, r->ctx);
	fmpz_mpoly_clear(t, r->ctx);
	return good && length(r, f->num) <= MAX_TERMS;
}

static int one(struct ring *r, xid a)
{
	struct xs *s = r->s;
	const struct x *x = x_at(s, a);
	struct frac *f = &r->f[r->slot[a]], *g = x->n ? &r->f[r->slot[x_kid(s, a, 0)]] : NULL;
	int good = 1;

	if (!arithmetic(x)) {
		slong at = 0;

		while (r->gen[at] != a)
			at++;
		fmpz_mpoly_gen(f->num, at, r->ctx);
		fmpz_mpoly_one(f->den, r->ctx);
		return 1;
	}
	switch (x->kind) {
	case X_RAT:
		fmpz_mpoly_set_fmpz(f->num, fmpq_numref(x_value(s, a)), r->ctx);
		fmpz_mpoly_set_fmpz(f->den, fmpq_denref(x_value(s, a)), r->ctx);
		return 1;
	case X_POWI:
		if (x->k < 0 && fmpz_mpoly_is_zero(g->num, r->ctx))
			return 0;
		return power(r, f->num, x->k < 0 ? g->den : g->num, (uint64_t)llabs(x->k)) &&
		       power(r, f->den, x->k < 0 ? g->num : g->den, (uint64_t)llabs(x->k));
	}
	if (!xs_spend(s, weight(r, g->num) + weight(r, g->den)))
		return 0;
	fmpz_mpoly_set(f->num, g->num, r->ctx);
	fmpz_mpoly_set(f->den, g->den, r->ctx);
	for (uint32_t i = 1; i < x->n && good; i++) {
		g = &r->f[r->slot[x_kid(s, a, i)]];
		if (x->kind == X_ADD)
			good = plus(r, f, g);
		else
			good = multiply(r, f->num, f->num, g->num) && multiply(r, f->den, f->den, g->den);
	}
	return good;
}

/* Computes the fractions of all nodes. */
static int ring_fill(struct ring *r)
{
	for (size_t i = 0; i < r->n_slot; i++)
		if (r->slot[i] >= 0 && !one(r, (xid)i))
			return 0;
	return 1;
}

/* ---- coefficients ---- */

/* A polynomial in some generators (the outer ones) whose coefficients are constants in the
 * others. */
struct group {
	ulong e[MAX_GENERATORS];     /* exponents of the outer generators, 0 for the inner ones */
	xid *term;
	size_t n, cap;
	xid coef;                    /* the sum of the terms */
};

struct groups {
	struct group *g;
	size_t n, cap;
};

static void groups_release(struct groups *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->g[i].term);
	free(l->g);
}

static struct group *group_of(struct groups *l, const ulong *e)
{
	struct group *g;

	for (size_t j = 0; j < l->n; j++)
		if (!memcmp(l->g[j].e, e, sizeof l->g[j].e))
			return &l->g[j];
	g = &VEC_PUSH(l->g, l->n, l->cap);
	memset(g, 0, sizeof *g);
	memcpy(g->e, e, sizeof g->e);
	return g;
}

/* Splits p into groups of terms; 0 if it is too long. */
static int split(struct ring *r, const fmpz_mpoly_t p, const int *outer, struct groups *out)
{
	size_t n = (size_t)fmpz_mpoly_length(p, r->ctx);
	ulong e[MAX_GENERATORS] = {0};
	int good = 1;
	fmpq_t c;

	if (n > 1024 || !fmpz_mpoly_degrees_fit_si(p, r->ctx))
		return 0;
	fmpq_init(c);
	for (size_t i = 0; i < n && good; i++) {
		struct group *g;
		xid term;

		fmpz_mpoly_get_term_exp_ui(e, p, (slong)i, r->ctx);
		fmpz_mpoly_get_term_coeff_fmpz(fmpq_numref(c), p, (slong)i, r->ctx);
		term = x_rat(r->s, c);
		for (size_t j = 0; j < r->n_gen; j++)
			if (!outer[j]) {
				if (e[j])
					term = x_mul2(r->s, term, x_powi(r->s, r->gen[j], (int64_t)e[j]));
				e[j] = 0;
			}
		g = group_of(out, e);
		VEC_PUSH(g->term, g->n, g->cap) = term;
		good = term >= 0 && xs_spend(r->s, 200 + out->n * 20);
	}
	fmpq_clear(c);
	for (size_t i = 0; i < out->n && good; i++) {
		out->g[i].coef = x_add(r->s, out->g[i].term, out->g[i].n);
		good = out->g[i].coef >= 0;
	}
	return good;
}

/* Whether all coefficients are zero. */
static enum math_verdict all_zero(struct xs *s, const struct groups *l)
{
	enum math_verdict v = MATH_EQUAL;

	for (size_t i = 0; i < l->n; i++)
		switch (x_zero(s, l->g[i].coef)) {
		case MATH_UNEQUAL: return MATH_UNEQUAL;
		case MATH_UNKNOWN: v = MATH_UNKNOWN; break;
		case MATH_EQUAL: break;
		}
	return v;
}

/* Outer generators: those that depend on variables; without variables, those not known to be
 * algebraic. *independent: the outer generators are algebraically independent of the rest, so that
 * one nonzero coefficient proves the polynomial nonzero. */
static size_t choose_outer(struct ring *r, int *outer, int *independent)
{
	size_t n = 0;
	slong unused;

	*independent = 1;
	for (size_t i = 0; i < r->n_gen; i++) {
		const struct x *x = x_at(r->s, r->gen[i]);

		outer[i] = (x->flags & (XF_VAR | XF_OPAQUE)) != 0;
		n += (size_t)outer[i];
		if (outer[i] && x->kind != X_VAR)
			*independent = 0;
	}
	if (n)
		return n;
	*independent = 0;
	for (size_t i = 0; i < r->n_gen; i++) {
		outer[i] = !x_bound(r->s, r->gen[i], X_MAX_PREC, &unused);
		n += (size_t)outer[i];
	}
	return n;
}

enum math_verdict x_rational_zero(struct xs *s, xid a)
{
	struct ring r;
	struct groups l = {0};
	enum math_verdict v = MATH_UNKNOWN;
	int outer[MAX_GENERATORS] = {0}, independent;
	uint64_t budget = s->budget;

	/* leave some budget for points */
	s->budget -= (s->budget - s->spent) / 2;
	if (ring_init(&r, s, a, a) && ring_fill(&r)) {
		const struct frac *f = &r.f[r.slot[a]];

		if (fmpz_mpoly_is_zero(f->num, r.ctx))
			v = MATH_EQUAL;
		/* without outer generators it is a constant, whose bound was tried already */
		else if (choose_outer(&r, outer, &independent) && split(&r, f->num, outer, &l)) {
			v = all_zero(s, &l);
			if (v == MATH_UNEQUAL && !independent)
				v = MATH_UNKNOWN;
		}
	}
	s->budget = budget;
	ring_release(&r);
	groups_release(&l);
	return v;
}

/* ---- equations ---- */

static const struct group *find(const struct groups *l, const struct group *like)
{
	for (size_t i = 0; i < l->n; i++)
		if (!memcmp(l->g[i].e, like->e, sizeof like->e))
			return &l->g[i];
	return NULL;
}

/* Whether p = c q for a constant c, by cross products with a nonzero coefficient of q. */
static enum math_verdict cross(struct xs *s, const struct groups *p, const struct groups *q,
                               int *sign)
{
	const struct group *q0 = NULL, *p0;
	enum math_verdict v = MATH_EQUAL;
	xid zero = x_int(s, 0);

	for (size_t i = 0; i < q->n && !q0; i++)
		if (x_zero(s, q->g[i].coef) == MATH_UNEQUAL)
			q0 = &q->g[i];
	if (!q0)
		return MATH_UNKNOWN;
	p0 = find(p, q0);
	if (!p0)
		return MATH_UNEQUAL;
	if (x_zero(s, p0->coef) != MATH_UNEQUAL)
		return MATH_UNKNOWN;
	*sign = x_sign(s, p0->coef) * x_sign(s, q0->coef);
	if (*sign != 1 && *sign != -1)
		*sign = 0;
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < (side ? q : p)->n; i++) {
			const struct group *g = &(side ? q : p)->g[i], *h = find(side ? p : q, g);
			xid d = x_sub(s, x_mul2(s, g->coef, side ? p0->coef : q0->coef),
			              x_mul2(s, h ? h->coef : zero, side ? q0->coef : p0->coef));

			switch (d < 0 ? MATH_UNKNOWN : x_zero(s, d)) {
			case MATH_UNEQUAL: return MATH_UNEQUAL;
			case MATH_UNKNOWN: v = MATH_UNKNOWN; break;
			case MATH_EQUAL: break;
			}
		}
	return v;
}

enum math_verdict x_proportional(struct xs *s, xid a, xid b, int *sign)
{
	struct ring r;
	struct groups p = {0}, q = {0};
	enum math_verdict v = MATH_UNKNOWN;
	int outer[MAX_GENERATORS] = {0}, independent;

	*sign = 0;
	if (ring_init(&r, s, a, b) && ring_fill(&r)) {
		struct frac *f = &r.f[r.slot[a]], *g = &r.f[r.slot[b]];
		fmpz_mpoly_t left, right;

		fmpz_mpoly_init(left, r.ctx);
		fmpz_mpoly_init(right, r.ctx);
		if (choose_outer(&r, outer, &independent) && multiply(&r, left, f->num, g->den) &&
		    multiply(&r, right, g->num, f->den) && split(&r, left, outer, &p) &&
		    split(&r, right, outer, &q)) {
			v = cross(s, &p, &q, sign);
			if (v == MATH_UNEQUAL && !independent)
				v = MATH_UNKNOWN;
		}
		fmpz_mpoly_clear(left, r.ctx);
		fmpz_mpoly_clear(right, r.ctx);
	}
	ring_release(&r);
	groups_release(&p);
	groups_release(&q);
	return v;
}

int x_degree(struct xs *s, xid a)
{
	struct ring r;
	int degree = -1;

	if (ring_init(&r, s, a, a) && ring_fill(&r)) {
		const struct frac *f = &r.f[r.slot[a]];
		int good = fmpz_mpoly_is_fmpz(f->den, r.ctx);

		for (size_t i = 0; i < r.n_gen; i++)
			good &= x_is(s, r.gen[i], X_VAR);
		if (good && fmpz_mpoly_total_degree_fits_si(f->num, r.ctx)) {
			slong d = fmpz_mpoly_total_degree_si(f->num, r.ctx);

			degree = d < 0 ? 0 : d > INT32_MAX ? INT32_MAX : (int)d;
		}
	}
	ring_release(&r);
	return degree;
}
