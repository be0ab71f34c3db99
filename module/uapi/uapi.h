/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the uppermost floor offers to main.c: what VFIO's core is told of, and debugfs.
 */
#ifndef VIOPF_UAPI_H
#define VIOPF_UAPI_H

#include "compat/vfio_driver_ops.h"

extern const struct vfio_iommu_driver_ops viopf_driver_ops;

int viopf_containers_init(void);
void viopf_containers_exit(void);

int viopf_sysfs_init(void);
void viopf_sysfs_exit(void);

void viopf_verify_init(void);
void viopf_verify_exit(void);

#endif /* VIOPF_UAPI_H */
