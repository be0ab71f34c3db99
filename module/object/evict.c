// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction: the mm takes memory away from the process, and devices lose it as well.
 *
 * The mm tells before it changes its page table, maybe in reclaim, maybe in the OOM
 * reaper. When it has been told no device reaches the memory any more: unmapped in every
 * domain, and flushed. That waits for nothing but the table's lock and the IOMMU, and
 * can't fail (table/hold.c).
 *
 * DOC: a fault against an eviction
 *
 *   fault (fault/snapshot.c)               eviction
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
 *
 * DOC: a worker that waits for what is gone
 *
 * A worker may wait in a userfaultfd for a page of memory that the process unmaps or moves
 * meanwhile. A CPU's fault would be woken by the monitor, which knows the process's
 * threads; of devices it need not know. So the worker is woken here, by the signal that
 * aborts one, and looks again:
 *
 *   worker                                 munmap(), mremap()
 *   ------------------------------------   -------------------------------------
 *   lock segment: note what it brings in
 *   wait, in the mm, without mmap_lock
 *                                          mmap_lock, for writing
 *                                          lock segment
 *                                            unmap; wake who is noted there
 *                                          unlock
 *                                          the VMA is gone when mmap_lock is free
 *   -EINTR; lock segment: note no more
 *   nobody aborted it: looks again,
 *   with mmap_lock, and finds no memory
 */
#include <linux/sched/signal.h>

#include "object/internal.h"

/* Take @range away from the devices, as far as the segment has it. */
static void viopf_evict_range(struct viopf_segment *segment,
			      const struct mmu_notifier_range *range)
{
	unsigned long start = max(range->start, segment->uaddr);
	unsigned long end = min(range->end,
				segment->uaddr + viopf_segment_bytes(segment));
	struct viopf_iommu *iommu = segment->table.iommu;
	unsigned long first, gone;

	if (start >= end)
		return;

	first = (start - segment->uaddr) >> PAGE_SHIFT;
	gone = viopf_leaf_drop(&segment->table, first,
			       DIV_ROUND_UP(end - segment->uaddr, PAGE_SIZE));
	if (gone) {
		viopf_count(iommu, evictions, 1);
		viopf_count(iommu, pages_evicted, gone);
		trace_iopf_evict(iommu->id, viopf_segment_iova(segment, first), gone,
				 range->event, current->flags & PF_MEMALLOC);
	}
}

/* Wake the workers that have memory of @range brought in. */
static void viopf_evict_wake(const struct viopf_segment *segment,
			     const struct mmu_notifier_range *range)
{
	const struct viopf_bring_in *work;

	list_for_each_entry(work, &segment->bring_ins, node)
		if (viopf_segment_uaddr(segment, work->first) < range->end &&
		    viopf_segment_uaddr(segment, work->end) > range->start)
			send_sig(SIGKILL, work->task, 1);
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
	if (range->event == MMU_NOTIFY_UNMAP)
		viopf_evict_wake(segment, range);
	mutex_unlock(&table->lock);

	return true;
}

const struct mmu_interval_notifier_ops viopf_evict_ops = {
	.invalidate = viopf_evict,
};
