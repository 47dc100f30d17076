/* SPDX-License-Identifier: MIT */
/*
 * The AVX-512 BF16 level: like avx512.c, but GEMM multiplies pairs of bf16. vdpbf16ps treats
 * denormals as zero and rounds once or twice per pair, depending on the CPU vendor.
 */
#include "kern/levels.h"

#include <math.h>
#include <string.h>

#include "kern/exp.h"

#define BF16_DOT

#include "kern/x86/vec512.h"
#include "kern/x86/rows.h"
#include "kern/x86/gemm.h"
#include "kern/x86/attn.h"
#include "kern/x86/attn_bwd.h"

const struct kern kern_avx512bf16 = {
	.isa = "avx512bf16", .block = TILES * KERN_ROWS, .tile = KERN_ROWS, .whole = KC,
	KERN_FUNCTIONS};
