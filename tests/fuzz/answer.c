/* SPDX-License-Identifier: MIT */
/* Random text made of the pieces that lib/answer looks for: nothing may crash, and what is
 * canonical stays so. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/frame.h"
#include "answer/answer.h"
#include "tap.h"

static const char *const pieces[] = {
	"0", "1", "9", "12", "1,234", "{,}", ".", "-", "+", "$", "\\$", "/", "e", "E5", "e-3",
	"\\frac{", "\\dfrac", "}{", "{", "}", "\\boxed{", "\\boxed", "\\fbox ", "\\sqrt", "\\text{ ",
	"final answer is", "\\approx", "=", "x =", " and ", "\\(", "answer is", "####", "\\text{",
	"\\left(", "\\right)", "^{", "^\\circ", " ", "\n", "\t", "(", ")", "x", "\\", "\\!",
	"\xe2\x88\x92", "\xe2", "\xc2", "\xff", "%", "_", "\r\n", "\\[", "\\)", ":", "*", "<think>",
	"</think>", "[THINK]", "<answer>", "</answer>", "</s>", "<|", "|>", "'", "not ", "more than ",
	" or ", "so ", "\\Rightarrow", "(E)", "E. ", "\\sqrt", "^", "10^", " million", "\\times", " / ",
	"...", "\\framebox{", "between ", ">", ", ",
};

static void random_text(const struct rng *r, uint64_t *at, struct buf *out)
{
	uint64_t n = rng_below(r, (*at)++, 40);

	buf_clear(out);
	buf_adds(out, "");
	while (n--) {
		if (!rng_below(r, (*at)++, 50))
			buf_add(out, "", 1);
		else
			buf_adds(out, pieces[rng_below(r, (*at)++, LEN(pieces))]);
	}
}

/* A formula, in one notation or another. */
static void formula(const struct rng *r, uint64_t *at, int depth, struct buf *out)
{
	static const char *const leaves[] = {
		"2", "3", "0.5", "-1", "1,000", "x", "y", "\\pi", "e", "a_1", "\\frac12", "0", "1 1/2",
		"1e3",
		"5\\%", "3 cm", "0.\\overline{3}", "x!", "A", "\\theta",
	};
	/* each % is a formula */
	static const char *const forms[] = {
		"%+%", "%-%", "%\\cdot %", "(%)(%)", "\\frac{%}{%}", "(%)/(%)", "\\sqrt{%}", "-(%)",
		"(%)^{2}", "(%)^{%}", "\\sin(%)", "|%|", "\\ln(%)", "(%, %)", "[%,%)", "\\{%, %\\}", "%,%",
		"x=%", "%<%", "%\\pm %", "f(%)", "%:%", "\\begin{pmatrix}%\\\\%\\end{pmatrix}",
		"(-\\infty,%)\\cup(%,5]", "\\log_{2}(%)", "% \\text{ or } %", "\\binom{%}{%}",
	};
	const char *form;

	if (!depth || !rng_below(r, (*at)++, 3)) {
		buf_adds(out, leaves[rng_below(r, (*at)++, LEN(leaves))]);
		return;
	}
	form = forms[rng_below(r, (*at)++, LEN(forms))];
	for (; *form; form++)
		if (*form == '%')
			formula(r, at, depth - 1, out);
		else
			buf_addc(out, *form);
}

/* What was written so, by its canonical text. */
struct seen {
	struct buf text, canonical;
};

static int same_text(const void *data, size_t place, const void *key)
{
	const struct seen *s = data;
	const struct buf *b = key;

	return s[place].canonical.len == b->len && !memcmp(s[place].canonical.data, b->data, b->len);
}

static int same(const struct buf *a, const struct buf *b)
{
	return math_equal(a->data, a->len, b->data, b->len, NULL).verdict == MATH_EQUAL;
}

/* Canonical texts of formulas and of other texts: stable, equal to what they are of, and to all
 * that has the same one. */
static void canonical_texts(const struct rng *r, uint64_t *at)
{
	struct seen *seen = NULL;
	size_t n = 0, cap = 0, pairs = 0;
	int unstable = 0, unequal = 0, apart = 0;
	struct hashmap map = {0};
	struct buf text = {0}, a = {0}, b = {0};

	for (int i = 0; i < 40000; i++) {
		size_t place;
		uint64_t hash;

		buf_clear(&text);
		if (i % 4)
			formula(r, at, 1 + i % 3, &text);
		else
			random_text(r, at, &text);
		math_canonical(text.data, text.len, &a);
		buf_adds(&a, "");
		math_canonical(a.data, a.len, &b);
		unstable += a.len != b.len || (a.len && memcmp(a.data, b.data, a.len));
		unequal += !same(&text, &a);
		hash = hash_bytes(a.data, a.len);
		place = hashmap_find(&map, hash, same_text, seen, &a);
		if (place != HASHMAP_NONE) {
			pairs += text.len != seen[place].text.len ||
			         memcmp(text.data, seen[place].text.data, text.len);
			if (!same(&text, &seen[place].text) && apart++ < 5)
				diag("%s and %s are both %s", seen[place].text.data, text.data, a.data);
			continue;
		}
		hashmap_add(&map, hash, n);
		VEC_PUSH(seen, n, cap) = (struct seen){text, a};
		text = a = (struct buf){0};
	}
	ok(!unstable, "a canonical text is its own canonical text (%d are not)", unstable);
	ok(!unequal, "an answer equals its canonical text (%d do not)", unequal);
	ok(pairs > 2000 && !apart, "of %zu answers written like another one, all equal it (%d do not)",
	   pairs, apart);
	while (n--) {
		buf_release(&seen[n].text);
		buf_release(&seen[n].canonical);
	}
	free(seen);
	hashmap_release(&map);
	buf_release(&text);
	buf_release(&a);
	buf_release(&b);
}

/* A message with flipped, cut or added bytes is refused or read, and every field lies within it. */
static int frames(const struct rng *r, uint64_t *at)
{
	struct buf m = {0}, got = {0};
	const char *key, *value;
	size_t walk = 0, nk, nv, inside = 1;
	struct err e;
	int fd[2];

	frame_begin(&m);
	frame_adds(&m, "status", "pass");
	frame_add(&m, "code", "a\0b", 3);
	for (uint64_t flips = rng_below(r, (*at)++, 4); flips--; ) {
		uint64_t place = 4 + rng_below(r, (*at)++, m.len - 4);

		m.data[place] ^= (char)(1 << rng_below(r, (*at)++, 8));
	}
	if (rng_below(r, (*at)++, 4) == 0)
		m.len -= rng_below(r, (*at)++, m.len - 4);
	if (pipe(fd) || frame_send(fd[1], &m, NULL, 0, &e))
		return 0;
	close(fd[1]);
	if (frame_recv(fd[0], &got, NULL, NULL, &e) == 1)
		while (frame_next(&got, &walk, &key, &nk, &value, &nv))
			inside &= key >= got.data && value + nv < got.data + got.len + 1 && walk <= got.len;
	close(fd[0]);
	buf_release(&m);
	buf_release(&got);
	return (int)inside;
}

int main(void)
{
	struct rng r = rng_stream(1, "fuzz", 0, "answer", 0, 0);
	struct buf text = {0}, a = {0}, b = {0};
	int beyond = 0, unstable = 0, not_number = 0, not_itself = 0, outside = 0;
	uint64_t at = 0;

	for (int i = 0; i < 60000; i++) {
		random_text(&r, &at, &text);
		if (math_last_number(text.data, text.len, &a)) {
			not_number += !math_number(a.data, a.len, &b);
			unstable += a.len != b.len || memcmp(a.data, b.data, a.len);
		}
		beyond += answer_after_thinking(text.data, text.len) > text.len;
		math_equal_choice(text.data, text.len, "E", 1, NULL);
		math_extract(text.data, text.len, &a);
		math_settle(a.data ? a.data : "", a.len, &b);
		not_itself += !math_hendrycks(text.data, text.len, text.data, text.len);
		math_hendrycks(text.data, text.len, b.data ? b.data : "", b.len);
		math_reference(text.data, text.len, &b);
	}
	ok(!not_number, "a canonical number is a number (%d are not)", not_number);
	ok(!beyond, "an answer begins within its text (%d do not)", beyond);
	ok(!unstable, "a canonical number is its own canonical form (%d are not)", unstable);
	ok(!not_itself, "every text is itself for the old grader, too (%d are not)", not_itself);
	canonical_texts(&r, &at);
	for (int i = 0; i < 20000; i++)
		outside += !frames(&r, &at);
	ok(!outside, "fields of a received message lie within it (%d do not)", outside);
	buf_release(&text);
	buf_release(&a);
	buf_release(&b);
	return done();
}
