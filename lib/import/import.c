/* SPDX-License-Identifier: MIT */
/* Opens a model in either format and reads its tensors as bf16 in the store's layout. */
#include "import/inside.h"

#include "import/quant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Values dequantised at a time: whole blocks of every type. */
enum { CHUNK = 4 * QUANT_BLOCK_MAX };

/* 1: a directory, 0: a file, -1: error. */
static int is_dir(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st))
		return err_set(e, "%s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode);
}

/* Refuses a vocabulary with which the model could not run. */
static int runs(const struct vocab *v, const char *path, struct err *e)
{
	struct tok *tok;

	if (tok_new(v, &tok, e))
		return err_prefix(e, "%s: ", path);
	tok_free(tok);
	return 0;
}

int import_open(const char *path, struct import **out, struct err *e)
{
	int dir = is_dir(path, e), rc;
	struct import *im;
	struct map m;

	*out = NULL;
	if (dir < 0)
		return -1;
	im = xcalloc(1, sizeof *im);
	vocab_init(&im->vocab);
	im->path = xstrdup(path);
	rc = dir ? open_hf(im, e) : map_open(path, &m, e) ? -1 : open_gguf(im, m, e);
	if (rc || runs(&im->vocab, path, e)) {
		import_close(im);
		return -1;
	}
	*out = im;
	return 0;
}

void import_close(struct import *im)
{
	if (!im)
		return;
	gguf_close(&im->gguf);
	for (size_t i = 0; i < im->n_shards; i++)
		st_close(&im->shards[i]);
	free(im->shards);
	free(im->params);
	vocab_release(&im->vocab);
	free(im->path);
	free(im);
}

const struct model_config *import_config(const struct import *im)
{
	return &im->config;
}

const struct vocab *import_vocab(const struct import *im)
{
	return &im->vocab;
}

int import_vocab_open(const char *path, struct vocab *out, struct err *e)
{
	int dir = is_dir(path, e), rc;
	struct gguf g;

	if (dir < 0)
		return -1;
	if (dir) {
		rc = hf_vocab(path, 0, out, e);
	} else if (str_ends(path, ".json")) {
		rc = hf_vocab_file(path, out, e);
	} else {
		if (gguf_open(path, &g, e))
			return -1;
		rc = gguf_vocab(&g, out, e);
		gguf_close(&g);
	}
	if (!rc && runs(out, path, e)) {
		vocab_release(out);
		rc = -1;
	}
	return rc;
}

/* ---- tensors ---- */

/* The file's row that holds row r: within a head of s rows, i and i + s/2 are adjacent in the
 * file. */
static uint64_t file_row(const struct source *s, uint64_t r, uint64_t size)
{
	uint64_t head = r / size, k = r % size;

	if (!s->interleaved)
		return r;
	return head * size + (k < size / 2 ? 2 * k : 2 * (k - size / 2) + 1);
}

static int read_row(const struct import *im, const struct source *s, const struct param *p,
                    uint64_t row, uint64_t width, uint16_t *dst, struct err *e)
{
	size_t values = 1, bytes = 1;
	uint64_t from = file_row(s, row, im->config.head_size);
	const unsigned char *src;
	float x[CHUNK];

	if (quant_block(s->type, &values, &bytes))
		return err_set(e, "%s: tensor %s: type %u is not supported", im->path, p->name, s->type);
	src = s->data + from * (width / values * bytes);
	for (uint64_t i = 0; i < width; i += CHUNK) {
		size_t n = width - i < CHUNK ? width - i : CHUNK;

		quant_read(s->type, src + i / values * bytes, n / values, x);
		for (size_t k = 0; k < n; k++) {
			uint16_t b = bf16_of(s->add != 0 ? x[k] + s->add : x[k]);

			if ((b & 0x7f80) == 0x7f80)
				return err_set(e, "%s: tensor %s: value %llu (%g) is not finite in bf16", im->path,
				               p->name, (unsigned long long)(from * width + i + k), (double)x[k]);
			dst[i + k] = b;
		}
	}
	return 0;
}

int import_param(struct import *im, size_t i, uint16_t *dst, struct err *e)
{
	const struct source *s = &im->params[i];
	struct param p;
	uint64_t rows, width;

	model_param(&im->config, i, &p);
	/* A vector is one row, unless its elements must be reordered. */
	rows = p.rank == 1 && !s->interleaved ? 1 : p.rows;
	width = p.rank == 1 && !s->interleaved ? p.rows : p.cols;
	for (uint64_t r = 0; r < rows; r++)
		if (read_row(im, s, &p, r, width, dst + r * width, e))
			return -1;
	return 0;
}

/* ---- GGUF ---- */

static int place_gguf(struct import *im, size_t i, unsigned char *used, struct err *e)
{
	const struct gguf *g = &im->gguf;
	const struct gguf_tensor *t;
	struct param p;

	model_param(&im->config, i, &p);
	t = gguf_tensor(g, p.name);
	if (!t)
		return err_set(e, "%s: tensor %s is missing", im->path, p.name);
	if (t->ne[0] != (p.rank == 1 ? p.rows : p.cols) || t->ne[1] != (p.rank == 1 ? 1 : p.rows) ||
	    t->ne[2] != 1 || t->ne[3] != 1)
		return err_set(e, "%s: tensor %s: shape is %llu x %llu x %llu x %llu, expected %llu x %llu",
		               im->path, p.name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1],
		               (unsigned long long)t->ne[2], (unsigned long long)t->ne[3],
		               (unsigned long long)(p.rank == 1 ? p.rows : p.cols),
		               (unsigned long long)(p.rank == 1 ? 1 : p.rows));
	used[t - g->tensors] = 1;
	im->params[i] = (struct source){
		.data = g->map.p + t->at, .type = t->type,
		/* the file stores 1 + w */
		.add = model_norm_plus_one(im->config.arch, &p) ? -1 : 0,
		.interleaved = arch_has(im->config.arch, GGUF_PAIRS) && p.role == ROLE_MATRIX &&
		               (p.kind == W_Q || p.kind == W_K),
	};
	return 0;
}

int open_gguf(struct import *im, struct map m, struct err *e)
{
	struct gguf *g = &im->gguf;
	const struct gguf_tensor *t;
	unsigned char *used;
	size_t n;
	int rc = -1;

	if (gguf_read(m, g, e) || gguf_config(g, &im->config, e) || gguf_vocab(g, &im->vocab, e))
		return -1;
	n = model_params(&im->config);
	/* allocate no more than the file has tensors, however many layers it claims */
	im->params = xcalloc(g->n_tensors < n ? g->n_tensors + 1 : n, sizeof *im->params);
	used = xcalloc(g->n_tensors + 1, 1);
	t = gguf_tensor(g, "rope_freqs.weight");
	if (t)
		used[t - g->tensors] = 1;
	for (size_t i = 0; i < n; i++)
		if (place_gguf(im, i, used, e))
			goto out;
	for (size_t i = 0; i < g->n_tensors; i++)
		if (!used[i]) {
			err_set(e, "%s: tensor %s: not part of a model of architecture %s", im->path,
			        label(g->tensors[i].name, g->tensors[i].len).s, g->arch);
			goto out;
		}
	rc = 0;
out:
	free(used);
	return rc;
}
