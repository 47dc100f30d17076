/* SPDX-License-Identifier: MIT */
/* Dequantisation against tests/golden/dequant.txt, bit for bit, and rounding to bf16. */
#include "import/map.h"
#include "import/quant.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t unhex(const char *s, unsigned char *out, size_t cap)
{
	size_t n = 0;

	for (; n < cap && hex_digit(s[0]) >= 0 && hex_digit(s[1]) >= 0; s += 2)
		out[n++] = (unsigned char)(hex_digit(s[0]) << 4 | hex_digit(s[1]));
	return n;
}

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void check_line(char *line, unsigned *seen)
{
	static unsigned char src[8192], bits[8192];
	static float y[2048];
	char name[16], *hex, *want;
	size_t n_src, n_want, values, bytes, differ = 0;
	unsigned type;

	if (sscanf(line, "%u %15s", &type, name) != 2)
		return;
	hex = strchr(strchr(line, ' ') + 1, ' ') + 1;
	want = strchr(hex, ' ') + 1;
	n_src = unhex(hex, src + 1, sizeof src - 1);      /* odd address on purpose */
	n_want = unhex(want, bits, sizeof bits) / 4;
	if (!ok(!quant_block(type, &values, &bytes) && !strcmp(quant_name(type), name) &&
	            n_src % bytes == 0 && n_want == n_src / bytes * values && n_want >= 16,
	        "%s: %zu values in %zu bytes", name, n_want, n_src))
		return;
	quant_read(type, src + 1, n_src / bytes, y);
	for (size_t i = 0; i < n_want; i++)
		differ += bits_of_f32(y[i]) != be32(bits + 4 * i);
	ok(!differ, "%s: every value bit-equal (%zu differ)", name, differ);
	*seen |= 1u << type;
}

static void rounding(void)
{
	static const struct { uint32_t f32; uint16_t bf16; } cases[] = {
		{0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x3f800000, 0x3f80},
		{0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82},     /* ties to even */
		{0x3f80ffff, 0x3f81}, {0xbf818000, 0xbf82}, {0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80},
		{0xff800000, 0xff80}, {0x7f800001, 0x7fc0}, {0xffc00001, 0xffc0}, {0x00008000, 0x0000},
		{0x00018000, 0x0002}, {0x7f7f7fff, 0x7f7f},
	};
	size_t bad = 0;

	for (size_t i = 0; i < LEN(cases); i++)
		bad += bf16_of(f32_of_bits(cases[i].f32)) != cases[i].bf16;
	ok(!bad, "bf16: nearest even, NaN stays NaN, overflow is infinity");
}

/* Every half-precision number by its definition. */
static void halves(void)
{
	size_t bad = 0;

	for (uint32_t h = 0; h < 65536; h++) {
		unsigned char p[2] = {(unsigned char)h, (unsigned char)(h >> 8)};
		int exp = h >> 10 & 31, frac = h & 0x3ff;
		double v = exp ? ldexp(1024 + frac, exp - 25) : ldexp(frac, -24);
		float y;

		quant_read(GGML_F16, p, 1, &y);
		if (exp == 31)
			bad += frac ? !isnan(y) : !isinf(y);
		else
			bad += (double)fabsf(y) != v;
		bad += !signbit(y) != !(h >> 15);
	}
	ok(!bad, "F16: all 65536 of them");
}

int main(void)
{
	FILE *f = fopen("tests/golden/dequant.txt", "r");
	char *line = NULL;
	size_t cap = 0;
	unsigned seen = 0;

	if (!ok(f != NULL, "golden file opens"))
		return done();
	while (getline(&line, &cap, f) > 0)
		if (*line != '#')
			check_line(line, &seen);
	free(line);
	fclose(f);
	ok(seen == (1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 12 |
	            1u << 13 | 1u << 14 | 1u << 30),
	   "all eleven types are there");
	rounding();
	halves();
	return done();
}
