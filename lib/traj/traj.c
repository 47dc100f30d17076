/* SPDX-License-Identifier: MIT */
/* Parses one record, with the checks of schemas/trajectory.json and messages that name the
 * field. */
#include "traj/traj.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WHOLE ((int64_t)1 << 53)

/* ---- one field: 1 present and good, 0 absent, -1 bad ---- */

static int wrong_kind(struct err *e, const char *key, const char *wanted, struct js v)
{
	err_set(e, ".%s: expected %s, got %s", key, wanted, js_kind_name(js_kind(v)));
	js_free(v);
	return -1;
}

static int missing(struct err *e, const char *key)
{
	return err_set(e, ".%s: missing", key);
}

/* *text (text may be NULL) becomes a copy, owned by the caller. */
static int get_string(struct js obj, const char *key, char **text, size_t *n, struct err *e)
{
	struct js v = js_get(obj, key);

	if (js_kind(v) == JS_NONE)
		return 0;
	if (js_kind(v) != JS_STRING)
		return wrong_kind(e, key, "string", v);
	/* without n it will be read up to a NUL */
	if (text && !n && strlen(js_string(v)) != js_string_len(v)) {
		js_free(v);
		return err_set(e, ".%s: holds a NUL character", key);
	}
	if (text)
		*text = xstrndup(js_string(v), js_string_len(v));
	if (n)
		*n = js_string_len(v);
	js_free(v);
	return 1;
}

static int get_whole(struct js obj, const char *key, int64_t min, int64_t max, int64_t *out,
                     struct err *e)
{
	struct js v = js_get(obj, key);
	int rc;

	if (js_kind(v) == JS_NONE)
		return 0;
	rc = js_int(v, min, max, out, e);
	js_free(v);
	return rc ? err_prefix(e, ".%s: ", key) : 1;
}

static int get_number(struct js obj, const char *key, double min, double max, double *out,
                      struct err *e)
{
	struct js v = js_get(obj, key);

	if (js_kind(v) == JS_NONE)
		return 0;
	if (js_kind(v) != JS_NUMBER)
		return wrong_kind(e, key, "number", v);
	*out = js_number(v);
	js_free(v);
	if (!isfinite(*out))
		return err_set(e, ".%s: not a finite number", key);
	if (!(*out >= min && *out <= max))
		return isfinite(max)
			? err_set(e, ".%s: expected a number from %g to %g, got %.17g", key, min, max, *out)
			: err_set(e, ".%s: expected a number of at least %g, got %.17g", key, min, *out);
	return 1;
}

static int get_bool(struct js obj, const char *key, int *out, struct err *e)
{
	struct js v = js_get(obj, key);

	if (js_kind(v) == JS_NONE)
		return 0;
	if (js_kind(v) != JS_TRUE && js_kind(v) != JS_FALSE)
		return wrong_kind(e, key, "true or false", v);
	*out = js_kind(v) == JS_TRUE;
	js_free(v);
	return 1;
}

static int get_object(struct js obj, const char *key, struct js *out, struct err *e)
{
	*out = js_get(obj, key);
	if (js_kind(*out) == JS_NONE)
		return 0;
	if (js_kind(*out) == JS_OBJECT)
		return 1;
	wrong_kind(e, key, "object", *out);
	*out = js_none();
	return -1;
}

static int in_array(struct err *e, const char *key)
{
	return err_prefix(e, e->msg[0] == '[' ? ".%s" : ".%s: ", key);
}

static int get_ids(struct js obj, const char *key, int **out, size_t *n, struct err *e)
{
	struct js v = js_get(obj, key);
	int rc;

	if (js_kind(v) == JS_NONE)
		return 0;
	rc = js_ints(v, 0, INT32_MAX, out, n, e);
	js_free(v);
	return rc ? in_array(e, key) : 1;
}

/* One number per token, each at most `most`; those above 0 are 0. */
static int get_logprobs(struct js obj, const char *key, const struct turn *t, float most,
                        float **out, struct err *e)
{
	struct js v = js_get(obj, key);
	float *p = NULL;
	size_t n = 0;
	int rc;

	if (js_kind(v) == JS_NONE)
		return 0;
	rc = js_floats(v, &p, &n, e);
	js_free(v);
	if (rc)
		return in_array(e, key);
	if (!t->has_tokens)
		rc = err_set(e, ".%s: there are no tokens for it", key);
	else if (n != t->n_tokens)
		rc = err_set(e, ".%s: expected %zu numbers, one per token, got %zu", key, t->n_tokens, n);
	for (size_t i = 0; i < n && !rc; i++) {
		if (p[i] > most)
			rc = err_set(e, ".%s[%zu]: %g is no log-probability: it is above 0", key, i,
			             (double)p[i]);
		p[i] = p[i] > 0 ? 0 : p[i];
	}
	if (rc || !out)
		free(p);
	else
		*out = p ? p : xmalloc(1);     /* present but empty */
	return rc ? -1 : 1;
}

/* ---- turns ---- */

static int parse_sampling(struct js turn, struct turn *t, struct err *e)
{
	struct js s;
	double top_p = 1;
	int64_t top_k = 0, min_tokens = 0;
	int greedy = 0, rc = get_object(turn, "sampling", &s, e);

	if (rc <= 0)
		return rc;
	rc = get_number(s, "temperature", 0, HUGE_VAL, &t->temperature, e) < 0
	  || get_number(s, "top_p", 0, 1, &top_p, e) < 0
	  || get_whole(s, "top_k", 0, INT32_MAX, &top_k, e) < 0
	  || get_whole(s, "min_tokens", 0, MAX_WHOLE, &min_tokens, e) < 0
	  || get_bool(s, "greedy", &greedy, e) < 0;
	js_free(s);
	t->narrowed = greedy ? "greedy" : !(t->temperature > 0) ? "temperature" :
	              top_p < 1 ? "top_p" : top_k ? "top_k" : min_tokens ? "min_tokens" : NULL;
	return rc ? err_prefix(e, ".sampling") : 0;
}

static int parse_finish(struct js turn, struct turn *t, struct err *e)
{
	char *finish = NULL;
	int rc = get_string(turn, "finish", &finish, NULL, e);

	if (rc > 0 && strcmp(finish, "stop") && strcmp(finish, "length"))
		rc = err_set(e, ".finish: expected stop or length, got \"%.40s\"", finish);
	t->length = rc > 0 && !strcmp(finish, "length");
	free(finish);
	return rc < 0 ? -1 : 0;
}

/* reward: a number in [0, 1], or null where the infrastructure failed; verdict: an object with a
 * status. */
static int parse_reward(struct js turn, struct turn *t, struct err *e)
{
	struct js v = js_get(turn, "reward"), verdict;
	int rc = 0;

	t->has_reward = js_kind(v) != JS_NONE;
	t->error = js_kind(v) == JS_NULL;
	js_free(v);
	if (t->has_reward && !t->error && get_number(turn, "reward", 0, 1, &t->reward, e) < 0)
		return -1;
	rc = get_object(turn, "verdict", &verdict, e);
	if (rc > 0) {
		rc = get_string(verdict, "status", NULL, NULL, e);
		if (rc == 0)
			rc = missing(e, "status");
		if (rc < 0)
			err_prefix(e, ".verdict");
	}
	js_free(verdict);
	return rc < 0 ? -1 : 0;
}

static int parse_returns(struct js turn, struct turn *t, struct err *e)
{
	int has_return = get_number(turn, "return", -HUGE_VAL, HUGE_VAL, &t->ret, e), has_advantage;

	if (has_return < 0)
		return -1;
	has_advantage = get_number(turn, "advantage", -HUGE_VAL, HUGE_VAL, &t->advantage, e);
	if (has_advantage < 0)
		return -1;
	t->has_return = has_return && has_advantage;
	return 0;
}

static int turn_needs(const struct turn *t, unsigned need, struct err *e)
{
	if ((need & TRAJ_TOKENS) && !t->has_context)
		return missing(e, "context");
	if ((need & TRAJ_TOKENS) && !t->has_tokens)
		return missing(e, "tokens");
	if ((need & TRAJ_LOGPROBS) && turn_acts(t) && !t->logprobs)
		return missing(e, "logprobs");
	if ((need & TRAJ_REWARDS) && !t->has_reward)
		return missing(e, "reward");
	if ((need & TRAJ_RETURNS) && !t->has_return)
		return err_set(e, ".return, .advantage: missing");
	return 0;
}

static int parse_turn(struct js v, unsigned need, struct turn *t, struct err *e)
{
	int rc, trained = 1;

	*t = (struct turn){.snapshot = -1, .weight = 1, .temperature = 1};
	if (js_kind(v) != JS_OBJECT)
		return err_set(e, ": expected object, got %s", js_kind_name(js_kind(v)));
	if (get_string(v, "prompt", &t->prompt, &t->prompt_len, e) < 0)
		return -1;
	rc = get_string(v, "response", &t->response, &t->response_len, e);
	if (rc <= 0)
		return rc ? -1 : missing(e, "response");
	t->has_context = get_ids(v, "context", &t->context, &t->n_context, e);
	if (t->has_context < 0)
		return -1;
	t->has_tokens = get_ids(v, "tokens", &t->tokens, &t->n_tokens, e);
	if (t->has_tokens < 0)
		return -1;
	/* 0.001: what fp32 once left above 0 of logits over a small temperature */
	if (get_logprobs(v, "logprobs", t, 0, &t->logprobs, e) < 0
	 || get_logprobs(v, "sample_logprobs", t, 1e-3f, &t->sample_logprobs, e) < 0
	 || get_logprobs(v, "ref_logprobs", t, 0, NULL, e) < 0
	 || parse_sampling(v, t, e) || parse_finish(v, t, e)
	 || get_bool(v, "given", &t->given, e) < 0 || get_bool(v, "trained", &trained, e) < 0
	 || get_whole(v, "snapshot", 0, MAX_WHOLE, &t->snapshot, e) < 0
	 || get_number(v, "weight", 0, HUGE_VAL, &t->weight, e) < 0
	 || parse_reward(v, t, e) || parse_returns(v, t, e))
		return -1;
	t->untrained = !trained;
	return turn_needs(t, need, e);
}

static int parse_turns(struct traj *t, unsigned need, struct err *e)
{
	struct js turns = js_get(t->rec, "turns");
	size_t n = js_len(turns);

	if (js_kind(turns) != JS_NONE && js_kind(turns) != JS_ARRAY)
		return wrong_kind(e, "turns", "array", turns);
	if (js_kind(turns) == JS_NONE &&
	    (need & (TRAJ_TURNS | TRAJ_TOKENS | TRAJ_LOGPROBS | TRAJ_REWARDS | TRAJ_RETURNS)))
		return missing(e, "turns");
	if (!n && (need & TRAJ_TURNS)) {
		js_free(turns);
		return err_set(e, ".turns: expected at least one turn");
	}
	t->turns = xcalloc(n, sizeof *t->turns);
	for (size_t i = 0; i < n; i++) {
		struct js v = js_at(turns, i);
		int rc = parse_turn(v, need, &t->turns[i], e);

		t->n_turns = i + 1;
		js_free(v);
		if (rc) {
			js_free(turns);
			return err_prefix(e, ".turns[%zu]", i);
		}
	}
	js_free(turns);
	return 0;
}

/* ---- the problem ---- */

static int parse_id(struct traj *t, unsigned need, struct err *e)
{
	size_t n = 0;
	int rc = get_string(t->rec, "id", &t->id, &n, e);

	if (rc < 0)
		return -1;
	if (!rc)
		return need & TRAJ_ID ? missing(e, "id") : 0;
	if (!n || strlen(t->id) != n)
		return err_set(e, ".id: expected a string that is not empty and holds no NUL");
	return 0;
}

static int parse_test_list(struct js rec, struct err *e)
{
	struct js list = js_get(rec, "test_list");
	size_t n = js_len(list);
	int rc = 0;

	if (js_kind(list) == JS_NONE)
		return 0;
	if (js_kind(list) != JS_ARRAY)
		return wrong_kind(e, "test_list", "array", list);
	for (size_t i = 0; i < n && !rc; i++) {
		struct js v = js_at(list, i);

		if (js_kind(v) != JS_STRING)
			rc =
				err_set(e, ".test_list[%zu]: expected string, got %s", i, js_kind_name(js_kind(v)));
		js_free(v);
	}
	js_free(list);
	return rc ? -1 : 1;
}

static int parse_answer(struct js rec, struct err *e)
{
	struct js v = js_get(rec, "answer");
	enum js_kind k = js_kind(v);

	if (k != JS_NONE && k != JS_STRING && k != JS_NUMBER)
		return wrong_kind(e, "answer", "string or number", v);
	js_free(v);
	return k != JS_NONE;
}

static int parse_problem(struct traj *t, unsigned need, struct err *e)
{
	static const char *const tasks[] = {"exact", "number", "math", "code"};
	int has_prompt = get_string(t->rec, "prompt", NULL, NULL, e), has_answer, has_entry, has_tests,
	    has_list;
	char *entry = NULL;
	size_t i = 0;

	if (has_prompt < 0 || get_string(t->rec, "task", &t->task, NULL, e) < 0)
		return -1;
	while (t->task && i < LEN(tasks) && strcmp(t->task, tasks[i]))
		i++;
	if (i == LEN(tasks))
		return err_set(e, ".task: expected exact, number, math or code, got \"%.40s\"", t->task);
	has_answer = parse_answer(t->rec, e);
	if (has_answer < 0)
		return -1;
	has_entry = get_string(t->rec, "entry_point", &entry, NULL, e);
	free(entry);
	if (has_entry < 0)
		return -1;
	has_tests = get_string(t->rec, "tests", NULL, NULL, e);
	if (has_tests < 0)
		return -1;
	has_list = parse_test_list(t->rec, e);
	if (has_list < 0 || get_string(t->rec, "test_setup_code", NULL, NULL, e) < 0)
		return -1;
	if (!(need & TRAJ_PROBLEM))
		return 0;
	if (!t->task)
		return missing(e, "task");
	if (!has_prompt)
		return missing(e, "prompt");
	if (strcmp(t->task, "code"))
		return has_answer ? 0 : missing(e, "answer");
	if (has_list || (has_entry && has_tests))
		return 0;
	return err_set(e, ".tests: missing (task code needs entry_point and tests, or test_list)");
}

static int parse_shaping(struct js rec, struct err *e)
{
	struct js s;
	double number;
	char *baseline = NULL;
	int flag, rc = get_object(rec, "shaping", &s, e);

	if (rc <= 0)
		return rc;
	rc = get_number(s, "alpha", -HUGE_VAL, HUGE_VAL, &number, e) < 0
	  || get_number(s, "gamma", -HUGE_VAL, HUGE_VAL, &number, e) < 0
	  || get_string(s, "baseline", &baseline, NULL, e) < 0
	  || get_bool(s, "advantage_norm", &flag, e) < 0
	  || get_string(s, "return", NULL, NULL, e) < 0;
	if (!rc && baseline && strcmp(baseline, "loo") && strcmp(baseline, "group")
	 && strcmp(baseline, "batch") && strcmp(baseline, "none"))
		rc = err_set(e, ".baseline: expected loo, group, batch or none, got \"%.40s\"",
		             baseline);
	free(baseline);
	js_free(s);
	return rc ? err_prefix(e, ".shaping") : 0;
}

static int parse_batch(struct traj *t, struct err *e)
{
	struct js b;
	int64_t seed = 0, stage = 0;
	int rc = get_object(t->rec, "batch", &b, e);

	if (rc < 0)
		return -1;
	t->has_batch = rc;
	if (t->has_batch) {
		rc = get_whole(b, "step", 0, MAX_WHOLE, &t->step, e);
		if (rc > 0)
			rc = get_whole(b, "size", 1, MAX_WHOLE, &t->size, e);
		else if (!rc)
			rc = missing(e, "step");
		if (rc > 0)
			rc = get_whole(b, "index", 0, t->size - 1, &t->index, e);
		else if (!rc)
			rc = missing(e, "size");
		if (!rc)
			rc = missing(e, "index");
		js_free(b);
		if (rc < 0)
			return err_prefix(e, ".batch");
	}
	t->has_group = get_whole(t->rec, "group", 1, MAX_WHOLE, &t->group, e);
	if (t->has_group < 0)
		return -1;
	t->has_sample = get_whole(t->rec, "sample", 0, MAX_WHOLE, &t->sample, e);
	if (t->has_sample < 0 || get_whole(t->rec, "seed", 0, MAX_WHOLE, &seed, e) < 0
	 || get_whole(t->rec, "stage", 1, 2, &stage, e) < 0)
		return -1;
	t->seed = (uint64_t)seed;
	t->stage = (int)stage;
	return 0;
}

int traj_parse(struct js rec, unsigned need, struct traj *out, struct err *e)
{
	struct err unwanted;

	if (!e)
		e = &unwanted;
	*out = (struct traj){.rec = rec, .group = 1};
	if (js_kind(rec) != JS_OBJECT) {
		err_set(e, "expected an object, got %s", js_kind_name(js_kind(rec)));
		goto bad;
	}
	if (parse_id(out, need, e) || parse_problem(out, need, e) || parse_batch(out, e)
	 || parse_shaping(out->rec, e)
	 || parse_turns(out, need, e))
		goto bad;
	return 0;
bad:
	traj_release(out);
	return -1;
}

void traj_release(struct traj *t)
{
	for (size_t i = 0; i < t->n_turns; i++) {
		struct turn *u = &t->turns[i];

		free(u->prompt);
		free(u->context);
		free(u->response);
		free(u->tokens);
		free(u->logprobs);
		free(u->sample_logprobs);
	}
	free(t->turns);
	free(t->id);
	free(t->task);
	js_free(t->rec);
	*t = (struct traj){0};
}

int traj_errored(const struct traj *t)
{
	for (size_t i = 0; i < t->n_turns; i++)
		if (t->turns[i].error)
			return 1;
	return 0;
}

void traj_set_turn(struct traj *t, size_t i, const char *key, struct js value)
{
	struct js turns = js_get(t->rec, "turns"), turn = js_at(turns, i);

	if (js_kind(turn) != JS_OBJECT) {
		js_free(turn);
		js_free(turns);
		js_free(value);
		return;
	}
	/* Detach the turns from rec (keeping their place) and the turn from the array, so that it
	 * is changed without a copy. */
	js_set(&t->rec, "turns", js_null());
	js_put(&turns, i, js_null());
	js_set(&turn, key, value);
	js_put(&turns, i, turn);
	js_set(&t->rec, "turns", turns);
}
