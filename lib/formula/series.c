/* SPDX-License-Identifier: MIT */
/*
 * Sums and products over an index. Between integers they are computed term by term; infinite
 * geometric series are evaluated; any other is a function of its bounds and its term, whatever the
 * name of the index.
 */
#include "formula/inside.h"

#include <string.h>

/* 1 for an integer that is not large. */
static int whole(const struct xs *s, xid a, int64_t *v)
{
	const fmpq *q;

	if (a < 0 || !x_is(s, a, X_RAT))
		return 0;
	q = x_value(s, a);
	if (!fmpz_is_one(fmpq_denref(q)) || fmpz_bits(fmpq_numref(q)) > 40)
		return 0;
	*v = fmpz_get_si(fmpq_numref(q));
	return 1;
}

static xid worked_out(struct xs *s, const struct math_node *t, int pm, int64_t from, int64_t to)
{
	int sum = t->op == 's';
	xid out = x_int(s, sum ? 0 : 1);

	if (to - from >= X_MAX_TERMS)
		return X_NONE;
	for (int64_t k = from; k <= to && out >= 0; k++) {
		xid term = x_build_at(s, t->kid[3], pm, t->kid[0]->text, x_int(s, k));

		if (term < 0 || !xs_spend(s, 100))
			return X_NONE;
		out = sum ? x_add2(s, out, term) : x_mul2(s, out, term);
	}
	return out;
}

/* a + a r + a r^2 + ... for a constant r between -1 and 1, else X_NONE. */
static xid geometric(struct xs *s, const struct math_node *t, int pm, int64_t from)
{
	const struct math_node *body = t->kid[3];
	const char *name = t->kid[0]->text;
	xid k = x_var(s, " index"), first, ratio;
	const fmpq *r;

	first = x_build_at(s, body, pm, name, x_int(s, from));
	ratio = x_div(s, x_build_at(s, body, pm, name, x_add2(s, k, x_int(s, 1))),
	              x_build_at(s, body, pm, name, k));
	if (first < 0 || ratio < 0 || !x_is(s, ratio, X_RAT))
		return X_NONE;
	r = x_value(s, ratio);
	if (fmpz_cmpabs(fmpq_numref(r), fmpq_denref(r)) >= 0)
		return X_NONE;
	return x_div(s, first, x_sub(s, x_int(s, 1), ratio));
}

/* x_k: true for a name that depends on the index. */
static int subscripted(const struct math_node *n, const char *index)
{
	const char *under = n->kind == MT_VAR || n->kind == MT_APPLY ? strchr(n->text, '_') : NULL;

	if (under && strstr(under, index))
		return 1;
	for (uint32_t i = 0; i < n->n; i++)
		if (subscripted(n->kid[i], index))
			return 1;
	return 0;
}

xid x_series(struct xs *s, const struct math_node *t, int pm)
{
	static const char *const names[X_MAX_BOUND] = {
		" index 1", " index 2", " index 3", " index 4", " index 5", " index 6", " index 7",
		" index 8",
	};
	xid from = x_build(s, t->kid[1], pm), to = x_build(s, t->kid[2], pm), term, out;
	int64_t a, b;

	if (from < 0 || to < 0 || !xs_spend(s, 200) || subscripted(t->kid[3], t->kid[0]->text))
		return X_NONE;
	if (whole(s, from, &a) && whole(s, to, &b))
		return worked_out(s, t, pm, a, b);
	if (t->op == 's' && whole(s, from, &a) && x_infinite(s, to) > 0) {
		out = geometric(s, t, pm, a);
		if (out >= 0)
			return out;
	}
	if (s->n_bound == X_MAX_BOUND)
		return X_NONE;
	term = x_build_at(s, t->kid[3], pm, t->kid[0]->text, x_var(s, names[s->n_bound]));
	return x_apply(s, t->op == 's' ? " sum" : " product", (xid[]){from, to, term}, 3);
}
