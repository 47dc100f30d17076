/* SPDX-License-Identifier: MIT */
/* Writes a model as a Hugging Face directory: configuration and weights; the tokenizer is in
 * export_tok.c. */
#include "import/import.h"

#include "import/hf.h"
#include "import/inside.h"
#include "import/writer.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {
	"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
	"tokenizer_config.json",
};

int write_json(const char *dir, const char *file, struct js v, struct err *e)
{
	struct buf path = {0}, text = {0};
	int rc = js_print(v, &text, e);

	buf_addf(&path, "%s/%s", dir, file);
	buf_addc(&text, '\n');
	if (!rc)
		rc = file_write(path.data, text.data, text.len, e);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

/* ---- config.json ---- */

static void set_num(struct js *o, const char *key, double x)
{
	js_set(o, key, js_num(x));
}

static struct js rope_scaling(const struct model_config *c)
{
	struct js o = js_null();

	if (c->rope_linear > 1) {
		js_set(&o, "rope_type", js_str("linear"));
		set_num(&o, "factor", c->rope_linear);
	} else if (c->rope_factor != 0) {
		js_set(&o, "rope_type", js_str("llama3"));
		set_num(&o, "factor", c->rope_factor);
		set_num(&o, "low_freq_factor", c->rope_low);
		set_num(&o, "high_freq_factor", c->rope_high);
		set_num(&o, "original_max_position_embeddings", c->rope_orig);
	}
	return o;
}

static void gemma3_keys(struct js *o, const struct model_config *c)
{
	struct js types = js_array();
	double scalar = c->attn_scale != 0 ? 1 / (c->attn_scale * c->attn_scale) : c->head_size;

	/* Originally written by hand, as an integer. */
	if (fabs(scalar - round(scalar)) < 1e-6 * scalar)
		scalar = round(scalar);
	for (uint32_t i = 0; i < c->layers; i++)
		js_push(&types,
		        js_str(model_windowed(c, i) ? "sliding_attention" : "full_attention"));
	js_set(o, "layer_types", types);
	if (c->window_every)
		set_num(o, "_sliding_window_pattern", c->window_every);
	set_num(o, "query_pre_attn_scalar", scalar);
	set_num(o, "sliding_window", c->window ? c->window : c->context);
	set_num(o, "rope_local_base_freq", c->rope_local_theta > 0 ? c->rope_local_theta : 10000);
}

/* Keys that the architecture's traits need. */
static void trait_keys(struct js *o, const struct model_config *c)
{
	struct js rotated = js_array();

	if (arch_has(c->arch, WINDOWS))
		gemma3_keys(o, c);
	if (arch_has(c->arch, WINDOW))
		js_set(o, "sliding_window", c->window ? js_num(c->window) : js_null());
	for (uint32_t i = 0; i < c->layers; i++)
		js_push(&rotated, js_num(model_rotated(c, i)));
	if (arch_has(c->arch, NO_ROPE_LAYERS)) {
		js_set(o, "no_rope_layers", rotated);
		if (c->rope_skip)
			set_num(o, "no_rope_layer_interval", c->rope_skip);
	} else {
		js_free(rotated);
	}
}

static struct js config_json(const struct model_config *c, const struct vocab *v)
{
	const struct arch_row *row = arch_row(c->arch);
	struct js o = js_object(), list = js_array();

	js_push(&list, js_str(row->hf));
	js_set(&o, "architectures", list);
	js_set(&o, "model_type", js_str(row->hf_type));
	set_num(&o, "vocab_size", c->vocab);
	set_num(&o, "num_hidden_layers", c->layers);
	set_num(&o, "hidden_size", c->width);
	set_num(&o, "intermediate_size", c->ffn);
	set_num(&o, "num_attention_heads", c->heads);
	set_num(&o, "num_key_value_heads", c->kv_heads);
	set_num(&o, "head_dim", c->head_size);
	set_num(&o, "max_position_embeddings", c->context);
	js_set(&o, "rms_norm_eps", js_f32(c->norm_eps));
	set_num(&o, "rope_theta", c->rope_theta);
	js_set(&o, "rope_scaling", rope_scaling(c));
	js_set(&o, "tie_word_embeddings", js_bool(c->tied));
	js_set(&o, "attention_bias", js_bool(0));
	js_set(&o, "torch_dtype", js_str("bfloat16"));
	trait_keys(&o, c);
	js_set(&o, row->act_key, js_str(row->act));
	if (row->pad >= c->vocab)
		js_set(&o, "pad_token_id", js_null());
	js_set(&o, "bos_token_id", v && v->bos >= 0 ? js_num(v->bos) : js_null());
	js_set(&o, "eos_token_id", v && v->eos >= 0 ? js_num(v->eos) : js_null());
	return o;
}

static struct js generation_json(const struct vocab *v)
{
	struct js o = js_object();

	if (v->bos >= 0)
		set_num(&o, "bos_token_id", v->bos);
	js_set(&o, "eos_token_id", js_from_ints(v->ends, v->n_ends));
	return o;
}

/* ---- model.safetensors ---- */

static uint64_t bytes_of(const struct param *p)
{
	return p->rows * p->cols * 2;
}

static void header(const struct model_config *c, struct buf *out)
{
	struct buf name = {0};
	uint64_t at = 0;
	struct param p;

	buf_adds(out, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (size_t i = 0; i < model_params(c); i++) {
		model_param(c, i, &p);
		hf_name(&p, &name);
		buf_addf(out, ",\"%s\":{\"dtype\":\"BF16\",\"shape\":[%llu", name.data,
		         (unsigned long long)p.rows);
		if (p.rank == 2)
			buf_addf(out, ",%llu", (unsigned long long)p.cols);
		buf_addf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
		         (unsigned long long)(at + bytes_of(&p)));
		at += bytes_of(&p);
	}
	buf_addc(out, '}');
	while (out->len % 8)
		buf_addc(out, ' ');
	buf_release(&name);
}

static int write_weights(const char *dir, const struct model_config *c, export_tensor_fn get,
                         void *ctx, struct err *e)
{
	struct buf path = {0}, head = {0};
	struct writer w;
	int rc;

	buf_addf(&path, "%s/model.safetensors", dir);
	rc = writer_open(&w, path.data, e);
	buf_release(&path);
	if (rc)
		return -1;
	header(c, &head);
	writer_u64(&w, head.len);
	writer_add(&w, head.data, head.len);
	buf_release(&head);
	for (size_t i = 0; i < model_params(c) && !w.failed; i++) {
		const uint16_t *data;
		struct param p;

		model_param(c, i, &p);
		if (get(ctx, &p, &data, e)) {
			writer_abort(&w);
			return -1;
		}
		writer_bf16(&w, data, p.rows * p.cols);
	}
	return writer_finish(&w, e);
}

/* ---- the directory ---- */

/* Checks that the directory is absent or empty. */
static int check_target(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int n = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_set(e, "%s: %s", dir, strerror(errno));
	while ((entry = readdir(d)))
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(d);
	return n ? err_set(e, "%s: is not empty", dir) : 0;
}

static void remove_all(const char *dir)
{
	struct buf path = {0};

	for (size_t i = 0; i < LEN(files); i++) {
		buf_clear(&path);
		buf_addf(&path, "%s/%s", dir, files[i]);
		unlink(path.data);
	}
	buf_release(&path);
	rmdir(dir);
}

static int write_all(const char *dir, const struct model_config *c, const struct vocab *v,
                     export_tensor_fn get, void *ctx, struct err *e)
{
	struct js config = config_json(c, v), generation = v ? generation_json(v) : js_none();
	int rc = write_json(dir, "config.json", config, e);

	if (!rc && v)
		rc = write_json(dir, "generation_config.json", generation, e) ||
		             write_tokenizer(dir, c, v, e)
		         ? -1
		         : 0;
	if (!rc)
		rc = write_weights(dir, c, get, ctx, e);
	js_free(config);
	js_free(generation);
	return rc;
}

int export_hf(const char *dir, const struct model_config *c, const struct vocab *v,
              export_tensor_fn get, void *ctx, struct err *e)
{
	size_t n = strlen(dir);
	struct buf tmp = {0};
	int rc = -1;

	if (v && v->n != c->vocab)
		return err_set(e, "%s: %zu tokens, but the embedding has %u rows", dir, v->n, c->vocab);
	if (check_target(dir, e))
		return -1;
	while (n > 1 && dir[n - 1] == '/')
		n--;
	/* Everything is written to a temporary directory first, which is renamed once complete. */
	buf_addf(&tmp, "%.*s.tmp.%ld", (int)n, dir, (long)getpid());
	if (mkdir(tmp.data, 0777)) {
		err_set(e, "%s: %s", tmp.data, strerror(errno));
		goto out;
	}
	rc = write_all(tmp.data, c, v, get, ctx, e);
	if (!rc && rename(tmp.data, dir))
		rc = err_set(e, "%s: %s", dir, strerror(errno));
	if (rc)
		remove_all(tmp.data);
out:
	buf_release(&tmp);
	return rc;
}
