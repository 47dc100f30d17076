/* SPDX-License-Identifier: MIT */
/* Reads a GGUF file's tokenizer.ggml.* keys as a struct vocab. Defaults are llama.cpp's. */
#include "import/gguf.h"

#include "import/vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An optional id; some converters write the largest 32-bit number for "none". */
static int token_id(const struct gguf *g, const char *name, int *out, struct err *e)
{
	uint64_t v;
	int found = gguf_uint(g, name, UINT32_MAX, &v, e);

	if (found <= 0)
		return found;
	if (v == UINT32_MAX) {
		*out = -1;
	} else if (v >= VOCAB_TOKENS_MAX) {
		return err_set(e, "%s: key %s: %llu is no token", g->map.path, name, (unsigned long long)v);
	} else {
		*out = (int)v;
	}
	return 0;
}

static int read_tokens(const struct gguf *g, struct vocab *v, struct err *e)
{
	const unsigned char *types = NULL, *scores = NULL;
	uint64_t n, n_types = 0, n_scores = 0;
	size_t at, len;
	int found = gguf_strings(g, "tokenizer.ggml.tokens", &at, &n, e);

	if (found <= 0)
		return found ? -1 : err_set(e, "%s: no tokenizer (key tokenizer.ggml.tokens)", g->map.path);
	if (!n || n > VOCAB_TOKENS_MAX)
		return err_set(e, "%s: key tokenizer.ggml.tokens: %llu tokens are not within 1..%d",
		               g->map.path, (unsigned long long)n, VOCAB_TOKENS_MAX);
	if (gguf_words(g, "tokenizer.ggml.token_type", GGUF_I32, &types, &n_types, e) < 0 ||
	    gguf_words(g, "tokenizer.ggml.scores", GGUF_F32, &scores, &n_scores, e) < 0)
		return -1;
	if (types && n_types != n)
		return err_set(e, "%s: key tokenizer.ggml.token_type: %llu types for %llu tokens",
		               g->map.path, (unsigned long long)n_types, (unsigned long long)n);
	if (scores && n_scores != n)
		return err_set(e, "%s: key tokenizer.ggml.scores: %llu scores for %llu tokens",
		               g->map.path, (unsigned long long)n_scores, (unsigned long long)n);
	if (v->kind == TOK_SPM && !scores)
		return err_set(e, "%s: no scores (key tokenizer.ggml.scores)", g->map.path);
	for (uint64_t i = 0; i < n; i++) {
		const char *text = gguf_next(g, &at, &len);
		uint32_t type = types ? le32(types + 4 * i) : TOK_NORMAL;
		float score = scores ? f32_of_bits(le32(scores + 4 * i)) : 0;

		if (!text_valid(text, len))
			return err_set(e, "%s: token %llu is not UTF-8 text", g->map.path,
			               (unsigned long long)i);
		if (type < TOK_NORMAL || type > TOK_BYTE_PIECE)
			return err_set(e, "%s: token %llu: unknown type %u", g->map.path, (unsigned long long)i,
			               type);
		if (!isfinite(score))
			return err_set(e, "%s: token %llu: its score is not a finite number", g->map.path,
			               (unsigned long long)i);
		vocab_add(v, text, len, (enum tok_type)type, score);
	}
	return 0;
}

static int read_merges(const struct gguf *g, struct vocab *v, struct err *e)
{
	uint64_t n;
	size_t at, len;
	int found = gguf_strings(g, "tokenizer.ggml.merges", &at, &n, e);

	if (found <= 0)
		return found ? -1 : err_set(e, "%s: no merges (key tokenizer.ggml.merges)", g->map.path);
	if (n > VOCAB_TOKENS_MAX)
		return err_set(e, "%s: key tokenizer.ggml.merges: %llu are more than %d", g->map.path,
		               (unsigned long long)n, VOCAB_TOKENS_MAX);
	for (uint64_t i = 0; i < n; i++) {
		const char *text = gguf_next(g, &at, &len), *space;

		space = len ? memchr(text, ' ', len) : NULL;
		if (!text_valid(text, len) || !space || space == text || space == text + len - 1 ||
		    memchr(space + 1, ' ', (size_t)(text + len - space - 1)))
			return err_set(e, "%s: merge %llu: '%s' is not two pieces", g->map.path,
			               (unsigned long long)i, label(text, len).s);
		vocab_merge(v, text, len);
	}
	return 0;
}

/* Reads which of the two supported algorithms is used, and its variant. */
static int read_kind(const struct gguf *g, struct vocab *v, struct err *e)
{
	const char *model, *pre;
	char name[sizeof(struct label)];
	size_t n, n_pre;
	int found = gguf_string(g, "tokenizer.ggml.model", &model, &n, e);

	if (found <= 0)
		return found ? -1 : err_set(e, "%s: no tokenizer (key tokenizer.ggml.model)", g->map.path);
	if (n == 5 && !memcmp(model, "llama", 5)) {
		v->kind = TOK_SPM;
		v->bos = 1;
		v->eos = 2;
		v->unk = 0;
		v->add_bos = v->add_space_prefix = 1;
		return 0;
	}
	if (n != 4 || memcmp(model, "gpt2", 4))
		return err_set(e, "%s: tokenizer '%s' is not supported (gpt2 and llama are)", g->map.path,
		               label(model, n).s);
	v->kind = TOK_BPE;
	found = gguf_string(g, "tokenizer.ggml.pre", &pre, &n_pre, e);
	if (found <= 0)
		return found ? -1
		             : err_set(e, "%s: no pre-tokenizer (key tokenizer.ggml.pre)", g->map.path);
	snprintf(name, sizeof name, "%s", label(pre, n_pre).s);
	if (tok_pre_by_name(name, &v->pre, e))
		return err_prefix(e, "%s: key tokenizer.ggml.pre: ", g->map.path);
	v->ignore_merges = v->add_bos = v->pre == TOK_PRE_LLAMA_BPE;
	return 0;
}

/* Ids that end a response besides eos: llama.cpp's keys, or the whole list in a file that we
 * wrote. */
static int read_ends(const struct gguf *g, int *ids, size_t *n, struct err *e)
{
	static const char *const names[] = {"tokenizer.ggml.eot_token_id",
	                                    "tokenizer.ggml.eom_token_id"};
	const unsigned char *p = NULL;
	uint64_t k = 0;

	if (gguf_words(g, VOCAB_ENDS_KEY, GGUF_I32, &p, &k, e) < 0)
		return -1;
	if (k > VOCAB_ENDS_MAX)
		return err_set(e, "%s: key %s: more than %d", g->map.path, VOCAB_ENDS_KEY, VOCAB_ENDS_MAX);
	for (*n = 0; *n < k; ++*n)
		ids[*n] = (int)le32(p + 4 * *n);
	for (size_t i = 0; i < LEN(names); i++) {
		int id = -1;

		if (token_id(g, names[i], &id, e))
			return -1;
		if (id >= 0)
			ids[(*n)++] = id;
	}
	return 0;
}

static int read_rest(const struct gguf *g, struct vocab *v, struct err *e)
{
	int declared[VOCAB_ENDS_MAX + 2];
	const char *text, *chat = NULL;
	size_t n, n_chat = 0, n_declared = 0;
	char name[sizeof(struct label)];
	int found;

	if (token_id(g, "tokenizer.ggml.bos_token_id", &v->bos, e) ||
	    token_id(g, "tokenizer.ggml.eos_token_id", &v->eos, e) ||
	    token_id(g, "tokenizer.ggml.unknown_token_id", &v->unk, e) ||
	    gguf_bool(g, "tokenizer.ggml.add_bos_token", &v->add_bos, e) < 0 ||
	    gguf_bool(g, "tokenizer.ggml.add_space_prefix", &v->add_space_prefix, e) < 0 ||
	    gguf_string(g, VOCAB_CHAT_KEY, &chat, &n_chat, e) < 0 ||
	    read_ends(g, declared, &n_declared, e))
		return -1;
	found = gguf_string(g, "tokenizer.chat_template", &text, &n, e);
	if (found < 0)
		return -1;
	if (found && !text_valid(text, n))
		return err_set(e, "%s: key tokenizer.chat_template: not UTF-8 text", g->map.path);
	if (found)
		v->chat_template = xstrndup(text, n);
	snprintf(name, sizeof name, "%s", label(chat, n_chat).s);
	if (vocab_finish(v, declared, n_declared, chat ? name : NULL, e))
		return err_prefix(e, "%s: ", g->map.path);
	return 0;
}

int gguf_vocab(const struct gguf *g, struct vocab *out, struct err *e)
{
	vocab_init(out);
	if (read_kind(g, out, e) || read_tokens(g, out, e) ||
	    (out->kind == TOK_BPE && read_merges(g, out, e)) || read_rest(g, out, e)) {
		vocab_release(out);
		return -1;
	}
	/* Meaningless for BPE, but some converters write it. */
	if (out->kind != TOK_SPM)
		out->add_space_prefix = 0;
	return 0;
}
