/* SPDX-License-Identifier: MIT */
/*
 * product in tiles (amx_mul.h). Steps of 32 inputs begin at absolute multiples of 32, and the last
 * is filled up with zeros; so a row's bits depend neither on the rows beside it nor on where C is
 * put down between blocks of inputs.
 *
 * A thread holds rows of A as tiles, or reads them in place, and walks over panels: block of inputs
 * > panel > half panel > rows. The half panel's inputs stay in L1 while rows go by. Packed W is
 * read where it lies: a row of a tile is 64 bytes, the next one 256 bytes on.
 */
enum {
	BLOCK = 256,                 /* rows of A held, at most */
	KC = 1536,                   /* inputs of a block, at most */
	STAY = 9,                    /* steps of a half panel that stay in L1 while rows go by */
	FEW_SQUARES = 2,             /* with so few the panel comes from memory: in one go, */
	SOON = 2,                    /* fetched this many steps ahead */
	PANEL_STEP = KERN_PANEL * STEP,      /* values of a panel's step */
	STEP_BYTES = PANEL_STEP * sizeof(act)
};

/* A thread's block of C's rows and of inputs, and what it holds of A and W. */
struct work {
	const struct product *j;
	size_t block, m0, m, squares, k, inputs, steps;
	int direct;                  /* whole squares of A are read in place: if no line is split */
	act *a;                      /* [2 squares][steps][16][32] */
	act *w;                      /* a panel's block, copied: [steps][4][16][16][2] */
};

/* A panel's block of W given by input. */
static void load_by_k(act *to, const act *w, size_t ldw, size_t cols, size_t n)
{
	for (size_t k = 0; k < n; k += STEP, to += PANEL_STEP, w += STEP * ldw) {
		fill_pairs(to, TILE, w, ldw, cols, n - k);
		fill_pairs(to + 2 * TILE, TILE, w + (cols > SQUARE ? SQUARE : 0), ldw,
		           cols > SQUARE ? cols - SQUARE : 0, n - k);
	}
}

/* A panel's block of packed W. If n is odd, the last pair has its zero. */
static void load_packed(act *to, const act *w, size_t n)
{
	for (size_t k = 0; k < n; k += STEP, to += PANEL_STEP)
		for (size_t p = 0; p < EDGE; p++, w += 2 * KERN_PANEL) {
			int some = k + 2 * p < n;

			for (size_t t = 0; t < 4; t++)
				copy32(to + t * TILE + p * 2 * EDGE, some ? w + t * 2 * EDGE : to,
				       some ? STEP : 0);
		}
}

/* W's tiles for panel p: where they lie, or a copy. */
static void weights(struct work *g, struct job *x, size_t p)
{
	const struct product *j = g->j;
	size_t n0 = p * KERN_PANEL, cols = j->n - n0 < KERN_PANEL ? j->n - n0 : KERN_PANEL;
	const act *packed = j->w + n0 * ((j->k + 1) / 2 * 2) + g->k * KERN_PANEL;

	x->w_step = STEP_BYTES;
	x->w_row = KERN_PANEL * 2 * sizeof(act);
	x->w_tile = EDGE * 2 * sizeof(act);
	x->w = (const char *)packed;
	if (!j->by_k && g->inputs % STEP == 0)
		return;
	if (j->by_k)
		load_by_k(g->w, j->w + g->k * j->ldw + n0, j->ldw, cols, g->inputs);
	else
		load_packed(g->w, packed, g->inputs);
	x->w = (const char *)g->w;
	x->w_row = STEP * sizeof(act);
	x->w_tile = TILE * sizeof(act);
}

/* A's tiles of square t from step s on. */
static void rows_at(const struct work *g, struct job *x, size_t t, size_t s)
{
	const struct product *j = g->j;

	if (g->direct && (t + 1) * SQUARE <= g->m) {
		x->a = (const char *)(j->a + (g->m0 + t * SQUARE) * j->lda + g->k + s * STEP);
		x->a_row = j->lda * sizeof(act);
		x->a_next = EDGE * x->a_row;
		x->a_step = STEP * sizeof(act);
	} else {
		x->a = (const char *)(g->a + (2 * t * g->steps + s) * TILE);
		x->a_row = STEP * sizeof(act);
		x->a_next = g->steps * TILE * sizeof(act);
		x->a_step = TILE * sizeof(act);
	}
}

/* Rows or columns are missing: through a buffer. */
static void edge(const struct job *x, int one, float *c, size_t ldc, size_t rows, size_t cols)
{
	_Alignas(64) float full[SQUARE * KERN_PANEL] = {0};

	if (x->load)
		for (size_t i = 0; i < rows; i++)
			memcpy(full + i * KERN_PANEL, c + i * ldc, cols * sizeof *c);
	(one ? strip : square)(x, full, KERN_PANEL);
	for (size_t i = 0; i < rows; i++)
		memcpy(c + i * ldc, full + i * KERN_PANEL, cols * sizeof *c);
}

/* Rows of a square, or of one tile, times half a panel's outputs; one tile takes the whole panel
 * with its first half. c: the panel's outputs. */
static void cell(const struct job *x, float *c, size_t ldc, size_t rows, size_t half, size_t cols)
{
	size_t left = cols > half * SQUARE ? cols - half * SQUARE : 0;

	if (rows <= EDGE) {
		if (half)
			return;
		if (rows == EDGE && cols == KERN_PANEL)
			strip(x, c, ldc);
		else
			edge(x, 1, c, ldc, rows, cols);
	} else if (rows == SQUARE && left >= SQUARE) {
		square(x, c + half * SQUARE, ldc);
	} else if (left) {
		edge(x, 0, c + half * SQUARE, ldc, rows, left < SQUARE ? left : SQUARE);
	}
}

/* Squares [t0, t1) of panel p. */
static void panel(struct work *g, size_t p, size_t t0, size_t t1)
{
	const struct product *j = g->j;
	size_t n = t1 - t0, n0 = p * KERN_PANEL;
	size_t cols = j->n - n0 < KERN_PANEL ? j->n - n0 : KERN_PANEL;
	size_t stay = n > FEW_SQUARES ? STAY : g->steps;
	float *c0 = j->c + g->m0 * j->ldc + n0;
	struct job x = {.load = j->add || g->k};
	const char *w, *next;

	weights(g, &x, p);
	w = x.w;
	next = w + g->steps * STEP_BYTES;    /* packed: the next panel, an equal share a step */
	for (size_t s = 0; !s || s < g->steps; s += x.steps ? x.steps : 1, x.load = 1) {
		x.steps = g->steps - s < stay ? g->steps - s : stay;
		for (size_t i = 0; i < 2 * n; i++) {
			size_t half = i / n, t = t0 + i % n, r0 = t * SQUARE;

			x.w = w + s * STEP_BYTES + 2 * half * x.w_tile;
			if (w == (const char *)g->w) {
				x.lines = 0;
			} else if (n <= FEW_SQUARES) {
				x.lines = i ? 0 : STEP_BYTES / 64;
				x.next = x.w + SOON * STEP_BYTES;
			} else {
				x.lines = STEP_BYTES / 64 / (2 * n) / 2 * 2;
				x.next = next;
				next += x.steps * x.lines * 64;
			}
			x.next_c = t + 1 < t1 ? c0 + (r0 + SQUARE) * j->ldc + half * SQUARE
			                      : c0 + t0 * SQUARE * j->ldc + !half * SQUARE;
			rows_at(g, &x, t, s);
			cell(&x, c0 + r0 * j->ldc, j->ldc, g->m - r0 < SQUARE ? g->m - r0 : SQUARE, half, cols);
		}
	}
}

/* Where part i of n of m rows begins, in whole squares. */
static size_t rows_to(size_t m, size_t i, size_t n)
{
	size_t at = (m + SQUARE - 1) / SQUARE * i / n * SQUARE;

	return at < m ? at : m;
}

/* Loads the part of A that a block of inputs needs, unless it is held already. */
static void hold(struct work *g, size_t b, size_t k, size_t end)
{
	const struct product *j = g->j;

	if (g->block == b && g->k == k)
		return;
	g->block = b;
	g->k = k;
	g->m0 = rows_to(j->m, b, j->blocks);
	g->m = rows_to(j->m, b + 1, j->blocks) - g->m0;
	g->squares = (g->m + SQUARE - 1) / SQUARE;
	g->inputs = end - k;
	g->steps = (g->inputs + STEP - 1) / STEP;
	g->direct = !j->by_k && g->inputs % STEP == 0 && j->lda % STEP == 0 &&
	            (uintptr_t)j->a % 64 == 0;
	if (j->by_k)
		for (size_t s = 0; s < g->steps; s++)
			fill_columns(g->a + s * TILE, g->steps * TILE,
			             j->a + g->m0 + (k + s * STEP) * j->lda, j->lda, g->m,
			             g->inputs - s * STEP);
	else
		for (size_t i = g->direct ? g->m / SQUARE * SQUARE : 0; i < g->m; i += EDGE)
			fill_rows(g->a + i / EDGE * g->steps * TILE, j->a + (g->m0 + i) * j->lda + k, j->lda,
			          g->m - i, g->inputs);
}

/* Rows [r0, r1) of the block, as far as it has them, are final in panel p. */
static void done_with(const struct work *g, size_t p, size_t r0, size_t r1)
{
	const struct product *j = g->j;
	size_t n0 = p * KERN_PANEL, cols = j->n - n0 < KERN_PANEL ? j->n - n0 : KERN_PANEL;

	j->then(j, g->m0 + r0, (r1 < g->m ? r1 : g->m) - r0, n0, cols);
}

/* Units [u0, u1) of block b, which are parts of panels, panel by panel. */
static void units(struct work *g, size_t b, size_t u0, size_t u1)
{
	const struct product *j = g->j;
	size_t k_blocks = j->k ? (j->k + KC - 1) / KC : 1, steps = (j->k + STEP - 1) / STEP;

	for (size_t i = 0; i < k_blocks; i++) {
		size_t k = steps * i / k_blocks * STEP,
		       end = i + 1 < k_blocks ? steps * (i + 1) / k_blocks * STEP : j->k;

		hold(g, b, k, end);
		for (size_t u = u0, n; u < u1; u += n) {
			size_t p = u / j->parts, q = u % j->parts, end_q = u1 - p * j->parts, t0, t1;

			n = (end_q < j->parts ? end_q : j->parts) - q;
			t0 = g->squares * q / j->parts;
			t1 = g->squares * (q + n) / j->parts;
			if (t0 < t1)
				panel(g, p, t0, t1);
			if (t0 < t1 && j->then && i + 1 == k_blocks)
				done_with(g, p, t0 * SQUARE, t1 * SQUARE);
		}
	}
}

static void product(const struct product *j, struct share *s, size_t thread)
{
	_Alignas(64) act a[BLOCK * KC];
	_Alignas(64) act w[KC * KERN_PANEL];
	struct work g = {.j = j, .block = SIZE_MAX, .a = a, .w = w};
	size_t each = (j->n + KERN_PANEL - 1) / KERN_PANEL * j->parts, first, end;

	tiles_begin();
	while (share_take(s, thread, &first, &end))
		for (size_t u = first, b, to; u < end; u = to) {
			b = u / each;
			to = (b + 1) * each < end ? (b + 1) * each : end;
			units(&g, b, u - b * each, to - b * each);
		}
	tiles_end();
}
