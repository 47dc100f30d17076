/* SPDX-License-Identifier: MIT */
/* score-eval: verified trajectories in, the paper's metrics with 95 % intervals out. */
#include "eval/eval.h"
#include "stat/stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "score-eval [options] [FILE]";

static struct {
	const char *format, *against;
	uint64_t seed, resamples, vote;
	int partial, progress;
} opt = {.format = "json", .resamples = 2000};

static struct js number(double x)
{
	return isnan(x) ? js_null() : js_num(x);
}

static struct js interval(struct interval v)
{
	struct js o = js_object();

	js_set(&o, "value", number(v.value));
	js_set(&o, "lo", number(v.lo));
	js_set(&o, "hi", number(v.hi));
	return o;
}

/* Sets every metric of t in o; the histogram's columns become one array. */
static void add_metrics(const struct table *t, struct js *o)
{
	struct interval *v = xreallocarray(NULL, t->m, sizeof *v);
	struct js bins = js_array();

	bootstrap(t->x, t->n, t->m, opt.seed, opt.resamples, v);
	for (size_t c = 0; c < t->m; c++) {
		if (c < t->bins_at)
			js_set(o, t->name[c], interval(v[c]));
		else
			js_push(&bins, number(v[c].value));
	}
	if (js_len(bins))
		js_set(o, "edit_histogram", bins);
	else
		js_free(bins);
	free(v);
}

static int compare(const struct table *mine, const struct set *set, struct js *out, struct err *e)
{
	struct set other;
	struct table theirs = {0}, diff = {0};
	struct js o;
	int rc = -1;

	if (set_read(opt.against, opt.partial, opt.progress, &other, e))
		return -1;
	if (other.turns != set->turns) {
		err_set(e, "%s has %zu turns, %s has %zu", set->name, set->turns, other.name, other.turns);
		goto out;
	}
	if (table_new(&other, opt.vote, &theirs, e))
		goto out;
	if (table_minus(mine, &theirs, &diff, e)) {
		err_prefix(e, "%s: %s: ", set->name, other.name);
		goto out;
	}
	o = js_object();
	js_set(&o, "file", js_str(opt.against));
	js_set(&o, "n", js_num((double)diff.n));
	js_set(&o, "errors", js_num((double)other.errors));
	add_metrics(&diff, &o);
	js_set(out, "against", o);
	rc = 0;
out:
	table_release(&diff);
	table_release(&theirs);
	set_release(&other);
	return rc;
}

static int evaluate(const char *path, struct js *out, struct err *e)
{
	struct set set;
	struct table t = {0};
	struct js how = js_object();
	int rc = -1;

	js_set(&how, "level", js_num(0.95));
	js_set(&how, "resamples", js_num((double)opt.resamples));
	js_set(&how, "seed", js_num((double)opt.seed));
	if (set_read(path, opt.partial, opt.progress, &set, e)) {
		js_free(how);
		return -1;
	}
	if (opt.vote && opt.vote < set.turns) {
		err_set(e, "--vote %llu: %zu turns need at least %zu responses", (unsigned long long)opt.vote, set.turns,
		        set.turns);
		goto out;
	}
	if (table_new(&set, opt.vote, &t, e))
		goto out;
	js_set(out, "n", js_num((double)t.n));
	js_set(out, "samples", js_num((double)(set.n - set.errors)));
	js_set(out, "errors", js_num((double)set.errors));
	js_set(out, "turns", js_num((double)set.turns));
	if (opt.vote)
		js_set(out, "vote", js_num((double)opt.vote));
	add_metrics(&t, out);
	js_set(out, "statuses", js_copy(set.statuses));
	js_set(out, "bootstrap", js_copy(how));
	rc = opt.against ? compare(&t, &set, out, e) : 0;
out:
	js_free(how);
	table_release(&t);
	set_release(&set);
	return rc;
}

/* ---- text ---- */

static void text_metrics(struct js o)
{
	struct js_iter it = js_begin(o);
	const char *key;
	struct js v;

	while (js_next(o, &it, &key, &v)) {
		struct js value = js_get(v, "value"), lo = js_get(v, "lo"), hi = js_get(v, "hi");

		if (js_kind(value) == JS_NUMBER)
			printf("%-18s %7.2f %%   [%6.2f, %6.2f]\n", key, 100 * js_number(value), 100 * js_number(lo), 100 * js_number(hi));
		js_free(value);
		js_free(lo);
		js_free(hi);
		js_free(v);
	}
}

static void text_histogram(struct js o)
{
	struct js bins = js_get(o, "edit_histogram");

	for (size_t b = 0; b < js_len(bins); b++) {
		struct js v = js_at(bins, b);
		double share = js_number(v);

		if (b == 0)
			printf("edit ratio\n       0  ");
		else
			printf("  <= %.1f  ", (double)b / 10);
		printf("%6.2f %%  ", 100 * share);
		for (int i = 0; i < (int)(40 * share + 0.5); i++)
			putchar('#');
		putchar('\n');
		js_free(v);
	}
	js_free(bins);
}

static double get_number(struct js o, const char *key)
{
	struct js v = js_get(o, key);
	double x = js_kind(v) == JS_NUMBER ? js_number(v) : 0;

	js_free(v);
	return x;
}

static void print_text(struct js o)
{
	struct js against = js_get(o, "against");

	printf("%.0f problems, %.0f trajectories of %.0f turns, %.0f errors left out; 95 %% intervals\n\n", get_number(o, "n"),
	       get_number(o, "samples"), get_number(o, "turns"), get_number(o, "errors"));
	text_metrics(o);
	text_histogram(o);
	if (js_kind(against) == JS_OBJECT) {
		printf("\ndifference to %s (%.0f problems in both)\n\n", opt.against, get_number(against, "n"));
		text_metrics(against);
	}
	js_free(against);
}

int main(int argc, char **argv)
{
	const struct opt table[] = {
		{"format", 0, OPT_STR, &opt.format, "json|text", "one JSON object (default) or a table", 0, 0, NULL},
		{"vote", 0, OPT_U64, &opt.vote, "K", "majority votes at a budget of K responses a problem", 1, 1e6, NULL},
		{"against", 0, OPT_STR, &opt.against, "FILE", "also this input minus FILE, paired by problem id", 0, 0, NULL},
		{"resamples", 0, OPT_U64, &opt.resamples, "N", "bootstrap resamples (2000)", 1, 1e6, NULL},
		{"seed", 0, OPT_U64, &opt.seed, "N", "of the bootstrap (0)", 0, 9007199254740992.0, NULL},
		{"partial", 0, OPT_FLAG, &opt.partial, NULL, "take groups and batches that are not whole", 0, 0, NULL},
		{"progress", 0, OPT_FLAG, &opt.progress, NULL, "show progress even if stderr is no terminal", 0, 0, NULL},
		{0},
	};
	struct err e;
	struct js out = js_object();
	int i, failed;

	prog_init(argv[0]);
	i = opt_parse(argc, argv, table, usage, "Verified trajectories in, the metrics of self-correction with 95 % intervals out.");
	if (argc - i > 1)
		opt_usage(usage, "more than one file");
	if (strcmp(opt.format, "json") && strcmp(opt.format, "text"))
		opt_usage(usage, "--format: expected json or text, got '%s'", opt.format);
	failed = evaluate(i < argc ? argv[i] : NULL, &out, &e);
	if (!failed && !strcmp(opt.format, "text"))
		print_text(out);
	else if (!failed)
		failed = jl_write(out, &e);
	js_free(out);
	if (failed || jl_finish(&e))
		die(EXIT_ERROR, "%s", e.msg);
	return EXIT_DONE;
}
