/* SPDX-License-Identifier: MIT */
/* Inside latex: what lexer and parser share, then what is the lexer's own. */
#ifndef LATEX_INSIDE_H
#define LATEX_INSIDE_H

#include "latex/tree.h"

enum tok_kind {
	TK_END,
	TK_NUM, TK_VAR, TK_CONST, TK_FUNC, TK_WORD, TK_SETNAME, TK_EMPTY,
	TK_PLUS, TK_MINUS, TK_PM, TK_MUL, TK_DIV, TK_POW, TK_SUB, TK_BANG, TK_PRIME,
	TK_PERCENT, TK_DEG, TK_MONEY,
	TK_REL,                         /* op: as in MT_REL */
	TK_COMMA, TK_SEMI, TK_COLON, TK_DOT, TK_AND, TK_OR, TK_ROW, TK_AMP,
	TK_UNION, TK_INTER, TK_SETMINUS, TK_MID,
	TK_OPEN, TK_CLOSE,              /* op: ( [ { S (a written brace) < f (floor) c (ceiling); the
	                                 * same for both */
	TK_BAR, TK_NORM,                /* | and \| */
	TK_FRAC, TK_SQRT, TK_BINOM, TK_CHOOSE, TK_OVER,
	TK_ACCENT,                      /* op: o (overline) v (vector: dropped) b (others: part of the
	                                 * name) */
	TK_SHAPE,                       /* \triangle, \angle */
	TK_SERIES,                      /* op: s (\sum) p (\prod) */
	TK_DET,                         /* \det */
	TK_BEGIN, TK_FINISH,            /* op: p v, as in MT_MATRIX; V (a norm) */
	TK_MOD,                         /* op: 'p' \pmod, 'b' \bmod */
	TK_DOTS, TK_BAD,
	/* commands that the lexer itself deals with */
	TC_DROP, TC_SPACE, TC_SKIP,     /* nothing; a space; with its argument */
	TC_TEXT, TC_ROMAN, TC_FONT, TC_BB,
	TC_GROUP,                       /* its braces are nothing */
	TC_ENV, TC_NOT, TC_SIZE,        /* \begin and \end; \not; \left and such, which take a
	                                 * bracket */
};

enum {
	TF_SPACE = 1,                   /* white space before it */
	TF_TEXT = 2,                    /* was in \text or the like */
	TF_GROUPED = 4,                 /* number: with plain commas */
	TF_WIDE = 8,                    /* \quad before it: nothing multiplies across it */
	TF_FRENCH = 16,                 /* a bracket turned around: ]0,1[ */
};

struct tok {
	uint8_t kind, op, flags;
	uint32_t len, decimals, repeat, width;   /* width: digits as written */
	const char *s;                  /* spelling, canonical; numbers: the digits, as in MT_NUMBER */
};

/* All memory is one block that begins with the tree. */
struct parser {
	struct math_tree *tree;
	struct tok *tok;                /* what lies before us: tok[i] is next, an END at last */
	size_t i, n_tok, tok_cap;
	struct math_node *node, **kid, **st;
	size_t n_node, node_cap, n_kid, kid_cap, n_st, st_cap;
	char *chr;
	size_t n_chr, chr_cap;
	int depth;
	int bar, set;                   /* a | closes something; so does a : */
};

/* ---- names.c ---- */
struct name {
	const char *name;
	uint8_t kind, op;
	const char *text;               /* its spelling; NULL: the name */
};
const struct name *name_command(const char *s, size_t n);     /* \frac: kinds TK_ and TC_ */
const struct name *name_plain(const char *s, size_t n);       /* sqrt, pi: in ASCII mathematics */
/* is, cm, yes: no product of letters */
int name_is_short_word(const char *s, size_t n);
/* p, v; a: rows of formulas; c: cases; 0: unknown */
int name_env(const char *s, size_t n);
/* One character of UTF-8 (0: malformed); its name is NULL if it has none here. */
size_t name_char(const char *s, size_t n, uint32_t *code, const struct name **name);

/* ---- noun.c ---- */
enum noun { NOUN_DOUBTFUL, NOUN_OTHER, NOUN_COUNTED };
enum noun noun_of(const char *s, size_t n);                    /* of a word that is no unit */

/* ---- lex.c ---- */
/* 0, or -1: too much of something */
int mt_lex(struct parser *p, const char *s, size_t n);

/* ---- parse.c (tree.c: the whole): kids are pushed on st, then made a node of ---- */
static inline struct tok *peek(struct parser *p) { return &p->tok[p->i]; }
static inline struct tok *peek_at(struct parser *p, size_t ahead)
{
	return &p->tok[p->i + ahead < p->n_tok ? p->i + ahead : p->n_tok - 1];
}
static inline int at_kind(struct parser *p, int kind) { return peek(p)->kind == kind; }
static inline int at_op(struct parser *p, int kind, int op)
{
	return peek(p)->kind == kind && peek(p)->op == op;
}
static inline void next(struct parser *p) { p->i += p->i + 1 < p->n_tok; }
static inline int eat(struct parser *p, int kind)
{
	if (peek(p)->kind != kind)
		return 0;
	next(p);
	return 1;
}
static inline int eat_op(struct parser *p, int kind, int op)
{
	return peek(p)->kind == kind && peek(p)->op == op ? (next(p), 1) : 0;
}
/* All of these give NULL (or -1) when there is no room or no sense in it. */
struct math_node *mt_node(struct parser *p, int kind, int op);
struct math_node *mt_leaf(struct parser *p, int kind, int op, const char *s, size_t n);
int mt_push(struct parser *p, struct math_node *kid);            /* -1 also if kid is NULL */
/* what is on st from mark on */
struct math_node *mt_gather(struct parser *p, int kind, int op, size_t mark);
struct math_node *mt_one(struct parser *p, int kind, int op, struct math_node *a);
struct math_node *mt_two(struct parser *p, int kind, int op, struct math_node *a,
                         struct math_node *b);
char *mt_text(struct parser *p, const char *s, size_t n);    /* a copy in the block */

/* Values with separators between them, pushed; how many, or -1. op: ',' or 'o'. */
int mt_items(struct parser *p, int *op);
struct math_node *mt_term(struct parser *p);                     /* a product */
/* an expression, no relation and no list */
struct math_node *mt_sum(struct parser *p);
struct math_node *mt_set_expr(struct parser *p);                 /* also unions */
struct math_node *mt_factor(struct parser *p, int sign);         /* sign: a minus may come first */

/* ---- factor.c ---- */
struct math_node *mt_power(struct parser *p);
struct math_node *mt_primary(struct parser *p);
/* of \frac: a group or one digit, letter, command */
struct math_node *mt_argument(struct parser *p);
int mt_starts_factor(struct parser *p);
/* the TeX braces here are meant to be seen: \in {1,2} */
void mt_as_set(struct parser *p);

int mt_is_ordinal(const struct tok *t);                        /* th, st, nd, rd */

/* ---- leaf.c, bracket.c ---- */
struct math_node *mt_variable(struct parser *p);
/* a NUM: number, mixed number, numeral of a base */
struct math_node *mt_numeral(struct parser *p);
/* at the _ */
struct math_node *mt_in_base(struct parser *p, const char *digits, size_t n, uint32_t decimals);
struct math_node *mt_bracket(struct parser *p);                  /* at an OPEN */
struct math_node *mt_bars(struct parser *p);
struct math_node *mt_matrix(struct parser *p);
struct math_node *mt_determinant(struct parser *p);              /* at a DET */

/* ---- unit.c ---- */
/* as text, onto chr; the caller has seen to the room */
void mt_spell_number(struct parser *p, const struct tok *t);
int mt_unit_follows(struct parser *p);
struct math_node *mt_unit(struct parser *p, struct math_node *value);
struct math_node *mt_money(struct parser *p, const struct tok *t, struct math_node *value);
/* would the unit here be one that may be left out? */
int mt_counts(struct parser *p);
/* Is the token one of these words, whatever its case? */
int mt_among(const struct tok *t, const char *const *list, size_t n);
/* after these nothing is a mere unit */
int mt_is_stop(const struct tok *t);
struct math_node *mt_fraction_word(struct parser *p, const char *s, size_t n,
                                   struct math_node *value);

/* ---- words.c ---- */
struct math_node *mt_and_a_half(struct parser *p, struct math_node *node);
struct math_node *mt_words(struct parser *p);                    /* at a WORD that begins a value */

/* ---- the lexer: lex.c (letters, signs), lex_number.c, lex_command.c ---- */

enum { MODES = 32 };

struct lexer {
	struct parser *p;
	const char *s;
	size_t n, at;
	int space, wide;                /* seen since the last token */
	int brace, bracket, matrix, cases, rows;   /* open ones */
	int systems;                    /* of the cases, those that an array makes: \left\{ array
	                                 * \right. */
	int dollars;                    /* delimiters are left out; else they are money */
	int n_mode, math;               /* math: $ within text */
	struct { int kind, brace; } mode[MODES];
};

static inline int is_digit(int c) { return c >= '0' && c <= '9'; }
static inline int is_alpha(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static inline int is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static inline int char_at(const struct lexer *l, size_t i)
{
	return i < l->n ? (unsigned char)l->s[i] : 0;
}

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
/* what a command or character of this name does */
int lex_named(struct lexer *l, const struct name *name);
int lex_token(struct lexer *l, const struct name *name);         /* its token */
int lex_peek(const struct lexer *l);      /* the next byte that is no space; 0: none */

#endif
