/* SPDX-License-Identifier: MIT */
/*
 * The threads behind kern_run. A forward of one row has about two hundred parallel sections of 50
 * us. Waking a sleeping thread for each would double that, and a thread that spins for long keeps
 * the pipe's other programs off its core. So a waiting thread polls for WATCH_NS and then sleeps;
 * it sleeps at once if a thread that it waits for last ran on the same core, since that one cannot
 * go on meanwhile. It does not yield: on a busy machine it would get its core back only after the
 * time slices of all the others, milliseconds later, whereas a sleeping thread that is woken runs
 * soon (make bench ONLY=threads).
 */
#include "kern/levels.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_NS = 50000, LOOKS = 8, LEAST_WORK = 1 << 14 };

/* A value that other threads change, and the number of threads sleeping until it changes. */
struct bell {
	_Alignas(64) _Atomic uint32_t value;
	_Atomic uint32_t asleep;
};

static struct {
	struct bell start, left;     /* runs started; workers still busy with this run */
	void (*f)(void *ctx, size_t thread);
	void *ctx;
	pthread_t *workers;          /* [n - 1] */
	_Atomic int *cores;          /* [n]: where each thread was when its part of a run began */
	size_t n, asked;             /* threads including the caller; threads requested */
	int busy, quit, patient;     /* patient: sleep without polling */
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

static void note_core(size_t thread)
{
	int core = sched_getcpu();

	if (atomic_load_explicit(&team.cores[thread], memory_order_relaxed) != core)
		atomic_store_explicit(&team.cores[thread], core, memory_order_relaxed);
}

/* Whether one that the thread waits for was last seen on its core: the caller (thread 0) waits for
 * the workers, a worker for the caller. */
static int in_the_way(size_t thread)
{
	int core = sched_getcpu();
	size_t end = thread ? 1 : team.n;

	for (size_t i = !thread; i < end; i++)
		if (atomic_load_explicit(&team.cores[i], memory_order_relaxed) == core)
			return 1;
	return 0;
}

/* Thread `thread` waits until the bell's value differs from `old`. */
static void bell_wait(struct bell *b, uint32_t old, size_t thread)
{
	int64_t end = team.patient ? 0 : now_ns() + WATCH_NS;

	while (atomic_load_explicit(&b->value, memory_order_acquire) == old) {
		if (now_ns() < end && !in_the_way(thread)) {
			for (int i = 0;
			     i < LOOKS && atomic_load_explicit(&b->value, memory_order_relaxed) == old; i++)
				relax();
			continue;
		}
		/* a thread that changes the value reads asleep afterwards, and the kernel compares
		 * the value again, so no wake-up is lost */
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
		bell_wait(&team.start, seen, i);
		seen++;
		if (team.quit)
			return NULL;
		note_core(i);
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
	free(team.cores);
	team.workers = NULL;
	team.cores = NULL;
	team.n = 0;
	team.quit = 0;
}

/* Starts workers for n threads; fewer if the system refuses. */
static void hire(size_t n)
{
	const char *policy = getenv("SCORE_WAIT");
	sigset_t all, old;
	size_t i;

	team.patient = policy && !strcasecmp(policy, "passive");
	team.workers = xreallocarray(NULL, n, sizeof *team.workers);
	team.cores = xreallocarray(NULL, n, sizeof *team.cores);
	for (i = 0; i < n; i++)
		atomic_init(&team.cores[i], -1);
	atomic_store(&team.start.value, 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);        /* the caller handles signals */
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

	if (n > 1 && !team.busy) {
		if (n != team.asked) {
			dismiss();
			hire(n);
		}
		team.busy = 1;
		team.f = f;
		team.ctx = ctx;
		note_core(0);
		begin();
		f(ctx, 0);
		while ((left = atomic_load_explicit(&team.left.value, memory_order_acquire)))
			bell_wait(&team.left, left, 0);
		team.busy = 0;
		i = team.n;
	} else {
		f(ctx, 0);
	}
	/* parts without a thread run here */
	for (; i < n; i++)
		f(ctx, i);
}

/* ---- shares ---- */

static struct slot *slots;           /* [kern_threads()] of the current run */
static size_t n_slots;

void share_alone(struct share *s, size_t n)
{
	s->slots = &s->own;
	s->n = 1;
	atomic_init(&s->own.left, n);
}

/* A thread takes seven eighths of what remains of its own range, or half of another's, from its
 * end. */
int share_take(struct share *s, size_t thread, size_t *first, size_t *end)
{
	for (size_t i = 0; i < s->n; i++) {
		_Atomic uint64_t *left = &s->slots[(thread + i) % s->n].left;
		uint64_t now = atomic_load(left);
		size_t lo, hi, n;

		while ((n = (hi = now & UINT32_MAX) - (lo = now >> 32))) {
			n = s->n == 1 ? n : i ? (n + 1) / 2 : (7 * n + 7) / 8;
			if (!atomic_compare_exchange_weak(left, &now,
			                                  i ? lo << 32 | (hi - n) : (lo + n) << 32 | hi))
				continue;
			*first = i ? hi - n : lo;
			*end = i ? hi : lo + n;
			return 1;
		}
	}
	return 0;
}

struct sharing {
	void (*f)(void *ctx, struct share *s, size_t thread);
	void *ctx;
	struct share share;
};

static void take_part(void *p, size_t thread)
{
	struct sharing *j = p;

	j->f(j->ctx, &j->share, thread);
}

void kern_share(void (*f)(void *ctx, struct share *s, size_t thread), void *ctx, size_t n)
{
	struct sharing j = {.f = f, .ctx = ctx};
	size_t team_size = (size_t)kern_threads();

	if (team_size == 1 || team.busy) {
		share_alone(&j.share, n);
		f(ctx, &j.share, 0);
		return;
	}
	if (team_size > n_slots) {
		free(slots);
		slots = xaligned(team_size * sizeof *slots);
		n_slots = team_size;
	}
	for (size_t i = 0; i < team_size; i++)
		atomic_init(&slots[i].left, (uint64_t)(n * i / team_size) << 32 | n * (i + 1) / team_size);
	j.share.slots = slots;
	j.share.n = team_size;
	kern_run(take_part, &j);
}

struct rows {
	void (*f)(void *ctx, size_t first, size_t end);
	void *ctx;
	size_t n, least;
};

static void some_rows(void *p, struct share *s, size_t thread)
{
	const struct rows *r = p;
	size_t first, end;

	while (share_take(s, thread, &first, &end)) {
		end = end * r->least;
		r->f(r->ctx, first * r->least, end < r->n ? end : r->n);
	}
}

void kern_rows(void (*f)(void *ctx, size_t first, size_t end), void *ctx, size_t n, size_t work)
{
	struct rows r = {f, ctx, n, 1 + LEAST_WORK / 4 / (work + 1)};

	if (kern_threads() == 1 || n < 2 || n * work < LEAST_WORK)
		f(ctx, 0, n);
	else
		kern_share(some_rows, &r, (n + r.least - 1) / r.least);
}
