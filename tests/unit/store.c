/* SPDX-License-Identifier: MIT */
/* store: commits, sharing, pruning, tags, a second writer, damage. */
#include "unit/store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Before 0.9.25 LMDB forgets a list at the end of a transaction with values above 256 MB (its
 * ITS#9155). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:mdb_midl_alloc\n";
}

static char root[64];

static char *in_root(const char *name)
{
	static char path[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
	return path[turn];
}

/* Sizes on both sides of a page's half, of a page, and large; an odd one. */
static const uint64_t rows[] = {1, 24, 1021, 1024, 2040, 2041, 100000};

/* Commits step s; tensors with (change >> i & 1) get that step's values. */
static int step(struct store *st, int64_t s, unsigned change, int keep)
{
	struct commit *c;
	char name[32], meta[64];
	void *p;

	if (commit_begin(st, s, 4096, &c, &e))
		return -1;
	for (size_t i = 0; i < LEN(rows); i++) {
		if (!(change >> i & 1))
			continue;
		snprintf(name, sizeof name, "t%zu.weight", i);
		if (commit_tensor(c, name, DT_BF16, 2, (uint64_t[2]){rows[i], 1}, &p, &e))
			goto fail;
		fill(p, rows[i] * 2, i, (uint64_t)s);
		snprintf(name, sizeof name, "m/t%zu.weight", i);
		if (commit_state(c, name, rows[i] * 4, &p, &e))
			goto fail;
		fill(p, rows[i] * 4, i + 100, (uint64_t)s);
	}
	snprintf(meta, sizeof meta, "{\"n\":%d}", (int)s);
	if (commit_metrics(c, meta, &e))
		goto fail;
	snprintf(meta, sizeof meta, "{\"objective\":\"pg\"}");
	return commit_finish(c, meta, keep, &e);
fail:
	commit_abort(c);
	return -1;
}

/* Does snapshot ref hold tensor i as step s wrote it? */
static int holds_step(struct store *st, const char *ref, size_t i, uint64_t s)
{
	struct snap *p;
	struct tensor t;
	char name[32];
	int right;

	snprintf(name, sizeof name, "t%zu.weight", i);
	if (snap_open(st, ref, &p, &e))
		return 0;
	right = !snap_tensor(p, name, &t, &e) && t.bytes == rows[i] * 2 && t.dtype == DT_BF16 &&
	        t.rank == 2 && t.shape[0] == rows[i] && t.shape[1] == 1 && !((uintptr_t)t.data % 16) &&
	        !strcmp(t.name, name) && filled(t.data, t.bytes, i, s);
	snap_close(p);
	return right;
}

enum { ALL = (1 << LEN(rows)) - 1 };

static void checksum(void)
{
	static const struct {
		const char *text;
		uint64_t sum;
	} known[] = {
		{"", 0xef46db3751d8e999u}, {"a", 0xd24ec4f1a98c6e5bu}, {"abc", 0x44bc2cf5ad770999u},
		{"Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1u},
	};

	for (size_t i = 0; i < LEN(known); i++)
		ok(XXH64(known[i].text, strlen(known[i].text), SUM_SEED) == known[i].sum, "XXH64 of '%s'",
		   known[i].text);
}

static void basics(void)
{
	char *dir = in_root("basics");
	struct store *st;
	struct snap *p;
	struct tensor t;
	struct commit *c;
	struct buf b = {0};
	size_t right = 0;
	void *room;

	ok(store_open(dir, STORE_READ, &st, &e) == -1 && says("no store there"), "nothing to open");
	ok(store_open(dir, STORE_WRITE, &st, &e) == -1, "nothing to write");
	if (!ok(!store_open(dir, STORE_CREATE, &st, &e), "create"))
		diag("%s", e.msg);
	ok(snap_open(st, NULL, &p, &e) == -1 && says("no snapshot yet"),
	   "an empty store has no latest");
	ok(!commit_begin(st, 0, 100, &c, &e) && !commit_doc(c, "config", "width 3\n", 8, &e)
	   && !commit_doc(c, "nothing", "", 0, &e), "documents");
	ok(commit_doc(c, ".state", "", 0, &e) == -1 && says("own"),
	   "the store's own documents are its own");
	commit_abort(c);
	ok(store_doc(st, "config", &b, &e) == -1 && says("'config'"),
	   "an aborted commit leaves nothing");
	ok(!step(st, 0, ALL, 0), "step 0");
	for (size_t i = 0; i < LEN(rows); i++)
		right +=
		    holds_step(st, NULL, i, 0) && holds_step(st, "base", i, 0) && holds_step(st, "0", i, 0);
	ok(right == LEN(rows), "all tensors, by latest, base and 0: %zu", right);
	ok(!snap_open(st, NULL, &p, &e) && !strcmp(snap_meta(p), "{\"step\":0,\"objective\":\"pg\"}"),
	   "its description begins with the step");
	ok(snap_count(p) == LEN(rows) && !snap_at(p, 3, &t, &e) && !strcmp(t.name, "t3.weight"),
	   "in name order");
	ok(snap_at(p, LEN(rows), &t, &e) == -1 && snap_tensor(p, "nope", &t, &e) == -1 &&
	       says("'nope'"),
	   "no such tensor");
	ok(snap_state(p, "m/t6.weight", &t, &e) == 1 && t.bytes == 400000 &&
	       filled(t.data, t.bytes, 106, 0),
	   "state, large");
	ok(snap_state(p, "m/t0.weight", &t, &e) == 1 && t.bytes == 4 && filled(t.data, t.bytes, 100, 0),
	   "state, small");
	ok(!snap_state(p, "train", &t, &e), "absent state");
	ok(commit_begin(st, 1, 0, &c, &e) == -1 && says("close the snapshots"),
	   "no commit begins over an open snapshot");
	snap_close(p);

	ok(step(st, 0, ALL, 0) == -1 && says("cannot follow step 0"), "a step twice");
	ok(!commit_begin(st, 1, 100, &c, &e), "begin step 1");
	ok(!snap_open(st, NULL, &p, &e) && snap_step(p) == 0, "a snapshot opens during a commit");
	ok(snap_state(p, "m/t6.weight", &t, &e) == 1 &&
	       !commit_state(c, "m/t6.weight", t.bytes, &room, &e),
	   "old state to read, new to write");
	fill(room, t.bytes, 1, 2);
	ok(filled(t.data, t.bytes, 106, 0), "the old is as it was");
	ok(commit_state(c, "m/t6.weight", 8, &room, &e) == -1 && says("twice"), "state given twice");
	ok(!commit_drop_state(c, "m/t5", &e), "state dropped");
	ok(!commit_doc(c, "config", "width 4\n", 8, &e), "a document");
	ok(!commit_finish(c, "{ }", 0, &e), "finish");
	snap_close(p);
	ok(!store_doc(st, "config", &b, &e) && b.len == 8 && !memcmp(b.data, "width 4\n", 8),
	   "the document is there");
	ok(!snap_open(st, "latest", &p, &e) && !strcmp(snap_meta(p), "{\"step\":1 }"),
	   "an empty description");
	ok(snap_state(p, "m/t6.weight", &t, &e) == 1 && filled(t.data, t.bytes, 1, 2), "new state");
	ok(snap_state(p, "m/t5.weight", &t, &e) == 0 && snap_state(p, "m/t4.weight", &t, &e) == 1,
	   "dropped state is gone, other state stays");
	snap_close(p);
	ok(!snap_open(st, "0", &p, &e) && snap_state(p, "m/t6.weight", &t, &e) == -1 &&
	       says("not the latest"),
	   "state is the latest step's");
	snap_close(p);
	ok(snap_open(st, "7", &p, &e) == -1 && says("there are 0, 1; base=0"),
	   "an unknown step lists what there is");
	ok(snap_open(st, "best", &p, &e) == -1 && says("'best'"), "an unknown tag");
	ok(snap_open(st, "", &p, &e) == -1, "an empty name");
	ok(sound(st), "fsck");
	store_close(st);
	ok(store_open(dir, STORE_CREATE, &st, &e) == -1 && says("a store already"),
	   "create refuses a store");
	buf_release(&b);
}

static void bad_calls(void)
{
	struct store *st;
	struct commit *c;
	void *p;
	uint64_t one[2] = {1, 1}, huge[2] = {1 << 20, 1 << 12}, odd[2] = {0, 1};
	char name[100];
	static const char *const metas[] = {
		"",          "x", "{", "{}\n", "{\"a\":1}\n{}", "{\"step\":3}", "{\"a\":1,\"step\":3}",
		"{\"a\":\"}"};

	if (!ok(!store_open(in_root("bad"), STORE_CREATE, &st, &e), "create"))
		return;
	ok(commit_begin(st, -1, 0, &c, &e) == -1, "a negative step");
	ok(!commit_begin(st, 0, 0, &c, &e), "begin");
	ok(commit_begin(st, 0, 0, &c, &e) == -1 && says("under way"), "one commit at a time");
	/* closing the store aborts the first */
	store_close(st);
	ok(!store_open(in_root("bad"), STORE_CREATE, &st, &e),
	   "a store without a snapshot may be made again");
	ok(!commit_begin(st, 0, 0, &c, &e), "begin");
	memset(name, 'n', sizeof name);
	name[96] = 0;
	ok(commit_tensor(c, name, DT_F32, 1, one, &p, &e) == -1 && says("1 to 95"), "a long name");
	name[95] = 0;
	ok(!commit_tensor(c, name, DT_F32, 1, one, &p, &e), "a name of 95 bytes");
	memset(p, 0, 4);
	ok(commit_tensor(c, "a b", DT_F32, 1, one, &p, &e) == -1 && says("0x20"),
	   "a name with a space");
	ok(commit_tensor(c, "", DT_F32, 1, one, &p, &e) == -1, "no name");
	ok(commit_tensor(c, "x", DT_F32, 2, huge, &p, &e) == -1 && says("4 GiB"), "a value of 16 GiB");
	ok(commit_tensor(c, "x", DT_F32, 2, odd, &p, &e) == -1 && says("shape"), "no rows");
	ok(commit_tensor(c, "x", 3, 1, one, &p, &e) == -1, "no such type");
	ok(!commit_finish(c, "{\"a\":{\"step\":3},\"b\":\"\\\"step\\\":1\"}", 1, &e), "finish");
	for (size_t i = 0; i < LEN(metas); i++)
		ok(!commit_begin(st, 1, 0, &c, &e) && commit_finish(c, metas[i], 1, &e) == -1,
		   "bad description %zu is refused", i);
	ok(sound(st), "fsck");
	store_close(st);
}

static int count_row(const char *json, void *data)
{
	buf_addf(data, "%s ", json);
	return 0;
}

static void sharing(void)
{
	struct store *st;
	struct snap_info *list;
	struct buf b = {0};
	size_t n, right = 0;
	uint64_t total = 0, freed = 99;

	for (size_t i = 0; i < LEN(rows); i++)
		total += rows[i] * 2;
	if (!ok(!store_open(in_root("sharing"), STORE_CREATE, &st, &e), "create"))
		return;
	ok(!step(st, 0, ALL, 0) && !step(st, 1, 1 << 3, 0) && !step(st, 2, 1 << 3 | 1 << 6, 0),
	   "three steps");
	ok(!store_list(st, &list, &n, &e) && n == 3, "three snapshots");
	ok(list[0].bytes == total && list[1].bytes == 2048 && list[2].bytes == 2048 + 200000,
	   "bytes first written by each");
	ok(!strcmp(list[0].tags, "base") && !strcmp(list[1].tags, "") &&
	       !strcmp(list[1].meta, "{\"step\":1,\"objective\":\"pg\"}"),
	   "tags, meta");
	snap_list_free(list, n);
	for (size_t i = 0; i < LEN(rows); i++)
		right += holds_step(st, "0", i, 0) && holds_step(st, "1", i, i == 3 ? 1 : 0)
		         && holds_step(st, "2", i, i == 3 || i == 6 ? 2 : 0);
	ok(right == LEN(rows), "each snapshot has its own values: %zu", right);

	ok(!store_tag(st, "mid", "1", &e) && !store_tag(st, "top", NULL, &e) == 0,
	   "a tag; removing none is an error");
	ok(!step(st, 3, 1 << 0, 2), "step 3 keeps two: 2 and 3, and the tagged");
	ok(!store_list(st, &list, &n, &e) && n == 4, "nothing to prune yet");
	snap_list_free(list, n);
	ok(!step(st, 4, 1 << 6, 2), "step 4");
	ok(!store_list(st, &list, &n, &e) && n == 4 && list[0].step == 0 && list[1].step == 1 &&
	       list[2].step == 3,
	   "step 2 is pruned");
	snap_list_free(list, n);
	ok(holds_step(st, "3", 6, 2) && holds_step(st, "3", 3, 2) && holds_step(st, "mid", 3, 1) &&
	       holds_step(st, "4", 6, 4) && holds_step(st, "4", 0, 3),
	   "what was first written by the pruned step lives on where it is named");
	ok(sound(st), "fsck after pruning");
	ok(!step(st, 5, 0, 2), "a step that changes nothing");
	ok(!step(st, 6, 1 << 3, 1) && !store_list(st, &list, &n, &e) && n == 3, "keep one: 0, 1, 6");
	snap_list_free(list, n);
	ok(sound(st), "fsck: no orphans");
	ok(!store_tag(st, "base", "6", &e) && !store_tag(st, "mid", NULL, &e),
	   "move base, remove the tag");
	ok(!store_gc(st, 1, &freed, &e) && freed == 2 * rows[0] + 2048 + 200000 + 2048,
	   "gc frees what only 0 and 1 held: t0 t3 t6 of 0, t3 of 1");
	ok(!store_list(st, &list, &n, &e) && n == 1 && list[0].step == 6, "one is left");
	snap_list_free(list, n);
	ok(!store_gc(st, 0, &freed, &e) && freed == 0, "nothing more to free");
	for (size_t i = right = 0; i < LEN(rows); i++)
		right += holds_step(st, "base", i, i == 3 ? 6 : i == 6 ? 4 : i == 0 ? 3 : 0);
	ok(right == LEN(rows) && sound(st), "all of it is there: %zu", right);

	ok(!store_metrics(st, 1, 3, count_row, &b, &e) &&
	       !strcmp(b.data, "{\"n\":1} {\"n\":2} {\"n\":3} "),
	   "metrics rows outlive snapshots");
	buf_release(&b);
	store_close(st);
}

/* Writing the same bytes again shares the parent's tensor. */
static void equal_bytes(void)
{
	struct store *st;
	struct commit *c;
	struct snap_info *list;
	size_t n;
	void *p;

	if (!ok(!store_open(in_root("equal"), STORE_CREATE, &st, &e) && !step(st, 0, ALL, 0), "create"))
		return;
	if (!ok(!commit_begin(st, 1, 0, &c, &e), "begin"))
		return;
	for (size_t i = 0; i < LEN(rows); i++) {
		char name[32];

		snprintf(name, sizeof name, "t%zu.weight", i);
		if (commit_tensor(c, name, DT_BF16, 2, (uint64_t[2]){rows[i], 1}, &p, &e))
			diag("%s", e.msg);
		fill(p, rows[i] * 2, i, i == 4 ? 1 : 0);
	}
	ok(!commit_finish(c, "{}", 0, &e), "step 1 writes all, changes one");
	ok(!store_list(st, &list, &n, &e) && n == 2 && list[1].bytes == 4080, "one tensor is new");
	snap_list_free(list, n);
	ok(holds_step(st, "1", 4, 1) && holds_step(st, "1", 6, 0) && holds_step(st, "0", 4, 0) &&
	       sound(st),
	   "and all read right");
	store_close(st);
}

static void tags(void)
{
	static const char *const bad[] = {"",    "latest", "1st",    "-x",
	                                  "a b", "a/b",    ".state", "\xc3\xa9"};
	struct store *st;

	if (!ok(!store_open(in_root("tags"), STORE_CREATE, &st, &e) && !step(st, 0, ALL, 0) &&
	            !step(st, 1, 1, 0),
	        "create"))
		return;
	for (size_t i = 0; i < LEN(bad); i++)
		ok(store_tag(st, bad[i], "0", &e) == -1, "tag '%s' is refused", bad[i]);
	ok(store_tag(st, "x", "5", &e) == -1 && says("'5'"), "a tag to nowhere");
	ok(store_tag(st, "base", NULL, &e) == -1 && says("moved, not removed"), "base stays");
	ok(!store_tag(st, "x", "base", &e) && holds_step(st, "x", 0, 0) &&
	       !store_tag(st, "x", "latest", &e) && holds_step(st, "x", 0, 1),
	   "a tag moves");
	store_close(st);
	ok(!store_open(in_root("tags"), STORE_READ, &st, &e) && store_tag(st, "x", "0", &e) == -1 &&
	       says("for reading"),
	   "a reader sets no tag");
	store_close(st);
}

static void writers(void)
{
	char *dir = in_root("writers"), pid[32];
	struct store *st, *second;
	struct snap *p;
	int ready[2], go[2], status;
	char c;
	pid_t child;

	if (!ok(!store_open(dir, STORE_CREATE, &st, &e) && !step(st, 0, ALL, 0), "create"))
		return;
	store_close(st);
	if (pipe(ready) || pipe(go))
		return;
	fflush(stdout);
	child = fork();
	if (!child) {
		if (store_open(dir, STORE_WRITE, &st, &e) || write(ready[1], "x", 1) != 1 ||
		    read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(step(st, 1, 2, 0) ? 1 : 0);        /* ends without closing the store */
	}
	ok(read(ready[0], &c, 1) == 1, "another process writes");
	snprintf(pid, sizeof pid, "pid %ld", (long)child);
	ok(store_open(dir, STORE_WRITE, &second, &e) == -1 && says(pid),
	   "a second writer is told whose turn it is: %s", e.msg);
	ok(store_open(dir, STORE_CREATE, &second, &e) == -1 && says(pid), "and so is a creator");
	ok(!store_open(dir, STORE_READ, &st, &e) && !snap_open(st, NULL, &p, &e) && snap_step(p) == 0,
	   "a reader reads meanwhile");
	ok(write(go[1], "x", 1) == 1 && waitpid(child, &status, 0) == child && !status,
	   "the first commits and ends");
	ok(snap_step(p) == 0, "the open snapshot is still step 0");
	snap_close(p);
	ok(!snap_open(st, NULL, &p, &e) && snap_step(p) == 1, "the next one is step 1");
	snap_close(p);
	store_close(st);
	ok(!store_open(dir, STORE_WRITE, &st, &e) && !step(st, 2, ALL, 0) && sound(st),
	   "the lock went with the process");

	fflush(stdout);
	child = fork();
	if (!child) {
		struct buf b = {0};
		int refused = snap_open(st, NULL, &p, &e) == -1 && strstr(e.msg, "across fork") &&
		              step(st, 3, ALL, 0) == -1 && strstr(e.msg, "across fork") &&
		              store_doc(st, "config", &b, &e) == -1;

		store_close(st);
		_exit(refused ? 0 : 1);
	}
	ok(waitpid(child, &status, 0) == child && !status, "no environment is used across fork");
	ok(!step(st, 3, ALL, 0) && sound(st), "the parent goes on");
	store_close(st);
}

/* Many readers come and go, so that the last one often leaves as another arrives. */
static void crowd(void)
{
	enum { CHILDREN = 8, TIMES = 100 };
	char *dir = in_root("crowd");
	struct store *st;
	int failed = 0, status;

	if (!ok(!store_open(dir, STORE_CREATE, &st, &e) && !step(st, 0, ALL, 0), "create"))
		return;
	store_close(st);
	fflush(stdout);
	for (int i = 0; i < CHILDREN; i++)
		if (!fork()) {
			for (int k = 0; k < TIMES; k++) {
				struct snap *p = NULL;

				if (store_open(dir, STORE_READ, &st, &e) || snap_open(st, NULL, &p, &e)) {
					diag("%s", e.msg);
					_exit(1);
				}
				snap_close(p);
				store_close(st);
			}
			_exit(0);
		}
	for (int i = 0; i < CHILDREN; i++)
		failed += wait(&status) < 0 || status;
	ok(!failed, "%d readers come and go: %d failed", CHILDREN, failed);
}

/* A reader that opened the store when it was small sees it grow a thousandfold. */
static void growth(void)
{
	char *dir = in_root("growth");
	struct store *st;
	struct commit *c;
	struct snap *p;
	struct tensor t;
	struct stat sb;
	int ready[2], go[2], status;
	uint64_t big[2] = {400u << 20, 1};
	pid_t child;
	void *room;
	char x;

	if (!ok(!store_open(dir, STORE_CREATE, &st, &e) && !step(st, 0, 1, 0), "create"))
		return;
	store_close(st);
	ok(!stat(in_root("growth/data.mdb"), &sb) && sb.st_size < 1 << 20,
	   "closed, the file is as small as what it holds: %lld", (long long)sb.st_size);
	if (pipe(ready) || pipe(go))
		return;
	fflush(stdout);
	child = fork();
	if (!child) {
		if (store_open(dir, STORE_READ, &st, &e) || snap_open(st, NULL, &p, &e) ||
		    write(ready[1], "x", 1) != 1 || read(go[0], &x, 1) != 1)
			_exit(1);
		if (snap_open(st, NULL, &p, &e) || snap_tensor(p, "big", &t, &e))
			_exit(2);
		_exit(t.bytes == big[0] * 2 && ((const char *)t.data)[t.bytes - 1] == 7 ? 0 : 3);
	}
	ok(read(ready[0], &x, 1) == 1, "a reader is there");
	ok(!store_open(dir, STORE_WRITE, &st, &e) && !commit_begin(st, 1, big[0] * 2, &c, &e),
	   "begin a commit of 800 MB");
	ok(!commit_tensor(c, "big", DT_BF16, 1, big, &room, &e), "room for it");
	if (room)
		((char *)room)[big[0] * 2 - 1] = 7;
	ok(!commit_finish(c, "{}", 0, &e), "committed");
	ok(write(go[1], "x", 1) == 1 && waitpid(child, &status, 0) == child && !status,
	   "the reader sees it (%d)", status);
	store_close(st);
	ok(!store_open(dir, STORE_WRITE, &st, &e) && !commit_begin(st, 2, 0, &c, &e),
	   "begin a commit of nothing");
	ok(commit_tensor(c, "more", DT_BF16, 1, big, &room, &e) == -1 && says("announced"),
	   "far more than announced is an error");
	ok(commit_finish(c, "{}", 0, &e) == -1 && says("failed already"), "and the commit is none");
	ok(sound(st), "fsck");
	store_close(st);
}

static int flip(const char *path, off_t at)
{
	unsigned char b;
	int fd = open(path, O_RDWR), rc = -1;

	if (fd >= 0 && pread(fd, &b, 1, at) == 1) {
		b ^= 4;
		rc = pwrite(fd, &b, 1, at) == 1 ? 0 : -1;
	}
	close(fd);
	return rc;
}

/* Where a value's first bytes lie in the data file. */
static off_t find_bytes(const char *path, const void *what, size_t n)
{
	struct buf b = {0};
	char *hit;
	off_t at = -1;

	if (!file_read(path, 1 << 28, &b, &e)) {
		hit = memmem(b.data, b.len, what, n);
		at = hit ? hit - b.data : -1;
	}
	buf_release(&b);
	return at;
}

static void count_fault(const char *msg, void *data)
{
	buf_addf(data, "%s\n", msg);
}

static void damage(void)
{
	char *dir = in_root("damage"), *file = in_root("damage/data.mdb");
	unsigned char want[64];
	struct buf b = {0};
	struct store *st;
	struct stat sb;
	off_t at;

	if (!ok(!store_open(dir, STORE_CREATE, &st, &e) && !step(st, 0, ALL, 0) && !step(st, 1, ALL, 0),
	        "create"))
		return;
	store_close(st);
	fill(want, sizeof want, 6, 1);
	at = find_bytes(file, want, sizeof want);
	ok(at > 0 && !flip(file, at + 150001), "one bit of a tensor is flipped");
	ok(!store_open(dir, STORE_READ, &st, &e) && store_fsck(st, count_fault, &b, &e) == 1 &&
	       strstr(b.data, "t6.weight (step 1): checksum"),
	   "fsck names it");
	store_close(st);
	ok(!flip(file, at + 150001), "and back");
	fill(want, sizeof want, 105, 1);
	at = find_bytes(file, want, sizeof want);
	buf_clear(&b);
	ok(at > 0 && !flip(file, at), "one bit of the state");
	ok(!store_open(dir, STORE_READ, &st, &e) && store_fsck(st, count_fault, &b, &e) == 1 &&
	       strstr(b.data, "state m/t5.weight"),
	   "fsck names it");
	store_close(st);
	ok(!flip(file, at), "and back");
	at = find_bytes(file, "{\"step\":1,", 10);
	buf_clear(&b);
	ok(at > 0 && !flip(file, at + 9), "one bit of a description");
	ok(!store_open(dir, STORE_READ, &st, &e) && store_fsck(st, count_fault, &b, &e) >= 1 &&
	       strstr(b.data, "checksum"),
	   "fsck sees it");
	store_close(st);
	ok(!flip(file, at + 9), "and back");
	ok(!store_open(dir, STORE_READ, &st, &e) && sound(st), "sound again");
	store_close(st);

	ok(!stat(file, &sb) && !truncate(file, sb.st_size - 4096), "the last page is cut off");
	ok(store_open(dir, STORE_READ, &st, &e) == -1 && says("truncated"),
	   "a truncated file is an error to a reader");
	ok(store_open(dir, STORE_WRITE, &st, &e) == -1 && says("truncated"), "and to a writer");
	ok(!truncate(file, 100) && store_open(dir, STORE_READ, &st, &e) == -1, "a stump: %s", e.msg);
	ok(!file_write(file,
	               "this is no store, it is a text of some length "
	               "............................................................."
	               "..............................................................................."
	               "....................",
	               200, &e) &&
	       store_open(dir, STORE_READ, &st, &e) == -1,
	   "a text: %s", e.msg);
	ok(store_open(dir, STORE_CREATE, &st, &e) == -1, "which is not overwritten: %s", e.msg);
	ok(!file_write(file, "", 0, &e) && !store_open(dir, STORE_CREATE, &st, &e),
	   "an empty file may be");
	store_close(st);
	buf_release(&b);
}

static void places(void)
{
	struct store *st;
	char *file = in_root("file"), *made = in_root("made"), *mine = in_root("mine");
	struct stat sb;

	ok(!file_write(file, "x", 1, &e) && store_open(file, STORE_CREATE, &st, &e) == -1,
	   "a file is no directory: %s", e.msg);
	ok(store_open(in_root("no/such"), STORE_CREATE, &st, &e) == -1 && says("No such file"),
	   "the parent must exist");
	ok(store_open(file, STORE_READ, &st, &e) == -1, "a file is no store: %s", e.msg);
	ok(!store_open(made, STORE_CREATE, &st, &e), "create");
	store_discard(st);
	ok(stat(made, &sb) && errno == ENOENT, "discard leaves no trace");
	ok(!mkdir(mine, 0700) && !file_write(in_root("mine/notes"), "x", 1, &e) &&
	       !store_open(mine, STORE_CREATE, &st, &e),
	   "create in a directory");
	store_discard(st);
	ok(!stat(in_root("mine/notes"), &sb) && stat(in_root("mine/data.mdb"), &sb),
	   "discard leaves what was there");
	ok(place_network(0x6969) && place_network(0xff534d42) && place_network(0xfffffffffe534d42u) &&
	       !place_network(0xef53) && !place_network(0x01021994) && !place_network(0x794c7630),
	   "NFS and SMB are networks; ext4, tmpfs and overlay are not");
}

/* The file-size limit stands in for a full disk where none can be mounted; it must never be a
 * signal. */
static void limits(void)
{
	char *dir = in_root("limits");
	struct store *st;
	struct commit *c;
	struct rlimit was, now;
	void *p;
	int fine;

	if (!ok(!store_open(dir, STORE_CREATE, &st, &e) && !step(st, 0, ALL, 0), "create"))
		return;
	getrlimit(RLIMIT_FSIZE, &was);
	now = was;
	now.rlim_cur = 300 << 20;
	setrlimit(RLIMIT_FSIZE, &now);
	fine = commit_begin(st, 1, 1u << 30, &c, &e) == -1;
	setrlimit(RLIMIT_FSIZE, &was);
	ok(fine && says("limit on file size"), "a commit beyond the limit on file size");
	now.rlim_cur = 1 << 20;
	store_close(st);
	setrlimit(RLIMIT_FSIZE, &now);
	fine = store_open(dir, STORE_WRITE, &st, &e) == -1 &&
	       store_open(in_root("limits2"), STORE_CREATE, &st, &e) == -1;
	setrlimit(RLIMIT_FSIZE, &was);
	ok(fine && says("limit on file size"), "no writing under such a limit");
	ok(!store_open(dir, STORE_WRITE, &st, &e) && !commit_begin(st, 1, 4096, &c, &e),
	   "and without it as before");
	/* announced 4 KiB, wants 64 GiB - in values of 2 GiB */
	for (int i = 0; i < 32; i++) {
		char name[16];

		snprintf(name, sizeof name, "n%d", i);
		if (commit_tensor(c, name, DT_BF16, 1, (uint64_t[2]){1 << 30, 1}, &p, &e))
			break;
	}
	ok(says("announced"), "more than announced is noticed before it is written");
	commit_abort(c);
	ok(!step(st, 1, ALL, 0) && sound(st), "the next commit is fine");
	store_close(st);
}

int main(void)
{
	char cmd[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(120);
	snprintf(root, sizeof root, "%s/score-store-XXXXXX",
	         getenv("TMPDIR") && strlen(getenv("TMPDIR")) < 30 ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(root)) {
		perror(root);
		return 1;
	}
	checksum();
	basics();
	bad_calls();
	sharing();
	equal_bytes();
	tags();
	writers();
	crowd();
	growth();
	damage();
	places();
	limits();
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", root);
	if (system(cmd))
		diag("could not remove %s", root);
	return done();
}
