/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container's workers: see pool.c.
 */
#ifndef VIOPF_POOL_H
#define VIOPF_POOL_H

#include "fault/worker.h"

int viopf_workers_start(struct viopf_container *container);
bool viopf_workers_abort(struct viopf_container *container);
void viopf_workers_stop(struct viopf_container *container);

#endif /* VIOPF_POOL_H */
