/* SPDX-License-Identifier: MIT */
/* ASCII character classes for answers and responses, independent of the locale (unlike ctype.h). */
#ifndef ASCII_H
#define ASCII_H

#include <string.h>
#include <strings.h>

static inline int text_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline int text_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline int text_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* True if s has word at offset at. */
static inline int text_starts(const char *s, size_t n, size_t at, const char *word)
{
	size_t len = strlen(word);

	return at <= n && n - at >= len && !memcmp(s + at, word, len);
}

/* True if all of s equals word, ignoring case. */
static inline int text_is(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && !strncasecmp(s, word, n);
}

#endif
