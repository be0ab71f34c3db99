// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a driver in the kernel pins (vfio_pin_pages()), and gives back.
 *
 * DOC: what is charged
 *
 * A page counts once against the locked-memory limit of whoever made the mapping,
 * whether a driver pins it, or the mapping is pinned (pin.c), or both: whoever comes
 * second, or leaves first, charges nothing. type1 counts in the same way.
 *
 * DOC: devices behind an IOMMU in the same container
 *
 * What a driver has pinned is pinned and mapped for them too, so they need no page
 * request for it (@externals_mapped). That ends with the container's last domain, for
 * where a pinned page is, is known from there; what the driver has is ours to know.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "change/internal.h"

/* Is the page pinned for the devices behind an IOMMU? */
static bool viopf_external_is_installed(struct viopf_mapping *mapping,
					unsigned long iova)
{
	struct viopf_segment *segment = mtree_load(&mapping->segments, iova);

	return segment && viopf_table_pinned(&segment->table,
					     viopf_segment_page(segment, iova));
}

static int viopf_external_charge(struct viopf_mapping *mapping,
				 const struct viopf_external *external,
				 unsigned long iova, bool inc)
{
	if (!viopf_external_is_charged(external) ||
	    viopf_external_is_installed(mapping, iova))
		return 0;
	return viopf_pin_charge(mapping, 1, inc);
}

/* Pin the page behind @iova; the mm is alive. */
static int viopf_external_get_page(struct viopf_mapping *mapping,
				   unsigned long iova, struct page **page)
{
	unsigned int flags = FOLL_LONGTERM |
			     (mapping->prot & IOMMU_WRITE ? FOLL_WRITE : 0);
	unsigned long uaddr = mapping->uaddr + (iova - mapping->node.start);
	long ret = -EFAULT;

	if (mmap_read_lock_killable(mapping->mm))
		return -EINTR;
	if (viopf_vma_pages(mapping->mm, uaddr, 1))
		ret = pin_user_pages_remote(mapping->mm, uaddr, 1, flags, page,
					    NULL);
	mmap_read_unlock(mapping->mm);
	return ret == 1 ? 0 : ret;
}

static void viopf_external_put_page(struct viopf_mapping *mapping,
				    struct viopf_external *external)
{
	unpin_user_pages_dirty_lock(&external->page, 1,
				    mapping->prot & IOMMU_WRITE);
}

/*
 * Have it pinned and mapped for devices behind an IOMMU. If that fails they ask for
 * it by page requests, as for anything else.
 */
static void viopf_external_install(struct viopf_mapping *mapping,
				   unsigned long iova)
{
	struct viopf_segment *segment;
	unsigned long page;

	if (!mapping->container->iommu.set->nr)
		return;
	mapping->externals_mapped = true;
	segment = viopf_segment_get(mapping, iova);
	if (IS_ERR(segment))
		return;
	page = viopf_segment_page(segment, iova);
	viopf_pin_range(segment, page, page + 1);
}

static void viopf_external_uninstall(struct viopf_mapping *mapping,
				     unsigned long iova)
{
	struct viopf_segment *segment = mtree_load(&mapping->segments, iova);
	unsigned long page, end;

	if (!segment || viopf_mapping_is_pinned(mapping))
		return;
	page = viopf_segment_page(segment, iova);
	end = page + 1;
	mutex_lock(&segment->table.lock);
	viopf_residency_widen(&segment->table.residency, &page, &end);
	mutex_unlock(&segment->table.lock);
	viopf_unpin_range(segment, page, end);
}

/* The mm is alive. */
static int viopf_external_add(struct viopf_mapping *mapping, unsigned long iova,
			      struct page **page)
{
	struct viopf_external *external;
	int ret;

	external = kzalloc(sizeof(*external), GFP_KERNEL_ACCOUNT);
	if (!external)
		return -ENOMEM;
	ret = viopf_external_get_page(mapping, iova, &external->page);
	if (ret)
		goto out_free;
	ret = viopf_external_charge(mapping, external, iova, true);
	if (ret)
		goto out_put;
	external->count = 1;
	ret = xa_err(xa_store(&mapping->externals, iova >> PAGE_SHIFT, external,
			      GFP_KERNEL_ACCOUNT));
	if (ret)
		goto out_uncharge;

	mapping->container->nr_external++;
	viopf_count(&mapping->container->iommu, pinned_pages, 1);
	viopf_external_install(mapping, iova);
	*page = external->page;
	return 0;

out_uncharge:
	viopf_external_charge(mapping, external, iova, false);
out_put:
	viopf_external_put_page(mapping, external);
out_free:
	kfree(external);
	return ret;
}

static void viopf_external_remove(struct viopf_mapping *mapping,
				  unsigned long iova,
				  struct viopf_external *external)
{
	xa_erase(&mapping->externals, iova >> PAGE_SHIFT);
	viopf_external_charge(mapping, external, iova, false);
	viopf_external_uninstall(mapping, iova);
	mapping->container->nr_external--;
	viopf_count(&mapping->container->iommu, pinned_pages, -1);
	viopf_external_put_page(mapping, external);
	kfree(external);
}

/**
 * viopf_external_pin() - pin a page for a driver
 * @mapping: where, with container->lock held
 * @iova: of the page
 * @page: where to say which it is
 *
 * Return: 0; -ENODEV: the process is gone; -EFAULT: no memory there, or not with that
 * permission; -ENOMEM: over the locked-memory limit, or no memory; -EINTR; -EBUSY: its
 * address is being updated.
 */
int viopf_external_pin(struct viopf_mapping *mapping, unsigned long iova,
		       struct page **page)
{
	struct viopf_external *external;

	lockdep_assert_held(&mapping->container->lock);

	if (mapping->vaddr_invalid)
		return -EBUSY;
	external = xa_load(&mapping->externals, iova >> PAGE_SHIFT);
	if (external) {
		external->count++;
		*page = external->page;
		return 0;
	}
	CLASS(viopf_mm, mm)(mapping->mm);
	return mm ? viopf_external_add(mapping, iova, page) : -ENODEV;
}

/**
 * viopf_external_unpin() - undo one viopf_external_pin()
 * @mapping: where, with container->lock held
 * @iova: of the page; nothing is done if it isn't pinned
 */
void viopf_external_unpin(struct viopf_mapping *mapping, unsigned long iova)
{
	struct viopf_external *external;

	lockdep_assert_held(&mapping->container->lock);

	external = xa_load(&mapping->externals, iova >> PAGE_SHIFT);
	if (!external || --external->count)
		return;
	/* It may have been written since it was last reported. */
	if (mapping->prot & IOMMU_WRITE)
		viopf_dirty_mark_range(mapping, iova, PAGE_SIZE);
	viopf_external_remove(mapping, iova, external);
}

/**
 * viopf_external_release() - a mapping goes, with what drivers still have of it
 * @mapping: with container->lock held
 * @in_use: a driver may still use its pages: they are kept from reuse, for good
 */
void viopf_external_release(struct viopf_mapping *mapping, bool in_use)
{
	struct viopf_external *external;
	unsigned long index;

	lockdep_assert_held(&mapping->container->lock);

	xa_for_each(&mapping->externals, index, external) {
		if (in_use) {
			pr_err_ratelimited("container %lu: a driver keeps pages of IOVA %#lx, which is unmapped; they stay pinned\n",
					   mapping->container->iommu.id,
					   index << PAGE_SHIFT);
			/* Nobody finds it any more; the page keeps its pin. */
			get_page(external->page);
		}
		viopf_external_remove(mapping, index << PAGE_SHIFT, external);
	}
}

/**
 * viopf_externals_install() - a domain has come: map in it what drivers have pinned
 * @container: locked
 */
void viopf_externals_install(struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	unsigned long index;
	void *external;

	lockdep_assert_held(&container->lock);

	if (!container->nr_external)
		return;
	viopf_for_each_mapping(mapping, container) {
		CLASS(viopf_mm, mm)(mapping->mm);

		if (!mm)
			continue;
		xa_for_each(&mapping->externals, index, external)
			viopf_external_install(mapping, index << PAGE_SHIFT);
	}
}
