// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeping pages: what happens when an IOMMU refuses to let go.
 *
 * The kernel is about to reuse pages that a device can still reach, and an
 * eviction can't fail. So the pages are kept from reuse: while the notifier still
 * holds the mm off, each page that the segment has mapped gets a reference, which
 * needs no memory. Then a worker cuts the devices off, by moving their groups
 * to a quarantine domain that was made ready at attach, in which nothing is
 * mapped. After that no DMA can reach the pages, and the references go.
 *
 * It is a worker's task since the iommu core's group mutex, which the move
 * needs, is held across allocations elsewhere: an eviction that waited for it
 * could wait for itself.
 *
 *   eviction (perhaps reclaim)             worker, UNMAP_DMA, attach or detach
 *   ------------------------------------   -----------------------------------
 *   lock segment
 *     unmap: refused
 *     a reference on each mapped page
 *     segment->kept, container->failed
 *   unlock, return: pages stay ours
 *                                          lock container
 *                                            each group -> quarantine
 *                                            each kept segment: lock,
 *                                              drop references, clear record
 *                                          unlock
 *
 * Between the two nothing changes the page tables of a kept segment, so that the
 * second pass finds by iommu_iova_to_phys() just the pages that the first found.
 *
 * A failed container stays failed: every later page request is answered FAILURE.
 */
#include <linux/iommu.h>
#include <linux/mm.h>

#include "../compat/workqueue.h"
#include "viopf.h"

/*
 * The folio behind a mapped page; NULL if no domain maps it after all, or if it is a
 * device's memory, which the kernel reuses for nothing.
 */
static struct folio *viopf_keep_folio(struct viopf_segment *segment,
				      unsigned long page)
{
	unsigned long iova = viopf_segment_iova(segment, page);
	phys_addr_t phys;
	unsigned int i;

	for (i = 0; i < segment->set->nr; i++) {
		phys = iommu_iova_to_phys(segment->set->domains[i], iova);
		if (phys && pfn_valid(PHYS_PFN(phys)))
			return page_folio(pfn_to_page(PHYS_PFN(phys)));
	}
	return NULL;
}

/**
 * viopf_keep_segment() - keep every page that a segment has mapped from reuse
 * @segment: locked; a domain has just refused to unmap a part of it
 *
 * Each page mapped is one whose notifier call has not returned yet, as that
 * would need the lock we hold. So the mm still holds it, and one more reference
 * is safe.
 */
void viopf_keep_segment(struct viopf_segment *segment)
{
	struct viopf_container *container = segment->mapping->container;
	struct viopf_residency *r = &segment->residency;
	unsigned long page, end, kept = 0;
	struct folio *folio;

	lockdep_assert_held(&segment->lock);
	if (segment->kept)
		return;

	for (page = 0; viopf_residency_next_run(r, &page, &end, r->nr_pages);
	     page = end) {
		for (; page < end; page++) {
			folio = viopf_keep_folio(segment, page);
			if (folio) {
				folio_get(folio);
				kept++;
			}
		}
	}

	segment->kept = true;
	viopf_count(container, pages_kept, kept);
	if (!xchg(&container->failed, true))
		pr_err_ratelimited("vfio_iommu_iopf: container %lu: the IOMMU refused to unmap; its devices are cut off, reset them and open a new container\n",
				   container->id);
	queue_work(system_dfl_wq, &container->quarantine_work);
}

/**
 * viopf_keep_release() - give a segment's pages back
 * @segment: not locked; the devices are cut off, and reach nothing
 *
 * Called by viopf_keep_quarantine() for all that is to be found in the container.
 */
void viopf_keep_release(struct viopf_segment *segment)
{
	struct viopf_container *container = segment->mapping->container;
	struct viopf_residency *r = &segment->residency;
	unsigned long page, end;
	struct folio *folio;

	mutex_lock(&segment->lock);
	if (segment->kept) {
		for (page = 0;
		     viopf_residency_next_run(r, &page, &end, r->nr_pages);
		     page = end) {
			for (; page < end; page++) {
				folio = viopf_keep_folio(segment, page);
				if (folio)
					folio_put(folio);
			}
		}
		segment->kept = false;
	}
	viopf_count(container, resident_pages,
		    -(s64)viopf_residency_clear(r, 0, r->nr_pages));
	mutex_unlock(&segment->lock);
	cond_resched();
}

/**
 * viopf_keep_cut_off() - from here on no DMA of a group reaches memory
 * @vgroup: attached; with container->lock held
 *
 * By a handle of its own, since page requests look at the other one without a lock
 * (iommu_report_device_fault() in drivers/iommu/io-pgfault.c). Can't fail: what refuses
 * another domain, such as a device that is being reset, still lets go of its own.
 */
void viopf_keep_cut_off(struct viopf_group *vgroup)
{
	if (vgroup->quarantined)
		return;
	if (iommu_replace_group_handle(vgroup->group,
				       vgroup->domain->quarantine,
				       &vgroup->quarantine_handle))
		iommu_detach_group_handle(vgroup->domain->domain,
					  vgroup->group);
	vgroup->quarantined = true;
}

/**
 * viopf_keep_quarantine() - cut a failed container's devices off
 * @container: locked, and failed
 *
 * Afterwards nothing of it is kept.
 */
void viopf_keep_quarantine(struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	struct viopf_domain *domain;
	struct viopf_group *vgroup;

	lockdep_assert_held(&container->lock);

	list_for_each_entry(domain, &container->domains, node)
		list_for_each_entry(vgroup, &domain->groups, node)
			viopf_keep_cut_off(vgroup);
	viopf_waiting_fail(container);

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX); mapping;
	     mapping = viopf_mapping_next(mapping)) {
		struct viopf_segment *segment;
		unsigned long index = 0;

		mt_for_each(&mapping->segments, segment, index, ULONG_MAX)
			viopf_keep_release(segment);
	}
}

/**
 * viopf_keep_work() - the worker that an eviction leaves the rest to
 * @work: container->quarantine_work
 */
void viopf_keep_work(struct work_struct *work)
{
	struct viopf_container *container =
		container_of(work, struct viopf_container, quarantine_work);

	mutex_lock(&container->lock);
	viopf_keep_quarantine(container);
	mutex_unlock(&container->lock);
}
