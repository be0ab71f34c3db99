// SPDX-License-Identifier: GPL-2.0-only
/*
 * Applying a snapshot: what of it goes into the IOMMU, by which leaves, and writable or not.
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
 * While dirty pages are tracked (change/dirty.c), nothing but what is asked for is mapped
 * writable, by a leaf of its own.
 */
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/memremap.h>
#include <linux/page-flags.h>

#include "fault/internal.h"

/* Is swap, or nothing, what is behind it? Its dirtiness is then one flag. */
static bool viopf_folio_is_swappable(const struct folio *folio)
{
	return !folio_test_hugetlb(folio) &&
	       (folio_test_anon(folio) || folio_test_swapbacked(folio));
}

/* Would a device that may write to it make nothing dirty that was clean? */
static bool viopf_folio_write_is_harmless(const struct folio *folio)
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
	if (asked || unlikely(segment->table.dirty))
		return asked;
	return viopf_folio_write_is_harmless(page_folio(hmm_pfn_to_page(hmm_pfn)));
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
		viopf_count(&container->iommu, dirtied_pages, folio_nr_pages(folio));
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
	return span->asks == VIOPF_ASKS_ALL ||
	       (span->asks == VIOPF_ASKS_PAGE && page == span->page);
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
	return unlikely(segment->table.dirty) &&
	       (piece->writable ||
		find_next_bit(segment->table.residency.writable, piece->end,
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
	struct viopf_residency *r = &segment->table.residency;
	unsigned long pages = BIT(shift), leaf_bytes = pages << PAGE_SHIFT;
	unsigned long pfn = hmm_pfn & ~HMM_PFN_FLAGS;
	unsigned long in_block = (r->first_iopfn + page) & (pages - 1);

	if (segment->mapping->mode == VIOPF_MODE_USER ||
	    !(segment->table.set->leaf_sizes & leaf_bytes) ||
	    (pfn & (pages - 1)) != in_block ||
	    in_block > page || page - in_block + pages > r->nr_pages)
		return false;

	piece->first = page - in_block;
	piece->end = piece->first + pages;
	piece->pfn = pfn - in_block;
	return !viopf_piece_splits(segment, piece) &&
	       !viopf_table_any_pinned(&segment->table, piece->first, piece->end);
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
	unsigned long *taken = write ? segment->table.residency.writable :
				       segment->table.residency.mapped;
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
	viopf_dirty_bits_mark(&segment->table, piece->first, piece->end);
}

static noinline void viopf_piece_trace(struct viopf_segment *segment,
				       const struct viopf_span *span,
				       const struct viopf_piece *piece)
{
	unsigned long nr_pages = piece->end - piece->first;

	trace_iopf_map(segment->table.iommu->id, span->id,
		       viopf_segment_iova(segment, piece->first), nr_pages,
		       piece->block ? nr_pages << PAGE_SHIFT : PAGE_SIZE, piece->writable);
}

static int viopf_piece_map(struct viopf_segment *segment,
			   const struct viopf_span *span,
			   const unsigned long *pfns,
			   const struct viopf_piece *piece)
{
	int ret;

	if (piece->writable)
		viopf_piece_mark_dirty(segment, span, pfns, piece);
	if (piece->block)
		ret = viopf_leaf_map(&segment->table, piece->first, piece->end,
				     PFN_PHYS(piece->pfn), piece->writable);
	else
		ret = viopf_leaf_map_pages(&segment->table, piece->first, piece->end,
					   &pfns[piece->first - span->first],
					   piece->writable);
	if (trace_iopf_map_enabled() && !ret)
		viopf_piece_trace(segment, span, piece);
	return ret;
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
	struct viopf_residency *r = &segment->table.residency;
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
		viopf_leaf_drop(&segment->table, piece.first, piece.end);
		if (segment->table.kept)
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
	if (viopf_residency_test(&segment->table.residency, span->page, span->write))
		return 0;
	return pfns[span->page - span->first] & HMM_PFN_ERROR ? -EFAULT :
								-ENODATA;
}

/*
 * @span's page was not mapped, or not all that was mapped with it: the answer is about the
 * page alone.
 */
static int viopf_snapshot_apply_alone(struct viopf_segment *segment,
				      const struct viopf_span *span,
				      const unsigned long *pfns, int ret)
{
	struct viopf_span alone = *span;
	unsigned long next;

	if (viopf_table_ready(&segment->table) || span->end - span->first == 1)
		return ret;
	if (viopf_residency_test(&segment->table.residency, span->page, span->write))
		return 0;
	alone.first = span->page;
	alone.end = span->page + 1;
	return viopf_snapshot_apply_page(segment, &alone,
					 &pfns[span->page - span->first], &next);
}

/**
 * viopf_snapshot_apply_ahead() - map what a prefetch's snapshot holds
 * @segment: locked, ready
 * @span: what; its page moves on
 * @pfns: the snapshot, of [@span->first, @span->end)
 *
 * Return: 0: all; -ENODATA: up to where something has to be brought in; else as
 * viopf_snapshot_apply().
 */
int viopf_snapshot_apply_ahead(struct viopf_segment *segment,
			       struct viopf_span *span,
			       const unsigned long *pfns)
{
	unsigned long next;
	int ret;

	lockdep_assert_held(&segment->table.lock);

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

/**
 * viopf_snapshot_apply() - map what a fault's snapshot holds
 * @segment: locked, ready
 * @span: what
 * @pfns: the snapshot, of [@span->first, @span->end)
 *
 * The page asked for, which the answer is about, and then what there is besides, as far as
 * that goes.
 *
 * Return: 0; -EALREADY: the page is mapped; -EAGAIN: it was, and is lost; -ENODATA: it has to
 * be brought in; -EFAULT: it can't be had; -ENOMEM, -EIO: as viopf_snapshot_map().
 */
int viopf_snapshot_apply(struct viopf_segment *segment,
			 const struct viopf_span *span,
			 const unsigned long *pfns)
{
	unsigned long page, next;
	int ret;

	lockdep_assert_held(&segment->table.lock);

	if (viopf_residency_test(&segment->table.residency, span->page, span->write))
		return -EALREADY;
	ret = viopf_snapshot_apply_page(segment, span, pfns, &next);
	if (ret == -EFAULT || ret == -ENOMEM)
		ret = viopf_snapshot_apply_alone(segment, span, pfns, ret);
	if (ret)
		return ret;

	if (span->end - span->first == 1)
		return 0;
	for (page = span->first; page < span->end; page = next)
		if (viopf_snapshot_step(segment, span, page, pfns, &next))
			break;
	/* Where neighbours can't be mapped an odd IOMMU may take the page along. */
	return viopf_residency_test(&segment->table.residency, span->page,
				    span->write) ? 0 : -EAGAIN;
}
