/* SPDX-License-Identifier: MIT */
/* Loads a snapshot as a model and tokenizer, and adapters for training. */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

int policy_tensor(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct tensor t;

	*data = NULL;
	if (str_ends(p->name, ".lora_a") || str_ends(p->name, ".lora_b")) {
		if (!snap_has(ctx, p->name))
			return 0;
	}
	if (snap_tensor(ctx, p->name, &t, e))
		return -1;
	if (t.dtype != DT_BF16 || t.rank != p->rank || t.shape[0] != p->rows || t.shape[1] != p->cols)
		return err_set(e,
		               "%s: [%llu][%llu] in the store, the configuration wants bf16 [%llu][%llu]",
		               p->name, (unsigned long long)t.shape[0], (unsigned long long)t.shape[1],
		               (unsigned long long)p->rows, (unsigned long long)p->cols);
	snap_soon(ctx, &t, 0, t.bytes);
	*data = t.data;
	return 0;
}

int policy_merged(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct policy_merge *m = ctx;
	const struct model_config *c = m->config;
	const bf16 *w, *a, *b;
	struct param q;
	size_t i = 0, at;

	if (policy_tensor(m->snap, p, &w, e))
		return -1;
	*data = w;
	do {
		model_param(c, i, &q);
	} while (strcmp(q.name, p->name) && ++i < model_base_params(c));
	at = i < model_base_params(c) ? model_adapter(c, i) : 0;
	if (!at)
		return 0;
	model_param(c, at, &q);
	if (policy_tensor(m->snap, &q, &a, e))
		return -1;
	model_param(c, at + 1, &q);
	if (policy_tensor(m->snap, &q, &b, e))
		return -1;
	if (!a || !b)
		return 0;
	free(m->buffer);
	m->buffer = xaligned(p->rows * p->cols * sizeof *m->buffer);
	lora_merge(m->buffer, w, a, b, p->rows, p->cols, c->lora_rank, lora_scale(c));
	*data = m->buffer;
	return 0;
}

int policy_docs(struct store *s, struct model_config *c, struct vocab *v, struct err *e)
{
	struct buf b = {0};
	int rc = store_doc(s, "config", &b, e);

	if (!rc)
		rc = model_config_parse(b.data, c, e);
	if (v)
		vocab_init(v);
	buf_clear(&b);
	if (!rc && v) {
		rc = store_doc(s, "tokenizer", &b, e);
		if (!rc)
			rc = vocab_load(b.data, b.len, v, e);
		if (!rc && v->n > c->vocab)
			rc = err_set(e, "the tokenizer has %zu tokens, the model %u", v->n, c->vocab);
	}
	buf_release(&b);
	return rc;
}

/* State of a model_tensor_fn for training, which makes new adapters where the snapshot has none. */
struct beginning {
	struct snap *snap;
	uint64_t seed;
	bf16 *value[2];              /* the last lora_a, lora_b */
};

static int tensor_or_first(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct beginning *b = ctx;
	struct policy_random random = {.seed = b->seed};
	bf16 **v = &b->value[str_ends(p->name, ".lora_b")];

	if (policy_tensor(b->snap, p, data, e))
		return -1;
	if (*data)
		return 0;
	free(*v);
	*data = *v = xaligned(p->rows * p->cols * sizeof **v);
	return policy_random(&random, 0, p, *v, e);
}

static int set_lora(struct model_config *c, const struct policy_lora *l, struct err *e)
{
	enum { ALPHA = 32 };

	if (c->lora_rank && c->lora_rank != l->rank)
		return err_set(e, "the store's adapters have rank %u, not %u", c->lora_rank, l->rank);
	if (c->lora_rank && l->alpha != 0 && c->lora_alpha != l->alpha)
		return err_set(e, "the store's adapters have alpha %g, not %g", c->lora_alpha, l->alpha);
	if (!c->lora_rank)
		c->lora_alpha = l->alpha != 0 ? l->alpha : ALPHA;
	c->lora_rank = l->rank;
	return 0;
}

int policy_load(struct store *s, const char *ref, int want_tok, struct policy *out, struct err *e)
{
	return policy_load_lora(s, ref, &(struct policy_lora){0}, want_tok, out, e);
}

int policy_load_lora(struct store *s, const char *ref, const struct policy_lora *lora, int want_tok,
                     struct policy *out, struct err *e)
{
	struct snap *snap = NULL;
	int rc;

	*out = (struct policy){0};
	rc = policy_docs(s, &out->config, &out->vocab, e);
	if (!rc && lora->rank)
		rc = set_lora(&out->config, lora, e);
	if (!rc)
		rc = snap_open(s, ref, &snap, e);
	if (!rc) {
		out->step = snap_step(snap);
		if (lora->rank) {
			struct beginning begin = {.snap = snap};

			rc = policy_seed(s, &begin.seed, e) ||
			     model_new(&out->config, tensor_or_first, &begin, &out->model, e);
			free(begin.value[0]);
			free(begin.value[1]);
		} else {
			rc = model_new(&out->config, policy_tensor, snap, &out->model, e);
		}
	}
	snap_close(snap);
	if (!rc && want_tok)
		rc = tok_new(&out->vocab, &out->tok, e);
	if (rc)
		policy_release(out);
	return rc ? -1 : 0;
}

void policy_release(struct policy *p)
{
	if (p->model)
		model_free(p->model);
	if (p->tok)
		tok_free(p->tok);
	vocab_release(&p->vocab);
	*p = (struct policy){0};
}
