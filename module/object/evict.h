/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the mm takes away, devices lose as well: see evict.c.
 */
#ifndef VIOPF_EVICT_H
#define VIOPF_EVICT_H

#include <linux/mmu_notifier.h>

extern const struct mmu_interval_notifier_ops viopf_evict_ops;

#endif /* VIOPF_EVICT_H */
