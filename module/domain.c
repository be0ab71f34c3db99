// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains and groups: attach and detach.
 *
 * A group joins the first domain of its container that takes it, or gets one of
 * its own, with an empty quarantine domain beside it (keep.c). Page requests come to
 * domains with a handler, which groups join whose devices all can fault.
 *
 * DOC: the order of things
 *
 * A page request can come as soon as a group is attached, and a page request is
 * answered SUCCESS when all domains of the container's set have the page. So
 * attach goes: a domain made and tried, with a handler if that makes every device of
 * the group able to fault, or else the group counted among those that can't; IOVA
 * ranges checked; the domain in the set and all segments in step with it; what it needs
 * pinned, pinned (mode.c); and only then the group in the domain. Each step is undone by
 * the label that names it.
 *
 * Detach goes: the group into quarantine, where the iommu core answers its requests, and
 * out of that: a driver may take a device from its fault queue before it blocks it
 * (blocking_domain_attach_dev() in drivers/iommu/intel/iommu.c), and a request that then
 * meets a handler has nowhere to go. After that the core hands no new request to us;
 * those on their way are answered; and if the domain has no group left, segments are
 * moved to a set without it, so that nothing refers to it when it is freed. It can't
 * fail.
 */
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "../compat/iopf_feature.h"
#include "../compat/nesting.h"
#include "viopf.h"

static void viopf_domain_free(struct viopf_domain *vdomain)
{
	if (vdomain->quarantine)
		iommu_domain_free(vdomain->quarantine);
	if (vdomain->domain)
		iommu_domain_free(vdomain->domain);
	kfree(vdomain);
}

static struct iommu_domain *viopf_iommu_domain_alloc(struct device *dev)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);

	if (IS_ERR(domain))
		return domain;
	if (!(domain->pgsize_bitmap & PAGE_SIZE)) {
		dev_err_ratelimited(dev, "vfio_iommu_iopf: the IOMMU's pages are not %lu bytes\n",
				    PAGE_SIZE);
		iommu_domain_free(domain);
		return ERR_PTR(-EOPNOTSUPP);
	}
	return domain;
}

static int viopf_first_dev(struct device *dev, void *data)
{
	*(struct device **)data = dev;
	return 1;
}

/* Domains for @vgroup, not tried yet; @faultable: they send page requests here. */
static struct viopf_domain *viopf_domain_alloc(struct viopf_group *vgroup,
					       bool faultable)
{
	struct viopf_domain *vdomain;
	struct device *dev = NULL;
	int ret;

	/* VFIO holds the group's devices while it is attached. */
	iommu_group_for_each_dev(vgroup->group, &dev, viopf_first_dev);
	if (!dev)
		return ERR_PTR(-ENODEV);

	vdomain = kzalloc(sizeof(*vdomain), GFP_KERNEL_ACCOUNT);
	if (!vdomain)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&vdomain->groups);
	vdomain->faultable = faultable;

	vdomain->domain = viopf_iommu_domain_alloc(dev);
	if (IS_ERR(vdomain->domain)) {
		ret = PTR_ERR(vdomain->domain);
		vdomain->domain = NULL;
		goto out_free;
	}
	if (faultable)
		vdomain->domain->iopf_handler = viopf_iopf_handler;
	vdomain->quarantine = viopf_iommu_domain_alloc(dev);
	if (IS_ERR(vdomain->quarantine)) {
		ret = PTR_ERR(vdomain->quarantine);
		vdomain->quarantine = NULL;
		goto out_free;
	}
	if (!vgroup->container->nesting)
		return vdomain;
	ret = compat_enable_nesting(vdomain->domain);
	if (!ret)
		return vdomain;

out_free:
	viopf_domain_free(vdomain);
	return ERR_PTR(ret);
}

/* Call @fn for each range of IOVA that a group's devices reserve, until it fails. */
static int viopf_group_walk_regions(struct iommu_group *group, void *data,
				    int (*fn)(const struct iommu_resv_region *r,
					      void *d))
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (!ret)
			ret = fn(region, data);
		list_del(&region->list);
		kfree(region);
	}
	return ret;
}

/*
 * Where interrupts are translated along with DMA (Arm), the domain needs to know
 * which IOVA the group leaves for them.
 */
static int viopf_domain_reserve_msi(const struct iommu_resv_region *region,
				    void *data)
{
	struct viopf_domain *vdomain = data;
	int ret;

	if (region->type != IOMMU_RESV_SW_MSI)
		return 0;
	ret = iommu_get_msi_cookie(vdomain->domain, region->start);
	return ret == -ENODEV ? 0 : ret;
}

/* The container's domains as a set, with @add and without @remove. */
static struct viopf_domain_set *
viopf_domain_set_create(struct viopf_container *container,
			const struct viopf_domain *add,
			const struct viopf_domain *remove, gfp_t gfp)
{
	unsigned int max = list_count_nodes(&container->domains) + 1;
	struct viopf_domain_set *set;
	struct viopf_domain *vdomain;

	set = kzalloc(struct_size(set, domains, max), gfp);
	if (!set)
		return NULL;

	list_for_each_entry(vdomain, &container->domains, node) {
		if (vdomain == remove)
			continue;
		set->nr++;
		set->domains[set->nr - 1] = vdomain->domain;
		set->leaf_sizes |= vdomain->pgsizes;
	}
	if (add) {
		set->nr++;
		set->domains[set->nr - 1] = add->domain;
		set->leaf_sizes |= add->pgsizes;
	}
	if (viopf_disable_hugepages)
		set->leaf_sizes = PAGE_SIZE;
	return set;
}

/* Replace the container's set, in every segment, and free the one not used. */
static int viopf_domain_set_install(struct viopf_container *container,
				    struct viopf_domain_set *set)
{
	struct viopf_domain_set *old = container->set;
	int ret;

	ret = viopf_segments_use_set(container, set);
	if (ret)
		WARN_ON(viopf_segments_use_set(container, old));
	kfree(ret ? set : old);
	return ret;
}

static int viopf_domain_add(struct viopf_container *container,
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

static void viopf_domain_remove(struct viopf_container *container,
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

/* Whether the iommu core can take page requests of a device is as *@data wants it. */
static int viopf_dev_check_queue(struct device *dev, void *data)
{
	const bool *wanted = data;

	return !!rcu_access_pointer(dev->iommu->fault_param) == *wanted ?
	       0 : -ENODEV;
}

static int viopf_group_check_queues(struct iommu_group *group, bool wanted)
{
	return iommu_group_for_each_dev(group, &wanted, viopf_dev_check_queue);
}

/*
 * Some drivers fit a domain's aperture and leaf sizes to what the device's IOMMU has
 * when it is attached, and not before (Intel's of 6.12, prepare_domain_attach_device()
 * and domain_update_iommu_cap() in drivers/iommu/intel/iommu.c). And whether coherency
 * can be enforced shows with a device attached, but must be asked before anything is
 * mapped (intel_iommu_enforce_cache_coherency()).
 */
static int viopf_domain_fit(struct viopf_domain *vdomain,
			    struct iommu_group *group)
{
	struct iommu_domain *domain = vdomain->domain;
	int ret = iommu_attach_group(domain, group);

	if (ret)
		return ret;
	if (vdomain->faultable)
		ret = viopf_group_check_queues(group, true);
	/* Only leaves that a record can express: see leaf.c. */
	domain->pgsize_bitmap &= VIOPF_LEAF_SIZES;
	vdomain->pgsizes = domain->pgsize_bitmap;
	if (domain->ops->enforce_cache_coherency)
		vdomain->coherent = domain->ops->enforce_cache_coherency(domain);
	iommu_detach_group(domain, group);
	return ret;
}

/*
 * A driver turns page requests on when a domain with a handler is attached, or fails to
 * attach it (Intel's, iopf_for_domain_set() in drivers/iommu/intel/iommu.h), or does not
 * care (Arm's for a device that can't stall, arm_smmu_enable_iopf()). One that has them
 * on without a handler does not mean ours: AMD's drops all that have no PASID
 * (iommu_call_iopf_notifier() in drivers/iommu/amd/ppr.c).
 */
static int viopf_domain_fit_quarantine(const struct viopf_domain *vdomain,
				       struct iommu_group *group)
{
	int ret = iommu_attach_group(vdomain->quarantine, group);

	if (ret)
		return ret;
	if (vdomain->faultable)
		ret = viopf_group_check_queues(group, COMPAT_IOPF_STAYS_ON);
	iommu_detach_group(vdomain->quarantine, group);
	return ret;
}

static struct viopf_domain *viopf_domain_create(struct viopf_group *vgroup,
						bool faultable)
{
	struct viopf_domain *vdomain = viopf_domain_alloc(vgroup, faultable);
	int ret;

	if (IS_ERR(vdomain))
		return vdomain;
	ret = viopf_group_walk_regions(vgroup->group, vdomain,
				       viopf_domain_reserve_msi);
	if (!ret)
		ret = viopf_domain_fit(vdomain, vgroup->group);
	if (!ret)
		ret = viopf_domain_fit_quarantine(vdomain, vgroup->group);
	if (!ret)
		return vdomain;
	viopf_domain_free(vdomain);
	return ERR_PTR(ret);
}

/* A domain that fits a group, and whether its devices can fault, which only that tells. */
static struct viopf_domain *viopf_group_fit(struct viopf_group *vgroup)
{
	struct viopf_domain *vdomain;
	long ret = compat_group_iopf_enable(vgroup->group);

	if (!ret) {
		vdomain = viopf_domain_create(vgroup, true);
		vgroup->can_fault = !IS_ERR(vdomain);
		if (vgroup->can_fault)
			return vdomain;
		compat_group_iopf_disable(vgroup->group);
		ret = PTR_ERR(vdomain);
		if (ret != -ENODEV && ret != -EOPNOTSUPP)
			return vdomain;
	}
	vdomain = viopf_domain_create(vgroup, false);
	if (!IS_ERR(vdomain))
		pr_info("vfio_iommu_iopf: group %d can't take page faults (%ld): what it may reach is pinned\n",
			iommu_group_id(vgroup->group), ret);
	return vdomain;
}

static int viopf_iova_exclude_region(const struct iommu_resv_region *region,
				     void *data)
{
	/* Direct mappings that a driver may give up don't bind us. */
	if (!region->length || region->type == IOMMU_RESV_DIRECT_RELAXABLE)
		return 0;
	return viopf_iova_exclude(data, region->start,
				  region->start + region->length - 1,
				  GFP_KERNEL_ACCOUNT);
}

/* Take what @group reserves out of @valid. */
static int viopf_iova_exclude_group(struct viopf_iova *valid,
				    struct iommu_group *group)
{
	return viopf_group_walk_regions(group, valid,
					viopf_iova_exclude_region);
}

static int viopf_iova_add_domain(struct viopf_iova *valid,
				 const struct viopf_domain *vdomain)
{
	const struct iommu_domain_geometry *geometry =
		&vdomain->domain->geometry;
	struct viopf_group *vgroup;
	int ret = 0;

	viopf_iova_intersect(valid, geometry->aperture_start,
			     geometry->aperture_end);
	list_for_each_entry(vgroup, &vdomain->groups, node) {
		ret = viopf_iova_exclude_group(valid, vgroup->group);
		if (ret)
			break;
	}
	return ret;
}

/* Recompute from all domains, and a group and domain that are to come. */
static int viopf_iova_compute(struct viopf_container *container,
			      const struct viopf_domain *add,
			      struct iommu_group *group,
			      struct viopf_iova *valid)
{
	struct viopf_domain *vdomain;
	int ret;

	ret = viopf_iova_init(valid, GFP_KERNEL_ACCOUNT);
	list_for_each_entry(vdomain, &container->domains, node)
		if (!ret)
			ret = viopf_iova_add_domain(valid, vdomain);
	if (!ret && add)
		ret = viopf_iova_add_domain(valid, add);
	if (!ret && group)
		ret = viopf_iova_exclude_group(valid, group);
	if (ret)
		viopf_iova_deinit(valid);
	return ret;
}

/* What is mapped must stay where it may be. */
static int viopf_iova_check_mappings(struct viopf_container *container,
				     const struct viopf_iova *valid)
{
	struct viopf_mapping *mapping;

	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX); mapping;
	     mapping = viopf_mapping_next(mapping))
		if (!viopf_iova_contains(valid, mapping->node.start,
					 mapping->node.last))
			return -EINVAL;
	return 0;
}

static int viopf_iova_update(struct viopf_container *container,
			     const struct viopf_domain *add,
			     struct iommu_group *group, struct viopf_iova *valid)
{
	int ret = viopf_iova_compute(container, add, group, valid);

	if (ret)
		return ret;
	ret = viopf_iova_check_mappings(container, valid);
	if (ret)
		viopf_iova_deinit(valid);
	return ret;
}

/* Put the group where it belongs, now that its page requests may come. */
static int viopf_group_join(struct viopf_group *vgroup,
			    struct viopf_domain *vdomain)
{
	int ret;

	vgroup->domain = vdomain;
	ret = iommu_attach_group_handle(vdomain->domain, vgroup->group,
					&vgroup->handle);
	if (!ret)
		list_add_tail(&vgroup->node, &vdomain->groups);
	return ret;
}

static int viopf_group_join_any(struct viopf_group *vgroup)
{
	struct viopf_container *container = vgroup->container;
	struct viopf_iova valid;
	struct viopf_domain *vdomain;
	int ret;

	ret = viopf_iova_update(container, NULL, vgroup->group, &valid);
	if (ret)
		return ret;

	ret = viopf_mode_update(container);
	if (ret)
		goto out_deinit_iova;
	ret = -EINVAL;
	list_for_each_entry(vdomain, &container->domains, node) {
		if (vdomain->faultable == vgroup->can_fault)
			ret = viopf_group_join(vgroup, vdomain);
		if (!ret)
			break;
	}
	if (ret)
		goto out_deinit_iova;
	viopf_iova_move(&container->valid_iova, &valid);
	return 0;

out_deinit_iova:
	viopf_iova_deinit(&valid);
	return ret;
}

/* @vdomain is the container's from here on, or gone. */
static int viopf_group_join_new(struct viopf_group *vgroup,
				struct viopf_domain *vdomain)
{
	struct viopf_container *container = vgroup->container;
	struct viopf_iova valid;
	int ret;

	ret = viopf_iova_update(container, vdomain, vgroup->group, &valid);
	if (ret)
		goto out_free_domain;
	ret = viopf_domain_add(container, vdomain);
	if (ret)
		goto out_deinit_iova;
	ret = viopf_mode_update(container);
	if (!ret)
		ret = viopf_group_join(vgroup, vdomain);
	if (ret)
		goto out_remove_domain;

	viopf_iova_move(&container->valid_iova, &valid);
	return 0;

out_remove_domain:
	viopf_domain_remove(container, vdomain);
	viopf_iova_deinit(&valid);
	return ret;
out_deinit_iova:
	viopf_iova_deinit(&valid);
out_free_domain:
	viopf_domain_free(vdomain);
	return ret;
}

/**
 * viopf_group_create() - make the object for a group, not attached
 * @container: for which container
 * @group: the group; VFIO keeps it while it is attached
 *
 * Return: it, or NULL without memory.
 */
struct viopf_group *viopf_group_create(struct viopf_container *container,
				       struct iommu_group *group)
{
	struct viopf_group *vgroup;

	vgroup = kzalloc(sizeof(*vgroup), GFP_KERNEL_ACCOUNT);
	if (!vgroup)
		return NULL;
	vgroup->container = container;
	vgroup->group = group;
	return vgroup;
}

/**
 * viopf_group_destroy() - free it again
 * @vgroup: not attached
 */
void viopf_group_destroy(struct viopf_group *vgroup)
{
	WARN_ON(vgroup->faults_pending);
	kfree(vgroup);
}

/* A group that can't fault decides on modes, until it goes: see mode.c. */
static void viopf_group_count(struct viopf_group *vgroup, bool comes)
{
	if (!vgroup->can_fault)
		vgroup->container->nr_cant_fault += comes ? 1 : -1;
}

/**
 * viopf_group_attach() - let a group's devices at the container's memory
 * @vgroup: with container->lock held
 *
 * Devices that can't take page faults get all of it pinned first.
 *
 * Return: 0; -ENODEV: the container failed; -EPERM: its interrupts are not
 * isolated; -EINVAL: what is mapped already is where this group can't have it;
 * -EOPNOTSUPP: an IOMMU with pages of another size; -EFAULT, -EINTR: what is mapped
 * can't be pinned for it; -ENOMEM: that, or no memory.
 */
int viopf_group_attach(struct viopf_group *vgroup)
{
	struct viopf_domain *vdomain;
	int ret;

	lockdep_assert_held(&vgroup->container->lock);

	if (viopf_container_failed(vgroup->container))
		return -ENODEV;
	if (!viopf_allow_unsafe_interrupts &&
	    !iommu_group_has_isolated_msi(vgroup->group)) {
		pr_warn_ratelimited("vfio_iommu_iopf: no interrupt remapping; allow_unsafe_interrupts=1 if you trust the device\n");
		return -EPERM;
	}

	vdomain = viopf_group_fit(vgroup);
	if (IS_ERR(vdomain))
		return PTR_ERR(vdomain);
	viopf_group_count(vgroup, true);
	ret = viopf_group_join_any(vgroup);
	if (!ret)
		viopf_domain_free(vdomain);
	else
		ret = viopf_group_join_new(vgroup, vdomain);
	if (!ret)
		return 0;

	viopf_group_count(vgroup, false);
	viopf_mode_update(vgroup->container);
	if (vgroup->can_fault)
		compat_group_iopf_disable(vgroup->group);
	return ret == -EIO ? -ENODEV : ret;
}

/**
 * viopf_group_detach() - the reverse; can't fail
 * @vgroup: with container->lock held
 */
void viopf_group_detach(struct viopf_group *vgroup)
{
	struct viopf_container *container = vgroup->container;
	struct viopf_domain *vdomain = vgroup->domain;
	struct viopf_iova valid;

	lockdep_assert_held(&container->lock);

	viopf_keep_cut_off(vgroup);
	iommu_detach_group_handle(vdomain->quarantine, vgroup->group);
	viopf_faults_cancel_group(vgroup);
	if (vgroup->can_fault)
		compat_group_iopf_disable(vgroup->group);

	list_del(&vgroup->node);
	if (list_empty(&vdomain->groups))
		viopf_domain_remove(container, vdomain);
	viopf_group_count(vgroup, false);
	viopf_mode_update(container);

	/* Without memory for it the ranges stay narrower than they could be. */
	if (!viopf_iova_compute(container, NULL, NULL, &valid))
		viopf_iova_move(&container->valid_iova, &valid);
}

/**
 * viopf_group_find() - find our object for a group
 * @container: locked
 * @group: the iommu core's
 *
 * Return: it, or NULL if it isn't attached here.
 */
struct viopf_group *viopf_group_find(struct viopf_container *container,
				     const struct iommu_group *group)
{
	struct viopf_domain *vdomain;
	struct viopf_group *vgroup;

	lockdep_assert_held(&container->lock);

	list_for_each_entry(vdomain, &container->domains, node)
		list_for_each_entry(vgroup, &vdomain->groups, node)
			if (vgroup->group == group)
				return vgroup;
	return NULL;
}

/**
 * viopf_container_is_coherent() - is all DMA of a container cache coherent?
 * @container: locked
 *
 * Return: whether every domain makes it so.
 */
bool viopf_container_is_coherent(struct viopf_container *container)
{
	struct viopf_domain *vdomain;

	lockdep_assert_held(&container->lock);

	list_for_each_entry(vdomain, &container->domains, node)
		if (!vdomain->coherent)
			return false;
	return true;
}

/**
 * viopf_container_pgsizes() - the page sizes of a container
 * @container: locked
 *
 * Return: a bitmap of those that each domain has; PAGE_SIZE is among them. Without a
 * domain, any.
 */
unsigned long viopf_container_pgsizes(struct viopf_container *container)
{
	unsigned long sizes = PAGE_MASK;
	struct viopf_domain *vdomain;

	lockdep_assert_held(&container->lock);

	list_for_each_entry(vdomain, &container->domains, node)
		sizes &= vdomain->pgsizes;
	return sizes;
}
