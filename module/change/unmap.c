// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP_DMA.
 *
 * The rules, and the errors in the order in which they are looked for, are those of type1
 * and type1v2 (vfio_dma_do_unmap() in drivers/vfio/vfio_iommu_type1.c), which clients
 * depend on.
 */
#include "change/internal.h"
#include "compat/type1_wraps.h"

/**
 * viopf_mapping_remove() - take a mapping away
 * @container: locked
 * @mapping: its mapping
 *
 * In this order: no fault begins in it, those at work are answered, no device reaches it,
 * nobody finds it. It stays in the tree until nothing of it is kept (quarantine.c), since
 * that is found through the tree.
 *
 * Return: its size in bytes.
 */
u64 viopf_mapping_remove(struct viopf_container *container,
			 struct viopf_mapping *mapping)
{
	u64 bytes = viopf_mapping_bytes(mapping);
	struct viopf_segment *segment;
	unsigned long index;

	lockdep_assert_held(&container->lock);

	if (mapping->vaddr_invalid)
		container->vaddr_invalid_count--;
	mutex_lock(&mapping->segments_lock);
	viopf_faults_cancel_mapping(mapping);
	mutex_unlock(&mapping->segments_lock);

	viopf_external_release(mapping, !list_empty(&container->devices));
	viopf_for_each_segment(segment, mapping, index)
		viopf_segment_kill(segment);

	viopf_mapping_erase(mapping);
	container->mappings_left++;
	viopf_mapping_put(mapping);
	cond_resched();

	return bytes;
}

/* Remove a mapping, and report which of its pages were written up to the end. */
static u64 viopf_mapping_remove_reported(struct viopf_container *container,
					 struct viopf_mapping *mapping,
					 struct viopf_dirty_report *report)
{
	u64 bytes;

	kref_get(&mapping->ref);
	viopf_dirty_report_begin(report, mapping);
	bytes = viopf_mapping_remove(container, mapping);
	viopf_dirty_report_end(report, mapping);
	viopf_mapping_put(mapping);
	return bytes;
}

/*
 * Take away all that begins in [first, last]. With v2 no mapping sticks out; type1's
 * first version takes one that sticks out above, and stops at one that sticks out
 * below. @report is NULL, or ready for all of it.
 */
static u64 viopf_mapping_remove_range(struct viopf_container *container,
				      unsigned long first, unsigned long last,
				      struct viopf_dirty_report *report)
{
	struct viopf_mapping *mapping;
	u64 bytes = 0;

	while ((mapping = viopf_mapping_first(container, first, last)) &&
	       mapping->node.start >= first)
		bytes += report ? viopf_mapping_remove_reported(container, mapping,
								report) :
				  viopf_mapping_remove(container, mapping);
	return bytes;
}

/**
 * viopf_mapping_check_range() - may mappings be taken from a range, or be reported?
 * @container: locked
 * @first: its first byte, as IOVA
 * @bytes: its size
 * @whole: it may not cut through a mapping
 *
 * Return: 0; -EINVAL: not aligned, empty, or cuts through a mapping; -EOVERFLOW (or
 * -EINVAL, as type1): wraps around.
 */
int viopf_mapping_check_range(struct viopf_container *container, u64 first,
			      u64 bytes, bool whole)
{
	unsigned long granule = viopf_container_granule(container);
	u64 last = first + bytes - 1;
	struct viopf_mapping *mapping;

	if (!bytes || ((first | bytes) & (granule - 1)))
		return -EINVAL;
	if (last < first)
		return -COMPAT_EWRAPS;
	if (!whole)
		return 0;

	mapping = viopf_mapping_first(container, first, first);
	if (mapping && mapping->node.start != first)
		return -EINVAL;
	mapping = viopf_mapping_first(container, last, last);
	if (mapping && mapping->node.last != last)
		return -EINVAL;
	return 0;
}

static int viopf_unmap_check(struct viopf_container *container,
			     const struct vfio_iommu_type1_dma_unmap *unmap)
{
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL)
		return unmap->iova || unmap->size ? -EINVAL : 0;
	return viopf_mapping_check_range(container, unmap->iova, unmap->size,
					 container->v2);
}

/**
 * viopf_mapping_unmap() - VFIO_IOMMU_UNMAP_DMA
 * @container: where
 * @unmap: what; flags known to be known; size is set to the bytes unmapped
 * @report: where to report dirty pages, or NULL
 *
 * Waits for no fault, whatever that waits for; only for what the mm is just taking
 * away, for a segment that is just being published, and for drivers that have pages
 * of it pinned to give them up; and to report, for user space's bitmap, before
 * anything is gone.
 *
 * Return: 0, also if nothing was mapped there; -EINVAL: size zero, not aligned,
 * wraps around, cuts through a mapping (v2), or a range along with "all". With
 * VFIO_DMA_UNMAP_FLAG_VADDR, what viopf_vaddr_invalidate() says, or -EBUSY: there are
 * mediated devices. With @report, what viopf_dirty_report_check() says.
 */
int viopf_mapping_unmap(struct viopf_container *container,
			struct vfio_iommu_type1_dma_unmap *unmap,
			struct viopf_dirty_report *report)
{
	bool all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	u64 first = unmap->iova;
	u64 last = all ? ULONG_MAX : first + unmap->size - 1;
	bool vaddr = unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	struct viopf_recall recall = { };
	int ret;

	guard(mutex)(&container->lock);
	/* As type1: their drivers could not pin meanwhile. Nor is what is pinned moved. */
	if (vaddr && (!list_empty(&container->emulated) || container->nr_external))
		return -EBUSY;
	do {
		ret = viopf_unmap_check(container, unmap);
		if (!ret && report)
			ret = viopf_dirty_report_check(container, report);
		if (!ret && !vaddr)
			ret = viopf_emulated_recall(container, first, last,
						    &recall);
	} while (ret > 0);
	if (ret)
		return ret;
	if (vaddr)
		return viopf_vaddr_invalidate(container, first, last, &unmap->size);
	unmap->size = viopf_mapping_remove_range(container, first, last, report);
	return 0;
}

/**
 * viopf_mapping_unmap_all() - unmap all that there is
 * @container: locked
 *
 * Return: how many bytes that was.
 */
u64 viopf_mapping_unmap_all(struct viopf_container *container)
{
	return viopf_mapping_remove_range(container, 0, ULONG_MAX, NULL);
}
