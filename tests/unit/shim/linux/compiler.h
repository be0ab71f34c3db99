/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: accesses that the compiler may not split or repeat. */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)

#endif /* SHIM_LINUX_COMPILER_H */
