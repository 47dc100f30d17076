/* SPDX-License-Identifier: MIT */
/*
 * library: the files that a Python needs to run, and no others: itself, its
 * standard library without what is installed beside it, and the shared
 * libraries of both. What else lies below /usr is nobody's business in there.
 */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "base/base.h"

struct paths {
	char **path;                 /* owned, each too */
	size_t n, cap;
};

struct library {
	struct paths files;          /* to be read, folders whole; absolute, and none of their folders
	                              * is a link */
	struct paths names;          /* of shared libraries that were looked for */
	struct paths homes;          /* folders of standard libraries: to be read but library_hidden */
};

/* Names in a home, NULL-terminated. */
extern const char *const library_hidden[];

void paths_add(struct paths *p, const char *path);
void paths_release(struct paths *p);

/* python: resolved path of the interpreter, PREFIX/bin/NAME; *l is to be released in any case. */
MUST_CHECK int library_find(struct library *l, const char *python, struct err *e);
/* What is to be read of the homes, one by one, for those who cannot hide a part of a folder. */
void library_spread(const struct library *l, struct paths *out);
void library_release(struct library *l);

#endif
