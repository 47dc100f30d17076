/* SPDX-License-Identifier: MIT */
/*
 * jail: starts the two Python processes, each in a jail of its own.
 *
 * Tiers; the strongest that works is used:
 *   1  user, pid, mount, net, ipc and uts namespaces (an empty file system with Python read-only
 *      and a small private /tmp), Landlock if the kernel has it, seccomp, rlimits
 *   2  Landlock, seccomp, rlimits; as root also another user (nobody)
 *   3  seccomp with read-only opens, rlimits
 * In all tiers, memory and the number of threads are limited by a cgroup where possible (cgroup.h).
 */
#ifndef JAIL_H
#define JAIL_H

#include <sys/types.h>

#include "base/frame.h"
#include "cgroup.h"
#include "library.h"
#include "policy.h"

enum { JAIL_READ_MAX = 32 };
/* Namespaces of tier 1 (clone's flags, <sched.h>). */
#define JAIL_NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

enum side { SIDE_MODEL, SIDE_TESTER };

struct jail {
	int tier;                    /* tier of the processes */
	/* resolved path of the interpreter; owned. NULL: the jail of a command, which has all of
	 * /usr */
	char *python;
	struct library library;      /* files that Python needs */
	char *source[2];             /* text of each side's program; owned */
	int code[2];                 /* descriptors of their bytecode, or of an empty file */
	int filter[2][2];            /* [side][deny]: descriptors of the ready-made filters */
	/* group of the model's side; version 0: memory limited by rlimit only */
	struct cgroup group;
	struct err no_group;         /* why there is no group */
	/* additional readable trees, resolved, NULL-terminated, at most JAIL_READ_MAX; borrowed,
	 * may be NULL */
	const char *const *read;
	/* for commands */
	/* mount options of a /tmp from which programs may be run; NULL: the usual /tmp */
	const char *tmp;
};

struct proc {
	pid_t pid;                   /* our child, not reaped yet; 0: none */
	int control;                 /* our end of its control socket */
	int space[2];                /* its user and mount namespaces in tier 1; else -1 */
	char version[32];            /* Python's version */
};

/* python NULL: /usr/bin/python3. read: see above. best, worst: tiers allowed (best <= worst);
 * group: whether a cgroup may be used. Starts both processes, which determines the tier. */
MUST_CHECK int jail_open(struct jail *j, const char *python, const char *const *read, int best,
                         int worst, int group, struct proc p[2], struct err *e);
/* After proc_stop of both. */
void jail_close(struct jail *j);
/* What limits a program's memory: "cgroup" or "rlimit". */
const char *jail_memory(const struct jail *j);
/* Starts one side again, after proc_stop. */
MUST_CHECK int proc_start(struct proc *p, struct jail *j, enum side side, struct err *e);
/* Replaces the /tmp of the model's side (tier 1), used by a program, by an empty one. */
MUST_CHECK int proc_clean(const struct proc *p, struct err *e);
/* Kills and reaps it; everything in its pid namespace dies with it. */
void proc_stop(struct proc *p);

/* Environment of every jail: home and user name, since there is no user database inside. */
#define JAIL_ENVIRONMENT \
	"PATH=/usr/bin:/bin", "HOME=/tmp", "USER=nobody", "LOGNAME=nobody", "LANG=C.UTF-8"
/* What may be opened in this tier. */
enum policy_files jail_files(const struct jail *j);

/* The parts of a jail, for a child process that will run a command. Errors are written to report
 * and end the process. enter: the file system of tier 1, or another user; lock: Landlock, which
 * requires no_new_privs. */
void jail_enter(const struct jail *j, int report);
void jail_lock(const struct jail *j, int report);
NORETURN void jail_fail(int report, const char *what);
/* Called by the parent: maps the child's user and group in its user namespace. */
MUST_CHECK int jail_map_ids(pid_t pid, struct err *e);

#endif
