/* SPDX-License-Identifier: MIT */
/* Draws a plot's panels by writing a gnuplot script and running gnuplot. */
#include "plot/plot.h"

#include <errno.h>
#include <fcntl.h>
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

static void smooth(struct plot_series *s, size_t n)
{
	double *y = xreallocarray(NULL, s->n, sizeof *y);

	for (size_t i = 0; i < s->n; i++) {
		size_t from = i + 1 > n ? i + 1 - n : 0;

		y[i] = 0;
		for (size_t k = from; k <= i; k++)
			y[i] += s->p[k].y;
		y[i] /= (double)(i + 1 - from);
	}
	for (size_t i = 0; i < s->n; i++)
		s->p[i].y = y[i];
	free(y);
}

void plot_smooth(struct plot *p, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
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
	p->n = 0;
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

static void data(const struct plot *p, struct buf *b)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->panel[i].n; k++) {
			const struct plot_series *s = &p->panel[i].s[k];

			buf_addf(b, "$d%zu_%zu << END\n", i, k);
			for (size_t j = 0; j < s->n; j++)
				buf_addf(b, "%.9g %.9g\n", s->p[j].x, s->p[j].y);
			buf_adds(b, "END\n");
		}
}

static int script(const struct plot *p, int svg, struct buf *b, struct err *e)
{
	buf_addf(b, "set terminal %s size %d,%zu noenhanced%s\n", svg ? "svg" : "pngcairo", p->width,
	         (size_t)p->height * p->n, svg ? " background '#ffffff'" : "");
	data(p, b);
	buf_addf(b, "set multiplot layout %zu,1", p->n);
	if (p->title) {
		buf_adds(b, " title ");
		quoted(b, p->title);
	}
	buf_adds(b, "\nset key outside right top\nset lmargin 9\nset rmargin 26\nset grid lt 1 lc rgb "
	            "'#dddddd'\nset border 3\nset tics nomirror\nset xlabel ");
	quoted(b, label(p->x_label));
	for (size_t i = 0; i < p->n; i++) {
		if (!p->panel[i].n)
			return err_set(e, "%s: no numbers in any row", p->panel[i].expr);
		buf_adds(b, "\nplot ");
		for (size_t k = 0; k < p->panel[i].n; k++) {
			buf_addf(b, "%s$d%zu_%zu using 1:2 with lines lw 1.5 title ", k ? ", " : "", i, k);
			quoted(b, label(p->panel[i].s[k].name));
		}
	}
	buf_adds(b, "\nunset multiplot\n");
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

int plot_draw(const struct plot *p, const char *path, struct err *e)
{
	const char *dot = strrchr(path, '.');
	struct buf text = {0}, tmp = {0};
	int rc = -1, fd;

	buf_addf(&tmp, "%s.tmp.%ld", path, (long)getpid());
	if (script(p, dot && !strcmp(dot, ".svg"), &text, e))
		goto out;
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
