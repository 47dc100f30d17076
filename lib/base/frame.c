/* SPDX-License-Identifier: MIT */
/* Sending and receiving frames over sockets and pipes, and reading their fields. */
#include "base/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 4, MAX_FDS = 8 };

static uint32_t get32(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;

	return s[0] | s[1] << 8 | s[2] << 16 | (uint32_t)s[3] << 24;
}

static void put32(char *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> 8 * i);
}

void frame_begin(struct buf *b)
{
	buf_clear(b);
	buf_add(b, "\0\0\0\0", HEAD);
}

static void add_sized(struct buf *b, const void *p, size_t n)
{
	char head[4];

	put32(head, n);
	buf_add(b, head, sizeof head);
	buf_add(b, p, n);
}

void frame_add(struct buf *b, const char *key, const void *value, size_t n)
{
	add_sized(b, key, strlen(key));
	add_sized(b, value, n);
	buf_addc(b, 0);
}

void frame_adds(struct buf *b, const char *key, const char *value)
{
	frame_add(b, key, value, strlen(value));
}

void frame_addf(struct buf *b, const char *key, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	frame_adds(b, key, text);
}

int frame_send(int fd, struct buf *b, const int *fds, size_t nfds, struct err *e)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control;
	size_t at = 0;

	if (b->len - HEAD > FRAME_MAX)
		return err_set(e, "a message of %zu bytes is too long", b->len - HEAD);
	put32(b->data, b->len - HEAD);
	while (at < b->len) {
		struct iovec iov = {b->data + at, b->len - at};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t k;

		if (!at && nfds) {
			struct cmsghdr *c = &control.align;

			memset(&control, 0, sizeof control);
			m.msg_control = &control;
			m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
			memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
		}
		k = sendmsg(fd, &m, MSG_NOSIGNAL);
		if (k < 0 && errno == ENOTSOCK && !nfds)
			k = write(fd, b->data + at, b->len - at);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_set(e, "cannot send: %s", strerror(errno));
		at += (size_t)k;
	}
	return 0;
}

/* One read that also receives descriptors; from a socket or (if max is 0) a pipe. */
static ssize_t take(int fd, char *p, size_t n, int *fds, size_t *nfds, size_t max)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {p, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t k;

	if (!max)
		return read(fd, p, n);
	m.msg_control = &control;
	m.msg_controllen = sizeof control;
	k = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	if (k < 0)
		return k;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t got = c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

		for (size_t i = 0; i < got; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof one);
			if (*nfds < max)
				fds[(*nfds)++] = one;
			else
				close(one);
		}
	}
	return k;
}

static int fill(int fd, char *p, size_t n, int *fds, size_t *nfds, size_t max, struct err *e)
{
	for (size_t at = 0; at < n; ) {
		ssize_t k = take(fd, p + at, n - at, fds, nfds, max);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_set(e, "cannot receive: %s", strerror(errno));
		if (!k)
			return at ? err_set(e, "a message cut short") : 0;
		at += (size_t)k;
	}
	return 1;
}

/* Checks that every field lies within the message, so that the getters need no checks. */
static int well_formed(const struct buf *b)
{
	size_t at = HEAD;

	while (at < b->len) {
		for (int part = 0; part < 2; part++) {
			uint32_t n;

			if (b->len - at < 4)
				return 0;
			n = get32(b->data + at);
			if (n > b->len - at - 4)
				return 0;
			at += 4 + (size_t)n;
		}
		if (at == b->len || b->data[at])
			return 0;
		at++;
	}
	return 1;
}

int frame_recv(int fd, struct buf *b, int *fds, size_t *nfds, struct err *e)
{
	size_t max = fds ? *nfds : 0, none = 0, *got = fds ? nfds : &none, n;
	int rc;

	*got = 0;
	buf_clear(b);
	buf_grow(b, HEAD);
	rc = fill(fd, b->data, HEAD, fds, got, max, e);
	if (rc <= 0)
		return rc;
	n = get32(b->data);
	if (n > FRAME_MAX)
		return err_set(e, "a message of %zu bytes is too long", n);
	buf_grow(b, HEAD + n + 1);
	b->len = HEAD + n;
	b->data[b->len] = 0;
	rc = n ? fill(fd, b->data + HEAD, n, fds, got, max, e) : 1;
	if (!rc)
		return err_set(e, "a message cut short");
	if (rc > 0 && !well_formed(b))
		return err_set(e, "a malformed message");
	return rc;
}

int frame_next(const struct buf *b, size_t *at, const char **key, size_t *nkey, const char **value,
               size_t *n)
{
	if (*at < HEAD)
		*at = HEAD;
	if (*at >= b->len)
		return 0;
	*nkey = get32(b->data + *at);
	*key = b->data + *at + 4;
	*at += 4 + *nkey;
	*n = get32(b->data + *at);
	*value = b->data + *at + 4;
	*at += 5 + *n;
	return 1;
}

const char *frame_nth(const struct buf *b, const char *key, size_t nth, size_t *n)
{
	const char *k, *value;
	size_t at = 0, nk, nv, want = strlen(key);

	while (frame_next(b, &at, &k, &nk, &value, &nv)) {
		if (nk != want || memcmp(k, key, nk) || nth--)
			continue;
		if (n)
			*n = nv;
		return value;
	}
	return NULL;
}

const char *frame_get(const struct buf *b, const char *key)
{
	return frame_nth(b, key, 0, NULL);
}

int64_t frame_int(const struct buf *b, const char *key, int64_t otherwise)
{
	const char *s = frame_get(b, key);
	int64_t v;

	return s && !parse_i64(s, INT64_MIN, INT64_MAX, &v, NULL) ? v : otherwise;
}
