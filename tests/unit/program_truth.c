/* SPDX-License-Identifier: MIT */
/* What py_definitions says of a module is what Python says of it, on programs that Python has read
 * (tests/golden/modules.py). */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "verify/program.h"

struct names {
	struct py_token *v;
	size_t n, cap;
};

static void add(void *arg, const struct py_token *name, enum py_binds how)
{
	struct names *s = arg;

	(void)how;
	VEC_PUSH(s->v, s->n, s->cap) = *name;
}

/* In Python's order of strings, by code points, which is that of UTF-8's bytes. */
static int order(const void *a, const void *b)
{
	const struct py_token *x = a, *y = b;
	int c = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* The module's names as Python's line has them. */
static void describe(const char *s, size_t n, struct buf *out)
{
	struct names names = {0};

	py_definitions(s, n, add, &names);
	if (names.n)
		qsort(names.v, names.n, sizeof *names.v, order);
	buf_clear(out);
	buf_addf(out, "%zu", n);
	for (size_t i = 0; i < names.n; i++) {
		buf_addc(out, ' ');
		buf_add(out, names.v[i].s, names.v[i].n);
	}
	buf_addc(out, '\n');
	free(names.v);
}

int main(void)
{
	FILE *python = popen("python3 tests/golden/modules.py 30000", "r");
	size_t modules = 0, wrong = 0, implausible = 0, cap = 0;
	struct buf got = {0};
	char *line = NULL;

	while (python && getline(&line, &cap, python) > 0) {
		size_t n = strtoul(line, NULL, 10);
		char *text = xmalloc(n ? n : 1);

		if (fread(text, 1, n, python) != n)
			break;
		describe(text, n, &got);
		modules++;
		implausible += !py_plausible(text, n);
		if (strcmp(got.data, line) && ++wrong <= 5)
			diag("%.200s\n# Python: %s# got: %s", text, line, got.data);
		free(text);
	}
	ok(python && !pclose(python) && modules > 3000, "%zu modules", modules);
	ok(!wrong, "their names are Python's (of %zu they are not)", wrong);
	ok(!implausible, "each can be Python (%zu cannot)", implausible);
	buf_release(&got);
	free(line);
	return done();
}
