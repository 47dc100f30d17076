/* SPDX-License-Identifier: MIT */
/*
 * A GPU as a device: the table's functions, over device.h. A matrix is kept as rows [N][K], gates
 * of MAT_GLU before ups; plans are sent to the device once a pass; lists that come from the host
 * go through memory that grows and is never freed, like other scratch.
 */
#include "dev/dev.h"

#include <stdlib.h>
#include <string.h>

#include "dev/cuda/device.h"
#include "kern/kern.h"

enum { PANEL = 64 };

_Static_assert(sizeof(struct device_row) == sizeof(struct plan_row), "struct device_row");
_Static_assert(sizeof(struct device_scored) == sizeof(struct scored), "struct device_scored");
_Static_assert(sizeof(struct device_drawn) == sizeof(struct drawn), "struct device_drawn");

static float *f32(struct mem m) { return (float *)(void *)m.p; }
static uint16_t *acts(struct mem m) { return (uint16_t *)(void *)m.p; }
static int32_t *ints(struct mem m) { return (int32_t *)(void *)m.p; }

static size_t panels_up(size_t n)
{
	return (n + PANEL - 1) / PANEL * PANEL;
}

/* ---- memory ---- */

void device_full(size_t bytes, size_t left, size_t all)
{
	die(EXIT_ERROR, "GPU: out of memory: %zu MiB asked for, %zu of %zu MiB are free (less "
	    "--kv-memory or --batch in sampling, --memory in training)", (bytes >> 20) + 1,
	    left >> 20, all >> 20);
}

static struct mem gpu_alloc(size_t bytes)
{
	return (struct mem){device_alloc(bytes ? bytes : 1), bytes};
}

static void gpu_release(struct mem *m)
{
	device_free(m->p);
}

static void *gpu_map(struct mem m, size_t bytes)
{
	void *p = xmalloc(bytes ? bytes : 1);

	device_fetch(p, m.p, bytes);
	return p;
}

static void gpu_unmap(struct mem m, void *p, size_t bytes, int wrote)
{
	if (wrote)
		device_send(m.p, p, bytes);
	free(p);
}

static void gpu_upload(struct mem to, const void *host, size_t bytes)
{
	device_send(to.p, host, bytes);
}

static struct mem gpu_borrow(const void *host, size_t bytes)
{
	struct mem m = gpu_alloc(bytes);

	gpu_upload(m, host, bytes);
	return m;
}

static void gpu_download(void *host, struct mem from, size_t bytes)
{
	device_fetch(host, from.p, bytes);
}

static void gpu_copy(struct mem to, struct mem from, size_t bytes)
{
	device_copy(to.p, from.p, bytes);
}

static void gpu_zero(struct mem m, size_t bytes)
{
	device_zero(m.p, bytes);
}

enum scratch { SUMS, THIN, DRAWS, BANNED, COPIES, SCRATCHES };
static struct mem scratches[SCRATCHES];

static void *scratch(enum scratch which, size_t bytes)
{
	mem_fit(&scratches[which], bytes);
	return scratches[which].p;
}

/* ---- matrices ---- */

static struct mat gpu_mat_new(size_t n, size_t k, enum mat_kind kind)
{
	size_t rows = kind == MAT_ROWS ? n : panels_up(n);

	return (struct mat){.mem = mem_new(rows * k * sizeof(act)), .n = n, .k = k, .kind = kind};
}

static void gpu_mat_set(const struct mat *w, size_t first, struct mem rows, size_t n)
{
	size_t k = w->k, unit = w->kind == MAT_GLU ? PANEL / 2 : PANEL;
	size_t end = w->kind == MAT_ROWS ? n : (n + unit - 1) / unit * unit;
	uint16_t *to = acts(w->mem) + first * k;

	device_copy(to, rows.p, n * k * sizeof(act));
	if (end > n)
		device_zero(to + n * k, (end - n) * k * sizeof(act));
}

static struct mat gpu_transpose(struct mem *room, const struct mat *w, size_t first, size_t n)
{
	mem_fit(room, panels_up(w->k) * n * sizeof(act));
	device_transpose(acts(*room), acts(w->mem) + first * w->k, n, w->k);
	return (struct mat){.mem = *room, .n = w->k, .k = n};
}

static void gpu_merge(struct mem out, struct mem w, struct mem a, struct mem b, size_t n, size_t k,
                      size_t r, float scale)
{
	device_merge(acts(out), acts(w), acts(a), acts(b), n, k, r, scale);
}

static void product(float *c, size_t ldc, float beta, struct mem a, size_t lda, const struct mat *w,
                    size_t m)
{
	device_gemm(c, ldc, beta, acts(a), lda, 0, acts(w->mem), w->k, 0, m, w->n, w->k);
}

/* ---- a pass ---- */

/* The device's copy of a plan. */
struct own {
	struct mem rows, spans;
	struct device_span *list;    /* [cap] spans on the host, to be sent */
	size_t cap;
};

static struct device_span span_of(const struct cache *c)
{
	return (struct device_span){
		.mem = acts(c->mem), .common = acts(c->common), .cap = c->cap,
		.common_cap = c->common_cap, .from = c->from,
	};
}

static void gpu_plan(struct plan *p, size_t head_size)
{
	struct own *o = p->own ? p->own : xcalloc(1, sizeof *o);

	if (head_size > DEVICE_HEAD)
		die(EXIT_ERROR, "--device cuda: heads of %zu values, expected at most %d", head_size,
		    DEVICE_HEAD);
	p->own = o;
	mem_fit(&o->rows, p->n * sizeof *p->rows);
	mem_fit(&o->spans, p->n_spans * sizeof *o->list);
	if (p->n_spans > o->cap) {
		o->cap = p->n_spans;
		o->list = xreallocarray(o->list, o->cap, sizeof *o->list);
	}
	for (size_t i = 0; i < p->n_spans; i++) {
		const struct span *s = &p->spans[i];

		o->list[i] = span_of(&s->cache);
		o->list[i].row = s->row;
		o->list[i].n = s->n;
		o->list[i].pos = s->pos;
		o->list[i].keys = s->keys;
		o->list[i].base = s->base;
	}
	if (p->n)
		device_send(o->rows.p, p->rows, p->n * sizeof *p->rows);
	if (p->n_spans)
		device_send(o->spans.p, o->list, p->n_spans * sizeof *o->list);
}

static void gpu_plan_release(struct plan *p)
{
	struct own *o = p->own;

	if (!o)
		return;
	mem_free(&o->rows);
	mem_free(&o->spans);
	free(o->list);
	free(o);
	p->own = NULL;
}

static void gpu_reserve(size_t rows, size_t positions, size_t head_size)
{
	(void)rows, (void)positions, (void)head_size;
}

static struct device_part part_of(const struct plan *p, size_t row, size_t n)
{
	const struct own *o = p->own;

	return (struct device_part){
		(const struct device_row *)(const void *)o->rows.p,
		(const struct device_span *)(const void *)o->spans.p, row, n, p->n_spans, p->n_keys,
		p->positions,
	};
}

static struct device_attn attn_of(const struct attn *a)
{
	return (struct device_attn){
		a->heads, a->kv_heads, a->size, a->ld, a->k, a->v, a->layer, a->window, a->scale, a->eps,
		f32(a->bias), {f32(a->norm[0]), f32(a->norm[1])}, f32(a->cos), f32(a->sin),
		{a->norm_size[0], a->norm_size[1]},
	};
}

static void gpu_cache_copy(struct cache dst, struct cache src, size_t n, size_t heads, size_t size)
{
	size_t both = dst.common.p == src.common.p ? dst.from < src.from ? dst.from : src.from : 0;

	device_cache_copy(span_of(&dst), span_of(&src), both, n, heads, size);
}

/* ---- forward ---- */

static void gpu_embed(struct mem x, const struct part *p, const struct mat *table, float scale)
{
	struct device_part d = part_of(p->plan, p->row, p->n);

	device_embed(f32(x), d.rows + p->row, acts(table->mem), scale, p->n, table->k);
}

static void gpu_norm(struct mem out, struct mem r, struct mem x, struct mem w, size_t n, size_t d,
                     float eps)
{
	device_norm(acts(out), f32(r), f32(x), f32(w), n, d, eps);
}

static void gpu_gemm(struct mem c, size_t ldc, struct mem from, struct mem a, size_t lda,
                     const struct mat *w, size_t n)
{
	if (mem_there(from) && from.p != c.p)
		device_copy_rows(f32(c), f32(from), ldc, n, w->n);
	product(f32(c), ldc, mem_there(from), a, lda, w, n);
}

static void gpu_heads(struct mem q, struct mem pre, struct mem r, struct mem qkv,
                      const struct part *p, const struct attn *a)
{
	struct device_part d = part_of(p->plan, p->row, p->n);
	struct device_attn t = attn_of(a);

	device_heads(acts(q), f32(pre), f32(r), f32(qkv), &d, &t);
}

static void gpu_share(const struct part *p, const struct attn *a)
{
	struct device_part d = part_of(p->plan, p->row, p->n);
	struct device_attn t = attn_of(a);

	for (size_t i = 0; p->plan->common && i < p->plan->n_spans; i++) {
		const struct span *s = &p->plan->spans[i];

		if (s->base >= 0 && s->row >= p->row && s->row < p->row + p->n)
			device_share(&d, &t, i, s->pos);
	}
}

static void gpu_attend(struct mem att, struct mem lse, struct mem q, const struct part *p,
                       const struct attn *a)
{
	struct device_part d = part_of(p->plan, p->row, p->n);
	struct device_attn t = attn_of(a);

	device_attend(acts(att), f32(lse), acts(q), &d, &t);
}

static void gpu_glu(struct mem h, struct mem keep_gate, struct mem keep_up, struct mem room,
                    struct mem a, const struct mat *w, size_t n, size_t f, enum glu kind)
{
	product(f32(room), w->n, 0, a, w->k, w, n);
	device_glu(acts(h), acts(keep_gate), acts(keep_up), f32(room), w->n / 2, n, f,
	           kind == GLU_GELU);
}

static void gpu_post(struct mem out, struct mem pre, struct mem r, struct mem x, struct mem y,
                     struct mem w, size_t n, size_t d, float eps)
{
	device_post(f32(out), f32(pre), f32(r), f32(x), f32(y), f32(w), n, d, eps);
}

static void gpu_gather(struct mem out, struct mem in, struct mem index, size_t n, size_t d)
{
	device_gather(acts(out), acts(in), ints(index), n, d);
}

static void gpu_score(struct mem out, struct mem x, struct mem y, size_t ld, struct mem token,
                      struct mem inv_t, size_t n, size_t v, enum score_want want)
{
	device_score((struct device_scored *)(void *)out.p, f32(x), f32(y), ld, ints(token),
	             f32(inv_t), n, v, (int)want);
}

static void gpu_sample(struct mem out, struct mem logits, size_t ld, size_t v,
                       const struct draw *draws, size_t n, const int *banned, size_t n_banned)
{
	struct device_draw *list = xreallocarray(NULL, n + 1, sizeof *list);
	void *on = scratch(DRAWS, (n + 1) * sizeof *list);
	int32_t *ids = scratch(BANNED, (n_banned + 1) * sizeof *ids);
	int copies = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sampling *s = &draws[i].how;

		list[i] = (struct device_draw){
			draws[i].row, draws[i].u,
			s->greedy || s->temperature <= 0 ? 0 : (float)(1 / s->temperature),
			(float)s->top_p, s->top_k, draws[i].banned,
		};
		copies |= draws[i].banned && n_banned;
	}
	device_send(on, list, n * sizeof *list);
	device_send(ids, banned, n_banned * sizeof *ids);
	device_sample((struct device_drawn *)(void *)out.p, f32(logits), ld, v, on,
	              copies ? scratch(COPIES, n * v * sizeof(float)) : NULL, n, ids, n_banned);
	free(list);
}

/* ---- backward ---- */

static size_t blocks_of(size_t n)
{
	return (n + DEVICE_SUM - 1) / DEVICE_SUM;
}

static void gpu_dlogits(struct mem dx, size_t ld, struct mem x, struct mem y, size_t ldx,
                        struct mem s, struct mem c, struct mem token, size_t n, size_t v)
{
	device_dlogits(acts(dx), ld, f32(x), f32(y), ldx, (struct device_scored *)(void *)s.p, f32(c),
	               ints(token), n, v);
}

static void gpu_scatter(struct mem out, struct mem in, struct mem index, size_t n, size_t d)
{
	device_scatter(f32(out), f32(in), ints(index), n, d);
}

static void gpu_gemm_dw(struct mem dw, struct mem dy, size_t ldy, struct mem x, size_t ldx,
                        size_t n, size_t outputs, size_t inputs)
{
	device_gemm(f32(dw), inputs, 1, acts(dy), ldy, 1, acts(x), ldx, 1, outputs, inputs, n);
}

static void gpu_norm_bwd(struct mem dx, struct mem dw, struct mem dy, struct mem x, struct mem w,
                         struct mem r, size_t n, size_t d)
{
	device_norm_bwd(f32(dx), f32(dw), f32(dy), f32(x), f32(w), f32(r),
	                scratch(SUMS, (blocks_of(n) + 1) * d * sizeof(float)), n, d);
}

static void gpu_glu_bwd(struct mem dgu, struct mem h, struct mem room, struct mem dy,
                        const struct mat *w, struct mem gate, struct mem up, size_t ld, size_t n,
                        enum glu kind)
{
	product(f32(room), w->n, 0, dy, w->k, w, n);
	device_glu_bwd(acts(dgu), acts(h), f32(room), acts(gate), acts(up), ld, n, w->n,
	               kind == GLU_GELU);
}

static void gpu_attend_bwd(struct mem dq, struct mem dk, struct mem dv, struct mem datt,
                           struct mem att, struct mem lse, struct mem q, const struct plan *p,
                           const struct attn *a)
{
	struct device_part d = part_of(p, 0, p->n);
	struct device_attn t = attn_of(a);

	device_attend_bwd(f32(dq), f32(dk), f32(dv), f32(datt), acts(att), f32(lse), acts(q),
	                  scratch(SUMS, (p->n * a->heads + 1) * sizeof(float)), &d, &t, p->common);
}

static void gpu_heads_bwd(struct mem dqkv, const struct mem dbias[3], const struct mem dnorm[2],
                          struct mem dq, struct mem dk, struct mem dv, struct mem pre,
                          struct mem r, const struct part *p, const struct attn *a)
{
	struct device_part d = part_of(p->plan, p->row, p->n);
	struct device_attn t = attn_of(a);
	float *bias[3] = {f32(dbias[0]), f32(dbias[1]), f32(dbias[2])};
	float *norm[2] = {f32(dnorm[0]), f32(dnorm[1])};

	device_heads_bwd(acts(dqkv), bias, norm, f32(dq), f32(dk), f32(dv), f32(pre), f32(r),
	                 scratch(SUMS, (blocks_of(p->n) + 1) * a->heads * a->size * sizeof(float)), &d,
	                 &t);
}

static void gpu_embed_bwd(struct mem g, struct mem dx, const struct plan *p, size_t d, float scale)
{
	device_embed_bwd(f32(g), f32(dx), part_of(p, 0, p->n).rows, p->n, d, scale);
}

static void gpu_thin(struct mem out, struct mem in, size_t ld, struct mem w, size_t r, size_t k,
                     int transposed, float scale, size_t n)
{
	float *y = scratch(THIN, (n * r + 1) * sizeof *y);

	device_gemm(y, r, 0, acts(in), ld, 0, acts(w), transposed ? r : k, transposed, n, r, k);
	device_scale_to_act(acts(out), y, scale, n * r);
}

/* ---- the optimiser ---- */

static void gpu_adamw(const struct adamw *rate, size_t n, struct mem g, struct mem p0,
                      struct mem m0, struct mem v0, struct mem w, struct mem p, struct mem m,
                      struct mem v)
{
	device_adamw(rate, n, f32(g), f32(p0), f32(m0), f32(v0), acts(w), f32(p), f32(m), f32(v));
}

static void gpu_to_act(struct mem out, struct mem x, size_t n)
{
	device_to_act(acts(out), f32(x), n);
}

static void gpu_from_act(struct mem out, struct mem x, size_t n)
{
	device_from_act(f32(out), acts(x), n);
}

static void gpu_sumsq(struct mem out, struct mem x, size_t n)
{
	device_sumsq((double *)(void *)out.p, f32(x),
	             scratch(SUMS, (n / (1 << 16) + 1) * sizeof(double)), n);
}

/* ---- the table ---- */

static const char *level_name = "cuda";

static const char *level(void)
{
	return level_name;
}

static const char *gpu_open(void)
{
	return device_open(&level_name);
}

const struct dev dev_cuda = {
	.name = "cuda", .chunk = 4096, .panel = PANEL, .head_part = 4096, .level = level,
	.threads = kern_threads, .open = gpu_open,
	.alloc = gpu_alloc, .release = gpu_release, .map = gpu_map, .unmap = gpu_unmap,
	.borrow = gpu_borrow, .give_back = gpu_release, .upload = gpu_upload,
	.download = gpu_download, .copy = gpu_copy, .zero = gpu_zero,
	.mat_new = gpu_mat_new, .mat_set = gpu_mat_set, .transpose = gpu_transpose,
	.merge = gpu_merge, .plan = gpu_plan, .plan_release = gpu_plan_release,
	.reserve = gpu_reserve, .cache_copy = gpu_cache_copy, .embed = gpu_embed, .norm = gpu_norm,
	.gemm = gpu_gemm, .heads = gpu_heads, .share = gpu_share, .attend = gpu_attend,
	.glu = gpu_glu, .post = gpu_post, .gather = gpu_gather, .score = gpu_score,
	.sample = gpu_sample, .dlogits = gpu_dlogits, .scatter = gpu_scatter, .gemm_dw = gpu_gemm_dw,
	.norm_bwd = gpu_norm_bwd, .glu_bwd = gpu_glu_bwd, .attend_bwd = gpu_attend_bwd,
	.heads_bwd = gpu_heads_bwd, .embed_bwd = gpu_embed_bwd, .thin = gpu_thin,
	.adamw = gpu_adamw, .to_act = gpu_to_act, .from_act = gpu_from_act, .sumsq = gpu_sumsq,
};
