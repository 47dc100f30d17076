/* SPDX-License-Identifier: MIT */
/*
 * traj: problems, trajectories and batches as C structs that mirror schemas/, and the rule for when
 * a batch is whole. The JSON object (rec) is the master copy: a tool changes its own fields there
 * with js_set, and all other fields pass through. The C fields are a checked, read-only view of
 * rec.
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
	int *tokens;                 /* [n_tokens] sampled ids, including the end token */
	size_t n_tokens;
	float *logprobs;             /* [n_tokens], natural log, temperature 1; NULL if absent */
	float *sample_logprobs;      /* the same under what was drawn from; NULL if absent */
	double temperature;          /* of sampling, 1 if absent */
	/* The field of sampling by which some tokens could not be drawn; NULL: all could. */
	const char *narrowed;
	int has_tokens, has_context; /* present in the record, even if empty */
	int length;                  /* finish == "length": cut off, no end token */
	int given;                   /* response came from elsewhere */
	int untrained;               /* "trained": false: context only, nothing is learned from it */
	int64_t snapshot;            /* step of the weights that wrote it; -1 if absent */
	double weight;               /* for --objective nll; default 1 */
	int has_reward;              /* reward is present */
	int error;                   /* reward null: infrastructure failed */
	double reward;               /* in [0, 1]; 0 if has_reward is 0 or error is 1 */
	int has_return;              /* return and advantage are present, as numbers */
	double ret, advantage;
};

struct traj {
	struct js rec;               /* owned */
	size_t line;                 /* input line number, 0 if none */
	char *id, *task;             /* task NULL if absent */
	int has_batch;
	int64_t step, size, index;   /* batch */
	int64_t group;               /* number of samples of this problem; 1 if absent */
	int has_sample, has_group;
	int64_t sample;              /* 0 if absent */
	uint64_t seed;
	int stage;                   /* 0 if absent */
	struct turn *turns;          /* [n_turns] */
	size_t n_turns;
};

/* Fields that a tool requires; a missing one is an error naming it. */
enum traj_need {
	TRAJ_ID = 1,                 /* id */
	TRAJ_TURNS = 2,              /* at least one turn, each with response */
	TRAJ_TOKENS = 4,             /* each turn with context and tokens (id < 2^31) */
	TRAJ_LOGPROBS = 8,           /* each turn that is not given with logprobs, as long as tokens */
	TRAJ_REWARDS = 16,           /* each turn with reward (null allowed) */
	TRAJ_RETURNS = 32,           /* each turn with return and advantage */
	TRAJ_PROBLEM = 64,           /* task, prompt and what the task needs */
};

/* Parses and checks a record. Known fields that are present are always checked (score-trajectory(5)
 * lists them), and a turn must have a response. rec is consumed, also on error (*out is then
 * empty). Message: ".turns[0].tokens: expected array, got string". */
MUST_CHECK int traj_parse(struct js rec, unsigned need, struct traj *out, struct err *e);
void traj_release(struct traj *t);
/* Is it the policy's own act, from which policy gradient learns? */
static inline int turn_acts(const struct turn *t)
{
	return !t->given && !t->untrained;
}
/* One null reward excludes the whole trajectory from training and metrics. */
int traj_errored(const struct traj *t);
/* Sets .turns[i].key in rec (value consumed). */
void traj_set_turn(struct traj *t, size_t i, const char *key, struct js value);

/* ---- whole batches and groups ---------------------------------------------------------- */

/*
 * The rule for when a group and a batch are whole, by counting only (score-trajectory(5)): a batch
 * is whole when every index 0 .. size - 1 is present with `group` (absent: 1) distinct samples
 * (absent: 0). A batch ends when it is whole, when a line of another step begins the next one, or
 * at end of input. Lines without `batch` form one batch, whose groups are named by id; the size of
 * such a group is known only if its lines say it.
 */
struct whole_line {                  /* the fields of a line that are counted */
	int stamped;                 /* the line has `batch` */
	int64_t step, size, index;   /* fields of `batch` */
	const char *id;              /* never NULL; borrowed for the call */
	int64_t group;               /* number of samples in the group; 0: not known */
	int64_t sample;
	size_t line;                 /* for messages */
};

struct whole_line whole_line(const struct traj *t);

enum whole_event {                   /* bits: events caused by a line */
	/* it starts a new batch, and the one before was cut short (partial only) */
	WHOLE_NEXT = 1,
	WHOLE_GROUP = 2,             /* it completes its group */
	WHOLE_BATCH = 4,             /* it completes its batch */
};

struct whole;

/* partial: batches and groups may be cut short. */
struct whole *whole_new(int partial);
void whole_free(struct whole *w);
/*
 * Counts a line: events, or -1 with a message about it. *group: number of its group within the
 * batch, from 0 in order of appearance. Errors: a duplicate or surplus sample, a line for the batch
 * that has just become whole, lines of a batch that disagree on size, lines of a group that
 * disagree on group or id, lines with and without `batch` mixed; and, unless partial, a batch cut
 * short by this line.
 */
MUST_CHECK int whole_add(struct whole *w, const struct whole_line *l, size_t *group, struct err *e);
/* Call at end of input. Unless partial, -1 if the last batch or one of its groups is cut short. */
MUST_CHECK int whole_end(struct whole *w, struct err *e);

/* ---- batches ------------------------------------------------------------- */

struct batch {
	int stamped;                 /* 0: no batch field, the whole input is one batch */
	int64_t step, size;
	struct traj *t;              /* [n], in input order */
	size_t n;
};

struct batch_in;

/* Reads whole batches (above) from in, which is borrowed until batch_in_free; each is returned as
 * soon as it is whole. partial: a batch cut short by the next one or by end of input is returned as
 * it is. */
struct batch_in *batch_in_new(struct jl_in *in, unsigned need, int partial);
/* 1: a batch, 0: end of input, -1: error (with file:line). */
MUST_CHECK int batch_read(struct batch_in *b, struct batch *out, struct err *e);
void batch_release(struct batch *b);
void batch_in_free(struct batch_in *b);

#endif
