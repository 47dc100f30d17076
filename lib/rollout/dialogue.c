/* SPDX-License-Identifier: MIT */
/* A record's dialogue as tokens: builds contexts, reads the turns already there, adds new ones. */
#include "rollout/dialogue.h"

#include <stdlib.h>

static void append(struct ids *all, const int *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		VEC_PUSH(all->v, all->n, all->cap) = v[i];
}

/* Context before response number d->turns: the end token that a cut response lacks, then the chat
 * template's parts. */
static int context(struct dialogue *d, const struct dialogue_rules *r, struct js prompt,
                   struct js *out, struct err *e)
{
	size_t start = d->all.n;

	if (d->turns && d->cut && tok_end(r->tok) >= 0)
		VEC_PUSH(d->all.v, d->all.n, d->all.cap) = tok_end(r->tok);
	if (chat_render(r->chat, r->tok, d->turns, r->system, prompt, &d->all, e))
		return -1;
	if (d->all.n == start)
		return err_set(e, ".turns[%zu]: the prompt has no tokens", d->turns);
	*out = js_from_ints(d->all.v + start, d->all.n - start);
	return 0;
}

/* The user message of the next turn, from the prompts program; null, if it may end the dialogue
 * and does: not before the first turn. */
static int next_prompt(struct dialogue *d, const struct dialogue_rules *r, int may_end,
                       struct js *out, struct err *e)
{
	if (jqp_run(r->prompts, d->rec, out, e))
		return -1;
	if (js_kind(*out) != JS_STRING && !(may_end && d->turns && js_kind(*out) == JS_NULL)) {
		err_set(e, "the prompts program gave %s for turn %zu, expected a string%s",
		        js_kind_name(js_kind(*out)), d->turns,
		        may_end && d->turns ? ", or null to end the dialogue" : "");
		js_free(*out);
		return -1;
	}
	return 0;
}

static void push_turn(struct dialogue *d, struct js turn)
{
	struct js turns = js_get(d->rec, "turns");

	/* detach it from the record first: with one owner it is changed in place */
	js_set(&d->rec, "turns", js_null());
	js_push(&turns, turn);
	js_set(&d->rec, "turns", turns);
	d->turns++;
}

/* A response written elsewhere, as text: tokenises its context and response. */
static int read_given(struct dialogue *d, const struct turn *t, struct js turn,
                      const struct dialogue_rules *r, struct err *e)
{
	struct js ids = js_none(), prompt = js_get(turn, "prompt");
	size_t start;

	if (js_kind(prompt) == JS_NONE && next_prompt(d, r, 0, &prompt, e))
		goto fail;
	js_set(&turn, "prompt", js_copy(prompt));
	if (context(d, r, prompt, &ids, e))
		goto fail;
	js_free(prompt);
	js_set(&turn, "context", ids);
	start = d->all.n;
	if (tok_encode(r->tok, t->response, t->response_len, 0, &d->all, e))
		goto fail_turn;
	if (!t->length && tok_end(r->tok) >= 0)
		VEC_PUSH(d->all.v, d->all.n, d->all.cap) = tok_end(r->tok);
	js_set(&turn, "tokens", js_from_ints(d->all.v + start, d->all.n - start));
	if (!js_has(turn, "finish"))
		js_set(&turn, "finish", js_str("stop"));
	d->cut = t->length;
	push_turn(d, turn);
	return 0;
fail:
	js_free(prompt);
fail_turn:
	js_free(turn);
	return -1;
}

static int in_vocabulary(const int *ids, size_t n, const struct dialogue_rules *r, size_t turn,
                         const char *field, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] < 0 || (size_t)ids[i] >= tok_size(r->tok))
			return err_set(e, ".turns[%zu].%s[%zu]: %d is not in the vocabulary of %zu", turn,
			               field, i, ids[i], tok_size(r->tok));
	return 0;
}

int dialogue_init(struct dialogue *d, const struct traj *t, const struct dialogue_rules *r,
                  struct err *e)
{
	struct js turns = js_get(t->rec, "turns");
	int rc = -1;

	*d = (struct dialogue){.rec = js_copy(t->rec), .open = js_none()};
	/* a prompts program must see only the turns so far, also while existing turns are read */
	js_set(&d->rec, "turns", js_array());
	for (size_t i = 0; i < t->n_turns; i++) {
		const struct turn *u = &t->turns[i];

		if (u->given && !u->has_tokens) {
			if (read_given(d, u, js_at(turns, i), r, e))
				goto out;
			continue;
		}
		if (!u->has_tokens || !u->has_context) {
			err_set(e, ".turns[%zu].%s: missing (a turn that is not given must have it)", i,
			        u->has_tokens ? "context" : "tokens");
			goto out;
		}
		if (in_vocabulary(u->context, u->n_context, r, i, "context", e) ||
		    in_vocabulary(u->tokens, u->n_tokens, r, i, "tokens", e))
			goto out;
		append(&d->all, u->context, u->n_context);
		append(&d->all, u->tokens, u->n_tokens);
		d->cut = u->length;
		d->sampled |= !u->given;
		push_turn(d, js_at(turns, i));
	}
	rc = 0;
out:
	js_free(turns);
	if (rc)
		dialogue_release(d);
	return rc;
}

void dialogue_release(struct dialogue *d)
{
	js_free(d->rec);
	js_free(d->open);
	free(d->all.v);
	*d = (struct dialogue){.rec = js_none(), .open = js_none()};
}

int dialogue_ask(struct dialogue *d, const struct dialogue_rules *r, struct err *e)
{
	struct js prompt, ids;

	d->asked = d->all.n;
	if (next_prompt(d, r, 1, &prompt, e))
		return -1;
	if (js_kind(prompt) == JS_NULL)
		return 0;
	if (context(d, r, prompt, &ids, e)) {
		js_free(prompt);
		return -1;
	}
	d->open = js_object();
	js_set(&d->open, "prompt", prompt);
	js_set(&d->open, "context", ids);
	return 1;
}

void dialogue_too_long(struct dialogue *d, const struct dialogue_rules *r, size_t limit)
{
	struct gen none = {.sampling = r->sampling};
	struct js verdict = js_object();
	struct buf why = {0};

	buf_addf(&why, "%zu tokens with this prompt do not fit the model's context of %zu", d->all.n,
	         limit);
	js_set(&verdict, "status", js_str("context-limit"));
	js_set(&verdict, "detail", js_str(why.data));
	js_set(&d->open, "context", js_array());
	js_set(&d->open, "reward", js_num(0));
	js_set(&d->open, "verdict", verdict);
	d->all.n = d->asked;
	dialogue_answer(d, r, &none);
	buf_release(&why);
}

void dialogue_answer(struct dialogue *d, const struct dialogue_rules *r, const struct gen *g)
{
	struct js how = js_object(), turn = d->open;
	struct buf text = {0};

	d->open = js_none();
	append(&d->all, g->tokens, g->n);
	tok_decode(r->tok, g->tokens, g->n, &text);
	js_set(&turn, "response", js_strn(text.data ? text.data : "", text.len));
	js_set(&turn, "tokens", js_from_ints(g->tokens, g->n));
	js_set(&turn, "logprobs", js_from_floats(g->logprobs, g->n));
	js_set(&how, "temperature", js_num(g->sampling.temperature));
	js_set(&how, "top_p", js_num(g->sampling.top_p));
	js_set(&how, "top_k", js_num(g->sampling.top_k));
	js_set(&how, "greedy", js_bool(g->sampling.greedy));
	if (g->min_new)
		js_set(&how, "min_tokens", js_num((double)g->min_new));
	js_set(&turn, "sampling", how);
	if (!sampling_plain(&g->sampling) || g->min_new)
		js_set(&turn, "sample_logprobs", js_from_floats(g->sample_logprobs, g->n));
	js_set(&turn, "finish", js_str(g->ended ? "stop" : "length"));
	js_set(&turn, "snapshot", js_num((double)r->snapshot));
	d->cut = !g->ended;
	d->sampled = 1;
	push_turn(d, turn);
	buf_release(&text);
}
