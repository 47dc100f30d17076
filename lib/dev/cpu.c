/* SPDX-License-Identifier: MIT */
/* The CPU as a device: its table, memory, matrices, passes and the optimiser, over kern. */
#include "dev/inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory: the host's ---- */

/* Allocations of at least this many bytes get a mapping of their own, so that freeing one returns
 * its pages to the system and memory limits hold. */
enum { MAPPED = 1 << 18 };

static struct mem host_alloc(size_t bytes)
{
	return (struct mem){bytes < MAPPED ? xaligned(bytes) : pages_new(bytes), bytes};
}

static void host_release(struct mem *m)
{
	if (m->bytes < MAPPED)
		free(m->p);
	else
		pages_free(m->p, m->bytes);
}

static void *host_map(struct mem m, size_t bytes)
{
	(void)bytes;
	return m.p;
}

static void host_unmap(struct mem m, void *p, size_t bytes, int wrote)
{
	(void)m, (void)p, (void)bytes, (void)wrote;
}

static struct mem host_borrow(const void *host, size_t bytes)
{
	return (struct mem){(char *)(uintptr_t)host, bytes};
}

static void host_give_back(struct mem *m)
{
	(void)m;
}

static void host_upload(struct mem to, const void *host, size_t bytes)
{
	memcpy(to.p, host, bytes);
}

static void host_download(void *host, struct mem from, size_t bytes)
{
	memcpy(host, from.p, bytes);
}

static void host_copy(struct mem to, struct mem from, size_t bytes)
{
	memcpy(to.p, from.p, bytes);
}

enum { ZEROES = 1 << 16 };           /* bytes per block */

struct zeroes {
	char *p;
	size_t bytes;
};

static void zero_blocks(void *ctx, size_t first, size_t end)
{
	const struct zeroes *t = ctx;
	size_t from = first * ZEROES, to = end * ZEROES;

	memset(t->p + from, 0, (to < t->bytes ? to : t->bytes) - from);
}

/* By all threads: a step's gradients are half a gigabyte, whose pages the kernel clears as well. */
static void host_zero(struct mem m, size_t bytes)
{
	struct zeroes t = {m.p, bytes};

	kern_rows(zero_blocks, &t, (bytes + ZEROES - 1) / ZEROES, ZEROES / 16);
}

/* ---- scratch ---- */

static struct {
	struct { void *p; size_t bytes; } scratch[SCRATCHES];
	size_t attn;                 /* floats of a thread's attention scratch */
} cpu;

void *cpu_scratch(enum cpu_scratch which, size_t bytes)
{
	if (bytes > cpu.scratch[which].bytes) {
		free(cpu.scratch[which].p);
		cpu.scratch[which].p = xaligned(bytes);
		cpu.scratch[which].bytes = bytes;
	}
	return cpu.scratch[which].p;
}

float *cpu_attn_scratch(size_t thread)
{
	return (float *)cpu.scratch[SCRATCH_ATTN].p + thread * cpu.attn;
}

static void reserve(size_t rows, size_t positions, size_t head_size)
{
	size_t n = attn_scratch(head_size);

	(void)positions;
	n = (n + 15) / 16 * 16;          /* keeps each thread's part 64-byte aligned */
	if (n > cpu.attn)
		cpu.attn = n;
	cpu_scratch(SCRATCH_ATTN, (size_t)kern_threads() * cpu.attn * sizeof(float));
	cpu_scratch(SCRATCH_BLOCKS, (rows + 1) * sizeof(struct span));
}

/* ---- matrices ---- */

static struct mat mat_new(size_t n, size_t k, enum mat_kind kind)
{
	size_t values = kind == MAT_ROWS ? n * k : panels_up(n) * ((k + 1) / 2 * 2);

	return (struct mat){.mem = mem_new(values * sizeof(act)), .n = n, .k = k, .kind = kind};
}

static void mat_set(const struct mat *w, size_t first, struct mem rows, size_t n)
{
	if (w->kind == MAT_ROWS)
		memcpy(acts(w->mem) + first * w->k, rows.p, n * w->k * sizeof(act));
	else if (w->kind == MAT_GLU)
		pack_half(acts(w->mem), acts(rows), n, w->k, first > 0);
	else
		pack_into(acts(w->mem) + first * ((w->k + 1) / 2 * 2), acts(rows), n, w->k, w->k,
		          0);
}

static struct mat transpose(struct mem *scratch, const struct mat *w, size_t first, size_t n)
{
	struct packed from = packed(w);

	mem_fit(scratch, panels_up(w->k) * ((n + 1) / 2 * 2) * sizeof(act));
	pack_transposed(acts(*scratch), &from, first, n, w->kind == MAT_GLU);
	return (struct mat){.mem = *scratch, .n = w->k, .k = n};
}

struct merge {
	act *out;
	const act *w, *b;
	const float *a;
	size_t k, r;
	float scale;
};

static void merge_rows(void *ctx, size_t first, size_t end)
{
	const struct merge *t = ctx;
	size_t k = t->k;
	float *sum = xaligned(2 * k * sizeof *sum), *row = sum + k;

	for (size_t j = first; j < end; j++) {
		memset(sum, 0, k * sizeof *sum);
		for (size_t i = 0; i < t->r; i++)
			kern->axpy(sum, act_f32(t->b[j * t->r + i]), t->a + i * k, k);
		kern->from_act(row, t->w + j * k, k);
		kern->axpy(row, t->scale, sum, k);
		kern->to_act(t->out + j * k, row, k);
	}
	free(sum);
}

void cpu_merge(struct mem out, struct mem w, struct mem a, struct mem b, size_t n, size_t k,
               size_t r, float scale)
{
	float *wide = xaligned(r * k * sizeof *wide);
	struct merge t = {acts(out), acts(w), acts(b), wide, k, r, scale};

	kern->from_act(wide, acts(a), r * k);
	kern_rows(merge_rows, &t, n, r * k);
	free(wide);
}

/* ---- a pass ---- */

static void plan(struct plan *p, size_t head_size)
{
	reserve(p->n, p->positions, head_size);
}

static void plan_release(struct plan *p)
{
	(void)p;
}

static void cache_copy(struct cache dst, struct cache src, size_t n, size_t heads, size_t size)
{
	size_t both = dst.common.p == src.common.p ? dst.from < src.from ? dst.from : src.from : 0;

	for (size_t i = 0; i < 2 * heads; i++)
		for (size_t pos = both, end; pos < n; pos = end) {
			const act *from = cache_at(&src, i, pos, size, (end = n, &end));
			act *to = cache_at(&dst, i, pos, size, &end);

			memcpy(to, from, (end - pos) * size * sizeof *to);
		}
}

/* ---- the optimiser ---- */

void cpu_adamw(const struct adamw *rate, size_t n, struct mem g, struct mem p0, struct mem m0,
               struct mem v0, struct mem w, struct mem p, struct mem m, struct mem v)
{
	kern->adamw(rate, n, f32(g), f32(p0), f32(m0), f32(v0), acts(w), f32(p), f32(m), f32(v));
}

void cpu_to_act(struct mem out, struct mem x, size_t n)
{
	kern->to_act(acts(out), f32(x), n);
}

void cpu_from_act(struct mem out, struct mem x, size_t n)
{
	kern->from_act(f32(out), acts(x), n);
}

enum { SQUARES = 1 << 16 };          /* values per block */

struct squares {
	const float *x;
	size_t n;
	double *sums;
};

static void square_pieces(void *ctx, size_t first, size_t end)
{
	const struct squares *t = ctx;

	for (size_t i = first; i < end; i++) {
		size_t at = i * SQUARES;

		t->sums[i] = kern->sumsq(t->x + at, t->n - at < SQUARES ? t->n - at : SQUARES);
	}
}

void cpu_sumsq(struct mem out, struct mem x, size_t n)
{
	size_t pieces = (n + SQUARES - 1) / SQUARES;
	struct squares t = {f32(x), n, cpu_scratch(SCRATCH_SQUARES, (pieces + 1) * sizeof(double))};
	double sum = 0;

	kern_rows(square_pieces, &t, pieces, SQUARES);
	for (size_t i = 0; i < pieces; i++)
		sum += t.sums[i];
	memcpy(out.p, &sum, sizeof sum);
}

/* ---- the table ---- */

static const char *level(void)
{
	return kern->isa;
}

static const char *always(void)
{
	return NULL;
}

const struct dev dev_cpu = {
	/* chunk: small enough that one product's output is still in the cache for the next. */
	.name = "cpu", .chunk = 384, .panel = KERN_PANEL, .head_part = 4096, .level = level,
	.threads = kern_threads, .open = always,
	.alloc = host_alloc, .release = host_release, .map = host_map, .unmap = host_unmap,
	.borrow = host_borrow, .give_back = host_give_back, .upload = host_upload,
	.download = host_download, .copy = host_copy, .zero = host_zero,
	.mat_new = mat_new, .mat_set = mat_set, .transpose = transpose, .merge = cpu_merge,
	.plan = plan, .plan_release = plan_release, .reserve = reserve, .cache_copy = cache_copy,
	.embed = cpu_embed, .norm = cpu_norm, .gemm = cpu_gemm, .heads = cpu_heads,
	.share = cpu_share, .attend = cpu_attend, .glu = cpu_glu, .post = cpu_post,
	.gather = cpu_gather, .score = cpu_score, .sample = cpu_sample, .dlogits = cpu_dlogits,
	.scatter = cpu_scatter, .gemm_dw = cpu_gemm_dw, .norm_bwd = cpu_norm_bwd,
	.glu_bwd = cpu_glu_bwd, .attend_bwd = cpu_attend_bwd, .heads_bwd = cpu_heads_bwd,
	.embed_bwd = cpu_embed_bwd, .thin = cpu_thin, .adamw = cpu_adamw, .to_act = cpu_to_act,
	.from_act = cpu_from_act, .sumsq = cpu_sumsq,
};
