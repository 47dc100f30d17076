/* SPDX-License-Identifier: MIT */
/* Edit distance of two texts, and their difference by words. */
#include "stat/stat.h"

#include <stdlib.h>
#include <string.h>

/* ---- code points ---- */

/* Reads one code point, or one invalid byte (as a value that no code point has). */
static size_t next_point(const unsigned char *s, size_t n, uint32_t *out)
{
	size_t len = s[0] < 0x80                   ? 1
	             : s[0] >= 0xf0 && s[0] < 0xf8 ? 4
	             : s[0] >= 0xe0                ? 3
	             : s[0] >= 0xc0                ? 2
	                                           : 0;
	uint32_t c;

	if (len == 1) {
		*out = s[0];
		return 1;
	}
	c = len ? s[0] & (0x7fu >> len) : 0;
	for (size_t i = 1; i < len && len <= n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			len = 0;
		else
			c = c << 6 | (s[i] & 0x3f);
	}
	if (!len || len > n || s[0] >= 0xf8) {
		*out = 0x80000000u | s[0];
		return 1;
	}
	*out = c;
	return len;
}

static uint32_t *points(const char *s, size_t n, size_t *count)
{
	uint32_t *p = xreallocarray(NULL, n, sizeof *p);
	size_t k = 0;

	for (size_t i = 0; i < n; k++)
		i += next_point((const unsigned char *)s + i, n - i, &p[k]);
	*count = k;
	return p;
}

/* ---- distance ---- */

struct place {
	uint32_t point;
	size_t at;
};

static int by_point(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static size_t first_place(const struct place *p, size_t n, uint32_t point)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p[mid].point < point)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * One column of the distance table is kept as the signs of its vertical differences, 64 rows to a
 * word: up (+1) and down (-1). carry is the horizontal difference that enters a word from
 * the row above: +1 at the top, where the table's first row counts 0, 1, 2, ...
 */
static size_t distance(const uint32_t *a, size_t m, const uint32_t *b, size_t n)
{
	size_t words = (m + 63) / 64, d = m;
	uint64_t *up = xmalloc(words * sizeof *up), *down = xcalloc(words, sizeof *down);
	uint64_t *match = xcalloc(words, sizeof *match), last = 1ull << ((m - 1) & 63);
	struct place *places = xreallocarray(NULL, m, sizeof *places);

	memset(up, 0xff, words * sizeof *up);
	for (size_t i = 0; i < m; i++)
		places[i] = (struct place){a[i], i};
	qsort(places, m, sizeof *places, by_point);
	for (size_t j = 0; j < n; j++) {
		size_t k = first_place(places, m, b[j]);
		int carry = 1;

		for (size_t i = k; i < m && places[i].point == b[j]; i++)
			match[places[i].at / 64] |= 1ull << (places[i].at & 63);
		for (size_t w = 0; w < words; w++) {
			uint64_t eq = match[w], p = up[w], q = down[w], xv = eq | q, xh, hp, hm;
			uint64_t top = w + 1 == words ? last : 1ull << 63;
			int out;

			if (carry < 0)
				eq |= 1;
			xh = (((eq & p) + p) ^ p) | eq;
			hp = q | ~(xh | p);
			hm = p & xh;
			out = hp & top ? 1 : hm & top ? -1 : 0;
			hp = hp << 1 | (carry > 0);
			hm = hm << 1 | (carry < 0);
			up[w] = hm | ~(xv | hp);
			down[w] = hp & xv;
			carry = out;
		}
		d += carry;
		for (size_t i = k; i < m && places[i].point == b[j]; i++)
			match[places[i].at / 64] = 0;
	}
	free(up);
	free(down);
	free(match);
	free(places);
	return d;
}

size_t edit_distance(const char *a, size_t na, const char *b, size_t nb, size_t *total_points)
{
	size_t m, n, start = 0, d;
	uint32_t *p = points(a, na, &m), *q = points(b, nb, &n);

	if (total_points)
		*total_points = m + n;
	while (m && n && p[m - 1] == q[n - 1])
		m--, n--;
	while (start < m && start < n && p[start] == q[start])
		start++;
	m -= start;
	n -= start;
	d = !m ? n : !n ? m : distance(p + start, m, q + start, n);
	free(p);
	free(q);
	return d;
}

double edit_ratio(const char *a, size_t na, const char *b, size_t nb)
{
	size_t total, d = edit_distance(a, na, b, nb, &total);

	return total ? (double)d / (double)total : 0;
}

/* ---- word diff ---- */

enum { MAX_PAIRS = 1 << 24 };

struct word {
	size_t at, len;
};

static int letter(unsigned char c)
{
	return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static int space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct word *split(const char *s, size_t n, size_t *count)
{
	struct word *w = NULL;
	size_t k = 0, cap = 0;

	for (size_t i = 0; i < n;) {
		int (*kind)(unsigned char) = letter((unsigned char)s[i])  ? letter
		                             : space((unsigned char)s[i]) ? space
		                                                          : NULL;
		size_t end = i + 1;

		while (kind && end < n && kind((unsigned char)s[end]))
			end++;
		VEC_PUSH(w, k, cap) = (struct word){i, end - i};
		i = end;
	}
	*count = k;
	return w;
}

struct script {
	struct diff_span *v;
	size_t n, cap;
};

static void span(struct script *s, enum diff_kind kind, struct word w)
{
	struct diff_span *last = s->n ? &s->v[s->n - 1] : NULL;

	if (last && last->kind == kind && last->at + last->len == w.at)
		last->len += w.len;
	else
		VEC_PUSH(s->v, s->n, s->cap) = (struct diff_span){kind, w.at, w.len};
}

static int same(const char *a, struct word x, const char *b, struct word y)
{
	return x.len == y.len && !memcmp(a + x.at, b + y.at, x.len);
}

/* Diffs words x[m] and y[n] by a table of the longest common subsequence of the words from i and
 * from j on. */
static void middle(const char *a, const struct word *x, size_t m, const char *b,
                   const struct word *y, size_t n, struct script *s)
{
	size_t row = n + 1, i = 0, j = 0;
	uint32_t *best;

	if (m && n > MAX_PAIRS / m) {
		for (; i < m; i++)
			span(s, DIFF_DELETE, x[i]);
		for (; j < n; j++)
			span(s, DIFF_INSERT, y[j]);
		return;
	}
	best = xcalloc((m + 1) * row, sizeof *best);
	for (size_t p = m; p-- > 0;)
		for (size_t q = n; q-- > 0;) {
			uint32_t down = best[(p + 1) * row + q], right = best[p * row + q + 1];

			best[p * row + q] = same(a, x[p], b, y[q]) ? best[(p + 1) * row + q + 1] + 1
			                    : down > right         ? down
			                                           : right;
		}
	while (i < m || j < n) {
		if (i < m && j < n && same(a, x[i], b, y[j]))
			span(s, DIFF_KEEP, x[i++]), j++;
		else if (i < m && (j == n || best[(i + 1) * row + j] >= best[i * row + j + 1]))
			span(s, DIFF_DELETE, x[i++]);
		else
			span(s, DIFF_INSERT, y[j++]);
	}
	free(best);
}

void diff_words(const char *a, size_t na, const char *b, size_t nb, struct diff_span **out,
                size_t *count)
{
	size_t m, n, start = 0, end = 0;
	struct word *x = split(a, na, &m), *y = split(b, nb, &n);
	struct script s = {0};

	while (start < m && start < n && same(a, x[start], b, y[start]))
		span(&s, DIFF_KEEP, x[start++]);
	while (end < m - start && end < n - start && same(a, x[m - 1 - end], b, y[n - 1 - end]))
		end++;
	middle(a, x + start, m - start - end, b, y + start, n - start - end, &s);
	for (size_t i = m - end; i < m; i++)
		span(&s, DIFF_KEEP, x[i]);
	free(x);
	free(y);
	*out = s.v;
	*count = s.n;
}
