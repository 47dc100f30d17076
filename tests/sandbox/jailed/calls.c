/* SPDX-License-Identifier: MIT */
/*
 * Makes one system call: calls NAME [ARG...], numbers, or "self" for its own process. Prints 0 or
 * errno. (Compiled and run inside the jail by command.t.)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name}
static const struct { const char *name; long nr;
} calls[] = {
	CALL(getpid),
	CALL(getppid),
	CALL(kill),
	CALL(tkill),
	CALL(tgkill),
	CALL(wait4),
	CALL(clone),
	CALL(clone3),
	CALL(unshare),
	CALL(setns),
	CALL(ptrace),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(kcmp),
	CALL(socket),
	CALL(socketpair),
	CALL(connect),
	CALL(bind),
	CALL(listen),
	CALL(accept),
	CALL(accept4),
	CALL(sendto),
	CALL(mount),
	CALL(umount2),
	CALL(chroot),
	CALL(pivot_root),
	CALL(open_by_handle_at),
	CALL(name_to_handle_at),
	CALL(bpf),
	CALL(perf_event_open),
	CALL(userfaultfd),
	CALL(keyctl),
	CALL(add_key),
	CALL(request_key),
	CALL(init_module),
	CALL(finit_module),
	CALL(delete_module),
	CALL(kexec_load),
	CALL(reboot),
	CALL(swapon),
	CALL(swapoff),
	CALL(quotactl),
	CALL(acct),
	CALL(syslog),
	CALL(settimeofday),
	CALL(clock_settime),
	CALL(adjtimex),
	CALL(clock_adjtime),
	CALL(sethostname),
	CALL(setdomainname),
	CALL(memfd_create),
	CALL(seccomp),
	CALL(personality),
	CALL(setuid),
	CALL(setgid),
	CALL(setreuid),
	CALL(setregid),
	CALL(setresuid),
	CALL(setresgid),
	CALL(setgroups),
	CALL(capset),
	CALL(setpriority),
	CALL(sched_setaffinity),
	CALL(mlockall),
	CALL(shmget),
	CALL(mq_open),
	CALL(semget),
	CALL(msgget),
	CALL(fchownat),
	CALL(prctl),
	CALL(fcntl),
	CALL(ioctl),
	CALL(prlimit64),
	CALL(openat),
	CALL(mkdirat),
	CALL(io_setup),
	CALL(inotify_init1),
	CALL(fanotify_init),
	CALL(setsid),
	CALL(mknodat),
	CALL(vhangup),
	CALL(migrate_pages),
	CALL(move_pages),
	CALL(mbind),
	{"io_uring_setup", 425},
	{"pidfd_open", 434},
	{"pidfd_send_signal", 424},
	{"pidfd_getfd", 438},
	{"open_tree", 428},
	{"move_mount", 429},
	{"fsopen", 430},
	{"mount_setattr", 442},
	{"openat2", 437},
	{"landlock_create_ruleset", 444},
	{"process_madvise", 440},
	{"memfd_secret", 447},
};

int main(int argc, char **argv)
{
	static char path[] = "made";
	long a[6] = {0}, rc;

	for (int i = 2; i < argc && i < 8; i++)
		a[i - 2] = !strcmp(argv[i], "self")   ? getpid()
		           : !strcmp(argv[i], "path") ? (long)path
		                                      : strtol(argv[i], NULL, 0);
	for (size_t i = 0; argc > 1 && i < sizeof calls / sizeof *calls; i++)
		if (!strcmp(calls[i].name, argv[1])) {
			rc = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
			printf("%d\n", rc < 0 ? errno : 0);
			return 0;
		}
	fprintf(stderr, "calls: which call?\n");
	return 2;
}
