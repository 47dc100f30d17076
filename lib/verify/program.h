/* SPDX-License-Identifier: MIT */
/*
 * program: finds the Python in a response. It works on Python tokens (strings, comments, brackets,
 * logical lines) to tell code from text that looks like it; no grammar beyond that, and nothing is
 * run. Input may be any bytes; work is linear, and nothing recurses. Knows no records or processes;
 * called by grade.c.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "base/base.h"

/* ---- tokens (python.c) ---- */

enum py_kind {
	PY_END,
	PY_NEWLINE,                  /* end of a logical line; empty if the text ends without one */
	PY_NAME,                     /* including keywords */
	PY_NUMBER,
	PY_STRING,                   /* with its prefix, from quote to quote */
	PY_OP,
	PY_BAD,                      /* not a token, an unterminated string, an unmatched bracket */
};

struct py_token {
	enum py_kind kind;
	const char *s;               /* points into the text */
	size_t n;
	int first;                   /* first of its logical line */
	/* of that line, in columns, with tab stops at multiples of 8 */
	size_t indent;
};

struct py_lexer {
	const char *s;
	size_t n, at;
	size_t depth;                /* open brackets */
	size_t indent;
	int fresh;                   /* at the start of a logical line */
};

/* s is borrowed. A byte-order mark is skipped. */
void py_start(struct py_lexer *l, const char *s, size_t n);
/* Reads the next token; 0 at the end, where it gives PY_END any number of times. Comments are
 * skipped. */
int py_next(struct py_lexer *l, struct py_token *t);
int py_is(const struct py_token *t, const char *text);
/* True if it is one of the words in a list with spaces around each. */
int py_among(const struct py_token *t, const char *words);
/* True for a hard keyword that is not a value (None, True, False). */
int py_keyword(const struct py_token *t);

/* ---- statements (defines.c) ---- */

enum py_binds {
	PY_BINDS_IMPORT,
	PY_BINDS_DEF,                /* def, class, or a lambda that is assigned */
	PY_BINDS_VALUE,
};

/* Calls each for every name that the module binds at top level by def, class, import or assignment,
 * including inside if, try, for, while, with and match. each may be NULL. Returns 1 if the module
 * does nothing else (no calls, no loops) apart from docstrings and pass. */
int py_definitions(const char *s, size_t n,
                   void (*each)(void *arg, const struct py_token *name, enum py_binds how),
                   void *arg);
/* True if the module binds this name at top level. */
int py_defines(const char *s, size_t n, const char *name);
/* True if its tokens can be Python: no bad tokens, brackets closed, no adjacent values, no operator
 * without operands. Empty text can. */
int py_plausible(const char *s, size_t n);

/* ---- the program in a response (program.c), the module to run (compose.c) ---- */

/* Finds the program as described in score-verify(1). entry may be NULL. Replaces the contents of
 * out; 0 if there is none. */
int program_find(const char *s, size_t n, const char *entry, struct buf *out);
/* Composes the problem's own code (NULL: none) and the program, which may be the rest of it.
 * Replaces the contents of out. Imports from __future__ come first. */
void program_compose(const char *prompt, size_t n_prompt, const struct buf *program,
                     const char *entry, struct buf *out);
/* True for a problem's own code: Python, possibly unfinished at its end, that defines the name. */
int program_begins(const char *s, size_t n, const char *entry);
/* Appends a module's text to `text`, except imports from __future__, which go to `future`. */
void program_append(const char *s, size_t n, struct buf *future, struct buf *text);

#endif
