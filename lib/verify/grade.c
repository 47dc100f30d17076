/* SPDX-License-Identifier: MIT */
/* What a record's task asks of a response, and what a verdict says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "base/frame.h"
#include "verify/program.h"
#include "verify/verify.h"

enum { MAX_DETAIL = 500, MAX_PROGRAM = 16 << 20, MAX_REQUEST = FRAME_MAX - (1 << 16) };

static int missing(struct err *e, const char *field)
{
	return err_set(e, ".%s: missing", field);
}

static int has(const struct traj *t, const char *key)
{
	return js_has(t->rec, key);
}

int grade_task(const struct traj *t, enum grade_task *task, struct err *e)
{
	static const char *const names[] = {"exact", "number", "math", "code"};
	size_t i = 0;

	if (!t->task)
		return missing(e, "task");
	while (i < LEN(names) && strcmp(names[i], t->task))
		i++;
	if (i == LEN(names))
		return err_set(e, ".task: expected exact, number, math or code, got \"%.40s\"", t->task);
	*task = (enum grade_task)i;
	if (*task != TASK_CODE)
		return has(t, "answer") ? 0 : missing(e, "answer");
	if (has(t, "code_prompt")) {
		struct js v = js_get(t->rec, "code_prompt");
		enum js_kind kind = js_kind(v);

		js_free(v);
		if (kind != JS_STRING)
			return err_set(e, ".code_prompt: expected string, got %s", js_kind_name(kind));
	}
	if (has(t, "test_list") || (has(t, "entry_point") && has(t, "tests")))
		return 0;
	return err_set(e, ".tests: missing (task code needs entry_point and tests, or test_list)");
}

/* ---- text ---- */

/* The reference as text: a string as it is, a number as JSON writes it. */
static int reference(const struct traj *t, struct buf *out, struct err *e)
{
	struct js v = js_get(t->rec, "answer");
	int rc = 0;

	buf_clear(out);
	if (js_kind(v) == JS_STRING)
		buf_add(out, js_string(v), js_string_len(v));
	else
		rc = js_print(v, out, e);
	js_free(v);
	return rc;
}

static void trim(const struct buf *b, const char **s, size_t *n)
{
	static const char white[] = " \t\r\n\f\v";
	size_t from = 0, to = b->len;

	while (from < to && b->data[from] && strchr(white, b->data[from]))
		from++;
	while (to > from && b->data[to - 1] && strchr(white, b->data[to - 1]))
		to--;
	*s = b->data + from;
	*n = to - from;
}

/* Consumes verdict. */
static void set(struct traj *t, size_t i, struct js reward, struct js verdict)
{
	traj_set_turn(t, i, "reward", reward);
	traj_set_turn(t, i, "verdict", verdict);
}

static void set_text(struct traj *t, size_t i, int right, const struct buf *answer,
                     const char *method)
{
	struct js v = js_object();

	js_set(&v, "status", js_str(right ? "pass" : "fail"));
	if (answer)
		js_set(&v, "answer", js_strn(answer->data, answer->len));
	js_set(&v, "method", js_str(method));
	set(t, i, js_num(right), v);
}

static int same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void grade_exact(struct traj *t, size_t i, const struct buf *want)
{
	struct buf response = {0}, got = {0};
	const char *w, *g;
	size_t nw, ng, from, n = t->turns[i].response_len;

	from = answer_after_thinking(t->turns[i].response, n);
	buf_add(&response, t->turns[i].response + from, n - from);
	trim(want, &w, &nw);
	trim(&response, &g, &ng);
	buf_add(&got, g, ng);
	if (from == n && n)
		set_text(t, i, 0, NULL, "none");
	else
		set_text(t, i, nw == ng && !memcmp(w, g, ng), &got, "exact");
	buf_release(&response);
	buf_release(&got);
}

static int grade_number(struct traj *t, size_t i, const struct buf *want, struct err *e)
{
	struct buf reference_number = {0}, got = {0};
	const char *s = t->turns[i].response;
	size_t n = t->turns[i].response_len, from = answer_after_thinking(s, n);
	int rc = 0;

	if (!math_quantity(want->data, want->len, &reference_number))
		rc = err_set(e, ".answer: expected a number, got \"%.60s\"", want->data);
	else if (math_last_number(s + from, n - from, &got))
		set_text(t, i, same(&got, &reference_number), &got, "number");
	else
		set_text(t, i, 0, NULL, "none");
	buf_release(&reference_number);
	buf_release(&got);
	return rc;
}

static void grade_math(struct traj *t, size_t i, const struct buf *reference,
                       enum math_grader grader)
{
	struct math_grade g = {0};
	struct js v = js_object();

	math_grade_response(reference->data ? reference->data : "", reference->len,
	                    t->turns[i].response, t->turns[i].response_len, grader, &g);
	js_set(&v, "status", js_str(g.status));
	if (g.found != MATH_NONE)
		js_set(&v, "answer", js_strn(g.canonical.data, g.canonical.len));
	js_set(&v, "method", js_str(g.method));
	js_set(&v, "found", js_str(math_found_name(g.found)));
	set(t, i, js_num(!strcmp(g.status, "pass")), v);
	math_grade_release(&g);
}

int grade_text(struct traj *t, size_t i, enum grade_task task, enum math_grader grader,
               struct err *e)
{
	struct buf want = {0};
	int rc = reference(t, &want, e);

	if (!rc && task == TASK_EXACT)
		grade_exact(t, i, &want);
	else if (!rc && task == TASK_NUMBER)
		rc = grade_number(t, i, &want, e);
	else if (!rc)
		grade_math(t, i, &want, grader);
	buf_release(&want);
	return rc;
}

/* ---- code ---- */

static void add_field(const struct traj *t, const char *key, const char *as, struct buf *out)
{
	struct js v = js_get(t->rec, key);

	if (js_kind(v) == JS_STRING)
		frame_add(out, as, js_string(v), js_string_len(v));
	js_free(v);
}

static void add_tests(const struct traj *t, struct buf *out)
{
	struct js list = js_get(t->rec, "test_list");

	for (size_t i = 0; i < js_len(list); i++) {
		struct js test = js_at(list, i);

		frame_add(out, "test", js_string(test), js_string_len(test));
		js_free(test);
	}
	js_free(list);
	add_field(t, "test_setup_code", "setup", out);
}

static int human_eval(const struct traj *t)
{
	return has(t, "entry_point") && has(t, "tests");
}

char *grade_entry(const struct traj *t, struct buf *query)
{
	struct js v = js_get(t->rec, "entry_point");
	char *entry = js_kind(v) == JS_STRING ? xstrdup(js_string(v)) : NULL;

	js_free(v);
	if (!entry) {
		frame_begin(query);
		frame_adds(query, "op", "entry");
		add_tests(t, query);
	}
	return entry;
}

/* HumanEval's own prompt, which goes before the program: code_prompt, else prompt where that is
 * code itself. */
static struct js code_prompt(const struct traj *t, const char *entry)
{
	struct js v = js_get(t->rec, "code_prompt");

	if (js_kind(v) == JS_STRING)
		return v;
	js_free(v);
	v = js_get(t->rec, "prompt");
	if (js_kind(v) == JS_STRING && !strstr(js_string(v), "```") &&
	    program_begins(js_string(v), js_string_len(v), entry))
		return v;
	js_free(v);
	return js_none();
}

static void set_status(struct traj *t, size_t i, const char *status, const char *detail)
{
	struct js v = js_object();

	js_set(&v, "status", js_str(status));
	if (detail)
		js_set(&v, "detail", js_str(detail));
	set(t, i, strcmp(status, "error") ? js_num(0) : js_null(), v);
}

void grade_error(struct traj *t, size_t i, const char *detail)
{
	set_status(t, i, "error", detail);
}

/* What no score-box takes: of a program it is the response's fault, of all else the record's. */
static int too_long(struct traj *t, size_t i, size_t program, size_t request)
{
	char text[80];

	if (program > MAX_PROGRAM) {
		snprintf(text, sizeof text, "a program of %zu bytes, more than %d", program,
		         (int)MAX_PROGRAM);
		set_status(t, i, "exception", text);
	} else if (request > MAX_REQUEST) {
		snprintf(text, sizeof text, "program and tests of %zu bytes, more than %d", request,
		         (int)MAX_REQUEST);
		set_status(t, i, "error", text);
	}
	return program > MAX_PROGRAM || request > MAX_REQUEST;
}

int grade_query(struct traj *t, size_t i, const struct buf *query)
{
	return !too_long(t, i, 0, query->len);
}

int grade_request(struct traj *t, size_t i, const char *entry, const struct verify_opts *o,
                  struct buf *request)
{
	struct buf code = {0}, program = {0};
	struct js before = human_eval(t) ? code_prompt(t, entry) : js_none();
	int found = program_find(t->turns[i].response, t->turns[i].response_len, entry, &code);

	if (!found)
		set_status(t, i, "no-code", "the response holds no program");
	else {
		int prompted = js_kind(before) == JS_STRING;

		program_compose(prompted ? js_string(before) : NULL,
		                prompted ? js_string_len(before) : 0, &code, entry, &program);
		frame_begin(request);
		frame_adds(request, "op", "run");
		frame_add(request, "code", program.data, program.len);
		frame_adds(request, "entry", entry);
		if (human_eval(t)) {
			if (js_kind(before) == JS_STRING)
				frame_add(request, "prompt", js_string(before), js_string_len(before));
			add_field(t, "tests", "check", request);
		} else
			add_tests(t, request);
		frame_addf(request, "cpu", "%.6f", o->timeout);
		frame_addf(request, "wall", "%.6f", o->wall);
		frame_addf(request, "memory", "%llu", (unsigned long long)o->memory);
		frame_addf(request, "output", "%llu", (unsigned long long)o->output);
		if (o->single_too)
			frame_adds(request, "isolation", "any");
		/* the indentation that a body was given counts, too */
		found = !too_long(t, i, program.len - (prompted ? js_string_len(before) : 0),
		                  request->len);
	}
	js_free(before);
	buf_release(&code);
	buf_release(&program);
	return found;
}

static double field_number(const struct buf *reply, const char *key)
{
	const char *s = frame_get(reply, key);
	double v;

	return s && !parse_f64(s, &v, NULL) ? v : 0;
}

void grade_reply(struct traj *t, size_t i, const struct buf *reply)
{
	const char *status = frame_get(reply, "status"), *text;
	struct js v = js_object(), timing = js_object();
	size_t n;

	js_set(&v, "status", js_str(status ? status : "error"));
	if ((text = frame_get(reply, "isolation")))
		js_set(&v, "isolation", js_str(text));
	js_set(&v, "tier", js_num((double)frame_int(reply, "tier", 0)));
	if ((text = frame_get(reply, "memory")))
		js_set(&v, "memory_by", js_str(text));
	if (frame_int(reply, "index", -1) >= 0)
		js_set(&v, "index", js_num((double)frame_int(reply, "index", -1)));
	if ((text = frame_get(reply, "call")))
		js_set(&v, "call", js_str(text));
	text = frame_nth(reply, "detail", 0, &n);
	if (text && n)
		js_set(&v, "detail", js_strn(text, n < MAX_DETAIL ? n : MAX_DETAIL));
	js_set(&timing, "cpu", js_num(field_number(reply, "cpu")));
	js_set(&timing, "wall", js_num(field_number(reply, "wall")));
	js_set(&timing, "peak", js_num(field_number(reply, "peak")));
	js_set(&v, "timing", timing);
	if (!status || !strcmp(status, "error"))
		set(t, i, js_null(), v);
	else
		set(t, i, js_num(!strcmp(status, "pass")), v);
}
