/* SPDX-License-Identifier: MIT */
/*
 * store: kill -9 at any instant leaves the last committed step, and going on from there gives the
 * same bits as if nothing had happened. A child trains (each state is a function of the one before,
 * read from the store during the commit, as score-update does); it is killed a random time after a
 * number of its commits, again and again.
 */
#include "tap.h"
#include "store/store.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VALUES = 60000, TENSORS = 6, SMALL = 100, KEEP = 2, ROUNDS = 40 };

static struct err e;

static size_t values_of(int i)
{
	return i == TENSORS - 1 ? SMALL : VALUES;
}

/* Step s + 1's state from step s's; the weights are its upper halves. */
static void next(uint32_t *to, const uint32_t *from, size_t n, int i, int64_t s)
{
	for (size_t k = 0; k < n; k++)
		to[k] = (from ? from[k] : (uint32_t)(k * 2654435761u)) * 1664525u + 1013904223u +
		        (uint32_t)(i + 10 * s);
}

static void upper_halves(uint16_t *to, const uint32_t *from, size_t n)
{
	for (size_t k = 0; k < n; k++)
		to[k] = (uint16_t)(from[k] >> 16);
}

/* State and weights of tensor i, filled by the caller. */
static int at_once(struct commit *c, int i, const uint32_t *state, size_t n)
{
	char name[32];
	void *dst;

	snprintf(name, sizeof name, "master/t%d", i);
	if (commit_state(c, name, n * 4, &dst, &e))
		return -1;
	memcpy(dst, state, n * 4);
	if (commit_tensor(c, name + 7, DT_BF16, 1, (uint64_t[2]){n, 1}, &dst, &e))
		return -1;
	upper_halves(dst, state, n);
	return 0;
}

/* The same, piece by piece. */
static int in_pieces(struct commit *c, int i, const uint32_t *state, size_t n)
{
	enum { PIECE = 7000 };
	struct room *r, *w;
	uint16_t half[PIECE];
	char name[32];

	snprintf(name, sizeof name, "master/t%d", i);
	if (commit_state_room(c, name, n * 4, &r, &e) ||
	    commit_tensor_room(c, name + 7, DT_BF16, 1, (uint64_t[2]){n, 1}, &w, &e))
		return -1;
	for (size_t at = 0; at < n; at += PIECE) {
		size_t m = n - at < PIECE ? n - at : PIECE;

		upper_halves(half, state + at, m);
		if (room_write(r, state + at, m * 4, &e) || room_write(w, half, m * 2, &e))
			return -1;
	}
	return 0;
}

static int write_step(struct store *st, int64_t s)
{
	struct commit *c;
	struct snap *p = NULL;
	char name[32], row[32];

	/* the store goes about large steps another way: announce some as such */
	if (commit_begin(st, s, s % 3 ? TENSORS * VALUES * 6 : 70 << 20, &c, &e))
		return -1;
	if (s && snap_open(st, NULL, &p, &e))
		goto fail;
	for (int i = 0; i < TENSORS; i++) {
		struct tensor old = {0};
		uint32_t *state;
		size_t n = values_of(i);

		snprintf(name, sizeof name, "master/t%d", i);
		if (p && snap_state(p, name, &old, &e) != 1)
			goto fail;
		state = xreallocarray(NULL, n, 4);
		next(state, old.data, n, i, s);
		if (s % 2 ? in_pieces(c, i, state, n) : at_once(c, i, state, n)) {
			free(state);
			goto fail;
		}
		free(state);
	}
	snprintf(row, sizeof row, "{\"step\":%lld}", (long long)s);
	if (commit_metrics(c, row, &e))
		goto fail;
	if (commit_finish(c, "{}", KEEP, &e)) {
		snap_close(p);
		return -1;
	}
	snap_close(p);
	return 0;
fail:
	snap_close(p);
	commit_abort(c);
	return -1;
}

/* Trains until it is killed, or for some rounds, telling each committed step. Opens the store anew
 * now and then. */
static void train(const char *dir, int tell, int rounds)
{
	struct store *st;
	struct snap *p;
	int64_t s;

	for (int k = 0; k != rounds; k++) {
		if (store_open(dir, STORE_WRITE, &st, &e) || snap_open(st, NULL, &p, &e))
			_exit(1);
		s = snap_step(p);
		snap_close(p);
		for (int i = 0; i < 4; i++) {
			s++;
			if (write_step(st, s) || write(tell, &s, sizeof s) != sizeof s)
				_exit(2);
		}
		store_close(st);
	}
	_exit(0);
}

/* The state that step s has when nothing is ever interrupted. */
struct truth {
	int64_t step;
	uint32_t *state[TENSORS];
};

static void truth_go(struct truth *t, int64_t to)
{
	for (; t->step < to; t->step++)
		for (int i = 0; i < TENSORS; i++)
			next(t->state[i], t->step < 0 ? NULL : t->state[i], values_of(i), i, t->step + 1);
}

static int agrees(struct snap *p, const struct truth *t)
{
	char name[32];
	int same = 0;

	for (int i = 0; i < TENSORS; i++) {
		size_t n = values_of(i), right = 0;
		struct tensor w, state;

		snprintf(name, sizeof name, "t%d", i);
		if (snap_tensor(p, name, &w, &e) || w.bytes != n * 2)
			return 0;
		snprintf(name, sizeof name, "master/t%d", i);
		if (snap_state(p, name, &state, &e) != 1 || state.bytes != n * 4)
			return 0;
		for (size_t k = 0; k < n; k++)
			right += ((const uint16_t *)w.data)[k] == t->state[i][k] >> 16;
		same += right == n && !memcmp(state.data, t->state[i], n * 4);
	}
	return same == TENSORS;
}

static void on_fault(const char *msg, void *data)
{
	(void)data;
	diag("fsck: %s", msg);
}

struct tally {
	int sound, same, not_lost, not_ahead, rows, commits, idle;
};

static int count_row(const char *json, void *data)
{
	(void)json;
	++*(int *)data;
	return 0;
}

/* After a kill: everything about the store is as of one committed step. */
static void judge(const char *dir, int64_t told, struct truth *truth, struct tally *t)
{
	struct store *st;
	struct snap *p = NULL;
	int64_t before = truth->step;
	int rows = 0;

	if (store_open(dir, STORE_READ, &st, &e) || snap_open(st, NULL, &p, &e)) {
		diag("%s", e.msg);
		return;
	}
	t->not_lost += snap_step(p) >= told;
	t->not_ahead += snap_step(p) <= told + 1;
	t->commits += (int)(snap_step(p) - before);
	t->idle += snap_step(p) == before;
	truth_go(truth, snap_step(p));
	t->same += agrees(p, truth);
	t->rows += !store_metrics(st, 0, INT64_MAX, count_row, &rows, &e) && rows == truth->step + 1;
	snap_close(p);
	t->sound += store_fsck(st, on_fault, NULL, &e) == 0;
	store_close(st);
}

/* One training process, killed so many seconds after so many commits (below 0: it ends after a
 * round). The last step it told. */
static int64_t one_process(const char *dir, int commits, double seconds, int64_t told)
{
	struct timespec nap = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
	int64_t s;
	int fd[2], status;
	pid_t child;

	if (pipe(fd) || (child = fork()) < 0)
		return -1;
	if (!child) {
		close(fd[0]);
		train(dir, fd[1], seconds < 0 ? 1 : -1);
	}
	close(fd[1]);
	for (int i = 0; i < commits && read(fd[0], &s, sizeof s) == sizeof s; i++)
		told = s;
	if (seconds >= 0) {
		nanosleep(&nap, NULL);
		kill(child, SIGKILL);
	}
	while (read(fd[0], &s, sizeof s) == sizeof s)
		told = s;
	close(fd[0]);
	waitpid(child, &status, 0);
	if (seconds >= 0 ? !WIFSIGNALED(status) : status)
		diag("the child ended with %d", status);
	return told;
}

static void kill_loop(const char *dir)
{
	struct rng r = rng_stream(1, "kill", 0, "", 0, 0);
	struct truth truth = {.step = -1};
	struct tally t = {0};
	double round_time = -now_seconds();
	int rounds, least = 0;

	for (int i = 0; i < TENSORS; i++)
		truth.state[i] = xreallocarray(NULL, values_of(i), 4);
	truth_go(&truth, 0);
	ok(one_process(dir, 0, -1, 0) == 4, "four steps without a kill");
	round_time += now_seconds();
	judge(dir, 4, &truth, &t);
	ok(t.same == 1 && t.sound == 1, "the truth is the truth");
	t = (struct tally){0};
	for (rounds = 0; rounds < ROUNDS; rounds++) {
		/* within the opening of the store and the first commit, or within one or two of those that
		 * follow */
		int commits = rounds % 6;
		double nap = rng_uniform(&r, (uint64_t)rounds) * (commits ? 0.5 : 1) * round_time;

		least += commits;
		judge(dir, one_process(dir, commits, nap, truth.step), &truth, &t);
	}
	diag("%d kills, %d commits, %d rounds without one", rounds, t.commits, t.idle);
	ok(t.commits >= least, "commits happened between the kills: %d, at least %d", t.commits, least);
	ok(t.not_lost == rounds, "no committed step is lost: %d of %d", t.not_lost, rounds);
	ok(t.not_ahead == rounds, "none is there that was not written: %d of %d", t.not_ahead, rounds);
	ok(t.sound == rounds, "fsck finds nothing: %d of %d", t.sound, rounds);
	ok(t.same == rounds, "weights and state are bit for bit those of a run without kills: %d of %d",
	   t.same, rounds);
	ok(t.rows == rounds, "metrics rows are those of the committed steps: %d of %d", t.rows, rounds);
	for (int i = 0; i < TENSORS; i++)
		free(truth.state[i]);
}

int main(void)
{
	char root[] = "/tmp/score-kill-XXXXXX", dir[64], cmd[128];
	struct store *st = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root)) {
		perror(root);
		return 1;
	}
	snprintf(dir, sizeof dir, "%s/w.lmdb", root);
	ok(!store_open(dir, STORE_CREATE, &st, &e) && !write_step(st, 0), "a store with step 0");
	store_close(st);
	kill_loop(dir);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", root);
	if (system(cmd))
		diag("could not remove %s", root);
	return done();
}
