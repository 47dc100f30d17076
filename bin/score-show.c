/* SPDX-License-Identifier: MIT */
/* score-show: prints trajectories for people: prompts, attempts with word diffs against the one
 * before, verdicts. */
#include "stat/stat.h"
#include "traj/traj.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "score-show [options] [FILE]";
static const char about[] = "Trajectories for the eye: attempts diffed by words, verdicts.";

struct settings {
	int color, only, no_diff;    /* only: -1, or which kind */
	uint64_t count;
};

static int colored;                  /* set once */

enum { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };

static void ink(int c)
{
	static const char *const code[] = {"0", "1", "2", "31", "32", "33", "36"};

	if (colored)
		printf("\033[%sm", code[c]);
}

/* A character that could move the cursor, hide text or reorder it: length in bytes, 0 if
 * harmless. */
static size_t harmful(const unsigned char *s, size_t n)
{
	if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f)
		return 1;
	if (n > 1 && s[0] == 0xc2 && s[1] < 0xa0)
		return 2;
	if (n > 2 && s[0] == 0xe2 &&
	    ((s[1] == 0x80 && ((s[2] >= 0x8b && s[2] <= 0x8f) || (s[2] >= 0xa8 && s[2] <= 0xae))) ||
	     (s[1] == 0x81 && s[2] >= 0xa0 && s[2] <= 0xaf)))
		return 3;
	return 0;
}

/* Prints a model's text without anything that controls the terminal. */
static void text(const char *s, size_t n, int color)
{
	ink(color);
	for (size_t i = 0; i < n;) {
		size_t bad = harmful((const unsigned char *)s + i, n - i);

		if (!bad) {
			putchar(s[i++]);
			continue;
		}
		ink(YELLOW);
		for (; bad; bad--)
			printf("\\x%02x", (unsigned char)s[i++]);
		ink(PLAIN);
		ink(color);
	}
	ink(PLAIN);
}

static void response(const struct turn *t, const struct turn *before, int diffed)
{
	struct diff_span *d;
	size_t n;

	if (!before || !diffed) {
		text(t->response, t->response_len, PLAIN);
		putchar('\n');
		return;
	}
	diff_words(before->response, before->response_len, t->response, t->response_len, &d, &n);
	for (size_t i = 0; i < n; i++) {
		const char *from = d[i].kind == DIFF_INSERT ? t->response : before->response;
		const char *marks[3][2] = {{"", ""}, {"[-", "-]"}, {"{+", "+}"}};
		static const int color[] = {PLAIN, RED, GREEN};

		if (!colored)
			fputs(marks[d[i].kind][0], stdout);
		text(from + d[i].at, d[i].len, color[d[i].kind]);
		if (!colored)
			fputs(marks[d[i].kind][1], stdout);
	}
	putchar('\n');
	free(d);
}

/* Prints " key value" for a member that is present. */
static void member(struct js o, const char *key, const char *label)
{
	struct js v = js_get(o, key);
	struct buf b = {0};
	struct err e;

	if (js_kind(v) == JS_STRING) {
		printf("  %s", label);
		text(js_string(v), js_string_len(v), PLAIN);
	} else if (js_kind(v) != JS_NONE && js_kind(v) != JS_NULL && !js_print(v, &b, &e)) {
		printf("  %s", label);
		text(b.data, b.len, PLAIN);
	}
	buf_release(&b);
	js_free(v);
}

static void verdict(const struct turn *t, struct js rec)
{
	struct js v = js_get(rec, "verdict");

	if (t->has_reward) {
		ink(t->error ? YELLOW : t->reward == 1 ? GREEN : RED);
		if (t->error)
			printf("error");
		else if (t->reward == 1 || t->reward == 0)
			printf("%s", t->reward == 1 ? "right" : "wrong");
		else
			printf("reward %g", t->reward);
		ink(PLAIN);
	} else {
		printf("no reward");
	}
	member(v, "status", "");
	member(v, "answer", "answer ");
	member(v, "detail", "");
	ink(DIM);
	if (t->given)
		printf("  given");
	if (t->untrained)
		printf("  not trained");
	if (t->has_tokens)
		printf("  %zu tokens%s", t->n_tokens, t->length ? ", cut off" : "");
	if (t->has_return)
		printf("  return %g  advantage %g", t->ret, t->advantage);
	ink(PLAIN);
	putchar('\n');
	js_free(v);
}

static void show(const struct traj *t, int diffed)
{
	struct js turns = js_get(t->rec, "turns");

	ink(BOLD);
	text(t->id, strlen(t->id), BOLD);
	member(t->rec, "task", "");
	if (t->has_batch)
		printf("  step %lld", (long long)t->step);
	if (t->stage)
		printf("  stage %d", t->stage);
	if (t->has_sample)
		printf("  sample %lld", (long long)t->sample);
	member(t->rec, "answer", "answer ");
	putchar('\n');
	for (size_t k = 0; k < t->n_turns; k++) {
		struct js rec = js_at(turns, k);

		ink(CYAN);
		printf("--- %zu ", k + 1);
		if (t->turns[k].prompt)
			text(t->turns[k].prompt, strlen(t->turns[k].prompt), DIM);
		ink(PLAIN);
		putchar('\n');
		response(&t->turns[k], k ? &t->turns[k - 1] : NULL, diffed);
		verdict(&t->turns[k], rec);
		js_free(rec);
	}
	putchar('\n');
	js_free(turns);
}

#define KINDS "right|wrong|fixed|broken|changed|same|error"
enum { KIND_ERROR = 6 };

/* True if t is of this kind, judged by its first and last attempt. */
static int is_kind(const struct traj *t, int kind)
{
	const struct turn *a = &t->turns[0], *b = &t->turns[t->n_turns - 1];
	int first = a->reward == 1, last = b->reward == 1, error = traj_errored(t);
	int same =
		a->response_len == b->response_len && !memcmp(a->response, b->response, a->response_len);
	const int is[] = {last, !last, !first && last, first && !last, !same, same, error};

	return is[kind] && (!error || kind == KIND_ERROR);
}

static int show_all(struct jl_in *in, const struct settings *s, struct err *e)
{
	uint64_t left = s->count;
	struct js rec;
	int got = 0;

	while (left && (got = jl_read(in, &rec, e)) > 0) {
		struct traj t;

		if (traj_parse(rec, TRAJ_ID | TRAJ_TURNS, &t, e))
			return jl_where(in, e);
		if (s->only < 0 || is_kind(&t, s->only)) {
			show(&t, !s->no_diff);
			left--;
		}
		traj_release(&t);
		if (ferror(stdout))
			break;
	}
	return got < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	enum { AUTO, ALWAYS };
	struct settings set = {.only = -1, .count = UINT64_MAX};
	const struct opt table[] = {
		{NULL, 'n', OPT_U64, &set.count, "N", "at most N trajectories", 0, 0, NULL},
		{"only", 0, OPT_CHOICE, &set.only, KINDS, "those only", 0, 0, NULL},
		{"no-diff", 0, OPT_FLAG, &set.no_diff, NULL,
		 "attempts as they are, not against the one before", 0, 0, NULL},
		{"color", 0, OPT_CHOICE, &set.color, "auto|always|never", "colour (default auto)", 0, 0,
		 NULL},
		{0},
	};
	struct jl_in *in;
	const char *file;
	struct err e;
	int rc;

	prog_init(argv[0]);
	file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	colored = set.color == ALWAYS || (set.color == AUTO && isatty(1) && !getenv("NO_COLOR"));
	if (jl_open(file, &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	rc = show_all(in, &set, &e);
	jl_close(in);
	return jl_exit(rc, &e);
}
