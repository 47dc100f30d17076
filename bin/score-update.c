/* SPDX-License-Identifier: MIT */
/*
 * score-update: one optimiser step for each batch of trajectories on stdin, each committed to
 * the store as the next snapshot, with its metrics row.
 */
#include <stdlib.h>
#include <string.h>

#include "comm/comm.h"
#include "train/train.h"

static const char usage[] = "score-update -w STORE [options] [FILE]";
static const char about[] =
	"One optimiser step for each batch of trajectories, committed to the store.";

struct settings {
	const char *dir;
	struct train_settings train;
	int threads, device, partial, progress;
	int weighed;                 /* --importance was given */
};

/* One bar for each batch, all on one line. */
static void bar_start(struct progress *bar, const struct batch *b, int force)
{
	double shown = bar->shown, tokens = 0;

	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; k < b->t[i].n_turns; k++)
			tokens += (double)(b->t[i].turns[k].n_context + b->t[i].turns[k].n_tokens);
	progress_start(bar, "update", "tok", tokens, force);
	bar->shown = shown;
}

/* A batch that the sandbox, say, has made smaller. */
static void tell_errors(const struct batch *b, const struct jl_in *in, int objective)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += objective == RL_PG && traj_errored(&b->t[i]);
	if (n)
		warn("%s: %zu of the %zu trajectories of batch step %lld have errors, and are left out",
		     jl_name(in), n, b->n, (long long)b->step);
}

static int learn(struct trainer *r, const struct batch *b, const struct jl_in *in,
                 const struct settings *s, struct progress *bar, struct err *e)
{
	const struct traj *bad;

	if (!b->stamped && !s->partial)
		return err_set(e, "%s: the lines have no batch field: --partial trains on them as one "
		               "batch", jl_name(in));
	if (trainer_check(r, b, &bad, e))
		return err_prefix(e, "%s:%zu: ", jl_name(in), bad->line);
	bar_start(bar, b, s->progress);
	if (trainer_update(r, b, bar, e))
		return err_prefix(e, "%s: ", jl_name(in));
	tell_errors(b, in, s->train.loss.objective);
	return 0;
}

/* What is committed is said: a printed line is a step that will not be lost. */
static int print(struct trainer *r, const struct settings *s, struct err *e)
{
	int rc = 0;

	if (r->n_waiting || !r->n_rows)
		return 0;
	if (s->progress)
		fprintf(stderr, "\r\033[K%s: step %lld committed in %.2f s\n", prog_name(),
		        (long long)r->step, r->commit_seconds);
	for (size_t i = 0; i < r->n_rows && !rc; i++) {
		struct js row;

		rc = js_parse(r->rows[i].json, strlen(r->rows[i].json), &row, e);
		if (!rc) {
			rc = jl_write(row, e);
			js_free(row);
		}
	}
	trainer_printed(r);
	return rc;
}

static int run(struct trainer *r, struct jl_in *in, const struct settings *s, struct err *e)
{
	unsigned need = TRAJ_ID | TRAJ_TURNS | TRAJ_TOKENS;
	struct progress bar = {0};
	struct batch_in *batches;
	struct batch b;
	struct err late;
	int rc;

	if (s->train.loss.objective == RL_PG)
		need |= TRAJ_LOGPROBS | TRAJ_REWARDS | TRAJ_RETURNS;
	batches = batch_in_new(in, need, s->partial);
	while ((rc = batch_read(batches, &b, e)) > 0) {
		rc = learn(r, &b, in, s, &bar, e);
		batch_release(&b);
		if (rc || (rc = print(r, s, e)))
			break;
	}
	batch_in_free(batches);
	progress_end(&bar);
	/* whole batches before an error stay trained */
	if (trainer_commit(r, rc ? &late : e) || print(r, s, rc ? &late : e))
		rc = -1;
	return rc;
}

/* ---- options ------------------------------------------------------------------- */

static int parse_kl(const char *arg, void *data, struct err *e)
{
	return rl_kl_by_name(arg, data, e);
}

static int parse_importance(const char *arg, void *data, struct err *e)
{
	struct settings *s = data;

	s->weighed = 1;
	return rl_importance_by_name(arg, &s->train.loss.importance, e);
}

static int parse_rank(const char *arg, void *data, struct err *e)
{
	struct policy_lora *l = data;
	uint64_t rank;

	if (parse_u64(arg, 1, 4096, &rank, e))
		return -1;
	l->rank = (uint32_t)rank;
	return 0;
}

/* What is drawn from elsewhere is weighed, unless it is said that it shall not be. */
static void importance(struct settings *s)
{
	struct rl_loss *l = &s->train.loss;
	const struct rl_estimator *row;

	if (s->train.off_policy && !s->weighed)
		l->importance = RL_TOKEN;
	row = &rl_estimators[l->importance];
	if (l->clip_ratio >= 0 && !row->weight)
		opt_usage(usage, "--clip-ratio wants --importance");
	if (l->clip_ratio >= 0 && l->clip_ratio < row->least)
		opt_usage(usage, "--importance %s wants a --clip-ratio of at least %g", row->name,
		          row->least);
	if (l->clip_ratio < 0)
		l->clip_ratio = row->c;
}

static void options(int argc, char **argv, struct settings *s, const char **file)
{
	const struct opt table[] = {
		OPT_WEIGHTS(&s->dir),
		{"objective", 0, OPT_CHOICE, &s->train.loss.objective, "pg|nll",
		 "policy gradient, or likelihood (default pg)", 0, 0, NULL},
		{"lr", 0, OPT_F64, &s->train.adam.lr, "X", "learning rate (default 5e-6)", 0, 1e6, NULL},
		{"schedule", 0, OPT_CHOICE, &s->train.adam.cosine, "constant|cosine",
		 "of the learning rate (default constant)", 0, 0, NULL},
		{"warmup", 0, OPT_U64, &s->train.adam.warmup, "N",
		 "updates of linear warm-up (default 0)", 0, 0, NULL},
		{"steps-total", 0, OPT_U64, &s->train.adam.total, "N",
		 "updates to the end of the cosine", 0, 0, NULL},
		{"min-lr", 0, OPT_F64, &s->train.adam.min_lr, "X",
		 "where the cosine ends (default 0)", 0, 1e6, NULL},
		{"adam-beta1", 0, OPT_F64, &s->train.adam.beta1, "X",
		 "decay of the first moment (default 0.9)", 0, 0.999999, NULL},
		{"adam-beta2", 0, OPT_F64, &s->train.adam.beta2, "X",
		 "decay of the second moment (default 0.95)", 0, 0.99999999, NULL},
		{"adam-eps", 0, OPT_F64, &s->train.adam.eps, "X", "(default 1e-8)", 1e-30, 1, NULL},
		{"weight-decay", 0, OPT_F64, &s->train.adam.decay, "X",
		 "decoupled, on matrices (default 0)", 0, 1e6, NULL},
		{"clip-grad", 0, OPT_F64, &s->train.adam.clip, "X",
		 "largest global gradient norm, 0: any (default 1)", 0, 1e30, NULL},
		{"beta1", 0, OPT_F64, &s->train.loss.beta1, "X", "KL weight (default 0.01)", 0, 1e30, NULL},
		{"beta2", 0, OPT_F64, &s->train.loss.beta2, "X",
		 "KL weight in Stage I before the last turn (default 0.1)", 0, 1e30, NULL},
		{"beta2-target", 0, OPT_F64, &s->train.kl_target, "KL",
		 "raise --beta2 as it takes to hold that KL (default: as it is)", 0, 1e30, NULL},
		{"kl", 0, OPT_CALL, &s->train.loss.kl, "KIND",
		 "exact, k1, k2 or k3 (default exact)", 0, 0, parse_kl},
		{"kl-scale", 0, OPT_CHOICE, &s->train.loss.per_token, "sequence|token",
		 "KL summed, or a mean (default sequence)", 0, 0, NULL},
		{"importance", 0, OPT_CALL, s, "KIND",
		 "none, token, turn or ppo (default none; token with --off-policy)", 0, 0,
		 parse_importance},
		{"clip-ratio", 0, OPT_F64, &s->train.loss.clip_ratio, "C",
		 "largest weight (default 2), or ppo's range (default 0.2)", 0, 1e30, NULL},
		{"max-ratio", 0, OPT_F64, &s->train.loss.max_ratio, "R",
		 "refuse what is this much likelier or less likely now (default: any)", 1, 1e30, NULL},
		{"policy-scale", 0, OPT_CHOICE, &s->train.loss.policy_scale, "sequence|token|batch",
		 "log pi summed, or a mean of the turn's or the batch's tokens (default sequence)", 0, 0,
		 NULL},
		{"reference", 0, OPT_STR, &s->train.reference, "SNAPSHOT",
		 "what KL is taken to (default base)", 0, 0, NULL},
		{"max-lag", 0, OPT_U64, &s->train.max_lag, "N",
		 "steps a turn's writer may be behind (default 0)", 0, 0, NULL},
		{"off-policy", 0, OPT_FLAG, &s->train.off_policy, NULL,
		 "take turns drawn by top-p, top-k, min-tokens or greedily", 0, 0, NULL},
		{"partial", 0, OPT_FLAG, &s->partial, NULL,
		 "train on batches that are cut short or not marked", 0, 0, NULL},
		{"reset-optimizer", 0, OPT_FLAG, &s->train.reset, NULL,
		 "begin with fresh moments and schedule", 0, 0, NULL},
		{"keep-optimizer", 0, OPT_FLAG, &s->train.keep_optimizer, NULL,
		 "keep them where stage or objective change", 0, 0, NULL},
		{"memory", 0, OPT_BYTES, &s->train.memory, "SIZE",
		 "for activations, bytes or with K, M, G (default 512M)", 0, 0, NULL},
		{"micro-tokens", 0, OPT_U64, &s->train.micro, "N",
		 "most positions of one forward (default 2048)", 1, 1 << 24, NULL},
		{"commit-every", 0, OPT_U64, &s->train.commit_every, "N",
		 "commit each N-th batch only (default 1)", 1, 1 << 30, NULL},
		{"lora", 0, OPT_CALL, &s->train.lora, "RANK",
		 "train adapters of this rank instead of the weights", 0, 0, parse_rank},
		{"lora-alpha", 0, OPT_F64, &s->train.lora.alpha, "X",
		 "adapters count X / RANK (default 32)", 1e-6, 1e6, NULL},
		{"keep", 0, OPT_INT, &s->train.keep, "K",
		 "snapshots to keep besides tagged ones (default 2)", 1, 1 << 30, NULL},
		OPT_THREADS(&s->threads),
		OPT_DEVICE(&s->device),
		OPT_PROGRESS(&s->progress),
		{0},
	};

	*file = opt_input(argc, argv, opt_parse(argc, argv, table, usage, about), usage);
	s->dir = opt_store(s->dir, usage);
	importance(s);
	if (s->train.kl_target > 0 && s->train.loss.beta2 <= 0)
		opt_usage(usage, "--beta2-target wants a --beta2 above 0");
	if (s->train.adam.cosine && s->train.adam.total <= s->train.adam.warmup)
		opt_usage(usage, "--schedule cosine wants --steps-total above --warmup");
	if (s->train.lora.alpha != 0 && !s->train.lora.rank)
		opt_usage(usage, "--lora-alpha wants --lora");
}

int main(int argc, char **argv)
{
	struct settings set = {
		.train = {
			.loss = {.beta1 = 0.01, .beta2 = 0.1, .clip_ratio = -1},
			.adam = {.lr = 5e-6, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .clip = 1},
			.reference = "base", .commit_every = 1, .keep = 2,
		},
	};
	struct trainer trainer;
	struct jl_in *in;
	const char *file;
	struct err e;
	int rc;

	prog_init(argv[0]);
	options(argc, argv, &set, &file);
	if (jl_open(file, &in, &e) || comm_init(&e) || dev_init(set.device, set.threads, &e))
		die(EXIT_ERROR, "%s", e.msg);
	rc = trainer_open(&trainer, set.dir, &set.train, &e);
	if (!rc)
		rc = run(&trainer, in, &set, &e);
	trainer_release(&trainer);
	jl_close(in);
	comm_end();
	return jl_exit(rc, &e);
}
