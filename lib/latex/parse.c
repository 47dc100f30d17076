/* SPDX-License-Identifier: MIT */
/*
 * The parser: tokens to a tree, by recursive descent; lists, relations, sums and products.
 *
 *     items  = item (("," | ";" | "and" | "or" | "\\") item)*
 *     item   = words | value (relation value)*
 *     value  = set ((\over | \choose) sum)? (":" set)* unit? (\pmod | \bmod)*
 *     set    = sum ((\cup | \cap | \setminus) sum)*
 *     sum    = ("+" | "-" | "\pm")? term (("+" | "-" | "\pm") term)*
 *     term   = factor (("*" | "/")? factor)*        from left to right: 1/2x is (1/2)x
 */
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

/* ---- nodes ---- */

struct math_node *mt_node(struct parser *p, int kind, int op)
{
	struct math_node *node;

	if (p->n_node == p->node_cap)
		return NULL;
	node = &p->node[p->n_node++];
	*node = (struct math_node){.kind = (uint8_t)kind, .op = (uint8_t)op, .text = ""};
	return node;
}

struct math_node *mt_leaf(struct parser *p, int kind, int op, const char *s, size_t n)
{
	struct math_node *node = mt_node(p, kind, op);

	if (!node || !(node->text = mt_text(p, s, n)))
		return NULL;
	node->len = (uint32_t)n;
	return node;
}

char *mt_text(struct parser *p, const char *s, size_t n)
{
	char *to = p->chr + p->n_chr;

	if (p->chr_cap - p->n_chr < n + 1)
		return NULL;
	memcpy(to, s, n);
	to[n] = 0;
	p->n_chr += n + 1;
	return to;
}

int mt_push(struct parser *p, struct math_node *kid)
{
	if (!kid || p->n_st == p->st_cap)
		return -1;
	p->st[p->n_st++] = kid;
	return 0;
}

struct math_node *mt_gather(struct parser *p, int kind, int op, size_t mark)
{
	size_t n = p->n_st - mark;
	struct math_node *node;

	if (p->kid_cap - p->n_kid < n || !(node = mt_node(p, kind, op)))
		return NULL;
	node->kid = p->kid + p->n_kid;
	node->n = (uint32_t)n;
	memcpy(node->kid, p->st + mark, n * sizeof *p->st);
	p->n_kid += n;
	p->n_st = mark;
	return node;
}

struct math_node *mt_one(struct parser *p, int kind, int op, struct math_node *a)
{
	size_t mark = p->n_st;

	return mt_push(p, a) ? NULL : mt_gather(p, kind, op, mark);
}

struct math_node *mt_two(struct parser *p, int kind, int op, struct math_node *a,
                         struct math_node *b)
{
	size_t mark = p->n_st;

	return mt_push(p, a) || mt_push(p, b) ? NULL : mt_gather(p, kind, op, mark);
}

/* ---- products and sums ---- */

/* [x+1] in a product is an ordinary bracket. */
static struct math_node *unboxed(struct math_node *node)
{
	if (node && node->kind == MT_TUPLE && node->n == 1 && node->open == '[' && node->close == ']')
		return node->kid[0];
	return node;
}

static struct math_node *product(struct parser *p, size_t mark)
{
	if (p->n_st == mark + 1) {
		p->n_st = mark;
		return p->st[mark];
	}
	for (size_t i = mark; i < p->n_st; i++)
		p->st[i] = unboxed(p->st[i]);
	return mt_gather(p, MT_MUL, 0, mark);
}

/* True if a number may come right after this factor (\sqrt{3} 2 and 3!2!, not x 2). */
static int before_number(const struct math_node *node)
{
	return node->kind == MT_ROOT ||
	       (node->kind == MT_FUNC && (node->op == MF_FACT || node->op == MF_FACT2)) ||
	       (node->kind == MT_CONST && node->op == MC_PI) ||
	       ((node->flags & MT_F_PAREN) && node->kind == MT_ADD);
}

/* m, m^2, s: in "5 m" */
static int is_unit_letter(const struct math_node *node)
{
	if (node->kind == MT_POW && node->kid[1]->kind == MT_NUMBER)
		node = node->kid[0];
	return node->kind == MT_VAR && node->len == 1 && strchr("mgshL", node->text[0]);
}

/* 2, and {2}: x{2} looks like x2 */
static int shows_number(struct parser *p)
{
	return at_kind(p, TK_NUM) || (at_op(p, TK_OPEN, '{') && peek_at(p, 1)->kind == TK_NUM);
}

struct math_node *mt_term(struct parser *p)
{
	size_t mark = p->n_st, factors = 1;
	int spaced = 0;
	struct math_node *node = mt_factor(p, 1);

	if (mt_push(p, node))
		return NULL;
	for (;;) {
		struct tok *t = peek(p);

		if (t->kind == TK_MUL) {
			next(p);
			if (mt_push(p, mt_factor(p, 1)))
				return NULL;
		} else if (t->kind == TK_DIV && !mt_unit_follows(p)) {
			next(p);
			node = unboxed(product(p, mark));
			node = mt_two(p, MT_DIV, 0, node, unboxed(mt_factor(p, 1)));
			if (mt_push(p, node))
				return NULL;
		} else if (shows_number(p) ? before_number(p->st[p->n_st - 1]) : mt_starts_factor(p)) {
			spaced = t->flags & TF_SPACE;
			if (mt_push(p, mt_factor(p, 0)))
				return NULL;
			factors++;
			continue;
		} else {
			break;
		}
		factors = 3;
	}
	node = product(p, mark);
	if (node && node->kind == MT_MUL && factors == 2 && spaced && is_unit_letter(node->kid[1]))
		node->flags |= MT_F_MAYBE_UNIT;
	return node;
}

/* A term of a sum with its unit: 3 cm + 4 cm. */
static struct math_node *term_of_sum(struct parser *p, int *units)
{
	struct math_node *node = mt_term(p);
	size_t ahead = 0;

	if (!node || !mt_unit_follows(p))
		return node;
	if (*units)
		return mt_unit(p, node);
	while (peek_at(p, ahead)->kind == TK_WORD)
		ahead++;
	*units = peek_at(p, ahead)->kind == TK_PLUS || peek_at(p, ahead)->kind == TK_MINUS;
	return *units ? mt_unit(p, node) : node;
}

/* -(5 cm) is (-5) cm */
static struct math_node *negative_unit(struct math_node *node)
{
	struct math_node *unit = node->kind == MT_NEG ? node->kid[0] : NULL;

	if (!unit || unit->kind != MT_UNIT || unit->op == MU_ORDINAL)
		return node;
	node->kid[0] = unit->kid[0];
	unit->kid[0] = node;
	return unit;
}

struct math_node *mt_sum(struct parser *p)
{
	size_t mark = p->n_st;
	int units = 0;
	struct math_node *node;

	if (at_kind(p, TK_PM)) {
		int op = peek(p)->op;

		next(p);
		node = mt_one(p, MT_PM, op, term_of_sum(p, &units));
	} else if (eat(p, TK_MINUS)) {
		node = mt_one(p, MT_NEG, 0, term_of_sum(p, &units));
	} else {
		eat(p, TK_PLUS);
		node = term_of_sum(p, &units);
	}
	for (;;) {
		struct tok *t = peek(p);

		if (mt_push(p, node))
			return NULL;
		if (t->kind != TK_PLUS && t->kind != TK_MINUS && t->kind != TK_PM)
			break;
		next(p);
		if (t->kind == TK_PM) {
			node = p->n_st == mark + 1 ? p->st[--p->n_st] : mt_gather(p, MT_ADD, 0, mark);
			node = mt_two(p, MT_PM, t->op, node, term_of_sum(p, &units));
			continue;
		}
		node = term_of_sum(p, &units);
		if (t->kind == TK_MINUS)
			node = mt_one(p, MT_NEG, 0, node);
	}
	if (p->n_st == mark + 1) {
		p->n_st = mark;
		return negative_unit(p->st[mark]);
	}
	/* \mathbb{R} - \{0\} */
	if (p->n_st == mark + 2 && p->st[mark]->kind == MT_SETNAME && p->st[mark + 1]->kind == MT_NEG &&
	    p->st[mark + 1]->kid[0]->kind == MT_SET) {
		p->st[mark + 1] = p->st[mark + 1]->kid[0];
		return mt_gather(p, MT_SETMINUS, 0, mark);
	}
	return mt_gather(p, MT_ADD, 0, mark);
}

/* ---- sets, relations, lists ---- */

/* True if these braces are followed by a union or another set operation. */
static int joined_sets(struct parser *p)
{
	int deep = 0;

	for (size_t i = 0; i < 64; i++) {
		const struct tok *t = peek_at(p, i);

		deep += t->kind == TK_OPEN ? 1 : t->kind == TK_CLOSE ? -1 : 0;
		if (deep > 0 && t->kind != TK_END)
			continue;
		t = peek_at(p, i + 1);
		return t->kind == TK_UNION || t->kind == TK_INTER || t->kind == TK_SETMINUS;
	}
	return 0;
}

struct math_node *mt_set_expr(struct parser *p)
{
	size_t mark = p->n_st;
	struct math_node *node;
	int kind = 0;

	/* {-1} U [0, 7) */
	if (at_op(p, TK_OPEN, '{') && joined_sets(p))
		mt_as_set(p);
	node = mt_sum(p);

	for (;;) {
		int t = peek(p)->kind;
		int now = t == TK_UNION      ? MT_UNION
		          : t == TK_INTER    ? MT_INTER
		          : t == TK_SETMINUS ? MT_SETMINUS
		                             : 0;

		if (mt_push(p, node))
			return NULL;
		if (kind && now != kind) {
			node = mt_gather(p, kind, 0, mark);
			kind = 0;
			if (!now)
				return node;
			if (mt_push(p, node))
				return NULL;
		}
		if (!now)
			break;
		if (kind == MT_SETMINUS && mt_push(p, mt_gather(p, kind, 0, mark)))
			return NULL;
		kind = now;
		next(p);
		mt_as_set(p);
		node = mt_sum(p);
	}
	p->n_st = mark;
	return node;
}

static int clock_like(const struct tok *first, const struct tok *second)
{
	return first->kind == TK_NUM && second->kind == TK_NUM && second->width == 2 &&
	       first->width <= 2 && !first->decimals && !second->decimals &&
	       second->s[0] < (second->len == 2 ? '6' : ':') &&
	       (first->len == 1 || first->s[0] < '2' || (first->s[0] == '2' && first->s[1] < '5'));
}

/* a \over b, n \choose k: everything before and everything after, as in TeX. */
static struct math_node *infix_fraction(struct parser *p, struct math_node *node)
{
	int choose = at_kind(p, TK_CHOOSE);

	next(p);
	return mt_two(p, choose ? MT_FUNC : MT_DIV, choose ? MF_BINOM : 0, unboxed(node),
	              unboxed(mt_sum(p)));
}

/* 10 \pmod 7, 10 (mod 7); 10 \bmod 7 is the remainder */
static struct math_node *modulo(struct parser *p, struct math_node *node)
{
	int bracket = eat_op(p, TK_OPEN, '('), op = bracket ? 'p' : peek(p)->op;
	struct math_node *m;

	next(p);
	m = bracket ? mt_sum(p) : mt_power(p);
	if (bracket && !eat_op(p, TK_CLOSE, '('))
		return NULL;
	return mt_two(p, op == 'p' ? MT_MOD : MT_FUNC, op == 'p' ? 0 : MF_REM, node, m);
}

static int at_modulo(struct parser *p)
{
	return at_kind(p, TK_MOD) || (at_op(p, TK_OPEN, '(') && peek_at(p, 1)->kind == TK_MOD);
}

/* 3 to 2 */
static int is_to(struct parser *p)
{
	return at_kind(p, TK_WORD) && peek(p)->len == 2 && !memcmp(peek(p)->s, "to", 2) &&
	       peek_at(p, 1)->kind == TK_NUM;
}

static struct math_node *value(struct parser *p)
{
	size_t mark = p->n_st;
	struct tok *first = peek(p);
	struct math_node *node;

	node = at_kind(p, TK_WORD) ? mt_words(p) : mt_set_expr(p);
	if (node && at_kind(p, TK_AND))
		node = mt_and_a_half(p, node);
	if (node && (at_kind(p, TK_OVER) || at_kind(p, TK_CHOOSE)))
		node = infix_fraction(p, node);
	if (node && (at_kind(p, TK_COLON) || is_to(p)) && !p->set) {
		int clock = p->tok[p->i - 1].kind == TK_NUM && clock_like(first, peek_at(p, 1));

		if (mt_push(p, node))
			return NULL;
		while (at_kind(p, TK_COLON) || is_to(p)) {
			next(p);
			if (mt_push(p, mt_sum(p)))
				return NULL;
		}
		node = mt_gather(p, MT_RATIO, 0, mark);
		if (node && clock)
			node->flags |= MT_F_CLOCK;
	}
	if (node && mt_unit_follows(p))
		node = mt_unit(p, node);
	while (node && at_modulo(p))
		node = modulo(p, node);
	return node;
}

static struct math_node *item(struct parser *p)
{
	size_t mark = p->n_st;
	char ops[64];
	size_t n = 0;
	struct math_node *node;

	/* "= 5", "about 8.24" */
	if (at_op(p, TK_REL, '=') || at_op(p, TK_REL, '~'))
		next(p);
	node = value(p);
	while (at_kind(p, TK_REL)) {
		if (n == sizeof ops || mt_push(p, node))
			return NULL;
		ops[n++] = (char)peek(p)->op;
		next(p);
		if (strchr("enc", ops[n - 1]))
			mt_as_set(p);
		node = value(p);
	}
	/* x \equiv 10 \mod 7 means \pmod */
	if (n && node && ops[n - 1] == 'm' && node->kind == MT_FUNC && node->op == MF_REM)
		*node = (struct math_node){.kind = MT_MOD, .n = 2, .kid = node->kid, .text = ""};
	if (!n || mt_push(p, node))
		return n ? NULL : node;
	node = mt_gather(p, MT_REL, 0, mark);
	if (!node || !(node->text = mt_text(p, ops, n)))
		return NULL;
	node->len = (uint32_t)n;
	return node;
}

static int is_separator(int kind)
{
	return kind == TK_COMMA || kind == TK_SEMI || kind == TK_AND || kind == TK_OR || kind == TK_ROW;
}

int mt_items(struct parser *p, int *op)
{
	int n = 0;

	*op = ',';
	while (is_separator(peek(p)->kind))
		return -1;
	for (;;) {
		struct math_node *node;

		if (at_kind(p, TK_END) || at_kind(p, TK_CLOSE))
			return n;
		node = item(p);
		if (mt_push(p, node))
			return -1;
		n++;
		while (eat(p, TK_DOT))
			;
		/* 3 hours 20 minutes */
		if ((node->kind == MT_UNIT && at_kind(p, TK_NUM)) ||
		    ((peek(p)->flags & TF_WIDE) && !is_separator(peek(p)->kind)))
			continue;
		if (!is_separator(peek(p)->kind))
			return n;
		while (is_separator(peek(p)->kind)) {
			if (at_kind(p, TK_OR))
				*op = *op == 'a' || *op == 'm' ? 'm' : 'o';
			else if (at_kind(p, TK_AND))
				*op = *op == 'o' || *op == 'm' ? 'm' : 'a';
			next(p);
		}
	}
}
