/* SPDX-License-Identifier: MIT */
/*
 * The merge loop. A word is a list of symbols; the adjacent pair with the lowest rank (leftmost
 * among equals) is replaced by one symbol, until no pair has a rank. BPE ranks a pair by its
 * position in the merge list, SPM by the score of the token that the pair's bytes spell.
 *
 * Every pair that gets a rank goes into a heap as rank << 32 | index of its left symbol. An entry
 * whose rank differs from the pair's current one when it is popped is stale and dropped.
 */
#include "tok/inside.h"

#include <stdlib.h>

void word_symbol(struct tok *t, size_t i, int id, size_t at, size_t len)
{
	if (i >= t->symbols_cap) {
		t->symbols_cap = i < 128 ? 256 : i * 2;
		t->symbols = xreallocarray(t->symbols, t->symbols_cap, sizeof *t->symbols);
	}
	t->symbols[i] = (struct symbol){
	    id, (uint32_t)at, (uint32_t)len, (uint32_t)i - 1, (uint32_t)i + 1, TOK_NO_RANK, -1};
}

static size_t pair_slot(uint64_t key, size_t mask)
{
	key *= 0x9e3779b97f4a7c15u;
	return (size_t)(key ^ key >> 32) & mask;
}

void pair_insert(struct tok *t, int left, int right, uint32_t rank, int id)
{
	uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
	size_t i = pair_slot(key, t->pair_mask);

	while (t->pairs[i].key != UINT64_MAX && t->pairs[i].key != key)
		i = (i + 1) & t->pair_mask;
	if (t->pairs[i].key == UINT64_MAX)
		t->pairs[i] = (struct pair){key, rank, id};
}

static void heap_push(struct tok *t, uint64_t x)
{
	size_t i = t->heap_n;

	VEC_PUSH(t->heap, t->heap_n, t->heap_cap) = x;
	while (i && t->heap[(i - 1) / 2] > x) {
		t->heap[i] = t->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	t->heap[i] = x;
}

static uint64_t heap_pop(struct tok *t)
{
	uint64_t top = t->heap[0], x = t->heap[--t->heap_n];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < t->heap_n) {
		if (c + 1 < t->heap_n && t->heap[c + 1] < t->heap[c])
			c++;
		if (t->heap[c] >= x)
			break;
		t->heap[i] = t->heap[c];
		i = c;
	}
	if (t->heap_n)
		t->heap[i] = x;
	return top;
}

/* Looks up the pair (i, next of i) and records its rank in the symbol and in the heap. */
static void rank_pair(struct tok *t, const char *word, uint32_t i)
{
	struct symbol *a = &t->symbols[i], *b;

	a->rank = TOK_NO_RANK;
	if (a->next == UINT32_MAX)
		return;
	b = &t->symbols[a->next];
	if (t->kind == TOK_SPM) {
		size_t len = (size_t)a->len + b->len;

		a->merged = len > t->longest ? -1 : tok_by_bytes(t, &t->texts, word + a->at, len);
		if (a->merged >= 0)
			a->rank = t->rank[a->merged];
	} else {
		uint64_t key = (uint64_t)(uint32_t)a->id << 32 | (uint32_t)b->id;
		size_t slot = pair_slot(key, t->pair_mask);

		while (t->pairs[slot].key != UINT64_MAX && t->pairs[slot].key != key)
			slot = (slot + 1) & t->pair_mask;
		if (t->pairs[slot].key == key) {
			a->rank = t->pairs[slot].rank;
			a->merged = t->pairs[slot].id;
		}
	}
	if (a->rank != TOK_NO_RANK)
		heap_push(t, (uint64_t)a->rank << 32 | i);
}

void word_merge(struct tok *t, const char *word, size_t n)
{
	if (!n)
		return;
	t->symbols[0].prev = t->symbols[n - 1].next = UINT32_MAX;
	t->heap_n = 0;
	for (size_t i = 0; i + 1 < n; i++)
		rank_pair(t, word, (uint32_t)i);
	while (t->heap_n) {
		uint64_t top = heap_pop(t);
		uint32_t i = (uint32_t)top;
		struct symbol *a = &t->symbols[i], *b;

		if (a->rank != top >> 32)
			continue;
		b = &t->symbols[a->next];
		a->id = a->merged;
		a->len += b->len;
		a->next = b->next;
		b->rank = TOK_NO_RANK;
		if (a->next != UINT32_MAX)
			t->symbols[a->next].prev = i;
		rank_pair(t, word, i);
		if (a->prev != UINT32_MAX)
			rank_pair(t, word, a->prev);
	}
}
