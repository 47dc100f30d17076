/* SPDX-License-Identifier: MIT */
/*
 * ggml's tensor types: names, block sizes and values, bit for bit as ggml computes them in float32
 * (tests/golden/dequant.py compares with gguf from PyPI). Private to this room.
 */
#ifndef IMPORT_QUANT_H
#define IMPORT_QUANT_H

#include "base/base.h"

enum ggml_type {
	GGML_F32 = 0, GGML_F16 = 1, GGML_Q4_0 = 2, GGML_Q4_1 = 3, GGML_Q5_0 = 6, GGML_Q5_1 = 7,
	GGML_Q8_0 = 8, GGML_Q4_K = 12, GGML_Q5_K = 13, GGML_Q6_K = 14, GGML_BF16 = 30,
};

enum { QUANT_BLOCK_MAX = 256 };

/* Name, such as "Q4_K", of any ggml type, supported here or not; NULL for unknown numbers. */
const char *quant_name(uint32_t type);
/* Values and bytes of one block; -1 if the type is not supported. */
int quant_block(uint32_t type, size_t *values, size_t *bytes);
/* Dequantises `blocks` blocks of a supported type: dst[blocks * values]. src needs no alignment. */
void quant_read(uint32_t type, const unsigned char *src, size_t blocks, float *dst);
/* To bf16, nearest even; NaN stays NaN. */
uint16_t bf16_of(float x);

#endif
