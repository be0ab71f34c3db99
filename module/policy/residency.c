// SPDX-License-Identifier: GPL-2.0-only
/*
 * The residency record of one segment.
 *
 * It owns three bitmaps, two of them in one allocation made with the record, so that
 * nothing after viopf_residency_init() can fail or allocate: evictions use it. It holds
 * no lock and no reference, and knows neither IOMMU nor memory; the segment
 * keeps it equal to what every domain's page table says, under its own lock.
 *
 * Units: pages are counted from 0, the record's first; first_iopfn + page is the
 * page's number in IOVA space. All ranges are [first, end), end exclusive; an
 * empty range is allowed and does nothing. Blocks are those of IOVA space, not
 * of the record: the first and the last of a record may lie outside in part,
 * and such a block is never mapped as one leaf.
 *
 * Invariants, after each call:
 *  - writable is a subset of mapped;
 *  - nr_resident is the weight of mapped;
 *  - a block with its huge bit lies wholly in the record, all its pages are
 *    mapped, and either all are writable or none;
 *  - giant means that the record is one aligned giant leaf: all pages mapped,
 *    all writable or none, and no huge bit set (the giant leaf is the only one).
 *
 * A leaf goes as a whole. So a range is widened to whole leaves before it is
 * unmapped and cleared, and clearing a part of a leaf is a bug of the caller.
 * So is setting what is set: a permission is changed by clearing first.
 */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "policy/residency.h"

/* The block that @page is in, counted from the block of page 0. */
static unsigned long block_of(const struct viopf_residency *r,
			      unsigned long page)
{
	return ((r->first_iopfn + page) >> VIOPF_BLOCK_SHIFT) -
	       (r->first_iopfn >> VIOPF_BLOCK_SHIFT);
}

/* Is @page the first of a block (or the end of one, as @page is exclusive)? */
static bool block_starts_at(const struct viopf_residency *r, unsigned long page)
{
	return IS_ALIGNED(r->first_iopfn + page, VIOPF_BLOCK_PAGES);
}

/* Is the range a range, and within the record? */
static bool range_ok(const struct viopf_residency *r, unsigned long first,
		     unsigned long end)
{
	return first <= end && end <= r->nr_pages;
}

/**
 * viopf_residency_init() - make an empty record
 * @r: the record, of any content
 * @first_iopfn: IOVA page number of its first page
 * @nr_pages: pages it covers, at least one, at most %VIOPF_GIANT_PAGES
 * @gfp: how to allocate the bitmaps
 *
 * Return: 0, or -ENOMEM with nothing allocated (the record may then be given to
 * viopf_residency_deinit(), or not).
 */
int viopf_residency_init(struct viopf_residency *r, unsigned long first_iopfn,
			 unsigned long nr_pages, gfp_t gfp)
{
	size_t page_longs = BITS_TO_LONGS(nr_pages);

	memset(r, 0, sizeof(*r));
	if (WARN_ON_ONCE(!nr_pages || nr_pages > VIOPF_GIANT_PAGES))
		return -ENOMEM;

	r->first_iopfn = first_iopfn;
	r->nr_pages = nr_pages;
	r->mapped = kvcalloc(2 * page_longs, sizeof(*r->mapped), gfp);
	if (!r->mapped) {
		memset(r, 0, sizeof(*r));
		return -ENOMEM;
	}
	r->writable = r->mapped + page_longs;
	return 0;
}

/**
 * viopf_residency_deinit() - free what viopf_residency_init() allocated
 * @r: the record
 *
 * What it says is mapped is forgotten: the caller has unmapped it, or has no page
 * table left that it could be mapped in. The record covers no pages afterwards.
 */
void viopf_residency_deinit(struct viopf_residency *r)
{
	kvfree(r->mapped);
	memset(r, 0, sizeof(*r));
}

/**
 * viopf_residency_test() - is a page mapped?
 * @r: the record
 * @page: the page
 * @writable: ask for one that is mapped for writing
 *
 * Return: whether devices can reach @page, for writing if so asked.
 */
bool viopf_residency_test(const struct viopf_residency *r, unsigned long page,
			  bool writable)
{
	if (WARN_ON_ONCE(page >= r->nr_pages))
		return false;
	return test_bit(page, writable ? r->writable : r->mapped);
}

/**
 * viopf_residency_any() - is any page of a range mapped?
 * @r: the record
 * @first: first page of the range
 * @end: the page after its last
 *
 * Return: whether a page in [@first, @end) is mapped.
 */
bool viopf_residency_any(const struct viopf_residency *r, unsigned long first,
			 unsigned long end)
{
	if (WARN_ON_ONCE(!range_ok(r, first, end)))
		return false;
	return find_next_bit(r->mapped, end, first) < end;
}

/**
 * viopf_residency_is_huge() - is a page mapped by a leaf larger than itself?
 * @r: the record
 * @page: the page
 *
 * Return: whether a 2 MiB leaf or the giant leaf maps @page.
 */
bool viopf_residency_is_huge(const struct viopf_residency *r,
			     unsigned long page)
{
	if (WARN_ON_ONCE(page >= r->nr_pages))
		return false;
	return r->giant || test_bit(block_of(r, page), r->huge);
}

/* Enter pages that are not in the record; false, and nothing done, on misuse. */
static bool enter(struct viopf_residency *r, unsigned long first,
		  unsigned long end, bool writable)
{
	if (WARN_ON_ONCE(!range_ok(r, first, end)) ||
	    WARN_ON_ONCE(viopf_residency_any(r, first, end)))
		return false;

	bitmap_set(r->mapped, first, end - first);
	if (writable)
		bitmap_set(r->writable, first, end - first);
	r->nr_resident += end - first;
	return true;
}

/**
 * viopf_residency_set() - enter pages mapped by leaves of their own
 * @r: the record
 * @first: first page mapped
 * @end: the page after the last
 * @writable: they are mapped for writing
 *
 * None of them may be mapped yet.
 */
void viopf_residency_set(struct viopf_residency *r, unsigned long first,
			 unsigned long end, bool writable)
{
	enter(r, first, end, writable);
}

/**
 * viopf_residency_set_huge() - enter whole blocks mapped by 2 MiB leaves
 * @r: the record
 * @first: first page of the first block
 * @end: the page after the last block's last
 * @writable: they are mapped for writing
 *
 * None of the pages may be mapped yet.
 */
void viopf_residency_set_huge(struct viopf_residency *r, unsigned long first,
			      unsigned long end, bool writable)
{
	if (WARN_ON_ONCE(!block_starts_at(r, first) ||
			 !block_starts_at(r, end)))
		return;
	if (!enter(r, first, end, writable))
		return;
	bitmap_set(r->huge, block_of(r, first),
		   (end - first) >> VIOPF_BLOCK_SHIFT);
}

/**
 * viopf_residency_set_giant() - enter the whole record as mapped by one leaf
 * @r: the record, which must be one aligned GiB of IOVA, with no page mapped
 * @writable: it is mapped for writing
 */
void viopf_residency_set_giant(struct viopf_residency *r, bool writable)
{
	if (WARN_ON_ONCE(r->nr_pages != VIOPF_GIANT_PAGES ||
			 !IS_ALIGNED(r->first_iopfn, VIOPF_GIANT_PAGES)))
		return;
	if (enter(r, 0, r->nr_pages, writable))
		r->giant = true;
}

/**
 * viopf_residency_clear() - strike out what was unmapped
 * @r: the record
 * @first: first page unmapped
 * @end: the page after the last
 *
 * Pages in the range that are not mapped are no harm. A leaf must be in the
 * range as a whole or not at all: see viopf_residency_widen().
 *
 * Return: how many pages of the range were mapped.
 */
unsigned long viopf_residency_clear(struct viopf_residency *r,
				    unsigned long first, unsigned long end)
{
	unsigned long leaf_first = first, leaf_end = end;
	unsigned long run_first, run_end, nr = 0;

	if (WARN_ON_ONCE(!range_ok(r, first, end)) || first == end)
		return 0;
	viopf_residency_widen(r, &leaf_first, &leaf_end);
	if (WARN_ON_ONCE(leaf_first != first || leaf_end != end))
		return 0;

	for (run_first = first;
	     viopf_residency_next_run(r, &run_first, &run_end, end);
	     run_first = run_end)
		nr += run_end - run_first;
	bitmap_clear(r->mapped, first, end - first);
	bitmap_clear(r->writable, first, end - first);
	/* A block in the range in part only has no huge bit to lose. */
	bitmap_clear(r->huge, block_of(r, first),
		     block_of(r, end - 1) - block_of(r, first) + 1);
	r->giant = false;
	r->nr_resident -= nr;
	return nr;
}

/**
 * viopf_residency_move() - enter in one record all that another has
 * @to: the one
 * @from: the other, of the same pages of IOVA space; empty afterwards
 *
 * No page may be mapped in both.
 */
void viopf_residency_move(struct viopf_residency *to,
			  struct viopf_residency *from)
{
	unsigned long nr_pages = from->nr_pages;

	if (WARN_ON_ONCE(to->first_iopfn != from->first_iopfn ||
			 to->nr_pages != nr_pages ||
			 bitmap_intersects(to->mapped, from->mapped, nr_pages)))
		return;

	bitmap_or(to->mapped, to->mapped, from->mapped, nr_pages);
	bitmap_or(to->writable, to->writable, from->writable, nr_pages);
	bitmap_or(to->huge, to->huge, from->huge,
		  block_of(from, nr_pages - 1) + 1);
	to->giant |= from->giant;
	to->nr_resident += viopf_residency_clear(from, 0, nr_pages);
}

/**
 * viopf_residency_widen() - extend a range to whole leaves
 * @r: the record
 * @first: first page of the range; moved down to the first of its leaf
 * @end: the page after its last; moved up to the end of that page's leaf
 *
 * Pages that no large leaf maps stay as they are, mapped or not, as does an
 * empty range.
 */
void viopf_residency_widen(const struct viopf_residency *r,
			   unsigned long *first, unsigned long *end)
{
	unsigned long iopfn;

	if (WARN_ON_ONCE(!range_ok(r, *first, *end)) || *first == *end)
		return;
	if (r->giant) {
		*first = 0;
		*end = r->nr_pages;
		return;
	}
	if (test_bit(block_of(r, *first), r->huge)) {
		iopfn = ALIGN_DOWN(r->first_iopfn + *first, VIOPF_BLOCK_PAGES);
		*first = iopfn - r->first_iopfn;
	}
	if (test_bit(block_of(r, *end - 1), r->huge)) {
		iopfn = ALIGN(r->first_iopfn + *end, VIOPF_BLOCK_PAGES);
		*end = iopfn - r->first_iopfn;
	}
}

/**
 * viopf_residency_next_run() - find the next run of mapped pages
 * @r: the record
 * @first: in: where to begin; out: first page of the run
 * @end: out: the page after the run's last
 * @limit: where to stop; a run is cut there
 *
 * A run goes on as long as pages are mapped, whatever their leaves and
 * permissions. One that begins before @first is found from @first on. To go
 * through all of them, set @first to @end after each.
 *
 * Return: whether there is one. If not, @first and @end are left as they were.
 */
bool viopf_residency_next_run(const struct viopf_residency *r,
			      unsigned long *first, unsigned long *end,
			      unsigned long limit)
{
	unsigned long begin;

	if (WARN_ON_ONCE(!range_ok(r, *first, limit)))
		return false;
	begin = find_next_bit(r->mapped, limit, *first);
	if (begin >= limit)
		return false;
	*first = begin;
	*end = find_next_zero_bit(r->mapped, limit, begin);
	return true;
}

/**
 * viopf_residency_next_missing() - find the next page that is not as wanted
 * @r: the record
 * @first: where to begin
 * @limit: where to stop
 * @writable: wanted is a page mapped for writing; else one that is mapped
 *
 * Return: the page, or @limit if all are as wanted.
 */
unsigned long viopf_residency_next_missing(const struct viopf_residency *r,
					   unsigned long first,
					   unsigned long limit, bool writable)
{
	if (WARN_ON_ONCE(!range_ok(r, first, limit)))
		return limit;
	return find_next_zero_bit(writable ? r->writable : r->mapped, limit,
				  first);
}
