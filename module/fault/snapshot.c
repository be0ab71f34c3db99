// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshot and map: the cheap half of a fault.
 *
 * It looks at what the CPU's page table holds, faulting nothing in, and maps
 * that for the devices (apply.c) if it is still so once the segment is locked. Why that is
 * race-free is drawn in object/evict.c.
 */
#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>

#include "fault/internal.h"

/* What may be mapped at once: a snapshot of it fits on the stack. */
#define VIOPF_TRY_PAGES	32

/*
 * What get_user_pages() would refuse, a snapshot may not let pass:
 *  - secret memory, which is of files that memfd_secret() alone makes, in a file system
 *    of its own (secretmem_init_fs_context() in mm/secretmem.c);
 *  - shadow stacks, which are for the CPU alone. To pte_write() they look writable. That
 *    call lets them be read; here nobody has a use for that.
 */
static bool viopf_vma_is_refused(const struct vm_area_struct *vma)
{
	return (vma->vm_flags & VM_SHADOW_STACK) ||
	       (vma->vm_file &&
		file_inode(vma->vm_file)->i_sb->s_magic == SECRETMEM_MAGIC);
}

/*
 * A prefetch of what is resident brings nothing in. It passes by where there is no
 * memory, or none for devices. True if it did.
 */
static bool viopf_snapshot_pass_by(struct viopf_segment *segment,
				   struct viopf_span *span)
{
	unsigned long uaddr = viopf_segment_uaddr(segment, span->page), to;
	struct vm_area_struct *vma = find_vma(segment->mapping->mm, uaddr);

	if (!vma)
		to = ULONG_MAX;
	else if (vma->vm_start > uaddr)
		to = vma->vm_start;
	else if (viopf_vma_is_refused(vma))
		to = vma->vm_end;
	else
		return false;
	span->page = min((to - segment->uaddr) >> PAGE_SHIFT, span->end);
	return true;
}

/*
 * Keep the span within one VMA, @vma, where its page is, if there is one: what is
 * refused depends on that.
 */
static int viopf_snapshot_clip(struct viopf_segment *segment,
			       struct viopf_span *span,
			       const struct vm_area_struct *vma)
{
	if (span->asks == VIOPF_ASKS_NOTHING &&
	    viopf_snapshot_pass_by(segment, span))
		return -EALREADY;
	if (!vma)
		return -ENODATA;
	if (viopf_vma_is_refused(vma))
		return -EFAULT;

	if (vma->vm_start > segment->uaddr)
		span->first = max(span->first,
				  (vma->vm_start - segment->uaddr) >> PAGE_SHIFT);
	span->end = min(span->end, (vma->vm_end - segment->uaddr) >> PAGE_SHIFT);
	return 0;
}

/* The VMA of a page, with mmap_lock held. */
static struct vm_area_struct *viopf_page_vma(struct viopf_segment *segment,
					     unsigned long page)
{
	return vma_lookup(segment->mapping->mm,
			  viopf_segment_uaddr(segment, page));
}

/* What the CPU's page table has in the span. Waits while the mm changes it. */
static int viopf_snapshot_take(struct viopf_fault_ctx *ctx,
			       struct viopf_segment *segment,
			       struct viopf_span *span,
			       struct hmm_range *range)
{
	struct mm_struct *mm = segment->mapping->mm;
	int ret;

	if (span->asks != VIOPF_ASKS_PAGE)
		span->first = span->page;
	*range = (struct hmm_range) {
		.notifier = &segment->notifier,
		.notifier_seq = mmu_interval_read_begin(&segment->notifier),
		.hmm_pfns = ctx->pfns,
	};

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = viopf_snapshot_clip(segment, span,
				  viopf_page_vma(segment, span->page));
	if (!ret) {
		range->start = viopf_segment_uaddr(segment, span->first);
		range->end = viopf_segment_uaddr(segment, span->end);
		ret = hmm_range_fault(range);
	}
	mmap_read_unlock(mm);
	return ret == -EBUSY ? -EAGAIN : ret;
}

/**
 * viopf_snapshot_map() - map what is resident of a span
 * @ctx: whose fault it is, holding the mm
 * @segment: where
 * @span: what; clipped to what can be mapped together
 *
 * Return: 0: what is asked for is mapped as asked; -EALREADY: there was nothing to
 * do, as another fault had done it, say; -EAGAIN: the memory was changing, or
 * the page was mapped and lost again, begin again; -ENODATA: it has to be brought
 * in first; -EFAULT: it can't be; -ENOMEM: page tables need memory that has to be
 * reclaimed first; -ENOENT: unmapped meanwhile; -EIO: the container failed;
 * -EINTR: aborted.
 */
int viopf_snapshot_map(struct viopf_fault_ctx *ctx,
		       struct viopf_segment *segment,
		       struct viopf_span *span)
{
	struct hmm_range range;
	int ret;

	ret = viopf_snapshot_take(ctx, segment, span, &range);
	if (ret)
		return ret;

	guard(mutex)(&segment->table.lock);
	if (mmu_interval_read_retry(&segment->notifier, range.notifier_seq))
		return -EAGAIN;
	segment->notifier_seq = range.notifier_seq;
	ret = viopf_table_ready(&segment->table);
	if (ret)
		return ret;
	return span->asks == VIOPF_ASKS_PAGE ?
	       viopf_snapshot_apply(segment, span, ctx->pfns) :
	       viopf_snapshot_apply_ahead(segment, span, ctx->pfns);
}

/*
 * May a snapshot be taken without waiting? mmu_interval_read_begin() would wait until the
 * mm has ended what it does to the range: while @notifier_seq is the notifier's, it does
 * nothing (viopf_snapshot_try()). Not at a segment's edge: a stream from the neighbour would
 * be taken over for nothing if a worker had to go on. Nor for huge pages of hugetlbfs, which
 * have locks that sleep.
 */
static bool viopf_try_possible(struct viopf_segment *segment,
			       unsigned long page,
			       struct vm_area_struct *vma)
{
	bool down;

	return !segment->table.dirty && vma && !is_vm_hugetlb_page(vma) &&
	       !viopf_span_neighbour(segment, page, &down) &&
	       !mmu_interval_read_retry(&segment->notifier, segment->notifier_seq);
}

/* What the CPU's page table has in a small span goes in. */
static int viopf_try_span(struct viopf_segment *segment,
			  struct viopf_span *span,
			  const struct vm_area_struct *vma)
{
	unsigned long pfns[VIOPF_TRY_PAGES];
	struct hmm_range range = {
		.notifier = &segment->notifier,
		.notifier_seq = segment->notifier_seq,
		.hmm_pfns = pfns,
	};
	int ret;

	ret = viopf_snapshot_clip(segment, span, vma);
	if (ret)
		return ret;
	range.start = viopf_segment_uaddr(segment, span->first);
	range.end = viopf_segment_uaddr(segment, span->end);
	ret = hmm_range_fault(&range);
	return ret ? ret : viopf_snapshot_apply(segment, span, pfns);
}

/* With mmap_lock and the segment locked. */
static int viopf_try_locked(struct viopf_segment *segment, struct viopf_span *span)
{
	struct viopf_window before = segment->window;
	unsigned long page = span->page;
	struct vm_area_struct *vma = viopf_page_vma(segment, page);
	int ret;

	ret = viopf_table_ready(&segment->table);
	if (ret)
		return ret;
	if (viopf_residency_test(&segment->table.residency, page, span->write))
		return viopf_leaf_recheck(&segment->table, page) ? -EAGAIN : -EALREADY;
	if (!viopf_try_possible(segment, page, vma))
		return -EAGAIN;

	viopf_window_pick(&segment->window, page, 1, viopf_segment_pages(segment),
			  viopf_window_max_pages(), &span->first, &span->end,
			  &span->populate);
	viopf_span_around(segment, span);
	ret = -E2BIG;
	if (span->end - span->first <= VIOPF_TRY_PAGES)
		ret = viopf_try_span(segment, span, vma);
	/* The worker that takes it on picks anew. */
	if (ret)
		segment->window = before;
	if (ret == -ENODATA)
		segment->absent = page + 1;
	return ret;
}

/**
 * viopf_snapshot_try() - map what a fault asks for, if that can be done at once
 * @segment: of a mapping that is held, as is its mm
 * @span: the page asked for, and for what; its neighbours are chosen here
 *
 * DOC: a sequence that never ends
 *
 * mmu_interval_read_begin() waits while the mm changes the range, and the sequence it
 * then returns is good until mmu_interval_read_retry() says otherwise, however late
 * that is asked: an invalidation has another sequence from its start on, as the
 * notifier sets it with the segment locked. So a segment keeps the one that its last
 * snapshot held good for. If that is still the notifier's the mm has taken nothing
 * since, nor is it about to: the page table may be looked at without waiting. With
 * the segment locked all the while this can't change under the snapshot either. The
 * mm's page table locks are taken inside segment->table.lock here; it never holds one of
 * them when it calls a notifier that may sleep.
 *
 * Return: 0; -EALREADY: it was there; else it needs a worker.
 */
int viopf_snapshot_try(struct viopf_segment *segment, struct viopf_span *span)
{
	struct mm_struct *mm = segment->mapping->mm;
	int ret = -EAGAIN;

	if (!mmap_read_trylock(mm))
		return -EAGAIN;
	if (mutex_trylock(&segment->table.lock)) {
		ret = viopf_try_locked(segment, span);
		mutex_unlock(&segment->table.lock);
	}
	mmap_read_unlock(mm);
	return ret;
}
