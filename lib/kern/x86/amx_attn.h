/* SPDX-License-Identifier: MIT */
/*
 * Attention in tiles (amx_mul.h), forward. A unit is one query vector: one (row, head) of the group
 * that shares a key/value head. Units are rows of A; keys and values are W.
 *
 * Keys come in blocks at absolute multiples of KEYS. A unit carries from block to block the largest
 * score so far, the sum of weights and the weighted sum of values, both scaled down when a block
 * raises the maximum. A block's sums start from 0, whole steps of 32 inputs or keys, those that do
 * not exist being zeros; weights are rounded to bf16 for the sum over values, not for their own. A
 * block of which a unit sees nothing leaves it alone; so its bits depend on its own keys only, as
 * long as values are finite.
 */
#include <float.h>

enum {
	UNITS = 128,                 /* held at once; a block of keys is converted once for them */
	KEYS = KERN_SHARED           /* of a block */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t round_to(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static size_t first_key(size_t pos, size_t window)
{
	return window && pos + 1 > window ? pos + 1 - window : 0;
}

/* ---- W's tiles from keys and values ---- */

/* KEYS outputs' tiles of one step, from rows by output: w[output * ldw + input], of which
 * `outputs` and n inputs exist. */
static void fill_outputs(act *to, const act *w, size_t ldw, size_t outputs, size_t n)
{
	_Alignas(64) act part[EDGE][STEP];

	for (size_t o = 0; o < KEYS; o += EDGE, to += TILE) {
		const act *row[EDGE];
		vf x[W];

		for (size_t i = 0; i < EDGE; i++) {
			int some = o + i < outputs;

			row[i] = some ? w + (o + i) * ldw : w;
			if (some && n >= STEP)
				continue;
			copy32(part[i], row[i], some ? n : 0);
			row[i] = part[i];
		}
		v_load_transposed(x, row, 0);
#pragma GCC unroll 16
		for (size_t c = 0; c < W; c++)
			v_store((float *)(to + c * STEP), x[c]);
	}
}

/* Tiles whose inputs are those of the keys and whose outputs are the n <= KEYS keys: a step has
 * KEYS / EDGE tiles. */
static void fill_transposed(act *to, const act *k, size_t ld, size_t n, size_t s)
{
	for (size_t i = 0; i < s; i += STEP, to += KEYS * STEP)
		fill_outputs(to, k + i, ld, n, s - i);
}

/* Tiles whose inputs are n <= KEYS rows and whose outputs are their s values, filled up to wide: a
 * step has wide / EDGE tiles. */
static void fill_paired(act *to, const act *v, size_t ld, size_t n, size_t s, size_t wide)
{
	for (size_t k = 0; k < KEYS; k += STEP)
		for (size_t d = 0; d < wide; d += SQUARE, to += 2 * TILE)
			fill_pairs(to, TILE, v + (k < n ? k * ld : 0) + (d < s ? d : 0), ld,
			           d < s ? s - d : 0, k < n ? n - k : 0);
}

/* out[rows][cols] = A W. out has rows in whole tiles, cols in sixty-fours. x: the first tiles; on
 * return others. */
static void multiply_all(struct job *x, float *out, size_t ldo, size_t rows, size_t cols)
{
	const char *a = x->a, *w = x->w;

	for (size_t r = 0; r < rows; r += SQUARE) {
		int one = rows - r <= EDGE;

		x->a = a + r / EDGE * x->a_next;
		for (size_t c = 0; c < cols; c += one ? 2 * SQUARE : SQUARE) {
			x->w = w + c / EDGE * x->w_tile;
			(one ? strip : square)(x, out + r * ldo + c, ldo);
		}
	}
}

/* A's rows as they are, whole steps of inputs; W's tiles, `tiles` a step. */
static struct job job_of(const act *a, size_t lda, const act *w, size_t tiles, size_t steps)
{
	return (struct job){
		.a = (const char *)a,
		.w = (const char *)w,
		.a_row = lda * sizeof *a,
		.a_next = EDGE * lda * sizeof *a,
		.a_step = STEP * sizeof *a,
		.w_row = STEP * sizeof *w,
		.w_tile = TILE * sizeof *w,
		.w_step = tiles * TILE * sizeof *w,
		.steps = steps,
	};
}

/* ---- units ---- */

/* Up to UNITS units. */
struct units {
	const struct attn_job *j;
	size_t n, s, sp, wide;               /* head size, in whole steps, in whole panels */
	const struct attn_seq *seq[UNITS];
	act *out[UNITS];
	float *lse[UNITS];
	size_t pos[UNITS], first[UNITS];     /* keys that each sees: [first, pos] */
	float *o, *part;                     /* [UNITS][sp]; a block's share of it, [32][wide] */
	act *q, *keys, *values;              /* [UNITS + 32][sp]; tiles of a block */
	float max[UNITS], factor[UNITS];
	_Alignas(64) float sum[UNITS][W];
	_Alignas(64) float score[SQUARE][KEYS];
	_Alignas(64) act weight[SQUARE][KEYS];
};

static void units_over(struct units *t, const struct attn_job *j, float *scratch)
{
	t->j = j;
	t->s = j->s;
	t->sp = round_to(j->s, STEP);
	t->wide = round_to(j->s, KERN_PANEL);
	t->o = scratch;
	t->part = t->o + UNITS * t->sp;
	t->q = (act *)(t->part + SQUARE * t->wide);
	t->keys = t->q + (UNITS + SQUARE) * t->sp;
	t->values = t->keys + KEYS * t->sp;
}

/* Unit u is a head of a row of sequence x. */
static void unit_set(struct units *t, size_t u, const struct attn_seq *x, size_t row, size_t head)
{
	const struct attn_job *j = t->j;
	const act *q = x->q + row * j->ldq + head * j->s;

	t->seq[u] = x;
	t->out[u] = x->out + row * j->ldo + head * j->s;
	t->lse[u] = x->lse ? x->lse + row * j->ldl + head : NULL;
	t->pos[u] = x->pos0 + row;
	t->first[u] = first_key(t->pos[u], j->window);
	t->max[u] = -FLT_MAX;        /* not -inf: differences stay numbers */
	v_store(t->sum[u], v_zero());
	memset(t->o + u * t->sp, 0, t->sp * sizeof *t->o);
	for (size_t i = 0; i < t->s; i += STEP)
		copy32(t->q + u * t->sp + i, q + i, t->s - i);
}

/* The next unit to take. */
struct cursor {
	size_t seq, row, head;
};

static size_t units_take(struct units *t, struct cursor *c)
{
	const struct attn_job *j = t->j;

	for (t->n = 0; t->n < UNITS && c->seq < j->n; t->n++) {
		unit_set(t, t->n, &j->seqs[c->seq], c->row, c->head);
		if (++c->head < j->grp)
			continue;
		c->head = 0;
		if (++c->row == j->seqs[c->seq].rows)
			c->row = 0, c->seq++;
	}
	return t->n;
}

/* Scores of keys j + lo <= key < j + hi become weights exp(score - max) in bf16, others 0. */
static void unit_weights(struct units *t, size_t u, long lo, long hi, const float *score,
                         act *weight)
{
	float old = t->max[u], top;
	vf x[KEYS / W], max = v_set1(-HUGE_VALF), sum;

#pragma GCC unroll 4
	for (int i = 0; i < KEYS / W; i++) {
		x[i] = v_mul(v_load(score + i * W), v_set1(t->j->scale));
		if (lo > 0 || hi < KEYS)
			x[i] = v_pick(v_between(lo - i * W, hi - i * W), x[i], v_set1(-HUGE_VALF));
		max = v_max(x[i], max);
	}
	top = v_hmax(max);
	t->max[u] = top = top > old ? top : old;
	t->factor[u] = old <= -FLT_MAX ? 1 : kern_expf(old - top);
	sum = v_mul(v_load(t->sum[u]), v_set1(t->factor[u]));
#pragma GCC unroll 4
	for (int i = 0; i < KEYS / W; i++) {
		vf e = v_exp_down(v_sub(x[i], v_set1(top)));

		sum = v_add(sum, e);
		v_store_act(weight + i * W, e);
	}
	v_store(t->sum[u], sum);
}

/* Units [i, i + n), at most 32, take the block of keys [j, j + keys). */
static void units_block(struct units *t, size_t i, size_t n, size_t j, size_t keys)
{
	struct job qk = job_of(t->q + i * t->sp, t->sp, t->keys, KEYS / EDGE, t->sp / STEP);
	struct job pv = job_of(t->weight[0], KEYS, t->values, t->wide / EDGE, KEYS / STEP);
	int seen[SQUARE];

	multiply_all(&qk, t->score[0], KEYS, n, KEYS);
	for (size_t r = 0; r < n; r++) {
		size_t u = i + r;
		long lo = (long)t->first[u] - (long)j, hi = (long)least(t->pos[u] + 1, j + keys) - (long)j;

		seen[r] = hi > 0 && lo < hi;
		if (seen[r])
			unit_weights(t, u, lo, hi, t->score[r], t->weight[r]);
	}
	multiply_all(&pv, t->part, t->wide, n, t->sp);
	for (size_t r = 0; r < n; r++) {
		float *o = t->o + (i + r) * t->sp, *part = t->part + r * t->wide;
		vf factor = v_set1(t->factor[i + r]);

		for (size_t d = 0; seen[r] && d < t->sp; d += W)
			v_store(o + d, v_fma(v_load(o + d), factor, v_load(part + d)));
	}
}

/* Is any of keys [j, end) seen by a unit in [i, i + n)? */
static int any_sees(const struct units *t, size_t i, size_t n, size_t j, size_t end)
{
	for (size_t u = i; u < i + n; u++)
		if (t->first[u] < end && t->pos[u] >= j)
			return 1;
	return 0;
}

/* Takes units [i, i + n) through keys [from, end): from a multiple of KEYS, k and v of key from. */
static void units_through(struct units *t, size_t i, size_t n, const act *k, const act *v,
                          size_t from, size_t end)
{
	size_t ldkv = t->j->ldkv;

	for (size_t j = from; j < end; j += KEYS, k += KEYS * ldkv, v += KEYS * ldkv) {
		size_t keys = least(KEYS, end - j);

		if (!any_sees(t, i, n, j, j + keys))
			continue;
		fill_transposed(t->keys, k, ldkv, keys, t->s);
		fill_paired(t->values, v, ldkv, keys, t->s, t->wide);
		for (size_t u = i; u < i + n; u += SQUARE) {
			size_t some = least(SQUARE, i + n - u);

			if (any_sees(t, u, some, j, j + keys))
				units_block(t, u, some, j, keys);
		}
	}
}

static void unit_done(const struct units *t, size_t u)
{
	float total = v_hsum(v_load(t->sum[u]));

	for (size_t d = 0; d < t->s; d += W)
		put_act(t->out[u] + d, v_div(v_load(t->o + u * t->sp + d), v_set1(total)), t->s - d);
	if (t->lse[u])
		*t->lse[u] = (float)(t->max[u] + log(total));
}

static void attn(const struct attn_job *j, float *scratch)
{
	struct cursor c = {0};
	struct units t;

	units_over(&t, j, scratch);
	tiles_begin();
	while (units_take(&t, &c)) {
		units_through(&t, 0, t.n, j->k, j->v, 0, j->shared);
		for (size_t i = 0, n; i < t.n; i += n) {
			const struct attn_seq *x = t.seq[i];

			for (n = 1; i + n < t.n && t.seq[i + n] == x; )
				n++;
			units_through(&t, i, n, x->k, x->v, j->shared, t.pos[i + n - 1] + 1);
		}
		for (size_t u = 0; u < t.n; u++)
			unit_done(&t, u);
	}
	tiles_end();
}
