/* SPDX-License-Identifier: MIT */
/* Step 0 of a new store, from imported or random weights. */
#include "policy/policy.h"

#include <math.h>
#include <string.h>

int policy_config_commit(struct commit *k, const struct model_config *c, struct err *e)
{
	struct buf b = {0};
	int rc;

	model_config_print(c, &b);
	rc = commit_doc(k, "config", b.data, b.len, e);
	buf_release(&b);
	return rc;
}

int policy_seed(struct store *s, uint64_t *seed, struct err *e)
{
	struct buf b = {0};
	int rc = store_doc(s, "seed", &b, e);

	if (!rc && b.len && b.data[b.len - 1] == '\n')
		b.data[b.len - 1] = 0;
	if (!rc && parse_u64(b.data, 0, UINT64_MAX, seed, e))
		rc = err_prefix(e, "the store's seed: ");
	buf_release(&b);
	return rc;
}

static int put_docs(struct commit *k, const struct model_config *c, const struct vocab *v,
                    uint64_t seed, struct err *e)
{
	struct buf b = {0};
	char text[24];
	int rc = policy_config_commit(k, c, e);

	if (!rc) {
		vocab_save(v, &b);
		rc = commit_doc(k, "tokenizer", b.data, b.len, e);
	}
	snprintf(text, sizeof text, "%llu\n", (unsigned long long)seed);
	if (!rc)
		rc = commit_doc(k, "seed", text, strlen(text), e);
	buf_release(&b);
	return rc;
}

int policy_first(struct store *s, const struct model_config *c, const struct vocab *v,
                 uint64_t seed, const char *meta, policy_fill_fn fill, void *ctx, struct err *e)
{
	struct commit *k;

	if (model_config_check(c, e))
		return -1;
	if (c->lora_rank)
		return err_set(e, "lora_rank: adapters come with score-update --lora");
	if (v->n > c->vocab)
		return err_set(e, "the tokenizer has %zu tokens, the model %u", v->n, c->vocab);
	if (commit_begin(s, 0, 2 * model_size(c), &k, e))
		return -1;
	if (put_docs(k, c, v, seed, e))
		goto fail;
	for (size_t i = 0; i < model_params(c); i++) {
		struct param p;
		void *dst;

		model_param(c, i, &p);
		if (commit_tensor(k, p.name, DT_BF16, p.rank, (uint64_t[2]){p.rows, p.cols}, &dst, e)
		    || fill(ctx, i, &p, dst, e))
			goto fail;
	}
	return commit_finish(k, meta, 0, e);
fail:
	commit_abort(k);
	return -1;
}

/* 1.0 in bf16. */
enum { ONE = 0x3f80 };

enum { DRAW = 1 << 16 };         /* values that a thread draws at a time */

struct gauss {
	const struct rng *stream;
	bf16 *dst;
	size_t n;
	double std;
};

static void draw_piece(void *ctx, size_t i, size_t thread)
{
	const struct gauss *d = ctx;

	(void)thread;
	for (size_t j = i * DRAW; j < d->n && j < (i + 1) * DRAW; j++) {
		union { float f; uint32_t u; } x = {(float)(d->std * rng_normal(d->stream, j))};

		d->dst[j] = (bf16)((x.u + 0x7fff + (x.u >> 16 & 1)) >> 16);
	}
}

int policy_random(void *ctx, size_t i, const struct param *p, bf16 *dst, struct err *e)
{
	const struct policy_random *r = ctx;
	struct rng stream = rng_stream(r->seed, "init", 0, p->name, 0, 0);
	size_t n = p->rows * p->cols;
	/* scaled so that 2L additions keep the residual stream's variance (GPT-2's rule) */
	int last = str_ends(p->name, "attn_output.weight") || str_ends(p->name, "ffn_down.weight");
	/* scaled by inputs, so that narrow models start as well as wide ones: 0.02 at 1000, 0.065
	 * at 96 */
	double std = sqrt(0.4 / (double)p->cols) / (last ? sqrt(2.0 * r->layers) : 1);

	(void)i;
	(void)e;
	if (str_ends(p->name, ".lora_b")) {     /* a new adapter's product is zero */
		memset(dst, 0, n * sizeof *dst);
		return 0;
	}
	if (p->rank == 1) {
		for (size_t j = 0; j < n; j++)
			dst[j] = str_ends(p->name, ".bias") ||
				model_norm_plus_one(r->arch, p) ? 0 : ONE;
		return 0;
	}
	dev_each(draw_piece, &(struct gauss){&stream, dst, n, std}, (n + DRAW - 1) / DRAW);
	return 0;
}
