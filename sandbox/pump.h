/* SPDX-License-Identifier: MIT */
/*
 * pump: moves bytes from one descriptor to another inside a poll loop, without ever blocking, since
 * the loop also watches clocks.
 */
#ifndef PUMP_H
#define PUMP_H

#include <poll.h>

#include "base/base.h"

struct pump {
	const char *name;            /* name of our side for messages, "<stdin>" */
	int from, to;                /* from -1: ended; to -1: the reader is gone */
	uint64_t moved;              /* bytes read */
	/* number of bytes that may still be read, shared; NULL: any number */
	uint64_t *budget;
	int over;                    /* the budget was exceeded */
	char last;                   /* last byte written */
	size_t at, n;                /* rest of the buffer */
	char buffer[65536];
};

/* What to wait for: one entry, with fd -1 if there is nothing. */
struct pollfd pump_wants(const struct pump *p);
/* Does what revents allow. -1: reading or writing failed, and errno says how. */
MUST_CHECK int pump_turn(struct pump *p, short revents);
/* Nobody writes to the source any more, though it may be held open: it ends once its contents are
 * moved. */
void pump_last(struct pump *p);
/* True if there is something left to read or to write. */
int pump_busy(const struct pump *p);
/* Writes all n bytes to a descriptor that may be non-blocking. */
MUST_CHECK int write_all(int fd, const void *p, size_t n);

#endif
