/* SPDX-License-Identifier: MIT */
/* Numbers and canonical answers in responses: tables of text and what lib/answer makes of it. */
#include <string.h>

#include "answer/answer.h"
#include "tap.h"

/* want NULL: none */
static const struct { const char *text, *want; } last_numbers[] = {
	{"803", "803"}, {"07 09 13=803", "803"}, {"=803", "803"}, {"", NULL}, {"no number", NULL},
	{"007", "7"}, {"-0", "0"}, {"-0.0", "0"}, {"0.50", "0.5"}, {".5", "0.5"}, {"5.", "5"},
	{"is 5.", "5"}, {"1,234.50", "1234.5"}, {"$1,234.50", "1234.5"}, {"-$5", "-5"}, {"$-5", "-5"},
	{"\\$12", "12"}, {"1{,}234", "1234"}, {"12,34", "34"}, {"1,2345", "2345"}, {"1234,567", "567"},
	{"0,123", "123"}, {"1,000,000", "1000000"}, {"5-3", "3"}, {"x-3", "3"}, {"(4)-3", "3"},
	{"= -3", "-3"}, {"(-3)", "-3"}, {"+7", "7"}, {"\xe2\x88\x92" "7", "-7"},
	{"\xe2\x82\xac" "9", "9"}, {"\xc2\xa3" "9", "9"}, {"H2O", NULL}, {"CO2 and 7", "7"},
	{"5kg", "5"}, {"2nd", "2"}, {"x_1", NULL}, {"3/4", "0.75"}, {"2/3", "2/3"}, {"4/6", "2/3"},
	{"-4/6", "-2/3"}, {"10/5", "2"}, {"1/0", "0"}, {"0/5", "0"}, {"1/2/2020", "2020"},
	{"\\frac{3}{4}", "0.75"}, {"-\\dfrac{1}{3}", "-1/3"}, {"\\frac{-1}{3}", "-1/3"},
	{"\\frac{x}{3}", NULL}, {"0.5/0.25", "2"}, {"1.5/2", "0.75"}, {"1e5", "100000"},
	{"1.5E-3", "0.0015"}, {"12e-1", "1.2"}, {"1e999", NULL}, {"1e5x", NULL}, {"1e+2", "100"},
	{"123456789012345678901234567890", "123456789012345678901234567890"},
	{"123456789012345678901234567890/3", "123456789012345678901234567890/3"},
	{"0.1000000000000000000000001", "0.1000000000000000000000001"},
	{"1.0000000000000000000000000", "1"}, {"1.2.3", "3"}, {"50%", "50"}, {"12:30", "30"},
	{"a\xe2\x82", NULL}, {"1e-99999", NULL}, {"1E+401", NULL}, {"3 / 4", "0.75"}, {"12 / 0", "0"},
	{"5 / 6 / 7", "7"}, {"1 / 3 of it", "1/3"},
	/* mixed numbers */
	{"2 1/2", "2.5"}, {"2\\frac12", "2.5"}, {"2\\frac{1}{2}", "2.5"}, {"2\\,\\frac{1}{2}", "2.5"},
	{"-2 1/4", "-2.25"}, {"$-2\\frac14$", "-2.25"}, {"2\xc2\xbd", "2.5"}, {"\xc2\xbc", "0.25"},
	{"1 2/3", "5/3"}, {"2 5/3", "5/3"}, {"2 1/2/2020", "2020"}, {"\\frac34", "0.75"},
	{"\\frac 3 4", "0.75"}, {"\\frac3{4}", "0.75"}, {"-\\frac{-3}{4}", "0.75"}, {"\\frac10", NULL},
	/* powers, scales */
	{"10^6", "1000000"}, {"10^{6}", "1000000"}, {"2^10", "1024"}, {"10^-3", "0.001"},
	{"10^{-3}", "0.001"}, {"2^{-1}", "0.5"}, {"3^{100}", NULL}, {"10^{500}", NULL}, {"2^x", NULL},
	{"2^{1.5}", NULL}, {"3 \\times 10^6", "3000000"}, {"1.5\\cdot10^{-2}", "0.015"},
	{"3x10^2", "300"}, {"3 \xc3\x97 10^2", "300"}, {"3 \\times 4", "4"}, {"2 million", "2000000"},
	{"$1.5 million", "1500000"}, {"2\\text{ million}", "2000000"}, {"3 hundred thousand", "300000"},
	{"2 millionaires", "2"}, {"5 tenths", "0.5"}, {"3 and a half", NULL},
	{"4 thousand dollars", "4000"}, {"7 hundredths", "0.07"},
	/* units, and what looks like one */
	{"12 m^2", "12"}, {"12 cm^2", "12"}, {"12\\text{ cm}^2", "12"}, {"12\\text{ cm}^{2}", "12"},
	{"12 m\xc2\xb2", "12"}, {"12 ft^3.", "12"}, {"90^\\circ", "90"}, {"90^{\\circ}", "90"},
	{"7^{th}", "7"}, {"12^\\text{th}", "12"}, {"5 kg", "5"}, {"x^{6}", NULL}, {"x^6", NULL},
	{"4 and x^6", NULL}, {"2x^6", NULL}, {"(x+1)^2", NULL}, {"x_1", NULL}, {"x_{12}", NULL},
	{"5 and x_{12}", "5"}, {"1010_2", NULL}, {"2x", NULL}, {"2\\pi", NULL}, {"2 \\pi", NULL},
	{"2\xcf\x80", NULL}, {"\\pi", NULL}, {"2\\sqrt{3}", NULL}, {"\\sqrt{16}", NULL},
	{"\\sqrt[3]{8}", NULL}, {"\\sqrt{16} = 4", "4"}, {"\xe2\x88\x9a" "16 = 4", "4"}, {"70K", NULL},
	{"$5M", NULL}, {"5...", NULL}, {"5\\ldots", NULL}, {"5\xe2\x80\xa6", NULL}, {"5. ..", "5"},
	{"5\xc2\xb2", NULL}, {"{5}", "5"}, {"5\xe2\x82\xac", "5"}, {"5 \\$", "5"}, {"50 percent", "50"},
	{"\\text{3 apples}", "3"}, {"5!", "5"},
	/* words about it */
	{"definitely not 42", NULL}, {"13, not 14.", "13"}, {"It is 13 rather than 14", "13"},
	{"It isn't 14", NULL}, {"more than 100", NULL}, {"at most 6", NULL}, {"at least **6**", NULL},
	{"no fewer than $6$", NULL}, {"between 3 and 4", NULL}, {"either 5 or 6", NULL},
	{"5 or 6", NULL}, {"5 apples or 6 apples", NULL}, {"5 or more", NULL},
	{"5 boxes at most", NULL}, {"100+", NULL}, {"100+1", "1"}, {"about 5", "5"},
	{"approximately 8.24", "8.24"}, {"nearly 5", NULL}, {"up to 5", NULL}, {"x > 5", NULL},
	{"x \\ge 5", NULL}, {"<b>5</b>", "5"}, {"<answer>5</answer>", "5"}, {"-> 5", "5"},
	{"=> 5", "5"}, {"5 is wrong", NULL}, {"5 is not it", NULL},
	/* signs in words, and what makes something else of a number */
	{"negative 3", "-3"}, {"The answer is negative **3**.", "-3"}, {"negative -3", "3"},
	{"negative 0", "0"},
	{"It is minus 3", "-3"}, {"5 minus 3", "3"}, {"x minus 3", "3"}, {"nonnegative 3", "3"},
	{"\xe2\x80\x93" "3", "-3"}, {"1\xe2\x80\x93" "3", "3"}, {"\xc2\xb1" "3", NULL},
	{"\\pm 3", NULL}, {"half of 3", NULL}, {"The square root of 3", NULL},
	{"half of 6 is 3", "3"}, {"3 and one half", NULL}, {"3 recurring", NULL}, {"3 N", "3"},
	{"divisible by 3", NULL}, {"1 out of 3", NULL}, {"3 below zero", NULL}, {"3 points", "3"},
	{"5 \\pm 1", NULL}, {"\xe2\x88\x9a" "3", NULL}, {"\\log 3", NULL}, {"\\sin(3)", NULL},
	{"7 \\pmod{3}", NULL},
	{"3 squared", NULL}, {"3 cubed", NULL}, {"3 thirds", NULL}, {"3 bn", NULL},
	{"3 lakh", NULL}, {"non-negative 3", "3"},
	{"3 miles", "3"}, {"3 squared is 9", "9"}, {"\\log 8 = 3", "3"}, {"3 thirdsome", "3"},
	{"7 is more than 5, so 7", "7"}, {"no, 5", "5"}, {"Nothing but 5", "5"},
};

static const struct { const char *text, *want; } numbers[] = {
	{" 42\n", "42"}, {"42 apples", NULL}, {"4 2", NULL}, {"", NULL}, {"1/3", "1/3"},
	{"1e17", "100000000000000000"}, {"51.0", "51"},
};

/* What canonical text is, and what it is without a unit (NULL: it has none to leave out). */
static const struct { const char *text, *want, *bare; } texts[] = {
	/* numbers, as math_number has them */
	{"1/2", "0.5", NULL}, {"\\frac12", "0.5", NULL}, {"0.50", "0.5", NULL}, {"1/3", "1/3", NULL},
	{"\\frac{-2}{6}", "-1/3", NULL}, {"-\\frac{1}{3}", "-1/3", NULL}, {"1,234", "1234", NULL},
	{"1\\,234.50", "1234.5", NULL}, {"3\\frac12", "3.5", NULL}, {"2 1/3", "7/3", NULL},
	{"0.\\overline{3}", "1/3", NULL}, {"0.1\\overline{6}", "1/6", NULL}, {"1e5", "100000", NULL},
	{"6.02 \\times 10^{23}", "602000000000000000000000", NULL}, {"2^{10}", "1024", NULL},
	{"1.5E-30", "0.0000000000000000000000000000015", NULL}, {"-0", "0", NULL}, {"5.", "5", NULL},
	{"\\frac{\\frac12}{\\frac34}", "2/3", NULL}, {"-(-5)", "5", NULL},
	{"\\frac{1}{0}", "\\frac{1}{0}", NULL},
	{"123456789012345678901234567890/3", "123456789012345678901234567890/3", NULL},
	{"\\$5", "\\$5", "5"}, {"-\\$5.50", "\\$-5.5", "-5.5"}, {"20\\%", "20%", "20"},
	{"90^\\circ", "90\xc2\xb0", "90"}, {"180\\text{ miles}", "180 mi", "180"},
	{"180 mi", "180 mi", "180"}, {"12\\text{ cm}^2", "12 cm^2", "12"}, {"5 m", "5 m", "5"},
	{"5\\text{ m}", "5 \\text{m}", "5"}, {"5\\text{ apples}", "5 apple", "5"},
	{"3\\text{ cm}, 4\\text{ cm}", "{3 cm, 4 cm}", "{3, 4}"}, {"21st", "21th", "21"},
	/* sums, products, roots */
	{"\\frac{\\sqrt3}{2}", "sqrt(3)/2", NULL}, {"\\sqrt3/2", "sqrt(3)/2", NULL},
	{"\\frac12\\sqrt{3}", "sqrt(3)/2", NULL}, {"0.5\\cdot\\sqrt{3}", "sqrt(3)/2", NULL},
	{"x^2+1", "x^2+1", NULL}, {"1+x^{2}", "x^2+1", NULL}, {"{x}", "x", NULL}, {"yx", "x*y", NULL},
	{"-2x + x^2", "x^2-2*x", NULL}, {"\\frac{-x}{2}", "-x/2", NULL}, {"2\\pi r", "2*pi*r", NULL},
	{"\\frac{1}{2x}", "1/(2*x)", NULL}, {"a-(b-c)", "-(b-c)+a", NULL},
	{"\\sqrt[3]{x}", "sqrt[3](x)", NULL},
	{"x^{n+1}", "x^(n+1)", NULL}, {"x^{-1}", "x^(-1)", NULL}, {"(-2)^n", "(-2)^n", NULL},
	{"e^{i\\pi/4}", "e^(i*pi/4)", NULL}, {"\\sin^2 x", "sin(x)^2", NULL},
	{"\\log_2 x", "log_{2}(x)", NULL},
	{"\\alpha_1", "alpha_1", NULL}, {"a_{n+1}", "a_{n+1}", NULL}, {"n!", "n!", NULL},
	{"\\binom{5}{2}", "binom(5, 2)", NULL}, {"|x-1|", "abs(x-1)", NULL}, {"\\mu", "\\mu", NULL},
	{"2\\pm\\sqrt3", "2\xc2\xb1sqrt(3)", NULL}, {"\\arcsin x", "arcsin(x)", NULL},
	{"f(x)", "f(x)", NULL},
	/* several values, sets, statements */
	{"(1,2]", "(1, 2]", NULL}, {"\\left( 3, \\frac{\\pi}{2} \\right)", "(3, pi/2)", NULL},
	{"2,1", "{1, 2}", NULL}, {"\\{2, 1\\}", "{1, 2}", NULL}, {"1 and 2", "{1, 2}", NULL},
	{"\\{5\\}", "5", NULL}, {"\\emptyset", "\xe2\x88\x85", NULL},
	{"\\langle 1,2\\rangle", "(1, 2)", NULL},
	{"(2,3)\\cup\\{0\\}", "(2, 3) \xe2\x88\xaa \\{0\\}", NULL}, {"x \\ge 2", "2 <= x", NULL},
	{"x=1 \\text{ or } x=2", "x = 1, x = 2", NULL}, {"y=2,x=1", "x = 1, y = 2", NULL},
	{"x=1 \\text{ or } y=2", "x = 1 or y = 2", NULL}, {"3:4", "3:4", NULL},
	{"9:05 am", "9:05 am", NULL}, {"10 \\pmod 7", "10 (mod 7)", NULL}, {"1010_2", "1010_{2}", NULL},

	{"\\begin{pmatrix}1\\\\\\frac12\\end{pmatrix}", "\\begin{pmatrix}1 \\\\ 0.5\\end{pmatrix}",
	 NULL},
	{"\\text{(C)}", "C", NULL}, {"\\text{Monday}", "monday", NULL},
	{"\\mathbb R", "\\mathbb{R}", NULL},
	/* what cannot be read, and what is more than its letters */
	{"\\frac{1}{", "frac{1}{", NULL}, {"BAC", "BAC", NULL}, {"", "", NULL},
};

static const struct { const char *a, *b; int same; } pairs[] = {
	{"x \\cdot y", "yx", 1}, {"\\text{yes}", "Yes", 1}, {"$x$", "\\(x\\)", 1},
	{"x\\le 3", "3 \\geq x", 1}, {"\\frac{2}{4}\\pi", "\\pi/2", 1},
	{"x/7+2/7", "\\frac27+\\frac x7", 1},
	{"1/3", "0.333", 0}, {"0.33333333333333333333", "1/3", 0}, {"(0,1)", "[0,1]", 0},
	{"(0,1)", "0,1", 0}, {"(1,2)", "(2,1)", 0}, {"\\sqrt{2}", "1.41421356", 0},
	{"\\pi", "355/113", 0}, {"xy", "x", 0}, {"\\frac{1}{2}", "\\frac{2}{1}", 0}, {"5 cm", "5 m", 0},
	{"a-b", "b-a", 0}, {"x/y", "y/x", 0}, {"x^y", "y^x", 0}, {"BAC", "CAB", 0}, {"x<y", "y<x", 0},
	{"x^{12}", "x^12", 1}, {"5\\%", "5^\\circ", 0}, {"1,1,2", "1,2,2", 0}, {"\\ln x", "\\log x", 0},
};

static int equals(const struct buf *b, const char *want)
{
	return b->len == strlen(want) && (!b->len || !memcmp(b->data, want, b->len));
}

int main(void)
{
	struct buf out = {0}, other = {0};

	for (size_t i = 0; i < LEN(last_numbers); i++) {
		int found = math_last_number(last_numbers[i].text, strlen(last_numbers[i].text), &out);
		const char *want = last_numbers[i].want;

		if (!ok(found == (want != NULL) && (!want || equals(&out, want)), "last number of '%s'",
		        last_numbers[i].text))
			diag("got %d %.*s", found, (int)out.len, out.data ? out.data : "");
	}
	for (size_t i = 0; i < LEN(numbers); i++) {
		int found = math_number(numbers[i].text, strlen(numbers[i].text), &out);

		ok(found == (numbers[i].want != NULL) && (!found || equals(&out, numbers[i].want)),
		   "number case %zu", i);
	}
	for (size_t i = 0; i < LEN(texts); i++) {
		int bare;

		math_canonical(texts[i].text, strlen(texts[i].text), &out);
		bare = math_bare(texts[i].text, strlen(texts[i].text), &other);
		if (!ok(equals(&out, texts[i].want) && bare == (texts[i].bare != NULL) &&
		            (!bare || equals(&other, texts[i].bare)), "%s is written %s", texts[i].text,
		        texts[i].want))
			diag("%.*s, without its unit (%d) %.*s", (int)out.len, out.data ? out.data : "", bare,
			     (int)other.len, other.data ? other.data : "");
		math_canonical(texts[i].want, strlen(texts[i].want), &other);
		ok(equals(&other, texts[i].want), "%s stays", texts[i].want);
	}
	for (size_t i = 0; i < LEN(pairs); i++) {
		math_canonical(pairs[i].a, strlen(pairs[i].a), &out);
		math_canonical(pairs[i].b, strlen(pairs[i].b), &other);
		if (!ok((out.len == other.len && !memcmp(out.data, other.data, out.len)) == pairs[i].same,
		        "%s %s %s", pairs[i].a, pairs[i].same ? "is" : "is not", pairs[i].b))
			diag("%.*s and %.*s", (int)out.len, out.data, (int)other.len, other.data);
	}
	buf_release(&out);
	buf_release(&other);
	return done();
}
