/* SPDX-License-Identifier: MIT */
/*
 * inside: the child's side of command.h, from its birth to exec: it enters
 * the jail and becomes the command, or in tier 1 pid 1, which starts the
 * command, waits for it and takes everything with it.
 */
#ifndef INSIDE_H
#define INSIDE_H

#include <sys/resource.h>

#include "command.h"

struct ends {
	int in, out, err;            /* the command's standard descriptors */
	int report;                  /* what goes wrong before exec: a line; closed by exec */
	int socket;                  /* 'L' with the filter's listener, or 'K' */
	int status;                  /* a struct fate: in tier 1 when the command has ended, else before
	                              * it begins */
	int go;                      /* one byte: begin, c: sockets and threads are counted; hung up:
	                              * the supervisor is gone */
};

struct fate {
	int status;                  /* the command's, as wait gives it; tier 1 only */
	double own_cpu;              /* seconds that were used for the jail itself */
};

/* The line begins with this: the jail is there, but the command is not. */
#define REPORT_EXEC "exec: "

/* CPU time. */
double seconds_of(const struct rusage *u);
NORETURN void inside(const struct jail *j, const struct command *c, const struct ends *ends);

#endif
