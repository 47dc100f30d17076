/* SPDX-License-Identifier: MIT */
/*
 * gemm_panels and gemm_panels_t: a template over the vector of vec512.h or vec256.h (W lanes). With BF16_DOT the
 * machine multiplies pairs of bf16.
 *
 * A tile is r <= ROWS rows by NV vectors of outputs, whose sums fill the registers. A packed vector holds
 * (even, odd) bf16 pairs of W outputs: shifted left it is the even input's weights in fp32, masked the odd one's.
 * Without BF16_DOT that would take a seventh of the multipliers' time, so the first tile of rows that
 * meets a panel's block also keeps what it unpacked, and the others read that.
 *
 * Each output has one accumulator, fed in order of k; leaving it in C between blocks of k changes no bit. So
 * every row's result is the same in any tile.
 */
enum {
	ROWS = 6,
	NV = W == 16 ? 4 : 2,
	KC = 768,                    /* inputs a block, at most: a tile's rows stay in L1, an unpacked panel in L2 */
	TILES = W == 16 ? 24 : 12,   /* tiles of A held: with a panel's block they stay in L2 */
	ENOUGH = 4,                  /* tiles that share an unpacked panel's block, or it does not pay */
	PAIR_BYTES = 2 * KERN_PANEL * sizeof(bf16)
};

/* Where a tile's weights come from: packed; packed, and left unpacked for others; unpacked by another. */
enum { PACKED, UNPACK, UNPACKED, SOURCES };

#ifdef BF16_DOT
typedef uint32_t a_value;            /* a pair of inputs */
enum { A_VALUES = KC / 2 };
#else
typedef float a_value;
enum { A_VALUES = KC };
#endif
enum { A_STRIDE = A_VALUES + 16 };   /* no power of two, or the rows would fight for cache sets */

/* What all tiles of a block have in common. A tile of A is held as [ROWS][A_STRIDE], or as [A_VALUES][ROWS]
 * if it came transposed: value (i, k) at i * step_i + k * step_k. */
struct block {
	size_t ldc, step_i, step_k, pairs;
	int load;                    /* start from c, not 0 */
	float *wide;                 /* a panel's block in fp32: [64 / (NV * W)][inputs][NV * W] */
};

/* One pair of inputs: b its packed weights, wide the unpacked ones. a_0, a_3: rows 0 and 3. */
#ifdef BF16_DOT

__attribute__((always_inline))
static inline void step(vf s[ROWS][4], const a_value *a_0, const a_value *a_3, const struct block *x, const bf16 *b,
                        float *wide, const int source, const int r, const int nv)
{
	vf w[4];

	(void)wide, (void)source;
#pragma GCC unroll 4
	for (int v = 0; v < nv; v++)
		w[v] = v_load_pairs(b + v * 2 * W);
#pragma GCC unroll 6
	for (int i = 0; i < r; i++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			s[i][v] = v_dot(s[i][v], (i < 3 ? a_0 : a_3)[(size_t)(i % 3) * x->step_i], w[v]);
}

#else

__attribute__((always_inline))
static inline void step(vf s[ROWS][4], const a_value *a_0, const a_value *a_3, const struct block *x, const bf16 *b,
                        float *wide, const int source, const int r, const int nv)
{
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		vf w[4];

#pragma GCC unroll 4
		for (int v = 0; v < nv; v++) {
			if (source == UNPACKED)
				w[v] = v_load(wide + (odd * nv + v) * W);
			else
				w[v] = odd ? v_high(v_load_pairs(b + v * 2 * W)) : v_low(v_load_pairs(b + v * 2 * W));
			if (source == UNPACK)
				v_store(wide + (odd * nv + v) * W, w[v]);
		}
#pragma GCC unroll 6
		for (int i = 0; i < r; i++) {
			vf ai = v_set1((i < 3 ? a_0 : a_3)[(size_t)(i % 3) * x->step_i]);

#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[i][v] = v_fma(ai, w[v], s[i][v]);
		}
		a_0 += x->step_k;
		a_3 += x->step_k;
	}
}

#endif

/*
 * c[r][64] of one panel's block: a its rows, b the packed pairs.
 * ahead: what to fetch for the next panel meanwhile, `pace` bytes a pair, so that memory works evenly.
 */
__attribute__((always_inline))
static inline void tile(const struct block *x, float *c, const a_value *a, const bf16 *b, const char *ahead,
                        size_t pace, const int source, const int r, const int nv)
{
	size_t pairs = x->pairs, inputs = 2 * pairs, per_pair = KC / A_VALUES == 1 ? 2 * x->step_k : x->step_k;
	float *wide = x->wide;

	for (int i = 0; i < r && !x->load; i++)  /* written in the end */
		for (int line = 0; line < KERN_PANEL; line += 16)
			_mm_prefetch((const char *)(c + (size_t)i * x->ldc + line), _MM_HINT_T0);
	for (int col = 0; col < KERN_PANEL; col += nv * W, b += 2 * nv * W, wide += inputs * (size_t)(nv * W)) {
		const a_value *a_0 = a, *a_3 = a + 3 * x->step_i;
		vf s[ROWS][4];

#pragma GCC unroll 6
		for (int i = 0; i < r; i++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[i][v] = x->load ? v_load(c + (size_t)i * x->ldc + col + v * W) : v_zero();
		for (size_t k = 0; k < pairs; k++, ahead += pace, a_0 += per_pair, a_3 += per_pair) {
			_mm_prefetch(ahead, _MM_HINT_T1);
			if (source == PACKED && pace > 64)
#pragma GCC unroll 4
				for (int line = 1; line < PAIR_BYTES / 64; line++)
					if ((size_t)line * 64 < pace)
						_mm_prefetch(ahead + line * 64, _MM_HINT_T1);
			step(s, a_0, a_3, x, b + k * 2 * KERN_PANEL, wide + 2 * k * (size_t)(nv * W), source, r, nv);
		}
#pragma GCC unroll 6
		for (int i = 0; i < r; i++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				v_store(c + (size_t)i * x->ldc + col + v * W, s[i][v]);
	}
}

typedef void tile_fn(const struct block *x, float *c, const a_value *a, const bf16 *b, const char *ahead, size_t pace);

/* A lone tile of few rows takes more vectors at once: more chains of additions in flight. */
#define WIDTH(r) (2 * (r) <= ROWS ? 4 : NV)
#define TILE(name, source, r, nv) \
	static void name##_##r(const struct block *x, float *c, const a_value *a, const bf16 *b, const char *ahead, \
	                       size_t pace) \
	{ \
		tile(x, c, a, b, ahead, pace, source, r, nv); \
	}
#define TILES_OF(r) TILE(packed, PACKED, r, WIDTH(r)) TILE(unpack, UNPACK, r, NV) TILE(unpacked, UNPACKED, r, NV)

#ifdef BF16_DOT
TILE(packed, PACKED, 1, 4) TILE(packed, PACKED, 2, 4) TILE(packed, PACKED, 3, 4)
TILE(packed, PACKED, 4, 4) TILE(packed, PACKED, 5, 4) TILE(packed, PACKED, 6, 4)
static tile_fn *const tiles[SOURCES][ROWS + 1] = {{NULL, packed_1, packed_2, packed_3, packed_4, packed_5, packed_6}};
#else
TILES_OF(1) TILES_OF(2) TILES_OF(3) TILES_OF(4) TILES_OF(5) TILES_OF(6)
static tile_fn *const tiles[SOURCES][ROWS + 1] = {
	{NULL, packed_1, packed_2, packed_3, packed_4, packed_5, packed_6},
	{NULL, unpack_1, unpack_2, unpack_3, unpack_4, unpack_5, unpack_6},
	{NULL, unpacked_1, unpacked_2, unpacked_3, unpacked_4, unpacked_5, unpacked_6},
};
#endif

/* Tile i of n: rows [rows_to(m, i, n), rows_to(m, i + 1, n)). */
static size_t rows_to(size_t m, size_t i, size_t n)
{
	return m * i / n;
}

/*
 * n inputs of m rows, n_tiles tiles, from a, whose element (row, k) is a[row * lda + k]; an odd K's last pair
 * is made whole by a zero.
 */
static void fill(a_value *t, const act *a, size_t lda, size_t m, size_t n_tiles, size_t n)
{
	for (size_t j = 0; j < n_tiles; j++, t += ROWS * A_STRIDE)
		for (size_t r0 = rows_to(m, j, n_tiles), i = r0; i < rows_to(m, j + 1, n_tiles); i++) {
			a_value *to = t + (i - r0) * A_STRIDE;
#ifdef BF16_DOT
			to[n / 2] = 0;
			memcpy(to, a + i * lda, n * sizeof *a);
#else
			from_act(to, a + i * lda, n);
			to[n] = 0;
#endif
		}
}

/* The same from a[k * lda + row]. A value's lanes beyond ROWS are overwritten by the next one's. */
static void fill_t(a_value *t, const act *a, size_t lda, size_t m, size_t n_tiles, size_t n)
{
	static const act zeros[8];
	size_t from[TILES + 1];

	for (size_t j = 0; j <= n_tiles; j++)
		from[j] = rows_to(m, j, n_tiles);
#ifdef BF16_DOT
	for (size_t k = 0; k < n; k += 2)
		for (size_t j = 0; j < n_tiles; j++) {
			const act *even = a + k * lda + from[j];

			v_pairs8(t + j * ROWS * A_STRIDE + k / 2 * ROWS, even, k + 1 < n ? even + lda : zeros, from[j + 1] - from[j]);
		}
#else
	for (size_t k = 0; k < n; k++)
		for (size_t j = 0; j < n_tiles; j++)
			v_widen8(t + j * ROWS * A_STRIDE + k * ROWS, a + k * lda + from[j],
			         from[j] + 8 <= m ? 8 : from[j + 1] - from[j]);
	for (size_t j = 0; n % 2 && j < n_tiles; j++)
		v_widen8(t + j * ROWS * A_STRIDE + n * ROWS, zeros, 8);
#endif
}

/* A panel that is not full: through a buffer, so that nothing beyond column N is touched. */
static void edge(tile_fn *f, const struct block *x, float *c, const a_value *a, const bf16 *b, size_t r, size_t cols)
{
	_Alignas(64) float full[ROWS * KERN_PANEL] = {0};
	struct block y = *x;

	y.ldc = KERN_PANEL;
	for (size_t i = 0; x->load && i < r; i++)
		memcpy(full + i * KERN_PANEL, c + i * x->ldc, cols * sizeof *c);
	f(&y, full, a, b, (const char *)b, 0);
	for (size_t i = 0; i < r; i++)
		memcpy(c + i * x->ldc, full + i * KERN_PANEL, cols * sizeof *c);
}

/* n_tiles tiles (m rows) held in a, from input k0 on, panels [p0, p1). */
static void block(const struct block *x, float *c, const a_value *a, const struct packed *w, size_t m, size_t n_tiles,
                  size_t k0, size_t p0, size_t p1)
{
	size_t stride = (w->k + 1) / 2 * 2 * KERN_PANEL, len = 2 * x->pairs * KERN_PANEL;

	for (size_t p = p0; p < p1; p++) {
		const bf16 *b = w->p + p * stride + k0 * KERN_PANEL, *next = b;
		size_t n0 = p * KERN_PANEL, cols = w->n - n0 < KERN_PANEL ? w->n - n0 : KERN_PANEL;

		if (p + 1 < p1)
			next = b + stride;
		else if (k0 + 2 * x->pairs < w->k)
			next = b + len - (p - p0) * stride;
		for (size_t i = 0; i < n_tiles; i++) {
			size_t r0 = rows_to(m, i, n_tiles), r = rows_to(m, i + 1, n_tiles) - r0;
			int source = !x->wide ? PACKED : i ? UNPACKED : UNPACK;
			size_t passes = KERN_PANEL / W / (source == PACKED ? WIDTH(r) : NV);
			const a_value *ai = a + i * ROWS * A_STRIDE;
			float *ci = c + r0 * x->ldc + n0;

			if (cols == KERN_PANEL)
				tiles[source][r](x, ci, ai, b, (const char *)(next + len * i / n_tiles), PAIR_BYTES / n_tiles / passes);
			else
				edge(tiles[source][r], x, ci, ai, b, r, cols);
		}
	}
}

static void panels(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w,
                   size_t m, int add_to, int trans, size_t p0, size_t p1)
{
	_Alignas(64) a_value rows[TILES * ROWS * A_STRIDE];
	size_t blocks = (m + TILES * ROWS - 1) / (TILES * ROWS), k_blocks = w->k ? (w->k + KC - 1) / KC : 1;
	struct block x = {.ldc = ldc, .step_i = trans ? 1 : A_STRIDE, .step_k = trans ? ROWS : 1};
#ifndef BF16_DOT
	_Alignas(64) float wide[(KC + 2) * KERN_PANEL];  /* an odd K's last block may be KC + 1 inputs, in pairs */
#endif
	for (size_t i = 0; i < blocks; i++) {
		size_t m0 = rows_to(m, i, blocks), mb = rows_to(m, i + 1, blocks) - m0, n_tiles = (mb + ROWS - 1) / ROWS;

#ifndef BF16_DOT
		x.wide = n_tiles >= ENOUGH ? wide : NULL;
#endif
		for (size_t j = 0; j < k_blocks; j++) {
			size_t k = w->k * j / k_blocks / 2 * 2, end = j + 1 < k_blocks ? w->k * (j + 1) / k_blocks / 2 * 2 : w->k;

			if (trans)
				fill_t(rows, a + m0 + k * lda, lda, mb, n_tiles, end - k);
			else
				fill(rows, a + m0 * lda + k, lda, mb, n_tiles, end - k);
			x.pairs = (end - k + 1) / 2;
			x.load = add_to || k;
			block(&x, c + m0 * ldc, rows, w, mb, n_tiles, k, p0, p1);
		}
	}
}

static void gemm_panels(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w,
                        size_t m, int add_to, size_t p0, size_t p1)
{
	panels(c, ldc, a, lda, w, m, add_to, 0, p0, p1);
}

static void gemm_panels_t(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w,
                          size_t m, int add_to, size_t p0, size_t p1)
{
	panels(c, ldc, a, lda, w, m, add_to, 1, p0, p1);
}
