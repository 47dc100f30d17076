/* SPDX-License-Identifier: MIT */
/*
 * config.json as a model_config. Both layouts of the rope settings are read: rope_theta with
 * rope_scaling (and rope_local_base_freq), and transformers 5's rope_parameters. A missing key has the
 * default that transformers gives it for the architecture.
 */
#include "import/hf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_MAX = 4 << 20 };

static const struct {
	const char *architecture, *type;
	enum arch arch;
	const char *act_key, *act;
	double theta;
	int head_size;               /* 0: width / heads */
	int tied;
} known[] = {
	{"LlamaForCausalLM", "llama", ARCH_LLAMA, "hidden_act", "silu", 10000, 0, 0},
	{"Qwen2ForCausalLM", "qwen2", ARCH_QWEN2, "hidden_act", "silu", 10000, 0, 0},
	{"Qwen3ForCausalLM", "qwen3", ARCH_QWEN3, "hidden_act", "silu", 10000, 128, 0},
	{"Gemma3ForCausalLM", "gemma3_text", ARCH_GEMMA3, "hidden_activation", "gelu_pytorch_tanh", 1000000, 256, 1},
};

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
	int rc = absent(v) ? 0 : k == JS_TRUE || k == JS_FALSE ? 1 : err_set(e, "%s: expected true or false", key);

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

static int find_arch(struct js o, size_t *out, struct err *e)
{
	struct js list = js_get(o, "architectures"), first = js_at(list, 0), type = js_get(o, "model_type");
	const char *name = js_kind(first) == JS_STRING ? js_string(first) : NULL;
	int rc = -1;

	for (*out = 0; *out < LEN(known); ++*out)
		if (name ? !strcmp(name, known[*out].architecture)
		         : js_kind(type) == JS_STRING && !strcmp(js_string(type), known[*out].type))
			break;
	if (*out < LEN(known))
		rc = 0;
	else
		err_set(e, "architecture '%.80s' is not supported (LlamaForCausalLM, Qwen2ForCausalLM, "
		        "Qwen3ForCausalLM and Gemma3ForCausalLM are)",
		        name ? name : js_kind(type) == JS_STRING ? js_string(type) : "unknown");
	js_free(list);
	js_free(first);
	js_free(type);
	return rc;
}

/* One set of rope settings: scaling into c, theta into *theta. */
static int scaling(struct js o, struct model_config *c, double *theta, struct err *e)
{
	struct js type = js_get(o, "rope_type");
	const char *name;
	double part = 1;
	int rc = -1;

	if (absent(type)) {
		js_free(type);
		type = js_get(o, "type");
	}
	name = js_kind(type) == JS_STRING ? js_string(type) : absent(type) ? "default" : "?";
	if (get_number(o, "rope_theta", theta, e) < 0 || get_number(o, "partial_rotary_factor", &part, e) < 0)
		goto out;
	if (part != 1) {
		err_set(e, "partial_rotary_factor: %g is not supported", part);
	} else if (!strcmp(name, "default")) {
		rc = 0;
	} else if (!strcmp(name, "linear")) {
		rc = get_number(o, "factor", &c->rope_linear, e) > 0 ? 0 : err_set(e, "rope factor: expected a number");
		if (c->rope_linear == 1)
			c->rope_linear = 0;
	} else if (!strcmp(name, "llama3")) {
		if (get_number(o, "factor", &c->rope_factor, e) > 0 && get_number(o, "low_freq_factor", &c->rope_low, e) > 0 &&
		    get_number(o, "high_freq_factor", &c->rope_high, e) > 0 &&
		    get_size(o, "original_max_position_embeddings", &c->rope_orig, e) > 0)
			rc = 0;
		else
			err_set(e, "rope scaling llama3: expected factor, low_freq_factor, high_freq_factor and "
			        "original_max_position_embeddings");
	} else {
		err_set(e, "rope scaling '%.40s' is not supported", name);
	}
out:
	js_free(type);
	return rc;
}

static int rope(struct js o, struct model_config *c, struct err *e)
{
	struct js both = js_get(o, "rope_parameters"), old = js_get(o, "rope_scaling");
	struct js full = js_get(both, "full_attention"), local = js_get(both, "sliding_attention");
	struct model_config ignored = {0};
	int rc = -1;

	if (get_number(o, "rope_theta", &c->rope_theta, e) < 0 ||
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

/* layer_types must be a regular pattern: *every as it comes in, if that fits, else the distance of the first global
 * layer. 1 found, 0 absent, -1 error. */
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
	    get_size(o, "sliding_window_pattern", &every, e) < 0 || get_size(o, "_sliding_window_pattern", &every, e) < 0 ||
	    layer_types(o, c, &every, e) < 0 || get_number(o, "query_pre_attn_scalar", &scalar, e) < 0)
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

/* What would be computed otherwise. */
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
	if (c->arch != ARCH_GEMMA3 && layer_types(o, c, &every, e) < 0)
		return -1;
	if (c->arch != ARCH_GEMMA3 && every != 1)
		return err_set(e, "layer_types: windowed layers are not supported");
	return 0;
}

static int read_config(struct js o, struct model_config *c, struct err *e)
{
	double eps = 1e-6;
	size_t k;

	if (find_arch(o, &k, e))
		return -1;
	c->arch = known[k].arch;
	c->rope_theta = known[k].theta;
	c->rope_local_theta = c->arch == ARCH_GEMMA3 ? 10000 : 0;
	c->tied = known[k].tied;
	if (need_size(o, "num_hidden_layers", &c->layers, e) || need_size(o, "hidden_size", &c->width, e) ||
	    need_size(o, "intermediate_size", &c->ffn, e) || need_size(o, "num_attention_heads", &c->heads, e) ||
	    need_size(o, "vocab_size", &c->vocab, e) || need_size(o, "max_position_embeddings", &c->context, e))
		return -1;
	c->kv_heads = c->heads;
	c->head_size = (uint32_t)known[k].head_size;
	if (!c->heads)
		return err_set(e, "num_attention_heads: there are no heads");
	if (!c->head_size)
		c->head_size = c->width / c->heads;
	if (get_size(o, "num_key_value_heads", &c->kv_heads, e) < 0 || get_size(o, "head_dim", &c->head_size, e) < 0 ||
	    get_number(o, "rms_norm_eps", &eps, e) < 0 || get_flag(o, "tie_word_embeddings", &c->tied, e) < 0 ||
	    only_text(o, known[k].act_key, known[k].act, e) || rope(o, c, e))
		return -1;
	c->norm_eps = (float)eps;
	if (!c->kv_heads)
		return err_set(e, "num_key_value_heads: there are no heads");
	if (c->arch == ARCH_GEMMA3 ? gemma3(o, c, e) : (c->rope_local_theta = 0, 0))
		return -1;
	return refuse_extras(o, c, e) || model_config_check(c, e) ? -1 : 0;
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
