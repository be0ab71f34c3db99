// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction: the mm takes memory away from the process, and devices lose it as well.
 *
 * The mm tells before it changes its page table, maybe in reclaim, maybe in the OOM
 * reaper. When it has been told no device reaches the memory any more: unmapped in every
 * domain, and flushed. That waits for nothing but the segment's lock and the IOMMU, and
 * can't fail (table/hold.c).
 *
 * DOC: a fault against an eviction
 *
 *   fault (snapshot.c)                     eviction
 *   ------------------------------------   -------------------------------------
 *   seq = mmu_interval_read_begin()
 *   look at the CPU's page table
 *                                          the mm will take the range:
 *                                          lock segment
 *                                            mmu_interval_set_seq()
 *                                            unmap, flush, clear the record
 *                                          unlock
 *   lock segment
 *     mmu_interval_read_retry(): changed
 *   unlock, begin again
 *                                          change the CPU's page table, reuse
 *
 * Were the fault first to the lock, the eviction would find what it mapped. The
 * sequence covers the mm's change of its page table too: read_begin() waits
 * while one is on its way.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched.h>

#include "object/evict.h"
#include "object/segment.h"
#include "table/leaf.h"

/* Take @range away from the devices, as far as the segment has it. */
static void viopf_evict_range(struct viopf_segment *segment,
			      const struct mmu_notifier_range *range)
{
	unsigned long start = max(range->start, segment->uaddr);
	unsigned long end = min(range->end,
				segment->uaddr + viopf_segment_bytes(segment));
	struct viopf_iommu *iommu = segment->table.iommu;
	unsigned long gone;

	if (start >= end)
		return;

	gone = viopf_leaf_drop(&segment->table,
			       (start - segment->uaddr) >> PAGE_SHIFT,
			       DIV_ROUND_UP(end - segment->uaddr, PAGE_SIZE));
	if (gone) {
		viopf_count(iommu, evictions, 1);
		viopf_count(iommu, pages_evicted, gone);
	}
}

/* Called by the mm, maybe in reclaim, maybe by the OOM reaper. */
static bool viopf_evict(struct mmu_interval_notifier *notifier,
			const struct mmu_notifier_range *range,
			unsigned long cur_seq)
{
	struct viopf_segment *segment =
		container_of(notifier, struct viopf_segment, notifier);
	struct viopf_table *table = &segment->table;

	if (mmu_notifier_range_blockable(range)) {
		/* One call of the mm's may be for thousands of segments. */
		cond_resched();
		mutex_lock(&table->lock);
	} else if (!mutex_trylock(&table->lock)) {
		viopf_count(table->iommu, evict_busy, 1);
		return false;
	}

	mmu_interval_set_seq(notifier, cur_seq);
	viopf_count(table->iommu, invalidations, 1);
	viopf_evict_range(segment, range);
	mutex_unlock(&table->lock);

	return true;
}

const struct mmu_interval_notifier_ops viopf_evict_ops = {
	.invalidate = viopf_evict,
};
