/* SPDX-License-Identifier: MIT */
/* Random text made of the pieces that lib/answer looks for: nothing may crash, and what is
 * canonical stays so. */
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
		math_canonical(text.data, text.len, &b);
	}
	ok(!not_number, "a canonical number is a number (%d are not)", not_number);
	ok(!beyond, "an answer begins within its text (%d do not)", beyond);
	ok(!unstable, "a canonical number is its own canonical form (%d are not)", unstable);
	ok(!not_itself, "every text is itself for the old grader, too (%d are not)", not_itself);
	for (int i = 0; i < 20000; i++)
		outside += !frames(&r, &at);
	ok(!outside, "fields of a received message lie within it (%d do not)", outside);
	buf_release(&text);
	buf_release(&a);
	buf_release(&b);
	return done();
}
