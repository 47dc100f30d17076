/* SPDX-License-Identifier: MIT */
/* Recognises common wrong kinds of files by their first bytes, for error messages. */
#include <string.h>

#include "base/base.h"

const char *bytes_are(const void *p, size_t n)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *what;
	} known[] = {
		{"version https://git-lfs.github.com/", 35,
		 "a Git LFS pointer in place of the file (git lfs pull fetches it)"},
		{"\xef\xbb\xbf", 3, "text that begins with a byte order mark"},
		{"\xff\xfe\0\0", 4, "text in UTF-32"},
		{"\xff\xfe", 2, "text in UTF-16"},
		{"\xfe\xff", 2, "text in UTF-16"},
		{"\x1f\x8b", 2, "a file compressed by gzip"},
		{"\x28\xb5\x2f\xfd", 4, "a file compressed by zstd"},
		{"BZh", 3, "a file compressed by bzip2"},
		{"\xfd" "7zXZ", 5, "a file compressed by xz"},
		{"PK\3\4", 4, "a ZIP archive, as PyTorch writes (.bin, .pth)"},
		{"GGUF", 4, "a GGUF file"},
		{"<!DOCTYPE", 9, "a web page"},
		{"<html", 5, "a web page"},
	};

	for (size_t i = 0; i < LEN(known); i++)
		if (n >= known[i].n && !memcmp(p, known[i].bytes, known[i].n))
			return known[i].what;
	return NULL;
}
