/* SPDX-License-Identifier: MIT */
/*
 * The backward pass on the CPU. Gradients of the inputs of products are rounded to act, like the
 * inputs themselves; sums are fp32. Independent rows are divided among the threads row by row.
 * Where rows are summed, threads take blocks of CPU_BLOCK rows, whose sums are then added in order,
 * so that the number of threads does not change any bit.
 */
#include "dev/inside.h"

#include <stdatomic.h>
#include <string.h>

static size_t blocks_of(size_t n)
{
	return (n + CPU_BLOCK - 1) / CPU_BLOCK;
}

static float *sums_scratch(size_t blocks, size_t width)
{
	return cpu_scratch(SCRATCH_SUMS, blocks * width * sizeof(float));
}

/* ---- products ---- */

void cpu_gemm_dw(struct mem dw, struct mem dy, size_t ldy, struct mem x, size_t ldx, size_t n,
                 size_t outputs, size_t inputs)
{
	gemm_dw(f32(dw), inputs, acts(dy), ldy, acts(x), ldx, n, outputs, inputs);
}

void cpu_thin(struct mem out, struct mem in, size_t ld, struct mem w, size_t r, size_t k,
              int transposed, float scale, size_t n)
{
	act *p = cpu_scratch(SCRATCH_THIN, panels_up(r) * ((k + 1) / 2 * 2) * sizeof *p);
	float *y = cpu_scratch(SCRATCH_THIN_OUT, n * r * sizeof *y);
	struct packed thin = {p, r, k};

	pack_into(p, acts(w), r, k, transposed ? r : k, transposed);
	gemm(y, r, acts(in), ld, &thin, n, 0);
	for (size_t i = 0; i < n * r; i++)
		y[i] *= scale;
	kern->to_act(acts(out), y, n * r);
}

/* ---- embedding, norms ---- */

struct embed_bwd {
	const struct plan *plan;
	const float *dx;
	float *g, scale;
	size_t d;
};

enum { STRIP = 64 };

/* Parallel over strips of columns: rows with the same token add to the same place, in row order. */
static void embed_strips(void *ctx, size_t first, size_t end)
{
	const struct embed_bwd *t = ctx;
	size_t d = t->d;

	for (size_t j = first * STRIP; j < d && j < end * STRIP; j += STRIP)
		for (size_t r = 0; r < t->plan->n; r++)
			kern->axpy(t->g + (size_t)t->plan->rows[r].token * d + j, t->scale,
			           t->dx + r * d + j, d - j < STRIP ? d - j : STRIP);
}

void cpu_embed_bwd(struct mem g, struct mem dx, const struct plan *p, size_t d, float scale)
{
	struct embed_bwd t = {p, f32(dx), f32(g), scale, d};

	kern_rows(embed_strips, &t, (d + STRIP - 1) / STRIP, p->n * STRIP);
}

struct norm_bwd {
	/* w NULL: there is no norm, dx += dy */
	float *dx, *sums;
	const float *dy, *x, *w, *r;
	size_t n, d;
};

static void norm_blocks(void *ctx, size_t first, size_t end)
{
	const struct norm_bwd *t = ctx;
	size_t d = t->d;

	for (size_t b = first; b < end; b++) {
		float *sum = t->sums ? t->sums + b * d : NULL;

		if (sum)
			memset(sum, 0, d * sizeof *sum);
		for (size_t i = b * CPU_BLOCK; i < t->n && i < (b + 1) * CPU_BLOCK; i++)
			if (t->w)
				kern->rmsnorm_bwd(t->dx + i * d, sum, t->dy + i * d, t->x + i * d,
				                  t->w, d, t->r[i]);
			else
				kern->add(t->dx + i * d, t->dy + i * d, d);
	}
}

void cpu_norm_bwd(struct mem dx, struct mem dw, struct mem dy, struct mem x, struct mem w,
                  struct mem r, size_t n, size_t d)
{
	size_t blocks = blocks_of(n);
	struct norm_bwd t = {f32(dx), NULL, f32(dy), f32(x), f32(w), f32(r), n, d};

	if (mem_there(dw))
		t.sums = sums_scratch(blocks, d);
	kern_rows(norm_blocks, &t, blocks, 2 * CPU_BLOCK * d);
	for (size_t b = 0; t.sums && b < blocks; b++)
		kern->add(f32(dw), t.sums + b * d, d);
}

/* ---- feed-forward ---- */

struct glu_bwd {
	act *dgu, *h;
	const float *dh;
	const act *gate, *up;
	size_t ld, f;
	int gelu;
};

static void glu_bwd_rows(void *ctx, size_t first, size_t end)
{
	const struct glu_bwd *t = ctx;
	size_t f = t->f, half = t->ld / 2;

	for (size_t i = first; i < end; i++) {
		act *gate = t->dgu + i * t->ld, *up = gate + half;

		kern->glu_bwd(gate, up, t->h + i * f, t->dh + i * f, t->gate + i * f, t->up + i * f,
		              f, t->gelu);
		memset(gate + f, 0, (half - f) * sizeof *gate);
		memset(up + f, 0, (half - f) * sizeof *up);
	}
}

/* Row by row after the product: a panel's pieces of five arrays at once would cost more in misses
 * than dh in the cache does. */
void cpu_glu_bwd(struct mem dgu, struct mem h, struct mem scratch, struct mem dy,
                 const struct mat *w, struct mem gate, struct mem up, size_t ld, size_t n,
                 enum glu kind)
{
	struct glu_bwd t = {acts(dgu), acts(h), f32(scratch), acts(gate), acts(up), ld, w->n,
		kind == GLU_GELU};
	struct packed p = packed(w);

	gemm(f32(scratch), w->n, acts(dy), w->k, &p, n, 0);
	kern_rows(glu_bwd_rows, &t, n, 4 * t.f);
}

/* ---- attention ---- */

/* A piece of work: of a span's key/value head, dq of rows [row, row + n), or dk and dv of keys
 * [key, end), or both of all. */
struct piece {
	size_t span, head, row, n, key, end;
	int dq, dkv;
};

struct attend_bwd {
	float *dq, *dk, *dv;
	const float *datt, *lse;
	const act *att, *q;
	const struct plan *plan;
	const struct attn *a;
	struct piece *pieces;
	size_t n;
	_Atomic size_t taken;
};

static void attend_bwd_piece(const struct attend_bwd *t, const struct piece *p, float *scratch)
{
	const struct attn *a = t->a;
	const struct span *sp = &t->plan->spans[p->span];
	size_t s = a->size, hs = a->heads * s, gs = a->kv_heads * s, grp = a->heads / a->kv_heads;
	size_t row = sp->row + p->row, q = row * hs + p->head * grp * s;
	size_t k = sp->keys * gs + p->head * s;

	for (size_t i = 0; i < p->n && p->dq; i++)
		memset(t->dq + q + i * hs, 0, grp * s * sizeof *t->dq);
	for (size_t i = p->key; i < p->end && p->dkv; i++) {
		memset(t->dk + k + i * gs, 0, s * sizeof *t->dk);
		memset(t->dv + k + i * gs, 0, s * sizeof *t->dv);
	}
	kern->attn_bwd(&(struct attn_grad){
		.dq = p->dq ? t->dq + q : NULL, .dk = p->dkv ? t->dk + k : NULL,
		.dv = p->dkv ? t->dv + k : NULL, .dout = t->datt + q,
		.lse = t->lse + row * a->heads + p->head * grp, .out = t->att + q, .q = t->q + q,
		.k = cpu_cache(sp, a, p->head, 0, 0), .v = cpu_cache(sp, a, p->head, 1, 0),
		.rows = p->n, .pos0 = sp->pos + p->row, .key0 = p->key, .key1 = p->end, .ldd = gs,
		.ldl = a->heads, .ldq = hs, .ldkv = s, .grp = grp, .s = s, .window = a->window,
		.scale = a->scale,
	}, scratch);
}

static void attend_bwd_tasks(void *ctx, size_t thread)
{
	struct attend_bwd *t = ctx;
	size_t i;

	while ((i = atomic_fetch_add(&t->taken, 1)) < t->n)
		attend_bwd_piece(t, &t->pieces[i], cpu_attn_scratch(thread));
}

enum { PIECE_ROWS = 64, PIECE_KEYS = 2 * KERN_SHARED };

/* Most pieces of a span's head. */
static size_t most_pieces(const struct span *s)
{
	return 2 + s->n / PIECE_ROWS + (s->pos + s->n) / PIECE_KEYS;
}

/* The same work in small pieces: the scores are computed twice, but no bit changes. */
static void in_pieces(struct attend_bwd *t, struct piece all)
{
	size_t rows = all.n, keys = all.end;

	for (size_t i = 0; i < rows; i += PIECE_ROWS) {
		size_t n = rows - i < PIECE_ROWS ? rows - i : PIECE_ROWS;

		t->pieces[t->n++] = (struct piece){
			all.span, all.head, i, n, 0, keys - rows + i + n, .dq = 1,
		};
	}
	for (size_t i = 0; i < keys; i += PIECE_KEYS)
		t->pieces[t->n++] = (struct piece){
			all.span, all.head, 0, rows, i,
			keys - i < PIECE_KEYS ? keys : i + PIECE_KEYS, .dkv = 1,
		};
}

/* As many heads of spans as give every thread the same number are a piece each, then come those
 * left over in small pieces. */
static void divide(struct attend_bwd *t)
{
	const struct plan *p = t->plan;
	size_t g = t->a->kv_heads, tasks = p->n_spans * g, team = (size_t)kern_threads(), n = 0;

	for (size_t i = 0; i < p->n_spans; i++)
		n += g * most_pieces(&p->spans[i]);
	t->pieces = cpu_scratch(SCRATCH_PIECES, n * sizeof *t->pieces);
	for (size_t i = 0; i < tasks; i++) {
		const struct span *s = &p->spans[i / g];
		struct piece all = {i / g, i % g, 0, s->n, 0, s->pos + s->n, 1, 1};

		if (i < tasks / team * team)
			t->pieces[t->n++] = all;
		else
			in_pieces(t, all);
	}
}

/* Positions shared by spans; the range is of key/value heads. */
static void share_bwd(void *ctx, size_t first, size_t end)
{
	const struct attend_bwd *t = ctx;
	const struct span *spans = t->plan->spans;
	size_t s = t->a->size, gs = t->a->kv_heads * s;

	for (size_t i = t->plan->n_spans; i-- > 0;)
		for (size_t j = 0; spans[i].base >= 0 && j < spans[i].pos; j++) {
			size_t to = (spans[spans[i].base].keys + j) * gs + first * s;
			size_t from = (spans[i].keys + j) * gs + first * s;

			kern->add(t->dk + to, t->dk + from, (end - first) * s);
			kern->add(t->dv + to, t->dv + from, (end - first) * s);
		}
}

void cpu_attend_bwd(struct mem dq, struct mem dk, struct mem dv, struct mem datt, struct mem att,
                    struct mem lse, struct mem q, const struct plan *p, const struct attn *a)
{
	struct attend_bwd t = {
		.dq = f32(dq), .dk = f32(dk), .dv = f32(dv), .datt = f32(datt), .lse = f32(lse),
		.att = acts(att), .q = acts(q), .plan = p, .a = a,
	};

	divide(&t);
	kern_run(attend_bwd_tasks, &t);
	if (p->common)
		kern_rows(share_bwd, &t, a->kv_heads, 1 << 14);
}

/* ---- heads ---- */

struct heads_bwd {
	act *dqkv;
	float *dq, *dk, *dv, *sums;
	const float *pre, *r;
	const struct part *p;
	const struct attn *a;
	size_t norms[2];             /* number of q and k norms; 0: none */
	/* of one block's sums: biases in the fused layout, then norm weights */
	size_t width;
	size_t block;                /* width plus scratch for a norm's gradient */
};

/* Backward through the n norms of size s of one row's q or k, in place; the gradient of their
 * weights is added to dw. in[s] is scratch. */
static void norm_heads_bwd(float *dh, size_t n, size_t s, const float *w, const float *pre,
                           const float *r, float *dw, float *in)
{
	for (size_t h = 0; h < n; h++) {
		memset(in, 0, s * sizeof *in);
		kern->rmsnorm_bwd(in, dw, dh + h * s, pre + h * s, w, s, r[h]);
		memcpy(dh + h * s, in, s * sizeof *in);
	}
}

static void heads_bwd_row(const struct heads_bwd *t, size_t i, float *sum)
{
	const struct attn *a = t->a;
	const struct plan_row *row = &t->p->plan->rows[t->p->row + i];
	size_t s = a->size, half = s / 2, hs = a->heads * s, gs = a->kv_heads * s, ld = a->ld;
	size_t width[] = {hs, gs, gs}, col[] = {0, a->k, a->v, ld}, key = (size_t)row->key;
	float *d[] = {t->dq + i * hs, t->dk + key * gs, t->dv + key * gs}, minus[half];
	size_t heads[] = {a->heads, a->kv_heads};

	if (mem_there(a->cos)) {
		const float *cs = f32(a->cos) + (size_t)row->pos * half;

		for (size_t j = 0; j < half; j++)
			minus[j] = -f32(a->sin)[(size_t)row->pos * half + j];
		for (int j = 0; j < 2; j++)
			kern->rope(d[j], heads[j], s, cs, minus);
	}
	if (t->norms[0]) {
		const float *pre = t->pre + i * (hs + gs),
			*r = t->r + i * (t->norms[0] + t->norms[1]);

		norm_heads_bwd(d[0], t->norms[0], a->norm_size[0], f32(a->norm[0]), pre, r,
		               sum + ld, sum + t->width);
		norm_heads_bwd(d[1], t->norms[1], a->norm_size[1], f32(a->norm[1]), pre + hs,
		               r + t->norms[0], sum + ld + a->norm_size[0], sum + t->width);
	}
	for (int j = 0; j < 3; j++) {
		act *out = t->dqkv + i * ld + col[j];

		if (mem_there(a->bias))
			kern->add(sum + col[j], d[j], width[j]);
		kern->to_act(out, d[j], width[j]);
		memset(out + width[j], 0, (col[j + 1] - col[j] - width[j]) * sizeof *out);
	}
}

static void heads_bwd_blocks(void *ctx, size_t first, size_t end)
{
	const struct heads_bwd *t = ctx;

	for (size_t b = first; b < end; b++) {
		float *sum = t->sums + b * t->block;

		memset(sum, 0, t->width * sizeof *sum);
		for (size_t i = b * CPU_BLOCK; i < t->p->n && i < (b + 1) * CPU_BLOCK; i++)
			heads_bwd_row(t, i, sum);
	}
}

void cpu_heads_bwd(struct mem dqkv, const struct mem dbias[3], const struct mem dnorm[2],
                   struct mem dq, struct mem dk, struct mem dv, struct mem pre, struct mem r,
                   const struct part *p, const struct attn *a)
{
	size_t s = a->size, hs = a->heads * s, gs = a->kv_heads * s, blocks = blocks_of(p->n);
	size_t col[] = {0, a->k, a->v}, width[] = {hs, gs, gs};
	struct heads_bwd t = {
		.dqkv = acts(dqkv), .dq = f32(dq), .dk = f32(dk), .dv = f32(dv), .pre = f32(pre),
		.r = f32(r), .p = p, .a = a, .width = a->ld,
	};

	for (int i = 0; i < 2 && mem_there(a->norm[0]); i++) {
		t.norms[i] = width[i] / a->norm_size[i];
		t.width += a->norm_size[i];
	}
	t.block = t.width + (hs > gs ? hs : gs);
	t.sums = sums_scratch(blocks, t.block);
	kern_rows(heads_bwd_blocks, &t, blocks, 4 * CPU_BLOCK * a->ld);
	for (size_t b = 0; b < blocks; b++) {
		const float *sum = t.sums + b * t.block;

		for (int i = 0; i < 3 && mem_there(a->bias); i++)
			if (mem_there(dbias[i]))
				kern->add(f32(dbias[i]), sum + col[i], width[i]);
		sum += a->ld;
		for (int i = 0; i < 2 && t.norms[0]; sum += a->norm_size[i++])
			if (mem_there(dnorm[i]))
				kern->add(f32(dnorm[i]), sum, a->norm_size[i]);
	}
}
