/* SPDX-License-Identifier: MIT */
/*
 * A fuzz test is one function over hostile bytes:
 *
 *     int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
 *
 * For libFuzzer, compile with -DLIBFUZZER (main is its own then). As part of the
 * suite, main calls fuzz_run: the corpus is replayed, then mutated in the same way on
 * every run. What goes wrong ends the process (a sanitizer, or fuzz_check).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The input at hand, written out when a check fails. */
static const uint8_t *fuzz_data;
static size_t fuzz_size;

__attribute__((unused))
static void fuzz_check(int condition, const char *what)
{
	if (condition)
		return;
	printf("not ok - %s; the input:\n# ", what);
	for (size_t i = 0; i < fuzz_size; i++)
		printf(fuzz_data[i] >= ' ' && fuzz_data[i] < 127 ? "%c" : "\\x%02x", fuzz_data[i]);
	putchar('\n');
	fflush(stdout);
	abort();
}

#ifndef LIBFUZZER

static size_t fuzz_pick(const struct rng *r, uint64_t *at, size_t n)
{
	return n ? (size_t)rng_below(r, (*at)++, n) : 0;
}

/* One change: bytes flipped, a token or a piece of another seed put in, a range cut or doubled. */
static void fuzz_mutate(const struct rng *r, uint64_t *at, struct buf *b, const struct buf *other,
                        const char *const *tokens, size_t n_tokens)
{
	size_t from = fuzz_pick(r, at, b->len + 1), len, room = b->len - from;
	struct buf tail = {0};

	switch (fuzz_pick(r, at, 6)) {
	case 0:
		if (room)
			b->data[from] ^= (char)(1 << fuzz_pick(r, at, 8));
		return;
	case 1:
		if (room)
			b->data[from] = (char)fuzz_pick(r, at, 256);
		return;
	case 2:     /* cut, mostly a little */
		len = fuzz_pick(r, at, fuzz_pick(r, at, 4) ? (room < 8 ? room : 8) + 1 : room + 1);
		memmove(b->data + from, b->data + from + len, room - len);
		b->len -= len;
		return;
	}
	buf_add(&tail, b->data + from, room);
	b->len = from;
	switch (fuzz_pick(r, at, 3)) {
	case 0:
		if (n_tokens) {
			const char *t = tokens[fuzz_pick(r, at, n_tokens)];

			buf_add(b, t, strlen(t));
		}
		break;
	case 1:
		len = fuzz_pick(r, at, room + 1);
		buf_add(b, tail.data, len);
		break;
	case 2:
		len = fuzz_pick(r, at, other->len + 1);
		buf_add(b, other->data + len, fuzz_pick(r, at, other->len - len + 1));
		break;
	}
	buf_add(b, tail.data, tail.len);
	buf_release(&tail);
}

/* Replays every file of the folder, then `rounds` mutations of them (at most max_size bytes). */
__attribute__((unused)) static void fuzz_run(const char *folder, size_t rounds, size_t max_size,
                                             const char *const *tokens, size_t n_tokens)
{
	struct dirent **names;
	struct buf *seeds = NULL, b = {0};
	struct rng r = rng_stream(1, "fuzz", 0, folder, 0, 0);
	uint64_t at = 0;
	size_t n = 0, cap = 0;
	struct err e;
	int found = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < found; i++) {
		struct buf path = {0};

		buf_addf(&path, "%s/%s", folder, names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			VEC_PUSH(seeds, n, cap) = (struct buf){0};
			if (file_read(path.data, 1 << 20, &seeds[n - 1], &e))
				diag("%s", e.msg);
		}
		buf_release(&path);
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	if (!ok(n > 0, "%s has %zu files", folder, n))
		return;
	for (size_t i = 0; i < n + rounds; i++) {
		const struct buf *seed = &seeds[i < n ? i : fuzz_pick(&r, &at, n)];
		size_t changes = i < n ? 0 : 1 + fuzz_pick(&r, &at, 6);
		char *exact;

		buf_clear(&b);
		buf_add(&b, seed->data, seed->len);
		while (changes--)
			fuzz_mutate(&r, &at, &b, &seeds[fuzz_pick(&r, &at, n)], tokens, n_tokens);
		if (i >= n && b.len > max_size)
			b.len = max_size;
		/* no byte behind the last one: reading on is a sanitizer's catch */
		exact = xmemdup(b.data, b.len);
		fuzz_data = (uint8_t *)exact;
		fuzz_size = b.len;
		LLVMFuzzerTestOneInput(fuzz_data, fuzz_size);
		free(exact);
	}
	ok(1, "%zu files and %zu mutations of them", n, rounds);
	for (size_t i = 0; i < n; i++)
		buf_release(&seeds[i]);
	free(seeds);
	buf_release(&b);
}

#endif
#endif
