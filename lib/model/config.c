/* SPDX-License-Identifier: MIT */
/* A model's shape: its text form, its limits, and the list of its tensors. */
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
	FIELD(rope_skip, K_U32, 0, 1024),
#undef FIELD
};
/* fields after these are printed only where they differ from the default */
enum { ALWAYS = LEN(fields) - 3 };

static int says_something(const struct model_config *c, size_t field)
{
	return field < ALWAYS || (field < LEN(fields) - 1 ? c->lora_rank : c->rope_skip);
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
	for (size_t i = 0; i < LEN(fields); i++) {
		const struct field *f = &fields[i];

		if (!says_something(c, i))
			continue;
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
		return c->arch ? 0 : err_set(e, "%s: unsupported architecture '%s' (%s)", f->name,
		                             value, arch_list());
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
			return err_set(e, "%s: %g is not within %g..%g", f->name, x, f->min,
			               f->max);
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
	if (c->rope_factor != 0 && (c->rope_factor < 1 || c->rope_low <= 0 ||
	                            c->rope_high <= c->rope_low || !c->rope_orig))
		return err_set(e, "model configuration: rope scaling needs factor >= 1, "
		                  "0 < rope_low < rope_high and rope_orig");
	if (c->rope_linear != 0 && c->rope_linear < 1)
		return err_set(e, "model configuration: rope_linear %g is neither 0 nor at least 1",
		               c->rope_linear);
	if (c->window && !arch_has(c->arch, WINDOWS | WINDOW))
		return err_set(e, "model configuration: %s has no sliding window",
		               arch_name(c->arch));
	if (c->window && arch_has(c->arch, WINDOW) &&
	    (c->window_every <= c->layers || c->rope_local_theta != c->rope_theta))
		return err_set(e, "model configuration: %s has its window in every layer, with the "
		                  "angles of all: window_every > layers, rope_local_theta = "
		                  "rope_theta", arch_name(c->arch));
	if (c->rope_skip && !arch_has(c->arch, NO_ROPE_LAYERS))
		return err_set(e,
		               "model configuration: %s has no layers without rotation (rope_skip)",
		               arch_name(c->arch));
	if (c->window && c->rope_local_theta < 1)
		return err_set(e, "model configuration: a sliding window needs rope_local_theta");
	return 0;
}

int model_config_check(const struct model_config *c, struct err *e)
{
	if (c->arch < ARCH_LLAMA || c->arch >= ARCHS)
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
		return err_set(e, "model configuration: heads %u is not a multiple of kv_heads %u",
		               c->heads, c->kv_heads);
	if (c->head_size % 2)
		return err_set(e, "model configuration: head_size %u is odd", c->head_size);
	if (c->lora_rank && !(c->lora_alpha > 0))
		return err_set(e, "model configuration: lora_alpha must be positive");
	return check_rope(c, e);
}

/* ---- the list of tensors ---- */

static int part_there(const struct arch_tensor *t, const struct model_config *c)
{
	unsigned has = arch_row(c->arch)->traits | (c->tied ? 0 : NOT_TIED);

	return (has & t->with) == t->with && !(has & t->without);
}

static uint64_t size_of(enum size s, const struct model_config *c)
{
	uint64_t hs = (uint64_t)c->heads * c->head_size, gs = (uint64_t)c->kv_heads * c->head_size;
	int whole = arch_has(c->arch, NORMS_WHOLE);

	switch (s) {
	case SIZE_D: return c->width;
	case SIZE_F: return c->ffn;
	case SIZE_V: return c->vocab;
	case SIZE_HS: return hs;
	case SIZE_GS: return gs;
	case SIZE_NORM_Q: return whole ? hs : c->head_size;
	case SIZE_NORM_K: return whole ? gs : c->head_size;
	case SIZE_NONE: break;
	}
	return 1;
}

/* Number of a place's tensors that this model has. */
static size_t parts_there(const struct model_config *c, enum tensor_place place)
{
	size_t n, k = 0;
	const struct arch_tensor *t = arch_tensors(place, &n);

	for (size_t i = 0; i < n; i++)
		k += (size_t)part_there(&t[i], c);
	return k;
}

static size_t parts_per_layer(const struct model_config *c)
{
	return parts_there(c, IN_LAYER);
}

size_t model_base_params(const struct model_config *c)
{
	return parts_there(c, BEFORE_LAYERS) + c->layers * parts_per_layer(c) +
	       parts_there(c, AFTER_LAYERS);
}

/* The positions of a layer's matrices among its tensors; returns their number. */
static size_t layer_matrices(const struct model_config *c, size_t place[MATRICES])
{
	size_t n, m = 0, at = 0;
	const struct arch_tensor *t = arch_tensors(IN_LAYER, &n);

	for (size_t i = 0; i < n; i++) {
		if (!part_there(&t[i], c))
			continue;
		if (t[i].role == ROLE_MATRIX)
			place[m++] = at;
		at++;
	}
	return m;
}

size_t model_params(const struct model_config *c)
{
	size_t place[MATRICES];

	return model_base_params(c) + (c->lora_rank ? 2 * c->layers * layer_matrices(c, place) : 0);
}

size_t model_adapted(const struct model_config *c, size_t i)
{
	size_t place[MATRICES], n = layer_matrices(c, place), k = (i - model_base_params(c)) / 2;

	return parts_there(c, BEFORE_LAYERS) + k / n * parts_per_layer(c) + place[k % n];
}

size_t model_adapter(const struct model_config *c, size_t i)
{
	size_t place[MATRICES], n = layer_matrices(c, place), per = parts_per_layer(c),
		k = i - parts_there(c, BEFORE_LAYERS);

	if (!c->lora_rank || i < parts_there(c, BEFORE_LAYERS) || k >= c->layers * per)
		return 0;
	for (size_t j = 0; j < n; j++)
		if (place[j] == k % per)
			return model_base_params(c) + 2 * (k / per * n + j);
	return 0;
}

/* A tensor of an adapter; its name and sizes follow from the base's. */
static void adapter_param(const struct model_config *c, size_t i, struct param *p)
{
	int b = (i - model_base_params(c)) & 1;
	struct param w;

	model_param(c, model_adapted(c, i), &w);
	*p = (struct param){
		.rank = 2, .rows = b ? w.rows : c->lora_rank, .cols = b ? c->lora_rank : w.cols,
		.role = ROLE_ADAPTER, .kind = w.kind, .layer = w.layer, .hf = "",
	};
	snprintf(p->name, sizeof p->name, "%.55s.lora_%c", w.name, b ? 'b' : 'a');
}

void model_param(const struct model_config *c, size_t i, struct param *out)
{
	size_t per = parts_per_layer(c), first = parts_there(c, BEFORE_LAYERS), layer = 0, n;
	enum tensor_place place = BEFORE_LAYERS;
	const struct arch_tensor *t;

	if (i >= model_base_params(c)) {
		adapter_param(c, i, out);
		return;
	}
	if (i >= first) {
		i -= first;
		layer = i / per;
		place = layer < c->layers ? IN_LAYER : AFTER_LAYERS;
		i -= place == IN_LAYER ? layer * per : c->layers * per;
	}
	for (t = arch_tensors(place, &n); !part_there(t, c) || i--; t++)
		;
	*out = (struct param){
		.rank = t->cols == SIZE_NONE ? 1 : 2, .rows = size_of(t->rows, c),
		.cols = size_of(t->cols, c), .role = t->role, .kind = t->kind,
		.layer = place == IN_LAYER ? (int)layer : -1, .hf = t->hf,
	};
	if (place == IN_LAYER)
		snprintf(out->name, sizeof out->name, "blk.%zu.%s", layer, t->name);
	else
		snprintf(out->name, sizeof out->name, "%s", t->name);
}

int model_norm_plus_one(enum arch a, const struct param *p)
{
	return p->role == ROLE_NORM && arch_has(a, NORMS_PLUS_ONE);
}

int model_windowed(const struct model_config *c, size_t l)
{
	return c->window && c->window_every && (l + 1) % c->window_every != 0;
}

int model_rotated(const struct model_config *c, size_t l)
{
	return !c->rope_skip || (l + 1) % c->rope_skip != 0;
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
