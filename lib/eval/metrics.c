/* SPDX-License-Identifier: MIT */
/* The metrics of one problem: each function puts one family into the problem's row, and names its
 * columns when there is no row yet. */
#include "eval/eval.h"

#include <math.h>
#include <string.h>

/* A row that is being written; without x: the table whose columns are being named. */
struct row {
	const struct metrics *m;
	const struct problem *p;
	struct table *t;
	double *x;
	size_t at;                   /* the next column */
};

/* Puts a value, which is worked out only if there is a row, or names its column; gives the number
 * of the column. */
#define PUT(r, kind, k, value, ...) \
	((r)->x ? (void)((r)->x[(r)->at] = (value)) \
	        : (void)table_column((r)->t, kind, k, __VA_ARGS__), \
	 (r)->at++)

/* Column c of the row is divided by column d. */
static void over(struct row *r, size_t c, size_t d)
{
	if (r->x)
		return;
	r->t->col[c].parts = 1;
	r->t->col[c].part[0] = d;
}

/* Divides the last column by a value that is no figure itself. */
static void put_part(struct row *r, double value)
{
	size_t c = PUT(r, PART, 0, value, "%s", "");

	over(r, c - 1, c);
}

static double right(const struct problem *p, size_t turn)
{
	size_t sum = 0;

	for (size_t i = 0; i < p->n; i++)
		sum += p->v[i]->right[turn] != 0;
	return (double)sum / (double)p->n;
}

double problem_tokens(const struct problem *p, size_t turn)
{
	double sum = 0;

	for (size_t i = 0; i < p->n; i++)
		sum += p->v[i]->tokens[turn];
	return sum / (double)p->n;
}

/* ---- two attempts ---- */

/* Of the wrong attempts, those that are given again; with own or given, only after a first attempt
 * of this kind. */
static void put_blind(struct row *r, size_t pair, int own, int given, const char *name)
{
	const struct problem *p = r->p;
	size_t wrong = 0, same = 0, from, to;

	turn_pair(r->m->s->turns, pair, &from, &to);
	for (size_t i = 0; i < p->n; i++) {
		const struct sample *v = p->v[i];

		if (v->right[from] || !(v->given ? given : own))
			continue;
		wrong++;
		same += !v->right[to] && !v->changed[pair];
	}
	PUT(r, RATE, 0, (double)same / (double)p->n, "%s", name);
	put_part(r, (double)wrong / (double)p->n);
}

static void put_pair(struct row *r, size_t pair)
{
	const struct problem *p = r->p;
	double n = (double)p->n, fixed = 0, broken = 0, changed = 0, ratio = 0;
	size_t from, to;
	char tail[48] = "", name[64];

	turn_pair(r->m->s->turns, pair, &from, &to);
	if (pair)
		snprintf(tail, sizeof tail, "_t%zu_t%zu", pair, pair + 1);
	for (size_t i = 0; i < p->n; i++) {
		const struct sample *v = p->v[i];

		fixed += !v->right[from] && v->right[to];
		broken += v->right[from] && !v->right[to];
		changed += v->changed[pair];
		ratio += v->ratio[pair];
	}
	PUT(r, DIFFERENCE, 0, (fixed - broken) / n, "delta%s", tail);
	PUT(r, SHARE, 0, fixed / n, "i_to_c%s", tail);
	PUT(r, SHARE, 0, broken / n, "c_to_i%s", tail);
	PUT(r, SHARE, 0, changed / n, "changed%s", tail);
	PUT(r, MEAN, 0, ratio / n, "edit_ratio%s", tail);
	snprintf(name, sizeof name, "blind_spot%s", tail);
	put_blind(r, pair, 1, 1, name);
}

static void put_pairs(struct row *r)
{
	const struct set *s = r->m->s;

	for (size_t p = 0; p < s->pairs; p++)
		put_pair(r, p);
	if (s->pairs && s->own && s->given) {
		put_blind(r, 0, 1, 0, "blind_spot_own");
		put_blind(r, 0, 0, 1, "blind_spot_given");
	}
}

/* Bin 0: exactly equal; bin b: ((b-1)/10, b/10]. */
static size_t bin(double ratio)
{
	size_t b = (size_t)ceil(ratio * (EVAL_BINS - 1) - 1e-9);

	return ratio > 0 && b == 0 ? 1 : b;
}

static void put_bins(struct row *r)
{
	double bins[EVAL_BINS] = {0};

	for (size_t i = 0; i < r->p->n; i++)
		bins[bin(r->p->v[i]->ratio[0])]++;
	for (size_t b = 0; b < EVAL_BINS; b++)
		PUT(r, MEAN, 0, bins[b] / (double)r->p->n, "bin%zu", b);
}

/* ---- each attempt ---- */

static void put_made(struct row *r, size_t turn)
{
	const struct problem *p = r->p;
	size_t made = 0;

	for (size_t i = 0; i < p->n; i++)
		made += p->v[i]->made > turn;
	PUT(r, SHARE, 0, (double)made / (double)p->n, "made_t%zu", turn + 1);
}

static int same_answer(const struct sample *a, const struct sample *b, size_t turn)
{
	return a->answer[turn] && b->answer[turn] && !strcmp(a->answer[turn], b->answer[turn]);
}

/* Different answers at this turn. NaN if errors left out some, or there are no answers. */
static double unique(const struct problem *p, size_t turn)
{
	size_t sum = 0;

	if (p->lost || !p->n || !p->v[0]->answers)
		return NAN;
	for (size_t i = 0; i < p->n; i++) {
		int again = 0;

		for (size_t j = 0; j < i && !again; j++)
			again = same_answer(p->v[i], p->v[j], turn);
		sum += p->v[i]->answer[turn] && !again;
	}
	return (double)sum;
}

/* Tokens, and those spent up to an attempt over the share of these that are right, which is column
 * acc of turn 0. */
static void put_tokens(struct row *r, size_t acc)
{
	for (size_t k = 0; k < r->m->s->turns; k++) {
		double sum = problem_tokens(r->p, k), before = k ? problem_tokens(r->p, k - 1) : 0;

		PUT(r, MEAN, 0, sum - before, "tokens_t%zu", k + 1);
		over(r, PUT(r, PER, 0, sum, "tokens_per_solved_t%zu", k + 1), acc + k);
	}
}

/* ---- the judge ---- */

static void put_judge(struct row *r)
{
	const struct problem *p = r->p;
	double n = (double)p->n, hit[2] = {0}, said[2] = {0};       /* of the wrong, of the right */

	for (size_t i = 0; i < p->n; i++) {
		const struct sample *v = p->v[i];
		int truth = v->right[0] != 0;

		said[truth] += v->judged != SILENT;
		hit[truth] += v->judged == (truth ? ACCEPTED : REJECTED);
	}
	PUT(r, SHARE, 0, (said[0] + said[1]) / n, "judged");
	PUT(r, RATE, 0, (hit[0] + hit[1]) / n, "judge_accuracy");
	over(r, r->at - 1, r->at - 2);
	PUT(r, RATE, 0, hit[1] / n, "accepts_right");
	put_part(r, said[1] / n);
	PUT(r, RATE, 0, hit[0] / n, "rejects_wrong");
	put_part(r, said[0] / n);
}

/* ---- majority vote ---- */

/* Is the answer that most of v[n]'s attempts at this turn give a right one? Ties go to the
 * answer that came first. */
static int vote(const struct sample *const *v, size_t n, size_t turn)
{
	size_t most = 0;
	int right_one = 0;

	for (size_t i = 0; i < n; i++) {
		size_t count = 0;

		for (size_t j = 0; v[i]->answer[turn] && j < n; j++)
			count += same_answer(v[i], v[j], turn);
		if (count > most) {
			most = count;
			right_one = v[i]->right[turn];
		}
	}
	return right_one;
}

/* Mean over the disjoint groups of so many samples. NaN if errors left fewer, or there is nothing
 * to vote on. */
static double vote_share(const struct problem *p, size_t each, size_t turn)
{
	const struct sample *const *v = (const struct sample *const *)p->v;
	size_t groups = p->n / each, won = 0;

	for (size_t g = 0; g < groups; g++)
		won += vote(v + g * each, each, turn) != 0;
	return groups && v[0]->answers ? (double)won / (double)groups : NAN;
}

/* The same for a mean number of samples: some votes have the next smaller whole number, the others
 * one more. NaN below 1. */
static double vote_between(const struct problem *p, double each, size_t turn)
{
	double whole = floor(each), more = each - whole, share;

	if (!(each >= 1))
		return NAN;
	share = vote_share(p, (size_t)whole, turn);
	return more > 0 ? share + more * (vote_share(p, (size_t)whole + 1, turn) - share) : share;
}

/* k first attempts, or for the same tokens fewer trajectories up to a later attempt. */
static void put_token_votes(struct row *r, size_t k)
{
	size_t turns = r->m->s->turns;
	int votes = r->p->n && r->p->v[0]->answers;
	double first = r->x ? vote_share(r->p, k, 0) : NAN, last = first;

	for (size_t j = 1; j < turns; j++) {
		double each = (double)k * r->m->price[j], near = nearbyint(each);

		last = r->x ? vote_between(r->p, fabs(each - near) < 1e-9 ? near : each, j) : NAN;
		PUT(r, SHARE, k, last, "token_vote_t%zu", j + 1);
		PUT(r, PER, k, votes ? (double)k * problem_tokens(r->p, 0) : NAN, "token_vote_size_t%zu",
		    j + 1);
		put_part(r, votes ? problem_tokens(r->p, j) : NAN);
	}
	if (turns > 1)
		PUT(r, DIFFERENCE, k, last - first, "token_vote_delta");
}

static void put_votes(struct row *r, size_t k)
{
	size_t turns = r->m->s->turns, at = r->at;

	for (size_t j = 0; j < turns; j++)
		PUT(r, SHARE, k, vote_share(r->p, k / (j + 1), j), "vote_t%zu", j + 1);
	if (turns > 1)
		PUT(r, DIFFERENCE, k, r->x[at + turns - 1] - r->x[at], "vote_delta");
	if (!r->m->s->tokens)
		return;
	for (size_t j = 0; j < turns; j++) {
		double each = (double)(k / (j + 1));

		PUT(r, PER, k, each * problem_tokens(r->p, j), "vote_tokens_per_solved_t%zu", j + 1);
		over(r, r->at - 1, at + j);
	}
	put_token_votes(r, k);
}

/* Probability that one of k samples, drawn from the problem's without replacement, is right (Chen
 * et al. 2021). NaN if errors left fewer. */
static double pass(const struct problem *p, size_t k, size_t turn)
{
	double none = 1;
	size_t wrong = 0;

	if (p->n < k)
		return NAN;
	for (size_t i = 0; i < p->n; i++)
		wrong += !p->v[i]->right[turn];
	for (size_t i = 0; i < k; i++)
		none *= wrong > i ? (double)(wrong - i) / (double)(p->n - i) : 0;
	return 1 - none;
}

/* ---- all of them ---- */

void metrics_row(const struct metrics *m, const struct problem *p, struct table *t, double *x)
{
	struct row row = {m, p, t, x, 0}, *r = &row;
	size_t turns = m->s->turns;

	for (size_t k = 0; k < turns; k++)
		PUT(r, SHARE, 0, right(p, k), "acc_t%zu", k + 1);
	for (size_t k = 1; m->s->carry && k < turns; k++)
		put_made(r, k);
	put_pairs(r);
	for (size_t k = 0; m->s->several && k < turns; k++)
		PUT(r, MEAN, 0, unique(p, k), "unique_t%zu", k + 1);
	if (m->s->tokens)
		put_tokens(r, 0);
	if (m->s->judge)
		put_judge(r);
	for (size_t b = 0; b < m->votes->n; b++)
		put_votes(r, m->votes->k[b]);
	for (size_t b = 0; b < m->passes->n; b++)
		for (size_t k = 0; k < turns; k++)
			PUT(r, SHARE, m->passes->k[b], pass(p, m->passes->k[b], k), "pass_t%zu", k + 1);
	if (!x)
		t->bins_at = t->m;
	if (m->s->pairs)
		put_bins(r);
}
