/* SPDX-License-Identifier: MIT */
/*
 * The levels with dot products of bf16, as models of them run anywhere: tiles, pairs, both forms of
 * A and W, edges and odd K against what the instructions' manual says, one number at a time.
 */
#include "kerntest.h"
#include "tiledot.h"

static const struct kern *model;

/* s + sum_k a[k] w[k] */
typedef float dot_fn(float s, const act *a, const act *w, size_t k);
static dot_fn *dot;

/* vdpbf16ps: of a pair, the odd product is added first. */
static float pairs(float s, const act *a, const act *w, size_t k)
{
	for (size_t i = 0; i < k; i += 2) {
		if (i + 1 < k)
			s = step1(s, a[i + 1], w[i + 1]);
		else     /* the packed pair's zeros */
			s = step1(s, 0, 0);
		s = step1(s, a[i], w[i]);
	}
	return s;
}

struct problem {
	size_t m, n, k, lda, ldat, ldc;
	act *a, *at, *w, *wt;        /* at, wt: with k as rows */
	float *c, *want;             /* what C starts from; what adding gives */
	struct packed p;
};

/* Some inputs are denormal, and zero of either sign. */
static struct problem problem(size_t m, size_t n, size_t k, int add)
{
	struct problem x = {.m = m, .n = n, .k = k, .lda = k + 3, .ldat = m + 1, .ldc = n + 5};
	struct numbers r = numbers(m * 1000 + n + k);

	x.a = acts(&r, m * x.lda, -1, 1);
	x.w = acts(&r, n * k, -1, 1);
	x.c = floats(&r, m * x.ldc, -1, 1);
	for (size_t i = 0; i < n * k; i += 7)
		x.w[i] = (act)(x.w[i] & (i % 2 ? 0x807f : 0x8000));
	for (size_t i = 0; i < m * x.lda; i += 11)
		x.a[i] = (act)(x.a[i] & 0x807f);
	x.at = xcalloc(k * x.ldat, sizeof *x.at);
	x.wt = by_k(x.w, n, k);
	x.want = copy(x.c, m * x.ldc * sizeof *x.c);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			x.want[i * x.ldc + j] =
				dot(add ? x.c[i * x.ldc + j] : 0, x.a + i * x.lda, x.w + j * k, k);
	for (size_t i = 0; i < m * k; i++)
		x.at[i % k * x.ldat + i / k] = x.a[i / k * x.lda + i % k];
	pack(&x.p, x.w, n, k, k, 0);
	return x;
}

static void problem_free(struct problem *x)
{
	free(x->a), free(x->at), free(x->w), free(x->wt), free(x->c), free(x->want);
	pack_free(&x->p);
}

/* C from its start, rows [0, m) by `rows`; is it the one wanted, beyond column n, too? */
static int same(const struct problem *x, int add, int trans, size_t rows)
{
	size_t bytes = x->m * x->ldc * sizeof *x->c;
	float *c = copy(x->c, bytes);
	int good;

	for (size_t i = 0; i < x->m; i += rows) {
		size_t m = i + rows < x->m ? rows : x->m - i;
		float *ci = c + i * x->ldc;

		if (trans)
			alone_by_k(model, ci, x->ldc, x->at + i, x->ldat, x->wt, x->n, m, x->n, x->k,
			           add);
		else
			alone(model, ci, x->ldc, x->a + i * x->lda, x->lda, &x->p, m, add);
	}
	good = !memcmp(c, x->want, bytes);
	free(c);
	return good;
}

static void products(void)
{
	static const struct { size_t m, n, k; } shapes[] = {
		{1, 1, 1}, {1, 64, 2}, {2, 65, 3}, {3, 63, 31}, {4, 130, 64}, {5, 192, 576}, {6, 17, 577},
		{7, 128, 100}, {13, 200, 1151}, {25, 64, 1603}, {97, 70, 33}, {150, 65, 800},
		{16, 64, 96}, {17, 70, 3104}, {32, 128, 64}, {33, 96, 1568}, {300, 130, 128}, {64, 33, 32},
	};

	for (size_t i = 0; i < LEN(shapes); i++)
		for (int add = 0; add < 2; add++) {
			struct problem x = problem(shapes[i].m, shapes[i].n, shapes[i].k, add);

			for (int trans = 0; trans < 2; trans++)
				ok(same(&x, add, trans, x.m), "%s %zu x %zu x %zu%s%s: every bit as defined",
				   model->isa, x.m, x.n, x.k, add ? " added" : "", trans ? ", k as rows" : "");
			problem_free(&x);
		}
}

static void cuts(void)
{
	struct problem x = problem(61, 391, 1187, 1);
	int good = 1;

	for (size_t rows = 1; rows < 40; rows += rows < 13 ? 1 : 7)
		good &= same(&x, 1, 0, rows) && same(&x, 1, 1, rows);
	ok(good, "%s: rows by 1 to 13, 20, ..: the same bits", model->isa);
	problem_free(&x);
}

static void on_threads(void)
{
	int good = 1;

	for (int t = 1; t <= 4; t++) {
		struct problem x = problem(200, 320, 130, 1);
		float *c = copy(x.c, x.m * x.ldc * sizeof *c), *dw = copy(c, x.m * x.ldc * sizeof *c);
		struct err e;

		if (kern_init(t, &e))
			diag("%s", e.msg);
		kern = model;
		gemm(c, x.ldc, x.a, x.lda, &x.p, x.m, 1);
		gemm_dw(dw, x.ldc, x.at, x.ldat, x.wt, x.n, x.k, x.m, x.n);
		good &= !memcmp(c, x.want, x.m * x.ldc * sizeof *c) &&
		        !memcmp(dw, x.want, x.m * x.ldc * sizeof *c);
		free(c), free(dw);
		problem_free(&x);
	}
	ok(good, "%s: gemm and gemm_dw with 1 to 4 threads: the same bits", model->isa);
}

int main(void)
{
	static const struct { const char *isa; dot_fn *dot; } models[] = {
		{"avx512bf16-model", pairs}, {"amx-model", tile_dot},
	};

	for (size_t i = 0; i < LEN(models); i++) {
		model = kern_level(models[i].isa);
		dot = models[i].dot;
		if (!model) {
			skip("%s: no AVX2 on this machine", models[i].isa);
			continue;
		}
		products();
		cuts();
		on_threads();
	}
	return done();
}
