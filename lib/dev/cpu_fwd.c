/* SPDX-License-Identifier: MIT */
/*
 * The forward pass on the CPU. Every function works row by row (or by column panels of a product),
 * so a row's bits do not depend on the number of rows, its neighbours or the threads.
 */
#include "dev/inside.h"

#include <stdatomic.h>
#include <string.h>

/* ---- embedding, norms ---- */

struct embed {
	const struct plan_row *rows;
	const struct mat *table;
	float *x, scale;
};

static void embed_rows(void *ctx, size_t first, size_t end)
{
	const struct embed *t = ctx;
	size_t d = t->table->k, pairs = (d + 1) / 2;
	const act *w = acts(t->table->mem);

	for (size_t r = first; r < end; r++) {
		size_t token = (size_t)t->rows[r].token;
		size_t at = token / KERN_PANEL * pairs * KERN_PANEL + token % KERN_PANEL;
		const act *p = w + at * 2;
		float *x = t->x + r * d;

		if (t->table->kind == MAT_ROWS)
			kern->from_act(x, w + token * d, d);
		else                     /* table is the packed head */
			for (size_t j = 0; j < d; j++)
				x[j] = act_f32(p[j / 2 * KERN_PANEL * 2 + j % 2]);
		if (t->scale != 1)
			for (size_t j = 0; j < d; j++)
				x[j] *= t->scale;
	}
}

void cpu_embed(struct mem x, const struct part *p, const struct mat *table, float scale)
{
	struct embed t = {p->plan->rows + p->row, table, f32(x), scale};

	kern_rows(embed_rows, &t, p->n, table->k);
}

struct norm {
	act *out;
	float *r;
	const float *x, *w;
	size_t d;
	float eps;
};

static void norm_rows(void *ctx, size_t first, size_t end)
{
	const struct norm *t = ctx;
	size_t d = t->d;

	if (!t->w) {
		kern->to_act(t->out + first * d, t->x + first * d, (end - first) * d);
		return;
	}
	for (size_t i = first; i < end; i++) {
		float r = kern->rmsnorm(t->out + i * d, t->x + i * d, t->w, d, t->eps);

		if (t->r)
			t->r[i] = r;
	}
}

void cpu_norm(struct mem out, struct mem r, struct mem x, struct mem w, size_t n, size_t d,
              float eps)
{
	struct norm t = {acts(out), f32(r), f32(x), f32(w), d, eps};

	kern_rows(norm_rows, &t, n, d);
}

struct post {
	float *out, *pre, *r, *y;
	const float *x, *w;
	size_t d;
	float eps;
};

static void post_rows(void *ctx, size_t first, size_t end)
{
	const struct post *t = ctx;
	size_t d = t->d;

	for (size_t i = first; i < end; i++) {
		float *y = t->y + i * d, inv;

		if (t->pre)
			memcpy(t->pre + i * d, y, d * sizeof *y);
		inv = kern->rmsnorm_f32(y, t->w, d, t->eps);
		if (t->r)
			t->r[i] = inv;
		if (t->out && t->out != t->x)
			memcpy(t->out + i * d, t->x + i * d, d * sizeof *y);
		if (t->out)
			kern->add(t->out + i * d, y, d);
	}
}

void cpu_post(struct mem out, struct mem pre, struct mem r, struct mem x, struct mem y,
              struct mem w, size_t n, size_t d, float eps)
{
	struct post t = {f32(out), f32(pre), f32(r), f32(y), f32(x), f32(w), d, eps};

	kern_rows(post_rows, &t, n, 2 * d);
}

/* ---- products ---- */

struct copy {
	float *to;
	const float *from;
	size_t n, ld;
};

static void copy_rows(void *ctx, size_t first, size_t end)
{
	const struct copy *t = ctx;

	for (size_t i = first; i < end; i++)
		memcpy(t->to + i * t->ld, t->from + i * t->ld, t->n * sizeof *t->to);
}

void cpu_gemm(struct mem c, size_t ldc, struct mem from, struct mem a, size_t lda,
              const struct mat *w, size_t n)
{
	struct packed p = packed(w);
	struct copy t = {f32(c), f32(from), w->n, ldc};

	if (mem_there(from) && from.p != c.p)
		kern_rows(copy_rows, &t, n, w->n);
	gemm(f32(c), ldc, acts(a), lda, &p, n, mem_there(from));
}

/* ---- attention ---- */

struct heads {
	act *q;
	float *pre, *r, *qkv;
	const struct part *p;
	const struct attn *a;
};

/* The n norms of size s of one row's q or k, in place. */
static void norm_heads(float *x, const float *w, size_t n, size_t s, float eps, float *pre,
                       float *r)
{
	for (size_t h = 0; h < n; h++, x += s) {
		float inv;

		if (pre)
			memcpy(pre + h * s, x, s * sizeof *x);
		inv = kern->rmsnorm_f32(x, w, s, eps);
		if (r)
			r[h] = inv;
	}
}

static void head_rows(void *ctx, size_t first, size_t end)
{
	const struct heads *t = ctx;
	const struct attn *a = t->a;
	size_t s = a->size, hs = a->heads * s, gs = a->kv_heads * s, norms[2] = {0};
	const float *cs = f32(a->cos), *sn = f32(a->sin);

	for (int i = 0; i < 2 && mem_there(a->norm[0]); i++)
		norms[i] = (i ? gs : hs) / a->norm_size[i];
	for (size_t i = first; i < end; i++) {
		const struct plan_row *row = &t->p->plan->rows[t->p->row + i];
		const struct span *span = &t->p->plan->spans[row->span];
		size_t pos = (size_t)row->pos;
		float *q = t->qkv + i * a->ld, *k = q + a->k, *v = q + a->v;
		float *pre = t->pre ? t->pre + i * (hs + gs) : NULL;
		float *r = t->r ? t->r + i * (norms[0] + norms[1]) : NULL;

		if (mem_there(a->bias))
			kern->add(q, f32(a->bias), a->ld);
		norm_heads(q, f32(a->norm[0]), norms[0], a->norm_size[0], a->eps, pre, r);
		norm_heads(k, f32(a->norm[1]), norms[1], a->norm_size[1], a->eps,
		           pre ? pre + hs : NULL, r ? r + norms[0] : NULL);
		if (cs) {
			kern->rope(q, a->heads, s, cs + pos * (s / 2), sn + pos * (s / 2));
			kern->rope(k, a->kv_heads, s, cs + pos * (s / 2), sn + pos * (s / 2));
		}
		kern->to_act(t->q + i * hs, q, hs);
		for (size_t g = 0; g < a->kv_heads; g++) {
			kern->to_act(cpu_cache(span, a, g, 0, pos), k + g * s, s);
			kern->to_act(cpu_cache(span, a, g, 1, pos), v + g * s, s);
		}
	}
}

void cpu_heads(struct mem q, struct mem pre, struct mem r, struct mem qkv, const struct part *p,
               const struct attn *a)
{
	struct heads t = {acts(q), f32(pre), f32(r), f32(qkv), p, a};

	kern_rows(head_rows, &t, p->n, 2 * a->ld);
}

struct share_heads {
	const struct part *p;
	const struct attn *a;
};

/* The range is of key/value heads. */
static void share_heads(void *ctx, size_t first, size_t end)
{
	const struct share_heads *t = ctx;
	const struct span *spans = t->p->plan->spans;
	size_t rows_end = t->p->row + t->p->n, span = (size_t)t->p->plan->rows[t->p->row].span;

	for (size_t g = first; g < end; g++)
		for (size_t i = span; i < t->p->plan->n_spans; i++) {
			const struct span *s = &spans[i];

			if (s->row >= rows_end)
				break;
			if (s->row < t->p->row || s->base < 0)
				continue;
			for (int value = 0; value < 2; value++)
				memcpy(cpu_cache(s, t->a, g, value, 0),
				       cpu_cache(&spans[s->base], t->a, g, value, 0),
				       s->pos * t->a->size * sizeof(act));
		}
}

void cpu_share(const struct part *p, const struct attn *a)
{
	struct share_heads t = {p, a};

	if (p->plan->common && p->n)
		kern_rows(share_heads, &t, a->kv_heads, 1 << 14);
}

enum {
	ATTN_ROWS = 32,              /* queries per task of one sequence */
	ATTN_SPANS = 64              /* most sequences per task of several */
};

struct attend {
	act *att;
	float *lse;
	const act *q;
	const struct plan *plan;
	const struct attn *a;
	/* n rows of the part from `row` on, of one span; or one row each of `spans` spans */
	struct block { size_t row, n, pos, span, spans; } *blocks;
	size_t n_blocks;
	_Atomic size_t taken;
};
_Static_assert(sizeof(struct block) <= sizeof(struct span), "SCRATCH_BLOCKS");

/* A task is one key/value head for the rows of a block. */
static void attend_task(const struct attend *t, struct block b, size_t g, float *scratch)
{
	const struct attn *a = t->a;
	const struct span *span = &t->plan->spans[b.span];
	size_t s = a->size, hs = a->heads * s, grp = a->heads / a->kv_heads, from = span->cache.from;
	struct attn_seq seqs[ATTN_SPANS];
	struct attn_job j = {
		.seqs = seqs, .n = b.spans, .shared = from, .ldo = hs, .ldl = a->heads, .ldq = hs,
		.ldkv = s, .grp = grp, .s = s, .window = a->window, .scale = a->scale,
	};

	for (size_t i = 0; i < b.spans; i++) {
		size_t row = b.row + i, at = row * hs + g * grp * s;

		seqs[i] = (struct attn_seq){
			t->att + at, t->lse ? t->lse + row * a->heads + g * grp : NULL, t->q + at,
			cpu_cache(span + i, a, g, 0, from), cpu_cache(span + i, a, g, 1, from),
			b.spans > 1 ? 1 : b.n, i ? span[i].pos : b.pos,
		};
	}
	if (from) {
		j.k = cpu_cache(span, a, g, 0, 0);
		j.v = cpu_cache(span, a, g, 1, 0);
	}
	kern->attn(&j, scratch);
}

static void attend_tasks(void *ctx, size_t thread)
{
	struct attend *t = ctx;
	size_t g = t->a->kv_heads, i;

	while ((i = atomic_fetch_add(&t->taken, 1)) < t->n_blocks * g)
		attend_task(t, t->blocks[i / g], i % g, cpu_attn_scratch(thread));
}

/* The most sequences per task that leave enough tasks for all threads. */
static size_t most_spans(const struct part *p, const struct attn *a)
{
	size_t n = p->n * a->kv_heads / (3 * (size_t)kern_threads());

	return n < 1 ? 1 : n < ATTN_SPANS ? n : ATTN_SPANS;
}

/* True if both spans have one row, and common memory. */
static int side_by_side(const struct span *x, const struct span *y)
{
	return x->n == 1 && y->n == 1 && x->cache.from && x->cache.from == y->cache.from &&
	       x->cache.common.p == y->cache.common.p;
}

/* The block that begins with row i of the part. */
static struct block next_block(const struct part *p, size_t i, size_t spans)
{
	const struct plan_row *row = &p->plan->rows[p->row + i];
	const struct span *span = &p->plan->spans[row->span];
	size_t left = span->row + span->n - (p->row + i), n = 1;

	while (n < spans && n < p->n - i && span + n < p->plan->spans + p->plan->n_spans &&
	       side_by_side(span, span + n))
		n++;
	left = left < p->n - i ? left : p->n - i;
	if (n == 1)
		n = left < ATTN_ROWS ? left : ATTN_ROWS;
	return (struct block){i, n, (size_t)row->pos, (size_t)row->span, left == 1 ? n : 1};
}

void cpu_attend(struct mem att, struct mem lse, struct mem q, const struct part *p,
                const struct attn *a)
{
	struct attend t = {.att = acts(att), .lse = f32(lse), .q = acts(q), .plan = p->plan,
		.a = a};
	size_t spans = most_spans(p, a);

	t.blocks = cpu_scratch(SCRATCH_BLOCKS, p->n * sizeof *t.blocks);
	for (size_t i = 0; i < p->n; i += t.blocks[t.n_blocks++].n)
		t.blocks[t.n_blocks] = next_block(p, i, spans);
	kern_run(attend_tasks, &t);
}

/* ---- feed-forward ---- */

struct glu_step {
	act *h, *gate, *up;
	size_t f;
	int gelu;
};

/* A panel's gates and ups, 32 of each. */
static void glu_panel(const struct product *j, size_t m0, size_t m, size_t n0, size_t n)
{
	const struct glu_step *t = j->ctx;
	size_t f0 = n0 / 2;

	n = t->f - f0 < n / 2 ? t->f - f0 : n / 2;
	for (size_t i = m0; i < m0 + m; i++) {
		const float *gate = j->c + i * j->ldc + n0, *up = gate + KERN_HALF;
		size_t at = i * t->f + f0;

		if (t->h)
			kern->glu(t->h + at, gate, up, n, t->gelu);
		if (t->gate) {
			kern->to_act(t->gate + at, gate, n);
			kern->to_act(t->up + at, up, n);
			soon(t->gate + at + n, n);
			soon(t->up + at + n, n);
		}
		soon(t->h ? t->h + at + n : NULL, n);
	}
}

void cpu_glu(struct mem h, struct mem keep_gate, struct mem keep_up, struct mem scratch,
             struct mem a, const struct mat *w, size_t n, size_t f, enum glu kind)
{
	struct glu_step t = {acts(h), acts(keep_gate), acts(keep_up), f, kind == GLU_GELU};
	struct packed p = packed(w);

	gemm_then(w->k <= kern->whole ? NULL : f32(scratch), w->n, acts(a), w->k, &p, n, glu_panel,
	          &t);
}
