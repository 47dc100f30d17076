/* SPDX-License-Identifier: MIT */
/* Writes a model as a GGUF file that llama.cpp loads: matrices BF16, vectors F32. */
#include "import/import.h"

#include "import/gguf.h"
#include "import/quant.h"
#include "import/rope.h"
#include "import/vocab.h"
#include "import/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* FILE_TYPE: llama.cpp's number for "mostly BF16". EVERY: every n-th layer of gemma3 is global if
 * the file does not say. */
enum { ALIGN = 32, FILE_TYPE = 32, EVERY = 6, LOCAL_THETA = 10000 };

/* Keys are buffered, since their number precedes them in the file. */
struct keys {
	struct buf b;
	uint64_t n;
	const char *arch;
};

static void put32(struct buf *b, uint32_t x)
{
	unsigned char p[4] = {x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24};

	buf_add(b, p, sizeof p);
}

static void put64(struct buf *b, uint64_t x)
{
	put32(b, (uint32_t)x);
	put32(b, (uint32_t)(x >> 32));
}

static void put_string(struct buf *b, const char *s)
{
	put64(b, strlen(s));
	buf_adds(b, s);
}

/* As in gguf_uint: a name that begins with '.' is prefixed with the architecture. */
static void key(struct keys *k, const char *name, enum gguf_value type)
{
	char full[160];

	snprintf(full, sizeof full, "%s%s", *name == '.' ? k->arch : "", name);
	put_string(&k->b, full);
	put32(&k->b, type);
	k->n++;
}

static void key_u32(struct keys *k, const char *name, uint32_t x)
{
	key(k, name, GGUF_U32);
	put32(&k->b, x);
}

static void key_f32(struct keys *k, const char *name, double x)
{
	key(k, name, GGUF_F32);
	put32(&k->b, bits_of_f32((float)x));
}

static void key_bool(struct keys *k, const char *name, int x)
{
	key(k, name, GGUF_BOOL);
	buf_addc(&k->b, x ? 1 : 0);
}

static void key_string(struct keys *k, const char *name, const char *s)
{
	key(k, name, GGUF_STRING);
	put_string(&k->b, s);
}

static void key_array(struct keys *k, const char *name, enum gguf_value elem, uint64_t n)
{
	key(k, name, GGUF_ARRAY);
	put32(&k->b, elem);
	put64(&k->b, n);
}

static void model_keys(struct keys *k, const struct model_config *c)
{
	key_string(k, "general.architecture", k->arch);
	key_string(k, "general.type", "model");
	key_string(k, "general.name", "score");
	key_u32(k, "general.file_type", FILE_TYPE);
	key_u32(k, ".vocab_size", c->vocab);
	key_u32(k, ".block_count", c->layers);
	key_u32(k, ".context_length", c->context);
	key_u32(k, ".embedding_length", c->width);
	key_u32(k, ".feed_forward_length", c->ffn);
	key_u32(k, ".attention.head_count", c->heads);
	key_u32(k, ".attention.head_count_kv", c->kv_heads);
	key_u32(k, ".attention.key_length", c->head_size);
	key_u32(k, ".attention.value_length", c->head_size);
	key_f32(k, ".attention.layer_norm_rms_epsilon", (double)c->norm_eps);
	key_u32(k, ".rope.dimension_count", c->head_size);
	key_f32(k, ".rope.freq_base", c->rope_theta);
	if (c->rope_linear > 1) {
		key_string(k, ".rope.scaling.type", "linear");
		key_f32(k, ".rope.scaling.factor", c->rope_linear);
	}
	if (!c->window)
		return;
	key_u32(k, ".attention.sliding_window", c->window);
	if (c->window_every != EVERY)
		key_u32(k, ".attention.sliding_window_pattern", c->window_every);
	if (c->rope_local_theta != LOCAL_THETA)
		key_f32(k, ".rope.freq_base_swa", c->rope_local_theta);
}

/* The text and type of token i in the file; c holds a byte's character. */
static const char *token(const struct vocab *v, size_t i, char c[5], enum tok_type *type)
{
	*type = v->tokens[i].type;
	if (v->kind != TOK_BYTE || i >= 256)
		return v->tokens[i].text;
	c[byte_char((unsigned char)i, c)] = 0;
	*type = TOK_NORMAL;
	return c;
}

static void vocab_keys(struct keys *k, const struct vocab *v)
{
	enum tok_type type;
	char c[5];
	int eot = chat_end_id(v);

	key_string(k, "tokenizer.ggml.model", v->kind == TOK_SPM ? "llama" : "gpt2");
	key_string(k, "tokenizer.ggml.pre", v->kind == TOK_SPM ? "default"
	           : tok_pre_name(v->kind == TOK_BYTE ? TOK_PRE_GPT2 : v->pre));
	key_array(k, "tokenizer.ggml.tokens", GGUF_STRING, v->n);
	for (size_t i = 0; i < v->n; i++)
		put_string(&k->b, token(v, i, c, &type));
	key_array(k, "tokenizer.ggml.token_type", GGUF_I32, v->n);
	for (size_t i = 0; i < v->n; i++) {
		token(v, i, c, &type);
		put32(&k->b, type);
	}
	if (v->kind == TOK_SPM) {
		key_array(k, "tokenizer.ggml.scores", GGUF_F32, v->n);
		for (size_t i = 0; i < v->n; i++)
			put32(&k->b, bits_of_f32(v->tokens[i].score));
	} else {
		key_array(k, "tokenizer.ggml.merges", GGUF_STRING, v->n_merges);
		for (size_t i = 0; i < v->n_merges; i++)
			put_string(&k->b, v->merges[i]);
	}
	/* For SentencePiece files readers assume default ids; the largest number means "none" (to
	 * us; llama.cpp has no such value). */
	key_u32(k, "tokenizer.ggml.bos_token_id", v->bos < 0 ? UINT32_MAX : (uint32_t)v->bos);
	key_u32(k, "tokenizer.ggml.eos_token_id", v->eos < 0 ? UINT32_MAX : (uint32_t)v->eos);
	if (v->unk >= 0 || v->kind == TOK_SPM)
		key_u32(k, "tokenizer.ggml.unknown_token_id", v->unk < 0 ? UINT32_MAX : (uint32_t)v->unk);
	if (eot >= 0 && eot != v->eos)
		key_u32(k, "tokenizer.ggml.eot_token_id", (uint32_t)eot);
	key_bool(k, "tokenizer.ggml.add_bos_token", v->add_bos);
	key_bool(k, "tokenizer.ggml.add_space_prefix", v->kind == TOK_SPM && v->add_space_prefix);
	if (v->chat_template)
		key_string(k, "tokenizer.chat_template", v->chat_template);
	/* Our own keys, for what the standard ones cannot express. */
	if (v->chat)
		key_string(k, VOCAB_CHAT_KEY, v->chat);
	key_array(k, VOCAB_ENDS_KEY, GGUF_I32, v->n_ends);
	for (size_t i = 0; i < v->n_ends; i++)
		put32(&k->b, (uint32_t)v->ends[i]);
}

/* ---- tensors ---- */

static uint64_t bytes_of(const struct param *p)
{
	return p->rows * p->cols * (p->rank == 1 ? 4 : 2);
}

static void put_tensor(struct buf *b, const struct param *p, uint64_t *at)
{
	put_string(b, p->name);
	put32(b, (uint32_t)p->rank);
	if (p->rank == 2)
		put64(b, p->cols);
	put64(b, p->rows);
	put32(b, p->rank == 1 ? GGML_F32 : GGML_BF16);
	put64(b, *at);
	*at += (bytes_of(p) + ALIGN - 1) / ALIGN * ALIGN;
}

static struct param freqs_param(const struct model_config *c)
{
	return (struct param){
	    .name = "rope_freqs.weight", .rank = 1, .rows = c->head_size / 2, .cols = 1};
}

static int is_qk(const struct model_config *c, const struct param *p)
{
	return arch_has(c->arch, GGUF_PAIRS) && p->role == ROLE_MATRIX &&
	       (p->kind == W_Q || p->kind == W_K);
}

static void write_tensor(struct writer *w, const struct model_config *c, const struct param *p,
                         const uint16_t *data)
{
	uint64_t s = c->head_size;

	if (p->rank == 1) {
		writer_f32(w, data, p->rows, model_norm_plus_one(c->arch, p));
	} else if (is_qk(c, p)) {
		/* Rows that rotate together are adjacent in the file. */
		for (uint64_t r = 0; r < p->rows; r++)
			writer_bf16(w, data + (r / s * s + r % s / 2 + r % 2 * (s / 2)) * p->cols, p->cols);
	} else {
		writer_bf16(w, data, p->rows * p->cols);
	}
	writer_pad(w, ALIGN);
}

static int write_tensors(struct writer *w, const struct model_config *c, export_tensor_fn get,
                         void *ctx, struct err *e)
{
	if (c->rope_factor != 0) {
		float d[512];

		rope_divisors(c, d);
		for (uint32_t i = 0; i < c->head_size / 2; i++)
			writer_u32(w, bits_of_f32(d[i]));
		writer_pad(w, ALIGN);
	}
	for (size_t i = 0; i < model_params(c) && !w->failed; i++) {
		const uint16_t *data;
		struct param p;

		model_param(c, i, &p);
		if (get(ctx, &p, &data, e))
			return -1;
		write_tensor(w, c, &p, data);
	}
	return 0;
}

/* Settings for which the format has no key must equal what its readers assume. */
static int expressible(const struct model_config *c, struct err *e)
{
	double plain = 1 / sqrt(c->head_size), scale = c->attn_scale != 0 ? c->attn_scale : plain;
	double implied =
		c->arch == ARCH_GEMMA3 && c->layers == 62 ? 1 / sqrt((double)c->width / c->heads) : plain;

	if (fabs(scale - implied) > 1e-9)
		return err_set(e, "GGUF has no key for this model's attention scale (%g)", scale);
	if (c->window && arch_has(c->arch, WINDOW))
		return err_set(e, "GGUF has no key for this model's window (%u)", c->window);
	if (arch_has(c->arch, NO_ROPE_LAYERS) && c->rope_skip != GGUF_ROPE_SKIP)
		return err_set(e, "GGUF has no key for layers without rotation: "
		                  "it takes every %dth for one", GGUF_ROPE_SKIP);
	return 0;
}

int export_gguf(const char *path, const struct model_config *c, const struct vocab *v,
                export_tensor_fn get, void *ctx, struct err *e)
{
	struct keys k = {.arch = arch_row(c->arch)->gguf};
	struct buf infos = {0};
	size_t n = model_params(c);
	uint64_t at = 0;
	struct writer w;
	struct param p;

	if (expressible(c, e))
		return err_prefix(e, "%s: ", path);
	if (v && v->n != c->vocab)
		return err_set(e, "%s: %zu tokens, but the embedding has %u rows", path, v->n, c->vocab);
	if (writer_open(&w, path, e))
		return -1;
	model_keys(&k, c);
	if (v)
		vocab_keys(&k, v);
	if (c->rope_factor != 0) {
		p = freqs_param(c);
		put_tensor(&infos, &p, &at);
	}
	for (size_t i = 0; i < n; i++) {
		model_param(c, i, &p);
		put_tensor(&infos, &p, &at);
	}
	writer_add(&w, "GGUF", 4);
	writer_u32(&w, 3);
	writer_u64(&w, n + (c->rope_factor != 0));
	writer_u64(&w, k.n);
	writer_add(&w, k.b.data, k.b.len);
	writer_add(&w, infos.data, infos.len);
	writer_pad(&w, ALIGN);
	buf_release(&k.b);
	buf_release(&infos);
	if (write_tensors(&w, c, get, ctx, e)) {
		writer_abort(&w);
		return -1;
	}
	return writer_finish(&w, e);
}
