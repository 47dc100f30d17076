/* SPDX-License-Identifier: MIT */
/* Enters a command's jail in the child, and becomes the command or its init. */
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command_policy.h"

enum {
	/* descriptor numbers inside */
	REPORT = 3, SOCKET, STATUS, GO, ALL,
	OPEN_FILES = 256,
	STACK = 8 << 20,
};

/* Sets a limit, but not above the inherited one. */
static void limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit now, r;

	if (getrlimit(what, &now))
		jail_fail(REPORT, "getrlimit");
	r.rlim_max = hard < now.rlim_max ? hard : now.rlim_max;
	r.rlim_cur = soft < r.rlim_max ? soft : r.rlim_max;
	if (setrlimit(what, &r))
		jail_fail(REPORT, "setrlimit");
}

/* The supervisor limits CPU time and memory of all processes together; these limits are per process
 * and act later. Address space is a poor measure of memory for programs that reserve much of it,
 * but it bounds the size of page tables. */
static void set_limits(const struct command *c, int tier)
{
	const rlim_t gib = (rlim_t)1 << 30, space = c->memory / 4 > gib ? c->memory * 4 : 4 * gib,
	             cpu = (rlim_t)ceil(c->cpu * 2) + 2;

	limit(RLIMIT_CORE, 0, 0);
	limit(RLIMIT_CPU, cpu, cpu + 1);
	limit(RLIMIT_FSIZE, c->file, c->file);
	limit(RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES);
	limit(RLIMIT_STACK, STACK, space);
	limit(RLIMIT_MEMLOCK, 0, 0);
	limit(RLIMIT_MSGQUEUE, 0, 0);
	/* plus pid 1; elsewhere a user's processes are counted machine-wide */
	if (tier == 1)
		limit(RLIMIT_NPROC, (rlim_t)c->processes + 1, (rlim_t)c->processes + 1);
	limit(RLIMIT_AS, space, space);
}

/* Resets signals to what a program expects, however score-box was started. */
static void plain_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts the ends at descriptors 0.. and closes all above; moves them out of the way first. */
static void place_ends(const struct ends *e)
{
	int fds[ALL] = {e->in, e->out, e->err, e->report, e->socket, e->status, e->go};

	for (int i = 0; i < ALL; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, ALL);
		if (fds[i] < 0)
			jail_fail(e->report, "descriptors");
	}
	for (int i = 0; i < ALL; i++)
		if (dup2(fds[i], i) < 0 || fcntl(i, F_SETFD, i < REPORT ? 0 : FD_CLOEXEC))
			jail_fail(fds[REPORT], "descriptors");
	close_from(ALL);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none))
		jail_fail(REPORT, "capabilities");
}

/* From here on the child dies with the supervisor, and exec cannot gain privileges. */
static void shut(const struct jail *j)
{
	struct pollfd go = {.fd = GO, .events = POLLIN};

	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL))
		jail_fail(REPORT, "prctl");
	if (poll(&go, 1, 0) && go.revents & POLLHUP)    /* the supervisor was already gone */
		_exit(2);
	close(GO);
	jail_lock(j, REPORT);
}

static void send_listener(int listener)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char letter = listener >= 0 ? 'L' : 'K';
	struct iovec iov = {&letter, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;

	memset(&control, 0, sizeof control);
	if (listener >= 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof control.bytes;
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof listener);
		memcpy(CMSG_DATA(h), &listener, sizeof listener);
	}
	if (sendmsg(SOCKET, &m, MSG_NOSIGNAL) != 1)
		jail_fail(REPORT, "sendmsg");
	if (listener >= 0)
		close(listener);
}

struct filter {
	struct sock_filter *code;
	size_t n;
};

NORETURN static void fail_with(const char *what)
{
	errno = EPERM;
	jail_fail(REPORT, what);
}

NORETURN static void become(const struct jail *j, const struct command *c, const struct filter *f)
{
	static char *env[] = {JAIL_ENVIRONMENT, NULL};
	char what[PATH_MAX];
	struct err e;
	int listener;

	listener = command_policy_enter(jail_files(j), f->code, f->n, &e);
	if (listener < -1)
		fail_with(e.msg);
	send_listener(listener);
	set_limits(c, j->tier);
	environ = env;
	execvp(c->argv[0], c->argv);
	snprintf(what, sizeof what, REPORT_EXEC "%.200s", c->argv[0]);
	jail_fail(REPORT, what);
}

double seconds_of(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* Pid 1: reaps orphans, and ends when the command ends. The kernel then kills all other
 * processes. */
NORETURN static void wait_for(pid_t command)
{
	struct fate fate = {0};
	struct rusage own;
	pid_t pid;

	close(0);
	close(1);
	close(2);
	close(REPORT);
	close(SOCKET);
	while ((pid = waitpid(-1, &fate.status, 0)) != command)
		if (pid < 0 && errno != EINTR)
			_exit(3);
	if (!getrusage(RUSAGE_SELF, &own))
		fate.own_cpu = seconds_of(&own);
	_exit(write(STATUS, &fate, sizeof fate) != sizeof fate);
}

/* If the command replaces this process: reports the CPU time used so far, which is not the
 * command's. */
static void tell_own_cpu(void)
{
	struct fate fate = {0};
	struct rusage own;

	if (getrusage(RUSAGE_SELF, &own))
		jail_fail(REPORT, "getrusage");
	fate.own_cpu = seconds_of(&own);
	if (write(STATUS, &fate, sizeof fate) != sizeof fate)
		jail_fail(REPORT, "status");
}

void inside(const struct jail *j, const struct command *c, const struct ends *ends)
{
	const char *start = j->tier == 1 ? "/tmp" : "/";
	struct filter filter = {0};
	char here[PATH_MAX], byte;
	struct err e;
	pid_t pid;

	plain_signals();
	if (!getcwd(here, sizeof here))
		here[0] = 0;
	for (size_t i = 0; c->read[i]; i++) {
		size_t n = strlen(c->read[i]);

		if (!strncmp(here, c->read[i], n) && (!here[n] || here[n] == '/'))
			start = here;
	}
	/* the supervisor has written the id maps or is gone */
	if (read(ends->go, &byte, 1) != 1)
		_exit(2);
	place_ends(ends);
	umask(022);
	jail_enter(j, REPORT);
	setsid();
	shut(j);
	if (chdir(start) && chdir("/"))
		jail_fail(REPORT, "/");
	if (command_policy_make(jail_files(j), byte == 'c', POLICY_NOTIFY, &filter.code, &filter.n, &e))
		fail_with(e.msg);
	if (j->tier > 1) {
		tell_own_cpu();
		become(j, c, &filter);
	}
	pid = fork();
	if (pid < 0)
		jail_fail(REPORT, "fork");
	if (pid)
		wait_for(pid);
	setsid();
	become(j, c, &filter);
}
