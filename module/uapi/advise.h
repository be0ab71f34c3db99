/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO_IOPF_ADVISE: see advise.c.
 */
#ifndef VIOPF_ADVISE_H
#define VIOPF_ADVISE_H

#include "object/container.h"

long viopf_advise(struct viopf_container *container, void __user *arg);

#endif /* VIOPF_ADVISE_H */
