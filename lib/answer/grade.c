/* SPDX-License-Identifier: MIT */
/* One answer against its reference: what each of the graders makes of the two. */
#include "answer/inside.h"

#include <string.h>

typedef struct math_result compare(const char *gold, size_t n_gold, const char *got, size_t n_got,
                                   const struct math_opts *o);

static compare strings;

static const struct grader {
	int settle;                  /* chains are reduced to what they come to */
	struct math_opts o;
	compare *compare;
	const char *method;          /* NULL: as the comparison says */
} graders[] = {
	[MATH_STRICT] = {1, {.repeats = 1}, math_equal_choice, NULL},
	[MATH_LENIENT] = {1, {.repeats = 1, .lenient = 1}, math_equal_choice, NULL},
	[MATH_HENDRYCKS] = {0, {0}, strings, "hendrycks"},
};

static struct math_result strings(const char *gold, size_t n_gold, const char *got, size_t n_got,
                                  const struct math_opts *o)
{
	(void)o;
	return (struct math_result){
		.verdict = math_hendrycks(gold, n_gold, got, n_got) ? MATH_EQUAL : MATH_UNEQUAL};
}

static const char *text(const struct buf *b)
{
	return b->data ? b->data : "";
}

static int unparsed(const struct buf *b)
{
	struct math_tree *t = math_parse(text(b), b->len);
	int rc = !t->root;

	math_tree_free(t);
	return rc;
}

static void settle(const struct grader *by, struct buf *b)
{
	struct buf settled = {0};

	if (!by->settle)
		return;
	math_settle(text(b), b->len, &settled);
	buf_release(b);
	*b = settled;
}

static enum math_verdict verdict(const struct grader *by, const struct buf *gold,
                                 const struct buf *got)
{
	return by->compare(text(gold), gold->len, text(got), got->len, &by->o).verdict;
}

static void put_canonical(const struct grader *by, struct math_grade *g, enum math_verdict v)
{
	struct buf bare = {0}, none = {0};

	math_canonical(text(&g->got), g->got.len, &g->canonical);
	if (math_bare(text(&g->got), g->got.len, &bare) &&
	    !math_bare(text(&g->gold), g->gold.len, &none) && verdict(by, &g->gold, &bare) == v) {
		struct buf swap = g->canonical;

		g->canonical = bare;
		bare = swap;
	}
	buf_release(&bare);
	buf_release(&none);
}

static void compare_them(const struct grader *by, struct math_grade *g)
{
	struct math_result r;

	settle(by, &g->gold);
	settle(by, &g->got);
	r = by->compare(text(&g->gold), g->gold.len, text(&g->got), g->got.len, &by->o);
	g->method = by->method ? by->method : math_method_name(r.method);
	g->work = r.work;
	g->status = r.verdict == MATH_EQUAL     ? "pass"
	            : r.verdict == MATH_UNEQUAL ? "fail"
	            : unparsed(&g->got)         ? "unparsed"
	                                        : "unknown";
	put_canonical(by, g, r.verdict);
}

static void begin(struct math_grade *g, const char *reference, size_t n)
{
	g->status = "fail";
	g->method = "none";
	g->work = 0;
	buf_clear(&g->canonical);
	math_reference(reference, n, &g->gold);
}

void math_grade_response(const char *reference, size_t n_reference, const char *response, size_t n,
                         enum math_grader grader, struct math_grade *g)
{
	begin(g, reference, n_reference);
	g->found = math_extract(response, n, &g->got);
	if (g->found != MATH_NONE)
		compare_them(&graders[grader], g);
}

void math_grade_answer(const char *reference, size_t n_reference, const char *answer, size_t n,
                       enum math_grader grader, struct math_grade *g)
{
	begin(g, reference, n_reference);
	g->found = MATH_WHOLE;
	math_reference(answer, n, &g->got);
	compare_them(&graders[grader], g);
}

void math_grade_release(struct math_grade *g)
{
	buf_release(&g->gold);
	buf_release(&g->got);
	buf_release(&g->canonical);
}
