/* SPDX-License-Identifier: MIT */
/*
 * engine: decoding allocates nothing (every allocation of the process is counted here), and more
 * sequences than a tile of logits has rows get the tokens that each gets alone.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"
#include "rollout/engine.h"
#include "tap.h"

/* ---- every allocator of the C library, counted; the sanitizers bring their own ---- */

static _Atomic long allocations;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED 1
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	allocations++;
	*p = __libc_memalign(align, n);
	return *p ? 0 : 12;
}
#else
#define COUNTED 0
#endif

enum { V = 300, D = 16, MANY = 150, NEW = 400, PROMPT = 37 };

static const struct model_config config = {
	.arch = ARCH_LLAMA,
	.layers = 2,
	.width = D,
	.heads = 2,
	.kv_heads = 1,
	.head_size = 8,
	.ffn = 24,
	.vocab = V,
	.context = 1024,
	.norm_eps = 1e-5f,
	.rope_theta = 10000,
	.tied = 1,
};

static int get(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	bf16 **buf = ctx;
	struct rng r = rng_stream(3, "test", 0, p->name, 0, 0);

	(void)e;
	*buf = xreallocarray(*buf, p->rows * p->cols, sizeof **buf);
	for (size_t i = 0; i < p->rows * p->cols; i++) {
		union { float f; uint32_t u; } x = {p->rank == 1 ? 1.0f : (float)rng_normal(&r, i) * 0.3f};

		(*buf)[i] = (bf16)(x.u >> 16);
	}
	*data = *buf;
	return 0;
}

struct seq {
	struct kv kv;
	struct gen g;
	int feed[PROMPT], tokens[NEW];
	float logprobs[NEW], sample_logprobs[NEW];
};

/* Sequence i's own prompt and stream; every third is decoded by top-k and top-p. */
static void seq_init(struct seq *s, size_t i, size_t max_new)
{
	size_t n = 1 + i % PROMPT;

	kv_init(&s->kv, &config, n + max_new);
	for (size_t j = 0; j < n; j++)
		s->feed[j] = (int)((i * 31 + j * 17) % V);
	s->g = (struct gen){
	    .kv = &s->kv,
	    .feed = s->feed,
	    .n_feed = n,
	    .sampling = {1, i % 3 ? 1 : 0.9, i % 3 ? 0 : 20, 0},
	    .rng = rng_stream(1, "t", 0, "x", i, 0),
	    .max_new = max_new,
	    .tokens = s->tokens,
	    .logprobs = s->logprobs,
	    .sample_logprobs = s->sample_logprobs,
	};
}

static void no_allocation(struct model *m)
{
	enum { BATCH = 9 };
	struct engine *en = engine_new(m, NULL, 0, BATCH);
	struct seq *s = xcalloc(BATCH, sizeof *s);
	size_t steps = 0;
	long before;

	for (size_t i = 0; i < BATCH; i++) {
		seq_init(&s[i], i, NEW);
		engine_add(en, &s[i].g);
	}
	engine_forward(en);              /* reads the prompts, starts the threads */
	before = allocations;
	for (; engine_active(en); steps++)
		engine_forward(en);
	if (COUNTED)
		ok(before > 0 && allocations == before && steps >= NEW - 1,
		   "%zu steps of %d sequences: %ld allocations", steps, BATCH, allocations - before);
	else
		skip("allocations are not counted in this build");
	for (size_t i = 0; i < BATCH; i++)
		kv_release(&s[i].kv);
	free(s);
	engine_free(en);
}

/* MANY sequences at once, added while others are under way, and each alone. */
static void many(struct model *m)
{
	enum { SHORT = 20 };
	struct engine *en = engine_new(m, (int[]){7}, 1, MANY),
	              *alone = engine_new(m, (int[]){7}, 1, 1);
	struct seq *s = xcalloc(MANY, sizeof *s), one;
	size_t added = 0, bad = 0, tokens = 0;

	while (added < MANY || engine_active(en)) {
		for (size_t k = 0; k < 40 && added < MANY; k++, added++) {
			seq_init(&s[added], added, SHORT);
			engine_add(en, &s[added].g);
		}
		engine_forward(en);
	}
	for (size_t i = 0; i < MANY; i++) {
		seq_init(&one, i, SHORT);
		engine_add(alone, &one.g);
		while (engine_active(alone))
			engine_forward(alone);
		tokens += one.g.n;
		bad += one.g.n != s[i].g.n ||
		       memcmp(one.tokens, s[i].tokens, one.g.n * sizeof *one.tokens) ||
		       memcmp(one.logprobs, s[i].logprobs, one.g.n * sizeof *one.logprobs) ||
		       memcmp(one.sample_logprobs, s[i].sample_logprobs, one.g.n * sizeof *one.logprobs);
		kv_release(&one.kv);
		kv_release(&s[i].kv);
	}
	ok(!bad && tokens > MANY,
	   "%d sequences together: the tokens and numbers of each alone (%zu differ)", MANY, bad);
	free(s);
	engine_free(en);
	engine_free(alone);
}

int main(void)
{
	struct model *m;
	bf16 *buf = NULL;
	struct err e;

	if (kern_init(3, &e) || model_new(&config, get, &buf, &m, &e)) {
		ok(0, "%s", e.msg);
		return 1;
	}
	no_allocation(m);
	many(m);
	model_free(m);
	free(buf);
	return done();
}
