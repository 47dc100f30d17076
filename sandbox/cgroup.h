/* SPDX-License-Identifier: MIT */
/*
 * cgroup: limits and measures resident memory, number of tasks and CPU time of the model's side or
 * a command, where we can create a control group: below the one we run in, else beside it (a v2
 * group with processes cannot have limited children). Version 1 or 2. The zygote joins the group at
 * its start and programs inherit it, so a job does not need to create or join one. What exists
 * before a program (the warm Python) is not counted as the program's.
 *
 * The group is called score-box.PID. A small process waits until this one is gone, however it ends,
 * and then removes the group; a group left behind even so is removed by the next score-box that
 * starts beside it.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <sys/types.h>

#include "base/base.h"

struct cgroup {
	/* version of the memory controller, 1 or 2; 0: no group, the other fields are unused */
	int version;
	/* memory, number of tasks, CPU time; -1: none. Version 2 has one group for all. */
	int dir[3];
	char *path[3];               /* owned; NULL: none */
	/* descriptors of its files; peak, cpu: -1 if there is none */
	int usage, peak, limit, events, cpu;
	int64_t base;                /* bytes used by the warm Python when it was new */
	int64_t set, before;         /* current limit; usage when the job began */
	int64_t kills;               /* out-of-memory kills before the job began */
	pid_t keeper;                /* process that removes the group; 0: none */
	int alive;                   /* pipe: closes when we are gone, or a byte says so */
};

/* Creates the group, for at most `tasks` tasks. -1, with the reason, if that is not possible. */
MUST_CHECK int cgroup_make(struct cgroup *g, int tasks, struct err *e);
/* Moves one of our processes into it. -1 if that is not allowed. */
MUST_CHECK int cgroup_enter(const struct cgroup *g, pid_t pid, struct err *e);
/* Takes the current usage as the base, which is not counted as a program's. */
void cgroup_ground(struct cgroup *g);
/* A program starts, limited to `bytes` bytes. */
MUST_CHECK int cgroup_begin(struct cgroup *g, int64_t bytes, struct err *e);
/* Its peak usage in bytes; -1 if the kernel does not report it. */
int64_t cgroup_peak(const struct cgroup *g);
/* CPU seconds used in the group by all its processes so far; -1 if the kernel does not report
 * it. */
double cgroup_cpu(const struct cgroup *g);
/* True if the kernel killed for lack of memory since cgroup_begin. */
int cgroup_killed(const struct cgroup *g);
/* Removes the group; its processes must be gone. */
void cgroup_release(struct cgroup *g);

#endif
