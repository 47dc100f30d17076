/* SPDX-License-Identifier: MIT */
/* Sixteen lanes for gemm.h, rows.h and attn.h. The names are the same in vec256.h; model512.h gives
 * the same bits without AVX-512. */
#include <immintrin.h>

enum { W = 16 };
typedef __m512 vf;
typedef __mmask16 vmask;

static inline vf v_zero(void) { return _mm512_setzero_ps(); }
static inline vf v_set1(float x) { return _mm512_set1_ps(x); }
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }
/* b if either is NaN */
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }    /* ab + c */
static inline vf v_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }  /* -ab + c */

/* Tails: masks and loads of the first n lanes; the others are set to `rest`. */
static inline vmask v_first(size_t n) { return (vmask)((1u << n) - 1); }
static inline vf v_load_n(const float *p, size_t n, float rest)
{
	return _mm512_mask_loadu_ps(v_set1(rest), v_first(n), p);
}
static inline void v_store_n(float *p, vf x, size_t n) { _mm512_mask_storeu_ps(p, v_first(n), x); }

/* Comparison masks; NaN is neither lt nor eq, but is ne. */
static inline vmask v_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vmask v_ne(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
static inline vmask v_le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline vmask v_and(vmask a, vmask b) { return a & b; }
static inline vf v_pick(vmask m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
/* Mask of lanes lo <= i < hi. */
static inline vmask v_between(long lo, long hi)
{
	unsigned from = lo < 0   ? 0
	                : lo > W ? W
	                         : (unsigned)lo,
	         to = hi < 0   ? 0
	              : hi > W ? W
	                       : (unsigned)hi;

	return (vmask)(((1u << to) - 1) & ~((1u << from) - 1));
}

/* p 2^n, rounded once (see kern_expf); n a whole number, m = EXP_MAGIC + n. v_scale2_down: n <= 0,
 * no denormal result. */
static inline vf v_scale2(vf p, vf n, vf m) { return (void)m, _mm512_scalef_ps(p, n); }
static inline vf v_scale2_down(vf p, vf n, vf m) { return (void)m, _mm512_scalef_ps(p, n); }

/* bf16 in and out. */
static inline vf v_from_bf16(__m256i x)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
static inline vf v_load_act(const bf16 *p)
{
	return v_from_bf16(_mm256_loadu_si256((const __m256i *)p));
}
static inline vf v_load_act_n(const bf16 *p, size_t n)
{
	return v_from_bf16(_mm256_maskz_loadu_epi16(v_first(n), p));
}
/* Eight values, the first n from p, then zeros. */
static inline void v_widen8(float *out, const bf16 *p, size_t n)
{
	__m256i x = _mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16((__mmask8)v_first(n), p));

	_mm256_storeu_ps(out, _mm256_castsi256_ps(_mm256_slli_epi32(x, 16)));
}
static inline __m256i v_to_bf16(vf x)
{
	__m512i u = _mm512_castps_si512(x), one = _mm512_set1_epi32(1);
	__m512i odd = _mm512_and_epi32(_mm512_srli_epi32(u, 16), one);
	__m512i r = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);

	r = _mm512_mask_or_epi32(r, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), u,
	                         _mm512_set1_epi32(0x400000));
	return _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16));
}
static inline void v_store_act(bf16 *p, vf x) { _mm256_storeu_si256((__m256i *)p, v_to_bf16(x)); }
static inline void v_store_act_n(bf16 *p, vf x, size_t n)
{
	_mm256_mask_storeu_epi16(p, v_first(n), v_to_bf16(x));
}

/* W pairs (even, odd): the even or the odd ones as fp32. */
static inline vf v_low(vf x)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), 16));
}
static inline vf v_high(vf x)
{
	return _mm512_castsi512_ps(
		_mm512_and_epi32(_mm512_castps_si512(x), _mm512_set1_epi32((int)0xffff0000)));
}
static inline vf v_load_pairs(const bf16 *p) { return _mm512_loadu_ps((const float *)p); }

#ifdef BF16_DOT
/* s + odd * odd + even * even; x a pair of bf16. */
static inline vf v_dot(vf s, uint32_t x, vf w)
{
	return _mm512_dpbf16_ps(s, (__m512bh)_mm512_set1_epi32((int)x), (__m512bh)w);
}
/* Eight pairs, the first n from even and odd, then zeros. */
static inline void v_pairs8(uint32_t *p, const bf16 *even, const bf16 *odd, size_t n)
{
	__mmask8 some = (__mmask8)v_first(n);
	__m256i a = _mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16(some, even));
	__m256i b = _mm256_cvtepu16_epi32(_mm_maskz_loadu_epi16(some, odd));

	_mm256_storeu_si256((__m256i *)p, _mm256_or_si256(a, _mm256_slli_epi32(b, 16)));
}
#endif

/* Horizontal reductions, always in the same tree. */
static inline float v_hsum(vf x) { return _mm512_reduce_add_ps(x); }
static inline float v_hmax(vf x) { return _mm512_reduce_max_ps(x); }

/* A sum in double, W lanes. */
struct vd { __m512d lo, hi; };
static inline struct vd vd_zero(void)
{
	return (struct vd){_mm512_setzero_pd(), _mm512_setzero_pd()};
}
static inline struct vd vd_add(struct vd s, vf x)
{
	s.lo = _mm512_add_pd(s.lo, _mm512_cvtps_pd(_mm512_castps512_ps256(x)));
	s.hi = _mm512_add_pd(s.hi, _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)));
	return s;
}
static inline struct vd vd_add_square(struct vd s, vf x)
{
	__m512d lo = _mm512_cvtps_pd(_mm512_castps512_ps256(x)),
	        hi = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));

	s.lo = _mm512_fmadd_pd(lo, lo, s.lo);
	s.hi = _mm512_fmadd_pd(hi, hi, s.hi);
	return s;
}
static inline double vd_hsum(struct vd s)
{
	return _mm512_reduce_add_pd(_mm512_add_pd(s.lo, s.hi));
}

/* Four bytes per lane: x[c], lane r = c-th pair of bf16 of row[r] from input i on. */
static inline void v_load_transposed(vf x[W], const bf16 *const row[W], size_t i)
{
	vf a[4], b[W];

	/* b[4g + c]: 128-bit lane l holds pairs 4c..4c+3 of row 4l + g. Loads fill lanes, so no
	 * shuffles are needed. */
#pragma GCC unroll 4
	for (int g = 0; g < 4; g++)
#pragma GCC unroll 4
		for (int c = 0; c < 4; c++) {
			size_t at = i + 8 * (size_t)c;
			vf v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)(row[g] + at)));

			v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(row[4 + g] + at)), 1);
			v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(row[8 + g] + at)), 2);
			b[4 * g + c] =
				_mm512_insertf32x4(v, _mm_loadu_ps((const float *)(row[12 + g] + at)), 3);
		}
	/* Within the lanes, 4 x 4 from rows g = 0..3. */
#pragma GCC unroll 4
	for (int c = 0; c < 4; c++) {
		a[0] = _mm512_unpacklo_ps(b[c], b[4 + c]);
		a[1] = _mm512_unpackhi_ps(b[c], b[4 + c]);
		a[2] = _mm512_unpacklo_ps(b[8 + c], b[12 + c]);
		a[3] = _mm512_unpackhi_ps(b[8 + c], b[12 + c]);
		x[4 * c] = _mm512_shuffle_ps(a[0], a[2], 0x44);
		x[4 * c + 1] = _mm512_shuffle_ps(a[0], a[2], 0xee);
		x[4 * c + 2] = _mm512_shuffle_ps(a[1], a[3], 0x44);
		x[4 * c + 3] = _mm512_shuffle_ps(a[1], a[3], 0xee);
	}
}
