/* SPDX-License-Identifier: MIT */
/* Vocabulary functions shared by the readers of both formats. Private to this room. */
#ifndef IMPORT_VOCAB_H
#define IMPORT_VOCAB_H

#include "tok/tok.h"

enum { VOCAB_TOKENS_MAX = 1 << 24, VOCAB_ENDS_MAX = 256 };

/* Our own keys in exported files (GGUF and tokenizer_config.json) for the chat format and ends,
 * which the formats cannot express. Other programs ignore them. */
#define VOCAB_CHAT_KEY "score.chat"
#define VOCAB_ENDS_KEY "score.ends"

/*
 * The end of reading: checks ids, recognises a byte vocabulary and the chat format, and
 * collects the tokens that end a response: eos, the declared ones, control tokens known by name.
 * chat: the format's name if the file has it (VOCAB_CHAT_KEY), else NULL.
 */
MUST_CHECK int vocab_finish(struct vocab *v, const int *declared, size_t n_declared,
                            const char *chat, struct err *e);

/* The token that ends a turn in v's chat format, -1 if there is none. */
int chat_end_id(const struct vocab *v);
/* The character for byte b in GPT-2's alphabet of printable characters, as UTF-8; returns its
 * length. */
size_t byte_char(unsigned char b, char out[4]);
/* "<0x0A>" as a byte, -1 if text is not of that form. */
int byte_piece(const char *text);

#endif
