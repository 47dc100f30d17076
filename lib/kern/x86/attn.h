/* SPDX-License-Identifier: MIT */
/*
 * Attention over the vector of vec512.h or vec256.h. A unit is one query vector: (row, head) of the
 * group that shares a key/value head. Keys come in blocks of W at absolute positions 0, W, 2W, ...
 *
 * Scores: the block's keys transposed, one key a lane; per unit two chains of additions (even and odd
 * inputs), then their sum. Softmax: lane l sums the positions that are l modulo W. Output: positions
 * in order. None of this depends on the other units, nor on where a call's rows begin.
 */
enum { UNITS = 32, TILE_UNITS = 8 };     /* held at once; multiplied at once */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t round_up(size_t n)
{
	return (n + W - 1) / W * W;
}

/* kt[i][W] = input i of n <= W rows of x, fp32; the last row stands for missing ones. s even. */
static void transpose_block(float *kt, const act *x, size_t ld, size_t n, size_t s)
{
	size_t i = 0;

	for (; i + 2 * W <= s; i += 2 * W) {
		vf v[W];

#pragma GCC unroll 16
		for (int j = 0; j < W; j++)
			v[j] = v_load_pairs(x + least((size_t)j, n - 1) * ld + i);
		v_transpose(v);
#pragma GCC unroll 16
		for (int j = 0; j < W; j++) {
			v_store(kt + (i + 2 * (size_t)j) * W, v_low(v[j]));
			v_store(kt + (i + 2 * (size_t)j + 1) * W, v_high(v[j]));
		}
	}
	for (; i < s; i++)
		for (size_t j = 0; j < W; j++)
			kt[i * W + j] = act_f32(x[least(j, n - 1) * ld + i]);
}

/* out[u][W] = sum_i x[u][i] kt[i][lane]. */
__attribute__((always_inline))
static inline void dots_n(float *out, size_t ldo, const float *x, size_t ldx, const float *kt, size_t s, const int n)
{
	vf even[TILE_UNITS], odd[TILE_UNITS];

#pragma GCC unroll 8
	for (int u = 0; u < n; u++)
		even[u] = odd[u] = v_zero();
	for (size_t i = 0; i < s; i += 2) {
		vf k0 = v_load(kt + i * W), k1 = v_load(kt + (i + 1) * W);

#pragma GCC unroll 8
		for (int u = 0; u < n; u++) {
			even[u] = v_fma(v_set1(x[(size_t)u * ldx + i]), k0, even[u]);
			odd[u] = v_fma(v_set1(x[(size_t)u * ldx + i + 1]), k1, odd[u]);
		}
	}
#pragma GCC unroll 8
	for (int u = 0; u < n; u++)
		v_store(out + (size_t)u * ldo, v_add(even[u], odd[u]));
}

static void dots(float *out, size_t ldo, const float *x, size_t ldx, const float *kt, size_t s, size_t n)
{
	while (n) {
		size_t now = n;

		switch (n) {
		case 1: dots_n(out, ldo, x, ldx, kt, s, 1); break;
		case 2: dots_n(out, ldo, x, ldx, kt, s, 2); break;
		case 3: dots_n(out, ldo, x, ldx, kt, s, 3); break;
		case 4: dots_n(out, ldo, x, ldx, kt, s, 4); break;
		case 5: dots_n(out, ldo, x, ldx, kt, s, 5); break;
		case 6: dots_n(out, ldo, x, ldx, kt, s, 6); break;
		case 7: dots_n(out, ldo, x, ldx, kt, s, 7); break;
		default: dots_n(out, ldo, x, ldx, kt, s, 8); now = 8;
		}
		n -= now;
		out += now * ldo;
		x += now * ldx;
	}
}

/* out[r][i] += sum_k c[r * cr + k * ck] x[k][i] for n rows, k < depth in order, i < cols (vectors of W, nv at once). */
__attribute__((always_inline))
static inline void mix_n(float *out, size_t ldo, const float *c, size_t cr, size_t ck, const float *x, size_t ldx,
                         size_t depth, size_t left, const int n, const int nv)
{
	vf s[4][4];

#pragma GCC unroll 4
	for (int r = 0; r < n; r++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			s[r][v] = nv > 1 ? v_load(out + (size_t)r * ldo + v * W) : get(out + (size_t)r * ldo, left, 0);
	for (size_t k = 0; k < depth; k++) {
		vf xk[4];

#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			xk[v] = v_load(x + k * ldx + v * W);
#pragma GCC unroll 4
		for (int r = 0; r < n; r++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[r][v] = v_fma(v_set1(c[(size_t)r * cr + k * ck]), xk[v], s[r][v]);
	}
#pragma GCC unroll 4
	for (int r = 0; r < n; r++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			if (nv > 1)
				v_store(out + (size_t)r * ldo + v * W, s[r][v]);
			else
				put(out + (size_t)r * ldo, s[r][v], left);
}

/* x's rows are padded to whole vectors (scratch); out's are not. */
static void mix(float *out, size_t ldo, const float *c, size_t cr, size_t ck, const float *x, size_t ldx,
                size_t n, size_t depth, size_t cols)
{
	enum { WIDE = W == 16 ? 4 : 2 };     /* vectors at once: 4 x 4 or 4 x 2 sums fit the registers */

	for (size_t r = 0; r < n;) {
		size_t now = least(n - r, 4);
		float *o = out + r * ldo;
		const float *cc = c + r * cr;

		for (size_t i = 0; i < cols;) {
			int wide = cols - i >= WIDE * W;

			switch (now * 2 + (size_t)wide) {
			case 2: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 1, 1); break;
			case 3: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 1, WIDE); break;
			case 4: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 2, 1); break;
			case 5: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 2, WIDE); break;
			case 6: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 3, 1); break;
			case 7: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 3, WIDE); break;
			case 8: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 4, 1); break;
			default: mix_n(o + i, ldo, cc, cr, ck, x + i, ldx, depth, cols - i, 4, WIDE);
			}
			i += wide ? WIDE * W : W;
		}
		r += now;
	}
}

/* out[j][sp] = fp32 of n rows of x. */
static void widen(float *out, size_t sp, const act *x, size_t ld, size_t n, size_t s)
{
	for (size_t j = 0; j < n; j++)
		for (size_t i = 0; i < s; i += W)
			v_store(out + j * sp + i, get_act(x + j * ld + i, s - i));
}

static size_t first_key(size_t pos, size_t window)
{
	return window && pos + 1 > window ? pos + 1 - window : 0;
}

/* What attn holds for up to UNITS units; pointers into scratch. */
struct units {
	size_t n, u0, grp, pos0, window, s, sp, ld;     /* ld: stride of score */
	float *q, *o, *score, *block;                   /* [UNITS][sp], [UNITS][sp], [UNITS][ld], [sp or s][W] */
	float max[UNITS], total[UNITS];
};

static size_t unit_pos(const struct units *t, size_t i)
{
	return t->pos0 + (t->u0 + i) / t->grp;
}

/* Scores of all keys that any unit sees, -inf where one does not, and each unit's maximum. */
static void scores(struct units *t, const act *k, size_t ldkv, float scale)
{
	size_t from = first_key(unit_pos(t, 0), t->window) / W * W, last = unit_pos(t, t->n - 1);

	for (size_t i = 0; i < t->n; i++)
		t->max[i] = -HUGE_VALF;
	for (size_t j = from; j <= last; j += W) {
		transpose_block(t->block, k + j * ldkv, ldkv, least(W, last + 1 - j), t->s);
		dots(t->score + j, t->ld, t->q, t->sp, t->block, t->s, t->n);
		for (size_t i = 0; i < t->n; i++) {
			float *p = t->score + i * t->ld + j;
			size_t pos = unit_pos(t, i);
			vmask seen = v_between((long)first_key(pos, t->window) - (long)j, (long)pos + 1 - (long)j);
			vf x = v_pick(seen, v_mul(v_load(p), v_set1(scale)), v_set1(-HUGE_VALF));
			float top = v_hmax(x);

			v_store(p, x);
			if (top > t->max[i])
				t->max[i] = top;
		}
	}
}

/* Scores become exp(score - max); total is their sum. */
static void weights(struct units *t)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t pos = unit_pos(t, i);
		vf max = v_set1(t->max[i]), sum = v_zero();

		for (size_t j = first_key(pos, t->window) / W * W; j <= pos; j += W) {
			float *p = t->score + i * t->ld + j;
			vf e = v_exp(v_sub(v_load(p), max));

			v_store(p, e);
			sum = v_add(sum, e);
		}
		t->total[i] = v_hsum(sum);
	}
}

/* o += weights times values: where all units see a block whole together, else each its own part. */
static void values(struct units *t, const act *v, size_t ldkv)
{
	size_t first = first_key(unit_pos(t, 0), t->window), last = unit_pos(t, t->n - 1);
	size_t all_from = first_key(last, t->window), all_to = unit_pos(t, 0) + 1;

	for (size_t j = first / W * W; j <= last; j += W) {
		size_t n = least(W, last + 1 - j);

		widen(t->block, t->sp, v + j * ldkv, ldkv, n, t->s);
		if (j >= all_from && j + n <= all_to) {
			mix(t->o, t->sp, t->score + j, t->ld, 1, t->block, t->sp, t->n, n, t->s);
			continue;
		}
		for (size_t i = 0; i < t->n; i++) {
			size_t pos = unit_pos(t, i), a = first_key(pos, t->window), b = least(pos + 1, j + n);

			if (a < j)
				a = j;
			if (a < b)
				mix(t->o + i * t->sp, t->sp, t->score + i * t->ld + a, t->ld, 1,
				    t->block + (a - j) * t->sp, t->sp, 1, b - a, t->s);
		}
	}
}

static void attn(act *out, size_t ldo, float *lse_out, size_t ldl, const act *q, size_t ldq,
                 const act *k, const act *v, size_t ldkv, size_t rows, size_t pos0,
                 size_t grp, size_t s, float scale, size_t window, float *scratch)
{
	struct units t = {.grp = grp, .pos0 = pos0, .window = window, .s = s, .sp = round_up(s)};

	t.ld = round_up(pos0 + rows) + W;
	t.score = scratch;
	t.q = t.score + UNITS * t.ld;
	t.o = t.q + UNITS * t.sp;
	t.block = t.o + UNITS * t.sp;
	for (t.u0 = 0; t.u0 < rows * grp; t.u0 += t.n) {
		t.n = least(UNITS, rows * grp - t.u0);
		for (size_t i = 0; i < t.n; i++) {
			size_t u = t.u0 + i;

			widen(t.q + i * t.sp, t.sp, q + u / grp * ldq + u % grp * s, 0, 1, s);
		}
		memset(t.o, 0, t.n * t.sp * sizeof *t.o);
		scores(&t, k, ldkv, scale);
		weights(&t);
		values(&t, v, ldkv);
		for (size_t i = 0; i < t.n; i++) {
			size_t u = t.u0 + i;
			act *o = out + u / grp * ldo + u % grp * s;

			for (size_t x = 0; x < s; x += W)
				put_act(o + x, v_div(v_load(t.o + i * t.sp + x), v_set1(t.total[i])), s - x);
			if (lse_out)
				lse_out[u / grp * ldl + u % grp] = (float)(t.max[i] + log(t.total[i]));
		}
	}
}

/* What attn_bwd holds for one block of W keys and TILE_UNITS units. */
struct bwd {
	float *kt, *vt, *k;                  /* [s][W], [s][W], [W][sp] */
	float *q, *d;                        /* units' queries and output gradients [TILE_UNITS][sp] */
	float *p, *ds;                       /* [TILE_UNITS][W] */
	float *delta;                        /* [t * grp]: sum_i dout_i out_i */
};

/* p and ds of n units from unit u0 against keys j..j+W-1; 0 where a unit does not see a key. */
static void bwd_tile(const struct bwd *b, size_t u0, size_t n, size_t j, size_t grp, size_t s, size_t sp,
                     const float *lse_in, size_t ldl, float scale, size_t window)
{
	dots(b->p, W, b->q, sp, b->kt, s, n);
	dots(b->ds, W, b->d, sp, b->vt, s, n);
	for (size_t i = 0; i < n; i++) {
		size_t u = u0 + i, pos = u / grp;
		vmask seen = v_between((long)first_key(pos, window) - (long)j, (long)pos + 1 - (long)j);
		vf x = v_sub(v_mul(v_load(b->p + i * W), v_set1(scale)), v_set1(lse_in[pos * ldl + u % grp]));
		vf p = v_pick(seen, v_exp(x), v_zero());
		vf ds = v_mul(v_mul(p, v_sub(v_load(b->ds + i * W), v_set1(b->delta[u]))), v_set1(scale));

		v_store(b->p + i * W, p);
		v_store(b->ds + i * W, v_pick(seen, ds, v_zero()));
	}
}

static void attn_bwd(float *dq, float *dk, float *dv, const float *dout, const act *out, const float *lse_in,
                     size_t ldl, const act *q, size_t ldq, const act *k, const act *v, size_t ldkv,
                     size_t t, size_t grp, size_t s, float scale, size_t window, float *scratch)
{
	size_t sp = round_up(s);
	struct bwd b;

	b.kt = scratch;
	b.vt = b.kt + sp * W;
	b.k = b.vt + sp * W;
	b.q = b.k + sp * W;
	b.d = b.q + sp * TILE_UNITS;
	b.p = b.d + sp * TILE_UNITS;
	b.ds = b.p + TILE_UNITS * W;
	b.delta = b.ds + TILE_UNITS * W;
	for (size_t u = 0; u < t * grp; u++) {
		size_t at = u / grp * ldq + u % grp * s;
		vf sum = v_zero();

		for (size_t i = 0; i < s; i += W)
			sum = v_fma(get(dout + at + i, s - i, 0), get_act(out + at + i, s - i), sum);
		b.delta[u] = v_hsum(sum);
	}
	for (size_t j = 0; j < t; j += W) {
		size_t keys = least(W, t - j), end = t;

		if (window && j + keys - 1 + window < t)
			end = j + keys - 1 + window;
		transpose_block(b.kt, k + j * ldkv, ldkv, keys, s);
		transpose_block(b.vt, v + j * ldkv, ldkv, keys, s);
		widen(b.k, sp, k + j * ldkv, ldkv, keys, s);
		for (size_t u = j * grp, n; u < end * grp; u += n) {
			n = least(TILE_UNITS, end * grp - u);
			for (size_t i = 0; i < n; i++) {
				size_t at = (u + i) / grp * ldq + (u + i) % grp * s;

				widen(b.q + i * sp, sp, q + at, 0, 1, s);
				for (size_t x = 0; x < s; x += W)
					v_store(b.d + i * sp + x, get(dout + at + x, s - x, 0));
			}
			bwd_tile(&b, u, n, j, grp, s, sp, lse_in, ldl, scale, window);
			mix(dv + j * ldkv, ldkv, b.p, 1, W, b.d, sp, keys, n, s);
			mix(dk + j * ldkv, ldkv, b.ds, 1, W, b.q, sp, keys, n, s);
			for (size_t i = 0; i < n; i++)
				mix(dq + (u + i) / grp * ldq + (u + i) % grp * s, 0, b.ds + i * W, 0, 1, b.k, sp, 1, keys, s);
		}
	}
}
