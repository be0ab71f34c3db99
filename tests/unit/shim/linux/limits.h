/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: besides those of user space's header, the limits of u64. */
#ifndef SHIM_LINUX_LIMITS_H
#define SHIM_LINUX_LIMITS_H

#include_next <linux/limits.h>

#define U64_MAX			(~0ULL)

#endif /* SHIM_LINUX_LIMITS_H */
