// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that has no struct page: another device's BAR, mapped by VM_PFNMAP.
 *
 * The mm's own ways of looking (hmm_range_fault(), get_user_pages()) pass it by, so
 * it is looked up here, an address at a time. The mm announces when it takes such
 * memory away as it does with any (zap_vma_ptes(), unmap_mapping_range()): a fault
 * maps it under the same sequence as pages, and it is evicted like them. A pinned
 * mapping keeps it, as with type1.
 *
 * As type1 does, what has a struct page that is not reserved is refused: nothing
 * would keep it from reuse.
 */
#include "fault/internal.h"

static int viopf_pfnmap_look(struct vm_area_struct *vma, unsigned long uaddr,
			     bool write, unsigned long *pfn, bool *writable)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = uaddr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);

	if (pfn_valid(*pfn) && !PageReserved(pfn_to_page(*pfn)))
		return -EFAULT;
	return write && !*writable ? -EACCES : 0;
}

/**
 * viopf_pfnmap_follow() - what memory is behind an address of a VM_PFNMAP
 * @mm: with mmap_lock held for reading, and held again on return
 * @uaddr: the address
 * @write: it is to be written to
 * @pfn: out: the page frame
 * @writable: out: whether the process may write to it
 *
 * Return: 0; -EAGAIN: mmap_lock was let go of, look once more; -EFAULT: it is not
 * such memory, or not with that permission.
 */
int viopf_pfnmap_follow(struct mm_struct *mm, unsigned long uaddr, bool write,
			unsigned long *pfn, bool *writable)
{
	struct vm_area_struct *vma = vma_lookup(mm, uaddr);
	bool unlocked = false;
	int ret;

	mmap_assert_locked(mm);

	if (!vma || !(vma->vm_flags & VM_PFNMAP))
		return -EFAULT;
	ret = viopf_pfnmap_look(vma, uaddr, write, pfn, writable);
	if (!ret || ret == -EFAULT)
		return ret;

	ret = fixup_user_fault(mm, uaddr, FAULT_FLAG_REMOTE |
			       (write ? FAULT_FLAG_WRITE : 0), &unlocked);
	if (unlocked)
		return -EAGAIN;
	if (!ret)
		ret = viopf_pfnmap_look(vma, uaddr, write, pfn, writable);
	return ret ? -EFAULT : 0;
}

/*
 * Put it in, if nothing has changed since @seq. What was not mapped when the fault
 * began may be by now, and is no change to the mm; if it is pinned it must stay.
 *
 *   a fault                                advice to pin the page
 *   ------------------------------------   -----------------------------------
 *   not mapped; where is it?
 *                                          lock: pinned and mapped; unlock
 *   lock: it is mapped as wanted; unlock
 *
 * What is pinned has all that its mapping permits, so it is always as wanted, and what
 * is dropped here is not pinned.
 */
static int viopf_pfnmap_map(struct viopf_segment *segment,
			    const struct viopf_span *span, unsigned long pfn,
			    bool writable, unsigned long seq)
{
	struct viopf_table *table = &segment->table;
	unsigned long page = span->page;
	int ret;

	guard(mutex)(&table->lock);
	if (mmu_interval_read_retry(&segment->notifier, seq))
		return -EAGAIN;
	ret = viopf_table_ready(table);
	if (ret)
		return ret;
	if (viopf_residency_test(&table->residency, page, span->write))
		return -EALREADY;
	if (viopf_residency_any(&table->residency, page, page + 1)) {
		viopf_leaf_drop(table, page, page + 1);
		if (table->kept)
			return -EIO;
	}
	/* As in apply.c: what is writable is dirty. */
	if (unlikely(table->dirty))
		writable &= span->write;
	if (writable)
		viopf_dirty_bits_mark(table, page, page + 1);
	return viopf_leaf_map(table, page, page + 1, PFN_PHYS(pfn), writable);
}

/**
 * viopf_pfnmap_fault() - map the page that a fault asks for, if it is such memory
 * @segment: where; its mm is held
 * @span: the page, and whether it is to be written to
 *
 * Return: 0: mapped; -EALREADY: it was by then; -EAGAIN: begin again; -EINTR: aborted;
 * -EFAULT: it isn't, or may not be reached so; else as viopf_snapshot_map().
 */
int viopf_pfnmap_fault(struct viopf_segment *segment,
		       const struct viopf_span *span)
{
	unsigned long uaddr = viopf_segment_uaddr(segment, span->page), seq, pfn;
	struct mm_struct *mm = segment->mapping->mm;
	bool writable;
	int ret;

	seq = mmu_interval_read_begin(&segment->notifier);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = viopf_pfnmap_follow(mm, uaddr, span->write, &pfn, &writable);
	mmap_read_unlock(mm);
	if (ret)
		return ret;
	writable &= !!(segment->mapping->prot & IOMMU_WRITE);
	return viopf_pfnmap_map(segment, span, pfn, writable, seq);
}
