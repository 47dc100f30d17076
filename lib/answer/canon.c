/* SPDX-License-Identifier: MIT */
/*
 * The canonical text of an answer: infix, sqrt(3)/2, 3/4, x^2+1, (1, 2], {1, 2}; what has no order
 * is sorted, notations of one thing are one text. A text that is not read back as itself, or is not
 * certainly equal to the answer, is not used: then the answer stands as it was written.
 */
#include "answer/inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

void canon_append(const struct canon *c, enum canon_level level, struct canon *out)
{
	int brackets = c->level < level;

	buf_adds(&out->s, brackets ? "(" : "");
	buf_add(&out->s, c->s.data, c->s.len);
	buf_adds(&out->s, brackets ? ")" : "");
	out->bad |= c->bad;
}

void canon_put(const struct math_node *n, enum canon_level level, struct canon *out)
{
	struct canon c = {0};

	canon_node(n, &c);
	canon_append(&c, level, out);
	buf_release(&c.s);
}

struct canon *canon_next(struct canons *l)
{
	VEC_PUSH(l->v, l->n, l->cap) = (struct canon){0};
	return &l->v[l->n - 1];
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct canon *)a)->s.data, ((const struct canon *)b)->s.data);
}

void canons_sort(struct canons *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, by_text);
}

void canons_join(const struct canons *l, const char *sign, enum canon_level level,
                 struct canon *out)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_adds(&out->s, i ? sign : "");
		canon_append(&l->v[i], level, out);
	}
}

void canons_release(struct canons *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_release(&l->v[i].s);
	free(l->v);
}

/* Is this, alone, read as a node of this kind with that text? */
static int reads_as(const char *s, int kind, const char *text)
{
	struct math_tree *t = math_parse(s, strlen(s));
	int same = t->root && t->root->kind == kind && !strcmp(t->root->text, text);

	math_tree_free(t);
	return same;
}

/* Adds the first of the candidates (each in place of the %s) that is read so. */
static void put_read_as(const char *const *forms, size_t n, const char *what, int kind,
                        const char *text, struct canon *out)
{
	struct buf b = {0};
	size_t i = 0;

	for (; i < n; i++) {
		const char *hole = strstr(forms[i], "%s");

		buf_clear(&b);
		buf_add(&b, forms[i], (size_t)(hole - forms[i]));
		buf_adds(&b, what);
		buf_adds(&b, hole + 2);
		if (reads_as(b.data, kind, text))
			break;
	}
	out->bad |= i == n;
	buf_add(&out->s, b.data, b.len);
	buf_release(&b);
}

static void put_kids(const struct math_node *n, const char *sign, enum canon_level level, int sort,
                     struct canon *out)
{
	struct canons l = {0};

	for (uint32_t i = 0; i < n->n; i++)
		canon_node(n->kid[i], canon_next(&l));
	if (sort)
		canons_sort(&l);
	canons_join(&l, sign, level, out);
	canons_release(&l);
}

/* ---- leaves ---- */

/* c in the other case, if it is a letter of this one. */
static char changed_case(char c, char first)
{
	return c >= first && c < first + 26 ? (char)(c ^ 32) : c;
}

/* x, alpha, x_1, a_{n+1}, f'', AB, \angle ABC */
static void put_name(const struct math_node *n, struct canon *out)
{
	static const char *const forms[] = {"%s", "\\%s", "\\vec{%s}", "\\mathbf{%s}"};
	const char *low = strchr(n->text, '_'), *primes = strchr(n->text, '\'');
	struct buf name = {0};

	out->degree = 1;
	if (n->flags & MT_F_WORD) {
		buf_addc(&out->s, changed_case(*n->text, 'a'));
		return;
	}
	if (!low && !primes) {
		put_read_as(forms, LEN(forms), n->text, MT_VAR, n->text, out);
		return;
	}
	primes = primes ? primes : n->text + n->len;
	low = low && low < primes ? low : primes;
	buf_add(&name, n->text, (size_t)(low - n->text));
	buf_adds(&name, "");
	put_read_as(forms, LEN(forms), name.data, MT_VAR, name.data, out);
	buf_release(&name);
	if (low < primes)
		buf_addf(&out->s, primes - low == 2 ? "_%.*s" : "_{%.*s}", (int)(primes - low - 1),
		         low + 1);
	buf_adds(&out->s, primes);
}

/* Words without their case. */
static void put_words(const struct math_node *n, struct canon *out)
{
	static const char *const forms[] = {"%s", "\\text{%s}"};
	struct buf low = {0};

	for (uint32_t i = 0; i < n->len; i++)
		buf_addc(&low, changed_case(n->text[i], 'A'));
	buf_adds(&low, "");
	put_read_as(forms, LEN(forms), low.data, MT_TEXT, low.data, out);
	buf_release(&low);
}

static void put_based(const struct math_node *n, struct canon *out)
{
	size_t whole = n->len > n->decimals ? n->len - n->decimals : 0;
	int letters = strspn(n->text, "0123456789") < n->len;

	out->bad |= !whole || (letters && n->decimals);
	buf_adds(&out->s, letters ? "\\text{" : "");
	buf_add(&out->s, n->text, whole);
	if (n->decimals)
		buf_addf(&out->s, ".%s", n->text + whole);
	buf_addf(&out->s, "%s_{%u}", letters ? "}" : "", (unsigned)n->num);
}

static void put_leaf(const struct math_node *n, struct canon *out)
{
	static const char *const constants[] = {"pi", "e", "i", "infinity"};

	switch (n->kind) {
	case MT_NUMBER: canon_number(n, out); break;
	case MT_BASE: put_based(n, out); break;
	case MT_CONST: buf_adds(&out->s, constants[n->op]); break;
	case MT_VAR: put_name(n, out); break;
	case MT_TEXT: put_words(n, out); break;
	case MT_EMPTY: buf_adds(&out->s, "\xe2\x88\x85"); break;
	case MT_SETNAME: buf_addf(&out->s, "\\mathbb{%c}", *n->text);
		if (n->len > 1)
			buf_addf(&out->s, "^%s", n->text + 1);
	}
}

/* ---- functions ---- */

/* 0: no function to be written with brackets. */
static const char *function_name(int op)
{
	static const char *const names[MF_N] = {
		[MF_SIN] = "sin", [MF_COS] = "cos", [MF_TAN] = "tan", [MF_SEC] = "sec", [MF_CSC] = "csc",
		[MF_COT] = "cot", [MF_ASIN] = "arcsin", [MF_ACOS] = "arccos", [MF_ATAN] = "arctan",
		[MF_ASEC] = "arcsec", [MF_ACSC] = "arccsc", [MF_ACOT] = "arccot", [MF_SINH] = "sinh",
		[MF_COSH] = "cosh", [MF_TANH] = "tanh", [MF_SECH] = "sech", [MF_CSCH] = "csch",
		[MF_COTH] = "coth", [MF_ASINH] = "arcsinh", [MF_ACOSH] = "arccosh", [MF_ATANH] = "arctanh",
		[MF_LN] = "ln", [MF_LOG] = "log", [MF_EXP] = "exp", [MF_ABS] = "abs", [MF_FLOOR] = "floor",
		[MF_CEIL] = "ceil", [MF_BINOM] = "binom", [MF_GCD] = "gcd", [MF_LCM] = "lcm",
		[MF_MIN] = "min", [MF_MAX] = "max", [MF_RE] = "\\Re", [MF_IM] = "\\Im", [MF_ARG] = "\\arg",
		[MF_SGN] = "\\sgn",
	};

	return names[op];
}

static void put_function(const struct math_node *n, struct canon *out)
{
	const char *name = function_name(n->op);

	switch (n->op) {
	case MF_FACT: case MF_FACT2:
		canon_put(n->kid[0], CANON_ATOM, out);
		buf_adds(&out->s, n->op == MF_FACT ? "!" : "!!");
		out->level = CANON_POWER;
		return;
	case MF_CONJ:
		buf_adds(&out->s, "\\overline{");
		canon_put(n->kid[0], CANON_SET, out);
		buf_addc(&out->s, '}');
		return;
	case MF_REM:
		canon_put(n->kid[0], CANON_SUM, out);
		buf_adds(&out->s, " mod ");
		canon_put(n->kid[1], CANON_POWER, out);
		out->level = CANON_SET;
		return;
	case MF_TRANSPOSE:
		canon_put(n->kid[0], CANON_ATOM, out);
		buf_adds(&out->s, "^T");
		out->level = CANON_POWER;
		return;
	case MF_LOG:
		buf_adds(&out->s, n->n > 1 ? "log_{" : "log");
		if (n->n > 1) {
			canon_put(n->kid[1], CANON_SET, out);
			buf_addc(&out->s, '}');
		}
		buf_addc(&out->s, '(');
		canon_put(n->kid[0], CANON_LIST, out);
		buf_addc(&out->s, ')');
		return;
	}
	buf_addf(&out->s, "%s(", name);
	put_kids(n, ", ", CANON_RELATION, n->op >= MF_GCD && n->op <= MF_MAX, out);
	buf_addc(&out->s, ')');
}

/* f(x), f^{-1}(x), \|x\| */
static void put_applied(const struct math_node *n, struct canon *out)
{
	int norm = !strcmp(n->text, "norm"), inverse = str_ends(n->text, "^-1");

	buf_addf(&out->s, "%.*s%s", norm ? 0 : (int)n->len - 3 * inverse, n->text,
	         norm ? "\\|" : inverse ? "^{-1}(" : "(");
	put_kids(n, ", ", CANON_RELATION, 0, out);
	buf_adds(&out->s, norm ? "\\|" : ")");
}

static void put_root(const struct math_node *n, struct canon *out)
{
	const struct math_node *index = n->n > 1 ? n->kid[1] : NULL;
	int square = !index || (index->kind == MT_NUMBER && !strcmp(index->text, "2") &&
	                        !index->decimals && !index->repeat);

	buf_adds(&out->s, square ? "sqrt(" : "sqrt[");
	if (!square) {
		canon_put(index, CANON_SUM, out);
		buf_adds(&out->s, "](");
	}
	canon_put(n->kid[0], CANON_SET, out);
	buf_addc(&out->s, ')');
}

static void put_series(const struct math_node *n, struct canon *out)
{
	buf_adds(&out->s, n->op == 's' ? "\\sum_{" : "\\prod_{");
	buf_adds(&out->s, n->kid[0]->text);
	buf_addc(&out->s, '=');
	canon_put(n->kid[1], CANON_SUM, out);
	buf_adds(&out->s, "}^{");
	canon_put(n->kid[2], CANON_SUM, out);
	buf_adds(&out->s, "}(");
	canon_put(n->kid[3], CANON_LIST, out);
	buf_addc(&out->s, ')');
	out->level = CANON_PRODUCT;
}

/* ---- what holds several ---- */

/* Brackets of more than two, and of vectors of two, tell nothing. */
static void put_tuple(const struct math_node *n, struct canon *out)
{
	int plain = n->n > 2 || (n->n == 2 && n->open == '<');
	const char *open = plain || n->open == '(' ? "(" : n->open == '[' ? "[" : "\\langle ";
	const char *close = plain || n->close == ')' ? ")" : n->close == ']' ? "]" : "\\rangle";

	buf_adds(&out->s, open);
	put_kids(n, ", ", CANON_RELATION, 0, out);
	buf_adds(&out->s, close);
}

static void put_matrix(const struct math_node *n, struct canon *out)
{
	const char *name = n->op == 'v' ? "vmatrix" : "pmatrix";

	buf_addf(&out->s, "\\begin{%s}", name);
	for (uint32_t i = 0; i < n->n; i++) {
		buf_adds(&out->s, !i ? "" : i % n->cols ? " & " : " \\\\ ");
		canon_put(n->kid[i], CANON_SUM, out);
	}
	buf_addf(&out->s, "\\end{%s}", name);
}

static int holds_relation(const struct math_node *n)
{
	for (uint32_t i = 0; i < n->n; i++)
		if (n->kid[i]->kind == MT_REL)
			return 1;
	return 0;
}

/* Do these equations say values of one and the same thing? */
static int one_name(const struct math_node *n)
{
	struct canon first = {0};
	int same = 1;

	canon_put(n->kid[0]->n ? n->kid[0]->kid[0] : n->kid[0], CANON_LIST, &first);
	for (uint32_t i = 0; i < n->n && same; i++) {
		struct canon c = {0};

		same = n->kid[i]->kind == MT_REL && !strcmp(n->kid[i]->text, "=");
		if (same)
			canon_put(n->kid[i]->kid[0], CANON_LIST, &c);
		same = same && c.s.len == first.s.len && !memcmp(c.s.data, first.s.data, c.s.len);
		buf_release(&c.s);
	}
	buf_release(&first.s);
	return same;
}

/* Values are a set; equations and inequalities stay side by side, with the word that joins them. */
static void put_list(const struct math_node *n, struct canon *out)
{
	if (!holds_relation(n)) {
		buf_addc(&out->s, '{');
		put_kids(n, ", ", CANON_RELATION, 1, out);
		buf_addc(&out->s, '}');
		return;
	}
	put_kids(n, one_name(n) ? ", " : n->op == 'o' ? " or " : n->op == 'a' ? " and " : ", ",
	         CANON_RELATION, 1, out);
	out->bad |= n->op == 'm';
	out->level = CANON_LIST;
}

static void put_builder(const struct math_node *n, struct canon *out)
{
	buf_adds(&out->s, "\\{");
	canon_put(n->kid[0], CANON_RELATION, out);
	for (uint32_t i = 1; i < n->n; i++) {
		buf_adds(&out->s, i == 1 ? " : " : ", ");
		canon_put(n->kid[i], CANON_RELATION, out);
	}
	buf_adds(&out->s, "\\}");
}

/* ---- statements, and values with something about them ---- */

/* Greater and greater-or-equal are turned around. */
static void put_relation(const struct math_node *n, struct canon *out)
{
	static const char from[] = "=<>lg!~encmtpos";
	static const char *const to[] = {
		"=", "<", ">", "<=", ">=", "\\ne", "\xe2\x89\x88", "\xe2\x88\x88", "\xe2\x88\x89",
		"\\subset", "\xe2\x89\xa1", "->", "\\parallel", "\\perp", "\\sim",
	};
	int turned = strspn(n->text, ">g") == n->len;

	for (uint32_t i = 0; i < n->n; i++) {
		uint32_t at = turned ? n->n - 1 - i : i;

		canon_put(n->kid[at], CANON_SET, out);
		if (i + 1 < n->n) {
			char c = turned ? n->text[n->n - 2 - i] == '>' ? '<' : 'l' : n->text[i];

			buf_addf(&out->s, " %s ", to[strchr(from, c) - from]);
		}
	}
	out->level = CANON_RELATION;
}

static void put_ratio(const struct math_node *n, struct canon *out)
{
	for (uint32_t i = 0; i < n->n; i++) {
		const struct math_node *k = n->kid[i];

		buf_adds(&out->s, i ? ":" : "");
		/* 9:05 */
		if (i && n->flags & MT_F_CLOCK && k->kind == MT_NUMBER && k->len == 1 && !k->decimals)
			buf_addc(&out->s, '0');
		canon_put(k, CANON_PRODUCT, out);
	}
	if (*n->text)
		buf_addf(&out->s, " %s", n->text);
	out->level = CANON_SET;
}

static void put_unit(const struct math_node *n, struct canon *out)
{
	static const char *const forms[] = {"5 %s", "5 \\text{%s}"};
	struct canon value = {0}, unit = {0};

	canon_node(n->kid[0], &value);
	if (value.number && !strchr(value.s.data, '/'))
		value.level = CANON_ATOM;
	if (n->op == MU_CURRENCY && !strcmp(n->text, "$"))
		buf_adds(&out->s, "\\$");
	canon_append(&value, CANON_ATOM, out);
	if (n->op == MU_PERCENT || n->op == MU_ORDINAL)
		buf_adds(&out->s, n->text);
	else if (n->op == MU_DEGREE)
		buf_addf(&out->s, "\xc2\xb0%s", n->text + 3);
	else if (n->op != MU_CURRENCY || strcmp(n->text, "$")) {
		put_read_as(forms, LEN(forms), n->text, MT_UNIT, n->text, &unit);
		buf_adds(&out->s, unit.s.data + 1);
		out->bad |= unit.bad;
	}
	out->level = CANON_POWER;
	buf_release(&value.s);
	buf_release(&unit.s);
}

static void put_plus_minus(const struct math_node *n, struct canon *out)
{
	if (n->n > 1)
		canon_put(n->kid[0], CANON_PRODUCT, out);
	buf_adds(&out->s, n->op == '-' ? "\xe2\x88\x93" : "\xc2\xb1");
	canon_put(n->kid[n->n - 1], CANON_PRODUCT, out);
	out->level = CANON_SET;
}

static void put_spaced(const struct math_node *n, struct canon *out)
{
	canon_put(n->kid[0], CANON_POWER, out);
	buf_addc(&out->s, ' ');
	canon_put(n->kid[1], CANON_POWER, out);
	out->level = CANON_PRODUCT;
}

static void put_joined(const struct math_node *n, const char *sign, int sort, struct canon *out)
{
	put_kids(n, sign, CANON_SUM, sort, out);
	out->level = CANON_SET;
}

void canon_node(const struct math_node *n, struct canon *out)
{
	buf_adds(&out->s, "");
	out->level = CANON_ATOM;
	switch (n->kind) {
	case MT_ADD: canon_sum(n, out); break;
	case MT_MUL:
		if (n->flags & MT_F_MAYBE_UNIT) {
			put_spaced(n, out);
			break;
		} /* fall through */
	case MT_NEG: case MT_DIV: canon_product(n, out); break;
	case MT_MIXED: canon_mixed(n, out); break;
	case MT_POW: canon_power(n, out); break;
	case MT_ROOT: put_root(n, out); break;
	case MT_FUNC: put_function(n, out); break;
	case MT_APPLY: put_applied(n, out); break;
	case MT_PM: put_plus_minus(n, out); break;
	case MT_MOD:
		canon_put(n->kid[0], CANON_SUM, out);
		buf_adds(&out->s, " (mod ");
		canon_put(n->kid[1], CANON_SUM, out);
		buf_addc(&out->s, ')');
		out->level = CANON_SET;
		break;
	case MT_SERIES: put_series(n, out); break;
	case MT_TUPLE: put_tuple(n, out); break;
	case MT_SET:
		buf_adds(&out->s, n->n > 1 ? "{" : "\\{");
		put_kids(n, ", ", CANON_RELATION, 1, out);
		buf_adds(&out->s, n->n > 1 ? "}" : "\\}");
		break;
	case MT_BUILDER: put_builder(n, out); break;
	case MT_LIST: put_list(n, out); break;
	case MT_UNION: put_joined(n, " \xe2\x88\xaa ", 1, out); break;
	case MT_INTER: put_joined(n, " \xe2\x88\xa9 ", 1, out); break;
	case MT_SETMINUS: put_joined(n, " \xe2\x88\x96 ", 0, out); break;
	case MT_MATRIX: put_matrix(n, out); break;
	case MT_REL: put_relation(n, out); break;
	case MT_UNIT: put_unit(n, out); break;
	case MT_RATIO: put_ratio(n, out); break;
	default: put_leaf(n, out);
	}
}

/* ---- answers ---- */

static int is_apart(const struct math_node *n)
{
	return n->kind == MT_MUL && n->flags & MT_F_MAYBE_UNIT;
}

/* Takes away the units that equality passes over, of a value or of several: how many. */
static int leave_units_out(struct math_node **n)
{
	struct math_node *m = *n;
	int count = 0;

	if ((m->kind == MT_UNIT && !(m->flags & MT_F_OPEN)) || is_apart(m)) {
		*n = m->kid[0];
		return 1;
	}
	if (m->kind == MT_LIST || m->kind == MT_SET || m->kind == MT_TUPLE)
		for (uint32_t i = 0; i < m->n; i++)
			count += leave_units_out(&m->kid[i]);
	return count;
}

/* The set of one value is that value. */
static const struct math_node *only_value(const struct math_node *n)
{
	const struct math_node *k = n->kind == MT_SET && n->n == 1 ? n->kid[0] : NULL;

	return k && k->kind <= MT_SERIES && k->kind != MT_TEXT && k->kind != MT_EMPTY &&
	               k->kind != MT_SETNAME && k->kind != MT_MOD
	           ? k
	           : n;
}

/* One reading: 0 if it cannot be written. *tree: it has one; *units: how many were left out. */
static int put_answer(const char *s, size_t n, int *tree, int *units, struct buf *out)
{
	struct math_tree *t = math_parse(s, n);
	struct canon c = {0};

	*tree = t->root != NULL;
	if (t->root) {
		if (units)
			*units = leave_units_out(&t->root);
		canon_node(only_value(t->root), &c);
	} else
		buf_add(&c.s, t->plain, t->n_plain);
	math_tree_free(t);
	buf_clear(out);
	buf_add(out, c.s.data, c.s.len);
	buf_release(&c.s);
	return !c.bad && out->len;
}

/* BAC is a name or an order, as equality has it. */
static int spelled(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < 'A' || s[i] > 'Z')
			return 0;
	return n >= 3;
}

/* A text that is read back as itself. */
static int is_settled(const struct buf *text, int tree)
{
	struct buf again = {0};
	int same_tree, rc;

	rc = put_answer(text->data, text->len, &same_tree, NULL, &again) && same_tree == tree &&
	     again.len == text->len && !memcmp(again.data, text->data, text->len);
	buf_release(&again);
	return rc;
}

void math_canonical(const char *s, size_t n, struct buf *out)
{
	int tree;

	buf_clear(out);
	if (!spelled(s, n) && put_answer(s, n, &tree, NULL, out) && is_settled(out, tree) &&
	    math_equal(s, n, out->data, out->len, NULL).verdict == MATH_EQUAL)
		return;
	buf_clear(out);
	buf_add(out, s, n);
}

int math_bare(const char *s, size_t n, struct buf *out)
{
	int tree, units = 0;

	buf_clear(out);
	return put_answer(s, n, &tree, &units, out) && units && is_settled(out, tree);
}
