/* SPDX-License-Identifier: MIT */
/* oneDNN: it computes what our layout means, and only a GEMM that keeps the promise gets trusted. */
#include "kerntest.h"

#include "kern/levels.h"

/* Keeps it: our own kernel. */
static int good(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	alone(kern, c, ldc, a, lda, w, m, add);
	return 0;
}

/* Breaks it: with more than two rows the last input comes first. */
static int other_order(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	for (size_t i = 0; i < m; i++)
		for (size_t n = 0; n < w->n; n++) {
			float s = add ? c[i * ldc + n] : 0;

			for (size_t j = 0; j < w->k; j++) {
				size_t k = m > 2 ? w->k - 1 - j : j;

				s += act_f32(a[i * lda + k]) *
				     act_f32(w->p[((n / 64 * (w->k / 2) + k / 2) * 64 + n % 64) * 2 + k % 2]);
			}
			c[i * ldc + n] = s;
		}
	return 0;
}

/* Keeps it, with one bit other than our own. */
static int other_bits(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	good(c, ldc, a, lda, w, m, add);
	for (size_t i = 0; i < m; i++)
		c[i * ldc + w->n - 1] = nextafterf(c[i * ldc + w->n - 1], HUGE_VALF);
	return 0;
}

static int refuses(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	(void)c, (void)ldc, (void)a, (void)lda, (void)w, (void)m, (void)add;
	return -1;
}

static void correct(void)
{
	static const struct { size_t m, n, k; } shapes[] = {{1, 64, 32}, {5, 130, 64}, {33, 70, 96}, {40, 192, 576}};
	const struct kern *ref = kern_level("ref");

	for (size_t i = 0; i < LEN(shapes); i++)
		for (int add = 0; add < 2; add++) {
			struct numbers r = numbers(i);
			size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k, lda = k + 8, ldc = n + 3;
			act *a = acts(&r, m * lda, -1, 1), *w = acts(&r, n * k, -1, 1);
			float *c = floats(&r, m * ldc, -1, 1), *want = copy(c, m * ldc * sizeof *c);
			struct packed p = {0};
			double d;
			int status;

			pack(&p, w, n, k, k, 0);
			alone(ref, want, ldc, a, lda, &p, m, add);
			status = onednn_gemm(c, ldc, a, lda, &p, m, add);
			d = worst(c, want, m * ldc, 1);
			ok(!status && d < 1e-6 * (double)k, "oneDNN (%s) %zux%zux%zu%s: off by %g", onednn_impl(&p, m), m, n, k,
			   add ? " added" : "", d);
			pack_free(&p);
			free(a), free(w), free(c), free(want);
		}
}

static void choice(void)
{
	struct numbers r = numbers(1);
	enum { M = 9, N = 70, K = 64 };
	act *w = acts(&r, N * K, -1, 1), *a = acts(&r, M * K, -1, 1);
	float own[M * N], c[M * N];
	struct packed p = {0}, odd = {0};
	const char *impl;

	pack(&p, w, N, K, K, 0);
	pack(&odd, w, N, 33, K, 0);
	ok(gemm_invariant(good, NULL, &p) && gemm_invariant(good, good, &p), "a kernel that keeps the promise passes");
	ok(!gemm_invariant(other_order, NULL, &p), "one whose order depends on the rows fails");
	ok(gemm_invariant(other_bits, NULL, &p) && !gemm_invariant(other_bits, good, &p),
	   "one of other bits passes by itself, not against our own");
	ok(!gemm_invariant(refuses, NULL, &p), "one that refuses fails");
	ok(onednn_gemm(c, N, a, K, &odd, M, 0) == -1 && !onednn_impl(&odd, M) && !onednn_trusted(&odd),
	   "inputs that are no multiple of 32: not for oneDNN");
	impl = onednn_impl(&p, 32);
	diag("%s: oneDNN has %s here", kern->isa, impl);
	ok(!onednn_trusted(&p) || strstr(impl, "brg"), "left to itself it trusts nothing but brgemm");
	good(own, N, a, K, &p, M, 0);
	if (!onednn_trusted(&p)) {
		gemm(c, N, a, K, &p, M, 0);
		ok(!memcmp(c, own, sizeof c), "where it is not trusted, gemm is our own kernel");
	}
	onednn_any(1);
	if (onednn_trusted(&p)) {
		float direct[M * N];

		ok(!onednn_gemm(direct, N, a, K, &p, M, 0), "forced: oneDNN computes");
		gemm(c, N, a, K, &p, M, 0);
		ok(!memcmp(c, direct, sizeof c), "forced: gemm gives oneDNN's bits");
	} else {
		skip("%s does not keep the promise here: nothing to force", impl);
	}
	onednn_any(0);
	pack_free(&p);
	pack_free(&odd);
	free(w), free(a);
}

int main(void)
{
	struct err e;

	if (kern_init(2, &e)) {
		ok(0, "%s", e.msg);
		return done();
	}
	correct();
	choice();
	return done();
}
