/* SPDX-License-Identifier: MIT */
/*
 * train: a run of updates on a store: the policy and its reference in memory, one step for each
 * batch, committed with its metrics. score-update without its options.
 *
 * In the store the optimiser's state is master/<tensor>, m/<tensor>, v/<tensor> (fp32) and "train",
 * a text of lines "name value". Where every update is committed it is nowhere else: Adam reads it
 * in the pages of the last step and writes it to those of the next. Between commits it is in
 * memory.
 */
#ifndef TRAIN_H
#define TRAIN_H

#include "policy/policy.h"
#include "rl/rl.h"
#include "train/optim.h"

struct train_settings {
	struct rl_loss loss;
	struct adam adam;
	double kl_target;            /* what loss.beta2 grows to hold the KL at; 0: it stays */
	const char *reference;       /* snapshot that KL is taken to */
	/* rows of one forward, bytes for its activations: see rl_pass_new */
	uint64_t micro, memory;
	uint64_t max_lag;            /* steps that the writer of a turn may be behind */
	int off_policy;              /* turns may be drawn from a part of the vocabulary */
	uint64_t commit_every;       /* updates */
	struct policy_lora lora;     /* rank 0: as the store has it */
	int keep;                    /* snapshots, besides tagged ones */
	int reset;                   /* begin with a fresh optimiser */
	int keep_optimizer;          /* also where stage or objective change */
};

/* What the last commit said of the optimiser. */
struct train_state {
	uint64_t updates;            /* since Adam and the schedule began anew */
	char objective[8];           /* "pg", "nll"; "" if there was no update yet */
	int stage;                   /* 0: none */
	double beta2;                /* of the next update in Stage I, with a kl_target; else 0 */
};

struct metrics_row {
	int64_t step;
	char *json;                  /* owned */
};

/* fp32 state of the trained parameters since the last commit, [n] in model_param's order; none
 * where there is none. */
struct train_memory {
	struct mem *p, *m, *v;       /* master, moments; owned */
	size_t n;
	int held;                    /* 0: the store's is the latest */
};

struct trainer {
	struct train_settings set;
	struct store *store;         /* owned, open for writing */
	/* ref.model NULL where no KL is wanted, or the reference is the policy without adapters */
	struct policy policy, ref;
	int64_t reference;           /* step of what KL is taken to; -1: nothing */
	struct rl_pass *pass;
	/* g[i] none: parameter i is not trained, its tensor stays the store's */
	struct grads grads;
	int zeroed;                  /* they are all zero */
	int stale;                   /* the policy's model is not the state's yet */
	/* the configuration has adapters that the store's does not know yet */
	int adapted;
	uint64_t seed;               /* the store's */
	struct train_memory memory;
	struct train_state state;
	double least_beta2;          /* as it was set */
	int64_t step, committed;     /* of the weights in memory, of the store */
	/* [n_rows] of the updates to print; the last n_waiting are not committed */
	struct metrics_row *rows;
	size_t n_rows, rows_cap, n_waiting;
	double commit_seconds;       /* of the last commit */
};

/* dev_init and comm_init must have been called. Also after an error: trainer_release. */
MUST_CHECK int trainer_open(struct trainer *t, const char *dir, const struct train_settings *set,
                            struct err *e);
void trainer_release(struct trainer *t);

/* Is this a batch for these weights? The message begins with the field; *bad is the trajectory. */
MUST_CHECK int trainer_check(const struct trainer *t, const struct batch *b,
                             const struct traj **bad, struct err *e);
/*
 * One step; its metrics row goes to rows. Each commit_every-th is committed. Adam and the schedule
 * begin anew where the objective or the stage differs from the last update's (unless
 * keep_optimizer), and with new adapters.
 * After an error the step did not happen, and if it was neither the commit that failed nor the new
 * weights that were not finite, the weights are as before; else only trainer_commit (of what came
 * before, unless such weights have taken its place in memory) and trainer_release may follow.
 */
MUST_CHECK int trainer_update(struct trainer *t, const struct batch *b, struct progress *bar,
                              struct err *e);
/* Commits what waits, if anything does. */
MUST_CHECK int trainer_commit(struct trainer *t, struct err *e);
/* The committed rows are printed and can go. */
void trainer_printed(struct trainer *t);

/* ---- the room's own ---------------------------------------------------------------- */

/* Of the latest step; zero where there is none yet (init, import). */
MUST_CHECK int train_state_load(struct store *s, struct train_state *t, struct err *e);
MUST_CHECK int train_state_commit(struct commit *c, const struct train_state *t, struct err *e);
/* For a metrics row: the settings that decide the result, at the update after `updates` others
 * since the reset; and what there is to say of its batch. */
struct js train_settings_js(const struct trainer *t, uint64_t updates);
struct js train_batch_js(const struct batch *b);
/* What a commit of the trained parameters writes, about. */
uint64_t train_bytes(const struct model_config *c, const struct grads *g);
void train_memory_init(struct train_memory *m, size_t n);
void train_memory_release(struct train_memory *m);

/* State from `old`, an open snapshot of the latest step (where it has none, master is taken from
 * the bf16 weights, and moments are zero), or NULL: from mem; to the commit `to`, with the bf16
 * weights, or NULL: to mem. */
struct train_step {
	const struct adam_update *update;      /* NULL: as it is */
	int reset;                   /* moments are zero */
	struct snap *old;
	struct train_memory *mem;
	struct commit *to;
	uint64_t seed;               /* of adapters that do not exist yet */
};

/* Adam over all parameters with a gradient. */
MUST_CHECK int train_adam(const struct train_step *t, const struct model_config *c,
                          const struct grads *g, struct err *e);
/* The model gets the weights that Adam left: mem's, or if that is NULL those of snap, an open
 * snapshot of the latest step. What adapters belong to is always read from snap, which may
 * otherwise be NULL. */
MUST_CHECK int train_refresh(struct snap *snap, const struct train_memory *mem, struct model *m,
                             const struct grads *g, struct err *e);

#endif
