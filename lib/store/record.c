/* SPDX-License-Identifier: MIT */
/* Keys, small records, manifests: everything in the store that is not a tensor's bytes. */
#include "store/inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

MDB_val text_key(const char *text)
{
	return (MDB_val){strlen(text), (void *)text};
}

MDB_val step_key(int64_t step, unsigned char space[8])
{
	for (int i = 0; i < 8; i++)
		space[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	return (MDB_val){8, space};
}

int64_t key_step(const MDB_val *key)
{
	const unsigned char *p = key->mv_data;
	uint64_t step = 0;

	if (key->mv_size != 8)
		return -1;
	for (int i = 0; i < 8; i++)
		step = step << 8 | p[i];
	return step <= INT64_MAX ? (int64_t)step : -1;
}

MDB_val tensor_key(const char *name, int64_t version, unsigned char space[112])
{
	size_t n = strlen(name);

	memcpy(space, name, n + 1);
	step_key(version, space + n + 1);
	return (MDB_val){n + 9, space};
}

int name_check(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (!n || n >= sizeof ((struct entry *)0)->name)
		return err_set(e, "a name of %zu bytes: expected 1 to 95", n);
	for (size_t i = 0; i < n; i++)
		if (name[i] < '!' || name[i] > '~')
			return err_set(e, "a name with byte 0x%02x: expected printable ASCII without spaces",
			               (unsigned char)name[i]);
	return 0;
}

/* ---- manifests ---- */

static size_t place_of(const struct manifest *m, const char *name, int *there)
{
	size_t lo = 0, hi = m->n;

	*there = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(m->v[mid].name, name);

		if (!c) {
			*there = 1;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct entry *manifest_find(const struct manifest *m, const char *name)
{
	int there;
	size_t i = place_of(m, name, &there);

	return there ? &m->v[i] : NULL;
}

void manifest_put(struct manifest *m, const struct entry *en)
{
	int there;
	size_t i = place_of(m, en->name, &there);

	if (!there) {
		(void)VEC_PUSH(m->v, m->n, m->cap);
		memmove(&m->v[i + 1], &m->v[i], (m->n - 1 - i) * sizeof *m->v);
	}
	m->v[i] = *en;
}

void manifest_print(const struct manifest *m, struct buf *out)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct entry *en = &m->v[i];

		buf_addf(out, "%s %d %d %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIu64 " %016" PRIx64 "\n",
		         en->name, en->dtype, en->rank, en->shape[0], en->shape[1], en->version, en->bytes,
		         en->sum);
	}
}

static int entry_parse(const char *line, size_t n, struct entry *en)
{
	char text[256];
	int used = 0;

	if (n >= sizeof text)
		return -1;
	memcpy(text, line, n);
	text[n] = 0;
	if (sscanf(text, "%95s %d %d %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNu64 " %" SCNx64 "%n",
	           en->name, &en->dtype, &en->rank, &en->shape[0], &en->shape[1], &en->version,
	           &en->bytes, &en->sum, &used) != 8 ||
	    (size_t)used != n)
		return -1;
	if (name_check(en->name, NULL) || en->version < 0 || en->rank < 1 || en->rank > 2)
		return -1;
	if (en->dtype == 0)
		return 0;
	if (en->dtype != DT_BF16 && en->dtype != DT_F32)
		return -1;
	return (__uint128_t)en->shape[0] * en->shape[1] * (en->dtype == DT_F32 ? 4 : 2) == en->bytes
	           ? 0
	           : -1;
}

int manifest_parse(const char *text, size_t n, struct manifest *out, struct err *e)
{
	const char *end = text + n;
	struct manifest m = {0};

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		struct entry en;

		if (!nl || entry_parse(text, (size_t)(nl - text), &en) ||
		    (m.n && strcmp(m.v[m.n - 1].name, en.name) >= 0)) {
			err_set(e, "its list of tensors is damaged at entry %zu", m.n + 1);
			manifest_release(&m);
			return -1;
		}
		VEC_PUSH(m.v, m.n, m.cap) = en;
		text = nl + 1;
	}
	*out = m;
	return 0;
}

void manifest_release(struct manifest *m)
{
	free(m->v);
	*m = (struct manifest){0};
}

/* ---- records ---- */

int rec_check(const MDB_val *value, size_t *n)
{
	uint64_t sum;

	if (value->mv_size < 8)
		return -1;
	*n = value->mv_size - 8;
	memcpy(&sum, (const char *)value->mv_data + *n, 8);
	return sum == XXH64(value->mv_data, *n, SUM_SEED) ? 0 : -1;
}

int rec_get(const struct store *s, MDB_txn *t, enum table tb, MDB_val key, const char **payload,
            size_t *n, struct err *e)
{
	MDB_val v;
	int rc = key.mv_size ? mdb_get(t, s->db[tb], &key, &v) : MDB_NOTFOUND;

	if (rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE)
		return 0;
	if (rc)
		return lmdb_err(s, rc, "reading", e);
	if (rec_check(&v, n))
		return err_set(e,
		               "%s: the store is damaged: a record's checksum does not match "
		               "(score-weights fsck tells more)",
		               s->dir);
	*payload = v.mv_data;
	return 1;
}

int rec_put(const struct store *s, MDB_txn *t, enum table tb, MDB_val key, const void *payload,
            size_t n, struct err *e)
{
	uint64_t sum = XXH64(payload, n, SUM_SEED);
	MDB_val v = {n + 8, NULL};
	int rc;

	if (!key.mv_size || key.mv_size > 200)
		return err_set(e, "%s: a key of %zu bytes", s->dir, key.mv_size);
	rc = mdb_put(t, s->db[tb], &key, &v, MDB_RESERVE);
	if (rc)
		return lmdb_err(s, rc, "writing", e);
	if (n)
		memcpy(v.mv_data, payload, n);
	memcpy((char *)v.mv_data + n, &sum, 8);
	return 0;
}

/* ---- reading records ---- */

int snap_load(const struct store *s, MDB_txn *t, int64_t step, char **meta, struct manifest *m,
              struct err *e)
{
	unsigned char space[8];
	const char *p = NULL, *nl;
	size_t n = 0;
	int rc = rec_get(s, t, TB_SNAP, step_key(step, space), &p, &n, e);

	if (rc < 0)
		return err_prefix(e, "snapshot %" PRId64 ": ", step);
	if (!rc)
		return err_set(e, "%s: there is no snapshot %" PRId64, s->dir, step);
	nl = memchr(p, '\n', n);
	if (!nl)
		return err_set(e, "%s: snapshot %" PRId64 " is damaged", s->dir, step);
	if (manifest_parse(nl + 1, n - (size_t)(nl + 1 - p), m, e))
		return err_prefix(e, "%s: snapshot %" PRId64 ": ", s->dir, step);
	if (meta)
		*meta = xstrndup(p, (size_t)(nl - p));
	return 0;
}

int state_load(const struct store *s, MDB_txn *t, struct manifest *m, struct err *e)
{
	const char *p;
	size_t n;
	int rc = rec_get(s, t, TB_DOC, text_key(".state"), &p, &n, e);

	*m = (struct manifest){0};
	if (rc <= 0)
		return rc;
	if (manifest_parse(p, n, m, e))
		return err_prefix(e, "%s: optimiser state: ", s->dir);
	return 0;
}

int all_steps(const struct store *s, MDB_txn *t, int64_t **steps, size_t *n, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	size_t cap = 0;
	int rc = mdb_cursor_open(t, s->db[TB_SNAP], &c);

	*steps = NULL;
	*n = 0;
	if (rc)
		return lmdb_err(s, rc, "reading", e);
	while (!(rc = mdb_cursor_get(c, &k, &v, MDB_NEXT)))
		if (key_step(&k) >= 0)
			VEC_PUSH(*steps, *n, cap) = key_step(&k);
	mdb_cursor_close(c);
	if (rc == MDB_NOTFOUND)
		return 0;
	free(*steps);
	*steps = NULL;
	return lmdb_err(s, rc, "reading", e);
}

int latest_step(const struct store *s, MDB_txn *t, int64_t *step, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(t, s->db[TB_SNAP], &c);

	if (rc)
		return lmdb_err(s, rc, "reading", e);
	rc = mdb_cursor_get(c, &k, &v, MDB_LAST);
	mdb_cursor_close(c);
	*step = -1;
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc)
		return lmdb_err(s, rc, "reading", e);
	*step = key_step(&k);
	return *step >= 0 ? 1 : err_set(e, "%s: the store is damaged: a snapshot's key", s->dir);
}

static int tag_step(const char *p, size_t n, int64_t *step)
{
	char text[24];

	if (n >= sizeof text)
		return -1;
	memcpy(text, p, n);
	text[n] = 0;
	return parse_i64(text, 0, INT64_MAX, step, NULL);
}

int all_tags(const struct store *s, MDB_txn *t, void (*fn)(const char *, int64_t, void *),
             void *data, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc = mdb_cursor_open(t, s->db[TB_TAG], &c);

	if (rc)
		return lmdb_err(s, rc, "reading", e);
	while (!(rc = mdb_cursor_get(c, &k, &v, MDB_NEXT))) {
		char tag[512];
		int64_t step;
		size_t n;

		memcpy(tag, k.mv_data, k.mv_size);
		tag[k.mv_size] = 0;
		if (rec_check(&v, &n) || tag_step(v.mv_data, n, &step)) {
			mdb_cursor_close(c);
			return err_set(e, "%s: the store is damaged: tag '%s'", s->dir, tag);
		}
		fn(tag, step, data);
	}
	mdb_cursor_close(c);
	return rc == MDB_NOTFOUND ? 0 : lmdb_err(s, rc, "reading", e);
}

int tag_put(const struct store *s, MDB_txn *t, const char *tag, int64_t step, struct err *e)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRId64, step);

	return rec_put(s, t, TB_TAG, text_key(tag), text, (size_t)n, e);
}

/* ---- naming a snapshot ---- */

static void add_tag(const char *tag, int64_t step, void *data)
{
	buf_addf(data, " %s=%" PRId64, tag, step);
}

/* "there are 0, 3..7, 9; base=0" */
static int no_snapshot(const struct store *s, MDB_txn *t, const char *ref, struct err *e)
{
	struct buf list = {0}, tags = {0};
	int64_t *steps = NULL;
	size_t n = 0;
	struct err ignored;

	if (!all_steps(s, t, &steps, &n, &ignored))
		for (size_t i = 0; i < n && list.len < 400; i++) {
			size_t j = i;

			while (j + 1 < n && steps[j + 1] == steps[j] + 1)
				j++;
			buf_addf(&list, "%s%" PRId64, list.len ? ", " : "", steps[i]);
			if (j > i)
				buf_addf(&list, "%s%" PRId64, j > i + 1 ? ".." : ", ", steps[j]);
			i = j;
		}
	if (!all_tags(s, t, add_tag, &tags, &ignored) && tags.len > 400)
		tags.data[400] = 0;
	err_set(e, "%s: there is no snapshot '%.64s'; there are %s;%s", s->dir, ref,
	        list.len ? list.data : "none", tags.len ? tags.data : " no tags");
	free(steps);
	buf_release(&list);
	buf_release(&tags);
	return -1;
}

int resolve(const struct store *s, MDB_txn *t, const char *ref, int64_t *step, struct err *e)
{
	unsigned char space[8];
	const char *p;
	size_t n;
	int rc;

	if (!ref || !strcmp(ref, "latest")) {
		rc = latest_step(s, t, step, e);
		return rc > 0 ? 0 : rc < 0 ? -1 : err_set(e, "%s: the store has no snapshot yet", s->dir);
	}
	if (*ref >= '0' && *ref <= '9') {
		if (parse_i64(ref, 0, INT64_MAX, step, e))
			return err_prefix(e, "snapshot: ");
	} else {
		rc = rec_get(s, t, TB_TAG, text_key(ref), &p, &n, e);
		if (rc < 0)
			return -1;
		if (!rc)
			return no_snapshot(s, t, ref, e);
		if (tag_step(p, n, step))
			return err_set(e, "%s: the store is damaged: tag '%.64s'", s->dir, ref);
	}
	rc = rec_get(s, t, TB_SNAP, step_key(*step, space), &p, &n, e);
	return rc > 0 ? 0 : rc < 0 ? -1 : no_snapshot(s, t, ref, e);
}
