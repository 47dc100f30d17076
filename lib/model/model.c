/* SPDX-License-Identifier: MIT */
/* Loading weights into their packed form, and the KV cache. */
#include "model/inside.h"

#include <math.h>
#include <stdlib.h>

/* ---- where each parameter lives ---- */

struct matrix *model_matrix(struct model *m, size_t i)
{
	struct param p;

	model_param(&m->c, i, &p);
	return p.role == ROLE_MATRIX ? &m->layers[p.layer].w[p.kind] : NULL;
}

/* slot[at .. at + n) = one + w; the slot has `all` values, initially zero. */
static void set_vector(struct mem *slot, size_t all, size_t at, struct mem w, size_t n, float one)
{
	const act *from = mem_map(w, n * sizeof *from);
	float *x = xmalloc(n * sizeof *x);

	for (size_t i = 0; i < n; i++)
		x[i] = one + act_f32(from[i]);
	mem_unmap(w, (void *)(uintptr_t)from, n * sizeof *from, 0);
	if (!mem_there(*slot)) {
		*slot = mem_new(all * sizeof *x);
		dev->zero(*slot, all * sizeof *x);
	}
	dev->upload(mem_f32(*slot, at), x, n * sizeof *x);
	free(x);
}

static void set_norm(struct model *m, const struct param *p, size_t i, struct mem w)
{
	struct layer *l = p->layer < 0 ? NULL : &m->layers[p->layer];

	set_vector(l ? &l->norm[p->kind] : &m->norm, p->rows, 0, w, p->rows,
	           (float)model_norm_plus_one(m->c.arch, p));
	*(l ? &l->norm_param[p->kind] : &m->norm_param) = (int)i;
}

static void set_embedding(struct model *m, size_t i, struct mem w)
{
	m->embed_param = (int)i;
	dev->mat_set(m->c.tied ? &m->head : &m->embed, 0, w, m->c.vocab);
	if (m->c.tied)
		m->head_param = (int)i;
}

void model_set(struct model *m, size_t i, struct mem w)
{
	struct param p;
	struct matrix *x;
	struct layer *l;

	model_param(&m->c, i, &p);
	l = p.layer < 0 ? NULL : &m->layers[p.layer];
	switch (p.role) {
	case ROLE_MATRIX:
		x = &l->w[p.kind];
		dev->mat_set(x->w, x->col, w, x->n);
		l->matrix_param[p.kind] = (int)i;
		break;
	case ROLE_BIAS:
		set_vector(&l->bias, l->qkv.n, l->w[p.kind].col, w, p.rows, 0);
		l->bias_param[p.kind] = (int)i;
		break;
	case ROLE_NORM:
		set_norm(m, &p, i, w);
		break;
	case ROLE_EMBED:
		set_embedding(m, i, w);
		break;
	case ROLE_HEAD:
		dev->mat_set(&m->head, 0, w, p.rows);
		m->head_param = (int)i;
		break;
	case ROLE_ADAPTER:               /* set by model_adapt */
		break;
	}
}

/* ---- making a model ---- */

/* Allocates a fused matrix of count parts side by side, each starting on a panel, those of MAT_GLU
 * on half of one. */
static void fuse(struct mat *w, struct matrix *parts, const size_t *n, size_t count, size_t k,
                 enum mat_kind kind)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		parts[i] = (struct matrix){.w = w, .col = total, .n = n[i], .k = k};
		total += kind == MAT_GLU ? halves_up(n[i]) : count > 1 ? panels_up(n[i]) : n[i];
	}
	*w = dev->mat_new(total, k, kind);
}

static void layer_init(struct layer *l, const struct model_config *c)
{
	size_t d = c->width, hs = q_width(c), gs = kv_width(c), f = c->ffn;

	memset(l->norm_param, -1, sizeof l->norm_param);
	memset(l->bias_param, -1, sizeof l->bias_param);
	memset(l->matrix_param, -1, sizeof l->matrix_param);
	fuse(&l->qkv, &l->w[W_Q], (size_t[]){hs, gs, gs}, 3, d, MAT_PACKED);
	fuse(&l->out, &l->w[W_O], (size_t[]){d}, 1, hs, MAT_PACKED);
	fuse(&l->gateup, &l->w[W_GATE], (size_t[]){f, f}, 2, d, MAT_GLU);
	fuse(&l->down, &l->w[W_DOWN], (size_t[]){d}, 1, f, MAT_PACKED);
}

/* Radians per position of each pair; Llama 3's scaling stretches long wavelengths. */
static void rope_init(struct rope_table *r, const struct model_config *c, double theta, int scaled)
{
	size_t half = c->head_size / 2;

	r->freq = xcalloc(half, sizeof *r->freq);
	for (size_t i = 0; i < half; i++) {
		double f = pow(theta, -2.0 * (double)i / c->head_size), turns;

		if (scaled && c->rope_factor > 0) {
			turns = c->rope_orig * f / (2 * M_PI);   /* over the original context */
			if (turns < c->rope_low)
				f /= c->rope_factor;
			else if (turns < c->rope_high) {
				double s = (turns - c->rope_low) / (c->rope_high - c->rope_low);

				f = (1 - s) * f / c->rope_factor + s * f;
			}
		}
		if (scaled && c->rope_linear > 1)
			f /= c->rope_linear;
		r->freq[i] = f;
	}
}

/* A parameter's values as act: the store's own memory, or in the fp32 build an owned copy. */
static act *widened(const bf16 *w, size_t n)
{
#ifdef SCORE_F32
	act *copy = w ? xmalloc(n * sizeof *copy) : NULL;

	for (size_t j = 0; copy && j < n; j++) {
		union { uint32_t u; float f; } v = {(uint32_t)w[j] << 16};

		copy[j] = v.f;
	}
	return copy;
#else
	(void)n;
	return (act *)(uintptr_t)w;
#endif
}

/* Loads base parameter i, with its adapter if it has one. */
static int load(struct model *m, size_t i, model_tensor_fn get, void *ctx, struct err *e)
{
	size_t at = model_adapter(&m->c, i), index[] = {i, at, at + 1};
	act *x[3] = {0};
	struct mem w[3] = {{0}};
	int rc = 0;

	for (size_t k = 0; !rc && k < (at ? 3 : 1); k++) {
		struct param p;
		const bf16 *data;

		model_param(&m->c, index[k], &p);
		rc = get(ctx, &p, &data, e);
		if (rc)
			break;
		x[k] = widened(data, p.rows * p.cols);
		w[k] = mem_borrow(x[k], p.rows * p.cols * sizeof *x[k]);
	}
	if (!rc && x[1] && x[2])
		model_adapt(m, i, w[0], w[1], w[2]);
	else if (!rc)
		model_set(m, i, w[0]);
	for (size_t k = 0; k < LEN(w); k++)
		mem_return(&w[k]);
#ifdef SCORE_F32
	free(x[0]), free(x[1]), free(x[2]);
#endif
	return rc;
}

int model_new(const struct model_config *c, model_tensor_fn get, void *ctx, struct model **out,
              struct err *e)
{
	struct model *m;

	if (model_config_check(c, e))
		return -1;
	m = xcalloc(1, sizeof *m);
	m->c = *c;
	m->layers = xcalloc(c->layers, sizeof *m->layers);
	for (size_t l = 0; l < c->layers; l++)
		layer_init(&m->layers[l], c);
	m->head = dev->mat_new(c->vocab, c->width, MAT_PACKED);
	if (!c->tied)
		m->embed = dev->mat_new(c->vocab, c->width, MAT_ROWS);
	rope_init(&m->rope[0], c, c->rope_theta, 1);
	rope_init(&m->rope[1], c, c->rope_local_theta > 0 ? c->rope_local_theta : c->rope_theta, 0);
	for (size_t i = 0; i < model_base_params(c); i++)
		if (load(m, i, get, ctx, e)) {
			model_free(m);
			return -1;
		}
	*out = m;
	return 0;
}

static void layer_free(struct layer *y)
{
	mem_free(&y->qkv.mem);
	mem_free(&y->out.mem);
	mem_free(&y->gateup.mem);
	mem_free(&y->down.mem);
	for (size_t i = 0; i < MATRICES; i++) {
		mem_free(&y->w[i].lora_a);
		mem_free(&y->w[i].lora_b);
	}
	mem_free(&y->bias);
	for (int i = 0; i < NORMS; i++)
		mem_free(&y->norm[i]);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t l = 0; l < m->c.layers; l++)
		layer_free(&m->layers[l]);
	free(m->layers);
	mem_free(&m->head.mem);
	mem_free(&m->embed.mem);
	mem_free(&m->norm);
	for (int i = 0; i < 2; i++) {
		free(m->rope[i].freq);
		mem_free(&m->rope[i].cos);
		mem_free(&m->rope[i].sin);
	}
	for (size_t i = 0; i < SCRATCHES; i++)
		mem_free(&m->scratch[i]);
	dev->plan_release(&m->plan);
	free(m->plan.rows);
	free(m->plan.spans);
	free(m);
}

const struct model_config *model_config(const struct model *m)
{
	return &m->c;
}

/* ---- KV cache ---- */

size_t kv_bytes(const struct model_config *c, size_t cap)
{
	return 2 * (size_t)c->layers * c->kv_heads * c->head_size * cap * sizeof(act);
}

void kv_init(struct kv *kv, const struct model_config *c, size_t cap)
{
	*kv = (struct kv){.cache = {.mem = mem_new(kv_bytes(c, cap)), .cap = cap}};
}

void kv_release(struct kv *kv)
{
	mem_free(&kv->cache.mem);
	*kv = (struct kv){0};
}

void kv_common(struct kv *kv, const struct kv *common, size_t n)
{
	kv->cache.cap += n;
	kv->cache.common = common->cache.mem;
	kv->cache.common_cap = common->cache.cap;
	kv->cache.from = n;
}

struct kv kv_own(const struct kv *kv)
{
	return (struct kv){.cache = {.mem = kv->cache.mem, .cap = kv->cache.cap - kv->cache.from}};
}

void kv_copy(struct kv *dst, const struct kv *src, size_t n, const struct model_config *c)
{
	dev->cache_copy(dst->cache, src->cache, n, (size_t)c->layers * c->kv_heads, c->head_size);
	dst->len = n;
}
