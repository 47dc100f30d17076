/* SPDX-License-Identifier: MIT */
/* Attention, forward and backward: every level against ref; a row's bits do not depend on its
 * company. */
#include "kerntest.h"

static const struct { size_t t, grp, s, window; } cases[] = {
	{1, 1, 2, 0}, {5, 2, 6, 0}, {17, 3, 16, 0}, {40, 1, 64, 0}, {33, 3, 64, 5}, {70, 7, 80, 0},
	{70, 2, 64, 16}, {100, 4, 128, 33}, {64, 5, 20, 1}, {150, 3, 64, 0},
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
	a.scratch = xaligned(attn_scratch(a.t, a.s) * sizeof *a.scratch);
	return a;
}

static void layer_free(struct layer *a)
{
	free(a->q), free(a->k), free(a->v), free(a->dout), free(a->scratch);
}

/* Rows [r0, r1), which sit in the cache behind positions 0..r0-1. */
static void run(const struct kern *lv, const struct layer *a, act *out, float *lse, size_t r0,
                size_t r1)
{
	lv->attn(out + r0 * a->ldq, a->ldq, lse ? lse + r0 * a->ldl : NULL, a->ldl, a->q + r0 * a->ldq,
	         a->ldq, a->k, a->v, a->ldkv, r1 - r0, r0, a->grp, a->s, a->scale, a->window,
	         a->scratch);
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

/* Rows [r0, r1) against all keys up to theirs; g: dq, dk, dv. */
static void run_back(const struct kern *lv, const struct layer *a, float *g[3], const act *out,
                     const float *lse, size_t r0, size_t r1)
{
	size_t at = r0 * a->ldq;

	lv->attn_bwd(g[0] + at, g[1], g[2], a->ldkv + 3, a->dout + at, out + at, lse + r0 * a->ldl,
	             a->ldl, a->q + at, a->ldq, a->k, a->v, a->ldkv, r1 - r0, r0, a->grp, a->s,
	             a->scale, a->window, a->scratch);
}

static void backward(const struct kern *lv, const struct kern *ref, size_t i)
{
	struct layer a = layer(i);
	size_t n = a.t * a.ldq, nkv = a.t * (a.ldkv + 3);
	struct numbers r = numbers(99);
	act *out = xcalloc(n, sizeof *out);
	float *lse = xcalloc(a.t * a.ldl, sizeof *lse);
	float *x[3], *want[3], *cut[3];
	size_t len[3] = {n, nkv, nkv};

	run(ref, &a, out, lse, 0, a.t);
	for (int j = 0; j < 3; j++) {
		x[j] = floats(&r, len[j], -1, 1);
		want[j] = copy(x[j], len[j] * sizeof *x[j]);
		cut[j] = copy(x[j], len[j] * sizeof *x[j]);
	}
	run_back(lv, &a, x, out, lse, 0, a.t);
	run_back(ref, &a, want, out, lse, 0, a.t);
	for (size_t at = 0; at < a.t; at += a.t / 3 + 1)     /* rows at 0 and further on */
		run_back(lv, &a, cut, out, lse, at, at + a.t / 3 + 1 < a.t ? at + a.t / 3 + 1 : a.t);
	ok(!memcmp(cut[0], x[0], n * sizeof *x[0]) &&
	       worst(cut[1], x[1], nkv, magnitude(x[1], nkv)) < 3e-6 &&
	       worst(cut[2], x[2], nkv, magnitude(x[2], nkv)) < 3e-6,
	   "%s attn_bwd t %zu in parts: the same dq, dk and dv within rounding", lv->isa, a.t);
	for (int j = 0; j < 3; j++) {
		double d = worst(x[j], want[j], len[j], magnitude(want[j], len[j]));

		ok(d < 3e-6, "%s attn_bwd t %zu, %zu heads of %zu, window %zu, d%c: off by %g", lv->isa,
		   a.t, a.grp, a.s, a.window, "qkv"[j], d);
		free(x[j]), free(want[j]), free(cut[j]);
	}
	free(out), free(lse);
	layer_free(&a);
}

int main(void)
{
	const struct kern *ref = kern_level("ref");

	for (size_t l = 0; l < LEN(isas); l++) {
		const struct kern *lv = kern_level(isas[l]);

		if (!lv) {
			skip("%s: not available on this machine", isas[l]);
			continue;
		}
		for (size_t i = 0; i < LEN(cases); i++) {
			forward(lv, ref, i);
			backward(lv, ref, i);
		}
	}
	return done();
}
