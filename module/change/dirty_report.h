/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty pages on their way to user space: see dirty_report.c.
 */
#ifndef VIOPF_DIRTY_REPORT_H
#define VIOPF_DIRTY_REPORT_H

#include <linux/vfio.h>

#include "change/bitmap.h"
#include "object/mapping.h"

/**
 * struct viopf_dirty_report - which pages of a range are dirty, for user space
 * @first: first byte of the range, as IOVA: that of the bitmap's bit 0
 * @last: its last byte
 * @pgsize: how much a bit stands for, as user space has it
 * @bitmap: where it goes
 */
struct viopf_dirty_report {
	u64			first;
	u64			last;
	u64			pgsize;
	struct viopf_bitmap	bitmap;
};

void viopf_dirty_report_begin(struct viopf_dirty_report *report,
			      struct viopf_mapping *mapping);
void viopf_dirty_report_end(struct viopf_dirty_report *report,
			    struct viopf_mapping *mapping);
int viopf_dirty_report_check(struct viopf_container *container,
			     struct viopf_dirty_report *report);
void viopf_dirty_report_init(struct viopf_dirty_report *report,
			     u64 iova, u64 bytes,
			     const struct vfio_bitmap *bitmap);

#endif /* VIOPF_DIRTY_REPORT_H */
