/* SPDX-License-Identifier: MIT */
/*
 * comm: the processes of one training run: how many there are, which one this is, and sums over all
 * of them. This build has one process; an MPI build implements the same functions in a file of its
 * own, the only one that may include <mpi.h>.
 *
 * Every process calls the same functions in the same order. Sums are taken in the
 * order of ranks, so that a result depends on the number of processes but on
 * nothing else. Process 0 reads, writes and commits.
 */
#ifndef COMM_H
#define COMM_H

#include "base/base.h"

/* Call once, before the others. */
MUST_CHECK int comm_init(struct err *e);
int comm_rank(void);                 /* [0, comm_size()) */
int comm_size(void);
/* x becomes the sum over the processes, in each of them. */
MUST_CHECK int comm_sum_f32(float *x, size_t n, struct err *e);
MUST_CHECK int comm_sum_f64(double *x, size_t n, struct err *e);
void comm_end(void);

#endif
