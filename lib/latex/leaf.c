/* SPDX-License-Identifier: MIT */
/* Parses numbers, numerals in other bases, and names. */
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

enum { NAME_MAX_LEN = 64 };

/* ---- numbers ---- */

static int is_base(const struct tok *t)
{
	static const struct { const char *name; int base; } named[] = {
		{"two", 2}, {"three", 3}, {"four", 4}, {"five", 5}, {"six", 6}, {"seven", 7}, {"eight", 8},
		{"nine", 9}, {"ten", 10}, {"eleven", 11}, {"twelve", 12}, {"thirteen", 13},
		{"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16}, {"twenty", 20},
	};
	int base;

	if (t->kind == TK_WORD) {
		for (size_t i = 0; i < LEN(named); i++)
			if (t->len == strlen(named[i].name) && !memcmp(t->s, named[i].name, t->len))
				return named[i].base;
		return 0;
	}
	if (t->kind != TK_NUM || t->decimals || t->len > 2)
		return 0;
	base = t->len == 1 ? t->s[0] - '0' : (t->s[0] - '0') * 10 + t->s[1] - '0';
	return base >= 2 && base <= 36 ? base : 0;
}

struct math_node *mt_in_base(struct parser *p, const char *digits, size_t n, uint32_t decimals)
{
	struct math_node *node;
	int braced, bracket, base;

	next(p);
	braced = eat_op(p, TK_OPEN, '{');
	bracket = braced && eat_op(p, TK_OPEN, '(');
	/* 12_{\text{base 8}} */
	if (braced && at_kind(p, TK_WORD) && peek(p)->len == 4 && !memcmp(peek(p)->s, "base", 4))
		next(p);
	base = is_base(peek(p));
	next(p);
	if (!base || (bracket && !eat_op(p, TK_CLOSE, '(')) || (braced && !eat_op(p, TK_CLOSE, '{')))
		return NULL;
	for (size_t i = 0; i < n; i++)
		if ((digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'A' + 10) >= base)
			return NULL;
	for (; n > 1 && *digits == '0'; digits++)
		n--;
	node = mt_leaf(p, MT_BASE, 0, digits, n);
	if (!node)
		return NULL;
	node->decimals = decimals;
	node->num = (uint32_t)base;
	return node;
}

/* 152A_{11}: the digits and letters up to the _; number of tokens, 0 if not of that form. */
static size_t mixed_digits(struct parser *p, char *out, size_t *n)
{
	size_t ahead = 0;
	int letters = 0;

	*n = 0;
	for (;; ahead++) {
		const struct tok *t = peek_at(p, ahead);
		size_t zeros = t->kind == TK_NUM && ahead && t->width > t->len ? t->width - t->len : 0;

		if (t->kind == TK_SUB)
			return letters ? ahead : 0;
		if (ahead && (t->flags & TF_SPACE))
			return 0;
		if (!(t->kind == TK_NUM && !t->decimals) &&
		    !(t->kind == TK_VAR && t->len == 1 && t->s[0] >= 'A' && t->s[0] <= 'Z'))
			return 0;
		if (*n + zeros + t->len > NAME_MAX_LEN)
			return 0;
		memset(out + *n, '0', zeros);
		memcpy(out + *n + zeros, t->s, t->len);
		*n += zeros + t->len;
		letters |= t->kind == TK_VAR;
	}
}

/* An integer, with or without TeX braces, *ahead tokens on: its token; *ahead moves past it. */
static const struct tok *integer_at(struct parser *p, size_t *ahead)
{
	int braced = peek_at(p, *ahead)->kind == TK_OPEN && peek_at(p, *ahead)->op == '{';
	const struct tok *t;

	*ahead += (size_t)braced;
	t = peek_at(p, *ahead);
	if (t->kind != TK_NUM || t->decimals || (t->flags & TF_GROUPED))
		return NULL;
	++*ahead;
	if (braced && (peek_at(p, *ahead)->kind != TK_CLOSE || peek_at(p, (*ahead)++)->op != '{'))
		return NULL;
	return t;
}

static int below(const char *a, size_t n, const char *b, size_t m)
{
	return n != m ? n < m : memcmp(a, b, n) < 0;
}

/* True if a proper fraction of integers follows, as after 3 in 3\frac12. */
static int proper_fraction(struct parser *p)
{
	size_t ahead = 1;
	const struct tok *a, *b;

	if (at_kind(p, TK_NUM)) {
		/* 3 1/2 */
		b = peek_at(p, 2);
		return (peek(p)->flags & TF_SPACE) && !peek(p)->decimals && peek_at(p, 1)->kind == TK_DIV &&
		       b->kind == TK_NUM && !b->decimals && !(b->flags & TF_SPACE) &&
		       !(peek_at(p, 1)->flags & TF_SPACE) && below(peek(p)->s, peek(p)->len, b->s, b->len);
	}
	if (!at_kind(p, TK_FRAC))
		return 0;
	a = integer_at(p, &ahead);
	if (!a)
		return 0;
	/* \frac12: both digits are in one token */
	if (ahead == 2 && a->len > 1)
		return a->len == 2 && a->width == 2 && a->s[0] < a->s[1];
	b = integer_at(p, &ahead);
	if (!b)
		return 0;
	return below(a->s, a->len, b->s, peek_at(p, ahead - 1)->kind == TK_CLOSE ? b->len : 1);
}

struct math_node *mt_numeral(struct parser *p)
{
	const struct tok *t = peek(p);
	struct math_node *node, *fraction;
	char digits[NAME_MAX_LEN];
	size_t n, ahead = 0;

	if (peek_at(p, 1)->kind == TK_VAR)
		ahead = mixed_digits(p, digits, &n);
	if (ahead) {
		p->i += ahead;
		return mt_in_base(p, digits, n, 0);
	}
	next(p);
	if (at_kind(p, TK_SUB))
		return t->repeat ? NULL : mt_in_base(p, t->s, t->len, t->decimals);
	node = mt_leaf(p, MT_NUMBER, 0, t->s, t->len);
	if (!node)
		return NULL;
	node->decimals = t->decimals;
	node->repeat = t->repeat;
	if (t->decimals || !proper_fraction(p))
		return node;
	if (at_kind(p, TK_FRAC)) {
		fraction = mt_primary(p);
	} else {
		fraction = mt_two(p, MT_DIV, 0, mt_leaf(p, MT_NUMBER, 0, peek(p)->s, peek(p)->len),
		                    mt_leaf(p, MT_NUMBER, 0, peek_at(p, 2)->s, peek_at(p, 2)->len));
		p->i += 3;
	}
	return mt_two(p, MT_MIXED, 0, node, fraction);
}

/* ---- names ---- */

struct spelling {
	char s[NAME_MAX_LEN];
	size_t n;
};

static int spell_on(struct spelling *name, const char *s, size_t n)
{
	if (n > sizeof name->s - name->n)
		return -1;
	memcpy(name->s + name->n, s, n);
	name->n += n;
	return 0;
}

static int is_capital(const struct tok *t)
{
	return t->kind == TK_VAR && t->len == 1 && t->s[0] >= 'A' && t->s[0] <= 'Z';
}

/* A subscript, after the _: {n+1}, 1, k. */
static int subscript(struct parser *p, struct spelling *name)
{
	int braced = eat_op(p, TK_OPEN, '{');

	if (spell_on(name, "_", 1))
		return -1;
	do {
		const struct tok *t = peek(p);

		switch (t->kind) {
		case TK_NUM:
			if (t->decimals)
				return -1;
			break;
		case TK_PLUS: case TK_MINUS: case TK_COMMA: case TK_DIV: case TK_MUL:
			if (!braced)
				return -1;
			break;
		case TK_VAR: case TK_CONST: case TK_WORD:
			break;
		default:
			return -1;
		}
		if (spell_on(name, t->s, t->len))
			return -1;
		next(p);
	} while (braced && !at_kind(p, TK_CLOSE));
	return braced && !eat_op(p, TK_CLOSE, '{') ? -1 : 0;
}

/* Number of tokens of ' or ^{\prime} or ^\prime. */
static size_t prime_tokens(struct parser *p)
{
	if (at_kind(p, TK_PRIME))
		return 1;
	if (!at_kind(p, TK_POW))
		return 0;
	if (peek_at(p, 1)->kind == TK_PRIME)
		return 2;
	return peek_at(p, 1)->kind == TK_OPEN && peek_at(p, 2)->kind == TK_PRIME &&
	               peek_at(p, 3)->kind == TK_CLOSE
	           ? 4
	           : 0;
}

/* \overline{AB}, \vec{v}, \bar x */
static struct math_node *accented(struct parser *p)
{
	const struct tok *accent = peek(p);
	struct spelling name = {.n = 0};
	size_t from, n = 0, capitals = 0;
	int braced;
	struct math_node *node;

	next(p);
	from = p->i;
	braced = at_op(p, TK_OPEN, '{');
	if (braced)
		next(p);
	while (at_kind(p, TK_VAR) || at_kind(p, TK_CONST)) {
		capitals += (size_t)is_capital(peek(p));
		n++;
		if (spell_on(&name, peek(p)->s, peek(p)->len))
			return NULL;
		next(p);
		if (!braced)
			break;
	}
	if (n && (!braced || eat_op(p, TK_CLOSE, '{')) &&
	    (accent->op == 'v' || (accent->op == 'o' && capitals == n && n > 1)))
		return mt_leaf(p, MT_VAR, 0, name.s, name.n);
	if (accent->op == 'b') {
		char both[2 * NAME_MAX_LEN];
		struct spelling whole = {.n = 0};

		if (n != 1 || (braced && p->tok[p->i - 1].kind != TK_CLOSE) ||
		    spell_on(&whole, accent->s, accent->len) || spell_on(&whole, " ", 1) ||
		    spell_on(&whole, name.s, name.n))
			return NULL;
		memcpy(both, whole.s, whole.n);
		return mt_leaf(p, MT_VAR, 0, both, whole.n);
	}
	if (accent->op != 'o')
		return NULL;
	p->i = from;
	node = mt_primary(p);
	/* not the misplaced bar of a recurring decimal */
	return node && node->kind != MT_NUMBER ? mt_one(p, MT_FUNC, MF_CONJ, node) : NULL;
}

/* \angle ABC */
static struct math_node *shape(struct parser *p)
{
	const struct tok *t = peek(p);
	struct spelling name = {.n = 0};
	size_t n = 0;
	int braced;

	next(p);
	if (spell_on(&name, t->s, t->len) || spell_on(&name, " ", 1))
		return NULL;
	braced = eat_op(p, TK_OPEN, '{');
	for (; (at_kind(p, TK_VAR) || at_kind(p, TK_CONST)) && n < 6; n++) {
		if (spell_on(&name, peek(p)->s, peek(p)->len))
			return NULL;
		next(p);
	}
	if (!n || (braced && !eat_op(p, TK_CLOSE, '{')))
		return NULL;
	return mt_leaf(p, MT_VAR, 0, name.s, name.n);
}

/* f^{-1}( */
static int inverse_tokens(struct parser *p)
{
	const struct tok *one = peek_at(p, 3);

	return at_kind(p, TK_POW) && peek_at(p, 1)->kind == TK_OPEN &&
	       peek_at(p, 2)->kind == TK_MINUS && one->kind == TK_NUM && one->len == 1 &&
	       one->s[0] == '1' && peek_at(p, 4)->kind == TK_CLOSE && peek_at(p, 5)->kind == TK_OPEN &&
	       peek_at(p, 5)->op == '(';
}

/* True if name( is a function application: always for f and g; for F, h and similar if the brackets
 * hold one letter or number; for any name if the answer starts with p(x) =. */
static int is_applied(struct parser *p, const struct tok *t)
{
	const struct tok *in = peek_at(p, 1), *close = peek_at(p, 2), *after = peek_at(p, 3);
	int one = (in->kind == TK_VAR || in->kind == TK_NUM) && close->kind == TK_CLOSE;

	if (!at_op(p, TK_OPEN, '(') || t->kind != TK_VAR)
		return 0;
	if (t->len == 1 && (t->s[0] == 'f' || t->s[0] == 'g'))
		return 1;
	if (one && t->len == 1 && strchr("FGhH", t->s[0]))
		return 1;
	return one && after->kind == TK_REL && after->op == '=' && t == &p->tok[0];
}

/* C(5,2) */
static int is_choice(struct parser *p, const struct tok *t)
{
	static const uint8_t shape[] = {TK_OPEN, TK_NUM, TK_COMMA, TK_NUM, TK_CLOSE};

	for (size_t i = 0; i < LEN(shape); i++)
		if (peek_at(p, i)->kind != shape[i])
			return 0;
	return t->kind == TK_VAR && t->len == 1 && t->s[0] == 'C' && peek(p)->op == '(';
}

static struct math_node *apply(struct parser *p, const struct spelling *name)
{
	size_t mark = p->n_st;
	struct math_node *node;
	int op, n, bar = p->bar, set = p->set;

	next(p);
	p->bar = p->set = 0;
	n = mt_items(p, &op);
	p->bar = bar;
	p->set = set;
	if (n < 1 || !eat_op(p, TK_CLOSE, '('))
		return NULL;
	node = mt_gather(p, MT_APPLY, 0, mark);
	if (!node || !(node->text = mt_text(p, name->s, name->n)))
		return NULL;
	node->len = (uint32_t)name->n;
	return node;
}

/* \text{A}, \text{A5}_{11} */
static struct math_node *from_text(struct parser *p)
{
	const struct tok *t = peek(p);
	struct math_node *node;

	if (peek_at(p, 1)->kind == TK_SUB && t->len <= NAME_MAX_LEN) {
		for (size_t i = 0; i < t->len; i++)
			if (!((t->s[i] >= '0' && t->s[i] <= '9') || (t->s[i] >= 'A' && t->s[i] <= 'Z')))
				return NULL;
		next(p);
		return mt_in_base(p, t->s, t->len, 0);
	}
	if (t->len != 1)
		return NULL;
	next(p);
	node = mt_leaf(p, MT_VAR, 0, t->s, 1);
	if (node)
		node->flags |= MT_F_WORD;
	return node;
}

/* FF_{16}: several letters in base 16; F_{16} is a name. */
static int is_hexadecimal(struct parser *p)
{
	size_t ahead = 0;
	const struct tok *t = peek(p);

	for (; is_capital(t) && t->s[0] <= 'F' && (!ahead || !(t->flags & TF_SPACE));
	     t = peek_at(p, ahead))
		ahead++;
	if (ahead < 2 || t->kind != TK_SUB)
		return 0;
	t = peek_at(p, ahead + 1);
	if (t->kind == TK_OPEN)
		t = peek_at(p, ahead + 2);
	return t->kind == TK_NUM && t->len == 2 && !memcmp(t->s, "16", 2);
}

struct math_node *mt_variable(struct parser *p)
{
	const struct tok *t = peek(p);
	struct spelling name = {.n = 0};
	size_t primes;

	if (t->kind == TK_WORD)
		return from_text(p);
	if (t->kind == TK_ACCENT)
		return accented(p);
	if (t->kind == TK_SHAPE)
		return shape(p);
	if (is_capital(t) && (is_hexadecimal(p) ||
	                      (peek_at(p, 1)->kind == TK_NUM && !(peek_at(p, 1)->flags & TF_SPACE)))) {
		char digits[NAME_MAX_LEN];
		size_t n, ahead = mixed_digits(p, digits, &n);

		p->i += ahead;
		return ahead ? mt_in_base(p, digits, n, 0) : NULL;
	}
	next(p);
	if (spell_on(&name, t->s, t->len))
		return NULL;
	if (eat(p, TK_SUB) && subscript(p, &name))
		return NULL;
	while ((primes = prime_tokens(p))) {
		p->i += primes;
		if (spell_on(&name, "'", 1))
			return NULL;
	}
	if (inverse_tokens(p) && t->kind == TK_VAR && t->len == 1 &&
	    (t->s[0] == 'f' || t->s[0] == 'g')) {
		p->i += 5;
		return spell_on(&name, "^-1", 3) ? NULL : apply(p, &name);
	}
	if (is_choice(p, t)) {
		struct math_node *n = mt_leaf(p, MT_NUMBER, 0, peek_at(p, 1)->s, peek_at(p, 1)->len);
		struct math_node *k = mt_leaf(p, MT_NUMBER, 0, peek_at(p, 3)->s, peek_at(p, 3)->len);

		if (peek_at(p, 1)->decimals || peek_at(p, 3)->decimals)
			return NULL;
		p->i += 5;
		return mt_two(p, MT_FUNC, MF_BINOM, n, k);
	}
	if (is_applied(p, t))
		return apply(p, &name);
	return mt_leaf(p, MT_VAR, 0, name.s, name.n);
}
