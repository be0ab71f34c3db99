// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much to map around a fault.
 *
 * A page request costs the device a round trip to the CPU. Where a device goes
 * through memory in order, most of them can be saved by mapping ahead; where it
 * jumps about, mapping ahead only brings in memory that nobody wants. So a
 * segment follows a few streams. An access that belongs to none gets exactly the
 * pages it asked for, and takes the place of the stream that has been quiet for
 * longest. One that goes on where a stream ended doubles the stream's window, up
 * to a limit. Twice in a row, and the window may also be populated: pages in it
 * may be brought in, where otherwise they are mapped only if they are resident.
 *
 * A stream's last window is [first, end). An access belongs to it
 *  - ahead: at end, or up to VIOPF_WINDOW_GAP pages after. It continues;
 *  - inside: in the window, after its first page, with the window not populated:
 *    what lay ahead was not resident. It continues;
 *  - late: inside a window that was populated. Either the device has several
 *    requests in flight and this one crossed with the answer, or the pages are
 *    gone again before the device came, as the window is too large for the
 *    memory there is. The first is common and passes: exactly the pages asked
 *    for, and the stream stays as it is. When it happens LATE_MAX times with one
 *    window it is taken for the second, and the stream goes on from there with
 *    half the window.
 * As a window doubles only when its end was reached, what is populated in vain
 * stays in proportion to what the stream went through before: it is at most some
 * twice of that.
 *
 * Streams may go down as well: the range and the stream are then mirrored at the
 * middle of the segment, and it is the same. A stream without hits has not shown
 * its direction and is tried both ways.
 *
 * Windows end on IOVA addresses aligned to their size, at most to a block, so
 * that large streams are mapped by whole blocks, and never cross the segment.
 * Where the stream goes on in the next one viopf_window_inherit() takes it over.
 *
 * For comparison the window may also be fixed (viopf_window_fixed): each fault then
 * gets so many pages from the one asked for on, all of them brought in, and no stream
 * is followed.
 *
 * Units: pages of the segment, from 0; ranges are [first, end), end exclusive.
 *
 * Nothing here locks or allocates. Callers usually hold the segment lock.
 * If they do not, updates may be lost or mixed up, which makes for a poor guess
 * and no more: the answer always holds the pages asked for, and lies within the
 * segment, whatever the streams hold.
 */
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "policy/residency.h"
#include "policy/window.h"

/* From this many hits on a window may be populated. */
#define POPULATE_HITS	2
#define HITS_MAX	3
#define LATE_MAX	64

static_assert(sizeof(struct viopf_window) <= 64);

unsigned int viopf_window_fixed;

/* What an access is to a stream, worst first. */
enum fit {
	FIT_NONE,
	FIT_LATE,
	FIT_INSIDE,
	FIT_AHEAD,
};

struct range {
	unsigned long	first;
	unsigned long	end;
};

/* An access: the pages asked for, and what bounds the answer. */
struct access {
	struct range	pages;
	unsigned long	nr_pages;
	unsigned long	max_pages;
};

/* The range as seen from the other end of the segment. */
static struct range mirror(struct range r, unsigned long nr_pages)
{
	return (struct range){ nr_pages - r.end, nr_pages - r.first };
}

/* Can the access belong to the stream at all? Most can't, and this is cheap to tell. */
static bool is_near(const struct viopf_stream *s, const struct range *pages)
{
	return pages->first <= s->end + VIOPF_WINDOW_GAP &&
	       pages->end + VIOPF_WINDOW_GAP >= s->first;
}

/* What is the access to a stream, if that goes up (or down)? */
static enum fit fit_one_way(const struct viopf_stream *s,
			    const struct access *a, bool down)
{
	struct range last = { s->first, s->end };
	struct range pages = a->pages;

	if (down) {
		last = mirror(last, a->nr_pages);
		pages = mirror(pages, a->nr_pages);
	}
	if (pages.first >= last.end)
		return pages.first - last.end <= VIOPF_WINDOW_GAP ? FIT_AHEAD :
								    FIT_NONE;
	if (pages.first < last.first)
		return FIT_NONE;
	if (s->hits >= POPULATE_HITS)
		return FIT_LATE;
	return pages.first > last.first ? FIT_INSIDE : FIT_NONE;
}

/* What is the access to a stream? Also finds the direction, if it has none. */
static enum fit fit(const struct viopf_stream *s, const struct access *a,
		    bool *down)
{
	enum fit up_fit, down_fit;

	*down = s->down;
	if (!s->size || !is_near(s, &a->pages))
		return FIT_NONE;
	if (s->hits)
		return fit_one_way(s, a, s->down);

	up_fit = fit_one_way(s, a, false);
	down_fit = fit_one_way(s, a, true);
	*down = down_fit > up_fit;
	return max(up_fit, down_fit);
}

/* Move stream @i to the front, putting @s in its place. */
static void to_front(struct viopf_window *w, size_t i,
		     const struct viopf_stream *s)
{
	memmove(&w->streams[1], &w->streams[0], i * sizeof(*s));
	w->streams[0] = *s;
}

/*
 * The end of a window of @size pages from pages->first on, in a segment whose
 * page 0 has the IOVA page number @phase: at an aligned place if that leaves
 * more than the pages asked for, and all of these in any case.
 */
static unsigned long window_end(const struct range *pages, unsigned long size,
				unsigned long phase)
{
	unsigned long end = pages->first + size;
	unsigned long align, excess;

	if (end <= pages->end)
		return pages->end;
	align = min(rounddown_pow_of_two(size), VIOPF_BLOCK_PAGES);
	excess = (end + phase) & (align - 1);
	return excess < end - pages->end ? end - excess : end;
}

/* The access continues @s: set its new window of @size pages. */
static void advance(struct viopf_stream *s, const struct access *a,
		    unsigned long size, unsigned long phase)
{
	struct range win = a->pages;

	size = min(size, a->max_pages);
	if (s->down) {
		win = mirror(win, a->nr_pages);
		phase = -(phase + a->nr_pages);
	}
	win.end = min(window_end(&win, size, phase), a->nr_pages);
	if (s->down)
		win = mirror(win, a->nr_pages);

	s->first = win.first;
	s->end = win.end;
	s->size = min(size, VIOPF_GIANT_PAGES);
	s->late = 0;
	if (s->hits < HITS_MAX)
		s->hits++;
}

/* An access that no stream explains, but that may begin one. */
static void begin(struct viopf_window *w, const struct access *a)
{
	struct viopf_stream s = {
		.first = a->pages.first,
		.end = a->pages.end,
		.size = a->pages.end - a->pages.first,
	};

	to_front(w, VIOPF_WINDOW_STREAMS - 1, &s);
}

/* The stream that explains the access best; the most recent of equals. */
static enum fit best_fit(const struct viopf_window *w, const struct access *a,
			 size_t *best, bool *down)
{
	enum fit best_so_far = FIT_NONE;
	size_t i;

	for (i = 0; i < VIOPF_WINDOW_STREAMS; i++) {
		bool this_down;
		enum fit this = fit(&w->streams[i], a, &this_down);

		if (this <= best_so_far)
			continue;
		best_so_far = this;
		*best = i;
		*down = this_down;
	}
	return best_so_far;
}

/**
 * viopf_window_init() - follow no streams yet
 * @w: the window, of any content
 * @first_iopfn: IOVA page number of the segment's page 0
 */
void viopf_window_init(struct viopf_window *w, unsigned long first_iopfn)
{
	memset(w, 0, sizeof(*w));
	w->phase = first_iopfn & (VIOPF_BLOCK_PAGES - 1);
}

/**
 * viopf_window_inherit() - take over a stream from the neighbouring segment
 * @w: the window of the segment that a fault is in, at or next to its edge
 * @neighbour: the window of the segment on the other side of that edge
 * @neighbour_pages: pages of that segment
 * @nr_pages: pages of the segment of @w
 * @down: the neighbour lies above, and the edge is the end of the segment of @w;
 *        else it lies below and the edge is page 0
 *
 * For a fault within %VIOPF_WINDOW_GAP pages of the edge, before
 * viopf_window_pick(), whether or not the segment is new. If a stream of the
 * neighbour ended at the edge, going towards @w, it is expected to go on here,
 * and is the neighbour's no longer.
 */
void viopf_window_inherit(struct viopf_window *w,
			  struct viopf_window *neighbour,
			  unsigned long neighbour_pages,
			  unsigned long nr_pages, bool down)
{
	unsigned long edge = down ? nr_pages : 0;
	size_t i;

	for (i = 0; i < VIOPF_WINDOW_STREAMS; i++) {
		struct viopf_stream s = neighbour->streams[i];
		bool at_edge = down ? !s.first : s.end == neighbour_pages;

		if (!s.size || !at_edge || (s.hits && s.down != down))
			continue;
		neighbour->streams[i].size = 0;
		s.first = edge;
		s.end = edge;
		s.down = down;
		s.late = 0;
		to_front(w, VIOPF_WINDOW_STREAMS - 1, &s);
		return;
	}
}

/* The end of a fixed window of @size pages. */
static unsigned long fixed_end(const struct access *a, unsigned long size)
{
	size = min(size, a->max_pages);
	size = min(size, a->nr_pages - a->pages.first);
	return max(a->pages.end, a->pages.first + size);
}

/**
 * viopf_window_pick() - what to map for a fault
 * @w: the streams of its segment
 * @page: the first page asked for
 * @nr_demanded: how many are asked for, at least one
 * @nr_pages: pages of the segment, at most %VIOPF_GIANT_PAGES
 * @max_pages: the largest window; 0 or 1 to map exactly what is asked for
 * @first: set to the first page to map
 * @end: set to the page after the last to map
 * @populate: set to whether pages beyond those asked for may be brought in; else
 *            they are to be mapped only if they are resident
 *
 * The pages asked for are always in [@first, @end). For each fault this is to be
 * called once, however often the fault is tried again.
 */
void viopf_window_pick(struct viopf_window *w, unsigned long page,
		       unsigned long nr_demanded, unsigned long nr_pages,
		       unsigned long max_pages, unsigned long *first,
		       unsigned long *end, bool *populate)
{
	struct access a = {
		.pages = { page, page + nr_demanded },
		.nr_pages = nr_pages,
		.max_pages = max_pages,
	};
	unsigned long fixed = READ_ONCE(viopf_window_fixed);
	struct viopf_stream s;
	enum fit how;
	size_t i;
	bool down;

	*first = a.pages.first;
	*end = a.pages.end;
	*populate = false;
	if (WARN_ON_ONCE(!nr_demanded || nr_demanded > nr_pages ||
			 page > nr_pages - nr_demanded ||
			 nr_pages > VIOPF_GIANT_PAGES))
		return;
	if (max_pages <= 1)
		return;
	if (fixed) {
		*end = fixed_end(&a, fixed);
		*populate = *end > a.pages.end;
		return;
	}

	how = best_fit(w, &a, &i, &down);
	if (how == FIT_NONE) {
		begin(w, &a);
		return;
	}
	if (how == FIT_LATE && ++w->streams[i].late < LATE_MAX) {
		viopf_window_mapped(w, *first, *end);
		return;
	}

	s = w->streams[i];
	s.down = down;
	advance(&s, &a, how == FIT_LATE ? s.size / 2 : 2UL * s.size, w->phase);
	to_front(w, i, &s);
	*first = s.first;
	*end = s.end;
	*populate = s.hits >= POPULATE_HITS &&
		    *end - *first > nr_demanded;
}

/**
 * viopf_window_mapped() - tell what a fault has mapped
 * @w: the streams of its segment
 * @first: first page mapped
 * @end: the page after the last mapped
 *
 * Needed when that is more than was picked, as a large leaf took in pages outside
 * the window: the stream is then expected to go on after the leaf. Otherwise it
 * does no harm.
 */
void viopf_window_mapped(struct viopf_window *w, unsigned long first,
			 unsigned long end)
{
	struct viopf_stream *s;

	for (s = w->streams; s < w->streams + VIOPF_WINDOW_STREAMS; s++) {
		if (!s->size || s->first >= end || s->end <= first)
			continue;
		if (s->first > first && (s->down || !s->hits))
			s->first = first;
		if (s->end < end && (!s->down || !s->hits))
			s->end = end;
	}
}

/**
 * viopf_window_cut() - tell that less was populated than was picked
 * @w: the streams of its segment
 * @page: the page asked for
 * @first: first page that was populated
 * @end: the page after the last; @page lies in [@first, @end)
 *
 * As memory is slow to come: the stream goes on where that ended, with as many pages as
 * could be had this time.
 */
void viopf_window_cut(struct viopf_window *w, unsigned long page,
		      unsigned long first, unsigned long end)
{
	struct viopf_stream *s;

	for (s = w->streams; s < w->streams + VIOPF_WINDOW_STREAMS; s++) {
		if (!s->size || page < s->first || page >= s->end ||
		    first < s->first || end > s->end)
			continue;
		s->first = first;
		s->end = end;
		s->size = max(1UL, (end - first) / 2);
		return;
	}
}
