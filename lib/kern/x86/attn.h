/* SPDX-License-Identifier: MIT */
/*
 * Attention, a template over the vectors of vec512.h or vec256.h. A unit is one query vector: one
 * (row, head) of the group that shares a key/value head. All products go through one function, mix,
 * which keeps ROWS x NV vectors of sums, like GEMM's tiles.
 *
 * With many units, lanes hold units: scores are [key][unit], and only the queries are transposed.
 * With few (the one row of a decoder), lanes hold keys. The order of sums is the same either way.
 * Scores: inputs in order. Softmax: positions congruent to l modulo W in order, then these W sums
 * through v_hsum's tree. Output: positions in order. Keys that a unit does not see add nothing or
 * an exact zero.
 */
enum {
	UNITS = 64,                  /* units held at once */
	FEW = 8,                     /* up to this many units, lanes hold keys */
	KEYS = 96                    /* keys widened to fp32 at once */
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
static mix_fn *const mixes[4][ROWS + 1] = {
	{NULL, mix_1, mix_2, mix_3, mix_4, mix_5, mix_6},
	{NULL, mix_wide_1, mix_wide_2, mix_wide_3, mix_wide_4, mix_wide_5, mix_wide_6},
	{NULL, mix_act_1, mix_act_2, mix_act_3, mix_act_4, mix_act_5, mix_act_6},
	{NULL, mix_act_wide_1, mix_act_wide_2, mix_act_wide_3, mix_act_wide_4, mix_act_wide_5,
	 mix_act_wide_6},
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
		for (size_t i = 0, wide; i < cols; i += wide ? NV * W : W) {
			struct mat xi = {x.f ? x.f + i : NULL, x.f ? NULL : x.b + i, x.ld};

			wide = cols - i >= NV * W;
			mixes[2 * !x.f + wide][rows](out + r * ldo + i, ldo, c + r * cr, cr, ck, xi, depth,
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

static size_t first_key(size_t pos, size_t window)
{
	return window && pos + 1 > window ? pos + 1 - window : 0;
}

/* Up to UNITS units; the pointers point into scratch. */
struct units {
	size_t n, u0, grp, pos0, window, s, sp;
	size_t of_unit, of_key;              /* strides of score, which depend on what lanes hold */
	float *score, *q, *o, *block;        /* q[s][UNITS], few: [FEW][sp]; o[UNITS][sp];
	                                      * block[KEYS][sp], few: [s][4 W] */
	float scale;
	size_t pos[UNITS], first[UNITS];     /* position and first visible key of each unit */
	_Alignas(64) float max[UNITS];       /* maximum of scale * score */
	_Alignas(64) float total[UNITS];
};

/* Takes the next units from u0 on. */
static void units_take(struct units *t, size_t rows)
{
	size_t r = t->u0 / t->grp, h = t->u0 % t->grp;

	t->n = least(UNITS, rows * t->grp - t->u0);
	for (size_t i = 0; i < t->n; i++) {
		t->pos[i] = t->pos0 + r;
		t->first[i] = first_key(t->pos[i], t->window);
		if (++h == t->grp)
			h = 0, r++;
	}
}

/* ---- lanes hold keys ---- */

/* Scores of all keys that any unit sees (-inf for units that do not see the key), and their
 * maxima. */
static void few_scores(struct units *t, const act *k, size_t ldkv)
{
	size_t from = t->first[0] / W * W, end = t->pos[t->n - 1] + 1;

	for (size_t j = from; j < end; j += 4 * W) {
		size_t cols = round_up(least(4 * W, end - j));

		for (size_t b = 0; b < cols; b += W)
			transpose_block(t->block + b, 4 * W, k + (j + b) * ldkv, ldkv, least(W, end - j - b),
			                t->s);
		mix(t->score + j, t->of_unit, t->q, t->sp, 1, (struct mat){t->block, NULL, 4 * W}, t->n,
		    t->s, cols, 0);
	}
	for (size_t i = 0; i < t->n; i++) {
		long first = (long)t->first[i], last = (long)t->pos[i];
		vf max = v_set1(-HUGE_VALF), scale = v_set1(t->scale);

		for (long j = first / W * W; j <= last; j += W) {
			float *p = t->score + i * t->of_unit + j;
			vf x = v_pick(v_between(first - j, last + 1 - j), v_mul(v_load(p), scale),
			              v_set1(-HUGE_VALF));

			v_store(p, x);
			max = v_max(x, max);
		}
		t->max[i] = v_hmax(max);
	}
}

/* Scores become exp(score - max); total is their sum. */
static void few_weights(struct units *t)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t pos = t->pos[i];
		vf max = v_set1(t->max[i]), sum = v_zero();

		for (size_t j = t->first[i] / W * W; j <= pos; j += W) {
			float *p = t->score + i * t->of_unit + j;
			vf e = v_exp_down(v_sub(v_load(p), max));

			v_store(p, e);
			sum = v_add(sum, e);
		}
		t->total[i] = v_hsum(sum);
	}
}

/* ---- lanes hold units ---- */

/* Mask of the lanes whose unit sees the key. */
static inline vmask sees(vf first, vf end, float key)
{
	return v_and(v_lt(v_set1(key), end), v_le(first, v_set1(key)));
}

/* first[] and end[] of W units from unit v on, as fp32 (exact: positions are below 2^24); lanes
 * beyond n repeat the last unit. */
static void lane_ranges(const struct units *t, size_t v, float first[W], float end[W])
{
	for (size_t i = 0; i < W; i++) {
		size_t u = least(v + i, t->n - 1);

		first[i] = (float)t->first[u];
		end[i] = (float)(t->pos[u] + 1);
	}
}

static void many_scores(struct units *t, const act *k, size_t ldkv)
{
	size_t from = t->first[0], pos = t->pos[0], end = t->pos[t->n - 1] + 1, lanes = round_up(t->n);

	for (size_t j = from; j < end; j += KEYS) {
		size_t n = least(KEYS, end - j);

		widen(t->block, t->sp, k + j * ldkv, ldkv, n, t->s);
		for (size_t i = 0; i < n; i += ROWS) {
			/* units before u see none of these keys */
			size_t u = j + i > pos ? ((j + i - pos) * t->grp - t->u0 % t->grp) / W * W : 0;

			mix(t->score + (j + i) * UNITS + u, UNITS, t->block + i * t->sp, t->sp, 1,
			    (struct mat){t->q + u, NULL, UNITS}, least(ROWS, n - i), t->s, lanes - u, 0);
		}
	}
}

/* State of the units in vector v. */
struct lanes {
	float *score;                        /* scores of key 0 */
	vf first, end, scale, max;
	vf sum[W];
};

/* Maximum over keys [j, end), in four independent chains: the order does not matter. */
__attribute__((always_inline))
static inline void lanes_max(struct lanes *l, size_t j, size_t end, const int partly)
{
	vf max[4] = {l->max, l->max, l->max, l->max};

	for (; j < end; j += 4)
#pragma GCC unroll 4
		for (size_t i = 0; i < 4; i++) {
			vf x = v_load(l->score + least(j + i, end - 1) * UNITS);

			if (partly)
				x = v_pick(sees(l->first, l->end, (float)least(j + i, end - 1)), x,
				           v_set1(-HUGE_VALF));
			max[i] = v_max(x, max[i]);
		}
	l->max = v_max(v_max(max[0], max[1]), v_max(max[2], max[3]));
}

__attribute__((always_inline))
static inline void lanes_exp(struct lanes *l, size_t j, size_t end, const int partly)
{
	for (; j < end; j++) {
		float *p = l->score + j * UNITS;
		vf e = v_exp_down(v_sub(v_mul(v_load(p), l->scale), l->max));

		if (partly)
			e = v_pick(sees(l->first, l->end, (float)j), e, v_zero());
		v_store(p, e);
		l->sum[j % W] = v_add(l->sum[j % W], e);
	}
}

static void many_weights(struct units *t)
{
	for (size_t v = 0; v < t->n; v += W) {
		size_t u1 = least(v + W, t->n) - 1, from = t->first[v], end = t->pos[u1] + 1;
		/* [all, all_end): keys that all lanes see */
		size_t all = least(t->first[u1], end), all_end = most(all, t->pos[v] + 1);
		struct lanes l = {
			.score = t->score + v, .scale = v_set1(t->scale), .max = v_set1(-HUGE_VALF)};
		_Alignas(64) float lo[W], hi[W];

		lane_ranges(t, v, lo, hi);
		l.first = v_load(lo), l.end = v_load(hi);
		for (size_t i = 0; i < W; i++)
			l.sum[i] = v_zero();
		lanes_max(&l, from, all, 1);
		lanes_max(&l, all, all_end, 0);
		lanes_max(&l, all_end, end, 1);
		l.max = v_mul(l.max, l.scale);
		v_store(t->max + v, l.max);
		lanes_exp(&l, from, all, 1);
		lanes_exp(&l, all, all_end, 0);
		lanes_exp(&l, all_end, end, 1);
		for (size_t half = W / 2; half; half /= 2)       /* v_hsum's tree */
			for (size_t i = 0; i < half; i++)
				l.sum[i] = v_add(l.sum[i], l.sum[i + half]);
		v_store(t->total + v, l.sum[0]);
	}
}

/* ---- both ---- */

/* Units [i, i + n), keys [j, end) with values x: o += weights times values, over the keys that each
 * unit sees. */
static void values_part(struct units *t, size_t i, size_t n, size_t j, size_t end, struct mat x)
{
	size_t all_from = t->first[i + n - 1], all_end = t->pos[i] + 1, depth;
	size_t key = most(j, t->first[i]), stop = least(end, t->pos[i + n - 1] + 1);

	for (; key < stop; key += depth) {
		size_t a = i, b = i + n, at = (key - j) * x.ld;

		depth = 1;
		if (key >= all_from && key < all_end)
			depth = least(all_end, stop) - key;
		while (a < b && t->pos[a] < key)
			a++;
		while (b > a && t->first[b - 1] > key)
			b--;
		mix(t->o + a * t->sp, t->sp, t->score + a * t->of_unit + key * t->of_key, t->of_unit,
			t->of_key, (struct mat){x.f ? x.f + at : NULL, x.f ? NULL : x.b + at, x.ld}, b - a,
			depth, t->s, 1);
	}
}

static void values(struct units *t, const act *v, size_t ldkv)
{
	size_t end = t->pos[t->n - 1] + 1, step = t->n > FEW ? KEYS : end;

	for (size_t j = t->first[0]; j < end; j += step) {
		size_t n = least(step, end - j);
		struct mat x = {NULL, v + j * ldkv, ldkv};

		if (t->n > FEW) {        /* values are read repeatedly: widen them once */
			widen(t->block, t->sp, v + j * ldkv, ldkv, n, t->s);
			x = (struct mat){t->block, NULL, t->sp};
		}
		for (size_t i = 0, units; i < t->n; i += units) {
			units = tile_rows(t->n - i);
			values_part(t, i, units, j, j + n, x);
		}
	}
}

/* Transposes the units' rows of q, so that lanes hold units. */
static void transpose_units(const struct units *t, float *out, const act *q, size_t ldq)
{
	const act *row[W];

	for (size_t v = 0; v < t->n; v += W) {
		for (size_t i = 0; i < W; i++) {
			size_t u = t->u0 + least(v + i, t->n - 1);

			row[i] = q + u / t->grp * ldq + u % t->grp * t->s;
		}
		transpose_rows(out + v, UNITS, row, t->s);
	}
}

static void attn(act *out, size_t ldo, float *lse_out, size_t ldl, const act *q, size_t ldq,
                 const act *k, const act *v, size_t ldkv, size_t rows, size_t pos0,
                 size_t grp, size_t s, float scale, size_t window, float *scratch)
{
	struct units t = {
		.grp = grp, .pos0 = pos0, .window = window, .s = s, .sp = round_up(s), .scale = scale};

	t.q = scratch;
	t.o = t.q + UNITS * t.sp;
	t.block = t.o + UNITS * t.sp;
	t.score = t.block + KEYS * t.sp;
	for (t.u0 = 0; t.u0 < rows * grp; t.u0 += t.n) {
		units_take(&t, rows);
		memset(t.o, 0, t.n * t.sp * sizeof *t.o);
		if (t.n > FEW) {
			t.of_unit = 1, t.of_key = UNITS;
			transpose_units(&t, t.q, q, ldq);
			many_scores(&t, k, ldkv);
			many_weights(&t);
		} else {
			t.of_unit = round_up(pos0 + rows) + 4 * W, t.of_key = 1;
			for (size_t i = 0, u = t.u0; i < t.n; i++, u++)
				widen(t.q + i * t.sp, t.sp, q + u / grp * ldq + u % grp * s, 0, 1, s);
			few_scores(&t, k, ldkv);
			few_weights(&t);
		}
		values(&t, v, ldkv);
		for (size_t i = 0, u = t.u0; i < t.n; i++, u++) {
			act *o = out + u / grp * ldo + u % grp * s;

			for (size_t x = 0; x < s; x += W)
				put_act(o + x, v_div(v_load(t.o + i * t.sp + x), v_set1(t.total[i])), s - x);
			if (lse_out)
				lse_out[u / grp * ldl + u % grp] = (float)(t.max[i] + log(t.total[i]));
		}
	}
}

/* ---- backward ---- */

enum { BWD_KEYS = 64 };

/* Buffers of attn_bwd for UNITS units and BWD_KEYS keys. */
struct bwd {
	struct units t;
	float *qt, *dt;                      /* queries and dout transposed, [sp][UNITS] */
	float *q, *d, *dq;                   /* [UNITS][sp] */
	float *k, *v;                        /* [BWD_KEYS][sp] */
	float *p, *ds;                       /* [BWD_KEYS][UNITS] */
	_Alignas(64) float lse[UNITS], delta[UNITS];
};

static struct bwd bwd_over(float *scratch, size_t s)
{
	size_t sp = round_up(s);
	struct bwd b;

	b.qt = scratch;
	b.dt = b.qt + sp * UNITS;
	b.q = b.dt + sp * UNITS;
	b.d = b.q + sp * UNITS;
	b.dq = b.d + sp * UNITS;
	b.k = b.dq + sp * UNITS;
	b.v = b.k + sp * BWD_KEYS;
	b.p = b.v + sp * BWD_KEYS;
	b.ds = b.p + BWD_KEYS * UNITS;
	return b;
}

static void copy_row(float *out, const float *in, size_t s)
{
	for (size_t i = 0; i < s; i += W)
		put(out + i, get(in + i, s - i, 0), s - i);
}

/* out[i][lane] = x[lane][i] of UNITS rows, whole vectors of inputs. */
static void transpose_f32(float *out, const float *x, size_t sp)
{
	for (size_t u = 0; u < UNITS; u += 4)
		for (size_t i = 0; i < sp; i += 4) {
			__m128 a = _mm_load_ps(x + u * sp + i), b = _mm_load_ps(x + (u + 1) * sp + i);
			__m128 c = _mm_load_ps(x + (u + 2) * sp + i), d = _mm_load_ps(x + (u + 3) * sp + i);

			_MM_TRANSPOSE4_PS(a, b, c, d);
			_mm_store_ps(out + i * UNITS + u, a);
			_mm_store_ps(out + (i + 1) * UNITS + u, b);
			_mm_store_ps(out + (i + 2) * UNITS + u, c);
			_mm_store_ps(out + (i + 3) * UNITS + u, d);
		}
}

/* p and ds of all units for n keys from j on; 0 where a unit does not see a key. */
static void bwd_weights(struct bwd *b, size_t j, size_t n, size_t lanes)
{
	const struct units *t = &b->t;
	vf scale = v_set1(t->scale);

	mix(b->p, UNITS, b->k, t->sp, 1, (struct mat){b->qt, NULL, UNITS}, n, t->s, lanes, 0);
	mix(b->ds, UNITS, b->v, t->sp, 1, (struct mat){b->dt, NULL, UNITS}, n, t->s, lanes, 0);
	for (size_t v = 0; v < lanes; v += W) {
		size_t u1 = least(v + W, t->n) - 1, all_from = t->first[u1], all_end = t->pos[v] + 1;
		vf lse_u = v_load(b->lse + v), delta = v_load(b->delta + v), first, end;
		_Alignas(64) float lo[W], hi[W];

		lane_ranges(t, v, lo, hi);
		first = v_load(lo), end = v_load(hi);
		for (size_t i = 0; i < n; i++) {
			float *pi = b->p + i * UNITS + v, *dsi = b->ds + i * UNITS + v;
			vf p = v_exp(v_sub(v_mul(v_load(pi), scale), lse_u));
			vf ds = v_mul(v_mul(p, v_sub(v_load(dsi), delta)), scale);

			if (j + i < all_from || j + i >= all_end) {
				vmask seen = sees(first, end, (float)(j + i));

				p = v_pick(seen, p, v_zero());
				ds = v_pick(seen, ds, v_zero());
			}
			v_store(pi, p);
			v_store(dsi, ds);
		}
	}
}

/* Loads the units from t.u0 on: their rows, lse, and delta = sum_i dout_i out_i. Lanes without a
 * unit get zeros. */
static void bwd_load(struct bwd *b, const float *dq, const float *dout, const act *out,
                     const float *lse_in, size_t ldl, const act *q, size_t ldq)
{
	const struct units *t = &b->t;

	memset(b->q + t->n * t->sp, 0, (UNITS - t->n) * t->sp * sizeof *b->q);
	memset(b->d + t->n * t->sp, 0, (UNITS - t->n) * t->sp * sizeof *b->d);
	for (size_t i = 0; i < t->n; i++) {
		size_t r = t->pos[i] - t->pos0, h = t->u0 + i - r * t->grp, at = r * ldq + h * t->s;
		vf sum = v_zero();

		widen(b->q + i * t->sp, t->sp, q + at, 0, 1, t->s);
		for (size_t x = 0; x < t->s; x += W) {
			vf d = get(dout + at + x, t->s - x, 0);

			v_store(b->d + i * t->sp + x, d);
			v_store(b->dq + i * t->sp + x, get(dq + at + x, t->s - x, 0));
			sum = v_fma(d, get_act(out + at + x, t->s - x), sum);
		}
		b->delta[i] = v_hsum(sum);
		b->lse[i] = lse_in[r * ldl + h];
	}
	for (size_t i = t->n; i < UNITS; i++)
		b->delta[i] = b->lse[i] = 0;
	transpose_f32(b->qt, b->q, t->sp);
	transpose_f32(b->dt, b->d, t->sp);
}

static void attn_bwd(float *dq, float *dk, float *dv, size_t ldd, const float *dout, const act *out,
                     const float *lse_in, size_t ldl, const act *q, size_t ldq, const act *k,
                     const act *v, size_t ldkv, size_t rows, size_t pos0, size_t grp, size_t s,
                     float scale, size_t window, float *scratch)
{
	struct bwd b = bwd_over(scratch, s);
	struct units *t = &b.t;
	size_t sp = round_up(s);

	*t = (struct units){
		.grp = grp, .pos0 = pos0, .window = window, .s = s, .sp = sp, .scale = scale};
	for (t->u0 = 0; t->u0 < rows * grp; t->u0 += t->n) {
		size_t end;

		units_take(t, rows);
		end = t->pos[t->n - 1] + 1;
		bwd_load(&b, dq, dout, out, lse_in, ldl, q, ldq);
		for (size_t j = t->first[0]; j < end; j += BWD_KEYS) {
			size_t n = least(BWD_KEYS, end - j), u = 0;

			while (t->pos[u] < j)    /* unit u sees none of these keys */
				u++;
			widen(b.k, sp, k + j * ldkv, ldkv, n, s);
			widen(b.v, sp, v + j * ldkv, ldkv, n, s);
			bwd_weights(&b, j, n, round_up(t->n));
			mix(dv + j * ldd, ldd, b.p + u, UNITS, 1, (struct mat){b.d + u * sp, NULL, sp}, n,
			    t->n - u, s, 1);
			mix(dk + j * ldd, ldd, b.ds + u, UNITS, 1, (struct mat){b.q + u * sp, NULL, sp}, n,
			    t->n - u, s, 1);
			mix(b.dq + u * sp, sp, b.ds + u, 1, UNITS, (struct mat){b.k, NULL, sp}, t->n - u, n, sp,
			    1);
		}
		for (size_t i = 0; i < t->n; i++) {
			size_t r = t->pos[i] - pos0;

			copy_row(dq + r * ldq + (t->u0 + i - r * grp) * s, b.dq + i * sp, s);
		}
	}
}
