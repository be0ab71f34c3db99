/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much to map around a fault: the streams of one segment.
 *
 * See window.c for the policy.
 */
#ifndef VIOPF_WINDOW_H
#define VIOPF_WINDOW_H

#include <linux/types.h>

/* Streams followed at a time in a segment. */
#define VIOPF_WINDOW_STREAMS	4

/* A fault up to this many pages ahead of where a stream ended continues it. */
#define VIOPF_WINDOW_GAP	8

/*
 * The largest window, unless the administrator says otherwise: 8 MiB. With half
 * of it a sequential GiB takes over 256 faults, as the window has to grow first.
 */
#define VIOPF_WINDOW_MAX_PAGES	2048

/*
 * Pages of every window, from the one asked for on; 0: the window adapts. A module
 * parameter, there to measure the policy against.
 */
extern unsigned int viopf_window_fixed;

/**
 * struct viopf_stream - one stream of accesses, as far as it got
 * @first: first page of its last window
 * @end: the page after that window's last
 * @size: pages the window was meant to have; 0: the slot is free
 * @hits: times in a row that it was continued, up to 3
 * @down: it goes down; without hits it has no direction yet
 * @late: faults that hit its last window after this was to be populated
 */
struct viopf_stream {
	u32	first;
	u32	end;
	u32	size : 20;
	u32	hits : 2;
	u32	down : 1;
	u32	late : 7;
};

/**
 * struct viopf_window - the streams of a segment
 * @streams: those followed, the most recently continued first
 * @phase: IOVA page number of page 0, as far as block alignment needs it
 */
struct viopf_window {
	struct viopf_stream	streams[VIOPF_WINDOW_STREAMS];
	u32			phase;
};

void viopf_window_init(struct viopf_window *w, unsigned long first_iopfn);
void viopf_window_inherit(struct viopf_window *w,
			  struct viopf_window *neighbour,
			  unsigned long neighbour_pages,
			  unsigned long nr_pages, bool down);
void viopf_window_pick(struct viopf_window *w, unsigned long page,
		       unsigned long nr_demanded, unsigned long nr_pages,
		       unsigned long max_pages, unsigned long *first,
		       unsigned long *end, bool *populate);
void viopf_window_cut(struct viopf_window *w, unsigned long page,
		      unsigned long first, unsigned long end);
void viopf_window_mapped(struct viopf_window *w, unsigned long first,
			 unsigned long end);

#endif /* VIOPF_WINDOW_H */
