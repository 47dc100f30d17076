/* SPDX-License-Identifier: MIT */
/* Weights in their packed form, and the KV cache. */
#include "model/model_internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- where each parameter lives ---- */

static const struct { const char *suffix; int what; } matrices[] = {
	{"attn_q.weight", 0}, {"attn_k.weight", 1}, {"attn_v.weight", 2}, {"attn_output.weight", 3},
	{"ffn_gate.weight", 4}, {"ffn_up.weight", 5}, {"ffn_down.weight", 6},
}, norms[] = {
	{"attn_norm.weight", NORM_ATTN}, {"post_attention_norm.weight", NORM_POST_ATTN},
	{"ffn_norm.weight", NORM_FFN}, {"post_ffw_norm.weight", NORM_POST_FFN},
	{"attn_q_norm.weight", NORM_Q}, {"attn_k_norm.weight", NORM_K},
}, biases[] = {
	{"attn_q.bias", 0}, {"attn_k.bias", 1}, {"attn_v.bias", 2},
};

static struct matrix *layer_matrix(struct layer *l, int what)
{
	struct matrix *all[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->dn};

	return all[what];
}

/* Parses "blk.7.attn_q.weight"; returns the suffix, or NULL if it is no layer's tensor. */
static const char *split_name(const char *name, size_t *layer)
{
	char *end;

	if (strncmp(name, "blk.", 4))
		return NULL;
	*layer = strtoul(name + 4, &end, 10);
	return *end == '.' ? end + 1 : NULL;
}

struct matrix *model_matrix(struct model *m, size_t i)
{
	struct param p;
	const char *suffix;
	size_t layer;

	model_param(&m->c, i, &p);
	suffix = split_name(p.name, &layer);
	for (size_t j = 0; suffix && j < LEN(matrices); j++)
		if (!strcmp(suffix, matrices[j].suffix))
			return layer_matrix(&m->layers[layer], matrices[j].what);
	return NULL;
}

static void set_matrix(struct matrix *x, const act *w)
{
	pack_into(x->w->p + x->col * ((x->k + 1) / 2 * 2), w, x->n, x->k, x->k, 0);
}

static void set_norm(float **slot, const act *w, const struct param *p, enum arch arch)
{
	float one = (float)model_norm_plus_one(arch, p->name);

	if (!*slot)
		*slot = xaligned(p->rows * sizeof **slot);
	for (size_t i = 0; i < p->rows; i++)
		(*slot)[i] = one + act_f32(w[i]);
}

static void set_layer(struct layer *l, enum arch arch, const char *suffix, const struct param *p,
                      size_t i, const act *w)
{
	for (size_t j = 0; j < LEN(matrices); j++)
		if (!strcmp(suffix, matrices[j].suffix)) {
			set_matrix(layer_matrix(l, matrices[j].what), w);
			l->matrix_param[matrices[j].what] = (int)i;
		}
	for (size_t j = 0; j < LEN(norms); j++)
		if (!strcmp(suffix, norms[j].suffix)) {
			set_norm(&l->norm[norms[j].what], w, p, arch);
			l->norm_param[norms[j].what] = (int)i;
		}
	for (size_t j = 0; j < LEN(biases); j++)
		if (!strcmp(suffix, biases[j].suffix)) {
			struct matrix *x = layer_matrix(l, biases[j].what);

			if (!l->bias)
				l->bias = xcalloc(l->qkv.n, sizeof *l->bias);
			kern->from_act(l->bias + x->col, w, p->rows);
			l->bias_param[biases[j].what] = (int)i;
		}
}

void model_set(struct model *m, size_t i, const act *w)
{
	struct param p;
	const char *suffix;
	size_t layer;

	model_param(&m->c, i, &p);
	suffix = split_name(p.name, &layer);
	if (suffix) {
		set_layer(&m->layers[layer], m->c.arch, suffix, &p, i, w);
	} else if (!strcmp(p.name, "output_norm.weight")) {
		set_norm(&m->norm, w, &p, m->c.arch);
		m->norm_param = (int)i;
	} else if (!strcmp(p.name, "token_embd.weight")) {
		m->embed_param = (int)i;
		if (m->c.tied) {
			set_matrix(&m->head_m, w);
			m->head_param = (int)i;
		} else {
			if (!m->embed)
				m->embed = xaligned(p.rows * p.cols * sizeof(act));
			memcpy(m->embed, w, p.rows * p.cols * sizeof(act));
		}
	} else if (!strcmp(p.name, "output.weight")) {
		set_matrix(&m->head_m, w);
		m->head_param = (int)i;
	}
}

/* ---- making a model ---- */

/* Room for parts side by side, each starting on a panel. */
static void fuse(struct packed *w, struct matrix **parts, const size_t *n, size_t count, size_t k)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		*parts[i] = (struct matrix){.w = w, .col = total, .n = n[i], .k = k};
		total += panels_up(n[i]);
	}
	*w = (struct packed){.p = xaligned(total * ((k + 1) / 2 * 2) * sizeof(act)), .n = count > 1 ? total : n[0], .k = k};
}

static void layer_init(struct layer *l, const struct model_config *c)
{
	size_t d = c->width, hs = (size_t)c->heads * c->head_size, gs = (size_t)c->kv_heads * c->head_size;
	size_t f = c->ffn;

	memset(l->norm_param, -1, sizeof l->norm_param);
	memset(l->bias_param, -1, sizeof l->bias_param);
	memset(l->matrix_param, -1, sizeof l->matrix_param);
	fuse(&l->qkv, (struct matrix *[]){&l->q, &l->k, &l->v}, (size_t[]){hs, gs, gs}, 3, d);
	fuse(&l->out, (struct matrix *[]){&l->o}, (size_t[]){d}, 1, hs);
	fuse(&l->gateup, (struct matrix *[]){&l->gate, &l->up}, (size_t[]){f, f}, 2, d);
	fuse(&l->down, (struct matrix *[]){&l->dn}, (size_t[]){d}, 1, f);
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

/* The values of a parameter as act: the store's own memory, or in the fp32 build a copy (owned then). */
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

/* Base parameter i, with its adapter if it has one. */
static int load(struct model *m, size_t i, model_tensor_fn get, void *ctx, struct err *e)
{
	size_t at = model_adapter(&m->c, i), index[] = {i, at, at + 1};
	act *x[3] = {0};
	int rc = 0;

	for (size_t k = 0; !rc && k < (at ? 3 : 1); k++) {
		struct param p;
		const bf16 *w;

		model_param(&m->c, index[k], &p);
		rc = get(ctx, &p, &w, e);
		if (!rc)
			x[k] = widened(w, p.rows * p.cols);
	}
	if (!rc && x[1] && x[2])
		model_adapt(m, i, x[0], x[1], x[2]);
	else if (!rc)
		model_set(m, i, x[0]);
#ifdef SCORE_F32
	free(x[0]), free(x[1]), free(x[2]);
#endif
	return rc;
}

int model_new(const struct model_config *c, model_tensor_fn get, void *ctx, struct model **out, struct err *e)
{
	struct model *m;

	if (model_config_check(c, e))
		return -1;
	if (!kern)
		return err_set(e, "kern_init was not called");
	m = xcalloc(1, sizeof *m);
	m->c = *c;
	m->threads = (size_t)kern_threads();
	m->layers = xcalloc(c->layers, sizeof *m->layers);
	for (size_t l = 0; l < c->layers; l++)
		layer_init(&m->layers[l], c);
	fuse(&m->head, (struct matrix *[]){&m->head_m}, (size_t[]){c->vocab}, 1, c->width);
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

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t l = 0; l < m->c.layers; l++) {
		struct layer *y = &m->layers[l];

		pack_free(&y->qkv);
		pack_free(&y->out);
		pack_free(&y->gateup);
		pack_free(&y->down);
		for (size_t i = 0; i < LEN(matrices); i++) {
			free(layer_matrix(y, (int)i)->lora_a);
			free(layer_matrix(y, (int)i)->lora_b);
		}
		free(y->bias);
		for (int i = 0; i < NORMS; i++)
			free(y->norm[i]);
	}
	free(m->layers);
	pack_free(&m->head);
	free(m->embed);
	free(m->norm);
	for (int i = 0; i < 2; i++) {
		free(m->rope[i].freq);
		free(m->rope[i].cos);
		free(m->rope[i].sin);
	}
	free(m->s.x);
	free(m->s.qkv);
	free(m->s.tmp);
	free(m->s.gu);
	free(m->s.xn);
	free(m->s.q);
	free(m->s.att);
	free(m->s.h);
	free(m->s.attn);
	free(m->s.spans);
	free(m->s.blocks);
	for (size_t i = 0; i < LEN(m->b.room); i++)
		free(m->b.room[i].p);
	for (size_t i = 0; i < LEN(m->lora); i++)
		free(m->lora[i].p);
	free(m);
}

const struct model_config *model_config(const struct model *m)
{
	return &m->c;
}

/* ---- KV cache ---- */

/* From here on a cache is a mapping of its own: one that ends gives its memory back, so that bounds on memory hold. */
enum { KV_MAPPED = 1 << 18 };

size_t kv_bytes(const struct model_config *c, size_t cap)
{
	return 2 * (size_t)c->layers * c->kv_heads * c->head_size * cap * sizeof(act);
}

void kv_init(struct kv *kv, const struct model_config *c, size_t cap)
{
	size_t n = kv_bytes(c, cap);

	*kv = (struct kv){.cap = cap, .mapped = n < KV_MAPPED ? 0 : n};
	kv->data = kv->mapped ? pages_new(n) : xaligned(n);
}

void kv_release(struct kv *kv)
{
	if (kv->mapped)
		pages_free(kv->data, kv->mapped);
	else
		free(kv->data);
	*kv = (struct kv){0};
}

void kv_copy(struct kv *dst, const struct kv *src, size_t n, const struct model_config *c)
{
	size_t width = c->head_size;

	for (size_t i = 0; i < 2 * (size_t)c->layers * c->kv_heads; i++)
		memcpy(dst->data + i * dst->cap * width, src->data + i * src->cap * width,
		       n * width * sizeof(act));
	dst->len = n;
}
