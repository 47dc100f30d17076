/* SPDX-License-Identifier: MIT */
/* Reads a GGUF file's ARCH.* keys as a model_config. Defaults are llama.cpp's. */
#include "import/gguf.h"

#include "import/quant.h"
#include "import/rope.h"

#include <stdlib.h>
#include <string.h>

enum { GEMMA3_EVERY = 6, GEMMA3_27B_LAYERS = 62 };

static int missing(const struct gguf *g, const char *name, struct err *e)
{
	return err_set(e, "%s: key %s%s is missing", g->map.path, *name == '.' ? g->arch : "", name);
}

/* An integer, or an array that repeats one (some converters write a value per layer). 1: found, 0:
 * absent, -1: error. */
static int size_key(const struct gguf *g, const char *name, uint32_t *out, struct err *e)
{
	char full[160];
	const struct gguf_key *k;
	uint64_t v, n;
	const unsigned char *p;
	int found;

	snprintf(full, sizeof full, "%s%s", g->arch, name);
	k = gguf_key(g, full);
	if (k && k->type == GGUF_ARRAY) {
		if (gguf_words(g, full, k->elem == GGUF_U32 ? GGUF_U32 : GGUF_I32, &p, &n, e) < 0)
			return -1;
		if (!n)
			return err_set(e, "%s: key %s: empty array", g->map.path, full);
		*out = le32(p);
		for (uint64_t i = 1; i < n; i++)
			if (le32(p + 4 * i) != *out)
				return err_set(e, "%s: key %s: layers that differ are not supported", g->map.path,
				               full);
		return 1;
	}
	found = gguf_uint(g, full, UINT32_MAX, &v, e);
	if (found > 0)
		*out = (uint32_t)v;
	return found;
}

static int need_size(const struct gguf *g, const char *name, uint32_t *out, struct err *e)
{
	int found = size_key(g, name, out, e);

	return found > 0 ? 0 : found ? -1 : missing(g, name, e);
}

/* Refuses keys of models that compute something that ours does not. */
static int refuse_extras(const struct gguf *g, struct err *e)
{
	static const char *const counts[] = {".expert_count", ".nextn_predict_layers"};
	static const char *const factors[] = {
		".final_logit_softcapping", ".attn_logit_softcapping", ".logit_scale", ".embedding_scale",
		".residual_scale", ".attention.clamp_kqv", ".attention.scale", ".attention.max_alibi_bias",
	};
	static const char *const flags[] = {".use_parallel_residual"};
	uint64_t n;
	double x;
	int on;

	for (size_t i = 0; i < LEN(counts); i++) {
		n = 0;
		if (gguf_uint(g, counts[i], UINT32_MAX, &n, e) < 0)
			return -1;
		if (n)
			return err_set(e, "%s: key %s%s: not supported", g->map.path, g->arch, counts[i]);
	}
	for (size_t i = 0; i < LEN(factors); i++) {
		x = 0;
		if (gguf_float(g, factors[i], &x, e) < 0)
			return -1;
		if (x != 0)
			return err_set(e, "%s: key %s%s: not supported", g->map.path, g->arch, factors[i]);
	}
	for (size_t i = 0; i < LEN(flags); i++) {
		on = 0;
		if (gguf_bool(g, flags[i], &on, e) < 0)
			return -1;
		if (on)
			return err_set(e, "%s: key %s%s: not supported", g->map.path, g->arch, flags[i]);
	}
	on = 1;
	if (gguf_bool(g, ".attention.causal", &on, e) < 0)
		return -1;
	if (!on)
		return err_set(e, "%s: attention that is not causal is not supported", g->map.path);
	n = 0;
	if (gguf_uint(g, "split.count", UINT32_MAX, &n, e) < 0)
		return -1;
	if (n > 1)
		return err_set(
			e, "%s: one of %llu parts of a split file: merge them first (llama-gguf-split --merge)",
		    g->map.path, (unsigned long long)n);
	return 0;
}

static int heads(const struct gguf *g, struct model_config *c, struct err *e)
{
	uint32_t value, rotated;
	int found;

	if (need_size(g, ".attention.head_count", &c->heads, e))
		return -1;
	c->kv_heads = c->heads;
	if (size_key(g, ".attention.head_count_kv", &c->kv_heads, e) < 0)
		return -1;
	if (!c->heads || !c->kv_heads)
		return err_set(e, "%s: key %s.attention.head_count: there are no heads", g->map.path,
		               g->arch);
	found = size_key(g, ".attention.key_length", &c->head_size, e);
	if (found < 0)
		return -1;
	if (!found && c->width % c->heads)
		return err_set(e, "%s: width %u is not a multiple of %u heads", g->map.path, c->width,
		               c->heads);
	if (!found)
		c->head_size = c->width / c->heads;
	value = rotated = c->head_size;
	if (size_key(g, ".attention.value_length", &value, e) < 0 ||
	    size_key(g, ".rope.dimension_count", &rotated, e) < 0)
		return -1;
	if (value != c->head_size)
		return err_set(e, "%s: key length %u and value length %u differ: not supported",
		               g->map.path, c->head_size, value);
	if (rotated != c->head_size)
		return err_set(e, "%s: rope on %u of %u dimensions: not supported", g->map.path, rotated,
		               c->head_size);
	return 0;
}

static int rope_freqs(const struct gguf *g, struct model_config *c, struct err *e)
{
	const struct gguf_tensor *t = gguf_tensor(g, "rope_freqs.weight");
	float divisors[512];

	if (!t)
		return 0;
	if (t->type != GGML_F32 || t->ne[0] != c->head_size / 2 || t->bytes != 4 * t->ne[0] ||
	    t->ne[0] > LEN(divisors))
		return err_set(e, "%s: tensor rope_freqs.weight: expected %u values of type F32",
		               g->map.path, c->head_size / 2);
	quant_read(GGML_F32, g->map.p + t->at, t->ne[0], divisors);
	if (rope_derive(c, divisors, e))
		return err_prefix(e, "%s: tensor rope_freqs.weight: ", g->map.path);
	return 0;
}

static int rope(const struct gguf *g, struct model_config *c, struct err *e)
{
	const char *type = "none";
	size_t n = 4;
	double factor = 0;

	c->rope_theta = 10000;
	if (gguf_float(g, ".rope.freq_base", &c->rope_theta, e) < 0 ||
	    gguf_string(g, ".rope.scaling.type", &type, &n, e) < 0 ||
	    gguf_float(g, ".rope.scale_linear", &factor, e) < 0)
		return -1;
	if (n == 6 && !memcmp(type, "linear", 6)) {
		if (gguf_float(g, ".rope.scaling.factor", &factor, e) < 0)
			return -1;
	} else if (n != 4 || memcmp(type, "none", 4)) {
		return err_set(e, "%s: rope scaling '%s' is not supported", g->map.path, label(type, n).s);
	}
	c->rope_linear = factor == 1 ? 0 : factor;
	if (!(c->rope_theta >= 1))
		return err_set(e, "%s: key %s.rope.freq_base: %g is less than 1", g->map.path, g->arch,
		               c->rope_theta);
	return rope_freqs(g, c, e);
}

/* Which layers see all positions: a number n (every n-th), or a flag per layer (1: windowed). */
static int window_every(const struct gguf *g, struct model_config *c, struct err *e)
{
	static const char name[] = "gemma3.attention.sliding_window_pattern";
	const struct gguf_key *k = gguf_key(g, name);
	const unsigned char *p;
	uint64_t v = GEMMA3_EVERY;

	if (!k || k->type != GGUF_ARRAY) {
		if (gguf_uint(g, name, 1024, &v, e) < 0)
			return -1;
		c->window_every = (uint32_t)v;
		return 0;
	}
	p = g->map.p + k->at;
	if (k->elem != GGUF_BOOL || k->count != c->layers)
		return err_set(e, "%s: key %s: expected a flag for each of %u layers", g->map.path, name,
		               c->layers);
	for (c->window_every = 1; c->window_every <= c->layers && p[c->window_every - 1];
	     c->window_every++)
		;
	for (uint32_t i = 0; i < c->layers; i++)
		if (!p[i] != !((i + 1) % c->window_every))
			return err_set(e, "%s: key %s: not a regular pattern", g->map.path, name);
	return 0;
}

static int gemma3(const struct gguf *g, struct model_config *c, struct err *e)
{
	uint64_t window = 0;

	if (gguf_uint(g, ".attention.sliding_window", UINT32_MAX, &window, e) < 0)
		return -1;
	c->window = (uint32_t)window;
	if (c->window) {
		c->rope_local_theta = 10000;
		if (window_every(g, c, e) ||
		    gguf_float(g, ".rope.freq_base_swa", &c->rope_local_theta, e) < 0)
			return -1;
	}
	/* Not in the file; llama.cpp also recognises the 27B model by its depth. */
	if (c->layers == GEMMA3_27B_LAYERS)
		c->attn_scale = 1 / __builtin_sqrt((double)c->width / c->heads);
	return 0;
}

int gguf_config(const struct gguf *g, struct model_config *out, struct err *e)
{
	struct model_config c = {0};
	uint64_t vocab;
	size_t at;
	double eps;
	int found;

	if (!*g->arch)
		return missing(g, "general.architecture", e);
	c.arch = arch_by_gguf(g->arch);
	if (!c.arch)
		return err_set(e, "%s: architecture '%s' is not supported (of %s)", g->map.path,
		               label(g->arch, strlen(g->arch)).s, arch_list());
	if (refuse_extras(g, e) || need_size(g, ".block_count", &c.layers, e) ||
	    need_size(g, ".embedding_length", &c.width, e) ||
	    need_size(g, ".feed_forward_length", &c.ffn, e) ||
	    need_size(g, ".context_length", &c.context, e) || heads(g, &c, e) || rope(g, &c, e))
		return -1;
	found = gguf_float(g, ".attention.layer_norm_rms_epsilon", &eps, e);
	if (found <= 0)
		return found ? -1 : missing(g, ".attention.layer_norm_rms_epsilon", e);
	c.norm_eps = (float)eps;
	if (c.arch == ARCH_GEMMA3 && gemma3(g, &c, e))
		return -1;
	if (arch_has(c.arch, NO_ROPE_LAYERS))
		c.rope_skip = GGUF_ROPE_SKIP;
	found = gguf_strings(g, "tokenizer.ggml.tokens", &at, &vocab, e);
	if (found <= 0)
		return found ? -1 : missing(g, "tokenizer.ggml.tokens", e);
	if (vocab > UINT32_MAX)
		return err_set(e, "%s: %llu tokens are too many", g->map.path, (unsigned long long)vocab);
	c.vocab = (uint32_t)vocab;
	c.tied = !gguf_tensor(g, "output.weight");
	if (model_config_check(&c, e))
		return err_prefix(e, "%s: ", g->map.path);
	*out = c;
	return 0;
}
