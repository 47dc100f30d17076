/* SPDX-License-Identifier: MIT */
/*
 * Two formulas with variables, at points: balls that miss each other prove them different; balls that meet at
 * all points make them equal as far as is known ("probabilistic").
 *
 * Variables are real unless i, Re, Im, conj or arg occur; so are roots and logarithms then, and a point where
 * one side has no real value is skipped: sqrt(x) sqrt(y) = sqrt(xy), but sqrt(x^2) is |x|. Where the reals give
 * too few points (n!, (-1)^n), variables are whole numbers. Points depend on the formulas alone, which side is
 * which aside.
 */
#include "math/expr.h"

#include <stdlib.h>

enum { TRIES = 16, AGREE = 3, START_PREC = 128, LAST_PREC = 512, ACCURACY = 64 };

enum domain { REALS, WHOLE, COMPLEX };

struct sides {
	struct xs *s;
	xid a, b;
	acb_ptr value;
	struct rng rng;
	uint64_t at;
};

/* A real: first within (0,1), then (0,8), then (-8,8); to 2^-20. */
static void random_real(struct sides *p, arb_t out, int try)
{
	int64_t v = (int64_t)rng_below(&p->rng, p->at++, (1u << 20) - 2) + 1;

	if (try % 4 >= 1)
		v *= 8;
	if (try % 4 >= 2 && rng_below(&p->rng, p->at++, 2))
		v = -v;
	arb_set_si(out, v);
	arb_mul_2exp_si(out, out, -20);
}

static void random_point(struct sides *p, enum domain d, int try)
{
	for (size_t i = 0; i < p->s->n_name; i++) {
		acb_ptr z = p->value + i;

		acb_zero(z);
		if (d == WHOLE)
			arb_set_ui(acb_realref(z), (ulong)rng_below(&p->rng, p->at++, try % 2 ? 8 : 24) + 1);
		else
			random_real(p, acb_realref(z), try);
		if (d == COMPLEX)
			random_real(p, acb_imagref(z), try | 2);
	}
}

/* Is all of u - v small, absolutely or beside u? */
static int near(const acb_t u, const acb_t v, slong prec)
{
	acb_t d;
	mag_t m, beside;
	int r;

	acb_init(d);
	mag_init(m);
	mag_init(beside);
	acb_sub(d, u, v, prec);
	acb_get_mag(m, d);
	acb_get_mag_lower(beside, u);
	mag_mul_2exp_si(beside, beside, -ACCURACY);
	r = mag_cmp_2exp_si(m, -ACCURACY) < 0 || mag_cmp(m, beside) < 0;
	mag_clear(beside);
	mag_clear(m);
	acb_clear(d);
	return r;
}

/* -1: a side has no value here; 0: they differ; 1: they meet. */
static int compare(struct sides *p, enum domain d)
{
	struct x_env env = {p->value, d != COMPLEX};
	acb_t u, v;
	int r = -1;

	acb_init(u);
	acb_init(v);
	for (slong prec = START_PREC; prec <= LAST_PREC; prec *= 2) {
		if (!x_eval(p->s, p->a, &env, prec, u) || !x_eval(p->s, p->b, &env, prec, v)) {
			r = -1;
			break;
		}
		if (!acb_is_finite(u) || !acb_is_finite(v)) {
			/* once more, in case it was the precision */
			if (prec >= 2 * START_PREC)
				break;
			continue;
		}
		if (!acb_overlaps(u, v)) {
			r = 0;
			break;
		}
		if (near(u, v, prec)) {
			r = 1;
			break;
		}
	}
	acb_clear(u);
	acb_clear(v);
	return r;
}

static struct math_result at_points(struct sides *p, enum domain d)
{
	int met = 0, missed = 0;

	for (int try = 0; try < TRIES && !xs_broke(p->s); try++) {
		int r;

		/* nothing but misses: another domain may do */
		if (try - met >= 12 && !met)
			break;
		random_point(p, d, try);
		r = compare(p, d);
		missed += r < 0;
		met += r > 0;
		if (!r)
			return (struct math_result){.verdict = MATH_UNEQUAL, .method = MATH_BY_CERTIFIED};
		if (met >= 4 && met >= AGREE + missed / 4)
			break;
	}
	if (met >= AGREE)
		return (struct math_result){.verdict = MATH_EQUAL, .method = MATH_BY_PROBABILISTIC};
	return (struct math_result){.verdict = MATH_UNKNOWN};
}

struct math_result x_points(struct xs *s, xid a, xid b)
{
	struct sides p = {.s = s, .a = a, .b = b};
	struct math_result r = {.verdict = MATH_UNKNOWN};
	uint8_t flags = x_at(s, a)->flags | x_at(s, b)->flags;

	if (flags & XF_OPAQUE || !s->n_name)
		return r;
	p.rng = rng_stream(x_at(s, a)->hash ^ (uint64_t)x_at(s, b)->hash, "math-points", 0, "", 0, 0);
	p.value = _acb_vec_init((slong)s->n_name);
	if (flags & XF_I)
		r = at_points(&p, COMPLEX);
	else {
		if (!(flags & XF_STEP))
			r = at_points(&p, REALS);
		if (r.verdict == MATH_UNKNOWN && !xs_broke(s))
			r = at_points(&p, WHOLE);
	}
	_acb_vec_clear(p.value, (slong)s->n_name);
	return r;
}
