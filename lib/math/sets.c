/* SPDX-License-Identifier: MIT */
/* Lists and sets: what they hold, matched without regard to order; and sets of reals as intervals. */
#include "math/equal.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 128, MAX_PIECES = 64 };

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

/* ---- sets of reals ---- */

struct piece {
	xid lo, hi;
	int lo_open, hi_open;
};

struct pieces {
	struct piece p[MAX_PIECES];
	size_t n;
	const char *var;             /* the variable that the set is about, or NULL */
};

/* -1, 0, 1; 2: not known */
static int compare(struct eq *e, xid a, xid b)
{
	struct xs *s = &e->s;

	if (a < 0 || b < 0)
		return 2;
	if (a == b)
		return 0;
	if (x_infinite(s, a) || x_infinite(s, b))
		return x_infinite(s, a) < x_infinite(s, b) ? -1 : x_infinite(s, a) > x_infinite(s, b) ? 1 : 2;
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
	xid inf = x_leaf(&e->s, X_INF);

	return sign < 0 ? x_neg(&e->s, inf) : inf;
}

/* Is p empty? -1: not known. */
static int empty(struct eq *e, const struct piece *p)
{
	int c = compare(e, p->lo, p->hi);

	return c == 2 ? -1 : c > 0 || (c == 0 && (p->lo_open || p->hi_open));
}

/* Sorted, apart from each other, none empty; 0: not known. */
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
			    !add_piece(&out, lo > 0 ? p->lo : q->lo, lo > 0 ? p->lo_open : lo < 0 ? q->lo_open : p->lo_open | q->lo_open,
			               hi < 0 ? p->hi : q->hi, hi < 0 ? p->hi_open : hi > 0 ? q->hi_open : p->hi_open | q->hi_open))
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
	/* an end at infinity leaves pieces like (oo, oo), which are empty */
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
	case '!': return add_piece(out, infinity(e, -1), 1, v, 1) && add_piece(out, v, 1, infinity(e, 1), 1);
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
	*v = x_build(&e->s, a.n, a.pm);
	return *v >= 0 && !(x_at(&e->s, *v)->flags & XF_VAR);
}

/* A chain of inequalities between one variable and constants. */
static int from_relation(struct eq *e, struct item a, struct pieces *out)
{
	const struct math_node *n = a.n;

	if (!all_of(e, out))
		return 0;
	for (uint32_t i = 0; i + 1 < n->n; i++) {
		struct item l = {n->kid[i], a.pm}, r = {n->kid[i + 1], a.pm};
		struct pieces one = {.n = 0};
		char op = n->text[i];
		xid v;

		if (l.n->kind != MT_VAR) {
			struct item t = l;

			l = r;
			r = t;
			op = op == 'e' ? 0 : mirrored(op);
		}
		if (l.n->kind != MT_VAR || (out->var && strcmp(out->var, l.n->text)))
			return 0;
		out->var = l.n->text;
		if (op == 'e' ? !pieces_of(e, r, &one) : !constant(e, r, &v) || !half_line(e, op, v, &one))
			return 0;
		if (!intersect(e, out, &one))
			return 0;
	}
	return 1;
}

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

static int pieces_of(struct eq *e, struct item a, struct pieces *out)
{
	const struct math_node *n = a.n;
	xid lo, hi;

	if (!xs_spend(&e->s, 500))
		return 0;
	switch (n->kind) {
	case MT_EMPTY:
		return 1;
	case MT_SETNAME:
		return !strcmp(n->text, "R") && all_of(e, out);
	case MT_TUPLE:
		return n->n == 2 && n->open != '<' && constant(e, (struct item){n->kid[0], a.pm}, &lo) &&
		       constant(e, (struct item){n->kid[1], a.pm}, &hi) &&
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
		return n->op == 'o' && joined(e, a, out);
	case MT_INTER: case MT_SETMINUS: case MT_BUILDER:
		return met(e, a, out);
	case MT_REL:
		return from_relation(e, a, out);
	default:
		return 0;
	}
}

int eq_is_real_set(const struct math_node *n)
{
	switch (n->kind) {
	case MT_TUPLE:
		return n->n == 2 && n->open != '<';
	case MT_SET: case MT_EMPTY: case MT_SETNAME: case MT_UNION: case MT_INTER: case MT_SETMINUS: case MT_BUILDER:
		return 1;
	case MT_REL:
		return strspn(n->text, "<>lg!e=") == n->len && !eq_definition(n)
		       ? 1 : n->len == 1 && *n->text == 'e';
	case MT_LIST:
		for (uint32_t i = 0; i < n->n; i++)
			if (n->op != 'o' || !eq_is_real_set(n->kid[i]))
				return 0;
		return 1;
	default:
		return 0;
	}
}

struct math_result eq_real_set(struct eq *e, struct item a, struct item b)
{
	struct pieces p = {.n = 0}, q = {.n = 0};

	e->s.n_finite = 0;
	if ((!a.pm && eq_has_pm(a.n)) || (!b.pm && eq_has_pm(b.n)) || !pieces_of(e, a, &p) || !pieces_of(e, b, &q) ||
	    e->s.n_finite)
		return EQ_UNKNOWN;
	if (p.var && q.var && strcmp(p.var, q.var))
		return EQ_UNKNOWN;
	if (p.n != q.n)
		return eq_result(MATH_UNEQUAL, MATH_BY_CERTIFIED);
	for (size_t i = 0; i < p.n; i++) {
		int lo = compare(e, p.p[i].lo, q.p[i].lo), hi = compare(e, p.p[i].hi, q.p[i].hi);

		if (p.p[i].lo_open != q.p[i].lo_open || p.p[i].hi_open != q.p[i].hi_open || (lo && lo != 2) || (hi && hi != 2))
			return eq_result(MATH_UNEQUAL, MATH_BY_CERTIFIED);
		if (lo || hi)
			return EQ_UNKNOWN;
	}
	return eq_result(MATH_EQUAL, MATH_BY_CERTIFIED);
}
