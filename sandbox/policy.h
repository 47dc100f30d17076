/* SPDX-License-Identifier: MIT */
/*
 * policy: which system calls a jailed Python process may make, as a ready-made filter program that
 * the process loads itself after its fork. The table is in policy.c.
 */
#ifndef POLICY_H
#define POLICY_H

#include "base/base.h"

/* The model's side sends its listener over this descriptor (SEND_FD in model.py); it cannot send
 * descriptors otherwise. */
enum { POLICY_SEND_FD = 200 };

enum policy_who { POLICY_MODEL, POLICY_TESTER };
/* What a forbidden call does: stop and be reported to the listener, or kill the process. */
enum policy_deny { POLICY_NOTIFY, POLICY_KILL };

/* What may be opened: files for reading only; also for writing, with Landlock denying all but a few
 * devices; or files may be created and changed in a private place (everything else is mounted
 * read-only). */
enum policy_files { POLICY_READ_ONLY, POLICY_DEVICES, POLICY_PRIVATE };

struct policy {
	enum policy_who who;
	enum policy_deny deny;
	enum policy_files files;
	/* with POLICY_NOTIFY: threads are also reported to the listener, which allows them or
	 * not */
	int counted;
	uint32_t uid, gid;           /* of the processes that load the filter */
};

/* Makes a descriptor (memory file, close-on-exec) with the filter's sock_filter array. */
MUST_CHECK int policy_export(const struct policy *p, int *fd, struct err *e);
/* Name of a system call by its number on this machine, "call 999" if unknown; out is at least 64
 * bytes. */
const char *policy_call_name(int nr, char *out);

#endif
