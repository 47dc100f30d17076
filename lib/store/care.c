/* SPDX-License-Identifier: MIT */
/* Tags, pruning and garbage collection. */
#include "store/inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- tags ---- */

static int tag_check(const char *tag, struct err *e)
{
	size_t n = strlen(tag);

	if (!n || n > 64 ||
	    strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != n ||
	    (tag[0] >= '0' && tag[0] <= '9') || tag[0] == '-' || tag[0] == '.')
		return err_set(
			e, "tag '%.80s': expected a letter, then up to 63 letters, digits, '.', '_' or '-'",
		    tag);
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
 * Every step starts as a copy of the one before, so snapshots that share a version of a tensor are
 * neighbours: if neither the last kept snapshot before nor the next kept one after refers to a
 * version, none does.
 */
static int drop(struct store *s, MDB_txn *t, int64_t step, const struct manifest *before,
                const struct manifest *after, uint64_t *freed, uint64_t *deleted, struct err *e)
{
	unsigned char space[112];
	struct manifest m;
	MDB_val k;
	int rc = 0;

	if (snap_load(s, t, step, NULL, &m, e))
		return -1;
	for (size_t i = 0; i < m.n && !rc; i++) {
		if (holds(before, &m.v[i]) || holds(after, &m.v[i]))
			continue;
		k = tensor_key(m.v[i].name, m.v[i].version, space);
		rc = mdb_del(t, s->db[TB_TENSOR], &k, NULL);
		if (!rc) {
			*freed += m.v[i].bytes;
			++*deleted;
		}
		/* a dropped neighbour that shared it may have deleted it already */
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	manifest_release(&m);
	if (!rc) {
		k = step_key(step, space);
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
		while (!k.keep[next])        /* ends, since the latest is always kept */
			next++;
		manifest_release(&before);
		manifest_release(&after);
		if ((i && snap_load(s, t, steps[i - 1], NULL, &before, e)) ||
		    snap_load(s, t, steps[next], NULL, &after, e))
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

/* ---- all versions of all tensors in the table ---- */

static int by_key(const void *a, const void *b)
{
	const struct version *x = a, *y = b;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c = memcmp(x->key, y->key, n);

	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

int versions_read(struct store *s, MDB_txn *t, int sums, struct versions *out, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(t, s->db[TB_TENSOR], &c);

	if (rc)
		return lmdb_err(s, rc, "reading", e);
	while (!(rc = mdb_cursor_get(c, &k, &v, MDB_NEXT))) {
		struct version *x =
			(VEC_PUSH(out->v, out->n, out->cap) = (struct version){0}, &out->v[out->n - 1]);

		x->key_len = k.mv_size < sizeof x->key ? k.mv_size : sizeof x->key;
		memcpy(x->key, k.mv_data, x->key_len);
		x->bytes = v.mv_size;
		if (sums)
			x->sum = XXH64(v.mv_data, v.mv_size, SUM_SEED);
	}
	mdb_cursor_close(c);
	if (rc != MDB_NOTFOUND)
		return lmdb_err(s, rc, "reading", e);
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, by_key);
	return 0;
}

struct version *version_find(const struct versions *vs, const struct entry *en)
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
	if (prune(s, t, keep, freed, &deleted, e) || versions_read(s, t, 0, &vs, e) ||
	    mark_used(s, t, &vs, e))
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
