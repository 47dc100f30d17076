/* SPDX-License-Identifier: MIT */
/* score-verify: adds rewards and verdicts to turns that have none. */
#include <string.h>
#include <unistd.h>

#include "verify/verify.h"

static const char usage[] = "score-verify [options] [FILE...]";
static const char about[] = "Adds reward and verdict to every turn that has no reward.";

struct run {
	struct verifier *v;
	struct progress progress;
};

/* Writes what is done, in order. */
static int write_done(struct run *r, struct err *e)
{
	struct traj t;
	size_t turns;

	while (verifier_take(r->v, &t, &turns)) {
		int rc = jl_write(t.rec, e);

		traj_release(&t);
		if (rc)
			return -1;
		progress_add(&r->progress, (double)turns);
	}
	return 0;
}

/* Reads one record; 0: end of input. */
static int read_one(struct run *r, struct jl_in *in, struct err *e)
{
	struct js rec;
	struct traj t;
	int rc = jl_read(in, &rec, e);

	if (rc <= 0)
		return rc;
	r->progress.share = jl_share(in);
	if (traj_parse(rec, TRAJ_ID | TRAJ_TURNS, &t, e) || verifier_add(r->v, t, e))
		return jl_where(in, e);
	return 1;
}

/* Reads as far ahead as allowed, grades, writes. -1: the output or the sandbox failed. Bad input
 * (*bad) ends reading; records before it are still written. */
static int run_file(struct run *r, struct jl_in *in, int *bad, struct err *bad_input, struct err *e)
{
	int ended = 0;

	for (;;) {
		int more = !ended && verifier_wants(r->v);

		if (write_done(r, e))
			return -1;
		if (more && jl_ready(in)) {
			int rc = read_one(r, in, bad_input);

			*bad |= rc < 0;
			ended = rc <= 0;
			continue;
		}
		/* if writing allows more reading, the next iteration does it */
		if (!more && !ended && verifier_wants(r->v))
			continue;
		if (ended && verifier_empty(r->v))
			return 0;
		if (verifier_wait(r->v, more ? jl_fd(in) : -1, e))
			return -1;
	}
}

/* Opens the next file through the launcher, since this process may not. */
static int open_input(struct launcher *l, char **files, int n, int at, struct jl_in **in,
                      struct err *e)
{
	int fd;

	if (at >= n || !strcmp(files[at], "-"))
		return jl_open(NULL, in, e);
	if (launcher_open(l, at, &fd, e))
		return -1;
	*in = jl_take(fd, files[at]);
	return 0;
}

/* Confines this process to what it needs for reading model output. */
static void confine(const struct verify_opts *o)
{
	struct err e;

	if (!filter_install(&e))
		return;
	if (o->min_tier == 1)
		die(EXIT_ERROR, "%s", e.msg);
	warn("%s; input is read without it", e.msg);
}

/* score-box checks the directory. */
static int add_read(const char *arg, void *data, struct err *e)
{
	struct verify_opts *o = data;

	if (o->n_read == LEN(o->read))
		return err_set(e, "more than %zu directories", LEN(o->read));
	o->read[o->n_read++] = arg;
	return 0;
}

/* Removes options from argv; returns the number of files left in it. */
static int options(int argc, char ***argv, struct verify_opts *o, int *progress)
{
	enum { STRICT, HENDRYCKS };
	int grader = STRICT, lenient = 0, n;
	const struct opt table[] = {
		{"jobs", 'j', OPT_INT, &o->jobs, "N", "programs run at once (default: one per core)", 1,
		 256, NULL},
		{"timeout", 0, OPT_F64, &o->timeout, "S", "CPU seconds a program may use (default 5)", 0.1,
		 86400, NULL},
		{"wall", 0, OPT_F64, &o->wall, "S",
		 "wall seconds as a backstop (default 6 x --timeout, at least 10)", 0.1, 1e6, NULL},
		{"memory", 0, OPT_BYTES, &o->memory, "BYTES", "memory a program may use (default 1G)", 0, 0,
		 NULL},
		{"output", 0, OPT_BYTES, &o->output, "BYTES", "what a program may print (default 1M)", 0, 0,
		 NULL},
		{"isolation", 0, OPT_CHOICE, &o->single_too, "split|any",
		 "tests that cannot be split: error, or beside the program (default split)", 0, 0, NULL},
		{"grader", 0, OPT_CHOICE, &grader, "strict|hendrycks", "of task math (default strict)", 0,
		 0, NULL},
		{"lenient", 0, OPT_FLAG, &lenient, NULL,
		 "task math: a rounding of the reference passes, too", 0, 0, NULL},
		{"redo", 0, OPT_FLAG, &o->redo, NULL, "judge turns that have a reward, too", 0, 0, NULL},
		{"python", 0, OPT_STR, &o->python, "PATH", "of the programs (default /usr/bin/python3)", 0,
		 0, NULL},
		{"read", 0, OPT_CALL, o, "DIR", "a directory that programs may read; may be repeated", 0, 0,
		 add_read},
		{"min-tier", 0, OPT_INT, &o->min_tier, "N", "refuse a jail weaker than tier N (default 2)",
		 1, 3, NULL},
		{"tier", 0, OPT_INT, &o->tier, "N", "try no jail stronger than tier N (default 1)", 1, 3,
		 NULL},
		OPT_PROGRESS(progress),
		{0},
	};

	n = opt_parse(argc, *argv, table, usage, about);
	if (o->tier > o->min_tier)
		opt_usage(usage, "--tier %d is weaker than --min-tier %d", o->tier, o->min_tier);
	if (lenient && grader == HENDRYCKS)
		opt_usage(usage, "--lenient belongs to --grader strict");
	if (o->memory < 64u << 20)
		opt_usage(usage, "--memory: Python itself needs 64M");
	o->grader = grader == HENDRYCKS ? MATH_HENDRYCKS : lenient ? MATH_LENIENT : MATH_STRICT;
	if (!o->wall)
		o->wall = o->timeout * 6 > 10 ? o->timeout * 6 : 10;
	*argv += n;
	return argc - n;
}

int main(int argc, char **argv)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct verify_opts o = {
		.jobs = cores > 0 && cores < 256 ? (int)cores : 1, .timeout = 5, .memory = 1u << 30,
		.output = 1u << 20, .tier = 1, .min_tier = 2,
	};
	struct run r = {0};
	struct err e, bad_input;
	int n, at = 0, bad = 0, progress = 0;

	prog_init(argv[0]);
	n = options(argc, &argv, &o, &progress);
	o.launcher = launcher_new(&o, argv, n, &e);
	if (!o.launcher)
		die(EXIT_ERROR, "%s", e.msg);
	r.v = verifier_new(&o);
	progress_start(&r.progress, "verified", "turns", 0, progress);
	confine(&o);
	do {
		struct jl_in *in;

		if (open_input(o.launcher, argv, n, at, &in, &e) ||
		    run_file(&r, in, &bad, &bad_input, &e))
			die(EXIT_ERROR, "%s", e.msg);
		jl_close(in);
	} while (!bad && ++at < n);
	progress_end(&r.progress);
	verifier_free(r.v);
	launcher_free(o.launcher);
	return jl_exit(bad ? -1 : 0, bad ? &bad_input : &e);
}
