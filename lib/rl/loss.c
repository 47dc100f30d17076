/* SPDX-License-Identifier: MIT */
/* A batch's loss: coefficients for every turn, one pass (two for k1), and what it all came to. */
#include "rl/rl.h"

#include "comm/comm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The valid trajectories of a batch by (group, sample), laid out. */
struct work {
	const struct rl_loss *l;
	struct traj **t;             /* [n] */
	struct rl_seq *seq;          /* [n] */
	size_t n;
	struct shape_groups groups;
	double total;                /* N, or the sum of weights, over all processes */
	double tokens;               /* of a trajectory, on average: those that count */
};

/* The policy is what acted: each turn's distribution is the one at its temperature. */
static void as_sampled(struct rl_seq *s, const struct traj *t)
{
	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];

		s->parts[k].temperature = u->temperature > 0 ? u->temperature : 1;
		s->parts[k].sampled = u->sample_logprobs ? u->sample_logprobs : u->logprobs;
	}
}

static void work_init(struct work *w, const struct rl_loss *l, struct traj *const *t, size_t n,
                      size_t *errors)
{
	struct traj **valid = xreallocarray(NULL, n + 1, sizeof(struct traj *));

	*w = (struct work){.l = l, .t = xreallocarray(NULL, n + 1, sizeof(struct traj *))};
	for (size_t i = 0; i < n; i++)
		if (!traj_errored(t[i]))
			valid[w->n++] = t[i];
	*errors = n - w->n;
	shape_groups_init(&w->groups, valid, w->n);
	w->seq = xcalloc(w->n + 1, sizeof *w->seq);
	for (size_t i = 0; i < w->n; i++) {
		struct traj *v = valid[w->groups.order[i]];
		int *use = xcalloc(v->n_turns + 1, sizeof *use);

		for (size_t k = 0; k < v->n_turns; k++)
			use[k] = l->objective == RL_PG ? turn_acts(&v->turns[k])
			                                : v->turns[k].weight != 0 && !v->turns[k].untrained;
		w->t[i] = v;
		rl_seq_init(&w->seq[i], v, use);
		if (l->objective == RL_PG)
			as_sampled(&w->seq[i], v);
		free(use);
	}
	free(valid);
}

static void work_release(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		rl_seq_release(&w->seq[i]);
	shape_groups_release(&w->groups);
	free(w->seq);
	free(w->t);
}

/* ---- coefficients ----------------------------------------------------------- */

static double kl_scale(const struct rl_loss *l, const struct rl_part *p)
{
	return l->per_token && p->n ? 1 / (double)p->n : 1;
}

static double policy_scale(const struct work *w, const struct rl_part *p)
{
	switch (w->l->policy_scale) {
	case RL_MEAN:
		return p->n ? 1 / (double)p->n : 1;
	case RL_BATCH:
		return w->tokens > 0 ? 1 / w->tokens : 1;
	default:
		return 1;
	}
}

static double beta(const struct rl_loss *l, const struct traj *t, size_t k)
{
	return t->stage == 1 && k + 1 < t->n_turns ? l->beta2 : l->beta1;
}

/* N (or the weights' sum) first: it divides every coefficient, whatever the micro-batches. */
static int total(struct work *w, struct err *e)
{
	double sum = 0, tokens = 0, both[2];

	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->seq[i].n_parts; k++) {
			const struct rl_part *p = &w->seq[i].parts[k];

			tokens += p->use ? (double)p->n : 0;
			sum += p->use ? w->t[i]->turns[k].weight * (double)p->n : 0;
		}
	both[0] = w->l->objective == RL_PG ? (double)w->n : sum;
	both[1] = tokens;
	if (comm_sum_f64(both, 2, e))
		return -1;
	sum = both[0];
	if (!isfinite(sum))
		return err_set(e, "the sum of the weights is not finite");
	if (!(sum > 0))
		return err_set(e, w->l->objective == RL_PG ? "no valid trajectory"
		                                           : "no token has a weight above 0");
	w->total = sum;
	w->tokens = both[1] / sum;
	return 0;
}

static void coefficients(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->seq[i].n_parts; k++) {
			const struct turn *u = &w->t[i]->turns[k];
			struct rl_part *p = &w->seq[i].parts[k];

			if (w->l->objective == RL_NLL) {
				p->c_logp = -u->weight / w->total;
				continue;
			}
			p->c_logp = -u->advantage * policy_scale(w, p) / w->total;
			p->c_kl = beta(w->l, w->t[i], k) * kl_scale(w->l, p) / w->total;
		}
}

/*
 * k1 in the advantage: less c_kl times the turn's sum of d, less its mean over the
 * other samples of the group (of one sample alone, nothing).
 */
static void k1_into_advantage(struct work *w, size_t k)
{
	for (size_t g = 0; g < w->groups.n_groups; g++) {
		size_t a = w->groups.start[g], b = w->groups.start[g + 1], have = 0;
		double sum = 0;

		for (size_t i = a; i < b; i++)
			if (k < w->seq[i].n_parts && w->seq[i].parts[k].use) {
				sum += w->seq[i].parts[k].kl * kl_scale(w->l, &w->seq[i].parts[k]);
				have++;
			}
		for (size_t i = a; i < b; i++) {
			struct rl_part *p;
			double own;

			if (k >= w->seq[i].n_parts || !w->seq[i].parts[k].use)
				continue;
			p = &w->seq[i].parts[k];
			own = p->kl * kl_scale(w->l, p);
			if (have > 1)
				own -= (sum - own) / (double)(have - 1);
			p->c_logp += beta(w->l, w->t[i], k) / w->total * own * policy_scale(w, p);
		}
	}
}

static double turn_ratio(const struct rl_part *p)
{
	double log_ratio = 0;

	for (size_t j = 0; j < p->n && p->sampled; j++)
		log_ratio += (double)p->logp[j] - p->sampled[j];
	return exp(log_ratio);
}

static void turn_weights(struct work *w)
{
	const struct rl_estimator *s = &rl_estimators[w->l->importance];

	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->seq[i].n_parts; k++) {
			struct rl_part *p = &w->seq[i].parts[k];

			if (!p->use)
				continue;
			p->weight = s->weight(turn_ratio(p), -p->c_logp, w->l->clip_ratio);
			p->c_logp *= p->weight;
		}
}

/* ---- what it came to ------------------------------------------------------------ */

static struct rl_turn_stats *turn_stats(struct rl_stats *s, size_t k)
{
	return &s->turn[k < RL_TURNS ? k : RL_TURNS - 1];
}

static struct js answer_of(struct js turns, size_t k)
{
	struct js t = js_at(turns, k), verdict = js_get(t, "verdict"),
		answer = js_get(verdict, "answer");

	js_free(t);
	js_free(verdict);
	return answer;
}

/* As score-eval has it: canonical answers, or the text where neither attempt has one. */
static int changed(const struct traj *t)
{
	const struct turn *a = &t->turns[0], *b = &t->turns[t->n_turns - 1];
	struct js turns = js_get(t->rec, "turns"), x = answer_of(turns, 0),
		y = answer_of(turns, t->n_turns - 1);
	int has_x = js_kind(x) > JS_NULL, has_y = js_kind(y) > JS_NULL, differ;

	if (has_x || has_y)
		differ = !has_x || !has_y || !js_equal(x, y);
	else
		differ = a->response_len != b->response_len ||
		         (a->response_len && memcmp(a->response, b->response, a->response_len));
	js_free(x);
	js_free(y);
	js_free(turns);
	return differ;
}

static void ratios(struct rl_stats *s, const struct rl_part *p)
{
	for (size_t j = 0; p->sampled && j < p->n; j++) {
		double d = (double)p->logp[j] - p->sampled[j], r = exp(d), far = exp(fabs(d));

		s->compared++;
		s->outside += r < 0.9 || r > 1.1;
		s->ratio_max = far > s->ratio_max ? far : s->ratio_max;
		s->k1 -= d;
		s->k3 += expm1(d) - d;
	}
}

/* Ratios beyond this say nothing: not of a probability that anything was drawn with. */
static const double ENDLESS = 1e100;

static void weigh(struct rl_stats *s, double r, double weight)
{
	r = r < ENDLESS ? r : ENDLESS;
	s->weighed++;
	s->weight += r;
	s->weight2 += r * r;
	s->clipped += s->importance && weight != r;
}

/* Sum of w log pi over a turn's tokens. */
static double weighted_logp(const struct work *w, struct rl_stats *s, const struct rl_part *p)
{
	int turn = rl_estimators[s->importance].turn;
	double sum = 0;

	for (size_t j = 0; j < p->n; j++) {
		double weight = rl_token_weight(s->importance, w->l->clip_ratio, p, j);

		sum += weight * p->logp[j];
		if (p->sampled && !turn)
			weigh(s, exp((double)p->logp[j] - p->sampled[j]), weight);
	}
	if (!turn)
		return sum;
	weigh(s, turn_ratio(p), p->weight);
	return sum * p->weight;
}

/* Is every token's ratio within the limit? Else the message names the first that is not. */
static int check_ratios(const struct work *w, const struct rl_stats *s, struct err *e)
{
	double limit = w->l->max_ratio > 0 ? w->l->max_ratio : ENDLESS;

	for (size_t i = 0; i < w->n && !(s->ratio_max <= limit); i++)
		for (size_t k = 0; k < w->seq[i].n_parts; k++) {
			const struct rl_part *p = &w->seq[i].parts[k];

			for (size_t j = 0; p->use && p->sampled && j < p->n; j++)
				if (!(exp(fabs((double)p->logp[j] - p->sampled[j])) <= limit))
					return err_set(e, "line %zu: .turns[%zu]: token %zu was drawn with the "
					               "log-probability %g, which is %g now: the ratio is beyond "
					               "%g (--max-ratio)", w->t[i]->line, k, j,
					               (double)p->sampled[j], (double)p->logp[j], limit);
		}
	return 0;
}

static void turn_sums(struct work *w, struct rl_stats *s, size_t i, size_t k)
{
	const struct turn *u = &w->t[i]->turns[k];
	const struct rl_part *p = &w->seq[i].parts[k];
	struct rl_turn_stats *ts = turn_stats(s, k);
	double logp, b = beta(w->l, w->t[i], k) * kl_scale(w->l, p);

	ts->n++;
	ts->reward += u->reward;
	ts->length += (double)u->n_tokens;
	ts->cut += u->length;
	if (w->l->objective == RL_PG && turn_acts(u)) {
		ts->trained++;
		ts->ret += u->ret;
	}
	if (!p->use)
		return;
	if (u->snapshot >= 0 && (s->written < 0 || u->snapshot < s->written))
		s->written = u->snapshot;
	logp = weighted_logp(w, s, p);
	s->tokens += p->n;
	s->entropy += p->entropy;
	if (w->l->objective == RL_NLL) {
		s->loss -= u->weight * logp / w->total;
		return;
	}
	ts->kl += p->kl * kl_scale(w->l, p);
	s->loss -= (u->advantage * policy_scale(w, p) * logp - (s->has_ref ? b * p->kl : 0)) /
	           w->total;
	ratios(s, p);
}

/* Groups whose returns of turn k say nothing. */
static void group_stats(struct work *w, struct rl_stats *s, size_t k)
{
	struct rl_turn_stats *ts = turn_stats(s, k);

	for (size_t g = 0; g < w->groups.n_groups; g++) {
		const struct turn *first = NULL;
		size_t have = 0;
		int flat = 1;

		for (size_t i = w->groups.start[g]; i < w->groups.start[g + 1]; i++) {
			const struct turn *u = k < w->t[i]->n_turns ? &w->t[i]->turns[k] : NULL;

			if (!u || !turn_acts(u))
				continue;
			first = first ? first : u;
			flat = flat && u->ret == first->ret;
			have++;
		}
		ts->groups += have > 1;
		ts->flat += have > 1 && flat;
		ts->unpaired += have == 1;
	}
}

static void sums(struct work *w, struct rl_stats *s, size_t most)
{
	for (size_t i = 0; i < w->n; i++) {
		for (size_t k = 0; k < w->t[i]->n_turns; k++)
			turn_sums(w, s, i, k);
		if (w->t[i]->n_turns > 1) {
			s->pairs++;
			s->changed += changed(w->t[i]);
		}
	}
	for (size_t k = 0; k < most && w->l->objective == RL_PG; k++)
		group_stats(w, s, k);
}

/* ---- one batch ------------------------------------------------------------------------ */

static int grads_sum(struct grads *g, const struct model_config *c, struct err *e)
{
	struct param p;
	int rc = 0;

	for (size_t i = 0; i < g->n && comm_size() > 1 && !rc; i++) {
		float *x;

		if (!mem_there(g->g[i]))
			continue;
		model_param(c, i, &p);
		x = mem_map(g->g[i], p.rows * p.cols * sizeof *x);
		rc = comm_sum_f32(x, p.rows * p.cols, e);
		mem_unmap(g->g[i], x, p.rows * p.cols * sizeof *x, 1);
	}
	return rc;
}

/* What must be known of all tokens before any coefficient is: one more forward. */
static void look_first(struct work *w, struct rl_pass *p, const struct rl_want *want, size_t most,
                       struct rl_times *times)
{
	int k1 = want->ref && rl_kls[want->kl].advantage;
	int turn = rl_estimators[want->importance].turn;

	if (k1 || turn)
		rl_pass_run(p, w->seq, w->n, want, NULL, times);
	for (size_t k = 0; k < most && k1; k++)
		k1_into_advantage(w, k);
	if (turn)
		turn_weights(w);
}

int rl_step(const struct rl_loss *l, struct rl_pass *p, struct traj *const *t, size_t n,
            struct grads *g, struct rl_stats *s, struct rl_times *times, struct err *e)
{
	int pg = l->objective == RL_PG;
	struct rl_want want = {
		.kl = l->kl, .ref = pg && (l->beta1 != 0 || l->beta2 != 0), .entropy = pg,
		.importance = pg ? l->importance : RL_NONE, .clip_ratio = l->clip_ratio,
	};
	size_t most = 0;
	struct work w;
	int rc = -1;

	*s = (struct rl_stats){
		.objective = l->objective, .per_token = l->per_token, .has_ref = want.ref,
		.importance = want.importance, .written = -1,
	};
	work_init(&w, l, t, n, &s->errors);
	s->n = w.n;
	if (total(&w, e))
		goto out;
	for (size_t i = 0; i < w.n; i++)
		most = w.t[i]->n_turns > most ? w.t[i]->n_turns : most;
	s->turns = most < RL_TURNS ? most : RL_TURNS;
	s->stage = pg && w.n ? w.t[0]->stage : 0;      /* the records of nll may say anything */
	coefficients(&w);
	if (want.ref && rl_pass_reference(p, w.seq, w.n, times, e))
		goto out;
	look_first(&w, p, &want, most, times);
	rl_pass_run(p, w.seq, w.n, &want, g, times);
	sums(&w, s, most);
	if (check_ratios(&w, s, e))
		goto out;
	if (!isfinite(s->loss)) {
		err_set(e, "the loss is not finite");
		goto out;
	}
	rc = grads_sum(g, rl_pass_config(p), e);
out:
	work_release(&w);
	return rc;
}
