/* SPDX-License-Identifier: MIT */
/* Tiny models, vocabularies and a scratch folder for the import tests. */
#ifndef IMPORT_FIXTURE_H
#define IMPORT_FIXTURE_H

#include "import/import.h"
#include "tap.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

static struct err e;

/* ---- scratch folder ---- */

static char scratch[256];

static int scratch_unlink(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

UNUSED static void scratch_remove(void)
{
	nftw(scratch, scratch_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

UNUSED static void scratch_make(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(scratch, sizeof scratch, "%s/import.XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(scratch))
		die(EXIT_ERROR, "%s: cannot make it", scratch);
	atexit(scratch_remove);
}

/* scratch/name; four may be in use at a time. */
UNUSED static const char *at(const char *name)
{
	static char path[4][512];
	static int k;

	k = (k + 1) % 4;
	snprintf(path[k], sizeof path[k], "%s/%s", scratch, name);
	return path[k];
}

UNUSED static void put_file(const char *name, const void *p, size_t n)
{
	if (file_write(at(name), p, n, &e))
		die(EXIT_ERROR, "%s", e.msg);
}

UNUSED static struct buf get_file(const char *name)
{
	struct buf b = {0};

	if (file_read(at(name), 1 << 24, &b, &e))
		die(EXIT_ERROR, "%s", e.msg);
	return b;
}

UNUSED static void make_dir(const char *name)
{
	if (mkdir(at(name), 0777))
		die(EXIT_ERROR, "%s: mkdir", name);
}

/* ---- models ---- */

UNUSED static struct model_config tiny_config(enum arch a, uint32_t vocab)
{
	struct model_config c = {
		.arch = a,
		.layers = 2,
		.width = 16,
		.heads = 4,
		.kv_heads = 2,
		.head_size = 8,
		.ffn = 24,
		.vocab = vocab,
		.context = 64,
		.norm_eps = 1e-5f,
		.rope_theta = 10000,
		.tied = a != ARCH_QWEN2,
	};

	if (a == ARCH_LLAMA) {
		c.tied = 0;
		c.rope_theta = 500000;
		c.rope_factor = 8;
		c.rope_low = 1;
		c.rope_high = 4;
		c.rope_orig = 8192;
	}
	if (a == ARCH_QWEN3)
		c.rope_linear = 2;
	if (a == ARCH_SMOLLM3)
		c.rope_skip = 4;
	if (a == ARCH_GEMMA3) {
		c.rope_theta = 1000000;
		c.window = 8;
		c.window_every = 6;
		c.rope_local_theta = 10000;
	}
	return c;
}

/* Values that say where they belong: any mix-up of tensors, rows or columns shows. */
static uint16_t tiny_value(const struct param *p, uint64_t i)
{
	uint64_t h = (hash_bytes(p->name, strlen(p->name)) ^ i) * 0x9e3779b97f4a7c15u;

	/* sign, exponent 2^-7 .. 2^0, fraction */
	return (uint16_t)((h >> 63) << 15 | (120 + (h >> 60 & 7)) << 7 | (h >> 40 & 127));
}

/* An export_tensor_fn; ctx is a struct buf that holds the last tensor. */
UNUSED static int tiny_get(void *ctx, const struct param *p, const uint16_t **data, struct err *err)
{
	struct buf *b = ctx;

	(void)err;
	buf_clear(b);
	for (uint64_t i = 0; i < p->rows * p->cols; i++) {
		uint16_t x = tiny_value(p, i);

		buf_add(b, &x, sizeof x);
	}
	*data = (const uint16_t *)(const void *)b->data;
	return 0;
}

/* Tensors of im that differ from tiny_get's. */
UNUSED static size_t tiny_differ(struct import *im)
{
	const struct model_config *c = import_config(im);
	size_t bad = 0;

	for (size_t i = 0; i < model_params(c); i++) {
		struct param p;
		uint16_t *x;

		model_param(c, i, &p);
		x = xmalloc(p.rows * p.cols * sizeof *x);
		if (import_param(im, i, x, &e)) {
			diag("%s", e.msg);
			bad++;
		}
		for (uint64_t k = 0; k < p.rows * p.cols; k++)
			if (x[k] != tiny_value(&p, k)) {
				diag("%s[%llu] is %04x, was %04x", p.name, (unsigned long long)k, x[k],
				     tiny_value(&p, k));
				bad++;
				break;
			}
		free(x);
	}
	return bad;
}

UNUSED static int same_config(const struct model_config *a, const struct model_config *b)
{
	struct buf x = {0}, y = {0};
	int same;

	model_config_print(a, &x);
	model_config_print(b, &y);
	same = !strcmp(x.data, y.data);
	if (!same)
		diag("got:\n%s\nexpected:\n%s", x.data, y.data);
	buf_release(&x);
	buf_release(&y);
	return same;
}

/* ---- vocabularies ---- */

UNUSED static void add(struct vocab *v, const char *text, enum tok_type type, float score)
{
	vocab_add(v, text, strlen(text), type, score);
}

/* GPT-2's alphabet in byte order, a few merges, control and user tokens: 256 + 7 tokens. */
UNUSED static void tiny_bpe(struct vocab *v, enum tok_pre pre)
{
	int other = 256;

	vocab_init(v);
	v->kind = TOK_BPE;
	v->pre = pre;
	for (int b = 0; b < 256; b++) {
		int c = (b > 32 && b < 127) || (b > 160 && b != 173) ? b : other++;
		char s[3] = {(char)(c < 128 ? c : 0xc0 | c >> 6), (char)(c < 128 ? 0 : 0x80 | (c & 63)), 0};

		add(v, s, TOK_NORMAL, 0);
	}
	vocab_merge(v, "l l", 3);
	vocab_merge(v, "h e", 3);
	vocab_merge(v, "he ll", 5);
	add(v, "ll", TOK_NORMAL, 0);
	add(v, "he", TOK_NORMAL, 0);
	add(v, "hell", TOK_NORMAL, 0);
	add(v, "<|endoftext|>", TOK_CONTROL, 0);
	add(v, "<|im_start|>", TOK_CONTROL, 0);
	add(v, "<|im_end|>", TOK_CONTROL, 0);
	add(v, "<tool>", TOK_USER, 0);
	v->ignore_merges = v->add_bos = pre == TOK_PRE_LLAMA_BPE;
	v->bos = 259;
	v->eos = 261;
	vocab_end(v, 261);
	vocab_end(v, 259);
	v->chat = xstrdup("chatml");
	v->chat_template = xstrdup("{{ '<|im_start|>' + \"\xc3\xa9\" }}{{ '<|im_end|>' }}");
}

/* unk, bos, eos, 256 bytes, some pieces: 259 + 7 tokens. */
UNUSED static void tiny_spm(struct vocab *v)
{
	static const char *const pieces[] = {"\xe2\x96\x81",   "h", "e", "l", "he",
	                                     "\xe2\x96\x81he", "ll"};

	vocab_init(v);
	v->kind = TOK_SPM;
	add(v, "<unk>", TOK_UNKNOWN, 0);
	add(v, "<s>", TOK_CONTROL, 0);
	add(v, "</s>", TOK_CONTROL, 0);
	for (int b = 0; b < 256; b++) {
		char s[8];

		snprintf(s, sizeof s, "<0x%02X>", b);
		add(v, s, TOK_BYTE_PIECE, 0);
	}
	for (size_t i = 0; i < LEN(pieces); i++)
		add(v, pieces[i], TOK_NORMAL, i < 4 ? -10 : -(float)(i - 4));
	v->unk = 0;
	v->bos = 1;
	v->eos = 2;
	v->add_bos = v->add_space_prefix = 1;
	vocab_end(v, 2);
	v->chat = xstrdup("plain");
}

UNUSED static int same_vocab(const struct vocab *a, const struct vocab *b)
{
	struct buf x = {0}, y = {0};
	int same;

	vocab_save(a, &x);
	vocab_save(b, &y);
	same = x.len == y.len && !memcmp(x.data, y.data, x.len);
	if (!same) {
		diag("%zu tokens (%zu), %zu merges (%zu), kind %d (%d), pre %d (%d), chat %s (%s), bos %d "
		     "(%d), eos %d (%d)",
		     a->n, b->n, a->n_merges, b->n_merges, a->kind, b->kind, a->pre, b->pre, a->chat,
		     b->chat, a->bos, b->bos, a->eos, b->eos);
		for (size_t i = 0; i < a->n && i < b->n; i++)
			if (strcmp(a->tokens[i].text, b->tokens[i].text) ||
			    a->tokens[i].type != b->tokens[i].type)
				diag("token %zu: '%s' type %d ('%s' type %d)", i, a->tokens[i].text,
				     a->tokens[i].type, b->tokens[i].text, b->tokens[i].type);
	}
	buf_release(&x);
	buf_release(&y);
	return same;
}

/* Ids of text. */
UNUSED static struct ids encode(const struct vocab *v, const char *text)
{
	struct ids ids = {0};
	struct tok *t;

	if (tok_new(v, &t, &e) || tok_encode(t, text, strlen(text), 1, &ids, &e))
		die(EXIT_ERROR, "%s", e.msg);
	tok_free(t);
	return ids;
}

UNUSED static int same_ids(const struct vocab *a, const struct vocab *b, const char *text)
{
	struct ids x = encode(a, text), y = encode(b, text);
	int same = x.n == y.n && x.n && !memcmp(x.v, y.v, x.n * sizeof *x.v);

	free(x.v);
	free(y.v);
	return same;
}

/* rc and e.msg of a call that must fail with `want` in its message. */
UNUSED static void fails(int rc, const char *want, const char *name)
{
	int hit = rc && strstr(e.msg, want);

	ok(hit, "%s: %s", name, rc ? e.msg : "no error");
	if (!hit)
		diag("expected a message with: %s", want);
	e.msg[0] = 0;
}

#endif
