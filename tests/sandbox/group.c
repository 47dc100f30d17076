/* SPDX-License-Identifier: MIT */
/* cgroup: a group is given up while a child is there that has called no exec yet. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sandbox/cgroup.h"
#include "tap.h"

/* A child with all our descriptors, which waits for go. */
static pid_t waiting_child(int go[2])
{
	pid_t pid;
	char c;

	if (pipe(go) || (pid = fork()) < 0)
		return -1;
	if (pid)
		return pid;
	close(go[1]);
	while (read(go[0], &c, 1) < 0)
		;
	_exit(7);
}

/* Ends the child; its exit status, -1 if it was killed. */
static int end(pid_t pid, int go[2])
{
	int status = 0;

	close(go[0]);
	close(go[1]);
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	struct cgroup g;
	struct err e;
	int go[2], file = -1, entered;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	alarm(20);                   /* to wait for ever is what must not be */
	if (cgroup_make(&g, 100, &e)) {
		skip("no control group here: %s", e.msg);
		return done();
	}
	pid = waiting_child(go);
	cgroup_release(&g);
	ok(end(pid, go) == 7, "released while a child holds the pipe: the child lives");

	if (cgroup_make(&g, 100, &e))
		ok(0, "a second group: %s", e.msg);
	pid = waiting_child(go);
	/* the last group that a process enters is one where it cannot be entered */
	if (g.dir[2] >= 0)
		close(g.dir[2]);
	else
		g.path[2] = xstrdup("nowhere");
	g.dir[2] = file = dup(go[0]);
	entered = cgroup_enter(&g, pid, &e);
	ok(entered < 0, "a group that cannot be entered: %s", e.msg);
	cgroup_release(&g);
	ok(end(pid, go) == 7, "given up: the child was in no other any more");
	return done();
}
