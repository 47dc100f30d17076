/* SPDX-License-Identifier: MIT */
/*
 * Canonical text of arithmetic. Numbers are folded where they fit in eighteen digits; a product is
 * a sign, a rational coefficient, and what is multiplied over what divides, each sorted; a sum's
 * terms go from the highest degree down, numbers last. Nothing is expanded or cancelled.
 */
#include "answer/inside.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DIGITS = 18, MAX_POWER = 400 };
static const uint64_t limit = 1000000000000000000;

/* ---- numbers ---- */

struct ratio {
	int negative;
	uint64_t p, q;
};

/* Digits up to another sign: 0 where there are too many. *places: those behind the point. */
static int read_digits(const char **s, uint64_t *v, size_t *places)
{
	size_t n = 0;
	int point = 0;

	*v = *places = 0;
	for (; (**s >= '0' && **s <= '9') || **s == '.'; ++*s) {
		if (**s == '.') {
			point = 1;
			continue;
		}
		*v = *v * 10 + (uint64_t)(**s - '0');
		n += *v > 0;
		*places += (size_t)point;
		if (n > MAX_DIGITS || *places > MAX_DIGITS)
			return 0;
	}
	return 1;
}

/* A canonical number as a fraction in lowest terms: 0 where it is too long. */
static int ratio_read(const struct canon *c, struct ratio *r)
{
	const char *s = c->s.data;
	size_t places, none;
	uint64_t g;

	r->negative = *s == '-';
	s += r->negative;
	if (!read_digits(&s, &r->p, &places))
		return 0;
	for (r->q = 1; places; places--)
		r->q *= 10;
	if (*s == '/') {
		s++;
		if (!read_digits(&s, &r->q, &none) || none || !r->q)
			return 0;
	}
	g = num_gcd(r->p, r->q);
	r->p /= g;
	r->q /= g;
	return 1;
}

/* r times f, or divided by it: 0, and r as it was, where that has too many digits or is nothing. */
static int ratio_times(struct ratio *r, const struct ratio *f, int divide)
{
	uint64_t p = divide ? f->q : f->p, q = divide ? f->p : f->q, g, h;

	if (!q)
		return 0;
	g = num_gcd(r->p, q);
	h = num_gcd(p, r->q);
	if ((__uint128_t)(r->p / g) * (p / h) >= limit || (__uint128_t)(r->q / h) * (q / g) >= limit)
		return 0;
	r->p = r->p / g * (p / h);
	r->q = r->q / h * (q / g);
	r->negative ^= f->negative;
	return 1;
}

static void number_level(struct canon *out)
{
	out->number = 1;
	out->level = *out->s.data == '-' ? CANON_SUM
	             : strchr(out->s.data, '/') ? CANON_PRODUCT
	                                        : CANON_ATOM;
}

static void ratio_put(const struct ratio *r, struct canon *out)
{
	struct decimal over = {.negative = r->negative}, under = {0};

	buf_addf(&over.whole, "%llu", (unsigned long long)r->p);
	buf_addf(&under.whole, "%llu", (unsigned long long)r->q);
	num_put_fraction(&over, &under, &out->s);
	num_release(&over);
	num_release(&under);
	number_level(out);
}

/* 0.1\overline{6} is (16 - 1) / 90. */
static int put_recurring(const struct math_node *n, struct canon *out)
{
	struct ratio r = {.q = 1};
	uint64_t before = 0;

	if (n->len > MAX_DIGITS || n->decimals > MAX_DIGITS)
		return 0;
	for (uint32_t i = 0; i < n->len; i++) {
		if (i < n->len - (n->repeat < n->len ? n->repeat : n->len))
			before = before * 10 + (uint64_t)(n->text[i] - '0');
		r.p = r.p * 10 + (uint64_t)(n->text[i] - '0');
	}
	for (uint32_t i = 0; i < n->repeat; i++)
		r.q *= 10;
	r.q--;
	for (uint32_t i = n->repeat; i < n->decimals; i++)
		r.q *= 10;
	r.p -= before;
	ratio_put(&r, out);
	return 1;
}

void canon_number(const struct math_node *n, struct canon *out)
{
	size_t zeros = n->decimals >= n->len ? n->decimals + 1 - n->len : 0, n_all = zeros + n->len;
	struct decimal d = {0};

	if (n->repeat) {
		out->bad |= !put_recurring(n, out);
		return;
	}
	for (size_t i = 0; i < n_all; i++)
		buf_addc(i < n_all - n->decimals ? &d.whole : &d.part,
		         i < zeros ? '0' : n->text[i - zeros]);
	num_put(&d, &out->s);
	num_release(&d);
	number_level(out);
}

void canon_mixed(const struct math_node *n, struct canon *out)
{
	struct canon whole = {0}, part = {0};
	struct ratio w, f;

	canon_node(n->kid[0], &whole);
	canon_node(n->kid[1], &part);
	if (part.number && ratio_read(&whole, &w) && ratio_read(&part, &f) &&
	    (__uint128_t)w.p * f.q + f.p < limit) {
		f.p += w.p * f.q;
		ratio_put(&f, out);
	} else
		out->bad = 1;
	buf_release(&whole.s);
	buf_release(&part.s);
}

/* 1, 10, 100, or 0.01: its exponent. */
static int power_of_ten(const struct canon *c, long *exponent)
{
	const char *s = c->s.data, *one = strchr(s, '1');
	size_t before = one ? (size_t)(one - s) : 0;

	if (!one || strspn(s, "0.") != before || strspn(one + 1, "0") + before + 1 != c->s.len)
		return 0;
	*exponent = before ? 1 - (long)before : (long)c->s.len - 1;
	return 1;
}

/* A decimal of any length with its point moved. */
static void put_shifted(const struct canon *c, long places, struct canon *out)
{
	struct decimal d = {.negative = *c->s.data == '-'};
	const char *s = c->s.data + d.negative, *point = strchr(s, '.');

	buf_add(&d.whole, s, point ? (size_t)(point - s) : strlen(s));
	if (point)
		buf_adds(&d.part, point + 1);
	for (; places; places += places < 0 ? 1 : -1)
		num_shift(&d, places < 0);
	num_put(&d, &out->s);
	num_release(&d);
	number_level(out);
}

/* ---- sums ---- */

static const char *unsigned_text(const struct canon *c)
{
	return c->s.data + (*c->s.data == '-');
}

static int by_degree(const void *a, const void *b)
{
	const struct canon *x = a, *y = b;
	int c = strcmp(unsigned_text(x), unsigned_text(y));

	if (x->number != y->number)
		return x->number - y->number;
	if (x->degree != y->degree)
		return x->degree < y->degree ? 1 : -1;
	return c ? c : strcmp(x->s.data, y->s.data);
}

static void gather_terms(const struct math_node *n, struct canons *l)
{
	if (n->kind != MT_ADD) {
		canon_node(n, canon_next(l));
		return;
	}
	for (uint32_t i = 0; i < n->n; i++)
		gather_terms(n->kid[i], l);
}

void canon_sum(const struct math_node *n, struct canon *out)
{
	struct canons l = {0};

	gather_terms(n, &l);
	qsort(l.v, l.n, sizeof *l.v, by_degree);
	for (size_t i = 0; i < l.n; i++) {
		if (i && *l.v[i].s.data != '-')
			buf_addc(&out->s, '+');
		canon_append(&l.v[i], CANON_SUM, out);
		out->degree = l.v[i].degree > out->degree ? l.v[i].degree : out->degree;
	}
	canons_release(&l);
	out->level = CANON_SUM;
}

/* ---- products ---- */

struct product {
	struct ratio coefficient;
	struct canons over, under;
	int keep;                    /* what multiplies here has an order */
};

/* Do matrices or vectors multiply in it? Their order counts. */
static int ordered(const struct math_node *n)
{
	if (n->kind != MT_MUL && n->kind != MT_DIV && n->kind != MT_NEG && n->kind != MT_ADD &&
	    n->kind != MT_POW && n->kind != MT_FUNC)
		return n->kind == MT_TUPLE || (n->kind == MT_MATRIX && n->op != 'v');
	for (uint32_t i = 0; i < n->n; i++)
		if (ordered(n->kid[i]))
			return 1;
	return 0;
}

static void gather_factors(const struct math_node *n, int divide, struct product *p)
{
	struct canons *l = divide ? &p->under : &p->over;
	struct canon *c;
	struct ratio r;

	if (n->kind == MT_NEG || n->kind == MT_DIV ||
	    (n->kind == MT_MUL && !(n->flags & MT_F_MAYBE_UNIT) && !p->keep)) {
		p->coefficient.negative ^= n->kind == MT_NEG;
		for (uint32_t i = 0; i < n->n; i++)
			gather_factors(n->kid[i], divide ^ (n->kind == MT_DIV && i), p);
		return;
	}
	c = canon_next(l);
	canon_node(n, c);
	if (c->number && ratio_read(c, &r) && ratio_times(&p->coefficient, &r, divide)) {
		buf_release(&c->s);
		l->n--;
	}
}

/* m 10^k where the digits are too many for a fraction. */
static int put_scientific(struct product *p, struct canon *out)
{
	const struct ratio *c = &p->coefficient;
	struct canon *v = p->over.v, one = {0};
	long k;
	int done = 0;

	if (p->under.n || !p->over.n || p->over.n > 2 || !v[0].number || !v[p->over.n - 1].number)
		return 0;
	if (p->over.n == 1) {
		ratio_put(c, &one);
		if (power_of_ten(&v[0], &k) && !strchr(one.s.data, '/')) {
			put_shifted(&one, k, out);
			done = 1;
		}
	} else if (c->p == 1 && c->q == 1 && !c->negative) {
		for (size_t i = 0; i < 2 && !done; i++)
			if (power_of_ten(&v[i], &k) && !strchr(v[1 - i].s.data, '/')) {
				put_shifted(&v[1 - i], k, out);
				done = 1;
			}
	}
	buf_release(&one.s);
	return done;
}

static void put_factors(const struct canons *l, uint64_t number, struct canon *out)
{
	if (number != 1 || !l->n)
		buf_addf(&out->s, "%llu%s", (unsigned long long)number, l->n ? "*" : "");
	canons_join(l, "*", CANON_POWER, out);
}

static void put_product(struct product *p, struct canon *out)
{
	const struct ratio *c = &p->coefficient;
	int minus = c->negative && c->p, one = c->p == 1 && c->q == 1 && p->over.n == 1 && !p->under.n;
	size_t divisors = p->under.n + (c->q != 1);

	if (minus)
		buf_addc(&out->s, '-');
	for (size_t i = 0; i < p->over.n; i++)
		out->degree += p->over.v[i].degree;
	if (one && !minus) {
		canon_append(&p->over.v[0], CANON_LIST, out);
		out->level = p->over.v[0].level;
		out->number = p->over.v[0].number;
		return;
	}
	put_factors(&p->over, c->p, out);
	if (divisors) {
		buf_adds(&out->s, divisors > 1 ? "/(" : "/");
		put_factors(&p->under, c->q, out);
		buf_adds(&out->s, divisors > 1 ? ")" : "");
	}
	out->level = minus ? CANON_SUM : CANON_PRODUCT;
	out->number = one && p->over.v[0].number && minus && *p->over.v[0].s.data != '-' &&
	              p->over.v[0].level == CANON_ATOM;
}

void canon_product(const struct math_node *n, struct canon *out)
{
	struct product p = {.coefficient = {.p = 1, .q = 1}, .keep = ordered(n)};

	if (n->kind == MT_MUL && p.keep) {
		struct canons l = {0};

		for (uint32_t i = 0; i < n->n; i++)
			canon_node(n->kid[i], canon_next(&l));
		canons_join(&l, "*", CANON_POWER, out);
		canons_release(&l);
		out->level = CANON_PRODUCT;
		return;
	}
	gather_factors(n, 0, &p);
	canons_sort(&p.over);
	canons_sort(&p.under);
	if (!p.over.n && !p.under.n)
		ratio_put(&p.coefficient, out);
	else if (!put_scientific(&p, out))
		put_product(&p, out);
	canons_release(&p.over);
	canons_release(&p.under);
}

/* ---- powers ---- */

/* A number to a whole one, as long as it fits; powers of ten always do. */
static int put_power(const struct canon *base, const struct canon *exponent, struct canon *out)
{
	struct ratio b, e, r = {.p = 1, .q = 1};

	if (!base->number || !exponent->number || !ratio_read(base, &b) || !ratio_read(exponent, &e) ||
	    e.q != 1 || e.p > MAX_POWER || (!b.p && (e.negative || !e.p)))
		return 0;
	if (b.p == 10 && b.q == 1 && !b.negative) {
		struct canon one = {0};

		ratio_put(&r, &one);
		put_shifted(&one, e.negative ? -(long)e.p : (long)e.p, out);
		buf_release(&one.s);
		return 1;
	}
	for (uint64_t i = 0; i < e.p; i++)
		if (!ratio_times(&r, &b, e.negative))
			return 0;
	ratio_put(&r, out);
	return 1;
}

void canon_power(const struct math_node *n, struct canon *out)
{
	struct canon base = {0}, exponent = {0};
	const struct math_node *e = n->kid[1];
	struct ratio r;

	canon_node(n->kid[0], &base);
	canon_node(e, &exponent);
	if (!put_power(&base, &exponent, out)) {
		/* 5^o would be five degrees, A^T a transposed matrix */
		int plain = (exponent.number && exponent.level == CANON_ATOM) || e->kind == MT_CONST ||
		            (e->kind == MT_VAR && e->len == 1 && *e->text != 'o' && *e->text != 'T');

		canon_append(&base, CANON_ATOM, out);
		buf_adds(&out->s, plain ? "^" : "^(");
		canon_append(&exponent, CANON_LIST, out);
		buf_adds(&out->s, plain ? "" : ")");
		out->level = CANON_POWER;
		if (exponent.number && ratio_read(&exponent, &r) && r.q == 1 && !r.negative && r.p < 1000)
			out->degree = base.degree * (int)r.p;
	}
	buf_release(&base.s);
	buf_release(&exponent.s);
}
