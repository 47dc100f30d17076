/* SPDX-License-Identifier: MIT */
/* The lexer's commands: what starts with a backslash. */
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

static void skip_space(struct lexer *l)
{
	while (is_space(char_at(l, l->at)))
		l->at++;
}

/* Skips {...}, or one character. */
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

/* Skips the {cc} of an array. */
static void skip_columns(struct lexer *l)
{
	skip_space(l);
	if (char_at(l, l->at) == '{')
		skip_argument(l);
}

/* True for \left\{ before an array and \right. after it: its rows are cases. Drops the brace. */
static int is_system(struct lexer *l)
{
	static const char end[] = "\\end{array}", right[] = "\\right.";
	struct tok *last = l->p->n_tok ? &l->p->tok[l->p->n_tok - 1] : NULL;
	const char *close;

	if (!last || last->kind != TK_OPEN || last->op != 'S')
		return 0;
	close = memmem(l->s + l->at, l->n - l->at, end, sizeof end - 1);
	if (!close)
		return 0;
	close += sizeof end - 1;
	while (close < l->s + l->n && is_space(*close))
		close++;
	if ((size_t)(l->s + l->n - close) < sizeof right - 1 || memcmp(close, right, sizeof right - 1))
		return 0;
	l->p->n_tok--;
	l->bracket -= l->bracket > 0;
	return 1;
}

static int environment(struct lexer *l, int begin)
{
	size_t from, n = 0;
	int kind, array;

	skip_space(l);
	if (char_at(l, l->at) != '{')
		return lex_emits(l, TK_BAD, 0, "\\begin");
	from = l->at + 1;
	while (from + n < l->n && l->s[from + n] != '}')
		n++;
	kind = name_env(l->s + from, n);
	l->at = from + n + (from + n < l->n);
	array = n == 5 && !memcmp(l->s + from, "array", 5);
	if (!kind)
		return lex_emit(l, TK_BAD, 0, l->s + from - 1, n + 1) ? 0 : -1;
	if (array && (begin ? is_system(l) : l->systems > 0)) {
		kind = 'c';
		l->systems += begin ? 1 : -1;
		if (begin)
			skip_columns(l);
	}
	if (kind == 'c')
		l->cases += begin ? 1 : -1;
	if (kind == 'a')
		l->rows += begin ? 1 : -1;
	if (kind == 'a' || kind == 'c')
		return 0;
	l->matrix += begin ? 1 : -1;
	if (!begin)
		return lex_emit(l, TK_FINISH, kind, "]", 1) ? 0 : -1;
	if (array)
		skip_columns(l);
	return lex_emits(l, TK_BEGIN, kind, kind == 'v' ? "det[" : kind == 'V' ? "norm[" : "mat[");
}

/* \mathbb{R}, \mathbb R */
static int blackboard(struct lexer *l)
{
	size_t braced;
	int c;

	skip_space(l);
	braced = char_at(l, l->at) == '{';
	c = char_at(l, l->at + braced);
	if (!is_alpha(c) || (braced && char_at(l, l->at + 2) != '}'))
		return lex_emits(l, TK_BAD, 0, "\\mathbb");
	l->at += 1 + 2 * braced;
	return lex_emit(l, TK_SETNAME, 0, l->s + l->at - 1 - braced, 1) ? 0 : -1;
}

static int negated(struct lexer *l)
{
	static const struct {
		const char *after;
		char op;
		const char *text;
	} nots[] = {{"=", '!', "ne"}, {"\\in", 'n', "notin"}};

	skip_space(l);
	for (size_t i = 0; i < LEN(nots); i++) {
		size_t n = strlen(nots[i].after);

		if (l->at + n <= l->n && !memcmp(l->s + l->at, nots[i].after, n) &&
		    !(n > 1 && is_alpha(char_at(l, l->at + n)))) {
			l->at += n;
			return lex_emits(l, TK_REL, nots[i].op, nots[i].text);
		}
	}
	return lex_emits(l, TK_BAD, 0, "\\not");
}

/* \left and similar: keeps the bracket that follows, drops a dot. */
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
		return lex_emits(l, TK_MID, 0, "|");
	}
	if (bar && (c == 'l' || c == 'r')) {
		l->at++;
		return lex_emit(l, TK_BAR, c, "|", 1) ? 0 : -1;
	}
	return 0;
}

int lex_named(struct lexer *l, const struct name *name)
{
	int r;

	switch (name->kind) {
	case TC_DROP:
		return 0;
	case TC_SPACE:
		l->space = 1;
		l->wide |= name->op;
		return 0;
	case TC_SKIP:
		skip_argument(l);
		l->space = 1;
		return 0;
	case TC_TEXT:
	case TC_ROMAN:
	case TC_FONT:
	case TC_GROUP:
		r = enter(l, name->kind);
		return r == -2 ? lex_emits(l, TK_BAD, 0, "\\text") : r;
	case TC_BB:
		return blackboard(l);
	case TC_ENV:
		return environment(l, name->op == 'b');
	case TC_NOT:
		return negated(l);
	case TC_SIZE:
		return sized(l, name->name[0] == 'm' ? 'm'
		                : name->name[strlen(name->name) - 1] == 't'
		                    ? name->name[0]
		                    : name->name[strlen(name->name) - 1]);
	}
	if (name->kind == TK_OPEN || name->kind == TK_CLOSE)
		l->bracket += name->kind == TK_OPEN ? 1 : l->bracket > 0 ? -1 : 0;
	return lex_token(l, name);
}

static int escaped(struct lexer *l)
{
	int c = char_at(l, l->at + 1);

	switch (c) {
	case ',': case ';': case ':': case '>': case ' ': case '\n': case '\t':
		l->space = 1;
		break;
	case ']':
		l->wide = 1;
		break;
	case '!': case '/': case '-': case '(': case ')': case '[': case '#':
		break;
	case '$':
		l->at += 2;
		return lex_emits(l, TK_MONEY, 0, "$");
	case '%':
		l->at += 2;
		return lex_emits(l, TK_PERCENT, 0, "%");
	case '&':
		l->at += 2;
		return lex_emits(l, TK_AND, 0, "and");
	case '|':
		l->at += 2;
		return lex_emits(l, TK_NORM, 0, "Vert");
	case '{':
	case '}':
		l->at += 2;
		l->bracket += c == '{' ? 1 : l->bracket > 0 ? -1 : 0;
		return lex_emit(l, c == '{' ? TK_OPEN : TK_CLOSE, 'S', c == '{' ? "\\{" : "\\}", 2) ? 0
		                                                                                    : -1;
	case '\\':
		/* a doubly escaped backslash */
		if (!l->matrix && !l->cases && !l->rows && is_alpha(char_at(l, l->at + 2))) {
			l->at++;
			return 0;
		}
		l->at += 2;
		if (l->matrix && char_at(l, l->at) == '[') {
			size_t n = 1;

			while (l->at + n < l->n && n < 12 && l->s[l->at + n] != ']')
				n++;
			if (is_digit(char_at(l, l->at + 1)) && char_at(l, l->at + n) == ']' &&
			    is_alpha(char_at(l, l->at + n - 1)))
				l->at += n + 1;
		}
		return lex_emits(l, TK_ROW, 0, "\\\\");
	case 0:
		/* a lone backslash at the end */
		if (l->at + 1 >= l->n)
			break;
		/* fall through */
	default:
		l->at++;
		return lex_emits(l, TK_BAD, 0, "\\");
	}
	l->at += l->at + 1 < l->n ? 2 : 1;
	return 0;
}

int lex_command(struct lexer *l)
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
		return lex_emit(l, TK_BAD, 0, l->s + from - 1, n + 1) ? 0 : -1;
	return lex_named(l, name);
}
