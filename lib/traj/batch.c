/* SPDX-License-Identifier: MIT */
/*
 * When is a batch whole? By counting: every index 0..size-1 is there with `group`
 * distinct samples. Nothing else is trusted, so what is lost on the way shows.
 */
#include "traj/traj.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What was counted: one entry per index (sample -1) and one per line. */
struct seen {
	int64_t index, sample;
	int64_t group, count;        /* entries per index only: samples wanted and there */
	size_t at;                   /* 1 + place in batch.t of the (first) line; 0: free */
};

struct batch_in {
	struct jl_in *in;
	unsigned need;
	int partial, ended;
	struct traj next;            /* read, but of the next batch */
	int has_next;
	struct seen *table;          /* [cap], open addressing, cap a power of two */
	size_t n, cap;
	int64_t whole;               /* indexes that are complete */
	int before_stamped, any;     /* of the batch given out before this one */
	int64_t before_step;
};

static struct seen *lookup(const struct batch_in *b, int64_t index, int64_t sample)
{
	int64_t key[2] = {index, sample};
	size_t i = hash_bytes(key, sizeof key);

	for (i ^= i >> 32;; i++) {
		struct seen *s = &b->table[i & (b->cap - 1)];

		if (!s->at || (s->index == index && s->sample == sample))
			return s;
	}
}

static void make_room(struct batch_in *b)
{
	struct seen *old = b->table;
	size_t old_cap = b->cap;

	if (b->cap && b->n + 2 <= b->cap / 2)
		return;
	b->cap = b->cap ? b->cap * 2 : 64;
	b->table = xcalloc(b->cap, sizeof *b->table);
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].at)
			*lookup(b, old[i].index, old[i].sample) = old[i];
	free(old);
}

struct batch_in *batch_in_new(struct jl_in *in, unsigned need, int partial)
{
	struct batch_in *b = xcalloc(1, sizeof *b);

	b->in = in;
	b->need = need;
	b->partial = partial;
	return b;
}

void batch_in_free(struct batch_in *b)
{
	if (!b)
		return;
	if (b->has_next)
		traj_release(&b->next);
	free(b->table);
	free(b);
}

void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		traj_release(&b->t[i]);
	free(b->t);
	*b = (struct batch){0};
}

/* 1: t is the next line, 0 end of input, -1 error. */
static int next_line(struct batch_in *b, struct traj *t, struct err *e)
{
	struct js rec;
	int rc;

	if (b->has_next) {
		*t = b->next;
		b->has_next = 0;
		return 1;
	}
	if (b->ended)
		return 0;
	rc = jl_read(b->in, &rec, e);
	if (rc <= 0) {
		b->ended = 1;
		return rc;
	}
	if (traj_parse(rec, b->need, t, e)) {
		jl_where(b->in, e);
		return -1;
	}
	t->line = jl_line(b->in);
	return 1;
}

static int at_line(const struct batch_in *b, const struct traj *t, struct err *e)
{
	return err_prefix(e, "%s:%zu: ", jl_name(b->in), t->line);
}

/* The first thing that a stamped batch lacks, as a message. */
static void say_missing(const struct batch_in *b, const struct batch *out, struct err *e)
{
	for (int64_t i = 0; i < out->size; i++) {
		const struct seen *s = lookup(b, i, -1);

		if (s->at && s->count == s->group)
			continue;
		err_set(e, "batch of step %" PRId64 ": index %" PRId64 ": %" PRId64 " of %" PRId64 " samples",
		        out->step, i, s->at ? s->count : 0, s->at ? s->group : 1);
		if (!s->at)
			err_set(e, "batch of step %" PRId64 ": index %" PRId64 ": no line", out->step, i);
		return;
	}
}

/* Counts t, which goes to place out->n. */
static int count(struct batch_in *b, const struct batch *out, const struct traj *t, struct err *e)
{
	struct seen *s, *line;

	make_room(b);
	line = lookup(b, t->index, t->sample);
	if (line->at)
		return err_set(e, "batch of step %" PRId64 ": index %" PRId64 ", sample %" PRId64
		               " again (first on line %zu)", t->step, t->index, t->sample, out->t[line->at - 1].line);
	*line = (struct seen){.index = t->index, .sample = t->sample, .at = out->n + 1};
	b->n++;
	s = lookup(b, t->index, -1);
	if (!s->at) {
		*s = (struct seen){.index = t->index, .sample = -1, .group = t->group, .at = out->n + 1};
		b->n++;
	} else {
		const struct traj *first = &out->t[s->at - 1];

		if (s->group != t->group)
			return err_set(e, ".group: %" PRId64 ", but %" PRId64 " on line %zu of the same index %" PRId64,
			               t->group, s->group, first->line, t->index);
		if (t->id && first->id && strcmp(t->id, first->id))
			return err_set(e, ".id: differs from line %zu of the same index %" PRId64, first->line, t->index);
		if (s->count == s->group)
			return err_set(e, "batch of step %" PRId64 ": index %" PRId64 ": more than %" PRId64 " samples",
			               t->step, t->index, s->group);
	}
	s->count++;
	b->whole += s->count == s->group;
	return 0;
}

/* May t begin a batch here? */
static int may_begin(const struct batch_in *b, const struct traj *t, struct err *e)
{
	if (!b->any)
		return 0;
	if (b->before_stamped != t->has_batch)
		return err_set(e, ".batch: some lines have it, some have not");
	if (t->has_batch && t->step == b->before_step)
		return err_set(e, "batch of step %" PRId64 " was whole before this line", t->step);
	return 0;
}

/* 1: t is of the batch, 0: of the next, -1: error. */
static int belongs(const struct batch_in *b, const struct batch *out, const struct traj *t, struct err *e)
{
	if (t->has_batch != out->stamped)
		return err_set(e, ".batch: some lines have it, some have not");
	if (!out->stamped)
		return 1;
	if (t->step == out->step)
		return t->size == out->size ? 1
			: err_set(e, ".batch.size: %" PRId64 ", but %" PRId64 " before in the same batch", t->size, out->size);
	if (b->partial)
		return 0;
	say_missing(b, out, e);
	err_prefix(e, "a line of step %" PRId64 ", but ", t->step);
	return -1;
}

int batch_read(struct batch_in *b, struct batch *out, struct err *e)
{
	struct traj t;
	size_t cap = 0;
	int rc;

	*out = (struct batch){0};
	if (b->table)
		memset(b->table, 0, b->cap * sizeof *b->table);
	b->n = 0;
	b->whole = 0;
	while ((rc = next_line(b, &t, e)) > 0) {
		if (!out->n) {
			rc = may_begin(b, &t, e) ? -1 : 1;
			out->stamped = t.has_batch;
			out->step = t.step;
			out->size = t.size;
		} else {
			rc = belongs(b, out, &t, e);
		}
		if (!rc) {
			b->next = t;
			b->has_next = 1;
			break;
		}
		if (rc < 0 || (out->stamped && count(b, out, &t, e))) {
			at_line(b, &t, e);
			traj_release(&t);
			rc = -1;
			break;
		}
		VEC_PUSH(out->t, out->n, cap) = t;
		if (out->stamped && b->whole == out->size)
			break;
	}
	if (rc == 0 && out->n && out->stamped && !b->partial && b->whole < out->size) {
		say_missing(b, out, e);
		rc = err_prefix(e, "%s:%zu: end of input, but ", jl_name(b->in), jl_line(b->in));
	}
	if (rc < 0) {
		batch_release(out);
		b->ended = 1;
		return -1;
	}
	if (!out->n)
		return 0;
	b->any = 1;
	b->before_stamped = out->stamped;
	b->before_step = out->step;
	return 1;
}
