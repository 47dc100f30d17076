/* SPDX-License-Identifier: MIT */
/*
 * rules: shared by the policies for programs (policy.h) and for commands (command_policy.h), and
 * included only by those two.
 */
#ifndef RULES_H
#define RULES_H

#include <seccomp.h>

#include "base/base.h"

#define RULES_END NULL

/* Lists of names, up to RULES_END. */
/* Always allowed: they affect only the process itself and what it has open. */
extern const char *const rules_allowed[];
/* Creating and changing files: allowed only if the process has a private place for them. */
extern const char *const rules_writing[];
/* Forbidden: access to other processes, the network, exotic kernel interfaces, administration. */
extern const char *const rules_forbidden[];

/* Adds a rule with n argument tests; calls that this machine does not have are skipped. */
MUST_CHECK int rules_add(scmp_filter_ctx c, uint32_t action, const char *name,
                         const struct scmp_arg_cmp *args, unsigned n, struct err *e);
MUST_CHECK int rules_add_all(scmp_filter_ctx c, uint32_t action, const char *const *names,
                             struct err *e);
/* Files may only be opened for reading. */
MUST_CHECK int rules_open_read_only(scmp_filter_ctx c, struct err *e);
/* Files may also be opened for writing, restricted by Landlock; but not unnamed ones, nor with an
 * invalid access mode. */
MUST_CHECK int rules_open_named(scmp_filter_ctx c, struct err *e);
/* Local sockets are refused with an error, since the C library tries one for user look-ups, and so
 * are IPv4 datagram sockets, since libuuid (Python's uuid1) uses one to find the machine's
 * addresses. Others are forbidden. */
MUST_CHECK int rules_sockets(scmp_filter_ctx c, uint32_t forbid, struct err *e);
/* Changing to the current user and group is allowed, as seteuid and setuid do; for other ids the
 * action is `others`. */
MUST_CHECK int rules_ids(scmp_filter_ctx c, uint32_t uid, uint32_t gid, uint32_t others,
                         struct err *e);
/* A new filter in which calls without a rule get ENOSYS; NULL with the reason. */
scmp_filter_ctx rules_new(struct err *e);
/* The filter's instructions as a descriptor (memory file, close-on-exec); -1 with the reason. */
MUST_CHECK int rules_export(scmp_filter_ctx c, struct err *e);

#endif
