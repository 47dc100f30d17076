/* SPDX-License-Identifier: MIT */
/* What the process that reads records may still ask of the kernel: each call in a child of its own
 * that has the filter. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "answer/answer.h"
#include "tap.h"
#include "verify/verify.h"

enum ends { DONE, REFUSED, KILLED };

static int answer(long rc)
{
	return rc != -1 ? DONE : errno == EPERM ? REFUSED : 99;
}

#define TRY(name, call) static int try_##name(void) { return answer((long)(call)); }

static int pair[2];
static struct io_uring_params ring;
static struct termios terminal;

#ifdef SYS_open
TRY(open, syscall(SYS_open, "/dev/null", O_RDONLY))
#else
TRY(open, open("/dev/null", O_RDONLY))   /* arm64 has no such call: openat */
#endif
TRY(openat, syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0))
TRY(openat2, syscall(SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0))
TRY(exec, execl("/bin/true", "true", NULL))
TRY(execveat, syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))
TRY(fork, fork())
TRY(vfork, syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL))
TRY(clone3, syscall(SYS_clone3, NULL, 0))
TRY(socket, socket(AF_INET, SOCK_STREAM, 0))
TRY(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
TRY(connect, connect(pair[0], NULL, 0))
TRY(kill, kill(getppid(), 0))
TRY(tkill, syscall(SYS_tkill, getppid(), 0))
TRY(pidfd, syscall(SYS_pidfd_open, getppid(), 0))
TRY(ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(vm_readv, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
TRY(io_uring, syscall(SYS_io_uring_setup, 1, &ring))
TRY(bpf, syscall(SYS_bpf, 0, NULL, 0))
TRY(memfd, syscall(SYS_memfd_create, "x", 0))
TRY(unlink, unlink("/nothing/here"))
TRY(rename, rename("/nothing/here", "/nothing/there"))
TRY(setuid, setuid(getuid()))
TRY(seccomp, syscall(SYS_seccomp, 0, 0, NULL))
TRY(tgkill, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(readlink, readlink("/proc/self/exe", (char[64]){0}, 64))
TRY(stat, syscall(SYS_newfstatat, AT_FDCWD, "/", (char[256]){0}, 0))
TRY(chdir, chdir("/"))
TRY(getcwd, syscall(SYS_getcwd, (char[64]){0}, 64))
TRY(dup, dup(1))
TRY(tiocsti, ioctl(0, TIOCSTI, "x"))
TRY(executable, (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
TRY(setrlimit, syscall(SYS_prlimit64, 0, 0, NULL, NULL))
TRY(write, write(pair[1], "x", 1))
TRY(read, write(pair[1], "x", 1) + read(pair[0], (char[1]){0}, 1))
TRY(memory, (long)mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
TRY(fstat, syscall(SYS_newfstatat, 0, "", (char[256]){0}, AT_EMPTY_PATH))
TRY(tcgets, ioctl(pair[0], TCGETS, &terminal) && errno == ENOTTY ? 0 : -1)
TRY(close, close(pair[0]))
TRY(raise, raise(SIGCHLD))

/* The grader itself. */
static int try_grade(void)
{
	static const char gold[] = "\\sqrt{3+2\\sqrt2}", got[] = "1+\\sqrt2", poly[] = "(x+1)^{40}";
	struct math_opts o = {0};

	return math_equal(gold, strlen(gold), got, strlen(got), &o).verdict == MATH_EQUAL &&
	       math_equal(poly, strlen(poly), poly, strlen(poly), &o).verdict == MATH_EQUAL &&
	       math_equal("\\pi+e^2", 7, got, strlen(got), &o).verdict == MATH_UNEQUAL ? DONE : 99;
}

static const struct { const char *name; int (*call)(void); enum ends end; } tries[] = {
	{"open", try_open, KILLED}, {"openat", try_openat, KILLED},
	{"openat2", try_openat2, KILLED}, {"execve", try_exec, KILLED},
	{"execveat", try_execveat, KILLED}, {"fork", try_fork, KILLED},
	{"clone", try_vfork, KILLED}, {"clone3", try_clone3, KILLED},
	{"socket", try_socket, KILLED}, {"socketpair", try_socketpair, KILLED},
	{"connect", try_connect, KILLED}, {"kill", try_kill, KILLED}, {"tkill", try_tkill, KILLED},
	{"pidfd_open", try_pidfd, KILLED}, {"ptrace", try_ptrace, KILLED},
	{"process_vm_readv", try_vm_readv, KILLED}, {"io_uring_setup", try_io_uring, KILLED},
	{"bpf", try_bpf, KILLED}, {"memfd_create", try_memfd, KILLED},
	{"unlink", try_unlink, KILLED}, {"rename", try_rename, KILLED},
	{"setuid", try_setuid, KILLED}, {"seccomp", try_seccomp, KILLED},
	{"tgkill of another", try_tgkill, REFUSED}, {"readlink", try_readlink, REFUSED},
	{"stat", try_stat, REFUSED}, {"chdir", try_chdir, REFUSED},
	{"getcwd", try_getcwd, REFUSED}, {"dup", try_dup, REFUSED},
	{"TIOCSTI", try_tiocsti, REFUSED}, {"executable memory", try_executable, REFUSED},
	{"prlimit64", try_setrlimit, REFUSED}, {"write", try_write, DONE},
	{"read", try_read, DONE}, {"memory", try_memory, DONE}, {"fstat", try_fstat, DONE},
	{"is it a terminal", try_tcgets, DONE}, {"close", try_close, DONE},
	{"a signal to itself", try_raise, DONE}, {"comparing answers", try_grade, DONE},
};

static int ended(int status, enum ends end)
{
	if (end == KILLED)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	return WIFEXITED(status) && WEXITSTATUS(status) == (int)end;
}

int main(void)
{
	static const char *const words[] = {"is done", "is refused", "is the end"};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip("sanitizers open files: no filter in this build");
	return done();
#endif
	if (pipe(pair))
		return 1;
	for (size_t i = 0; i < LEN(tries); i++) {
		pid_t pid;
		int status = 0;
		struct err e;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			if (filter_install(&e)) {
				dprintf(2, "# %s\n", e.msg);
				_exit(98);
			}
			_exit(tries[i].call());
		}
		if (!ok(pid > 0 && waitpid(pid, &status, 0) == pid && ended(status, tries[i].end),
		        "%s %s", tries[i].name, words[tries[i].end]))
			diag("status %#x", (unsigned)status);
	}
	return done();
}
