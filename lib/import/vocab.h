/* SPDX-License-Identifier: MIT */
/* What the readers of both formats do to a vocabulary in the same way. For this room. */
#ifndef IMPORT_VOCAB_H
#define IMPORT_VOCAB_H

#include "tok/tok.h"

enum { VOCAB_TOKENS_MAX = 1 << 24, VOCAB_ENDS_MAX = 256 };

/* Keys of our own in exported files (GGUF's, tokenizer_config.json's): chat format and ends, for
 * which the formats have no place of their own. Others ignore them. */
#define VOCAB_CHAT_KEY "score.chat"
#define VOCAB_ENDS_KEY "score.ends"

/*
 * The last step of reading: checks ids, recognises a byte vocabulary and the chat format, and
 * collects the tokens that end a response: eos, the declared ones, control tokens known by name.
 * chat: the format's name if the file says it (VOCAB_CHAT_KEY), else NULL.
 */
MUST_CHECK int vocab_finish(struct vocab *v, const int *declared, size_t n_declared,
                            const char *chat, struct err *e);

/* The token that ends a turn in v's chat format, -1 if there is none. */
int chat_end_id(const struct vocab *v);
/* The character that stands for byte b in GPT-2's alphabet of printable characters: UTF-8, returns
 * its length. */
size_t byte_char(unsigned char b, char out[4]);
/* "<0x0A>" as a byte, -1 if text is not of that form. */
int byte_piece(const char *text);

#endif
