/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

/* A tensor of the snapshot, which must have the type and shape that the configuration asks for. */
static int give(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct tensor t;

	if (snap_tensor(ctx, p->name, &t, e))
		return -1;
	if (t.dtype != DT_BF16 || t.rank != p->rank || t.shape[0] != p->rows || t.shape[1] != p->cols)
		return err_set(e, "%s: [%llu][%llu] in the store, the configuration wants bf16 [%llu][%llu]", p->name,
		               (unsigned long long)t.shape[0], (unsigned long long)t.shape[1],
		               (unsigned long long)p->rows, (unsigned long long)p->cols);
	*data = t.data;
	return 0;
}

static int load_tok(struct store *s, struct policy *p, struct err *e)
{
	struct buf b = {0};
	int rc = store_doc(s, "tokenizer", &b, e);

	if (!rc)
		rc = vocab_load(b.data, b.len, &p->vocab, e);
	buf_release(&b);
	if (rc)
		return -1;
	if (p->vocab.n > p->config.vocab)
		return err_set(e, "the tokenizer has %zu tokens, the model %u", p->vocab.n, p->config.vocab);
	return tok_new(&p->vocab, &p->tok, e);
}

int policy_load(struct store *s, const char *ref, int trainable, int want_tok, struct policy *out, struct err *e)
{
	struct snap *snap = NULL;
	struct buf b = {0};
	int rc;

	*out = (struct policy){0};
	vocab_init(&out->vocab);
	rc = store_doc(s, "config", &b, e);
	if (!rc)
		rc = model_config_parse(b.data, &out->config, e);
	if (!rc)
		rc = snap_open(s, ref, &snap, e);
	if (!rc) {
		out->step = snap_step(snap);
		rc = model_new(&out->config, give, snap, trainable, &out->model, e);
	}
	snap_close(snap);
	buf_release(&b);
	if (!rc && want_tok)
		rc = load_tok(s, out, e);
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
