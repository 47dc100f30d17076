/* SPDX-License-Identifier: MIT */
/* The table of problems and metrics, the difference of two, and the intervals. */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t table_column(struct table *t, enum column_kind kind, size_t k, const char *fmt, ...)
{
	struct column c = {.kind = kind, .k = k, .range = 1};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c.name, sizeof c.name, fmt, ap);
	va_end(ap);
	t->col = xreallocarray(t->col, t->m + 1, sizeof *t->col);
	t->col[t->m] = c;
	return t->m++;
}

/* A row of zeros for problem id. */
static double *new_row(struct table *t, char *id)
{
	size_t before = t->id_cap;

	VEC_PUSH(t->id, t->n, t->id_cap) = id;
	if (t->id_cap != before)
		t->x = xreallocarray(t->x, t->id_cap * t->m, sizeof *t->x);
	return memset(t->x + (t->n - 1) * t->m, 0, t->m * sizeof *t->x);
}

/* The most samples that are asked for of each problem, and the option that asks. */
static size_t most(const struct budgets *votes, const struct budgets *passes, const char **option)
{
	size_t vote = votes->n ? votes->k[votes->n - 1] : 0;
	size_t any = passes->n ? passes->k[passes->n - 1] : 0;

	*option = vote >= any ? "--vote" : "--pass";
	return vote >= any ? vote : any;
}

/* Sets p to the problem of sample i and gives the first sample after it. */
static size_t problem_at(const struct set *s, size_t i, struct problem *p)
{
	size_t end = i;

	p->n = p->lost = 0;
	for (; end < s->n && !strcmp(s->v[end].id, s->v[i].id); end++)
		if (s->v[end].error)
			p->lost++;
		else
			p->v[p->n++] = &s->v[end];
	return end;
}

/* What a first attempt costs over what so many turns do, in the mean of the problems that vote. */
static void set_prices(const struct set *s, struct problem *p, double *price)
{
	double *sum = xcalloc(s->turns, sizeof *sum);

	for (size_t i = 0; i < s->n;) {
		i = problem_at(s, i, p);
		for (size_t k = 0; p->n && p->v[0]->answers && k < s->turns; k++)
			sum[k] += problem_tokens(p, k);
	}
	for (size_t k = 0; k < s->turns; k++)
		price[k] = sum[0] / sum[k];
	free(sum);
}

int table_new(const struct set *s, const struct budgets *votes, const struct budgets *passes,
              struct table *t, struct err *e)
{
	struct problem p = {.v = xreallocarray(NULL, s->n, sizeof *p.v)};
	struct metrics m = {s, votes, passes, xcalloc(s->turns, sizeof *m.price)};
	const char *option;
	size_t k = most(votes, passes, &option);
	int rc = -1;

	*t = (struct table){.trials = (double)(s->n - s->errors)};
	metrics_row(&m, &p, t, NULL);
	set_prices(s, &p, m.price);
	for (size_t i = 0, end; i < s->n; i = end) {
		end = problem_at(s, i, &p);
		if (end - i < k) {
			err_set(e, "%s: problem %s has %zu samples, %s %zu wants as many", s->name, s->v[i].id,
			        end - i, option, k);
			goto out;
		}
		if (p.n)
			metrics_row(&m, &p, t, new_row(t, s->v[i].id));
	}
	if (!t->n) {
		err_set(e, "%s: all %zu trajectories are errors", s->name, s->n);
		goto out;
	}
	rc = 0;
out:
	free(m.price);
	free(p.v);
	if (rc)
		table_release(t);
	return rc;
}

/* ---- differences ---- */

enum { NONE = -1 };

/* What a column of a difference is: this table's less the other's; with one of the two NONE, the
 * other one as it is. */
struct source {
	long mine, other;
};

struct sources {
	struct source *v;
	size_t n, cap;
};

static void minus_part(struct table *out, size_t of, struct sources *from, long mine, long other)
{
	size_t c = table_column(out, PART, 0, "%s", "");

	out->col[of].part[out->col[of].parts++] = c;
	VEC_PUSH(from->v, from->n, from->cap) = (struct source){mine, other};
}

static void minus_column(struct table *out, struct sources *from, const struct table *t, size_t c,
                         const struct table *other, size_t d)
{
	const struct column *col = &t->col[c];
	enum column_kind kind = col->kind == SHARE ? DIFFERENCE : col->kind;
	size_t of = table_column(out, kind, col->k, "%s", col->name);

	if (col->kind == DIFFERENCE)
		out->col[of].range = 2 * col->range;
	if (!col->parts) {
		VEC_PUSH(from->v, from->n, from->cap) = (struct source){(long)c, (long)d};
		return;
	}
	VEC_PUSH(from->v, from->n, from->cap) = (struct source){(long)c, NONE};
	minus_part(out, of, from, (long)col->part[0], NONE);
	minus_part(out, of, from, NONE, (long)d);
	minus_part(out, of, from, NONE, (long)other->col[d].part[0]);
}

static double minus_value(const double *mine, const double *other, struct source s)
{
	if (s.mine == NONE)
		return other[s.other];
	return mine[s.mine] - (s.other == NONE ? 0 : other[s.other]);
}

int table_minus(const struct table *t, const struct table *other, struct table *out, struct err *e)
{
	struct sources from = {0};

	*out = (struct table){.trials = fmin(t->trials, other->trials)};
	for (size_t c = 0; c < t->bins_at; c++)
		for (size_t d = 0; d < other->bins_at; d++)
			if (t->col[c].kind != PART && !strcmp(t->col[c].name, other->col[d].name) &&
			    t->col[c].k == other->col[d].k)
				minus_column(out, &from, t, c, other, d);
	out->bins_at = out->m;
	for (size_t i = 0, j = 0; i < t->n && j < other->n;) {
		int c = strcmp(t->id[i], other->id[j]);

		if (!c) {
			double *x = new_row(out, t->id[i]);

			for (size_t k = 0; k < out->m; k++)
				x[k] = minus_value(t->x + i * t->m, other->x + j * other->m, from.v[k]);
		}
		i += c <= 0;
		j += c >= 0;
	}
	free(from.v);
	if (out->n)
		return 0;
	table_release(out);
	return err_set(e, "no problem id is in both files");
}

/* ---- intervals ---- */

/* The figure of a column that others divide: those rows that have all of them. */
static struct interval ratio(const struct table *t, size_t c, uint64_t seed, size_t resamples)
{
	const struct column *col = &t->col[c];
	size_t m = col->parts + 1, n = 0;
	double *x = xreallocarray(NULL, t->n * m, sizeof *x), trials;
	struct interval out;

	for (size_t i = 0; i < t->n; i++) {
		double sum = 0;

		for (size_t k = 0; k < m; k++)
			sum += x[n * m + k] = t->x[i * t->m + (k ? col->part[k - 1] : c)];
		n += !isnan(sum);
	}
	trials = t->trials * (double)n / (double)t->n;
	if (col->kind == PER)
		out = bootstrap_ratio(x, n, m, seed, resamples);
	else
		out = m == 4 ? rate_difference(x, n, trials) : rate_interval(x, n, trials);
	free(x);
	return out;
}

void table_intervals(const struct table *t, uint64_t seed, size_t resamples, struct interval *out)
{
	bootstrap(t->x, t->n, t->m, seed, resamples, out);
	for (size_t c = 0; c < t->m; c++) {
		const struct column *col = &t->col[c];
		double mean = out[c].value;

		if (col->parts) {
			out[c] = ratio(t, c, seed, resamples);
			continue;
		}
		if (col->kind == SHARE)
			out[c] = share_interval(t->x + c, t->n, t->m, t->trials);
		else if (col->kind == DIFFERENCE)
			out[c] = difference_interval(t->x + c, t->n, t->m, col->range, t->trials);
		out[c].value = mean;
	}
}

void table_release(struct table *t)
{
	free(t->id);
	free(t->x);
	free(t->col);
	*t = (struct table){0};
}
