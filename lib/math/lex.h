/* SPDX-License-Identifier: MIT */
/* Inside the lexer only: lex.c (letters, signs), lex_number.c, lex_command.c. */
#ifndef MATH_LEX_H
#define MATH_LEX_H

#include "math/parse.h"

enum { MODES = 32 };

struct lexer {
	struct parser *p;
	const char *s;
	size_t n, at;
	int space, wide;                /* seen since the last token */
	int brace, bracket, matrix, cases, rows;   /* open ones */
	int systems;                    /* of the cases, those that an array makes: \left\{ array \right. */
	int dollars;                    /* delimiters are left out; else they are money */
	int n_mode, math;               /* math: $ within text */
	struct { int kind, brace; } mode[MODES];
};

static inline int is_digit(int c) { return c >= '0' && c <= '9'; }
static inline int is_alpha(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static inline int is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline int char_at(const struct lexer *l, size_t i) { return i < l->n ? (unsigned char)l->s[i] : 0; }

static inline int mode(const struct lexer *l)
{
	return l->n_mode && !l->math ? l->mode[l->n_mode - 1].kind : 0;
}

static inline int last_kind(const struct lexer *l)
{
	return l->p->n_tok ? l->p->tok[l->p->n_tok - 1].kind : TK_END;
}

/* All give 0, or -1 if there is no room. */
struct tok *lex_emit(struct lexer *l, int kind, int op, const char *s, size_t n);
int lex_emits(struct lexer *l, int kind, int op, const char *s);
int lex_number(struct lexer *l);              /* at a digit, or a point before one */
int lex_command(struct lexer *l);             /* at a backslash */
int lex_named(struct lexer *l, const struct name *name);     /* what a command or character of this name does */
int lex_token(struct lexer *l, const struct name *name);         /* its token */
int lex_peek(const struct lexer *l);      /* the next byte that is no space; 0: none */

#endif
