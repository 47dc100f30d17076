/* SPDX-License-Identifier: MIT */
/* Returns, baselines and the stream of groups, against numbers worked out by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shape/shape.h"
#include "tap.h"

/* rewards: one letter a turn: 0 1 h(alf) x(null); a capital-like prefix g marks it given ("g1"). */
static struct traj record(const char *id, int64_t index, int64_t sample, int64_t group,
                          const char *rewards)
{
	struct buf b = {0};
	struct js rec;
	struct traj t;
	struct err e;

	buf_addf(&b, "{\"id\":\"%s\",\"sample\":%d,\"group\":%d", id, (int)sample, (int)group);
	if (index >= 0)
		buf_addf(&b, ",\"batch\":{\"step\":3,\"size\":2,\"index\":%d}", (int)index);
	buf_adds(&b, ",\"turns\":[");
	for (const char *p = rewards; *p; p++) {
		int given = *p == 'g';

		p += given;
		buf_addf(&b, "{\"response\":\"\",\"reward\":%s%s}%s",
		         *p == '0' ? "0" : *p == '1' ? "1" : *p == 'h' ? "0.5" : "null",
		         given ? ",\"given\":true" : "", p[1] ? "," : "]}");
	}
	if (js_parse(b.data, b.len, &rec, &e) || traj_parse(rec, TRAJ_REWARDS, &t, &e)) {
		printf("Bail out! %s\n", e.msg);
		exit(1);
	}
	buf_release(&b);
	return t;
}

static int near(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

static void returns_are(const struct shaping *s, const char *rewards, const double *want,
                        const char *name)
{
	struct traj t = record("p", 0, 0, 1, rewards);
	struct err e;
	int good = !shape_returns(s, &t, &e);

	for (size_t k = 0; good && k < t.n_turns; k++) {
		if (!near(t.turns[k].ret, want[k]))
			diag("turn %zu: %g, expected %g", k, t.turns[k].ret, want[k]);
		good = good && near(t.turns[k].ret, want[k]) && t.turns[k].has_return;
	}
	ok(good, "returns: %s", name);
	traj_release(&t);
}

static void returns(void)
{
	struct shaping one = {.stage = 1, .alpha = 10}, two = {.stage = 2, .alpha = 10};
	struct shaping far = {.stage = 2, .alpha = 2, .gamma = 0.5};

	returns_are(&one, "01", (double[]){0, 1}, "Stage I pays the last turn only");
	returns_are(&one, "10", (double[]){0, 0}, "Stage I: a right first turn earns nothing");
	returns_are(&one, "111", (double[]){0, 0, 1}, "Stage I, three turns");
	returns_are(&two, "01", (double[]){0, 11}, "Stage II: wrong to right");
	returns_are(&two, "10", (double[]){1, -10}, "Stage II: right to wrong");
	returns_are(&two, "11", (double[]){1, 1}, "Stage II: right to right");
	returns_are(&two, "h1h", (double[]){0.5, 6, -4.5},
	            "Stage II, three turns, each against the one before");
	returns_are(&two, "g01", (double[]){0, 11},
	            "Stage II: a given turn earns nothing, its reward still compares");
	returns_are(&two, "1x", (double[]){0, 0}, "one null reward excludes the trajectory");
	returns_are(&far, "011", (double[]){0 + 0.5 * (3 + 0.5 * 1), 3.5, 1}, "gamma 0.5");
	far.stage = 1;
	returns_are(&far, "011", (double[]){0.25, 0.5, 1}, "gamma 0.5, Stage I");
}

static void program(void)
{
	struct shaping s = {.stage = 2};
	struct js args = js_object();
	struct traj t = record("p", 0, 0, 1, "0g11");
	struct err e;

	js_set(&args, "alpha", js_num(3));
	ok(!jqp_new("[.turns[].reward * $alpha + 1]", "--return", args, &s.program, &e) &&
	   !shape_returns(&s, &t, &e) &&
	   near(t.turns[0].ret, 1) && near(t.turns[1].ret, 0) && near(t.turns[2].ret, 4),
		"a jq program's returns");
	jqp_free(s.program);
	ok(!jqp_new("[1, 2]", "--return", args, &s.program, &e) && shape_returns(&s, &t, &e) &&
	   strstr(e.msg, "3 numbers"),
	   "a program with too few returns: %s", e.msg);
	jqp_free(s.program);
	ok(!jqp_new("[1, \"\", 2]", "--return", args, &s.program, &e) && shape_returns(&s, &t, &e) &&
	   strstr(e.msg, "[1]: expected a finite number or null, got string"),
	   "a return that is no number: %s", e.msg);
	jqp_free(s.program);
	js_free(args);
	traj_release(&t);
}

/* ---- advantages --------------------------------------------------------- */

enum { N = 6 };

/* Two groups: a has returns 1 0 0 (turn 1) and 2 2 2; b has a given first turn and an error. */
static void advantages_are(enum shape_baseline b, int norm, const double first[N],
                           const double second[N],
                           size_t unpaired,
                           const char *name)
{
	static const double ret[N][2] = {{1, 2}, {0, 2}, {0, 2}, {0, 5}, {4, 1}, {0, 0}};
	struct traj t[N] = {
		record("a", 0, 0, 3, "11"), record("a", 0, 1, 3, "11"), record("a", 0, 2, 3, "11"),
		record("b", 1, 0, 3, "g11"), record("b", 1, 1, 3, "11"), record("b", 1, 2, 3, "1x"),
	};
	/* the order of arrival must not matter */
	struct traj *order[N] = {&t[4], &t[0], &t[5], &t[2], &t[1], &t[3]};
	struct shaping s = {.baseline = b, .norm = norm};
	size_t got = 0;
	int good = 1;

	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < 2; k++)
			t[i].turns[k].ret = ret[i][k];
	shape_advantages(&s, order, N, &got);
	for (size_t i = 0; i < N; i++) {
		int same = near(t[i].turns[0].advantage, first[i]) &&
			near(t[i].turns[1].advantage, second[i]);

		if (!same)
			diag("trajectory %zu: %g %g, expected %g %g", i, t[i].turns[0].advantage,
			     t[i].turns[1].advantage, first[i], second[i]);
		good = good && same;
		traj_release(&t[i]);
	}
	ok(good && got == unpaired, "advantages: %s, %zu unpaired", name, got);
}

static void advantages(void)
{
	const double third = 1.0 / 3, b1 = sqrt(43.0 / 12), b2 = sqrt(2.3);

	advantages_are(SHAPE_LOO, 0, (double[]){1, -0.5, -0.5, 0, 0, 0}, (double[]){0, 0, 0, 4, -4, 0},
	               1,
	               "leave one out");
	advantages_are(SHAPE_GROUP, 0, (double[]){2 * third, -third, -third, 0, 0, 0},
	               (double[]){0, 0, 0, 2, -2, 0}, 1,
	               "group mean");
	advantages_are(SHAPE_BATCH, 0, (double[]){-0.25, -1.25, -1.25, 0, 2.75, 0},
	               (double[]){-0.4, -0.4, -0.4, 2.6, -1.4, 0}, 0, "batch mean");
	advantages_are(SHAPE_NONE, 0, (double[]){1, 0, 0, 0, 4, 0}, (double[]){2, 2, 2, 5, 1, 0}, 0,
	               "none");
	/* deviations: of 1 0 0 sqrt(1/3), of 5 1 sqrt(8); of 1 0 0 4 sqrt(43/12), of 2 2 2 5 1
	 * sqrt(2.3) */
	advantages_are(SHAPE_LOO, 1, (double[]){sqrt(3), -0.5 * sqrt(3), -0.5 * sqrt(3), 0, 0, 0},
	               (double[]){0, 0, 0, 4 / sqrt(8), -4 / sqrt(8), 0}, 1, "leave one out, norm");
	advantages_are(SHAPE_GROUP, 1, (double[]){2 * third * sqrt(3), -third * sqrt(3),
	               -third * sqrt(3), 0, 0, 0}, (double[]){0, 0, 0, 2 / sqrt(8), -2 / sqrt(8), 0}, 1,
	               "group mean, norm");
	advantages_are(SHAPE_BATCH, 1, (double[]){-0.25 / b1, -1.25 / b1, -1.25 / b1, 0, 2.75 / b1, 0},
	               (double[]){-0.4 / b2, -0.4 / b2, -0.4 / b2, 2.6 / b2, -1.4 / b2, 0}, 0,
	               "batch mean, norm");
}

static void exact_zero(void)
{
	struct traj t[3] = {record("a", 0, 0, 3, "1"), record("a", 0, 1, 3, "1"),
		record("a", 0, 2, 3, "1")};
	struct traj *p[3] = {&t[0], &t[1], &t[2]};
	struct shaping loo = {.norm = 1};
	size_t unpaired = 0;
	int good = 1;

	for (int i = 0; i < 3; i++)
		t[i].turns[0].ret = 0.1;
	shape_advantages(&loo, p, 3, &unpaired);
	for (int i = 0; i < 3; i++) {
		good = good && t[i].turns[0].advantage == 0;
		traj_release(&t[i]);
	}
	ok(good, "equal returns have an advantage of exactly 0");
}

/* ---- the stream ----------------------------------------------------------------- */

/* Feeds records "index:sample" and tells what came out, e.g. "a0 a1 | b0". A bar after each one
 * fed. */
static void stream_is(const char *feed, int stamped, enum shape_baseline b, int partial,
                      const char *want, const char *error)
{
	struct shaping s = {.stage = 2, .alpha = 1, .baseline = b};
	struct shape_stream *r = shape_stream_new(&s, partial);
	struct buf got = {0};
	struct err e = {""};
	struct traj *out;
	int rc = 0;

	for (const char *p = feed; *p && !rc; p += 2) {
		char id[2] = {*p, 0};
		struct traj t = record(id, stamped ? *p - 'a' : -1, p[1] - '0', 2, "01");

		rc = shape_returns(&s, &t, &e) || shape_stream_add(r, &t, &e);
		while ((out = shape_stream_next(r)))
			buf_addf(&got, "%s%d", out->id, (int)out->sample);
		buf_addc(&got, '|');
	}
	if (!rc)
		rc = shape_stream_end(r, &e);
	shape_stream_stop(r);
	while ((out = shape_stream_next(r)))
		buf_addf(&got, "%s%d", out->id, (int)out->sample);
	ok(!strcmp(got.data, want) && !rc == !error && (!error || strstr(e.msg, error)),
	   "stream %s: %s%s%s", feed,
	   got.data, rc ? ", error " : "", rc ? e.msg : "");
	buf_release(&got);
	shape_stream_free(r);
}

static void streams(void)
{
	stream_is("a0a1b0b1", 1, SHAPE_LOO, 0, "|a0a1||b0b1|", NULL);
	stream_is("a0b0b1a1", 1, SHAPE_LOO, 0, "|||a0b0b1a1|", NULL);
	stream_is("a0a1b0b1", 1, SHAPE_BATCH, 0, "|||a0a1b0b1|", NULL);
	stream_is("a0a1b0", 1, SHAPE_LOO, 0, "|a0a1||", "problem b has 1 of 2 samples");
	stream_is("b0a0a1", 1, SHAPE_LOO, 0, "|||a0a1", "problem b has 1 of 2 samples");
	stream_is("a0a1", 1, SHAPE_LOO, 0, "|a0a1|", "1 of 2 problems");
	stream_is("a0a1b0", 1, SHAPE_BATCH, 0, "|||", "cut short");
	stream_is("a0a1b0", 1, SHAPE_LOO, 1, "|a0a1||b0", NULL);
	stream_is("a0a0", 1, SHAPE_LOO, 0, "||", "sample 0 a second time");
	stream_is("a0a1a2", 1, SHAPE_LOO, 0, "|a0a1||", "more than 2 samples");
	stream_is("a0a1b0b1a0", 1, SHAPE_LOO, 0, "|a0a1||b0b1||", "whole before this line");
	stream_is("x0x1y0", 0, SHAPE_LOO, 0, "|x0x1||", "problem y has 1 of 2");
	stream_is("x0x1y0", 0, SHAPE_LOO, 1, "|x0x1||y0", NULL);
}

int main(void)
{
	returns();
	program();
	advantages();
	exact_zero();
	streams();
	return done();
}
