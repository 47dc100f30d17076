/* SPDX-License-Identifier: MIT */
/* Chains of equalities, what words of consequence lead to, and references that are more than an
 * answer. */
#include "answer/inside.h"

#include <string.h>

static int digit(const char *s, size_t n, size_t at)
{
	return at < n && s[at] >= '0' && s[at] <= '9';
}

static int is_word(const char *s, size_t from, size_t to, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (to - from == strlen(words[i]) && !memcmp(s + from, words[i], to - from))
			return 1;
	return 0;
}

/* The end of the control word (or control symbol) at a backslash. */
static size_t control(const char *s, size_t n, size_t at)
{
	size_t p = at + 1;

	while (p < n && text_letter(s[p]))
		p++;
	return p == at + 1 && p < n ? p + 1 : p;
}

/* Does it name no variable? e, i, constants, functions and units in \text do not count. */
static int constant(const char *s, size_t n)
{
	static const char *const texts[] = {"\\text", "\\mbox", "\\mathrm", "\\textbf", "\\textrm"};
	static const char *const fine[] = {
		"\\frac", "\\dfrac", "\\tfrac", "\\sqrt", "\\pi", "\\left", "\\right", "\\cdot", "\\times",
		"\\div", "\\pm", "\\infty", "\\circ", "\\degree", "\\%", "\\$", "\\!", "\\,", "\\;", "\\ ",
		"\\quad", "\\sin", "\\cos", "\\tan", "\\log", "\\ln", "\\binom", "\\displaystyle",
	};
	int any = 0;

	for (size_t at = 0; at < n; ) {
		size_t p = at + 1;

		if (s[at] == '\\') {
			p = control(s, n, at);
			if (is_word(s, at, p, texts, LEN(texts)))
				while (p < n && s[p] != '}')
					p++;
			else if (!is_word(s, at, p, fine, LEN(fine)))
				return 0;
		} else if (text_letter(s[at]) && s[at] != 'e' && s[at] != 'i')
			return 0;
		any |= !text_space(s[at]);
		at = p;
	}
	return any;
}

/* A letter, a Greek one, f(x), x_1: what an equation may say the value of. */
static int name(const char *s, size_t n)
{
	for (size_t at = 0; at < n; at++)
		if (strchr("+-*/^=", s[at]))
			return 0;
	return n > 0;
}

/* \text{Area of } ABC: words, then capital letters at most. */
static int labelled(const char *s, size_t n)
{
	const char *end = n > 6 && !memcmp(s, "\\text{", 6) ? memchr(s, '}', n) : NULL;

	for (const char *p = end; p && p < s + n; p++)
		if ((*p >= 'a' && *p <= 'z') || *p == '\\')
			return 0;
	return end != NULL && name(s, n);
}

/* An equation that holds for all values is a calculation: 90r - 44r = 46r. */
static int identity(const char *a, size_t na, const char *b, size_t nb)
{
	struct math_opts o = {0};
	struct math_result r = math_equal(a, na, b, nb, &o);

	return r.verdict == MATH_EQUAL && (r.method == MATH_BY_EXACT || r.method == MATH_BY_ALGEBRAIC);
}

struct chain {
	size_t first, last, count;   /* of the equality signs at the top level */
	size_t approx, after;        /* of the first sign of approximation, and behind it */
	size_t start;                /* behind "so" or the like that it begins with */
	size_t lead;                 /* behind the last word or sign of consequence; 0: none */
	int other;                   /* a list or another relation: no chain */
};

static struct chain read_chain(const char *s, size_t n)
{
	static const char *const about[] = {"\\approx", "\\simeq", "\\doteq", "\\thickapprox"};
	static const char *const relations[] = {
		"\\neq", "\\ne", "\\le", "\\leq", "\\ge", "\\geq", "\\lt", "\\gt", "\\in", "\\cup", "\\cap",
		"\\begin", "\\equiv", "\\subset", "\\to", "\\quad", "\\qquad", "\\\\",
	};
	struct chain c = {.approx = n, .after = n};
	size_t depth = 0;
	int begins = 1;

	for (size_t at = 0; at < n; ) {
		size_t p = at + 1, mark = 0, len = 1;
		enum connective joint = depth ? CONNECT_NOT : math_connective(s, n, at, begins, &len);

		begins &= text_space(s[at]) || joint == CONNECT_LEADS || s[at] == ',';
		if (joint == CONNECT_LEADS) {
			p = at + len;
			*(begins ? &c.start : &c.lead) = p;
		} else if (joint == CONNECT_JOINS) {
			p = at + len;
			c.other = 1;
		} else if (len > 1 && text_letter(s[at])) {
			p = at + len;
		} else if (s[at] == '\\') {
			p = control(s, n, at);
			mark = is_word(s, at, p, about, LEN(about)) ? p : 0;
			c.other |= is_word(s, at, p, relations, LEN(relations));
		} else if (n - at >= 3 && !memcmp(s + at, "\xe2\x89\x88", 3)) {
			mark = p = at + 3;
		} else if (strchr("{([", s[at]) && s[at]) {
			depth++;
		} else if (strchr("})]", s[at]) && s[at]) {
			depth -= depth > 0;
		} else if (!depth &&
		           (s[at] == '<' || s[at] == '>' || s[at] == ';' || s[at] == '!' || s[at] == ':')) {
			c.other |= s[at] != '!' || (p < n && s[p] == '=');
		} else if (!depth && s[at] == ',' && !begins) {
			c.other |= !(digit(s, n, at + 1) && digit(s, n, at + 2) && digit(s, n, at + 3) &&
			             !digit(s, n, at + 4));
		} else if (!depth && s[at] == '=' && c.approx == n) {
			c.first = c.count++ ? c.first : at;
			c.last = at;
		}
		if (mark && c.approx == n) {
			c.approx = at;
			c.after = mark;
		}
		at = p;
	}
	return c;
}

/* Is the text about this letter alone, as 2x = 6 is about x? */
static int only_about(const char *s, size_t n, char name)
{
	for (size_t at = 0; at < n; at = s[at] == '\\' ? control(s, n, at) : at + 1)
		if (text_letter(s[at]) && s[at] != name)
			return 0;
	return 1;
}

/* What stands behind words of consequence counts if it is a bare value (n = 3 gives 10), or the
 * value of the one letter that all before it is about (2x = 6, so x = 3); not f(3) = 4 after f(2) =
 * 3. 0: it does not. */
static size_t conclusion(const char *s, size_t n, const struct chain *c)
{
	struct chain tail = read_chain(s + c->lead, n - c->lead);
	size_t at = c->lead, p;

	while (at < n && (text_space(s[at]) || s[at] == ','))
		at++;
	if (c->other || at == n || tail.other || tail.lead || tail.count > 1)
		return 0;
	for (p = at + 1; p < n && text_space(s[p]); p++)
		;
	if (!tail.count)
		return at;
	return text_letter(s[at]) && p < n && s[p] == '=' && only_about(s, at, s[at]) ? at : 0;
}

static void settle_chain(const char *s, size_t n, const struct chain *c, struct buf *out)
{
	size_t at = 0, end = n, rhs = c->last + 1;

	while (at < n && text_space(s[at]))
		at++;
	if (c->approx < n && c->approx > at)
		end = c->approx;
	else if (c->approx == at && at < n)
		at = c->after;
	/* x \approx 0.67: a name, then its value */
	if (!c->count && end == c->approx && constant(s + c->after, n - c->after) &&
	    (labelled(s + at, end - at) ||
	     (name(s + at, end - at) && !constant(s + at, end - at)))) {
		if (!labelled(s + at, end - at)) {
			buf_add(out, s + at, end - at);
			buf_addc(out, '=');
		}
		buf_add(out, s + c->after, n - c->after);
	} else if (c->count && !constant(s + rhs, end - rhs) && !name(s + at, c->first - at) &&
	    identity(s + at, c->first - at, s + rhs, end - rhs))
		buf_add(out, s + rhs, end - rhs);
	else if (!c->count || !constant(s + rhs, end - rhs))
		buf_add(out, s + at, end - at);
	else if (constant(s + at, c->first - at))
		buf_add(out, s + rhs, end - rhs);
	else {
		/* from a name: what it is; else, and from a name in words: what the expression comes to */
		if (!labelled(s + at, c->first - at) && (c->count == 1 || name(s + at, c->first - at)))
			buf_add(out, s + at, c->first + 1 - at);
		buf_add(out, s + rhs, end - rhs);
	}
}

void math_settle(const char *s, size_t n, struct buf *out)
{
	struct chain c = read_chain(s, n);

	buf_clear(out);
	if (c.start) {
		s += c.start;
		n -= c.start;
		while (n && (text_space(*s) || *s == ','))
			s++, n--;
		c = read_chain(s, n);
		c.other |= c.start > 0;
	}
	if (c.lead) {
		size_t from = conclusion(s, n, &c);

		c.other |= !from;
		if (from) {
			s += from;
			n -= from;
			c = read_chain(s, n);
		}
	}
	if (c.other)
		buf_add(out, s, n);
	else
		settle_chain(s, n, &c, out);
}

/* ---- references ---- */

static int holds(const char *s, size_t n, const char *what)
{
	return memmem(s, n, what, strlen(what)) != NULL;
}

void math_reference(const char *s, size_t n, struct buf *out)
{
	static const char *const more[] = {"\\boxed", "\\fbox", "nswer is", "nswer:", "####"};
	struct buf found = {0};

	while (n && text_space(*s))
		s++, n--;
	while (n && text_space(s[n - 1]))
		n--;
	buf_clear(out);
	for (size_t i = 0; i < LEN(more); i++)
		if (holds(s, n, more[i]) && math_extract(s, n, &found) != MATH_NONE) {
			buf_add(out, found.data, found.len);
			buf_release(&found);
			return;
		}
	buf_release(&found);
	/* one formula, not two beside text; \$ at the end is money */
	for (size_t marks = n > 2 && s[0] == '$' && s[1] == '$' ? 2 : 1; marks; marks--)
		if (n > 2 * marks && s[0] == '$' && s[n - 1] == '$' && s[n - 2] != '\\' &&
		    !memchr(s + marks, '$', n - 2 * marks)) {
			s += marks;
			n -= 2 * marks;
			break;
		}
	if (n > 4 && s[0] == '\\' && s[n - 2] == '\\' &&
	    ((s[1] == '(' && s[n - 1] == ')') || (s[1] == '[' && s[n - 1] == ']'))) {
		s += 2;
		n -= 4;
	}
	buf_add(out, s, n);
}
