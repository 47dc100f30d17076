/* SPDX-License-Identifier: MIT */
/*
 * Llama 3's rope scaling, which GGUF stores as the tensor rope_freqs.weight: one divisor per
 * rotated pair. Private to this room.
 */
#ifndef IMPORT_ROPE_H
#define IMPORT_ROPE_H

#include "model/config.h"

/* out[head_size / 2], each in [1, rope_factor]; all 1 without scaling. */
void rope_divisors(const struct model_config *c, float *out);
/*
 * Finds rope_factor, rope_low, rope_high and rope_orig that give these divisors (determined only up
 * to a common factor, so rope_low is 1) and stores them in c, whose rope_theta and head_size must
 * be set. -1 if no such scaling gives them within float32's accuracy.
 */
MUST_CHECK int rope_derive(struct model_config *c, const float *divisors, struct err *e);

#endif
