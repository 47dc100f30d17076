/* SPDX-License-Identifier: MIT */
/*
 * What amx_gemm.h and amx_attn.h multiply with: sums of 32 rows x 32 outputs, or of 16 x 64, over
 * steps of 32 inputs. An output is fed by whole steps only, and its bits depend on nothing but its
 * row, its column and these steps: not on which of the two shapes it is in.
 *
 * A tile of A is 16 rows x 32 inputs; one of W 16 pairs of inputs x 16 outputs.
 */
enum {
	EDGE = 16,                   /* rows, outputs of a tile */
	STEP = 32,                   /* inputs of a tile */
	TILE = EDGE * STEP,          /* values */
	SQUARE = 2 * EDGE,           /* rows, outputs whose sums are held at once */
	FAR = 16                     /* with more lines to fetch a step, W comes from memory */
};

/*
 * Where the tiles lie, in bytes: rows of A a_row apart, its second 16 rows a_next on, the next
 * step's a_step on. W's rows w_row apart, the next 16 outputs w_tile on, the next step's w_step on.
 * Meanwhile `lines` cache lines a step are fetched from `next` on. Passed by pointer and read value
 * by value: a copy of the whole would wait for the stores before it, C's tiles among them.
 */
struct job {
	const char *a, *w, *next;
	const float *next_c;         /* the sums that are to follow, or NULL */
	size_t a_row, a_next, a_step, w_row, w_tile, w_step, steps, lines;
	int load;                    /* start from c, not 0 */
};

static inline void fetch(const char **next, size_t lines)
{
	for (size_t i = 0; i < lines; i += 2) {
		_mm_prefetch(*next + i * 64, _MM_HINT_T1);
		_mm_prefetch(*next + i * 64 + 64, _MM_HINT_T1);
	}
	*next += lines * 64;
}

/* The four sums lie at c, c1, c2, c3. */
static inline void sums_load(int load, const float *c, const float *c1, const float *c2,
                             const float *c3, size_t row)
{
	if (load) {
		tile_load(0, c, row);
		tile_load(1, c1, row);
		tile_load(2, c2, row);
		tile_load(3, c3, row);
	} else {
		tile_zero(0);
		tile_zero(1);
		tile_zero(2);
		tile_zero(3);
	}
}

static inline void sums_store(float *c, float *c1, float *c2, float *c3, size_t row)
{
	tile_store(0, c, row);
	tile_store(1, c1, row);
	tile_store(2, c2, row);
	tile_store(3, c3, row);
}

/* 32 rows x 32 outputs: each tile of A and of W is used twice. */
__attribute__((always_inline))
static inline void square_of(const struct job *x, float *c, size_t ldc, const int streamed)
{
	size_t row = ldc * sizeof *c, a_row = x->a_row, w_row = x->w_row, lines = x->lines;
	size_t a_step = x->a_step, w_step = x->w_step;
	const char *a = x->a, *a2 = a + x->a_next, *w = x->w, *w2 = w + x->w_tile, *next = x->next;
	const char *next_c = (const char *)x->next_c;
	size_t rows = next_c && x->steps ? (SQUARE + x->steps - 1) / x->steps : 0;

	sums_load(x->load, c, c + EDGE, c + EDGE * ldc, c + EDGE * ldc + EDGE, row);
	for (size_t s = x->steps; s; s--) {
		tile_load(6, w, w_row);
		if (streamed)
			tile_stream(4, a, a_row);
		else
			tile_load(4, a, a_row);
		tile_dot(0, 4, 6);
		tile_load(7, w2, w_row);
		tile_dot(1, 4, 7);
		if (streamed)
			tile_stream(5, a2, a_row);
		else
			tile_load(5, a2, a_row);
		tile_dot(2, 5, 6);
		tile_dot(3, 5, 7);
		fetch(&next, lines);
		for (size_t i = 0; i < rows; i++, next_c += row) {
			_mm_prefetch(next_c, _MM_HINT_T0);
			_mm_prefetch(next_c + 64, _MM_HINT_T0);
		}
		a += a_step, a2 += a_step, w += w_step, w2 += w_step;
	}
	sums_store(c, c + EDGE, c + EDGE * ldc, c + EDGE * ldc + EDGE, row);
}

static void square(const struct job *x, float *c, size_t ldc)
{
	if (x->lines > FAR)
		square_of(x, c, ldc, 0);
	else
		square_of(x, c, ldc, 1);
}

/* 16 rows x 64 outputs. */
static void strip(const struct job *x, float *c, size_t ldc)
{
	size_t row = ldc * sizeof *c, a_row = x->a_row, w_row = x->w_row, tile = x->w_tile;
	size_t lines = x->lines, a_step = x->a_step, w_step = x->w_step;
	const char *a = x->a, *w = x->w, *next = x->next;

	sums_load(x->load, c, c + EDGE, c + 2 * EDGE, c + 3 * EDGE, row);
	for (size_t s = x->steps; s; s--, a += a_step, w += w_step) {
		tile_load(4, a, a_row);
		tile_load(5, w, w_row);
		tile_dot(0, 4, 5);
		tile_load(6, w + tile, w_row);
		tile_dot(1, 4, 6);
		tile_load(7, w + 2 * tile, w_row);
		tile_dot(2, 4, 7);
		tile_load(5, w + 3 * tile, w_row);
		tile_dot(3, 4, 5);
		fetch(&next, lines);
	}
	sums_store(c, c + EDGE, c + 2 * EDGE, c + 3 * EDGE, row);
}

/* Tiles of A, one a step, from `rows` <= 16 rows of n inputs: row i at a + i * lda. */
static void fill_rows(act *to, const act *a, size_t lda, size_t rows, size_t n)
{
	for (size_t k = 0; k < n; k += STEP)
		for (size_t i = 0; i < EDGE; i++, to += STEP)
			copy32(to, i < rows ? a + i * lda + k : a, i < rows ? n - k : 0);
}

/* One step of A's tiles from rows given by input, a[k * lda + row], n inputs: 16 rows a tile, the
 * next tile `next` values on. */
static void fill_columns(act *to, size_t next, const act *a, size_t lda, size_t rows, size_t n)
{
	_Alignas(64) act pair[2][EDGE][2 * EDGE];
	const act *row[2][EDGE];

	for (size_t i = 0; i < EDGE; i++)
		row[0][i] = pair[0][i], row[1][i] = pair[1][i];
	for (size_t i = 0; i < rows; i += SQUARE) {
		for (size_t k = 0; k < STEP; k += 2) {
			uintptr_t even = (uintptr_t)(a + i) + k * lda * sizeof *a;

			_mm_prefetch((const char *)(even + STEP * lda * sizeof *a), _MM_HINT_T0);
			_mm_prefetch((const char *)(even + (STEP + 1) * lda * sizeof *a), _MM_HINT_T0);
			pairs32(pair[0][k / 2], pair[1][k / 2], (const act *)even,
			        (const act *)(even + lda * sizeof *a), rows - i, k < n ? n - k : 0);
		}
		for (size_t t = 0; t < 2 && i + t * EDGE < rows; t++, to += next) {
			vf x[W];

			v_load_transposed(x, row[t], 0);
#pragma GCC unroll 16
			for (size_t c = 0; c < W; c++)
				v_store((float *)(to + c * STEP), x[c]);
		}
	}
}

/* One step of two tiles of W, `next` values apart, from rows given by input: w[k * ldw + output],
 * n inputs of cols outputs. */
static void fill_pairs(act *to, size_t next, const act *w, size_t ldw, size_t cols, size_t n)
{
	for (size_t k = 0; k < STEP; k += 2, to += 2 * EDGE) {
		uintptr_t even = (uintptr_t)w + k * ldw * sizeof *w;

		_mm_prefetch((const char *)(even + STEP * ldw * sizeof *w), _MM_HINT_T0);
		_mm_prefetch((const char *)(even + (STEP + 1) * ldw * sizeof *w), _MM_HINT_T0);
		pairs32(to, to + next, (const act *)even, (const act *)(even + ldw * sizeof *w), cols,
		        k < n ? n - k : 0);
	}
}
