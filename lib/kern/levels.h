/* SPDX-License-Identifier: MIT */
/* Private to this room: the tables of all levels, and what their files share. */
#ifndef KERN_LEVELS_H
#define KERN_LEVELS_H

#include "kern/kern.h"

#include <stdatomic.h>

/* The fp32 build is for checking: ref only. */
#if defined(__x86_64__) && !defined(SCORE_F32)
#define KERN_X86
#endif

/* The models are for tests: what a level computes, on machines that lack it. */
enum {
	LEVEL_REF,
	LEVEL_AVX2,
	LEVEL_AVX512,
	LEVEL_AVX512BF16,
	LEVEL_AMX,
	LEVEL_AVX512_MODEL,
	LEVEL_AVX512BF16_MODEL,
	LEVEL_AMX_MODEL,
	LEVELS
};

extern const struct kern kern_ref, kern_avx2, kern_avx512, kern_avx512bf16, kern_amx;
extern const struct kern kern_avx512_model, kern_avx512bf16_model, kern_amx_model;

/* A processor: its maker as CPUID spells it ("" elsewhere), and 1 << LEVEL_x for each level that it
 * and the kernel support. */
struct cpu {
	char vendor[13];
	unsigned has;
};
struct cpu cpu_found(void);
/* The level for it, by a fixed rule. */
int cpu_choice(const struct cpu *c);

/* rows per tile that vectors make up */
enum { KERN_ROWS = 6 };

/* One thread's range of remaining units: first << 32 | end. */
struct slot {
	_Alignas(64) _Atomic uint64_t left;
};
struct share {
	struct slot *slots, own;
	size_t n;
};
void share_alone(struct share *s, size_t n);
/* A whole product on the calling thread, at any level (also for tests); sets blocks and parts. */
void product_alone(const struct kern *level, struct product *j);

/* Every level's file names its functions like the table's fields. */
#define KERN_FUNCTIONS \
	.product = product, .rmsnorm = rmsnorm, .rmsnorm_bwd = rmsnorm_bwd, \
	.rmsnorm_f32 = rmsnorm_f32, .rope = rope, .glu = glu, .glu_bwd = glu_bwd, .to_act = to_act, \
	.from_act = from_act, .add = add, .axpy = axpy, .attn = attn, .attn_bwd = attn_bwd, \
	.lse = lse, .kl = kl, .dlogits = dlogits, .adamw = adamw, .sumsq = sumsq

/* gelu's 2u = g (GELU_A + GELU_B g^2): A = 2 sqrt(2/pi), B = 0.044715 A. */
#define GELU_A 1.59576912f
#define GELU_B 0.0713548163f

#endif
