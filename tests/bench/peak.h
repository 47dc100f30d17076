/* SPDX-License-Identifier: MIT */
/*
 * What this machine could at most do, measured: the rate of the multiply-adds that a level's GEMM
 * is made of, operands in registers, and the rate of reading memory. A "fraction of peak" is a
 * fraction of peak_level(). AMX's rate is written down here but has not run on a machine that has
 * it.
 */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include <immintrin.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kern/kern.h"

/* One thread is timed by its processor time, several by the wall. */
static inline double peak_clock(void)
{
	struct timespec t;

	clock_gettime(kern_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Sixteen chains of fused multiply-adds: 2 x 16 x lanes operations a round. */
typedef float lanes16 __attribute__((vector_size(64)));
typedef float lanes8 __attribute__((vector_size(32)));
#define PEAK_CHAINS(type, isa) \
	__attribute__((target(isa), optimize("fp-contract=fast"))) \
	static float peak_##type(long rounds) \
	{ \
		type s[16], x = (type){0} + 0.999f; \
		float sum = 0; \
		for (int i = 0; i < 16; i++) \
			s[i] = x * (float)i; \
		for (long r = 0; r < rounds; r++) \
			_Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) \
				s[i] = s[i] * x + x; \
		for (int i = 0; i < 16; i++) \
			sum += s[i][0]; \
		return sum; \
	}
PEAK_CHAINS(lanes16, "avx512f")
PEAK_CHAINS(lanes8, "avx2,fma")

/* The same of dot products of pairs of bf16: 4 x 16 x 16 operations a round. */
__attribute__((target("avx512f,avx512bf16"))) static float peak_dot(long rounds)
{
	__m512 s[16];
	__m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5f), _mm512_set1_ps(0.5f));
	float sum = 0;

	for (int i = 0; i < 16; i++)
		s[i] = _mm512_set1_ps((float)i);
	for (long r = 0; r < rounds; r++)
		_Pragma("GCC unroll 16") for (int i = 0; i < 16; i++)
			s[i] = _mm512_dpbf16_ps(s[i], x, x);
	for (int i = 0; i < 16; i++)
		sum += _mm512_cvtss_f32(s[i]);
	return sum;
}

/* Four tiles summing 16 x 16 x 32 products each: 4 x 2 x 16 x 16 x 32 operations a round. */
__attribute__((target("amx-tile,amx-bf16"))) static float peak_tiles(long rounds)
{
	struct {
		uint8_t palette, start, reserved[14];
		uint16_t bytes[16];
		uint8_t rows[16];
	} c = {.palette = 1};
	_Alignas(64) float out[16][16];

	for (int i = 0; i < 8; i++) {
		c.bytes[i] = 64;
		c.rows[i] = 16;
	}
	_tile_loadconfig(&c);
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	_tile_zero(4);
	_tile_zero(5);
	_tile_zero(6);
	_tile_zero(7);
	for (long r = 0; r < rounds; r++) {
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
	}
	_tile_stored(0, out, 64);
	_tile_release();
	return out[0][0];
}

/* Best of five times ten milliseconds or so, all threads; per is the operations of a round. */
static inline double peak_rate(float (*f)(long), double per, long rounds)
{
	double best = 0;

	for (int i = 0; i < 5; i++) {
		double t = peak_clock(), rate;
		volatile float sink = 0;

#pragma omp parallel num_threads(kern_threads())
		{
			float x = f(rounds);

#pragma omp critical
			sink = x;
		}
		t = peak_clock() - t;
		(void)sink;
		rate = per * (double)rounds * kern_threads() / t;
		best = rate > best ? rate : best;
	}
	return best;
}

/* fp32 multiply-adds at the level's width, a second; NAN at level ref. */
static inline double peak_fma(void)
{
	if (!strcmp(kern->isa, "ref"))
		return NAN;
	if (!strcmp(kern->isa, "avx2"))
		return peak_rate(peak_lanes8, 2 * 16 * 8, 400000);
	return peak_rate(peak_lanes16, 2 * 16 * 16, 400000);
}

/* The most that this level's GEMM could reach, and of what. */
static inline double peak_level(const char **of)
{
	if (!strcmp(kern->isa, "avx512bf16")) {
		*of = "bf16 dot products, 512 bits";
		return peak_rate(peak_dot, 4 * 16 * 16, 200000);
	}
	if (!strcmp(kern->isa, "amx")) {
		*of = "bf16 tile products (AMX)";
		return peak_rate(peak_tiles, 4 * 2 * 16 * 16 * 32, 50000);
	}
	*of = !strcmp(kern->isa, "avx2")  ? "fp32 fused multiply-adds, 256 bits"
	      : !strcmp(kern->isa, "ref") ? "nothing: plain C"
	                                  : "fp32 fused multiply-adds, 512 bits";
	return peak_fma();
}

/* Bytes a second that all threads together read from memory, beyond the caches; best of three. */
static inline double peak_read(void)
{
	size_t n = (size_t)256 << 20, words = n / sizeof(uint64_t);
	uint64_t *p = xaligned(n), total = 0;
	double best = 0;

#pragma omp parallel for num_threads(kern_threads()) schedule(static)
	for (size_t i = 0; i < words; i++)
		p[i] = i;
	for (int k = 0; k < 3; k++) {
		double t = peak_clock(), rate;

#pragma omp parallel for num_threads(kern_threads()) schedule(static) reduction(+ : total)
		for (size_t i = 0; i < words; i += 8)
			total +=
			    p[i] + p[i + 1] + p[i + 2] + p[i + 3] + p[i + 4] + p[i + 5] + p[i + 6] + p[i + 7];
		t = peak_clock() - t;
		rate = (double)n / t;
		best = rate > best ? rate : best;
	}
	best = total ? best : 0;
	free(p);
	return best;
}

#endif
