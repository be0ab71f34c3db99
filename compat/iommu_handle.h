/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The iommu core's attach handles, which lead from a page request to its owner
 * in O(1). Exported to modules (namespace IOMMUFD_INTERNAL) since Linux 6.11,
 * commit 8519e689834a ("iommu: Extend domain attach group with handle support"),
 * but declared in drivers/iommu/iommu-priv.h, which the headers packages leave
 * out.
 */
#ifndef VIOPF_COMPAT_IOMMU_HANDLE_H
#define VIOPF_COMPAT_IOMMU_HANDLE_H

#include <linux/iommu.h>

int iommu_attach_group_handle(struct iommu_domain *domain,
			      struct iommu_group *group,
			      struct iommu_attach_handle *handle);
void iommu_detach_group_handle(struct iommu_domain *domain,
			       struct iommu_group *group);
int iommu_replace_group_handle(struct iommu_group *group,
			       struct iommu_domain *new_domain,
			       struct iommu_attach_handle *handle);

#endif /* VIOPF_COMPAT_IOMMU_HANDLE_H */
