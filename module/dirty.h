/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty tracking. Part of viopf.h, which includes it.
 */
#ifndef VIOPF_DIRTY_H
#define VIOPF_DIRTY_H

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

/* dirty_bitmap.c */
bool viopf_bitmap_holds(const struct viopf_bitmap *bitmap, u64 first, u64 last);
int viopf_bitmap_hold(struct viopf_bitmap *bitmap, u64 first, u64 last);
void viopf_bitmap_release(struct viopf_bitmap *bitmap);
void viopf_bitmap_clear(const struct viopf_bitmap *bitmap, u64 first, u64 last);
void viopf_bitmap_set(const struct viopf_bitmap *bitmap, u64 bit);

/* dirty.c */
int viopf_dirty_segment_init(struct viopf_segment *segment);
void viopf_dirty_segment_deinit(struct viopf_segment *segment);
void viopf_dirty_mark_slow(struct viopf_segment *segment, unsigned long first,
			   unsigned long end);
void viopf_dirty_mark_range(struct viopf_mapping *mapping, unsigned long iova,
			    size_t bytes);
int viopf_dirty_check_mapping(struct viopf_container *container, u64 bytes);
int viopf_dirty_start(struct viopf_container *container);
void viopf_dirty_stop(struct viopf_container *container);
void viopf_dirty_take(struct viopf_segment *segment,
		      const struct viopf_bitmap *bitmap, u64 bit);

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

/* dirty_get.c */
int viopf_dirty_report_check(struct viopf_container *container,
			     struct viopf_dirty_report *report);
void viopf_dirty_report_begin(struct viopf_dirty_report *report,
			      struct viopf_mapping *mapping);
void viopf_dirty_report_end(struct viopf_dirty_report *report,
			    struct viopf_mapping *mapping);
int viopf_dirty_info(struct viopf_container *container,
		     struct vfio_info_cap *caps);
int viopf_dirty_pages(struct viopf_container *container, void __user *arg);
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg);

#endif /* VIOPF_DIRTY_H */
