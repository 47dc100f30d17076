/* SPDX-License-Identifier: MIT */
/*
 * command: runs any command in a jail, with its standard input, output and error passed through,
 * and reports how it ended.
 *
 *   supervisor (this process) --pipes--> init, pid 1 of the jail --fork, exec--> command and what
 *   it starts
 *
 * The verdict is based on what the supervisor and init observe: exit status, clocks, memory, bytes,
 * the filter's listener. Nothing that the command says counts. When the command's first process
 * ends, init ends, and the kernel then kills every process of the pid namespace. In tiers 2 and 3
 * there is no pid namespace: the command is one process, whose threads end with it, and starting
 * another is a violation.
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
	/* including threads, at the same time; outside tier 1 limited only with a cgroup */
	int processes;
	int tier, min_tier;          /* best and worst tier allowed */
	int no_group;                /* do not use a cgroup */
	int fd;                      /* the verdict is written here */
	const char *read[JAIL_READ_MAX + 2];   /* directories to read, resolved; owned;
	                                        * NULL-terminated */
};

/* Adds a readable directory, which must exist and not be the root. */
MUST_CHECK int command_read(struct command *c, const char *dir, struct err *e);
/* 0: the command ran and the verdict is written; -1: it could not be run or watched to its end, or
 * its output or the verdict could not be written. On SIGINT, SIGTERM, SIGHUP or SIGQUIT, ends the
 * jail and then this process by that signal. */
MUST_CHECK int command_run(struct command *c, struct err *e);

#endif
