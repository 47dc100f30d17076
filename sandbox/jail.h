/* SPDX-License-Identifier: MIT */
/*
 * jail: starts the two Python processes, each in a jail of its own.
 *
 * Tiers, the strongest that works is taken:
 *   1  user, pid, mount, net, ipc and uts namespaces (an empty file system
 *      with Python read-only and a small private /tmp), Landlock if the
 *      kernel has it, seccomp, rlimits
 *   2  Landlock, seccomp, rlimits; as root also another user (nobody)
 *   3  seccomp with read-only opens, rlimits
 * In each of them memory and the number of threads are limited by a cgroup
 * where one can be had (cgroup.h).
 */
#ifndef JAIL_H
#define JAIL_H

#include <sys/types.h>

#include "base/frame.h"
#include "cgroup.h"

enum side { SIDE_MODEL, SIDE_TESTER };

struct jail {
	int tier;                    /* what the processes get */
	char *python;                /* resolved path of the interpreter; owned */
	char *prefix;                /* its directory tree, where that is not /usr; owned, may be NULL */
	char *source[2];             /* text of each side's program; owned */
	int filter[2][2];            /* [side][deny]: descriptors of the ready made filters */
	struct cgroup group;         /* the model's side's; version 0: memory by rlimit only */
	struct err no_group;         /* then: why */
};

struct proc {
	pid_t pid;                   /* our child, not yet reaped; 0: none */
	int control;                 /* our end of its control socket */
	int space[2];                /* tier 1: its user and mount namespaces; else -1 */
	char version[32];            /* Python's */
};

/* python NULL: /usr/bin/python3. best, worst: tiers allowed (best <= worst); group: whether a cgroup may be used.
 * Starts both processes, which settles the tier. */
MUST_CHECK int jail_open(struct jail *j, const char *python, int best, int worst, int group, struct proc p[2],
                         struct err *e);
/* After proc_stop of both. */
void jail_close(struct jail *j);
/* What limits a program's memory: "cgroup" or "rlimit". */
const char *jail_memory(const struct jail *j);
/* Starts one side again, after proc_stop. */
MUST_CHECK int proc_start(struct proc *p, struct jail *j, enum side side, struct err *e);
/* Gives the model's side (tier 1) an empty /tmp in place of the one that a program has used. */
MUST_CHECK int proc_clean(const struct proc *p, struct err *e);
/* Kills and reaps; everything in its pid namespace goes with it. */
void proc_stop(struct proc *p);

#endif
