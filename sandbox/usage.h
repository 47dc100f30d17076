/* SPDX-License-Identifier: MIT */
/*
 * usage: what a process and all that come from it take, by /proc. A sample:
 * processes come and go while it is taken.
 */
#ifndef USAGE_H
#define USAGE_H

#include <sys/types.h>

#include "base/base.h"

struct usage {
	double cpu;                  /* seconds, with those of children that were waited for */
	uint64_t memory;             /* bytes: anonymous, shared and swapped memory, page tables */
	size_t processes;
};

/* Can the kernel say who pid's children are? */
int usage_tree_works(pid_t pid);
/* A counter (a descriptor) of the processor time of pid, a child that runs nothing yet, and of
 * all that will come from it, also when nobody waits for them; -1 where the kernel gives none. */
int usage_counter(pid_t pid);
/* Its seconds; -1: none. */
double usage_counted(int counter);
/* Threads of one process; 0 if it is gone. */
size_t usage_threads(pid_t pid);
/* Memory that processes share is counted for each of them. with_root: what pid itself uses counts,
 * too. */
void usage_read(pid_t pid, int with_root, struct usage *u);
/* The same memory with every page counted once: slow. 0 where the kernel does not say. */
uint64_t usage_memory_once(pid_t pid, int with_root);

#endif
