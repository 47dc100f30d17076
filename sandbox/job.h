/* SPDX-License-Identifier: MIT */
/*
 * job: one program and its tests, from request to verdict.
 *
 * Request fields: op "run"; code (the program), entry (its function's name);
 * either check (HumanEval: text that defines check(candidate)) and prompt
 * (the problem's own code, for helpers), or test (one per assertion) and
 * setup; isolation "any" where tests that cannot be split may run beside
 * the program: they are an error otherwise;
 * cpu (seconds, decimal), wall (seconds), memory and output (bytes).
 * Or op "entry" with test and setup: which function do these tests call?
 *
 * Reply fields: status, isolation, tier, index (of the failing assertion, -1),
 * detail, call (of a violation), wall, cpu (seconds), memory (what limits it:
 * cgroup or rlimit), peak (bytes: by cgroup what the program took beyond the
 * warm Python, else its largest resident set); tests "1" with an error that
 * is theirs; or entry.
 */
#ifndef JOB_H
#define JOB_H

#include "jail.h"

struct box {
	struct jail jail;
	struct proc side[2];
	int client;                  /* where replies go: when it hangs up, nobody waits any more */
};

/* Always gives a reply; its status is "error" where the sandbox itself failed. Dead sides are
 * started again; -1 where that cannot be done. */
MUST_CHECK int job_run(struct box *b, const struct buf *request, struct buf *reply, struct err *e);

/* Ends both sides and takes away what the jail has made. */
void box_close(struct box *b);

#endif
