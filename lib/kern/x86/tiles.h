/* SPDX-License-Identifier: MIT */
/*
 * The tile instructions for amx_mul.h, amx_gemm.h and amx_attn.h: eight tiles of 16 rows of 64
 * bytes each; and moves of 32 bf16 values, a tile's row. The names are the same in model_tiles.h.
 */

struct tile_config {
	uint8_t palette, start, reserved[14];
	uint16_t bytes[16];
	uint8_t rows[16];
};

/* A thread's tiles are its own; they are given back so that the kernel need not save them. */
static void tiles_begin(void)
{
	static const struct tile_config all = {
		.palette = 1,
		.bytes = {64, 64, 64, 64, 64, 64, 64, 64},
		.rows = {16, 16, 16, 16, 16, 16, 16, 16},
	};

	_tile_loadconfig(&all);
}

static void tiles_end(void)
{
	_tile_release();
}

/* gcc 12 does not know that a tile is loaded from memory: what is written there must be. */
static inline void tile_written(void) { __asm__ volatile("" ::: "memory"); }

#define tile_load(t, p, stride) \
	do { \
		tile_written(); \
		_tile_loadd(t, p, stride); \
	} while (0)
/* The same past L1, whose lines others need. */
#define tile_stream(t, p, stride) \
	do { \
		tile_written(); \
		_tile_stream_loadd(t, p, stride); \
	} while (0)
#define tile_zero(t) _tile_zero(t)
#define tile_store(t, p, stride) _tile_stored(t, p, stride)
#define tile_dot(c, a, b) _tile_dpbf16ps(c, a, b)

static inline __mmask32 first32(size_t n)
{
	return n < 32 ? (__mmask32)((1u << n) - 1) : 0xffffffff;
}

/* The first n of 32 values, then zeros. */
static inline void copy32(act *to, const act *from, size_t n)
{
	_mm512_store_si512(to, _mm512_maskz_loadu_epi16(first32(n), from));
}

/* Pairs (even, odd) of the first n columns of two rows, then zeros: columns 0 to 15 to lo, 16 to 31
 * to hi. A row from `have` on counts as zeros. */
static inline void pairs32(act *lo, act *hi, const act *even, const act *odd, size_t n, size_t have)
{
	const __m512i first =
		_mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6,
	                     37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
	const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
	__m512i e = _mm512_maskz_loadu_epi16(have > 0 ? first32(n) : 0, even);
	__m512i o = _mm512_maskz_loadu_epi16(have > 1 ? first32(n) : 0, odd);

	_mm512_store_si512(lo, _mm512_permutex2var_epi16(e, first, o));
	_mm512_store_si512(hi, _mm512_permutex2var_epi16(e, second, o));
}
