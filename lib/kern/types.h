/* SPDX-License-Identifier: MIT */
/*
 * Types used by kern and dev and by the rooms above them.
 *
 * act is the type of GEMM inputs: bf16. A second build of the library with
 * -DSCORE_F32 makes it float, so that finite differences can check gradients.
 */
#ifndef KERN_TYPES_H
#define KERN_TYPES_H

#include "base/base.h"

typedef uint16_t bf16;
#ifdef SCORE_F32
typedef float act;
static inline float act_f32(act a) { return a; }
static inline act act_of(float x) { return x; }
#else
typedef bf16 act;
static inline float act_f32(act a)
{
	union { uint32_t u; float f; } v = {(uint32_t)a << 16};
	return v.f;
}
/* Round to nearest even; NaN stays a quiet NaN. */
static inline act act_of(float x)
{
	union { float f; uint32_t u; } v = {x};
	if ((v.u & 0x7fffffff) > 0x7f800000)
		return (act)(v.u >> 16 | 0x40);
	return (act)((v.u + 0x7fff + (v.u >> 16 & 1)) >> 16);
}
#endif

/* Parameters of one AdamW step, the same for all values; c1, c2 = 1/(1 - b^t) at update t = 1, 2,
 * ... */
struct adamw {
	float gscale, lr, b1, b2, c1, c2, eps, decay;
};

#endif
