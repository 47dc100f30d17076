/* SPDX-License-Identifier: MIT */
/* Parses factors: powers, functions, fractions, roots and so on. */
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

int mt_starts_factor(struct parser *p)
{
	const struct tok *t = peek(p);

	if (t->flags & TF_WIDE)
		return 0;
	switch (t->kind) {
	case TK_VAR: case TK_CONST: case TK_FUNC: case TK_SQRT: case TK_BINOM: case TK_ACCENT:
	case TK_SHAPE: case TK_BEGIN:
	case TK_SERIES: case TK_DET:
		return 1;
	case TK_FRAC:
		return !mt_unit_follows(p);
	case TK_OPEN:
		return t->op != 'S' && peek_at(p, 1)->kind != TK_MOD;
	case TK_BAR:
		return t->op != 'r' && (!p->bar || t->op == 'l');
	}
	return 0;
}

struct math_node *mt_factor(struct parser *p, int sign)
{
	int minus = 0;
	struct math_node *node;

	while (sign && (at_kind(p, TK_MINUS) || at_kind(p, TK_PLUS))) {
		minus ^= at_kind(p, TK_MINUS);
		next(p);
	}
	node = mt_power(p);
	return node && minus ? mt_one(p, MT_NEG, 0, node) : node;
}

/* ---- powers and other postfix notation ---- */

static struct math_node *exponent(struct parser *p)
{
	struct math_node *node;

	if (p->depth >= MT_MAX_DEPTH)
		return NULL;
	p->depth++;
	if (eat(p, TK_MINUS))
		node = mt_one(p, MT_NEG, 0, exponent(p));
	else if (eat(p, TK_PLUS))
		node = exponent(p);
	else
		node = mt_primary(p);
	if (node && at_kind(p, TK_POW)) {
		next(p);
		node = mt_two(p, MT_POW, 0, node, exponent(p));
	}
	p->depth--;
	return node;
}

int mt_is_ordinal(const struct tok *t)
{
	return t->kind == TK_WORD && t->len == 2 &&
	       (!memcmp(t->s, "th", 2) || !memcmp(t->s, "st", 2) || !memcmp(t->s, "nd", 2) ||
	        !memcmp(t->s, "rd", 2));
}

static struct math_node *annotated(struct parser *p, struct math_node *node, int op,
                                   const char *text)
{
	node = mt_one(p, MT_UNIT, op, node);
	if (node) {
		node->text = text;
		node->len = (uint32_t)strlen(text);
	}
	return node;
}

/* ', '', ^\prime, ^{\prime\prime} `ahead` tokens on: number of tokens; *count: number of primes. */
static size_t primes_at(struct parser *p, size_t ahead, int *count)
{
	size_t at = ahead, braced;

	*count = 0;
	at += peek_at(p, at)->kind == TK_POW;
	braced = at > ahead && peek_at(p, at)->kind == TK_OPEN;
	at += braced;
	for (; peek_at(p, at)->kind == TK_PRIME && *count < 2; at++)
		++*count;
	return *count && (!braced || peek_at(p, at)->kind == TK_CLOSE) ? at + braced - ahead : 0;
}

/* Adds 30'15'' after degrees to them. */
static struct math_node *minutes(struct parser *p, struct math_node *node)
{
	static const char *const parts[] = {"60", "3600"};
	size_t mark = p->n_st, n;
	int last = 0, count;

	if (!at_kind(p, TK_NUM) || !primes_at(p, 1, &count))
		return node;
	if (mt_push(p, node))
		return NULL;
	while (at_kind(p, TK_NUM) && (n = primes_at(p, 1, &count)) && count > last) {
		node = mt_leaf(p, MT_NUMBER, 0, peek(p)->s, peek(p)->len);
		if (!node)
			return NULL;
		node->decimals = peek(p)->decimals;
		node = mt_two(p, MT_DIV, 0, node,
		              mt_leaf(p, MT_NUMBER, 0, parts[count - 1], strlen(parts[count - 1])));
		if (mt_push(p, node))
			return NULL;
		p->i += 1 + n;
		last = count;
	}
	return mt_gather(p, MT_ADD, 0, mark);
}

/* Parses a degree sign, braced as in ^{\circ} or not; C or F may follow. */
static struct math_node *degrees(struct parser *p, struct math_node *node, int braced)
{
	const struct tok *t;
	char c = 0;

	next(p);
	if (braced)
		next(p);
	t = peek(p);
	if ((t->kind == TK_VAR && t->len == 1) || t->kind == TK_WORD)
		c = t->len == 1 || (t->len == 7 && !memcmp(t->s, "Celsius", 7)) ||
		            (t->len == 10 && !memcmp(t->s, "Fahrenheit", 10))
		        ? t->s[0]
		        : 0;
	if (c != 'C' && c != 'F')
		return annotated(p, minutes(p, node), MU_DEGREE, "deg");
	next(p);
	return annotated(p, node, MU_DEGREE, c == 'C' ? "degC" : "degF");
}

/* True for what may be transposed. */
static int has_matrix(const struct math_node *node)
{
	for (uint32_t i = 0; i < node->n; i++)
		if (has_matrix(node->kid[i]))
			return 1;
	return node->kind == MT_MATRIX || node->kind == MT_TUPLE;
}

/* At the ^. */
static struct math_node *raised(struct parser *p, struct math_node *node)
{
	size_t in = peek_at(p, 1)->kind == TK_OPEN && peek_at(p, 1)->op == '{';
	const struct tok *t = peek_at(p, 1 + in), *after = peek_at(p, 2 + in);

	if ((t->kind == TK_DEG ||
	     (t->kind == TK_VAR && t->len == 1 && *t->s == 'o' && node->kind == MT_NUMBER)) &&
	    (!in || after->kind == TK_CLOSE)) {
		p->i += 1 + in;
		return degrees(p, node, (int)in);
	}
	if (mt_is_ordinal(t) && (!in || after->kind == TK_CLOSE)) {
		p->i += 2 + 2 * in;
		return annotated(p, node, MU_ORDINAL, "th");
	}
	if (node->kind == MT_SETNAME &&
	    (t->kind == TK_PLUS || t->kind == TK_MINUS || t->kind == TK_MUL) &&
	    (!in || after->kind == TK_CLOSE)) {
		char name[2] = {node->text[0], t->s[0]};

		p->i += 2 + 2 * in;
		return mt_leaf(p, MT_SETNAME, 0, name, 2);
	}
	if (t->len == 1 && *t->s == 'T' && (t->kind == TK_VAR || t->kind == TK_WORD) &&
	    (!in || after->kind == TK_CLOSE) && has_matrix(node)) {
		p->i += 2 + 2 * in;
		return mt_one(p, MT_FUNC, MF_TRANSPOSE, node);
	}
	next(p);
	if (node->kind == MT_TUPLE && node->n == 1 && node->open == '[')
		node = node->kid[0];
	return mt_two(p, MT_POW, 0, node, exponent(p));
}

static struct math_node *postfix(struct parser *p, struct math_node *node)
{
	while (node) {
		const struct tok *t = peek(p);

		if (t->kind == TK_POW) {
			if (peek_at(p, 1)->kind == TK_END)
				return NULL;
			node = raised(p, node);
		} else if (t->kind == TK_BANG) {
			int twice = peek_at(p, 1)->kind == TK_BANG;

			p->i += 1 + (size_t)twice;
			node = mt_one(p, MT_FUNC, twice ? MF_FACT2 : MF_FACT, node);
		} else if (t->kind == TK_DEG) {
			node = degrees(p, node, 0);
		} else if (t->kind == TK_PERCENT) {
			if (node->kind == MT_UNIT)
				return NULL;
			next(p);
			node = annotated(p, node, MU_PERCENT, "%");
		} else if (t->kind == TK_MONEY && peek_at(p, 1)->kind != TK_NUM) {
			next(p);
			node = mt_money(p, t, node);
		} else if (mt_is_ordinal(t) && node->kind == MT_NUMBER && !(t->flags & TF_SPACE)) {
			next(p);
			node = annotated(p, node, MU_ORDINAL, "th");
		} else if (t->kind == TK_SUB && node->kind == MT_NUMBER && !node->repeat) {
			node = mt_in_base(p, node->text, node->len, node->decimals);
		} else {
			return node;
		}
	}
	return NULL;
}

struct math_node *mt_power(struct parser *p)
{
	return postfix(p, mt_primary(p));
}

/* ---- functions ---- */

static int inverse(int op)
{
	static const signed char of[MF_N] = {
		[MF_SIN] = MF_ASIN, [MF_COS] = MF_ACOS, [MF_TAN] = MF_ATAN, [MF_SEC] = MF_ASEC,
		[MF_CSC] = MF_ACSC, [MF_COT] = MF_ACOT, [MF_SINH] = MF_ASINH, [MF_COSH] = MF_ACOSH,
		[MF_TANH] = MF_ATANH,
	};

	return of[op];      /* 0 (MF_SIN): no inverse */
}

/* A function's argument without brackets: sin 2x, ln 3, cos pi/4. */
static struct math_node *bare_argument(struct parser *p)
{
	size_t mark = p->n_st;
	int plain = 1;
	struct math_node *node = mt_factor(p, 1);

	for (;;) {
		const struct tok *t = peek(p);

		if (mt_push(p, node))
			return NULL;
		plain &= node->kind == MT_NUMBER || (node->kind == MT_CONST && node->op == MC_PI);
		if (t->kind == TK_DIV && plain && node->kind == MT_CONST && peek_at(p, 1)->kind == TK_NUM) {
			next(p);
			node = p->n_st == mark + 1 ? p->st[--p->n_st] : mt_gather(p, MT_MUL, 0, mark);
			return mt_two(p, MT_DIV, 0, node, mt_factor(p, 0));
		}
		if (!mt_starts_factor(p) || t->kind == TK_FUNC || t->kind == TK_OPEN ||
		    t->kind == TK_BEGIN || t->kind == TK_BAR)
			break;
		node = mt_factor(p, 0);
	}
	if (p->n_st > mark + 1)
		return mt_gather(p, MT_MUL, 0, mark);
	p->n_st = mark;
	return p->st[mark];
}

static int arguments_fit(int op, uint32_t n)
{
	switch (op) {
	case MF_BINOM:
		return n == 2;
	case MF_LOG:
		return n == 1 || n == 2;
	case MF_GCD: case MF_LCM: case MF_MIN: case MF_MAX:
		return n >= 1;
	}
	return n == 1;
}

/* Pushes the arguments of a function. */
static int arguments(struct parser *p, int op)
{
	int sep, n, bar = p->bar;
	const struct tok *t = peek(p);

	if (t->kind == TK_OPEN && (t->op == '(' || t->op == '[' || t->op == '{' ||
	                           (t->op == 'S' && op >= MF_GCD && op <= MF_MAX))) {
		int how = t->op;

		next(p);
		p->bar = 0;
		n = mt_items(p, &sep);
		p->bar = bar;
		return n < 1 || !eat_op(p, TK_CLOSE, how) ? -1 : 0;
	}
	return mt_push(p, bare_argument(p));
}

/* The base of a logarithm, at the _: 2, {10}; \log_28 is log 8 to base 2. */
static struct math_node *log_base(struct parser *p)
{
	struct tok *t;

	next(p);
	t = peek(p);
	if (t->kind == TK_NUM && t->len > 1 && !mt_starts_factor(p) && peek_at(p, 1)->kind != TK_OPEN &&
	    peek_at(p, 1)->kind != TK_VAR && peek_at(p, 1)->kind != TK_NUM &&
	    peek_at(p, 1)->kind != TK_FRAC && peek_at(p, 1)->kind != TK_SQRT)
		return mt_argument(p);
	return mt_primary(p);
}

static int has_unit(const struct math_node *node)
{
	for (uint32_t i = 0; i < node->n; i++)
		if (has_unit(node->kid[i]))
			return 1;
	return node->kind == MT_UNIT;
}

/* cis x as e^{ix}; degrees are converted to radians first. */
static struct math_node *cis(struct parser *p)
{
	struct math_node *x = bare_argument(p), *half_turn;
	size_t mark = p->n_st;

	if (!x || mt_push(p, mt_leaf(p, MT_CONST, MC_I, "i", 1)))
		return NULL;
	if (x->kind == MT_UNIT && x->op == MU_DEGREE) {
		half_turn = mt_two(p, MT_DIV, 0, mt_leaf(p, MT_CONST, MC_PI, "pi", 2),
		                   mt_leaf(p, MT_NUMBER, 0, "180", 3));
		if (mt_push(p, half_turn))
			return NULL;
		x = x->kid[0];
	}
	if (has_unit(x) || mt_push(p, x))
		return NULL;
	return mt_two(p, MT_POW, 0, mt_leaf(p, MT_CONST, MC_E, "e", 1), mt_gather(p, MT_MUL, 0, mark));
}

static struct math_node *function(struct parser *p)
{
	int op = peek(p)->op, common = op == MF_LOG && !strcmp(peek(p)->s, "lg");
	size_t mark = p->n_st;
	struct math_node *node, *power_of = NULL, *base = NULL;

	next(p);
	if (op == MF_N)
		return cis(p);
	/* log2(8), log10(x) */
	if (op == MF_LOG && at_kind(p, TK_NUM) && !(peek(p)->flags & TF_SPACE) &&
	    peek_at(p, 1)->kind == TK_OPEN && peek_at(p, 1)->op == '(' &&
	    (!strcmp(peek(p)->s, "2") || !strcmp(peek(p)->s, "10")) && !peek(p)->decimals)
		base = mt_numeral(p);
	for (int i = 0; i < 2; i++) {
		if (at_kind(p, TK_POW)) {
			next(p);
			power_of = exponent(p);
			if (!power_of)
				return NULL;
		} else if (at_kind(p, TK_SUB) && op == MF_LOG && !base) {
			base = log_base(p);
			if (!base)
				return NULL;
		}
	}
	/* \lg has base 10 */
	if (common && !base)
		base = mt_leaf(p, MT_NUMBER, 0, "10", 2);
	if (power_of && inverse(op) && power_of->kind == MT_NEG &&
	    power_of->kid[0]->kind == MT_NUMBER && !strcmp(power_of->kid[0]->text, "1") &&
	    !power_of->kid[0]->decimals) {
		op = inverse(op);
		power_of = NULL;
	}
	if (arguments(p, op) || (base && mt_push(p, base)))
		return NULL;
	node = mt_gather(p, MT_FUNC, op, mark);
	if (!node || !arguments_fit(op, node->n))
		return NULL;
	return power_of ? mt_two(p, MT_POW, 0, node, power_of) : node;
}

/* ---- fractions, roots ---- */

struct math_node *mt_argument(struct parser *p)
{
	struct tok *t = peek(p);
	struct math_node *node;

	if (t->kind != TK_NUM)
		return t->kind == TK_MINUS || t->kind == TK_PLUS ? NULL : mt_primary(p);
	if (t->decimals || (t->flags & TF_GROUPED))
		return NULL;
	node = mt_leaf(p, MT_NUMBER, 0, t->s, 1);
	/* \frac12: the second digit belongs to the next argument */
	if (t->width > 1) {
		if (t->width != t->len)
			return NULL;
		do {
			t->s++;
			t->len--;
			t->width--;
		} while (t->len > 1 && *t->s == '0');
		t->flags &= (uint8_t)~TF_SPACE;
	} else {
		next(p);
	}
	return node;
}

static struct math_node *fraction(struct parser *p)
{
	int binom = at_kind(p, TK_BINOM);
	struct math_node *a, *b;

	next(p);
	a = mt_argument(p);
	if (!a)
		return NULL;
	b = mt_argument(p);
	return mt_two(p, binom ? MT_FUNC : MT_DIV, binom ? MF_BINOM : 0, a, b);
}

static struct math_node *root(struct parser *p)
{
	struct math_node *index = NULL, *node;

	if (peek(p)->op) {
		index = mt_leaf(p, MT_NUMBER, 0, peek(p)->op == 3 ? "3" : "4", 1);
		next(p);
	} else {
		next(p);
		if (eat_op(p, TK_OPEN, '[')) {
			index = mt_sum(p);
			if (!index || !eat_op(p, TK_CLOSE, '['))
				return NULL;
		}
	}
	node = mt_primary(p);
	return index ? mt_two(p, MT_ROOT, 0, node, index) : mt_one(p, MT_ROOT, 0, node);
}

/* ---- sums and products over an index ---- */

/* One bound of a sum or product: what follows _ or ^. */
static struct math_node *bound(struct parser *p)
{
	next(p);
	return at_op(p, TK_OPEN, '{') ? mt_bracket(p) : mt_argument(p);
}

/* The index k of k = 1. */
static struct math_node *index_of(struct parser *p, struct math_node *low)
{
	struct math_node *k;

	if (!low || low->kind != MT_REL || low->n != 2 || *low->text != '=')
		return NULL;
	k = low->kid[0];
	if (k->kind == MT_CONST && k->op == MC_I)
		return mt_leaf(p, MT_VAR, 0, "i", 1);
	return k->kind == MT_VAR && k->len == 1 ? k : NULL;
}

/* \sum_{k=1}^{n} a term */
static struct math_node *series(struct parser *p)
{
	int op = peek(p)->op;
	size_t mark = p->n_st;
	struct math_node *low = NULL, *high = NULL, *index;

	next(p);
	for (int i = 0; i < 2; i++) {
		if (at_kind(p, TK_SUB) && !low)
			low = bound(p);
		else if (at_kind(p, TK_POW) && !high)
			high = bound(p);
	}
	index = index_of(p, low);
	if (!index || !high || mt_push(p, index) || mt_push(p, low->kid[1]) || mt_push(p, high) ||
	    mt_push(p, mt_term(p)))
		return NULL;
	return mt_gather(p, MT_SERIES, op, mark);
}

/* ---- primary ---- */

static struct math_node *primary_here(struct parser *p)
{
	const struct tok *t = peek(p);

	switch (t->kind) {
	case TK_NUM:
		return mt_numeral(p);
	case TK_VAR:
	case TK_ACCENT:
	case TK_SHAPE:
	case TK_WORD:
		return mt_variable(p);
	case TK_CONST:
		if (peek_at(p, 1)->kind == TK_SUB)
			return mt_variable(p);
		next(p);
		return mt_leaf(p, MT_CONST, t->op, t->s, t->len);
	case TK_SETNAME:
		next(p);
		return mt_leaf(p, MT_SETNAME, 0, t->s, 1);
	case TK_EMPTY:
		next(p);
		return mt_node(p, MT_EMPTY, 0);
	case TK_FUNC:
		return function(p);
	case TK_FRAC:
	case TK_BINOM:
		return fraction(p);
	case TK_SQRT:
		return root(p);
	case TK_OPEN:
		return mt_bracket(p);
	case TK_BAR:
	case TK_NORM:
		return mt_bars(p);
	case TK_BEGIN:
		return mt_matrix(p);
	case TK_DET:
		return mt_determinant(p);
	case TK_SERIES:
		return series(p);
	case TK_MONEY:
		next(p);
		return mt_money(p, t, mt_factor(p, 1));
	}
	return NULL;
}

struct math_node *mt_primary(struct parser *p)
{
	struct math_node *node;

	if (p->depth >= MT_MAX_DEPTH)
		return NULL;
	p->depth++;
	node = primary_here(p);
	p->depth--;
	return node;
}
