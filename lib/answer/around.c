/* SPDX-License-Identifier: MIT */
/* What stands about an answer and is no part of it: marks of the text's end, <answer>, names such
 * as "Answer:". */
#include "answer/inside.h"

#include <string.h>
#include <strings.h>

#include "base/base.h"

enum { MAX_MARK = 32, MAX_LABEL = 60 };

static int space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '~';
}

static int starts(const char *s, size_t n, size_t at, const char *word)
{
	size_t len = strlen(word);

	return at <= n && n - at >= len && !strncasecmp(s + at, word, len);
}

size_t without_end_marks(const char *s, size_t n)
{
	static const char *const marks[] = {"</s>", "<eos>", "<end_of_turn>", "[EOS]"};
	size_t before;

	do {
		while (n && space(s[n - 1]))
			n--;
		before = n;
		for (size_t i = 0; i < LEN(marks); i++)
			if (n >= strlen(marks[i]) && starts(s, n, n - strlen(marks[i]), marks[i]))
				n -= strlen(marks[i]);
		if (n > 4 && s[n - 1] == '>' && s[n - 2] == '|') {
			size_t at = n - 2;

			while (at && n - at < MAX_MARK && s[at] != '<' && s[at] != '\n')
				at--;
			n = s[at] == '<' && s[at + 1] == '|' ? at : n;
		}
	} while (n < before);
	return n;
}

static int blank(const char *s, size_t from, size_t to)
{
	while (from < to && space(s[from]))
		from++;
	return from == to;
}

int answer_element(const char *s, size_t n, struct span *x)
{
	static const char *const names[] = {"answer>", "final_answer>", "final>"};
	size_t open = 0, start = 0;
	int found = 0;

	for (size_t at = 0; at < n; at++) {
		size_t close = at + 1 < n && s[at + 1] == '/', len = 0;

		if (s[at] == '\\' && found && box_name(s, n, at))
			found = 0;
		if (s[at] != '<')
			continue;
		for (size_t i = 0; i < LEN(names); i++)
			if (starts(s, n, at + 1 + close, names[i]))
				len = 1 + close + strlen(names[i]);
		if (len && !close) {
			open = at + len;
			start = at;
		} else if (len && open && !blank(s, open, at)) {
			*x = (struct span){open, at, start, at + len};
			open = 0;
			found = 1;
		}
	}
	/* begun and not ended */
	if (open && !blank(s, open, n)) {
		*x = (struct span){open, n, start, n};
		found = 1;
	}
	return found;
}

/* \text{Answer: } at from: where it ends, 0 if it is something else. */
static size_t text_label(const char *s, size_t from, size_t to)
{
	static const char *const names[] = {"\\text{",   "\\textbf{", "\\textrm{", "\\textit{",
	                                    "\\mathrm{", "\\mathbf{", "\\mbox{"};
	size_t end, p;

	for (size_t i = 0; i < LEN(names); i++) {
		if (!starts(s, to, from, names[i]))
			continue;
		for (end = from + strlen(names[i]);
		     end < to && s[end] != '}' && s[end] != '{' && end - from < MAX_LABEL; end++)
			if (s[end] >= '0' && s[end] <= '9')
				return 0;
		if (end == to || s[end] != '}')
			return 0;
		for (p = end; p > from && space(s[p - 1]); p--)
			;
		if (p - from > 9 && !strncasecmp(s + p - 9, "answer is", 9))
			return end + 1;
		return s[p - 1] == ':' && math_hedge(s, p - 1, p - 1, p - 1) == HEDGE_NONE ? end + 1 : 0;
	}
	return 0;
}

/* D, (D) and what ends it */
static int choice_follows(const char *s, size_t at, size_t to)
{
	at += at < to && s[at] == '(';
	return at < to && s[at] >= 'A' && s[at] <= 'Z' && (at + 1 == to || !text_letter(s[at + 1]));
}

size_t behind_label(const char *s, size_t from, size_t to)
{
	static const char *const labels[] = {
		"final answer:", "the final answer is", "the answer is", "final answer is", "answer:",
		"answer =", "ans:", "either ", "both ",
	};
	static const char *const choices[] = {"option ", "choice ", "letter ", "answer "};
	size_t at = text_label(s, from, to);

	for (size_t i = 0; i < LEN(labels) && !at; i++)
		if (starts(s, to, from, labels[i]))
			at = from + strlen(labels[i]);
	for (size_t i = 0; i < LEN(choices) && !at; i++)
		if (starts(s, to, from, choices[i]) && choice_follows(s, from + strlen(choices[i]), to))
			at = from + strlen(choices[i]);
	while (at && at < to && space(s[at]))
		at++;
	return at && at < to ? at : from;
}
