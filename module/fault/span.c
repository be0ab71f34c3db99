// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spans: which pages around the one asked for a fault, or a prefetch, looks at.
 *
 * The window says (policy/window.c), by the streams that it knows of in the segment, and of
 * those that come over from the segment beside it. What was sampled is taken along
 * (table/aging.c).
 */
#include "fault/internal.h"

/**
 * viopf_span_neighbour() - the segment that a stream may come from
 * @segment: where it goes on
 * @page: where it was seen
 * @down: set to whether it comes from above, and goes down
 *
 * Return: the segment next to this one, if the page is at the edge between them, or NULL.
 */
struct viopf_segment *
viopf_span_neighbour(struct viopf_segment *segment, unsigned long page,
		     bool *down)
{
	unsigned long nr_pages = viopf_segment_pages(segment);
	struct viopf_segment *neighbour;
	unsigned long beside;

	*down = page >= nr_pages / 2;
	if ((*down ? nr_pages - 1 - page : page) > VIOPF_WINDOW_GAP)
		return NULL;
	beside = *down ? viopf_segment_iova(segment, nr_pages) :
			 segment->table.iova - 1;
	neighbour = mtree_load(&segment->mapping->segments, beside);
	return neighbour != segment ? neighbour : NULL;
}

/*
 * A stream that ran up to this segment's edge, from below or above, goes on here.
 * The neighbour's lock is tried, with ours held, so nobody waits for anybody: while it is
 * taken there is no such guess.
 */
static void viopf_span_inherit(struct viopf_segment *segment,
			       unsigned long page)
{
	struct viopf_segment *neighbour;
	bool down;

	neighbour = viopf_span_neighbour(segment, page, &down);
	if (!neighbour || !mutex_trylock(&neighbour->table.lock))
		return;
	viopf_window_inherit(&segment->window, &neighbour->window,
			     viopf_segment_pages(neighbour),
			     viopf_segment_pages(segment), down);
	mutex_unlock(&neighbour->table.lock);
}

/**
 * viopf_span_around() - take sampled pages along, unless neighbours are brought in anyway
 * @segment: locked
 * @span: what a fault looks at; may become larger
 */
void viopf_span_around(const struct viopf_segment *segment,
		       struct viopf_span *span)
{
	if (!span->populate)
		viopf_age_around(&segment->table, span->page, &span->first,
				 &span->end);
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
	struct viopf_residency *r = &segment->table.residency;
	bool there = false;

	guard(mutex)(&segment->table.lock);
	if (!viopf_table_ready(&segment->table) &&
	    viopf_residency_test(r, span->page, span->write))
		there = !viopf_leaf_recheck(&segment->table, span->page);
	if (!there && span->write && unlikely(segment->table.dirty)) {
		span->first = span->page;
		span->end = span->page + 1;
	} else if (!there) {
		viopf_span_inherit(segment, span->page);
		viopf_window_pick(&segment->window, span->page, 1, r->nr_pages,
				  viopf_window_max_pages(), &span->first,
				  &span->end, &span->populate);
		viopf_span_around(segment, span);
	}
	span->huge = viopf_span_beside_huge(r, span->page);
	/* A larger span has to be clipped to its VMA before anything is brought in. */
	span->absent = segment->absent == span->page + 1 &&
		       span->end - span->first == 1;
	segment->absent = 0;
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
	struct viopf_residency *r = &segment->table.residency;
	unsigned long stride;

	mutex_lock(&segment->table.lock);
	span->page = viopf_residency_next_missing(r, span->page, end,
						  span->write);
	mutex_unlock(&segment->table.lock);

	stride = VIOPF_WINDOW_MAX_PAGES -
		 (r->first_iopfn + span->page) % VIOPF_WINDOW_MAX_PAGES;
	span->end = min(end, span->page + stride);
	span->populate = true;
	return span->page < end;
}
