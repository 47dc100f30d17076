/* SPDX-License-Identifier: MIT */
/* Hostile config.json and tokenizer.json: an error, or a configuration and a vocabulary that
 * work. */
#include "fuzz.h"

#include "import/hf.h"
#include "import/inside.h"

#include <sys/mman.h>
#include <unistd.h>

static size_t configurations, vocabularies;
static char folder[64] = "/tmp/fuzz.XXXXXX", memory[64];   /* folder/config.json leads to a file in
                                                            * memory */
static int fd;

static void in_memory(const uint8_t *data, size_t n)
{
	fuzz_check(!ftruncate(fd, 0) && pwrite(fd, data, n, 0) == (ssize_t)n, "a file to read");
}

static void config(const uint8_t *data, size_t n)
{
	struct model_config c;
	struct err e;

	in_memory(data, n);
	if (!hf_config(folder, &c, &e)) {
		configurations++;
		fuzz_check(!model_config_check(&c, &e), "an accepted configuration is within its limits");
	} else {
		fuzz_check(!strncmp(e.msg, folder, strlen(folder)), "a refusal names the file");
	}
}

static void tokenizer(const uint8_t *data, size_t n)
{
	struct buf b = {0};
	struct vocab v, again;
	struct tok *t;
	struct err e;

	in_memory(data, n);
	if (!hf_vocab_file(memory, &v, &e)) {
		vocabularies++;
		vocab_save(&v, &b);
		fuzz_check(!vocab_load(b.data, b.len, &again, &e), "an imported vocabulary can be stored");
		if (!tok_new(&v, &t, &e))
			tok_free(t);
		vocab_release(&again);
		vocab_release(&v);
		buf_release(&b);
	} else {
		fuzz_check(!strncmp(e.msg, memory, strlen(memory)), "a refusal names the file");
	}
}

static void remove_folder(void)
{
	char link[96];

	snprintf(link, sizeof link, "%s/config.json", folder);
	unlink(link);
	rmdir(folder);
}

static void open_folder(void)
{
	char link[96];

	fd = memfd_create("fuzz", 0);
	snprintf(memory, sizeof memory, "/proc/self/fd/%d", fd);
	if (!mkdtemp(folder))
		die(EXIT_ERROR, "%s", folder);
	snprintf(link, sizeof link, "%s/config.json", folder);
	if (symlink(memory, link))
		die(EXIT_ERROR, "%s", link);
	atexit(remove_folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!fd)
		open_folder();
	if (n && memmem(data, n, "\"merges\"", 8))
		tokenizer(data, n);
	else
		config(data, n);
	return 0;
}

#ifndef LIBFUZZER
int main(void)
{
	static const char *const tokens[] = {
		"{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "1", "-1", "1e300",
		"4294967296", "16777215", "0.5", "\"rope_scaling\":{\"rope_type\":\"llama3\"}",
		"\"rope_parameters\":{\"full_attention\":{}}", "\"layer_types\":[\"sliding_attention\"]",
		"\"head_dim\":null", "\"sliding_window\":0", "\"query_pre_attn_scalar\":1",
		"\"type\":\"Sequence\"", "\"normalizers\":[]",
		"\"added_tokens\":[{\"id\":1,\"content\":\"a\"}]", "\"unk_token\":\"a\"", "\\u0000",
		"\xe2\x96\x81", "[\"a\",\"b\"]",
	};

	fuzz_run("tests/fuzz/corpus/hf-config", 8000, 2048, tokens, LEN(tokens));
	fuzz_run("tests/fuzz/corpus/hf-tokenizer", 8000, 8192, tokens, LEN(tokens));
	diag("%zu configurations, %zu vocabularies", configurations, vocabularies);
	ok(configurations > 300 && vocabularies > 150, "enough of it is accepted");
	return done();
}
#endif
