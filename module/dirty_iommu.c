// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU's own dirty bits, for pages that are pinned.
 *
 * Such pages stay writable, and no fault tells of a write. Where every domain of a
 * container can say which leaves were written (dirty_ops), that is asked instead;
 * where one can't, all of them are dirty each time. A leaf larger than a page is dirty
 * as a whole.
 *
 * A leaf that is unmapped takes its dirty bit with it, and what a device writes
 * between a last look at it and the unmapping would go unseen. So what is unpinned
 * while pages are tracked counts as dirty. From a domain that is left, no device
 * writes any more: there the last look is exact.
 *
 * The bits are read under the segment's lock, from where user space can't be reached.
 * So no bitmap is given to the IOMMU driver, which would want one in user memory:
 * it also notes what it found dirty in the gather, to be flushed, and is asked about
 * one leaf at a time.
 */
#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <uapi/linux/iommufd.h>

#include "viopf.h"

/* Pages looked at together first, as most are clean. */
#define VIOPF_DIRTY_PROBE_PAGES	VIOPF_BLOCK_PAGES

/**
 * viopf_dirty_domain_alloc() - make a domain that can tell what was written
 * @dev: for which device
 *
 * Where the IOMMU driver has dirty bits, it may want to know before. It may choose
 * another format of page tables then, so this is for devices that can't take page
 * faults, whose memory is always pinned: what a fault needs stays as it is.
 *
 * Return: a domain, with or without dirty_ops; or an ERR_PTR().
 */
struct iommu_domain *viopf_dirty_domain_alloc(struct device *dev)
{
	const u32 flags = IOMMU_HWPT_ALLOC_DIRTY_TRACKING;
	struct iommu_domain *domain;
	const struct iommu_ops *ops;

	if (!rcu_access_pointer(dev->iommu->fault_param) &&
	    device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING)) {
		ops = dev->iommu->iommu_dev->ops;
		domain = ops->domain_alloc_user ?
			 ops->domain_alloc_user(dev, flags, NULL, NULL) :
			 ERR_PTR(-EOPNOTSUPP);
		if (!IS_ERR(domain)) {
			domain->owner = ops;
			return domain;
		}
	}
	return iommu_paging_domain_alloc(dev);
}

/* Is anything in the range dirty? If the IOMMU can't say, it may be. */
static bool viopf_dirty_iommu_test(struct iommu_domain *domain,
				   unsigned long iova, size_t bytes,
				   unsigned long flags)
{
	struct iommu_iotlb_gather gather;
	struct iommu_dirty_bitmap dirty;

	iommu_dirty_bitmap_init(&dirty, NULL, &gather);
	return domain->dirty_ops->read_and_clear_dirty(domain, iova, bytes,
						       flags, &dirty) ||
	       gather.start <= gather.end;
}

/* Note and clear the dirty bits of the leaves of [first, end). */
static void viopf_dirty_iommu_leaves(struct viopf_segment *segment,
				     struct iommu_domain *domain,
				     unsigned long first, unsigned long end,
				     struct iommu_iotlb_gather *gather)
{
	unsigned long stop;

	for (; first < end; first = stop) {
		unsigned long iova;
		size_t bytes;

		stop = first + 1;
		viopf_residency_widen(&segment->residency, &first, &stop);
		iova = viopf_segment_iova(segment, first);
		bytes = (stop - first) << PAGE_SHIFT;
		if (!viopf_dirty_iommu_test(domain, iova, bytes, 0))
			continue;
		bitmap_set(segment->dirty, first, stop - first);
		iommu_iotlb_gather_add_range(gather, iova, bytes);
	}
}

static void viopf_dirty_iommu_run(struct viopf_segment *segment,
				  struct iommu_domain *domain,
				  unsigned long first, unsigned long end,
				  struct iommu_iotlb_gather *gather)
{
	unsigned long stop;

	for (; first < end; first = stop) {
		unsigned long iova = viopf_segment_iova(segment, first);

		stop = min(end, first + VIOPF_DIRTY_PROBE_PAGES);
		if (viopf_dirty_iommu_test(domain, iova,
					   (stop - first) << PAGE_SHIFT,
					   IOMMU_DIRTY_NO_CLEAR))
			viopf_dirty_iommu_leaves(segment, domain, first, stop,
						 gather);
	}
}

static void viopf_dirty_iommu_read_domain(struct viopf_segment *segment,
					  struct iommu_domain *domain)
{
	struct viopf_residency *r = &segment->residency;
	struct iommu_iotlb_gather gather;
	unsigned long first, end;

	iommu_iotlb_gather_init(&gather);
	for_each_set_bitrange(first, end, r->writable, r->nr_pages)
		viopf_dirty_iommu_run(segment, domain, first, end, &gather);
	/* Else a translation that is known to be dirty hides later writes. */
	if (gather.start <= gather.end) {
		iommu_iotlb_sync(domain, &gather);
		viopf_count(segment->mapping->container, flushes, 1);
	}
}

/**
 * viopf_dirty_iommu_read() - move the IOMMU's dirty bits to a segment's own
 * @segment: locked, tracked
 */
void viopf_dirty_iommu_read(struct viopf_segment *segment)
{
	unsigned int i;

	lockdep_assert_held(&segment->lock);

	/* A dead segment has nothing mapped, and its set may be gone. */
	if (!segment->mapping->container->dirty_iommu || segment->dead ||
	    !segment->set)
		return;
	for (i = 0; i < segment->set->nr; i++)
		viopf_dirty_iommu_read_domain(segment,
					      segment->set->domains[i]);
}

/**
 * viopf_dirty_iommu_leave() - the same from a domain that no device uses any more
 * @segment: locked
 * @domain: one of its set, about to be unmapped
 */
void viopf_dirty_iommu_leave(struct viopf_segment *segment,
			     struct iommu_domain *domain)
{
	lockdep_assert_held(&segment->lock);

	if (segment->dirty && segment->mapping->container->dirty_iommu)
		viopf_dirty_iommu_read_domain(segment, domain);
}

static void viopf_dirty_iommu_off(struct viopf_container *container)
{
	struct viopf_domain *vdomain;

	list_for_each_entry(vdomain, &container->domains, node)
		if (vdomain->domain->dirty_ops)
			vdomain->domain->dirty_ops->set_dirty_tracking(vdomain->domain,
								       false);
	container->dirty_iommu = false;
}

static bool viopf_dirty_iommu_on(struct iommu_domain *domain)
{
	return domain->dirty_ops &&
	       !domain->dirty_ops->set_dirty_tracking(domain, true);
}

/**
 * viopf_dirty_iommu_start() - have the IOMMUs track, if all of them can
 * @container: locked, with nothing tracked yet
 */
void viopf_dirty_iommu_start(struct viopf_container *container)
{
	struct viopf_domain *vdomain;

	lockdep_assert_held(&container->lock);

	container->dirty_iommu = true;
	list_for_each_entry(vdomain, &container->domains, node) {
		if (!viopf_dirty_iommu_on(vdomain->domain)) {
			viopf_dirty_iommu_off(container);
			break;
		}
	}
}

/**
 * viopf_dirty_iommu_stop() - the reverse
 * @container: locked, with nothing tracked any more
 */
void viopf_dirty_iommu_stop(struct viopf_container *container)
{
	lockdep_assert_held(&container->lock);

	if (container->dirty_iommu)
		viopf_dirty_iommu_off(container);
}

/**
 * viopf_dirty_iommu_join() - a domain comes, before any device is in it
 * @container: locked
 * @domain: the domain
 *
 * If it has no dirty bits, those of the others are of no use any more: all that is
 * writable is dirty from now on.
 */
void viopf_dirty_iommu_join(struct viopf_container *container,
			    struct iommu_domain *domain)
{
	lockdep_assert_held(&container->lock);

	if (!container->dirty_iommu || viopf_dirty_iommu_on(domain))
		return;
	viopf_dirty_iommu_off(container);
	viopf_dirty_mark_writable(container);
}
