/* SPDX-License-Identifier: MIT */
/* clock: what processes did with their time, for limits on it (job.c). */
#ifndef CLOCK_H
#define CLOCK_H

#include <sys/types.h>

/* Nanoseconds that a thread ran, and waited for a processor; how often it got one. */
struct sched {
	double ran, waited, turns;
};

/* CPU seconds of all of a process's threads so far, 0 if there is no such process. */
double clock_cpu(pid_t pid);
/* What the scheduler did with a process's first thread so far. */
struct sched clock_first(pid_t pid);
/* Seconds that others' work kept a thread from a processor, of two looks at it. */
double clock_lost(struct sched now, struct sched since);
/* That of a process's threads which lost the most, since its birth. */
double clock_lost_by(pid_t pid);

#endif
