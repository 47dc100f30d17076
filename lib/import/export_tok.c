/* SPDX-License-Identifier: MIT */
/* Writes a vocabulary as tokenizer.json and tokenizer_config.json. */
#include "import/inside.h"

#include "import/vocab.h"

#include <stdlib.h>
#include <string.h>

/* True for a token that the reader itself makes for an id without a token. */
static int is_hole(const struct vocab *v, size_t i)
{
	char name[32];

	snprintf(name, sizeof name, "[PAD%zu]", i);
	return v->tokens[i].type == TOK_UNUSED && !strcmp(v->tokens[i].text, name);
}

/* True for tokens listed under added_tokens. The library chooses the id of an added token unless
 * the model's vocabulary has it too, so these are in both. */
static int is_added(const struct vocab *v, size_t i)
{
	enum tok_type t = v->tokens[i].type;

	return t == TOK_CONTROL || t == TOK_USER || (t == TOK_UNKNOWN && v->kind == TOK_SPM);
}

static struct js vocab_json(const struct vocab *v)
{
	struct js o = js_object();
	char c[5];

	for (size_t i = 0; i < v->n; i++) {
		int byte = v->kind == TOK_BYTE && i < 256;

		if (is_hole(v, i))
			continue;
		if (byte)
			c[byte_char((unsigned char)i, c)] = 0;
		js_set(&o, byte ? c : v->tokens[i].text, js_num((double)i));
	}
	return o;
}

static struct js added_json(const struct vocab *v)
{
	static const char *const off[] = {"single_word", "lstrip", "rstrip", "normalized"};
	struct js list = js_array();

	for (size_t i = 0; i < v->n; i++) {
		struct js o;

		if (!is_added(v, i))
			continue;
		o = js_object();
		js_set(&o, "id", js_num((double)i));
		js_set(&o, "content", js_str(v->tokens[i].text));
		for (size_t k = 0; k < LEN(off); k++)
			js_set(&o, off[k], js_bool(0));
		js_set(&o, "special", js_bool(v->tokens[i].type != TOK_USER));
		js_push(&list, o);
	}
	return list;
}

/* ---- merges ---- */

static void push_pair(struct js *list, const char *s, size_t left, size_t n)
{
	struct js pair = js_array();

	js_push(&pair, js_strn(s, left));
	js_push(&pair, js_strn(s + left, n - left));
	js_push(list, pair);
}

/* Order of tokens by text, and by descending score, in arrays of pointers into the vocabulary. */
static int text_order(const void *a, const void *b)
{
	const struct vocab_token *x = *(struct vocab_token *const *)a,
	                         *y = *(struct vocab_token *const *)b;

	return strcmp(x->text, y->text);
}

static int score_order(const void *a, const void *b)
{
	const struct vocab_token *x = *(struct vocab_token *const *)a,
	                         *y = *(struct vocab_token *const *)b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x > y) - (x < y);
}

static int known(struct vocab_token **sorted, size_t n, const char *s, size_t len,
                 struct buf *scratch)
{
	struct vocab_token key, *want = &key;

	buf_clear(scratch);
	buf_add(scratch, s, len);
	key.text = scratch->data;
	return bsearch(&want, sorted, n, sizeof *sorted, text_order) != NULL;
}

/* Scores give an order of merges: all ways to make a token from two, tokens with the best score
 * first. */
static struct js merges_from_scores(const struct vocab *v)
{
	struct vocab_token **by_text = xreallocarray(NULL, v->n, sizeof *by_text);
	struct vocab_token **by_score = xreallocarray(NULL, v->n, sizeof *by_score);
	struct js list = js_array();
	struct buf scratch = {0};
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (v->tokens[i].type == TOK_NORMAL)
			by_text[n++] = &v->tokens[i];
	if (n) {
		memcpy(by_score, by_text, n * sizeof *by_text);
		qsort(by_text, n, sizeof *by_text, text_order);
		qsort(by_score, n, sizeof *by_score, score_order);
	}
	for (size_t i = 0; i < n; i++) {
		const char *s = by_score[i]->text;
		size_t len = strlen(s);

		for (size_t left = 1; left < len; left++)
			if (((unsigned char)s[left] & 0xc0) != 0x80 && known(by_text, n, s, left, &scratch) &&
			    known(by_text, n, s + left, len - left, &scratch))
				push_pair(&list, s, left, len);
	}
	buf_release(&scratch);
	free(by_text);
	free(by_score);
	return list;
}

static struct js merges_json(const struct vocab *v)
{
	struct js list = js_array();

	if (v->kind == TOK_SPM) {
		js_free(list);
		return merges_from_scores(v);
	}
	for (size_t i = 0; i < v->n_merges; i++) {
		const char *space = strchr(v->merges[i], ' ');
		struct js pair = js_array();

		js_push(&pair, js_strn(v->merges[i], space ? (size_t)(space - v->merges[i]) : 0));
		js_push(&pair, js_str(space ? space + 1 : ""));
		js_push(&list, pair);
	}
	return list;
}

/* ---- the files ---- */

static struct js text_of(const struct vocab *v, int id)
{
	return id >= 0 ? js_str(v->tokens[id].text) : js_null();
}

static struct js tokenizer_json(const struct vocab *v)
{
	struct js o = js_object(), model = js_object();

	js_set(&model, "type", js_str("BPE"));
	js_set(&model, "dropout", js_null());
	js_set(&model, "unk_token", v->kind == TOK_SPM ? text_of(v, v->unk) : js_null());
	js_set(&model, "continuing_subword_prefix", js_null());
	js_set(&model, "end_of_word_suffix", js_null());
	js_set(&model, "fuse_unk", js_bool(v->kind == TOK_SPM));
	js_set(&model, "byte_fallback", js_bool(v->kind == TOK_SPM));
	js_set(&model, "ignore_merges", js_bool(v->ignore_merges));
	js_set(&model, "vocab", vocab_json(v));
	js_set(&model, "merges", merges_json(v));
	js_set(&o, "version", js_str("1.0"));
	js_set(&o, "truncation", js_null());
	js_set(&o, "padding", js_null());
	js_set(&o, "added_tokens", added_json(v));
	js_set(&o, "normalizer", pre_normalizer(v));
	js_set(&o, "pre_tokenizer", pre_tokenizer(v));
	js_set(&o, "post_processor", pre_post(v));
	js_set(&o, "decoder", pre_decoder(v));
	js_set(&o, "model", model);
	return o;
}

int write_tokenizer(const char *dir, const struct model_config *c, const struct vocab *v,
                    struct err *e)
{
	struct js o = tokenizer_json(v), config = js_object();
	int rc;

	js_set(&config, "tokenizer_class", js_str("PreTrainedTokenizerFast"));
	js_set(&config, "bos_token", text_of(v, v->bos));
	js_set(&config, "eos_token", text_of(v, v->eos));
	js_set(&config, "unk_token", text_of(v, v->unk));
	js_set(&config, "add_bos_token", js_bool(v->add_bos));
	js_set(&config, "clean_up_tokenization_spaces", js_bool(0));
	js_set(&config, "model_max_length", js_num(c->context));
	if (v->chat)
		js_set(&config, VOCAB_CHAT_KEY, js_str(v->chat));
	js_set(&config, VOCAB_ENDS_KEY, js_from_ints(v->ends, v->n_ends));
	if (v->chat_template)
		js_set(&config, "chat_template", js_str(v->chat_template));
	rc = write_json(dir, "tokenizer.json", o, e) ||
	             write_json(dir, "tokenizer_config.json", config, e)
	         ? -1
	         : 0;
	js_free(o);
	js_free(config);
	return rc;
}
