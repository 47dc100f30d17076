/* SPDX-License-Identifier: MIT */
/* score-equal: is an answer the reference? For pairs of answers, and for answers in responses. */
#include <string.h>

#include "verify/verify.h"

static const char usage[] = "score-equal [options] [FILE]";
static const char about[] = "Adds equal, method, work and canonical to lines with gold and got.";

struct settings {
	enum math_grader grader;
	int progress;
};

/* The text of a field, a number as JSON writes it. key: the first of the two that is there. */
static int text_of(struct js rec, const char *const keys[2], const char **key, struct buf *out,
                   struct err *e)
{
	struct js v;
	int rc = 0;

	*key = js_has(rec, keys[0]) ? keys[0] : keys[1];
	v = js_get(rec, *key);
	buf_clear(out);
	buf_adds(out, "");
	if (js_kind(v) == JS_STRING)
		buf_add(out, js_string(v), js_string_len(v));
	else if (js_kind(v) == JS_NUMBER)
		rc = js_print(v, out, e);
	else if (js_kind(v) == JS_NONE)
		rc = err_set(e, ".%s: missing (or .%s)", keys[0], keys[1]);
	else
		rc = err_set(e, ".%s: expected string or number, got %s", *key, js_kind_name(js_kind(v)));
	js_free(v);
	return rc;
}

static struct js equal(const struct math_grade *g)
{
	if (!strcmp(g->status, "pass"))
		return js_bool(1);
	return strcmp(g->status, "fail") ? js_null() : js_bool(0);
}

static void set(struct js *rec, const struct math_grade *g, int response)
{
	struct js canonical = js_object();
	struct buf gold = {0};

	math_canonical(g->gold.data ? g->gold.data : "", g->gold.len, &gold);
	js_set(&canonical, "gold", js_strn(gold.data ? gold.data : "", gold.len));
	js_set(&canonical, "got", g->found == MATH_NONE
	                              ? js_null()
	                              : js_strn(g->canonical.data ? g->canonical.data : "",
	                                        g->canonical.len));
	js_set(rec, "equal", equal(g));
	js_set(rec, "method", js_str(g->method));
	js_set(rec, "work", js_num((double)g->work));
	js_set(rec, "canonical", canonical);
	if (response)
		js_set(rec, "found", js_str(math_found_name(g->found)));
	buf_release(&gold);
}

/* Compares what one record holds. */
static int compare(struct js *rec, enum math_grader grader, struct math_grade *g, struct err *e)
{
	static const char *const references[2] = {"gold", "answer"},
	                         *const answers[2] = {"got", "response"};
	struct buf gold = {0}, got = {0};
	const char *key;
	int rc = text_of(*rec, references, &key, &gold, e) || text_of(*rec, answers, &key, &got, e);
	int response = !rc && key == answers[1];

	if (!rc && response)
		math_grade_response(gold.data, gold.len, got.data, got.len, grader, g);
	else if (!rc)
		math_grade_answer(gold.data, gold.len, got.data, got.len, grader, g);
	if (!rc)
		set(rec, g, response);
	buf_release(&gold);
	buf_release(&got);
	return rc ? -1 : 0;
}

static int run(struct jl_in *in, const struct settings *s, struct err *e)
{
	struct progress bar;
	struct math_grade g = {0};
	struct js rec;
	int rc;

	progress_start(&bar, "compared", "pairs", 0, s->progress);
	while ((rc = jl_read(in, &rec, e)) > 0) {
		bar.share = jl_share(in);
		rc = compare(&rec, s->grader, &g, e) ? jl_where(in, e) : jl_write(rec, e);
		js_free(rec);
		if (rc)
			break;
		progress_add(&bar, 1);
	}
	progress_end(&bar);
	math_grade_release(&g);
	return rc;
}

static void options(int argc, char **argv, struct settings *s, const char **file)
{
	enum { STRICT, HENDRYCKS };
	int grader = STRICT, lenient = 0;
	const struct opt table[] = {
		{"grader", 0, OPT_CHOICE, &grader, "strict|hendrycks", "what equal means (default strict)",
		 0, 0, NULL},
		{"lenient", 0, OPT_FLAG, &lenient, NULL, "a rounding of the reference is equal, too", 0, 0,
		 NULL},
		OPT_PROGRESS(&s->progress),
		{0},
	};

	*file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	if (lenient && grader == HENDRYCKS)
		opt_usage(usage, "--lenient belongs to --grader strict");
	s->grader = grader == HENDRYCKS ? MATH_HENDRYCKS : lenient ? MATH_LENIENT : MATH_STRICT;
}

int main(int argc, char **argv)
{
	struct settings s = {0};
	struct jl_in *in;
	const char *file;
	struct err e;
	int rc;

	prog_init(argv[0]);
	options(argc, argv, &s, &file);
	if (jl_open(file, &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	if (filter_install(&e))
		warn("%s; input is read without it", e.msg);
	rc = run(in, &s, &e);
	jl_close(in);
	return jl_exit(rc, &e);
}
