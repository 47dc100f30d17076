/* SPDX-License-Identifier: MIT */
/*
 * Equality on the answers of MATH, which are read where they are (../shared/data) and not kept
 * here: each equals itself and itself rewritten, as text and as a tree; generated near-misses equal
 * nothing. The generators' seed is fixed. NEAR=N makes N near-misses instead of 2,000.
 */
#include <stdlib.h>
#include <unistd.h>

#include "jsonl/jsonl.h"
#include "math_print.h"
#include "tap.h"

enum { SHOWN = 12 };

static struct answer {
	char *s;
	size_t n;
	struct math_tree *tree;
} *answers;
static size_t n_answers, cap_answers;

static int read_answers(const char *path)
{
	struct jl_in *in;
	struct js rec;
	struct err e;
	int rc;

	if (jl_open(path, &in, &e))
		return -1;
	while ((rc = jl_read(in, &rec, &e)) > 0) {
		struct js v = js_get(rec, "answer");
		struct answer a = {xstrndup(js_string(v), js_string_len(v)), js_string_len(v), NULL};

		a.tree = math_parse(a.s, a.n);
		VEC_PUSH(answers, n_answers, cap_answers) = a;
		js_free(v);
		js_free(rec);
	}
	jl_close(in);
	return rc;
}

/* Both ways. */
static enum math_verdict verdict(const struct answer *a, const struct buf *b)
{
	struct math_opts o = {0};
	struct math_result forth = math_equal(a->s, a->n, b->data, b->len, &o),
	                   back = math_equal(b->data, b->len, a->s, a->n, &o);

	return forth.verdict == back.verdict ? forth.verdict : MATH_UNKNOWN;
}

/* ---- rewriting the text ---- */

static int plain_text(const struct answer *a)
{
	return !strstr(a->s, "\\text") && !strstr(a->s, "\\mbox") && !strstr(a->s, "\\begin") &&
	       !strstr(a->s, "\\mathrm") && !strstr(a->s, "\\!") && a->tree->root &&
	       a->tree->root->kind != MT_TEXT;
}

static int letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int digit(char c)
{
	return c >= '0' && c <= '9';
}

static void replaced(const char *s, const char *from, const char *to, struct buf *out)
{
	size_t n = strlen(from);

	while (*s)
		if (!strncmp(s, from, n) && (!letter(from[n - 1]) || !letter(s[n]))) {
			buf_adds(out, to);
			s += n;
		} else
			buf_addc(out, *s++);
}

/* Room around signs and brackets. */
static void spaced(const char *s, const char *gap, struct buf *out)
{
	for (size_t i = 0; s[i]; i++) {
		int sign = strchr("+-=()[]{}", s[i]) && (!i || s[i - 1] != '\\') &&
		           !(i && strchr("{", s[i]) && letter(s[i - 1]));

		buf_addc(out, s[i]);
		if (sign && s[i + 1] && strchr("+=([", s[i]))
			buf_adds(out, gap);
		if (s[i] == ',' && s[i + 1] && !(i && digit(s[i - 1]) && digit(s[i + 1])) &&
		    s[i + 1] != '\\' && (!i || (s[i - 1] != '\\' && s[i - 1] != '{')))
			buf_adds(out, gap);
	}
}

/* (a) as \left(a\right), if there is neither yet and they pair. */
static int sized(const char *s, struct buf *out)
{
	int depth = 0;

	if (strstr(s, "\\left") || strstr(s, "\\big") || strchr(s, '[') || strchr(s, ']') ||
	    !strchr(s, '('))
		return 0;
	for (; *s; s++) {
		depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
		if (depth < 0)
			return 0;
		buf_addf(out, "%s%c", *s == '(' ? "\\left" : *s == ')' ? "\\right" : "", *s);
	}
	return !depth;
}

static int whole_number(const struct math_node *m)
{
	return m && m->kind == MT_NUMBER && !m->decimals && !m->repeat &&
	       !(m->flags & (MT_F_GROUPED | MT_F_WORD));
}

static void grouped(const char *digits, size_t n, const char *mark, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			buf_adds(out, mark);
		buf_addc(out, digits[i]);
	}
}

/* Way k of writing the text in another way: 1, or 0 where it does not apply, or -1: no more
 * ways. */
static int rewrite_text(const struct answer *a, int k, struct buf *out)
{
	const struct math_node *m = a->tree->root;
	int number = m && m->kind == MT_NUMBER && !(m->flags & MT_F_WORD);

	switch (k) {
	case 0: buf_add(out, a->s, a->n); return 1;
	case 1: buf_addf(out, "$%s$", a->s); return !strchr(a->s, '$');
	case 2: buf_addf(out, "\\( %s \\)", a->s); return !strchr(a->s, '$');
	case 3: buf_addf(out, " %s .", a->s); return 1;
	case 4: replaced(a->s, "\\frac", "\\dfrac", out); return strstr(a->s, "\\frac") != NULL;
	case 5: replaced(a->s, "\\dfrac", "\\tfrac", out); return strstr(a->s, "\\dfrac") != NULL;
	case 6: spaced(a->s, " ", out); return plain_text(a);
	case 7: spaced(a->s, "\\,", out); return plain_text(a);
	case 8: spaced(a->s, "\\; ", out); return plain_text(a);
	case 9: return plain_text(a) && sized(a->s, out);
	case 10:
		replaced(a->s, "\\left", "", out);
		return strstr(a->s, "\\left") && !strstr(a->s, "\\left.") && !strstr(a->s, "\\left|");
	/* {1, 2} and {x : ..} are sets */
	case 11:
		buf_addf(out, "{%s}", a->s);
		return plain_text(a) && m->kind != MT_LIST && m->kind != MT_RATIO;
	case 12: replaced(a->s, "\\cdot", "\\times", out); return strstr(a->s, "\\cdot") != NULL;
	case 13: replaced(a->s, "\\le", "\\leq", out); return strstr(a->s, "\\le ") != NULL;
	case 14: grouped(a->s, a->n, ",", out); return whole_number(m) && a->n > 3 && a->n == m->len;
	case 15: grouped(a->s, a->n, "{,}", out); return whole_number(m) && a->n > 3 && a->n == m->len;
	case 16: grouped(a->s, a->n, ",\\!", out); return whole_number(m) && a->n > 3 && a->n == m->len;
	case 17: buf_addf(out, "%s\\text{ cm}", a->s); return number;
	case 18: buf_addf(out, "%s\\mbox{ square units}", a->s); return number;
	case 19: buf_addf(out, "%s.00", a->s); return whole_number(m) && a->n == m->len;
	case 20: buf_addf(out, "x = %s", a->s); return number;
	case 21: buf_addf(out, "\\displaystyle %s", a->s); return 1;
	case 22:
		buf_addf(out, "\\text{%s}", a->s);
		return m && m->kind == MT_TEXT && !strchr(a->s, '\\');
	case 23: buf_addf(out, "\\$%s", a->s); return number;
	case 24: buf_addf(out, "%s^\\circ", a->s); return number;
	case 25: buf_addf(out, "\\textbf{%s}", a->s); return whole_number(m);
	case 26: replaced(a->s, "\\!", "", out); return strstr(a->s, "\\!") && !strstr(a->s, "\\! ");
	case 27: replaced(a->s, "\\pi", "\xcf\x80", out); return strstr(a->s, "\\pi") != NULL;
	case 28: replaced(a->s, "-", "\xe2\x88\x92", out); return plain_text(a) && strchr(a->s, '-');
	}
	return -1;
}

/* ---- rewriting the tree ---- */

/* Are all its nodes of these kinds, in a bit set? */
static int made_of(const struct math_node *m, uint64_t kinds)
{
	if (!(kinds >> m->kind & 1) || m->flags & MT_F_MAYBE_UNIT)
		return 0;
	for (uint32_t i = 0; i < m->n; i++)
		if (!made_of(m->kid[i], kinds))
			return 0;
	return 1;
}

#define BIT(k) ((uint64_t)1 << (k))

static int expression(const struct math_node *m)
{
	return m->kind != MT_VAR &&
	       made_of(m, BIT(MT_NUMBER) | BIT(MT_CONST) | BIT(MT_VAR) | BIT(MT_ADD) | BIT(MT_NEG) |
	                      BIT(MT_MUL) | BIT(MT_DIV) | BIT(MT_MIXED) | BIT(MT_POW) | BIT(MT_ROOT) |
	                      BIT(MT_FUNC));
}

static int infinite(const struct math_node *m)
{
	if (m->kind == MT_CONST && m->op == MC_INF)
		return 1;
	for (uint32_t i = 0; i < m->n; i++)
		if (infinite(m->kid[i]))
			return 1;
	return 0;
}

static struct printer printer(struct buf *out)
{
	return (struct printer){.out = out, .frac = "\\frac", .gap = ""};
}

static int small_integer(const struct math_node *m, long *v)
{
	int64_t x;
	int minus = m->kind == MT_NEG;

	m = minus ? m->kid[0] : m;
	if (m->kind != MT_NUMBER || m->decimals || m->len > 6 ||
	    parse_i64(m->text, 0, 999999, &x, NULL))
		return 0;
	*v = (long)(minus ? -x : x);
	return 1;
}

/* One term of an integer polynomial in one variable: adds to c. */
static int term(const struct math_node *m, const char **var, long *c, long sign)
{
	long v = 1, power = 0;

	if (m->kind == MT_NEG)
		return term(m->kid[0], var, c, -sign);
	if (m->kind == MT_MUL && m->n == 2 && small_integer(m->kid[0], &v))
		m = m->kid[1];
	if (small_integer(m, &power)) {
		c[0] += sign * v * power;
		return 1;
	}
	power = 1;
	if (m->kind == MT_POW) {
		if (!small_integer(m->kid[1], &power) || power < 2 || power > 8)
			return 0;
		m = m->kid[0];
	}
	if (m->kind != MT_VAR || m->len != 1 || (*var && strcmp(*var, m->text)))
		return 0;
	*var = m->text;
	c[power] += sign * v;
	return 1;
}

static void put_polynomial(const long *c, int degree, const char *var, struct buf *out)
{
	buf_addc(out, '(');
	for (int i = degree; i >= 0; i--)
		if (c[i])
			buf_addf(out, "%+ld%s%s^%d", c[i], i ? var : " \\cdot ", i ? "" : "7", i);
	buf_addc(out, ')');
}

/* A polynomial with a rational root p/q as (qx - p)(the quotient). */
static int factored(const struct math_node *m, struct buf *out)
{
	const char *var = NULL;
	long c[9] = {0}, b[9];
	int degree = 8;

	for (uint32_t i = 0; m->kind == MT_ADD && i < m->n; i++)
		if (!term(m->kid[i], &var, c, 1))
			return 0;
	if (m->kind != MT_ADD || !var)
		return 0;
	while (degree && !c[degree])
		degree--;
	for (long q = 1; degree > 1 && q <= 12; q++)
		for (long p = -60; p <= 60; p++) {
			int exact = 1;
			long rest = c[degree];

			for (int i = degree - 1; i >= 0 && exact; i--) {
				exact = rest % q == 0 && labs(rest) < 1000000000;
				b[i] = rest / q;
				rest = c[i] + p * b[i];
			}
			if (!exact || rest)
				continue;
			buf_addf(out, "(%ld%s%+ld)", q, var, -p);
			put_polynomial(b, degree - 1, var, out);
			return 1;
		}
	return 0;
}

/* A fraction of integers as the decimal that it is exactly. */
static int decimal(const struct math_node *m, struct buf *out)
{
	long a, b, sign = 1;

	if (m->kind == MT_NEG) {
		sign = -1;
		m = m->kid[0];
	}
	if (m->kind != MT_DIV || !small_integer(m->kid[0], &a) || !small_integer(m->kid[1], &b) ||
	    a < 0 || b < 1)
		return 0;
	buf_addf(out, "%s%ld.", sign < 0 ? "-" : "", a / b);
	a %= b;
	for (int i = 0; i < 12 && a; i++) {
		a *= 10;
		buf_addf(out, "%ld", a / b);
		a %= b;
	}
	return !a;
}

/* c\sqrt{n} as \sqrt{c^2 n}. */
static int under_root(const struct math_node *m, struct buf *out)
{
	long c, n;

	if (m->kind != MT_MUL || m->n != 2 || !small_integer(m->kid[0], &c) ||
	    m->kid[1]->kind != MT_ROOT || m->kid[1]->n != 1 || !small_integer(m->kid[1]->kid[0], &n) ||
	    c < 0)
		return 0;
	buf_addf(out, "\\sqrt{%ld}", c * c * n);
	return 1;
}

/* Styles of the tree, and things round it that change nothing; as rewrite_text. */
static int rewrite_tree(const struct answer *a, int k, struct buf *out)
{
	static const char *const round[][2] = {
		{"\\frac{6(", ")}{6}"}, {"-(-(", "))"}, {"(", ")+7-7"}, {"\\frac{", "}{1}"},
		{"0.5 \\cdot 2 \\cdot (", ")"}, {"\\frac{1}{3} \\cdot (", ") \\cdot 3"},
		{"\\left(", "\\right)^{1}"},
	};
	const struct math_node *m = a->tree->root;
	struct printer p = printer(out);
	size_t wrap;
	long whole;

	if (!m)
		return k ? -1 : 0;
	switch (k) {
	case 0: break;
	case 1: p.reversed = 1; break;
	case 2: p.slash = 1; break;
	case 3: p.sized = 1; p.gap = " "; p.frac = "\\dfrac"; break;
	case 4: p.times = 1; p.gap = "\\,"; break;
	case 5: p.reversed = 1; p.slash = 1; p.sized = 1; break;
	case 6: p.reversed = 1; p.frac = "\\cfrac"; p.gap = "~"; break;
	case 7: return factored(m, out);
	case 8: return decimal(m, out);
	case 9: return under_root(m, out);
	case 10:
		if (!small_integer(m, &whole))
			return 0;
		buf_addf(out, "\\frac{%ld}{3}", 3 * whole);
		return 1;
	case 11:
		if (m->kind != MT_UNIT)
			return 0;
		m = m->kid[0];
		break;
	default:
		wrap = (size_t)k - 12;
		if (wrap >= LEN(round))
			return -1;
		if (!expression(m) || infinite(m))
			return 0;
		buf_adds(out, round[wrap][0]);
		mp_print(&p, m, 0);
		buf_adds(out, round[wrap][1]);
		return !p.fail;
	}
	mp_print(&p, m, 0);
	return !p.fail;
}

static void rewritten(const char *what, int (*rewrite)(const struct answer *, int, struct buf *))
{
	struct buf b = {0};
	size_t all = 0, all_made = 0;

	for (int k = 0; ; k++) {
		size_t made = 0, missed = 0;
		int more = 0;

		for (size_t i = 0; i < n_answers; i++) {
			enum math_verdict v;
			int rc;

			buf_clear(&b);
			buf_adds(&b, "");
			rc = rewrite(&answers[i], k, &b);
			more |= rc >= 0;
			if (rc <= 0)
				continue;
			made++;
			v = verdict(&answers[i], &b);
			if (v == MATH_EQUAL)
				continue;
			if (missed++ < SHOWN)
				diag("%s %d: %s: %s and %s", what, k, v == MATH_UNKNOWN ? "unknown" : "unequal",
				     answers[i].s, b.data);
		}
		if (!more)
			break;
		ok(!missed, "%s %d: %zu of %zu equal", what, k, made - missed, made);
		all += missed;
		all_made += made;
	}
	diag("%s: %zu pairs, %zu not equal", what, all_made, all);
	buf_release(&b);
}

/* ---- near-misses ---- */

static void collect(const struct math_node *m, const struct math_node **all, size_t *n, size_t cap)
{
	if (*n < cap)
		all[(*n)++] = m;
	for (uint32_t i = 0; i < m->n; i++)
		collect(m->kid[i], all, n, cap);
}

static int trivial(const struct math_node *m)
{
	return m->kind == MT_NUMBER &&
	       (!strcmp(m->text, "0") || (!strcmp(m->text, "1") && !m->decimals));
}

/* May this change at this node of this tree be expected to change the meaning? */
static int fits(const struct math_node *root, const struct math_node *m, enum change_kind c)
{
	int several = m->kind == MT_SET || m->kind == MT_LIST || m->kind == MT_TUPLE;
	int whole = m == root && expression(m) && !infinite(m);

	switch (c) {
	/* 3\frac98 is a product, and 3\frac38 */
	case C_DIGIT: return m->kind == MT_NUMBER && root->kind != MT_MIXED;
	case C_NEGATE:
		return (whole || (m != root && m->kind == MT_NUMBER && root->kind == MT_TUPLE)) &&
		       !trivial(m);
	case C_OPEN: return m->kind == MT_TUPLE && m->open != '<' && m->n == 2 && m == root;
	case C_CLOSE: return m->kind == MT_TUPLE && m->close != '>' && m->n == 2 && m == root;
	case C_SWAP:
		return (m->kind == MT_TUPLE || m->kind == MT_MATRIX || m->kind == MT_RATIO) && m->n > 1;
	case C_TINY: case C_ADD_ONE: return whole;
	case C_DOUBLE: return whole && !trivial(m);
	case C_TRUNCATE: return m->kind == MT_ROOT || m->kind == MT_DIV;
	case C_CONST: return m->kind == MT_CONST && m->op != MC_I && m->op != MC_INF;
	case C_DROP:
		return (several && m->n > 2) || m->kind == MT_ADD || (m->kind == MT_MUL && m->n > 1);
	case C_TWICE: return (m->kind == MT_SET || m->kind == MT_LIST) && m == root;
	case C_RENAME: return m->kind == MT_VAR && root->kind != MT_REL;
	case C_EXPONENT: return m->kind == MT_POW && !trivial(m->kid[0]);
	case C_UNROOT: return m->kind == MT_ROOT && !trivial(m->kid[0]);
	case C_FLIP: case C_STRICT: return m->kind == MT_REL && m == root && !strpbrk(m->text, "!=~");
	case C_UPSIDE: return m->kind == MT_DIV;
	case C_AS_SET: return m->kind == MT_TUPLE && m == root && m->n > 1;
	case C_AS_TUPLE: return m->kind == MT_SET && m == root && m->n > 1;
	case C_INTER: return m->kind == MT_UNION;
	case C_OTHER_WORD: return m->kind == MT_TEXT;
	default: return 0;
	}
}

static void near_misses(size_t wanted)
{
	static const char *const names[C_KINDS] = {
		"", "a digit", "negated", "the opening bracket", "the closing bracket", "swapped",
		"10^-30 more", "a decimal that is close", "one dropped", "one twice", "another variable",
		"exponent one more", "without the root", "relation turned", "strict or not", "upside down",
		"doubled", "a set", "a tuple", "355/113", "another word", "intersection", "one more",
	};
	struct rng r = rng_stream(6, "near-misses", 0, "math", 0, 0);
	const struct math_node *nodes[256];
	size_t made = 0, equal = 0, unknown = 0, per[C_KINDS] = {0};
	struct buf b = {0}, same = {0};
	uint64_t at = 0;

	while (made < wanted) {
		const struct answer *a = &answers[rng_below(&r, at++, n_answers)];
		enum change_kind c = (enum change_kind)(1 + rng_below(&r, at++, C_KINDS - 1));
		struct printer p = printer(&b), q = printer(&same);
		size_t n = 0, start;
		enum math_verdict v;

		if (!a->tree->root || a->tree->root->flags & MT_F_GROUPED)
			continue;
		collect(a->tree->root, nodes, &n, LEN(nodes));
		start = (size_t)rng_below(&r, at++, n);
		for (size_t i = 0; i < n && !p.at; i++)
			if (fits(a->tree->root, nodes[(start + i) % n], c))
				p.at = nodes[(start + i) % n];
		if (!p.at)
			continue;
		p.change = c;
		p.which = (uint32_t)rng_below(&r, at++, 1000);
		buf_clear(&b);
		buf_clear(&same);
		mp_print(&p, a->tree->root, 0);
		mp_print(&q, a->tree->root, 0);
		if (p.fail || q.fail || !strcmp(b.data, same.data))
			continue;
		made++;
		per[c]++;
		v = verdict(a, &b);
		unknown += v == MATH_UNKNOWN;
		if (v == MATH_EQUAL && equal++ < 100)
			diag("%s: %s and %s", names[c], a->s, b.data);
	}
	ok(!equal, "%zu near-misses: %zu equal", made, equal);
	diag("unknown: %zu", unknown);
	for (int c = 1; c < C_KINDS; c++)
		diag("%5zu %s", per[c], names[c]);
	buf_release(&b);
	buf_release(&same);
}

int main(void)
{
	static const char *const files[] = {"../shared/data/math_train.jsonl",
	                                    "../shared/data/math500.jsonl"};
	const char *near = getenv("NEAR");
	size_t kinds[MT_N_KINDS + 1] = {0};

	for (size_t i = 0; i < LEN(files); i++)
		if (access(files[i], R_OK)) {
			if (getenv("CI"))
				ok(0, "%s is there", files[i]);
			else
				skip("no %s", files[i]);
			return done();
		}
	for (size_t i = 0; i < LEN(files); i++)
		ok(!read_answers(files[i]), "%s", files[i]);
	for (size_t i = 0; i < n_answers; i++)
		kinds[answers[i].tree->root ? answers[i].tree->root->kind : MT_N_KINDS]++;
	diag("%zu answers, %zu unparsed, %zu text", n_answers, kinds[MT_N_KINDS], kinds[MT_TEXT]);
	rewritten("text", rewrite_text);
	rewritten("tree", rewrite_tree);
	near_misses(near ? strtoul(near, NULL, 10) : 2000);
	for (size_t i = 0; i < n_answers; i++) {
		math_tree_free(answers[i].tree);
		free(answers[i].s);
	}
	free(answers);
	return done();
}
