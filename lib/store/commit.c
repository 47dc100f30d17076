/* SPDX-License-Identifier: MIT */
/*
 * Writing a step: one LMDB write transaction from commit_begin to commit_finish.
 *
 * A value is reserved in the map (MDB_RESERVE) for the caller to fill or to write piece by piece
 * (room.c), and sealed (checksummed, added to the manifest) by a later commit_ call. Small values
 * would be unaligned among others inside a page, so they are staged on the heap and put when
 * sealed.
 */
#include "store/inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct commit {
	struct store *s;
	MDB_txn *txn;
	int64_t step, last;          /* last: the store's latest step before this one; -1: none */
	int first, failed, state_changed;
	struct manifest weights, state;
	/* upper bound on the disk bytes used by the transaction so far */
	uint64_t taken;
	uint64_t written;            /* bytes of sealed values */
	struct room **rooms;         /* [n_rooms] values being filled */
	size_t n_rooms, rooms_cap;
};

/*
 * LMDB does not reuse pages freed by the last two transactions. An empty transaction between two
 * large ones moves the old optimiser state out of that window, so that the disk holds two copies of
 * it instead of three: 12 bytes less per parameter, for two small syncs. Both meta pages then refer
 * to the latest step.
 */
static int settle(struct store *s, struct err *e)
{
	const char *format;
	uint64_t taken;
	MDB_txn *t;
	size_t n;
	int rc;

	if (begin_write(s, 0, &t, &taken, e))
		return -1;
	rc = rec_get(s, t, TB_DOC, text_key(".format"), &format, &n, e);
	if (rc > 0) {
		char *copy = xstrndup(format, n);

		rc = rec_put(s, t, TB_DOC, text_key(".format"), copy, n, e);
		free(copy);
	}
	if (rc) {
		mdb_txn_abort(t);
		return -1;
	}
	rc = mdb_txn_commit(t);
	return rc ? lmdb_err(s, rc, "writing", e) : 0;
}

int commit_begin(struct store *s, int64_t step, uint64_t bytes, struct commit **out, struct err *e)
{
	struct commit *c;
	MDB_txn *txn;
	int64_t last = -1;
	uint64_t taken;
	int rc;

	*out = NULL;
	if (step < 0)
		return err_set(e, "%s: step %" PRId64 " is negative", s->dir, step);
	if (bytes >= 64 * MIB && settle(s, e))
		return -1;
	/* an eighth more, for the partial last page of each value and for the tree */
	if (begin_write(s, bytes + bytes / 8, &txn, &taken, e))
		return -1;
	c = xcalloc(1, sizeof *c);
	*c = (struct commit){.s = s, .txn = txn, .step = step, .taken = taken};
	s->commit = c;
	rc = latest_step(s, txn, &last, e);
	if (rc < 0)
		goto fail;
	c->first = !rc;
	c->last = rc ? last : -1;
	if (rc && step <= last) {
		err_set(e, "%s: step %" PRId64 " cannot follow step %" PRId64 ", the store's latest",
		        s->dir, step, last);
		goto fail;
	}
	if ((rc && snap_load(s, txn, last, NULL, &c->weights, e)) || state_load(s, txn, &c->state, e))
		goto fail;
	*out = c;
	return 0;
fail:
	commit_abort(c);
	return -1;
}

static int failed(struct commit *c)
{
	c->failed = 1;
	return -1;
}

/* Reserves disk space for one more value (its own pages, or twice its share of a leaf) and the tree
 * pages leading to it. */
static int take(struct commit *c, uint64_t bytes, struct err *e)
{
	uint64_t page = c->s->page;

	c->taken += (bytes < c->s->small ? 2 * bytes : (bytes + 16 + page - 1) / page * page) + page;
	return space_taken(c->s, c->taken, e);
}

/* True if the parent's value is equal; it is then shared. */
static int same_as_parent(struct commit *c, const struct entry *en, const void *data)
{
	const struct entry *old = manifest_find(&c->weights, en->name);
	unsigned char space[112];
	MDB_val k, v;

	if (!old || old->sum != en->sum || old->bytes != en->bytes || old->dtype != en->dtype ||
	    old->rank != en->rank || old->shape[0] != en->shape[0] || old->shape[1] != en->shape[1])
		return 0;
	k = tensor_key(old->name, old->version, space);
	return !mdb_get(c->txn, c->s->db[TB_TENSOR], &k, &v) && v.mv_size == en->bytes &&
	       !memcmp(v.mv_data, data, en->bytes);
}

static int seal(struct commit *c, struct room *r, struct err *e)
{
	unsigned char space[112];
	MDB_val k, v = {r->en.bytes, r->dst};
	MDB_dbi db = c->s->db[r->is_state ? TB_STATE : TB_TENSOR];
	int rc = 0, same;

	if (!r->by_caller && r->done != r->en.bytes)
		return err_set(e, "%s: %s: %" PRIu64 " bytes were written, expected %" PRIu64, c->s->dir,
		               r->en.name, r->done, r->en.bytes);
	r->en.sum = r->by_caller ? XXH64(r->dst, r->en.bytes, SUM_SEED) : XXH64_digest(&r->sum);
	k = r->is_state ? text_key(r->en.name) : tensor_key(r->en.name, c->step, space);
	same = !r->is_state && same_as_parent(c, &r->en, r->dst);
	if (same && !r->staged)
		rc = mdb_del(c->txn, db, &k, NULL);
	else if (!same && r->staged)
		rc = mdb_put(c->txn, db, &k, &v, 0);
	if (rc)
		return lmdb_err(c->s, rc, "writing", e);
	if (!same) {
		manifest_put(r->is_state ? &c->state : &c->weights, &r->en);
		c->written += r->en.bytes;
	}
	return 0;
}

static void rooms_free(struct commit *c)
{
	for (size_t i = 0; i < c->n_rooms; i++)
		room_free(c->rooms[i]);
	c->n_rooms = 0;
}

/* Start of every public call: checks that the process is the same and nothing failed before. */
static int usable(struct commit *c, struct err *e)
{
	if (same_process(c->s, e))
		return -1;
	if (c->failed)
		return err_set(e, "%s: this commit has failed already", c->s->dir);
	return 0;
}

/* Continues most public calls: seals the values being filled. */
static int ready(struct commit *c, struct err *e)
{
	int rc = usable(c, e);

	for (size_t i = 0; i < c->n_rooms && !rc; i++)
		if (seal(c, c->rooms[i], e))
			rc = failed(c);
	if (!rc)
		rooms_free(c);
	return rc;
}

/* Reserves space for a value. */
static int reserve(struct commit *c, const struct entry *en, int is_state, struct room **out,
                   struct err *e)
{
	int staged = en->bytes < c->s->small;
	unsigned char space[112];
	MDB_val k, v = {en->bytes, NULL};
	int rc;

	if (take(c, en->bytes, e))
		return failed(c);
	if (staged) {
		v.mv_data = xaligned(en->bytes ? en->bytes : 1);
	} else {
		k = is_state ? text_key(en->name) : tensor_key(en->name, c->step, space);
		rc = mdb_put(c->txn, c->s->db[is_state ? TB_STATE : TB_TENSOR], &k, &v, MDB_RESERVE);
		if (rc) {
			lmdb_err(c->s, rc, "writing", e);
			return failed(c);
		}
	}
	*out = room_new(en, is_state, v.mv_data, staged);
	VEC_PUSH(c->rooms, c->n_rooms, c->rooms_cap) = *out;
	return 0;
}

/* LMDB values must be smaller than 4 GiB. */
static int size_check(const struct commit *c, const char *name, __uint128_t bytes, struct err *e)
{
	if (name_check(name, e))
		return err_prefix(e, "%s: ", c->s->dir);
	if (bytes >= 0xffff0000)
		return err_set(e, "%s: %s: a value of 4 GiB or more cannot be stored", c->s->dir, name);
	return 0;
}

/* Checks that `name` was not written in this commit and is not being written. */
static int once(const struct commit *c, const struct manifest *m, int is_state, const char *name,
                struct err *e)
{
	const struct entry *old = manifest_find(m, name);
	int again = old && old->version == c->step;

	for (size_t i = 0; i < c->n_rooms; i++)
		again |= c->rooms[i]->is_state == is_state && !strcmp(c->rooms[i]->en.name, name);
	return again ? err_set(e, "%s: %s %s given twice in one commit", c->s->dir,
	                       is_state ? "state" : "tensor", name)
	             : 0;
}

static int tensor_room(struct commit *c, const char *name, enum dtype t, int rank,
                       const uint64_t shape[2], struct room **out, struct err *e)
{
	__uint128_t values = (__uint128_t)shape[0] * (rank == 2 ? shape[1] : 1);
	struct entry en = {.dtype = t,
	                   .rank = rank,
	                   .shape = {shape[0], rank == 2 ? shape[1] : 1},
	                   .version = c->step};

	if ((t != DT_BF16 && t != DT_F32) || rank < 1 || rank > 2 || !values || values >> 40)
		return err_set(e, "%s: %s: bad type or shape", c->s->dir, name);
	if (size_check(c, name, values * (t == DT_F32 ? 4 : 2), e) || once(c, &c->weights, 0, name, e))
		return -1;
	en.bytes = (uint64_t)values * (t == DT_F32 ? 4 : 2);
	memcpy(en.name, name, strlen(name));
	return reserve(c, &en, 0, out, e);
}

static int state_room(struct commit *c, const char *name, uint64_t bytes, struct room **out,
                      struct err *e)
{
	struct entry en = {.rank = 1, .shape = {bytes, 1}, .version = c->step, .bytes = bytes};

	if (size_check(c, name, bytes, e) || once(c, &c->state, 1, name, e))
		return -1;
	memcpy(en.name, name, strlen(name));
	c->state_changed = 1;
	return reserve(c, &en, 1, out, e);
}

int commit_tensor(struct commit *c, const char *name, enum dtype t, int rank,
                  const uint64_t shape[2], void **dst, struct err *e)
{
	struct room *r;

	if (ready(c, e) || tensor_room(c, name, t, rank, shape, &r, e))
		return -1;
	r->by_caller = 1;
	*dst = r->dst;
	return 0;
}

int commit_state(struct commit *c, const char *name, uint64_t bytes, void **dst, struct err *e)
{
	struct room *r;

	if (ready(c, e) || state_room(c, name, bytes, &r, e))
		return -1;
	r->by_caller = 1;
	*dst = r->dst;
	return 0;
}

int commit_tensor_room(struct commit *c, const char *name, enum dtype t, int rank,
                       const uint64_t shape[2], struct room **out, struct err *e)
{
	if (usable(c, e) || tensor_room(c, name, t, rank, shape, out, e))
		return -1;
	room_open(*out, c->s);
	return 0;
}

int commit_state_room(struct commit *c, const char *name, uint64_t bytes, struct room **out,
                      struct err *e)
{
	if (usable(c, e) || state_room(c, name, bytes, out, e))
		return -1;
	room_open(*out, c->s);
	return 0;
}

int commit_written(struct commit *c, uint64_t *bytes, struct err *e)
{
	if (ready(c, e))
		return -1;
	*bytes = c->written;
	return 0;
}

int commit_drop_state(struct commit *c, const char *prefix, struct err *e)
{
	size_t kept = 0, len = strlen(prefix);

	if (ready(c, e))
		return -1;
	for (size_t i = 0; i < c->state.n; i++) {
		MDB_val k = text_key(c->state.v[i].name);
		int rc;

		if (strncmp(c->state.v[i].name, prefix, len)) {
			c->state.v[kept++] = c->state.v[i];
			continue;
		}
		if (take(c, 0, e))
			return failed(c);
		rc = mdb_del(c->txn, c->s->db[TB_STATE], &k, NULL);
		if (rc && rc != MDB_NOTFOUND) {
			lmdb_err(c->s, rc, "writing", e);
			return failed(c);
		}
		c->state_changed = 1;
	}
	c->state.n = kept;
	return 0;
}

static int put_record(struct commit *c, enum table tb, MDB_val key, const void *data, size_t n,
                      struct err *e)
{
	if (take(c, n + 8, e) || rec_put(c->s, c->txn, tb, key, data, n, e))
		return failed(c);
	return 0;
}

int commit_doc(struct commit *c, const char *name, const void *data, size_t n, struct err *e)
{
	if (ready(c, e) || size_check(c, name, n, e))
		return -1;
	if (name[0] == '.')
		return err_set(e, "%s: documents beginning with '.' are the store's own", c->s->dir);
	return put_record(c, TB_DOC, text_key(name), data, n, e);
}

int commit_metrics_of(struct commit *c, int64_t step, const char *json, struct err *e)
{
	unsigned char space[8];

	if (ready(c, e))
		return -1;
	if (step <= c->last || step > c->step)
		return err_set(
			e, "%s: metrics of step %" PRId64 " in a commit from step %" PRId64 " to %" PRId64,
		    c->s->dir, step, c->last, c->step);
	return put_record(c, TB_METRICS, step_key(step, space), json, strlen(json), e);
}

int commit_metrics(struct commit *c, const char *json, struct err *e)
{
	return commit_metrics_of(c, c->step, json, e);
}

/*
 * Puts the step first in the caller's object. Looks for a key "step" in it by scanning strings and
 * braces, since this room must not depend on jsonl.
 */
static int meta_text(const char *meta, int64_t step, struct buf *out, struct err *e)
{
	size_t n = strlen(meta), depth = 0;

	if (n < 2 || meta[0] != '{' || meta[n - 1] != '}' || strchr(meta, '\n'))
		return err_set(e, "a snapshot's description must be a JSON object on one line");
	for (const char *p = meta; *p; p++) {
		if (*p == '"') {
			const char *start = p++;

			while (*p && *p != '"')
				p += *p == '\\' && p[1] ? 2 : 1;
			if (depth == 1 && !strncmp(start, "\"step\":", 7))
				return err_set(e, "a snapshot's description has a \"step\" of its own");
			if (!*p)
				return err_set(e, "a snapshot's description ends within a string");
		}
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
	}
	buf_addf(out, "{\"step\":%" PRId64 "%s", step,
	         meta[1 + strspn(meta + 1, " ")] == '}' ? "" : ",");
	buf_adds(out, meta + 1);
	return 0;
}

static int finish(struct commit *c, const char *meta, int keep, struct err *e)
{
	struct buf b = {0};
	unsigned char space[8];
	uint64_t freed = 0, deleted = 0;
	int rc = -1;

	if (ready(c, e))
		return -1;
	if (meta_text(meta, c->step, &b, e)) {
		err_prefix(e, "%s: ", c->s->dir);
		goto out;
	}
	buf_addc(&b, '\n');
	manifest_print(&c->weights, &b);
	if (put_record(c, TB_SNAP, step_key(c->step, space), b.data, b.len, e))
		goto out;
	if (c->state_changed) {
		buf_clear(&b);
		manifest_print(&c->state, &b);
		if (put_record(c, TB_DOC, text_key(".state"), b.len ? b.data : "", b.len, e))
			goto out;
	}
	if (c->first && (take(c, 0, e) || tag_put(c->s, c->txn, "base", c->step, e)))
		goto out;
	if (prune(c->s, c->txn, keep, &freed, &deleted, e))
		goto out;
	rc = 0;
out:
	buf_release(&b);
	return rc;
}

int commit_finish(struct commit *c, const char *meta, int keep, struct err *e)
{
	int rc = finish(c, meta, keep, e);

	if (rc) {
		commit_abort(c);
		return -1;
	}
	rc = mdb_txn_commit(c->txn);
	c->txn = NULL;
	if (rc)
		rc = lmdb_err(c->s, rc, "committing", e);
	commit_abort(c);
	return rc;
}

void commit_abort(struct commit *c)
{
	if (!c)
		return;
	if (c->txn && !same_process(c->s, NULL))
		mdb_txn_abort(c->txn);
	c->s->commit = NULL;
	manifest_release(&c->weights);
	manifest_release(&c->state);
	rooms_free(c);
	free(c->rooms);
	free(c);
}
