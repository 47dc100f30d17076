/* SPDX-License-Identifier: MIT */
/*
 * Dequantises ggml's block types. Layouts (from ggml-common.h): a block of 32 is a half-precision
 * scale d, for the _1 types a half minimum m, for Q5 32 high bits, then 16 bytes whose low nibbles
 * are values 0..15 and whose high nibbles are values 16..31. A block of 256 (the K types) has eight
 * or sixteen groups with small integer scales under one or two half-precision ones.
 */
#include "import/quant.h"

#include "import/map.h"

#include <string.h>

static const struct {
	uint32_t type;
	const char *name;
	uint16_t values, bytes;      /* 0: only the name is known */
} types[] = {
	{GGML_F32, "F32", 1, 4}, {GGML_F16, "F16", 1, 2}, {GGML_BF16, "BF16", 1, 2},
	{GGML_Q4_0, "Q4_0", 32, 18}, {GGML_Q4_1, "Q4_1", 32, 20},
	{GGML_Q5_0, "Q5_0", 32, 22}, {GGML_Q5_1, "Q5_1", 32, 24}, {GGML_Q8_0, "Q8_0", 32, 34},
	{GGML_Q4_K, "Q4_K", 256, 144}, {GGML_Q5_K, "Q5_K", 256, 176}, {GGML_Q6_K, "Q6_K", 256, 210},
	{9, "Q8_1", 0, 0}, {10, "Q2_K", 0, 0}, {11, "Q3_K", 0, 0}, {15, "Q8_K", 0, 0},
	{16, "IQ2_XXS", 0, 0}, {17, "IQ2_XS", 0, 0}, {18, "IQ3_XXS", 0, 0}, {19, "IQ1_S", 0, 0},
	{20, "IQ4_NL", 0, 0}, {21, "IQ3_S", 0, 0}, {22, "IQ2_S", 0, 0}, {23, "IQ4_XS", 0, 0},
	{24, "I8", 0, 0}, {25, "I16", 0, 0}, {26, "I32", 0, 0}, {27, "I64", 0, 0}, {28, "F64", 0, 0},
	{29, "IQ1_M", 0, 0}, {34, "TQ1_0", 0, 0}, {35, "TQ2_0", 0, 0}, {39, "MXFP4", 0, 0},
	{40, "NVFP4", 0, 0},
};

const char *quant_name(uint32_t type)
{
	for (size_t i = 0; i < LEN(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

int quant_block(uint32_t type, size_t *values, size_t *bytes)
{
	for (size_t i = 0; i < LEN(types); i++)
		if (types[i].type == type && types[i].values) {
			*values = types[i].values;
			*bytes = types[i].bytes;
			return 0;
		}
	return -1;
}

uint16_t bf16_of(float x)
{
	uint32_t u = bits_of_f32(x);

	if ((u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static float half(const unsigned char *p)
{
	uint16_t h = le16(p);
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, frac = h & 0x3ff;

	if (exp == 31)
		return f32_of_bits(sign | 0x7f800000 | frac << 13);
	if (exp)
		return f32_of_bits(sign | (exp + 112) << 23 | frac << 13);
	/* subnormal: frac * 2^-24 is exact */
	return f32_of_bits(sign | bits_of_f32((float)frac * 0x1p-24f));
}

/* 4- and 5-bit blocks of 32. high: the fifth bits; off: subtracted from the stored integer. */
static void nibbles(const unsigned char *qs, uint32_t high, int off, float d, float m, float *y)
{
	for (int i = 0; i < 16; i++) {
		int lo = (qs[i] & 15) | (high >> i & 1) << 4;
		int hi = qs[i] >> 4 | (high >> (i + 16) & 1) << 4;

		y[i] = d * (float)(lo - off) + m;
		y[i + 16] = d * (float)(hi - off) + m;
	}
}

/* Where ggml adds no minimum, compute d * q and not d * q + 0, which would lose a negative zero. */
static void nibbles_plain(const unsigned char *qs, uint32_t high, int off, float d, float *y)
{
	for (int i = 0; i < 16; i++) {
		y[i] = d * (float)((int)((qs[i] & 15) | (high >> i & 1) << 4) - off);
		y[i + 16] = d * (float)((int)(qs[i] >> 4 | (high >> (i + 16) & 1) << 4) - off);
	}
}

/* Eight 6-bit scales and eight 6-bit minima in 12 bytes: groups 0..3 in the low six bits of bytes
 * 0..3 and 4..7; groups 4..7 as nibbles of bytes 8..11 under the top two bits of bytes 0..7. */
static void scales_k(const unsigned char *p, int i, int *sc, int *mn)
{
	if (i < 4) {
		*sc = p[i] & 63;
		*mn = p[i + 4] & 63;
	} else {
		*sc = (p[i + 4] & 15) | (p[i - 4] >> 6) << 4;
		*mn = p[i + 4] >> 4 | (p[i] >> 6) << 4;
	}
}

/* Q4_K: d, dmin, scales[12], qs[128]. Q5_K: d, dmin, scales[12], qh[32], qs[128]. Group g of 32
 * takes nibble g % 2 of the bytes 32 * (g / 2) .. and, for Q5_K, bit g of qh. */
static void block_45k(const unsigned char *p, int five, float *y)
{
	const unsigned char *qh = p + 16, *qs = five ? qh + 32 : qh;
	float d = half(p), dmin = half(p + 2);

	for (int g = 0; g < 8; g++) {
		int sc, mn;
		float ds, dm;

		scales_k(p + 4, g, &sc, &mn);
		ds = d * (float)sc;
		dm = dmin * (float)mn;
		for (int i = 0; i < 32; i++) {
			int q = qs[32 * (g / 2) + i] >> 4 * (g % 2) & 15;

			if (five)
				q |= (qh[i] >> g & 1) << 4;
			y[32 * g + i] = ds * (float)q - dm;
		}
	}
}

/* Q6_K: ql[128] low four bits, qh[64] high two, scales[16] signed, d. Halves of 128 values; within
 * one, quarter k of 32 values takes nibble k / 2 of ql bytes 32 * (k % 2).. and bits 2k of qh. */
static void block_6k(const unsigned char *p, float *y)
{
	float d = half(p + 208);

	for (int h = 0; h < 2; h++)
		for (int k = 0; k < 4; k++)
			for (int i = 0; i < 32; i++) {
				int lo = p[64 * h + 32 * (k % 2) + i] >> 4 * (k / 2) & 15;
				int hi = p[128 + 32 * h + i] >> 2 * k & 3;
				int sc = (signed char)p[192 + 8 * h + 2 * k + i / 16];

				y[128 * h + 32 * k + i] = d * (float)sc * (float)((lo | hi << 4) - 32);
			}
}

static void block(uint32_t type, const unsigned char *p, float *y)
{
	float d;

	switch (type) {
	case GGML_F32:
		*y = f32_of_bits(le32(p));
		break;
	case GGML_F16:
		*y = half(p);
		break;
	case GGML_BF16:
		*y = f32_of_bits((uint32_t)le16(p) << 16);
		break;
	case GGML_Q4_0:
		nibbles_plain(p + 2, 0, 8, half(p), y);
		break;
	case GGML_Q4_1:
		nibbles(p + 4, 0, 0, half(p), half(p + 2), y);
		break;
	case GGML_Q5_0:
		nibbles_plain(p + 6, le32(p + 2), 16, half(p), y);
		break;
	case GGML_Q5_1:
		nibbles(p + 8, le32(p + 4), 0, half(p), half(p + 2), y);
		break;
	case GGML_Q8_0:
		d = half(p);
		for (int i = 0; i < 32; i++)
			y[i] = d * (float)(signed char)p[2 + i];
		break;
	case GGML_Q4_K:
		block_45k(p, 0, y);
		break;
	case GGML_Q5_K:
		block_45k(p, 1, y);
		break;
	case GGML_Q6_K:
		block_6k(p, y);
		break;
	}
}

void quant_read(uint32_t type, const unsigned char *src, size_t blocks, float *dst)
{
	size_t values, bytes;

	if (quant_block(type, &values, &bytes))
		return;
	for (size_t i = 0; i < blocks; i++)
		block(type, src + i * bytes, dst + i * values);
}
