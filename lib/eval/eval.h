/* SPDX-License-Identifier: MIT */
/*
 * eval: verified trajectories to the paper's metrics, one number per problem and metric; the
 * means and their intervals are stat's. score-eval calls it. Knows records, no model.
 */
#ifndef EVAL_H
#define EVAL_H

#include "stat/stat.h"
#include "traj/traj.h"

/* What is kept of a trajectory. Pair 0 compares the last attempt with the first; with more than
 * two turns pair k compares attempt k+1 with attempt k. */
struct sample {
	char *id;
	struct whole_line at;        /* its place in its batch; id is the one above */
	int error;                   /* a reward is null: counted, otherwise left out */
	int *right;                  /* [turns] reward is 1 */
	char **answer;               /* [turns] verdict.answer as JSON text, voted on; NULL: none */
	char *task;                  /* as JSON text; NULL: none */
	int answers;                 /* some sample of this task has one */
	double *changed, *ratio;     /* [pairs] */
};

struct set {
	const char *name;            /* of the input, for messages; borrowed */
	struct sample *v;            /* [n] by problem id, then batch, then sample */
	size_t n, cap, turns, pairs, errors;
	struct js statuses;          /* [turns] object: how often each verdict.status */
};

/* Reads a whole file (NULL: stdin). All records must have as many turns. Nothing may be there
 * twice; groups and batches must be whole unless partial. progress: progress_start's force. */
MUST_CHECK int set_read(const char *path, int partial, int progress, struct set *out,
                        struct err *e);
void set_release(struct set *s);
/* The turns that pair p compares, 0-based. */
void set_pair(const struct set *s, size_t p, size_t *from, size_t *to);

enum { EVAL_BINS = 11 };             /* of the edit ratio: exactly 0, then (0, 0.1] .. (0.9, 1] */

/* Numbers of responses, rising: budgets of majority votes, or the k of pass@k. */
struct budgets {
	size_t n, k[32];
};

struct column {
	char name[32];               /* "acc_t1" ... */
	enum column_kind { SHARE, DIFFERENCE, MEAN } kind;     /* which interval */
	double range;                /* of a difference: its numbers are in [-range, range] */
	size_t k;                    /* votes and pass@k: of how many */
};

/* One number per problem (samples averaged) and metric; problems with errors only are not in it. */
struct table {
	char **id;                   /* [n] ascending, borrowed from the set */
	double *x;                   /* [n][m]; NaN where a problem says nothing: too few valid samples,
	                              * or a task without answers */
	size_t n, m, id_cap;
	double trials;               /* samples in all */
	struct column *col;          /* [m] the last EVAL_BINS: the histogram, if there are pairs */
	size_t bins_at;              /* number of columns before the histogram */
};

/* A problem with fewer samples than the largest of vote and pass is an error. */
MUST_CHECK int table_new(const struct set *s, const struct budgets *vote,
                         const struct budgets *pass, struct table *out, struct err *e);
/* this - other, problem by problem, for ids and metrics that are in both; -1 if there is none. */
MUST_CHECK int table_minus(const struct table *t, const struct table *other, struct table *out,
                           struct err *e);
/* Each column's mean with its 95 % interval; seed and resamples are the bootstrap's, which
 * serves the columns of kind MEAN. */
void table_intervals(const struct table *t, uint64_t seed, size_t resamples, struct interval *out);
void table_release(struct table *t);

#endif
