/* SPDX-License-Identifier: MIT */
/* Inside the room: the tables that the files define, and what they share. */
#ifndef KERN_LEVELS_H
#define KERN_LEVELS_H

#include "kern/kern.h"

/* The fp32 build is for checking: ref only. */
#if defined(__x86_64__) && !defined(SCORE_F32)
#define KERN_X86_LATER
#endif

enum { LEVEL_REF, LEVEL_AVX2, LEVEL_AVX512, LEVEL_AVX512BF16, LEVEL_AMX, LEVELS };

extern const struct kern kern_ref, kern_avx2, kern_avx512, kern_avx512bf16, kern_amx;

/* gelu's 2u = g (GELU_A + GELU_B g^2): 2 sqrt(2/pi) and that times 0.044715. */
#define GELU_A 1.59576912f
#define GELU_B 0.0713548163f

#endif
