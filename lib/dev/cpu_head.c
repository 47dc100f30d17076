/* SPDX-License-Identifier: MIT */
/* Logits on the CPU: gathering rows for the head, scoring and sampling tokens, and the gradient. */
#include "dev/inside.h"

#include <stdatomic.h>
#include <string.h>

static const int32_t *ints(struct mem m)
{
	return (const int32_t *)(void *)m.p;
}

void cpu_gather(struct mem out, struct mem in, struct mem index, size_t n, size_t d)
{
	for (size_t i = 0; i < n; i++)
		memcpy(acts(out) + i * d, acts(in) + (size_t)ints(index)[i] * d, d * sizeof(act));
}

void cpu_scatter(struct mem out, struct mem in, struct mem index, size_t n, size_t d)
{
	for (size_t i = 0; i < n; i++)
		kern->add(f32(out) + (size_t)ints(index)[i] * d, f32(in) + i * d, d);
}

/* ---- scores ---- */

struct scoring {
	struct scored *out;
	float *x, *y;
	const float *inv_t;
	const int32_t *token;
	size_t ld, v;
	enum score_want want;
};

/* Of one row: log-sum-exp, and the token's log-probability by sample_token's formula. The row
 * becomes x * inv_t. */
static float token_logp(float *x, size_t v, int32_t token, float inv_t, float *lse)
{
	double at = (double)x[token] * inv_t;

	*lse = kern->lse(x, v, inv_t);
	if (inv_t == 1)
		return x[token] - *lse;
	for (size_t i = 0; i < v; i++)
		x[i] *= inv_t;
	return at > *lse ? 0 : (float)(at - *lse);
}

static void score_rows(void *ctx, size_t first, size_t end)
{
	const struct scoring *t = ctx;

	for (size_t i = first; i < end; i++) {
		float *x = t->x + i * t->ld, *y = t->y ? t->y + i * t->ld : NULL;
		float inv_t = t->inv_t ? t->inv_t[i] : 1;
		struct scored *s = &t->out[i];

		*s = (struct scored){0};
		s->logp = token_logp(x, t->v, t->token[i], inv_t, &s->lse);
		if (y)
			s->ref_logp = token_logp(y, t->v, t->token[i], inv_t, &s->ref_lse);
		if (t->want >= SCORE_ENTROPY)
			kern->kl(x, s->lse, t->want == SCORE_KL ? y : NULL, s->ref_lse, t->v,
			         &s->kl, &s->entropy);
	}
}

void cpu_score(struct mem out, struct mem x, struct mem y, size_t ld, struct mem token,
               struct mem inv_t, size_t n, size_t v, enum score_want want)
{
	struct scoring t = {
		(struct scored *)(void *)out.p, f32(x), f32(y), f32(inv_t), ints(token), ld, v, want,
	};

	kern_rows(score_rows, &t, n, 3 * v);
}

struct dlogits {
	act *dx;
	size_t ld, ldx, v;
	const float *x, *y, *c;
	const struct scored *s;
	const int32_t *token;
};

static void dlogits_rows(void *ctx, size_t first, size_t end)
{
	const struct dlogits *t = ctx;

	for (size_t i = first; i < end; i++) {
		const struct scored *s = &t->s[i];

		kern->dlogits(t->dx + i * t->ld, t->x + i * t->ldx, s->lse,
		              t->y ? t->y + i * t->ldx : NULL, s->ref_lse, s->kl, t->v, t->token[i],
		              t->c[2 * i], t->c[2 * i + 1]);
	}
}

void cpu_dlogits(struct mem dx, size_t ld, struct mem x, struct mem y, size_t ldx, struct mem s,
                 struct mem c, struct mem token, size_t n, size_t v)
{
	struct dlogits t = {acts(dx), ld, ldx, v, f32(x), f32(y), f32(c),
		(const struct scored *)(void *)s.p, ints(token)};

	kern_rows(dlogits_rows, &t, n, 2 * v);
}

/* ---- draws ---- */

struct sampler {
	struct drawn *out;
	const float *logits;
	size_t ld, v, n, scratch_size;
	const struct draw *draws;
	const int *banned;
	size_t n_banned;
	char *scratch;
	_Atomic size_t taken;
};

static void draw_some(void *ctx, size_t thread)
{
	struct sampler *t = ctx;
	size_t i;

	while ((i = atomic_fetch_add(&t->taken, 1)) < t->n) {
		const struct draw *d = &t->draws[i];
		struct drawn *o = &t->out[i];

		o->id = sample_token(t->logits + d->row * t->ld, t->v, &d->how, d->u, t->banned,
		                     d->banned ? t->n_banned : 0, &o->logprob, &o->sample_logprob,
		                     t->scratch + thread * t->scratch_size);
	}
}

void cpu_sample(struct mem out, struct mem logits, size_t ld, size_t v, const struct draw *draws,
                size_t n, const int *banned, size_t n_banned)
{
	struct sampler t = {
		.out = (struct drawn *)(void *)out.p, .logits = f32(logits), .ld = ld, .v = v,
		.n = n, .draws = draws, .banned = banned, .n_banned = n_banned,
		.scratch_size = (sample_scratch(v) + 63) / 64 * 64,
	};

	t.scratch = cpu_scratch(SCRATCH_SAMPLE, t.scratch_size * (size_t)kern_threads());
	kern_run(draw_some, &t);
}
