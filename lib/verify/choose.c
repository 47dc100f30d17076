/* SPDX-License-Identifier: MIT */
/*
 * Chooses which of a response's blocks form its program: the last that defines the entry point,
 * with the blocks that define what it uses; else the last that is a function's body.
 */
#include "verify/inside.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_JOINED = 32 };

/* ---- names, as hashes ---- */

struct names {
	uint64_t *v;
	size_t n, cap;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void add_name(void *arg, const struct py_token *name, enum py_binds how)
{
	struct names *s = arg;

	(void)how;
	VEC_PUSH(s->v, s->n, s->cap) = hash_bytes(name->s, name->n);
}

static void sort(struct names *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof *s->v, by_value);
}

static int has(const struct names *s, const struct py_token *name)
{
	uint64_t h = hash_bytes(name->s, name->n);

	return s->n && bsearch(&h, s->v, s->n, sizeof *s->v, by_value);
}

/* Adds the names that a block uses and those that it defines. */
static void add_names(const struct block *b, struct names *used, struct names *defined)
{
	struct py_lexer l;
	struct py_token t;

	py_start(&l, b->text.data, b->text.len);
	while (py_next(&l, &t))
		if (t.kind == PY_NAME)
			add_name(used, &t, PY_BINDS_VALUE);
	py_definitions(b->text.data, b->text.len, add_name, defined);
	sort(used);
	sort(defined);
}

/* ---- blocks that belong to the program ---- */

static const char builtins[] =
	" abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr "
	"classmethod compile complex delattr dict dir divmod enumerate eval exec filter float "
	"format frozenset getattr globals hasattr hash help hex id input int isinstance "
	"issubclass iter len list locals map max memoryview min next object oct open ord pow "
	"print property range repr reversed round set setattr slice sorted staticmethod str sum "
	"super tuple type vars zip ";

struct want {
	const struct names *used, *defined;
	int wanted, clashes;
};

static void look(void *arg, const struct py_token *name, enum py_binds how)
{
	struct want *w = arg;
	int constant = name->s[0] >= 'A' && name->s[0] <= 'Z';

	w->clashes |= has(w->defined, name);
	w->wanted |= has(w->used, name) && !has(w->defined, name) && !py_among(name, builtins) &&
	             (how != PY_BINDS_VALUE || constant);
}

static int mentions(const struct block *b, const char *name)
{
	struct py_lexer l;
	struct py_token t;

	py_start(&l, b->text.data, b->text.len);
	while (py_next(&l, &t))
		if (t.kind == PY_NAME && py_is(&t, name))
			return 1;
	return 0;
}

/* True if the block consists only of definitions, including a name that is used but not yet
 * defined. */
static int belongs(const struct block *b, const char *entry, const struct names *used,
                   const struct names *defined, int later)
{
	struct want w = {used, defined, 0, 0};

	return py_definitions(b->text.data, b->text.len, look, &w) && w.wanted &&
	       !(later && w.clashes) && !mentions(b, entry) &&
	       py_plausible(b->text.data, b->text.len);
}

static void mark_joined(struct block *b, size_t n, size_t chosen, const char *entry)
{
	struct names used = {0}, defined = {0};
	size_t joined = 0;

	add_names(&b[chosen], &used, &defined);
	for (size_t i = chosen; i-- && joined < MAX_JOINED; )
		if ((b[i].joined = belongs(&b[i], entry, &used, &defined, 0))) {
			add_names(&b[i], &used, &defined);
			joined++;
		}
	for (size_t i = chosen + 1; i < n && joined < MAX_JOINED; i++)
		if ((b[i].joined = belongs(&b[i], entry, &used, &defined, 1))) {
			add_names(&b[i], &used, &defined);
			joined++;
		}
	free(used.v);
	free(defined.v);
}

/* ---- the choice ---- */

/* True if it could be a function's body: its first line is indented, or it has a return outside a
 * def. */
static int is_body(const struct block *b)
{
	struct py_lexer l;
	struct py_token t;
	int any = 0;

	py_start(&l, b->text.data, b->text.len);
	while (py_next(&l, &t)) {
		if (!t.first)
			continue;
		if ((!any && t.indent) || py_is(&t, "return"))
			return 1;
		if (py_among(&t, " def class async "))
			return 0;
		any = 1;
	}
	return 0;
}

static size_t choose(struct block *b, size_t n, const char *entry)
{
	for (size_t i = n; i--; )
		if (b[i].defines)
			return i;
	for (size_t i = n; i--; )
		if (entry && program_dedent(&b[i].text, entry)) {
			b[i].defines = 1;
			return i;
		}
	for (size_t i = n; i--; )
		if (b[i].language != ANOTHER && is_body(&b[i]))
			return i;
	for (size_t i = n; i--; )
		if (b[i].language != ANOTHER)
			return i;
	return n - 1;
}

void blocks_join(struct block *b, size_t n, const char *entry, struct buf *out)
{
	size_t chosen = choose(b, n, entry);
	struct buf text = {0};

	if (b[chosen].defines)
		mark_joined(b, n, chosen, entry);
	b[chosen].joined = 1;
	for (size_t i = 0; i < n; i++)
		if (b[i].joined) {
			if (text.len && text.data[text.len - 1] != '\n')
				buf_addc(&text, '\n');
			if (n > 1)
				program_append(b[i].text.data, b[i].text.len, out, &text);
			else
				buf_add(&text, b[i].text.data, b[i].text.len);
		}
	buf_add(out, text.data ? text.data : "", text.len);
	buf_release(&text);
}
