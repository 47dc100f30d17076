/* SPDX-License-Identifier: MIT */
/*
 * The AMX level: matrix products and attention in tiles, all else as avx512.c.
 */
#include "kern/levels.h"

#include <math.h>
#include <string.h>

#include "kern/exp.h"
#include "kern/x86/vec512.h"
#include "kern/x86/rows.h"

#include "kern/x86/tiles.h"
#include "kern/x86/amx_mul.h"
#include "kern/x86/amx_gemm.h"
#include "kern/x86/amx_attn.h"
#include "kern/x86/amx_attn_bwd.h"

const struct kern kern_amx = {.isa = "amx", .block = BLOCK, .tile = SQUARE, KERN_FUNCTIONS};
