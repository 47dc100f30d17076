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
	double x, y;
};

struct plot_series {
	char *name;                  /* owned */
	struct plot_point *p;
	size_t n, cap;
};

struct plot_panel {
	const char *expr;            /* expression plotted, for messages; borrowed */
	struct plot_series *s;
	size_t n, cap;
};

struct plot {
	const char *title, *x_label; /* borrowed; title may be NULL */
	int width, height;           /* of one panel, pixels */
	struct plot_panel panel[PLOT_PANELS];
	size_t n;
};

/* The series of this name among those from index first on; added if there is none. */
struct plot_series *plot_series(struct plot_panel *p, size_t first, const char *name);
/* Replaces each point by the mean of the last n, fewer at the start. */
void plot_smooth(struct plot *p, size_t n);
/* Writes path (.svg, else PNG) atomically through a temporary file beside it. */
MUST_CHECK int plot_draw(const struct plot *p, const char *path, struct err *e);
void plot_release(struct plot *p);

#endif
