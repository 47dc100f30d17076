/* SPDX-License-Identifier: MIT */
/* Jails for Python processes: file system, user, Landlock; starting, cleaning and stopping them. */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "landlock.h"
#include "policy.h"

enum {
	INSIDE_ID = 1000,            /* user and group in the namespace */
	NOBODY = 65534,
	CONTROL = 3,                 /* first of the descriptors known to the Python side */
	HELLO_SECONDS = 30, FILES = 4096,
	MAX_SOURCE = 120 << 10,      /* the limit on one argument is 128 KiB */
	/* the zygote and a program's threads (their rlimit is in job.c) */
	TASKS = 65,
};

/* /tmp is a link to a directory in this one. A Landlock rule covers files below a directory but not
 * a file system mounted on it later, so the rule names the directory above. */
#define TMP_ABOVE "/var"
#define TMP "/var/tmp"


/* Runs the source given as its argument, from bytecode at descriptor 6 if that matches source and
 * Python (its first 16 bytes, as in any .pyc, are the magic number, flags and a hash of the
 * source). */
static const char loader[] = "import os, sys, marshal, _imp, _frozen_importlib_external as x\n"
                             "s = sys.argv[1].encode()\n"
                             "c = os.pread(6, 1 << 20, 0)\n"
                             "os.close(6)\n"
                             "exec(marshal.loads(c[16:]) if c[:16] == x.MAGIC_NUMBER + "
                             "b'\\3\\0\\0\\0' + _imp.source_hash(x._RAW_MAGIC_NUMBER, s) else s)";

/* Trees in the new root, where they exist: for commands all of them; for a Python only those that
 * are symbolic links, which are recreated, and its library. */
static const char *const trees[] = {"/usr", "/lib", "/lib64", "/lib32", "/bin", NULL};
static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom",
                                      NULL};

/* ---- in the child, before Python: every failure is reported to the parent and ends it ---- */

void jail_fail(int report, const char *what)
{
	char text[256];
	int n = snprintf(text, sizeof text, "%s: %s", what, strerror(errno));

	if (write(report, text, (size_t)n) < 0)
		_exit(3);
	_exit(2);
}

/* mkdir -p of a path below the new root. */
static int make_path(const char *path)
{
	char part[PATH_MAX];

	for (const char *p = path + 1; ; p++) {
		if (*p && *p != '/')
			continue;
		snprintf(part, sizeof part, ".%.*s", (int)(p - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return -1;
		if (!*p)
			return 0;
	}
}

/* Mounts source (O_PATH) at ./path; read-only, with everything mounted below it, unless it is a
 * device. */
static int bind_at(int source, const char *path, int device)
{
	struct {
		uint64_t set, clear, propagation, userns;
	} attr = {1 | 2 | 4 /* ro, nosuid, nodev */, 0, 0, 0};
	char from[64], to[PATH_MAX];

	snprintf(from, sizeof from, "/proc/self/fd/%d", source);
	snprintf(to, sizeof to, ".%s", path);
	if (mount(from, to, NULL, MS_BIND | MS_REC, NULL))
		return -1;
	return device ? 0
	              : (int)syscall(SYS_mount_setattr, AT_FDCWD, to, 0x8000 /* AT_RECURSIVE */, &attr,
	                             sizeof attr);
}

struct source {
	const char *path;
	int fd;                      /* O_PATH, -1: does not exist */
	char link[PATH_MAX];         /* if not empty, it is a symbolic link to this */
};

/* follow: a symbolic link is replaced by its target. */
static struct source find(const char *path, int follow)
{
	struct source s = {.path = path};
	ssize_t n = follow ? 0 : readlink(path, s.link, sizeof s.link - 1);

	s.link[n > 0 ? n : 0] = 0;
	s.fd = open(path, O_PATH | O_CLOEXEC);
	return s;
}

/* All sources to mount except devices, in order; *n of them, owned by the caller. Looked up as
 * root, since only root may see some. */
static struct source *find_all(const struct jail *j, size_t *n)
{
	const struct paths *const lists[] = {&j->library.homes, &j->library.files};
	struct source *all = xcalloc(LEN(trees) + lists[0]->n + lists[1]->n, sizeof *all);

	*n = 0;
	for (size_t i = 0; trees[i]; i++) {
		all[*n] = find(trees[i], 0);
		if (!j->python || all[*n].link[0])
			++*n;
		else
			close_fd(&all[*n].fd);
	}
	for (size_t k = 0; k < LEN(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			all[(*n)++] = find(lists[k]->path[i], 1);
	return all;
}

static void place(const struct source *s, int device, int report)
{
	char to[PATH_MAX], folder[PATH_MAX];
	struct stat st;
	int fd, file;
	size_t n;

	if (s->fd < 0)
		return;
	snprintf(to, sizeof to, ".%s", s->path);
	if (s->link[0]) {
		if (symlink(s->link, to))
			jail_fail(report, s->path);
		return;
	}
	if (fstat(s->fd, &st))
		jail_fail(report, s->path);
	file = !S_ISDIR(st.st_mode);
	n = file ? (size_t)(strrchr(s->path, '/') - s->path) : strlen(s->path);
	snprintf(folder, sizeof folder, "%.*s", (int)n, s->path);
	if (make_path(folder))
		jail_fail(report, s->path);
	if (file) {
		fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			jail_fail(report, s->path);
		close(fd);
	}
	if (bind_at(s->fd, s->path, device))
		jail_fail(report, s->path);
}

/* Hides packages installed beside the standard library under an empty mount. */
static void hide(const char *home, int report)
{
	for (size_t i = 0; library_hidden[i]; i++) {
		char at[PATH_MAX];

		snprintf(at, sizeof at, ".%s/%s", home, library_hidden[i]);
		if (mount("tmpfs", at, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV,
		          "size=4k,nr_inodes=2,mode=755") &&
		    errno != ENOENT && errno != ENOTDIR)
			jail_fail(report, at);
	}
}

/* Mounts a /tmp owned by the user inside, whoever mounts it. */
static int mount_tmp(const char *at)
{
	char options[100];

	snprintf(options, sizeof options, "size=16m,nr_inodes=512,mode=700,uid=%d,gid=%d", INSIDE_ID,
	         INSIDE_ID);
	return mount("tmpfs", at, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options);
}

/* Makes a new root with only Python and a private /tmp; the old one is unmounted. */
static void new_root(const struct jail *j, int report)
{
	struct source *tree, device[LEN(devices)], *more = NULL;
	size_t n = 0, d = 0, m = 0;

	/* look up the sources before changing the user for good */
	tree = find_all(j, &n);
	for (; devices[d]; d++)
		device[d] = find(devices[d], 0);
	while (j->read && j->read[m])
		m++;
	more = xcalloc(m + 1, sizeof *more);
	for (size_t i = 0; i < m; i++)
		more[i] = find(j->read[i], 0);
	if (setresgid(INSIDE_ID, INSIDE_ID, INSIDE_ID) || setresuid(INSIDE_ID, INSIDE_ID, INSIDE_ID))
		jail_fail(report, "user");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755") || chdir("/tmp"))
		jail_fail(report, "file system");
	if (mkdir("dev", 0755) ||
	    (j->tmp ? mkdir("tmp", 0700) : make_path(TMP) || symlink(TMP + 1, "tmp")))
		jail_fail(report, "file system");
	if (j->tmp && mount("tmpfs", "./tmp", "tmpfs", MS_NOSUID | MS_NODEV, j->tmp))
		jail_fail(report, "/tmp");
	for (size_t i = 0; i < n; i++)
		place(&tree[i], 0, report);
	free(tree);
	for (size_t i = 0; i < j->library.homes.n; i++)
		hide(j->library.homes.path[i], report);
	for (size_t i = 0; i < d; i++)
		place(&device[i], 1, report);
	if (!j->tmp && mount_tmp("." TMP))
		jail_fail(report, TMP);
	/* the C library puts named semaphores here */
	if (symlink("/tmp", "./dev/shm"))
		jail_fail(report, "/dev/shm");
	for (size_t i = 0; i < m; i++)   /* trees below the old /tmp are mounted in the new one */
		place(&more[i], 0, report);
	free(more);
	if (mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) ||
	    syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		jail_fail(report, "root");
	if (sethostname("jail", 4))
		jail_fail(report, "host name");
}

/* Without namespaces: root becomes another user. If there is no other (a container that maps only
 * root), root without capabilities: the bounding set is emptied, so that exec does not restore
 * any. */
static void drop_user(int report)
{
	if (chdir("/"))
		jail_fail(report, "/");
	if (geteuid())
		return;
	for (int cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (setgroups(0, NULL) && errno != EPERM)
		jail_fail(report, "groups");
	if ((setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)) &&
	    errno != EPERM && errno != EINVAL)
		jail_fail(report, "user");
}

/* Without a private file system: the NULL-terminated list of what may be read. */
static void readable(const struct jail *j, struct paths *out)
{
	static const char *const always[] = {"/etc/ld.so.cache", NULL};

	for (size_t i = 0; devices[i]; i++)
		paths_add(out, devices[i]);

	for (size_t i = 0; always[i]; i++)
		paths_add(out, always[i]);
	for (size_t i = 0; !j->python && trees[i]; i++)
		paths_add(out, trees[i]);
	for (size_t i = 0; i < j->library.files.n; i++)
		paths_add(out, j->library.files.path[i]);
	library_spread(&j->library, out);
	for (size_t i = 0; j->read && j->read[i]; i++)
		paths_add(out, j->read[i]);
}

void jail_lock(const struct jail *j, int report)
{
	static char *root[] = {"/"};
	const char *const writable[] = {"/dev/null", "/dev/zero",
	                                j->tier > 1 ? NULL
	                                : j->tmp    ? "/tmp"
	                                            : TMP_ABOVE,
	                                NULL};
	struct paths all = {0};
	struct landlock_paths allowed = {.read = {root, 1, 1}, .write = writable};
	struct err e;

	if (j->tier == 3 || (j->tier == 1 && !landlock_abi()))
		return;
	if (j->tier == 2) {
		readable(j, &all);
		allowed.read = all;
		allowed.list = j->library.homes;
	}
	if (landlock_enter(&allowed, &e)) {
		errno = EPERM;
		jail_fail(report, e.msg);
	}
	paths_release(&all);
}

void jail_enter(const struct jail *j, int report)
{
	if (j->tier == 1)
		new_root(j, report);
	else
		drop_user(report);
}

/* Puts fds[0..n) at descriptors first.. and closes all above; moves them out of the way first. */
static void place_fds(int *fds, int n, int first, int report)
{
	for (int i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, first + n);
		if (fds[i] < 0)
			jail_fail(report, "descriptors");
	}
	for (int i = 0; i < n; i++)
		if (dup2(fds[i], first + i) < 0)
			jail_fail(report, "descriptors");
}

NORETURN static void become(const struct jail *j, enum side side, int control, int go, int report)
{
	static char *const env[] = {JAIL_ENVIRONMENT,     "PYTHONHASHSEED=0",   "PYTHONSAFEPATH=1",
	                            "PYTHONNOUSERSITE=1", "MALLOC_ARENA_MAX=1", NULL};
	char *const argv[] = {j->python, "-S", "-s", "-B", "-c", (char *)loader, j->source[side], NULL};
	int fds[] = {control, j->filter[side][POLICY_NOTIFY], j->filter[side][POLICY_KILL],
	             j->code[side], report},
	    null;
	const struct rlimit no_core = {0, 0};
	struct rlimit files;
	char c;

	if (read(go, &c, 1) != 1)       /* the parent has written the id maps or is gone */
		_exit(2);
	if (side == SIDE_TESTER)
		/* a trusted test that makes a forbidden call is killed, not reported */
		fds[1] = fds[2];
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		jail_fail(report, "/dev/null");
	jail_enter(j, report);
	setsid();
	place_fds(fds, LEN(fds), CONTROL, report);
	report = CONTROL + (int)LEN(fds) - 1;
	if (fcntl(report, F_SETFD, FD_CLOEXEC))
		jail_fail(report, "descriptors");
	close_from(report + 1);
	/* The kernel refuses to send a descriptor while the user has more in flight than the sender
	 * may open: programs, which may open 64, can have about 320 in flight at a time. */
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < FILES) {
		files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		jail_fail(report, "prctl");
	jail_lock(j, report);
	execve(j->python, argv, env);
	jail_fail(report, j->python);
}

/* ---- in the supervisor ---- */

static int write_text(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd, rc;

	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return rc;
}

int jail_map_ids(pid_t pid, struct err *e)
{
	long uid = geteuid() ? (long)geteuid() : NOBODY, gid = geteuid() ? (long)getegid() : NOBODY;
	char map[64];

	if (write_text(pid, "setgroups", "deny"))
		return err_set(e, "setgroups: %s", strerror(errno));
	snprintf(map, sizeof map, "%d %ld 1", INSIDE_ID, uid);
	if (write_text(pid, "uid_map", map))
		return err_set(e, "uid_map: %s", strerror(errno));
	snprintf(map, sizeof map, "%d %ld 1", INSIDE_ID, gid);
	if (write_text(pid, "gid_map", map))
		return err_set(e, "gid_map: %s", strerror(errno));
	return 0;
}

/* Waits for exec: the report pipe is then closed without a message. */
static int await_exec(int report, struct err *e)
{
	char text[300];
	ssize_t n = read(report, text, sizeof text - 1);

	if (n <= 0)
		return 0;
	text[n] = 0;
	return err_set(e, "%s", text);
}

/* Waits until Python is ready. */
static int await_hello(struct proc *p, struct jail *j, enum side side, struct err *e)
{
	struct pollfd ready = {.fd = p->control, .events = POLLIN};
	struct buf hello = {0};
	const char *version;
	int rc = -1;

	if (poll(&ready, 1, HELLO_SECONDS * 1000) != 1)
		return err_set(e, "Python did not start within %d s", HELLO_SECONDS);
	if (frame_recv(p->control, &hello, NULL, NULL, e) != 1)
		err_set(e, "Python ended as it started");
	else if (!(version = frame_get(&hello, "hello")))
		err_set(e, "Python sent something other than hello");
	else {
		snprintf(p->version, sizeof p->version, "%s", version);
		rc = 0;
	}
	buf_release(&hello);
	if (!rc && side == SIDE_MODEL && j->group.version)
		cgroup_ground(&j->group);
	return rc;
}

static const struct proc no_proc = {.control = -1, .space = {-1, -1}};

/* Opens the child's namespaces, before Python hides its own /proc entries. */
static int open_spaces(struct proc *p, struct err *e)
{
	static const char *const names[] = {"user", "mnt"};
	char path[64];

	for (size_t i = 0; i < LEN(names); i++) {
		snprintf(path, sizeof path, "/proc/%ld/ns/%s", (long)p->pid, names[i]);
		p->space[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (p->space[i] < 0)
			return err_set(e, "%s: %s", path, strerror(errno));
	}
	return 0;
}

/* Moves pid into the group; gives up the group if that fails. */
static void enter_group(struct jail *j, pid_t pid)
{
	if (j->group.version && cgroup_enter(&j->group, pid, &j->no_group))
		cgroup_release(&j->group);
}

/* Starts a side until it is in its jail, but not ready yet. */
static int begin(struct proc *p, struct jail *j, enum side side, struct err *e)
{
	unsigned long flags = SIGCHLD | (j->tier == 1 ? JAIL_NAMESPACES : 0);
	int control[2], report[2], go[2], rc = -1;

	*p = no_proc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control))
		return err_set(e, "socketpair: %s", strerror(errno));
	if (pipe2(report, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return err_set(e, "pipe: %s", strerror(errno));
	fflush(NULL);
	p->pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (!p->pid) {
		close(go[1]);
		become(j, side, control[1], go[0], report[1]);
	}
	close(control[1]);
	close(report[1]);
	close(go[0]);
	p->control = control[0];
	if (p->pid < 0)
		err_set(e, "clone: %s", strerror(errno));
	else if (j->tier == 1 && (jail_map_ids(p->pid, e) || open_spaces(p, e)))
		;
	else {
		if (side == SIDE_MODEL)
			enter_group(j, p->pid);
		if (write(go[1], "g", 1) != 1)
			err_set(e, "the child ended early");
		else
			rc = await_exec(report[0], e);
	}
	close(go[1]);
	close(report[0]);
	if (rc) {
		if (p->pid < 0)
			p->pid = 0;
		proc_stop(p);
	}
	return rc;
}

int proc_start(struct proc *p, struct jail *j, enum side side, struct err *e)
{
	if (begin(p, j, side, e))
		return -1;
	if (!await_hello(p, j, side, e))
		return 0;
	proc_stop(p);
	return -1;
}

/* Starts both in parallel, since most of the time is Python's start-up. */
static int start_both(struct proc p[2], struct jail *j, struct err *e)
{
	if (!begin(&p[SIDE_MODEL], j, SIDE_MODEL, e) && !begin(&p[SIDE_TESTER], j, SIDE_TESTER, e) &&
	    !await_hello(&p[SIDE_MODEL], j, SIDE_MODEL, e) &&
	    !await_hello(&p[SIDE_TESTER], j, SIDE_TESTER, e))
		return 0;
	proc_stop(&p[SIDE_MODEL]);
	proc_stop(&p[SIDE_TESTER]);
	return -1;
}

void proc_stop(struct proc *p)
{
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (p->control >= 0)
		close(p->control);
	for (size_t i = 0; i < LEN(p->space); i++)
		if (p->space[i] >= 0)
			close(p->space[i]);
	*p = no_proc;
}

/* Uses a child process that joins the jail's namespaces. The old file system disappears with its
 * last user. */
int proc_clean(const struct proc *p, struct err *e)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (setns(p->space[0], CLONE_NEWUSER) || setns(p->space[1], CLONE_NEWNS) ||
		    umount2(TMP, MNT_DETACH) || mount_tmp(TMP))
			_exit(1);
		_exit(0);
	}
	if (pid < 0)
		return err_set(e, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? err_set(e, "cannot recreate the jail's /tmp") : 0;
}

/* ---- jail_open ---- */

/* The Python files are beside the executable, and their bytecode too if make could write it. */
static int load_source(struct jail *j, enum side side, struct err *e)
{
	static const char *const names[] = {[SIDE_MODEL] = "model.py", [SIDE_TESTER] = "tester.py"};
	const char *files[] = {"wire.py", "values.py", "calls.py", "zygote.py",
	                       "program.py", "plan.py", names[side]};
	char dir[PATH_MAX], path[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
	struct buf text = {0};

	if (n <= 0)
		return err_set(e, "/proc/self/exe: %s", strerror(errno));
	dir[n] = 0;
	*strrchr(dir, '/') = 0;
	for (size_t i = 0; i < LEN(files); i++) {
		if ((i == 4 || i == 5) && side == SIDE_MODEL)
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		if (file_read(path, MAX_SOURCE, &text, e)) {
			buf_release(&text);
			return -1;
		}
	}
	j->source[side] = text.data;
	snprintf(path, sizeof path, "%s/%sc", dir, names[side]);
	j->code[side] = open(path, O_RDONLY | O_CLOEXEC);
	if (j->code[side] < 0)
		j->code[side] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (j->code[side] < 0)
		return err_set(e, "/dev/null: %s", strerror(errno));
	return text.len < MAX_SOURCE ? 0 : err_set(e, "%s: too long", path);
}

static int find_python(struct jail *j, const char *python, struct err *e)
{
	char real[PATH_MAX];

	if (!python)
		python = "/usr/bin/python3";
	if (!realpath(python, real))
		return err_set(e, "%s: %s", python, strerror(errno));
	if (access(real, X_OK))
		return err_set(e, "%s: %s", real, strerror(errno));
	j->python = xstrdup(real);
	return library_find(&j->library, j->python, e);
}

/* Landlock distinguishes truncating a file from reading it since version 3. */
enum policy_files jail_files(const struct jail *j)
{
	return j->tier == 1                          ? POLICY_PRIVATE
	       : j->tier == 2 && landlock_abi() >= 3 ? POLICY_DEVICES
	                                             : POLICY_READ_ONLY;
}

static int export_filters(struct jail *j, struct err *e)
{
	uint32_t inside = j->tier == 1 ? INSIDE_ID : geteuid() ? 0 : NOBODY;
	struct policy p = {.files = jail_files(j), .uid = inside, .gid = inside};

	p.counted = j->tier > 1 && !j->group.version;
	if (!inside) {
		p.uid = geteuid();
		p.gid = getegid();
	}
	for (int side = 0; side < 2; side++)
		for (int deny = 0; deny < 2; deny++) {
			int *fd = &j->filter[side][deny];

			if (*fd >= 0)
				close(*fd);
			*fd = -1;
			p.who = side == SIDE_MODEL ? POLICY_MODEL : POLICY_TESTER;
			p.deny = deny ? POLICY_KILL : POLICY_NOTIFY;
			if (policy_export(&p, fd, e))
				return -1;
		}
	return 0;
}

int jail_open(struct jail *j, const char *python, const char *const *read, int best, int worst,
              int group, struct proc p[2], struct err *e)
{
	struct buf why = {0};

	*j = (struct jail){.filter = {{-1, -1}, {-1, -1}}, .code = {-1, -1}, .read = read};
	p[0] = p[1] = no_proc;
	if (find_python(j, python, e) || load_source(j, SIDE_MODEL, e) ||
	    load_source(j, SIDE_TESTER, e))
		return -1;
	if (!group)
		err_set(&j->no_group, "not wanted");
	else if (cgroup_make(&j->group, TASKS, &j->no_group))
		j->group.version = 0;
	for (j->tier = best; j->tier <= worst; j->tier++) {
		if (j->tier == 2 && !landlock_abi())
			err_set(e, "the kernel has no Landlock");
		else if (export_filters(j, e))
			;
		else if (!start_both(p, j, e)) {
			buf_release(&why);
			return 0;
		}
		buf_addf(&why, "%stier %d: %s", why.len ? "; " : "", j->tier, e->msg);
	}
	err_set(e, "no jail of tier %d..%d is available (%s)", best, worst, why.data);
	buf_release(&why);
	return -1;
}

const char *jail_memory(const struct jail *j)
{
	return j->group.version ? "cgroup" : "rlimit";
}

void jail_close(struct jail *j)
{
	if (j->group.version)
		cgroup_release(&j->group);
	free(j->python);
	library_release(&j->library);
	for (int side = 0; side < 2; side++) {
		free(j->source[side]);
		close_fd(&j->code[side]);
		for (int deny = 0; deny < 2; deny++)
			if (j->filter[side][deny] >= 0)
				close(j->filter[side][deny]);
	}
}
