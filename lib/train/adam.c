/* SPDX-License-Identifier: MIT */
/*
 * AdamW over all trained tensors: from the state that was to the state that is to be, a piece at a time, so
 * that optimiser state need not be in memory: it goes from the old step's pages of the store to the new one's.
 */
#include "train/train.h"

#include <stdlib.h>
#include <string.h>

enum {
	PIECE = 1 << 15,             /* values: 448 KiB of a thread's cache */
	SOON = 32 * PIECE            /* values of each array that the disk reads ahead of their use */
};

/* One tensor. */
struct job {
	struct param q;
	size_t i, n;
	struct adamw rate;
	const float *g;              /* NULL: the state stays, and is written as it is */
	const float *p0, *m0, *v0;   /* what was; p0 NULL: w0 it is; m0, v0 NULL: zero */
	const struct snap *snap;     /* whose state[3] they are; NULL: in memory */
	struct tensor state[3];      /* .data NULL: none */
	const act *w0;
	act *first;                  /* what w0 is where nobody has any values yet: owned */
	float *p, *m, *v;            /* in memory, or NULL: into rooms */
	struct room *rooms[4];       /* of w, p, m, v */
	struct err e;
	int rc;
};

/* Room for one piece. */
struct piece {
	act *w;
	float *p, *m, *v;
};

static int write_piece(struct job *j, size_t n, const act *w, const float *p, const float *m, const float *v)
{
	return room_write(j->rooms[0], w, n * sizeof *w, &j->e) || room_write(j->rooms[1], p, n * sizeof *p, &j->e) ||
	       room_write(j->rooms[2], m, n * sizeof *m, &j->e) || room_write(j->rooms[3], v, n * sizeof *v, &j->e);
}

/* At value `at` of the old state: whatever is read from disk is there when it is needed. */
static void read_ahead(const struct job *j, size_t at)
{
	size_t from = at ? at + SOON : 0, n = at ? SOON : 2 * SOON;

	for (size_t k = 0; k < LEN(j->state) && at % SOON == 0; k++)
		if (j->state[k].data)
			snap_soon(j->snap, &j->state[k], from * sizeof(float), n * sizeof(float));
}

static void job_run(struct job *j, const struct piece *room)
{
	for (size_t at = 0; at < j->n && !j->rc; at += PIECE) {
		size_t n = j->n - at < PIECE ? j->n - at : PIECE;
		float *p = j->p ? j->p + at : room->p, *m = j->p ? j->m + at : room->m, *v = j->p ? j->v + at : room->v;
		const float *p0 = j->p0 ? j->p0 + at : p;

		read_ahead(j, at);
		if (!j->g) {
			kern->to_act(room->w, p0, n);
			j->rc = write_piece(j, n, room->w, p0, j->m0 + at, j->v0 + at);
			continue;
		}
		if (!j->p0)
			kern->from_act(p, j->w0 + at, n);
		kern->adamw(&j->rate, n, j->g + at, p0, j->m0 ? j->m0 + at : NULL, j->v0 ? j->v0 + at : NULL, room->w, p, m, v);
		if (!j->p)
			j->rc = write_piece(j, n, room->w, p, m, v);
	}
	for (size_t k = 0; k < LEN(j->state) && !j->p && !j->rc; k++)
		if (j->state[k].data)
			snap_used(j->snap, &j->state[k]);
}

/* A tensor is one thread's, since its checksums go from beginning to end. Large ones come first. */
static int run(struct job *jobs, size_t n, struct err *e)
{
#pragma omp parallel num_threads(kern_threads())
	{
		float *room = xaligned(PIECE * (3 * sizeof *room + sizeof(act)));
		struct piece piece = {(act *)(room + 3 * PIECE), room, room + PIECE, room + 2 * PIECE};

#pragma omp for schedule(dynamic)
		for (size_t i = 0; i < n; i++)
			job_run(&jobs[i], &piece);
		free(room);
	}
	for (size_t i = 0; i < n; i++)
		if (jobs[i].rc) {
			*e = jobs[i].e;
			return -1;
		}
	return 0;
}

/* ---- where a tensor's state comes from and goes to ---- */

static const char *const kinds[] = {"master", "m", "v"};

/* State k: 1 found, 0 absent. */
static int found(struct job *j, struct snap *s, size_t k, const float **out, struct err *e)
{
	uint64_t bytes = j->n * sizeof **out;
	struct tensor t;
	char name[96];
	int rc;

	snprintf(name, sizeof name, "%s/%s", kinds[k], j->q.name);
	rc = snap_state(s, name, &t, e);
	if (rc <= 0)
		return rc;
	if (t.bytes != bytes)
		return err_set(e, "state %s has %llu bytes, the model wants %llu", name,
		               (unsigned long long)t.bytes, (unsigned long long)bytes);
	j->state[k] = t;
	*out = t.data;
	return 1;
}

static int from_store(struct job *j, const struct train_step *t, struct err *e)
{
	struct snap *s = t->old;
	int have = found(j, s, 0, &j->p0, e);

	j->snap = s;
	if (have < 0 || (!have && policy_tensor(s, &j->q, &j->w0, e)))
		return -1;
	if (!have && !j->w0) {
		struct policy_random random = {.seed = t->seed};

		j->w0 = j->first = xaligned(j->n * sizeof *j->first);
		if (policy_random(&random, j->i, &j->q, j->first, e))
			return -1;
	}
	if (t->reset)
		return 0;
	return found(j, s, 1, &j->m0, e) < 0 || found(j, s, 2, &j->v0, e) < 0 ? -1 : 0;
}

static void from_memory(struct job *j, const struct train_memory *mem, int reset)
{
	j->p0 = mem->p[j->i];
	j->m0 = reset ? NULL : mem->m[j->i];
	j->v0 = reset ? NULL : mem->v[j->i];
}

static void to_memory(struct job *j, struct train_memory *mem)
{
	float **all[] = {&mem->p[j->i], &mem->m[j->i], &mem->v[j->i]};

	for (size_t k = 0; k < LEN(all); k++)
		if (!*all[k])
			*all[k] = xaligned(j->n * sizeof(float));
	j->p = *all[0];
	j->m = *all[1];
	j->v = *all[2];
}

static int to_store(struct job *j, struct commit *c, struct err *e)
{
	char name[96];

	if (commit_tensor_room(c, j->q.name, DT_BF16, j->q.rank, (uint64_t[2]){j->q.rows, j->q.cols}, &j->rooms[0], e))
		return -1;
	for (size_t k = 0; k < LEN(kinds); k++) {
		snprintf(name, sizeof name, "%s/%s", kinds[k], j->q.name);
		if (commit_state_room(c, name, j->n * sizeof(float), &j->rooms[k + 1], e))
			return -1;
	}
	return 0;
}

/* ---- all of them ---- */

static int by_size(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->i > y->i) - (x->i < y->i);
}

/* The new bf16 values: in the commit's room, or made in w. */
static const act *new_values(const struct job *j, act *w)
{
	if (j->rooms[0])
		return room_data(j->rooms[0]);
#pragma omp parallel for num_threads(kern_threads()) schedule(static)
	for (size_t at = 0; at < j->n; at += PIECE)
		kern->to_act(w + at, j->p + at, j->n - at < PIECE ? j->n - at : PIECE);
	return w;
}

/* Matrices whose adapters are trained: merged anew. */
static int refresh_adapted(const struct train_step *t, struct model *m, const struct job *jobs, size_t n, struct err *e)
{
	const struct model_config *c = model_config(m);
	const struct job **by = xcalloc(model_params(c), sizeof *by);
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		by[jobs[i].i] = &jobs[i];
	for (size_t i = 0; i < model_base_params(c) && !rc; i++) {
		size_t at = model_adapter(c, i);
		struct param p;
		const act *w;
		act *a, *b;

		if (!at || !by[at] || !by[at + 1])
			continue;
		model_param(c, i, &p);
		rc = policy_tensor(t->base, &p, &w, e);
		if (rc)
			break;
		a = xaligned(by[at]->n * sizeof *a);
		b = xaligned(by[at + 1]->n * sizeof *b);
		model_adapt(m, i, w, new_values(by[at], a), new_values(by[at + 1], b));
		free(a);
		free(b);
	}
	free(by);
	return rc;
}

static int refresh_all(const struct train_step *t, struct model *m, const struct job *jobs, size_t n, struct err *e)
{
	act *w;

	if (model_config(m)->lora_rank)
		return refresh_adapted(t, m, jobs, n, e);
	w = n && !jobs[0].rooms[0] ? xaligned(jobs[0].n * sizeof *w) : NULL;      /* the largest is first */
	for (size_t i = 0; i < n; i++)
		model_set(m, jobs[i].i, new_values(&jobs[i], w));
	free(w);
	return 0;
}

int train_adam(const struct train_step *t, struct model *m, const struct grads *g, struct err *e)
{
	const struct model_config *c = model_config(m);
	struct job *jobs = xcalloc(g->n + 1, sizeof *jobs);
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < g->n && !rc; i++) {
		struct job *j = &jobs[n];

		if (!g->g[i])
			continue;
		n++;
		j->i = i;
		model_param(c, i, &j->q);
		j->n = j->q.rows * j->q.cols;
		if (t->update) {
			j->g = g->g[i];
			j->rate = rl_update_rate(t->update, j->q.rank);
		}
		if (t->old)
			rc = from_store(j, t, e);
		else
			from_memory(j, t->mem, t->reset);
		if (!rc && t->to)
			rc = to_store(j, t->to, e);
		else if (!rc)
			to_memory(j, t->mem);
	}
	if (!rc) {
		qsort(jobs, n, sizeof *jobs, by_size);
		rc = run(jobs, n, e);
	}
	if (!rc && t->update)
		rc = refresh_all(t, m, jobs, n, e);
	for (size_t i = 0; i < n; i++)
		free(jobs[i].first);
	free(jobs);
	return rc;
}
