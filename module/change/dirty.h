/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages devices may have written: see dirty.c.
 */
#ifndef VIOPF_DIRTY_H
#define VIOPF_DIRTY_H

#include "change/bitmap.h"
#include "object/segment.h"

void viopf_dirty_mark_range(struct viopf_mapping *mapping, unsigned long iova,
			    size_t bytes);
int viopf_dirty_check_mapping(struct viopf_container *container, u64 bytes);
void viopf_dirty_stop(struct viopf_container *container);
int viopf_dirty_start(struct viopf_container *container);
void viopf_dirty_take(struct viopf_segment *segment,
		      const struct viopf_bitmap *bitmap, u64 bit);

#endif /* VIOPF_DIRTY_H */
