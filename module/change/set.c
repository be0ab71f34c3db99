// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of domains that a container is mapped in: a domain comes, or goes.
 *
 * All segments are moved over, one after the other, under their own locks. What comes
 * starts with what is pinned; the rest devices fault in again. A domain that goes is freed
 * with all that is mapped in it, as type1 does: no device is attached to it.
 */
#include "change/internal.h"

static bool viopf_set_has(const struct viopf_domain_set *set,
			  const struct iommu_domain *domain)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->domains[i] == domain)
			return true;
	return false;
}

/*
 * A domain comes. What is pinned it gets as well; otherwise it starts with nothing,
 * and so must the others: devices fault again.
 */
static int viopf_segment_add_domain(struct viopf_segment *segment,
				    struct iommu_domain *domain)
{
	viopf_leaf_drop(&segment->table, 0, viopf_segment_pages(segment));
	return segment->table.pins && !segment->table.kept ?
	       viopf_leaf_replay(&segment->table, domain) : 0;
}

/* Move a segment to another set of domains. */
static int viopf_segment_use_set(struct viopf_segment *segment,
				 struct viopf_domain_set *set)
{
	struct viopf_domain_set *old = segment->table.set;
	struct viopf_residency *r = &segment->table.residency;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&segment->table.lock);

	for (i = 0; old && i < set->nr && !ret; i++)
		if (!viopf_set_has(old, set->domains[i]))
			ret = viopf_segment_add_domain(segment,
						       set->domains[i]);
	if (ret || (r->nr_resident && viopf_hold_instead(&segment->table)))
		return ret;

	if (!set->nr) {
		viopf_count(&segment->mapping->container->iommu, resident_pages,
			    -(s64)viopf_residency_clear(r, 0, r->nr_pages));
		viopf_age_touch(&segment->table, 0, r->nr_pages, false);
	}
	segment->table.set = set;
	return 0;
}

static int viopf_mapping_use_set(struct viopf_mapping *mapping,
				 struct viopf_domain_set *set)
{
	struct viopf_segment *segment;
	unsigned long index;
	bool kept;
	int ret;

	/* Whoever publishes a segment after this sees the new set. */
	guard(mutex)(&mapping->segments_lock);
	viopf_for_each_segment(segment, mapping, index) {
		do {
			mutex_lock(&segment->table.lock);
			ret = viopf_segment_use_set(segment, set);
			kept = segment->table.kept;
			mutex_unlock(&segment->table.lock);
			if (kept)
				viopf_quarantine(mapping->container);
		} while (kept);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/*
 * Change the domains that a container is mapped in. The old set is free to go when this
 * returns: segments made meanwhile read the new one under their own lock when they first
 * map something; after the walk has passed them they find it, before it the walk finds
 * them.
 *
 * If what is pinned can't be mapped in a domain that comes, the caller goes back to the old
 * set, which can't fail, as nothing comes with it.
 */
static int viopf_segments_use_set(struct viopf_container *container,
				  struct viopf_domain_set *set)
{
	struct viopf_mapping *mapping;
	int ret;

	lockdep_assert_held(&container->lock);

	/* What is in it comes first: pairs with READ_ONCE() in viopf_table_ready(). */
	smp_store_release(&container->iommu.set, set);
	viopf_for_each_mapping(mapping, container) {
		ret = viopf_mapping_use_set(mapping, set);
		if (ret)
			return ret;
	}
	return 0;
}

/* Replace the container's set, in every segment, and free the one not used. */
static int viopf_domain_set_install(struct viopf_container *container,
				    struct viopf_domain_set *set)
{
	struct viopf_domain_set *old = container->iommu.set;
	int ret;

	ret = viopf_segments_use_set(container, set);
	if (ret)
		WARN_ON(viopf_segments_use_set(container, old));
	kfree(ret ? set : old);
	return ret;
}

/**
 * viopf_domain_add() - a domain comes
 * @container: locked
 * @vdomain: the domain; the container's, if it comes
 *
 * Return: 0; -ENOMEM, -EFAULT: what is pinned can't be mapped in it.
 */
int viopf_domain_add(struct viopf_container *container,
		     struct viopf_domain *vdomain)
{
	struct viopf_domain_set *set;
	int ret;

	set = viopf_domain_set_create(container, vdomain, NULL,
				      GFP_KERNEL_ACCOUNT);
	if (!set)
		return -ENOMEM;
	ret = viopf_domain_set_install(container, set);
	if (ret)
		return ret;
	list_add_tail(&vdomain->node, &container->domains);
	return 0;
}

/**
 * viopf_domain_remove() - a domain goes, and is freed
 * @container: locked
 * @vdomain: its domain, with no group in it
 */
void viopf_domain_remove(struct viopf_container *container,
			 struct viopf_domain *vdomain)
{
	struct viopf_domain_set *set;

	if (list_is_singular(&container->domains))
		viopf_mode_unpin_all(container);
	set = viopf_domain_set_create(container, NULL, vdomain,
				      GFP_KERNEL | __GFP_NOFAIL);
	viopf_domain_set_install(container, set);
	list_del(&vdomain->node);
	viopf_domain_free(vdomain);
}
