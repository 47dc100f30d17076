/* SPDX-License-Identifier: MIT */
/*
 * Compares sets of real numbers as intervals: unions, intersections, and inequalities in one
 * variable that are linear, also inside an absolute value or a square.
 */
#include "equal/inside.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PIECES = 64 };

struct piece {
	xid lo, hi;
	int lo_open, hi_open;
};

struct pieces {
	struct piece p[MAX_PIECES];
	size_t n;
	const char *var;             /* the set's variable, or NULL */
};

/* -1, 0, 1; 2: unknown */
static int compare(struct eq *e, xid a, xid b)
{
	struct xs *s = e->s;

	if (a < 0 || b < 0)
		return 2;
	if (a == b)
		return 0;
	if (x_infinite(s, a) || x_infinite(s, b))
		return x_infinite(s, a) < x_infinite(s, b)   ? -1
		       : x_infinite(s, a) > x_infinite(s, b) ? 1
		                                             : 2;
	return x_sign(s, x_sub(s, a, b));
}

static int add_piece(struct pieces *out, xid lo, int lo_open, xid hi, int hi_open)
{
	if (lo < 0 || hi < 0 || out->n == MAX_PIECES)
		return 0;
	out->p[out->n++] = (struct piece){lo, hi, lo_open, hi_open};
	return 1;
}

static xid infinity(struct eq *e, int sign)
{
	xid inf = x_leaf(e->s, X_INF);

	return sign < 0 ? x_neg(e->s, inf) : inf;
}

/* Whether p is empty; -1: unknown. */
static int empty(struct eq *e, const struct piece *p)
{
	int c = compare(e, p->lo, p->hi);

	return c == 2 ? -1 : c > 0 || (c == 0 && (p->lo_open || p->hi_open));
}

/* Makes the pieces sorted, disjoint and nonempty ("normal"); 0: unknown. */
static int normalise(struct eq *e, struct pieces *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		int gone = empty(e, &s->p[i]);

		if (gone < 0)
			return 0;
		if (!gone)
			s->p[n++] = s->p[i];
	}
	s->n = n;
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j; j--) {
			int c = compare(e, s->p[j - 1].lo, s->p[j].lo);
			struct piece t = s->p[j];

			if (c == 2)
				return 0;
			if (c < 0 || (c == 0 && s->p[j - 1].lo_open <= t.lo_open))
				break;
			s->p[j] = s->p[j - 1];
			s->p[j - 1] = t;
		}
	n = s->n ? 1 : 0;
	for (size_t i = 1; i < s->n; i++) {
		struct piece *last = &s->p[n - 1], *next = &s->p[i];
		int c = compare(e, next->lo, last->hi);

		if (c == 2)
			return 0;
		if (c > 0 || (c == 0 && next->lo_open && last->hi_open)) {
			s->p[n++] = *next;
			continue;
		}
		c = compare(e, next->hi, last->hi);
		if (c == 2)
			return 0;
		if (c > 0 || (c == 0 && !next->hi_open)) {
			last->hi = next->hi;
			last->hi_open = next->hi_open;
		}
	}
	s->n = n;
	return 1;
}

static int intersect(struct eq *e, struct pieces *a, const struct pieces *b)
{
	struct pieces out = {.n = 0, .var = a->var ? a->var : b->var};

	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++) {
			const struct piece *p = &a->p[i], *q = &b->p[j];
			int lo = compare(e, p->lo, q->lo), hi = compare(e, p->hi, q->hi);

			if (lo == 2 || hi == 2 ||
			    !add_piece(&out, lo > 0 ? p->lo : q->lo,
			               lo > 0   ? p->lo_open
			               : lo < 0 ? q->lo_open
			                        : p->lo_open | q->lo_open,
			               hi < 0 ? p->hi : q->hi,
			               hi < 0   ? p->hi_open
			               : hi > 0 ? q->hi_open
			                        : p->hi_open | q->hi_open))
				return 0;
		}
	*a = out;
	return normalise(e, a);
}

/* s is normal */
static int complement(struct eq *e, struct pieces *s)
{
	struct pieces out = {.n = 0, .var = s->var};
	xid lo = infinity(e, -1);
	int open = 1;

	for (size_t i = 0; i < s->n; i++) {
		if (!add_piece(&out, lo, open, s->p[i].lo, !s->p[i].lo_open))
			return 0;
		lo = s->p[i].hi;
		open = !s->p[i].hi_open;
	}
	if (!add_piece(&out, lo, open, infinity(e, 1), 1))
		return 0;
	*s = out;
	/* an end at infinity gives pieces like (oo, oo), which are empty */
	return normalise(e, s);
}

static int pieces_of(struct eq *e, struct item a, struct pieces *out);

static int all_of(struct eq *e, struct pieces *out)
{
	return add_piece(out, infinity(e, -1), 1, infinity(e, 1), 1);
}

/* x op value */
static int half_line(struct eq *e, char op, xid v, struct pieces *out)
{
	switch (op) {
	case '<': case 'l': return add_piece(out, infinity(e, -1), 1, v, op == '<');
	case '>': case 'g': return add_piece(out, v, op == '>', infinity(e, 1), 1);
	case '=': return add_piece(out, v, 0, v, 0);
	case '!':
		return add_piece(out, infinity(e, -1), 1, v, 1) && add_piece(out, v, 1, infinity(e, 1), 1);
	default: return 0;
	}
}

static char mirrored(char op)
{
	return op == '<' ? '>' : op == '>' ? '<' : op == 'l' ? 'g' : op == 'g' ? 'l' : op;
}

static int constant(struct eq *e, struct item a, xid *v)
{
	if (!eq_is_formula(a.n))
		return 0;
	*v = x_build(e->s, a.n, a.pm);
	return *v >= 0 && !(x_flags(e->s, *v) & XF_VAR);
}

/* ---- inequalities ---- */

/* The only variable in a tree; NULL: none, or several (then *several). */
static const char *only_variable(const struct math_node *n, int *several)
{
	const char *name = n->kind == MT_VAR ? n->text : NULL;

	for (uint32_t i = 0; i < n->n && !*several; i++) {
		const char *other = only_variable(n->kid[i], several);

		*several |= name && other && strcmp(name, other);
		name = other ? other : name;
	}
	return name;
}

/* 1 if the item is slope * name + rest with constants. */
static int linear(struct eq *e, struct item a, const char *name, xid *slope, xid *rest)
{
	struct xs *s = e->s;
	xid all, d;

	if (!eq_is_formula(a.n))
		return 0;
	all = x_build(s, a.n, a.pm);
	*rest = x_build_at(s, a.n, a.pm, name, x_int(s, 0));
	*slope = x_sub(s, x_build_at(s, a.n, a.pm, name, x_int(s, 1)), *rest);
	if (all < 0 || *slope < 0 || x_is_zero(s, *slope) ||
	    (x_flags(s, *slope) | x_flags(s, *rest)) & (XF_VAR | XF_OPAQUE))
		return 0;
	d = x_sub(s, all, x_add2(s, x_mul2(s, *slope, x_var(s, name)), *rest));
	return d >= 0 && x_rational_zero(s, d) == MATH_EQUAL;
}

/* linear op value */
static int linear_line(struct eq *e, struct item a, const char *name, char op, xid v,
                       struct pieces *out)
{
	xid slope, rest;
	int sign;

	if (a.n->kind == MT_VAR)
		return half_line(e, op, v, out);
	if (!linear(e, a, name, &slope, &rest) || (sign = x_sign(e->s, slope)) == 2 || !sign)
		return 0;
	return half_line(e, sign < 0 ? mirrored(op) : op, x_div(e->s, x_sub(e->s, v, rest), slope),
	                 out);
}

/* |linear| op value, as two inequalities. */
static int both_signs(struct eq *e, struct item a, const char *name, char op, xid v,
                      struct pieces *out)
{
	struct pieces other = {.n = 0};
	int sign = x_infinite(e->s, v) ? 2 : x_sign(e->s, v);

	if (sign == 2)
		return 0;
	if (sign < 0)
		return op == '>' || op == 'g' || op == '!' ? all_of(e, out) : 1;
	if (!linear_line(e, a, name, op, v, out) ||
	    !linear_line(e, a, name, mirrored(op), x_neg(e->s, v), &other))
		return 0;
	if (op == '<' || op == 'l' || op == '!')
		return intersect(e, out, &other);
	for (size_t i = 0; i < other.n; i++)
		if (!add_piece(out, other.p[i].lo, other.p[i].lo_open, other.p[i].hi, other.p[i].hi_open))
			return 0;
	return normalise(e, out);
}

/* formula op constant */
static int solution(struct eq *e, struct item a, const char *name, char op, xid v,
                    struct pieces *out)
{
	const struct math_node *n = a.n;

	if (n->kind == MT_FUNC && n->op == MF_ABS)
		return both_signs(e, (struct item){n->kid[0], a.pm}, name, op, v, out);
	if (n->kind == MT_POW && n->kid[1]->kind == MT_NUMBER && !strcmp(n->kid[1]->text, "2") &&
	    !n->kid[1]->decimals) {
		int sign = x_infinite(e->s, v) ? 2 : x_sign(e->s, v);

		if (sign == 2)
			return 0;
		return both_signs(e, (struct item){n->kid[0], a.pm}, name, op,
		                  sign < 0 ? v : x_root(e->s, v, 2), out);
	}
	return linear_line(e, a, name, op, v, out);
}

/* A chain of inequalities between constants and formulas in one variable. */
static int from_relation(struct eq *e, struct item a, struct pieces *out)
{
	const struct math_node *n = a.n;
	int several = 0;
	const char *name = only_variable(n, &several);

	if (!name || several || (out->var && strcmp(out->var, name)) || !all_of(e, out))
		return 0;
	out->var = name;
	for (uint32_t i = 0; i + 1 < n->n; i++) {
		struct item l = {n->kid[i], a.pm}, r = {n->kid[i + 1], a.pm};
		struct pieces one = {.n = 0};
		char op = n->text[i];
		xid v;

		if (op == 'e' ? l.n->kind != MT_VAR || !pieces_of(e, r, &one) : 0)
			return 0;
		if (op != 'e' && constant(e, l, &v)) {
			l = r;
			op = mirrored(op);
		} else if (op != 'e' && !constant(e, r, &v)) {
			return 0;
		}
		if (op != 'e' && !solution(e, l, name, op, v, &one))
			return 0;
		if (!intersect(e, out, &one))
			return 0;
	}
	return 1;
}

/* ---- combinations ---- */

static int joined(struct eq *e, struct item a, struct pieces *out)
{
	for (uint32_t i = 0; i < a.n->n; i++) {
		struct pieces one = {.n = 0};

		if (!pieces_of(e, (struct item){a.n->kid[i], a.pm}, &one))
			return 0;
		if (one.var && out->var && strcmp(one.var, out->var))
			return 0;
		out->var = one.var ? one.var : out->var;
		for (size_t j = 0; j < one.n; j++)
			if (!add_piece(out, one.p[j].lo, one.p[j].lo_open, one.p[j].hi, one.p[j].hi_open))
				return 0;
	}
	return normalise(e, out);
}

static int met(struct eq *e, struct item a, struct pieces *out)
{
	if (!all_of(e, out))
		return 0;
	for (uint32_t i = a.n->kind == MT_BUILDER && a.n->kid[0]->kind == MT_VAR; i < a.n->n; i++) {
		struct pieces one = {.n = 0};

		if (!pieces_of(e, (struct item){a.n->kid[i], a.pm}, &one) || !intersect(e, out, &one))
			return 0;
		if (a.n->kind == MT_SETMINUS && !i) {
			struct pieces cut = {.n = 0};

			return pieces_of(e, (struct item){a.n->kid[1], a.pm}, &cut) && complement(e, &cut) &&
			       intersect(e, out, &cut);
		}
	}
	return 1;
}

/*
 * x > -2, x < 7 means the intersection; x < 1, x > 3, whose intersection is empty, the union.
 * Unknown if both readings make sense, if a word says "and" and the intersection is empty, or if
 * "and" and "or" are mixed.
 */
static int conditions(struct eq *e, struct item a, struct pieces *out)
{
	struct pieces either = {.n = 0}, both = {.n = 0};

	if (a.n->op == 'm' || !all_of(e, &both) || !joined(e, a, &either))
		return 0;
	for (uint32_t i = 0; i < a.n->n; i++) {
		struct pieces one = {.n = 0};

		if (!pieces_of(e, (struct item){a.n->kid[i], a.pm}, &one) || !intersect(e, &both, &one))
			return 0;
	}
	if (both.n && !(either.n == 1 && x_infinite(e->s, either.p[0].lo) < 0 &&
	                x_infinite(e->s, either.p[0].hi) > 0))
		return 0;
	if (!both.n && a.n->op == 'a')
		return 0;
	*out = both.n ? both : either;
	out->var = either.var;
	return 1;
}

static int pieces_of(struct eq *e, struct item a, struct pieces *out)
{
	const struct math_node *n = a.n;
	xid lo, hi;

	if (!xs_spend(e->s, 500))
		return 0;
	switch (n->kind) {
	case MT_EMPTY:
		return 1;
	case MT_SETNAME:
		return !strcmp(n->text, "R") && all_of(e, out);
	case MT_TUPLE:
		/* (3,2) is a point, not an empty interval */
		return n->n == 2 && n->open != '<' && constant(e, (struct item){n->kid[0], a.pm}, &lo) &&
		       constant(e, (struct item){n->kid[1], a.pm}, &hi) && compare(e, lo, hi) == -1 &&
		       add_piece(out, lo, n->open == '(', hi, n->close == ')') && normalise(e, out);
	case MT_SET: {
		struct items l = {0};
		int good = 1;

		eq_items(a, &l);
		for (size_t i = 0; i < l.n && good; i++)
			good = constant(e, l.i[i], &lo) && add_piece(out, lo, 0, lo, 0);
		free(l.i);
		return good && normalise(e, out);
	}
	case MT_UNION:
		return joined(e, a, out);
	case MT_LIST:
		return n->op == 'o' ? joined(e, a, out) : conditions(e, a, out);
	case MT_INTER: case MT_SETMINUS: case MT_BUILDER:
		return met(e, a, out);
	case MT_REL:
		return from_relation(e, a, out);
	default:
		return 0;
	}
}

static int is_inequality(const struct math_node *n)
{
	return n->kind == MT_REL && strspn(n->text, "<>lg!e") == n->len;
}

int eq_is_real_set(const struct math_node *n)
{
	switch (n->kind) {
	case MT_TUPLE:
		return n->n == 2 && n->open != '<';
	case MT_SET: case MT_EMPTY: case MT_SETNAME: case MT_UNION: case MT_INTER: case MT_SETMINUS:
	case MT_BUILDER:
		return 1;
	case MT_REL:
		return strspn(n->text, "<>lg!e=") == n->len && !eq_definition(n)
		       ? 1 : n->len == 1 && *n->text == 'e';
	case MT_LIST:
		for (uint32_t i = 0; i < n->n; i++)
			if (!eq_is_real_set(n->kid[i]) || (n->op != 'o' && !is_inequality(n->kid[i])))
				return 0;
		return 1;
	default:
		return 0;
	}
}

struct math_result eq_real_set(struct eq *e, struct item a, struct item b)
{
	struct pieces p = {.n = 0}, q = {.n = 0};

	xs_begin(e->s);
	if ((!a.pm && eq_has_pm(a.n)) || (!b.pm && eq_has_pm(b.n)) || !pieces_of(e, a, &p) ||
	    !pieces_of(e, b, &q) || xs_cancelled(e->s))
		return EQ_UNKNOWN;
	if (p.var && q.var && strcmp(p.var, q.var))
		return EQ_UNKNOWN;
	if (p.n != q.n)
		return eq_result(MATH_UNEQUAL, MATH_BY_CERTIFIED);
	for (size_t i = 0; i < p.n; i++) {
		int lo = compare(e, p.p[i].lo, q.p[i].lo), hi = compare(e, p.p[i].hi, q.p[i].hi);

		if (p.p[i].lo_open != q.p[i].lo_open || p.p[i].hi_open != q.p[i].hi_open ||
		    (lo && lo != 2) || (hi && hi != 2))
			return eq_result(MATH_UNEQUAL, MATH_BY_CERTIFIED);
		if (lo || hi)
			return EQ_UNKNOWN;
	}
	return eq_result(MATH_EQUAL, MATH_BY_CERTIFIED);
}
