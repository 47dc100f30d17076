/* SPDX-License-Identifier: MIT */
/*
 * Attention over the vector of vec512.h or vec256.h. A unit is one query vector: (row, head) of the
 * group that shares a key/value head. Keys come in blocks of W at absolute positions 0, W, 2W, ...
 *
 * Scores: the block's keys transposed, one key a lane; per unit two chains of additions (even and odd
 * inputs), then their sum. Softmax: lane l sums the positions that are l modulo W. Output: positions
 * in order. None of this depends on the other units, nor on where a call's rows begin.
 */
enum { UNITS = 32, DOTS = 8, MIX = 4 };  /* units held at once; multiplied at once by dots and by mix */

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
	const act *row[W];
	size_t i = 0;

	for (size_t j = 0; j < W; j++) {
		row[j] = x + (j < n ? j : n - 1) * ld;
		for (size_t k = 0; k < s; k += 32)       /* the next block's */
			_mm_prefetch((const char *)((uintptr_t)row[j] + (W * ld + k) * sizeof *x), _MM_HINT_T0);
	}
	for (; i + 2 * W <= s; i += 2 * W) {
		vf v[W];

		v_load_transposed(v, row, i);
#pragma GCC unroll 16
		for (int j = 0; j < W; j++) {
			v_store(kt + (i + 2 * (size_t)j) * W, v_low(v[j]));
			v_store(kt + (i + 2 * (size_t)j + 1) * W, v_high(v[j]));
		}
	}
	for (; i < s; i++)
		for (size_t j = 0; j < W; j++)
			kt[i * W + j] = act_f32(row[j][i]);
}

/* out[u][W] = sum_i x[u][i] kt[i][lane]. */
__attribute__((always_inline))
static inline void dots_n(float *out, size_t ldo, const float *x, size_t ldx, const float *kt, size_t s, const int n)
{
	vf even[DOTS], odd[DOTS];

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

/* A matrix of fp32 (rows padded to whole vectors) or, if f is NULL, of bf16. */
struct mat {
	const float *f;
	const act *b;
	size_t ld;
};

/* out[r][0..left) += sum_k c[r * cr + k * ck] x[k][..] for n rows, k < depth in order; nv vectors, or one that
 * may be short. */
__attribute__((always_inline))
static inline void mix_n(float *out, size_t ldo, const float *c, size_t cr, size_t ck, struct mat x,
                         size_t depth, size_t left, const int bf, const int n, const int nv)
{
	vf s[MIX][4];

#pragma GCC unroll 4
	for (int r = 0; r < n; r++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			s[r][v] = nv > 1 ? v_load(out + (size_t)r * ldo + v * W) : get(out + (size_t)r * ldo, left, 0);
	for (size_t k = 0; k < depth; k++) {
		vf xk[4];

#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			if (!bf)
				xk[v] = v_load(x.f + k * x.ld + v * W);
			else
				xk[v] = nv > 1 ? v_load_act(x.b + k * x.ld + v * W) : get_act(x.b + k * x.ld, left);
#pragma GCC unroll 4
		for (int r = 0; r < n; r++) {
			vf ck_r = v_set1(c[(size_t)r * cr + k * ck]);

#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[r][v] = v_fma(ck_r, xk[v], s[r][v]);
		}
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

#define MIX_CASES(bf, n) \
	case 4 * (n) + 2 * (bf): mix_n(out, ldo, c, cr, ck, x, depth, left, bf, n, 1); break; \
	case 4 * (n) + 2 * (bf) + 1: mix_n(out, ldo, c, cr, ck, x, depth, left, bf, n, WIDE); break;

/* out[n][cols] += c[n][depth] x[depth][cols], c at strides cr, ck. */
static void mix(float *out0, size_t ldo, const float *c0, size_t cr, size_t ck, struct mat x0,
                size_t n, size_t depth, size_t cols)
{
	enum { WIDE = W == 16 ? 4 : 2 };     /* vectors at once, such that the sums fit the registers */

	for (size_t r = 0, now; r < n; r += now) {
		const float *c = c0 + r * cr;

		now = least(n - r, MIX);
		for (size_t i = 0; i < cols;) {
			size_t left = cols - i, wide = left >= WIDE * W;
			struct mat x = {x0.f ? x0.f + i : NULL, x0.b ? x0.b + i : NULL, x0.ld};
			float *out = out0 + r * ldo + i;

			switch (4 * now + 2 * !x.f + wide) {
			MIX_CASES(0, 1) MIX_CASES(0, 2) MIX_CASES(0, 3) MIX_CASES(0, 4)
			MIX_CASES(1, 1) MIX_CASES(1, 2) MIX_CASES(1, 3) MIX_CASES(1, 4)
			}
			i += wide ? WIDE * W : W;
		}
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
	long first[UNITS], end[UNITS];
	vf max[UNITS];

	for (size_t i = 0; i < t->n; i++) {
		size_t pos = unit_pos(t, i);

		first[i] = (long)first_key(pos, t->window);
		end[i] = (long)pos + 1;
		max[i] = v_set1(-HUGE_VALF);
	}
	for (size_t j = from; j <= last; j += W) {
		transpose_block(t->block, k + j * ldkv, ldkv, least(W, last + 1 - j), t->s);
		dots(t->score + j, t->ld, t->q, t->sp, t->block, t->s, t->n);
		for (size_t i = 0; i < t->n; i++) {
			float *p = t->score + i * t->ld + j;
			vmask seen = v_between(first[i] - (long)j, end[i] - (long)j);
			vf x = v_pick(seen, v_mul(v_load(p), v_set1(scale)), v_set1(-HUGE_VALF));

			v_store(p, x);
			max[i] = v_max(x, max[i]);
		}
	}
	for (size_t i = 0; i < t->n; i++)
		t->max[i] = v_hmax(max[i]);
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
		struct mat x = {NULL, v + j * ldkv, ldkv};

		if (t->n > MIX) {        /* read more than once: unpack once */
			widen(t->block, t->sp, v + j * ldkv, ldkv, n, t->s);
			x = (struct mat){t->block, NULL, t->sp};
		}
		if (j >= all_from && j + n <= all_to) {
			mix(t->o, t->sp, t->score + j, t->ld, 1, x, t->n, n, t->s);
			continue;
		}
		for (size_t i = 0; i < t->n; i++) {
			size_t pos = unit_pos(t, i), a = first_key(pos, t->window), b = least(pos + 1, j + n);

			if (a < j)
				a = j;
			if (a < b)
				mix(t->o + i * t->sp, t->sp, t->score + i * t->ld + a, t->ld, 1,
				    (struct mat){NULL, v + a * ldkv, ldkv}, 1, b - a, t->s);
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

enum { BWD_UNITS = 16, BWD_KEYS = 64 };

/* What attn_bwd holds for BWD_KEYS keys and n <= BWD_UNITS units from u0 on. */
struct bwd {
	size_t n, u0, grp, pos0, s, sp, window, ldq, ldl;
	float scale;
	float *kt, *vt, *k;                  /* [BWD_KEYS / W][s][W] both, [BWD_KEYS][sp] */
	float *q, *d, *dq;                   /* units' queries and gradients [BWD_UNITS][sp] */
	float *p, *ds;                       /* [BWD_UNITS][W] */
	float *delta;                        /* [rows * grp]: sum_i dout_i out_i */
};

static struct bwd bwd_over(float *scratch, size_t grp, size_t s)
{
	size_t sp = round_up(s);
	struct bwd b = {.grp = grp, .s = s, .sp = sp};

	b.kt = scratch;
	b.vt = b.kt + sp * BWD_KEYS;
	b.k = b.vt + sp * BWD_KEYS;
	b.q = b.k + sp * BWD_KEYS;
	b.d = b.q + sp * BWD_UNITS;
	b.dq = b.d + sp * BWD_UNITS;
	b.p = b.dq + sp * BWD_UNITS;
	b.ds = b.p + BWD_UNITS * W;
	b.delta = b.ds + BWD_UNITS * W;
	return b;
}

/* Where unit i's row lies in q, dq, dout, out. */
static size_t unit_at(const struct bwd *b, size_t i)
{
	return (b->u0 + i) / b->grp * b->ldq + (b->u0 + i) % b->grp * b->s;
}

static void copy_row(float *out, const float *in, size_t s)
{
	for (size_t i = 0; i < s; i += W)
		put(out + i, get(in + i, s - i, 0), s - i);
}

/* p and ds of the units against keys j..j+W-1, held as kt, vt; 0 where a unit does not see a key. */
static void bwd_weights(const struct bwd *b, const float *kt, const float *vt, size_t j, const float *lse_in)
{
	vf scale = v_set1(b->scale);

	dots(b->p, W, b->q, b->sp, kt, b->s, b->n);
	dots(b->ds, W, b->d, b->sp, vt, b->s, b->n);
	for (size_t i = 0; i < b->n; i++) {
		size_t u = b->u0 + i, r = u / b->grp, pos = b->pos0 + r;
		vmask seen = v_between((long)first_key(pos, b->window) - (long)j, (long)pos + 1 - (long)j);
		vf lse_u = v_set1(lse_in[r * b->ldl + u % b->grp]);
		vf p = v_pick(seen, v_exp(v_sub(v_mul(v_load(b->p + i * W), scale), lse_u)), v_zero());
		vf ds = v_mul(v_mul(p, v_sub(v_load(b->ds + i * W), v_set1(b->delta[u]))), scale);

		v_store(b->p + i * W, p);
		v_store(b->ds + i * W, v_pick(seen, ds, v_zero()));
	}
}

static void attn_bwd(float *dq, float *dk, float *dv, size_t ldd, const float *dout, const act *out,
                     const float *lse_in, size_t ldl, const act *q, size_t ldq, const act *k, const act *v, size_t ldkv,
                     size_t rows, size_t pos0, size_t grp, size_t s, float scale, size_t window, float *scratch)
{
	struct bwd b = bwd_over(scratch, grp, s);
	size_t t = pos0 + rows;

	b.ldq = ldq, b.ldl = ldl, b.pos0 = pos0, b.scale = scale, b.window = window;
	for (size_t u = 0; u < rows * grp; u++) {
		size_t at = unit_at(&b, u);
		vf sum = v_zero();

		for (size_t i = 0; i < s; i += W)
			sum = v_fma(get(dout + at + i, s - i, 0), get_act(out + at + i, s - i), sum);
		b.delta[u] = v_hsum(sum);
	}
	for (size_t j0 = first_key(pos0, window) / BWD_KEYS * BWD_KEYS; j0 < t; j0 += BWD_KEYS) {
		size_t keys = least(BWD_KEYS, t - j0), end = window ? least(t, j0 + keys - 1 + window) : t;
		size_t begin = j0 > pos0 ? j0 - pos0 : 0;     /* the rows that see any of them */

		end -= pos0;
		for (size_t j = 0; j < keys; j += W) {
			transpose_block(b.kt + j * b.sp, k + (j0 + j) * ldkv, ldkv, least(W, keys - j), s);
			transpose_block(b.vt + j * b.sp, v + (j0 + j) * ldkv, ldkv, least(W, keys - j), s);
		}
		widen(b.k, b.sp, k + j0 * ldkv, ldkv, keys, s);
		for (b.u0 = begin * grp; b.u0 < end * grp; b.u0 += b.n) {
			size_t last;

			b.n = least(BWD_UNITS, end * grp - b.u0);
			last = pos0 + (b.u0 + b.n - 1) / grp;
			for (size_t i = 0; i < b.n; i++) {
				size_t at = unit_at(&b, i);

				widen(b.q + i * b.sp, b.sp, q + at, 0, 1, s);
				copy_row(b.d + i * b.sp, dout + at, s);
				copy_row(b.dq + i * b.sp, dq + at, s);
			}
			for (size_t j = 0; j < keys && j0 + j <= last; j += W) {
				size_t n = least(W, keys - j), at = (j0 + j) * ldd;

				bwd_weights(&b, b.kt + j * b.sp, b.vt + j * b.sp, j0 + j, lse_in);
				mix(dv + at, ldd, b.p, 1, W, (struct mat){b.d, NULL, b.sp}, n, b.n, s);
				mix(dk + at, ldd, b.ds, 1, W, (struct mat){b.q, NULL, b.sp}, n, b.n, s);
				mix(b.dq, b.sp, b.ds, W, 1, (struct mat){b.k + j * b.sp, NULL, b.sp}, b.n, n, s);
			}
			for (size_t i = 0; i < b.n; i++)
				copy_row(dq + unit_at(&b, i), b.dq + i * b.sp, s);
		}
	}
}
