/* SPDX-License-Identifier: MIT */
/* Answers of several parts, or with something about them: text, units, bases, ratios, matrices. */
#include "math/equal.h"

#include <string.h>
#include <strings.h>

/* ---- text ---- */

/* Words are compared as they stand, case aside: other words are other answers. */
struct math_result eq_text(const struct math_node *a, const struct math_node *b)
{
	return eq_result(a->len == b->len && !strcasecmp(a->text, b->text) ? MATH_EQUAL : MATH_UNEQUAL, MATH_BY_TEXT);
}

/* ---- units ---- */

/* Units that measure the same: how many of the base unit (SI, or the first of the list) one is. */
static const struct scale {
	const char *name, *base;
	int64_t num, den;
} scales[] = {
	{"m", "m", 1, 1}, {"mm", "m", 1, 1000}, {"cm", "m", 1, 100}, {"dm", "m", 1, 10}, {"km", "m", 1000, 1},
	{"in", "m", 254, 10000}, {"inch", "m", 254, 10000}, {"ft", "m", 3048, 10000}, {"foot", "m", 3048, 10000},
	{"yd", "m", 9144, 10000}, {"yard", "m", 9144, 10000}, {"mi", "m", 1609344, 1000}, {"mile", "m", 1609344, 1000},
	{"s", "s", 1, 1}, {"sec", "s", 1, 1}, {"second", "s", 1, 1}, {"min", "s", 60, 1}, {"minute", "s", 60, 1},
	{"h", "s", 3600, 1}, {"hr", "s", 3600, 1}, {"hour", "s", 3600, 1}, {"day", "s", 86400, 1},
	{"week", "s", 604800, 1},
	{"g", "g", 1, 1}, {"gram", "g", 1, 1}, {"mg", "g", 1, 1000}, {"kg", "g", 1000, 1}, {"kilogram", "g", 1000, 1},
	{"l", "l", 1, 1}, {"L", "l", 1, 1}, {"liter", "l", 1, 1}, {"ml", "l", 1, 1000}, {"mL", "l", 1, 1000},
	{"milliliter", "l", 1, 1000}, {"meter", "m", 1, 1}, {"centimeter", "m", 1, 100}, {"millimeter", "m", 1, 1000},
	{"kilometer", "m", 1000, 1},
	{"$", "$", 1, 1}, {"dollar", "$", 1, 1}, {"cent", "$", 1, 100},
	{"deg", "rad", 1, 1}, {"%", "%", 1, 1},
};

/* "cm^2" is cm and 2. */
static const struct scale *scale_of(const char *name, int *power)
{
	size_t n = strcspn(name, "^");

	*power = 1;
	if (name[n] == '^') {
		if (name[n + 1] < '2' || name[n + 1] > '3' || name[n + 2])
			return NULL;
		*power = name[n + 1] - '0';
	}
	for (size_t i = 0; i < LEN(scales); i++)
		if (strlen(scales[i].name) == n && !memcmp(scales[i].name, name, n))
			return &scales[i];
	return NULL;
}

/* Two units that differ: convertible, of different dimensions, or not known. */
static struct math_result eq_two_units(struct eq *e, struct item a, struct item b)
{
	int pa, pb;
	const struct scale *u = scale_of(a.n->text, &pa), *v = scale_of(b.n->text, &pb);
	struct item va = {a.n->kid[0], a.pm}, vb = {b.n->kid[0], b.pm};
	xid x, y;

	if (!strcmp(a.n->text, b.n->text))
		return eq_item(e, va, vb);
	if (!u || !v || !eq_is_formula(va.n) || !eq_is_formula(vb.n))
		return EQ_UNKNOWN;
	if (strcmp(u->base, v->base) || pa != pb)
		return EQ_DIFFERENT;
	e->s.n_finite = 0;
	x = x_build(&e->s, va.n, va.pm);
	y = x_build(&e->s, vb.n, vb.pm);
	x = x_mul2(&e->s, x, x_powi(&e->s, x_frac(&e->s, u->num, u->den), pa));
	y = x_mul2(&e->s, y, x_powi(&e->s, x_frac(&e->s, v->num, v->den), pb));
	return x_equal(&e->s, x, y);
}

/* A unit on one side only is passed over. 50% is 50, and also 1/2; 180 degrees are 180, and also pi. */
struct math_result eq_unit(struct eq *e, struct item a, struct item b)
{
	struct item *u = a.n->kind == MT_UNIT ? &a : &b, *o = u == &a ? &b : &a, whole = *u;
	struct math_result r;
	const struct math_node *unit = u->n;

	if (a.n->kind == MT_UNIT && b.n->kind == MT_UNIT)
		return eq_two_units(e, a, b);
	if (o->n->flags & MT_F_MAYBE_UNIT && o->n->kind == MT_MUL && o->n->n == 2) {
		/* "5 m" against five metres, feet, ... */
		struct item bare = {o->n->kid[0], o->pm};

		if (!strcmp(o->n->kid[1]->text, unit->text)) {
			*o = bare;
			u->n = unit->kid[0];
			return eq_item(e, a, b);
		}
		return EQ_UNKNOWN;
	}
	u->n = unit->kid[0];
	r = eq_item(e, a, b);
	if (r.verdict == MATH_EQUAL || !eq_is_formula(o->n) || (unit->op != MU_PERCENT && unit->op != MU_DEGREE))
		return r;
	*u = whole;
	return eq_or(eq_value(e, a, b), r);
}

/* ---- bases ---- */

/* 2516_8 and 2516 are the same text; 1010_2 and 10_10 the same number, and so are 1010_2 and 12_8; but a base
 * is never guessed, so that 1010_2 and 10 remain in doubt. */
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

/* a d = b c for all neighbours? */
static struct math_result proportional(struct eq *e, struct item a, struct item b)
{
	struct math_result r = EQ_SAME;
	struct xs *s = &e->s;

	s->n_finite = 0;
	for (uint32_t i = 0; i + 1 < a.n->n; i++) {
		xid p = x_build(s, a.n->kid[i], a.pm), q = x_build(s, a.n->kid[i + 1], a.pm);
		xid u = x_build(s, b.n->kid[i], b.pm), v = x_build(s, b.n->kid[i + 1], b.pm);

		r = eq_and(r, x_equal(s, x_mul2(s, p, v), x_mul2(s, q, u)));
	}
	return r;
}

/* Ratios are kept as written; 6:8 says the same as 3:4, but is not in lowest terms: in doubt. */
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

/* ---- matrices ---- */

struct math_result eq_matrix(struct eq *e, struct item a, struct item b)
{
	if (a.n->rows != b.n->rows || a.n->cols != b.n->cols)
		return EQ_DIFFERENT;
	return eq_sequence(e, a.n, a.pm, b.n, b.pm);
}
