/* SPDX-License-Identifier: MIT */
/*
 * product: a template over the vectors of vec512.h or vec256.h (W lanes). With BF16_DOT, the CPU
 * multiplies pairs of bf16.
 *
 * A tile is r <= ROWS rows by NV vectors of outputs, whose sums fill the registers. A packed vector
 * holds (even, odd) bf16 pairs of W outputs: shifted left, it gives the even input's weights in
 * fp32; masked, the odd one's. Without BF16_DOT, unpacking would cost a seventh of the multipliers'
 * time, so the first tile that uses a panel's block saves the unpacked weights for the others.
 *
 * Each output has one accumulator, summed in order of k; storing it to C between blocks of k does
 * not change any bit. So a row's result is the same in any tile.
 */
enum {
	ROWS = KERN_ROWS,
	NV = W == 16 ? 4 : 2,
	/* maximum inputs per block: a tile's rows stay in L1, an unpacked panel in L2 */
	KC = 768,
	TILES = W == 16 ? 24 : 12,   /* tiles of A held: with a panel's block, they stay in L2 */
	/* fewest tiles for which unpacking a panel's block pays */
	ENOUGH = 4,
	PAIR_BYTES = 2 * KERN_PANEL * sizeof(bf16)
};

/* A tile's weights: packed; packed, and saved unpacked for other tiles; unpacked by another
 * tile. */
enum { PACKED, UNPACK, UNPACKED, SOURCES };

#ifdef BF16_DOT
typedef uint32_t a_value;            /* a pair of inputs */
enum { A_VALUES = KC / 2 };
#else
typedef float a_value;
enum { A_VALUES = KC };
#endif
enum { A_STRIDE = A_VALUES + 16 };   /* not a power of two, to spread rows over cache sets */

/* Parameters shared by all tiles of a block. A tile of A is held as [ROWS][A_STRIDE], or as
 * [A_VALUES][ROWS] if A is transposed: value (i, k) is at i * step_i + k * step_k. */
struct block {
	size_t ldc, step_i, step_k, pairs;
	int load;                    /* start from c instead of 0 */
	float *wide;                 /* a panel's block in fp32: [64 / (NV * W)][inputs][NV * W] */
};

/* One pair of inputs: b its packed weights, wide the unpacked ones. a_0, a_3: rows 0 and 3. */
#ifdef BF16_DOT

__attribute__((always_inline))
static inline void step(vf s[ROWS][4], const a_value *a_0, const a_value *a_3,
                        const struct block *x, const bf16 *b, float *wide, const int source,
                        const int r, const int nv)
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
static inline void step(vf s[ROWS][4], const a_value *a_0, const a_value *a_3,
                        const struct block *x, const bf16 *b, float *wide, const int source,
                        const int r, const int nv)
{
#pragma GCC unroll 2
	for (int odd = 0; odd < 2; odd++) {
		vf w[4];

#pragma GCC unroll 4
		for (int v = 0; v < nv; v++) {
			if (source == UNPACKED)
				w[v] = v_load(wide + (odd * nv + v) * W);
			else
				w[v] =
					odd ? v_high(v_load_pairs(b + v * 2 * W)) : v_low(v_load_pairs(b + v * 2 * W));
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

/* What a tile prefetches for the next ones: `pace` bytes of the next panel per pair, for an even
 * load on memory, and the next tile's c. */
struct ahead {
	const char *b;
	size_t pace;
	const float *c;
};

/* c[r][64] for one panel's block: a has the rows, b the packed pairs. */
__attribute__((always_inline))
static inline void tile(const struct block *x, float *c, const a_value *a, const bf16 *b,
                        struct ahead next, const int source, const int r, const int nv)
{
	size_t pairs = x->pairs, inputs = 2 * pairs,
	       per_pair = KC / A_VALUES == 1 ? 2 * x->step_k : x->step_k;
	float *wide = x->wide;

	for (int i = 0; i < r; i++)
		for (int line = 0; line < KERN_PANEL; line += 16)
			_mm_prefetch((const char *)(next.c + (size_t)i * x->ldc + line), _MM_HINT_T0);
	for (int col = 0; col < KERN_PANEL;
	     col += nv * W, b += 2 * nv * W, wide += inputs * (size_t)(nv * W)) {
		const a_value *a_0 = a, *a_3 = a + 3 * x->step_i;
		vf s[ROWS][4];

#pragma GCC unroll 6
		for (int i = 0; i < r; i++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				s[i][v] = x->load ? v_load(c + (size_t)i * x->ldc + col + v * W) : v_zero();
		for (size_t k = 0; k < pairs; k++, next.b += next.pace, a_0 += per_pair, a_3 += per_pair) {
			_mm_prefetch(next.b, _MM_HINT_T1);
			if (source == PACKED && next.pace > 64)
#pragma GCC unroll 4
				for (int line = 1; line < PAIR_BYTES / 64; line++)
					if ((size_t)line * 64 < next.pace)
						_mm_prefetch(next.b + line * 64, _MM_HINT_T1);
			step(s, a_0, a_3, x, b + k * 2 * KERN_PANEL, wide + 2 * k * (size_t)(nv * W), source, r,
			     nv);
		}
#pragma GCC unroll 6
		for (int i = 0; i < r; i++)
#pragma GCC unroll 4
			for (int v = 0; v < nv; v++)
				v_store(c + (size_t)i * x->ldc + col + v * W, s[i][v]);
	}
}

typedef void tile_fn(const struct block *x, float *c, const a_value *a, const bf16 *b,
                     struct ahead next);

/* A single tile of few rows takes more vectors at once, for more independent chains of
 * additions. */
#define WIDTH(r) (2 * (r) <= ROWS ? 4 : NV)
#define TILE(name, source, r, nv) \
	static void name##_##r(const struct block *x, float *c, const a_value *a, const bf16 *b, \
	                       struct ahead next) \
	{ \
		tile(x, c, a, b, next, source, r, nv); \
	}
#define TILES_OF(r) \
	TILE(packed, PACKED, r, WIDTH(r)) TILE(unpack, UNPACK, r, NV) TILE(unpacked, UNPACKED, r, NV)

#ifdef BF16_DOT
TILE(packed, PACKED, 1, 4) TILE(packed, PACKED, 2, 4) TILE(packed, PACKED, 3, 4)
TILE(packed, PACKED, 4, 4) TILE(packed, PACKED, 5, 4) TILE(packed, PACKED, 6, 4)
static tile_fn *const tiles[SOURCES][ROWS + 1] = {
	{NULL, packed_1, packed_2, packed_3, packed_4, packed_5, packed_6}
};
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
 * Fills n_tiles tiles with n inputs of m rows of a, whose element (row, k) is a[row * lda + k]; if
 * K is odd, the last pair is completed with a zero.
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

/* inputs to prefetch ahead: their rows are too far apart for the hardware prefetcher */
enum { SOON = 12 };

/* The same from a[k * lda + row]. Lanes beyond ROWS are overwritten by the next value's. */
static void fill_by_k(a_value *t, const act *a, size_t lda, size_t m, size_t n_tiles, size_t n)
{
	static const act zeros[8];
	size_t from[TILES + 1];

	for (size_t j = 0; j <= n_tiles; j++)
		from[j] = rows_to(m, j, n_tiles);
	for (size_t k = 0; k < n; k += KC / A_VALUES) {
		for (size_t i = 0; i < m && k + SOON < n; i += 32)
			_mm_prefetch((const char *)(a + (k + SOON) * lda + i), _MM_HINT_T0);
#ifdef BF16_DOT
		for (size_t i = 0; i < m && k + SOON + 1 < n; i += 32)
			_mm_prefetch((const char *)(a + (k + SOON + 1) * lda + i), _MM_HINT_T0);
		for (size_t j = 0; j < n_tiles; j++) {
			const act *even = a + k * lda + from[j];

			v_pairs8(t + j * ROWS * A_STRIDE + k / 2 * ROWS, even, k + 1 < n ? even + lda : zeros,
			         from[j + 1] - from[j]);
		}
#else
		for (size_t j = 0; j < n_tiles; j++)
			v_widen8(t + j * ROWS * A_STRIDE + k * ROWS, a + k * lda + from[j],
			         from[j] + 8 <= m ? 8 : from[j + 1] - from[j]);
#endif
	}
#ifndef BF16_DOT
	for (size_t j = 0; n % 2 && j < n_tiles; j++)
		v_widen8(t + j * ROWS * A_STRIDE + n * ROWS, zeros, 8);
#endif
}

/* Converts a panel's block of W, given as w[k * ldw + output], to the form that tiles read: n
 * inputs of cols outputs. Columns beyond cols are undefined; their results are not used. */
#ifdef BF16_DOT
typedef act w_value;
enum { BY_K = PACKED };

static void load_by_k(act *to, const act *w, size_t ldw, size_t cols, size_t n)
{
	static const act zeros[KERN_PANEL];

	for (size_t k = 0; k < n; k += 2, to += 2 * KERN_PANEL, w += 2 * ldw) {
		const act *odd = k + 1 < n ? w + ldw : zeros;

		if (cols == KERN_PANEL)
			for (size_t i = 0; i < KERN_PANEL; i++)
				to[2 * i] = w[i], to[2 * i + 1] = odd[i];
		else
			for (size_t i = 0; i < cols; i++)
				to[2 * i] = w[i], to[2 * i + 1] = odd[i];
	}
}
#else
typedef float w_value;
enum { BY_K = UNPACKED };

static void load_by_k(float *to, const act *w, size_t ldw, size_t cols, size_t n)
{
	size_t inputs = (n + 1) / 2 * 2;

	for (size_t k = 0; k < n; k++, w += ldw) {
		for (size_t i = 0; i < cols && k + SOON < n; i += 32)
			_mm_prefetch((const char *)(w + SOON * ldw + i), _MM_HINT_T0);
		if (cols == KERN_PANEL)
#pragma GCC unroll 8
			for (size_t i = 0; i < KERN_PANEL; i += W)
				v_store(to + i / (NV * W) * inputs * NV * W + k * NV * W + i % (NV * W),
				        v_load_act(w + i));
		else
			for (size_t i = 0; i < cols; i += NV * W)
				from_act(to + i * inputs + k * NV * W, w + i,
				         cols - i < NV * W ? cols - i : NV * W);
	}
	for (size_t i = 0; n % 2 && i < KERN_PANEL; i += NV * W)
		memset(to + i * inputs + n * NV * W, 0, NV * W * sizeof *to);
}
#endif

/* A partial panel: goes through a buffer, so that nothing beyond column N is touched. */
static void edge(tile_fn *f, const struct block *x, float *c, const a_value *a, const bf16 *b,
                 size_t r, size_t cols)
{
	_Alignas(64) float full[ROWS * KERN_PANEL] = {0};
	struct block y = *x;

	y.ldc = KERN_PANEL;
	for (size_t i = 0; x->load && i < r; i++)
		memcpy(full + i * KERN_PANEL, c + i * x->ldc, cols * sizeof *c);
	f(&y, full, a, b, (struct ahead){(const char *)b, 0, full});
	for (size_t i = 0; i < r; i++)
		memcpy(c + i * x->ldc, full + i * KERN_PANEL, cols * sizeof *c);
}

/* A thread's current block of C's rows and of inputs, and what it holds of A and W. */
struct work {
	const struct product *j;
	struct block x;
	size_t block, m0, m, n_tiles, k, inputs;
	a_value *a;
	w_value *w;                  /* block of W, from by_k form or unpacked */
	float *own;                  /* [rows of A][64]: a panel of C, if C is nowhere else */
	int last;                    /* no inputs come after these */
};

/* Rows [r0, r1) of the block are final in a panel. */
static void finish(const struct work *g, size_t r0, size_t r1, size_t n0, size_t cols)
{
	struct product own;

	if (g->j->c) {
		g->j->then(g->j, g->m0 + r0, r1 - r0, n0, cols);
		return;
	}
	own = *g->j;
	own.ldc = KERN_PANEL;
	own.c = (float *)((uintptr_t)g->own - (g->m0 * KERN_PANEL + n0) * sizeof *own.c);
	own.then(&own, g->m0 + r0, r1 - r0, n0, cols);
}

/* Tiles [t0, t1) of panel p; next: offset in packed W of the thread's next panel. */
static void panel(struct work *g, size_t p, size_t t0, size_t t1, size_t next)
{
	const struct product *j = g->j;
	size_t n0 = p * KERN_PANEL, cols = j->n - n0 < KERN_PANEL ? j->n - n0 : KERN_PANEL,
	       len = 2 * g->x.pairs * KERN_PANEL;
	const bf16 *b =
		j->by_k ? (const bf16 *)g->w : j->w + n0 * ((j->k + 1) / 2 * 2) + g->k * KERN_PANEL;
	float *c0 = j->c ? j->c + g->m0 * g->x.ldc + n0 : g->own;
	int source = BY_K;

	if (j->by_k)
		load_by_k(g->w, j->w + g->k * j->ldw + n0, j->ldw, cols, g->inputs);
#ifndef BF16_DOT
	g->x.wide = j->by_k || t1 - t0 >= ENOUGH ? g->w : NULL;
#endif
	for (size_t i = t0; i < t1; i++) {
		size_t r0 = rows_to(g->m, i, g->n_tiles), r = rows_to(g->m, i + 1, g->n_tiles) - r0, passes;
		const a_value *a = g->a + i * ROWS * A_STRIDE;
		float *c = c0 + r0 * g->x.ldc;
		struct ahead ahead = {.c = c + r * g->x.ldc};

		if (!j->by_k)
			source = !g->x.wide ? PACKED : i > t0 ? UNPACKED : UNPACK;
		passes = KERN_PANEL / W / (source == PACKED ? WIDTH(r) : NV);
		ahead.b =
			j->by_k ? (const char *)b : (const char *)(j->w + next + len * (i - t0) / (t1 - t0));
		ahead.pace = j->by_k ? 0 : PAIR_BYTES / (t1 - t0) / passes;
		if (i + 1 == t1)
			ahead.c = c0 + rows_to(g->m, t0, g->n_tiles) * g->x.ldc +
			          (j->c && cols == KERN_PANEL ? KERN_PANEL : 0);
		if (cols == KERN_PANEL)
			tiles[source][r](&g->x, c, a, b, ahead);
		else
			edge(tiles[source][r], &g->x, c, a, b, r, cols);
	}
	if (j->then && g->last && t1 > t0)
		finish(g, rows_to(g->m, t0, g->n_tiles), rows_to(g->m, t1, g->n_tiles), n0, cols);
}

/* Loads the part of A that a block of inputs needs, unless it is held already. */
static void hold(struct work *g, size_t b, size_t k, size_t end)
{
	const struct product *j = g->j;

	if (g->block != b || g->k != k) {
		g->block = b;
		g->k = k;
		g->m0 = rows_to(j->m, b, j->blocks);
		g->m = rows_to(j->m, b + 1, j->blocks) - g->m0;
		g->n_tiles = (g->m + ROWS - 1) / ROWS;
		g->inputs = end - k;
		(j->by_k ? fill_by_k : fill)(g->a,
		                             j->a + (j->by_k ? g->m0 + k * j->lda : g->m0 * j->lda + k),
		                             j->lda, g->m, g->n_tiles, g->inputs);
	}
	g->x.pairs = (end - k + 1) / 2;
	g->x.load = j->add || k;
	g->last = end == j->k;
}

/* Units [u0, u1) of block b, which are parts of panels, panel by panel. */
static void units(struct work *g, size_t b, size_t u0, size_t u1)
{
	const struct product *j = g->j;
	size_t k_blocks = j->k ? (j->k + KC - 1) / KC : 1, stride = (j->k + 1) / 2 * 2 * KERN_PANEL;

	for (size_t i = 0; i < k_blocks; i++) {
		size_t k = j->k * i / k_blocks / 2 * 2,
		       end = i + 1 < k_blocks ? j->k * (i + 1) / k_blocks / 2 * 2 : j->k;

		hold(g, b, k, end);
		for (size_t u = u0, n; u < u1; u += n) {
			size_t p = u / j->parts, q = u % j->parts, end_q = u1 - p * j->parts;
			/* offset of the next panel in packed W */
			size_t next = p * stride + k * KERN_PANEL;

			n = (end_q < j->parts ? end_q : j->parts) - q;
			if (u + n < u1)
				next += stride;
			else if (i + 1 < k_blocks)
				next = u0 / j->parts * stride + end * KERN_PANEL;
			panel(g, p, g->n_tiles * q / j->parts, g->n_tiles * (q + n) / j->parts, next);
		}
	}
}

static void product(const struct product *j, struct share *s, size_t thread)
{
	_Alignas(64) a_value a[TILES * ROWS * A_STRIDE];
	/* if K is odd, the last block may have KC + 1 inputs, in pairs */
	_Alignas(64) w_value w[(KC + 2) * KERN_PANEL];
	_Alignas(64) float own[TILES * ROWS * KERN_PANEL];
	struct work g = {
		.j = j, .block = SIZE_MAX, .a = a, .w = w, .own = own,
		.x = {.ldc = j->c ? j->ldc : KERN_PANEL, .step_i = j->by_k ? 1 : A_STRIDE,
		      .step_k = j->by_k ? ROWS : 1},
	};
	size_t each = (j->n + KERN_PANEL - 1) / KERN_PANEL * j->parts, first, end;

	while (share_take(s, thread, &first, &end))
		for (size_t u = first, b, to; u < end; u = to) {
			b = u / each;
			to = (b + 1) * each < end ? (b + 1) * each : end;
			units(&g, b, u - b * each, to - b * each);
		}
}
