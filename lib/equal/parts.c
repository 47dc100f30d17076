/* SPDX-License-Identifier: MIT */
/* Compares text, units, bases and ratios. */
#include "equal/inside.h"

#include <string.h>
#include <strings.h>

/* ---- text ---- */

/* Words are compared as written, ignoring case: different words are different answers. */
struct math_result eq_text(const struct math_node *a, const struct math_node *b)
{
	return eq_result(a->len == b->len && !strcasecmp(a->text, b->text) ? MATH_EQUAL : MATH_UNEQUAL,
	                 MATH_BY_TEXT);
}

/* ---- units ---- */

static int same_dimensions(const struct measure *a, const struct measure *b)
{
	return !memcmp(a->dim, b->dim, sizeof a->dim);
}

/* Compares values with different units: converted, unequal if of different dimensions, or
 * unknown. */
static struct math_result measured(struct eq *e, struct item a, const char *unit_a, struct item b,
                                   const char *unit_b)
{
	struct measure u, v;
	xid x, y;

	xs_begin(e->s);
	if (!eq_is_formula(a.n) || !eq_is_formula(b.n) || !x_measure(e->s, unit_a, &u) ||
	    !x_measure(e->s, unit_b, &v))
		return EQ_UNKNOWN;
	if (!same_dimensions(&u, &v))
		return u.dim['u'] != v.dim['u'] || u.dim['c'] != v.dim['c'] ? EQ_UNKNOWN : EQ_DIFFERENT;
	x = x_mul2(e->s, x_build(e->s, a.n, a.pm), u.factor);
	y = x_mul2(e->s, x_build(e->s, b.n, b.pm), v.factor);
	return x_equal(e->s, x, y);
}

/* F = 9/5 C + 32 */
static struct math_result temperatures(struct eq *e, struct item celsius, struct item fahrenheit)
{
	struct xs *s = e->s;
	xid c, f;

	if (!eq_is_formula(celsius.n) || !eq_is_formula(fahrenheit.n))
		return EQ_UNKNOWN;
	xs_begin(s);
	c = x_build(s, celsius.n, celsius.pm);
	f = x_build(s, fahrenheit.n, fahrenheit.pm);
	return x_equal(s, x_add2(s, x_mul2(s, x_frac(s, 9, 5), c), x_int(s, 32)), f);
}

static struct math_result eq_two_units(struct eq *e, struct item a, struct item b)
{
	struct item va = {a.n->kid[0], a.pm}, vb = {b.n->kid[0], b.pm};

	if (!strcmp(a.n->text, b.n->text))
		return eq_item(e, va, vb);
	if (a.n->op == MU_DEGREE && b.n->op == MU_DEGREE && a.n->len == 4 && b.n->len == 4)
		return a.n->text[3] == 'C' ? temperatures(e, va, vb) : temperatures(e, vb, va);
	return measured(e, va, a.n->text, vb, b.n->text);
}

/* 3 hours 20 minutes as a sum: units of the same dimension, each smaller than the one before.
 * X_NONE: not of that form. */
static xid compound(struct eq *e, struct item a, const struct measure *like)
{
	struct xs *s = e->s;
	xid sum = x_int(s, 0), last = X_NONE;

	for (uint32_t i = 0; i < a.n->n; i++) {
		const struct math_node *k = a.n->kid[i];
		struct measure m;

		if (k->kind != MT_UNIT || !eq_is_formula(k->kid[0]) || !x_measure(s, k->text, &m) ||
		    !same_dimensions(&m, like) || (i && x_quick_sign(s, x_sub(s, last, m.factor)) <= 0))
			return X_NONE;
		last = m.factor;
		sum = x_add2(s, sum, x_mul2(s, x_build(s, k->kid[0], a.pm), m.factor));
	}
	return sum;
}

static struct math_result eq_compound(struct eq *e, struct item unit, struct item list)
{
	struct measure m;
	xid sum;

	xs_begin(e->s);
	if (list.n->op != ',' || !eq_is_formula(unit.n->kid[0]) || !x_measure(e->s, unit.n->text, &m))
		return EQ_UNKNOWN;
	sum = compound(e, list, &m);
	return x_equal(e->s, sum, x_mul2(e->s, x_build(e->s, unit.n->kid[0], unit.pm), m.factor));
}

/* "5 m" against five metres, feet, ... */
static struct math_result eq_written_unit(struct eq *e, struct item unit, struct item product)
{
	const struct math_node *letter = product.n->kid[1];
	struct item bare = {product.n->kid[0], product.pm}, value = {unit.n->kid[0], unit.pm};
	char name[4] = {0, '^', 0, 0};
	struct math_result r;

	if (letter->kind == MT_POW) {
		if (letter->kid[1]->len != 1 || letter->kid[1]->decimals)
			return EQ_UNKNOWN;
		name[2] = letter->kid[1]->text[0];
		letter = letter->kid[0];
	} else
		name[1] = 0;
	name[0] = letter->text[0];
	if (!strcmp(name, unit.n->text))
		return eq_item(e, bare, value);
	r = measured(e, bare, name, value, unit.n->text);
	return r.verdict == MATH_EQUAL ? r : EQ_UNKNOWN;
}

int eq_has_unit(const struct math_node *n)
{
	for (uint32_t i = 0; i < n->n; i++)
		if (eq_has_unit(n->kid[i]))
			return 1;
	return n->kind == MT_UNIT && n->op != MU_PERCENT && n->op != MU_DEGREE;
}

/*
 * A unit on one side only is ignored if it is a known unit or says what is counted. 50% is 50 and
 * also 1/2; 180 degrees are 180 and also pi.
 */
struct math_result eq_unit(struct eq *e, struct item a, struct item b)
{
	struct item *u = a.n->kind == MT_UNIT ? &a : &b, *o = u == &a ? &b : &a, whole = *u;
	struct math_result r;
	const struct math_node *unit = u->n;

	if (a.n->kind == MT_UNIT && b.n->kind == MT_UNIT)
		return eq_two_units(e, a, b);
	if (o->n->flags & MT_F_MAYBE_UNIT && o->n->kind == MT_MUL && o->n->n == 2)
		return eq_written_unit(e, *u, *o);
	if (o->n->kind == MT_LIST)
		return eq_compound(e, *u, *o);
	if (unit->flags & MT_F_OPEN)
		return EQ_UNKNOWN;
	if (eq_is_formula(o->n) && eq_is_formula(unit->kid[0]) && eq_has_unit(o->n))
		return eq_value(e, a, b);
	u->n = unit->kid[0];
	r = eq_item(e, a, b);
	if (r.verdict == MATH_EQUAL || !eq_is_formula(o->n) ||
	    (unit->op != MU_PERCENT && unit->op != MU_DEGREE))
		return r;
	*u = whole;
	return eq_or(eq_value(e, a, b), r);
}

/* ---- bases ---- */

/* 2516_8 and 2516 are the same text; 1010_2 and 10_10 the same number, and so are 1010_2 and 12_8;
 * but a base is never guessed, so 1010_2 against 10 is unknown. */
struct math_result eq_base(struct eq *e, struct item a, struct item b)
{
	const struct math_node *n = a.n->kind == MT_BASE ? a.n : b.n, *o = n == a.n ? b.n : a.n;
	struct math_result r;

	if (o->kind == MT_BASE)
		return eq_value(e, a, b);
	if (!eq_is_formula(o))
		return EQ_UNKNOWN;
	if (o->kind == MT_NUMBER && !o->repeat && o->len == n->len && o->decimals == n->decimals &&
	    !memcmp(o->text, n->text, n->len))
		return EQ_SAME;
	r = eq_value(e, a, b);
	return r.verdict == MATH_EQUAL ? EQ_UNKNOWN : r;
}

/* ---- ratios and times ---- */

/* Whether a d = b c for all neighbours. */
static struct math_result proportional(struct eq *e, struct item a, struct item b)
{
	struct math_result r = EQ_SAME;
	struct xs *s = e->s;

	xs_begin(s);
	for (uint32_t i = 0; i + 1 < a.n->n; i++) {
		xid p = x_build(s, a.n->kid[i], a.pm), q = x_build(s, a.n->kid[i + 1], a.pm);
		xid u = x_build(s, b.n->kid[i], b.pm), v = x_build(s, b.n->kid[i + 1], b.pm);

		r = eq_and(r, x_equal(s, x_mul2(s, p, v), x_mul2(s, q, u)));
	}
	return r;
}

/* Ratios are compared as written; 6:8 means the same as 3:4 but is not in lowest terms: unknown. */
struct math_result eq_ratio(struct eq *e, struct item a, struct item b)
{
	struct math_result r;

	if (a.n->n != b.n->n)
		return EQ_DIFFERENT;
	if (*a.n->text && *b.n->text && strcmp(a.n->text, b.n->text))
		return EQ_DIFFERENT;
	r = eq_sequence(e, a.n, a.pm, b.n, b.pm);
	if (r.verdict != MATH_UNEQUAL || (a.n->flags & b.n->flags & MT_F_CLOCK))
		return r;
	return proportional(e, a, b).verdict == MATH_UNEQUAL ? r : EQ_UNKNOWN;
}
