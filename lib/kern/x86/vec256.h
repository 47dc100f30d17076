/* SPDX-License-Identifier: MIT */
/* Eight lanes for gemm.h, rows.h and attn.h. The names are the same in vec512.h. */
#include <immintrin.h>
#include <string.h>

enum { W = 8 };
typedef __m256 vf;
typedef __m256 vmask;

static inline vf v_zero(void) { return _mm256_setzero_ps(); }
static inline vf v_set1(float x) { return _mm256_set1_ps(x); }
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
static inline vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }
/* b if either is NaN */
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }    /* ab + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }  /* -ab + c */

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
static inline vmask v_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vmask v_ne(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ); }
static inline vmask v_le(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
static inline vmask v_and(vmask a, vmask b) { return _mm256_and_ps(a, b); }
static inline vf v_pick(vmask m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
/* Mask of lanes lo <= i < hi. */
static inline vmask v_between(long lo, long hi)
{
	__m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	int from = lo < 0 ? 0 : lo > W ? W : (int)lo, to = hi < 0 ? 0 : hi > W ? W : (int)hi;

	return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), i),
	                                               _mm256_cmpgt_epi32(_mm256_set1_epi32(to), i)));
}

/* p 2^n, rounded once (see kern_expf); n a whole number, m = EXP_MAGIC + n. v_scale2_down: n <= 0,
 * no denormal result. */
static inline vf v_scale2(vf p, vf n, vf m)
{
	__m256i i = _mm256_sub_epi32(_mm256_castps_si256(m), _mm256_set1_epi32(0x4b400000));
	__m256i half = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127);
	__m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
	__m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, half), bias), 23);

	(void)n;
	return v_mul(v_mul(p, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
}
static inline vf v_scale2_down(vf p, vf n, vf m)
{
	(void)n;
	return v_mul(p, _mm256_castsi256_ps(_mm256_slli_epi32(
		_mm256_sub_epi32(_mm256_castps_si256(m), _mm256_set1_epi32(0x4b400000 - 127)), 23)));
}

/* bf16 in and out. */
static inline vf v_load_act(const bf16 *p)
{
	return _mm256_castsi256_ps(
		_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
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
	v_store(out, n == 8 ? v_load_act(p) : v_load_act_n(p, n));
}
static inline void v_store_act(bf16 *p, vf x)
{
	__m256i u = _mm256_castps_si256(x);
	__m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
	__m256i r = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
	__m256i quiet = _mm256_or_si256(u, _mm256_set1_epi32(0x400000));

	r = _mm256_castps_si256(v_pick(_mm256_cmp_ps(x, x, _CMP_UNORD_Q), _mm256_castsi256_ps(quiet),
	                               _mm256_castsi256_ps(r)));
	r = _mm256_srli_epi32(r, 16);
	_mm_storeu_si128((__m128i *)p,
	                 _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1)));
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
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), 16));
}
static inline vf v_high(vf x)
{
	return _mm256_castsi256_ps(
		_mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32((int)0xffff0000)));
}
static inline vf v_load_pairs(const bf16 *p)
{
	return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* Horizontal reductions, always in the same tree. */
static inline float v_hsum(vf x)
{
	__m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	a = _mm_add_ps(a, _mm_movehl_ps(a, a));
	return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}
static inline float v_hmax(vf x)
{
	__m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	a = _mm_max_ps(a, _mm_movehl_ps(a, a));
	return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

/* A sum in double, W lanes. */
struct vd { __m256d lo, hi; };
static inline struct vd vd_zero(void)
{
	return (struct vd){_mm256_setzero_pd(), _mm256_setzero_pd()};
}
static inline struct vd vd_add(struct vd s, vf x)
{
	s.lo = _mm256_add_pd(s.lo, _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
	s.hi = _mm256_add_pd(s.hi, _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
	return s;
}
static inline struct vd vd_add_square(struct vd s, vf x)
{
	__m256d lo = _mm256_cvtps_pd(_mm256_castps256_ps128(x)),
	        hi = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));

	s.lo = _mm256_fmadd_pd(lo, lo, s.lo);
	s.hi = _mm256_fmadd_pd(hi, hi, s.hi);
	return s;
}
static inline double vd_hsum(struct vd s)
{
	double x[4];

	_mm256_storeu_pd(x, _mm256_add_pd(s.lo, s.hi));
	return (x[0] + x[2]) + (x[1] + x[3]);
}

/* Four bytes per lane: x[c], lane r = c-th pair of bf16 of row[r] from input i on. */
static inline void v_load_transposed(vf x[W], const bf16 *const row[W], size_t i)
{
	vf a[4], b[W];

	/* b[2g + c]: 128-bit lane l holds pairs 4c..4c+3 of row 4l + g. */
#pragma GCC unroll 4
	for (int g = 0; g < 4; g++)
#pragma GCC unroll 2
		for (int c = 0; c < 2; c++) {
			size_t at = i + 8 * (size_t)c;
			vf v = _mm256_castps128_ps256(_mm_loadu_ps((const float *)(row[g] + at)));

			b[2 * g + c] =
				_mm256_insertf128_ps(v, _mm_loadu_ps((const float *)(row[4 + g] + at)), 1);
		}
#pragma GCC unroll 2
	for (int c = 0; c < 2; c++) {
		a[0] = _mm256_unpacklo_ps(b[c], b[2 + c]);
		a[1] = _mm256_unpackhi_ps(b[c], b[2 + c]);
		a[2] = _mm256_unpacklo_ps(b[4 + c], b[6 + c]);
		a[3] = _mm256_unpackhi_ps(b[4 + c], b[6 + c]);
		x[4 * c] = _mm256_shuffle_ps(a[0], a[2], 0x44);
		x[4 * c + 1] = _mm256_shuffle_ps(a[0], a[2], 0xee);
		x[4 * c + 2] = _mm256_shuffle_ps(a[1], a[3], 0x44);
		x[4 * c + 3] = _mm256_shuffle_ps(a[1], a[3], 0xee);
	}
}
