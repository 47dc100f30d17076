/* SPDX-License-Identifier: MIT */
/*
 * Equality as the grader has it that came with the MATH data set (Hendrycks and others, 2021): both
 * texts are rewritten step by step, then compared as strings. Behaviour, quirks included, after
 * that program; where it would have failed on a text (a root of nothing, two units), it compares
 * the texts as they are, and so does this.
 */
#include "answer/inside.h"

#include <string.h>

static int equals(const struct buf *b, const char *s, size_t n)
{
	return b->len == n && (!n || !memcmp(b->data, s, n));
}

/* Every occurrence, from the left. */
static void replace(struct buf *b, const char *from, const char *to)
{
	struct buf out = {0};
	size_t len = strlen(from);
	const char *s = b->data, *end = s + b->len, *hit;

	if (!b->len || !memmem(s, b->len, from, len))
		return;
	while ((hit = memmem(s, (size_t)(end - s), from, len))) {
		buf_add(&out, s, (size_t)(hit - s));
		buf_adds(&out, to);
		s = hit + len;
	}
	buf_add(&out, s, (size_t)(end - s));
	buf_release(b);
	*b = out;
}

/* Where it occurs for the first time from `from` on; b->len if nowhere. */
static size_t find(const struct buf *b, size_t from, const char *what)
{
	const char *hit =
		from < b->len ? memmem(b->data + from, b->len - from, what, strlen(what)) : NULL;

	return hit ? (size_t)(hit - b->data) : b->len;
}

/* Bytes of the UTF-8 character at at. */
static size_t character(const struct buf *b, size_t at)
{
	size_t p = at + 1;

	while (p < b->len && ((unsigned char)b->data[p] & 0xc0) == 0x80)
		p++;
	return p - at;
}

/* "\text{ " starts a unit, to the end; twice is a failure. */
static int right_units(struct buf *b)
{
	static const char mark[] = "\\text{ ";
	size_t at = find(b, 0, mark);

	if (at == b->len)
		return 0;
	if (find(b, at + strlen(mark), mark) < b->len)
		return -1;
	b->len = at;
	return 0;
}

/* A left side of at most two characters ("x=", "k =") goes, where there is one equality sign. */
static void left_side(struct buf *b)
{
	size_t at = find(b, 0, "="), characters = 0;

	if (at == b->len || find(b, at + 1, "=") < b->len)
		return;
	for (size_t p = 0; p < at; p += character(b, p))
		characters++;
	if (characters > 2)
		return;
	memmove(b->data, b->data + at + 1, b->len - at - 1);
	b->len -= at + 1;
}

/* \sqrt3 as \sqrt{3}; nothing under the root is a failure. */
static int roots(struct buf *b)
{
	static const char mark[] = "\\sqrt";
	struct buf out = {0};
	size_t at = 0, hit;

	while ((hit = find(b, at, mark)) < b->len) {
		size_t p = hit + strlen(mark), len;

		buf_add(&out, b->data + at, p - at);
		at = p;
		if (p == b->len || find(b, p, mark) == p) {
			buf_release(&out);
			return -1;
		}
		if (b->data[p] == '{')
			continue;
		len = character(b, p);
		buf_addc(&out, '{');
		buf_add(&out, b->data + p, len);
		buf_addc(&out, '}');
		at = p + len;
	}
	buf_add(&out, b->data ? b->data + at : "", b->len - at);
	buf_release(b);
	*b = out;
	return 0;
}

/* \frac12 and \frac1{72} with braces. -1: nothing after a \frac; one character alone: all stays as
 * it was. */
static int fractions(struct buf *b)
{
	static const char mark[] = "\\frac";
	struct buf out = {0};
	size_t at = 0, hit;
	int rc = 0;

	while ((hit = find(b, at, mark)) < b->len) {
		size_t p = hit + strlen(mark), end = find(b, p, mark), over, under;

		buf_add(&out, b->data + at, p - at);
		at = p;
		if (p == end) {
			rc = -1;
			goto out;
		}
		if (b->data[p] == '{')
			continue;
		over = character(b, p);
		if (p + over >= end)
			goto out;
		buf_addc(&out, '{');
		buf_add(&out, b->data + p, over);
		buf_addc(&out, '}');
		at = p + over;
		if (b->data[at] == '{')
			continue;
		under = character(b, at);
		buf_addc(&out, '{');
		buf_add(&out, b->data + at, under);
		buf_addc(&out, '}');
		at += under;
	}
	buf_add(&out, b->data ? b->data + at : "", b->len - at);
	buf_release(b);
	*b = out;
	return 0;
out:
	buf_release(&out);
	return rc;
}

/* An integer as Python writes it. */
static int integer(const char *s, size_t n)
{
	size_t at = n && s[0] == '-', first = at;

	if (at == n || (s[at] == '0' && n > 1))
		return 0;
	while (at < n && s[at] >= '0' && s[at] <= '9')
		at++;
	return at == n && at > first;
}

static void slash(struct buf *b)
{
	size_t at = find(b, 0, "/");
	struct buf out = {0};

	if (at == b->len || !integer(b->data, at) || !integer(b->data + at + 1, b->len - at - 1))
		return;
	buf_adds(&out, "\\frac{");
	buf_add(&out, b->data, at);
	buf_adds(&out, "}{");
	buf_add(&out, b->data + at + 1, b->len - at - 1);
	buf_addc(&out, '}');
	buf_release(b);
	*b = out;
}

/* -1 where that grader fails. */
static int rewrite(struct buf *b)
{
	static const struct { const char *from, *to; } first[] = {
		{"\n", ""}, {"\\!", ""}, {"\\\\", "\\"}, {"tfrac", "frac"}, {"dfrac", "frac"},
		{"\\left", ""}, {"\\right", ""}, {"^{\\circ}", ""}, {"^\\circ", ""}, {"\\$", ""},
	};

	for (size_t i = 0; i < LEN(first); i++)
		replace(b, first[i].from, first[i].to);
	if (right_units(b))
		return -1;
	replace(b, "\\%", "");
	replace(b, " .", " 0.");
	replace(b, "{.", "{0.");
	if (!b->len)
		return 0;
	if (b->data[0] == '.') {
		buf_addc(b, 0);
		memmove(b->data + 1, b->data, b->len - 1);
		b->data[0] = '0';
	}
	left_side(b);
	if (roots(b))
		return -1;
	replace(b, " ", "");
	if (fractions(b))
		return -1;
	if (equals(b, "0.5", 3)) {
		buf_clear(b);
		buf_adds(b, "\\frac{1}{2}");
	}
	slash(b);
	return 0;
}

int math_hendrycks(const char *gold, size_t n_gold, const char *got, size_t n_got)
{
	struct buf a = {0}, b = {0};
	int same;

	buf_add(&a, gold, n_gold);
	buf_add(&b, got, n_got);
	if (rewrite(&a) || rewrite(&b))
		same = n_gold == n_got && !memcmp(gold, got, n_got);
	else
		same = equals(&a, b.data, b.len);
	buf_release(&a);
	buf_release(&b);
	return same;
}
