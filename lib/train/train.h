/* SPDX-License-Identifier: MIT */
/*
 * train: a run of updates on a store: the policy, its reference and the optimiser's state in
 * memory, one step for each batch, committed with its metrics. score-update without its options.
 *
 * In the store the optimiser's state is master/<tensor>, m/<tensor>, v/<tensor> (fp32) and
 * "train", a text of lines "name value".
 */
#ifndef TRAIN_H
#define TRAIN_H

#include "policy/policy.h"
#include "rl/rl.h"

struct train_settings {
	struct rl_loss loss;
	struct rl_adam adam;
	const char *reference;       /* snapshot that KL is taken to */
	uint64_t micro;              /* rows of one forward */
	uint64_t max_lag;            /* steps that the writer of a turn may be behind */
	int keep;                    /* snapshots, besides tagged ones */
	int reset;                   /* begin with a fresh optimiser */
};

/* What the last commit said of the optimiser. */
struct train_state {
	uint64_t updates;            /* since Adam and the schedule began anew */
	char objective[8];           /* "pg", "nll"; "" if there was no update yet */
	int stage;                   /* 0: none */
};

struct metrics_row {
	int64_t step;
	char *json;                  /* owned */
};

struct trainer {
	struct train_settings set;
	struct store *store;         /* owned, open for writing */
	struct policy policy, ref;   /* ref.model NULL where no KL is wanted */
	struct rl_optim optim;
	struct rl_pass *pass;
	struct grads grads;
	struct train_state state;
	int64_t step, committed;     /* of the weights in memory, of the store */
	struct metrics_row *rows;    /* [n_rows] of the updates since the last commit */
	size_t n_rows, rows_cap;
	double commit_seconds;       /* of the last commit; negative: none yet */
};

/* kern_init and comm_init must have been called. Also after an error: trainer_release. */
MUST_CHECK int trainer_open(struct trainer *t, const char *dir, const struct train_settings *set, struct err *e);
void trainer_release(struct trainer *t);

/* Is this a batch for these weights? The message begins with the field; *bad is the trajectory. */
MUST_CHECK int trainer_check(const struct trainer *t, const struct batch *b, const struct traj **bad, struct err *e);
/* One step in memory; its metrics row waits in rows. Adam and the schedule begin anew where the objective or the
 * stage differs from the last update's. After an error the weights are as before. */
MUST_CHECK int trainer_update(struct trainer *t, const struct batch *b, struct progress *bar, struct err *e);
/* Commits step with all rows (nothing if there are none). They stay for the caller to print: trainer_printed. */
MUST_CHECK int trainer_commit(struct trainer *t, struct err *e);
void trainer_printed(struct trainer *t);

/* The room's own (state.c): of the latest step; where there is no state yet (init, import), master is taken from the
 * bf16 weights, and moments and *state stay zero. */
MUST_CHECK int train_load(struct store *s, const struct model_config *c, struct rl_optim *o,
                          struct train_state *state, struct err *e);
/* Commits `step`: bf16 weights rounded from master, the state, the rows. meta and keep as in commit_finish. */
MUST_CHECK int train_commit(struct store *s, int64_t step, const struct model_config *c, const struct rl_optim *o,
                            const struct train_state *state, const struct metrics_row *rows, size_t n_rows,
                            const char *meta, int keep, struct err *e);

#endif
