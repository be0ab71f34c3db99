/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VFIO's core expects of a container backend. The kernel keeps this in
 * drivers/vfio/vfio.h, which the headers packages leave out, so it is restated
 * here. The build compares it with the BTF of the vfio.ko it is built for and
 * stops at a difference: see tests/abi/.
 *
 * Layout as of Linux 6.12.
 */
#ifndef VIOPF_COMPAT_VFIO_DRIVER_OPS_H
#define VIOPF_COMPAT_VFIO_DRIVER_OPS_H

#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct module;
struct page;
struct vfio_device;

enum vfio_group_type {
	VFIO_IOMMU,		/* a device behind an IOMMU */
	VFIO_EMULATED_IOMMU,	/* a mediated device: its driver does the DMA */
	VFIO_NO_IOMMU,		/* no IOMMU at all: never ours */
};

struct vfio_iommu_driver_ops {
	char		*name;
	struct module	*owner;
	void		*(*open)(unsigned long arg);
	void		(*release)(void *iommu_data);
	long		(*ioctl)(void *iommu_data, unsigned int cmd,
				 unsigned long arg);
	int		(*attach_group)(void *iommu_data,
					struct iommu_group *group,
					enum vfio_group_type type);
	void		(*detach_group)(void *iommu_data,
					struct iommu_group *group);
	int		(*pin_pages)(void *iommu_data,
				     struct iommu_group *group,
				     dma_addr_t user_iova, int npage, int prot,
				     struct page **pages);
	void		(*unpin_pages)(void *iommu_data, dma_addr_t user_iova,
				       int npage);
	void		(*register_device)(void *iommu_data,
					   struct vfio_device *vdev);
	void		(*unregister_device)(void *iommu_data,
					     struct vfio_device *vdev);
	int		(*dma_rw)(void *iommu_data, dma_addr_t user_iova,
				  void *data, size_t count, bool write);
	struct iommu_domain *(*group_iommu_domain)(void *iommu_data,
						   struct iommu_group *group);
};

int vfio_register_iommu_driver(const struct vfio_iommu_driver_ops *ops);
void vfio_unregister_iommu_driver(const struct vfio_iommu_driver_ops *ops);

#endif /* VIOPF_COMPAT_VFIO_DRIVER_OPS_H */
