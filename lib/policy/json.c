/* SPDX-License-Identifier: MIT */
/* Configurations and snapshots as JSON, for score-weights. */
#include "policy/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a new model's configuration ---- */

/* Hugging Face names of the same fields */
static const struct alias {
	const char *hf, *ours;
} aliases[] = {
	{"model_type", "arch"}, {"num_hidden_layers", "layers"}, {"hidden_size", "width"},
	{"num_attention_heads", "heads"}, {"num_key_value_heads", "kv_heads"},
	{"head_dim", "head_size"}, {"intermediate_size", "ffn"}, {"vocab_size", "vocab"},
	{"max_position_embeddings", "context"}, {"rms_norm_eps", "norm_eps"},
	{"tie_word_embeddings", "tied"},
};

static int set_field(struct model_config *c, const char *key, struct js v, struct err *e)
{
	struct buf text = {0};
	int rc = 0;

	for (size_t i = 0; i < LEN(aliases); i++)
		if (!strcmp(key, aliases[i].hf))
			key = aliases[i].ours;
	switch (js_kind(v)) {
	case JS_TRUE:
	case JS_FALSE:
		buf_addc(&text, js_kind(v) == JS_TRUE ? '1' : '0');
		break;
	case JS_STRING:
		buf_adds(&text, js_string(v));
		break;
	case JS_NUMBER:
		rc = js_print(v, &text, e);
		break;
	default:
		rc = err_set(e, "%s: expected a number, got %s", key, js_kind_name(js_kind(v)));
	}
	if (!rc)
		rc = model_config_set(c, key, text.data ? text.data : "", e);
	buf_release(&text);
	return rc;
}

int policy_config_read(const char *path, struct model_config *c, struct err *e)
{
	struct buf text = {0};
	struct js doc = js_none(), v;
	struct js_iter it;
	const char *key;
	int rc = file_read(path, 1 << 20, &text, e);

	*c = (struct model_config){
	    .arch = ARCH_LLAMA, .vocab = 258, .norm_eps = 1e-5f, .rope_theta = 10000};
	if (!rc && (rc = js_parse(text.data, text.len, &doc, e)))
		err_prefix(e, "%s: ", path);
	if (!rc && js_kind(doc) != JS_OBJECT)
		rc = err_set(e, "%s: expected object, got %s", path, js_kind_name(js_kind(doc)));
	for (it = js_begin(doc); !rc && js_next(doc, &it, &key, &v); js_free(v))
		if ((rc = set_field(c, key, v, e)))
			err_prefix(e, "%s: .", path);
	c->kv_heads = c->kv_heads ? c->kv_heads : c->heads;
	if (!rc && !c->head_size && c->heads) {
		if (c->width % c->heads)
			rc = err_set(e, "%s: .head_size: %u heads do not divide width %u, so it must be given",
			             path, c->heads, c->width);
		c->head_size = c->width / c->heads;
	}
	if (!rc && c->vocab < 258)
		rc = err_set(
			e, "%s: .vocab: a new model has the byte vocabulary of 258 tokens at least, not %u",
		    path, c->vocab);
	if (!rc && (rc = model_config_check(c, e)))
		err_prefix(e, "%s: ", path);
	js_free(doc);
	buf_release(&text);
	return rc;
}

/* ---- snapshots and tensors ---- */

int policy_info_js(const struct snap_info *in, struct js *out, struct err *e)
{
	char *tags = xstrdup(in->tags), *save = NULL;
	struct js list = js_array();
	int rc = js_parse(in->meta, strlen(in->meta), out, e);

	for (char *t = strtok_r(tags, " ", &save); t; t = strtok_r(NULL, " ", &save))
		js_push(&list, js_str(t));
	free(tags);
	if (rc) {
		js_free(list);
		return err_prefix(e, "the description of snapshot %lld: ", (long long)in->step);
	}
	js_set(out, "tags", list);
	js_set(out, "bytes", js_num((double)in->bytes));
	return 0;
}

static struct js config_js(const struct model_config *c)
{
	struct js o = js_object();
	struct buf text = {0};
	char *save = NULL;

	model_config_print(c, &text);
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');
		double x;

		*value++ = 0;
		if (!strcmp(line, "tied"))
			js_set(&o, line, js_bool(c->tied));
		else if (!strcmp(line, "norm_eps"))
			js_set(&o, line, js_f32(c->norm_eps));
		else
			js_set(&o, line, parse_f64(value, &x, NULL) ? js_str(value) : js_num(x));
	}
	buf_release(&text);
	return o;
}

static struct js vocab_js(const struct vocab *v)
{
	static const char *const kinds[] = {[TOK_BYTE] = "byte", [TOK_BPE] = "bpe", [TOK_SPM] = "spm"};
	struct js o = js_object(), ends = js_array();

	js_set(&o, "kind", js_str(kinds[v->kind]));
	if (v->kind == TOK_BPE)
		js_set(&o, "pre", js_str(tok_pre_name(v->pre)));
	js_set(&o, "tokens", js_num((double)v->n));
	js_set(&o, "merges", js_num((double)v->n_merges));
	for (size_t i = 0; i < v->n_ends; i++) {
		int id = v->ends[i];

		js_push(&ends, id >= 0 && (size_t)id < v->n ? js_str(v->tokens[id].text) : js_num(id));
	}
	js_set(&o, "ends", ends);
	js_set(&o, "chat", js_str(v->chat ? v->chat : "plain"));
	return o;
}

int policy_snapshot_js(struct store *s, const char *ref, struct js *out, struct err *e)
{
	struct model_config c;
	struct snap_info *list = NULL;
	struct snap *p = NULL;
	struct vocab v;
	struct tensor t;
	uint64_t bytes = 0, state_bytes;
	size_t n = 0, i = 0;
	int rc = policy_docs(s, &c, &v, e);

	*out = js_none();
	if (!rc)
		rc = store_list(s, &list, &n, e);
	if (!rc)
		rc = snap_open(s, ref, &p, e);
	for (; !rc && i < snap_count(p); i++) {
		rc = snap_at(p, i, &t, e);
		bytes += t.bytes;
	}
	for (i = 0; !rc && i < n && list[i].step != snap_step(p); i++)
		;
	if (!rc && i == n)
		rc = err_set(e, "snapshot %lld was pruned meanwhile", (long long)snap_step(p));
	if (!rc)
		rc = policy_info_js(&list[i], out, e);
	if (!rc) {
		js_set(out, "new_bytes", js_num((double)list[i].bytes));
		js_set(out, "bytes", js_num((double)bytes));
		js_set(out, "tensors", js_num((double)snap_count(p)));
		js_set(out, "values", js_num((double)model_size(&c)));
		js_set(out, "state_values", js_num((double)snap_state_count(p, &state_bytes)));
		js_set(out, "state_bytes", js_num((double)state_bytes));
		js_set(out, "config", config_js(&c));
		js_set(out, "tokenizer", vocab_js(&v));
	}
	snap_close(p);
	snap_list_free(list, n);
	vocab_release(&v);
	return rc;
}

struct js policy_tensor_js(const struct tensor *t)
{
	struct js o = js_object(), shape = js_array();

	js_push(&shape, js_num((double)t->shape[0]));
	if (t->rank == 2)
		js_push(&shape, js_num((double)t->shape[1]));
	js_set(&o, "tensor", js_str(t->name));
	js_set(&o, "dtype", js_str(t->dtype == DT_F32 ? "f32" : "bf16"));
	js_set(&o, "shape", shape);
	js_set(&o, "bytes", js_num((double)t->bytes));
	return o;
}

struct js policy_diff_js(const struct tensor_diff *d)
{
	static const char *const kinds[] = {
		[DIFF_SAME] = "nothing", [DIFF_VALUES] = "values", [DIFF_SHAPE] = "shape",
		[DIFF_ONLY_A] = "only in a", [DIFF_ONLY_B] = "only in b",
	};
	struct js o = js_object();

	js_set(&o, "tensor", js_str(d->name));
	js_set(&o, "differs", js_str(kinds[d->kind]));
	if (d->kind == DIFF_VALUES) {
		js_set(&o, "values", js_num((double)d->values));
		js_set(&o, "differing", js_num((double)d->differing));
		/* null: infinite */
		js_set(&o, "max_abs", isfinite(d->max_abs) ? js_num(d->max_abs) : js_null());
		js_set(&o, "rms", isfinite(d->rms) ? js_num(d->rms) : js_null());
	}
	return o;
}
