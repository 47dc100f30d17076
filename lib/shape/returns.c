/* SPDX-License-Identifier: MIT */
/* Rewards to returns to advantages. */
#include "shape/shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- groups ---------------------------------------------------------------- */

static int group_cmp(const struct traj *a, const struct traj *b)
{
	if (a->has_batch != b->has_batch)
		return a->has_batch - b->has_batch;
	if (a->has_batch)
		return (a->index > b->index) - (a->index < b->index);
	return strcmp(a->id ? a->id : "", b->id ? b->id : "");
}

static int sample_cmp(const void *pa, const void *pb, void *data)
{
	struct traj *const *t = data;
	size_t i = *(const size_t *)pa, j = *(const size_t *)pb;
	const struct traj *a = t[i], *b = t[j];
	int c = group_cmp(a, b);

	if (!c)
		c = (a->sample > b->sample) - (a->sample < b->sample);
	return c ? c : (i > j) - (i < j);
}

void shape_groups_init(struct shape_groups *g, struct traj *const *t, size_t n)
{
	g->order = xreallocarray(NULL, n + 1, sizeof *g->order);
	g->start = xreallocarray(NULL, n + 1, sizeof *g->start);
	g->n_groups = 0;
	for (size_t i = 0; i < n; i++)
		g->order[i] = i;
	qsort_r(g->order, n, sizeof *g->order, sample_cmp, (void *)t);
	for (size_t i = 0; i < n; i++)
		if (!i || group_cmp(t[g->order[i - 1]], t[g->order[i]]))
			g->start[g->n_groups++] = i;
	g->start[g->n_groups] = n;
}

void shape_groups_release(struct shape_groups *g)
{
	free(g->order);
	free(g->start);
	*g = (struct shape_groups){0};
}

/* ---- returns ------------------------------------------------------------------ */

static double shaped(const struct shaping *s, const struct traj *t, size_t k)
{
	const struct turn *u = &t->turns[k];

	if (!turn_acts(u))
		return 0;
	if (s->stage == 1)
		return k + 1 == t->n_turns ? u->reward : 0;
	return k ? u->reward + s->alpha * (u->reward - u[-1].reward) : u->reward;
}

static int program_returns(const struct shaping *s, struct traj *t, struct err *e)
{
	struct js out = js_none();
	int rc = -1;

	if (jqp_run(s->program, t->rec, &out, e)) {
		err_prefix(e, "--return: ");
		goto out;
	}
	if (js_kind(out) != JS_ARRAY || js_len(out) != t->n_turns) {
		err_set(e, "--return: expected an array of %zu numbers or nulls, one for each turn",
		        t->n_turns);
		goto out;
	}
	for (size_t k = 0; k < t->n_turns; k++) {
		struct turn *u = &t->turns[k];
		struct js v = js_at(out, k);
		int number = js_kind(v) == JS_NUMBER && isfinite(js_number(v)),
			null = js_kind(v) == JS_NULL;

		u->untrained |= null;
		if (number)
			u->ret = turn_acts(u) ? js_number(v) : 0;
		else if (!null)
			err_set(e, "--return: [%zu]: expected a finite number or null, got %s", k,
			        js_kind(v) != JS_NUMBER ? js_kind_name(js_kind(v))
			        : isnan(js_number(v))   ? "nan"
			                                : "infinite");
		js_free(v);
		if (!number && !null)
			goto out;
	}
	rc = 0;
out:
	js_free(out);
	return rc;
}

int shape_returns(const struct shaping *s, struct traj *t, struct err *e)
{
	double later = 0;

	for (size_t k = 0; k < t->n_turns; k++) {
		t->turns[k].ret = t->turns[k].advantage = 0;
		t->turns[k].has_return = 1;
	}
	if (traj_errored(t))
		return 0;
	if (s->program)
		return program_returns(s, t, e);
	for (size_t k = t->n_turns; k-- > 0;) {
		later = shaped(s, t, k) + s->gamma * later;
		t->turns[k].ret = turn_acts(&t->turns[k]) ? later : 0;
	}
	return 0;
}

/* ---- advantages ------------------------------------------------------------------ */

static int trained(const struct traj *t, size_t k)
{
	return k < t->n_turns && turn_acts(&t->turns[k]) && !traj_errored(t);
}

/* The last turn of t that is trained, if it is before turn k and t has no turn k; else NULL. */
static const struct turn *ended_before(const struct traj *t, size_t k)
{
	if (k < t->n_turns)
		return NULL;
	for (size_t i = t->n_turns; i-- > 0; )
		if (trained(t, i))
			return &t->turns[i];
	return NULL;
}

/*
 * The advantage of a turn that no other trajectory of its group has: the others that ended before
 * it stand in, each with its last return. What the others did is independent of this turn, so
 * whatever is made of it is a baseline without bias; to leave the turn out would weigh turns by how
 * often the policy goes on. 0: there is none; else *above is set.
 */
static int stand_in(struct traj *const *t, const size_t *order, size_t n, size_t k,
                    const struct turn *u, double *above)
{
	double sum = 0;
	size_t have = 0;

	for (size_t i = 0; i < n; i++) {
		const struct turn *last = ended_before(t[order[i]], k);

		if (!last)
			continue;
		sum += u->ret - last->ret;
		have++;
	}
	if (have)
		*above = sum / (double)have;
	return have > 0;
}

/* Of n >= 2 returns. From their differences: of equal returns exactly 0. */
static double deviation(struct turn *const *u, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			sum += pow(u[i]->ret - u[j]->ret, 2);
	return sqrt(sum / ((double)n * (double)(n - 1)));
}

/*
 * One turn of one set of trajectories t[order[0 .. n)]. Differences are summed, not the
 * returns: equal returns give exactly 0.
 */
static size_t baseline_turn(const struct shaping *s, struct traj *const *t, const size_t *order,
                            size_t n, size_t k)
{
	enum shape_baseline b = s->baseline;
	double by = 1;
	struct turn **u = xreallocarray(NULL, n + 1, sizeof *u);
	size_t have = 0;
	double alone = 0;
	int stood;

	for (size_t i = 0; i < n; i++)
		if (trained(t[order[i]], k))
			u[have++] = &t[order[i]]->turns[k];
	stood = have == 1 && b == SHAPE_LOO && stand_in(t, order, n, k, u[0], &alone);
	if (s->norm && have > 1)
		by = deviation(u, have);
	for (size_t i = 0; i < have; i++) {
		double above = 0;

		for (size_t j = 0; j < have; j++)
			above += u[i]->ret - u[j]->ret;
		if (b == SHAPE_NONE)
			u[i]->advantage = u[i]->ret;
		else if (have < 2)
			u[i]->advantage = stood ? alone : 0;
		else
			u[i]->advantage = above / (double)(b == SHAPE_LOO ? have - 1 : have);
		u[i]->advantage /= by > 0 ? by : 1;
	}
	free(u);
	return have == 1 && b != SHAPE_NONE && !stood;
}

void shape_advantages(const struct shaping *s, struct traj *const *t, size_t n, size_t *unpaired)
{
	struct shape_groups g;
	size_t turns = 0;

	shape_groups_init(&g, t, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < t[i]->n_turns; k++)
			t[i]->turns[k].advantage = 0;
		turns = t[i]->n_turns > turns ? t[i]->n_turns : turns;
	}
	for (size_t k = 0; k < turns; k++) {
		if (s->baseline == SHAPE_BATCH) {
			*unpaired += baseline_turn(s, t, g.order, n, k);
			continue;
		}
		for (size_t i = 0; i < g.n_groups; i++)
			*unpaired += baseline_turn(s, t, g.order + g.start[i],
			                           g.start[i + 1] - g.start[i], k);
	}
	shape_groups_release(&g);
}

static struct js shaping_js(const struct shaping *s)
{
	static const char *const baselines[] = {"loo", "group", "batch", "none"};
	struct js o = js_object();

	js_set(&o, "alpha", js_num(s->alpha));
	js_set(&o, "gamma", js_num(s->gamma));
	js_set(&o, "baseline", js_str(baselines[s->baseline]));
	if (s->norm)
		js_set(&o, "advantage_norm", js_bool(1));
	if (s->text)
		js_set(&o, "return", js_str(s->text));
	return o;
}

void shape_record(const struct shaping *s, struct traj *t)
{
	t->stage = s->stage;
	js_set(&t->rec, "stage", js_num(s->stage));
	js_set(&t->rec, "shaping", shaping_js(s));
	for (size_t k = 0; k < t->n_turns; k++) {
		if (t->turns[k].untrained)
			traj_set_turn(t, k, "trained", js_bool(0));
		traj_set_turn(t, k, "return", js_num(t->turns[k].ret));
		traj_set_turn(t, k, "advantage", js_num(t->turns[k].advantage));
	}
}
