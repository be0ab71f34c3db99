/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulated IOMMU groups, whose drivers pin and copy: see emulated.c.
 */
#ifndef VIOPF_EMULATED_H
#define VIOPF_EMULATED_H

#include <linux/vfio.h>

#include "object/container.h"

/**
 * struct viopf_recall - how far drivers have been asked to give up a range
 * @next: from where on they are to be asked; 0: from its beginning
 * @rounds: how often all of it has been gone through
 */
struct viopf_recall {
	unsigned long	next;
	unsigned int	rounds;
};

bool viopf_emulated_has(struct viopf_container *container,
			const struct iommu_group *group);
bool viopf_emulated_any(struct viopf_container *container);
int viopf_emulated_attach(struct viopf_container *container,
			  struct iommu_group *group);
bool viopf_emulated_detach(struct viopf_container *container,
			   const struct iommu_group *group);
void viopf_emulated_open(void *iommu_data, struct vfio_device *device);
void viopf_emulated_close(void *iommu_data, struct vfio_device *device);
int viopf_emulated_recall(struct viopf_container *container,
			  unsigned long first, unsigned long last,
			  struct viopf_recall *recall);
int viopf_emulated_pin(void *iommu_data, struct iommu_group *group,
		       dma_addr_t user_iova, int npage, int prot,
		       struct page **pages);
void viopf_emulated_unpin(void *iommu_data, dma_addr_t user_iova, int npage);
int viopf_emulated_rw(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write);

#endif /* VIOPF_EMULATED_H */
