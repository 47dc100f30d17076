/* SPDX-License-Identifier: MIT */
/* What decides an update's result, for its metrics row: the learner's settings, and its batch. */
#include "train/train.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings --------------------------------------------------------------- */

static struct js loss_js(const struct train_settings *set)
{
	const struct rl_loss *l = &set->loss;
	static const char *const scales[] = {"sequence", "token", "batch"};
	const struct rl_estimator *row = &rl_estimators[l->importance];
	struct js o = js_object();

	js_set(&o, "beta1", js_num(l->beta1));
	js_set(&o, "beta2", js_num(l->beta2));
	js_set(&o, "beta2_target", set->kl_target > 0 ? js_num(set->kl_target) : js_null());
	js_set(&o, "kl", js_str(rl_kls[l->kl].name));
	js_set(&o, "kl_scale", js_str(scales[l->per_token ? RL_MEAN : RL_SEQUENCE]));
	js_set(&o, "policy_scale", js_str(scales[l->policy_scale]));
	js_set(&o, "importance", js_str(row->name));
	js_set(&o, "clip_ratio", row->weight ? js_num(l->clip_ratio) : js_null());
	return o;
}

static struct js adam_js(const struct adam *a, uint64_t updates)
{
	struct js o = js_object();

	js_set(&o, "updates", js_num((double)updates));
	js_set(&o, "lr", js_num(a->lr));
	js_set(&o, "schedule", js_str(a->cosine ? "cosine" : "constant"));
	js_set(&o, "warmup", js_num((double)a->warmup));
	js_set(&o, "steps_total", a->cosine ? js_num((double)a->total) : js_null());
	js_set(&o, "min_lr", js_num(a->min_lr));
	js_set(&o, "beta1", js_num(a->beta1));
	js_set(&o, "beta2", js_num(a->beta2));
	js_set(&o, "eps", js_num(a->eps));
	js_set(&o, "weight_decay", js_num(a->decay));
	js_set(&o, "clip_grad", js_num(a->clip));
	return o;
}

static struct js lora_js(const struct model_config *c)
{
	struct js o = js_object();

	if (!c->lora_rank) {
		js_free(o);
		return js_null();
	}
	js_set(&o, "rank", js_num(c->lora_rank));
	js_set(&o, "alpha", js_num((double)c->lora_alpha));
	return o;
}

struct js train_settings_js(const struct trainer *t, uint64_t updates)
{
	int pg = t->set.loss.objective == RL_PG;
	struct js o = js_object();

	js_set(&o, "version", js_str(SCORE_VERSION));
	js_set(&o, "device", js_str(dev->name));
	js_set(&o, "isa", js_str(dev->level()));
	js_set(&o, "seed", js_num((double)t->seed));
	js_set(&o, "reference", t->reference < 0 ? js_null() : js_num((double)t->reference));
	js_set(&o, "loss", pg ? loss_js(&t->set) : js_null());
	js_set(&o, "adam", adam_js(&t->set.adam, updates));
	js_set(&o, "lora", lora_js(&t->policy.config));
	js_set(&o, "micro_tokens", t->set.micro ? js_num((double)t->set.micro) : js_null());
	js_set(&o, "memory", t->set.memory ? js_num((double)t->set.memory) : js_null());
	return o;
}

/* ---- the batch ------------------------------------------------------------------ */

/* Of values that all records should have in common: the value, or null where they differ. */
struct common {
	struct js value;             /* JS_NONE: none yet */
	int differs;
};

static void meet(struct common *c, struct js v)
{
	if (js_kind(c->value) == JS_NONE)
		c->value = js_copy(v);
	else
		c->differs = c->differs || !js_equal(c->value, v);
	js_free(v);
}

static struct js agreed(struct common *c)
{
	if (!c->differs && js_kind(c->value) != JS_NONE)
		return c->value;
	js_free(c->value);
	return js_null();
}

static struct js or_null(struct js v)
{
	return js_kind(v) == JS_NONE ? js_null() : v;
}

static struct js common_field(const struct batch *b, const char *key)
{
	struct common c = {.value = js_none()};

	for (size_t i = 0; i < b->n; i++)
		if (!traj_errored(&b->t[i]))
			meet(&c, or_null(js_get(b->t[i].rec, key)));
	return agreed(&c);
}

/* Of turn k, in the trajectories whose turn k is the policy's. */
static struct js common_sampling(const struct batch *b, size_t k)
{
	struct common c = {.value = js_none()};

	for (size_t i = 0; i < b->n; i++) {
		const struct traj *t = &b->t[i];
		struct js turns, turn;

		if (traj_errored(t) || k >= t->n_turns || !turn_acts(&t->turns[k]))
			continue;
		turns = js_get(t->rec, "turns");
		turn = js_at(turns, k);
		meet(&c, or_null(js_get(turn, "sampling")));
		js_free(turn);
		js_free(turns);
	}
	return agreed(&c);
}

static uint64_t fold(uint64_t hash, const void *p, size_t n)
{
	uint64_t both[2] = {hash, hash_bytes(p, n)};

	return hash_bytes(both, sizeof both);
}

/* Of all that an update reads of a trajectory. */
static uint64_t traj_hash(const struct traj *t)
{
	int64_t whole[] = {t->index, t->sample, t->stage, traj_errored(t)};
	uint64_t h = fold(hash_bytes(t->id, strlen(t->id)), whole, sizeof whole);

	for (size_t k = 0; k < t->n_turns; k++) {
		const struct turn *u = &t->turns[k];
		const float *drawn = u->sample_logprobs ? u->sample_logprobs : u->logprobs;
		double real[] = {u->ret, u->advantage, u->reward, u->weight, u->temperature};
		int64_t of_turn[] = {u->given + 2 * u->untrained, u->snapshot, u->length};

		h = fold(h, u->context, u->n_context * sizeof *u->context);
		h = fold(h, u->tokens, u->n_tokens * sizeof *u->tokens);
		h = fold(h, drawn, drawn ? u->n_tokens * sizeof *drawn : 0);
		h = fold(h, real, sizeof real);
		h = fold(h, of_turn, sizeof of_turn);
	}
	return h;
}

struct js train_batch_js(const struct batch *b)
{
	struct js o = js_object(), sampling = js_array();
	size_t turns = 0;
	uint64_t sum = 0;
	char hex[17];

	for (size_t i = 0; i < b->n; i++) {
		sum += traj_hash(&b->t[i]);      /* in whatever order the lines came */
		turns = b->t[i].n_turns > turns ? b->t[i].n_turns : turns;
	}
	for (size_t k = 0; k < turns && k < RL_TURNS; k++)
		js_push(&sampling, common_sampling(b, k));
	snprintf(hex, sizeof hex, "%016llx", (unsigned long long)sum);
	js_set(&o, "hash", js_str(hex));
	js_set(&o, "seed", common_field(b, "seed"));
	js_set(&o, "sampling", sampling);
	js_set(&o, "shaping", common_field(b, "shaping"));
	return o;
}
