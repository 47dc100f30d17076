/* SPDX-License-Identifier: MIT */
/*
 * Models of levels against the instructions themselves, bit for bit, where the machine has them: so
 * that what is shown of a model elsewhere holds for the level.
 */
#include "kerntest.h"

static const struct kern *real, *model;

static void *zeros(size_t n)
{
	return xcalloc(n, 1);
}

/* Products of m x n x k, packed and by k, added to C, in which some values are denormal. */
static void products(void)
{
	static const struct { size_t m, n, k; } shapes[] = {
		{1, 64, 64}, {3, 65, 577}, {6, 130, 100}, {16, 64, 96}, {17, 200, 1151}, {32, 64, 64},
		{61, 391, 1187}, {300, 130, 1600},
	};
	int same = 1, same_by_k = 1;

	for (size_t i = 0; i < LEN(shapes); i++) {
		struct numbers r = numbers(i);
		size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k, bytes = m * n * sizeof(float);
		act *a = acts(&r, m * k, -1, 1), *w = acts(&r, n * k, -1, 1), *at, *wt;
		float *c = floats(&r, m * n, -1, 1), *d;
		struct packed p = {0};

		for (size_t j = 0; j < n * k; j += 7)
			w[j] = (act)(w[j] & (j % 2 ? 0x807f : 0x8000));
		for (size_t j = 0; j < m * k; j += 11)
			a[j] = (act)(a[j] & 0x807f);
		at = by_k(a, m, k);
		wt = by_k(w, n, k);
		d = copy(c, bytes);
		pack(&p, w, n, k, k, 0);
		alone(real, c, n, a, k, &p, m, 1);
		alone(model, d, n, a, k, &p, m, 1);
		same &= !memcmp(c, d, bytes);
		alone_by_k(real, c, n, at, m, wt, n, m, n, k, 1);
		alone_by_k(model, d, n, at, m, wt, n, m, n, k, 1);
		same_by_k &= !memcmp(c, d, bytes);
		free(a), free(w), free(at), free(wt), free(c), free(d);
		pack_free(&p);
	}
	ok(same, "%s: products of packed weights: the model's bits", real->isa);
	ok(same_by_k, "%s: products by k: the model's bits", real->isa);
}

/* All that a row function makes of n values, one after the other in out. */
static void rows_of(const struct kern *lv, float *out, const float *x, const float *y, size_t n)
{
	struct adamw step = {0.5f, 1e-3f, 0.9f, 0.99f, 2, 3, 1e-8f, 0.1f};
	act *h = (act *)(out + 8 * n);
	float lx = lv->lse(x, n, 1), ly = lv->lse(y, n, 0.7f), *scalar = out + 12 * n;

	memcpy(out, x, n * sizeof *out);
	scalar[0] = lv->rmsnorm_f32(out, y, n, 1e-5f);
	scalar[1] = lv->rmsnorm(h, x, y, n, 1e-5f);
	lv->rmsnorm_bwd(out + n, out + 2 * n, x, y, x, n, 0.3f);
	lv->rope(out + n, 1, n / 2 * 2, x, y);
	lv->glu(h + n, x, y, n, 0);
	lv->glu(h + 2 * n, x, y, n, 1);
	lv->to_act(h + 3 * n, x, n);
	lv->from_act(out + 3 * n, h + 3 * n, n);
	lv->axpy(out + 3 * n, 0.7f, y, n);
	lv->kl(x, lx, y, ly, n, &scalar[2], &scalar[3]);
	lv->dlogits(h + 4 * n, x, lx, y, ly, scalar[2], n, (int)n / 2, 0.4f, 0.2f);
	lv->adamw(&step, n, x, y, NULL, NULL, h + 5 * n, out + 4 * n, out + 5 * n, out + 6 * n);
	scalar[4] = lx, scalar[5] = ly;
	scalar[6] = (float)lv->sumsq(x, n);
}

static void rows(void)
{
	static const size_t sizes[] = {1, 7, 15, 16, 17, 33, 100, 577, 1536};
	int same = 1;

	for (size_t i = 0; i < LEN(sizes); i++) {
		size_t n = sizes[i], bytes = (12 * n + 8) * sizeof(float);
		struct numbers r = numbers(n);
		float *x = floats(&r, n, -30, 30), *y = floats(&r, n, -8, 8);
		float *a = zeros(bytes), *b = zeros(bytes);

		x[n / 2] = 1e-41f, x[n / 3] = -200;
		rows_of(real, a, x, y, n);
		rows_of(model, b, x, y, n);
		same &= !memcmp(a, b, bytes);
		free(x), free(y), free(a), free(b);
	}
	ok(same, "%s: row functions: the model's bits", real->isa);
}

/* exp by what kl makes of one value, x exp(x): every 1009th float from -104 to 104. */
static void exponential(void)
{
	int same = 1;

	for (uint32_t u = 0; u < 0x42d00000; u += 1009)
		for (uint32_t sign = 0; sign < 2; sign++) {
			uint32_t bits = u | sign << 31;
			float x, kl, a, b;

			memcpy(&x, &bits, sizeof x);
			real->kl(&x, 0, NULL, 0, 1, &kl, &a);
			model->kl(&x, 0, NULL, 0, 1, &kl, &b);
			same &= !memcmp(&a, &b, sizeof a);
		}
	ok(same, "%s: exp of two million values: the model's bits", real->isa);
}

static void attention(size_t t, size_t grp, size_t s, size_t window)
{
	struct numbers r = numbers(t);
	size_t n = t * grp * s, nkv = t * s;
	act *q = acts(&r, n, -3, 3), *k = acts(&r, nkv, -2, 2), *v = acts(&r, nkv, -2, 2);
	float *dout = floats(&r, n, -1, 1), *scratch = xaligned(attn_scratch(s) * sizeof *scratch);
	const struct kern *lv[2] = {real, model};
	act *out[2];
	float *lse[2], *g[2];
	struct attn_seq seq;
	float scale = 1 / sqrtf((float)s);

	for (int i = 0; i < 2; i++) {
		out[i] = zeros(n * sizeof(act));
		lse[i] = zeros(t * grp * sizeof(float));
		g[i] = zeros((n + 2 * nkv) * sizeof(float));
		seq = (struct attn_seq){out[i], lse[i], q, k, v, t, 0};
		lv[i]->attn(&(struct attn_job){
			.seqs = &seq, .n = 1, .ldo = grp * s, .ldl = grp, .ldq = grp * s, .ldkv = s,
			.grp = grp, .s = s, .window = window, .scale = scale}, scratch);
		lv[i]->attn_bwd(&(struct attn_grad){
			.dq = g[i], .dk = g[i] + n, .dv = g[i] + n + nkv, .dout = dout, .lse = lse[0],
			.out = out[0], .q = q, .k = k, .v = v, .rows = t, .key1 = t, .ldd = s, .ldl = grp,
			.ldq = grp * s, .ldkv = s, .grp = grp, .s = s, .window = window,
			.scale = scale}, scratch);
	}
	ok(!memcmp(out[0], out[1], n * sizeof(act)) &&
	       !memcmp(lse[0], lse[1], t * grp * sizeof(float)),
	   "%s: attn t %zu, %zu heads of %zu, window %zu: the model's bits", real->isa, t, grp, s,
	   window);
	ok(!memcmp(g[0], g[1], (n + 2 * nkv) * sizeof(float)),
	   "%s: attn_bwd t %zu, %zu heads of %zu, window %zu: the model's bits", real->isa, t, grp, s,
	   window);
	for (int i = 0; i < 2; i++)
		free(out[i]), free(lse[i]), free(g[i]);
	free(q), free(k), free(v), free(dout), free(scratch);
}

/* Does vdpbf16ps round after each product, as the manual says? Some makers' rounds a pair once. */
static int rounds_twice(void)
{
	act a[2] = {act_of(0x1p-12f), act_of(0x1p-12f)};
	struct packed p = {0};
	float c = 1;

	pack(&p, a, 1, 2, 2, 0);
	alone(real, &c, 1, a, 2, &p, 1, 1);
	pack_free(&p);
	return c == 1;
}

static void compare(const char *level, const char *model_of_it)
{
	real = kern_level(level);
	model = kern_level(model_of_it);
	if (!real || !model) {
		skip("%s: not available on this machine", level);
		return;
	}
	if (!strcmp(level, "avx512bf16") && !rounds_twice())
		skip("%s: products: this processor rounds a pair of them once", level);
	else
		products();
	rows();
	exponential();
	attention(5, 2, 6, 0);
	attention(70, 3, 64, 0);
	attention(150, 1, 80, 33);
	attention(1, 7, 128, 0);
}

int main(void)
{
	compare("avx512", "avx512-model");
	compare("avx512bf16", "avx512bf16-model");
	compare("amx", "amx-model");
	return done();
}
