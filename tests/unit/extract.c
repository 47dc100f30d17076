/* SPDX-License-Identifier: MIT */
/* Final answers in responses, chains, references, and the old grader: tables of text and what
 * lib/answer makes of it. */
#include <string.h>

#include "answer/answer.h"
#include "tap.h"

static const struct { const char *text; enum math_found found; const char *want; } answers[] = {
	/* boxed */
	{"so \\boxed{42}.", MATH_BOXED, "42"}, {"\\fbox{7}", MATH_BOXED, "7"},
	{"\\boxed 5 end", MATH_BOXED, "5"}, {"$\\boxed 5$ end", MATH_BOXED, "5"},
	{"\\boxed5", MATH_BOXED, "5"}, {"\\boxed{1} then \\boxed{2", MATH_BOXED, "1"},
	{"\\boxed{\\{1, 2\\}}", MATH_BOXED, "\\{1, 2\\}"},
	{"\\boxed{\\frac{1}{2}} or so", MATH_BOXED, "\\frac{1}{2}"},
	{"\\boxed{1}, later \\boxed{2}", MATH_BOXED, "2"}, {"{ \\boxed{3}", MATH_BOXED, "3"},
	{"\\boxed{ a \\boxed{3}", MATH_BOXED, "3"}, {"\\boxed{\\boxed{3}}", MATH_BOXED, "{3}"},
	{"\\boxed{x = \\boxed{3}}", MATH_BOXED, "x = {3}"}, {"\\boxed{(1, 2).}", MATH_BOXED, "(1, 2)"},
	{"\\boxed{\\text{Evelyn}}", MATH_BOXED, "\\text{Evelyn}"}, {"\\\\boxed{8}", MATH_BOXED, "8"},
	{"\\boxedly{8}", MATH_WHOLE, "\\boxedly{8}"}, {"\\boxed {9}", MATH_BOXED, "9"},
	{"is $\\boxed{\\$5}$.", MATH_BOXED, "\\$5"}, {"\\boxed{}", MATH_BOXED, ""},
	{"} \\boxed{4}", MATH_BOXED, "4"},
	/* several at once are a list */
	{"\\boxed{1} and \\boxed{2}", MATH_BOXED, "1, 2"},
	{"\\boxed{1} or \\boxed{\\frac{1}{2}}", MATH_BOXED, "1, \\frac{1}{2}"},
	{"$\\boxed{1}$, $\\boxed{2}$, and $\\boxed{3}$.", MATH_BOXED, "1, 2, 3"},
	{"\\boxed{1}\\boxed{2}", MATH_BOXED, "1, 2"},
	{"$x = \\boxed{1}$ and $y = \\boxed{2}$", MATH_BOXED, "1, 2"},
	{"\\boxed{5} \\boxed{5}", MATH_BOXED, "5"},
	{"\\boxed{1\\frac12}, or $\\boxed{\\frac32}$", MATH_BOXED, "\\frac32"},
	{"\\boxed{1}.\n\n\\boxed{2}", MATH_BOXED, "2"},
	{"\\boxed{1} and then \\boxed{2}", MATH_BOXED, "2"},
	{"\\boxed{1}\n\n\\boxed{2}", MATH_BOXED, "2"}, {"\\boxed{1} order \\boxed{2}", MATH_BOXED, "2"},
	/* what is called final after a step that is boxed */
	{"First \\boxed{200}. Final Answer: The final answer is $455$. I hope it is correct.",
	 MATH_PHRASE, "455"},
	{"First \\boxed{200}. The answer is $455$.", MATH_BOXED, "200"},
	{"\\boxed{3} The final answer is as boxed above.", MATH_BOXED, "3"},
	{"The final answer is $4$: \\boxed{3}", MATH_BOXED, "3"},
	/* phrases */
	{"The answer is 5. I think", MATH_PHRASE, "5"},
	{"Final Answer: $x+1$ done", MATH_PHRASE, "x+1"}, {"The answer is 3.5\n", MATH_PHRASE, "3.5"},
	{"**Answer:** 9", MATH_PHRASE, "9"}, {"The answer is **9**.", MATH_PHRASE, "9"},
	{"The answer is: **\\(x^2\\)**.", MATH_PHRASE, "x^2"},
	{"the answer is (B)", MATH_PHRASE, "(B)"}, {"**Final Answer**\n\n12 cm", MATH_PHRASE, "12 cm"},
	{"The answer is 5 because 3+2=5.", MATH_PHRASE, "5"},
	{"Final Answer: Jane began 3 hours ago. I hope it is correct.", MATH_PHRASE, "3"},
	{"The answer is $1$ and $2$.", MATH_PHRASE, "1, 2"},
	{"The answer is \"$12 $ and $13 $\".", MATH_PHRASE, "12, 13"},
	{"The answer is \\\"$7$\\\".", MATH_PHRASE, "7"},
	{"The answer is 7. This answer is correct.", MATH_PHRASE, "7"},
	{"The answer is the value of $x$ at two, $4$.", MATH_PHRASE, "4"},
	{"the answer is ", MATH_NONE, ""}, {"work 1 2 3\n#### 72", MATH_PHRASE, "72"},
	{"#### $72\n", MATH_PHRASE, "$72"}, {"#### Step 1\nso 5", MATH_LAST_NUMBER, "5"},
	/* nothing but an answer */
	{"12", MATH_WHOLE, "12"}, {" =803\n", MATH_WHOLE, "803"}, {"10 units", MATH_WHOLE, "10 units"},
	{"x^2 + 1", MATH_WHOLE, "x^2 + 1"}, {"$ 1/3 $", MATH_WHOLE, "1/3"},
	{"\\[x = -\\frac{2}{7}\\]", MATH_WHOLE, "x = -\\frac{2}{7}"}, {"$$\n9\n$$", MATH_WHOLE, "9"},
	{"**5**", MATH_WHOLE, "5"}, {"Evelyn.", MATH_WHOLE, "Evelyn"}, {"$5", MATH_WHOLE, "$5"},
	{"nothing", MATH_WHOLE, "nothing"},
	/* the last formula, or the last number */
	{"Thus $x \\geq 5$ is the solution.", MATH_FORMULA, "x \\geq 5"},
	{"Both $1$ and $2$ are roots.", MATH_FORMULA, "1, 2"},
	{"For $x$ it makes 12", MATH_LAST_NUMBER, "12"}, {"it makes 12 or 13", MATH_NONE, ""},
	{"It costs $5 and then $10 more", MATH_LAST_NUMBER, "10"},
	{"It is \\(\\frac{1}{2}\\) of it", MATH_FORMULA, "\\frac{1}{2}"},
	/* what leaves off in a formula has said nothing yet; what is taken up again was the
	 * question's */
	{"It is $12$. The largest \\(n\\) with \\(n^2 \\leq", MATH_NONE, ""},
	{"\\[3b +", MATH_NONE, ""}, {"It is 12. Then \\[3b +", MATH_NONE, ""},
	{"The answer is 4.\n\n\\[3b +", MATH_PHRASE, "4"},
	{"We want \\((1+i)^8\\).\n\nTo simplify, we use", MATH_NONE, ""},
	{"\\[8 + 8 = 16\\]\n\nThat is it.", MATH_FORMULA, "8 + 8 = 16"},
	{"\\[x - 8 = 16\\]\n\nThat is it.", MATH_NONE, ""},
	{"It is \\(16\\).\n\nI hope that this helps.", MATH_FORMULA, "16"},
	{"So \\(x^2\\) it is.\n", MATH_FORMULA, "x^2"},
	/* boxes of other names, labels in them, and what a formula goes on with behind one */
	{"\\framebox{12}", MATH_BOXED, "12"}, {"\\boxed{\\text{Answer: } 12}", MATH_BOXED, "12"},
	{"\\boxed{Answer: 12}", MATH_BOXED, "12"},
	{"\\boxed{\\text{Not: } 12}", MATH_BOXED, "\\text{Not: } 12"},
	{"\\boxed{\\text{at least: } 12}", MATH_BOXED, "\\text{at least: } 12"},
	{"$\\boxed{5}, 7$", MATH_BOXED, "5, 7"}, {"$\\boxed{5}\\text{ and }7$ are", MATH_BOXED, "5, 7"},
	{"\\(\\boxed{5}, 7, 8\\)", MATH_BOXED, "5, 7, 8"}, {"$\\boxed{5}, n = 2$", MATH_BOXED, "5"},
	{"$\\boxed{5}, \\text{where } n = 2$", MATH_BOXED, "5"},
	{"\\boxed{5}, which is 7 less", MATH_BOXED, "5"},
	/* a last line behind a boxed step */
	{"So $\\boxed{x \\ll y}$.\n\n**Answer: D**", MATH_PHRASE, "D"},
	{"\\boxed{5}\nAnswer: (B)", MATH_PHRASE, "(B)"}, {"\\boxed{5}, the answer: D", MATH_BOXED, "5"},
	{"\\boxed{5}\nAnswer: as above", MATH_BOXED, "5"},
	/* tags, and marks of the end */
	{"<think>\\boxed{1}</think>\\boxed{2}", MATH_BOXED, "2"}, {"<think>\\boxed{1}", MATH_NONE, ""},
	{"<think>5</think>", MATH_NONE, ""}, {"<answer>D</answer>", MATH_WHOLE, "D"},
	{"<answer>\n 42 \n</answer>\n", MATH_WHOLE, "42"},
	{"1 <answer>The answer is 2.</answer> 3", MATH_PHRASE, "2"},
	{"<answer>1</answer> No, \\boxed{2}", MATH_BOXED, "2"}, {"<answer>42", MATH_WHOLE, "42"},
	{"<final_answer>7</final_answer>", MATH_WHOLE, "7"}, {"42</s>", MATH_WHOLE, "42"},
	{"42<|im_end|>\n<|endoftext|>", MATH_WHOLE, "42"}, {"a<|b", MATH_WHOLE, "a<|b"},
	/* choices */
	{"Option D", MATH_WHOLE, "D"}, {"The correct choice is **D**", MATH_PHRASE, "D"},
	{"The correct answer is option (D).", MATH_PHRASE, "(D)"},
	{"C. 90,000", MATH_WHOLE, "C. 90,000"},
	/* what is denied, a bound, or one of several */
	{"13, not 14", MATH_WHOLE, "13"}, {"The answer is 13, not 14.", MATH_PHRASE, "13"},
	{"definitely not 42", MATH_WHOLE, "definitely"},
	{"The answer is not 42.", MATH_PHRASE, "not 42"}, {"more than 100", MATH_NONE, ""},
	{"The answer is more than 100.", MATH_PHRASE, "more than 100"},
	{"The answer is at most $6$.", MATH_PHRASE, "at most $6$"},
	{"It is more than $6$.", MATH_NONE, ""}, {"It is $6$ at least.", MATH_NONE, ""},
	{"either 5 or 6", MATH_WHOLE, "5 or 6"},
	{"The answer is a = 1 or a = -2.", MATH_PHRASE, "a = 1 or a = -2"},
	{"It is at most 6", MATH_NONE, ""}, {"The answer is 3.333...", MATH_PHRASE, "3.333..."},
	{"\\boxed{5...}", MATH_BOXED, "5..."},
	/* a formula that the sentence makes another value of */
	{"The answer is $5$ million.", MATH_PHRASE, "$5$ million"},
	{"The answer is $5$ out of $6$.", MATH_PHRASE, "$5$ out of $6$"},
	{"The answer is $5$ times.", MATH_PHRASE, "5"},
	{"The answer is $5$ pints.", MATH_PHRASE, "5"},
	{"The answer is $5$ and a half.", MATH_PHRASE, "$5$ and a half"},
	{"The answer is $5$ or 6.", MATH_PHRASE, "$5$ or 6"},
	{"It is the square root of $5$.", MATH_NONE, ""},
	{"It is $5$ to the nearest integer.", MATH_FORMULA, "5"},
	/* a box that is denied */
	{"not \\boxed{5}", MATH_NONE, ""},
	{"It is $\\boxed{6}$, not $\\boxed{5}$.", MATH_BOXED, "6"},
	{"\\boxed{6}. But \\boxed{5} is wrong.", MATH_BOXED, "6"},
	{"$x \\neq \\boxed{5}$", MATH_NONE, ""},
	{"It isn't $\\boxed{5}$. The answer is 6.", MATH_PHRASE, "6"},
	{"The number that are not squares is $\\boxed{5}$.", MATH_BOXED, "5"},
	{"\\boxed{5} is not an integer", MATH_BOXED, "5"},
	{"\\boxed{\\text{The answer is }5}", MATH_BOXED, "5"},
	{"\\boxed{\\text{The answer is not }5}", MATH_BOXED, "\\text{The answer is not }5"},
	/* other languages */
	{"\xe7\xad\x94\xe6\xa1\x88\xe6\x98\xaf" "5", MATH_PHRASE, "5"},
	{"La respuesta es 5.", MATH_PHRASE, "5"}, {"Die Antwort lautet 5.", MATH_PHRASE, "5"},
	{"no idea at all", MATH_NONE, ""}, {"", MATH_NONE, ""}, {" \n", MATH_NONE, ""},
};

static const struct { const char *text, *want; } chains[] = {
	{"x = 5+5+1 = 7 = 11", "x = 11"}, {"5", "5"}, {"x = 11", "x = 11"}, {"2+2=4", "4"},
	{"A = \\frac{1}{2}bh = \\frac{1}{2}", "A = \\frac{1}{2}"}, {"x=1/3\\approx1.3", "x=1/3"},
	{"\\frac13 \\approx 0.33", "\\frac13 "}, {"\\approx 0.33", " 0.33"},
	{"y = 2x + 3", "y = 2x + 3"}, {"x - 1 = y = z", "x - 1 = y = z"},
	{"x = 1, y = 2", "x = 1, y = 2"}, {"a+b = 2+3 = 5", " 5"}, {"x = 1,234", "x = 1,234"},
	{"2x+4y-3=0", "2x+4y-3=0"}, {"x < 5 = 5", "x < 5 = 5"}, {"f(2) = 4-1 = 3", "f(2) = 3"},
	{"3! = 6", " 6"}, {"3! = 6", " 6"}, {"x \\neq 3 = 3", "x \\neq 3 = 3"}, {"=", "="}, {"", ""},
	{"\\", "\\"}, {"5 = ", "5 = "}, {"V = 12\\text{ cm} = 12", "V = 12"},
	/* a chain ends at a word */
	{"x=3 \\text{ or } x=-1", "x=3 \\text{ or } x=-1"}, {"x=3 or x=-1", "x=3 or x=-1"},
	{"x=3 \\lor x=-1", "x=3 \\lor x=-1"}, {"x=3 \\vee x=-1", "x=3 \\vee x=-1"},
	{"x=3 \\wedge x=-1", "x=3 \\wedge x=-1"},
	{"x=3 \\mbox{ when } x=-1", "x=3 \\mbox{ when } x=-1"}, {"x=3 if y=2", "x=3 if y=2"},
	{"x=3\\text{, where }y=2", "x=3\\text{, where }y=2"},
	{"x=3\\text{ blah }y=2", "x=3\\text{ blah }y=2"}, {"x=3 blah y=2", "x=3 blah y=2"},
	{"x=3 \xe2\x88\xa8 x=2", "x=3 \xe2\x88\xa8 x=2"},
	/* what words of consequence lead to */
	{"n=3 \\text{ gives } 10", "10"}, {"x + 2 = 5 \\Rightarrow x = 3", "x = 3"},
	{"2 + 2 = 4, so 4", "2 + 2 = 4, so 4"}, {"n=3 \\implies 2n = 6", "n=3 \\implies 2n = 6"},
	{"f(2)=3 \\text{ so } f(3)=4", "f(2)=3 \\text{ so } f(3)=4"},
	{"x=2 \\Rightarrow y=5", "x=2 \\Rightarrow y=5"}, {"n=3 gives 10 or 12", "n=3 gives 10 or 12"},
	{"\\text{Thus } x = 3", "x = 3"}, {"Hence, 11", "11"}, {"so", ""},
	{"x = 3 \\Rightarrow", "x = 3 \\Rightarrow"}, {"\\text{Area of } ABC = 3\\cdot5 = 15", " 15"},
	{"2\\text{ cm} + 3\\text{ cm} = 5\\text{ cm}", " 5\\text{ cm}"},
	/* a name, then nearly its value */
	{"x \\approx 0.667", "x = 0.667"}, {"x_1\\approx0.67", "x_1=0.67"},
	{"2x+1 \\approx 3", "2x+1 "},
	{"\\text{Area of } ABC \\approx 12.5", " 12.5"}, {"x \\approx y", "x "},
	{"90r - 44r = 46r", " 46r"}, {"90r - 44r = 45r", "90r - 44r = 45r"}, {"y = y", "y = y"},
};

static const struct { const char *text, *want; } references[] = {
	{"$5$", "5"},
	{"\\(\\boxed{\\text{C}}\\).", "\\text{C}"},
	{"$\\boxed{1}\\boxed{2}$", "1, 2"},
	{"x+1", "x+1"},
	{"\\$5", "\\$5"},
	{"$$x$$", "x"},
	{"\\[ 9 \\]", " 9 "},
	{"so it is\n#### 72", "72"},
	{"$1$ and $2$", "$1$ and $2$"},
	{" 5 ", "5"},
	{"", ""},
	{"$", "$"},
	{"Since ... Final Answer: The final answer is $28 \\%$. I hope it is correct. Note: no",
	 "28 \\%"},
	{"$5", "$5"},
	{"$$", "$$"},
};

/* behaviour of the old grader: its own examples, and its quirks */
static const struct { const char *a, *b; int same; } old[] = {
	{"\\tfrac{1}{2} +\\! \\frac1{72}", "\\\\dfrac{1}{2} +\\frac{1}{72}", 1},
	{"10\\text{ units}", "10 ", 1}, {"\\$10", "10", 1},
	{"\\left(x-2\\right)\\left(x+2\\right)", "(x-2)(x+2)", 1}, {"0.1", ".1", 1}, {"10\\%", "10", 1},
	{"\\sqrt3 + \\sqrt{4}", "\\sqrt{3}+\\sqrt4", 1}, {"\\frac34i", "\\frac{3}{4}i", 1},
	{"1/2", "\\frac{1}{2}", 1}, {"0.5", "\\frac12", 1}, {"x = 5", "5", 1}, {"k=5", "5", 1},
	{"90^\\circ", "90", 1}, {"90^{\\circ}", "90", 1}, {"-3/4", "\\frac{-3}{4}", 1},
	{"a\nb", "ab", 1}, {"1 000", "1000", 1}, {"\\frac12", "\\frac{1}{2}", 1},
	{"10, 4, -2", "4, 10, -2", 0}, {"0.25", "\\frac{1}{4}", 0}, {"10\\text{cm}", "10", 0},
	{"abc = 5", "5", 0}, {"a=b=5", "5", 0}, {"1,000", "1000", 0}, {"02/3", "\\frac{2}{3}", 0},
	{"-0/3", "\\frac{0}{3}", 0}, {"(0,1)", "[0,1]", 0}, {"2/4", "1/2", 0}, {"x^{2}", "x^2", 0},
	/* it fails on these, and falls back to the texts as they are */
	{"\\sqrt", "\\sqrt", 1}, {"\\sqrt", "\\sqrt ", 0}, {"\\sqrt\\sqrt3", "\\sqrt\\sqrt 3", 0},
	{"\\frac", "\\frac ", 0}, {"1\\text{ a}\\text{ b}", "1", 0}, {"\\frac1", "\\frac1", 1},
	{"\\frac1 ", "\\frac1", 1}, {"", "", 1}, {"", "\n", 1},
	{"\\sqrt\xc3\xa9", "\\sqrt{\xc3\xa9}", 1}, {"\xc3\xa9\xc3\xa9=5", "5", 1},
	{"\xc3\xa9\xc3\xa9\xc3\xa9=5", "5", 0},
};

static int equals(const struct buf *b, const char *want)
{
	return b->len == strlen(want) && (!b->len || !memcmp(b->data, want, b->len));
}

/* Megabytes of what makes a search begin again and again: this ends only if each of them is
 * linear. */
static void linear(void)
{
	static const char *const pieces[] = {
		"\\boxed{", "\\boxed{}", "\\boxed{1},", "\\boxed ", "{", "}", "$", "$$", "$ ", "\\(", "\\[",
		"answer is ", "answer is $", "final answer is 1 ", "####", "\n####", "\n#### $", "1", "1,",
		"1,234", "/", "1/", "\\frac{", "\\frac{1", "-", "e5", "1e400", "$5", "a", " ", "\\text{",
		"\\", "answer:\n", "**", "=", "x = ", "\\approx", "\n", "answer is * ", "\\boxed{1} and ",
		"Final Answer\n", "\\text", "\\text{a}", "1 or ", "\\Rightarrow", "between 1 and 2 ",
		"<think>", "'<think>'", "<answer>", "<answer>1</answer>", "(E) ", "more than $1$ ", "9>",
		"\\sqrt[", "x^{", "10^300 ", "Answer: D\n", "\\boxed{1}, 2 and ", "<|",
	};
	struct buf text = {0}, out = {0};

	for (size_t i = 0; i < LEN(pieces); i++) {
		buf_clear(&text);
		while (text.len < 1 << 20)
			buf_adds(&text, pieces[i]);
		math_extract(text.data, text.len, &out);
		math_settle(text.data, text.len, &out);
		math_reference(text.data, text.len, &out);
		math_hendrycks(text.data, text.len, out.data ? out.data : "", out.len);
	}
	ok(1, "%zu times a MiB", LEN(pieces));
	buf_release(&text);
	buf_release(&out);
}

int main(void)
{
	struct buf out = {0};

	for (size_t i = 0; i < LEN(answers); i++) {
		enum math_found found = math_extract(answers[i].text, strlen(answers[i].text), &out);

		if (!ok(found == answers[i].found && equals(&out, answers[i].want), "answer case %zu", i))
			diag("%s: got %s '%.*s'", answers[i].text, math_found_name(found), (int)out.len,
			     out.data ? out.data : "");
	}
	for (size_t i = 0; i < LEN(chains); i++) {
		math_settle(chains[i].text, strlen(chains[i].text), &out);
		if (!ok(equals(&out, chains[i].want), "%s comes to '%s'", chains[i].text, chains[i].want))
			diag("got '%.*s'", (int)out.len, out.data ? out.data : "");
	}
	for (size_t i = 0; i < LEN(references); i++) {
		math_reference(references[i].text, strlen(references[i].text), &out);
		if (!ok(equals(&out, references[i].want), "reference case %zu", i))
			diag("%s: got '%.*s'", references[i].text, (int)out.len, out.data ? out.data : "");
	}
	for (size_t i = 0; i < LEN(old); i++) {
		int forth = math_hendrycks(old[i].a, strlen(old[i].a), old[i].b, strlen(old[i].b));
		int back = math_hendrycks(old[i].b, strlen(old[i].b), old[i].a, strlen(old[i].a));

		ok(forth == old[i].same && back == old[i].same, "old grader, case %zu: %s", i,
		   old[i].same ? "equal" : "not equal");
	}
	linear();
	buf_release(&out);
	return done();
}
