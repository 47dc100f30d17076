/* SPDX-License-Identifier: MIT */
/*
 * The gradient of the tools as they are run, score-bonus | score-update, against the analytic one
 * of a toy policy.
 *
 * The policy is a table: embeddings are unit vectors, the block adds nothing, so the final norm
 * gives 4 e_prev (width 16) and log pi(. | prev) = log softmax of 4 W[.][prev], W the head. A
 * token's gradient with respect to W[v][prev] is then 4 times that of its logits. Adam's first
 * moment at beta1 0 is the gradient itself: it is read from the store.
 *
 * Turn 1's tokens come after tokens below 8, later turns' after others: a column of W says whose it
 * is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/kern.h"
#include "model/config.h"
#include "store/store.h"
#include "tok/tok.h"
#include "tap.h"

enum { V = 16, TRAJS = 6, TURNS = 3, LONG = 6 };

static char dir[64];                 /* everything goes here */
/* of the reference (step 0) and the policy (step 1), exact in bf16 */
static float head[2][V][V];

static void bail(const struct err *e)
{
	printf("Bail out! %s\n", e->msg);
	exit(1);
}

/* ---- the store ---------------------------------------------------------------- */

static const struct model_config config = {
	.arch = ARCH_LLAMA, .layers = 1, .width = V, .heads = 1, .kv_heads = 1, .head_size = 2,
	.ffn = 1, .vocab = V,
	.context = 64, .norm_eps = 1e-6f, .rope_theta = 10000,
};

static float toy_value(const struct param *p, uint64_t row, uint64_t col, int step)
{
	if (!strcmp(p->name, "output.weight"))
		return head[step][row][col];
	if (!strcmp(p->name, "token_embd.weight"))
		return row == col;
	if (!strcmp(p->name, "blk.0.attn_output.weight") || !strcmp(p->name, "blk.0.ffn_down.weight"))
		return 0;
	return p->rank == 1 ? 1 : 0.25f;
}

static void commit_toy(struct store *s, int step)
{
	struct buf text = {0}, tokenizer = {0};
	struct vocab none;
	struct commit *c;
	struct err e;

	if (commit_begin(s, step, 1 << 20, &c, &e))
		bail(&e);
	for (size_t i = 0; i < model_params(&config); i++) {
		struct param p;
		void *dst;

		model_param(&config, i, &p);
		if (commit_tensor(c, p.name, DT_BF16, p.rank, (uint64_t[]){p.rows, p.cols}, &dst, &e))
			bail(&e);
		for (uint64_t r = 0; r < p.rows; r++)
			for (uint64_t k = 0; k < p.cols; k++)
				((bf16 *)dst)[r * p.cols + k] = act_of(toy_value(&p, r, k, step));
	}
	model_config_print(&config, &text);
	vocab_init(&none);
	vocab_save(&none, &tokenizer);
	if (commit_doc(c, "config", text.data, text.len, &e) ||
	    commit_doc(c, "tokenizer", tokenizer.data, tokenizer.len, &e) ||
	    commit_doc(c, "seed", "1\n", 2, &e) ||
	    commit_finish(c, "{}", 8, &e))
		bail(&e);
	buf_release(&text);
	buf_release(&tokenizer);
}

static void store_make(const char *name)
{
	struct store *s;
	struct err e;

	if (store_open(name, STORE_CREATE, &s, &e))
		bail(&e);
	commit_toy(s, 0);
	commit_toy(s, 1);
	store_close(s);
}

static void heads_make(void)
{
	for (uint64_t s = 0; s < 2; s++) {
		struct rng r = rng_stream(3, "toy", s, "", 0, 0);

		for (size_t v = 0; v < V; v++)
			for (size_t p = 0; p < V; p++)
				head[s][v][p] = act_f32(act_of((float)(0.25 * rng_normal(&r, v * V + p))));
	}
}

/* ---- the batch: two groups, unequal lengths, a given turn, an infrastructure error ---- */

struct toy_turn {
	int n_context, n_tokens, given;
	double reward, weight;
	int ids[2 * LONG];           /* context, then tokens */
};

struct toy {
	int index, sample, turns, error;
	struct toy_turn turn[TURNS];
};

static const struct toy original[TRAJS] = {
	{0, 0, 2, 0, {{2, 3, 0, 0, 1, {1, 2, 3, 4, 5}}, {1, 4, 0, 1, 2, {8, 9, 10, 9, 12}}}},
	{0, 1, 2, 0, {{2, 1, 0, 1, 1, {1, 2, 6}}, {2, 2, 0, 1, 1, {8, 11, 13, 14}}}},
	{0, 2, 2, 1, {{2, 2, 0, 1, 1, {1, 2, 7, 0}}, {1, 3, 0, 0, 1, {8, 15, 9, 9}}}},
	{1, 0, 2, 0, {{1, 2, 1, 1, 3, {3, 0, 5}}, {1, 5, 0, 0, 1, {9, 10, 11, 12, 13, 14}}}},
	{1, 1, 3, 0, {{1, 4, 0, 0, 0, {3, 7, 6, 7, 6}}, {1, 1, 0, 0.5, 1, {9, 15}},
		{2, 3, 0, 1, 0.5, {8, 10, 15, 14, 8}}}},
	{1, 2, 3, 0, {{1, 1, 0, 0, 1, {3, 2}}, {1, 2, 0, 1, 1, {9, 8, 8}}, {1, 1, 0, 0, 1, {12, 9}}}},
};

static struct toy toys[TRAJS];

static void ints(struct buf *b, const int *p, int n)
{
	buf_addc(b, '[');
	for (int i = 0; i < n; i++)
		buf_addf(b, "%s%d", i ? "," : "", p[i]);
	buf_addc(b, ']');
}

static void write_records(const char *path)
{
	struct buf b = {0};
	struct err e;

	for (int i = 0; i < TRAJS; i++) {
		const struct toy *t = &toys[i];

		buf_addf(&b, "{\"id\":\"p%d\",\"batch\":{\"step\":1,\"size\":2,\"index\":%d},"
		         "\"group\":3,\"sample\":%d,\"turns\":[",
		         t->index, t->index, t->sample);
		for (int k = 0; k < t->turns; k++) {
			const struct toy_turn *u = &t->turn[k];

			buf_addf(&b, "%s{\"response\":\"\",\"snapshot\":1,\"weight\":%g,\"context\":",
			         k ? "," : "", u->weight);
			ints(&b, u->ids, u->n_context);
			buf_adds(&b, ",\"tokens\":");
			ints(&b, u->ids + u->n_context, u->n_tokens);
			buf_adds(&b, ",\"logprobs\":");
			ints(&b, (int[LONG]){0}, u->n_tokens);
			buf_adds(&b, u->given ? ",\"given\":true" : "");
			if (t->error && k == 1)
				buf_adds(&b, ",\"reward\":null}");
			else
				buf_addf(&b, ",\"reward\":%g}", u->reward);
		}
		buf_adds(&b, "]}\n");
	}
	if (file_write(path, b.data, b.len, &e))
		bail(&e);
	buf_release(&b);
}

/* ---- the analytic gradient --------------------------------------------------------- */

struct scene {
	const char *name, *bonus, *update;
	int stage, nll, kl, per_token;       /* kl: 0 exact, 1, 2, 3 */
	double alpha, beta1, beta2;
};

static double row_log(int s, int prev, double out[V])
{
	double sum = 0;

	for (int v = 0; v < V; v++)
		sum += exp(4 * (double)head[s][v][prev]);
	for (int v = 0; v < V; v++)
		out[v] = 4 * (double)head[s][v][prev] - log(sum);
	return sum;
}

static int counts(int i, int k)
{
	return k < toys[i].turns && !toys[i].turn[k].given && !toys[i].error;
}

static double toy_return(const struct scene *c, const struct toy *t, int k)
{
	if (c->stage == 1)
		return k == t->turns - 1 ? t->turn[k].reward : 0;
	return t->turn[k].reward + (k ? c->alpha * (t->turn[k].reward - t->turn[k - 1].reward) : 0);
}

/* x_i less the mean over the others of its group, 0 or x_i where there are none. */
static double less_others(const double x[TRAJS][TURNS], int i, int k, int keep_alone)
{
	double sum = 0;
	int n = 0;

	for (int j = 0; j < TRAJS; j++)
		if (j != i && toys[j].index == toys[i].index && counts(j, k)) {
			sum += x[j][k];
			n++;
		}
	return n ? x[i][k] - sum / n : keep_alone ? x[i][k] : 0;
}

/* The minimised loss's gradient g[v][prev], and the sum of the absolute values of its terms. */
static void analytic(const struct scene *c, double g[V][V], double size[V][V])
{
	double ret[TRAJS][TURNS], k1[TRAJS][TURNS], weights = 0, n = 0;

	memset(g, 0, V * sizeof g[0]);
	memset(size, 0, V * sizeof size[0]);
	for (int i = 0; i < TRAJS; i++) {
		n += !toys[i].error;
		for (int k = 0; k < toys[i].turns; k++) {
			const struct toy_turn *u = &toys[i].turn[k];

			ret[i][k] = toy_return(c, &toys[i], k);
			k1[i][k] = 0;
			weights += toys[i].error ? 0 : u->weight * u->n_tokens;
			for (int j = u->n_context; j < u->n_context + u->n_tokens; j++) {
				double p[V], q[V];

				row_log(1, u->ids[j - 1], p);
				row_log(0, u->ids[j - 1], q);
				k1[i][k] += (p[u->ids[j]] - q[u->ids[j]]) / (c->per_token ? u->n_tokens : 1);
			}
		}
	}
	for (int i = 0; i < TRAJS; i++)
		for (int k = 0; k < toys[i].turns; k++) {
			const struct toy_turn *u = &toys[i].turn[k];
			double beta = c->stage == 1 && k < toys[i].turns - 1 ? c->beta2 : c->beta1;
			double a = c->nll ? u->weight * n / weights : less_others(ret, i, k, 0);

			if (toys[i].error || (!c->nll && !counts(i, k)))
				continue;
			if (c->kl == 1)
				a -= beta * less_others(k1, i, k, 1);
			if (c->per_token)
				beta /= u->n_tokens;
			for (int j = u->n_context; j < u->n_context + u->n_tokens; j++) {
				double p[V], q[V], kl = 0, d, f = 0;

				row_log(1, u->ids[j - 1], p);
				row_log(0, u->ids[j - 1], q);
				for (int v = 0; v < V; v++)
					kl += exp(p[v]) * (p[v] - q[v]);
				d = p[u->ids[j]] - q[u->ids[j]];
				f = c->kl == 2 ? d : c->kl == 3 ? 1 - exp(-d) : 0;
				for (int v = 0; v < V; v++) {
					double onehot = v == u->ids[j], x = (-a + beta * f) * (onehot - exp(p[v]));

					if (c->kl == 0)
						x += beta * exp(p[v]) * (p[v] - q[v] - kl);
					g[v][u->ids[j - 1]] += 4 * x / n;
					size[v][u->ids[j - 1]] += fabs(4 * x / n);
				}
			}
		}
}

/* ---- the tools' ---------------------------------------------------------------------- */

static int runs;

/* The first step with beta1 0 is lr times the sign (eps aside); the snapshot is the master
 * weights rounded. */
static void weights_follow(struct snap *p, const float *g)
{
	struct tensor master, w;
	struct err e;
	double worst = 0;
	int rounded = 1;

	if (snap_state(p, "master/output.weight", &master, &e) != 1 ||
	    snap_tensor(p, "output.weight", &w, &e))
		bail(&e);
	for (size_t i = 0; i < V * V; i++) {
		float x = ((const float *)master.data)[i];
		double want = head[1][i / V][i % V] - 1e-3 * g[i] / (fabs((double)g[i]) + 1e-8);

		worst = fmax(worst, fabs(x - want));
		rounded = rounded && ((const bf16 *)w.data)[i] == act_of(x);
	}
	if (worst > 1e-6 || !rounded)
		ok(0, "weights follow the gradient: %g off, %s", worst,
		   rounded ? "rounded" : "not the master's rounding");
}

/* Runs the pipeline on a fresh store; g is what Adam saw. */
static void tools(const char *bonus, const char *update, float g[V][V])
{
	char store[96], records[96], command[1024];
	struct store *s;
	struct snap *p;
	struct tensor t;
	struct err e;

	snprintf(store, sizeof store, "%s/%d.lmdb", dir, runs);
	snprintf(records, sizeof records, "%s/%d.jsonl", dir, runs++);
	store_make(store);
	write_records(records);
	snprintf(command, sizeof command,
	         "bin/score-bonus %s <%s 2>/dev/null | bin/score-update -w %s --adam-beta1 0 "
	         "--clip-grad 0 --lr 1e-3 %s >%s.metrics", bonus, records, store, update, store);
	if (system(command) != 0) {
		ok(0, "%s", command);
		return;
	}
	if (store_open(store, STORE_READ, &s, &e) || snap_open(s, "2", &p, &e) ||
	    snap_state(p, "m/output.weight", &t, &e) != 1)
		bail(&e);
	memcpy(g, t.data, sizeof(float[V][V]));
	weights_follow(p, t.data);
	snap_close(p);
	store_close(s);
}

/* Every logit's gradient is rounded to bf16 once (8 significant bits) before it is summed in
 * fp32. */
static void compare(const struct scene *c)
{
	double want[V][V], size[V][V], worst = 0;
	float got[V][V] = {{0}};

	memcpy(toys, original, sizeof toys);
	analytic(c, want, size);
	tools(c->bonus, c->update, got);
	for (int v = 0; v < V; v++)
		for (int p = 0; p < V; p++) {
			double d = fabs(got[v][p] - want[v][p]), bound = size[v][p] * 0x1p-8 + 1e-7;

			if (d > bound)
				diag("W[%d][%d]: %g, expected %g", v, p, (double)got[v][p], want[v][p]);
			worst = fmax(worst, d / bound);
		}
	ok(worst <= 1, "%s: the gradient is the analytic one (%.2f of the rounding allowed)", c->name,
	   worst);
}

/* A reward of turn 2 moves what follows turn 2's tokens, and no bit of what follows turn 1's. */
static void leak(const char *bonus, const char *update, const char *name)
{
	float a[V][V] = {{0}}, b[V][V] = {{0}};
	int first = 0, later = 0;

	memcpy(toys, original, sizeof toys);
	tools(bonus, update, a);
	toys[0].turn[1].reward = 0;
	toys[5].turn[1].reward = 0.25;
	tools(bonus, update, b);
	for (int v = 0; v < V; v++)
		for (int p = 0; p < V; p++)
			*(p < 8 ? &first : &later) += memcmp(&a[v][p], &b[v][p], sizeof(float)) != 0;
	ok(first == 0 && later > 0,
	   "%s: turn 2's reward changes %d gradients of turn 1, %d of later turns", name, first, later);
}

static void given(void)
{
	float a[V][V] = {{0}}, b[V][V] = {{0}};

	memcpy(toys, original, sizeof toys);
	tools("--stage 1", "--beta2 2", a);
	/* what a given turn says, but for its last token, is only context */
	toys[3].turn[0].ids[1] = 6;
	toys[3].turn[0].ids[2] = 7;
	tools("--stage 1", "--beta2 2", b);
	ok(!memcmp(a, b, sizeof a), "the tokens of a given turn have no gradient");
	for (int i = 0; i < TRAJS; i++)
		for (int k = 0; k < toys[i].turns; k++)
			toys[i].turn[k].given = 1;
	tools("--stage 2", "--beta1 3", a);
	memset(b, 0, sizeof b);
	ok(!memcmp(a, b, sizeof a), "all given: no gradient at all");
}

static void splits(void)
{
	float a[V][V] = {{0}}, b[V][V] = {{0}};

	memcpy(toys, original, sizeof toys);
	tools("--stage 1", "--beta1 0.5", a);
	for (int micro = 1; micro <= 16; micro += 5) {
		char options[64];
		double num = 0, den = 0;

		snprintf(options, sizeof options, "--beta1 0.5 --micro-tokens %d", micro);
		tools("--stage 1", options, b);
		for (int v = 0; v < V; v++)
			for (int p = 0; p < V; p++) {
				num += ((double)a[v][p] - b[v][p]) * ((double)a[v][p] - b[v][p]);
				den += (double)a[v][p] * a[v][p];
			}
		ok(sqrt(num / den) <= 1e-5, "--micro-tokens %d: relative difference %.2g", micro,
		   sqrt(num / den));
	}
}

int main(void)
{
	static const struct scene scenes[] = {
		{"policy term, Stage I", "--stage 1", "--beta1 0 --beta2 0", .stage = 1},
		{"policy term, Stage II", "--stage 2 --alpha 10", "--beta1 0", .stage = 2, .alpha = 10},
		{"exact, Stage I", "--stage 1", "--beta1 0.3 --beta2 1.5", .stage = 1, .beta1 = 0.3,
			.beta2 = 1.5},
		{"exact, Stage II", "--stage 2 --alpha 2", "--beta1 0.7 --beta2 50", .stage = 2, .alpha = 2,
			.beta1 = 0.7},
		{"exact per token, Stage I", "--stage 1", "--kl-scale token --beta1 1 --beta2 3",
			.stage = 1, .per_token = 1,
		 .beta1 = 1, .beta2 = 3},
		{"k1, Stage I", "--stage 1", "--kl k1 --beta1 0.3 --beta2 1.5", .stage = 1, .kl = 1,
			.beta1 = 0.3, .beta2 = 1.5},
		{"k1 per token, Stage II", "--stage 2 --alpha 1", "--kl k1 --kl-scale token --beta1 2",
			.stage = 2, .alpha = 1,
		 .kl = 1, .per_token = 1, .beta1 = 2},
		{"k2, Stage I", "--stage 1", "--kl k2 --beta1 0.3 --beta2 1.5", .stage = 1, .kl = 2,
			.beta1 = 0.3, .beta2 = 1.5},
		{"k3, Stage II", "--stage 2 --alpha 1", "--kl k3 --beta1 0.6", .stage = 2, .alpha = 1,
			.kl = 3, .beta1 = 0.6},
		{"nll", "--stage 2", "--objective nll", .nll = 1},
	};
	char command[96];

	heads_make();
	snprintf(dir, sizeof dir, "/tmp/score-toolchain.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	for (size_t i = 0; i < LEN(scenes); i++)
		compare(&scenes[i]);
	leak("--stage 2 --alpha 10", "--beta1 0.1", "Stage II");
	leak("--stage 1", "--beta2 0.5", "Stage I");
	leak("--stage 2 --baseline group", "--kl k1", "group baseline, k1");
	given();
	splits();
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) || done();
}
