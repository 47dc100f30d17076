/* SPDX-License-Identifier: MIT */
/*
 * The exponential function used throughout lib/kern. Every level evaluates these constants in this
 * order, with fused multiply-adds where fmaf is written, so all levels give the same bits. n =
 * round(x / ln 2), r = x - n ln 2, exp(x) = 2^n (1 + r + r^2 q(r)), |r| <= ln(2)/2; q is the degree
 * 4 polynomial of least relative error, found numerically: below 1 ulp on the whole range. Below
 * EXP_LO the result is 0 (no denormals), above EXP_HI infinity; NaN stays NaN.
 */
#ifndef KERN_EXP_H
#define KERN_EXP_H

#include <math.h>
#include <stdint.h>

#define EXP_LO (-87.3365f)
#define EXP_HI 88.722839f
#define EXP_LOG2E 0x1.715476p+0f
#define EXP_MAGIC 0x1.8p23f              /* adding it rounds to an integer in the low bits */
#define EXP_LN2_HI 0x1.62e430p-1f
#define EXP_LN2_LO (-0x1.05c610p-29f)
#define EXP_Q0 0x1.fffffcp-2f
#define EXP_Q1 0x1.555490p-3f
#define EXP_Q2 0x1.5558f4p-5f
#define EXP_Q3 0x1.123a6cp-7f
#define EXP_Q4 0x1.6a2352p-10f

static inline float kern_expf(float x)
{
	union { float f; int32_t i; } n, a, b;
	float r, p;

	if (!(x >= EXP_LO))
		return x < EXP_LO ? 0.0f : x;
	if (x > EXP_HI)
		return HUGE_VALF;
	n.f = fmaf(x, EXP_LOG2E, EXP_MAGIC);
	r = n.f - EXP_MAGIC;
	n.i -= 0x4b400000;
	p = fmaf(r, -EXP_LN2_HI, x);
	r = fmaf(r, -EXP_LN2_LO, p);
	p = fmaf(EXP_Q4, r, EXP_Q3);
	p = fmaf(p, r, EXP_Q2);
	p = fmaf(p, r, EXP_Q1);
	p = fmaf(p, r, EXP_Q0);
	p = fmaf(p, r, 1.0f);
	p = fmaf(p, r, 1.0f);
	/* 2^n as two factors, since 2^128 is not a float */
	a.i = ((n.i >> 1) + 127) * 0x800000;
	b.i = (n.i - (n.i >> 1) + 127) * 0x800000;
	return p * a.f * b.f;
}

#endif
