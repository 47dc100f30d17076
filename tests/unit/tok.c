/* SPDX-License-Identifier: MIT */
/* Tokenizers and chat formats on small vocabularies made here. */
#include "tap.h"
#include "tok/tok.h"

#include <stdlib.h>
#include <string.h>

static struct err e;

/* ---- a small byte-level BPE: 256 bytes in GPT-2's alphabet, then merges ---- */

static void add_alphabet(struct vocab *v)
{
	int other = 0;

	for (int b = 0; b < 256; b++) {
		int printable = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
		int cp = printable ? b : 256 + other++;
		char s[2] = {(char)(0xc0 | cp >> 6), (char)(0x80 | (cp & 63))};

		if (cp < 128)
			s[0] = (char)cp;
		vocab_add(v, s, cp < 128 ? 1 : 2, TOK_NORMAL, 0);
	}
}

/* Adds the merge and its result: "h e" -> token "he". */
static void merge(struct vocab *v, const char *left, const char *right)
{
	char both[64];

	snprintf(both, sizeof both, "%s %s", left, right);
	vocab_merge(v, both, strlen(both));
	snprintf(both, sizeof both, "%s%s", left, right);
	vocab_add(v, both, strlen(both), TOK_NORMAL, 0);
}

static int id_of(const struct vocab *v, const char *text)
{
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->tokens[i].text, text))
			return (int)i;
	return -2;
}

static void special(struct vocab *v, const char *text, enum tok_type type)
{
	vocab_add(v, text, strlen(text), type, 0);
}

static void small_bpe(struct vocab *v, enum tok_pre pre)
{
	vocab_init(v);
	v->kind = TOK_BPE;
	v->pre = pre;
	add_alphabet(v);
	merge(v, "l", "l");
	merge(v, "h", "e");
	merge(v, "he", "ll");
	merge(v, "hell", "o");
	merge(v, "\xc4\xa0", "hello");      /* U+0120 is the space */
	merge(v, "a", "a");
	merge(v, "aa", "aa");
	merge(v, "1", "2");
	special(v, "<|im_start|>", TOK_CONTROL);
	special(v, "<|im_end|>", TOK_CONTROL);
	special(v, "<tool>", TOK_USER);
	special(v, "<tool>>", TOK_USER);
	special(v, "<|looks|>", TOK_USER);
	special(v, "[PAD]", TOK_UNUSED);
	v->eos = id_of(v, "<|im_end|>");
	vocab_end(v, v->eos);
	v->chat = strdup("chatml");
}

/* The ids of text as the tokens' texts joined by '|', for reading. */
static const char *pieces(struct tok *t, const char *text, size_t n)
{
	static struct buf out;       /* reachable to the end: no leak */
	struct ids ids = {0};

	buf_clear(&out);
	buf_adds(&out, "");
	if (tok_encode(t, text, n, 1, &ids, &e))
		return e.msg;
	for (size_t i = 0; i < ids.n; i++) {
		size_t len;
		const char *p = tok_bytes(t, ids.v[i], 1, &len);

		if (i)
			buf_addc(&out, '|');
		buf_add(&out, p, len);
	}
	free(ids.v);
	return out.data;
}

static void cut(struct tok *t, const char *text, const char *want)
{
	const char *got = pieces(t, text, strlen(text));

	if (!ok(!strcmp(got, want), "%s", want))
		diag("got %s", got);
}

static int round_trip(struct tok *t, const char *text, size_t n)
{
	struct ids ids = {0};
	struct buf whole = {0}, stream = {0};
	struct tok_stream s = {{0}, 0};
	int good = !tok_encode(t, text, n, 0, &ids, &e);

	tok_decode(t, ids.v, ids.n, &whole);
	for (size_t i = 0; i < ids.n; i++)
		tok_decode_piece(t, &s, ids.v[i], &stream);
	tok_decode_piece(t, &s, -1, &stream);
	good = good && whole.len == n && (!n || !memcmp(whole.data, text, n)) && stream.len == n &&
	       (!n || !memcmp(stream.data, text, n));
	free(ids.v);
	buf_release(&whole);
	buf_release(&stream);
	return good;
}

static void test_bpe(void)
{
	struct vocab v;
	struct tok *t;
	char bytes[256 * 3], *a;
	struct ids ids = {0};
	size_t k = 0, n;

	small_bpe(&v, TOK_PRE_GPT2);
	ok(!tok_new(&v, &t, &e), "a small BPE");
	cut(t, "hello hello", "hello| hello");
	cut(t, "hell  hello", "hell| | hello");
	cut(t, "aaaaa", "aaaa|a");
	cut(t, "hellohe12", "hello|he|12");
	cut(t, "<|im_end|>", "<|||i|m|_|e|n|d|||>");
	cut(t, "a<tool>b<tool>>", "a|<tool>|b|<tool>>");
	cut(t, "<tool<tool>", "<|t|o|o|l|<tool>");
	cut(t, "<|looks|>", "<|||l|o|o|k|s|||>");
	cut(t, "[PAD]", "[|P|A|D|]");
	cut(t, "", "");
	ok(tok_size(t) == v.n, "tok_size");
	ok(tok_control(t, "<|im_end|>") == v.eos && tok_control(t, "<|im|>") == -1 &&
	       tok_control(t, "<tool>") == -1 && tok_control(t, "<|looks|>") == id_of(&v, "<|looks|>"),
	   "control tokens by name");
	ok(tok_is_end(t, v.eos) && !tok_is_end(t, 5) && !tok_is_end(t, -1) && !tok_is_end(t, 1 << 20) &&
	   tok_end(t) == v.eos, "end tokens");
	tok_bytes(t, v.eos, 0, &n);
	ok(n == 0, "a control token has no bytes");
	tok_bytes(t, (int)v.n, 1, &n);
	ok(n == 0, "nor has an id out of range");
	for (int i = 0; i < 256; i++) {
		bytes[k++] = (char)i;
		bytes[k++] = (char)(255 - i);
		bytes[k++] = (char)(i * 7);
	}
	ok(round_trip(t, bytes, k), "all bytes, valid UTF-8 or not, round-trip");
	/* 1 MB in one word: aa, then aaaa merge throughout. */
	n = 1 << 20;
	a = malloc(n);
	memset(a, 'a', n);
	ok(!tok_encode(t, a, n, 0, &ids, &e) && ids.n == n / 4 && ids.v[0] == id_of(&v, "aaaa") &&
	   ids.v[ids.n - 1] == ids.v[0], "a word of a megabyte");
	free(a);
	free(ids.v);
	tok_free(t);
	vocab_release(&v);
}

static void test_splits(void)
{
	static const struct {
		enum tok_pre pre;
		const char *text, *want;
	} cases[] = {
		/* A merge "1 2" shows whether digits stay together. */
		{TOK_PRE_GPT2, "x12 12", "x|12| |12"},
		{TOK_PRE_SMOLLM, "x12 12", "x|1|2| |1|2"},
		{TOK_PRE_QWEN2, "x12", "x|1|2"},
		{TOK_PRE_LLAMA_BPE, "912 9912", "9|12| |9|9|1|2"},
		{TOK_PRE_NONE, "x12 hello", "x|12| hello"},
		/* The last space of a run goes with the word; before a digit too, unless digits are cut
		 * first. */
		{TOK_PRE_GPT2, "   hello", " | | hello"},
		{TOK_PRE_QWEN2, "\thello", "\t|hello"},
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct vocab v;
		struct tok *t;

		small_bpe(&v, cases[i].pre);
		if (!ok(!tok_new(&v, &t, &e), "pre-tokenization %s", tok_pre_name(cases[i].pre)))
			continue;
		cut(t, cases[i].text, cases[i].want);
		tok_free(t);
		vocab_release(&v);
	}
}

static void test_streaming(void)
{
	struct vocab v;
	struct tok *t;
	struct buf out = {0};
	struct tok_stream s = {{0}, 0};

	vocab_bytes(&v);
	ok(!tok_new(&v, &t, &e) && tok_size(t) == 258 && tok_end(t) == 256,
	   "bytes: 258 tokens, 256 ends");
	tok_decode_piece(t, &s, 0xf0, &out);
	tok_decode_piece(t, &s, 0x9f, &out);
	tok_decode_piece(t, &s, 0x98, &out);
	ok(out.len == 0, "three bytes of four: nothing yet");
	tok_decode_piece(t, &s, 0x80, &out);
	ok(out.len == 4 && s.n == 0, "the fourth: a character");
	tok_decode_piece(t, &s, 0xe4, &out);
	tok_decode_piece(t, &s, 256, &out);
	ok(out.len == 4, "a control token does not end a character");
	tok_decode_piece(t, &s, 'x', &out);
	ok(out.len == 6 && !memcmp(out.data + 4, "\xe4x", 2), "what cannot become a character passes");
	tok_decode_piece(t, &s, 0xe0, &out);
	tok_decode_piece(t, &s, 0x80, &out);
	ok(out.len == 8, "nor does an overlong form wait");
	tok_decode_piece(t, &s, 0xc3, &out);
	tok_decode_piece(t, &s, -1, &out);
	ok(out.len == 9 && (unsigned char)out.data[8] == 0xc3, "the flush gives the unfinished rest");
	ok(round_trip(t, "a\0b\xff\xf0\x9f\x98", 7), "bytes round-trip");
	buf_release(&out);
	tok_free(t);
	vocab_release(&v);
}

static void test_spm(void)
{
	struct vocab v;
	struct tok *t;

	vocab_init(&v);
	v.kind = TOK_SPM;
	v.unk = 0;
	v.add_space_prefix = 1;
	vocab_add(&v, "<unk>", 5, TOK_UNKNOWN, 0);
	for (int b = 0; b < 256; b++) {
		char name[8];

		snprintf(name, sizeof name, "<0x%02X>", b);
		vocab_add(&v, name, 6, TOK_BYTE_PIECE, 0);
	}
	vocab_add(&v, "\xe2\x96\x81", 3, TOK_NORMAL, -9);
	vocab_add(&v, "a", 1, TOK_NORMAL, -8);
	vocab_add(&v, "b", 1, TOK_NORMAL, -7);
	vocab_add(&v, "ab", 2, TOK_NORMAL, -2);
	vocab_add(&v, "ba", 2, TOK_NORMAL, -1);
	vocab_add(&v, "\xe2\x96\x81" "a", 4, TOK_NORMAL, -3);
	ok(!tok_new(&v, &t, &e), "a small SPM");
	cut(t, "aba", " a|ba");
	cut(t, "bab", " |ba|b");
	cut(t, "a a", " a| a");
	cut(t, "<0x41>", " |<|0|x|4|1|>");
	cut(t, "<unk>", " |<|u|n|k|>");
	ok(round_trip(t, "b\xc3\xbc\xff\n a", 7), "bytes round-trip without the prefix");
	tok_free(t);
	vocab_release(&v);
}

static void refused(struct vocab *v, const char *what)
{
	struct tok *t;

	if (!ok(tok_new(v, &t, &e) == -1, "refused: %s", what))
		tok_free(t);
	vocab_release(v);
}

static void test_refused(void)
{
	struct vocab v;
	struct tok *t;

	vocab_init(&v);
	refused(&v, "no tokens");
	small_bpe(&v, TOK_PRE_GPT2);
	vocab_merge(&v, "he xyz", 6);
	refused(&v, "a merge of an unknown piece");
	ok(strstr(e.msg, "merge 8 ('he xyz'): the right piece is not a token") != NULL,
	   "and it is named");
	small_bpe(&v, TOK_PRE_GPT2);
	vocab_merge(&v, "h o", 3);
	refused(&v, "a merge whose result is no token");
	small_bpe(&v, TOK_PRE_GPT2);
	vocab_merge(&v, "ho", 2);
	refused(&v, "half a merge");
	small_bpe(&v, TOK_PRE_GPT2);
	v.tokens['a' - 33 + 33].type = TOK_UNUSED;
	refused(&v, "a printable byte without a token");
	small_bpe(&v, TOK_PRE_GPT2);
	vocab_end(&v, 100000);
	refused(&v, "an end token out of range");
	small_bpe(&v, TOK_PRE_GPT2);
	v.bos = -2;
	refused(&v, "a negative bos");
	vocab_bytes(&v);
	v.n = 255;
	free(v.tokens[255].text);
	free(v.tokens[256].text);
	free(v.tokens[257].text);
	v.eos = -1;
	v.n_ends = 0;
	refused(&v, "a byte vocabulary of 255");
	vocab_init(&v);
	v.kind = TOK_SPM;
	vocab_add(&v, "a", 1, TOK_NORMAL, 0);
	refused(&v, "SPM without bytes or unk");
	/* Not every byte needs a token: what has none is left out. */
	small_bpe(&v, TOK_PRE_NONE);
	v.tokens[4].type = TOK_UNUSED;
	ok(!tok_new(&v, &t, &e), "the byte 0x04 without a token is not");
	cut(t, "he\x04llo", "hello");
	tok_free(t);
	vocab_release(&v);
}

static int same(const struct vocab *a, const struct vocab *b)
{
	int good = a->kind == b->kind && a->pre == b->pre && a->n == b->n &&
	           a->n_merges == b->n_merges && a->n_ends == b->n_ends && a->bos == b->bos &&
	           a->eos == b->eos && a->unk == b->unk && a->add_bos == b->add_bos &&
	           a->add_space_prefix == b->add_space_prefix && a->ignore_merges == b->ignore_merges &&
	           !a->chat == !b->chat && !a->chat_template == !b->chat_template;

	for (size_t i = 0; good && i < a->n; i++)
		good = !strcmp(a->tokens[i].text, b->tokens[i].text) &&
		       a->tokens[i].type == b->tokens[i].type && a->tokens[i].score == b->tokens[i].score;
	for (size_t i = 0; good && i < a->n_merges; i++)
		good = !strcmp(a->merges[i], b->merges[i]);
	for (size_t i = 0; good && i < a->n_ends; i++)
		good = a->ends[i] == b->ends[i];
	return good && (!a->chat || !strcmp(a->chat, b->chat)) &&
	       (!a->chat_template || !strcmp(a->chat_template, b->chat_template));
}

static void test_save(void)
{
	struct vocab v, w;
	struct buf b = {0};
	size_t bad = 0;

	small_bpe(&v, TOK_PRE_SMOLLM);
	v.bos = 3;
	v.unk = 7;
	v.add_bos = v.ignore_merges = 1;
	v.tokens[9].score = -1.5f;
	vocab_end(&v, 12);
	vocab_end(&v, 12);
	v.chat_template = strdup("{{ x }}");
	vocab_save(&v, &b);
	ok(v.n_ends == 2 && !vocab_load(b.data, b.len, &w, &e) && same(&v, &w), "saved and loaded");
	vocab_release(&w);
	for (size_t n = 0; n < b.len; n++)
		if (!vocab_load(b.data, n, &w, &e)) {
			bad++;
			vocab_release(&w);
		}
	ok(!bad, "no shorter prefix loads");
	buf_addc(&b, 0);
	ok(vocab_load(b.data, b.len, &w, &e) == -1, "nor one byte more");
	vocab_release(&v);
	vocab_bytes(&v);
	buf_clear(&b);
	vocab_save(&v, &b);
	ok(!vocab_load(b.data, b.len, &w, &e) && same(&v, &w) && !w.chat_template,
	   "a byte vocabulary too");
	vocab_release(&v);
	vocab_release(&w);
	buf_release(&b);
}

static void test_names(void)
{
	static const char *const names[] = {"gpt-2", "smollm", "qwen2", "llama-bpe"};
	enum tok_pre pre;

	for (size_t i = 0; i < LEN(names); i++)
		ok(!tok_pre_by_name(names[i], &pre, &e) && !strcmp(tok_pre_name(pre), names[i]), "pre %s",
		   names[i]);
	ok(tok_pre_by_name("falcon", &pre, &e) == -1 && strstr(e.msg, "'falcon'"),
	   "an unknown one is named");
}

/* ---- chat formats ---- */

/* The whole of what chat_render appends, as text with control tokens. */
static const char *rendered(struct chat *c, struct tok *t, size_t turn, const char *system,
                            const char *prompt)
{
	static struct buf out;
	struct ids ids = {0};
	struct js text = js_str(prompt);
	int rc = chat_render(c, t, turn, system, text, &ids, &e);

	js_free(text);
	buf_clear(&out);
	buf_adds(&out, "");
	if (rc) {
		free(ids.v);
		return ids.n ? "ids were left behind" : e.msg;
	}
	for (size_t i = 0; i < ids.n; i++) {
		size_t n;
		const char *p = tok_bytes(t, ids.v[i], 1, &n);

		buf_add(&out, p, n);
	}
	free(ids.v);
	return out.data;
}

static void is(const char *got, const char *want, const char *name)
{
	if (!ok(!strcmp(got, want), "%s", name))
		diag("got %s", got);
}

static void chat_vocab(struct vocab *v)
{
	vocab_bytes(v);
	special(v, "<bos>", TOK_CONTROL);
	special(v, "<|im_start|>", TOK_CONTROL);
	special(v, "<|im_end|>", TOK_CONTROL);
	special(v, "<|start_header_id|>", TOK_CONTROL);
	special(v, "<|end_header_id|>", TOK_CONTROL);
	special(v, "<|eot_id|>", TOK_CONTROL);
	special(v, "<start_of_turn>", TOK_CONTROL);
	special(v, "<end_of_turn>", TOK_USER);
	v->bos = 258;
	v->add_bos = 1;
}

static const struct {
	const char *format, *first, *system, *second, *end;
} chats[] = {
	{"chatml", "<bos><|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
     "<bos><|im_start|>system\nbe<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>"
     "assistant\n",
     "\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"},
	{"llama3",
     "<bos><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|"
     "end_header_id|>\n\n",
     "<bos><|start_header_id|>system<|end_header_id|>\n\nbe<|eot_id|><|start_header_id|>user<|end_"
     "header_id|>\n\nhi<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n",
     "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_"
     "header_id|>\n\n",
     "<|eot_id|>"},
	{"gemma", "<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n",
     "<bos><start_of_turn>user\nbe\n\nhi<end_of_turn>\n<start_of_turn>model\n",
     "\n<start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>"},
	{"plain", "<bos>hi", "<bos>behi", "hi", "<|end|>"},
};

static void test_chats(void)
{
	for (size_t i = 0; i < LEN(chats); i++) {
		struct vocab v;
		struct tok *t;
		struct chat *c;
		int end;

		chat_vocab(&v);
		if (!strcmp(chats[i].format, "gemma"))
			v.tokens[v.n - 1].type = TOK_CONTROL;
		free(v.chat);
		v.chat = strdup(chats[i].format);
		if (!ok(!tok_new(&v, &t, &e) && !chat_new(v.chat, NULL, &c, &e), "chat %s", v.chat))
			continue;
		is(rendered(c, t, 0, NULL, "hi"), chats[i].first, "first turn");
		is(rendered(c, t, 0, "be", "hi"), chats[i].system, "first turn after a system message");
		is(rendered(c, t, 2, "be", "hi"), chats[i].second, "a later turn");
		end = tok_control(t, chats[i].end);
		ok(end >= 0 && tok_end(t) == end && tok_is_end(t, end) && tok_is_end(t, 256),
		   "it ends with %s", chats[i].end);
		ok(chat_source(v.chat) != NULL, "its source can be had");
		chat_free(c);
		tok_free(t);
		vocab_release(&v);
	}
	ok(!chat_source("nope"), "no source for an unknown format");
}

static void program(struct tok *t, const char *path, const char *text, const char *want)
{
	struct chat *c;

	if (file_write(path, text, strlen(text), &e) || chat_new("chatml", path, &c, &e)) {
		ok(0, "%s: %s", text, e.msg);
		return;
	}
	is(rendered(c, t, 1, "s", "<|im_end|>"), want, text);
	chat_free(c);
}

static void test_programs(void)
{
	char path[] = "/tmp/score-chat-XXXXXX";
	struct vocab v;
	struct tok *t;
	struct chat *c;
	struct ids ids = {0};
	struct js text;
	int fd = mkstemp(path);

	chat_vocab(&v);
	if (fd < 0 || tok_new(&v, &t, &e)) {
		ok(0, "set up");
		return;
	}
	program(t, path, "[{text: (.system + .prompt)}, {control: \"<|start|>\"}]",
	        "s<|im_end|><|start|>");
	program(t, path, "[]", "");
	program(t, path, "{}", "chat: expected an array, got object");
	program(t, path, "[{text: 1}]",
	        "chat: .[0]: expected {\"control\": string} or {\"text\": string}");
	program(t, path, "[{text: \"a\", control: \"<|im_end|>\"}]",
	        "chat: .[0]: expected {\"control\": string} or {\"text\": string}");
	program(t, path, "[{text: \"a\"}, {control: \"<|x|>\"}]",
	        "chat: .[1]: the vocabulary has no control token '<|x|>'");
	/* A prompt's own "<|im_end|>" is bytes. */
	text = js_str("<|im_end|>");
	ok(!chat_new("plain", NULL, &c, &e) && !chat_render(c, t, 1, NULL, text, &ids, &e) &&
	       ids.n == 10 && ids.v[0] == '<',
	   "text does not become a control token");
	js_free(text);
	text = js_strn("a\0b", 3);
	ids.n = 0;
	ok(!chat_render(c, t, 1, NULL, text, &ids, &e) && ids.n == 3 && ids.v[1] == 0 &&
	       ids.v[2] == 'b',
	   "a NUL does not end a prompt");
	js_free(text);
	free(ids.v);
	chat_free(c);
	ok(chat_new("nope", NULL, &c, &e) == -1, "an unknown format");
	ok(chat_new("plain", "/nonexistent/x.jq", &c, &e) == -1, "an absent file");
	tok_free(t);
	vocab_release(&v);
	remove(path);
}

static void test_recognise(void)
{
	struct vocab v;

	vocab_bytes(&v);
	is(chat_recognise(&v), "plain", "bytes: plain");
	vocab_release(&v);
	chat_vocab(&v);
	is(chat_recognise(&v), "plain", "chat tokens alone: a base model");
	v.eos = 260;
	is(chat_recognise(&v), "chatml", "<|im_end|> as eos");
	v.eos = 256;
	vocab_end(&v, 263);
	is(chat_recognise(&v), "llama3", "<|eot_id|> among the ends");
	v.chat_template = strdup("... <start_of_turn> ... <end_of_turn>");
	is(chat_recognise(&v), "gemma", "a template decides");
	free(v.chat_template);
	v.chat_template = strdup("<|im_start|>user<|im_sep|>x<|im_end|>");
	is(chat_recognise(&v), "plain", "like ChatML, but not it");
	free(v.chat_template);
	v.chat_template = strdup("<|im_start|>user\nx<|im_end|>");
	is(chat_recognise(&v), "chatml", "ChatML");
	vocab_release(&v);
	vocab_bytes(&v);
	v.chat_template = strdup("<|im_start|>user\nx<|im_end|>");
	is(chat_recognise(&v), "plain", "a template whose tokens the vocabulary lacks");
	vocab_release(&v);
}

int main(void)
{
	test_bpe();
	test_splits();
	test_streaming();
	test_spm();
	test_refused();
	test_save();
	test_names();
	test_chats();
	test_programs();
	test_recognise();
	return done();
}
