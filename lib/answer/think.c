/* SPDX-License-Identifier: MIT */
/*
 * Where the answer of a response begins that shows its reasoning first. The reasoning stands
 * between tags, one pair for each family of models; often the opening one belongs to the prompt, so
 * that only the closing one is seen.
 */
#include "answer/inside.h"

#include <string.h>
#include <strings.h>

/* Also listed in score-verify(1), REASONING. Letters match in either case. */
static const struct tags {
	const char *open, *close;
} tags[] = {
	{"<think>", "</think>"},
	{"<thinking>", "</thinking>"},
	{"<thought>", "</thought>"},
	{"<thoughts>", "</thoughts>"},
	{"<reasoning>", "</reasoning>"},
	{"<reflection>", "</reflection>"},
	{"<scratchpad>", "</scratchpad>"},
	{"<analysis>", "</analysis>"},
	{"<inner_monologue>", "</inner_monologue>"},
	{"<seed:think>", "</seed:think>"},
	{"[THINK]", "[/THINK]"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"},
	{"<|START_THINKING|>", "<|END_THINKING|>"},
	{"<|inner_prefix|>", "<|inner_suffix|>"},
	{"<unused94>", "<unused95>"},
	{"\xe2\x97\x81think\xe2\x96\xb7", "\xe2\x97\x81/think\xe2\x96\xb7"},
	{"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
};

static int starts(const char *s, size_t n, size_t at, const char *tag)
{
	size_t len = strlen(tag);

	return n - at >= len && !strncasecmp(s + at, tag, len);
}

/* Does the quotation mark at at open a string, as in split('</think>') and r"<think>"? */
static int opens_string(const char *s, size_t at)
{
	if (!strchr("'\"`", s[at]) || !s[at])
		return 0;
	if (at && strchr("rRfFbBuU", s[at - 1]) && s[at - 1])
		at--;
	return !at || (s[at - 1] && strchr(" \t\r\n([{,=:+", s[at - 1]));
}

/* A tag that a string on one line holds is spoken of, not used: where that string ends, else 0. */
static size_t quoted(const char *s, size_t n, size_t at)
{
	size_t p = at;

	if (!at || !opens_string(s, at - 1))
		return 0;
	while (p < n && s[p] != '\n' && s[p] != s[at - 1])
		p++;
	return p < n && s[p] == s[at - 1] ? p : 0;
}

size_t answer_after_thinking(const char *s, size_t n)
{
	const struct tags *open = NULL;
	size_t answer = 0;

	for (size_t at = 0; at < n; at++) {
		if (s[at] != '<' && s[at] != '[' && s[at] != '\xe2')
			continue;
		for (size_t i = 0; i < LEN(tags); i++) {
			int opens = !open && starts(s, n, at, tags[i].open), closes;
			size_t end;

			closes = !opens && (!open || open == &tags[i]) && starts(s, n, at, tags[i].close);
			if (!opens && !closes)
				continue;
			end = quoted(s, n, at);
			if (!end) {
				end = at + strlen(opens ? tags[i].open : tags[i].close) - 1;
				open = opens ? &tags[i] : NULL;
				answer = end + 1;
			}
			at = end;
			break;
		}
	}
	return open ? n : answer;
}
