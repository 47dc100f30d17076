/* SPDX-License-Identifier: MIT */
/*
 * stat: statistics on results: the distance and difference of two texts, and means with confidence
 * intervals. Knows no JSON, trajectories or models. Called by score-eval and score-show.
 */
#ifndef STAT_H
#define STAT_H

#include "base/base.h"

/* ---- texts ------------------------------------------------------------- */

/*
 * Levenshtein distance (insert, delete, replace cost 1) in Unicode code points; a byte that is not
 * UTF-8 counts as one. Bit-parallel, by columns of 64 (Myers 1999, Hyyro 2003): O(na * nb / 64)
 * time, O(na + nb) memory. Lengths in bytes; total_points, if not NULL, receives the sum of both
 * lengths in code points.
 */
size_t edit_distance(const char *a, size_t na, const char *b, size_t nb, size_t *total_points);

/* edit_distance over the total length of both texts: 0 equal, 0.5 all replaced, 1 one is empty.
 * Two empty texts: 0. */
double edit_ratio(const char *a, size_t na, const char *b, size_t nb);

/* One span of a word diff: len bytes from offset at of a (kept, deleted) or of b (inserted). */
enum diff_kind { DIFF_KEEP, DIFF_DELETE, DIFF_INSERT };
struct diff_span {
	enum diff_kind kind;
	size_t at, len;
};

/*
 * Longest common subsequence by words (runs of letters, digits and non-ASCII bytes; runs of white
 * space; other bytes singly). Spans are in reading order, adjacent ones of a kind are joined,
 * deletions precede insertions; *out is malloced. With more than 2^24 word pairs, only the common
 * beginning and end are kept.
 */
void diff_words(const char *a, size_t na, const char *b, size_t nb, struct diff_span **out,
                size_t *n);

/* ---- means with intervals -------------------------------------------------- */

struct interval {
	double value, lo, hi;
};

/*
 * Means of the columns of x[n][m] (row-major; NaN: no value for that row and column) and their 95 %
 * percentile bootstrap intervals: rows are drawn with replacement, the same rows for every column,
 * so that the columns' intervals are paired. Depends on x and seed only, not on the machine. A
 * column without values gives NaN three times.
 */
void bootstrap(const double *x, size_t n, size_t m, uint64_t seed, size_t resamples,
               struct interval *out);

#endif
