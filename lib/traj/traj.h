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

/* Every known field that is present is checked whatever need says (score-trajectory(5) lists
 * them), and a turn must have a response. rec is consumed (also on error, where *out is empty).
 * Message: ".turns[0].tokens: expected array, got string". */
MUST_CHECK int traj_parse(struct js rec, unsigned need, struct traj *out, struct err *e);
void traj_release(struct traj *t);
/* One null reward excludes the whole trajectory from training and metrics. */
int traj_errored(const struct traj *t);
/* Sets .turns[i].key in rec (value consumed). */
void traj_set_turn(struct traj *t, size_t i, const char *key, struct js value);

/* ---- what is whole ---------------------------------------------------------- */

/*
 * The one rule of when a group and a batch are whole, by counting and nothing else
 * (score-trajectory(5)): a batch is whole when every index 0 .. size - 1 is there with `group`
 * (absent: 1) distinct samples (absent: 0). A batch ends where it is whole, where a line of another
 * step begins the next one, or with the input. Lines without `batch` are one batch, whose groups
 * are named by id; how many samples a group has is known there only where the lines say it.
 */
struct whole_line {                  /* what counts of a line */
	int stamped;                 /* it has `batch` */
	int64_t step, size, index;   /* of the batch */
	const char *id;              /* never NULL; borrowed for the call */
	int64_t group;               /* samples wanted; 0: not known */
	int64_t sample;
	size_t line;                 /* for messages */
};

struct whole_line whole_line(const struct traj *t);

enum whole_event {                   /* bits: what a line brings about */
	WHOLE_NEXT = 1,              /* it begins a batch; the one before was cut short (partial
	                              * only) */
	WHOLE_GROUP = 2,             /* its group is whole now */
	WHOLE_BATCH = 4,             /* its batch is whole now */
};

struct whole;

/* partial: batches and groups may be cut short. */
struct whole *whole_new(int partial);
void whole_free(struct whole *w);
/*
 * Counts a line: events, or -1 with a message about it. *group: its group's number within the
 * batch, from 0 in order of appearance. Errors: a sample twice or one too many, a line for a batch
 * that was whole just before it, lines of a batch that disagree on size, of a group that disagree
 * on group or id, lines with and without `batch`; and without partial, a batch cut short by this
 * line.
 */
MUST_CHECK int whole_add(struct whole *w, const struct whole_line *l, size_t *group, struct err *e);
/* The input ends here. Without partial, -1 if the last batch or a group of it is cut short. */
MUST_CHECK int whole_end(struct whole *w, struct err *e);

/* ---- batches ------------------------------------------------------------- */

struct batch {
	int stamped;                 /* 0: no batch field, all of the input is one batch */
	int64_t step, size;
	struct traj *t;              /* [n], in input order */
	size_t n;
};

struct batch_in;

/* Reads whole batches (above) from in, which is borrowed until batch_in_free; each is given out
 * as soon as it is whole. partial: one that is cut short by the next one or by the end of input
 * is given out as it is. */
struct batch_in *batch_in_new(struct jl_in *in, unsigned need, int partial);
/* 1 a batch, 0 end of input, -1 error (with file:line). */
MUST_CHECK int batch_read(struct batch_in *b, struct batch *out, struct err *e);
void batch_release(struct batch *b);
void batch_in_free(struct batch_in *b);

#endif
