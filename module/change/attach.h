/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Groups that come and go: see attach.c.
 */
#ifndef VIOPF_ATTACH_H
#define VIOPF_ATTACH_H

#include "object/domain.h"

int viopf_group_attach(struct viopf_group *vgroup);
void viopf_group_detach(struct viopf_group *vgroup);

#endif /* VIOPF_ATTACH_H */
