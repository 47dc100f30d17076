/* SPDX-License-Identifier: MIT */
/*
 * The supervisor of a command: starts its jail, passes its data through, watches limits, writes the
 * verdict.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"
#include "landlock.h"
#include "policy.h"
#include "pump.h"
#include "usage.h"

enum {
	TICK_MS = 20,                /* interval between checks of clocks and memory */
	OVERSHOOT = 64 << 10,        /* by which the last message may exceed a socket's buffer */
};

enum cause { BY_ITSELF, FORBIDDEN, TOO_MUCH_OUTPUT, TOO_LONG, TOO_MUCH_CPU, TOO_MUCH_MEMORY };

struct run {
	const struct command *c;
	struct jail jail;
	pid_t pid;                           /* pid 1 of the jail, or the command */
	int pidfd, socket, listener, status_end, go;
	struct pump in, out, err;
	uint64_t budget;
	enum cause why;                      /* why we ended it */
	int call;                            /* forbidden */
	/* counter of CPU time if no group counts it; -1: none */
	int counter;
	uint64_t pair, sockets;              /* bytes: capacity of a pair, and of all pairs made */
	/* time of the last check; CPU time used before the command began */
	double looked, base;
	int has_status;
	struct fate fate;                    /* the command's fate */
	double begun, ended, cpu;            /* cpu: largest value seen */
	uint64_t peak;
	struct rusage used;
};

/* ---- signals to us ---- */

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static volatile sig_atomic_t caught;

static void on_signal(int s)
{
	caught = s;
}

/* Blocks them except while waiting; *waiting is the mask for that. */
static void hold_signals(sigset_t *waiting)
{
	struct sigaction now, act = {.sa_handler = on_signal};
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < LEN(deadly); i++)
		if (!sigaction(deadly[i], NULL, &now) && now.sa_handler != SIG_IGN) {
			sigaction(deadly[i], &act, NULL);
			sigaddset(&held, deadly[i]);
		}
	sigprocmask(SIG_BLOCK, &held, waiting);
	for (size_t i = 0; i < LEN(deadly); i++)
		sigdelset(waiting, deadly[i]);
}

/* ---- start ---- */

struct pipes {
	int in[2], out[2], err[2], report[2], status[2], go[2], socket[2];
};

static int open_pipes(struct pipes *p, struct err *e)
{
	if (pipe2(p->in, O_CLOEXEC) || pipe2(p->out, O_CLOEXEC) || pipe2(p->err, O_CLOEXEC) ||
	    pipe2(p->report, O_CLOEXEC) || pipe2(p->status, O_CLOEXEC) || pipe2(p->go, O_CLOEXEC))
		return err_set(e, "pipe: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->socket))
		return err_set(e, "socketpair: %s", strerror(errno));
	return fcntl(p->in[1], F_SETFL, O_NONBLOCK) ? err_set(e, "pipe: %s", strerror(errno)) : 0;
}

/* The child's ends. */
static void close_theirs(struct pipes *p)
{
	int *const theirs[] = {&p->in[0],     &p->out[1], &p->err[1],   &p->report[1],
	                       &p->status[1], &p->go[0],  &p->socket[1]};

	for (size_t i = 0; i < LEN(theirs); i++)
		close_fd(theirs[i]);
}

/* Waits until exec has closed the report pipe. 1: the jail works, but the command could not be
 * run. */
static int await_exec(struct run *r, int report, struct err *e)
{
	char text[512];
	size_t n = 0;
	ssize_t got;

	while ((got = read(report, text + n, sizeof text - 1 - n)) > 0 || (got < 0 && errno == EINTR))
		n += got > 0 ? (size_t)got : 0;
	text[n] = 0;
	if (!n)
		return 0;
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (strncmp(text, REPORT_EXEC, strlen(REPORT_EXEC)))
		return err_set(e, "%s", text);
	err_set(e, "%s", text + strlen(REPORT_EXEC));
	return 1;
}

static void kill_jail(const struct run *r)
{
	syscall(SYS_pidfd_send_signal, r->pidfd, SIGKILL, NULL, 0);
}

/* CPU time of everything that ever ran in the jail, if there is a counter; else -1. */
static double counted_cpu(const struct run *r)
{
	double group = r->jail.group.version ? cgroup_cpu(&r->jail.group) : -1;

	return group >= 0 ? group : usage_counted(r->counter);
}

/* Updates the CPU time. /proc does not include children that nobody waited for. */
static void look_at_clock(struct run *r)
{
	double cpu = counted_cpu(r) - r->base;

	if (cpu > r->cpu)
		r->cpu = cpu;
}

/* The child waits for this before it enters its jail. */
static int begin(struct run *r, int go, struct err *e)
{
	struct cgroup *g = &r->jail.group;

	if (g->version && cgroup_enter(g, r->pid, &r->jail.no_group))
		cgroup_release(g);
	close_fd(&r->counter);
	if (!g->version || cgroup_cpu(g) < 0)
		r->counter = usage_counter(r->pid);
	if (r->jail.tier == 1 && jail_map_ids(r->pid, e))
		return -1;
	return write_all(go, g->version ? "g" : "c", 1) ? err_set(e, "the child ended early") : 0;
}

static int born(struct run *r, struct pipes *p, struct err *e)
{
	const struct ends theirs = {p->in[0],     p->out[1],    p->err[1], p->report[1],
	                            p->socket[1], p->status[1], p->go[0]};
	int rc;

	fflush(NULL);
	r->pid =
		(pid_t)syscall(SYS_clone, SIGCHLD | CLONE_PIDFD | (r->jail.tier == 1 ? JAIL_NAMESPACES : 0),
	                   NULL, &r->pidfd, NULL, NULL);
	if (!r->pid) {
		close(p->go[1]);
		inside(&r->jail, r->c, &theirs);
	}
	close_theirs(p);
	if (r->pid < 0)
		return err_set(e, "clone: %s", strerror(errno));
	if (begin(r, p->go[1], e)) {
		kill_jail(r);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
		return -1;
	}
	rc = await_exec(r, p->report[0], e);
	r->begun = now_seconds();
	r->base = counted_cpu(r);
	if (rc)
		close_fd(&r->pidfd);
	return rc;
}

/* Starts it in the current tier. 1: other tiers would fail too. */
static int start(struct run *r, struct err *e)
{
	struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	int rc;

	if (r->jail.tier == 2 && !landlock_abi())
		return err_set(e, "the kernel has no Landlock");
	rc = open_pipes(&p, e) ? 1 : born(r, &p, e);
	close_fd(&p.report[0]);
	close_theirs(&p);
	if (rc) {
		int *const ours[] = {&p.in[1], &p.out[0], &p.err[0], &p.status[0], &p.go[1], &p.socket[0]};

		for (size_t i = 0; i < LEN(ours); i++)
			close_fd(ours[i]);
		return rc;
	}
	r->in = (struct pump){.name = "<stdin>", .from = 0, .to = p.in[1]};
	r->out = (struct pump){
	    .name = "<stdout>", .from = p.out[0], .to = 1, .budget = &r->budget, .last = '\n'};
	r->err = (struct pump){
	    .name = "<stderr>", .from = p.err[0], .to = 2, .budget = &r->budget, .last = '\n'};
	r->status_end = p.status[0];
	r->go = p.go[1];
	r->socket = p.socket[0];
	return 0;
}

static int start_best(struct run *r, struct err *e)
{
	struct buf why = {0};
	int rc = -1;

	for (r->jail.tier = r->c->tier; rc && r->jail.tier <= r->c->min_tier; r->jail.tier++) {
		rc = start(r, e);
		if (rc > 0)
			break;
		if (!rc) {
			buf_release(&why);
			return 0;
		}
		buf_addf(&why, "%stier %d: %s", why.len ? "; " : "", r->jail.tier, e->msg);
	}
	if (rc < 0)
		err_set(e, "no jail of tier %d..%d is available (%s)", r->c->tier, r->c->min_tier,
		        why.data);
	buf_release(&why);
	return -1;
}

/* ---- watching ---- */

static void end_it(struct run *r, enum cause why)
{
	if (r->why == BY_ITSELF)
		r->why = why;
	kill_jail(r);
}

static void take_listener(struct run *r)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char letter;
	struct iovec iov = {&letter, 1};
	struct msghdr m = {.msg_iov = &iov,
	                   .msg_iovlen = 1,
	                   .msg_control = &control,
	                   .msg_controllen = sizeof control};
	socklen_t size = sizeof(int);
	struct cmsghdr *h;
	/* of the default size, since changing it is forbidden */
	int buffer = 0;

	r->pair = UINT32_MAX;
	if (!getsockopt(r->socket, SOL_SOCKET, SO_SNDBUF, &buffer, &size))
		r->pair = 2 * ((uint64_t)buffer + OVERSHOOT);
	if (recvmsg(r->socket, &m, MSG_CMSG_CLOEXEC) == 1 && (h = CMSG_FIRSTHDR(&m)) &&
	    h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&r->listener, CMSG_DATA(h), sizeof(int));
	close_fd(&r->socket);
}

/* Socket buffers are memory that is not charged to any process, so the number of pairs is limited
 * such that all of them together can hold the command's memory limit. Closed pairs count too: an
 * end may be in flight in another socket. */
static int pair_too_many(struct run *r)
{
	if (r->sockets + r->pair > r->c->memory)
		return 1;
	r->sockets += r->pair;
	return 0;
}

/* Handles calls that are counted where there is no group: 0 if this is not one. The arguments are
 * in registers, so they cannot change after the check. */
static int counted(struct run *r, const struct seccomp_notif *n)
{
	struct seccomp_notif_resp answer = {.id = n->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
	int error = 0;

	if (n->data.nr == SYS_socketpair)
		error = pair_too_many(r) ? -ENFILE : 0;
	else if (n->data.nr == SYS_clone && n->data.args[0] & CLONE_THREAD)
		error = usage_threads(r->pid) >= (size_t)r->c->processes ? -EAGAIN : 0;
	else
		return 0;
	if (error) {
		answer.flags = 0;
		answer.error = error;
	}
	(void)ioctl(r->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);    /* it may be gone already */
	return 1;
}

/* A process is stopped in a forbidden call, for good: these are never answered. */
static void violation(struct run *r, short revents)
{
	struct seccomp_notif n;

	memset(&n, 0, sizeof n);
	if (revents & POLLIN && !ioctl(r->listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
		if (!r->jail.group.version && counted(r, &n))
			return;
		if (r->why == BY_ITSELF)
			r->call = n.data.nr;
		end_it(r, FORBIDDEN);
	} else if (revents & (POLLHUP | POLLERR))
		close_fd(&r->listener);
}

/* With a cgroup, the kernel enforces the memory limit and kills one process that exceeds it; we
 * kill the others. Otherwise the memory of all processes is checked from time to time. */
static int too_much_memory(const struct run *r, const struct usage *u)
{
	if (r->jail.group.version)
		return cgroup_killed(&r->jail.group);
	return u->memory > r->c->memory;
}

/* CPU time and memory of all processes together. */
static void measure(struct run *r)
{
	int with_root = r->jail.tier > 1;        /* the command itself, not pid 1 */
	struct usage u;

	usage_read(r->pid, with_root, &u);
	if (u.cpu > r->cpu)
		r->cpu = u.cpu;
	look_at_clock(r);
	r->looked = now_seconds();
	if (u.memory > r->c->memory && u.processes > 1 + (size_t)!with_root) {
		uint64_t once = usage_memory_once(r->pid, with_root);

		if (once)
			u.memory = once;
	}
	if (u.memory > r->peak)
		r->peak = u.memory;
	if (r->cpu > r->c->cpu)
		end_it(r, TOO_MUCH_CPU);
	else if (too_much_memory(r, &u))
		end_it(r, TOO_MUCH_MEMORY);
	else if (now_seconds() - r->begun > r->c->wall)
		end_it(r, TOO_LONG);
}

static void reap(struct run *r)
{
	int status = 0;

	while (wait4(r->pid, &status, 0, &r->used) < 0 && errno == EINTR)
		;
	r->ended = now_seconds();
	look_at_clock(r);
	close_fd(&r->pidfd);
	r->has_status =
		read(r->status_end, &r->fate, sizeof r->fate) == sizeof r->fate || r->jail.tier > 1;
	if (r->jail.tier > 1)
		r->fate.status = status;
	if (r->why == BY_ITSELF && r->jail.group.version && cgroup_killed(&r->jail.group))
		r->why = TOO_MUCH_MEMORY;
	close_fd(&r->in.to);
}

static int turn(struct run *r, struct pump *p, short revents, struct err *e)
{
	if (!pump_turn(p, revents)) {
		if (p->over)
			end_it(r, TOO_MUCH_OUTPUT);
		return 0;
	}
	/* the command has closed its stdin: harmless */
	if (p == &r->in && p->n) {
		close_fd(&p->to);
		p->n = 0;
		p->from = -1;
		return 0;
	}
	return err_set(e, "%s: %s", p->name, strerror(errno));
}

/* Watches until the jail is gone and its output is delivered. -1: an error outside the jail. */
static int watch(struct run *r, const sigset_t *waiting, struct err *e)
{
	enum { JAIL, SOCKET, LISTENER, IN, OUT, ERR, N };
	const struct timespec tick = {0, TICK_MS * 1000000L};

	while (r->pidfd >= 0 ||
	       (r->why != TOO_MUCH_OUTPUT && (pump_busy(&r->out) || pump_busy(&r->err)))) {
		struct pollfd p[N] = {
			[JAIL] = {.fd = r->pidfd, .events = POLLIN},
			[SOCKET] = {.fd = r->socket, .events = POLLIN},
			[LISTENER] = {.fd = r->listener, .events = POLLIN},
			[IN] = pump_wants(&r->in), [OUT] = pump_wants(&r->out), [ERR] = pump_wants(&r->err),
		};

		if (r->pidfd < 0)
			p[IN].fd = -1;
		if (ppoll(p, N, r->pidfd >= 0 ? &tick : NULL, waiting) < 0) {
			if (caught)
				return err_set(e, "signal");
			continue;
		}
		if (p[SOCKET].revents)
			take_listener(r);
		if (p[LISTENER].revents)
			violation(r, p[LISTENER].revents);
		if (turn(r, &r->in, p[IN].revents, e) || turn(r, &r->out, p[OUT].revents, e) ||
		    turn(r, &r->err, p[ERR].revents, e))
			return -1;
		if (p[JAIL].revents)
			reap(r);
		else if (r->pidfd >= 0 && r->why == BY_ITSELF &&
		         now_seconds() - r->looked > TICK_MS / 2000.)
			measure(r);
		/* a descriptor in flight in a socket may outlive its owners */
		if (r->pidfd < 0) {
			pump_last(&r->out);
			pump_last(&r->err);
		}
		if (r->in.from < 0 && !r->in.n)
			close_fd(&r->in.to);
	}
	return 0;
}

/* ---- verdict ---- */

static void say(struct buf *out, const char *status, const char *fmt, ...) PRINTF(3, 4);

/* The texts are our own and need no JSON escapes. */
static void say(struct buf *out, const char *status, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_addf(out, "{\"status\":\"%s\"", status);
	if (*text)
		buf_addf(out, ",\"detail\":\"%s\"", text);
}

/* The verdict of a command that ended by itself. */
static void of_end(const struct run *r, struct buf *out)
{
	int sig = WIFSIGNALED(r->fate.status) ? WTERMSIG(r->fate.status) : 0;

	if (sig == SIGSYS)
		say(out, "violation", "a forbidden system call");
	else if (sig == SIGXCPU || r->cpu > r->c->cpu)
		say(out, "timeout", "more than %g s of CPU time", r->c->cpu);
	else if (sig == SIGXFSZ)
		say(out, "output-limit", "a file of more than %llu bytes", (unsigned long long)r->c->file);
	else if (sig == SIGKILL && r->peak > r->c->memory / 2)
		say(out, "memory", "killed from outside, as the kernel does when memory is short");
	else if (sig)
		say(out, "exception", "ended by signal %d (%s)", sig, strsignal(sig));
	else if (WEXITSTATUS(r->fate.status))
		say(out, "exception", "exit status %d", WEXITSTATUS(r->fate.status));
	else
		say(out, "pass", "%s", "");
}

static void judge(struct run *r, struct buf *out)
{
	double cpu = seconds_of(&r->used) - r->fate.own_cpu;
	uint64_t largest = (uint64_t)r->used.ru_maxrss * 1024;
	char call[64] = "";

	if (cpu > r->cpu)
		r->cpu = cpu;
	if (largest > r->peak)
		r->peak = largest;
	if (r->why == TOO_MUCH_MEMORY && r->jail.group.version &&
	    cgroup_peak(&r->jail.group) > (int64_t)r->peak)
		r->peak = (uint64_t)cgroup_peak(&r->jail.group);
	switch (r->why) {
	case FORBIDDEN:
		policy_call_name(r->call, call);
		say(out, "violation", "forbidden system call: %s", call);
		break;
	case TOO_MUCH_OUTPUT:
		say(out, "output-limit", "more than %llu bytes printed", (unsigned long long)r->c->output);
		break;
	case TOO_LONG:
		say(out, "timeout", "more than %g s of wall time", r->c->wall);
		break;
	case TOO_MUCH_CPU:
		say(out, "timeout", "more than %g s of CPU time", r->c->cpu);
		break;
	case TOO_MUCH_MEMORY:
		say(out, "memory", "more than %llu bytes", (unsigned long long)r->c->memory);
		break;
	case BY_ITSELF:
		if (r->has_status)
			of_end(r, out);
		else
			say(out, "error", "the jail was ended from outside");
	}
	if (call[0])
		buf_addf(out, ",\"call\":\"%s\"", call);
	if (r->why == BY_ITSELF && r->has_status && WIFEXITED(r->fate.status))
		buf_addf(out, ",\"exit\":%d", WEXITSTATUS(r->fate.status));
	if (r->why == BY_ITSELF && r->has_status && WIFSIGNALED(r->fate.status))
		buf_addf(out, ",\"signal\":%d", WTERMSIG(r->fate.status));
	buf_addf(out,
	         ",\"tier\":%d,\"memory_by\":\"%s\",\"timing\":{\"cpu\":%.6f,\"wall\":%.6f,\"peak\":%"
	         "llu}}\n",
	         r->jail.tier, r->jail.group.version ? "cgroup" : "rlimit", r->cpu, r->ended - r->begun,
	         (unsigned long long)r->peak);
}

/* Writes the verdict on a line of its own, whatever was printed before. */
static int tell(struct run *r, struct err *e)
{
	const struct pump *same = r->c->fd == 1 ? &r->out : r->c->fd == 2 ? &r->err : NULL;
	struct buf text = {0};
	int rc;

	if (same && same->last != '\n')
		buf_addc(&text, '\n');
	judge(r, &text);
	rc = write_all(r->c->fd, text.data, text.len)
	         ? err_set(e, "descriptor %d: %s", r->c->fd, strerror(errno))
	         : 0;
	buf_release(&text);
	return rc;
}

/* ---- the whole run ---- */

int command_read(struct command *c, const char *dir, struct err *e)
{
	char real[PATH_MAX];
	struct stat st;
	size_t n = 0;

	while (c->read[n])
		n++;
	if (n == JAIL_READ_MAX)
		return err_set(e, "more than %d directories", JAIL_READ_MAX);
	if (!realpath(dir, real) || stat(real, &st))
		return err_set(e, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, "%s: not a directory", dir);
	if (!real[1])
		return err_set(e, "%s: not the whole file system", dir);
	c->read[n] = xstrdup(real);
	return 0;
}

int command_run(struct command *c, struct err *e)
{
	struct run *r;
	char tmp[100];
	sigset_t waiting;
	int rc;

	/* contains only symbolic links, such as /usr/bin/cc and /usr/bin/awk point to */
	if (!access("/etc/alternatives", F_OK) && command_read(c, "/etc/alternatives", e))
		return -1;
	snprintf(tmp, sizeof tmp, "size=%llu,nr_inodes=4096,mode=700", (unsigned long long)c->tmp);
	r = xcalloc(1, sizeof *r);
	r->c = c;
	r->budget = c->output;
	r->pidfd = r->socket = r->listener = r->status_end = r->go = r->counter = -1;
	r->jail = (struct jail){.filter = {{-1, -1}, {-1, -1}}, .read = c->read, .tmp = tmp};
	hold_signals(&waiting);
	if (!c->no_group && !cgroup_make(&r->jail.group, c->processes + 1, &r->jail.no_group) &&
	    cgroup_begin(&r->jail.group, (int64_t)c->memory, &r->jail.no_group))
		cgroup_release(&r->jail.group);
	rc = start_best(r, e);
	if (!rc)
		rc = watch(r, &waiting, e);
	if (r->pidfd >= 0) {
		kill_jail(r);
		reap(r);
	}
	if (caught) {
		signal(caught, SIG_DFL);
		raise(caught);
		sigprocmask(SIG_SETMASK, &waiting, NULL);
	}
	if (!rc)
		rc = tell(r, e);
	close_fd(&r->listener);
	close_fd(&r->status_end);
	close_fd(&r->go);
	close_fd(&r->counter);
	if (r->jail.group.version)
		cgroup_release(&r->jail.group);
	free(r);
	return rc;
}
