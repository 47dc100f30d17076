/* SPDX-License-Identifier: MIT */
/*
 * command_policy: which system calls a command may make. Unlike a program
 * under test it may run others and start processes (in a pid namespace, tier
 * 1); it may reach nothing else that policy.h denies. The table is in
 * command_policy.c.
 */
#ifndef COMMAND_POLICY_H
#define COMMAND_POLICY_H

#include "policy.h"

struct sock_filter;

/* POLICY_PRIVATE: there is a pid namespace and a private place for files (tier 1); otherwise no
 * processes, signals to the calling one only. counted: pairs of sockets and, outside tier 1,
 * threads are told to the listener, too, which lets them be or not. Makes the filter's n
 * instructions, for the caller's user and group; *code is owned. */
MUST_CHECK int command_policy_make(enum policy_files files, int counted, enum policy_deny deny,
                                   struct sock_filter **code, size_t *n, struct err *e);
/* Gives up for good, for this process and all that come from it, every call that the filter (made
 * with POLICY_NOTIFY) does not allow. Wants no_new_privs. Returns the listener of forbidden calls
 * (close-on-exec), or -1 where the kernel gives none: forbidden calls then kill the process that
 * makes them; or -2 and the reason. */
MUST_CHECK int command_policy_enter(enum policy_files files, struct sock_filter *code, size_t n,
                                    struct err *e);

#endif
