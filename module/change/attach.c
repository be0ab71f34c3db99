// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach and detach: a group's devices come to a container's memory, and leave it.
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
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "change/internal.h"
#include "compat/iopf_feature.h"

/* A domain that fits a group, and whether its devices can fault, which only that tells. */
static struct viopf_domain *viopf_group_fit(struct viopf_group *vgroup)
{
	struct viopf_domain *vdomain;
	long ret = compat_group_iopf_enable(vgroup->group);

	if (!ret) {
		vdomain = viopf_domain_create(vgroup, viopf_iopf_handler);
		vgroup->can_fault = !IS_ERR(vdomain);
		if (vgroup->can_fault)
			return vdomain;
		compat_group_iopf_disable(vgroup->group);
		ret = PTR_ERR(vdomain);
		if (ret != -ENODEV && ret != -EOPNOTSUPP)
			return vdomain;
	}
	vdomain = viopf_domain_create(vgroup, NULL);
	if (!IS_ERR(vdomain))
		pr_info("group %d can't take page faults (%ld): what it may reach is pinned\n",
			iommu_group_id(vgroup->group), ret);
	return vdomain;
}

/* What is mapped must stay where it may be. */
static int viopf_iova_check_mappings(struct viopf_container *container,
				     const struct viopf_iova *valid)
{
	struct viopf_mapping *mapping;

	viopf_for_each_mapping(mapping, container)
		if (!viopf_iova_contains(valid, mapping->node.start,
					 mapping->node.last))
			return -EINVAL;
	return 0;
}

static int viopf_iova_update(struct viopf_container *container,
			     const struct viopf_domain *add,
			     struct iommu_group *group, struct viopf_iova *valid)
{
	int ret = viopf_domains_iova(container, add, group, valid);

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

/*
 * Into a domain that is there. It has a group of the same kind, so that this one changes no
 * mapping's mode.
 */
static int viopf_group_join_any(struct viopf_group *vgroup)
{
	struct viopf_container *container = vgroup->container;
	struct viopf_iova valid;
	struct viopf_domain *vdomain;
	int ret;

	ret = viopf_iova_update(container, NULL, vgroup->group, &valid);
	if (ret)
		return ret;

	ret = -EINVAL;
	list_for_each_entry(vdomain, &container->domains, node) {
		if (vdomain->faultable == vgroup->can_fault)
			ret = viopf_group_join(vgroup, vdomain);
		if (!ret)
			break;
	}
	if (ret)
		viopf_iova_deinit(&valid);
	else
		viopf_iova_move(&container->valid_iova, &valid);
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
 * Return: 0; -EIO: the container failed; -EPERM: its interrupts are not
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
		return -EIO;
	if (!READ_ONCE(viopf_allow_unsafe_interrupts) &&
	    !iommu_group_has_isolated_msi(vgroup->group)) {
		pr_warn_ratelimited("no interrupt remapping; allow_unsafe_interrupts=1 if you trust the device\n");
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
	return ret;
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

	viopf_quarantine_group(vgroup);
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
	if (!viopf_domains_iova(container, NULL, NULL, &valid))
		viopf_iova_move(&container->valid_iova, &valid);
}
