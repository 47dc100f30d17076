/* SPDX-License-Identifier: MIT */
/* Lists and sets: what they hold, matched without regard to order. */
#include "math/equal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 128 };

/* ---- items ---- */

void eq_items(struct item a, struct items *out)
{
	int holder = a.n->kind == MT_SET || a.n->kind == MT_LIST || a.n->kind == MT_UNION || a.n->kind == MT_INTER;

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

struct math_result eq_sequence(struct eq *e, const struct math_node *a, int pa, const struct math_node *b, int pb)
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
	int *left_of;                /* by right: its left, -1 */
	char *seen;
};

/* An augmenting path from left i over edges that are equal, or, if doubt, not unequal. */
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
	for (size_t i = 0; i < g.n * g.n; i++)
		g.edge[i] = eq_item(e, a->i[i / g.n], b->i[i % g.n]);
	if (perfect(&g, 0)) {
		for (size_t j = 0; j < g.n; j++)
			r = eq_and(r, g.edge[(size_t)g.left_of[j] * g.n + j]);
	} else if (xs_broke(&e->s) || perfect(&g, 1))
		r = EQ_UNKNOWN;
	else {
		/* as sure as the least sure of what differs */
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

static const char *defined_name(const struct math_node *n)
{
	const struct math_node *v = eq_definition(n);

	return !v ? NULL : v == n->kid[0] ? n->kid[1]->text : n->kid[0]->text;
}

/* x = 1, y = 2 */
static int several_names(const struct items *l)
{
	const char *first = NULL, *name;

	for (size_t i = 0; i < l->n; i++) {
		name = defined_name(l->i[i].n);
		if (name && first && strcmp(name, first))
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

static int by_id(const void *a, const void *b)
{
	xid x = *(const xid *)a, y = *(const xid *)b;

	return (x > y) - (x < y);
}

/* The ids of formulas, sorted; NULL where something is none. */
static xid *ids_of(struct eq *e, const struct items *l)
{
	xid *ids = xmalloc((l->n + 1) * sizeof *ids);

	for (size_t i = 0; i < l->n; i++) {
		ids[i] = eq_is_formula(l->i[i].n) && l->i[i].n->kind != MT_BASE ? x_build(&e->s, l->i[i].n, l->i[i].pm) :
		         X_NONE;
		if (ids[i] < 0 || x_is(&e->s, ids[i], X_UNDEF)) {
			free(ids);
			return NULL;
		}
	}
	qsort(ids, l->n, sizeof *ids, by_id);
	return ids;
}

struct math_result eq_multiset(struct eq *e, const struct items *a, const struct items *b)
{
	xid *x, *y;
	int same;

	if (a->n != b->n)
		return EQ_DIFFERENT;
	if ((several_names(a) && has_plain(b)) || (several_names(b) && has_plain(a)))
		return EQ_UNKNOWN;
	e->s.n_finite = 0;
	x = ids_of(e, a);
	y = x ? ids_of(e, b) : NULL;
	same = x && y && !memcmp(x, y, a->n * sizeof *x) && !e->s.n_finite;
	free(x);
	free(y);
	if (same)
		return EQ_SAME;
	return a->n > MAX_ITEMS ? EQ_UNKNOWN : match(e, a, b);
}
