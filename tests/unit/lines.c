/* SPDX-License-Identifier: MIT */
/* Lines in: numbers, blank lines, messages. Lines out are checked from outside, in
 * tests/cli/draw.t. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonl/jsonl.h"
#include "tap.h"

static char path[] = "/tmp/score-lines-XXXXXX";

/* Reads text as a file; the values' "a", the line each was on, and how it ended, as one string. */
static void read_all(const char *text, size_t n, struct buf *out)
{
	struct err e = {0};
	struct jl_in *in = NULL;
	struct js v;
	int rc;

	buf_clear(out);
	buf_adds(out, "");
	if (file_write(path, text, n, &e) || jl_open(path, &in, &e)) {
		buf_adds(out, e.msg);
		return;
	}
	while ((rc = jl_read(in, &v, &e)) > 0) {
		struct js a = js_get(v, "a");

		buf_addf(out, "%g@%zu ", js_number(a), jl_line(in));
		js_free(a);
		js_free(v);
	}
	if (rc < 0)
		buf_adds(out, strstr(e.msg, path) == e.msg ? e.msg + strlen(path) : e.msg);
	jl_close(in);
}

static const struct {
	const char *text, *want;
} cases[] = {
	{"", ""},
	{"\n\n", ""},
	{" \t\r\n", ""},
	{"{\"a\":1}\n{\"a\":2}\n", "1@1 2@2 "},
	{"{\"a\":1}\n{\"a\":2}", "1@1 2@2 "},
	{"{\"a\":1}\r\n\r\n{\"a\":2}\r\n", "1@1 2@3 "},
	{"\n\n{\"a\":1}\n\n\n{\"a\":2}\n\n", "1@3 2@6 "},
	{"{\"a\":1}\n[1]\n", "1@1 :2: expected an object, got array"},
	{"{\"a\":1}\n\nnull", "1@1 :3: expected an object, got null"},
	{"{\"a\":1}\n{\"a\":\n2}\n", "1@1 :2: byte 6: expected a value, found the end"},
	{"{\"a\":1} {\"a\":2}\n", ":1: byte 9: more text after the value"},
	{"{\"a\":1}\n{\"a\":nan}\n{\"a\":3}\n", "1@1 :2: byte 6: expected a value"},
};

int main(void)
{
	struct buf got = {0}, big = {0};
	struct err e = {0};
	struct jl_in *in;
	struct js v;
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	for (size_t i = 0; i < LEN(cases); i++) {
		read_all(cases[i].text, strlen(cases[i].text), &got);
		if (!ok(!strcmp(got.data, cases[i].want), "case %zu", i))
			diag("got %s, expected %s", got.data, cases[i].want);
	}
	/* lines around the sizes that the reader works in, and one of many chunks */
	for (size_t n = (1 << 16) - 12; n < (1 << 16) + 12; n++) {
		buf_clear(&big);
		buf_adds(&big, "{\"a\":1,\"b\":\"");
		while (big.len < n)
			buf_addc(&big, 'x');
		buf_adds(&big, "\"}\n{\"a\":2}\n");
		read_all(big.data, big.len, &got);
		if (strcmp(got.data, "1@1 2@2 "))
			break;
	}
	ok(!strcmp(got.data, "1@1 2@2 "), "lines that cross the reader's chunks");
	buf_clear(&big);
	buf_adds(&big, "{\"a\":1,\"b\":\"");
	for (int i = 0; i < 300000; i++)
		buf_adds(&big, "0123456789");
	buf_adds(&big, "\"}\n{\"a\":2}");
	read_all(big.data, big.len, &got);
	ok(!strcmp(got.data, "1@1 2@2 "), "a line of 3 MB");
	ok(jl_open("/nonexistent/f", &in, &e) && !in &&
	       !strcmp(e.msg, "/nonexistent/f: No such file or directory"),
	   "%s", e.msg);
	ok(!jl_open("/", &in, &e) && jl_read(in, &v, &e) == -1 && !strcmp(e.msg, "/: Is a directory"),
	   "%s", e.msg);
	jl_close(in);
	ok(!jl_open(NULL, &in, &e) && !strcmp(jl_name(in), "<stdin>") && jl_line(in) == 0,
	   "stdin has a name");
	jl_close(in);
	unlink(path);
	buf_release(&got);
	buf_release(&big);
	return done();
}
