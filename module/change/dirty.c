// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking: which pages devices may have written.
 *
 * DOC: what is dirty
 *
 * While tracking is on, each segment has a bitmap (table/dirty_bits.c), and
 *
 *   a page that is mapped writable has its bit set,
 *
 * whenever the segment's lock is free. The bit is set when the page is mapped
 * writable, under the same lock, and outlives the mapping: an eviction leaves it.
 * So that this says something, a page is mapped writable only when a device asks
 * to write to it, and then nothing but that page (fault/snapshot.c).
 *
 * To start, what is mapped writable is dropped, for devices to fault again. To
 * take the bits, what is mapped writable is dropped too, under one hold of the
 * lock, and they are cleared. Pages that are pinned can't be dropped; they stay
 * writable, so their bits stay set: they are dirty each time, as with type1. IOMMUs
 * with dirty bits of their own are not asked: what they say is lost with each leaf that
 * is unmapped, so that it could be trusted only now and then.
 *
 *   device                      get
 *   ------------------------    -----------------------------------------------
 *   writes page (mapped)
 *                               make user space's bitmap ready
 *                               lock segment
 *                                 drop what is writable, flush, copy bits, clear
 *                               unlock
 *   writes page: faults
 *   fault: lock segment, map
 *     writable, set the bit
 *   writes page                 user space reads the page
 *
 * A write before the flush is reported now and its data is there to be read; one
 * after it has had to fault, and is reported next time.
 *
 * Segments are made at their first fault, with their bitmap while tracking is on.
 * Where none is, no device behind an IOMMU wrote anything.
 *
 * Drivers in the kernel write without a fault. What they have pinned may be written
 * at any time, and is known elsewhere (externals.c): it is dirty each time without a bit
 * here, and gets one when it is given back, to be reported once more. What they copy
 * is marked as it is copied.
 */
#include "change/internal.h"

static int viopf_dirty_mark_segments(struct viopf_mapping *mapping,
				     unsigned long iova, unsigned long last)
{
	struct viopf_segment *segment;
	unsigned long page, end;

	for (;; iova = viopf_segment_iova(segment, end)) {
		segment = viopf_segment_get(mapping, iova);
		if (IS_ERR(segment))
			return PTR_ERR(segment);
		page = viopf_segment_page(segment, iova);
		end = viopf_segment_end(segment, last);
		mutex_lock(&segment->table.lock);
		viopf_dirty_bits_mark(&segment->table, page, end);
		mutex_unlock(&segment->table.lock);
		if (viopf_segment_iova(segment, end) - 1 >= last)
			return 0;
	}
}

/**
 * viopf_dirty_mark_range() - somebody other than a device writes a range
 * @mapping: where, with container->lock held
 * @iova: first byte
 * @bytes: how many, all in the mapping
 *
 * For drivers in the kernel that write by the CPU (dma_rw), under the same hold of the
 * lock, and for pages that they have had pinned. Can't fail: where it can't be noted
 * page by page, as there is no memory or the process is gone, all of the mapping is
 * dirty.
 */
void viopf_dirty_mark_range(struct viopf_mapping *mapping, unsigned long iova,
			    size_t bytes)
{
	lockdep_assert_held(&mapping->container->lock);

	if (likely(!mapping->container->dirty_tracking))
		return;
	CLASS(viopf_mm, mm)(mapping->mm);
	if (!mm || viopf_dirty_mark_segments(mapping, iova, iova + bytes - 1))
		mapping->dirty_all = true;
}

/* Bring all segments in line with container->dirty_tracking. */
static int viopf_dirty_walk(struct viopf_container *container, bool on)
{
	struct viopf_mapping *mapping;
	struct viopf_segment *segment;
	unsigned long index;

	viopf_for_each_mapping(mapping, container) {
		mapping->dirty_all = false;
		guard(mutex)(&mapping->segments_lock);
		viopf_for_each_segment(segment, mapping, index) {
			if (!on)
				viopf_dirty_bits_stop(&segment->table);
			else if (viopf_dirty_bits_start(&segment->table))
				return -ENOMEM;
			cond_resched();
		}
	}
	return 0;
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
	int ret;

	viopf_for_each_mapping(mapping, container) {
		ret = viopf_dirty_check_mapping(container,
						mapping->node.last -
						mapping->node.start + 1);
		if (ret)
			return ret;
	}
	return 0;
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
 * @bitmap: where to set them
 * @bit: that of the segment's first page
 */
void viopf_dirty_take(struct viopf_segment *segment,
		      const struct viopf_bitmap *bitmap, u64 bit)
{
	struct viopf_table *table = &segment->table;
	unsigned long page;

	guard(mutex)(&table->lock);
	if (table->dirty) {
		viopf_leaf_drop_writable(table);
		for_each_set_bit(page, table->dirty, table->residency.nr_pages)
			viopf_bitmap_set(bitmap, bit + page);
		viopf_dirty_bits_reset(table);
	}
}
