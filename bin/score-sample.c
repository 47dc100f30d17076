/* SPDX-License-Identifier: MIT */
/*
 * score-sample: problems in, trajectories out. Each record becomes n dialogues; a dialogue gets the
 * next user message from a jq program and renders it in the chat format, and the engine samples the
 * response, until there are --turns of them (rollout/queue.h). Records are written in input order.
 */
#include <stdlib.h>
#include <string.h>

#include "rollout/queue.h"

static const char usage[] = "score-sample -w STORE [options] [FILE]";
static const char about[] = "Appends attempts to problems until there are --turns of them.";

enum { MAX_TURNS = 64 };

/* The user message when there is no --prompts: the problem, then a request to look again. */
static const char default_prompts[] =
	"if (.turns | length) == 0 then .prompt else "
	"\"Something in your last answer may be wrong. Go through it once more, correct whatever is "
	"not right, and then give your whole answer again.\" end";

struct settings {
	const char *dir, *snapshot, *prompts, *chat, *system;
	char *publisher;             /* its own system message, with --system default */
	int turns, batch, threads, device, progress;
	int max_tokens[MAX_TURNS];
	struct queue_rules rules;
};

/* Reads one record into the queue. 0: end of input, -1: error. */
static int read_record(struct jl_in *in, struct queue *q, struct err *e)
{
	struct js rec;
	struct traj t;
	int rc = jl_read(in, &rec, e);

	if (rc <= 0)
		return rc;
	if (traj_parse(rec, TRAJ_ID, &t, e))
		return jl_where(in, e);
	t.line = jl_line(in);
	rc = queue_add(q, &t, jl_share(in), e);
	traj_release(&t);
	return rc ? jl_where(in, e) : 1;
}

static void write_finished(struct queue *q, struct progress *bar)
{
	struct js rec;
	struct err e;

	while (queue_take(q, &rec, &bar->share)) {
		if (jl_write(rec, &e))
			die(EXIT_ERROR, "%s", e.msg);
		js_free(rec);
	}
}

/* The first error ends the input; what came before it is still finished and written. */
static int run(struct jl_in *in, struct queue *q, int progress, struct err *e)
{
	struct progress bar;
	struct err late;
	size_t line;
	int more = 1;

	progress_start(&bar, "sampling", "tokens", 0, progress);
	do {
		/* while there is work, do not wait for input */
		while (more > 0 && queue_wants(q) && (!queue_active(q) || jl_ready(in))) {
			more = read_record(in, q, e);
			queue_admit(q);
			write_finished(q, &bar);
		}
		progress_add(&bar, (double)queue_forward(q));
		write_finished(q, &bar);
	} while (!queue_done(q) || (more > 0 && !queue_failed(q, &line, &late)));
	progress_end(&bar);
	if (!queue_failed(q, &line, &late))
		return more;
	*e = late;
	return err_prefix(e, "%s:%zu: ", jl_name(in), line);
}

/* ---- options ---- */

static int max_tokens_list(const char *arg, void *data, struct err *e)
{
	struct settings *s = data;
	char *copy = xstrdup(arg), *rest = copy;
	int rc = 0;
	uint64_t v;

	s->rules.n_max_new = 0;
	for (char *w; !rc && (w = strsep(&rest, ",")); ) {
		if (s->rules.n_max_new == MAX_TURNS)
			rc = err_set(e, "more than %d turns", MAX_TURNS);
		else if (!(rc = parse_u64(w, 1, 1 << 20, &v, e)))
			s->max_tokens[s->rules.n_max_new++] = (int)v;
	}
	free(copy);
	return rc;
}

static void options(int argc, char **argv, struct settings *s, const char **file)
{
	struct sampling *how = &s->rules.dialogue.sampling;
	const struct opt table[] = {
		OPT_WEIGHTS(&s->dir),
		OPT_SNAPSHOT(&s->snapshot),
		{"samples", 'n', OPT_INT, &s->rules.samples, "N", "samples per problem (default 1)", 1,
		 1 << 20, NULL},
		{"turns", 0, OPT_INT, &s->turns, "T", "turns per trajectory; 0: add none (default 2)", 0,
		 MAX_TURNS, NULL},
		{"temperature", 'T', OPT_F64, &how->temperature, "X", "of sampling (default 1)", 1e-3, 1e3,
		 NULL},
		{"top-p", 0, OPT_F64, &how->top_p, "P", "nucleus sampling (default 1: off)", 1e-6, 1, NULL},
		{"top-k", 0, OPT_INT, &how->top_k, "K", "the K likeliest tokens only (default 0: off)", 0,
		 1 << 30, NULL},
		{"greedy", 0, OPT_FLAG, &how->greedy, NULL, "always the likeliest token", 0, 0, NULL},
		{"max-tokens", 0, OPT_CALL, s, "N[,N..]", "tokens per turn, the last repeats (default 256)",
		 0, 0, max_tokens_list},
		{"min-tokens", 0, OPT_U64, &s->rules.dialogue.min_new, "N",
		 "no end token before N tokens (default 0)", 0, 1 << 20, NULL},
		{"batch", 0, OPT_INT, &s->batch, "N", "sequences decoded together (default 32)", 1, 4096,
		 NULL},
		{"kv-memory", 0, OPT_BYTES, &s->rules.kv_memory, "BYTES",
		 "for key/value caches (default 4G)", 0, 0, NULL},
		{"prompts", 0, OPT_STR, &s->prompts, "FILE.jq",
		 "from the record so far to the next user message", 0, 0, NULL},
		{"chat", 0, OPT_STR, &s->chat, "FILE.jq", "chat format in place of the model's", 0, 0,
		 NULL},
		{"system", 0, OPT_STR, &s->system, "TEXT", "system message; default: the publisher's", 0, 0,
		 NULL},
		OPT_THREADS(&s->threads),
		OPT_SEED(&s->rules.seed),
		OPT_DEVICE(&s->device),
		OPT_PROGRESS(&s->progress),
		{0},
	};

	*file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	s->dir = opt_store(s->dir, usage);
}

/* Everything but the input. */
static int set_up(struct settings *s, struct policy *p, struct err *e)
{
	struct dialogue_rules *r = &s->rules.dialogue;
	struct store *store;
	int rc;

	if (dev_init(s->device, s->threads, e) || store_open(s->dir, STORE_READ, &store, e))
		return -1;
	rc = policy_load(store, s->snapshot, 1, p, e);
	store_close(store);
	if (rc)
		return -1;
	r->tok = p->tok;
	r->snapshot = p->step;
	r->system = s->system;
	if (s->system && !strcmp(s->system, "default") &&
	    !(r->system = s->publisher = chat_default_system(&p->vocab)))
		return err_set(e, "--system default: the model's chat template has no system message");
	s->rules.max_new = s->max_tokens;
	s->rules.turns = (size_t)s->turns;
	s->rules.batch = (size_t)s->batch;
	if (chat_new(p->vocab.chat, s->chat, &r->chat, e))
		return -1;
	return s->prompts ? jqp_load(s->prompts, js_none(), &r->prompts, e)
	                  : jqp_new(default_prompts, "default prompts", js_none(), &r->prompts, e);
}

int main(int argc, char **argv)
{
	struct settings set = {
		.turns = 2, .batch = 32, .max_tokens = {256},
		.rules = {
			.samples = 1, .n_max_new = 1, .kv_memory = (uint64_t)4 << 30,
			.dialogue.sampling = {.temperature = 1, .top_p = 1},
		},
	};
	struct policy policy;
	struct queue *q;
	struct jl_in *in;
	const char *file;
	struct err e;
	int rc;

	prog_init(argv[0]);
	options(argc, argv, &set, &file);
	if (set_up(&set, &policy, &e) || jl_open(file, &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	q = queue_new(&policy, &set.rules);
	rc = run(in, q, set.progress, &e);
	queue_free(q);
	jl_close(in);
	jqp_free(set.rules.dialogue.prompts);
	chat_free(set.rules.dialogue.chat);
	free(set.publisher);
	policy_release(&policy);
	return jl_exit(rc, &e);
}
