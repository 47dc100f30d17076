/* SPDX-License-Identifier: MIT */
/*
 * From bytes to tokens. Spacing, sizing, fonts and the delimiters of mathematics
 * end here; notations of one thing become one token. Decided here:
 * - letters in a row are a product of variables, unless they are a known name (sin), a short word
 *   (cm), four or more that are not consecutive letters (even), or written as text;
 * - 1,234 is one number where no bracket is open; 1{,}234, 1,\!234, 1\,234 and 1 234 are everywhere;
 * - 2e5 and 2E-5 are scientific; 2e-5 is if the mantissa has a point or the exponent two digits;
 * - an odd dollar sign is money, in pairs they are delimiters.
 */
#include <string.h>

#include "base/base.h"
#include "math/parse.h"

enum { MODES = 32 };

struct lexer {
	struct parser *p;
	const char *s;
	size_t n, at;
	int space;                      /* seen since the last token */
	int brace, bracket, matrix;     /* open ones */
	int dollars;                    /* delimiters are left out; else they are money */
	int n_mode, math;               /* math: $ within text */
	struct { int kind, brace; } mode[MODES];
};

static int is_digit(int c) { return c >= '0' && c <= '9'; }
static int is_alpha(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static int is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static int char_at(const struct lexer *l, size_t i) { return i < l->n ? (unsigned char)l->s[i] : 0; }

static int mode(const struct lexer *l)
{
	return l->n_mode && !l->math ? l->mode[l->n_mode - 1].kind : 0;
}

static struct tok *emit(struct lexer *l, int kind, int op, const char *s, size_t n)
{
	struct parser *p = l->p;
	struct tok *t;

	if (p->n_tok == p->tok_cap)
		return NULL;
	t = &p->tok[p->n_tok++];
	*t = (struct tok){
		.kind = (uint8_t)kind, .op = (uint8_t)op, .len = (uint32_t)n, .s = s,
		.flags = (uint8_t)((l->space ? TF_SPACE : 0) | (mode(l) == TC_TEXT || mode(l) == TC_ROMAN ? TF_TEXT : 0)),
	};
	l->space = 0;
	return t;
}

static int emits(struct lexer *l, int kind, int op, const char *s)
{
	return emit(l, kind, op, s, strlen(s)) ? 0 : -1;
}

static int last_kind(const struct lexer *l)
{
	return l->p->n_tok ? l->p->tok[l->p->n_tok - 1].kind : TK_END;
}

/* ---- numbers ---- */

static int digits_at(const struct lexer *l, size_t at, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_digit(char_at(l, at + i)))
			return 0;
	return !is_digit(char_at(l, at + count));
}

/* The bytes of what separates thousands at this place, 0: none. *plain: a mere comma. */
static size_t separator(const struct lexer *l, size_t at, int *plain)
{
	static const char *const always[] = {"{,}", "\\,", "\\;", "\\:", "\\ ", "~", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};
	size_t n;

	*plain = 0;
	for (size_t i = 0; i < LEN(always); i++) {
		n = strlen(always[i]);
		if (at + n <= l->n && !memcmp(l->s + at, always[i], n) && digits_at(l, at + n, 3))
			return n;
	}
	if (char_at(l, at) == ',') {
		int thin = 0;

		for (n = 1; is_space(char_at(l, at + n)) || (char_at(l, at + n) == '\\' && char_at(l, at + n + 1) == '!'); )
			if (char_at(l, at + n) == '\\') {
				n += 2;
				thin = 1;
			} else {
				n++;
			}
		if (digits_at(l, at + n, 3) && (thin || (n == 1 && !l->bracket))) {
			*plain = !thin;
			return n;
		}
	}
	if (char_at(l, at) == ' ' && digits_at(l, at + 1, 3) && char_at(l, at + 4) != '/')
		return 1;
	return 0;
}

static void add_digits(struct lexer *l, size_t count)
{
	memcpy(l->p->chr + l->p->n_chr, l->s + l->at, count);
	l->p->n_chr += count;
	l->at += count;
}

static size_t run_of_digits(const struct lexer *l, size_t at)
{
	size_t n = 0;

	while (is_digit(char_at(l, at + n)))
		n++;
	return n;
}

/* \overline{3} or \bar{3} after decimals: how many digits recur. */
static size_t recurring(struct lexer *l)
{
	static const char *const marks[] = {"\\overline{", "\\bar{", "\\overline ", "\\overline", "\\dot{"};

	for (size_t i = 0; i < LEN(marks); i++) {
		size_t n = strlen(marks[i]), digits;
		int braced = marks[i][n - 1] == '{';

		if (l->at + n > l->n || memcmp(l->s + l->at, marks[i], n))
			continue;
		digits = run_of_digits(l, l->at + n);
		if (!digits || (braced && char_at(l, l->at + n + digits) != '}'))
			continue;
		if (!braced || marks[i][1] == 'd')
			digits = 1;
		if (marks[i][1] == 'd' && char_at(l, l->at + n + 1) != '}')
			continue;
		l->at += n;
		add_digits(l, digits);
		l->at += (size_t)braced;
		return digits;
	}
	return 0;
}

/* The exponent's bytes if what follows the number is one. */
static size_t exponent(const struct lexer *l, int point)
{
	size_t n = 1, digits;
	int c = char_at(l, l->at), sign;

	if (c != 'e' && c != 'E')
		return 0;
	sign = char_at(l, l->at + 1);
	n += sign == '+' || sign == '-';
	digits = run_of_digits(l, l->at + n);
	if (!digits || is_alpha(char_at(l, l->at + n + digits)) || (n == 2 && c == 'e' && digits < 2 && !point))
		return 0;
	return n + digits;
}

static int number(struct lexer *l)
{
	struct parser *p = l->p;
	size_t start = p->n_chr, first = run_of_digits(l, l->at), decimals = 0, repeat = 0, n, zeros = 0;
	int plain, grouped = 0, point = 0;
	struct tok *t;

	if (p->chr_cap - p->n_chr < l->n - l->at + 8)
		return -1;
	add_digits(l, first);
	if (first && first <= 3 && p->chr[start] != '0')
		while ((n = separator(l, l->at, &plain))) {
			grouped |= plain;
			l->at += n;
			add_digits(l, 3);
		}
	if (char_at(l, l->at) == '.' && (is_digit(char_at(l, l->at + 1)) || (first && char_at(l, l->at + 1) == '\\'))) {
		size_t back = l->at++;

		point = 1;
		n = run_of_digits(l, l->at);
		decimals = n;
		add_digits(l, n);
		repeat = recurring(l);
		decimals += repeat;
		if (!decimals) {
			l->at = back;
			point = 0;
		}
	}
	n = p->n_chr - start;
	while (zeros + 1 < n && p->chr[start + zeros] == '0')
		zeros++;
	p->chr[p->n_chr++] = 0;
	repeat = repeat > n - zeros ? n - zeros : repeat;
	t = emit(l, TK_NUM, 0, p->chr + start + zeros, n - zeros);
	if (!t)
		return -1;
	t->decimals = (uint32_t)decimals;
	t->repeat = (uint32_t)repeat;
	t->width = (uint32_t)n;
	t->flags |= grouped ? TF_GROUPED : 0;
	n = exponent(l, point);
	if (!n || grouped || last_kind(l) != TK_NUM)
		return 0;
	/* {2*10^{-5}} */
	struct tok mantissa = *t;
	int minus = char_at(l, l->at + 1) == '-';

	p->n_tok--;
	if (emits(l, TK_OPEN, '{', "{") || !(t = emit(l, TK_NUM, 0, "", 0)))
		return -1;
	mantissa.flags &= (uint8_t)~TF_SPACE;
	*t = mantissa;
	l->at += 1 + (size_t)(minus || char_at(l, l->at + 1) == '+');
	if (emits(l, TK_MUL, 0, "*") || emits(l, TK_NUM, 0, "10") || emits(l, TK_POW, 0, "^") || emits(l, TK_OPEN, '{', "{") ||
	    (minus && emits(l, TK_MINUS, 0, "-")) || number(l) || emits(l, TK_CLOSE, '{', "}") || emits(l, TK_CLOSE, '{', "}"))
		return -1;
	return 0;
}

/* ---- letters ---- */

static int consecutive(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (s[i] != s[i - 1] + 1)
			return 0;
	return 1;
}

static int is_word(const char *s, size_t n)
{
	return n >= 4 ? !consecutive(s, n) : name_is_short_word(s, n);
}

static int letter(struct lexer *l, const char *s)
{
	if ((*s == 'e' || *s == 'i') && mode(l) != TC_FONT)
		return emit(l, TK_CONST, *s == 'e' ? MC_E : MC_I, s, 1) ? 0 : -1;
	return emit(l, TK_VAR, 0, s, 1) ? 0 : -1;
}

static int named(struct lexer *l, const struct name *name)
{
	return emits(l, name->kind, name->op, name->text ? name->text : name->name);
}

/* Letters of prose: with digits, inner dots, hyphens and apostrophes. */
static int prose(struct lexer *l)
{
	size_t from = l->at, n = 0;
	const char *s = l->s + from;

	while (is_alpha(char_at(l, from + n)) || (n && is_digit(char_at(l, from + n))) || (unsigned char)char_at(l, from + n) >= 0x80 ||
	       (n && (char_at(l, from + n) == '-' || char_at(l, from + n) == '\'' || char_at(l, from + n) == '.') &&
	        is_alpha(char_at(l, from + n + 1)))) {
		uint32_t code;
		const struct name *name;
		size_t bytes = name_char(s + n, l->n - from - n, &code, &name);

		if (!bytes || name)
			break;
		n += bytes;
	}
	if (!n)
		return emits(l, TK_BAD, 0, "?");
	l->at += n;
	if (n == 3 && !memcmp(s, "and", 3))
		return emits(l, TK_AND, 0, "and");
	if (n == 2 && !memcmp(s, "or", 2))
		return emits(l, TK_OR, 0, "or");
	if (mode(l) == TC_ROMAN) {
		const struct name *name = name_plain(s, n);

		if (!name)
			name = name_command(s, n);
		if (name && (name->kind == TK_FUNC || name->kind == TK_MOD))
			return named(l, name);
		if (n == 1 && (*s == 'e' || *s == 'i'))
			return emit(l, TK_CONST, *s == 'e' ? MC_E : MC_I, s, 1) ? 0 : -1;
	}
	return emit(l, TK_WORD, 0, s, n) ? 0 : -1;
}

static int next_visible(const struct lexer *l)
{
	size_t i = l->at;

	while (is_space(char_at(l, i)))
		i++;
	return char_at(l, i);
}

/* "in" is a relation before a set. */
static int set_follows(const struct lexer *l)
{
	int c = next_visible(l);

	return c == '[' || c == '(' || c == '{' || c == '\\';
}

/* Letters in a row, in mathematics. */
static int letters(struct lexer *l)
{
	const char *s = l->s + l->at;
	const struct name *name;
	size_t n = 0;
	int c;

	while (is_alpha(char_at(l, l->at + n)))
		n++;
	/* a.m. */
	if (n == 1 && (*s == 'a' || *s == 'p') && s + 3 <= l->s + l->n && s[1] == '.' && s[2] == 'm')
		return prose(l);
	/* 2 x 3 */
	if (n == 1 && *s == 'x' && last_kind(l) == TK_NUM) {
		l->at++;
		c = next_visible(l);
		return is_digit(c) ? emits(l, TK_MUL, 0, "*") : letter(l, s);
	}
	name = name_plain(s, n);
	if (name && !(name->kind == TK_UNION && n == 1 && last_kind(l) != TK_CLOSE)) {
		l->at += n;
		return named(l, name);
	}
	if (n == 2 && !memcmp(s, "in", 2)) {
		l->at += 2;
		return set_follows(l) ? emits(l, TK_REL, 'e', "in") : emit(l, TK_WORD, 0, s, 2) ? 0 : -1;
	}
	/* xsqrt(2), ipi */
	for (size_t k = 1; k <= 2 && k < n; k++) {
		name = name_plain(s + k, n - k);
		if (name && n - k >= 2 && (name->kind == TK_SQRT || name->kind == TK_FUNC || name->kind == TK_CONST) && !name_is_short_word(s, n)) {
			for (size_t i = 0; i < k; i++)
				if (letter(l, s + i))
					return -1;
			l->at += n;
			return named(l, name);
		}
	}
	if (is_word(s, n))
		return prose(l);
	l->at += n;
	for (size_t i = 0; i < n; i++)
		if (letter(l, s + i))
			return -1;
	return 0;
}

/* ---- commands ---- */

static void skip_space(struct lexer *l)
{
	while (is_space(char_at(l, l->at)))
		l->at++;
}

/* Past {...}, or one character. */
static void skip_argument(struct lexer *l)
{
	size_t deep = 0;

	if (char_at(l, l->at) == '*')
		l->at++;
	skip_space(l);
	do {
		int c = char_at(l, l->at);

		if (l->at >= l->n)
			return;
		l->at += c == '\\' && l->at + 1 < l->n ? 2 : 1;
		deep += c == '{';
		deep -= c == '}' && deep;
	} while (deep);
}

static int enter(struct lexer *l, int kind)
{
	if (char_at(l, l->at) == '*')
		l->at++;
	skip_space(l);
	if (char_at(l, l->at) != '{')
		return kind == TC_TEXT ? -2 : 0;
	if (l->n_mode == MODES || l->math)
		return -1;
	l->at++;
	l->brace++;
	l->mode[l->n_mode].kind = kind;
	l->mode[l->n_mode++].brace = l->brace;
	return 0;
}

static int environment(struct lexer *l, int begin)
{
	size_t from, n = 0;
	int kind, array;

	skip_space(l);
	if (char_at(l, l->at) != '{')
		return emits(l, TK_BAD, 0, "\\begin");
	from = l->at + 1;
	while (from + n < l->n && l->s[from + n] != '}')
		n++;
	kind = name_env(l->s + from, n);
	l->at = from + n + (from + n < l->n);
	array = n == 5 && !memcmp(l->s + from, "array", 5);
	if (!kind)
		return emit(l, TK_BAD, 0, l->s + from, n) ? 0 : -1;
	if (kind == 'a')
		return 0;
	l->matrix += begin ? 1 : -1;
	if (!begin)
		return emit(l, TK_FINISH, kind, "]", 1) ? 0 : -1;
	if (array) {
		skip_space(l);
		if (char_at(l, l->at) == '{')
			skip_argument(l);
	}
	return emit(l, TK_BEGIN, kind, kind == 'v' ? "det[" : "mat[", 4) ? 0 : -1;
}

static int run_name(struct lexer *l, const struct name *name);

/* \mathbb{R}, \mathbb R */
static int blackboard(struct lexer *l)
{
	size_t braced;
	int c;

	skip_space(l);
	braced = char_at(l, l->at) == '{';
	c = char_at(l, l->at + braced);
	if (!is_alpha(c) || (braced && char_at(l, l->at + 2) != '}'))
		return emits(l, TK_BAD, 0, "\\mathbb");
	l->at += 1 + 2 * braced;
	return emit(l, TK_SETNAME, 0, l->s + l->at - 1 - braced, 1) ? 0 : -1;
}

static int negated(struct lexer *l)
{
	static const struct { const char *after; char op; const char *text; } nots[] = {{"=", '!', "!="}, {"\\in", 'n', "notin"}};

	skip_space(l);
	for (size_t i = 0; i < LEN(nots); i++) {
		size_t n = strlen(nots[i].after);

		if (l->at + n <= l->n && !memcmp(l->s + l->at, nots[i].after, n) && !(n > 1 && is_alpha(char_at(l, l->at + n)))) {
			l->at += n;
			return emits(l, TK_REL, nots[i].op, nots[i].text);
		}
	}
	return emits(l, TK_BAD, 0, "\\not");
}

/* \left and its kin: the bracket that follows stays, a dot does not. */
static int sized(struct lexer *l, int c)
{
	int bar;

	skip_space(l);
	if (char_at(l, l->at) == '.') {
		l->at++;
		return 0;
	}
	bar = char_at(l, l->at) == '|';
	if (bar && c == 'm') {
		l->at++;
		return emits(l, TK_MID, 0, "|");
	}
	if (bar && (c == 'l' || c == 'r')) {
		l->at++;
		return emit(l, TK_BAR, c, "|", 1) ? 0 : -1;
	}
	return 0;
}

static int run_name(struct lexer *l, const struct name *name)
{
	int r;

	switch (name->kind) {
	case TC_DROP:
		return 0;
	case TC_SPACE:
		l->space = 1;
		return 0;
	case TC_SKIP:
		skip_argument(l);
		l->space = 1;
		return 0;
	case TC_TEXT:
	case TC_ROMAN:
	case TC_FONT:
		r = enter(l, name->kind);
		return r == -2 ? emits(l, TK_BAD, 0, "\\text") : r;
	case TC_BB:
		return blackboard(l);
	case TC_ENV:
		return environment(l, name->op == 'b');
	case TC_NOT:
		return negated(l);
	case TC_SIZE:
		return sized(l, name->name[0] == 'm' ? 'm' : name->name[strlen(name->name) - 1] == 't' ? name->name[0] :
		             name->name[strlen(name->name) - 1]);
	}
	if (name->kind == TK_OPEN || name->kind == TK_CLOSE)
		l->bracket += name->kind == TK_OPEN ? 1 : l->bracket > 0 ? -1 : 0;
	return named(l, name);
}

static int escaped(struct lexer *l)
{
	int c = char_at(l, l->at + 1);

	switch (c) {
	case ',': case ';': case ':': case '>': case ' ': case '\n': case '\t':
		l->space = 1;
		break;
	case '!': case '/': case '-': case '(': case ')': case '[': case ']': case '#':
		break;
	case '$':
		l->at += 2;
		return emits(l, TK_MONEY, 0, "$");
	case '%':
		l->at += 2;
		return emits(l, TK_PERCENT, 0, "%");
	case '&':
		l->at += 2;
		return emits(l, TK_AND, 0, "and");
	case '|':
		l->at += 2;
		return emits(l, TK_NORM, 0, "Vert");
	case '{':
	case '}':
		l->at += 2;
		l->bracket += c == '{' ? 1 : l->bracket > 0 ? -1 : 0;
		return emit(l, c == '{' ? TK_OPEN : TK_CLOSE, 'S', c == '{' ? "\\{" : "\\}", 2) ? 0 : -1;
	case '\\':
		/* a backslash escaped once too often */
		if (!l->matrix && is_alpha(char_at(l, l->at + 2))) {
			l->at++;
			return 0;
		}
		l->at += 2;
		if (l->matrix && char_at(l, l->at) == '[') {
			size_t n = 1;

			while (l->at + n < l->n && n < 12 && l->s[l->at + n] != ']')
				n++;
			if (is_digit(char_at(l, l->at + 1)) && char_at(l, l->at + n) == ']' && is_alpha(char_at(l, l->at + n - 1)))
				l->at += n + 1;
		}
		return emits(l, TK_ROW, 0, "\\\\");
	default:
		l->at++;
		return emits(l, TK_BAD, 0, "\\");
	}
	l->at += 2;
	return 0;
}

static int command(struct lexer *l)
{
	const struct name *name;
	size_t from = l->at + 1, n = 0;

	while (is_alpha(char_at(l, from + n)))
		n++;
	if (!n)
		return escaped(l);
	name = name_command(l->s + from, n);
	/* \frac12 has no space; \pix is not \pi x */
	l->at = from + n;
	if (!name)
		return emit(l, TK_BAD, 0, l->s + from - 1, n + 1) ? 0 : -1;
	return run_name(l, name);
}

/* ---- single characters ---- */

static int brace(struct lexer *l, int c)
{
	l->at++;
	if (c == '{') {
		l->brace++;
		return mode(l) ? 0 : emit(l, TK_OPEN, '{', "{", 1) ? 0 : -1;
	}
	if (l->n_mode && !l->math && l->mode[l->n_mode - 1].brace == l->brace) {
		l->n_mode--;
		l->brace--;
		return 0;
	}
	l->brace--;
	return mode(l) ? 0 : emit(l, TK_CLOSE, '{', "}", 1) ? 0 : -1;
}

/* ** <= >= != == and so on: two characters that are one token. */
static int pair(struct lexer *l, int c)
{
	static const struct { char a, b; uint8_t kind; char op; const char *text; } pairs[] = {
		{'*', '*', TK_POW, 0, "^"}, {'<', '=', TK_REL, 'l', "<="}, {'>', '=', TK_REL, 'g', ">="}, {'=', '<', TK_REL, 'l', "<="},
		{'=', '=', TK_REL, '=', "="}, {'-', '>', TK_REL, 't', "to"}, {'<', '>', TK_REL, '!', "!="},
	};
	int d = char_at(l, l->at + 1);

	if (c == '.' && d == '.' && char_at(l, l->at + 2) == '.') {
		l->at += 3;
		return emits(l, TK_DOTS, 0, "...") ? -1 : 1;
	}
	/* 5!=120 is a factorial, x != 3 is none */
	if (c == '!' && d == '=' && (l->space || (last_kind(l) != TK_NUM && last_kind(l) != TK_CLOSE))) {
		l->at += 2;
		return emits(l, TK_REL, '!', "!=") ? -1 : 1;
	}
	for (size_t i = 0; i < LEN(pairs); i++)
		if (pairs[i].a == c && pairs[i].b == d) {
			l->at += 2;
			return emits(l, pairs[i].kind, pairs[i].op, pairs[i].text) ? -1 : 1;
		}
	return 0;
}

static int single(struct lexer *l, int c)
{
	static const struct { char c; uint8_t kind; char op; } singles[] = {
		{'+', TK_PLUS, 0}, {'-', TK_MINUS, 0}, {'*', TK_MUL, 0}, {'/', TK_DIV, 0}, {'^', TK_POW, 0}, {'_', TK_SUB, 0},
		{'!', TK_BANG, 0}, {'\'', TK_PRIME, 0}, {'%', TK_PERCENT, 0}, {'=', TK_REL, '='}, {'<', TK_REL, '<'}, {'>', TK_REL, '>'},
		{',', TK_COMMA, 0}, {';', TK_SEMI, 0}, {':', TK_COLON, 0}, {'.', TK_DOT, 0}, {'|', TK_BAR, 0},
		{'(', TK_OPEN, '('}, {')', TK_CLOSE, '('}, {'[', TK_OPEN, '['}, {']', TK_CLOSE, '['},
	};
	int r = pair(l, c);

	if (r)
		return r > 0 ? 0 : -1;
	for (size_t i = 0; i < LEN(singles); i++)
		if (singles[i].c == c) {
			if (singles[i].kind == TK_OPEN)
				l->bracket++;
			if (singles[i].kind == TK_CLOSE && l->bracket)
				l->bracket--;
			l->at++;
			return emit(l, singles[i].kind, singles[i].op, l->s + l->at - 1, 1) ? 0 : -1;
		}
	l->at++;
	if (c == '&')
		return l->matrix ? emits(l, TK_AMP, 0, "&") : 0;
	return emit(l, TK_BAD, 0, c ? l->s + l->at - 1 : "?", 1) ? 0 : -1;
}

/* The plain character that a raised or lowered one stands for, 0: neither. */
static int raised(uint32_t code, int *low)
{
	static const char tail[] = "+-=()n";

	*low = code >= 0x2080 && code <= 0x208e;
	if (code == 0xb2 || code == 0xb3 || code == 0xb9)
		return code == 0xb9 ? '1' : (int)(code - 0xb0) + '0';
	if (code == 0x2070 || (code >= 0x2074 && code <= 0x2079))
		return (int)(code - 0x2070) + '0';
	if (code >= 0x207a && code <= 0x207f)
		return tail[code - 0x207a];
	if (code >= 0x2080 && code <= 0x2089)
		return (int)(code - 0x2080) + '0';
	return 0;
}

/* x², 10⁻³, a₁: ^{..} or _{..} */
static int raise(struct lexer *l, int low)
{
	static const char all[] = "0123456789+-n";
	struct parser *p = l->p;
	const struct name *name;
	uint32_t code;
	int now, c;
	size_t n;

	if (emits(l, low ? TK_SUB : TK_POW, 0, low ? "_" : "^") || emits(l, TK_OPEN, '{', "{"))
		return -1;
	while (l->at < l->n && (n = name_char(l->s + l->at, l->n - l->at, &code, &name)) && (c = raised(code, &now)) && now == low) {
		const char *spell = strchr(all, c);
		struct tok *last = &p->tok[p->n_tok - 1];

		l->at += n;
		if (!spell)
			return emits(l, TK_BAD, 0, "^");
		if (!is_digit(c)) {
			if (!emit(l, c == 'n' ? TK_VAR : c == '-' ? TK_MINUS : TK_PLUS, 0, spell, 1))
				return -1;
			continue;
		}
		if (p->chr_cap - p->n_chr < 4)
			return -1;
		if (last->kind == TK_NUM) {
			p->n_chr--;                     /* the NUL */
			last->len++;
			last->width++;
		} else {
			last = emit(l, TK_NUM, 0, p->chr + p->n_chr, 1);
			if (!last)
				return -1;
			last->width = 1;
		}
		p->chr[p->n_chr++] = (char)c;
		p->chr[p->n_chr++] = 0;
	}
	return emits(l, TK_CLOSE, '{', "}");
}

static int vulgar(struct lexer *l, uint32_t code)
{
	static const struct { uint32_t code; const char *a, *b; } all[] = {
		{0xbc, "1", "4"}, {0xbd, "1", "2"}, {0xbe, "3", "4"}, {0x2150, "1", "7"}, {0x2151, "1", "9"}, {0x2153, "1", "3"},
		{0x2154, "2", "3"}, {0x2155, "1", "5"}, {0x2156, "2", "5"}, {0x2157, "3", "5"}, {0x2158, "4", "5"}, {0x2159, "1", "6"},
		{0x215a, "5", "6"}, {0x215b, "1", "8"}, {0x215c, "3", "8"}, {0x215d, "5", "8"}, {0x215e, "7", "8"},
	};

	for (size_t i = 0; i < LEN(all); i++)
		if (all[i].code == code)
			return emits(l, TK_FRAC, 0, "frac") || emits(l, TK_NUM, 0, all[i].a) || emits(l, TK_NUM, 0, all[i].b) ? -1 : 1;
	return 0;
}

static int beyond_ascii(struct lexer *l)
{
	const struct name *name;
	uint32_t code;
	size_t n = name_char(l->s + l->at, l->n - l->at, &code, &name);
	int low, r;

	if (!n) {
		l->at++;
		return emits(l, TK_BAD, 0, "\xef\xbf\xbd");
	}
	if (name) {
		l->at += n;
		return run_name(l, name);
	}
	if (raised(code, &low))
		return raise(l, low);
	r = vulgar(l, code);
	if (r) {
		l->at += n;
		return r > 0 ? 0 : -1;
	}
	return prose(l);
}

static int dollar(struct lexer *l)
{
	l->at++;
	if (l->n_mode && l->dollars) {
		l->math = !l->math;
		l->space = 1;
		return 0;
	}
	return l->dollars ? 0 : emits(l, TK_MONEY, 0, "$");
}

static int count_dollars(const char *s, size_t n)
{
	int count = 0;

	for (size_t i = 0; i < n; i++) {
		count += s[i] == '$';
		i += s[i] == '\\';
	}
	return count;
}

int lex(struct parser *p, const char *s, size_t n)
{
	struct lexer l = {.p = p, .s = s, .n = n};
	int r = 0;

	l.dollars = count_dollars(s, n) % 2 == 0;
	while (!r && l.at < l.n) {
		int c = (unsigned char)l.s[l.at];

		if (is_space(c)) {
			l.at++;
			l.space = 1;
		} else if (c == '\\') {
			r = command(&l);
		} else if (c == '~' && char_at(&l, l.at + 1) != '=') {
			l.at++;
			l.space = 1;
		} else if (is_digit(c) || (c == '.' && is_digit(char_at(&l, l.at + 1)))) {
			r = number(&l);
		} else if (is_alpha(c)) {
			r = mode(&l) == TC_TEXT || mode(&l) == TC_ROMAN ? prose(&l) : letters(&l);
		} else if (c == '{' || c == '}') {
			r = brace(&l, c);
		} else if (c == '$') {
			r = dollar(&l);
		} else if (c >= 0x80) {
			r = beyond_ascii(&l);
		} else {
			r = single(&l, c);
		}
	}
	/* one more is kept for it */
	p->tok_cap++;
	l.space = 1;
	return r || l.n_mode ? -1 : emits(&l, TK_END, 0, "");
}
