/* SPDX-License-Identifier: MIT */
/* A real model's logits against PyTorch in float32 (tests/golden/torch_logits.py): 500
 * positions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "import/import.h"
#include "kern/kern.h"
#include "model/model.h"
#include "tap.h"

enum { DRAWN = 100, MAX_TOKENS = 400 };

struct getter {
	struct import *im;
	uint16_t *buf;
	size_t next;
};

/* model_new asks for the parameters in their order. */
static int get(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	struct getter *g = ctx;

	g->buf = xreallocarray(g->buf, p->rows * p->cols, sizeof *g->buf);
	*data = g->buf;
	return import_param(g->im, g->next++, g->buf, e);
}

struct score {
	size_t n, same;
	double diff, worst;
};

/* One golden line: prompt-length n token[n] top1[100] logp[100]. */
static int sequence(struct model *m, char *line, struct score *s)
{
	const struct model_config *c = model_config(m);
	size_t start = strtoul(line, &line, 10), n = strtoul(line, &line, 10), v = c->vocab,
	       d = c->width;
	struct row rows[MAX_TOKENS];
	int token[MAX_TOKENS], top[DRAWN];
	float *logits = xaligned(DRAWN * v * sizeof *logits);
	act *hidden = xaligned(MAX_TOKENS * d * sizeof *hidden);
	struct kv kv;

	if (n > MAX_TOKENS || start + DRAWN != n || !start)
		return -1;
	kv_init(&kv, c, n);
	for (size_t i = 0; i < n; i++) {
		token[i] = (int)strtol(line, &line, 10);
		rows[i] = (struct row){token[i], i, &kv};
	}
	for (size_t i = 0; i < DRAWN; i++)
		top[i] = (int)strtol(line, &line, 10);
	model_forward(m, rows, n - 1, OVER(hidden, MAX_TOKENS * d), NULL);
	model_logits(m, OVER(hidden + (start - 1) * d, DRAWN * d), DRAWN, OVER(logits, DRAWN * v),
	             v);
	for (size_t i = 0; i < DRAWN; i++) {
		const float *x = logits + i * v;
		double logp = (double)(x[token[start + i]] - kern->lse(x, v, 1));
		double diff = fabs(logp - strtod(line, &line));
		size_t best = 0;

		for (size_t j = 1; j < v; j++)
			if (x[j] > x[best])
				best = j;
		s->n++;
		s->same += (int)best == top[i];
		s->diff += diff;
		if (diff > s->worst)
			s->worst = diff;
	}
	kv_release(&kv);
	free(logits);
	free(hidden);
	return 0;
}

static void check(const char *golden, const char *name, const char *file)
{
	const char *dir = getenv("SCORE_MODELS");
	char path[512], fetch[600];
	struct getter g = {0};
	struct model *m;
	struct buf text = {0};
	struct score s = {0};
	struct err e = {{0}};
	char *save = NULL;

	if (!dir)
		dir = "run/models";
	snprintf(path, sizeof path, "%s/%s", dir, file);
	snprintf(fetch, sizeof fetch, "../shared/models/get-models %s %s >&2", dir, name);
	if (access(path, R_OK) && (access("../shared/models/get-models", X_OK) || system(fetch))) {
		if (getenv("CI"))
			ok(0, "%s: the model must be there where CI is set", name);
		else
			skip("%s: no model at hand (%s)", name, path);
		return;
	}
	if (file_read(golden, 1 << 20, &text, &e) || import_open(path, &g.im, &e) ||
	    model_new(import_config(g.im), get, &g, &m, &e)) {
		ok(0, "%s: %s", name, e.msg);
		return;
	}
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#' && sequence(m, line, &s))
			ok(0, "%s: a golden line that is none", name);
	ok(s.n == 5 * DRAWN, "%s: %zu positions", name, s.n);
	ok((double)s.same >= 0.99 * (double)s.n, "%s: the same likeliest token at %zu", name, s.same);
	ok(s.diff / (double)s.n <= 0.02, "%s: mean |difference of log-probability| %.5f (largest %.4f)",
	   name, s.diff / (double)s.n, s.worst);
	model_free(m);
	import_close(g.im);
	buf_release(&text);
	free(g.buf);
}

int main(void)
{
	struct err e;

	if (kern_init(0, &e)) {
		ok(0, "%s", e.msg);
		return done();
	}
	diag("%s, %d threads", kern->isa, kern_threads());
	check("tests/golden/torch/smollm2.logits", "smollm2", "smollm2-135m-instruct-q4_1.gguf");
	check("tests/golden/torch/gemma3.logits", "gemma3", "gemma-3-270m-q4_k_m.gguf");
	return done();
}
