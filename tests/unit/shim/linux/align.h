/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: rounding to powers of two. */
#ifndef SHIM_LINUX_ALIGN_H
#define SHIM_LINUX_ALIGN_H

#define IS_ALIGNED(x, a)	(((x) % (a)) == 0)

static inline unsigned long ALIGN_DOWN(unsigned long x, unsigned long a)
{
	return x - x % a;
}

static inline unsigned long ALIGN(unsigned long x, unsigned long a)
{
	return ALIGN_DOWN(x + a - 1, a);
}

#endif /* SHIM_LINUX_ALIGN_H */
