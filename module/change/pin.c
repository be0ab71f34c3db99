// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins: pages that are resident for as long as they are pinned.
 *
 * A pinned page is what type1 makes of every page: pinned for long, charged to the
 * locked-memory limit of whoever made the mapping, and mapped. A segment knows its
 * pinned pages by a bit each; where the page is, is what the IOMMU says, so nothing
 * else is kept. The mm's evictions pass pinned pages by: what is pinned stays.
 *
 * Pins are made a range at a time, for a mapping as a whole (mode.c) or by advice.
 * A page is pinned once, whoever asks for it: it is unpinned when nobody does.
 *
 * DOC: a range's change
 *
 * To pinned: the pages are brought in and pinned first, holding no lock. Then,
 * under the segment's lock, what is mapped goes and the pinned pages come, in one
 * step, by leaves of their own. A device that asks meanwhile faults, waits for the
 * lock, and finds its page.
 *
 * To faultable: under the lock a few runs lose their bits and are unmapped; then,
 * without it, they are unpinned, as that takes locks that reclaim may hold while it
 * waits for ours. In between a fault may map such a page again: that is protected
 * by the notifier as any is.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "change/internal.h"

/* Pages pinned by one call; runs unmapped under one hold of the lock. */
#define VIOPF_PIN_BATCH		512UL
#define VIOPF_UNPIN_RUNS	32

/* Pages of a segment that lie together in memory. */
struct viopf_pin_run {
	unsigned long	page;
	unsigned long	pfn;
	unsigned long	nr_pages;
};

/* A run of pages to be pinned, where they are, and how many are charged. */
struct viopf_pin_job {
	struct viopf_segment	*segment;
	unsigned long		first;
	unsigned long		end;
	unsigned long		*pfns;
	unsigned long		charged;
};

/* As type1: the zero page, and what is no memory, is nobody's, and is not pinned. */
static bool viopf_pfn_is_reserved(unsigned long pfn)
{
	return !pfn_valid(pfn) || PageReserved(pfn_to_page(pfn));
}

/* Unpin what lies together; returns how many pages were charged for it. */
static unsigned long viopf_unpin_run(unsigned long pfn, unsigned long nr_pages,
				     bool dirty)
{
	unsigned long charged = 0, part;

	for (; nr_pages; nr_pages -= part, pfn += part) {
		for (part = 0; part < nr_pages; part++)
			if (viopf_pfn_is_reserved(pfn + part))
				break;
		if (part)
			unpin_user_page_range_dirty_lock(pfn_to_page(pfn), part,
							 dirty);
		charged += part;
		part += part < nr_pages;
	}
	return charged;
}

static void viopf_pin_put(const unsigned long *pfns, unsigned long nr_pages)
{
	unsigned long i;

	for (i = 0; i < nr_pages; i++)
		viopf_unpin_run(pfns[i], 1, false);
}

/**
 * viopf_pin_charge() - charge pages to a mapping's owner, or give them back
 * @mapping: with container->lock held
 * @pages: how many
 * @inc: charge
 *
 * Return: 0; -ENOMEM: over the locked-memory limit; -ESRCH: the process is gone;
 * -EINTR: killed. To give back can't fail but for the process, and then needn't succeed.
 */
int viopf_pin_charge(struct viopf_mapping *mapping, unsigned long pages,
		     bool inc)
{
	CLASS(viopf_mm, mm)(mapping->mm);
	int ret;

	if (!pages)
		return 0;
	if (!inc)
		mapping->charged -= pages;
	if (!mm)
		return -ESRCH;
	/* Others may hold it for as long as a file system likes. */
	if (!inc)
		mmap_write_lock(mm);
	else if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = __account_locked_vm(mm, pages, inc, mapping->task,
				  mapping->lock_cap);
	mmap_write_unlock(mm);
	if (inc && !ret)
		mapping->charged += pages;
	return ret;
}

/* Pin up to @max pages at @uaddr; how many, or -errno. */
static long viopf_pin_some(struct viopf_mapping *mapping, unsigned long uaddr,
			   unsigned long max, unsigned long *pfns)
{
	bool write = mapping->prot & IOMMU_WRITE, writable;
	struct page **pages = (struct page **)pfns;
	struct mm_struct *mm = mapping->mm;
	long ret = -EFAULT, i;

	static_assert(sizeof(*pages) == sizeof(*pfns));

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	max = viopf_vma_pages(mm, uaddr, max);
	if (max)
		ret = pin_user_pages_remote(mm, uaddr, max, FOLL_LONGTERM |
					    (write ? FOLL_WRITE : 0), pages, NULL);
	for (i = 0; i < ret; i++)
		pfns[i] = page_to_pfn(pages[i]);
	while (ret == -EFAULT || ret == -EAGAIN) {
		ret = viopf_pfnmap_follow(mm, uaddr, write, pfns, &writable);
		if (!ret)
			ret = 1;
		else if (ret == -EFAULT)
			break;
	}
	mmap_read_unlock(mm);
	return ret;
}

/* Charge @nr pages from a job's page @at on; what drivers have pinned is paid for. */
static int viopf_pin_charge_some(struct viopf_pin_job *job, unsigned long at,
				 unsigned long nr)
{
	unsigned long i, charged = 0, paid;
	int ret;

	for (i = at; i < at + nr; i++)
		charged += !viopf_pfn_is_reserved(job->pfns[i]);
	paid = viopf_external_count(job->segment, job->first + at, nr);
	charged -= min(charged, paid);
	ret = viopf_pin_charge(job->segment->mapping, charged, true);
	if (!ret)
		job->charged += charged;
	return ret;
}

/* Give up what a job has of its first @nr pages. */
static void viopf_pin_undo(struct viopf_pin_job *job, unsigned long nr)
{
	viopf_pin_charge(job->segment->mapping, job->charged, false);
	viopf_pin_put(job->pfns, nr);
}

/*
 * Pin and charge a job's memory: all of it or nothing. Charged as it goes, so that no
 * more than one call's pages are ever beyond the limit.
 */
static int viopf_pin_get(struct viopf_pin_job *job)
{
	unsigned long nr_pages = job->end - job->first, done = 0;
	long got;
	int ret = 0;

	while (!ret && done < nr_pages) {
		cond_resched();
		got = viopf_pin_some(job->segment->mapping,
				     viopf_segment_uaddr(job->segment,
							 job->first + done),
				     min(nr_pages - done, VIOPF_PIN_BATCH),
				     job->pfns + done);
		ret = got < 0 ? got : viopf_pin_charge_some(job, done, got);
		done += max(got, 0L);
	}
	if (ret)
		viopf_pin_undo(job, done);
	return ret;
}

/* In the place of what faults have mapped, in one step for the devices. */
static int viopf_pin_install(const struct viopf_pin_job *job)
{
	struct viopf_table *table = &job->segment->table;
	unsigned long first = job->first, end = job->end;
	int ret;

	guard(mutex)(&table->lock);
	ret = viopf_table_ready(table);
	if (ret)
		return ret;
	viopf_leaf_drop(table, first, end);
	/* Also if mapping fails half-way: devices may have been faster. */
	if (table->prot & IOMMU_WRITE)
		viopf_dirty_bits_mark(table, first, end);
	ret = table->kept ? -EIO :
	      viopf_leaf_map_pages(table, first, end, job->pfns,
				   table->prot & IOMMU_WRITE);
	if (ret) {
		viopf_leaf_drop(table, first, end);
		return ret;
	}
	bitmap_set(table->pins, first, end - first);
	viopf_count(table->iommu, pinned_pages, end - first);
	trace_iopf_pin(table->iommu->id, viopf_table_iova(table, first), end - first);
	return 0;
}

static int viopf_pin_install_patiently(const struct viopf_pin_job *job)
{
	struct viopf_container *container = job->segment->mapping->container;
	unsigned int tries;
	int ret;

	ret = viopf_pin_install(job);
	for (tries = 0; ret == -ENOMEM; tries++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		viopf_back_off(container, 0, tries);
		ret = viopf_pin_install(job);
	}
	return ret;
}

/* Pin [first, end), none of which is pinned. */
static int viopf_pin_hole(struct viopf_segment *segment, unsigned long first,
			  unsigned long end)
{
	unsigned long *pfns __free(kvfree) =
		kvmalloc_array(end - first, sizeof(*pfns), GFP_KERNEL_ACCOUNT);
	struct viopf_pin_job job = {
		.segment = segment, .first = first, .end = end, .pfns = pfns,
	};
	int ret;

	if (!pfns)
		return -ENOMEM;
	ret = viopf_pin_get(&job);
	if (ret)
		return ret;
	ret = viopf_pin_install_patiently(&job);
	if (ret)
		viopf_pin_undo(&job, end - first);
	return ret;
}

static int viopf_bits_alloc(struct viopf_segment *segment, unsigned long **bits)
{
	unsigned long *new;

	if (*bits)
		return 0;
	new = bitmap_zalloc(viopf_segment_pages(segment), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	guard(mutex)(&segment->table.lock);
	*bits = new;
	return 0;
}

/**
 * viopf_pin_range() - pin a range, charge it, and map it
 * @segment: not locked; container->lock is held, and so is the mm
 * @first: first page
 * @end: end of the range, exclusive
 *
 * What is pinned already stays as it is.
 *
 * Return: 0; -EFAULT: some of it is not memory, or not with that permission;
 * -ENOMEM: over the locked-memory limit, or no memory; -EINTR: killed; -EIO: the
 * container failed; -ENOENT: no device is there. On an error a part of the range
 * may have come to be pinned.
 */
int viopf_pin_range(struct viopf_segment *segment, unsigned long first,
		    unsigned long end)
{
	int ret;

	lockdep_assert_held(&segment->mapping->container->lock);

	ret = viopf_bits_alloc(segment, &segment->table.pins);
	while (!ret) {
		/* From the start: where mapping failed for a while, pins may have gone. */
		unsigned long hole = find_next_zero_bit(segment->table.pins, end, first);

		if (hole >= end)
			break;
		ret = viopf_pin_hole(segment, hole,
				     find_next_bit(segment->table.pins, end, hole));
	}
	return ret;
}

/*
 * The memory that is mapped at @page, as far as it lies together, up to @end. A leaf lies
 * together, so it ends with a leaf.
 */
static void viopf_unpin_find_run(struct viopf_segment *segment,
				 unsigned long page, unsigned long end,
				 struct viopf_pin_run *run)
{
	struct iommu_domain *domain = segment->table.set->domains[0];
	unsigned long iova = viopf_segment_iova(segment, page);

	run->page = page;
	run->pfn = PHYS_PFN(iommu_iova_to_phys(domain, iova));
	for (run->nr_pages = 1; page + run->nr_pages < end; run->nr_pages++) {
		iova += PAGE_SIZE;
		if (PHYS_PFN(iommu_iova_to_phys(domain, iova)) !=
		    run->pfn + run->nr_pages)
			break;
	}
}

/* Keep [*@page, *@stop) to leaves that lie wholly in it. False if there is none. */
static bool viopf_unpin_trim(const struct viopf_segment *segment,
			     unsigned long *page, unsigned long *stop)
{
	unsigned long first = *page, first_end = first + 1;
	unsigned long last = *stop - 1, last_end = *stop;

	viopf_residency_widen(&segment->table.residency, &first, &first_end);
	if (first < *page)
		*page = min(first_end, *stop);
	viopf_residency_widen(&segment->table.residency, &last, &last_end);
	if (last_end > *stop && last > *page)
		*stop = last;
	else if (last_end > *stop)
		*page = *stop;
	return *page < *stop;
}

/*
 * The next run of pages from *@page on that are pinned, and not by advice nor for
 * what drivers have pinned: whole leaves. One that is still wanted in part stays: to
 * break it would, for a moment, take the rest from devices that can't fault.
 */
static bool viopf_unpin_next(const struct viopf_segment *segment,
			     unsigned long *page, unsigned long *stop,
			     unsigned long end)
{
	for (;; *page = *stop) {
		*page = find_next_bit(segment->table.pins, end, *page);
		if (*page >= end)
			return false;
		*stop = find_next_zero_bit(segment->table.pins, end, *page);
		if (segment->table.advised && test_bit(*page, segment->table.advised)) {
			*stop = find_next_zero_bit(segment->table.advised, *stop,
						   *page);
			continue;
		}
		if (segment->table.advised)
			*stop = find_next_bit(segment->table.advised, *stop, *page);
		if (!viopf_external_trim(segment, *page, stop))
			continue;
		if (viopf_unpin_trim(segment, page, stop))
			return true;
	}
}

/* Unmap some runs from *@page on; returns how many. */
static unsigned int viopf_unpin_unmap(struct viopf_segment *segment,
				      unsigned long *page, unsigned long end,
				      struct viopf_pin_run *runs)
{
	unsigned long stop, first = *page;
	unsigned int nr = 0;

	lockdep_assert_held(&segment->table.lock);

	while (nr < VIOPF_UNPIN_RUNS &&
	       viopf_unpin_next(segment, page, &stop, end)) {
		viopf_unpin_find_run(segment, *page, stop, &runs[nr]);
		bitmap_clear(segment->table.pins, *page, runs[nr].nr_pages);
		*page += runs[nr].nr_pages;
		nr++;
	}
	if (nr)
		viopf_leaf_drop(&segment->table, first, *page);
	return nr;
}

/*
 * Returns how many pages were charged for what has been unmapped; @pages grows by how many
 * that were.
 */
static unsigned long viopf_unpin_runs(struct viopf_segment *segment,
				      const struct viopf_pin_run *runs,
				      unsigned int nr, unsigned long *pages)
{
	struct viopf_mapping *mapping = segment->mapping;
	bool dirty = mapping->prot & IOMMU_WRITE;
	unsigned long charged = 0, paid = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		viopf_count(&mapping->container->iommu, pinned_pages,
			    -(s64)runs[i].nr_pages);
		*pages += runs[i].nr_pages;
		paid += viopf_external_count(segment, runs[i].page,
					     runs[i].nr_pages);
		if (runs[i].pfn)
			charged += viopf_unpin_run(runs[i].pfn,
						   runs[i].nr_pages, dirty);
		else
			pr_warn_once("the IOMMU lost pinned pages; they stay pinned\n");
	}
	return charged - min(charged, paid);
}

/**
 * viopf_unpin_range() - give pins back
 * @segment: not locked; container->lock is held
 * @first: first page
 * @end: end of the range, exclusive
 *
 * What is pinned by advice stays. Can't fail. Pages that a domain refuses to unmap
 * are kept all the same (table/hold.c), by references of their own.
 */
void viopf_unpin_range(struct viopf_segment *segment, unsigned long first,
		       unsigned long end)
{
	struct viopf_mapping *mapping = segment->mapping;
	struct viopf_pin_run runs[VIOPF_UNPIN_RUNS];
	unsigned long charged = 0, pages = 0, begin = first;
	unsigned int nr;

	lockdep_assert_held(&mapping->container->lock);
	if (!segment->table.pins)
		return;

	do {
		mutex_lock(&segment->table.lock);
		nr = viopf_unpin_unmap(segment, &first, end, runs);
		mutex_unlock(&segment->table.lock);

		charged += viopf_unpin_runs(segment, runs, nr, &pages);
		cond_resched();
	} while (nr);
	viopf_pin_charge(mapping, charged, false);
	if (pages)
		trace_iopf_unpin(segment->table.iommu->id,
				 viopf_segment_iova(segment, begin), pages);
}

/**
 * viopf_pin_advise() - pin a range until viopf_unpin_advise()
 * @segment: not locked; container->lock is held, and so is the mm
 * @first: first page
 * @end: end of the range, exclusive
 *
 * Return: as viopf_pin_range(). On an error nothing of it is pinned by advice that
 * was not.
 */
int viopf_pin_advise(struct viopf_segment *segment, unsigned long first,
		     unsigned long end)
{
	int ret;

	ret = viopf_bits_alloc(segment, &segment->table.advised);
	if (ret)
		return ret;
	ret = viopf_pin_range(segment, first, end);
	if (!ret)
		bitmap_set(segment->table.advised, first, end - first);
	else if (!viopf_mapping_is_pinned(segment->mapping))
		viopf_unpin_range(segment, first, end);
	return ret;
}

/**
 * viopf_unpin_advise() - the reverse
 * @segment: not locked; container->lock is held
 * @first: first page
 * @end: end of the range, exclusive
 *
 * What is pinned for another reason stays, as does a leaf of which a part is still
 * pinned by advice.
 */
void viopf_unpin_advise(struct viopf_segment *segment, unsigned long first,
			unsigned long end)
{
	lockdep_assert_held(&segment->mapping->container->lock);

	if (!segment->table.advised)
		return;
	bitmap_clear(segment->table.advised, first, end - first);
	if (viopf_mapping_is_pinned(segment->mapping))
		return;
	mutex_lock(&segment->table.lock);
	viopf_residency_widen(&segment->table.residency, &first, &end);
	mutex_unlock(&segment->table.lock);
	viopf_unpin_range(segment, first, end);
}
