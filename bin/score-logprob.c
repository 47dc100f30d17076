/* SPDX-License-Identifier: MIT */
/*
 * score-logprob: the log-probability of every response token under a snapshot, by the same forward
 * as in training. For inspection; score-update computes its reference itself.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "rl/rl.h"

static const char usage[] = "score-logprob -w STORE [-s SNAPSHOT] [--as NAME] [options] [FILE]";
static const char about[] = "Log-probabilities of the responses' tokens under a snapshot.";

struct settings {
	const char *dir, *snapshot, *name;
	uint64_t micro;
	double temperature;
	int threads, device, progress;
};

/* Records read but not written yet: as many as fit in one forward. */
struct pending {
	struct traj *t;
	size_t n, cap, tokens;
};

static size_t length(const struct traj *t)
{
	size_t n = 0;

	for (size_t k = 0; k < t->n_turns; k++)
		n += t->turns[k].n_context + t->turns[k].n_tokens;
	return n;
}

static int flush(struct pending *p, struct rl_pass *pass, const struct settings *set,
                 struct progress *bar, struct err *e)
{
	struct rl_seq *s = xcalloc(p->n + 1, sizeof *s);
	struct rl_want want = {0};
	int rc = 0;

	for (size_t i = 0; i < p->n; i++) {
		rl_seq_init(&s[i], &p->t[i], NULL);
		for (size_t k = 0; k < s[i].n_parts; k++)
			s[i].parts[k].temperature = set->temperature;
	}
	rl_pass_run(pass, s, p->n, &want, NULL, NULL);
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->t[i].n_turns; k++)
			traj_set_turn(&p->t[i], k, set->name,
			              js_from_floats(s[i].parts[k].logp, s[i].parts[k].n));
		if (!rc)
			rc = jl_write(p->t[i].rec, e);
		rl_seq_release(&s[i]);
		traj_release(&p->t[i]);
	}
	progress_add(bar, (double)p->tokens);
	free(s);
	p->n = p->tokens = 0;
	return rc;
}

static int run(struct jl_in *in, struct policy *policy, const struct settings *set, struct err *e)
{
	struct rl_pass *pass = rl_pass_new(policy->model, NULL, set->micro, 0);
	struct pending p = {0};
	struct progress bar;
	struct err late;
	struct js rec;
	int rc;

	progress_start(&bar, "log-probabilities", "tok", 0, set->progress);
	while ((rc = jl_read(in, &rec, e)) > 0) {
		struct traj t;
		size_t n;

		bar.share = jl_share(in);
		if (traj_parse(rec, TRAJ_TURNS | TRAJ_TOKENS, &t, e)) {
			rc = jl_where(in, e);
			break;
		}
		if (rl_check(&t, &policy->config, e)) {
			rc = jl_where(in, e);
			traj_release(&t);
			break;
		}
		n = length(&t);
		if (p.n && p.tokens + n > set->micro && flush(&p, pass, set, &bar, e)) {
			traj_release(&t);
			rc = -1;
			break;
		}
		VEC_PUSH(p.t, p.n, p.cap) = t;
		p.tokens += n;
	}
	if (flush(&p, pass, set, &bar, rc ? &late : e))
		rc = -1;
	progress_end(&bar);
	free(p.t);
	rl_pass_free(pass);
	return rc;
}

static int set_up(const struct settings *set, struct policy *policy, struct err *e)
{
	struct store *store;
	int rc;

	if (dev_init(set->device, set->threads, e) || store_open(set->dir, STORE_READ, &store, e))
		return -1;
	rc = policy_load(store, set->snapshot, 0, policy, e);
	store_close(store);
	return rc;
}

static void options(int argc, char **argv, struct settings *s, const char **file)
{
	/* protects the standard fields of a turn */
	static const char *const taken[] = {
		"prompt", "context", "response", "tokens", "logprobs", "sample_logprobs", "sampling",
		"finish", "snapshot", "reward", "verdict", "return", "advantage", "given", "trained",
		"weight",
	};
	const struct opt table[] = {
		OPT_WEIGHTS(&s->dir),
		OPT_SNAPSHOT(&s->snapshot),
		{"as", 0, OPT_STR, &s->name, "NAME",
		 "the field to write (default ref_logprobs)", 0, 0, NULL},
		{"temperature", 'T', OPT_F64, &s->temperature, "X",
		 "of the distribution (default 1)", 1e-3, 1e3, NULL},
		{"micro-tokens", 0, OPT_U64, &s->micro, "N",
		 "positions of one forward (default 2048)", 1, 1 << 24, NULL},
		OPT_THREADS(&s->threads),
		OPT_DEVICE(&s->device),
		OPT_PROGRESS(&s->progress),
		{0},
	};

	*file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	s->dir = opt_store(s->dir, usage);
	for (size_t i = 0; i < LEN(taken); i++)
		if (!strcmp(s->name, taken[i]))
			opt_usage(usage, "--as: %s is a turn's own field", s->name);
}

int main(int argc, char **argv)
{
	struct settings set = {.name = "ref_logprobs", .micro = 2048, .temperature = 1};
	struct policy policy;
	struct jl_in *in;
	const char *file;
	struct err e;
	int rc;

	prog_init(argv[0]);
	options(argc, argv, &set, &file);
	if (jl_open(file, &in, &e) || set_up(&set, &policy, &e))
		die(EXIT_ERROR, "%s", e.msg);
	rc = run(in, &policy, &set, &e);
	jl_close(in);
	policy_release(&policy);
	return jl_exit(rc, &e);
}
