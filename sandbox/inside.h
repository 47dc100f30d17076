/* SPDX-License-Identifier: MIT */
/*
 * inside: the child's side of command.h, from fork to exec: it enters the jail and becomes the
 * command, or, in tier 1, pid 1, which starts the command and waits for it; when pid 1 ends, all
 * its processes do.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <sys/resource.h>

#include "command.h"

struct ends {
	int in, out, err;            /* the command's standard descriptors */
	int report;                  /* errors before exec, as a line; closed by exec */
	int socket;                  /* 'L' with the filter's listener, or 'K' */
	/* a struct fate: in tier 1 after the command has ended, else before it starts */
	int status;
	/* one byte: start ('c': sockets and threads are counted); hang-up: the supervisor is
	 * gone */
	int go;
};

struct fate {
	int status;                  /* the command's wait status; tier 1 only */
	double own_cpu;              /* CPU seconds used by the jail itself */
};

/* Prefix of the line if the jail works but the command cannot be run. */
#define REPORT_EXEC "exec: "

/* CPU time. */
double seconds_of(const struct rusage *u);
NORETURN void inside(const struct jail *j, const struct command *c, const struct ends *ends);

#endif
