/* SPDX-License-Identifier: MIT */
/*
 * eval: verified trajectories to the paper's metrics, one number per problem and metric; the
 * means and their intervals are stat's. score-eval calls it. Knows records, no model.
 */
#ifndef EVAL_H
#define EVAL_H

#include "stat/stat.h"
#include "traj/traj.h"

enum judgement { REJECTED, ACCEPTED, SILENT };

/* What is kept of a trajectory. Pair 0 compares the last attempt with the first; with more than
 * two turns pair k compares attempt k+1 with attempt k. An attempt that was not made is the last
 * one made. */
struct sample {
	char *id;
	struct whole_line at;        /* its place in its batch; id is the one above */
	int error;                   /* a reward is null: counted, otherwise left out */
	size_t made, turns;          /* attempts that were made, and that are here */
	int *right;                  /* [turns] reward is 1 */
	char **answer;               /* [turns] verdict.answer as JSON text, voted on; NULL: none */
	double *tokens;              /* [turns] sampled up to this attempt; NaN: not recorded */
	char *task;                  /* as JSON text; NULL: none */
	int answers;                 /* some sample of this task has one */
	int given;                   /* the first attempt is */
	enum judgement judged;       /* the judge, on the first attempt */
	double *changed, *ratio;     /* [pairs] */
};

struct set {
	const char *name;            /* of the input, for messages; borrowed */
	struct sample *v;            /* [n] by problem id, then batch, then sample */
	size_t n, cap, turns, pairs, errors;
	int carry, judge;            /* asked for */
	int tokens;                  /* every sampled attempt of a valid sample has its tokens */
	int own, given;              /* some valid sample's first attempt is its own, is given */
	int several;                 /* some problem has several samples */
	struct js statuses;          /* [turns] object: how often each verdict.status */
};

struct reading {
	int partial;                 /* groups and batches may be cut short */
	int carry;                   /* records may have different numbers of turns */
	int progress;                /* progress_start's force */
	struct jqp *judge;           /* borrowed: a trajectory to true, false or null; or NULL */
};

/* Reads a whole file (NULL: stdin). Nothing may be there twice. */
MUST_CHECK int set_read(const char *path, const struct reading *how, struct set *out,
                        struct err *e);
void set_release(struct set *s);
/* How many pairs so many turns have, and the turns that pair p compares, 0-based. */
size_t turn_pairs(size_t turns);
void turn_pair(size_t turns, size_t p, size_t *from, size_t *to);

enum { EVAL_BINS = 11 };             /* of the edit ratio: exactly 0, then (0, 0.1] .. (0.9, 1] */

/* Numbers of responses, rising: budgets of majority votes, or the k of pass@k. */
struct budgets {
	size_t n, k[32];
};

enum column_kind {
	SHARE, DIFFERENCE, MEAN,
	RATE,                        /* a share of those it concerns: this column over another */
	PER,                         /* an amount over another column */
	PART                         /* no figure: what another column is divided by */
};

struct column {
	char name[40];               /* "acc_t1" ...; empty: PART */
	enum column_kind kind;       /* which interval */
	double range;                /* of a difference: its numbers are in [-range, range] */
	size_t k;                    /* votes and pass@k: of how many */
	/* RATE, PER: the column that divides this one; in a difference also the two of the other. */
	size_t part[3], parts;
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
/* Each column's figure with its 95 % interval; seed and resamples are the bootstrap's, which
 * serves the columns of kinds MEAN and PER. */
void table_intervals(const struct table *t, uint64_t seed, size_t resamples, struct interval *out);
void table_release(struct table *t);

/* Adds a column and gives its number. */
PRINTF(4, 5)
size_t table_column(struct table *t, enum column_kind kind, size_t k, const char *fmt, ...);

/* ---- the metrics of one problem ---- */

struct problem {
	const struct sample **v;     /* [n] its valid samples */
	size_t n, lost;              /* lost: those with errors */
};

/* Tokens sampled up to this turn, in the mean of the samples. */
double problem_tokens(const struct problem *p, size_t turn);

/* What is asked of every problem. */
struct metrics {
	const struct set *s;
	const struct budgets *votes, *passes;
	double *price;               /* [turns] tokens of a first attempt over those of so many turns */
};

/* Sets x[m], the row of p; with x NULL it adds the columns to t instead. */
void metrics_row(const struct metrics *m, const struct problem *p, struct table *t, double *x);

#endif
