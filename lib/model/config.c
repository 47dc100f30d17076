/* SPDX-License-Identifier: MIT */
/* A model's shape as text, its limits, and the list of its tensors. */
#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * One line per field: print, parse and set walk this table, so that a field cannot be
 * in one and missing in another. Limits keep every product below 2^50.
 */
enum kind { K_ARCH, K_U32, K_FLAG, K_F32, K_F64 };

static const struct field {
	const char *name;
	enum kind kind;
	size_t at;
	double min, max;
} fields[] = {
#define FIELD(f, k, lo, hi) {#f, k, offsetof(struct model_config, f), lo, hi}
	FIELD(arch, K_ARCH, 0, 0),
	FIELD(layers, K_U32, 1, 1024),
	FIELD(width, K_U32, 1, 65536),
	FIELD(heads, K_U32, 1, 1024),
	FIELD(kv_heads, K_U32, 1, 1024),
	FIELD(head_size, K_U32, 2, 1024),
	FIELD(ffn, K_U32, 1, 1 << 20),
	FIELD(vocab, K_U32, 1, 1 << 24),
	FIELD(context, K_U32, 1, 1 << 24),
	FIELD(norm_eps, K_F32, 0, 1),
	FIELD(rope_theta, K_F64, 1, 1e12),
	FIELD(rope_factor, K_F64, 0, 1e6),
	FIELD(rope_low, K_F64, 0, 1e6),
	FIELD(rope_high, K_F64, 0, 1e6),
	FIELD(rope_orig, K_U32, 0, 1 << 24),
	FIELD(rope_linear, K_F64, 0, 1e6),
	FIELD(tied, K_FLAG, 0, 1),
	FIELD(window, K_U32, 0, 1 << 24),
	FIELD(window_every, K_U32, 0, 1024),
	FIELD(rope_local_theta, K_F64, 0, 1e12),
	FIELD(attn_scale, K_F64, 0, 1e6),
	FIELD(lora_rank, K_U32, 0, 4096),
	FIELD(lora_alpha, K_F64, 0, 1e6),
#undef FIELD
};
enum { ALWAYS = LEN(fields) - 2 };       /* the fields after these are there with adapters only */

static const char *const arch_names[] = {
	[ARCH_LLAMA] = "llama", [ARCH_QWEN2] = "qwen2", [ARCH_QWEN3] = "qwen3", [ARCH_GEMMA3] = "gemma3",
};

const char *arch_name(enum arch a)
{
	return a >= ARCH_LLAMA && a <= ARCH_GEMMA3 ? arch_names[a] : "unknown";
}

enum arch arch_by_name(const char *name)
{
	for (int a = ARCH_LLAMA; a <= ARCH_GEMMA3; a++)
		if (!strcmp(name, arch_names[a]))
			return a;
	return 0;
}

static uint32_t *u32_at(const struct model_config *c, const struct field *f)
{
	return (uint32_t *)((char *)c + f->at);
}

static double number_of(const struct model_config *c, const struct field *f)
{
	const char *p = (const char *)c + f->at;

	switch (f->kind) {
	case K_F32:
		return *(const float *)p;
	case K_F64:
		return *(const double *)p;
	case K_FLAG:
		return *(const int *)p;
	default:
		return *u32_at(c, f);
	}
}

void model_config_print(const struct model_config *c, struct buf *out)
{
	for (size_t i = 0; i < (c->lora_rank ? LEN(fields) : ALWAYS); i++) {
		const struct field *f = &fields[i];

		buf_addf(out, "%s ", f->name);
		if (f->kind == K_ARCH)
			buf_adds(out, arch_name(c->arch));
		else if (f->kind == K_F32)
			buf_addf(out, "%.9g", number_of(c, f));
		else
			buf_addf(out, "%.17g", number_of(c, f));
		buf_addc(out, '\n');
	}
}

const char *model_config_field(size_t i)
{
	return i < ALWAYS ? fields[i].name : NULL;
}

static int set(struct model_config *c, const struct field *f, const char *value, struct err *e)
{
	uint64_t u;
	double x;

	switch (f->kind) {
	case K_ARCH:
		c->arch = arch_by_name(value);
		return c->arch ? 0 : err_set(e, "%s: unsupported architecture '%s' (llama, qwen2, qwen3, gemma3)",
		                             f->name, value);
	case K_U32:
	case K_FLAG:
		if (parse_u64(value, (uint64_t)f->min, (uint64_t)f->max, &u, e))
			return err_prefix(e, "%s: ", f->name);
		if (f->kind == K_FLAG)
			*(int *)((char *)c + f->at) = (int)u;
		else
			*u32_at(c, f) = (uint32_t)u;
		return 0;
	default:
		if (parse_f64(value, &x, e))
			return err_prefix(e, "%s: ", f->name);
		if (x < f->min || x > f->max)
			return err_set(e, "%s: %g is not within %g..%g", f->name, x, f->min, f->max);
		if (f->kind == K_F32)
			*(float *)((char *)c + f->at) = (float)x;
		else
			*(double *)((char *)c + f->at) = x;
		return 0;
	}
}

int model_config_set(struct model_config *c, const char *name, const char *value, struct err *e)
{
	for (size_t i = 0; i < LEN(fields); i++)
		if (!strcmp(name, fields[i].name))
			return set(c, &fields[i], value, e);
	return err_set(e, "%.64s: unknown field", name);
}

int model_config_parse(const char *text, struct model_config *out, struct err *e)
{
	struct model_config c = {0};
	unsigned char seen[LEN(fields)] = {0};
	char *copy = xstrdup(text), *save = NULL;
	int rc = -1;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');
		size_t i;

		if (!value) {
			err_set(e, "model configuration: expected 'name value', got '%.64s'", line);
			goto out;
		}
		*value++ = 0;
		for (i = 0; i < LEN(fields) && strcmp(line, fields[i].name); i++)
			;
		if (i == LEN(fields)) {
			err_set(e, "model configuration: unknown field '%.64s'", line);
			goto out;
		}
		if (seen[i]++) {
			err_set(e, "model configuration: %s given twice", line);
			goto out;
		}
		if (set(&c, &fields[i], value, e)) {
			err_prefix(e, "model configuration: ");
			goto out;
		}
	}
	for (size_t i = 0; i < ALWAYS; i++)
		if (!seen[i]) {
			err_set(e, "model configuration: %s is missing", fields[i].name);
			goto out;
		}
	rc = model_config_check(&c, e);
	if (!rc)
		*out = c;
out:
	free(copy);
	return rc;
}

static int check_rope(const struct model_config *c, struct err *e)
{
	if (c->rope_factor != 0 && (c->rope_factor < 1 || c->rope_low <= 0 || c->rope_high <= c->rope_low || !c->rope_orig))
		return err_set(e, "model configuration: rope scaling needs factor >= 1, 0 < rope_low < rope_high and rope_orig");
	if (c->rope_linear != 0 && c->rope_linear < 1)
		return err_set(e, "model configuration: rope_linear %g is neither 0 nor at least 1", c->rope_linear);
	if (c->window && c->arch != ARCH_GEMMA3)
		return err_set(e, "model configuration: a sliding window is supported for gemma3 only");
	if (c->window && c->rope_local_theta < 1)
		return err_set(e, "model configuration: a sliding window needs rope_local_theta");
	return 0;
}

int model_config_check(const struct model_config *c, struct err *e)
{
	if (c->arch < ARCH_LLAMA || c->arch > ARCH_GEMMA3)
		return err_set(e, "model configuration: unsupported architecture");
	for (size_t i = 1; i < LEN(fields); i++) {
		double x = number_of(c, &fields[i]);

		if (!(x >= fields[i].min && x <= fields[i].max))
			return err_set(e, "model configuration: %s: %.9g is not within %.9g..%.9g",
			               fields[i].name, x, fields[i].min, fields[i].max);
	}
	if (!(c->norm_eps > 0))
		return err_set(e, "model configuration: norm_eps must be positive");
	if (c->heads % c->kv_heads)
		return err_set(e, "model configuration: heads %u is not a multiple of kv_heads %u", c->heads, c->kv_heads);
	if (c->head_size % 2)
		return err_set(e, "model configuration: head_size %u is odd", c->head_size);
	if (c->lora_rank && !(c->lora_alpha > 0))
		return err_set(e, "model configuration: lora_alpha must be positive");
	return check_rope(c, e);
}

/* ---- the list of tensors ---- */

enum size { ONE, D, F, V, HS, GS, S };
enum { NOT_TIED = 1 << 8 };

static const struct part {
	const char *name;
	enum size rows, cols;            /* ONE: a vector */
	unsigned where;                  /* bit per architecture; 0: all; NOT_TIED */
} head_parts[] = {
	{"token_embd.weight", V, D, 0},
}, layer_parts[] = {
	{"attn_norm.weight", D, ONE, 0},
	{"attn_q.weight", HS, D, 0},
	{"attn_k.weight", GS, D, 0},
	{"attn_v.weight", GS, D, 0},
	{"attn_q.bias", HS, ONE, 1 << ARCH_QWEN2},
	{"attn_k.bias", GS, ONE, 1 << ARCH_QWEN2},
	{"attn_v.bias", GS, ONE, 1 << ARCH_QWEN2},
	{"attn_q_norm.weight", S, ONE, 1 << ARCH_QWEN3 | 1 << ARCH_GEMMA3},
	{"attn_k_norm.weight", S, ONE, 1 << ARCH_QWEN3 | 1 << ARCH_GEMMA3},
	{"attn_output.weight", D, HS, 0},
	{"post_attention_norm.weight", D, ONE, 1 << ARCH_GEMMA3},
	{"ffn_norm.weight", D, ONE, 0},
	{"ffn_gate.weight", F, D, 0},
	{"ffn_up.weight", F, D, 0},
	{"ffn_down.weight", D, F, 0},
	{"post_ffw_norm.weight", D, ONE, 1 << ARCH_GEMMA3},
}, tail_parts[] = {
	{"output_norm.weight", D, ONE, 0},
	{"output.weight", V, D, NOT_TIED},
};

static int part_there(const struct part *p, const struct model_config *c)
{
	if (p->where == NOT_TIED)
		return !c->tied;
	return !p->where || p->where >> c->arch & 1;
}

static size_t parts_there(const struct part *p, size_t n, const struct model_config *c)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += part_there(&p[i], c);
	return k;
}

static uint64_t size_of(enum size s, const struct model_config *c)
{
	switch (s) {
	case D: return c->width;
	case F: return c->ffn;
	case V: return c->vocab;
	case HS: return (uint64_t)c->heads * c->head_size;
	case GS: return (uint64_t)c->kv_heads * c->head_size;
	case S: return c->head_size;
	case ONE: break;
	}
	return 1;
}

static size_t parts_per_layer(const struct model_config *c)
{
	return parts_there(layer_parts, LEN(layer_parts), c);
}

size_t model_base_params(const struct model_config *c)
{
	return LEN(head_parts) + c->layers * parts_per_layer(c) + parts_there(tail_parts, LEN(tail_parts), c);
}

/* A layer's matrices by their place in it. */
static size_t layer_matrices(const struct model_config *c, size_t place[LEN(layer_parts)])
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < LEN(layer_parts); i++) {
		if (!part_there(&layer_parts[i], c))
			continue;
		if (layer_parts[i].cols != ONE)
			place[n++] = at;
		at++;
	}
	return n;
}

size_t model_params(const struct model_config *c)
{
	size_t place[LEN(layer_parts)];

	return model_base_params(c) + (c->lora_rank ? 2 * c->layers * layer_matrices(c, place) : 0);
}

size_t model_adapted(const struct model_config *c, size_t i)
{
	size_t place[LEN(layer_parts)], n = layer_matrices(c, place), k = (i - model_base_params(c)) / 2;

	return LEN(head_parts) + k / n * parts_per_layer(c) + place[k % n];
}

size_t model_adapter(const struct model_config *c, size_t i)
{
	size_t place[LEN(layer_parts)], n = layer_matrices(c, place), per = parts_per_layer(c), k = i - LEN(head_parts);

	if (!c->lora_rank || i < LEN(head_parts) || k >= c->layers * per)
		return 0;
	for (size_t j = 0; j < n; j++)
		if (place[j] == k % per)
			return model_base_params(c) + 2 * (k / per * n + j);
	return 0;
}

/* A tensor of an adapter: the base's name and sizes tell its own. */
static void adapter_param(const struct model_config *c, size_t i, struct param *p)
{
	int b = (i - model_base_params(c)) & 1;
	struct param w;

	model_param(c, model_adapted(c, i), &w);
	*p = (struct param){.rank = 2, .rows = b ? w.rows : c->lora_rank, .cols = b ? c->lora_rank : w.cols};
	snprintf(p->name, sizeof p->name, "%.55s.lora_%c", w.name, b ? 'b' : 'a');
}

void model_param(const struct model_config *c, size_t i, struct param *out)
{
	size_t per = parts_per_layer(c), layer = 0, k = i;
	const struct part *p = head_parts;
	int in_layer = 0;

	if (i >= model_base_params(c)) {
		adapter_param(c, i, out);
		return;
	}
	if (i >= LEN(head_parts)) {
		k = i - LEN(head_parts);
		in_layer = k < c->layers * per;
		layer = k / per;
		k -= in_layer ? layer * per : c->layers * per;
		p = in_layer ? layer_parts : tail_parts;
	}
	while (!part_there(p, c) || k--)
		p++;
	*out = (struct param){.rank = p->cols == ONE ? 1 : 2, .rows = size_of(p->rows, c), .cols = size_of(p->cols, c)};
	if (in_layer)
		snprintf(out->name, sizeof out->name, "blk.%zu.%s", layer, p->name);
	else
		snprintf(out->name, sizeof out->name, "%s", p->name);
}

int model_norm_plus_one(enum arch a, const char *param)
{
	return a == ARCH_GEMMA3 && str_ends(param, "norm.weight");
}

uint64_t model_size(const struct model_config *c)
{
	uint64_t n = 0;
	struct param p;

	for (size_t i = 0; i < model_params(c); i++) {
		model_param(c, i, &p);
		n += p.rows * p.cols;
	}
	return n;
}
