/* SPDX-License-Identifier: MIT */
/* The AVX-512 level: F, BW, DQ, VL. */
#include "kern/levels.h"

#include <math.h>
#include <string.h>

#include "kern/exp.h"
#include "kern/x86/vec512.h"

#include "kern/x86/rows.h"
#include "kern/x86/gemm.h"
#include "kern/x86/attn.h"
#include "kern/x86/attn_bwd.h"

const struct kern kern_avx512 = {
	.isa = "avx512", .block = TILES * KERN_ROWS, .tile = KERN_ROWS, .whole = KC,
	KERN_FUNCTIONS};
