// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bitmaps of dirty pages on their way to user space: VFIO_IOMMU_DIRTY_PAGES,
 * and UNMAP_DMA along with its dirty bitmap.
 *
 * A bitmap is written under one hold of container->lock, so that no mapping comes, goes
 * or changes its size half-way; it is made ready for that without the lock
 * (dirty_bitmap.c), after which mappings are looked at anew. With UNMAP_DMA, a mapping's
 * bits are taken after it has been removed, when no device can write any more.
 *
 * Arguments are checked as type1 does (vfio_iommu_type1_dirty_pages() and
 * vfio_iommu_type1_unmap_dma() in drivers/vfio/vfio_iommu_type1.c).
 */
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "../compat/type1_wraps.h"
#include "viopf.h"

/* type1's limit to a bitmap, and how large one is. */
#define VIOPF_DIRTY_BYTES(bits)	(ALIGN((u64)(bits), 64) / 8)
#define VIOPF_DIRTY_MAX_BYTES	VIOPF_DIRTY_BYTES(VIOPF_DIRTY_MAX_PAGES)

static u64 viopf_dirty_bit(const struct viopf_dirty_report *report, u64 iova)
{
	return (iova - report->first) >> PAGE_SHIFT;
}

/* The last byte of the mappings from @mapping on that lie in a report's range. */
static u64 viopf_dirty_last(const struct viopf_dirty_report *report,
			    struct viopf_mapping *mapping)
{
	u64 last = mapping->node.last;

	while ((mapping = viopf_mapping_next(mapping)) &&
	       mapping->node.last <= report->last)
		last = mapping->node.last;
	return last;
}

/* Have user space's bitmap ready for what is mapped in the report's range. */
static int viopf_dirty_ready(struct viopf_container *container,
			     struct viopf_dirty_report *report)
{
	struct viopf_mapping *mapping;
	u64 first, last;
	int ret;

	mapping = viopf_mapping_first(container, report->first, report->last);
	if (!mapping)
		return 0;
	first = viopf_dirty_bit(report, mapping->node.start);
	last = viopf_dirty_bit(report, viopf_dirty_last(report, mapping));
	if (viopf_bitmap_holds(&report->bitmap, first, last))
		return 0;

	mutex_unlock(&container->lock);
	ret = viopf_bitmap_hold(&report->bitmap, first, last);
	mutex_lock(&container->lock);
	return ret ? ret : 1;
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
	viopf_external_report(mapping, &report->bitmap, bit);
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
	unsigned long index = 0;

	lockdep_assert_held(&mapping->container->lock);

	mt_for_each(&mapping->segments, segment, index, ULONG_MAX) {
		viopf_dirty_take(segment, &report->bitmap,
				 viopf_dirty_bit(report, segment->iova));
		cond_resched();
	}
}

/**
 * viopf_dirty_info() - say in GET_INFO that dirty pages can be tracked
 * @container: locked
 * @caps: the chain of capabilities
 *
 * Return: 0; -ENOMEM.
 */
int viopf_dirty_info(struct viopf_container *container,
		     struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		.header.version = 1,
		.pgsize_bitmap = viopf_container_granule(container),
		.max_dirty_bitmap_size = VIOPF_DIRTY_MAX_BYTES,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

/* What type1 checks of a bitmap before it looks at the container. */
static int viopf_dirty_check_bitmap(const struct vfio_bitmap *bitmap, u64 bytes)
{
	u64 pages;

	if (!access_ok((void __user *)bitmap->data, bitmap->size) ||
	    !bitmap->pgsize)
		return -EINVAL;
	pages = bytes >> __ffs64(bitmap->pgsize);
	if (!pages || !bitmap->size || bitmap->size > VIOPF_DIRTY_MAX_BYTES ||
	    bitmap->size < VIOPF_DIRTY_BYTES(pages))
		return -EINVAL;
	return 0;
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

static void viopf_dirty_report_init(struct viopf_dirty_report *report,
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

static void viopf_dirty_report(struct viopf_container *container,
			       struct viopf_dirty_report *report)
{
	struct viopf_mapping *mapping;

	for (mapping = viopf_mapping_first(container, report->first,
					   report->last);
	     mapping && mapping->node.last <= report->last;
	     mapping = viopf_mapping_next(mapping)) {
		viopf_dirty_report_begin(report, mapping);
		viopf_dirty_report_end(report, mapping);
	}
}

static int viopf_dirty_get(struct viopf_container *container,
			   const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	struct viopf_dirty_report report;
	int ret;

	viopf_dirty_report_init(&report, get->iova, get->size, &get->bitmap);
	mutex_lock(&container->lock);
	do {
		ret = viopf_mapping_check_range(container, get->iova, get->size,
						true);
		if (!ret)
			ret = viopf_dirty_report_check(container, &report);
	} while (ret > 0);
	if (!ret)
		viopf_dirty_report(container, &report);
	mutex_unlock(&container->lock);

	viopf_bitmap_release(&report.bitmap);
	return ret;
}

static int viopf_dirty_get_user(struct viopf_container *container, u32 argsz,
				void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap_get get;
	int ret;

	if (argsz - minsz < sizeof(get))
		return -EINVAL;
	if (copy_from_user(&get, arg + minsz, sizeof(get)))
		return -EFAULT;
	if (compat_dirty_wraps(get.iova, get.size))
		return -COMPAT_EWRAPS;
	ret = viopf_dirty_check_bitmap(&get.bitmap, get.size);
	return ret ? ret : viopf_dirty_get(container, &get);
}

/**
 * viopf_dirty_pages() - VFIO_IOMMU_DIRTY_PAGES
 * @container: whose
 * @arg: struct vfio_iommu_type1_dirty_bitmap, and to get the bitmap, struct
 *	vfio_iommu_type1_dirty_bitmap_get after it
 *
 * Return: 0; -EINVAL: argsz too small, not just one flag; to start: a mapping is
 * too large for a bitmap; to get: tracking is off, the range is empty, not aligned
 * or cuts through a mapping, the bitmap is too small, too large or of another page
 * size; -EACCES: a type1 container of the first version; -EFAULT; -ENOMEM; -EINTR:
 * killed. On an error no bit has been taken.
 */
int viopf_dirty_pages(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;
	int ret = 0;

	if (!container->v2)
		return -EACCES;
	if (copy_from_user(&dirty, arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;

	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		mutex_lock(&container->lock);
		ret = viopf_dirty_start(container);
		mutex_unlock(&container->lock);
		return ret;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		mutex_lock(&container->lock);
		viopf_dirty_stop(container);
		mutex_unlock(&container->lock);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return viopf_dirty_get_user(container, dirty.argsz, arg);
	default:
		return -EINVAL;
	}
}

/**
 * viopf_dirty_unmap() - VFIO_IOMMU_UNMAP_DMA along with its dirty bitmap
 * @container: where
 * @unmap: what; flags known to be known; size is set to the bytes unmapped
 * @arg: struct vfio_iommu_type1_dma_unmap as user space gave it, with struct
 *	vfio_bitmap after it
 *
 * A bitmap that can't be written costs nothing: that is found before anything goes.
 *
 * Return: 0; -EINVAL: as viopf_mapping_unmap() and viopf_dirty_pages(), or argsz has
 * no room for the bitmap; -EFAULT; -ENOMEM; -EINTR. On an error nothing is unmapped.
 */
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct viopf_dirty_report report;
	struct vfio_bitmap bitmap;
	int ret;

	if (unmap->argsz < minsz + sizeof(bitmap))
		return -EINVAL;
	if (copy_from_user(&bitmap, arg + minsz, sizeof(bitmap)))
		return -EFAULT;
	ret = viopf_dirty_check_bitmap(&bitmap, unmap->size);
	if (ret)
		return ret;

	viopf_dirty_report_init(&report, unmap->iova, unmap->size, &bitmap);
	ret = viopf_mapping_unmap(container, unmap, &report);
	viopf_bitmap_release(&report.bitmap);
	return ret;
}
