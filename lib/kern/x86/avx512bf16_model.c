/* SPDX-License-Identifier: MIT */
/* A model of the AVX-512 BF16 level, for tests: avx512bf16.c over vectors in two halves, with
 * vdpbf16ps as Intel's manual describes it. */
#include "kern/levels.h"

#include <math.h>

#include "kern/exp.h"

#define BF16_DOT

#include "kern/x86/model512.h"
#include "kern/x86/rows.h"
#include "kern/x86/gemm.h"
#include "kern/x86/attn.h"
#include "kern/x86/attn_bwd.h"

const struct kern kern_avx512bf16_model = {
	.isa = "avx512bf16-model", .block = TILES * KERN_ROWS, .tile = KERN_ROWS, .whole = KC,
	KERN_FUNCTIONS};
