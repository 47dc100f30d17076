/* SPDX-License-Identifier: MIT */
/* kern_run, kern_share and kern_rows: every part once, on as many threads as were asked for, also
 * when that number changes, from inside a part, and after the threads have gone to sleep; what a
 * slow thread leaves is done by the others; and a busy core is not waited for by polling. */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kern/kern.h"
#include "tap.h"

enum { MOST = 7, RUNS = 2000 };

static _Atomic int calls[MOST];

static void count(void *ctx, size_t thread)
{
	atomic_fetch_add(&calls[thread], *(int *)ctx);
}

static void count_within(void *ctx, size_t thread)
{
	(void)thread;
	kern_run(count, ctx);
}

/* Calls of each part 0 .. n-1; -1 if they differ, or others were called. */
static int parts(int n)
{
	int first = calls[0];

	for (int i = 0; i < MOST; i++) {
		if (calls[i] != (i < n ? first : 0))
			return -1;
		calls[i] = 0;
	}
	return first;
}

static void mark(void *ctx, size_t first, size_t end)
{
	_Atomic int *seen = ctx;

	for (size_t i = first; i < end; i++)
		seen[i]++;
}

static int all_once(size_t n, size_t work)
{
	_Atomic int *seen = xcalloc(n + 1, sizeof *seen);
	int good = 1;

	kern_rows(mark, seen, n, work);
	for (size_t i = 0; i < n; i++)
		good &= seen[i] == 1;
	free(seen);
	return good;
}

struct uneven {
	_Atomic int seen[1000];
	_Atomic size_t of[MOST], done;   /* units that each thread did, and all */
	size_t n;
};

/* The first thread waits until the others have done all that it left them. */
static void slow_first(void *ctx, struct share *s, size_t thread)
{
	struct uneven *u = ctx;
	size_t first, end;

	while (share_take(s, thread, &first, &end)) {
		mark(u->seen, first, end);
		atomic_fetch_add(&u->of[thread], end - first);
		atomic_fetch_add(&u->done, end - first);
		for (int i = 0; !thread && u->done < u->n && i < 30000; i++)
			usleep(1000);
	}
}

/* Parts within a part: alone, on a share of its own. */
static void share_within(void *ctx, struct share *s, size_t thread)
{
	size_t first, end;

	(void)thread;
	while (share_take(s, thread, &first, &end))
		for (size_t i = first; i < end; i++)
			kern_share(slow_first, (struct uneven *)ctx + i, 10);
}

static void sharing(int n)
{
	struct uneven *u = xcalloc(4, sizeof *u);
	size_t left = 0;
	int good = 1;

	u->n = LEN(u->seen);
	kern_share(slow_first, u, u->n);
	for (size_t i = 0; i < LEN(u->seen); i++)
		good &= u->seen[i] == 1;
	for (int i = 1; i < MOST; i++)
		left += u->of[i];
	ok(good, "%d threads: every unit of a share once", n);
	ok(left + u->of[0] == LEN(u->seen) &&
	       (n == 1 || left > LEN(u->seen) * (size_t)(n - 1) / (size_t)n),
	   "%d threads: a slow thread's are taken by others", n);
	memset(u, 0, 4 * sizeof *u);
	kern_share(share_within, u, 4);
	for (size_t j = 0; j < 4; j++)
		for (size_t i = 0; i < 10; i++)
			good &= u[j].seen[i] == 1;
	ok(good, "%d threads: shares within a share", n);
	kern_share(slow_first, u, 0);
	free(u);
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All threads on one core, which other processes use as well: median seconds of a run. A thread
 * that gives its core away there waits for time slices of milliseconds. */
static double crowded(void)
{
	static double took[300];
	cpu_set_t one;
	pid_t spinners[4];
	int core = sched_getcpu(), n = 1;

	CPU_ZERO(&one);
	CPU_SET((size_t)core, &one);
	sched_setaffinity(0, sizeof one, &one);
	for (size_t i = 0; i < LEN(spinners); i++)
		if (!(spinners[i] = fork())) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				__asm__ volatile("");
		}
	for (size_t i = 0; i < LEN(took); i++) {
		double t = now_seconds();

		kern_run(count, &n);
		took[i] = now_seconds() - t;
	}
	for (size_t i = 0; i < LEN(spinners); i++)
		if (spinners[i] > 0)
			kill(spinners[i], SIGKILL);
	qsort(took, LEN(took), sizeof *took, rising);
	return took[LEN(took) / 2];
}

int main(void)
{
	struct err e;
	double median;
	int one = 1;

	for (int n = 1; n <= MOST; n += 2) {
		if (kern_init(n, &e)) {
			ok(0, "%s", e.msg);
			return 1;
		}
		for (int i = 0; i < RUNS; i++)
			kern_run(count, &one);
		ok(parts(n) == RUNS, "%d threads: every part once a run", n);
		for (int i = 0; i < 20; i++) {
			usleep(200);             /* long enough to fall asleep */
			kern_run(count, &one);
		}
		ok(parts(n) == 20, "%d threads: and after a pause", n);
		ok(all_once(0, 1 << 20) && all_once(1, 1 << 20) && all_once(2, 1 << 20) &&
		       all_once(1000, 1) && all_once(1000, 1 << 20),
		   "%d threads: every row once", n);
		sharing(n);
	}
	kern_init(3, &e) ? (void)0 : kern_run(count_within, &one);
	ok(parts(3) == 3, "a run within a run: its parts are done, once for each caller");
	unsetenv("SCORE_WAIT");
	if (kern_init(2, &e))
		return 1;
	median = crowded();
	ok(parts(2) == 300 && median < 1e-3, "on a busy core a run takes %.0f us", median * 1e6);
	return done();
}
