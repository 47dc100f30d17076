/* SPDX-License-Identifier: MIT */
/* Hostile lines: whatever parses prints, parses again and is the same; records and batches of
 * anything. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "traj/traj.h"

static size_t parsed, records, batches;     /* how deep the inputs got: a fuzzer that is refused at
                                             * the door finds nothing */

static void round_trip(const char *text, size_t n)
{
	struct err e;
	struct js v, again;
	struct buf one = {0}, two = {0};

	if (js_parse(text, n, &v, &e)) {
		fuzz_check(js_kind(v) == JS_NONE && !strncmp(e.msg, "byte ", 5),
		           "a refusal names the byte");
		return;
	}
	parsed++;
	fuzz_check(!js_print(v, &one, &e), "what was read can be written");
	fuzz_check(!js_parse(one.data, one.len, &again, &e), "what was written can be read");
	fuzz_check(js_equal(v, again), "and is the same value");
	fuzz_check(!js_print(again, &two, &e) && !strcmp(one.data, two.data), "written the same");
	js_free(again);
	js_free(v);
	buf_release(&one);
	buf_release(&two);
}

static void read_batches(const char *text, size_t n, unsigned need, int partial)
{
	struct jl_in *in = NULL;
	struct batch_in *b;
	struct batch batch;
	struct err e = {0};
	char path[64];
	int fd = memfd_create("fuzz", 0), rc;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	fuzz_check(fd >= 0 && write(fd, text, n) == (ssize_t)n && !jl_open(path, &in, &e),
	           "a file to read");
	b = batch_in_new(in, need, partial);
	while ((rc = batch_read(b, &batch, &e)) > 0) {
		size_t lines = 0;

		fuzz_check(batch.n > 0, "a batch has a line");
		for (size_t i = 0; i < batch.n; i++) {
			struct buf out = {0};

			lines += batch.t[i].line > 0;
			records++;
			for (size_t k = 0; k < batch.t[i].n_turns; k++)
				traj_set_turn(&batch.t[i], k, "reward", js_null());
			fuzz_check(!js_print(batch.t[i].rec, &out, &e), "a record can be written");
			buf_release(&out);
		}
		fuzz_check(lines == batch.n, "every line has its number");
		fuzz_check(partial || !batch.stamped || (int64_t)batch.n >= batch.size,
		           "a whole batch is whole");
		batches += batch.stamped;
		batch_release(&batch);
	}
	fuzz_check(rc == 0 || !strncmp(e.msg, path, strlen(path)), "a refusal names the file");
	batch_in_free(b);
	jl_close(in);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;

	round_trip(text, n);
	for (const char *line = text, *end = text + n; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);

		if (len < n)
			round_trip(line, len);
		line += len + 1;
	}
	read_batches(text, n, 0, n % 2);
	read_batches(text, n, (unsigned)n % 128, 1);
	return 0;
}

#ifndef LIBFUZZER
int main(void)
{
	static const char *const tokens[] = {
		"{", "}", "[", "]", ",", ":", "\"", "\\", "\n", "null", "true", "false", "-", "0", "1", "e",
		".", "1e308", "1e309", "9007199254740992", "9007199254740993", "2147483648", "-0",
		"\\u0000", "\\ud800", "\\udc00", "\xf0\x9f\x98\x80", "\xff", "\"id\":", "\"batch\":",
		"\"step\":", "\"size\":", "\"index\":", "\"group\":", "\"sample\":", "\"turns\":",
		"\"tokens\":", "\"logprobs\":", "\"reward\":", "\"response\":", "[[[[[[[[[[[[[[[[",
		"{\"a\":", "1e", "0.1", "nan",
	};

	fuzz_run("tests/fuzz/corpus/jsonl", 20000, 4096, tokens, LEN(tokens));
	diag("%zu values, %zu records, %zu stamped batches", parsed, records, batches);
	ok(parsed > 10000 && records > 2000 && batches > 300, "enough of it is JSON, records, batches");
	return done();
}
#endif
