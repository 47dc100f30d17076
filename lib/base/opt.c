/* SPDX-License-Identifier: MIT */
/* Option parsing, usage messages and --help from one table per tool. */
#include "base/base.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTS = 64, LONG_BASE = 1000 };

void opt_usage(const char *usage, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", prog_name());
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: %s (-h for help)\n", usage);
	exit(EXIT_USAGE);
}

const char *opt_input(int argc, char **argv, int at, const char *usage)
{
	if (argc - at > 1)
		opt_usage(usage, "one input at most");
	return at < argc ? argv[at] : NULL;
}

const char *opt_store(const char *dir, const char *usage)
{
	if (!dir)
		dir = getenv("SCORE_WEIGHTS");
	if (!dir || !*dir)
		opt_usage(usage, "no store: -w DIR or $SCORE_WEIGHTS");
	return dir;
}

/* *out = index of arg among the words "a|b|c". */
static int choose(const char *words, const char *arg, int *out, struct err *e)
{
	struct buf list = {0};
	int which = 0, rc;

	for (const char *w = words;; which++) {
		size_t n = strcspn(w, "|");

		if (strlen(arg) == n && !memcmp(w, arg, n)) {
			buf_release(&list);
			*out = which;
			return 0;
		}
		buf_adds(&list, w == words ? "" : w[n] ? ", " : " or ");
		buf_add(&list, w, n);
		if (!w[n])
			break;
		w += n + 1;
	}
	rc = err_set(e, "expected %s, got '%s'", list.data, arg);
	buf_release(&list);
	return rc;
}

/* Every tool accepts these even if it does not use them, so that one set of options can be passed
 * to a whole pipeline. */
static int idle_int;
static uint64_t idle_u64;
static const struct opt common[] = {
	{"threads", 'j', OPT_INT, &idle_int, "N", NULL, 1, 1 << 30, NULL},
	{"seed", 0, OPT_U64, &idle_u64, "N", NULL, 0, 0x1p53, NULL},
	{"device", 0, OPT_CHOICE, &idle_int, "auto|cpu|cuda", NULL, 0, 0, NULL},
	{"progress", 0, OPT_FLAG, &idle_int, NULL, NULL, 0, 0, NULL},
};

/* True if the tool's table uses this option's name or letter. */
static int has(const struct opt *t, const struct opt *o)
{
	for (; t->name || t->letter; t++)
		if ((t->letter && t->letter == o->letter) || (t->name && !strcmp(t->name, o->name)))
			return 1;
	return 0;
}

/* Copies the table's options into all, then the ignored ones; returns the number of the former. */
static size_t merge(const struct opt *table, struct opt *all)
{
	size_t n = 0, own;

	for (; table[n].name || table[n].letter; n++)
		all[n] = table[n];
	own = n;
	for (size_t i = 0; i < LEN(common); i++)
		if (!has(table, &common[i]))
			all[n++] = common[i];
	all[n] = (struct opt){0};
	return own;
}

static void help(const struct opt *t, size_t own, const char *usage, const char *about)
{
	const char *before = "\nTaken as by every tool, but without effect here:";

	printf("usage: %s\n%s\n\n", usage, about);
	for (; own; own--, t++) {
		char left[64], letter[8] = "    ";

		if (t->letter)
			snprintf(letter, sizeof letter, "-%c%s", t->letter, t->name ? ", " : "  ");
		snprintf(left, sizeof left, "%s%s%s%s%s", letter, t->name ? "--" : "",
		         t->name ? t->name : "", t->arg ? " " : "", t->arg ? t->arg : "");
		printf("  %-28s %s\n", left, t->help);
	}
	printf("  %-28s %s\n  %-28s %s\n", "-h, --help", "this text", "-V, --version", "the version");
	for (; t->name; t++, before = ",")
		printf("%s --%s%s%s", before, t->letter ? "threads, -j" : t->name, t->arg ? " " : "",
		       t->arg ? t->arg : "");
	if (*before == ',')
		putchar('\n');
	if (fflush(stdout))
		exit(EXIT_ERROR);
	exit(EXIT_DONE);
}

static int store(const struct opt *o, const char *arg, struct err *e)
{
	int limited = o->min != 0 || o->max != 0;
	double max = o->max > o->min ? o->max : HUGE_VAL;
	int64_t i;

	switch (o->type) {
	case OPT_FLAG:
		*(int *)o->out = 1;
		return 0;
	case OPT_STR:
		*(const char **)o->out = arg;
		return 0;
	case OPT_U64:
		return parse_u64(arg, limited ? (uint64_t)o->min : 0,
		                 limited && max < 1.8e19 ? (uint64_t)max : UINT64_MAX, o->out, e);
	case OPT_INT:
		if (parse_i64(arg, limited ? (int64_t)o->min : INT32_MIN,
		              limited && max < INT32_MAX ? (int64_t)max : INT32_MAX, &i, e))
			return -1;
		*(int *)o->out = (int)i;
		return 0;
	case OPT_F64:
		if (parse_f64(arg, o->out, e))
			return -1;
		if (limited && (*(double *)o->out < o->min || *(double *)o->out > max))
			return err_set(e, "%s is not within %g..%g", arg, o->min, max);
		return 0;
	case OPT_BYTES:
		return parse_bytes(arg, o->out, e);
	case OPT_CHOICE:
		return choose(o->arg, arg, o->out, e);
	case OPT_CALL:
		return o->call(arg, o->out, e);
	}
	return -1;
}

int opt_parse(int argc, char **argv, const struct opt *table, const char *usage, const char *about)
{
	struct opt all[MAX_OPTS + LEN(common) + 1];
	struct option longs[LEN(all) + 2];
	char shorts[2 * LEN(all) + 8] = ":hV";
	size_t n = 0, ns = strlen(shorts), own = merge(table, all);
	struct err e;
	int c;

	for (; all[n].name || all[n].letter; n++) {
		const struct opt *o = &all[n];

		longs[n] =
			(struct option){o->name ? o->name : "", o->arg != NULL, NULL, LONG_BASE + (int)n};
		if (o->letter) {
			shorts[ns++] = o->letter;
			if (o->arg)
				shorts[ns++] = ':';
		}
	}
	shorts[ns] = 0;
	longs[n] = (struct option){"help", 0, NULL, 'h'};
	longs[n + 1] = (struct option){"version", 0, NULL, 'V'};
	longs[n + 2] = (struct option){0};
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct opt *o = NULL;

		if (c == 'h')
			help(all, own, usage, about);
		if (c == 'V') {
			printf("%s %s\n", prog_name(), SCORE_VERSION);
			exit(fflush(stdout) ? EXIT_ERROR : EXIT_DONE);
		}
		if (c == '?' || c == ':') {
			/* getopt leaves optopt 0 for an unknown long option */
			const char *word = argv[optind - 1];

			if (c == ':')
				opt_usage(usage, "%s needs an argument", word);
			opt_usage(usage, "unknown option %s", word);
		}
		for (size_t i = 0; i < n; i++)
			if (c == LONG_BASE + (int)i || (all[i].letter && c == all[i].letter))
				o = &all[i];
		if (o && store(o, optarg, &e)) {
			if (o->name)
				opt_usage(usage, "--%s: %s", o->name, e.msg);
			opt_usage(usage, "-%c: %s", o->letter, e.msg);
		}
	}
	return optind;
}
