/* SPDX-License-Identifier: MIT */
/*
 * usage: resources used by a process and its descendants, from /proc. An approximation: processes
 * come and go while it is read.
 */
#ifndef USAGE_H
#define USAGE_H

#include <sys/types.h>

#include "base/base.h"

struct usage {
	double cpu;                  /* seconds, including reaped children */
	uint64_t memory;             /* bytes: anonymous, shared and swapped memory, page tables */
	size_t processes;
};

/* True if the kernel reports pid's children. */
int usage_tree_works(pid_t pid);
/* A counter (a descriptor) of the CPU time of pid, a child that does not run anything yet, and of
 * all its future descendants, reaped or not; -1 if the kernel does not provide one. */
int usage_counter(pid_t pid);
/* The counter's seconds; -1: none. */
double usage_counted(int counter);
/* Threads of one process; 0 if it is gone. */
size_t usage_threads(pid_t pid);
/* Shared memory is counted for each process. with_root: pid itself is included. */
void usage_read(pid_t pid, int with_root, struct usage *u);
/* The same memory with every page counted once: slow. 0 if the kernel does not report it. */
uint64_t usage_memory_once(pid_t pid, int with_root);

#endif
