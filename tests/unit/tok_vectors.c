/* SPDX-License-Identifier: MIT */
/*
 * Tokenizers of real models against others' ids.
 *
 * Without arguments: the 46 strings of ../shared/data/tokenizer for every vocabulary that is there.
 * tok_vectors.t FILE.gguf PRE: reads lines {"text", "ids"} on stdin (tests/peers/tok.py writes
 * them) and compares them with the ids of FILE's vocabulary under the pre-tokenization PRE (or
 * spm); tests/cli/tok.t does that.
 */
#include "tap.h"
#include "import/import.h"
#include "tok/tok.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIR "../shared/data/tokenizer/"
#define MARK "\n__ggml_vocab_test__\n"

static struct err e;

static void print_ids(const char *name, const int *p, size_t n)
{
	printf("# %s:", name);
	for (size_t i = 0; i < n; i++)
		printf(" %d", p[i]);
	putchar('\n');
}

static int same_ids(struct ids a, const int *want, size_t n)
{
	if (a.n == n && (!n || !memcmp(a.v, want, n * sizeof *want)))
		return 1;
	print_ids("got", a.v, a.n);
	print_ids("expected", want, n);
	return 0;
}

/* One line of whole numbers. */
static size_t read_ids(const char *line, size_t n, int *out, size_t cap)
{
	size_t k = 0;
	char *copy = xstrndup(line, n), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w && k < cap; w = strtok_r(NULL, " ", &save))
		out[k++] = atoi(w);
	free(copy);
	return k;
}

static void vectors(const char *name, const char *gguf)
{
	struct buf in = {0}, out = {0};
	struct vocab v;
	struct tok *t;
	struct ids ids = {0};
	char path[128];
	int *want = xreallocarray(NULL, 4096, sizeof *want), agreed = 0, count = 0;
	const char *s, *line;

	snprintf(path, sizeof path, DIR "%s.inp", name);
	if (access(path, R_OK) || access(gguf, R_OK)) {
		/* A big model may be missing here: tests/cli/tok.t fetches it and runs this again. */
		if (getenv("CI") && (access(path, R_OK) || !strncmp(gguf, DIR, strlen(DIR))))
			ok(0, "%s: %s and %s are there", name, path, gguf);
		else
			skip("%s: no %s", name, access(path, R_OK) ? path : gguf);
		goto end;
	}
	if (file_read(path, 1 << 20, &in, &e) ||
	    (snprintf(path, sizeof path, DIR "%s.out", name), file_read(path, 1 << 20, &out, &e)) ||
	    import_vocab_open(gguf, &v, &e)) {
		ok(0, "%s: %s", name, e.msg);
		goto end;
	}
	if (!ok(!tok_new(&v, &t, &e), "%s: a tokenizer", name)) {
		diag("%s", e.msg);
		goto vocab;
	}
	s = in.data;
	line = out.data;
	for (const char *mark; (mark = strstr(s, MARK)); s = mark + strlen(MARK)) {
		size_t n = (size_t)(mark - s), line_n = strcspn(line, "\n");
		struct buf back = {0};

		ids.n = 0;
		count++;
		if (tok_encode(t, s, n, 1, &ids, &e))
			diag("%s", e.msg);
		else if (same_ids(ids, want, read_ids(line, line_n, want, 4096)))
			agreed++;
		tok_decode(t, ids.v, ids.n, &back);
		/* SPM's space before the text is there again. */
		if (v.kind != TOK_SPM && (back.len != n || (n && memcmp(back.data, s, n)))) {
			diag("string %d does not come back", count);
			agreed--;
		}
		buf_release(&back);
		line += line_n + (line[line_n] == '\n');
	}
	ok(count == 46 && agreed == 46 && !*line, "%s: %d of %d strings", name, agreed, count);
	tok_free(t);
vocab:
	vocab_release(&v);
end:
	free(ids.v);
	free(want);
	buf_release(&in);
	buf_release(&out);
}

static int peer(const char *gguf, const char *pre)
{
	struct vocab v;
	struct tok *t;
	struct jl_in *in;
	struct ids ids = {0};
	struct js line;
	size_t count = 0, agreed = 0;
	int rc;

	if (import_vocab_open(gguf, &v, &e) || (strcmp(pre, "spm") && tok_pre_by_name(pre, &v.pre, &e)))
		die(EXIT_ERROR, "%s", e.msg);
	v.ignore_merges = v.pre == TOK_PRE_LLAMA_BPE;
	if (tok_new(&v, &t, &e) || jl_open(NULL, &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	while ((rc = jl_read(in, &line, &e)) > 0) {
		struct js text = js_get(line, "text"), list = js_get(line, "ids");
		int *want;
		size_t n;

		ids.n = 0;
		if (js_kind(text) != JS_STRING || js_ints(list, 0, INT32_MAX, &want, &n, &e) ||
		    tok_encode(t, js_string(text), js_string_len(text), 1, &ids, &e))
			die(EXIT_ERROR, "line %zu: %s", jl_line(in), e.msg);
		count++;
		if (same_ids(ids, want, n))
			agreed++;
		else
			diag("line %zu", jl_line(in));
		free(want);
		js_free(text);
		js_free(list);
		js_free(line);
	}
	if (rc < 0)
		die(EXIT_ERROR, "%s", e.msg);
	ok(count > 0 && agreed == count, "%zu of %zu strings", agreed, count);
	jl_close(in);
	free(ids.v);
	tok_free(t);
	vocab_release(&v);
	return done();
}

int main(int argc, char **argv)
{
	const char *models = getenv("SCORE_MODELS");
	char qwen[4096];

	prog_init(argv[0]);
	if (argc == 3)
		return peer(argv[1], argv[2]);
	snprintf(qwen, sizeof qwen, "%s/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
	         models ? models : "run/models");
	vectors("gpt-2", DIR "ggml-vocab-gpt-2.gguf");
	vectors("llama-spm", DIR "ggml-vocab-llama-spm.gguf");
	vectors("qwen2", qwen);
	return done();
}
