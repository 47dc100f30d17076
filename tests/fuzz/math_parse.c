/* SPDX-License-Identifier: MIT */
/* Answers of any bytes: every tree keeps what tree.h promises. */
#include "fuzz.h"
#include "latex/tree.h"

static size_t parsed, kinds[MT_N_KINDS];     /* how deep the inputs got */

static int is_digits(const struct math_node *node, uint32_t base)
{
	for (uint32_t i = 0; i < node->len; i++) {
		char c = node->text[i];
		uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
		                 : c >= 'A' && c <= 'Z' ? (uint32_t)(c - 'A') + 10
		                                        : 99;

		if (digit >= base)
			return 0;
	}
	return node->len > 0 && (node->len == 1 || node->text[0] != '0');
}

static int count_fits(const struct math_node *node)
{
	switch (node->kind) {
	case MT_NUMBER:
		return node->n == 0 ||
		       (node->n == 1 && (node->flags & MT_F_GROUPED) && node->kid[0]->kind == MT_LIST);
	case MT_BASE: case MT_CONST: case MT_VAR: case MT_TEXT: case MT_EMPTY: case MT_SETNAME:
		return node->n == 0;
	case MT_ADD: case MT_MUL: case MT_BUILDER: case MT_LIST: case MT_UNION: case MT_INTER:
	case MT_REL: case MT_RATIO:
		return node->n >= 2;
	case MT_NEG: case MT_UNIT:
		return node->n == 1;
	case MT_DIV: case MT_MIXED: case MT_POW: case MT_MOD: case MT_SETMINUS:
		return node->n == 2;
	case MT_SERIES:
		return node->n == 4 && node->kid[0]->kind == MT_VAR;
	case MT_ROOT: case MT_PM:
		return node->n == 1 || node->n == 2;
	case MT_FUNC: case MT_APPLY: case MT_TUPLE: case MT_SET: case MT_MATRIX:
		return node->n >= 1;
	}
	return 0;
}

static size_t check(const struct math_node *node, int height)
{
	size_t count = 1;

	fuzz_check(height <= MT_MAX_HEIGHT, "the tree is too high");
	fuzz_check(node->kind < MT_N_KINDS && count_fits(node), "a node with a wrong number of kids");
	fuzz_check(node->text && strlen(node->text) == node->len,
	           "text that does not end where it says");
	switch (node->kind) {
	case MT_NUMBER:
		fuzz_check(is_digits(node, 10) && node->repeat <= node->decimals, "a number that is none");
		break;
	case MT_BASE:
		fuzz_check(node->num >= 2 && node->num <= 36 && is_digits(node, node->num),
		           "a numeral that is none");
		break;
	case MT_CONST:
		fuzz_check(node->op <= MC_INF, "an unknown constant");
		break;
	case MT_VAR: case MT_TEXT: case MT_SETNAME: case MT_APPLY: case MT_UNIT:
		fuzz_check(node->len > 0, "no name");
		break;
	case MT_MIXED:
		fuzz_check(node->kid[0]->kind == MT_NUMBER && node->kid[1]->kind == MT_DIV &&
		               node->kid[1]->kid[0]->kind == MT_NUMBER &&
		               node->kid[1]->kid[1]->kind == MT_NUMBER,
		           "a mixed number that is none");
		break;
	case MT_FUNC:
		fuzz_check(node->op < MF_N &&
		               (node->n == 1 || node->op == MF_LOG || node->op == MF_BINOM ||
		                node->op == MF_REM || (node->op >= MF_GCD && node->op <= MF_MAX)),
		           "a function with wrong arguments");
		break;
	case MT_TUPLE:
		fuzz_check(strchr("([<", node->open) && strchr(")]>", node->close),
		           "a tuple without brackets");
		break;
	case MT_MATRIX:
		fuzz_check(node->rows >= 1 && node->cols >= 1 && (size_t)node->rows * node->cols == node->n,
		           "a matrix of another size");
		break;
	case MT_REL:
		fuzz_check(node->len == node->n - 1 && strspn(node->text, "=<>lg!~enctmpos") == node->len,
		           "a chain with wrong relations");
		break;
	}
	kinds[node->kind]++;
	for (uint32_t i = 0; i < node->n; i++)
		count += check(node->kid[i], height + 1);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct math_tree *t = math_parse((const char *)data, n);
	struct buf b = {0};

	fuzz_check(strlen(t->plain) == t->n_plain, "plain text that does not end where it says");
	if (t->root) {
		parsed++;
		fuzz_check(n <= MT_MAX_INPUT && check(t->root, 0) <= t->n_nodes,
		           "more nodes than were counted");
		math_tree_print(t->root, &b);
	}
	buf_release(&b);
	math_tree_free(t);
	return 0;
}

#ifndef LIBFUZZER
int main(void)
{
	static const char *const tokens[] = {
		"\\frac", "\\frac{1}{2}", "{", "}", "\\sqrt", "\\sqrt[3]{", "^", "_", "^{", "_{", "\\pi",
		"\\infty", "(", ")", "[", "]", "\\{", "\\}", "\\left", "\\right", "|", "\\cup", "\\in",
		"\\text{", "\\text{ and }", " cm", "^\\circ", "\\%", "\\$", "$", ",", ":", ";", ".", "\\pm",
		"!", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "\\log_", "\\sin", "^{-1}",
		"\\overline{", "1", "23", "0.5", "1,234", "x", "e", "i", "=", "<", "\\le", "-", "+", "/",
		"*", "**", "f(", "'", "\\mathbb{R}", "\\emptyset", "\\setminus", "_2", "\xc2\xbd",
		"\xe2\x88\x9a", "\xc2\xb2", "\\binom", "\\choose", "\\lfloor", "\\rfloor", "\\mid", " or ",
		" p.m.", "\\pmod{", "\\quad", "\\,", "\\!", "~", "e5", "e-05", "\\phantom", "\\mathrm{",
		"\\mathbf{", "\\not", "\\triangle ABC", "C(5,2)", "A5_{11}", "\\sum_{i=1}^{3}",
		"\\prod_{k=1}^n", "\\bmod", "]1,2[", "_{(8)}", "0.(3)", " tenths", " twenty-five ",
		"negative 3", "\\left\\{\\begin{array}{l}", "\\end{array}\\right.", "^\\top",
		"5^\\circ 30'", "\\over", "\\begin{Vmatrix}", "\\end{Vmatrix}", "\\det", "\\begin{cases}",
		"\\begin{align}", "\\end{align}",
	};
	size_t seen = 0;

	fuzz_run("tests/fuzz/corpus/math_parse", 60000, 600, tokens, LEN(tokens));
	for (int i = 0; i < MT_N_KINDS; i++)
		seen += kinds[i] > 0;
	ok(parsed > 1000 && seen == MT_N_KINDS, "%zu inputs are read, %zu kinds of nodes", parsed,
	   seen);
	return done();
}
#endif
