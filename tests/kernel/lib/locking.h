/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process may lock in memory.
 */
#ifndef VIOPF_TEST_LOCKING_H
#define VIOPF_TEST_LOCKING_H

#include <stddef.h>

/* Let this process lock so much memory at the most: CAP_IPC_LOCK goes too. */
void limit_locking(size_t bytes);

#endif /* VIOPF_TEST_LOCKING_H */
