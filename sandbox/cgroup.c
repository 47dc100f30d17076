/* SPDX-License-Identifier: MIT */
/* Makes, uses and removes the control group. Files and formats: the kernel's admin-guide/cgroup-v2
 * and cgroup-v1/memory. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MEMORY, TASKS, CPU };

#define NONE \
	(struct cgroup){.dir = {-1, -1, -1}, .usage = -1, .peak = -1, .limit = -1, .events = -1, \
	                .cpu = -1, .alive = -1}

/* The warm Python may grow while it waits (it loads more modules), but only by this much, since
 * files read by programs also count in the group. The limit is rewritten only if it is off by more
 * than STEP. */
enum { GROWTH = 32 << 20, STEP = 1 << 20 };

#define PREFIX "score-box."

/* File names by version. */
static const char *const limit_file[] = {NULL, "memory.limit_in_bytes", "memory.max"};
static const char *const usage_file[] = {NULL, "memory.usage_in_bytes", "memory.current"};
static const char *const peak_file[] = {NULL, "memory.max_usage_in_bytes", "memory.peak"};
static const char *const events_file[] = {NULL, "memory.oom_control", "memory.events"};
static const char *const cpu_file[] = {NULL, "cpuacct.usage", "cpu.stat"};

/* ---- our own group ---- */

/* True if word is in a comma-separated list. */
static int listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, word, n) && (!at[n] || at[n] == ',' || at[n] == '\n'))
			return 1;
	}
	return 0;
}

/* Our group's path from the root of the hierarchy with this controller (version 1), or of the
 * unified one (NULL). */
static int own_group(const char *controller, char out[PATH_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 256];
	int found = 0;

	while (f && !found && fgets(line, sizeof line, f)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = 0;
		path[strcspn(path, "\n")] = 0;
		found = controller ? listed(list + 1, controller) : !list[1];
		if (found)
			snprintf(out, PATH_MAX, "%s", path);
	}
	if (f)
		fclose(f);
	return found && out[0] == '/' && strncmp(out, "/..", 3) ? 0 : -1;
}

/* That hierarchy's mount point, and the group that is the mount's root. */
static int mounted(const char *controller, char point[PATH_MAX], char root[PATH_MAX])
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[3 * PATH_MAX], *rest;
	int found = 0;

	while (f && !found && fgets(line, sizeof line, f)) {
		char type[32], options[512];

		rest = strstr(line, " - ");
		if (!rest || sscanf(rest, " - %31s %*s %511s", type, options) != 2 ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2)
			continue;
		found = controller ? !strcmp(type, "cgroup") && listed(options, controller)
		                   : !strcmp(type, "cgroup2");
	}
	if (f)
		fclose(f);
	return found && !strchr(point, '\\') && !strchr(root, '\\') ? 0 : -1;
}

/* Our own group's directory; *top: length of its hierarchy's mount point, a lower bound. */
static int own_dir(const char *controller, char out[PATH_MAX], size_t *top, struct err *e)
{
	const char *what = controller ? controller : "version 2";
	char group[PATH_MAX], point[PATH_MAX], root[PATH_MAX];
	const char *rest = group;
	size_t n;

	if (own_group(controller, group) || mounted(controller, point, root))
		return err_set(e, "no cgroup found (%s)", what);
	n = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(group, root, n))
		return err_set(e, "our cgroup (%s) is not mounted", what);
	rest += n;
	n = strlen(point);
	if (n + strlen(rest) >= PATH_MAX)
		return err_set(e, "our cgroup's path is too long");
	memcpy(out, point, n);
	strcpy(out + n, strcmp(rest, "/") ? rest : "");
	*top = n;
	return 0;
}

/* ---- creating and removing ---- */

/* Removes empty groups left by score-box processes that are gone. Groups in use cannot be
 * removed. */
static void sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct err e;
	int64_t pid;

	while (d && (entry = readdir(d)))
		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)) &&
		    !parse_i64(entry->d_name + strlen(PREFIX), 1, INT_MAX, &pid, &e) &&
		    kill((pid_t)pid, 0) && errno == ESRCH)
			unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	if (d)
		closedir(d);
}

static int write_at(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return rc;
}

/* Creates a group in dir in which `file` can be written: its descriptor, its path in *path
 * (owned). */
static int make_in(const char *dir, const char *file, char **path, struct err *e)
{
	char text[PATH_MAX + 32];
	int fd, saved;

	sweep(dir);
	snprintf(text, sizeof text, "%s/" PREFIX "%ld", dir, (long)getpid());
	rmdir(text);                     /* left by an earlier process with our pid */
	if (mkdir(text, 0755))
		return err_set(e, "%s: %s", text, strerror(errno));
	fd = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && !faccessat(fd, file, W_OK, AT_EACCESS)) {
		*path = xstrdup(text);
		return fd;
	}
	saved = errno;
	if (fd >= 0)
		close(fd);
	rmdir(text);
	return err_set(e, "%s/%s: %s", text, file, strerror(saved));
}

/* Creates the group below our own, else beside it. */
static int make_group(const char *controller, const char *file, char **path, struct err *e)
{
	char dir[PATH_MAX];
	struct err first;
	size_t top = 0;
	int fd;

	if (own_dir(controller, dir, &top, e))
		return -1;
	fd = make_in(dir, file, path, &first);
	if (fd >= 0)
		return fd;
	*e = first;
	if (controller || strlen(dir) <= top)
		return -1;
	*strrchr(dir, '/') = 0;
	return make_in(dir, file, path, e);
}

/* Removes the group, waiting a while for its last process to end; if forcing, kills the processes
 * of a dead parent. */
static void take_away(const char *path, int forcing)
{
	const struct timespec nap = {0, 2000000};

	for (int i = 0; i < 2000 && rmdir(path) && errno == EBUSY; i++) {
		char file[PATH_MAX + 64], line[32];
		FILE *f;

		snprintf(file, sizeof file, "%s/cgroup.procs", path);
		f = forcing && i >= 10 ? fopen(file, "re") : NULL;
		while (f && fgets(line, sizeof line, f))
			if (atol(line) > 1)
				kill((pid_t)atol(line), SIGKILL);
		if (f)
			fclose(f);
		nanosleep(&nap, NULL);
	}
}

/* The keeper process: has only the pipe open and ignores signals from the terminal. */
NORETURN static void keep(const struct cgroup *g, int gone)
{
	char c;

	setsid();
	prctl(PR_SET_NAME, "score-box: end");
	for (int s = 1; s < NSIG; s++)
		if (s != SIGCHLD)
			signal(s, SIG_IGN);
	dup2(gone, 0);
	close_from(1);
	if (chdir("/"))
		_exit(1);
	while (read(0, &c, 1) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < LEN(g->path); i++)
		if (g->path[i])
			take_away(g->path[i], 1);
	_exit(0);
}

static int start_keeper(struct cgroup *g, struct err *e)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return err_set(e, "pipe: %s", strerror(errno));
	fflush(NULL);
	g->keeper = fork();
	if (!g->keeper)
		keep(g, pair[0]);
	close(pair[0]);
	g->alive = pair[1];
	if (g->keeper > 0)
		return 0;
	g->keeper = 0;
	return err_set(e, "fork: %s", strerror(errno));
}

static int open_files(struct cgroup *g, struct err *e)
{
	int v = g->version, dir = g->dir[MEMORY];

	g->limit = openat(dir, limit_file[v], O_WRONLY | O_CLOEXEC);
	g->usage = openat(dir, usage_file[v], O_RDONLY | O_CLOEXEC);
	g->events = openat(dir, events_file[v], O_RDONLY | O_CLOEXEC);
	/* resettable in version 2 since Linux 6.12; otherwise it would include other jobs' peaks */
	g->peak = openat(dir, peak_file[v], O_RDWR | O_CLOEXEC);
	if (v == 2 || g->dir[CPU] >= 0)
		g->cpu = openat(v == 2 ? dir : g->dir[CPU], cpu_file[v], O_RDONLY | O_CLOEXEC);
	if (g->limit >= 0 && g->usage >= 0 && g->events >= 0)
		return 0;
	return err_set(e, "%s: %s", g->path[MEMORY], strerror(errno));
}

int cgroup_make(struct cgroup *g, int tasks, struct err *e)
{
	char number[32], ignored[PATH_MAX];
	struct err none;

	*g = NONE;
	snprintf(number, sizeof number, "%d", tasks);
	g->version = own_group("memory", ignored) ? 2 : 1;
	g->dir[MEMORY] =
		make_group(g->version == 1 ? "memory" : NULL, limit_file[g->version], &g->path[MEMORY], e);
	if (g->dir[MEMORY] < 0)
		goto fail;
	if (g->version == 1)
		g->dir[TASKS] = make_group("pids", "pids.max", &g->path[TASKS], &none);
	if (g->version == 1)
		g->dir[CPU] = make_group("cpuacct", cpu_file[1], &g->path[CPU], &none);
	/* best effort, since memory bounds threads too */
	write_at(g->version == 1 ? g->dir[TASKS] : g->dir[MEMORY], "pids.max", number);
	if (g->version == 2)
		write_at(g->dir[MEMORY], "memory.swap.max", "0");
	if (!open_files(g, e) && !start_keeper(g, e))
		return 0;
fail:
	cgroup_release(g);
	return -1;
}

int cgroup_enter(const struct cgroup *g, pid_t pid, struct err *e)
{
	char number[32];

	snprintf(number, sizeof number, "%ld", (long)pid);
	for (size_t i = MEMORY; i < LEN(g->dir); i++) {
		if (g->dir[i] < 0 || !write_at(g->dir[i], "cgroup.procs", number))
			continue;
		err_set(e, "%s: %s", g->path[i], strerror(errno));
		while (i-- > MEMORY)             /* out again: what is left in a group is killed */
			if (g->dir[i] >= 0)
				(void)!write_at(g->dir[i], "../cgroup.procs", number);
		return -1;
	}
	return 0;
}

void cgroup_release(struct cgroup *g)
{
	int fds[] = {g->usage,       g->peak,       g->limit,    g->events, g->cpu,
	             g->dir[MEMORY], g->dir[TASKS], g->dir[CPU], g->alive};

	/* A child that has not called exec yet holds the pipe, too, and may be waiting for us: the
	 * keeper must not wait for it. */
	if (g->alive >= 0)
		(void)!write(g->alive, "", 1);
	for (size_t i = 0; i < LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	while (g->keeper > 0 && waitpid(g->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < LEN(g->path); i++) {
		if (g->path[i] && !g->keeper)
			take_away(g->path[i], 0);
		free(g->path[i]);
	}
	*g = NONE;
}

/* ---- a job ---- */

static int64_t number_in(int fd)
{
	char text[64];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);

	if (n <= 0)
		return -1;
	text[n] = 0;
	return strtoll(text, NULL, 10);
}

/* The number in the events file's line "oom_kill 3". */
static int64_t kills(const struct cgroup *g)
{
	char text[512];
	const char *at;
	ssize_t n = pread(g->events, text, sizeof text - 1, 0);

	text[n > 0 ? n : 0] = 0;
	at = strstr(text, "oom_kill ");
	return at ? strtoll(at + strlen("oom_kill "), NULL, 10) : 0;
}

static int64_t used(const struct cgroup *g)
{
	int64_t n = number_in(g->usage);

	return n > 0 ? n : 0;
}

void cgroup_ground(struct cgroup *g)
{
	g->base = used(g);
	g->set = 0;
}

/* Version 1 limits memory plus swap in another file, which may never be below this one. */
static int set_limit(struct cgroup *g, int64_t bytes, struct err *e)
{
	char number[32];

	snprintf(number, sizeof number, "%lld", (long long)bytes);
	if (g->version == 1)
		write_at(g->dir[MEMORY], "memory.memsw.limit_in_bytes", "-1");
	if (pwrite(g->limit, number, strlen(number), 0) != (ssize_t)strlen(number))
		return err_set(e, "%s/%s: %s", g->path[MEMORY], limit_file[g->version], strerror(errno));
	if (g->version == 1)
		write_at(g->dir[MEMORY], "memory.memsw.limit_in_bytes", number);
	g->set = bytes;
	return 0;
}

int cgroup_begin(struct cgroup *g, int64_t bytes, struct err *e)
{
	int64_t ground, wanted;

	g->before = used(g);
	g->kills = kills(g);
	ground = g->before < g->base            ? g->base
	         : g->before < g->base + GROWTH ? g->before
	                                        : g->base + GROWTH;
	wanted = bytes < INT64_MAX - ground ? ground + bytes : INT64_MAX;
	if ((wanted < g->set - STEP || wanted > g->set + STEP) && set_limit(g, wanted, e))
		return -1;
	if (g->peak >= 0 && pwrite(g->peak, "0", 1, 0) != 1) {
		close(g->peak);
		g->peak = -1;
	}
	return 0;
}

int64_t cgroup_peak(const struct cgroup *g)
{
	int64_t n = number_in(g->peak);

	return n < 0 ? -1 : n > g->before ? n - g->before : 0;
}

double cgroup_cpu(const struct cgroup *g)
{
	char text[512];
	ssize_t n = g->cpu < 0 ? -1 : pread(g->cpu, text, sizeof text - 1, 0);
	const char *at = text;

	if (n <= 0)
		return -1;
	text[n] = 0;
	if (g->version == 1)
		return 1e-9 * strtod(text, NULL);
	at = strstr(text, "usage_usec ");
	return at ? 1e-6 * strtod(at + strlen("usage_usec "), NULL) : -1;
}

int cgroup_killed(const struct cgroup *g)
{
	return kills(g) > g->kills;
}
