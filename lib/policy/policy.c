/* SPDX-License-Identifier: MIT */
#include "policy/policy.h"

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
