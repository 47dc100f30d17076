/* SPDX-License-Identifier: MIT */
/* A batch checked, learned from, committed. */
#include "train/train.h"

#include "comm/comm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what a batch must be ---------------------------------------------------- */

static int check_turns(const struct trainer *r, const struct traj *t, struct err *e)
{
	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];

		if (u->given)
			continue;
		if (u->snapshot < 0)
			return err_set(e, ".turns[%zu].snapshot: missing", k);
		if (u->snapshot > r->step || (uint64_t)(r->step - u->snapshot) > r->set.max_lag)
			return err_set(e, ".turns[%zu].snapshot: written by step %lld, but the weights are at step %lld"
			               " (--max-lag %llu)", k, (long long)u->snapshot, (long long)r->step,
			               (unsigned long long)r->set.max_lag);
	}
	return 0;
}

int trainer_check(const struct trainer *r, const struct batch *b, const struct traj **bad, struct err *e)
{
	int pg = r->set.loss.objective == RL_PG;

	*bad = &b->t[0];
	if (b->stamped && b->step != r->step)
		return err_set(e, ".batch.step: a batch for step %lld, but the weights are at step %lld",
		               (long long)b->step, (long long)r->step);
	for (size_t i = 0; i < b->n; i++) {
		const struct traj *t = *bad = &b->t[i];

		if (pg && !t->stage)
			return err_set(e, ".stage: missing");
		if (pg && t->stage != b->t[0].stage)
			return err_set(e, ".stage: %d, but this batch began with %d", t->stage, b->t[0].stage);
		if ((pg && check_turns(r, t, e)) || rl_check(t, &r->policy.config, e))
			return -1;
	}
	return 0;
}

/* ---- one update ------------------------------------------------------------------ */

static struct js timing(const struct trainer *r, const struct rl_times *t, double total)
{
	struct js o = js_object();

	js_set(&o, "forward", js_num(t->forward));
	js_set(&o, "reference", js_num(t->reference));
	js_set(&o, "head", js_num(t->head));
	js_set(&o, "backward", js_num(t->backward));
	js_set(&o, "optimizer", js_num(t->optimizer));
	js_set(&o, "total", js_num(total));
	js_set(&o, "commit", r->commit_seconds < 0 ? js_null() : js_num(r->commit_seconds));
	js_set(&o, "rss_anon", js_num((double)t->rss));
	return o;
}

/* A stage or an objective of its own begins with a fresh optimiser. */
static void fresh(struct trainer *r, int stage)
{
	const char *objective = r->set.loss.objective == RL_PG ? "pg" : "nll";

	if (r->set.reset || strcmp(r->state.objective, objective) || r->state.stage != stage)
		rl_optim_reset(&r->optim, &r->policy.config);
	r->set.reset = 0;
	snprintf(r->state.objective, sizeof r->state.objective, "%s", objective);
	r->state.stage = stage;
}

int trainer_update(struct trainer *r, const struct batch *b, struct progress *bar, struct err *e)
{
	struct traj **t = xreallocarray(NULL, b->n + 1, sizeof(struct traj *));
	double started = now_seconds(), norm, lr, at;
	struct rl_times times = {.bar = bar};
	struct rl_stats stats;
	struct buf text = {0};
	struct js row;
	int rc;

	for (size_t i = 0; i < b->n; i++)
		t[i] = &b->t[i];
	grads_zero(&r->grads, &r->policy.config);
	rc = rl_step(&r->set.loss, r->pass, t, b->n, &r->grads, &stats, &times, e);
	free(t);
	at = now_seconds();
	if (!rc) {
		fresh(r, stats.stage);
		rc = rl_optim_step(&r->optim, &r->set.adam, r->policy.model, &r->grads, &norm, &lr, e);
	}
	if (rc)
		return err_prefix(e, "batch of step %lld: ", (long long)r->step);
	r->state.updates = r->optim.updates;
	times.optimizer = now_seconds() - at;
	r->step++;
	row = rl_metrics(&stats, r->step, norm, lr);
	js_set(&row, "timing", timing(r, &times, now_seconds() - started));
	rc = js_print(row, &text, e);
	js_free(row);
	if (!rc)
		VEC_PUSH(r->rows, r->n_rows, r->rows_cap) = (struct metrics_row){r->step, text.data};
	return rc;
}

/* ---- commit ------------------------------------------------------------ */

int trainer_commit(struct trainer *r, struct err *e)
{
	double started = now_seconds();
	time_t now = time(NULL);
	struct tm utc;
	char meta[256], when[32];

	if (!r->n_rows || comm_rank())
		return 0;
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	snprintf(meta, sizeof meta, "{\"parent\":%lld,\"objective\":\"%s\",\"stage\":%d,\"isa\":\"%s\",\"time\":\"%s\"}",
	         (long long)r->committed, r->state.objective, r->state.stage, kern->isa, when);
	if (train_commit(r->store, r->step, &r->policy.config, &r->optim, &r->state, r->rows, r->n_rows, meta,
	                 r->set.keep, e))
		return -1;
	r->committed = r->step;
	r->commit_seconds = now_seconds() - started;
	return 0;
}

void trainer_printed(struct trainer *r)
{
	for (size_t i = 0; i < r->n_rows; i++)
		free(r->rows[i].json);
	r->n_rows = 0;
}

/* ---- set-up ------------------------------------------------------------------------ */

int trainer_open(struct trainer *r, const char *dir, const struct train_settings *set, struct err *e)
{
	int ref = set->loss.objective == RL_PG && (set->loss.beta1 != 0 || set->loss.beta2 != 0);

	*r = (struct trainer){.set = *set, .commit_seconds = -1};
	if (store_open(dir, STORE_WRITE, &r->store, e) || policy_load(r->store, NULL, 0, &r->policy, e))
		return -1;
	if (ref && policy_load(r->store, set->reference, 0, &r->ref, e))
		return err_prefix(e, "--reference: ");
	r->step = r->committed = r->policy.step;
	rl_optim_init(&r->optim, &r->policy.config);
	if (train_load(r->store, &r->policy.config, &r->optim, &r->state, e))
		return -1;
	grads_init(&r->grads, &r->policy.config);
	r->pass = rl_pass_new(r->policy.model, r->ref.model, set->micro);
	return 0;
}

void trainer_release(struct trainer *r)
{
	trainer_printed(r);
	free(r->rows);
	rl_pass_free(r->pass);
	grads_release(&r->grads);
	rl_optim_release(&r->optim);
	policy_release(&r->ref);
	policy_release(&r->policy);
	store_close(r->store);
	*r = (struct trainer){0};
}
