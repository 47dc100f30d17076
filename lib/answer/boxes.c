/* SPDX-License-Identifier: MIT */
/* The boxes in a response, one pass. */
#include "answer/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

struct open {
	size_t start, from, depth;
};

size_t box_name(const char *s, size_t n, size_t at)
{
	static const char *const names[] = {
		"\\boxed", "\\fbox", "\\framebox", "\\\\boxed", "\\\\fbox", "\\\\framebox",
	};

	for (size_t i = 0; i < LEN(names); i++) {
		size_t end = at + strlen(names[i]);

		if (text_starts(s, n, at, names[i]) && (end >= n || !text_letter(s[end])))
			return strlen(names[i]);
	}
	return 0;
}

/* \boxed 5: up to a space or the end of the formula. */
static struct span bare_box(const char *s, size_t n, size_t start, size_t at)
{
	struct span x = {at, at, start, at};

	while (x.to < n && !text_space(s[x.to]) && s[x.to] != '$' && !text_starts(s, n, x.to, "\\)") &&
	       !text_starts(s, n, x.to, "\\]"))
		x.to++;
	x.end = x.to;
	return x;
}

size_t boxes(const char *s, size_t n, struct span **out)
{
	struct open *open = NULL;
	struct span *done = NULL;
	size_t n_open = 0, cap_open = 0, n_done = 0, cap_done = 0, depth = 0;

	for (size_t at = 0; at < n; at++) {
		size_t len = s[at] == '\\' ? box_name(s, n, at) : 0, p = at + len;

		if (len) {
			while (p < n && text_space(s[p]))
				p++;
			if (p < n && s[p] == '{') {
				VEC_PUSH(open, n_open, cap_open) = (struct open){at, p + 1, depth++};
				at = p;
			} else if (p < n && (p > at + len || text_digit(s[p]) || s[p] == '\\') && s[p] != '}') {
				VEC_PUSH(done, n_done, cap_done) = bare_box(s, n, at, p);
				at = done[n_done - 1].to - 1;
			} else
				at += len - 1;
		} else if (s[at] == '\\') {
			at++;
		} else if (s[at] == '{') {
			depth++;
		} else if (s[at] == '}' && depth) {
			depth--;
			while (n_open && open[n_open - 1].depth > depth)
				n_open--;
			if (n_open && open[n_open - 1].depth == depth) {
				struct open o = open[--n_open];

				while (n_done && done[n_done - 1].start > o.start)
					n_done--;
				VEC_PUSH(done, n_done, cap_done) = (struct span){o.from, at, o.start, at + 1};
			}
		}
	}
	free(open);
	*out = done;
	return n_done;
}
