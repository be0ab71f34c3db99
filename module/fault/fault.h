/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the floor of page requests offers: the handler and the workers, who answers and who
 * gives up, and memory had brought in and mapped by others than they.
 */
#ifndef VIOPF_FAULT_H
#define VIOPF_FAULT_H

#include <linux/slab.h>

#include "object/object.h"

struct mem_cgroup;

/* What the iommu core calls when a device asks for pages: handler.c. */
int viopf_iopf_handler(struct iopf_group *group);

/* A container's workers: pool.c. */
int viopf_workers_start(struct viopf_container *container);
bool viopf_workers_abort(struct viopf_container *container);
void viopf_workers_stop(struct viopf_container *container);

/* Page request groups, queued and answered: answer.c. */
void viopf_answer(struct viopf_container *container, struct iopf_group *group,
		  enum iommu_page_response_code code, enum viopf_by by);
void viopf_answer_list(struct viopf_container *container,
		       struct list_head *groups,
		       enum iommu_page_response_code code, enum viopf_by by);
void viopf_faults_queue(struct viopf_container *container,
			struct iopf_group *group);

/* Page requests given up: cancel.c. */
void viopf_faults_suspend(struct viopf_mapping *mapping);
void viopf_faults_cancel_mapping(struct viopf_mapping *mapping);
void viopf_faults_cancel_group(struct viopf_group *vgroup);

/* Which page requests are to be given up: all that match what is set. */
struct viopf_cancel {
	const struct viopf_mapping	*mapping;
	const struct viopf_group	*vgroup;
};

/* Groups that wait for something other than memory: waiting.c. */
void viopf_waiting_del(struct viopf_container *container,
		       struct iopf_group *group);
void viopf_waiting_take_from(struct viopf_container *container,
			     struct list_head *from,
			     const struct viopf_cancel *cancel,
			     struct list_head *to);
void viopf_waiting_take_handed(struct viopf_container *container,
			       const struct viopf_cancel *cancel,
			       struct list_head *to);
void viopf_waiting_fail(struct viopf_container *container);

/* group->cookie of one that user space agreed to; below it are those that it reads. */
#define VIOPF_COOKIE_APPROVED	BIT(31)

/**
 * struct viopf_fault_fd - what a VFIO_IOPF_FAULT_FD stands for
 * @ref: the file's, and the container's as long as it points here
 * @lock: guards @container; taken outside its fault_lock
 * @container: NULL before it is attached, and once it is gone
 * @wait: readers
 */
struct viopf_fault_fd {
	struct kref		ref;
	spinlock_t		lock;	/* around fault_lock */
	struct viopf_container	*container;
	wait_queue_head_t	wait;
};

/**
 * struct viopf_fault_ctx - who has memory brought in and mapped
 * @container: in which container
 * @worker: it is a worker's context; otherwise that of a task in a system call,
 *	which any signal interrupts
 * @id: of the page request group that a worker is at, for tracing; else 0
 * @pfns: room for a window's snapshot, VIOPF_WINDOW_MAX_PAGES; apart from the rest, as by a
 *	few bytes more than a power of two they would take twice the memory
 *
 * Used by one thread at a time.
 */
struct viopf_fault_ctx {
	struct viopf_container	*container;
	bool			worker;
	u64			id;
	unsigned long		*pfns;
};

/* To be freed by kvfree(). */
static inline unsigned long *viopf_fault_pfns_alloc(gfp_t gfp)
{
	return kvmalloc_array(VIOPF_WINDOW_MAX_PAGES, sizeof(unsigned long), gfp);
}

/* Which pages of a span somebody asks for. The others are mapped where that costs nothing. */
enum viopf_asks {
	VIOPF_ASKS_PAGE,	/* a fault: one page */
	VIOPF_ASKS_ALL,		/* a prefetch: all of it */
	VIOPF_ASKS_NOTHING,	/* a prefetch of what is resident */
};

/**
 * struct viopf_span - what a fault or a prefetch is to map
 * @id: of the page request group that asks for it, for tracing; else 0
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
	u64		id;
	unsigned long	page;
	enum viopf_asks	asks;
	bool		write;
	unsigned long	first;
	unsigned long	end;
	bool		populate;
	bool		huge;
	bool		absent;
};

/* A fault or a prefetch, from the span to what is mapped: span.c, resolve.c. */
bool viopf_span_ahead(struct viopf_segment *segment, struct viopf_span *span,
		      unsigned long end);
struct viopf_segment *viopf_fault_segment(struct viopf_fault_ctx *ctx,
					  struct viopf_mapping *mapping,
					  unsigned long iova);
int viopf_fault_span(struct viopf_fault_ctx *ctx, struct viopf_segment *segment,
		     struct viopf_span *span);

/* For who pins memory: bring_in.c, pfnmap.c. */
void viopf_back_off(struct viopf_container *container, u64 id, unsigned int tries);
unsigned long viopf_vma_pages(struct mm_struct *mm, unsigned long uaddr,
			      unsigned long max);
int viopf_pfnmap_follow(struct mm_struct *mm, unsigned long uaddr, bool write,
			unsigned long *pfn, bool *writable);

/**
 * struct viopf_charge - what is allocated is charged to the owner of an mm
 * @memcg: the owner's memory cgroup; a reference
 * @old: what was charged before
 */
struct viopf_charge {
	struct mem_cgroup	*memcg;
	struct mem_cgroup	*old;
};

/* See owner.c. */
void viopf_charge_begin(struct viopf_charge *charge, struct mm_struct *mm);
void viopf_charge_end(struct viopf_charge *charge);

#endif /* VIOPF_FAULT_H */
