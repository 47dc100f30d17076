/* SPDX-License-Identifier: MIT */
/* Builds the tokenizer's tables from a vocabulary; converts text to ids and ids to text. */
#include "tok/inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ids_push(struct ids *ids, int id)
{
	VEC_PUSH(ids->v, ids->n, ids->cap) = id;
}

/* ---- UTF-8 and the byte alphabet ---- */

/* The second byte's range depends on the first: no overlong forms, surrogates or code points beyond
 * U+10FFFF. Returns the character's length, 0 if lead cannot begin one. */
static size_t utf8_lead(unsigned char lead, unsigned char *lo, unsigned char *hi)
{
	*lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	return lead < 0x80   ? 1
	       : lead < 0xc2 ? 0
	       : lead < 0xe0 ? 2
	       : lead < 0xf0 ? 3
	       : lead < 0xf5 ? 4
	                     : 0;
}

/* Number of bytes of p[0..n) that belong to the character begun by p[0]; *len: its full length (0:
 * p[0] does not begin one). */
static size_t utf8_fit(const char *p, size_t n, size_t *len)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char lo, hi;
	size_t i;

	*len = utf8_lead(u[0], &lo, &hi);
	for (i = 1; i < n && i < *len; i++) {
		if (u[i] < lo || u[i] > hi)
			break;
		lo = 0x80;
		hi = 0xbf;
	}
	return i;
}

size_t utf8_char(const char *p, size_t n)
{
	size_t len;

	return utf8_fit(p, n, &len) == len ? len : 0;
}

/* GPT-2's alphabet: printable Latin-1 bytes map to themselves, the others to U+0100 onwards, in
 * order. */
static int is_printable(int b)
{
	return (b >= 33 && b <= 126) || (b >= 161 && b <= 255 && b != 173);
}

/* The byte of an alphabet character, -1 if cp is not in the alphabet. */
static int alphabet_byte(unsigned cp)
{
	if (cp < 256)
		return is_printable((int)cp) ? (int)cp : -1;
	cp -= 256;
	if (cp < 33)
		return (int)cp;
	if (cp < 33 + 34)                    /* 127..160 */
		return (int)cp - 33 + 127;
	return cp == 33 + 34 ? 173 : -1;
}

int alphabet_bytes(const char *text, size_t n, struct buf *out)
{
	size_t old = out->len, c;

	for (size_t i = 0; i < n; i += c) {
		const unsigned char *u = (const unsigned char *)text + i;
		int b = -1;

		c = utf8_char(text + i, n - i);
		if (c == 1)
			b = alphabet_byte(u[0]);
		else if (c == 2)
			b = alphabet_byte((u[0] & 31u) << 6 | (u[1] & 63u));
		if (b < 0) {
			out->len = old;
			return -1;
		}
		buf_addc(out, (char)b);
	}
	return 0;
}

/* ---- tokens by their bytes ---- */

struct bytes {
	const char *p;
	size_t n;
};

static int same_bytes(const void *data, size_t id, const void *key)
{
	const struct bytes *want = key;
	size_t n;
	const char *p = tok_raw(data, (int)id, &n);

	return n == want->n && !memcmp(p, want->p, n);
}

int tok_by_bytes(const struct tok *t, const struct hashmap *of, const char *p, size_t n)
{
	struct bytes key = {p, n};
	size_t id = hashmap_find(of, hash_bytes(p, n), same_bytes, t, &key);

	return id == HASHMAP_NONE ? -1 : (int)id;
}

/* Of equal strings, the first is kept. */
static void enter(const struct tok *t, struct hashmap *of, int id)
{
	size_t n;
	const char *p = tok_raw(t, id, &n);

	if (tok_by_bytes(t, of, p, n) < 0)
		hashmap_add(of, hash_bytes(p, n), (size_t)id);
}

/* ---- building ---- */

/* Some files mark control tokens as user-defined, which text could become: tokens that look like
 * control tokens or end responses count as control. */
static unsigned char effective_type(const struct vocab *v, size_t i)
{
	const char *s = v->tokens[i].text;
	size_t n = strlen(s);
	int is_control = (n >= 5 && !memcmp(s, "<|", 2) && !memcmp(s + n - 2, "|>", 2)) ||
	                 v->bos == (int)i || v->eos == (int)i;

	if (v->tokens[i].type != TOK_USER)
		return (unsigned char)v->tokens[i].type;
	for (size_t k = 0; k < v->n_ends; k++)
		is_control |= v->ends[k] == (int)i;
	return is_control ? TOK_CONTROL : TOK_USER;
}

/* The byte named by text such as <0x0A>, -1 if not of that form. */
static int named_byte(const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *a, *b;

	if (strlen(s) != 6 || memcmp(s, "<0x", 3) || s[5] != '>')
		return -1;
	a = strchr(hex, s[3]);
	b = strchr(hex, s[4]);
	return a && b ? (int)(a - hex) * 16 + (int)(b - hex) : -1;
}

/* Appends token i's raw bytes. 1 if text may become this token by merging, 0 if not. */
static int raw_bytes(const struct tok *t, const struct vocab *v, size_t i, struct buf *out)
{
	const char *s = v->tokens[i].text;
	size_t n = strlen(s);
	int b;

	switch (t->type[i]) {
	case TOK_BYTE_PIECE:
		b = named_byte(s);
		if (b >= 0)
			buf_addc(out, (char)b);
		return 0;
	case TOK_NORMAL:
		if (t->kind == TOK_BPE) {
			if (!alphabet_bytes(s, n, out))
				return n > 0;
			buf_add(out, s, n);
			return 0;
		}
		if (t->kind == TOK_SPM) {
			for (size_t k = 0; k < n; k++)
				if (n - k >= 3 && !memcmp(s + k, "\xe2\x96\x81", 3)) {
					buf_addc(out, ' ');
					k += 2;
				} else {
					buf_addc(out, s[k]);
				}
			return n > 0;
		}
		/* fall through */
	default:
		buf_add(out, s, n);
		return 0;
	}
}

static int by_bytes(const void *a, const void *b, void *data)
{
	const struct tok *t = data;
	int x = *(const int *)a, y = *(const int *)b, c;
	size_t n, m;
	const char *p = tok_raw(t, x, &n), *q = tok_raw(t, y, &m);

	c = memcmp(p, q, n < m ? n : m);
	return c ? c : n != m ? (n < m ? -1 : 1) : (x > y) - (x < y);
}

/* Builds raw bytes, tables and the list of user-defined tokens. may[i]: text may become token i by
 * merging. */
static int build_tables(struct tok *t, const struct vocab *v, struct err *e)
{
	unsigned char *may = xcalloc(t->n, 1);
	struct buf raw = {0};
	size_t n_user = 0;

	for (int c = 0; c < 256; c++)
		t->byte_id[c] = -1;
	for (size_t i = 0; i < t->n; i++) {
		t->type[i] = effective_type(v, i);
		n_user += t->type[i] == TOK_USER;
		t->off[i] = raw.len;
		may[i] = (unsigned char)raw_bytes(t, v, i, &raw);
	}
	t->off[t->n] = raw.len;
	buf_addc(&raw, 0);
	t->blob = raw.data;
	t->users = xmalloc(n_user * sizeof *t->users);
	for (size_t i = 0; i < t->n; i++) {
		size_t n;
		const unsigned char *p = (const unsigned char *)tok_raw(t, (int)i, &n);
		int is_byte = t->type[i] == TOK_BYTE_PIECE || (t->kind == TOK_BPE && may[i]);

		if (may[i])
			enter(t, &t->texts, (int)i);
		if (may[i] && n > t->longest)
			t->longest = n;
		if (is_byte && n == 1 && t->byte_id[p[0]] < 0)
			t->byte_id[p[0]] = (int)i;
		if (t->type[i] == TOK_CONTROL)
			enter(t, &t->controls, (int)i);
		if (t->type[i] == TOK_USER && n) {
			t->users[t->n_users++] = (int)i;
			t->user_first[p[0]] = 1;
		}
	}
	free(may);
	if (t->n_users)
		qsort_r(t->users, t->n_users, sizeof *t->users, by_bytes, t);
	if (t->kind == TOK_BPE)
		return bpe_new(t, v, e);
	if (t->kind == TOK_SPM)
		return spm_new(t, v, e);
	for (int c = 0; c < 256; c++)
		if (t->byte_id[c] != c)
			return err_set(e, "token %d is not the byte 0x%02x", c, c);
	return 0;
}

static int build_ends(struct tok *t, const struct vocab *v, struct err *e)
{
	const char *text = v->chat ? chat_end_text(v->chat) : NULL;
	int chat_end = text ? tok_control(t, text) : -1;

	t->end = xcalloc(t->n, 1);
	for (size_t i = 0; i < v->n_ends; i++) {
		if (v->ends[i] < 0 || (size_t)v->ends[i] >= t->n)
			return err_set(e, "end token %d: there are %zu tokens", v->ends[i], t->n);
		t->end[v->ends[i]] = 1;
	}
	if (chat_end >= 0)
		t->end[chat_end] = 1;
	t->end_id = chat_end >= 0 ? chat_end
	          : v->eos >= 0 && t->end[v->eos] ? v->eos
	          : v->n_ends ? v->ends[0] : -1;
	return 0;
}

static int check_id(int id, const char *name, size_t n, struct err *e)
{
	if (id < -1 || (id >= 0 && (size_t)id >= n))
		return err_set(e, "%s token %d: there are %zu tokens", name, id, n);
	return 0;
}

int tok_new(const struct vocab *v, struct tok **out, struct err *e)
{
	struct tok *t;

	if (!v->n || v->n > TOK_MAX_TOKENS)
		return err_set(e, "tokenizer: %zu tokens: expected 1 to %zu", v->n, TOK_MAX_TOKENS);
	if (check_id(v->bos, "bos", v->n, e) || check_id(v->eos, "eos", v->n, e) ||
	    check_id(v->unk, "unknown", v->n, e))
		return err_prefix(e, "tokenizer: ");
	t = xcalloc(1, sizeof *t);
	t->kind = v->kind;
	t->n = v->n;
	t->off = xmalloc((t->n + 1) * sizeof *t->off);
	t->type = xmalloc(t->n);
	t->bos = v->add_bos ? v->bos : -1;
	t->unk = v->unk;
	t->space_prefix = v->kind == TOK_SPM && v->add_space_prefix;
	t->ignore_merges = v->ignore_merges;
	if (build_tables(t, v, e) || build_ends(t, v, e)) {
		tok_free(t);
		return err_prefix(e, "tokenizer: ");
	}
	*out = t;
	return 0;
}

void tok_free(struct tok *t)
{
	if (!t)
		return;
	free(t->blob);
	free(t->off);
	free(t->type);
	free(t->end);
	hashmap_release(&t->texts);
	hashmap_release(&t->controls);
	free(t->users);
	free(t->pairs);
	splitter_free(t->splitter);
	free(t->rank);
	free(t->symbols);
	free(t->heap);
	buf_release(&t->spaced);
	free(t);
}

/* ---- properties ---- */

size_t tok_size(const struct tok *t)
{
	return t->n;
}

int tok_control(const struct tok *t, const char *text)
{
	return tok_by_bytes(t, &t->controls, text, strlen(text));
}

int tok_bos(const struct tok *t)
{
	return t->bos;
}

int tok_is_end(const struct tok *t, int id)
{
	return id >= 0 && (size_t)id < t->n && t->end[id];
}

int tok_end(const struct tok *t)
{
	return t->end_id;
}

/* ---- text to ids ---- */

/* Id of the longest user-defined token that p[0..n) begins with, -1 if none. Narrows the sorted
 * list byte by byte to the tokens that match p, until none is left. */
static int user_match(const struct tok *t, const char *p, size_t n, size_t *matched)
{
	size_t lo = 0, hi = t->n_users, len;
	int best = -1;

	for (size_t depth = 0; lo < hi; depth++) {
		size_t a = lo, b = hi;

		if (depth && (tok_raw(t, t->users[lo], &len), len == depth)) {
			best = t->users[lo];
			*matched = depth;
		}
		if (depth == n)
			break;
		while (a < b) {              /* first with a byte >= p[depth] */
			size_t mid = a + (b - a) / 2;
			const char *q = tok_raw(t, t->users[mid], &len);

			if (len <= depth || (unsigned char)q[depth] < (unsigned char)p[depth])
				a = mid + 1;
			else
				b = mid;
		}
		lo = a;
		b = hi;
		while (a < b) {              /* first with a greater byte */
			size_t mid = a + (b - a) / 2;
			const char *q = tok_raw(t, t->users[mid], &len);

			if ((unsigned char)q[depth] <= (unsigned char)p[depth])
				a = mid + 1;
			else
				b = mid;
		}
		hi = a;
	}
	return best;
}

static int encode_plain(struct tok *t, const char *text, size_t n, struct ids *ids, struct err *e)
{
	switch (t->kind) {
	case TOK_BYTE:
		for (size_t i = 0; i < n; i++)
			ids_push(ids, (unsigned char)text[i]);
		return 0;
	case TOK_BPE:
		return bpe_encode(t, text, n, ids, e);
	default:
		spm_encode(t, text, n, ids);
		return 0;
	}
}

int tok_encode(struct tok *t, const char *text, size_t n, int at_start, struct ids *ids,
               struct err *e)
{
	size_t from = 0, old = ids->n;

	if (n >= INT32_MAX)
		return err_set(e, "a text of %zu bytes is too long to tokenise", n);
	if (t->space_prefix && at_start && n) {
		buf_clear(&t->spaced);
		buf_addc(&t->spaced, ' ');
		buf_add(&t->spaced, text, n);
		text = t->spaced.data;
		n++;
	}
	for (size_t i = 0, len = 1; t->n_users && i < n; i += len) {
		int id = t->user_first[(unsigned char)text[i]] ? user_match(t, text + i, n - i, &len) : -1;

		if (id < 0) {
			len = 1;
			continue;
		}
		if (i > from && encode_plain(t, text + from, i - from, ids, e))
			goto fail;
		ids_push(ids, id);
		from = i + len;
	}
	if (n > from && encode_plain(t, text + from, n - from, ids, e))
		goto fail;
	return 0;
fail:
	ids->n = old;
	return -1;
}

/* ---- ids to text ---- */

const char *tok_bytes(const struct tok *t, int id, int control, size_t *n)
{
	*n = 0;
	if (id < 0 || (size_t)id >= t->n)
		return "";
	if (!control &&
	    (t->type[id] == TOK_CONTROL || t->type[id] == TOK_UNKNOWN || t->type[id] == TOK_UNUSED))
		return "";
	return tok_raw(t, id, n);
}

void tok_decode(const struct tok *t, const int *ids, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *p = tok_bytes(t, ids[i], 0, &len);

		buf_add(out, p, len);
	}
}

/* Number of bytes of an incomplete character at the end of p[0..n): 0..3. */
static size_t unfinished(const char *p, size_t n)
{
	for (size_t k = 1; k <= 3 && k <= n; k++) {
		size_t len, fit = utf8_fit(p + n - k, k, &len);

		if (len)
			return len > k && fit == k ? k : 0;
	}
	return 0;
}

void tok_decode_piece(const struct tok *t, struct tok_stream *s, int id, struct buf *out)
{
	size_t start = out->len, n, keep;
	const char *p = tok_bytes(t, id, 0, &n);

	buf_add(out, s->tail, (size_t)s->n);
	buf_add(out, p, n);
	keep = id < 0 ? 0 : unfinished(out->data + start, out->len - start);
	s->n = (int)keep;
	out->len -= keep;
	memcpy(s->tail, out->data + out->len, keep);
	out->data[out->len] = 0;
}
