/* SPDX-License-Identifier: MIT */
/* policy: random weights as the manual says, and a snapshot made ready to run. */
#include "tap.h"
#include "host.h"
#include "kern/kern.h"
#include "policy/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err e;

static float f32(bf16 x)
{
	union { uint32_t u; float f; } v = {(uint32_t)x << 16};

	return v.f;
}

/* Mean and standard deviation in units of what they should be. */
static void moments(const struct tensor *t, double *mean, double *std)
{
	const bf16 *x = t->data;
	double s = 0, q = 0;
	uint64_t n = t->shape[0] * t->shape[1];

	for (uint64_t i = 0; i < n; i++) {
		s += f32(x[i]);
		q += (double)f32(x[i]) * f32(x[i]);
	}
	*mean = s / (double)n;
	*std = sqrt(q / (double)n - *mean * *mean);
}

static void random_weights(struct snap *p, const struct model_config *c)
{
	size_t wrong = 0;

	for (size_t i = 0; i < model_params(c); i++) {
		double mean, std, want, n;
		struct param q;
		struct tensor t;

		model_param(c, i, &q);
		if (snap_tensor(p, q.name, &t, &e)) {
			wrong++;
			continue;
		}
		moments(&t, &mean, &std);
		n = (double)(q.rows * q.cols);
		want = sqrt(0.4 / (double)q.cols);
		if (strstr(q.name, "attn_output") || strstr(q.name, "ffn_down"))
			want /= sqrt(2.0 * c->layers);
		if (q.rank == 1)
			/* all the same: ones, or zeros for a bias and for a norm of 1 + w */
			wrong +=
			    !(mean == (strstr(q.name, ".bias") || c->arch == ARCH_GEMMA3 ? 0 : 1) && std == 0);
		else
			/* five standard errors; bf16 adds a relative 2^-9 at most */
			wrong += !(fabs(mean) < 5 * want / sqrt(n) &&
			           fabs(std / want - 1) < 5 / sqrt(2 * n) + 0.002);
		if (wrong)
			diag("%s: mean %g std %g", q.name, mean, std);
	}
	ok(!wrong, "%s: moments of all tensors", arch_name(c->arch));
}

static void ready_to_run(struct store *s, const struct model_config *c)
{
	struct policy p;
	struct row rows[3];
	struct kv kv;
	act *hidden;
	float *logits, low = 0, high = 0;
	int *ids;
	struct ids text = {0};
	int finite = 1;

	if (!ok(!policy_load(s, "base", 1, &p, &e), "%s: load", arch_name(c->arch))) {
		diag("%s", e.msg);
		return;
	}
	ok(p.step == 0 && p.model && p.tok && !memcmp(&p.config, c, sizeof *c),
	   "step, model, tokenizer, configuration");
	ok(!tok_encode(p.tok, "abc", 3, 1, &text, &e) && text.n == 3, "its tokenizer");
	ids = text.v;
	kv_init(&kv, c, 3);
	for (size_t i = 0; i < 3; i++)
		rows[i] = (struct row){.token = ids[i], .pos = i, .kv = &kv};
	hidden = xcalloc(3 * c->width, sizeof *hidden);
	logits = xcalloc(3 * c->vocab, sizeof *logits);
	model_forward(p.model, rows, 3, OVER(hidden, 3 * c->width), NULL);
	model_logits(p.model, OVER(hidden, 3 * c->width), 3, OVER(logits, 3 * c->vocab),
	             c->vocab);
	for (size_t i = 0; i < 3 * c->vocab; i++) {
		finite &= isfinite(logits[i]) != 0;
		low = logits[i] < low ? logits[i] : low;
		high = logits[i] > high ? logits[i] : high;
	}
	ok(finite && low < 0 && high > 0 && high < 10, "finite logits of a size: %g to %g", low, high);
	free(hidden);
	free(logits);
	free(ids);
	kv_release(&kv);
	policy_release(&p);
}

int main(void)
{
	char root[] = "/tmp/score-policy-XXXXXX", dir[64], cmd[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root) || kern_init(2, &e))
		return 1;
	for (enum arch a = ARCH_LLAMA; a < ARCHS; a++) {
		struct model_config c = {.arch = a,
		                         .layers = 3,
		                         .width = 64,
		                         .heads = 4,
		                         .kv_heads = 2,
		                         .head_size = 16,
		                         .ffn = 96,
		                         .vocab = 258,
		                         .context = 64,
		                         .norm_eps = 1e-5f,
		                         .rope_theta = 10000,
		                         .tied = a != ARCH_LLAMA};
		struct policy_random random = {7, c.layers, c.arch};
		struct store *s;
		struct snap *p;
		struct policy pol;
		struct vocab v;

		if (a == ARCH_GEMMA3) {
			c.window = 8;
			c.window_every = 2;
			c.rope_local_theta = 10000;
		}
		vocab_init(&v);
		vocab_bytes(&v);
		snprintf(dir, sizeof dir, "%s/%s", root, arch_name(a));
		if (!ok(!store_open(dir, STORE_CREATE, &s, &e), "create"))
			continue;
		vocab_add(&v, "x", 1, TOK_NORMAL, 0);
		ok(policy_first(s, &c, &v, 7, "{}", policy_random, &random, &e) == -1 &&
		       strstr(e.msg, "259 tokens"),
		   "more tokens than the model has");
		vocab_release(&v);
		vocab_init(&v);
		vocab_bytes(&v);
		ok(policy_load(s, NULL, 0, &pol, &e) == -1, "nothing was committed: %s", e.msg);
		ok(!policy_first(s, &c, &v, 7, "{}", policy_random, &random, &e) &&
		       !snap_open(s, NULL, &p, &e),
		   "%s: step 0", arch_name(a));
		random_weights(p, &c);
		snap_close(p);
		ready_to_run(s, &c);
		vocab_release(&v);
		store_close(s);
	}
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", root);
	if (system(cmd))
		diag("could not remove %s", root);
	return done();
}
