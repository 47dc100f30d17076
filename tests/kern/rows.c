/* SPDX-License-Identifier: MIT */
/* Every level's row functions against ref, on odd sizes: equal where no sum is taken, else within
 * rounding. */
#include "kerntest.h"

#include "kern/exp.h"

static const size_t sizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 577, 1536};
static const struct kern *ref, *lv;

static void elementwise(size_t n)
{
	struct numbers r = numbers(n);
	float *x = floats(&r, n + 1, -8, 8), *y = floats(&r, n + 1, -8, 8),
	      *d = floats(&r, n + 1, -1, 1);
	float *a = copy(x, (n + 1) * sizeof *a), *b = copy(x, (n + 1) * sizeof *b);
	act *h = acts(&r, n + 1, -8, 8), *g = acts(&r, n + 1, -8, 8);
	act *o = copy(h, (n + 1) * sizeof *o), *p = copy(h, (n + 1) * sizeof *p);
	act *got[3], *want[3];
	size_t bytes = (n + 1) * sizeof *a, abytes = (n + 1) * sizeof *o;
	int same = 1;

	for (int i = 0; i < 3; i++)
		got[i] = xmalloc(abytes), want[i] = xmalloc(abytes);
	x[n / 2] = NAN, x[n / 3] = -INFINITY, x[0] = 1e-41f;
	lv->to_act(o, x, n), ref->to_act(p, x, n);
	same &= !memcmp(o, p, abytes);
	lv->from_act(a, h, n), ref->from_act(b, h, n);
	same &= !memcmp(a, b, bytes);
	x[n / 2] = 3, x[n / 3] = -100, x[0] = 100;
	lv->add(a, x, n), ref->add(b, x, n);
	lv->axpy(a, -0.37f, y, n), ref->axpy(b, -0.37f, y, n);
	same &= !memcmp(a, b, bytes);
	ok(same, "%s to_act, from_act, add, axpy of %zu: equal", lv->isa, n);
	same = 1;
	for (int gelu = 0; gelu < 2; gelu++) {
		lv->glu(o, x, y, n, gelu), ref->glu(p, x, y, n, gelu);
		same &= !memcmp(o, p, abytes);
		for (int i = 0; i < 3; i++)
			memcpy(got[i], o, abytes), memcpy(want[i], o, abytes);
		lv->glu_bwd(got[0], got[1], got[2], d, h, g, n, gelu);
		ref->glu_bwd(want[0], want[1], want[2], d, h, g, n, gelu);
		for (int i = 0; i < 3; i++)
			same &= !memcmp(got[i], want[i], abytes);
	}
	ok(same, "%s glu, glu_bwd of %zu, silu and gelu: equal", lv->isa, n);
	for (int i = 0; i < 3; i++)
		free(got[i]), free(want[i]);
	free(x), free(y), free(d), free(a), free(b), free(h), free(g), free(o), free(p);
}

static void norms(size_t n)
{
	struct numbers r = numbers(n);
	float *x = floats(&r, n, -3, 3), *dy = floats(&r, n, -1, 1);
	float *a = copy(x, n * sizeof *a), *b = copy(x, n * sizeof *b), *c = copy(dy, n * sizeof *c),
	      *d = copy(dy, n * sizeof *d);
	float *w = floats(&r, n, -2, 2);
	act *o = xcalloc(n, sizeof *o), *p = xcalloc(n, sizeof *p);
	float ra = lv->rmsnorm(o, x, w, n, 1e-5f), rb = ref->rmsnorm(p, x, w, n, 1e-5f);
	int good = fabsf(ra - rb) <= 2e-7f * rb;

	for (size_t i = 0; i < n; i++)       /* rounding to bf16 may go either way */
		good &= fabsf(act_f32(o[i]) - act_f32(p[i])) <= 0.008f * fabsf(act_f32(p[i]));
	ra = lv->rmsnorm_f32(a, w, n, 1e-6f), rb = ref->rmsnorm_f32(b, w, n, 1e-6f);
	good &= fabsf(ra - rb) <= 2e-7f * rb && worst(a, b, n, magnitude(b, n)) < 5e-7;
	ok(good, "%s rmsnorm, rmsnorm_f32 of %zu", lv->isa, n);
	memcpy(a, b, n * sizeof *a);
	lv->rmsnorm_bwd(a, c, dy, x, w, n, rb), ref->rmsnorm_bwd(b, d, dy, x, w, n, rb);
	good = worst(a, b, n, magnitude(b, n)) < 5e-7 && worst(c, d, n, magnitude(d, n)) < 5e-7;
	lv->rmsnorm_bwd(a, NULL, dy, x, w, n, rb), ref->rmsnorm_bwd(b, NULL, dy, x, w, n, rb);
	good &= worst(a, b, n, magnitude(b, n)) < 5e-7;
	ok(good, "%s rmsnorm_bwd of %zu, with and without dw", lv->isa, n);
	good = fabs(lv->sumsq(x, n) - ref->sumsq(x, n)) <= 2.3e-16 * (double)(n + 1) * ref->sumsq(x, n);
	ok(good, "%s sumsq of %zu", lv->isa, n);
	free(x), free(dy), free(a), free(b), free(c), free(d), free(w), free(o), free(p);
}

static void ropes(size_t half)
{
	struct numbers r = numbers(half);
	float *x = floats(&r, 6 * half, -3, 3), *c = floats(&r, half, -1, 1),
	      *s = floats(&r, half, -1, 1);
	float *y = copy(x, 6 * half * sizeof *y);

	lv->rope(x, 3, 2 * half, c, s), ref->rope(y, 3, 2 * half, c, s);
	ok(!memcmp(x, y, 6 * half * sizeof *y), "%s rope, 3 heads of %zu: equal", lv->isa, 2 * half);
	free(x), free(y), free(c), free(s);
}

static void logits(size_t n)
{
	struct numbers r = numbers(n);
	float *x = floats(&r, n, -20, 20), *y = floats(&r, n, -20, 20), lx, ly, a[2], b[2];
	act *o = xcalloc(n, sizeof *o), *p = xcalloc(n, sizeof *p);
	int good, token = (int)(n * 2 / 3);

	x[n - 1] = y[n - 1] = n > 3 ? -INFINITY : 1;
	good = fabsf(lv->lse(x, n, 0.7f) - ref->lse(x, n, 0.7f)) <= 2e-6f;
	lx = ref->lse(x, n, 1), ly = ref->lse(y, n, 1);
	good &= fabsf(lv->lse(x, n, 1) - lx) <= 2e-6f;
	ok(good, "%s lse of %zu", lv->isa, n);
	lv->kl(x, lx, y, ly, n, &a[0], &a[1]), ref->kl(x, lx, y, ly, n, &b[0], &b[1]);
	good = fabsf(a[0] - b[0]) <= 1e-6f * (1 + fabsf(b[0])) &&
	       fabsf(a[1] - b[1]) <= 1e-6f * (1 + fabsf(b[1]));
	good &= isfinite(a[0]) && isfinite(a[1]);
	lv->kl(x, lx, NULL, 0, n, &a[0], &a[1]);
	good &= a[0] == 0 && fabsf(a[1] - b[1]) <= 1e-6f * (1 + fabsf(b[1]));
	ok(good, "%s kl of %zu", lv->isa, n);
	lv->dlogits(o, x, lx, y, ly, b[0], n, token, -0.3f, 0.2f);
	ref->dlogits(p, x, lx, y, ly, b[0], n, token, -0.3f, 0.2f);
	good = !memcmp(o, p, n * sizeof *o);
	lv->dlogits(o, x, lx, NULL, 0, 0, n, -1, 1.5f, 9),
	    ref->dlogits(p, x, lx, NULL, 0, 0, n, -1, 1.5f, 9);
	good &= !memcmp(o, p, n * sizeof *o);
	ok(good, "%s dlogits of %zu: equal", lv->isa, n);
	free(x), free(y), free(o), free(p);
}

/* In place, from elsewhere, from zero moments. */
static void adam(size_t n)
{
	static const struct adamw rate = {0.5f, 1e-3f, 0.9f, 0.95f, 10, 20, 1e-8f, 0.1f};
	struct numbers r = numbers(n);
	float *g = floats(&r, n, -1, 1), *old[3], *zero = xcalloc(n, sizeof *zero), *a[3], *b[3];
	act *wa = xcalloc(n, sizeof *wa), *wb = xcalloc(n, sizeof *wb);
	int same = 1;

	for (int i = 0; i < 3; i++) {
		old[i] = floats(&r, n, i == 2 ? 0 : -1, 1);
		a[i] = xcalloc(n, sizeof *a[i]);
		b[i] = copy(old[i], n * sizeof *b[i]);
	}
	lv->adamw(&rate, n, g, old[0], old[1], old[2], wa, a[0], a[1], a[2]);
	ref->adamw(&rate, n, g, b[0], b[1], b[2], wb, b[0], b[1], b[2]);
	for (int i = 0; i < 3; i++)
		same &= !memcmp(a[i], b[i], n * sizeof *a[i]);
	ok(same && !memcmp(wa, wb, n * sizeof *wa), "%s adamw of %zu: equal", lv->isa, n);
	lv->adamw(&rate, n, g, old[0], NULL, NULL, wa, a[0], a[1], a[2]);
	lv->adamw(&rate, n, g, old[0], zero, zero, wb, b[0], b[1], b[2]);
	same = !memcmp(wa, wb, n * sizeof *wa);
	for (int i = 0; i < 3; i++) {
		same &= !memcmp(a[i], b[i], n * sizeof *a[i]);
		free(old[i]), free(a[i]), free(b[i]);
	}
	ok(same, "%s adamw of %zu: no moments are zero moments", lv->isa, n);
	free(g), free(zero), free(wa), free(wb);
}

/* The entropy of one "logit" x with lse 0 is -x exp(x), unrounded otherwise: it shows the level's
 * exp. */
static void exponential(void)
{
	double worst_ulp = 0;
	int same = 1;

	for (float x = -90; x < 89; x += 0.00071f) {
		double t = exp((double)x), e = kern_expf(x);
		float d, h, h_ref;

		if (x >= EXP_LO && x <= EXP_HI) {
			double u = fabs(e - t) / ldexp(1, ilogb(t) - 23);

			if (u > worst_ulp)
				worst_ulp = u;
		}
		lv->kl(&x, 0, NULL, 0, 1, &d, &h), ref->kl(&x, 0, NULL, 0, 1, &d, &h_ref);
		same &= h == h_ref;
	}
	ok(worst_ulp < 1.5, "exp: within %.2f units in the last place", worst_ulp);
	ok(same, "%s: the same exp as ref's, every bit", lv->isa);
	ok(kern_expf(-INFINITY) == 0 && kern_expf(-200) == 0 && isinf(kern_expf(89)) &&
	       isinf(kern_expf(INFINITY)) && isnan(kern_expf(NAN)) && kern_expf(0) == 1,
	   "exp at -inf, -200, 89, inf, NaN, 0");
}

static void specials(void)
{
	enum { N = 37 };
	float x[N], y[N], a, b;
	act o[N];

	for (int i = 0; i < N; i++)
		x[i] = -INFINITY, y[i] = (float)i;
	ok(lv->lse(x, N, 1) == -INFINITY, "%s: lse of -inf alone is -inf", lv->isa);
	x[20] = 5;
	ok(lv->lse(x, N, 1) == 5, "%s: lse of one finite value is that value", lv->isa);
	lv->kl(x, 5, y, lv->lse(y, N, 1), N, &a, &b);
	ok(fabsf(a - (lv->lse(y, N, 1) - 20)) < 1e-5f && b == 0, "%s: kl of one certain outcome",
	   lv->isa);
	lv->dlogits(o, x, 5, y, 40, a, N, 20, 1, 1);
	ok(act_f32(o[3]) == 0 && isfinite(act_f32(o[20])), "%s: dlogits where p = 0 is 0", lv->isa);
	x[7] = NAN;
	lv->kl(x, 5, y, 40, N, &a, &b);
	ok(isnan(lv->lse(x, N, 1)) && isnan(a) && isnan(b), "%s: NaN among the logits is not hidden",
	   lv->isa);
}

/* lse over a large vocabulary, against double. */
static void large(void)
{
	enum { N = 262144 };
	struct numbers r = numbers(3);
	float *x = floats(&r, N, -4, 4);
	double s = 0;

	for (size_t i = 0; i < N; i++)
		s += exp((double)x[i]);
	ok(fabs(lv->lse(x, N, 1) - log(s)) < 1.5e-6, "%s: lse of %d values is off by %g", lv->isa, N,
	   lv->lse(x, N, 1) - log(s));
	free(x);
}

int main(void)
{
	ref = kern_level("ref");
	for (size_t l = 0; l < LEN(levels); l++) {
		lv = kern_level(levels[l]);
		if (!lv) {
			skip("%s: not available on this machine", levels[l]);
			continue;
		}
		for (size_t i = 0; i < LEN(sizes); i++) {
			elementwise(sizes[i]);
			norms(sizes[i]);
			ropes(sizes[i]);
			logits(sizes[i]);
			adam(sizes[i]);
		}
		exponential();
		specials();
		large();
	}
	return done();
}
