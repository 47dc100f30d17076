/* SPDX-License-Identifier: MIT */
/* The fp32 build: each backward function of ref against finite differences of its forward. */
#include "kerntest.h"

static const struct kern *ref;

/* (f(x + h) - f(x - h)) / 2h of a scalar function of x[i]; f closes over its data through
 * `data`. */
static double slope(double (*f)(void *), void *data, float *x)
{
	float old = *x, h = 1e-2f, up, down;
	double a, b;

	*x = up = old + h;
	a = f(data);
	*x = down = old - h;
	b = f(data);
	*x = old;
	return (a - b) / ((double)up - down);
}

static int close_to(double a, double b)
{
	return fabs(a - b) <= 1e-3 * (1 + fabs(b));
}

/* ---- one layer of attention: sum of out * weight ---- */

enum { T = 7, GRP = 2, S = 6, LDQ = GRP * S + 1, LDKV = S + 2 };

struct attention {
	float *q, *k, *v, *dout, *out, *lse, *scratch;
	size_t window;
};

static double attend(void *data)
{
	struct attention *a = data;
	double s = 0;

	ref->attn(&(struct attn_job){
		.seqs = &(struct attn_seq){.out = a->out, .lse = a->lse, .q = a->q, .k = a->k, .v = a->v,
		                           .rows = T},
		.n = 1, .ldo = LDQ, .ldl = GRP, .ldq = LDQ, .ldkv = LDKV, .grp = GRP, .s = S,
		.window = a->window, .scale = 0.4f}, a->scratch);
	for (size_t r = 0; r < T; r++)
		for (size_t i = 0; i < GRP * S; i++)
			s += (double)a->out[r * LDQ + i] * a->dout[r * LDQ + i];
	return s;
}

static void attention(size_t window)
{
	struct numbers r = numbers(window);
	struct attention a = {floats(&r, T * LDQ, -1, 1),
	                      floats(&r, T * LDKV, -1, 1),
	                      floats(&r, T * LDKV, -1, 1),
	                      floats(&r, T * LDQ, -1, 1),
	                      floats(&r, T * LDQ, 0, 0),
	                      floats(&r, T * GRP, 0, 0),
	                      xaligned(attn_scratch(S) * sizeof(float)),
	                      window};
	float *dq = xcalloc(T * LDQ, sizeof *dq), *dk = xcalloc(T * LDKV, sizeof *dk),
	      *dv = xcalloc(T * LDKV, sizeof *dv);
	int good = 1;

	attend(&a);
	ref->attn_bwd(&(struct attn_grad){
		.dq = dq, .dk = dk, .dv = dv, .dout = a.dout, .lse = a.lse, .out = a.out, .q = a.q,
		.k = a.k, .v = a.v, .rows = T, .key1 = T, .ldd = LDKV, .ldl = GRP, .ldq = LDQ,
		.ldkv = LDKV, .grp = GRP, .s = S, .window = window, .scale = 0.4f}, a.scratch);
	for (size_t t = 0; t < T; t++) {
		for (size_t i = 0; i < GRP * S; i++)
			good &= close_to(dq[t * LDQ + i], slope(attend, &a, &a.q[t * LDQ + i]));
		for (size_t i = 0; i < S; i++)
			good &= close_to(dk[t * LDKV + i], slope(attend, &a, &a.k[t * LDKV + i])) &&
			        close_to(dv[t * LDKV + i], slope(attend, &a, &a.v[t * LDKV + i]));
	}
	ok(good, "attn_bwd is the gradient of attn, window %zu", window);
	free(a.q), free(a.k), free(a.v), free(a.dout), free(a.out), free(a.lse), free(a.scratch),
	    free(dq), free(dk), free(dv);
}

/* ---- norm, gate, logits: sum of out * dy ---- */

enum { N = 9 };

struct row {
	float x[N], w[N], dy[N], out[N];
	int gelu;
};

static double weigh(const struct row *r)
{
	double s = 0;

	for (size_t i = 0; i < N; i++)
		s += (double)r->out[i] * r->dy[i];
	return s;
}

static double normed(void *data)
{
	struct row *r = data;

	ref->rmsnorm(r->out, r->x, r->w, N, 1e-5f);
	return weigh(r);
}

static double gated(void *data)
{
	struct row *r = data;

	ref->glu(r->out, r->x, r->w, N, r->gelu);
	return weigh(r);
}

/* 0.7 log p(4) + 0.3 KL(p || q); x logits of p, w of q. */
static double objective(void *data)
{
	struct row *r = data;
	float kl, entropy, lx = ref->lse(r->x, N, 1), ly = ref->lse(r->w, N, 1);

	ref->kl(r->x, lx, r->w, ly, N, &kl, &entropy);
	return 0.7 * ((double)r->x[4] - lx) + 0.3 * kl;
}

static void rows(void)
{
	struct numbers rnd = numbers(5);
	float dx[N] = {0}, dw[N] = {0}, h[N], out[N], lx, ly, kl, entropy;
	struct row r = {.gelu = 0};
	int good = 1;

	for (size_t i = 0; i < N; i++) {
		r.x[i] = uniform(&rnd, -2, 2);
		r.w[i] = uniform(&rnd, -2, 2);
		r.dy[i] = uniform(&rnd, -1, 1);
	}
	ref->rmsnorm_bwd(dx, dw, r.dy, r.x, r.w, N, ref->rmsnorm(r.out, r.x, r.w, N, 1e-5f));
	for (size_t i = 0; i < N; i++)
		good &= close_to(dx[i], slope(normed, &r, &r.x[i])) &&
		        close_to(dw[i], slope(normed, &r, &r.w[i]));
	ok(good, "rmsnorm_bwd is the gradient of rmsnorm");
	for (r.gelu = 0; r.gelu < 2; r.gelu++) {
		good = 1;
		ref->glu_bwd(dx, dw, h, r.dy, r.x, r.w, N, r.gelu);
		ref->glu(out, r.x, r.w, N, r.gelu);
		for (size_t i = 0; i < N; i++)
			good &= close_to(dx[i], slope(gated, &r, &r.x[i])) &&
			        close_to(dw[i], slope(gated, &r, &r.w[i])) && close_to(h[i], out[i]);
		ok(good, "glu_bwd is the gradient of glu, %s", r.gelu ? "gelu" : "silu");
	}
	lx = ref->lse(r.x, N, 1), ly = ref->lse(r.w, N, 1);
	ref->kl(r.x, lx, r.w, ly, N, &kl, &entropy);
	ref->dlogits(dx, r.x, lx, r.w, ly, kl, N, 4, 0.7f, 0.3f);
	good = 1;
	for (size_t i = 0; i < N; i++)
		good &= close_to(dx[i], slope(objective, &r, &r.x[i]));
	ok(good, "dlogits is the gradient of c log p(token) + c' KL(p || q)");
}

/* GEMM keeps fp32 inputs: against double. */
static void products(void)
{
	enum { M = 5, O = 70, K = 33 };
	struct numbers r = numbers(9);
	float *a = floats(&r, M * K, -1, 1), *w = floats(&r, O * K, -1, 1), c[M * O];
	struct packed p = {0};
	double d = 0;

	pack(&p, w, O, K, K, 0);
	gemm(c, O, a, K, &p, M, 0);
	for (size_t i = 0; i < M * O; i++) {
		double s = 0;

		for (size_t k = 0; k < K; k++)
			s += (double)a[i / O * K + k] * w[i % O * K + k];
		d = fmax(d, fabs(s - c[i]));
	}
	ok(d < 1e-6, "gemm of fp32 inputs: off by %g", d);
	pack_free(&p);
	free(a), free(w);
}

int main(void)
{
	struct err e;

	ref = kern_level("ref");
	ok(!kern_init(2, &e) && kern == ref && !kern_level("avx2"),
	   "the fp32 build has ref and nothing else");
	products();
	attention(0);
	attention(3);
	rows();
	return done();
}
