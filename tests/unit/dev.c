/* SPDX-License-Identifier: MIT */
/*
 * dev: memory, and operations in the forms that a forward of one model does not use all of: what is
 * none, what may be the same memory, rows in parts. Operands go up and results come down as for any
 * device.
 */
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dev/dev.h"

static const struct mem none;

static struct mem up(const void *host, size_t bytes)
{
	struct mem m = mem_new(bytes);

	dev->upload(m, host, bytes);
	return m;
}

static int is(struct mem m, const void *want, size_t bytes)
{
	void *got = xmalloc(bytes);
	int same;

	dev->download(got, m, bytes);
	same = !memcmp(got, want, bytes);
	free(got);
	return same;
}

static void memory(void)
{
	float x[] = {1, 2, 3, 4}, *p;
	struct mem m = up(x, sizeof x), lent, none_yet = none;
	char *at = m.p;

	ok(!mem_there(none) && !mem_there(mem_f32(none, 7)) && mem_there(m), "views of none are none");
	ok(is(mem_f32(m, 1), x + 1, 3 * sizeof *x) && mem_f32(m, 1).bytes == m.bytes - sizeof *x,
	   "a view");
	mem_fit(&m, 8);
	ok(m.p == at && is(m, x, sizeof x), "large enough: the same memory");
	mem_fit(&m, (size_t)1 << 20);
	ok(m.bytes >= (size_t)1 << 20, "not large enough: another one");
	mem_free(&m);
	mem_fit(&none_yet, 0);
	ok(!mem_there(m) && !mem_there(none_yet), "freed, or of no bytes: none");
	lent = mem_borrow(x, sizeof x);
	ok(is(lent, x, sizeof x), "host memory lent to the device");
	m = mem_new(sizeof x);
	dev->copy(m, lent, sizeof x);
	mem_return(&lent);
	p = mem_map(m, sizeof x);
	p[2] = 9;
	mem_unmap(m, p, sizeof x, 1);
	x[2] = 9;
	ok(is(m, x, sizeof x), "copied, and written by the host");
	dev->zero(m, 2 * sizeof *x);
	x[0] = x[1] = 0;
	ok(is(m, x, sizeof x), "part of it zeroed");
	mem_free(&m);
}

/* So much that threads share it: all of it, and not a byte more. */
static void zeroed(void)
{
	enum { MOST = 1 << 20 };
	char *x = xmalloc(MOST);
	size_t good = 0;

	for (size_t n = MOST - 65537; n < MOST; n += 65536 / 2 - 1) {
		struct mem m;

		memset(x, 1, MOST);
		m = up(x, MOST);
		memset(x, 0, n);
		dev->zero(m, n);
		good += (size_t)is(m, x, MOST);
		mem_free(&m);
	}
	ok(good == 3, "large parts zeroed");
	free(x);
}

enum { R = 70, N = 90, K = 33 };

static act *noise(size_t n, const char *name)
{
	struct rng r = rng_stream(1, "dev test", 0, name, 0, 0);
	act *x = xmalloc(n * sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = act_of((float)rng_normal(&r, i));
	return x;
}

static void products(void)
{
	act *a = noise(R * K, "a"), *w = noise(N * K, "w");
	struct mem ma = up(a, R * K * sizeof *a), mw = up(w, N * K * sizeof *w), scratch = none;
	struct mem c = mem_new(R * N * sizeof(float)), from = mem_new(R * N * sizeof(float)), again;
	struct mat m = dev->mat_new(N, K, MAT_PACKED), t;
	float *y = xmalloc(R * N * sizeof *y), *start = xmalloc(R * N * sizeof *start), worst = 0;

	for (size_t i = 0; i < R * N; i++)
		start[i] = (float)(i % 17) - 8;
	dev->upload(from, start, R * N * sizeof *start);
	dev->mat_set(&m, 0, mem_act(mw, 0), dev->panel);
	dev->mat_set(&m, dev->panel, mem_act(mw, dev->panel * K), N - dev->panel);
	dev->gemm(c, N, none, ma, K, &m, R);
	dev->download(y, c, R * N * sizeof *y);
	for (size_t i = 0; i < R; i++)
		for (size_t j = 0; j < N; j++) {
			double sum = 0;

			for (size_t k = 0; k < K; k++)
				sum += (double)act_f32(a[i * K + k]) * act_f32(w[j * K + k]);
			worst = fmaxf(worst, fabsf(y[i * N + j] - (float)sum));
		}
	ok(worst < 1e-4f, "gemm of a matrix set in two parts: within %g", worst);
	dev->gemm(c, N, from, ma, K, &m, R);
	again = up(start, R * N * sizeof *start);
	dev->gemm(again, N, again, ma, K, &m, R);
	dev->download(y, again, R * N * sizeof *y);
	ok(is(c, y, R * N * sizeof *y) && is(from, start, R * N * sizeof *start),
	   "gemm from other memory, which stays as it was: the bits of gemm in place");
	dev->gemm(mem_f32(again, 5 * N), N, mem_f32(from, 5 * N), mem_act(ma, 5 * K), K, &m, 9);
	ok(is(again, y, R * N * sizeof *y), "rows 5 to 13 alone: the same bits");
	t = dev->transpose(&scratch, &m, 0, N);
	ok(t.n == K && t.k == N, "transposed");
	mem_free(&ma), mem_free(&mw), mem_free(&c), mem_free(&from), mem_free(&again);
	mem_free(&scratch), mem_free(&m.mem);
	free(a), free(w), free(y), free(start);
}

enum { D = 40 };

/* A norm by its formula, without weights, and of a branch's output. */
static void norms(void)
{
	float x[3 * D], ones[D], want[3 * D], r[3];
	act rounded[3 * D];
	struct mem mx, mw, my, out = mem_new(sizeof x), mr = mem_new(sizeof r), pre = mem_new(sizeof x);

	for (size_t i = 0; i < 3 * D; i++) {
		x[i] = (float)(i % 13) - 4.25f;
		rounded[i] = act_of(x[i]);
	}
	for (size_t j = 0; j < D; j++)
		ones[j] = 1;
	mx = up(x, sizeof x);
	my = up(x, sizeof x);
	mw = up(ones, sizeof ones);
	dev->norm(out, none, mx, none, 3, D, 0);
	ok(is(out, rounded, sizeof rounded), "norm without weights rounds");
	dev->post(out, pre, mr, mx, my, mw, 3, D, 1e-5f);
	dev->download(want, out, sizeof want);
	dev->download(r, mr, sizeof r);
	ok(is(pre, x, sizeof x) && is(mx, x, sizeof x) && fabsf(want[D] - x[D] * (1 + r[1])) < 1e-4f,
	   "post: x + norm(y) elsewhere, y and its factor kept");
	dev->copy(my, pre, sizeof x);
	dev->post(mx, none, none, mx, my, mw, 3, D, 1e-5f);
	ok(is(mx, want, sizeof want), "post in place: the same bits");
	dev->copy(mx, pre, sizeof x);
	dev->norm_bwd(mx, none, pre, pre, none, none, 3, D);
	for (size_t i = 0; i < 3 * D; i++)
		want[i] = x[i] + x[i];
	ok(is(mx, want, sizeof want), "the gradient through no norm is added");
	mem_free(&mx), mem_free(&my), mem_free(&mw), mem_free(&out), mem_free(&mr), mem_free(&pre);
}

static void rows(void)
{
	static const int32_t index[] = {2, 0, 2};
	static const float in[] = {1, 1, 0x1p-24f, 2, 0x1p-24f, 3};
	float start[] = {0, 0, 5, 5, 1, 0}, want[] = {0x1p-24f, 2, 5, 5, 1 + 1, 4};
	static const act a[] = {1, 2, 3, 4, 5, 6}, picked[] = {5, 6, 1, 2, 5, 6};
	double sum;
	struct mem mi = up(index, sizeof index), ma = up(a, sizeof a), out = mem_new(sizeof picked);
	struct mem to = up(start, sizeof start), mx = up(in, sizeof in), s = mem_new(2 * sizeof sum);

	dev->gather(out, ma, mi, 3, 2);
	ok(is(out, picked, sizeof picked), "gather");
	dev->scatter(to, mx, mi, 3, 2);
	want[4] = (1.0f + 1.0f) + 0x1p-24f;
	ok(is(to, want, sizeof want), "scatter: a row that comes twice gets both, in order");
	dev->sumsq(mem_at(s, 1, sizeof sum), mx, LEN(in));
	dev->download(&sum, mem_at(s, 1, sizeof sum), sizeof sum);
	ok(fabs(sum - (1 + 1 + 4 + 9 + 0x1p-47)) < 1e-12, "sumsq: %.17g", sum);
	mem_free(&mi), mem_free(&ma), mem_free(&out), mem_free(&to), mem_free(&mx), mem_free(&s);
}

enum { HEADS = 4, KV = 2, S = 16, LONG = 300, SHORT = 70, T = LONG + SHORT };

/* Attention of two sequences and its gradients, on `threads` threads: att, lse, dq, dk, dv. */
static void attend(int threads, struct mem out[5])
{
	struct plan_row rows[T];
	struct span spans[2] = {{.n = LONG, .base = -1}, {LONG, SHORT, 0, LONG, -1, {.cap = SHORT}}};
	struct plan p = {.rows = rows, .spans = spans, .n = T, .n_spans = 2, .n_keys = T,
	                 .positions = LONG};
	struct attn a = {.heads = HEADS, .kv_heads = KV, .size = S, .scale = 0.25f};
	struct part all = {&p, 0, T};
	act *x = noise(T * HEADS * S, "queries"), *k = noise(T * 2 * KV * S, "keys");
	struct mem q = up(x, T * HEADS * S * sizeof *x), keys = up(k, T * 2 * KV * S * sizeof *k);
	struct mem d = mem_new(T * HEADS * S * sizeof(float));
	struct err e;

	if (dev_init(DEVICE_AUTO, threads, &e))
		ok(0, "%s", e.msg);
	dev->from_act(d, q, T * HEADS * S);
	spans[0].cache = (struct cache){.mem = keys, .cap = LONG};
	spans[1].cache.mem = mem_act(keys, LONG * 2 * KV * S);
	for (int i = 0; i < T; i++)
		rows[i] = (struct plan_row){.pos = i < LONG ? i : i - LONG, .span = i >= LONG, .key = i};
	for (int i = 0; i < 5; i++)
		out[i] = mem_new(T * HEADS * S * sizeof(float));
	dev->plan(&p, S);
	dev->attend(out[0], out[1], q, &all, &a);
	dev->attend_bwd(out[2], out[3], out[4], d, out[0], out[1], q, &p, &a);
	dev->plan_release(&p);
	mem_free(&q), mem_free(&keys), mem_free(&d);
	free(x), free(k);
}

static void threads(void)
{
	static const size_t bytes[] = {T * HEADS * S * sizeof(act), T * HEADS * sizeof(float),
		T * HEADS * S * sizeof(float), T * KV * S * sizeof(float), T * KV * S * sizeof(float)};
	struct mem want[5], got[5];

	attend(1, want);
	for (int n = 2; n <= 17; n += 5) {
		int same = 1;

		attend(n, got);
		for (int i = 0; i < 5; i++) {
			void *p = mem_map(want[i], bytes[i]);

			same &= is(got[i], p, bytes[i]);
			mem_unmap(want[i], p, bytes[i], 0);
			mem_free(&got[i]);
		}
		ok(same, "attention and its gradients on %d threads: the bits of one", n);
	}
	for (int i = 0; i < 5; i++)
		mem_free(&want[i]);
}

enum { V = 515, LINE = 64 };

/* Logits with a row stride of their own: what is between the rows is neither read nor written. */
static void strides(void)
{
	size_t ld = mem_stride(V, sizeof(float)), ldx = mem_stride(V, sizeof(act)) + 3;
	static const int32_t token[] = {7, V - 1};
	static const float coef[] = {-1, 0.5f, 2, -0.25f};
	static const struct draw draws[] = {{1, 0.4, {1, 1, 0, 0}, 0}, {0, 0.9, {1, 0.8, 9, 0}, 1}};
	act *values = noise(4 * V, "logits");
	float *x = xmalloc(4 * V * sizeof *x);
	struct mem mt = up(token, sizeof token), mc = up(coef, sizeof coef), s[2], dx[2], drawn[2];
	int same = 1;

	for (size_t i = 0; i < 4 * V; i++)
		x[i] = act_f32(values[i]);
	for (int wide = 0; wide < 2; wide++) {
		size_t l = wide ? ld : V, lx = wide ? ldx : V;
		struct mem logits = mem_new(4 * l * sizeof *x), y = mem_f32(logits, 2 * l);

		memset(mem_map(logits, 4 * l * sizeof *x), 0xff, 4 * l * sizeof *x);
		for (size_t i = 0; i < 4; i++)
			dev->upload(mem_f32(logits, i * l), x + i * V, V * sizeof *x);
		s[wide] = mem_new(2 * sizeof(struct scored));
		drawn[wide] = mem_new(2 * sizeof(struct drawn));
		dx[wide] = mem_new(2 * lx * sizeof(act));
		dev->zero(dx[wide], 2 * lx * sizeof(act));
		dev->sample(drawn[wide], logits, l, V, draws, 2, token, 2);
		dev->score(s[wide], logits, y, l, mt, none, 2, V, SCORE_KL);
		dev->dlogits(dx[wide], lx, logits, y, l, s[wide], mc, mt, 2, V);
		mem_free(&logits);
	}
	ok(ld >= V && ld * sizeof *x % (2 * LINE) == LINE, "a stride of an odd number of lines: %zu",
	   ld);
	same &= is(s[1], s[0].p, 2 * sizeof(struct scored));
	ok(same && is(drawn[1], drawn[0].p, 2 * sizeof(struct drawn)),
	   "scores and draws of rows apart: the same bits");
	for (size_t i = 0; i < 2; i++)
		same &= is(mem_act(dx[1], i * ldx), mem_act(dx[0], i * V).p, V * sizeof(act));
	memset(values, 0, 4 * V * sizeof *values);
	ok(same && is(mem_act(dx[1], V), values, (ldx - V) * sizeof(act)),
	   "and their gradients, with nothing between them");
	for (int wide = 0; wide < 2; wide++)
		mem_free(&s[wide]), mem_free(&dx[wide]), mem_free(&drawn[wide]);
	mem_free(&mt), mem_free(&mc);
	free(values), free(x);
}

int main(void)
{
	struct err e;

	ok(dev_init(DEVICE_CUDA, 1, &e) == -1 && strstr(e.msg, "cuda"), "no such device here: %s",
	   e.msg);
	if (!ok(!dev_init(DEVICE_AUTO, 2, &e), "auto: %s", dev->name))
		return done();
	memory();
	zeroed();
	products();
	norms();
	rows();
	threads();
	strides();
	return done();
}
