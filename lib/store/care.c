/* SPDX-License-Identifier: MIT */
/* Tags, pruning, and checking everything. */
#include "store/inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- tags ---- */

static int tag_check(const char *tag, struct err *e)
{
	size_t n = strlen(tag);

	if (!n || n > 64 || strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n
	    || (tag[0] >= '0' && tag[0] <= '9') || tag[0] == '-' || tag[0] == '.')
		return err_set(e, "tag '%.80s': expected a letter, then up to 63 letters, digits, '.', '_' or '-'", tag);
	if (!strcmp(tag, "latest"))
		return err_set(e, "tag 'latest' names the latest snapshot and cannot be set");
	return 0;
}

int store_tag(struct store *s, const char *tag, const char *ref, struct err *e)
{
	MDB_txn *t;
	MDB_val k = text_key(tag);
	uint64_t taken;
	int64_t step;
	int rc;

	if (tag_check(tag, e))
		return -1;
	if (!ref && !strcmp(tag, "base"))
		return err_set(e, "%s: 'base' can be moved, not removed", s->dir);
	if (begin_write(s, 0, &t, &taken, e))
		return -1;
	if (ref) {
		if (resolve(s, t, ref, &step, e) || tag_put(s, t, tag, step, e))
			goto fail;
	} else {
		rc = mdb_del(t, s->db[TB_TAG], &k, NULL);
		if (rc) {
			if (rc == MDB_NOTFOUND)
				err_set(e, "%s: there is no tag '%s'", s->dir, tag);
			else
				lmdb_err(s, rc, "writing", e);
			goto fail;
		}
	}
	rc = mdb_txn_commit(t);
	return rc ? lmdb_err(s, rc, "committing", e) : 0;
fail:
	mdb_txn_abort(t);
	return -1;
}

/* ---- pruning ---- */

struct kept {
	const int64_t *steps;
	char *keep;
	size_t n;
};

static void keep_tagged(const char *tag, int64_t step, void *data)
{
	struct kept *k = data;

	(void)tag;
	for (size_t i = 0; i < k->n; i++)
		if (k->steps[i] == step)
			k->keep[i] = 1;
}

static int holds(const struct manifest *m, const struct entry *en)
{
	const struct entry *other = manifest_find(m, en->name);

	return other && other->version == en->version;
}

/*
 * Every step begins as a copy of the one before, so the snapshots that share one version of a tensor are neighbours:
 * what neither the last kept snapshot before nor the next kept one after names, nobody names.
 */
static int drop(struct store *s, MDB_txn *t, int64_t step, const struct manifest *before, const struct manifest *after,
                uint64_t *freed, uint64_t *deleted, struct err *e)
{
	unsigned char room[112];
	struct manifest m;
	MDB_val k;
	int rc = 0;

	if (snap_load(s, t, step, NULL, &m, e))
		return -1;
	for (size_t i = 0; i < m.n && !rc; i++) {
		if (holds(before, &m.v[i]) || holds(after, &m.v[i]))
			continue;
		k = tensor_key(m.v[i].name, m.v[i].version, room);
		rc = mdb_del(t, s->db[TB_TENSOR], &k, NULL);
		if (!rc) {
			*freed += m.v[i].bytes;
			++*deleted;
		}
		/* two dropped neighbours may have shared it */
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	manifest_release(&m);
	if (!rc) {
		k = step_key(step, room);
		rc = mdb_del(t, s->db[TB_SNAP], &k, NULL);
	}
	return rc ? lmdb_err(s, rc, "pruning", e) : 0;
}

int prune(struct store *s, MDB_txn *t, int keep, uint64_t *freed, uint64_t *deleted, struct err *e)
{
	struct manifest before = {0}, after = {0};
	struct kept k = {0};
	int64_t *steps;
	int rc = -1;

	if (keep < 1)
		return 0;
	if (all_steps(s, t, &steps, &k.n, e))
		return -1;
	k.steps = steps;
	k.keep = xcalloc(k.n + 1, 1);
	for (size_t i = k.n > (size_t)keep ? k.n - (size_t)keep : 0; i < k.n; i++)
		k.keep[i] = 1;
	if (all_tags(s, t, keep_tagged, &k, e))
		goto out;
	for (size_t i = 0; i < k.n;) {
		size_t next = i;

		if (k.keep[i]) {
			i++;
			continue;
		}
		while (!k.keep[next])        /* the latest is always kept */
			next++;
		manifest_release(&before);
		manifest_release(&after);
		if ((i && snap_load(s, t, steps[i - 1], NULL, &before, e)) || snap_load(s, t, steps[next], NULL, &after, e))
			goto out;
		for (; i < next; i++)
			if (drop(s, t, steps[i], &before, &after, freed, deleted, e))
				goto out;
	}
	rc = 0;
out:
	manifest_release(&before);
	manifest_release(&after);
	free(k.keep);
	free(steps);
	return rc;
}

/* ---- all versions of all tensors, as found in the table ---- */

struct version {
	unsigned char key[112];
	size_t key_len;
	uint64_t bytes, sum;
	int used;
};

struct versions {
	struct version *v;
	size_t n, cap;
};

static int by_key(const void *a, const void *b)
{
	const struct version *x = a, *y = b;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c = memcmp(x->key, y->key, n);

	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int versions_read(struct store *s, MDB_txn *t, int sums, struct versions *out, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(t, s->db[TB_TENSOR], &c);

	if (rc)
		return lmdb_err(s, rc, "reading", e);
	while (!(rc = mdb_cursor_get(c, &k, &v, MDB_NEXT))) {
		struct version *x = (VEC_PUSH(out->v, out->n, out->cap) = (struct version){0}, &out->v[out->n - 1]);

		x->key_len = k.mv_size < sizeof x->key ? k.mv_size : sizeof x->key;
		memcpy(x->key, k.mv_data, x->key_len);
		x->bytes = v.mv_size;
		if (sums)
			x->sum = sum64(v.mv_data, v.mv_size);
	}
	mdb_cursor_close(c);
	if (rc != MDB_NOTFOUND)
		return lmdb_err(s, rc, "reading", e);
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, by_key);
	return 0;
}

static struct version *version_find(const struct versions *vs, const struct entry *en)
{
	struct version want = {0};
	MDB_val k = tensor_key(en->name, en->version, want.key);

	want.key_len = k.mv_size;
	return vs->n ? bsearch(&want, vs->v, vs->n, sizeof *vs->v, by_key) : NULL;
}

static int mark_used(struct store *s, MDB_txn *t, struct versions *vs, struct err *e)
{
	int64_t *steps;
	size_t n;
	int rc = 0;

	if (all_steps(s, t, &steps, &n, e))
		return -1;
	for (size_t i = 0; i < n && !rc; i++) {
		struct manifest m = {0};

		rc = snap_load(s, t, steps[i], NULL, &m, e);
		for (size_t j = 0; j < m.n; j++) {
			struct version *x = version_find(vs, &m.v[j]);

			if (x)
				x->used = 1;
		}
		manifest_release(&m);
	}
	free(steps);
	return rc;
}

int store_gc(struct store *s, int keep, uint64_t *freed, struct err *e)
{
	struct versions vs = {0};
	uint64_t deleted = 0, taken;
	MDB_txn *t;
	int rc;

	*freed = 0;
	if (begin_write(s, 0, &t, &taken, e))
		return -1;
	if (prune(s, t, keep, freed, &deleted, e) || versions_read(s, t, 0, &vs, e) || mark_used(s, t, &vs, e))
		goto fail;
	for (size_t i = 0; i < vs.n; i++) {
		MDB_val k = {vs.v[i].key_len, vs.v[i].key};

		if (vs.v[i].used)
			continue;
		rc = mdb_del(t, s->db[TB_TENSOR], &k, NULL);
		if (rc) {
			lmdb_err(s, rc, "collecting", e);
			goto fail;
		}
		*freed += vs.v[i].bytes;
	}
	free(vs.v);
	rc = mdb_txn_commit(t);
	return rc ? lmdb_err(s, rc, "committing", e) : 0;
fail:
	free(vs.v);
	mdb_txn_abort(t);
	return -1;
}

/* ---- fsck ---- */

struct check {
	struct store *s;
	MDB_txn *t;
	void (*bad)(const char *msg, void *data);
	void *data;
	int faults;
	const int64_t *steps;
	size_t n_steps;
};

PRINTF(2, 3)
static void fault(struct check *c, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	c->faults++;
	if (c->bad)
		c->bad(msg, c->data);
}

static void check_weights(struct check *c, struct versions *vs)
{
	struct err e;

	for (size_t i = 0; i < c->n_steps; i++) {
		struct manifest m;
		char *meta;

		if (snap_load(c->s, c->t, c->steps[i], &meta, &m, &e)) {
			fault(c, "%s", e.msg);
			continue;
		}
		if (!m.n)
			fault(c, "snapshot %" PRId64 " has no tensors", c->steps[i]);
		for (size_t j = 0; j < m.n; j++) {
			const struct entry *en = &m.v[j];
			struct version *x = version_find(vs, en);

			if (en->version > c->steps[i])
				fault(c, "snapshot %" PRId64 ": %s is of a later step, %" PRId64, c->steps[i], en->name, en->version);
			if (!x) {
				fault(c, "snapshot %" PRId64 ": %s (step %" PRId64 ") is missing", c->steps[i], en->name, en->version);
				continue;
			}
			if (x->bytes != en->bytes)
				fault(c, "snapshot %" PRId64 ": %s (step %" PRId64 "): %" PRIu64 " bytes, expected %" PRIu64,
				      c->steps[i], en->name, en->version, x->bytes, en->bytes);
			else if (x->sum != en->sum && !(x->used & 2))
				fault(c, "snapshot %" PRId64 ": %s (step %" PRId64 "): checksum %016" PRIx64 ", expected %016" PRIx64,
				      c->steps[i], en->name, en->version, x->sum, en->sum);
			x->used = x->sum != en->sum ? 3 : x->used | 1;
		}
		free(meta);
		manifest_release(&m);
	}
	for (size_t i = 0; i < vs->n; i++)
		if (!vs->v[i].used)
			fault(c, "values of %.96s that no snapshot names (gc removes them)", (const char *)vs->v[i].key);
}

static void check_state(struct check *c)
{
	struct manifest m;
	struct err e;
	MDB_stat st;

	if (state_load(c->s, c->t, &m, &e)) {
		fault(c, "%s", e.msg);
		return;
	}
	for (size_t i = 0; i < m.n; i++) {
		MDB_val k = text_key(m.v[i].name), v;
		int rc = mdb_get(c->t, c->s->db[TB_STATE], &k, &v);

		if (rc)
			fault(c, "state %s: %s", m.v[i].name, mdb_strerror(rc));
		else if (v.mv_size != m.v[i].bytes)
			fault(c, "state %s: %zu bytes, expected %" PRIu64, m.v[i].name, v.mv_size, m.v[i].bytes);
		else if (sum64(v.mv_data, v.mv_size) != m.v[i].sum)
			fault(c, "state %s: checksum does not match", m.v[i].name);
	}
	if (!mdb_stat(c->t, c->s->db[TB_STATE], &st) && st.ms_entries != m.n)
		fault(c, "state: %zu values, %zu listed", st.ms_entries, m.n);
	manifest_release(&m);
}

static int check_records(struct check *c, enum table tb, const char *what, struct err *e)
{
	MDB_cursor *cur;
	MDB_val k, v;
	int rc = mdb_cursor_open(c->t, c->s->db[tb], &cur);

	if (rc)
		return lmdb_err(c->s, rc, "reading", e);
	while (!(rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT))) {
		size_t n;

		if (!rec_check(&v, &n))
			continue;
		if (tb == TB_METRICS)
			fault(c, "%s of step %" PRId64 ": checksum does not match", what, key_step(&k));
		else
			fault(c, "%s %.*s: checksum does not match", what, (int)k.mv_size, (const char *)k.mv_data);
	}
	mdb_cursor_close(cur);
	return rc == MDB_NOTFOUND ? 0 : lmdb_err(c->s, rc, "reading", e);
}

static void check_tag(const char *tag, int64_t step, void *data)
{
	struct check *c = data;

	for (size_t i = 0; i < c->n_steps; i++)
		if (c->steps[i] == step)
			return;
	fault(c, "tag %s points to step %" PRId64 ", which is not there", tag, step);
}

int store_fsck(struct store *s, void (*bad)(const char *, void *), void *data, struct err *e)
{
	struct check c = {.s = s, .bad = bad, .data = data};
	struct versions vs = {0};
	int64_t *steps = NULL;
	int rc = -1;

	if (begin_read(s, &c.t, e))
		return -1;
	if (all_steps(s, c.t, &steps, &c.n_steps, e) || versions_read(s, c.t, 1, &vs, e))
		goto out;
	c.steps = steps;
	check_weights(&c, &vs);
	check_state(&c);
	if (check_records(&c, TB_DOC, "document", e) || check_records(&c, TB_METRICS, "metrics", e))
		goto out;
	if (all_tags(s, c.t, check_tag, &c, e))
		fault(&c, "%s", e->msg);
	rc = c.faults;
out:
	free(vs.v);
	free(steps);
	mdb_txn_abort(c.t);
	return rc;
}
