/* SPDX-License-Identifier: MIT */
/*
 * stat: the arithmetic of looking at results: how far two texts are apart, where
 * they differ, and how sure a mean is. Knows no JSON, no trajectory, no model.
 * score-eval and score-show call it.
 */
#ifndef STAT_H
#define STAT_H

#include "base/base.h"

/* ---- texts ------------------------------------------------------------- */

/*
 * Levenshtein distance (insert, delete, replace cost 1) in Unicode code points; a byte that
 * is not UTF-8 counts as one. Bit-parallel, by columns of 64 (Myers 1999, Hyyro 2003):
 * O(na * nb / 64) time, O(na + nb) memory. Lengths in bytes; total_points, if not NULL,
 * receives the two lengths' sum in code points.
 */
size_t edit_distance(const char *a, size_t na, const char *b, size_t nb, size_t *total_points);

/* edit_distance over the total length of both texts: 0 equal, 0.5 all replaced, 1 one is empty.
 * Two empty texts: 0. */
double edit_ratio(const char *a, size_t na, const char *b, size_t nb);

/* One stretch of a word diff: len bytes of a (kept, deleted) or of b (inserted) from at. */
enum diff_kind { DIFF_KEEP, DIFF_DELETE, DIFF_INSERT };
struct diff_span {
	enum diff_kind kind;
	size_t at, len;
};

/*
 * Longest common subsequence by words (runs of letters, digits and non-ASCII bytes; runs of
 * white space; other bytes alone). Spans in reading order, neighbours of a kind joined,
 * deletions before insertions; *out is malloced. Texts of more than 2^24 word pairs
 * are told apart by their common beginning and end only.
 */
void diff_words(const char *a, size_t na, const char *b, size_t nb, struct diff_span **out,
                size_t *n);

/* ---- means with intervals -------------------------------------------------- */

struct interval {
	double value, lo, hi;
};

/*
 * Means of the columns of x[n][m] (row-major; NaN: that row says nothing about that column) and
 * their 95 % percentile bootstrap intervals: rows are drawn with replacement, the same rows for
 * every column, so that the columns' intervals are paired. Depends on x and seed only, not on the
 * machine. A column without any number gives NaN three times.
 */
void bootstrap(const double *x, size_t n, size_t m, uint64_t seed, size_t resamples,
               struct interval *out);

#endif
