/* SPDX-License-Identifier: MIT */
/* Inside lib/math only: what words in and about an answer do to it. */
#ifndef MATH_PROSE_H
#define MATH_PROSE_H

#include <stddef.h>

/* ---- connect.c ---- */
enum connective {
	CONNECT_NOT,                 /* none */
	CONNECT_JOINS,               /* or, and, when, if: two statements, neither of them the whole */
	CONNECT_LEADS,               /* so, gives, \Rightarrow: what follows is what it comes to */
};
/* The connective at at, where `begins` says that nothing but spacing is before it. *len: of it, or of what was
 * looked at to see that it is none (at least 1). */
enum connective math_connective(const char *s, size_t n, size_t at, int begins, size_t *len);

/* ---- hedge.c ---- */
enum hedge {
	HEDGE_NONE,
	HEDGE_NOT,                   /* denied: "not 14" */
	HEDGE_BOUND,                 /* a bound, a range, one of several: "more than 100", "5 or 6" */
};
/* What the words right before and right behind the value s[from, to) do to it. */
enum hedge math_hedge(const char *s, size_t n, size_t from, size_t to);
/* Do they deny it right there: "not \boxed{14}", "\boxed{14} is wrong"? Not so in "those that are
 * not odd are \boxed{14}". */
int math_denied(const char *s, size_t n, size_t from, size_t to);

#endif
