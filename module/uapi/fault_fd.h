/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO_IOPF_FAULT_FD: see fault_fd.c.
 */
#ifndef VIOPF_FAULT_FD_H
#define VIOPF_FAULT_FD_H

#include "object/container.h"

void viopf_fault_fd_detach(struct viopf_container *container);
int viopf_fault_fd_open(struct viopf_container *container, void __user *arg);

#endif /* VIOPF_FAULT_FD_H */
