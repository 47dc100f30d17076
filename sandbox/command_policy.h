/* SPDX-License-Identifier: MIT */
/*
 * command_policy: which system calls a command may make. Unlike a program under test it may run
 * others and start processes (in a pid namespace, tier 1); everything else that policy.h denies is
 * denied here too. The table is in command_policy.c.
 */
#ifndef COMMAND_POLICY_H
#define COMMAND_POLICY_H

#include "policy.h"

struct sock_filter;

/* Makes the filter's n instructions, for the caller's user and group; *code is owned by the caller.
 * POLICY_PRIVATE: there is a pid namespace and a private place for files (tier 1); otherwise no new
 * processes, and signals only to itself. counted: socket pairs and, outside tier 1, threads are
 * also reported to the listener, which allows them or not. */
MUST_CHECK int command_policy_make(enum policy_files files, int counted, enum policy_deny deny,
                                   struct sock_filter **code, size_t *n, struct err *e);
/* Installs the filter (made with POLICY_NOTIFY) for this process and its descendants, for good.
 * Requires no_new_privs. Returns the listener of forbidden calls (close-on-exec), or -1 if the
 * kernel does not provide one: forbidden calls then kill the calling process; or -2 and the
 * reason. */
MUST_CHECK int command_policy_enter(enum policy_files files, struct sock_filter *code, size_t n,
                                    struct err *e);

#endif
