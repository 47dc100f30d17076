/* SPDX-License-Identifier: MIT */
/*
 * plot: panels of lines, drawn by a gnuplot process. Knows numbers and names only; called by
 * score-plot.
 */
#ifndef PLOT_H
#define PLOT_H

#include "base/base.h"

enum { PLOT_PANELS = 16 };

struct plot_point {
	double x, y, lo, hi;         /* lo to hi is the interval of y; both are y where there is none */
};

struct plot_series {
	char *name;                  /* owned */
	struct plot_point *p;
	size_t n, cap;
};

/* A vertical line through every panel, with a text above. */
struct plot_mark {
	double x;
	char *text;                  /* owned */
};

struct plot_panel {
	const char *expr;            /* expression plotted, for messages; borrowed */
	const char *y_name;          /* of the axis; borrowed; NULL: the expression */
	struct plot_series *s;
	size_t n, cap;
};

struct plot {
	const char *title, *x_name;  /* borrowed; title may be NULL */
	int width, height;           /* of one panel, pixels; characters for text */
	struct plot_panel panel[PLOT_PANELS];
	size_t n;
	struct plot_mark *mark;
	size_t n_marks, cap_marks;
};

/* The series of this name among those from index first on; added if there is none. */
struct plot_series *plot_series(struct plot_panel *p, size_t first, const char *name);
/* Adds a mark, once: several runs may share it. */
void plot_mark(struct plot *p, double x, const char *text);
/* Replaces each point, and the ends of its interval, by the mean of the last n, fewer at the
 * start. */
void plot_smooth(struct plot *p, size_t n);
/* Writes path (.svg, else PNG) atomically through a temporary file beside it; "-" is text to
 * standard output. Legends and marks' texts stand outside of the axes. */
MUST_CHECK int plot_draw(const struct plot *p, const char *path, struct err *e);
void plot_release(struct plot *p);

#endif
