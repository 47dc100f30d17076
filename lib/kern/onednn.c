/* SPDX-License-Identifier: MIT */
/*
 * GEMM through oneDNN, where that keeps the room's promise. Our panels are its layout BA16a64b2a when
 * the inputs come in thirty-twos. A shape is trusted if the implementation is one of the brgemm family
 * and a test on the first call's weights shows that rows' bits depend neither on how many there are nor on
 * threads; below AMX they must moreover be our own kernel's bits. The last so that a shape which is trusted on
 * one machine only changes nothing; AMX adds pairs in another order, so with it all of
 * a trusted shape's calls come here, however few the rows.
 *
 * Nothing of the library is initialised before the first GEMM of some size.
 */
#include "kern/levels.h"

#include <dnnl.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* A primitive for one shape, and its arguments, whose addresses change call by call. */
struct op {
	size_t m, n, k, lda, ldc;
	int add, threads;
	const char *impl;                    /* lives as long as desc */
	dnnl_primitive_desc_t desc;
	dnnl_primitive_t run;
	dnnl_memory_t src, weights, dst;
};

/* WORTH: weights from which on the test (some tens of primitives compiled) is made good by what follows. */
enum { OPS = 512, SHAPES = 64, WORTH = 1 << 18 };

static struct {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	int state;                           /* 0: not tried, 1: there, -1: cannot be had */
	struct op ops[OPS];                  /* by hash; emptied when full */
	size_t n_ops;
	struct { size_t n, k; const struct kern *level; int trusted; } shapes[SHAPES];
	size_t n_shapes;
	int any_impl;                        /* tests: trust others than brgemm */
} dnn;

static int start(void)
{
	if (!dnn.state) {
		dnn.state = -1;
		/* A level that was asked for below what the machine has binds oneDNN, too. */
		if (strcmp(kern->isa, "amx"))
			dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core_bf16);
		if (!dnnl_engine_create(&dnn.engine, dnnl_cpu, 0) &&
		    !dnnl_stream_create(&dnn.stream, dnn.engine, dnnl_stream_default_flags))
			dnn.state = 1;
	}
	return dnn.state;
}

static void op_release(struct op *o)
{
	dnnl_memory_destroy(o->src);
	dnnl_memory_destroy(o->weights);
	dnnl_memory_destroy(o->dst);
	dnnl_primitive_destroy(o->run);
	dnnl_primitive_desc_destroy(o->desc);
	memset(o, 0, sizeof *o);
}

static int describe(struct op *o)
{
	dnnl_dim_t m = (dnnl_dim_t)o->m, n = (dnnl_dim_t)o->n, k = (dnnl_dim_t)o->k;
	dnnl_dim_t lda = (dnnl_dim_t)o->lda, ldc = (dnnl_dim_t)o->ldc;
	dnnl_memory_desc_t src, weights, dst;
	dnnl_primitive_attr_t attr = NULL;
	dnnl_post_ops_t post = NULL;
	dnnl_matmul_desc_t d;
	int bad;

	bad = dnnl_memory_desc_init_by_strides(&src, 2, (dnnl_dims_t){m, k}, dnnl_bf16, (dnnl_dims_t){lda, 1}) ||
	      dnnl_memory_desc_init_by_tag(&weights, 2, (dnnl_dims_t){k, n}, dnnl_bf16, dnnl_BA16a64b2a) ||
	      dnnl_memory_desc_init_by_strides(&dst, 2, (dnnl_dims_t){m, n}, dnnl_f32, (dnnl_dims_t){ldc, 1}) ||
	      dnnl_matmul_desc_init(&d, &src, &weights, NULL, &dst) ||
	      dnnl_primitive_attr_create(&attr) || dnnl_post_ops_create(&post) ||
	      (o->add && dnnl_post_ops_append_sum(post, 1)) || dnnl_primitive_attr_set_post_ops(attr, post) ||
	      dnnl_primitive_desc_create(&o->desc, &d, attr, dnn.engine, NULL) ||
	      dnnl_primitive_desc_query(o->desc, dnnl_query_impl_info_str, 0, (void *)&o->impl) ||
	      dnnl_primitive_create(&o->run, o->desc) ||
	      dnnl_memory_create(&o->src, &src, dnn.engine, DNNL_MEMORY_NONE) ||
	      dnnl_memory_create(&o->weights, &weights, dnn.engine, DNNL_MEMORY_NONE) ||
	      dnnl_memory_create(&o->dst, &dst, dnn.engine, DNNL_MEMORY_NONE);
	dnnl_post_ops_destroy(post);
	dnnl_primitive_attr_destroy(attr);
	if (bad)
		op_release(o);
	return bad ? -1 : 0;
}

/* The primitive for this shape, made if need be; NULL if there is none. */
static struct op *op_for(size_t m, size_t n, size_t k, size_t lda, size_t ldc, int add)
{
	size_t key[] = {m, n, k, lda, ldc, (size_t)add, (size_t)omp_get_max_threads()};
	size_t at = hash_bytes(key, sizeof key) % OPS;
	struct op *o;

	for (; dnn.ops[at].run; at = (at + 1) % OPS) {
		o = &dnn.ops[at];
		if (o->m == m && o->n == n && o->k == k && o->lda == lda && o->ldc == ldc && o->add == add &&
		    o->threads == omp_get_max_threads())
			return o;
	}
	if (dnn.n_ops == OPS / 2) {
		for (size_t i = 0; i < OPS; i++)
			if (dnn.ops[i].run)
				op_release(&dnn.ops[i]);
		dnn.n_ops = 0;
	}
	o = &dnn.ops[at];
	*o = (struct op){.m = m, .n = n, .k = k, .lda = lda, .ldc = ldc, .add = add, .threads = omp_get_max_threads()};
	if (describe(o))
		return NULL;
	dnn.n_ops++;
	return o;
}

int onednn_gemm(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	dnnl_exec_arg_t args[3];
	struct op *o;

	if (w->k % 32 || !m || !w->n || start() < 0)
		return -1;
	o = op_for(m, w->n, w->k, lda, ldc, add);
	if (!o || dnnl_memory_set_data_handle(o->src, (void *)(uintptr_t)a) ||
	    dnnl_memory_set_data_handle(o->weights, w->p) || dnnl_memory_set_data_handle(o->dst, c))
		return -1;
	args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, o->src};
	args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, o->weights};
	args[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, o->dst};
	return dnnl_primitive_execute(o->run, dnn.stream, 3, args) || dnnl_stream_wait(dnn.stream) ? -1 : 0;
}

const char *onednn_impl(const struct packed *w, size_t m)
{
	struct op *o = w->k % 32 || !m || !w->n || start() < 0 ? NULL : op_for(m, w->n, w->k, w->k, w->n, 0);

	return o ? o->impl : NULL;
}

/* Rows that the test multiplies: bf16 values of many exponents, both signs. */
static void test_rows(act *a, size_t n)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		a[i] = act_of((float)(int32_t)x * (x >> 3 & 1 ? 0x1p-31f : 0x1p-34f));
	}
}

/* m rows from row i on; c starts as start does. Are they want's rows? */
static int rows_match(gemm_fn *f, const struct packed *w, const act *a, float *c, const float *start, const float *want,
                      size_t i, size_t m, int add)
{
	size_t bytes = m * w->n * sizeof *c;

	memcpy(c, start + i * w->n, bytes);
	return !f(c, w->n, a + i * w->k, w->k, w, m, add) && !memcmp(c, want + i * w->n, bytes);
}

int gemm_invariant(gemm_fn *f, gemm_fn *truth, const struct packed *w)
{
	static const struct { size_t i, m; } parts[] = {{0, 1}, {5, 1}, {60, 1}, {3, 2}, {30, 7}, {9, 32}, {0, 61}};
	enum { M = 61 };
	size_t n = M * w->n;
	act *a = xaligned(M * w->k * sizeof *a);
	float *want = xaligned(n * sizeof *want), *c = xaligned(n * sizeof *c), *start = xaligned(n * sizeof *start);
	int all = omp_get_max_threads(), same = 1;

	test_rows(a, M * w->k);
	for (size_t i = 0; i < n; i++)
		start[i] = (float)(i % 1021) * 0x1.8p-6f - 12;
	for (int add = 0; same && add < 2; add++) {
		int teams[] = {1, all};

		memcpy(want, start, n * sizeof *want);
		omp_set_num_threads(1);
		same = !(truth ? truth : f)(want, w->n, a, w->k, w, M, add);
		for (size_t t = 0; same && t < (all > 1 ? LEN(teams) : 1); t++) {
			omp_set_num_threads(teams[t]);
			for (size_t p = 0; same && p < LEN(parts); p++)
				same = rows_match(f, w, a, c, start, want, parts[p].i, parts[p].m, add);
		}
		omp_set_num_threads(all);
	}
	free(a), free(want), free(c), free(start);
	return same;
}

static int own(float *c, size_t ldc, const act *a, size_t lda, const struct packed *w, size_t m, int add)
{
	struct product j = {.c = c, .a = a, .w = w->p, .m = m, .n = w->n, .k = w->k, .ldc = ldc, .lda = lda, .add = add};

	product_alone(kern, &j);
	return 0;
}

int onednn_trusted(const struct packed *w)
{
	int amx = !strcmp(kern->isa, "amx");
	const char *impl;
	size_t i;

	if (!dnn.any_impl && (w->n * w->k < WORTH || (!amx && strcmp(kern->isa, "avx512bf16"))))
		return 0;
	for (i = 0; i < dnn.n_shapes; i++)
		if (dnn.shapes[i].n == w->n && dnn.shapes[i].k == w->k && dnn.shapes[i].level == kern)
			return dnn.shapes[i].trusted;
	if (i == SHAPES)
		return 0;
	impl = onednn_impl(w, 32);
	dnn.shapes[i].n = w->n;
	dnn.shapes[i].k = w->k;
	dnn.shapes[i].level = kern;
	dnn.shapes[i].trusted = impl && (dnn.any_impl || strstr(impl, "brgemm")) &&
	                        gemm_invariant(onednn_gemm, amx || dnn.any_impl ? NULL : own, w);
	dnn.n_shapes++;
	return dnn.shapes[i].trusted;
}

void onednn_any(int yes)
{
	dnn.any_impl = yes;
	dnn.n_shapes = 0;
}
