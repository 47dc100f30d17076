/* SPDX-License-Identifier: MIT */
/* Compares lists and sets by matching their members in any order. */
#include "equal/inside.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 128 };

/* ---- items ---- */

void eq_items(struct item a, struct items *out)
{
	int holder = a.n->kind == MT_SET || a.n->kind == MT_LIST || a.n->kind == MT_UNION ||
	             a.n->kind == MT_INTER;

	if (a.n->kind == MT_EMPTY)
		return;
	if (holder)
		for (uint32_t i = 0; i < a.n->n; i++) {
			struct item k = {a.n->kid[i], a.pm};

			if (k.n->kind == MT_LIST || (!k.pm && eq_has_pm(k.n) && k.n->kind != MT_SET))
				eq_items(k, out);
			else
				VEC_PUSH(out->i, out->n, out->cap) = k;
		}
	else if (!a.pm && eq_has_pm(a.n)) {
		VEC_PUSH(out->i, out->n, out->cap) = (struct item){a.n, 1};
		VEC_PUSH(out->i, out->n, out->cap) = (struct item){a.n, -1};
	} else
		VEC_PUSH(out->i, out->n, out->cap) = a;
}

struct math_result eq_sequence(struct eq *e, const struct math_node *a, int pa,
                               const struct math_node *b, int pb)
{
	struct math_result r = EQ_SAME;

	if (a->n != b->n)
		return EQ_DIFFERENT;
	for (uint32_t i = 0; i < a->n && r.verdict != MATH_UNEQUAL; i++)
		r = eq_and(r, eq_item(e, (struct item){a->kid[i], pa}, (struct item){b->kid[i], pb}));
	return r;
}

/* ---- matching ---- */

struct grid {
	size_t n;
	struct math_result *edge;    /* [n][n] */
	int *left_of;                /* [n] left matched with each right, or -1 */
	char *seen;
};

/* Finds an augmenting path from left i over edges that are equal, or, if doubt, not unequal. */
static int augment(struct grid *g, size_t i, int doubt)
{
	for (size_t j = 0; j < g->n; j++) {
		enum math_verdict v = g->edge[i * g->n + j].verdict;

		if (g->seen[j] || v == MATH_UNEQUAL || (v == MATH_UNKNOWN && !doubt))
			continue;
		g->seen[j] = 1;
		if (g->left_of[j] < 0 || augment(g, (size_t)g->left_of[j], doubt)) {
			g->left_of[j] = (int)i;
			return 1;
		}
	}
	return 0;
}

static int perfect(struct grid *g, int doubt)
{
	for (size_t j = 0; j < g->n; j++)
		g->left_of[j] = -1;
	for (size_t i = 0; i < g->n; i++) {
		memset(g->seen, 0, g->n);
		if (!augment(g, i, doubt))
			return 0;
	}
	return 1;
}

static struct math_result match(struct eq *e, const struct items *a, const struct items *b)
{
	struct grid g = {.n = a->n};
	struct math_result r = EQ_SAME;

	g.edge = xcalloc(g.n * g.n + 1, sizeof *g.edge);
	g.left_of = xcalloc(g.n + 1, sizeof *g.left_of);
	g.seen = xcalloc(g.n + 1, 1);
	e->members++;
	for (size_t i = 0; i < g.n * g.n; i++)
		g.edge[i] = eq_item(e, a->i[i / g.n], b->i[i % g.n]);
	e->members--;
	if (perfect(&g, 0)) {
		for (size_t j = 0; j < g.n; j++)
			r = eq_and(r, g.edge[(size_t)g.left_of[j] * g.n + j]);
	} else if (xs_broke(e->s) || perfect(&g, 1))
		r = EQ_UNKNOWN;
	else {
		/* as certain as the least certain difference */
		r = EQ_DIFFERENT;
		for (size_t i = 0; i < g.n * g.n; i++)
			if (g.edge[i].verdict == MATH_UNEQUAL && g.edge[i].method > r.method)
				r.method = g.edge[i].method;
	}
	free(g.edge);
	free(g.left_of);
	free(g.seen);
	return r;
}

/* The left side x of x = 1; NULL: not of that form. */
static const struct math_node *label(const struct math_node *n)
{
	const struct math_node *v = eq_definition(n);

	return !v ? NULL : v == n->kid[0] ? n->kid[1] : n->kid[0];
}

/* True if written alike, or roots of one variable: x_1 and x_2. */
static int same_label(const struct math_node *a, const struct math_node *b)
{
	size_t stem = strcspn(a->text, "_");

	if (a->kind != b->kind || a->op != b->op || a->n != b->n)
		return 0;
	if (a->kind == MT_VAR)
		return stem == strcspn(b->text, "_") && !memcmp(a->text, b->text, stem) &&
		       !a->text[stem] == !b->text[stem];
	for (uint32_t i = 0; i < a->n; i++)
		if (a->kid[i]->kind == MT_VAR ? strcmp(a->kid[i]->text, b->kid[i]->text)
		                              : !same_label(a->kid[i], b->kid[i]))
			return 0;
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* x = 1, y = 2 */
int eq_several_names(const struct items *l)
{
	const struct math_node *first = NULL, *name;

	for (size_t i = 0; i < l->n; i++) {
		name = label(l->i[i].n);
		if (name && first && !same_label(name, first))
			return 1;
		first = name ? name : first;
	}
	return 0;
}

static int has_plain(const struct items *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->i[i].n->kind != MT_REL)
			return 1;
	return 0;
}

/* AB = 4, CD = 5 against 4, 5: named values keep their order. If only another order matches, the
 * result is unknown. */
static struct math_result in_order(struct eq *e, const struct items *a, const struct items *b)
{
	struct math_result r = EQ_SAME;

	for (size_t i = 0; i < a->n && r.verdict == MATH_EQUAL; i++) {
		const struct math_node *u = a->i[i].n, *v = b->i[i].n;

		if (!label(u) == !label(v))
			return EQ_UNKNOWN;
		r = eq_and(r, eq_item(e, (struct item){label(u) ? eq_definition(u) : u, a->i[i].pm},
		                      (struct item){label(v) ? eq_definition(v) : v, b->i[i].pm}));
	}
	return r.verdict == MATH_EQUAL ? r : EQ_UNKNOWN;
}

/* The value that a list of definitions gives to this variable; NULL: none, or two. */
static const struct math_node *value_of(const struct math_node *list, const char *name)
{
	const struct math_node *found = NULL;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct math_node *l = label(list->kid[i]);

		if (!l || l->kind != MT_VAR)
			return NULL;
		if (strcmp(l->text, name))
			continue;
		if (found)
			return NULL;
		found = eq_definition(list->kid[i]);
	}
	return found;
}

/* How many names of the list precede this one alphabetically; -1 if not a single letter. */
static int rank(const struct math_node *list, const struct math_node *name)
{
	int before = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct math_node *l = label(list->kid[i]);

		if (!l || l->kind != MT_VAR || l->len != 1)
			return -1;
		before += *l->text < *name->text;
	}
	return before;
}

/* Without names, the tuple's components are the list's names in alphabetical order. */
struct math_result eq_system(struct eq *e, struct item list, const struct math_node *names,
                             struct item tuple, int first)
{
	struct math_result r = EQ_SAME;

	if (list.n->n != tuple.n->n || tuple.n->open != '(' || tuple.n->close != ')')
		return EQ_UNKNOWN;
	for (uint32_t i = 0; i < list.n->n && r.verdict != MATH_UNEQUAL; i++) {
		const struct math_node *l = names ? names->kid[i] : label(list.n->kid[i]),
		                       *v = l ? value_of(list.n, l->text) : NULL;
		int at = names ? (int)i : l ? rank(list.n, l) : -1;
		struct item x = {v, list.pm}, y = {at < 0 ? NULL : tuple.n->kid[at], tuple.pm};

		if (!v || at < 0)
			return EQ_UNKNOWN;
		r = eq_and(r, first ? eq_item(e, x, y) : eq_item(e, y, x));
	}
	return r.verdict == MATH_UNEQUAL && !names ? EQ_UNKNOWN : r;
}

/* Removes repeated members. */
static void without_repeats(struct eq *e, struct items *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n && l->n <= MAX_ITEMS; i++) {
		size_t j = 0;

		while (j < n && eq_item(e, l->i[j], l->i[i]).verdict != MATH_EQUAL)
			j++;
		if (j == n)
			l->i[n++] = l->i[i];
	}
	l->n = l->n <= MAX_ITEMS ? n : l->n;
}

static int by_id(const void *a, const void *b)
{
	xid x = *(const xid *)a, y = *(const xid *)b;

	return (x > y) - (x < y);
}

/* The sorted ids of formulas; NULL if some member is not a formula. */
static xid *ids_of(struct eq *e, const struct items *l)
{
	xid *ids = xmalloc((l->n + 1) * sizeof *ids);

	for (size_t i = 0; i < l->n; i++) {
		ids[i] = eq_is_formula(l->i[i].n) && l->i[i].n->kind != MT_BASE
		             ? x_build(e->s, l->i[i].n, l->i[i].pm)
		             : X_NONE;
		if (ids[i] < 0 || x_is(e->s, ids[i], X_UNDEF)) {
			free(ids);
			return NULL;
		}
	}
	qsort(ids, l->n, sizeof *ids, by_id);
	return ids;
}

struct math_result eq_multiset(struct eq *e, struct items *a, struct items *b)
{
	struct items *got = e->swapped ? a : b, *gold = got == a ? b : a;
	xid *x, *y;
	int same;

	if (e->o->repeats && got->n > gold->n)
		without_repeats(e, got);
	if (a->n != b->n)
		return EQ_DIFFERENT;
	if ((eq_several_names(a) && has_plain(b)) || (eq_several_names(b) && has_plain(a)))
		return in_order(e, a, b);
	xs_begin(e->s);
	x = ids_of(e, a);
	y = x ? ids_of(e, b) : NULL;
	same = x && y && !memcmp(x, y, a->n * sizeof *x) && !xs_cancelled(e->s);
	free(x);
	free(y);
	if (same)
		return EQ_SAME;
	return a->n > MAX_ITEMS ? EQ_UNKNOWN : match(e, a, b);
}
