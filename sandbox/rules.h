/* SPDX-License-Identifier: MIT */
/*
 * rules: what the policies for programs (policy.h) and for commands
 * (command_policy.h) have in common. Included by those two only.
 */
#ifndef RULES_H
#define RULES_H

#include <seccomp.h>

#include "base/base.h"

#define RULES_END NULL

/* Lists of names, up to RULES_END. */
/* Always allowed: they reach nothing but the process itself and what it holds open. */
extern const char *const rules_allowed[];
/* Making and changing files: only where the process has a private place for them. */
extern const char *const rules_writing[];
/* Forbidden: other processes' insides, the network, the kernel's wider interfaces, the machine. */
extern const char *const rules_forbidden[];

/* One rule with n argument tests; a name this machine does not have is passed over. */
MUST_CHECK int rules_add(scmp_filter_ctx c, uint32_t action, const char *name,
                         const struct scmp_arg_cmp *args, unsigned n, struct err *e);
MUST_CHECK int rules_add_all(scmp_filter_ctx c, uint32_t action, const char *const *names,
                             struct err *e);
/* A file is opened for reading or not at all. */
MUST_CHECK int rules_open_read_only(scmp_filter_ctx c, struct err *e);
/* Or for writing, where Landlock knows which: but not one without a name, nor for neither. */
MUST_CHECK int rules_open_named(scmp_filter_ctx c, struct err *e);
/* A local socket is refused with an error, because the C library asks for one when it looks up a
 * user; and an IPv4 datagram socket, because libuuid (Python's uuid1) asks for one to learn the
 * machine's addresses. Any other is forbidden. */
MUST_CHECK int rules_sockets(scmp_filter_ctx c, uint32_t forbid, struct err *e);
/* Becoming the user and group that one is, as seteuid and setuid do, is allowed; becoming others
 * gets this. */
MUST_CHECK int rules_ids(scmp_filter_ctx c, uint32_t uid, uint32_t gid, uint32_t others,
                         struct err *e);
/* A new filter in which what no rule names gets ENOSYS; NULL, and the reason. */
scmp_filter_ctx rules_new(struct err *e);
/* The filter's instructions as a descriptor (memory file, close-on-exec); -1, and the reason. */
MUST_CHECK int rules_export(scmp_filter_ctx c, struct err *e);

#endif
