/* SPDX-License-Identifier: MIT */
/*
 * A lexer for Python, following "Lexical analysis" in its reference manual (f-strings as in 3.12,
 * which read all valid 3.11 ones the same way). Text that is not Python gives PY_BAD tokens and
 * lexing continues; each byte is read a bounded number of times.
 */
#include "verify/program.h"

#include <string.h>

enum { MAX_NESTED = 64 };        /* nested strings and fields in f-strings; Python allows 150 */

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int name_start(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static int name_char(char c)
{
	return name_start(c) || is_digit(c);
}

static int line_end(char c)
{
	return c == '\n' || c == '\r';
}

static int quote(char c)
{
	return c == '"' || c == '\'';
}

/* Length of the line break at at: 1, 2 for CR LF, 0 for none. */
static size_t line_break(const char *s, size_t n, size_t at)
{
	if (at >= n || !line_end(s[at]))
		return 0;
	return s[at] == '\r' && at + 1 < n && s[at + 1] == '\n' ? 2 : 1;
}

/* ---- strings: both functions return the end of the string whose first quote is at `at` ---- */

static size_t quotes(const char *s, size_t n, size_t at)
{
	return n - at >= 3 && s[at + 1] == s[at] && s[at + 2] == s[at] ? 3 : 1;
}

static int closes(const char *s, size_t n, size_t at, char mark, size_t run)
{
	return s[at] == mark &&
	       (run == 1 || (n - at >= 3 && s[at + 1] == mark && s[at + 2] == mark));
}

static size_t escaped(const char *s, size_t n, size_t at)
{
	size_t brk = line_break(s, n, at + 1);

	return at + 1 < n ? at + 1 + (brk ? brk : 1) : n;
}

static size_t plain_string(const char *s, size_t n, size_t at, int *closed)
{
	size_t run = quotes(s, n, at);
	char mark = s[at];

	*closed = 0;
	for (at += run; at < n; ) {
		if (s[at] == '\\')
			at = escaped(s, n, at);
		else if (closes(s, n, at, mark, run)) {
			*closed = 1;
			return at + run;
		} else if (run == 1 && line_end(s[at]))
			return at;
		else
			at++;
	}
	return n;
}

/* An f-string is a stack of strings, fields and format specifications of fields. */
enum part { TEXT, FIELD, SPEC };

struct nested {
	enum part part;
	char mark;                   /* of a string */
	size_t run;
	int raw;
	size_t depth;                /* open brackets in a field */
};

/* True if the quote at at starts an f-string. *raw: backslashes are literal. */
static int has_fields(const char *s, size_t from, size_t at, int *raw)
{
	int fields = 0;

	*raw = 0;
	for (size_t p = at; p > from && at - p < 2 && name_char(s[p - 1]); p--) {
		fields |= strchr("fFtT", s[p - 1]) != NULL;
		*raw |= s[p - 1] == 'r' || s[p - 1] == 'R';
	}
	return fields;
}

static size_t in_text(const char *s, size_t n, size_t at, const struct nested *top,
                      struct nested *next)
{
	int spec = top->part == SPEC;

	if (s[at] == '\\' && at + 1 < n && s[at + 1] != '{') {
		/* \N{DASH} is a character, not a field */
		if (!top->raw && n - at > 2 && s[at + 1] == 'N' && s[at + 2] == '{')
			return at + 3;
		return escaped(s, n, at);
	}
	if (s[at] == '{' && !spec && at + 1 < n && s[at + 1] == '{')
		return at + 2;
	if (s[at] == '{')
		*next = (struct nested){.part = FIELD};
	return at + 1;
}

/* Advances inside a field; *over: it ends. */
static size_t in_field(const char *s, size_t n, size_t from, size_t at, struct nested *top,
                       struct nested *next, int *over)
{
	char c = s[at];
	int raw, closed;

	if (quote(c)) {
		if (!has_fields(s, from, at, &raw))
			return plain_string(s, n, at, &closed);
		*next = (struct nested){.mark = c, .run = quotes(s, n, at), .raw = raw};
		return at + next->run;
	}
	if (c == '(' || c == '[' || c == '{')
		top->depth++;
	else if (c == '}' && !top->depth)
		*over = 1;
	else if ((c == ')' || c == ']' || c == '}') && top->depth)
		top->depth--;
	else if (c == ':' && !top->depth)
		top->part = SPEC;
	return at + 1;
}

static size_t field_string(const char *s, size_t n, size_t at, int raw, int *closed)
{
	struct nested stack[MAX_NESTED], next;
	size_t high = 0, from = at, run = quotes(s, n, at);

	stack[0] = (struct nested){.part = TEXT, .mark = s[at], .run = run, .raw = raw};
	*closed = 0;
	for (at += run; at < n; ) {
		struct nested *top = &stack[high];
		int over = 0;

		next.run = 0;
		next.part = SPEC;
		/* since 3.12 a field may go over lines, whatever the quotes */
		if (stack[0].run == 1 && top->part != FIELD && line_end(s[at]))
			return at;
		if (top->part == TEXT && closes(s, n, at, top->mark, top->run)) {
			at += top->run;
			over = 1;
		} else if (top->part == SPEC && s[at] == '}') {
			at++;
			over = 1;
		} else if (top->part == FIELD)
			at = in_field(s, n, from, at, top, &next, &over);
		else
			at = in_text(s, n, at, top, &next);
		if (over && !high) {
			*closed = 1;
			return at;
		}
		high -= (size_t)over;
		if (next.part != SPEC) {
			if (++high == MAX_NESTED)
				return n;
			stack[high] = next;
		}
	}
	return n;
}

/* ---- the rest ---- */

static int hex_letter(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t number(const char *s, size_t n, size_t at)
{
	size_t p = at;

	if (s[p] == '0' && p + 1 < n && s[p + 1] && strchr("xXoObB", s[p + 1])) {
		int hex = s[p + 1] == 'x' || s[p + 1] == 'X';

		p += 2;
		while (p < n && (is_digit(s[p]) || s[p] == '_' || (hex && hex_letter(s[p]))))
			p++;
		return p;
	}
	while (p < n && (is_digit(s[p]) || s[p] == '_'))
		p++;
	if (p < n && s[p] == '.')
		for (p++; p < n && (is_digit(s[p]) || s[p] == '_'); )
			p++;
	if (p < n && (s[p] == 'e' || s[p] == 'E')) {
		size_t digits = p + 1;

		if (digits < n && (s[digits] == '+' || s[digits] == '-'))
			digits++;
		if (digits < n && is_digit(s[digits]))
			for (p = digits; p < n && (is_digit(s[p]) || s[p] == '_'); )
				p++;
	}
	return p < n && (s[p] == 'j' || s[p] == 'J') ? p + 1 : p;
}

/* Length of the operator at at; 0 if there is none. */
static size_t operator_length(const char *s, size_t n, size_t at)
{
	static const char *const longer[] = {
		"**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "<=", ">=", "==", "!=",
		"->", "+=", "-=", "*=",
		"/=", "%=", "&=", "|=", "^=", "@=", ":=",
	};

	if (!s[at] || !strchr("+-*/%@&|^~<>()[]{},:.;=!", s[at]))
		return 0;
	for (size_t i = 0; at + 1 < n && strchr("=*/<>.", s[at + 1]) && i < LEN(longer); i++) {
		size_t len = strlen(longer[i]);

		if (n - at >= len && !memcmp(s + at, longer[i], len))
			return len;
	}
	return s[at] != '!';
}

void py_start(struct py_lexer *l, const char *s, size_t n)
{
	*l = (struct py_lexer){.s = s, .n = n, .fresh = 1};
	if (n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		l->at = 3;
}

/* Sets the indentation of the current line; for a line continued by a backslash, the indentation
 * before the backslash, if any. */
static void indentation(struct py_lexer *l)
{
	size_t columns = 0, first = 0, brk;

	for (; l->at < l->n; l->at++) {
		char c = l->s[l->at];

		if (c == '\t')
			columns = columns / 8 * 8 + 8;
		else if (c == '\f')
			columns = 0;
		else if (c == ' ')
			columns++;
		else if (c == '\\' && (brk = line_break(l->s, l->n, l->at + 1))) {
			first = first ? first : columns;
			l->at += brk;
		} else
			break;
	}
	l->indent = first ? first : columns;
}

/* Skips white space, comments, and line breaks that do not end a logical line. */
static void skip(struct py_lexer *l)
{
	size_t brk;

	if (l->fresh)
		indentation(l);
	while (l->at < l->n) {
		char c = l->s[l->at];

		if (c == ' ' || c == '\t' || c == '\f')
			l->at++;
		else if (c == '#')
			while (l->at < l->n && !line_end(l->s[l->at]))
				l->at++;
		else if (c == '\\' && (brk = line_break(l->s, l->n, l->at + 1)))
			l->at += 1 + brk;
		else if ((l->depth || l->fresh) && (brk = line_break(l->s, l->n, l->at))) {
			l->at += brk;
			if (l->fresh)
				indentation(l);
		} else
			return;
	}
}

static void take(struct py_lexer *l, struct py_token *t, enum py_kind kind, size_t end)
{
	t->kind = kind;
	t->n = end - l->at;
	l->at = end;
}

static void take_string(struct py_lexer *l, struct py_token *t, size_t at)
{
	int raw, closed;
	size_t end;

	if (has_fields(l->s, l->at, at, &raw))
		end = field_string(l->s, l->n, at, raw, &closed);
	else
		end = plain_string(l->s, l->n, at, &closed);
	take(l, t, closed ? PY_STRING : PY_BAD, end);
}

static void take_operator(struct py_lexer *l, struct py_token *t)
{
	size_t len = operator_length(l->s, l->n, l->at);
	char c = l->s[l->at];
	int closing = c == ')' || c == ']' || c == '}';

	l->depth += c == '(' || c == '[' || c == '{';
	take(l, t, len && !(closing && !l->depth) ? PY_OP : PY_BAD, l->at + (len ? len : 1));
	if (closing && l->depth)
		l->depth--;
}

int py_next(struct py_lexer *l, struct py_token *t)
{
	const char *s = l->s;
	size_t end;

	skip(l);
	*t = (struct py_token){.kind = PY_END, .s = s ? s + l->at : "", .first = l->fresh,
	                       .indent = l->indent};
	if (l->at >= l->n) {
		if (l->fresh)
			return 0;
		t->kind = PY_NEWLINE;
		l->fresh = 1;
		return 1;
	}
	end = l->at;
	l->fresh = 0;
	if (line_end(s[end])) {
		take(l, t, PY_NEWLINE, end + line_break(s, l->n, end));
		l->fresh = 1;
		return 1;
	}
	while (end < l->n && name_char(s[end]))
		end++;
	if (is_digit(s[l->at]) || (s[l->at] == '.' && l->at + 1 < l->n && is_digit(s[l->at + 1])))
		take(l, t, PY_NUMBER, number(s, l->n, l->at));
	else if (end < l->n && quote(s[end]) && end - l->at <= 2 &&
	         strspn(t->s, "rRbBuUfFtT") >= end - l->at)
		take_string(l, t, end);
	else if (end > l->at)
		take(l, t, PY_NAME, end);
	else
		take_operator(l, t);
	return 1;
}

int py_is(const struct py_token *t, const char *text)
{
	return t->kind != PY_STRING && t->n == strlen(text) && !memcmp(t->s, text, t->n);
}

int py_among(const struct py_token *t, const char *words)
{
	if (t->kind != PY_NAME)
		return 0;
	for (const char *w = words + 1; *w; ) {
		size_t len = strcspn(w, " ");

		if (len == t->n && !memcmp(w, t->s, len))
			return 1;
		w += len + 1;
	}
	return 0;
}

int py_keyword(const struct py_token *t)
{
	if (t->n > 8)
		return 0;
	return py_among(t,
	                " and as assert async await break class continue def del elif else except "
	                "finally for from global if import in is lambda nonlocal not or pass "
	                "raise return try while with yield ");
}
