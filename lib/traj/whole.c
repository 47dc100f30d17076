/* SPDX-License-Identifier: MIT */
/* Counts lines to tell when groups and batches are whole, so that lost lines are noticed. */
#include "traj/traj.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct group {
	char *id;                    /* owned */
	int64_t index, want;         /* want 0: not known until end of input */
	int64_t n;                   /* samples counted */
	size_t line;                 /* of the first sample */
};

struct sample {
	size_t group, line;
	int64_t sample;
};

struct whole {
	int partial;
	int any, open;               /* a line has been counted; a batch is being counted */
	int stamped;
	int64_t step, size;          /* of this batch, or of the one just ended */
	struct group *groups;        /* [n_groups] */
	size_t n_groups, cap_groups, n_whole;
	struct sample *samples;      /* [n_samples] */
	size_t n_samples, cap_samples;
	struct hashmap by_name, by_sample;
};

struct whole *whole_new(int partial)
{
	struct whole *w = xcalloc(1, sizeof *w);

	w->partial = partial;
	return w;
}

static void forget(struct whole *w)
{
	for (size_t i = 0; i < w->n_groups; i++)
		free(w->groups[i].id);
	w->n_groups = w->n_samples = w->n_whole = 0;
	hashmap_clear(&w->by_name);
	hashmap_clear(&w->by_sample);
	w->open = 0;
}

void whole_free(struct whole *w)
{
	if (!w)
		return;
	forget(w);
	free(w->groups);
	free(w->samples);
	hashmap_release(&w->by_name);
	hashmap_release(&w->by_sample);
	free(w);
}

struct whole_line whole_line(const struct traj *t)
{
	return (struct whole_line){
		.stamped = t->has_batch,
		.step = t->step,
		.size = t->size,
		.index = t->index,
		.id = t->id,
		.group = t->has_batch || t->has_group ? t->group : 0,
		.sample = t->sample,
		.line = t->line,
	};
}

/* ---- lookup -------------------------------------------------------------------- */

static uint64_t name_hash(const struct whole_line *l)
{
	return l->stamped ? hash_bytes(&l->index, sizeof l->index)
		: hash_bytes(l->id, strlen(l->id));
}

static int same_name(const void *data, size_t place, const void *key)
{
	const struct group *g = &((const struct whole *)data)->groups[place];
	const struct whole_line *l = key;

	return l->stamped ? g->index == l->index : !strcmp(g->id, l->id);
}

static uint64_t sample_hash(const struct sample *s)
{
	int64_t key[2] = {(int64_t)s->group, s->sample};

	return hash_bytes(key, sizeof key);
}

static int same_sample(const void *data, size_t place, const void *key)
{
	const struct sample *a = &((const struct whole *)data)->samples[place], *b = key;

	return a->group == b->group && a->sample == b->sample;
}

/* ---- what is missing ---------------------------------------------------------------- */

#define HINT " (--partial takes what is there)"

static int64_t missing_index(const struct whole *w)
{
	struct whole_line l = {.stamped = 1};

	while (hashmap_find(&w->by_name, name_hash(&l), same_name, w, &l) != HASHMAP_NONE)
		l.index++;
	return l.index;
}

static int cut_short(const struct whole *w, struct err *e)
{
	char batch[64] = "the input";
	const struct group *g = w->groups;

	if (w->stamped)
		snprintf(batch, sizeof batch, "batch of step %" PRId64, w->step);
	while (g < w->groups + w->n_groups && (!g->want || g->n == g->want))
		g++;
	if (g < w->groups + w->n_groups)
		return err_set(e, "%s is cut short: problem %s has %" PRId64 " of %" PRId64 " samples" HINT,
		               batch, g->id, g->n, g->want);
	return err_set(e, "%s is cut short: %zu of %" PRId64 " problems, none of index %" PRId64 HINT,
	               batch, w->n_groups, w->size, missing_index(w));
}

static int complete(const struct whole *w)
{
	if (w->stamped)
		return (int64_t)w->n_whole == w->size;
	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i].want && w->groups[i].n < w->groups[i].want)
			return 0;
	return 1;
}

int whole_end(struct whole *w, struct err *e)
{
	if (w->open && !w->partial && !complete(w))
		return cut_short(w, e);
	forget(w);
	return 0;
}

/* ---- counting ------------------------------------------------------------------------ */

/* Opens the batch of l, or checks l against the open one: events, or -1. */
static int batch_of(struct whole *w, const struct whole_line *l, struct err *e)
{
	int event = 0;

	if (w->any && w->stamped != l->stamped)
		return err_set(e, ".batch: some lines have it, others do not");
	if (w->any && !w->open && w->step == l->step)
		return err_set(e, "batch of step %" PRId64 " was whole before this line", l->step);
	if (w->open && w->step != l->step) {
		if (!w->partial && cut_short(w, e))
			return err_prefix(e, "a line of step %" PRId64 ", but ", l->step);
		forget(w);
		event = WHOLE_NEXT;
	}
	if (w->open && w->size != l->size)
		return err_set(e, ".batch.size: %" PRId64 ", but this batch began with %" PRId64,
		               l->size, w->size);
	w->any = w->open = 1;
	w->stamped = l->stamped;
	w->step = l->step;
	w->size = l->size;
	return event;
}

static size_t group_of(struct whole *w, const struct whole_line *l)
{
	uint64_t hash = name_hash(l);
	size_t g = hashmap_find(&w->by_name, hash, same_name, w, l);

	if (g != HASHMAP_NONE)
		return g;
	hashmap_add(&w->by_name, hash, w->n_groups);
	VEC_PUSH(w->groups, w->n_groups, w->cap_groups) = (struct group){
		.id = xstrdup(l->id), .index = l->index, .want = l->group, .line = l->line,
	};
	return w->n_groups - 1;
}

int whole_add(struct whole *w, const struct whole_line *l, size_t *group, struct err *e)
{
	struct sample s = {.line = l->line, .sample = l->sample};
	struct group *g;
	size_t before;
	int event = batch_of(w, l, e);

	if (event < 0)
		return -1;
	*group = s.group = group_of(w, l);
	g = &w->groups[s.group];
	if (strcmp(g->id, l->id))
		return err_set(e, ".id: differs from line %zu of the same index %" PRId64,
		               g->line, l->index);
	if (g->want != l->group)
		return err_set(e, ".group: %" PRId64 ", but this problem's first sample says %"
		               PRId64 " (line %zu)", l->group, g->want, g->line);
	before = hashmap_find(&w->by_sample, sample_hash(&s), same_sample, w, &s);
	if (before != HASHMAP_NONE)
		return err_set(e, ".sample: problem %s has sample %" PRId64 " a second time (first on "
		               "line %zu)", l->id, l->sample, w->samples[before].line);
	if (g->want && g->n == g->want)
		return err_set(e, ".group: problem %s has more than %" PRId64 " samples",
		               l->id, g->want);
	hashmap_add(&w->by_sample, sample_hash(&s), w->n_samples);
	VEC_PUSH(w->samples, w->n_samples, w->cap_samples) = s;
	if (++g->n != g->want)
		return event;
	w->n_whole++;
	event |= WHOLE_GROUP;
	if (!w->stamped || !complete(w))
		return event;
	forget(w);
	return event | WHOLE_BATCH;
}
