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
#include "library.h"
#include "policy.h"

enum { JAIL_READ_MAX = 32 };
/* Tier 1 is born in these (clone's flags, <sched.h>). */
#define JAIL_NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

enum side { SIDE_MODEL, SIDE_TESTER };

struct jail {
	int tier;                    /* what the processes get */
	char *python;                /* resolved path of the interpreter; owned. NULL: a command's jail,
	                              * which has all of /usr */
	struct library library;      /* what it needs */
	char *source[2];             /* text of each side's program; owned */
	int code[2];                 /* descriptors of their bytecode, or of nothing */
	int filter[2][2];            /* [side][deny]: descriptors of the ready made filters */
	struct cgroup group;         /* the model's side's; version 0: memory by rlimit only */
	struct err no_group;         /* then: why */
	const char *const *read;     /* more trees to read, resolved, NULL-terminated, at most
	                              * JAIL_READ_MAX; borrowed, may be NULL */
	/* for commands */
	const char *tmp;             /* mount options of a /tmp that programs may be run from; NULL: the
	                              * usual one */
};

struct proc {
	pid_t pid;                   /* our child, not yet reaped; 0: none */
	int control;                 /* our end of its control socket */
	int space[2];                /* tier 1: its user and mount namespaces; else -1 */
	char version[32];            /* Python's */
};

/* python NULL: /usr/bin/python3. read: see above. best, worst: tiers allowed (best <= worst);
 * group: whether a cgroup may be used. Starts both processes, which settles the tier. */
MUST_CHECK int jail_open(struct jail *j, const char *python, const char *const *read, int best,
                         int worst, int group, struct proc p[2], struct err *e);
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

/* Variables that every jail has, for those that ask for a home and a name: of users it knows
 * nothing. */
#define JAIL_ENVIRONMENT \
	"PATH=/usr/bin:/bin", "HOME=/tmp", "USER=nobody", "LOGNAME=nobody", "LANG=C.UTF-8"
/* What may be opened in this tier. */
enum policy_files jail_files(const struct jail *j);

/* The parts of a jail, for a child process that is to run a command. What goes wrong is written to
 * report, and ends the process. enter: the file system of tier 1, or another user; lock: Landlock,
 * which wants no_new_privs. */
void jail_enter(const struct jail *j, int report);
void jail_lock(const struct jail *j, int report);
NORETURN void jail_fail(int report, const char *what);
/* By the parent: what the child's user and group are in the namespace it was born in. */
MUST_CHECK int jail_map_ids(pid_t pid, struct err *e);

#endif
