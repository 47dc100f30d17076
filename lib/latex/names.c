/* SPDX-License-Identifier: MIT */
/* Tables of what commands, words and characters mean to the lexer. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "latex/inside.h"

/* Sorted by name (bytes). */
static const struct name commands[] = {
	{"Alpha", TK_VAR, 0, 0}, {"Bbb", TC_BB, 0, 0}, {"Beta", TK_VAR, 0, 0}, {"Big", TC_SIZE, 0, 0},
	{"Bigg", TC_SIZE, 0, 0}, {"Biggl", TC_SIZE, 0, 0}, {"Biggr", TC_SIZE, 0, 0},
	{"Bigl", TC_SIZE, 0, 0}, {"Bigr", TC_SIZE, 0, 0}, {"C", TK_SETNAME, 0, 0},
	{"Delta", TK_VAR, 0, 0}, {"Gamma", TK_VAR, 0, 0}, {"Im", TK_FUNC, MF_IM, 0},
	{"LARGE", TC_DROP, 0, 0}, {"Lambda", TK_VAR, 0, 0}, {"Large", TC_DROP, 0, 0},
	{"Longrightarrow", TK_BAD, 0, 0}, {"N", TK_SETNAME, 0, 0}, {"Omega", TK_VAR, 0, 0},
	{"Phi", TK_VAR, 0, 0}, {"Pi", TK_VAR, 0, 0}, {"Psi", TK_VAR, 0, 0}, {"Q", TK_SETNAME, 0, 0},
	{"R", TK_SETNAME, 0, 0}, {"Re", TK_FUNC, MF_RE, 0}, {"Rightarrow", TK_BAD, 0, 0},
	{"Sigma", TK_VAR, 0, 0}, {"Theta", TK_VAR, 0, 0}, {"Upsilon", TK_VAR, 0, 0},
	{"Vert", TK_NORM, 0, 0}, {"Xi", TK_VAR, 0, 0}, {"Z", TK_SETNAME, 0, 0}, {"alpha", TK_VAR, 0, 0},
	{"angle", TK_SHAPE, 0, 0}, {"approx", TK_REL, '~', 0}, {"approxeq", TK_REL, '~', "approx"},
	{"arccos", TK_FUNC, MF_ACOS, 0}, {"arccot", TK_FUNC, MF_ACOT, 0},
	{"arccsc", TK_FUNC, MF_ACSC, 0}, {"arcosh", TK_FUNC, MF_ACOSH, "arccosh"},
	{"arcsec", TK_FUNC, MF_ASEC, 0}, {"arcsin", TK_FUNC, MF_ASIN, 0},
	{"arctan", TK_FUNC, MF_ATAN, 0}, {"arg", TK_FUNC, MF_ARG, 0},
	{"arsinh", TK_FUNC, MF_ASINH, "arcsinh"}, {"artanh", TK_FUNC, MF_ATANH, "arctanh"},
	{"ast", TK_MUL, 0, "*"}, {"backslash", TK_SETMINUS, 0, "setminus"}, {"bar", TK_ACCENT, 'b', 0},
	{"begin", TC_ENV, 'b', 0}, {"beta", TK_VAR, 0, 0}, {"bf", TC_DROP, 0, 0},
	{"big", TC_SIZE, 0, 0}, {"bigcap", TK_INTER, 0, "cap"}, {"bigcup", TK_UNION, 0, "cup"},
	{"bigg", TC_SIZE, 0, 0}, {"biggl", TC_SIZE, 0, 0}, {"biggr", TC_SIZE, 0, 0},
	{"bigl", TC_SIZE, 0, 0}, {"bigr", TC_SIZE, 0, 0}, {"binom", TK_BINOM, 0, 0},
	{"bm", TC_FONT, 0, 0}, {"bmod", TK_MOD, 'b', "mod"}, {"boldsymbol", TC_FONT, 0, 0},
	{"boxed", TC_GROUP, 0, 0}, {"bullet", TK_MUL, 0, "*"}, {"cap", TK_INTER, 0, 0},
	{"cdot", TK_MUL, 0, "*"}, {"cdots", TK_DOTS, 0, "..."}, {"cent", TK_WORD, 0, 0},
	{"centerdot", TK_MUL, 0, "*"}, {"cents", TK_WORD, 0, 0}, {"cfrac", TK_FRAC, 0, "frac"},
	{"chi", TK_VAR, 0, 0}, {"choose", TK_CHOOSE, 0, 0}, {"circ", TK_DEG, 0, "deg"},
	{"colon", TK_COLON, 0, ":"}, {"color", TC_SKIP, 0, 0}, {"cong", TK_REL, 's', 0},
	{"cos", TK_FUNC, MF_COS, 0}, {"cosec", TK_FUNC, MF_CSC, "csc"}, {"cosh", TK_FUNC, MF_COSH, 0},
	{"cot", TK_FUNC, MF_COT, 0}, {"coth", TK_FUNC, MF_COTH, 0}, {"csc", TK_FUNC, MF_CSC, 0},
	{"csch", TK_FUNC, MF_CSCH, 0}, {"cup", TK_UNION, 0, 0}, {"dbinom", TK_BINOM, 0, "binom"},
	{"ddot", TK_ACCENT, 'b', 0}, {"degree", TK_DEG, 0, "deg"}, {"delta", TK_VAR, 0, 0},
	{"det", TK_DET, 0, 0}, {"dfrac", TK_FRAC, 0, "frac"}, {"displaystyle", TC_DROP, 0, 0},
	{"div", TK_DIV, 0, "/"}, {"dot", TK_ACCENT, 'b', 0}, {"dots", TK_DOTS, 0, "..."},
	{"dotsb", TK_DOTS, 0, "..."}, {"dotsc", TK_DOTS, 0, "..."}, {"dotsm", TK_DOTS, 0, "..."},
	{"ell", TK_VAR, 0, 0}, {"emph", TC_TEXT, 0, 0}, {"emptyset", TK_EMPTY, 0, 0},
	{"end", TC_ENV, 'e', 0}, {"enspace", TC_SPACE, 0, 0}, {"ensuremath", TC_GROUP, 0, 0},
	{"epsilon", TK_VAR, 0, 0}, {"equiv", TK_REL, 'm', 0}, {"eta", TK_VAR, 0, 0},
	{"euro", TK_MONEY, 0, "EUR"}, {"exp", TK_FUNC, MF_EXP, 0}, {"fbox", TC_GROUP, 0, 0},
	{"flatfrac", TK_FRAC, 0, "frac"}, {"frac", TK_FRAC, 0, 0}, {"framebox", TC_GROUP, 0, 0},
	{"gamma", TK_VAR, 0, 0}, {"gcd", TK_FUNC, MF_GCD, 0}, {"ge", TK_REL, 'g', ">="},
	{"geq", TK_REL, 'g', ">="}, {"geqq", TK_REL, 'g', ">="}, {"geqslant", TK_REL, 'g', ">="},
	{"gt", TK_REL, '>', ">"}, {"hat", TK_ACCENT, 'b', 0}, {"hbox", TC_TEXT, 0, 0},
	{"hfill", TC_SPACE, 0, 0}, {"hphantom", TC_SKIP, 0, 0}, {"hspace", TC_SKIP, 0, 0},
	{"imath", TK_VAR, 0, "i"}, {"in", TK_REL, 'e', 0}, {"infty", TK_CONST, MC_INF, 0},
	{"intercal", TK_VAR, 0, "T"}, {"iota", TK_VAR, 0, 0}, {"it", TC_DROP, 0, 0},
	{"jmath", TK_VAR, 0, "j"}, {"kappa", TK_VAR, 0, 0}, {"kern", TC_DROP, 0, 0},
	{"label", TC_SKIP, 0, 0}, {"lambda", TK_VAR, 0, 0}, {"land", TK_AND, 0, "and"},
	{"langle", TK_OPEN, '<', "<"}, {"large", TC_DROP, 0, 0}, {"lbrace", TK_OPEN, 'S', "\\{"},
	{"lbrack", TK_OPEN, '[', "["}, {"lceil", TK_OPEN, 'c', 0}, {"lcm", TK_FUNC, MF_LCM, 0},
	{"ldots", TK_DOTS, 0, "..."}, {"le", TK_REL, 'l', "<="}, {"left", TC_SIZE, 0, 0},
	{"leq", TK_REL, 'l', "<="}, {"leqq", TK_REL, 'l', "<="}, {"leqslant", TK_REL, 'l', "<="},
	{"lfloor", TK_OPEN, 'f', 0}, {"lg", TK_FUNC, MF_LOG, "lg"}, {"limits", TC_DROP, 0, 0},
	{"ln", TK_FUNC, MF_LN, 0}, {"log", TK_FUNC, MF_LOG, 0}, {"lor", TK_OR, 0, "or"},
	{"lt", TK_REL, '<', "<"}, {"lvert", TK_BAR, 'l', "|"}, {"mapsto", TK_REL, 't', 0},
	{"mathbb", TC_BB, 0, 0}, {"mathbf", TC_FONT, 0, 0}, {"mathbin", TC_DROP, 0, 0},
	{"mathcal", TC_FONT, 0, 0}, {"mathfrak", TC_FONT, 0, 0}, {"mathit", TC_FONT, 0, 0},
	{"mathop", TC_DROP, 0, 0}, {"mathrel", TC_DROP, 0, 0}, {"mathrm", TC_ROMAN, 0, 0},
	{"mathscr", TC_FONT, 0, 0}, {"mathsf", TC_ROMAN, 0, 0}, {"mathtt", TC_ROMAN, 0, 0},
	{"max", TK_FUNC, MF_MAX, 0}, {"mbox", TC_TEXT, 0, 0}, {"measuredangle", TK_SHAPE, 0, "angle"},
	{"medspace", TC_SPACE, 0, 0}, {"mid", TK_MID, 0, "|"}, {"middle", TC_SIZE, 0, 0},
	{"min", TK_FUNC, MF_MIN, 0}, {"mod", TK_MOD, 'b', 0}, {"mp", TK_PM, '-', 0},
	{"mu", TK_VAR, 0, 0}, {"ne", TK_REL, '!', "ne"}, {"neg", TK_BAD, 0, 0},
	{"neq", TK_REL, '!', "ne"}, {"newline", TK_ROW, 0, "\\\\"}, {"nicefrac", TK_FRAC, 0, "frac"},
	{"nolimits", TC_DROP, 0, 0}, {"normalsize", TC_DROP, 0, 0}, {"not", TC_NOT, 0, 0},
	{"notin", TK_REL, 'n', 0}, {"nu", TK_VAR, 0, 0}, {"omega", TK_VAR, 0, 0},
	{"operatorname", TC_ROMAN, 0, 0}, {"over", TK_OVER, 0, 0}, {"overline", TK_ACCENT, 'o', 0},
	{"overrightarrow", TK_ACCENT, 'v', 0}, {"parallel", TK_REL, 'p', 0}, {"perp", TK_REL, 'o', 0},
	{"phantom", TC_SKIP, 0, 0}, {"phi", TK_VAR, 0, 0}, {"pi", TK_CONST, MC_PI, 0},
	{"pm", TK_PM, '+', 0}, {"pmb", TC_FONT, 0, 0}, {"pmod", TK_MOD, 'p', 0},
	{"pounds", TK_MONEY, 0, "GBP"}, {"prime", TK_PRIME, 0, "'"}, {"prod", TK_SERIES, 'p', 0},
	{"psi", TK_VAR, 0, 0}, {"qquad", TC_SPACE, 1, 0}, {"quad", TC_SPACE, 1, 0},
	{"rangle", TK_CLOSE, '<', ">"}, {"rbrace", TK_CLOSE, 'S', "\\}"},
	{"rbrack", TK_CLOSE, '[', "]"}, {"rceil", TK_CLOSE, 'c', 0}, {"rfloor", TK_CLOSE, 'f', 0},
	{"rho", TK_VAR, 0, 0}, {"right", TC_SIZE, 0, 0}, {"rightarrow", TK_REL, 't', "to"},
	{"rm", TC_DROP, 0, 0}, {"rvert", TK_BAR, 'r', "|"}, {"scriptstyle", TC_DROP, 0, 0},
	{"sec", TK_FUNC, MF_SEC, 0}, {"sech", TK_FUNC, MF_SECH, 0}, {"setminus", TK_SETMINUS, 0, 0},
	{"sf", TC_DROP, 0, 0}, {"sfrac", TK_FRAC, 0, "frac"}, {"sgn", TK_FUNC, MF_SGN, 0},
	{"sigma", TK_VAR, 0, 0}, {"sim", TK_REL, 's', 0}, {"simeq", TK_REL, '~', "approx"},
	{"sin", TK_FUNC, MF_SIN, 0}, {"sinh", TK_FUNC, MF_SINH, 0}, {"small", TC_DROP, 0, 0},
	{"smallsetminus", TK_SETMINUS, 0, "setminus"}, {"space", TC_SPACE, 0, 0},
	{"sqrt", TK_SQRT, 0, 0}, {"subset", TK_REL, 'c', 0}, {"subseteq", TK_REL, 'c', "subset"},
	{"sum", TK_SERIES, 's', 0}, {"tag", TC_SKIP, 0, 0}, {"tan", TK_FUNC, MF_TAN, 0},
	{"tanh", TK_FUNC, MF_TANH, 0}, {"tau", TK_VAR, 0, 0}, {"tbinom", TK_BINOM, 0, "binom"},
	{"text", TC_TEXT, 0, 0}, {"textbf", TC_TEXT, 0, 0}, {"textcolor", TC_SKIP, 0, 0},
	{"textdollar", TK_MONEY, 0, "$"}, {"textit", TC_TEXT, 0, 0}, {"textnormal", TC_TEXT, 0, 0},
	{"textrm", TC_TEXT, 0, 0}, {"textsc", TC_TEXT, 0, 0}, {"textsf", TC_TEXT, 0, 0},
	{"textsl", TC_TEXT, 0, 0}, {"textstyle", TC_DROP, 0, 0}, {"texttt", TC_TEXT, 0, 0},
	{"textup", TC_TEXT, 0, 0}, {"tfrac", TK_FRAC, 0, "frac"}, {"therefore", TC_DROP, 0, 0},
	{"theta", TK_VAR, 0, 0}, {"thinspace", TC_SPACE, 0, 0}, {"tilde", TK_ACCENT, 'b', 0},
	{"times", TK_MUL, 0, "*"}, {"to", TK_REL, 't', 0}, {"top", TK_VAR, 0, "T"},
	{"triangle", TK_SHAPE, 0, 0}, {"underline", TC_GROUP, 0, 0}, {"upsilon", TK_VAR, 0, 0},
	{"varepsilon", TK_VAR, 0, "epsilon"}, {"varnothing", TK_EMPTY, 0, "emptyset"},
	{"varphi", TK_VAR, 0, "phi"}, {"vartheta", TK_VAR, 0, "theta"}, {"vec", TK_ACCENT, 'v', 0},
	{"vee", TK_OR, 0, "or"}, {"vert", TK_BAR, 0, "|"}, {"vphantom", TC_SKIP, 0, 0},
	{"vspace", TC_SKIP, 0, 0}, {"wedge", TK_AND, 0, "and"}, {"widehat", TK_ACCENT, 'b', "hat"},
	{"widetilde", TK_ACCENT, 'b', "tilde"}, {"xi", TK_VAR, 0, 0}, {"zeta", TK_VAR, 0, 0},
};

/* Names with a meaning in plain text. Sorted. */
static const struct name plains[] = {
	{"Infinity", TK_CONST, MC_INF, "infty"}, {"Pi", TK_CONST, MC_PI, "pi"},
	{"U", TK_UNION, 0, "cup"}, {"abs", TK_FUNC, MF_ABS, 0}, {"acos", TK_FUNC, MF_ACOS, "arccos"},
	{"acosh", TK_FUNC, MF_ACOSH, "arccosh"}, {"acot", TK_FUNC, MF_ACOT, "arccot"},
	{"alpha", TK_VAR, 0, 0}, {"and", TK_AND, 0, 0}, {"arccos", TK_FUNC, MF_ACOS, 0},
	{"arccosh", TK_FUNC, MF_ACOSH, 0}, {"arccot", TK_FUNC, MF_ACOT, 0},
	{"arccsc", TK_FUNC, MF_ACSC, 0}, {"arcsec", TK_FUNC, MF_ASEC, 0},
	{"arcsin", TK_FUNC, MF_ASIN, 0}, {"arcsinh", TK_FUNC, MF_ASINH, 0},
	{"arctan", TK_FUNC, MF_ATAN, 0}, {"arctanh", TK_FUNC, MF_ATANH, 0},
	{"asin", TK_FUNC, MF_ASIN, "arcsin"}, {"asinh", TK_FUNC, MF_ASINH, "arcsinh"},
	{"atan", TK_FUNC, MF_ATAN, "arctan"}, {"atanh", TK_FUNC, MF_ATANH, "arctanh"},
	{"beta", TK_VAR, 0, 0}, {"binom", TK_FUNC, MF_BINOM, 0},
	{"binomial", TK_FUNC, MF_BINOM, "binom"}, {"cbrt", TK_SQRT, 3, 0},
	{"ceil", TK_FUNC, MF_CEIL, 0}, {"ceiling", TK_FUNC, MF_CEIL, "ceil"}, {"cis", TK_FUNC, MF_N, 0},
	{"comb", TK_FUNC, MF_BINOM, "binom"}, {"cos", TK_FUNC, MF_COS, 0},
	{"cosh", TK_FUNC, MF_COSH, 0}, {"cot", TK_FUNC, MF_COT, 0}, {"coth", TK_FUNC, MF_COTH, 0},
	{"csc", TK_FUNC, MF_CSC, 0}, {"csch", TK_FUNC, MF_CSCH, 0}, {"degrees", TK_DEG, 0, "deg"},
	{"exp", TK_FUNC, MF_EXP, 0}, {"floor", TK_FUNC, MF_FLOOR, 0}, {"gamma", TK_VAR, 0, 0},
	{"gcd", TK_FUNC, MF_GCD, 0}, {"inf", TK_CONST, MC_INF, "infty"},
	{"infinity", TK_CONST, MC_INF, "infty"}, {"infty", TK_CONST, MC_INF, 0},
	{"lambda", TK_VAR, 0, 0}, {"lcm", TK_FUNC, MF_LCM, 0}, {"lg", TK_FUNC, MF_LOG, "lg"},
	{"ln", TK_FUNC, MF_LN, 0}, {"log", TK_FUNC, MF_LOG, 0}, {"max", TK_FUNC, MF_MAX, 0},
	{"min", TK_FUNC, MF_MIN, 0}, {"mod", TK_MOD, 'b', 0}, {"oo", TK_CONST, MC_INF, "infty"},
	{"or", TK_OR, 0, 0}, {"phi", TK_VAR, 0, 0}, {"pi", TK_CONST, MC_PI, 0},
	{"sec", TK_FUNC, MF_SEC, 0}, {"sech", TK_FUNC, MF_SECH, 0}, {"sin", TK_FUNC, MF_SIN, 0},
	{"sinh", TK_FUNC, MF_SINH, 0}, {"sqrt", TK_SQRT, 0, 0}, {"tan", TK_FUNC, MF_TAN, 0},
	{"tanh", TK_FUNC, MF_TANH, 0}, {"theta", TK_VAR, 0, 0}, {"union", TK_UNION, 0, "cup"},
};

static const char *const short_words[] = {
	"An", "As", "At", "By", "EUR", "GBP", "He", "Hz", "INR", "If", "In", "Is", "It", "My", "No",
	"Of", "On", "Rs", "So", "To", "USD", "We", "a.m", "all", "am", "and", "any", "are", "bus",
	"but", "by", "can", "car", "cat", "cm", "cup", "cut", "day", "dog", "few", "fig", "for", "ft",
	"gal", "gm", "has", "hr", "hrs", "if", "in", "is", "it", "kg", "km", "kph", "lb", "lbs", "man",
	"mL", "men", "mi", "min", "ml", "mm", "mph", "nd", "new", "no", "non", "nor", "not", "odd",
	"of", "old", "one", "our", "oz", "pct", "pen", "per", "pie", "pm", "rd", "red", "six", "sq",
	"st", "ten", "th", "the", "tie", "to", "top", "two", "usd", "was", "way", "yd", "yes",
};

/* Sorted by code. */
static const struct { uint32_t code; struct name name; } chars[] = {
	{0xa0, {0, TC_SPACE, 0, 0}}, {0xa2, {0, TK_WORD, 0, "cents"}}, {0xa3, {0, TK_MONEY, 0, "GBP"}},
	{0xa5, {0, TK_MONEY, 0, "JPY"}}, {0xb0, {0, TK_DEG, 0, "deg"}}, {0xb1, {0, TK_PM, '+', "pm"}},
	{0xb5, {0, TK_VAR, 0, "mu"}}, {0xb7, {0, TK_MUL, 0, "*"}}, {0xd7, {0, TK_MUL, 0, "*"}},
	{0xf7, {0, TK_DIV, 0, "/"}}, {0x393, {0, TK_VAR, 0, "Gamma"}}, {0x394, {0, TK_VAR, 0, "Delta"}},
	{0x398, {0, TK_VAR, 0, "Theta"}}, {0x39b, {0, TK_VAR, 0, "Lambda"}},
	{0x3a0, {0, TK_VAR, 0, "Pi"}}, {0x3a3, {0, TK_VAR, 0, "Sigma"}}, {0x3a6, {0, TK_VAR, 0, "Phi"}},
	{0x3a8, {0, TK_VAR, 0, "Psi"}}, {0x3a9, {0, TK_VAR, 0, "Omega"}},
	{0x3b1, {0, TK_VAR, 0, "alpha"}}, {0x3b2, {0, TK_VAR, 0, "beta"}},
	{0x3b3, {0, TK_VAR, 0, "gamma"}}, {0x3b4, {0, TK_VAR, 0, "delta"}},
	{0x3b5, {0, TK_VAR, 0, "epsilon"}}, {0x3b6, {0, TK_VAR, 0, "zeta"}},
	{0x3b7, {0, TK_VAR, 0, "eta"}}, {0x3b8, {0, TK_VAR, 0, "theta"}},
	{0x3b9, {0, TK_VAR, 0, "iota"}}, {0x3ba, {0, TK_VAR, 0, "kappa"}},
	{0x3bb, {0, TK_VAR, 0, "lambda"}}, {0x3bc, {0, TK_VAR, 0, "mu"}}, {0x3bd, {0, TK_VAR, 0, "nu"}},
	{0x3be, {0, TK_VAR, 0, "xi"}}, {0x3c0, {0, TK_CONST, MC_PI, "pi"}},
	{0x3c1, {0, TK_VAR, 0, "rho"}}, {0x3c3, {0, TK_VAR, 0, "sigma"}},
	{0x3c4, {0, TK_VAR, 0, "tau"}}, {0x3c5, {0, TK_VAR, 0, "upsilon"}},
	{0x3c6, {0, TK_VAR, 0, "phi"}}, {0x3c7, {0, TK_VAR, 0, "chi"}}, {0x3c8, {0, TK_VAR, 0, "psi"}},
	{0x3c9, {0, TK_VAR, 0, "omega"}}, {0x3d5, {0, TK_VAR, 0, "phi"}},
	{0x3f5, {0, TK_VAR, 0, "epsilon"}}, {0x2002, {0, TC_SPACE, 0, 0}},
	{0x2003, {0, TC_SPACE, 0, 0}}, {0x2005, {0, TC_SPACE, 0, 0}}, {0x2007, {0, TC_SPACE, 0, 0}},
	{0x2009, {0, TC_SPACE, 0, 0}}, {0x200a, {0, TC_SPACE, 0, 0}}, {0x200b, {0, TC_DROP, 0, 0}},
	{0x2010, {0, TK_MINUS, 0, "-"}}, {0x2011, {0, TK_MINUS, 0, "-"}},
	{0x2012, {0, TK_MINUS, 0, "-"}}, {0x2013, {0, TK_MINUS, 0, "-"}},
	{0x2014, {0, TK_MINUS, 0, "-"}}, {0x2016, {0, TK_NORM, 0, "Vert"}},
	{0x2018, {0, TC_DROP, 0, 0}}, {0x2019, {0, TK_PRIME, 0, "'"}}, {0x201c, {0, TC_DROP, 0, 0}},
	{0x201d, {0, TC_DROP, 0, 0}}, {0x2022, {0, TK_MUL, 0, "*"}}, {0x2026, {0, TK_DOTS, 0, "..."}},
	{0x202f, {0, TC_SPACE, 0, 0}}, {0x2032, {0, TK_PRIME, 0, "'"}}, {0x2044, {0, TK_DIV, 0, "/"}},
	{0x2060, {0, TC_DROP, 0, 0}}, {0x2061, {0, TC_DROP, 0, 0}}, {0x2062, {0, TC_DROP, 0, 0}},
	{0x20ac, {0, TK_MONEY, 0, "EUR"}}, {0x20b9, {0, TK_MONEY, 0, "INR"}},
	{0x2102, {0, TK_SETNAME, 0, "C"}}, {0x2113, {0, TK_VAR, 0, "ell"}},
	{0x2115, {0, TK_SETNAME, 0, "N"}}, {0x211a, {0, TK_SETNAME, 0, "Q"}},
	{0x211d, {0, TK_SETNAME, 0, "R"}}, {0x2124, {0, TK_SETNAME, 0, "Z"}},
	{0x2192, {0, TK_REL, 't', "to"}}, {0x2205, {0, TK_EMPTY, 0, "emptyset"}},
	{0x2208, {0, TK_REL, 'e', "in"}}, {0x2209, {0, TK_REL, 'n', "notin"}},
	{0x220f, {0, TK_SERIES, 'p', "prod"}}, {0x2211, {0, TK_SERIES, 's', "sum"}},
	{0x2212, {0, TK_MINUS, 0, "-"}}, {0x2213, {0, TK_PM, '-', "mp"}}, {0x2215, {0, TK_DIV, 0, "/"}},
	{0x2216, {0, TK_SETMINUS, 0, "setminus"}}, {0x2217, {0, TK_MUL, 0, "*"}},
	{0x2218, {0, TK_DEG, 0, "deg"}}, {0x2219, {0, TK_MUL, 0, "*"}},
	{0x221a, {0, TK_SQRT, 0, "sqrt"}}, {0x221b, {0, TK_SQRT, 3, "cbrt"}},
	{0x221c, {0, TK_SQRT, 4, "sqrt"}}, {0x221e, {0, TK_CONST, MC_INF, "infty"}},
	{0x2220, {0, TK_SHAPE, 0, "angle"}}, {0x2223, {0, TK_MID, 0, "|"}},
	{0x2225, {0, TK_REL, 'p', "parallel"}}, {0x2227, {0, TK_AND, 0, "and"}},
	{0x2228, {0, TK_OR, 0, "or"}}, {0x2229, {0, TK_INTER, 0, "cap"}},
	{0x222a, {0, TK_UNION, 0, "cup"}}, {0x2236, {0, TK_COLON, 0, ":"}},
	{0x223c, {0, TK_REL, 's', "sim"}}, {0x2245, {0, TK_REL, 's', "cong"}},
	{0x2248, {0, TK_REL, '~', "approx"}}, {0x2260, {0, TK_REL, '!', "ne"}},
	{0x2261, {0, TK_REL, 'm', "equiv"}}, {0x2264, {0, TK_REL, 'l', "<="}},
	{0x2265, {0, TK_REL, 'g', ">="}}, {0x2266, {0, TK_REL, 'l', "<="}},
	{0x2267, {0, TK_REL, 'g', ">="}}, {0x2282, {0, TK_REL, 'c', "subset"}},
	{0x2286, {0, TK_REL, 'c', "subset"}}, {0x22a5, {0, TK_REL, 'o', "perp"}},
	{0x22c5, {0, TK_MUL, 0, "*"}}, {0x22ef, {0, TK_DOTS, 0, "..."}},
	{0x2308, {0, TK_OPEN, 'c', "lceil"}}, {0x2309, {0, TK_CLOSE, 'c', "rceil"}},
	{0x230a, {0, TK_OPEN, 'f', "lfloor"}}, {0x230b, {0, TK_CLOSE, 'f', "rfloor"}},
	{0x25b3, {0, TK_SHAPE, 0, "triangle"}}, {0x27e8, {0, TK_OPEN, '<', "<"}},
	{0x27e9, {0, TK_CLOSE, '<', ">"}}, {0x2a7d, {0, TK_REL, 'l', "<="}},
	{0x2a7e, {0, TK_REL, 'g', ">="}}, {0xfe0f, {0, TC_DROP, 0, 0}}, {0xfeff, {0, TC_DROP, 0, 0}},
	{0xff0b, {0, TK_PLUS, 0, "+"}}, {0xff0c, {0, TK_COMMA, 0, ","}},
	{0xff1a, {0, TK_COLON, 0, ":"}}, {0xff1d, {0, TK_REL, '=', "="}},
};

static int compare(const char *s, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!name[i] || s[i] != name[i])
			return (unsigned char)s[i] < (unsigned char)name[i] ? -1 : 1;
	return -(name[n] != 0);
}

static const struct name *find(const struct name *table, size_t n_table, const char *s, size_t n)
{
	size_t lo = 0, hi = n_table;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = compare(s, n, table[mid].name);

		if (!c)
			return &table[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct name *name_command(const char *s, size_t n)
{
	return find(commands, LEN(commands), s, n);
}

const struct name *name_plain(const char *s, size_t n)
{
	return find(plains, LEN(plains), s, n);
}

int name_is_short_word(const char *s, size_t n)
{
	for (size_t i = 0; n > 1 && i < LEN(short_words); i++)
		if (!compare(s, n, short_words[i]))
			return 1;
	return 0;
}

int name_env(const char *s, size_t n)
{
	static const struct { const char *name; char op; } envs[] = {
		{"pmatrix", 'p'}, {"bmatrix", 'p'}, {"matrix", 'p'}, {"smallmatrix", 'p'}, {"array", 'p'},
		{"vmatrix", 'v'}, {"Bmatrix", 'p'}, {"Vmatrix", 'V'}, {"vmatrix*", 'v'}, {"Vmatrix*", 'V'},
		{"rcases", 'c'}, {"pmatrix*", 'p'}, {"bmatrix*", 'p'}, {"align", 'a'}, {"align*", 'a'},
		{"aligned", 'a'}, {"gather", 'a'}, {"gather*", 'a'}, {"gathered", 'a'}, {"equation", 'a'},
		{"equation*", 'a'}, {"split", 'a'}, {"cases", 'c'}, {"dcases", 'c'}, {"math", 'a'},
		{"displaymath", 'a'},
	};

	for (size_t i = 0; i < LEN(envs); i++)
		if (!compare(s, n, envs[i].name))
			return envs[i].op;
	return 0;
}

size_t name_char(const char *s, size_t n, uint32_t *code, const struct name **name)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c < 0x80                ? 1
	             : c >= 0xc2 && c < 0xe0 ? 2
	             : (c & 0xf0) == 0xe0    ? 3
	             : c >= 0xf0 && c < 0xf5 ? 4
	                                     : 0;
	size_t lo = 0, hi = LEN(chars);

	*name = NULL;
	*code = 0;
	if (!len || len > n)
		return 0;
	*code = len == 1 ? c : c & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | ((unsigned char)s[i] & 0x3f);
	}
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (chars[mid].code == *code) {
			*name = &chars[mid].name;
			break;
		}
		if (*code < chars[mid].code)
			hi = mid;
		else
			lo = mid + 1;
	}
	return len;
}
