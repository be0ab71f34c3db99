// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault-around policy against a second telling of it: both directions spelt
 * out rather than mirrored, streams with time stamps rather than in order,
 * aligned ends found by searching. Whatever the streams hold, the answer must
 * also be a sane one.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/window.h"
#include "support.h"

#define STREAMS		4
#define GAP		8
#define BLOCK		512
#define LATE_MAX	64
#define GIANT		262144L
#define CURSORS		6

enum fit { NONE, LATE, INSIDE, AHEAD };

struct model_stream {
	long	first, end, size;	/* size 0: free */
	int	hits, direction, late;
	long	stamp;
};

struct model {
	struct model_stream	stream[STREAMS];
	long			phase, clock;
};

struct answer {
	unsigned long	first, end;
	bool		populate;
};

static enum fit fit_up(const struct model_stream *s, long first)
{
	if (first >= s->end)
		return first - s->end <= GAP ? AHEAD : NONE;
	if (s->hits >= 2)
		return first >= s->first ? LATE : NONE;
	return first > s->first ? INSIDE : NONE;
}

static enum fit fit_down(const struct model_stream *s, long end)
{
	if (end <= s->first)
		return s->first - end <= GAP ? AHEAD : NONE;
	if (s->hits >= 2)
		return end <= s->end ? LATE : NONE;
	return end < s->end ? INSIDE : NONE;
}

static struct model_stream *model_find(struct model *m, long first, long end,
				       enum fit *best, int *direction)
{
	struct model_stream *found = NULL;
	int i, way;

	*best = NONE;
	for (i = 0; i < 2 * STREAMS; i++) {
		struct model_stream *s = &m->stream[i / 2];
		enum fit fit;

		way = i % 2 ? -1 : 1;
		if (!s->size || (s->hits && s->direction != way))
			continue;
		fit = way > 0 ? fit_up(s, first) : fit_down(s, end);
		if (!fit || fit < *best)
			continue;
		/* Of equals the latest; up before down for the same stream. */
		if (found && fit == *best && s->stamp <= found->stamp)
			continue;
		found = s;
		*best = fit;
		*direction = way;
	}
	return found;
}

static long alignment(long size)
{
	long align = 1;

	while (align * 2 <= size && align < BLOCK)
		align *= 2;
	return align;
}

static long model_end_up(const struct model *m, long first, long end, long size)
{
	long want = first + size, e;

	if (want <= end)
		return end;
	for (e = want; (e + m->phase) % alignment(size); e--)
		;
	return e > end ? e : want;
}

static long model_first_down(const struct model *m, long first, long end,
			     long size)
{
	long want = end - size, f;

	if (want >= first)
		return first;
	for (f = want; (f + m->phase + 4 * GIANT) % alignment(size); f++)
		;
	return f < first ? f : want;
}

static void model_mapped(struct model *m, long first, long end)
{
	int i;

	for (i = 0; i < STREAMS; i++) {
		struct model_stream *s = &m->stream[i];

		if (!s->size || s->first >= end || first >= s->end)
			continue;
		if (first < s->first && (!s->hits || s->direction < 0))
			s->first = first;
		if (end > s->end && (!s->hits || s->direction > 0))
			s->end = end;
	}
}

static struct model_stream *model_oldest(struct model *m)
{
	struct model_stream *oldest = &m->stream[0];
	int i;

	for (i = 1; i < STREAMS; i++)
		if (m->stream[i].stamp < oldest->stamp)
			oldest = &m->stream[i];
	return oldest;
}

static void model_continue(struct model *m, struct model_stream *s,
			   long first, long end, long nr_pages)
{
	if (s->direction > 0)
		end = model_end_up(m, first, end, s->size);
	else
		first = model_first_down(m, first, end, s->size);
	s->first = first < 0 ? 0 : first;
	s->end = end > nr_pages ? nr_pages : end;
	s->late = 0;
	s->hits++;
	s->stamp = ++m->clock;
}

/* Page by page: as many as it is to have, while there are any. */
static struct answer model_fixed(long first, long nr, long nr_pages,
				 long max_pages, long fixed)
{
	long end = first + nr;

	while (end - first < fixed && end - first < max_pages && end < nr_pages)
		end++;
	return (struct answer){ first, end, end != first + nr };
}

static struct answer model_pick(struct model *m, long first, long nr,
				long nr_pages, long max_pages, long fixed)
{
	struct answer exact = { first, first + nr, false };
	struct model_stream *s;
	enum fit fit;
	int direction;

	if (max_pages <= 1)
		return exact;
	if (fixed)
		return model_fixed(first, nr, nr_pages, max_pages, fixed);
	s = model_find(m, first, first + nr, &fit, &direction);
	if (!s) {
		*model_oldest(m) = (struct model_stream){
			first, first + nr, nr, 0, 0, 0, ++m->clock
		};
		return exact;
	}
	if (fit == LATE && ++s->late < LATE_MAX) {
		model_mapped(m, first, first + nr);
		return exact;
	}
	s->direction = direction;
	s->size = fit == LATE ? s->size / 2 : s->size * 2;
	if (s->size > max_pages)
		s->size = max_pages;
	model_continue(m, s, first, first + nr, nr_pages);
	if (s->size > GIANT)
		s->size = GIANT;
	return (struct answer){ s->first, s->end,
				s->hits >= 2 && s->end - s->first > nr };
}

static void model_inherit(struct model *m, struct model *from, long from_pages,
			  long nr_pages, bool down)
{
	struct model_stream *best = NULL;
	int i;

	for (i = 0; i < STREAMS; i++) {
		struct model_stream *s = &from->stream[i];
		bool at_edge = down ? s->first == 0 : s->end == from_pages;

		if (!s->size || !at_edge ||
		    (s->hits && s->direction != (down ? -1 : 1)))
			continue;
		if (!best || s->stamp > best->stamp)
			best = s;
	}
	if (!best)
		return;
	*model_oldest(m) = (struct model_stream){
		.first = down ? nr_pages : 0,
		.end = down ? nr_pages : 0,
		.size = best->size,
		.hits = best->hits,
		.direction = down ? -1 : 1,
		.stamp = ++m->clock,
	};
	best->size = 0;
}

/* One segment, and where some accesses to it are up to. */
struct side {
	struct viopf_window	w;
	struct model		m;
	long			nr_pages, max_pages, fixed;
	struct answer		cursor[CURSORS];
};

static void side_init(struct side *side, struct bytes *b)
{
	static const long max_pages[] = { 0, 1, 2, 3, 7, 64, 1000, 2048, GIANT };
	static const long fixed[] = { 0, 0, 0, 0, 1, 16, 512, 5000 };
	unsigned long iopfn = bytes_take(b, 2);

	memset(side, 0, sizeof(*side));
	side->nr_pages = 1 + bytes_below(b, 16384);
	side->max_pages = max_pages[bytes_below(b, 9)];
	side->fixed = fixed[bytes_below(b, 8)];
	viopf_window_init(&side->w, iopfn);
	side->m.phase = iopfn % BLOCK;
}

/* The next access: mostly where a cursor goes on, give or take a little. */
static long next_page(const struct side *side, const struct answer *cursor,
		      u32 what, struct bytes *b)
{
	switch (what % 8) {
	case 0:
		return bytes_below(b, side->nr_pages);
	case 1:
		return cursor->first + bytes_below(b, 16);
	case 2:
		return cursor->end + bytes_below(b, 12);
	case 3:
		return (long)cursor->first - 1 - bytes_below(b, 12);
	case 4:
		return (long)cursor->first - 1;
	default:
		return cursor->end;
	}
}

static void pick(struct side *side, u32 what, struct bytes *b)
{
	struct answer *cursor = &side->cursor[what / 8 % CURSORS];
	long page = next_page(side, cursor, what, b);
	long nr = what & 0x80 ? 1 + bytes_below(b, 20) : 1;
	struct answer got, want;

	if (page < 0 || page >= side->nr_pages)
		page = bytes_below(b, side->nr_pages);
	if (nr > side->nr_pages - page)
		nr = side->nr_pages - page;

	viopf_window_fixed = side->fixed;
	viopf_window_pick(&side->w, page, nr, side->nr_pages, side->max_pages,
			  &got.first, &got.end, &got.populate);
	viopf_window_fixed = 0;
	want = model_pick(&side->m, page, nr, side->nr_pages, side->max_pages,
			  side->fixed);
	CHECK(got.first == want.first);
	CHECK(got.end == want.end);
	CHECK(got.populate == want.populate);
	*cursor = got;
}

static void mapped(struct side *side, struct bytes *b)
{
	long first = bytes_below(b, side->nr_pages);
	long end = first + 1 + bytes_below(b, BLOCK);

	if (end > side->nr_pages)
		end = side->nr_pages;
	viopf_window_mapped(&side->w, first, end);
	model_mapped(&side->m, first, end);
}

static void inherit(struct side *to, struct side *from, bool down)
{
	viopf_window_inherit(&to->w, &from->w, from->nr_pages, to->nr_pages,
			     down);
	model_inherit(&to->m, &from->m, from->nr_pages, to->nr_pages, down);
}

void window_drive(struct bytes *b)
{
	struct side *sides = calloc(2, sizeof(*sides));

	if (!sides)
		abort();
	side_init(&sides[0], b);
	side_init(&sides[1], b);
	while (b->left) {
		u32 which = bytes_take(b, 1);
		u32 what = bytes_take(b, 1);

		if (which < 4)
			mapped(&sides[which % 2], b);
		else if (which < 12)
			inherit(&sides[which % 2], &sides[!(which % 2)],
				which % 4 / 2);
		else
			pick(&sides[which % 2], what, b);
	}
	CHECK(!shim_warnings);
	free(sides);
}
