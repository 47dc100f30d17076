/* SPDX-License-Identifier: MIT */
/*
 * Runs a pipeline of programs as a shell would and says what it cost, one line of JSON:
 *
 *     {"seconds", "first_byte", "rss_anon", "stages": [{"name", "end", "cpu", "rss_anon",
 *     "status"}, ..]}
 *
 * end is seconds from the start to the stage's exit, first_byte to the first one the last stage
 * wrote (null: none), cpu the processor seconds of the stage and of what it waited for; rss_anon
 * the most anonymous memory (RssAnon, bytes) that was seen, of a stage with its descendants, and of
 * all at one time.
 *
 * usage: pipe [-i INPUT] [-o OUTPUT] [-r REPEAT] PROGRAM [ARG..] [, PROGRAM [ARG..]]..
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

extern char **environ;

enum { STAGES = 16, EVERY_MS = 20 };

struct stage {
	char **argv;
	pid_t pid;
	int pidfd, status;
	double end, cpu;
	uint64_t rss;
};

/* ---- memory ---------------------------------------------------------------- */

static uint64_t anon_of(long pid)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}

/* With all descendants: children are listed by the thread that made them. */
static uint64_t anon_tree(long pid, int depth)
{
	uint64_t sum = anon_of(pid);
	char path[600];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%ld/task", pid);
	dir = depth < 8 ? opendir(path) : NULL;
	while (dir && (d = readdir(dir))) {
		long child;
		FILE *f;

		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%ld/task/%s/children", pid, d->d_name);
		f = fopen(path, "re");
		while (f && fscanf(f, "%ld", &child) == 1)
			sum += anon_tree(child, depth + 1);
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return sum;
}

static void look(struct stage *s, size_t n, uint64_t *most)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t rss = s[i].pid ? anon_tree(s[i].pid, 0) : 0;

		s[i].rss = rss > s[i].rss ? rss : s[i].rss;
		sum += rss;
	}
	*most = sum > *most ? sum : *most;
}

/* ---- running ------------------------------------------------------------------ */

static void start(struct stage *s, int in, int out)
{
	posix_spawn_file_actions_t acts;
	int rc;

	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_adddup2(&acts, in, 0);
	posix_spawn_file_actions_adddup2(&acts, out, 1);
	rc = posix_spawnp(&s->pid, s->argv[0], &acts, NULL, s->argv, environ);
	posix_spawn_file_actions_destroy(&acts);
	if (rc)
		die(EXIT_ERROR, "%s: %s", s->argv[0], strerror(rc));
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd < 0)
		die(EXIT_ERROR, "pidfd_open: %s", strerror(errno));
	close(in);
	close(out);
}

static void reap(struct stage *s, double started)
{
	struct rusage u;

	s->end = now_seconds() - started;
	while (wait4(s->pid, &s->status, 0, &u) < 0 && errno == EINTR)
		;
	s->cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	         1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	close(s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
}

static void run(struct stage *s, size_t n, const char *input, const char *output)
{
	int in = open(input, O_RDONLY | O_CLOEXEC),
	    to = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), fds[2];
	struct pollfd p[STAGES + 1];
	double started = now_seconds(), first = -1, wall, looked = 0;
	uint64_t most = 0;
	char block[65536];
	size_t left = n;

	if (in < 0 || to < 0)
		die(EXIT_ERROR, "%s: %s", in < 0 ? input : output, strerror(errno));
	for (size_t i = 0; i < n; i++) {
		if (pipe2(fds, O_CLOEXEC))
			die(EXIT_ERROR, "pipe: %s", strerror(errno));
		start(&s[i], in, fds[1]);
		in = fds[0];
	}
	while (left || in >= 0) {
		double now = now_seconds();

		for (size_t i = 0; i < n; i++)
			p[i] = (struct pollfd){.fd = s[i].pidfd, .events = POLLIN};
		p[n] = (struct pollfd){.fd = in, .events = POLLIN};
		if (now - looked > 1e-3 * EVERY_MS) {
			look(s, n, &most);
			looked = now;
		}
		if (poll(p, n + 1, EVERY_MS) < 0 && errno != EINTR)
			die(EXIT_ERROR, "poll: %s", strerror(errno));
		for (size_t i = 0; i < n; i++)
			if (s[i].pid && p[i].revents) {
				reap(&s[i], started);
				left--;
			}
		if (in >= 0 && p[n].revents) {
			ssize_t got = read(in, block, sizeof block);

			if (got > 0 && first < 0)
				first = now_seconds() - started;
			if (got <= 0) {
				close(in);
				in = -1;
			} else if (write(to, block, (size_t)got) != got) {
				die(EXIT_ERROR, "%s: %s", output, strerror(errno));
			}
		}
	}
	wall = now_seconds() - started;
	close(to);
	printf("{\"seconds\":%.6f,\"first_byte\":", wall);
	printf(first < 0 ? "null" : "%.6f", first);
	printf(",\"rss_anon\":%llu,\"stages\":[", (unsigned long long)most);
	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(s[i].argv[0], '/');

		printf("%s{\"name\":\"%s\",\"end\":%.6f,\"cpu\":%.6f,\"rss_anon\":%llu,\"status\":%d}",
		       i ? "," : "", slash ? slash + 1 : s[i].argv[0], s[i].end, s[i].cpu,
		       (unsigned long long)s[i].rss,
		       WIFEXITED(s[i].status) ? WEXITSTATUS(s[i].status) : 128 + WTERMSIG(s[i].status));
	}
	puts("]}");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *input = "/dev/null", *output = "/dev/null";
	struct stage s[STAGES];
	uint64_t repeat = 1;
	struct err e;
	size_t n = 0;
	int c;

	prog_init(argv[0]);
	while ((c = getopt(argc, argv, "+i:o:r:")) != -1) {
		if (c == 'i')
			input = optarg;
		else if (c == 'o')
			output = optarg;
		else if (c != 'r')
			return EXIT_USAGE;
		else if (parse_u64(optarg, 1, 100000, &repeat, &e))
			die(EXIT_USAGE, "%s", e.msg);
	}
	for (char **a = argv + optind; *a; n++) {
		if (n == STAGES)
			die(EXIT_USAGE, "more than %d programs", STAGES);
		s[n] = (struct stage){.argv = a};
		while (*a && strcmp(*a, ","))
			a++;
		if (*a)
			*a++ = NULL;
		if (!s[n].argv[0])
			die(EXIT_USAGE, "a comma without a program before it");
	}
	if (!n)
		die(EXIT_USAGE,
		    "usage: pipe [-i INPUT] [-o OUTPUT] [-r REPEAT] PROGRAM [ARG..] [, PROGRAM [ARG..]]..");
	while (repeat--) {
		for (size_t i = 0; i < n; i++)
			s[i] = (struct stage){.argv = s[i].argv};
		run(s, n, input, output);
	}
	return EXIT_DONE;
}
