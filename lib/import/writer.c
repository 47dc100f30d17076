/* SPDX-License-Identifier: MIT */
/* Writes a file to a temporary name and renames it once complete. */
#include "import/writer.h"

#include "import/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int writer_open(struct writer *w, const char *path, struct err *e)
{
	struct buf tmp = {0};

	*w = (struct writer){.path = xstrdup(path)};
	buf_addf(&tmp, "%s.tmp.%ld", path, (long)getpid());
	w->tmp = tmp.data;
	w->f = fopen(w->tmp, "wbxe");
	if (w->f)
		return 0;
	err_set(e, "%s: %s", w->tmp, strerror(errno));
	free(w->path);
	free(w->tmp);
	*w = (struct writer){0};
	return -1;
}

void writer_add(struct writer *w, const void *p, size_t n)
{
	if (!w->failed && n && fwrite(p, 1, n, w->f) != n)
		w->failed = errno ? errno : EIO;
	w->at += n;
}

void writer_u32(struct writer *w, uint32_t x)
{
	unsigned char p[4] = {x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24};

	writer_add(w, p, sizeof p);
}

void writer_u64(struct writer *w, uint64_t x)
{
	writer_u32(w, (uint32_t)x);
	writer_u32(w, (uint32_t)(x >> 32));
}

void writer_pad(struct writer *w, size_t align)
{
	while (w->at % align)
		writer_add(w, "", 1);
}

enum { CHUNK = 2048 };

void writer_bf16(struct writer *w, const uint16_t *p, size_t n)
{
	unsigned char out[2 * CHUNK];

	for (size_t i = 0, k; i < n; i += k) {
		for (k = 0; k < CHUNK && i + k < n; k++) {
			out[2 * k] = p[i + k] & 255;
			out[2 * k + 1] = p[i + k] >> 8;
		}
		writer_add(w, out, 2 * k);
	}
}

void writer_f32(struct writer *w, const uint16_t *p, size_t n, float add)
{
	for (size_t i = 0; i < n; i++) {
		float x = f32_of_bits((uint32_t)p[i] << 16);

		writer_u32(w, bits_of_f32(add != 0 ? x + add : x));
	}
}

int writer_finish(struct writer *w, struct err *e)
{
	int rc = 0;

	errno = 0;
	if (!w->failed && (fflush(w->f) || fsync(fileno(w->f))))
		w->failed = errno ? errno : EIO;
	if (fclose(w->f) && !w->failed)
		w->failed = errno ? errno : EIO;
	if (!w->failed && rename(w->tmp, w->path))
		w->failed = errno;
	if (w->failed) {
		rc = err_set(e, "%s: %s", w->path, strerror(w->failed));
		unlink(w->tmp);
	}
	free(w->path);
	free(w->tmp);
	*w = (struct writer){0};
	return rc;
}

void writer_abort(struct writer *w)
{
	fclose(w->f);
	unlink(w->tmp);
	free(w->path);
	free(w->tmp);
	*w = (struct writer){0};
}
