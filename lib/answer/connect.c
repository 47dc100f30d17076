/* SPDX-License-Identifier: MIT */
/*
 * Connectives in an answer: words, in \text or plain, and signs that join two statements. A chain
 * of equality signs ends at one.
 */
#include "answer/inside.h"

#include <string.h>

#include "base/base.h"

static int space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '~';
}

static int listed(const char *s, size_t len, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (len == strlen(words[i]) && !memcmp(s + 1, words[i] + 1, len - 1) &&
		    (s[0] | 32) == (words[i][0] | 32))
			return 1;
	return 0;
}

static enum connective role(const char *word, size_t len)
{
	static const char *const leads[] = {
		"gives", "give", "giving", "yields", "yield", "so", "hence", "thus", "therefore", "then",
		"implies",
	};
	static const char *const joins[] = {
		"or", "and", "when", "whenever", "if", "iff", "where", "for", "with", "while", "whereas",
		"because",
		"since", "as", "but", "not", "either", "neither", "nor", "both", "given", "provided", "at",
		"such",
		"that", "is", "are", "otherwise", "else", "only", "unless", "except", "versus", "vs",
		"means", "from",
		"to", "by", "which", "satisfies", "namely", "plus",
	};

	return listed(word, len, leads, LEN(leads))   ? CONNECT_LEADS
	       : listed(word, len, joins, LEN(joins)) ? CONNECT_JOINS
	                                              : CONNECT_NOT;
}

/* Does a letter, a number, a bracket or a command that begins a value come next? */
static int operand(const char *s, size_t n, size_t at)
{
	static const char *const values[] = {"\\frac", "\\dfrac", "\\tfrac", "\\sqrt",
	                                     "\\left", "\\pi",    "\\boxed"};

	while (at < n && (space(s[at]) || text_starts(s, n, at, "\\,") ||
	                  text_starts(s, n, at, "\\ ") || text_starts(s, n, at, "\\;")))
		at += s[at] == '\\' ? 2 : 1;
	for (size_t i = 0; i < LEN(values); i++)
		if (text_starts(s, n, at, values[i]))
			return 1;
	return at < n && (text_letter(s[at]) || (s[at] >= '0' && s[at] <= '9') || s[at] == '(' ||
	                  s[at] == '[' || s[at] == '{');
}

/* \text{...}, whose name ends at p: the most that one of its words does. */
static enum connective in_text(const char *s, size_t n, size_t at, size_t p, size_t *len)
{
	enum connective most = CONNECT_NOT;

	while (p < n && (space(s[p]) || s[p] == '*'))
		p++;
	if (p == n || s[p] != '{')
		return CONNECT_NOT;
	while (p < n && s[p] != '}') {
		size_t from = p;

		while (p < n && text_letter(s[p]))
			p++;
		if (p > from) {
			enum connective one = role(s + from, p - from);

			most = one > most ? one : most;
		} else
			p++;
	}
	*len = p + (p < n) - at;
	return most;
}

static enum connective sign(const char *s, size_t n, size_t at, size_t *len)
{
	static const struct { const char *text; enum connective what; } signs[] = {
		{"\\lor", CONNECT_JOINS}, {"\\vee", CONNECT_JOINS}, {"\\land", CONNECT_JOINS},
		{"\\wedge", CONNECT_JOINS},
		{"\\Rightarrow", CONNECT_LEADS}, {"\\Longrightarrow", CONNECT_LEADS},
		{"\\implies", CONNECT_LEADS},
		{"\\therefore", CONNECT_LEADS}, {"\\because", CONNECT_JOINS}, {"\\iff", CONNECT_JOINS},
		{"\\Leftrightarrow", CONNECT_JOINS}, {"\\mid", CONNECT_JOINS},
		{"\\longrightarrow", CONNECT_JOINS},
		{"\\rightarrow", CONNECT_JOINS}, {"\\leadsto", CONNECT_JOINS},
		{"\xe2\x88\xa7", CONNECT_JOINS},
		{"\xe2\x88\xa8", CONNECT_JOINS}, {"\xe2\x87\x92", CONNECT_LEADS},
		{"\xe2\x9f\xb9", CONNECT_LEADS},
		{"\xe2\x88\xb4", CONNECT_LEADS}, {"\xe2\x86\x92", CONNECT_JOINS}, {"=>", CONNECT_JOINS},
		{"->", CONNECT_JOINS},
	};

	for (size_t i = 0; i < LEN(signs); i++) {
		size_t end = at + strlen(signs[i].text);

		if (text_starts(s, n, at, signs[i].text) &&
		    (s[at] != '\\' || end >= n || !text_letter(s[end]))) {
			*len = end - at;
			return signs[i].what;
		}
	}
	return CONNECT_NOT;
}

enum connective math_connective(const char *s, size_t n, size_t at, int begins, size_t *len)
{
	static const char *const texts[] = {"\\text",   "\\mbox",   "\\mathrm",
	                                    "\\textbf", "\\textrm", "\\textit"};
	enum connective what = sign(s, n, at, len);
	size_t p = at + (s[at] == '\\');
	int plain = s[at] != '\\';

	if (what != CONNECT_NOT)
		return what;
	while (p < n && text_letter(s[p]))
		p++;
	*len = p > at ? p - at : 1;
	if (plain && p - at < 2)
		return CONNECT_NOT;
	if (plain)
		what = role(s + at, p - at);
	else if (listed(s + at, p - at, texts, LEN(texts)))
		what = in_text(s, n, at, p, len);
	else
		return CONNECT_NOT;
	/* a name or a unit goes on with a sign; a word in front of a value is between two */
	if (what == CONNECT_NOT && !begins && (!plain || p - at >= 4) && operand(s, n, at + *len))
		return CONNECT_JOINS;
	return begins && what == CONNECT_JOINS ? CONNECT_NOT : what;
}
