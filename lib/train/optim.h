/* SPDX-License-Identifier: MIT */
/*
 * What all tensors have in common in an AdamW update: clipping, schedule, bias correction. Where
 * their state lies is the caller's business: dev->adamw goes from anywhere to anywhere.
 */
#ifndef OPTIM_H
#define OPTIM_H

#include "model/model.h"

struct adam {
	double lr, min_lr;
	int cosine;                  /* from lr to min_lr at update `total`, after the warm-up;
	                              * else constant */
	uint64_t warmup, total;      /* in updates since the reset */
	double beta1, beta2, eps;
	double decay;                /* of matrices only */
	double clip;                 /* global gradient norm; 0: off */
};

struct adam_update {
	double norm, lr;             /* of the whole gradient before clipping; the rate */
	struct adamw rate;           /* with the decay of matrices */
};

/* The learning rate of update u (0 is the first after a reset). */
double adam_lr(const struct adam *a, uint64_t u);
/* The update after `updates` others since the reset. A parameter whose gradient is NULL is not
 * trained. -1 if a gradient is not finite. */
MUST_CHECK int adam_update_init(struct adam_update *u, const struct adam *a, uint64_t updates,
                                const struct grads *g, const struct model_config *c,
                                struct err *e);
/* For a tensor of this rank. */
struct adamw adam_update_rate(const struct adam_update *u, int rank);

#endif
