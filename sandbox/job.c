/* SPDX-License-Identifier: MIT */
/*
 * Runs a job in the supervisor. The processes and their connections:
 *
 *   supervisor --control--> model's zygote --fork--> program (channel, output socket, program text)
 *   supervisor --control--> tests' zygote --fork--> tester      (channel's other end, verdict
 *                                                                socket, tests, a nonce)
 *   program    --output socket--> supervisor (listener of its filter, then what it prints)
 *   tester     --verdict socket--> supervisor (the verdict, sealed with the nonce)
 *
 * The verdict is the tester's; if the program ended before the tests did, it is what the supervisor
 * itself observed of that end. The program's exit status and output only ever say how it failed.
 */
#include "job.h"

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
#include <unistd.h>

#include "judge.h"
#include "usage.h"

enum {
	START_SECONDS = 20,          /* for the program's process to start */
	TESTER_SECONDS = 3,          /* for the tester to notice that its program is gone */
	LAST_MS = 100,               /* for a process that has closed its end to exit by itself */
	THREADS = 64, FILE_BYTES = 8 << 20,
};

/* address space as a multiple of memory, if a cgroup limits memory */
#define SPACE 4
#define TICK 0.01                   /* seconds by which a program may exceed its CPU time */
/* seconds; a job that takes longer may be starved of CPU time */
#define SOON 0.25

static void kill_by(int pidfd)
{
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void kill_program(const struct job *j)
{
	kill_by(j->pidfd);
}

void box_close(struct box *b)
{
	proc_stop(&b->side[SIDE_MODEL]);
	proc_stop(&b->side[SIDE_TESTER]);
	jail_close(&b->jail);
}

/* ---- start ---- */

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

static int send_program(struct box *b, struct job *j, const struct buf *request, int channel,
                        struct err *e)
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
	/* The supervisor watches the exact clock; the kernel's limit counts sampled ticks, so it is
	 * set higher. */
	frame_addf(&m, "cpu", "%.0f", ceil(j->limit.cpu * 2) + 2);
	/* address space: with a cgroup, the memory in use is limited instead */
	frame_addf(&m, "memory", "%lld",
	           (long long)(b->jail.group.version ? j->limit.memory * SPACE : j->limit.memory));
	/* without a user namespace a user's threads are counted machine-wide: only memory limits
	 * them */
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

/* The program's process reports over its output socket that it is confined: L with the listener of
 * its filter, or K. Its output follows after that. */
static int handshake(struct job *j, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char text[500] = "";
	struct iovec iov = {text, sizeof text - 1};
	struct msghdr m = {.msg_iov = &iov,
	                   .msg_iovlen = 1,
	                   .msg_control = &control,
	                   .msg_controllen = sizeof control};
	struct cmsghdr *h;

	if (!wait_readable(j->out, START_SECONDS) || recvmsg(j->out, &m, MSG_CMSG_CLOEXEC) <= 0)
		return err_set(e, "the program's process ended early");
	h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&j->listener, CMSG_DATA(h), sizeof(int));
	if (text[0] == 'L' || text[0] == 'K')
		return 0;
	return err_set(e, "the program's process could not confine itself: %s", text);
}

/* The pid behind a pidfd, as seen from our namespace; 0 if /proc does not say. */
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

static int start_program(struct box *b, struct job *j, const struct buf *request, int channel,
                         struct err *e)
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
		return err_set(e, "%s",
		               frame_get(&j->program, "error") ? frame_get(&j->program, "error")
		                                               : "no program");
	j->pid = pid_of(j->pidfd);
	return handshake(j, e);
}

/* Sends the tests, with the tester's ends of the channel and of the verdict socket. */
static int send_tests(struct box *b, struct job *j, const struct buf *request, struct err *e)
{
	static const char *const keys[] = {"entry", "prompt",    "check", "test",
	                                   "setup", "isolation", "memory"};
	int pair[2], fds[2], rc;
	struct buf m = {0};
	const char *key, *value;
	size_t at = 0, nkey, n;

	if (getrandom(j->nonce, NONCE, 0) != NONCE)
		return err_set(e, "getrandom: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(e, "socketpair: %s", strerror(errno));
	j->reply = pair[0];
	fds[0] = j->channel;
	fds[1] = pair[1];
	frame_begin(&m);
	frame_adds(&m, "op", "run");
	frame_add(&m, "nonce", j->nonce, NONCE);
	frame_adds(&m, "file", b->jail.tier == 1 ? "1" : "");
	while (frame_next(request, &at, &key, &nkey, &value, &n))
		for (size_t k = 0; k < LEN(keys); k++)
			if (nkey == strlen(keys[k]) && !memcmp(key, keys[k], nkey))
				frame_add(&m, keys[k], value, n);
	rc = frame_send(b->side[SIDE_TESTER].control, &m, fds, 2, e);
	buf_release(&m);
	close_fd(&j->channel);
	close(pair[1]);
	return rc;
}

/* Waits for the tester's process; there is none if something is wrong with the tests. */
static int tester_starts(struct box *b, struct job *j, struct err *e)
{
	int control = b->side[SIDE_TESTER].control;
	size_t n = 1;

	j->keeper_dead = 1;
	if (!wait_readable(control, START_SECONDS) ||
	    frame_recv(control, &j->tester, &j->tester_pidfd, &n, e) != 1)
		return err_set(e, "the tests' side does not answer");
	j->keeper_dead = 0;
	if (frame_get(&j->tester, "started")) {
		j->tester_pid = pid_of(j->tester_pidfd);
		j->tester_cpu = clock_cpu(j->tester_pid);
		return 0;
	}
	if (!frame_get(&j->tester, "status"))
		return err_set(e, "cannot start a process for the tests");
	j->ended = now_seconds();
	j->answered = j->tester_done = 1;
	close_fd(&j->reply);
	kill_program(j);
	return 0;
}

/* ---- watching ---- */

static void drain(struct job *j)
{
	char bytes[65536];
	ssize_t n;

	do {
		n = recv(j->out, bytes, sizeof bytes, MSG_DONTWAIT);
		j->printed += n > 0 ? n : 0;
	/* otherwise a program that writes as fast as we read could go on for ever */
	} while (n > 0 && j->printed <= j->limit.output);
	if (j->printed > j->limit.output && !j->flooded) {
		j->flooded = 1;
		kill_program(j);
	}
	if (!n)
		close_fd(&j->out);
}

/* Handles a new thread if neither a group nor a private user limits their number. The flags are in
 * a register, so they cannot change after the check. */
static int counted(const struct job *j, const struct seccomp_notif *n)
{
	struct seccomp_notif_resp answer = {.id = n->id};

	if (n->data.nr != SYS_clone || !(n->data.args[0] & CLONE_THREAD) ||
	    n->data.args[0] & CLONE_NEWNS || n->data.args[0] & CLONE_NEWNET)
		return 0;
	if (usage_threads(j->pid) >= THREADS)
		answer.error = -EAGAIN;
	else
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(j->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);    /* it may be gone already */
	return 1;
}

/* The program is stopped in a forbidden call: records which, and kills it. */
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

/* CPU seconds left to the program, or to the tester for the program's values, whichever is less. */
static double cpu_left(const struct job *j, int *of_tester)
{
	double program = j->program_done ? 0 : clock_cpu(j->pid);
	double tester = j->answered || j->tester_done ? 0 : clock_cpu(j->tester_pid) - j->tester_cpu;

	*of_tester = tester > program;
	return j->limit.cpu - (*of_tester ? tester : program);
}

/* End of the wall limit. It is meant for programs that sleep: time that program or tester waited on
 * a busy machine is added, up to a bound. */
static double wall_end(struct job *j)
{
	double lost = j->program_done ? 0 : clock_lost_by(j->pid);

	if (j->looked && !j->tester_done)
		lost += clock_lost(clock_first(j->tester_pid), j->tester_before);
	j->starved = lost >= (STARVED - 1) * j->limit.wall;
	return j->begun + (j->starved ? STARVED * j->limit.wall : j->limit.wall + lost);
}

/* True if the verdict carries the nonce, which the tests never see. */
static int sealed(const struct job *j)
{
	size_t n = 0;
	const char *seal = frame_nth(&j->tester, "seal", 0, &n);

	return seal && n == NONCE && !memcmp(seal, j->nonce, NONCE);
}

static void tester_answers(struct job *j)
{
	struct err e;

	j->ended = now_seconds();
	j->answered = 1;
	if (frame_recv(j->reply, &j->tester, NULL, NULL, &e) != 1 || !sealed(j)) {
		j->tester_dead = 1;
		kill_by(j->tester_pidfd);       /* it can no longer answer */
		buf_clear(&j->tester);
	}
	close_fd(&j->reply);
	if (j->tester_dead || !frame_get(&j->tester, "status") ||
	    strcmp(frame_get(&j->tester, "status"), "died"))
		kill_program(j);
	else if (!j->program_done && !wait_ms(j->pidfd, LAST_MS)) {
		/* one that is already exiting keeps its status */
		j->cut_off = 1;
		kill_program(j);
	}
}

static void tester_ends(struct box *b, struct job *j)
{
	struct err e;

	j->tester_done = 1;
	if (frame_recv(b->side[SIDE_TESTER].control, &j->fate, NULL, NULL, &e) != 1) {
		j->keeper_dead = 1;
		buf_clear(&j->fate);
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

/* Watches until both have answered. Wall time is only a backstop: first the program is killed, then
 * the tester. */
static void watch(struct box *b, struct job *j)
{
	double patience = j->begun + j->limit.wall;

	while (!j->answered || !j->tester_done || !j->program_done) {
		enum { VERDICT, TESTER, PROGRAM, OUT, LISTENER, CLIENT, N };
		struct pollfd p[N] = {
			[VERDICT] = {.fd = j->reply, .events = POLLIN},
			[TESTER] = {.fd = j->tester_done ? -1 : b->side[SIDE_TESTER].control, .events = POLLIN},
			[PROGRAM] = {.fd = j->program_done ? -1 : b->side[SIDE_MODEL].control,
		                 .events = POLLIN},
			[OUT] = {.fd = j->out, .events = POLLIN},
			[LISTENER] = {.fd = j->listener, .events = POLLIN},
			[CLIENT] = {.fd = b->client},
		};
		double now = now_seconds(), left = patience - now;
		int ended = j->timed_out || j->cpu_out, of_tester;
		double cpu = cpu_left(j, &of_tester);

		if (!j->looked && now - j->begun >= SOON) {
			j->looked = 1;
			j->tester_before = clock_first(j->tester_pid);
		}
		if (!ended && left <= 0 && cpu > 0) {
			patience = wall_end(j);
			left = patience - now;
		}
		if (!ended && (left <= 0 || cpu <= 0)) {
			j->timed_out = left <= 0;
			j->cpu_out = cpu <= 0;
			j->tester_out = j->cpu_out && of_tester;
			kill_program(j);
			if (j->tester_out)      /* it is computing, so it would not notice */
				kill_by(j->tester_pidfd);
			patience = now + TESTER_SECONDS;
			continue;
		}
		if (!ended && cpu + TICK < left)
			left = cpu + TICK;
		if (!j->looked && SOON < left)
			left = SOON;
		/* the program was ended, and the tester hangs on one of its values */
		if (left <= 0) {
			j->tester_dead |= !j->answered;
			j->keeper_dead |= !j->tester_done;
			j->zygote_dead |= !j->program_done;
			return;
		}
		if (poll(p, N, (int)(left * 1000) + 1) < 0)
			continue;
		if (p[CLIENT].revents & (POLLHUP | POLLERR)) {
			box_close(b);           /* nobody waits for the reply any more */
			exit(EXIT_DONE);
		}
		if (p[LISTENER].revents & POLLIN)
			violation(j);
		/* the whole program is gone; receiving now would block for ever before Linux
		 * 6.11 */
		else if (p[LISTENER].revents)
			close_fd(&j->listener);
		if (p[OUT].revents)
			drain(j);
		if (p[PROGRAM].revents)
			program_ends(b, j);
		if (p[VERDICT].revents)
			tester_answers(j);
		if (p[TESTER].revents)
			tester_ends(b, j);
	}
}

/* ---- the whole job ---- */

static int ask_entry(struct box *b, const struct buf *request, struct buf *reply, struct err *e)
{
	struct proc *t = &b->side[SIDE_TESTER];
	struct buf m = {0};
	int rc;

	buf_add(&m, request->data, request->len);
	rc = frame_send(t->control, &m, NULL, 0, e);
	if (!rc && (!wait_readable(t->control, START_SECONDS) ||
	            frame_recv(t->control, reply, NULL, NULL, e) != 1)) {
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

/* Restores a side for the next job: alive, with an empty /tmp. */
static int settle(struct box *b, enum side side, int dead, const struct buf *end, struct err *e)
{
	if (dead || (frame_int(end, "used", 0) && proc_clean(&b->side[side], e)))
		return restart(b, side, e);
	return 0;
}

int job_run(struct box *b, const struct buf *request, struct buf *reply, struct err *e)
{
	struct job j = {.channel = -1, .out = -1, .listener = -1, .pidfd = -1,
	                .reply = -1, .tester_pidfd = -1};
	const char *op = frame_get(request, "op");
	int pair[2], rc = 0;

	if (op && !strcmp(op, "entry"))
		return ask_entry(b, request, reply, e);
	frame_begin(reply);
	j.limit = (struct limits){job_number(request, "cpu", 5), job_number(request, "wall", 20),
	                          frame_int(request, "memory", 1 << 30),
	                          frame_int(request, "output", 1 << 20)};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(e, "socketpair: %s", strerror(errno));
	j.channel = pair[0];
	rc = b->jail.group.version ? cgroup_begin(&b->jail.group, j.limit.memory, e) : 0;
	rc = rc || send_tests(b, &j, request, e) || start_program(b, &j, request, pair[1], e);
	close(pair[1]);
	j.begun = now_seconds();
	if (!rc && !tester_starts(b, &j, e)) {
		watch(b, &j);
		if (j.out >= 0)
			drain(&j);
		judge(b, &j, reply);
	} else {
		judge_say(reply, "error", "%s", e->msg);
		frame_addf(reply, "tier", "%d", b->jail.tier);
		/* in the middle of a job: the state of both sides is unknown */
		j.zygote_dead = j.keeper_dead = 1;
	}
	close_fd(&j.channel);
	close_fd(&j.out);
	close_fd(&j.listener);
	close_fd(&j.pidfd);
	close_fd(&j.reply);
	close_fd(&j.tester_pidfd);
	/* if /tmp cannot be cleaned, the jail is replaced */
	rc = settle(b, SIDE_MODEL, j.zygote_dead, &j.program, e) ||
	     settle(b, SIDE_TESTER, j.keeper_dead, &j.fate, e) ? -1 : 0;
	buf_release(&j.tester);
	buf_release(&j.program);
	buf_release(&j.fate);
	return rc;
}
