/* SPDX-License-Identifier: MIT */
/* Attention, forward and backward: every level against ref; a row's bits do not depend on its
 * company, on where its keys are or on who computes which part. */
#include "kerntest.h"

static const struct { size_t t, grp, s, window; } cases[] = {
	{1, 1, 2, 0}, {5, 2, 6, 0}, {17, 3, 16, 0}, {40, 1, 64, 0}, {33, 3, 64, 5}, {70, 7, 80, 0},
	{70, 2, 64, 16}, {100, 4, 128, 33}, {64, 5, 20, 1}, {150, 3, 64, 0},
	/* around the borders of blocks of KERN_KEYS; more heads than units held at once */
	{KERN_KEYS - 1, 2, 16, 0}, {KERN_KEYS, 3, 16, 0}, {KERN_KEYS + 1, 2, 16, 0},
	{2 * KERN_KEYS + 1, 3, 32, 0}, {3 * KERN_KEYS, 1, 16, KERN_KEYS},
	{2 * KERN_KEYS + 5, 3, 8, KERN_KEYS - 1}, {2 * KERN_KEYS + 5, 2, 8, KERN_KEYS + 1},
	{KERN_KEYS + 9, 70, 4, 0},
};

/* One kv head of a layer: query heads side by side, rows wider than what is used. */
struct layer {
	size_t t, grp, s, window, ldq, ldkv, ldl;
	float scale, *dout, *scratch;
	act *q, *k, *v;
};

static struct layer layer(size_t i)
{
	struct layer a = {
		.t = cases[i].t, .grp = cases[i].grp, .s = cases[i].s, .window = cases[i].window};
	struct numbers r = numbers(i);

	a.ldq = a.grp * a.s + 8;
	a.ldkv = a.s + 4;
	a.ldl = a.grp + 1;
	a.scale = 1 / sqrtf((float)a.s);
	a.q = acts(&r, a.t * a.ldq, -3, 3);
	a.k = acts(&r, a.t * a.ldkv, -2, 2);
	a.v = acts(&r, a.t * a.ldkv, -2, 2);
	a.dout = floats(&r, a.t * a.ldq, -1, 1);
	a.scratch = xaligned(attn_scratch(a.s) * sizeof *a.scratch);
	return a;
}

static void layer_free(struct layer *a)
{
	free(a->q), free(a->k), free(a->v), free(a->dout), free(a->scratch);
}

static struct attn_job job(const struct layer *a)
{
	return (struct attn_job){.ldo = a->ldq, .ldl = a->ldl, .ldq = a->ldq, .ldkv = a->ldkv,
	                         .grp = a->grp, .s = a->s, .window = a->window, .scale = a->scale};
}

/* Rows [r0, r1), which sit in the cache behind positions 0..r0-1. */
static void run(const struct kern *lv, const struct layer *a, act *out, float *lse, size_t r0,
                size_t r1)
{
	struct attn_seq rows = {out + r0 * a->ldq, lse ? lse + r0 * a->ldl : NULL, a->q + r0 * a->ldq,
	                        a->k, a->v, r1 - r0, r0};
	struct attn_job j = job(a);

	j.seqs = &rows;
	j.n = 1;
	lv->attn(&j, a->scratch);
}

static void forward(const struct kern *lv, const struct kern *ref, size_t i)
{
	struct layer a = layer(i);
	size_t n = a.t * a.ldq, nl = a.t * a.ldl;
	act *out = xcalloc(n, sizeof *out), *want = xcalloc(n, sizeof *want),
		*part = xcalloc(n, sizeof *part);
	float *lse = xcalloc(nl, sizeof *lse), *lse_want = xcalloc(nl, sizeof *lse),
	      *lse_part = xcalloc(nl, sizeof *lse);
	double d = 0;
	int same = 1;

	run(lv, &a, out, lse, 0, a.t);
	run(ref, &a, want, lse_want, 0, a.t);
	for (size_t j = 0; j < n; j++) {
		double x = act_f32(out[j]), y = act_f32(want[j]);

		d = fmax(d, fabs(x - y));
	}
	ok(d <= 0.008 && worst(lse, lse_want, nl, 1) < 5e-6,
	   "%s attn t %zu, %zu heads of %zu, window %zu: off by %g, lse by %g", lv->isa, a.t, a.grp,
	   a.s, a.window, d, worst(lse, lse_want, nl, 1));
	for (size_t chunk = 1; chunk <= a.t; chunk = chunk * 2 + 1) {
		memset(part, 0, n * sizeof *part);
		for (size_t r = 0; r < a.t; r += chunk)
			run(lv, &a, part, lse_part, r, r + chunk < a.t ? r + chunk : a.t);
		same &= !memcmp(part, out, n * sizeof *out) && !memcmp(lse_part, lse, nl * sizeof *lse);
	}
	ok(same, "%s attn t %zu in chunks of 1, 3, 7, ..: the same bits", lv->isa, a.t);
	run(lv, &a, part, NULL, 0, a.t);
	ok(!memcmp(part, out, n * sizeof *out), "%s attn t %zu without lse", lv->isa, a.t);
	free(out), free(want), free(part), free(lse), free(lse_want), free(lse_part);
	layer_free(&a);
}

/* ---- sequences with common keys ---- */

enum { SEQS = 23, LONGEST = 150 };

/* SEQS sequences whose first `shared` keys are those of a; the others are their own. */
struct group {
	struct layer a;
	size_t shared, rows[SEQS], pos0[SEQS];
	act *k[SEQS], *v[SEQS];              /* the own ones, [LONGEST][ldkv] */
	act *q[SEQS];
};

static struct group group(size_t shared, size_t grp, size_t window, size_t rows)
{
	struct numbers r = numbers(shared + grp);
	struct group g = {.shared = shared};

	g.a = (struct layer){.t = shared, .grp = grp, .s = 16, .window = window, .ldq = grp * 16,
	                     .ldkv = 20, .ldl = grp, .scale = 0.25f};
	g.a.k = acts(&r, (shared + 1) * g.a.ldkv, -2, 2);
	g.a.v = acts(&r, (shared + 1) * g.a.ldkv, -2, 2);
	g.a.scratch = xaligned(attn_scratch(g.a.s) * sizeof *g.a.scratch);
	for (size_t i = 0; i < SEQS; i++) {
		g.rows[i] = rows;
		g.pos0[i] = shared + i * 37 % (LONGEST - rows);
		g.k[i] = acts(&r, LONGEST * g.a.ldkv, -2, 2);
		g.v[i] = acts(&r, LONGEST * g.a.ldkv, -2, 2);
		g.q[i] = acts(&r, rows * g.a.ldq, -3, 3);
	}
	return g;
}

static void group_free(struct group *g)
{
	for (size_t i = 0; i < SEQS; i++)
		free(g->k[i]), free(g->v[i]), free(g->q[i]);
	free(g->a.k), free(g->a.v), free(g->a.scratch);
}

/* One sequence, with a copy of the common keys before its own. */
static void run_copied(const struct kern *lv, const struct group *g, size_t i, act *out, float *lse)
{
	size_t common = g->shared * g->a.ldkv, own = LONGEST * g->a.ldkv;
	act *k = xcalloc(common + own, sizeof *k), *v = xcalloc(common + own, sizeof *v);
	struct attn_seq rows = {out, lse, g->q[i], k, v, g->rows[i], g->pos0[i]};
	struct attn_job j = job(&g->a);

	memcpy(k, g->a.k, common * sizeof *k);
	memcpy(v, g->a.v, common * sizeof *v);
	memcpy(k + common, g->k[i], own * sizeof *k);
	memcpy(v + common, g->v[i], own * sizeof *v);
	j.seqs = &rows;
	j.n = 1;
	lv->attn(&j, g->a.scratch);
	free(k), free(v);
}

/* `count` sequences from i on, whose common keys are in one place. */
static void run_together(const struct kern *lv, const struct group *g, size_t i, size_t count,
                         act *out, float *lse)
{
	struct attn_job j = job(&g->a);
	struct attn_seq seqs[SEQS];
	size_t rows = g->rows[0];

	for (size_t k = 0; k < count; k++)
		seqs[k] = (struct attn_seq){out + k * rows * j.ldo, lse + k * rows * j.ldl, g->q[i + k],
		                            g->k[i + k], g->v[i + k], rows, g->pos0[i + k]};
	j.seqs = seqs;
	j.n = count;
	j.k = g->a.k;
	j.v = g->a.v;
	j.shared = g->shared;
	lv->attn(&j, g->a.scratch);
}

static void common_keys(const struct kern *lv, size_t shared, size_t grp, size_t window,
                        size_t rows)
{
	struct group g = group(shared, grp, window, rows);
	size_t n = rows * g.a.ldq, nl = rows * g.a.ldl;
	act *want = xcalloc(SEQS * n, sizeof *want), *out = xcalloc(SEQS * n, sizeof *out);
	float *lse = xcalloc(SEQS * nl, sizeof *lse), *lse_out = xcalloc(SEQS * nl, sizeof *lse);
	int same = 1;

	for (size_t i = 0; i < SEQS; i++)
		run_copied(lv, &g, i, want + i * n, lse + i * nl);
	for (size_t count = 1; count <= SEQS; count = count * 2 + 1) {
		for (size_t i = 0; i < SEQS; i += count)
			run_together(lv, &g, i, count < SEQS - i ? count : SEQS - i, out + i * n,
			             lse_out + i * nl);
		same &= !memcmp(out, want, SEQS * n * sizeof *out) &&
		        !memcmp(lse_out, lse, SEQS * nl * sizeof *lse);
	}
	ok(same, "%s attn, %zu keys shared, %zu heads, window %zu, %zu rows: the bits of copied keys",
	   lv->isa, shared, grp, window, rows);
	free(want), free(out), free(lse), free(lse_out);
	group_free(&g);
}

/* Scores that are -inf in a whole first block are weights of 0 for whoever sees other keys too. */
static void minus_infinity(const struct kern *lv)
{
	size_t last = KERN_KEYS + 40;
	struct numbers r = numbers(5);
	struct layer a = {.t = last + 1, .grp = 1, .s = 16, .ldq = 16, .ldkv = 16, .ldl = 1,
	                  .scale = 0.25f};
	act out[16], want[16], *q;
	float lse, lse_want;
	struct attn_seq one = {out, &lse, NULL, NULL, NULL, 1, last};
	struct attn_job j = job(&a);

	a.scratch = xaligned(attn_scratch(a.s) * sizeof *a.scratch);
	one.q = q = acts(&r, 16, 1, 2);
	one.k = a.k = acts(&r, a.t * 16, -2, 2);
	one.v = a.v = acts(&r, a.t * 16, -2, 2);
	for (size_t i = 0; i < KERN_KEYS * 16; i++)
		a.k[i] = act_of(-3e38f);
	j.seqs = &one;
	j.n = 1;
	lv->attn(&j, a.scratch);
	j.window = last + 1 - KERN_KEYS;     /* without the first block */
	one.out = want;
	one.lse = &lse_want;
	lv->attn(&j, a.scratch);
	ok(!memcmp(out, want, sizeof out) && lse == lse_want && isfinite(lse),
	   "%s attn after a block of scores of -inf: %g, as without it", lv->isa, lse);
	one.pos0 = KERN_KEYS - 1;
	j.window = 0;
	lv->attn(&j, a.scratch);
	ok(isnan(act_f32(want[0])), "%s attn of such scores only: no number", lv->isa);
	free(q), free(a.k), free(a.v), free(a.scratch);
}

/* ---- backward ---- */

/* Rows [r0, r1) against keys [key0, key1) up to theirs; g: dq, dk, dv. */
static void run_back(const struct kern *lv, const struct layer *a, float *const g[3],
                     const act *out, const float *lse, size_t r0, size_t r1, size_t key0,
                     size_t key1)
{
	size_t at = r0 * a->ldq;

	lv->attn_bwd(&(struct attn_grad){
		.dq = g[0] ? g[0] + at : NULL, .dk = g[1], .dv = g[2], .dout = a->dout + at,
		.lse = lse + r0 * a->ldl, .out = out + at, .q = a->q + at, .k = a->k, .v = a->v,
		.rows = r1 - r0, .pos0 = r0, .key0 = key0, .key1 = key1, .ldd = a->ldkv + 3,
		.ldl = a->ldl, .ldq = a->ldq, .ldkv = a->ldkv, .grp = a->grp, .s = a->s,
		.window = a->window, .scale = a->scale}, a->scratch);
}

/* Tiles multiply what is rounded to bf16: each of two factors by 2^-9 of it at most. Their every
 * bit is tested in amx_attn.c. */
static double exactness(const struct kern *lv)
{
	return strncmp(lv->isa, "amx", 3) ? 3e-6 : 0x1p-8;
}

static void backward(const struct kern *lv, const struct kern *ref, size_t i)
{
	struct layer a = layer(i);
	size_t n = a.t * a.ldq, nkv = a.t * (a.ldkv + 3);
	struct numbers r = numbers(99);
	act *out = xcalloc(n, sizeof *out);
	float *lse = xcalloc(a.t * a.ldl, sizeof *lse);
	float *x[3], *want[3], *cut[3], *start[3];
	size_t len[3] = {n, nkv, nkv};
	int same = 1;

	run(ref, &a, out, lse, 0, a.t);
	for (int j = 0; j < 3; j++) {
		x[j] = floats(&r, len[j], -1, 1);
		start[j] = copy(x[j], len[j] * sizeof *x[j]);
		want[j] = copy(x[j], len[j] * sizeof *x[j]);
		cut[j] = copy(x[j], len[j] * sizeof *x[j]);
	}
	run_back(lv, &a, x, out, lse, 0, a.t, 0, a.t);
	run_back(ref, &a, want, out, lse, 0, a.t, 0, a.t);
	for (size_t at = 0, end; at < a.t; at = end) {       /* rows at 0 and further on */
		end = at + a.t / 3 + 1 < a.t ? at + a.t / 3 + 1 : a.t;
		run_back(lv, &a, cut, out, lse, at, end, 0, a.t);
	}
	ok(!memcmp(cut[0], x[0], n * sizeof *x[0]) &&
	       worst(cut[1], x[1], nkv, magnitude(x[1], nkv)) < 3e-6 &&
	       worst(cut[2], x[2], nkv, magnitude(x[2], nkv)) < 3e-6,
	   "%s attn_bwd t %zu in parts: the same dq, dk and dv within rounding", lv->isa, a.t);
	for (int j = 0; j < 3; j++)
		memcpy(cut[j], start[j], len[j] * sizeof *x[j]);
	for (size_t key = 0; key < a.t; key += KERN_SHARED) {
		run_back(lv, &a, (float *[3]){cut[0]}, out, lse, 0, a.t, key, key + KERN_SHARED);
		run_back(lv, &a, (float *[3]){NULL, cut[1], cut[2]}, out, lse, 0, a.t, key,
		         key + KERN_SHARED);
	}
	for (int j = 0; j < 3; j++)
		same &= !memcmp(cut[j], x[j], len[j] * sizeof *x[j]);
	ok(same, "%s attn_bwd t %zu, dq and dk, dv apart and some keys at a time: the same bits",
	   lv->isa, a.t);
	for (int j = 0; j < 3; j++) {
		double d = worst(x[j], want[j], len[j], magnitude(want[j], len[j]));

		ok(d < exactness(lv), "%s attn_bwd t %zu, %zu heads of %zu, window %zu, d%c: off by %g",
		   lv->isa, a.t, a.grp, a.s, a.window, "qkv"[j], d);
		free(x[j]), free(want[j]), free(cut[j]), free(start[j]);
	}
	free(out), free(lse);
	layer_free(&a);
}

static const struct { size_t shared, grp, window, rows; } shares[] = {
	{0, 3, 0, 1}, {64, 1, 0, 1}, {64, 3, 0, 1}, {128, 3, 0, 1}, {192, 3, 0, 1}, {320, 9, 0, 1},
	{256, 3, 100, 1}, {192, 3, 200, 1}, {128, 70, 0, 1}, {192, 3, 0, 5}, {256, 2, 230, 4},
};

int main(void)
{
	const struct kern *ref = kern_level("ref");

	for (size_t l = 0; l < LEN(levels); l++) {
		const struct kern *lv = kern_level(levels[l]);

		if (!lv) {
			skip("%s: not available on this machine", levels[l]);
			continue;
		}
		for (size_t i = 0; i < LEN(cases); i++) {
			forward(lv, ref, i);
			backward(lv, ref, i);
		}
		for (size_t i = 0; i < LEN(shares); i++)
			common_keys(lv, shares[i].shared, shares[i].grp, shares[i].window, shares[i].rows);
		minus_infinity(lv);
	}
	return done();
}
