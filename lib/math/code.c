/* SPDX-License-Identifier: MIT */
/* Programs in responses: fenced blocks (``` or ~~~, CommonMark's rules as far as models use them). */
#include "math/math.h"

#include <string.h>

struct line {
	const char *s;
	size_t n;                    /* without the newline */
};

/* The line that starts at *at; moves *at behind it. 0 at the end. */
static int next_line(const char *s, size_t n, size_t *at, struct line *out)
{
	const char *end;

	if (*at >= n)
		return 0;
	end = memchr(s + *at, '\n', n - *at);
	out->s = s + *at;
	out->n = end ? (size_t)(end - out->s) : n - *at;
	*at += out->n + 1;
	return 1;
}

static int space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static int name_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

struct fence {
	size_t run;                  /* length of the run of marks, 0: this line is no fence */
	size_t indent;
	char mark;
	int bare;                    /* nothing after the marks: may close */
};

static struct fence read_fence(struct line l)
{
	struct fence f = {0};
	size_t at = 0, run = 0;

	while (at < l.n && l.s[at] == ' ')
		at++;
	if (at == l.n || (l.s[at] != '`' && l.s[at] != '~'))
		return f;
	f.indent = at;
	f.mark = l.s[at];
	while (at + run < l.n && l.s[at + run] == f.mark)
		run++;
	at += run;
	/* a backtick later on the line makes it inline code */
	if (run < 3 || (f.mark == '`' && memchr(l.s + at, '`', l.n - at)))
		return f;
	while (at < l.n && space(l.s[at]))
		at++;
	f.bare = at == l.n;
	f.run = run;
	return f;
}

static int after_word(struct line l, size_t *at, const char *word)
{
	size_t len = strlen(word), p = *at + len;

	if (l.n - *at < len || memcmp(l.s + *at, word, len) || p >= l.n || !space(l.s[p]))
		return 0;
	while (p < l.n && space(l.s[p]))
		p++;
	*at = p;
	return 1;
}

int code_defines(const char *s, size_t n, const char *entry)
{
	size_t at = 0, len = strlen(entry);
	struct line l;

	while (next_line(s, n, &at, &l)) {
		size_t p = 0;
		int keyword;

		while (p < l.n && space(l.s[p]))
			p++;
		after_word(l, &p, "async");
		keyword = after_word(l, &p, "def") || after_word(l, &p, "class");
		if (l.n - p < len || memcmp(l.s + p, entry, len))
			continue;
		p += len;
		if (p < l.n && name_char(l.s[p]))
			continue;
		while (p < l.n && space(l.s[p]))
			p++;
		if (keyword || (p < l.n && l.s[p] == '=' && (p + 1 == l.n || l.s[p + 1] != '=')))
			return 1;
	}
	return 0;
}

/* A block's text, its opening fence's indentation taken off each line. */
static void take_block(const char *s, size_t n, size_t indent, struct buf *out)
{
	size_t at = 0;
	struct line l;

	buf_clear(out);
	while (next_line(s, n, &at, &l)) {
		size_t p = 0;

		while (p < indent && p < l.n && l.s[p] == ' ')
			p++;
		buf_add(out, l.s + p, l.n - p);
		buf_addc(out, '\n');
	}
}

int code_extract(const char *s, size_t n, const char *entry, struct buf *out)
{
	struct fence open = {0}, f = {0};
	size_t at = 0, start = 0;
	int blocks = 0, defining = 0, more;

	buf_clear(out);
	do {
		size_t here = at < n ? at : n;
		struct line l = {0};

		more = next_line(s, n, &at, &l);
		f = more ? read_fence(l) : (struct fence){0};
		if (open.run && (!more || (f.run >= open.run && f.mark == open.mark && f.bare))) {
			int defines = entry && code_defines(s + start, here - start, entry);

			if (defines || !defining)
				take_block(s + start, here - start, open.indent, out);
			defining |= defines;
			blocks++;
			open.run = 0;
		} else if (!open.run && f.run) {
			open = f;
			start = at < n ? at : n;
		}
	} while (more);
	if (!blocks)
		buf_add(out, s, n);
	for (size_t i = 0; i < out->len; i++)
		if (!space(out->data[i]))
			return 1;
	return 0;
}
