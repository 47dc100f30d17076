/* SPDX-License-Identifier: MIT */
/*
 * The allowlist for commands. Calls not listed get ENOSYS. Refused calls get an error that programs
 * which merely probe expect (shells, the C library's user look-ups, runtimes that try io_uring).
 * Forbidden calls end the whole command with status violation: no program that only computes makes
 * them.
 */
#include "command_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "rules.h"

/* Always allowed besides rules_allowed. */
static const char *const allowed[] = {
	/* running another program; the file system decides which exist */
	"execve", "execveat",
	/* open descriptors, including socket pairs: no calls that could address another end */
	"preadv2", "pwritev2", "fadvise64", "signalfd", "signalfd4", "timerfd_create",
	"timerfd_settime", "timerfd_gettime", "epoll_pwait2", "sendmsg", "recvmsg", "getdents",
	/* time, its own signals, threads and children */
	"timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
	"sched_getparam", "sched_getscheduler", "wait4", "waitid", "setrlimit",
	RULES_END
};

/* Allowed only in private namespaces, besides rules_writing: /tmp is private, everything else is
 * mounted read-only, and signals reach only the pid namespace. */
static const char *const confined[] = {
	"fork", "vfork", "setpgid", "setsid", "kill", "tkill", "tgkill", "rt_sigqueueinfo",
	"rt_tgsigqueueinfo", "open", "openat", "mknod", "mknodat", "futimesat", "flock",
	RULES_END
};

/* Refused with an error that callers expect. */
static const struct { const char *name; int error; } refused[] = {
	{"chown", EPERM}, {"fchown", EPERM}, {"lchown", EPERM}, {"fchownat", EPERM},
	{"setgroups", EPERM}, {"capget", EPERM}, {"capset", EPERM}, {"personality", EPERM},
	{"setpriority", EPERM}, {"sched_setaffinity", EPERM}, {"sched_setscheduler", EPERM},
	{"sched_setparam", EPERM}, {"sched_setattr", EPERM}, {"ioprio_set", EPERM}, {"mlock", EPERM},
	{"mlock2", EPERM}, {"mlockall", EPERM},
	{"getxattr", EOPNOTSUPP}, {"lgetxattr", EOPNOTSUPP}, {"fgetxattr", EOPNOTSUPP},
	{"listxattr", EOPNOTSUPP}, {"llistxattr", EOPNOTSUPP}, {"flistxattr", EOPNOTSUPP},
	{"setxattr", EOPNOTSUPP}, {"lsetxattr", EOPNOTSUPP}, {"fsetxattr", EOPNOTSUPP},
	{"setsockopt", EOPNOTSUPP},
};

/* Outside namespaces: calls that write. (open and openat depend on their flags, see below.) */
static const char *const unwritable[] = {
	"creat", "mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "unlink", "unlinkat", "rename",
	"renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate", "fallocate",
	"chmod", "fchmod", "fchmodat", "utimensat", "utime", "utimes",
	RULES_END
};

/* Allows the call if argument number at is one of these values. */
static int choices(scmp_filter_ctx c, const char *name, unsigned at, const unsigned *values,
                   size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct scmp_arg_cmp one = SCMP_CMP(at, SCMP_CMP_EQ, values[i]);

		if (rules_add(c, SCMP_ACT_ALLOW, name, &one, 1, e))
			return -1;
	}
	return 0;
}

/* Sockets may only be created in pairs. */
static int sockets(scmp_filter_ctx c, uint32_t forbid, uint32_t counted, struct err *e)
{
	const struct scmp_arg_cmp pair[] = {SCMP_A0(SCMP_CMP_EQ, AF_UNIX),
	                                    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM)};
	struct scmp_arg_cmp nowhere = SCMP_A4(SCMP_CMP_EQ, 0);

	return rules_add(c, counted, "socketpair", pair, 2, e) ||
	               rules_add(c, SCMP_ACT_ALLOW, "sendto", &nowhere, 1, e) ||
	               rules_sockets(c, forbid, e)
	           ? -1
	           : 0;
}

/* A new process must not create namespaces; without a pid namespace, clone may only make threads.
 * (clone3, whose flags a filter cannot see, gets ENOSYS: the C library falls back to clone.) */
static int processes(scmp_filter_ctx c, uint32_t forbid, uint32_t counted, int namespaces,
                     struct err *e)
{
	static const unsigned kinds[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	                                 CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
	unsigned any = 0;
	struct scmp_arg_cmp plain, thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	struct scmp_arg_cmp process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);

	if (!namespaces)
		return rules_add(c, counted, "clone", &thread, 1, e) ||
		               rules_add(c, forbid, "clone", &process, 1, e) ||
		               rules_add(c, forbid, "fork", NULL, 0, e) ||
		               rules_add(c, forbid, "vfork", NULL, 0, e)
		           ? -1
		           : 0;
	for (size_t i = 0; i < LEN(kinds); i++) {
		struct scmp_arg_cmp one = SCMP_A0(SCMP_CMP_MASKED_EQ, kinds[i], kinds[i]);

		any |= kinds[i];
		if (rules_add(c, forbid, "clone", &one, 1, e))
			return -1;
	}
	plain = SCMP_A0(SCMP_CMP_MASKED_EQ, any, 0);
	return rules_add(c, SCMP_ACT_ALLOW, "clone", &plain, 1, e);
}

/* Without namespaces: signals only to this process (it cannot have others), opens only for reading,
 * or of what Landlock allows. */
static int exposed(scmp_filter_ctx c, enum policy_files files, struct err *e)
{
	static const char *const to_process[] = {"kill", "tgkill", "rt_sigqueueinfo",
	                                         "rt_tgsigqueueinfo"};
	struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	struct scmp_arg_cmp not_self = SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid());

	for (size_t i = 0; i < LEN(to_process); i++)
		if (rules_add(c, SCMP_ACT_ALLOW, to_process[i], &self, 1, e) ||
		    rules_add(c, SCMP_ACT_ERRNO(EPERM), to_process[i], &not_self, 1, e))
			return -1;
	return (files == POLICY_DEVICES ? rules_open_named(c, e) : rules_open_read_only(c, e)) ||
	       rules_add_all(c, SCMP_ACT_ERRNO(EACCES), unwritable, e) ? -1 : 0;
}

static int fill(scmp_filter_ctx c, uint32_t forbid, uint32_t counted, enum policy_files files,
                struct err *e)
{
	static const unsigned ioctls[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};
	/* not F_SETOWN, F_SETSIG: with O_ASYNC they could send signals */
	static const unsigned fcntls[] = {F_DUPFD,      F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
	                                  F_GETFL,      F_SETFL,         F_GETLK,     F_SETLK,
	                                  F_SETLKW,     F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW,
	                                  F_GETPIPE_SZ, F_SETPIPE_SZ};
	static const unsigned prctls[] = {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE};
	struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, 0);
	int namespaces = files == POLICY_PRIVATE;

	if (rules_add_all(c, SCMP_ACT_ALLOW, rules_allowed, e) ||
	    rules_add_all(c, SCMP_ACT_ALLOW, allowed, e) ||
	    rules_add_all(c, forbid, rules_forbidden, e) || sockets(c, forbid, counted, e) ||
	    processes(c, forbid, counted, namespaces, e) ||
	    rules_add(c, SCMP_ACT_ALLOW, "prlimit64", &self, 1, e) ||
	    (namespaces ? rules_add_all(c, SCMP_ACT_ALLOW, confined, e) ||
	                      rules_add_all(c, SCMP_ACT_ALLOW, rules_writing, e)
	                : exposed(c, files, e)) ||
	    rules_ids(c, geteuid(), getegid(), SCMP_ACT_ERRNO(EPERM), e))
		return -1;
	if (choices(c, "ioctl", 1, ioctls, LEN(ioctls), e) ||
	    choices(c, "fcntl", 1, fcntls, LEN(fcntls), e) ||
	    choices(c, "prctl", 0, prctls, LEN(prctls), e))
		return -1;
	for (size_t i = 0; i < LEN(refused); i++)
		if (rules_add(c, SCMP_ACT_ERRNO(refused[i].error), refused[i].name, NULL, 0, e))
			return -1;
	return 0;
}

/* Through a memory file: older versions of libseccomp can only write to a descriptor. */
static int export(scmp_filter_ctx c, struct sock_filter **code, size_t *n, struct err *e)
{
	int fd = rules_export(c, e);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	*code = NULL;
	if (size > 0 && (size_t)size / sizeof **code <= BPF_MAXINSNS) {
		*n = (size_t)size / sizeof **code;
		*code = xmalloc((size_t)size);
		if (pread(fd, *code, (size_t)size, 0) != size) {
			free(*code);
			*code = NULL;
		}
	}
	if (fd < 0)
		return -1;
	close(fd);
	return *code ? 0 : err_set(e, "seccomp: cannot export the filter");
}

int command_policy_make(enum policy_files files, int counted, enum policy_deny deny,
                        struct sock_filter **code, size_t *n, struct err *e)
{
	uint32_t forbid = deny == POLICY_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx c = rules_new(e);
	int rc;

	if (!c)
		return -1;
	rc = fill(c, forbid, counted && deny == POLICY_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_ALLOW, files,
	          e)
	         ? -1
	         : export(c, code, n, e);
	seccomp_release(c);
	return rc;
}

static int load(const struct sock_filter *code, size_t n, unsigned flags)
{
	struct sock_fprog program = {(unsigned short)n, (struct sock_filter *)code};

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int command_policy_enter(enum policy_files files, struct sock_filter *code, size_t n, struct err *e)
{
	struct sock_filter *killing;
	int rc = load(code, n, SECCOMP_FILTER_FLAG_NEW_LISTENER);

	if (rc >= 0)
		return rc;
	/* an old kernel, or a listener in a process above us */
	if (command_policy_make(files, 0, POLICY_KILL, &killing, &n, e))
		return -2;
	rc = load(killing, n, 0);
	free(killing);
	if (!rc)
		return -1;
	err_set(e, "seccomp: %s", strerror(errno));
	return -2;
}
