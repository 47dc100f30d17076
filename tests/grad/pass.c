/* SPDX-License-Identifier: MIT */
#include "levels.h"
#include "pass.h"

int main(void)
{
	struct err e;

	for (size_t i = 0; i < LEN(levels); i++) {
		if (kern_init(2, &e) || !kern_level(levels[i])) {
			skip("%s: not on this machine", levels[i]);
			continue;
		}
		setenv("SCORE_ISA", levels[i], 1);
		if (kern_init(2, &e)) {
			printf("Bail out! %s\n", e.msg);
			return 1;
		}
		/* eight bits a value, which are rounded before a sum or after it; pass_f32 is the strict
		 * test of the sums */
		checks(levels[i], 0x1p-6);
		unsetenv("SCORE_ISA");
	}
	return done();
}
