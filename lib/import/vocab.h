/* SPDX-License-Identifier: MIT */
/* What the readers of both formats do to a vocabulary in the same way. For this room. */
#ifndef IMPORT_VOCAB_H
#define IMPORT_VOCAB_H

#include "tok/tok.h"

enum { VOCAB_TOKENS_MAX = 1 << 24 };

/*
 * The last step of reading: checks ids, recognises a byte vocabulary and the chat format, and
 * collects the tokens that end a response: eos, the declared ones, control tokens known by name.
 */
MUST_CHECK int vocab_finish(struct vocab *v, const int *declared, size_t n_declared, struct err *e);

/* The character that stands for byte b in GPT-2's alphabet of printable characters: UTF-8, returns its length. */
size_t byte_char(unsigned char b, char out[4]);
/* "<0x0A>" as a byte, -1 if text is not of that form. */
int byte_piece(const char *text);

#endif
