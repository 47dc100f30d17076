/* SPDX-License-Identifier: MIT */
/*
 * What it costs to hand a section to the threads and to have them all back, for `make bench`: an
 * empty function through kern_run, through OpenMP's parallel region and through pthreadpool
 * (libpthreadpool0, looked for at run time). One line of JSON:
 *
 *   threads POOL THREADS SPINNERS PAUSE SECONDS
 *
 * POOL: score, openmp, pthreadpool or pthreadpool-yield (its workers sleep at once). SPINNERS:
 * processes that keep a core busy meanwhile. PAUSE: microseconds that the caller works on its own
 * before each section; they are not in the latency, but the workers wait through them. SECONDS: how
 * long to go on.
 */
#include <dlfcn.h>
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "kern/kern.h"

enum { YIELD_WORKERS = 2 };          /* pthreadpool's flag */

typedef void section(void *ctx, size_t thread);

static section nothing;
static size_t n_threads;

static void nothing(void *ctx, size_t thread)
{
	(void)ctx;
	(void)thread;
	__asm__ volatile("" ::: "memory");
}

static void with_score(void)
{
	kern_run(nothing, NULL);
}

static void with_openmp(void)
{
#pragma omp parallel num_threads((int)n_threads)
	nothing(NULL, (size_t)omp_get_thread_num());
}

static void *pool;
static void (*parallelize)(void *pool, section *f, void *ctx, size_t n, uint32_t flags);
static uint32_t flags;

static void with_pthreadpool(void)
{
	parallelize(pool, nothing, NULL, n_threads, flags);
}

static void open_pthreadpool(void)
{
	void *library = dlopen("libpthreadpool.so.0", RTLD_NOW);
	void *(*create)(size_t threads);

	if (library) {
		*(void **)&create = dlsym(library, "pthreadpool_create");
		*(void **)&parallelize = dlsym(library, "pthreadpool_parallelize_1d");
		if (create && parallelize)
			pool = create(n_threads);
	}
	if (!pool) {
		puts("{\"skip\":\"libpthreadpool.so.0 is not there (Debian: libpthreadpool0)\"}");
		exit(EXIT_DONE);
	}
}

static double clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Processes that spin until this one ends. */
static void spinners(uint64_t n)
{
	pid_t parent = getpid();

	while (n--) {
		pid_t child = fork();

		if (child < 0)
			die(EXIT_ERROR, "fork failed");
		if (child)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			for (volatile int i = 0; i < 100000; i++)
				;
		_exit(0);
	}
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(void (*call)(void), double pause, double seconds)
{
	enum { WARM_UP = 10, MOST = 20000 };
	static double took[MOST];
	double end, cpu, sum = 0, pauses = 0;
	size_t n = 0;

	for (int i = 0; i < WARM_UP; i++)
		call();
	cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	end = now_seconds() + seconds;
	while (n < MOST && (!n || now_seconds() < end)) {
		double begin = now_seconds(), from;

		while ((from = now_seconds()) - begin < pause)
			;
		call();
		took[n] = now_seconds() - from;
		pauses += from - begin;
		sum += took[n++];
	}
	cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	qsort(took, n, sizeof *took, rising);
	printf("{\"calls\":%zu,\"mean\":%.6g,\"p50\":%.6g,\"cpu\":%.6g}\n", n, sum / (double)n,
	       took[n / 2], cpu > pauses ? (cpu - pauses) / (double)n : 0);
}

int main(int argc, char **argv)
{
	uint64_t threads, busy, pause;
	void (*call)(void) = NULL;
	struct err e;

	prog_init(argv[0]);
	if (argc != 6)
		die(EXIT_USAGE, "usage: threads POOL THREADS SPINNERS PAUSE SECONDS");
	if (parse_u64(argv[2], 1, 1024, &threads, &e) || parse_u64(argv[3], 0, 1024, &busy, &e) ||
	    parse_u64(argv[4], 0, 1000000, &pause, &e))
		die(EXIT_USAGE, "%s", e.msg);
	n_threads = threads;
	spinners(busy);
	if (!strcmp(argv[1], "score")) {
		if (kern_init((int)threads, &e))
			die(EXIT_ERROR, "%s", e.msg);
		call = with_score;
	} else if (!strcmp(argv[1], "openmp")) {
		call = with_openmp;
	} else if (!strncmp(argv[1], "pthreadpool", 11)) {
		open_pthreadpool();
		flags = argv[1][11] ? YIELD_WORKERS : 0;
		call = with_pthreadpool;
	} else {
		die(EXIT_USAGE, "no such pool: %s", argv[1]);
	}
	measure(call, (double)pause * 1e-6, strtod(argv[5], NULL));
	return EXIT_DONE;
}
