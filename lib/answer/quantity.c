/* SPDX-License-Identifier: MIT */
/*
 * The last number that a text says: decimals, fractions, mixed numbers, powers, 3 \times 10^6, 2
 * million. What is written with digits but is no number (2\pi, x^6, 5...) is not taken for one, nor
 * is a number before it then.
 */
#include <string.h>
#include <strings.h>

#include "answer/inside.h"

enum { MAX_DIGITS = 9, MAX_POWER = 18 };

enum reading { READ_NOTHING, READ_NUMBER, READ_OTHER };

struct quantity {
	struct decimal over, under;
	int fraction;
};

static int digit(const char *s, size_t n, size_t at)
{
	return at < n && s[at] >= '0' && s[at] <= '9';
}

static int letter(const char *s, size_t n, size_t at)
{
	return at < n && ((s[at] >= 'a' && s[at] <= 'z') || (s[at] >= 'A' && s[at] <= 'Z'));
}

/* The longest of the list that stands at at; a command only as a whole. 0: none. */
static size_t any(const char *s, size_t n, size_t at, const char *const *list, size_t n_list)
{
	size_t best = 0;

	for (size_t i = 0; i < n_list; i++) {
		size_t len = strlen(list[i]);

		if (len > best && text_starts(s, n, at, list[i]) &&
		    (list[i][0] != '\\' || len < 3 || !letter(s, n, at + len)))
			best = len;
	}
	return best;
}

/* Past spaces, also LaTeX's. */
static size_t spaces(const char *s, size_t n, size_t at)
{
	static const char *const list[] = {" ", "~", "\\,", "\\;", "\\ ", "\\!", "\\:", "\\quad"};
	size_t len;

	for (int i = 0; i < 4 && (len = any(s, n, at, list, LEN(list))); i++)
		at += len;
	return at;
}

/* Behind the closing brace of the group at at, or behind one character. */
static size_t group(const char *s, size_t n, size_t at)
{
	size_t depth = 0;

	if (at < n && s[at] != '{')
		return at + 1;
	for (; at < n; at++) {
		if (s[at] == '{')
			depth++;
		else if (s[at] == '}' && !--depth)
			return at + 1;
	}
	return n;
}

/* ---- what makes other numbers of digits ---- */

static int small(const struct decimal *d, uint64_t *v)
{
	*v = 0;
	if (d->part.len || d->whole.len > MAX_DIGITS)
		return 0;
	for (size_t i = 0; i < d->whole.len; i++)
		*v = *v * 10 + (uint64_t)(d->whole.data[i] - '0');
	return 1;
}

static void set_small(struct decimal *d, uint64_t v)
{
	buf_clear(&d->whole);
	buf_addf(&d->whole, "%llu", (unsigned long long)v);
}

/* ½ and its kin: the length, or 0. */
static size_t vulgar(const char *s, size_t n, size_t at, struct decimal *over,
                     struct decimal *under)
{
	static const struct { const char *text; char over, under; } all[] = {
		{"\xc2\xbd", '1', '2'}, {"\xc2\xbc", '1', '4'}, {"\xc2\xbe", '3', '4'},
		{"\xe2\x85\x93", '1', '3'},
		{"\xe2\x85\x94", '2', '3'}, {"\xe2\x85\x9b", '1', '8'}, {"\xe2\x85\x95", '1', '5'},
		{"\xe2\x85\x99", '1', '6'},
	};

	for (size_t i = 0; i < LEN(all); i++)
		if (text_starts(s, n, at, all[i].text)) {
			buf_addc(&over->whole, all[i].over);
			buf_addc(&under->whole, all[i].under);
			return strlen(all[i].text);
		}
	return 0;
}

/* A proper fraction behind a whole number: 2 1/2, 2\frac12, 2½. Returns the end, at where there is
 * none. */
static size_t mixed(const char *s, size_t n, size_t at, struct quantity *q)
{
	struct decimal over = {{0}, {0}, 0}, under = {{0}, {0}, 0};
	size_t p = spaces(s, n, at), end = num_frac(s, n, p, &over, &under), len;
	uint64_t whole, a, b;

	if (!end && (len = vulgar(s, n, p, &over, &under)))
		end = p + len;
	if (!end && p > at && digit(s, n, p)) {
		num_release(&over);
		num_release(&under);
		over = under = (struct decimal){{0}, {0}, 0};
		end = num_digits(s, n, p, &over);
		end = end < n && s[end] == '/' && digit(s, n, end + 1) ? num_digits(s, n, end + 1, &under)
		                                                       : 0;
		end = end && end < n && s[end] == '/' ? 0 : end;
	}
	if (end && !over.negative && small(&q->over, &whole) && small(&over, &a) && small(&under, &b) &&
	    a < b && a) {
		set_small(&q->over, whole * b + a);
		set_small(&q->under, b);
		q->fraction = 1;
	} else
		end = at;
	num_release(&over);
	num_release(&under);
	return end;
}

/* /4 or " / 4" behind a number; not in a date. */
static size_t divided(const char *s, size_t n, size_t start, size_t at, struct quantity *q)
{
	int spaced = text_starts(s, n, at, " / ");
	size_t p = at + (spaced ? 3 : 1), end;

	if ((!spaced && !text_starts(s, n, at, "/")) || !digit(s, n, p) ||
	    (start && s[start - 1] == '/') || (start > 1 && s[start - 1] == ' ' && s[start - 2] == '/'))
		return at;
	end = num_digits(s, n, p, &q->under);
	q->fraction = !text_starts(s, n, end, "/") && !text_starts(s, n, end, " / ");
	for (size_t i = 0; q->fraction && i <= q->under.whole.len + q->under.part.len; i++)
		if (i == q->under.whole.len + q->under.part.len)
			q->fraction = 0;
		else if ((i < q->under.whole.len ? q->under.whole.data[i]
		                                 : q->under.part.data[i - q->under.whole.len]) != '0')
			break;
	if (!q->fraction) {
		num_release(&q->under);
		q->under = (struct decimal){{0}, {0}, 0};
	}
	return q->fraction ? end : at;
}

/* ^6, ^{6}, ^{-3}: the end, at where there is none; *ok: a whole number that is not too large. */
static size_t exponent(const char *s, size_t n, size_t at, int *value, int *ok)
{
	size_t p = at + 1, from;
	int braced, minus;

	*value = *ok = 0;
	if (at >= n || s[at] != '^')
		return at;
	braced = p < n && s[p] == '{';
	p += (size_t)braced;
	minus = p < n && s[p] == '-';
	p += (size_t)minus;
	for (from = p; digit(s, n, p) && p - from < 4; p++)
		*value = *value * 10 + s[p] - '0';
	*ok = p > from && *value <= NUM_MAX_EXPONENT && !digit(s, n, p) &&
	      (!braced || (p < n && s[p] == '}')) && !(p < n && s[p] == '.' && digit(s, n, p + 1));
	*value = minus ? -*value : *value;
	return *ok ? p + (size_t)braced : at;
}

/* To a power: of ten by moving the point, of others as long as it stays small. */
static int raise(struct quantity *q, int power)
{
	uint64_t base, v = 1;
	int count = power < 0 ? -power : power;

	if (q->fraction || !small(&q->over, &base) || !base)
		return 0;
	for (int i = 0; base != 10 && i < count; i++) {
		if (base > 1 && (i >= 60 || v > UINT64_C(999999999999999999) / base))
			return 0;
		v = base > 1 ? v * base : v;
	}
	set_small(&q->over, v);
	for (int i = 0; base == 10 && i < count; i++)
		num_shift(&q->over, 0);
	if (power < 0) {
		struct decimal one = {{0}, {0}, q->over.negative};

		q->over.negative = 0;
		q->under = q->over;
		q->over = one;
		buf_addc(&q->over.whole, '1');
		q->fraction = 1;
	}
	return 1;
}

static void shift(struct quantity *q, int places)
{
	for (int i = 0; i < (places < 0 ? -places : places); i++)
		num_shift(&q->over, places < 0);
}

/* \times 10^6 */
static size_t scientific(const char *s, size_t n, size_t at, struct quantity *q)
{
	static const char *const signs[] = {"\\times",      "\\cdot", "\xc3\x97", "\xc2\xb7",
	                                    "\xe2\x8b\x85", "*",      "x"};
	size_t p = spaces(s, n, at), len = any(s, n, p, signs, LEN(signs)), end;
	int power, ok;

	if (!len)
		return at;
	p = spaces(s, n, p + len);
	if (!text_starts(s, n, p, "10^"))
		return at;
	end = exponent(s, n, p + 2, &power, &ok);
	if (!ok)
		return at;
	shift(q, power);
	return end;
}

/* 2 million, 3 hundred thousand, 5\text{ tenths}, and a half */
static size_t scaled(const char *s, size_t n, size_t at, struct quantity *q)
{
	static const struct { const char *word; int places; } scales[] = {
		{"hundredths", -2}, {"hundredth", -2}, {"thousandths", -3}, {"thousandth", -3},
		{"tenths", -1}, {"tenth", -1},
		{"hundred", 2}, {"thousand", 3}, {"million", 6}, {"billion", 9}, {"trillion", 12},
	};
	static const char *const texts[] = {"\\text{", "\\mbox{", "\\textrm{", "\\mathrm{", "-"};

	for (int round = 0; round < 3; round++) {
		size_t p = spaces(s, n, at), i = 0;

		p += any(s, n, p, texts, LEN(texts));
		p = spaces(s, n, p);
		while (i < LEN(scales) &&
		       !(text_starts(s, n, p, scales[i].word) && !letter(s, n, p + strlen(scales[i].word))))
			i++;
		if (i == LEN(scales) || p == at)
			break;
		shift(q, scales[i].places);
		at = p + strlen(scales[i].word);
	}
	return at;
}

/* ---- what spoils a number ---- */

/* Does what follows make something else of it? 2\pi, 2x, 1010_2, 5..., 70K. */
static int spoiled(const char *s, size_t n, size_t at)
{
	static const char *const factors[] = {
		"\\pi", "\\sqrt", "\\sin", "\\cos", "\\tan", "\\ln", "\\log", "\\alpha", "\\beta",
		"\\gamma", "\\theta", "\\phi",
		"\\lambda", "\\mu", "\\infty", "\\frac", "\\dfrac", "\\tfrac", "\\binom", "\\ldots",
		"\\dots", "\\cdots", "\\overline",
		"\xcf\x80", "\xe2\x88\x9a", "\xe2\x88\x9e",
	};
	static const char *const right[] = {"_",        "...",      "\xe2\x80\xa6", "\xc2\xb2",
	                                    "\xc2\xb3", "\xc2\xb9", " and a half",  " and a quarter"};
	static const char *const words[] = {
		"factorial", "halves", "thirds", "fourths", "fifths", "sixths",
		"sevenths", "eighths", "ninths", "lakh", "crore", "bn", "mil",
	};
	static const char *const plain_powers[] = {
		"^\\circ", "^{\\circ}", "^{th}", "^{st}", "^{nd}", "^{rd}", "^\\text", "^{\\text",
		"^\\mathrm", "^{\\mathrm", "^\\prime",
	};

	size_t p = spaces(s, n, at), len;

	if (any(s, n, p, factors, LEN(factors)) || any(s, n, at, right, LEN(right)))
		return 1;
	len = any(s, n, p, words, LEN(words));
	if (len && !letter(s, n, p + len))
		return 1;
	if (at < n && s[at] == '^')
		return !any(s, n, at, plain_powers, LEN(plain_powers));
	return letter(s, n, at) && !letter(s, n, at + 1) &&
	       strchr("xyzabcnkpqrtuvwijefoKMBTXYZNPQR", s[at]);
}

/* The quantity at at, its canonical text in out (which was empty); *end: behind it. */
static enum reading read_quantity(const char *s, size_t n, size_t at, size_t *end, struct buf *out)
{
	struct quantity q = {.fraction = 0};
	size_t p = num_sign(s, n, at, &q.over.negative), after, len;
	int power, ok = 1, minus = q.over.negative;

	*end = num_frac(s, n, p, &q.over, &q.under);
	if (!*end) {
		num_release(&q.over);
		num_release(&q.under);
		q.over = q.under = (struct decimal){{0}, {0}, 0};
		q.over.negative = minus;
	}
	if (*end) {
		q.fraction = 1;
		*end = scaled(s, n, *end, &q);
	} else if ((len = vulgar(s, n, p, &q.over, &q.under))) {
		q.fraction = 1;
		*end = p + len;
	} else if (num_starts(s, n, p)) {
		*end = num_digits(s, n, p, &q.over);
		after = num_exponent(s, n, *end, &q.over);
		if (after == *end)
			after = mixed(s, n, *end, &q);
		if (after == *end)
			after = divided(s, n, at, *end, &q);
		if (after == *end && (after = exponent(s, n, *end, &power, &ok)) > *end)
			ok = raise(&q, power);
		else
			ok = 1;
		ok &= after > 0;
		*end = after > *end ? after : *end;
		after = scientific(s, n, *end, &q);
		*end = after > *end ? after : scaled(s, n, *end, &q);
	}
	if (*end && ok && !spoiled(s, n, *end)) {
		if (q.fraction)
			ok = num_put_fraction(&q.over, &q.under, out);
		else
			num_put(&q.over, out);
	} else
		ok = 0;
	/* an exponent that is too large */
	if (!ok && *end && *end + 1 < n && (s[*end] | 32) == 'e' && strchr("+-0123456789", s[*end + 1]))
		for (*end += 2; digit(s, n, *end); ++*end)
			;
	num_release(&q.over);
	num_release(&q.under);
	return !*end ? READ_NOTHING : ok ? READ_NUMBER : READ_OTHER;
}

/* ---- a text ---- */

/* May a number start here? Not right after a letter or another number's digit; and a sign is none
 * right after something that it could subtract from. */
static int may_start(const char *s, size_t n, size_t at)
{
	char before = at ? s[at - 1] : ' ';
	int sign = s[at] == '-' || s[at] == '+' || text_starts(s, n, at, "\xe2\x88\x92") ||
	           text_starts(s, n, at, "\xe2\x80\x93");

	if (at && (letter(s, n, at - 1) || digit(s, n, at - 1) || before == '_'))
		return 0;
	return !sign || (before != ')' && before != ']' && before != '}');
}

/* m^2 behind a number is a unit's, x^6 is not. Returns where to go on. */
static size_t script(const char *s, size_t n, size_t at, int *spoils)
{
	size_t p = at + 1;

	*spoils = s[at] == '^' && at &&
	          (s[at - 1] == ')' || s[at - 1] == ']' ||
	           (letter(s, n, at - 1) && (at < 2 || !letter(s, n, at - 2)) &&
	            !strchr("mgshLl", s[at - 1])));
	if (p < n && s[p] == '{')
		return group(s, n, p);
	p += p < n && s[p] == '-';
	while (digit(s, n, p))
		p++;
	return p;
}

/* A command that is a value without being a number: \sqrt{16}, \frac{x}{3}, \pi. Where it ends, 0:
 * none such. */
static size_t command(const char *s, size_t n, size_t at)
{
	static const char *const with[] = {"\\sqrt",  "\\frac",  "\\dfrac",
	                                   "\\tfrac", "\\cfrac", "\\binom"},
	                         *const without[] = {
	                             "\\pi",
	                             "\\infty",
	                             "\\alpha",
	                             "\\theta",
	                         };
	size_t len = any(s, n, at, with, LEN(with)), bare = any(s, n, at, without, LEN(without));
	int two = len && s[at + 1] != 's';

	if (!len)
		return bare ? at + bare : 0;
	at += len;
	if (at < n && s[at] == '[')
		while (at < n && s[at++] != ']')
			;
	for (int i = 0; i <= two && at < n; i++)
		at = group(s, n, spaces(s, n, at));
	return at < n ? at : n;
}

/* Does what stands before a number make something else of it? \pm 3, \log 3, a root's sign. */
static int led(const char *s, size_t at)
{
	static const char *const signs[] = {
		"\xe2\x88\x9a", "\xc2\xb1", "\xe2\x88\x93", "\\pm", "\\mp", "\\log", "\\ln", "\\lg",
		"\\sin", "\\cos", "\\tan", "\\exp", "\\pmod", "\\bmod",
	};

	while (at && (s[at - 1] == ' ' || s[at - 1] == '{' || s[at - 1] == '('))
		at--;
	for (size_t i = 0; i < LEN(signs); i++)
		if (at >= strlen(signs[i]) && text_starts(s, at, at - strlen(signs[i]), signs[i]))
			return 1;
	return 0;
}

/* "negative 3", and "minus 3" that is no difference: is it so at the 3? */
static int said_negative(const char *s, size_t at)
{
	static const char *const words[] = {"negative", "minus"};

	while (at && s[at - 1] && strchr(" *$(", s[at - 1]))
		at--;
	for (size_t i = 0; i < LEN(words); i++) {
		size_t len = strlen(words[i]), p = at - len;

		if (at < len || strncasecmp(s + p, words[i], len) ||
		    (p && (letter(s, at, p - 1) || s[p - 1] == '-')))
			continue;
		while (p && s[p - 1] == ' ')
			p--;
		return !i || !p || !(digit(s, at, p - 1) || strchr(")]}%", s[p - 1]) ||
		       (letter(s, at, p - 1) && (p < 2 || !letter(s, at, p - 2))));
	}
	return 0;
}

static void negate(struct buf *number)
{
	struct buf plain = {0};
	int minus = number->data[0] == '-';

	if (!minus && strcmp(number->data, "0"))
		buf_addc(&plain, '-');
	buf_adds(&plain, number->data + minus);
	buf_release(number);
	*number = plain;
}

int math_last_number(const char *s, size_t n, struct buf *out)
{
	struct buf one = {0};
	int found = 0;
	size_t at = 0, end;

	buf_clear(out);
	while (at < n) {
		enum reading r = READ_NOTHING;
		int spoils = 0;

		end = at + 1;
		if ((s[at] == '^' || s[at] == '_') && at + 1 < n) {
			end = script(s, n, at, &spoils);
			r = spoils ? READ_OTHER : READ_NOTHING;
		} else if (s[at] && strchr("0123456789.-+$\\\xe2\xc2", s[at]) && may_start(s, n, at)) {
			buf_clear(&one);
			r = read_quantity(s, n, at, &end, &one);
			end = r == READ_NOTHING ? at + 1 : end;
		}
		if (r == READ_NOTHING && s[at] == '\\' && command(s, n, at)) {
			end = command(s, n, at);
			r = READ_OTHER;
		}
		if (r == READ_NUMBER) {
			enum hedge h = math_hedge(s, n, at, end);

			if (h == HEDGE_BOUND || led(s, at))
				r = READ_OTHER;
			else if (h == HEDGE_NOT)
				r = READ_NOTHING;
			if (said_negative(s, at))
				negate(&one);
		}
		if (r != READ_NOTHING) {
			buf_clear(out);
			buf_add(out, one.data, r == READ_NUMBER ? one.len : 0);
			found = r == READ_NUMBER;
		}
		at = end > at ? end : at + 1;
	}
	buf_release(&one);
	return found;
}

int math_quantity(const char *s, size_t n, struct buf *out)
{
	static const char white[] = " \t\r\n";
	size_t at = 0, end;

	buf_clear(out);
	while (n && s[n - 1] && strchr(white, s[n - 1]))
		n--;
	while (at < n && s[at] && strchr(white, s[at]))
		at++;
	if (at < n && read_quantity(s, n, at, &end, out) == READ_NUMBER && end == n)
		return 1;
	buf_clear(out);
	return 0;
}
