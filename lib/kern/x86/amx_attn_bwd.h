/* SPDX-License-Identifier: MIT */
/*
 * Backward of amx_attn.h: per block of units and keys five products in tiles. Weights are computed
 * again from the scores; dout, the weights and the scores' gradients are rounded to bf16 for the
 * products. A block's share of a sum starts from 0 and is added in fp32: to a row of dq in the
 * order of keys, to rows of dk and dv in the order of units, whose blocks begin at absolute
 * multiples of BWD_UNITS. So bits do not depend on how calls divide keys at multiples of KEYS, nor,
 * for dq, on where their rows begin; for dk and dv if these begin at multiples of BWD_UNITS.
 */
enum { BWD_UNITS = KEYS };           /* units of a block */

/* Of a block of units. */
struct bwd {
	const struct attn_grad *j;
	size_t n, s, sp, wide;
	size_t pos[BWD_UNITS], first[BWD_UNITS];
	float lse[BWD_UNITS], delta[BWD_UNITS];
	float *dq, *part;                    /* [BWD_UNITS][sp]; a block's share, [64][wide] */
	act *q, *d;                          /* queries and dout, [BWD_UNITS][sp] */
	act *q_pairs, *d_pairs;              /* the same as W's tiles, inputs being units */
	act *k, *v, *k_pairs;                /* W's tiles of a block of keys */
	_Alignas(64) float score[BWD_UNITS][KEYS], dp[BWD_UNITS][KEYS];
	_Alignas(64) act p[BWD_UNITS][KEYS], ds[BWD_UNITS][KEYS];
	_Alignas(64) act columns[BWD_UNITS * KEYS];
};

static void bwd_over(struct bwd *b, const struct attn_grad *j, float *scratch)
{
	b->j = j;
	b->s = j->s;
	b->sp = round_to(j->s, STEP);
	b->wide = round_to(j->s, KERN_PANEL);
	b->dq = scratch;
	b->part = b->dq + BWD_UNITS * b->sp;
	b->q = (act *)(b->part + KEYS * b->wide);
	b->d = b->q + BWD_UNITS * b->sp;
	b->k = b->d + BWD_UNITS * b->sp;
	b->v = b->k + KEYS * b->sp;
	b->q_pairs = b->v + KEYS * b->sp;
	b->d_pairs = b->q_pairs + BWD_UNITS * b->wide;
	b->k_pairs = b->d_pairs + BWD_UNITS * b->wide;
}

/* Unit u is a head of a row: its query, dout and delta = sum_i dout_i out_i, dout rounded as in the
 * products. */
static void bwd_unit(struct bwd *b, size_t u, size_t row, size_t head)
{
	const struct attn_grad *j = b->j;
	size_t at = row * j->ldq + head * j->s;
	vf sum = v_zero();

	b->pos[u] = j->pos0 + row;
	b->first[u] = first_key(b->pos[u], j->window);
	b->lse[u] = j->lse[row * j->ldl + head];
	for (size_t i = 0; i < b->s; i += STEP)
		copy32(b->q + u * b->sp + i, j->q + at + i, b->s - i);
	for (size_t i = 0; i < b->sp; i += W) {
		size_t left = i < b->s ? b->s - i : 0;
		act *d = b->d + u * b->sp + i;

		v_store_act(d, left ? get(j->dout + at + i, left, 0) : v_zero());
		if (j->dq)
			v_store(b->dq + u * b->sp + i, left ? get(j->dq + at + i, left, 0) : v_zero());
		if (left)
			sum = v_fma(v_load_act(d), get_act(j->out + at + i, left), sum);
	}
	b->delta[u] = v_hsum(sum);
}

/* p and ds of unit u for a block, 0 where it does not see a key: keys lo <= key < hi. */
static void bwd_weights(struct bwd *b, size_t u, long lo, long hi)
{
	vf scale = v_set1(b->j->scale), lse_u = v_set1(b->lse[u]), delta = v_set1(b->delta[u]);

	for (int i = 0; i < KEYS; i += W) {
		vmask seen = v_between(lo - i, hi - i);
		vf p = v_exp(v_sub(v_mul(v_load(b->score[u] + i), scale), lse_u));
		vf ds = v_mul(v_mul(p, v_sub(v_load(b->dp[u] + i), delta)), scale);

		v_store_act(b->p[u] + i, v_pick(seen, p, v_zero()));
		v_store_act(b->ds[u] + i, v_pick(seen, ds, v_zero()));
	}
}

/* out[keys][ldd] += the units' columns of c times their rows: W's tiles are `pairs`. */
static void bwd_keys(struct bwd *b, float *out, const act *c, const act *pairs, size_t keys)
{
	struct job x = job_of(b->columns, STEP, pairs, b->wide / EDGE, BWD_UNITS / STEP);

	for (size_t u = 0; u < BWD_UNITS; u += STEP)
		fill_columns(b->columns + u / STEP * TILE, BWD_UNITS / STEP * TILE, c + u * KEYS, KEYS,
		             KEYS, u < b->n ? b->n - u : 0);
	x.a_step = TILE * sizeof(act);
	x.a_next = BWD_UNITS / STEP * TILE * sizeof(act);
	multiply_all(&x, b->part, b->wide, keys, b->sp);
	for (size_t i = 0; i < keys; i++)
		add(out + i * b->j->ldd, b->part + i * b->wide, b->s);
}

/* dq of the units that see any of keys [j, j + keys). */
static void bwd_queries(struct bwd *b, const act *k, size_t j, size_t keys)
{
	struct job x = job_of(b->ds[0], KEYS, b->k_pairs, b->wide / EDGE, KEYS / STEP);

	fill_paired(b->k_pairs, k, b->j->ldkv, keys, b->s, b->wide);
	multiply_all(&x, b->part, b->wide, b->n, b->sp);
	for (size_t u = 0; u < b->n; u++)
		if (b->pos[u] >= j && b->first[u] < j + keys)
			add(b->dq + u * b->sp, b->part + u * b->wide, b->sp);
}

/* The block of keys [j, j + keys). */
static void bwd_block(struct bwd *b, size_t j, size_t keys)
{
	const struct attn_grad *g = b->j;
	const act *k = g->k + j * g->ldkv, *v = g->v + j * g->ldkv;
	struct job qk = job_of(b->q, b->sp, b->k, KEYS / EDGE, b->sp / STEP);
	struct job dv = job_of(b->d, b->sp, b->v, KEYS / EDGE, b->sp / STEP);

	fill_transposed(b->k, k, g->ldkv, keys, b->s);
	fill_transposed(b->v, v, g->ldkv, keys, b->s);
	multiply_all(&qk, b->score[0], KEYS, b->n, KEYS);
	multiply_all(&dv, b->dp[0], KEYS, b->n, KEYS);
	for (size_t u = 0; u < b->n; u++)
		bwd_weights(b, u, (long)b->first[u] - (long)j,
		            (long)least(b->pos[u] + 1, j + keys) - (long)j);
	if (g->dq)
		bwd_queries(b, k, j, keys);
	if (!g->dk)
		return;
	bwd_keys(b, g->dk + j * g->ldd, b->ds[0], b->q_pairs, keys);
	bwd_keys(b, g->dv + j * g->ldd, b->p[0], b->d_pairs, keys);
}

static void attn_bwd(const struct attn_grad *j, float *scratch)
{
	size_t units = j->rows * j->grp, s = j->s;
	struct bwd b;

	bwd_over(&b, j, scratch);
	tiles_begin();
	for (size_t u0 = 0; u0 < units; u0 += b.n) {
		size_t key, end;

		b.n = least(BWD_UNITS - (j->pos0 * j->grp + u0) % BWD_UNITS, units - u0);
		for (size_t i = 0; i < b.n; i++)
			bwd_unit(&b, i, (u0 + i) / j->grp, (u0 + i) % j->grp);
		fill_paired(b.q_pairs, b.q, b.sp, b.n, b.sp, b.wide);
		fill_paired(b.d_pairs, b.d, b.sp, b.n, b.sp, b.wide);
		end = least(b.pos[b.n - 1] + 1, j->key1);
		key = b.first[0] / KEYS * KEYS;
		for (key = key > j->key0 ? key : j->key0; key < end; key += KEYS)
			bwd_block(&b, key, least(KEYS, end - key));
		for (size_t i = 0, u = u0; j->dq && i < b.n; i++, u++)
			for (size_t d = 0; d < s; d += W)
				put(j->dq + u / j->grp * j->ldq + u % j->grp * s + d, v_load(b.dq + i * b.sp + d),
				    s - d);
	}
	tiles_end();
}
