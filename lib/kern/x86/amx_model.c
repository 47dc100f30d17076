/* SPDX-License-Identifier: MIT */
/*
 * A model of the AMX level, for tests: amx.c over modelled vectors and tiles, so that its bits are
 * to be had on any machine with AVX2.
 */
#include "kern/levels.h"

#include <math.h>
#include <string.h>

#include "kern/exp.h"
#include "kern/x86/model512.h"
#include "kern/x86/rows.h"

#include "kern/x86/model_tiles.h"
#include "kern/x86/amx_mul.h"
#include "kern/x86/amx_gemm.h"
#include "kern/x86/amx_attn.h"
#include "kern/x86/amx_attn_bwd.h"

const struct kern kern_amx_model = {
	.isa = "amx-model", .block = BLOCK, .tile = SQUARE, KERN_FUNCTIONS};
