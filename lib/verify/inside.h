/* SPDX-License-Identifier: MIT */
/* Inside lib/verify: the blocks of a response, from program.c, which finds them, to choose.c, which
 * chooses. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "verify/program.h"

enum language { NO_LANGUAGE, PYTHON, MARKDOWN, ANOTHER };

struct block {
	struct buf text;
	enum language language;
	int defines;                 /* the entry point */
	int joined;                  /* belongs to the program */
};

/* Appends the program that n > 0 blocks make. */
void blocks_join(struct block *b, size_t n, const char *entry, struct buf *out);
/* Takes away the indentation that all lines share, if the text then defines the name: 1. */
int program_dedent(struct buf *text, const char *name);

#endif
