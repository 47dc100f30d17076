/* SPDX-License-Identifier: MIT */
/*
 * Attention's backward, on attn.h's mix: a chunk of units at a time goes through the keys that they
 * see, a block at a time. dq gets its sums in the order of keys, dk and dv in that of units; all of
 * them continue what is in memory, so neither chunks nor blocks change any bit.
 */
enum { BWD_KEYS = 64 };

/* Up to UNITS units, and BWD_KEYS keys. */
struct bwd {
	const struct attn_grad *j;
	struct seen seen;
	size_t u0, sp;                       /* the first unit */
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
	size_t s = b->j->s;
	vf scale = v_set1(b->j->scale);

	mix(b->p, UNITS, b->k, b->sp, 1, (struct mat){b->qt, NULL, UNITS}, n, s, lanes, 0);
	mix(b->ds, UNITS, b->v, b->sp, 1, (struct mat){b->dt, NULL, UNITS}, n, s, lanes, 0);
	for (size_t v = 0; v < lanes; v += W) {
		struct range r = range_of(&b->seen, v, least(W, b->seen.n - v), j, j + n);
		vf lse_u = v_load(b->lse + v), delta = v_load(b->delta + v), first, end;

		lane_ranges(&b->seen, v, &first, &end);
		for (size_t i = 0; i < n; i++) {
			float *pi = b->p + i * UNITS + v, *dsi = b->ds + i * UNITS + v;
			vf p = v_exp(v_sub(v_mul(v_load(pi), scale), lse_u));
			vf ds = v_mul(v_mul(p, v_sub(v_load(dsi), delta)), scale);

			if (j + i < r.all || j + i >= r.all_end) {
				vmask seen = sees(first, end, (float)(j + i));

				p = v_pick(seen, p, v_zero());
				ds = v_pick(seen, ds, v_zero());
			}
			v_store(pi, p);
			v_store(dsi, ds);
		}
	}
}

/* Takes the units from u0 on. */
static void bwd_take(struct bwd *b)
{
	const struct attn_grad *j = b->j;

	b->seen.n = least(UNITS, j->rows * j->grp - b->u0);
	for (size_t i = 0; i < b->seen.n; i++) {
		b->seen.pos[i] = j->pos0 + (b->u0 + i) / j->grp;
		b->seen.first[i] = first_key(b->seen.pos[i], j->window);
	}
}

/* Where unit i is in a matrix of rows of ld values, `width` for each head. */
static size_t bwd_at(const struct bwd *b, size_t i, size_t ld, size_t width)
{
	size_t u = b->u0 + i, grp = b->j->grp;

	return u / grp * ld + u % grp * width;
}

/* Loads the units' rows, lse, and delta = sum_i dout_i out_i. Lanes without a unit get zeros. */
static void bwd_load(struct bwd *b)
{
	const struct attn_grad *j = b->j;
	size_t n = b->seen.n, s = j->s, sp = b->sp;

	memset(b->q + n * sp, 0, (UNITS - n) * sp * sizeof *b->q);
	memset(b->d + n * sp, 0, (UNITS - n) * sp * sizeof *b->d);
	for (size_t i = 0; i < n; i++) {
		size_t at = bwd_at(b, i, j->ldq, s);
		vf sum = v_zero();

		widen(b->q + i * sp, sp, j->q + at, 0, 1, s);
		for (size_t x = 0; x < s; x += W) {
			vf d = get(j->dout + at + x, s - x, 0);

			v_store(b->d + i * sp + x, d);
			if (j->dq)
				v_store(b->dq + i * sp + x, get(j->dq + at + x, s - x, 0));
			sum = v_fma(d, get_act(j->out + at + x, s - x), sum);
		}
		b->delta[i] = v_hsum(sum);
		b->lse[i] = j->lse[bwd_at(b, i, j->ldl, 1)];
	}
	for (size_t i = n; i < UNITS; i++)
		b->delta[i] = b->lse[i] = 0;
	transpose_f32(b->qt, b->q, sp);
	transpose_f32(b->dt, b->d, sp);
}

/* The units and n keys from `key` on. */
static void bwd_block(struct bwd *b, size_t key, size_t n)
{
	const struct attn_grad *j = b->j;
	size_t u = 0, units, s = j->s, sp = b->sp, at = key * j->ldd;

	while (b->seen.pos[u] < key)     /* unit u sees none of these keys */
		u++;
	units = b->seen.n - u;
	widen(b->k, sp, j->k + key * j->ldkv, j->ldkv, n, s);
	widen(b->v, sp, j->v + key * j->ldkv, j->ldkv, n, s);
	bwd_weights(b, key, n, round_up(b->seen.n));
	if (j->dk) {
		mix(j->dv + at, j->ldd, b->p + u, UNITS, 1, (struct mat){b->d + u * sp, NULL, sp}, n, units,
		    s, 1);
		mix(j->dk + at, j->ldd, b->ds + u, UNITS, 1, (struct mat){b->q + u * sp, NULL, sp}, n,
		    units, s, 1);
	}
	if (j->dq)
		mix(b->dq + u * sp, sp, b->ds + u, 1, UNITS, (struct mat){b->k, NULL, sp}, units, n, sp, 1);
}

static void attn_bwd(const struct attn_grad *j, float *scratch)
{
	struct bwd b = bwd_over(scratch, j->s);

	b.j = j;
	b.seen.sorted = 1;
	b.sp = round_up(j->s);
	b.u0 = j->key0 > j->pos0 ? (j->key0 - j->pos0) * j->grp : 0;     /* sees key0 */
	for (; b.u0 < j->rows * j->grp; b.u0 += b.seen.n) {
		struct range r;

		bwd_take(&b);
		r = range_of(&b.seen, 0, b.seen.n, j->key0, j->key1);
		if (r.from >= r.end)
			break;           /* later units see none of the keys either */
		bwd_load(&b);
		for (size_t key = r.from; key < r.end; key += BWD_KEYS)
			bwd_block(&b, key, least(BWD_KEYS, r.end - key));
		for (size_t i = 0; i < b.seen.n && j->dq; i++)
			copy_row(j->dq + bwd_at(&b, i, j->ldq, j->s), b.dq + i * b.sp, j->s);
	}
}
