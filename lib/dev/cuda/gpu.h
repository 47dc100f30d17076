/* SPDX-License-Identifier: MIT */
/* What the .cu files have in common: the language (CUDA's, or shim/shim.h's on the CPU), launches,
 * bf16, and sums in a fixed order. */
#ifndef CUDA_GPU_H
#define CUDA_GPU_H

#include <math.h>

#include "dev/cuda/device.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>
extern cudaStream_t gpu_stream;
void gpu_launched(const char *kernel);       /* ends the program if it could not be launched */
#define LAUNCH(kernel, grid, block, ...) \
	do { \
		kernel<<<(unsigned)(grid), (unsigned)(block), 0, gpu_stream>>>(__VA_ARGS__); \
		gpu_launched(#kernel); \
	} while (0)
#else
#include "dev/cuda/shim/shim.h"
#endif

enum { WARP = 32, BLOCK = 256 };

static __device__ inline float wide(uint16_t a)
{
	union { uint32_t u; float f; } v = {(uint32_t)a << 16};

	return v.f;
}

/* As act_of: to nearest even; NaN stays a quiet NaN. */
static __device__ inline uint16_t narrow(float x)
{
	union { float f; uint32_t u; } v = {x};

	if ((v.u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(v.u >> 16 | 0x40);
	return (uint16_t)((v.u + 0x7fff + (v.u >> 16 & 1)) >> 16);
}

static __device__ inline size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Every lane gets the same bits, since a + b is b + a. */
template <class T> static __device__ inline T warp_sum(T x)
{
	for (int step = WARP / 2; step; step /= 2)
		x += __shfl_xor_sync(~0u, x, step);
	return x;
}

static __device__ inline float warp_max(float x)
{
	for (int step = WARP / 2; step; step /= 2)
		x = fmaxf(x, __shfl_xor_sync(~0u, x, step));
	return x;
}

/* Of a block of BLOCK threads: warps, then their sums in order. */
template <class T> static __device__ inline T block_sum(T x)
{
	__shared__ T part[BLOCK / WARP];
	T sum = 0;

	x = warp_sum(x);
	if (threadIdx.x % WARP == 0)
		part[threadIdx.x / WARP] = x;
	__syncthreads();
	for (int i = 0; i < BLOCK / WARP; i++)
		sum += part[i];
	__syncthreads();
	return sum;
}

static __device__ inline float block_max(float x)
{
	__shared__ float part[BLOCK / WARP];

	x = warp_max(x);
	if (threadIdx.x % WARP == 0)
		part[threadIdx.x / WARP] = x;
	__syncthreads();
	for (int i = 0; i < BLOCK / WARP; i++)
		x = fmaxf(x, part[i]);
	__syncthreads();
	return x;
}

/* This thread's number of all; for kernels of one value a thread. */
static __device__ inline size_t thread_number(void)
{
	return (size_t)blockIdx.x * BLOCK + threadIdx.x;
}

static inline size_t blocks_of(size_t n, size_t each)
{
	return (n + each - 1) / each;
}

#endif
