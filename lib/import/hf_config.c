/* SPDX-License-Identifier: MIT */
/*
 * Reads config.json as a model_config. Both layouts of the rope settings are supported: rope_theta
 * with rope_scaling (and rope_local_base_freq), and rope_parameters of transformers 5. Missing keys
 * have the defaults of transformers for the architecture.
 */
#include "import/hf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 4 << 20 };

/* null counts as absent. */
static int absent(struct js v)
{
	return js_kind(v) == JS_NONE || js_kind(v) == JS_NULL;
}

/* 1 found, 0 absent, -1 error. */
static int get_size(struct js o, const char *key, uint32_t *out, struct err *e)
{
	struct js v = js_get(o, key);
	int64_t x = 0;
	int rc = absent(v) ? 0 : js_int(v, 0, UINT32_MAX, &x, e) ? err_prefix(e, "%s: ", key) : 1;

	js_free(v);
	if (rc > 0)
		*out = (uint32_t)x;
	return rc;
}

static int need_size(struct js o, const char *key, uint32_t *out, struct err *e)
{
	int rc = get_size(o, key, out, e);

	return rc > 0 ? 0 : rc ? -1 : err_set(e, "%s is missing", key);
}

static int get_number(struct js o, const char *key, double *out, struct err *e)
{
	struct js v = js_get(o, key);
	int rc = absent(v) ? 0 : js_kind(v) == JS_NUMBER ? 1 : err_set(e, "%s: expected a number", key);

	if (rc > 0)
		*out = js_number(v);
	js_free(v);
	return rc;
}

static int get_flag(struct js o, const char *key, int *out, struct err *e)
{
	struct js v = js_get(o, key);
	enum js_kind k = js_kind(v);
	int rc = absent(v)                       ? 0
	         : k == JS_TRUE || k == JS_FALSE ? 1
	                                         : err_set(e, "%s: expected true or false", key);

	if (rc > 0)
		*out = k == JS_TRUE;
	js_free(v);
	return rc;
}

/* The key must be absent or this text. */
static int only_text(struct js o, const char *key, const char *want, struct err *e)
{
	struct js v = js_get(o, key);
	int rc = 0;

	if (!absent(v) && (js_kind(v) != JS_STRING || strcmp(js_string(v), want)))
		rc = err_set(e, "%s: only \"%s\" is supported", key, want);
	js_free(v);
	return rc;
}

static const struct arch_row *find_arch(struct js o, enum arch *out, struct err *e)
{
	struct js list = js_get(o, "architectures"), first = js_at(list, 0),
	          type = js_get(o, "model_type");
	const char *name = js_kind(first) == JS_STRING ? js_string(first) : NULL;
	const char *kind = js_kind(type) == JS_STRING ? js_string(type) : "unknown";
	const struct arch_row *row = NULL;

	for (int a = ARCH_LLAMA; a < ARCHS && !row; a++) {
		const struct arch_row *r = arch_row(a);

		if (name ? !strcmp(name, r->hf) : !strcmp(kind, r->hf_type)) {
			row = r;
			*out = a;
		}
	}
	if (!row)
		err_set(e, "architecture '%.80s' is not supported (of %s)", name ? name : kind,
		        arch_list());
	js_free(list);
	js_free(first);
	js_free(type);
	return row;
}

/* Rope applies to whole heads: -1 if only a part of each should be rotated. */
static int whole_heads(struct js o, struct err *e)
{
	double part = 1;

	if (get_number(o, "partial_rotary_factor", &part, e) < 0)
		return -1;
	return part == 1 ? 0 : err_set(e, "partial_rotary_factor: %g is not supported", part);
}

/* One set of rope settings: scaling into c, theta into *theta. */
static int scaling(struct js o, struct model_config *c, double *theta, struct err *e)
{
	struct js type = js_get(o, "rope_type"), factor = js_get(o, "factor");
	const char *name;
	int rc = -1;

	if (absent(type)) {
		js_free(type);
		type = js_get(o, "type");
	}
	name = js_kind(type) == JS_STRING ? js_string(type) : absent(type) ? "default" : "?";
	if (get_number(o, "rope_theta", theta, e) < 0 || whole_heads(o, e))
		goto out;
	if (absent(type) && !absent(factor)) {
		err_set(e, "rope scaling: a factor, but no type of scaling");
	} else if (!strcmp(name, "default")) {
		rc = 0;
	} else if (!strcmp(name, "linear")) {
		rc = get_number(o, "factor", &c->rope_linear, e) > 0
		         ? 0
		         : err_set(e, "rope factor: expected a number");
		if (c->rope_linear == 1)
			c->rope_linear = 0;
	} else if (!strcmp(name, "llama3")) {
		if (get_number(o, "factor", &c->rope_factor, e) > 0 &&
		    get_number(o, "low_freq_factor", &c->rope_low, e) > 0 &&
		    get_number(o, "high_freq_factor", &c->rope_high, e) > 0 &&
		    get_size(o, "original_max_position_embeddings", &c->rope_orig, e) > 0)
			rc = 0;
		else
			err_set(e,
			        "rope scaling llama3: expected factor, low_freq_factor, high_freq_factor and "
			        "original_max_position_embeddings");
	} else {
		err_set(e, "rope scaling '%.40s' is not supported", name);
	}
out:
	js_free(type);
	js_free(factor);
	return rc;
}

static int rope(struct js o, struct model_config *c, struct err *e)
{
	struct js both = js_get(o, "rope_parameters"), old = js_get(o, "rope_scaling");
	struct js full = js_get(both, "full_attention"), local = js_get(both, "sliding_attention");
	struct model_config ignored = {0};
	int rc = -1;

	if (whole_heads(o, e) || get_number(o, "rope_theta", &c->rope_theta, e) < 0 ||
	    get_number(o, "rope_local_base_freq", &c->rope_local_theta, e) < 0)
		goto out;
	if (!absent(old) && scaling(old, c, &c->rope_theta, e))
		goto out;
	if (js_kind(full) == JS_OBJECT) {
		if (scaling(full, c, &c->rope_theta, e))
			goto out;
	} else if (!absent(both) && scaling(both, c, &c->rope_theta, e)) {
		goto out;
	}
	if (js_kind(local) == JS_OBJECT && scaling(local, &ignored, &c->rope_local_theta, e))
		goto out;
	if (ignored.rope_linear != 0 || ignored.rope_factor != 0) {
		err_set(e, "rope scaling of windowed layers is not supported");
		goto out;
	}
	rc = 0;
out:
	js_free(full);
	js_free(local);
	js_free(both);
	js_free(old);
	return rc;
}

static int fits(const unsigned char *windowed, uint32_t n, uint32_t every)
{
	for (uint32_t i = 0; i < n; i++)
		if (!windowed[i] != !(every && (i + 1) % every))
			return 0;
	return 1;
}

/* layer_types must be a regular pattern: *every as passed in if that fits, else given by the first
 * global layer. 1: found, 0: absent, -1: error. */
static int layer_types(struct js o, const struct model_config *c, uint32_t *every, struct err *e)
{
	struct js list = js_get(o, "layer_types");
	unsigned char *windowed = NULL;
	uint32_t first = 0;
	int rc = 0;

	if (absent(list))
		goto out;
	rc = -1;
	if (js_kind(list) != JS_ARRAY || js_len(list) != c->layers) {
		err_set(e, "layer_types: expected a type for each of %u layers", c->layers);
		goto out;
	}
	windowed = xcalloc(c->layers, 1);
	for (uint32_t i = 0; i < c->layers; i++) {
		struct js v = js_at(list, i);
		const char *s = js_kind(v) == JS_STRING ? js_string(v) : "?";
		int unknown = strcmp(s, "full_attention") && strcmp(s, "sliding_attention");

		windowed[i] = !strcmp(s, "sliding_attention");
		if (unknown)
			err_set(e, "layer_types: '%.40s' is not supported", s);
		js_free(v);
		if (unknown)
			goto out;
		if (!windowed[i] && !first)
			first = i + 1;
	}
	if (!fits(windowed, c->layers, *every))
		*every = first ? first : c->layers + 1;
	rc = fits(windowed, c->layers, *every) ? 1 : err_set(e, "layer_types: not a regular pattern");
out:
	free(windowed);
	js_free(list);
	return rc;
}

static int gemma3(struct js o, struct model_config *c, struct err *e)
{
	uint32_t every = 6;
	double scalar = 256;

	c->window = 4096;
	if (get_size(o, "sliding_window", &c->window, e) < 0 ||
	    get_size(o, "sliding_window_pattern", &every, e) < 0 ||
	    get_size(o, "_sliding_window_pattern", &every, e) < 0 || layer_types(o, c, &every, e) < 0 ||
	    get_number(o, "query_pre_attn_scalar", &scalar, e) < 0)
		return -1;
	c->window_every = every;
	if (every == 1)
		c->window = 0;
	if (!c->window) {
		c->window_every = 0;
		c->rope_local_theta = 0;
	}
	if (!(scalar > 0))
		return err_set(e, "query_pre_attn_scalar: %g is not positive", scalar);
	if (scalar != c->head_size)
		c->attn_scale = 1 / sqrt(scalar);
	return 0;
}

static int is_null(struct js o, const char *key)
{
	struct js v = js_get(o, key);
	int yes = js_kind(v) == JS_NULL;

	js_free(v);
	return yes;
}

static int rotated_at(struct js list, uint32_t i)
{
	struct js v = js_at(list, i);
	int yes = js_kind(v) != JS_NUMBER || js_number(v) != 0;

	js_free(v);
	return yes;
}

/* One window for all layers, or none. */
static int one_window(struct js o, struct model_config *c, struct err *e)
{
	uint32_t every = c->layers + 1;

	c->window = 4096;
	if (is_null(o, "sliding_window"))
		c->window = 0;
	else if (get_size(o, "sliding_window", &c->window, e) < 0)
		return -1;
	if (!c->window)
		return 0;
	c->window_every = every;
	c->rope_local_theta = c->rope_theta;
	if (c->rope_linear != 0 || c->rope_factor != 0)
		return err_set(e, "rope scaling of windowed layers is not supported");
	return 0;
}

/* no_rope_layers has 1 for a layer with rope; without it, every no_rope_layer_interval-th has
 * none. */
static int no_rope_layers(struct js o, struct model_config *c, struct err *e)
{
	struct js list = js_get(o, "no_rope_layers");
	uint32_t every = 4, first = 0;
	int rc = get_size(o, "no_rope_layer_interval", &every, e) < 0 ? -1 : 0;

	if (!rc && !absent(list)) {
		if (js_kind(list) != JS_ARRAY || js_len(list) != c->layers)
			rc = err_set(e, "no_rope_layers: expected a number for each of %u layers",
			             c->layers);
		for (uint32_t i = 0; i < c->layers && !rc && !first; i++)
			if (!rotated_at(list, i))
				first = i + 1;
		every = first || every <= c->layers ? first : every;
		for (uint32_t i = 0; i < c->layers && !rc; i++)
			if (rotated_at(list, i) != (!every || (i + 1) % every != 0))
				rc = err_set(e, "no_rope_layers: not a regular pattern");
	}
	c->rope_skip = every;
	js_free(list);
	return rc;
}

/* Refuses settings that our model does not implement. */
static int refuse_extras(struct js o, const struct model_config *c, struct err *e)
{
	static const char *const flags[] = {
		"attention_bias", "mlp_bias", "use_sliding_window", "use_bidirectional_attention",
	};
	static const char *const objects[] = {
		"quantization_config", "final_logit_softcapping", "attn_logit_softcapping", "num_experts",
	};
	uint32_t every = 1;
	int on;

	for (size_t i = 0; i < LEN(flags); i++) {
		on = 0;
		if (get_flag(o, flags[i], &on, e) < 0)
			return -1;
		if (on)
			return err_set(e, "%s: true is not supported", flags[i]);
	}
	for (size_t i = 0; i < LEN(objects); i++) {
		struct js v = js_get(o, objects[i]);
		int there = !absent(v);

		js_free(v);
		if (there)
			return err_set(e, "%s is not supported", objects[i]);
	}
	if (!arch_has(c->arch, WINDOWS) && layer_types(o, c, &every, e) < 0)
		return -1;
	if (!arch_has(c->arch, WINDOWS) && every != 1)
		return err_set(e, "layer_types: windowed layers are not supported");
	return 0;
}

/* Settings of architectures with particular traits. */
static int traits(struct js o, struct model_config *c, struct err *e)
{
	if (!arch_has(c->arch, WINDOWS))
		c->rope_local_theta = 0;
	if (arch_has(c->arch, WINDOWS) && gemma3(o, c, e))
		return -1;
	if (arch_has(c->arch, WINDOW) && one_window(o, c, e))
		return -1;
	return arch_has(c->arch, NO_ROPE_LAYERS) && no_rope_layers(o, c, e) ? -1 : 0;
}

static int read_config(struct js o, struct model_config *c, struct err *e)
{
	const struct arch_row *row = find_arch(o, &c->arch, e);
	double eps;

	if (!row)
		return -1;
	eps = row->eps;
	c->rope_theta = row->theta;
	c->rope_local_theta = arch_has(c->arch, WINDOWS) ? 10000 : 0;
	c->tied = row->tied;
	if (need_size(o, "num_hidden_layers", &c->layers, e) ||
	    need_size(o, "hidden_size", &c->width, e) ||
	    need_size(o, "intermediate_size", &c->ffn, e) ||
	    need_size(o, "num_attention_heads", &c->heads, e) ||
	    need_size(o, "vocab_size", &c->vocab, e) ||
	    need_size(o, "max_position_embeddings", &c->context, e))
		return -1;
	if (!c->heads)
		return err_set(e, "num_attention_heads: there are no heads");
	c->kv_heads = row->kv_heads ? row->kv_heads : c->heads;
	c->head_size = row->head_size ? row->head_size : c->width / c->heads;
	if (get_size(o, "num_key_value_heads", &c->kv_heads, e) < 0 ||
	    get_size(o, "head_dim", &c->head_size, e) < 0 ||
	    get_number(o, "rms_norm_eps", &eps, e) < 0 ||
	    get_flag(o, "tie_word_embeddings", &c->tied, e) < 0 ||
	    only_text(o, row->act_key, row->act, e) || rope(o, c, e))
		return -1;
	c->norm_eps = (float)eps;
	if (!c->kv_heads)
		return err_set(e, "num_key_value_heads: there are no heads");
	return traits(o, c, e) || refuse_extras(o, c, e) || model_config_check(c, e) ? -1 : 0;
}

int hf_config(const char *dir, struct model_config *out, struct err *e)
{
	struct js o;
	int rc;

	*out = (struct model_config){0};
	if (hf_json(dir, "config.json", CONFIG_MAX, 0, &o, e))
		return -1;
	rc = read_config(o, out, e);
	if (rc)
		err_prefix(e, "%s/config.json: ", dir);
	js_free(o);
	return rc;
}
