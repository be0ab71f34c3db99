// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests that wait are resolved, and answered, together.
 *
 * A device that needs a buffer asks for its pages one by one, in one group or in many,
 * and so do several queues at work in the same place. By the time that a worker takes
 * up one of these requests, others may stand in line for the pages beside it. Each
 * by itself would be looked for, brought in and mapped; together they are one span.
 *
 *  - Before the page is looked for the span grows over the pages beside it that are
 *    asked for too (viopf_merge_span()): sorted by address, whatever order they came
 *    in, and brought in and mapped in one pass.
 *  - When the span is mapped, the groups that stand in line for what is resident now
 *    are answered at once (viopf_merge_answer()), those that came meanwhile as well.
 *
 * No request waits for another one's page: neighbours are brought in after the page
 * itself, and only if that waits neither for a disk nor for user space (bring_in.c). What
 * can't be had so stays in line; a worker will wait for it.
 *
 * DOC: who has a group
 *
 * Nothing is taken off the queue before it is known to be satisfied. That is looked at
 * under segment->table.lock, with the record, and fault_lock, with the queue. So a group is
 * either in line, where detach finds it, or about to be answered SUCCESS, truthfully,
 * which detach waits for.
 */
#include "fault/internal.h"

/* A span grows up to the ends of the aligned block of this many pages around its page. */
#define VIOPF_MERGE_PAGES	VIOPF_BLOCK_PAGES

/*
 * How far down the queue it looks, with a spinlock held: so many requests. A group costs
 * something by itself, and counts as eight at the least.
 */
#define VIOPF_MERGE_REQUESTS	512
#define VIOPF_MERGE_GROUP	8

static unsigned long viopf_merge_page(const struct viopf_segment *segment,
				      const struct iommu_fault_page_request *request)
{
	unsigned long iova = request->addr & PAGE_MASK;

	return iova < segment->table.iova ? ULONG_MAX :
				      viopf_segment_page(segment, iova);
}

/* Is a group, the next one in the queue, near enough to be looked at? */
static bool viopf_merge_reaches(const struct iopf_group *group,
				unsigned int *left)
{
	size_t cost = max_t(size_t, group->fault_count, VIOPF_MERGE_GROUP);

	if (cost > *left)
		return false;
	*left -= cost;
	return true;
}

/* Note which pages of the block at @base a group asks for, with that permission. */
static void viopf_merge_note(const struct viopf_segment *segment,
			     const struct iopf_group *group, bool write,
			     unsigned long base, unsigned long *asked)
{
	struct iopf_fault *fault;

	list_for_each_entry(fault, &group->faults, list) {
		const struct iommu_fault_page_request *request = &fault->fault.prm;
		unsigned long page = viopf_merge_page(segment, request);

		if (page >= base && page - base < VIOPF_MERGE_PAGES &&
		    !!(viopf_fault_need(request) & IOMMU_WRITE) == write)
			__set_bit(page - base, asked);
	}
}

static void viopf_merge_note_all(const struct viopf_worker *worker,
				 const struct viopf_segment *segment, bool write,
				 unsigned long base, unsigned long *asked)
{
	struct viopf_container *container = worker->container;
	unsigned int left = VIOPF_MERGE_REQUESTS;
	struct iopf_group *group;

	viopf_merge_note(segment, worker->group, write, base, asked);

	spin_lock(&container->fault_lock);
	list_for_each_entry(group, &container->fault_queue, node) {
		if (!viopf_merge_reaches(group, &left))
			break;
		viopf_merge_note(segment, group, write, base, asked);
	}
	spin_unlock(&container->fault_lock);
}

/**
 * viopf_merge_span() - let a fault's span grow over what others ask for beside it
 * @worker: whose fault it is
 * @segment: where
 * @span: of one page, as viopf_span_begin() left it
 *
 * Not where a fault is to map just its page: in a user-handled mapping, while dirty
 * pages are tracked, with window_max_pages=1.
 */
void viopf_merge_span(const struct viopf_worker *worker,
		      const struct viopf_segment *segment,
		      struct viopf_span *span)
{
	unsigned long base = round_down(span->page, VIOPF_MERGE_PAGES);
	unsigned long at = span->page - base, first = at, end;
	DECLARE_BITMAP(asked, VIOPF_MERGE_PAGES);

	if (list_is_singular(&worker->group->faults) &&
	    list_empty(&worker->container->fault_queue))
		return;
	if (span->end - span->first > 1 || viopf_window_max_pages() == 1 ||
	    segment->mapping->mode == VIOPF_MODE_USER || READ_ONCE(segment->table.dirty))
		return;

	bitmap_zero(asked, VIOPF_MERGE_PAGES);
	viopf_merge_note_all(worker, segment, span->write, base, asked);
	__set_bit(at, asked);
	end = find_next_zero_bit(asked, VIOPF_MERGE_PAGES, at);
	while (first && test_bit(first - 1, asked))
		first--;
	if (end - first == 1)
		return;

	span->first = base + first;
	span->end = min(base + end, viopf_segment_pages(segment));
	span->populate = true;
	span->absent = false;
}

/* Is all that a group asks for mapped as it asks? */
static bool viopf_merge_satisfied(const struct viopf_segment *segment,
				  const struct iopf_group *group)
{
	const struct viopf_residency *r = &segment->table.residency;
	struct iopf_fault *fault;

	lockdep_assert_held(&segment->table.lock);

	list_for_each_entry(fault, &group->faults, list) {
		const struct iommu_fault_page_request *request = &fault->fault.prm;
		unsigned long page = viopf_merge_page(segment, request);
		int need = viopf_fault_need(request);

		if (page >= r->nr_pages || (segment->mapping->prot & need) != need ||
		    !viopf_residency_test(r, page, need & IOMMU_WRITE))
			return false;
	}
	return true;
}

/* Take the groups that are satisfied off the queue. */
static void viopf_merge_take(struct viopf_container *container,
			     const struct viopf_segment *segment,
			     struct list_head *satisfied)
{
	struct iopf_group *group, *next;
	unsigned int left = VIOPF_MERGE_REQUESTS;

	spin_lock(&container->fault_lock);
	list_for_each_entry_safe(group, next, &container->fault_queue, node) {
		if (!viopf_merge_reaches(group, &left))
			break;
		if (!viopf_merge_satisfied(segment, group))
			continue;
		list_move_tail(&group->node, satisfied);
		container->faults_queued -= group->fault_count;
		viopf_count(&container->iommu, groups_merged, 1);
		viopf_count(&container->iommu, faults_spurious, group->fault_count);
	}
	spin_unlock(&container->fault_lock);
}

/**
 * viopf_merge_answer() - answer what else a segment's pages were asked for by
 * @container: kept by a group of the caller's that has no answer yet
 * @segment: of a mapping that is not user-handled; not locked
 */
void viopf_merge_answer(struct viopf_container *container,
			struct viopf_segment *segment)
{
	LIST_HEAD(satisfied);

	if (list_empty(&container->fault_queue))
		return;
	mutex_lock(&segment->table.lock);
	if (!viopf_table_ready(&segment->table))
		viopf_merge_take(container, segment, &satisfied);
	mutex_unlock(&segment->table.lock);
	viopf_answer_list(container, &satisfied, IOMMU_PAGE_RESP_SUCCESS, VIOPF_BY_MERGE);
}
