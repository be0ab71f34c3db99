/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices of a failed container are cut off: see quarantine.c.
 */
#ifndef VIOPF_QUARANTINE_H
#define VIOPF_QUARANTINE_H

#include "object/domain.h"

void viopf_quarantine_group(struct viopf_group *vgroup);
void viopf_quarantine(struct viopf_container *container);
void viopf_quarantine_work(struct work_struct *work);

#endif /* VIOPF_QUARANTINE_H */
