/* SPDX-License-Identifier: MIT */
/* Hash tables: open addressing with linear probing, at most half full. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a's low bits depend mostly on the last bytes, so both halves choose the first slot. */
static uint32_t fold(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

static struct hashmap_slot *free_slot(const struct hashmap *t, uint32_t hash)
{
	size_t i = hash & (t->cap - 1);

	while (t->slot[i].place)
		i = (i + 1) & (t->cap - 1);
	return &t->slot[i];
}

static void grow(struct hashmap *t)
{
	struct hashmap bigger = {.n = t->n, .cap = t->cap ? t->cap * 2 : 64};

	bigger.slot = xcalloc(bigger.cap, sizeof *bigger.slot);
	for (size_t i = 0; i < t->cap; i++)
		if (t->slot[i].place)
			*free_slot(&bigger, t->slot[i].hash) = t->slot[i];
	free(t->slot);
	*t = bigger;
}

size_t hashmap_find(const struct hashmap *t, uint64_t hash, hashmap_same *same, const void *data,
                    const void *key)
{
	uint32_t h = fold(hash);

	if (!t->n)
		return HASHMAP_NONE;
	for (size_t i = h & (t->cap - 1); t->slot[i].place; i = (i + 1) & (t->cap - 1))
		if (t->slot[i].hash == h && same(data, t->slot[i].place - 1, key))
			return t->slot[i].place - 1;
	return HASHMAP_NONE;
}

void hashmap_add(struct hashmap *t, uint64_t hash, size_t place)
{
	uint32_t h = fold(hash);

	if (2 * (t->n + 1) > t->cap)
		grow(t);
	*free_slot(t, h) = (struct hashmap_slot){h, (uint32_t)place + 1};
	t->n++;
}

void hashmap_clear(struct hashmap *t)
{
	if (t->n)
		memset(t->slot, 0, t->cap * sizeof *t->slot);
	t->n = 0;
}

void hashmap_release(struct hashmap *t)
{
	free(t->slot);
	*t = (struct hashmap){0};
}
