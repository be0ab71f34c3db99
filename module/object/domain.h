/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IOMMU domains and the groups in them: see domain.c.
 */
#ifndef VIOPF_DOMAIN_H
#define VIOPF_DOMAIN_H

#include "compat/iommu_handle.h"
#include "object/container.h"

/* As struct iommu_domain has it: a page request group has come, and is answered by us. */
typedef int (*viopf_iopf_fn)(struct iopf_group *group);

/**
 * struct viopf_domain - an IOMMU domain and the groups in it
 * @domain: what mappings go into
 * @pgsizes: the leaf sizes that the IOMMU has of VIOPF_LEAF_SIZES
 * @coherent: it makes all DMA cache coherent
 * @faultable: page requests made in it come to us; its groups can make them
 * @quarantine: an empty one without a handler, made ready at attach: for the way out, and
 *	for when an unmap is refused
 * @groups: struct viopf_group; by container->lock
 * @node: in container->domains
 */
struct viopf_domain {
	struct iommu_domain	*domain;
	unsigned long		pgsizes;
	bool			coherent;
	bool			faultable;
	struct iommu_domain	*quarantine;
	struct list_head	groups;
	struct list_head	node;
};

/**
 * struct viopf_group - an attached IOMMU group
 * @handle: what the iommu core hands to our page request handler
 * @quarantine_handle: what it has in quarantine
 * @container: whose it is
 * @domain: where it is attached; by container->lock
 * @group: the iommu core's object
 * @faults_pending: groups of page requests received through it and not
 *	answered; by container->fault_lock
 * @refusals: its page requests that were to be refused in this interval (fault/refusal.c); by
 *	container->fault_lock
 * @refusals_end: when the next interval begins, in jiffies; by the same
 * @devices: struct viopf_device; constant
 * @can_fault: its devices can take page faults; constant once attached
 * @quarantined: it is attached to @domain's quarantine; written under container->lock
 * @node: in domain->groups
 */
struct viopf_group {
	struct iommu_attach_handle	handle;
	struct iommu_attach_handle	quarantine_handle;
	struct viopf_container		*container;
	struct viopf_domain		*domain;
	struct iommu_group		*group;
	unsigned int			faults_pending;
	unsigned int			refusals;
	unsigned long			refusals_end;
	struct list_head		devices;
	bool				can_fault;
	bool				quarantined;
	struct list_head		node;
};

void viopf_domain_free(struct viopf_domain *vdomain);
struct viopf_domain *viopf_domain_create(struct viopf_group *vgroup,
					 viopf_iopf_fn handler);
struct viopf_domain_set *
viopf_domain_set_create(struct viopf_container *container,
			const struct viopf_domain *add,
			const struct viopf_domain *remove, gfp_t gfp);
int viopf_domains_iova(struct viopf_container *container,
		       const struct viopf_domain *add,
		       struct iommu_group *group, struct viopf_iova *valid);
struct viopf_group *viopf_group_create(struct viopf_container *container,
				       struct iommu_group *group);
void viopf_group_destroy(struct viopf_group *vgroup);
struct viopf_group *viopf_group_find(struct viopf_container *container,
				     const struct iommu_group *group);
bool viopf_container_is_coherent(struct viopf_container *container);
unsigned long viopf_container_pgsizes(struct viopf_container *container);
unsigned long viopf_container_granule(struct viopf_container *container);

/* The group of devices that page requests came through. */
static inline struct viopf_group *viopf_group_of(struct iopf_group *group)
{
	return container_of(group->attach_handle, struct viopf_group, handle);
}

#endif /* VIOPF_DOMAIN_H */
