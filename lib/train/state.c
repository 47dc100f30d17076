/* SPDX-License-Identifier: MIT */
/* What the store says of the optimiser, and what memory holds of it between commits. */
#include "train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK = 1 << 20 };            /* documents and metrics of a commit, bytes */

/* "updates 12\nobjective pg\nstage 1\n", and "beta2 0.25\n" where that is adapted */
static int state_text(struct snap *p, struct train_state *t, struct err *e)
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
	if (sscanf(text, "updates %llu objective %7s stage %d beta2 %lf", &updates, t->objective,
	           &t->stage, &t->beta2) < 3 || !(t->beta2 >= 0 && t->beta2 <= 1e30))
		return err_set(e, "state train cannot be read");
	t->updates = updates;
	return 0;
}

int train_state_load(struct store *s, struct train_state *t, struct err *e)
{
	struct snap *p;
	int rc;

	*t = (struct train_state){0};
	if (snap_open(s, NULL, &p, e))
		return -1;
	rc = state_text(p, t, e);
	snap_close(p);
	return rc < 0 ? -1 : 0;
}

int train_state_commit(struct commit *c, const struct train_state *t, struct err *e)
{
	char text[256];
	void *dst;
	int n = snprintf(text, sizeof text, "updates %llu\nobjective %s\nstage %d\n",
	                 (unsigned long long)t->updates,
	                 t->objective, t->stage);

	if (t->beta2 > 0)
		n += snprintf(text + n, sizeof text - (size_t)n, "beta2 %.17g\n", t->beta2);
	if (commit_state(c, "train", (uint64_t)n, &dst, e))
		return -1;
	memcpy(dst, text, (size_t)n);
	return 0;
}

uint64_t train_bytes(const struct model_config *c, const struct grads *g)
{
	uint64_t bytes = SLACK;
	struct param p;

	for (size_t i = 0; i < g->n; i++) {
		model_param(c, i, &p);
		if (mem_there(g->g[i]))
			bytes += p.rows * p.cols * (sizeof(bf16) + 3 * sizeof(float));
	}
	return bytes;
}

void train_memory_init(struct train_memory *m, size_t n)
{
	*m = (struct train_memory){.n = n};
	m->p = xcalloc(n, sizeof *m->p);
	m->m = xcalloc(n, sizeof *m->m);
	m->v = xcalloc(n, sizeof *m->v);
}

void train_memory_release(struct train_memory *m)
{
	for (size_t i = 0; i < m->n; i++) {
		mem_free(&m->p[i]);
		mem_free(&m->m[i]);
		mem_free(&m->v[i]);
	}
	free(m->p);
	free(m->m);
	free(m->v);
	*m = (struct train_memory){0};
}
