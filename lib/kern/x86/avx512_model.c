/* SPDX-License-Identifier: MIT */
/* A model of the AVX-512 level, for tests: avx512.c over vectors in two halves. */
#include "kern/levels.h"

#include <math.h>

#include "kern/exp.h"
#include "kern/x86/model512.h"

#include "kern/x86/rows.h"
#include "kern/x86/gemm.h"
#include "kern/x86/attn.h"
#include "kern/x86/attn_bwd.h"

const struct kern kern_avx512_model = {
	.isa = "avx512-model", .block = TILES * KERN_ROWS, .tile = KERN_ROWS, .whole = KC,
	KERN_FUNCTIONS};
