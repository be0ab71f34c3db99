/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the iommu core asks of a driver, for soft/. See iopf_feature.h for page requests.
 * In 6.12 attach_dev does not have the domain that the device leaves.
 */
#ifndef COMPAT_IOMMU_OPS_H
#define COMPAT_IOMMU_OPS_H

#include "../soft/iommu/iommu_priv.h"

#ifdef HAVE_ATTACH_DEV_OF_TWO
static inline int compat_attach_dev(struct iommu_domain *domain,
				    struct device *dev)
{
	return soft_attach_dev(domain, dev, NULL);
}
#else
#define compat_attach_dev	soft_attach_dev
#endif

#ifdef HAVE_IOMMU_DEV_FEAT_IOPF
static inline int compat_dev_enable_feat(struct device *dev,
					 enum iommu_dev_features feat)
{
	return feat == IOMMU_DEV_FEAT_IOPF ?
	       soft_iopf_enable(dev_iommu_priv_get(dev)) : -ENODEV;
}

static inline int compat_dev_disable_feat(struct device *dev,
					  enum iommu_dev_features feat)
{
	struct soft_endpoint *ep = dev_iommu_priv_get(dev);

	if (feat != IOMMU_DEV_FEAT_IOPF || !ep->iopf)
		return -ENODEV;
	soft_iopf_disable(ep);
	return 0;
}

#define COMPAT_FEATURE_OPS					\
	.dev_enable_feat = compat_dev_enable_feat,		\
	.dev_disable_feat = compat_dev_disable_feat,

/* Are page requests to be on in @domain, having been @on before? With @always, if that can be. */
static inline bool compat_wants_iopf(const struct iommu_domain *domain, bool on,
				     bool always)
{
	return on;
}
#else
#define COMPAT_FEATURE_OPS

static inline bool compat_wants_iopf(const struct iommu_domain *domain, bool on,
				     bool always)
{
	return always || domain->iopf_handler;
}
#endif

#endif /* COMPAT_IOMMU_OPS_H */
