/* SPDX-License-Identifier: MIT */
/* Parses words after a value: its unit, what is counted, and scales such as million or tenths. */
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/base.h"
#include "latex/inside.h"

enum { UNIT_LEN = 96, UNIT_WORDS = 6 };

/* Canonical names of units with several spellings; formula/measure.c defines the units. Not sorted,
 * since short. */
static const struct { const char *word, *unit; } units[] = {
	{"cm", "cm"}, {"centimeter", "cm"}, {"centimetre", "cm"}, {"mm", "mm"}, {"millimeter", "mm"},
	{"millimetre", "mm"}, {"m", "m"}, {"meter", "m"}, {"metre", "m"}, {"km", "km"},
	{"kilometer", "km"}, {"kilometre", "km"}, {"dm", "dm"}, {"decimeter", "dm"},
	{"decimetre", "dm"}, {"nm", "nm"}, {"nanometer", "nm"}, {"micrometer", "um"}, {"in", "in"},
	{"inch", "in"}, {"ft", "ft"}, {"foot", "ft"}, {"feet", "ft"}, {"yd", "yd"}, {"yard", "yd"},
	{"mi", "mi"}, {"mile", "mi"}, {"g", "g"}, {"gm", "g"}, {"gram", "g"}, {"kg", "kg"},
	{"kilogram", "kg"}, {"kilo", "kg"}, {"mg", "mg"}, {"milligram", "mg"}, {"tonne", "tonne"},
	{"lb", "lb"}, {"pound", "lb"}, {"oz", "oz"}, {"ounce", "oz"}, {"gal", "gal"}, {"gallon", "gal"},
	{"quart", "qt"}, {"qt", "qt"}, {"pint", "pt"}, {"pt", "pt"}, {"cup", "cup"},
	{"tablespoon", "tbsp"}, {"tbsp", "tbsp"}, {"teaspoon", "tsp"}, {"tsp", "tsp"}, {"l", "L"},
	{"L", "L"}, {"liter", "L"}, {"litre", "L"}, {"ml", "mL"}, {"milliliter", "mL"},
	{"millilitre", "mL"}, {"cl", "cL"}, {"centiliter", "cL"}, {"cc", "cc"}, {"acre", "acre"},
	{"ha", "ha"}, {"hectare", "ha"}, {"s", "s"}, {"sec", "s"}, {"second", "s"}, {"min", "min"},
	{"minute", "min"}, {"h", "h"}, {"hr", "h"}, {"hour", "h"}, {"ms", "ms"}, {"millisecond", "ms"},
	{"day", "day"}, {"week", "week"}, {"month", "month"}, {"year", "year"}, {"yr", "year"},
	{"decade", "decade"}, {"century", "century"}, {"mph", "mi/h"}, {"kph", "km/h"}, {"kmh", "km/h"},
	{"kmph", "km/h"}, {"N", "N"}, {"newton", "N"}, {"J", "J"}, {"joule", "J"}, {"kj", "kJ"},
	{"W", "W"}, {"watt", "W"}, {"kw", "kW"}, {"pa", "Pa"}, {"pascal", "Pa"}, {"kpa", "kPa"},
	{"hz", "Hz"}, {"hertz", "Hz"}, {"volt", "V"}, {"ohm", "ohm"}, {"ampere", "A"}, {"amp", "A"},
	{"mole", "mol"}, {"mol", "mol"}, {"kelvin", "K"}, {"rad", "rad"}, {"radian", "rad"},
	{"unit", "unit"}, {"child", "child"}, {"children", "child"}, {"person", "person"},
	{"people", "person"}, {"men", "man"}, {"women", "woman"}, {"dollar", "$"}, {"usd", "$"},
	{"buck", "$"}, {"cent", "cent"}, {"euro", "EUR"}, {"eur", "EUR"}, {"gbp", "GBP"},
	{"rupee", "INR"}, {"inr", "INR"}, {"rs", "INR"}, {"yen", "JPY"}, {"jpy", "JPY"},
	{"percent", "%"}, {"pct", "%"}, {"degree", "deg"}, {"deg", "deg"}, {"celsius", "degC"},
	{"fahrenheit", "degF"},
};

/* Words after which nothing is just a unit. */
static const char *const stops[] = {
	"is", "are", "was", "not", "if", "when", "where", "for", "with", "such", "because", "since",
	"so", "then", "but", "nor", "neither", "except", "about", "approximately", "more", "less",
	"fewer", "greater", "least", "most", "than", "times", "half", "third", "thirds", "quarter",
	"quarters", "fourth", "fourths", "fifth", "fifths", "sixth", "tenth", "mod", "modulo", "base",
	"no", "only", "any", "plus", "minus", "over", "to", "squared", "cubed", "factorial", "whole",
	"between", "by", "divided", "multiplied", "equals", "does", "cannot", "let", "has", "have",
	"had", "be", "been", "would", "can", "could", "will", "must", "should", "may", "answer",
	"result", "that", "which", "who",
};

int mt_is_stop(const struct tok *t)
{
	return mt_among(t, stops, LEN(stops));
}

static int is_meridiem(const struct tok *t)
{
	static const char *const am[] = {"am", "a.m"}, *const pm[] = {"pm", "p.m"};

	return t->kind != TK_WORD         ? 0
	       : mt_among(t, am, LEN(am)) ? 'a'
	       : mt_among(t, pm, LEN(pm)) ? 'p'
	                                  : 0;
}

/* \frac{\text{m}}{\text{s}} */
static int unit_fraction(struct parser *p)
{
	static const uint8_t shape[] = {TK_FRAC, TK_OPEN, TK_WORD, TK_CLOSE,
	                                TK_OPEN, TK_WORD, TK_CLOSE};

	for (size_t i = 0; i < LEN(shape); i++)
		if (peek_at(p, i)->kind != shape[i])
			return 0;
	return 1;
}

/* \$5/\text{hour} */
static int per(struct parser *p)
{
	return at_kind(p, TK_DIV) && peek_at(p, 1)->kind == TK_WORD && peek_at(p, 1)->len > 1;
}

int mt_unit_follows(struct parser *p)
{
	return at_kind(p, TK_WORD) || (at_kind(p, TK_FRAC) && unit_fraction(p)) || per(p);
}

/* ---- canonical units ---- */

struct phrase {
	char s[UNIT_LEN];
	size_t n, words;
	int power;                      /* power of the next word */
	/* its last word is counted or a unit; of, per or in has followed */
	int head, tail;
	/* has a word that may be mathematics or change the meaning */
	int open;
};

static int add(struct phrase *u, const char *s, size_t n)
{
	if (n > sizeof u->s - u->n)
		return -1;
	memcpy(u->s + u->n, s, n);
	u->n += n;
	return 0;
}

/* True if case matters: M is mega, m is milli; short unknown symbols keep their case. */
static int cased(const struct tok *t)
{
	static const char *const milli[] = {"mm", "mg", "ml", "ms"};
	size_t upper = 0, n = t->len;

	if (t->len > 4 || (t->len == 4 && !text_is(t->s, t->len, "mmol")))
		return 0;
	for (size_t i = 0; i < t->len; i++)
		upper += t->s[i] >= 'A' && t->s[i] <= 'Z';
	if (!upper)
		return 0;
	if (t->len == 2 && t->s[0] == 'p' && t->s[1] == 'A')
		return 1;
	if (*t->s == 'M' && (mt_among(t, milli, LEN(milli)) || t->len == 4))
		return 1;
	n -= n > 2 && (t->s[n - 1] | 32) == 's';
	for (size_t i = 0; i < LEN(units) && t->len > 1; i++)
		if (text_is(t->s, t->len, units[i].word) || text_is(t->s, n, units[i].word))
			return 0;
	return 1;
}

/* The word in lower case, without a plural s. */
static size_t singular(const struct tok *t, char *out)
{
	size_t n = t->len;

	if (cased(t)) {
		memcpy(out, t->s, n);
		return n;
	}

	for (size_t i = 0; i < n; i++)
		out[i] = t->s[i] >= 'A' && t->s[i] <= 'Z' ? (char)(t->s[i] + 32) : t->s[i];
	if (n > 4 && !memcmp(out + n - 3, "ies", 3)) {
		out[n - 3] = 'y';
		return n - 2;
	}
	if (n > 4 && (!memcmp(out + n - 4, "ches", 4) || !memcmp(out + n - 4, "shes", 4) ||
	              !memcmp(out + n - 4, "sses", 4) || !memcmp(out + n - 3, "xes", 3)))
		return n - 2;
	return n > 2 && out[n - 1] == 's' && out[n - 2] != 's' && out[n - 2] != 'u' ? n - 1 : n;
}

/* Single letters are units in one case only: 5 m, not 5 M. */
static const char *known_unit(const struct tok *t, const char *word, size_t n)
{
	for (size_t i = 0; i < LEN(units); i++)
		if (n == 1 ? t->len == 1 && units[i].word[0] == t->s[0] && !units[i].word[1] :
		    strlen(units[i].word) == n && !memcmp(units[i].word, word, n))
			return units[i].unit;
	return NULL;
}

/* Updates whether the phrase may be left out, given one more word. */
static void classify(struct phrase *u, const struct tok *t)
{
	static const char *const links[] = {"of",   "per",   "in",     "on",    "at",
	                                    "from", "among", "inside", "within"};
	static const char *const fillers[] = {"the", "a", "an", "square", "sq", "cubic", "cu"};
	static const char *const behind[] = {
		"tall", "long", "wide", "high", "deep", "thick", "old", "away", "apart", "left",
		"remaining", "each", "total", "altogether", "together", "ago", "later", "earlier", "early",
		"late", "overall",
	};
	char word[64];
	size_t n = singular(t, word);
	const char *unit = known_unit(t, word, n);
	enum noun noun = unit ? NOUN_COUNTED : noun_of(t->s, t->len);

	if (mt_among(t, fillers, LEN(fillers)) || (u->head && mt_among(t, behind, LEN(behind))))
		return;
	if (u->n == 3 && !memcmp(u->s, "deg", 3) && t->len == 1)
		return;
	if (u->head && mt_among(t, links, LEN(links))) {
		u->tail = 1;
		return;
	}
	u->open |= noun == NOUN_DOUBTFUL;
	if (!u->tail)
		u->head = noun == NOUN_COUNTED;
}

static int add_word(struct phrase *u, const struct tok *t)
{
	static const char *const fillers[] = {"of", "the", "a", "an"},
	                         *const square[] = {"square", "sq"}, *const cubic[] = {"cubic", "cu"};
	char word[64];
	const char *unit = word, *found;
	size_t n;

	if (t->len > sizeof word)
		return -1;
	classify(u, t);
	if (mt_among(t, fillers, LEN(fillers)))
		return 0;
	if (mt_among(t, square, LEN(square)) || mt_among(t, cubic, LEN(cubic))) {
		u->power = mt_among(t, square, LEN(square)) ? 2 : 3;
		return 0;
	}
	if (text_is(t->s, t->len, "per"))
		return add(u, "/", 1);
	if (u->n == 1 && u->s[0] == '/' && text_is(t->s, t->len, "cent")) {
		u->s[0] = '%';
		u->words++;
		return 0;
	}
	n = singular(t, word);
	found = known_unit(t, word, n);
	if (found) {
		unit = found;
		n = strlen(unit);
	}
	/* degrees Celsius */
	if (u->n == 3 && !memcmp(u->s, "deg", 3) &&
	    (unit == word ? n == 1 && strchr("cCfF", *word) : n == 4 && !memcmp(unit, "deg", 3))) {
		char scale[1] = {unit == word ? (char)(*word & ~32) : unit[3]};

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

/* Adds ^2, ^{3} after a unit's word. */
static int add_power(struct parser *p, struct phrase *u)
{
	const struct tok *t;
	int braced, minus;

	next(p);
	braced = eat_op(p, TK_OPEN, '{');
	minus = eat(p, TK_MINUS);
	t = peek(p);
	if (t->kind != TK_NUM || t->decimals || t->len != 1 || add(u, "^-", 1 + (size_t)minus) ||
	    add(u, t->s, 1))
		return -1;
	next(p);
	return braced && !eat_op(p, TK_CLOSE, '{') ? -1 : 0;
}

static int phrase(struct parser *p, struct phrase *u)
{
	while (at_kind(p, TK_WORD)) {
		const struct tok *t = peek(p);

		if (mt_is_stop(t) || u->words == UNIT_WORDS || add_word(u, t))
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

/* ---- after a value ---- */

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

/* 5 tenths, 1 half, 2 thirds: singular and plural words. */
struct math_node *mt_fraction_word(struct parser *p, const char *s, size_t n,
                                   struct math_node *value)
{
	static const struct { const char *one, *several, *digits; } parts[] = {
		{"half", "halves", "2"}, {"third", "thirds", "3"}, {"quarter", "quarters", "4"},
		{"fourth", "fourths", "4"}, {"fifth", "fifths", "5"}, {"sixth", "sixths", "6"},
		{"seventh", "sevenths", "7"}, {"eighth", "eighths", "8"}, {"ninth", "ninths", "9"},
		{"tenth", "tenths", "10"}, {"twelfth", "twelfths", "12"},
		{"hundredth", "hundredths", "100"}, {"thousandth", "thousandths", "1000"},
		{"millionth", "millionths", "1000000"},
	};
	int one =
		value->kind == MT_NUMBER && value->len == 1 && *value->text == '1' && !value->decimals;

	for (size_t i = 0; i < LEN(parts); i++)
		if (text_is(s, n, one ? parts[i].one : parts[i].several))
			return mt_two(p, MT_DIV, 0, value,
			              mt_leaf(p, MT_NUMBER, 0, parts[i].digits, strlen(parts[i].digits)));
	return NULL;
}

/* 5 million, 3 dozen */
static struct math_node *multiple(struct parser *p, const struct tok *t, struct math_node *value)
{
	static const struct { const char *word, *digits; } scales[] = {
		{"hundred", "100"}, {"thousand", "1000"}, {"million", "1000000"}, {"billion", "1000000000"},
		{"trillion", "1000000000000"}, {"dozen", "12"}, {"ten", "10"},
	};
	size_t n = t->len;

	for (size_t i = 0; i < LEN(scales); i++)
		if (text_is(t->s, n, scales[i].word) ||
		    (n > 3 && strlen(scales[i].word) == n - 1 && (t->s[n - 1] | 32) == 's' &&
		     !strncasecmp(t->s, scales[i].word, n - 1)))
			return mt_two(p, MT_MUL, 0, value,
			              mt_leaf(p, MT_NUMBER, 0, scales[i].digits, strlen(scales[i].digits)));
	return NULL;
}

/* 5 squared, x cubed, 5 factorial */
static struct math_node *operated(struct parser *p, const struct tok *t, struct math_node *value)
{
	int plain = value->kind == MT_NUMBER || value->kind == MT_VAR || value->kind == MT_CONST ||
	            value->flags & MT_F_PAREN;

	if (!plain)
		return NULL;
	if (text_is(t->s, t->len, "squared"))
		return mt_two(p, MT_POW, 0, value, mt_leaf(p, MT_NUMBER, 0, "2", 1));
	if (text_is(t->s, t->len, "cubed"))
		return mt_two(p, MT_POW, 0, value, mt_leaf(p, MT_NUMBER, 0, "3", 1));
	return text_is(t->s, t->len, "factorial") ? mt_one(p, MT_FUNC, MF_FACT, value) : NULL;
}

/* Applies words between a value and its unit; \$1.5 million is a million and a half dollars. */
static struct math_node *scaled(struct parser *p, struct math_node *value)
{
	for (int i = 0; i < 2 && at_kind(p, TK_WORD); i++) {
		struct math_node *inner = value->kind == MT_UNIT ? value->kid[0] : value, *node;
		const struct tok *t = peek(p);

		node = multiple(p, t, inner);
		if (!node)
			node = mt_fraction_word(p, t->s, t->len, inner);
		if (!node)
			node = operated(p, t, inner);
		if (!node)
			break;
		next(p);
		if (value->kind == MT_UNIT)
			value->kid[0] = node;
		else
			value = node;
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

/* \$5 per hour: one unit, $/h. */
static struct math_node *rate(struct parser *p, struct math_node *value, struct phrase *u)
{
	char both[2 * UNIT_LEN];

	if (value->len > UNIT_LEN)
		return NULL;
	memcpy(both, value->text, value->len);
	memcpy(both + value->len, u->s, u->n);
	value->text = mt_text(p, both, value->len + u->n);
	value->len += (uint32_t)u->n;
	value->op = MU_WORD;
	value->flags |= u->open || !u->head ? MT_F_OPEN : 0;
	return value->text ? value : NULL;
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
	} else {
		if (per(p)) {
			next(p);
			u.s[u.n++] = '/';
		}
		if (phrase(p, &u))
			return NULL;
	}
	if (value->kind == MT_UNIT && u.s[0] == '/')
		return rate(p, value, &u);
	if (value->kind == MT_UNIT && value->len == u.n && !memcmp(value->text, u.s, u.n))
		return value;
	node = mt_one(p, MT_UNIT, unit_kind(&u), value);
	if (!node || !(node->text = mt_text(p, u.s, u.n)))
		return NULL;
	node->len = (uint32_t)u.n;
	if (u.open || !u.head)
		node->flags |= MT_F_OPEN;
	return node;
}

int mt_counts(struct parser *p)
{
	struct parser saved = *p;
	struct phrase u = {.n = 0};
	int good = at_kind(p, TK_WORD) && !phrase(p, &u) && u.head && !u.open;

	*p = saved;
	return good;
}

struct math_node *mt_money(struct parser *p, const struct tok *t, struct math_node *value)
{
	value = mt_one(p, MT_UNIT, MU_CURRENCY, value);
	if (!value || !(value->text = mt_text(p, t->s, t->len)))
		return NULL;
	value->len = t->len;
	return value;
}
