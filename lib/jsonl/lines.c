/* SPDX-License-Identifier: MIT */
/* Reads lines of JSON, counting them; writes lines of JSON, flushing each. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jsonl/inside.h"

enum { CHUNK = 1 << 16 };

#define MAX_LINE ((size_t)256 << 20)

struct jl_in {
	int fd;
	char *name;
	struct buf bytes;            /* bytes read; those from `from` on are not consumed yet */
	size_t from, seen;           /* no newline in [from, seen) */
	size_t line;
	int ended;
	/* of a regular file: bytes from where reading began (else 0), and bytes consumed */
	double size, given;
};

struct jl_in *jl_take(int fd, const char *name)
{
	struct jl_in *in = xcalloc(1, sizeof *in);
	struct stat st;
	off_t at;

	in->fd = fd;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (at = lseek(fd, 0, SEEK_CUR)) >= 0)
		in->size = (double)(st.st_size - at);
	in->name = xstrdup(name);
	return in;
}

int jl_open(const char *path, struct jl_in **out, struct err *e)
{
	int standard = !path || !strcmp(path, "-");
	int fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);

	*out = NULL;
	if (fd < 0)
		return err_set(e, "%s: %s", path, strerror(errno));
	*out = jl_take(fd, standard ? "<stdin>" : path);
	return 0;
}

/* Reads more bytes after those in the buffer, discarding consumed ones first. */
static int more(struct jl_in *in, struct err *e)
{
	ssize_t n;

	if (in->from) {
		in->bytes.len -= in->from;
		in->seen -= in->from;
		memmove(in->bytes.data, in->bytes.data + in->from, in->bytes.len);
		in->from = 0;
	}
	if (in->bytes.len > MAX_LINE)
		return err_set(e, "%s:%zu: line longer than %zu MiB", in->name, in->line + 1,
		               MAX_LINE >> 20);
	buf_grow(&in->bytes, CHUNK);
	do
		n = read(in->fd, in->bytes.data + in->bytes.len, CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(e, "%s: %s", in->name, strerror(errno));
	in->bytes.len += (size_t)n;
	in->ended = n == 0;
	return 0;
}

/* The next line without its newline, borrowed until the next call. 1: line, 0: end, -1: error. */
static int next_line(struct jl_in *in, const char **text, size_t *n, struct err *e)
{
	for (;;) {
		char *base = in->bytes.data, *end = NULL;

		if (in->seen < in->bytes.len)
			end = memchr(base + in->seen, '\n', in->bytes.len - in->seen);
		if (end || (in->ended && in->from < in->bytes.len)) {
			*text = base + in->from;
			*n = end ? (size_t)(end - *text) : in->bytes.len - in->from;
			in->from += *n + (end != NULL);
			in->given += (double)(*n + (end != NULL));
			in->seen = in->from;
			in->line++;
			return 1;
		}
		if (in->ended)
			return 0;
		in->seen = in->bytes.len;
		if (more(in, e))
			return -1;
	}
}

static int blank(const char *s, size_t n)
{
	while (n && (*s == ' ' || *s == '\t' || *s == '\r')) {
		s++;
		n--;
	}
	return !n;
}

/* Adds to the error what a line that is not JSON may be instead. */
static void explain(const struct jl_in *in, const char *text, size_t n, struct err *e)
{
	const char *what = in->line == 1 ? bytes_are(text, n) : NULL;
	struct err was = *e;

	while (n && blank(text + n - 1, 1))
		n--;
	if (what)
		err_set(e, "expected JSON, got %s", what);
	else if (n && strchr("{[,", text[n - 1]))
		err_set(e, "%s (a record is one line; jq -c . makes lines of JSON spread over several)",
		        was.msg);
}

int jl_read(struct jl_in *in, struct js *out, struct err *e)
{
	const char *text;
	size_t n;
	int rc;

	*out = js_none();
	do {
		rc = next_line(in, &text, &n, e);
		if (rc <= 0)
			return rc;
	} while (blank(text, n));
	if (js_parse(text, n, out, e)) {
		explain(in, text, n, e);
		return jl_where(in, e);
	}
	if (js_kind(*out) != JS_OBJECT) {
		err_set(e, "expected an object, got %s", js_kind_name(js_kind(*out)));
		js_free(*out);
		*out = js_none();
		return jl_where(in, e);
	}
	return 1;
}

int jl_ready(struct jl_in *in)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};
	struct err e;

	for (;;) {
		if (in->ended || (in->seen < in->bytes.len &&
		    memchr(in->bytes.data + in->seen, '\n', in->bytes.len - in->seen)))
			return 1;
		in->seen = in->bytes.len;
		if (poll(&p, 1, 0) <= 0)
			return 0;
		if (more(in, &e))
			return 1;               /* jl_read will report the error */
	}
}

int jl_fd(const struct jl_in *in)
{
	return in->fd;
}

double jl_share(const struct jl_in *in)
{
	return in->size > 0 && in->given < in->size ? in->given / in->size : 0;
}

size_t jl_line(const struct jl_in *in)
{
	return in->line;
}

const char *jl_name(const struct jl_in *in)
{
	return in->name;
}

int jl_where(const struct jl_in *in, struct err *e)
{
	return err_prefix(e, "%s:%zu: ", in->name, in->line);
}

void jl_close(struct jl_in *in)
{
	if (!in)
		return;
	if (in->fd > 0)
		close(in->fd);
	free(in->name);
	buf_release(&in->bytes);
	free(in);
}

/* ---- output ---- */

int jl_write(struct js v, struct err *e)
{
	struct buf b = {0};
	int rc = js_print(v, &b, e);

	if (!rc) {
		buf_addc(&b, '\n');
		errno = 0;
		if (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout))
			rc = err_set(e, "<stdout>: %s", errno ? strerror(errno) : "cannot write");
	}
	buf_release(&b);
	return rc;
}

int jl_finish(struct err *e)
{
	int failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout) || failed || fclose(stdout))
		return err_set(e, "<stdout>: %s", errno ? strerror(errno) : "cannot write");
	return 0;
}

int jl_exit(int rc, struct err *e)
{
	struct err late;

	if (jl_finish(rc ? &late : e) || rc)
		die(EXIT_ERROR, "%s", e->msg);
	return EXIT_DONE;
}
