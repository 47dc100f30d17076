/* SPDX-License-Identifier: MIT */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t turn_pairs(size_t turns)
{
	return turns < 3 ? turns - 1 : turns;
}

void turn_pair(size_t turns, size_t p, size_t *from, size_t *to)
{
	*from = p ? p - 1 : 0;
	*to = p ? p : turns - 1;
}

/* ---- reading ---- */

static struct js verdict_of(const struct traj *t, size_t turn)
{
	struct js turns = js_get(t->rec, "turns"), one = js_at(turns, turn), v = js_get(one, "verdict");

	js_free(turns);
	js_free(one);
	return v;
}

/* A field as JSON text; NULL if it is absent or null. */
static char *text_of(struct js o, const char *key, struct err *e)
{
	struct js a = js_get(o, key);
	struct buf text = {0};
	int none = js_kind(a) == JS_NONE || js_kind(a) == JS_NULL;

	if (!none && js_print(a, &text, e))
		text.data = NULL;            /* cannot be: it was parsed */
	js_free(a);
	return text.data;
}

static char *answer_of(const struct traj *t, size_t turn, struct err *e)
{
	struct js verdict = verdict_of(t, turn);
	char *text = text_of(verdict, "answer", e);

	js_free(verdict);
	return text;
}

static void count_status(struct set *s, const struct traj *t, size_t turn)
{
	struct js verdict = verdict_of(t, turn), status = js_get(verdict, "status"), counts;

	if (js_kind(status) == JS_STRING) {
		struct js old;

		counts = js_at(s->statuses, turn);
		js_put(&s->statuses, turn, js_null());
		old = js_get(counts, js_string(status));
		js_set(&counts, js_string(status),
		       js_num(js_kind(old) == JS_NUMBER ? js_number(old) + 1 : 1));
		js_put(&s->statuses, turn, counts);
		js_free(old);
	}
	js_free(verdict);
	js_free(status);
}

static int differ(const struct turn *a, const char *answer_a, const struct turn *b,
                  const char *answer_b)
{
	if (answer_a || answer_b)
		return !answer_a || !answer_b || strcmp(answer_a, answer_b);
	return a->response_len != b->response_len || memcmp(a->response, b->response, a->response_len);
}

/* Tokens of the turns up to each; a given turn costs none. */
static void count_tokens(const struct traj *t, double *tokens)
{
	double sum = 0;

	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];

		if (!u->given)
			sum += u->has_tokens ? (double)u->n_tokens : NAN;
		tokens[k] = sum;
	}
}

static void compare_turns(const struct traj *t, struct sample *a)
{
	for (size_t p = 0; p < turn_pairs(t->n_turns); p++) {
		const struct turn *u, *v;
		size_t from, to;

		turn_pair(t->n_turns, p, &from, &to);
		u = &t->turns[from];
		v = &t->turns[to];
		a->changed[p] = differ(u, a->answer[from], v, a->answer[to]);
		a->ratio[p] = edit_ratio(u->response, u->response_len, v->response, v->response_len);
	}
}

static int judge(struct jqp *program, const struct traj *t, enum judgement *out, struct err *e)
{
	struct js said;
	enum js_kind kind;

	*out = SILENT;
	if (!program)
		return 0;
	if (jqp_run(program, t->rec, &said, e))
		return err_prefix(e, "--judge: ");
	kind = js_kind(said);
	js_free(said);
	if (kind != JS_NULL && kind != JS_TRUE && kind != JS_FALSE)
		return err_set(e, "--judge: expected true, false or null, got %s", js_kind_name(kind));
	*out = kind == JS_NULL ? SILENT : kind == JS_TRUE ? ACCEPTED : REJECTED;
	return 0;
}

static int check_turns(struct set *s, const struct traj *t, int carry, size_t first_line,
                       struct err *e)
{
	if (s->turns && t->n_turns != s->turns && !carry)
		return err_set(e, ".turns: %zu turns, but line %zu has %zu (--carry takes both)",
		               t->n_turns, first_line, s->turns);
	for (; s->turns < t->n_turns; s->turns++)
		js_push(&s->statuses, js_object());
	return 0;
}

static int keep(struct set *s, const struct traj *t, const struct reading *how, size_t first_line,
                struct err *e)
{
	struct sample a = {.at = whole_line(t), .error = traj_errored(t), .made = t->n_turns,
	                   .turns = t->n_turns};

	if (check_turns(s, t, how->carry, first_line, e) || judge(how->judge, t, &a.judged, e))
		return -1;
	a.at.id = a.id = xstrdup(t->id);
	a.task = text_of(t->rec, "task", e);
	a.given = t->turns[0].given;
	a.right = xcalloc(a.made, sizeof *a.right);
	a.answer = xcalloc(a.made, sizeof *a.answer);
	a.tokens = xcalloc(a.made, sizeof *a.tokens);
	a.changed = xcalloc(a.made, sizeof *a.changed);
	a.ratio = xcalloc(a.made, sizeof *a.ratio);
	for (size_t k = 0; k < a.made; k++) {
		count_status(s, t, k);
		a.right[k] = t->turns[k].reward == 1;
		a.answer[k] = answer_of(t, k, e);
		a.answers |= a.answer[k] != NULL;
	}
	count_tokens(t, a.tokens);
	if (!a.error)
		compare_turns(t, &a);
	s->errors += a.error;
	VEC_PUSH(s->v, s->n, s->cap) = a;
	return 0;
}

/* Gives a as many turns as the set has: those that were not made are the last one made. */
static void carry(const struct set *s, struct sample *a)
{
	size_t last = a->made - 1;

	a->right = xreallocarray(a->right, s->turns, sizeof *a->right);
	a->answer = xreallocarray(a->answer, s->turns, sizeof *a->answer);
	a->tokens = xreallocarray(a->tokens, s->turns, sizeof *a->tokens);
	a->changed = xreallocarray(a->changed, s->turns, sizeof *a->changed);
	a->ratio = xreallocarray(a->ratio, s->turns, sizeof *a->ratio);
	for (size_t k = a->made; k < s->turns; k++) {
		a->right[k] = a->right[last];
		a->answer[k] = a->answer[last] ? xstrdup(a->answer[last]) : NULL;
		a->tokens[k] = a->tokens[last];
		a->changed[k] = a->ratio[k] = 0;
	}
	a->turns = s->turns;
	if (a->made == 2 && s->turns > 2) {      /* where pair 0 was the only one */
		a->changed[1] = a->changed[0];
		a->ratio[1] = a->ratio[0];
	}
}

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const struct whole_line *a, const struct whole_line *b)
{
	int c = order(a->step, b->step);

	c = c ? c : order(a->index, b->index);
	return c ? c : order(a->sample, b->sample);
}

/* Batch by batch, as they were read: a file may hold the lines of several in any order. */
static int by_step(const void *x, const void *y)
{
	const struct whole_line *a = &((const struct sample *)x)->at;
	const struct whole_line *b = &((const struct sample *)y)->at;
	int c = order(a->step, b->step);

	return c ? c : order((int64_t)a->line, (int64_t)b->line);
}

static int by_problem(const void *x, const void *y)
{
	const struct sample *a = x, *b = y;
	int c = strcmp(a->id, b->id);

	return c ? c : by_place(&a->at, &b->at);
}

/* Is every group and batch whole? Wants by_step order. */
static int check_whole(const struct set *s, int partial, struct err *e)
{
	struct whole *w = whole_new(partial);
	size_t group;
	int rc = 0;

	for (size_t i = 0; i < s->n && !rc; i++)
		if (whole_add(w, &s->v[i].at, &group, e) < 0)
			rc = err_prefix(e, "%s:%zu: ", s->name, s->v[i].at.line);
	if (!rc && whole_end(w, e))
		rc = err_prefix(e, "%s: end of input, but ", s->name);
	whole_free(w);
	return rc;
}

static int by_task(const void *x, const void *y)
{
	const struct sample *a = x, *b = y;

	return a->task && b->task ? strcmp(a->task, b->task) : (a->task != NULL) - (b->task != NULL);
}

/* What one sample has answers for, all samples of its task have. */
static void share_answers(struct set *s)
{
	qsort(s->v, s->n, sizeof *s->v, by_task);
	for (size_t i = 0, end; i < s->n; i = end) {
		int answers = 0;

		for (end = i; end < s->n && !by_task(&s->v[i], &s->v[end]); end++)
			answers |= s->v[end].answers;
		for (size_t k = i; k < end; k++)
			s->v[k].answers = answers;
	}
}

/* Brings the samples of a whole input into their order and shape, and finds what holds of all. */
static void settle(struct set *s)
{
	share_answers(s);
	qsort(s->v, s->n, sizeof *s->v, by_problem);
	s->pairs = turn_pairs(s->turns);
	s->tokens = 1;
	for (size_t i = 0; i < s->n; i++) {
		struct sample *a = &s->v[i];

		carry(s, a);
		s->several |= i && !strcmp(a->id, a[-1].id);
		if (a->error)
			continue;
		s->tokens &= !isnan(a->tokens[s->turns - 1]);
		s->own |= !a->given;
		s->given |= a->given;
	}
}

int set_read(const char *path, const struct reading *how, struct set *s, struct err *e)
{
	struct jl_in *in;
	struct js rec;
	struct progress p;
	size_t first = 0;
	int got, rc = -1;

	*s = (struct set){.statuses = js_array(), .carry = how->carry, .judge = how->judge != NULL};
	if (jl_open(path, &in, e))
		return -1;
	progress_start(&p, path ? path : "<stdin>", "trajectories", 0, how->progress);
	while ((got = jl_read(in, &rec, e)) > 0) {
		struct traj t;
		int bad;

		if (traj_parse(rec, TRAJ_ID | TRAJ_TURNS | TRAJ_REWARDS, &t, e)) {
			jl_where(in, e);
			goto out;
		}
		t.line = jl_line(in);
		first = first ? first : t.line;
		bad = keep(s, &t, how, first, e);
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
	qsort(s->v, s->n, sizeof *s->v, by_step);
	if (check_whole(s, how->partial, e))
		goto out;
	settle(s);
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

		for (size_t k = 0; k < a->turns; k++)
			free(a->answer[k]);
		free(a->id);
		free(a->task);
		free(a->right);
		free(a->answer);
		free(a->tokens);
		free(a->changed);
		free(a->ratio);
	}
	free(s->v);
	js_free(s->statuses);
	*s = (struct set){.statuses = js_none()};
}
