// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains and groups: what they are, how one is made that fits, and what a container has
 * of them. How a group comes and goes is change/attach.c's.
 *
 * A group joins the first domain of its container that takes it, or gets one of its own,
 * with an empty quarantine domain beside it. Page requests come to domains with a handler,
 * which groups join whose devices all can fault. Whether they can is told by trying.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "compat/iopf_feature.h"
#include "compat/nesting.h"
#include "object/internal.h"

/**
 * viopf_domain_free() - free a domain
 * @vdomain: with no group in it, and in no set
 */
void viopf_domain_free(struct viopf_domain *vdomain)
{
	if (!IS_ERR_OR_NULL(vdomain->quarantine))
		iommu_domain_free(vdomain->quarantine);
	if (!IS_ERR_OR_NULL(vdomain->domain))
		iommu_domain_free(vdomain->domain);
	kfree(vdomain);
}

static struct iommu_domain *viopf_iommu_domain_alloc(struct device *dev)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);

	if (IS_ERR(domain))
		return domain;
	if (!(domain->pgsize_bitmap & PAGE_SIZE)) {
		dev_err_ratelimited(dev, "the IOMMU's pages are not %lu bytes\n",
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

/* Domains for @vgroup, not tried yet; page requests go to @handler, if there is one. */
static struct viopf_domain *viopf_domain_alloc(struct viopf_group *vgroup,
					       viopf_iopf_fn handler)
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
	vdomain->faultable = handler;

	vdomain->domain = viopf_iommu_domain_alloc(dev);
	ret = PTR_ERR_OR_ZERO(vdomain->domain);
	if (ret)
		goto out_free;
	vdomain->domain->iopf_handler = handler;
	vdomain->quarantine = viopf_iommu_domain_alloc(dev);
	ret = PTR_ERR_OR_ZERO(vdomain->quarantine);
	if (!ret && vgroup->container->nesting)
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
	/* Only leaves that a record can express: see table/leaf.c. */
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

/**
 * viopf_domain_create() - make a domain that fits a group
 * @vgroup: the group, not attached
 * @handler: takes the page requests of its devices; NULL: they send none
 *
 * Return: it; -ENODEV, -EOPNOTSUPP: with a handler: not all of the devices can send page
 * requests; otherwise why the IOMMU won't; -ENOMEM.
 */
struct viopf_domain *viopf_domain_create(struct viopf_group *vgroup,
					 viopf_iopf_fn handler)
{
	struct viopf_domain *vdomain = viopf_domain_alloc(vgroup, handler);
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

/**
 * viopf_domain_set_create() - the domains of a container as a set
 * @container: locked
 * @add: with this one, if it isn't NULL
 * @remove: and without this one, which may be NULL
 * @gfp: how to allocate it
 *
 * Return: the set; NULL without memory.
 */
struct viopf_domain_set *
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
	if (READ_ONCE(viopf_disable_hugepages))
		set->leaf_sizes = PAGE_SIZE;
	return set;
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

/**
 * viopf_domains_iova() - where mappings may be
 * @container: locked
 * @add: a domain that is to come, or NULL
 * @group: a group that is to come, or NULL
 * @valid: set to that; to be freed by viopf_iova_deinit()
 *
 * Return: 0; -ENOMEM, or why the group's reserved regions are not known; then there is
 * nothing to free.
 */
int viopf_domains_iova(struct viopf_container *container,
		       const struct viopf_domain *add,
		       struct iommu_group *group, struct viopf_iova *valid)
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
	INIT_LIST_HEAD(&vgroup->devices);
	if (viopf_devices_create(&vgroup->devices, group, vgroup)) {
		kfree(vgroup);
		return NULL;
	}
	return vgroup;
}

/**
 * viopf_group_destroy() - free it again
 * @vgroup: not attached
 */
void viopf_group_destroy(struct viopf_group *vgroup)
{
	WARN_ON(vgroup->faults_pending);
	viopf_devices_destroy(&vgroup->devices);
	kfree(vgroup);
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

/**
 * viopf_container_granule() - the granularity of all addresses
 * @container: locked
 *
 * Return: the smallest page of all IOMMUs, in bytes.
 */
unsigned long viopf_container_granule(struct viopf_container *container)
{
	return 1UL << __ffs(viopf_container_pgsizes(container));
}
