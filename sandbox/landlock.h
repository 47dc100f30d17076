/* SPDX-License-Identifier: MIT */
/*
 * landlock: gives up, for this process and all that come from it, every file
 * outside the trees named; on newer kernels also TCP, abstract sockets and
 * signals to processes outside. Wants no_new_privs.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include "library.h"

/* Version of the kernel's interface, 0 where it has none. */
int landlock_abi(void);
/* Those that do not exist are passed over. */
struct landlock_paths {
	struct paths read, list;     /* files to read and run; folders in and below which names can be
	                              * seen. Borrowed */
	const char *const *write;    /* also made and changed; NULL-terminated */
};

MUST_CHECK int landlock_enter(const struct landlock_paths *p, struct err *e);

#endif
