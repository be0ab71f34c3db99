// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned mappings, and changing between pinned and faultable.
 *
 * While demand paging is off, a mapping is what type1 makes of it: its pages are
 * pinned for long, charged to the locked-memory limit, and all mapped. The record
 * says so too: every page of a pinned segment is resident, and where the page is,
 * is what the IOMMU says, so nothing else is kept. The mm's evictions pass a
 * pinned segment by: what is pinned stays, as with type1.
 *
 * DOC: a segment's change
 *
 * To pinned: the pages are brought in and pinned first, holding no lock. Then,
 * under the segment's lock, what is mapped goes and the pinned pages come, in one
 * step. A device that asks meanwhile faults, waits for the lock, and finds its
 * page.
 *
 * To faultable: pages are unmapped and unpinned a few runs at a time, as unpinning
 * takes locks that reclaim may hold while it waits for ours. Until the last is
 * gone the segment is @unpinning: faults in it begin again, and evictions still
 * pass it by, which is right, since all that is mapped in it is pinned.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "viopf.h"

/* Pages pinned by one call; runs unmapped under one hold of the lock. */
#define VIOPF_PIN_BATCH		512UL
#define VIOPF_UNPIN_RUNS	32

/* Pages that lie together in memory. */
struct viopf_pin_run {
	unsigned long	pfn;
	unsigned long	nr_pages;
};

/* As type1, reserved pages (the zero page) are nobody's to pay for. */
static unsigned long viopf_pin_charged(unsigned long pfn,
				       unsigned long nr_pages)
{
	unsigned long charged = 0;

	for (; nr_pages; nr_pages--, pfn++)
		charged += !PageReserved(pfn_to_page(pfn));
	return charged;
}

/*
 * Charge pages to the locked-memory limit of whoever made the mapping, or give
 * them back, which can't fail unless the process is gone, and then needn't.
 */
static int viopf_pin_charge(struct viopf_mapping *mapping, unsigned long pages,
			    bool inc)
{
	struct mm_struct *mm = mapping->mm;
	int ret;

	if (!pages)
		return 0;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	mmap_write_lock(mm);
	ret = __account_locked_vm(mm, pages, inc, mapping->task,
				  mapping->lock_cap);
	mmap_write_unlock(mm);
	mmput_async(mm);
	return ret;
}

/* Pin a segment's memory into @pages: all of it or nothing. */
static int viopf_pin_get(struct viopf_segment *segment, struct page **pages)
{
	struct viopf_mapping *mapping = segment->mapping;
	unsigned int flags = FOLL_LONGTERM |
			     (mapping->prot & IOMMU_WRITE ? FOLL_WRITE : 0);
	unsigned long nr_pages = segment->residency.nr_pages, done = 0;
	long ret = 0;

	while (done < nr_pages) {
		cond_resched();
		if (mmap_read_lock_killable(mapping->mm)) {
			ret = -EINTR;
			break;
		}
		ret = pin_user_pages_remote(mapping->mm,
					    viopf_segment_uaddr(segment, done),
					    min(nr_pages - done, VIOPF_PIN_BATCH),
					    flags, pages + done, NULL);
		mmap_read_unlock(mapping->mm);
		if (ret < 0)
			break;
		done += ret;
	}
	if (ret >= 0)
		return 0;
	unpin_user_pages(pages, done);
	return ret;
}

static unsigned long viopf_pin_count_charged(struct page **pages,
					     unsigned long nr_pages)
{
	unsigned long i, charged = 0;

	for (i = 0; i < nr_pages; i++)
		charged += viopf_pin_charged(page_to_pfn(pages[i]), 1);
	return charged;
}

/* Map the pinned pages, in as few calls as they allow. */
static int viopf_pin_map(struct viopf_segment *segment, struct page **pages)
{
	bool writable = segment->mapping->prot & IOMMU_WRITE;
	unsigned long nr_pages = segment->residency.nr_pages;
	unsigned long first, end;
	int ret = 0;

	for (first = 0; first < nr_pages && !ret; first = end) {
		unsigned long pfn = page_to_pfn(pages[first]);

		for (end = first + 1; end < nr_pages; end++)
			if (page_to_pfn(pages[end]) != pfn + end - first)
				break;
		ret = viopf_leaf_map(segment, first, end, PFN_PHYS(pfn),
				     writable);
	}
	return ret;
}

/* In the place of what faults have mapped, in one step for the devices. */
static int viopf_pin_install(struct viopf_segment *segment,
			     struct page **pages)
{
	unsigned long nr_pages = segment->residency.nr_pages;
	int ret;

	mutex_lock(&segment->lock);
	ret = viopf_segment_ready(segment);
	if (!ret) {
		viopf_leaf_drop(segment, 0, nr_pages);
		ret = segment->kept ? -EIO : viopf_pin_map(segment, pages);
		if (ret)
			viopf_leaf_drop(segment, 0, nr_pages);
		else
			segment->pinned = true;
	}
	mutex_unlock(&segment->lock);
	return ret;
}

static int viopf_pin_install_patiently(struct viopf_segment *segment,
				       struct page **pages)
{
	struct viopf_container *container = segment->mapping->container;
	unsigned int tries;
	int ret;

	ret = viopf_pin_install(segment, pages);
	for (tries = 0; ret == -ENOMEM; tries++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		viopf_back_off(container, tries);
		ret = viopf_pin_install(segment, pages);
	}
	return ret;
}

static int viopf_pin_pages(struct viopf_segment *segment, struct page **pages)
{
	struct viopf_mapping *mapping = segment->mapping;
	unsigned long nr_pages = segment->residency.nr_pages, charged;
	int ret;

	ret = viopf_pin_get(segment, pages);
	if (ret)
		return ret;
	charged = viopf_pin_count_charged(pages, nr_pages);
	ret = viopf_pin_charge(mapping, charged, true);
	if (ret)
		goto out_unpin;
	ret = viopf_pin_install_patiently(segment, pages);
	if (!ret)
		return 0;

	viopf_pin_charge(mapping, charged, false);
out_unpin:
	unpin_user_pages(pages, nr_pages);
	return ret;
}

/* Pin one segment. Pinning what is pinned does nothing. */
static int viopf_pin_segment(struct viopf_segment *segment)
{
	struct page **pages;
	int ret;

	if (segment->pinned)
		return 0;
	pages = kvmalloc_array(segment->residency.nr_pages, sizeof(*pages),
			       GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	ret = viopf_pin_pages(segment, pages);
	kvfree(pages);
	return ret;
}

/*
 * The run of memory that is mapped at @page: whole leaves, as leaves are runs. Of
 * what an IOMMU has lost by itself the pages can't be found, and leak.
 */
static void viopf_unpin_find_run(struct viopf_segment *segment,
				 unsigned long page, struct viopf_pin_run *run)
{
	struct iommu_domain *domain = segment->set->domains[0];
	unsigned long iova = viopf_segment_iova(segment, page);
	unsigned long left = segment->residency.nr_pages - page;

	run->pfn = PHYS_PFN(iommu_iova_to_phys(domain, iova));
	for (run->nr_pages = 1; run->nr_pages < left; run->nr_pages++) {
		iova += PAGE_SIZE;
		if (PHYS_PFN(iommu_iova_to_phys(domain, iova)) !=
		    run->pfn + run->nr_pages)
			break;
	}
}

/* Unmap some runs from *@page on; returns how many. */
static unsigned int viopf_unpin_unmap(struct viopf_segment *segment,
				      unsigned long *page,
				      struct viopf_pin_run *runs)
{
	unsigned long first = *page;
	unsigned int nr = 0;

	lockdep_assert_held(&segment->lock);

	while (nr < VIOPF_UNPIN_RUNS && *page < segment->residency.nr_pages) {
		viopf_unpin_find_run(segment, *page, &runs[nr]);
		*page += runs[nr].nr_pages;
		nr++;
	}
	viopf_leaf_drop(segment, first, *page);
	return nr;
}

/* Unpin what has been unmapped; returns how many pages were charged for it. */
static unsigned long viopf_unpin_run(const struct viopf_pin_run *run,
				     bool dirty)
{
	unsigned long charged;

	if (!run->pfn) {
		pr_warn_once("vfio_iommu_iopf: the IOMMU lost pinned pages; they stay pinned\n");
		return 0;
	}
	charged = viopf_pin_charged(run->pfn, run->nr_pages);
	unpin_user_page_range_dirty_lock(pfn_to_page(run->pfn), run->nr_pages,
					 dirty);
	return charged;
}

/**
 * viopf_unpin_segment() - give a segment's pins back
 * @segment: not locked; container->lock is held
 *
 * Can't fail. Does nothing if the segment isn't pinned. Pages that a domain
 * refuses to unmap are kept all the same (keep.c), by references of their own.
 */
void viopf_unpin_segment(struct viopf_segment *segment)
{
	struct viopf_mapping *mapping = segment->mapping;
	bool dirty = mapping->prot & IOMMU_WRITE;
	struct viopf_pin_run runs[VIOPF_UNPIN_RUNS];
	unsigned long page = 0, charged = 0;
	unsigned int nr, i;

	lockdep_assert_held(&mapping->container->lock);
	if (!segment->pinned)
		return;

	do {
		mutex_lock(&segment->lock);
		segment->unpinning = true;
		nr = viopf_unpin_unmap(segment, &page, runs);
		mutex_unlock(&segment->lock);

		for (i = 0; i < nr; i++)
			charged += viopf_unpin_run(&runs[i], dirty);
		cond_resched();
	} while (nr);

	mutex_lock(&segment->lock);
	segment->pinned = false;
	segment->unpinning = false;
	mutex_unlock(&segment->lock);
	viopf_pin_charge(mapping, charged, false);
}

/**
 * viopf_unpin_mapping() - give a mapping's pins back
 * @mapping: with container->lock held
 */
void viopf_unpin_mapping(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index = 0;

	mt_for_each(&mapping->segments, segment, index, ULONG_MAX)
		viopf_unpin_segment(segment);
}

/* The mm is alive. */
static int viopf_pin_mapping_alive(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long iova = mapping->node.start, bytes;
	int ret;

	do {
		segment = viopf_segment_get(mapping, iova);
		if (IS_ERR(segment))
			return PTR_ERR(segment);
		ret = viopf_pin_segment(segment);
		if (ret)
			return ret;
		bytes = segment->residency.nr_pages << PAGE_SHIFT;
		iova = segment->iova + bytes;
	} while (mapping->node.last - segment->iova >= bytes);
	return 0;
}

/**
 * viopf_pin_mapping() - pin all of a mapping
 * @mapping: with container->lock held
 *
 * A mapping of a process that is gone has nothing to pin, and no device gets
 * anything from it.
 *
 * Return: 0; -EFAULT: some of it is not memory, or not with that permission;
 * -ENOMEM: over the locked-memory limit, or no memory; -EINTR: killed; -EIO: the
 * container failed. On an error nothing of it is pinned.
 */
int viopf_pin_mapping(struct viopf_mapping *mapping)
{
	int ret;

	lockdep_assert_held(&mapping->container->lock);

	if (!mmget_not_zero(mapping->mm))
		return 0;
	ret = viopf_pin_mapping_alive(mapping);
	mmput_async(mapping->mm);
	if (ret)
		viopf_unpin_mapping(mapping);
	return ret;
}

/**
 * viopf_unpin_container() - give back all pins
 * @container: locked; to be made faultable, or about to lose its last domain, after
 *	which nothing would tell what was pinned
 */
void viopf_unpin_container(struct viopf_container *container)
{
	struct viopf_mapping *mapping;

	lockdep_assert_held(&container->lock);

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX); mapping;
	     mapping = viopf_mapping_next(mapping))
		viopf_unpin_mapping(mapping);
}

/**
 * viopf_pin_enable_iopf() - page on demand from now on
 * @container: locked
 *
 * Mappings that are pinned become faultable. DMA goes on.
 */
void viopf_pin_enable_iopf(struct viopf_container *container)
{
	lockdep_assert_held(&container->lock);

	if (container->enabled)
		return;
	container->enabled = true;
	viopf_unpin_container(container);
}

/**
 * viopf_pin_disable_iopf() - pin from now on
 * @container: locked
 *
 * Return: 0, or an error of viopf_pin_mapping(), and then nothing has changed.
 */
int viopf_pin_disable_iopf(struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	int ret = 0;

	lockdep_assert_held(&container->lock);

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX); mapping;
	     mapping = viopf_mapping_next(mapping)) {
		ret = viopf_pin_mapping(mapping);
		if (ret)
			break;
	}
	if (!ret)
		container->enabled = false;
	else if (container->enabled)
		viopf_unpin_container(container);
	return ret;
}
