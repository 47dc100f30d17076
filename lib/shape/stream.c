/* SPDX-License-Identifier: MIT */
/* Groups out of a stream: what is whole is shaped and let go, in the order it came. */
#include "shape/shape.h"

#include <stdlib.h>
#include <string.h>

struct item {
	struct traj t;
	int ready;
};

/* Outlives its items, which go as soon as they are written. */
struct group {
	size_t *item;                /* [n] relative to the first one of this batch */
	size_t n, cap;
	int done;
};

struct shape_stream {
	struct shaping s;
	struct whole *whole;
	struct item *items;          /* [n]; those before `out` are gone */
	size_t n, cap, out, first;   /* first: of the batch being read */
	int borrowed;                /* items[out - 1] is with the caller */
	int stopped;                 /* what is not ready now never will be */
	struct group *groups;        /* [n_groups] of the batch being read */
	size_t n_groups, cap_groups;
	size_t unpaired;
};

struct shape_stream *shape_stream_new(const struct shaping *s, int partial)
{
	struct shape_stream *r = xcalloc(1, sizeof *r);

	r->s = *s;
	r->whole = whole_new(partial);
	return r;
}

static void groups_clear(struct shape_stream *r)
{
	for (size_t i = 0; i < r->n_groups; i++)
		free(r->groups[i].item);
	r->n_groups = 0;
}

void shape_stream_free(struct shape_stream *r)
{
	if (!r)
		return;
	if (r->borrowed)
		r->out--;
	for (size_t i = r->out; i < r->n; i++)
		traj_release(&r->items[i].t);
	groups_clear(r);
	whole_free(r->whole);
	free(r->groups);
	free(r->items);
	free(r);
}

/* ---- shaping what is whole ------------------------------------------------------- */

/* Items of this batch: those listed, or without a list the first n. */
static void shape(struct shape_stream *r, const size_t *item, size_t n)
{
	struct traj **t = xreallocarray(NULL, n + 1, sizeof(struct traj *));

	for (size_t i = 0; i < n; i++)
		t[i] = &r->items[r->first + (item ? item[i] : i)].t;
	shape_advantages(&r->s, t, n, &r->unpaired);
	for (size_t i = 0; i < n; i++) {
		shape_record(&r->s, t[i]);
		r->items[r->first + (item ? item[i] : i)].ready = 1;
	}
	free(t);
}

static void group_done(struct shape_stream *r, struct group *g)
{
	g->done = 1;
	if (r->s.baseline != SHAPE_BATCH)
		shape(r, g->item, g->n);
}

/* The batch being read is over: what was waiting for more is shaped as it is. */
static void batch_over(struct shape_stream *r)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (!r->groups[i].done)
			group_done(r, &r->groups[i]);
	if (r->s.baseline == SHAPE_BATCH)
		shape(r, NULL, r->n - r->first);
	groups_clear(r);
	r->first = r->n;
}

/* ---- in and out -------------------------------------------------------------------- */

static void item_add(struct shape_stream *r, size_t group, struct traj *t)
{
	struct group *g;

	if (group == r->n_groups)
		VEC_PUSH(r->groups, r->n_groups, r->cap_groups) = (struct group){0};
	g = &r->groups[group];
	VEC_PUSH(g->item, g->n, g->cap) = r->n - r->first;
	VEC_PUSH(r->items, r->n, r->cap) = (struct item){.t = *t};
	*t = (struct traj){0};
}

/* Drops what the caller has seen, so that a long stream does not grow. */
static void compact(struct shape_stream *r)
{
	size_t gone = r->out < r->first ? r->out : r->first;

	if (r->borrowed || gone < 256 || gone < r->n / 2)
		return;
	memmove(r->items, r->items + gone, (r->n - gone) * sizeof *r->items);
	r->n -= gone;
	r->out -= gone;
	r->first -= gone;
}

int shape_stream_add(struct shape_stream *r, struct traj *t, struct err *e)
{
	struct whole_line l = whole_line(t);
	size_t group;
	int event = whole_add(r->whole, &l, &group, e);

	if (event < 0) {
		r->stopped = 1;
		traj_release(t);
		return -1;
	}
	if (event & WHOLE_NEXT)
		batch_over(r);
	compact(r);
	item_add(r, group, t);
	if (event & WHOLE_GROUP)
		group_done(r, &r->groups[group]);
	if (event & WHOLE_BATCH)
		batch_over(r);
	return 0;
}

int shape_stream_end(struct shape_stream *r, struct err *e)
{
	if (whole_end(r->whole, e)) {
		r->stopped = 1;
		return -1;
	}
	batch_over(r);
	return 0;
}

struct traj *shape_stream_next(struct shape_stream *r)
{
	if (r->borrowed) {
		traj_release(&r->items[r->out - 1].t);
		r->borrowed = 0;
	}
	while (r->stopped && r->out < r->n && !r->items[r->out].ready)
		traj_release(&r->items[r->out++].t);
	if (r->out == r->n || !r->items[r->out].ready)
		return NULL;
	r->borrowed = 1;
	return &r->items[r->out++].t;
}

void shape_stream_stop(struct shape_stream *r)
{
	r->stopped = 1;
}

size_t shape_stream_unpaired(const struct shape_stream *r)
{
	return r->unpaired;
}
