/* SPDX-License-Identifier: MIT */
/*
 * score-bonus: turns rewards into each turn's return (the paper's, with the progress bonus, or a jq
 * program's) and its advantage over a baseline.
 */
#include <stdlib.h>
#include <unistd.h>

#include "shape/shape.h"

enum { MAX_PROGRAM = 1 << 20 };      /* bytes of a jq program */

static const char usage[] = "score-bonus --stage 1|2 [options] [FILE]";
static const char about[] = "Adds stage, return and advantage to verified trajectories.";

struct settings {
	struct shaping shaping;
	const char *program;
	struct buf text;             /* of the program */
	int partial;
};

/* The program gets the numbers as variables, so that one file can serve several runs. It is the
 * text of --return, or of the file that --return names. */
static int compile(struct settings *s, struct err *e)
{
	struct js args = js_object();
	int rc = 0;

	if (str_ends(s->program, ".jq") && !access(s->program, F_OK))
		rc = file_read(s->program, MAX_PROGRAM, &s->text, e);
	else
		buf_adds(&s->text, s->program);
	buf_addc(&s->text, 0);
	js_set(&args, "stage", js_num(s->shaping.stage));
	js_set(&args, "alpha", js_num(s->shaping.alpha));
	js_set(&args, "gamma", js_num(s->shaping.gamma));
	rc = rc || jqp_new(s->text.data, "--return", args, &s->shaping.program, e);
	js_free(args);
	s->shaping.text = s->text.data;
	return rc;
}

/* Writes what is ready. */
static int drain(struct shape_stream *r, struct err *e)
{
	struct traj *t;

	while ((t = shape_stream_next(r)))
		if (jl_write(t->rec, e))
			return -1;
	return 0;
}

/* Adds one record to the stream: 1, or 0 at end of input. */
static int take(struct jl_in *in, const struct settings *s, struct shape_stream *r, struct err *e)
{
	struct traj t;
	struct js rec;
	int rc = jl_read(in, &rec, e);

	if (rc <= 0)
		return rc;
	if (traj_parse(rec, TRAJ_ID | TRAJ_TURNS | TRAJ_REWARDS, &t, e))
		return jl_where(in, e);
	t.line = jl_line(in);
	if (shape_returns(&s->shaping, &t, e)) {
		traj_release(&t);
		return jl_where(in, e);
	}
	if (shape_stream_add(r, &t, e))
		return jl_where(in, e);
	return 1;
}

static int run(struct jl_in *in, const struct settings *s, struct err *e)
{
	struct shape_stream *r = shape_stream_new(&s->shaping, s->partial);
	struct err late;
	int rc;

	while ((rc = take(in, s, r, e)) > 0)
		if (drain(r, e)) {
			shape_stream_free(r);
			return -1;
		}
	if (!rc && shape_stream_end(r, e)) {
		err_prefix(e, "%s:%zu: end of input, but ", jl_name(in), jl_line(in));
		rc = -1;
	}
	shape_stream_stop(r);
	if (drain(r, rc ? &late : e))
		rc = -1;
	if (shape_stream_unpaired(r))
		warn("%zu turns have no second sample to compare with: advantage 0",
		     shape_stream_unpaired(r));
	shape_stream_free(r);
	return rc;
}

int main(int argc, char **argv)
{
	struct settings s = {.shaping = {.alpha = 10, .baseline = SHAPE_LOO}};
	struct jl_in *in;
	struct err e;
	const char *file;
	int rc;
	const struct opt table[] = {
		{"stage", 0, OPT_INT, &s.shaping.stage, "1|2",
		 "the stage whose returns these are (default 2 with --return)", 1, 2, NULL},
		{"alpha", 0, OPT_F64, &s.shaping.alpha, "A",
		 "weight of the progress bonus in Stage II (default 10)", 0, 1e30, NULL},
		{"gamma", 0, OPT_F64, &s.shaping.gamma, "G",
		 "discount from turn to turn (default 0)", 0, 1, NULL},
		{"baseline", 0, OPT_CHOICE, &s.shaping.baseline, "loo|group|batch|none",
		 "what returns are compared with (default loo)", 0, 0, NULL},
		{"advantage-norm", 0, OPT_FLAG, &s.shaping.norm, NULL,
		 "advantages over the returns' standard deviation", 0, 0, NULL},
		{"return", 0, OPT_STR, &s.program, "JQ|FILE.jq",
		 "jq program from the trajectory to an array of returns", 0, 0, NULL},
		{"partial", 0, OPT_FLAG, &s.partial, NULL,
		 "shape groups and batches that are cut short as they are", 0, 0, NULL},
		{0},
	};

	prog_init(argv[0]);
	file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	if (!s.shaping.stage && !s.program)
		opt_usage(usage, "wants --stage (or --return)");
	if (s.shaping.norm && s.shaping.baseline == SHAPE_NONE)
		opt_usage(usage, "--advantage-norm wants a --baseline");
	if (!s.shaping.stage)
		s.shaping.stage = 2;
	if (s.program && compile(&s, &e))
		die(EXIT_USAGE, "%s", e.msg);
	if (jl_open(file, &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	rc = run(in, &s, &e);
	jl_close(in);
	jqp_free(s.shaping.program);
	buf_release(&s.text);
	return jl_exit(rc, &e);
}
