/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our backend, as VFIO knows it: see backend.c.
 */
#ifndef VIOPF_BACKEND_H
#define VIOPF_BACKEND_H

#include "compat/vfio_driver_ops.h"

int viopf_containers_init(void);
void viopf_containers_exit(void);

extern const struct vfio_iommu_driver_ops viopf_driver_ops;

#endif /* VIOPF_BACKEND_H */
