/* SPDX-License-Identifier: MIT */
/*
 * An answer's tree as LaTeX again, in several styles that mean the same, and with one change at one
 * node that means something else. What cannot be written back (a name that is none in LaTeX) sets
 * fail.
 */
#ifndef MATH_PRINT_H
#define MATH_PRINT_H

#include <string.h>

#include "answer/answer.h"
#include "latex/tree.h"

enum change_kind {
	C_NONE,
	C_DIGIT,
	C_NEGATE,
	C_OPEN,
	C_CLOSE,
	C_SWAP,
	C_TINY,
	C_TRUNCATE,
	C_DROP,
	C_TWICE,
	C_RENAME,
	C_EXPONENT,
	C_UNROOT,
	C_FLIP,
	C_STRICT,
	C_UPSIDE,
	C_DOUBLE,
	C_AS_SET,
	C_AS_TUPLE,
	C_CONST,
	C_OTHER_WORD,
	C_INTER,
	C_ADD_ONE,
	C_KINDS
};

struct printer {
	struct buf *out;
	int reversed;                /* sums, products, sets and lists in the other order */
	int slash;                   /* a/b for \frac */
	const char *frac;            /* "\\frac" */
	const char *gap;             /* around signs */
	int sized;                   /* \left( \right) */
	int times;                   /* \times for \cdot */
	/* the change */
	const struct math_node *at;
	enum change_kind change;
	uint32_t which;              /* which digit, kid, letter */
	int fail;
};

static void mp_print(struct printer *p, const struct math_node *m, int tight);

static void mp_open(struct printer *p, char c)
{
	static const char *const from = "([<", *const to[] = {"(", "[", "\\langle "};

	if (p->sized)
		buf_adds(p->out, "\\left");
	buf_adds(p->out, to[strchr(from, c) - from]);
}

static void mp_close(struct printer *p, char c)
{
	static const char *const from = ")]>", *const to[] = {")", "]", "\\rangle "};

	if (p->sized)
		buf_adds(p->out, "\\right");
	buf_adds(p->out, to[strchr(from, c) - from]);
}

static void mp_number(struct printer *p, const struct math_node *m, int changed)
{
	uint32_t zeros = m->decimals >= m->len ? m->decimals - m->len + 1 : 0,
	         point = m->len + zeros - m->decimals;

	p->fail |= m->decimals > 1000;
	for (uint32_t i = 0; i < m->len + zeros && !p->fail; i++) {
		char c = i < zeros ? '0' : m->text[i - zeros];

		if (i == point)
			buf_addc(p->out, '.');
		if (m->repeat && i == m->len + zeros - m->repeat)
			buf_adds(p->out, "\\overline{");
		if (changed && i == zeros + p->which % m->len)
			c = (char)('0' + (c - '0' + 1 + (int)(p->which / m->len % 8)) % 10);
		buf_addc(p->out, c);
	}
	if (m->repeat)
		buf_addc(p->out, '}');
}

static void mp_var(struct printer *p, const struct math_node *m, int changed)
{
	static const char *const greek[] = {
		"alpha", "beta", "gamma", "delta", "epsilon", "theta", "lambda", "mu", "nu", "rho", "sigma",
		"tau", "phi", "omega", "psi", "ell",
	};

	if (m->flags & MT_F_WORD) {
		buf_addf(p->out, "\\text{%s%s}", m->text, changed ? "q" : "");
		return;
	}
	if (changed) {
		buf_adds(p->out, strcmp(m->text, "w") ? "w " : "v ");
		return;
	}
	if (m->len == 1) {
		buf_addf(p->out, "%s", m->text);
		return;
	}
	for (size_t i = 0; i < LEN(greek); i++)
		if (!strcmp(greek[i], m->text)) {
			buf_addf(p->out, "\\%s ", m->text);
			return;
		}
	if (m->len == 3 && m->text[1] == '_') {
		buf_addf(p->out, "%c_{%c}", m->text[0], m->text[2]);
		return;
	}
	p->fail = 1;
}

/* ---- how tightly a kind binds: 0 lists, 1 relations, 2 sums, 3 products, 4 powers, 5 atoms
 * ---- */

static int mp_level(const struct math_node *m)
{
	switch (m->kind) {
	case MT_LIST: return 0;
	case MT_REL:
	case MT_MOD:
	case MT_UNION:
	case MT_INTER:
	case MT_SETMINUS:
	case MT_RATIO:
		return 1;
	case MT_ADD: case MT_NEG: case MT_PM: case MT_MIXED: return 2;
	case MT_MUL: case MT_DIV: case MT_UNIT: return 3;
	case MT_POW: case MT_FUNC: case MT_APPLY: return 4;
	default: return 5;
	}
}

static void mp_kid(struct printer *p, const struct math_node *m, int tight)
{
	int brackets = mp_level(m) < tight;

	if (brackets)
		mp_open(p, '(');
	mp_print(p, m, brackets ? 0 : tight);
	if (brackets)
		mp_close(p, ')');
}

static void mp_join(struct printer *p, const struct math_node *m, const char *sign, int tight)
{
	int here = p->at == m;
	uint32_t drop = here && p->change == C_DROP ? p->which % m->n : m->n;
	uint32_t a = p->which % m->n, b = (a + 1) % m->n, printed = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t k = p->reversed && m->kind != MT_TUPLE && m->kind != MT_MATRIX &&
		                     m->kind != MT_APPLY && m->kind != MT_FUNC && m->kind != MT_RATIO
		                 ? m->n - 1 - i
		                 : i;

		if (here && p->change == C_SWAP)
			k = k == a ? b : k == b ? a : k;
		if (k == drop)
			continue;
		if (printed++)
			buf_addf(p->out, "%s%s%s", p->gap, sign, p->gap);
		mp_kid(p, m->kid[k], tight);
		if (here && p->change == C_TWICE && k == a) {
			buf_addf(p->out, "%s%s%s", p->gap, sign, p->gap);
			mp_kid(p, m->kid[k], tight);
		}
	}
}

static void mp_sum(struct printer *p, const struct math_node *m)
{
	uint32_t drop = p->at == m && p->change == C_DROP ? p->which % m->n : m->n, printed = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		const struct math_node *k = m->kid[p->reversed ? m->n - 1 - i : i];
		int minus = k->kind == MT_NEG && k != p->at;

		if (k == m->kid[drop < m->n ? drop : 0] && drop < m->n)
			continue;
		if (printed++ || minus)
			buf_addf(p->out, "%s%c%s", p->gap, minus ? '-' : '+', p->gap);
		mp_kid(p, minus ? k->kid[0] : k, 3);
	}
}

static void mp_quotient(struct printer *p, const struct math_node *m)
{
	int upside = p->at == m && p->change == C_UPSIDE;
	const struct math_node *a = m->kid[upside], *b = m->kid[!upside];

	if (p->slash) {
		mp_kid(p, a, 4);
		buf_addf(p->out, "%s/%s", p->gap, p->gap);
		mp_kid(p, b, 5);
		return;
	}
	buf_addf(p->out, "%s{", p->frac);
	mp_print(p, a, 0);
	buf_adds(p->out, "}{");
	mp_print(p, b, 0);
	buf_addc(p->out, '}');
}

static void mp_func(struct printer *p, const struct math_node *m)
{
	static const char *const names[MF_N] = {
		[MF_SIN] = "\\sin", [MF_COS] = "\\cos", [MF_TAN] = "\\tan", [MF_SEC] = "\\sec",
		[MF_CSC] = "\\csc", [MF_COT] = "\\cot", [MF_ASIN] = "\\arcsin", [MF_ACOS] = "\\arccos",
		[MF_ATAN] = "\\arctan", [MF_LN] = "\\ln", [MF_EXP] = "\\exp", [MF_GCD] = "\\gcd",
		[MF_MIN] = "\\min", [MF_MAX] = "\\max",
	};

	switch (m->op) {
	case MF_ABS: buf_adds(p->out, "|"); mp_print(p, m->kid[0], 0); buf_adds(p->out, "|"); return;
	case MF_FLOOR:
		buf_adds(p->out, "\\lfloor ");
		mp_print(p, m->kid[0], 0);
		buf_adds(p->out, "\\rfloor ");
		return;
	case MF_CEIL:
		buf_adds(p->out, "\\lceil ");
		mp_print(p, m->kid[0], 0);
		buf_adds(p->out, "\\rceil ");
		return;
	case MF_FACT: mp_kid(p, m->kid[0], 5); buf_adds(p->out, "!"); return;
	case MF_BINOM:
		buf_adds(p->out, "\\binom{");
		mp_print(p, m->kid[0], 0);
		buf_adds(p->out, "}{");
		mp_print(p, m->kid[1], 0);
		buf_adds(p->out, "}"); return;
	case MF_LOG:
		buf_adds(p->out, "\\log");
		if (m->n > 1) {
			buf_adds(p->out, "_{");
			mp_print(p, m->kid[1], 0);
			buf_adds(p->out, "}");
		}
		mp_open(p, '(');
		mp_print(p, m->kid[0], 0);
		mp_close(p, ')');
		return;
	}
	if (!names[m->op]) {
		p->fail = 1;
		return;
	}
	buf_adds(p->out, names[m->op]);
	mp_open(p, '(');
	mp_join(p, m, ",", 1);
	mp_close(p, ')');
}

static void mp_relation(struct printer *p, const struct math_node *m)
{
	static const char from[] = "=<>lg!~encm", *const to[] = {
		"=", "<", ">", "\\le ", "\\ge ", "\\neq ", "\\approx ", "\\in ", "\\notin ", "\\subseteq ",
		"\\equiv ",
	}, mirrored[] = "=><gl!~en", flipped[] = "!><gl=~ne", strict[] = "=lg<>!~en";
	int mirror = p->reversed && !strpbrk(m->text, "encm");

	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t k = mirror ? m->n - 1 - i : i;

		mp_kid(p, m->kid[k], 2);
		if (i + 1 < m->n) {
			const char *c = strchr(from, m->text[mirror ? m->n - 2 - i : i]);
			int sign = c ? (int)(c - from) : -1;

			if (sign < 0 || (p->at == m && sign > 8)) {
				p->fail = 1;
				return;
			}
			if (mirror)
				sign = (int)(strchr(from, mirrored[sign]) - from);
			if (p->at == m && (p->change == C_FLIP || p->change == C_STRICT) && i == 0)
				sign =
				    (int)(strchr(from, p->change == C_FLIP ? flipped[sign] : strict[sign]) - from);
			buf_addf(p->out, " %s ", to[sign]);
		}
	}
}

static void mp_unit(struct printer *p, const struct math_node *m)
{
	const char *power = strchr(m->text, '^');

	if (m->op == MU_CURRENCY) {
		p->fail |= strcmp(m->text, "$");
		buf_adds(p->out, "\\$");
		mp_kid(p, m->kid[0], 4);
		return;
	}
	mp_kid(p, m->kid[0], p->slash ? 4 : 3);
	if (m->op == MU_PERCENT)
		buf_adds(p->out, "\\%");
	else if (!strcmp(m->text, "deg"))
		buf_adds(p->out, "^\\circ");
	else if (m->op == MU_WORD && power)
		buf_addf(p->out, "\\text{ %.*s}%s", (int)(power - m->text), m->text, power);
	else if (m->op == MU_WORD)
		buf_addf(p->out, "\\text{ %s}", m->text);
	else
		p->fail = 1;
	p->fail |= power && strlen(power) != 2;
}

static void mp_bracketed(struct printer *p, const struct math_node *m)
{
	int here = p->at == m;
	char open = m->open, close = m->close;

	if (here && (p->change == C_AS_SET || p->change == C_AS_TUPLE)) {
		buf_adds(p->out, p->change == C_AS_SET ? "\\{" : "(");
		mp_join(p, m, ",", 1);
		buf_adds(p->out, p->change == C_AS_SET ? "\\}" : ")");
		return;
	}
	if (m->kind == MT_SET) {
		buf_addf(p->out, "%s\\{", p->sized ? "\\left" : "");
		mp_join(p, m, ",", 1);
		buf_addf(p->out, "%s\\}", p->sized ? "\\right" : "");
		return;
	}
	if (here && p->change == C_OPEN)
		open = open == '(' ? '[' : '(';
	if (here && p->change == C_CLOSE)
		close = close == ')' ? ']' : ')';
	mp_open(p, open);
	mp_join(p, m, ",", 1);
	mp_close(p, close);
}

static void mp_matrix(struct printer *p, const struct math_node *m)
{
	const char *name = m->op == 'v' ? "vmatrix" : "pmatrix";

	buf_addf(p->out, "\\begin{%s} ", name);
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t k = i;

		if (p->at == m && p->change == C_SWAP)
			k = i == p->which % m->n                ? (i + 1) % m->n
			    : i == (p->which % m->n + 1) % m->n ? p->which % m->n
			                                        : i;
		mp_print(p, m->kid[k], 0);
		buf_adds(p->out, i + 1 == m->n ? "" : (i + 1) % m->cols ? " & " : " \\\\ ");
	}
	buf_addf(p->out, " \\end{%s}", name);
}

/* A root, a constant or a fraction of integers as a decimal that is close to it, and not it. */
static void mp_truncated(struct printer *p, const struct math_node *m)
{
	uint64_t a, b = 1, whole;
	__uint128_t scaled, root;

	if (m->kind == MT_CONST) {
		buf_adds(p->out, m->op == MC_PI ? "\\frac{355}{113}" : m->op == MC_E ? "2.718281828" : "1");
		return;
	}
	if (m->kid[0]->kind != MT_NUMBER || m->kid[0]->decimals || m->kid[0]->len > 9 ||
		parse_u64(m->kid[0]->text, 0, 999999999, &a, NULL)) {
		p->fail = 1;
		return;
	}
	if (m->kind == MT_DIV) {
		if (m->kid[1]->kind != MT_NUMBER || m->kid[1]->decimals ||
		    parse_u64(m->kid[1]->text, 1, 999999999, &b, NULL)) {
			p->fail = 1;
			return;
		}
		whole = a / b;
		p->fail |= !(a % b * 100000000 % b);
		buf_addf(p->out, "%llu.%08llu", (unsigned long long)whole,
		         (unsigned long long)(a % b * 100000000 / b));
		return;
	}
	scaled = (__uint128_t)a * 100000000 * 100000000;
	root = 0;
	for (__uint128_t bit = (__uint128_t)1 << 50; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= scaled)
			root += bit;
	p->fail |= m->n > 1 || root * root == scaled;
	buf_addf(p->out, "%llu.%08llu", (unsigned long long)(root / 100000000),
	         (unsigned long long)(root % 100000000));
}

static void mp_plain(struct printer *p, const struct math_node *m, int tight)
{
	int here = p->at == m;

	switch (m->kind) {
	case MT_NUMBER: mp_number(p, m, here && p->change == C_DIGIT); break;
	case MT_BASE:
		p->fail |= m->decimals > 0;
		buf_addf(p->out, "\\text{%s}_{%u}", m->text, (unsigned)m->num);
		break;
	case MT_CONST: buf_adds(p->out, (const char *[]){"\\pi ", "e", "i", "\\infty "}[m->op]); break;
	case MT_VAR: mp_var(p, m, here && p->change == C_RENAME); break;
	case MT_TEXT:
		p->fail |=
		    strspn(m->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") <
		    m->len;
		buf_addf(p->out, "\\text{%s%s}", m->text, here && p->change == C_OTHER_WORD ? "q" : "");
		break;
	case MT_EMPTY: buf_adds(p->out, "\\emptyset "); break;
	case MT_SETNAME: buf_addf(p->out, "\\mathbb{%s}", m->text); p->fail |= m->len != 1; break;
	case MT_ADD: mp_sum(p, m); break;
	case MT_NEG: buf_adds(p->out, "-"); mp_kid(p, m->kid[0], 3); break;
	case MT_MUL:
		p->fail |= m->flags & MT_F_MAYBE_UNIT;
		mp_join(p, m, p->times ? "\\times " : "\\cdot ", m->kind == MT_MUL ? 4 : 0);
		break;
	case MT_DIV: mp_quotient(p, m); break;
	case MT_MIXED:
		mp_print(p, m->kid[0], 0);
		buf_addc(p->out, ' ');
		mp_quotient(p, m->kid[1]);
		break;
	case MT_POW:
		mp_kid(p, m->kid[0], 5);
		buf_adds(p->out, "^{");
		mp_print(p, m->kid[1], 0);
		buf_addf(p->out, "%s}", here && p->change == C_EXPONENT ? "+1" : "");
		break;
	case MT_ROOT:
		buf_adds(p->out, "\\sqrt");
		if (m->n > 1) {
			buf_addc(p->out, '[');
			mp_print(p, m->kid[1], 0);
			buf_addc(p->out, ']');
		}
		buf_addc(p->out, '{');
		mp_print(p, m->kid[0], 0);
		buf_addc(p->out, '}');
		break;
	case MT_FUNC: mp_func(p, m); break;
	case MT_APPLY:
		p->fail |= m->len != 1;
		buf_addf(p->out, "%s(", m->text);
		mp_join(p, m, ",", 1);
		buf_adds(p->out, ")");
		break;
	case MT_PM:
		if (m->n > 1)
			mp_kid(p, m->kid[0], 3);
		buf_adds(p->out, m->op == '-' ? " \\mp " : " \\pm ");
		mp_kid(p, m->kid[m->n - 1], 3);
		break;
	case MT_TUPLE: case MT_SET: mp_bracketed(p, m); break;
	case MT_LIST: mp_join(p, m, m->op == 'o' ? " \\text{ or } " : ", ", 1); break;
	case MT_UNION: mp_join(p, m, here && p->change == C_INTER ? " \\cap " : " \\cup ", 2); break;
	case MT_INTER: mp_join(p, m, " \\cap ", 2); break;
	case MT_MATRIX: mp_matrix(p, m); break;
	case MT_REL: mp_relation(p, m); break;
	case MT_UNIT: mp_unit(p, m); break;
	case MT_RATIO:
		p->fail |= m->flags & MT_F_CLOCK;
		mp_join(p, m, ":", 3);
		buf_addf(p->out, " %s", m->text);
		break;
	default: p->fail = 1;
	}
	(void)tight;
}

static void mp_print(struct printer *p, const struct math_node *m, int tight)
{
	if (p->at != m) {
		mp_plain(p, m, tight);
		return;
	}
	switch (p->change) {
	case C_NEGATE: case C_TINY: case C_DOUBLE: case C_ADD_ONE:
		buf_adds(p->out, p->change == C_NEGATE   ? "(-("
		                 : p->change == C_DOUBLE ? "(2 \\cdot ("
		                                         : "((");
		mp_plain(p, m, 0);
		buf_adds(p->out, p->change == C_TINY      ? ") + 10^{-30})"
		                 : p->change == C_ADD_ONE ? ")+1)"
		                                          : "))");
		break;
	case C_TRUNCATE: case C_CONST: mp_truncated(p, m); break;
	case C_UNROOT: mp_open(p, '('); mp_print(p, m->kid[0], 0); mp_close(p, ')'); break;
	default: mp_plain(p, m, tight);
	}
}

#endif
