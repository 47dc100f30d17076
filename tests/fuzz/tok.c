/* SPDX-License-Identifier: MIT */
/*
 * Mutated tokenizer bytes and random text, fixed seed: vocab_load and tok_new refuse or give
 * something that works; a tokenizer that works encodes any bytes into ids of its own, never into
 * control tokens, and takes every id back. Worth most under SAN=1.
 */
#include "tap.h"
#include "tok/tok.h"

#include <stdlib.h>
#include <string.h>

static struct err e;
static uint64_t at;
static struct rng rng;

static size_t pick(size_t n)
{
	return (size_t)rng_below(&rng, at++, n);
}

static void add(struct vocab *v, const char *s, enum tok_type type)
{
	vocab_add(v, s, strlen(s), type, (float)pick(7) - 3);
}

static void small(struct vocab *v, enum tok_kind kind)
{
	static const char *const merges[] = {"l l", "h e", "he ll", "hell o", "a a", "aa aa", "1 2"};
	static const char *const letters[] = {"h",
	                                      "e",
	                                      "l",
	                                      "o",
	                                      "a",
	                                      "1",
	                                      "2",
	                                      "\xe2\x96\x81",
	                                      "\xe2\x96\x81"
	                                      "1"};
	char s[16];

	vocab_init(v);
	v->kind = kind;
	v->pre = (enum tok_pre)pick(5);
	for (int b = 0, other = 0; b < 256; b++) {
		int cp = (b >= 33 && b <= 126) || (b >= 161 && b != 173) ? b : 256 + other++;

		if (kind == TOK_SPM)
			snprintf(s, sizeof s, "<0x%02X>", b);
		else if (cp < 128)
			snprintf(s, sizeof s, "%c", cp);
		else
			snprintf(s, sizeof s, "%c%c", 0xc0 | cp >> 6, 0x80 | (cp & 63));
		add(v, s, kind == TOK_SPM ? TOK_BYTE_PIECE : TOK_NORMAL);
	}
	for (size_t i = 0; kind == TOK_SPM && i < LEN(letters); i++)
		add(v, letters[i], TOK_NORMAL);
	for (size_t i = 0; i < LEN(merges); i++) {
		const char *sp = strchr(merges[i], ' ');

		snprintf(s, sizeof s, "%.*s%s", (int)(sp - merges[i]), merges[i], sp + 1);
		add(v, s, TOK_NORMAL);
		if (kind == TOK_BPE)
			vocab_merge(v, merges[i], strlen(merges[i]));
	}
	add(v, "<|im_start|>", TOK_CONTROL);
	add(v, "<|im_end|>", TOK_CONTROL);
	add(v, "<tool>", TOK_USER);
	add(v, "\n\n", TOK_USER);
	add(v, "<", TOK_USER);
	v->eos = (int)v->n - 4;
	v->add_space_prefix = (int)pick(2);
	v->ignore_merges = (int)pick(2);
	vocab_end(v, v->eos);
	v->chat = strdup("chatml");
}

static void random_text(struct buf *b)
{
	static const char *const parts[] = {"hello",        " ",
	                                    "aaaa",         "12",
	                                    "\n\n",         "<tool>",
	                                    "<|im_end|>",   "\xc3\xa9",
	                                    "\xe4\xb8\xad", "\xf0\x9f\x98\x80",
	                                    "\xf0\x9f",     "\xe2\x96\x81",
	                                    "'s",           "\r\n",
	                                    "\xed\xa0\x80", "\xff",
	                                    "\t ",          "\xc2\xa0",
	                                    "<0x41>"};

	buf_clear(b);
	for (size_t n = pick(24); n; n--) {
		const char *p = parts[pick(LEN(parts))];

		if (pick(4))
			buf_adds(b, p);
		else
			buf_addc(b, (char)pick(256));
	}
}

/* 0 if the tokenizer kept its promises; lossless: it must give the bytes back. */
static int try_text(struct tok *t, const struct buf *text, int lossless)
{
	struct ids ids = {0};
	struct buf back = {0}, stream = {0};
	struct tok_stream s = {{0}, 0};
	int bad = tok_encode(t, text->data, text->len, 0, &ids, &e) != 0;

	for (size_t i = 0; i < ids.n; i++) {
		size_t n;

		if (ids.v[i] < 0 || (size_t)ids.v[i] >= tok_size(t)) {
			bad = 1;
			continue;
		}
		(void)tok_bytes(t, ids.v[i], 1, &n);
		tok_decode_piece(t, &s, ids.v[i], &stream);
		if (s.n < 0 || s.n > 3)
			bad = 1;
	}
	tok_decode_piece(t, &s, -1, &stream);
	tok_decode(t, ids.v, ids.n, &back);
	if (back.len != stream.len || (back.len && memcmp(back.data, stream.data, back.len)))
		bad = 1;
	if (lossless &&
	    (back.len != text->len || (back.len && memcmp(back.data, text->data, back.len))))
		bad = 1;
	free(ids.v);
	buf_release(&back);
	buf_release(&stream);
	return bad;
}

/* No id that text gives is a control token. */
static int gives_control(struct tok *t, const struct vocab *v, const struct buf *text)
{
	struct ids ids = {0};
	int bad = tok_encode(t, text->data, text->len, 1, &ids, &e) != 0;

	for (size_t i = 0; i < ids.n; i++)
		if (v->tokens[ids.v[i]].type == TOK_CONTROL)
			bad = 1;
	free(ids.v);
	return bad;
}

static void mutate(struct buf *b)
{
	for (size_t n = 1 + pick(4); n; n--) {
		size_t i = pick(b->len), k;

		switch (pick(6)) {
		case 0:
			b->data[i] = (char)pick(256);
			break;
		case 1:
			b->data[i] ^= (char)(1 << pick(8));
			break;
		case 2:                              /* a header or a tail field */
			b->data[pick(2) ? pick(40) % b->len : b->len - 1 - pick(40) % b->len] = (char)pick(256);
			break;
		case 3:                              /* cut */
			b->len = pick(8) ? b->len : i + 1;
			break;
		case 4:                              /* a run moved over another */
			k = pick(16);
			if (i + k <= b->len) {
				size_t from = pick(b->len - k + 1);

				memmove(b->data + i, b->data + from, k);
			}
			break;
		default:                             /* an aligned count or length */
			if (i + 4 <= b->len)
				memset(b->data + i, pick(2) ? 0xff : 0, 4);
		}
	}
}

static void fuzz_load(enum tok_kind kind, const char *name)
{
	struct vocab v, w;
	struct buf good = {0}, b = {0}, text = {0};
	size_t loaded = 0, made = 0, bad = 0;

	if (kind == TOK_BYTE)
		vocab_bytes(&v);
	else
		small(&v, kind);
	vocab_save(&v, &good);
	for (int i = 0; i < 4000; i++) {
		struct tok *t;

		buf_clear(&b);
		buf_add(&b, good.data, good.len);
		mutate(&b);
		/* A copy of exactly this size: reading beyond it shows. */
		void *exact = xmemdup(b.data, b.len);
		int rc = vocab_load(exact, b.len, &w, &e);

		free(exact);
		if (rc)
			continue;
		loaded++;
		(void)chat_recognise(&w);
		if (!tok_new(&w, &t, &e)) {
			made++;
			for (int k = 0; k < 3; k++) {
				random_text(&text);
				bad += (size_t)(try_text(t, &text, 0) || gives_control(t, &w, &text));
			}
			tok_free(t);
		}
		vocab_release(&w);
	}
	ok(!bad && loaded > made && made > 50 && loaded < 4000,
	   "%s: 4000 mutations, %zu load, %zu work", name, loaded, made);
	vocab_release(&v);
	buf_release(&good);
	buf_release(&b);
	buf_release(&text);
}

static void fuzz_encode(enum tok_kind kind, const char *name)
{
	struct buf text = {0};
	size_t bad = 0;

	for (int i = 0; i < 40; i++) {
		struct vocab v;
		struct tok *t;

		if (kind == TOK_BYTE)
			vocab_bytes(&v);
		else
			small(&v, kind);
		if (tok_new(&v, &t, &e)) {
			diag("%s", e.msg);
			bad++;
		} else {
			for (int k = 0; k < 100; k++) {
				random_text(&text);
				bad += (size_t)(try_text(t, &text, 1) || gives_control(t, &v, &text));
			}
			tok_free(t);
		}
		vocab_release(&v);
	}
	ok(!bad, "%s: 4000 texts", name);
	buf_release(&text);
}

int main(void)
{
	rng = rng_stream(20, "fuzz", 0, "tok", 0, 0);
	fuzz_encode(TOK_BYTE, "bytes");
	fuzz_encode(TOK_BPE, "BPE");
	fuzz_encode(TOK_SPM, "SPM");
	fuzz_load(TOK_BYTE, "bytes");
	fuzz_load(TOK_BPE, "BPE");
	fuzz_load(TOK_SPM, "SPM");
	return done();
}
