// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing in: having the mm fault in what a device asks for.
 *
 * It is get_user_pages_remote() for its side effect alone: no page is asked for, so none
 * is referenced. hmm_range_fault() could fault too, but can't let go of mmap_lock, so that
 * userfaultfd would refuse. It may block for as long as memory takes to come, on a disk,
 * on user space. Neighbours come along only as far as that hardly waits.
 */
#include <linux/delay.h>
#include <linux/hugetlb.h>

#include "fault/internal.h"

/*
 * The device waits while neighbours are brought in. Memory that lies ready comes by
 * tens of MiB in this time; where it has to be reclaimed first, or read from a disk, or
 * comes from user space, the device gets its answer without the rest.
 */
#define VIOPF_POPULATE_LIMIT	msecs_to_jiffies(20)

/* Pages between two looks at the clock. */
#define VIOPF_POPULATE_PAGES	16UL

/* So often reclaim alone is tried, before somebody may be killed for page tables. */
#define VIOPF_GENTLE_TRIES	3

/* The most pages to have ready: some page tables for each of several domains. */
#define VIOPF_BACK_OFF_PAGES	16U

/* Have so many pages free at one time. False if they can't be had. */
static bool viopf_make_room(unsigned int nr_pages, gfp_t gfp)
{
	void *pages = NULL, *page;
	bool made = true;

	for (; nr_pages && made; nr_pages--) {
		page = (void *)__get_free_page(gfp);
		made = page;
		if (made) {
			*(void **)page = pages;
			pages = page;
		}
	}
	while (pages) {
		page = pages;
		pages = *(void **)page;
		free_page((unsigned long)page);
	}
	return made;
}

/**
 * viopf_back_off() - page tables could not be had without waiting: wait
 * @container: for which container
 * @id: of the page request group that waits for it, or 0
 * @tries: how often before
 *
 * Allocates what they may take and frees it again, charged as they are, so that reclaim
 * runs, in the memory cgroup too; then waits a little, longer each time, up to 1/8 s.
 * Where reclaim finds nothing, the OOM killer acts as it does for a CPU's page tables: a
 * shortage that nobody ends would have a device wait for ever. Who waits for the memory
 * cgroup's can be killed (try_charge_memcg() in mm/memcontrol.c); who waits for the
 * machine's waits as in any page fault.
 */
void viopf_back_off(struct viopf_container *container, u64 id, unsigned int tries)
{
	unsigned int nr_pages = min(tries + 1, VIOPF_BACK_OFF_PAGES);
	gfp_t gfp = GFP_KERNEL_ACCOUNT;

	viopf_count(&container->iommu, backoffs, 1);
	trace_iopf_backoff(container->iommu.id, id, tries);
	if (tries < VIOPF_GENTLE_TRIES)
		gfp |= __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	if (!viopf_make_room(nr_pages, gfp) || tries >= VIOPF_GENTLE_TRIES)
		schedule_timeout_killable(min_t(unsigned long, HZ / 8,
						1UL << min(tries, 10U)));
}

/**
 * viopf_vma_pages() - how many pages from an address on lie in one VMA
 * @mm: with mmap_lock held
 * @uaddr: the address
 * @max: not more than this
 *
 * get_user_pages() and its kind are to be asked for nothing else. In the hole below a
 * stack they print a trace, since there they would have let it grow once
 * (gup_vma_lookup() in mm/gup.c).
 *
 * Return: how many; 0: nothing is there.
 */
unsigned long viopf_vma_pages(struct mm_struct *mm, unsigned long uaddr,
			      unsigned long max)
{
	struct vm_area_struct *vma = vma_lookup(mm, uaddr);

	return vma ? min(max, (vma->vm_end - uaddr) >> PAGE_SHIFT) : 0;
}

static unsigned int viopf_span_foll(const struct viopf_span *span)
{
	return span->write ? FOLL_WRITE : 0;
}

/* From here on an eviction that takes the memory for good wakes the calling worker. */
static void viopf_bring_in_begin(struct viopf_segment *segment,
				 struct viopf_bring_in *work)
{
	guard(mutex)(&segment->table.lock);
	list_add(&work->node, &segment->bring_ins);
}

static void viopf_bring_in_end(struct viopf_segment *segment,
			       struct viopf_bring_in *work)
{
	guard(mutex)(&segment->table.lock);
	list_del(&work->node);
}

/*
 * Have the mm bring [first, end) in, as the device may use it, or what of it lies in one
 * VMA. With FOLL_NOWAIT in @how it ends where that would have to be waited for.
 */
static long viopf_fault_populate(struct viopf_fault_ctx *ctx,
				 struct viopf_segment *segment,
				 unsigned long first, unsigned long end,
				 unsigned int how)
{
	unsigned int flags = how | FOLL_HONOR_NUMA_FAULT |
			     (ctx->worker ? 0 : FOLL_INTERRUPTIBLE);
	unsigned long uaddr = viopf_segment_uaddr(segment, first), pages;
	struct viopf_bring_in work = {
		.task = current, .first = first, .end = end,
	};
	struct mm_struct *mm = segment->mapping->mm;
	long ret = -EFAULT;
	int locked = 1;

	if (ctx->worker)
		viopf_bring_in_begin(segment, &work);
	if (mmap_read_lock_killable(mm)) {
		ret = -EINTR;
		goto out_end;
	}
	pages = viopf_vma_pages(mm, uaddr, end - first);
	if (pages)
		ret = get_user_pages_remote(mm, uaddr, pages, flags, NULL,
					    &locked);
	if (locked)
		mmap_read_unlock(mm);
out_end:
	if (ctx->worker)
		viopf_bring_in_end(segment, &work);
	return ret;
}

/* May neighbours in a VMA be brought in so? At the most where get_user_pages() would. */
static bool viopf_fault_may_touch(const struct vm_area_struct *vma, bool write)
{
	const vm_flags_t never = VM_IO | VM_PFNMAP | VM_SHADOW_STACK;

	return vma && !(vma->vm_flags & never) && !is_vm_hugetlb_page(vma) &&
	       (vma->vm_flags & (write ? VM_WRITE : VM_READ));
}

/*
 * Bring neighbours in as far as that waits for no user space and hardly for a disk. This
 * is what get_user_pages() would call for each page, without its looks at the page table
 * before and after. Returns how many, from the first on.
 *
 * FAULT_FLAG_RETRY_NOWAIT is not kept everywhere: what comes back from swap to shmem, and
 * writers of a file system that has too much to write back, are waited for all the same
 * (shmem_swapin_folio() in mm/shmem.c, fault_dirty_shared_page() in mm/memory.c).
 */
static unsigned long viopf_fault_touch(struct viopf_segment *segment,
				       unsigned long first, unsigned long end,
				       bool write)
{
	unsigned int flags = FAULT_FLAG_REMOTE | FAULT_FLAG_ALLOW_RETRY |
			     FAULT_FLAG_RETRY_NOWAIT |
			     (write ? FAULT_FLAG_WRITE : 0);
	unsigned long uaddr = viopf_segment_uaddr(segment, first), page;
	struct mm_struct *mm = segment->mapping->mm;
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return 0;
	vma = vma_lookup(mm, uaddr);
	if (!viopf_fault_may_touch(vma, write))
		end = first;
	else
		end = min(end, first + ((vma->vm_end - uaddr) >> PAGE_SHIFT));
	for (page = first; page < end; page++, uaddr += PAGE_SIZE)
		if (handle_mm_fault(vma, uaddr, flags, NULL) &
		    (VM_FAULT_ERROR | VM_FAULT_RETRY))
			break;
	mmap_read_unlock(mm);
	return page - first;
}

/* Neighbours [first, end), or some of them. False if there is no sense in more. */
static bool viopf_fault_neighbours(struct viopf_fault_ctx *ctx,
				   struct viopf_segment *segment,
				   const struct viopf_span *span,
				   unsigned long first, unsigned long end)
{
	long got;

	/* Huge pages come at once, and are stepped over at once. */
	if (span->huge)
		got = viopf_fault_populate(ctx, segment, first, end,
					   viopf_span_foll(span) | FOLL_NOWAIT);
	else
		got = viopf_fault_touch(segment, first, end, span->write);
	return got == end - first;
}

/* Bring in the span's pages after its page; up to where, if the time is over. */
static unsigned long viopf_fault_populate_up(struct viopf_fault_ctx *ctx,
					     struct viopf_segment *segment,
					     const struct viopf_span *span,
					     unsigned long stop_by)
{
	unsigned long at = span->page + 1, end;

	for (; at < span->end; at = end) {
		if (time_after_eq(jiffies, stop_by))
			return at;
		end = min(at + VIOPF_POPULATE_PAGES, span->end);
		if (!viopf_fault_neighbours(ctx, segment, span, at, end))
			break;
	}
	return span->end;
}

/* The same before its page; down to where. */
static unsigned long viopf_fault_populate_down(struct viopf_fault_ctx *ctx,
					       struct viopf_segment *segment,
					       const struct viopf_span *span,
					       unsigned long stop_by)
{
	unsigned long at = span->page, first;

	for (; at > span->first; at = first) {
		if (time_after_eq(jiffies, stop_by))
			return at;
		first = max(at, span->first + VIOPF_POPULATE_PAGES) -
			VIOPF_POPULATE_PAGES;
		if (!viopf_fault_neighbours(ctx, segment, span, first, at))
			break;
	}
	return span->first;
}

/* Bring in the rest of the span, or less of it if that takes too long. */
static void viopf_fault_populate_span(struct viopf_fault_ctx *ctx,
				      struct viopf_segment *segment,
				      struct viopf_span *span,
				      unsigned long began)
{
	unsigned long stop_by = began + VIOPF_POPULATE_LIMIT, first, end;

	end = viopf_fault_populate_up(ctx, segment, span, stop_by);
	first = viopf_fault_populate_down(ctx, segment, span, stop_by);
	if (first == span->first && end == span->end)
		return;

	mutex_lock(&segment->table.lock);
	viopf_window_cut(&segment->window, span->page, first, end);
	mutex_unlock(&segment->table.lock);
	span->first = first;
	span->end = end;
}

/* The page asked for, and what of its neighbours comes easily. */
static int viopf_bring_in_span(struct viopf_fault_ctx *ctx,
			       struct viopf_segment *segment,
			       struct viopf_span *span)
{
	bool all = span->populate && span->asks == VIOPF_ASKS_ALL;
	unsigned long end = all ? span->end : span->page + 1;
	unsigned long began = jiffies;
	long ret;

	ret = viopf_fault_populate(ctx, segment, span->page, end,
				   viopf_span_foll(span));
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	if (span->populate && !all)
		viopf_fault_populate_span(ctx, segment, span, began);
	return 0;
}

/**
 * viopf_fault_bring_in() - bring in the page asked for, and neighbours
 * @ctx: whose fault it is, holding the mm
 * @segment: where
 * @span: what; it shrinks to what has been brought in, if it is to be populated
 *
 * Only the page asked for matters to what is returned.
 *
 * Return: 0; -EAGAIN: begin again; -EINTR: aborted; or what the mm says.
 */
int viopf_fault_bring_in(struct viopf_fault_ctx *ctx,
			 struct viopf_segment *segment,
			 struct viopf_span *span)
{
	struct viopf_iommu *iommu = &ctx->container->iommu;
	unsigned long page = span->page;
	u64 began = trace_iopf_bring_in_enabled() ? ktime_get_ns() : 0;
	int ret;

	viopf_count(iommu, bring_ins, 1);
	ret = viopf_bring_in_span(ctx, segment, span);
	if (began)
		trace_iopf_bring_in(iommu->id, ctx->id,
				    viopf_segment_iova(segment, page),
				    span->populate ? span->end - span->first : 1,
				    span->write, ret, ktime_get_ns() - began);
	return ret;
}
