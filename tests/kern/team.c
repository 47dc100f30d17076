/* SPDX-License-Identifier: MIT */
/* kern_run and kern_rows: every part once, on as many threads as were asked for, also when that number changes,
 * from inside a part, and after the threads have gone to sleep. */
#include <stdatomic.h>
#include <stdlib.h>
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

int main(void)
{
	struct err e;
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
		ok(all_once(0, 1 << 20) && all_once(1, 1 << 20) && all_once(2, 1 << 20) && all_once(1000, 1) && all_once(1000, 1 << 20),
		   "%d threads: every row once", n);
	}
	kern_init(3, &e) ? (void)0 : kern_run(count_within, &one);
	ok(parts(3) == 3, "a run within a run: its parts are done, once for each caller");
	return done();
}
