// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bitmaps of dirty pages on their way to user space: VFIO_IOMMU_DIRTY_PAGES,
 * and UNMAP_DMA along with its dirty bitmap.
 *
 * A bitmap goes out piece by piece, a piece being a segment, or a part of a mapping
 * where no segment is, with its bits all 0. The bits are taken with the container
 * locked (dirty.c); user memory is touched with no lock held at all, as that may
 * wait for anything, and if it can't be written the bits are put back. So mappings
 * may come and go between two pieces: one that the range of the call cuts through
 * by then ends it.
 *
 * Arguments are checked as type1 does (vfio_iommu_type1_dirty_pages() and
 * vfio_iommu_type1_unmap_dma() in drivers/vfio/vfio_iommu_type1.c).
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "viopf.h"

/* type1's limit to a bitmap, and how large one is. */
#define VIOPF_DIRTY_BYTES(bits)	(ALIGN((u64)(bits), 64) / 8)
#define VIOPF_DIRTY_MAX_BYTES	VIOPF_DIRTY_BYTES(VIOPF_DIRTY_MAX_PAGES)

/* Room for the bits of the largest segment, wherever its first one comes to lie. */
#define VIOPF_DIRTY_CHUNK_PAGES	VIOPF_GIANT_PAGES
#define VIOPF_DIRTY_CHUNK_LONGS	(BITS_TO_LONGS(VIOPF_DIRTY_CHUNK_PAGES) + 1)

/**
 * struct viopf_dirty_report - a bitmap on its way to user space
 * @container: whose pages
 * @first: IOVA of the bitmap's first bit
 * @last: last byte of IOVA that it covers
 * @user: the bitmap
 * @bits: %VIOPF_DIRTY_CHUNK_LONGS of ours
 * @mapping: what @bits is of, held
 * @segment: the same, or NULL: of a place without one
 * @iova: where @bits begins
 * @nr_pages: how many it has
 */
struct viopf_dirty_report {
	struct viopf_container	*container;
	u64			first;
	u64			last;
	u64 __user		*user;
	unsigned long		*bits;

	struct viopf_mapping	*mapping;
	struct viopf_segment	*segment;
	u64			iova;
	unsigned long		nr_pages;
};

/*
 * The next piece of a mapping from @iova on: the rest of a segment, or what lies
 * before the next one, as far as there is room.
 */
static void viopf_dirty_pick(struct viopf_dirty_report *report,
			     struct viopf_mapping *mapping, u64 iova)
{
	unsigned long index = iova;
	struct viopf_segment *segment;
	u64 last = mapping->node.last;

	segment = mt_find(&mapping->segments, &index, mapping->node.last);
	if (segment && segment->iova > iova) {
		last = segment->iova - 1;
		segment = NULL;
	} else if (segment) {
		last = viopf_segment_iova(segment,
					  segment->residency.nr_pages) - 1;
	}

	report->mapping = mapping;
	report->segment = segment;
	report->iova = iova;
	report->nr_pages = min((last - iova + 1) >> PAGE_SHIFT,
			       (u64)VIOPF_DIRTY_CHUNK_PAGES);
}

/* Where in its segment a piece begins. */
static unsigned long viopf_dirty_page(const struct viopf_dirty_report *report)
{
	return viopf_segment_page(report->segment, report->iova);
}

static void viopf_dirty_return(struct viopf_dirty_report *report)
{
	if (report->segment)
		viopf_dirty_put_back(report->segment, viopf_dirty_page(report),
				     report->bits);
}

/* Take the next piece from @iova on. False if there is none. */
static bool viopf_dirty_next(struct viopf_dirty_report *report, u64 iova)
{
	struct viopf_container *container = report->container;
	struct viopf_mapping *mapping;

	memset(report->bits, 0, VIOPF_DIRTY_CHUNK_LONGS * sizeof(long));
	mutex_lock(&container->lock);
	mapping = viopf_mapping_first(container, iova, report->last);
	/* Mapped anew while the container was not locked: not for this call. */
	if (mapping && (mapping->node.start < report->first ||
			mapping->node.last > report->last))
		mapping = NULL;
	if (mapping) {
		kref_get(&mapping->ref);
		viopf_dirty_pick(report, mapping,
				 max_t(u64, iova, mapping->node.start));
		if (report->segment)
			viopf_dirty_take(report->segment,
					 viopf_dirty_page(report),
					 report->bits);
	}
	mutex_unlock(&container->lock);
	return mapping;
}

/*
 * Copy a piece's bits out, in whole words, as type1 does: in the first of them what
 * is below the piece is kept, in the last what is above it becomes 0.
 */
static int viopf_dirty_copy(struct viopf_dirty_report *report)
{
	unsigned long bit = (report->iova - report->first) >> PAGE_SHIFT;
	unsigned long nr = report->nr_pages, *bits = report->bits;
	u64 __user *to = report->user + bit / 64;
	unsigned int shift = bit % 64;
	int ret = 0;
	u64 below;

	if (shift) {
		if (copy_from_user(&below, to, sizeof(below)))
			return -EFAULT;
		bitmap_shift_left(bits, bits, shift, nr + shift);
		bits[0] |= below & GENMASK_ULL(shift - 1, 0);
	}
	if (copy_to_user(to, bits, VIOPF_DIRTY_BYTES(nr + shift)))
		ret = -EFAULT;
	if (shift && ret)
		bitmap_shift_right(bits, bits, shift, nr + shift);
	return ret;
}

/* Report a range whose checks it has passed. */
static int viopf_dirty_report(struct viopf_dirty_report *report)
{
	u64 iova = report->first;
	int ret = 0;

	report->bits = kvcalloc(VIOPF_DIRTY_CHUNK_LONGS, sizeof(long),
				GFP_KERNEL_ACCOUNT);
	if (!report->bits)
		return -ENOMEM;

	while (!ret && iova <= report->last && viopf_dirty_next(report, iova)) {
		ret = viopf_dirty_copy(report);
		if (ret)
			viopf_dirty_return(report);
		viopf_mapping_put(report->mapping);
		iova = report->iova + ((u64)report->nr_pages << PAGE_SHIFT);
		if (!iova)
			break;
		if (fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	kvfree(report->bits);
	return ret;
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

/* And then: a bit is a page of the smallest size, and tracking must be on. */
static int viopf_dirty_check_tracking(struct viopf_container *container,
				      const struct vfio_bitmap *bitmap)
{
	if (bitmap->pgsize != viopf_container_granule(container))
		return -EINVAL;
	return container->dirty_tracking ? 0 : -EINVAL;
}

static int viopf_dirty_get(struct viopf_container *container,
			   const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	struct viopf_dirty_report report = {
		.container = container,
		.first = get->iova,
		.last = get->iova + get->size - 1,
		.user = (u64 __user *)get->bitmap.data,
	};
	int ret;

	mutex_lock(&container->lock);
	ret = viopf_dirty_check_tracking(container, &get->bitmap);
	if (!ret)
		ret = viopf_mapping_check_range(container, get->iova, get->size,
						true);
	mutex_unlock(&container->lock);

	return ret ? ret : viopf_dirty_report(&report);
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
	if (get.iova + get.size < get.iova)
		return -EINVAL;
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
 * killed. Bits that could not be delivered are there the next time.
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

/* Add the bits of a piece to what is in user space already. */
static int viopf_dirty_merge(struct viopf_dirty_report *report)
{
	unsigned long bit = (report->iova - report->first) >> PAGE_SHIFT, i;
	unsigned long nr = report->nr_pages, *bits = report->bits;
	u64 __user *to = report->user + bit / 64;
	unsigned int shift = bit % 64;
	u64 word;

	bitmap_shift_left(bits, bits, shift, nr + shift);
	for (i = 0; i < BITS_TO_LONGS(nr + shift); i++) {
		if (!bits[i])
			continue;
		if (copy_from_user(&word, to + i, sizeof(word)))
			return -EFAULT;
		word |= bits[i];
		if (copy_to_user(to + i, &word, sizeof(word)))
			return -EFAULT;
	}
	return 0;
}

/* The devices' last writes to a mapping that has been removed. */
static int viopf_dirty_report_rest(struct viopf_dirty_report *report,
				   struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index = 0;
	int ret = 0;

	mt_for_each(&mapping->segments, segment, index, ULONG_MAX) {
		memset(report->bits, 0, VIOPF_DIRTY_CHUNK_LONGS * sizeof(long));
		report->segment = segment;
		report->iova = segment->iova;
		report->nr_pages = segment->residency.nr_pages;
		viopf_dirty_take(segment, 0, report->bits);
		ret = viopf_dirty_merge(report);
		if (ret)
			break;
	}
	return ret;
}

/* Remove the first mapping that lies in the report's range; it is still held. */
static struct viopf_mapping *
viopf_dirty_remove_first(struct viopf_dirty_report *report, u64 *bytes)
{
	struct viopf_container *container = report->container;
	struct viopf_mapping *mapping;

	mutex_lock(&container->lock);
	mapping = viopf_mapping_first(container, report->first, report->last);
	if (mapping && (mapping->node.start < report->first ||
			mapping->node.last > report->last))
		mapping = NULL;
	if (mapping) {
		kref_get(&mapping->ref);
		*bytes += viopf_mapping_remove(container, mapping);
	}
	mutex_unlock(&container->lock);
	return mapping;
}

static int viopf_dirty_unmap_range(struct viopf_dirty_report *report,
				   u64 *bytes)
{
	struct viopf_mapping *mapping;
	int ret = 0;

	report->bits = kvcalloc(VIOPF_DIRTY_CHUNK_LONGS, sizeof(long),
				GFP_KERNEL_ACCOUNT);
	if (!report->bits)
		return -ENOMEM;
	while (!ret) {
		mapping = viopf_dirty_remove_first(report, bytes);
		if (!mapping)
			break;
		ret = viopf_dirty_report_rest(report, mapping);
		viopf_mapping_put(mapping);
	}
	kvfree(report->bits);
	return ret;
}

/**
 * viopf_dirty_unmap() - VFIO_IOMMU_UNMAP_DMA along with its dirty bitmap
 * @container: where
 * @unmap: what; flags known to be known; size is set to the bytes unmapped
 * @arg: struct vfio_iommu_type1_dma_unmap as user space gave it, with struct
 *	vfio_bitmap after it
 *
 * The bitmap is reported first, while everything is still mapped, so that a bitmap
 * that can't be written costs nothing. Then the devices are cut off, and what they
 * wrote in the meantime is added.
 *
 * Return: 0; -EINVAL: as viopf_mapping_unmap() and viopf_dirty_pages(), or argsz has
 * no room for the bitmap; -EFAULT; -ENOMEM; -EINTR.
 */
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct viopf_dirty_report report = { .container = container };
	struct vfio_bitmap bitmap;
	struct viopf_settle settle = { };
	u64 bytes = 0;
	int ret;

	if (unmap->argsz < minsz + sizeof(bitmap))
		return -EINVAL;
	if (copy_from_user(&bitmap, arg + minsz, sizeof(bitmap)))
		return -EFAULT;
	ret = viopf_dirty_check_bitmap(&bitmap, unmap->size);
	if (ret)
		return ret;

	report.first = unmap->iova;
	report.last = unmap->iova + unmap->size - 1;

	mutex_lock(&container->lock);
	do {
		ret = viopf_mapping_check_range(container, unmap->iova,
						unmap->size, container->v2);
		if (!ret)
			ret = viopf_dirty_check_tracking(container, &bitmap);
	} while (!ret && viopf_emulated_settle(container, report.first,
					       report.last, &settle));
	mutex_unlock(&container->lock);

	report.user = (u64 __user *)bitmap.data;
	if (!ret)
		ret = viopf_dirty_report(&report);
	if (!ret)
		ret = viopf_dirty_unmap_range(&report, &bytes);
	unmap->size = bytes;
	return ret;
}
