/* SPDX-License-Identifier: MIT */
/*
 * Attention, a template over the vectors of vec512.h or vec256.h. A unit is one query vector: one
 * (row, head) of the group that shares a key/value head. All products go through one function, mix,
 * which keeps ROWS x NV vectors of sums, like GEMM's tiles.
 *
 * Keys come in blocks at absolute multiples of KERN_KEYS. A unit carries from block to block the
 * largest score so far, the sum of weights and the weighted sum of values, both scaled down when a
 * block raises the maximum; so memory does not grow with the number of keys, and units of several
 * sequences go through the blocks that these share at once.
 *
 * With many units, lanes hold units: scores are [key][unit], and only the queries are transposed.
 * With few (the one row of a decoder), lanes hold keys. The order of sums is the same either way.
 * Scores: inputs in order. Weights: in each block, positions congruent to l modulo W in order; the
 * W sums in the end through v_hsum's tree. Output: positions in order. A block of which a unit sees
 * nothing changes nothing of it; keys that it does not see add nothing or an exact zero.
 */
#include <float.h>

enum {
	UNITS = 64,                  /* units held at once */
	FEW = 8                      /* up to this many units, lanes hold keys */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t round_up(size_t n)
{
	return (n + W - 1) / W * W;
}

/* out[i * ld + lane] = input i of row lane, for W rows. s even. */
static void transpose_rows(float *out, size_t ld, const act *const row[W], size_t s)
{
	size_t i = 0;

	for (; i + 2 * W <= s; i += 2 * W) {
		vf v[W];

		v_load_transposed(v, row, i);
#pragma GCC unroll 16
		for (int j = 0; j < W; j++) {
			v_store(out + (i + 2 * (size_t)j) * ld, v_low(v[j]));
			v_store(out + (i + 2 * (size_t)j + 1) * ld, v_high(v[j]));
		}
	}
	for (; i < s; i++)
		for (size_t j = 0; j < W; j++)
			out[i * ld + j] = act_f32(row[j][i]);
}

/* The same for n <= W rows of x; the last one fills in for missing rows. */
static void transpose_block(float *out, size_t ldo, const act *x, size_t ld, size_t n, size_t s)
{
	const act *row[W];

	for (size_t j = 0; j < W; j++) {
		row[j] = x + (j < n ? j : n - 1) * ld;
		for (size_t k = 0; k < s; k += 32)       /* prefetch the next block */
			_mm_prefetch((const char *)((uintptr_t)row[j] + (4 * W * ld + k) * sizeof *x),
			             _MM_HINT_T0);
	}
	transpose_rows(out, ldo, row, s);
}

/* A matrix of fp32 whose rows are whole vectors, or of bf16 if f is NULL. */
struct mat {
	const float *f;
	const act *b;
	size_t ld;
};

/* out[r][0..left) (+)= sum_k c[r * cr + k * ck] x[k][..] for n rows, k < depth in order; `left`
 * fills nv vectors, or is part of one. */
__attribute__((always_inline))
static inline void mix_n(float *out, size_t ldo, const float *c, size_t cr, size_t ck, struct mat x,
                         size_t depth, size_t left, int add_to, const int bf, const int n,
                         const int nv)
{
	const float *c_0 = c, *c_3 = c + 3 * cr;
	vf s[ROWS][4];

#pragma GCC unroll 6
	for (int r = 0; r < n; r++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			if (!add_to)
				s[r][v] = v_zero();
			else
				s[r][v] = nv > 1 ? v_load(out + (size_t)r * ldo + v * W)
				                 : get(out + (size_t)r * ldo, left, 0);
	for (size_t k = 0; k < depth; k++, c_0 += ck, c_3 += ck) {
		vf xk[4];

#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			if (bf)
				xk[v] = nv > 1 ? v_load_act(x.b + k * x.ld + v * W) : get_act(x.b + k * x.ld, left);
			else
				xk[v] = v_load(x.f + k * x.ld + v * W);
#pragma GCC unroll 6
		for (int r = 0; r < n; r++) {
			vf cr_k = v_set1((r < 3 ? c_0 : c_3)[(size_t)(r % 3) * cr]);

#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[r][v] = v_fma(cr_k, xk[v], s[r][v]);
		}
	}
#pragma GCC unroll 6
	for (int r = 0; r < n; r++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			if (nv > 1)
				v_store(out + (size_t)r * ldo + v * W, s[r][v]);
			else
				put(out + (size_t)r * ldo, s[r][v], left);
}

typedef void mix_fn(float *out, size_t ldo, const float *c, size_t cr, size_t ck, struct mat x,
                    size_t depth, size_t left, int add_to);

#define MIX(name, bf, n, nv) \
	static void name##_##n(float *out, size_t ldo, const float *c, size_t cr, size_t ck, \
	                       struct mat x, size_t depth, size_t left, int add_to) \
	{ \
		mix_n(out, ldo, c, cr, ck, x, depth, left, add_to, bf, n, nv); \
	}
#define MIXES(name, bf, nv) \
	MIX(name, bf, 1, nv) MIX(name, bf, 2, nv) MIX(name, bf, 3, nv) \
	MIX(name, bf, 4, nv) MIX(name, bf, 5, nv) MIX(name, bf, 6, nv)
MIXES(mix, 0, 1) MIXES(mix_wide, 0, NV) MIXES(mix_act, 1, 1) MIXES(mix_act_wide, 1, NV)
MIX(mix_widest, 0, 1, 4) MIX(mix_widest, 0, 2, 4) MIX(mix_widest, 0, 3, 4)
#define ALL(name) {NULL, name##_1, name##_2, name##_3, name##_4, name##_5, name##_6}
/* By vectors of x at once: 1, NV, or 4, for which few rows of fp32 leave registers. */
static mix_fn *const mixes[2][3][ROWS + 1] = {
	{ALL(mix), ALL(mix_wide), {NULL, mix_widest_1, mix_widest_2, mix_widest_3}},
	{ALL(mix_act), ALL(mix_act_wide)},
};

/* Rows of the next tile when `left` rows remain; avoids a single row after a full tile. */
static size_t tile_rows(size_t left)
{
	return left > ROWS && left < 2 * ROWS ? (left + 1) / 2 : least(left, ROWS);
}

/* out[n][cols] (+)= c[n][depth] x[depth][cols], c at strides cr, ck. */
static void mix(float *out, size_t ldo, const float *c, size_t cr, size_t ck, struct mat x,
                size_t n, size_t depth, size_t cols, int add_to)
{
	for (size_t r = 0, rows; r < n; r += rows) {
		rows = tile_rows(n - r);
		for (size_t i = 0, vectors; i < cols; i += vectors * W) {
			struct mat xi = {x.f ? x.f + i : NULL, x.f ? NULL : x.b + i, x.ld};
			int how = x.f && rows <= 3 && cols - i >= 4 * W ? 2 : cols - i >= NV * W;

			vectors = how == 2 ? 4 : how ? NV : 1;
			mixes[!x.f][how][rows](out + r * ldo + i, ldo, c + r * cr, cr, ck, xi, depth,
			                             cols - i, add_to);
		}
	}
}

/* out[j][sp] = fp32 of n rows of x. */
static void widen(float *out, size_t sp, const act *x, size_t ld, size_t n, size_t s)
{
	size_t whole = s / W * W;

	for (size_t j = 0; j < n; j++, x += ld, out += sp) {
		for (size_t i = 0; i < whole; i += W)
			v_store(out + i, v_load_act(x + i));
		if (whole < s)
			v_store(out + whole, v_load_act_n(x + whole, s - whole));
	}
}

/* ---- who sees what ---- */

static size_t first_key(size_t pos, size_t window)
{
	return window && pos + 1 > window ? pos + 1 - window : 0;
}

/* n units: each sees keys [first, pos]. sorted: neither goes down from one unit to the next. */
struct seen {
	size_t n, pos[UNITS], first[UNITS];
	int sorted;
};

/* Keys [from, end) are seen by any of some units, [all, all_end) by all of them. */
struct range {
	size_t from, end, all, all_end;
};

/* Of units [i, i + n), among keys [j, end). */
static struct range range_of(const struct seen *t, size_t i, size_t n, size_t j, size_t end)
{
	size_t last = i + n - 1;
	struct range r = {t->first[i], t->pos[last] + 1, t->first[last], t->pos[i] + 1};

	for (size_t u = i; u < i + n && !t->sorted; u++) {
		r.from = least(r.from, t->first[u]);
		r.end = most(r.end, t->pos[u] + 1);
		r.all = most(r.all, t->first[u]);
		r.all_end = least(r.all_end, t->pos[u] + 1);
	}
	r.from = most(r.from, j);
	r.end = least(r.end, end);
	r.all = least(most(r.all, r.from), r.end);
	r.all_end = most(r.all, least(r.all_end, r.end));
	return r;
}

/* Mask of the lanes whose unit sees the key. */
static inline vmask sees(vf first, vf end, float key)
{
	return v_and(v_lt(v_set1(key), end), v_le(first, v_set1(key)));
}

/* first and pos + 1 of W units from unit v on, as fp32 (exact: positions are below 2^24); lanes
 * beyond n repeat the last unit. */
static void lane_ranges(const struct seen *t, size_t v, vf *first, vf *end)
{
	_Alignas(64) float lo[W], hi[W];

	for (size_t i = 0; i < W; i++) {
		size_t u = least(v + i, t->n - 1);

		lo[i] = (float)t->first[u];
		hi[i] = (float)(t->pos[u] + 1);
	}
	*first = v_load(lo), *end = v_load(hi);
}

/* ---- units ---- */

enum held { NOTHING, BY_UNIT, BY_KEY };      /* what lanes hold */

/* Up to UNITS units; the pointers are into scratch or the job's. */
struct units {
	const struct attn_job *j;
	struct seen seen;
	size_t sp;
	enum held lanes;
	float *q, *o, *block, *score;        /* BY_UNIT: q[s][UNITS], block[KERN_KEYS][sp],
	                                      * score[KERN_KEYS][UNITS]; BY_KEY: q[UNITS][sp],
	                                      * block[s][4 W], score[UNITS][KERN_KEYS];
	                                      * o[UNITS][sp] */
	float *sum, *sums;                   /* sums of weights: [UNITS][W]; BY_UNIT: [W][UNITS] */
	const struct attn_seq *seq[UNITS];
	const act *q_row[UNITS];
	act *out[UNITS];
	float *lse[UNITS];
	_Alignas(64) float max[UNITS];       /* maximum of scale * score */
	_Alignas(64) float factor[UNITS];    /* exp(old maximum - new one) of the current block */
	_Alignas(64) float total[UNITS];
};

/* The next unit to take. */
struct cursor {
	size_t seq, row, head;
};

static size_t units_take(struct units *t, struct cursor *c)
{
	const struct attn_job *j = t->j;
	size_t n = 0;

	for (; n < UNITS && c->seq < j->n; n++) {
		const struct attn_seq *s = &j->seqs[c->seq];

		t->seq[n] = s;
		t->q_row[n] = s->q + c->row * j->ldq + c->head * j->s;
		t->out[n] = s->out + c->row * j->ldo + c->head * j->s;
		t->lse[n] = s->lse ? s->lse + c->row * j->ldl + c->head : NULL;
		t->seen.pos[n] = s->pos0 + c->row;
		t->seen.first[n] = first_key(s->pos0 + c->row, j->window);
		t->max[n] = -FLT_MAX;    /* not -inf: differences stay numbers */
		if (++c->head < j->grp)
			continue;
		c->head = 0;
		if (++c->row == s->rows)
			c->row = 0, c->seq++;
	}
	if (!n)
		return t->seen.n = 0;
	for (size_t i = n; i < round_up(n); i++)
		t->max[i] = -FLT_MAX;
	t->lanes = NOTHING;
	t->seen.sorted = t->seq[0] == t->seq[n - 1];
	memset(t->o, 0, n * t->sp * sizeof *t->o);
	return t->seen.n = n;
}

/* Lanes hold units or keys from here on. */
static void lanes_hold(struct units *t, enum held what)
{
	size_t n = t->seen.n, s = t->j->s;

	if (what == t->lanes)
		return;
	for (size_t v = 0; v < n && what == BY_UNIT; v += W) {
		const act *row[W];

		for (size_t i = 0; i < W; i++)
			row[i] = t->q_row[least(v + i, n - 1)];
		transpose_rows(t->q + v, UNITS, row, s);
	}
	for (size_t i = 0; i < n && what == BY_KEY; i++) {
		widen(t->q + i * t->sp, t->sp, t->q_row[i], 0, 1, s);
		for (size_t l = 0; l < W; l++)
			t->sum[i * W + l] = t->lanes == BY_UNIT ? t->sums[l * UNITS + i] : 0;
	}
	if (what == BY_UNIT)
		memset(t->sums, 0, W * UNITS * sizeof *t->sums);
	t->lanes = what;
}

/* What sums so far are multiplied with: exp(old - new), and 1 where there are none yet. */
static inline vf factor_of(vf old, vf new)
{
	return v_pick(v_le(old, v_set1(-FLT_MAX)), v_set1(1), v_exp_down(v_sub(old, new)));
}

/* Keys [j, end) of the block that begins with key j0, for units that have them in common: of
 * sequence seq. */
struct keys {
	size_t j0, j, end;
	const struct attn_seq *seq;
};

/* Key j, or its value; *end becomes the end of those that follow it in memory, at most x->end. */
static const act *row_at(const struct units *t, const struct keys *x, size_t j, int value,
                         size_t *end)
{
	size_t shared = t->j->shared, ld = t->j->ldkv;

	*end = j < shared ? least(x->end, shared) : x->end;
	if (j < shared)
		return (value ? t->j->v : t->j->k) + j * ld;
	return (value ? x->seq->v : x->seq->k) + (j - shared) * ld;
}

/* The block's keys or values in fp32. */
static void widen_block(struct units *t, const struct keys *x, int value)
{
	for (size_t j = x->j, end; j < x->end; j = end) {
		const act *rows = row_at(t, x, j, value, &end);

		widen(t->block + (j - x->j) * t->sp, t->sp, rows, t->j->ldkv, end - j, t->j->s);
	}
}

/* ---- lanes hold keys ---- */

/* Scores of units [i, i + n). */
static void few_scores(struct units *t, size_t i, size_t n, const struct keys *x)
{
	size_t s = t->j->s, ld = t->j->ldkv;

	for (size_t j = x->j / W * W, end, cols; j < x->end; j += cols) {
		const act *k = row_at(t, x, j, 0, &end);
		size_t left = least(4 * W, end - j);

		cols = round_up(left);
		for (size_t b = 0; b < cols; b += W)
			transpose_block(t->block + b, 4 * W, k + b * ld, ld, least(W, left - b), s);
		mix(t->score + i * KERN_KEYS + j - x->j0, KERN_KEYS, t->q + i * t->sp, t->sp, 1,
		    (struct mat){t->block, NULL, 4 * W}, n, s, cols, 0);
	}
}

/* The part of the block that unit u sees, counted from key j0. */
struct part {
	long first, end;
};

static struct part part_of(const struct units *t, size_t u, const struct keys *x)
{
	return (struct part){(long)most(t->seen.first[u], x->j) - (long)x->j0,
	                     (long)least(t->seen.pos[u] + 1, x->end) - (long)x->j0};
}

/* Scores times scale, -inf where unit u does not see the key. Returns the new maximum. */
static float few_max(struct units *t, size_t u, const struct keys *x)
{
	struct part p = part_of(t, u, x);
	float *score = t->score + u * KERN_KEYS;
	vf scale = v_set1(t->j->scale), max = v_set1(t->max[u]);

	for (long j = p.first / W * W; j < p.end; j += W) {
		vf y = v_mul(v_load(score + j), scale);

		if (j < p.first || j + W > p.end)
			y = v_pick(v_between(p.first - j, p.end - j), y, v_set1(-HUGE_VALF));
		v_store(score + j, y);
		max = v_max(y, max);
	}
	return v_hmax(max);
}

/* Scores of units [i, i + n) become exp(score - max). */
static void few_weights(struct units *t, size_t i, size_t n, const struct keys *x)
{
	_Alignas(64) float max[UNITS];

	for (size_t u = 0; u < n; u++)
		max[u] = few_max(t, i + u, x);
	for (size_t u = 0; u < n; u += W) {
		vf old = get(t->max + i + u, n - u, 0), new = get(max + u, n - u, 0);

		put(t->factor + i + u, factor_of(old, new), n - u);
		put(t->max + i + u, new, n - u);
	}
	for (size_t u = i; u < i + n; u++) {
		struct part p = part_of(t, u, x);
		float *score = t->score + u * KERN_KEYS;
		vf top = v_set1(t->max[u]), sum = v_load(t->sum + u * W);

		sum = v_mul(sum, v_set1(t->factor[u]));
		for (long j = p.first / W * W; j < p.end; j += W) {
			vf e = v_exp_down(v_sub(v_load(score + j), top));

			v_store(score + j, e);
			sum = v_add(sum, e);
		}
		v_store(t->sum + u * W, sum);
	}
}

/* ---- lanes hold units ---- */

static void many_scores(struct units *t, const struct keys *x)
{
	size_t n = x->end - x->j, s = t->j->s, lanes = round_up(t->seen.n), u = 0;

	widen_block(t, x, 0);
	for (size_t i = 0; i < n; i += ROWS) {
		/* vectors of units before u see none of these keys or the later ones */
		while (u + W < lanes && range_of(&t->seen, u, W, 0, SIZE_MAX).end <= x->j + i)
			u += W;
		mix(t->score + (x->j - x->j0 + i) * UNITS + u, UNITS, t->block + i * t->sp, t->sp, 1,
		    (struct mat){t->q + u, NULL, UNITS}, least(ROWS, n - i), s, lanes - u, 0);
	}
}

/* State of the units in one vector. */
struct lanes {
	float *score;                        /* of key j0 */
	size_t j0;
	vf first, end, scale, max, sum[W];
};

/* Maximum of the scores of keys [j, end), in four independent chains: the order does not matter. */
__attribute__((always_inline))
static inline void lanes_max(struct lanes *l, size_t j, size_t end, const int partly)
{
	vf max[4] = {l->max, l->max, l->max, l->max};

	for (; j < end; j += 4)
#pragma GCC unroll 4
		for (size_t i = 0; i < 4; i++) {
			size_t key = least(j + i, end - 1);
			vf x = v_load(l->score + (key - l->j0) * UNITS);

			if (partly)
				x = v_pick(sees(l->first, l->end, (float)key), x, v_set1(-HUGE_VALF));
			max[i] = v_max(x, max[i]);
		}
	l->max = v_max(v_max(max[0], max[1]), v_max(max[2], max[3]));
}

__attribute__((always_inline))
static inline void lanes_exp(struct lanes *l, size_t j, size_t end, const int partly)
{
	for (; j < end; j++) {
		float *p = l->score + (j - l->j0) * UNITS;
		vf e = v_exp_down(v_sub(v_mul(v_load(p), l->scale), l->max));

		if (partly)
			e = v_pick(sees(l->first, l->end, (float)j), e, v_zero());
		v_store(p, e);
		l->sum[j % W] = v_add(l->sum[j % W], e);
	}
}

/* The same for the W units from v on. */
static void many_weights(struct units *t, size_t v, const struct keys *x)
{
	struct range r = range_of(&t->seen, v, least(W, t->seen.n - v), x->j, x->end);
	vf old = v_load(t->max + v), factor;
	struct lanes l;

	v_store(t->factor + v, v_set1(1));
	if (r.from >= r.end)
		return;
	l.score = t->score + v;
	l.j0 = x->j0;
	l.scale = v_set1(t->j->scale);
	l.max = v_set1(-HUGE_VALF);
	l.first = l.end = v_zero();      /* not looked at where every unit sees every key */
	if (r.from < r.all || r.all_end < r.end)
		lane_ranges(&t->seen, v, &l.first, &l.end);
	lanes_max(&l, r.from, r.all, 1);
	lanes_max(&l, r.all, r.all_end, 0);
	lanes_max(&l, r.all_end, r.end, 1);
	l.max = v_max(v_mul(l.max, l.scale), old);
	factor = factor_of(old, l.max);
	v_store(t->max + v, l.max);
	v_store(t->factor + v, factor);
	for (size_t i = 0; i < W; i++)
		l.sum[i] = v_mul(v_load(t->sums + i * UNITS + v), factor);
	lanes_exp(&l, r.from, r.all, 1);
	lanes_exp(&l, r.all, r.all_end, 0);
	lanes_exp(&l, r.all_end, r.end, 1);
	for (size_t i = 0; i < W; i++)
		v_store(t->sums + i * UNITS + v, l.sum[i]);
}

/* ---- both ---- */

/* Units [i, i + n) add weights times values, of the keys in [j, end) that each sees. y: the values
 * from j on. */
static void values_tile(struct units *t, size_t i, size_t n, size_t j0, size_t j, size_t end,
                        struct mat y)
{
	struct range r = range_of(&t->seen, i, n, j, end);
	size_t of_unit = t->lanes == BY_UNIT ? 1 : KERN_KEYS;
	size_t of_key = t->lanes == BY_UNIT ? UNITS : 1;

	for (size_t key = r.from, depth; key < r.end; key += depth) {
		int all = key >= r.all && key < r.all_end;
		size_t at = (key - j) * y.ld, a = i, b = i;

		depth = all ? r.all_end - key : 1;
		for (; a < i + n; a = most(b, a + 1)) {      /* runs of units that see it */
			for (b = a; b < i + n && t->seen.first[b] <= key && key <= t->seen.pos[b]; )
				b++;
			if (a < b)
				mix(t->o + a * t->sp, t->sp, t->score + a * of_unit + (key - j0) * of_key,
				    of_unit, of_key,
				    (struct mat){y.f ? y.f + at : NULL, y.f ? NULL : y.b + at, y.ld}, b - a,
				    depth, t->j->s, 1);
		}
	}
}

static void rescale(struct units *t, size_t u)
{
	float *o = t->o + u * t->sp;
	vf factor = v_set1(t->factor[u]);

	for (size_t x = 0; x < t->sp && t->factor[u] != 1; x += W)
		v_store(o + x, v_mul(v_load(o + x), factor));
}

static void values(struct units *t, size_t i, size_t n, const struct keys *x)
{
	int widened = t->lanes == BY_UNIT;       /* values are read repeatedly: widen them once */

	for (size_t u = i; u < i + n; u++)
		rescale(t, u);
	if (widened)
		widen_block(t, x, 1);
	for (size_t j = x->j, end; j < x->end; j = end) {
		struct mat y = {NULL, row_at(t, x, j, 1, &end), t->j->ldkv};

		if (widened)
			y = (struct mat){t->block, NULL, t->sp}, end = x->end;
		for (size_t u = i, units; u < i + n; u += units) {
			units = tile_rows(i + n - u);
			values_tile(t, u, units, x->j0, j, end, y);
		}
	}
}

/* Takes units [i, i + n) through those of keys [from, end) that they see, all of seq's. from is a
 * block's first key. */
static void units_through(struct units *t, size_t i, size_t n, const struct attn_seq *seq,
                          size_t from, size_t end)
{
	struct range r = range_of(&t->seen, i, n, from, end);

	if (r.from >= r.end)
		return;
	lanes_hold(t, n > FEW && n == t->seen.n ? BY_UNIT : BY_KEY);
	for (size_t j = r.from; j < r.end; ) {
		struct keys x = {j / KERN_KEYS * KERN_KEYS, j, r.end, seq};

		x.end = least(x.j0 + KERN_KEYS, r.end);
		if (t->lanes == BY_UNIT) {
			many_scores(t, &x);
			for (size_t u = 0; u < n; u += W)
				many_weights(t, u, &x);
		} else {
			few_scores(t, i, n, &x);
			few_weights(t, i, n, &x);
		}
		values(t, i, n, &x);
		j = x.end;
	}
}

static void units_done(struct units *t)
{
	for (size_t v = 0; v < t->seen.n && t->lanes == BY_UNIT; v += W) {
		vf sum[W];

		for (size_t i = 0; i < W; i++)
			sum[i] = v_load(t->sums + i * UNITS + v);
		for (size_t half = W / 2; half; half /= 2)       /* v_hsum's tree */
			for (size_t i = 0; i < half; i++)
				sum[i] = v_add(sum[i], sum[i + half]);
		v_store(t->total + v, sum[0]);
	}
	for (size_t u = 0; u < t->seen.n; u++) {
		if (t->lanes == BY_KEY)
			t->total[u] = v_hsum(v_load(t->sum + u * W));
		for (size_t x = 0; x < t->j->s; x += W)
			put_act(t->out[u] + x, v_div(v_load(t->o + u * t->sp + x), v_set1(t->total[u])),
			        t->j->s - x);
		if (t->lse[u])
			*t->lse[u] = (float)(t->max[u] + log(t->total[u]));
	}
}

static void attn(const struct attn_job *j, float *scratch)
{
	size_t together = j->shared / KERN_KEYS * KERN_KEYS;     /* keys of whole blocks */
	struct cursor c = {0};
	struct units t;

	t.j = j;
	t.sp = round_up(j->s);
	t.q = scratch;
	t.o = t.q + UNITS * t.sp;
	t.block = t.o + UNITS * t.sp;
	t.score = t.block + KERN_KEYS * t.sp;
	t.sum = t.score + KERN_KEYS * UNITS;
	t.sums = t.sum + UNITS * W;
	while (units_take(&t, &c)) {
		units_through(&t, 0, t.seen.n, t.seq[0], 0, together);
		for (size_t i = 0, n; i < t.seen.n; i += n) {
			for (n = 1; i + n < t.seen.n && t.seq[i + n] == t.seq[i]; )
				n++;
			units_through(&t, i, n, t.seq[i], together, SIZE_MAX);
		}
		units_done(&t);
	}
}
