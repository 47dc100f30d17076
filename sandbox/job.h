/* SPDX-License-Identifier: MIT */
/*
 * job: one program and its tests, from request to verdict.
 *
 * Request fields: op "run"; code (the program), entry (its function's name); either check
 * (HumanEval: text that defines check(candidate)) and prompt (the problem's own code, for helpers),
 * or test (one per assertion) and setup; isolation "any" if tests that cannot be split may run
 * beside the program, otherwise they are an error; cpu (seconds, decimal), wall (seconds), memory
 * and output (bytes). Or op "entry" with test and setup: asks which function the tests call.
 *
 * Reply fields: status, isolation, tier, index (of the failing assertion, -1), detail, call (of a
 * violation), wall, cpu (seconds), memory (what limits it: cgroup or rlimit), peak (bytes: with a
 * cgroup what the program used beyond the warm Python, else its largest resident set); tests "1" if
 * an error is the tests' fault; or entry.
 */
#ifndef JOB_H
#define JOB_H

#include "jail.h"

struct box {
	struct jail jail;
	struct proc side[2];
	/* where replies go; if it hangs up, nobody waits for them any more */
	int client;
};

/* Runs a job. Always gives a reply, with status "error" if the sandbox itself failed. Dead sides
 * are restarted; -1 if that fails. */
MUST_CHECK int job_run(struct box *b, const struct buf *request, struct buf *reply, struct err *e);

/* Ends both sides and removes everything the jail has created. */
void box_close(struct box *b);

#endif
