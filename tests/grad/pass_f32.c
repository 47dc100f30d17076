/* SPDX-License-Identifier: MIT */
#include "pass.h"

int main(void)
{
	struct err e;

	if (kern_init(2, &e)) {
		printf("Bail out! %s\n", e.msg);
		return 1;
	}
	checks("fp32", 2e-6);
	return done();
}
