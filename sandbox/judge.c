/* SPDX-License-Identifier: MIT */
/* Decides a job's verdict: the tester's, or what the supervisor saw of how its processes ended. */
#include "judge.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "policy.h"

/* If a killed tester held more than this, the program's values made it do so. */
enum { TESTER_BYTES = 128 << 20 };

double job_number(const struct buf *b, const char *key, double otherwise)
{
	const char *s = frame_get(b, key);
	double v;

	return s && !parse_f64(s, &v, NULL) && v > 0 ? v : otherwise;
}

void judge_say(struct buf *reply, const char *status, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	frame_adds(reply, "status", status);
	frame_adds(reply, "detail", text);
}

/* The verdict if the program ended before the tests, from what the supervisor saw. */
static void of_end(struct buf *reply, const struct box *b, const struct job *j, double cpu,
                   int status)
{
	int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig == SIGSYS)
		judge_say(reply, "violation", "a forbidden system call");
	else if (sig == SIGXCPU || cpu > j->limit.cpu)
		judge_say(reply, "timeout", "more than %g s of CPU time", j->limit.cpu);
	else if (sig == SIGKILL && j->cut_off)
		judge_say(reply, "exception", "the program closed its end before the tests were done");
	/* with a group, the kernel counts such kills, and they are handled above */
	else if (sig == SIGKILL && !b->jail.group.version &&
	         frame_int(&j->program, "peak", 0) > j->limit.memory / 2)
		judge_say(reply, "memory", "killed from outside, as the kernel does when memory is short");
	else if (sig == SIGKILL)
		judge_say(reply, "error", "the program was killed from outside");
	else if (sig)
		judge_say(reply, "exception", "the program was ended by signal %d (%s)", sig,
		          strsignal(sig));
	else
		judge_say(reply, "exception", "the program ended with exit status %d before the tests did",
		          WEXITSTATUS(status));
}

/* Peak memory: with a group, all that the program used, in memory and in /tmp; otherwise its
 * process's resident set, including what it shares with the warm Python. */
static int64_t peak(const struct box *b, const struct job *j)
{
	int64_t n = b->jail.group.version ? cgroup_peak(&b->jail.group) : -1;

	return n >= 0 ? n : frame_int(&j->program, "peak", 0);
}

/* The signal that ended the tests because of the program's values, 0 if none. */
static int crashed(const struct job *j)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP};
	int status = (int)frame_int(&j->fate, "status", 0);

	for (size_t i = 0; WIFSIGNALED(status) && i < LEN(crashes); i++)
		if (WTERMSIG(status) == crashes[i])
			return crashes[i];
	return 0;
}

/* Bytes held by a tester that was killed for another reason than time. */
static int64_t killed_holding(const struct job *j)
{
	int status = (int)frame_int(&j->fate, "status", 0);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || j->tester_out)
		return 0;
	return frame_int(&j->fate, "peak", 0);
}

void judge(const struct box *b, const struct job *j, struct buf *reply)
{
	double cpu = job_number(&j->program, "cpu", 0);
	const char *status = frame_get(&j->tester, "status"),
	           *isolation = frame_get(&j->tester, "isolation");
	char name[64];

	if (j->violated) {
		policy_call_name(j->call, name);
		judge_say(reply, "violation", "forbidden system call: %s", name);
		frame_adds(reply, "call", name);
	} else if (j->flooded || j->printed > j->limit.output)
		judge_say(reply, "output-limit", "more than %lld bytes printed",
		          (long long)j->limit.output);
	/* nobody's fault: only waiting that the program did not cause counts */
	else if (j->timed_out && j->starved && (!status || !strcmp(status, "died")))
		judge_say(reply, "error", "no processor available for most of %g s",
		          STARVED * j->limit.wall);
	else if (j->timed_out && (!status || !strcmp(status, "died")))
		judge_say(reply, "timeout", "more than %g s of wall time", j->limit.wall);
	else if (j->tester_out && !status)
		judge_say(reply, "timeout",
		          "the tests took more than %g s of CPU time over what the program gave them",
		          j->limit.cpu);
	else if (j->cpu_out && (!status || !strcmp(status, "died")))
		judge_say(reply, "timeout", "more than %g s of CPU time", j->limit.cpu);
	else if (b->jail.group.version && cgroup_killed(&b->jail.group))
		judge_say(reply, "memory", "more than %lld bytes of memory", (long long)j->limit.memory);
	else if (!status && killed_holding(j) > TESTER_BYTES)
		judge_say(reply, "memory",
		          "the tests were killed over what the program gave them: %lld bytes",
		          (long long)killed_holding(j));
	else if (!status && crashed(j))
		judge_say(reply, "exception",
		          "the tests were ended by signal %d (%s) over what the program gave them",
		          crashed(j),
		    strsignal(crashed(j)));
	else if (j->timed_out && !j->program_done)
		judge_say(reply, "timeout", "the program did not end within %g s of wall time",
		          j->limit.wall);
	else if (j->tester_dead || j->zygote_dead || !status)
		judge_say(reply, "error", j->tester_dead ? "the tester ended" : "the model's side ended");
	else if (!strcmp(status, "died"))
		of_end(reply, b, j, cpu, (int)frame_int(&j->program, "status", 0));
	else if ((cpu > j->limit.cpu || j->cpu_out) && strcmp(status, "error"))
		judge_say(reply, "timeout", "%.2f s of CPU time, more than %g", cpu, j->limit.cpu);
	else {
		frame_adds(reply, "status", status);
		if (!strcmp(status, "error"))
			frame_adds(reply, "tests", "1");
		frame_adds(reply, "detail",
		           frame_get(&j->tester, "detail") ? frame_get(&j->tester, "detail") : "");
		frame_addf(reply, "index", "%lld", (long long)frame_int(&j->tester, "index", -1));
	}
	frame_adds(reply, "isolation", isolation ? isolation : "split");
	frame_addf(reply, "tier", "%d", b->jail.tier);
	frame_addf(reply, "wall", "%.6f", (j->ended > 0 ? j->ended : now_seconds()) - j->begun);
	frame_addf(reply, "cpu", "%.6f", cpu);
	frame_addf(reply, "peak", "%lld", (long long)peak(b, j));
	frame_adds(reply, "memory", jail_memory(&b->jail));
}
