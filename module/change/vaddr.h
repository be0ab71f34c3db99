/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another address for a mapping's memory: see vaddr.c.
 */
#ifndef VIOPF_VADDR_H
#define VIOPF_VADDR_H

#include <linux/vfio.h>

#include "object/container.h"

int viopf_vaddr_invalidate(struct viopf_container *container,
			   unsigned long first, unsigned long last, u64 *bytes);
int viopf_vaddr_update(struct viopf_container *container,
		       const struct vfio_iommu_type1_dma_map *map);

#endif /* VIOPF_VADDR_H */
