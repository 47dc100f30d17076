/* SPDX-License-Identifier: MIT */
/* Responses of any bytes: tokens cover them in order, and what is found and put together keeps its
 * promises. */
#include "fuzz.h"
#include "verify/program.h"

static size_t any, defining;     /* how deep the inputs got */

static void tokens_fit(const char *s, size_t n)
{
	struct py_lexer l;
	struct py_token t;
	const char *done = s;
	int ended = 0;

	py_start(&l, s, n);
	while (py_next(&l, &t)) {
		fuzz_check(t.s >= done && t.n <= (size_t)(s + n - t.s),
		           "a token that is not behind the last one");
		fuzz_check(t.n > 0 || (t.kind == PY_NEWLINE && t.s == s + n), "an empty token");
		fuzz_check(!ended, "a token behind the last line's end");
		done = t.s + t.n;
		ended = t.kind == PY_NEWLINE && !t.n;
	}
	fuzz_check(t.kind == PY_END && !py_next(&l, &t), "tokens do not end");
}

/* Is every byte of a there in b, in order? */
static int within(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t i = 0;

	for (size_t j = 0; i < n_a && j < n_b; j++)
		i += a[i] == b[j];
	return i == n_a;
}

static int solid(char c)
{
	return c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f' && c != '\v';
}

/* Is there anything that could cut it? */
static int marked(const char *s, size_t n)
{
	static const char *const marks[] = {"```", "~~~", "<", "[", ">>>", "\xe2\x97\x81"};

	for (size_t i = 0; i < LEN(marks); i++)
		if (memmem(s, n, marks[i], strlen(marks[i])))
			return 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *s = (const char *)data;
	struct buf program = {0}, whole = {0};
	size_t cut = n / 3;
	int found = program_find(s, n, "f", &program), solids = 0;

	tokens_fit(s, n);
	for (size_t i = 0; i < program.len; i++)
		solids += solid(program.data[i]);
	fuzz_check(found == (solids > 0), "a program of white space, or none that is one");
	/* several blocks bring their imports from __future__ forward, and line breaks between
	 * them */
	if (found && !memmem(s, n, "__future__", 10) && program.len <= n)
		any += within(program.data, program.len, s, n);
	if (found && py_defines(program.data, program.len, "f"))
		defining++;
	else if (found)
		fuzz_check(!py_defines(s, n, "f") || marked(s, n), "a definition is lost");
	py_plausible(s, n);
	program_compose(s, cut, &program, "f", &whole);
	program_compose(NULL, 0, &program, "f", &whole);
	fuzz_check(whole.len == program.len, "a program alone is what is run");
	buf_release(&program);
	buf_release(&whole);
	return 0;
}

#ifndef LIBFUZZER
int main(void)
{
	static const char *const tokens[] = {
		"```", "```\n", "```python\n", "~~~\n", "````", "``` ", "\n", "\r\n", "    ", "\t",
		"def f(a):\n", "def f(a): 1\n", "class f: 1\n", "async ", "f = 1\n",
		"f: int = 1\n", "f, g = h\n", "import f\n", "from a import (b as f)\n", "if x:\n",
		"else:\n", "try:\n", "for x in y:\n", "match x:\n", "case f: f = 1\n",
		"lambda x=1: x", "return a\n", "    return a\n", "from __future__ import f\n", "'",
		"\"", "'''", "\"\"\"", "f'", "rb\"", "f'''{", "{", "}", "(", ")", "[", "]", ":",
		";", ",", "=", "==", ":=", ".", "...", "*", "@", "#", "\\", "\\\n", "0x1f", "1e5",
		">>> ", "... ", "<code>", "</code>", "<answer>\n", "</answer>", "[BEGIN]\n",
		"[DONE]", "<|im_end|>", "</s>", "<think>", "</think>", "\xef\xbb\xbf", "python\n",
		"1. ", "- ", "markdown\n", "bash\n", "def g(): 1\n", "g()", "print(f)\n",
		"\xef\xbd\x9c>", "\f", "\xc3\xa9",
	};

	fuzz_run("tests/fuzz/corpus/program", 60000, 600, tokens, LEN(tokens));
	ok(any > 1000 && defining > 1000, "%zu programs are found, %zu define the entry point",
	   any, defining);
	return done();
}
#endif
