/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which mappings are pinned, and which are faultable: see mode.c.
 */
#ifndef VIOPF_MODE_H
#define VIOPF_MODE_H

#include "object/mapping.h"

int viopf_mode_apply(struct viopf_mapping *mapping, struct viopf_mapping *old);
int viopf_mode_update(struct viopf_container *container);
void viopf_mode_unpin_all(struct viopf_container *container);
void viopf_mode_enable_iopf(struct viopf_container *container);
int viopf_mode_disable_iopf(struct viopf_container *container);

#endif /* VIOPF_MODE_H */
