/* SPDX-License-Identifier: MIT */
/* Mapping files for reading, and making names from them safe to print. */
#include "import/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int map_open(const char *path, struct map *out, struct err *e)
{
	/* O_NONBLOCK: opening a fifo must not hang before fstat refuses it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = -1;
	struct stat st;
	void *p = NULL;

	*out = (struct map){0};
	if (fd < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st)) {
		err_set(e, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, "%s: not a regular file", path);
		goto out;
	}
	if (st.st_size) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			err_set(e, "%s: cannot map: %s", path, strerror(errno));
			goto out;
		}
	}
	*out = (struct map){.p = p, .n = (size_t)st.st_size, .path = xstrdup(path)};
	rc = 0;
out:
	close(fd);
	return rc;
}

void map_copy(const char *name, const void *p, size_t n, struct map *out)
{
	*out = (struct map){.p = n ? xmemdup(p, n) : NULL, .n = n, .path = xstrdup(name), .heap = 1};
}

void map_close(struct map *m)
{
	if (m->heap)
		free((void *)m->p);
	else if (m->p)
		munmap((void *)m->p, m->n);
	free(m->path);
	*m = (struct map){0};
}

struct label label(const void *p, size_t n)
{
	const unsigned char *s = p;
	struct label l;
	size_t k = n < sizeof l.s - 4 ? n : sizeof l.s - 4;

	for (size_t i = 0; i < k; i++)
		l.s[i] = (char)(s[i] < 32 || s[i] == 127 ? '?' : s[i]);
	strcpy(l.s + k, k < n ? "..." : "");
	return l;
}

/* Length of the well-formed character at p (RFC 3629: no surrogates, no overlong forms), 0 if
 * none. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
	size_t len = p[0] < 0x80   ? 1
	             : p[0] < 0xc2 ? 0
	             : p[0] < 0xe0 ? 2
	             : p[0] < 0xf0 ? 3
	             : p[0] < 0xf5 ? 4
	                           : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

int text_valid(const void *p, size_t n)
{
	const unsigned char *s = p;

	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_char(s + i, n - i);
		if (!len || !s[i])
			return 0;
	}
	return 1;
}
