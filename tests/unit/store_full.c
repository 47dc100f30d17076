/* SPDX-License-Identifier: MIT */
/* store: a full disk is an error, never a signal, and costs nothing that was committed. Needs a
 * small file system of its own: a tmpfs in a mount namespace. */
#include "tap.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err e;

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY),
	    rc = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;

	if (fd >= 0)
		close(fd);
	return rc;
}

/* A tmpfs at dir, as root or as the root of a user namespace. */
static int small_disk(const char *dir)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			return -1;
		snprintf(map, sizeof map, "0 %ld 1", (long)uid);
		if (write_text("/proc/self/setgroups", "deny") || write_text("/proc/self/uid_map", map))
			return -1;
		snprintf(map, sizeof map, "0 %ld 1", (long)gid);
		if (write_text("/proc/self/gid_map", map))
			return -1;
	}
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return mount("tmpfs", dir, "tmpfs", 0, "size=24m");
}

/* Commits step s of n bytes, all of them s. */
static int step(struct store *st, int64_t s, uint64_t n)
{
	struct commit *c;
	void *p;

	if (commit_begin(st, s, n, &c, &e))
		return -1;
	if (commit_tensor(c, "t", DT_BF16, 1, (uint64_t[2]){n / 2, 1}, &p, &e)) {
		commit_abort(c);
		return -1;
	}
	memset(p, (int)s, n);
	return commit_finish(c, "{}", 1, &e);
}

/* Bytes that a filler file could take before the disk was full. */
static long fill_up(const char *path)
{
	static char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	long n = 0;

	while (fd >= 0 && write(fd, block, sizeof block) == (ssize_t)sizeof block)
		n += (long)sizeof block;
	close(fd);
	return n;
}

static int reads(const char *dir, int64_t want, uint64_t n)
{
	struct store *st;
	struct snap *p = NULL;
	struct tensor t;
	int right = 0;

	if (store_open(dir, STORE_READ, &st, &e))
		return 0;
	if (!snap_open(st, NULL, &p, &e) && snap_step(p) == want && !snap_tensor(p, "t", &t, &e) &&
	    t.bytes == n) {
		right = 1;
		for (uint64_t i = 0; i < n; i++)
			right &= ((const char *)t.data)[i] == (char)want;
	}
	snap_close(p);
	right &= !store_fsck(st, NULL, NULL, &e);
	store_close(st);
	return right;
}

static int no_room(void)
{
	if (strstr(e.msg, "No space"))
		return 1;
	diag("got: %s", e.msg);
	return 0;
}

static void on_small_disk(const char *root)
{
	char dir[128], second[128], filler[128];
	struct store *st;
	struct commit *c;
	void *p;
	int failed = 0, steps = 0;

	snprintf(dir, sizeof dir, "%s/w.lmdb", root);
	snprintf(second, sizeof second, "%s/second.lmdb", root);
	snprintf(filler, sizeof filler, "%s/filler", root);
	ok(!store_open(dir, STORE_CREATE, &st, &e) && !step(st, 0, 1 << 20),
	   "a store on a disk of 24 MiB");
	ok(step(st, 1, 30 << 20) == -1 && no_room(), "a step of 30 MiB has no room: %s", e.msg);
	ok(!step(st, 1, 1 << 20), "one of 1 MiB has");
	/* announced small, asked for large: noticed where the room is asked for */
	ok(!commit_begin(st, 2, 4096, &c, &e) &&
	       commit_tensor(c, "t", DT_BF16, 1, (uint64_t[2]){15 << 20, 1}, &p, &e) == -1 && no_room(),
	   "nor has a tensor of 30 MiB");
	commit_abort(c);
	ok(fill_up(filler) > 0, "the disk is filled");
	for (int s = 2; s < 40; s++) {
		if (step(st, s, 1 << 20))
			failed++;
		else
			steps++;
		if (failed)
			break;
	}
	ok(failed && no_room(), "after %d more steps in what was reserved, a step fails", steps);
	store_close(st);
	fill_up(filler);
	ok(reads(dir, 1 + steps, 1 << 20), "what was committed is there, on a full disk");
	failed = store_open(dir, STORE_WRITE, &st, &e);
	ok(failed || (store_tag(st, "x", "latest", &e) == -1 && no_room()), "a tag has no room either");
	if (!failed)
		store_close(st);
	ok(store_open(second, STORE_CREATE, &st, &e) == -1 && no_room(), "nor has another store");
	ok(access(second, F_OK) && errno == ENOENT, "which leaves no trace");
	ok(!unlink(filler) && !store_open(dir, STORE_WRITE, &st, &e) && !step(st, 2 + steps, 1 << 20),
	   "with room again, the next step");
	store_close(st);
	ok(reads(dir, 2 + steps, 1 << 20), "all is well");
}

int main(void)
{
	char root[] = "/tmp/score-full-XXXXXX";
	int status;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root)) {
		perror(root);
		return 1;
	}
	child = fork();
	if (!child) {
		if (small_disk(root)) {
			skip("no small file system can be mounted here: %s", strerror(errno));
			_exit(done());
		}
		on_small_disk(root);
		_exit(done());
	}
	waitpid(child, &status, 0);
	rmdir(root);
	if (WIFSIGNALED(status)) {
		printf("Bail out! ended by signal %d\n", WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status);
}
