/* SPDX-License-Identifier: MIT */
/* A process's time according to the kernel: used, and spent waiting for a core. */
#include "clock.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

/* Seconds on a core at a time, from which on a thread counts as computing. */
#define TURN 0.0005

double clock_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (!pid || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A thread's scheduler statistics; all zero if the kernel does not report them. */
static struct sched scheduled(pid_t pid, const char *thread)
{
	struct sched s = {0, 0, 0};
	char path[80], text[80];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/task/%.20s/schedstat", (long)pid, thread);
	f = fopen(path, "re");
	if (!f)
		return s;
	if (!fgets(text, sizeof text, f) ||
	    sscanf(text, "%lf %lf %lf", &s.ran, &s.waited, &s.turns) != 3)
		s = (struct sched){0, 0, 0};
	fclose(f);
	return s;
}

struct sched clock_first(pid_t pid)
{
	char name[32];

	snprintf(name, sizeof name, "%ld", (long)pid);
	return scheduled(pid, name);
}

/* A thread that keeps giving up its core by itself (it syncs, sleeps or yields) also waits for it
 * all the time, by its own doing, so waiting counts in full only if the thread used its turns. */
double clock_lost(struct sched now, struct sched since)
{
	double turns = now.turns - since.turns;
	double use = turns > 0 ? (now.ran - since.ran) / turns / (1e9 * TURN) : 0;

	return (now.waited - since.waited) * 1e-9 * (use < 1 ? use : 1);
}

double clock_lost_by(pid_t pid)
{
	const struct sched birth = {0, 0, 0};
	double most = 0, lost;
	struct dirent *d;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
	tasks = pid ? opendir(path) : NULL;
	while (tasks && (d = readdir(tasks)))
		if (*d->d_name != '.' && (lost = clock_lost(scheduled(pid, d->d_name), birth)) > most)
			most = lost;
	if (tasks)
		closedir(tasks);
	return most;
}
