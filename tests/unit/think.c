/* SPDX-License-Identifier: MIT */
/* Where the answer begins behind reasoning in tags: texts, and what is left of each. */
#include <string.h>

#include "answer/answer.h"
#include "tap.h"

/* want NULL: no answer */
static const struct { const char *text, *want; } cases[] = {
	{"5", "5"}, {"", ""}, {"a < b", "a < b"}, {"<b>5</b>", "<b>5</b>"},
	{"<thin>k</thin>", "<thin>k</thin>"}, {"<think>a</think>5", "5"},
	{"<think>\na\n</think>\n\n5", "\n\n5"}, {"a</think>5", "5"}, {"Well. <think>a</think>5", "5"},
	{"<THINK>a</Think>5", "5"}, {"<think></think>5", "5"}, {"<think>a", NULL},
	{"<think>a</think>", NULL}, {"<think>a</thin", NULL}, {"5 <think>sure?", NULL},
	{"5 <think>sure?</think>", NULL}, {"<think>a</think>5<think>b</think>6", "6"},
	{"<think>a</think>5<think>b", NULL}, {"a</think>b</think>c", "c"},
	/* opened twice, closed once; another pair's tags within */
	{"<think><think>a</think>5", "5"}, {"<think>a<think>b</think>c</think>5", "5"},
	{"<thinking>a<reflection>b</reflection>c</thinking>5", "5"},
	{"<thinking>a<reflection>b</reflection>5", NULL}, {"<think>a</thinking>5", NULL},
	{"<think>a</think>5</reasoning>6", "6"}, {"<thinking>a</thinking>5", "5"},
	{"<thought>a</thought>5", "5"}, {"<thoughts>a</thoughts>5", "5"},
	{"<reasoning>a</reasoning>5", "5"}, {"<reflection>a</reflection>5", "5"},
	{"<scratchpad>a</scratchpad>5", "5"}, {"<analysis>a</analysis>5", "5"},
	{"<inner_monologue>a</inner_monologue>5", "5"}, {"<seed:think>a</seed:think>5", "5"},
	{"[THINK]a[/THINK]5", "5"}, {"[think]a", NULL}, {"x[3]", "x[3]"},
	{"<|begin_of_thought|>a<|end_of_thought|>5", "5"},
	{"<|START_THINKING|>a<|END_THINKING|>5", "5"}, {"<|inner_prefix|>a<|inner_suffix|>5", "5"},
	{"<unused94>thought\na<unused95>5", "5"},
	{"\xe2\x97\x81think\xe2\x96\xb7" "a" "\xe2\x97\x81/think\xe2\x96\xb7" "5", "5"},
	{"\xe2\x97\x81think\xe2\x96\xb7" "a", NULL}, {"\xe2\x88\x92" "5", "\xe2\x88\x92" "5"},
	{"5\xe2", "5\xe2"},
	{"<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>5", "5"},
	{"<|channel|>analysis<|message|>a<|end|>", NULL}, {"<|channel|>final<|message|>5", "5"},
	/* tags that a program speaks of */
	{"s.split('</think>')[1]", "s.split('</think>')[1]"}, {"x = \"<think>\"", "x = \"<think>\""},
	{"re.sub(r'<think>.*?</think>', '', s)", "re.sub(r'<think>.*?</think>', '', s)"},
	{"the tag `<think>` opens it", "the tag `<think>` opens it"},
	{"<think>use `</think>` now</think>5", "5"}, {"<think>he said \"yes\"</think>\"5\"", "\"5\""},
	{"<think>the boys'</think>It isn't 5", "It isn't 5"}, {"'<think>\n'", NULL},
	{"'</think>", NULL}, {"<", "<"}, {"[", "["}, {"<think>", NULL}, {"</think>", NULL},
};

int main(void)
{
	struct buf many = {0};

	for (size_t i = 0; i < LEN(cases); i++) {
		const char *s = cases[i].text, *want = cases[i].want;
		size_t n = strlen(s), at = answer_after_thinking(s, n);

		ok(want ? at <= n && !strcmp(s + at, want) : at == n, "text %zu: what is left", i);
	}
	/* time that grows with the text, not with its square */
	for (int i = 0; i < 300000; i++)
		buf_adds(&many, i % 3 ? " '<think>" : " \"</think>");
	answer_after_thinking(many.data, many.len);
	ok(1, "many tags and quotation marks");
	buf_release(&many);
	return done();
}
