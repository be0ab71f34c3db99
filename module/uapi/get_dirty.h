/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages devices have written, for user space: see get_dirty.c.
 */
#ifndef VIOPF_GET_DIRTY_H
#define VIOPF_GET_DIRTY_H

#include <linux/vfio.h>

#include "object/container.h"

int viopf_dirty_info(struct viopf_container *container,
		     struct vfio_info_cap *caps);
int viopf_dirty_pages(struct viopf_container *container, void __user *arg);
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg);

#endif /* VIOPF_GET_DIRTY_H */
