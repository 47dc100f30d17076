/* SPDX-License-Identifier: MIT */
/*
 * command: runs any command in a jail, its standard input, output and error
 * passed through, and says how it went.
 *
 *   supervisor (this process) --pipes--> init, pid 1 of the jail --fork, exec--> command and what
 *   it starts
 *
 * The verdict is made of what the supervisor and init see: exit status,
 * clocks, memory, bytes, the filter's listener. Nothing that the command says counts.
 * When the command's first process ends, init ends, and with it, by the kernel,
 * every process of the pid namespace. In tiers 2 and 3 there is none: the command is one process,
 * whose threads go with it, and starting another is a violation.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "base/base.h"
#include "jail.h"

struct command {
	char **argv;                 /* NULL-terminated */
	double cpu, wall;            /* seconds, of all processes together */
	uint64_t memory, output;     /* bytes: resident, of all processes together; of stdout and stderr
	                              * together */
	uint64_t file, tmp;          /* bytes: of one file; of all of /tmp */
	int processes;               /* and threads, at the same time; outside tier 1 only where there
	                              * is a cgroup */
	int tier, min_tier;          /* the best and the worst allowed */
	int no_group;                /* use no cgroup */
	int fd;                      /* where the verdict goes */
	const char *read[JAIL_READ_MAX + 2];   /* directories to read, resolved; owned;
	                                        * NULL-terminated */
};

/* Adds a directory to read: it must be there, and not be the root. */
MUST_CHECK int command_read(struct command *c, const char *dir, struct err *e);
/* 0: the command ran and the verdict is written; -1: it could not be run, or not be watched to its
 * end, or there is nobody to take the output or the verdict. Ends this process by the signal where
 * SIGINT, SIGTERM, SIGHUP or SIGQUIT comes, after the jail. */
MUST_CHECK int command_run(struct command *c, struct err *e);

#endif
