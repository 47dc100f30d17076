/* SPDX-License-Identifier: MIT */
/*
 * The lexer: bytes to tokens. Removes spacing, sizing, fonts and math delimiters; different
 * notations of the same thing become one token. Decisions made here:
 * - a run of letters is a product of variables, unless it is a known name (sin), a short word (cm),
 *   four or more non-consecutive letters of the alphabet (even), or written as text;
 * - 1,234 is one number only outside brackets; 1{,}234, 1,\!234, 1\,234 and 1 234 everywhere;
 * - 2e5 and 2E-5 are scientific notation; 2e-5 only if the mantissa has a point or the exponent two
 *   digits;
 * - dollar signs are delimiters in pairs; an unpaired one is money.
 */
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

struct tok *lex_emit(struct lexer *l, int kind, int op, const char *s, size_t n)
{
	struct parser *p = l->p;
	struct tok *t;

	if (p->n_tok == p->tok_cap)
		return NULL;
	t = &p->tok[p->n_tok++];
	*t = (struct tok){
	    .kind = (uint8_t)kind,
	    .op = (uint8_t)op,
	    .len = (uint32_t)n,
	    .s = s,
	    .flags = (uint8_t)((l->space ? TF_SPACE : 0) |
	                       (mode(l) == TC_TEXT || mode(l) == TC_ROMAN ? TF_TEXT : 0) |
	                       (l->wide ? TF_WIDE : 0)),
	};
	l->space = l->wide = 0;
	return t;
}

int lex_emits(struct lexer *l, int kind, int op, const char *s)
{
	return lex_emit(l, kind, op, s, strlen(s)) ? 0 : -1;
}

int lex_token(struct lexer *l, const struct name *name)
{
	return lex_emits(l, name->kind, name->op, name->text ? name->text : name->name);
}

int lex_peek(const struct lexer *l)
{
	size_t i = l->at;

	while (is_space(char_at(l, i)))
		i++;
	return char_at(l, i);
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
	if (n == 3 && s[0] <= 'Z' && s[1] >= 'a' && s[2] >= 'a')      /* Fri, The */
		return 1;
	return n >= 4 ? s[0] < 'a' || !consecutive(s, n) : name_is_short_word(s, n);
}

static int letter(struct lexer *l, const char *s)
{
	if ((*s == 'e' || *s == 'i') && mode(l) != TC_FONT)
		return lex_emit(l, TK_CONST, *s == 'e' ? MC_E : MC_I, s, 1) ? 0 : -1;
	return lex_emit(l, TK_VAR, 0, s, 1) ? 0 : -1;
}

/* The plain character for a superscript or subscript one; 0: neither. */
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

/* A word of prose: letters with digits, inner dots, hyphens and apostrophes. */
static int prose(struct lexer *l)
{
	size_t from = l->at, n = 0;
	const char *s = l->s + from;

	while (is_alpha(char_at(l, from + n)) || (n && is_digit(char_at(l, from + n))) ||
	       (unsigned char)char_at(l, from + n) >= 0x80 ||
	       (n &&
	        (char_at(l, from + n) == '-' || char_at(l, from + n) == '\'' ||
	         char_at(l, from + n) == '.') &&
	        is_alpha(char_at(l, from + n + 1)))) {
		uint32_t code;
		const struct name *name;
		size_t bytes = name_char(s + n, l->n - from - n, &code, &name);
		int low;

		if (!bytes || name || raised(code, &low))
			break;
		n += bytes;
	}
	if (!n)
		return lex_emits(l, TK_BAD, 0, "?");
	l->at += n;
	if (n == 3 && !memcmp(s, "and", 3))
		return lex_emits(l, TK_AND, 0, "and");
	if (n == 2 && !memcmp(s, "or", 2))
		return lex_emits(l, TK_OR, 0, "or");
	if (n == 3 && !memcmp(s, "mod", 3))
		return lex_emits(l, TK_MOD, 'b', "mod");
	if (n == 3 && !memcmp(s, "cis", 3))
		return lex_emits(l, TK_FUNC, MF_N, "cis");
	if (mode(l) == TC_ROMAN) {
		const struct name *name = name_plain(s, n);

		if (!name)
			name = name_command(s, n);
		if (name && (name->kind == TK_FUNC || name->kind == TK_MOD))
			return lex_token(l, name);
		if (n == 1 && (*s == 'e' || *s == 'i'))
			return lex_emit(l, TK_CONST, *s == 'e' ? MC_E : MC_I, s, 1) ? 0 : -1;
	}
	return lex_emit(l, TK_WORD, 0, s, n) ? 0 : -1;
}

/* "in" is a relation before a set. */
static int set_follows(const struct lexer *l)
{
	int c = lex_peek(l);

	return c == '[' || c == '(' || c == '{' || c == '\\';
}

/* The h of km/h. */
static int after_unit(const struct lexer *l)
{
	return last_kind(l) == TK_DIV && l->p->n_tok > 1 && l->p->tok[l->p->n_tok - 2].kind == TK_WORD;
}

/* The m of "5 m/s": a unit's letter, divided by another unit. */
static int quotient_of_units(const struct lexer *l, const char *s)
{
	static const char *const under[] = {"s", "h", "min", "hr", "L", "mL", "sec", "m", "cm"};
	size_t at = l->at + 2, n = 0;

	if (!l->space || last_kind(l) != TK_NUM || !strchr("mgL", *s) || char_at(l, l->at + 1) != '/')
		return 0;
	while (is_alpha(char_at(l, at + n)))
		n++;
	for (size_t i = 0; i < LEN(under); i++)
		if (n == strlen(under[i]) && !memcmp(l->s + at, under[i], n))
			return 1;
	return 0;
}

/* A run of letters in mathematics. */
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
	if (n == 2 && (*s == 'A' || *s == 'P') && s[1] == 'M' && last_kind(l) == TK_NUM)
		return prose(l);
	if (n == 1 && quotient_of_units(l, s))
		return prose(l);
	/* 2 x 3 */
	if (n == 1 && *s == 'x' && last_kind(l) == TK_NUM) {
		l->at++;
		c = lex_peek(l);
		return is_digit(c) ? lex_emits(l, TK_MUL, 0, "*") : letter(l, s);
	}
	name = name_plain(s, n);
	if (name && !(name->kind == TK_UNION && n == 1 && last_kind(l) != TK_CLOSE)) {
		l->at += n;
		return lex_token(l, name);
	}
	if (n == 2 && !memcmp(s, "in", 2)) {
		l->at += 2;
		return set_follows(l)                  ? lex_emits(l, TK_REL, 'e', "in")
		       : lex_emit(l, TK_WORD, 0, s, 2) ? 0
		                                       : -1;
	}
	/* pir^2, pisqrt(3) */
	if (n > 2 && s[0] == 'p' && s[1] == 'i' &&
	    ((n == 3 && s[2] == 'r') ||
	     ((name = name_plain(s + 2, n - 2)) && (name->kind == TK_SQRT || name->kind == TK_FUNC)))) {
		l->at += 2;
		return lex_emits(l, TK_CONST, MC_PI, "pi");
	}
	/* xsqrt(2), ipi */
	c = char_at(l, l->at + n);
	for (size_t k = 1; k <= 2 && k < n; k++) {
		name = name_plain(s + k, n - k);
		if (name && n - k >= 2 && !name_is_short_word(s, n) &&
		    ((name->kind == TK_CONST && name->op == MC_PI) ||
		     ((name->kind == TK_SQRT || name->kind == TK_FUNC) && (c == '(' || c == '{')))) {
			for (size_t i = 0; i < k; i++)
				if (letter(l, s + i))
					return -1;
			l->at += n;
			return lex_token(l, name);
		}
	}
	if (is_word(s, n) || (n > 1 && l->space && last_kind(l) == TK_WORD) || after_unit(l))
		return prose(l);
	l->at += n;
	for (size_t i = 0; i < n; i++)
		if (letter(l, s + i))
			return -1;
	return 0;
}

/* ---- single characters ---- */

/* Tokens of two characters: ** <= >= != == and so on. */
static int pair(struct lexer *l, int c)
{
	static const struct { char a, b; uint8_t kind; char op; const char *text; } pairs[] = {
		{'*', '*', TK_POW, 0, "^"}, {'<', '=', TK_REL, 'l', "<="}, {'>', '=', TK_REL, 'g', ">="},
		{'=', '<', TK_REL, 'l', "<="}, {'=', '=', TK_REL, '=', "="}, {'-', '>', TK_REL, 't', "to"},
		{'<', '>', TK_REL, '!', "ne"},
	};
	int d = char_at(l, l->at + 1);

	if (c == '.' && d == '.' && char_at(l, l->at + 2) == '.') {
		l->at += 3;
		return lex_emits(l, TK_DOTS, 0, "...") ? -1 : 1;
	}
	/* 5!=120 is a factorial, x != 3 is not */
	if (c == '!' && d == '=' &&
	    (l->space || (last_kind(l) != TK_NUM && last_kind(l) != TK_CLOSE))) {
		l->at += 2;
		return lex_emits(l, TK_REL, '!', "ne") ? -1 : 1;
	}
	for (size_t i = 0; i < LEN(pairs); i++)
		if (pairs[i].a == c && pairs[i].b == d) {
			l->at += 2;
			return lex_emits(l, pairs[i].kind, pairs[i].op, pairs[i].text) ? -1 : 1;
		}
	return 0;
}

/* An & between cells, "and", or an alignment point (at a relation), which is dropped. */
static int ampersand(struct lexer *l)
{
	int last = last_kind(l), c = lex_peek(l);

	if (l->matrix)
		return lex_emits(l, TK_AMP, 0, "&");
	if (!l->rows && !l->cases)
		return lex_emits(l, TK_AND, 0, "and");
	if ((l->rows || l->cases) && (last == TK_REL || last == TK_ROW || last == TK_END || c == '=' ||
	                              c == '<' || c == '>' || c == '\\'))
		return 0;
	return lex_emits(l, TK_BAD, 0, "&");
}

static int single(struct lexer *l, int c)
{
	static const struct { char c; uint8_t kind; char op; } singles[] = {
		{'+', TK_PLUS, 0}, {'-', TK_MINUS, 0}, {'*', TK_MUL, 0}, {'/', TK_DIV, 0}, {'^', TK_POW, 0},
		{'_', TK_SUB, 0}, {'!', TK_BANG, 0}, {'\'', TK_PRIME, 0}, {'%', TK_PERCENT, 0},
		{'=', TK_REL, '='}, {'<', TK_REL, '<'}, {'>', TK_REL, '>'}, {',', TK_COMMA, 0},
		{';', TK_SEMI, 0}, {':', TK_COLON, 0}, {'.', TK_DOT, 0}, {'|', TK_BAR, 0},
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
			return lex_emit(l, singles[i].kind, singles[i].op, l->s + l->at - 1, 1) ? 0 : -1;
		}
	l->at++;
	if (c == '&')
		return ampersand(l);
	/* 5°30'15" */
	if (c == '"' && last_kind(l) == TK_NUM && l->p->n_tok > 1 &&
	    l->p->tok[l->p->n_tok - 2].kind == TK_PRIME)
		return lex_emits(l, TK_PRIME, 0, "'") || lex_emits(l, TK_PRIME, 0, "'") ? -1 : 0;
	if (c == '"' || c == '`')
		return 0;
	return c ? lex_emit(l, TK_BAD, 0, l->s + l->at - 1, 1) ? 0 : -1
	         : lex_emits(l, TK_BAD, 0, "\\0");
}

static int brace(struct lexer *l, int c)
{
	l->at++;
	/* {:} is a sign with less space around it */
	if (c == '{' && char_at(l, l->at + 1) == '}' && char_at(l, l->at) &&
	    strchr(":=<>+-", char_at(l, l->at))) {
		int r = single(l, char_at(l, l->at));

		l->at++;
		return r;
	}
	if (c == '{') {
		l->brace++;
		return lex_emit(l, TK_OPEN, '{', "{", 1) ? 0 : -1;
	}
	if (l->n_mode && !l->math && l->mode[l->n_mode - 1].brace == l->brace) {
		l->n_mode--;
		l->brace--;
		return 0;
	}
	l->brace--;
	return lex_emit(l, TK_CLOSE, '{', "}", 1) ? 0 : -1;
}

/* Turns x², 10⁻³, a₁ into ^{..} or _{..}. */
static int raise(struct lexer *l, int low)
{
	static const char all[] = "0123456789+-n";
	struct parser *p = l->p;
	const struct name *name;
	uint32_t code;
	int now, c;
	size_t n;

	if (lex_emits(l, low ? TK_SUB : TK_POW, 0, low ? "_" : "^") || lex_emits(l, TK_OPEN, '{', "{"))
		return -1;
	while (l->at < l->n && (n = name_char(l->s + l->at, l->n - l->at, &code, &name)) &&
	       (c = raised(code, &now)) && now == low) {
		const char *spell = strchr(all, c);
		struct tok *last = &p->tok[p->n_tok - 1];

		l->at += n;
		if (!spell)
			return lex_emits(l, TK_BAD, 0, "^");
		if (!is_digit(c)) {
			if (!lex_emit(l, c == 'n' ? TK_VAR : c == '-' ? TK_MINUS : TK_PLUS, 0, spell, 1))
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
			last = lex_emit(l, TK_NUM, 0, p->chr + p->n_chr, 1);
			if (!last)
				return -1;
			last->width = 1;
		}
		p->chr[p->n_chr++] = (char)c;
		p->chr[p->n_chr++] = 0;
	}
	return lex_emits(l, TK_CLOSE, '{', "}");
}

static int vulgar(struct lexer *l, uint32_t code)
{
	static const struct { uint32_t code; const char *a, *b; } all[] = {
		{0xbc, "1", "4"}, {0xbd, "1", "2"}, {0xbe, "3", "4"}, {0x2150, "1", "7"},
		{0x2151, "1", "9"}, {0x2153, "1", "3"}, {0x2154, "2", "3"}, {0x2155, "1", "5"},
		{0x2156, "2", "5"}, {0x2157, "3", "5"}, {0x2158, "4", "5"}, {0x2159, "1", "6"},
		{0x215a, "5", "6"}, {0x215b, "1", "8"}, {0x215c, "3", "8"}, {0x215d, "5", "8"},
		{0x215e, "7", "8"},
	};

	for (size_t i = 0; i < LEN(all); i++)
		if (all[i].code == code)
			return lex_emits(l, TK_FRAC, 0, "frac") || lex_emits(l, TK_NUM, 0, all[i].a) ||
			               lex_emits(l, TK_NUM, 0, all[i].b)
			           ? -1
			           : 1;
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
		return lex_emits(l, TK_BAD, 0, "\xef\xbf\xbd");
	}
	if (name) {
		l->at += n;
		return lex_named(l, name);
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
	int c;

	l->at++;
	if (l->n_mode && l->dollars) {
		l->math = !l->math;
		l->space = 1;
		return 0;
	}
	if (l->dollars)
		return 0;
	/* an unpaired one that is not next to a number means nothing */
	c = lex_peek(l);
	return is_digit(c) || c == '-' || c == '.' || last_kind(l) == TK_NUM
	           ? lex_emits(l, TK_MONEY, 0, "$")
	           : 0;
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

/* True if a value may start after this token. */
static int opens_value(int kind)
{
	switch (kind) {
	case TK_END: case TK_REL: case TK_UNION: case TK_INTER: case TK_SETMINUS: case TK_COMMA:
	case TK_SEMI:
	case TK_AND: case TK_OR: case TK_OPEN: case TK_ROW: case TK_COLON:
		return 1;
	}
	return 0;
}

/* True if a value may end before this token. */
static int closes_value(int kind)
{
	return kind == TK_CLOSE || kind == TK_DOT || (opens_value(kind) && kind != TK_OPEN);
}

/* ]0,1[ as (0,1): brackets that open or close in the wrong place are reversed. */
static void french(struct parser *p)
{
	for (size_t i = 0; i + 1 < p->n_tok; i++) {
		struct tok *t = &p->tok[i];
		int before = i ? p->tok[i - 1].kind : TK_END, turned = 0;

		if (t->op != '[')
			continue;
		if (t->kind == TK_CLOSE && opens_value(before)) {
			t->kind = TK_OPEN;
			turned = 1;
		} else if (t->kind == TK_OPEN && closes_value(p->tok[i + 1].kind) && !opens_value(before)) {
			t->kind = TK_CLOSE;
			turned = 1;
		}
		if (turned) {
			t->op = '(';
			t->flags |= TF_FRENCH;
		}
	}
}

int mt_lex(struct parser *p, const char *s, size_t n)
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
			r = lex_command(&l);
		} else if (c == '~' && char_at(&l, l.at + 1) != '=') {
			l.at++;
			l.space = 1;
		} else if (is_digit(c) || (c == '.' && is_digit(char_at(&l, l.at + 1)))) {
			r = lex_number(&l);
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
	/* the two tokens reserved for the end */
	p->tok_cap += 2;
	l.space = 1;
	if (r || (l.n_mode && lex_emits(&l, TK_BAD, 0, "\\text")))
		return -1;
	if (lex_emits(&l, TK_END, 0, ""))
		return -1;
	french(p);
	return 0;
}
