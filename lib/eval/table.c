/* SPDX-License-Identifier: MIT */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- majority vote ---- */

/* Is the answer that most of v[n]'s attempts at this turn give a right one? Ties go to the
 * answer that came first. */
static int vote(const struct sample *const *v, size_t n, size_t turn)
{
	size_t most = 0;
	int right = 0;

	for (size_t i = 0; i < n; i++) {
		size_t count = 0;

		for (size_t j = 0; v[i]->answer[turn] && j < n; j++)
			count += v[j]->answer[turn] && !strcmp(v[i]->answer[turn], v[j]->answer[turn]);
		if (count > most) {
			most = count;
			right = v[i]->right[turn];
		}
	}
	return right;
}

/* Mean over the disjoint groups of K/(turn+1) samples: K responses each. NaN if errors left
 * fewer, or there is nothing to vote on. */
static double vote_share(const struct sample *const *v, size_t n, size_t k, size_t turn)
{
	size_t each = k / (turn + 1), groups = n / each, right = 0;

	for (size_t g = 0; g < groups; g++)
		right += vote(v + g * each, each, turn);
	return groups && v[0]->answers ? (double)right / (double)groups : NAN;
}

/* Probability that one of k samples, drawn from the n without replacement, is right (Chen et al.
 * 2021). NaN if errors left fewer. */
static double pass(const struct sample *const *v, size_t n, size_t k, size_t turn)
{
	double none = 1;
	size_t wrong = 0;

	if (n < k)
		return NAN;
	for (size_t i = 0; i < n; i++)
		wrong += !v[i]->right[turn];
	for (size_t i = 0; i < k; i++)
		none *= wrong > i ? (double)(wrong - i) / (double)(n - i) : 0;
	return 1 - none;
}

/* ---- metrics ---- */

PRINTF(4, 5)
static void column(struct table *t, enum column_kind kind, size_t k, const char *fmt, ...)
{
	struct column c = {.kind = kind, .k = k, .range = 1};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c.name, sizeof c.name, fmt, ap);
	va_end(ap);
	t->col = xreallocarray(t->col, t->m + 1, sizeof *t->col);
	t->col[t->m++] = c;
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

static void columns(struct table *t, const struct set *s, const struct budgets *votes,
                    const struct budgets *passes)
{
	for (size_t i = 0; i < s->turns; i++)
		column(t, SHARE, 0, "acc_t%zu", i + 1);
	for (size_t p = 0; p < s->pairs; p++) {
		char tail[48] = "";

		if (p)
			snprintf(tail, sizeof tail, "_t%zu_t%zu", p, p + 1);
		column(t, DIFFERENCE, 0, "delta%s", tail);
		column(t, SHARE, 0, "i_to_c%s", tail);
		column(t, SHARE, 0, "c_to_i%s", tail);
		column(t, SHARE, 0, "changed%s", tail);
		column(t, MEAN, 0, "edit_ratio%s", tail);
	}
	for (size_t b = 0; b < votes->n; b++) {
		for (size_t i = 0; i < s->turns; i++)
			column(t, SHARE, votes->k[b], "vote_t%zu", i + 1);
		if (s->turns > 1)
			column(t, DIFFERENCE, votes->k[b], "vote_delta");
	}
	for (size_t b = 0; b < passes->n; b++)
		for (size_t i = 0; i < s->turns; i++)
			column(t, SHARE, passes->k[b], "pass_t%zu", i + 1);
	t->bins_at = t->m;
	for (size_t b = 0; s->pairs && b < EVAL_BINS; b++)
		column(t, MEAN, 0, "bin%zu", b);
}

/* Bin 0: exactly equal; bin b: ((b-1)/10, b/10]. */
static size_t bin(double ratio)
{
	size_t b = (size_t)ceil(ratio * (EVAL_BINS - 1) - 1e-9);

	return ratio > 0 && b == 0 ? 1 : b;
}

/* Sums over the samples: accuracies, pairs, and (bins) the histogram. */
static void add_sample(const struct set *s, const struct sample *v, double *x, double *bins)
{
	for (size_t j = 0; j < s->turns; j++)
		*x++ += v->right[j];
	for (size_t p = 0; p < s->pairs; p++) {
		size_t from, to;

		set_pair(s, p, &from, &to);
		*x++ += v->right[to] - v->right[from];
		*x++ += !v->right[from] && v->right[to];
		*x++ += v->right[from] && !v->right[to];
		*x++ += v->changed[p];
		*x++ += v->ratio[p];
	}
	if (s->pairs)
		bins[bin(v->ratio[0])] += 1;
}

static void problem_row(const struct set *s, const struct sample *const *v, size_t n,
                        const struct budgets *votes, const struct budgets *passes, size_t bins_at,
                        double *x)
{
	size_t sums = s->turns + 5 * s->pairs;

	for (size_t i = 0; i < n; i++)
		add_sample(s, v[i], x, x + bins_at);
	for (size_t c = 0; c < bins_at + (s->pairs ? EVAL_BINS : 0); c++)
		x[c] /= (double)n;
	x += sums;
	for (size_t b = 0; b < votes->n; b++) {
		const double *first = x;

		for (size_t j = 0; j < s->turns; j++)
			*x++ = vote_share(v, n, votes->k[b], j);
		if (s->turns > 1) {
			*x = x[-1] - *first;
			x++;
		}
	}
	for (size_t b = 0; b < passes->n; b++)
		for (size_t j = 0; j < s->turns; j++)
			*x++ = pass(v, n, passes->k[b], j);
}

/* The most samples that are asked for of each problem, and the option that asks. */
static size_t most(const struct budgets *votes, const struct budgets *passes, const char **option)
{
	size_t vote = votes->n ? votes->k[votes->n - 1] : 0;
	size_t any = passes->n ? passes->k[passes->n - 1] : 0;

	*option = vote >= any ? "--vote" : "--pass";
	return vote >= any ? vote : any;
}

int table_new(const struct set *s, const struct budgets *votes, const struct budgets *passes,
              struct table *t, struct err *e)
{
	const struct sample **valid = xreallocarray(NULL, s->n, sizeof *valid);
	const char *option;
	size_t k = most(votes, passes, &option);
	int rc = -1;

	*t = (struct table){.trials = (double)(s->n - s->errors)};
	columns(t, s, votes, passes);
	for (size_t i = 0, end; i < s->n; i = end) {
		size_t n = 0;

		for (end = i; end < s->n && !strcmp(s->v[end].id, s->v[i].id); end++)
			if (!s->v[end].error)
				valid[n++] = &s->v[end];
		if (end - i < k) {
			err_set(e, "%s: problem %s has %zu samples, %s %zu wants as many", s->name, s->v[i].id,
			        end - i, option, k);
			goto out;
		}
		if (!n)
			continue;
		problem_row(s, valid, n, votes, passes, t->bins_at, new_row(t, s->v[i].id));
	}
	if (!t->n) {
		err_set(e, "%s: all %zu trajectories are errors", s->name, s->n);
		goto out;
	}
	rc = 0;
out:
	free(valid);
	if (rc)
		table_release(t);
	return rc;
}

static void minus_column(struct table *out, const struct column *c)
{
	column(out, c->kind == MEAN ? MEAN : DIFFERENCE, c->k, "%s", c->name);
	if (c->kind == DIFFERENCE)
		out->col[out->m - 1].range = 2 * c->range;
}

int table_minus(const struct table *t, const struct table *other, struct table *out, struct err *e)
{
	size_t *mine = xreallocarray(NULL, t->m, sizeof *mine);
	size_t *theirs = xreallocarray(NULL, t->m, sizeof *theirs);

	*out = (struct table){.trials = fmin(t->trials, other->trials)};
	for (size_t c = 0; c < t->bins_at; c++)
		for (size_t d = 0; d < other->bins_at; d++)
			if (!strcmp(t->col[c].name, other->col[d].name) && t->col[c].k == other->col[d].k) {
				mine[out->m] = c;
				theirs[out->m] = d;
				minus_column(out, &t->col[c]);
			}
	out->bins_at = out->m;
	for (size_t i = 0, j = 0; i < t->n && j < other->n;) {
		int c = strcmp(t->id[i], other->id[j]);

		if (!c) {
			double *x = new_row(out, t->id[i]);

			for (size_t k = 0; k < out->m; k++)
				x[k] = t->x[i * t->m + mine[k]] - other->x[j * other->m + theirs[k]];
		}
		i += c <= 0;
		j += c >= 0;
	}
	free(mine);
	free(theirs);
	if (out->n)
		return 0;
	table_release(out);
	return err_set(e, "no problem id is in both files");
}

void table_intervals(const struct table *t, uint64_t seed, size_t resamples, struct interval *out)
{
	bootstrap(t->x, t->n, t->m, seed, resamples, out);
	for (size_t c = 0; c < t->m; c++) {
		double mean = out[c].value;

		if (t->col[c].kind == SHARE)
			out[c] = share_interval(t->x + c, t->n, t->m, t->trials);
		else if (t->col[c].kind == DIFFERENCE)
			out[c] = difference_interval(t->x + c, t->n, t->m, t->col[c].range, t->trials);
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
