/* SPDX-License-Identifier: MIT */
/* Equality of answers: identities, near-misses, structures, and inputs that would cost too much. */
#include <string.h>

#include "base/base.h"
#include "answer/answer.h"
#include "tap.h"

static struct math_result ask(const char *gold, const char *got, int lenient)
{
	struct math_opts o = {.lenient = lenient};

	return math_equal(gold, strlen(gold), got, strlen(got), &o);
}

/* What a pair has to be: '=' equal and how, '!' unequal, '?' unknown, 'x' anything but equal. */
struct pair {
	char want;
	enum math_method how;
	const char *gold, *got;
};
#define EXACT MATH_BY_EXACT
#define CERTIFIED MATH_BY_CERTIFIED
#define ALGEBRAIC MATH_BY_ALGEBRAIC
#define PROBABLE MATH_BY_PROBABILISTIC
#define TEXT MATH_BY_TEXT

static const struct pair identities[] = {
	{'=', EXACT, "1/2", "0.5"},
	{'=', EXACT, "\\frac{1}{2}", "\\frac{2}{4}"},
	{'=', EXACT, "0.\\overline{3}", "1/3"},
	{'=', EXACT, "0.1\\overline{6}", "1/6"},
	{'=', EXACT, "3\\frac{1}{2}", "7/2"},
	{'=', EXACT, "-\\frac{1}{2}", "\\frac{-1}{2}"},
	{'=', EXACT, "10^{100}", "100^{50}"},
	{'=', EXACT, "2^{100}+1", "1267650600228229401496703205377"},
	{'=', EXACT, "2^{-3}", "0.125"},
	{'=', EXACT, "5!", "120"},
	{'=', EXACT, "\\binom{10}{3}", "120"},
	{'=', EXACT, "\\sqrt[5]{\\frac{1}{32}}", "0.5"},
	{'=', EXACT, "\\sqrt[3]{-8}", "-2"},
	{'=', EXACT, "(-8)^{1/3}", "-2"},
	{'=', EXACT, "2\\sqrt{3}", "\\sqrt{12}"},
	{'=', EXACT, "\\frac{1}{\\sqrt2}", "\\frac{\\sqrt2}{2}"},
	{'=', EXACT, "\\sqrt{-4}", "2i"},
	{'=', EXACT, "i^{2023}", "-i"},
	{'=', EXACT, "e^{i\\pi}", "-1"},
	{'=', EXACT, "\\sin\\frac{\\pi}{3}", "\\frac{\\sqrt3}{2}"},
	{'=', EXACT, "\\cos 120^\\circ", "-\\frac12"},
	{'=', EXACT, "\\ln 8", "3\\ln 2"},
	{'=', EXACT, "\\ln 6", "\\ln 2+\\ln 3"},
	{'=', EXACT, "\\log_2 8", "3"},
	{'=', EXACT, "\\log_2 3", "\\frac{\\ln 3}{\\ln 2}"},
	{'=', EXACT, "\\log_4 8", "\\frac32"},
	{'=', EXACT, "e^{\\ln 3}", "3"},
	{'=', EXACT, "\\ln e^2", "2"},
	{'=', EXACT, "(\\sqrt2)^{\\log_2 9}", "3"},
	{'=', EXACT, "\\sqrt{\\pi}\\sqrt{\\pi}", "\\pi"},
	{'=', EXACT, "\\sqrt{(1-\\sqrt2)^2}", "\\sqrt2-1"},
	{'=', EXACT, "|3-\\pi|", "\\pi-3"},
	{'=', EXACT, "\\lfloor \\pi \\rfloor", "3"},
	{'=', EXACT, "\\lceil -2.5 \\rceil", "-2"},
	{'=', EXACT, "\\gcd(12, 18)", "6"},
	{'=', CERTIFIED, "|(-1)^{1/4}|", "1"},
	{'=', CERTIFIED, "|3+4i|", "5"},
	{'=', CERTIFIED, "\\sqrt{2+\\sqrt{3}}", "\\frac{\\sqrt{6}+\\sqrt{2}}{2}"},
	{'=', CERTIFIED, "\\sqrt[3]{2+\\sqrt5}+\\sqrt[3]{2-\\sqrt5}", "1"},
	{'=', CERTIFIED, "\\sqrt{5+2\\sqrt6}", "\\sqrt2+\\sqrt3"},
	{'=', CERTIFIED, "\\frac{1}{1+\\sqrt2+\\sqrt3}", "\\frac{2+\\sqrt2-\\sqrt6}{4}"},
	{'=', CERTIFIED, "\\sqrt[4]{7+4\\sqrt3}", "\\frac{\\sqrt6+\\sqrt2}{2}"},
	{'=', CERTIFIED, "\\sqrt[3]{\\sqrt[3]{2}-1}", "\\sqrt[3]{1/9}-\\sqrt[3]{2/9}+\\sqrt[3]{4/9}"},
	{'=', CERTIFIED, "\\sqrt{16-2\\sqrt{29}+2\\sqrt{55-10\\sqrt{29}}}",
	 "\\sqrt5+\\sqrt{11-2\\sqrt{29}}"},
	{'=', CERTIFIED, "(1+i)^{10}(1+\\sqrt3i)", "32i(1+\\sqrt3 i)"},
	{'=', CERTIFIED, "e^{i\\pi/3}", "\\frac{1+i\\sqrt{3}}{2}"},
	{'=', CERTIFIED, "\\sin(\\pi/12)", "\\frac{\\sqrt6-\\sqrt2}{4}"},
	{'=', CERTIFIED, "\\tan(\\pi/8)", "\\sqrt2-1"},
	{'=', CERTIFIED, "\\tan 15^\\circ", "2-\\sqrt3"},
	{'=', CERTIFIED, "\\cos 36^\\circ", "\\frac{1+\\sqrt5}{4}"},
	{'=', CERTIFIED, "\\cos\\frac{2\\pi}{7}+\\cos\\frac{4\\pi}{7}+\\cos\\frac{6\\pi}{7}",
	 "-\\frac12"},
	{'=', CERTIFIED, "\\sin\\frac{\\pi}{17}", "\\cos\\frac{15\\pi}{34}"},
	{'=', CERTIFIED, "\\tan\\frac{3\\pi}{11}+4\\sin\\frac{2\\pi}{11}", "\\sqrt{11}"},
	{'=', CERTIFIED, "\\arctan 1", "\\pi/4"},
	{'=', CERTIFIED, "\\arcsin(1/2)", "\\frac{\\pi}{6}"},
	{'=', CERTIFIED, "\\arctan(1/2)+\\arctan(1/3)", "\\pi/4"},
	{'=', CERTIFIED, "4\\arctan(1/5)-\\arctan(1/239)", "\\pi/4"},
	{'=', CERTIFIED, "i^i", "e^{-\\pi/2}"},
	{'=', CERTIFIED, "\\sin(1)\\cos(1)", "\\frac{\\sin 2}{2}"},
	{'=', CERTIFIED, "\\ln(2+\\sqrt3)+\\ln(2-\\sqrt3)", "0"},
	{'=', CERTIFIED, "\\frac{\\pi^2-1}{\\pi-1}", "\\pi+1"},
	{'=', CERTIFIED, "(\\pi+e+\\sqrt2)^2", "\\pi^2+e^2+2+2\\pi e+2\\sqrt2(\\pi+e)"},
	{'=', CERTIFIED, "\\frac{\\sqrt2\\sqrt3}{\\pi}", "\\frac{\\sqrt6}{\\pi}"},
	{'=', ALGEBRAIC, "x+1", "1+x"},
	{'=', ALGEBRAIC, "(x+1)^2", "x^2+2x+1"},
	{'=', ALGEBRAIC, "\\frac{x^2-1}{x-1}", "x+1"},
	{'=', ALGEBRAIC, "\\frac{x+2}{7}", "\\frac{x}{7}+\\frac{2}{7}"},
	{'=', ALGEBRAIC, "\\sqrt{2}\\sqrt{3}x", "\\sqrt{6}x"},
	{'=', ALGEBRAIC, "(x-\\sqrt2)(x+\\sqrt2)", "x^2-2"},
	{'=', ALGEBRAIC, "(x-i)(x+i)", "x^2+1"},
	{'=', ALGEBRAIC, "\\frac{\\pi r}{h+r}", "\\frac{r\\pi}{r+h}"},
	{'=', ALGEBRAIC, "2^{x+1}", "2\\cdot 2^x"},
	{'=', ALGEBRAIC, "4^x", "2^{2x}"},
	{'=', ALGEBRAIC, "x^{1/3}", "\\sqrt[3]{x}"},
	{'=', ALGEBRAIC, "\\binom{n}{2}", "\\frac{n(n-1)}{2}"},
	{'=', ALGEBRAIC, "2f(x)", "f(x)+f(x)"},
	{'=', ALGEBRAIC, "\\sec x", "\\frac{1}{\\cos x}"},
	{'=', ALGEBRAIC, "\\frac{\\log 8}{\\log 2}\\cdot x", "3x"},
	{'=', ALGEBRAIC, "(a+b+c+d)^{10}", "((a+b)^2+2(a+b)(c+d)+(c+d)^2)^5"},
	{'=', PROBABLE, "\\sin^2 x+\\cos^2 x", "1"},
	{'=', PROBABLE, "\\sin 2x", "2\\sin x\\cos x"},
	{'=', PROBABLE, "\\sqrt{x^2}", "|x|"},
	{'=', PROBABLE, "\\sqrt{x}\\sqrt{y}", "\\sqrt{xy}"},
	{'=', PROBABLE, "\\frac{(n+1)!}{n!}", "n+1"},
	{'=', PROBABLE, "(-1)^{2n}", "1^n"},
	{'=', PROBABLE, "|z|^2", "z\\overline{z}"},
};

static const struct pair structures[] = {
	/* names of values, and of lists of them */
	{'=', EXACT, "(3,2)", "(p,q)=(3,2)"},
	{'x', 0, "(3,2)", "(p,q)=(2,3)"},
	{'x', 0, "(3,2)", "(p,p)=(3,2)"},
	{'=', EXACT, "p=3,q=2", "(p,q)=(3,2)"},
	{'=', EXACT, "p=3,q=2", "(q,p)=(2,3)"},
	{'x', 0, "p=3,q=2", "(q,p)=(3,2)"},
	{'=', EXACT, "4,5", "AB=4,CD=5"},
	{'x', 0, "4,5", "CD=5,AB=4"},
	{'=', EXACT, "4", "AB=4"},
	{'x', 0, "4", "ab=4"},
	{'=', EXACT, "7:32", "S:T=7:32"},
	{'x', 0, "7:32", "S:T=32:7"},
	{'=', EXACT, "1", "|AB|=1"},
	{'x', 0, "1", "|x|=1"},
	{'=', ALGEBRAIC, "y=2x", "f(x)=2x"}, {'x', 0, "y=2x", "f(x)=3x"}, {'x', 0, "y=2x", "f(y)=2x"},
	{'x', 0, "g(x)=2x", "f(x)=2x"},
	{'=', EXACT, "1,2", "x_1=2, x_2=1"},
	{'x', 0, "1,2", "x_1=2, x_2=2"},
	{'x', 0, "1,2", "x_1=1, y_1=3"},
	{'=', EXACT, "x=5, y=10", "x=5 \\text{ and } y=10"},
	{'=', EXACT, "5,10", "x=5, y=10"},
	{'x', 0, "10,5", "x=5, y=10"},
	{'x', 0, "5", "x=5, y=10"},
	{'x', 0, "10", "x=5 \\text{ and } y=10"},
	{'x', 0, "-2", "a=1 \\lor a=-2"}, {'=', EXACT, "1,-2", "a=1\\text{, or }a=-2"},
	{'=', EXACT, "1,-2", "a=1 \\quad\\text{or}\\quad a=-2"}, {'=', EXACT, "(9,10)", "y=10, x=9"},
	{'x', 0, "(9,10)", "x=10, y=9"},
	{'x', 0, "[9,10]", "x=9, y=10"},
	{'x', 0, "(9,10)", "x=9, x=10"},
	{'=', EXACT, "5", "\\{5\\}"},
	{'=', EXACT, "5", "x \\in \\{5\\}"},
	{'x', 0, "5", "\\{5,6\\}"},
	{'x', 0, "5", "5\\ldots"},
	{'x', 0, "5", "5..."}, {'!', 0, "1,2", "1,2,2"}, {'!', 0, "1,2,2", "1,1,2"},
	{'=', EXACT, "(1,2)", "(1.0, 4/2)"},
	{'=', EXACT, "\\left(\\frac12, 3\\right)", "(0.5,3)"},
	{'=', EXACT, "1,2", "2,1"},
	{'=', EXACT, "\\{1,2\\}", "\\{2,1\\}"},
	{'=', EXACT, "\\{1,2\\}", "2,1"},
	{'=', EXACT, "1\\pm\\sqrt2", "1-\\sqrt2, 1+\\sqrt2"},
	{'=', EXACT, "\\{1\\pm\\sqrt{5},-2\\}", "\\{-2, 1-\\sqrt5, 1+\\sqrt5\\}"},
	{'=', EXACT, "x=\\pm 3", "-3, 3"},
	{'=', CERTIFIED, "\\sqrt{2+\\sqrt3}, 1", "1, \\frac{\\sqrt6+\\sqrt2}{2}"},
	{'=', EXACT, "x=5", "5"},
	{'=', EXACT, "5", "x=5"},
	{'=', EXACT, "\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(1,2)"},
	{'=', EXACT, "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
	 "\\begin{bmatrix}1&2\\\\3&\\frac82\\end{bmatrix}"},
	{'=', ALGEBRAIC, "2x+3y=6", "4x+6y=12"},
	{'=', ALGEBRAIC, "y=2x+1", "2x-y+1=0"},
	{'=', ALGEBRAIC, "34x+45y-20z+100=0", "-34x-45y+20z-100=0"},
	{'=', ALGEBRAIC, "\\sqrt2x+y=1", "2x+\\sqrt2y=\\sqrt2"},
	{'=', ALGEBRAIC, "x^2+y^2=1", "1-y^2=x^2"},
	{'=', EXACT, "x<3", "3>x"},
	{'=', ALGEBRAIC, "-2x<-6", "x>3"},
	{'=', CERTIFIED, "x \\in (0,1)", "0<x<1"},
	{'=', CERTIFIED, "-2 \\le x \\le 7", "x \\in [-2,7]"},
	{'=', CERTIFIED, "x<3", "(-\\infty,3)"},
	{'=', CERTIFIED, "x<1 \\text{ or } x>3", "(-\\infty,1)\\cup(3,\\infty)"},
	{'=', CERTIFIED, "(-\\infty,3)\\cup(3,\\infty)", "x\\ne 3"},
	{'=', CERTIFIED, "(-\\infty,\\infty)", "\\mathbb{R}"},
	{'=', CERTIFIED, "[1,2]\\cup[2,3]", "[1,3]"},
	{'=', CERTIFIED, "[0,1)\\cup(1,2]", "(1,2]\\cup[0,1)"},
	{'=', EXACT, "50\\%", "0.5"},
	{'=', EXACT, "50\\%", "50"},
	{'=', EXACT, "5\\text{ cm}", "5"},
	{'=', EXACT, "30^\\circ", "30"},
	{'=', EXACT, "180^\\circ", "\\pi"},
	{'=', EXACT, "100\\text{ cm}", "1\\text{ m}"},
	{'=', TEXT, "\\text{(B)}", "B"},
	{'=', TEXT, "\\text{Monday}", "monday"},
	{'=', TEXT, "3:30", "3:30"},
	{'=', EXACT, "2516_8", "2516"},
	{'=', EXACT, "1010_2", "10_{10}"},
	{'=', EXACT, "\\infty", "+\\infty"},
	{'=', EXACT, "0.5, \\frac13", "\\frac{2}{6}, \\frac12"},
};

static const struct pair misses[] = {
	{'!', 0, "\\frac{1}{2^{99}}", "\\frac{1}{2^{98}}"},
	{'!', 0, "\\sqrt2", "1.41421356"},
	{'!', 0, "\\sqrt2",
     "1."
     "414213562373095048801688724209698078569671875376948073176679737990732478462107038850387534327"
     "6415727"},
	{'!', 0, "(0,1)", "[0,1]"},
	{'!', 0, "[0,1)", "(0,1]"},
	{'!', 0, "x+1", "x+1+10^{-30}"},
	{'!', 0, "(x+10^{-40})^2", "x^2"},
	{'!', 0, "\\pi", "\\frac{355}{113}"},
	{'!', 0, "\\pi", "3.14"},
	{'!', 0, "1,2,2", "1,2"},
	{'!', 0, "\\{1,2,2\\}", "\\{1,2\\}"},
	{'!', 0, "\\{1,2,2\\}", "\\{1,1,2\\}"},
	{'!', 0, "(1,2)", "(2,1)"},
	{'!', 0, "(1,2)", "\\{1,2\\}"},
	{'!', 0, "(1,2,3)", "(1,3,2)"},
	{'!', 0, "0.333", "1/3"},
	{'!', 0, "0.3333333333333333", "1/3"},
	{'!', 0, "0.9999999999999", "1"},
	{'!', 0, "1.001", "1"},
	{'!', 0, "5\\text{ cm}", "5\\text{ m}"},
	{'!', 0, "x=5", "6"},
	{'!', 0, "x=5", "y=6"},
	{'!', 0, "y=2x+1", "y=2x+2"},
	{'!', 0, "2x+3y=6", "2x+3y=7"},
	{'!', 0, "x<3", "x>3"},
	{'!', 0, "x<3", "x\\le 3"},
	{'!', 0, "2x<6", "-2x<-6"},
	{'!', 0, "1010_2", "1010_3"},
	{'x', 0, "1010_2", "10"},
	{'x', 0, "3:4", "6:8"},
	{'x', 0, "3:4", "3/4"},
	{'x', 0, "3:30", "3:31"},
	{'!', 0, "e^{\\pi\\sqrt{163}}", "262537412640768744"},
	{'!', 0, "\\frac{\\ln 640320^3}{\\sqrt{163}}", "\\pi"},
	{'!', 0, "\\sqrt2+\\sqrt3", "3.14626436994197234"},
	{'!', 0, "\\sqrt{10^{60}+1}", "10^{30}"},
	{'!', 0, "5^{10^{-9}}", "1"},
	{'!', 0, "\\sqrt[3]{-8}", "1+i\\sqrt3"},
	{'!', 0, "2\\sqrt2", "\\sqrt2"},
	{'!', 0, "4", "4\\sqrt{2}"},
	{'!', 0, "\\sin x", "x"},
	{'!', 0, "\\sqrt{x^2}", "x"},
	{'!', 0, "x^2", "x^3"},
	{'!', 0, "x", "y"},
	{'!', 0, "2-2p", "2+2p"},
	{'!', 0, "\\ln((-2)^{\\sqrt2})", "\\sqrt2\\ln(-2)"},
	{'!', 0, "e^{2\\pi i}\\cdot\\ln(e^{2\\pi i})", "2\\pi i"},
	{'!', 0, "\\sqrt{(\\ln(-1))^2}", "-\\ln(-1)"},
	{'!', 0, "|(-1)^{1/4}|", "-1"},
	{'!', 0, "\\arcsin(\\sin 2)", "2"},
	{'x', 0, "f(x)", "g(x)"},
	{'x', 0, "\\log 2", "\\ln 2"},
	{'x', 0, "\\text{yes}", "\\text{no}"},
	{'x', 0, "\\text{(A)}", "\\text{(B)}"},
	{'!', 0, "\\infty", "5"},
	{'!', 0, "\\infty", "-\\infty"},
	{'x', 0, "1/0", "2/0"},
	{'x', 0, "1/0", "\\infty"},
	{'x', 0, "0^0", "1"},
	{'x', 0, "0\\cdot\\frac{1}{0}", "0"},
	{'x', 0, "\\frac{\\sqrt6-\\sqrt2\\sqrt3}{\\sqrt6-\\sqrt2\\sqrt3}", "1"},
	{'x', 0, "x\\frac{\\sqrt6-\\sqrt2\\sqrt3}{\\sqrt6-\\sqrt2\\sqrt3}", "x"},
	{'x', 0, "\\ln 0-\\ln 0", "0"},
	{'x', 0, "\\tan 90^\\circ", "\\infty"},
	{'x', 0, "x^2+y^2=1", "x^2+y^2=2"},
	{'x', 0, "x=1,y=2", "2,1"},
	{'x', 0, "2,3", "2,4"},
	{'!', 0, "1\\pm\\sqrt2", "1+\\sqrt2"},
	{'!', 0, "12", "1,2"},
	{'!', 0, "(-\\infty,3)", "(-\\infty,3]"},
	{'!', 0, "[1,2]\\cup[3,4]", "[1,4]"},
	{'!', 0, "(0,1)\\cup(1,2)", "(0,2)"},
	{'!', 0, "\\begin{pmatrix}1&2\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}"},
	{'!', 0, "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
     "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}"},
	{'!', 0, "50\\%", "5"},
	{'!', 0, "50\\%", "0.05"},
	{'!', 0, "20 \\text{ apples}", "21"},
};

/* Nothing here may cost more than the budget, and what is not known has to be said. */
static const struct pair bombs[] = {
	{'!', 0, "10^{10^{10}}", "10^{10^{10}}+1"},
	{'?', 0, "10^{10^{10^{10}}}", "5"},
	{'x', 0, "9^{9^{9^{9}}}", "9^{9^{9^9}}+1"},
	{'!', 0, "100000!", "100001!"},
	{'!', 0, "100000!", "5"},
	{'?', 0, "((5!)!)!", "7"},
	{'!', 0, "\\binom{10^6}{500000}", "3"},
	{'!', 0, "(x+1)^{100000}", "(x+1)^{100000}+1"},
	{'x', 0, "(x+1)^{100000}", "(x+2)^{100000}"},
	{'=', PROBABLE, "(x+1)^{1000}", "(x^2+2x+1)^{500}"},
	{'x', 0, "(a+b+c+d)^{200}", "(a+b+c+d)^{199}(a+b+c+d)+1"},
	{'=', PROBABLE, "(a+b+c+d)^{200}", "((a+b)^2+2(a+b)(c+d)+(c+d)^2)^{100}"},
	{'?', 0, "\\sin(10^{10^6})", "0.5"},
	{'x', 0, "\\sin(10^{5000})", "0.5"},
	{'?', 0, "e^{e^{e^{e^{e}}}}", "5"},
	{'x', 0, "e^{10^{10}}", "e^{10^{10}}+1"},
	{'!', 0, "\\sqrt{2+\\sqrt{3+\\sqrt{5+\\sqrt{7+\\sqrt{11+\\sqrt{13+\\sqrt{17}}}}}}}",
     "\\sqrt{2+\\sqrt{3+\\sqrt{5+\\sqrt{7+\\sqrt{11+\\sqrt{13+\\sqrt{17}}}}}}}+10^{-3000}"},
	{'x', 0, "\\sqrt[97]{2}\\sqrt[89]{3}", "\\sqrt[83]{5}\\sqrt[79]{7}"},
	{'?', 0, "\\sin(\\pi/1001)", "\\cos(999\\pi/2002)"},
	{'x', 0, "\\frac{1}{x+\\frac{1}{x+\\frac{1}{x+\\frac{1}{x+\\frac{1}{x+\\frac1{x}}}}}}", "x"},
	{'x', 0, "(\\pi+e+\\ln2+\\ln3+\\sqrt2)^{60}",
     "(\\pi+e+\\ln2+\\ln3+\\sqrt2)^{59}(\\pi+e+\\ln 6+\\sqrt2+\\sqrt6-\\sqrt2\\sqrt3)+10^{-40}"},
	{'x', 0, "x^{2147483647}", "x^{2147483648}"},
	{'x', 0, "2^{2^{2^{2^{2^{2}}}}}", "2^{2^{65537}}"},
	{'x', 0, "\\sqrt[2147483647]{2}", "\\sqrt[2147483646]{2}"},
	{'x', 0, "\\ln(\\ln(\\ln(\\ln(\\ln(\\ln 2)))))", "1"},
	{'x', 0, "\\lfloor 10^{100000} \\pi\\rfloor", "3"},
	{'x', 0,
     "\\sqrt{e^{\\binom{\\binom{\\binom{\\binom{\\binom{\\binom{\\binom{\\binom{\\sqrt2}{20}}{20}}{"
     "20}}{20}}{20}}{20}}{20}}{20}}}",
     "3"},
	{'x', 0, "\\binom{\\binom{\\binom{\\binom{\\binom{\\binom{x}{20}}{20}}{20}}{20}}{20}}{20}",
     "x"},
	{'x', 0, "\\frac{0.5}{\\binom{\\binom{0.5}{20}}{20}}+\\binom{\\binom{0.25}{20}}{20}", "x"},
	{'x', 0, "\\sqrt[100]{\\sqrt[100]{2}+\\sqrt[100]{3}}",
     "\\sqrt[100]{\\sqrt[100]{2}+\\sqrt[99]{3}}"},
};

static void check(const char *what, const struct pair *p, size_t n, int reflect)
{
	for (size_t i = 0; i < n; i++) {
		struct math_result r = ask(p[i].gold, p[i].got, 0), back = ask(p[i].got, p[i].gold, 0);
		int good;

		switch (p[i].want) {
		case '=': good = r.verdict == MATH_EQUAL && r.method == p[i].how; break;
		case '!': good = r.verdict == MATH_UNEQUAL; break;
		case '?': good = r.verdict == MATH_UNKNOWN; break;
		default: good = r.verdict != MATH_EQUAL; break;
		}
		if (!ok(good, "%s: %.60s, %.60s", what, p[i].gold, p[i].got))
			diag("%s, %s", math_verdict_name(r.verdict), math_method_name(r.method));
		if (r.verdict != back.verdict || r.method != back.method)
			ok(0, "%s: the same when exchanged: %s, %s", what, p[i].gold, p[i].got);
		if (r.work > MATH_MAX_WORK || r.work != back.work)
			ok(0, "%s: %llu units of work, %llu when exchanged", what, (unsigned long long)r.work,
			   (unsigned long long)back.work);
		if (reflect && (ask(p[i].gold, p[i].gold, 0).verdict != MATH_EQUAL))
			ok(0, "%s: %s is itself", what, p[i].gold);
	}
}

/* Long inputs, made of a piece: before + piece * times + after. */
static void check_long(void)
{
	static const struct {
		const char *name, *before, *piece, *after, *other;
		size_t times;
	} table[] = {
		{"a million digits", "", "7", "", "7", 1000000},
		{"as many digits as are read", "", "7", "", "7", 8000},
		{"a fraction of many digits", "\\frac{1", "3", "}{7}", "7", 7000},
		{"many terms", "x", "+x", "", "x", 3000},
		{"many variables", "x", "+x_{1}y^2", "", "x", 700},
		{"many roots", "1", "+\\sqrt{2}", "+\\sqrt3", "x", 800},
		{"nested roots", "", "\\sqrt{2+", "1", "2", 60},
		{"a long list", "1", ",2", "", "2,1", 3900},
		{"a long set of roots", "\\{1", ",\\sqrt2", "\\}", "\\{1,2\\}", 900},
		{"powers of powers", "2", "^{2", "}", "2", 40},
		{"factorials of factorials", "3", "!", "", "6", 100},
		{"a long product", "(x+1)", "(x+2)(y+3)", "", "1", 400},
		{"a long product of sums", "(x+1)", "(x+y+z+w)", "", "1", 800},
		{"a long chain", "1", "<x", "", "x", 3000},
		{"many sines", "\\sin 1", "+\\sin(\\sqrt2)", "", "2", 400},
	};

	for (size_t i = 0; i < LEN(table); i++) {
		struct buf a = {0}, b = {0};
		struct math_result r;

		buf_adds(&a, table[i].before);
		for (size_t j = 0; j < table[i].times; j++)
			buf_adds(&a, table[i].piece);
		buf_adds(&a, table[i].after);
		buf_addf(&b, "%s+0", a.data);
		r = ask(a.data, table[i].other, 0);
		ok(r.verdict != MATH_EQUAL && r.work <= MATH_MAX_WORK, "long: %s: %s", table[i].name,
		   math_verdict_name(r.verdict));
		r = ask(a.data, b.data, 0);
		ok(r.work <= MATH_MAX_WORK, "long: %s against itself and nothing: %s", table[i].name,
		   math_verdict_name(r.verdict));
		ok(ask(a.data, a.data, 0).verdict == MATH_EQUAL, "long: %s is itself", table[i].name);
		buf_release(&a);
		buf_release(&b);
	}
}

static void check_lenient(void)
{
	static const struct {
		const char *gold, *got;
		int equal;
	} table[] = {
		{"\\sqrt2", "1.414", 1}, {"\\sqrt2", "1.4142", 1}, {"\\sqrt2", "1.415", 0},
		{"\\sqrt2", "1.4143", 0}, {"\\sqrt2", "1.4", 1}, {"\\sqrt2", "1", 0},
		{"\\frac13", "0.333", 1}, {"\\frac13", "0.33", 1}, {"\\frac13", "0.3", 0},
		{"\\frac23", "0.667", 1}, {"\\frac23", "0.67", 1}, {"\\frac23", "0.66", 0},
		{"\\frac23", "0.666", 0}, {"\\pi", "3.14", 1}, {"\\pi", "3.15", 0}, {"-\\pi", "-3.14", 1},
		{"0.125", "0.13", 1}, {"0.125", "0.1", 0}, {"0.125", "0.14", 0}, {"0.1235", "0.124", 1},
		{"0.1235", "0.123", 1}, {"0.12351", "0.123", 0}, {"3.14", "3.14159", 0}, {"1", "1.001", 0},
		{"12345.6", "12346", 1}, {"12345.6", "12345", 0}, {"9.7", "10", 1}, {"9.7", "9", 0},
		{"\\frac23", "6.7\\times10^{-1}", 1}, {"\\frac23", "6.7e-1", 1},
		{"\\frac23", "7\\times10^{-1}", 0}, {"\\frac23", "6.6\\times10^{-1}", 0},
		{"123456", "1.2\\times 10^5", 1}, {"123456", "1.3\\cdot 10^5", 0}, {"123456", "120000", 0},
		{"-\\frac23", "-6.7\\cdot10^{-1}", 1}, {"\\frac23", "-0.67", 0},
		{"\\frac1{15}", "0.067", 1}, {"\\frac1{15}", "0.07", 0},
		{"\\frac1{15}", "6.67 \\times 10^{-2}", 1}, {"x", "1.00", 0},
	};

	for (size_t i = 0; i < LEN(table); i++)
		ok((ask(table[i].gold, table[i].got, 1).verdict == MATH_EQUAL) == table[i].equal,
		   "lenient: %s, %s: %s", table[i].gold, table[i].got, table[i].equal ? "equal" : "not");
	ok(ask("1.414", "\\sqrt2", 1).verdict != MATH_EQUAL,
	   "lenient: the reference is not the rounding");
}

/* An answer may repeat itself where that is allowed; a reference does not repeat for nothing. */
static void check_repeats(void)
{
	static const struct {
		const char *gold, *got;
		int equal;
	} table[] = {
		{"1,2", "1,2,2", 1}, {"1,2", "2,1,1,2", 1}, {"\\{1,2\\}", "1,2,1", 1},
		{"1,\\frac12", "0.5,1,1/2", 1}, {"1,2,2", "1,2", 0}, {"1,2,2", "1,1,2", 0},
		{"1,2,2", "2,1,2", 1}, {"1,2", "1,2,3", 0}, {"1,2", "1,1", 0}, {"(1,2)", "(1,2,2)", 0},
		{"5", "5,6", 0},
	};
	const struct math_opts o = {.repeats = 1};

	for (size_t i = 0; i < LEN(table); i++) {
		struct math_result r = math_equal(table[i].gold, strlen(table[i].gold), table[i].got,
		                                  strlen(table[i].got), &o);

		ok((r.verdict == MATH_EQUAL) == table[i].equal, "repeats: %s, %s: %s", table[i].gold,
		   table[i].got, table[i].equal ? "equal" : "not");
	}
}

static void check_choices(void)
{
	static const struct {
		const char *gold, *got;
		int equal;
	} table[] = {
		{"E", "E) a polygenic score", 1}, {"E", "D) a polygenic score", 0},
		{"E", "\\textbf{(E)}\\ 12", 1}, {"12", "\\textbf{(E)}\\ 12", 1},
		{"13", "\\textbf{(E)}\\ 12", 0}, {"12", "\\textbf{(E) }12", 1}, {"12", "(E) 12", 1},
		{"(E) 12", "12", 1}, {"(E) 12", "E", 1}, {"(E) 12", "D", 0}, {"(E) 12", "(D) 12", 0},
		{"(E) 12", "E. 12.0", 1}, {"\\text{(C)}", "C. 90,000", 1}, {"90,000", "C. 90,000", 1},
		{"90", "C. 90,000", 0}, {"-5", "(E) -5", 1}, {"A", "A) 5 B) 6", 0}, {"A", "(A) or (B)", 0},
		{"A", "(A) and B", 0}, {"A", "(A), B", 0}, {"A", "(A)+q", 0}, {"A", "(A)-1", 0},
		{"A", "\\text{(A)}+q", 0}, {"A", "(A) is wrong", 0}, {"A", "(A) \\text{ or } B", 0},
		{"A", "(A) \\cdot 3", 0}, {"A", "A 5", 0}, {"\\text{E. coli}", "\\text{E. coli}", 1},
		{"x", "(E) x", 1}, {"A", "\\text{Option A}", 1}, {"A", "\\text{Option B}", 0},
		{"B", "(B) negative", 1}, {"B", "(B) squared", 1}, {"A", "\\text{Option A or B}", 0},
		{"BAC", "BAC", 1}, {"BAC", "CAB", 0}, {"AB", "BA", 1}, {"BAC", "B A C", 1},
		{"abc", "cba", 1}, {"E", "", 0}, {"E", "(", 0}, {"E", "\\text{(E", 0}, {"", "(E) 1", 0},
	};
	const struct math_opts o = {0};

	for (size_t i = 0; i < LEN(table); i++) {
		struct math_result r = math_equal_choice(table[i].gold, strlen(table[i].gold), table[i].got,
		                                         strlen(table[i].got), &o);

		ok((r.verdict == MATH_EQUAL) == table[i].equal, "choice: %s, %s: %s", table[i].gold,
		   table[i].got, table[i].equal ? "equal" : "not");
	}
}

/* The same question costs the same whatever was asked before. */
static void check_counted(void)
{
	const char *gold = "\\sqrt[3]{\\sqrt[3]{2}-1}",
	           *got = "\\sqrt[3]{1/9}-\\sqrt[3]{2/9}+\\sqrt[3]{4/9}";
	struct math_result first = ask(gold, got, 0), second;

	ask("\\sin(10^{1000})", "0.5", 0);
	second = ask(gold, got, 0);
	ok(first.work && first.work == second.work, "work is counted: %llu units, twice",
	   (unsigned long long)first.work);
}

int main(void)
{
	check("identity", identities, LEN(identities), 1);
	check("structure", structures, LEN(structures), 1);
	check("near-miss", misses, LEN(misses), 1);
	check("bomb", bombs, LEN(bombs), 1);
	check_long();
	check_lenient();
	check_repeats();
	check_choices();
	check_counted();
	return done();
}
