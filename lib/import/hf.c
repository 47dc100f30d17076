/* SPDX-License-Identifier: MIT */
/* Reads a Hugging Face directory: its safetensors files, and which tensor holds which parameter. */
#include "import/inside.h"

#include "import/hf.h"
#include "import/quant.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDEX_MAX = 64 << 20, SHARDS_MAX = 4096 };

void hf_name(const struct param *p, struct buf *out)
{
	buf_clear(out);
	if (p->layer >= 0)
		buf_addf(out, "model.layers.%d.", p->layer);
	buf_adds(out, p->hf);
}

int hf_json(const char *dir, const char *file, size_t cap, int optional, struct js *out,
            struct err *e)
{
	struct buf path = {0}, text = {0};
	int rc = 0;

	*out = js_none();
	buf_addf(&path, "%s/%s", dir, file);
	if (optional && access(path.data, F_OK))
		goto done;
	rc = file_read(path.data, cap, &text, e);
	if (!rc && js_parse_foreign(text.data, text.len, out, e)) {
		const char *what = bytes_are(text.data, text.len);

		rc = what ? err_set(e, "%s: not JSON but %s", path.data, what)
		          : err_prefix(e, "%s: ", path.data);
	}
	if (!rc && js_kind(*out) != JS_OBJECT)
		rc = err_set(e, "%s: expected an object", path.data);
	if (rc) {
		js_free(*out);
		*out = js_none();
	}
done:
	buf_release(&path);
	buf_release(&text);
	return rc;
}

/* ---- files ---- */

static int open_shard(struct import *im, const char *file, struct err *e)
{
	struct buf path = {0};
	struct safetensors s;
	int rc;

	buf_addf(&path, "%s/%s", im->path, file);
	rc = st_open(path.data, &s, e);
	if (!rc)
		VEC_PUSH(im->shards, im->n_shards, im->shards_cap) = s;
	buf_release(&path);
	return rc;
}

/* True for a plain file name: no directory, not hidden. */
static int plain_name(struct js v)
{
	const char *s = js_kind(v) == JS_STRING ? js_string(v) : "";

	return *s && *s != '.' && !strchr(s, '/') && strlen(s) == js_string_len(v) && strlen(s) < 256;
}

/* The shard of a file named in the index; *k is its number, in order of first mention. */
static int shard_of(struct import *im, struct js *files, struct js file, size_t *k, struct err *e)
{
	struct js number = js_get(*files, js_string(file));

	*k = js_kind(number) == JS_NUMBER ? (size_t)js_number(number) : im->n_shards;
	js_free(number);
	if (*k < im->n_shards)
		return 0;
	if (im->n_shards == SHARDS_MAX)
		return err_set(e, "%s: more than %d safetensors files", im->path, SHARDS_MAX);
	js_set(files, js_string(file), js_num((double)*k));
	return open_shard(im, js_string(file), e);
}

static int open_index(struct import *im, struct js map, struct err *e)
{
	struct js files = js_object(), file;
	struct js_iter it = js_begin(map);
	size_t mapped = 0, there = 0, k;
	const char *name;
	int rc = -1;

	if (js_kind(map) != JS_OBJECT) {
		err_set(e, "%s: model.safetensors.index.json: weight_map: expected an object", im->path);
		goto out;
	}
	while (js_next(map, &it, &name, &file)) {
		struct label l = label(name, strlen(name));
		int bad = 0;

		if (!plain_name(file))
			bad = err_set(e, "%s: model.safetensors.index.json: %s: not a plain file name",
			              im->path, l.s);
		else if (shard_of(im, &files, file, &k, e))
			bad = -1;
		else if (!st_find(&im->shards[k], name))
			bad = err_set(e, "%s: tensor %s is missing, though the index lists it",
			              im->shards[k].map.path, l.s);
		js_free(file);
		if (bad)
			goto out;
		mapped++;
	}
	for (k = 0; k < im->n_shards; k++)
		there += im->shards[k].n;
	if (there != mapped) {
		err_set(e, "%s: the index names %zu tensors, the files hold %zu", im->path, mapped, there);
		goto out;
	}
	rc = 0;
out:
	js_free(files);
	return rc;
}

static int open_shards(struct import *im, struct err *e)
{
	struct buf path = {0};
	struct js index = js_none(), map;
	int single, rc;

	buf_addf(&path, "%s/model.safetensors", im->path);
	single = !access(path.data, F_OK);
	buf_release(&path);
	if (single)
		return open_shard(im, "model.safetensors", e);
	if (hf_json(im->path, "model.safetensors.index.json", INDEX_MAX, 1, &index, e))
		return -1;
	if (js_kind(index) == JS_NONE)
		return err_set(e, "%s: neither model.safetensors nor model.safetensors.index.json is there "
		               "(pickled weights are not read)", im->path);
	map = js_get(index, "weight_map");
	rc = open_index(im, map, e);
	js_free(map);
	js_free(index);
	return rc;
}

/* ---- tensors ---- */

static struct st_tensor *find(const struct import *im, const char *name,
                              const struct safetensors **where)
{
	for (size_t i = 0; i < im->n_shards; i++) {
		struct st_tensor *t = st_find(&im->shards[i], name);

		*where = &im->shards[i];
		if (t)
			return t;
	}
	return NULL;
}

static int place(struct import *im, size_t i, struct err *e)
{
	const struct safetensors *s = NULL;
	struct st_tensor *t;
	struct buf name = {0};
	struct param p;
	int rc = -1;

	model_param(&im->config, i, &p);
	hf_name(&p, &name);
	t = find(im, name.data, &s);
	if (!t) {
		err_set(e, "%s: tensor %s is missing", im->path, name.data);
		goto out;
	}
	if (t->rank != p.rank || t->shape[0] != p.rows || (p.rank == 2 && t->shape[1] != p.cols)) {
		err_set(
			e, "%s: tensor %s: shape is [%llu, %llu] (rank %d), expected [%llu, %llu] (rank %d)",
		    im->path, name.data, (unsigned long long)t->shape[0], (unsigned long long)t->shape[1],
		    t->rank, (unsigned long long)p.rows, (unsigned long long)p.cols, p.rank);
		goto out;
	}
	t->used = 1;
	im->params[i] = (struct source){.data = s->map.p + t->at, .type = t->type};
	rc = 0;
out:
	buf_release(&name);
	return rc;
}

/* True for tensors that may be ignored: the copy of a tied head, tables that are recomputed. */
static int ignorable(const struct import *im, const char *name)
{
	size_t n = strlen(name);

	return (im->config.tied && !strcmp(name, "lm_head.weight")) ||
	       (n > 9 && !strcmp(name + n - 9, ".inv_freq"));
}

static int check_rest(const struct import *im, struct err *e)
{
	for (size_t i = 0; i < im->n_shards; i++)
		for (size_t k = 0; k < im->shards[i].n; k++) {
			const struct st_tensor *t = &im->shards[i].tensors[k];

			if (!t->used && !ignorable(im, t->name))
				return err_set(e, "%s: tensor %s: not part of a model of architecture %s",
				               im->shards[i].map.path, label(t->name, strlen(t->name)).s,
				               arch_name(im->config.arch));
		}
	return 0;
}

int open_hf(struct import *im, struct err *e)
{
	size_t n, there = 0;

	if (hf_config(im->path, &im->config, e) || open_shards(im, e))
		return -1;
	n = model_params(&im->config);
	for (size_t i = 0; i < im->n_shards; i++)
		there += im->shards[i].n;
	/* allocate no more than the files have tensors, however many layers they claim */
	im->params = xcalloc(there < n ? there + 1 : n, sizeof *im->params);
	for (size_t i = 0; i < n; i++)
		if (place(im, i, e))
			return -1;
	return check_rest(im, e) || hf_vocab(im->path, im->config.vocab, &im->vocab, e) ? -1 : 0;
}
