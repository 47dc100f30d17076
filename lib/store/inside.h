/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of this room; private to it. store.c opens and closes, place.c handles the
 * directory and its disk, record.c small records, snap.c reads snapshots, commit.c writes a step,
 * room.c its large values, care.c prunes, fsck.c checks.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/store.h"

#include <lmdb.h>
#define XXH_STATIC_LINKING_ONLY  /* defines XXH64_state_t */
#include <xxhash.h>
#include <sys/types.h>

#define MIB ((uint64_t)1 << 20)

/* ---- place.c: the directory and its disk ---- */

/* Name of the network file system with this statfs magic, NULL if it is not one. */
const char *place_network(unsigned long magic);
/* Refuses a directory on a network file system. */
MUST_CHECK int place_local(const char *dir, struct err *e);
/* Takes the writer's lock without waiting; the error says who holds it. Held until *fd is
 * closed. */
MUST_CHECK int place_lock(const char *dir, int *fd, struct err *e);
/* Waits until no other process is opening or closing the store, and keeps others from it until the
 * descriptor is closed; -1 if there is no data file to lock (pipelines lock the directory, and LMDB
 * the lock file). From 0.9.30 on, LMDB's last user of a store destroys the lock file's mutexes in
 * leaving, and one who comes at that moment takes them for made. */
int place_gate(const char *dir);
/* Backs LMDB's lock file with disk blocks before LMDB maps it. */
MUST_CHECK int place_readers(const char *dir, struct err *e);
/* Checks that a file of this size is allowed (RLIMIT_FSIZE). */
MUST_CHECK int place_limit(uint64_t size, const char *dir, struct err *e);
/* Backs bytes [from, to) of the file with disk blocks. was: end of the part in use. On failure,
 * blocks beyond both from and was are released. */
MUST_CHECK int place_reserve(int fd, uint64_t from, uint64_t to, uint64_t was, const char *dir,
                             struct err *e);
void place_file(struct buf *path, const char *dir, const char *name);

/* ---- store.c ---- */

enum table { TB_DOC, TB_TENSOR, TB_STATE, TB_SNAP, TB_METRICS, TB_TAG, TABLES };

/* Checksums are XXH64. */
enum { SUM_SEED = 0 };

struct store {
	char *dir;
	enum store_mode mode;
	MDB_env *env;
	MDB_dbi db[TABLES];
	pid_t pid;                   /* process that opened it */
	int lock_fd;
	int made_dir, fresh;         /* this handle created the directory, the data file */
	uint64_t page;               /* LMDB's page size */
	/* values smaller than this may be unaligned inside a page: copied */
	uint64_t small;
	uint64_t reserved;           /* file offset up to which disk blocks are allocated */
	size_t snaps;                /* snapshots open in this process */
	struct commit *commit;
};

int lmdb_err(const struct store *s, int rc, const char *doing, struct err *e);
/* Refuses a store that was opened in another process. */
MUST_CHECK int same_process(const struct store *s, struct err *e);
MUST_CHECK int begin_read(struct store *s, MDB_txn **txn, struct err *e);
/* Begins a write transaction that may add `bytes` of data; *taken: bytes that LMDB's own
 * book-keeping may use. Before adding more than announced, call space_taken with *taken plus all
 * that was added. */
MUST_CHECK int begin_write(struct store *s, uint64_t bytes, MDB_txn **txn, uint64_t *taken,
                           struct err *e);
/* Ensures, within a write transaction, that disk blocks and map suffice for `bytes` in total. */
MUST_CHECK int space_taken(struct store *s, uint64_t bytes, struct err *e);
/* File offset of the end of the last page in use. */
uint64_t space_used(const struct store *s);

/* ---- record.c ---- */

struct entry {
	char name[96];
	int dtype;                   /* enum dtype, 0: bytes */
	int rank;
	uint64_t shape[2];
	int64_t version;             /* step that wrote it */
	uint64_t bytes, sum;
};

/* Sorted by name. */
struct manifest {
	struct entry *v;
	size_t n, cap;
};

MUST_CHECK int name_check(const char *name, struct err *e);
struct entry *manifest_find(const struct manifest *m, const char *name);
void manifest_put(struct manifest *m, const struct entry *en);
void manifest_print(const struct manifest *m, struct buf *out);
MUST_CHECK int manifest_parse(const char *text, size_t n, struct manifest *out, struct err *e);
void manifest_release(struct manifest *m);

MDB_val text_key(const char *text);
MDB_val step_key(int64_t step, unsigned char space[8]);
int64_t key_step(const MDB_val *key);           /* -1 if it is not a step's key */
/* A tensor's key: "name\0" and the version. */
MDB_val tensor_key(const char *name, int64_t version, unsigned char space[112]);

/* Reads a record: a payload followed by its checksum. 1: found, 0: absent, -1: error. Borrowed from
 * txn. */
MUST_CHECK int rec_get(const struct store *s, MDB_txn *t, enum table tb, MDB_val key,
                       const char **payload, size_t *n, struct err *e);
MUST_CHECK int rec_check(const MDB_val *value, size_t *n);        /* -1: checksum does not match */
MUST_CHECK int rec_put(const struct store *s, MDB_txn *t, enum table tb, MDB_val key,
                       const void *payload, size_t n, struct err *e);

/* Reads a snapshot's record: meta text, newline, manifest. *meta is owned by the caller; meta NULL:
 * not wanted. */
MUST_CHECK int snap_load(const struct store *s, MDB_txn *t, int64_t step, char **meta,
                         struct manifest *m, struct err *e);
/* Reads the state's manifest; empty if there is none. */
MUST_CHECK int state_load(const struct store *s, MDB_txn *t, struct manifest *m, struct err *e);
/* 1: found, 0: there is no snapshot, -1: error. */
MUST_CHECK int latest_step(const struct store *s, MDB_txn *t, int64_t *step, struct err *e);
/* All steps in order; *steps is owned by the caller. */
MUST_CHECK int all_steps(const struct store *s, MDB_txn *t, int64_t **steps, size_t *n,
                         struct err *e);
/* Calls fn(tag, step, data) for all tags in order. */
MUST_CHECK int all_tags(const struct store *s, MDB_txn *t,
                        void (*fn)(const char *tag, int64_t step, void *data), void *data,
                        struct err *e);
/* Resolves ref: a step number, a tag, "latest" or NULL (latest). */
MUST_CHECK int resolve(const struct store *s, MDB_txn *t, const char *ref, int64_t *step,
                       struct err *e);
MUST_CHECK int tag_put(const struct store *s, MDB_txn *t, const char *tag, int64_t step,
                       struct err *e);

/* ---- snap.c ---- */

const struct store *snap_store(const struct snap *p);

/* ---- room.c ---- */

/* A value that a commit is writing. */
struct room {
	struct entry en;
	int is_state, staged;        /* staged: dst is on the heap (owned), else in the map */
	int by_caller;               /* dst is filled by the caller, not by room_write */
	void *dst;
	uint64_t done;               /* bytes written */
	XXH64_state_t sum;           /* checksum of the bytes written */
	/* writing to the file directly, bypassing the map */
	int fd;
	/* file offset of the next write; 0: written through the map, or staged */
	uint64_t at;
	uint64_t page;
	unsigned char *tail;         /* [n_tail] bytes of a partial page, to be written at `at` */
	size_t n_tail;
};

/* dst: the value's memory, in the map or (staged) on the heap, then taken over. */
struct room *room_new(const struct entry *en, int is_state, void *dst, int staged);
/* Prepares it for room_write. */
void room_open(struct room *r, const struct store *s);
void room_free(struct room *r);

/* ---- care.c ---- */

/* One version of one tensor in the table. */
struct version {
	unsigned char key[112];
	size_t key_len;
	uint64_t bytes, sum;
	int used;
};

/* Sorted by key. */
struct versions {
	struct version *v;
	size_t n, cap;
};

MUST_CHECK int versions_read(struct store *s, MDB_txn *t, int sums, struct versions *out,
                             struct err *e);
struct version *version_find(const struct versions *vs, const struct entry *en);

/* Deletes snapshots and tensors that the policy does not keep. *freed += bytes, *deleted +=
 * values. */
MUST_CHECK int prune(struct store *s, MDB_txn *t, int keep, uint64_t *freed, uint64_t *deleted,
                     struct err *e);

#endif
