/* SPDX-License-Identifier: MIT */
/* Private to this room: the blocks of a response, found by program.c and chosen from by
 * choose.c. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "verify/program.h"

enum language { NO_LANGUAGE, PYTHON, MARKDOWN, ANOTHER };

struct block {
	struct buf text;
	enum language language;
	int defines;                 /* defines the entry point */
	int joined;                  /* belongs to the program */
};

/* Appends the program made of n > 0 blocks. */
void blocks_join(struct block *b, size_t n, const char *entry, struct buf *out);
/* Removes common indentation if the text then defines the name: 1. */
int program_dedent(struct buf *text, const char *name);

#endif
