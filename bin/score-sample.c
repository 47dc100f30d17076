/* SPDX-License-Identifier: MIT */
/*
 * score-sample: problems in, trajectories out. Each record becomes n dialogues; each dialogue asks for
 * the next user message (a jq program), renders it (the chat format), and the engine writes the
 * response, until there are --turns of them. Records leave in the order they came.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/dialogue.h"
#include "policy/policy.h"

#define USAGE "score-sample -w STORE [options] [FILE]"

enum { MAX_TURNS = 64, NEXT_CONTEXT = 64 };   /* tokens assumed for a later turn's context, grown if wrong */

/* The user message when there is no --prompts: the problem, then a request to look again. */
static const char default_prompts[] =
	"if (.turns | length) == 0 then .prompt else "
	"\"Something in your last answer may be wrong. Go through it once more, correct whatever is not right, "
	"and then give your whole answer again.\" end";

static struct {
	const char *store, *snapshot, *prompts, *chat, *system, *device;
	int n, turns, batch, threads, progress;
	int max_tokens[MAX_TURNS], n_max;
	uint64_t seed, kv_memory;
	struct dialogue_rules rules;
} o = {
	.device = "auto", .n = 1, .turns = 2, .batch = 32, .max_tokens = {256}, .n_max = 1,
	.kv_memory = (uint64_t)4 << 30, .rules.sampling = {.temperature = 1, .top_p = 1},
};

/* One dialogue on its way. */
struct job {
	struct dialogue d;
	char *id;                    /* names the random stream */
	int64_t step, sample;
	size_t line;
	struct kv kv;
	uint64_t kv_held;            /* bytes counted against kv_memory */
	struct gen g;
	double share;                /* of the input up to here */
	int written;                 /* complete: may leave when all before it have */
	struct job *next, *next_waiting;   /* in input order; leaders that wait for room */
};

static struct {
	struct policy p;
	struct engine *engine;
	struct jl_in *in;
	struct job *first, **last;           /* all jobs in input order */
	struct job *waiting, **waiting_last; /* leaders (with twins) not yet in the engine */
	uint64_t kv_used;
	size_t jobs;
	int ended;                           /* 1: end of input, 2: an error */
	struct err bad;                      /* why, if it is an error */
	struct progress progress;
} s;

static int max_new(size_t turn)
{
	return o.max_tokens[turn < (size_t)o.n_max ? turn : (size_t)o.n_max - 1];
}

/* The first error ends the input; what came before it is still finished and written. */
static void fail(struct job *j, const struct err *e)
{
	if (s.ended < 2) {
		s.bad = *e;
		if (j)
			err_prefix(&s.bad, "%s:%zu: ", jl_name(s.in), j->line);
	}
	s.ended = 2;
	if (j)
		j->written = -1;             /* never leaves, nor does what comes after it */
}

/* ---- a job's turns ---- */

/* Opens the job's next turn, or marks it complete. */
static int next_turn(struct job *j, struct err *e)
{
	size_t limit = s.p.config.context, budget;
	struct gen *g = &j->g;
	struct rng rng;

	for (;;) {
		if (j->d.turns >= (size_t)o.turns) {
			j->written = 1;
			return 0;
		}
		if (dialogue_ask(&j->d, &o.rules, e))
			return -1;
		if (j->d.all.n < limit)
			break;
		if (!j->d.sampled)
			return err_set(e, ".turns[%zu]: %zu tokens of prompt do not fit the model's context of %zu",
			               j->d.turns, j->d.all.n, limit);
		dialogue_no_room(&j->d, &o.rules, limit);
	}
	budget = (size_t)max_new(j->d.turns);
	rng = rng_stream(o.seed, "sample", (uint64_t)j->step, j->id, (uint64_t)j->sample, j->d.turns);
	if (budget > limit - j->d.all.n)
		budget = limit - j->d.all.n;
	*g = (struct gen){
		.kv = &j->kv, .feed = j->d.all.v + j->kv.len, .n_feed = j->d.all.n - j->kv.len,
		.sampling = o.rules.sampling, .rng = rng, .min_new = o.rules.min_new, .max_new = budget, .owner = j,
		.tokens = xreallocarray(g->tokens, budget, sizeof *g->tokens),
		.logprobs = xreallocarray(g->logprobs, budget, sizeof *g->logprobs),
		.sample_logprobs = xreallocarray(g->sample_logprobs, budget, sizeof *g->sample_logprobs),
	};
	return 0;
}

/* Positions that a job will need for all of its turns. */
static size_t positions(const struct job *j)
{
	size_t n = j->d.all.n + j->g.max_new;

	for (size_t t = j->d.turns + 1; t < (size_t)o.turns; t++)
		n += NEXT_CONTEXT + (size_t)max_new(t);
	return n < s.p.config.context ? n : s.p.config.context;
}

static void kv_make(struct job *j, size_t cap)
{
	struct kv old = j->kv;

	kv_init(&j->kv, &s.p.config, cap);
	if (old.len)
		kv_copy(&j->kv, &old, old.len, &s.p.config);
	kv_release(&old);
	s.kv_used += kv_bytes(&s.p.config, cap) - j->kv_held;
	j->kv_held = kv_bytes(&s.p.config, cap);
}

static void kv_drop(struct job *j)
{
	kv_release(&j->kv);
	s.kv_used -= j->kv_held;
	j->kv_held = 0;
}

/* ---- jobs in and out ---- */

static struct job *job_new(const struct traj *t, int64_t sample, struct err *e)
{
	struct job *j = xcalloc(1, sizeof *j);
	struct buf id = {0};

	if (dialogue_init(&j->d, t, &o.rules, e)) {
		free(j);
		return NULL;
	}
	buf_adds(&id, t->id);
	if (t->has_batch)                /* the same problem may stand in a batch twice */
		buf_addf(&id, "\n%lld", (long long)t->index);
	j->id = id.data;
	j->step = t->has_batch ? t->step : s.p.step;
	j->sample = sample;
	j->line = t->line;
	j->share = jl_share(s.in);
	js_set(&j->d.rec, "sample", js_num((double)sample));
	js_set(&j->d.rec, "group", js_num((double)(t->has_sample && t->has_group ? t->group : o.n)));
	js_set(&j->d.rec, "seed", js_num((double)o.seed));
	*s.last = j;
	s.last = &j->next;
	s.jobs++;
	if (next_turn(j, e)) {
		fail(j, e);
		return NULL;
	}
	return j;
}

/* Same text to read: read it once for both. */
static int same_feed(const struct job *a, const struct job *b)
{
	return a->g.n_feed == b->g.n_feed && !memcmp(a->g.feed, b->g.feed, a->g.n_feed * sizeof *a->g.feed);
}

static void wait_for_room(struct job *leader)
{
	*s.waiting_last = leader;
	s.waiting_last = &leader->next_waiting;
}

/* A record's n jobs; those with the same prompt become twins of the first, up to a batch together. */
static int add_record(const struct traj *t, struct err *e)
{
	int keeps = t->has_sample && t->has_group, n = keeps ? 1 : o.n, together = 0;
	struct job *leader = NULL;

	if (keeps && o.n > 1)
		return err_set(e, ".sample: the record is one of a group already; -n %d cannot multiply it", o.n);
	for (int i = 0; i < n; i++) {
		struct job *j = job_new(t, keeps ? t->sample : i, e);

		if (!j)
			return -1;
		if (j->written)
			continue;
		if (leader && together < o.batch && same_feed(leader, j)) {
			j->g.twins = leader->g.twins;
			leader->g.twins = &j->g;
			together++;
			continue;
		}
		wait_for_room(j);
		leader = j;
		together = 1;
	}
	return 0;
}

static void read_record(void)
{
	struct js rec;
	struct traj t;
	struct err e;
	int rc = jl_read(s.in, &rec, &e);

	if (rc < 0)
		fail(NULL, &e);
	if (rc <= 0) {
		s.ended = rc ? 2 : 1;
		return;
	}
	if (traj_parse(rec, TRAJ_ID, &t, &e)) {
		jl_where(s.in, &e);
		fail(NULL, &e);
		return;
	}
	t.line = jl_line(s.in);
	if (add_record(&t, &e)) {
		jl_where(s.in, &e);
		fail(NULL, &e);
	}
	traj_release(&t);
}

/* Moves waiting leaders into the engine while it has room and memory for them and their twins. */
static void admit(void)
{
	struct job *j;

	for (; (j = s.waiting); s.waiting = j->next_waiting) {
		size_t cap = positions(j), count = 1;
		uint64_t need;

		for (struct gen *t = j->g.twins; t; t = t->twins)
			count++;
		need = count * kv_bytes(&s.p.config, cap);
		if (count > engine_room(s.engine) || (s.kv_used && s.kv_used + need > o.kv_memory))
			return;
		if (need > o.kv_memory) {
			struct err e;

			err_set(&e, "%zu samples of up to %zu tokens need %llu MiB of cache, more than --kv-memory allows",
			        count, cap, (unsigned long long)(need >> 20));
			for (struct gen *g = &j->g; g; g = g->twins)
				fail(g->owner, &e);
			continue;
		}
		for (struct gen *g = &j->g; g; g = g->twins)
			kv_make(g->owner, cap);
		engine_add(s.engine, &j->g);
	}
	s.waiting_last = &s.waiting;
}

static void finish_turn(struct gen *g)
{
	struct job *j = g->owner;
	struct err e;

	progress_add(&s.progress, (double)g->n);
	dialogue_answer(&j->d, &o.rules, g);
	if (next_turn(j, &e))
		fail(j, &e);
	if (j->written) {
		kv_drop(j);
		return;
	}
	if (j->kv.cap < j->d.all.n + j->g.max_new)
		kv_make(j, j->d.all.n + j->g.max_new);
	engine_add(s.engine, g);
}

static void job_free(struct job *j)
{
	kv_drop(j);
	dialogue_release(&j->d);
	free(j->g.tokens);
	free(j->g.logprobs);
	free(j->g.sample_logprobs);
	free(j->id);
	free(j);
}

static void write_ready(void)
{
	struct job *j;
	struct err e;

	while ((j = s.first) && j->written > 0) {
		if (jl_write(j->d.rec, &e))
			die(EXIT_ERROR, "%s", e.msg);
		s.progress.share = j->share;
		s.first = j->next;
		if (!s.first)
			s.last = &s.first;
		s.jobs--;
		job_free(j);
	}
}

static void run(void)
{
	size_t ahead = 8 * (size_t)o.batch + (size_t)o.n;
	int busy = 0;

	s.last = &s.first;
	s.waiting_last = &s.waiting;
	progress_start(&s.progress, "sampling", "tokens", 0, o.progress);
	do {
		/* one record beyond what the engine can take, so that a whole group is there when room is;
		 * while there is work, input that is still to come is not waited for */
		while (!s.ended && s.jobs < ahead && (!s.waiting || engine_room(s.engine) > 0) &&
		       (!busy || jl_ready(s.in))) {
			read_record();
			admit();
			write_ready();
			busy = engine_active(s.engine) > 0;
			if (s.waiting && busy)
				break;
		}
		admit();
		for (struct gen *g = engine_step(s.engine), *next; g; g = next) {
			next = g->next;
			finish_turn(g);
		}
		write_ready();
		busy = engine_active(s.engine) > 0;
	} while (engine_active(s.engine) || s.waiting || !s.ended);
	progress_end(&s.progress);
}

/* ---- options ---- */

static int max_tokens_list(const char *arg, void *data, struct err *e)
{
	char *copy = xstrdup(arg), *rest = copy;
	int rc = 0;
	uint64_t v;

	(void)data;
	o.n_max = 0;
	for (char *w; !rc && (w = strsep(&rest, ",")); ) {
		if (o.n_max == MAX_TURNS)
			rc = err_set(e, "more than %d turns", MAX_TURNS);
		else if (!(rc = parse_u64(w, 1, 1 << 20, &v, e)))
			o.max_tokens[o.n_max++] = (int)v;
	}
	free(copy);
	return rc;
}

static const struct opt options[] = {
	{"weights", 'w', OPT_STR, &o.store, "DIR", "store ($SCORE_WEIGHTS)", 0, 0, NULL},
	{"snapshot", 's', OPT_STR, &o.snapshot, "REF", "step, tag, base or latest (latest)", 0, 0, NULL},
	{"samples", 'n', OPT_INT, &o.n, "N", "samples per problem (1)", 1, 1 << 20, NULL},
	{"turns", 0, OPT_INT, &o.turns, "T", "attempts per trajectory (2)", 1, MAX_TURNS, NULL},
	{"temperature", 'T', OPT_F64, &o.rules.sampling.temperature, "X", "sampling temperature (1)", 1e-3, 1e3, NULL},
	{"top-p", 0, OPT_F64, &o.rules.sampling.top_p, "P", "nucleus sampling (1: off)", 1e-6, 1, NULL},
	{"top-k", 0, OPT_INT, &o.rules.sampling.top_k, "K", "the K likeliest tokens only (0: off)", 0, 1 << 30, NULL},
	{"greedy", 0, OPT_FLAG, &o.rules.sampling.greedy, NULL, "always the likeliest token", 0, 0, NULL},
	{"max-tokens", 0, OPT_CALL, NULL, "N[,N..]", "tokens per turn, the last repeats (256)", 0, 0, max_tokens_list},
	{"min-tokens", 0, OPT_U64, &o.rules.min_new, "N", "no end token before N tokens (0)", 0, 1 << 20, NULL},
	{"batch", 0, OPT_INT, &o.batch, "N", "sequences decoded together (32)", 1, 4096, NULL},
	{"kv-memory", 0, OPT_BYTES, &o.kv_memory, "BYTES", "most memory for key/value caches (4G)", 0, 0, NULL},
	{"prompts", 0, OPT_STR, &o.prompts, "FILE.jq", "from the record so far to the next user message", 0, 0, NULL},
	{"chat", 0, OPT_STR, &o.chat, "FILE.jq", "chat format in place of the model's", 0, 0, NULL},
	{"system", 0, OPT_STR, &o.system, "TEXT", "system message", 0, 0, NULL},
	{"threads", 'j', OPT_INT, &o.threads, "N", "threads (all cores)", 1, 1024, NULL},
	{"seed", 0, OPT_U64, &o.seed, "N", "seed of the random numbers (0)", 0, 9007199254740991.0, NULL},
	{"device", 0, OPT_STR, &o.device, "NAME", "auto, cpu or cuda", 0, 0, NULL},
	{"progress", 0, OPT_FLAG, &o.progress, NULL, "progress on stderr even if it is no terminal", 0, 0, NULL},
	{0},
};

int main(int argc, char **argv)
{
	struct store *store;
	struct err e;
	int at;

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
	if (kern_init(o.threads, &e) || store_open(o.store, STORE_READ, &store, &e) ||
	    policy_load(store, o.snapshot, 1, &s.p, &e))
		die(EXIT_ERROR, "%s", e.msg);
	store_close(store);
	o.rules.tok = s.p.tok;
	o.rules.snapshot = s.p.step;
	o.rules.system = o.system;
	if (chat_new(s.p.vocab.chat, o.chat, &o.rules.chat, &e) ||
	    (o.prompts ? jqp_load(o.prompts, js_none(), &o.rules.prompts, &e)
	               : jqp_new(default_prompts, "default prompts", js_none(), &o.rules.prompts, &e)) ||
	    jl_open(argv[at], &s.in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	s.engine = engine_new(s.p.model, s.p.vocab.ends, s.p.vocab.n_ends, (size_t)o.batch);
	run();
	engine_free(s.engine);
	for (struct job *j; (j = s.first); ) {
		s.first = j->next;
		job_free(j);
	}
	jl_close(s.in);
	jqp_free(o.rules.prompts);
	chat_free(o.rules.chat);
	policy_release(&s.p);
	if (s.ended == 2)
		die(EXIT_ERROR, "%s", s.bad.msg);
	if (jl_finish(&e))
		die(EXIT_ERROR, "%s", e.msg);
	return EXIT_DONE;
}
