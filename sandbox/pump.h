/* SPDX-License-Identifier: MIT */
/*
 * pump: moves bytes from one descriptor to another inside a poll loop, without
 * ever blocking: the loop has clocks to watch.
 */
#ifndef PUMP_H
#define PUMP_H

#include <poll.h>

#include "base/base.h"

struct pump {
	const char *name;            /* for messages: of the side that is ours, "<stdin>" */
	int from, to;                /* from -1: ended; to -1: nobody takes it any more */
	uint64_t moved;              /* bytes read */
	uint64_t *budget;            /* how many may still be read, shared; NULL: any number. */
	int over;                    /* there was more than that */
	char last;                   /* byte written */
	size_t at, n;                /* what is left in the buffer */
	char buffer[65536];
};

/* What to wait for: one entry, its fd -1 where there is nothing. */
struct pollfd pump_wants(const struct pump *p);
/* Does what revents allow. -1: reading or writing failed, and errno says how. */
MUST_CHECK int pump_turn(struct pump *p, short revents);
/* Nobody writes to the source any more, though somebody may hold it open: with all that is in it
 * moved, it has ended. */
void pump_last(struct pump *p);
/* Is there something to come, or to be delivered? */
int pump_busy(const struct pump *p);
/* The whole of it to a descriptor that may be non-blocking. */
MUST_CHECK int write_all(int fd, const void *p, size_t n);

#endif
