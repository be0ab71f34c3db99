/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: powers of two. */
#ifndef SHIM_LINUX_LOG2_H
#define SHIM_LINUX_LOG2_H

static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	unsigned long power = 1;

	while (n / 2 >= power)
		power *= 2;
	return power;
}

#endif /* SHIM_LINUX_LOG2_H */
