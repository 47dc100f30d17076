/* SPDX-License-Identifier: MIT */
/* Moves bytes between descriptors without blocking. */
#include "pump.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

struct pollfd pump_wants(const struct pump *p)
{
	if (p->n && p->to >= 0)
		return (struct pollfd){.fd = p->to, .events = POLLOUT};
	return (struct pollfd){.fd = p->n ? -1 : p->from, .events = POLLIN};
}

static int passing(int error)
{
	return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

static int fill(struct pump *p)
{
	ssize_t n = read(p->from, p->buffer, sizeof p->buffer);

	if (n < 0)
		return passing(errno) ? 0 : -1;
	if (!n) {
		close(p->from);
		p->from = -1;
		return 0;
	}
	p->moved += (uint64_t)n;
	p->at = 0;
	p->n = (size_t)n;
	if (p->budget && p->n > *p->budget) {
		p->over = 1;
		p->n = (size_t)*p->budget;
	}
	if (p->budget)
		*p->budget -= p->n;
	return 0;
}

/* Writes no more than a ready descriptor takes without blocking, even if it is shared and in
 * blocking mode. */
static int empty(struct pump *p)
{
	size_t most = p->n < PIPE_BUF ? p->n : PIPE_BUF;
	ssize_t n = write(p->to, p->buffer + p->at, most);

	if (n < 0)
		return passing(errno) ? 0 : -1;
	if (n)
		p->last = p->buffer[p->at + (size_t)n - 1];
	p->at += (size_t)n;
	p->n -= (size_t)n;
	return 0;
}

int pump_turn(struct pump *p, short revents)
{
	if (!revents)
		return 0;
	if (p->n)
		return p->to >= 0 ? empty(p) : 0;
	return p->from >= 0 ? fill(p) : 0;
}

void pump_last(struct pump *p)
{
	struct pollfd more = {.fd = p->from, .events = POLLIN};

	if (p->from < 0 || p->n || (poll(&more, 1, 0) == 1 && more.revents & POLLIN))
		return;
	close(p->from);
	p->from = -1;
}

int pump_busy(const struct pump *p)
{
	return p->from >= 0 || p->n;
}

int write_all(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t rc = write(fd, p, n);

		if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			struct pollfd ready = {.fd = fd, .events = POLLOUT};

			poll(&ready, 1, -1);
		} else if (rc < 0 && errno != EINTR)
			return -1;
		else if (rc > 0) {
			p = (const char *)p + rc;
			n -= (size_t)rc;
		}
	}
	return 0;
}
