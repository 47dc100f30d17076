/* SPDX-License-Identifier: MIT */
/* store: values written piece by piece, by several threads. */
#include "unit/store_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev/dev.h"

/* Writes value i of step s in pieces whose sizes go from 1 byte to a few pages. */
static int write_pieces(struct room *r, size_t bytes, uint64_t i, uint64_t s)
{
	unsigned char *all = xmalloc(bytes);
	int rc = 0;

	fill(all, bytes, i, s);
	for (size_t at = 0, n = 1; at < bytes && !rc; at += n, n = (n * 5 + i) % 20000 + 1) {
		n = n < bytes - at ? n : bytes - at;
		rc = room_write(r, all + at, n, &e);
	}
	free(all);
	return rc;
}

/* Sizes about those of pages and of what is staged. */
static const size_t sizes[] = {2,    2046, 2048, 4078, 4080,   4082,    4096,
                               8174, 8176, 8178, 8192, 100000, 1 << 20, 3000002};

struct pieces {
	struct room *w[LEN(sizes)], *m[LEN(sizes)];
	uint64_t s;
	_Atomic int same;
};

static void one_room(void *ctx, size_t i, size_t thread)
{
	struct pieces *p = ctx;

	(void)thread;
	p->same += !write_pieces(p->w[i], sizes[i], i, p->s / 2) &&
	           !write_pieces(p->m[i], sizes[i], 50 + i, p->s) &&
	           filled(room_data(p->w[i]), sizes[i], i, p->s / 2);
}

static int step_in_pieces(struct store *st, int64_t s)
{
	struct pieces p = {.s = (uint64_t)s};
	struct commit *c;
	char name[32];
	uint64_t written;
	int rc = 0, same = 0;

	if (commit_begin(st, s, 9 << 20, &c, &e))
		return -1;
	for (size_t i = 0; i < LEN(sizes) && !rc; i++) {
		snprintf(name, sizeof name, "p%zu", i);
		rc = commit_tensor_room(c, name, DT_BF16, 1, (uint64_t[2]){sizes[i] / 2, 1}, &p.w[i], &e);
		snprintf(name, sizeof name, "m/p%zu", i);
		rc = rc || commit_state_room(c, name, sizes[i], &p.m[i], &e);
	}
	if (!rc)
		dev_each(one_room, &p, LEN(sizes));
	rc = rc || p.same != LEN(sizes) || commit_written(c, &written, &e);
	for (size_t i = 0; i < LEN(sizes); i++)
		/* every other step has the parent's weights */
		same += (int)(s % 2 ? sizes[i] : 2 * sizes[i]);
	rc = rc || written != (uint64_t)same;
	if (rc) {
		commit_abort(c);
		return -1;
	}
	return commit_finish(c, "{}", 1, &e);
}

static size_t holds_pieces(struct store *st, int64_t s)
{
	struct snap *p;
	struct tensor t;
	char name[32];
	size_t right = 0;

	if (snap_open(st, NULL, &p, &e))
		return 0;
	for (size_t i = 0; i < LEN(sizes); i++) {
		snprintf(name, sizeof name, "m/p%zu", i);
		if (snap_tensor(p, name + 2, &t, &e) || t.bytes != sizes[i] ||
		    !filled(t.data, t.bytes, i, (uint64_t)s / 2) || snap_state(p, name, &t, &e) != 1 ||
		    !filled(t.data, t.bytes, 50 + i, (uint64_t)s))
			continue;
		/* out of memory, and in again */
		snap_used(p, &t);
		snap_soon(p, &t, 1, t.bytes);
		right += filled(t.data, t.bytes, 50 + i, (uint64_t)s);
	}
	snap_close(p);
	return right;
}

static void pieces(const char *dir)
{
	struct store *st;
	struct commit *c;
	struct room *r, *other;
	size_t right = 0, good = 0;
	void *dst;

	ok(!store_open(dir, STORE_CREATE, &st, &e), "create");
	for (int64_t s = 0; s < 6; s++) {
		good += !step_in_pieces(st, s) && sound(st);
		right += holds_pieces(st, s);
	}
	ok(good == 6 && right == 6 * LEN(sizes),
	   "values written in pieces, by three threads: %zu %zu %s", good, right, e.msg);
	ok(!commit_begin(st, 6, 1 << 20, &c, &e) && !commit_state_room(c, "m/p5", 10000, &r, &e)
	   && !commit_tensor_room(c, "p5", DT_F32, 1, (uint64_t[2]){2500, 1}, &other, &e), "begin");
	ok(commit_state_room(c, "m/p5", 10000, &other, &e) == -1 && says("twice"), "state given twice");
	ok(room_write(r, sizes, 10001, &e) == -1 && says("more"), "more than there is room for");
	ok(commit_state(c, "m/p6", 10, &dst, &e) == -1 && says("0 bytes were written"),
	   "a room that is not full");
	ok(commit_finish(c, "{}", 1, &e) == -1 && says("failed already"), "ends the commit");
	ok(sound(st) && holds_pieces(st, 5) == LEN(sizes), "and nothing has changed");
	ok(!commit_begin(st, 6, 1 << 20, &c, &e) && !commit_state_room(c, "m/p12", 1 << 20, &r, &e)
	   && !write_pieces(r, 1 << 20, 77, 77), "a commit");
	commit_abort(c);
	ok(sound(st) && holds_pieces(st, 5) == LEN(sizes), "given up: nothing has changed");
	store_close(st);
}

int main(void)
{
	char root[] = "/tmp/score-room-XXXXXX", dir[64], cmd[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (dev_init(DEVICE_CPU, 3, &e) || !mkdtemp(root)) {
		perror(root);
		return 1;
	}
	snprintf(dir, sizeof dir, "%s/w.lmdb", root);
	pieces(dir);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", root);
	if (system(cmd))
		diag("could not remove %s", root);
	return done();
}
