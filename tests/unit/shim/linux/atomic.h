/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: fully ordered exchanges; and a type that nothing here counts in. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

typedef struct {
	long long counter;
} atomic64_t;

#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, v)	__sync_val_compare_and_swap(p, old, v)

#endif /* SHIM_LINUX_ATOMIC_H */
