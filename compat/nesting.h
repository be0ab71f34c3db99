/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * type1's containers whose domains are asked for nesting translation: of 6.12, and gone.
 */
#ifndef COMPAT_NESTING_H
#define COMPAT_NESTING_H

#include <linux/iommu.h>
#include <linux/vfio.h>

#ifdef VFIO_TYPE1_NESTING_IOMMU
static inline bool compat_is_nesting(unsigned long type)
{
	return type == VFIO_TYPE1_NESTING_IOMMU;
}

static inline int compat_enable_nesting(struct iommu_domain *domain)
{
	return iommu_enable_nesting(domain);
}
#else
static inline bool compat_is_nesting(unsigned long type)
{
	return false;
}

static inline int compat_enable_nesting(struct iommu_domain *domain)
{
	return 0;
}
#endif

#endif /* COMPAT_NESTING_H */
