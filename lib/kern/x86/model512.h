/* SPDX-License-Identifier: MIT */
/*
 * vec512.h as two halves of eight lanes: the same names, the same bits, on any machine with AVX2.
 * With it gemm.h, rows.h and attn.h become models of the levels that this machine may lack; they
 * are for tests. Not modelled: the payloads of NaNs.
 */
#include <float.h>
#include <immintrin.h>
#include <string.h>

enum { W = 16, HALF = W / 2 };
typedef struct { __m256 lo, hi; } vf;
typedef vf vmask;

static inline vf v_set1(float x) { return (vf){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
static inline vf v_zero(void) { return v_set1(0); }
static inline vf v_load(const float *p)
{
	return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + HALF)};
}
static inline void v_store(float *p, vf x)
{
	_mm256_storeu_ps(p, x.lo);
	_mm256_storeu_ps(p + HALF, x.hi);
}

#define HALVES(name, op) \
	static inline vf name(vf a, vf b) { return (vf){op(a.lo, b.lo), op(a.hi, b.hi)}; }
HALVES(v_add, _mm256_add_ps)
HALVES(v_sub, _mm256_sub_ps)
HALVES(v_mul, _mm256_mul_ps)
HALVES(v_div, _mm256_div_ps)
HALVES(v_max, _mm256_max_ps)         /* b if either is NaN */
HALVES(v_and, _mm256_and_ps)         /* of masks */
HALVES(v_andnot, _mm256_andnot_ps)
#undef HALVES

static inline vf v_sqrt(vf a) { return (vf){_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)}; }
static inline vf v_fma(vf a, vf b, vf c)                 /* ab + c */
{
	return (vf){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
static inline vf v_fnma(vf a, vf b, vf c)                /* -ab + c */
{
	return (vf){_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}

/* Tails: loads the first n lanes; the others are set to `rest`. */
static inline vf v_load_n(const float *p, size_t n, float rest)
{
	float x[W];

	v_store(x, v_set1(rest));
	memcpy(x, p, n * sizeof *x);
	return v_load(x);
}
static inline void v_store_n(float *p, vf v, size_t n)
{
	float x[W];

	v_store(x, v);
	memcpy(p, x, n * sizeof *x);
}

/* Comparison masks; NaN is neither lt nor eq, but is ne. */
#define COMPARED(name, how) \
	static inline vmask name(vf a, vf b) \
	{ \
		return (vmask){_mm256_cmp_ps(a.lo, b.lo, how), _mm256_cmp_ps(a.hi, b.hi, how)}; \
	}
COMPARED(v_lt, _CMP_LT_OQ)
COMPARED(v_ne, _CMP_NEQ_UQ)
COMPARED(v_le, _CMP_LE_OQ)
#undef COMPARED
static inline vf v_pick(vmask m, vf yes, vf no)
{
	return (vf){_mm256_blendv_ps(no.lo, yes.lo, m.lo), _mm256_blendv_ps(no.hi, yes.hi, m.hi)};
}
/* Mask of lanes lo <= i < hi. */
static inline vmask v_between(long lo, long hi)
{
	float at[W];

	for (int i = 0; i < W; i++)
		at[i] = i >= lo && i < hi;
	return v_ne(v_load(at), v_zero());
}

/* The bits of lanes as integers. */
static inline __m256i v_bits(__m256 x) { return _mm256_castps_si256(x); }
static inline __m256 v_of_bits(__m256i x) { return _mm256_castsi256_ps(x); }

static inline __m256 v_scale2_half(__m256 p, __m256 m)
{
	__m256i i = _mm256_sub_epi32(v_bits(m), _mm256_set1_epi32(0x4b400000));
	__m256i half = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127);
	__m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
	__m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, half), bias), 23);

	return _mm256_mul_ps(_mm256_mul_ps(p, v_of_bits(a)), v_of_bits(b));
}
/* p 2^n, rounded once (see kern_expf): the first of two factors, near 2^(n/2), is exact. */
static inline vf v_scale2(vf p, vf n, vf m)
{
	(void)n;
	return (vf){v_scale2_half(p.lo, m.lo), v_scale2_half(p.hi, m.hi)};
}
static inline vf v_scale2_down(vf p, vf n, vf m) { return v_scale2(p, n, m); }

/* bf16 in and out. */
static inline __m256 v_widen_half(const bf16 *p)
{
	__m256i x = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));

	return v_of_bits(_mm256_slli_epi32(x, 16));
}
static inline vf v_load_act(const bf16 *p)
{
	return (vf){v_widen_half(p), v_widen_half(p + HALF)};
}
static inline vf v_load_act_n(const bf16 *p, size_t n)
{
	bf16 x[W] = {0};

	memcpy(x, p, n * sizeof *x);
	return v_load_act(x);
}
/* Eight values, the first n from p, then zeros. */
static inline void v_widen8(float *out, const bf16 *p, size_t n)
{
	_mm256_storeu_ps(out, v_load_act_n(p, n).lo);
}
static inline void v_store_act(bf16 *p, vf x)
{
	float lanes[W];

	v_store(lanes, x);
	for (int i = 0; i < W; i++)
		p[i] = act_of(lanes[i]);
}
static inline void v_store_act_n(bf16 *p, vf v, size_t n)
{
	bf16 x[W];

	v_store_act(x, v);
	memcpy(p, x, n * sizeof *x);
}

/* W pairs (even, odd): the even or the odd ones as fp32. */
static inline vf v_low(vf x)
{
	return (vf){v_of_bits(_mm256_slli_epi32(v_bits(x.lo), 16)),
	            v_of_bits(_mm256_slli_epi32(v_bits(x.hi), 16))};
}
static inline vf v_high(vf x)
{
	__m256 odd = v_of_bits(_mm256_set1_epi32((int)0xffff0000));

	return v_and(x, (vf){odd, odd});
}
static inline vf v_load_pairs(const bf16 *p) { return v_load((const float *)p); }

/* Denormals are zeros of their sign: before and after what the bf16 instructions add. */
static inline vf v_flush(vf x)
{
	vf sign = v_set1(-0.0f);

	return v_pick(v_lt(v_andnot(sign, x), v_set1(FLT_MIN)), v_and(sign, x), x);
}

#ifdef BF16_DOT
/* s + odd * odd + even * even, both fused, as the manual says; x a pair of bf16. */
static inline vf v_dot(vf s, uint32_t x, vf w)
{
	__m256 both = v_of_bits(_mm256_set1_epi32((int)x));
	vf pair = {both, both};

	s = v_flush(v_fma(v_flush(v_high(pair)), v_flush(v_high(w)), v_flush(s)));
	return v_flush(v_fma(v_flush(v_low(pair)), v_flush(v_low(w)), s));
}
/* Eight pairs, the first n from even and odd, then zeros. */
static inline void v_pairs8(uint32_t *p, const bf16 *even, const bf16 *odd, size_t n)
{
	for (size_t i = 0; i < 8; i++)
		p[i] = i < n ? even[i] | (uint32_t)odd[i] << 16 : 0;
}
#endif

/* Horizontal reductions: halves, quarters and so on, always the upper with the lower. */
static inline float v_hsum(vf x)
{
	float s[W];

	v_store(s, x);
	for (int n = W / 2; n; n /= 2)
		for (int i = 0; i < n; i++)
			s[i] = n > 1 ? s[i + n] + s[i] : s[0] + s[1];
	return s[0];
}
static inline float v_hmax(vf x)
{
	float s[W];

	v_store(s, x);
	for (int n = W / 2; n > 2; n /= 2)       /* the second if either is NaN */
		for (int i = 0; i < n; i++)
			s[i] = s[i + n] > s[i] ? s[i + n] : s[i];
	for (int i = 0; i < 2; i++)
		s[i] = s[i] > s[i + 2] ? s[i] : s[i + 2];
	return s[0] > s[1] ? s[0] : s[1];
}

/* A sum in double, W lanes. */
struct vd { __m256d x[4]; };
static inline struct vd vd_zero(void)
{
	return (struct vd){{_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(),
	                    _mm256_setzero_pd()}};
}
static inline __m256d v_quarter(vf x, int i)
{
	__m256 half = i < 2 ? x.lo : x.hi;

	return _mm256_cvtps_pd(i % 2 ? _mm256_extractf128_ps(half, 1) : _mm256_castps256_ps128(half));
}
static inline struct vd vd_add(struct vd s, vf x)
{
	for (int i = 0; i < 4; i++)
		s.x[i] = _mm256_add_pd(s.x[i], v_quarter(x, i));
	return s;
}
static inline struct vd vd_add_square(struct vd s, vf x)
{
	for (int i = 0; i < 4; i++)
		s.x[i] = _mm256_fmadd_pd(v_quarter(x, i), v_quarter(x, i), s.x[i]);
	return s;
}
static inline double vd_hsum(struct vd s)
{
	__m256d low = _mm256_add_pd(s.x[0], s.x[2]), high = _mm256_add_pd(s.x[1], s.x[3]);
	double x[4];

	_mm256_storeu_pd(x, _mm256_add_pd(high, low));
	return (x[2] + x[0]) + (x[3] + x[1]);
}

/* Four bytes per lane: x[c], lane r = c-th pair of bf16 of row[r] from input i on. */
static inline void v_load_transposed(vf x[W], const bf16 *const row[W], size_t i)
{
	float pair[W];

	for (size_t c = 0; c < W; c++) {
		for (size_t r = 0; r < W; r++)
			memcpy(pair + r, row[r] + i + 2 * c, sizeof *pair);
		x[c] = v_load(pair);
	}
}
