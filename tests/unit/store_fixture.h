/* SPDX-License-Identifier: MIT */
/* What the store's tests share: values that say what and when they are, and whether a store is
 * sound. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "tap.h"
#include "store/inside.h"

#include <stdlib.h>
#include <string.h>

static struct err e;

static int says(const char *text)
{
	if (strstr(e.msg, text))
		return 1;
	diag("got: %s", e.msg);
	return 0;
}

/* What tensor i holds at step s: any function of the two will do. */
static void fill(void *p, size_t bytes, uint64_t i, uint64_t s)
{
	unsigned char *b = p;

	for (size_t k = 0; k < bytes; k++) {
		uint64_t what[3] = {k, i, s};

		b[k] = (unsigned char)(hash_bytes(what, sizeof what) >> 32);
	}
}

static int filled(const void *p, size_t bytes, uint64_t i, uint64_t s)
{
	unsigned char *want = xmalloc(bytes + 1);
	int same;

	fill(want, bytes, i, s);
	same = !memcmp(want, p, bytes);
	free(want);
	return same;
}

static void on_fault(const char *msg, void *data)
{
	++*(int *)data;
	diag("fsck: %s", msg);
}

static int sound(struct store *st)
{
	int seen = 0, n = store_fsck(st, on_fault, &seen, &e);

	if (n < 0)
		diag("%s", e.msg);
	return n == 0 && !seen;
}

#endif
