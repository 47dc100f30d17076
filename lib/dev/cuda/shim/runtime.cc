/* SPDX-License-Identifier: MIT */
/* The machine of device.h, where it is the host's memory, and a product in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "dev/cuda/device.h"

const char *device_open(const char **level)
{
	*level = "shim";
	return NULL;
}

void *device_alloc(size_t bytes)
{
	static std::atomic<size_t> in_all;
	const char *room = getenv("SCORE_SHIM_MEMORY");      /* bytes that a run allocates in all */
	size_t all = room ? strtoull(room, NULL, 10) : SIZE_MAX, before = in_all.fetch_add(bytes);
	void *p = NULL;

	if (before <= all && bytes <= all - before)
		p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
	if (!p)
		device_full(bytes, before < all ? all - before : 0, all);
	memset(p, 0x7f, bytes);      /* what nobody has set */
	return p;
}

void device_free(void *p) { free(p); }
void device_zero(void *p, size_t bytes) { memset(p, 0, bytes); }
void device_copy(void *to, const void *from, size_t bytes) { memmove(to, from, bytes); }
void device_send(void *to, const void *host, size_t bytes) { memcpy(to, host, bytes); }
void device_fetch(void *host, const void *from, size_t bytes) { memcpy(host, from, bytes); }

static float wide(uint16_t a)
{
	union { uint32_t u; float f; } v = {(uint32_t)a << 16};

	return v.f;
}

void device_gemm(float *c, size_t ldc, float beta, const uint16_t *a, size_t lda, int a_by_k,
                 const uint16_t *b, size_t ldb, int b_by_k, size_t m, size_t n, size_t k)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			float sum = 0;

			for (size_t l = 0; l < k; l++)
				sum += wide(a_by_k ? a[l * lda + i] : a[i * lda + l]) *
				       wide(b_by_k ? b[l * ldb + j] : b[j * ldb + l]);
			c[i * ldc + j] = beta == 0 ? sum : beta * c[i * ldc + j] + sum;
		}
}
