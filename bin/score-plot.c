/* SPDX-License-Identifier: MIT */
/* score-plot: metrics rows to a picture. A jq expression per panel picks the series; gnuplot draws. */
#include "jsonl/jsonl.h"
#include "plot/plot.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] = "score-plot -o FILE.svg|FILE.png [options] [METRICS.jsonl ...]";

static struct plot plot = {.width = 900, .height = 320};

static struct {
	const char *out, *x;
	uint64_t smooth;
} opt = {.x = ".step", .smooth = 1};

static int add_panel(const char *arg, void *data, struct err *e)
{
	(void)data;
	if (plot.n == PLOT_PANELS)
		return err_set(e, "more than %d panels", PLOT_PANELS);
	plot.panel[plot.n++].expr = arg;
	return 0;
}

static int set_size(const char *arg, void *data, struct err *e)
{
	const char *x = strchr(arg, 'x');
	char *width = xstrndup(arg, x ? (size_t)(x - arg) : 0);
	int64_t w, h;
	int rc = 0;

	(void)data;
	if (!x || parse_i64(width, 50, 10000, &w, e) || parse_i64(x + 1, 50, 10000, &h, e))
		rc = err_set(e, "expected WIDTHxHEIGHT, 50 to 10000 each, got '%s'", arg);
	else
		plot.width = (int)w, plot.height = (int)h;
	free(width);
	return rc;
}

/* ---- reading ---- */

/* null is a gap; a number is a point; of an array or object every member. */
static int collect(struct plot_panel *p, size_t first, const char *name, double x, struct js v, struct err *e)
{
	enum js_kind k = js_kind(v);
	int rc = 0;

	if (k == JS_NULL)
		return 0;
	if (k == JS_NUMBER) {
		struct plot_series *s = plot_series(p, first, name);

		VEC_PUSH(s->p, s->n, s->cap) = (struct plot_point){x, js_number(v)};
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

static int read_run(const char *path, struct jqp *x_of, struct jqp **y_of, int several, struct err *e)
{
	struct jl_in *in;
	struct js rec, x = js_none(), y = js_none();
	size_t first[PLOT_PANELS];
	int got;

	if (jl_open(path, &in, e))
		return -1;
	for (size_t i = 0; i < plot.n; i++)
		first[i] = plot.panel[i].n;
	while ((got = jl_read(in, &rec, e)) > 0) {
		if (jqp_run(x_of, rec, &x, e) || (js_kind(x) != JS_NUMBER && err_set(e, "%s: expected a number, got %s", opt.x,
		                                                                     js_kind_name(js_kind(x)))))
			got = jl_where(in, e);
		for (size_t i = 0; got > 0 && i < plot.n; i++) {
			if (jqp_run(y_of[i], rec, &y, e) || collect(&plot.panel[i], first[i], plot.panel[i].expr, js_number(x), y, e))
				got = jl_where(in, e);
			js_free(y);
			y = js_none();
		}
		js_free(rec);
		js_free(x);
		x = js_none();
		if (got < 0)
			break;
	}
	for (size_t i = 0; i < plot.n && several; i++)
		for (size_t k = first[i]; k < plot.panel[i].n; k++) {
			struct buf b = {0};

			buf_addf(&b, "%s  %s", jl_name(in), plot.panel[i].s[k].name);
			free(plot.panel[i].s[k].name);
			plot.panel[i].s[k].name = b.data;
		}
	jl_close(in);
	return got < 0 ? -1 : 0;
}

static int read_all(char **paths, int n, struct err *e)
{
	struct jqp *x = NULL, *y[PLOT_PANELS] = {NULL};
	int rc = jqp_new(opt.x, "-x", js_none(), &x, e);

	for (size_t i = 0; i < plot.n && !rc; i++)
		rc = jqp_new(plot.panel[i].expr, "-y", js_none(), &y[i], e);
	if (!n && !rc)
		rc = read_run(NULL, x, y, 0, e);
	for (int i = 0; i < n && !rc; i++)
		rc = read_run(paths[i], x, y, n > 1, e);
	jqp_free(x);
	for (size_t i = 0; i < plot.n; i++)
		jqp_free(y[i]);
	return rc;
}

int main(int argc, char **argv)
{
	const struct opt table[] = {
		{NULL, 'o', OPT_STR, &opt.out, "FILE", "the picture: .svg or .png", 0, 0, NULL},
		{NULL, 'y', OPT_CALL, NULL, "JQ", "a panel's series (.reward); may be repeated", 0, 0, add_panel},
		{NULL, 'x', OPT_STR, &opt.x, "JQ", "the horizontal axis (.step)", 0, 0, NULL},
		{"smooth", 0, OPT_U64, &opt.smooth, "N", "mean of the last N rows (1)", 1, 1e6, NULL},
		{"title", 0, OPT_STR, &plot.title, "TEXT", "above the panels", 0, 0, NULL},
		{"size", 0, OPT_CALL, NULL, "WxH", "of a panel in pixels (900x320)", 0, 0, set_size},
		{0},
	};
	struct err e;
	const char *dot;
	int i;

	prog_init(argv[0]);
	i = opt_parse(argc, argv, table, usage, "Metrics rows to a picture by gnuplot; jq expressions pick the series.");
	dot = opt.out ? strrchr(opt.out, '.') : NULL;
	if (!opt.out)
		opt_usage(usage, "-o is missing");
	if (!dot || (strcmp(dot, ".svg") && strcmp(dot, ".png")))
		opt_usage(usage, "-o: expected a name ending in .svg or .png, got '%s'", opt.out);
	if (!plot.n)
		plot.panel[plot.n++].expr = ".reward";
	if (read_all(argv + i, argc - i, &e))
		die(EXIT_ERROR, "%s", e.msg);
	plot.x_label = opt.x;
	plot_smooth(&plot, opt.smooth);
	if (plot_draw(&plot, opt.out, &e))
		die(EXIT_ERROR, "%s", e.msg);
	plot_release(&plot);
	return EXIT_DONE;
}
