/* SPDX-License-Identifier: MIT */
/* The GPU's table, on the shim, against the CPU's: operations by rows and on logits, with the same
 * inputs, at sizes below, at and above a block's. (Attention's are in step.t.) */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dev/dev.h"
#include "kern/kern.h"
#include "tap.h"

enum { SIDES = 2 };

static const struct dev *const side[SIDES] = {&dev_cpu, &dev_cuda};
static uint32_t state = 1;

static float noise(void)
{
	state = state * 1664525 + 1013904223;
	return (float)(int32_t)state / 2147483648.0f;
}

/* n values on each side, the same. */
struct both { struct mem m[SIDES]; size_t bytes; };

static struct both bytes_of(const void *p, size_t bytes)
{
	struct both b = {.bytes = bytes};

	for (int i = 0; i < SIDES; i++) {
		b.m[i] = side[i]->alloc(bytes);
		side[i]->upload(b.m[i], p, bytes);
	}
	return b;
}

static struct both floats(size_t n, float scale)
{
	float *x = xmalloc(n * sizeof *x);
	struct both b;

	for (size_t i = 0; i < n; i++)
		x[i] = scale * noise();
	b = bytes_of(x, n * sizeof *x);
	free(x);
	return b;
}

static struct both halves(size_t n, float scale)
{
	act *x = xmalloc(n * sizeof *x);
	struct both b;

	for (size_t i = 0; i < n; i++)
		x[i] = act_of(scale * noise());
	b = bytes_of(x, n * sizeof *x);
	free(x);
	return b;
}

static struct both numbers(size_t n, int32_t below)
{
	int32_t *x = xmalloc(n * sizeof *x);
	struct both b;

	for (size_t i = 0; i < n; i++)
		x[i] = (int32_t)((noise() + 1) / 2 * (float)below) % below;
	b = bytes_of(x, n * sizeof *x);
	free(x);
	return b;
}

static void drop(struct both *b)
{
	for (int i = 0; i < SIDES; i++)
		side[i]->release(&b->m[i]);
}

static void *fetched(const struct both *b, int i)
{
	void *p = xmalloc(b->bytes);

	side[i]->download(p, b->m[i], b->bytes);
	return p;
}

/* Are the two sides' values as near as this, relative to the largest? Then they are dropped. */
static void near(struct both *b, int is_act, double limit, const char *what, size_t size)
{
	void *p = fetched(b, 0), *q = fetched(b, 1);
	size_t n = b->bytes / (is_act ? sizeof(act) : sizeof(float));
	double most = 0, apart = 0;

	for (size_t i = 0; i < n; i++) {
		double x = is_act ? act_f32(((act *)p)[i]) : ((float *)p)[i];
		double y = is_act ? act_f32(((act *)q)[i]) : ((float *)q)[i];

		most = fmax(most, fabs(x));
		apart = isfinite(x - y) ? fmax(apart, fabs(x - y)) : INFINITY;
	}
	ok(apart <= limit * most && most > 0, "%s, %zu: %.1e of %.1e apart", what, size, apart, most);
	free(p);
	free(q);
	drop(b);
}

/* fp32 sums in another order; bf16's last bit, of a value as large as the largest */
#define FINE 1e-5
#define COARSE 0x1p-7

static void norms(size_t d)
{
	enum { N = 67 };                     /* more than a block of summed rows */
	struct both x = floats(N * d, 2), w = floats(d, 1), out = halves(N * d, 1);
	struct both r = floats(N, 1), dy = floats(N * d, 1), dx = floats(N * d, 1);
	struct both dw = floats(d, 1), y = floats(N * d, 1), pre = floats(N * d, 1);
	struct both sum = floats(N * d, 1);

	for (int i = 0; i < SIDES; i++) {
		dev = side[i];
		dev->norm(out.m[i], r.m[i], x.m[i], w.m[i], N, d, 1e-5f);
		dev->norm_bwd(dx.m[i], dw.m[i], dy.m[i], x.m[i], w.m[i], r.m[i], N, d);
		dev->post(sum.m[i], pre.m[i], (struct mem){0}, x.m[i], y.m[i], w.m[i], N, d, 1e-5f);
	}
	near(&out, 1, COARSE, "norm", d);
	near(&dx, 0, FINE, "norm_bwd, dx", d);
	near(&dw, 0, FINE, "norm_bwd, dw", d);
	near(&r, 0, FINE, "norm, factors", d);
	near(&sum, 0, FINE, "post", d);
	near(&pre, 0, FINE, "post, what was", d);
	near(&y, 0, FINE, "post, y", d);
	drop(&x);
	drop(&w);
	drop(&dy);
}

static void rows(size_t d)
{
	enum { N = 5, V = 9 };
	struct both index = numbers(N, V), in = halves(V * d, 1), out = halves(N * d, 1);
	struct both x = floats(N * d, 1), sums = floats(V * d, 1), low = halves(N * d, 1);
	struct both w = halves(N * d, 1), a = halves(3 * d, 1), b = halves(N * 3, 1);
	struct both zero = floats(N * d, 1);

	for (int i = 0; i < SIDES; i++) {
		dev = side[i];
		dev->gather(out.m[i], in.m[i], index.m[i], N, d);
		dev->scatter(sums.m[i], x.m[i], index.m[i], N, d);
		dev->to_act(low.m[i], x.m[i], N * d);
		dev->merge(w.m[i], w.m[i], a.m[i], b.m[i], N, d, 3, 0.5f);
		dev->from_act(zero.m[i], low.m[i], N * d);
	}
	near(&out, 1, 0, "gather", d);
	near(&sums, 0, FINE, "scatter", d);
	near(&low, 1, 0, "to_act", d);
	near(&zero, 0, 0, "from_act", d);
	near(&w, 1, 0, "merge, to the bit", d);
	drop(&index);
	drop(&in);
	drop(&x);
	drop(&a);
	drop(&b);
}

static void squares(size_t n)
{
	struct both x = floats(n, 1), sum = floats(2, 1);
	double *p, *q;

	for (int i = 0; i < SIDES; i++) {
		dev = side[i];
		dev->sumsq(sum.m[i], x.m[i], n);
	}
	p = fetched(&sum, 0);
	q = fetched(&sum, 1);
	ok(fabs(*p - *q) <= 1e-12 * *p, "sumsq, %zu: %g and %g", n, *p, *q);
	free(p);
	free(q);
	drop(&sum);
	drop(&x);
}

static void adam(size_t n)
{
	const struct adamw rate = {0.5f, 0.1f, 0.9f, 0.95f, 3, 7, 1e-8f, 0.25f};
	struct both g = floats(n, 1), p = floats(n, 1), m = floats(n, 1), v = floats(n, 1);
	struct both w = halves(n, 1);

	for (int i = 0; i < SIDES; i++) {
		dev = side[i];
		dev->adamw(&rate, n, g.m[i], p.m[i], (struct mem){0}, (struct mem){0}, w.m[i], p.m[i],
		           m.m[i], v.m[i]);
		dev->adamw(&rate, n, g.m[i], p.m[i], m.m[i], v.m[i], w.m[i], p.m[i], m.m[i], v.m[i]);
	}
	near(&p, 0, 1e-6, "adamw, two steps", n);
	near(&m, 0, 1e-6, "adamw, m", n);
	near(&v, 0, 1e-6, "adamw, v", n);
	near(&w, 1, COARSE, "adamw, w", n);
	drop(&g);
}

/* Matrices: products, their transposes, gates. */
static void products(size_t n_out, size_t k)
{
	enum { N = 6 };
	struct both in = halves(N * k, 1), w = halves(n_out * k, 0.2f), c = floats(N * n_out, 1);
	struct both back = floats(N * k, 1), dy = halves(N * n_out, 1), dw = floats(n_out * k, 1);
	struct both thin = halves(N * 3, 1), t = halves(3 * k, 1), few = halves(N * 3, 1);

	for (int i = 0; i < SIDES; i++) {
		struct mem room = {0};
		struct mat m, turned;

		dev = side[i];
		m = dev->mat_new(n_out, k, MAT_PACKED);
		dev->mat_set(&m, 0, w.m[i], n_out);
		dev->gemm(c.m[i], n_out, c.m[i], in.m[i], k, &m, N);
		turned = dev->transpose(&room, &m, 0, n_out);
		dev->gemm(back.m[i], k, (struct mem){0}, dy.m[i], n_out, &turned, N);
		dev->gemm_dw(dw.m[i], dy.m[i], n_out, in.m[i], k, N, n_out, k);
		dev->thin(thin.m[i], in.m[i], k, t.m[i], 3, k, 0, 0.5f, N);
		dev->thin(few.m[i], in.m[i], k, t.m[i], 3, k, 1, 0.5f, N);
		mem_free(&m.mem);
		mem_free(&room);
	}
	near(&c, 0, FINE, "gemm, added", n_out);
	near(&back, 0, FINE, "gemm of the transpose", n_out);
	near(&dw, 0, FINE, "gemm_dw", n_out);
	near(&thin, 1, COARSE, "thin", k);
	near(&few, 1, COARSE, "thin, transposed", k);
	drop(&in);
	drop(&w);
	drop(&dy);
	drop(&t);
}

static void gates(size_t f, enum glu kind)
{
	enum { N = 3, K = 24 };
	size_t half = (f + 31) / 32 * 32;
	struct both in = halves(N * K, 1), w = halves(2 * f * K, 1), h = halves(N * f, 1);
	struct both gate = halves(N * f, 1), up = halves(N * f, 1), dy = halves(N * K, 1);
	struct both dgu = halves(N * 2 * half, 1), again = halves(N * f, 1), down = halves(f * K, 1);

	for (int i = 0; i < SIDES; i++) {
		struct mem room;
		struct mat m, d;

		dev = side[i];
		room = mem_new(N * 2 * half * sizeof(float));
		m = dev->mat_new(2 * half, K, MAT_GLU);
		dev->mat_set(&m, 0, w.m[i], f);
		dev->mat_set(&m, half, mem_act(w.m[i], f * K), f);
		dev->glu(h.m[i], gate.m[i], up.m[i], room, in.m[i], &m, N, f, kind);
		d = dev->mat_new(f, K, MAT_PACKED);
		dev->mat_set(&d, 0, down.m[i], f);
		dev->glu_bwd(dgu.m[i], again.m[i], room, dy.m[i], &d, gate.m[i], up.m[i], 2 * half, N,
		             kind);
		mem_free(&m.mem);
		mem_free(&d.mem);
		mem_free(&room);
	}
	near(&h, 1, COARSE, kind ? "gelu" : "silu", f);
	near(&gate, 1, COARSE, "its gate", f);
	near(&up, 1, COARSE, "its up", f);
	near(&dgu, 1, COARSE, "its gradient, and zeros beside it", f);
	near(&again, 1, COARSE, "h again", f);
	drop(&in);
	drop(&w);
	drop(&dy);
	drop(&down);
}

/* ---- logits ---- */

static void scores(size_t v, int hot)
{
	enum { N = 4 };
	size_t ld = v + 3;
	struct both x = floats(N * ld, 5), y = floats(N * ld, 5), token = numbers(N, (int32_t)v);
	struct both s = floats(N * 6, 1), c = floats(N * 2, 1), dx = halves(N * ld, 1);
	struct both t = floats(N, 1);
	float inv[N] = {1, 0.5f, 2, 1.25f};

	for (int i = 0; i < SIDES; i++) {
		dev = side[i];
		dev->upload(t.m[i], inv, sizeof inv);
		dev->score(s.m[i], x.m[i], y.m[i], ld, token.m[i], hot ? t.m[i] : (struct mem){0}, N, v,
		           SCORE_KL);
		dev->dlogits(dx.m[i], ld, x.m[i], y.m[i], ld, s.m[i], c.m[i], token.m[i], N, v);
	}
	near(&s, 0, FINE, hot ? "score, at temperatures" : "score", v);
	near(&x, 0, FINE, "the logits after it", v);
	for (int i = 0; i < SIDES; i++)
		for (size_t j = 0; j < N; j++)       /* beside the rows' values: not written */
			side[i]->zero(mem_act(dx.m[i], j * ld + v), (ld - v) * sizeof(act));
	near(&dx, 1, COARSE, "dlogits", v);
	drop(&y);
	drop(&token);
	drop(&c);
	drop(&t);
}

/* Do the probabilities of all tokens up to the first of two ids add up to u, as near as fp32 says?
 * Then either is right. */
static int at_edge(const float *x, size_t v, const struct draw *d, int a, int b)
{
	double sum = 0, all = 0;

	for (size_t i = 0; i < v; i++) {
		double p = exp(x[i] / d->how.temperature);

		all += p;
		sum += i <= (size_t)(a < b ? a : b) ? p : 0;
	}
	return !d->banned && d->how.top_k == 0 && d->how.top_p >= 1 && !d->how.greedy &&
	       abs(a - b) == 1 && fabs(sum / all - d->u) < 1e-6;
}

/* Equal logits, in steps of 1/levels: ties everywhere. */
static void draws(size_t v, int levels, struct sampling how, int banned, const char *what)
{
	enum { N = 40 };
	static const int ban[] = {1, 4, 5};
	float *x = xmalloc(v * sizeof *x);
	struct draw d[N];
	struct both logits, out;
	struct drawn *p, *q;
	size_t same = 0;

	for (size_t i = 0; i < v; i++)
		x[i] = roundf(3 * noise() * (float)levels) / (float)levels;
	logits = bytes_of(x, v * sizeof *x);
	out = bytes_of(x, N * sizeof *p < v * sizeof *x ? N * sizeof *p : 0);
	for (size_t i = 0; i < N; i++)
		d[i] = (struct draw){0, ((double)i + 0.37) / N, how, banned && i % 2};
	for (int i = 0; i < SIDES; i++) {
		dev = side[i];
		dev->sample(out.m[i], logits.m[i], v, v, d, N, ban, LEN(ban));
	}
	p = fetched(&out, 0);
	q = fetched(&out, 1);
	for (size_t i = 0; i < N; i++) {
		int good = p[i].id == q[i].id && fabsf(p[i].logprob - q[i].logprob) < 1e-5f &&
		           fabsf(p[i].sample_logprob - q[i].sample_logprob) < 1e-5f;

		if (!good && !(good = at_edge(x, v, &d[i], p[i].id, q[i].id)))
			diag("u %.17g: %d at %g, %d at %g", d[i].u, p[i].id, (double)x[p[i].id], q[i].id,
			     (double)x[q[i].id]);
		same += (size_t)good;
	}
	ok(same == N, "draws of %zu with %d levels, %s: %zu of %d the same", v, levels, what, same, N);
	free(p);
	free(q);
	free(x);
	drop(&logits);
	drop(&out);
}

int main(void)
{
	static const size_t widths[] = {1, 40, 256, 300, 1025};
	struct err e;

	if (kern_init(1, &e) || dev_cuda.open())
		return 1;
	for (size_t i = 0; i < LEN(widths); i++) {
		norms(widths[i]);
		rows(widths[i]);
	}
	adam(1);
	adam(1000);
	squares(1);
	squares(140000);                 /* more than a block of them */
	squares((size_t)257 << 16);      /* and more blocks than threads */
	products(1, 2);
	products(67, 40);
	products(130, 258);
	for (int kind = 0; kind < 2; kind++) {
		gates(20, kind);
		gates(288, kind);
	}
	for (int hot = 0; hot < 2; hot++) {
		scores(7, hot);
		scores(256, hot);
		scores(1200, hot);
	}
	for (int levels = 1; levels < 1000; levels *= 30) {
		draws(1200, levels, (struct sampling){1, 1, 0, 0}, 0, "all");
		draws(1200, levels, (struct sampling){0.5, 1, 0, 0}, 1, "T 0.5, some banned");
		draws(1200, levels, (struct sampling){1, 1, 0, 1}, 1, "greedy, some banned");
		draws(1200, levels, (struct sampling){1, 1, 7, 0}, 0, "top 7");
		draws(1200, levels, (struct sampling){1, 0.3, 0, 0}, 0, "top 0.3");
		draws(1200, levels, (struct sampling){2, 0.61, 50, 0}, 1, "T 2, top 50, 0.61, some banned");
		draws(1200, levels, (struct sampling){1, 1, 5000, 0}, 0, "top 5000");
	}
	return done();
}
