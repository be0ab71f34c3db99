// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reporting which pages of mappings are dirty, to VFIO_IOMMU_DIRTY_PAGES, and along with
 * UNMAP_DMA.
 *
 * A bitmap is written under one hold of container->lock, so that no mapping comes, goes
 * or changes its size half-way; it is made ready for that without the lock (bitmap.c),
 * after which mappings are looked at anew. With UNMAP_DMA, a mapping's bits are taken after
 * it has been removed, when no device can write any more.
 */
#include "change/internal.h"

static u64 viopf_dirty_bit(const struct viopf_dirty_report *report, u64 iova)
{
	return (iova - report->first) >> PAGE_SHIFT;
}

/* Have user space's bitmap ready for what is mapped in the report's range. */
static int viopf_dirty_ready(struct viopf_container *container,
			     struct viopf_dirty_report *report)
{
	struct viopf_mapping *mapping;
	u64 first = U64_MAX, last = 0;
	int ret;

	viopf_for_each_mapping_in(mapping, container, report->first, report->last) {
		first = min(first, viopf_dirty_bit(report, mapping->node.start));
		last = viopf_dirty_bit(report, mapping->node.last);
	}
	if (first > last || viopf_bitmap_holds(&report->bitmap, first, last))
		return 0;

	mutex_unlock(&container->lock);
	ret = viopf_bitmap_hold(&report->bitmap, first, last);
	mutex_lock(&container->lock);
	return ret ? ret : 1;
}

/* What drivers have pinned they may write at any time: it is dirty. */
static void viopf_dirty_report_externals(struct viopf_mapping *mapping,
					 const struct viopf_bitmap *bitmap, u64 bit)
{
	unsigned long first = mapping->node.start >> PAGE_SHIFT, index;
	void *external;

	lockdep_assert_held(&mapping->container->lock);

	if (!(mapping->prot & IOMMU_WRITE))
		return;
	xa_for_each(&mapping->externals, index, external)
		viopf_bitmap_set(bitmap, bit + (index - first));
}

/**
 * viopf_dirty_report_begin() - report a mapping's pages, but for its segments' bits
 * @report: ready for it, with container->lock held
 * @mapping: the mapping, in the container
 *
 * To be followed by viopf_dirty_report_end(), under the same hold of the lock.
 */
void viopf_dirty_report_begin(struct viopf_dirty_report *report,
			      struct viopf_mapping *mapping)
{
	u64 bit = viopf_dirty_bit(report, mapping->node.start);
	u64 last = viopf_dirty_bit(report, mapping->node.last);

	lockdep_assert_held(&mapping->container->lock);

	viopf_bitmap_clear(&report->bitmap, bit, last);
	viopf_dirty_report_externals(mapping, &report->bitmap, bit);
	for (; mapping->dirty_all && bit <= last; bit++) {
		viopf_bitmap_set(&report->bitmap, bit);
		if (!(bit % VIOPF_GIANT_PAGES))
			cond_resched();
	}
	mapping->dirty_all = false;
}

/**
 * viopf_dirty_report_end() - take the bits of a mapping's segments
 * @report: as it was for viopf_dirty_report_begin()
 * @mapping: still held, and in the container or just removed
 */
void viopf_dirty_report_end(struct viopf_dirty_report *report,
			    struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index;

	lockdep_assert_held(&mapping->container->lock);

	viopf_for_each_segment(segment, mapping, index) {
		viopf_dirty_take(segment, &report->bitmap,
				 viopf_dirty_bit(report, segment->table.iova));
		cond_resched();
	}
}

/**
 * viopf_dirty_report_check() - may a range be reported, and is its bitmap ready?
 * @container: locked
 * @report: what is to be reported; no mapping sticks out of it
 *
 * Return: 0; 1: container->lock was dropped: look at everything again; -EINVAL:
 * tracking is off, or a bit is not a page of the smallest size; and as
 * viopf_bitmap_hold().
 */
int viopf_dirty_report_check(struct viopf_container *container,
			     struct viopf_dirty_report *report)
{
	lockdep_assert_held(&container->lock);

	if (report->pgsize != viopf_container_granule(container) ||
	    !container->dirty_tracking)
		return -EINVAL;
	return viopf_dirty_ready(container, report);
}

/**
 * viopf_dirty_report_init() - get ready to report a range
 * @report: what is to be made ready
 * @iova: its first byte
 * @bytes: its size, not 0
 * @bitmap: as user space gave it, known to be large enough
 */
void viopf_dirty_report_init(struct viopf_dirty_report *report,
			     u64 iova, u64 bytes,
			     const struct vfio_bitmap *bitmap)
{
	*report = (struct viopf_dirty_report) {
		.first = iova,
		.last = iova + bytes - 1,
		.pgsize = bitmap->pgsize,
		.bitmap.user = (u8 __user *)bitmap->data,
	};
}
