// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking: which pages devices may have written.
 *
 * DOC: what is dirty
 *
 * While tracking is on, each segment has a bitmap, and
 *
 *   a page that is mapped writable has its bit set,
 *
 * whenever the segment's lock is free. The bit is set when the page is mapped
 * writable, under the same lock, and outlives the mapping: an eviction leaves it.
 * So that this says something, a page is mapped writable only when a device asks
 * to write to it, and then nothing but that page (snapshot.c).
 *
 * To start, what is mapped writable is dropped, for devices to fault again. To
 * take the bits, what is mapped writable is dropped too, under one hold of the
 * lock, and they are cleared. Pages that are pinned can't be dropped; they stay
 * writable, so their bits stay set: they are dirty each time, as with type1, unless
 * the IOMMUs can tell (dirty_iommu.c).
 *
 *   device                      get
 *   ------------------------    -----------------------------------------------
 *   writes page (mapped)
 *                               lock segment
 *                                 copy bits, drop what is writable, flush, clear
 *                               unlock
 *   writes page: faults
 *                               copy the bits to user space
 *   fault: lock segment, map
 *     writable, set the bit
 *   writes page                 user space reads the page
 *
 * A write before the flush is reported now and its data is there to be read; one
 * after it has had to fault, and is reported next time.
 *
 * Segments are made at their first fault, with their bitmap while tracking is on.
 * Where none is, nothing was written.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "viopf.h"

static unsigned long *viopf_dirty_alloc(const struct viopf_segment *segment)
{
	return kvcalloc(BITS_TO_LONGS(segment->residency.nr_pages),
			sizeof(long), GFP_KERNEL_ACCOUNT);
}

/**
 * viopf_dirty_segment_init() - give a new segment its bitmap, if it needs one
 * @segment: about to be published, with its mapping's segments_lock held
 *
 * Return: 0; -ENOMEM.
 */
int viopf_dirty_segment_init(struct viopf_segment *segment)
{
	struct viopf_mapping *mapping = segment->mapping;

	lockdep_assert_held(&mapping->segments_lock);

	/* Whoever turns it on walks the segments after that, under this lock. */
	if (likely(!READ_ONCE(mapping->container->dirty_tracking)))
		return 0;
	segment->dirty = viopf_dirty_alloc(segment);
	return segment->dirty ? 0 : -ENOMEM;
}

/**
 * viopf_dirty_segment_deinit() - free a segment's bitmap
 * @segment: that nobody uses any more
 */
void viopf_dirty_segment_deinit(struct viopf_segment *segment)
{
	kvfree(segment->dirty);
	segment->dirty = NULL;
}

/**
 * viopf_dirty_mark_slow() - pages may be written from here on
 * @segment: locked, tracked
 * @first: first page
 * @end: the page after the last
 *
 * Called by viopf_dirty_mark().
 */
void viopf_dirty_mark_slow(struct viopf_segment *segment, unsigned long first,
			   unsigned long end)
{
	lockdep_assert_held(&segment->lock);

	bitmap_set(segment->dirty, first, end - first);
}

/**
 * viopf_dirty_pin() - pages that are pinned have been mapped
 * @segment: locked
 * @first: first page
 * @end: the page after the last
 */
void viopf_dirty_pin(struct viopf_segment *segment, unsigned long first,
		     unsigned long end)
{
	if (!segment->mapping->container->dirty_iommu &&
	    (segment->mapping->prot & IOMMU_WRITE))
		viopf_dirty_mark(segment, first, end);
}

/**
 * viopf_dirty_unpin() - pages that are pinned are about to be unmapped
 * @segment: locked
 * @first: first page
 * @end: the page after the last
 *
 * What the IOMMU knows of them is lost then.
 */
void viopf_dirty_unpin(struct viopf_segment *segment, unsigned long first,
		       unsigned long end)
{
	if (segment->mapping->prot & IOMMU_WRITE)
		viopf_dirty_mark(segment, first, end);
}

/**
 * viopf_dirty_mark_range() - somebody other than a device wrote a range
 * @mapping: where, with its mm held by mmget()
 * @iova: first byte
 * @bytes: how many, all in the mapping
 *
 * For drivers in the kernel that write by the CPU (dma_rw), and for pages that they
 * have pinned. To be called after the write: before it, the bitmap could be read in
 * between, and the write be lost.
 *
 * Return: 0; -ENOMEM: it could not be noted; -ENOENT: unmapped meanwhile.
 */
int viopf_dirty_mark_range(struct viopf_mapping *mapping, unsigned long iova,
			   size_t bytes)
{
	unsigned long last = iova + bytes - 1, page, end;
	struct viopf_segment *segment;

	if (likely(!READ_ONCE(mapping->container->dirty_tracking)))
		return 0;

	while (bytes) {
		segment = viopf_segment_get(mapping, iova);
		if (IS_ERR(segment))
			return PTR_ERR(segment);
		page = viopf_segment_page(segment, iova);
		end = min(viopf_segment_page(segment, last) + 1,
			  segment->residency.nr_pages);
		mutex_lock(&segment->lock);
		viopf_dirty_mark(segment, page, end);
		mutex_unlock(&segment->lock);
		if (end < segment->residency.nr_pages)
			break;
		iova = viopf_segment_iova(segment, end);
		bytes = last - iova + 1;
	}
	return 0;
}

/* After this, the bits tell all that was written up to now. */
static void viopf_dirty_settle(struct viopf_segment *segment)
{
	lockdep_assert_held(&segment->lock);

	viopf_leaf_drop_writable(segment);
	viopf_dirty_iommu_read(segment);
}

/*
 * Right after that, begin anew. What is still mapped writable may be written at any
 * time, and stays dirty unless the IOMMU knows better.
 */
static void viopf_dirty_reset(struct viopf_segment *segment,
			      unsigned long first)
{
	struct viopf_residency *r = &segment->residency;
	unsigned long page = first;

	lockdep_assert_held(&segment->lock);

	bitmap_clear(segment->dirty, first, r->nr_pages - first);
	if (segment->mapping->container->dirty_iommu)
		return;
	for_each_set_bit_from(page, r->writable, r->nr_pages)
		__set_bit(page, segment->dirty);
	viopf_external_mark_dirty(segment, first);
}

/* Give a segment its bitmap, unless it was made with one. */
static int viopf_dirty_segment_start(struct viopf_segment *segment)
{
	unsigned long *bits;

	/* Only we and stop change it, both with the container locked. */
	if (segment->dirty)
		return 0;
	bits = viopf_dirty_alloc(segment);
	if (!bits)
		return -ENOMEM;

	mutex_lock(&segment->lock);
	segment->dirty = bits;
	viopf_dirty_settle(segment);
	viopf_dirty_reset(segment, 0);
	mutex_unlock(&segment->lock);
	return 0;
}

static void viopf_dirty_segment_stop(struct viopf_segment *segment)
{
	unsigned long *bits;

	mutex_lock(&segment->lock);
	bits = segment->dirty;
	segment->dirty = NULL;
	mutex_unlock(&segment->lock);
	kvfree(bits);
}

/* Bring the segments of a mapping in line with container->dirty_tracking. */
static int viopf_dirty_mapping_walk(struct viopf_mapping *mapping, bool on)
{
	struct viopf_segment *segment;
	unsigned long index = 0;
	int ret = 0;

	mutex_lock(&mapping->segments_lock);
	mt_for_each(&mapping->segments, segment, index, ULONG_MAX) {
		if (on)
			ret = viopf_dirty_segment_start(segment);
		else
			viopf_dirty_segment_stop(segment);
		if (ret)
			break;
	}
	mutex_unlock(&mapping->segments_lock);
	return ret;
}

static int viopf_dirty_walk(struct viopf_container *container, bool on)
{
	struct viopf_mapping *mapping;
	int ret = 0;

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX);
	     mapping && !ret; mapping = viopf_mapping_next(mapping))
		ret = viopf_dirty_mapping_walk(mapping, on);
	return ret;
}

/**
 * viopf_dirty_mark_writable() - what is writable in a container is dirty
 * @container: locked, tracked
 */
void viopf_dirty_mark_writable(struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	struct viopf_segment *segment;

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX); mapping;
	     mapping = viopf_mapping_next(mapping)) {
		unsigned long index = 0;

		mt_for_each(&mapping->segments, segment, index, ULONG_MAX) {
			mutex_lock(&segment->lock);
			if (segment->dirty)
				bitmap_or(segment->dirty, segment->dirty,
					  segment->residency.writable,
					  segment->residency.nr_pages);
			mutex_unlock(&segment->lock);
		}
	}
}

/**
 * viopf_dirty_check_mapping() - may a mapping of this size be tracked?
 * @container: locked
 * @bytes: its size
 *
 * Return: 0, also if tracking is off; -EINVAL: no bitmap can be as large.
 */
int viopf_dirty_check_mapping(struct viopf_container *container, u64 bytes)
{
	lockdep_assert_held(&container->lock);

	return container->dirty_tracking &&
	       bytes >> PAGE_SHIFT > VIOPF_DIRTY_MAX_PAGES ? -EINVAL : 0;
}

static int viopf_dirty_check_mappings(struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	int ret = 0;

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX);
	     mapping && !ret; mapping = viopf_mapping_next(mapping))
		ret = viopf_dirty_check_mapping(container,
						mapping->node.last -
						mapping->node.start + 1);
	return ret;
}

/**
 * viopf_dirty_stop() - track dirty pages no longer
 * @container: locked
 */
void viopf_dirty_stop(struct viopf_container *container)
{
	lockdep_assert_held(&container->lock);

	if (!container->dirty_tracking)
		return;
	/* Segments published from here on have no bitmap. */
	WRITE_ONCE(container->dirty_tracking, false);
	viopf_dirty_walk(container, false);
	viopf_dirty_iommu_stop(container);
}

/**
 * viopf_dirty_start() - track dirty pages from now on
 * @container: locked
 *
 * Does nothing if they are tracked already.
 *
 * Return: 0; -EINVAL: a mapping is too large for a bitmap; -ENOMEM. On an error
 * nothing is tracked.
 */
int viopf_dirty_start(struct viopf_container *container)
{
	int ret;

	lockdep_assert_held(&container->lock);

	if (container->dirty_tracking)
		return 0;
	/* Segments published from here on have their bitmap. */
	WRITE_ONCE(container->dirty_tracking, true);
	viopf_dirty_iommu_start(container);
	ret = viopf_dirty_check_mappings(container);
	if (!ret)
		ret = viopf_dirty_walk(container, true);
	if (ret)
		viopf_dirty_stop(container);
	return ret;
}

/**
 * viopf_dirty_take() - take the dirty bits of a segment, and begin anew
 * @segment: not locked
 * @first: from which page on
 * @bits: set for pages that are dirty; bit 0 is @first's
 */
void viopf_dirty_take(struct viopf_segment *segment, unsigned long first,
		      unsigned long *bits)
{
	unsigned long page = first;

	mutex_lock(&segment->lock);
	if (segment->dirty) {
		viopf_dirty_settle(segment);
		for_each_set_bit_from(page, segment->dirty,
				      segment->residency.nr_pages)
			__set_bit(page - first, bits);
		viopf_dirty_reset(segment, first);
	}
	mutex_unlock(&segment->lock);
}

/**
 * viopf_dirty_put_back() - bits taken could not be delivered: next time, then
 * @segment: as for viopf_dirty_take()
 * @first: the same
 * @bits: the same
 */
void viopf_dirty_put_back(struct viopf_segment *segment, unsigned long first,
			  const unsigned long *bits)
{
	unsigned long nr = segment->residency.nr_pages - first, page;

	mutex_lock(&segment->lock);
	if (segment->dirty)
		for_each_set_bit(page, bits, nr)
			__set_bit(first + page, segment->dirty);
	mutex_unlock(&segment->lock);
}
