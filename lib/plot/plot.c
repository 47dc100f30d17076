/* SPDX-License-Identifier: MIT */
/* Draws a plot's panels by writing a gnuplot script and running gnuplot. */
#include "plot/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct plot_series *plot_series(struct plot_panel *p, size_t first, const char *name)
{
	for (size_t i = first; i < p->n; i++)
		if (!strcmp(p->s[i].name, name))
			return &p->s[i];
	VEC_PUSH(p->s, p->n, p->cap) = (struct plot_series){.name = xstrdup(name)};
	return &p->s[p->n - 1];
}

void plot_mark(struct plot *p, double x, const char *text)
{
	for (size_t i = 0; i < p->n_marks; i++)
		if (p->mark[i].x == x && !strcmp(p->mark[i].text, text))
			return;
	VEC_PUSH(p->mark, p->n_marks, p->cap_marks) = (struct plot_mark){x, xstrdup(text)};
}

static void smooth(struct plot_series *s, size_t n)
{
	struct plot_point *mean = xreallocarray(NULL, s->n, sizeof *mean);

	for (size_t i = 0; i < s->n; i++) {
		size_t from = i + 1 > n ? i + 1 - n : 0;
		double count = (double)(i + 1 - from);
		struct plot_point m = {s->p[i].x, 0, 0, 0};

		for (size_t k = from; k <= i; k++) {
			m.y += s->p[k].y;
			m.lo += s->p[k].lo;
			m.hi += s->p[k].hi;
		}
		mean[i] = (struct plot_point){m.x, m.y / count, m.lo / count, m.hi / count};
	}
	free(s->p);
	s->p = mean;
	s->cap = s->n;
}

void plot_smooth(struct plot *p, size_t n)
{
	for (size_t i = 0; i < p->n && n > 1; i++)
		for (size_t k = 0; k < p->panel[i].n; k++)
			smooth(&p->panel[i].s[k], n);
}

void plot_release(struct plot *p)
{
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->panel[i].n; k++) {
			free(p->panel[i].s[k].name);
			free(p->panel[i].s[k].p);
		}
		free(p->panel[i].s);
	}
	for (size_t i = 0; i < p->n_marks; i++)
		free(p->mark[i].text);
	free(p->mark);
	p->n = p->n_marks = p->cap_marks = 0;
}

/* ---- gnuplot ---- */

/* A single-quoted gnuplot string, in which only the quote is special and doubled. */
static void quoted(struct buf *b, const char *s)
{
	buf_addc(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_addc(b, '\'');
		buf_addc(b, (unsigned char)*s < ' ' ? ' ' : *s);
	}
	buf_addc(b, '\'');
}

/* A jq path's label is the path without the leading dot. */
static const char *label(const char *expr)
{
	return expr[0] == '.' && expr[1] ? expr + 1 : expr;
}

/* What a picture is made of, by its kind: pixels of a character, colours, points with a bar. */
enum { SVG, PNG, TEXT };
enum { CHAR_PIXELS = 7, BARS_AT_MOST = 24, LEFT_MARGIN = 10, KEY_SAMPLE = 8 };

static int has_intervals(const struct plot_series *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->p[i].lo != s->p[i].y || s->p[i].hi != s->p[i].y)
			return 1;
	return 0;
}

static void data(const struct plot *p, struct buf *b)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->panel[i].n; k++) {
			const struct plot_series *s = &p->panel[i].s[k];

			buf_addf(b, "$d%zu_%zu << END\n", i, k);
			for (size_t j = 0; j < s->n; j++)
				buf_addf(b, "%.9g %.9g %.9g %.9g\n", s->p[j].x, s->p[j].y, s->p[j].lo,
				         s->p[j].hi);
			buf_adds(b, "END\n");
		}
}

/* Characters of UTF-8. */
static size_t columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* The end of s that has at most n characters. */
static const char *ending(const char *s, size_t n)
{
	for (size_t all = columns(s); all > n; all--)
		do
			s++;
		while (((unsigned char)*s & 0xc0) == 0x80);
	return s;
}

/* A name in the legend: its end, if it is longer than n characters. */
static void named(struct buf *b, const char *name, size_t n)
{
	struct buf cut = {0};

	buf_addf(&cut, "%s%s", columns(name) > n ? "..." : "",
	         ending(name, columns(name) > n ? n - 3 : n));
	quoted(b, cut.data);
	buf_release(&cut);
}

/* The width of the widest legend, in characters; at most half of the picture. */
static size_t legend(const struct plot *p, int kind)
{
	size_t most = (size_t)p->width / (kind == TEXT ? 2 : 2 * CHAR_PIXELS), widest = 8;

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->panel[i].n; k++) {
			size_t n = columns(label(p->panel[i].s[k].name));

			widest = n > widest ? n : widest;
		}
	return widest < most ? widest : most;
}

static int by_x(const void *a, const void *b)
{
	const struct plot_mark *l = a, *r = b;

	return l->x != r->x ? (l->x > r->x) - (l->x < r->x) : strcmp(l->text, r->text);
}

/* The distance from the first to the last point of all. */
static double extent(const struct plot *p)
{
	double lo = HUGE_VAL, hi = -HUGE_VAL;

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->panel[i].n; k++)
			for (size_t j = 0; j < p->panel[i].s[k].n; j++) {
				lo = fmin(lo, p->panel[i].s[k].p[j].x);
				hi = fmax(hi, p->panel[i].s[k].p[j].x);
			}
	return hi - lo;
}

/* Lines at the marks, with their texts above the axes, which are so many characters wide; a text is
 * so far to the right of its line. One that would run into the text before it is left out. */
static void marks(const struct plot *p, double chars, int right, struct buf *b)
{
	double width = extent(p) / chars, end = -HUGE_VAL;
	size_t next;

	if (p->n_marks)
		qsort(p->mark, p->n_marks, sizeof *p->mark, by_x);
	for (size_t i = 0; i < p->n_marks; i = next) {
		double x = p->mark[i].x;
		struct buf text = {0};

		for (next = i; next < p->n_marks && p->mark[next].x == x; next++)
			buf_addf(&text, "%s%s", next > i ? ", " : "", p->mark[next].text);
		buf_addf(b,
		         "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead back "
		         "dt 2 lc rgb '#888888'\n",
		         x, x);
		if (x >= end) {
			buf_adds(b, "set label ");
			quoted(b, text.data);
			buf_addf(b, " at first %.9g, graph 1 offset %d, 1\n", x, right);
			end = x + width * (double)(columns(text.data) + 2);
		}
		buf_release(&text);
	}
}

/* Colours in gnuplot's order, named because a band and its line share one. */
static const char *const color[] = {"#9400d3", "#009e73", "#56b4e9", "#e69f00",
                                    "#d7263d", "#0072b2", "#8a6d00", "#000000"};

/* The arguments of gnuplot's plot for one series: the interval, then the line. */
static void curve(const struct plot_series *s, size_t i, size_t k, int kind, size_t width,
                  struct buf *b)
{
	size_t n = sizeof color / sizeof *color;
	const char *ink = color[k % n];

	if (kind != TEXT && has_intervals(s))
		buf_addf(b,
		         s->n <= BARS_AT_MOST ? "$d%zu_%zu using 1:2:3:4 with yerrorbars pt 7 ps 0.4 lw 1 "
		                                "lc rgb '%s' notitle, "
		                              : "$d%zu_%zu using 1:3:4 with filledcurves fs transparent "
		                                "solid 0.2 noborder lc rgb '%s' notitle, ",
		         i, k, ink);
	buf_addf(b, "$d%zu_%zu using 1:2 with %s ", i, k,
	         s->n > 1 || kind == TEXT ? "lines" : "points");
	if (kind != TEXT)
		buf_addf(b, "lw 1.5 dt %zu lc rgb '%s' ", k / n + 1, ink);
	buf_adds(b, "title ");
	named(b, label(s->name), width);
}

static int script(const struct plot *p, int kind, struct buf *b, struct err *e)
{
	static const char *const terminal[] = {"svg noenhanced background '#ffffff'",
	                                       "pngcairo noenhanced", "dumb noenhanced mono"};
	size_t width = legend(p, kind);
	double chars = p->width / (kind == TEXT ? 1 : CHAR_PIXELS) - LEFT_MARGIN - KEY_SAMPLE;

	buf_addf(b, "set terminal %s size %d,%zu\n", terminal[kind], p->width,
	         (size_t)p->height * p->n);
	data(p, b);
	buf_addf(b, "set multiplot layout %zu,1", p->n);
	if (p->title) {
		buf_adds(b, " title ");
		quoted(b, p->title);
	}
	buf_addf(b, "\nset key outside right top samplen 2\nset lmargin %d\nset rmargin %zu\n",
	         LEFT_MARGIN, width + KEY_SAMPLE);
	buf_adds(b, "set tmargin 2\nset border 3\nset tics nomirror\nset xlabel ");
	quoted(b, p->x_name);
	buf_adds(b, kind == TEXT ? "\n" : "\nset grid lt 1 lc rgb '#dddddd'\n");
	marks(p, fmax(chars - (double)width, 1), kind == TEXT ? 2 : 0, b);
	for (size_t i = 0; i < p->n; i++) {
		const struct plot_panel *panel = &p->panel[i];

		if (!panel->n)
			return err_set(e, "%s: no numbers in any row", panel->expr);
		buf_adds(b, "set ylabel ");
		quoted(b, panel->y_name ? panel->y_name : label(panel->expr));
		buf_adds(b, "\nplot ");
		for (size_t k = 0; k < panel->n; k++) {
			buf_adds(b, k ? ", " : "");
			curve(&panel->s[k], i, k, kind, width, b);
		}
		buf_adds(b, "\n");
	}
	buf_adds(b, "unset multiplot\n");
	return 0;
}

static void become_gnuplot(int in, int out, int log)
{
	char *argv[] = {"gnuplot", "-", NULL};

	dup2(in, 0);
	dup2(out, 1);
	dup2(log, 2);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	_exit(127);
}

static size_t feed(int fd, const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t k = write(fd, b->data + done, b->len - done);

		if (k < 0 && errno != EINTR)
			break;
		done += k > 0 ? (size_t)k : 0;
	}
	return done;
}

/* Runs gnuplot with text on its stdin and fd as its stdout. Its messages are passed on only if it
 * fails. */
static int gnuplot(const struct buf *text, int fd, struct err *e)
{
	FILE *log = tmpfile();
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	char said[256] = "";
	int in[2], status;
	size_t fed;
	pid_t pid;

	if (!log || pipe(in))
		return err_set(e, "gnuplot: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		close(in[1]);
		become_gnuplot(in[0], fd, fileno(log));
	}
	close(in[0]);
	fed = pid < 0 ? 0 : feed(in[1], text);
	close(in[1]);
	signal(SIGPIPE, old);
	if (pid < 0)
		return err_set(e, "gnuplot: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, "gnuplot: %s", strerror(errno));
	rewind(log);
	said[fread(said, 1, sizeof said - 1, log)] = 0;
	fclose(log);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, "gnuplot not found (make deps, or Debian's gnuplot-nox)");
	if (status || fed < text->len)
		return err_set(e, "gnuplot failed: %s", said);
	return 0;
}

/* As text. It is read back from a file: without the form feed that it begins with, and so that a
 * full disk behind stdout is noticed. */
static int draw_text(const struct buf *text, struct err *e)
{
	FILE *file = tmpfile();
	char line[4096];
	size_t n;
	int rc;

	if (!file)
		return err_set(e, "a temporary file: %s", strerror(errno));
	rc = gnuplot(text, fileno(file), e);
	rewind(file);
	if (fgetc(file) != '\f')
		rewind(file);
	while (!rc && (n = fread(line, 1, sizeof line, file)) > 0)
		if (fwrite(line, 1, n, stdout) < n)
			rc = err_set(e, "<stdout>: %s", strerror(errno));
	fclose(file);
	if (!rc && fflush(stdout))
		rc = err_set(e, "<stdout>: %s", strerror(errno));
	return rc;
}

int plot_draw(const struct plot *p, const char *path, struct err *e)
{
	const char *dot = strrchr(path, '.');
	struct buf text = {0}, tmp = {0};
	int kind = !strcmp(path, "-") ? TEXT : dot && !strcmp(dot, ".svg") ? SVG : PNG;
	int rc = -1, fd;

	buf_addf(&tmp, "%s.tmp.%ld", path, (long)getpid());
	if (script(p, kind, &text, e))
		goto out;
	if (kind == TEXT) {
		rc = draw_text(&text, e);
		goto out;
	}
	fd = open(tmp.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) {
		err_set(e, "%s: %s", tmp.data, strerror(errno));
		goto out;
	}
	rc = gnuplot(&text, fd, e);
	if (close(fd) || (!rc && rename(tmp.data, path)))
		rc = err_set(e, "%s: %s", path, strerror(errno));
	if (rc)
		unlink(tmp.data);
out:
	buf_release(&text);
	buf_release(&tmp);
	return rc;
}
