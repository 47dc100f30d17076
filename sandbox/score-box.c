/* SPDX-License-Identifier: MIT */
/*
 * score-box: runs programs that a model wrote, and data sets' tests of them.
 *
 * There are one supervisor (this process) and two Python processes in jails of their own: the
 * tester, which holds the tests and lives on, and the model's side, which forks once per program.
 * Requests arrive as frames on standard input, one at a time, and replies go to standard output
 * (job.h describes the fields); score-verify -j N starts up to N score-box processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "job.h"
#include "landlock.h"

static const char usage[] = "score-box --serve | --probe | [options] -- COMMAND [ARG...]";

enum { MIN_BYTES = 4096 };           /* 0 would mean no limit */

/* True if the client is gone: nobody then needs what cannot be sent or read. */
static int abandoned(void)
{
	struct pollfd client = {.fd = 0};

	return poll(&client, 1, 0) == 1 && client.revents & POLLHUP;
}

static void say_hello(struct box *b)
{
	struct buf m = {0};
	struct err e;

	frame_begin(&m);
	frame_addf(&m, "tier", "%d", b->jail.tier);
	frame_adds(&m, "python", b->side[SIDE_MODEL].version);
	frame_adds(&m, "memory", jail_memory(&b->jail));
	if (frame_send(1, &m, NULL, 0, &e) && !abandoned())
		die(EXIT_ERROR, "<stdout>: %s", e.msg);
	buf_release(&m);
}

static void serve(struct box *b)
{
	struct buf request = {0}, reply = {0};
	struct err e, sent;
	int rc, unsent = 0;

	say_hello(b);
	while (!unsent && (rc = frame_recv(0, &request, NULL, NULL, &e)) == 1) {
		int ran = job_run(b, &request, &reply, &e);

		unsent = frame_send(1, &reply, NULL, 0, &sent);
		if (unsent && !abandoned())
			die(EXIT_ERROR, "<stdout>: %s", sent.msg);
		if (ran)
			die(EXIT_ERROR, "%s", e.msg);
	}
	if (!unsent && rc < 0 && !abandoned())
		die(EXIT_ERROR, "<stdin>: %s", e.msg);
	buf_release(&request);
	buf_release(&reply);
}

/* Prints which tier this machine offers and what it consists of here. */
static int probe_line(const struct box *b)
{
	const struct jail *j = &b->jail;

	return printf(
		"{\"tier\":%d,\"python\":\"%s\",\"landlock\":%d,\"memory\":\"%s\",\"cgroup\":%d}\n",
	    j->tier, b->side[SIDE_MODEL].version, j->tier < 3 ? landlock_abi() : 0, jail_memory(j),
	    j->group.version);
}

static int add_read(const char *arg, void *data, struct err *e)
{
	return command_read(data, arg, e);
}

static int below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

static int open_but(int fd, int mode)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != mode;
}

/* Number of our own arguments: those before the first "--". *command: what follows it, or NULL. */
static int split(int argc, char **argv, char ***command)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--")) {
			*command = &argv[i + 1];
			return i;
		}
	*command = NULL;
	return argc;
}

static void run_command(struct command *c)
{
	struct err e;

	if (!c->argv[0] || !*c->argv[0])
		opt_usage(usage, "no command after --");
	if (c->fd != 1 && c->fd != 2 && !open_but(c->fd, O_RDONLY))
		opt_usage(usage, "--fd %d: not open for writing", c->fd);
	if (c->memory < MIN_BYTES || c->tmp < MIN_BYTES || c->memory > INT64_MAX / 8)
		opt_usage(usage, "--memory and --tmp: at least 4K, and not excessive");
	if (!c->wall)
		c->wall = c->cpu * 6 > 10 ? c->cpu * 6 : 10;
	/* prog_init's stand-in for a closed stdin, which a command may not need */
	if (!open_but(0, O_WRONLY)) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (fd < 0 || dup2(fd, 0) < 0)
			die(EXIT_ERROR, "/dev/null: %s", strerror(errno));
		close(fd);
	}
	signal(SIGPIPE, SIG_IGN);
	if (command_run(c, &e))
		die(EXIT_ERROR, "%s", e.msg);
	for (size_t i = 0; c->read[i]; i++)
		free((char *)c->read[i]);
	exit(EXIT_DONE);
}

int main(int argc, char **argv)
{
	const char *python = NULL;
	struct command c = {.cpu = 5,
	                    .memory = 1 << 30,
	                    .output = 1 << 20,
	                    .file = 16 << 20,
	                    .tmp = 64 << 20,
	                    .processes = 64,
	                    .fd = 2};
	int serving = 0, probe = 0, no_group = 0, tier = 1, worst = 2, at;
	const struct opt table[] = {
		{"serve", 0, OPT_FLAG, &serving, NULL, "read requests on stdin, write replies on stdout", 0,
		 0, NULL},
		{"probe", 0, OPT_FLAG, &probe, NULL,
		 "print the tier that this machine gives as a JSON line", 0, 0, NULL},
		{"python", 0, OPT_STR, &python, "PATH", "interpreter (/usr/bin/python3)", 0, 0, NULL},
		{"no-cgroup", 0, OPT_FLAG, &no_group, NULL, "limit memory by rlimit only", 0, 0, NULL},
		{"tier", 0, OPT_INT, &tier, "N", "do not try anything stronger than tier N (1)", 1, 3,
		 NULL},
		{"min-tier", 0, OPT_INT, &worst, "N", "refuse to run with anything weaker than tier N (2)",
		 1, 3, NULL},
		{"timeout", 0, OPT_F64, &c.cpu, "S", "CPU seconds a command may use (5)", 0.1, 86400, NULL},
		{"wall", 0, OPT_F64, &c.wall, "S",
		 "wall seconds as a backstop (6 times --timeout, at least 10)", 0.1, 1e6, NULL},
		{"memory", 0, OPT_BYTES, &c.memory, "BYTES", "memory a command may use (1G)", 0, 0, NULL},
		{"output", 0, OPT_BYTES, &c.output, "BYTES", "what a command may print (1M)", 0, 0, NULL},
		{"file", 0, OPT_BYTES, &c.file, "BYTES", "how large a file may get (16M)", 0, 0, NULL},
		{"tmp", 0, OPT_BYTES, &c.tmp, "BYTES", "how much the private /tmp holds (64M)", 0, 0, NULL},
		{"processes", 0, OPT_INT, &c.processes, "N", "processes and threads at a time (64)", 1,
		 4000, NULL},
		{"read", 0, OPT_CALL, &c, "DIR",
		 "a directory that commands and programs may read; may be repeated", 0, 0, add_read},
		{"fd", 0, OPT_INT, &c.fd, "N", "descriptor for a command's verdict (2)", 1, 1 << 20, NULL},
		{0},
	};
	struct box box = {.client = 1};
	struct err e;

	prog_init(argv[0]);
	argc = split(argc, argv, &c.argv);
	at = opt_parse(argc, argv, table, usage,
	               "Runs untrusted Python programs against tests, or any command, in a jail.");
	if (at < argc || serving + probe + (c.argv != NULL) != 1)
		opt_usage(usage,
		          at < argc ? "unexpected argument %s" : "one of --serve, --probe and -- COMMAND%s",
		          at < argc ? argv[at] : "");
	if (tier > worst)
		opt_usage(usage, "--tier %d is weaker than --min-tier %d", tier, worst);
	c.tier = tier;
	c.min_tier = worst;
	c.no_group = no_group;
	if (c.argv)
		run_command(&c);
	for (size_t i = 0; c.read[i]; i++)
		if (below(c.read[i], "/tmp") || below(c.read[i], "/var/tmp"))
			opt_usage(usage, "--read %s: /tmp and /var/tmp are the programs' own", c.read[i]);
	signal(SIGPIPE, SIG_IGN);
	if (jail_open(&box.jail, python, c.read, tier, worst, !no_group, box.side, &e))
		die(EXIT_ERROR, "%s", e.msg);
	if (serving)
		serve(&box);
	else if (probe_line(&box) < 0 || fflush(stdout))
		die(EXIT_ERROR, "<stdout>: %s", strerror(errno));
	box_close(&box);
	return EXIT_DONE;
}
