// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshot and map: the cheap half of a fault.
 *
 * It looks at what the CPU's page table holds, faulting nothing in, and maps
 * that for the devices if it is still so once the segment is locked. Why that is
 * race-free is drawn in segment.c.
 *
 * DOC: what may be mapped for writing
 *
 * What the mapping, the process's page table and the device agree on. A page
 * that a device may write must be dirty, since nothing else tells swap that its
 * copy on disk is stale: the page is marked when it is made writable. Whoever
 * asks to write gets that. A neighbour, or a page asked for reading, gets it only
 * if that dirties nothing that was clean:
 *  - it is dirty already;
 *  - it is anonymous and in no swap cache, so that swap has no copy of it, and
 *    not marked by MADV_FREE. One that waits in a CPU's batch to be marked can't be
 *    told from others (folio_mark_lazyfree() in mm/swap.c): it is marked dirty like
 *    all that is made writable, and so it is kept;
 *  - it is of a file that is written back: then the kernel lets a page table
 *    entry be writable only while the page is dirty, and tells us when it cleans
 *    it (page_vma_mkclean_one() in mm/rmap.c). Such a page needs no mark either,
 *    and must not get one from here, where a file system could not sleep.
 *
 * While dirty pages are tracked (dirty.c), nothing but what is asked for is mapped
 * writable, by a leaf of its own.
 */
#include <linux/fs.h>
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/sched/mm.h>

#include "viopf.h"

/* What may be mapped at once: a snapshot of it fits on the stack. */
#define VIOPF_TRY_PAGES	32

/* Is swap, or nothing, what is behind it? Its dirtiness is then one flag. */
static bool viopf_folio_is_swappable(const struct folio *folio)
{
	return !folio_test_hugetlb(folio) &&
	       (folio_test_anon(folio) || folio_test_swapbacked(folio));
}

/* Would a device that may write to it make nothing dirty that was clean? */
static bool viopf_folio_write_is_free(const struct folio *folio)
{
	if (!viopf_folio_is_swappable(folio) || folio_test_dirty(folio))
		return true;
	return folio_test_anon(folio) && folio_test_swapbacked(folio) &&
	       !folio_test_swapcache(folio);
}

static bool viopf_pfn_writable(const struct viopf_segment *segment,
			       unsigned long hmm_pfn, bool asked)
{
	if (!(segment->mapping->prot & IOMMU_WRITE) ||
	    !(hmm_pfn & HMM_PFN_WRITE))
		return false;
	/* While dirty pages are tracked, what is writable is dirty. */
	if (asked || unlikely(segment->dirty))
		return asked;
	return viopf_folio_write_is_free(page_folio(hmm_pfn_to_page(hmm_pfn)));
}

/*
 * All address spaces of swappable memory have noop_dirty_folio(), which is this
 * flag: no need for folio_mark_dirty(), which would want the folio's mapping to
 * stay.
 */
static void viopf_pfn_mark_dirty(struct viopf_container *container,
				 unsigned long hmm_pfn)
{
	struct folio *folio = page_folio(hmm_pfn_to_page(hmm_pfn));

	if (viopf_folio_is_swappable(folio) && !folio_test_dirty(folio)) {
		folio_set_dirty(folio);
		viopf_count(container, dirtied_pages, folio_nr_pages(folio));
	}
}

/* Is there memory that may be mapped? Another device's is not for us. */
static bool viopf_pfn_usable(unsigned long hmm_pfn)
{
	return (hmm_pfn & HMM_PFN_VALID) &&
	       !is_pci_p2pdma_page(hmm_pfn_to_page(hmm_pfn));
}

static bool viopf_span_asks(const struct viopf_span *span, unsigned long page)
{
	switch (span->asks) {
	case VIOPF_ASKS_PAGE:
		return page == span->page;
	case VIOPF_ASKS_ALL:
		return true;
	default:
		return false;
	}
}

/*
 * A piece of a snapshot that is mapped in one go: a @block, which lies together at @pfn
 * and may reach beyond the snapshot, or a run of pages, each where the snapshot says.
 */
struct viopf_piece {
	unsigned long	first;
	unsigned long	end;
	unsigned long	pfn;
	bool		block;
	bool		writable;
};

/*
 * While dirty pages are tracked, a page that may be written has a leaf of its own,
 * and gives it up only to be written no more.
 */
static bool viopf_piece_splits(const struct viopf_segment *segment,
			       const struct viopf_piece *piece)
{
	return unlikely(segment->dirty) &&
	       (piece->writable ||
		find_next_bit(segment->residency.writable, piece->end,
			      piece->first) < piece->end);
}

/*
 * Can the whole block of 2^@shift pages around @page be mapped as one leaf? The
 * CPU maps it by one entry, so all of it is there with one permission. In a
 * user-handled mapping only the page was agreed to.
 */
static bool viopf_piece_leaf(struct viopf_segment *segment, unsigned long page,
			     unsigned long hmm_pfn, unsigned int shift,
			     struct viopf_piece *piece)
{
	struct viopf_residency *r = &segment->residency;
	unsigned long pages = BIT(shift), leaf_bytes = pages << PAGE_SHIFT;
	unsigned long pfn = hmm_pfn & ~HMM_PFN_FLAGS;
	unsigned long in_block = (r->first_iopfn + page) & (pages - 1);

	if (segment->mapping->mode == VIOPF_MODE_USER ||
	    !(segment->set->leaf_sizes & leaf_bytes) ||
	    (pfn & (pages - 1)) != in_block ||
	    in_block > page || page - in_block + pages > r->nr_pages)
		return false;

	piece->first = page - in_block;
	piece->end = piece->first + pages;
	piece->pfn = pfn - in_block;
	return !viopf_piece_splits(segment, piece) &&
	       !viopf_segment_any_pinned(segment, piece->first, piece->end);
}

/* The largest such block. */
static bool viopf_piece_block(struct viopf_segment *segment, unsigned long page,
			      unsigned long hmm_pfn, struct viopf_piece *piece)
{
	unsigned int order = hmm_pfn_to_map_order(hmm_pfn);

	return (order >= VIOPF_GIANT_SHIFT &&
		viopf_piece_leaf(segment, page, hmm_pfn, VIOPF_GIANT_SHIFT, piece)) ||
	       (order >= VIOPF_BLOCK_SHIFT &&
		viopf_piece_leaf(segment, page, hmm_pfn, VIOPF_BLOCK_SHIFT, piece));
}

/* The run of pages from @page on that are free and alike, up to where a block may begin. */
static void viopf_piece_run(struct viopf_segment *segment,
			    const struct viopf_span *span, unsigned long page,
			    const unsigned long *pfns, struct viopf_piece *piece)
{
	bool write = span->write && span->asks == VIOPF_ASKS_ALL;
	unsigned int order = hmm_pfn_to_map_order(pfns[page - span->first]);
	unsigned long *taken = write ? segment->residency.writable :
				       segment->residency.mapped;
	unsigned long limit = span->end - page > 1 ?
			      find_next_bit(taken, span->end, page + 1) : span->end;
	unsigned long end;

	for (end = page + 1; end < limit; end++) {
		unsigned long next = pfns[end - span->first];

		if (!viopf_pfn_usable(next) ||
		    (order != hmm_pfn_to_map_order(next) &&
		     hmm_pfn_to_map_order(next) >= VIOPF_BLOCK_SHIFT) ||
		    viopf_pfn_writable(segment, next, write) != piece->writable)
			break;
	}
	piece->first = page;
	piece->end = end;
}

/*
 * A block lies in one folio. Of a run each page is looked at: what lies beside a page of
 * a large folio need not be that folio's next, where the CPU maps it page by page.
 */
static void viopf_piece_mark_dirty(struct viopf_segment *segment,
				   const struct viopf_span *span,
				   const unsigned long *pfns,
				   const struct viopf_piece *piece)
{
	unsigned long first = max(piece->first, span->first);
	unsigned long end = piece->block ? first + 1 : piece->end, page;

	for (page = first; page < end; page++)
		viopf_pfn_mark_dirty(segment->mapping->container,
				     pfns[page - span->first]);
	viopf_dirty_mark(segment, piece->first, piece->end);
}

static int viopf_piece_map(struct viopf_segment *segment,
			   const struct viopf_span *span,
			   const unsigned long *pfns,
			   const struct viopf_piece *piece)
{
	if (piece->writable)
		viopf_piece_mark_dirty(segment, span, pfns, piece);
	if (piece->block)
		return viopf_leaf_map(segment, piece->first, piece->end,
				      PFN_PHYS(piece->pfn), piece->writable);
	return viopf_leaf_map_pages(segment, piece->first, piece->end,
				    &pfns[piece->first - span->first],
				    piece->writable);
}

/*
 * Map from @page on what can be mapped as one piece. Returns the page to go on
 * with through @next.
 */
static int viopf_snapshot_step(struct viopf_segment *segment,
			       const struct viopf_span *span,
			       unsigned long page, const unsigned long *pfns,
			       unsigned long *next)
{
	unsigned long hmm_pfn = pfns[page - span->first];
	bool asked = viopf_span_asks(span, page);
	bool write = asked && span->write;
	struct viopf_residency *r = &segment->residency;
	struct viopf_piece piece;

	*next = page + 1;
	if (!viopf_pfn_usable(hmm_pfn) || viopf_residency_test(r, page, write))
		return 0;

	piece.writable = viopf_pfn_writable(segment, hmm_pfn, write);
	if (!piece.writable &&
	    (write || !(segment->mapping->prot & IOMMU_READ)))
		return 0;

	piece.block = viopf_piece_block(segment, page, hmm_pfn, &piece);
	if (!piece.block)
		viopf_piece_run(segment, span, page, pfns, &piece);

	/* What is there already, smaller or not writable, makes way. */
	if (viopf_residency_any(r, piece.first, piece.end)) {
		if (!asked && span->asks == VIOPF_ASKS_PAGE)
			return 0;
		viopf_leaf_drop(segment, piece.first, piece.end);
		if (segment->kept)
			return -EIO;
	}
	if (piece.first < span->first || piece.end > span->end)
		viopf_window_mapped(&segment->window, piece.first, piece.end);
	*next = piece.end;
	return viopf_piece_map(segment, span, pfns, &piece);
}

/* Map @span's page, which is asked for. */
static int viopf_snapshot_apply_page(struct viopf_segment *segment,
				     const struct viopf_span *span,
				     const unsigned long *pfns,
				     unsigned long *next)
{
	int ret;

	ret = viopf_snapshot_step(segment, span, span->page, pfns, next);
	if (ret)
		return ret;
	if (viopf_residency_test(&segment->residency, span->page, span->write))
		return 0;
	return pfns[span->page - span->first] & HMM_PFN_ERROR ? -EFAULT :
								-ENODATA;
}

/* Map what a prefetch's snapshot holds, up to where something has to come first. */
static int viopf_snapshot_apply_ahead(struct viopf_segment *segment,
				      struct viopf_span *span,
				      const unsigned long *pfns)
{
	unsigned long next;
	int ret;

	lockdep_assert_held(&segment->lock);

	while (span->page < span->end) {
		if (span->asks == VIOPF_ASKS_ALL)
			ret = viopf_snapshot_apply_page(segment, span, pfns,
							&next);
		else
			ret = viopf_snapshot_step(segment, span, span->page,
						  pfns, &next);
		if (ret)
			return ret;
		span->page = min(next, span->end);
	}
	return 0;
}

/*
 * Map what a fault's snapshot holds: the page asked for, which the answer is about,
 * and then what there is besides, as far as that goes.
 */
static int viopf_snapshot_apply(struct viopf_segment *segment,
				const struct viopf_span *span,
				const unsigned long *pfns)
{
	unsigned long page, next;
	int ret;

	lockdep_assert_held(&segment->lock);

	if (viopf_residency_test(&segment->residency, span->page, span->write))
		return -EALREADY;
	ret = viopf_snapshot_apply_page(segment, span, pfns, &next);
	if (ret)
		return ret;

	if (span->end - span->first == 1)
		return 0;
	for (page = span->first; page < span->end; page = next)
		if (viopf_snapshot_step(segment, span, page, pfns, &next))
			break;
	return 0;
}

/* The segment next to this one, if the page is at the edge between them. */
static struct viopf_segment *
viopf_span_neighbour(struct viopf_segment *segment, unsigned long page,
		     bool *down)
{
	unsigned long nr_pages = segment->residency.nr_pages;
	struct viopf_segment *neighbour;
	unsigned long beside;

	*down = page >= nr_pages / 2;
	if ((*down ? nr_pages - 1 - page : page) > VIOPF_WINDOW_GAP)
		return NULL;
	beside = *down ? viopf_segment_iova(segment, nr_pages) :
			 segment->iova - 1;
	neighbour = mtree_load(&segment->mapping->segments, beside);
	return neighbour != segment ? neighbour : NULL;
}

/*
 * A stream that ran up to this segment's edge, from below or above, goes on here.
 * The neighbour is read without its lock: at worst the guess is a poor one.
 */
static void viopf_span_inherit(struct viopf_segment *segment,
			       unsigned long page)
{
	struct viopf_segment *neighbour;
	bool down;

	neighbour = viopf_span_neighbour(segment, page, &down);
	if (neighbour)
		viopf_window_inherit(&segment->window, &neighbour->window,
				     neighbour->residency.nr_pages,
				     segment->residency.nr_pages, down);
}

/* Is the page before, or after, part of a huge one? */
static bool viopf_span_beside_huge(const struct viopf_residency *r,
				   unsigned long page)
{
	return (page && viopf_residency_is_huge(r, page - 1)) ||
	       (page + 1 < r->nr_pages && viopf_residency_is_huge(r, page + 1));
}

/**
 * viopf_span_begin() - decide what to look at for a fault
 * @segment: where it is
 * @span: page and write are set; the rest is filled in
 *
 * Return: true if the page is mapped already, so that nothing is to be done.
 */
bool viopf_span_begin(struct viopf_segment *segment, struct viopf_span *span)
{
	struct viopf_residency *r = &segment->residency;
	bool there = false;

	mutex_lock(&segment->lock);
	if (!viopf_segment_ready(segment) &&
	    viopf_residency_test(r, span->page, span->write))
		there = !viopf_leaf_heal(segment, span->page);
	if (!there && span->write && unlikely(segment->dirty)) {
		span->first = span->page;
		span->end = span->page + 1;
	} else if (!there) {
		viopf_span_inherit(segment, span->page);
		viopf_window_pick(&segment->window, span->page, 1, r->nr_pages,
				  viopf_window_max_pages(), &span->first,
				  &span->end, &span->populate);
		viopf_age_around(segment, span);
	}
	span->huge = viopf_span_beside_huge(r, span->page);
	/* A larger span has to be clipped to its VMA before anything is brought in. */
	span->absent = segment->absent == span->page + 1 &&
		       span->end - span->first == 1;
	segment->absent = 0;
	mutex_unlock(&segment->lock);

	return there;
}

/**
 * viopf_span_ahead() - decide what to look at next for a prefetch
 * @segment: where it is
 * @span: page, asks and write are set; page moves up to where there is something to
 *	do, and the rest is filled in
 * @end: the page after the last that is to be prefetched
 *
 * Return: false if nothing is left to be done.
 */
bool viopf_span_ahead(struct viopf_segment *segment, struct viopf_span *span,
		      unsigned long end)
{
	struct viopf_residency *r = &segment->residency;
	unsigned long stride;

	mutex_lock(&segment->lock);
	span->page = viopf_residency_next_missing(r, span->page, end,
						  span->write);
	mutex_unlock(&segment->lock);

	stride = VIOPF_WINDOW_MAX_PAGES -
		 (r->first_iopfn + span->page) % VIOPF_WINDOW_MAX_PAGES;
	span->end = min(end, span->page + stride);
	span->populate = true;
	return span->page < end;
}

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
 * do, as another fault had done it, say; -EAGAIN: the memory was
 * changing, begin again; -ENODATA: it has to be brought in first; -EFAULT: it
 * can't be; -ENOMEM: page tables need memory that has to be reclaimed first;
 * -ENOENT: unmapped meanwhile; -EIO: the container failed; -EINTR: aborted.
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

	mutex_lock(&segment->lock);
	if (mmu_interval_read_retry(&segment->notifier, range.notifier_seq)) {
		ret = -EAGAIN;
	} else {
		segment->settled = range.notifier_seq;
		ret = viopf_segment_ready(segment);
	}
	if (!ret && span->asks == VIOPF_ASKS_PAGE)
		ret = viopf_snapshot_apply(segment, span, ctx->pfns);
	else if (!ret)
		ret = viopf_snapshot_apply_ahead(segment, span, ctx->pfns);
	mutex_unlock(&segment->lock);

	return ret;
}

/*
 * May a snapshot be taken without waiting? That what @settled says still holds is
 * what mmu_interval_read_begin() would wait for, see viopf_snapshot_try(). A stream
 * from the neighbour would be taken over for nothing if a worker had to go on; huge
 * pages of hugetlbfs have locks that sleep.
 */
static bool viopf_try_possible(struct viopf_segment *segment,
			       unsigned long page,
			       struct vm_area_struct *vma)
{
	bool down;

	return !segment->dirty && vma && !is_vm_hugetlb_page(vma) &&
	       !viopf_span_neighbour(segment, page, &down) &&
	       !mmu_interval_read_retry(&segment->notifier, segment->settled);
}

/* What the CPU's page table has in a small span goes in. */
static int viopf_try_span(struct viopf_segment *segment,
			  struct viopf_span *span,
			  const struct vm_area_struct *vma)
{
	unsigned long pfns[VIOPF_TRY_PAGES];
	struct hmm_range range = {
		.notifier = &segment->notifier,
		.notifier_seq = segment->settled,
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
static int viopf_try_locked(struct viopf_segment *segment, unsigned long page,
			    bool write)
{
	struct vm_area_struct *vma = viopf_page_vma(segment, page);
	struct viopf_window before = segment->window;
	struct viopf_span span = {
		.page = page,
		.write = write,
	};
	int ret;

	ret = viopf_segment_ready(segment);
	if (ret)
		return ret;
	if (viopf_residency_test(&segment->residency, page, write))
		return viopf_leaf_heal(segment, page) ? -EAGAIN : -EALREADY;
	if (!viopf_try_possible(segment, page, vma))
		return -EAGAIN;

	viopf_window_pick(&segment->window, page, 1, segment->residency.nr_pages,
			  viopf_window_max_pages(), &span.first, &span.end,
			  &span.populate);
	viopf_age_around(segment, &span);
	ret = -E2BIG;
	if (span.end - span.first <= VIOPF_TRY_PAGES)
		ret = viopf_try_span(segment, &span, vma);
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
 * @page: the page asked for
 * @write: for writing
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
 * mm's page table locks are taken inside segment->lock here; it never holds one of
 * them when it calls a notifier that may sleep.
 *
 * Return: 0; -EALREADY: it was there; else it needs a worker.
 */
int viopf_snapshot_try(struct viopf_segment *segment, unsigned long page,
		       bool write)
{
	struct mm_struct *mm = segment->mapping->mm;
	int ret = -EAGAIN;

	if (!mmap_read_trylock(mm))
		return -EAGAIN;
	if (mutex_trylock(&segment->lock)) {
		ret = viopf_try_locked(segment, page, write);
		mutex_unlock(&segment->lock);
	}
	mmap_read_unlock(mm);
	return ret;
}
