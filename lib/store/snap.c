/* SPDX-License-Identifier: MIT */
/* Reads a snapshot; lists snapshots and metrics. */
#include "store/inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct snap {
	struct store *s;
	MDB_txn *txn;
	int64_t step;
	int latest;
	char *meta;
	struct manifest weights, state;
	void **copy_w, **copy_s;     /* [n] aligned copies of small values, made on first use */
};

int snap_open(struct store *s, const char *ref, struct snap **out, struct err *e)
{
	struct snap *p = xcalloc(1, sizeof *p);
	int64_t last;

	*out = NULL;
	p->s = s;
	if (begin_read(s, &p->txn, e)) {
		free(p);
		return -1;
	}
	s->snaps++;
	if (resolve(s, p->txn, ref, &p->step, e) ||
	    snap_load(s, p->txn, p->step, &p->meta, &p->weights, e) ||
	    latest_step(s, p->txn, &last, e) < 0)
		goto fail;
	p->latest = last == p->step;
	if (p->latest && state_load(s, p->txn, &p->state, e))
		goto fail;
	p->copy_w = xcalloc(p->weights.n + 1, sizeof *p->copy_w);
	p->copy_s = xcalloc(p->state.n + 1, sizeof *p->copy_s);
	*out = p;
	return 0;
fail:
	snap_close(p);
	return -1;
}

void snap_close(struct snap *p)
{
	if (!p)
		return;
	for (size_t i = 0; p->copy_w && i < p->weights.n; i++)
		free(p->copy_w[i]);
	for (size_t i = 0; p->copy_s && i < p->state.n; i++)
		free(p->copy_s[i]);
	free(p->copy_w);
	free(p->copy_s);
	manifest_release(&p->weights);
	manifest_release(&p->state);
	free(p->meta);
	if (!same_process(p->s, NULL)) {
		mdb_txn_abort(p->txn);
		p->s->snaps--;
	}
	free(p);
}

const struct store *snap_store(const struct snap *p)
{
	return p->s;
}

int64_t snap_step(const struct snap *p)
{
	return p->step;
}

const char *snap_meta(const struct snap *p)
{
	return p->meta;
}

size_t snap_count(const struct snap *p)
{
	return p->weights.n;
}

static int value(struct snap *p, enum table tb, const struct entry *en, void **copy,
                 struct tensor *out, struct err *e)
{
	unsigned char space[112];
	MDB_val k = tb == TB_STATE ? text_key(en->name) : tensor_key(en->name, en->version, space), v;
	int rc;

	if (same_process(p->s, e))
		return -1;
	rc = mdb_get(p->txn, p->s->db[tb], &k, &v);
	if (rc == MDB_NOTFOUND || (!rc && v.mv_size != en->bytes))
		return err_set(e, "%s: the store is damaged: the values of %s (step %" PRId64 ") are %s",
		               p->s->dir, en->name, en->version, rc ? "missing" : "of the wrong size");
	if (rc)
		return lmdb_err(p->s, rc, "reading", e);
	*out = (struct tensor){.dtype = (enum dtype)en->dtype,
	                       .rank = en->rank,
	                       .shape = {en->shape[0], en->shape[1]},
	                       .data = v.mv_data,
	                       .bytes = en->bytes};
	memcpy(out->name, en->name, sizeof out->name);
	if (en->bytes < p->s->small) {
		if (!*copy) {
			*copy = xaligned(en->bytes ? en->bytes : 1);
			memcpy(*copy, v.mv_data, en->bytes);
		}
		out->data = *copy;
	}
	return 0;
}

int snap_at(struct snap *p, size_t i, struct tensor *out, struct err *e)
{
	if (i >= p->weights.n)
		return err_set(e, "%s: snapshot %" PRId64 " has %zu tensors, not %zu", p->s->dir, p->step,
		               p->weights.n, i + 1);
	return value(p, TB_TENSOR, &p->weights.v[i], &p->copy_w[i], out, e);
}

int snap_has(const struct snap *p, const char *name)
{
	return manifest_find(&p->weights, name) != NULL;
}

int snap_tensor(struct snap *p, const char *name, struct tensor *out, struct err *e)
{
	const struct entry *en = manifest_find(&p->weights, name);

	if (!en)
		return err_set(e, "%s: snapshot %" PRId64 " has no tensor '%.96s'", p->s->dir, p->step,
		               name);
	return snap_at(p, (size_t)(en - p->weights.v), out, e);
}

int snap_state(struct snap *p, const char *name, struct tensor *out, struct err *e)
{
	const struct entry *en;

	if (!p->latest)
		return err_set(e,
		               "%s: snapshot %" PRId64 " is not the latest: only that has optimiser state",
		               p->s->dir, p->step);
	en = manifest_find(&p->state, name);
	if (!en)
		return 0;
	return value(p, TB_STATE, en, &p->copy_s[en - p->state.v], out, e) ? -1 : 1;
}

size_t snap_state_count(const struct snap *p, uint64_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < p->state.n; i++)
		*bytes += p->state.v[i].bytes;
	return p->state.n;
}

/* ---- listings ---- */

struct listing {
	struct snap_info *v;
	size_t n;
};

static void list_tag(const char *tag, int64_t step, void *data)
{
	struct listing *l = data;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].step == step) {
			struct buf b = {0};

			buf_addf(&b, "%s%s%s", l->v[i].tags, *l->v[i].tags ? " " : "", tag);
			free(l->v[i].tags);
			l->v[i].tags = b.data;
		}
}

int store_list(struct store *s, struct snap_info **out, size_t *n, struct err *e)
{
	struct listing l = {0};
	int64_t *steps = NULL;
	size_t count = 0;
	MDB_txn *t;
	int rc = -1;

	*out = NULL;
	*n = 0;
	if (begin_read(s, &t, e))
		return -1;
	if (all_steps(s, t, &steps, &count, e))
		goto out;
	l.v = xcalloc(count + 1, sizeof *l.v);
	for (; l.n < count; l.n++) {
		struct snap_info *info = &l.v[l.n];
		struct manifest m;

		if (snap_load(s, t, steps[l.n], &info->meta, &m, e))
			goto out;
		info->step = steps[l.n];
		info->tags = xstrdup("");
		for (size_t i = 0; i < m.n; i++)
			if (m.v[i].version == info->step)
				info->bytes += m.v[i].bytes;
		manifest_release(&m);
	}
	rc = all_tags(s, t, list_tag, &l, e);
out:
	mdb_txn_abort(t);
	free(steps);
	if (rc) {
		snap_list_free(l.v, l.n);
		return -1;
	}
	*out = l.v;
	*n = l.n;
	return 0;
}

void snap_list_free(struct snap_info *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].meta);
		free(p[i].tags);
	}
	free(p);
}

int store_metrics(struct store *s, int64_t from, int64_t to, int (*row)(const char *, void *),
                  void *data, struct err *e)
{
	unsigned char space[8];
	MDB_val k = step_key(from < 0 ? 0 : from, space), v;
	MDB_cursor *c;
	MDB_txn *t;
	int rc, stop = 0;

	if (begin_read(s, &t, e))
		return -1;
	rc = mdb_cursor_open(t, s->db[TB_METRICS], &c);
	if (rc) {
		mdb_txn_abort(t);
		return lmdb_err(s, rc, "reading", e);
	}
	for (rc = mdb_cursor_get(c, &k, &v, MDB_SET_RANGE); !rc && !stop && key_step(&k) <= to;
	     rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)) {
		size_t n;
		char *json;

		if (rec_check(&v, &n)) {
			err_set(e, "%s: the store is damaged: metrics of step %" PRId64, s->dir, key_step(&k));
			stop = -1;
			break;
		}
		json = xstrndup(v.mv_data, n);
		stop = row(json, data) ? 1 : 0;
		free(json);
	}
	mdb_cursor_close(c);
	mdb_txn_abort(t);
	if (rc && rc != MDB_NOTFOUND)
		return lmdb_err(s, rc, "reading", e);
	return stop < 0 ? -1 : 0;
}
