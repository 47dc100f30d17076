/* SPDX-License-Identifier: MIT */
/* Words: units behind a value, and values that are words. */
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "math/parse.h"

enum { UNIT_LEN = 96, UNIT_WORDS = 6 };

/* What several spellings of a unit become. Sorted by no order: short. */
static const struct { const char *word, *unit; } units[] = {
	{"cm", "cm"}, {"centimeter", "cm"}, {"centimetre", "cm"}, {"mm", "mm"}, {"millimeter", "mm"}, {"millimetre", "mm"},
	{"m", "m"}, {"meter", "m"}, {"metre", "m"}, {"km", "km"}, {"kilometer", "km"}, {"kilometre", "km"},
	{"in", "in"}, {"inch", "in"}, {"ft", "ft"}, {"foot", "ft"}, {"feet", "ft"}, {"yd", "yd"}, {"yard", "yd"}, {"mi", "mi"}, {"mile", "mi"},
	{"g", "g"}, {"gm", "g"}, {"gram", "g"}, {"kg", "kg"}, {"kilogram", "kg"}, {"mg", "mg"}, {"milligram", "mg"},
	{"lb", "lb"}, {"pound", "lb"}, {"oz", "oz"}, {"ounce", "oz"}, {"gal", "gal"}, {"gallon", "gal"},
	{"l", "L"}, {"liter", "L"}, {"litre", "L"}, {"ml", "mL"}, {"milliliter", "mL"}, {"millilitre", "mL"},
	{"s", "s"}, {"sec", "s"}, {"second", "s"}, {"min", "min"}, {"minute", "min"}, {"h", "h"}, {"hr", "h"}, {"hour", "h"},
	{"mph", "mi/h"}, {"unit", "unit"}, {"child", "child"}, {"children", "child"}, {"person", "person"}, {"people", "person"},
	{"dollar", "$"}, {"usd", "$"}, {"cent", "cent"}, {"euro", "EUR"}, {"eur", "EUR"}, {"gbp", "GBP"}, {"rupee", "INR"}, {"yen", "JPY"},
	{"percent", "%"}, {"pct", "%"}, {"degree", "deg"}, {"deg", "deg"}, {"celsius", "degC"}, {"fahrenheit", "degF"},
};

/* After these nothing is a mere unit. */
static const char *const stops[] = {
	"is", "are", "was", "not", "if", "when", "where", "for", "with", "such", "because", "since", "so", "then", "but", "nor", "neither", "except",
	"about", "approximately", "more", "less", "fewer", "greater", "least", "most", "than", "times", "half", "third", "thirds", "quarter",
	"quarters", "fourth", "fourths", "fifth", "fifths", "sixth", "tenth", "mod", "modulo", "base", "no", "only", "any", "plus", "minus", "over",
	"to", "squared", "cubed", "factorial", "whole", "between", "by", "divided", "multiplied", "equals", "does", "cannot", "let",
	"has", "have", "had", "be", "been", "would", "can", "could", "will", "must", "should", "may", "answer", "result", "that", "which", "who",
};

static int same_word(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && !strncasecmp(s, word, n);
}

static int among(const struct tok *t, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (same_word(t->s, t->len, list[i]))
			return 1;
	return 0;
}

static int is_meridiem(const struct tok *t)
{
	static const char *const am[] = {"am", "a.m"}, *const pm[] = {"pm", "p.m"};

	return t->kind != TK_WORD ? 0 : among(t, am, LEN(am)) ? 'a' : among(t, pm, LEN(pm)) ? 'p' : 0;
}

/* \frac{\text{m}}{\text{s}} */
static int unit_fraction(struct parser *p)
{
	static const uint8_t shape[] = {TK_FRAC, TK_OPEN, TK_WORD, TK_CLOSE, TK_OPEN, TK_WORD, TK_CLOSE};

	for (size_t i = 0; i < LEN(shape); i++)
		if (peek_at(p, i)->kind != shape[i])
			return 0;
	return 1;
}

int mt_unit_follows(struct parser *p)
{
	return at_kind(p, TK_WORD) || (at_kind(p, TK_FRAC) && unit_fraction(p));
}

/* ---- canonical units ---- */

struct phrase {
	char s[UNIT_LEN];
	size_t n, words;
	int power;                      /* of the next word */
};

static int add(struct phrase *u, const char *s, size_t n)
{
	if (n > sizeof u->s - u->n)
		return -1;
	memcpy(u->s + u->n, s, n);
	u->n += n;
	return 0;
}

/* Lower case, without its plural's s. */
static size_t singular(const struct tok *t, char *out)
{
	size_t n = t->len;

	for (size_t i = 0; i < n; i++)
		out[i] = t->s[i] >= 'A' && t->s[i] <= 'Z' ? (char)(t->s[i] + 32) : t->s[i];
	if (n > 4 && !memcmp(out + n - 3, "ies", 3)) {
		out[n - 3] = 'y';
		return n - 2;
	}
	if (n > 4 && (!memcmp(out + n - 4, "ches", 4) || !memcmp(out + n - 4, "shes", 4) || !memcmp(out + n - 4, "sses", 4) || !memcmp(out + n - 3, "xes", 3)))
		return n - 2;
	return n > 2 && out[n - 1] == 's' && out[n - 2] != 's' && out[n - 2] != 'u' ? n - 1 : n;
}

static int add_word(struct phrase *u, const struct tok *t)
{
	static const char *const fillers[] = {"of", "the", "a", "an"}, *const square[] = {"square", "sq"}, *const cubic[] = {"cubic", "cu"};
	char word[64];
	const char *unit = word;
	size_t n;

	if (t->len > sizeof word)
		return -1;
	if (among(t, fillers, LEN(fillers)))
		return 0;
	if (among(t, square, LEN(square)) || among(t, cubic, LEN(cubic))) {
		u->power = among(t, square, LEN(square)) ? 2 : 3;
		return 0;
	}
	if (same_word(t->s, t->len, "per"))
		return add(u, "/", 1);
	n = singular(t, word);
	for (size_t i = 0; i < LEN(units); i++)
		if (same_word(word, n, units[i].word)) {
			unit = units[i].unit;
			n = strlen(unit);
			break;
		}
	/* degrees Celsius */
	if (u->n == 3 && !memcmp(u->s, "deg", 3) && (unit == word ? n == 1 && (*word == 'c' || *word == 'f') : n == 4 && !memcmp(unit, "deg", 3))) {
		char scale[1] = {unit == word ? (char)(*word - 32) : unit[3]};

		return add(u, scale, 1);
	}
	if (u->n && u->s[u->n - 1] != '/' && u->s[u->n - 1] != '*' && add(u, " ", 1))
		return -1;
	u->words++;
	if (add(u, unit, n))
		return -1;
	if (u->power) {
		char power[2] = {'^', (char)('0' + u->power)};

		u->power = 0;
		return add(u, power, 2);
	}
	return 0;
}

/* ^2, ^{3} behind a unit's word. */
static int add_power(struct parser *p, struct phrase *u)
{
	const struct tok *t;
	int braced, minus;

	next(p);
	braced = eat_op(p, TK_OPEN, '{');
	minus = eat(p, TK_MINUS);
	t = peek(p);
	if (t->kind != TK_NUM || t->decimals || t->len != 1 || add(u, "^-", 1 + (size_t)minus) || add(u, t->s, 1))
		return -1;
	next(p);
	return braced && !eat_op(p, TK_CLOSE, '{') ? -1 : 0;
}

static int phrase(struct parser *p, struct phrase *u)
{
	while (at_kind(p, TK_WORD)) {
		const struct tok *t = peek(p);

		if (among(t, stops, LEN(stops)) || u->words == UNIT_WORDS || add_word(u, t))
			return -1;
		next(p);
		if (at_kind(p, TK_DOT) && peek_at(p, 1)->kind == TK_WORD)
			next(p);
		if (at_kind(p, TK_POW) && add_power(p, u))
			return -1;
		if ((at_kind(p, TK_DIV) || at_kind(p, TK_MUL)) && peek_at(p, 1)->kind == TK_WORD) {
			if (add(u, peek(p)->s, 1))
				return -1;
			next(p);
		}
	}
	if (u->power && !u->words)       /* 5 sq */
		return -1;
	return u->n ? 0 : -1;
}

/* ---- behind a value ---- */

static struct math_node *clock(struct parser *p, struct math_node *value)
{
	int half = is_meridiem(peek(p));

	next(p);
	if (value->kind == MT_NUMBER && !value->decimals)
		value = mt_two(p, MT_RATIO, 0, value, mt_leaf(p, MT_NUMBER, 0, "0", 1));
	if (!value || value->kind != MT_RATIO)
		return NULL;
	value->flags |= MT_F_CLOCK;
	value->text = half == 'a' ? "am" : "pm";
	value->len = 2;
	return value;
}

/* 5 million */
static struct math_node *scaled(struct parser *p, struct math_node *value)
{
	static const struct { const char *word, *digits; } scales[] = {
		{"hundred", "100"}, {"thousand", "1000"}, {"million", "1000000"}, {"billion", "1000000000"}, {"trillion", "1000000000000"},
		{"dozen", "12"},
	};

	for (size_t i = 0; i < LEN(scales); i++)
		if (same_word(peek(p)->s, peek(p)->len, scales[i].word)) {
			struct math_node *scale = mt_leaf(p, MT_NUMBER, 0, scales[i].digits, strlen(scales[i].digits));

			next(p);
			/* \$1.5 million */
			if (value->kind != MT_UNIT)
				return mt_two(p, MT_MUL, 0, value, scale);
			value->kid[0] = mt_two(p, MT_MUL, 0, value->kid[0], scale);
			return value->kid[0] ? value : NULL;
		}
	return value;
}

static int unit_kind(const struct phrase *u)
{
	static const char *const currencies[] = {"$", "cent", "EUR", "GBP", "INR", "JPY"};

	for (size_t i = 0; i < LEN(currencies); i++)
		if (u->n == strlen(currencies[i]) && !memcmp(u->s, currencies[i], u->n))
			return MU_CURRENCY;
	if (u->n == 1 && u->s[0] == '%')
		return MU_PERCENT;
	return u->n <= 4 && u->n >= 3 && !memcmp(u->s, "deg", 3) ? MU_DEGREE : MU_WORD;
}

struct math_node *mt_unit(struct parser *p, struct math_node *value)
{
	struct phrase u = {.n = 0};
	struct math_node *node;

	if (is_meridiem(peek(p)))
		return clock(p, value);
	if (at_kind(p, TK_WORD))
		value = scaled(p, value);
	if (!value || !mt_unit_follows(p))
		return value;
	if (unit_fraction(p)) {
		if (add_word(&u, peek_at(p, 2)) || add(&u, "/", 1) || add_word(&u, peek_at(p, 5)))
			return NULL;
		p->i += 7;
	} else if (phrase(p, &u)) {
		return NULL;
	}
	if (value->kind == MT_UNIT && value->len == u.n && !memcmp(value->text, u.s, u.n))
		return value;
	node = mt_one(p, MT_UNIT, unit_kind(&u), value);
	if (!node || !(node->text = mt_text(p, u.s, u.n)))
		return NULL;
	node->len = (uint32_t)u.n;
	return node;
}

struct math_node *mt_money(struct parser *p, const struct tok *t, struct math_node *value)
{
	value = mt_one(p, MT_UNIT, MU_CURRENCY, value);
	if (!value || !(value->text = mt_text(p, t->s, t->len)))
		return NULL;
	value->len = t->len;
	return value;
}

/* ---- values that are words ---- */

static struct math_node *number_word(struct parser *p)
{
	static const char *const names[] = {
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
	};
	char digits[3];
	struct math_node *node;

	for (size_t i = 0; i < LEN(names); i++)
		if (same_word(peek(p)->s, peek(p)->len, names[i])) {
			next(p);
			node = mt_leaf(p, MT_NUMBER, 0, digits, (size_t)snprintf(digits, sizeof digits, "%zu", i % 100));
			if (node)
				node->flags |= MT_F_WORD;
			return node;
		}
	return NULL;
}

static int ends_value(const struct tok *t)
{
	switch (t->kind) {
	case TK_END: case TK_COMMA: case TK_SEMI: case TK_AND: case TK_OR: case TK_ROW: case TK_CLOSE: case TK_REL:
		return 1;
	}
	return 0;
}

/* Phrases with a meaning. */
static struct math_node *meaning(struct parser *p, const char *s, size_t n)
{
	static const char *const reals[] = {
		"all real numbers", "all reals", "the set of all real numbers", "set of all real numbers", "the real numbers", "all real",
	};
	static const char *const empty[] = {"empty set", "the empty set"};

	for (size_t i = 0; i < LEN(reals); i++)
		if (same_word(s, n, reals[i]))
			return mt_leaf(p, MT_SETNAME, 0, "R", 1);
	for (size_t i = 0; i < LEN(empty); i++)
		if (same_word(s, n, empty[i]))
			return mt_node(p, MT_EMPTY, 0);
	if (same_word(s, n, "all integers"))
		return mt_leaf(p, MT_SETNAME, 0, "Z", 1);
	if (same_word(s, n, "infinity"))
		return mt_leaf(p, MT_CONST, MC_INF, "infty", 5);
	return NULL;
}

/* Rs. 50, USD 50: is it so? */
static int prefixed_money(struct parser *p, struct math_node **out)
{
	static const struct { const char *word; struct tok money; } all[] = {
		{"rs", {.s = "INR", .len = 3}}, {"inr", {.s = "INR", .len = 3}}, {"usd", {.s = "$", .len = 1}}, {"eur", {.s = "EUR", .len = 3}},
		{"gbp", {.s = "GBP", .len = 3}},
	};
	size_t dot = peek_at(p, 1)->kind == TK_DOT;

	if (peek_at(p, 1 + dot)->kind != TK_NUM)
		return 0;
	for (size_t i = 0; i < LEN(all); i++)
		if (same_word(peek(p)->s, peek(p)->len, all[i].word)) {
			p->i += 1 + dot;
			*out = mt_money(p, &all[i].money, mt_factor(p, 0));
			return 1;
		}
	return 0;
}

struct math_node *mt_words(struct parser *p)
{
	static const char *const skipped[] = {"about", "approximately", "approx", "exactly", "roughly", "either", "both"};
	const struct tok *t = peek(p);
	struct math_node *node;
	size_t start = p->n_chr;
	int conditional;

	if (t->len == 1 && peek_at(p, 1)->kind != TK_WORD && peek_at(p, 1)->kind != TK_NUM)
		return mt_set_expr(p);
	if (peek_at(p, 1)->kind == TK_SUB)
		return mt_sum(p);
	if (among(t, skipped, LEN(skipped)) && !ends_value(peek_at(p, 1))) {
		next(p);
		if (at_kind(p, TK_WORD) && among(peek(p), skipped, LEN(skipped)))
			return NULL;
		return at_kind(p, TK_WORD) ? mt_words(p) : mt_set_expr(p);
	}
	if (ends_value(peek_at(p, 1)) && (node = number_word(p)))
		return node;
	if (prefixed_money(p, &node))
		return node;
	conditional = among(t, stops, LEN(stops));
	for (; !ends_value(peek(p)); next(p)) {
		int after_number = t->kind == TK_NUM;

		t = peek(p);
		/* June 20th */
		if (after_number && mt_is_ordinal(t))
			continue;
		switch (t->kind) {
		case TK_DOT:
			continue;
		case TK_WORD: case TK_NUM: case TK_VAR: case TK_CONST: case TK_FUNC: case TK_MINUS: case TK_COLON: case TK_PRIME: case TK_PERCENT:
			break;
		default:
			return NULL;
		}
		if (p->chr_cap - p->n_chr < 2 * (size_t)t->len + t->decimals + 8)
			return NULL;
		if (p->n_chr > start)
			p->chr[p->n_chr++] = ' ';
		if (t->kind == TK_NUM) {
			mt_spell_number(p, t);
		} else {
			memcpy(p->chr + p->n_chr, t->s, t->len);
			p->n_chr += t->len;
		}
	}
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
