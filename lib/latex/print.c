/* SPDX-License-Identifier: MIT */
/* Prints trees as s-expressions. */
#include "base/base.h"
#include "latex/tree.h"

static const char *const kinds[MT_N_KINDS] = {
	[MT_ADD] = "+", [MT_NEG] = "-", [MT_MUL] = "*", [MT_DIV] = "/", [MT_MIXED] = "mixed",
	[MT_POW] = "^", [MT_ROOT] = "root", [MT_APPLY] = "apply", [MT_MOD] = "mod",
	[MT_TUPLE] = "tuple", [MT_SET] = "set", [MT_BUILDER] = "such", [MT_LIST] = "list",
	[MT_UNION] = "union", [MT_INTER] = "inter", [MT_SETMINUS] = "minus", [MT_REL] = "rel",
	[MT_UNIT] = "unit", [MT_RATIO] = "ratio", [MT_SERIES] = "series",
};

static const char *const functions[MF_N] = {
	"sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "asec", "acsc", "acot",
	"sinh", "cosh", "tanh", "sech", "csch", "coth", "asinh", "acosh", "atanh", "ln", "log", "exp",
	"abs", "floor", "ceil", "fact", "fact2", "binom", "gcd", "lcm", "min", "max", "re", "im",
	"conj", "arg", "sgn", "rem", "transpose",
};

static void number(const struct math_node *node, struct buf *out)
{
	size_t zeros = node->decimals >= node->len ? node->decimals + 1 - node->len : 0;
	size_t n = zeros + node->len;

	for (size_t i = 0; i < n; i++) {
		if (i == n - node->decimals)
			buf_addc(out, '.');
		if (node->repeat && i == n - node->repeat)
			buf_addc(out, '(');
		buf_addc(out, i < zeros ? '0' : node->text[i - zeros]);
	}
	if (node->repeat)
		buf_addc(out, ')');
}

static void leaf(const struct math_node *node, struct buf *out)
{
	static const char *const constants[] = {"pi", "e", "i", "inf"};

	switch (node->kind) {
	case MT_NUMBER:
		number(node, out);
		break;
	case MT_BASE:
		number(node, out);
		buf_addf(out, "_%u", node->num);
		break;
	case MT_CONST:
		buf_addf(out, ":%s", constants[node->op]);
		break;
	case MT_VAR:
		buf_addf(out, node->flags & MT_F_WORD ? "'%s" : "%s", node->text);
		break;
	case MT_TEXT:
		buf_addf(out, "\"%s\"", node->text);
		break;
	case MT_EMPTY:
		buf_adds(out, "{}");
		break;
	case MT_SETNAME:
		buf_addf(out, ":%s", node->text);
		break;
	}
}

void math_tree_print(const struct math_node *node, struct buf *out)
{
	if (!node) {
		buf_adds(out, "unparsed");
		return;
	}
	if (node->kind <= MT_SETNAME && !node->n) {
		leaf(node, out);
		return;
	}
	buf_addc(out, '(');
	switch (node->kind) {
	case MT_NUMBER:
		buf_adds(out, "grouped ");
		number(node, out);
		break;
	case MT_FUNC:
		buf_adds(out, functions[node->op]);
		break;
	case MT_PM:
		buf_adds(out, node->op == '+' ? "pm" : "mp");
		break;
	case MT_LIST:
		buf_adds(out, node->op == 'o' ? "or" : "list");
		break;
	case MT_MATRIX:
		buf_addf(out, "%s %ux%u", node->op == 'v' ? "det" : "matrix", node->rows, node->cols);
		break;
	case MT_TUPLE:
		buf_addf(out, "tuple %c%c", node->open, node->close);
		break;
	case MT_RATIO:
		buf_addf(out, "%s%s%s", node->flags & MT_F_CLOCK ? "clock" : "ratio", node->len ? " " : "",
		         node->text);
		break;
	case MT_APPLY:
	case MT_REL:
		buf_addf(out, "%s %s", kinds[node->kind], node->text);
		break;
	case MT_UNIT:
		buf_addf(out, "unit \"%s\"", node->text);
		break;
	default:
		buf_adds(out, kinds[node->kind]);
	}
	for (uint32_t i = 0; i < node->n; i++) {
		buf_addc(out, ' ');
		math_tree_print(node->kid[i], out);
	}
	buf_addc(out, ')');
}
