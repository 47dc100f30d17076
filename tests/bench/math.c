/* SPDX-License-Identifier: MIT */
/*
 * Grading mathematics, for `make bench`: each answer of a file against a response that boxes it, or
 * the answer so many places later, extraction and all, as peers.py's math does it. Every line on
 * stdin, "math PLACES", is one measurement, answered by a line of JSON. One thread.
 *
 *   math ANSWERS.jsonl
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jsonl/jsonl.h"
#include "answer/answer.h"

struct pair {
	char *gold, *response;
};

static struct pair *pairs;
static size_t n_pairs, cap_pairs;

static void read_pairs(const char *path)
{
	struct jl_in *in;
	struct js rec;
	struct err e;
	int rc;

	if (jl_open(path, &in, &e))
		die(EXIT_ERROR, "%s", e.msg);
	while ((rc = jl_read(in, &rec, &e)) > 0) {
		struct js v = js_get(rec, "answer");
		struct buf response = {0};

		buf_addf(&response, "The answer is $\\boxed{%s}$", js_string(v));
		VEC_PUSH(pairs, n_pairs, cap_pairs) = (struct pair){xstrdup(js_string(v)), response.data};
		js_free(v);
		js_free(rec);
	}
	if (rc < 0 || !n_pairs)
		die(EXIT_ERROR, "%s", rc < 0 ? e.msg : "no pairs");
	jl_close(in);
}

static int equal(const char *reference, const char *response, struct buf *gold, struct buf *got,
                 struct buf *raw)
{
	struct math_opts o = {0};

	math_reference(reference, strlen(reference), raw);
	math_settle(raw->data ? raw->data : "", raw->len, gold);
	math_extract(response, strlen(response), raw);
	math_settle(raw->data ? raw->data : "", raw->len, got);
	return math_equal(gold->data ? gold->data : "", gold->len, got->data ? got->data : "", got->len,
	                  &o)
	           .verdict == MATH_EQUAL;
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(size_t places)
{
	double *took = xcalloc(n_pairs, sizeof *took), began = now_seconds(), last = began;
	struct buf gold = {0}, got = {0}, raw = {0};
	size_t right = 0;

	for (size_t i = 0; i < n_pairs; i++) {
		double now;

		right +=
		    (size_t)equal(pairs[i].gold, pairs[(i + places) % n_pairs].response, &gold, &got, &raw);
		now = now_seconds();
		took[i] = now - last;
		last = now;
	}
	qsort(took, n_pairs, sizeof *took, rising);
	printf("{\"math\":{\"seconds\":%.9g,\"tokens\":%zu},\"equal\":%zu,\"latency\":{\"p50\":%.6g,"
	       "\"p99\":%.6g,\"max\":%.6g},\"rss_anon\":%llu}\n",
	       last - began, n_pairs, right, took[n_pairs / 2], took[(size_t)(0.99 * (double)n_pairs)],
	       took[n_pairs - 1], (unsigned long long)rss_anon());
	fflush(stdout);
	free(took);
	buf_release(&gold);
	buf_release(&got);
	buf_release(&raw);
}

int main(int argc, char **argv)
{
	char line[64];

	prog_init(argv[0]);
	if (argc != 2)
		die(EXIT_USAGE, "usage: math ANSWERS.jsonl");
	read_pairs(argv[1]);
	printf("{\"pairs\":%zu}\n", n_pairs);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		size_t places;

		if (sscanf(line, "math %zu", &places) != 1)
			die(EXIT_ERROR, "no such measurement: %s", line);
		measure(places);
	}
	for (size_t i = 0; i < n_pairs; i++) {
		free(pairs[i].gold);
		free(pairs[i].response);
	}
	free(pairs);
	return EXIT_DONE;
}
