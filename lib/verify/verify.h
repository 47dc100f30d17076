/* SPDX-License-Identifier: MIT */
/*
 * verify: rewards and verdicts. Text tasks are judged at once by lib/math;
 * programs go to score-box processes, several at a time, which are spoken to
 * over sockets (sandbox/job.h). Records come out in the order in which they
 * went in, each as soon as it and all before it are done. One thread.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "traj/traj.h"

enum verify_grader {
	GRADER_STRICT,               /* equivalence, certain or not at all */
	GRADER_LENIENT,              /* and roundings of the reference */
	GRADER_HENDRYCKS,            /* the MATH data set's first grader: rewritten strings */
};

struct verify_opts {
	enum verify_grader grader;   /* of task math */
	int jobs;                    /* score-box processes at most; they start when a program needs
	                              * one */
	double timeout, wall;        /* seconds of CPU time, of wall time */
	uint64_t memory, output;     /* bytes */
	int redo;                    /* judge turns that have a reward, too */
	int single_too;              /* tests that cannot be split may run in the program's own process;
	                              * else error */
	int tier, min_tier;          /* passed to score-box */
	const char *python;          /* NULL: score-box's choice */
	struct launcher *launcher;   /* borrowed: starts score-box */
	const char *read[31];        /* directories that programs may read */
	size_t n_read;
};

/* ---- one turn's text task (grade.c) ---- */

enum grade_task { TASK_EXACT, TASK_NUMBER, TASK_MATH, TASK_CODE };

/* The record's task; -1 with ".task: ..." where it is missing, unknown or lacks what it needs. */
MUST_CHECK int grade_task(const struct traj *t, enum grade_task *task, struct err *e);
/* Sets reward and verdict of turn i, for every task but code. */
MUST_CHECK int grade_text(struct traj *t, size_t i, enum grade_task task, enum verify_grader grader,
                          struct err *e);
/* Builds score-box's request for turn i in request (frame.h): 1, or 0 if the response holds no
 * program or one that is too long, or the tests are (then reward and verdict are set). entry: the
 * function's name where the record does not say. */
int grade_request(struct traj *t, size_t i, const char *entry, const struct verify_opts *o,
                  struct buf *request);
/* The record's entry point, owned; NULL if its tests have to be asked (then query is that
 * request). */
char *grade_entry(const struct traj *t, struct buf *query);
/* Can that request be sent? 0: it is too long, and reward and verdict are set. */
int grade_query(struct traj *t, size_t i, const struct buf *query);
/* Sets reward and verdict of turn i from score-box's reply. */
void grade_reply(struct traj *t, size_t i, const struct buf *reply);
/* The sandbox failed: reward null, verdict error. */
void grade_error(struct traj *t, size_t i, const char *detail);

/* ---- score-box processes (box.c) ---- */

struct box_proc {
	int pid, fd;                 /* 0, -1: none */
};

/* Starts process number 0..jobs - 1; its hello is the first message to be received. */
MUST_CHECK int box_start(struct box_proc *b, const struct verify_opts *o, int number,
                         struct err *e);
void box_stop(struct box_proc *b);

/* ---- the process that starts them and opens files, for one that may do neither (launch.c) ---- */

struct launcher;

/* Forks. o and the n names are borrowed until launcher_free; no thread may run and no descriptor be
 * open that others wait for the end of. NULL: e says why. */
struct launcher *launcher_new(const struct verify_opts *o, char **files, int n, struct err *e);
/* Starts process number 0..jobs - 1 anew; *fd is owned. */
MUST_CHECK int launcher_start(struct launcher *l, int number, int *fd, struct err *e);
/* Closes *fd and ends the process, if there is one. */
void launcher_stop(struct launcher *l, int number, int *fd);
/* Opens file number 0..n - 1 for reading; *fd is owned. */
MUST_CHECK int launcher_open(struct launcher *l, int number, int *fd, struct err *e);
/* Ends every process. l may be NULL. */
void launcher_free(struct launcher *l);

/* ---- the calls that the process which reads input may make (filter.c) ---- */

/* From now on it can only use what it has open and its own memory: score-verify(1), SECURITY. -1:
 * not to be had here. */
MUST_CHECK int filter_install(struct err *e);

/* ---- records in order, programs in parallel (queue.c) ---- */

struct verifier;

/* o is borrowed until verifier_free. */
struct verifier *verifier_new(const struct verify_opts *o);
/* Takes a record over (also on error). */
MUST_CHECK int verifier_add(struct verifier *v, struct traj t, struct err *e);
/* May another record be added without reading too far ahead? */
int verifier_room(const struct verifier *v);
int verifier_empty(const struct verifier *v);
/* The next record in order, if it is done: 1, owned by the caller; else 0. *turns: how many were
 * judged. */
int verifier_take(struct verifier *v, struct traj *out, size_t *turns);
/* Waits until a program is done or fd (-1: none) can be read. -1: the sandbox cannot be had. */
MUST_CHECK int verifier_wait(struct verifier *v, int fd, struct err *e);
void verifier_free(struct verifier *v);

#endif
