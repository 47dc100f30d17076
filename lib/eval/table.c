/* SPDX-License-Identifier: MIT */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- majority vote ---- */

/* Is the answer that most of v[n]'s attempts at this turn give a right one? Ties go to the answer that came first. */
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

/* Mean over the disjoint groups of K/(turn+1) samples: K responses each. NaN if errors left fewer. */
static double vote_share(const struct sample *const *v, size_t n, size_t k, size_t turn)
{
	size_t each = k / (turn + 1), groups = n / each, right = 0;

	for (size_t g = 0; g < groups; g++)
		right += vote(v + g * each, each, turn);
	return groups ? (double)right / (double)groups : NAN;
}

/* ---- metrics ---- */

static size_t column(struct table *t, const char *fmt, ...) PRINTF(2, 3);
static size_t column(struct table *t, const char *fmt, ...)
{
	va_list ap;

	t->name = xreallocarray(t->name, t->m + 1, sizeof *t->name);
	va_start(ap, fmt);
	vsnprintf(t->name[t->m], sizeof *t->name, fmt, ap);
	va_end(ap);
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

static void columns(struct table *t, const struct set *s, size_t k)
{
	for (size_t i = 0; i < s->turns; i++)
		column(t, "acc_t%zu", i + 1);
	for (size_t p = 0; p < s->pairs; p++) {
		char tail[48] = "";

		if (p)
			snprintf(tail, sizeof tail, "_t%zu_t%zu", p, p + 1);
		column(t, "delta%s", tail);
		column(t, "i_to_c%s", tail);
		column(t, "c_to_i%s", tail);
		column(t, "changed%s", tail);
		column(t, "edit_ratio%s", tail);
	}
	for (size_t i = 0; k && i < s->turns; i++)
		column(t, "vote_t%zu", i + 1);
	t->bins_at = t->m;
	for (size_t b = 0; s->pairs && b < EVAL_BINS; b++)
		column(t, "bin%zu", b);
}

/* Bin 0: exactly equal; bin b: ((b-1)/10, b/10]. */
static size_t bin(double ratio)
{
	size_t b = (size_t)ceil(ratio * (EVAL_BINS - 1) - 1e-9);

	return ratio > 0 && b == 0 ? 1 : b;
}

static void problem_row(const struct set *s, const struct sample *const *v, size_t n, size_t k, size_t bins_at, double *x)
{
	for (size_t i = 0; i < n; i++) {
		double *at = x;

		for (size_t j = 0; j < s->turns; j++)
			*at++ += v[i]->right[j];
		for (size_t p = 0; p < s->pairs; p++) {
			size_t from, to;

			set_pair(s, p, &from, &to);
			*at++ += v[i]->right[to] - v[i]->right[from];
			*at++ += !v[i]->right[from] && v[i]->right[to];
			*at++ += v[i]->right[from] && !v[i]->right[to];
			*at++ += v[i]->changed[p];
			*at++ += v[i]->ratio[p];
		}
		if (s->pairs)
			x[bins_at + bin(v[i]->ratio[0])] += 1;
	}
	for (size_t c = 0; c < bins_at + (s->pairs ? EVAL_BINS : 0); c++)
		x[c] /= (double)n;
	for (size_t j = 0; k && j < s->turns; j++)
		x[bins_at - s->turns + j] = vote_share(v, n, k, j);
}

int table_new(const struct set *s, size_t k, struct table *t, struct err *e)
{
	const struct sample **valid = xreallocarray(NULL, s->n, sizeof *valid);
	int rc = -1;

	*t = (struct table){0};
	columns(t, s, k);
	for (size_t i = 0, end; i < s->n; i = end) {
		size_t n = 0;

		for (end = i; end < s->n && !strcmp(s->v[end].id, s->v[i].id); end++)
			if (!s->v[end].error)
				valid[n++] = &s->v[end];
		if (end - i < k) {
			err_set(e, "%s: problem %s has %zu samples, --vote %zu wants as many", s->name, s->v[i].id, end - i, k);
			goto out;
		}
		if (!n)
			continue;
		problem_row(s, valid, n, k, t->bins_at, new_row(t, s->v[i].id));
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

int table_minus(const struct table *t, const struct table *other, struct table *out, struct err *e)
{
	size_t *mine = xreallocarray(NULL, t->m, sizeof *mine), *theirs = xreallocarray(NULL, t->m, sizeof *theirs);

	*out = (struct table){0};
	for (size_t c = 0; c < t->bins_at; c++)
		for (size_t d = 0; d < other->bins_at; d++)
			if (!strcmp(t->name[c], other->name[d])) {
				mine[out->m] = c;
				theirs[out->m] = d;
				column(out, "%s", t->name[c]);
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

void table_release(struct table *t)
{
	free(t->id);
	free(t->x);
	free(t->name);
	*t = (struct table){0};
}
