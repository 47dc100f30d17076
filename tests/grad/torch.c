/* SPDX-License-Identifier: MIT */
/* Log-probabilities and every tensor's gradient against PyTorch (tests/golden/torch_small.py). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "kern/kern.h"
#include "model/model.h"
#include "levels.h"
#include "tap.h"

struct golden {
	struct model_config c;
	struct buf bytes;
	const int32_t *tokens;
	const float *logp;
	const bf16 *weights, *grads;
	size_t t, at;
};

static int get(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct golden *g = ctx;

	(void)e;
	*data = g->weights + g->at;
	g->at += p->rows * p->cols;
	return 0;
}

static int load(struct golden *g, const char *arch, struct err *e)
{
	struct buf text = {0};
	char path[128];
	int rc;

	*g = (struct golden){0};
	snprintf(path, sizeof path, "tests/golden/torch/%s.txt", arch);
	rc = file_read(path, 4096, &text, e) || model_config_parse(text.data, &g->c, e);
	buf_release(&text);
	snprintf(path, sizeof path, "tests/golden/torch/%s.bin", arch);
	if (rc || file_read(path, 1 << 20, &g->bytes, e))
		return -1;
	g->t = *(const uint32_t *)(const void *)g->bytes.data;
	if (g->bytes.len != 4 + 4 * g->t + 4 * (g->t - 1) + 4 * model_size(&g->c))
		return err_set(e, "%s: unexpected size", path);
	g->tokens = (const int32_t *)(const void *)(g->bytes.data + 4);
	g->logp = (const float *)(const void *)(g->tokens + g->t);
	g->weights = (const bf16 *)(const void *)(g->logp + g->t - 1);
	g->grads = g->weights + model_size(&g->c);
	return 0;
}

/* The sum of log-probabilities' gradients; returns the mean difference of the log-probabilities. */
static double run(struct model *m, const struct golden *g, struct grads *grads)
{
	size_t v = g->c.vocab, d = g->c.width, n = g->t - 1;
	struct row *rows = xcalloc(n, sizeof *rows);
	act *hidden = xaligned(n * d * sizeof *hidden), *dl = xaligned(n * v * sizeof *dl);
	float *logits = xaligned(n * v * sizeof *logits), *dh = xaligned(n * d * sizeof *dh);
	struct acts *acts = acts_new();
	struct kv kv;
	double diff = 0;

	kv_init(&kv, &g->c, g->t);
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct row){g->tokens[i], i, &kv};
	model_forward(m, rows, n, OVER(hidden, n * d), acts);
	model_logits(m, OVER(hidden, n * d), n, OVER(logits, n * v), v);
	for (size_t i = 0; i < n; i++) {
		float *x = logits + i * v, lse = kern->lse(x, v, 1);

		diff += fabs((double)(x[g->tokens[i + 1]] - lse) - (double)g->logp[i]);
		kern->dlogits(dl + i * v, x, lse, NULL, 0, 0, v, g->tokens[i + 1], 1, 0);
	}
	model_logits_bwd(m, OVER(dl, n * v), v, OVER(hidden, n * d), n, OVER(dh, n * d), grads);
	model_backward(m, rows, n, acts, OVER(dh, n * d), grads);
	acts_free(acts);
	kv_release(&kv);
	free(rows);
	free(hidden);
	free(dl);
	free(logits);
	free(dh);
	return diff / (double)n;
}

static void check(const char *isa, const char *arch)
{
	struct golden g;
	struct model *m;
	struct grads grads;
	struct err e = {{0}};
	double diff, least = 1;
	size_t at = 0;

	if (kern_init(2, &e) || load(&g, arch, &e) || model_new(&g.c, get, &g, &m, &e)) {
		ok(0, "%s: %s", arch, e.msg);
		return;
	}
	grads_init(&grads, &g.c);
	diff = run(m, &g, &grads);
	ok(diff <= 0.02, "%s %s: mean |difference of log-probability| %.5f", isa, arch, diff);
	for (size_t i = 0; i < grads.n; i++) {
		double ab = 0, aa = 0, bb = 0, cosine;
		struct param p;

		model_param(&g.c, i, &p);
		for (size_t j = 0; j < p.rows * p.cols; j++, at++) {
			double a = floats_of(grads.g[i])[j], b = (double)act_f32(g.grads[at]);

			ab += a * b;
			aa += a * a;
			bb += b * b;
		}
		cosine = aa == 0 && bb == 0 ? 1 : ab / sqrt(aa * bb);
		if (cosine < least)
			least = cosine;
		ok(cosine >= 0.999 && fabs(sqrt(aa / bb) - 1) < 0.02, "%s %s: %s cosine %.6f, length %.4f",
		   isa, arch,
		   p.name, cosine, sqrt(aa / bb));
	}
	diag("%s %s: least cosine %.6f", isa, arch, least);
	grads_release(&grads);
	model_free(m);
	buf_release(&g.bytes);
}

int main(void)
{
	static const char *const archs[] = {
		"llama", "qwen2", "qwen3", "gemma3", "mistral", "olmo2", "smollm3",
	};
	struct err e;

	for (size_t i = 0; i < LEN(levels); i++) {
		if (kern_init(1, &e) || !kern_level(levels[i])) {
			skip("%s: not on this machine", levels[i]);
			continue;
		}
		setenv("SCORE_ISA", levels[i], 1);
		for (size_t a = 0; a < LEN(archs); a++)
			check(levels[i], archs[a]);
		unsetenv("SCORE_ISA");
	}
	return done();
}
