/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages pinned for drivers in the kernel: see driver_pins.c.
 */
#ifndef VIOPF_DRIVER_PINS_H
#define VIOPF_DRIVER_PINS_H

#include "object/mapping.h"

int viopf_external_pin(struct viopf_mapping *mapping, unsigned long iova,
		       struct page **page);
void viopf_external_unpin(struct viopf_mapping *mapping, unsigned long iova);
void viopf_external_release(struct viopf_mapping *mapping, bool in_use);
void viopf_externals_install(struct viopf_container *container);

#endif /* VIOPF_DRIVER_PINS_H */
