/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: the kernel's integer types, besides those of user space's header. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include_next <linux/types.h>

typedef unsigned char		u8;
typedef unsigned short		u16;
typedef unsigned int		u32;
typedef unsigned long long	u64;
typedef long long		s64;
#define gfp_t			unsigned int

#endif /* SHIM_LINUX_TYPES_H */
