/* SPDX-License-Identifier: MIT */
/* One option table per tool gives the parser, the messages and --help. */
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

static void help(const struct opt *t, const char *usage, const char *about)
{
	printf("usage: %s\n%s\n\n", usage, about);
	for (; t->name || t->letter; t++) {
		char left[64], letter[8] = "    ";

		if (t->letter)
			snprintf(letter, sizeof letter, "-%c%s", t->letter, t->name ? ", " : "  ");
		snprintf(left, sizeof left, "%s%s%s%s%s", letter, t->name ? "--" : "",
		         t->name ? t->name : "", t->arg ? " " : "", t->arg ? t->arg : "");
		printf("  %-28s %s\n", left, t->help);
	}
	printf("  %-28s %s\n  %-28s %s\n", "-h, --help", "this text", "-V, --version", "the version");
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
	case OPT_CALL:
		return o->call(arg, o->out, e);
	}
	return -1;
}

int opt_parse(int argc, char **argv, const struct opt *table, const char *usage, const char *about)
{
	struct option longs[MAX_OPTS + 3];
	char shorts[2 * MAX_OPTS + 8] = ":hV";
	size_t n = 0, ns = strlen(shorts);
	struct err e;
	int c;

	for (; table[n].name || table[n].letter; n++) {
		const struct opt *o = &table[n];

		longs[n] = (struct option){o->name ? o->name : "", o->arg != NULL, NULL, LONG_BASE + (int)n};
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
			help(table, usage, about);
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
			if (c == LONG_BASE + (int)i || (table[i].letter && c == table[i].letter))
				o = &table[i];
		if (o && store(o, optarg, &e)) {
			if (o->name)
				opt_usage(usage, "--%s: %s", o->name, e.msg);
			opt_usage(usage, "-%c: %s", o->letter, e.msg);
		}
	}
	return optind;
}
