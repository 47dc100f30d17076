/* SPDX-License-Identifier: MIT */
/*
 * Byte-level BPE: a regular expression splits text into words, whose bytes are merged by rank.
 *
 * The expressions are those of the models' own tokenizers (GPT-2, SmolLM, Qwen2, Llama 3), in PCRE2
 * syntax, with two differences that do not change any result: white space is spelt out, since
 * PCRE2's \s includes U+180E, which lost that property in Unicode 6.3; and SmolLM's two passes
 * (single digits, then GPT-2's expression on the text between them) are one expression. Letters and
 * numbers are Unicode 16's, or PCRE2's if that is newer (10.42 has Unicode 14).
 *
 * Invalid UTF-8 is handled separately: each maximal run of such bytes is a word, and the text
 * between runs is split as if it stood alone.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tok/inside.h"

#include <stdlib.h>
#include <string.h>

struct splitter {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

#define WHITE \
	"\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}" \
	"\\x{3000}"
/* Letters and numbers, including those added by Unicode 15, 15.1 and 16. */
#define LETTER \
	"\\p{L}\\x{1c89}-\\x{1c8a}\\x{a7cb}-\\x{a7cd}\\x{a7da}-\\x{a7dc}\\x{105c0}-\\x{105f3}" \
	"\\x{10d4a}-\\x{10d65}\\x{10d6f}-\\x{10d85}\\x{10ec2}-\\x{10ec4}\\x{1123f}-\\x{11240}" \
	"\\x{11380}-\\x{11389}\\x{1138b}\\x{1138e}\\x{11390}-\\x{113b5}\\x{113b7}\\x{113d1}\\x{113d3}" \
	"\\x{11bc0}-\\x{11be0}\\x{11f02}\\x{11f04}-\\x{11f10}\\x{11f12}-\\x{11f33}\\x{1342f}" \
	"\\x{13441}-\\x{13446}\\x{13460}-\\x{143fa}\\x{16100}-\\x{1611d}\\x{16d40}-\\x{16d6c}" \
	"\\x{18cff}\\x{1b132}\\x{1b155}\\x{1df25}-\\x{1df2a}\\x{1e030}-\\x{1e06d}" \
	"\\x{1e4d0}-\\x{1e4eb}\\x{1e5d0}-\\x{1e5ed}\\x{1e5f0}\\x{2b739}\\x{2ebf0}-\\x{2ee5d}" \
	"\\x{31350}-\\x{323af}"
#define NUMBER \
	"\\p{N}\\x{10d40}-\\x{10d49}\\x{116d0}-\\x{116e3}\\x{11bf0}-\\x{11bf9}\\x{11f50}-\\x{11f59}" \
	"\\x{16130}-\\x{16139}\\x{16d70}-\\x{16d79}\\x{1ccf0}-\\x{1ccf9}\\x{1d2c0}-\\x{1d2d3}" \
	"\\x{1e4f0}-\\x{1e4f9}\\x{1e5f1}-\\x{1e5fa}"
#define LETTERS "[" LETTER "]+"
#define OTHERS "[^" WHITE LETTER NUMBER "]+"
/* White space; of a run before a word, all but the last character, which belongs to the word. */
#define SPACES "[" WHITE "]+(?![^" WHITE "])|[" WHITE "]+"
#define CONTRACTION "'s|'t|'re|'ve|'m|'ll|'d"
/* Qwen2 and Llama 3, which differ only in the number of digits per word. */
#define NEWER(digits) \
	"(?i:" CONTRACTION ")|[^\\r\\n" LETTER NUMBER "]?" LETTERS "|[" NUMBER "]" digits \
	"| ?" OTHERS "[\\r\\n]*|[" WHITE "]*[\\r\\n]+|" SPACES

static const char *const patterns[] = {
	[TOK_PRE_GPT2] = CONTRACTION "| ?" LETTERS "| ?[" NUMBER "]+| ?" OTHERS "|" SPACES,
	[TOK_PRE_SMOLLM] = "[" NUMBER "]|" CONTRACTION "| ?" LETTERS "| ?" OTHERS
	                   "|[" WHITE "]+(?![^" WHITE NUMBER "])|[" WHITE "]+",
	[TOK_PRE_QWEN2] = NEWER(""),
	[TOK_PRE_LLAMA_BPE] = NEWER("{1,3}"),
};

void splitter_free(struct splitter *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	pcre2_code_free(s->code);
	free(s);
}

static int splitter_new(enum tok_pre pre, struct splitter **out, struct err *e)
{
	struct splitter *s = xcalloc(1, sizeof *s);
	PCRE2_UCHAR msg[128];
	size_t where;
	int code;

	s->code = pcre2_compile((PCRE2_SPTR)patterns[pre], PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP,
	                        &code, &where, NULL);
	if (!s->code) {
		pcre2_get_error_message(code, msg, sizeof msg);
		splitter_free(s);
		return err_set(e, "pre-tokenization %s: %s at %zu", tok_pre_name(pre), (char *)msg, where);
	}
	/* Fails where executable memory is forbidden; matching is then slower. */
	(void)pcre2_jit_compile(s->code, PCRE2_JIT_COMPLETE);
	s->data = pcre2_match_data_create_from_pattern(s->code, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(32 << 10, 1 << 20, NULL);
	if (!s->data || !s->context || !s->stack) {
		splitter_free(s);
		return err_set(e, "pre-tokenization %s: out of memory", tok_pre_name(pre));
	}
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	/* Backtracking over a long run of white space is linear but exceeds the default limit. */
	pcre2_set_match_limit(s->context, UINT32_MAX);
	*out = s;
	return 0;
}

/* Adds one merge of the file: "left right", in the byte alphabet. raw is scratch. */
static int add_merge(struct tok *t, const struct vocab *v, size_t i, struct buf *raw, struct err *e)
{
	const char *m = v->merges[i], *sp = *m ? strchr(m + 1, ' ') : NULL;
	size_t n = strlen(m), left_n;
	int left, right, id;

	if (!sp || !sp[1])
		return err_set(e, "merge %zu ('%.64s'): expected two pieces", i, m);
	buf_clear(raw);
	if (alphabet_bytes(m, (size_t)(sp - m), raw))
		return err_set(e, "merge %zu ('%.64s'): not in the byte alphabet", i, m);
	left_n = raw->len;
	if (alphabet_bytes(sp + 1, n - (size_t)(sp + 1 - m), raw))
		return err_set(e, "merge %zu ('%.64s'): not in the byte alphabet", i, m);
	left = tok_by_bytes(t, &t->texts, raw->data, left_n);
	right = tok_by_bytes(t, &t->texts, raw->data + left_n, raw->len - left_n);
	id = tok_by_bytes(t, &t->texts, raw->data, raw->len);
	if (left < 0 || right < 0 || id < 0)
		return err_set(e, "merge %zu ('%.64s'): %s is not a token", i, m,
		               left < 0 ? "the left piece" : right < 0 ? "the right piece" : "the result");
	pair_insert(t, left, right, (uint32_t)i, id);
	return 0;
}

int bpe_new(struct tok *t, const struct vocab *v, struct err *e)
{
	struct buf raw = {0};
	size_t size = 16;
	int rc = 0;

	for (int c = ' '; c < 127; c++)
		if (t->byte_id[c] < 0)
			return err_set(e, "the byte 0x%02x ('%c') has no token", c, c);
	if (t->byte_id['\n'] < 0)
		return err_set(e, "the byte 0x0a (newline) has no token");
	if (v->n_merges > TOK_MAX_TOKENS)
		return err_set(e, "%zu merges: more than %zu", v->n_merges, TOK_MAX_TOKENS);
	while (size < v->n_merges * 2)
		size *= 2;
	t->pairs = xmalloc(size * sizeof *t->pairs);
	for (size_t i = 0; i < size; i++)
		t->pairs[i].key = UINT64_MAX;
	t->pair_mask = size - 1;
	for (size_t i = 0; i < v->n_merges && !rc; i++)
		rc = add_merge(t, v, i, &raw, e);
	buf_release(&raw);
	if (!rc && v->pre != TOK_PRE_NONE)
		rc = splitter_new(v->pre, &t->splitter, e);
	return rc;
}

static void encode_word(struct tok *t, const char *word, size_t n, struct ids *ids)
{
	int whole = t->ignore_merges ? tok_by_bytes(t, &t->texts, word, n) : -1;
	size_t k = 0;

	if (whole >= 0) {
		ids_push(ids, whole);
		return;
	}
	/* Bytes without a token are dropped, which makes their neighbours adjacent. */
	for (size_t i = 0; i < n; i++)
		if (t->byte_id[(unsigned char)word[i]] >= 0)
			word_symbol(t, k++, t->byte_id[(unsigned char)word[i]], i, 1);
	if (!k)
		return;
	word_merge(t, word, k);
	for (uint32_t i = 0; i != UINT32_MAX; i = t->symbols[i].next)
		ids_push(ids, t->symbols[i].id);
}

/* Encodes non-empty valid UTF-8. */
static int encode_utf8(struct tok *t, const char *text, size_t n, struct ids *ids, struct err *e)
{
	struct splitter *s = t->splitter;
	size_t at = 0;

	while (s && at < n) {
		int rc =
			pcre2_match(s->code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK, s->data, s->context);
		const PCRE2_SIZE *span = pcre2_get_ovector_pointer(s->data);

		if (rc == PCRE2_ERROR_NOMATCH)
			break;
		if (rc < 0)
			return err_set(e, "pre-tokenization failed at byte %zu (PCRE2 error %d)", at, rc);
		/* The expressions match every character; if there were a gap, it would be a
		 * word. */
		if (span[0] > at)
			encode_word(t, text + at, span[0] - at, ids);
		if (span[1] > span[0])
			encode_word(t, text + span[0], span[1] - span[0], ids);
		at = span[1] > at ? span[1] : n;
	}
	if (at < n)
		encode_word(t, text + at, n - at, ids);
	return 0;
}

int bpe_encode(struct tok *t, const char *text, size_t n, struct ids *ids, struct err *e)
{
	for (size_t at = 0, end; at < n; at = end) {
		size_t c = 0;

		for (end = at; end < n && (c = utf8_char(text + end, n - end)); end += c)
			;
		if (end > at && encode_utf8(t, text + at, end - at, ids, e))
			return -1;
		for (at = end; end < n && !utf8_char(text + end, n - end); end++)
			;
		if (end > at)
			encode_word(t, text + at, end - at, ids);
	}
	return 0;
}
