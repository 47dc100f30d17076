/* SPDX-License-Identifier: MIT */
/* clock: how processes used their time, for limits on it (job.c). */
#ifndef CLOCK_H
#define CLOCK_H

#include <sys/types.h>

/* Nanoseconds that a thread ran and waited for a core; number of times it got one. */
struct sched {
	double ran, waited, turns;
};

/* CPU seconds of all of a process's threads so far, 0 if there is no such process. */
double clock_cpu(pid_t pid);
/* Scheduler statistics of a process's first thread so far. */
struct sched clock_first(pid_t pid);
/* Seconds between two samples that a thread waited for a core because of other work. */
double clock_lost(struct sched now, struct sched since);
/* The same since the process started, for the thread that waited most. */
double clock_lost_by(pid_t pid);

#endif
