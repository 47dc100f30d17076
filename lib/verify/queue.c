/* SPDX-License-Identifier: MIT */
/* Grades records in order: text at once, programs in parallel score-box processes. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "verify/verify.h"

enum {
	AHEAD = 8,                   /* records read ahead per score-box, plus */
	AHEAD_MORE = 64,             /* this many */
	/* factor on the wall limit of a program that waits for a core (sandbox/job.c) */
	STARVED = 4,
	GRACE = 60,                  /* seconds after that until its score-box is considered hung */
};

struct record {
	struct traj t;
	size_t judged, pending;      /* turns */
};

enum stage { ASK_ENTRY, RUN };

struct task {
	uint64_t record;             /* number of its record, from the first */
	size_t turn;
	enum stage stage;
	int tried;                   /* has failed once already */
	char *entry;                 /* owned; NULL until known */
	struct buf request;
};

enum state { ABSENT, STARTING, IDLE, BUSY };

struct worker {
	int fd;                      /* -1: none */
	enum state state;
	struct task task;            /* BUSY */
	double deadline;             /* STARTING, BUSY */
};

struct verifier {
	const struct verify_opts *o;
	struct record *records;      /* ring buffer of cap */
	uint64_t first, next;        /* numbers of the oldest record held and of the next one */
	size_t cap;
	struct task *tasks;          /* ring buffer of task_cap: waiting for a worker */
	size_t task_first, n_tasks, task_cap;
	struct worker *workers;      /* [o->jobs] */
};

struct verifier *verifier_new(const struct verify_opts *o)
{
	struct verifier *v = xcalloc(1, sizeof *v);

	v->o = o;
	v->cap = AHEAD * (size_t)o->jobs + AHEAD_MORE;
	v->records = xcalloc(v->cap, sizeof *v->records);
	v->workers = xcalloc((size_t)o->jobs, sizeof *v->workers);
	for (int i = 0; i < o->jobs; i++)
		v->workers[i].fd = -1;
	return v;
}

static struct record *record_at(struct verifier *v, uint64_t number)
{
	return &v->records[number % v->cap];
}

int verifier_wants(const struct verifier *v)
{
	return v->next - v->first < v->cap;
}

int verifier_empty(const struct verifier *v)
{
	return v->next == v->first;
}

static void task_free(struct task *k)
{
	free(k->entry);
	buf_release(&k->request);
	*k = (struct task){0};
}

static void task_push(struct verifier *v, struct task k)
{
	if (v->n_tasks == v->task_cap) {
		size_t cap = v->task_cap ? 2 * v->task_cap : 16;
		struct task *more = xreallocarray(NULL, cap, sizeof *more);

		for (size_t i = 0; i < v->n_tasks; i++)
			more[i] = v->tasks[(v->task_first + i) % v->task_cap];
		free(v->tasks);
		v->tasks = more;
		v->task_first = 0;
		v->task_cap = cap;
	}
	v->tasks[(v->task_first + v->n_tasks++) % v->task_cap] = k;
}

static struct task task_pop(struct verifier *v)
{
	struct task k = v->tasks[v->task_first];

	v->task_first = (v->task_first + 1) % v->task_cap;
	v->n_tasks--;
	return k;
}

/* Builds the task's request once its entry point is known; 0 if it has a verdict already. */
static int prepare(struct verifier *v, struct task *k)
{
	struct record *r = record_at(v, k->record);

	k->stage = RUN;
	return grade_request(&r->t, k->turn, k->entry, v->o, &k->request);
}

static void add_code(struct verifier *v, struct record *r, size_t turn)
{
	struct task k = {.record = v->next, .turn = turn, .stage = ASK_ENTRY};

	k.entry = grade_entry(&r->t, &k.request);
	if (k.entry ? !prepare(v, &k) : !grade_query(&r->t, turn, &k.request)) {
		task_free(&k);
		return;
	}
	r->pending++;
	task_push(v, k);
}

int verifier_add(struct verifier *v, struct traj t, struct err *e)
{
	struct record *r = record_at(v, v->next);
	enum grade_task task = TASK_EXACT;
	int rc = 0;

	*r = (struct record){.t = t};
	for (size_t i = 0; !rc && i < t.n_turns; i++) {
		if (t.turns[i].has_reward && !v->o->redo)
			continue;
		rc = r->judged++ ? 0 : grade_task(&r->t, &task, e);
		if (!rc && task == TASK_CODE)
			add_code(v, r, i);
		else if (!rc)
			rc = grade_text(&r->t, i, task, v->o->grader, e);
	}
	if (rc)
		traj_release(&r->t);         /* text tasks only, so no task points to it */
	else
		v->next++;
	return rc;
}

int verifier_take(struct verifier *v, struct traj *out, size_t *turns)
{
	struct record *r = record_at(v, v->first);

	if (verifier_empty(v) || r->pending)
		return 0;
	*out = r->t;
	*turns = r->judged;
	v->first++;
	return 1;
}

/* ---- workers ---- */

static void done(struct verifier *v, struct task *k)
{
	record_at(v, k->record)->pending--;
	task_free(k);
}

static int send_task(struct verifier *v, struct worker *w, struct err *e)
{
	w->state = BUSY;
	w->deadline = now_seconds() + STARVED * v->o->wall + GRACE;
	return frame_send(w->fd, &w->task.request, NULL, 0, e);
}

/* The sandbox failed on this task: retries once, then the verdict is error. */
static void failed(struct verifier *v, struct task *k, const char *detail)
{
	if (!k->tried++) {
		task_push(v, *k);
		return;
	}
	grade_error(&record_at(v, k->record)->t, k->turn, detail);
	done(v, k);
}

static void lose(struct verifier *v, struct worker *w, const char *detail)
{
	launcher_stop(v->o->launcher, (int)(w - v->workers), &w->fd);
	if (w->state == BUSY)
		failed(v, &w->task, detail);
	w->state = ABSENT;
}

static void answer(struct verifier *v, struct worker *w, const struct buf *reply)
{
	struct task *k = &w->task;
	struct traj *t = &record_at(v, k->record)->t;
	const char *status = frame_get(reply, "status");
	struct err e;

	w->state = IDLE;
	if (k->stage == ASK_ENTRY) {
		const char *entry = frame_get(reply, "entry"), *why = frame_get(reply, "error");

		if (!entry) {
			grade_error(t, k->turn, why ? why : "no entry point in the tests");
			done(v, k);
			return;
		}
		k->entry = xstrdup(entry);
		if (!prepare(v, k))
			done(v, k);
		else if (send_task(v, w, &e))
			lose(v, w, e.msg);
		return;
	}
	/* errors in the tests would only happen again */
	if ((!status || !strcmp(status, "error")) && !frame_get(reply, "tests") && !k->tried) {
		failed(v, k, "");
		return;
	}
	grade_reply(t, k->turn, reply);
	done(v, k);
}

static int receive(struct verifier *v, struct worker *w, struct err *e)
{
	struct buf reply = {0};
	int rc = frame_recv(w->fd, &reply, NULL, NULL, e), fatal = 0;

	if (w->state == STARTING) {
		/* it has printed why on stderr */
		fatal = rc != 1 ? err_set(e, "score-box did not start") : 0;
		w->state = IDLE;
	} else if (rc != 1)
		lose(v, w, rc ? e->msg : "score-box ended");
	else if (w->state == BUSY)
		answer(v, w, &reply);
	buf_release(&reply);
	return fatal;
}

/* Gives waiting tasks to idle workers, and starts a worker for each task without one. */
static int dispatch(struct verifier *v, struct err *e)
{
	size_t starting = 0;

	for (int i = 0; i < v->o->jobs; i++) {
		struct worker *w = &v->workers[i];

		starting += w->state == STARTING;
		if (w->state != IDLE || !v->n_tasks)
			continue;
		w->task = task_pop(v);
		if (send_task(v, w, e))
			lose(v, w, e->msg);
	}
	for (int i = 0; i < v->o->jobs && starting < v->n_tasks; i++) {
		struct worker *w = &v->workers[i];

		if (w->state != ABSENT)
			continue;
		if (launcher_start(v->o->launcher, i, &w->fd, e))
			return -1;
		w->state = STARTING;
		w->deadline = now_seconds() + GRACE;
		starting++;
	}
	return 0;
}

int verifier_wait(struct verifier *v, int fd, struct err *e)
{
	size_t n = (size_t)v->o->jobs;
	struct pollfd *p = xcalloc(n + 1, sizeof *p);
	double now = now_seconds(), wake = HUGE_VAL;
	int rc = dispatch(v, e);

	/* the sandbox failed on the last pending task */
	if (!verifier_empty(v) && !record_at(v, v->first)->pending)
		wake = now;
	for (size_t i = 0; i < n; i++) {
		struct worker *w = &v->workers[i];
		int waiting = w->state == STARTING || w->state == BUSY;

		p[i] = (struct pollfd){.fd = waiting ? w->fd : -1, .events = POLLIN};
		if (waiting && w->deadline < wake)
			wake = w->deadline;
	}
	p[n] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (!rc &&
	    poll(p, n + 1,
	         isinf(wake)  ? -1
	         : wake > now ? (int)((wake - now) * 1000) + 1
	                      : 0) < 0 &&
	    errno != EINTR)
		rc = err_set(e, "poll: %s", strerror(errno));
	now = now_seconds();
	for (size_t i = 0; !rc && i < n; i++) {
		struct worker *w = &v->workers[i];

		if (p[i].fd >= 0 && p[i].revents)
			rc = receive(v, w, e);
		else if (w->state == STARTING && now > w->deadline)
			rc = err_set(e, "score-box does not start");
		else if (w->state == BUSY && now > w->deadline)
			lose(v, w, "score-box hangs");
	}
	free(p);
	return rc;
}

void verifier_free(struct verifier *v)
{
	for (; v->first < v->next; v->first++)
		traj_release(&record_at(v, v->first)->t);
	while (v->n_tasks) {
		struct task k = task_pop(v);

		task_free(&k);
	}
	for (int i = 0; i < v->o->jobs; i++) {
		if (v->workers[i].state == BUSY)
			task_free(&v->workers[i].task);
		launcher_stop(v->o->launcher, i, &v->workers[i].fd);
	}
	free(v->workers);
	free(v->tasks);
	free(v->records);
	free(v);
}
