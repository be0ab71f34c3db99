/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver turns page requests on when a domain with a handler is attached. In 6.12 it is
 * told to by a feature, IOMMU_DEV_FEAT_IOPF, which some grant whether or not the device has
 * it: AMD's to any device, Arm's without setting it up (amd_iommu_dev_enable_feature(),
 * arm_smmu_dev_enable_feature()).
 */
#ifndef COMPAT_IOPF_FEATURE_H
#define COMPAT_IOPF_FEATURE_H

#include <linux/iommu.h>

#ifdef HAVE_IOMMU_DEV_FEAT_IOPF
static inline int compat_dev_iopf_enable(struct device *dev, void *data)
{
	struct device **failed = data;
	int ret = iommu_dev_enable_feature(dev, IOMMU_DEV_FEAT_IOPF);

	if (!ret && !rcu_access_pointer(dev->iommu->fault_param)) {
		iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF);
		ret = -ENODEV;
	}
	if (ret)
		*failed = dev;
	return ret;
}

static inline int compat_dev_iopf_disable(struct device *dev, void *data)
{
	struct device **until = data;

	if (dev == *until)
		return 1;
	iommu_dev_disable_feature(dev, IOMMU_DEV_FEAT_IOPF);
	return 0;
}

static inline void compat_group_iopf_disable(struct iommu_group *group)
{
	struct device *until = NULL;

	iommu_group_for_each_dev(group, &until, compat_dev_iopf_disable);
}

/* For all devices of a group, or none. */
static inline int compat_group_iopf_enable(struct iommu_group *group)
{
	struct device *failed = NULL;
	int ret = iommu_group_for_each_dev(group, &failed,
					   compat_dev_iopf_enable);

	if (ret)
		iommu_group_for_each_dev(group, &failed,
					 compat_dev_iopf_disable);
	return ret;
}

#define COMPAT_IOPF_STAYS_ON	true
#else
static inline void compat_group_iopf_disable(struct iommu_group *group)
{
}

static inline int compat_group_iopf_enable(struct iommu_group *group)
{
	return 0;
}

/* In a domain without a handler, too. */
#define COMPAT_IOPF_STAYS_ON	false
#endif

#endif /* COMPAT_IOPF_FEATURE_H */
