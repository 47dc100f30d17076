/* SPDX-License-Identifier: MIT */
/* score-plot: plots metrics rows. A jq expression per panel selects the series; gnuplot draws. */
#include "jsonl/jsonl.h"
#include "plot/plot.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] = "score-plot -o FILE.svg|FILE.png [options] [METRICS.jsonl ...]";

struct settings {
	const char *out, *x;
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

static int set_size(const char *arg, void *data, struct err *e)
{
	struct plot *p = data;
	const char *x = strchr(arg, 'x');
	char *width = xstrndup(arg, x ? (size_t)(x - arg) : 0);
	int64_t w, h;
	int rc = 0;

	if (!x || parse_i64(width, 50, 10000, &w, e) || parse_i64(x + 1, 50, 10000, &h, e))
		rc = err_set(e, "expected WIDTHxHEIGHT, 50 to 10000 each, got '%s'", arg);
	else
		p->width = (int)w, p->height = (int)h;
	free(width);
	return rc;
}

/* ---- reading ---- */

/* null is a gap, a number is a point; arrays and objects give a series per member. */
static int collect(struct plot_panel *p, size_t first, const char *name, double x, struct js v,
                   struct err *e)
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

static int read_run(struct settings *s, const char *path, struct jqp *x_of, struct jqp **y_of,
                    int several, struct err *e)
{
	struct plot *p = &s->plot;
	struct jl_in *in;
	struct js rec, x = js_none(), y = js_none();
	size_t first[PLOT_PANELS];
	int got;

	if (jl_open(path, &in, e))
		return -1;
	for (size_t i = 0; i < p->n; i++)
		first[i] = p->panel[i].n;
	while ((got = jl_read(in, &rec, e)) > 0) {
		if (jqp_run(x_of, rec, &x, e) ||
		    (js_kind(x) != JS_NUMBER &&
		     err_set(e, "%s: expected a number, got %s", s->x, js_kind_name(js_kind(x)))))
			got = jl_where(in, e);
		for (size_t i = 0; got > 0 && i < p->n; i++) {
			if (jqp_run(y_of[i], rec, &y, e) ||
			    collect(&p->panel[i], first[i], p->panel[i].expr, js_number(x), y, e))
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
	struct jqp *x = NULL, *y[PLOT_PANELS] = {NULL};
	int rc = jqp_new(s->x, "-x", js_none(), &x, e);

	for (size_t i = 0; i < p->n && !rc; i++)
		rc = jqp_new(p->panel[i].expr, "-y", js_none(), &y[i], e);
	if (!n && !rc)
		rc = read_run(s, NULL, x, y, 0, e);
	for (int i = 0; i < n && !rc; i++)
		rc = read_run(s, paths[i], x, y, n > 1, e);
	jqp_free(x);
	for (size_t i = 0; i < p->n; i++)
		jqp_free(y[i]);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings set = {.x = ".step", .smooth = 1, .plot = {.width = 900, .height = 320}};
	const struct opt table[] = {
		{NULL, 'o', OPT_STR, &set.out, "FILE", "the picture: .svg or .png", 0, 0, NULL},
		{NULL, 'y', OPT_CALL, &set.plot, "JQ", "a panel's series (.reward); may be repeated", 0, 0,
		 add_panel},
		{NULL, 'x', OPT_STR, &set.x, "JQ", "the horizontal axis (.step)", 0, 0, NULL},
		{"smooth", 0, OPT_U64, &set.smooth, "N", "mean of the last N rows (1)", 1, 1e6, NULL},
		{"title", 0, OPT_STR, &set.plot.title, "TEXT", "above the panels", 0, 0, NULL},
		{"size", 0, OPT_CALL, &set.plot, "WxH", "of a panel in pixels (900x320)", 0, 0, set_size},
		{0},
	};
	struct err e;
	const char *dot;
	int i;

	prog_init(argv[0]);
	i = opt_parse(argc, argv, table, usage,
	              "Metrics rows to a picture by gnuplot; jq expressions pick the series.");
	dot = set.out ? strrchr(set.out, '.') : NULL;
	if (!set.out)
		opt_usage(usage, "-o is missing");
	if (!dot || (strcmp(dot, ".svg") && strcmp(dot, ".png")))
		opt_usage(usage, "-o: expected a name ending in .svg or .png, got '%s'", set.out);
	if (!set.plot.n)
		set.plot.panel[set.plot.n++].expr = ".reward";
	if (read_all(&set, argv + i, argc - i, &e))
		die(EXIT_ERROR, "%s", e.msg);
	set.plot.x_label = set.x;
	plot_smooth(&set.plot, set.smooth);
	if (plot_draw(&set.plot, set.out, &e))
		die(EXIT_ERROR, "%s", e.msg);
	plot_release(&set.plot);
	return EXIT_DONE;
}
