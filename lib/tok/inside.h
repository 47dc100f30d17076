/* SPDX-License-Identifier: MIT */
/* Shared by the files of lib/tok; private to it. */
#ifndef TOK_IMPL_H
#define TOK_IMPL_H

#include "tok/tok.h"

#define TOK_MAX_TOKENS ((size_t)1 << 24)
#define TOK_NO_RANK UINT32_MAX

/* (left id, right id) -> rank and merged id, open addressing. */
struct pair {
	uint64_t key;                /* left << 32 | right; UINT64_MAX: free */
	uint32_t rank;
	int id;
};

/* The symbols of one word while it is merged: a list through arrays. */
struct symbol {
	int id;                      /* -1: a character without a token (SPM) */
	uint32_t at, len;            /* its bytes in the word */
	uint32_t prev, next;         /* UINT32_MAX: none */
	/* of the pair (this, next); TOK_NO_RANK: not mergeable, or merged already */
	uint32_t rank;
	int merged;                  /* id of that pair */
};

struct splitter;

struct tok {
	enum tok_kind kind;
	size_t n;
	char *blob;                  /* all tokens' raw bytes, concatenated */
	size_t *off;                 /* [n + 1] */
	unsigned char *type;         /* [n] effective type, see tok_new */
	unsigned char *end;          /* [n] true if it ends a response */
	int end_id, bos, unk;
	int space_prefix, ignore_merges;
	int byte_id[256];            /* -1: none */
	struct hashmap texts;        /* tokens that text can become: not control, not unused */
	struct hashmap controls;
	int *users;                  /* [n_users] sorted by their bytes */
	size_t n_users;
	unsigned char user_first[256];
	/* BPE */
	struct pair *pairs;
	size_t pair_mask;
	struct splitter *splitter;   /* NULL: a text is one word */
	/* SPM */
	uint32_t *rank;              /* [n] 0 is the highest score; equal scores share a rank */
	size_t longest;              /* bytes of the longest token in texts */
	/* scratch, kept between calls */
	struct symbol *symbols;
	size_t symbols_cap;
	uint64_t *heap;              /* rank << 32 | symbol */
	size_t heap_n, heap_cap;
	struct buf spaced;
};

static inline const char *tok_raw(const struct tok *t, int id, size_t *n)
{
	*n = t->off[id + 1] - t->off[id];
	return t->blob + t->off[id];
}

void ids_push(struct ids *ids, int id);

/* Id of these bytes among texts or controls, -1 if absent. */
int tok_by_bytes(const struct tok *t, const struct hashmap *of, const char *p, size_t n);

/* Length of the first UTF-8 character of p[0..n), n > 0: 1..4; 0 if invalid (Unicode table 3-7). */
size_t utf8_char(const char *p, size_t n);
/* Decodes GPT-2's byte alphabet: appends the raw bytes of text; -1 (nothing appended) if a
 * character is not in it. */
int alphabet_bytes(const char *text, size_t n, struct buf *out);

/* ---- merge.c: the loop that BPE and SPM share ---- */

/* Appends one symbol to the word being built. i is its index. */
void word_symbol(struct tok *t, size_t i, int id, size_t at, size_t len);
/* Merges the n symbols of word until no pair has a rank; lowest rank first, then leftmost.
 * Symbol 0 stays the head of the list. O(n log n). */
void word_merge(struct tok *t, const char *word, size_t n);
/* Inserts a merge, unless the pair has an earlier one. The table must not be full. */
void pair_insert(struct tok *t, int left, int right, uint32_t rank, int id);

/* ---- bpe.c, spm.c ---- */

MUST_CHECK int bpe_new(struct tok *t, const struct vocab *v, struct err *e);
MUST_CHECK int bpe_encode(struct tok *t, const char *text, size_t n, struct ids *ids,
                          struct err *e);
void splitter_free(struct splitter *s);
MUST_CHECK int spm_new(struct tok *t, const struct vocab *v, struct err *e);
void spm_encode(struct tok *t, const char *text, size_t n, struct ids *ids);

#endif
