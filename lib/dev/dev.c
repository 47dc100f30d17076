/* SPDX-License-Identifier: MIT */
/* Selects the device in use, and forwards memory calls to it. */
#include "dev/dev.h"

#include <stdatomic.h>
#include <string.h>

#include "kern/kern.h"

#pragma weak dev_cuda

const struct dev *dev = &dev_cpu;

int dev_init(int device, int threads, struct err *e)
{
	const char *why = NULL;

	dev = &dev_cpu;
	if (device != DEVICE_CPU)
		why = &dev_cuda ? dev_cuda.open() : "this build has no CUDA";
	if (device == DEVICE_CUDA && why)
		return err_set(e, "--device cuda: %s", why);
	if (device != DEVICE_CPU && !why)
		dev = &dev_cuda;
	if (device == DEVICE_AUTO && dev == &dev_cuda)
		warn("computes on the GPU, level %s (--device)", dev->level());
	return kern_init(threads, e);
}

struct mem mem_new(size_t bytes)
{
	return bytes ? dev->alloc(bytes) : (struct mem){0};
}

void mem_free(struct mem *m)
{
	if (m->p)
		dev->release(m);
	*m = (struct mem){0};
}

void mem_fit(struct mem *m, size_t bytes)
{
	if (m->bytes >= bytes)
		return;
	mem_free(m);
	*m = mem_new(bytes);
}

void *mem_map(struct mem m, size_t bytes)
{
	return dev->map(m, bytes);
}

void mem_unmap(struct mem m, void *p, size_t bytes, int wrote)
{
	dev->unmap(m, p, bytes, wrote);
}

struct mem mem_borrow(const void *host, size_t bytes)
{
	return host ? dev->borrow(host, bytes) : (struct mem){0};
}

void mem_return(struct mem *m)
{
	if (m->p)
		dev->give_back(m);
	*m = (struct mem){0};
}

int sampling_plain(const struct sampling *s)
{
	return s->temperature == 1 && s->top_p >= 1 && s->top_k == 0 && !s->greedy;
}

struct each {
	void (*f)(void *ctx, size_t i, size_t thread);
	void *ctx;
	size_t n;
	_Atomic size_t next;
};

static void take_each(void *p, size_t thread)
{
	struct each *e = p;
	size_t i;

	while ((i = atomic_fetch_add(&e->next, 1)) < e->n)
		e->f(e->ctx, i, thread);
}

void dev_each(void (*f)(void *ctx, size_t i, size_t thread), void *ctx, size_t n)
{
	struct each e = {f, ctx, n, 0};

	kern_run(take_each, &e);
}
