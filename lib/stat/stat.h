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

/* Probability that a variable of the beta distribution with a, b > 0 is below x. */
double beta_below(double x, double a, double b);

/*
 * Mean of the n numbers x[0], x[stride], ... in [0, 1] (NaN: left out) and its exact 95 % interval
 * (Clopper and Pearson 1934), which covers however few of them are not 0. Where a number is
 * itself a mean of trials, the mean of all is as sure as one of so many yes-or-no trials that
 * its variance is the same (Korn and Graubard 1998): n at least, trials at most.
 */
struct interval share_interval(const double *x, size_t n, size_t stride, double trials);

/*
 * The same for numbers in [-range, range]: the shares of what is above 0 and of what is below
 * are each given their interval, and these are joined as those of two correlated shares (Zou and
 * Donner 2008). Zeros alone are no certainty, either.
 */
struct interval difference_interval(const double *x, size_t n, size_t stride, double range,
                                    double trials);

/*
 * A rate among those it concerns: the sum of x[n][2]'s first column over that of the second, row by
 * row 0 <= first <= second <= 1, and its interval as share_interval's; the variance is that of the
 * linearised ratio, and a row counts as what its denominator weighs. Denominators of 0 only: NaN
 * three times. trials: of all rows, whatever their denominators.
 */
struct interval rate_interval(const double *x, size_t n, double trials);

/* The rate of x[n][4]'s first two columns less that of the last two, joined as those of two
 * correlated shares. */
struct interval rate_difference(const double *x, size_t n, double trials);

/*
 * The sum of x[n][2]'s first column over that of the second, or (m = 4) that less the same of the
 * last two columns, with the percentile interval of the bootstrap, whose rows are bootstrap's. No
 * row may be NaN. Over 0 the ratio is infinite, and so is then an end of the interval; an infinite
 * one less another is unknown, and widens it at both ends.
 */
struct interval bootstrap_ratio(const double *x, size_t n, size_t m, uint64_t seed,
                                size_t resamples);

#endif
