/* SPDX-License-Identifier: MIT */
/* Every level's GEMM against ref, its promise (a row's bits depend on nothing but the row),
 * packing, dW. */
#include "kerntest.h"

static const struct { size_t m, n, k; } shapes[] = {
	{1, 1, 1}, {1, 64, 2}, {2, 65, 3}, {3, 63, 31}, {5, 130, 64}, {7, 192, 576}, {11, 17, 577},
	{12, 128, 100}, {13, 200, 1151}, {25, 64, 1300}, {97, 70, 33}, {193, 65, 600}, {31, 190, 1535},
	{25, 130, 2303},
};

/* avx2 and avx512 add the same exact products in the same order as ref: equal. Others round pairs
 * otherwise. */
static int exact(const char *isa)
{
	return !strcmp(isa, "avx2") || !strcmp(isa, "avx512") || !strcmp(isa, "ref") ||
	       !strcmp(isa, "avx512-model");
}

static void against_ref(const char *isa)
{
	const struct kern *ref = kern_level("ref"), *lv = kern_level(isa);

	for (size_t i = 0; i < LEN(shapes); i++)
		for (int add = 0; add < 2; add++) {
			struct numbers r = numbers(i);
			size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k, lda = k + 3, ldc = n + 5;
			act *a = acts(&r, m * lda, -1, 1), *at = xcalloc(k * (m + 1), sizeof *at),
			    *w = acts(&r, n * k, -1, 1), *wt = by_k(w, n, k);
			float *c = floats(&r, m * ldc, -1, 1), *want = copy(c, m * ldc * sizeof *c);
			float *ct = copy(c, m * ldc * sizeof *c);
			struct packed p = {0};
			double tolerance = exact(isa) ? 0 : 1e-6 * (double)k;
			double d;

			pack(&p, w, n, k, k, 0);
			alone(ref, want, ldc, a, lda, &p, m, add);
			alone(lv, c, ldc, a, lda, &p, m, add);
			for (size_t x = 0; x < m * k; x++)
				at[x % k * (m + 1) + x / k] = a[x / k * lda + x % k];
			alone_by_k(lv, ct, ldc, at, m + 1, wt, n, m, n, k, add);
			d = worst(c, want, m * ldc, 1);      /* what lies beyond column n is compared, too */
			ok(d <= tolerance, "%s gemm %zux%zux%zu%s: off by %g", isa, m, n, k,
			   add ? " added" : "", d);
			ok(!memcmp(c, ct, m * ldc * sizeof *c),
			   "%s gemm %zux%zux%zu%s, k as rows: the same bits", isa, m, n, k,
			   add ? " added" : "");
			pack_free(&p);
			free(a), free(at), free(w), free(wt), free(c), free(ct), free(want);
		}
}

/* All rows at once must equal: each row alone, any range of rows, any split of panels, any number
 * of threads. */
static void invariant(const char *isa, int add)
{
	enum { M = 61, N = 391, K = 1187, LDA = K + 1, LDC = N + 2 };
	struct numbers r = numbers(7);
	act *a = acts(&r, M * LDA, -2, 2), *w = acts(&r, N * K, -1, 1);
	float *start = floats(&r, M * LDC, -1, 1), *all = copy(start, M * LDC * sizeof *all);
	size_t bytes = M * LDC * sizeof *all;
	struct packed p = {0};
	int same = 1;

	pack(&p, w, N, K, K, 0);
	alone(kern, all, LDC, a, LDA, &p, M, add);
	for (size_t rows = 1; rows <= 40; rows += rows < 14 ? 1 : 7) {
		float *c = copy(start, bytes);

		for (size_t i = 0; i < M; i += rows)
			alone(kern, c + i * LDC, LDC, a + i * LDA, LDA, &p, i + rows < M ? rows : M - i, add);
		same &= !memcmp(c, all, bytes);
		free(c);
	}
	ok(same, "%s: rows by 1 to 13, 20, ..: the same bits%s", isa, add ? " (added)" : "");
	same = 1;
	for (size_t blocks = 1; blocks < 12; blocks += 5)
		for (size_t parts = 1; parts < 5 && parts <= (M / blocks + KERN_ROWS - 1) / KERN_ROWS;
		     parts++)
			for (size_t step = 1; step < 40; step += 13) {
				float *c = copy(start, bytes);
				struct product j = {.c = c,
				                    .a = a,
				                    .w = p.p,
				                    .m = M,
				                    .n = N,
				                    .k = K,
				                    .ldc = LDC,
				                    .lda = LDA,
				                    .add = add,
				                    .blocks = blocks,
				                    .parts = parts};
				size_t units = blocks * 7 * parts;

				for (size_t u = 0; u < units; u += step) {
					struct share s = {.slots = &s.own, .n = 1};

					atomic_init(&s.own.left,
					            (uint64_t)u << 32 | (u + step < units ? u + step : units));
					kern->product(&j, &s, 0);
				}
				same &= !memcmp(c, all, bytes);
				free(c);
			}
	ok(same, "%s: any cut into blocks, panels and parts: the same bits%s", isa,
	   add ? " (added)" : "");
	pack_free(&p);
	free(a), free(w), free(start), free(all);
}

/* gemm and gemm_dw with 1 to 6 threads, on sizes that are split by panels, by rows, by both and not
 * at all. */
static void threads(const char *isa)
{
	static const struct {
		size_t m, n, k;
	} sizes[] = {{3, 40, 20}, {3, 700, 100}, {300, 192, 64}, {64, 640, 96}, {130, 130, 70}};
	int same = 1, same_dw = 1;

	for (size_t i = 0; i < LEN(sizes); i++) {
		struct numbers r = numbers(i);
		size_t m = sizes[i].m, n = sizes[i].n, k = sizes[i].k;
		act *a = acts(&r, m * k, -1, 1), *w = acts(&r, n * k, -1, 1), *dy = acts(&r, m * n, -1, 1);
		float *c[7], *dw[7];
		struct packed p = {0};

		for (int t = 1; t <= 6; t++) {
			struct err e;

			if (kern_init(t, &e))
				diag("%s", e.msg);
			kern = kern_level(isa);
			pack(&p, w, n, k, k, 0);
			c[t] = xcalloc(m * n, sizeof *c[t]);
			dw[t] = xcalloc(n * k, sizeof *dw[t]);
			gemm(c[t], n, a, k, &p, m, 0);
			gemm_dw(dw[t], k, dy, n, a, k, m, n, k);
			same &= kern_threads() == t && !memcmp(c[t], c[1], m * n * sizeof *c[t]);
			same_dw &= !memcmp(dw[t], dw[1], n * k * sizeof *dw[t]);
		}
		for (int t = 1; t <= 6; t++)
			free(c[t]), free(dw[t]);
		pack_free(&p);
		free(a), free(w), free(dy);
	}
	ok(same, "%s: gemm with 1 to 6 threads: the same bits", isa);
	ok(same_dw, "%s: gemm_dw with 1 to 6 threads: the same bits", isa);
}

static void weight_gradient(const char *isa)
{
	static const struct {
		size_t t, n, k;
	} sizes[] = {{1, 1, 1},      {2, 64, 64},   {31, 70, 33},
	             {65, 129, 200}, {700, 33, 65}, {1535, 33, 130}};

	for (size_t i = 0; i < LEN(sizes); i++) {
		struct numbers r = numbers(i);
		size_t t = sizes[i].t, n = sizes[i].n, k = sizes[i].k, ldy = n + 1, ldx = k + 2,
		       ldw = k + 3;
		act *dy = acts(&r, t * ldy, -1, 1), *x = acts(&r, t * ldx, -1, 1);
		float *dw = floats(&r, n * ldw, -1, 1), *want = copy(dw, n * ldw * sizeof *dw);
		double d;

		for (size_t a = 0; a < n; a++)
			for (size_t b = 0; b < k; b++) {
				double s = want[a * ldw + b];

				for (size_t j = 0; j < t; j++)
					s += (double)act_f32(dy[j * ldy + a]) * act_f32(x[j * ldx + b]);
				want[a * ldw + b] = (float)s;
			}
		gemm_dw(dw, ldw, dy, ldy, x, ldx, t, n, k);
		d = worst(dw, want, n * ldw, 1);
		ok(d <= 1e-7 * (double)(t + 4), "%s gemm_dw %zux%zux%zu: off by %g", isa, t, n, k, d);
		free(dy), free(x), free(dw), free(want);
	}
}

static void packing(void)
{
	static const struct {
		size_t n, k;
	} sizes[] = {{1, 1}, {64, 64}, {65, 63}, {130, 7}, {7, 130}, {300, 301}};
	struct packed p = {0}, q = {0};
	int good = 1;

	for (size_t i = 0; i < LEN(sizes); i++) {
		struct numbers r = numbers(i);
		size_t n = sizes[i].n, k = sizes[i].k, ld = k + 4, ldt = n + 2, pairs = (k + 1) / 2,
		       panels = (n + 63) / 64;
		act *w = acts(&r, n * ld, -1, 1), *wt = xcalloc(k * ldt, sizeof *wt);

		for (size_t a = 0; a < n; a++)
			for (size_t b = 0; b < k; b++)
				wt[b * ldt + a] = w[a * ld + b];
		pack(&p, w, n, k, ld, 0);
		pack(&q, wt, n, k, ldt, 1);
		for (size_t a = 0; a < panels * 64; a++)
			for (size_t b = 0; b < pairs * 2; b++) {
				size_t at = ((a / 64 * pairs + b / 2) * 64 + a % 64) * 2 + b % 2;
				act want = a < n && b < k ? w[a * ld + b] : act_of(0);

				good &= p.p[at] == want && q.p[at] == want;
			}
		free(w), free(wt);
	}
	ok(good, "pack: panels of 64 outputs, pairs of inputs, zeros beyond; both orientations");
	pack_free(&p);
	pack_free(&q);
	ok(!p.p && !p.n, "pack_free leaves {0}");
}

/* From the packed form to the packed transposed one: as if packed from the matrix itself, a range
 * of outputs alone included. */
static void transposing(void)
{
	static const struct { size_t n, k, n0, part; } sizes[] = {
		{1, 1, 0, 1}, {64, 64, 0, 64}, {65, 63, 0, 65}, {130, 7, 64, 66}, {7, 130, 0, 7},
		{300, 301, 64, 192}, {320, 576, 128, 65},
	};
	struct packed p = {0}, want = {0};
	int good = 1;

	for (size_t i = 0; i < LEN(sizes); i++) {
		struct numbers r = numbers(i);
		size_t n = sizes[i].n, k = sizes[i].k, n0 = sizes[i].n0, part = sizes[i].part;
		size_t size = (k + 63) / 64 * ((part + 1) / 2) * 128;
		act *w = acts(&r, n * k, -1, 1), *got = xaligned(size * sizeof *got);

		memset(got, 0xff, size * sizeof *got);
		if (part % 2 && n0 + part < n)           /* a part's padding must be zero */
			for (size_t j = 0; j < k; j++)
				w[(n0 + part) * k + j] = act_of(0);
		pack(&p, w, n, k, k, 0);
		pack_transposed(got, &p, n0, part, 0);
		pack(&want, w + n0 * k, k, part, k, 1);
		good &= !memcmp(got, want.p, size * sizeof *got);
		free(w), free(got);
	}
	ok(good, "pack_transposed: the bits of packing the transposed matrix");
	pack_free(&p);
	pack_free(&want);
}

/* Two matrices in one: panel by panel 32 outputs of each; transposed, one after the other. */
static void halves(void)
{
	static const struct { size_t n, k; } sizes[] = {{1, 1}, {31, 64}, {70, 33}, {96, 130}};
	int good = 1, back = 1;

	for (size_t i = 0; i < LEN(sizes); i++) {
		struct numbers r = numbers(i);
		size_t n = sizes[i].n, k = sizes[i].k, half = (n + 31) / 32 * 32, pairs = (k + 1) / 2;
		size_t size = half * 2 * pairs * 2, t_size = (k + 63) / 64 * half * 128;
		act *w[2] = {acts(&r, n * k, -1, 1), acts(&r, n * k, -1, 1)},
		    *all = xcalloc(2 * half * k, sizeof *all), *mixed = xcalloc(2 * half * k, sizeof *all);
		struct packed both = {xaligned(size * sizeof(act)), 2 * half, k}, want = {0};
		act *t = xaligned(t_size * sizeof *t);

		memset(both.p, 0xff, size * sizeof(act));
		for (int s = 1; s >= 0; s--) {
			pack_half(both.p, w[s], n, k, s);
			for (size_t j = 0; j < n; j++) {
				size_t panel = j / 32, to = panel * 64 + (size_t)s * 32 + j % 32;

				memcpy(all + ((size_t)s * half + j) * k, w[s] + j * k, k * sizeof *all);
				memcpy(mixed + to * k, w[s] + j * k, k * sizeof *all);
			}
		}
		pack(&want, mixed, 2 * half, k, k, 0);
		good &= !memcmp(both.p, want.p, size * sizeof(act));
		pack_transposed(t, &both, 0, 2 * half, 1);
		pack(&want, all, k, 2 * half, k, 1);
		back &= !memcmp(t, want.p, t_size * sizeof *t);
		pack_free(&want), pack_free(&both);
		free(w[0]), free(w[1]), free(all), free(mixed), free(t);
	}
	ok(good, "pack_half: 32 outputs of each matrix in every panel");
	ok(back, "pack_transposed: one half after the other");
}

struct after {
	float *out;
	int *times;
	size_t n;
};

static void take(const struct product *j, size_t m0, size_t m, size_t n0, size_t n)
{
	const struct after *t = j->ctx;

	for (size_t i = m0; i < m0 + m; i++)
		for (size_t k = n0; k < n0 + n; k++) {
			t->out[i * t->n + k] = j->c[i * j->ldc + k];
			t->times[i * t->n + k]++;
		}
}

/* What is done with results as they come: every one once, with its final bits, whether C is kept
 * or not, on any number of threads. */
static void afterwards(const char *isa)
{
	int same = 1, once = 1, own = 0;

	for (size_t i = 0; i < LEN(shapes); i++)
		for (int t = 1; t <= 3; t++) {
			struct numbers r = numbers(i);
			size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k;
			act *a = acts(&r, m * k, -1, 1), *w = acts(&r, n * k, -1, 1);
			float *c = xcalloc(m * n, sizeof *c), *out = xcalloc(m * n, sizeof *out);
			struct after x = {out, xcalloc(m * n, sizeof(int)), n};
			struct packed p = {0};
			int rounds = k <= kern_level(isa)->whole ? 2 : 1;
			struct err e;

			if (kern_init(t, &e))
				diag("%s", e.msg);
			kern = kern_level(isa);
			pack(&p, w, n, k, k, 0);
			alone(kern, c, n, a, k, &p, m, 0);
			for (int round = 0; round < rounds; round++) {
				float *kept = round ? NULL : xcalloc(m * n, sizeof *kept);

				memset(out, 0xff, m * n * sizeof *out);
				gemm_then(kept, n, a, k, &p, m, take, &x);
				same &= !memcmp(out, c, m * n * sizeof *c);
				own += !kept;
				free(kept);
			}
			for (size_t j = 0; j < m * n; j++)
				once &= x.times[j] == rounds;
			pack_free(&p);
			free(a), free(w), free(c), free(out), free(x.times);
		}
	ok(same && once, "%s: then, with every result once, as it stays", isa);
	ok(own || !kern_level(isa)->whole, "%s: the same if C is nowhere else", isa);
}

/* The level for a processor by what it is. */
static void rule(void)
{
	enum {
		A2 = 1 << LEVEL_REF | 1 << LEVEL_AVX2 | 1 << LEVEL_AVX512_MODEL |
			1 << LEVEL_AVX512BF16_MODEL | 1 << LEVEL_AMX_MODEL,
		A512 = A2 | 1 << LEVEL_AVX512,
		BF16 = A512 | 1 << LEVEL_AVX512BF16,
		TILES = BF16 | 1 << LEVEL_AMX
	};
	static const struct { struct cpu cpu; int level; } cases[] = {
		{{"GenuineIntel", TILES}, LEVEL_AMX},       {{"GenuineIntel", BF16}, LEVEL_AVX512},
		{{"GenuineIntel", A512}, LEVEL_AVX512},     {{"GenuineIntel", A2}, LEVEL_AVX2},
		{{"GenuineIntel", 1}, LEVEL_REF},           {{"AuthenticAMD", BF16}, LEVEL_AVX512BF16},
		{{"AuthenticAMD", TILES}, LEVEL_AVX512BF16}, {{"AuthenticAMD", A512}, LEVEL_AVX512},
		{{"AuthenticAMD", A2}, LEVEL_AVX2},         {{"HygonGenuine", BF16}, LEVEL_AVX512BF16},
		{{"", 1}, LEVEL_REF},
	};

	for (size_t i = 0; i < LEN(cases); i++)
		ok(cpu_choice(&cases[i].cpu) == cases[i].level, "%s with %#x: level %d",
		   cases[i].cpu.vendor, cases[i].cpu.has, cases[i].level);
}

static void choice(void)
{
	struct err e;

	setenv("SCORE_ISA", "sse9", 1);
	ok(kern_init(1, &e) == -1 && strstr(e.msg, "sse9"), "SCORE_ISA=sse9: %s", e.msg);
	setenv("SCORE_ISA", "ref", 1);
	ok(!kern_init(1, &e) && !strcmp(kern->isa, "ref"), "SCORE_ISA=ref is obeyed");
	for (size_t i = 0; i < LEN(levels); i++) {
		int status;

		setenv("SCORE_ISA", levels[i], 1);
		status = kern_init(1, &e);
		if (kern_level(levels[i]))
			ok(!status && !strcmp(kern->isa, levels[i]), "SCORE_ISA=%s is obeyed", levels[i]);
		else
			ok(status == -1 && strstr(e.msg, levels[i]), "SCORE_ISA=%s: %s", levels[i], e.msg);
	}
	unsetenv("SCORE_ISA");
	ok(!kern_init(0, &e) && kern_threads() >= 1, "left alone: %s, %d threads", kern->isa,
	   kern_threads());
	ok(!kern_level("sse9"), "an unknown level has no table");
}

int main(void)
{
	rule();
	choice();
	packing();
	transposing();
	halves();
	for (size_t i = 0; i < LEN(levels); i++) {
		if (!kern_level(levels[i])) {
			skip("%s: not available on this machine", levels[i]);
			continue;
		}
		kern = kern_level(levels[i]);
		against_ref(levels[i]);
		invariant(levels[i], 0);
		invariant(levels[i], 1);
		weight_gradient(levels[i]);
		threads(levels[i]);
		afterwards(levels[i]);
	}
	return done();
}
