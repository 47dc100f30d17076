/* SPDX-License-Identifier: MIT */
/* The machine: memory, copies and products on one stream, by the CUDA runtime and cuBLASLt. */
#include "dev/cuda/gpu.h"

#include <cublasLt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <map>
#include <mutex>
#include <tuple>

extern "C" {
#include "base/base.h"
}

enum { WORKSPACE = 32 << 20, AT_ROWS = 256 };

cudaStream_t gpu_stream;
static cublasLtHandle_t blas;
static void *workspace;

static void check(cudaError_t rc, const char *what)
{
	if (rc != cudaSuccess)
		die(EXIT_ERROR, "GPU: %s: %s", what, cudaGetErrorString(rc));
}

static void check_blas(cublasStatus_t rc, const char *what)
{
	if (rc != CUBLAS_STATUS_SUCCESS)
		die(EXIT_ERROR, "GPU: %s: %s", what, cublasLtGetStatusString(rc));
}

void gpu_launched(const char *kernel)
{
	check(cudaGetLastError(), kernel);
}

/* ---- memory ---- */

void *device_alloc(size_t bytes)
{
	size_t left = 0, all = 0;
	void *p = NULL;
	cudaError_t rc = cudaMallocAsync(&p, bytes, gpu_stream);

	if (rc == cudaErrorMemoryAllocation) {
		cudaMemGetInfo(&left, &all);
		device_full(bytes, left, all);
	}
	check(rc, "memory");
	return p;
}

void device_free(void *p)
{
	check(cudaFreeAsync(p, gpu_stream), "memory");
}

void device_zero(void *p, size_t bytes)
{
	check(cudaMemsetAsync(p, 0, bytes, gpu_stream), "memory");
}

void device_copy(void *to, const void *from, size_t bytes)
{
	check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, gpu_stream), "copy");
}

/* The host's memory is pageable, so the runtime has read it when it returns. */
void device_send(void *to, const void *host, size_t bytes)
{
	check(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, gpu_stream), "to the device");
}

void device_fetch(void *host, const void *from, size_t bytes)
{
	check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, gpu_stream),
	      "from the device");
	check(cudaStreamSynchronize(gpu_stream), "an operation");
}

/* ---- products ---- */

/* What an algorithm is chosen by, once: everything but the number of rows. */
typedef std::tuple<size_t, size_t, size_t, size_t, size_t, int, int> shape;
static std::map<shape, cublasLtMatmulAlgo_t> chosen;
static std::mutex choosing;

struct layouts {
	cublasLtMatmulDesc_t product;
	cublasLtMatrixLayout_t a, b, c;
};

/* cuBLASLt's matrices run down columns, so it is asked for the transpose: C' = B' A'. */
static layouts layouts_of(size_t ldc, size_t lda, int a_by_k, size_t ldb, int b_by_k, size_t m,
                          size_t n, size_t k)
{
	cublasOperation_t first = b_by_k ? CUBLAS_OP_N : CUBLAS_OP_T;
	cublasOperation_t second = a_by_k ? CUBLAS_OP_T : CUBLAS_OP_N;
	layouts l;

	check_blas(cublasLtMatmulDescCreate(&l.product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "product");
	check_blas(cublasLtMatmulDescSetAttribute(l.product, CUBLASLT_MATMUL_DESC_TRANSA, &first,
	                                          sizeof first), "product");
	check_blas(cublasLtMatmulDescSetAttribute(l.product, CUBLASLT_MATMUL_DESC_TRANSB, &second,
	                                          sizeof second), "product");
	check_blas(cublasLtMatrixLayoutCreate(&l.a, CUDA_R_16BF, b_by_k ? n : k, b_by_k ? k : n,
	                                      (int64_t)ldb), "product");
	check_blas(cublasLtMatrixLayoutCreate(&l.b, CUDA_R_16BF, a_by_k ? m : k, a_by_k ? k : m,
	                                      (int64_t)lda), "product");
	check_blas(cublasLtMatrixLayoutCreate(&l.c, CUDA_R_32F, n, m, (int64_t)ldc), "product");
	return l;
}

static void layouts_free(layouts *l)
{
	cublasLtMatmulDescDestroy(l->product);
	cublasLtMatrixLayoutDestroy(l->a);
	cublasLtMatrixLayoutDestroy(l->b);
	cublasLtMatrixLayoutDestroy(l->c);
}

/* Rows begin at multiples of their stride, whatever row a view begins with. */
static uint32_t alignment(size_t ld, size_t size)
{
	size_t bytes = ld * size;

	return (uint32_t)(bytes % 16 == 0 ? 16 : bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : 2);
}

/* The first that the library suggests for AT_ROWS rows, without a split sum. */
static cublasLtMatmulAlgo_t algorithm(size_t ldc, size_t lda, int a_by_k, size_t ldb, int b_by_k,
                                      size_t n, size_t k)
{
	uint32_t none = CUBLASLT_REDUCTION_SCHEME_NONE, of_c = alignment(ldc, 4);
	uint32_t of_a = alignment(ldb, 2), of_b = alignment(lda, 2);
	uint64_t bytes = WORKSPACE;
	cublasLtMatmulPreference_t want;
	cublasLtMatmulHeuristicResult_t found;
	layouts l = layouts_of(ldc, lda, a_by_k, ldb, b_by_k, AT_ROWS, n, k);
	int n_found = 0;
	const struct {
		cublasLtMatmulPreferenceAttributes_t name;
		const void *value;
		size_t size;
	} set[] = {
		{CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes},
		{CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &none, sizeof none},
		{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &of_a, sizeof of_a},
		{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &of_b, sizeof of_b},
		{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &of_c, sizeof of_c},
		{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &of_c, sizeof of_c},
	};

	check_blas(cublasLtMatmulPreferenceCreate(&want), "product");
	for (auto &s : set)
		check_blas(cublasLtMatmulPreferenceSetAttribute(want, s.name, s.value, s.size), "product");
	check_blas(cublasLtMatmulAlgoGetHeuristic(blas, l.product, l.a, l.b, l.c, l.c, want, 1, &found,
	                                          &n_found), "product");
	if (!n_found)
		die(EXIT_ERROR, "GPU: no product of %zu by %zu without a split sum", n, k);
	cublasLtMatmulPreferenceDestroy(want);
	layouts_free(&l);
	return found.algo;
}

void device_gemm(float *c, size_t ldc, float beta, const uint16_t *a, size_t lda, int a_by_k,
                 const uint16_t *b, size_t ldb, int b_by_k, size_t m, size_t n, size_t k)
{
	/* a_by_k: m is the model's, k counts rows: then the algorithm may depend on m, not on k */
	shape s(a_by_k ? m : 0, n, a_by_k ? 0 : k, lda, ldb * 2 + (size_t)b_by_k, (int)ldc, a_by_k);
	cublasLtMatmulAlgo_t algo;
	float alpha = 1;
	layouts l;

	if (!m || !n)
		return;
	{
		std::lock_guard<std::mutex> lock(choosing);
		auto it = chosen.find(s);

		if (it == chosen.end())
			it = chosen.emplace(s, algorithm(ldc, lda, a_by_k, ldb, b_by_k, n,
			                                 a_by_k ? (size_t)AT_ROWS : k)).first;
		algo = it->second;
	}
	l = layouts_of(ldc, lda, a_by_k, ldb, b_by_k, m, n, k);
	check_blas(cublasLtMatmul(blas, l.product, &alpha, b, l.a, a, l.b, &beta, c, l.c, c, l.c, &algo,
	                          workspace, WORKSPACE, gpu_stream), "product");
	layouts_free(&l);
}

/* ---- opening ---- */

/* Are rows of a product the same bits alone and among others? */
static bool keeps_promise(void)
{
	enum { M = 77, N = 192, K = 320 };
	static uint16_t host[(M + N) * K];
	static float all[M * N], one[N];
	uint16_t *in = (uint16_t *)device_alloc(sizeof host);
	float *out = (float *)device_alloc(sizeof all);
	bool same = true;

	for (size_t i = 0; i < (M + N) * K; i++)
		host[i] = (uint16_t)(0x3f00 + i * 2654435761u % 251 + (i % 3 ? 0x8000 : 0));
	device_send(in, host, sizeof host);
	device_gemm(out, N, 0, in, K, 0, in + M * K, K, 0, M, N, K);
	device_fetch(all, out, sizeof all);
	for (int i = 0; i < M; i += 19) {
		device_gemm(out, N, 0, in + i * K, K, 0, in + M * K, K, 0, 1, N, K);
		device_fetch(one, out, sizeof one);
		same = same && !memcmp(one, all + i * N, sizeof one);
	}
	device_free(in);
	device_free(out);
	return same;
}

static const char *trouble(const char *what, cudaError_t rc)
{
	static char text[256];

	snprintf(text, sizeof text, "%s: %s", what, cudaGetErrorString(rc));
	return text;
}

const char *device_open(const char **level)
{
	static char name[16];
	cudaDeviceProp p;
	cudaMemPool_t pool;
	uint64_t all = UINT64_MAX;
	int n = 0;
	cudaError_t rc = cudaGetDeviceCount(&n);

	if (rc != cudaSuccess || !n)
		return trouble("no GPU can be used", rc ? rc : cudaErrorNoDevice);
	if ((rc = cudaSetDevice(0)) || (rc = cudaGetDeviceProperties(&p, 0)) ||
	    (rc = cudaStreamCreateWithFlags(&gpu_stream, cudaStreamNonBlocking)) ||
	    (rc = cudaDeviceGetDefaultMemPool(&pool, 0)) ||
	    (rc = cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all)))
		return trouble("the GPU", rc);
	check_blas(cublasLtCreate(&blas), "cuBLASLt");
	workspace = device_alloc(WORKSPACE);
	snprintf(name, sizeof name, "sm_%d%d", p.major, p.minor);
	*level = name;
	if (!keeps_promise())
		warn("the GPU's products give a row other bits alone than among others: what is sampled "
		     "and what is trained on can differ in the last bits");
	return NULL;
}
