/* SPDX-License-Identifier: MIT */
/* Compares two snapshots tensor by tensor, using only the public functions of store.h. */
#include "store/store.h"

#include <math.h>
#include <string.h>

static double value_at(const struct tensor *t, uint64_t i)
{
	union { uint32_t u; float f; } x;

	if (t->dtype == DT_F32)
		return ((const float *)t->data)[i];
	x.u = (uint32_t)((const uint16_t *)t->data)[i] << 16;
	return x.f;
}

static void compare(const struct tensor *a, const struct tensor *b, struct tensor_diff *d)
{
	double sum = 0;

	if (a->dtype != b->dtype || a->rank != b->rank || a->shape[0] != b->shape[0] ||
	    a->shape[1] != b->shape[1]) {
		d->kind = DIFF_SHAPE;
		return;
	}
	d->values = a->shape[0] * a->shape[1];
	if (a->data == b->data || !memcmp(a->data, b->data, a->bytes))
		return;
	d->kind = DIFF_VALUES;
	for (uint64_t i = 0; i < d->values; i++) {
		size_t size = a->dtype == DT_F32 ? 4 : 2;
		double x;

		if (!memcmp((const char *)a->data + i * size, (const char *)b->data + i * size, size))
			continue;
		d->differing++;
		x = fabs(value_at(a, i) - value_at(b, i));
		if (isnan(x))
			x = INFINITY;
		if (x > d->max_abs)
			d->max_abs = x;
		sum += x * x;
	}
	d->rms = sqrt(sum / (double)d->values);
}

int snap_diff(struct snap *a, struct snap *b, int (*each)(const struct tensor_diff *, void *),
              void *data, struct err *e)
{
	size_t i = 0, j = 0;

	while (i < snap_count(a) || j < snap_count(b)) {
		struct tensor_diff d = {.kind = DIFF_SAME};
		struct tensor x = {0}, y = {0};
		int order;

		if ((i < snap_count(a) && snap_at(a, i, &x, e)) ||
		    (j < snap_count(b) && snap_at(b, j, &y, e)))
			return -1;
		order = i == snap_count(a) ? 1 : j == snap_count(b) ? -1 : strcmp(x.name, y.name);
		d.name = order <= 0 ? x.name : y.name;
		if (order < 0)
			d.kind = DIFF_ONLY_A;
		else if (order > 0)
			d.kind = DIFF_ONLY_B;
		else
			compare(&x, &y, &d);
		if (each(&d, data))
			return -1;
		i += order <= 0;
		j += order >= 0;
	}
	return 0;
}
