/* SPDX-License-Identifier: MIT */
/*
 * Compares matrices and vectors: evaluates sums, products with numbers and with each other, powers,
 * transposes, and vectors written with i, j and k. A tuple counts as a column.
 */
#include "equal/inside.h"

#include <string.h>

enum { MAX_SIDE = 8, MAX_CELLS = MAX_SIDE * MAX_SIDE, POWER_BITS = 4 };

struct mat {
	uint32_t rows, cols;         /* 0: a number, in v[0] */
	int tuple, space;            /* contains a tuple; is made of i, j, k */
	xid v[MAX_CELLS];
};

struct reading {
	struct eq *e;
	int pm;
	int letters;                 /* i, j, k are unit vectors; 2: so is the imaginary unit's i */
};

static int read_value(struct reading *r, const struct math_node *n, struct mat *out);

/* ---- detection ---- */

int eq_holds_vector(const struct math_node *n)
{
	switch (n->kind) {
	case MT_MATRIX:
		return n->op == 'p';
	case MT_TUPLE:
		return n->n > 1;
	case MT_ADD: case MT_NEG: case MT_MUL: case MT_DIV: case MT_POW: case MT_FUNC:
		for (uint32_t i = 0; i < n->n; i++)
			if (eq_holds_vector(n->kid[i]))
				return 1;
	}
	return 0;
}

/* 0, 1, 2 for i, j, k, with or without a hat; -1: another letter. */
static int unit_vector(const struct math_node *n)
{
	const char *name = n->kind != MT_VAR                            ? ""
	                   : n->len == 5 && !memcmp(n->text, "hat ", 4) ? n->text + 4
	                                                                : n->text;

	return strlen(name) == 1 && *name >= 'i' && *name <= 'k' ? *name - 'i' : -1;
}

static int has_unit_vector(const struct math_node *n)
{
	for (uint32_t i = 0; i < n->n; i++)
		if (has_unit_vector(n->kid[i]))
			return 1;
	return unit_vector(n) >= 0;
}

/* ---- arithmetic ---- */

static int same_size(const struct mat *a, const struct mat *b)
{
	return a->rows == b->rows && a->cols == b->cols;
}

static uint32_t cells(const struct mat *m)
{
	return m->rows ? m->rows * m->cols : 1;
}

static int good(const struct mat *m)
{
	for (uint32_t i = 0; i < cells(m); i++)
		if (m->v[i] < 0)
			return 0;
	return 1;
}

static int add(struct xs *s, struct mat *a, const struct mat *b)
{
	if (!same_size(a, b))
		return 0;
	for (uint32_t i = 0; i < cells(a); i++)
		a->v[i] = x_add2(s, a->v[i], b->v[i]);
	a->tuple |= b->tuple;
	a->space |= b->space;
	return good(a);
}

static void scale(struct xs *s, struct mat *a, xid by)
{
	for (uint32_t i = 0; i < cells(a); i++)
		a->v[i] = x_mul2(s, a->v[i], by);
}

static int multiply(struct xs *s, struct mat *a, const struct mat *b)
{
	struct mat c = *b;

	if (!a->rows || !b->rows) {
		scale(s, a->rows ? a : &c, a->rows ? b->v[0] : a->v[0]);
		if (!a->rows)
			*a = c;
		return good(a);
	}
	if (a->cols != b->rows || a->tuple || b->space)
		return 0;
	c.rows = a->rows;
	for (uint32_t i = 0; i < c.rows; i++)
		for (uint32_t j = 0; j < c.cols; j++) {
			xid sum = x_int(s, 0);

			for (uint32_t k = 0; k < a->cols; k++)
				sum = x_add2(s, sum, x_mul2(s, a->v[i * a->cols + k], b->v[k * b->cols + j]));
			c.v[i * c.cols + j] = sum;
		}
	*a = c;
	return good(a);
}

static void transpose(struct mat *a)
{
	struct mat t = *a;

	for (uint32_t i = 0; i < a->rows; i++)
		for (uint32_t j = 0; j < a->cols; j++)
			t.v[j * a->rows + i] = a->v[i * a->cols + j];
	t.rows = a->cols;
	t.cols = a->rows;
	*a = t;
}

/* Inverts a matrix of two or three rows, by cofactors. */
static int invert(struct xs *s, struct mat *a)
{
	const xid *m = a->v;
	struct mat c = *a;
	xid det = X_NONE;

	if (a->rows == 2) {
		det = x_sub(s, x_mul2(s, m[0], m[3]), x_mul2(s, m[1], m[2]));
		c.v[0] = m[3];
		c.v[1] = x_neg(s, m[1]);
		c.v[2] = x_neg(s, m[2]);
		c.v[3] = m[0];
	} else if (a->rows == 3) {
		for (uint32_t i = 0; i < 3; i++)
			for (uint32_t j = 0; j < 3; j++) {
				uint32_t p = (i + 1) % 3, q = (i + 2) % 3, u = (j + 1) % 3, v = (j + 2) % 3;

				c.v[3 * j + i] = x_sub(s, x_mul2(s, m[3 * p + u], m[3 * q + v]),
				                       x_mul2(s, m[3 * p + v], m[3 * q + u]));
			}
		det = x_int(s, 0);
		for (uint32_t j = 0; j < 3; j++)
			det = x_add2(s, det, x_mul2(s, m[j], c.v[3 * j]));
	}
	if (det < 0)
		return 0;
	scale(s, &c, x_powi(s, det, -1));
	*a = c;
	return good(a);
}

static int power(struct xs *s, struct mat *a, xid exponent)
{
	struct mat base = *a;
	int64_t k;

	if (!a->rows || a->rows != a->cols || !x_small(s, exponent, POWER_BITS, &k))
		return 0;
	if (!k || (k < 0 && !invert(s, &base)))
		return 0;
	*a = base;
	for (k = k < 0 ? -k : k; k > 1; k--)
		if (!multiply(s, a, &base))
			return 0;
	return 1;
}

/* ---- reading ---- */

static int read_cells(struct reading *r, const struct math_node *n, uint32_t rows, uint32_t cols,
                      struct mat *out)
{
	if (rows > MAX_SIDE || cols > MAX_SIDE)
		return 0;
	*out = (struct mat){.rows = rows, .cols = cols, .tuple = n->kind == MT_TUPLE};
	for (uint32_t i = 0; i < n->n; i++)
		out->v[i] = eq_is_formula(n->kid[i]) ? x_build(r->e->s, n->kid[i], r->pm) : X_NONE;
	return good(out);
}

static int read_many(struct reading *r, const struct math_node *n, struct mat *out)
{
	for (uint32_t i = 0; i < n->n; i++) {
		struct mat one;

		if (!read_value(r, n->kid[i], &one))
			return 0;
		if (!i)
			*out = one;
		else if (!(n->kind == MT_ADD ? add : multiply)(r->e->s, out, &one))
			return 0;
	}
	return n->n > 0;
}

static int read_two(struct reading *r, const struct math_node *n, struct mat *out)
{
	struct mat by;

	if (!read_value(r, n->kid[0], out) || !read_value(r, n->kid[1], &by) || by.rows)
		return 0;
	if (n->kind == MT_POW)
		return power(r->e->s, out, by.v[0]);
	scale(r->e->s, out, x_powi(r->e->s, by.v[0], -1));
	return good(out);
}

static int read_value(struct reading *r, const struct math_node *n, struct mat *out)
{
	struct xs *s = r->e->s;
	int letter = r->letters ? unit_vector(n) : -1;

	if (r->letters > 1 && n->kind == MT_CONST && n->op == MC_I)
		letter = 0;
	if (!xs_spend(s, 200))
		return 0;
	if (letter >= 0) {
		*out = (struct mat){.rows = 3, .cols = 1, .space = 1};
		for (int i = 0; i < 3; i++)
			out->v[i] = x_int(s, i == letter);
		return 1;
	}
	if (n->kind == MT_MATRIX && n->op == 'p')
		return read_cells(r, n, n->rows, n->cols, out);
	if (n->kind == MT_TUPLE)
		return n->n > 1 && n->open != '[' && n->close != ']' && read_cells(r, n, n->n, 1, out);
	if (eq_holds_vector(n) || (r->letters && (has_unit_vector(n) || r->letters > 1)))
		switch (n->kind) {
		case MT_ADD: case MT_MUL:
			return read_many(r, n, out);
		case MT_NEG:
			if (!read_value(r, n->kid[0], out))
				return 0;
			scale(s, out, x_int(s, -1));
			return good(out);
		case MT_DIV: case MT_POW:
			if (eq_holds_vector(n->kid[0]) || n->kind == MT_DIV)
				return read_two(r, n, out);
			break;
		case MT_FUNC:
			if (n->op != MF_TRANSPOSE || !read_value(r, n->kid[0], out) || !out->rows)
				return 0;
			transpose(out);
			return 1;
		}
	*out = (struct mat){.rows = 0};
	out->v[0] = eq_is_formula(n) ? x_build(s, n, r->pm) : X_NONE;
	return good(out);
}

/* ---- comparing ---- */

/* Makes a vector in space without third coordinate a vector in the plane, if b is one. */
static void flatten(struct xs *s, struct mat *a, const struct mat *b)
{
	if (a->space && a->rows == 3 && b->rows == 2 && b->cols == 1 && a->v[2] == x_int(s, 0))
		a->rows = 2;
}

struct math_result eq_vectors(struct eq *e, struct item a, struct item b)
{
	struct reading ra = {e, a.pm, 0}, rb = {e, b.pm, 0};
	struct math_result r = EQ_SAME;
	struct mat u, v;

	/* if the other side is a vector, i, j and k are unit vectors; otherwise i is the imaginary
	 * unit */
	if (eq_holds_vector(b.n) && has_unit_vector(a.n))
		ra.letters = 2;
	if (eq_holds_vector(a.n) && has_unit_vector(b.n))
		rb.letters = 2;
	xs_begin(e->s);
	if ((!a.pm && eq_has_pm(a.n)) || (!b.pm && eq_has_pm(b.n)) || !read_value(&ra, a.n, &u) ||
	    !read_value(&rb, b.n, &v))
		return EQ_UNKNOWN;
	flatten(e->s, &u, &v);
	flatten(e->s, &v, &u);
	if (!same_size(&u, &v))
		return (u.tuple && v.rows) || (v.tuple && u.rows) ? EQ_UNKNOWN : EQ_DIFFERENT;
	for (uint32_t i = 0; i < cells(&u) && r.verdict != MATH_UNEQUAL; i++)
		r = eq_and(r, x_equal(e->s, u.v[i], v.v[i]));
	return r;
}

struct math_result eq_matrix(struct eq *e, struct item a, struct item b)
{
	/* a determinant is a number */
	if (a.n->op != b.n->op)
		return a.n->n == 1 || b.n->n == 1 ? EQ_UNKNOWN : EQ_DIFFERENT;
	if (a.n->rows != b.n->rows || a.n->cols != b.n->cols)
		return EQ_DIFFERENT;
	return eq_sequence(e, a.n, a.pm, b.n, b.pm);
}
