/* SPDX-License-Identifier: MIT */
/*
 * landlock: denies this process and its descendants all files outside the given trees; on newer
 * kernels also TCP, abstract sockets and signals to outside processes. Requires no_new_privs.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include "library.h"

/* Version of the kernel's interface, 0 if it has none. */
int landlock_abi(void);
/* Paths that do not exist are skipped. */
struct landlock_paths {
	/* files that may be read and run; directories that may be listed, with all below.
	 * Borrowed */
	struct paths read, list;
	const char *const *write;    /* may also be created and changed; NULL-terminated */
};

MUST_CHECK int landlock_enter(const struct landlock_paths *p, struct err *e);

#endif
