/* SPDX-License-Identifier: MIT */
/* tiles.h over model512.h's vectors: the tile instructions as Intel's manual describes them. */

static _Thread_local _Alignas(64) float model_tile[8][16][W];

static void tiles_begin(void)
{
}

/* What is not loaded again would show. */
static void tiles_end(void)
{
	memset(model_tile, 0xff, sizeof model_tile);
}

static void tile_zero(int t)
{
	memset(model_tile[t], 0, sizeof model_tile[t]);
}

static void tile_load(int t, const void *p, size_t stride)
{
	for (size_t i = 0; i < 16; i++)
		memcpy(model_tile[t][i], (const char *)p + i * stride, sizeof model_tile[t][i]);
}

static void tile_stream(int t, const void *p, size_t stride)
{
	tile_load(t, p, stride);
}

static void tile_store(int t, void *p, size_t stride)
{
	for (size_t i = 0; i < 16; i++)
		memcpy((char *)p + i * stride, model_tile[t][i], sizeof model_tile[t][i]);
}

/*
 * tdpbf16ps: c[m][n] += sum over 16 pairs k of a[m][k] b[k][n]. The even values' products have one
 * sum, the odd ones' another, both from 0, in order, fused; then the two are added, and that is
 * added to c. Denormals count as zero, before and after. The manual says so, and 32 inputs at a
 * time is what was measured (400 random shapes: no bit depended on rows beside or on where C was
 * stored in between).
 */
static void tile_dot(int c, int a, int b)
{
	vf w[2][16];

	for (size_t k = 0; k < 16; k++) {
		w[0][k] = v_flush(v_low(v_load(model_tile[b][k])));
		w[1][k] = v_flush(v_high(v_load(model_tile[b][k])));
	}
	for (size_t m = 0; m < 16; m++) {
		vf even = v_zero(), odd = v_zero();

		for (size_t k = 0; k < 16; k++) {
			vf pair = v_set1(model_tile[a][m][k]);

			even = v_flush(v_fma(v_flush(v_low(pair)), w[0][k], even));
			odd = v_flush(v_fma(v_flush(v_high(pair)), w[1][k], odd));
		}
		even = v_flush(v_add(even, odd));
		v_store(model_tile[c][m], v_flush(v_add(v_flush(v_load(model_tile[c][m])), even)));
	}
}

/* The first n of 32 values, then zeros. */
static inline void copy32(act *to, const act *from, size_t n)
{
	n = n < 32 ? n : 32;
	memcpy(to, from, n * sizeof *to);
	memset(to + n, 0, (32 - n) * sizeof *to);
}

/* Pairs (even, odd) of the first n columns of two rows, then zeros: columns 0 to 15 to lo, 16 to 31
 * to hi. A row from `have` on counts as zeros. */
static inline void pairs32(act *lo, act *hi, const act *even, const act *odd, size_t n, size_t have)
{
	for (size_t i = 0; i < 32; i++) {
		act *to = (i < 16 ? lo : hi) + i % 16 * 2;

		to[0] = have > 0 && i < n ? even[i] : 0;
		to[1] = have > 1 && i < n ? odd[i] : 0;
	}
}
