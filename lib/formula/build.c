/* SPDX-License-Identifier: MIT */
/* Builds a formula's graph from the tree of what was written. */
#include "formula/inside.h"

#include <stdlib.h>
#include <string.h>

/* text / 10^decimals, with the last `repeat` digits recurring: (N - N div 10^r) / (10^(d-r) (10^r -
 * 1)) */
static xid number(struct xs *s, const struct math_node *t)
{
	uint64_t digits = (uint64_t)t->len + t->decimals;
	fmpq_t q;
	fmpz_t ten, head;
	xid out = X_NONE;

	if (digits > X_MAX_BITS || t->repeat > t->decimals ||
	    !xs_spend(s, 50 + digits * (20 + digits / 64)))
		return X_NONE;
	if (t->len <= 18 && !t->decimals)
		return x_int(s, (int64_t)strtoull(t->text, NULL, 10));
	fmpq_init(q);
	fmpz_init(ten);
	fmpz_init(head);
	if (!fmpz_set_str(fmpq_numref(q), t->text, 10)) {
		fmpz_ui_pow_ui(fmpq_denref(q), 10, t->decimals - t->repeat);
		if (t->repeat) {
			fmpz_ui_pow_ui(ten, 10, t->repeat);
			fmpz_fdiv_q(head, fmpq_numref(q), ten);
			fmpz_sub(fmpq_numref(q), fmpq_numref(q), head);
			fmpz_sub_ui(ten, ten, 1);
			fmpz_mul(fmpq_denref(q), fmpq_denref(q), ten);
		}
		fmpq_canonicalise(q);
		out = x_rat(s, q);
	}
	fmpz_clear(head);
	fmpz_clear(ten);
	fmpq_clear(q);
	return out;
}

/* digits / base^decimals */
static xid based(struct xs *s, const struct math_node *t)
{
	fmpq_t q;
	char *low;
	xid out = X_NONE;

	if (t->len > X_MAX_BITS / 6 || t->decimals > X_MAX_BITS / 6 || t->num < 2 || t->num > 36 ||
	    !xs_spend(s, 50 + t->len * (20 + t->len / 64)))
		return X_NONE;
	low = xstrndup(t->text, t->len);
	fmpq_init(q);
	if (!fmpz_set_str(fmpq_numref(q), low, (int)t->num)) {
		fmpz_ui_pow_ui(fmpq_denref(q), t->num, t->decimals);
		fmpq_canonicalise(q);
		out = x_rat(s, q);
	}
	fmpq_clear(q);
	free(low);
	return out;
}

static xid kids(struct xs *s, const struct math_node *t, int pm,
                xid (*join)(struct xs *, const xid *, size_t))
{
	xid *ids, out = X_NONE;
	size_t i;

	if (t->n > X_MAX_NODES)
		return X_NONE;
	ids = xmalloc((t->n + 1) * sizeof *ids);
	for (i = 0; i < t->n; i++)
		if ((ids[i] = x_build(s, t->kid[i], pm)) < 0)
			break;
	if (i == t->n)
		out = join(s, ids, t->n);
	free(ids);
	return out;
}

static int trigonometric(int f)
{
	return f >= MF_SIN && f <= MF_COT;
}

static xid function(struct xs *s, const struct math_node *t, int pm)
{
	xid ids[64], deg;

	if (!t->n || t->n > LEN(ids))
		return X_NONE;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct math_node *k = t->kid[i];
		int degrees = trigonometric(t->op) && k->kind == MT_UNIT && k->op == MU_DEGREE &&
		              !strcmp(k->text, "deg");

		ids[i] = x_build(s, degrees ? k->kid[0] : k, pm);
		if (degrees) {
			deg = x_mul2(s, x_frac(s, 1, 180), x_leaf(s, X_PI));
			ids[i] = x_mul2(s, ids[i], deg);
		}
		if (ids[i] < 0)
			return X_NONE;
	}
	return x_func(s, (enum math_func)t->op, ids, t->n);
}

static xid unknown_function(struct xs *s, const struct math_node *t, int pm)
{
	xid ids[16];

	if (t->n > LEN(ids))
		return X_NONE;
	for (uint32_t i = 0; i < t->n; i++)
		ids[i] = x_build(s, t->kid[i], pm);
	return x_apply(s, t->text, ids, t->n);
}

/* The determinant, for up to three rows. */
static xid determinant(struct xs *s, const struct math_node *t, int pm)
{
	xid m[9], sum = X_NONE;
	uint32_t n = t->rows;

	if (t->op != 'v' || n != t->cols || n > 3 || !n)
		return X_NONE;
	for (uint32_t i = 0; i < n * n; i++)
		m[i] = x_build(s, t->kid[i], pm);
	if (n == 1)
		return m[0];
	if (n == 2)
		return x_sub(s, x_mul2(s, m[0], m[3]), x_mul2(s, m[1], m[2]));
	sum = x_int(s, 0);
	for (uint32_t j = 0; j < 3; j++) {
		uint32_t a = (j + 1) % 3, b = (j + 2) % 3;
		xid minor = x_sub(s, x_mul2(s, m[3 + a], m[6 + b]), x_mul2(s, m[3 + b], m[6 + a]));

		sum = x_add2(s, sum, x_mul2(s, m[j], minor));
	}
	return sum;
}

static xid bound(const struct xs *s, const char *name)
{
	for (size_t i = s->n_bound; i; i--)
		if (!strcmp(s->bound[i - 1].name, name))
			return s->bound[i - 1].value;
	return X_NONE;
}

static xid variable(struct xs *s, const char *name)
{
	xid v = s->n_bound ? bound(s, name) : X_NONE;

	return v >= 0 ? v : x_var(s, name);
}

xid x_build_at(struct xs *s, const struct math_node *t, int pm, const char *name, xid value)
{
	xid out;

	if (s->n_bound == X_MAX_BOUND || value < 0)
		return X_NONE;
	s->bound[s->n_bound].name = name;
	s->bound[s->n_bound++].value = value;
	out = x_build(s, t, pm);
	s->n_bound--;
	return out;
}

static xid constant(struct xs *s, const struct math_node *t)
{
	xid v;

	/* i as the index of a sum */
	if (t->op == MC_I && s->n_bound && (v = bound(s, "i")) >= 0)
		return v;
	switch (t->op) {
	case MC_PI: return x_leaf(s, X_PI);
	case MC_E: return x_func(s, MF_EXP, (xid[]){x_int(s, 1)}, 1);
	case MC_I: return x_leaf(s, X_I);
	case MC_INF: return x_leaf(s, X_INF);
	}
	return X_NONE;
}

static xid unit_variable(struct xs *s, const char *text)
{
	struct buf name = {0};
	xid u;

	buf_addf(&name, " unit %s", text);
	u = x_var(s, name.data);
	buf_release(&name);
	return u;
}

static xid unit(struct xs *s, const struct math_node *t, int pm)
{
	xid v = x_build(s, t->kid[0], pm);
	struct measure m;

	switch (t->op) {
	case MU_PERCENT:
		return x_mul2(s, v, x_frac(s, 1, 100));
	case MU_DEGREE:
		if (!strcmp(t->text, "deg"))
			return x_mul(s, (xid[]){v, x_frac(s, 1, 180), x_leaf(s, X_PI)}, 3);
		break;
	}
	/* 3 cm + 2 mm: base units and unknown units are factors like variables */
	if (!x_measure(s, t->text, &m))
		return x_mul2(s, v, unit_variable(s, t->text));
	v = x_mul2(s, v, m.factor);
	for (char base = 1; base < 127; base++)
		if (m.dim[(int)base])
			v = x_mul2(s, v, x_powi(s, unit_variable(s, (char[2]){base, 0}), m.dim[(int)base]));
	return v;
}

xid x_build(struct xs *s, const struct math_node *t, int pm)
{
	xid a, b;

	if (!xs_spend(s, 100))
		return X_NONE;
	switch (t->kind) {
	case MT_NUMBER: return number(s, t);
	case MT_BASE: return based(s, t);
	case MT_CONST: return constant(s, t);
	case MT_VAR: return variable(s, t->text);
	case MT_ADD: case MT_MIXED: return kids(s, t, pm, x_add);
	case MT_MUL: return kids(s, t, pm, x_mul);
	case MT_NEG: return x_neg(s, x_build(s, t->kid[0], pm));
	case MT_DIV:
		a = x_build(s, t->kid[0], pm);
		b = x_build(s, t->kid[1], pm);
		return x_div(s, a, b);
	case MT_POW:
		a = x_build(s, t->kid[0], pm);
		b = x_build(s, t->kid[1], pm);
		return x_pow(s, a, b);
	case MT_ROOT:
		a = x_build(s, t->kid[0], pm);
		if (t->n < 2)
			return x_root(s, a, 2);
		b = x_build(s, t->kid[1], pm);
		if (b < 0)
			return X_NONE;
		if (x_is(s, b, X_RAT) && fmpz_is_one(fmpq_denref(x_value(s, b))) &&
		    fmpz_bits(fmpq_numref(x_value(s, b))) < 31)
			return x_root(s, a, fmpz_get_si(fmpq_numref(x_value(s, b))));
		return x_pow(s, a, x_powi(s, b, -1));
	case MT_PM:
		a = x_build(s, t->kid[0], pm);
		b = t->n > 1 ? x_build(s, t->kid[1], pm) : X_NONE;
		if (t->n > 1)
			return (t->op == '-') == (pm < 0) ? x_add2(s, a, b) : x_sub(s, a, b);
		return (t->op == '-') == (pm < 0) ? a : x_neg(s, a);
	case MT_FUNC: return function(s, t, pm);
	case MT_APPLY: return unknown_function(s, t, pm);
	case MT_UNIT: return unit(s, t, pm);
	case MT_SERIES: return x_series(s, t, pm);
	case MT_MATRIX: return determinant(s, t, pm);
	default:
		return X_NONE;
	}
}
