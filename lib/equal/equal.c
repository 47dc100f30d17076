/* SPDX-License-Identifier: MIT */
/* Equality of answers: the entry point, and the choice of comparison for two items. */
#include "equal/inside.h"

#include <string.h>
#include <stdlib.h>

enum { MAX_DEPTH = 80 };

struct math_result eq_and(struct math_result a, struct math_result b)
{
	if (a.verdict == MATH_UNEQUAL)
		return a;
	if (b.verdict == MATH_UNEQUAL)
		return b;
	if (a.verdict == MATH_UNKNOWN)
		return a;
	if (b.verdict == MATH_UNKNOWN)
		return b;
	return a.method > b.method ? a : b;
}

struct math_result eq_or(struct math_result a, struct math_result b)
{
	if (a.verdict == MATH_EQUAL)
		return a;
	if (b.verdict == MATH_EQUAL)
		return b;
	return a.verdict == MATH_UNKNOWN ? a : b;
}

int eq_is_formula(const struct math_node *n)
{
	switch (n->kind) {
	case MT_NUMBER: case MT_BASE: case MT_CONST: case MT_VAR: case MT_ADD: case MT_NEG: case MT_MUL:
	case MT_DIV:
	case MT_MIXED: case MT_POW: case MT_ROOT: case MT_FUNC: case MT_APPLY: case MT_PM:
	case MT_SERIES:
		return 1;
	case MT_MATRIX:
		return n->op == 'v';
	default:
		return 0;
	}
}

int eq_has_pm(const struct math_node *n)
{
	if (n->kind == MT_PM)
		return 1;
	for (uint32_t i = 0; i < n->n; i++)
		if (eq_has_pm(n->kid[i]))
			return 1;
	return 0;
}

int eq_mentions(const struct math_node *n, const char *name)
{
	if (n->kind == MT_VAR && !strcmp(n->text, name))
		return 1;
	for (uint32_t i = 0; i < n->n; i++)
		if (eq_mentions(n->kid[i], name))
			return 1;
	return 0;
}

/* ---- formulas ---- */

/* 1 for 10^-3, with its exponent; 0: not a power of ten. */
static int power_of_ten(const struct math_node *n, int64_t *exponent)
{
	const struct math_node *base = n->kind == MT_POW ? n->kid[0] : NULL,
	                       *power = base ? n->kid[1] : NULL;
	int minus = power && power->kind == MT_NEG;
	int64_t v = 0;

	power = minus ? power->kid[0] : power;
	if (!base || base->kind != MT_NUMBER || strcmp(base->text, "10") || base->decimals ||
	    power->kind != MT_NUMBER || power->decimals || power->len > 3)
		return 0;
	for (uint32_t i = 0; i < power->len; i++)
		v = v * 10 + power->text[i] - '0';
	*exponent = minus ? -v : v;
	return 1;
}

/* Number of significant digits of a number as written, 0.67 or 6.7 x 10^-1, and of its decimals
 * (negative if the last digit stands for tens or more); 0: not a number. */
static size_t digits_given(const struct math_node *n, int64_t *decimals)
{
	int64_t exponent = 0;

	if (n->kind == MT_NEG)
		n = n->kid[0];
	if (n->kind == MT_MUL && n->n == 2 && power_of_ten(n->kid[1], &exponent))
		n = n->kid[0];
	if (n->kind == MT_NEG)
		n = n->kid[0];
	if (n->kind != MT_NUMBER || n->repeat)
		return 0;
	*decimals = (int64_t)n->decimals - exponent;
	return n->len;
}

struct math_result eq_value(struct eq *e, struct item a, struct item b)
{
	struct math_result r;
	xid x, y;
	int64_t decimals;

	xs_begin(e->s);
	x = x_build(e->s, a.n, a.pm);
	y = x_build(e->s, b.n, b.pm);
	r = x_equal(e->s, x, y);
	/* at least two digits: 0.3 does not count as 1/3 */
	if (e->o->lenient && r.verdict != MATH_EQUAL &&
	    digits_given(e->swapped ? a.n : b.n, &decimals) >= 2) {
		struct math_result near = x_rounds(e->s, e->swapped ? y : x, e->swapped ? x : y, decimals);

		if (near.verdict == MATH_EQUAL)
			return near;
	}
	return r;
}

/* ---- which comparison ---- */

static int collection(const struct math_node *n)
{
	return n->kind == MT_SET || n->kind == MT_LIST || n->kind == MT_EMPTY;
}

/* Whether 1,22 read as a decimal is this value; a reference may be one. */
static int eq_decimal_comma(struct eq *e, struct item list, struct item value)
{
	struct xs *s = e->s;
	int minus = list.n->kid[0]->kind == MT_NEG;
	xid a = x_build(s, minus ? list.n->kid[0]->kid[0] : list.n->kid[0], 0),
	    b = x_build(s, list.n->kid[1], 0);

	xs_begin(s);
	a = x_add2(s, a, x_mul2(s, b, x_powi(s, x_int(s, 10), -(int64_t)list.n->decimals)));
	return a >= 0 && x_is_rational(s, a) &&
	       (minus ? x_neg(s, a) : a) == x_build(s, value.n, value.pm);
}

/* Replaces a set of one element by the element if the other side is not a set: {5} and 5; not for a
 * set within another. */
static int only_element(struct eq *e, struct item *a, const struct math_node *other)
{
	const struct math_node *k = a->n->kind == MT_SET && a->n->n == 1 ? a->n->kid[0] : NULL;

	if (!k || e->members || (k->kind != other->kind && (k->kind == MT_TUPLE ||
	    !(eq_is_formula(other) || other->kind == MT_UNIT))))
		return 0;
	a->n = k;
	return 1;
}

/* The parameter k of \pi + 2k\pi, k \in \mathbb{Z}; NULL: there is none. */
static const char *parameter(const struct math_node *n)
{
	for (uint32_t i = 0; n->kind == MT_LIST && i < n->n; i++) {
		const struct math_node *k = n->kid[i];

		if (k->kind == MT_REL && k->n == 2 && *k->text == 'e' && k->kid[0]->kind == MT_VAR &&
		    k->kid[1]->kind == MT_SETNAME)
			return k->kid[0]->text;
	}
	return NULL;
}

/* Several equations, at least one of which does not give a value. */
static int is_system(const struct math_node *n)
{
	int implicit = 0;

	for (uint32_t i = 0; i < n->n; i++) {
		if (n->kind != MT_LIST || n->kid[i]->kind != MT_REL)
			return 0;
		implicit |= !eq_definition(n->kid[i]);
	}
	return implicit;
}

static struct math_result eq_collection(struct eq *e, struct item a, struct item b)
{
	const char *p = parameter(a.n), *q = parameter(b.n);
	struct items u = {0}, v = {0};
	struct math_result r;
	int renamed = p && q && strcmp(p, q) && !eq_mentions(a.n, q) && !eq_mentions(b.n, p) &&
	              xs_join(e->s, p, q);

	eq_items(a, &u);
	eq_items(b, &v);
	/* x = 1 or y = 2 is not x = 1 and y = 2 */
	if ((a.n->op == 'o') != (b.n->op == 'o') && a.n->kind == MT_LIST && b.n->kind == MT_LIST &&
	    eq_several_names(&u) && eq_several_names(&v))
		r = EQ_UNKNOWN;
	else
		r = eq_multiset(e, &u, &v);
	free(u.i);
	free(v.i);
	if (renamed)
		xs_part(e->s);
	/* different formulas may take the same values, different equations have the same
	 * solutions */
	return r.verdict == MATH_UNEQUAL && ((p && q) || (is_system(a.n) && is_system(b.n)))
	           ? EQ_UNKNOWN
	           : r;
}

/* The kind of bracket matters for pairs, where it tells open ends from closed ones; not for longer
 * tuples or vectors. */
static struct math_result eq_tuple(struct eq *e, struct item a, struct item b)
{
	int brackets = a.n->open == b.n->open && a.n->close == b.n->close;
	int vectors = (a.n->open == '<' && b.n->open != '[') || (b.n->open == '<' && a.n->open != '[');

	if (a.n->n != b.n->n)
		return EQ_DIFFERENT;
	if (!brackets && !vectors && a.n->n <= 2)
		return EQ_DIFFERENT;
	return eq_sequence(e, a.n, a.pm, b.n, b.pm);
}

/* The list that a number with commas may be. */
static struct item as_list(struct item a)
{
	if (a.n->kind == MT_NUMBER && a.n->flags & MT_F_GROUPED && a.n->n)
		a.n = a.n->kid[0];
	return a;
}

/* True for a choice or a word. */
static int wordy(const struct math_node *n)
{
	return n->kind == MT_TEXT || (n->kind == MT_VAR && n->flags & MT_F_WORD);
}

static int textual(const struct math_node *n)
{
	return n->kind == MT_TEXT || n->kind == MT_VAR;
}

/* "5 m" may be five metres. */
static struct math_result eq_maybe_unit(struct eq *e, struct item a, struct item b)
{
	struct math_result r = eq_value(e, a, b);
	struct item *m = a.n->flags & MT_F_MAYBE_UNIT ? &a : &b, *o = m == &a ? &b : &a;

	if (r.verdict == MATH_EQUAL || m->n->kind != MT_MUL || m->n->n != 2)
		return r;
	if (o->n->kind == MT_UNIT) {
		if (strcmp(o->n->text, m->n->kid[1]->text))
			return EQ_UNKNOWN;
		o->n = o->n->kid[0];
	} else if (eq_mentions(o->n, m->n->kid[1]->text))
		return r;
	m->n = m->n->kid[0];
	return eq_or(eq_item(e, a, b), r);
}

static struct math_result same_kind(struct eq *e, struct item a, struct item b)
{
	switch (a.n->kind) {
	case MT_TUPLE: return eq_tuple(e, a, b);
	case MT_MATRIX: return eq_matrix(e, a, b);
	case MT_REL: return eq_relation(e, a, b);
	case MT_RATIO: return eq_ratio(e, a, b);
	case MT_TEXT: return eq_text(a.n, b.n);
	case MT_SETNAME: return strcmp(a.n->text, b.n->text) ? EQ_DIFFERENT : EQ_SAME;
	case MT_UNION: case MT_INTER: {
		struct math_result r = eq_real_set(e, a, b);

		return r.verdict == MATH_EQUAL ? r : eq_or(r, eq_collection(e, a, b));
	}
	case MT_BUILDER: case MT_SETMINUS: {
		struct math_result r = eq_real_set(e, a, b);

		return r.verdict == MATH_EQUAL || a.n->n != b.n->n
		           ? r
		           : eq_or(eq_sequence(e, a.n, a.pm, b.n, b.pm), r);
	}
	case MT_MOD: {
		/* 10 \pmod 7 may be the question, and 3 \pmod 7 its answer */
		struct math_result r = eq_sequence(e, a.n, a.pm, b.n, b.pm);

		return r.verdict == MATH_UNEQUAL && eq_residue(e, a, b).verdict != MATH_UNEQUAL ? EQ_UNKNOWN
		                                                                                : r;
	}
	default:
		return EQ_UNKNOWN;
	}
}

/* True for vectors, written as a column and as a tuple. */
static int vector_pair(const struct math_node *a, const struct math_node *b)
{
	return a->kind == MT_MATRIX && a->op != 'v' && a->cols == 1 && b->kind == MT_TUPLE &&
	       b->open != '[' && b->close != ']';
}

/* x = 9, y = 10 against (9, 10) or (x, y) = (9, 10) */
static int system_pair(const struct math_node *list, const struct math_node *o)
{
	return list->kind == MT_LIST && list->op == ',' && list->kid[0]->kind == MT_REL &&
	       *list->kid[0]->text == '=' &&
	       (o->kind == MT_TUPLE ||
	        (o->kind == MT_REL && o->kid[0]->kind == MT_TUPLE && eq_definition(o)));
}

static struct math_result eq_named(struct eq *e, struct item list, struct item o, int first)
{
	if (o.n->kind == MT_TUPLE)
		return eq_system(e, list, NULL, o, first);
	return eq_system(e, list, o.n->kid[0], (struct item){eq_definition(o.n), o.pm}, first);
}

static struct math_result mixed_kinds(struct eq *e, struct item a, struct item b)
{
	const struct math_node *da = eq_definition(a.n), *db = eq_definition(b.n);

	if (system_pair(a.n, b.n))
		return eq_named(e, a, b, 1);
	if (system_pair(b.n, a.n))
		return eq_named(e, b, a, 0);
	if (eq_is_real_set(a.n) && eq_is_real_set(b.n)) {
		struct math_result r = eq_real_set(e, a, b);

		if (r.verdict != MATH_UNKNOWN || !(da || db))
			return r;
	}
	if (da && b.n->kind != MT_REL)
		return eq_item(e, (struct item){da, a.pm}, b);
	if (db && a.n->kind != MT_REL)
		return eq_item(e, a, (struct item){db, b.pm});
	if (vector_pair(a.n, b.n) || vector_pair(b.n, a.n))
		return a.n->n == b.n->n ? eq_sequence(e, a.n, a.pm, b.n, b.pm) : EQ_DIFFERENT;
	/* the set of one solution is that solution */
	if (a.n->kind == MT_SET && a.n->n == 1 && !e->members && eq_is_formula(b.n))
		return eq_item(e, (struct item){a.n->kid[0], a.pm}, b);
	if (b.n->kind == MT_SET && b.n->n == 1 && !e->members && eq_is_formula(a.n))
		return eq_item(e, a, (struct item){b.n->kid[0], b.pm});
	/* clearly of different kinds */
	if (eq_is_formula(a.n) != eq_is_formula(b.n)) {
		const struct math_node *o = eq_is_formula(a.n) ? b.n : a.n;

		if (o->kind == MT_TUPLE || o->kind == MT_MATRIX || o->kind == MT_SET ||
		    o->kind == MT_EMPTY || o->kind == MT_UNION || o->kind == MT_SETNAME ||
		    o->kind == MT_LIST)
			return EQ_DIFFERENT;
	}
	if ((a.n->kind == MT_TUPLE || a.n->kind == MT_MATRIX) && collection(b.n))
		return EQ_DIFFERENT;
	if ((b.n->kind == MT_TUPLE || b.n->kind == MT_MATRIX) && collection(a.n))
		return EQ_DIFFERENT;
	return EQ_UNKNOWN;
}

/* Compares two formulas, which may contain matrices and units. */
static struct math_result eq_formulas(struct eq *e, struct item a, struct item b)
{
	struct math_result r = eq_value(e, a, b);

	if (r.verdict == MATH_UNKNOWN && (eq_holds_vector(a.n) || eq_holds_vector(b.n)))
		return eq_vectors(e, a, b);
	return r.verdict == MATH_UNEQUAL && eq_has_unit(a.n) != eq_has_unit(b.n) ? EQ_UNKNOWN : r;
}

static struct math_result dispatch(struct eq *e, struct item a, struct item b)
{
	int pa = !a.pm && eq_has_pm(a.n), pb = !b.pm && eq_has_pm(b.n);

	if (wordy(a.n) || wordy(b.n)) {
		if (textual(a.n) && textual(b.n))
			return eq_text(a.n, b.n);
	}
	if (collection(a.n) || collection(b.n) || pa || pb) {
		a = as_list(a);
		b = as_list(b);
		pa |= collection(a.n);
		pb |= collection(b.n);
		if (pa && pb)
			return eq_collection(e, a, b);
		if (only_element(e, &a, b.n) || only_element(e, &b, a.n))
			return eq_item(e, a, b);
		if (a.n->flags & MT_F_COMMA && eq_is_formula(b.n) && eq_decimal_comma(e, a, b))
			return e->swapped ? EQ_UNKNOWN : EQ_SAME;
		if (b.n->flags & MT_F_COMMA && eq_is_formula(a.n) && eq_decimal_comma(e, b, a))
			return e->swapped ? EQ_SAME : EQ_UNKNOWN;
	}
	if (a.n->kind == MT_UNIT || b.n->kind == MT_UNIT)
		return eq_unit(e, a, b);
	if (a.n->kind == MT_BASE || b.n->kind == MT_BASE)
		return eq_base(e, a, b);
	if ((a.n->flags | b.n->flags) & MT_F_MAYBE_UNIT && eq_is_formula(a.n) && eq_is_formula(b.n))
		return eq_maybe_unit(e, a, b);
	if (eq_is_formula(a.n) && eq_is_formula(b.n))
		return pa || pb ? EQ_DIFFERENT : eq_formulas(e, a, b);
	if ((eq_is_formula(a.n) && eq_holds_vector(b.n)) ||
	    (eq_is_formula(b.n) && eq_holds_vector(a.n))) {
		struct math_result r = eq_vectors(e, a, b);

		if (r.verdict != MATH_UNKNOWN || eq_holds_vector(eq_is_formula(a.n) ? a.n : b.n))
			return r;
	}
	return a.n->kind == b.n->kind ? same_kind(e, a, b) : mixed_kinds(e, a, b);
}

struct math_result eq_item(struct eq *e, struct item a, struct item b)
{
	struct math_result r = EQ_UNKNOWN;

	if (e->depth < MAX_DEPTH && xs_spend(e->s, 100)) {
		e->depth++;
		r = dispatch(e, a, b);
		e->depth--;
	}
	return r;
}

/* ---- entry point ---- */

static int number_text(const char *s, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++)
		if (s[i] >= '0' && s[i] <= '9')
			digits++;
		else if (!strchr("-./{}\\frac", s[i]))
			return 0;
	return digits > 0;
}

struct math_result math_equal(const char *gold, size_t n_gold, const char *got, size_t n_got,
                              const struct math_opts *o)
{
	static const struct math_opts strict = {0};
	struct math_tree *a, *b;
	struct math_result r = EQ_UNKNOWN;

	/* by far the most common case */
	if (n_gold == n_got && !memcmp(gold, got, n_got))
		return eq_result(MATH_EQUAL, number_text(gold, n_gold) ? MATH_BY_EXACT : MATH_BY_TEXT);
	a = math_parse(gold, n_gold);
	b = math_parse(got, n_got);
	if (a->n_plain == b->n_plain && !memcmp(a->plain, b->plain, a->n_plain))
		r = eq_result(MATH_EQUAL, number_text(a->plain, a->n_plain) ? MATH_BY_EXACT : MATH_BY_TEXT);
	else if (a->root && b->root) {
		struct eq e = {.o = o ? o : &strict};

		/* in a fixed order, so that exchanging the two does not change the result */
		e.swapped = strcmp(a->plain, b->plain) > 0;
		e.s = xs_new();
		r = eq_item(&e, (struct item){e.swapped ? b->root : a->root, 0},
		            (struct item){e.swapped ? a->root : b->root, 0});
		r.work = xs_spent(e.s);
		xs_free(e.s);
	}
	math_tree_free(a);
	math_tree_free(b);
	return r;
}

const char *math_verdict_name(enum math_verdict v)
{
	static const char *const names[] = {"unequal", "equal", "unknown"};

	return names[v];
}

const char *math_method_name(enum math_method m)
{
	static const char *const names[] = {"none",      "exact",         "certified",
	                                    "algebraic", "probabilistic", "text"};

	return names[m];
}
