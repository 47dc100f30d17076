/* SPDX-License-Identifier: MIT */
/*
 * SentencePiece-style BPE: a space is U+2581 inside tokens (tok.c stores it as a space again), the
 * pair that spells the token with the highest score is merged first, and a character without a
 * token becomes the tokens of its bytes (or unk).
 */
#include "tok/inside.h"

#include <stdlib.h>

struct scored {
	float score;
	int id;
};

static int by_score(const void *a, const void *b)
{
	const struct scored *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int spm_new(struct tok *t, const struct vocab *v, struct err *e)
{
	struct scored *s;

	for (int c = 0; c < 256 && t->unk < 0; c++)
		if (t->byte_id[c] < 0)
			return err_set(e, "the byte 0x%02x has no token, and there is no unknown token", c);
	s = xmalloc(t->n * sizeof *s);
	t->rank = xmalloc(t->n * sizeof *t->rank);
	for (size_t i = 0; i < t->n; i++)
		s[i] = (struct scored){v->tokens[i].score, (int)i};
	qsort(s, t->n, sizeof *s, by_score);
	for (size_t i = 0, rank = 0; i < t->n; i++) {
		if (i && s[i].score != s[i - 1].score)
			rank = i;
		t->rank[s[i].id] = (uint32_t)rank;
	}
	free(s);
	return 0;
}

void spm_encode(struct tok *t, const char *text, size_t n, struct ids *ids)
{
	size_t k = 0, c;

	for (size_t i = 0; i < n; i += c) {
		c = utf8_char(text + i, n - i);
		if (!c)
			c = 1;
		word_symbol(t, k++, tok_by_bytes(t, &t->texts, text + i, c), i, c);
	}
	if (!k)
		return;
	word_merge(t, text, k);
	for (uint32_t i = 0; i != UINT32_MAX; i = t->symbols[i].next) {
		const struct symbol *s = &t->symbols[i];

		if (s->id >= 0) {
			ids_push(ids, s->id);
			continue;
		}
		for (size_t b = 0; b < s->len; b++) {
			int id = t->byte_id[(unsigned char)text[s->at + b]];

			/* Without byte tokens, the character becomes one unk. */
			if (id >= 0)
				ids_push(ids, id);
			else if (b + 1 == s->len)
				ids_push(ids, t->unk);
		}
	}
}
