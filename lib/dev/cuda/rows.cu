/* SPDX-License-Identifier: MIT */
/* What works value by value, row by row or column by column. Kernels have one value, one row's warp
 * or one column a thread. */
#include "dev/cuda/gpu.h"

#include "kern/types.h"

enum { SQUARES = 1 << 16 };

static size_t grid(size_t values)
{
	return blocks_of(values, BLOCK);
}

/* ---- conversion, copies ---- */

static __global__ void to_act(uint16_t *out, const float *x, float scale, size_t n)
{
	size_t i = thread_number();

	if (i < n)
		out[i] = narrow(x[i] * scale);
}

void device_scale_to_act(uint16_t *out, const float *x, float scale, size_t n)
{
	if (n)
		LAUNCH(to_act, grid(n), BLOCK, out, x, scale, n);
}

void device_to_act(uint16_t *out, const float *x, size_t n)
{
	device_scale_to_act(out, x, 1, n);
}

static __global__ void from_act(float *out, const uint16_t *x, size_t n)
{
	size_t i = thread_number();

	if (i < n)
		out[i] = wide(x[i]);
}

void device_from_act(float *out, const uint16_t *x, size_t n)
{
	if (n)
		LAUNCH(from_act, grid(n), BLOCK, out, x, n);
}

static __global__ void copy_rows(float *to, const float *from, size_t ld, size_t rows, size_t n)
{
	size_t i = thread_number();

	if (i < rows * n)
		to[i / n * ld + i % n] = from[i / n * ld + i % n];
}

void device_copy_rows(float *to, const float *from, size_t ld, size_t rows, size_t n)
{
	if (rows * n > 0)
		LAUNCH(copy_rows, grid(rows * n), BLOCK, to, from, ld, rows, n);
}

static __global__ void gather(uint16_t *out, const uint16_t *in, const int32_t *index, size_t n,
                              size_t d)
{
	size_t i = thread_number();

	if (i < n * d)
		out[i] = in[(size_t)index[i / d] * d + i % d];
}

void device_gather(uint16_t *out, const uint16_t *in, const int32_t *index, size_t n, size_t d)
{
	if (n * d > 0)
		LAUNCH(gather, grid(n * d), BLOCK, out, in, index, n, d);
}

static __global__ void scatter(float *out, const float *in, const int32_t *index, size_t n,
                               size_t d)
{
	size_t j = thread_number();

	for (size_t i = 0; i < n && j < d; i++)
		out[(size_t)index[i] * d + j] += in[i * d + j];
}

void device_scatter(float *out, const float *in, const int32_t *index, size_t n, size_t d)
{
	LAUNCH(scatter, grid(d), BLOCK, out, in, index, n, d);
}

static __global__ void transpose(uint16_t *out, const uint16_t *in, size_t rows, size_t cols)
{
	size_t i = thread_number();

	if (i < rows * cols)
		out[i] = in[i % rows * cols + i / rows];
}

void device_transpose(uint16_t *out, const uint16_t *in, size_t rows, size_t cols)
{
	if (rows * cols > 0)
		LAUNCH(transpose, grid(rows * cols), BLOCK, out, in, rows, cols);
}

static __global__ void merge(uint16_t *out, const uint16_t *w, const uint16_t *a,
                             const uint16_t *b, size_t n, size_t k, size_t r, float scale)
{
	size_t i = thread_number();
	float sum = 0;

	if (i >= n * k)
		return;
	for (size_t j = 0; j < r; j++)
		sum += wide(b[i / k * r + j]) * wide(a[j * k + i % k]);
	out[i] = narrow(wide(w[i]) + scale * sum);
}

void device_merge(uint16_t *out, const uint16_t *w, const uint16_t *a, const uint16_t *b, size_t n,
                  size_t k, size_t r, float scale)
{
	if (n * k > 0)
		LAUNCH(merge, grid(n * k), BLOCK, out, w, a, b, n, k, r, scale);
}

/* ---- embedding ---- */

static __global__ void embed(float *x, const struct device_row *rows, const uint16_t *table,
                             float scale, size_t n, size_t d)
{
	size_t i = thread_number();

	if (i < n * d)
		x[i] = wide(table[(size_t)rows[i / d].token * d + i % d]) * scale;
}

void device_embed(float *x, const struct device_row *rows, const uint16_t *table, float scale,
                  size_t n, size_t d)
{
	if (n * d > 0)
		LAUNCH(embed, grid(n * d), BLOCK, x, rows, table, scale, n, d);
}

/* A column a thread: rows with the same token are added in order. */
static __global__ void embed_bwd(float *g, const float *dx, const struct device_row *rows, size_t n,
                                 size_t d, float scale)
{
	size_t j = thread_number();

	for (size_t i = 0; i < n && j < d; i++)
		g[(size_t)rows[i].token * d + j] += scale * dx[i * d + j];
}

void device_embed_bwd(float *g, const float *dx, const struct device_row *rows, size_t n, size_t d,
                      float scale)
{
	LAUNCH(embed_bwd, grid(d), BLOCK, g, dx, rows, n, d, scale);
}

/* ---- norms: a block a row ---- */

static __device__ float inverse_rms(const float *x, size_t d, float eps)
{
	float sum = 0;

	for (size_t i = threadIdx.x; i < d; i += BLOCK)
		sum += x[i] * x[i];
	sum = block_sum(sum);
	return 1 / sqrtf(sum / (float)d + eps);
}

static __global__ void norm(uint16_t *out, float *factor, const float *x, const float *w, size_t d,
                            float eps)
{
	size_t row = blockIdx.x;
	float r = inverse_rms(x + row * d, d, eps);

	for (size_t i = threadIdx.x; i < d; i += BLOCK)
		out[row * d + i] = narrow(x[row * d + i] * r * w[i]);
	if (factor && threadIdx.x == 0)
		factor[row] = r;
}

void device_norm(uint16_t *out, float *r, const float *x, const float *w, size_t n, size_t d,
                 float eps)
{
	if (!w)
		device_to_act(out, x, n * d);
	else if (n)
		LAUNCH(norm, n, BLOCK, out, r, x, w, d, eps);
}

static __global__ void post(float *out, float *pre, float *factor, const float *x, float *y,
                            const float *w, size_t d, float eps)
{
	size_t at = blockIdx.x * d;
	float r = inverse_rms(y + at, d, eps);

	for (size_t i = threadIdx.x; i < d; i += BLOCK) {
		float was = y[at + i], is = was * r * w[i];

		if (pre)
			pre[at + i] = was;
		y[at + i] = is;
		if (out)
			out[at + i] = x[at + i] + is;
	}
	if (factor && threadIdx.x == 0)
		factor[blockIdx.x] = r;
}

void device_post(float *out, float *pre, float *r, const float *x, float *y, const float *w,
                 size_t n, size_t d, float eps)
{
	if (n)
		LAUNCH(post, n, BLOCK, out, pre, r, x, y, w, d, eps);
}

static __global__ void norm_bwd_rows(float *dx, const float *dy, const float *x, const float *w,
                                     const float *r, size_t d)
{
	size_t at = blockIdx.x * d;
	float sum = 0, factor = r[blockIdx.x], c;

	for (size_t i = threadIdx.x; i < d; i += BLOCK)
		sum += dy[at + i] * w[i] * x[at + i];
	c = block_sum(sum) * factor * factor * factor / (float)d;
	for (size_t i = threadIdx.x; i < d; i += BLOCK)
		dx[at + i] += dy[at + i] * w[i] * factor - x[at + i] * c;
}

/* Block i of rows, a column a thread. */
static __global__ void norm_bwd_sums(float *sums, const float *dy, const float *x, const float *r,
                                     size_t n, size_t d)
{
	size_t columns = (d + BLOCK - 1) / BLOCK, rows = blockIdx.x / columns;
	size_t j = blockIdx.x % columns * BLOCK + threadIdx.x;
	float sum = 0;

	if (j >= d)
		return;
	for (size_t i = rows * DEVICE_SUM; i < n && i < (rows + 1) * DEVICE_SUM; i++)
		sum += dy[i * d + j] * (x[i * d + j] * r[i]);
	sums[rows * d + j] = sum;
}

static __global__ void add_sums(float *out, const float *sums, size_t blocks, size_t d)
{
	size_t j = thread_number();

	for (size_t i = 0; i < blocks && j < d; i++)
		out[j] += sums[i * d + j];
}

static __global__ void add(float *out, const float *x, size_t n)
{
	size_t i = thread_number();

	if (i < n)
		out[i] += x[i];
}

void device_norm_bwd(float *dx, float *dw, const float *dy, const float *x, const float *w,
                     const float *r, float *sums, size_t n, size_t d)
{
	size_t blocks = blocks_of(n, DEVICE_SUM);

	if (!n)
		return;
	if (!w) {
		LAUNCH(add, grid(n * d), BLOCK, dx, dy, n * d);
		return;
	}
	LAUNCH(norm_bwd_rows, n, BLOCK, dx, dy, x, w, r, d);
	if (dw) {
		LAUNCH(norm_bwd_sums, blocks * grid(d), BLOCK, sums, dy, x, r, n, d);
		LAUNCH(add_sums, grid(d), BLOCK, dw, sums, blocks, d);
	}
}

/* ---- feed-forward ---- */

/* as kern/levels.h has them */
#define GELU_A 1.59576912f
#define GELU_B 0.0713548163f

/* Of silu, or of gelu's tanh form: g sigmoid(gate_arg(g)). */
static __device__ float gate_arg(float g, int gelu)
{
	return gelu ? g * (GELU_A + GELU_B * (g * g)) : g;
}

static __global__ void glu(uint16_t *h, uint16_t *keep_gate, uint16_t *keep_up, const float *gu,
                           size_t half, size_t n, size_t f, int gelu)
{
	size_t i = thread_number(), at = i / f * 2 * half + i % f;
	float g, u;

	if (i >= n * f)
		return;
	g = gu[at];
	u = gu[at + half];
	if (h)
		h[i] = narrow(g / (1 + expf(-gate_arg(g, gelu))) * u);
	if (keep_gate) {
		keep_gate[i] = narrow(g);
		keep_up[i] = narrow(u);
	}
}

void device_glu(uint16_t *h, uint16_t *gate, uint16_t *up, const float *gu, size_t half, size_t n,
                size_t f, int gelu)
{
	if (n * f > 0)
		LAUNCH(glu, grid(n * f), BLOCK, h, gate, up, gu, half, n, f, gelu);
}

static __global__ void glu_bwd(uint16_t *dgu, uint16_t *h, const float *dh, const uint16_t *gate,
                               const uint16_t *up, size_t ld, size_t n, size_t f, int gelu)
{
	size_t half = ld / 2, i = thread_number(), row = i / half, j = i % half, at = row * f + j;
	uint16_t *to = dgu + row * ld + j;
	float g, u, d, s, slope;

	if (i >= n * half)
		return;
	if (j >= f) {
		to[0] = to[half] = 0;
		return;
	}
	g = wide(gate[at]);
	u = wide(up[at]);
	d = dh[at];
	s = 1 / (1 + expf(-gate_arg(g, gelu)));
	slope = gelu ? GELU_A + 3 * GELU_B * (g * g) : 1;
	h[at] = narrow(g * s * u);
	to[half] = narrow(d * (g * s));
	to[0] = narrow(d * u * (s + g * s * (1 - s) * slope));
}

void device_glu_bwd(uint16_t *dgu, uint16_t *h, const float *dh, const uint16_t *gate,
                    const uint16_t *up, size_t ld, size_t n, size_t f, int gelu)
{
	if (n)
		LAUNCH(glu_bwd, grid(n * (ld / 2)), BLOCK, dgu, h, dh, gate, up, ld, n, f, gelu);
}

/* ---- the optimiser ---- */

static __global__ void adamw_values(struct adamw a, size_t n, const float *g, const float *p0,
                                    const float *m0, const float *v0, uint16_t *w, float *p,
                                    float *m, float *v)
{
	size_t i = thread_number();
	float gi, x, mi, vi, pi;

	if (i >= n)
		return;
	gi = g[i] * a.gscale;
	x = p0[i];
	mi = a.b1 * (m0 ? m0[i] : 0) + (1 - a.b1) * gi;
	vi = a.b2 * (v0 ? v0[i] : 0) + (1 - a.b2) * (gi * gi);
	pi = x - a.lr * (mi * a.c1 / (sqrtf(vi * a.c2) + a.eps) + a.decay * x);
	m[i] = mi;
	v[i] = vi;
	p[i] = pi;
	w[i] = narrow(pi);
}

void device_adamw(const struct adamw *rate, size_t n, const float *g, const float *p0,
                  const float *m0, const float *v0, uint16_t *w, float *p, float *m, float *v)
{
	if (n)
		LAUNCH(adamw_values, grid(n), BLOCK, *rate, n, g, p0, m0, v0, w, p, m, v);
}

static __global__ void squares(double *sums, const float *x, size_t n)
{
	size_t first = (size_t)blockIdx.x * SQUARES, end = n - first < SQUARES ? n : first + SQUARES;
	double sum = 0;

	for (size_t i = first + threadIdx.x; i < end; i += BLOCK)
		sum += (double)x[i] * x[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		sums[blockIdx.x] = sum;
}

static __global__ void add_squares(double *out, const double *sums, size_t blocks)
{
	double sum = 0;

	for (size_t i = threadIdx.x; i < blocks; i += BLOCK)
		sum += sums[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		*out = sum;
}

void device_sumsq(double *out, const float *x, double *sums, size_t n)
{
	size_t blocks = blocks_of(n, SQUARES);

	if (n)
		LAUNCH(squares, blocks, BLOCK, sums, x, n);
	LAUNCH(add_squares, 1, BLOCK, out, sums, blocks);
}
