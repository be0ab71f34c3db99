/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * UNMAP_DMA: see unmap.c.
 */
#ifndef VIOPF_UNMAP_H
#define VIOPF_UNMAP_H

#include <linux/vfio.h>

#include "object/mapping.h"

struct viopf_dirty_report;

u64 viopf_mapping_remove(struct viopf_container *container,
			 struct viopf_mapping *mapping);
int viopf_mapping_check_range(struct viopf_container *container, u64 first,
			      u64 bytes, bool whole);
int viopf_mapping_unmap(struct viopf_container *container,
			struct vfio_iommu_type1_dma_unmap *unmap,
			struct viopf_dirty_report *report);
u64 viopf_mapping_unmap_all(struct viopf_container *container);

#endif /* VIOPF_UNMAP_H */
