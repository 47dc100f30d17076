/* SPDX-License-Identifier: MIT */
/*
 * verify: rewards and verdicts. Text tasks are graded at once by lib/answer; programs
 * go to several score-box processes over sockets (sandbox/job.h). Records come out in input order,
 * each as soon as it and all before it are done. Single-threaded.
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "answer/answer.h"
#include "traj/traj.h"

struct verify_opts {
	enum math_grader grader;     /* for task math */
	/* maximum number of score-box processes; started when programs need them */
	int jobs;
	double timeout, wall;        /* seconds of CPU time, of wall time */
	uint64_t memory, output;     /* bytes */
	int redo;                    /* also grade turns that have a reward */
	/* tests that cannot be split may run in the program's own process; otherwise an error */
	int single_too;
	int tier, min_tier;          /* passed to score-box */
	const char *python;          /* NULL: score-box's choice */
	struct launcher *launcher;   /* borrowed: starts score-box */
	const char *read[31];        /* directories that programs may read */
	size_t n_read;
};

/* ---- one turn's text task (grade.c) ---- */

enum grade_task { TASK_EXACT, TASK_NUMBER, TASK_MATH, TASK_CODE };

/* The record's task; -1 with ".task: ..." if it is missing, unknown or lacks a required field. */
MUST_CHECK int grade_task(const struct traj *t, enum grade_task *task, struct err *e);
/* Sets reward and verdict of turn i, for every task but code. */
MUST_CHECK int grade_text(struct traj *t, size_t i, enum grade_task task, enum math_grader grader,
                          struct err *e);
/* Builds score-box's request for turn i in request (frame.h): 1, or 0 if the response has no
 * program, or if program or tests are too long (reward and verdict are then set). entry: the
 * function's name if the record does not give it. */
int grade_request(struct traj *t, size_t i, const char *entry, const struct verify_opts *o,
                  struct buf *request);
/* The record's entry point, owned; NULL if it must be found from the tests (query is then the
 * request for that). */
char *grade_entry(const struct traj *t, struct buf *query);
/* 1 if that request can be sent; 0: it is too long, and reward and verdict are set. */
int grade_query(struct traj *t, size_t i, const struct buf *query);
/* Sets reward and verdict of turn i from score-box's reply. */
void grade_reply(struct traj *t, size_t i, const struct buf *reply);
/* The sandbox failed: reward null, verdict error. */
void grade_error(struct traj *t, size_t i, const char *detail);

/* ---- score-box processes (box.c) ---- */

struct box_proc {
	int pid, fd;                 /* 0, -1: none */
};

/* Starts process number 0..jobs - 1; the first message received is its hello. */
MUST_CHECK int box_start(struct box_proc *b, const struct verify_opts *o, int number,
                         struct err *e);
void box_stop(struct box_proc *b);

/* ---- the launcher, which starts boxes and opens files for the confined process (launch.c) ---- */

struct launcher;

/* Forks. o and the n names are borrowed until launcher_free. No other thread may be running, and no
 * descriptor may be open whose closing others wait for. NULL: e says why. */
struct launcher *launcher_new(const struct verify_opts *o, char **files, int n, struct err *e);
/* Restarts process number 0..jobs - 1; *fd is owned by the caller. */
MUST_CHECK int launcher_start(struct launcher *l, int number, int *fd, struct err *e);
/* Closes *fd and ends the process, if there is one. */
void launcher_stop(struct launcher *l, int number, int *fd);
/* Opens file number 0..n - 1 for reading; *fd is owned by the caller. */
MUST_CHECK int launcher_open(struct launcher *l, int number, int *fd, struct err *e);
/* Ends all processes. l may be NULL. */
void launcher_free(struct launcher *l);

/* ---- confinement of the process that reads input (filter.c) ---- */

/* From now on the process can only use its open descriptors and its own memory: score-verify(1),
 * SECURITY. -1: not available on this machine. */
MUST_CHECK int filter_install(struct err *e);

/* ---- records in order, programs in parallel (queue.c) ---- */

struct verifier;

/* o is borrowed until verifier_free. */
struct verifier *verifier_new(const struct verify_opts *o);
/* Adds a record and takes ownership of it (also on error). */
MUST_CHECK int verifier_add(struct verifier *v, struct traj t, struct err *e);
/* True if another record can be added without reading too far ahead. */
int verifier_wants(const struct verifier *v);
int verifier_empty(const struct verifier *v);
/* Takes the next record in order, owned by the caller: 1, or 0 if it is not done. *turns: number
 * graded. */
int verifier_take(struct verifier *v, struct traj *out, size_t *turns);
/* Waits until a program is done or fd (-1: none) is readable. -1: the sandbox cannot be started. */
MUST_CHECK int verifier_wait(struct verifier *v, int fd, struct err *e);
void verifier_free(struct verifier *v);

#endif
