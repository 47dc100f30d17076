/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

int policy_tensor(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct tensor t;

	if (snap_tensor(ctx, p->name, &t, e))
		return -1;
	if (t.dtype != DT_BF16 || t.rank != p->rank || t.shape[0] != p->rows || t.shape[1] != p->cols)
		return err_set(e, "%s: [%llu][%llu] in the store, the configuration wants bf16 [%llu][%llu]", p->name,
		               (unsigned long long)t.shape[0], (unsigned long long)t.shape[1],
		               (unsigned long long)p->rows, (unsigned long long)p->cols);
	snap_soon(ctx, &t, 0, t.bytes);
	*data = t.data;
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

int policy_load(struct store *s, const char *ref, int want_tok, struct policy *out, struct err *e)
{
	struct snap *snap = NULL;
	int rc;

	*out = (struct policy){0};
	rc = policy_docs(s, &out->config, &out->vocab, e);
	if (!rc)
		rc = snap_open(s, ref, &snap, e);
	if (!rc) {
		out->step = snap_step(snap);
		rc = model_new(&out->config, policy_tensor, snap, &out->model, e);
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
