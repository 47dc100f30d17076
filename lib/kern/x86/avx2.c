/* SPDX-License-Identifier: MIT */
/* The AVX2 level: AVX2, FMA, F16C. */
#include "kern/levels.h"

#include <math.h>
#include <string.h>

#include "kern/exp.h"
#include "kern/x86/vec256.h"

#include "kern/x86/rows.h"
#include "kern/x86/gemm.h"
#include "kern/x86/attn.h"
#include "kern/x86/attn_bwd.h"

const struct kern kern_avx2 = {
	.isa = "avx2", .block = TILES * KERN_ROWS, .tile = KERN_ROWS, .whole = KC,
	KERN_FUNCTIONS};
