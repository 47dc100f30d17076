/* SPDX-License-Identifier: MIT */
/* What tdpbf16ps adds, one number at a time: the definition that the AMX level is held to. */
#ifndef KERN_TILEDOT_H
#define KERN_TILEDOT_H

#include <float.h>
#include <math.h>

#include "kern/types.h"

/* Denormals are zeros of their sign, before and after. */
static float flush1(float x)
{
	return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

/* A product is added, fused. */
static float step1(float s, act a, act b)
{
	return flush1(fmaf(flush1(act_f32(a)), flush1(act_f32(b)), flush1(s)));
}

/* s + sum_k a[k] w[k]: 32 inputs at a time, the even ones' sum and the odd ones' from 0, then both
 * to s. */
static float tile_dot(float s, const act *a, const act *w, size_t k)
{
	for (size_t i = 0; i < k; i += 32) {
		float part[2] = {0, 0};

		for (size_t l = i; l < k && l < i + 32; l++)
			part[l % 2] = step1(part[l % 2], a[l], w[l]);
		s = flush1(flush1(s) + flush1(part[0] + part[1]));
	}
	return s;
}

#endif
