/* SPDX-License-Identifier: MIT */
/*
 * queue: whatever the batch and the memory for caches, the same records come out; the process stays
 * within that memory; a dialogue that can never fit is an error with its line, and what came before
 * it is finished.
 */
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"
#include "rollout/queue.h"
#include "tap.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HOLDS_BACK = 1 };         /* freed memory stays for a while in these builds */
#else
enum { HOLDS_BACK = 0 };
#endif

enum { RECORDS = 4, SAMPLES = 4, MIB = 1 << 20 };

static const struct model_config config = {
	.arch = ARCH_LLAMA,
	.layers = 4,
	.width = 64,
	.heads = 8,
	.kv_heads = 8,
	.head_size = 64,
	.ffn = 64,
	.vocab = 258,
	.context = 2000,
	.norm_eps = 1e-5f,
	.rope_theta = 10000,
	.tied = 1,
};

/* The second question is much longer than any guess. */
static const char prompts[] = "if (.turns | length) == 0 then .prompt else \"again \" * .times end";

static struct policy policy;
static struct dialogue_rules dialogue;

static int get(void *ctx, const struct param *p, const bf16 **data, struct err *e)
{
	bf16 **buf = ctx;
	struct rng r = rng_stream(3, "test", 0, p->name, 0, 0);

	(void)e;
	*buf = xreallocarray(*buf, p->rows * p->cols, sizeof **buf);
	for (size_t i = 0; i < p->rows * p->cols; i++) {
		union { float f; uint32_t u; } x = {p->rank == 1 ? 1.0f : (float)rng_normal(&r, i) * 0.2f};

		(*buf)[i] = (bf16)(x.u >> 16);
	}
	*data = *buf;
	return 0;
}

static int set_up(struct err *e)
{
	bf16 *buf = NULL;
	int rc;

	policy.config = config;
	vocab_bytes(&policy.vocab);
	rc = kern_init(2, e) || model_new(&config, get, &buf, &policy.model, e) ||
	     tok_new(&policy.vocab, &policy.tok, e) || chat_new("plain", NULL, &dialogue.chat, e) ||
	     jqp_new(prompts, "prompts", js_none(), &dialogue.prompts, e);
	free(buf);
	dialogue.tok = policy.tok;
	dialogue.sampling = (struct sampling){1, 1, 0, 0};
	return rc;
}

static struct queue *start(size_t batch, uint64_t kv_memory)
{
	static const int max_new[] = {20, 30};
	struct queue_rules r = {
		.dialogue = dialogue,
		.samples = SAMPLES,
		.turns = 2,
		.batch = batch,
		.max_new = max_new,
		.n_max_new = 2,
		.seed = 1,
		.kv_memory = kv_memory,
	};

	return queue_new(&policy, &r);
}

static int add(struct queue *q, size_t line, int prompt, int times, struct err *e)
{
	struct buf text = {0};
	struct traj t;
	struct js rec;
	int rc;

	buf_addf(&text, "{\"id\":\"p%zu\",\"times\":%d,\"prompt\":\"%0*d\"}", line, times, prompt, 7);
	rc = js_parse(text.data, text.len, &rec, e) || traj_parse(rec, TRAJ_ID, &t, e);
	buf_release(&text);
	if (rc)
		return -1;
	t.line = line;
	rc = queue_add(q, &t, 0, e);
	traj_release(&t);
	return rc;
}

static size_t take(struct queue *q, struct buf *out)
{
	double share;
	struct js rec;
	struct err e;
	size_t n = 0;

	for (; queue_take(q, &rec, &share); n++) {
		if (js_print(rec, out, &e))
			ok(0, "%s", e.msg);
		js_free(rec);
	}
	return n;
}

/* All records' output; *most: the most anonymous memory on the way, above `before`. */
static struct buf all(size_t batch, uint64_t kv_memory, uint64_t before, uint64_t *most)
{
	struct queue *q = start(batch, kv_memory);
	uint64_t now;
	struct buf out = {0};
	struct err e;
	size_t n = 0, line = 0, bad;

	*most = 0;
	do {
		if (line < RECORDS && queue_wants(q)) {
			if (add(q, line + 1, 80 + 40 * (int)(line % 3), 18 + 4 * (int)(line % 2), &e))
				ok(0, "%s", e.msg);
			line++;
		}
		queue_forward(q);
		now = rss_anon();
		if (now > before && now - before > *most)
			*most = now - before;
		n += take(q, &out);
	} while (line < RECORDS || !queue_done(q));
	ok(n == RECORDS * SAMPLES && !queue_failed(q, &bad, &e),
	   "batch %zu, %llu MiB: %zu records came out", batch, (unsigned long long)(kv_memory / MIB),
	   n);
	queue_free(q);
	return out;
}

static void same_however(void)
{
	static const struct {
		size_t batch, mib;
	} how[] = {{1, 1000}, {30, 10}, {30, 20}, {30, 1000}, {7, 5}};
	struct buf want = {0};
	uint64_t most, before = rss_anon();

	for (size_t i = 0; i < LEN(how); i++) {
		struct buf got = all(how[i].batch, (uint64_t)how[i].mib * MIB, before, &most);

		if (!i)
			want = got;
		else
			ok(got.len == want.len && !memcmp(got.data, want.data, got.len),
			   "batch %zu, %zu MiB: the same output", how[i].batch, how[i].mib);
		/* beside the caches: the engine's buffers, records, scratch */
		if (HOLDS_BACK)
			skip("%zu MiB: memory is not measured in this build", how[i].mib);
		else if (how[i].batch == 30 && how[i].mib < 1000)
			ok(most < (how[i].mib + 12) * MIB, "%zu MiB for caches: %.1f MiB anonymous", how[i].mib,
			   (double)most / MIB);
		else if (how[i].batch == 30)
			ok(most > 35 * MIB, "without a bound it is more: %.1f MiB", (double)most / MIB);
		if (i)
			buf_release(&got);
	}
	buf_release(&want);
}

/* Samples of one prompt store it once: in memory for two copies of it, all are under way at
 * once; each keeps its place in the order of output. */
static void stored_once(void)
{
	struct queue *q = start(SAMPLES, 10 * MIB);      /* 8 KiB a position, 5 MiB a prompt */
	struct buf out = {0};
	struct err e;
	size_t n = 0;

	if (add(q, 1, 650, 1, &e))
		ok(0, "%s", e.msg);
	queue_forward(q);
	queue_forward(q);
	ok(queue_active(q) == SAMPLES, "%zu of %d samples of a long prompt at once", queue_active(q),
	   SAMPLES);
	while (!queue_done(q)) {
		queue_forward(q);
		n += take(q, &out);
	}
	ok(n == SAMPLES, "%zu come out", n);
	buf_release(&out);
	queue_free(q);
}

static void too_large(void)
{
	struct queue *q = start(8, 6 * MIB);     /* 8 KiB a position */
	struct buf out = {0};
	struct err e;
	size_t n = 0, line = 0;

	if (add(q, 3, 100, 1, &e) || add(q, 4, 900, 1, &e) || add(q, 5, 100, 1, &e))
		ok(0, "%s", e.msg);
	while (!queue_done(q)) {
		queue_forward(q);
		n += take(q, &out);
	}
	ok(n == SAMPLES, "what came before a dialogue that never fits is finished");
	ok(queue_failed(q, &line, &e) && line == 4 && strstr(e.msg, "--kv-memory"),
	   "its line and the reason: %s", e.msg);
	ok(!queue_wants(q), "and no more records are wanted");
	ok(add(q, 6, 2000, 1, &e) && strstr(e.msg, ".turns[0]: 2000 tokens"),
	   "a prompt beyond the context: %s", e.msg);
	buf_release(&out);
	queue_free(q);
}

/* The last norm's weights as NaN: whatever the prompt, the logits are no numbers. */
static void no_numbers(void)
{
	size_t i = model_params(&config) - 1, line = 0;
	struct queue *q = start(4, 64 * MIB);
	struct buf out = {0};
	struct param p;
	struct err e;
	struct mem m;
	bf16 *nans;

	for (model_param(&config, i, &p); p.role != ROLE_NORM; model_param(&config, i, &p))
		i--;
	nans = xreallocarray(NULL, p.rows, sizeof *nans);
	for (size_t k = 0; k < p.rows; k++)
		nans[k] = 0x7fc0;
	m = mem_borrow(nans, p.rows * sizeof *nans);
	model_set(policy.model, i, m);
	mem_return(&m);
	free(nans);
	if (add(q, 7, 1, 1, &e))
		ok(0, "%s", e.msg);
	while (!queue_done(q))
		queue_forward(q);
	ok(!take(q, &out) && queue_failed(q, &line, &e) && line == 7, "NaN: nothing but the line");
	ok(!strcmp(e.msg, ".turns[0]: the model gives probabilities that are no numbers"),
	   "and the reason: %s", e.msg);
	buf_release(&out);
	queue_free(q);
}

int main(void)
{
	struct err e;

	if (set_up(&e)) {
		ok(0, "%s", e.msg);
		return 1;
	}
	same_however();
	stored_once();
	too_large();
	no_numbers();
	jqp_free(dialogue.prompts);
	chat_free(dialogue.chat);
	policy_release(&policy);
	return done();
}
