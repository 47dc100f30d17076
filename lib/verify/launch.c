/* SPDX-License-Identifier: MIT */
/*
 * The launcher: a process forked before any input is read. For the process that reads the input,
 * which gives up the right to do so itself (filter.c), it starts and ends score-box processes and
 * opens the files of the command line, both identified by number. It ends when that process ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/frame.h"
#include "verify/verify.h"

struct launcher {
	pid_t pid;
	int fd;
};

/* ---- in the launcher ---- */

struct service {
	const struct verify_opts *o;
	char **files;
	int n;
	struct box_proc *box;        /* [o->jobs] */
};

/* Starts box number; our end of its socket is passed on to the other process only. */
static int start(struct service *s, int number, struct err *e)
{
	struct box_proc *b = &s->box[number];
	int fd;

	box_stop(b);
	if (box_start(b, s->o, number, e))
		return -1;
	fd = b->fd;
	b->fd = -1;
	return fd;
}

/* Serves a request: the descriptor asked for; -1 without a message: done, no descriptor. */
static int serve_one(struct service *s, const struct buf *request, struct err *e)
{
	const char *op = frame_get(request, "op");
	int64_t number = frame_int(request, "number", -1);
	int fd;

	e->msg[0] = 0;
	if (op && !strcmp(op, "open") && number >= 0 && number < s->n) {
		fd = open(s->files[number], O_RDONLY | O_CLOEXEC);
		return fd < 0 ? err_set(e, "%s: %s", s->files[number], strerror(errno)) : fd;
	}
	if (!op || number < 0 || number >= s->o->jobs)
		return err_set(e, "unknown request to the launcher");
	if (!strcmp(op, "start"))
		return start(s, (int)number, e);
	box_stop(&s->box[number]);
	return -1;
}

NORETURN static void serve(struct service *s, int control)
{
	struct buf request = {0}, reply = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct err e;

	/* do not hold our stdin and stdout open for others */
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(EXIT_ERROR);
	while (frame_recv(control, &request, NULL, NULL, &e) == 1) {
		int fd = serve_one(s, &request, &e), rc;

		frame_begin(&reply);
		frame_adds(&reply, "error", fd < 0 ? e.msg : "");
		rc = frame_send(control, &reply, &fd, fd >= 0, &e);
		close_fd(&fd);
		if (rc)
			break;
	}
	for (int i = 0; i < s->o->jobs; i++)
		box_stop(&s->box[i]);
	_exit(EXIT_DONE);
}

/* ---- in the other process ---- */

struct launcher *launcher_new(const struct verify_opts *o, char **files, int n, struct err *e)
{
	struct service s = {o, files, n, NULL};
	struct launcher *l;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err_set(e, "socketpair: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (!pid) {
		close(pair[0]);
		s.box = xcalloc((size_t)o->jobs, sizeof *s.box);
		for (int i = 0; i < o->jobs; i++)
			s.box[i].fd = -1;
		serve(&s, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		err_set(e, "fork: %s", strerror(errno));
		return NULL;
	}
	l = xcalloc(1, sizeof *l);
	*l = (struct launcher){pid, pair[0]};
	return l;
}

/* Sends a request and waits for the answer: *fd is the descriptor received, or -1. */
static int ask(struct launcher *l, const char *op, int number, int *fd, struct err *e)
{
	struct buf m = {0};
	const char *why = NULL;
	size_t n = 1;
	int rc;

	*fd = -1;
	frame_begin(&m);
	frame_adds(&m, "op", op);
	frame_addf(&m, "number", "%d", number);
	if (!frame_send(l->fd, &m, NULL, 0, e) && frame_recv(l->fd, &m, fd, &n, e) == 1)
		why = frame_get(&m, "error");
	if (!why)
		rc = err_set(e, "the process that starts score-box has ended");
	else
		rc = *why ? err_set(e, "%s", why) : 0;
	buf_release(&m);
	return rc;
}

int launcher_start(struct launcher *l, int number, int *fd, struct err *e)
{
	return ask(l, "start", number, fd, e);
}

int launcher_open(struct launcher *l, int number, int *fd, struct err *e)
{
	return ask(l, "open", number, fd, e);
}

void launcher_stop(struct launcher *l, int number, int *fd)
{
	struct err e;
	int none;

	if (*fd < 0)
		return;
	close_fd(fd);
	if (!ask(l, "stop", number, &none, &e))
		close_fd(&none);
}

void launcher_free(struct launcher *l)
{
	if (!l)
		return;
	close(l->fd);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(l);
}
