/* SPDX-License-Identifier: MIT */
/*
 * AdamW over all trained tensors: from the state that was to the state that is to be, a piece at a
 * time, so that optimiser state need not be in memory: it goes from the old step's pages of the
 * store to the new one's.
 */
#include "train/train.h"

#include <math.h>
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
	struct mem g;                /* none: the state stays, and is written as it is */
	/* master, moments as they were; the first none: w0 it is, others: zero */
	struct mem old[3];
	const struct snap *snap;     /* whose state[3] they are, borrowed; NULL: in memory */
	struct tensor state[3];      /* .data NULL: none */
	struct mem w0;               /* act, borrowed */
	act *first;                  /* what w0 is where nobody has any values yet: owned */
	struct mem p, m, v;          /* what they become in memory, or none: into rooms */
	struct room *rooms[4];       /* of w, p, m, v */
	struct err e;
	int rc;
};

/* Memory for one piece. */
struct piece {
	struct mem w, p, m, v;
};

static struct piece piece_new(void)
{
	size_t bytes = PIECE * sizeof(float);

	return (struct piece){mem_new(PIECE * sizeof(act)), mem_new(bytes), mem_new(bytes),
		mem_new(bytes)};
}

static void piece_free(struct piece *p)
{
	mem_free(&p->w);
	mem_free(&p->p);
	mem_free(&p->m);
	mem_free(&p->v);
}

static int write_values(struct job *j, size_t room, struct mem x, size_t bytes)
{
	void *p = mem_map(x, bytes);
	int rc = room_write(j->rooms[room], p, bytes, &j->e);

	mem_unmap(x, p, bytes, 0);
	return rc;
}

static int write_piece(struct job *j, size_t n, struct mem w, struct mem p, struct mem m,
                       struct mem v)
{
	size_t bytes = n * sizeof(float);

	return write_values(j, 0, w, n * sizeof(act)) || write_values(j, 1, p, bytes) ||
	       write_values(j, 2, m, bytes) || write_values(j, 3, v, bytes);
}

/* At value `at` of the old state: whatever is read from disk is there when it is needed. */
static void read_ahead(const struct job *j, size_t at)
{
	size_t from = at ? at + SOON : 0, n = at ? SOON : 2 * SOON;

	for (size_t k = 0; k < LEN(j->state) && at % SOON == 0; k++)
		if (j->state[k].data)
			snap_soon(j->snap, &j->state[k], from * sizeof(float), n * sizeof(float));
}

/* Of n new weights and second moments: is each a number? */
static int all_finite(struct mem w, struct mem v, size_t n)
{
	act *x = mem_map(w, n * sizeof *x);
	float *y = mem_map(v, n * sizeof *y);
	int bad = 0;

	for (size_t i = 0; i < n; i++)
		bad |= !isfinite(act_f32(x[i])) | !isfinite(y[i]);
	mem_unmap(w, x, n * sizeof *x, 0);
	mem_unmap(v, y, n * sizeof *y, 0);
	return !bad;
}

/* n values from `at` on. */
static int run_piece(struct job *j, size_t at, size_t n, const struct piece *room)
{
	int memory = mem_there(j->p);
	struct mem p = memory ? mem_f32(j->p, at) : room->p;
	struct mem m = memory ? mem_f32(j->m, at) : room->m;
	struct mem v = memory ? mem_f32(j->v, at) : room->v;
	struct mem p0 = mem_there(j->old[0]) ? mem_f32(j->old[0], at) : p;
	struct mem m0 = mem_f32(j->old[1], at), v0 = mem_f32(j->old[2], at);

	if (!mem_there(j->g)) {
		dev->to_act(room->w, p0, n);
		return write_piece(j, n, room->w, p0, m0, v0);
	}
	if (!mem_there(j->old[0]))
		dev->from_act(p, mem_act(j->w0, at), n);
	dev->adamw(&j->rate, n, mem_f32(j->g, at), p0, m0, v0, room->w, p, m, v);
	if (!all_finite(room->w, v, n))
		return err_set(&j->e, "%s would not be finite after this update", j->q.name);
	return memory ? 0 : write_piece(j, n, room->w, p, m, v);
}

static void job_run(struct job *j, const struct piece *room)
{
	for (size_t at = 0; at < j->n && !j->rc; at += PIECE) {
		read_ahead(j, at);
		j->rc = run_piece(j, at, j->n - at < PIECE ? j->n - at : PIECE, room);
	}
	for (size_t k = 0; k < LEN(j->state) && !mem_there(j->p) && !j->rc; k++)
		if (j->state[k].data)
			snap_used(j->snap, &j->state[k]);
}

struct jobs {
	struct job *job;
	struct piece *room;          /* [dev->threads()] */
};

static void job_of(void *ctx, size_t i, size_t thread)
{
	const struct jobs *all = ctx;

	job_run(&all->job[i], &all->room[thread]);
}

/* A tensor is one thread's, since its checksums go from beginning to end. Large ones come first. */
static int run(struct job *jobs, size_t n, struct err *e)
{
	size_t threads = (size_t)dev->threads();
	struct jobs all = {jobs, xcalloc(threads, sizeof *all.room)};

	for (size_t i = 0; i < threads; i++)
		all.room[i] = piece_new();
	dev_each(job_of, &all, n);
	for (size_t i = 0; i < threads; i++)
		piece_free(&all.room[i]);
	free(all.room);
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
static int found(struct job *j, struct snap *s, size_t k, struct err *e)
{
	uint64_t bytes = j->n * sizeof(float);
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
	j->old[k] = mem_borrow(t.data, bytes);
	return 1;
}

static int from_store(struct job *j, const struct train_step *t, struct err *e)
{
	struct snap *s = t->old;
	int have = found(j, s, 0, e);
	const act *w0 = NULL;

	j->snap = s;
	if (have < 0 || (!have && policy_tensor(s, &j->q, &w0, e)))
		return -1;
	if (!have && !w0) {
		struct policy_random random = {.seed = t->seed};

		w0 = j->first = xaligned(j->n * sizeof *j->first);
		if (policy_random(&random, j->i, &j->q, j->first, e))
			return -1;
	}
	j->w0 = mem_borrow(w0, j->n * sizeof *w0);
	if (t->reset)
		return 0;
	return found(j, s, 1, e) < 0 || found(j, s, 2, e) < 0 ? -1 : 0;
}

static void from_memory(struct job *j, const struct train_memory *mem, int reset)
{
	j->old[0] = mem->p[j->i];
	for (size_t k = 1; k < LEN(j->old) && !reset; k++)
		j->old[k] = k == 1 ? mem->m[j->i] : mem->v[j->i];
}

static void to_memory(struct job *j, struct train_memory *mem)
{
	struct mem *all[] = {&mem->p[j->i], &mem->m[j->i], &mem->v[j->i]};

	for (size_t k = 0; k < LEN(all); k++)
		mem_fit(all[k], j->n * sizeof(float));
	j->p = *all[0];
	j->m = *all[1];
	j->v = *all[2];
}

static int to_store(struct job *j, struct commit *c, struct err *e)
{
	char name[96];

	if (commit_tensor_room(c, j->q.name, DT_BF16, j->q.rank, (uint64_t[2]){j->q.rows, j->q.cols},
	                       &j->rooms[0], e))
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

static void job_release(struct job *j)
{
	for (size_t k = 0; k < LEN(j->old) && j->snap; k++)
		mem_return(&j->old[k]);
	mem_return(&j->w0);
	free(j->first);
}

int train_adam(const struct train_step *t, const struct model_config *c, const struct grads *g,
               struct err *e)
{
	struct job *jobs = xcalloc(g->n + 1, sizeof *jobs);
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < g->n && !rc; i++) {
		struct job *j = &jobs[n];

		if (!mem_there(g->g[i]))
			continue;
		n++;
		j->i = i;
		model_param(c, i, &j->q);
		j->n = j->q.rows * j->q.cols;
		if (t->update) {
			j->g = g->g[i];
			j->rate = adam_update_rate(t->update, j->q.rank);
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
	for (size_t i = 0; i < n; i++)
		job_release(&jobs[i]);
	free(jobs);
	return rc;
}

/* ---- the model, before the next update ---- */

struct fresh {
	const struct model_config *c;
	struct snap *snap;
	const struct train_memory *mem;      /* NULL: all values are the snapshot's */
};

struct converting {
	struct mem w, p;
	size_t n;
};

static void convert_piece(void *ctx, size_t i, size_t thread)
{
	const struct converting *c = ctx;
	size_t at = i * PIECE;

	(void)thread;
	dev->to_act(mem_act(c->w, at), mem_f32(c->p, at), c->n - at < PIECE ? c->n - at : PIECE);
}

/* The bf16 values of parameter i: borrowed from the snapshot, or made in w, which grows. Then
 * values_done. */
static int values(const struct fresh *f, size_t i, struct mem *w, struct mem *out, struct err *e)
{
	struct param q;
	const act *x;
	size_t n;

	model_param(f->c, i, &q);
	n = q.rows * q.cols;
	if (!f->mem) {
		if (policy_tensor(f->snap, &q, &x, e))
			return -1;
		*out = mem_borrow(x, n * sizeof *x);
		return 0;
	}
	mem_fit(w, n * sizeof(act));
	dev_each(convert_piece, &(struct converting){*w, f->mem->p[i], n}, (n + PIECE - 1) / PIECE);
	*out = *w;
	return 0;
}

static void values_done(const struct fresh *f, struct mem *x)
{
	if (!f->mem)
		mem_return(x);
}

/* Matrix i of the base and its adapter, whose parameters are `at` and the next: merged anew. */
static int refresh_matrix(const struct fresh *f, struct model *m, size_t i, size_t at,
                          struct mem made[2], struct err *e)
{
	struct fresh frozen = {.c = f->c, .snap = f->snap};
	struct mem base = {0}, v[2] = {{0}};
	int rc = values(&frozen, i, NULL, &base, e);

	for (size_t k = 0; k < 2 && !rc; k++)
		rc = values(f, at + k, &made[k], &v[k], e);
	if (!rc)
		model_adapt(m, i, base, v[0], v[1]);
	for (size_t k = 0; k < 2; k++)
		values_done(f, &v[k]);
	values_done(&frozen, &base);
	return rc;
}

int train_refresh(struct snap *snap, const struct train_memory *mem, struct model *m,
                  const struct grads *g, struct err *e)
{
	struct fresh f = {model_config(m), snap, mem};
	struct mem made[2] = {{0}}, w;
	int rc = 0;

	for (size_t i = 0; i < model_base_params(f.c) && !rc; i++) {
		size_t at = model_adapter(f.c, i);

		if (at && mem_there(g->g[at])) {
			rc = refresh_matrix(&f, m, i, at, made, e);
		} else if (mem_there(g->g[i])) {
			rc = values(&f, i, made, &w, e);
			if (!rc) {
				model_set(m, i, w);
				values_done(&f, &w);
			}
		}
	}
	for (size_t k = 0; k < LEN(made); k++)
		mem_free(&made[k]);
	return rc;
}
