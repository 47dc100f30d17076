/* SPDX-License-Identifier: MIT */
/*
 * The allowlist. A call that no line names gets ENOSYS: Python and the C
 * library then take another way or raise OSError (clone3, whose flags a filter
 * cannot see, is left to that: the C library falls back to clone). A forbidden call ends the
 * program with status violation: no honest solution of a small problem makes
 * it, and its name is worth knowing.
 */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define ENDED NULL

/* Always allowed: they reach nothing but the process itself and what it holds open. */
static const char *const allowed[] = {
	/* memory; executable mappings are how extension modules are loaded */
	"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore",
	/* open descriptors */
	"read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "lseek", "close",
	"close_range", "dup", "dup2", "dup3", "fstat", "fstatfs", "fsync", "fdatasync", "ftruncate",
	"pipe", "pipe2", "eventfd", "eventfd2", "poll", "ppoll", "select", "pselect6",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	/* sockets it was born with and AF_UNIX pairs: no call that could name another end */
	"recvfrom", "shutdown", "getsockname", "getpeername", "getsockopt",
	/* looking at files; which ones exist is the file system's business (mount namespace, Landlock) */
	"stat", "lstat", "newfstatat", "statx", "statfs", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getcwd", "chdir", "fchdir", "getdents64", "umask",
	/* time */
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times",
	"alarm", "setitimer", "getitimer", "pause",
	/* its own signals and threads */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait",
	"sigaltstack", "futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "sched_yield",
	"sched_getaffinity", "restart_syscall", "exit", "exit_group", "membarrier",
	/* who and where am I */
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
	"getgroups", "getpgrp", "getpgid", "getsid", "uname", "sysinfo", "getrusage", "getrlimit", "getcpu",
	"getpriority", "getrandom", "arch_prctl",
	ENDED
};

/* Making and changing files: only where the process has a private place for them. */
static const char *const writing[] = {
	"creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link",
	"linkat", "symlink", "symlinkat", "truncate", "fallocate", "chmod", "fchmod", "fchmodat", "utimensat",
	"utime", "utimes", "copy_file_range", "sendfile",
	ENDED
};

/* Refused with an error that their callers expect, without a fuss. */
static const struct { const char *name; int error; } refused[] = {
	{"tgkill", EPERM}, {"tkill", EPERM},
	{"wait4", ECHILD}, {"waitid", ECHILD},
	{"mkdir", EACCES}, {"mkdirat", EACCES}, {"unlink", EACCES}, {"unlinkat", EACCES}, {"rename", EACCES},
	{"renameat", EACCES}, {"renameat2", EACCES}, {"rmdir", EACCES}, {"creat", EACCES},
};

/* Forbidden: other processes, other users, the network, the kernel's wider interfaces. */
static const char *const forbidden[] = {
	"fork", "vfork", "execve", "execveat",
	"kill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp",
	"socket", "connect", "bind", "listen", "accept", "accept4",
	"mount", "umount2", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"unshare", "setns", "chroot", "pivot_root", "open_by_handle_at", "name_to_handle_at",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open", "userfaultfd",
	"keyctl", "add_key", "request_key", "seccomp", "personality",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"swapon", "swapoff", "quotactl", "acct", "syslog", "iopl", "ioperm", "modify_ldt",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid",
	"capset", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname",
	"memfd_create", "memfd_secret", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
	ENDED
};

/*
 * Calls whose arguments decide: the row holds where (argument & mask) == value. What no row of a call holds for gets
 * ENOSYS. Rows of one call that hold at the same time say the same. An int argument's upper half is the caller's to choose:
 * where a row allows, it has to be zero (ALL), where one forbids, it is not looked at (INT).
 */
#define ALL UINT64_MAX
#define INT ((uint64_t)UINT32_MAX)
/* How the C library makes a thread: it shares everything, and has no name space, tracer or vfork of its own. */
#define THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define NOT_THREAD (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
                    CLONE_NEWNET | CLONE_PTRACE | CLONE_UNTRACED | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD | CLONE_IO)

enum act { ALLOW, FORBID };

static const struct row {
	const char *name;
	enum act act;
	struct { unsigned arg; uint64_t mask, value; } when[2];    /* both; the second may be empty */
} by_argument[] = {
	/* threads; every other clone makes a process */
	{"clone", ALLOW, {{0, THREAD | NOT_THREAD, THREAD}}},
	{"clone", FORBID, {{0, CLONE_THREAD, 0}}},
	{"clone", FORBID, {{0, CLONE_THREAD | CLONE_NEWNS, CLONE_THREAD | CLONE_NEWNS}}},
	{"clone", FORBID, {{0, CLONE_THREAD | CLONE_NEWNET, CLONE_THREAD | CLONE_NEWNET}}},
	/* a pair of ends for each other; a datagram end could be given another address */
	{"socketpair", ALLOW, {{0, ALL, AF_UNIX}, {1, 0xf, SOCK_STREAM}}},
	/* to the other end, no address */
	{"sendto", ALLOW, {{4, ALL, 0}}},
	/* over the one descriptor that the listener of this filter is sent on, before the program is read; it can make no other so
	 * high. Descriptors in flight count for all of a user's processes: a program that may send some can keep others' from starting */
	{"sendmsg", ALLOW, {{0, ALL, POLICY_SEND_FD}}},
	/* its own limits: to read them all; to lower those whose end is an error it sees. Beyond one of CPU time the kernel kills,
	 * which would look as if somebody else had */
	{"prlimit64", ALLOW, {{0, ALL, 0}, {2, ALL, 0}}},
	{"prlimit64", ALLOW, {{0, ALL, 0}, {1, ALL, RLIMIT_NOFILE}}}, {"prlimit64", ALLOW, {{0, ALL, 0}, {1, ALL, RLIMIT_AS}}},
	{"prlimit64", ALLOW, {{0, ALL, 0}, {1, ALL, RLIMIT_STACK}}},
	/* a descriptor's flags, copies, locks; whose signal it raises could be anybody's */
	{"fcntl", ALLOW, {{1, ALL, F_DUPFD}}}, {"fcntl", ALLOW, {{1, ALL, F_DUPFD_CLOEXEC}}},
	{"fcntl", ALLOW, {{1, ALL, F_GETFD}}}, {"fcntl", ALLOW, {{1, ALL, F_SETFD}}},
	{"fcntl", ALLOW, {{1, ALL, F_GETFL}}}, {"fcntl", ALLOW, {{1, ALL, F_SETFL}}},
	{"fcntl", ALLOW, {{1, ALL, F_GETLK}}}, {"fcntl", ALLOW, {{1, ALL, F_SETLK}}},
	{"fcntl", ALLOW, {{1, ALL, F_SETLKW}}},
	{"fcntl", FORBID, {{1, INT, F_SETOWN}}}, {"fcntl", FORBID, {{1, INT, F_SETOWN_EX}}},
	{"fcntl", FORBID, {{1, INT, F_SETSIG}}},
	/* is it a terminal, how much is there to read, close it on exec */
	{"ioctl", ALLOW, {{1, ALL, TCGETS}}}, {"ioctl", ALLOW, {{1, ALL, TIOCGWINSZ}}},
	{"ioctl", ALLOW, {{1, ALL, FIONREAD}}}, {"ioctl", ALLOW, {{1, ALL, FIONBIO}}},
	{"ioctl", ALLOW, {{1, ALL, FIOCLEX}}}, {"ioctl", ALLOW, {{1, ALL, FIONCLEX}}},
	/* a thread's name; the debugger's door and the signal of a parent's death stay as they were set */
	{"prctl", ALLOW, {{0, ALL, PR_SET_NAME}}}, {"prctl", ALLOW, {{0, ALL, PR_GET_NAME}}},
	{"prctl", ALLOW, {{0, ALL, PR_GET_DUMPABLE}}},
};

/* One rule with n argument tests; a name this machine does not have is passed over. */
static int rule(scmp_filter_ctx c, uint32_t action, const char *name, const struct scmp_arg_cmp *arg, unsigned n,
                struct err *e)
{
	int nr = seccomp_syscall_resolve_name(name), rc;

	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	rc = seccomp_rule_add_array(c, action, nr, n, arg);
	if (rc && rc != -EEXIST)
		return err_set(e, "seccomp: %s: %s", name, strerror(-rc));
	return 0;
}

static int rules(scmp_filter_ctx c, uint32_t action, const char *const *names, struct err *e)
{
	for (; *names; names++)
		if (rule(c, action, *names, NULL, 0, e))
			return -1;
	return 0;
}

/* Where nothing may be written, a file is opened for reading or not at all. */
static int opens(scmp_filter_ctx c, int writable, struct err *e)
{
	static const int bits[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
	static const struct { const char *name; unsigned flags; } calls[] = {{"open", 1}, {"openat", 2}};

	for (size_t i = 0; i < LEN(calls); i++) {
		unsigned at = calls[i].flags;
		struct scmp_arg_cmp read_only = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, 0);

		if (rule(c, SCMP_ACT_ALLOW, calls[i].name, &read_only, !writable, e))
			return -1;
		for (size_t b = 0; !writable && b < LEN(bits); b++) {
			struct scmp_arg_cmp bit = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, bits[b], bits[b]);

			if (rule(c, SCMP_ACT_ERRNO(EACCES), calls[i].name, &bit, 1, e))
				return -1;
		}
	}
	return 0;
}

static int conditional(scmp_filter_ctx c, uint32_t forbid, struct err *e)
{
	for (const struct row *r = by_argument; r < by_argument + LEN(by_argument); r++) {
		struct scmp_arg_cmp arg[2];
		unsigned n = 0;

		for (; n < 2 && r->when[n].mask; n++)
			arg[n] = (struct scmp_arg_cmp){r->when[n].arg, SCMP_CMP_MASKED_EQ, r->when[n].mask, r->when[n].value};
		if (rule(c, r->act == ALLOW ? SCMP_ACT_ALLOW : forbid, r->name, arg, n, e))
			return -1;
	}
	return 0;
}

static int fill(scmp_filter_ctx c, enum policy_who who, uint32_t forbid, int writable, struct err *e)
{
	if (rules(c, SCMP_ACT_ALLOW, allowed, e) || rules(c, forbid, forbidden, e) ||
	    opens(c, writable, e) || conditional(c, forbid, e))
		return -1;
	if (writable && rules(c, SCMP_ACT_ALLOW, writing, e))
		return -1;
	for (size_t i = 0; i < LEN(refused); i++)
		if ((!writable || refused[i].error != EACCES) &&
		    rule(c, SCMP_ACT_ERRNO(refused[i].error), refused[i].name, NULL, 0, e))
			return -1;
	/* the tester is handed a channel per job */
	if (who == POLICY_TESTER && rule(c, SCMP_ACT_ALLOW, "recvmsg", NULL, 0, e))
		return -1;
	return 0;
}

int policy_export(enum policy_who who, enum policy_deny deny, int writable, int *fd, struct err *e)
{
	uint32_t forbid = deny == POLICY_NOTIFY ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int rc = -1;

	*fd = -1;
	if (!c)
		return err_set(e, "seccomp: cannot make a filter");
	if (seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
	    seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2)) {
		err_set(e, "seccomp: attributes refused");
		goto out;
	}
	if (fill(c, who, forbid, writable, e))
		goto out;
	*fd = memfd_create("policy", MFD_CLOEXEC);
	if (*fd < 0) {
		err_set(e, "memfd_create: %s", strerror(errno));
		goto out;
	}
	rc = seccomp_export_bpf(c, *fd);
	if (rc) {
		rc = err_set(e, "seccomp: %s", strerror(-rc));
		close(*fd);
		*fd = -1;
	}
out:
	seccomp_release(c);
	return rc;
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
