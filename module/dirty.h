/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty tracking. Part of viopf.h, which includes it.
 */
#ifndef VIOPF_DIRTY_H
#define VIOPF_DIRTY_H

/* Bits that a bitmap of dirty pages may have: type1's limit. */
#define VIOPF_DIRTY_MAX_PAGES	((u64)INT_MAX)

/* dirty.c */
int viopf_dirty_segment_init(struct viopf_segment *segment);
void viopf_dirty_segment_deinit(struct viopf_segment *segment);
void viopf_dirty_mark_slow(struct viopf_segment *segment, unsigned long first,
			   unsigned long end);
void viopf_dirty_mark_writable(struct viopf_container *container);
void viopf_dirty_pin(struct viopf_segment *segment, unsigned long first,
		     unsigned long end);
void viopf_dirty_unpin(struct viopf_segment *segment, unsigned long first,
		       unsigned long end);
int viopf_dirty_mark_range(struct viopf_mapping *mapping, unsigned long iova,
			   size_t bytes);
int viopf_dirty_check_mapping(struct viopf_container *container, u64 bytes);
int viopf_dirty_start(struct viopf_container *container);
void viopf_dirty_stop(struct viopf_container *container);
void viopf_dirty_take(struct viopf_segment *segment, unsigned long first,
		      unsigned long *bits);
void viopf_dirty_put_back(struct viopf_segment *segment, unsigned long first,
			  const unsigned long *bits);

/* dirty_iommu.c */
struct iommu_domain *viopf_dirty_domain_alloc(struct device *dev);
void viopf_dirty_iommu_start(struct viopf_container *container);
void viopf_dirty_iommu_stop(struct viopf_container *container);
void viopf_dirty_iommu_join(struct viopf_container *container,
			    struct iommu_domain *domain);
void viopf_dirty_iommu_leave(struct viopf_segment *segment,
			     struct iommu_domain *domain);
void viopf_dirty_iommu_read(struct viopf_segment *segment);

/* dirty_get.c */
int viopf_dirty_info(struct viopf_container *container,
		     struct vfio_info_cap *caps);
int viopf_dirty_pages(struct viopf_container *container, void __user *arg);
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg);

#endif /* VIOPF_DIRTY_H */
