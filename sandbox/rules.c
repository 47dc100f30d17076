/* SPDX-License-Identifier: MIT */
/* The rules shared by the filters for programs and for commands. */
#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const rules_allowed[] = {
	/* memory; loading extension modules needs executable mappings */
	"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore",
	/* open descriptors */
	"read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "lseek",
	"close", "close_range", "dup", "dup2", "dup3", "fstat", "fstatfs", "fsync", "fdatasync",
	"ftruncate", "pipe", "pipe2", "eventfd", "eventfd2", "poll", "ppoll", "select", "pselect6",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	/* inherited sockets and AF_UNIX pairs: no calls that could address another end */
	"recvfrom", "shutdown", "getsockname", "getpeername", "getsockopt",
	/* file information; which files are visible depends on mount namespace and Landlock */
	"stat", "lstat", "newfstatat", "statx", "statfs", "access", "faccessat", "faccessat2",
	"readlink", "readlinkat", "getcwd", "chdir", "fchdir", "getdents64", "umask",
	/* time */
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"times", "alarm", "setitimer", "getitimer", "pause",
	/* its own signals and threads */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
	"rt_sigtimedwait", "sigaltstack", "futex", "set_robust_list", "get_robust_list", "rseq",
	"set_tid_address", "sched_yield", "sched_getaffinity", "restart_syscall", "exit", "exit_group",
	"membarrier",
	/* its own ids, limits and machine */
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
	"getresgid", "getgroups", "getpgrp", "getpgid", "getsid", "uname", "sysinfo", "getrusage",
	"getrlimit", "getcpu", "getpriority", "getrandom", "arch_prctl",
	RULES_END
};

const char *const rules_writing[] = {
	"creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2",
	"link", "linkat", "symlink", "symlinkat", "truncate", "fallocate", "chmod", "fchmod",
	"fchmodat", "utimensat", "utime", "utimes", "copy_file_range", "sendfile",
	RULES_END
};

const char *const rules_forbidden[] = {
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "connect", "bind",
	"listen", "accept", "accept4", "mount", "umount2", "move_mount", "open_tree", "fsopen",
	"fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns", "chroot", "pivot_root",
	"open_by_handle_at", "name_to_handle_at", "bpf", "perf_event_open", "userfaultfd", "keyctl",
	"add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load",
	"kexec_file_load", "reboot", "swapon", "swapoff", "quotactl", "acct", "syslog", "iopl",
	"ioperm", "modify_ldt", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
	"sethostname", "setdomainname",
	RULES_END
};

int rules_add(scmp_filter_ctx c, uint32_t action, const char *name, const struct scmp_arg_cmp *args,
              unsigned n, struct err *e)
{
	int nr = seccomp_syscall_resolve_name(name), rc;

	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	rc = seccomp_rule_add_array(c, action, nr, n, args);
	return rc && rc != -EEXIST ? err_set(e, "seccomp: %s: %s", name, strerror(-rc)) : 0;
}

int rules_add_all(scmp_filter_ctx c, uint32_t action, const char *const *names, struct err *e)
{
	for (; *names; names++)
		if (rules_add(c, action, *names, NULL, 0, e))
			return -1;
	return 0;
}

int rules_open_read_only(scmp_filter_ctx c, struct err *e)
{
	static const int bits[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
	static const struct {
		const char *name;
		unsigned flags;
	} calls[] = {{"open", 1}, {"openat", 2}};

	for (size_t i = 0; i < LEN(calls); i++) {
		unsigned at = calls[i].flags;
		struct scmp_arg_cmp read_only =
			SCMP_CMP(at, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, 0);

		if (rules_add(c, SCMP_ACT_ALLOW, calls[i].name, &read_only, 1, e))
			return -1;
		for (size_t b = 0; b < LEN(bits); b++) {
			struct scmp_arg_cmp bit = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, bits[b], bits[b]);

			if (rules_add(c, SCMP_ACT_ERRNO(EACCES), calls[i].name, &bit, 1, e))
				return -1;
		}
	}
	return 0;
}

int rules_open_named(scmp_filter_ctx c, struct err *e)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	static const struct {
		const char *name;
		unsigned flags;
	} calls[] = {{"open", 1}, {"openat", 2}};
	const scmp_datum_t nameless = O_TMPFILE & ~O_DIRECTORY;

	for (size_t i = 0; i < LEN(calls); i++) {
		unsigned at = calls[i].flags;
		const struct scmp_arg_cmp refused[] = {
			SCMP_CMP(at, SCMP_CMP_MASKED_EQ, nameless, nameless),
			SCMP_CMP(at, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_ACCMODE)};

		for (size_t k = 0; k < LEN(modes); k++) {
			struct scmp_arg_cmp named =
			    SCMP_CMP(at, SCMP_CMP_MASKED_EQ, nameless | O_ACCMODE, (scmp_datum_t)modes[k]);

			if (rules_add(c, SCMP_ACT_ALLOW, calls[i].name, &named, 1, e))
				return -1;
		}
		for (size_t k = 0; k < LEN(refused); k++)
			if (rules_add(c, SCMP_ACT_ERRNO(EACCES), calls[i].name, &refused[k], 1, e))
				return -1;
	}
	return 0;
}

int rules_sockets(scmp_filter_ctx c, uint32_t forbid, struct err *e)
{
	enum { TYPES = 0xf };
	struct scmp_arg_cmp family = SCMP_A0(SCMP_CMP_GE, AF_MAX);

	if (rules_add(c, forbid, "socket", &family, 1, e))
		return -1;
	for (unsigned n = 0; n < AF_MAX; n++) {
		family = (struct scmp_arg_cmp)SCMP_A0(SCMP_CMP_EQ, n);
		if (n != AF_INET &&
			rules_add(c, n == AF_UNIX ? SCMP_ACT_ERRNO(EACCES) : forbid, "socket", &family, 1, e))
			return -1;
	}
	for (unsigned type = 0; type <= TYPES; type++) {
		struct scmp_arg_cmp inet[] = {SCMP_A0(SCMP_CMP_EQ, AF_INET),
		                              SCMP_A1(SCMP_CMP_MASKED_EQ, TYPES, type),
		                              SCMP_A2(SCMP_CMP_NE, 0)};

		if (rules_add(c, forbid, "socket", inet, type == SOCK_DGRAM ? 3 : 2, e))
			return -1;
		inet[2].op = SCMP_CMP_EQ;
		if (type == SOCK_DGRAM && rules_add(c, SCMP_ACT_ERRNO(EACCES), "socket", inet, 3, e))
			return -1;
	}
	return 0;
}

int rules_ids(scmp_filter_ctx c, uint32_t uid, uint32_t gid, uint32_t others, struct err *e)
{
	const struct {
		const char *name;
		unsigned n;
		uint32_t id[3];              /* -1: leaves the id unchanged */
	} calls[] = {
		{"setuid", 1, {uid}}, {"setreuid", 2, {UINT32_MAX, uid}},
		{"setresuid", 3, {UINT32_MAX, uid, UINT32_MAX}}, {"setgid", 1, {gid}},
		{"setregid", 2, {UINT32_MAX, gid}}, {"setresgid", 3, {UINT32_MAX, gid, UINT32_MAX}},
		{"setfsuid", 1, {uid}}, {"setfsgid", 1, {gid}},
	};

	for (size_t i = 0; i < LEN(calls); i++) {
		struct scmp_arg_cmp same[3], other;

		for (unsigned k = 0; k < calls[i].n; k++) {
			same[k] = (struct scmp_arg_cmp)SCMP_CMP(k, SCMP_CMP_EQ, calls[i].id[k]);
			other = (struct scmp_arg_cmp)SCMP_CMP(k, SCMP_CMP_NE, calls[i].id[k]);
			if (rules_add(c, others, calls[i].name, &other, 1, e))
				return -1;
		}
		if (rules_add(c, SCMP_ACT_ALLOW, calls[i].name, same, calls[i].n, e))
			return -1;
	}
	return 0;
}

scmp_filter_ctx rules_new(struct err *e)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	if (c && !seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) &&
	    !seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2))
		return c;
	if (c)
		seccomp_release(c);
	err_set(e, "seccomp: cannot make a filter");
	return NULL;
}

int rules_export(scmp_filter_ctx c, struct err *e)
{
	int fd = memfd_create("policy", MFD_CLOEXEC), rc = fd < 0 ? -errno : seccomp_export_bpf(c, fd);

	if (!rc)
		return fd;
	close_fd(&fd);
	return err_set(e, "seccomp: cannot export the filter: %s", strerror(-rc));
}
