/* SPDX-License-Identifier: MIT */
/* Checks everything in a store: names, shapes, lengths, checksums. */
#include "store/inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
				fault(c, "snapshot %" PRId64 ": %s is of a later step, %" PRId64, c->steps[i],
				      en->name, en->version);
			if (!x) {
				fault(c, "snapshot %" PRId64 ": %s (step %" PRId64 ") is missing", c->steps[i],
				      en->name, en->version);
				continue;
			}
			if (x->bytes != en->bytes)
				fault(c,
				      "snapshot %" PRId64 ": %s (step %" PRId64 "): %" PRIu64
				      " bytes, expected %" PRIu64,
				      c->steps[i], en->name, en->version, x->bytes, en->bytes);
			else if (x->sum != en->sum && !(x->used & 2))
				fault(c,
				      "snapshot %" PRId64 ": %s (step %" PRId64 "): checksum %016" PRIx64
				      ", expected %016" PRIx64,
				      c->steps[i], en->name, en->version, x->sum, en->sum);
			x->used = x->sum != en->sum ? 3 : x->used | 1;
		}
		free(meta);
		manifest_release(&m);
	}
	for (size_t i = 0; i < vs->n; i++)
		if (!vs->v[i].used)
			fault(c, "values of %.96s that no snapshot names (gc removes them)",
			      (const char *)vs->v[i].key);
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
			fault(c, "state %s: %zu bytes, expected %" PRIu64, m.v[i].name, v.mv_size,
			      m.v[i].bytes);
		else if (XXH64(v.mv_data, v.mv_size, SUM_SEED) != m.v[i].sum)
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
			fault(c, "%s %.*s: checksum does not match", what, (int)k.mv_size,
			      (const char *)k.mv_data);
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

/* ---- in a child process ---- */

/* Messages from the child: a letter (f fault, e error), text, newline. */
static void tell_fault(const char *msg, void *out)
{
	fprintf(out, "f%s\n", msg);
}

static void check_apart(const char *dir, FILE *out)
{
	struct store *s;
	struct err e;
	int rc = store_open(dir, STORE_READ, &s, &e);

	if (!rc) {
		rc = store_fsck(s, tell_fault, out, &e) < 0 ? -1 : 0;
		store_close(s);
	}
	if (rc)
		fprintf(out, "e%s\n", e.msg);
	fflush(out);
	_exit(0);
}

int store_check(const char *dir, void (*bad)(const char *, void *), void *data, struct err *e)
{
	int fd[2], status, faults = 0, rc = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *in;
	pid_t child;

	if (pipe(fd) || (child = fork()) < 0)
		return err_set(e, "%s: cannot start a process for the check: %s", dir, strerror(errno));
	if (!child) {
		FILE *out = fdopen(fd[1], "w");

		close(fd[0]);
		if (!out)
			_exit(1);
		check_apart(dir, out);
	}
	close(fd[1]);
	in = fdopen(fd[0], "r");
	while (in && (n = getline(&line, &cap, in)) > 1) {
		line[n - 1] = 0;
		if (line[0] == 'e') {
			rc = err_set(e, "%s", line + 1);
			continue;
		}
		faults++;
		bad(line + 1, data);
	}
	free(line);
	if (in)
		fclose(in);
	if (!in || waitpid(child, &status, 0) != child)
		return err_set(e, "%s: the check was lost: %s", dir, strerror(errno));
	if (WIFSIGNALED(status) || WEXITSTATUS(status)) {
		faults++;
		bad("the tree of pages is damaged: LMDB cannot walk it", data);
	}
	return rc ? rc : faults;
}
