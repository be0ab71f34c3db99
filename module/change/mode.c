// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which mappings are pinned, and which are faultable.
 *
 * MAP_DMA's flags decide, or leave it to the container: then the mapping is pinned
 * while demand paging is off, or while a group is attached whose devices can't take
 * page faults. So it can change with VFIO_IOPF_ENABLE and DISABLE, and as groups
 * come and go. viopf_mode_update() brings the mappings to what they should be; that
 * can fail only where something is to be pinned that was not, so a caller that
 * goes back to where it came from can't.
 *
 * A container without an IOMMU domain has nothing pinned: its groups are emulated
 * ones, whose drivers pin what they need themselves, as with type1.
 *
 *   attach of a group that can't fault     detach of the last such group
 *   ------------------------------------   -----------------------------------
 *   its domain joins, all is mapped in it
 *   count it, pin what is now to be pinned
 *   the group joins the domain: DMA
 *                                          the group leaves the domain: no DMA
 *                                          count it out, unpin what can fault
 */
#include "change/internal.h"

/* Give back all pins but those asked for by advice. */
static void viopf_mode_unpin(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index;

	viopf_for_each_segment(segment, mapping, index)
		viopf_unpin_range(segment, 0, viopf_segment_pages(segment));
}

/* What is pinned in @old's segment there, if there is one, is not pinned anew. */
static int viopf_mode_pin_segment(struct viopf_segment *segment,
				  struct viopf_mapping *old)
{
	unsigned long first, end, nr_pages = viopf_segment_pages(segment);
	struct viopf_segment *other;
	int ret;

	other = old ? mtree_load(&old->segments, segment->table.iova) : NULL;
	if (!other || !other->table.pins)
		return viopf_pin_range(segment, 0, nr_pages);
	for_each_clear_bitrange(first, end, other->table.pins, nr_pages) {
		ret = viopf_pin_range(segment, first, end);
		if (ret)
			return ret;
	}
	return 0;
}

static int viopf_mode_pin(struct viopf_mapping *mapping,
			  struct viopf_mapping *old)
{
	CLASS(viopf_mm, mm)(mapping->mm);
	unsigned long iova = mapping->node.start, bytes;
	struct viopf_segment *segment;
	int ret;

	/* The process is gone: nothing to pin, and no device gets anything. */
	if (!mm)
		return 0;
	do {
		segment = viopf_segment_get(mapping, iova);
		if (IS_ERR(segment))
			return PTR_ERR(segment);
		ret = viopf_mode_pin_segment(segment, old);
		if (ret)
			return ret;
		bytes = viopf_segment_bytes(segment);
		iova = segment->table.iova + bytes;
	} while (mapping->node.last - segment->table.iova >= bytes);
	return 0;
}

/**
 * viopf_mode_apply() - pin or unpin a mapping, as it should be
 * @mapping: with container->lock held
 * @old: what it is to take over from, with what is pinned there; or NULL
 *
 * Return: 0; -EFAULT: some of it is not memory, or not with that permission;
 * -ENOMEM: over the locked-memory limit, or no memory; -EINTR: killed; -EIO: the
 * container failed. On an error some of it may be pinned: unmap it, or apply again
 * with the reason to pin it gone.
 */
int viopf_mode_apply(struct viopf_mapping *mapping, struct viopf_mapping *old)
{
	lockdep_assert_held(&mapping->container->lock);

	if (!mapping->container->iommu.set->nr)
		return 0;
	if (viopf_mapping_is_pinned(mapping))
		return viopf_mode_pin(mapping, old);
	viopf_mode_unpin(mapping);
	return 0;
}

/**
 * viopf_mode_update() - the same for all mappings
 * @container: locked
 *
 * Return: as viopf_mode_apply().
 */
int viopf_mode_update(struct viopf_container *container)
{
	bool pinned = !container->enabled || container->nr_cant_fault;
	struct viopf_mapping *mapping;
	int ret = 0;

	lockdep_assert_held(&container->lock);

	if (container->pinned != pinned) {
		WRITE_ONCE(container->pinned, pinned);
		trace_iopf_convert(container->iommu.id, pinned);
	}
	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX);
	     mapping && !ret; mapping = viopf_mapping_next(mapping))
		ret = viopf_mode_apply(mapping, NULL);
	return ret;
}

/**
 * viopf_mode_unpin_all() - give back all pins
 * @container: locked; about to lose its last domain, after which nothing would tell
 *	what was pinned
 */
void viopf_mode_unpin_all(struct viopf_container *container)
{
	struct viopf_mapping *mapping;

	lockdep_assert_held(&container->lock);

	viopf_for_each_mapping(mapping, container) {
		struct viopf_segment *segment;
		unsigned long index;

		mapping->externals_mapped = false;
		viopf_for_each_segment(segment, mapping, index)
			viopf_unpin_advise(segment, 0,
					   viopf_segment_pages(segment));
		viopf_mode_unpin(mapping);
	}
}

/**
 * viopf_mode_enable_iopf() - page on demand from now on
 * @container: locked
 *
 * Mappings that are pinned for no other reason become faultable. DMA goes on.
 */
void viopf_mode_enable_iopf(struct viopf_container *container)
{
	lockdep_assert_held(&container->lock);

	if (container->enabled)
		return;
	WRITE_ONCE(container->enabled, true);
	WARN_ON(viopf_mode_update(container));
}

/**
 * viopf_mode_disable_iopf() - pin from now on
 * @container: locked
 *
 * Return: 0, or an error of viopf_mode_apply(), and then nothing has changed.
 */
int viopf_mode_disable_iopf(struct viopf_container *container)
{
	int ret;

	lockdep_assert_held(&container->lock);

	if (!container->enabled)
		return 0;
	WRITE_ONCE(container->enabled, false);
	ret = viopf_mode_update(container);
	if (ret) {
		WRITE_ONCE(container->enabled, true);
		WARN_ON(viopf_mode_update(container));
	}
	return ret;
}
