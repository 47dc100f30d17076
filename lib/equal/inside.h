/* SPDX-License-Identifier: MIT */
/*
 * Private to this room: comparing the structure of answers. An item is a node with a sign chosen
 * for its \pm. Verdicts combine like "and": one certain difference makes it unequal, otherwise one
 * unknown makes it unknown.
 */
#ifndef EQUAL_INSIDE_H
#define EQUAL_INSIDE_H

#include "equal/equal.h"

struct item {
	const struct math_node *n;
	int pm;                      /* +1, -1; 0: \pm in it means both */
};

struct eq {
	const struct math_opts *o;
	struct xs *s;
	int depth;
	int members;                 /* comparing members of a set or list: {2} is not 2 */
	int swapped;                 /* the reference is the second item */
};

struct items {
	struct item *i;
	size_t n, cap;
};

static inline struct math_result eq_result(enum math_verdict v, enum math_method m)
{
	return (struct math_result){.verdict = v, .method = v == MATH_UNKNOWN ? MATH_BY_NOTHING : m};
}
#define EQ_UNKNOWN eq_result(MATH_UNKNOWN, MATH_BY_NOTHING)
#define EQ_DIFFERENT eq_result(MATH_UNEQUAL, MATH_BY_EXACT)
#define EQ_SAME eq_result(MATH_EQUAL, MATH_BY_EXACT)

/* equal.c: any two items. */
struct math_result eq_item(struct eq *e, struct item a, struct item b);
/* Two formulas. */
struct math_result eq_value(struct eq *e, struct item a, struct item b);
struct math_result eq_and(struct math_result a, struct math_result b);
/* Equal if either way is; unequal if both ways are. */
struct math_result eq_or(struct math_result a, struct math_result b);
int eq_is_formula(const struct math_node *n);
int eq_has_pm(const struct math_node *n);
/* True if a variable of this name occurs. */
int eq_mentions(const struct math_node *n, const char *name);

/* sets.c */
/* The members of a list or set, with \pm expanded. */
void eq_items(struct item a, struct items *out);
/* Compares as multisets; may remove repeats from the answer. */
struct math_result eq_multiset(struct eq *e, struct items *a, struct items *b);
/* True if a list names several variables, as in x = 1, y = 2. */
int eq_several_names(const struct items *l);
/* x = 9, y = 10 against (9, 10); names: (x, y) of (x, y) = (9, 10), or NULL; first: the list is
 * a. */
struct math_result eq_system(struct eq *e, struct item list, const struct math_node *names,
                             struct item tuple, int first);
/* Compares kids in order. */
struct math_result eq_sequence(struct eq *e, const struct math_node *a, int pa,
                               const struct math_node *b, int pb);

/* reals.c */
/* Sets of real numbers: intervals, unions, inequalities in one variable. */
struct math_result eq_real_set(struct eq *e, struct item a, struct item b);
int eq_is_real_set(const struct math_node *n);

/* relation.c */
struct math_result eq_relation(struct eq *e, struct item a, struct item b);
/* a \pmod m and b \pmod m. */
struct math_result eq_residue(struct eq *e, struct item a, struct item b);
/* The right side of x = value, f(x) = value, AB = value, (p, q) = (3, 2) or x in set; NULL for
 * others. */
const struct math_node *eq_definition(const struct math_node *n);

/* parts.c: units, ratios, bases, text */
/* True if it has a unit other than percent and degrees, which are numbers. */
int eq_has_unit(const struct math_node *n);
struct math_result eq_unit(struct eq *e, struct item a, struct item b);
struct math_result eq_ratio(struct eq *e, struct item a, struct item b);
struct math_result eq_base(struct eq *e, struct item a, struct item b);
struct math_result eq_text(const struct math_node *a, const struct math_node *b);

/* matrix.c */
struct math_result eq_matrix(struct eq *e, struct item a, struct item b);
/* True if a matrix or a tuple of several values occurs in a sum or product here. */
int eq_holds_vector(const struct math_node *n);
/* Evaluates and compares such expressions; one side may be a number, or written with i, j and k. */
struct math_result eq_vectors(struct eq *e, struct item a, struct item b);

#endif
