/* SPDX-License-Identifier: MIT */
/* Private to this room: declarations shared by lexer and parser, then the lexer's own. */
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
	/* op, the same for both: ( [ { S (a visible brace) < f (floor) c (ceiling) */
	TK_OPEN, TK_CLOSE,
	TK_BAR, TK_NORM,                /* | and \| */
	TK_FRAC, TK_SQRT, TK_BINOM, TK_CHOOSE, TK_OVER,
	/* op: o (overline) v (vector: dropped) b (others: part of the name) */
	TK_ACCENT,
	TK_SHAPE,                       /* \triangle, \angle */
	TK_SERIES,                      /* op: s (\sum) p (\prod) */
	TK_DET,                         /* \det */
	TK_BEGIN, TK_FINISH,            /* op: p v, as in MT_MATRIX; V (a norm) */
	TK_MOD,                         /* op: 'p' \pmod, 'b' \bmod */
	TK_DOTS, TK_BAD,
	/* commands that the lexer handles itself */
	TC_DROP, TC_SPACE, TC_SKIP,     /* ignored; a space; ignored with its argument */
	TC_TEXT, TC_ROMAN, TC_FONT, TC_BB,
	TC_GROUP,                       /* the braces of its argument are dropped */
	/* \begin and \end; \not; \left and similar, before a bracket */
	TC_ENV, TC_NOT, TC_SIZE,
};

enum {
	TF_SPACE = 1,                   /* white space before it */
	TF_TEXT = 2,                    /* was in \text or the like */
	TF_GROUPED = 4,                 /* number: with plain commas */
	TF_WIDE = 8,                    /* \quad before it: nothing multiplies across it */
	TF_FRENCH = 16,                 /* a reversed bracket: ]0,1[ */
};

struct tok {
	uint8_t kind, op, flags;
	uint32_t len, decimals, repeat, width;   /* width: digits as written */
	const char *s;                  /* spelling, canonical; numbers: the digits, as in MT_NUMBER */
};

/* All memory is one block that starts with the tree. */
struct parser {
	struct math_tree *tree;
	struct tok *tok;                /* input: tok[i] is next, the last is an END */
	size_t i, n_tok, tok_cap;
	struct math_node *node, **kid, **st;
	size_t n_node, node_cap, n_kid, kid_cap, n_st, st_cap;
	char *chr;
	size_t n_chr, chr_cap;
	int depth;
	int bar, set;                   /* inside an open | (or set), where a | (or :) closes */
};

/* ---- names.c ---- */
struct name {
	const char *name;
	uint8_t kind, op;
	const char *text;               /* spelling; NULL: same as the name */
};
const struct name *name_command(const char *s, size_t n);     /* \frac: kinds TK_ and TC_ */
/* sqrt, pi: in plain-text mathematics */
const struct name *name_plain(const char *s, size_t n);
/* is, cm, yes: not a product of letters */
int name_is_short_word(const char *s, size_t n);
/* kind of environment: p, v; a: rows of formulas; c: cases; 0: unknown */
int name_env(const char *s, size_t n);
/* Length of one UTF-8 character (0: malformed); *name is NULL if it has none here. */
size_t name_char(const char *s, size_t n, uint32_t *code, const struct name **name);

/* ---- noun.c ---- */
enum noun { NOUN_DOUBTFUL, NOUN_OTHER, NOUN_COUNTED };
enum noun noun_of(const char *s, size_t n);                    /* for a word that is not a unit */

/* ---- lex.c ---- */
/* 0, or -1 if a limit is exceeded */
int mt_lex(struct parser *p, const char *s, size_t n);

/* ---- parse.c (tree.c: whole answers): kids are pushed on st, then gathered into a node ---- */
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
/* All of these return NULL (or -1) if memory is exhausted or the input cannot be parsed. */
struct math_node *mt_node(struct parser *p, int kind, int op);
struct math_node *mt_leaf(struct parser *p, int kind, int op, const char *s, size_t n);
int mt_push(struct parser *p, struct math_node *kid);            /* -1 also if kid is NULL */
/* makes a node of the kids on st from mark on */
struct math_node *mt_gather(struct parser *p, int kind, int op, size_t mark);
struct math_node *mt_one(struct parser *p, int kind, int op, struct math_node *a);
struct math_node *mt_two(struct parser *p, int kind, int op, struct math_node *a,
                         struct math_node *b);
char *mt_text(struct parser *p, const char *s, size_t n);    /* a copy in the tree's block */

/* Pushes values with separators between them; their number, or -1. *op: ',' or 'o'. */
int mt_items(struct parser *p, int *op);
struct math_node *mt_term(struct parser *p);                     /* a product */
/* an expression, not a relation or list */
struct math_node *mt_sum(struct parser *p);
struct math_node *mt_set_expr(struct parser *p);                 /* also unions */
struct math_node *mt_factor(struct parser *p, int sign);         /* sign: may start with a minus */

/* ---- factor.c ---- */
struct math_node *mt_power(struct parser *p);
struct math_node *mt_primary(struct parser *p);
/* argument of \frac: a group, or one digit, letter or command */
struct math_node *mt_argument(struct parser *p);
int mt_starts_factor(struct parser *p);
/* treats TeX braces here as visible: \in {1,2} */
void mt_as_set(struct parser *p);

int mt_is_ordinal(const struct tok *t);                        /* th, st, nd, rd */

/* ---- leaf.c, bracket.c ---- */
struct math_node *mt_variable(struct parser *p);
/* at a NUM: number, mixed number, numeral in a base */
struct math_node *mt_numeral(struct parser *p);
/* at the _ */
struct math_node *mt_in_base(struct parser *p, const char *digits, size_t n, uint32_t decimals);
struct math_node *mt_bracket(struct parser *p);                  /* at an OPEN */
struct math_node *mt_bars(struct parser *p);
struct math_node *mt_matrix(struct parser *p);
struct math_node *mt_determinant(struct parser *p);              /* at a DET */

/* ---- unit.c ---- */
/* appends the number as text to chr, where the caller has reserved memory */
void mt_spell_number(struct parser *p, const struct tok *t);
int mt_unit_follows(struct parser *p);
struct math_node *mt_unit(struct parser *p, struct math_node *value);
struct math_node *mt_money(struct parser *p, const struct tok *t, struct math_node *value);
/* true if the unit here may be left out */
int mt_counts(struct parser *p);
/* True if the token is one of these words, ignoring case. */
int mt_among(const struct tok *t, const char *const *list, size_t n);
/* true for words after which nothing is just a unit */
int mt_is_stop(const struct tok *t);
struct math_node *mt_fraction_word(struct parser *p, const char *s, size_t n,
                                   struct math_node *value);

/* ---- words.c ---- */
struct math_node *mt_and_a_half(struct parser *p, struct math_node *node);
struct math_node *mt_words(struct parser *p);                    /* at a WORD that starts a value */

/* ---- the lexer: lex.c (letters, signs), lex_number.c, lex_command.c ---- */

enum { MODES = 32 };

struct lexer {
	struct parser *p;
	const char *s;
	size_t n, at;
	int space, wide;                /* seen since the last token */
	int brace, bracket, matrix, cases, rows;   /* currently open */
	/* cases made by an array: \left\{ array \right. */
	int systems;
	int dollars;                    /* dollar signs are delimiters; otherwise money */
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

/* All return 0 (or NULL), or -1 if memory is exhausted. */
struct tok *lex_emit(struct lexer *l, int kind, int op, const char *s, size_t n);
int lex_emits(struct lexer *l, int kind, int op, const char *s);
int lex_number(struct lexer *l);              /* at a digit, or a point before one */
int lex_command(struct lexer *l);             /* at a backslash */
/* handles a command or character with this name */
int lex_named(struct lexer *l, const struct name *name);
int lex_token(struct lexer *l, const struct name *name);         /* emits its token */
int lex_peek(const struct lexer *l);      /* the next byte that is not a space; 0: none */

#endif
