// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quarantine: cutting devices off, as an IOMMU refused to unmap.
 *
 * What they may still reach is kept from reuse (table/hold.c). A worker moves their groups
 * to a quarantine domain that was made ready at attach, in which nothing is mapped. After
 * that no DMA can reach the pages, and the references go.
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
 *     table->kept, iommu->failed
 *   unlock, return: pages stay ours
 *                                          lock container
 *                                            each group -> quarantine
 *                                            each kept segment: lock,
 *                                              drop references, clear record
 *                                          unlock
 *
 * A failed container stays failed: every later page request is answered FAILURE.
 */
#include "change/internal.h"

/**
 * viopf_quarantine_group() - from here on no DMA of a group reaches memory
 * @vgroup: attached; with container->lock held
 *
 * By a handle of its own, since page requests look at the other one without a lock
 * (iommu_report_device_fault() in drivers/iommu/io-pgfault.c). Can't fail: what refuses
 * another domain, such as a device that is being reset, still lets go of its own.
 */
void viopf_quarantine_group(struct viopf_group *vgroup)
{
	if (vgroup->quarantined)
		return;
	if (iommu_replace_group_handle(vgroup->group,
				       vgroup->domain->quarantine,
				       &vgroup->quarantine_handle))
		iommu_detach_group_handle(vgroup->domain->domain,
					  vgroup->group);
	WRITE_ONCE(vgroup->quarantined, true);
}

/**
 * viopf_quarantine() - cut a failed container's devices off
 * @container: locked, and failed
 *
 * Afterwards nothing of it is kept.
 */
void viopf_quarantine(struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	struct viopf_domain *domain;
	struct viopf_group *vgroup;

	lockdep_assert_held(&container->lock);

	list_for_each_entry(domain, &container->domains, node)
		list_for_each_entry(vgroup, &domain->groups, node)
			viopf_quarantine_group(vgroup);
	viopf_waiting_fail(container);

	viopf_for_each_mapping(mapping, container) {
		struct viopf_segment *segment;
		unsigned long index;

		viopf_for_each_segment(segment, mapping, index)
			viopf_hold_release(&segment->table);
	}
}

/**
 * viopf_quarantine_work() - the worker that an eviction leaves the rest to
 * @work: container->iommu.quarantine_work
 */
void viopf_quarantine_work(struct work_struct *work)
{
	struct viopf_container *container =
		container_of(work, struct viopf_container,
			     iommu.quarantine_work);
	bool again;

	mutex_lock(&container->lock);
	viopf_quarantine(container);
	again = container->cut_off;
	container->cut_off = true;
	mutex_unlock(&container->lock);
	if (!again)
		viopf_container_tell(container, "failed");
}
