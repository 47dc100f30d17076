/* SPDX-License-Identifier: MIT */
/* Errors and messages, memory, descriptors, growing buffers and whole files. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- errors and messages ---- */

int err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->msg];
	va_list ap;
	int n;

	if (!e)
		return -1;
	memcpy(old, e->msg, sizeof old);
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof e->msg)
		snprintf(e->msg + n, sizeof e->msg - n, "%s", old);
	return -1;
}

static const char *program = "score";

void prog_init(const char *argv0)
{
	const char *slash = argv0 ? strrchr(argv0, '/') : NULL;

	if (argv0)
		program = slash ? slash + 1 : argv0;
	/* If 0, 1 or 2 is closed, the next file opened would get its number, and records or
	 * messages would be written into it. The stand-ins fail as closed descriptors do: stdin
	 * cannot be read, stdout and stderr cannot be written. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(EXIT_ERROR);
}

const char *prog_name(void)
{
	return program;
}

/* Prints one line with a single write. Messages quote input, so terminal control characters become
 * '?'. */
static void message(const char *fmt, va_list ap)
{
	char text[2048];
	int n = snprintf(text, sizeof text - 1, "%s: ", program);

	if (n < 0 || (size_t)n >= sizeof text - 1)
		n = 0;
	vsnprintf(text + n, sizeof text - 1 - (size_t)n, fmt, ap);
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)     /* U+0080 to U+009F */
			p[0] = p[1] = '?';
	}
	strcat(text, "\n");
	fputs(text, stderr);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
}

void die(int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	exit(status);
}

/* ---- memory ---- */

static void *checked(void *p, size_t n)
{
	if (!p && n)
		die(EXIT_ERROR, "out of memory (%zu bytes)", n);
	return p;
}

void *xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1), n);
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1), n * size);
}

void *xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1), n);
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		die(EXIT_ERROR, "out of memory (%zu x %zu bytes)", n, size);
	return xrealloc(p, bytes);
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = 0;
	return p;
}

void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void close_from(int first)
{
	struct rlimit files;

	if (!syscall(SYS_close_range, first, ~0U, 0))
		return;
	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_max > 1 << 20)
		files.rlim_max = 1 << 20;
	for (int fd = first; fd < (int)files.rlim_max; fd++)
		close(fd);
}

int str_ends(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

void *xmemdup(const void *p, size_t n)
{
	void *q = xmalloc(n);

	if (n)
		memcpy(q, p, n);
	return q;
}

enum { HUGE_PAGE = 2 << 20 };

void *xaligned(size_t n)
{
	void *p = NULL;

	if (posix_memalign(&p, n < HUGE_PAGE ? 64 : HUGE_PAGE, n ? n : 1))
		p = NULL;
	checked(p, n ? n : 1);
	/* for fewer page faults and TLB misses; failure is harmless */
	if (n >= HUGE_PAGE)
		(void)madvise(p, n, MADV_HUGEPAGE);
	return p;
}

static size_t whole_pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return n ? (n + page - 1) / page * page : page;
}

void *pages_new(size_t n)
{
	size_t size = whole_pages(n), more = n < HUGE_PAGE ? 0 : HUGE_PAGE, before = 0;
	char *p = size < n || size + more < size ? MAP_FAILED :
	          mmap(NULL, size + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die(EXIT_ERROR, "out of memory (%zu bytes)", n);
	if (more) {                      /* trim to a huge-page boundary */
		before = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
		if (before)
			munmap(p, before);
		if (more > before)
			munmap(p + before + size, more - before);
		(void)madvise(p + before, size, MADV_HUGEPAGE);
	}
	return p + before;
}

void pages_free(void *p, size_t n)
{
	if (p)
		munmap(p, whole_pages(n));
}

void buf_grow(struct buf *b, size_t extra)
{
	size_t need;

	if (__builtin_add_overflow(b->len, extra, &need) || need == SIZE_MAX)
		die(EXIT_ERROR, "out of memory (buffer of %zu bytes)", b->len);
	need++;
	if (need <= b->cap)
		return;
	if (need < b->cap + b->cap / 2)
		need = b->cap + b->cap / 2;
	if (need < 64)
		need = 64;
	b->data = xrealloc(b->data, need);
	b->cap = need;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	buf_grow(b, n);
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = 0;
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	buf_grow(b, n);
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += n;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = 0;
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

/* ---- files ---- */

int file_read(const char *path, size_t cap, struct buf *out, struct err *e)
{
	int standard = !path || !strcmp(path, "-");
	const char *name = standard ? "<stdin>" : path;
	int fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return err_set(e, "%s: %s", name, strerror(errno));
	do {
		buf_grow(out, 65536);
		n = read(fd, out->data + out->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			out->len += n;
		if (out->len > cap) {
			err_set(e, "%s: larger than %zu bytes", name, cap);
			n = -2;
		}
	} while (n > 0);
	out->data[out->len] = 0;
	if (n == -1)
		err_set(e, "%s: %s", name, strerror(errno));
	if (!standard)
		close(fd);
	return n < 0 ? -1 : 0;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n > 1u << 30 ? 1u << 30 : n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		p += k;
		n -= k;
	}
	return 0;
}

int file_write(const char *path, const void *data, size_t n, struct err *e)
{
	struct buf tmp = {0};
	int fd, rc = -1;

	buf_addf(&tmp, "%s.tmp.%ld", path, (long)getpid());
	fd = open(tmp.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		err_set(e, "%s: %s", tmp.data, strerror(errno));
		goto out;
	}
	if (write_all(fd, data, n) || fsync(fd)) {
		err_set(e, "%s: %s", tmp.data, strerror(errno));
		close(fd);
		unlink(tmp.data);
		goto out;
	}
	if (close(fd) || rename(tmp.data, path)) {
		err_set(e, "%s: %s", path, strerror(errno));
		unlink(tmp.data);
		goto out;
	}
	rc = 0;
out:
	buf_release(&tmp);
	return rc;
}
