/* SPDX-License-Identifier: MIT */
/* Inside the room: the tables that the files define, and what they share. */
#ifndef KERN_LEVELS_H
#define KERN_LEVELS_H

#include "kern/kern.h"

#include <stdatomic.h>

/* The fp32 build is for checking: ref only. */
#if defined(__x86_64__) && !defined(SCORE_F32)
#define KERN_X86
#endif

enum { LEVEL_REF, LEVEL_AVX2, LEVEL_AVX512, LEVEL_AVX512BF16, LEVEL_AMX, LEVELS };

extern const struct kern kern_ref, kern_avx2, kern_avx512, kern_avx512bf16, kern_amx;

enum { KERN_ROWS = 6 };              /* of a tile */

/* Each thread's range of what is left: first << 32 | end. */
struct slot {
	_Alignas(64) _Atomic uint64_t left;
};
struct share {
	struct slot *slots, own;
	size_t n;
};
void share_alone(struct share *s, size_t n);
/* A whole product on the calling thread, at any level (for tests, too); sets blocks and parts. */
void product_alone(const struct kern *level, struct product *j);

/* A level's file names its functions as the table does. */
#define KERN_FUNCTIONS \
	.block = TILES * KERN_ROWS, .product = product, .rmsnorm = rmsnorm, \
	.rmsnorm_bwd = rmsnorm_bwd, .rmsnorm_f32 = rmsnorm_f32, .rope = rope, .glu = glu, \
	.glu_bwd = glu_bwd, .to_act = to_act, .from_act = from_act, .add = add, .axpy = axpy, \
	.attn = attn, .attn_bwd = attn_bwd, .lse = lse, .kl = kl, .dlogits = dlogits, .adamw = adamw, \
	.sumsq = sumsq

/* gelu's 2u = g (GELU_A + GELU_B g^2): 2 sqrt(2/pi) and that times 0.044715. */
#define GELU_A 1.59576912f
#define GELU_B 0.0713548163f

#endif
