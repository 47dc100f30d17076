/* SPDX-License-Identifier: MIT */
/*
 * shape: rewards to returns to advantages, for each turn by itself, and the stream of groups that
 * score-bonus is. Knows trajectories; no model, no store.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include "traj/traj.h"

/* ---- groups: the samples of one line of a batch --------------------------- */

/* A group is all trajectories with the same batch.index; where lines have no batch field,
 * with the same id. */
struct shape_groups {
	size_t *order;               /* [n] indexes of trajectories: by group, then sample, then line */
	size_t *start;               /* [n_groups + 1] into order */
	size_t n_groups;
};

void shape_groups_init(struct shape_groups *g, struct traj *const *t, size_t n);
void shape_groups_release(struct shape_groups *g);

/* ---- shaping: rewards to returns to advantages ------------------------------ */

/* In the order of score-bonus --baseline loo|group|batch|none. */
enum shape_baseline { SHAPE_LOO, SHAPE_GROUP, SHAPE_BATCH, SHAPE_NONE };

struct shaping {
	int stage;                   /* 1 or 2 */
	double alpha, gamma;
	enum shape_baseline baseline;
	int norm;                    /* advantages over the standard deviation of the returns */
	struct jqp *program;         /* borrowed; NULL: the paper's returns */
	const char *text;            /* of the program, borrowed */
};

/*
 * Fills t->turns[].ret. Shaped rewards: Stage I r_T for the last turn T and 0 before; Stage II
 * r_1, then r_k + alpha (r_k - r_(k-1)). A turn's return is the sum over j >= k of gamma^(j-k)
 * times the shaped reward of j (0^0 = 1: gamma 0 is the turn's own). The shaped reward and the
 * return of a turn that does not act (given, or "trained": false) are 0 (its reward still counts in
 * the next turn's progress); so are all of a trajectory with an error. With a program: its output
 * for t->rec, an array with a number for each turn, or null, which marks it "trained": false. The
 * message is about the record, without its line.
 */
MUST_CHECK int shape_returns(const struct shaping *s, struct traj *t, struct err *e);

/*
 * Fills turns[].advantage from turns[].ret of n trajectories (whole groups; a whole batch for
 * SHAPE_BATCH). The baseline is taken per group (SHAPE_BATCH: over the batch) and turn over the
 * valid trajectories whose turn is there and acts:
 *   loo    mean of the others        group, batch  mean of all        none  0
 * With loo, where the policy ended all others before this turn, their last turns stand in for it.
 * Where fewer than two are left, a turn's advantage is 0 (but for SHAPE_NONE), and it is counted in
 * *unpaired. With norm, advantages are divided by the standard deviation (n - 1) of the returns
 * that the baseline is taken over; where these are all equal, so are advantages and 0: nothing is
 * divided. Turns that do not act and trajectories with an error get 0. Of s, baseline and norm
 * count.
 */
void shape_advantages(const struct shaping *s, struct traj *const *t, size_t n, size_t *unpaired);

/* Writes stage, shaping (all of s), and every turn's return and advantage, into t->rec. */
void shape_record(const struct shaping *s, struct traj *t);

/* ---- groups from a stream ------------------------------------------------------ */

/*
 * Shapes trajectories as they come and gives them back in the order they came, each as soon
 * as its group (SHAPE_BATCH: its batch) is whole and those before it are out (what whole means:
 * traj.h). With partial, what is cut short is shaped as it is. A line without `batch` and `group`
 * waits for the end.
 */
struct shape_stream;

struct shape_stream *shape_stream_new(const struct shaping *s, int partial);
void shape_stream_free(struct shape_stream *r);
/* Takes t over (also on error), with its returns (shape_returns). -1: whole_add's errors; then
 * the stream is stopped. */
MUST_CHECK int shape_stream_add(struct shape_stream *r, struct traj *t, struct err *e);
/* No more will come. -1: the last batch is cut short; then the stream is stopped. */
MUST_CHECK int shape_stream_end(struct shape_stream *r, struct err *e);
/* Gives up: what waits for others is dropped, and shape_stream_next goes on to what is ready
 * behind it. */
void shape_stream_stop(struct shape_stream *r);
/* The next one that is ready, shaped and recorded; NULL: none. Borrowed until the next call. */
struct traj *shape_stream_next(struct shape_stream *r);
/* Turns whose advantage is 0 for want of a second sample, so far. */
size_t shape_stream_unpaired(const struct shape_stream *r);

#endif
