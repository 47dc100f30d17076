/* SPDX-License-Identifier: MIT */
#include "eval/eval.h"
#include "stat/stat.h"

#include <stdlib.h>
#include <string.h>

void set_pair(const struct set *s, size_t p, size_t *from, size_t *to)
{
	*from = p ? p - 1 : 0;
	*to = p ? p : s->turns - 1;
}

/* ---- reading ---- */

static struct js verdict_of(const struct traj *t, size_t turn)
{
	struct js turns = js_get(t->rec, "turns"), one = js_at(turns, turn), v = js_get(one, "verdict");

	js_free(turns);
	js_free(one);
	return v;
}

static char *answer_of(const struct traj *t, size_t turn, struct err *e)
{
	struct js verdict = verdict_of(t, turn), a = js_get(verdict, "answer");
	struct buf text = {0};
	int none = js_kind(a) == JS_NONE || js_kind(a) == JS_NULL;

	if (!none && js_print(a, &text, e))
		text.data = NULL;            /* cannot be: it was parsed */
	js_free(verdict);
	js_free(a);
	return text.data;
}

static void count_status(struct set *s, const struct traj *t, size_t turn)
{
	struct js verdict = verdict_of(t, turn), status = js_get(verdict, "status"), counts;

	if (js_kind(status) == JS_STRING) {
		struct js old;

		counts = js_at(s->statuses, turn);
		js_put(&s->statuses, turn, js_null());
		old = js_get(counts, js_string(status));
		js_set(&counts, js_string(status), js_num(js_kind(old) == JS_NUMBER ? js_number(old) + 1 : 1));
		js_put(&s->statuses, turn, counts);
		js_free(old);
	}
	js_free(verdict);
	js_free(status);
}

static int differ(const struct turn *a, const char *answer_a, const struct turn *b, const char *answer_b)
{
	if (answer_a || answer_b)
		return !answer_a || !answer_b || strcmp(answer_a, answer_b);
	return a->response_len != b->response_len || memcmp(a->response, b->response, a->response_len);
}

static int keep(struct set *s, const struct traj *t, size_t first_line, struct err *e)
{
	struct sample a = {.step = -1, .index = -1, .sample = t->sample, .error = traj_errored(t)};

	if (!s->turns) {
		s->turns = t->n_turns;
		s->pairs = s->turns < 3 ? s->turns - 1 : s->turns;
		for (size_t k = 0; k < s->turns; k++)
			js_push(&s->statuses, js_object());
	}
	if (t->n_turns != s->turns)
		return err_set(e, ".turns: %zu turns, but line %zu has %zu", t->n_turns, first_line, s->turns);
	a.id = xstrdup(t->id);
	a.group = t->has_group ? t->group : 0;
	if (t->has_batch)
		a.step = t->step, a.index = t->index, a.size = t->size;
	a.right = xcalloc(s->turns, sizeof *a.right);
	a.answer = xcalloc(s->turns, sizeof *a.answer);
	a.changed = xcalloc(s->pairs + 1, sizeof *a.changed);
	a.ratio = xcalloc(s->pairs + 1, sizeof *a.ratio);
	for (size_t k = 0; k < s->turns; k++) {
		count_status(s, t, k);
		a.right[k] = t->turns[k].reward == 1;
		a.answer[k] = answer_of(t, k, e);
	}
	for (size_t p = 0; p < s->pairs && !a.error; p++) {
		size_t from, to;

		set_pair(s, p, &from, &to);
		a.changed[p] = differ(&t->turns[from], a.answer[from], &t->turns[to], a.answer[to]);
		a.ratio[p] = edit_ratio(t->turns[from].response, t->turns[from].response_len,
		                        t->turns[to].response, t->turns[to].response_len);
	}
	s->errors += a.error;
	VEC_PUSH(s->v, s->n, s->cap) = a;
	return 0;
}

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_batch(const void *x, const void *y)
{
	const struct sample *a = x, *b = y;
	int c = order(a->step, b->step);

	c = c ? c : order(a->index, b->index);
	c = c || a->step >= 0 ? c : strcmp(a->id, b->id);
	return c ? c : order(a->sample, b->sample);
}

static int by_problem(const void *x, const void *y)
{
	const struct sample *a = x, *b = y;
	int c = strcmp(a->id, b->id);

	c = c ? c : order(a->step, b->step);
	c = c ? c : order(a->index, b->index);
	return c ? c : order(a->sample, b->sample);
}

/* Nothing twice; unless partial, every group and every batch whole. Wants by_batch order. */
static int check_whole(const struct set *s, int partial, struct err *e)
{
	char where[64];
	size_t lines = 0;                /* distinct indices of this batch */

	for (size_t i = 0, end; i < s->n; i = end) {
		const struct sample *a = &s->v[i];
		int stamped = a->step >= 0;

		snprintf(where, sizeof where, "batch of step %lld: index %lld", (long long)a->step, (long long)a->index);
		for (end = i + 1; end < s->n; end++) {
			const struct sample *b = &s->v[end];

			if (b->step != a->step || b->index != a->index || (!stamped && strcmp(a->id, b->id)))
				break;
			if (strcmp(a->id, b->id))
				return err_set(e, "%s holds problem %s and problem %s", where, a->id, b->id);
			if (b->sample == b[-1].sample)
				return err_set(e, "%s%sproblem %s: sample %lld twice", stamped ? where : "", stamped ? ": " : "",
				               a->id, (long long)b->sample);
		}
		if (!partial && a->group && (int64_t)(end - i) != a->group)
			return err_set(e, "%s%sproblem %s: %zu of %lld samples (--partial takes what is there)", stamped ? where : "",
			               stamped ? ": " : "", a->id, end - i, (long long)a->group);
		lines++;
		if (end == s->n || s->v[end].step != a->step) {
			if (!partial && stamped && (int64_t)lines != a->size)
				return err_set(e, "batch of step %lld: %zu of %lld problems (--partial takes what is there)",
				               (long long)a->step, lines, (long long)a->size);
			lines = 0;
		}
	}
	return 0;
}

int set_read(const char *path, int partial, int progress, struct set *s, struct err *e)
{
	struct jl_in *in;
	struct js rec;
	struct progress p;
	size_t first = 0;
	int got, rc = -1;

	*s = (struct set){.statuses = js_array()};
	if (jl_open(path, &in, e))
		return -1;
	progress_start(&p, path ? path : "<stdin>", "trajectories", 0, progress);
	while ((got = jl_read(in, &rec, e)) > 0) {
		struct traj t;
		int bad;

		if (traj_parse(rec, TRAJ_ID | TRAJ_TURNS | TRAJ_REWARDS, &t, e)) {
			jl_where(in, e);
			goto out;
		}
		first = first ? first : jl_line(in);
		bad = keep(s, &t, first, e);
		traj_release(&t);
		if (bad) {
			jl_where(in, e);
			goto out;
		}
		p.share = jl_share(in);
		progress_add(&p, 1);
	}
	if (got < 0)
		goto out;
	s->name = path ? path : "<stdin>";
	if (!s->n) {
		err_set(e, "%s: no trajectories", s->name);
		goto out;
	}
	qsort(s->v, s->n, sizeof *s->v, by_batch);
	if (check_whole(s, partial, e)) {
		err_prefix(e, "%s: ", s->name);
		goto out;
	}
	qsort(s->v, s->n, sizeof *s->v, by_problem);
	rc = 0;
out:
	progress_end(&p);
	jl_close(in);
	if (rc)
		set_release(s);
	return rc;
}

void set_release(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sample *a = &s->v[i];

		for (size_t k = 0; k < s->turns; k++)
			free(a->answer[k]);
		free(a->id);
		free(a->right);
		free(a->answer);
		free(a->changed);
		free(a->ratio);
	}
	free(s->v);
	js_free(s->statuses);
	*s = (struct set){.statuses = js_none()};
}
