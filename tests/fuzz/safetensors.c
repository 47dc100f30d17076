/* SPDX-License-Identifier: MIT */
/* Hostile safetensors files: an error, or tensors that lie within the bytes and apart from one
 * another. */
#include "fuzz.h"

#include "import/safetensors.h"

static size_t files, tensors;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = {{0}};
	struct safetensors s;
	size_t sum = 0, total = 0;
	struct map m;

	map_copy("fuzz.safetensors", data, n, &m);
	if (st_read(m, &s, &e)) {
		fuzz_check(strstr(e.msg, "fuzz.safetensors: ") == e.msg, "a refusal names the file");
		return 0;
	}
	files++;
	for (size_t i = 0; i < s.n; i++) {
		const struct st_tensor *t = &s.tensors[i];
		uint64_t values = 1;

		for (int k = 0; k < 4; k++)
			values *= t->shape[k];
		fuzz_check(values * (t->type ? 2 : 4) == t->bytes, "shape and bytes agree");
		fuzz_check(t->at <= n && t->bytes <= n - t->at, "a tensor lies within the file");
		for (size_t b = 0; b < t->bytes; b++)
			sum += s.map.p[t->at + b];
		total += t->bytes;
		fuzz_check(st_find(&s, t->name) != NULL, "a tensor is found by its name");
		tensors++;
	}
	fuzz_check(sum <= 255 * n && total <= n, "no byte belongs to two");
	st_close(&s);
	return 0;
}

#ifndef LIBFUZZER
/* Mutations of the header with its length put right, which blind ones rarely hit. */
static void headers(size_t rounds, const char *const *tokens, size_t n_tokens)
{
	struct rng r = rng_stream(3, "fuzz", 0, "safetensors headers", 0, 0);
	struct buf seed = {0}, head = {0}, all = {0};
	struct err e;
	uint64_t at = 0, len = 0;

	if (!ok(!file_read("tests/fuzz/corpus/safetensors/gemma3.safetensors", 1 << 20, &seed, &e),
	        "seed"))
		return;
	for (int i = 0; i < 8; i++)
		len |= (uint64_t)(uint8_t)seed.data[i] << 8 * i;
	for (size_t i = 0; i < rounds; i++) {
		buf_clear(&head);
		buf_clear(&all);
		buf_add(&head, seed.data + 8, len);
		for (size_t k = 1 + fuzz_pick(&r, &at, 2); k-- > 0;)
			fuzz_mutate(&r, &at, &head, &seed, tokens, n_tokens);
		for (int k = 0; k < 8; k++)
			buf_addc(&all, (char)((uint64_t)head.len >> 8 * k & 255));
		buf_add(&all, head.data, head.len);
		buf_add(&all, seed.data + 8 + len, seed.len - 8 - len);
		fuzz_data = (uint8_t *)all.data;
		fuzz_size = all.len;
		LLVMFuzzerTestOneInput(fuzz_data, fuzz_size);
	}
	ok(1, "%zu headers", rounds);
	buf_release(&seed);
	buf_release(&head);
	buf_release(&all);
}

int main(void)
{
	static const char *const tokens[] = {
		"{", "}", "[", "]", ",", ":", "\"", "\"a\":", "\"dtype\":\"F32\"", "\"F16\"", "\"BF16\"",
		"\"F64\"", "\"shape\":[]", "\"data_offsets\":[0,0]", "\"__metadata__\":{}", "0", "1", "-1",
		"1e30", "9007199254740992", "4294967296", "0.5", "null",
	};

	headers(10000, tokens, LEN(tokens));
	fuzz_run("tests/fuzz/corpus/safetensors", 6000, 8192, tokens, LEN(tokens));
	diag("%zu files, %zu tensors", files, tensors);
	ok(files > 500 && tensors > 5000, "enough of it is safetensors");
	return done();
}
#endif
