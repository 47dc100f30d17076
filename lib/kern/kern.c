/* SPDX-License-Identifier: MIT */
/* Selects the table in use; packing and threaded GEMM on top of it. */
#include "kern/kern.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/levels.h"

const struct kern *kern;
static int n_threads = 1;

/* ---- levels ---- */

static const char *const names[LEVELS] = {
	"ref", "avx2", "avx512", "avx512bf16", "amx", "avx512-model", "avx512bf16-model",
	"amx-model",
};

#ifdef KERN_X86
/* only tests link them (Makefile) */
#pragma weak kern_avx512_model
#pragma weak kern_avx512bf16_model
#pragma weak kern_amx_model
#endif

static const struct kern *const tables[LEVELS] = {
	[LEVEL_REF] = &kern_ref,
#ifdef KERN_X86
	[LEVEL_AVX2] = &kern_avx2, [LEVEL_AVX512] = &kern_avx512,
	[LEVEL_AVX512BF16] = &kern_avx512bf16, [LEVEL_AMX] = &kern_amx,
	[LEVEL_AVX512_MODEL] = &kern_avx512_model, [LEVEL_AVX512BF16_MODEL] = &kern_avx512bf16_model,
	[LEVEL_AMX_MODEL] = &kern_amx_model,
#endif
};

static const struct cpu *this_cpu(void)
{
	static struct cpu cpu;

	if (!cpu.has)
		cpu = cpu_found();
	return &cpu;
}

static int level_by_name(const char *isa)
{
	for (int i = 0; i < LEVELS; i++)
		if (!strcmp(isa, names[i]))
			return i;
	return -1;
}

const struct kern *kern_level(const char *isa)
{
	int i = level_by_name(isa);

	return i < 0 || !(this_cpu()->has & 1u << i) ? NULL : tables[i];
}

/* In the affinity mask. */
static int cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN)
	                                              : CPU_COUNT(&set);
}

int kern_init(int threads, struct err *e)
{
	const char *want = getenv("SCORE_ISA");

	if (want && *want) {
		if (level_by_name(want) < 0)
			return err_set(e, "SCORE_ISA=%s: expected ref, avx2, avx512, avx512bf16 or amx", want);
		if (!kern_level(want))
			return err_set(e, "SCORE_ISA=%s: not available on this machine (best: %s)", want,
			               names[cpu_choice(this_cpu())]);
		kern = kern_level(want);
	} else {
		kern = tables[cpu_choice(this_cpu())];
	}
	n_threads = threads > 0 ? threads : cores();
	return 0;
}

int kern_threads(void)
{
	return n_threads;
}

/* ---- packing ---- */

static size_t panels_of(size_t n)
{
	return (n + KERN_PANEL - 1) / KERN_PANEL;
}

struct pair { act v[2]; };

/* A panel's `width` outputs from p on: outputs n0 .. n0 + width - 1 of W (or of W^T). */
static void pack_panel(struct pair *restrict p, const act *restrict w, size_t n0, size_t n,
                       size_t k, size_t ldw, int transposed, size_t width)
{
	size_t cols = n - n0 < width ? n - n0 : width, pairs = k / 2;

	for (size_t i = cols < width ? 0 : pairs; i < (k + 1) / 2; i++)
		memset(p + i * KERN_PANEL, 0, width * sizeof *p);
	if (transposed) {
		for (size_t i = 0; i < pairs; i++) {
			const act *even = w + 2 * i * ldw + n0, *odd = even + ldw;

			if (cols == KERN_PANEL)      /* constant count: vectorised */
				for (size_t j = 0; j < KERN_PANEL; j++)
					p[i * KERN_PANEL + j] = (struct pair){{even[j], odd[j]}};
			else
				for (size_t j = 0; j < cols; j++)
					p[i * KERN_PANEL + j] = (struct pair){{even[j], odd[j]}};
		}
		for (size_t j = 0; k % 2 && j < cols; j++)
			p[pairs * KERN_PANEL + j].v[0] = w[(k - 1) * ldw + n0 + j];
		return;
	}
	for (size_t i0 = 0; i0 < pairs; i0 += 32)        /* keep a block of the source in cache */
		for (size_t j = 0; j < cols; j++) {
			const act *row = w + (n0 + j) * ldw;
			size_t end = i0 + 32 < pairs ? i0 + 32 : pairs;

			for (size_t i = i0; i < end; i++)
				memcpy(&p[i * KERN_PANEL + j], row + 2 * i, sizeof *p);
		}
	for (size_t j = 0; k % 2 && j < cols; j++)
		p[pairs * KERN_PANEL + j].v[0] = w[(n0 + j) * ldw + k - 1];
}

struct packing {
	struct pair *p;
	const act *w;
	const struct packed *from;
	size_t n0, n, k, ldw;
	int transposed, halves;
};

static void pack_panels(void *ctx, size_t first, size_t end)
{
	const struct packing *j = ctx;

	for (size_t i = first; i < end; i++)
		pack_panel(j->p + i * ((j->k + 1) / 2 * KERN_PANEL), j->w, i * KERN_PANEL, j->n, j->k,
		           j->ldw, j->transposed, KERN_PANEL);
}

static void pack_halves(void *ctx, size_t first, size_t end)
{
	const struct packing *j = ctx;

	for (size_t i = first; i < end; i++)
		pack_panel(j->p + i * ((j->k + 1) / 2 * KERN_PANEL), j->w, i * KERN_HALF, j->n, j->k,
		           j->k, 0, KERN_HALF);
}

void pack_half(act *p, const act *w, size_t n, size_t k, int second)
{
	struct packing j = {.p = (struct pair *)p + second * KERN_HALF, .w = w, .n = n, .k = k};

	kern_rows(pack_halves, &j, (n + KERN_HALF - 1) / KERN_HALF, k * KERN_HALF);
}

void pack_into(act *p, const act *w, size_t n, size_t k, size_t ldw, int transposed)
{
	struct packing j = {
		.p = (struct pair *)p, .w = w, .n = n, .k = k, .ldw = ldw, .transposed = transposed};

	kern_rows(pack_panels, &j, panels_of(n), k * KERN_PANEL);
}

void pack(struct packed *out, const act *w, size_t n, size_t k, size_t ldw, int transposed)
{
	if (!out->p || out->n != n || out->k != k) {
		free(out->p);
		out->p = xaligned(panels_of(n) * ((k + 1) / 2) * 2 * KERN_PANEL * sizeof *out->p);
		out->n = n;
		out->k = k;
	}
	pack_into(out->p, w, n, k, ldw, transposed);
}

/* Panel `to` of W^T: inputs 64 to .. 64 to + 63 of W's outputs [64 panel0, 64 panel0 + n). A block
 * of 64 x 64 values is 32 x 64 contiguous pairs on both sides; 2 x 2 values at a time move from
 * (row, column) to (column, row). With halves, a panel's second half goes half of the rows on. */
static void transpose_panel(struct pair *restrict out, const struct packed *w, size_t panel0,
                            size_t n, size_t to, int halves)
{
	size_t pairs = (w->k + 1) / 2, first = to * (KERN_PANEL / 2), have = pairs - first,
	       n_pairs = (n + 1) / 2;
	const struct pair *in = (const struct pair *)w->p + (panel0 * pairs + first) * KERN_PANEL;

	if (have < KERN_PANEL / 2)
		memset(out, 0, n_pairs * KERN_PANEL * sizeof *out);
	else
		have = KERN_PANEL / 2;
	for (size_t j0 = 0; j0 < n_pairs; j0 += KERN_PANEL / 2, in += pairs * KERN_PANEL) {
		size_t cols = n_pairs - j0 < KERN_PANEL / 2 ? n_pairs - j0 : KERN_PANEL / 2;

		for (size_t j = 0; j < cols; j++) {
			size_t row = !halves ? j0 + j : j0 / 2 + j % (KERN_HALF / 2) +
			             j / (KERN_HALF / 2) * n_pairs / 2;
			struct pair *to_row = out + row * KERN_PANEL;

			for (size_t i = 0; i < have; i++) {
				struct pair a = in[i * KERN_PANEL + 2 * j], b = in[i * KERN_PANEL + 2 * j + 1];

				to_row[2 * i] = (struct pair){{a.v[0], b.v[0]}};
				to_row[2 * i + 1] = (struct pair){{a.v[1], b.v[1]}};
			}
		}
	}
}

static void transpose_panels(void *ctx, size_t first, size_t end)
{
	const struct packing *j = ctx;

	for (size_t i = first; i < end; i++)
		transpose_panel(j->p + i * ((j->n + 1) / 2 * KERN_PANEL), j->from, j->n0 / KERN_PANEL, j->n,
		                i, j->halves);
}

void pack_transposed(act *p, const struct packed *w, size_t n0, size_t n, int halves)
{
	struct packing j = {.p = (struct pair *)p, .from = w, .n0 = n0, .n = n, .halves = halves};

	kern_rows(transpose_panels, &j, panels_of(w->k), n * KERN_PANEL);
}

void pack_free(struct packed *p)
{
	free(p->p);
	*p = (struct packed){0};
}

/* ---- gemm ---- */

enum {
	/* with less work than this, threads cost more than they gain */
	SMALL_GEMM = 1 << 19,
	/* minimum per thread if there are enough rows: threads may idle for the time of one unit */
	UNITS = 16
};

static void product_cut(struct product *j, size_t block, size_t tile, size_t threads)
{
	size_t panels = panels_of(j->n), blocks = (j->m + block - 1) / block, even = blocks, tiles;

	/* a block shared by two threads is prepared twice, which matters if there are few panels */
	if (blocks > 1 && panels < UNITS * threads / 2)
		even = (blocks + threads - 1) / threads * threads;
	j->blocks = j->m / even < block / 2 ? blocks : even;
	tiles = (j->m / j->blocks + tile - 1) / tile;
	j->parts = 1 + UNITS * threads / (j->blocks * panels);
	if (j->parts > tiles)
		j->parts = tiles;
}

static void product_part(void *ctx, struct share *s, size_t thread)
{
	kern->product(ctx, s, thread);
}

static void multiply(struct product *j)
{
	if (!j->m || !j->n)
		return;
	if (n_threads == 1 || (j->m + 4) * j->n * j->k < SMALL_GEMM) {
		product_alone(kern, j);
		return;
	}
	product_cut(j, kern->block, kern->tile, (size_t)n_threads);
	kern_share(product_part, j, j->blocks * panels_of(j->n) * j->parts);
}

void product_alone(const struct kern *level, struct product *j)
{
	struct share s;

	product_cut(j, level->block, level->tile, 0);
	share_alone(&s, j->blocks * panels_of(j->n));
	level->product(j, &s, 0);
}

/* C = A W', W packed. */
static struct product by_packed(float *c, size_t ldc, const act *a, size_t lda,
                                const struct packed *w, size_t m)
{
	return (struct product){.c = c,
	                        .a = a,
	                        .w = w->p,
	                        .m = m,
	                        .n = w->n,
	                        .k = w->k,
	                        .ldc = ldc,
	                        .lda = lda};
}

void gemm(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	struct product j = by_packed(c, ldc, a, lda, w, m);

	j.add = add;
	multiply(&j);
}

void gemm_then(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m,
               void (*then)(const struct product *j, size_t m0, size_t m, size_t n0, size_t n),
               void *ctx)
{
	struct product j = by_packed(c, ldc, a, lda, w, m);

	j.then = then;
	j.ctx = ctx;
	multiply(&j);
}

void gemm_dw(float *dw, size_t lddw, const act *dy, size_t lddy, const act *x, size_t ldx, size_t t,
             size_t n, size_t k)
{
	struct product j = {.c = dw,
	                    .a = dy,
	                    .w = x,
	                    .m = n,
	                    .n = k,
	                    .k = t,
	                    .ldc = lddw,
	                    .lda = lddy,
	                    .ldw = ldx,
	                    .add = 1,
	                    .by_k = 1};

	multiply(&j);
}
