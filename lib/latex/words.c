/* SPDX-License-Identifier: MIT */
/* Parses values in words: spelled-out numbers, phrases with a meaning, and all other text. */
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/base.h"
#include "latex/inside.h"

int mt_among(const struct tok *t, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(t->s, t->len, list[i]))
			return 1;
	return 0;
}

/* ---- numbers in words ---- */

struct spelled {
	int64_t total, part;           /* of whole thousands, and below a thousand */
	int any;
	/* bound on the next word: 100 after hundred, 10 after twenty, 1 after five */
	int below;
};

static int64_t word_value(const char *s, size_t n)
{
	static const char *const small[] = {
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
		"eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
		"nineteen",
	};
	static const char *const tens[] = {"twenty", "thirty",  "forty",  "fifty",
	                                   "sixty",  "seventy", "eighty", "ninety"};
	static const struct { const char *word; int64_t value; } scales[] = {
		{"hundred", 100}, {"thousand", 1000}, {"million", 1000000}, {"billion", 1000000000},
		{"trillion", 1000000000000},
	};

	for (size_t i = 0; i < LEN(small); i++)
		if (text_is(s, n, small[i]))
			return (int64_t)i;
	for (size_t i = 0; i < LEN(tens); i++)
		if (text_is(s, n, tens[i]))
			return 20 + 10 * (int64_t)i;
	for (size_t i = 0; i < LEN(scales); i++)
		if (text_is(s, n, scales[i].word))
			return scales[i].value;
	return -1;
}

/* Adds a word: 1 if it continues the number. */
static int add_spelled(struct spelled *d, const char *s, size_t n)
{
	int64_t v = word_value(s, n);

	if (v < 0 || (d->any && !d->total && !d->part))
		return 0;
	if (v < 100) {
		if (v >= d->below || (d->any && !v))
			return 0;
		d->part += v;
		d->below = v >= 20 ? 10 : 1;
	} else if (v == 100) {
		if (!d->part || d->part >= 100)
			return 0;
		d->part *= 100;
		d->below = 100;
	} else {
		if (!d->part || (d->total && d->total / v % 1000))
			return 0;
		if (d->total && v * 1000 > d->total && d->total % (v * 1000))
			return 0;
		d->total += d->part * v;
		d->part = 0;
		d->below = 100;
	}
	d->any = 1;
	return 1;
}

/* Adds all hyphenated parts of a word (twenty-five), or none; the rest may be a fraction's:
 * two-thirds. */
static size_t add_hyphened(struct spelled *d, const struct tok *t)
{
	struct spelled start = *d;
	size_t at = 0;

	while (at < t->len) {
		const char *dash = memchr(t->s + at, '-', t->len - at);
		size_t n = dash ? (size_t)(dash - t->s) - at : t->len - at;

		if (!add_spelled(d, t->s + at, n)) {
			if (at && !dash)
				return at;
			*d = start;
			return 0;
		}
		at += n + (dash != NULL);
	}
	return at;
}

/* Reads a number in words: twenty-five, one hundred and two, two thirds, one half. NULL: none. */
static struct math_node *number_words(struct parser *p)
{
	struct spelled d = {.below = 100};
	struct math_node *node = NULL, *part = NULL;
	const struct tok *t = peek(p);
	char digits[24];
	size_t used = 0;

	for (int i = 0; i < 12; i++) {
		if (at_kind(p, TK_AND) && d.any && d.below == 100 && peek_at(p, 1)->kind == TK_WORD &&
		    word_value(peek_at(p, 1)->s, peek_at(p, 1)->len) > 0)
			next(p);
		t = peek(p);
		if (t->kind != TK_WORD || !(used = add_hyphened(&d, t)))
			break;
		next(p);
		if (used < t->len)
			break;
	}
	if (!d.any)
		return NULL;
	node = mt_leaf(p, MT_NUMBER, 0, digits,
	               (size_t)snprintf(digits, sizeof digits, "%lld", (long long)(d.total + d.part)));
	if (!node)
		return NULL;
	node->flags |= MT_F_WORD;
	if (used && used < t->len)
		return mt_fraction_word(p, t->s + used, t->len - used, node);
	if (at_kind(p, TK_WORD) && (part = mt_fraction_word(p, peek(p)->s, peek(p)->len, node)))
		next(p);
	return part ? part : node;
}

static int ends_value(const struct tok *t)
{
	switch (t->kind) {
	case TK_END: case TK_COMMA: case TK_SEMI: case TK_AND: case TK_OR: case TK_ROW: case TK_CLOSE:
	case TK_REL:
		return 1;
	}
	return 0;
}

/* A number in words that is the whole value, except for what is counted. */
static struct math_node *spelled_value(struct parser *p)
{
	struct parser saved = *p;
	struct math_node *node = number_words(p);

	if (node && (ends_value(peek(p)) || mt_counts(p)))
		return node;
	*p = saved;
	return NULL;
}

/* negative 3, minus two */
static struct math_node *signed_value(struct parser *p)
{
	static const char *const minus[] = {"negative", "minus"}, *const plus[] = {"positive", "plus"};
	const struct tok *t = peek(p), *after = peek_at(p, 1);
	int negative = mt_among(t, minus, LEN(minus));
	struct parser saved = *p;
	struct math_node *node;

	if (!negative && !mt_among(t, plus, LEN(plus)))
		return NULL;
	next(p);
	switch (after->kind) {
	case TK_NUM: case TK_FRAC: case TK_SQRT: case TK_MONEY: case TK_CONST:
		node = mt_term(p);
		break;
	case TK_WORD:
		node = spelled_value(p);
		break;
	default:
		node = NULL;
	}
	if (!node)
		*p = saved;
	return node && negative ? mt_one(p, MT_NEG, 0, node) : node;
}

/* ---- phrases with a meaning ---- */

static struct math_node *meaning(struct parser *p, const char *s, size_t n)
{
	static const char *const reals[] = {
		"all real numbers", "all reals", "the set of all real numbers", "set of all real numbers",
		"the real numbers", "all real", "any real number", "every real number",
	};
	static const char *const empty[] = {
		"empty set", "the empty set", "no solution", "no solutions", "no real solution",
		"no real solutions", "there is no solution", "there are no solutions",
		"there is no real solution", "there are no real solutions", "no real roots",
		"has no solution", "null set",
	};

	for (size_t i = 0; i < LEN(reals); i++)
		if (text_is(s, n, reals[i]))
			return mt_leaf(p, MT_SETNAME, 0, "R", 1);
	for (size_t i = 0; i < LEN(empty); i++)
		if (text_is(s, n, empty[i]))
			return mt_node(p, MT_EMPTY, 0);
	if (text_is(s, n, "DNE"))
		return mt_leaf(p, MT_TEXT, 0, "does not exist", 14);
	if (text_is(s, n, "all integers"))
		return mt_leaf(p, MT_SETNAME, 0, "Z", 1);
	if (text_is(s, n, "infinity"))
		return mt_leaf(p, MT_CONST, MC_INF, "infty", 5);
	return NULL;
}

/* Handles Rs. 50, USD 50; true if it is one. */
static int prefixed_money(struct parser *p, struct math_node **out)
{
	static const struct { const char *word; struct tok money; } all[] = {
		{"rs", {.s = "INR", .len = 3}}, {"inr", {.s = "INR", .len = 3}},
		{"usd", {.s = "$", .len = 1}}, {"eur", {.s = "EUR", .len = 3}},
		{"gbp", {.s = "GBP", .len = 3}},
	};
	size_t dot = peek_at(p, 1)->kind == TK_DOT;

	if (peek_at(p, 1 + dot)->kind != TK_NUM)
		return 0;
	for (size_t i = 0; i < LEN(all); i++)
		if (text_is(peek(p)->s, peek(p)->len, all[i].word)) {
			p->i += 1 + dot;
			*out = mt_money(p, &all[i].money, mt_factor(p, 0));
			return 1;
		}
	return 0;
}

/* Adds "and a half" after an integer. */
struct math_node *mt_and_a_half(struct parser *p, struct math_node *node)
{
	const struct tok *one = peek_at(p, 1), *part = peek_at(p, 2);
	struct math_node *fraction;

	if (!at_kind(p, TK_AND) || part->kind != TK_WORD || node->kind != MT_NUMBER || node->decimals ||
	    !(text_is(one->s, one->len, "a") || text_is(one->s, one->len, "one")))
		return node;
	fraction = mt_leaf(p, MT_NUMBER, 0, "1", 1);
	fraction = fraction ? mt_fraction_word(p, part->s, part->len, fraction) : NULL;
	if (!fraction)
		return node;
	p->i += 3;
	return mt_two(p, MT_ADD, 0, node, fraction);
}

/* Gathers the words up to the end of the value as one text on chr, from start on. */
static int gather_words(struct parser *p, size_t start)
{
	const struct tok *t = peek(p);

	for (; !ends_value(peek(p)); next(p)) {
		int after_number = t->kind == TK_NUM;

		t = peek(p);
		/* June 20th */
		if (after_number && mt_is_ordinal(t))
			continue;
		switch (t->kind) {
		case TK_DOT:
			continue;
		case TK_WORD: case TK_NUM: case TK_VAR: case TK_CONST: case TK_FUNC: case TK_MINUS:
		case TK_COLON: case TK_PRIME: case TK_PERCENT:
			break;
		default:
			return -1;
		}
		if (p->chr_cap - p->n_chr < 2 * (size_t)t->len + t->decimals + 8)
			return -1;
		if (p->n_chr > start)
			p->chr[p->n_chr++] = ' ';
		if (t->kind == TK_NUM) {
			mt_spell_number(p, t);
		} else {
			memcpy(p->chr + p->n_chr, t->s, t->len);
			p->n_chr += t->len;
		}
	}
	return 0;
}

struct math_node *mt_words(struct parser *p)
{
	static const char *const skipped[] = {"about",   "approximately", "approx", "exactly",
	                                      "roughly", "either",        "both"};
	const struct tok *t = peek(p);
	struct math_node *node;
	size_t start = p->n_chr;
	int conditional;

	if (t->len == 1 && peek_at(p, 1)->kind != TK_WORD && peek_at(p, 1)->kind != TK_NUM)
		return mt_set_expr(p);
	if (peek_at(p, 1)->kind == TK_SUB)
		return mt_sum(p);
	if (mt_among(t, skipped, LEN(skipped)) && !ends_value(peek_at(p, 1))) {
		next(p);
		if (at_kind(p, TK_WORD) && mt_among(peek(p), skipped, LEN(skipped)))
			return NULL;
		return at_kind(p, TK_WORD) ? mt_words(p) : mt_set_expr(p);
	}
	if ((node = spelled_value(p)) || (node = signed_value(p)))
		return node;
	if (prefixed_money(p, &node))
		return node;
	conditional = mt_is_stop(t);
	if (gather_words(p, start))
		return NULL;
	p->chr[p->n_chr++] = 0;
	if (p->n_chr - 1 == start)
		return NULL;
	if (conditional && at_kind(p, TK_REL))      /* if x > 0 */
		return NULL;
	node = meaning(p, p->chr + start, p->n_chr - 1 - start);
	if (node)
		return node;
	node = mt_node(p, MT_TEXT, 0);
	if (!node)
		return NULL;
	node->text = p->chr + start;
	node->len = (uint32_t)(p->n_chr - 1 - start);
	return node;
}
