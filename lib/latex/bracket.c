/* SPDX-License-Identifier: MIT */
/* Parses brackets: groups, points and intervals, sets, absolute values, matrices. */
#include "base/base.h"
#include "latex/inside.h"

/* Items up to this closing bracket, which is not consumed; in a set, | and : end them too. */
static int inside(struct parser *p, int set, int *op)
{
	int bar = p->bar, was_set = p->set, n;

	p->bar = p->set = set;
	n = mt_items(p, op);
	p->bar = bar;
	p->set = was_set;
	return n;
}

static struct math_node *round_or_square(struct parser *p)
{
	size_t mark = p->n_st;
	int open = peek(p)->op, french = peek(p)->flags & TF_FRENCH, close, op, n;
	struct math_node *node;

	next(p);
	n = inside(p, 0, &op);
	close = peek(p)->op;
	french |= peek(p)->flags & TF_FRENCH;
	if (n < 1 || op == 'o' || !at_kind(p, TK_CLOSE) ||
	    !(close == open || (open != '<' && (close == '(' || close == '['))))
		return NULL;
	next(p);
	if (french && n != 2)
		return NULL;
	/* [ ] around an array belong to the matrix */
	if (n == 1 && open == '[' && close == '[' && p->st[mark]->kind == MT_MATRIX &&
	    p->st[mark]->op == 'p') {
		p->n_st = mark;
		return p->st[mark];
	}
	if (n == 1 && open == '(' && close == '(') {
		p->n_st = mark;
		node = p->st[mark];
		node->flags |= MT_F_PAREN;
		return node;
	}
	node = mt_gather(p, MT_TUPLE, 0, mark);
	if (!node)
		return NULL;
	node->open = (char)open;
	node->close = close == '(' ? ')' : close == '[' ? ']' : '>';
	return node;
}

/* After the opening brace: elements, or x with conditions behind a bar. */
static struct math_node *set(struct parser *p, int closing)
{
	size_t mark = p->n_st;
	int op, n, builder = 0;

	if (eat_op(p, TK_CLOSE, closing))
		return mt_node(p, MT_EMPTY, 0);
	n = inside(p, 1, &op);
	if (n == 1 && (at_kind(p, TK_BAR) || at_kind(p, TK_MID) || at_kind(p, TK_COLON))) {
		next(p);
		builder = 1;
		n = inside(p, 0, &op);
	}
	if (n < 1 || (op == 'o' && n > 1) || !eat_op(p, TK_CLOSE, closing))
		return NULL;
	return mt_gather(p, builder ? MT_BUILDER : MT_SET, 0, mark);
}

void mt_as_set(struct parser *p)
{
	int deep = 0;

	if (!at_op(p, TK_OPEN, '{'))
		return;
	for (size_t i = p->i; i < p->n_tok; i++) {
		struct tok *t = &p->tok[i];

		deep += t->kind == TK_OPEN ? 1 : t->kind == TK_CLOSE ? -1 : 0;
		if (deep)
			continue;
		if (t->op == '{')
			t->op = peek(p)->op = 'S';
		return;
	}
}

static struct math_node *group(struct parser *p)
{
	size_t mark = p->n_st;
	int op, n;
	struct math_node *node;

	next(p);
	n = inside(p, 0, &op);
	if (n < 1)
		return NULL;
	if (n == 1) {
		p->n_st = mark;
		node = p->st[mark];
		if (node->kind == MT_TEXT)
			return NULL;
	} else {
		node = mt_gather(p, MT_SET, 0, mark);
	}
	return eat_op(p, TK_CLOSE, '{') ? node : NULL;
}

struct math_node *mt_bracket(struct parser *p)
{
	int open = peek(p)->op, bar = p->bar;
	struct math_node *node;

	switch (open) {
	case '{':
		return group(p);
	case 'S':
		next(p);
		return set(p, 'S');
	case 'f':
	case 'c':
		next(p);
		p->bar = 0;
		node = mt_sum(p);
		p->bar = bar;
		node = mt_one(p, MT_FUNC, open == 'f' ? MF_FLOOR : MF_CEIL, node);
		return eat_op(p, TK_CLOSE, open) ? node : NULL;
	}
	return round_or_square(p);
}

static struct math_node *norm(struct parser *p, struct math_node *node)
{
	node = mt_one(p, MT_APPLY, 0, node);
	if (node) {
		node->text = "norm";
		node->len = 4;
	}
	return node;
}

struct math_node *mt_bars(struct parser *p)
{
	int kind = peek(p)->kind, bar = p->bar;
	struct math_node *node;

	if (peek(p)->op == 'r')
		return NULL;
	next(p);
	p->bar = 1;
	node = mt_sum(p);
	p->bar = bar;
	if (!node || peek(p)->op == 'l' || !eat(p, kind))
		return NULL;
	if (kind == TK_NORM)
		return norm(p, node);
	if (node->kind == MT_MATRIX) {
		node->op = 'v';
		return node;
	}
	return mt_one(p, MT_FUNC, MF_ABS, node);
}

struct math_node *mt_matrix(struct parser *p)
{
	size_t mark = p->n_st;
	int op = peek(p)->op, bar = p->bar;
	uint32_t rows = 0, cols = 0, n = 0;
	struct math_node *node;

	next(p);
	p->bar = 0;
	for (;;) {
		if (mt_push(p, mt_sum(p)))
			return NULL;
		n++;
		if (eat(p, TK_AMP))
			continue;
		if (rows && n != cols)
			return NULL;
		cols = n;
		n = 0;
		rows++;
		if (!eat(p, TK_ROW) || at_kind(p, TK_FINISH))
			break;
	}
	p->bar = bar;
	if (!eat(p, TK_FINISH))
		return NULL;
	node = mt_gather(p, MT_MATRIX, op, mark);
	if (!node)
		return NULL;
	node->rows = rows;
	node->cols = cols;
	if (op == 'V') {
		node->op = 'p';
		return norm(p, node);
	}
	return node;
}

struct math_node *mt_determinant(struct parser *p)
{
	struct math_node *node;

	next(p);
	node = mt_primary(p);
	if (!node || node->kind != MT_MATRIX || node->op != 'p')
		return NULL;
	node->op = 'v';
	return node;
}
