/* SPDX-License-Identifier: MIT */
/*
 * rl: from shaped trajectories to what a step of the weights needs: the loss J and its gradient,
 * and the metrics of an update. Called by score-update and score-logprob. Knows models, not stores;
 * trajectories, not files.
 *
 * The loss (DESIGN, Learning), maximised over the N valid trajectories of a batch:
 *
 *   J = 1/N sum over trajectories and turns k that act:
 *           A_k sum_t log pi(a_t)  -  beta_k scale_k sum_t KL_t
 *
 * pi is what acted: the softmax of the logits over the temperature that the turn was sampled at; so
 * is ref in KL. scale_k is 1, or 1/length of the turn. A_k comes with the record. Each turn's
 * tokens are weighted by that turn's own numbers only: nothing is summed over turns first.
 *
 * Everything that is summed over trajectories goes by (group, sample), never by the order of
 * arrival: the same lines in another order give the same bits.
 */
#ifndef RL_H
#define RL_H

#include "model/model.h"
#include "shape/shape.h"

/* ---- a pass: forward (and backward) over trajectories ----------------------------- */

/* The response tokens of one turn, within a sequence. */
struct rl_part {
	size_t first, n;             /* they are ids[first .. first + n) */
	int use;                     /* measured, and trained if there are gradients */
	/* pi and ref are softmax(logits / temperature); 1 from rl_seq_init. */
	double temperature;
	/* [n] of what drew the tokens, borrowed from the trajectory; NULL from rl_seq_init. */
	const float *sampled;
	/* Coefficients in the loss that is minimised, for each token: of log pi (before the weight
	 * of a token's own ratio), and of KL_t. */
	double c_logp, c_kl;
	double weight;               /* of the turn, where the estimator's ratio is the turn's */
	/* Results. */
	/* [n] natural log over the whole vocabulary; ref_logp 0 without reference */
	float *logp, *ref_logp;
	double kl, entropy;          /* sums over the tokens, nats; KL_t of the pass's kind */
};

/* A trajectory as the model reads it: context and tokens of all turns, one after the other. */
struct rl_seq {
	const struct traj *t;        /* borrowed */
	int *ids;                    /* [n_ids] */
	size_t n_ids;
	size_t n_rows;               /* positions that must be computed: up to the last one used */
	struct rl_part *parts;       /* [n_parts], one for each turn */
	size_t n_parts;
};

/*
 * KL_t at each visited position, d = log pi(a) - log ref(a):
 *   exact  sum over the vocabulary of pi (log pi - log ref), differentiated there
 *   k1     d; as a loss it has no gradient on average, so rl_step moves it into the advantage
 *   k2     d^2 / 2
 *   k3     exp(-d) - 1 + d; its gradient is that of KL(ref || pi)
 */
enum rl_kl { RL_EXACT, RL_K1, RL_K2, RL_K3 };

struct rl_kl_kind {
	const char *name;
	double (*value)(double d);   /* of a token; NULL: the device's sum over the vocabulary */
	double (*slope)(double d);   /* by log pi(a), as a loss; NULL: not by the token alone */
	/* the reference's distribution is read, and the gradient is of all logits */
	int vocabulary;
	int advantage;               /* no loss, but taken off the advantage */
};
extern const struct rl_kl_kind rl_kls[];         /* by enum rl_kl */

MUST_CHECK int rl_kl_by_name(const char *name, enum rl_kl *out, struct err *e);

/* Can the model read it? Token ids against the vocabulary, length against the context, and that
 * position 0 is nobody's response. The message is about the record, without its line. */
MUST_CHECK int rl_check(const struct traj *t, const struct model_config *c, struct err *e);
/* Lays t out (checked before); use[k] says which turns are measured (NULL: all). */
void rl_seq_init(struct rl_seq *s, const struct traj *t, const int *use);
void rl_seq_release(struct rl_seq *s);

/*
 * What another distribution drew counts by r = pi(a) / q(a), q being what drew it: the coefficient
 * of a token's log pi in J is A_k w, w a constant to the gradient. c is --clip-ratio.
 *   none   1
 *   token  min(r, c)
 *   turn   the same, r being the product over the turn's tokens
 *   ppo    r, or 0 where min(r A, clip(r, 1 - c, 1 + c) A) is flat
 * With r = 1 all are 1.
 */
enum rl_importance { RL_NONE, RL_TOKEN, RL_TURN, RL_PPO };

struct rl_estimator {
	const char *name;
	double (*weight)(double r, double advantage, double c);      /* NULL: 1 */
	double c, least;             /* if nobody says; the smallest that leaves r = 1 alone */
	int turn;                    /* r is the turn's */
};
extern const struct rl_estimator rl_estimators[];        /* by enum rl_importance */

MUST_CHECK int rl_importance_by_name(const char *name, enum rl_importance *out, struct err *e);

struct rl_times {
	double forward, reference, head, backward, optimizer;     /* seconds, added up */
	uint64_t rss;                                       /* highest RssAnon seen, bytes */
	/* NULL, or told of the rows to do and done */
	struct progress *bar;
};

struct rl_pass;

/*
 * Both models are borrowed; ref may be NULL. micro: most rows of one forward (0: 2048); a sequence
 * is never split, so a longer one makes a larger forward by itself. memory: bytes that what a
 * forward keeps for its backward, caches and the backward's scratch may take (0: 512 MiB); it
 * decides how many rows go together. A sequence that does not fit by itself keeps less and computes
 * each layer twice, and if that does not fit either, takes what it needs.
 */
struct rl_pass *rl_pass_new(struct model *policy, struct model *ref, size_t micro, uint64_t memory);
void rl_pass_free(struct rl_pass *p);
/*
 * The reference is the policy without its adapters: no second model. With ref NULL in rl_pass_new:
 * turn(ctx, 0) takes them off policy, which is the reference then, turn(ctx, 1) puts them on again.
 * The head must be the same with and without.
 */
typedef int (*rl_adapters_fn)(void *ctx, int on, struct err *e);
void rl_pass_adapters(struct rl_pass *p, rl_adapters_fn turn, void *ctx);
const struct model_config *rl_pass_config(const struct rl_pass *p);
/* What a pass measures. Without ref, ref_logp, kl and c_kl are out of it; without entropy (which
 * reads the vocabulary once more) entropy is, unless KL exact needs that reading anyway. */
struct rl_want {
	enum rl_kl kl;
	int ref, entropy;
	enum rl_importance importance;       /* of tokens: c_logp is times their weights */
	double clip_ratio;
};

/* The weight of token j by its own ratio, once logp is there: 1 where ratios are a turn's, or
 * nothing says what drew it. */
double rl_token_weight(enum rl_importance i, double clip_ratio, const struct rl_part *p, size_t j);

/* With rl_pass_adapters: what the reference makes of n sequences, kept for those rl_pass_run that
 * get the same ones next; else nothing. */
MUST_CHECK int rl_pass_reference(struct rl_pass *p, struct rl_seq *s, size_t n,
                                 struct rl_times *times, struct err *e);
/* Computes the results of n sequences; what neighbours have in common from the first row on is
 * computed once, so sequences of a group belong side by side. With g adds the gradient of sum
 * c_logp log pi + c_kl KL_t  (k1: its c_kl is left out). times may be NULL. */
void rl_pass_run(struct rl_pass *p, struct rl_seq *s, size_t n, const struct rl_want *want,
                 struct grads *g, struct rl_times *times);

/* ---- the loss of a batch -------------------------------------------------------------- */

enum rl_objective { RL_PG, RL_NLL };

struct rl_loss {
	enum rl_objective objective;
	enum rl_kl kl;
	int per_token;               /* scale_k is 1/length */
	double beta1, beta2;         /* Stage I: beta2 on turns before the last, beta1 else */
	/* The sum over a turn's tokens in J's first term: as it is, over the turn's length, over
	 * the mean length of the batch's trajectories. */
	enum rl_scale { RL_SEQUENCE, RL_MEAN, RL_BATCH } policy_scale;
	enum rl_importance importance;
	double clip_ratio;
	double max_ratio;            /* of a token, or its inverse, before rl_step refuses; 0: any */
};

/* turns that have metrics of their own; the last holds all beyond */
enum { RL_TURNS = 16 };

/* Sums over the valid trajectories of a batch: everything the metrics row says. */
struct rl_stats {
	enum rl_objective objective;
	int stage, per_token, has_ref;
	enum rl_importance importance;
	size_t n, errors;            /* trajectories: valid, with an error */
	/* oldest step whose weights wrote a turn that counts; -1: nobody says */
	int64_t written;
	double loss;                 /* -J, or the mean of weight * -log p */
	size_t turns;                /* most turns of a valid trajectory, at most RL_TURNS */
	struct rl_turn_stats {
		size_t n;            /* trajectories with this turn */
		size_t trained;      /* of these, those that act */
		/* sums; ret, kl over the trained, length and cut over all */
		double reward, ret, kl, length, cut;
		size_t groups, flat; /* groups with at least two trained; of these, all returns equal */
		size_t unpaired;       /* groups with just one */
	} turn[RL_TURNS];
	size_t tokens;               /* trained */
	double entropy;              /* sum over them, nats */
	/* tokens with a recorded log-probability; ratio outside [0.9, 1.1] */
	size_t compared, outside;
	double ratio_max, k1, k3;    /* largest of ratio and 1/ratio; sums */
	/* ratios of the estimator, a token's or a turn's: how many, sums of them and of their
	 * squares, and those whose weight is another */
	size_t weighed, clipped;
	double weight, weight2;
	/* trajectories of two turns or more; whose last answer is not the first */
	size_t pairs, changed;
};

/*
 * One batch: fills s, adds the gradient of -J to g. All n trajectories, those with an error
 * included (they are left out and counted). -1: no valid trajectory or token to learn from, a loss
 * that is not finite, or a ratio beyond max_ratio.
 */
MUST_CHECK int rl_step(const struct rl_loss *l, struct rl_pass *p, struct traj *const *t, size_t n,
                       struct grads *g, struct rl_stats *s, struct rl_times *times, struct err *e);

/* ---- metrics -------------------- */

/* The metrics row (schemas/metrics.json) but for what the caller adds: step first, timing last. */
struct js rl_metrics(const struct rl_stats *s, int64_t step, double grad_norm, double lr);

#endif
