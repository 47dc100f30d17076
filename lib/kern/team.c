/* SPDX-License-Identifier: MIT */
/*
 * The threads behind kern_run. A forward of one row has some two hundred parallel parts of 50 us: waking a sleeping
 * thread for each costs as much again, and one that spins for long keeps other programs of the pipe from the core. So a
 * thread that waits looks again and again for WATCH_NS, offering its core to whoever wants it in between, and then sleeps.
 */
#include "kern/kern.h"

#include <linux/futex.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_NS = 50000, LOOKS = 8 };

/* A number that others change, and how many sleep until they do. */
struct bell {
	_Alignas(64) _Atomic uint32_t value;
	_Atomic uint32_t asleep;
};

static struct {
	struct bell start, left;     /* runs begun; workers that have not finished this one */
	void (*f)(void *ctx, size_t thread);
	void *ctx;
	pthread_t *workers;          /* [n - 1] */
	size_t n, asked;             /* threads with the caller, and as many as were wanted */
	int busy, quit, patient;     /* patient: sleeps at once */
} team;

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Returns when the bell's value is no longer `old`. */
static void bell_wait(struct bell *b, uint32_t old)
{
	int64_t end = team.patient ? 0 : now_ns() + WATCH_NS;

	while (atomic_load_explicit(&b->value, memory_order_acquire) == old) {
		if (now_ns() < end) {
			for (int i = 0; i < LOOKS && atomic_load_explicit(&b->value, memory_order_relaxed) == old; i++)
				relax();
			if (atomic_load_explicit(&b->value, memory_order_relaxed) == old)
				sched_yield();
			continue;
		}
		/* whoever changes the value reads asleep afterwards; the kernel compares the value once more */
		atomic_fetch_add(&b->asleep, 1);
		syscall(SYS_futex, &b->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
		atomic_fetch_sub(&b->asleep, 1);
	}
}

static void bell_wake(struct bell *b)
{
	if (atomic_load(&b->asleep))
		syscall(SYS_futex, &b->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static void *work(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;
	uint32_t seen = 0;

	for (;;) {
		bell_wait(&team.start, seen);
		seen++;
		if (team.quit)
			return NULL;
		team.f(team.ctx, i);
		if (atomic_fetch_sub(&team.left.value, 1) == 1)
			bell_wake(&team.left);
	}
}

static void begin(void)
{
	atomic_store(&team.left.value, (uint32_t)team.n - 1);
	atomic_fetch_add(&team.start.value, 1);
	bell_wake(&team.start);
}

static void dismiss(void)
{
	if (!team.n)
		return;
	team.quit = 1;
	begin();
	for (size_t i = 0; i + 1 < team.n; i++)
		pthread_join(team.workers[i], NULL);
	free(team.workers);
	team.workers = NULL;
	team.n = 0;
	team.quit = 0;
}

/* Workers for n threads; fewer if the system refuses. */
static void hire(size_t n)
{
	const char *policy = getenv("OMP_WAIT_POLICY");
	sigset_t all, old;
	size_t i;

	team.patient = policy && !strcasecmp(policy, "passive");
	team.workers = xreallocarray(NULL, n, sizeof *team.workers);
	atomic_store(&team.start.value, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);        /* signals are the caller's */
	for (i = 1; i < n; i++)
		if (pthread_create(&team.workers[i - 1], NULL, work, (void *)(uintptr_t)i))
			break;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	team.n = i;
	team.asked = n;
}

void kern_run(void (*f)(void *ctx, size_t thread), void *ctx)
{
	size_t n = (size_t)kern_threads(), i = 1;
	uint32_t left;

	if (n > 1 && !team.busy && !omp_in_parallel()) {
		if (n != team.asked) {
			dismiss();
			hire(n);
		}
		team.busy = 1;
		team.f = f;
		team.ctx = ctx;
		begin();
		f(ctx, 0);
		while ((left = atomic_load_explicit(&team.left.value, memory_order_acquire)))
			bell_wait(&team.left, left);
		team.busy = 0;
		i = team.n;
	} else {
		f(ctx, 0);
	}
	for (; i < n; i++)                       /* threads that are not to be had: their parts are done here */
		f(ctx, i);
}

struct rows {
	void (*f)(void *ctx, size_t first, size_t end);
	void *ctx;
	size_t n, parts;
};

static void some_rows(void *p, size_t i)
{
	struct rows *r = p;
	size_t first = r->n * i / r->parts, end = r->n * (i + 1) / r->parts;

	if (first < end)
		r->f(r->ctx, first, end);
}

void kern_rows(void (*f)(void *ctx, size_t first, size_t end), void *ctx, size_t n, size_t work)
{
	struct rows r = {f, ctx, n, (size_t)kern_threads()};

	if (r.parts == 1 || n < 2 || n * work < 1 << 14)
		f(ctx, 0, n);
	else
		kern_run(some_rows, &r);
}
