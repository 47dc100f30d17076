/* SPDX-License-Identifier: MIT */
/*
 * The reference: every function of the table in plain C, with sums in double, in order. Only
 * product in the bf16 build sums in fp32, with one accumulator per output: products of two bf16
 * values are exact in fp32, so levels that use FMA in the same order agree with it bit for bit.
 */
#include "kern/levels.h"

#include <math.h>

#include "kern/exp.h"

#ifdef SCORE_F32
typedef double sum;
#else
typedef float sum;
#endif

/* Outputs [n0, n0 + cols) of row i. */
static void outputs(const struct product *j, size_t i, size_t n0, size_t cols)
{
	size_t pairs = (j->k + 1) / 2;
	float *c = j->c + i * j->ldc + n0;
	sum s[KERN_PANEL];

	for (size_t n = 0; n < cols; n++)
		s[n] = j->add ? c[n] : 0;
	for (size_t k = 0; k < j->k; k++) {
		sum x = act_f32(j->by_k ? j->a[k * j->lda + i] : j->a[i * j->lda + k]);
		const act *w =
			j->by_k ? j->w + k * j->ldw + n0 : j->w + (n0 * pairs + k / 2 * KERN_PANEL) * 2 + k % 2;

		for (size_t n = 0; n < cols; n++)
			s[n] += x * (sum)act_f32(w[j->by_k ? n : 2 * n]);
	}
	for (size_t n = 0; n < cols; n++)
		c[n] = (float)s[n];
}

enum { TILES = 10 };

static void product(const struct product *j, struct share *s, size_t thread)
{
	size_t panels = (j->n + KERN_PANEL - 1) / KERN_PANEL, first, end;

	while (share_take(s, thread, &first, &end))
		for (size_t u = first; u < end; u++) {
			size_t q = u % j->parts, n0 = u / j->parts % panels * KERN_PANEL,
			       b = u / j->parts / panels;
			size_t m0 = j->m * b / j->blocks, m = j->m * (b + 1) / j->blocks - m0;
			size_t first_row = m * q / j->parts, end_row = m * (q + 1) / j->parts;
			size_t cols = j->n - n0 < KERN_PANEL ? j->n - n0 : KERN_PANEL;

			for (size_t i = first_row; i < end_row; i++)
				outputs(j, m0 + i, n0, cols);
			if (j->then && end_row > first_row)
				j->then(j, m0 + first_row, end_row - first_row, n0, cols);
		}
}

static float inverse_rms(const float *x, size_t d, float eps)
{
	double s = 0;

	for (size_t i = 0; i < d; i++)
		s += (double)x[i] * x[i];
	return (float)(1 / sqrt(s / (double)d + eps));
}

static float rmsnorm(act *out, const float *x, const float *w, size_t d, float eps)
{
	float r = inverse_rms(x, d, eps);

	for (size_t i = 0; i < d; i++)
		out[i] = act_of(x[i] * r * w[i]);
	return r;
}

static float rmsnorm_f32(float *x, const float *w, size_t d, float eps)
{
	float r = inverse_rms(x, d, eps);

	for (size_t i = 0; i < d; i++)
		x[i] = x[i] * r * w[i];
	return r;
}

static void rmsnorm_bwd(float *dx, float *dw, const float *dy, const float *x, const float *w,
                        size_t d, float r)
{
	double s = 0;
	float c;

	for (size_t i = 0; i < d; i++)
		s += (double)dy[i] * w[i] * x[i];
	c = (float)(s * r * r * r / (double)d);
	for (size_t i = 0; i < d; i++) {
		dx[i] += dy[i] * w[i] * r - x[i] * c;
		if (dw)
			dw[i] += dy[i] * (x[i] * r);
	}
}

static void rope(float *x, size_t heads, size_t s, const float *cosine, const float *sine)
{
	size_t half = s / 2;

	for (size_t h = 0; h < heads; h++, x += s)
		for (size_t i = 0; i < half; i++) {
			float a = x[i], b = x[i + half];

			x[i] = a * cosine[i] - b * sine[i];
			x[i + half] = b * cosine[i] + a * sine[i];
		}
}

/* silu(g) = g sigmoid(g); gelu (tanh form) = g sigmoid(2u), u = sqrt(2/pi) (g + 0.044715 g^3),
 * because (1 + tanh u) / 2 = sigmoid(2u). Returns the sigmoid's argument. */
static float gate_arg(float g, int gelu)
{
	return gelu ? g * (GELU_A + GELU_B * (g * g)) : g;
}

static void glu(act *h, const float *gate, const float *up, size_t n, int gelu)
{
	for (size_t i = 0; i < n; i++) {
		float g = gate[i];

		h[i] = act_of(g / (1 + kern_expf(-gate_arg(g, gelu))) * up[i]);
	}
}

static void glu_bwd(act *dgate, act *dup, act *h, const float *dh, const act *gate, const act *up,
                    size_t n, int gelu)
{
	for (size_t i = 0; i < n; i++) {
		float g = act_f32(gate[i]), u = act_f32(up[i]), d = dh[i];
		float s = 1 / (1 + kern_expf(-gate_arg(g, gelu)));
		float slope = gelu ? GELU_A + 3 * GELU_B * (g * g) : 1;

		h[i] = act_of(g * s * u);
		dup[i] = act_of(d * (g * s));
		dgate[i] = act_of(d * u * (s + g * s * (1 - s) * slope));
	}
}

static void to_act(act *out, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = act_of(x[i]);
}

static void from_act(float *out, const act *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = act_f32(x[i]);
}

static void add(float *y, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += x[i];
}

static void axpy(float *y, float a, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += a * x[i];
}

static double dot(const act *a, const act *b, size_t s)
{
	double sum_ab = 0;

	for (size_t i = 0; i < s; i++)
		sum_ab += (double)act_f32(a[i]) * act_f32(b[i]);
	return sum_ab;
}

/* Key j of a sequence, or its value. */
static const act *key_at(const struct attn_job *t, const struct attn_seq *q, size_t j, int value)
{
	if (j < t->shared)
		return (value ? t->v : t->k) + j * t->ldkv;
	return (value ? q->v : q->k) + (j - t->shared) * t->ldkv;
}

/* The query of row r, head h. o[s] is scratch. */
static void attn_query(const struct attn_job *t, const struct attn_seq *q, size_t r, size_t h,
                       double *o)
{
	size_t last = q->pos0 + r, s = t->s;
	size_t first = t->window && last + 1 > t->window ? last + 1 - t->window : 0;
	const act *qu = q->q + r * t->ldq + h * s;
	float max = -HUGE_VALF;
	double total = 0;

	for (size_t j = first; j <= last; j++) {
		float x = (float)(dot(qu, key_at(t, q, j, 0), s) * t->scale);

		if (x > max)
			max = x;
	}
	for (size_t i = 0; i < s; i++)
		o[i] = 0;
	for (size_t j = first; j <= last; j++) {
		float p = kern_expf((float)(dot(qu, key_at(t, q, j, 0), s) * t->scale) - max);
		const act *v = key_at(t, q, j, 1);

		total += p;
		for (size_t i = 0; i < s; i++)
			o[i] += (double)p * act_f32(v[i]);
	}
	for (size_t i = 0; i < s; i++)
		q->out[r * t->ldo + h * s + i] = act_of((float)(o[i] / total));
	if (q->lse)
		q->lse[r * t->ldl + h] = (float)(max + log(total));
}

static void attn(const struct attn_job *t, float *scratch)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t u = 0; u < t->seqs[i].rows * t->grp; u++)
			attn_query(t, &t->seqs[i], u / t->grp, u % t->grp, (double *)(void *)scratch);
}

static void attn_bwd(const struct attn_grad *t, float *scratch)
{
	size_t s = t->s;

	(void)scratch;
	for (size_t u = 0; u < t->rows * t->grp; u++) {
		size_t r = u / t->grp, h = u % t->grp, at = r * t->ldq + h * s, last = t->pos0 + r;
		size_t first = t->window && last + 1 > t->window ? last + 1 - t->window : 0;
		double delta = 0;

		for (size_t i = 0; i < s; i++)
			delta += (double)t->dout[at + i] * act_f32(t->out[at + i]);
		for (size_t j = first > t->key0 ? first : t->key0; j <= last && j < t->key1; j++) {
			const act *kj = t->k + j * t->ldkv, *vj = t->v + j * t->ldkv;
			float x = (float)(dot(t->q + at, kj, s) * t->scale - t->lse[r * t->ldl + h]);
			float p = kern_expf(x), ds;
			double dp = 0;

			for (size_t i = 0; i < s; i++)
				dp += (double)t->dout[at + i] * act_f32(vj[i]);
			ds = (float)(p * (dp - delta) * t->scale);
			for (size_t i = 0; i < s && t->dk; i++) {
				t->dv[j * t->ldd + i] += p * t->dout[at + i];
				t->dk[j * t->ldd + i] += ds * act_f32(t->q[at + i]);
			}
			for (size_t i = 0; i < s && t->dq; i++)
				t->dq[at + i] += ds * act_f32(kj[i]);
		}
	}
}

static float lse(const float *x, size_t n, float inv_t)
{
	float max = -HUGE_VALF;
	double s = 0;

	for (size_t i = 0; i < n; i++)
		if (x[i] * inv_t > max)
			max = x[i] * inv_t;
	if (max == -HUGE_VALF || max == HUGE_VALF)
		max = 0;
	for (size_t i = 0; i < n; i++)
		s += kern_expf(x[i] * inv_t - max);
	return (float)(max + log(s));
}

static void kl(const float *x, float lse_x, const float *y, float lse_y, size_t n, float *out,
               float *entropy)
{
	double d = 0, h = 0;

	for (size_t i = 0; i < n; i++) {
		float lp = x[i] - lse_x, p = kern_expf(lp);

		if (p == 0)      /* 0 log 0 = 0 */
			continue;
		h -= (double)(p * lp);
		if (y)
			d += (double)(p * (lp - (y[i] - lse_y)));
	}
	*out = (float)d;
	*entropy = (float)h;
}

static void dlogits(act *dx, const float *x, float lse_x, const float *y, float lse_y, float kl_xy,
                    size_t n, int token, float c_logp, float c_kl)
{
	for (size_t i = 0; i < n; i++) {
		float lp = x[i] - lse_x, p = kern_expf(lp);
		float g = -c_logp * p;

		if (y && p != 0)
			g += c_kl * p * (lp - (y[i] - lse_y) - kl_xy);
		dx[i] = act_of(token >= 0 && (size_t)token == i ? c_logp + g : g);
	}
}

static void adamw(const struct adamw *a, size_t n, const float *g, const float *p0, const float *m0,
                  const float *v0, act *w, float *p, float *m, float *v)
{
	for (size_t i = 0; i < n; i++) {
		float gi = g[i] * a->gscale, x = p0[i];

		m[i] = a->b1 * (m0 ? m0[i] : 0) + (1 - a->b1) * gi;
		v[i] = a->b2 * (v0 ? v0[i] : 0) + (1 - a->b2) * (gi * gi);
		p[i] = x - a->lr * (m[i] * a->c1 / (sqrtf(v[i] * a->c2) + a->eps) + a->decay * x);
		w[i] = act_of(p[i]);
	}
}

static double sumsq(const float *x, size_t n)
{
	double s = 0;

	for (size_t i = 0; i < n; i++)
		s += (double)x[i] * x[i];
	return s;
}

const struct kern kern_ref = {
	.isa = "ref", .block = TILES * KERN_ROWS, .tile = KERN_ROWS, KERN_FUNCTIONS};
