/* SPDX-License-Identifier: MIT */
/*
 * The AMX level's attention, forward and backward, as a model of it runs anywhere: every bit
 * against its definition (lib/kern/x86/amx_attn.h, amx_attn_bwd.h), one query at a time and without
 * tiles. What attn.c asks of every level is asked there.
 */
#include "kern/exp.h"
#include "kerntest.h"
#include "tiledot.h"

enum { BLOCK = 64, LANES = 16 };

static const struct { size_t t, grp, s, window; } cases[] = {
	{1, 1, 2, 0}, {5, 2, 6, 0}, {17, 3, 16, 0}, {70, 1, 64, 0}, {33, 3, 34, 5}, {150, 3, 64, 0},
	{140, 2, 80, 70}, {200, 5, 20, 1}, {130, 1, 128, 0},
};

/* One kv head of a sequence and its group of query heads, tightly packed. */
struct layer {
	size_t t, grp, s, window;
	float scale, *dout, *lse, *dq, *dk, *dv;
	act *q, *k, *v, *out;
};

static struct layer layer(size_t i)
{
	struct layer a = {
		.t = cases[i].t, .grp = cases[i].grp, .s = cases[i].s, .window = cases[i].window};
	struct numbers r = numbers(i);
	size_t n = a.t * a.grp * a.s, nkv = a.t * a.s;

	a.scale = 1 / sqrtf((float)a.s);
	a.q = acts(&r, n, -3, 3);
	a.k = acts(&r, nkv, -2, 2);
	a.v = acts(&r, nkv, -2, 2);
	a.dout = floats(&r, n, -1, 1);
	a.out = xcalloc(n, sizeof *a.out);
	a.lse = xcalloc(a.t * a.grp, sizeof *a.lse);
	a.dq = floats(&r, n, -1, 1);
	a.dk = floats(&r, nkv, -1, 1);
	a.dv = floats(&r, nkv, -1, 1);
	return a;
}

static void layer_free(struct layer *a)
{
	free(a->q), free(a->k), free(a->v), free(a->out), free(a->dout), free(a->lse), free(a->dq),
		free(a->dk), free(a->dv);
}

static float tree(float *sum)
{
	for (size_t half = LANES / 2; half; half /= 2)
		for (size_t i = 0; i < half; i++)
			sum[i] += sum[i + half];
	return sum[0];
}

static size_t first_key(const struct layer *a, size_t pos)
{
	return a->window && pos + 1 > a->window ? pos + 1 - a->window : 0;
}

/* sum over the block's keys of weight[key] x[key][d], of those up to `last`. */
static float over_keys(const act *weight, const act *x, size_t ld, size_t j0, size_t last, size_t d)
{
	act column[BLOCK] = {0};

	for (size_t j = j0; j < j0 + BLOCK && j <= last; j++)
		column[j - j0] = x[j * ld + d];
	return tile_dot(0, weight, column, BLOCK);
}

/* Query `unit` goes through its blocks of keys. */
static void forward_unit(struct layer *a, size_t unit)
{
	size_t pos = unit / a->grp, first = first_key(a, pos), s = a->s;
	float max = -FLT_MAX, sum[LANES] = {0}, *o = xcalloc(s, sizeof *o), total;

	for (size_t j0 = first / BLOCK * BLOCK; j0 <= pos; j0 += BLOCK) {
		float score[BLOCK], factor, old = max;
		act weight[BLOCK];

		for (size_t i = 0; i < BLOCK; i++) {
			size_t j = j0 + i;

			score[i] = -HUGE_VALF;
			if (j >= first && j <= pos)
				score[i] = tile_dot(0, a->q + unit * s, a->k + j * s, s) * a->scale;
			max = fmaxf(max, score[i]);
		}
		factor = old == -FLT_MAX ? 1 : kern_expf(old - max);
		for (size_t l = 0; l < LANES; l++)
			sum[l] *= factor;
		for (size_t i = 0; i < BLOCK; i++) {
			float e = kern_expf(score[i] - max);

			sum[i % LANES] += e;
			weight[i] = act_of(e);
		}
		for (size_t d = 0; d < s; d++)
			o[d] = fmaf(o[d], factor, over_keys(weight, a->v, s, j0, pos, d));
	}
	total = tree(sum);
	for (size_t d = 0; d < s; d++)
		a->out[unit * s + d] = act_of(o[d] / total);
	a->lse[unit] = (float)(max + log(total));
	free(o);
}

/* p and ds of all queries (rows) and keys, 0 where a query does not see a key; dq. */
static void backward_units(struct layer *a, act *p, act *ds, act *d)
{
	size_t s = a->s, keys = (a->t + BLOCK - 1) / BLOCK * BLOCK;

	for (size_t u = 0; u < a->t * a->grp; u++) {
		size_t pos = u / a->grp, first = first_key(a, pos);
		float lanes[LANES] = {0}, delta;

		for (size_t i = 0; i < s; i++) {
			d[u * s + i] = act_of(a->dout[u * s + i]);
			lanes[i % LANES] = fmaf(act_f32(d[u * s + i]), act_f32(a->out[u * s + i]),
			                        lanes[i % LANES]);
		}
		delta = tree(lanes);
		for (size_t j = first; j <= pos; j++) {
			float score = tile_dot(0, a->q + u * s, a->k + j * s, s) * a->scale;
			float weight = kern_expf(score - a->lse[u]);
			float dp = tile_dot(0, d + u * s, a->v + j * s, s);

			p[u * keys + j] = act_of(weight);
			ds[u * keys + j] = act_of(weight * (dp - delta) * a->scale);
		}
		for (size_t j0 = first / BLOCK * BLOCK; j0 <= pos; j0 += BLOCK)
			for (size_t i = 0; i < s; i++)
				a->dq[u * s + i] += over_keys(ds + u * keys + j0, a->k, s, j0, a->t - 1, i);
	}
}

/* out[key][i] += over blocks of queries: sum of c[query][key] x[query][i]. */
static void backward_keys(const struct layer *a, float *out, const act *c, const act *x)
{
	size_t s = a->s, keys = (a->t + BLOCK - 1) / BLOCK * BLOCK, units = a->t * a->grp;

	for (size_t u0 = 0; u0 < units; u0 += BLOCK)
		for (size_t j = 0; j < a->t; j++) {
			act column[BLOCK] = {0};

			for (size_t u = u0; u < u0 + BLOCK && u < units; u++)
				column[u - u0] = c[u * keys + j];
			for (size_t i = 0; i < s; i++)
				out[j * s + i] += over_keys(column, x, s, u0, units - 1, i);
		}
}

static void compare(const struct kern *lv, size_t i)
{
	struct layer a = layer(i), b = layer(i);
	size_t t = a.t, grp = a.grp, s = a.s, n = t * grp * s, keys = (t + BLOCK - 1) / BLOCK * BLOCK;
	act *p = xcalloc(t * grp * keys, sizeof *p), *ds = xcalloc(t * grp * keys, sizeof *ds);
	act *d = xcalloc(n, sizeof *d);
	float *scratch = xaligned(attn_scratch(s) * sizeof *scratch);
	struct attn_seq seq = {b.out, b.lse, b.q, b.k, b.v, t, 0};

	for (size_t u = 0; u < t * grp; u++)
		forward_unit(&a, u);
	backward_units(&a, p, ds, d);
	backward_keys(&a, a.dv, p, d);
	backward_keys(&a, a.dk, ds, a.q);
	lv->attn(&(struct attn_job){
		.seqs = &seq, .n = 1, .ldo = grp * s, .ldl = grp, .ldq = grp * s, .ldkv = s, .grp = grp,
		.s = s, .window = b.window, .scale = b.scale}, scratch);
	ok(!memcmp(a.out, b.out, n * sizeof *a.out) && !memcmp(a.lse, b.lse, t * grp * sizeof *a.lse),
	   "%s attn t %zu, %zu heads of %zu, window %zu: every bit as defined", lv->isa, t, grp, s,
	   a.window);
	lv->attn_bwd(&(struct attn_grad){
		.dq = b.dq, .dk = b.dk, .dv = b.dv, .dout = b.dout, .lse = b.lse, .out = b.out, .q = b.q,
		.k = b.k, .v = b.v, .rows = t, .key1 = t, .ldd = s, .ldl = grp, .ldq = grp * s, .ldkv = s,
		.grp = grp, .s = s, .window = b.window, .scale = b.scale}, scratch);
	ok(!memcmp(a.dq, b.dq, n * sizeof *a.dq) && !memcmp(a.dk, b.dk, t * s * sizeof *a.dk) &&
	       !memcmp(a.dv, b.dv, t * s * sizeof *a.dv),
	   "%s attn_bwd t %zu, %zu heads of %zu, window %zu: every bit as defined", lv->isa, t, grp, s,
	   a.window);
	free(p), free(ds), free(d), free(scratch);
	layer_free(&a);
	layer_free(&b);
}

int main(void)
{
	const struct kern *lv = kern_level("amx-model");

	if (!lv)
		skip("amx-model: no AVX2 on this machine");
	for (size_t i = 0; lv && i < LEN(cases); i++)
		compare(lv, i);
	return done();
}
