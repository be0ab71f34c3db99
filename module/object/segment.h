/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments of a mapping: see segment.c.
 */
#ifndef VIOPF_SEGMENT_H
#define VIOPF_SEGMENT_H

#include <linux/mmu_notifier.h>

#include "object/mapping.h"

#define VIOPF_SEGMENT_BYTES	BIT(VIOPF_SEGMENT_SHIFT)

/**
 * struct viopf_bring_in - a worker has memory brought in
 * @node: in segment->bring_ins
 * @task: the worker, which can be woken by SIGKILL
 * @first: first page
 * @end: the page after the last
 *
 * On the worker's stack.
 */
struct viopf_bring_in {
	struct list_head	node;
	struct task_struct	*task;
	unsigned long		first;
	unsigned long		end;
};

/**
 * struct viopf_segment - unit of notification, locking and bookkeeping
 * @notifier: tells when the mm takes part of it away
 * @mapping: what it is a piece of
 * @uaddr: where its memory begins
 * @table: what the IOMMU maps of it; its lock guards what follows as well
 * @window: how far faults look around
 * @notifier_seq: of @notifier, the sequence that the last snapshot held good for, or 0
 * @absent: one more than the page that the handler has just found not resident, or 0
 * @bring_ins: struct viopf_bring_in
 */
struct viopf_segment {
	struct mmu_interval_notifier	notifier;
	struct viopf_mapping		*mapping;
	unsigned long			uaddr;

	struct viopf_table		table;
	struct viopf_window		window;
	unsigned long			notifier_seq;
	unsigned long			absent;
	struct list_head		bring_ins;
};

struct viopf_segment *viopf_segment_get(struct viopf_mapping *mapping,
					unsigned long iova);
struct viopf_segment *viopf_segment_clone(struct viopf_mapping *mapping,
					  const struct viopf_segment *old);

/* The page at @iova, counted from the start of the segment. */
static inline unsigned long viopf_segment_page(const struct viopf_segment *seg,
					       unsigned long iova)
{
	return viopf_table_page(&seg->table, iova);
}

static inline unsigned long viopf_segment_iova(const struct viopf_segment *seg,
					       unsigned long page)
{
	return viopf_table_iova(&seg->table, page);
}

static inline unsigned long viopf_segment_uaddr(const struct viopf_segment *seg,
						unsigned long page)
{
	return seg->uaddr + (page << PAGE_SHIFT);
}

static inline unsigned long viopf_segment_pages(const struct viopf_segment *seg)
{
	return seg->table.residency.nr_pages;
}

/* The page after the last one that is not beyond @last. */
static inline unsigned long viopf_segment_end(const struct viopf_segment *seg,
					      unsigned long last)
{
	return min(viopf_segment_pages(seg), viopf_segment_page(seg, last) + 1);
}

static inline unsigned long viopf_segment_bytes(const struct viopf_segment *seg)
{
	return viopf_segment_pages(seg) << PAGE_SHIFT;
}

/* Each segment of a mapping, by address; @_index is an unsigned long. */
#define viopf_for_each_segment(_segment, _mapping, _index)			\
	for ((_index) = 0, (_segment) = mt_find(&(_mapping)->segments,		\
						&(_index), ULONG_MAX);		\
	     (_segment);							\
	     (_segment) = mt_find_after(&(_mapping)->segments, &(_index),	\
					ULONG_MAX))

#endif /* VIOPF_SEGMENT_H */
