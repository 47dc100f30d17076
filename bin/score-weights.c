/* SPDX-License-Identifier: MIT */
/*
 * score-weights: stores of weights from the outside: made, filled from a model file, written
 * out as one, looked at, compared, tagged, cleaned and checked.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/import.h"
#include "jsonl/jsonl.h"
#include "policy/policy.h"

static const char usage[] = "score-weights [-w DIR] VERB [options] [operands]";
static const char about[] =
	"Verbs: init CONFIG.json | import PATH | export PATH | ls | show | diff A B |\n"
	"       tag NAME | tag -d NAME | gc | fsck | metrics";

struct args {
	const char *dir, *snapshot, **operand;
	uint64_t seed;
	int keep, del, tensors, progress;
	uint64_t from, to;
};

/* What a verb says is kept until its store is closed: whoever makes the output wait (a pager)
 * must pin no snapshot, of which later steps could not use the room, and hold no lock. */
static struct buf said;

static int say(struct js o, struct err *e)
{
	int rc = js_print(o, &said, e);

	if (!rc)
		buf_addc(&said, '\n');
	return rc;
}

static int print_said(struct err *e)
{
	errno = 0;
	if (said.len && (fwrite(said.data, 1, said.len, stdout) != said.len || fflush(stdout)))
		return err_set(e, "<stdout>: %s", errno ? strerror(errno) : "cannot write");
	buf_release(&said);
	return 0;
}

/* ---- making a store ---- */

/* The snapshot's description. source may be NULL. */
static int describe(const char *objective, const char *source, struct buf *out, struct err *e)
{
	struct js meta = js_object();
	const char *name = source ? strrchr(source, '/') : NULL;
	int rc;

	js_set(&meta, "objective", js_str(objective));
	if (source)
		js_set(&meta, "source", js_str(name && name[1] ? name + 1 : source));
	js_set(&meta, "version", js_str(SCORE_VERSION));
	rc = js_print(meta, out, e);
	js_free(meta);
	return rc;
}

static int show(struct store *s, const char *ref, int tensors, struct err *e);

/* Makes the store, or leaves things as they were. */
static int make(const struct args *a, const struct model_config *c, const struct vocab *v,
                const char *objective, const char *source, policy_fill_fn fill, void *ctx,
                struct err *e)
{
	struct buf meta = {0};
	struct store *s = NULL;
	int rc = describe(objective, source, &meta, e);

	if (!rc)
		rc = store_open(a->dir, STORE_CREATE, &s, e);
	if (!rc)
		rc = policy_first(s, c, v, a->seed, meta.data, fill, ctx, e);
	buf_release(&meta);
	if (rc && s)
		store_discard(s);
	if (rc)
		return -1;
	rc = show(s, NULL, 0, e);
	store_close(s);
	return rc;
}

static int do_init(const struct args *a, struct err *e)
{
	struct model_config c;
	struct policy_random random;
	struct vocab v;
	int rc;

	if (policy_config_read(a->operand[0], &c, e) || dev_init(DEVICE_CPU, 0, e))
		return -1;
	random = (struct policy_random){a->seed, c.layers, c.arch};
	vocab_init(&v);
	vocab_bytes(&v);
	while (v.n < c.vocab) {          /* named as importers name an id without a token */
		char name[32];
		int n = snprintf(name, sizeof name, "[PAD%zu]", v.n);

		vocab_add(&v, name, (size_t)n, TOK_UNUSED, 0);
	}
	rc = make(a, &c, &v, "init", NULL, policy_random, &random, e);
	vocab_release(&v);
	return rc;
}

struct importing {
	struct import *im;
	struct progress progress;
};

static int from_file(void *ctx, size_t i, const struct param *p, bf16 *dst, struct err *e)
{
	struct importing *g = ctx;
	int rc = import_param(g->im, i, dst, e);

	progress_add(&g->progress, 2e-6 * (double)p->rows * (double)p->cols);
	return rc;
}

/* A chat model that is asked in plain text answers badly: not without a word. */
static void tell_chat(const struct vocab *v)
{
	if (v->chat_template && !strcmp(v->chat, "plain"))
		warn("the model's chat template is none of chatml, llama3 and gemma: prompts will be plain "
		     "text, unless score-sample --chat gives a format");
}

static int do_import(const struct args *a, struct err *e)
{
	struct importing g = {0};
	int rc;

	if (import_open(a->operand[0], &g.im, e))
		return -1;
	progress_start(&g.progress, "import", "MB", 2e-6 * (double)model_size(import_config(g.im)),
	               a->progress);
	rc = make(a, import_config(g.im), import_vocab(g.im), "import", a->operand[0], from_file, &g,
	          e);
	progress_end(&g.progress);
	if (!rc)
		tell_chat(import_vocab(g.im));
	import_close(g.im);
	return rc;
}

/* ---- writing one out ---- */

static int do_export(const struct args *a, struct err *e)
{
	const char *path = a->operand[0];
	struct js o = js_object();
	struct model_config c, plain;
	struct policy_merge merge = {.config = &c};
	struct store *s;
	struct snap *p = NULL;
	struct vocab v;
	int rc;

	if (store_open(a->dir, STORE_READ, &s, e))
		return -1;
	rc = policy_docs(s, &c, &v, e) || snap_open(s, a->snapshot, &p, e) ? -1 : 0;
	if (!rc && c.lora_rank)
		rc = dev_init(DEVICE_CPU, 0, e);
	plain = c;
	plain.lora_rank = 0;
	merge.snap = p;
	if (!rc && str_ends(path, ".gguf"))
		rc = export_gguf(path, &plain, &v, policy_merged, &merge, e);
	else if (!rc)
		rc = export_hf(path, &plain, &v, policy_merged, &merge, e);
	if (!rc) {
		js_set(&o, "step", js_num((double)snap_step(p)));
		js_set(&o, "path", js_str(path));
		rc = say(o, e);
	}
	free(merge.buffer);
	js_free(o);
	snap_close(p);
	vocab_release(&v);
	store_close(s);
	return rc;
}

/* ---- looking ---- */

static int do_ls(const struct args *a, struct err *e)
{
	struct snap_info *list = NULL;
	struct store *s;
	size_t n = 0;
	int rc;

	if (store_open(a->dir, STORE_READ, &s, e))
		return -1;
	rc = store_list(s, &list, &n, e);
	for (size_t i = 0; i < n && !rc; i++) {
		struct js o = js_none();

		rc = policy_info_js(&list[i], &o, e);
		if (!rc)
			rc = say(o, e);
		js_free(o);
	}
	snap_list_free(list, n);
	store_close(s);
	return rc;
}

/* With tensors, a line for each of them first. */
static int show(struct store *s, const char *ref, int tensors, struct err *e)
{
	struct js o = js_none();
	struct snap *p = NULL;
	int rc = tensors ? snap_open(s, ref, &p, e) : 0;

	for (size_t i = 0; p && i < snap_count(p) && !rc; i++) {
		struct tensor t;
		struct js line = js_none();

		rc = snap_at(p, i, &t, e);
		if (!rc) {
			line = policy_tensor_js(&t);
			rc = say(line, e);
		}
		js_free(line);
	}
	snap_close(p);
	if (!rc)
		rc = policy_snapshot_js(s, ref, &o, e);
	if (!rc)
		rc = say(o, e);
	js_free(o);
	return rc;
}

static int do_show(const struct args *a, struct err *e)
{
	struct store *s;
	int rc;

	if (store_open(a->dir, STORE_READ, &s, e))
		return -1;
	rc = show(s, a->snapshot, a->tensors, e);
	store_close(s);
	return rc;
}

/* ---- comparing ---- */

/* diff takes directories of stores (then -s names the snapshot) and snapshots of -w. */
static int is_store(const char *path)
{
	struct buf file = {0};
	int there;

	buf_addf(&file, "%s/data.mdb", path);
	there = !access(file.data, F_OK);
	buf_release(&file);
	return there;
}

static int same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

struct tally {
	uint64_t tensors, changed, values, differing;
	double max_abs;
	struct err *e;
};

static int diff_line(const struct tensor_diff *d, void *data)
{
	struct tally *t = data;
	struct js o;
	int rc;

	t->tensors++;
	t->values += d->values;
	if (d->kind == DIFF_SAME)
		return 0;
	t->changed++;
	t->differing += d->differing;
	t->max_abs = d->max_abs > t->max_abs ? d->max_abs : t->max_abs;
	o = policy_diff_js(d);
	rc = say(o, t->e);
	js_free(o);
	return rc;
}

static int diff_sides(struct snap *a, struct snap *b, struct err *e)
{
	struct tally t = {.e = e};
	struct js o;
	int rc;

	if (snap_diff(a, b, diff_line, &t, e))
		return -1;
	o = js_object();
	js_set(&o, "a", js_num((double)snap_step(a)));
	js_set(&o, "b", js_num((double)snap_step(b)));
	js_set(&o, "tensors", js_num((double)t.tensors));
	js_set(&o, "changed", js_num((double)t.changed));
	js_set(&o, "values", js_num((double)t.values));
	js_set(&o, "differing", js_num((double)t.differing));
	js_set(&o, "max_abs", isfinite(t.max_abs) ? js_num(t.max_abs) : js_null());
	rc = say(o, e);
	js_free(o);
	return rc;
}

static int do_diff(const struct args *a, struct err *e)
{
	struct store *open[2] = {NULL, NULL};
	struct snap *snap[2] = {NULL, NULL};
	const char *dirs[2];
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++) {
		int own = is_store(a->operand[i]);

		dirs[i] = own ? a->operand[i] : a->dir;
		if (!dirs[i])
			rc = err_set(e, "%s: no store there, and no -w whose snapshot it could be",
			             a->operand[i]);
		/* LMDB wants a store to be open once */
		else if (i && same_file(dirs[0], dirs[1]))
			open[1] = open[0];
		else
			rc = store_open(dirs[i], STORE_READ, &open[i], e);
		if (!rc)
			rc = snap_open(open[i], own ? a->snapshot : a->operand[i], &snap[i], e);
	}
	if (!rc)
		rc = diff_sides(snap[0], snap[1], e);
	snap_close(snap[0]);
	snap_close(snap[1]);
	store_close(open[0]);
	if (open[1] != open[0])
		store_close(open[1]);
	return rc;
}

/* ---- care ---- */

static int do_tag(const struct args *a, struct err *e)
{
	struct js o = js_object();
	struct store *s;
	struct snap *p = NULL;
	int rc = store_open(a->dir, STORE_WRITE, &s, e);

	if (!rc)
		rc = store_tag(s, a->operand[0], a->del ? NULL : a->snapshot ? a->snapshot : "latest", e);
	js_set(&o, "tag", js_str(a->operand[0]));
	js_set(&o, "step", js_null());
	if (!rc && !a->del && !(rc = snap_open(s, a->operand[0], &p, e)))
		js_set(&o, "step", js_num((double)snap_step(p)));
	snap_close(p);
	if (!rc)
		rc = say(o, e);
	js_free(o);
	store_close(s);
	return rc;
}

static int do_gc(const struct args *a, struct err *e)
{
	struct js o = js_object();
	struct snap_info *list = NULL;
	struct store *s;
	uint64_t freed = 0;
	size_t before = 0, after = 0;
	int rc = store_open(a->dir, STORE_WRITE, &s, e);

	if (!rc && !(rc = store_list(s, &list, &before, e)))
		snap_list_free(list, before);
	if (!rc)
		rc = store_gc(s, a->keep, &freed, e);
	if (!rc && !(rc = store_list(s, &list, &after, e)))
		snap_list_free(list, after);
	js_set(&o, "removed", js_num((double)(before - after)));
	js_set(&o, "snapshots", js_num((double)after));
	js_set(&o, "freed", js_num((double)freed));
	if (!rc)
		rc = say(o, e);
	js_free(o);
	store_close(s);
	return rc;
}

static void write_fault(const char *msg, void *data)
{
	struct js o = js_object();
	struct err e;

	(void)data;
	js_set(&o, "fault", js_str(msg));
	if (say(o, &e))
		die(EXIT_ERROR, "%s", e.msg);
	js_free(o);
}

static int do_fsck(const struct args *a, struct err *e)
{
	struct js o = js_object();
	int faults = store_check(a->dir, write_fault, NULL, e), rc = faults < 0 ? -1 : 0;

	js_set(&o, "faults", js_num(faults));
	if (!rc)
		rc = say(o, e);
	js_free(o);
	if (!rc && faults)
		rc = err_set(e, "%s: %d fault%s", a->dir, faults, faults == 1 ? "" : "s");
	return rc;
}

static int metrics_row(const char *json, void *data)
{
	struct js o;
	int rc = js_parse(json, strlen(json), &o, data);

	if (!rc) {
		rc = say(o, data);
		js_free(o);
	}
	return rc;
}

static int do_metrics(const struct args *a, struct err *e)
{
	struct store *s;
	struct err row = {""};
	int rc;

	if (store_open(a->dir, STORE_READ, &s, e))
		return -1;
	rc = store_metrics(s, (int64_t)a->from, (int64_t)a->to, metrics_row, &row, e);
	if (!rc && row.msg[0])
		rc = err_set(e, "%s", row.msg);
	store_close(s);
	return rc;
}

/* ---- main ---- */

static const struct verb {
	const char *name;
	int operands, store;         /* store: -w is needed */
	int (*run)(const struct args *a, struct err *e);
} verbs[] = {
	{"init", 1, 1, do_init}, {"import", 1, 1, do_import}, {"export", 1, 1, do_export},
	{"ls", 0, 1, do_ls},
	{"show", 0, 1, do_show}, {"diff", 2, 0, do_diff}, {"tag", 1, 1, do_tag}, {"gc", 0, 1, do_gc},
	{"fsck", 0, 1, do_fsck}, {"metrics", 0, 1, do_metrics},
};

static const struct verb *verb_by_name(const char *name)
{
	for (size_t i = 0; i < LEN(verbs); i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	opt_usage(usage, "unknown verb '%s'", name);
}

int main(int argc, char **argv)
{
	struct args a = {.dir = getenv("SCORE_WEIGHTS"), .to = INT64_MAX};
	const struct verb *verb;
	struct err e, late;
	int at, rc;
	const struct opt table[] = {
		OPT_WEIGHTS(&a.dir),
		OPT_SNAPSHOT(&a.snapshot),
		{"seed", 0, OPT_U64, &a.seed, "N", "init: seed of the random weights (default 0)", 0,
		 0, NULL},
		{"tensors", 0, OPT_FLAG, &a.tensors, NULL, "show: also a line per tensor", 0, 0, NULL},
		{"delete", 'd', OPT_FLAG, &a.del, NULL, "tag: remove it", 0, 0, NULL},
		{"keep", 0, OPT_INT, &a.keep, "K",
		 "gc: keep the last K snapshots, and tagged ones (default all)", 1, 1000000000, NULL},
		{"from", 0, OPT_U64, &a.from, "STEP", "metrics: from this step", 0, 9e15, NULL},
		{"to", 0, OPT_U64, &a.to, "STEP", "metrics: up to this step", 0, 9e15, NULL},
		OPT_PROGRESS(&a.progress),
		{0},
	};

	prog_init(argv[0]);
	at = opt_parse(argc, argv, table, usage, about);
	if (at == argc)
		opt_usage(usage, "wants a verb");
	verb = verb_by_name(argv[at++]);
	if (argc - at != verb->operands)
		opt_usage(usage, "%s wants %d operand%s, got %d", verb->name, verb->operands,
		          verb->operands == 1 ? "" : "s", argc - at);
	if (verb->store)
		a.dir = opt_store(a.dir, usage);
	a.operand = (const char **)argv + at;
	rc = verb->run(&a, &e);
	if (print_said(&late) && !rc) {
		e = late;
		rc = -1;
	}
	return jl_exit(rc, &e);
}
