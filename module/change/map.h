/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MAP_DMA: see map.c.
 */
#ifndef VIOPF_MAP_H
#define VIOPF_MAP_H

#include <linux/vfio.h>

#include "object/container.h"

int viopf_mapping_create(struct viopf_container *container,
			 const struct vfio_iommu_type1_dma_map *map);

#endif /* VIOPF_MAP_H */
