/* SPDX-License-Identifier: MIT */
/*
 * Compares equations and inequalities: up to a nonzero constant factor, whose sign reverses an
 * inequality, and up to exchanging sides. A chain is the set of its links.
 */
#include "equal/inside.h"

#include <stdlib.h>
#include <string.h>

struct link {
	struct item l, r;
	char op;
};

/* True for AB, a segment or an arc: a product of capital letters. */
static int is_segment(const struct math_node *n)
{
	if (n->kind != MT_MUL || n->n > 4)
		return 0;
	for (uint32_t i = 0; i < n->n; i++)
		if (n->kid[i]->kind != MT_VAR || n->kid[i]->len != 1 || *n->kid[i]->text < 'A' ||
		    *n->kid[i]->text > 'Z')
			return 0;
	return 1;
}

static int all_names(const struct math_node *n)
{
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->kid[i]->kind != MT_VAR)
			return 0;
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(n->kid[i]->text, n->kid[j]->text))
				return 0;
	}
	return n->n > 0;
}

/* True for a segment's length |AB|. */
static int is_length(const struct math_node *n)
{
	return n->kind == MT_FUNC && n->op == MF_ABS &&
	       (is_segment(n->kid[0]) || (n->kid[0]->kind == MT_VAR && n->kid[0]->len > 1));
}

/* True if one of these names occurs. */
static int mentions_any(const struct math_node *n, const struct math_node *names)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (eq_mentions(n, names->kid[i]->text))
			return 1;
	return 0;
}

/* True if the left side is a name for the value on the right: f(x), x, AB, |AB|, (p,q), S:T. */
static int names_value(const struct math_node *l, const struct math_node *r)
{
	switch (l->kind) {
	case MT_APPLY:
		return 1;
	case MT_VAR:
		return !eq_mentions(r, l->text);
	case MT_TUPLE:
		return r->kind == MT_TUPLE && r->n == l->n && all_names(l) && !mentions_any(r, l);
	case MT_RATIO:
		return r->kind == MT_RATIO && r->n == l->n && all_names(l) && !mentions_any(r, l);
	default:
		return (is_segment(l) && !mentions_any(r, l)) || is_length(l);
	}
}

const struct math_node *eq_definition(const struct math_node *n)
{
	const struct math_node *l, *r;

	if (n->kind != MT_REL || n->n != 2 || (*n->text != '=' && *n->text != 'e'))
		return NULL;
	l = n->kid[0];
	r = n->kid[1];
	if (*n->text == 'e')
		return l->kind == MT_VAR && names_value(l, r)
		           ? r->kind == MT_SET && r->n == 1 ? r->kid[0] : r
		           : NULL;
	if (names_value(l, r))
		return r;
	return r->kind == MT_VAR && names_value(r, l) ? l : NULL;
}

static struct link link_of(struct item a, uint32_t i)
{
	struct link k = {{a.n->kid[i], a.pm}, {a.n->kid[i + 1], a.pm}, a.n->text[i]};

	if (k.op == '>' || k.op == 'g') {
		struct item t = k.l;

		k.l = k.r;
		k.r = t;
		k.op = k.op == '>' ? '<' : 'l';
	}
	return k;
}

static int symmetric(char op)
{
	return strchr("=!~mpos", op) != NULL;
}

/* The same residue class: equal moduli that divide the difference. */
struct math_result eq_residue(struct eq *e, struct item a, struct item b)
{
	struct math_result same = eq_sequence(e, a.n, a.pm, b.n, b.pm);
	struct xs *s = e->s;
	xid m, n, d;

	if (same.verdict == MATH_EQUAL || !eq_is_formula(a.n->kid[0]) || !eq_is_formula(b.n->kid[0]))
		return same;
	xs_begin(s);
	m = x_build(s, a.n->kid[1], a.pm);
	n = x_build(s, b.n->kid[1], b.pm);
	d = x_div(s, x_sub(s, x_build(s, a.n->kid[0], a.pm), x_build(s, b.n->kid[0], b.pm)), m);
	if (d < 0 || m != n || xs_cancelled(s) || !x_is_rational(s, d) || !x_is_whole(s, m))
		return EQ_UNKNOWN;
	return x_is_whole(s, d) ? EQ_SAME : EQ_DIFFERENT;
}

/* Compares congruences with the same left side by their values. */
static struct math_result congruence(struct eq *e, const struct link *a, const struct link *b)
{
	struct math_result left, right;

	if (a->r.n->kind != MT_MOD || b->r.n->kind != MT_MOD)
		return EQ_UNKNOWN;
	left = eq_item(e, a->l, b->l);
	right = eq_residue(e, a->r, b->r);
	return left.verdict == MATH_EQUAL ? right : EQ_UNKNOWN;
}

static struct math_result by_sides(struct eq *e, const struct link *a, const struct link *b)
{
	struct math_result r = eq_and(eq_item(e, a->l, b->l), eq_item(e, a->r, b->r));

	if (r.verdict != MATH_EQUAL && symmetric(a->op))
		r = eq_or(r, eq_and(eq_item(e, a->l, b->r), eq_item(e, a->r, b->l)));
	/* other left sides may still mean the same */
	return r.verdict == MATH_UNEQUAL ? EQ_UNKNOWN : r;
}

/* left - right, X_NONE if a side is not a formula */
static xid difference(struct eq *e, const struct link *k)
{
	if (!eq_is_formula(k->l.n) || !eq_is_formula(k->r.n))
		return X_NONE;
	return x_sub(e->s, x_build(e->s, k->l.n, k->l.pm), x_build(e->s, k->r.n, k->r.pm));
}

/* If the same variable is alone on one side, compares the other sides. */
static struct math_result same_variable(struct eq *e, const struct link *a, const struct link *b)
{
	for (int i = 0; i < 4; i++) {
		struct item v = i & 1 ? a->r : a->l, x = i & 1 ? a->l : a->r, w = i & 2 ? b->r : b->l,
		            y = i & 2 ? b->l : b->r;

		if (v.n->kind != MT_VAR || w.n->kind != MT_VAR || strcmp(v.n->text, w.n->text) ||
		    eq_mentions(x.n, v.n->text) || eq_mentions(y.n, v.n->text))
			continue;
		if (symmetric(a->op) || (i & 1) == (i >> 1))
			return eq_item(e, x, y);
	}
	return EQ_UNKNOWN;
}

static int is_constant(struct eq *e, struct item a)
{
	xid v = eq_is_formula(a.n) ? x_build(e->s, a.n, a.pm) : X_NONE;

	return v >= 0 && !(x_flags(e->s, v) & XF_VAR);
}

/* True for x = 5, 5 = x and x - 5 = 0 (a form in which lines are written). */
static int solved(struct eq *e, const struct link *k)
{
	const struct math_node *l = k->l.n, *r = k->r.n;

	if (l->kind == MT_ADD && l->n == 2 && l->kid[0]->kind == MT_VAR && r->kind == MT_NUMBER &&
	    !strcmp(r->text, "0"))
		return is_constant(e, (struct item){l->kid[1], k->l.pm});
	return (l->kind == MT_VAR && is_constant(e, k->r)) ||
	       (r->kind == MT_VAR && is_constant(e, k->l));
}

static struct math_result eq_link(struct eq *e, const struct link *a, const struct link *b)
{
	struct math_result r;
	int sign = 0, linear;
	xid x, y;

	if (a->op == 'm' && b->op == 'm' && (r = congruence(e, a, b)).verdict != MATH_UNKNOWN)
		return r;
	if (strchr("=<l!", a->op) == NULL || strchr("=<l!", b->op) == NULL)
		return a->op == b->op ? by_sides(e, a, b) : EQ_UNKNOWN;
	if (a->op == b->op) {
		r = same_variable(e, a, b);
		if (r.verdict != MATH_UNKNOWN)
			return r;
	}
	xs_begin(e->s);
	x = difference(e, a);
	y = difference(e, b);
	if (x < 0 || y < 0 || xs_cancelled(e->s) || x_is(e->s, x, X_UNDEF) || x_is(e->s, y, X_UNDEF))
		return a->op == b->op ? by_sides(e, a, b) : EQ_UNKNOWN;
	/* an equation is not the same as its solution */
	if (a->op == '=' && solved(e, a) != solved(e, b))
		return EQ_UNKNOWN;
	r = eq_result(x_proportional(e->s, x, y, &sign), MATH_BY_ALGEBRAIC);
	linear = x_degree(e->s, x) == 1 && x_degree(e->s, y) == 1;
	if (r.verdict == MATH_UNEQUAL)
		return linear ? r : EQ_UNKNOWN;
	if (a->op != b->op)
		return linear && r.verdict == MATH_EQUAL ? EQ_DIFFERENT : EQ_UNKNOWN;
	if (r.verdict == MATH_EQUAL && symmetric(a->op))
		return r;
	if (r.verdict == MATH_EQUAL)
		return sign > 0 ? r : sign < 0 && linear ? EQ_DIFFERENT : EQ_UNKNOWN;
	return by_sides(e, a, b);
}

/* Matches links one to one. Greedy matching suffices, since equality is transitive. */
static struct math_result eq_links(struct eq *e, struct item a, struct item b)
{
	uint32_t n = a.n->n - 1;
	char *used = xcalloc(n, 1);
	struct math_result r = EQ_SAME;
	int doubt = 0;

	for (uint32_t i = 0; i < n && r.verdict == MATH_EQUAL; i++) {
		struct link p = link_of(a, i);
		struct math_result best = EQ_DIFFERENT;
		uint32_t j;

		for (j = 0; j < n; j++) {
			struct link q = link_of(b, j);
			struct math_result one;

			if (used[j])
				continue;
			one = eq_link(e, &p, &q);
			if (one.verdict == MATH_UNKNOWN || best.verdict == MATH_UNKNOWN)
				doubt = 1;
			if (one.verdict != MATH_UNEQUAL)
				best = one;
			else if (best.verdict == MATH_UNEQUAL)
				best.method = one.method;
			if (one.verdict == MATH_EQUAL)
				break;
		}
		if (j < n)
			used[j] = 1;
		r = j < n ? eq_and(r, best) : doubt ? EQ_UNKNOWN : best;
	}
	free(used);
	/* several different links may still make the same chain; a single one cannot */
	return r.verdict == MATH_UNEQUAL && n > 1 ? EQ_UNKNOWN : r;
}

/* True for y and f(x): a function is written both ways, y = 2x and f(x) = 2x. */
static int is_y(const struct math_node *n)
{
	return n->kind == MT_REL && n->n == 2 && *n->text == '=' && n->kid[0]->kind == MT_VAR &&
	       !strcmp(n->kid[0]->text, "y");
}

static int is_function(const struct math_node *n)
{
	return n->kind == MT_REL && n->n == 2 && *n->text == '=' && n->kid[0]->kind == MT_APPLY &&
	       n->kid[0]->n == 1 && n->kid[0]->kid[0]->kind == MT_VAR &&
	       strcmp(n->kid[0]->kid[0]->text, "y");
}

struct math_result eq_relation(struct eq *e, struct item a, struct item b)
{
	struct math_result r = EQ_UNKNOWN;

	if ((is_y(a.n) && is_function(b.n)) || (is_y(b.n) && is_function(a.n)))
		return eq_item(e, (struct item){a.n->kid[1], a.pm}, (struct item){b.n->kid[1], b.pm});
	if (a.n->n == b.n->n && a.n->n > 1)
		r = eq_links(e, a, b);
	if (r.verdict == MATH_UNKNOWN && eq_is_real_set(a.n) && eq_is_real_set(b.n))
		r = eq_real_set(e, a, b);
	return r;
}
