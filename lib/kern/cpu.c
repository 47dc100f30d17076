/* SPDX-License-Identifier: MIT */
/* What this processor can do, and which level is for it. */
#include "kern/levels.h"

#include <string.h>

#ifdef KERN_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ARCH_REQ_XCOMP_PERM = 0x1023,
	XFEATURE_XTILEDATA = 18,
	AVX2 = 1 << LEVEL_AVX2 | 1 << LEVEL_AVX512_MODEL | 1 << LEVEL_AVX512BF16_MODEL |
		1 << LEVEL_AMX_MODEL,
};

/* The levels whose instructions the CPU has and whose registers the kernel saves. */
static unsigned levels_found(void)
{
	unsigned a, b, c, d, b7, d7, xcr0, hi, has = 1 << LEVEL_REF;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX) || !(c & bit_FMA) ||
	    !(c & bit_F16C))
		return has;
	__asm__ volatile("xgetbv" : "=a"(xcr0), "=d"(hi) : "c"(0));
	if ((xcr0 & 0x6) != 0x6 || !__get_cpuid_count(7, 0, &a, &b7, &c, &d7) || !(b7 & bit_AVX2))
		return has;
	has |= AVX2;
	if ((xcr0 & 0xe0) != 0xe0 || !(b7 & bit_AVX512F) || !(b7 & bit_AVX512BW) ||
	    !(b7 & bit_AVX512DQ) || !(b7 & bit_AVX512VL))
		return has;
	has |= 1 << LEVEL_AVX512;
	if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & bit_AVX512BF16))
		return has;
	has |= 1 << LEVEL_AVX512BF16;
	if ((xcr0 & 0x60000) != 0x60000 || !(d7 & bit_AMX_TILE) || !(d7 & bit_AMX_BF16))
		return has;
	/* Linux grants AMX tile data only on request. */
	if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA))
		return has;
	return has | 1 << LEVEL_AMX;
}

struct cpu cpu_found(void)
{
	struct cpu cpu = {.has = levels_found()};
	unsigned max, name[3] = {0};

	if (__get_cpuid(0, &max, &name[0], &name[2], &name[1]))
		memcpy(cpu.vendor, name, sizeof name);
	return cpu;
}
#else
struct cpu cpu_found(void)
{
	return (struct cpu){.has = 1 << LEVEL_REF};
}
#endif

/*
 * The highest, except that vdpbf16ps is for other makers' processors: on Intel's it multiplies at
 * half the rate of fp32. By maker, since a measurement errs under load and a hypervisor may report
 * another model; two programs in a pipe have to choose the same.
 */
int cpu_choice(const struct cpu *c)
{
	static const int intel[] = {LEVEL_AMX, LEVEL_AVX512, LEVEL_AVX2},
	                 others[] = {LEVEL_AVX512BF16, LEVEL_AVX512, LEVEL_AVX2};
	const int *order = strcmp(c->vendor, "GenuineIntel") ? others : intel;

	for (size_t i = 0; i < LEN(intel); i++)
		if (c->has & 1u << order[i])
			return order[i];
	return LEVEL_REF;
}
