/* SPDX-License-Identifier: MIT */
/*
 * score-draw: chooses the problems of each step. The problems are shuffled once per epoch and the
 * epochs concatenated; step s is positions s*n to s*n+n-1 of that endless sequence. So a step's
 * lines depend only on the seed, the step, n and the problems, not on the requested range or the
 * machine.
 */
#include <stdlib.h>
#include <string.h>

#include "traj/traj.h"

static const char usage[] = "score-draw -n N (--step S | --steps A..B) [--seed N] [FILE...]";

/* Keeps products of step and n within 64 bits. */
#define MAX_STEP ((uint64_t)1 << 40)
enum { MAX_BATCH = 1 << 20 };

struct steps {
	int given;
	uint64_t first, last;
};

struct problems {
	struct js *rec;              /* [n] */
	size_t n, cap;
	struct js names;             /* maps "id" or "id sample" to its first line */
	uint32_t *order;             /* [n] of epoch `epoch` */
	uint64_t epoch, seed;
};

static int parse_steps(const char *arg, void *data, struct err *e)
{
	struct steps *s = data;
	const char *dots = strstr(arg, "..");
	char *first;
	int rc;

	if (!dots)
		return err_set(e, "expected A..B, got '%s'", arg);
	first = xstrndup(arg, (size_t)(dots - arg));
	rc = parse_u64(first, 0, MAX_STEP, &s->first, e) ||
	     parse_u64(dots + 2, s->first, MAX_STEP, &s->last, e);
	free(first);
	s->given++;
	return rc ? -1 : 0;
}

static int parse_step(const char *arg, void *data, struct err *e)
{
	struct steps *s = data;

	s->given++;
	if (parse_u64(arg, 0, MAX_STEP, &s->first, e))
		return -1;
	s->last = s->first;
	return 0;
}

/* A record's random numbers depend on its id and sample, so no two lines may share both. */
static int unique(struct problems *p, const struct traj *t, const struct jl_in *in, struct err *e)
{
	struct buf name = {0}, where = {0};
	struct js first;
	int rc = 0;

	buf_adds(&name, t->id);
	if (t->n_turns)
		buf_addf(&name, " %lld", (long long)t->sample);
	first = js_get(p->names, name.data);
	if (js_kind(first) == JS_STRING) {
		rc = err_set(e, ".id: \"%.80s\" again, first at %s", t->id, js_string(first));
	} else {
		buf_addf(&where, "%s:%zu", jl_name(in), jl_line(in));
		js_set(&p->names, name.data, js_str(where.data));
	}
	js_free(first);
	buf_release(&name);
	buf_release(&where);
	return rc;
}

static int read_problems(const char *path, struct problems *p, struct err *e)
{
	struct jl_in *in;
	struct js rec;
	int rc;

	if (jl_open(path, &in, e))
		return -1;
	while ((rc = jl_read(in, &rec, e)) > 0) {
		struct js turns = js_get(rec, "turns");
		/* a record with turns may be text to train on, which no task will verify */
		unsigned need = js_len(turns) ? TRAJ_ID : TRAJ_ID | TRAJ_PROBLEM;
		struct traj t;

		js_free(turns);
		if (traj_parse(rec, need, &t, e) || unique(p, &t, in, e)) {
			rc = jl_where(in, e);
			traj_release(&t);
			break;
		}
		VEC_PUSH(p->rec, p->n, p->cap) = js_copy(t.rec);
		js_del(&p->rec[p->n - 1], "group");
		traj_release(&t);
	}
	jl_close(in);
	return rc;
}

/* The order of one epoch: a Fisher-Yates shuffle of 0..n-1. */
static void shuffle(struct problems *p, uint64_t epoch)
{
	struct rng r = rng_stream(p->seed, "draw", epoch, "", 0, 0);

	for (size_t i = 0; i < p->n; i++)
		p->order[i] = (uint32_t)i;
	for (size_t i = p->n; i > 1; i--) {
		size_t j = (size_t)rng_below(&r, i, i);
		uint32_t old = p->order[i - 1];

		p->order[i - 1] = p->order[j];
		p->order[j] = old;
	}
	p->epoch = epoch;
}

static int write_step(struct problems *p, uint64_t step, int size, struct err *e)
{
	for (int i = 0; i < size; i++) {
		uint64_t place = step * (uint64_t)size + (uint64_t)i;
		struct js rec, batch = js_object();
		int rc;

		if (place / p->n != p->epoch)
			shuffle(p, place / p->n);
		rec = js_copy(p->rec[p->order[place % p->n]]);
		js_set(&batch, "step", js_num((double)step));
		js_set(&batch, "size", js_num(size));
		js_set(&batch, "index", js_num(i));
		js_set(&rec, "batch", batch);
		rc = jl_write(rec, e);
		js_free(rec);
		if (rc)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct steps steps = {0};
	struct problems p = {.names = js_object(), .epoch = UINT64_MAX};
	struct err e;
	int size = 0, at;
	const struct opt table[] = {
		{"number", 'n', OPT_INT, &size, "N", "lines per step", 1, MAX_BATCH, NULL},
		{"step", 0, OPT_CALL, &steps, "S", "the step to draw for, from 0", 0, 0, parse_step},
		{"steps", 0, OPT_CALL, &steps, "A..B", "steps A to B, both included, as one stream", 0, 0,
		 parse_steps},
		OPT_SEED(&p.seed),
		{0},
	};

	prog_init(argv[0]);
	at = opt_parse(argc, argv, table, usage,
	               "Draws the problems of a step, without replacement within an epoch.");
	if (!size)
		opt_usage(usage, "-n is missing");
	if (steps.given != 1)
		opt_usage(usage, "wants one of --step and --steps");
	do
		if (read_problems(at < argc ? argv[at] : NULL, &p, &e))
			die(EXIT_ERROR, "%s", e.msg);
	while (++at < argc);
	if (!p.n)
		die(EXIT_ERROR, "no problems in the input");
	p.order = xreallocarray(NULL, p.n, sizeof *p.order);
	for (uint64_t s = steps.first; s <= steps.last; s++)
		if (write_step(&p, s, size, &e))
			die(EXIT_ERROR, "%s", e.msg);
	for (size_t i = 0; i < p.n; i++)
		js_free(p.rec[i]);
	free(p.rec);
	free(p.order);
	js_free(p.names);
	return jl_exit(0, &e);
}
