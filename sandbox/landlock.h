/* SPDX-License-Identifier: MIT */
/*
 * landlock: gives up, for this process and all that come from it, every file
 * outside the trees named; on newer kernels also TCP, abstract sockets and
 * signals to processes outside. Wants no_new_privs.
 */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include "base/base.h"

/* Version of the kernel's interface, 0 where it has none. */
int landlock_abi(void);
/* NULL-terminated lists of paths; those that do not exist are passed over. */
MUST_CHECK int landlock_enter(const char *const *readable, const char *const *writable, struct err *e);

#endif
