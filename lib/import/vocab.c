/* SPDX-License-Identifier: MIT */
/*
 * Completes a vocabulary read from either format: byte vocabularies, ids, tokens that end a
 * response.
 */
#include "import/vocab.h"

#include <stdlib.h>
#include <string.h>

/* Control tokens that end a turn or a document in models of the supported families. */
static const char *const known_ends[] = {
	"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
	"<|end|>", "<|end_of_turn|>", "<|eot|>", "<eos>", "</s>", "<EOT>", "<end_of_utterance>",
	"<\xef\xbd\x9c" "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
};

size_t byte_char(unsigned char b, char out[4])
{
	/* Printable Latin-1 maps to itself; the other 68 bytes map to U+0100 onwards, in order. */
	unsigned c = 256, plain = (b > 32 && b < 127) || (b > 160 && b != 173);

	if (plain) {
		c = b;
	} else {
		c += b <= 32 ? b : b <= 160 ? b - 127 + 33 : 67;
	}
	if (c < 128) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = (char)(0xc0 | c >> 6);
	out[1] = (char)(0x80 | (c & 63));
	return 2;
}

int byte_piece(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *hi, *lo;

	if (strncmp(text, "<0x", 3) || strlen(text) != 6 || text[5] != '>')
		return -1;
	hi = strchr(hex, text[3]);
	lo = strchr(hex, text[4]);
	return hi && lo ? (int)((hi - hex) << 4 | (lo - hex)) : -1;
}

int chat_end_id(const struct vocab *v)
{
	const char *text = v->chat ? chat_end_text(v->chat) : NULL;

	for (size_t i = 0; text && i < v->n; i++)
		if (v->tokens[i].type == TOK_CONTROL && !strcmp(v->tokens[i].text, text))
			return (int)i;
	return -1;
}

/* True for our byte vocabulary exported as BPE: no merges, and the first 256 tokens are the bytes
 * in order. */
static int is_byte_vocab(const struct vocab *v)
{
	char c[4];

	if (v->kind != TOK_BPE || v->n_merges || v->n < 256)
		return 0;
	for (int b = 0; b < 256; b++) {
		size_t n = byte_char((unsigned char)b, c);
		const struct vocab_token *t = &v->tokens[b];

		if (t->type != TOK_NORMAL || strlen(t->text) != n || memcmp(t->text, c, n))
			return 0;
	}
	for (size_t i = 256; i < v->n; i++)
		if (v->tokens[i].type == TOK_NORMAL || v->tokens[i].type == TOK_USER)
			return 0;
	return 1;
}

/* Restores the form that vocab_bytes makes. */
static void to_byte_vocab(struct vocab *v)
{
	v->kind = TOK_BYTE;
	v->pre = TOK_PRE_NONE;
	for (int b = 0; b < 256; b++) {
		struct vocab_token *t = &v->tokens[b];

		free(t->text);
		t->text = xmalloc(7);
		snprintf(t->text, 7, "<0x%02X>", b & 255);
		t->type = TOK_BYTE_PIECE;
	}
}

/* Checks the bounds of an id; -1 means none. */
static int check_id(const struct vocab *v, const char *what, int id, struct err *e)
{
	if (id < -1 || (id >= 0 && (size_t)id >= v->n))
		return err_set(e, "tokenizer: %s id %d is not within 0..%zu", what, id, v->n - 1);
	return 0;
}

/* eos and declared ends tell which chat format the model was trained on, so they are added
 * first. */
static void collect_ends(struct vocab *v, const int *declared, size_t n_declared, const char *chat)
{
	if (v->eos >= 0)
		vocab_end(v, v->eos);
	for (size_t i = 0; i < n_declared; i++)
		vocab_end(v, declared[i]);
	free(v->chat);
	v->chat = xstrdup(chat ? chat : chat_recognise(v));
	for (size_t k = 0; k < LEN(known_ends); k++)
		for (size_t i = 0; i < v->n; i++)
			if (v->tokens[i].type == TOK_CONTROL && !strcmp(v->tokens[i].text, known_ends[k]))
				vocab_end(v, (int)i);
}

int vocab_finish(struct vocab *v, const int *declared, size_t n_declared, const char *chat,
                 struct err *e)
{
	if (!v->n || v->n > VOCAB_TOKENS_MAX)
		return err_set(e, "tokenizer: %zu tokens are not within 1..%d", v->n, VOCAB_TOKENS_MAX);
	if (check_id(v, "bos", v->bos, e) || check_id(v, "eos", v->eos, e) ||
	    check_id(v, "unknown", v->unk, e))
		return -1;
	for (size_t i = 0; i < n_declared; i++)
		if (declared[i] < 0 || check_id(v, "end", declared[i], e))
			return err_set(e, "tokenizer: end id %d is not within 0..%zu", declared[i], v->n - 1);
	if (v->add_bos && v->bos < 0)
		return err_set(e, "tokenizer: a bos token is wanted, but there is none");
	/* Text may become a user-defined token, but must never become one that ends a turn. ("</s>"
	 * is also HTML.) */
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = 0; k < LEN(known_ends); k++)
			if (v->tokens[i].type == TOK_USER && !strcmp(v->tokens[i].text, known_ends[k]) &&
			    strcmp(known_ends[k], "</s>"))
				v->tokens[i].type = TOK_CONTROL;
	if (is_byte_vocab(v))
		to_byte_vocab(v);
	if (chat && !chat_source(chat))
		return err_set(e, "tokenizer: chat format '%.40s' is not known", chat);
	collect_ends(v, declared, n_declared, chat);
	return 0;
}
