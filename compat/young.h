/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an mmu_notifier answers when it is asked whether a page is young: bool, and in
 * 6.12 int.
 */
#ifndef COMPAT_YOUNG_H
#define COMPAT_YOUNG_H

#include <linux/mmu_notifier.h>

#define compat_young_t \
	typeof(((struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0))

#endif /* COMPAT_YOUNG_H */
