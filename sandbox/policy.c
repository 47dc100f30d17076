/* SPDX-License-Identifier: MIT */
/*
 * The allowlist for Python programs. Calls not listed get ENOSYS: Python and the C library then
 * fall back or raise OSError (this includes clone3, whose flags a filter cannot see: the C library
 * falls back to clone). A forbidden call ends the program with status violation: no honest solution
 * of a small problem makes it, and its name is worth reporting.
 */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "rules.h"

/* Refused with an error that callers expect. */
static const struct { const char *name; int error; } refused[] = {
	{"tgkill", EPERM}, {"tkill", EPERM}, {"wait4", ECHILD}, {"waitid", ECHILD}, {"mkdir", EACCES},
	{"mkdirat", EACCES}, {"unlink", EACCES}, {"unlinkat", EACCES}, {"rename", EACCES},
	{"renameat", EACCES}, {"renameat2", EACCES}, {"rmdir", EACCES}, {"creat", EACCES},
};

/* Forbidden besides rules_forbidden: other processes, sockets, and what only a program loader would
 * do. */
static const char *const forbidden[] = {
	"fork", "vfork", "execve", "execveat", "kill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"pidfd_open", "pidfd_send_signal", "process_madvise", "process_mrelease", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "seccomp", "personality", "setgroups", "capset",
	"memfd_create", "memfd_secret", "landlock_create_ruleset", "landlock_add_rule",
	"landlock_restrict_self",
	RULES_END
};

/*
 * Calls that depend on their arguments: a row applies if (argument & mask) == value. Calls to which
 * no row applies get ENOSYS. Rows of one call that apply at the same time agree. The caller
 * controls the upper half of an int argument: rows that allow require it to be zero (ALL), rows
 * that forbid ignore it (INT).
 */
#define ALL UINT64_MAX
#define INT ((uint64_t)UINT32_MAX)
/* How the C library makes a thread: sharing everything, without a new namespace, tracing or
 * vfork. */
#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define NOT_THREAD \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD | \
	 CLONE_IO)

enum act { ALLOW, FORBID, COUNT };

static const struct row {
	const char *name;
	enum act act;
	/* both must hold; the second may be empty */
	struct { unsigned arg; uint64_t mask, value; } when[2];
} by_argument[] = {
	/* threads; every other clone makes a process */
	{"clone", COUNT, {{0, THREAD | NOT_THREAD, THREAD}}},
	{"clone", FORBID, {{0, CLONE_THREAD, 0}}},
	{"clone", FORBID, {{0, CLONE_THREAD | CLONE_NEWNS, CLONE_THREAD | CLONE_NEWNS}}},
	{"clone", FORBID, {{0, CLONE_THREAD | CLONE_NEWNET, CLONE_THREAD | CLONE_NEWNET}}},
	/* connected stream pairs only: a datagram socket could send to another address */
	{"socketpair", ALLOW, {{0, ALL, AF_UNIX}, {1, 0xf, SOCK_STREAM}}},
	/* only to the other end, without address */
	{"sendto", ALLOW, {{4, ALL, 0}}},
	/* only over the descriptor on which this filter's listener is sent before the program is
	 * read; the program cannot make another with so high a number. Descriptors in flight count
	 * for all processes of a user, so a program that may send some could prevent others from
	 * starting */
	{"sendmsg", ALLOW, {{0, ALL, POLICY_SEND_FD}}},
	/* its own limits: reading all of them; lowering those that cause an error in the program. A
	 * lower CPU time limit would make the kernel kill it, which would look like someone else's
	 * doing */
	{"prlimit64", ALLOW, {{0, ALL, 0}, {2, ALL, 0}}},
	{"prlimit64", ALLOW, {{0, ALL, 0}, {1, ALL, RLIMIT_NOFILE}}},
	{"prlimit64", ALLOW, {{0, ALL, 0}, {1, ALL, RLIMIT_AS}}},
	{"prlimit64", ALLOW, {{0, ALL, 0}, {1, ALL, RLIMIT_STACK}}},
	/* a descriptor's flags, copies, locks; not F_SETOWN, which could direct signals at
	 * anyone */
	{"fcntl", ALLOW, {{1, ALL, F_DUPFD}}}, {"fcntl", ALLOW, {{1, ALL, F_DUPFD_CLOEXEC}}},
	{"fcntl", ALLOW, {{1, ALL, F_GETFD}}}, {"fcntl", ALLOW, {{1, ALL, F_SETFD}}},
	{"fcntl", ALLOW, {{1, ALL, F_GETFL}}}, {"fcntl", ALLOW, {{1, ALL, F_SETFL}}},
	{"fcntl", ALLOW, {{1, ALL, F_GETLK}}}, {"fcntl", ALLOW, {{1, ALL, F_SETLK}}},
	{"fcntl", ALLOW, {{1, ALL, F_SETLKW}}},
	{"fcntl", FORBID, {{1, INT, F_SETOWN}}}, {"fcntl", FORBID, {{1, INT, F_SETOWN_EX}}},
	{"fcntl", FORBID, {{1, INT, F_SETSIG}}},
	/* isatty, number of readable bytes, close-on-exec */
	{"ioctl", ALLOW, {{1, ALL, TCGETS}}}, {"ioctl", ALLOW, {{1, ALL, TIOCGWINSZ}}},
	{"ioctl", ALLOW, {{1, ALL, FIONREAD}}}, {"ioctl", ALLOW, {{1, ALL, FIONBIO}}},
	{"ioctl", ALLOW, {{1, ALL, FIOCLEX}}}, {"ioctl", ALLOW, {{1, ALL, FIONCLEX}}},
	/* thread names; dumpable and parent-death signal must stay as they were set */
	{"prctl", ALLOW, {{0, ALL, PR_SET_NAME}}}, {"prctl", ALLOW, {{0, ALL, PR_GET_NAME}}},
	{"prctl", ALLOW, {{0, ALL, PR_GET_DUMPABLE}}},
};

static int conditional(scmp_filter_ctx c, uint32_t forbid, uint32_t thread, struct err *e)
{
	for (const struct row *r = by_argument; r < by_argument + LEN(by_argument); r++) {
		struct scmp_arg_cmp arg[2];
		unsigned n = 0;

		for (; n < 2 && r->when[n].mask; n++)
			arg[n] = (struct scmp_arg_cmp){r->when[n].arg, SCMP_CMP_MASKED_EQ, r->when[n].mask,
			                               r->when[n].value};
		if (rules_add(c,
		              r->act == ALLOW   ? SCMP_ACT_ALLOW
		              : r->act == COUNT ? thread
		                                : forbid,
		              r->name, arg, n, e))
			return -1;
	}
	return 0;
}

static int fill(scmp_filter_ctx c, const struct policy *p, uint32_t forbid, struct err *e)
{
	static const char *const opens[] = {"open", "openat", RULES_END};
	int private = p->files == POLICY_PRIVATE;
	uint32_t thread = p->counted && p->deny == POLICY_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_ALLOW;

	if (rules_add_all(c, SCMP_ACT_ALLOW, rules_allowed, e) ||
	    rules_add_all(c, forbid, rules_forbidden, e) || rules_add_all(c, forbid, forbidden, e) ||
	    conditional(c, forbid, thread, e) || rules_sockets(c, forbid, e) ||
	    rules_ids(c, p->uid, p->gid, forbid, e) ||
	    (private ? rules_add_all(c, SCMP_ACT_ALLOW, opens, e) ||
	                   rules_add_all(c, SCMP_ACT_ALLOW, rules_writing, e)
	     : p->files == POLICY_DEVICES ? rules_open_named(c, e)
	                                  : rules_open_read_only(c, e)))
		return -1;
	for (size_t i = 0; i < LEN(refused); i++)
		if ((!private || refused[i].error != EACCES) &&
		    rules_add(c, SCMP_ACT_ERRNO(refused[i].error), refused[i].name, NULL, 0, e))
			return -1;
	/* the tester receives a channel per job */
	if (p->who == POLICY_TESTER && rules_add(c, SCMP_ACT_ALLOW, "recvmsg", NULL, 0, e))
		return -1;
	return 0;
}

int policy_export(const struct policy *p, int *fd, struct err *e)
{
	uint32_t forbid = p->deny == POLICY_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx c = rules_new(e);

	*fd = -1;
	if (!c)
		return -1;
	if (!fill(c, p, forbid, e))
		*fd = rules_export(c, e);
	seccomp_release(c);
	return *fd < 0 ? -1 : 0;
}

const char *policy_call_name(int nr, char *out)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

	if (name)
		snprintf(out, 64, "%s", name);
	else
		snprintf(out, 64, "call %d", nr);
	free(name);
	return out;
}
