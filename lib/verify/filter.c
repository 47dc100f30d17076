/* SPDX-License-Identifier: MIT */
/*
 * The seccomp filter of the process that reads records. Its input was written by a model and goes
 * through a JSON parser, a LaTeX parser and number libraries: a bug in one of them must not affect
 * anything but verdicts. The process may read and write open descriptors, talk to the launcher and
 * score-box over existing sockets, and use memory. Calls that open, run, connect, trace or start
 * anything kill it; other calls fail with EPERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "verify/verify.h"

static const char *const allowed[] = {
	"read", "readv", "write", "writev", "lseek", "close", "fstat", "poll", "ppoll", "select",
	"pselect6", "sendmsg", "recvmsg", "recvfrom", "shutdown", "brk", "munmap", "mremap",
	"madvise", "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"getrandom", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
	"restart_syscall", "getpid", "gettid", "getppid", "getrusage", "wait4", "waitid", "exit",
	"exit_group",
};

/* Never needed here, but useful to an attacker. */
static const char *const deadly[] = {
	"open", "openat", "openat2", "creat", "open_by_handle_at", "execve", "execveat", "fork",
	"vfork", "clone", "clone3", "socket", "socketpair", "connect", "bind", "listen", "accept",
	"accept4", "sendto", "sendmmsg", "ptrace", "process_vm_readv", "process_vm_writev",
	"process_madvise", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kill", "tkill",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key",
	"request_key", "memfd_create", "memfd_secret", "shmget", "shmat", "mount", "umount2",
	"move_mount", "open_tree", "fsopen", "unshare", "setns", "chroot", "pivot_root",
	"init_module", "finit_module", "kexec_load", "kexec_file_load", "reboot", "unlink",
	"unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
	"mkdir", "mkdirat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "chown", "fchown",
	"lchown", "fchownat", "truncate", "setxattr", "setuid", "setgid", "setreuid", "setregid",
	"setresuid", "setresgid", "setgroups", "capset", "personality", "prctl", "seccomp",
	"inotify_init", "inotify_init1", "fanotify_init", "name_to_handle_at", "quotactl",
	"swapon", "acct",
};

static int rule(scmp_filter_ctx c, uint32_t action, const char *name, unsigned n,
                struct scmp_arg_cmp arg)
{
	int nr = seccomp_syscall_resolve_name(name);

	/* not all machines have all calls */
	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	return seccomp_rule_add_array(c, action, nr, n, n ? &arg : NULL);
}

/* Calls that depend on their arguments; what no row allows fails with EPERM. */
static int by_argument(scmp_filter_ctx c)
{
	struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	struct scmp_arg_cmp no_name = SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH);
	struct scmp_arg_cmp itself = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	int rc = rule(c, SCMP_ACT_ALLOW, "mmap", 1, no_code);

	rc = rc ? rc : rule(c, SCMP_ACT_ALLOW, "mprotect", 1, no_code);
	/* isatty */
	rc = rc ? rc : rule(c, SCMP_ACT_ALLOW, "ioctl", 1, SCMP_A1(SCMP_CMP_EQ, TCGETS));
	/* fstat, as the C library implements it */
	rc = rc ? rc : rule(c, SCMP_ACT_ALLOW, "newfstatat", 1, no_name);
	/* abort: a signal to itself */
	return rc ? rc : rule(c, SCMP_ACT_ALLOW, "tgkill", 1, itself);
}

static int fill(scmp_filter_ctx c)
{
	struct scmp_arg_cmp none = {0};
	int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; !rc && i < LEN(allowed); i++)
		rc = rule(c, SCMP_ACT_ALLOW, allowed[i], 0, none);
	for (size_t i = 0; !rc && i < LEN(deadly); i++)
		rc = rule(c, SCMP_ACT_KILL_PROCESS, deadly[i], 0, none);
	return rc ? rc : by_argument(c);
}

/* Sanitizers need to read /proc, and more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

int filter_install(struct err *e)
{
	scmp_filter_ctx c;
	int rc;

	if (SANITIZED)
		return 0;
	c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	rc = c ? fill(c) : -ENOMEM;
	if (!rc) {
		/* for speed only, and not always available. There are no secrets here for
		 * speculative loads to leak */
		(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_SSB, 1);
		rc = seccomp_load(c);
	}
	if (c)
		seccomp_release(c);
	if (rc)
		return err_set(e, "seccomp: no filter for this process: %s", strerror(-rc));
	return 0;
}
