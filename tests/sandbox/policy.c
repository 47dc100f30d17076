/* SPDX-License-Identifier: MIT */
/*
 * policy: the filters, as they are loaded, run in a small interpreter over every system call number
 * of this machine and the cases of syscalls.txt; and over the other two ways into the kernel, which
 * are closed.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../sandbox/policy.h"
#include "tap.h"

enum { FILTERS = 6, COLUMNS = 4, CALLS = 1024, MAX_INSTRUCTIONS = 4096, X32 = 0x40000000 };

static struct filter {
	struct sock_filter code[MAX_INSTRUCTIONS];
	size_t n;
} filters[FILTERS];

static const struct {
	const char *name;
	enum policy_who who;
	enum policy_files files;
	int column;                  /* of syscalls.txt */
} of[FILTERS] = {
	{"model, /tmp", POLICY_MODEL, POLICY_PRIVATE, 0}, {"model", POLICY_MODEL, POLICY_READ_ONLY, 1},
	{"tester, /tmp", POLICY_TESTER, POLICY_PRIVATE, 2},
	{"tester", POLICY_TESTER, POLICY_READ_ONLY, 3},
	{"model, devices", POLICY_MODEL, POLICY_DEVICES, 1},
	{"tester, devices", POLICY_TESTER, POLICY_DEVICES, 3},
};

/* What syscalls.txt wants of each call with zero arguments. */
static char wanted[CALLS][FILTERS][8];

/* ---- the interpreter: what libseccomp generates of classic BPF ---- */

static uint32_t judge(const struct filter *f, const struct seccomp_data *d)
{
	uint32_t a = 0, word;

	for (size_t at = 0; at < f->n; at++) {
		const struct sock_filter *i = &f->code[at];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > sizeof *d - 4 || i->k % 4)
				return 0xdead0001;
			memcpy(&word, (const char *)d + i->k, 4);
			a = word;
			break;
		case BPF_ALU | BPF_AND | BPF_K: a &= i->k; break;
		case BPF_JMP | BPF_JA: at += i->k; break;
		case BPF_JMP | BPF_JEQ | BPF_K: at += a == i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JGE | BPF_K: at += a >= i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JGT | BPF_K: at += a > i->k ? i->jt : i->jf; break;
		case BPF_JMP | BPF_JSET | BPF_K: at += a & i->k ? i->jt : i->jf; break;
		case BPF_RET | BPF_K: return i->k;
		default: return 0xdead0002;
		}
	}
	return 0xdead0003;
}

static const char *action_name(uint32_t action, int filter)
{
	uint32_t forbidden =
		of[filter].who == POLICY_MODEL ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_KILL_PROCESS;
	static char text[32];

	if (action == SECCOMP_RET_ALLOW)
		return "allow";
	if (action == forbidden)
		return "forbid";
	if (action == (SECCOMP_RET_ERRNO | ENOSYS))
		return "ENOSYS";
	if (action == (SECCOMP_RET_ERRNO | EPERM))
		return "EPERM";
	if (action == (SECCOMP_RET_ERRNO | EACCES))
		return "EACCES";
	if (action == (SECCOMP_RET_ERRNO | ECHILD))
		return "ECHILD";
	snprintf(text, sizeof text, "%08x", action);
	return text;
}

static void load(void)
{
	for (int i = 0; i < FILTERS; i++) {
		struct err e = {""};
		struct stat st = {0};
		const struct policy p = {
			of[i].who,   of[i].who == POLICY_MODEL ? POLICY_NOTIFY : POLICY_KILL,
			of[i].files, 0,
			1000,        1000};
		int fd = -1, bad = policy_export(&p, &fd, &e);

		ok(!bad && !fstat(fd, &st), "%s: there is a filter %s", of[i].name, e.msg);
		filters[i].n = (size_t)st.st_size / sizeof(struct sock_filter);
		ok(filters[i].n > 10 && filters[i].n < MAX_INSTRUCTIONS &&
		       pread(fd, filters[i].code, (size_t)st.st_size, 0) == st.st_size,
		   "%s: %zu instructions", of[i].name, filters[i].n);
		if (fd >= 0)
			close(fd);
	}
}

/* ---- the table ---- */

static void check(const char *what, const struct seccomp_data *d, const char want[FILTERS][8])
{
	char why[200] = "";
	int good = 1;

	for (int i = 0; i < FILTERS; i++) {
		const char *got = action_name(judge(&filters[i], d), i);

		if (strcmp(got, want[i])) {
			good = 0;
			snprintf(why, sizeof why, " (%s: %s, not %s)", of[i].name, got, want[i]);
		}
	}
	ok(good, "%s: %s%s", what, want[0], why);
}

/* A column says it for two filters where it has a stroke: as long as nothing can be written, and
 * where devices can. */
static void spread(const char column[COLUMNS][16], char want[FILTERS][8])
{
	for (int i = 0; i < FILTERS; i++) {
		const char *text = column[of[i].column], *stroke = strchr(text, '/');

		if (stroke && of[i].files == POLICY_DEVICES)
			text = stroke + 1;
		snprintf(want[i], sizeof want[i], "%.*s", (int)strcspn(text, "/"), text);
	}
}

/* "case NAME(ARGS) A B C D" */
static void read_case(const char *line)
{
	struct seccomp_data d = {.arch = AUDIT_ARCH_X86_64};
	char name[64] = "", args[128] = "", column[COLUMNS][16], want[FILTERS][8], what[256],
	     *at = args;

	if (sscanf(line, "case %63[a-z0-9_](%127[^)]) %15s %15s %15s %15s", name, args, column[0],
	           column[1], column[2], column[3]) != 6) {
		ok(0, "a case that cannot be read: %s", line);
		return;
	}
	d.nr = seccomp_syscall_resolve_name(name);
	for (int i = 0; i < 6 && *at; i++) {
		d.args[i] = strtoull(at, &at, 0);
		at += *at == ',';
	}
	spread(column, want);
	snprintf(what, sizeof what, "%s(%s)", name, args);
	check(what, &d, want);
}

static void read_names(char *names, const char want[FILTERS][8])
{
	char *rest;

	for (char *name = strtok_r(names, " \t\n", &rest); name;
	     name = strtok_r(NULL, " \t\n", &rest)) {
		int nr = seccomp_syscall_resolve_name(name);

		if (nr < 0 || nr >= CALLS) {
			diag("this libseccomp does not know %s", name);
			continue;
		}
		if (wanted[nr][0][0])
			ok(0, "%s stands once in the table", name);
		memcpy(wanted[nr], want, sizeof wanted[nr]);
	}
}

static void read_table(const char *path)
{
	char line[512], column[COLUMNS][16] = {""}, want[FILTERS][8] = {""};
	FILE *f = fopen(path, "re");

	if (!f) {
		ok(0, "%s: %s", path, strerror(errno));
		return;
	}
	while (fgets(line, sizeof line, f)) {
		char *names = strchr(line, ':');

		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!strncmp(line, "case ", 5))
			read_case(line);
		else if (line[0] == '\t')
			read_names(line, want);
		else if (names && sscanf(line, "%15s %15s %15s %15[^:]", column[0], column[1], column[2],
		                         column[3]) == 4) {
			spread(column, want);
			read_names(names + 1, want);
		} else
			ok(0, "a line that cannot be read: %s", line);
	}
	fclose(f);
}

static void check_every(void)
{
	static const char none[FILTERS][8] = {"ENOSYS", "ENOSYS", "ENOSYS",
	                                      "ENOSYS", "ENOSYS", "ENOSYS"};
	size_t unnamed = 0, open = 0;

	for (int nr = 0; nr < CALLS; nr++) {
		struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_X86_64};
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

		if (wanted[nr][0][0])
			check(name, &d, wanted[nr]);
		else if (name)               /* newer than the table: must not be let in unseen */
			check(name, &d, none);
		else {
			unnamed++;
			for (int i = 0; i < FILTERS; i++)
				open += judge(&filters[i], &d) != (SECCOMP_RET_ERRNO | ENOSYS);
		}
		free(name);
	}
	ok(unnamed > 100 && !open, "%zu numbers without a name: ENOSYS", unnamed);
}

/* int 0x80 and the 32-bit numbers in 64-bit mode. */
static void check_other_doors(void)
{
	size_t open = 0;

	for (int i = 0; i < FILTERS; i++)
		for (int nr = 0; nr < CALLS; nr++) {
			struct seccomp_data i386 = {.nr = nr, .arch = AUDIT_ARCH_I386};
			struct seccomp_data x32 = {.nr = nr | X32, .arch = AUDIT_ARCH_X86_64};

			open += judge(&filters[i], &i386) != SECCOMP_RET_KILL_PROCESS;
			open += judge(&filters[i], &x32) != SECCOMP_RET_KILL_PROCESS;
		}
	ok(!open, "i386 and x32 calls end the process (%zu do not)", open);
}

int main(void)
{
	load();
	read_table("tests/sandbox/syscalls.txt");
	check_every();
	check_other_doors();
	return done();
}
