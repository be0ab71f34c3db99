/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the objects' files have of each other.
 */
#ifndef VIOPF_OBJECT_INTERNAL_H
#define VIOPF_OBJECT_INTERNAL_H

#include <linux/mm.h>
#include <linux/slab.h>

#include "object/object.h"

/* What the mm takes away, devices lose as well: evict.c. */
extern const struct mmu_interval_notifier_ops viopf_evict_ops;

void viopf_segment_destroy(struct viopf_segment *segment);

#endif /* VIOPF_OBJECT_INTERNAL_H */
