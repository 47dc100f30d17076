/* SPDX-License-Identifier: MIT */
/*
 * AVX-512 with BF16: as avx512.c, but GEMM multiplies pairs of bf16. vdpbf16ps treats denormals
 * as zero and rounds once or twice a pair, depending on the machine's maker. The AMX level is
 * the same table: it has no tiles of its own yet.
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

const struct kern kern_avx512bf16 = {.isa = "avx512bf16", KERN_FUNCTIONS};
const struct kern kern_amx = {.isa = "amx", KERN_FUNCTIONS};
