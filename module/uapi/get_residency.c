// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOPF_RESIDENCY: which pages devices can reach, as the record says.
 *
 * A byte a page is put together in a buffer of the kernel's, for a chunk of one
 * segment at a time, under the segment's lock; and copied to user space, which may
 * fault, without it. Where there is no segment nothing was ever mapped: zeroes, for
 * which nothing is made.
 */
#include "uapi/internal.h"

/* Pages, and bytes of answer, that are dealt with at a time. */
#define VIOPF_REPORT_CHUNK	4096UL

/**
 * struct viopf_report - one call at work
 * @iova: where to go on
 * @left: pages that are left
 * @data: where to put what is said of them
 * @chunk: room for VIOPF_REPORT_CHUNK bytes
 */
struct viopf_report {
	unsigned long	iova;
	unsigned long	left;
	u8 __user	*data;
	u8		*chunk;
};

static void viopf_report_advance(struct viopf_report *report,
				 unsigned long pages)
{
	report->iova += pages << PAGE_SHIFT;
	report->data += pages;
	report->left -= pages;
}

/* What of a segment is at [first, end), into the buffer. */
static void viopf_report_fill(struct viopf_segment *segment,
			      unsigned long first, unsigned long end, u8 *bytes)
{
	const struct viopf_residency *r = &segment->table.residency;
	unsigned long base = first, page, stop;

	lockdep_assert_held(&segment->table.lock);

	memset(bytes, 0, end - first);
	for (; viopf_residency_next_run(r, &first, &stop, end); first = stop) {
		for (page = first; page < stop; page++) {
			u8 *byte = &bytes[page - base];

			*byte = VFIO_IOPF_PAGE_RESIDENT;
			if (viopf_residency_test(r, page, true))
				*byte |= VFIO_IOPF_PAGE_WRITABLE;
			if (viopf_residency_is_huge(r, page))
				*byte |= VFIO_IOPF_PAGE_HUGE;
			if (viopf_table_pinned(&segment->table, page))
				*byte |= VFIO_IOPF_PAGE_PINNED;
			if (viopf_age_is_young(&segment->table, page))
				*byte |= VFIO_IOPF_PAGE_YOUNG;
		}
	}
	if (segment->table.dirty) {
		page = base;
		for_each_set_bit_from(page, segment->table.dirty, end)
			bytes[page - base] |= VFIO_IOPF_PAGE_DIRTY;
	}
}

static int viopf_report_segment(struct viopf_report *report,
				struct viopf_segment *segment)
{
	unsigned long first = viopf_segment_page(segment, report->iova);
	unsigned long pages = min3(viopf_segment_pages(segment) - first,
				   report->left, VIOPF_REPORT_CHUNK);
	bool dead;

	mutex_lock(&segment->table.lock);
	dead = segment->table.dead;
	viopf_report_fill(segment, first, first + pages, report->chunk);
	mutex_unlock(&segment->table.lock);

	if (dead)
		return -EAGAIN;
	if (copy_to_user(report->data, report->chunk, pages))
		return -EFAULT;
	viopf_report_advance(report, pages);
	return 0;
}

/* There is no segment at report->iova; up to the next there is nothing to say. */
static int viopf_report_hole(struct viopf_report *report,
			     struct viopf_mapping *mapping)
{
	unsigned long index = report->iova, pages;
	struct viopf_segment *next;

	next = mt_find(&mapping->segments, &index, mapping->node.last);
	if (next && next->table.iova <= report->iova)
		return 0;	/* just made */
	pages = ((next ? next->table.iova - 1 : mapping->node.last) - report->iova) >>
		PAGE_SHIFT;
	pages = min3(pages + 1, report->left, VIOPF_REPORT_CHUNK);

	if (clear_user(report->data, pages))
		return -EFAULT;
	viopf_report_advance(report, pages);
	return 0;
}

/*
 * A mapping is being removed, or gets another address: what was pinned in it may be
 * its successor's by now, which is not to be found until that is over.
 */
static int viopf_report_wait(struct viopf_container *container)
{
	if (mutex_lock_killable(&container->lock))
		return -EINTR;
	mutex_unlock(&container->lock);
	return 0;
}

/* A chunk, or a hole; the mapping is looked up anew, as it may have changed. */
static int viopf_report_step(struct viopf_report *report,
			     struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	struct viopf_segment *segment;
	int ret;

	if (fatal_signal_pending(current))
		return -EINTR;
	mapping = viopf_mapping_find_get(container, report->iova);
	if (!mapping)
		return -ENOENT;
	segment = mtree_load(&mapping->segments, report->iova);
	ret = segment ? viopf_report_segment(report, segment) :
			viopf_report_hole(report, mapping);
	viopf_mapping_put(mapping);
	return ret == -EAGAIN ? viopf_report_wait(container) : ret;
}

/**
 * viopf_get_residency() - VFIO_IOPF_RESIDENCY
 * @container: of which
 * @arg: struct vfio_iopf_residency
 *
 * Return: 0; -EINVAL: a bad structure or range; -ENOENT: not mapped; -EFAULT: the
 * structure or the data can't be accessed; -EINTR: killed; -ENOMEM.
 */
long viopf_get_residency(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_residency, data);
	struct vfio_iopf_residency residency;
	struct viopf_report report = { };
	int ret = 0;

	if (copy_from_user(&residency, arg, minsz))
		return -EFAULT;
	if (residency.argsz < minsz || residency.flags ||
	    !viopf_is_page_range(residency.iova, residency.size))
		return -EINVAL;

	report.iova = residency.iova;
	report.left = residency.size >> PAGE_SHIFT;
	report.data = u64_to_user_ptr(residency.data);
	report.chunk = kmalloc(VIOPF_REPORT_CHUNK, GFP_KERNEL_ACCOUNT);
	if (!report.chunk)
		return -ENOMEM;
	while (!ret && report.left) {
		ret = viopf_report_step(&report, container);
		cond_resched();
	}
	kfree(report.chunk);
	return ret;
}
