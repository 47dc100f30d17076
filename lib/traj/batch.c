/* SPDX-License-Identifier: MIT */
/* Reads whole batches from a stream of lines. */
#include "traj/traj.h"

#include <stdlib.h>

struct batch_in {
	struct jl_in *in;
	unsigned need;
	struct whole *whole;
	int ended;
	struct traj next;            /* read and counted, belongs to the next batch */
	int has_next, next_whole;
};

struct batch_in *batch_in_new(struct jl_in *in, unsigned need, int partial)
{
	struct batch_in *b = xcalloc(1, sizeof *b);

	b->in = in;
	b->need = need | TRAJ_ID;    /* the id names the groups */
	b->whole = whole_new(partial);
	return b;
}

void batch_in_free(struct batch_in *b)
{
	if (!b)
		return;
	if (b->has_next)
		traj_release(&b->next);
	whole_free(b->whole);
	free(b);
}

void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		traj_release(&b->t[i]);
	free(b->t);
	*b = (struct batch){0};
}

/* Reads and counts the next line: its events, or -1. *got: 0 at end of input. */
static int next_line(struct batch_in *b, struct traj *t, int *got, struct err *e)
{
	struct whole_line l;
	struct js rec;
	size_t group;
	int rc = jl_read(b->in, &rec, e);

	*got = rc > 0;
	if (rc <= 0)
		return rc;
	if (traj_parse(rec, b->need, t, e))
		return jl_where(b->in, e);
	t->line = jl_line(b->in);
	l = whole_line(t);
	rc = whole_add(b->whole, &l, &group, e);
	if (rc < 0) {
		jl_where(b->in, e);
		traj_release(t);
	}
	return rc;
}

static void add(struct batch *out, size_t *cap, struct traj t)
{
	if (!out->n) {
		out->stamped = t.has_batch;
		out->step = t.step;
		out->size = t.size;
	}
	VEC_PUSH(out->t, out->n, *cap) = t;
}

/* Reads lines until the batch is whole or cut short: 0, or -1. */
static int fill(struct batch_in *b, struct batch *out, struct err *e)
{
	struct traj t;
	size_t cap = 0;
	int got, event = 0;

	if (b->has_next) {
		b->has_next = 0;
		add(out, &cap, b->next);
		event = b->next_whole;
	}
	while (!(event & WHOLE_BATCH)) {
		event = next_line(b, &t, &got, e);
		if (event < 0)
			return -1;
		if (!got) {
			b->ended = 1;
			if (!whole_end(b->whole, e))
				return 0;
			return err_prefix(e, "%s:%zu: end of input, but ", jl_name(b->in),
			                  jl_line(b->in));
		}
		if (event & WHOLE_NEXT) {
			b->next = t;
			b->has_next = 1;
			b->next_whole = event & WHOLE_BATCH;
			return 0;
		}
		add(out, &cap, t);
	}
	return 0;
}

int batch_read(struct batch_in *b, struct batch *out, struct err *e)
{
	*out = (struct batch){0};
	if (b->ended)
		return 0;
	if (fill(b, out, e)) {
		batch_release(out);
		b->ended = 1;
		return -1;
	}
	return out->n > 0;
}
