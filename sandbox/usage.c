/* SPDX-License-Identifier: MIT */
/* CPU time and memory of process trees, from /proc and performance counters. */
#include "usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PROCESSES = 4096, TEXT = 8192 };

/* Reads a file of /proc/PID, truncated to TEXT - 1 bytes; empty if there is none. */
static const char *slurp(pid_t pid, const char *file, char text[TEXT])
{
	char path[96];
	size_t n = 0;
	ssize_t got;
	int fd;

	text[0] = 0;
	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return text;
	while (n < TEXT - 1 && (got = read(fd, text + n, TEXT - 1 - n)) > 0)
		n += (size_t)got;
	close(fd);
	text[n] = 0;
	return text;
}

/* The value in bytes of a line "Name: 12 kB". */
static uint64_t kilobytes(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, n) && line[n] == ':')
			return strtoull(line + n + 1, NULL, 10) * 1024;
	}
	return 0;
}

/* utime, stime, cutime and cstime are fields 12 to 15 after the name, which ends with the last
 * bracket. The first two are the process's own, the others its children's. */
static double cpu_of(const char *stat, int own)
{
	const char *p = strrchr(stat, ')');
	uint64_t u, s, cu, cs;

	if (!p || sscanf(p + 1,
	                 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64
	                 " %" SCNu64,
	                 &u, &s, &cu, &cs) != 4)
		return 0;
	return (double)((own ? u + s : 0) + cu + cs) / (double)sysconf(_SC_CLK_TCK);
}

static size_t add_children(pid_t pid, long thread, pid_t *list, size_t n)
{
	char file[64], text[TEXT], *at = text, *end;

	snprintf(file, sizeof file, "task/%ld/children", thread);
	slurp(pid, file, text);
	for (long child; n < MAX_PROCESSES && (child = strtol(at, &end, 10)) > 0 && end != at; at = end)
		list[n++] = (pid_t)child;
	return n;
}

/* Lists pid and all its descendants. */
static size_t family(pid_t pid, pid_t *list)
{
	size_t n = 1;

	list[0] = pid;
	for (size_t i = 0; i < n; i++) {
		char path[64];
		struct dirent *d;
		DIR *dir;

		snprintf(path, sizeof path, "/proc/%ld/task", (long)list[i]);
		dir = opendir(path);
		while (dir && (d = readdir(dir)))
			if (d->d_name[0] != '.')
				n = add_children(list[i], strtol(d->d_name, NULL, 10), list, n);
		if (dir)
			closedir(dir);
	}
	return n;
}

int usage_tree_works(pid_t pid)
{
	char path[96];

	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	return !access(path, R_OK);
}

void usage_read(pid_t pid, int with_root, struct usage *u)
{
	pid_t list[MAX_PROCESSES];
	char text[TEXT];

	*u = (struct usage){.processes = family(pid, list)};
	for (size_t i = 0; i < u->processes; i++) {
		u->cpu += cpu_of(slurp(list[i], "stat", text), i || with_root);
		if (!i && !with_root)
			continue;
		slurp(list[i], "status", text);
		u->memory += kilobytes(text, "RssAnon") + kilobytes(text, "RssShmem") +
		             kilobytes(text, "VmSwap") + kilobytes(text, "VmPTE");
	}
}

int usage_counter(pid_t pid)
{
	struct perf_event_attr clock = {.type = PERF_TYPE_SOFTWARE, .size = sizeof clock,
	                                .config = PERF_COUNT_SW_TASK_CLOCK, .inherit = 1};
	int fd = (int)syscall(SYS_perf_event_open, &clock, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0)
		return fd;
	/* what users may request; counts the same */
	clock.exclude_kernel = clock.exclude_hv = 1;
	return (int)syscall(SYS_perf_event_open, &clock, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

double usage_counted(int counter)
{
	uint64_t ns;

	return counter >= 0 && read(counter, &ns, sizeof ns) == sizeof ns ? 1e-9 * (double)ns : -1;
}

size_t usage_threads(pid_t pid)
{
	char text[TEXT];

	return (size_t)(kilobytes(slurp(pid, "status", text), "Threads") / 1024);
}

uint64_t usage_memory_once(pid_t pid, int with_root)
{
	pid_t list[MAX_PROCESSES];
	size_t n = family(pid, list);
	uint64_t sum = 0, pte = 0;
	char text[TEXT];

	for (size_t i = with_root ? 0 : 1; i < n; i++) {
		slurp(list[i], "smaps_rollup", text);
		sum +=
		    kilobytes(text, "Pss_Anon") + kilobytes(text, "Pss_Shmem") + kilobytes(text, "SwapPss");
		pte += kilobytes(slurp(list[i], "status", text), "VmPTE");
	}
	return sum ? sum + pte : 0;
}
