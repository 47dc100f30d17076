/* SPDX-License-Identifier: MIT */
/*
 * Reads tokenizer.json (the format of the tokenizers library) as a struct vocab. Its BPE model is
 * supported in two forms: byte-level, and SentencePiece-like (spaces as U+2581, byte fallback).
 * Special tokens, ends and the chat template come from tokenizer_config.json,
 * generation_config.json, config.json and chat_template.jinja.
 *
 * An NFC normalizer (Qwen) is accepted but not applied: composed text, which nearly all text is,
 * tokenises the same.
 */
#include "import/inside.h"

#include "import/hf.h"
#include "import/vocab.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKENIZER_MAX = 256 << 20, SMALL_MAX = 16 << 20, HOLES_MAX = 65536 };

/* A token being read, by id: ids come in any order. */
struct slot {
	char *text;                  /* owned; NULL: no token has this id */
	enum tok_type type;
	int added;
	int strips;                  /* the file says to strip white space next to it */
};

struct reading {
	struct js root, model, tok_config, config, generation;
	struct slot *slots;          /* [n] */
	size_t n;
	struct vocab *v;
};

static int put_slot(struct reading *r, int64_t id, struct js text, enum tok_type type, int added,
                    struct err *e)
{
	const char *s = js_string(text);
	size_t len = js_string_len(text);
	struct slot *slot = &r->slots[id];

	if (!text_valid(s, len))
		return err_set(e, "token %lld holds a NUL", (long long)id);
	/* Added tokens may repeat what the model's vocabulary has. */
	if (slot->text && (!added || strcmp(slot->text, s)))
		return err_set(e, "tokens '%s' and '%s' have the same id %lld",
		               label(slot->text, strlen(slot->text)).s, label(s, len).s, (long long)id);
	free(slot->text);
	*slot = (struct slot){xstrndup(s, len), type, added, 0};
	return 0;
}

/* Grows the table to hold id. */
static void reach(struct reading *r, int64_t id)
{
	size_t n = (size_t)id + 1;

	if (n <= r->n)
		return;
	r->slots = xreallocarray(r->slots, n, sizeof *r->slots);
	memset(r->slots + r->n, 0, (n - r->n) * sizeof *r->slots);
	r->n = n;
}

/* Bound on ids: holes are allowed, but not so large that a small file needs much memory. */
static int64_t id_limit(const struct reading *r)
{
	struct js vocab = js_get(r->model, "vocab"), added = js_get(r->root, "added_tokens");
	size_t n = js_len(vocab) + js_len(added) + HOLES_MAX;

	js_free(vocab);
	js_free(added);
	return n < VOCAB_TOKENS_MAX ? (int64_t)n : VOCAB_TOKENS_MAX;
}

static int read_vocab(struct reading *r, struct err *e)
{
	struct js vocab = js_get(r->model, "vocab"), id;
	int64_t most = -1, k, limit = id_limit(r);
	struct js_iter it;
	const char *text;
	int rc = -1;

	if (js_kind(vocab) != JS_OBJECT || !js_len(vocab)) {
		err_set(e, "model.vocab: expected an object");
		goto out;
	}
	for (it = js_begin(vocab); js_next(vocab, &it, &text, &id); js_free(id))
		if (js_int(id, 0, VOCAB_TOKENS_MAX - 1, &k, e)) {
			err_prefix(e, "model.vocab: '%s': ", label(text, strlen(text)).s);
			js_free(id);
			goto out;
		} else if (k > most) {
			most = k;
		}
	if (most >= limit) {
		err_set(e, "model.vocab: id %lld, but only %zu tokens", (long long)most, js_len(vocab));
		goto out;
	}
	reach(r, most);
	for (it = js_begin(vocab); js_next(vocab, &it, &text, &id); js_free(id)) {
		struct js s = js_str(text);
		int bad = put_slot(r, (int64_t)js_number(id), s, TOK_NORMAL, 0, e);

		js_free(s);
		if (bad) {
			js_free(id);
			err_prefix(e, "model.vocab: ");
			goto out;
		}
	}
	rc = 0;
out:
	js_free(vocab);
	return rc;
}

/* True for a token that looks like a control token though the file calls it ordinary: text must
 * never become it. */
static int looks_special(const char *s)
{
	size_t n = strlen(s);

	return n > 4 && !strncmp(s, "<|", 2) && !strcmp(s + n - 2, "|>");
}

static int is_true(struct js o, const char *key)
{
	struct js v = js_get(o, key);
	int rc = js_kind(v) == JS_TRUE;

	js_free(v);
	return rc;
}

/* Text never becomes a control token, so that what is beside one matters only where the chat format
 * writes it (check_strips). */
static int read_strips(struct reading *r, struct js t, int64_t id, struct err *e)
{
	struct slot *slot = &r->slots[id];

	slot->strips = is_true(t, "lstrip") || is_true(t, "rstrip");
	if (slot->type == TOK_USER && (slot->strips || is_true(t, "single_word")))
		return err_set(e, "lstrip, rstrip and single_word are not supported");
	return 0;
}

static int read_added(struct reading *r, struct err *e)
{
	struct js list = js_get(r->root, "added_tokens");
	size_t n = js_len(list);
	int64_t limit = id_limit(r);
	int bad = 0;

	if (js_kind(list) != JS_ARRAY && js_kind(list) != JS_NONE && js_kind(list) != JS_NULL)
		bad = err_set(e, "added_tokens: expected an array");
	for (size_t i = 0; i < n && !bad; i++) {
		struct js t = js_at(list, i), id = js_get(t, "id"), text = js_get(t, "content");
		struct js special = js_get(t, "special");
		int64_t k;

		if (js_int(id, 0, limit - 1, &k, e) || js_kind(text) != JS_STRING) {
			bad = err_set(e, "added_tokens[%zu]: expected id and content", i);
		} else {
			int control = js_kind(special) == JS_TRUE || looks_special(js_string(text));

			reach(r, k);
			if (put_slot(r, k, text, control ? TOK_CONTROL : TOK_USER, 1, e) ||
			    read_strips(r, t, k, e))
				bad = err_prefix(e, "added_tokens[%zu]: ", i);
		}
		js_free(t);
		js_free(id);
		js_free(text);
		js_free(special);
	}
	js_free(list);
	return bad;
}

/* "left right", or ["left", "right"]: appended to out as "left right". */
static int merge_text(struct js m, struct buf *out, size_t *left, struct err *e)
{
	struct js a = js_at(m, 0), b = js_at(m, 1);
	const char *space;
	int rc = 0;

	*left = 0;
	buf_clear(out);
	if (js_kind(m) == JS_STRING && strlen(js_string(m)) == js_string_len(m)) {
		buf_add(out, js_string(m), js_string_len(m));
		space = strchr(out->data, ' ');
		*left = space ? (size_t)(space - out->data) : 0;
		if (!space || !*left || !space[1])
			rc = err_set(e, "expected two pieces");
	} else if (js_kind(m) == JS_ARRAY && js_len(m) == 2 && js_kind(a) == JS_STRING &&
	           js_kind(b) == JS_STRING && js_string_len(a) && js_string_len(b) &&
	           strlen(js_string(a)) == js_string_len(a) &&
	           strlen(js_string(b)) == js_string_len(b)) {
		*left = js_string_len(a);
		buf_add(out, js_string(a), *left);
		buf_addc(out, ' ');
		buf_add(out, js_string(b), js_string_len(b));
	} else {
		rc = err_set(e, "expected \"left right\" or [\"left\", \"right\"]");
	}
	js_free(a);
	js_free(b);
	return rc;
}

static int slot_order(const void *a, const void *b)
{
	const struct slot *x = *(struct slot *const *)a, *y = *(struct slot *const *)b;

	return strcmp(x->text, y->text);
}

/* Scores of a SentencePiece-like vocabulary: minus the rank of the first merge that makes the
 * token. */
static int score_merge(const struct reading *r, struct slot **sorted, size_t n, size_t rank,
                       struct buf *text, size_t left, struct err *e)
{
	struct slot key = {.text = text->data}, *want = &key, **found;
	struct vocab_token *t;

	memmove(text->data + left, text->data + left + 1, text->len - left);
	found = bsearch(&want, sorted, n, sizeof *sorted, slot_order);
	if (!found)
		return err_set(e, "the result is no token");
	t = &r->v->tokens[*found - r->slots];
	if (t->score < -(float)rank)
		t->score = -(float)rank;
	return 0;
}

static int read_merges(struct reading *r, struct err *e)
{
	struct js list = js_get(r->model, "merges");
	struct slot **sorted = NULL;
	struct buf text = {0};
	size_t n = js_len(list), n_sorted = 0, left;
	int bad = 0;

	if (js_kind(list) != JS_ARRAY || n > VOCAB_TOKENS_MAX)
		bad = err_set(e, "model.merges: expected an array");
	if (r->v->kind == TOK_SPM) {
		sorted = xreallocarray(NULL, r->v->n + 1, sizeof *sorted);
		for (size_t i = 0; i < r->v->n; i++) {
			r->v->tokens[i].score = -(float)(n + 1);
			if (i < r->n && r->slots[i].text)
				sorted[n_sorted++] = &r->slots[i];
		}
		qsort(sorted, n_sorted, sizeof *sorted, slot_order);
	}
	for (size_t i = 0; i < n && !bad; i++) {
		struct js m = js_at(list, i);

		bad = merge_text(m, &text, &left, e);
		if (!bad && sorted)
			bad = score_merge(r, sorted, n_sorted, i, &text, left, e);
		else if (!bad && memchr(text.data + left + 1, ' ', text.len - left - 1))
			bad = err_set(e, "expected two pieces");
		else if (!bad)
			vocab_merge(r->v, text.data, text.len);
		if (bad)
			err_prefix(e, "model.merges[%zu]: ", i);
		js_free(m);
	}
	free(sorted);
	buf_release(&text);
	js_free(list);
	return bad;
}

/* ---- special tokens ---- */

/* Id of a text, preferring control tokens (two ids may share a text if one of them is not
 * added). */
static int find_text(const struct vocab *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->tokens[i].text, text))
			return (int)i;
	return -1;
}

/* "bos_token": a string or an object with content; null or absent leaves *id. */
static int named_token(const struct reading *r, struct js o, const char *key, int *id,
                       struct err *e)
{
	struct js v = js_get(o, key), content = js_get(v, "content");
	int rc = 0;

	if (js_kind(v) == JS_STRING)
		*id = find_text(r->v, js_string(v));
	else if (js_kind(content) == JS_STRING)
		*id = find_text(r->v, js_string(content));
	else if (js_kind(v) != JS_NONE && js_kind(v) != JS_NULL)
		rc = err_set(e, "%s: expected a token's text", key);
	js_free(v);
	js_free(content);
	return rc;
}

/* A number or an array of numbers, appended to ids. */
static int token_ids(struct js o, const char *key, int *ids, size_t *n, struct err *e)
{
	struct js v = js_get(o, key), one;
	size_t k = js_kind(v) == JS_ARRAY ? js_len(v) : js_kind(v) == JS_NUMBER;
	int64_t id;
	int rc = 0;

	for (size_t i = 0; i < k && !rc; i++) {
		one = js_kind(v) == JS_ARRAY ? js_at(v, i) : js_copy(v);
		if (*n == VOCAB_ENDS_MAX)
			rc = err_set(e, "%s: more than %d", key, VOCAB_ENDS_MAX);
		else if (js_int(one, 0, VOCAB_TOKENS_MAX - 1, &id, e))
			rc = err_prefix(e, "%s: ", key);
		else
			ids[(*n)++] = (int)id;
		js_free(one);
	}
	js_free(v);
	return rc;
}

static int check_strips(const struct reading *r, struct err *e)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->slots[i].strips && chat_writes(r->v->chat, r->slots[i].text))
			return err_set(e, "token '%s': lstrip and rstrip are not supported",
			               label(r->slots[i].text, strlen(r->slots[i].text)).s);
	return 0;
}

static int special_tokens(struct reading *r, struct err *e)
{
	struct vocab *v = r->v;
	int declared[VOCAB_ENDS_MAX], flag, post, bos[VOCAB_ENDS_MAX];
	size_t n = 0, n_bos = 0, kept = 0;
	struct js add, chat;
	int rc;

	if (token_ids(r->tok_config, VOCAB_ENDS_KEY, declared, &n, e) ||
	    named_token(r, r->tok_config, "bos_token", &v->bos, e) ||
	    named_token(r, r->tok_config, "eos_token", &v->eos, e) ||
	    named_token(r, r->tok_config, "unk_token", &v->unk, e) ||
	    named_token(r, r->model, "unk_token", &v->unk, e) ||
	    token_ids(r->generation, "eos_token_id", declared, &n, e) ||
	    token_ids(r->config, "eos_token_id", declared, &n, e) ||
	    token_ids(r->config, "bos_token_id", bos, &n_bos, e))
		return -1;
	/* Configurations may name ids that this vocabulary lacks. */
	for (size_t i = 0; i < n; i++)
		if ((size_t)declared[i] < v->n)
			declared[kept++] = declared[i];
	if (v->eos < 0 && kept)
		v->eos = declared[0];
	if (v->bos < 0 && n_bos && (size_t)bos[0] < v->n)
		v->bos = bos[0];
	add = js_get(r->tok_config, "add_bos_token");
	flag = js_kind(add) == JS_TRUE ? 1 : js_kind(add) == JS_FALSE ? 0 : -1;
	js_free(add);
	post = pre_first_token(r->root, v);
	if (post >= 0 && v->bos < 0)
		v->bos = post;
	v->add_bos = v->bos >= 0 && (flag >= 0 ? flag : post == v->bos);
	if (v->unk >= 0 && v->kind == TOK_SPM)
		v->tokens[v->unk].type = TOK_UNKNOWN;
	chat = js_get(r->tok_config, VOCAB_CHAT_KEY);
	rc = vocab_finish(v, declared, kept, js_kind(chat) == JS_STRING ? js_string(chat) : NULL, e);
	js_free(chat);
	return rc ? rc : check_strips(r, e);
}

/* chat_template.jinja beside it, or tokenizer_config's chat_template: text, or a list of named
 * ones. */
static int chat_template(struct reading *r, const char *dir, struct err *e)
{
	struct js t = js_get(r->tok_config, "chat_template");
	struct buf path = {0}, text = {0};
	int rc = 0;

	if (dir)
		buf_addf(&path, "%s/chat_template.jinja", dir);
	if (dir && !access(path.data, F_OK)) {
		rc = file_read(path.data, SMALL_MAX, &text, e);
		if (!rc && !text_valid(text.data, text.len))
			rc = err_set(e, "%s: not UTF-8 text", path.data);
		if (!rc)
			r->v->chat_template = xstrndup(text.data, text.len);
	}
	for (size_t i = 0, n = js_kind(t) == JS_ARRAY ? js_len(t) : 0; i < n; i++) {
		struct js one = js_at(t, i), name = js_get(one, "name");

		if (js_kind(name) == JS_STRING && !strcmp(js_string(name), "default")) {
			js_free(t);
			t = js_get(one, "template");
			n = 0;
		}
		js_free(name);
		js_free(one);
	}
	if (!rc && !r->v->chat_template && js_kind(t) == JS_STRING &&
	    text_valid(js_string(t), js_string_len(t)))
		r->v->chat_template = xstrdup(js_string(t));
	js_free(t);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

/* ---- the whole vocabulary ---- */

/* Turns slots into tokens; the model's embedding has size rows (0: unknown). */
static int fill(struct reading *r, size_t size, struct err *e)
{
	char name[32];

	/* Multimodal families add tokens for which the text model has no row. */
	while (size && r->n > size && (!r->slots[r->n - 1].text || r->slots[r->n - 1].added))
		free(r->slots[--r->n].text);
	if (size && r->n > size)
		return err_set(e, "token %zu: the embedding has only %zu rows", r->n - 1, size);
	if (size > r->n + HOLES_MAX)
		return err_set(e, "%zu tokens for an embedding of %zu rows", r->n, size);
	if (!size)
		size = r->n;
	for (size_t i = 0; i < size; i++) {
		struct slot *s = i < r->n && r->slots[i].text ? &r->slots[i] : NULL;
		enum tok_type type = s ? s->type : TOK_UNUSED;

		if (s && r->v->kind == TOK_SPM && type == TOK_NORMAL && byte_piece(s->text) >= 0)
			type = TOK_BYTE_PIECE;
		if (!s)
			snprintf(name, sizeof name, "[PAD%zu]", i);
		vocab_add(r->v, s ? s->text : name, strlen(s ? s->text : name), type, 0);
	}
	return 0;
}

static int read_tokenizer(struct reading *r, size_t size, struct err *e)
{
	struct js type = js_get(r->model, "type");
	int rc = -1;

	if (js_kind(r->model) != JS_OBJECT)
		err_set(e, "model: expected an object");
	else if (js_kind(type) == JS_STRING && strcmp(js_string(type), "BPE"))
		err_set(e, "tokenizer model '%s' is not supported (BPE is)",
		        label(js_string(type), js_string_len(type)).s);
	else
		rc = pre_kind(r->root, r->v, e);
	js_free(type);
	if (rc)
		return -1;
	return read_vocab(r, e) || read_added(r, e) || fill(r, size, e) || read_merges(r, e) ? -1 : 0;
}

/* The embedding's number of rows according to config.json; 0: unknown. */
static size_t config_size(const struct reading *r)
{
	struct js v = js_get(r->config, "vocab_size");
	int64_t n = 0;

	if (js_int(v, 1, VOCAB_TOKENS_MAX, &n, NULL))
		n = 0;
	js_free(v);
	return (size_t)n;
}

/* dir NULL: only the tokenizer file. */
static int read_all(const char *dir, const char *file, size_t size, struct vocab *out,
                    struct err *e)
{
	struct reading r = {.v = out};
	struct buf text = {0};
	int rc = -1;

	vocab_init(out);
	if (file_read(file, TOKENIZER_MAX, &text, e))
		goto out;
	if (js_parse_foreign(text.data, text.len, &r.root, e)) {
		err_prefix(e, "%s: ", file);
		goto out;
	}
	r.model = js_get(r.root, "model");
	if (dir && (hf_json(dir, "tokenizer_config.json", SMALL_MAX, 1, &r.tok_config, e) ||
	            hf_json(dir, "generation_config.json", SMALL_MAX, 1, &r.generation, e) ||
	            hf_json(dir, "config.json", SMALL_MAX, 1, &r.config, e)))
		goto out;
	if (read_tokenizer(&r, size ? size : config_size(&r), e) || chat_template(&r, dir, e) ||
	    special_tokens(&r, e)) {
		err_prefix(e, "%s: ", file);
		goto out;
	}
	rc = 0;
out:
	if (rc)
		vocab_release(out);
	for (size_t i = 0; i < r.n; i++)
		free(r.slots[i].text);
	free(r.slots);
	js_free(r.root);
	js_free(r.model);
	js_free(r.tok_config);
	js_free(r.config);
	js_free(r.generation);
	buf_release(&text);
	return rc;
}

int hf_vocab(const char *dir, size_t size, struct vocab *out, struct err *e)
{
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/tokenizer.json", dir);
	rc = read_all(dir, path.data, size, out, e);
	buf_release(&path);
	return rc;
}

int hf_vocab_file(const char *tokenizer_json, struct vocab *out, struct err *e)
{
	return read_all(NULL, tokenizer_json, 0, out, e);
}
