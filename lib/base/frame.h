/* SPDX-License-Identifier: MIT */
/*
 * frame: messages between our processes (score-verify, score-box and its Python side). A frame is a
 * little-endian u32 length and that many bytes; a message is a frame of fields, each
 *     u32 length, key, u32 length, value, one zero byte
 * so that a value without zero bytes can be used as a C string. A key may occur more than once.
 */
#ifndef FRAME_H
#define FRAME_H

#include "base/base.h"

enum { FRAME_MAX = 64 << 20 };

/* Starts a message in b, discarding its contents; fields are appended. */
void frame_begin(struct buf *b);
void frame_add(struct buf *b, const char *key, const void *value, size_t n);
void frame_adds(struct buf *b, const char *key, const char *value);
void frame_addf(struct buf *b, const char *key, const char *fmt, ...) PRINTF(3, 4);

/* Sends the message; fd is a stream socket or a pipe (then without descriptors). Never raises
 * SIGPIPE on a socket. */
MUST_CHECK int frame_send(int fd, struct buf *b, const int *fds, size_t nfds, struct err *e);
/* Receives one message into b, replacing its contents: 1, or 0 at end of input, or -1. Up to *nfds
 * descriptors go to fds, close-on-exec, owned by the caller; *nfds becomes their number. fds NULL:
 * no descriptors are received. */
MUST_CHECK int frame_recv(int fd, struct buf *b, int *fds, size_t *nfds, struct err *e);

/* The field's nth value (from 0), borrowed until b changes; NULL if there is none. n may be
 * NULL. */
const char *frame_nth(const struct buf *b, const char *key, size_t nth, size_t *n);
const char *frame_get(const struct buf *b, const char *key);
/* The field's integer value, or `otherwise` if it is missing or not an integer. */
int64_t frame_int(const struct buf *b, const char *key, int64_t otherwise);
/* Iterates over all fields: start with *at = 0, until it returns 0. */
int frame_next(const struct buf *b, size_t *at, const char **key, size_t *nkey, const char **value,
               size_t *n);

#endif
