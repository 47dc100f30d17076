/* SPDX-License-Identifier: MIT */
/* Groups out of a stream: what is whole is shaped and let go, in the order it came. */
#include "rl/rl.h"

#include <stdlib.h>
#include <string.h>

struct item {
	struct traj t;
	size_t group;                /* into groups */
	int ready;
};

/* Outlives its items, which go as soon as they are written. */
struct group {
	char *id;                    /* owned */
	int64_t index;
	size_t line;                 /* of its first sample */
	uint64_t key;                /* hash of what names it: index, or id */
	int64_t want;                /* samples; 0: not known before the end */
	struct member {
		size_t item;         /* relative to the first one of this batch */
		int64_t sample;
	} *members;                  /* [n] */
	size_t n, cap;
	int done;
};

struct rl_stream {
	struct rl_shaping s;
	int partial, started, stamped, any;
	int64_t step, size;          /* of the batch being read */
	struct item *items;          /* [n]; those before `out` are gone */
	size_t n, cap, out, first;   /* first: of the batch being read */
	int borrowed;                /* items[out - 1] is with the caller */
	int stopped;                 /* what is not ready now never will be */
	struct group *groups;
	size_t n_groups, groups_cap, whole;
	size_t *table, table_n;      /* hash to group + 1; a power of two */
	size_t lonely;
};

struct rl_stream *rl_stream_new(const struct rl_shaping *s, int partial)
{
	struct rl_stream *r = xcalloc(1, sizeof *r);

	r->s = *s;
	r->partial = partial;
	return r;
}

static void groups_clear(struct rl_stream *r)
{
	for (size_t i = 0; i < r->n_groups; i++) {
		free(r->groups[i].members);
		free(r->groups[i].id);
	}
	free(r->table);
	r->table = NULL;
	r->n_groups = r->table_n = r->whole = 0;
}

void rl_stream_free(struct rl_stream *r)
{
	if (!r)
		return;
	if (r->borrowed)
		r->out--;
	for (size_t i = r->out; i < r->n; i++)
		traj_release(&r->items[i].t);
	groups_clear(r);
	free(r->groups);
	free(r->items);
	free(r);
}

/* ---- finding a group --------------------------------------------------------- */

static uint64_t group_key(const struct traj *t)
{
	return t->has_batch ? hash_bytes(&t->index, sizeof t->index) : hash_bytes(t->id, strlen(t->id));
}

static int same_group(const struct group *g, const struct traj *t)
{
	return t->has_batch ? g->index == t->index : !strcmp(g->id, t->id);
}

static void table_grow(struct rl_stream *r)
{
	size_t size = r->table_n ? r->table_n * 2 : 64;

	free(r->table);
	r->table = xcalloc(size, sizeof *r->table);
	r->table_n = size;
	for (size_t i = 0; i < r->n_groups; i++) {
		size_t at = r->groups[i].key & (size - 1);

		while (r->table[at])
			at = (at + 1) & (size - 1);
		r->table[at] = i + 1;
	}
}

/* The group of t, made if it is new. */
static size_t group_find(struct rl_stream *r, const struct traj *t)
{
	uint64_t key = group_key(t);
	size_t at;

	if (2 * (r->n_groups + 1) > r->table_n)
		table_grow(r);
	for (at = key & (r->table_n - 1); r->table[at]; at = (at + 1) & (r->table_n - 1)) {
		struct group *g = &r->groups[r->table[at] - 1];

		if (g->key == key && same_group(g, t))
			return r->table[at] - 1;
	}
	r->table[at] = r->n_groups + 1;
	VEC_PUSH(r->groups, r->n_groups, r->groups_cap) = (struct group){
		.id = xstrdup(t->id),
		.index = t->index,
		.line = t->line,
		.key = key,
		.want = t->has_group || t->has_batch ? t->group : 0,
	};
	return r->n_groups - 1;
}

/* ---- shaping what is whole ------------------------------------------------------- */

static void shape(struct rl_stream *r, const struct member *m, size_t n)
{
	struct traj **t = xreallocarray(NULL, n + 1, sizeof(struct traj *));

	for (size_t i = 0; i < n; i++)
		t[i] = &r->items[r->first + m[i].item].t;
	rl_advantages(r->s.baseline, t, n, &r->lonely);
	for (size_t i = 0; i < n; i++) {
		rl_record(t[i], r->s.stage);
		r->items[r->first + m[i].item].ready = 1;
	}
	free(t);
}

static void group_done(struct rl_stream *r, struct group *g)
{
	g->done = 1;
	r->whole++;
	if (r->s.baseline != RL_BATCH)
		shape(r, g->members, g->n);
}

static int cut_short(struct rl_stream *r, struct err *e)
{
	char batch[64] = "the input";
	const struct group *bad = NULL;

	if (r->stamped)
		snprintf(batch, sizeof batch, "batch of step %lld", (long long)r->step);
	for (size_t i = 0; i < r->n_groups && !bad; i++)
		if (!r->groups[i].done)
			bad = &r->groups[i];
	if (bad)
		return err_set(e, "%s is cut short: problem %s has %zu of %lld samples", batch, bad->id,
		               bad->n, (long long)bad->want);
	return err_set(e, "%s is cut short: %zu of %lld problems", batch, r->n_groups, (long long)r->size);
}

/* The batch being read ends here. */
static int batch_end(struct rl_stream *r, struct err *e)
{
	struct member *all;
	size_t n = r->n - r->first;
	int rc = 0;

	if (!r->started)
		return 0;
	for (size_t i = 0; i < r->n_groups; i++)
		if (!r->groups[i].done && (r->partial || !r->groups[i].want))
			group_done(r, &r->groups[i]);
	if (!r->partial && (r->whole < r->n_groups || (r->stamped && (int64_t)r->n_groups < r->size)))
		rc = cut_short(r, e);
	if (!rc && r->s.baseline == RL_BATCH) {
		all = xreallocarray(NULL, n + 1, sizeof *all);
		for (size_t i = 0; i < n; i++)
			all[i].item = i;
		shape(r, all, n);
		free(all);
	}
	groups_clear(r);
	r->started = 0;
	r->first = r->n;
	r->stopped |= rc;
	return rc;
}

/* ---- in and out -------------------------------------------------------------------- */

static int member_add(struct rl_stream *r, const struct traj *t, struct err *e)
{
	size_t g = group_find(r, t);
	struct group *p = &r->groups[g];

	if (strcmp(p->id, t->id))
		return err_set(e, ".id: differs from line %zu of the same index %lld", p->line, (long long)t->index);
	if (p->want && t->group != p->want)
		return err_set(e, ".group: %lld, but this problem's first sample says %lld",
		               (long long)t->group, (long long)p->want);
	for (size_t i = 0; i < p->n && (t->has_batch || t->has_sample); i++)
		if (p->members[i].sample == t->sample)
			return err_set(e, ".sample: problem %s has sample %lld a second time", t->id,
			               (long long)t->sample);
	if (p->done)
		return err_set(e, ".group: problem %s has more than %lld samples", t->id, (long long)p->want);
	VEC_PUSH(p->members, p->n, p->cap) = (struct member){r->n - r->first, t->sample};
	r->items[r->n].group = g;
	return 0;
}

/* Drops what the caller has seen, so that a long stream does not grow. */
static void compact(struct rl_stream *r)
{
	size_t gone = r->out < r->first ? r->out : r->first;

	if (r->borrowed || gone < 256 || gone < r->n / 2)
		return;
	memmove(r->items, r->items + gone, (r->n - gone) * sizeof *r->items);
	r->n -= gone;
	r->out -= gone;
	r->first -= gone;
}

int rl_stream_add(struct rl_stream *r, struct traj *t, struct err *e)
{
	int same = !r->stamped || r->step == t->step;
	struct group *g;

	if (r->any && r->stamped != t->has_batch) {
		err_set(e, ".batch: some lines have it, some have not");
		goto refuse;
	}
	if (r->any && !r->started && r->step == t->step) {
		err_set(e, "batch of step %lld was whole before this line", (long long)t->step);
		goto refuse;
	}
	if (r->started && !same && batch_end(r, e))
		goto refuse;
	if (!r->started) {
		r->started = r->any = 1;
		r->stamped = t->has_batch;
		r->step = t->step;
		r->size = t->size;
	}
	if (r->stamped && t->size != r->size) {
		err_set(e, ".batch.size: %lld, but this batch began with %lld", (long long)t->size, (long long)r->size);
		goto refuse;
	}
	compact(r);
	VEC_PUSH(r->items, r->n, r->cap) = (struct item){.t = *t};
	r->n--;
	if (member_add(r, t, e))
		goto refuse;
	*t = (struct traj){0};
	g = &r->groups[r->items[r->n++].group];
	if (g->want && (int64_t)g->n == g->want)
		group_done(r, g);
	if (r->stamped && (int64_t)r->whole == r->size)
		return batch_end(r, e);
	return 0;
refuse:
	traj_release(t);
	return -1;
}

int rl_stream_end(struct rl_stream *r, struct err *e)
{
	return batch_end(r, e);
}

struct traj *rl_stream_next(struct rl_stream *r)
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

void rl_stream_stop(struct rl_stream *r)
{
	r->stopped = 1;
}

size_t rl_stream_lonely(const struct rl_stream *r)
{
	return r->lonely;
}
