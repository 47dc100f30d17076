/* SPDX-License-Identifier: MIT */
/*
 * Values written piece by piece, bypassing the map: pwrite takes a large piece at once, while
 * writing through the map costs a fault per page and reads each page from disk before overwriting
 * it. Writeback starts while the next pieces are computed, so that little is left for the commit's
 * sync. (A thread for this costs more than it gains: writing takes as much CPU time as disk time.)
 */
#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

/*
 * LMDB does not tell a value's file offset, but the header of its first page does: page number (8
 * bytes), 2 bytes unused, flags (2 bytes; 4: overflow pages), page count (4 bytes). If a version of
 * LMDB has another layout, the value is filled through the map.
 */
static uint64_t file_offset(const struct store *s, const unsigned char *value, uint64_t bytes)
{
	uint64_t page;
	uint32_t count;
	uint16_t flags;
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	if ((uintptr_t)value % s->page != 16)
		return 0;
	memcpy(&page, value - 16, sizeof page);
	memcpy(&flags, value - 6, sizeof flags);
	memcpy(&count, value - 4, sizeof count);
	if (!(flags & 4) || count != (bytes + 16 + s->page - 1) / s->page || page < 2 ||
	    page + count > info.me_mapsize / s->page)
		return 0;
	return page * s->page + 16;
}

struct room *room_new(const struct entry *en, int is_state, void *dst, int staged)
{
	struct room *r = xcalloc(1, sizeof *r);

	*r = (struct room){.en = *en, .is_state = is_state, .dst = dst, .staged = staged};
	XXH64_reset(&r->sum, SUM_SEED);
	return r;
}

void room_open(struct room *r, const struct store *s)
{
	mdb_filehandle_t fd;

	mdb_env_get_fd(s->env, &fd);
	r->fd = fd;
	r->page = s->page;
	r->at = r->staged ? 0 : file_offset(s, r->dst, r->en.bytes);
}

void room_free(struct room *r)
{
	if (r->staged)
		free(r->dst);
	free(r->tail);
	free(r);
}

static int write_all(struct room *r, struct iovec *v, int n, struct err *e)
{
	uint64_t from = r->at / r->page * r->page;

	while (n) {
		ssize_t got = pwritev(r->fd, v, n, (off_t)r->at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(e, "%s: %s", r->en.name,
			               got ? strerror(errno) : "nothing can be written");
		r->at += (uint64_t)got;
		for (; n && (size_t)got >= v->iov_len; v++, n--)
			got -= (ssize_t)v->iov_len;
		if (n) {
			v->iov_base = (char *)v->iov_base + got;
			v->iov_len -= (size_t)got;
		}
	}
	/* this only starts writeback; errors are reported by the commit's sync */
	sync_file_range(r->fd, (off_t)from, (off_t)(r->at - from), SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* Writes whole pages to the file and keeps the rest for the next call; the value's last page is
 * padded with zeros. */
static int write_pages(struct room *r, const void *data, size_t n, struct err *e)
{
	static const unsigned char zeros[1 << 16];
	uint64_t end = r->at + r->n_tail + n;
	size_t rest = end % r->page, whole = n - rest;
	struct iovec v[3] = {
		{r->tail, r->n_tail}, {(void *)data, n}, {(void *)zeros, rest ? r->page - rest : 0}};

	if (r->done == r->en.bytes)
		return write_all(r, v, 3, e);
	if (!r->tail)
		r->tail = xmalloc(r->page);
	if (rest >= n) {             /* no whole page yet */
		memcpy(r->tail + r->n_tail, data, n);
		r->n_tail += n;
		return 0;
	}
	v[1].iov_len = whole;
	if (write_all(r, v, 2, e))
		return -1;
	memcpy(r->tail, (const char *)data + whole, rest);
	r->n_tail = rest;
	return 0;
}

int room_write(struct room *r, const void *data, size_t n, struct err *e)
{
	uint64_t before = r->done;

	if (n > r->en.bytes - r->done)
		return err_set(e, "%s: more was written than was reserved", r->en.name);
	if (!n)
		return 0;
	XXH64_update(&r->sum, data, n);
	r->done += n;
	if (r->at)
		return write_pages(r, data, n, e);
	memcpy((char *)r->dst + before, data, n);
	return 0;
}

void snap_soon(const struct snap *p, const struct tensor *t, uint64_t from, uint64_t n)
{
	const struct store *s = snap_store(p);
	uintptr_t at = ((uintptr_t)t->data + from) / s->page * s->page, end;

	if (t->bytes < s->small || from >= t->bytes)
		return;
	end = (uintptr_t)t->data + from + (n < t->bytes - from ? n : t->bytes - from);
	/* the kernel cuts a request to the device's maximum size */
	for (; at < end; at += MIB)
		if (madvise((void *)at, end - at < MIB ? end - at : MIB, MADV_WILLNEED))
			return;          /* then it is read on first use */
}

/* Affects only the value's own whole pages. */
void snap_used(const struct snap *p, const struct tensor *t)
{
	const struct store *s = snap_store(p);
	uint64_t at = t->bytes < s->small ? 0 : file_offset(s, t->data, t->bytes), page = s->page;
	uint64_t n = (t->bytes + 16 + page - 1) / page * page;
	mdb_filehandle_t fd;

	if (!at)
		return;
	mdb_env_get_fd(s->env, &fd);
	/* mapped pages stay in the cache, so unmap them first; they are read again if needed */
	if (!madvise((char *)t->data - 16, n, MADV_DONTNEED))
		posix_fadvise(fd, (off_t)(at - 16), (off_t)n, POSIX_FADV_DONTNEED);
}

const void *room_data(const struct room *r)
{
	return r->dst;
}
