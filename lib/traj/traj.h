/* SPDX-License-Identifier: MIT */
/*
 * traj: problems, trajectories and batches as C structs that mirror schemas/,
 * and the rule of when a batch is whole. The JSON object stays the master
 * copy (rec): a tool changes its own fields there with js_set and every other
 * field passes through; the C fields are a checked, read-only view of rec.
 */
#ifndef TRAJ_H
#define TRAJ_H

#include "jsonl/jsonl.h"

struct turn {
	char *prompt;                /* NULL if absent; may hold NUL bytes: prompt_len */
	size_t prompt_len;
	int *context;                /* [n_context] token ids read since the last response */
	size_t n_context;
	char *response;              /* NULL if absent; may hold NUL bytes: response_len */
	size_t response_len;
	int *tokens;                 /* [n_tokens] sampled ids, the end token included */
	size_t n_tokens;
	float *logprobs;             /* [n_tokens], natural log, temperature 1; NULL if absent */
	int has_tokens, has_context; /* present in the record, even if empty */
	int length;                  /* finish == "length": cut off, no end token */
	int given;                   /* response came from elsewhere */
	int64_t snapshot;            /* step of the weights that wrote it; -1 if absent */
	double weight;               /* for --objective nll; default 1 */
	int has_reward;              /* the field is there */
	int error;                   /* reward null: infrastructure failed */
	double reward;               /* in [0, 1]; 0 where has_reward is 0 or error is 1 */
	int has_return;              /* return and advantage are there, as numbers */
	double ret, advantage;
};

struct traj {
	struct js rec;               /* owned */
	size_t line;                 /* line it was read from, 0 if none */
	char *id, *task;             /* task NULL if absent */
	int has_batch;
	int64_t step, size, index;   /* batch */
	int64_t group;               /* samples of this line's problem; 1 if absent */
	int has_sample, has_group;
	int64_t sample;              /* 0 if absent */
	uint64_t seed;
	int stage;                   /* 0 if absent */
	struct turn *turns;          /* [n_turns] */
	size_t n_turns;
};

/* What a tool cannot do without; a missing field is an error naming it. */
enum traj_need {
	TRAJ_ID = 1,                 /* id */
	TRAJ_TURNS = 2,              /* at least one turn, each with response */
	TRAJ_TOKENS = 4,             /* each turn with context and tokens (id < 2^31) */
	TRAJ_LOGPROBS = 8,           /* each turn that is not given with logprobs, as long as tokens */
	TRAJ_REWARDS = 16,           /* each turn with reward (null allowed) */
	TRAJ_RETURNS = 32,           /* each turn with return and advantage */
	TRAJ_PROBLEM = 64,           /* task, prompt and what the task needs */
};

/* Every known field that is present is checked whatever need says (score-trajectory(5) lists them), and a
 * turn must have a response. rec is consumed (also on error, where *out is empty). Message:
 * ".turns[0].tokens: expected array, got string". */
MUST_CHECK int traj_parse(struct js rec, unsigned need, struct traj *out, struct err *e);
void traj_release(struct traj *t);
/* One null reward excludes the whole trajectory from training and metrics. */
int traj_errored(const struct traj *t);
/* Sets .turns[i].key in rec (value consumed). */
void traj_set_turn(struct traj *t, size_t i, const char *key, struct js value);

/* ---- batches ------------------------------------------------------------- */

struct batch {
	int stamped;                 /* 0: no batch field, all of the input is one batch */
	int64_t step, size;
	struct traj *t;              /* [n], in input order */
	size_t n;
};

struct batch_in;

/* Reads whole batches from in (borrowed until batch_in_free). A batch is given out as soon as it is whole.
 * partial: a batch that is cut short by the next one or by the end of input is given out as it is;
 * without it that is an error naming what is missing ("batch of step 7: index 3: 2 of 4 samples").
 * Errors whatever partial says: the same (index, sample) twice (also in a batch that was given out just
 * before), lines of one batch that disagree on size, or of one index that disagree on group or id, and lines
 * with and without `batch` in one input. */
struct batch_in *batch_in_new(struct jl_in *in, unsigned need, int partial);
/* 1 a batch, 0 end of input, -1 error (with file:line). */
MUST_CHECK int batch_read(struct batch_in *b, struct batch *out, struct err *e);
void batch_release(struct batch *b);
void batch_in_free(struct batch_in *b);

#endif
