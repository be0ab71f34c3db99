/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the floor of changes offers: all that is done under container->lock, for those who
 * have checked what user space or VFIO's core asks for.
 */
#ifndef VIOPF_CHANGE_H
#define VIOPF_CHANGE_H

#include <linux/vfio.h>

#include "object/object.h"

/* Groups that come and go: attach.c. */
int viopf_group_attach(struct viopf_group *vgroup);
void viopf_group_detach(struct viopf_group *vgroup);

/* Emulated ones, whose drivers pin and copy: emulated.c. */
bool viopf_emulated_has(struct viopf_container *container,
			const struct iommu_group *group);
bool viopf_emulated_any(struct viopf_container *container);
int viopf_emulated_attach(struct viopf_container *container,
			  struct iommu_group *group);
void viopf_emulated_detach(struct viopf_container *container,
			   const struct iommu_group *group);
struct list_head *viopf_emulated_devices(struct viopf_container *container,
					 const struct iommu_group *group);
void viopf_emulated_open(void *iommu_data, struct vfio_device *device);
void viopf_emulated_close(void *iommu_data, struct vfio_device *device);
int viopf_emulated_pin(void *iommu_data, struct iommu_group *group,
		       dma_addr_t user_iova, int npage, int prot,
		       struct page **pages);
void viopf_emulated_unpin(void *iommu_data, dma_addr_t user_iova, int npage);
int viopf_emulated_rw(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write);

/* Pages pinned for their drivers: driver_pins.c. */
void viopf_externals_install(struct viopf_container *container);

/* Devices of a failed container are cut off: quarantine.c. */
void viopf_quarantine_work(struct work_struct *work);

/* MAP_DMA: map.c. */
int viopf_mapping_create(struct viopf_container *container,
			 const struct vfio_iommu_type1_dma_map *map);

/* UNMAP_DMA: unmap.c. */
struct viopf_dirty_report;
int viopf_mapping_check_range(struct viopf_container *container, u64 first,
			      u64 bytes, bool whole);
int viopf_mapping_unmap(struct viopf_container *container,
			struct vfio_iommu_type1_dma_unmap *unmap,
			struct viopf_dirty_report *report);
u64 viopf_mapping_unmap_all(struct viopf_container *container);

/* Which mappings are pinned, and which are faultable: mode.c. */
void viopf_mode_enable_iopf(struct viopf_container *container);
int viopf_mode_disable_iopf(struct viopf_container *container);

/* Pages pinned because they were advised to be: pin.c. */
int viopf_pin_advise(struct viopf_segment *segment, unsigned long first,
		     unsigned long end);
void viopf_unpin_advise(struct viopf_segment *segment, unsigned long first,
			unsigned long end);

/* Which pages devices may have written: dirty.c. */
int viopf_dirty_start(struct viopf_container *container);
void viopf_dirty_stop(struct viopf_container *container);

/* Bits that a bitmap of dirty pages may have: type1's limit. */
#define VIOPF_DIRTY_MAX_PAGES	((u64)INT_MAX)

/**
 * struct viopf_bitmap - a bitmap of user space's
 * @user: where it is
 * @pages: those of its pages that are pinned
 * @nr_pages: how many
 * @bytes: the first of them, for the kernel; NULL: it isn't ready
 * @first: first bit that is ready to be written
 * @last: last one
 */
struct viopf_bitmap {
	u8 __user	*user;
	struct page	**pages;
	unsigned int	nr_pages;
	u8		*bytes;
	u64		first;
	u64		last;
};

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

/* On their way to user space: dirty_report.c, bitmap.c. */
void viopf_dirty_report_init(struct viopf_dirty_report *report,
			     u64 iova, u64 bytes,
			     const struct vfio_bitmap *bitmap);
int viopf_dirty_report_check(struct viopf_container *container,
			     struct viopf_dirty_report *report);
void viopf_dirty_report_begin(struct viopf_dirty_report *report,
			      struct viopf_mapping *mapping);
void viopf_dirty_report_end(struct viopf_dirty_report *report,
			    struct viopf_mapping *mapping);
void viopf_bitmap_release(struct viopf_bitmap *bitmap);

#endif /* VIOPF_CHANGE_H */
