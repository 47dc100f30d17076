/* SPDX-License-Identifier: MIT */
#include "model/engine.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_ROWS = 512,              /* rows of one forward: all decoding sequences, then feeds in chunks */
	TILE = 64                    /* rows of logits at once */
};

struct engine {
	struct model *m;
	const struct model_config *c;
	int *ends;
	size_t n_ends, batch;
	struct gen **active;         /* [batch]; twins waiting for their feed are not in it */
	size_t n, held;              /* held: sequences counted against batch, waiting twins included */
	struct row *rows;            /* [MAX_ROWS + batch] */
	struct want { struct gen *g; size_t row; } *wants;   /* [batch]: sequences whose last row is in this forward */
	act *hidden, *picked;        /* [rows][D], [batch][D] */
	float *logits;               /* [TILE][V] of picked's rows from tile on */
	struct gen **draws;          /* [batch] who draws ... */
	size_t *draw_row;            /* ... from which row of picked, in rising order */
	size_t n_draws, tile, tile_end;      /* draws of the tile end there */
	_Atomic size_t drawn;        /* handed out */
	char *scratch;               /* [threads] */
	size_t scratch_size;
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
	e->hidden = xaligned(rows * d * sizeof(act));
	e->picked = xaligned(batch * d * sizeof(act));
	e->logits = xaligned((batch < TILE ? batch : TILE) * e->c->vocab * sizeof(float));
	e->draws = xcalloc(batch, sizeof *e->draws);
	e->draw_row = xcalloc(batch, sizeof *e->draw_row);
	e->scratch_size = (sample_scratch(e->c->vocab) + 63) / 64 * 64;
	e->scratch = xaligned(e->scratch_size * (size_t)kern_threads());
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
	free(e->hidden);
	free(e->picked);
	free(e->logits);
	free(e->draws);
	free(e->draw_row);
	free(e->scratch);
	free(e);
}

size_t engine_room(const struct engine *e)
{
	return e->batch - e->held;
}

size_t engine_active(const struct engine *e)
{
	return e->held;
}

void engine_add(struct engine *e, struct gen *g)
{
	e->active[e->n++] = g;
	e->held++;
	for (struct gen *t = g->twins; t; t = t->twins)
		e->held++;
	model_reserve(e->m, e->batch + g->n_feed < MAX_ROWS ? e->batch + g->n_feed : MAX_ROWS, g->kv->cap);
}

/* Rows of this forward: one for each decoding sequence, then feeds while there is room. */
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
				e->rows[n + j] = (struct row){feeding ? g->feed[g->fed + j] : g->tokens[g->n - 1],
				                              pos + j, g->kv};
			n += count;
			if (feeding)
				g->fed += count;
			if (g->fed == g->n_feed)
				e->wants[(*n_wants)++] = (struct want){g, n - 1};
		}
	return n;
}

static void draw(void *ctx, size_t thread)
{
	struct engine *e = ctx;
	size_t v = e->c->vocab, i;

	while ((i = atomic_fetch_add(&e->drawn, 1)) < e->tile_end) {
		struct gen *g = e->draws[i];
		int banned = g->n < g->min_new, id;

		id = sample_token(e->logits + (e->draw_row[i] - e->tile) * v, v, &g->sampling, rng_uniform(&g->rng, g->n),
		                  e->ends, banned ? e->n_ends : 0, &g->logprobs[g->n], &g->sample_logprobs[g->n],
		                  e->scratch + thread * e->scratch_size);
		g->tokens[g->n++] = id;
		for (size_t k = 0; k < e->n_ends; k++)
			g->ended |= id == e->ends[k];
		g->done = g->ended || g->n == g->max_new;
	}
}

struct gen *engine_step(struct engine *e)
{
	size_t n_wants, n = plan(e, &n_wants), d = e->c->width, kept = 0;
	struct gen *finished = NULL, **tail = &finished;

	if (!n)
		return NULL;
	e->n_draws = 0;
	model_forward(e->m, e->rows, n, e->hidden, NULL);
	for (size_t i = 0; i < n_wants; i++) {
		struct gen *g = e->wants[i].g, *t = g->twins, *next;

		memcpy(e->picked + i * d, e->hidden + e->wants[i].row * d, d * sizeof(act));
		e->draws[e->n_draws] = g;
		e->draw_row[e->n_draws++] = i;
		for (g->twins = NULL; t; t = next) {     /* the shared prompt is read: each goes its own way */
			next = t->twins;
			t->twins = NULL;
			kv_copy(t->kv, g->kv, g->kv->len, e->c);
			t->fed = t->n_feed = 0;
			e->active[e->n++] = t;
			e->draws[e->n_draws] = t;
			e->draw_row[e->n_draws++] = i;
		}
	}
	for (size_t draws = 0; draws < e->n_draws; draws = e->tile_end) {
		size_t rows;

		e->tile = e->draw_row[draws];
		rows = n_wants - e->tile < TILE ? n_wants - e->tile : TILE;
		for (e->tile_end = draws; e->tile_end < e->n_draws && e->draw_row[e->tile_end] < e->tile + rows; )
			e->tile_end++;
		model_logits(e->m, e->picked + e->tile * d, rows, e->logits);
		e->drawn = draws;
		kern_run(draw, e);
	}
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
	return finished;
}
