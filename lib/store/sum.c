/* SPDX-License-Identifier: MIT */
/* The checksum: XXH64 by its published specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). */
#include "store/inside.h"

#include <string.h>

static const uint64_t P1 = 0x9e3779b185ebca87u, P2 = 0xc2b2ae3d27d4eb4fu, P3 = 0x165667b19e3779f9u,
                      P4 = 0x85ebca77c2b2ae63u, P5 = 0x27d4eb2f165667c5u;

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t load64(const unsigned char *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

static uint64_t lane(uint64_t acc, uint64_t x)
{
	return rotl(acc + x * P2, 31) * P1;
}

struct sum sum_begin(void)
{
	return (struct sum){.lane = {P1 + P2, P2, 0, -P1}};
}

/* Blocks of 32 bytes. */
static const unsigned char *blocks(struct sum *s, const unsigned char *p, const unsigned char *end)
{
	uint64_t a = s->lane[0], b = s->lane[1], c = s->lane[2], d = s->lane[3];

	for (; end - p >= 32; p += 32) {
		a = lane(a, load64(p));
		b = lane(b, load64(p + 8));
		c = lane(c, load64(p + 16));
		d = lane(d, load64(p + 24));
	}
	memcpy(s->lane, (uint64_t[4]){a, b, c, d}, sizeof s->lane);
	return p;
}

void sum_add(struct sum *s, const void *data, size_t n)
{
	const unsigned char *p = data, *end = p + n;
	size_t held = s->n % 32, more = 32 - held < n ? 32 - held : n;

	s->n += n;
	if (held) {
		memcpy(s->tail + held, p, more);
		p += more;
		if (held + more == 32)
			blocks(s, s->tail, s->tail + 32);
		held = 0;
	}
	p = blocks(s, p, end);
	if (p < end)
		memcpy(s->tail, p, (size_t)(end - p));
}

uint64_t sum_end(const struct sum *s)
{
	const unsigned char *p = s->tail, *end = p + s->n % 32;
	uint64_t h = P5;
	uint32_t word;

	if (s->n >= 32) {
		h = rotl(s->lane[0], 1) + rotl(s->lane[1], 7) + rotl(s->lane[2], 12) + rotl(s->lane[3], 18);
		for (int i = 0; i < 4; i++)
			h = (h ^ lane(0, s->lane[i])) * P1 + P4;
	}
	h += s->n;
	for (; end - p >= 8; p += 8)
		h = rotl(h ^ lane(0, load64(p)), 27) * P1 + P4;
	if (end - p >= 4) {
		memcpy(&word, p, 4);
		h = rotl(h ^ word * P1, 23) * P2 + P3;
		p += 4;
	}
	for (; p < end; p++)
		h = rotl(h ^ *p * P5, 11) * P1;
	h = (h ^ h >> 33) * P2;
	h = (h ^ h >> 29) * P3;
	return h ^ h >> 32;
}

uint64_t sum64(const void *data, size_t n)
{
	struct sum s = sum_begin();

	sum_add(&s, data, n);
	return sum_end(&s);
}
