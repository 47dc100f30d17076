/* SPDX-License-Identifier: MIT */
/*
 * Finds what a module defines, and whether text can be Python, both from its tokens alone. A
 * logical line belongs to the top level if, by its indentation, it is not inside a def or class;
 * statements in other blocks do belong, since those have no scope of their own.
 */
#include "verify/program.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS " if elif else for while with try except finally match case async "

/* ---- definitions ---- */

struct module {
	struct py_lexer l;
	struct py_token t;           /* the current token */
	void (*each)(void *arg, const struct py_token *name, enum py_binds how);
	void *arg;
	struct py_token *names;      /* names of the current assignment target */
	size_t n_names, cap;
	int only;                    /* only definitions so far */
};

static void advance(struct module *m)
{
	py_next(&m->l, &m->t);
}

static int line_over(const struct module *m)
{
	return m->t.kind == PY_NEWLINE || m->t.kind == PY_END;
}

static int statement_over(const struct module *m)
{
	return line_over(m) || (!m->l.depth && py_is(&m->t, ";"));
}

static void rest_of_line(struct module *m)
{
	while (!line_over(m))
		advance(m);
}

static void rest_of_statement(struct module *m)
{
	while (!statement_over(m))
		advance(m);
}

static void bind(struct module *m, const struct py_token *name, enum py_binds how)
{
	if (m->each && name->kind == PY_NAME)
		m->each(m->arg, name, how);
}

/* "import a.b, c as d" and "from m import (a, b as c)": the name bound is the one after as, else
 * the first of its item. */
static void import(struct module *m)
{
	int from = py_is(&m->t, "from"), item = 1;
	struct py_token name = {0};

	if (from)
		while (!statement_over(m) && !py_is(&m->t, "import"))
			advance(m);
	while (!statement_over(m)) {
		advance(m);
		if (statement_over(m) || py_is(&m->t, ",")) {
			bind(m, &name, PY_BINDS_IMPORT);
			name = (struct py_token){0};
			item = 1;
		} else if (m->t.kind == PY_NAME && item) {
			name = m->t;
			item = 0;
		} else if (py_is(&m->t, "as"))
			item = 1;
	}
}

/* Binds the names of the target before "=". */
static void target(struct module *m)
{
	struct py_lexer ahead = m->l;
	struct py_token next;
	enum py_binds how;

	py_next(&ahead, &next);
	how = py_is(&next, "lambda") ? PY_BINDS_DEF : PY_BINDS_VALUE;
	for (size_t i = 0; i < m->n_names; i++)
		bind(m, &m->names[i], how);
}

/* One more token of a possible target; *trailer: depth of a call or subscript. 0: not a target. */
static int target_part(struct module *m, const struct py_token *prev, size_t *trailer)
{
	const struct py_token *t = &m->t;
	int value = prev->kind == PY_NAME || py_is(prev, ")") || py_is(prev, "]");

	if (*trailer) {
		if (m->l.depth < *trailer)
			*trailer = 0;
		return 1;
	}
	if (prev->kind == PY_NAME && m->n_names && m->names[m->n_names - 1].s == prev->s &&
	    !py_is(t, ",") &&
	    !py_is(t, ")") && !py_is(t, "]"))
		m->n_names--;
	if (value && (py_is(t, "(") || py_is(t, "["))) {
		*trailer = m->l.depth;
		return 1;
	}
	if (t->kind == PY_NAME && py_is(prev, "."))
		return 1;
	if (t->kind == PY_NAME && !value) {
		VEC_PUSH(m->names, m->n_names, m->cap) = *t;
		return 1;
	}
	return t->kind == PY_OP && t->n == 1 && strchr("()[],.*", t->s[0]) != NULL;
}

/* An assignment, an annotation, or another expression. 1: it was the header of a match or case, up
 * to its colon. */
static int expression(struct module *m)
{
	int soft = py_among(&m->t, " match case "), good = 1, bound = 0,
	    only = m->t.kind == PY_STRING;
	struct py_token prev = {0};
	size_t trailer = 0;

	m->n_names = 0;
	for (; !statement_over(m); prev = m->t, advance(m)) {
		if (!m->l.depth && (py_keyword(&m->t)))
			break;
		if (!m->l.depth && py_is(&m->t, "=")) {
			if (good) {
				target(m);
				bound |= m->n_names > 0;
			}
			good = 1;
			m->n_names = trailer = 0;
		} else if (!m->l.depth && py_is(&m->t, ":")) {
			if (soft && !(good && m->n_names == 1))
				return 1;
			only |= good && m->n_names == 1;
			while (!statement_over(m) && !(!m->l.depth && py_is(&m->t, "=")))
				advance(m);
			if (!statement_over(m) && good && m->n_names == 1)
				target(m);
			break;
		} else if (good)
			good = target_part(m, &prev, &trailer);
	}
	m->only &= only || bound;
	rest_of_statement(m);
	return 0;
}

/* One simple statement, up to its end. 1: it was the header of a match or case. */
static int simple(struct module *m)
{
	if (py_is(&m->t, "import") || py_is(&m->t, "from"))
		import(m);
	else if (!py_keyword(&m->t) || py_is(&m->t, "lambda"))
		return expression(m);
	else {
		m->only &= py_is(&m->t, "pass");
		rest_of_statement(m);
	}
	return 0;
}

/* The simple statements of a line. 1: it was a header with nothing after its colon. */
static int statements(struct module *m)
{
	while (!line_over(m)) {
		if (simple(m)) {
			m->only = 0;
			advance(m);
			if (line_over(m))
				return 1;
		} else if (!line_over(m))
			advance(m);
	}
	return 0;
}

/* A block's header, up to and including its colon. */
static void header(struct module *m)
{
	size_t lambdas = 0;

	while (!line_over(m)) {
		int colon = !m->l.depth && py_is(&m->t, ":");

		lambdas += !m->l.depth && py_is(&m->t, "lambda");
		advance(m);
		if (colon && !lambdas--)
			return;
	}
}

/* A logical line. Returns the largest indentation with which the next line still belongs to the top
 * level. */
static size_t logical_line(struct module *m)
{
	size_t indent = m->t.indent, within = indent;

	if (py_is(&m->t, "async"))
		advance(m);
	if (py_is(&m->t, "def") || py_is(&m->t, "class")) {
		advance(m);
		bind(m, &m->t, PY_BINDS_DEF);
	} else if (!py_is(&m->t, "@")) {
		if (py_keyword(&m->t) && py_among(&m->t, BLOCKS)) {
			m->only &= !py_among(&m->t, " for while with ");
			header(m);
			if (line_over(m))
				within = SIZE_MAX;
		}
		if (statements(m))
			within = SIZE_MAX;
	}
	rest_of_line(m);
	return within;
}

int py_definitions(const char *s, size_t n,
                   void (*each)(void *arg, const struct py_token *name, enum py_binds how),
                   void *arg)
{
	struct module m = {.each = each, .arg = arg, .only = 1};
	size_t within = 0;

	py_start(&m.l, s, n);
	for (advance(&m); m.t.kind != PY_END; advance(&m)) {
		if (m.t.indent > within)
			rest_of_line(&m);
		else
			within = logical_line(&m);
	}
	free(m.names);
	return m.only;
}

struct wanted {
	const char *name;
	int found;
};

static void compare(void *arg, const struct py_token *name, enum py_binds how)
{
	struct wanted *w = arg;

	(void)how;
	w->found |= py_is(name, w->name);
}

int py_defines(const char *s, size_t n, const char *name)
{
	struct wanted w = {name, 0};

	py_definitions(s, n, compare, &w);
	return w.found;
}

/* ---- plausibility ---- */

struct reading {
	struct py_token t, prev, first;
	size_t depth;
	int value;                   /* prev ends a value */
	int colon;                   /* a colon was seen on this line, outside brackets */
};

static int soft(const struct py_token *t)
{
	return t->first && py_among(t, " match case type ");
}

static int name_fits(struct reading *r)
{
	if (py_keyword(&r->t)) {
		int was = r->value && !soft(&r->prev);

		r->value = 0;
		return !was ||
		       py_among(&r->t, " and or in is if else as for not async from import ");
	}
	if (r->value && !soft(&r->prev) && !(r->t.kind == PY_STRING && r->prev.kind == PY_STRING))
		return 0;
	r->value = 1;
	return 1;
}

static int operator_fits(struct reading *r)
{
	const struct py_token *t = &r->t, *prev = &r->prev;
	int was = r->value, start = prev->kind == PY_END, one = t->n == 1;

	r->value = one && strchr(")]}", t->s[0]);
	if (py_is(t, "...")) {
		r->value = !py_is(prev, "from");
		return !was || soft(prev);
	}
	if (one && strchr(")]}", t->s[0]))
		return was || py_keyword(prev) || (prev->n == 1 && strchr("([{,:/*", prev->s[0]));
	if (py_is(t, "{"))
		return !was || soft(prev);
	if (one && strchr("([:,;~", t->s[0]))
		return !start || !strchr(":,;", t->s[0]);
	if (one && strchr("+-*", t->s[0]))
		return 1;
	if (py_is(t, "@"))
		return was || start;
	if (py_is(t, "/"))
		return was || py_is(prev, ",");
	if (py_is(t, "**"))
		return was || r->depth || py_is(prev, ",") || py_is(prev, "lambda");
	if (py_is(t, "."))
		return was || py_is(prev, "from") || py_is(prev, ".") || py_is(prev, "...");
	return was || (py_is(t, "=") && py_is(prev, ","));
}

static int line_fits(const struct reading *r)
{
	int block = py_among(&r->first, BLOCKS) || py_among(&r->first, " def class ");
	int ends_open = py_is(&r->prev, ":");

	if (block && py_keyword(&r->first) && !r->colon)
		return 0;
	if (py_is(&r->prev, "*"))
		return py_is(&r->first, "from");
	return r->value || py_keyword(&r->prev) || py_is(&r->prev, ",") || py_is(&r->prev, ";") ||
	       (ends_open && block);
}

int py_plausible(const char *s, size_t n)
{
	struct reading r = {0};
	struct py_lexer l;

	py_start(&l, s, n);
	while (py_next(&l, &r.t)) {
		int fits = 1;

		if (r.prev.kind == PY_END)
			r.first = r.t;
		if (r.t.kind == PY_NEWLINE)
			fits = !l.depth && line_fits(&r);
		else if (r.t.kind == PY_OP)
			fits = operator_fits(&r);
		else
			fits = r.t.kind != PY_BAD && name_fits(&r);
		if (!fits)
			return 0;
		r.colon |= !l.depth && py_is(&r.t, ":");
		r.prev = r.t;
		r.depth = l.depth;
		if (r.t.kind == PY_NEWLINE)
			r = (struct reading){0};
	}
	return 1;
}
