/* SPDX-License-Identifier: MIT */
/*
 * Recognises and writes the normalizer and pre_tokenizer of tokenizer.json. They are small typed
 * objects, recognised by structure (a known expression in a known place), not by model name.
 */
#include "import/inside.h"

#include "import/map.h"

#include <stdlib.h>
#include <string.h>

#define SPACE "\xe2\x96\x81"

enum { STEPS_MAX = 8 };

/* The two families differ only in the number of digits per word. */
#define WORDS(digits) "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct {
	const char *regex;
	enum tok_pre pre;
} splits[] = {
	{WORDS("\\p{N}"), TOK_PRE_QWEN2}, {WORDS("\\p{N}{1,3}"), TOK_PRE_LLAMA_BPE},
};

/* ---- inspecting objects ---- */

static int text_is(struct js o, const char *key, const char *want)
{
	struct js v = js_get(o, key);
	int same = js_kind(v) == JS_STRING && !strcmp(js_string(v), want);

	js_free(v);
	return same;
}

/* A flag that defaults to `absent`. */
static int flag(struct js o, const char *key, int absent)
{
	struct js v = js_get(o, key);
	int on = js_kind(v) == JS_TRUE ? 1 : js_kind(v) == JS_FALSE ? 0 : absent;

	js_free(v);
	return on;
}

static int unknown(struct js o, const char *what, struct err *e)
{
	struct buf text = {0};
	struct err ignored;

	if (js_print(o, &text, &ignored))
		buf_adds(&text, "?");
	err_set(e, "%s is not supported: %s", what, label(text.data, text.len).s);
	buf_release(&text);
	return -1;
}

/* A single object, or those of a Sequence (whose list is under key); owned by the caller. */
static int steps(struct js o, const char *key, const char *what, struct js *out, size_t *n,
                 struct err *e)
{
	struct js list = js_get(o, key);
	int rc = 0;

	*n = 0;
	if (js_kind(o) == JS_NONE || js_kind(o) == JS_NULL)
		goto out;
	if (!text_is(o, "type", "Sequence")) {
		out[(*n)++] = js_copy(o);
	} else if (js_kind(list) != JS_ARRAY || js_len(list) > STEPS_MAX) {
		rc = unknown(o, what, e);
	} else {
		for (size_t i = 0; i < js_len(list); i++)
			out[(*n)++] = js_at(list, i);
	}
out:
	js_free(list);
	return rc;
}

static void free_steps(struct js *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		js_free(list[i]);
}

/* True if pattern is {"String": want} or {"Regex": want}. */
static int pattern_is(struct js o, const char *kind, const char *want)
{
	struct js p = js_get(o, "pattern");
	int same = text_is(p, kind, want);

	js_free(p);
	return same;
}

/* ---- recognising ---- */

/* *spaces: U+2581 replaces spaces; *prefix: a space is put in front. */
static int read_normalizer(struct js root, int *spaces, int *prefix, struct err *e)
{
	struct js o = js_get(root, "normalizer"), list[STEPS_MAX];
	size_t n;
	int rc = steps(o, "normalizers", "normalizer", list, &n, e);

	for (size_t i = 0; i < n && !rc; i++) {
		if (text_is(list[i], "type", "Prepend") && text_is(list[i], "prepend", SPACE))
			*prefix = 1;
		else if (text_is(list[i], "type", "Replace") && pattern_is(list[i], "String", " ") &&
		         text_is(list[i], "content", SPACE))
			*spaces = 1;
		else if (!text_is(list[i], "type", "NFC"))
			rc = unknown(list[i], "normalizer", e);
	}
	free_steps(list, n);
	js_free(o);
	return rc;
}

/* The byte-level forms: ByteLevel, with an optional split before it. */
static int read_byte_level(struct js o, const struct js *list, size_t n, enum tok_pre *pre,
                           struct err *e)
{
	const struct js *last = &list[n - 1];
	int own = flag(*last, "use_regex", 1);

	if (flag(*last, "add_prefix_space", 1))
		return unknown(*last, "pre_tokenizer with add_prefix_space", e);
	if (n == 1) {
		*pre = own ? TOK_PRE_GPT2 : TOK_PRE_NONE;
		return 0;
	}
	if (n == 2 && own && text_is(list[0], "type", "Digits") &&
	    flag(list[0], "individual_digits", 0)) {
		*pre = TOK_PRE_SMOLLM;
		return 0;
	}
	if (n == 2 && !own && text_is(list[0], "type", "Split") &&
	    text_is(list[0], "behavior", "Isolated") && !flag(list[0], "invert", 0))
		for (size_t i = 0; i < LEN(splits); i++)
			if (pattern_is(list[0], "Regex", splits[i].regex)) {
				*pre = splits[i].pre;
				return 0;
			}
	return unknown(o, "pre_tokenizer", e);
}

/* SentencePiece's forms: nothing, a split that no longer finds a space, or Metaspace. */
static int read_metaspace(struct js o, const struct js *list, size_t n, int *spaces, int *prefix,
                          struct err *e)
{
	if (n == 1 && text_is(list[0], "type", "Metaspace") && text_is(list[0], "replacement", SPACE)) {
		*spaces = 1;
		*prefix = text_is(list[0], "prepend_scheme", "always") ||
		          text_is(list[0], "prepend_scheme", "first") ||
		          (!js_has(list[0], "prepend_scheme") && flag(list[0], "add_prefix_space", 1));
		return 0;
	}
	if (!n || (n == 1 && *spaces && text_is(list[0], "type", "Split") &&
	           pattern_is(list[0], "String", " ")))
		return 0;
	return unknown(o, "pre_tokenizer", e);
}

static int check_model(struct js model, struct vocab *v, struct err *e)
{
	static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
	struct js dropout = js_get(model, "dropout");
	int drops = js_kind(dropout) == JS_NUMBER && js_number(dropout) != 0;

	js_free(dropout);
	if (drops)
		return err_set(e, "model.dropout is not supported");
	for (size_t i = 0; i < LEN(affixes); i++) {
		struct js a = js_get(model, affixes[i]);
		int there = js_kind(a) == JS_STRING && js_string_len(a);

		js_free(a);
		if (there)
			return err_set(e, "model.%s is not supported", affixes[i]);
	}
	if (v->kind == TOK_SPM && !flag(model, "byte_fallback", 0))
		return err_set(e, "model.byte_fallback: a tokenizer without bytes is not supported");
	v->ignore_merges = flag(model, "ignore_merges", 0);
	return 0;
}

int pre_kind(struct js root, struct vocab *v, struct err *e)
{
	struct js o = js_get(root, "pre_tokenizer"), model = js_get(root, "model"), list[STEPS_MAX];
	int spaces = 0, prefix = 0, rc = -1;
	size_t n = 0;

	if (read_normalizer(root, &spaces, &prefix, e) ||
	    steps(o, "pretokenizers", "pre_tokenizer", list, &n, e))
		goto out;
	if (n && text_is(list[n - 1], "type", "ByteLevel")) {
		v->kind = TOK_BPE;
		rc = spaces || prefix ? err_set(e, "normalizer: not one of a byte-level tokenizer")
		                      : read_byte_level(o, list, n, &v->pre, e);
	} else {
		v->kind = TOK_SPM;
		rc = read_metaspace(o, list, n, &spaces, &prefix, e);
		v->add_space_prefix = prefix;
		if (!rc && !spaces)
			rc = err_set(e, "neither a byte-level nor a SentencePiece-like tokenizer");
	}
	if (!rc)
		rc = check_model(model, v, e);
out:
	free_steps(list, n);
	js_free(o);
	js_free(model);
	return rc;
}

int pre_first_token(struct js root, const struct vocab *v)
{
	struct js o = js_get(root, "post_processor"), list[STEPS_MAX];
	size_t n;
	int id = -1;

	if (steps(o, "processors", "post_processor", list, &n, NULL))
		n = 0;
	for (size_t k = 0; k < n && id < 0; k++) {
		struct js single = js_get(list[k], "single"), first = js_at(single, 0),
		          token = js_get(first, "SpecialToken");
		struct js name = js_get(token, "id");

		for (size_t i = 0; i < v->n && id < 0 && js_kind(name) == JS_STRING; i++)
			if (!strcmp(v->tokens[i].text, js_string(name)))
				id = (int)i;
		js_free(single);
		js_free(first);
		js_free(token);
		js_free(name);
	}
	free_steps(list, n);
	js_free(o);
	return id;
}

/* ---- writing ---- */

/* Parses JSON text from this file. */
static struct js literal(const char *text)
{
	struct js v = js_none();
	struct err e;

	if (js_parse(text, strlen(text), &v, &e))
		die(EXIT_ERROR, "internal: %s", e.msg);
	return v;
}

struct js pre_normalizer(const struct vocab *v)
{
	if (v->kind == TOK_SPM && v->add_space_prefix)
		return literal(
			"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"" SPACE
			"\"},"
			"{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" SPACE "\"}]}");
	if (v->kind == TOK_SPM)
		return literal("{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" SPACE
		               "\"}");
	return v->pre == TOK_PRE_QWEN2 ? literal("{\"type\":\"NFC\"}") : js_null();
}

static struct js byte_level(int own_regex)
{
	struct js o =
		literal("{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true}");

	js_set(&o, "use_regex", js_bool(own_regex));
	return o;
}

static struct js sequence(struct js first, struct js second)
{
	struct js o = literal("{\"type\":\"Sequence\"}"), list = js_array();

	js_push(&list, first);
	js_push(&list, second);
	js_set(&o, "pretokenizers", list);
	return o;
}

struct js pre_tokenizer(const struct vocab *v)
{
	if (v->kind == TOK_SPM)
		return js_null();
	if (v->kind == TOK_BYTE || v->pre == TOK_PRE_NONE)
		return byte_level(0);
	if (v->pre == TOK_PRE_GPT2)
		return byte_level(1);
	if (v->pre == TOK_PRE_SMOLLM)
		return sequence(literal("{\"type\":\"Digits\",\"individual_digits\":true}"), byte_level(1));
	for (size_t i = 0; i < LEN(splits); i++)
		if (splits[i].pre == v->pre) {
			struct js o = literal(
			              "{\"type\":\"Split\",\"behavior\":\"Isolated\",\"invert\":false}"),
			          p = js_object();

			js_set(&p, "Regex", js_str(splits[i].regex));
			js_set(&o, "pattern", p);
			return sequence(o, byte_level(0));
		}
	return js_null();
}

struct js pre_decoder(const struct vocab *v)
{
	struct js o, list;

	if (v->kind != TOK_SPM)
		return literal("{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
		               "\"use_regex\":true}");
	o = literal("{\"type\":\"Sequence\"}");
	list =
		literal("[{\"type\":\"Replace\",\"pattern\":{\"String\":\"" SPACE "\"},\"content\":\" \"},"
	            "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]");
	if (v->add_space_prefix)
		js_push(&list, literal("{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"));
	js_set(&o, "decoders", list);
	return o;
}

/* {"KEY": {"id": id, "type_id": type}} */
static struct js piece(const char *key, const char *id, int type)
{
	struct js in = js_object(), o = js_object();

	js_set(&in, "id", js_str(id));
	js_set(&in, "type_id", js_num(type));
	js_set(&o, key, in);
	return o;
}

struct js pre_post(const struct vocab *v)
{
	struct js o, single, pair, special, ids, texts;
	const char *bos;

	if (!v->add_bos || v->bos < 0)
		return js_null();
	bos = v->tokens[v->bos].text;
	single = js_array();
	js_push(&single, piece("SpecialToken", bos, 0));
	js_push(&single, piece("Sequence", "A", 0));
	pair = js_copy(single);
	js_push(&pair, piece("SpecialToken", bos, 1));
	js_push(&pair, piece("Sequence", "B", 1));
	ids = js_array();
	js_push(&ids, js_num(v->bos));
	texts = js_array();
	js_push(&texts, js_str(bos));
	special = js_object();
	js_set(&special, "id", js_str(bos));
	js_set(&special, "ids", ids);
	js_set(&special, "tokens", texts);
	o = literal("{\"type\":\"TemplateProcessing\"}");
	js_set(&o, "single", single);
	js_set(&o, "pair", pair);
	ids = js_object();
	js_set(&ids, bos, special);
	js_set(&o, "special_tokens", ids);
	return o;
}
