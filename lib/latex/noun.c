/* SPDX-License-Identifier: MIT */
/*
 * Classifies words after a number that are not units of measure: those that are counted ("5
 * apples", "12 distinct integers"), so that the number alone means the same, and those that may be
 * mathematics or change the meaning ("3 pi", "5 thousandths", "3 wrong"). A word that is in no list
 * and not a plural is neither.
 */
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "latex/inside.h"

/* Counted, though without a plural s: irregular plurals, and things often counted one at a time. */
static const char *const counted[] = {
	"people", "children", "men", "women", "feet", "teeth", "geese", "mice", "fish", "sheep", "deer",
	"dice", "oxen", "cattle", "person", "child", "man", "woman", "unit", "way", "apple", "orange",
	"book", "page", "student", "teacher", "car", "bus", "dog", "cat", "bird", "egg", "boy", "girl",
	"friend", "point", "ticket", "cookie", "marble", "ball", "coin", "card", "pencil", "pen",
	"game", "tree", "flower", "house", "room", "box", "bag", "bottle", "piece", "slice", "pizza",
	"cake", "candy", "chair", "table", "worker", "player", "team", "member", "solution", "integer",
	"number", "value", "pair", "element", "digit", "factor", "divisor", "triangle", "square",
	"circle", "rectangle", "face", "edge", "vertex", "side", "angle", "subset", "function",
	"polynomial", "step", "turn", "move", "trip", "item", "token", "prize", "vote", "seat", "row",
	"column", "block",
};

/* Not counted, though ending in s. */
static const char *const no_plural[] = {
	"always", "perhaps", "sometimes", "else", "unless", "otherwise", "besides", "plus", "minus",
	"times", "thus", "this", "its", "hers", "ours", "theirs", "yours", "is", "was", "has", "does",
	"equals", "means", "implies", "gives", "yields", "makes", "exceeds", "fails", "loses",
	"differs", "excludes", "lies", "works", "suffices", "holds", "remains", "becomes", "contains",
	"needs", "wants", "wrongs", "negatives", "opposites", "reciprocals", "inverses", "afterwards",
	"backwards", "upwards", "downwards", "towards", "versus", "various", "previous", "sines",
	"cosines", "tangents", "logs", "logarithms", "exponents", "factorials", "nils", "nulls",
	"zeros", "percents", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights",
	"nines", "tens", "variables", "pis", "alphas", "betas", "thetas", "lambdas", "approximations",
	"guesses", "estimates", "bounds",
};

/* Words that, anywhere in a phrase, mean that the number may not be the answer. */
static const char *const doubtful[] = {
	"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
	"twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
	"hundreds", "thousand", "thousands", "million", "millions", "billion", "billions", "trillion",
	"trillions", "dozen", "dozens", "score", "half", "halves", "third", "thirds", "quarter",
	"quarters", "fourth", "fourths", "fifth", "fifths", "sixth", "sixths", "seventh", "sevenths",
	"eighth", "eighths", "ninth", "ninths", "tenth", "tenths", "hundredth", "hundredths",
	"thousandth", "thousandths", "millionth", "millionths", "billionth", "billionths", "double",
	"triple", "twice", "thrice", "wrong", "incorrect", "false", "invalid", "never", "none",
	"negative", "maybe", "possibly", "probably", "perhaps", "nearly", "almost", "roughly",
	"estimated", "approximate", "guess", "infinite", "infinitely", "infinity", "imaginary", "root",
	"power", "cube", "mixed", "recurring", "repeating", "squareroot", "unknown", "undefined",
	"impossible", "error", "instead", "rather", "without", "excluding", "inverse",
};

static int in(const char *s, size_t n, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i]) == n && !strncasecmp(s, list[i], n))
			return 1;
	return 0;
}

/* True for names used in mathematics: pi, sqrt, alpha, log, mod. */
static int mathematical(const char *s, size_t n)
{
	const struct name *names[2] = {name_plain(s, n), name_command(s, n)};

	for (size_t i = 0; i < LEN(names); i++)
		if (names[i] && names[i]->kind < TC_DROP && names[i]->kind != TK_WORD &&
		    names[i]->kind != TK_MONEY)
			return 1;
	return 0;
}

enum noun noun_of(const char *s, size_t n)
{
	char low[32];
	const char *dash;

	if (n < 2 || n > sizeof low)
		return NOUN_DOUBTFUL;
	for (size_t i = 0; i < n; i++) {
		low[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
		if ((low[i] < 'a' || low[i] > 'z') && (low[i] != '-' || !i))
			return NOUN_DOUBTFUL;
	}
	/* half-dozens are dozens; two-digit numbers are numbers */
	dash = memrchr(low, '-', n);
	if (dash && noun_of(dash + 1, n - (size_t)(dash + 1 - low)) == NOUN_DOUBTFUL)
		return NOUN_DOUBTFUL;
	if (in(low, n, doubtful, LEN(doubtful)) || mathematical(low, n))
		return in(low, n, counted, LEN(counted)) ? NOUN_COUNTED : NOUN_DOUBTFUL;
	if (in(low, n, counted, LEN(counted)))
		return NOUN_COUNTED;
	if (n > 3 && low[n - 1] == 's' && low[n - 2] != 's' && low[n - 2] != 'u' && low[n - 2] != 'i' &&
	    !in(low, n, no_plural, LEN(no_plural)))
		return NOUN_COUNTED;
	return NOUN_OTHER;
}
