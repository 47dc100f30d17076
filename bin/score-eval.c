/* SPDX-License-Identifier: MIT */
/* score-eval: verified trajectories in, the paper's metrics with 95 % intervals out. */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "score-eval [options] [FILE]";
static const char about[] =
	"Verified trajectories in, the metrics of self-correction with 95 % intervals out.";

struct settings {
	const char *against, *judge;
	struct budgets vote, pass;
	uint64_t seed, resamples;
	struct reading how;
	int text;
};

/* null: there is no figure, or no bound. */
static struct js number(double x)
{
	return isfinite(x) ? js_num(x) : js_null();
}

static struct js interval(struct interval v)
{
	struct js o = js_object();

	js_set(&o, "value", number(v.value));
	js_set(&o, "lo", number(v.lo));
	js_set(&o, "hi", number(v.hi));
	return o;
}

/* Sets the figure of column c in the last object of curve; a column of another k begins an
 * object. */
static void add_point(struct js *curve, const struct column *c, struct js figure)
{
	size_t n = js_len(*curve);
	struct js point = n ? js_at(*curve, n - 1) : js_none(), k = n ? js_get(point, "k") : js_none();

	if (!n || js_number(k) != (double)c->k) {
		js_free(point);
		point = js_object();
		js_set(&point, "k", js_num((double)c->k));
		js_push(curve, js_null());
		n++;
	}
	js_set(&point, c->name, figure);
	js_put(curve, n - 1, point);
	js_free(k);
}

static void set_if_any(struct js *o, const char *key, struct js list)
{
	if (js_len(list))
		js_set(o, key, list);
	else
		js_free(list);
}

/* Sets every metric of t in o: the histogram's columns and each curve's become one array; the
 * largest vote stands in o itself, too. */
static void add_metrics(const struct table *t, const struct settings *set, struct js *o)
{
	struct interval *v = xreallocarray(NULL, t->m, sizeof *v);
	struct js bins = js_array(), votes = js_array(), passes = js_array();
	size_t largest = set->vote.n ? set->vote.k[set->vote.n - 1] : 0;

	table_intervals(t, set->seed, set->resamples, v);
	for (size_t c = 0; c < t->m; c++) {
		const struct column *col = &t->col[c];
		int vote = col->k && strncmp(col->name, "pass", 4);

		if (col->kind == PART)
			continue;
		if (c >= t->bins_at)
			js_push(&bins, number(v[c].value));
		else if (!col->k || (vote && col->k == largest))
			js_set(o, col->name, interval(v[c]));
		if (c < t->bins_at && col->k && (!vote || set->vote.n > 1))
			add_point(vote ? &votes : &passes, col, interval(v[c]));
	}
	set_if_any(o, "edit_histogram", bins);
	set_if_any(o, "votes", votes);
	set_if_any(o, "pass", passes);
	free(v);
}

/* How often the judge said what of which first attempts. */
static struct js confusion(const struct set *s)
{
	static const char *const said[] = {"rejected", "accepted", "silent"};
	size_t count[2][LEN(said)] = {{0}};
	struct js out = js_object();

	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].error)
			count[s->v[i].right[0] != 0][s->v[i].judged]++;
	for (int right = 1; right >= 0; right--) {
		struct js o = js_object();

		for (size_t j = 0; j < LEN(said); j++)
			js_set(&o, said[j], js_num((double)count[right][j]));
		js_set(&out, right ? "right" : "wrong", o);
	}
	return out;
}

static int compare(const struct table *mine, const struct set *ours, const struct settings *set,
                   struct js *out, struct err *e)
{
	struct set other;
	struct table theirs = {0}, diff = {0};
	struct js o;
	int rc = -1;

	if (set_read(set->against, &set->how, &other, e))
		return -1;
	if (other.turns != ours->turns) {
		err_set(e, "%s has %zu turns, %s has %zu", ours->name, ours->turns, other.name,
		        other.turns);
		goto out;
	}
	if (table_new(&other, &set->vote, &set->pass, &theirs, e))
		goto out;
	if (table_minus(mine, &theirs, &diff, e)) {
		err_prefix(e, "%s: %s: ", ours->name, other.name);
		goto out;
	}
	o = js_object();
	js_set(&o, "file", js_str(set->against));
	js_set(&o, "n", js_num((double)diff.n));
	js_set(&o, "errors", js_num((double)other.errors));
	add_metrics(&diff, set, &o);
	js_set(out, "against", o);
	rc = 0;
out:
	table_release(&diff);
	table_release(&theirs);
	set_release(&other);
	return rc;
}

static int evaluate(const char *path, const struct settings *opt, struct js *out, struct err *e)
{
	struct set set;
	struct table t = {0};
	struct js how = js_object();
	int rc = -1;

	js_set(&how, "level", js_num(0.95));
	js_set(&how, "resamples", js_num((double)opt->resamples));
	js_set(&how, "seed", js_num((double)opt->seed));
	if (set_read(path, &opt->how, &set, e)) {
		js_free(how);
		return -1;
	}
	if (opt->vote.n && opt->vote.k[0] < set.turns) {
		err_set(e, "--vote %zu: %zu turns need at least %zu responses", opt->vote.k[0], set.turns,
		        set.turns);
		goto out;
	}
	if (table_new(&set, &opt->vote, &opt->pass, &t, e))
		goto out;
	js_set(out, "n", js_num((double)t.n));
	js_set(out, "samples", js_num((double)(set.n - set.errors)));
	js_set(out, "errors", js_num((double)set.errors));
	js_set(out, "turns", js_num((double)set.turns));
	if (opt->vote.n)
		js_set(out, "vote", js_num((double)opt->vote.k[opt->vote.n - 1]));
	add_metrics(&t, opt, out);
	if (set.judge)
		js_set(out, "confusion", confusion(&set));
	js_set(out, "statuses", js_copy(set.statuses));
	js_set(out, "bootstrap", js_copy(how));
	rc = opt->against ? compare(&t, &set, opt, out, e) : 0;
out:
	js_free(how);
	table_release(&t);
	set_release(&set);
	return rc;
}

/* ---- text ---- */

static void text_metrics(struct js o, const char *at);

/* Tokens and numbers of things are printed as they are, everything else in percent. */
static int amount(const char *name)
{
	return !strncmp(name, "unique", 6) || strstr(name, "tokens_") || strstr(name, "_size_");
}

static void text_figure(const char *name, struct js value, struct js lo, struct js hi)
{
	double scale = amount(name) ? 1 : 100;
	char end[32] = "-";

	if (js_kind(hi) == JS_NUMBER)
		snprintf(end, sizeof end, "%.2f", scale * js_number(hi));
	printf("%-29s %8.2f %c   [%7.2f, %7s]\n", name, scale * js_number(value), 
	       scale == 1 ? ' ' : '%', scale * js_number(lo), end);
}

static void text_curve(struct js points)
{
	for (size_t i = 0; i < js_len(points); i++) {
		struct js point = js_at(points, i), k = js_get(point, "k");
		char at[32];

		snprintf(at, sizeof at, "@%.0f", js_number(k));
		text_metrics(point, at);
		js_free(k);
		js_free(point);
	}
}

/* A line for each figure of o, its name followed by at; those of its curves, too. */
static void text_metrics(struct js o, const char *at)
{
	struct js_iter it = js_begin(o);
	const char *key;
	struct js v;

	while (js_next(o, &it, &key, &v)) {
		struct js value = js_get(v, "value"), lo = js_get(v, "lo"), hi = js_get(v, "hi");
		char name[64];

		snprintf(name, sizeof name, "%s%s", key, at);
		if (js_kind(value) == JS_NUMBER)
			text_figure(name, value, lo, hi);
		else if (!strcmp(key, "votes") || !strcmp(key, "pass"))
			text_curve(v);
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

static void print_text(struct js o, const char *other)
{
	struct js against = js_get(o, "against");

	printf("%.0f problems, %.0f trajectories of %.0f turns, %.0f errors left out; "
	       "95 %% intervals\n\n", get_number(o, "n"), get_number(o, "samples"),
	       get_number(o, "turns"), get_number(o, "errors"));
	text_metrics(o, "");
	text_histogram(o);
	if (js_kind(against) == JS_OBJECT) {
		printf("\ndifference to %s (%.0f problems in both)\n\n", other, get_number(against, "n"));
		text_metrics(against, "");
	}
	js_free(against);
}

/* K[,K..], rising. */
static int budget_list(const char *arg, void *data, struct err *e)
{
	struct budgets *b = data;
	char *copy = xstrdup(arg), *rest = copy;
	int rc = 0;
	uint64_t v;

	b->n = 0;
	for (char *w; !rc && (w = strsep(&rest, ",")); ) {
		if (b->n == LEN(b->k))
			rc = err_set(e, "more than %zu numbers", LEN(b->k));
		else if (!(rc = parse_u64(w, b->n ? b->k[b->n - 1] + 1 : 1, 1000000, &v, e)))
			b->k[b->n++] = (size_t)v;
	}
	free(copy);
	return rc;
}

/* The text of a program, or the name of its file. */
static int load_judge(const char *arg, struct jqp **out, struct err *e)
{
	if (str_ends(arg, ".jq") && !access(arg, F_OK))
		return jqp_load(arg, js_none(), out, e);
	return jqp_new(arg, "--judge", js_none(), out, e);
}

int main(int argc, char **argv)
{
	struct settings set = {.resamples = 2000};
	const struct opt table[] = {
		{"format", 0, OPT_CHOICE, &set.text, "json|text", 
		 "one JSON object, or a table (default json)", 0, 0, NULL},
		{"vote", 0, OPT_CALL, &set.vote, "K[,K..]",
		 "majority votes at budgets of K responses a problem", 0, 0, budget_list},
		{"pass", 0, OPT_CALL, &set.pass, "K[,K..]", "pass@K: one of K attempts is right", 0, 0,
		 budget_list},
		{"against", 0, OPT_STR, &set.against, "FILE", 
		 "also this input minus FILE, paired by problem id", 0, 0, NULL},
		{"judge", 0, OPT_STR, &set.judge, "JQ|FILE.jq",
		 "what a trajectory says of its first attempt: true, false, null", 0, 0, NULL},
		{"carry", 0, OPT_FLAG, &set.how.carry, NULL,
		 "where a dialogue ended early its last attempt stands for the later ones", 0, 0, NULL},
		{"resamples", 0, OPT_U64, &set.resamples, "N", "of the bootstrap (default 2000)", 1, 1e6,
		 NULL},
		OPT_SEED(&set.seed),
		{"partial", 0, OPT_FLAG, &set.how.partial, NULL, 
		 "take groups and batches that are cut short as they are", 0, 0, NULL},
		OPT_PROGRESS(&set.how.progress),
		{0},
	};
	struct js out = js_object();
	const char *file;
	struct err e;
	int rc;

	prog_init(argv[0]);
	file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	rc = set.judge ? load_judge(set.judge, &set.how.judge, &e) : 0;
	rc = rc || evaluate(file, &set, &out, &e);
	if (!rc && set.text)
		print_text(out, set.against);
	else if (!rc)
		rc = jl_write(out, &e);
	js_free(out);
	jqp_free(set.how.judge);
	return jl_exit(rc, &e);
}
