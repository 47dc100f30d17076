/* SPDX-License-Identifier: MIT */
/*
 * tree: the text of an answer as a tree, made by the parser (lex.c, parse.c) and read by equality.
 * Nothing is evaluated or simplified; nodes represent what was written, without spacing, sizing and
 * notation (\dfrac12, \frac{1}{2} and 1/2 give the same tree).
 *
 * A tree is one block of memory, which holds nodes, their children and all text. Text in nodes ends
 * with a NUL not counted by len and contains no other. Every node has at most one parent.
 *
 * Bounds: input of more than MT_MAX_INPUT bytes, brackets and arguments nested deeper than
 * MT_MAX_DEPTH, a tree higher than MT_MAX_HEIGHT (1/2/3/..., x!!!!) leave root NULL. Input may be
 * any bytes; work and memory are linear in their number (about 0.3 KiB per byte).
 */
#ifndef LATEX_TREE_H
#define LATEX_TREE_H

#include <stddef.h>
#include <stdint.h>

struct buf;

enum { MT_MAX_INPUT = 8192, MT_MAX_DEPTH = 64, MT_MAX_HEIGHT = 200 };

enum math_kind {
	/* ---- leaves ---- */
	MT_NUMBER,    /* text: digits without point, separators or leading zeros ("0" at least); its
	               * value is text / 10^decimals; repeat > 0: the last so many decimals recur for
	               * ever. Never negative. MT_F_GROUPED: 70,110 at the top level: kid[0] is the same
	               * read as a LIST. */
	MT_BASE,      /* a numeral in another base: text: digits 0-9 A-Z, decimals of them after the
	               * point, num: base 2..36; every digit is below the base */
	MT_CONST,     /* op: enum math_const */
	MT_VAR,       /* text: its name: "x", "alpha", "x_1", "f'", "a_n+1", "angle ABC"; MT_F_WORD:
	               * written as \text{B} or (B): a choice, case does not matter */
	MT_TEXT,      /* words: text: single spaces, no LaTeX, case as written; compare without regard
	               * to case */
	MT_EMPTY,     /* the empty set, also \{\} and {} */
	MT_SETNAME,   /* text: "R", "Z", "N", "Q", "C": \mathbb{R}, "all real numbers", with + or - or *
	               * behind */

	/* ---- expressions ---- */
	MT_ADD,       /* two kids or more; a difference has a NEG kid */
	MT_NEG,       /* one */
	MT_MUL,       /* two or more, written with a sign or without; the reading of x(y) is a product
	               * unless APPLY */
	MT_DIV,       /* numerator, denominator */
	MT_MIXED,     /* 3\frac12, 3 1/2: an integer NUMBER, a DIV of integer NUMBERs, numerator below
	               * denominator: their sum */
	MT_POW,       /* base, exponent; (\sin x)^2 for \sin^2 x */
	MT_ROOT,      /* radicand, and the index if it is not a square root */
	MT_FUNC,      /* op: enum math_func; kids: its arguments */
	MT_APPLY,     /* an unknown function: text: its name ("f", "g'", "f^-1"); kids: its arguments */
	MT_PM,        /* one kid: \pm a; two: a \pm b. op '+': upper sign is plus; '-': \mp */
	MT_MOD,       /* a \pmod{m}: a, m: the residue class */
	MT_SERIES,    /* op: 's' \sum, 'p' \prod; index (VAR), from, to, what is summed */

	/* ---- collections ---- */
	/* a point, vector or interval ((0,1) does not tell which): one kid or more (one: [5], <5>);
	 * open, close: '(' or '[', ')' or ']', or '<' '>' for \langle \rangle. ( ) around one value
	 * is not a tuple. */
	MT_TUPLE,
	MT_SET,       /* \{..\}: one kid or more, as written (not sorted, duplicates kept) */
	MT_BUILDER,   /* \{ x : condition \}: what precedes the bar, then one condition or more */
	MT_LIST,      /* several values without brackets: two kids or more; op: ',' (commas, "and", ";")
	               * or 'o' ("or") */
	MT_UNION,     /* two or more */
	MT_INTER,     /* two or more */
	MT_SETMINUS,  /* two */
	MT_MATRIX,    /* rows x cols kids, row by row, each of them >= 1; op: 'p' (pmatrix, bmatrix,
	               * array: brackets are dropped), 'v' (vmatrix: its determinant). A column vector
	               * has one column. */

	/* ---- statements ---- */
	/* a chain: n kids (two or more), text: n - 1 characters, one between each pair: = < > l
	 * (<=) g (>=) ! (not equal) ~ (about) e (in) n (not in) c (subset, strict or not) m
	 * (congruent) t (maps to) p (parallel) o (perpendicular) s (similar). a < b = c is one
	 * node. */
	MT_REL,

	/* ---- values with units and the like ---- */
	MT_UNIT,      /* one kid: the value; op: enum math_unit; text: canonical name ("cm^2", "$", "%",
	               * "deg", "mi", "th") */
	MT_RATIO,     /* a:b, a:b:c: two kids or more; text: "am", "pm" or "". MT_F_CLOCK: am/pm, or
	               * looks like a time (3:30); 9 a.m. is 9:00 am */
	MT_N_KINDS
};

enum math_const { MC_PI, MC_E, MC_I, MC_INF };

enum math_func {
	/* one argument; UNIT deg in it means degrees */
	MF_SIN, MF_COS, MF_TAN, MF_SEC, MF_CSC, MF_COT,
	MF_ASIN, MF_ACOS, MF_ATAN, MF_ASEC, MF_ACSC, MF_ACOT,
	MF_SINH, MF_COSH, MF_TANH, MF_SECH, MF_CSCH, MF_COTH,
	MF_ASINH, MF_ACOSH, MF_ATANH,
	MF_LN,        /* \ln x */
	MF_LOG,       /* \log x (no base written), or x and the base: \log_2 x */
	MF_EXP,
	MF_ABS, MF_FLOOR, MF_CEIL,
	MF_FACT, MF_FACT2,            /* n!, n!! */
	MF_BINOM,                     /* n, k */
	MF_GCD, MF_LCM, MF_MIN, MF_MAX,   /* one argument or more */
	MF_RE, MF_IM, MF_CONJ, MF_ARG, MF_SGN,
	MF_REM,                       /* a \bmod m: a, m */
	MF_TRANSPOSE,                 /* of a matrix or vector */
	MF_N
};

enum math_unit {
	MU_PERCENT,   /* "%" */
	MU_DEGREE,    /* "deg", "degC", "degF" */
	MU_CURRENCY,  /* "$", "EUR", "GBP", "JPY", "INR", "cent" */
	/* lengths, times, counted things: "cm", "ft^2", "mile", "way", "distinct integer" */
	MU_WORD,
	MU_ORDINAL,   /* 5th, 21st: "th" for all */
};

enum {
	MT_F_GROUPED = 1,    /* NUMBER: see there */
	MT_F_WORD = 2,       /* VAR: see there; NUMBER: written as a word (four) */
	MT_F_CLOCK = 4,      /* RATIO: see there */
	/* MUL, written "5 m" or "5 m^2" with a space: kid[1] (m g s h L) may be the unit of
	 * kid[0] */
	MT_F_MAYBE_UNIT = 8,
	MT_F_PAREN = 16,     /* it was written in round brackets */
	/* LIST: the whole answer is 1,22, which may be a decimal: decimals is their number */
	MT_F_COMMA = 64,
	/* UNIT: neither a known unit nor something counted, so it may not be left out */
	MT_F_OPEN = 32,
};

struct math_node {
	uint8_t kind, op;            /* enum math_kind; the meaning of op depends on it */
	uint16_t flags;
	uint32_t n;                  /* kids */
	struct math_node **kid;
	const char *text;            /* "" if the kind has none */
	uint32_t len;
	union {
		struct { uint32_t decimals, repeat, num; };   /* NUMBER, BASE; LIST with MT_F_COMMA */
		struct { uint32_t rows, cols; };              /* MATRIX */
		struct { char open, close; };                 /* TUPLE */
	};
};

struct math_tree {
	struct math_node *root;      /* NULL: the answer could not be parsed (then compare plain) */
	/* the whole input without spacing, sizing, \text and delimiters, case as written, words
	 * separated by single spaces, NUL-terminated. Inputs with the same plain mean the same,
	 * unless it is empty (input too long or blank). */
	const char *plain;
	size_t n_plain;
	size_t n_nodes;
};

/* Parses an answer's text (such as the contents of \boxed). Never NULL, but root may be. */
struct math_tree *math_parse(const char *s, size_t n);
void math_tree_free(struct math_tree *t);

/* Appends the tree as an s-expression, for tests and people: (+ 1 (* 2 x)); "unparsed" if node is
 * NULL. */
void math_tree_print(const struct math_node *node, struct buf *out);

#endif
