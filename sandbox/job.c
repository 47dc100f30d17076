/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's part of a job. Who holds what:
 *
 *   supervisor --control--> model's zygote --fork--> program    (channel, output socket, program text)
 *   supervisor --control--> tester                              (channel's other end, tests, a nonce)
 *   program    --output socket--> supervisor                    (listener of its filter, then what it prints)
 *
 * The verdict is the tester's; where the program ended before the tests did, it is what the supervisor
 * itself saw of that end. The program's exit status and output never say anything but how it failed.
 */
#include "job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy.h"
#include "usage.h"

enum {
	START_SECONDS = 20,          /* for the program's process to be there */
	TESTER_SECONDS = 3,          /* for the tester to notice that its program is gone */
	STARVED = 4,                 /* times the wall limit, at most, where all the rest was waiting for a processor */
	LAST_MS = 100,               /* for a process that has closed its end to be gone by itself */
	THREADS = 64, FILE_BYTES = 8 << 20,
	TESTER_BYTES = 128 << 20,    /* a tester that once held more is not used again */
	NONCE = 16,
};

#define SPACE 4                     /* address space, in terms of memory, where a cgroup limits that */
#define TICK 0.01                   /* seconds; how far a program may run over its CPU time */
#define SOON 0.25                   /* seconds; a job that takes longer may be one that is starved */

struct limits {
	double cpu, wall;
	int64_t memory, output;
};

struct job {
	struct limits limit;
	int channel, out, listener, pidfd;   /* -1: none */
	int tester_done, program_done;
	int tester_dead, zygote_dead, timed_out, cpu_out, tester_out, starved, flooded, violated;
	int cut_off;                         /* killed by us because the tester was done, not by itself or others */
	pid_t pid;                           /* the program's, as seen from here; 0: unknown */
	int call;                            /* of the violation */
	int64_t printed;
	struct buf tester, program;          /* their answers */
	double begun, ended, tester_cpu;     /* when; the tester's clock then */
	double tester_waited;                /* for a processor, when this job had taken a while; negative: not looked at */
	int64_t tester_peak;                 /* of a dead one, killed; else 0 */
};

static void kill_program(const struct job *j)
{
	if (j->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, j->pidfd, SIGKILL, NULL, 0);
}

void box_close(struct box *b)
{
	proc_stop(&b->side[SIDE_MODEL]);
	proc_stop(&b->side[SIDE_TESTER]);
	jail_close(&b->jail);
}

/* ---- start ---- */

static double field_number(const struct buf *b, const char *key, double otherwise)
{
	const char *s = frame_get(b, key);
	double v;

	return s && !parse_f64(s, &v, NULL) && v > 0 ? v : otherwise;
}

static int program_file(const struct buf *request, struct err *e)
{
	size_t n = 0;
	const char *code = frame_nth(request, "code", 0, &n);
	int fd = memfd_create("program", MFD_CLOEXEC);

	if (fd < 0)
		return err_set(e, "memfd_create: %s", strerror(errno));
	if (!code || write(fd, code, n) != (ssize_t)n) {
		close(fd);
		return err_set(e, code ? "cannot store the program" : "no program");
	}
	return fd;
}

static int send_program(struct box *b, struct job *j, const struct buf *request, int channel, struct err *e)
{
	int fds[3] = {channel, -1, -1}, pair[2], rc = -1;
	const char *entry = frame_get(request, "entry");
	int tier1 = b->jail.tier == 1;
	struct buf m = {0};

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(e, "socketpair: %s", strerror(errno));
	j->out = pair[0];
	fds[1] = pair[1];
	fds[2] = program_file(request, e);
	if (fds[2] < 0)
		goto out;
	frame_begin(&m);
	frame_adds(&m, "entry", entry ? entry : "");
	/* The supervisor watches the exact clock; the kernel's limit counts sampled ticks, so it comes later. */
	frame_addf(&m, "cpu", "%.0f", ceil(j->limit.cpu * 2) + 2);
	/* of addresses: what counts is the memory in use, where the cgroup counts it */
	frame_addf(&m, "memory", "%lld", (long long)(b->jail.group.version ? j->limit.memory * SPACE : j->limit.memory));
	/* users are counted machine-wide without a user namespace: no limit on threads but memory there */
	frame_addf(&m, "threads", "%d", tier1 ? THREADS : 0);
	frame_addf(&m, "file", "%d", tier1 ? FILE_BYTES : 0);
	frame_addf(&m, "seccomp", "%d", SYS_seccomp);
	rc = frame_send(b->side[SIDE_MODEL].control, &m, fds, 3, e);
out:
	close(pair[1]);
	close_fd(&fds[2]);
	buf_release(&m);
	return rc;
}

static int wait_ms(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int rc;

	do
		rc = poll(&p, 1, ms);
	while (rc < 0 && errno == EINTR);
	return rc == 1;
}

static int wait_readable(int fd, int seconds)
{
	return wait_ms(fd, seconds * 1000);
}

/* The program's process says over its output socket that it has locked itself up: L with the listener
 * of its filter, or K. Anything it prints comes after that. */
static int handshake(struct job *j, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char text[500] = "";
	struct iovec iov = {text, sizeof text - 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct cmsghdr *h;

	if (!wait_readable(j->out, START_SECONDS) || recvmsg(j->out, &m, MSG_CMSG_CLOEXEC) <= 0)
		return err_set(e, "the program's process ended early");
	h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&j->listener, CMSG_DATA(h), sizeof(int));
	if (text[0] == 'L' || text[0] == 'K')
		return 0;
	return err_set(e, "the program's process could not lock itself up: %s", text);
}

/* The process id behind a pidfd, which its own namespace hides; 0 where /proc does not say. */
static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	long pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "Pid: %ld", &pid) == 1)
			break;
	fclose(f);
	return pid > 0 ? (pid_t)pid : 0;
}

static int start_program(struct box *b, struct job *j, const struct buf *request, int channel, struct err *e)
{
	int control = b->side[SIDE_MODEL].control;
	size_t n = 1;

	j->zygote_dead = 1;
	if (send_program(b, j, request, channel, e))
		return -1;
	if (!wait_readable(control, START_SECONDS) ||
	    frame_recv(control, &j->program, &j->pidfd, &n, e) != 1)
		return err_set(e, "the model's side does not answer");
	j->zygote_dead = 0;
	if (!frame_get(&j->program, "started"))
		return err_set(e, "%s", frame_get(&j->program, "error") ? frame_get(&j->program, "error") : "no program");
	j->pid = pid_of(j->pidfd);
	return handshake(j, e);
}

static int start_tester(struct box *b, struct job *j, const struct buf *request, struct err *e)
{
	static const char *const keys[] = {"entry", "prompt", "check", "test", "setup", "isolation", "memory"};
	unsigned char nonce[NONCE];
	struct buf m = {0};
	const char *key, *value;
	size_t at = 0, nkey, n;
	int rc;

	if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
		return err_set(e, "getrandom: %s", strerror(errno));
	frame_begin(&m);
	frame_adds(&m, "op", "run");
	frame_add(&m, "nonce", nonce, sizeof nonce);
	while (frame_next(request, &at, &key, &nkey, &value, &n))
		for (size_t k = 0; k < LEN(keys); k++)
			if (nkey == strlen(keys[k]) && !memcmp(key, keys[k], nkey))
				frame_add(&m, keys[k], value, n);
	rc = frame_send(b->side[SIDE_TESTER].control, &m, &j->channel, 1, e);
	buf_release(&m);
	close_fd(&j->channel);
	return rc;
}

/* ---- watch ---- */

static void drain(struct job *j)
{
	char bytes[65536];
	ssize_t n;

	do {
		n = recv(j->out, bytes, sizeof bytes, MSG_DONTWAIT);
		j->printed += n > 0 ? n : 0;
	} while (n > 0 && j->printed <= j->limit.output);     /* else one that writes as fast as this reads would go on for ever */
	if (j->printed > j->limit.output && !j->flooded) {
		j->flooded = 1;
		kill_program(j);
	}
	if (!n)
		close_fd(&j->out);
}

/* A thread, where neither a group nor a user of its own bounds their number. The flags are in a
 * register: what goes on is what was asked for. */
static int counted(const struct job *j, const struct seccomp_notif *n)
{
	struct seccomp_notif_resp answer = {.id = n->id};

	if (n->data.nr != SYS_clone || !(n->data.args[0] & CLONE_THREAD) || n->data.args[0] & CLONE_NEWNS ||
	    n->data.args[0] & CLONE_NEWNET)
		return 0;
	if (usage_threads(j->pid) >= THREADS)
		answer.error = -EAGAIN;
	else
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(j->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);    /* it may have gone */
	return 1;
}

/* The program stands still in a forbidden call: note which, and end it there. */
static void violation(struct job *j)
{
	struct seccomp_notif n;

	memset(&n, 0, sizeof n);
	if (!ioctl(j->listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
		if (counted(j, &n))
			return;
		j->violated = 1;
		j->call = n.data.nr;
		kill_program(j);
	}
	close_fd(&j->listener);
}

/* CPU seconds of all of a process's threads so far, 0 if there is no such process. */
static double cpu_clock(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (!pid || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* CPU seconds that are left to the program, or to the tester on what the program gave it, whichever has less. */
static double cpu_left(const struct box *b, const struct job *j, int *of_tester)
{
	double program = j->program_done ? 0 : cpu_clock(j->pid);
	double tester = j->tester_done ? 0 : cpu_clock(b->side[SIDE_TESTER].pid) - j->tester_cpu;

	*of_tester = tester > program;
	return j->limit.cpu - (*of_tester ? tester : program);
}

/* Seconds that a process was ready to run and had no processor, that of its threads which had to wait the most; 0 where
 * the kernel does not say. */
static double waited(pid_t pid)
{
	char path[64], text[64];
	double most = 0, ran, wait;
	struct dirent *d;
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	tasks = pid ? opendir(path) : NULL;
	while (tasks && (d = readdir(tasks))) {
		FILE *f;

		snprintf(path, sizeof path, "/proc/%ld/task/%.20s/schedstat", (long)pid, d->d_name);
		f = *d->d_name == '.' ? NULL : fopen(path, "re");
		if (f && fgets(text, sizeof text, f) && sscanf(text, "%lf %lf", &ran, &wait) == 2 && wait > most)
			most = wait;
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
	return most * 1e-9;
}

/* The wall limit is for programs that sleep: time that a busy machine kept program or tester waiting is added to it, up to
 * a bound. When is it over? */
static double wall_end(struct box *b, struct job *j)
{
	pid_t tester = b->side[SIDE_TESTER].pid;
	double lost = waited(j->program_done ? 0 : j->pid);

	if (j->tester_waited >= 0)
		lost += waited(tester) - j->tester_waited;
	j->starved = lost >= (STARVED - 1) * j->limit.wall;
	return j->begun + (j->starved ? STARVED * j->limit.wall : j->limit.wall + lost);
}

/* Of a tester that is gone, what it held, if it was killed: one that once held much sees no other job, so that was this one's. */
static void tester_ends(struct box *b, struct job *j)
{
	struct proc *t = &b->side[SIDE_TESTER];
	struct rusage usage;
	int status = 0;

	j->tester_dead = 1;
	kill(t->pid, SIGKILL);          /* it cannot answer any more */
	while (wait4(t->pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	t->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !j->tester_out)
		j->tester_peak = (int64_t)usage.ru_maxrss * 1024;
}

static void tester_answers(struct box *b, struct job *j)
{
	struct err e;

	j->ended = now_seconds();
	j->tester_done = 1;
	if (frame_recv(b->side[SIDE_TESTER].control, &j->tester, NULL, NULL, &e) != 1) {
		tester_ends(b, j);
		buf_clear(&j->tester);
	}
	if (j->tester_dead || !frame_get(&j->tester, "status") || strcmp(frame_get(&j->tester, "status"), "died"))
		kill_program(j);
	else if (!j->program_done && !wait_ms(j->pidfd, LAST_MS)) {
		/* one that is on its way out keeps the status that it has */
		j->cut_off = 1;
		kill_program(j);
	}
}

static void program_ends(struct box *b, struct job *j)
{
	struct err e;

	j->program_done = 1;
	if (frame_recv(b->side[SIDE_MODEL].control, &j->program, NULL, NULL, &e) != 1) {
		j->zygote_dead = 1;
		buf_clear(&j->program);
	}
}

/* Until both have answered. Wall time is only a backstop: first the program is ended, then the tester. */
static void watch(struct box *b, struct job *j)
{
	double patience = j->begun + j->limit.wall;

	while (!j->tester_done || !j->program_done) {
		enum { TESTER, PROGRAM, OUT, LISTENER, CLIENT, N };
		struct pollfd p[N] = {
			[TESTER] = {.fd = j->tester_done ? -1 : b->side[SIDE_TESTER].control, .events = POLLIN},
			[PROGRAM] = {.fd = j->program_done ? -1 : b->side[SIDE_MODEL].control, .events = POLLIN},
			[OUT] = {.fd = j->out, .events = POLLIN},
			[LISTENER] = {.fd = j->listener, .events = POLLIN},
			[CLIENT] = {.fd = b->client},
		};
		double now = now_seconds(), left = patience - now;
		int ended = j->timed_out || j->cpu_out, of_tester;
		double cpu = cpu_left(b, j, &of_tester);

		if (j->tester_waited < 0 && now - j->begun >= SOON)
			j->tester_waited = waited(b->side[SIDE_TESTER].pid);
		if (!ended && left <= 0 && cpu > 0) {
			patience = wall_end(b, j);
			left = patience - now;
		}
		if (!ended && (left <= 0 || cpu <= 0)) {
			j->timed_out = left <= 0;
			j->cpu_out = cpu <= 0;
			j->tester_out = j->cpu_out && of_tester;
			kill_program(j);
			if (j->tester_out)      /* computing, so it would not notice */
				kill(b->side[SIDE_TESTER].pid, SIGKILL);
			patience = now + TESTER_SECONDS;
			continue;
		}
		if (!ended && cpu + TICK < left)
			left = cpu + TICK;
		if (j->tester_waited < 0 && SOON < left)
			left = SOON;
		if (left <= 0) {            /* ended, and the tester hangs on what it was given, or the zygote on nothing */
			j->tester_dead |= !j->tester_done;
			j->zygote_dead |= !j->program_done;
			return;
		}
		if (poll(p, N, (int)(left * 1000) + 1) < 0)
			continue;
		if (p[CLIENT].revents & (POLLHUP | POLLERR)) {
			box_close(b);           /* nobody waits any more */
			exit(EXIT_DONE);
		}
		if (p[LISTENER].revents & POLLIN)
			violation(j);
		else if (p[LISTENER].revents)   /* all of the program is gone; to ask now would wait for ever before Linux 6.11 */
			close_fd(&j->listener);
		if (p[OUT].revents)
			drain(j);
		if (p[PROGRAM].revents)
			program_ends(b, j);
		if (p[TESTER].revents)
			tester_answers(b, j);
	}
}

/* ---- judge ---- */

static void say(struct buf *reply, const char *status, const char *fmt, ...) PRINTF(3, 4);

static void say(struct buf *reply, const char *status, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	frame_adds(reply, "status", status);
	frame_adds(reply, "detail", text);
}

/* The program was gone before the tests were done: what did the supervisor see of it? */
static void of_end(struct buf *reply, const struct box *b, const struct job *j, double cpu, int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig == SIGSYS)
		say(reply, "violation", "a forbidden system call");
	else if (sig == SIGXCPU || cpu > j->limit.cpu)
		say(reply, "timeout", "more than %g s of CPU time", j->limit.cpu);
	else if (sig == SIGKILL && j->cut_off)
		say(reply, "exception", "the program closed its end before the tests were done");
	/* with a group, the kernel has counted such an end, and it has been judged before */
	else if (sig == SIGKILL && !b->jail.group.version && frame_int(&j->program, "peak", 0) > j->limit.memory / 2)
		say(reply, "memory", "killed from outside, as the kernel does when memory is short");
	else if (sig == SIGKILL)
		say(reply, "error", "the program was killed from outside");
	else if (sig)
		say(reply, "exception", "the program was ended by signal %d (%s)", sig, strsignal(sig));
	else
		say(reply, "exception", "the program ended with exit status %d before the tests did", WEXITSTATUS(status));
}

/* The group's where there is one: all that the program took, in memory and in /tmp. Else its process's resident set, with
 * what it shares with the warm Python. */
static int64_t peak(const struct box *b, const struct job *j)
{
	int64_t n = b->jail.group.version ? cgroup_peak(&b->jail.group) : -1;

	return n >= 0 ? n : frame_int(&j->program, "peak", 0);
}

static void judge(const struct box *b, struct job *j, struct buf *reply)
{
	double cpu = field_number(&j->program, "cpu", 0);
	const char *status = frame_get(&j->tester, "status"), *isolation = frame_get(&j->tester, "isolation");
	char name[64];

	if (j->violated) {
		policy_call_name(j->call, name);
		say(reply, "violation", "forbidden system call: %s", name);
		frame_adds(reply, "call", name);
	} else if (j->flooded || j->printed > j->limit.output)
		say(reply, "output-limit", "more than %lld bytes printed", (long long)j->limit.output);
	else if (j->timed_out && j->starved && (!status || !strcmp(status, "died")))
		say(reply, "error", "no processor to be had for most of %g s", STARVED * j->limit.wall);
	else if (j->timed_out && (!status || !strcmp(status, "died")))
		say(reply, "timeout", "more than %g s of wall time", j->limit.wall);
	else if (j->tester_out && !status)
		say(reply, "timeout", "the tests took more than %g s of CPU time over what the program gave them", j->limit.cpu);
	else if (j->cpu_out && (!status || !strcmp(status, "died")))
		say(reply, "timeout", "more than %g s of CPU time", j->limit.cpu);
	else if (b->jail.group.version && cgroup_killed(&b->jail.group))
		say(reply, "memory", "more than %lld bytes of memory", (long long)j->limit.memory);
	else if (j->tester_peak > TESTER_BYTES)
		say(reply, "memory", "the tests were killed over what the program gave them: %lld bytes", (long long)j->tester_peak);
	else if (j->tester_dead || j->zygote_dead || !status)
		say(reply, "error", j->tester_dead ? "the tester ended" : "the model's side ended");
	else if (!strcmp(status, "died"))
		of_end(reply, b, j, cpu, (int)frame_int(&j->program, "status", 0));
	else if ((cpu > j->limit.cpu || j->cpu_out) && strcmp(status, "error"))
		say(reply, "timeout", "%.2f s of CPU time, more than %g", cpu, j->limit.cpu);
	else {
		frame_adds(reply, "status", status);
		if (!strcmp(status, "error"))
			frame_adds(reply, "tests", "1");
		frame_adds(reply, "detail", frame_get(&j->tester, "detail") ? frame_get(&j->tester, "detail") : "");
		frame_addf(reply, "index", "%lld", (long long)frame_int(&j->tester, "index", -1));
	}
	frame_adds(reply, "isolation", isolation ? isolation : "split");
	frame_addf(reply, "tier", "%d", b->jail.tier);
	frame_addf(reply, "wall", "%.6f", (j->ended > 0 ? j->ended : now_seconds()) - j->begun);
	frame_addf(reply, "cpu", "%.6f", cpu);
	frame_addf(reply, "peak", "%lld", (long long)peak(b, j));
	frame_adds(reply, "memory", jail_memory(&b->jail));
}

/* ---- all of it ---- */

static int ask_entry(struct box *b, const struct buf *request, struct buf *reply, struct err *e)
{
	struct proc *t = &b->side[SIDE_TESTER];
	struct buf m = {0};
	int rc;

	buf_add(&m, request->data, request->len);
	rc = frame_send(t->control, &m, NULL, 0, e);
	if (!rc && (!wait_readable(t->control, START_SECONDS) || frame_recv(t->control, reply, NULL, NULL, e) != 1)) {
		frame_begin(reply);
		frame_adds(reply, "error", "the tester ended");
		proc_stop(t);
		rc = proc_start(t, &b->jail, SIDE_TESTER, e);
	}
	buf_release(&m);
	return rc;
}

static int restart(struct box *b, enum side side, struct err *e)
{
	proc_stop(&b->side[side]);
	return proc_start(&b->side[side], &b->jail, side, e);
}

int job_run(struct box *b, const struct buf *request, struct buf *reply, struct err *e)
{
	struct job j = {.channel = -1, .out = -1, .listener = -1, .pidfd = -1, .tester_waited = -1};
	const char *op = frame_get(request, "op");
	int pair[2], rc = 0;

	if (op && !strcmp(op, "entry"))
		return ask_entry(b, request, reply, e);
	frame_begin(reply);
	j.limit = (struct limits){field_number(request, "cpu", 5), field_number(request, "wall", 20),
	                          frame_int(request, "memory", 1 << 30), frame_int(request, "output", 1 << 20)};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(e, "socketpair: %s", strerror(errno));
	j.channel = pair[0];
	rc = b->jail.group.version ? cgroup_begin(&b->jail.group, j.limit.memory, e) : 0;
	if (!rc)
		rc = start_program(b, &j, request, pair[1], e);
	close(pair[1]);
	j.begun = now_seconds();
	j.tester_cpu = cpu_clock(b->side[SIDE_TESTER].pid);
	if (!rc)
		rc = start_tester(b, &j, request, e);
	if (!rc) {
		watch(b, &j);
		if (j.out >= 0)
			drain(&j);
		judge(b, &j, reply);
	} else {
		say(reply, "error", "%s", e->msg);
		frame_addf(reply, "tier", "%d", b->jail.tier);
		/* in the middle of a job: neither side is where it should be */
		j.zygote_dead = j.tester_dead = 1;
	}
	close_fd(&j.channel);
	close_fd(&j.out);
	close_fd(&j.listener);
	close_fd(&j.pidfd);
	rc = 0;
	if (j.zygote_dead || (frame_int(&j.program, "used", 0) && proc_clean(&b->side[SIDE_MODEL], e)))
		rc = restart(b, SIDE_MODEL, e);      /* files left behind in /tmp go with the jail, if not otherwise */
	if (!rc && (j.tester_dead || frame_int(&j.tester, "peak", 0) > TESTER_BYTES))
		rc = restart(b, SIDE_TESTER, e);
	buf_release(&j.tester);
	buf_release(&j.program);
	return rc;
}
