/* SPDX-License-Identifier: MIT */
/* Continuous batching: chooses the rows of each forward and which sequence draws from which row. */
#include "rollout/engine.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* rows of one forward: one per decoding sequence, then prompts in chunks */
	MAX_ROWS = 512,
	TILE = 64                    /* rows of logits computed at once */
};

struct engine {
	struct model *m;
	const struct model_config *c;
	int *ends;
	size_t n_ends, batch;
	struct gen **active;         /* [batch]; without twins that wait for their feed */
	/* held: sequences counted against batch, including waiting twins */
	size_t n, held;
	struct row *rows;            /* [MAX_ROWS + batch] */
	/* [batch]: sequences whose last row is in this forward */
	struct want { struct gen *g; size_t row; } *wants;
	struct mem hidden, picked;   /* act [rows][D], [batch][D] */
	struct mem index;            /* int32 [batch]: row in hidden of each row of picked */
	struct mem logits;           /* [TILE][V] ld for one tile of picked's rows */
	size_t ld;
	struct mem drawn;            /* struct drawn [batch] */
	int32_t *row;                /* [batch] host copy of index */
	/* [batch] draws: for which gen, and how; rows are of picked, then of the tile, ascending */
	struct gen **who;
	struct draw *draws;
	struct drawn *results;
	size_t n_draws;
};

struct engine *engine_new(struct model *m, const int *ends, size_t n_ends, size_t batch)
{
	struct engine *e = xcalloc(1, sizeof *e);
	size_t d, rows = MAX_ROWS + batch;

	e->m = m;
	e->c = model_config(m);
	d = e->c->width;
	e->ends = xmemdup(ends, n_ends * sizeof *ends);
	e->n_ends = n_ends;
	e->batch = batch;
	e->active = xcalloc(batch, sizeof *e->active);
	e->rows = xcalloc(rows, sizeof *e->rows);
	e->wants = xcalloc(batch, sizeof *e->wants);
	e->hidden = mem_new(rows * d * sizeof(act));
	e->picked = mem_new(batch * d * sizeof(act));
	e->index = mem_new(batch * sizeof *e->row);
	e->ld = mem_stride(e->c->vocab, sizeof(float));
	e->logits = mem_new((batch < TILE ? batch : TILE) * e->ld * sizeof(float));
	e->drawn = mem_new(batch * sizeof *e->results);
	e->row = xcalloc(batch, sizeof *e->row);
	e->who = xcalloc(batch, sizeof *e->who);
	e->draws = xcalloc(batch, sizeof *e->draws);
	e->results = xcalloc(batch, sizeof *e->results);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	free(e->ends);
	free(e->active);
	free(e->rows);
	free(e->wants);
	mem_free(&e->hidden);
	mem_free(&e->picked);
	mem_free(&e->index);
	mem_free(&e->logits);
	mem_free(&e->drawn);
	free(e->row);
	free(e->who);
	free(e->draws);
	free(e->results);
	free(e);
}

size_t engine_places(const struct engine *e)
{
	return e->batch - e->held;
}

size_t engine_active(const struct engine *e)
{
	return e->held;
}

/* Puts g behind the last sequence with which it has memory in common: attention then reads that
 * once. */
static void activate(struct engine *e, struct gen *g)
{
	const struct cache *c = &g->kv->cache;
	size_t i = e->n++;

	while (i > 0 && c->from && e->active[i - 1]->kv->cache.common.p != c->common.p)
		i--;
	if (!i)
		i = e->n - 1;
	memmove(e->active + i + 1, e->active + i, (e->n - 1 - i) * sizeof *e->active);
	e->active[i] = g;
}

void engine_add(struct engine *e, struct gen *g)
{
	activate(e, g);
	e->held++;
	for (struct gen *t = g->twins; t; t = t->twins)
		e->held++;
	model_reserve(e->m, e->batch + g->n_feed < MAX_ROWS ? e->batch + g->n_feed : MAX_ROWS,
	              g->kv->cache.cap);
}

/* Rows of this forward: one per decoding sequence, then feeds up to MAX_ROWS. */
static size_t plan(struct engine *e, size_t *n_wants)
{
	size_t n = 0;

	*n_wants = 0;
	for (int feeding = 0; feeding < 2; feeding++)
		for (size_t i = 0; i < e->n; i++) {
			struct gen *g = e->active[i];
			size_t pos = g->kv->len, count = 1;

			if (feeding != (g->fed < g->n_feed))
				continue;
			if (feeding) {
				if (n >= MAX_ROWS)
					break;
				count = g->n_feed - g->fed;
				if (count > MAX_ROWS - n)
					count = MAX_ROWS - n;
			}
			for (size_t j = 0; j < count; j++)
				e->rows[n + j] = (struct row){
					feeding ? g->feed[g->fed + j] : g->tokens[g->n - 1],
					pos + j, g->kv,
				};
			n += count;
			if (feeding)
				g->fed += count;
			if (g->fed == g->n_feed)
				e->wants[(*n_wants)++] = (struct want){g, n - 1};
		}
	return n;
}

static void will_draw(struct engine *e, struct gen *g, size_t row)
{
	e->who[e->n_draws] = g;
	e->draws[e->n_draws++] = (struct draw){
		.row = row, .u = rng_uniform(&g->rng, g->n), .how = g->sampling,
		.banned = g->n < g->min_new,
	};
}

/* Plans draws for sequences whose last row was in this forward, and for their twins, which become
 * independent here. */
static void plan_draws(struct engine *e, size_t n_wants)
{
	e->n_draws = 0;
	for (size_t i = 0; i < n_wants; i++) {
		struct gen *g = e->wants[i].g, *t = g->twins, *next;

		e->row[i] = (int32_t)e->wants[i].row;
		will_draw(e, g, i);
		for (g->twins = NULL; t; t = next) {
			next = t->twins;
			t->twins = NULL;
			kv_copy(t->kv, g->kv, g->kv->len, e->c);
			t->fed = t->n_feed = 0;
			activate(e, t);
			will_draw(e, t, i);
		}
	}
}

/* Makes all draws, a tile of logits at a time. */
static void draw(struct engine *e, size_t n_wants)
{
	size_t d = e->c->width, v = e->c->vocab;

	dev->upload(e->index, e->row, n_wants * sizeof *e->row);
	dev->gather(e->picked, e->hidden, e->index, n_wants, d);
	for (size_t i = 0, end; i < e->n_draws; i = end) {
		size_t tile = e->draws[i].row, rows = n_wants - tile < TILE ? n_wants - tile : TILE;

		for (end = i; end < e->n_draws && e->draws[end].row < tile + rows; end++)
			e->draws[end].row -= tile;
		model_logits(e->m, mem_act(e->picked, tile * d), rows, e->logits, e->ld);
		dev->sample(mem_at(e->drawn, i, sizeof *e->results), e->logits, e->ld, v,
		            e->draws + i, end - i, e->ends, e->n_ends);
	}
	dev->download(e->results, e->drawn, e->n_draws * sizeof *e->results);
	for (size_t i = 0; i < e->n_draws; i++) {
		struct gen *g = e->who[i];
		struct drawn r = e->results[i];

		g->logprobs[g->n] = r.logprob;
		g->sample_logprobs[g->n] = r.sample_logprob;
		g->tokens[g->n++] = r.id;
		for (size_t k = 0; k < e->n_ends; k++)
			g->ended |= r.id == e->ends[k];
		g->done = g->ended || g->n == g->max_new;
	}
}

/* Removes finished sequences from the active ones. */
static struct gen *finished(struct engine *e)
{
	struct gen *first = NULL, **tail = &first;
	size_t kept = 0;

	for (size_t i = 0; i < e->n; i++) {
		struct gen *g = e->active[i];

		if (!g->done) {
			e->active[kept++] = g;
			continue;
		}
		g->next = NULL;
		*tail = g;
		tail = &g->next;
		e->held--;
	}
	e->n = kept;
	return first;
}

struct gen *engine_forward(struct engine *e)
{
	size_t n_wants, n = plan(e, &n_wants);

	if (!n)
		return NULL;
	model_forward(e->m, e->rows, n, e->hidden, NULL);
	plan_draws(e, n_wants);
	if (n_wants)
		draw(e, n_wants);
	return finished(e);
}
