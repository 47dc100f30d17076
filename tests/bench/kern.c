/* SPDX-License-Identifier: MIT */
/*
 * Speed of the kernels on SmolLM2-135M's shapes, beside the rate of what the level's GEMM is made
 * of (peak.h), measured in the same run:
 * make build/release/tests/bench/kern.t && build/release/tests/bench/kern.t [THREADS] (SCORE_ISA
 * chooses the level) Weights are cycled through more memory than caches hold, as a model's are. One
 * thread is timed by its processor time, several by the wall.
 */
#include "peak.h"

static const struct { const char *name; size_t n, k; } shapes[] = {
	{"q, o", 576, 576}, {"k, v", 192, 576}, {"qkv", 960, 576}, {"gate or up", 1536, 576},
	{"down", 576, 1536}, {"head", 49152, 576},
};

static float noise(void)
{
	static uint32_t x = 1;

	x = x * 1664525 + 1013904223;
	return (float)(int32_t)x * 0x1p-31f;
}

static act *acts(size_t n)
{
	act *p = xaligned(n * sizeof *p);

	for (size_t i = 0; i < n; i++)
		p[i] = act_of(noise());
	return p;
}

static float *floats(size_t n)
{
	float *p = xaligned(n * sizeof *p);

	for (size_t i = 0; i < n; i++)
		p[i] = noise();
	return p;
}

/* The best of three times, seconds a call; calls are repeated for about a tenth of a second. */
#define TIME(best, call) do { \
	double once_ = peak_clock(); \
	size_t reps_; \
	call; \
	once_ = peak_clock() - once_; \
	reps_ = once_ < 0.05 ? (size_t)(0.1 / (once_ + 1e-6)) + 1 : 2; \
	best = 1e9; \
	for (int try_ = 0; try_ < 3; try_++) { \
		double t_ = peak_clock(); \
		for (size_t r_ = 0; r_ < reps_; r_++) \
			call; \
		t_ = (peak_clock() - t_) / (double)reps_; \
		best = t_ < best ? t_ : best; \
	} \
} while (0)

static void gemms(double top)
{
	static const size_t rows[] = {1, 8, 32, 64, 512};

	for (size_t i = 0; i < LEN(shapes); i++) {
		size_t n = shapes[i].n, k = shapes[i].k, copies = (128u << 20) / (n * k * sizeof(act)) + 1,
		       at = 0;
		struct packed *p = xcalloc(copies, sizeof *p);
		act *w = acts(n * k);

		for (size_t c = 0; c < copies; c++)
			pack(&p[c], w, n, k, k, 0);
		printf("%-10s %5zu x %-4zu ", shapes[i].name, n, k);
		for (size_t j = 0; j < LEN(rows); j++) {
			size_t m = n > 10000 && rows[j] > 64 ? 128 : rows[j];
			act *a = acts(m * k);
			float *c = floats(m * n);
			double t, flop = 2.0 * (double)(m * n * k);

			TIME(t, gemm(c, n, a, k, &p[at++ % copies], m, 0));
			printf(" M%zu %.0f (%.0f%%)", m, flop / t / 1e9, 100 * flop / t / top);
			if (m == 1)
				printf(" %.1f GB/s", (double)(n * k * sizeof(act)) / t / 1e9);
			free(a), free(c);
		}
		puts("");
		for (size_t c = 0; c < copies; c++)
			pack_free(&p[c]);
		free(p), free(w);
	}
}

static void gradients(double top)
{
	static const size_t lengths[] = {64, 512, 2048};

	for (size_t i = 0; i < LEN(shapes); i++) {
		size_t n = shapes[i].n, k = shapes[i].k;
		float *dw = floats(n * k);

		printf("dW %-7s %5zu x %-4zu ", shapes[i].name, n, k);
		for (size_t j = 0; j < LEN(lengths); j++) {
			size_t t = n > 10000 ? lengths[j] / 4 : lengths[j];
			act *dy = acts(t * n), *x = acts(t * k);
			double s, flop = 2.0 * (double)(t * n * k);

			TIME(s, gemm_dw(dw, k, dy, n, x, k, t, n, k));
			printf(" T%zu %.0f (%.0f%%)", t, flop / s / 1e9, 100 * flop / s / top);
			free(dy), free(x);
		}
		puts("");
		free(dw);
	}
}

/* One layer on one thread: 9 heads in 3 groups of size 64. */
static void attention(void)
{
	enum { GROUPS = 3, GRP = 3, S = 64, LDQ = GROUPS * GRP * S, LDKV = GROUPS * S };
	static const size_t lengths[] = {128, 512, 2048};

	for (size_t i = 0; i < LEN(lengths); i++) {
		size_t t = lengths[i];
		act *q = acts(t * LDQ), *k = acts(t * LDKV), *v = acts(t * LDKV), *o = acts(t * LDQ);
		float *lse = floats(t * GRP), *d = floats(t * LDQ), *dq = floats(t * LDQ),
		      *dk = floats(t * LDKV);
		float *dv = floats(t * LDKV), *scratch = xaligned(attn_scratch(S) * sizeof *scratch);
		struct attn_seq all = {o, lse, q, k, v, t, 0}, last = {o, lse, q, k, v, 1, t - 1};
		struct attn_job many = {.seqs = &all, .n = 1, .ldo = LDQ, .ldl = GRP, .ldq = LDQ,
		                        .ldkv = LDKV, .grp = GRP, .s = S, .scale = 0.125f}, few = many;
		struct attn_grad back = {.dq = dq, .dk = dk, .dv = dv, .dout = d, .lse = lse, .out = o,
		                         .q = q, .k = k, .v = v, .rows = t, .key1 = t, .ldd = LDKV,
		                         .ldl = GRP, .ldq = LDQ, .ldkv = LDKV, .grp = GRP, .s = S,
		                         .scale = 0.125f};
		double f, b, one, flop = 4.0 * S * GRP * (double)(t * (t + 1) / 2);

		few.seqs = &last;
		TIME(f, kern->attn(&many, scratch));
		TIME(b, kern->attn_bwd(&back, scratch));
		TIME(one, kern->attn(&few, scratch));
		printf(
			"attention of 3 heads, T %zu: forward %.0f GFLOP/s, backward %.0f, one row %.1f us\n",
		    t, flop / f / 1e9, 2.5 * flop / b / 1e9, one * 1e6);
		free(q), free(k), free(v), free(o), free(lse), free(d), free(dq), free(dk), free(dv),
		    free(scratch);
	}
}

static void rows(void)
{
	enum { V = 49152, F = 1536, N = 1 << 22 };
	static const struct adamw rate = {1, 1e-4f, 0.9f, 0.95f, 1, 1, 1e-8f, 0};
	float *x = floats(V), *y = floats(V), *big[4], kl, h, lx = kern->lse(x, V, 1),
	      ly = kern->lse(y, V, 1);
	act *o = acts(N);
	double a, b, c;

	for (int i = 0; i < 4; i++)
		big[i] = floats(N);
	for (size_t i = 0; i < N; i++)
		big[2][i] = fabsf(big[2][i]);
	TIME(a, kern->lse(x, V, 1));
	TIME(b, kern->kl(x, lx, y, ly, V, &kl, &h));
	TIME(c, kern->dlogits(o, x, lx, y, ly, kl, V, 7, 1, 1));
	printf("a row of %d logits: lse %.0f us, kl %.0f us, dlogits %.0f us\n", V, a * 1e6, b * 1e6,
	       c * 1e6);
	TIME(a, kern->glu(o, x, y, F, 0));
	TIME(b, kern->glu_bwd(o + 2 * F, o + 3 * F, o + 4 * F, x, o, o + F, F, 0));
	TIME(c, kern->adamw(&rate, N, big[3], big[0], big[1], big[2], o, big[0], big[1], big[2]));
	printf("glu of %d: %.2f us, backward %.2f us; adamw: %.2f ns a value\n", F, a * 1e6, b * 1e6,
	       c / N * 1e9);
	free(x), free(y), free(o);
	for (int i = 0; i < 4; i++)
		free(big[i]);
}

static void packs(void)
{
	size_t n = 1536, k = 576;
	act *w = acts(n * k);
	struct packed p = {0};
	double a, b;

	TIME(a, pack(&p, w, n, k, k, 0));
	TIME(b, pack(&p, w, n, k, n, 1));
	printf("pack: %.1f GB/s of weights, transposed %.1f\n", (double)(n * k * sizeof *w) / a / 1e9,
	       (double)(n * k * sizeof *w) / b / 1e9);
	pack_free(&p);
	free(w);
}

int main(int argc, char **argv)
{
	uint64_t threads = 0;
	struct err e;
	const char *of;
	double top;

	prog_init(argv[0]);
	if ((argc > 1 && parse_u64(argv[1], 1, 1024, &threads, &e)) || kern_init((int)threads, &e))
		die(EXIT_ERROR, "%s", e.msg);
	top = peak_level(&of);
	printf("%s, %d threads, %.0f GFLOP/s of %s\n", kern->isa, kern_threads(), top / 1e9, of);
	gemms(top);
	gradients(top);
	attention();
	rows();
	packs();
	return 0;
}
