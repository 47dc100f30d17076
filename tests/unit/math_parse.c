/* SPDX-License-Identifier: MIT */
/* Answers and the trees they are: a table, what must be one tree, what must not, bounds, and all
 * answers of MATH and GSM8K. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "jsonl/jsonl.h"
#include "latex/tree.h"
#include "tap.h"

static const struct { const char *text, *tree; } table[] = {
	{"1 000", "1000"},
	{"1\\,234", "1234"},
	{"1 234 567", "1234567"},
	{"(1,234)", "(tuple () 1 234)"},
	{"[1,234)", "(tuple [) 1 234)"},
	{"\\{1,234\\}", "(set 1 234)"},
	{"{1, 2}", "(set 1 2)"},
	{"{1,3}", "(set 1 3)"},
	{"${1,3}$", "(set 1 3)"},
	{"\\frac172", "unparsed"},
	{"\\frac12 3", "unparsed"},
	{"3 1/2", "(mixed 3 (/ 1 2))"},
	{"-3 1/2", "(- (mixed 3 (/ 1 2)))"},
	{"3\\frac{3}{2}", "(* 3 (/ 3 2))"},
	{"2\\frac{1}{2}x", "(* (mixed 2 (/ 1 2)) x)"},
	{"\\sqrt12", "(root 12)"},
	{"\\sqrt[3]{x+1}", "(root (+ x 1) 3)"},
	{"sqrt(2)/2", "(/ (root 2) 2)"},
	{"2sqrt(3)", "(* 2 (root 3))"},
	{"xsqrt(2)", "(* x (root 2))"},
	{"3*x^2 + 2**3", "(+ (* 3 (^ x 2)) (^ 2 3))"},
	{"\xe2\x88\x9a" "2/2", "(/ (root 2) 2)"},
	{"\xe2\x88\x9b" "8", "(root 8 3)"},
	{"x\xc2\xb2+3x\xe2\x81\xbb\xc2\xb9", "(+ (^ x 2) (* 3 (^ x (- 1))))"},
	{"\xc2\xbd", "(/ 1 2)"},
	{"3\xc2\xbd", "(mixed 3 (/ 1 2))"},
	{"2\xcf\x80", "(* 2 :pi)"},
	{"\xe2\x88\x92" "5", "(- 5)"},
	{"5 \xc3\x97 10^3", "(* 5 (^ 10 3))"},
	{"2 x 3", "(* 2 3)"},
	{"1.5e-3", "(* 1.5 (^ 10 (- 3)))"},
	{"2e5", "(* 2 (^ 10 5))"},
	{"2e-3", "(+ (* 2 :e) (- 3))"},
	{"4.5E+10", "(* 4.5 (^ 10 10))"},
	{"0.\\overline{3}", "0.(3)"},
	{"0.1\\overline{6}", "0.1(6)"},
	{"0.\\bar{3}", "0.(3)"},
	{"0.333\\ldots", "0.33(3)"},
	{"\\sin^{-1} x", "(asin x)"},
	{"\\sin^2 x + \\cos^2 x", "(+ (^ (sin x) 2) (^ (cos x) 2))"},
	{"\\sin 2x \\cos 3x", "(* (sin (* 2 x)) (cos (* 3 x)))"},
	{"\\sin(2x)^2", "(^ (sin (* 2 x)) 2)"},
	{"\\cos \\pi/3", "(cos (/ :pi 3))"},
	{"\\log_2 8", "(log 8 2)"},
	{"\\log_{10}(x)", "(log x 10)"},
	{"\\log_28", "(log 8 2)"},
	{"log(8, 2)", "(log 8 2)"},
	{"\\ln|x| + C", "(+ (ln (abs x)) C)"},
	{"\\ln 2 \\cdot 3", "(* (ln 2) 3)"},
	{"\\arcsin\\frac12", "(asin (/ 1 2))"},
	{"n!", "(fact n)"},
	{"(n-1)!", "(fact (+ n (- 1)))"},
	{"5!!", "(fact2 5)"},
	{"5!=120", "(rel = (fact 5) 120)"},
	{"x != 3", "(rel ! x 3)"},
	{"\\binom{5}{2}", "(binom 5 2)"},
	{"{n \\choose k}", "(binom n k)"},
	{"\\binom52", "(binom 5 2)"},
	{"|x-3|", "(abs (+ x (- 3)))"},
	{"2|x|", "(* 2 (abs x))"},
	{"\\left|\\frac{x}{2}\\right|", "(abs (/ x 2))"},
	{"|x|y|z|", "(* (abs x) y (abs z))"},
	{"||x|-1|", "(abs (+ (abs x) (- 1)))"},
	{"\\lfloor x/2 \\rfloor", "(floor (/ x 2))"},
	{"\\lceil x \\rceil", "(ceil x)"},
	{"x \\in [-2,7]", "(rel e x (tuple [] (- 2) 7))"},
	{"x in [-2, 7]", "(rel e x (tuple [] (- 2) 7))"},
	{"x \xe2\x88\x88 \xe2\x84\x9d \\setminus {0}", "(rel e x (minus :R (set 0)))"},
	{"\\mathbb{R} \\setminus \\{0\\}", "(minus :R (set 0))"},
	{"\\mathbb{R} - \\{0,1\\}", "(minus :R (set 0 1))"},
	{"\\{x \\mid x > 1\\}", "(such x (rel > x 1))"},
	{"\\{x : x > 1\\}", "(such x (rel > x 1))"},
	{"{x | x > 1}", "(such x (rel > x 1))"},
	{"\\{x \\in \\mathbb{R} : |x| < 2\\}", "(such (rel e x :R) (rel < (abs x) 2))"},
	{"\\emptyset", "{}"},
	{"\\{\\}", "{}"},
	{"{}", "{}"},
	{"3 \\pm 2\\sqrt{2}", "(pm 3 (* 2 (root 2)))"},
	{"\\pm 5", "(pm 5)"},
	{"x = \\pm 2", "(rel = x (pm 2))"},
	{"x=5", "(rel = x 5)"},
	{"x = 5 \\text{ or } x = 6", "(or (rel = x 5) (rel = x 6))"},
	{"x=1, y=2", "(list (rel = x 1) (rel = y 2))"},
	{"x=1 and y=2", "(list (rel = x 1) (rel = y 2))"},
	{"y = 2x+3", "(rel = y (+ (* 2 x) 3))"},
	{"-2 \\le x \\le 7", "(rel ll (- 2) x 7)"},
	{"x > 3 or x < -1", "(or (rel > x 3) (rel < x (- 1)))"},
	{"1 < x \\leq 2", "(rel <l 1 x 2)"},
	{"90\xc2\xb0", "(unit \"deg\" 90)"},
	{"90^\\circ", "(unit \"deg\" 90)"},
	{"45 degrees", "(unit \"deg\" 45)"},
	{"20^\\circ\\text{C}", "(unit \"degC\" 20)"},
	{"20^\\circ C", "(unit \"degC\" 20)"},
	{"98 \xc2\xb0" "F", "(unit \"degF\" 98)"},
	{"$5", "(unit \"$\" 5)"},
	{"$5$", "5"},
	{"\\$5.50", "(unit \"$\" 5.50)"},
	{"5\xe2\x82\xac", "(unit \"EUR\" 5)"},
	{"\xe2\x82\xac" "5", "(unit \"EUR\" 5)"},
	{"\\$1,234.50", "(unit \"$\" 1234.50)"},
	{"5 dollars", "(unit \"$\" 5)"},
	{"50 cents", "(unit \"cent\" 50)"},
	{"50%", "(unit \"%\" 50)"},
	{"50 percent", "(unit \"%\" 50)"},
	{"5 cm", "(unit \"cm\" 5)"},
	{"5cm", "(unit \"cm\" 5)"},
	{"5 m", "(* 5 m)"},
	{"5 m^2", "(* 5 (^ m 2))"},
	{"5 \\text{ m}^2", "(unit \"m^2\" 5)"},
	{"5 \\text{ m/s}", "(unit \"m/s\" 5)"},
	{"60 miles per hour", "(unit \"mi/h\" 60)"},
	{"60 \\frac{\\text{miles}}{\\text{hour}}", "(unit \"mi/h\" 60)"},
	{"5 square feet", "(unit \"ft^2\" 5)"},
	{"3:30", "(clock 3 30)"},
	{"3:30 PM", "(clock pm 3 30)"},
	{"3:30 p.m.", "(clock pm 3 30)"},
	{"9\\text{ a.m.}", "(clock am 9 0)"},
	{"12:05:30", "(clock 12 5 30)"},
	{"3:4", "(ratio 3 4)"},
	{"5th", "(unit \"th\" 5)"},
	{"21^{\\text{st}}", "(unit \"th\" 21)"},
	{"12^{th}", "(unit \"th\" 12)"},
	{"(B)", "'B"},
	{"B", "B"},
	{"\\text{(B)}", "'B"},
	{"\\text{B}", "'B"},
	{"B.", "B"},
	{"\\textbf{(B)}", "'B"},
	{"\\text{A, C}", "(list 'A 'C)"},
	{"A and C", "(list A C)"},
	{"yes", "\"yes\""},
	{"Yes", "\"Yes\""},
	{"No", "\"No\""},
	{"even", "\"even\""},
	{"\\text{no solution}", "{}"},
	{"no solution", "{}"},
	{"all real numbers", ":R"},
	{"four", "4"},
	{"Monday", "\"Monday\""},
	{"June 20", "\"June 20\""},
	{"5 apples", "(unit \"apple\" 5)"},
	{"5 apples and 3 pears", "(list (unit \"apple\" 5) (unit \"pear\" 3))"},
	{"3 hours and 20 minutes", "(list (unit \"h\" 3) (unit \"min\" 20))"},
	{"3 hours 20 minutes", "(list (unit \"h\" 3) (unit \"min\" 20))"},
	{"5 million dollars", "(unit \"$\" (* 5 1000000))"},
	{"1010_{\\text{two}}", "1010_2"},
	{"(1010)_2", "1010_2"},
	{"152A_{11}", "152A_11"},
	{"1A05_{16}", "1A05_16"},
	{"129_8", "unparsed"},
	{"A_{12}", "A_12"},
	{"a_{n+1} = 2a_n", "(rel = a_n+1 (* 2 a_n))"},
	{"x_1 + x_2", "(+ x_1 x_2)"},
	{"f(x) = x^2", "(rel = (apply f x) (^ x 2))"},
	{"p(x) = x^2+1", "(rel = (apply p x) (+ (^ x 2) 1))"},
	{"f'(x)", "(apply f' x)"},
	{"f''(2)", "(apply f'' 2)"},
	{"f^{-1}(x)", "(apply f^-1 x)"},
	{"h(a+b)", "(* h (+ a b))"},
	{"h(x)", "(apply h x)"},
	{"f(2) < f(1) < f(4)", "(rel << (apply f 2) (apply f 1) (apply f 4))"},
	{"\\overline{AB}", "AB"},
	{"\\overline{z}", "(conj z)"},
	{"\\vec{v}", "v"},
	{"\\hat{i}", "hat i"},
	{"\\mathbf{i} + 2\\mathbf{j}", "(+ i (* 2 j))"},
	{"\\angle ABC = 30^\\circ", "(rel = angle ABC (unit \"deg\" 30))"},
	{"\\triangle ABC", "triangle ABC"},
	{"\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "(matrix 2x2 1 2 3 4)"},
	{"\\begin{bmatrix}1\\\\2\\\\\\end{bmatrix}", "(matrix 2x1 1 2)"},
	{"\\begin{vmatrix} 1 & 2 \\\\ 3 & 4 \\end{vmatrix}", "(det 2x2 1 2 3 4)"},
	{"\\left( \\begin{array}{cc} 1 & 2 \\\\ 3 & 4 \\end{array} \\right)", "(matrix 2x2 1 2 3 4)"},
	{"\\left| \\begin{array}{cc} 1 & 2 \\\\ 3 & 4 \\end{array} \\right|", "(det 2x2 1 2 3 4)"},
	{"\\frac{1}{3}\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "(* (/ 1 3) (matrix 2x1 1 2))"},
	{"\\begin{cases} x=1 \\\\ y=2 \\end{cases}", "(list (rel = x 1) (rel = y 2))"},
	{"\\begin{align*} x &= 5 \\end{align*}", "(rel = x 5)"},
	{"\\langle 1, 2 \\rangle", "(tuple <> 1 2)"},
	{"\\left\\langle 1,2 \\right\\rangle", "(tuple <> 1 2)"},
	{"3 \\pmod{7}", "(mod 3 7)"},
	{"x \\equiv 3 \\pmod{7}", "(rel m x (mod 3 7))"},
	{"e^{2\\pi i}", "(^ :e (* 2 :pi :i))"},
	{"e^x", "(^ :e x)"},
	{"2^{3^2}", "(^ 2 (^ 3 2))"},
	{"2^3^2", "(^ 2 (^ 3 2))"},
	{"x^-1", "(^ x (- 1))"},
	{"x^{-1/2}", "(^ x (- (/ 1 2)))"},
	{"x^10", "(^ x 10)"},
	{"1/2x", "(* (/ 1 2) x)"},
	{"a/b/c", "(/ (/ a b) c)"},
	{"2*-3", "(* 2 (- 3))"},
	{"--5", "(- (- 5))"},
	{"\\frac{\\frac12}{3}", "(/ (/ 1 2) 3)"},
	{"\\dfrac{x^2-1}{x+1}", "(/ (+ (^ x 2) (- 1)) (+ x 1))"},
	{"\\displaystyle \\frac{1}{2}", "(/ 1 2)"},
	{"\\boxed{5}", "5"},
	{"**5**", "5"},
	{"\\\\frac{1}{2}", "(/ 1 2)"},
	{"\\\\left(\\\\frac{1}{5},\\\\frac{1}{6}\\\\right)", "(tuple () (/ 1 5) (/ 1 6))"},
	{"(-\xe2\x88\x9e, 3] \xe2\x88\xaa [5, \xe2\x88\x9e)",
	 "(union (tuple (] (- :inf) 3) (tuple [) 5 :inf))"},
	{"(-oo, 3) U (5, oo)", "(union (tuple () (- :inf) 3) (tuple () 5 :inf))"},
	{"(-inf, 3)", "(tuple () (- :inf) 3)"},
	{"5, 6, and 7", "(list 5 6 7)"},
	{"5 and 6", "(list 5 6)"},
	{"5; 6", "(list 5 6)"},
	{"x^2 + 2x + 1.", "(+ (^ x 2) (* 2 x) 1)"},
	{"\\frac{1}{2", "unparsed"},
	{"\\frac{}{}", "unparsed"},
	{"\\text{", "unparsed"},
	{")))", "unparsed"},
	{"^2", "unparsed"},
	{"x^", "unparsed"},
	{"\\left( 3, \\frac{\\pi}{2} \\right)", "(tuple () 3 (/ :pi 2))"},
	{"(1, 2), (3, 4)", "(list (tuple () 1 2) (tuple () 3 4))"},
	{"(3, 4), (5, 6) and (7, 8)", "(list (tuple () 3 4) (tuple () 5 6) (tuple () 7 8))"},
	{"10\\%", "(unit \"%\" 10)"},
	{"-\\infty", "(- :inf)"},
	{"+\\infty", ":inf"},
	{"\\infty", ":inf"},
	{"2 + 3i", "(+ 2 (* 3 :i))"},
	{"3\\cdot 10^8 \\text{ m/s}", "(unit \"m/s\" (* 3 (^ 10 8)))"},
	{"a^2 + b^2 = c^2", "(rel = (+ (^ a 2) (^ b 2)) (^ c 2))"},
	{"(x+1)^{10}", "(^ (+ x 1) 10)"},
	{"\\sqrt{\\sqrt{2}+1}", "(root (+ (root 2) 1))"},
	{"\\gcd(12, 18)", "(gcd 12 18)"},
	{"\\max\\{1,2\\}", "(max 1 2)"},
	{"\\frac{\\pi r}{h+r}", "(/ (* :pi r) (+ h r))"},
	{"Rs. 50", "(unit \"INR\" 50)"},
	{"5 \\times 4", "(* 5 4)"},
	{"\\frac{1}{2}\\cdot\\frac{3}{4}", "(* (/ 1 2) (/ 3 4))"},
	{"\\dfrac{5}{7}x^{2}y", "(* (/ 5 7) (^ x 2) y)"},
	{"\\cot^{-1}(2)", "(acot 2)"},
	{"\\tan^{-1} \\frac{1}{2}", "(atan (/ 1 2))"},
	{"x \\neq 2", "(rel ! x 2)"},
	{"x \\not= 2", "(rel ! x 2)"},
	{"x \xe2\x89\xa5 5", "(rel g x 5)"},
	{"28 pct", "(unit \"%\" 28)"},
	{"$28$ %", "(unit \"%\" 28)"},
	{"32,\\! 349", "32349"},
	{"k \\in \\mathbb{Z}", "(rel e k :Z)"},
	{"\\frac{\\pi}{4} + k\\pi, k \\in \\mathbb{Z}", "(list (+ (/ :pi 4) (* k :pi)) (rel e k :Z))"},
	{"2n\\pi", "(* 2 n :pi)"},
	{"xyz", "(* x y z)"},
	{"abcd", "(* a b c d)"},
	{"AB", "(* A B)"},
	{"AB = 5", "(rel = (* A B) 5)"},
	{"ABC", "(* A B C)"},
	{"\\mathrm{e}^x", "(^ :e x)"},
	{"\\mathrm{km}", "\"km\""},
	{"5\\,\\mathrm{km}", "(unit \"km\" 5)"},
	{"5 \\mathrm{~cm}", "(unit \"cm\" 5)"},
	{"\\operatorname{arcsinh}(x)", "(asinh x)"},
	{"\\text{if } x>0", "unparsed"},
	{"1,22", "(list 1 22)"},
	{".5", "0.5"},
	{"5.", "5"},
	{"1.2.3", "unparsed"},
	{"1,234,567.89", "1234567.89"},
	{"12,34", "(list 12 34)"},
	{"0,123", "(list 0 123)"},
	{"70,110", "(grouped 70110 (list 70 110))"},
	{"x<=2", "(rel l x 2)"},
	{"y=-\\frac{1}{2}x+\\frac{3}{4}", "(rel = y (+ (- (* (/ 1 2) x)) (/ 3 4)))"},
	{"\\sqrt{2}i", "(* (root 2) :i)"},
	{"i\\sqrt{2}", "(* :i (root 2))"},
	{"-i", "(- :i)"},
	{"2i", "(* 2 :i)"},
	{"2^{\\frac{1}{2}}", "(^ 2 (/ 1 2))"},
	{"2^\\frac12", "(^ 2 (/ 1 2))"},
	{"(\\sqrt{2})^2", "(^ (root 2) 2)"},
	{"1\\frac{1}{2}\\text{ hours}", "(unit \"h\" (mixed 1 (/ 1 2)))"},
	{"x \\mapsto x^2", "(rel t x (^ x 2))"},
	{"3!", "(fact 3)"},
	{"P(A) = \\frac{1}{2}", "(rel = (apply P A) (/ 1 2))"},
	{"\\frac{a}{b}\\ln\\left(\\frac{c}{d}\\right)", "(* (/ a b) (ln (/ c d)))"},
	{"[2, 5] \\cap [3, 7]", "(inter (tuple [] 2 5) (tuple [] 3 7))"},
	{"\\frac{x}{\\sin x}", "(/ x (sin x))"},
	{"\\frac{2}{3}\\pi r^3", "(* (/ 2 3) :pi (^ r 3))"},
	{"10:1", "(ratio 10 1)"},
	{"1 : 2 : 3", "(ratio 1 2 3)"},
	{"(2, \\infty)", "(tuple () 2 :inf)"},
	{"$\\frac{3}{4}$ cups", "(unit \"cup\" (/ 3 4))"},
	{"1,\\!000,\\!000", "1000000"}, {"5 + 3 \\text{ cm}", "(unit \"cm\" (+ 5 3))"},
	{"3 \\text{ cm} + 4 \\text{ cm}", "(+ (unit \"cm\" 3) (unit \"cm\" 4))"},
	{"$x$", "x"},
	{"\\(x\\)", "x"},
	{"\\[ x \\]", "x"},
	{"30' ", "unparsed"},
	{"\\frac{3}{56} \\approx 0.05", "(rel ~ (/ 3 56) 0.05)"},
	{"a<b<c", "(rel << a b c)"},
	{"30 minutes", "(unit \"min\" 30)"},
	{"x=1 \\quad y=2", "(list (rel = x 1) (rel = y 2))"},
	{"5 \\quad \\text{cm}", "(unit \"cm\" 5)"},
	{"\\begin{cases} x & x>0 \\\\ -x & x<0 \\end{cases}", "unparsed"},
	{"USD 5", "(unit \"$\" 5)"},
	{"x \\in {1,2}", "(rel e x (set 1 2))"},
	{"-\\frac{\\sqrt{2}}{2}i", "(- (* (/ (root 2) 2) :i))"},
	{"\\sqrt[4]{2}", "(root 2 4)"},
	{"\\sqrt[ n ]{x}", "(root x n)"},
	{"20\\,000", "20000"},
	{"1.000.000", "1000000"},
	{"x = 2, -3", "(list (rel = x 2) (- 3))"},
	{"(x, y) = (1, 2)", "(rel = (tuple () x y) (tuple () 1 2))"},
	{"\\left(\\frac{1}{2}, \\infty\\right)", "(tuple () (/ 1 2) :inf)"},
	{"\\{(1,2), (3,4)\\}", "(set (tuple () 1 2) (tuple () 3 4))"},
	{"\\{1, 2, \\ldots, 10\\}", "unparsed"},
	{"(0,1) \\times (0,1)", "(* (tuple () 0 1) (tuple () 0 1))"},
	{"a\\text{ and }b", "(list a b)"},
	{"\\text{both } A \\text{ and } B", "(list A B)"},
	{"4\\!:\\!51\\!:\\!06 \\text{ p.m.}", "(clock pm 4 51 6)"},
	{"\\frac{1}{7}\\triangle ABC", "(* (/ 1 7) triangle ABC)"},
	{"2\\text{ m}", "(unit \"m\" 2)"},
	{"x^{\\prime}", "x'"},
	{"10^{-3}", "(^ 10 (- 3))"},
	{"\\sum_{i=1}^n i", "(series i 1 n :i)"},
	{"\\int_0^1 x dx", "unparsed"},
	{"\\lim_{x\\to 0} x", "unparsed"},
	{"AB\\parallel CD", "(rel p (* A B) (* C D))"},
	{"1e10", "(* 1 (^ 10 10))"},
	{"5\\text{ cm}^{2}", "(unit \"cm^2\" 5)"},
	{"3\\,\\text{m}\\cdot\\text{s}^{-1}", "(unit \"m*s^-1\" 3)"},
	{"\xe2\x88\x9a(x+1)", "(root (+ x 1))"},
	{"x\xe2\x82\x81 + x\xe2\x82\x82", "(+ x_1 x_2)"},
	{"5 km/h", "(unit \"km/h\" 5)"},
	{"5 km/hr", "(unit \"km/h\" 5)"},
	{"$\\$5$", "(unit \"$\" 5)"},
	{"~5", "5"},
	{"5 \xc2\xb1 3", "(pm 5 3)"},
	{"(5)", "5"},
	{"((5))", "5"},
	{"[5]", "(tuple [] 5)"},
	{"5]", "unparsed"},
	{"\\left[5\\right]", "(tuple [] 5)"},
	{"2[x+1]", "(* 2 (+ x 1))"},
	{"(x+1)[y+2]", "(* (+ x 1) (+ y 2))"},
	{"(-3)^2", "(^ (- 3) 2)"},
	{"sin(x)^2", "(^ (sin x) 2)"},
	{"sin^2(x)", "(^ (sin x) 2)"},
	{"sin^-1(x)", "(asin x)"},
	{"log2(8)", "(log 8 2)"},
	{"exp(x)", "(exp x)"},
	{"abs(x-1)", "(abs (+ x (- 1)))"},
	{"floor(2.5)", "(floor 2.5)"},
	{"3C2", "unparsed"},
	{"C(5,2)", "(binom 5 2)"},
	{"5C2", "unparsed"},
	{"{}_5C_2", "unparsed"},
	{"100^{100}", "(^ 100 100)"},
	{"9!", "(fact 9)"},
	{"i^2", "(^ :i 2)"},
	{"e", ":e"},
	{"\\pi", ":pi"},
	{"e^{i\\pi} + 1 = 0", "(rel = (+ (^ :e (* :i :pi)) 1) 0)"},
	{"x^2y^3z", "(* (^ x 2) (^ y 3) z)"},
	{"2ab", "(* 2 a b)"},
	{"3(x+y)", "(* 3 (+ x y))"},
	{"\\frac{3(x+y)}{2}", "(/ (* 3 (+ x y)) 2)"},
	{"x!!!", "(fact (fact2 x))"},
	{"1/2/3/4", "(/ (/ (/ 1 2) 3) 4)"},
	{"5%", "(unit \"%\" 5)"},
	{"\\text{A5}_{11}", "A5_11"},
	{"-221_3", "(- 221_3)"},
	{"0.0011_{2}", "0.0011_2"},
	{"\\$\\dfrac23 \\approx \\$0.67", "(rel ~ (unit \"$\" (/ 2 3)) (unit \"$\" 0.67))"},
	{"\\begin{pmatrix} 1 & -1 \\\\ 1 & \\phantom -1 \\end{pmatrix}", "(matrix 2x2 1 (- 1) 1 1)"},
	{"\\sec \\frac{1}{2}\\theta", "(sec (* (/ 1 2) theta))"},
	{"(r, \\theta)", "(tuple () r theta)"},
	{"1+\\sqrt 2,\\ 1-\\sqrt 2", "(list (+ 1 (root 2)) (+ 1 (- (root 2))))"},
	{"(\\tfrac83, 3]", "(tuple (] (/ 8 3) 3)"},
	{"\\!\\sqrt{21}", "(root 21)"},
	{"6, 8\\text{, and }10", "(list 6 8 10)"},
	{"11,\\! 111,\\! 100", "11111100"},
	{"0.56 = 56\\%", "(rel = 0.56 (unit \"%\" 56))"},
	{"-\\$0.50", "(unit \"$\" (- 0.50))"}, {"0.\\overline{09}", "0.(09)"},
	{"\\$5/\\text{hour}", "(unit \"$/h\" 5)"},
	{"\\mathbf{2340}", "2340"},
	{"19:60", "(ratio 19 60)"},
	{"10\\;\\text{edges}", "(unit \"edge\" 10)"},
	{"4 \\text{ } 5", "unparsed"},
	{"\\frac{1}{2}\\text{ is not } 3", "unparsed"},
	{"five", "5"},
	{"\\text{five apples}", "(unit \"apple\" 5)"},
	{"x+1 if x>0", "unparsed"}, {"\\sin", "unparsed"}, {"\\frac12\\frac13", "(* (/ 1 2) (/ 1 3))"},
	{"2\\frac{1}{2}\\frac{1}{3}", "(* (mixed 2 (/ 1 2)) (/ 1 3))"},
	{"2.5\\frac12", "(* 2.5 (/ 1 2))"},
	{"\\frac{1}{2}3", "unparsed"},
	{"\\sqrt{2}3", "(* (root 2) 3)"},
	{")(", "unparsed"},
	{"]0,1[", "(tuple () 0 1)"},
	{"(0,1", "unparsed"},
	{"\\left.x\\right|", "unparsed"},
	{"x\\\\y", "unparsed"},
	{"x \\& y", "(list x y)"},
	{"x_", "unparsed"},
	{"_2", "unparsed"},
	{"10_", "unparsed"},
	{"10_{37}", "unparsed"},
	{"10_1", "unparsed"},
	{"\\text{x}^2", "(^ 'x 2)"},
	{"\\text{cm}^2", "unparsed"},
	{"\\frac{\\text{a}}{2}", "(/ 'a 2)"},
	{"x=y=", "unparsed"},
	{"=", "unparsed"},
	{"<5", "unparsed"},
	{"\\pm", "unparsed"},
	{"a\\pm b\\mp c", "(mp (pm a b) c)"},
	{"3\\mp2", "(mp 3 2)"},
	{"\\circ", "unparsed"},
	{"5\\degree", "(unit \"deg\" 5)"},
	{"5^\\circ 30'", "(unit \"deg\" (+ 5 (/ 30 60)))"},
	{"1,000,000", "1000000"},
	{"-1,234", "(- 1234)"},
	{"12,345.678", "12345.678"},
	{"1,2345", "(list 1 2345)"},
	{"1 2345", "unparsed"},
	{"1 234/5", "unparsed"},
	{"1.5\\,000", "unparsed"},
	{"0.5\\overline{12}", "0.5(12)"},
	{"\\overline{5}", "unparsed"},
	{"0.\\overline{}", "unparsed"},
	{".\\overline{3}", "unparsed"},
	{"1e", "(* 1 :e)"},
	{"1e+", "unparsed"},
	{"1.0e-10", "(* 1.0 (^ 10 (- 10)))"},
	{"2E3x", "unparsed"},
	{"1e5x", "unparsed"},
	{"1e99999999999", "(* 1 (^ 10 99999999999))"},
	{"00012", "12"},
	{"0", "0"}, {"-0", "(- 0)"}, {"0.0", "0.0"}, {"0.050", "0.050"},
	{"Fri", "\"Fri\""},
	{"850 mL", "(unit \"mL\" 850)"},
	{"On Thursday", "\"On Thursday\""},
	{"Answer: 11.5", "\"Answer : 11.5\""},
	{"\\[ x = 1 \\] \\[ y = 2 \\]", "(list (rel = x 1) (rel = y 2))"},
	{"5,761", "(grouped 5761 (list 5 761))"},
	{"40,000", "40000"},
	{"\xe5\x8c\x97", "\"\xe5\x8c\x97\""},
	{"2.5\\text{ or }-1", "(or 2.5 (- 1))"},
	{"aproximatamente 85%", "\"aproximatamente 85 %\""},
	{"\\boxed{1,2}", "(list 1 2)"},
	{"\\boxed{1}\\boxed{2}", "unparsed"},
	{"{1}{2}", "unparsed"},
	{"x{2}", "unparsed"},
	{"2{x}", "(* 2 x)"},
	{"\\mathbf{\\frac{12}{x}}", "(/ 12 x)"},
	{"\\textbf{\\frac{12}{5}}", "(/ 12 5)"},
	{"\\text{$\\frac{12}{5}$ cm}", "(unit \"cm\" (/ 12 5))"},
	{"$\\frac{1}{2}", "(/ 1 2)"},
	{"x = 5$", "(rel = x (unit \"$\" 5))"},
	{"Rs. 50_{", "unparsed"},
	{"$-5", "(unit \"$\" (- 5))"},
	{"{-1} U [0,7)", "(union (set (- 1)) (tuple [) 0 7))"},
	{"2pir^2", "(* 2 :pi (^ r 2))"},
	{"72pisqrt(3)", "(* 72 :pi (root 3))"},
	{"A5_11", "A5_11"},
	{"A5", "unparsed"},
	{"4 , \\!320", "4320"},
	{"\\log_2020", "(log 20 2)"},
	{"4 ,320", "(list 4 320)"},
	{"June 20th", "\"June 20\""},
	{"x \\in \\R", "(rel e x :R)"},
	{"\\hat{\\imath}", "hat i"},
	{"\\sqrt{2}\\,\\text{m/s}^2", "(unit \"m/s^2\" (root 2))"},
	{"{5^\\circ}", "(unit \"deg\" 5)"},
	{"\\frac{90\xc2\xb0}{2}", "(/ (unit \"deg\" 90) 2)"},
	{"{5 \\text{ cm}}", "(unit \"cm\" 5)"},
	{"{0.1_2}", "0.1_2"},
	{"5 units\xc2\xb2", "(unit \"unit^2\" 5)"},
	{"2 \\operatorname{cis} 30^\\circ", "(* 2 (^ :e (* :i (/ :pi 180) 30)))"},
	{"45^o", "(unit \"deg\" 45)"},
	{"\\text{cis } \\theta", "(^ :e (* :i theta))"},
	{"\\$1.5 million", "(unit \"$\" (* 1.5 1000000))"},
	{"\\frac{5!}{3!2!}", "(/ (fact 5) (* (fact 3) (fact 2)))"},
	{"\\prod_{k=1}^5 2k", "(series k 1 5 (* 2 k))"}, {"5 \\bmod 3", "(rem 5 3)"},
	{"10 (mod 7)", "(mod 10 7)"}, {"x \\equiv 3 \\mod 7", "(rel m x (mod 3 7))"},
	{"1 \\over 2", "(/ 1 2)"}, {"10 \\choose 3", "(binom 10 3)"}, {"0{,}5", "0.5"},
	{"0.(3)", "0.(3)"}, {"0.\\dot{1}4\\dot{2}", "0.(142)"}, {"1_000", "1000"},
	{"12{:}00", "(clock 12 0)"}, {"]1,2]", "(tuple (] 1 2)"}, {"[1;2[", "(tuple [) 1 2)"},
	{"]5[", "unparsed"}, {"12_{(8)}", "12_8"}, {"FF_{16}", "FF_16"},
	{"12_{\\text{base }8}", "12_8"}, {"\\lg 5", "(log 5 10)"}, {"5\\", "5"},
	{"5\\%\\%", "unparsed"}, {"5 tenths", "(/ 5 10)"}, {"5 m/s", "(unit \"m/s\" 5)"},
	{"negative 3", "(- 3)"}, {"twenty-five", "25"}, {"two-thirds", "(/ 2 3)"},
	{"x squared", "(^ x 2)"}, {"one hundred and five", "105"}, {"five six", "\"five six\""},
	{"\\text{one-to-one}", "\"one-to-one\""}, {"3 and a half", "(+ 3 (/ 1 2))"},
	{"\\begin{Vmatrix}1\\end{Vmatrix}", "(apply norm (matrix 1x1 1))"},
	{"\\det\\begin{pmatrix}1\\end{pmatrix}", "(det 1x1 1)"},
	{"\\begin{pmatrix}1\\end{pmatrix}^T", "(transpose (matrix 1x1 1))"},
	{"\\left[\\begin{array}{c}1\\\\2\\end{array}\\right]", "(matrix 2x1 1 2)"},
	{"\\left\\{\\begin{array}{l}x=1\\\\y=2\\end{array}\\right.", "(list (rel = x 1) (rel = y 2))"},
	{"\\begin{cases}x&=1\\\\y&=2\\end{cases}", "(list (rel = x 1) (rel = y 2))"},
	{"5^\\circ 30'36''", "(unit \"deg\" (+ 5 (/ 30 60) (/ 36 3600)))"},
	{"3 to 2", "(ratio 3 2)"},
	{"ABCD", "\"ABCD\""},
	{"\\log_{\\frac12} 8", "(log 8 (/ 1 2))"},
	{"\\frac{-b \\pm \\sqrt{b}}{2a}", "(/ (pm (- b) (root b)) (* 2 a))"},
};

/* All texts of a line are one tree. */
static const char *const same[][6] = {
	{"\\frac{1}{2}", "\\dfrac12", "1/2", "\\tfrac{1}2", "\xc2\xbd", "$\\cfrac 1 2$"},
	{"1234567", "1\\;234\\;567", "1{,}234{,}567", "1,\\!234,\\! 567", "1\\,234\\,567", "1 234 567"},
	{"x^2", "x^{2}", "x**2", "x\xc2\xb2", "\\left(x\\right)^2", "{x}^2"},
	{"3\\sqrt{2}", "3\\sqrt2", "3 sqrt(2)", "3\\cdot\\sqrt{2}", "3\xe2\x88\x9a" "2", "3*sqrt 2"},
	{"(-\\infty, 3]", "\\left(-\\infty,3\\right]", "(-oo, 3]", "(-\xe2\x88\x9e,3]", "(-inf,3]",
	 "\\big( -\\infty , 3 \\big]"},
	{"12\\text{ cm}^2", "12 cm^2", "12\\mbox{ square centimeters}", "12 sq. cm",
	 "12\\,\\mathrm{cm}^{2}", "12 \\textrm{ sq cm}"},
	{"\\$5.50", "$5.50", "5.50 dollars", "5.50\\$", "\\textdollar 5.50", "5.50\\text{ dollars}"},
	{"x \\le 3", "x <= 3", "x\\leq3", "x \xe2\x89\xa4 3", "x\\leqslant 3", "x \\leqq 3"},
	{"\\sin^{-1} x", "\\arcsin x", "arcsin(x)", "asin x", "sin^-1(x)", "\\operatorname{arcsin} x"},
	{"90^\\circ", "90\xc2\xb0", "90 degrees", "90\\degree", "90^{\\circ}", "90\\text{ degrees}"},
	{"\\text{B}", "\\text{(B)}", "(B)", "\\textbf{(B)}", "\\mathrm{B}", "\\mbox{B}"},
	{"2, 3", "2 and 3", "2; 3", "2\\text{ and }3", "2,\\ 3", "2 \\quad 3"},
};

/* Neither one tree nor one plain text. */
static const char *const different[][2] = {
	{"x \\ne 3", "x! = 3"}, {"12", "1 2"}, {"5.3", "5. 3"}, {"0.05", "0.5"},
	{"0.\\overline{3}", "0.3"}, {"(0,1)", "[0,1]"}, {"\\{1,2\\}", "(1,2)"}, {"x_1", "x^1"},
	{"10_2", "10_3"}, {"2^{10}", "2^1 0"}, {"x y", "x+y"}, {"-1", "1"}, {"1/2", "2/1"},
	{"\\overline{z}", "z"}, {"5 cm", "5 m"}, {"3:4", "3/4"}, {"\\sin 2x", "\\sin 2 + x"},
	{"\\pm 1", "1"}, {"|x|", "x"}, {"1e5", "1e6"}, {"\\sqrt[3]{2}", "\\sqrt{2}"},
	{"\\lfloor x \\rfloor", "\\lceil x \\rceil"}, {"x < 1", "x > 1"}, {"3 am", "3 pm"},
	{"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}"},
	{"1000", "1.000"}, {"f(x)", "g(x)"}, {"x'", "x"},
	{"\\text{about us: }11.5", "\\text{about us: }115"}, {"\\text{May }0.05", "\\text{May }0.5"},
	{"x \\quad y", "xy"},
};

static char *printed(const char *s, size_t n, char **plain)
{
	struct math_tree *t = math_parse(s, n);
	struct buf b = {0};

	math_tree_print(t->root, &b);
	if (plain)
		*plain = xstrdup(t->plain);
	math_tree_free(t);
	return b.data;
}

static void check_table(void)
{
	for (size_t i = 0; i < LEN(table); i++) {
		char *got = printed(table[i].text, strlen(table[i].text), NULL);

		if (!ok(!strcmp(got, table[i].tree), "%s", table[i].text))
			diag("is %s, not %s", got, table[i].tree);
		free(got);
	}
}

static void check_same(void)
{
	for (size_t i = 0; i < LEN(same); i++) {
		char *first = printed(same[i][0], strlen(same[i][0]), NULL);

		for (size_t k = 1; k < LEN(same[i]); k++) {
			char *got = printed(same[i][k], strlen(same[i][k]), NULL);

			if (!ok(strcmp(got, "unparsed") && !strcmp(got, first), "%s is %s", same[i][k],
			        same[i][0]))
				diag("%s, not %s", got, first);
			free(got);
		}
		free(first);
	}
}

static void check_different(void)
{
	for (size_t i = 0; i < LEN(different); i++) {
		const char *const *d = different[i];
		char *plain[2], *got[2] = {printed(d[0], strlen(d[0]), &plain[0]),
		                           printed(d[1], strlen(d[1]), &plain[1])};

		ok((strcmp(got[0], got[1]) || !strcmp(got[0], "unparsed")) && strcmp(plain[0], plain[1]),
		   "%s is not %s", d[0], d[1]);
		for (int k = 0; k < 2; k++) {
			free(plain[k]);
			free(got[k]);
		}
	}
}

/* piece, piece, ..., middle, end, end, ... */
static char *nested(const char *piece, const char *middle, const char *end, size_t times, size_t *n)
{
	struct buf b = {0};

	for (size_t i = 0; i < times; i++)
		buf_adds(&b, piece);
	buf_adds(&b, middle);
	for (size_t i = 0; i < times; i++)
		buf_adds(&b, end);
	*n = b.len;
	return b.data;
}

static void check_bounds(void)
{
	static const struct { const char *piece, *middle, *end; size_t times; int parses; } all[] = {
		{"(", "1", ")", 50, 1}, {"(", "1", ")", 4000, 0}, {"{", "1", "}", 100, 0},
		{"\\sqrt{", "x", "}", 20, 1}, {"\\sqrt{", "x", "}", 500, 0}, {"x^", "x", "", 20, 1},
		{"x^", "x", "", 4000, 0}, {"", "x", "!", 100, 1}, {"", "x", "!", 4000, 0},
		{"", "1", "/2", 150, 1}, {"", "1", "/2", 2000, 0}, {"", "1", "+1", 4000, 1},
		{"-", "1", "", 8000, 1}, {"", "1", ",1", 4000, 1}, {"", "x", "", 1, 1},
		{"", "", "7", 8192, 1}, {"", "", "7", 8193, 0}, {"\\frac", "", "", 1600, 0},
		{"\\text{", "a", "}", 31, 1}, {"\\text{", "a", "}", 500, 0}, {"|", "", "", 8000, 0},
		{"\\{", "", "", 4000, 0}, {"\\begin{pmatrix}", "", "", 500, 0}, {"$", "5", "", 61, 1},
		{"\\left", "(", "", 1000, 0}, {"3\\frac{", "1", "}{2}", 15, 1},
		{"3\\frac{", "1", "}{2}", 600, 0}, {"sin ", "x", "", 50, 1}, {"sin ", "x", "", 1000, 0},
	};

	for (size_t i = 0; i < LEN(all); i++) {
		size_t n;
		char *s = nested(all[i].piece, all[i].middle, all[i].end, all[i].times, &n);
		struct math_tree *t = math_parse(s, n);

		ok(!!t->root == all[i].parses, "%zu times %s%s%s is%s read", all[i].times, all[i].piece,
		   all[i].middle, all[i].end, all[i].parses ? "" : " not");
		math_tree_free(t);
		free(s);
	}
}

/* Every beginning and every end of a text, in memory of that size. */
static void check_cuts(void)
{
	size_t count = 0;

	for (size_t i = 0; i < LEN(table); i++) {
		size_t n = strlen(table[i].text);

		for (size_t k = 0; k < 2 * n; k++) {
			size_t from = k < n ? 0 : k - n, len = k < n ? k : n - from;
			char *s = xmemdup(table[i].text + from, len);

			free(printed(s, len, NULL));
			free(s);
			count++;
		}
	}
	ok(count > 5000, "%zu pieces of texts end well", count);
}

/* Of a data set's answers, how many are mathematics, words, neither. */
static void check_answers(const char *path, int gsm, size_t want, size_t words_most,
                          size_t unread_most)
{
	size_t count = 0, words = 0, unread = 0;
	struct jl_in *in;
	struct js v;
	struct err e;
	int r;

	if (access(path, R_OK)) {
		if (getenv("CI"))
			ok(0, "%s must be there where CI is set", path);
		else
			skip("%s is not there", path);
		return;
	}
	if (jl_open(path, &in, &e)) {
		ok(0, "%s", e.msg);
		return;
	}
	while ((r = jl_read(in, &v, &e)) > 0) {
		struct js answer = js_get(v, "answer");
		const char *s = js_string(answer), *mark = gsm ? strstr(s, "#### ") : s;
		struct math_tree *t = math_parse(mark + (gsm ? 5 : 0), strlen(mark + (gsm ? 5 : 0)));

		count++;
		words += t->root && t->root->kind == MT_TEXT;
		unread += !t->root;
		if (gsm && t->root && t->root->kind != MT_NUMBER && t->root->kind != MT_NEG)
			unread++;
		math_tree_free(t);
		js_free(answer);
		js_free(v);
	}
	jl_close(in);
	ok(!r && count == want && words <= words_most && unread <= unread_most,
	   "%s: %zu answers, %zu words, %zu unread", path, count, words, unread);
}

int main(void)
{
	check_table();
	check_same();
	check_different();
	check_bounds();
	check_cuts();
	check_answers("../shared/data/math_train.jsonl", 0, 12000, 59, 2);
	check_answers("../shared/data/math500.jsonl", 0, 500, 5, 0);
	check_answers("../shared/data/gsm8k_train.jsonl", 1, 7473, 0, 0);
	check_answers("../shared/data/gsm8k_test.jsonl", 1, 1319, 0, 0);
	return done();
}
