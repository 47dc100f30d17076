/* SPDX-License-Identifier: MIT */
/*
 * Two answers, a line each: the verdict is the same when they are exchanged, nothing costs more
 * than the budget, nothing is unequal to itself written otherwise, and a rounding allowed makes
 * nothing less equal.
 */
#include "fuzz.h"

#include <time.h>

#include "answer/answer.h"
#include "latex/tree.h"

static size_t compared, equal, unequal, unknown;
static double slowest;

static struct math_result ask(const char *a, size_t n, const char *b, size_t m, int lenient)
{
	struct math_opts o = {.lenient = lenient};
	struct timespec from, to;
	struct math_result r;
	double ms;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	r = math_equal(a, n, b, m, &o);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	slowest = ms > slowest ? ms : slowest;
	fuzz_check(r.work <= MATH_MAX_WORK, "no more work than the budget");
	fuzz_check((r.verdict == MATH_UNKNOWN) == (r.method == MATH_BY_NOTHING),
	           "a method where something is known");
	return r;
}

/* A formula is not different from itself in brackets with nothing added. */
static void rewritten(const char *a, size_t n)
{
	struct math_tree *t = math_parse(a, n);
	struct buf b = {0};

	if (t->root &&
	    (t->root->kind == MT_NUMBER || (t->root->kind >= MT_ADD && t->root->kind <= MT_FUNC)) &&
	    !(t->root->flags & MT_F_GROUPED)) {
		struct math_tree *u;

		buf_adds(&b, "0+{\\left(");
		buf_add(&b, a, n);
		buf_adds(&b, "\\right)}");
		u = math_parse(b.data, b.len);
		/* the brackets may have closed something that was open */
		if (u->root && u->root->kind == MT_ADD && u->root->n == 2) {
			struct buf one = {0}, two = {0};

			math_tree_print(t->root, &one);
			math_tree_print(u->root->kid[1], &two);
			if (one.len == two.len && !memcmp(one.data, two.data, one.len))
				fuzz_check(ask(a, n, b.data, b.len, 0).verdict != MATH_UNEQUAL,
				           "a formula equals itself");
			buf_release(&one);
			buf_release(&two);
		}
		math_tree_free(u);
	}
	math_tree_free(t);
	buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *a = (const char *)data, *b = memchr(a, '\n', n);
	size_t na = b ? (size_t)(b - a) : n, nb = b ? n - na - 1 : 0;
	struct math_result r, s;

	b = b ? b + 1 : a + n;
	r = ask(a, na, b, nb, 0);
	s = ask(b, nb, a, na, 0);
	/* a reference alone may have a decimal comma */
	fuzz_check((r.verdict == s.verdict && r.method == s.method) ||
	           (r.verdict != s.verdict && r.verdict != MATH_UNEQUAL && s.verdict != MATH_UNEQUAL),
	           "the same when exchanged");
	fuzz_check(r.work == s.work, "as much work when exchanged");
	fuzz_check(r.verdict != MATH_EQUAL || ask(a, na, b, nb, 1).verdict == MATH_EQUAL,
	           "equal stays equal");
	fuzz_check(ask(a, na, a, na, 0).verdict == MATH_EQUAL, "a text equals itself");
	rewritten(a, na);
	compared++;
	equal += r.verdict == MATH_EQUAL;
	unequal += r.verdict == MATH_UNEQUAL;
	unknown += r.verdict == MATH_UNKNOWN;
	return 0;
}

#ifndef LIBFUZZER
int main(void)
{
	static const char *const tokens[] = {
		"\\frac{", "\\sqrt{", "\\sqrt[3]{", "}", "{", "^{", "^2", "_2", "\\pi", "e^{", "i", "x",
		"y", "n!", "\\ln", "\\log_2", "\\sin", "\\cos", "\\tan", "\\arctan", "\\arcsin", "\\binom{",
		"}{", "\\left(", "\\right)", "(", ")", "[", "]", ",", "\\{", "\\}", "\\cup", "\\cap",
		"\\infty", "\\pm", "=", "<", ">", "\\le", "\\in", "\\mathbb{R}", "\\text{", "\\%",
		"^\\circ", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "|", "\\lfloor", "\\rfloor",
		"\\overline{3}", "+", "-", "\\cdot", "/", "0", "1", "2", "10^{", "99999999", "0.5", "\n",
		":", "\\emptyset", "\\gcd(", "\\max(", "\\pmod{", "\\setminus", "\\text{ or }",
		"\\text{ cm}", "f(x)", "\\log", "\\overline{z}", "\\sum_{i=1}^{3}", "\\prod_{k=1}^n",
		"\\bmod", "]", "[", "^T", "\\mathbf{i}", "\\text{ mm}", "\\text{ apples}", "x^2<",
		"\\text{ tenths}", " and ", "\\equiv", "\\begin{vmatrix}", "\\end{vmatrix}", "^{-1}",
		"3 hours 20 minutes", "1,22",
	};

	fuzz_run("tests/fuzz/corpus/math_equal", 20000, 512, tokens, LEN(tokens));
	diag("%zu pairs: %zu equal, %zu unequal, %zu unknown; the slowest %.1f ms", compared, equal,
	     unequal, unknown, slowest);
	ok(equal > 200 && unequal > 500, "enough of them are answers");
	return done();
}
#endif
