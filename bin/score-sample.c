/* SPDX-License-Identifier: MIT */
/*
 * score-sample: problems in, trajectories out. Each record becomes n dialogues; each dialogue asks for
 * the next user message (a jq program), renders it (the chat format), and the engine writes the
 * response, until there are --turns of them (policy/queue.h). Records leave in the order they came.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/queue.h"

#define USAGE "score-sample -w STORE [options] [FILE]"

enum { MAX_TURNS = 64 };

/* The user message when there is no --prompts: the problem, then a request to look again. */
static const char default_prompts[] =
	"if (.turns | length) == 0 then .prompt else "
	"\"Something in your last answer may be wrong. Go through it once more, correct whatever is not right, "
	"and then give your whole answer again.\" end";

static struct {
	const char *store, *snapshot, *prompts, *chat, *system, *device;
	int turns, batch, threads, progress;
	int max_tokens[MAX_TURNS];
	struct queue_rules rules;
} o = {
	.device = "auto", .turns = 2, .batch = 32, .max_tokens = {256},
	.rules = {
		.samples = 1, .max_new = o.max_tokens, .n_max_new = 1, .kv_memory = (uint64_t)4 << 30,
		.dialogue.sampling = {.temperature = 1, .top_p = 1},
	},
};

/* Reads one record into the queue. 0 at the end of the input, -1 if it ends with an error. */
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
static int run(struct jl_in *in, struct queue *q, struct err *e)
{
	struct progress bar;
	struct err late;
	size_t line;
	int more = 1;

	progress_start(&bar, "sampling", "tokens", 0, o.progress);
	do {
		/* while there is work, input that is still to come is not waited for */
		while (more > 0 && queue_wants(q) && (!queue_active(q) || jl_ready(in))) {
			more = read_record(in, q, e);
			queue_admit(q);
			write_finished(q, &bar);
		}
		progress_add(&bar, (double)queue_step(q));
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
	char *copy = xstrdup(arg), *rest = copy;
	int rc = 0;
	uint64_t v;

	(void)data;
	o.rules.n_max_new = 0;
	for (char *w; !rc && (w = strsep(&rest, ",")); ) {
		if (o.rules.n_max_new == MAX_TURNS)
			rc = err_set(e, "more than %d turns", MAX_TURNS);
		else if (!(rc = parse_u64(w, 1, 1 << 20, &v, e)))
			o.max_tokens[o.rules.n_max_new++] = (int)v;
	}
	free(copy);
	return rc;
}

static const struct opt options[] = {
	{"weights", 'w', OPT_STR, &o.store, "DIR", "store ($SCORE_WEIGHTS)", 0, 0, NULL},
	{"snapshot", 's', OPT_STR, &o.snapshot, "REF", "step, tag, base or latest (latest)", 0, 0, NULL},
	{"samples", 'n', OPT_INT, &o.rules.samples, "N", "samples per problem (1)", 1, 1 << 20, NULL},
	{"turns", 0, OPT_INT, &o.turns, "T", "attempts per trajectory (2)", 1, MAX_TURNS, NULL},
	{"temperature", 'T', OPT_F64, &o.rules.dialogue.sampling.temperature, "X", "sampling temperature (1)", 1e-3, 1e3, NULL},
	{"top-p", 0, OPT_F64, &o.rules.dialogue.sampling.top_p, "P", "nucleus sampling (1: off)", 1e-6, 1, NULL},
	{"top-k", 0, OPT_INT, &o.rules.dialogue.sampling.top_k, "K", "the K likeliest tokens only (0: off)", 0, 1 << 30, NULL},
	{"greedy", 0, OPT_FLAG, &o.rules.dialogue.sampling.greedy, NULL, "always the likeliest token", 0, 0, NULL},
	{"max-tokens", 0, OPT_CALL, NULL, "N[,N..]", "tokens per turn, the last repeats (256)", 0, 0, max_tokens_list},
	{"min-tokens", 0, OPT_U64, &o.rules.dialogue.min_new, "N", "no end token before N tokens (0)", 0, 1 << 20, NULL},
	{"batch", 0, OPT_INT, &o.batch, "N", "sequences decoded together (32)", 1, 4096, NULL},
	{"kv-memory", 0, OPT_BYTES, &o.rules.kv_memory, "BYTES", "most memory for key/value caches (4G)", 0, 0, NULL},
	{"prompts", 0, OPT_STR, &o.prompts, "FILE.jq", "from the record so far to the next user message", 0, 0, NULL},
	{"chat", 0, OPT_STR, &o.chat, "FILE.jq", "chat format in place of the model's", 0, 0, NULL},
	{"system", 0, OPT_STR, &o.system, "TEXT", "system message", 0, 0, NULL},
	{"threads", 'j', OPT_INT, &o.threads, "N", "threads (all cores)", 1, 1024, NULL},
	{"seed", 0, OPT_U64, &o.rules.seed, "N", "seed of the random numbers (0)", 0, 9007199254740991.0, NULL},
	{"device", 0, OPT_STR, &o.device, "NAME", "auto, cpu or cuda", 0, 0, NULL},
	{"progress", 0, OPT_FLAG, &o.progress, NULL, "progress on stderr even if it is no terminal", 0, 0, NULL},
	{0},
};

/* Everything but the input. */
static int set_up(struct policy *p, struct err *e)
{
	struct dialogue_rules *r = &o.rules.dialogue;
	struct store *store;
	int rc;

	if (kern_init(o.threads, e) || store_open(o.store, STORE_READ, &store, e))
		return -1;
	rc = policy_load(store, o.snapshot, 1, p, e);
	store_close(store);
	if (rc)
		return -1;
	r->tok = p->tok;
	r->snapshot = p->step;
	r->system = o.system;
	o.rules.turns = (size_t)o.turns;
	o.rules.batch = (size_t)o.batch;
	if (chat_new(p->vocab.chat, o.chat, &r->chat, e))
		return -1;
	return o.prompts ? jqp_load(o.prompts, js_none(), &r->prompts, e)
	                 : jqp_new(default_prompts, "default prompts", js_none(), &r->prompts, e);
}

int main(int argc, char **argv)
{
	struct policy policy;
	struct queue *q;
	struct jl_in *in;
	struct err e;
	int at, rc;

	prog_init(argv[0]);
	at = opt_parse(argc, argv, options, USAGE, "Appends attempts to problems until there are --turns of them.");
	if (argc - at > 1)
		opt_usage(USAGE, "more than one input file");
	if (!o.store)
		o.store = getenv("SCORE_WEIGHTS");
	if (!o.store || !*o.store)
		opt_usage(USAGE, "no store: -w DIR or $SCORE_WEIGHTS");
	if (strcmp(o.device, "auto") && strcmp(o.device, "cpu") && strcmp(o.device, "cuda"))
		opt_usage(USAGE, "--device: expected auto, cpu or cuda, got '%s'", o.device);
	if (!strcmp(o.device, "cuda"))
		die(EXIT_ERROR, "--device cuda: this build has no CUDA");
	if (set_up(&policy, &e) || jl_open(argv[at], &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	q = queue_new(&policy, &o.rules);
	rc = run(in, q, &e);
	queue_free(q);
	jl_close(in);
	jqp_free(o.rules.dialogue.prompts);
	chat_free(o.rules.dialogue.chat);
	policy_release(&policy);
	if (rc)
		die(EXIT_ERROR, "%s", e.msg);
	if (jl_finish(&e))
		die(EXIT_ERROR, "%s", e.msg);
	return EXIT_DONE;
}
