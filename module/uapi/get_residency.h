/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO_IOPF_RESIDENCY: see get_residency.c.
 */
#ifndef VIOPF_GET_RESIDENCY_H
#define VIOPF_GET_RESIDENCY_H

#include "object/container.h"

long viopf_get_residency(struct viopf_container *container, void __user *arg);

#endif /* VIOPF_GET_RESIDENCY_H */
