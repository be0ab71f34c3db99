/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages pinned for devices: see pin.c.
 */
#ifndef VIOPF_PIN_H
#define VIOPF_PIN_H

#include "object/segment.h"

int viopf_pin_charge(struct viopf_mapping *mapping, unsigned long pages,
		     bool inc);
int viopf_pin_range(struct viopf_segment *segment, unsigned long first,
		    unsigned long end);
void viopf_unpin_range(struct viopf_segment *segment, unsigned long first,
		       unsigned long end);
int viopf_pin_advise(struct viopf_segment *segment, unsigned long first,
		     unsigned long end);
void viopf_unpin_advise(struct viopf_segment *segment, unsigned long first,
			unsigned long end);

#endif /* VIOPF_PIN_H */
