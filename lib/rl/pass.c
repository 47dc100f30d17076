/* SPDX-License-Identifier: MIT */
/*
 * One forward (and backward) over many sequences: packed without padding into micro-batches; the
 * head only on rows that predict a response token, a tile of them at a time. Row r of a sequence
 * predicts its token r + 1.
 *
 * Rows that a sequence has in common with an earlier one of its micro-batch (a group's prompt) are
 * not computed again: it has no rows of its own there, and its cache begins as that one's does.
 */
#include "rl/rl.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* rows of logits at a time, and the bytes that they may take */
	TILE = 96, TILE_BYTES = 64 << 20,
	/* rows whose dlogits wait for each other: one pass over the head's gradient */
	BLOCK = 5 * TILE, BLOCK_BYTES = 256 << 20,
	MICRO = 2048,                /* rows of a forward, if nobody says: more make nothing faster */
	MEASURE = 256                /* rows whose memory is taken for what so many cost */
};
/* 1,200 rows of SmolLM2; from 1,000 on GEMMs are at full speed */
static const uint64_t MEMORY = (uint64_t)512 << 20;

/* A token that counts. */
struct head {
	size_t row;                  /* of the micro-batch: the one that predicts it */
	struct rl_part *part;
	size_t at;                   /* in the part */
	int token;
	float inv_t;                 /* 1 / temperature */
};

/* A sequence of the micro-batch: its first `common` rows are base's; its own begin at row
 * `start`. */
struct place {
	size_t base, common, start;
};

struct rl_pass {
	struct model *m, *ref;
	rl_adapters_fn turn;         /* NULL, or makes m the reference and back */
	void *turn_ctx;
	/* act [heads of all sequences][D] of the reference, where it is m; the first of the
	 * micro-batch's */
	struct mem kept;
	size_t kept_at;
	size_t micro, width, vocab;
	/* rows that memory has room for, as the acts are kept; at least 1 */
	size_t saved, recomputed;
	int recompute;               /* in this micro-batch */
	struct place *place;
	size_t places_cap;
	struct row *rows, *ref_rows;
	struct head *heads;
	size_t n_rows, rows_cap, n_heads, heads_cap;
	struct kv *kv, *ref_kv;      /* [n_kv], views of memory that all have a part of */
	size_t n_kv;
	struct mem kv_mem, ref_kv_mem;
	struct mem hidden, ref_hidden;       /* act [R][D] */
	struct mem dhidden;          /* [R][D] */
	struct acts *acts;
	struct mem row, token;       /* int32 [n_heads]: of all heads of the micro-batch */
	int32_t *lists;              /* the same before they go to the device: [2][lists_cap] */
	float *inv_ts;               /* [lists_cap] */
	size_t lists_cap;
	struct mem inv_t;            /* fp32 [n_heads] */
	int tempered;                /* not all of them are 1 */
	/* One tile: hidden rows gathered, logits, what they say, coefficients in the loss. */
	size_t ld, tile;             /* row stride of x and y; rows */
	struct mem ref_picked;       /* act [tile][D] */
	struct mem x, y;             /* [tile][V] ld */
	struct mem scored, coef;     /* struct scored [tile], [tile][2] */
	/* One block: hidden rows gathered, gradients. */
	size_t ldx, most, block;     /* row stride of dx; rows that may wait; that do at most */
	struct mem picked, dx;       /* act [block][D], [block][V] */
	struct mem dh;               /* [block][D] */
};

/* ---- a trajectory as a sequence ------------------------------------------------ */

static int ids_check(const int *ids, size_t n, uint32_t vocab, size_t k, const char *field,
                     struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] < 0 || (uint32_t)ids[i] >= vocab)
			return err_set(e, ".turns[%zu].%s[%zu]: %d is not a token of this model (%u)", k, field,
			               i,
			               ids[i], vocab);
	return 0;
}

int rl_check(const struct traj *t, const struct model_config *c, struct err *e)
{
	size_t total = 0;

	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];

		if (ids_check(u->context, u->n_context, c->vocab, k, "context", e) ||
		    ids_check(u->tokens, u->n_tokens, c->vocab, k, "tokens", e))
			return -1;
		if (!total && !u->n_context && u->n_tokens)
			return err_set(e, ".turns[%zu].context: empty: nothing predicts the first token", k);
		total += u->n_context + u->n_tokens;
	}
	if (total > c->context)
		return err_set(e, ".turns: %zu tokens, but the model's context is %u", total, c->context);
	return 0;
}

void rl_seq_init(struct rl_seq *s, const struct traj *t, const int *use)
{
	size_t n = 0;

	for (size_t k = 0; k < t->n_turns; k++)
		n += t->turns[k].n_context + t->turns[k].n_tokens;
	*s = (struct rl_seq){
		.t = t,
		.ids = xreallocarray(NULL, n + 1, sizeof *s->ids),
		.parts = xcalloc(t->n_turns + 1, sizeof *s->parts),
		.n_parts = t->n_turns,
	};
	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];
		struct rl_part *p = &s->parts[k];

		if (u->n_context)
			memcpy(s->ids + s->n_ids, u->context, u->n_context * sizeof *s->ids);
		s->n_ids += u->n_context;
		if (u->n_tokens)
			memcpy(s->ids + s->n_ids, u->tokens, u->n_tokens * sizeof *s->ids);
		p->first = s->n_ids;
		p->n = u->n_tokens;
		p->temperature = 1;
		s->n_ids += u->n_tokens;
		p->use = (!use || use[k]) && p->n;
		if (p->use) {
			p->logp = xcalloc(p->n, sizeof *p->logp);
			p->ref_logp = xcalloc(p->n, sizeof *p->ref_logp);
			s->n_rows = p->first + p->n - 1;
		}
	}
}

void rl_seq_release(struct rl_seq *s)
{
	for (size_t k = 0; k < s->n_parts; k++) {
		free(s->parts[k].logp);
		free(s->parts[k].ref_logp);
	}
	free(s->parts);
	free(s->ids);
	*s = (struct rl_seq){0};
}

/* ---- the pass's memory ------------------------------------------------------------ */

/* Bytes of a position's keys and values. */
static size_t kv_each(const struct model_config *c, int recompute)
{
	return kv_bytes(c, MEASURE) / (recompute ? c->layers : 1) / MEASURE;
}

static size_t row_each(const struct model_config *c, int recompute)
{
	return acts_bytes(c, MEASURE, recompute) / MEASURE + kv_each(c, recompute);
}

/* Rows that `bytes` have room for. */
static size_t rows_in(const struct model_config *c, uint64_t bytes, int recompute)
{
	size_t rows = (size_t)(bytes / row_each(c, recompute));

	return rows ? rows : 1;
}

/* What a position takes that a sequence shares with another one, in rows: its keys and values
 * and their gradients are there once more. */
static double shared_cost(const struct model_config *c, int recompute)
{
	double grads = 2.0 * c->kv_heads * c->head_size * sizeof(float);

	return ((double)kv_each(c, recompute) + grads) / (double)row_each(c, recompute);
}

/* At most `most` rows, fewer if that is more than `bytes`, so that a large vocabulary does not take
 * more memory than a small one. */
static size_t bounded(size_t most, size_t bytes, size_t row)
{
	size_t fit = bytes / row;

	return fit > most ? most : fit ? fit : 1;
}

struct rl_pass *rl_pass_new(struct model *policy, struct model *ref, size_t micro, uint64_t memory)
{
	const struct model_config *c = model_config(policy);
	struct rl_pass *p = xcalloc(1, sizeof *p);

	p->m = policy;
	p->ref = ref;
	p->micro = micro ? micro : MICRO;
	p->saved = rows_in(c, memory ? memory : MEMORY, 0);
	p->recomputed = rows_in(c, memory ? memory : MEMORY, 1);
	p->width = c->width;
	p->vocab = c->vocab;
	p->acts = acts_new();
	p->ld = mem_stride(p->vocab, sizeof(float));
	p->ldx = mem_stride(p->vocab, sizeof(act));
	p->tile = bounded(TILE, TILE_BYTES, p->ld * sizeof(float));
	p->most = bounded(BLOCK, BLOCK_BYTES, p->ldx * sizeof(act));
	p->ref_picked = mem_new(p->tile * p->width * sizeof(act));
	p->x = mem_new(p->tile * p->ld * sizeof(float));
	p->scored = mem_new(p->tile * sizeof(struct scored));
	p->coef = mem_new(2 * p->tile * sizeof(float));
	return p;
}

void rl_pass_free(struct rl_pass *p)
{
	if (!p)
		return;
	acts_free(p->acts);
	free(p->place);
	free(p->kv);
	free(p->ref_kv);
	free(p->rows);
	free(p->ref_rows);
	free(p->heads);
	free(p->lists);
	free(p->inv_ts);
	mem_free(&p->kv_mem);
	mem_free(&p->ref_kv_mem);
	mem_free(&p->hidden);
	mem_free(&p->ref_hidden);
	mem_free(&p->kept);
	mem_free(&p->dhidden);
	mem_free(&p->row);
	mem_free(&p->token);
	mem_free(&p->inv_t);
	mem_free(&p->ref_picked);
	mem_free(&p->x);
	mem_free(&p->y);
	mem_free(&p->scored);
	mem_free(&p->coef);
	mem_free(&p->picked);
	mem_free(&p->dx);
	mem_free(&p->dh);
	free(p);
}

void rl_pass_adapters(struct rl_pass *p, rl_adapters_fn turn, void *ctx)
{
	p->turn = turn;
	p->turn_ctx = ctx;
}

const struct model_config *rl_pass_config(const struct rl_pass *p)
{
	return model_config(p->m);
}

/* ---- which sequences go together ------------------------------------------------ */

static size_t common_rows(const struct rl_seq *a, const struct rl_seq *b)
{
	size_t n = 0, most = a->n_rows < b->n_rows ? a->n_rows : b->n_rows;

	while (n < most && a->ids[n] == b->ids[n])
		n++;
	return n;
}

/*
 * The first of s[0 .. n) that make one micro-batch of at most `limit` rows, where a shared position
 * counts as `shared` of one; fills p->place. Where it is full, it is cut where the least is in
 * common with what comes after, if that leaves it half full. A first sequence that is too long by
 * itself may have others with it that add half the limit at most: else each of a group with a long
 * prompt would compute that prompt again.
 */
static size_t gather_sequences(struct rl_pass *p, const struct rl_seq *s, size_t n, size_t limit,
                               double shared)
{
	size_t rows = 0, i, cut, most = 0;
	double full = 0, room = (double)(s[0].n_rows > limit ? s[0].n_rows + limit / 2 : limit);

	for (i = 0; i < n; i++) {
		struct place at = {.start = rows};

		for (size_t j = 0; j < i; j++) {
			size_t common = common_rows(&s[j], &s[i]);

			if (common > at.common) {
				at.common = common;
				at.base = j;
			}
		}
		if (i == p->places_cap) {
			p->places_cap = p->places_cap ? 2 * p->places_cap : 16;
			p->place = xreallocarray(p->place, p->places_cap, sizeof *p->place);
		}
		p->place[i] = at;
		full += (double)(s[i].n_rows - at.common) + shared * (double)at.common;
		if (i && full > room)
			break;
		rows += s[i].n_rows - at.common;
	}
	if (i == n)
		return n;
	cut = i;
	most = p->place[i].common;
	for (size_t j = i; j-- > 1 && p->place[j].start >= rows / 2;)
		if (p->place[j].common < most) {
			most = p->place[j].common;
			cut = j;
		}
	return cut;
}

/* The row of the micro-batch that is sequence i's at this position. */
static size_t row_at(const struct rl_pass *p, size_t i, size_t pos)
{
	while (pos < p->place[i].common)
		i = p->place[i].base;
	return p->place[i].start + pos - p->place[i].common;
}

/* Caches for n sequences, before any row points at one. */
static void caches(struct rl_pass *p, const struct rl_seq *s, size_t n, int ref_on, int brief)
{
	const struct model_config *c = model_config(p->m);
	size_t one = kv_bytes(c, 1) / c->layers, each = brief ? one : one * c->layers, rows = 0;

	if (n > p->n_kv) {
		p->kv = xreallocarray(p->kv, n, sizeof *p->kv);
		p->ref_kv = xreallocarray(p->ref_kv, n, sizeof *p->ref_kv);
		p->n_kv = n;
	}
	for (size_t i = 0; i < n; i++)
		rows += s[i].n_rows;
	mem_fit(&p->kv_mem, rows * each);
	if (ref_on)
		mem_fit(&p->ref_kv_mem, rows * one);
	rows = 0;
	for (size_t i = 0; i < n; i++) {
		struct place at = p->place[i];
		struct kv *kv = &p->kv[i], *ref = &p->ref_kv[i];

		*kv = (struct kv){.len = at.common, .brief = brief,
			.base = at.common ? &p->kv[at.base] : NULL};
		kv->cache = (struct cache){
			.mem = mem_at(p->kv_mem, rows, each), .cap = s[i].n_rows,
		};
		*ref = *kv;
		ref->brief = 1;
		ref->base = at.common ? &p->ref_kv[at.base] : NULL;
		ref->cache.mem = ref_on ? mem_at(p->ref_kv_mem, rows, one) : (struct mem){0};
		rows += s[i].n_rows;
	}
}

/* The heads' rows and tokens, to the device. */
static void lists(struct rl_pass *p)
{
	size_t n = p->n_heads;

	if (n > p->lists_cap) {
		p->lists = xreallocarray(p->lists, n, 2 * sizeof *p->lists);
		p->inv_ts = xreallocarray(p->inv_ts, n, sizeof *p->inv_ts);
		p->lists_cap = n;
	}
	p->tempered = 0;
	for (size_t i = 0; i < n; i++) {
		p->lists[i] = (int32_t)p->heads[i].row;
		p->lists[n + i] = p->heads[i].token;
		p->inv_ts[i] = p->heads[i].inv_t;
		p->tempered |= p->inv_ts[i] != 1;
	}
	mem_fit(&p->row, n * sizeof *p->lists);
	mem_fit(&p->token, n * sizeof *p->lists);
	dev->upload(p->row, p->lists, n * sizeof *p->lists);
	dev->upload(p->token, p->lists + n, n * sizeof *p->lists);
	if (!p->tempered)
		return;
	mem_fit(&p->inv_t, n * sizeof *p->inv_ts);
	dev->upload(p->inv_t, p->inv_ts, n * sizeof *p->inv_ts);
}

/* Rows and heads of s[0 .. n). */
static void lay_out(struct rl_pass *p, struct rl_seq *s, size_t n, int ref_on, int brief)
{
	p->n_rows = p->n_heads = 0;
	caches(p, s, n, ref_on, brief);
	for (size_t i = 0; i < n; i++) {
		for (size_t r = p->place[i].common; r < s[i].n_rows; r++)
			VEC_PUSH(p->rows, p->n_rows, p->rows_cap) = (struct row){s[i].ids[r], r, &p->kv[i]};
		for (size_t k = 0; k < s[i].n_parts; k++) {
			struct rl_part *part = &s[i].parts[k];

			for (size_t j = 0; part->use && j < part->n; j++)
				VEC_PUSH(p->heads, p->n_heads, p->heads_cap) = (struct head){
					.row = row_at(p, i, part->first + j - 1),
					.part = part,
					.at = j,
					.token = s[i].ids[part->first + j],
					.inv_t = (float)(1 / part->temperature),
				};
		}
	}
}

static void buffers(struct rl_pass *p, int ref_on, int backward)
{
	size_t need = p->n_rows * p->width;

	mem_fit(&p->hidden, need * sizeof(act));
	if (ref_on)
		mem_fit(&p->y, p->tile * p->ld * sizeof(float));
	if (ref_on && !p->turn) {
		mem_fit(&p->ref_hidden, need * sizeof(act));
		p->ref_rows = xreallocarray(p->ref_rows, p->n_rows, sizeof *p->ref_rows);
	}
	p->block = !backward ? p->tile : p->n_heads < p->most ? p->n_heads : p->most;
	mem_fit(&p->picked, p->block * p->width * sizeof(act));
	lists(p);
	if (!backward)
		return;
	mem_fit(&p->dh, p->block * p->width * sizeof(float));
	mem_fit(&p->dx, p->block * p->ldx * sizeof(act));
	mem_fit(&p->dhidden, need * sizeof(float));
	dev->zero(p->dhidden, need * sizeof(float));
}

/* ---- one tile ------------------------------------------------------------------------ */

/* What a head's logits say of its token; c: its coefficients in the loss, of log pi and of exact
 * KL, by the logits over the temperature. */
static void head(struct head *h, const struct scored *s, const struct rl_want *want, float *c)
{
	const struct rl_kl_kind *kind = &rl_kls[want->kl];
	double d = (double)s->logp - s->ref_logp, c_kl = h->part->c_kl, c_logp;

	h->part->logp[h->at] = s->logp;
	h->part->ref_logp[h->at] = s->ref_logp;
	c_logp = h->part->c_logp *
	         rl_token_weight(want->importance, want->clip_ratio, h->part, h->at);
	if (want->ref && kind->slope)
		c_logp += c_kl * kind->slope(d);
	h->part->kl += want->ref && kind->value ? (float)kind->value(d) : s->kl;
	h->part->entropy += s->entropy;
	c[0] = (float)(c_logp * h->inv_t);
	c[1] = (float)(c_kl * h->inv_t);
}

/* n heads from `first` on, whose hidden rows are picked; dx: where their logits' gradients go, or
 * none. */
static void tile(struct rl_pass *p, size_t first, size_t n, struct mem picked, struct mem dx,
                 const struct rl_want *want)
{
	struct mem row = mem_at(p->row, first, sizeof(int32_t)),
		token = mem_at(p->token, first, sizeof(int32_t)),
		inv_t = p->tempered ? mem_f32(p->inv_t, first) : (struct mem){0};
	struct mem y = want->ref ? p->y : (struct mem){0};
	int exact = want->ref && rl_kls[want->kl].vocabulary;
	struct scored s[TILE];
	float c[2 * TILE];

	model_logits(p->m, picked, n, p->x, p->ld);
	if (want->ref && p->turn)
		dev->copy(p->ref_picked, mem_act(p->kept, (p->kept_at + first) * p->width),
		          n * p->width * sizeof(act));
	else if (want->ref)
		dev->gather(p->ref_picked, p->ref_hidden, row, n, p->width);
	if (want->ref)
		model_logits(p->turn ? p->m : p->ref, p->ref_picked, n, y, p->ld);
	dev->score(p->scored, p->x, y, p->ld, token, inv_t, n, p->vocab,
	           exact ? SCORE_KL : want->entropy ? SCORE_ENTROPY : SCORE_TOKENS);
	dev->download(s, p->scored, n * sizeof *s);
	for (size_t i = 0; i < n; i++)
		head(&p->heads[first + i], &s[i], want, c + 2 * i);
	if (!mem_there(dx))
		return;
	dev->upload(p->coef, c, 2 * n * sizeof *c);
	dev->dlogits(dx, p->ldx, p->x, exact ? y : (struct mem){0}, p->ld, p->scored, p->coef,
	             token, n, p->vocab);
}

/* At most p->block heads: tile by tile, then back through the head all at once. */
static void block(struct rl_pass *p, size_t first, size_t n, const struct rl_want *want,
                  struct grads *g)
{
	struct mem row = mem_at(p->row, first, sizeof(int32_t));

	dev->gather(p->picked, p->hidden, row, n, p->width);
	for (size_t i = 0; i < n; i += p->tile)
		tile(p, first + i, n - i < p->tile ? n - i : p->tile, mem_act(p->picked, i * p->width),
		     g ? mem_act(p->dx, i * p->ldx) : (struct mem){0}, want);
	if (!g)
		return;
	model_logits_bwd(p->m, p->dx, p->ldx, p->picked, n, p->dh, g);
	dev->scatter(p->dhidden, p->dh, row, n, p->width);
}

/* ---- the pass ---------------------------------------------------------------------------- */

static double clock_add(double *sum, double since)
{
	double now = now_seconds();

	*sum += now - since;
	return now;
}

static void micro_batch(struct rl_pass *p, const struct rl_want *want, struct grads *g,
                        struct rl_times *times)
{
	double t = now_seconds();
	uint64_t rss;

	buffers(p, want->ref, g != NULL);
	acts_recompute(p->acts, p->recompute);
	model_forward(p->m, p->rows, p->n_rows, p->hidden, g ? p->acts : NULL);
	t = clock_add(&times->forward, t);
	if (want->ref && !p->turn) {
		for (size_t i = 0; i < p->n_rows; i++) {
			p->ref_rows[i] = p->rows[i];
			p->ref_rows[i].kv = p->ref_kv + (p->rows[i].kv - p->kv);
		}
		model_forward(p->ref, p->ref_rows, p->n_rows, p->ref_hidden, NULL);
		t = clock_add(&times->reference, t);
	}
	for (size_t i = 0; i < p->n_heads; i += p->block)
		block(p, i, p->n_heads - i < p->block ? p->n_heads - i : p->block, want, g);
	t = clock_add(&times->head, t);
	if (g) {
		model_backward(p->m, p->rows, p->n_rows, p->acts, p->dhidden, g);
		clock_add(&times->backward, t);
	}
	rss = rss_anon();
	times->rss = rss > times->rss ? rss : times->rss;
}

static size_t count_heads(const struct rl_seq *s, size_t n)
{
	size_t heads = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s[i].n_parts; k++)
			heads += s[i].parts[k].use ? s[i].parts[k].n : 0;
	return heads;
}

int rl_pass_reference(struct rl_pass *p, struct rl_seq *s, size_t n, struct rl_times *times,
                      struct err *e)
{
	double began = now_seconds();
	size_t heads = 0;

	if (!p->turn)
		return 0;
	if (p->turn(p->turn_ctx, 0, e))
		return -1;
	mem_fit(&p->kept, count_heads(s, n) * p->width * sizeof(act));
	p->recompute = 0;
	for (size_t i = 0, m; i < n; i += m) {
		m = gather_sequences(p, s + i, n - i, p->micro, shared_cost(model_config(p->m), 0));
		lay_out(p, s + i, m, 0, 1);
		if (!p->n_heads)
			continue;
		buffers(p, 0, 0);
		model_forward(p->m, p->rows, p->n_rows, p->hidden, NULL);
		dev->gather(mem_act(p->kept, heads * p->width), p->hidden, p->row, p->n_heads, p->width);
		heads += p->n_heads;
	}
	if (times)
		clock_add(&times->reference, began);
	return p->turn(p->turn_ctx, 1, e);
}

void rl_pass_run(struct rl_pass *p, struct rl_seq *s, size_t n, const struct rl_want *want,
                 struct grads *g, struct rl_times *times)
{
	struct rl_times none = {0};
	struct rl_want w = *want;

	w.ref = w.ref && (p->ref || p->turn);
	p->kept_at = 0;
	times = times ? times : &none;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n_parts; k++)
			s[i].parts[k].kl = s[i].parts[k].entropy = 0;
		if (times->bar)
			times->bar->total += (double)s[i].n_rows;
	}
	for (size_t i = 0, m; i < n; i += m) {
		size_t room = p->saved, done = 0;

		/* smaller micro-batches before any recomputing: only a sequence that does not fit by
		 * itself is */
		p->recompute = g && s[i].n_rows > p->saved;
		if (p->recompute)
			room = p->recomputed;
		m = gather_sequences(p, s + i, n - i, g && room < p->micro ? room : p->micro,
		                     shared_cost(model_config(p->m), p->recompute));
		lay_out(p, s + i, m, w.ref && !p->turn, !g || p->recompute);
		if (p->n_heads)
			micro_batch(p, &w, g, times);
		p->kept_at += p->n_heads;
		for (size_t j = i; j < i + m; j++)
			done += s[j].n_rows;
		if (times->bar)
			progress_add(times->bar, (double)done);
	}
}
