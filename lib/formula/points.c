/* SPDX-License-Identifier: MIT */
/*
 * Compares two formulas with variables at points: disjoint balls prove them different; if balls
 * overlap at all points, they are taken to be equal ("probabilistic").
 *
 * Variables are real unless i, Re, Im, conj or arg occur. Roots and logarithms are then real too,
 * and points where a side has no real value are skipped: sqrt(x) sqrt(y) = sqrt(xy), but sqrt(x^2)
 * is |x|. If the reals give too few points (n!, (-1)^n), variables are integers. Points depend only
 * on the formulas, not on which side is which.
 */
#include "formula/inside.h"

#include <stdlib.h>

enum { TRIES = 16, AGREE = 3, PREC = 128, MEET_PREC = 2048, MEET = 1792, LONGEST = 1024, FAR = 4 };

enum domain { REALS, WHOLE, COMPLEX };

struct sides {
	struct xs *s;
	xid a, b;
	acb_ptr value;
	struct rng rng;
	uint64_t at;
};

/* A random real, a multiple of 2^-20: first in (0,1), then (0,8), then (-8,8). */
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

/* Bits of the longest numerator or denominator of a constant. */
static slong longest(const struct xs *s)
{
	slong most = 0;

	for (size_t i = 0; i < s->n_rat; i++) {
		slong p = (slong)fmpz_bits(fmpq_numref(&s->rat[i])),
		      q = (slong)fmpz_bits(fmpq_denref(&s->rat[i]));

		most = p > most ? p : most;
		most = q > most ? q : most;
	}
	return most;
}

/* All variables about 2^7, 2^14, 2^21 or larger than any constant, each with its own sign. */
static void far_point(struct sides *p, int try)
{
	slong scale = try % FAR < FAR - 1 ? 7 * (try % FAR + 1) : longest(p->s) + 4;

	for (size_t i = 0; i < p->s->n_name; i++) {
		arb_ptr x = acb_realref(p->value + i);

		acb_zero(p->value + i);
		random_real(p, x, 0);
		arb_add_ui(x, x, 1, PREC);
		arb_mul_2exp_si(x, x, scale);
		/* the first points cover all sign patterns of two variables */
		if ((try / FAR >> i % 2 & 1) ^ (i >= 2 && rng_below(&p->rng, p->at++, 2)))
			arb_neg(x, x);
	}
}

/* True if all of u - v is small, absolutely or relative to u. */
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
	mag_mul_2exp_si(beside, beside, -MEET);
	r = mag_cmp_2exp_si(m, -MEET) < 0 || mag_cmp(m, beside) < 0;
	mag_clear(beside);
	mag_clear(m);
	acb_clear(d);
	return r;
}

/* -1: a side has no value here, or undecided; 0: they differ; 1: they agree to `meet` bits. */
static int compare(struct sides *p, enum domain d, int meet)
{
	struct x_env env = {p->value, d != COMPLEX};
	acb_t u, v;
	int r = -1;

	acb_init(u);
	acb_init(v);
	for (slong prec = PREC; prec <= (meet ? MEET_PREC : PREC) && r < 0;
	     prec = prec < MEET_PREC ? MEET_PREC : prec + 1) {
		if (!x_eval(p->s, p->a, &env, prec, u) || !x_eval(p->s, p->b, &env, prec, v))
			break;
		if (!acb_is_finite(u) || !acb_is_finite(v))
			continue;           /* retry, in case the precision was too low */
		if (!acb_overlaps(u, v))
			r = 0;
		else if (p->a == p->b || (prec == MEET_PREC && near(u, v, prec)))
			r = 1;
	}
	acb_clear(u);
	acb_clear(v);
	return r;
}

static struct math_result at_points(struct sides *p, enum domain d)
{
	const struct math_result differ = {.verdict = MATH_UNEQUAL, .method = MATH_BY_CERTIFIED};
	int met = 0, missed = 0;

	for (int try = 0; try < TRIES && !xs_broke(p->s); try++) {
		int r;

		/* no valid points: try another domain */
		if (try - met >= 12 && !met)
			break;
		random_point(p, d, try);
		r = compare(p, d, 1);
		missed += r < 0;
		met += r > 0;
		if (!r)
			return differ;
		if (met >= 4 && met >= AGREE + missed / 4)
			break;
	}
	for (int try = 0; try < 4 * FAR && met >= AGREE && d == REALS && p->a != p->b; try++) {
		far_point(p, try);
		if (!compare(p, d, 0))
			return differ;
	}
	if (met >= AGREE && (p->a == p->b || !xs_broke(p->s)))
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
	if (r.verdict == MATH_EQUAL && a != b && (flags & XF_JUMP || longest(s) > LONGEST))
		r = (struct math_result){.verdict = MATH_UNKNOWN};
	return r;
}
