/* SPDX-License-Identifier: MIT */
/* Hostile GGUF files: an error or a model all of whose tensors can be read, and never an access
 * beyond the bytes. */
#include "fuzz.h"

#include "import/inside.h"

static size_t files, vocabularies, models;   /* how deep the inputs got */

/* Whatever was accepted must work to the end. */
static void use_vocab(const struct vocab *v)
{
	struct buf b = {0};
	struct vocab again;
	struct tok *t;
	struct err e;

	vocabularies++;
	vocab_save(v, &b);
	fuzz_check(!vocab_load(b.data, b.len, &again, &e), "an imported vocabulary can be stored");
	vocab_release(&again);
	if (!tok_new(v, &t, &e))
		tok_free(t);
	buf_release(&b);
}

static void use_model(struct import *im)
{
	struct err e;

	models++;
	for (size_t i = 0; i < model_params(&im->config); i++) {
		struct param p;
		uint16_t *x;

		model_param(&im->config, i, &p);
		fuzz_check(p.rows * p.cols <= 1 << 20, "a tensor is as small as its file");
		/* no value behind the last one */
		x = xmalloc(p.rows * p.cols * sizeof *x);
		if (import_param(im, i, x, &e))
			fuzz_check(strstr(e.msg, p.name) != NULL, "a refusal names the tensor");
		free(x);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct import *im = xcalloc(1, sizeof *im);
	struct err e = {{0}};
	struct vocab v;
	struct gguf g;
	struct map m;

	vocab_init(&im->vocab);
	im->path = xstrdup("fuzz.gguf");
	map_copy(im->path, data, n, &m);
	if (!open_gguf(im, m, &e))
		use_model(im);
	else
		fuzz_check(strstr(e.msg, "fuzz.gguf: ") == e.msg, "a refusal names the file");
	import_close(im);
	map_copy("fuzz.gguf", data, n, &m);
	if (gguf_read(m, &g, &e))
		return 0;
	files++;
	if (!gguf_vocab(&g, &v, &e)) {
		use_vocab(&v);
		vocab_release(&v);
	}
	gguf_close(&g);
	return 0;
}

#ifndef LIBFUZZER
/* Counts, lengths, types and offsets are numbers: put telling ones in their places. */
static void numbers(const char *name, size_t rounds)
{
	static const uint64_t telling[] = {
		0,
		1,
		2,
		3,
		4,
		7,
		8,
		9,
		10,
		13,
		31,
		32,
		33,
		64,
		255,
		256,
		257,
		4096,
		65535,
		65536,
		1 << 24,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		UINT64_C(1) << 32,
		UINT64_C(1) << 61,
		UINT64_C(1) << 62,
		INT64_MAX,
		UINT64_C(1) << 63,
		UINT64_MAX - 31,
		UINT64_MAX,
	};
	struct rng r = rng_stream(2, "fuzz", 0, "gguf numbers", 0, 0);
	struct buf seed = {0};
	struct err e;
	uint64_t at = 0;

	if (!ok(!file_read(name, 1 << 20, &seed, &e), "%s", name))
		return;
	for (size_t i = 0; i < rounds; i++) {
		uint8_t *b = xmemdup(seed.data, seed.len);
		size_t n = seed.len;

		for (size_t k = 1 + fuzz_pick(&r, &at, 3); k-- > 0;) {
			size_t from = fuzz_pick(&r, &at, n - 8), width = fuzz_pick(&r, &at, 2) ? 8 : 4;
			uint64_t x = telling[fuzz_pick(&r, &at, LEN(telling))];

			for (size_t c = 0; c < width; c++)
				b[from + c] = (uint8_t)(x >> 8 * c);
		}
		fuzz_data = b;
		fuzz_size = n;
		LLVMFuzzerTestOneInput(b, n);
		free(b);
	}
	ok(1, "%s: %zu with other numbers", name, rounds);
	buf_release(&seed);
}

int main(void)
{
	static const char *const tokens[] = {
		"GGUF", "general.architecture", "general.alignment", "llama", "qwen2", "qwen3", "gemma3",
		".block_count", "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "gpt2",
		"blk.0.attn_q.weight", "token_embd.weight", "rope_freqs.weight", "\1", "\x7f",
		"\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\x7f",
	};

	numbers("tests/fuzz/corpus/gguf/llama.gguf", 4000);
	numbers("tests/fuzz/corpus/gguf/gemma3.gguf", 4000);
	fuzz_run("tests/fuzz/corpus/gguf", 8000, 16384, tokens, LEN(tokens));
	diag("%zu files, %zu vocabularies, %zu models", files, vocabularies, models);
	ok(files > 3000 && vocabularies > 2000 && models > 1000,
	   "enough of it is GGUF, tokenizers, models");
	return done();
}
#endif
