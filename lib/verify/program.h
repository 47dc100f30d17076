/* SPDX-License-Identifier: MIT */
/*
 * program: the Python in a response. It is read as Python's own tokens (what is a string, a
 * comment, a bracket, a logical line), so that text that looks like code is told from code; no
 * grammar beyond that, and nothing is run. Any bytes are welcome, the work is linear in them, and
 * nothing here recurses. Knows no record and no process; grade.c calls it.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "base/base.h"

/* ---- tokens (python.c) ---- */

enum py_kind {
	PY_END,
	PY_NEWLINE,                  /* of a logical line; empty where the text ends without one */
	PY_NAME,                     /* and keywords */
	PY_NUMBER,
	PY_STRING,                   /* with its prefix, from quote to quote */
	PY_OP,
	PY_BAD,                      /* no token's start, an endless string, a bracket too many */
};

struct py_token {
	enum py_kind kind;
	const char *s;               /* within the text */
	size_t n;
	int first;                   /* of its logical line */
	size_t indent;               /* of that line, in columns; tabs stop at multiples of 8 */
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
/* The next token; 0 at the end, which is PY_END again and again. Comments are none. */
int py_next(struct py_lexer *l, struct py_token *t);
int py_is(const struct py_token *t, const char *text);
/* Is it one of the words in a list with a space around each? */
int py_among(const struct py_token *t, const char *words);
/* A hard keyword that is no value (None, True and False are). */
int py_keyword(const struct py_token *t);

/* ---- statements (defines.c) ---- */

enum py_binds {
	PY_BINDS_IMPORT,
	PY_BINDS_DEF,                /* def, class, or a lambda that is assigned */
	PY_BINDS_VALUE,
};

/* Calls each for every name that the module binds at top level by def, class, import or assignment,
 * within if, try, for, while, with and match, too. each may be NULL. 1 if nothing else is done
 * there: no call, no loop; docstrings and pass aside. */
int py_definitions(const char *s, size_t n,
                   void (*each)(void *arg, const struct py_token *name, enum py_binds how),
                   void *arg);
/* Does it bind this name? */
int py_defines(const char *s, size_t n, const char *name);
/* Can it be Python, as far as tokens tell: no bad ones, brackets closed, no two values side by
 * side, no operator without a value? Empty text can. */
int py_plausible(const char *s, size_t n);

/* ---- the program in a response (program.c) and what is run (compose.c) ---- */

/* The program, as score-verify(1) has it. entry may be NULL. Replaces what is in out; 0 if there is
 * none. */
int program_find(const char *s, size_t n, const char *entry, struct buf *out);
/* The program after the problem's own code (NULL: none), of which it may be the rest. Replaces what
 * is in out. Imports from __future__ come first. */
void program_compose(const char *prompt, size_t n_prompt, const struct buf *program,
                     const char *entry, struct buf *out);
/* Is this a problem's own code: Python, perhaps unfinished at its end, that defines the name? */
int program_begins(const char *s, size_t n, const char *entry);
/* Appends a module's text to `text` but for its imports from __future__, which go to `future`. */
void program_append(const char *s, size_t n, struct buf *future, struct buf *text);

#endif
