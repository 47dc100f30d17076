/* SPDX-License-Identifier: MIT */
/*
 * Schedules dialogues: when each enters the engine, its cache, its turns, and output in input
 * order.
 */
#include "rollout/queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* assumed tokens of a later turn's context until one is seen */
	NEXT_CONTEXT = 64,
	/* cache sizes are multiples of this, so that caches can be reused */
	CAP_UNIT = 64,
	LEAST_SHARED = 16            /* fewest positions worth copying from another cache */
};

/* The beginning of a prompt, stored once for all dialogues that begin with it. */
struct prefix {
	struct kv kv;
	size_t n, users;             /* positions in use, a multiple of CACHE_UNIT; dialogues */
};

enum progress_of { OPEN, COMPLETE, FAILED };

/* One dialogue in the queue. */
struct item {
	struct dialogue d;
	char *id;                    /* names the random stream */
	int64_t step, sample;
	size_t line;
	struct kv kv;
	struct prefix *prefix;       /* that kv has in common with others, or NULL */
	struct gen g;
	double share;
	enum progress_of state;
	struct item *next, *next_waiting;   /* in input order; among waiting leaders */
};

struct queue {
	const struct policy *p;
	struct queue_rules r;
	struct engine *engine;
	struct item *first, **last;   /* all, in input order */
	struct item *waiting, **waiting_last;   /* leaders (with twins) not yet in the engine */
	/* context_seen: largest number of tokens of a later turn's context so far */
	size_t items, context_seen;
	uint64_t kv_used;            /* bytes of all caches, including spare ones */
	struct kv *spare;            /* [n_spare] for reuse */
	size_t n_spare, spare_cap;
	size_t bad_line;
	struct err bad;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct queue *queue_new(const struct policy *p, const struct queue_rules *r)
{
	struct queue *q = xcalloc(1, sizeof *q);

	q->p = p;
	q->r = *r;
	q->engine = engine_new(p->model, p->vocab.ends, p->vocab.n_ends, r->batch);
	q->last = &q->first;
	q->waiting_last = &q->waiting;
	q->context_seen = NEXT_CONTEXT;
	return q;
}

/* ---- caches ---- */

static uint64_t cache_bytes(const struct queue *q, size_t cap)
{
	return kv_bytes(&q->p->config, cap);
}

static void spare_free(struct queue *q, size_t i)
{
	q->kv_used -= cache_bytes(q, q->spare[i].cache.cap);
	kv_release(&q->spare[i]);
	q->spare[i] = q->spare[--q->n_spare];
}

/* Gets a cache for cap positions: a spare one that is not much too large, else a new one. -1: not
 * enough memory. */
static int cache_get(struct queue *q, struct kv *kv, size_t cap)
{
	size_t best = q->n_spare;

	for (size_t i = 0; i < q->n_spare; i++)
		if (q->spare[i].cache.cap >= cap && q->spare[i].cache.cap / 2 <= cap &&
		    (best == q->n_spare || q->spare[i].cache.cap < q->spare[best].cache.cap))
			best = i;
	if (best < q->n_spare) {
		*kv = q->spare[best];
		kv->len = 0;
		q->spare[best] = q->spare[--q->n_spare];
		return 0;
	}
	while (q->n_spare && q->kv_used + cache_bytes(q, cap) > q->r.kv_memory)
		spare_free(q, q->n_spare - 1);
	if (q->kv_used + cache_bytes(q, cap) > q->r.kv_memory)
		return -1;
	kv_init(kv, &q->p->config, cap);
	q->kv_used += cache_bytes(q, cap);
	return 0;
}

static void cache_put(struct queue *q, struct kv *kv)
{
	if (mem_there(kv->cache.mem))
		VEC_PUSH(q->spare, q->n_spare, q->spare_cap) = kv_own(kv);
	*kv = (struct kv){0};
}

static void prefix_put(struct queue *q, struct prefix *p)
{
	if (!p || --p->users)
		return;
	cache_put(q, &p->kv);
	free(p);
}

/* Gives back what a dialogue holds. */
static void caches_put(struct queue *q, struct item *j)
{
	cache_put(q, &j->kv);
	prefix_put(q, j->prefix);
	j->prefix = NULL;
}

/* A cache for cap positions, of which the first are p's, if there is p. */
static int cache_beside(struct queue *q, struct kv *kv, struct prefix *p, size_t cap)
{
	if (cache_get(q, kv, cap - (p ? p->n : 0)))
		return -1;
	if (p)
		kv_common(kv, &p->kv, p->n);
	return 0;
}

/* Caches for a dialogue: cap positions, those of p for the first. */
static int caches_get(struct queue *q, struct item *j, struct prefix *p, size_t cap)
{
	if (cache_beside(q, &j->kv, p, cap))
		return -1;
	j->prefix = p;
	if (p)
		p->users++;
	return 0;
}

/* ---- a dialogue's turns ---- */

static void fail(struct queue *q, struct item *j, const struct err *e)
{
	if (!q->bad_line || j->line < q->bad_line) {
		q->bad = *e;
		q->bad_line = j->line;
	}
	j->state = FAILED;
	caches_put(q, j);
}

static size_t max_new(const struct queue *q, size_t turn)
{
	return (size_t)q->r.max_new[turn < q->r.n_max_new ? turn : q->r.n_max_new - 1];
}

/* Sets the feed to the tokens that are not in the cache yet. */
static void feed_rest(struct item *j)
{
	j->g.feed = j->d.all.v + j->kv.len;
	j->g.n_feed = j->d.all.n - j->kv.len;
}

/* Opens the next turn of an item, or marks it complete. */
static int next_turn(struct queue *q, struct item *j, struct err *e)
{
	size_t limit = q->p->config.context, budget;
	const struct dialogue_rules *r = &q->r.dialogue;
	struct gen *g = &j->g;
	int asked;

	for (;;) {
		asked = j->d.turns < q->r.turns ? dialogue_ask(&j->d, r, e) : 0;
		if (asked < 0)
			return -1;
		if (!asked) {
			j->state = COMPLETE;
			return 0;
		}
		if (j->d.turns && j->d.all.n - j->d.asked > q->context_seen)
			q->context_seen = j->d.all.n - j->d.asked;
		if (j->d.all.n < limit)
			break;
		if (!j->d.sampled)
			return err_set(
				e, ".turns[%zu]: %zu tokens of prompt do not fit the model's context of %zu",
			    j->d.turns, j->d.all.n, limit);
		dialogue_too_long(&j->d, r, limit);
	}
	budget = least(max_new(q, j->d.turns), limit - j->d.all.n);
	*g = (struct gen){
	    .kv = &j->kv,
	    .sampling = r->sampling,
	    .min_new = r->min_new,
	    .max_new = budget,
	    .owner = j,
	    .rng = rng_stream(q->r.seed, "sample", (uint64_t)j->step, j->id, (uint64_t)j->sample,
	                      j->d.turns),
	    .tokens = xreallocarray(g->tokens, budget, sizeof *g->tokens),
	    .logprobs = xreallocarray(g->logprobs, budget, sizeof *g->logprobs),
	    .sample_logprobs = xreallocarray(g->sample_logprobs, budget, sizeof *g->sample_logprobs),
	};
	feed_rest(j);
	return 0;
}

/* Cache positions needed for all turns of a dialogue. */
static size_t positions(const struct queue *q, const struct item *j)
{
	size_t n = j->d.all.n + j->g.max_new, limit = q->p->config.context;

	for (size_t t = j->d.turns + 1; t < q->r.turns && n < limit; t++)
		n += q->context_seen + max_new(q, t);
	return least((n + CAP_UNIT - 1) / CAP_UNIT * CAP_UNIT, limit);
}

/* ---- records to dialogues ---- */

static struct item *item_new(struct queue *q, const struct traj *t, int64_t sample, double share,
                           struct err *e)
{
	struct item *j = xcalloc(1, sizeof *j);
	struct buf id = {0};

	if (dialogue_init(&j->d, t, &q->r.dialogue, e)) {
		free(j);
		return NULL;
	}
	buf_adds(&id, t->id);
	if (t->has_batch)                /* the same problem may occur twice in a batch */
		buf_addf(&id, "\n%lld", (long long)t->index);
	j->id = id.data;
	j->step = t->has_batch ? t->step : q->p->step;
	j->sample = sample;
	j->line = t->line;
	j->share = share;
	js_set(&j->d.rec, "sample", js_num((double)sample));
	js_set(&j->d.rec, "group",
	       js_num((double)(t->has_sample && t->has_group ? t->group : q->r.samples)));
	js_set(&j->d.rec, "seed", js_num((double)q->r.seed));
	*q->last = j;
	q->last = &j->next;
	q->items++;
	if (next_turn(q, j, e)) {
		fail(q, j, e);
		return NULL;
	}
	return j;
}

static void item_free(struct queue *q, struct item *j)
{
	caches_put(q, j);
	dialogue_release(&j->d);
	free(j->g.tokens);
	free(j->g.logprobs);
	free(j->g.sample_logprobs);
	free(j->id);
	free(j);
}

/* True if both have the same feed, which is then read once. */
static int same_feed(const struct item *a, const struct item *b)
{
	return a->g.n_feed == b->g.n_feed &&
	       !memcmp(a->g.feed, b->g.feed, a->g.n_feed * sizeof *a->g.feed);
}

static void wait_for_place(struct queue *q, struct item *leader)
{
	leader->next_waiting = NULL;
	*q->waiting_last = leader;
	q->waiting_last = &leader->next_waiting;
}

int queue_add(struct queue *q, const struct traj *t, double share, struct err *e)
{
	int keeps = t->has_sample && t->has_group, n = keeps ? 1 : q->r.samples;
	struct item *leader = NULL;
	struct gen *last = NULL;

	if (keeps && q->r.samples > 1)
		return err_set(e, ".sample: the record is one of a group already; -n %d cannot multiply it",
		               q->r.samples);
	for (int i = 0; i < n; i++) {
		struct item *j = item_new(q, t, keeps ? t->sample : i, share, e);

		if (!j)
			return -1;
		if (j->state == COMPLETE)
			continue;
		if (leader && same_feed(leader, j)) {
			last->twins = &j->g;
		} else {
			wait_for_place(q, j);
			leader = j;
		}
		last = &j->g;
	}
	return 0;
}

int queue_wants(const struct queue *q)
{
	return !q->waiting && !q->bad_line && q->items < 8 * q->r.batch + (size_t)q->r.samples;
}

/* ---- into the engine ---- */

/* Copies the longest common beginning from another cache: of a sibling sample already running, or a
 * system message that all prompts share. The same tokens at the same positions have the same bits
 * in any cache. */
static void share_cache(struct queue *q, struct item *j)
{
	const struct item *best = NULL;
	size_t most = LEAST_SHARED;

	for (const struct item *k = q->first; k; k = k->next) {
		size_t n = 0, end = least(least(k->kv.len, k->d.all.n), j->d.all.n - 1);

		if (k == j || end <= most)
			continue;
		while (n < end && k->d.all.v[n] == j->d.all.v[n])
			n++;
		if (n > most) {
			most = n;
			best = k;
		}
	}
	if (best)
		kv_copy(&j->kv, &best->kv, most, &q->p->config);
}

/* The prefix for a dialogue's prompt: that of a dialogue under way with the same beginning, else a
 * new one; the caller is one of its users. NULL: the prompt is too short, or memory is. */
static struct prefix *prefix_for(struct queue *q, const struct item *j)
{
	size_t n = (j->d.all.n - 1) / CACHE_UNIT * CACHE_UNIT;
	struct prefix *p;

	if (!n)
		return NULL;
	for (const struct item *k = q->first; k; k = k->next)
		if (k->prefix && k->prefix->n == n && k->kv.len >= n &&
		    !memcmp(k->d.all.v, j->d.all.v, n * sizeof *j->d.all.v)) {
			k->prefix->users++;
			return k->prefix;
		}
	p = xcalloc(1, sizeof *p);
	p->n = n;
	p->users = 1;
	if (!cache_get(q, &p->kv, n))
		return p;
	free(p);
	return NULL;
}

/* Admits the first waiting leader with as many of its twins as fit; the others keep waiting. 0:
 * none fits now. */
static int admit(struct queue *q)
{
	struct item *j = q->waiting, *rest;
	size_t places = engine_places(q->engine), cap = positions(q, j), n = 0;
	struct prefix *prefix;
	struct gen *last = NULL;
	struct err e;

	if (!places)
		return 0;
	/* the size of later turns is a guess: a dialogue alone is admitted if this turn fits */
	if (!engine_active(q->engine) && cache_bytes(q, cap) > q->r.kv_memory)
		cap = j->d.all.n + j->g.max_new;
	prefix = prefix_for(q, j);
	for (struct gen *g = &j->g; g && n < places; g = g->twins, n++) {
		if (caches_get(q, g->owner, prefix, cap))
			break;
		last = g;
	}
	prefix_put(q, prefix);
	if (!n && engine_active(q->engine))
		return 0;                /* memory is freed when others finish */
	q->waiting = j->next_waiting;
	if (!n) {
		err_set(&e, ".turns[%zu]: %zu tokens need %llu KiB of cache, more than --kv-memory allows",
		        j->d.turns, cap, (unsigned long long)((cache_bytes(q, cap) + 1023) >> 10));
		for (struct gen *g = &j->g; g; g = g->twins)
			fail(q, g->owner, &e);
	} else {
		rest = last->twins ? last->twins->owner : NULL;
		last->twins = NULL;
		if (rest) {
			rest->next_waiting = q->waiting;
			q->waiting = rest;
		}
		share_cache(q, j);
		feed_rest(j);
		engine_add(q->engine, &j->g);
	}
	if (!q->waiting)
		q->waiting_last = &q->waiting;
	else if (!q->waiting->next_waiting)
		q->waiting_last = &q->waiting->next_waiting;
	return 1;
}

/* Replaces a cache that is too small for later turns by a larger one; without memory for it the
 * cache is dropped, and the dialogue waits and is read again. */
static void outgrown(struct queue *q, struct item *j)
{
	struct kv old = j->kv;

	if (!cache_beside(q, &j->kv, j->prefix, positions(q, j))) {
		kv_copy(&j->kv, &old, old.len, &q->p->config);
		cache_put(q, &old);
		engine_add(q->engine, &j->g);
		return;
	}
	caches_put(q, j);
	feed_rest(j);
	j->next_waiting = q->waiting;
	if (!q->waiting)
		q->waiting_last = &j->next_waiting;
	q->waiting = j;
}

/* Weights of which something is not finite give logits that are not. */
static int drawn_well(const struct gen *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (!isfinite(g->logprobs[i]) || !isfinite(g->sample_logprobs[i]))
			return 0;
	return 1;
}

static void finish_turn(struct queue *q, struct item *j)
{
	size_t turn = j->d.turns;
	struct err e;

	if (!drawn_well(&j->g)) {
		err_set(&e, ".turns[%zu]: the model gives probabilities that are no numbers", turn);
		fail(q, j, &e);
		return;
	}
	dialogue_answer(&j->d, &q->r.dialogue, &j->g);
	if (next_turn(q, j, &e)) {
		fail(q, j, &e);
		return;
	}
	if (j->state == COMPLETE)
		caches_put(q, j);
	else if (j->kv.cache.cap < j->d.all.n + j->g.max_new)
		outgrown(q, j);
	else
		engine_add(q->engine, &j->g);
}

void queue_admit(struct queue *q)
{
	while (q->waiting && admit(q))
		;
}

size_t queue_forward(struct queue *q)
{
	size_t n = 0;

	queue_admit(q);
	for (struct gen *g = engine_forward(q->engine), *next; g; g = next) {
		next = g->next;
		n += g->n;
		finish_turn(q, g->owner);
	}
	return n;
}

/* ---- output ---- */

size_t queue_active(const struct queue *q)
{
	return engine_active(q->engine);
}

int queue_take(struct queue *q, struct js *rec, double *share)
{
	struct item *j = q->first;

	if (!j || j->state != COMPLETE)
		return 0;
	*rec = j->d.rec;
	*share = j->share;
	j->d.rec = js_none();
	q->first = j->next;
	if (!q->first)
		q->last = &q->first;
	q->items--;
	item_free(q, j);
	return 1;
}

int queue_done(const struct queue *q)
{
	return !q->first || q->first->state == FAILED;
}

int queue_failed(const struct queue *q, size_t *line, struct err *e)
{
	if (!q->bad_line)
		return 0;
	*line = q->bad_line;
	*e = q->bad;
	return 1;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	for (struct item *j; (j = q->first); ) {
		q->first = j->next;
		item_free(q, j);
	}
	while (q->n_spare)
		spare_free(q, q->n_spare - 1);
	free(q->spare);
	engine_free(q->engine);
	free(q);
}
