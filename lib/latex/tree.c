/* SPDX-License-Identifier: MIT */
/* Parses a whole answer: its plain text, readings possible only for a whole answer, and its
 * memory. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

static int is_alnum(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

void mt_spell_number(struct parser *p, const struct tok *t)
{
	char *to = p->chr + p->n_chr;
	size_t zeros = t->decimals >= t->len ? t->decimals + 1 - t->len : 0, n = zeros + t->len,
	       whole = n - t->decimals;

	for (size_t i = 0; i < n; i++) {
		if (i == whole)
			*to++ = '.';
		if (t->repeat && i == n - t->repeat)
			*to++ = '(';
		/* 70,110 may be two numbers */
		if ((t->flags & TF_GROUPED) && i && i < whole && (whole - i) % 3 == 0)
			*to++ = ',';
		*to++ = i < zeros ? '0' : t->s[i - zeros];
	}
	p->n_chr = (size_t)(to - p->chr);
}

/* Spells the plain text from the tokens. */
static int spell(struct parser *p)
{
	struct math_tree *tree = p->tree;
	size_t start = p->n_chr;
	int last_long = 0, last = TK_END;

	tree->plain = p->chr + start;
	for (size_t i = 0; i + 1 < p->n_tok; i++) {
		const struct tok *t = &p->tok[i];
		int number = t->kind == TK_NUM, lengthy = t->len > 1 && !number;

		if (p->chr_cap - p->n_chr < 2 * (size_t)t->len + t->decimals + 8)
			return -1;
		if (p->n_chr > start && t->len && is_alnum((unsigned char)t->s[0]) &&
		    ((is_alnum((unsigned char)p->chr[p->n_chr - 1]) &&
		      (last_long || lengthy || (last == TK_NUM && number))) ||
		     (last == TK_DOT && number) ||
		     ((t->flags & TF_WIDE) && last != TK_COMMA && last != TK_SEMI)))
			p->chr[p->n_chr++] = ' ';
		if (number) {
			mt_spell_number(p, t);
		} else {
			for (size_t k = 0; k < t->len; k++)
				p->chr[p->n_chr++] = t->s[k] ? t->s[k] : '\1';
		}
		last_long = lengthy;
		last = t->kind;
	}
	/* drop the dot of "5.", but not those of "5..." */
	for (size_t i = p->n_tok - 1; i && p->tok[i - 1].kind == TK_DOT; i--)
		p->n_chr--;
	tree->n_plain = p->n_chr - start;
	p->chr[p->n_chr++] = 0;
	return 0;
}

/* 70,110: adds the list of 70 and 110 as the number's kid. */
static void other_reading(struct parser *p, struct math_node *number)
{
	size_t mark = p->n_st, first = number->len - number->decimals;
	struct math_node *list;

	if (number->decimals)
		return;
	for (size_t at = (number->len - 1) % 3 + 1; at < number->len; at += 3)
		if (number->text[at] == '0')
			return;
	first = (first - 1) % 3 + 1;
	for (size_t at = 0; at < number->len; at += at ? 3 : first) {
		const char *s = number->text + at;
		size_t n = at ? 3 : first;
		struct math_node *kid;

		kid = mt_leaf(p, MT_NUMBER, 0, s, n);
		if (mt_push(p, kid))
			return;
	}
	list = mt_gather(p, MT_LIST, ',', mark);
	if (!list || mt_push(p, list) || p->n_kid == p->kid_cap)
		return;
	number->kid = &p->kid[p->n_kid++];
	number->kid[0] = list;
	number->n = 1;
	number->flags |= MT_F_GROUPED;
	p->n_st = mark;
}

/* {1, 2}, {x | x > 1}: treats braces around the whole answer, invisible in TeX, as a set's. */
static void ascii_set(struct parser *p)
{
	struct tok *last = &p->tok[p->n_tok - 2];
	int deep = 0, several = 0;

	for (size_t i = p->i; i + 1 < p->n_tok; i++) {
		const struct tok *t = &p->tok[i];

		deep += t->kind == TK_OPEN ? 1 : t->kind == TK_CLOSE ? -1 : 0;
		several |= deep == 1 && (t->kind == TK_COMMA || t->kind == TK_MID || t->kind == TK_COLON ||
		                         t->kind == TK_BAR);
		if (!deep && t != last)
			return;
	}
	if (several && last->kind == TK_CLOSE && last->op == '{')
		peek(p)->op = last->op = 'S';
}

/* 1,22 and -0,5, without space: two numbers, or one with a decimal comma. */
static void decimal_comma(struct parser *p, struct math_node *list)
{
	size_t minus = p->tok[0].kind == TK_MINUS;
	const struct tok *whole = &p->tok[minus], *part = &p->tok[minus + 2];

	if (p->n_tok != minus + 4 || whole->kind != TK_NUM || p->tok[minus + 1].kind != TK_COMMA ||
	    part->kind != TK_NUM || whole->decimals || part->decimals ||
	    (part->flags | p->tok[minus + 1].flags) & TF_SPACE)
		return;
	list->flags |= MT_F_COMMA;
	list->decimals = part->width;
}

static struct math_node *whole(struct parser *p)
{
	size_t mark = p->n_st;
	int op, n;
	struct math_node *node;

	if (at_op(p, TK_OPEN, '{') && peek_at(p, 1)->kind == TK_CLOSE && peek_at(p, 2)->kind == TK_END)
		return mt_node(p, MT_EMPTY, 0);
	/* **5** */
	if (p->n_tok > 3 && at_kind(p, TK_POW) && p->tok[p->n_tok - 2].kind == TK_POW) {
		next(p);
		p->tok[p->n_tok - 2].kind = TK_END;
	}
	if (at_op(p, TK_OPEN, '{'))
		ascii_set(p);
	n = mt_items(p, &op);
	if (n < 1 || !at_kind(p, TK_END))
		return NULL;
	if (n > 1) {
		node = mt_gather(p, MT_LIST, op, mark);
		if (node && n == 2)
			decimal_comma(p, node);
		return node;
	}
	node = p->st[mark];
	if (node->kind == MT_NUMBER && (p->tok[0].flags & TF_GROUPED))
		other_reading(p, node);
	/* (B) */
	if (node->kind == MT_VAR && (node->flags & MT_F_PAREN) && node->len == 1)
		node->flags |= MT_F_WORD;
	return node;
}

/* The whole answer as words, if most of it is words. */
static struct math_node *all_words(struct parser *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->n_tok; i++) {
		if (p->tok[i].kind == TK_BAD)
			return NULL;
		count += p->tok[i].kind == TK_WORD || p->tok[i].kind == TK_AND || p->tok[i].kind == TK_OR;
	}
	if (!count || 2 * count < p->n_tok - 1)
		return NULL;
	return mt_leaf(p, MT_TEXT, 0, p->tree->plain, p->tree->n_plain);
}

static int too_high(const struct math_node *node, int left)
{
	for (uint32_t i = 0; i < node->n; i++)
		if (!left || too_high(node->kid[i], left - 1))
			return 1;
	return 0;
}

static size_t rounded(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

struct math_tree *math_parse(const char *s, size_t n)
{
	struct parser p = {0};
	size_t use = n > MT_MAX_INPUT ? 0 : n, at;
	size_t toks, nodes, kids, stack;
	char *block;

	p.tok_cap = 4 * use + 8;
	p.node_cap = 3 * use + 16;
	p.kid_cap = p.st_cap = 4 * use + 32;
	p.chr_cap = 12 * use + 64;
	at = rounded(sizeof *p.tree);
	toks = at;
	at += rounded((p.tok_cap + 2) * sizeof *p.tok);
	nodes = at;
	at += rounded(p.node_cap * sizeof *p.node);
	kids = at;
	at += rounded(p.kid_cap * sizeof *p.kid);
	stack = at;
	at += rounded(p.st_cap * sizeof *p.st);
	block = xmalloc(at + p.chr_cap);
	p.tree = (struct math_tree *)block;
	p.tok = (struct tok *)(block + toks);
	p.node = (struct math_node *)(block + nodes);
	p.kid = (struct math_node **)(block + kids);
	p.st = (struct math_node **)(block + stack);
	p.chr = block + at;
	*p.tree = (struct math_tree){.plain = ""};
	if (n > MT_MAX_INPUT || mt_lex(&p, s, n) || spell(&p))
		return p.tree;
	p.tree->root = whole(&p);
	if (p.tree->root && too_high(p.tree->root, MT_MAX_HEIGHT))
		p.tree->root = NULL;
	if (!p.tree->root) {
		p.n_node = p.n_kid = p.n_st = 0;
		p.tree->root = all_words(&p);
	}
	p.tree->n_nodes = p.n_node;
	return p.tree;
}

void math_tree_free(struct math_tree *t)
{
	free(t);
}
