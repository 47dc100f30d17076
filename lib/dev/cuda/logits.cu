/* SPDX-License-Identifier: MIT */
/* From logits to scores, gradients and tokens: a block a row. */
#include "dev/cuda/gpu.h"

/* Log-sum-exp of x * inv_t. The block's threads get the same bits, whoever asks. */
static __device__ float lse_of(const float *x, size_t v, float inv_t)
{
	float top = -HUGE_VALF, sum = 0;

	for (size_t i = threadIdx.x; i < v; i += BLOCK)
		top = fmaxf(top, x[i] * inv_t);
	top = block_max(top);
	if (top == -HUGE_VALF || top == HUGE_VALF)
		top = 0;
	for (size_t i = threadIdx.x; i < v; i += BLOCK)
		sum += expf(x[i] * inv_t - top);
	return top + logf(block_sum(sum));
}

/* The token's log-probability; sampling and scoring share it. */
static __device__ float logp_of(float x, float inv_t, float lse)
{
	double at = (double)x * inv_t;

	return inv_t == 1 ? x - lse : at > lse ? 0 : (float)(at - lse);
}

/* ---- scores ---- */

/* Then the row becomes x * inv_t. */
static __device__ float score_row(float *x, size_t v, int32_t token, float inv_t, float *lse)
{
	float logp;

	*lse = lse_of(x, v, inv_t);
	logp = logp_of(x[token], inv_t, *lse);
	__syncthreads();
	for (size_t i = threadIdx.x; i < v && inv_t != 1; i += BLOCK)
		x[i] *= inv_t;
	__syncthreads();
	return logp;
}

static __global__ void score(struct device_scored *out, float *x, float *y, size_t ld,
                             const int32_t *token, const float *inv_t, size_t v, int want)
{
	size_t row = blockIdx.x;
	float t = inv_t ? inv_t[row] : 1, kl = 0, entropy = 0;
	struct device_scored s = {0, 0, 0, 0, 0, 0};

	x += row * ld;
	s.logp = score_row(x, v, token[row], t, &s.lse);
	if (y) {
		y += row * ld;
		s.ref_logp = score_row(y, v, token[row], t, &s.ref_lse);
	}
	for (size_t i = threadIdx.x; i < v && want > 0; i += BLOCK) {
		float lp = x[i] - s.lse, p = expf(lp);

		if (p == 0)
			continue;
		entropy -= p * lp;
		if (y && want > 1)
			kl += p * (lp - (y[i] - s.ref_lse));
	}
	s.kl = block_sum(kl);
	s.entropy = block_sum(entropy);
	if (threadIdx.x == 0)
		out[row] = s;
}

void device_score(struct device_scored *out, float *x, float *y, size_t ld, const int32_t *token,
                  const float *inv_t, size_t n, size_t v, int want)
{
	if (n)
		LAUNCH(score, n, BLOCK, out, x, y, ld, token, inv_t, v, want);
}

static __global__ void dlogits(uint16_t *dx, size_t ld, const float *x, const float *y, size_t ldx,
                               const struct device_scored *scored, const float *c,
                               const int32_t *token, size_t v)
{
	size_t row = blockIdx.x;
	struct device_scored s = scored[row];
	float c_logp = c[2 * row], c_kl = c[2 * row + 1];

	for (size_t i = threadIdx.x; i < v; i += BLOCK) {
		float lp = x[row * ldx + i] - s.lse, p = expf(lp), g = -c_logp * p;

		if (y && p != 0)
			g += c_kl * p * (lp - (y[row * ldx + i] - s.ref_lse) - s.kl);
		dx[row * ld + i] = narrow((size_t)token[row] == i ? c_logp + g : g);
	}
}

void device_dlogits(uint16_t *dx, size_t ld, const float *x, const float *y, size_t ldx,
                    const struct device_scored *s, const float *c, const int32_t *token, size_t n,
                    size_t v)
{
	if (n)
		LAUNCH(dlogits, n, BLOCK, dx, ld, x, y, ldx, s, c, token, v);
}

/* ---- draws ---- */

/* Logits in the order of floats, -0 being 0; never 0 for a number. */
static __device__ uint32_t key_of(float x)
{
	union { float f; uint32_t u; } v = {x + 0.0f};

	return v.u & 0x80000000 ? ~v.u : v.u | 0x80000000;
}

/* Tokens whose logit is above a key (or at it): how many, and their mass. */
struct above { double mass; long count; };

static __device__ struct above above_of(const float *x, size_t v, float inv_t, float lse,
                                        uint32_t key, int at)
{
	struct above sum = {0, 0};

	for (size_t i = threadIdx.x; i < v; i += BLOCK) {
		uint32_t k = key_of(x[i]);

		if (x[i] > -HUGE_VALF && (k > key || (at && k == key))) {
			sum.mass += exp((double)x[i] * inv_t - lse);
			sum.count++;
		}
	}
	sum.mass = block_sum(sum.mass);
	sum.count = block_sum(sum.count);
	return sum;
}

/* The largest key at and above which there are `count` tokens (mass < 0), or more mass than `mass`
 * (or as much, if `even`); 0 if there is none. */
static __device__ uint32_t key_that_holds(const float *x, size_t v, float inv_t, float lse,
                                          long count, double mass, int even)
{
	uint32_t key = 0;

	for (int bit = 31; bit >= 0; bit--) {
		uint32_t trial = key | 1u << bit;
		struct above a = above_of(x, v, inv_t, lse, trial, 1);

		if (mass < 0 ? a.count >= count : even ? a.mass >= mass : a.mass > mass)
			key = trial;
	}
	return key;
}

/* The nth token, by id, whose logit is at the key; the last of them if there are not so many. */
static __device__ int32_t token_at(const float *x, size_t v, uint32_t key, long nth)
{
	__shared__ int32_t found;

	if (threadIdx.x == 0) {
		found = 0;
		for (size_t i = 0; i < v && nth >= 0; i++)
			if (key_of(x[i]) == key) {
				found = (int32_t)i;
				nth--;
			}
	}
	__syncthreads();
	nth = found;
	__syncthreads();
	return (int32_t)nth;
}

static __device__ int32_t likeliest(const float *x, size_t v)
{
	float top = -HUGE_VALF;

	for (size_t i = threadIdx.x; i < v; i += BLOCK)
		top = fmaxf(top, x[i]);
	return token_at(x, v, key_of(block_max(top)), 0);
}

/* Of tokens in falling order of logits (ids, where these are equal) those that top-k, and then
 * top-p, keep: all above a key, and `ties` of those at it. */
struct kept { uint32_t key; long ties; double mass; };

static __device__ struct kept keep(const float *x, size_t v, float inv_t, float lse,
                                   const struct device_draw *d)
{
	struct kept k = {0, 0, 0};
	struct above a = above_of(x, v, inv_t, lse, 0, 0);
	double of = 1, p;
	long n = d->top_k > 0 && d->top_k < a.count ? d->top_k : a.count;

	k.key = key_that_holds(x, v, inv_t, lse, n, -1, 0);
	a = above_of(x, v, inv_t, lse, k.key, 0);
	p = above_of(x, v, inv_t, lse, k.key, 1).mass - a.mass;
	p /= (double)(above_of(x, v, inv_t, lse, k.key, 1).count - a.count);
	k.ties = n - a.count;
	k.mass = a.mass + (double)k.ties * p;
	if (d->top_k > 0)
		of = k.mass;
	if (d->top_p < 1 && d->top_p * of < k.mass) {
		double want = d->top_p * of;
		uint32_t key = key_that_holds(x, v, inv_t, lse, 0, want, 1);
		struct above at;
		long ties;

		if (key < k.key)
			return k;
		a = above_of(x, v, inv_t, lse, key, 0);
		at = above_of(x, v, inv_t, lse, key, 1);
		p = (at.mass - a.mass) / (double)(at.count - a.count);
		ties = (long)ceil((want - a.mass) / p);
		ties = ties < 1 ? 1 : ties > at.count - a.count ? at.count - a.count : ties;
		if (key > k.key || ties < k.ties) {
			k.key = key;
			k.ties = ties;
			k.mass = a.mass + (double)ties * p;
		}
	}
	return k;
}

static __device__ int32_t draw_filtered(const float *x, size_t v, float inv_t, float lse,
                                        const struct device_draw *d, double *log_mass)
{
	struct kept k = keep(x, v, inv_t, lse, d);
	double target = d->u * k.mass;
	uint32_t key = key_that_holds(x, v, inv_t, lse, 0, target, 0);
	struct above a, at;
	long nth;

	if (key < k.key)
		key = k.key;
	a = above_of(x, v, inv_t, lse, key, 0);
	at = above_of(x, v, inv_t, lse, key, 1);
	nth = (long)((target - a.mass) / ((at.mass - a.mass) / (double)(at.count - a.count)));
	if (key == k.key && nth >= k.ties)
		nth = k.ties - 1;
	*log_mass = log(k.mass);
	return token_at(x, v, key, nth);
}

enum { PIECE = 512 };                        /* logits that are skipped together, as on the CPU */

/* The token at which the sum of probabilities passes u; v if it never does. */
static __device__ size_t passes(const float *x, size_t v, float inv_t, float lse, double u,
                                double *total)
{
	__shared__ size_t found;
	__shared__ double reached;
	double sum = 0;

	for (size_t from = 0; from < v; from += PIECE) {
		size_t n = least(v - from, PIECE);
		double part = exp((double)lse_of(x + from, n, inv_t) - lse);

		if (sum + part <= u) {
			sum += part;
			continue;
		}
		if (threadIdx.x == 0) {
			found = v;
			for (size_t i = from; i < from + n && found == v; i++) {
				double p = exp((double)x[i] * inv_t - lse);

				sum += p;
				if (sum > u && p > 0)
					found = i;
			}
			reached = sum;
		}
		__syncthreads();
		n = found;
		sum = reached;
		__syncthreads();
		if (n < v)
			return n;
	}
	*total = sum;
	return v;
}

static __device__ int32_t draw_all(const float *x, size_t v, float inv_t, float lse, double u)
{
	double total = 0;
	size_t i = passes(x, v, inv_t, lse, u, &total);

	if (i == v)
		i = passes(x, v, inv_t, lse, u * total * (1 - 1e-9), &total);
	return i < v ? (int32_t)i : likeliest(x, v);
}

static __global__ void sample(struct device_drawn *out, const float *logits, size_t ld, size_t v,
                              const struct device_draw *draws, float *scratch,
                              const int32_t *banned, size_t n_banned)
{
	struct device_draw d = draws[blockIdx.x];
	const float *row = logits + d.row * ld, *x = row;
	float lse1 = lse_of(row, v, 1), lse, *copy = scratch + blockIdx.x * v;
	struct device_drawn o = {0, 0, 0};
	double log_mass = 0;
	int filtered = d.top_k > 0 || d.top_p < 1, changed = d.banned && n_banned;

	if (changed) {
		for (size_t i = threadIdx.x; i < v; i += BLOCK)
			copy[i] = row[i];
		__syncthreads();
		for (size_t i = threadIdx.x; i < n_banned; i += BLOCK)
			copy[banned[i]] = -HUGE_VALF;
		__syncthreads();
		x = copy;
	}
	if (d.inv_t == 0) {
		o.id = likeliest(x, v);
		o.logprob = row[o.id] - lse1;
	} else {
		lse = changed || d.inv_t != 1 ? lse_of(x, v, d.inv_t) : lse1;
		o.id = filtered ? draw_filtered(x, v, d.inv_t, lse, &d, &log_mass)
		                : draw_all(x, v, d.inv_t, lse, d.u);
		o.logprob = row[o.id] - lse1;
		if (!changed && d.inv_t == 1 && log_mass == 0)
			o.sample_logprob = o.logprob;
		else
			o.sample_logprob = (float)((double)x[o.id] * d.inv_t - lse - log_mass);
		o.sample_logprob = fminf(o.sample_logprob, 0);
	}
	if (threadIdx.x == 0)
		out[blockIdx.x] = o;
}

void device_sample(struct device_drawn *out, const float *logits, size_t ld, size_t v,
                   const struct device_draw *draws, float *scratch, size_t n,
                   const int32_t *banned, size_t n_banned)
{
	if (n)
		LAUNCH(sample, n, BLOCK, out, logits, ld, v, draws, scratch, banned, n_banned);
}
