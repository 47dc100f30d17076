/* SPDX-License-Identifier: MIT */
/* Every level of instruction set, and the models of those that a machine may lack. */
#ifndef TESTS_LEVELS_H
#define TESTS_LEVELS_H

__attribute__((unused)) static const char *const levels[] = {
	"ref", "avx2", "avx512", "avx512bf16", "amx", "avx512-model", "avx512bf16-model",
	"amx-model",
};

#endif
