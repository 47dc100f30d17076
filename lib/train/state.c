/* SPDX-License-Identifier: MIT */
/* Optimiser state in and out of a store, a tensor at a time. */
#include "train/train.h"

#include <stdio.h>
#include <string.h>

enum { SLACK = 1 << 20 };            /* documents and metrics of a commit, bytes */

static int found(struct snap *p, const char *kind, const struct param *q, float *out, struct err *e)
{
	uint64_t bytes = q->rows * q->cols * sizeof *out;
	struct tensor t;
	char name[96];
	int rc;

	snprintf(name, sizeof name, "%s/%s", kind, q->name);
	rc = snap_state(p, name, &t, e);
	if (rc <= 0)
		return rc;
	if (t.bytes != bytes)
		return err_set(e, "state %s has %llu bytes, the model wants %llu", name,
		               (unsigned long long)t.bytes, (unsigned long long)bytes);
	memcpy(out, t.data, bytes);
	return 1;
}

static int weights(struct snap *p, const struct param *q, float *out, struct err *e)
{
	struct tensor t;

	if (snap_tensor(p, q->name, &t, e))
		return -1;
	if (t.dtype != DT_BF16 || t.bytes != q->rows * q->cols * sizeof(act))
		return err_set(e, "tensor %s is not what the model's configuration says", q->name);
	kern->from_act(out, t.data, q->rows * q->cols);
	return 0;
}

/* "updates 12\nobjective pg\nstage 1\n" */
static int train_text(struct snap *p, struct train_state *t, struct err *e)
{
	char text[256];
	unsigned long long updates;
	struct tensor doc;
	int rc = snap_state(p, "train", &doc, e);

	if (rc <= 0)
		return rc;
	if (doc.bytes >= sizeof text)
		return err_set(e, "state train is too long");
	memcpy(text, doc.data, doc.bytes);
	text[doc.bytes] = 0;
	if (sscanf(text, "updates %llu objective %7s stage %d", &updates, t->objective, &t->stage) != 3)
		return err_set(e, "state train cannot be read");
	t->updates = updates;
	return 0;
}

int train_load(struct store *s, const struct model_config *c, struct rl_optim *o,
               struct train_state *state, struct err *e)
{
	struct snap *p;
	int rc = -1;

	*state = (struct train_state){0};
	if (snap_open(s, NULL, &p, e))
		return -1;
	for (size_t i = 0; i < model_params(c); i++) {
		struct param q;
		int have;

		model_param(c, i, &q);
		have = found(p, "master", &q, o->master[i], e);
		if (have < 0 || (!have && weights(p, &q, o->master[i], e)))
			goto out;
		if (found(p, "m", &q, o->m[i], e) < 0 || found(p, "v", &q, o->v[i], e) < 0)
			goto out;
	}
	rc = train_text(p, state, e) < 0 ? -1 : 0;
	o->updates = state->updates;
out:
	snap_close(p);
	return rc;
}

static int put_state(struct commit *c, const char *kind, const struct param *q, const float *x, struct err *e)
{
	uint64_t bytes = q->rows * q->cols * sizeof *x;
	char name[96];
	void *dst;

	snprintf(name, sizeof name, "%s/%s", kind, q->name);
	if (commit_state(c, name, bytes, &dst, e))
		return -1;
	memcpy(dst, x, bytes);
	return 0;
}

static int put_all(struct commit *k, const struct model_config *c, const struct rl_optim *o, struct err *e)
{
	for (size_t i = 0; i < model_params(c); i++) {
		struct param q;
		uint64_t shape[2];
		void *dst;

		model_param(c, i, &q);
		shape[0] = q.rows;
		shape[1] = q.cols;
		if (commit_tensor(k, q.name, DT_BF16, q.rank, shape, &dst, e))
			return -1;
		kern->to_act(dst, o->master[i], q.rows * q.cols);
		if (put_state(k, "master", &q, o->master[i], e) || put_state(k, "m", &q, o->m[i], e) ||
		    put_state(k, "v", &q, o->v[i], e))
			return -1;
	}
	return 0;
}

int train_commit(struct store *s, int64_t step, const struct model_config *c, const struct rl_optim *o,
                 const struct train_state *state, const struct metrics_row *rows, size_t n_rows,
                 const char *meta, int keep, struct err *e)
{
	uint64_t bytes = model_size(c) * (sizeof(act) + 3 * sizeof(float)) + SLACK;
	struct commit *k;
	char text[256];
	void *dst;
	int n;

	for (size_t i = 0; i < n_rows; i++)
		bytes += strlen(rows[i].json);
	if (commit_begin(s, step, bytes, &k, e))
		return -1;
	n = snprintf(text, sizeof text, "updates %llu\nobjective %s\nstage %d\n", (unsigned long long)o->updates,
	             state->objective, state->stage);
	if (put_all(k, c, o, e) || commit_state(k, "train", (uint64_t)n, &dst, e))
		goto fail;
	memcpy(dst, text, (size_t)n);
	for (size_t i = 0; i < n_rows; i++)
		if (commit_metrics_of(k, rows[i].step, rows[i].json, e))
			goto fail;
	return commit_finish(k, meta, keep, e);
fail:
	commit_abort(k);
	return -1;
}
