/* SPDX-License-Identifier: MIT */
/* Runs kernels on the CPU: each thread of a block is a context of its own. */
#include "dev/cuda/shim/shim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include <algorithm>
#include <random>
#include <vector>

namespace {

enum { LANES = 32, STACK = 64 << 10 };
enum state { RUNS, AT_BARRIER, AT_WARP, ENDED };

/* A context is entered once as such; from then on by jumps, which cost no system call. */
struct fiber {
	ucontext_t context;
	jmp_buf at;
	bool entered;
	std::vector<char> stack;
	state now;
	unsigned turn;               /* exchanges so far: which of two slots is in use */
};

struct block {
	std::vector<fiber> threads;
	std::vector<uint64_t> slots[2];
	ucontext_t unused;
	jmp_buf scheduler;
	const std::function<void()> *f;
	const char *kernel;
	size_t n, current;
	std::mt19937 random;
};

thread_local block b;

[[noreturn]] void fail(const char *what)
{
	fprintf(stderr, "shim: %s, block %u: %s\n", b.kernel, blockIdx.x, what);
	abort();
}

void enter()
{
	(*b.f)();
	b.threads[b.current].now = ENDED;
	_longjmp(b.scheduler, 1);
}

void wait(state s)
{
	fiber &me = b.threads[b.current];

	me.now = s;
	if (!_setjmp(me.at))
		_longjmp(b.scheduler, 1);
}

void resume(size_t i)
{
	fiber &t = b.threads[i];

	b.current = i;
	threadIdx.x = (unsigned)i;
	if (_setjmp(b.scheduler))
		return;
	if (t.entered)
		_longjmp(t.at, 1);
	t.entered = true;
	swapcontext(&b.unused, &t.context);
}

void start(size_t i)
{
	fiber &t = b.threads[i];

	if (t.stack.empty())
		t.stack.resize(STACK);
	getcontext(&t.context);
	t.context.uc_stack.ss_sp = t.stack.data();
	t.context.uc_stack.ss_size = t.stack.size();
	t.context.uc_link = NULL;
	makecontext(&t.context, enter, 0);
	t.now = RUNS;
	t.turn = 0;
	t.entered = false;
}

/* Threads [first, end) that all wait for the same go on. Are there any? */
bool release(size_t first, size_t end, state s)
{
	size_t waiting = 0, ended = 0;

	for (size_t i = first; i < end; i++) {
		waiting += b.threads[i].now == s;
		ended += b.threads[i].now == ENDED;
	}
	if (waiting && waiting + ended == end - first && ended)
		fail(s == AT_BARRIER ? "a thread ended before a barrier that others wait at"
		                     : "a lane ended before an exchange that others wait for");
	if (!waiting || waiting < end - first)
		return false;
	for (size_t i = first; i < end; i++)
		b.threads[i].now = RUNS;
	return true;
}

void run_block()
{
	size_t warps = (b.n + LANES - 1) / LANES;
	std::vector<size_t> order(warps);

	for (size_t i = 0; i < warps; i++)
		order[i] = i;
	std::shuffle(order.begin(), order.end(), b.random);
	for (size_t i = 0; i < b.n; i++)
		start(i);
	for (bool more = true; more;) {
		more = false;
		for (size_t w : order)
			for (size_t i = w * LANES; i < b.n && i < (w + 1) * LANES; i++)
				if (b.threads[i].now == RUNS) {
					resume(i);
					more = true;
				}
		for (size_t w : order)
			more |= release(w * LANES, std::min(b.n, (w + 1) * LANES), AT_WARP);
		more |= release(0, b.n, AT_BARRIER);
	}
	for (size_t i = 0; i < b.n; i++)
		if (b.threads[i].now != ENDED)
			fail("threads wait for each other at different places");
}

} // namespace

thread_local shim_index threadIdx, blockIdx, blockDim, gridDim;

void __syncthreads(void)
{
	wait(AT_BARRIER);
}

void __syncwarp(void)
{
	wait(AT_WARP);
}

uint64_t shim_exchange(uint64_t mine, unsigned lane)
{
	size_t me = b.current, first = me / LANES * LANES;
	std::vector<uint64_t> &slot = b.slots[b.threads[me].turn++ % 2];

	if (first + lane >= b.n)
		fail("a lane that does not exist is asked");
	slot[me] = mine;
	wait(AT_WARP);
	return slot[first + lane];
}

void shim_launch(const char *kernel, size_t grid, size_t block, const std::function<void()> &f)
{
	const char *seed = getenv("SCORE_SHIM_SEED");
	std::vector<unsigned> order(grid);

	if (!grid || !block || block > 1024 || grid > 0x7fffffff)
		b.kernel = kernel, fail("no such grid");
	b.f = &f;
	b.kernel = kernel;
	b.n = block;
	b.random.seed(seed ? (unsigned)strtoul(seed, NULL, 10) : 0);
	if (b.threads.size() < block)
		b.threads = std::vector<fiber>(block);
	b.slots[0].resize(block);
	b.slots[1].resize(block);
	blockDim.x = (unsigned)block;
	gridDim.x = (unsigned)grid;
	for (size_t i = 0; i < grid; i++)
		order[i] = (unsigned)i;
	std::shuffle(order.begin(), order.end(), b.random);
	for (unsigned i : order) {
		blockIdx.x = i;
		run_block();
	}
}
