/* SPDX-License-Identifier: MIT */
/* score-plot: plots metrics rows. A jq expression per panel selects the series; gnuplot draws. */
#include "jsonl/jsonl.h"
#include "plot/plot.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] = "score-plot -o FILE.svg|FILE.png|- [options] [METRICS.jsonl ...]";

struct settings {
	const char *out, *x, *mark;
	uint64_t smooth;
	struct plot plot;
};

static int add_panel(const char *arg, void *data, struct err *e)
{
	struct plot *p = data;

	if (p->n == PLOT_PANELS)
		return err_set(e, "more than %d panels", PLOT_PANELS);
	p->panel[p->n++].expr = arg;
	return 0;
}

/* Of the panel before it. */
static int set_y_name(const char *arg, void *data, struct err *e)
{
	struct plot *p = data;

	if (!p->n)
		return err_set(e, "no -y before it");
	p->panel[p->n - 1].y_name = arg;
	return 0;
}

static int set_size(const char *arg, void *data, struct err *e)
{
	struct plot *p = data;
	const char *x = strchr(arg, 'x');
	char *width = xstrndup(arg, x ? (size_t)(x - arg) : 0);
	int64_t w, h;
	int rc = 0;

	if (!x || parse_i64(width, 40, 10000, &w, e) || parse_i64(x + 1, 10, 10000, &h, e))
		rc = err_set(e, "expected WIDTHxHEIGHT, 40x10 to 10000x10000, got '%s'", arg);
	else
		p->width = (int)w, p->height = (int)h;
	free(width);
	return rc;
}

/* ---- reading ---- */

/* {value, lo, hi}: a point with its interval. */
static int interval(struct js v, struct plot_point *point)
{
	struct js part[] = {js_get(v, "value"), js_get(v, "lo"), js_get(v, "hi")};
	int all = 1;

	for (int i = 0; i < 3; i++)
		all &= js_kind(part[i]) == JS_NUMBER;
	if (all) {
		point->y = js_number(part[0]);
		point->lo = js_number(part[1]);
		point->hi = js_number(part[2]);
	}
	for (int i = 0; i < 3; i++)
		js_free(part[i]);
	return all;
}

/* null is a gap, a number is a point, {value, lo, hi} one with its interval; other objects, and
 * arrays, give a series per member. */
static int collect(struct plot_panel *p, size_t first, const char *name, double x, struct js v,
                   struct err *e)
{
	enum js_kind k = js_kind(v);
	struct plot_point point = {.x = x};
	int rc = 0;

	if (k == JS_NULL)
		return 0;
	if (k == JS_NUMBER)
		point.y = point.lo = point.hi = js_number(v);
	if (k == JS_NUMBER || (k == JS_OBJECT && interval(v, &point))) {
		struct plot_series *s = plot_series(p, first, name);

		VEC_PUSH(s->p, s->n, s->cap) = point;
		return 0;
	}
	if (k == JS_ARRAY) {
		for (size_t i = 0; i < js_len(v) && !rc; i++) {
			struct js one = js_at(v, i);
			struct buf b = {0};

			buf_addf(&b, "%s[%zu]", name, i);
			rc = collect(p, first, b.data, x, one, e);
			buf_release(&b);
			js_free(one);
		}
		return rc;
	}
	if (k == JS_OBJECT) {
		struct js_iter it = js_begin(v);
		const char *key;
		struct js one;

		while (!rc && js_next(v, &it, &key, &one)) {
			rc = collect(p, first, key, x, one, e);
			js_free(one);
		}
		return rc;
	}
	return err_set(e, "%s: expected numbers, got %s", p->expr, js_kind_name(k));
}

/* Marks x if the value of --mark is not what it was in the row before. */
static int mark(struct plot *p, struct jqp *of, struct js rec, double x, struct js *before,
                struct err *e)
{
	struct js now;

	if (jqp_run(of, rec, &now, e))
		return -1;
	if (js_kind(now) != JS_NULL && js_kind(now) != JS_STRING) {
		err_set(e, "--mark: expected a string or null, got %s", js_kind_name(js_kind(now)));
		js_free(now);
		return -1;
	}
	if (js_kind(now) == JS_STRING && !(js_kind(*before) == JS_STRING &&
	                                   !strcmp(js_string(*before), js_string(now))))
		plot_mark(p, x, js_string(now));
	js_free(*before);
	*before = now;
	return 0;
}

struct programs {
	struct jqp *x, *mark, *y[PLOT_PANELS];
};

/* What is plotted of one row. */
static int read_row(struct settings *s, const struct programs *jq, struct js rec,
                    const size_t *first, struct js *before, struct err *e)
{
	struct plot *p = &s->plot;
	struct js x = js_none(), y;
	int rc = jqp_run(jq->x, rec, &x, e);

	if (!rc && js_kind(x) != JS_NUMBER)
		rc = err_set(e, "%s: expected a number, got %s", s->x, js_kind_name(js_kind(x)));
	for (size_t i = 0; !rc && i < p->n; i++) {
		rc = jqp_run(jq->y[i], rec, &y, e);
		if (!rc) {
			rc = collect(&p->panel[i], first[i], p->panel[i].expr, js_number(x), y, e);
			js_free(y);
		}
	}
	if (!rc)
		rc = mark(p, jq->mark, rec, js_number(x), before, e);
	js_free(x);
	return rc;
}

static int read_run(struct settings *s, const char *path, const struct programs *jq, int several,
                    struct err *e)
{
	struct plot *p = &s->plot;
	struct jl_in *in;
	struct js rec, before = js_none();
	size_t first[PLOT_PANELS];
	int got;

	if (jl_open(path, &in, e))
		return -1;
	for (size_t i = 0; i < p->n; i++)
		first[i] = p->panel[i].n;
	while ((got = jl_read(in, &rec, e)) > 0) {
		if (read_row(s, jq, rec, first, &before, e))
			got = jl_where(in, e);
		js_free(rec);
		if (got < 0)
			break;
	}
	js_free(before);
	for (size_t i = 0; i < p->n && several; i++)
		for (size_t k = first[i]; k < p->panel[i].n; k++) {
			struct buf b = {0};

			buf_addf(&b, "%s  %s", jl_name(in), p->panel[i].s[k].name);
			free(p->panel[i].s[k].name);
			p->panel[i].s[k].name = b.data;
		}
	jl_close(in);
	return got < 0 ? -1 : 0;
}

static int read_all(struct settings *s, char **paths, int n, struct err *e)
{
	struct plot *p = &s->plot;
	struct programs jq = {0};
	int rc = jqp_new(s->x, "-x", js_none(), &jq.x, e);

	if (!rc)
		rc = jqp_new(s->mark, "--mark", js_none(), &jq.mark, e);
	for (size_t i = 0; i < p->n && !rc; i++)
		rc = jqp_new(p->panel[i].expr, "-y", js_none(), &jq.y[i], e);
	if (!n && !rc)
		rc = read_run(s, NULL, &jq, 0, e);
	for (int i = 0; i < n && !rc; i++)
		rc = read_run(s, paths[i], &jq, n > 1, e);
	jqp_free(jq.x);
	jqp_free(jq.mark);
	for (size_t i = 0; i < p->n; i++)
		jqp_free(jq.y[i]);
	return rc;
}

/* The names of axes whose unit is known: expressions that begin so. */
static const char *axis(const char *expr)
{
	static const char *const names[][2] = {
		{".step", "step (updates)"},
		{".reward", "reward (mean, 0 to 1)"},
		{".return", "return (mean)"},
		{".kl", "KL (nats per response)"},
		{".entropy", "entropy (nats per token)"},
		{".changed", "answers changed (share)"},
		{".zero_variance", "groups all alike (share)"},
		{".truncated", "cut off (share)"},
		{".length", "length (tokens)"},
		{".grad_norm", "gradient (norm)"},
		{".timing.total", "time (seconds)"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i][0]);

		if (!strncmp(expr, names[i][0], n) && (!expr[n] || expr[n] == '['))
			return names[i][1];
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct settings set = {
		.x = ".step", .smooth = 1,
		.mark = "if .stage? then \"Stage \" + \"I\" * .stage else null end",
	};
	const struct opt table[] = {
		{NULL, 'o', OPT_STR, &set.out, "FILE", "the picture: .svg or .png; -: text", 0, 0, NULL},
		{NULL, 'y', OPT_CALL, &set.plot, "JQ", "a panel's series (.reward); may be repeated", 0, 0,
		 add_panel},
		{NULL, 'x', OPT_STR, &set.x, "JQ", "the horizontal axis (.step)", 0, 0, NULL},
		{"y-name", 0, OPT_CALL, &set.plot, "TEXT", "name and unit of the axis of the last -y", 0, 0,
		 set_y_name},
		{"x-name", 0, OPT_STR, &set.plot.x_name, "TEXT", "of the horizontal axis", 0, 0, NULL},
		{"mark", 0, OPT_STR, &set.mark, "JQ", "text of a mark where it changes (the stage)", 0, 0,
		 NULL},
		{"smooth", 0, OPT_U64, &set.smooth, "N", "mean of the last N rows (1)", 1, 1e6, NULL},
		{"title", 0, OPT_STR, &set.plot.title, "TEXT", "above the panels", 0, 0, NULL},
		{"size", 0, OPT_CALL, &set.plot, "WxH", "of a panel in pixels (900x320) or characters", 0,
		 0, set_size},
		{0},
	};
	struct err e;
	const char *dot;
	int i, text;

	prog_init(argv[0]);
	i = opt_parse(argc, argv, table, usage,
	              "Metrics rows to a picture by gnuplot; jq expressions pick the series.");
	dot = set.out ? strrchr(set.out, '.') : NULL;
	text = set.out && !strcmp(set.out, "-");
	if (!set.out)
		opt_usage(usage, "-o is missing");
	if (!text && (!dot || (strcmp(dot, ".svg") && strcmp(dot, ".png"))))
		opt_usage(usage, "-o: expected a name ending in .svg or .png, or -, got '%s'", set.out);
	if (!set.plot.n)
		set.plot.panel[set.plot.n++].expr = ".reward";
	if (!set.plot.width)
		set.plot.width = text ? 80 : 900, set.plot.height = text ? 16 : 320;
	if (read_all(&set, argv + i, argc - i, &e))
		die(EXIT_ERROR, "%s", e.msg);
	if (!set.plot.x_name)
		set.plot.x_name = axis(set.x) ? axis(set.x) : set.x;
	for (size_t k = 0; k < set.plot.n; k++)
		if (!set.plot.panel[k].y_name)
			set.plot.panel[k].y_name = axis(set.plot.panel[k].expr);
	plot_smooth(&set.plot, set.smooth);
	if (plot_draw(&set.plot, set.out, &e))
		die(EXIT_ERROR, "%s", e.msg);
	plot_release(&set.plot);
	return EXIT_DONE;
}
