/* SPDX-License-Identifier: MIT */
/* Starts and ends score-box processes; runs in the launcher (launch.c). */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verify/verify.h"

enum { PATIENCE_MS = 2000 };

/* $SCORE_BOX, else where the build or `make install` put it relative to this program, else on
 * PATH. */
static const char *find_box(char path[PATH_MAX])
{
	static const char *const places[] = {"../sandbox/score-box", "../libexec/score/score-box"};
	const char *named = getenv("SCORE_BOX");
	char dir[PATH_MAX - 64];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);

	if (named)
		return named;
	if (n > 0) {
		dir[n] = 0;
		*strrchr(dir, '/') = 0;
		for (size_t i = 0; i < LEN(places); i++) {
			snprintf(path, PATH_MAX, "%s/%s", dir, places[i]);
			if (!access(path, X_OK))
				return path;
		}
	}
	return "score-box";
}

/* Pins each box to one core if there are at least as many cores as boxes: the processes of a box
 * take turns, and keep their caches warm (a tenth of the time). */
static void stay(int number, int jobs)
{
	cpu_set_t all, one;

	if (jobs < 2 || sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) != jobs)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !number--) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof one, &one);
		}
}

int box_start(struct box_proc *b, const struct verify_opts *o, int number, struct err *e)
{
	char path[PATH_MAX], tier[16], min_tier[16];
	const char *argv[10 + 2 * LEN(o->read)] = {find_box(path), "--serve",    "--tier",
	                                           tier,           "--min-tier", min_tier};
	size_t n = 6;
	int pair[2];

	snprintf(tier, sizeof tier, "%d", o->tier);
	snprintf(min_tier, sizeof min_tier, "%d", o->min_tier);
	if (o->python) {
		argv[n++] = "--python";
		argv[n++] = o->python;
	}
	for (size_t i = 0; i < o->n_read; i++) {
		argv[n++] = "--read";
		argv[n++] = o->read[i];
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(e, "socketpair: %s", strerror(errno));
	b->pid = fork();
	if (!b->pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		stay(number, o->jobs);
		if (dup2(pair[1], 0) < 0 || dup2(pair[1], 1) < 0)
			_exit(127);
		execvp(argv[0], (char *const *)argv);
		warn("%s: %s", argv[0], strerror(errno));
		_exit(127);
	}
	close(pair[1]);
	if (b->pid < 0) {
		close(pair[0]);
		*b = (struct box_proc){0, -1};
		return err_set(e, "fork: %s", strerror(errno));
	}
	b->fd = pair[0];
	return 0;
}

/* True if the process ends by itself within ms milliseconds. It is not reaped. */
static int ends(pid_t pid, int ms)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int rc = p.fd >= 0 && poll(&p, 1, ms) == 1;

	if (p.fd >= 0)
		close(p.fd);
	return rc;
}

void box_stop(struct box_proc *b)
{
	if (b->fd >= 0)
		close(b->fd);
	if (b->pid > 0) {
		/* let it clean up; if killed, its processes die with it */
		if (!ends(b->pid, PATIENCE_MS))
			kill(b->pid, SIGKILL);
		while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*b = (struct box_proc){0, -1};
}
