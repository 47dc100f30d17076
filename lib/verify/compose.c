/* SPDX-License-Identifier: MIT */
/*
 * Composes the module to run: the problem's own code, then the response's program, which is the
 * whole function or the rest of it. Imports from __future__ from all parts are moved to the start.
 */
#include "verify/inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- imports from __future__ ---- */

/* The end of the current statement, including its semicolon but not a line break. */
static size_t statement_end(struct py_lexer *l, struct py_token *t)
{
	while (t->kind != PY_NEWLINE && t->kind != PY_END && !(py_is(t, ";") && !l->depth))
		py_next(l, t);
	return l->at - (t->kind == PY_NEWLINE ? t->n : 0);
}

/* Adds only the line breaks of a text, so that later lines keep their numbers. */
static void add_breaks(const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\n' || s[i] == '\r')
			buf_addc(out, s[i]);
}

void program_append(const char *s, size_t n, struct buf *future, struct buf *text)
{
	struct py_lexer l;
	struct py_token t, next;
	size_t done = 0;

	py_start(&l, s, n);
	while (py_next(&l, &t) && !t.indent) {
		size_t at = (size_t)(t.s - s), end;

		next = t;
		if (t.kind == PY_NEWLINE || py_is(&t, ";"))
			continue;
		if (t.kind != PY_STRING &&
		    (!py_is(&t, "from") || !py_next(&l, &next) || !py_is(&next, "__future__")))
			break;
		end = statement_end(&l, &next);
		if (t.kind == PY_STRING)
			continue;
		buf_add(text, s + done, at - done);
		add_breaks(s + at, end - at, text);
		buf_add(future, s + at, end - at - (size_t)py_is(&next, ";"));
		buf_addc(future, '\n');
		for (done = end; done < n && (s[done] == ' ' || s[done] == '\t'); )
			done++;
	}
	if (n)
		buf_add(text, s + done, n - done);
}

/* ---- the shape of a text ---- */

struct shape {
	struct py_token last;        /* first token of the last logical line */
	/* start of the last top-level statement, including decorators */
	size_t top;
	int open;                    /* ends inside a string or bracket */
	int header;                  /* ends with a colon, so a block must follow */
	int indented;                /* its first line is indented */
	int lost;                    /* its first line must have lost its indentation */
	int begins_with_return;
	int returns;                 /* has a return outside any function */
};

/* The start of the token's line. */
static size_t line_start(const char *s, const struct py_token *t)
{
	size_t at = (size_t)(t->s - s);

	while (at && s[at - 1] != '\n' && s[at - 1] != '\r')
		at--;
	return at;
}

/* True if the text ends inside a string over several lines. */
static int cut_off(const struct py_token *t, const char *end)
{
	size_t p = 0;

	while (p < t->n && p < 2 && t->s[p] != '"' && t->s[p] != '\'')
		p++;
	return t->kind == PY_BAD && t->s + t->n == end && t->n - p >= 3 &&
	       t->s[p + 1] == t->s[p] && t->s[p + 2] == t->s[p];
}

struct indents {
	size_t *v, n, cap;
};

/* True if a line's indentation is valid after the lines above it. */
static int follows(struct indents *in, size_t indent, int after_header)
{
	int inner = in->n && indent > in->v[in->n - 1];

	while (in->n && in->v[in->n - 1] > indent)
		in->n--;
	if (in->n && in->v[in->n - 1] == indent)
		return 1;
	VEC_PUSH(in->v, in->n, in->cap) = indent;
	return in->n == 1 || (inner && after_header);
}

static struct shape shape(const char *s, size_t n)
{
	struct shape h = {0};
	struct indents in = {0};
	struct py_token t, prev = {0};
	size_t within = SIZE_MAX;    /* lines indented further belong to a function or class */
	struct py_lexer l;
	int decorated = 0;

	py_start(&l, s, n);
	for (; py_next(&l, &t); prev = t) {
		h.open = l.depth > 0 || cut_off(&t, s + n) || (t.kind == PY_NEWLINE && h.open);
		if (t.kind == PY_NEWLINE)
			h.header = py_is(&prev, ":");
		if (t.first) {
			h.lost |= !follows(&in, t.indent, h.header) && !h.indented;
			h.indented |= !h.last.s && t.indent > 0;
			h.begins_with_return |= !h.last.s && py_is(&t, "return");
			h.last = t;
			if (!t.indent && !decorated && !py_among(&t, " else elif except finally "))
				h.top = line_start(s, &t);
			decorated = py_is(&t, "@");
			if (t.indent <= within)
				within = py_among(&t, " def class async ") ? t.indent : SIZE_MAX;
		}
		h.returns |= within == SIZE_MAX && py_among(&t, " return yield ");
	}
	free(in.v);
	return h;
}

/* ---- indentation ---- */

/* Indents the first logical line, or all of them. */
static void indent(const struct buf *text, const char *space, size_t n, int first_only,
                   struct buf *out)
{
	struct py_lexer l;
	struct py_token t;
	size_t done = 0;

	py_start(&l, text->data, text->len);
	while (py_next(&l, &t)) {
		size_t at = (size_t)(t.s - text->data);

		if (!t.first || (first_only && done))
			continue;
		at = line_start(text->data, &t);
		buf_add(out, text->data + done, at - done);
		buf_add(out, space, n);
		done = at;
		if (first_only)
			break;
	}
	buf_add(out, text->data + done, text->len - done);
}

int program_dedent(struct buf *text, const char *name)
{
	struct buf out = {0};
	struct py_lexer l;
	struct py_token t;
	size_t done = 0, n = 0;
	const char *space = NULL;

	py_start(&l, text->data, text->len);
	while (py_next(&l, &t)) {
		size_t at;

		if (!t.first)
			continue;
		at = line_start(text->data, &t);
		if (!space) {
			space = text->data + at;
			n = (size_t)(t.s - space);
		}
		if (!n || (size_t)(t.s - text->data) - at < n || memcmp(text->data + at, space, n))
			break;
		buf_add(&out, text->data + done, at - done);
		done = at + n;
	}
	buf_add(&out, text->data + done, text->len - done);
	if (!space || !n || t.kind != PY_END || !py_defines(out.data, out.len, name)) {
		buf_release(&out);
		return 0;
	}
	buf_release(text);
	*text = out;
	return 1;
}

/* Appends the program as the rest of the function that the problem's code begins, indented to match
 * if its first line (often) or all its lines (sometimes) have lost their indentation. */
static void add_body(const char *prompt, const struct shape *p, const struct buf *program,
                     int first_only, struct buf *out)
{
	size_t start = p->last.s ? line_start(prompt, &p->last) : 0;
	struct buf space = {0};

	if (p->last.s)
		buf_add(&space, prompt + start, (size_t)(p->last.s - prompt) - start);
	if (p->header)
		buf_adds(&space, "    ");
	if (space.len)
		indent(program, space.data, space.len, first_only, out);
	else
		buf_add(out, program->data, program->len);
	buf_release(&space);
}

void program_compose(const char *prompt, size_t n_prompt, const struct buf *program,
                     const char *entry, struct buf *out)
{
	struct buf text = {0}, body = {0};
	struct shape p, h;
	int whole, first_only;

	buf_clear(out);
	if (!prompt) {
		buf_add(out, program->data, program->len);
		return;
	}
	p = shape(prompt, n_prompt);
	h = shape(program->data, program->len);
	whole = py_defines(program->data, program->len, entry);
	first_only = h.lost || (h.begins_with_return && whole);
	whole = whole && !first_only && !h.indented;
	if (whole || h.indented || p.open || !(first_only || h.returns))
		buf_add(&body, program->data, program->len);
	else
		add_body(prompt, &p, program, first_only, &body);
	/* drop a header without a body or half a statement, since the whole function follows */
	program_append(prompt, whole && (p.open || p.header) ? p.top : n_prompt, out, &text);
	if (text.len && text.data[text.len - 1] != '\n')
		buf_addc(&text, '\n');
	program_append(body.data, body.len, out, &text);
	buf_add(out, text.data, text.len);
	buf_release(&text);
	buf_release(&body);
}

int program_begins(const char *s, size_t n, const char *entry)
{
	struct shape h = shape(s, n);

	return py_defines(s, n, entry) && py_plausible(s, h.open ? h.top : n);
}
