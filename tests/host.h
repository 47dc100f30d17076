/* SPDX-License-Identifier: MIT */
/* The CPU's memory is the host's: arrays of a test as memory of the device, and the reverse. */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include "dev/dev.h"

#define OVER(p, n) ((struct mem){(char *)(p), (n) * sizeof *(p)})

__attribute__((unused))
static float *floats_of(struct mem m)
{
	return (float *)(void *)m.p;
}

#endif
