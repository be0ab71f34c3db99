/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages a fault looks at: see span.c.
 */
#ifndef VIOPF_SPAN_H
#define VIOPF_SPAN_H

#include "object/segment.h"

/* Which pages of a span somebody asks for. The others are mapped where that costs nothing. */
enum viopf_asks {
	VIOPF_ASKS_PAGE,	/* a fault: one page */
	VIOPF_ASKS_ALL,		/* a prefetch: all of it */
	VIOPF_ASKS_NOTHING,	/* a prefetch of what is resident */
};

/**
 * struct viopf_span - what a fault or a prefetch is to map
 * @page: the page asked for; of a prefetch the first that is not done, moving on
 * @asks: what is asked for
 * @write: for writing
 * @first: first page to look at, @page or before
 * @end: the page after the last
 * @populate: the others may be brought in too
 * @huge: they lie beside a huge page, and may be such
 * @absent: @page has just been looked at and was not resident
 */
struct viopf_span {
	unsigned long	page;
	enum viopf_asks	asks;
	bool		write;
	unsigned long	first;
	unsigned long	end;
	bool		populate;
	bool		huge;
	bool		absent;
};

struct viopf_segment *
viopf_span_neighbour(struct viopf_segment *segment, unsigned long page,
		     bool *down);
void viopf_span_around(const struct viopf_segment *segment,
		       struct viopf_span *span);
bool viopf_span_begin(struct viopf_segment *segment, struct viopf_span *span);
bool viopf_span_ahead(struct viopf_segment *segment, struct viopf_span *span,
		      unsigned long end);

#endif /* VIOPF_SPAN_H */
