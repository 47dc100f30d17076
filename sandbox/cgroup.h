/* SPDX-License-Identifier: MIT */
/*
 * cgroup: real memory, the number of tasks and the processor time of the model's side or a command,
 * where the machine gives us a control group of our own: below the one we run in, else beside it (a
 * v2 group that holds processes cannot have limited children). Version 1 or 2. The zygote is put in
 * at its start and every program is born in it, so a job costs no group and no move. What is there
 * before a program (the warm Python) is not counted as the program's.
 *
 * The group is called score-box.PID. A small process waits until this one is
 * gone, in whatever way, and then takes it away; one that outlives even that is taken away by
 * the next score-box that starts beside it.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <sys/types.h>

#include "base/base.h"

struct cgroup {
	int version;                 /* of the memory controller: 1 or 2; 0: none, all else is void */
	int dir[3];                  /* memory, number of tasks, processor time; -1: none. Version 2 has
	                              * them in one. */
	char *path[3];               /* owned; NULL: none */
	int usage, peak, limit, events, cpu; /* descriptors of its files; peak, cpu: -1 where there is
	                                      * none */
	int64_t base;                /* bytes that the warm Python took when it was new */
	int64_t set, before;         /* limit as it is now; usage when the job began */
	int64_t kills;               /* by the kernel for want of memory, before it began */
	pid_t keeper;                /* the process that waits; 0: none */
	int alive;                   /* closed when we are gone */
};

/* Makes the group, for at most so many tasks. -1, with the reason, where there is none to be
 * had. */
MUST_CHECK int cgroup_make(struct cgroup *g, int tasks, struct err *e);
/* Moves a process of ours in. -1 where that is not allowed. */
MUST_CHECK int cgroup_enter(const struct cgroup *g, pid_t pid, struct err *e);
/* The processes in it now are its ground: what they use is not a program's. */
void cgroup_ground(struct cgroup *g);
/* A program begins, with so many bytes. */
MUST_CHECK int cgroup_begin(struct cgroup *g, int64_t bytes, struct err *e);
/* The most that it used at a time, in bytes; -1 where the kernel does not say. */
int64_t cgroup_peak(const struct cgroup *g);
/* Seconds of processor time that all who were ever in it have used there; -1 where the kernel
 * does not say. */
double cgroup_cpu(const struct cgroup *g);
/* Did the kernel kill for want of memory since it began? */
int cgroup_killed(const struct cgroup *g);
/* Takes the group away; its processes must be gone. */
void cgroup_release(struct cgroup *g);

#endif
