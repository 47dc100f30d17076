/* SPDX-License-Identifier: MIT */
/* A batch checked, learned from, committed. */
#include "train/train.h"

#include "comm/comm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what a batch must be ---------------------------------------------------- */

enum { HOTTEST = 1000 };             /* as score-sample has it; the coldest is its inverse */

/* What drew turn k, against what the loss can take for the policy. */
static int check_sampling(const struct trainer *r, const struct turn *u, size_t k, struct err *e)
{
	double t = u->temperature;

	if (u->narrowed && !r->set.off_policy)
		return err_set(e, ".turns[%zu].sampling.%s: the tokens were not drawn from the policy, the "
		               "softmax of logits / temperature (--off-policy)", k, u->narrowed);
	if (t > 0 && (t > HOTTEST || t * HOTTEST < 1))
		return err_set(e, ".turns[%zu].sampling.temperature: expected 0.001 to 1000, got %g", k, t);
	if ((u->narrowed || t != 1) && !u->sample_logprobs)
		return err_set(e, ".turns[%zu].sample_logprobs: missing (.sampling is not the model's "
		               "full softmax)", k);
	return 0;
}

static int check_turns(const struct trainer *r, const struct traj *t, struct err *e)
{
	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];

		if (!turn_acts(u))
			continue;
		if (check_sampling(r, u, k, e))
			return -1;
		if (u->snapshot < 0)
			return err_set(e, ".turns[%zu].snapshot: missing", k);
		if (u->snapshot > r->step || (uint64_t)(r->step - u->snapshot) > r->set.max_lag)
			return err_set(e, ".turns[%zu].snapshot: written by step %lld, but the "
			               "weights are at step %lld (--max-lag %llu)", k, (long long)u->snapshot,
				(long long)r->step,
			               (unsigned long long)r->set.max_lag);
	}
	return 0;
}

int trainer_check(const struct trainer *r, const struct batch *b, const struct traj **bad,
                  struct err *e)
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

/* ---- a commit -------------------------------------------------------------------- */

/* The first one with adapters leaves the state of the weights that are frozen from now on
 * behind. */
static int commit_open(struct trainer *r, int64_t step, struct commit **out, struct err *e)
{
	if (commit_begin(r->store, step, train_bytes(&r->policy.config, &r->grads), out, e))
		return -1;
	if (!r->adapted || !commit_drop_state(*out, "", e))
		return 0;
	commit_abort(*out);
	*out = NULL;
	return -1;
}

/* Metrics, description, the end of it. */
static int commit_rest(struct trainer *r, struct commit *c, int64_t step,
                       const struct train_state *state, struct err *e)
{
	const struct metrics_row *rows = r->rows + r->n_rows - r->n_waiting;
	time_t now = time(NULL);
	struct tm utc;
	char meta[256], when[32];

	if (train_state_commit(c, state, e) ||
	    (r->adapted && policy_config_commit(c, &r->policy.config, e)))
		goto fail;
	for (size_t i = 0; i < r->n_waiting; i++)
		if (commit_metrics_of(c, rows[i].step, rows[i].json, e))
			goto fail;
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	snprintf(meta, sizeof meta,
	         "{\"parent\":%lld,\"objective\":\"%s\",\"stage\":%d,\"isa\":\"%s\",\"time\":\"%s\"}",
	         (long long)r->committed, state->objective, state->stage, dev->level(), when);
	if (commit_finish(c, meta, r->set.keep, e))
		return -1;
	r->committed = step;
	r->memory.held = 0;
	r->n_waiting = 0;
	r->adapted = 0;
	return 0;
fail:
	commit_abort(c);
	return -1;
}

int trainer_commit(struct trainer *r, struct err *e)
{
	double started = now_seconds();
	struct train_step what = {.mem = &r->memory};

	if (!r->n_waiting || comm_rank())
		return 0;
	if (commit_open(r, r->step, &what.to, e))
		return -1;
	if (train_adam(&what, &r->policy.config, &r->grads, e)) {
		commit_abort(what.to);
		return -1;
	}
	if (commit_rest(r, what.to, r->step, &r->state, e))
		return -1;
	r->commit_seconds = now_seconds() - started;
	return 0;
}

void trainer_printed(struct trainer *r)
{
	size_t done = r->n_rows - r->n_waiting;

	for (size_t i = 0; i < done; i++)
		free(r->rows[i].json);
	if (done && r->n_waiting)
		memmove(r->rows, r->rows + done, r->n_waiting * sizeof *r->rows);
	r->n_rows = r->n_waiting;
}

/* ---- one update ------------------------------------------------------------------ */

/* An update on its way. */
struct step {
	double started, began;       /* at the batch; the commit, 0: none */
	struct rl_stats stats;
	struct rl_times times;
	struct adam_update update;
	struct train_state next;
	int reset;
	struct commit *commit;       /* NULL: none */
	struct js batch;             /* what the row says of it */
	uint64_t written;
};

static struct js timing(const struct step *s)
{
	const struct rl_times *t = &s->times;
	uint64_t rss = rss_anon();
	double now = now_seconds();
	struct js o = js_object();

	js_set(&o, "forward", js_num(t->forward));
	js_set(&o, "reference", js_num(t->reference));
	js_set(&o, "head", js_num(t->head));
	js_set(&o, "backward", js_num(t->backward));
	js_set(&o, "optimizer", js_num(t->optimizer));
	js_set(&o, "total", js_num(now - s->started));
	js_set(&o, "commit", s->commit ? js_num(now - s->began) : js_null());
	js_set(&o, "bytes_written", s->commit ? js_num((double)s->written) : js_null());
	js_set(&o, "rss_anon", js_num((double)(rss > t->rss ? rss : t->rss)));
	return o;
}

static int add_row(struct trainer *r, const struct step *s, struct err *e)
{
	struct js row = rl_metrics(&s->stats, r->step + 1, s->update.norm, s->update.lr);
	struct buf text = {0};
	int rc;

	js_set(&row, "settings", train_settings_js(r, s->next.updates - 1));
	js_set(&row, "batch", js_copy(s->batch));
	js_set(&row, "timing", timing(s));
	rc = js_print(row, &text, e);
	js_free(row);
	if (rc) {
		buf_release(&text);
		return -1;
	}
	VEC_PUSH(r->rows, r->n_rows, r->rows_cap) = (struct metrics_row){r->step + 1, text.data};
	r->n_waiting++;
	return 0;
}

static void drop_row(struct trainer *r)
{
	free(r->rows[--r->n_rows].json);
	r->n_waiting--;
}

/* A stage or an objective of its own begins with a fresh optimiser, unless that is to be kept; new
 * adapters do anyhow. So does beta2, which this update gets here. */
static void next_state(struct trainer *r, const struct batch *b, struct step *s)
{
	int pg = r->set.loss.objective == RL_PG, stage = pg ? b->t[0].stage : 0;
	const char *objective = pg ? "pg" : "nll";
	int other = strcmp(r->state.objective, objective) || r->state.stage != stage;

	s->next = r->state;
	s->reset = r->set.reset || (other && !r->set.keep_optimizer) ||
	           (r->adapted && !r->memory.held);
	if (s->reset)
		s->next.updates = 0;
	snprintf(s->next.objective, sizeof s->next.objective, "%s", objective);
	s->next.stage = stage;
	r->set.loss.beta2 = r->least_beta2;
	if (r->set.kl_target > 0 && !s->reset && r->state.beta2 > r->least_beta2)
		r->set.loss.beta2 = r->state.beta2;
}

/* Held by its logarithm, a quarter up or a fifth down at most in a step, and never below what was
 * set: while the policy is still near the reference there is nothing to hold. */
static void next_beta2(const struct trainer *r, struct step *s)
{
	double kl = 0, n = 0, by;

	s->next.beta2 = r->set.kl_target > 0 ? r->set.loss.beta2 : 0;
	for (size_t k = 0; k + 1 < s->stats.turns; k++) {
		kl += s->stats.turn[k].kl;
		n += (double)s->stats.turn[k].trained;
	}
	if (r->set.kl_target == 0 || s->stats.stage != 1 || n == 0)
		return;
	by = sqrt(kl / n / r->set.kl_target);
	by = by > 1.25 ? 1.25 : by < 0.8 ? 0.8 : by;
	s->next.beta2 = fmax(s->next.beta2 * by, r->least_beta2);
}

static int gradient(struct trainer *r, const struct batch *b, struct step *s, struct err *e)
{
	struct traj **t = xreallocarray(NULL, b->n + 1, sizeof(struct traj *));
	int rc;

	for (size_t i = 0; i < b->n; i++)
		t[i] = &b->t[i];
	if (!r->zeroed)
		grads_zero(&r->grads, &r->policy.config);
	r->zeroed = 0;
	rc = rl_step(&r->set.loss, r->pass, t, b->n, &r->grads, &s->stats, &s->times, e);
	free(t);
	return rc;
}

/* What is in memory is no state any more: the store's is the latest. */
static int lose_memory(struct trainer *r, struct err *e)
{
	size_t n = r->n_waiting;

	r->memory.held = 0;
	while (r->n_waiting)
		drop_row(r);
	return n ? err_prefix(e, "%zu updates since the last commit are lost: ", n) : -1;
}

/* Adam, from where the state is to where it shall be. */
static int adam(struct trainer *r, struct step *s, struct err *e)
{
	struct train_step what = {
		.update = &s->update, .reset = s->reset, .mem = &r->memory, .to = s->commit,
		.seed = r->seed,
	};
	struct snap *last = NULL;
	int rc = 0;

	if (!r->memory.held)
		rc = snap_open(r->store, NULL, &last, e);
	what.old = last;
	if (!rc)
		rc = train_adam(&what, &r->policy.config, &r->grads, e);
	if (!rc && s->commit)
		rc = commit_written(s->commit, &s->written, e);
	snap_close(last);
	if (rc && r->memory.held && !s->commit)
		return lose_memory(r, e);
	r->memory.held |= !rc && !s->commit;
	return rc;
}

static int step_on(struct trainer *r, struct step *s, struct err *e)
{
	double at = now_seconds();
	int to_store = !comm_rank() && r->n_waiting + 1 >= r->set.commit_every;

	next_beta2(r, s);
	/* before anything is written */
	if (adam_update_init(&s->update, &r->set.adam, s->next.updates, &r->grads,
	                     &r->policy.config, e))
		return -1;
	s->next.updates++;
	s->began = now_seconds();
	s->times.optimizer = s->began - at;
	if (to_store && commit_open(r, r->step + 1, &s->commit, e))
		return -1;
	at = now_seconds();
	if (adam(r, s, e))
		goto fail;
	s->times.optimizer += now_seconds() - at;
	if (add_row(r, s, e))
		goto fail;
	if (to_store && commit_rest(r, s->commit, r->step + 1, &s->next, e)) {
		drop_row(r);
		return -1;
	}
	r->commit_seconds = now_seconds() - s->began;
	return 0;
fail:
	commit_abort(s->commit);
	return -1;
}

/* The model of the last update's weights, which a process of one update never needs. */
static int refresh(struct trainer *r, struct err *e)
{
	struct snap *last = NULL;
	int rc = 0;

	if (!r->stale)
		return 0;
	if (!r->memory.held || r->policy.config.lora_rank)
		rc = snap_open(r->store, NULL, &last, e);
	if (!rc)
		rc = train_refresh(last, r->memory.held ? &r->memory : NULL, r->policy.model,
		                   &r->grads, e);
	snap_close(last);
	r->stale = rc != 0;
	return rc;
}

int trainer_update(struct trainer *r, const struct batch *b, struct progress *bar, struct err *e)
{
	struct step s = {
		.started = now_seconds(), .times = {.bar = bar}, .batch = train_batch_js(b),
	};
	int rc;

	next_state(r, b, &s);
	rc = refresh(r, e) || gradient(r, b, &s, e) || step_on(r, &s, e);

	js_free(s.batch);
	if (rc)
		return err_prefix(e, "batch of step %lld: ", (long long)r->step);
	r->set.reset = 0;
	r->state = s.next;
	r->stale = 1;
	r->step++;
	return 0;
}

/* ---- set-up ------------------------------------------------------------------------ */

/* Are two snapshots' tensors the same, but for the adapters, which `bare` has not? */
static int same_but_adapters(struct snap *bare, struct snap *s, const struct model_config *c,
                             struct err *e)
{
	struct tensor a, b;
	struct param p;

	for (size_t i = 0; i < model_params(c); i++) {
		model_param(c, i, &p);
		if (i >= model_base_params(c)) {
			if (snap_has(bare, p.name))
				return 0;
			continue;
		}
		if (snap_tensor(bare, p.name, &a, e) || snap_tensor(s, p.name, &b, e))
			return -1;
		/* large ones that are equal are stored once */
		if (a.data != b.data && (a.bytes != b.bytes || memcmp(a.data, b.data, a.bytes)))
			return 0;
	}
	return 1;
}

/* The reference: the policy without its adapters if that is what it is, else a model beside it. */
static int reference_open(struct trainer *r, int *without, struct err *e)
{
	const struct model_config *c = &r->policy.config;
	struct snap *bare, *last = NULL;
	int rc;

	if (snap_open(r->store, r->set.reference, &bare, e))
		return -1;
	r->reference = snap_step(bare);
	rc = snap_open(r->store, NULL, &last, e);
	if (!rc && c->lora_rank)
		rc = same_but_adapters(bare, last, c, e);
	snap_close(last);
	snap_close(bare);
	*without = rc > 0;
	return rc ? rc < 0 ? -1 : 0 : policy_load(r->store, r->set.reference, 0, &r->ref, e);
}

/* An rl_adapters_fn; ctx: the trainer. */
static int turn_adapters(void *ctx, int on, struct err *e)
{
	struct trainer *r = ctx;
	const struct model_config *c = &r->policy.config;
	void (*set)(struct model *, size_t, struct mem) = on ? model_adapter_on : model_adapter_off;
	struct snap *last;
	int rc = 0;

	if (snap_open(r->store, NULL, &last, e))
		return -1;
	for (size_t i = 0; i < model_base_params(c); i++) {
		struct param p;
		struct mem w;
		const act *x;

		if (!model_adapter(c, i))
			continue;
		model_param(c, i, &p);
		if ((rc = policy_tensor(last, &p, &x, e)))
			break;
		w = mem_borrow(x, p.rows * p.cols * sizeof *x);
		set(r->policy.model, i, w);
		mem_return(&w);
	}
	snap_close(last);
	return rc;
}

int trainer_open(struct trainer *r, const char *dir, const struct train_settings *set,
                 struct err *e)
{
	int ref = set->loss.objective == RL_PG && (set->loss.beta1 != 0 || set->loss.beta2 != 0);
	struct model_config known;
	int without = 0;

	*r = (struct trainer){.set = *set, .reference = -1, .least_beta2 = set->loss.beta2};
	if (store_open(dir, STORE_WRITE, &r->store, e) || policy_docs(r->store, &known, NULL, e) ||
	    policy_seed(r->store, &r->seed, e) ||
	    policy_load_lora(r->store, NULL, &set->lora, 0, &r->policy, e))
		return -1;
	r->adapted = r->policy.config.lora_rank != known.lora_rank;
	if (ref && reference_open(r, &without, e))
		return err_prefix(e, "--reference: ");
	r->step = r->committed = r->policy.step;
	if (train_state_load(r->store, &r->state, e))
		return -1;
	grads_init(&r->grads, &r->policy.config);
	r->zeroed = 1;
	train_memory_init(&r->memory, r->grads.n);
	r->pass = rl_pass_new(r->policy.model, r->ref.model, set->micro, set->memory);
	if (without)
		rl_pass_adapters(r->pass, turn_adapters, r);
	return 0;
}

void trainer_release(struct trainer *r)
{
	r->n_waiting = 0;
	trainer_printed(r);
	free(r->rows);
	rl_pass_free(r->pass);
	grads_release(&r->grads);
	train_memory_release(&r->memory);
	policy_release(&r->ref);
	policy_release(&r->policy);
	store_close(r->store);
	*r = (struct trainer){0};
}
