/* SPDX-License-Identifier: MIT */
/*
 * gemm_panels and gemm_panels_t: a template over the vector of vec512.h or vec256.h (W lanes) and ROWS, the tile's height, such
 * that ROWS x 2 vectors of sums fit the registers. With BF16_DOT the machine multiplies pairs of bf16.
 *
 * A tile is r rows by nv vectors of outputs. A packed vector holds (even, odd) bf16 pairs of W outputs:
 * shifted left it is the even input's weights in fp32, masked the odd one's. Each output has one
 * accumulator, fed in order of k; leaving it in C between blocks of k changes no bit. So
 * every row's result is the same in any tile.
 */
enum {
	KC = 576,                    /* inputs a block: a tile's rows stay in L1 */
	TILES = 8,                   /* tiles of A held: with a panel's block they stay in L2 */
	PAIR_BYTES = 2 * KERN_PANEL * sizeof(bf16)
};

/*
 * A tile of A is held as a_value [ROWS][A_STRIDE], or transposed as [inputs][ROWS].
 * fill: n inputs of r rows from a, whose element (row, k) is a[row * lda + k] or, if trans, a[k * lda + row].
 * An odd K's last pair is made whole by a zero.
 */
#ifdef BF16_DOT

typedef uint32_t a_value;            /* a pair of inputs */
enum { A_STRIDE = KC / 2 + 16 };
#define A_AT(i, k) (trans ? (k) * ROWS + (size_t)(i) : (size_t)(i) * A_STRIDE + (k))

static void fill(a_value *t, const act *a, size_t lda, size_t r, size_t n, int trans)
{
	const act zeros[ROWS] = {0};

	for (size_t k = 0; trans && k < n; k += 2)
		v_store_pairs(t + k / 2 * ROWS, a + k * lda, k + 1 < n ? a + (k + 1) * lda : zeros, r);
	for (size_t i = 0; !trans && i < r; i++) {
		t[i * A_STRIDE + n / 2] = 0;
		memcpy(t + i * A_STRIDE, a + i * lda, n * sizeof *a);
	}
}

__attribute__((always_inline))
static inline void step(vf s[ROWS][4], const a_value *a, const bf16 *b, size_t k,
                        const int trans, const int r, const int nv)
{
	vf w[4];

#pragma GCC unroll 4
	for (int v = 0; v < nv; v++)
		w[v] = v_load_pairs(b + v * 2 * W);
#pragma GCC unroll 12
	for (int i = 0; i < r; i++)
#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			s[i][v] = v_dot(s[i][v], a[A_AT(i, k)], w[v]);
}

#else

typedef float a_value;
enum { A_STRIDE = KC + 16 };         /* no power of two, or the rows would fight for cache sets */
#define A_AT(i, k) (trans ? (k) * ROWS + (size_t)(i) : (size_t)(i) * A_STRIDE + (k))

static void fill(a_value *t, const act *a, size_t lda, size_t r, size_t n, int trans)
{
	/* The W - ROWS lanes too many are overwritten by the next k. */
	for (size_t k = 0; trans && k < n; k++)
		v_store(t + k * ROWS, v_load_act_n(a + k * lda, r));
	if (trans && n % 2)
		v_store(t + n * ROWS, v_zero());
	for (size_t i = 0; !trans && i < r; i++) {
		from_act(t + i * A_STRIDE, a + i * lda, n);
		t[i * A_STRIDE + n] = 0;
	}
}

__attribute__((always_inline))
static inline void step(vf s[ROWS][4], const a_value *a, const bf16 *b, size_t k,
                        const int trans, const int r, const int nv)
{
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		vf w[4];

#pragma GCC unroll 4
		for (int v = 0; v < nv; v++)
			w[v] = odd ? v_high(v_load_pairs(b + v * 2 * W)) : v_low(v_load_pairs(b + v * 2 * W));
#pragma GCC unroll 12
		for (int i = 0; i < r; i++) {
			vf x = v_set1(a[A_AT(i, 2 * k + (size_t)odd)]);

#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[i][v] = v_fma(x, w[v], s[i][v]);
		}
	}
}

#endif

/*
 * c[r][64] of one panel's block: a from fill, b the block's packed pairs. load: start from c, not 0.
 * ahead: what to fetch for the next panel meanwhile, `pace` bytes a pair, so that memory works evenly.
 */
__attribute__((always_inline))
static inline void tile(float *c, size_t ldc, const a_value *a, const bf16 *b, size_t pairs, int load,
                        const char *ahead, size_t pace, const int trans, const int r, const int nv)
{
	for (int col = 0; col < KERN_PANEL; col += nv * W, b += 2 * nv * W) {
		vf s[ROWS][4];

#pragma GCC unroll 12
		for (int i = 0; i < r; i++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[i][v] = load ? v_load(c + (size_t)i * ldc + col + v * W) : v_zero();
		for (size_t k = 0; k < pairs; k++, ahead += pace) {
			_mm_prefetch(ahead, _MM_HINT_T1);
			if (pace > 64)
#pragma GCC unroll 4
				for (int line = 1; line < PAIR_BYTES / 64; line++)
					if ((size_t)line * 64 < pace)
						_mm_prefetch(ahead + line * 64, _MM_HINT_T1);
			step(s, a, b + k * 2 * KERN_PANEL, k, trans, r, nv);
		}
#pragma GCC unroll 12
		for (int i = 0; i < r; i++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				v_store(c + (size_t)i * ldc + col + v * W, s[i][v]);
	}
}

typedef void tile_fn(float *c, size_t ldc, const a_value *a, const bf16 *b, size_t pairs, int load,
                     const char *ahead, size_t pace);

/* Few rows take more vectors at once: more chains of additions in flight. */
#define WIDTH(r) (2 * (r) <= ROWS ? 4 : 2)
#define TILE(r) \
	static void tile_##r(float *c, size_t ldc, const a_value *a, const bf16 *b, size_t pairs, int load, \
	                     const char *ahead, size_t pace) \
	{ \
		tile(c, ldc, a, b, pairs, load, ahead, pace, 0, r, WIDTH(r)); \
	} \
	static void tile_t_##r(float *c, size_t ldc, const a_value *a, const bf16 *b, size_t pairs, int load, \
	                       const char *ahead, size_t pace) \
	{ \
		tile(c, ldc, a, b, pairs, load, ahead, pace, 1, r, WIDTH(r)); \
	}

TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if ROWS == 12
TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#endif

static tile_fn *const tiles[2][ROWS + 1] = {
#if ROWS == 12
	{NULL, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7, tile_8, tile_9, tile_10, tile_11, tile_12},
	{NULL, tile_t_1, tile_t_2, tile_t_3, tile_t_4, tile_t_5, tile_t_6,
	 tile_t_7, tile_t_8, tile_t_9, tile_t_10, tile_t_11, tile_t_12},
#else
	{NULL, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6},
	{NULL, tile_t_1, tile_t_2, tile_t_3, tile_t_4, tile_t_5, tile_t_6},
#endif
};

/* A panel that is not full: through a buffer, so that nothing beyond column N is touched. */
static void edge(tile_fn *f, float *c, size_t ldc, const a_value *a, const bf16 *b, size_t pairs, int load,
                 size_t r, size_t cols)
{
	_Alignas(64) float full[ROWS * KERN_PANEL] = {0};

	for (size_t i = 0; load && i < r; i++)
		memcpy(full + i * KERN_PANEL, c + i * ldc, cols * sizeof *c);
	f(full, KERN_PANEL, a, b, pairs, load, (const char *)b, 0);
	for (size_t i = 0; i < r; i++)
		memcpy(c + i * ldc, full + i * KERN_PANEL, cols * sizeof *c);
}

/* n_tiles tiles (m rows) held in a, `pairs` pairs of inputs from pair k0 on, panels [p0, p1). */
static void block(float *c, size_t ldc, const a_value *a, const struct packed *w, size_t m, size_t n_tiles, size_t k0,
                  size_t pairs, int load, int trans, size_t p0, size_t p1)
{
	size_t stride = (w->k + 1) / 2 * 2 * KERN_PANEL;

	for (size_t p = p0; p < p1; p++) {
		const bf16 *b = w->p + p * stride + k0 * 2 * KERN_PANEL;
		const char *next = (const char *)(p + 1 < p1 ? b + stride : b);
		size_t n0 = p * KERN_PANEL, cols = w->n - n0 < KERN_PANEL ? w->n - n0 : KERN_PANEL;

		for (size_t i = 0; i < n_tiles; i++) {
			size_t r0 = m * i / n_tiles, r = m * (i + 1) / n_tiles - r0;
			size_t passes = KERN_PANEL / W / WIDTH(r);
			const a_value *ai = a + i * ROWS * A_STRIDE;
			float *ci = c + r0 * ldc + n0;

			if (cols == KERN_PANEL)
				tiles[trans][r](ci, ldc, ai, b, pairs, load, next + pairs * PAIR_BYTES * i / n_tiles,
				                PAIR_BYTES / n_tiles / passes);
			else
				edge(tiles[trans][r], ci, ldc, ai, b, pairs, load, r, cols);
		}
	}
}

static void panels(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w,
                   size_t m, int add_to, int trans, size_t p0, size_t p1)
{
	_Alignas(64) a_value rows[TILES * ROWS * A_STRIDE];
	size_t blocks = (m + TILES * ROWS - 1) / (TILES * ROWS), step_r = trans ? 1 : lda, step_k = trans ? lda : 1;

	for (size_t i = 0; i < blocks; i++) {
		size_t m0 = m * i / blocks, mb = m * (i + 1) / blocks - m0, n_tiles = (mb + ROWS - 1) / ROWS;

		for (size_t k = 0; k == 0 || k < w->k; k += KC) {
			size_t len = w->k - k < KC ? w->k - k : KC;

			for (size_t j = 0; j < n_tiles; j++) {
				size_t r0 = mb * j / n_tiles, r = mb * (j + 1) / n_tiles - r0;

				fill(rows + j * ROWS * A_STRIDE, a + (m0 + r0) * step_r + k * step_k, lda, r, len, trans);
			}
			block(c + m0 * ldc, ldc, rows, w, mb, n_tiles, k / 2, (len + 1) / 2, add_to || k, trans, p0, p1);
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
