/* SPDX-License-Identifier: MIT */
/*
 * CUDA's language for a host compiler: a launch runs its blocks one after another, in an order
 * shuffled by SCORE_SHIM_SEED, and a block's threads in turns, warps shuffled likewise; a thread
 * goes on until it ends or waits for others (a barrier, a shuffle). Ends the program, naming the
 * kernel, if a barrier or a shuffle is not reached by all threads that it waits for. Static shared
 * memory only. For tests.
 */
#ifndef CUDA_SHIM_H
#define CUDA_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

#define __global__
#define __device__
#define __shared__ static thread_local

struct shim_index { unsigned x; };
extern thread_local shim_index threadIdx, blockIdx, blockDim, gridDim;

void shim_launch(const char *kernel, size_t grid, size_t block, const std::function<void()> &f);
void __syncthreads(void);
void __syncwarp(void);
/* The eight bytes that another lane of the warp gave to the same call. */
uint64_t shim_exchange(uint64_t mine, unsigned lane);

template <class T> static inline T __shfl_sync(unsigned mask, T x, int lane)
{
	uint64_t mine = 0;
	T out;

	(void)mask;
	memcpy(&mine, &x, sizeof x);
	mine = shim_exchange(mine, (unsigned)lane % 32);
	memcpy(&out, &mine, sizeof out);
	return out;
}

template <class T> static inline T __shfl_xor_sync(unsigned mask, T x, int with)
{
	return __shfl_sync(mask, x, (int)(threadIdx.x % 32) ^ with);
}

#define LAUNCH(kernel, grid, block, ...) \
	shim_launch(#kernel, grid, block, [&] { kernel(__VA_ARGS__); })

#endif
