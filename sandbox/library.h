/* SPDX-License-Identifier: MIT */
/*
 * library: the files that a Python needs to run, and no others: the interpreter, its standard
 * library without packages installed beside it, and the shared libraries of both. Nothing else
 * below /usr should be visible in a jail.
 */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "base/base.h"

struct paths {
	char **path;                 /* owned, and so is each path */
	size_t n, cap;
};

struct library {
	/* readable, directories as a whole; absolute, without links in their directories */
	struct paths files;
	struct paths names;          /* names of shared libraries looked for */
	/* directories of standard libraries: readable except library_hidden */
	struct paths homes;
};

/* Hidden names in a home, NULL-terminated. */
extern const char *const library_hidden[];

void paths_add(struct paths *p, const char *path);
void paths_release(struct paths *p);

/* python: resolved path of the interpreter, PREFIX/bin/NAME; *l must be released in any case. */
MUST_CHECK int library_find(struct library *l, const char *python, struct err *e);
/* The readable entries of the homes, one by one, for use where parts of a directory cannot be
 * hidden. */
void library_spread(const struct library *l, struct paths *out);
void library_release(struct library *l);

#endif
