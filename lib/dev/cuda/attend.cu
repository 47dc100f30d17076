/* SPDX-License-Identifier: MIT */
/*
 * Attention. A warp has one query of one head, or one key of one key/value head. It goes through
 * the other side in tiles of 32 at absolute multiples of 32, a lane for each score; then the lanes
 * share out the head's values, to which the tile's scores are added in order.
 */
#include "dev/cuda/gpu.h"

enum { EACH = DEVICE_HEAD / WARP };          /* a head's values per lane */

/* d: the lane's values of a head of s; e counts them. A loop of fixed length, so that what e
 * indexes is in registers. */
#define EACH_OF(e, d, lane, s) \
	for (size_t e = 0, d = lane; e < EACH; e++, d += WARP) \
		if (d < s)

/* ---- caches ---- */

/* Position pos of head i of 2 * layers * G, keys and values in turn. */
static __device__ uint16_t *cache_at(const struct device_span *s, size_t i, size_t pos, size_t size)
{
	return pos < s->from ? s->common + (i * s->common_cap + pos) * size
	                     : s->mem + (i * (s->cap - s->from) + pos - s->from) * size;
}

static __device__ uint16_t *key_at(const struct device_span *s, const struct device_attn *a,
                                   size_t g, int value, size_t pos)
{
	return cache_at(s, 2 * (a->layer * a->kv_heads + g) + (size_t)value, pos, a->size);
}

static __global__ void cache_copy(struct device_span to, struct device_span from, size_t both,
                                  size_t n, size_t heads, size_t size)
{
	size_t i = thread_number(), pos = both + i / size % (n - both), head = i / size / (n - both);

	if (i < 2 * heads * (n - both) * size)
		cache_at(&to, head, pos, size)[i % size] = cache_at(&from, head, pos, size)[i % size];
}

void device_cache_copy(struct device_span to, struct device_span from, size_t both, size_t n,
                       size_t heads, size_t size)
{
	if (n > both)
		LAUNCH(cache_copy, blocks_of(2 * heads * (n - both) * size, BLOCK), BLOCK, to, from, both,
		       n, heads, size);
}

static __global__ void share(struct device_part p, struct device_attn a, size_t span)
{
	const struct device_span *to = &p.spans[span], *from = &p.spans[to->base];
	size_t i = thread_number(), s = a.size, pos = i / s % to->pos, head = i / s / to->pos;

	if (i < 2 * a.kv_heads * to->pos * s)
		key_at(to, &a, head / 2, head % 2, pos)[i % s] =
			key_at(from, &a, head / 2, head % 2, pos)[i % s];
}

void device_share(const struct device_part *p, const struct device_attn *a, size_t span,
                  size_t positions)
{
	if (positions)
		LAUNCH(share, blocks_of(2 * a->kv_heads * positions * a->size, BLOCK), BLOCK, *p, *a,
		       span);
}

/* ---- projections to heads: a warp a row ---- */

/* Lane's part of n norms of size s, in place; what they were to pre, their factors to r. */
static __device__ void norm_heads(float *x, const float *w, size_t n, size_t s, float eps,
                                  float *pre, float *r)
{
	for (size_t h = 0; h < n; h++, x += s) {
		float sum = 0, factor;

		for (size_t i = threadIdx.x; i < s; i += WARP)
			sum += x[i] * x[i];
		factor = 1 / sqrtf(warp_sum(sum) / (float)s + eps);
		for (size_t i = threadIdx.x; i < s; i += WARP) {
			if (pre)
				pre[h * s + i] = x[i];
			x[i] = x[i] * factor * w[i];
		}
		if (r && threadIdx.x == 0)
			r[h] = factor;
	}
	__syncwarp();
}

static __device__ void rope(float *x, size_t heads, size_t s, const float *cosine,
                            const float *sine, float sign)
{
	size_t half = s / 2;

	for (size_t i = threadIdx.x; i < heads * half; i += WARP) {
		float *at = x + i / half * s + i % half;
		float c = cosine[i % half], z = sign * sine[i % half], first = at[0], second = at[half];

		at[0] = first * c - second * z;
		at[half] = second * c + first * z;
	}
	__syncwarp();
}

static __global__ void heads_fwd(uint16_t *query, float *pre, float *r, float *qkv,
                                 struct device_part p, struct device_attn a)
{
	size_t i = blockIdx.x, s = a.size, hs = a.heads * s, gs = a.kv_heads * s;
	size_t nq = a.norm[0] ? hs / a.norm_size[0] : 0, nk = a.norm[1] ? gs / a.norm_size[1] : 0;
	struct device_row row = p.rows[p.row + i];
	const struct device_span *span = &p.spans[row.span];
	size_t pos = (size_t)row.pos;
	float *q = qkv + i * a.ld, *k = q + a.k, *v = q + a.v;

	for (size_t j = threadIdx.x; j < a.ld && a.bias; j += WARP)
		q[j] += a.bias[j];
	__syncwarp();
	if (nq) {
		float *in = pre ? pre + i * (hs + gs) : NULL, *factor = r ? r + i * (nq + nk) : NULL;

		norm_heads(q, a.norm[0], nq, a.norm_size[0], a.eps, in, factor);
		norm_heads(k, a.norm[1], nk, a.norm_size[1], a.eps, in ? in + hs : NULL,
		           factor ? factor + nq : NULL);
	}
	if (a.cos) {
		rope(q, a.heads, s, a.cos + pos * (s / 2), a.sin + pos * (s / 2), 1);
		rope(k, a.kv_heads, s, a.cos + pos * (s / 2), a.sin + pos * (s / 2), 1);
	}
	for (size_t j = threadIdx.x; j < hs; j += WARP)
		query[i * hs + j] = narrow(q[j]);
	for (size_t j = threadIdx.x; j < gs; j += WARP) {
		key_at(span, &a, j / s, 0, pos)[j % s] = narrow(k[j]);
		key_at(span, &a, j / s, 1, pos)[j % s] = narrow(v[j]);
	}
}

void device_heads(uint16_t *q, float *pre, float *r, float *qkv, const struct device_part *p,
                  const struct device_attn *a)
{
	if (p->n)
		LAUNCH(heads_fwd, p->n, WARP, q, pre, r, qkv, *p, *a);
}

/* ---- attention, forward ---- */

static __device__ float dot(const uint16_t *a, const uint16_t *b, size_t s)
{
	float sum = 0;

	for (size_t i = 0; i < s; i++)
		sum += wide(a[i]) * wide(b[i]);
	return sum;
}

static __device__ float dot_f32(const float *a, const uint16_t *b, size_t s)
{
	float sum = 0;

	for (size_t i = 0; i < s; i++)
		sum += a[i] * wide(b[i]);
	return sum;
}

/* The first position that a query at pos sees. */
static __device__ size_t sees_from(size_t pos, size_t window)
{
	return window && pos + 1 > window ? pos + 1 - window : 0;
}

static __global__ void attend(uint16_t *att, float *lse, const uint16_t *q, struct device_part p,
                              struct device_attn a)
{
	size_t i = blockIdx.x / a.heads, h = blockIdx.x % a.heads, s = a.size, lane = threadIdx.x;
	size_t g = h / (a.heads / a.kv_heads), at = (i * a.heads + h) * s;
	struct device_row row = p.rows[p.row + i];
	const struct device_span *span = &p.spans[row.span];
	size_t last = (size_t)row.pos, first = sees_from(last, a.window);
	float top = -HUGE_VALF, total = 0, out[EACH] = {0};

	for (size_t tile = first / WARP * WARP; tile <= last; tile += WARP) {
		size_t j = tile + lane, n = least(last - tile + 1, WARP);
		int seen = j >= first && j <= last;
		float x = seen ? dot(q + at, key_at(span, &a, g, 0, j), s) * a.scale : -HUGE_VALF;
		float above = fmaxf(top, warp_max(x)), shrink = expf(top - above);
		float w = seen ? expf(x - above) : 0;

		total = total * shrink + warp_sum(w);
		for (size_t e = 0; e < EACH; e++)
			out[e] *= shrink;
		for (size_t t = 0; t < n; t++) {
			float of_t = __shfl_sync(~0u, w, (int)t);
			const uint16_t *v = key_at(span, &a, g, 1, tile + t);

			if (tile + t < first)
				continue;
			EACH_OF(e, d, lane, s)
				out[e] += of_t * wide(v[d]);
		}
		top = above;
	}
	EACH_OF(e, d, lane, s)
		att[at + d] = narrow(out[e] / total);
	if (lse && lane == 0)
		lse[i * a.heads + h] = top + logf(total);
}

void device_attend(uint16_t *att, float *lse, const uint16_t *q, const struct device_part *p,
                   const struct device_attn *a)
{
	if (p->n)
		LAUNCH(attend, p->n * a->heads, WARP, att, lse, q, *p, *a);
}

/* ---- attention, backward ---- */

/* delta = datt . att of each query. */
static __global__ void attend_delta(float *delta, const float *datt, const uint16_t *att, size_t s)
{
	size_t at = blockIdx.x * s;
	float sum = 0;

	for (size_t d = threadIdx.x; d < s; d += WARP)
		sum += datt[at + d] * wide(att[at + d]);
	sum = warp_sum(sum);
	if (threadIdx.x == 0)
		delta[blockIdx.x] = sum;
}

struct pair { float p, ds; };

/* The weight of a key in a query's softmax, and the gradient of its score before the scale. */
static __device__ struct pair pair_of(const uint16_t *q, const uint16_t *k, const uint16_t *v,
                                      const float *dout, float lse, float delta, size_t s,
                                      float scale)
{
	float p = expf(dot(q, k, s) * scale - lse);

	return {p, p * (dot_f32(dout, v, s) - delta) * scale};
}

static __global__ void attend_dq(float *dq, const float *datt, const float *lse, const uint16_t *q,
                                 const float *delta, struct device_part p, struct device_attn a)
{
	size_t i = blockIdx.x / a.heads, h = blockIdx.x % a.heads, s = a.size, lane = threadIdx.x;
	size_t g = h / (a.heads / a.kv_heads), at = (i * a.heads + h) * s;
	struct device_row row = p.rows[i];
	const struct device_span *span = &p.spans[row.span];
	size_t last = (size_t)row.pos, first = sees_from(last, a.window);
	float out[EACH] = {0};

	for (size_t tile = first / WARP * WARP; tile <= last; tile += WARP) {
		size_t j = tile + lane, n = least(last - tile + 1, WARP);
		struct pair mine = {0, 0};

		if (j >= first && j <= last)
			mine = pair_of(q + at, key_at(span, &a, g, 0, j), key_at(span, &a, g, 1, j), datt + at,
			               lse[blockIdx.x], delta[blockIdx.x], s, a.scale);
		for (size_t t = 0; t < n; t++) {
			float ds = __shfl_sync(~0u, mine.ds, (int)t);
			const uint16_t *k = key_at(span, &a, g, 0, tile + t);

			if (tile + t < first)
				continue;
			EACH_OF(e, d, lane, s)
				out[e] += ds * wide(k[d]);
		}
	}
	EACH_OF(e, d, lane, s)
		dq[at + d] = out[e];
}

/* The span that holds key number `key` of all. */
static __device__ const struct device_span *span_of(const struct device_part *p, size_t key)
{
	size_t low = 0, high = p->n_spans;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (p->spans[middle].keys <= key)
			low = middle;
		else
			high = middle;
	}
	return &p->spans[low];
}

/* In the order of queries: rows, and a row's heads. A tile is 32 of these. */
static __global__ void attend_dkv(float *dk, float *dv, const float *datt, const float *lse,
                                  const uint16_t *q, const float *delta, struct device_part p,
                                  struct device_attn a)
{
	size_t g = blockIdx.x % a.kv_heads, key = blockIdx.x / a.kv_heads, s = a.size;
	size_t lane = threadIdx.x, grp = a.heads / a.kv_heads, to = (key * a.kv_heads + g) * s;
	const struct device_span *span = span_of(&p, key);
	size_t pos = key - span->keys;
	const uint16_t *k = key_at(span, &a, g, 0, pos), *v = key_at(span, &a, g, 1, pos);
	/* queries that see the key */
	size_t first = pos > span->pos ? pos - span->pos : 0, end = span->n;
	float sum_k[EACH] = {0}, sum_v[EACH] = {0};

	if (a.window && pos + a.window < span->pos + span->n)
		end = pos + a.window > span->pos ? pos + a.window - span->pos : 0;
	for (size_t tile = first * grp; tile < end * grp; tile += WARP) {
		size_t u = tile + lane, n = least(end * grp - tile, WARP);
		struct pair mine = {0, 0};

		if (u < end * grp) {
			size_t head = (span->row + u / grp) * a.heads + g * grp + u % grp;

			mine = pair_of(q + head * s, k, v, datt + head * s, lse[head], delta[head], s, a.scale);
		}
		for (size_t t = 0; t < n; t++) {
			float w = __shfl_sync(~0u, mine.p, (int)t), ds = __shfl_sync(~0u, mine.ds, (int)t);
			size_t head = (span->row + (tile + t) / grp) * a.heads + g * grp + (tile + t) % grp;

			EACH_OF(e, d, lane, s) {
				sum_k[e] += ds * wide(q[head * s + d]);
				sum_v[e] += w * datt[head * s + d];
			}
		}
	}
	EACH_OF(e, d, lane, s) {
		dk[to + d] = sum_k[e];
		dv[to + d] = sum_v[e];
	}
}

/* Positions that spans share: a value a thread, last span first. */
static __global__ void share_bwd(float *dk, float *dv, struct device_part p, size_t gs)
{
	size_t i = thread_number(), pos = i / gs, j = i % gs;

	for (size_t n = p.n_spans; n-- > 0 && pos < p.positions;) {
		const struct device_span *span = &p.spans[n];

		if (span->base >= 0 && pos < span->pos) {
			size_t to = (p.spans[span->base].keys + pos) * gs + j;

			dk[to] += dk[(span->keys + pos) * gs + j];
			dv[to] += dv[(span->keys + pos) * gs + j];
		}
	}
}

void device_attend_bwd(float *dq, float *dk, float *dv, const float *datt, const uint16_t *att,
                       const float *lse, const uint16_t *q, float *delta,
                       const struct device_part *p, const struct device_attn *a, int common)
{
	size_t queries = p->n * a->heads, gs = a->kv_heads * a->size;

	if (!p->n)
		return;
	LAUNCH(attend_delta, queries, WARP, delta, datt, att, a->size);
	LAUNCH(attend_dq, queries, WARP, dq, datt, lse, q, delta, *p, *a);
	LAUNCH(attend_dkv, p->n_keys * a->kv_heads, WARP, dk, dv, datt, lse, q, delta, *p, *a);
	if (common)
		LAUNCH(share_bwd, blocks_of(p->positions * gs, BLOCK), BLOCK, dk, dv, *p, gs);
}

/* ---- from heads to projections, backward ---- */

/* Where the gradient of row i's q (0), k (1) or v (2) is. */
struct grads { float *d[3]; };

static __device__ float *grad_of(struct grads t, const struct device_part *p,
                                 const struct device_attn *a, size_t i, int which)
{
	size_t s = a->size;

	return which ? (which == 1 ? t.d[1] : t.d[2]) +
	                   (size_t)p->rows[p->row + i].key * a->kv_heads * s
	             : t.d[0] + i * a->heads * s;
}

static __global__ void unrotate(struct grads t, struct device_part p, struct device_attn a)
{
	size_t i = blockIdx.x, half = a.size / 2, pos = (size_t)p.rows[p.row + i].pos;

	for (int which = 0; which < 2; which++)
		rope(grad_of(t, &p, &a, i, which), which ? a.kv_heads : a.heads, a.size,
		     a.cos + pos * half, a.sin + pos * half, -1);
}

/* Of norm `which`, by blocks of rows: in the order of rows and of a row's norms. */
static __global__ void dnorm_sums(float *sums, struct grads t, const float *pre, const float *r,
                                  struct device_part p, struct device_attn a, int which)
{
	size_t s = which ? a.norm_size[1] : a.norm_size[0];
	size_t hs = a.heads * a.size, gs = a.kv_heads * a.size;
	size_t nq = hs / a.norm_size[0], nk = gs / a.norm_size[1], columns = (s + BLOCK - 1) / BLOCK;
	size_t rows = blockIdx.x / columns, j = blockIdx.x % columns * BLOCK + threadIdx.x;
	float sum = 0;

	if (j >= s)
		return;
	for (size_t i = rows * DEVICE_SUM; i < p.n && i < (rows + 1) * DEVICE_SUM; i++) {
		const float *dy = grad_of(t, &p, &a, i, which);
		const float *x = pre + i * (hs + gs) + (which ? hs : 0);
		const float *factor = r + i * (nq + nk) + (which ? nq : 0);

		for (size_t h = 0; h < (which ? nk : nq); h++)
			sum += dy[h * s + j] * (x[h * s + j] * factor[h]);
	}
	sums[rows * s + j] = sum;
}

static __global__ void unnorm(struct grads t, const float *pre, const float *r,
                              struct device_part p, struct device_attn a)
{
	size_t i = blockIdx.x, hs = a.heads * a.size, gs = a.kv_heads * a.size;
	size_t nq = hs / a.norm_size[0], nk = gs / a.norm_size[1];

	for (int which = 0; which < 2; which++) {
		size_t s = a.norm_size[which];
		float *dy = grad_of(t, &p, &a, i, which);
		const float *x = pre + i * (hs + gs) + (which ? hs : 0), *w = a.norm[which];
		const float *factor = r + i * (nq + nk) + (which ? nq : 0);

		for (size_t h = 0; h < (which ? nk : nq); h++, dy += s, x += s) {
			float sum = 0, c, f = factor[h];

			for (size_t j = threadIdx.x; j < s; j += WARP)
				sum += dy[j] * w[j] * x[j];
			c = warp_sum(sum) * f * f * f / (float)s;
			for (size_t j = threadIdx.x; j < s; j += WARP)
				dy[j] = dy[j] * w[j] * f - x[j] * c;
		}
	}
}

static __global__ void dbias_sums(float *sums, struct grads t, struct device_part p,
                                  struct device_attn a, int which)
{
	size_t width = (which ? a.kv_heads : a.heads) * a.size, columns = (width + BLOCK - 1) / BLOCK;
	size_t rows = blockIdx.x / columns, j = blockIdx.x % columns * BLOCK + threadIdx.x;
	float sum = 0;

	if (j >= width)
		return;
	for (size_t i = rows * DEVICE_SUM; i < p.n && i < (rows + 1) * DEVICE_SUM; i++)
		sum += grad_of(t, &p, &a, i, which)[j];
	sums[rows * width + j] = sum;
}

static __global__ void add_sums(float *out, const float *sums, size_t blocks, size_t n)
{
	size_t j = thread_number();

	for (size_t i = 0; i < blocks && j < n; i++)
		out[j] += sums[i * n + j];
}

static __global__ void fuse(uint16_t *dqkv, struct grads t, struct device_part p,
                            struct device_attn a)
{
	size_t n = thread_number(), i = n / a.ld, j = n % a.ld;
	int which = j >= a.v ? 2 : j >= a.k ? 1 : 0;
	size_t column = j - (which == 2 ? a.v : which ? a.k : 0);

	if (i < p.n)
		dqkv[n] = column < (which ? a.kv_heads : a.heads) * a.size
		          ? narrow(grad_of(t, &p, &a, i, which)[column]) : 0;
}

void device_heads_bwd(uint16_t *dqkv, float *const dbias[3], float *const dnorm[2], float *dq,
                      float *dk, float *dv, const float *pre, const float *r, float *sums,
                      const struct device_part *p, const struct device_attn *a)
{
	struct grads t = {{dq, dk, dv}};
	size_t blocks = blocks_of(p->n, DEVICE_SUM);

	if (!p->n)
		return;
	if (a->cos)
		LAUNCH(unrotate, p->n, WARP, t, *p, *a);
	for (int i = 0; i < 2 && a->norm[0]; i++) {
		size_t s = a->norm_size[i];

		if (!dnorm[i])
			continue;
		LAUNCH(dnorm_sums, blocks * blocks_of(s, BLOCK), BLOCK, sums, t, pre, r, *p, *a, i);
		LAUNCH(add_sums, blocks_of(s, BLOCK), BLOCK, dnorm[i], sums, blocks, s);
	}
	if (a->norm[0])
		LAUNCH(unnorm, p->n, WARP, t, pre, r, *p, *a);
	for (int i = 0; i < 3 && a->bias; i++) {
		size_t width = (i ? a->kv_heads : a->heads) * a->size;

		if (!dbias[i])
			continue;
		LAUNCH(dbias_sums, blocks * blocks_of(width, BLOCK), BLOCK, sums, t, *p, *a, i);
		LAUNCH(add_sums, blocks_of(width, BLOCK), BLOCK, dbias[i], sums, blocks, width);
	}
	LAUNCH(fuse, blocks_of(p->n * a->ld, BLOCK), BLOCK, dqkv, t, *p, *a);
}
