/* SPDX-License-Identifier: MIT */
/*
 * store: everything a training run must not lose, in one LMDB environment: configuration,
 * tokenizer, snapshots of bf16 tensors, fp32 master weights and Adam moments, run state, metrics
 * rows. The only room that includes <lmdb.h>. It knows names, shapes and bytes, not models.
 * man/score-weights-store.5 describes the layout.
 *
 * A commit is one write transaction: the store is always at the last committed step. A second
 * writer gets an error at once. A reader sees one snapshot and pins it only while it is open.
 */
#ifndef STORE_H
#define STORE_H

#include "base/base.h"

enum dtype { DT_BF16 = 1, DT_F32 = 2 };

struct tensor {
	char name[96];               /* "blk.3.attn_q.weight" */
	enum dtype dtype;
	int rank;                    /* 1 or 2 */
	uint64_t shape[2];           /* [rows, columns]; a vector is [n, 1] with rank 1 */
	const void *data;            /* borrowed until snap_close or commit_* of that handle */
	uint64_t bytes;
};

enum store_mode { STORE_READ, STORE_WRITE, STORE_CREATE };

struct store;
struct snap;
struct commit;

/* STORE_CREATE creates the directory and refuses one that already holds a store. STORE_WRITE and
 * STORE_CREATE hold the writer's lock while the store is open; for a second writer the error names
 * the first one's pid. Network file systems are refused. */
MUST_CHECK int store_open(const char *dir, enum store_mode mode, struct store **out, struct err *e);
/* A process may have a store open only once at a time (LMDB's rule). Use after fork is an error. */
void store_close(struct store *s);
/* Closes a store opened with STORE_CREATE and deletes it (and its directory, if it was created). */
void store_discard(struct store *s);

/* Small named documents that belong to the whole store: "config" (model_config text),
 * "tokenizer" (vocab_save bytes), "seed" ... Appended to out. -1 if absent. */
MUST_CHECK int store_doc(struct store *s, const char *name, struct buf *out, struct err *e);

/* ---- reading a snapshot -------------------------------------------------- */

/* ref: a step number, a tag, "base" or "latest" (NULL: latest). The error lists the snapshots there
 * are. */
MUST_CHECK int snap_open(struct store *s, const char *ref, struct snap **out, struct err *e);
void snap_close(struct snap *p);
int64_t snap_step(const struct snap *p);
/* The snapshot's description: one JSON object as text (step, objective, stage, isa, parent, time
 * ...). Borrowed. */
const char *snap_meta(const struct snap *p);
/* True if there is a tensor of this name. */
int snap_has(const struct snap *p, const char *name);
/* bf16 weights by name; -1 if absent. out->data borrowed until snap_close. */
MUST_CHECK int snap_tensor(struct snap *p, const char *name, struct tensor *out, struct err *e);
size_t snap_count(const struct snap *p);
/* i-th tensor in name order. */
MUST_CHECK int snap_at(struct snap *p, size_t i, struct tensor *out, struct err *e);

/* ---- optimiser state: belongs to the latest step only --------------------- */

/* name: "master/<tensor>", "m/<tensor>", "v/<tensor>" (fp32) or "train" (a small text document). 1:
 * found, 0: absent, -1: error. Read through an open snapshot of the latest step. State is plain
 * bytes: out has dtype 0, rank 1, shape [bytes, 1]; data is 16-byte aligned. */
MUST_CHECK int snap_state(struct snap *p, const char *name, struct tensor *out, struct err *e);

/* Starts reading bytes [from, from + n) of a value into memory. A writer's map has no read-ahead of
 * its own. May be called by any thread. */
void snap_soon(const struct snap *p, const struct tensor *t, uint64_t from, uint64_t n);
/* Drops a value that will hardly be read again from the page cache, to make space for the next
 * step's state, which is as large. Its data can still be read, from disk. May be called by any
 * thread. */
void snap_used(const struct snap *p, const struct tensor *t);

/* Number of state values and their bytes (0 unless p is the latest). */
size_t snap_state_count(const struct snap *p, uint64_t *bytes);

/* ---- comparing two snapshots (of one store or two) --------------------------- */

struct tensor_diff {
	const char *name;            /* borrowed for the call */
	enum { DIFF_SAME, DIFF_VALUES, DIFF_SHAPE, DIFF_ONLY_A, DIFF_ONLY_B } kind;
	uint64_t values, differing;  /* for DIFF_SAME and DIFF_VALUES */
	double max_abs, rms;         /* of a - b, over all values; NaN counts as infinite */
};

/* Calls each(diff, data) for every tensor name in a or b, in order; if it returns -1, stops with
 * -1. */
MUST_CHECK int snap_diff(struct snap *a, struct snap *b,
                         int (*each)(const struct tensor_diff *d, void *data), void *data,
                         struct err *e);

/* ---- committing a step ------------------------------------------------------ */

/* Begins the transaction of a new step, which must be larger than the latest. The latest snapshot's
 * tensors are shared until commit_tensor replaces them (one with equal bytes stays shared). bytes:
 * estimate of what will be written; disk space is reserved before writing, so a full disk is an
 * error here or in the call that needs the space. No snapshot may be open here, since the map may
 * have to move; snapshots opened later (the latest's state, from which the next is computed) may
 * stay open across commit_finish. */
MUST_CHECK int commit_begin(struct store *s, int64_t step, uint64_t bytes, struct commit **out,
                            struct err *e);
/* Reserves memory for a tensor (MDB_RESERVE), 16-byte aligned: the caller fills *dst before the
 * next commit_ call. After an error of any commit_ function, only commit_abort or commit_finish
 * (which then fails) may follow. */
MUST_CHECK int commit_tensor(struct commit *c, const char *name, enum dtype t, int rank,
                             const uint64_t shape[2], void **dst, struct err *e);
MUST_CHECK int commit_state(struct commit *c, const char *name, uint64_t bytes, void **dst,
                            struct err *e);

/* The same for a value that is written piece by piece, in order. Any number may be open at once,
 * each written by one thread at a time. All must be complete before any commit_ call but these two.
 * Writeback to the disk runs in the background. Borrowed until commit_finish or commit_abort. */
struct room;
MUST_CHECK int commit_tensor_room(struct commit *c, const char *name, enum dtype t, int rank,
                                  const uint64_t shape[2], struct room **out, struct err *e);
MUST_CHECK int commit_state_room(struct commit *c, const char *name, uint64_t bytes,
                                 struct room **out, struct err *e);
MUST_CHECK int room_write(struct room *r, const void *data, size_t n, struct err *e);
/* The whole value, once it is complete; 16-byte aligned, valid until the next commit_ call. */
const void *room_data(const struct room *r);
/* Bytes of the values written so far, without those found equal to the parent's. */
MUST_CHECK int commit_written(struct commit *c, uint64_t *bytes, struct err *e);

/* Removes all state whose name starts with prefix ("": all). State that is neither removed nor
 * rewritten is kept. */
MUST_CHECK int commit_drop_state(struct commit *c, const char *prefix, struct err *e);
MUST_CHECK int commit_doc(struct commit *c, const char *name, const void *data, size_t n,
                          struct err *e);
/* metrics row of this step */
MUST_CHECK int commit_metrics(struct commit *c, const char *json, struct err *e);
/* Metrics row of a step without a commit of its own: after the last commit and not after this
 * one. */
MUST_CHECK int commit_metrics_of(struct commit *c, int64_t step, const char *json, struct err *e);
/* Writes the snapshot's record and commits. Prunes in the same transaction: keeps the last `keep`
 * snapshots, including this one, and tagged ones; keep < 1: all. meta: a JSON object on one line,
 * without "step", which is added in front. A store's first snapshot gets the tag base. Durable when
 * it returns 0. The handle is freed either way. */
MUST_CHECK int commit_finish(struct commit *c, const char *meta, int keep, struct err *e);
void commit_abort(struct commit *c);

/* ---- tags, listing, care ------------------------------------------------------ */

/* ref NULL: remove */
MUST_CHECK int store_tag(struct store *s, const char *tag, const char *ref, struct err *e);
struct snap_info {
	int64_t step;
	char *meta;
	char *tags;                  /* separated by spaces, "" if none */
	uint64_t bytes;              /* size of the tensors first written by this step */
};
/* All snapshots in step order; free with snap_list_free. */
MUST_CHECK int store_list(struct store *s, struct snap_info **out, size_t *n, struct err *e);
void snap_list_free(struct snap_info *p, size_t n);
/* Calls row(json, data) for each metrics row of steps from..to, in order; a non-zero return
 * stops. */
MUST_CHECK int store_metrics(struct store *s, int64_t from, int64_t to,
                             int (*row)(const char *json, void *data), void *data, struct err *e);
/* Deletes snapshots that the policy does not keep and tensors that no snapshot uses; *freed:
 * bytes. */
MUST_CHECK int store_gc(struct store *s, int keep, uint64_t *freed, struct err *e);
/* Checks every name, shape, length and checksum; calls bad(message, data) for each fault. Returns
 * the number of faults, or -1. */
MUST_CHECK int store_fsck(struct store *s, void (*bad)(const char *msg, void *data), void *data,
                          struct err *e);
/* The same for a store that is not open, in a child process, since LMDB may crash on damaged
 * pages. */
MUST_CHECK int store_check(const char *dir, void (*bad)(const char *msg, void *data), void *data,
                           struct err *e);

#endif
