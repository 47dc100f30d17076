/* SPDX-License-Identifier: MIT */
/* A tokenizer as data: building a struct vocab, and its serialised form in the store. */
#include "tok/inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void vocab_init(struct vocab *v)
{
	*v = (struct vocab){.bos = -1, .eos = -1, .unk = -1};
}

void vocab_release(struct vocab *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->tokens[i].text);
	for (size_t i = 0; i < v->n_merges; i++)
		free(v->merges[i]);
	free(v->tokens);
	free(v->merges);
	free(v->ends);
	free(v->chat);
	free(v->chat_template);
	vocab_init(v);
}

void vocab_add(struct vocab *v, const char *text, size_t n, enum tok_type type, float score)
{
	struct vocab_token t = {xstrndup(text, n), type, score};

	VEC_PUSH(v->tokens, v->n, v->cap) = t;
}

void vocab_merge(struct vocab *v, const char *merge, size_t n)
{
	char *s = xstrndup(merge, n);

	VEC_PUSH(v->merges, v->n_merges, v->merges_cap) = s;
}

void vocab_end(struct vocab *v, int id)
{
	for (size_t i = 0; i < v->n_ends; i++)
		if (v->ends[i] == id)
			return;
	VEC_PUSH(v->ends, v->n_ends, v->ends_cap) = id;
}

void vocab_bytes(struct vocab *v)
{
	vocab_init(v);
	v->kind = TOK_BYTE;
	for (int i = 0; i < 256; i++) {
		char name[8];

		snprintf(name, sizeof name, "<0x%02X>", i);
		vocab_add(v, name, strlen(name), TOK_BYTE_PIECE, 0);
	}
	vocab_add(v, "<|end|>", 7, TOK_CONTROL, 0);
	vocab_add(v, "<|start|>", 9, TOK_CONTROL, 0);
	v->eos = 256;
	vocab_end(v, 256);
	v->chat = xstrdup("plain");
}

/* The first name of each kind is the one returned by tok_pre_name. */
static const struct {
	const char *name;
	enum tok_pre pre;
} pre_names[] = {
	{"none", TOK_PRE_NONE},
	{"gpt-2", TOK_PRE_GPT2},
	{"smollm", TOK_PRE_SMOLLM},
	{"qwen2", TOK_PRE_QWEN2},
	{"llama-bpe", TOK_PRE_LLAMA_BPE},
	/* other names that llama.cpp treats the same */
	{"phi-2", TOK_PRE_GPT2}, {"jina-es", TOK_PRE_GPT2}, {"jina-de", TOK_PRE_GPT2},
	{"jina-v2-es", TOK_PRE_GPT2}, {"jina-v2-de", TOK_PRE_GPT2}, {"gigachat", TOK_PRE_GPT2},
	{"a.x-4.0", TOK_PRE_GPT2}, {"mellum", TOK_PRE_GPT2}, {"exaone4", TOK_PRE_GPT2},
	{"deepseek-r1-qwen", TOK_PRE_QWEN2}, {"kormo", TOK_PRE_QWEN2}, {"megrez", TOK_PRE_QWEN2},
	{"llama3", TOK_PRE_LLAMA_BPE}, {"llama-v3", TOK_PRE_LLAMA_BPE}, {"falcon3", TOK_PRE_LLAMA_BPE},
	{"falcon-h1", TOK_PRE_LLAMA_BPE}, {"pixtral", TOK_PRE_LLAMA_BPE},
	{"midm-2.0", TOK_PRE_LLAMA_BPE}, {"lfm2", TOK_PRE_LLAMA_BPE},
	{"jina-v5-nano", TOK_PRE_LLAMA_BPE},
};

int tok_pre_by_name(const char *name, enum tok_pre *out, struct err *e)
{
	for (size_t i = 0; i < LEN(pre_names); i++)
		if (!strcmp(name, pre_names[i].name)) {
			*out = pre_names[i].pre;
			return 0;
		}
	return err_set(
		e, "unsupported pre-tokenization '%.64s' (known: gpt-2, smollm, qwen2, llama-bpe)", name);
}

const char *tok_pre_name(enum tok_pre pre)
{
	for (size_t i = 0; i < LEN(pre_names); i++)
		if (pre_names[i].pre == pre)
			return pre_names[i].name;
	return "unknown";
}

/* ---- flat bytes ------------------------------------------------------------
 * All integers are 32 bits, little-endian.
 *   magic, kind, pre, flags, bos, eos, unk
 *   count, then per end: id
 *   count, then per token: type, score (float bits), string
 *   count, then per merge: string
 *   chat, chat_template: strings
 * string: length (UINT32_MAX: none), bytes. Nothing may follow.
 */

#define MAGIC 0x31767374u            /* "tsv1" */

static void put(struct buf *b, uint32_t x)
{
	unsigned char p[4] = {x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24};

	buf_add(b, p, 4);
}

static void put_string(struct buf *b, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	put(b, s ? (uint32_t)n : UINT32_MAX);
	if (s)
		buf_add(b, s, n);
}

void vocab_save(const struct vocab *v, struct buf *out)
{
	put(out, MAGIC);
	put(out, v->kind);
	put(out, v->pre);
	put(out, (v->add_bos ? 1u : 0) | (v->add_space_prefix ? 2u : 0) | (v->ignore_merges ? 4u : 0));
	put(out, (uint32_t)v->bos);
	put(out, (uint32_t)v->eos);
	put(out, (uint32_t)v->unk);
	put(out, (uint32_t)v->n_ends);
	for (size_t i = 0; i < v->n_ends; i++)
		put(out, (uint32_t)v->ends[i]);
	put(out, (uint32_t)v->n);
	for (size_t i = 0; i < v->n; i++) {
		uint32_t bits;

		memcpy(&bits, &v->tokens[i].score, 4);
		put(out, v->tokens[i].type);
		put(out, bits);
		put_string(out, v->tokens[i].text);
	}
	put(out, (uint32_t)v->n_merges);
	for (size_t i = 0; i < v->n_merges; i++)
		put_string(out, v->merges[i]);
	put_string(out, v->chat);
	put_string(out, v->chat_template);
}

struct reader {
	const unsigned char *p;
	size_t left;
	int bad;
};

static uint32_t get(struct reader *r)
{
	uint32_t x;

	if (r->bad || r->left < 4) {
		r->bad = 1;
		return 0;
	}
	x = (uint32_t)r->p[0] | (uint32_t)r->p[1] << 8 | (uint32_t)r->p[2] << 16 |
	    (uint32_t)r->p[3] << 24;
	r->p += 4;
	r->left -= 4;
	return x;
}

/* Reads an element count; each element takes at least `least` bytes. */
static size_t get_count(struct reader *r, size_t least)
{
	uint32_t n = get(r);

	if (n > r->left / least)
		r->bad = 1;
	return r->bad ? 0 : n;
}

/* Reads a string, borrowed; NULL for "none" (if optional) and on error. */
static const char *get_string(struct reader *r, size_t *n, int optional)
{
	uint32_t len = get(r);
	const char *s = (const char *)r->p;

	*n = 0;
	if (len == UINT32_MAX && optional)
		return NULL;
	if (r->bad || len > r->left || memchr(s, 0, len)) {
		r->bad = 1;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	*n = len;
	return s;
}

/* True if id is -1 or one of n tokens. */
static int id_ok(int id, size_t n)
{
	return id == -1 || (id >= 0 && (size_t)id < n);
}

static void load_tokens(struct reader *r, struct vocab *v)
{
	size_t n = get_count(r, 12), len;

	if (n > TOK_MAX_TOKENS)
		r->bad = 1;
	for (size_t i = 0; i < n && !r->bad; i++) {
		uint32_t type = get(r), bits = get(r);
		const char *s = get_string(r, &len, 0);
		float score;

		memcpy(&score, &bits, 4);
		if (type < TOK_NORMAL || type > TOK_BYTE_PIECE || !isfinite(score))
			r->bad = 1;
		if (!r->bad)
			vocab_add(v, s, len, (enum tok_type)type, score);
	}
}

int vocab_load(const void *bytes, size_t n, struct vocab *out, struct err *e)
{
	struct reader r = {bytes, n, 0};
	struct vocab v;
	uint32_t kind, pre, flags;
	size_t count, len;
	const char *s;

	vocab_init(&v);
	if (get(&r) != MAGIC)
		return err_set(e, "not a stored tokenizer (or a later version's)");
	kind = get(&r);
	pre = get(&r);
	flags = get(&r);
	v.bos = (int)get(&r);
	v.eos = (int)get(&r);
	v.unk = (int)get(&r);
	if (kind > TOK_SPM || pre > TOK_PRE_LLAMA_BPE || flags > 7)
		r.bad = 1;
	v.kind = (enum tok_kind)kind;
	v.pre = (enum tok_pre)pre;
	v.add_bos = flags & 1;
	v.add_space_prefix = flags >> 1 & 1;
	v.ignore_merges = flags >> 2 & 1;
	count = get_count(&r, 4);
	for (size_t i = 0; i < count; i++)
		VEC_PUSH(v.ends, v.n_ends, v.ends_cap) = (int)get(&r);
	load_tokens(&r, &v);
	count = get_count(&r, 4);
	for (size_t i = 0; i < count && !r.bad; i++) {
		s = get_string(&r, &len, 0);
		if (!r.bad)
			vocab_merge(&v, s, len);
	}
	s = get_string(&r, &len, 1);
	v.chat = s ? xstrndup(s, len) : NULL;
	s = get_string(&r, &len, 1);
	v.chat_template = s ? xstrndup(s, len) : NULL;
	if (!id_ok(v.bos, v.n) || !id_ok(v.eos, v.n) || !id_ok(v.unk, v.n))
		r.bad = 1;
	for (size_t i = 0; i < v.n_ends; i++)
		if (v.ends[i] < 0 || !id_ok(v.ends[i], v.n))
			r.bad = 1;
	if (r.bad || r.left) {
		vocab_release(&v);
		return err_set(e, "stored tokenizer: damaged at byte %zu of %zu", n - r.left, n);
	}
	*out = v;
	return 0;
}
