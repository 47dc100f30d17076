/* SPDX-License-Identifier: MIT */
/*
 * score-box: runs programs that a model wrote, and data sets' tests of them.
 *
 * One supervisor (this) and two Python processes in jails of their own: the
 * tester, which holds the tests and lives on, and the model's side, which
 * forks once per program. Requests come as frames on standard input, one at
 * a time, and replies go to standard output (job.h has their fields); score-verify
 * starts one score-box for each of its jobs.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"
#include "landlock.h"

static const char usage[] = "score-box --serve | --probe [options]";

static void say_hello(struct box *b)
{
	struct buf m = {0};
	struct err e;

	frame_begin(&m);
	frame_addf(&m, "tier", "%d", b->jail.tier);
	frame_adds(&m, "python", b->side[SIDE_MODEL].version);
	frame_adds(&m, "memory", jail_memory(&b->jail));
	if (frame_send(1, &m, NULL, 0, &e))
		die(EXIT_ERROR, "<stdout>: %s", e.msg);
	buf_release(&m);
}

static void serve(struct box *b)
{
	struct buf request = {0}, reply = {0};
	struct err e;
	int rc;

	say_hello(b);
	while ((rc = frame_recv(0, &request, NULL, NULL, &e)) == 1) {
		int ran = job_run(b, &request, &reply, &e);
		struct err sent;

		if (frame_send(1, &reply, NULL, 0, &sent))
			die(EXIT_ERROR, "<stdout>: %s", sent.msg);
		if (ran)
			die(EXIT_ERROR, "%s", e.msg);
	}
	if (rc < 0)
		die(EXIT_ERROR, "<stdin>: %s", e.msg);
	buf_release(&request);
	buf_release(&reply);
}

/* What this machine gives: the words of DESIGN's tiers, and what they are made of here. */
static int probe_line(const struct box *b)
{
	const struct jail *j = &b->jail;

	return printf("{\"tier\":%d,\"python\":\"%s\",\"landlock\":%d,\"memory\":\"%s\",\"cgroup\":%d}\n", j->tier,
	              b->side[SIDE_MODEL].version, j->tier < 3 ? landlock_abi() : 0, jail_memory(j), j->group.version);
}

int main(int argc, char **argv)
{
	const char *python = NULL;
	int serving = 0, probe = 0, no_group = 0, tier = 1, worst = 3, at;
	const struct opt table[] = {
		{"serve", 0, OPT_FLAG, &serving, NULL, "read requests on stdin, write replies on stdout", 0, 0, NULL},
		{"probe", 0, OPT_FLAG, &probe, NULL, "print the tier that this machine gives as a JSON line", 0, 0, NULL},
		{"python", 0, OPT_STR, &python, "PATH", "interpreter (/usr/bin/python3)", 0, 0, NULL},
		{"no-cgroup", 0, OPT_FLAG, &no_group, NULL, "limit memory by rlimit only", 0, 0, NULL},
		{"tier", 0, OPT_INT, &tier, "N", "do not try anything stronger than tier N (1)", 1, 3, NULL},
		{"min-tier", 0, OPT_INT, &worst, "N", "refuse to run with anything weaker than tier N (3)", 1, 3, NULL},
		{0},
	};
	struct box box = {.client = 1};
	struct err e;

	prog_init(argv[0]);
	at = opt_parse(argc, argv, table, usage, "Runs untrusted Python programs against tests, in a jail.");
	if (at < argc || serving == probe)
		opt_usage(usage, at < argc ? "unexpected argument %s" : "either --serve or --probe%s",
		          at < argc ? argv[at] : "");
	if (tier > worst)
		opt_usage(usage, "--tier %d is weaker than --min-tier %d", tier, worst);
	signal(SIGPIPE, SIG_IGN);
	if (jail_open(&box.jail, python, tier, worst, !no_group, box.side, &e))
		die(EXIT_ERROR, "%s", e.msg);
	if (serving)
		serve(&box);
	else if (probe_line(&box) < 0 || fflush(stdout))
		die(EXIT_ERROR, "<stdout>: %s", strerror(errno));
	box_close(&box);
	return EXIT_DONE;
}
