/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: positions of bits, which begin with 1; 0 has none. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/bits.h>
#include <linux/types.h>

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#endif /* SHIM_LINUX_BITOPS_H */
