/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kernel must be built with. Without it a module would not build, or not load, with
 * words that don't say why.
 */
#ifndef COMPAT_NEEDS_H
#define COMPAT_NEEDS_H

#include <linux/kconfig.h>

#ifndef HAVE_ATTACH_HANDLES
#error "vfio-iopf needs Linux 6.12 or newer: this kernel's iommu core has no attach handles"
#endif

#if !IS_ENABLED(CONFIG_VFIO_CONTAINER)
#error "vfio-iopf is a backend of VFIO's containers: this kernel lacks CONFIG_VFIO_CONTAINER"
#endif

/* INTEL_IOMMU (in 6.12 INTEL_IOMMU_SVM), AMD_IOMMU and ARM_SMMU_V3_SVA select it. */
#if !IS_ENABLED(CONFIG_IOMMU_IOPF)
#error "vfio-iopf needs page requests, of an IOMMU's driver: this kernel lacks CONFIG_IOMMU_IOPF"
#endif

/* DRM_AMDGPU_USERPTR, DRM_NOUVEAU_SVM and TEST_HMM select it. */
#if !IS_ENABLED(CONFIG_HMM_MIRROR)
#error "vfio-iopf reads page tables by hmm_range_fault(): this kernel lacks CONFIG_HMM_MIRROR"
#endif

#endif /* COMPAT_NEEDS_H */
